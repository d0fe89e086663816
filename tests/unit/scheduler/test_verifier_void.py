"""Bundles of void rounds: honest ones hold and say what was never made; cheats are caught at the step named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.disclosure.container import Copy, write_bundle
from scheduler.lottery.replacement import LateBar
from scheduler.verifier import verify
from tests.unit.scheduler.cheats import bind_manifest, hashed
from tests.unit.scheduler.round_factory import Draft, make_round
from tests.unit.scheduler.void_factory import AFTER, REASON, VOIDED_AT, sha, voided

Cheat = Callable[[Draft], None]
CASES: list[Any] = []
UNMADE = {
    "seal": {"visits", "schedule", "plan", "lottery", "assignment"},
    "plan": {"assignment"},
    "seats": set(),
}
HIDDEN = {
    "open/public": {"roster"},
    "open/auditor": set(),
    "sealed/public": {"frames", "seal", "roster"},
    "sealed/auditor": set(),
}
COPIES = tuple(HIDDEN)


@pytest.fixture(scope="module")
def rounds() -> dict[str, Draft]:
    return {privacy: make_round(privacy) for privacy in ("open", "sealed")}


@pytest.mark.parametrize("where", COPIES)
@pytest.mark.parametrize("after", AFTER)
def test_honest_void_rounds_hold_and_say_what_was_not_made(
    tmp_path: Path, rounds: dict[str, Draft], after: str, where: str
) -> None:
    privacy, copy = where.split("/")
    outcome = verify(
        voided(rounds[privacy], after).write(tmp_path, "public" if copy == "public" else "auditor")
    )
    assert outcome.status == 0, outcome.render()
    assert outcome.void == REASON
    assert "THE ROUND IS VOID" in outcome.render().splitlines()[-1]
    skipped = {line.step for line in outcome.lines if line.status == "SKIP"}
    assert skipped == UNMADE[after] | HIDDEN[where] | {"firm"}
    for line in outcome.lines:
        if line.step in UNMADE[after]:
            assert "not made: round void" in line.detail


@pytest.mark.parametrize("copy", ["public", "auditor"])
def test_absences_before_the_void_are_checked(tmp_path: Path, rounds: dict[str, Draft], copy: Copy) -> None:
    whole = rounds["sealed"].copied()
    person = min(whole.docs["lottery"]["assignment"].values())
    whole.absent("2027-01-05T16:00:00+08:00", LateBar(person, "sickness", "2027-01-11", "2027-01-29"))
    moved = [row for row in whole.docs["log/entries"] if row["entry"]["type"] != "round.reveal"]
    draft = voided(whole, "seats")
    event = draft.docs["events"][-1]
    draft.docs["events"] = [*whole.docs["events"], event]
    rows = draft.docs["log/entries"]
    rows[:-2] = moved
    rows[-2]["index"], rows[-1]["index"] = moved[-1]["index"] + 1, moved[-1]["index"] + 2
    outcome = verify(draft.write(tmp_path, copy))
    assert outcome.status == 0, outcome.render()
    draft.docs["events"].pop(1)
    assert failed(draft, tmp_path, copy) == "assignment"


def failed(draft: Draft, folder: Path, copy: Copy, drop: str = "") -> str:
    """The first step that fails, in a bundle without the file `drop`."""
    files = {name: data for name, data in draft.files(copy).items() if name != drop}
    path = folder / "round.zip"
    write_bundle(path, copy, draft.manifest.round_id, files)
    outcome = verify(path)
    assert outcome.status == 1, outcome.render()
    return next(line.step for line in outcome.lines if line.status == "FAIL")


def caught(step: str, after: str, *where: str) -> Callable[[Cheat], Cheat]:
    """Register a cheat on a round voided after something, with the step that must fail first."""

    def keep(cheat: Cheat) -> Cheat:
        CASES.extend(
            pytest.param(cheat, step, after, place, id=f"{cheat.__name__}-{after}-{place}")
            for place in where or COPIES
        )
        return cheat

    return keep


def without(draft: Draft, kind: str) -> None:
    rows = draft.docs["log/entries"]
    rows[:] = [row for row in rows if row["entry"]["type"] != f"round.{kind}"]


@caught("manifest", "seal")
def void_left_out_of_the_log(draft: Draft) -> None:
    without(draft, "void")


@caught("void", "plan")
def void_that_was_never_logged(draft: Draft) -> None:
    """With a proof of another entry in the void's place."""
    draft.entry("void")["type"] = "round.note"
    draft.raw["log/proofs/void"] = b"c2sp.org/tlog-proof@v1\n"


