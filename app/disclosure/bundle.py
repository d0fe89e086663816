"""The files of a round's bundle: which ones a copy holds, and the form in which the public gets them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlmodel import Session

from app.disclosure import repository
from app.disclosure.repository import Copy, Form, document
from app.errors import Conflict, Problem
from app.ledger import checkpoints
from app.ledger import repository as ledger
from app.rounds.tables import Round
from scheduler.encoding import Json, canonical_json

ENTRIES = "log/entries.json"
CHECKPOINT = "log/checkpoint"
_PROVED = ("manifest", "seal", "reveal")
_LAST_ENTRY = "round.reveal"


def proved(row: Round) -> dict[str, str]:
    """Files that prove an entry of the round to be in the signed log, and the entry's type; a void's too."""
    kinds = (*_PROVED, "void") if repository.is_void(row) else _PROVED
    return {f"log/proofs/{kind}": f"round.{kind}" for kind in kinds}


class BundleFiles(Mapping[str, bytes]):
    """Name to contents of one copy's files, each read from the ledger when asked for, so that memory holds one.

    Valid as long as the session is. `digests.json` is the container's.
    """

    def __init__(self, session: Session, row: Round, copy: Copy) -> None:
        self._session = session
        self._round_id = row.round_id
        self._forms = repository.forms(session, row, copy)
        self._proved = proved(row)
        self._from_log = (ENTRIES, CHECKPOINT, *self._proved)

    def __getitem__(self, name: str) -> bytes:
        """Contents in the copy's form; KeyError for a name that the copy does not hold."""
        if name == ENTRIES:
            return log_entries(self._session, self._round_id)
        if name in self._from_log:
            return signed_log(self._session, self._round_id, self._proved)[name]
        form = self._forms[name]
        return in_form(ledger.load(self._session, self._round_id, name), form)

    def __contains__(self, name: object) -> bool:
        """Whether the copy holds `name`; reads no contents."""
        return name in self._from_log or name in self._forms

    def __iter__(self) -> Iterator[str]:
        """Names ascending by their bytes."""
        return iter(sorted((*self._forms, *self._from_log), key=str.encode))

    def __len__(self) -> int:
        """How many files."""
        return len(self._forms) + len(self._from_log)


def bundle_files(session: Session, round_id: str, copy: Copy) -> BundleFiles:
    """The files of a copy. Raises Conflict `bundle.before_reveal` until the round is revealed or void when drawn."""
    row = repository.round_of(session, round_id)
    if not repository.released(row):
        raise _before_reveal(row)
    return BundleFiles(session, row, copy)


def public_file(session: Session, round_id: str, name: str) -> Any:
    """A JSON file of the public copy, parsed. What is absent or not yet public raises `round.not_public`."""
    row = repository.released_round(session, round_id)
    files = BundleFiles(session, row, "public")
    if name not in files:
        raise repository.not_public(round_id)
    return document(files[name])


def in_form(data: bytes, form: Form) -> bytes:
    """Stored bytes in the form that a copy shows."""
    if form == "as_kept":
        return data
    stored = document(data)
    return _file(_without_salt(stored) if form == "without_salt" else drawn_only(stored))


def drawn_only(result: Mapping[str, Any]) -> dict[str, Any]:
    """A sealed round's result for the public: one list in id order, without stratum, number or cut-off."""
    drawn = sorted(row["target_id"] for stratum in result["strata"] for row in stratum["selected"])
    return {"draw_id": result["draw_id"], "n": len(drawn), "selected": drawn}


def log_entries(session: Session, round_id: str) -> bytes:
    """The round's log entries up to its reveal: what is logged later is not the bundle's, which never changes."""
    rows: list[Json] = []
    for row in ledger.entries(session, round_id):
        rows.append(row)
        if row["entry"]["type"] == _LAST_ENTRY:
            break
    return _file(rows)


def signed_log(session: Session, round_id: str, wanted: Mapping[str, str]) -> dict[str, bytes]:
    """The first checkpoint that holds the round's reveal, and the proofs to it: the same ones for ever.

    `wanted`: names of the proofs' files, and the types of the entries that they prove.

    Raises Conflict `bundle.not_signed` while there is none.
    """
    indices = {row["entry"]["type"]: row["index"] for row in ledger.entries(session, round_id)}
    row = checkpoints.covering(session, indices[_LAST_ENTRY])
    if row is None:
        raise _not_signed(round_id)
    proofs = {
        name: str(checkpoints.inclusion(session, indices[kind], row, row.note)).encode()
        for name, kind in wanted.items()
    }
    return {CHECKPOINT: row.note.encode(), **proofs}


def _not_signed(round_id: str) -> Conflict:
    return Conflict(
        Problem(
            "bundle.not_signed",
            f"批次 {round_id} 的公开记录尚未在签名的日志检查点之内。",
            f"The reveal of round {round_id} is in no signed checkpoint of the log yet.",
            "请稍候，或运行 log checkpoint 后再导出。",
            "Wait a minute, or run `log checkpoint`, and export again.",
            {"round_id": round_id},
        )
    )


def _without_salt(reveal: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in reveal.items() if key != "k_salt"}


def _file(value: Json) -> bytes:
    return canonical_json(value) + b"\n"


def _before_reveal(row: Round) -> Conflict:
    return Conflict(
        Problem(
            "bundle.before_reveal",
            f"批次 {row.round_id} 处于 {row.stage} 阶段，尚未公开，不能生成归档。",
            f"Round {row.round_id} is at stage {row.stage}; a bundle is made only once the round is revealed.",
            "名单按规定在末次检查后公开，请在公开步骤完成后再导出。",
            "The list is published after the last visit. Export again when the round has been revealed.",
            {"round_id": row.round_id, "stage": row.stage},
        )
    )
