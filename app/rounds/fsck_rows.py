"""The rows that a round draws from or leads to, derived again: deposits, public values, planned checks, seat events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlmodel import select

from app.ledger.fsck import Finding, differences, second
from app.rounds import repository
from app.rounds.changes import planned
from app.rounds.service import SERVICE_PARTY
from app.rounds.stages import SALT
from app.rounds.story import Story, said_at
from app.rounds.tables import Deposit, EntropyUse, PlannedCheck
from scheduler.changes import after_changes
from scheduler.lottery.replacement import event_digest
from scheduler.seed import RoundKeys, commitment, derive_keys, salt_commitment
from scheduler.suite import suite as suite_named


def check_deposits(story: Story) -> Iterator[Finding]:
    """Parties and commitments as announced; a secret that is there opens its commitment."""
    round_id, expected = story.row.round_id, _commitments(story)
    given = {entry["party"] for entry in story.of("round.deposit")}
    for row in repository.deposits(story.session, round_id):
        name = f"{round_id}/{row.party}"
        known = expected.pop(row.party, None)
        if known is None:
            yield Finding("round_deposit", name, "party", row.party, "a party that was announced")
            continue
        own = row.party in (SERVICE_PARTY, SALT)
        pairs: dict[str, tuple[object, object]] = {
            "commitment": (row.commitment, "" if row.party == SALT else known),
            "own": (row.own, own),
            "sealed_secret": (_opens(story, row), known if own or row.party in given else None),
        }
        yield from differences("round_deposit", name, pairs)
    for party in expected:
        yield Finding("round_deposit", f"{round_id}/{party}", "*", "missing", "a party that was announced")


def _commitments(story: Story) -> dict[str, str]:
    """Commitment by party as logged at the beginning, or as frozen; the salt's stands under the empty name."""
    if not story.reached("frozen"):
        return {row["party"]: row["commitment"] for row in story.of("round.created")[0]["commitments"]}
    manifest = story.manifest()
    found = {row.party: row.commitment for row in manifest.commitments}
    return found if manifest.salt_commitment is None else {**found, SALT: manifest.salt_commitment}


def _opens(story: Story, row: Deposit) -> str | None:
    """The commitment that the kept secret opens; None where no secret is kept."""
    if row.sealed_secret is None:
        return None
    secret, suite = story.vault.open(row.sealed_secret), suite_named(story.manifest().suite)
    if row.party == SALT:
        return salt_commitment(suite, row.round_id, secret).hex()
    return commitment(suite, row.round_id, row.party, secret).hex()


def check_entropy(story: Story) -> Iterator[Finding]:
    """The public values as they were supplied and logged; a source is used once."""
    round_id, expected = story.row.round_id, _entropy_uses(story)
    rows = story.session.exec(select(EntropyUse).where(EntropyUse.round_id == round_id)).all()
    for row in rows:
        known = expected.pop(row.source, None)
        if known is None:
            yield Finding("entropy_use", row.source, "source", row.source, "a source that the log names")
            continue
        found = {"name": row.name, "part": row.part, "value": row.value, "at": second(row.at)}
        yield from differences("entropy_use", row.source, {key: (found[key], known[key]) for key in found})
    for source in expected:
        yield Finding("entropy_use", source, "*", "missing", f"a row of {round_id}")


def _entropy_uses(story: Story) -> dict[str, dict[str, object]]:
    """Rows by source: as supplied, and, for a demonstration's own sources, as the stage logged them."""
    uses: dict[str, dict[str, object]] = {}
    supplied = set()
    for entry in story.of("round.supplied"):
        supplied.add((entry["part"], entry["id"]))
        uses[entry["used_as"]] = {
            "name": entry["id"],
            "part": entry["part"],
            "value": entry["value"],
            "at": said_at(entry),
        }
    for part in ("entropy", "entropy_seats"):
        for entry in story.of(f"round.{part}"):
            for value in entry["values"]:
                if (part, value["id"]) not in supplied:
                    row = {"name": value["id"], "part": part, "value": value["value"], "at": said_at(entry)}
                    uses[f"{story.row.round_id}/{part}/{value['id']}"] = row
    return uses


def check_planned(story: Story) -> Iterator[Finding]:
    """The checks that the plan placed; a void round has none."""
    round_id = story.row.round_id
    expected = _planned(story) if story.reached("packed") and not story.of("round.void") else {}
    rows = story.session.exec(select(PlannedCheck).where(PlannedCheck.round_id == round_id))
    for row in rows.all():
        name = f"{round_id}/{row.check_id}"
        known = expected.pop(row.check_id, None)
        if known is None:
            yield Finding("planned_check", name, "check_id", row.check_id, "a check of the plan")
            continue
        yield from differences("planned_check", name, {key: (getattr(row, key), known[key]) for key in known})
    for check_id in expected:
        yield Finding(
            "planned_check", f"{round_id}/{check_id}", "*", "missing", "a row for each check planned"
        )


def _planned(story: Story) -> dict[str, dict[str, object]]:
    events = [row.event for row in repository.seat_events(story.session, story.row.round_id)]
    visits, _ = after_changes(story.json("visits.json"), story.json("schedule.json"), events)
    names = ("target_id", "department", "items", "day")
    return {key: dict(zip(names, cells, strict=True)) for key, cells in planned(visits).items()}


def check_seat_events(story: Story) -> Iterator[Finding]:
    """Absences, moves and replacements against their hidden digests in the log, one by one in order."""
    round_id = story.row.round_id
    rows = repository.seat_events(story.session, round_id)
    kinds = ("round.absence", "round.seat_move", "round.replacement", "round.plan_change")
    logged = [entry["digest"] for entry in story.entries if entry["type"] in kinds]
    keys = _keys(story) if rows and logged else None
    for number in range(max(len(rows), len(logged))):
        name = f"{round_id}/{number}"
        if number >= len(rows) or number >= len(logged) or keys is None:
            yield Finding("seat_event", name, "number", "one alone", "a row for each event logged")
            continue
        row = rows[number]
        recusal = row.event["type"] == "absence" and row.event["reason"] == "recusal"
        pairs: dict[str, tuple[object, object]] = {
            "number": (row.number, number),
            "event": (event_digest(keys, row.event).hex(), logged[number]),
            "target_id": (row.target_id is not None, recusal),
        }
        yield from differences("seat_event", name, pairs)


def _keys(story: Story) -> RoundKeys:
    deposits = repository.deposits(story.session, story.row.round_id)
    opened: dict[str, Any] = {
        row.party: story.vault.open(row.sealed_secret) for row in deposits if row.party and row.sealed_secret
    }
    values = {row["id"]: row["value"] for row in story.of("round.entropy")[0]["values"]}
    return derive_keys(story.manifest(), opened, values)
