"""What the public page of a round says, as plain values: steps, draws against their rules, the plan's measures.

Texts here are Chinese and marked for translation; the templates translate them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlmodel import Session

from app.disclosure import repository
from app.ledger import repository as ledger
from app.rounds.tables import Round
from app.web.language import Language, marked

PPM: Final = 1_000_000

ASSURANCE: Final = {
    0: marked("只有一方的秘密：须信任这一方"),
    1: marked("两方及以上的秘密：各方全部串通才能左右结果"),
    2: marked("两方及以上的秘密，另加冻结之后产生的至少 64 位公共随机数"),
}
WAITING: Final = {
    "approval": marked("等待批准"),
    "deposits": marked("等待各方交存秘密"),
    "entropy": marked("等待公共随机数"),
    "entropy_seats": marked("等待抽取人员的公共随机数"),
    "reveal": marked("等待检查结束后公开"),
}
STATUSES: Final = {
    "running": marked("进行中"),
    "waiting": marked("等待中"),
    "done": marked("已公开"),
    "void": marked("已作废"),
    "refused": marked("未通过规则检查"),
}
VOID_REASONS: Final = {
    "deadline_missed": marked("公共随机数未在期限内产生"),
    "deposits_incomplete": marked("各方秘密未在期限内交齐"),
    "frame_wrong": marked("名录有误"),
    "plan_withdrawn": marked("计划已撤销"),
    "plan_infeasible": marked("计划无法实施"),
}
BOUND_KINDS: Final = {
    "energy": marked("工时下界"),
    "columns": marked("列生成下界"),
    "partition": marked("逐户最少分组"),
}


@dataclass(frozen=True, slots=True)
class Digest:
    """A hash that a step left behind, and what it is of."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Step:
    """One of the six steps of a draw; `at` is None while it is ahead."""

    name: str
    says: str
    at: datetime | str | None
    digests: tuple[Digest, ...] = ()
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Stratum:
    """A stratum of an open round: rows, drawn, its rule in millionths, and what the rule asks for."""

    name: str
    rows: int
    drawn: int
    ratio_ppm: int
    expected: float


@dataclass(frozen=True, slots=True)
class Draw:
    """One draw. `drawn` is None until the reveal; `expected` is None where the rule differs by internal strata."""

    draw_id: str
    title: str
    departments: tuple[str, ...]
    rows: int
    excluded: int | None
    digest: Digest
    ratios_ppm: tuple[int, ...]
    drawn: int | None
    expected: float | None
    strata: tuple[Stratum, ...]

    @property
    def band(self) -> tuple[float, float] | None:
        """Where the rules may put the number drawn, lowest to highest ratio; None where one is expected."""
        if self.expected is not None:
            return None
        return self.rows * self.ratios_ppm[0] / PPM, self.rows * self.ratios_ppm[-1] / PPM


@dataclass(frozen=True, slots=True)
class Measure:
    """One of the measures, three ways of organising the same checks side by side, and the bound where one is proven."""

    name: str
    unit: str
    plan: int
    greedy: int
    alone: int
    is_minutes: bool = False
    estimated: bool = False
    bound: int | None = None
    bound_kind: str = ""
    gap: float | None = None
    is_total: bool = True

    @property
    def saved(self) -> float | None:
        """Share saved against departments alone; None where that is 0, and for what is a most and no total."""
        return (self.alone - self.plan) / self.alone if self.alone and self.is_total else None


@dataclass(frozen=True, slots=True)
class Joining:
    """How checks became entries. `by_size[k]`: visits at which k departments come together.

    `departments_per_target`, `entries_per_target`: how many targets have so many departments, so many entries.
    """

    checks: int
    unscheduled: int
    entries: int
    by_size: tuple[tuple[int, int], ...]
    overlap: tuple[tuple[tuple[str, ...], int], ...]
    departments_per_target: tuple[tuple[int, int], ...]
    entries_per_target: tuple[tuple[int, int], ...]


