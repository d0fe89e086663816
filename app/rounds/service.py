"""What is done with rounds: make one (once), approve it, feed it entropy and deposits, void it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from app.db.database import Database
from app.errors import Conflict, NotFound, Problem, refuse
from app.http.access import OPERATOR, Actor
from app.http.etag import Guard, unguarded
from app.http.tables import Operation
from app.ledger import repository as ledger
from app.people import sanctions
from app.plans import service as plans
from app.plans.periods import require_period
from app.plans.schemas import PlanDocument, Source
from app.rounds import entropy as sources
from app.rounds import expiry, record, repository
from app.rounds.log import OFFICIAL, entry_of
from app.rounds.schemas import RoundOut
from app.rounds.tables import Deposit, EntropyUse, Round
from app.rounds.vault import Vault
from scheduler.manifest import EntropySource, Manifest
from scheduler.seed import commitment
from scheduler.suite import suite as suite_named

SERVICE_PARTY = "double-random"
"""The party that stands for every secret the service makes itself."""

OPEN_STATUSES = ("running", "waiting", "refused", "done")


def round_name(plan: str, period: str, sequence: int) -> str:
    """A round's id: nothing but plan, period and sequence, so that a party can commit before it exists."""
    return f"{plan}-{period}-{sequence}"


def ensure(
    db: Database,
    plan_code: str,
    period: str,
    now: datetime,
    *,
    due_at: datetime | None = None,
    commitments: Sequence[tuple[str, str]] = (),
    after_void: bool = False,
    actor: Actor | None = None,
) -> tuple[Round, bool]:
    """The one round of (plan, period): made if it is not there, else the latest one, and whether it is new.

    Only with `after_void`, a person's decision, a published void is followed by the next sequence number.
    `commitments`: (party, hex) of outside parties. `actor`: who asks for it; None is the clock.
    """
    with db.write() as session:
        ledger.lock_log(session)  # two servers ask in turn, so that the second finds what the first made
        rules = plans.freeze_rules(session, plan_code)
        before = repository.of_period(session, plan_code, period)
        if before and not (after_void and before[-1].status == "void"):
            return before[-1], False
        now = ledger.moment(session, now)
        require_period(rules.document, period, now.astimezone(OFFICIAL).date(), plans.work_calendar(session))
        sequence = len(before) + 1
        made = Round(
            round_id=round_name(plan_code, period, sequence),
            plan=plan_code,
            plan_digest=rules.digest,
            period=period,
            sequence=sequence,
            privacy=rules.document.privacy,
            demo=rules.document.demo,
            due_at=due_at,
            late=due_at is not None and now - due_at > timedelta(days=1),
            created_at=now,
            updated_at=now,
        )
        session.add(made)
        session.flush()
        for party, digest in commitments:
            session.add(Deposit(round_id=made.round_id, party=party, commitment=digest))
        if actor is not None and not actor.is_operator:
            sanctions.ask(session, sanctions.FREEZE, made.round_id, rules.digest, actor, now)
        session.add(Operation(kind="round", subject=made.round_id, created_at=now, updated_at=now))
        more = {
            "due_at": None if due_at is None else record.exact(due_at),
            "late": made.late,
            "commitments": [{"party": party, "commitment": digest} for party, digest in commitments],
        }
        ledger.append(session, entry_of(made, "round.created", "planner", now, rules.digest, **more), now)
        return made, True


def create(
    db: Database,
    plan_code: str,
    period: str,
    now: datetime,
    commitments: Sequence[tuple[str, str]] = (),
    actor: Actor = OPERATOR,
) -> Round:
    """Make the round of a period by hand. A second try is refused and names the first."""
    made, new = ensure(db, plan_code, period, now, commitments=commitments, after_void=True, actor=actor)
    if new:
        return made
    made_at = f"{made.created_at.astimezone(OFFICIAL):%Y-%m-%d %H:%M}"
    raise Conflict(
        Problem(
            "round.exists",
            f"计划 {plan_code} 在 {period} 已有批次 {made.round_id}（{made_at}），不能重抽。",
            f"Plan {plan_code} already has round {made.round_id} for {period}; a round can't be run twice.",
            "请查看该批次；未完成的用 round resume 继续。只有经公示作废后才能以下一序号重来，作废记录永久保留。",
            "See that round; `round resume` carries it on. Only after a published void can the next sequence follow.",
            {"plan": plan_code, "period": period, "round_id": made.round_id},
        )
    )


def get(db: Database, round_id: str) -> Round:
    """A round, or NotFound."""
    with db.read() as session:
        return found(session, round_id)


