"""The open data as files: every data set in every form, dictionary, catalogue, and a manifest signed by the log's key.

Files are made anew at most once an hour, and only where the log has grown since: what they are made of does not
change without it. A manifest names every file by SHA-256 and length; its first line keeps it from being taken for a
checkpoint.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, Final

from app.db.database import Database
from app.disclosure.datasets import DATASETS, Dataset
from app.disclosure.open_files import FORMATS, MEDIA, write
from app.errors import Refused, refuse
from app.ledger import keys
from app.ledger.tree import entry_count
from app.rounds.log import stamp
from app.visits import codes
from app.visits.published import Window
from app.web.language import translate
from scheduler.notes import Note, VerifierKey

MANIFEST: Final = "MANIFEST.txt"
CATALOGUE: Final = "catalog.jsonld"
DICTIONARY: Final = "dictionary.json"
HEADER: Final = "double-random/open-data/v1"
RENEWED: Final = timedelta(hours=1)
LICENCE: Final = "https://creativecommons.org/licenses/by/4.0/"
_MAKING: Final = Lock()


def file_names() -> list[str]:
    """Every file that a manifest names, ascending."""
    tables = [f"{one.id}.{form}" for one in DATASETS.values() for form in FORMATS]
    return sorted([*tables, CATALOGUE, DICTIONARY])


def media_type(name: str) -> str:
    """What a file is."""
    if name == MANIFEST:
        return "text/plain; charset=utf-8"
    if name == CATALOGUE:
        return "application/ld+json"
    if name == DICTIONARY:
        return "application/json"
    return MEDIA[next(form for form in FORMATS if name.partition(".")[2] == form)]


def export(db: Database, data_dir: Path, window: Window, out: Path, now: datetime) -> Path:
    """Write all files and their signed manifest into `out`; gives the manifest's path.

    Raises Conflict `log.no_key` or `log.wrong_key` where this machine may not sign for the log.
    """
    out.mkdir(parents=True, exist_ok=True)
    with db.read() as session:
        size = entry_count(session)
        for one in DATASETS.values():
            for form in FORMATS:
                write(out / f"{one.id}.{form}", form, one.title, one.names, one.rows(session, window, None))
    _save(out / DICTIONARY, dictionary())
    _save(out / CATALOGUE, catalogue(now))
    (out / MANIFEST).write_text(_signed(db, data_dir, out, size, now), encoding="utf-8", newline="\n")
    return out / MANIFEST


def _signed(db: Database, data_dir: Path, out: Path, size: int, now: datetime) -> str:
    with db.write() as session:
        signer = keys.in_force(session, data_dir, now)
    lines = [HEADER, signer.name, f"made {stamp(now)}", f"log {size}"]
    lines += [f"{_digest(out / name)}  {(out / name).stat().st_size}  {name}" for name in file_names()]
    text = "\n".join(lines) + "\n"
    return str(Note(text, (signer.sign(text),)))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _save(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")


def current(db: Database, data_dir: Path, window: Window, now: datetime) -> Path:
    """The folder of the files as they are offered now; made where they are too old and something has happened."""
    root = data_dir / "open-data"
    with _MAKING:
        found = _newest(root)
        if found is not None and not _outdated(db, found, window.today, now):
            return found
        with db.read() as session:
            name = f"{now.astimezone(UTC):%Y%m%dT%H%M%S}-{entry_count(session)}"
        part = root / f".{name}"
        shutil.rmtree(part, ignore_errors=True)
        export(db, data_dir, window, part, now)
        shutil.rmtree(root / name, ignore_errors=True)
        part.rename(root / name)
        for old in _made(root)[:-2]:
            shutil.rmtree(old, ignore_errors=True)
        return root / name


def _made(root: Path) -> list[Path]:
    return sorted(path for path in root.glob("[0-9]*") if path.is_dir())


def _newest(root: Path) -> Path | None:
    return next(reversed(_made(root)), None)


def _outdated(db: Database, found: Path, today: date, now: datetime) -> bool:
    at, _, size = found.name.partition("-")
    made = datetime.strptime(at, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    if now - made < RENEWED:
        return False
    with db.read() as session:
        return entry_count(session) != int(size) or (made + timedelta(hours=8)).date() != today


def dictionary() -> dict[str, Any]:
    """What every column and code means, in both languages."""
    return {
        "datasets": {one.id: _described(one) for one in DATASETS.values()},
        "codes": {
            name: {code: {"zh": row.zh, "en": row.en} for code, row in table.items()}
            for name, table in _CODES.items()
        },
    }


_CODES: Final[Mapping[str, Mapping[str, codes.Named]]] = {
    "result": codes.RESULTS,
    "disposition": codes.DISPOSITIONS,
    "reason": codes.CHANGES,
}


def _described(one: Dataset) -> dict[str, Any]:
    return {
        "title": _both(one.title),
        "says": _both(one.says),
        "key": list(one.names[: one.key]),
        "columns": [
            {"name": column.name, "type": column.type, **_both(column.means)} for column in one.columns
        ],
    }


def _both(text: str) -> dict[str, str]:
    return {"zh": text, "en": translate("en", text)}


def catalogue(now: datetime) -> dict[str, Any]:
    """DCAT 3 as JSON-LD; addresses are relative to the catalogue's own."""
    return {
        "@context": {
            "dcat": "http://www.w3.org/ns/dcat#",
            "dct": "http://purl.org/dc/terms/",
            "spdx": "http://spdx.org/rdf/terms#",
        },
        "@type": "dcat:Catalog",
        "@id": CATALOGUE,
        "dct:title": _tagged("双随机、一公开 开放数据", "Double random, one disclosure: open data"),
        "dct:modified": stamp(now),
        "dct:license": {"@id": LICENCE},
        "dcat:dataset": [_dataset(one, now) for one in DATASETS.values()],
    }


