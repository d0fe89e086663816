"""A plan's sources of public entropy at work: what the manifest says of them, and what is taken as their value."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx2
from sqlmodel import Session

from app.errors import Conflict, Problem, Refused, refuse
from app.plans import draws
from app.plans.schemas import QUICKNET as QUICKNET_CHAIN
from app.plans.schemas import Source
from app.rounds import repository
from app.rounds.log import OFFICIAL
from app.rounds.stages import Work
from app.rounds.tables import EntropyUse, Round
from scheduler.encoding import text_fault
from scheduler.entropy import drand, lottery_issue
from scheduler.entropy.witness_digits import normal_digits, witness_digits
from scheduler.manifest import EntropySource

NEXT_ISSUE = re.compile(r"(20[0-9]{5})\s+(.+)")
FETCH_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Value:
    """A public value in its source's form, and the real-world name under which it can be used once."""

    text: str
    used_as: str


def network(source: Source) -> drand.Network:
    """The drand network of a plan's source."""
    return drand.QUICKNET if source.chain == QUICKNET_CHAIN else drand.MAINNET


def described(source: Source, now: datetime, deadline: datetime) -> EntropySource:
    """The source as the manifest frozen at `now` holds it.

    A drand round that the plan leaves open is fixed here as the first of the last hour before the deadline; an open
    lottery issue is the first that is drawn after the manifest is logged, and its number is part of the value.
    Raises Refused `entropy.drand_out` where the plan fixes a drand round that everybody knows already.
    """
    if source.kind == "witness_digits":
        return witness_digits(source.id, source.digits)
    if source.kind == "drand":
        net = network(source)
        number = int(source.issue) if source.issue else net.round_after(deadline - timedelta(hours=1))
        announced = drand.drand_source(net, number)
        drand.require_ahead((announced,), now)
        return announced
    if source.kind == "lottery_issue" and source.game == "ssq":
        if source.issue:
            return lottery_issue.lottery_issue(source.issue)
        rule = f"first issue of 双色球 drawn after the manifest was logged: its number, one space, {lottery_issue.RULE}"
        return EntropySource(source.id, "utf8", rule, lottery_issue.BITS)
    return draws.entropy_source(source)


def normalised(source: Source, announced: EntropySource, round_id: str, part: str, given: str) -> Value:
    """What was typed, pasted or fetched, checked against the source's rule. Raises Refused `entropy.*`."""
    here = f"{round_id}/{part}/{announced.id}"
    if source.kind == "witness_digits":
        return Value(normal_digits(given, source.digits), here)
    if source.kind == "drand":
        net, number = network(source), int(announced.id.rpartition(" ")[2])
        return Value(drand.verified_randomness(net, _beacon(given, number)), f"drand/{net.name}/{number}")
    if source.kind == "lottery_issue" and source.game == "ssq":
        return _lottery(source, given)
    if fault := text_fault(given):
        raise _malformed(announced, fault)
    return Value(
        given, f"{source.game}/{source.issue}" if source.kind == "lottery_issue" and source.issue else here
    )


def _lottery(source: Source, given: str) -> Value:
    if source.issue:
        return Value(lottery_issue.normal_result(given), f"ssq/{source.issue}")
    match = NEXT_ISSUE.fullmatch(given.strip())
    if match is None:
        raise _malformed(
            EntropySource(source.id, "utf8", "", 0),
            ("应为期号、空格、开奖号码", "write the issue, a space, the numbers"),
        )
    lottery_issue.lottery_issue(match[1])
    return Value(f"{match[1]} {lottery_issue.normal_result(match[2])}", f"ssq/{match[1]}")


