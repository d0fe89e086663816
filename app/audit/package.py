"""Everything that an auditor takes along to verify a round elsewhere, as one file.

Both copies of the bundle, the newest checkpoint with its cosignatures, the proof that it continues the bundle's, the
log's keys and witnesses, and the verifier. What cannot go along says so by its absence: before the reveal there is no
bundle, and the package is refused as the bundle is.
"""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

from sqlmodel import Session

from app.db.database import Database
from app.disclosure import repository
from app.disclosure.bundle import CHECKPOINT, bundle_files
from app.disclosure.service import Bundles, bundle_name, write_bundles
from app.ledger import checkpoints, keys
from scheduler import verifier
from scheduler.notes import Checkpoint, Note

README = """批次 {round_id} 的核验包 · verification package of round {round_id}

在任何装有 Python 3.11 以上的机器上，不需联网 · on any machine with Python 3.11 or later, without a network:

  python -I verify.py {public} {arguments}
  python -I verify.py {auditor} {arguments}

verify.py 与 keys.txt 请与从别处得到的相比较：本网站若作假，也会对它们作假。
Compare verify.py and keys.txt with copies from elsewhere: a site that cheats would cheat about them too.
审计副本含依法不公开的内容，请勿转交。 The auditor's copy holds what the law keeps unpublished: hand it to nobody.
"""


def package_name(round_id: str) -> str:
    """File name of a round's package."""
    return f"audit-{round_id}.zip"


def write_package(db: Database, round_id: str, directory: Path) -> Path:
    """Write the package of a released round into a file of its own in `directory`, which the caller removes.

    Raises NotFound `round.not_public`; Conflict `bundle.before_reveal`, `bundle.not_signed`.
    """
    bundles = _bundles(db, round_id, directory)
    with db.read() as session:
        files = _beside(session, round_id, bundles)
    with (
        tempfile.NamedTemporaryFile(dir=directory, prefix=".package-", suffix=".zip", delete=False) as out,
        zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive,
    ):
        for path in (bundles.public, bundles.auditor):
            archive.write(path, path.name)
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return Path(out.name)


def _bundles(db: Database, round_id: str, directory: Path) -> Bundles:
    """Both copies, made on the first request and kept under a digest of what they are made from."""
    with db.read() as session:
        repository.round_of(session, round_id)
        folder = directory / repository.origin(session, round_id)[:32]
    known = Bundles(folder / bundle_name(round_id), folder / f"auditor-{round_id}.zip")
    return known if known.public.exists() and known.auditor.exists() else write_bundles(db, round_id, folder)


def _beside(session: Session, round_id: str, bundles: Bundles) -> dict[str, str]:
    newest = checkpoints.found(session)
    signed = bundle_files(session, round_id, "public")[CHECKPOINT].decode()
    size = Checkpoint.parse(Note.parse(signed).text).size
    log = [key.text for key in keys.announced(session)]
    witnesses = [key.text for key in keys.witnesses(session)]
    arguments = ["--seen checkpoint.txt", *(f"--key '{key}'" for key in log)]
    found = {
        "verify.py": Path(verifier.__file__).read_text(encoding="utf-8"),
        "checkpoint.txt": str(checkpoints.cosigned(session, newest)),
        "keys.txt": "".join(f"log {key}\n" for key in log) + "".join(f"witness {key}\n" for key in witnesses),
    }
    if size < newest.size:
        found["proof.txt"] = str(checkpoints.consistency(session, size, newest, newest.note))
        arguments.insert(1, "--proof proof.txt")
    said = {"round_id": round_id, "public": bundles.public.name, "auditor": bundles.auditor.name}
    return found | {"README.txt": README.format(**said, arguments=" ".join(arguments))}
