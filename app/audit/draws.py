"""Rules about what was drawn: numbers, cool-down, seals, seats. Codes and figures alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from app.audit.finished import Finished
from app.rounds.tables import STAGES
from scheduler.encoding import PPM
from scheduler.lottery.shares import shares_of
from scheduler.manifest import DrawSpec, Manifest
from scheduler.probability import possible_sizes
from scheduler.seed import check_salt, derive_keys, seal, seats_seal
from scheduler.sizes import clamp_recent

Stratum = dict[str, Any]


class Broken(Exception):  # noqa: N818 - what was found in the data, no failure of this program
    """A rule does not hold; the text says where, in codes and figures."""


def same(found: object, expected: object, where: str) -> None:
    """Raise Broken unless the two are equal."""
    if found != expected:
        raise Broken(f"{where}: {found} ≠ {expected}")


def _strata(one: Finished) -> Iterator[tuple[DrawSpec, list[Stratum]]]:
    for spec in one.manifest.draws:
        yield spec, one.json(f"results/{spec.draw_id}.json")["strata"]


def _cells(one: Finished, spec: DrawSpec) -> Iterator[tuple[str, tuple[str, ...], bool]]:
    """(target, stratum, recent) of each row of a draw's frame."""
    head, *rows = one.bytes(f"frames/{spec.draw_id}.tsv").decode().splitlines()
    names = head.split("\t")
    places = [names.index(name) for name in spec.strata_by]
    recent = names.index("recent") if spec.cooldown else None
    for row in rows:
        cells = row.split("\t")
        yield cells[0], tuple(cells[place] for place in places), recent is not None and cells[recent] == "1"


def numbers(one: Finished) -> str:
    """Each stratum has the rows that its frame has, and a size that its rule can give."""
    total = strata = 0
    for spec, found in _strata(one):
        counted = Counter(key for _, key, _ in _cells(one, spec))
        same({tuple(row["stratum"]): row["N"] for row in found}, dict(counted), f"{spec.draw_id} N")
        for row in found:
            where, n = f"{spec.draw_id}[{'/'.join(row['stratum'])}] n", len(row["selected"])
            allowed = {size for size, _ in possible_sizes(spec.rule_of(tuple(row["stratum"])), row["N"])}
            same(row["n"], n, where)
            if n not in allowed:
                raise Broken(f"{where}: {n} ∉ {sorted(allowed)}")
            total, strata = total + n, strata + 1
    return f"{strata} → {total}"


def cooldown(one: Finished) -> str:
    """Nobody is drawn twice by a draw, and of those in cool-down no more or fewer than the rule can give."""
    total = 0
    for spec, found in _strata(one):
        chosen = Counter(row["target_id"] for stratum in found for row in stratum["selected"])
        twice = sum(count - 1 for count in chosen.values())
        same(twice, 0, f"{spec.draw_id} twice")
        if spec.cooldown is None:
            continue
        recent = {target for target, _, warm in _cells(one, spec) if warm}
        for row in found:
            warm = sum(entry["target_id"] in recent for entry in row["selected"])
            where = f"{spec.draw_id}[{'/'.join(row['stratum'])}]"
            same(warm, row["n1"], f"{where} n1")
            if warm not in (allowed := _recent_sizes(row, spec.cooldown.lambda_ppm)):
                raise Broken(f"{where} n1: {warm} ∉ {sorted(allowed)}")
            total += warm
    return str(total)


def _recent_sizes(row: Stratum, lambda_ppm: int) -> set[int]:
    """docs/draw.md, section 7: ⌊x⌋ or ⌈x⌉ of x = λ·n·N₁/N, kept so that both parts suffice."""
    x = Fraction(lambda_ppm * row["n"] * row["N1"], PPM * row["N"])
    return {clamp_recent(size, row["n"], row["N"], row["N1"]) for size in (x.__floor__(), x.__ceil__())}


def sealed(one: Finished) -> str:
    """Secrets open the commitments, and what was published is what was sealed and logged before."""
    reveal, manifest = one.json("reveal.json"), one.manifest
    digest = manifest.manifest_hash(manifest.algorithms).hex()
    same(one.logged["round.manifest"]["digest"], digest, "round.manifest")
    secrets = {row["party"]: bytes.fromhex(row["secret"]) for row in reveal["secrets"]}
    salt = bytes.fromhex(reveal["k_salt"]) if "k_salt" in reveal else None
    check_salt(manifest, salt)
    keys = derive_keys(manifest, secrets, {row["id"]: row["value"] for row in reveal["entropy"]})
    pairs = {"round.seal": seal(keys, _result(one, manifest), salt).hex()}
    if one.holds("lottery.json") and STAGES.index(one.row.stage) >= STAGES.index("seated"):
        pairs["round.seats"] = seats_seal(keys, one.json("lottery.json")["assignment"]).hex()
    for kind, found in pairs.items():
        same(found, one.logged[kind]["digest"], kind)
    for kind, name in (
        ("round.seal", "seal"),
        ("round.plan", "plan_commitment"),
        ("round.seats", "seats_seal"),
    ):
        same(reveal[name], one.logged.get(kind, {}).get("digest"), name)
    return f"{digest[:8]}… {pairs['round.seal'][:8]}…"


def _result(one: Finished, manifest: Manifest) -> list[Any]:
    """The array that was sealed, read back from the files: without numbers and cut-offs."""
    found = []
    for spec in sorted(manifest.draws, key=lambda spec: spec.draw_id.encode()):
        strata = one.json(f"results/{spec.draw_id}.json")["strata"]
        found.append({"draw_id": spec.draw_id, "strata": [_sealed_stratum(row) for row in strata]})
    return found


def _sealed_stratum(row: Stratum) -> Stratum:
    ids = {part: [entry["target_id"] for entry in row[part]] for part in ("selected", "backups")}
    return {**{name: value for name, value in row.items() if name != "cutoff"}, **ids}


def loads(one: Finished) -> str:
    """The inspectors' published loads add up to the seats, and each seat was given to one of them, by day one each."""
    lottery = one.json("lottery.json")
    seats = {row["seat_id"]: row["date"] for row in lottery["seats"]}
    same(sum((share.expected for share in shares_of(lottery)), Fraction()), len(seats), "Σ load")
    if STAGES.index(one.row.stage) < STAGES.index("seated"):
        return f"{len(seats)}"
    same(set(lottery["assignment"]), set(seats), "seats")
    days = Counter((person, seats[seat]) for seat, person in lottery["assignment"].items())
    same(sum(count - 1 for count in days.values()), 0, "two seats a day")
    return f"{len(seats)} = Σ"