def found(session: Session, round_id: str, *, lock: bool = False) -> Round:
    """A round inside a transaction, or NotFound; `lock` holds it until the transaction ends."""
    row = repository.get_locked(session, round_id) if lock else repository.get(session, round_id)
    if row is None:
        raise NotFound(
            Problem(
                "round.absent",
                f"没有批次 {round_id}。",
                f"There is no round {round_id}.",
                "请用 round list 查看已有批次。",
                "See `round list`.",
                {"round_id": round_id},
            )
        )
    return row


def approve(
    db: Database,
    round_id: str,
    by: str,
    now: datetime,
    guard: Guard = unguarded,
    actor: Actor = OPERATOR,
) -> Round:
    """Approve the frozen round by name, with the strata that need it. Only before the manifest is logged.

    An account signs as itself, whatever `by` says, and never what it asked for itself (`sanction.same_person`).
    """
    with db.write() as session:
        now = ledger.moment(session, now)
        row = found(session, round_id, lock=True)
        guard(RoundOut.of(row, []))
        _require_stage(row, "approve", "frozen")
        by = _sanctioned(session, round_id, by, actor, now)
        row.approved_by, row.status, row.waiting_for, row.updated_at = by, "running", None, now
        ledger.append(session, entry_of(row, "round.approval", "approver", now, _sha(by)), now)
        session.add(row)
        return row


def _sanctioned(session: Session, round_id: str, by: str, actor: Actor, now: datetime) -> str:
    """Who approves: the name that the operator typed in, or the account, which is not the one that asked."""
    if actor.is_operator:
        return by
    asked = sanctions.standing(session, sanctions.FREEZE, round_id, lock=True)
    if asked is None:
        asked = sanctions.ask(session, sanctions.FREEZE, round_id, "", None, now)
    sanctions.approve(session, asked, actor, now)
    return actor.signature


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def wrong_stage(row: Round, what: str, stage: str) -> Conflict:
    """The refusal of something that belongs to another stage."""
    return Conflict(
        Problem(
            "round.stage",
            f"批次 {row.round_id} 处于 {row.stage} 阶段，此时不能 {what}（须在 {stage}）。",
            f"Round {row.round_id} is at stage {row.stage}; {what} belongs to stage {stage}.",
            "请按批次页面显示的下一步操作。",
            "Do the step that the round's page names as next.",
            {"round_id": row.round_id, "stage": row.stage, "needed": stage},
        )
    )


def _require_stage(row: Round, what: str, *stages: str) -> None:
    """A void ends a round: nothing sets it going again."""
    if row.status == "void":
        raise _is_void(row)
    if row.stage not in stages:
        raise wrong_stage(row, what, " / ".join(stages))


def _is_void(row: Round) -> Conflict:
    return Conflict(
        Problem(
            "round.void",
            f"批次 {row.round_id} 已作废（{row.problem and row.problem.get('code')}），不再接受任何操作。",
            f"Round {row.round_id} is void ({row.problem and row.problem.get('code')}) and takes nothing any more.",
            "如仍需检查，请为该计划的同一期次建立下一序号的批次。",
            "Where checks are still needed, make the round of the next sequence number for that period.",
            {"round_id": row.round_id},
        )
    )


def deposit(db: Database, vault: Vault, round_id: str, party: str, secret: bytes, now: datetime) -> None:
    """Take a party's secret after the manifest is logged, check it against the commitment, log the receipt."""
    with db.write() as session:
        now = ledger.moment(session, now)
        row = found(session, round_id)
        _require_stage(row, "deposit", "committed")
        place = session.get(Deposit, (round_id, party))
        suite = suite_named(repository.document(session, row).suite)
        if place is None or commitment(suite, round_id, party, secret).hex() != place.commitment:
            raise refuse(
                "deposit.mismatch",
                f"{party} 提交的秘密与其承诺不符。",
                f"The secret that {party} supplied does not match its commitment.",
                "请提交当初生成承诺所用的 32 字节秘密（64 位十六进制）。",
                "Supply the 32 bytes (64 hex digits) that the commitment was made from.",
                party=party,
            )
        place.sealed_secret = vault.seal(secret)
        session.add(place)
        receipt = entry_of(row, "round.deposit", "party", now, place.commitment, party=party)
        ledger.append(session, receipt, now)
        row.status, row.waiting_for, row.updated_at = "running", None, now
        session.add(row)