@caught("manifest", "seal")
def void_not_stated(draft: Draft) -> None:
    del draft.docs["reveal"]["void"]
    draft.log_reveal()


@caught("void", "seal")
def void_without_its_event(draft: Draft) -> None:
    draft.docs["events"] = []


@caught("void", "seal")
def void_by_one_person(draft: Draft) -> None:
    for holder in (draft.docs["events"][0], draft.entry("void")):
        holder["confirmed_by"] = holder["by"]


@caught("void", "plan")
def void_for_another_reason_than_logged(draft: Draft) -> None:
    draft.docs["events"][0]["reason"] = draft.docs["reveal"]["void"] = "frame_wrong"
    draft.log_reveal()


@caught("log", "seal")
def reason_changed_everywhere_but_in_the_digest(draft: Draft) -> None:
    for holder in (draft.docs["events"][0], draft.entry("void")):
        holder["reason"] = "frame_wrong"
    draft.docs["reveal"]["void"] = "frame_wrong"
    draft.log_reveal()


@caught("void", "seal")
def void_confirmed_by_another_than_logged(draft: Draft) -> None:
    draft.docs["events"][0]["confirmed_by"] = sha("丙")


@caught("void", "seal")
def void_at_another_time_than_logged(draft: Draft) -> None:
    draft.docs["events"][0]["at"] = "2027-01-05T09:00:00+08:00"


@caught("void", "seal")
def replaced_after_the_void(draft: Draft) -> None:
    draft.docs["events"].append({"at": VOIDED_AT, "type": "replacement"})


@caught("draw", "seal", "open/public", "open/auditor", "sealed/auditor")
def result_changed_before_the_void_is_published(draft: Draft) -> None:
    strata = draft.docs["results/D1-credit"]["strata"]
    chosen = next(item for item in strata if item["selected"] and item["backups"])
    chosen["selected"][0], chosen["backups"][0] = chosen["backups"][0], chosen["selected"][0]


@caught("draw", "seal", "sealed/public")
def result_cut_short(draft: Draft) -> None:
    draft.public["results/D3-own"]["selected"].pop()


@caught("seal", "seal", "open/public", "open/auditor", "sealed/auditor")
def seal_of_another_result(draft: Draft) -> None:
    draft.docs["reveal"]["seal"] = draft.entry("seal")["digest"] = "0" * 64
    draft.log_reveal()


@caught("manifest", "plan")
def plan_kept_back(draft: Draft) -> None:
    for name in ("visits", "schedule", "lottery"):
        del draft.docs[name]


@caught("manifest", "seal")
def result_kept_back(draft: Draft) -> None:
    del draft.docs["results/D2-cool"]
    draft.public.pop("results/D2-cool")


@caught("plan", "plan")
def plan_changed_after_it_was_bound(draft: Draft) -> None:
    for route in draft.docs["schedule"]["routes"]:
        route["district"] = "新市区"


@caught("assignment", "plan")
def seats_given_without_a_draw(draft: Draft) -> None:
    seat = draft.docs["lottery"]["seats"][0]["seat_id"]
    draft.docs["lottery"]["assignment"] = {seat: "D1-00"}


