"""Voiding a round by two persons. Where its draw was made, the result it would have had is published with the void.

docs/draw.md, section 3: nobody can see a result and lose it. Void, reveal and checkpoint are one transaction, and a
result that is determined but not computed yet is computed first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session

from app.db.database import Database
from app.errors import Conflict, Problem, refuse
from app.http.access import OPERATOR, Actor
from app.http.etag import Guard, unguarded
from app.ledger import checkpoints
from app.ledger import repository as ledger
from app.people import sanctions
from app.rounds import expiry, lottery_store, record, repository, seating, service
from app.rounds.log import entry_of, stamp
from app.rounds.schemas import RoundOut
from app.rounds.stages import Work, json_file, roster_of
from app.rounds.story import sha
from app.rounds.tables import STAGES, Round
from app.rounds.vault import Vault
from optimizer.progress import Silent
from scheduler.encoding import Json
from scheduler.lottery.draw import SeatDraw, lottery_json
from scheduler.manifest import Manifest

VOID_REASONS = ("deadline_missed", "deposits_incomplete", "frame_wrong", "plan_withdrawn", "plan_infeasible")


def void(
    db: Database,
    vault: Vault,
    round_id: str,
    reason: str,
    by: str,
    confirmed_by: str,
    now: datetime,
    guard: Guard = unguarded,
    actor: Actor = OPERATOR,
) -> Round:
    """Void a round: a reason code and two persons, published for ever; its targets stay due.

    With accounts the two are those who asked for it and approved it, and whoever carries it out is a third one.

    Raises:
        NotFound: no such round.
        Forbidden: `sanction.*`, an account carries out what was not approved, or asked for or approved it itself.
        Refused: `void.rule`, no reason code or one person alone.
        Conflict: `void.result_due`, its result is determined and has to be computed first; `void.revealed`.
    """
    _require_two_persons(reason, by, confirmed_by, actor)
    with db.write() as session:
        now = ledger.moment(session, now)
        row = service.found(session, round_id, lock=True)
        guard(RoundOut.of(row, []))
        if row.status == "void":
            return row
        _require_voidable(session, row)
        agreed = sanctions.execute(session, sanctions.VOID, round_id, actor, now, reason)
        if agreed is not None:
            by, confirmed_by = f"account:{agreed.requested_by}", f"account:{agreed.approved_by}"
        persons = {"by": by, "confirmed_by": confirmed_by}
        if STAGES.index(row.stage) < STAGES.index("drawn"):
            expiry.void_row(session, row, reason, now, actor="approver", persons=persons)
        else:
            _publish(db, vault, session, row, reason, persons, now)
        checkpoints.make(session, vault.directory, now)
        return row


def _publish(
    db: Database,
    vault: Vault,
    session: Session,
    row: Round,
    reason: str,
    persons: Mapping[str, str],
    now: datetime,
) -> None:
    """Log the void, then reveal the result it would have had and whatever else was made."""
    work = Work(db, vault, row, repository.document(session, row), now, None, Silent())
    signed = {name: sha(value) for name, value in persons.items()}
    event: dict[str, Json] = {"at": stamp(now), "type": "void", "reason": reason, **signed}
    files, digest = seating.reveal_files(work, also=[event], void=reason)
    files = {**files, **_lottery_not_drawn(work)}
    for name, data in files.items():
        ledger.keep(session, row.round_id, name, data, now)
    kept = record.kept(vault, row.round_id, files, now)
    expiry.void_row(session, row, reason, now, actor="approver", kept=kept, persons=persons)
    ledger.append(session, entry_of(row, "round.reveal", "service", now, digest), now)


def _lottery_not_drawn(work: Work) -> dict[str, bytes]:
    """`lottery.json` of a plan that was bound and whose seats were never drawn: what the plan's hash covers."""
    if work.row.stage != "packed":
        return {}
    files = work.json("visits.json"), work.json("schedule.json")
    plan = lottery_store.rebuilt(work.json("internal/lottery-plan.json"), roster_of(work), *files)
    nobody = SeatDraw({}, {}, ())
    return {"lottery.json": json_file(lottery_json(plan, nobody, work.manifest().algorithms))}


def _require_two_persons(reason: str, by: str, confirmed_by: str, actor: Actor) -> None:
    named = by != confirmed_by and by and confirmed_by
    if reason in VOID_REASONS and (named or not actor.is_operator):
        return
    raise refuse(
        "void.rule",
        f"作废须有规定的原因代码（{'、'.join(VOID_REASONS)}）并由两人分别提出和确认。",
        f"A void needs a reason code ({', '.join(VOID_REASONS)}) and two different persons.",
        "请填写原因代码，并由另一人确认。",
        "Give a reason code and have another person confirm.",
        reason=reason,
    )


def _require_voidable(session: Session, row: Round) -> None:
    if row.stage == STAGES[-1]:
        raise Conflict(
            Problem(
                "void.revealed",
                f"批次 {row.round_id} 已经公开，不能再作废：其检查已经进行，结果已成定论。",
                f"Round {row.round_id} is revealed and can't be voided any more: its visits were made.",
                "更正某户的检查结果请走更正程序；名录或规则的错误在下一期次改正。",
                "Correct single outcomes as corrections; mend registers and rules for the next period.",
                {"round_id": row.round_id},
            )
        )
    if _result_due(session, row):
        raise Conflict(
            Problem(
                "void.result_due",
                f"批次 {row.round_id} 的公共随机数已登记，结果已经确定但尚未算出，此时不能作废：作废不得隐藏结果。",
                f"The public entropy of round {row.round_id} is logged: its result is determined, not yet computed. "
                "A void must not hide it.",
                f"请等待计算完成（通常几秒；可用 round resume {row.round_id} 继续，"
                "若被拒绝则排除原因后用 round retry），再行作废；届时连同结果一并公布。",
                f"Wait until it is computed (seconds; `round resume {row.round_id}` carries it on, `round retry` after "
                "a refusal's cause is mended), then void: the result is published with the void.",
                {"round_id": row.round_id, "stage": row.stage},
            )
        )


def _result_due(session: Session, row: Round) -> bool:
    """Whether targets or seats are determined by what is logged, and not computed yet."""
    if row.stage in ("entropy", "entropy_seats"):
        return True
    part = {"committed": "entropy", "packed": "entropy_seats"}.get(row.stage)
    if part is None:
        return False
    manifest = Manifest.from_json(json.loads(ledger.load(session, row.round_id, "manifest.json")))
    known = repository.entropy(session, row.round_id, part)
    sources = manifest.entropy if part == "entropy" else manifest.entropy_seats
    return all(source.id in known for source in sources)
