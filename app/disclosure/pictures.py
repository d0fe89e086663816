"""A round's pictures, each with its title, description and table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from app.disclosure.facts import Draw, Joining, members_of
from app.disclosure.work import Work
from app.web import charts
from app.web.grids import day_grid, pairs
from app.web.language import Language, marked, translate
from app.web.picture import Picture
from app.web.templates import listed, number, share

_SETS: Final = 9
_DEPARTMENTS: Final = 12


def drawn_against_rule(draws: Sequence[Draw], language: Language) -> Picture:
    """Per draw: how many were drawn, and where the rule puts the number."""

    def say(text: str) -> str:
        return translate(language, text)

    title = say(marked("抽中数与规则"))
    description = say(
        marked(
            "每次抽取一条：蓝色为抽中数，红线为按规则应抽数；比例按内部分类而定的，以浅红色带标出规则比例的范围。"
        )
    )
    rows = [
        charts.Bar(
            draw.title,
            draw.drawn or 0,
            f"{number(draw.drawn or 0)} / {number(draw.rows)}",
            draw.expected,
            draw.band,
        )
        for draw in draws
    ]
    table = tuple(
        (
            draw.title,
            number(draw.rows),
            number(draw.drawn or 0),
            _asked(draw),
        )
        for draw in draws
    )
    header = (say(marked("抽取")), say(marked("名录户数")), say(marked("抽中数")), say(marked("规则应抽数")))
    return Picture(title, description, charts.bars("rule", title, description, rows), header, table)


def _asked(draw: Draw) -> str:
    if draw.expected is not None:
        return number(round(draw.expected, 1))
    low, high = draw.band or (0.0, 0.0)
    return f"{number(round(low, 1))}–{number(round(high, 1))}"


def checks_to_entries(joining: Joining, language: Language) -> Picture:
    """From departments' checks to entries: what visits shared by 2, 3 … departments save."""

    def say(text: str) -> str:
        return translate(language, text)

    title = say(marked("从检查到入户"))
    description = say(
        marked("各部门的检查若各自上门，一项就是一次入户；合并到场的检查逐级减去，余下的是实际入户次数。")
    )
    level = joining.checks - joining.unscheduled
    steps = [charts.Step(say(marked("部门检查")), 0, level, number(level))]
    for size, visits in joining.by_size:
        saved = (size - 1) * visits
        if saved:
            label = say(marked("%(size)s 个部门一同到场，%(visits)s 次")) % {
                "size": size,
                "visits": number(visits),
            }
            steps.append(charts.Step(label, level, level - saved, f"−{number(saved)}"))
            level -= saved
    steps.append(charts.Step(say(marked("实际入户")), 0, joining.entries, number(joining.entries)))
    header = (say(marked("步骤")), say(marked("次数")))
    table = tuple((step.label, step.note) for step in steps)
    return Picture(title, description, charts.waterfall("entries", title, description, steps), header, table)


def price_of_entries(report: Mapping[str, Any], language: Language) -> Picture | None:
    """Entries against inspector-days, with what each entry less costs; departments alone and greedy in the table.

    None for a report without the curve, or with one point only: then there is nothing to choose.
    """
    points = report.get("curve", [])
    if len(points) < 2:
        return None

    def say(text: str) -> str:
        return translate(language, text)

    title = say(marked("少进一次门的代价"))
    description = say(
        marked(
            "每个点是同样检查的一种安排：越往左进门越少，越往上人日越多。红点是本计划；简单合并和各部门单独见数据表。"
        )
    )
    curve = charts.Line("", tuple((row["entries"], row["inspector_days"]) for row in points), dots=True)
    plan = report["plan"]
    chosen = charts.Line(
        say(marked("本计划")), ((plan["entries"], plan["inspector_days"]),), charts.RULE, dots=True
    )
    svg = charts.plot(
        "price", title, description, [curve, chosen], say(marked("入户次数")), say(marked("检查人日"))
    )
    header = tuple(
        say(text)
        for text in (
            marked("安排"),
            marked("入户次数"),
            marked("检查人日"),
            marked("再少进一次门的代价（人日）"),
        )
    )
    rows = [
        (str(place), number(row["entries"]), number(row["inspector_days"]), price_text(row["price_milli"]))
        for place, row in enumerate(points, 1)
    ]
    for name, key in (
        (marked("本计划"), "plan"),
        (marked("各部门单独"), "alone"),
        (marked("简单合并"), "greedy"),
    ):
        way = report[key]
        rows.append((say(name), number(way["entries"]), number(way["inspector_days"]), "—"))
    return Picture(title, description, svg, header, tuple(rows))


def price_text(milli: int) -> str:
    """Thousandths as a decimal; — for the last point, which nothing follows."""
    return f"{milli / 1000:.3f}" if milli else "—"


def shared_targets(joining: Joining, language: Language) -> Picture:
    """Which departments drew the same targets: the most frequent sets."""

    def say(text: str) -> str:
        return translate(language, text)

    title = say(marked("部门之间的重合"))
    description = say(marked("每一列是一组部门，高度为同时被这组部门抽中的对象数；深色为两个及以上部门。"))
    rows = members_of(joining.overlap, _SETS)[:_DEPARTMENTS]
    shown = [pair for pair in joining.overlap[:_SETS] if set(pair[0]) <= set(rows)]
    places = {name: place for place, name in enumerate(rows)}
    columns = [charts.Combination(frozenset(places[name] for name in members), n) for members, n in shown]
    total = sum(count for _, count in joining.overlap)
    table = tuple((listed(names, language), number(n), share(n / total)) for names, n in joining.overlap[:20])
    header = (say(marked("部门组合")), say(marked("对象数")), say(marked("占比")))
    svg = charts.overlap("overlap", title, description, rows, columns)
    return Picture(title, description, svg, header, table)


def burden(joining: Joining, language: Language) -> Picture:
    """How many targets are entered once, twice …: departments alone, and as planned."""

    def say(text: str) -> str:
        return translate(language, text)

    title = say(marked("企业被打扰的次数"))
    description = say(
        marked(
            "横轴为一户在本批次被上门的次数，高度为户数：浅色为各部门单独上门，深色为本计划。越靠左打扰越少。"
        )
    )
    alone, planned = dict(joining.departments_per_target), dict(joining.entries_per_target)
    times = range(1, max([*alone, *planned], default=0) + 1)
    rows = [(f"{n}×", alone.get(n, 0), planned.get(n, 0)) for n in times]
    names = (say(marked("各部门单独")), say(marked("本计划")))
    table = tuple((label, number(before), number(after)) for label, before, after in rows)
    svg = pairs("burden", title, description, rows, names)
    return Picture(title, description, svg, (say(marked("上门次数")), *names), table)


def team_days(work: Work, language: Language) -> Picture | None:
    """How many teams of each department are out on each day; None where there are none."""

    def say(text: str) -> str:
        return translate(language, text)

    if not work.team_days:
        return None
    title = say(marked("班组日历"))
    description = say(marked("每行一个部门，每列一个工作日，格内为当日外出的班组数，越深越多。"))
    days = sorted({team.date for team in work.team_days})
    rows = [
        (name, dict(sorted(Counter(team.date for team in work.of(code)).items())))
        for code, name in work.departments().items()
    ]
    table = tuple((name, *(str(counts.get(day, 0)) for day in days)) for name, counts in rows)
    svg = day_grid("team-days", title, description, rows, days)
    return Picture(title, description, svg, (say(marked("部门")), *(day[5:] for day in days)), table)
