"""Photos and files of a visit: told from their bytes, kept with what their maker claims and when they were received."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.errors import Refused
from app.ledger import repository as ledger
from app.visits import forms, repository, service
from app.visits.demo_story import demo_picture
from app.visits.records import Record
from app.visits.service import Upload
from tests.visit_steps import arrived, inspector
from tests.visited_round import CLERK, Visited


def test_files_are_what_their_bytes_say(visited: Visited) -> None:
    visit, (check,) = visited.visit()
    at = arrived(visited, visit)

    def add(data: bytes, kind: str = "photo") -> None:
        service.add_evidence(visited.desk, visit.key, Upload(data, check.department, kind, at), CLERK, at)

    huge = bytearray(demo_picture("x"))
    huge[16:24] = (100_000).to_bytes(4, "big") * 2
    cut, wrong = demo_picture("y")[:-4], b"MZ" + demo_picture("z")
    bad = (
        (b"", "size"),
        (b"<html>", "type"),
        (b"\xff\xd8\xff\xe0cut", "type"),
        (cut, "type"),
        (wrong, "type"),
    )
    for data, code in (*bad, (bytes(huge), "dimensions")):
        with pytest.raises(Refused, match=rf"evidence\.{code}"):
            add(data)
    with pytest.raises(Refused, match=r"evidence\.place"):
        add(demo_picture("w"), "video")
    add(demo_picture("w"))
    add(demo_picture("w"))
    with visited.desk.db.read() as session:
        (row,) = repository.evidence(session, visit.key)
        assert ledger.load(session, f"visit:{visit.key}", f"evidence/{row.sha256}") == demo_picture("w")
    assert (row.media_type, row.width, row.height) == ("image/png", 16, 16)


def test_a_phone_whose_clock_is_ahead_is_not_believed_and_its_photo_is_kept(visited: Visited) -> None:
    """Two attempts that claim times to come were received at one moment: they are one attempt."""
    visit, (check,) = visited.visit()
    at = arrived(visited, visit)
    for place in range(2):
        given = Upload(
            demo_picture(str(place)), check.department, "attempt", at + timedelta(days=400, hours=place)
        )
        service.add_evidence(visited.desk, visit.key, given, CLERK, at)
    with visited.desk.db.read() as session:
        rows = repository.evidence(session, visit.key)
        page = forms.form(forms.papers(session, visit.key), "on-site")
    assert [(row.ahead, row.made_at) for row in rows] == [(True, row.at) for row in rows]
    assert rows[0].taken_at - rows[0].at >= timedelta(days=400), "what the phone claimed is kept"
    assert str(page).count("手机时间") == 2
    unreached = Record("not_contacted", "listed_abnormal", "", None)
    with pytest.raises(Refused, match=r"record\.attempts"):
        service.record(visited.desk, check.key, unreached, inspector(visited, visit, check), at)