def _beacon(given: str, number: int) -> drand.Beacon:
    """A drand round as pasted: the signature (with the one before it), or the API's JSON."""
    text = given.strip()
    if text.startswith("{"):
        try:
            body = json.loads(text)
        except ValueError:
            body = {}
        if isinstance(body, dict) and body.get("round") == number:
            return drand.Beacon(
                number, str(body.get("signature", "")), body.get("previous_signature") or None
            )
        raise refuse(
            "entropy.drand_round",
            f"粘贴的内容不是 drand 第 {number} 轮。",
            f"What was pasted is not drand round {number}.",
            "请取承诺书中写明的那一轮。",
            "Take the very round that the manifest names.",
            round=number,
        )
    signature, _, previous = text.partition(" ")
    return drand.Beacon(number, signature, previous.strip() or None)


def fetched(base_url: str, source: Source, announced: EntropySource) -> str:
    """The named drand round as JSON, from a node that need not be trusted: the signature is verified on receipt."""
    number = announced.id.rpartition(" ")[2]
    url = f"{base_url.rstrip('/')}/{source.chain}/public/{number}"
    try:
        answer = httpx2.get(url, timeout=FETCH_SECONDS)
        answer.raise_for_status()
    except httpx2.HTTPError as error:
        raise refuse(
            "entropy.drand_unreachable",
            f"无法从 {url} 取得 drand 轮次：{error}",
            f"The drand round could not be fetched from {url}: {error}",
            "请稍后再试，或在别处取得后粘贴。",
            "Try again later, or paste the round as fetched elsewhere.",
            url=url,
        ) from error
    return answer.text


def require_fresh(
    session: Session, row: Round, source: Source, announced: EntropySource, value: Value
) -> None:
    """A source once used is refused, and so are witnesses' digits that any round has taken before.

    Raises Conflict `entropy.used`, Refused `entropy.value` for a lottery issue of another year than the round's.
    """
    used = repository.source_user(session, value.used_as)
    if used is None and source.kind == "witness_digits":
        used = repository.value_user(session, value.text)
    if used is not None:
        raise _used(announced, used)
    if source.kind == "lottery_issue" and source.game == "ssq" and not source.issue:
        frozen = row.created_at.astimezone(OFFICIAL).year
        if int(value.text[:4]) < frozen:
            fault = (f"该期在 {frozen} 年之前已经开奖", f"that issue was drawn before {frozen}")
            raise _malformed(announced, fault)


def _used(announced: EntropySource, used: EntropyUse) -> Conflict:
    return Conflict(
        Problem(
            "entropy.used",
            f"随机源 {announced.id} 或其数值已在批次 {used.round_id} 使用，不能重复使用。",
            f"Source {announced.id}, or its value, was already used by round {used.round_id}; it is used once.",
            "请使用新的开奖期号、新的轮次或重新由见证人报数。",
            "Use a new issue or round, or have the witnesses call new digits.",
            {"source": announced.id, "round_id": used.round_id},
        )
    )


def _malformed(announced: EntropySource, fault: tuple[str, str]) -> Refused:
    return refuse(
        "entropy.value",
        f"随机源 {announced.id} 的值不合要求：{fault[0]}。",
        f"The value for source {announced.id} is not valid: {fault[1]}.",
        f"规则：{announced.rule}",
        f"Rule: {announced.rule}",
        source=announced.id,
    )


def supplied(work: Work, part: str, announced: Sequence[EntropySource]) -> dict[str, str] | None:
    """All values of a part by the manifest's ids, or None while one is missing.

    A demonstration's source supplies itself.
    """
    values = work.entropy(part)
    planned = work.document.entropy if part == "entropy" else work.document.entropy_seats
    for source, entry in zip(planned, announced, strict=True):
        if source.kind == "demo" and entry.id not in values:
            values[entry.id] = f"demo-{work.row.round_id}-{part}"
    return values if all(entry.id in values for entry in announced) else None


def record(session: Session, row: Round, part: str, values: Mapping[str, str], now: datetime) -> None:
    """Keep the values that a demonstration's sources supplied themselves; the others are kept since they came."""
    known = repository.entropy(session, row.round_id, part)
    for name in sorted(set(values) - set(known)):
        key = f"{row.round_id}/{part}/{name}"
        session.add(
            EntropyUse(source=key, name=name, round_id=row.round_id, part=part, value=values[name], at=now)
        )