@caught("assignment", "seats")
def seats_swapped(draft: Draft) -> None:
    seats = draft.docs["lottery"]["assignment"]
    first, *others = sorted(seats)
    other = next(seat for seat in others if seats[seat] != seats[first])
    seats[first], seats[other] = seats[other], seats[first]


@caught("commitments", "seal")
def another_secret(draft: Draft) -> None:
    draft.docs["reveal"]["secrets"][0]["secret"] = "00" * 32
    draft.log_reveal()


@caught("log", "seal")
def commitment_to_a_plan_that_was_never_logged(draft: Draft) -> None:
    draft.docs["reveal"]["plan_commitment"] = "ab" * 32
    draft.log_reveal()


@caught("entropy", "seats")
def seats_without_the_entropy_that_drew_them(draft: Draft) -> None:
    without(draft, "entropy_seats")


@caught("assignment", "seats")
def seats_drawn_before_their_plan_was_bound(draft: Draft) -> None:
    without(draft, "plan")
    draft.docs["reveal"]["plan_commitment"] = None
    for name in ("visits", "schedule", "lottery"):
        del draft.docs[name]
    draft.log_reveal()


@caught("log", "seal")
def void_after_the_reveal(draft: Draft) -> None:
    rows = draft.docs["log/entries"]
    rows[-1]["entry"], rows[-2]["entry"] = rows[-2]["entry"], rows[-1]["entry"]


@pytest.mark.parametrize(("cheat", "step", "after", "where"), CASES)
def test_a_tampered_void_bundle_is_caught(
    tmp_path: Path, rounds: dict[str, Draft], cheat: Cheat, step: str, after: str, where: str
) -> None:
    privacy, copy = where.split("/")
    draft = voided(rounds[privacy], after)
    cheat(draft)
    assert failed(draft, tmp_path, "public" if copy == "public" else "auditor") == step


@pytest.mark.parametrize("where", COPIES)
def test_a_void_round_is_not_passed_off_as_a_valid_one(
    tmp_path: Path, rounds: dict[str, Draft], where: str
) -> None:
    """Everything was made, so all files are there; the log alone still says that the round is void."""
    privacy, copy = where.split("/")
    draft = voided(rounds[privacy], "seats")
    del draft.docs["reveal"]["void"]
    draft.docs["events"] = []
    draft.log_reveal()
    assert (
        failed(draft, tmp_path, "public" if copy == "public" else "auditor", drop="log/proofs/void") == "void"
    )


def test_a_void_that_is_not_in_the_signed_log_fails(tmp_path: Path, rounds: dict[str, Draft]) -> None:
    draft = voided(rounds["open"], "seal")
    honest = draft.files("public")
    draft.entry("void")["actor_role"] = "somebody"
    signed = {name: data for name, data in honest.items() if name.startswith("log/") and "." not in name}
    path = tmp_path / "round.zip"
    write_bundle(path, "public", draft.manifest.round_id, {**draft.files("public"), **signed})
    assert [line.step for line in verify(path).lines if line.status == "FAIL"] == ["checkpoint"]


@pytest.mark.parametrize("source", ["drand quicknet 7", "drand mainnet 1"])
@pytest.mark.parametrize("part", ["entropy", "entropy_seats"])
def test_a_drand_round_that_was_out_counts_for_nothing(
    rounds: dict[str, Draft], tmp_path: Path, part: str, source: str
) -> None:
    draft = rounds["open"].copied()
    for values in (draft.docs["manifest"][part], draft.docs["reveal"][part], draft.entry(part)["values"]):
        values[-1]["id"] = source
    draft.entry(part)["digest"] = hashed(draft, draft.docs["reveal"][part])
    bind_manifest(draft)
    outcome = verify(draft.write(tmp_path, "auditor"))
    line = next(line for line in outcome.lines if line.step == "entropy")
    assert line.status == "FAIL"
    assert ("公信等级 2 高于 1" in line.detail) == (part == "entropy")