def supply(
    db: Database, round_id: str, source_id: str, given: str, now: datetime, actor: Actor = OPERATOR
) -> Round:
    """Take the public entropy of one source: checked against its rule, used once, logged before anything is drawn.

    What comes after the deadline comes too late: the round is void, whether or not the clock has seen it yet. Who
    supplies it has neither asked for the round nor approved it.
    """
    expiry.expire(db, now)
    with db.write() as session:
        now = ledger.moment(session, now)
        row = found(session, round_id, lock=True)
        _require_stage(row, "entropy", "committed", "packed")
        sanctions.carry_on(session, sanctions.FREEZE, round_id, actor, now)
        part = {"committed": "entropy", "packed": "entropy_seats"}[row.stage]
        source, announced = _source_of(session, row, part, source_id)
        if part == "entropy":
            _require_in_time(session, row, now)
            _require_deposits(session, row)
        value = sources.normalised(source, announced, round_id, part, given)
        sources.require_fresh(session, row, source, announced, value)
        use = EntropyUse(
            source=value.used_as, name=announced.id, round_id=round_id, part=part, value=value.text, at=now
        )
        session.add(use)
        more = {"part": part, "id": announced.id, "used_as": value.used_as, "value": value.text}
        receipt = entry_of(row, "round.supplied", "witness", now, _sha(value.text), **more)
        ledger.append(session, receipt, now)
        row.status, row.waiting_for, row.updated_at = "running", None, now
        session.add(row)
        return row


def source_of(db: Database, round_id: str, source_id: str) -> tuple[Source, EntropySource]:
    """The source that a round now waits for, as its plan and its manifest describe it."""
    with db.read() as session:
        row = found(session, round_id)
        part = {"committed": "entropy", "packed": "entropy_seats"}.get(row.stage)
        if part is None:
            raise wrong_stage(row, "entropy", "committed / packed")
        return _source_of(session, row, part, source_id)


def _source_of(session: Session, row: Round, part: str, source_id: str) -> tuple[Source, EntropySource]:
    document = repository.document(session, row)
    manifest = Manifest.from_json(json.loads(ledger.load(session, row.round_id, "manifest.json")))
    known = (
        zip(document.entropy, manifest.entropy, strict=True)
        if part == "entropy"
        else zip(document.entropy_seats, manifest.entropy_seats, strict=True)
    )
    pairs = list(known)
    for source, announced in pairs:
        if source_id in (source.id, announced.id):
            return source, announced
    listed = "、".join(announced.id for _, announced in pairs)
    raise refuse(
        "entropy.unknown_source",
        f"批次 {row.round_id} 此步骤没有随机源 {source_id}（有：{listed}）。",
        f"Round {row.round_id} has no source {source_id} at this step (it has {listed}).",
        "请使用计划中写明的随机源。",
        "Use a source that the plan names.",
        source=source_id,
    )


def _require_in_time(session: Session, row: Round, now: datetime) -> None:
    deadline = expiry.entropy_deadline(session, row)
    if deadline is None or now <= deadline:
        return
    raise Conflict(
        Problem(
            "entropy.too_late",
            f"批次 {row.round_id} 的公共随机数已过期限（{deadline:%Y-%m-%d %H:%M}），不再接受。",
            f"The deadline of round {row.round_id} for its public entropy ({deadline:%Y-%m-%d %H:%M}) has passed.",
            "该批次随即作废；请为同一期次建立下一序号的批次。",
            "The round becomes void; make the one of the next sequence number for that period.",
            {"round_id": row.round_id},
        )
    )


def _require_deposits(session: Session, row: Round) -> None:
    """Deposits before entropy: a party that has seen the values could void the round by keeping its secret back."""
    missing = [entry.party for entry in repository.deposits(session, row.round_id) if not entry.sealed_secret]
    if missing:
        raise Conflict(
            Problem(
                "entropy.before_deposits",
                f"批次 {row.round_id} 尚缺 {'、'.join(missing)} 交存的秘密，此前不接受公共随机数。",
                f"Round {row.round_id} takes public entropy only when every secret is deposited; {', '.join(missing)} "
                "is missing.",
                "请先由各方用 round deposit 交存秘密，再录入公共随机数。",
                "Have each party deposit its secret with `round deposit` first.",
                {"round_id": row.round_id, "parties": ", ".join(missing)},
            )
        )


def named_period(document: PlanDocument) -> str:
    """The one period that a plan without recurrence names; a recurring plan's has to be given."""
    if document.period is None:
        raise refuse(
            "round.period",
            f"计划 {document.code} 按 {document.recurrence} 重复，须写明期次。",
            f"Plan {document.code} recurs ({document.recurrence}); say which period.",
            "例如 --period 2026-Q2。",
            "For example --period 2026-Q2.",
            plan=document.code,
        )
    return document.period