def _tagged(zh: str, en: str) -> list[dict[str, str]]:
    return [{"@language": "zh-CN", "@value": zh}, {"@language": "en", "@value": en}]


def _dataset(one: Dataset, now: datetime) -> dict[str, Any]:
    return {
        "@type": "dcat:Dataset",
        "@id": f"#{one.id}",
        "dct:identifier": one.id,
        "dct:title": _tagged(one.title, translate("en", one.title)),
        "dct:description": _tagged(one.says, translate("en", one.says)),
        "dct:accrualPeriodicity": {"@id": "http://purl.org/cld/freq/continuous"},
        "dct:modified": stamp(now),
        "dct:conformsTo": {"@id": DICTIONARY},
        "dcat:distribution": [
            {
                "@type": "dcat:Distribution",
                "dct:title": f"{one.id}.{form}",
                "dcat:mediaType": MEDIA[form].partition(";")[0],
                "dcat:downloadURL": {"@id": f"{one.id}.{form}"},
            }
            for form in FORMATS
        ],
    }


def verify(folder: Path, key: VerifierKey) -> list[str]:
    """Check a downloaded folder: gives the names of its files, each of them as the manifest says.

    Raises Refused `note.*` where the signature does not hold, `data.manifest` for another text, `data.differs`.
    """
    note = Note.parse((folder / MANIFEST).read_text(encoding="utf-8"))
    note.require([key])
    head, *lines = note.text.splitlines()
    if head != HEADER:
        raise _other_text(head)
    found = []
    for line in lines[3:]:
        digest, size, name = line.split("  ")
        path = folder / name
        if "/" in name or not path.is_file() or path.stat().st_size != int(size) or _digest(path) != digest:
            raise _differs(name)
        found.append(name)
    return found


def _other_text(head: str) -> Refused:
    return refuse(
        "data.manifest",
        f"首行为“{head[:60]}”，不是开放数据的清单。",
        f"It begins with {head[:60]!r}: this is no manifest of open data.",
        "请从 /data/MANIFEST.txt 重新下载。",
        "Download /data/MANIFEST.txt again.",
    )


def _differs(name: str) -> Refused:
    return refuse(
        "data.differs",
        f"文件 {name} 缺失，或与清单不一致。",
        f"{name} is missing, or is not what the manifest says.",
        "请与清单同时重新下载该文件；下载期间数据可能已更新。",
        "Download it again together with the manifest: the files may have been renewed in between.",
        file=name,
    )