def names_in(language: Language, names: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Names of departments or titles of items in one language."""
    return {code: pair[1] if language == "en" else pair[0] for code, pair in names.items()}


def steps(session: Session, row: Round) -> list[Step]:
    """The six steps with times and hashes: commitments only until the reveal, so that nothing drawn can be told."""
    logged = _first_entries(session, row.round_id)
    done = repository.times(session, row.round_id)

    def at(kind: str, stage: str) -> datetime | str | None:
        entry = logged.get(kind)
        return entry["at"] if entry else done[stage].at if stage in done else None

    def hashed(*wanted: tuple[str, str]) -> tuple[Digest, ...]:
        return tuple(Digest(label, logged[kind]["digest"]) for kind, label in wanted if kind in logged)

    def drawn_from(*kinds: str) -> tuple[tuple[str, str], ...]:
        values = [value for kind in kinds for value in logged.get(kind, {}).get("values", ())]
        return tuple((value["id"], value["value"]) for value in values)

    return [
        Step(marked("冻结"), marked("名录、规则、人员名册定稿，此后不再改动。"), at("", "frozen")),
        Step(
            marked("承诺"),
            marked("清单哈希与各方秘密的承诺登记入日志。"),
            at("round.manifest", "committed"),
            hashed(("round.manifest", marked("清单哈希")), ("round.deposits", marked("交存秘密"))),
        ),
        Step(
            marked("公共随机"),
            marked("冻结之后才产生的随机数，先登记、后抽取。"),
            at("round.entropy", "entropy"),
            hashed(("round.entropy", marked("抽取对象")), ("round.entropy_seats", marked("抽取人员"))),
            drawn_from("round.entropy", "round.entropy_seats"),
        ),
        Step(marked("抽取"), marked("由随机数推出名单，任何人都可以重算。"), at("", "drawn")),
        Step(
            marked("封存"),
            marked("结果的封条登记入日志：公开之前看不出，公开之后改不了。"),
            at("round.seal", "drawn"),
            hashed(
                ("round.seal", marked("抽取结果")),
                ("round.plan", marked("检查计划")),
                ("round.seats", marked("人员安排")),
            ),
        ),
        Step(
            marked("公开"),
            marked("公布秘密、随机数和结果，供核验。"),
            at("round.reveal", "revealed"),
            hashed(("round.reveal", marked("公开内容"))),
        ),
    ]


def _first_entries(session: Session, round_id: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in ledger.entries(session, round_id):
        found.setdefault(row["entry"]["type"], row["entry"])
    return found


def title_in(language: Language, named: Mapping[str, Any], otherwise: str) -> str:
    """The title of a manifest or of one of its draws in a language, else in Chinese, else its id."""
    english = named.get("title_en") if language == "en" else ""
    return str(english or named.get("title") or otherwise)


def draws(
    rules: Mapping[str, Any],
    results: Mapping[str, Mapping[str, Any]],
    names: Mapping[str, str],
    language: Language,
) -> list[Draw]:
    """Each draw of a manifest; `results` are its public result files by draw, none before the reveal."""
    return [_draw(draw, results.get(draw["draw_id"]), names, language) for draw in rules["draws"]]


def _draw(
    draw: Mapping[str, Any], result: Mapping[str, Any] | None, names: Mapping[str, str], language: Language
) -> Draw:
    codes = draw.get("departments") or [draw["department"]]
    sealed = "frame_root" in draw
    strata = tuple(_stratum(draw, row) for row in (result or {}).get("strata", ()))
    rules = [draw["default"], *draw["strata"]]
    return Draw(
        draw_id=draw["draw_id"],
        title=title_in(language, draw, draw["draw_id"]),
        departments=tuple(names.get(code, code) for code in codes),
        rows=draw["frame_rows"],
        excluded=draw.get("excluded_rows"),
        digest=Digest(
            *((marked("名录根"), draw["frame_root"]) if sealed else (marked("名录哈希"), draw["frame_hash"]))
        ),
        ratios_ppm=tuple(sorted({rule["ratio_ppm"] for rule in rules})),
        drawn=_drawn(result),
        expected=sum(stratum.expected for stratum in strata) if strata else _expected_of_all(draw),
        strata=strata,
    )


def _drawn(result: Mapping[str, Any] | None) -> int | None:
    if result is None:
        return None
    if "n" in result:
        return int(result["n"])
    return sum(int(stratum["n"]) for stratum in result["strata"])


def _stratum(draw: Mapping[str, Any], row: Mapping[str, Any]) -> Stratum:
    key = row["stratum"]
    rule = next((entry for entry in draw["strata"] if entry["key"] == key), draw["default"])
    return Stratum(" · ".join(key), row["N"], row["n"], rule["ratio_ppm"], _expected(rule, row["N"]))


def _expected(rule: Mapping[str, Any], rows: int) -> float:
    """What a rule asks of a stratum before the draw: rounded up where it says so, between its min and max."""
    exact = rows * rule["ratio_ppm"]
    asked = -(-exact // PPM) if rule["rounding"] == "ceil" else exact / PPM
    most = rows if rule["max"] is None else rule["max"]
    return float(min(max(asked, rule["min"]), most, rows))


def _expected_of_all(draw: Mapping[str, Any]) -> float | None:
    """What the rules ask of a whole frame without its strata's sizes; None where it can't be told from public data."""
    rule = draw["default"]
    if not draw["strata_by"]:
        return _expected(rule, draw["frame_rows"])
    unclamped = rule["rounding"] == "systematic" and rule["min"] == 0 and rule["max"] is None
    return draw["frame_rows"] * rule["ratio_ppm"] / PPM if unclamped and not draw["strata"] else None


def measures(report: Mapping[str, Any]) -> list[Measure]:
    """Entries, inspector-days, travel, host time and people per visit: always together, never entries alone."""
    ways = (report["plan"], report["greedy"], report["alone"])

    def values(key: str) -> tuple[int, int, int]:
        return ways[0][key], ways[1][key], ways[2][key]

    bound = report["inspector_days_bound"]
    estimated = report["estimated_places"] > 0
    entries = report["entries_bound"]
    gap = (ways[0]["entries"] - entries) / ways[0]["entries"] if ways[0]["entries"] else 0.0
    return [
        Measure(
            marked("入户次数"),
            marked("次"),
            *values("entries"),
            bound=entries,
            bound_kind=BOUND_KINDS["partition"],
            gap=gap,
        ),
        Measure(
            marked("检查人日"),
            marked("人日"),
            *values("inspector_days"),
            bound=bound["value"],
            bound_kind=BOUND_KINDS.get(bound["kind"], bound["kind"]),
            gap=report["gap_ppm"] / PPM,
        ),
        Measure(marked("路途"), marked("小时"), *values("travel_min"), is_minutes=True, estimated=estimated),
        Measure(marked("企业接待"), marked("小时"), *values("host_min"), is_minutes=True),
        Measure(marked("一次到场最多人数"), marked("人"), *values("people_per_visit_max"), is_total=False),
    ]


def joining(visits: Mapping[str, Any], names: Mapping[str, str]) -> Joining:
    """Counts from `visits.json`: how many departments each entry joins, which departments share targets."""
    department = {check["check_id"]: check["department"] for check in visits["checks"]}
    sizes = Counter(len({department[check] for check in visit["checks"]}) for visit in visits["visits"])
    sets: dict[str, set[str]] = {}
    for check in visits["checks"]:
        code = check["department"]
        sets.setdefault(check["target_id"], set()).add(names.get(code, code))
    entries = Counter(visit["target_id"] for visit in visits["visits"])
    overlaps = Counter(tuple(sorted(members)) for members in sets.values())
    return Joining(
        checks=len(visits["checks"]),
        unscheduled=len(visits["unscheduled"]),
        entries=len(visits["visits"]),
        by_size=tuple(sorted(sizes.items())),
        overlap=tuple(sorted(overlaps.items(), key=lambda item: (-item[1], item[0]))),
        departments_per_target=tuple(sorted(Counter(len(members) for members in sets.values()).items())),
        entries_per_target=tuple(sorted(Counter(entries.values()).items())),
    )


REPLACED: Final = {
    "deregistered": marked("注销"),
    "revoked": marked("吊销"),
    "moved_away": marked("迁出"),
    "duplicate": marked("重复登记"),
}


@dataclass(frozen=True, slots=True)
class Change:
    """A change after the plan was committed to, with the reason that whoever made it gave.

    `replaced`: (target, backup or empty, reason's code) of a replacement; else the visits that were moved
    (`(visit, target, date)`) or cancelled, and what it cost in inspector-days.
    """

    at: str
    reason: str
    moved: tuple[tuple[str, str, str], ...] = ()
    cancelled: tuple[str, ...] = ()
    unscheduled: int = 0
    inspector_days: int = 0
    replaced: tuple[str, str, str] | None = None


def changes(events: Iterable[Mapping[str, Any]]) -> list[Change]:
    """Changes of the plan and replacements of targets among a released round's events, in their order."""
    return [_change(event) for event in events if event["type"] in ("plan_change", "replacement")]


def _change(event: Mapping[str, Any]) -> Change:
    if event["type"] == "replacement":
        backup = event["backup"] or ""
        return Change(event["at"], "", replaced=(event["target"], backup, event["reason"]))
    return Change(
        event["at"],
        event["reason"],
        tuple((row["visit_id"], row["target_id"], row["date"]) for row in event["visits"]),
        tuple(event["cancelled"]),
        len(event["unscheduled"]),
        event["cost"].get("inspector_days", 0),
    )


def reasons(unscheduled: Iterable[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """Why checks found no place, most frequent first."""
    return sorted(Counter(row["reason"] for row in unscheduled).items(), key=lambda item: (-item[1], item[0]))


def waiting(row: Round) -> str:
    """What the round does or waits for, in a word."""
    if row.status == "waiting" and row.waiting_for in WAITING:
        return WAITING[row.waiting_for]
    return STATUSES.get(row.status, row.status)


def members_of(overlap: Sequence[tuple[tuple[str, ...], int]], limit: int) -> list[str]:
    """Departments in the `limit` most frequent sets, those with most targets first."""
    totals: Counter[str] = Counter()
    for members, count in overlap[:limit]:
        for member in members:
            totals[member] += count
    return [name for name, _ in sorted(totals.items(), key=lambda item: (-item[1], item[0]))]
