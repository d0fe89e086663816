"""What a reader has to be told beside a rate, in both languages."""

from __future__ import annotations

from dataclasses import dataclass

from scheduler.estimates.observations import Outcome
from scheduler.estimates.sample import Sample


@dataclass(frozen=True, slots=True)
class Note:
    """A remark: stable `code`, text, and the number it is about."""

    code: str
    zh: str
    en: str
    count: int = 0


def no_sample(sample: Sample) -> Note:
    """Nobody of the domain was observed."""
    return Note(
        "no_sample",
        f"样本中没有该分组的对象（名录中相关各层共 {sample.rows + sample.unseen} 户），无法估计。",
        f"Nobody of this group was in the sample (its strata hold {sample.rows + sample.unseen} targets): no estimate.",
        sample.rows + sample.unseen,
    )


def small_cell(smallest: int) -> Note:
    """Too few to show."""
    return Note(
        "small", f"样本不足 {smallest} 户，不公布。", f"Fewer than {smallest} observed: not shown.", smallest
    )


def complementary() -> Note:
    """Withheld for the sake of another cell."""
    return Note(
        "complementary",
        "为防止由合计推算出其他小样本分组，不公布。",
        "Not shown: with the totals it would reveal another, smaller group.",
    )


def posterior(limit: float) -> Note:
    """Withheld because results would tell an internal attribute."""
    return Note(
        "posterior",
        f"公布后可由检查结果推断内部属性（概率超过 {limit:.0%}），不公布。",
        f"Not shown: a target's result would tell an internal attribute with a chance above {limit:.0%}.",
    )


def coarse() -> Note:
    """Withheld because no rounding short of useless would hide a single target's stratum."""
    return Note(
        "coarse",
        "样本不足以在不透露单个对象内部分类的前提下公布。",
        "Not shown: with so few, the rate would tell the internal class of a single target.",
    )


def notes_of(sample: Sample) -> tuple[Note, ...]:
    """Every remark that the sample calls for, in a fixed order."""
    found = (
        _missing(sample),
        _pending(sample),
        _ineligible(sample),
        _for_cause(sample),
        _collapsed(sample),
        _single(sample),
        _census(sample),
    )
    return tuple(note for note in found if note.count)


def _missing(sample: Sample) -> Note:
    count = sample.outcomes.get(Outcome.NON_RESPONSE, 0)
    return Note(
        "non_response",
        f"{count} 户拒绝、延期或无法完成检查，留在分母中；上下界见“无应答”。",
        f"{count} refused, postponed or could not be checked: kept in the denominator, see the bounds.",
        count,
    )


def _pending(sample: Sample) -> Note:
    count = sample.outcomes.get(Outcome.PENDING, 0)
    return Note(
        "pending",
        f"{count} 户尚未检查，按无应答处理；结果会随检查变化。",
        f"{count} not inspected yet, handled as non-response: the figures will change.",
        count,
    )


def _ineligible(sample: Sample) -> Note:
    count = sample.outcomes.get(Outcome.INELIGIBLE, 0)
    return Note(
        "ineligible",
        f"{count} 户已注销、吊销、迁出或重复，计入样本权重，不计入比率。",
        f"{count} no longer in the population: they count for the weights, not for the rate.",
        count,
    )


def _for_cause(sample: Sample) -> Note:
    count = sample.for_cause
    return Note(
        "for_cause",
        f"{count} 次因线索开展的检查未计入。",
        f"{count} for-cause checks are left out: they were not drawn by lot.",
        count,
    )


def _collapsed(sample: Sample) -> Note:
    count = sum(part.rows for part in sample.collapsed)
    share = count / sample.rows if sample.rows else 0.0
    names = "、".join("/".join((*part.key, part.recent)).strip("/") or "—" for part in sample.collapsed)
    return Note(
        "collapsed",
        f"{len(sample.collapsed)} 个层（{names}）没有样本，并入相邻层：其 {count} 户（{share:.1%}）由他层代表。",
        f"{len(sample.collapsed)} strata ({names}) had no sample and were collapsed into neighbours, which stand for "
        f"their {count} targets ({share:.1%}).",
        count,
    )


def _single(sample: Sample) -> Note:
    count = sum(group.n == 1 and group.rows > 1 for group in sample.groups)
    return Note(
        "single",
        f"{count} 个层只有一个样本，其方差以总体比率为中心计算（偏保守）。",
        f"{count} strata have a single observation; their variance is taken about the overall rate (too wide).",
        count,
    )


def _census(sample: Sample) -> Note:
    full = bool(sample.groups) and all(group.n == group.rows for group in sample.groups)
    return Note(
        "census",
        "名录内全部检查，没有抽样误差；检查仍可能漏查，故不以零作为证明。",
        "All on the list were examined: no sampling error. A check can miss something, so zero is still no proof.",
        sample.rows if full else 0,
    )
