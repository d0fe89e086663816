"""Rounds over HTTP. Asking for one answers 202 with an operation to follow; the worker does the rest."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response, status

from app.db.database import Database
from app.http.access import ActorDep
from app.http.dependencies import DatabaseDep, NowDep, WholeDatabaseDep
from app.http.etag import IfMatchDep, tagged
from app.http.idempotency import IdempotentRoute
from app.http.openapi import problems
from app.http.operations import OperationOut
from app.http.pagination import Page, PagingDep
from app.rounds import advance, repository, seats, service, voiding
from app.rounds.schemas import (
    AbsencesIn,
    AbsencesOut,
    ApprovalIn,
    DepositIn,
    EntropyIn,
    RoundIn,
    RoundOut,
    VoidIn,
)
from app.rounds.tables import Round
from app.rounds.vault import Vault

router = APIRouter(prefix="/rounds", tags=["rounds"], route_class=IdempotentRoute)
RoundId = Annotated[str, Path(max_length=128, examples=["annual-2026-2026-Q2-1"])]
Status = Literal["running", "waiting", "done", "void", "refused"]


def _vault(request: Request) -> Vault:
    return Vault(request.app.state.settings.data_dir)


VaultDep = Annotated[Vault, Depends(_vault)]


def _shown(db: Database, row: Round, request: Request, response: Response) -> RoundOut:
    """The round with its stages; its tag is that of its state, which stages can't change without."""
    with db.read() as session:
        times = sorted(
            repository.times(session, row.round_id).values(), key=lambda time: (time.at, time.stage)
        )
    return tagged(request, response, RoundOut.of(row, times), RoundOut.of(row, []))


@router.post("", status_code=status.HTTP_202_ACCEPTED, responses=problems(404, 409, 422))
def create_round(
    body: RoundIn, db: WholeDatabaseDep, now: NowDep, actor: ActorDep, response: Response
) -> OperationOut:
    """Make the one round of a plan's period. A second try is refused (409) and names the first."""
    commitments = [(entry.party, entry.commitment) for entry in body.commitments]
    row = service.create(db, body.plan, body.period, now, commitments, actor)
    with db.read() as session:
        operation = repository.operation_of(session, row.round_id)
    assert operation is not None
    response.headers["Location"] = f"/api/v1/operations/{operation.id}"
    return OperationOut.of(operation)


@router.get("", responses=problems(422))
def list_rounds(
    db: WholeDatabaseDep,
    paging: PagingDep,
    plan: Annotated[str, Query(max_length=64)] = "",
    period: Annotated[str, Query(max_length=32)] = "",
    round_status: Annotated[Status | None, Query(alias="status")] = None,
    stage: Annotated[str, Query(max_length=32)] = "",
) -> Page[RoundOut]:
    """Rounds, the newest first; without their stages' times."""
    wanted = {"plan": plan, "period": period, "status": round_status, "stage": stage}
    with db.read() as session:
        rows = repository.page_of(session, paging, wanted)
    return paging.page(rows, lambda row: (row.created_at, row.round_id), lambda row: RoundOut.of(row, []))


@router.get("/{round_id}", responses=problems(404, 422))
def get_round(round_id: RoundId, db: WholeDatabaseDep, request: Request, response: Response) -> RoundOut:
    """Where a round stands and what it waits for."""
    return _shown(db, service.get(db, round_id), request, response)


@router.post("/{round_id}/approval", responses=problems(404, 409, 412, 422, 428))
def approve_round(
    round_id: RoundId,
    body: ApprovalIn,
    db: WholeDatabaseDep,
    now: NowDep,
    actor: ActorDep,
    if_match: IfMatchDep,
    request: Request,
    response: Response,
) -> RoundOut:
    """Approve the frozen round, with its small strata: by the account that has signed in, else by name."""
    return _shown(db, service.approve(db, round_id, body.by, now, if_match, actor), request, response)


@router.post(
    "/{round_id}/deposits", status_code=status.HTTP_204_NO_CONTENT, responses=problems(404, 409, 422)
)
def deposit_secret(
    round_id: RoundId, body: DepositIn, db: WholeDatabaseDep, vault: VaultDep, now: NowDep
) -> None:
    """Deposit a party's secret; it is checked against the commitment and its receipt is logged."""
    service.deposit(db, vault, round_id, body.party, bytes.fromhex(body.secret), now)


@router.post("/{round_id}/entropy", responses=problems(404, 409, 422))
def supply_entropy(
    round_id: RoundId,
    body: EntropyIn,
    db: WholeDatabaseDep,
    now: NowDep,
    actor: ActorDep,
    request: Request,
    response: Response,
) -> RoundOut:
    """Give the public value of a source, first or second entropy by where the round stands."""
    return _shown(db, service.supply(db, round_id, body.source, body.value, now, actor), request, response)


@router.post("/{round_id}/absences", responses=problems(404, 409, 422))
def file_absences(
    round_id: RoundId,
    body: AbsencesIn,
    db: WholeDatabaseDep,
    seen: DatabaseDep,
    vault: VaultDep,
    now: NowDep,
) -> AbsencesOut:
    """File sickness, late recusals or expired certificates after the seats are drawn; all of the list at once.

    Each barred seat goes to the next reserve of its class and no other seat changes. Who holds which seat is under
    embargo until the reveal, so the answer only counts.
    """
    filed = [entry.absence() for entry in body.absences]
    seats.require_own(seen, filed)
    moves = seats.file_absences(db, vault, round_id, filed, now)
    return AbsencesOut(absences=len(body.absences), moves=len(moves))


@router.post("/{round_id}/void", responses=problems(404, 409, 412, 422, 428))
def void_round(
    round_id: RoundId,
    body: VoidIn,
    db: WholeDatabaseDep,
    vault: VaultDep,
    now: NowDep,
    actor: ActorDep,
    if_match: IfMatchDep,
    request: Request,
    response: Response,
) -> RoundOut:
    """Void a round; reason and void stay visible for ever, and a draw that was made is published with them.

    With accounts it has to have been asked for and approved (`/sanctions`) by two others, for the same reason.
    """
    row = voiding.void(db, vault, round_id, body.reason, body.by, body.confirmed_by, now, if_match, actor)
    return _shown(db, row, request, response)


@router.post("/{round_id}/retry", responses=problems(409, 412, 422, 428))
def retry_round(
    round_id: RoundId,
    db: WholeDatabaseDep,
    now: NowDep,
    if_match: IfMatchDep,
    request: Request,
    response: Response,
) -> RoundOut:
    """Try a refused stage again after its cause was mended; nothing that was done is done twice."""
    return _shown(db, advance.retry(db, round_id, now, if_match), request, response)
