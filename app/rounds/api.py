"""Rounds over HTTP. Asking for one answers 202 with an operation to follow; the worker does the rest."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response, status

from app.db.database import Database
from app.errors import NotFound, Problem
from app.http.dependencies import DatabaseDep, NowDep
from app.http.schemas import ProblemOut
from app.rounds import advance, repository, service
from app.rounds.schemas import ApprovalIn, DepositIn, EntropyIn, OperationOut, RoundIn, RoundOut, VoidIn
from app.rounds.tables import Operation, Round
from app.rounds.vault import Vault

router = APIRouter(tags=["rounds"])
ERRORS: dict[int | str, dict[str, object]] = {
    404: {"model": ProblemOut},
    409: {"model": ProblemOut},
    422: {"model": ProblemOut},
}


def _vault(request: Request) -> Vault:
    return Vault(request.app.state.settings.data_dir)


VaultDep = Annotated[Vault, Depends(_vault)]


def _shown(db: Database, row: Round) -> RoundOut:
    with db.read() as session:
        times = sorted(
            repository.times(session, row.round_id).values(), key=lambda time: (time.at, time.stage)
        )
    return RoundOut.of(row, times)


@router.post("/rounds", status_code=status.HTTP_202_ACCEPTED, responses=ERRORS)
def create_round(body: RoundIn, db: DatabaseDep, now: NowDep, response: Response) -> OperationOut:
    """Make the one round of a plan's period. A second try is refused (409) and names the first."""
    commitments = [(entry.party, entry.commitment) for entry in body.commitments]
    row = service.create(db, body.plan, body.period, now, commitments)
    with db.read() as session:
        operation = repository.operation_of(session, row.round_id)
    assert operation is not None
    response.headers["Location"] = f"/api/v1/operations/{operation.id}"
    return OperationOut.of(operation)


@router.get("/rounds")
def list_rounds(db: DatabaseDep) -> list[RoundOut]:
    """The newest rounds."""
    with db.read() as session:
        rows = repository.newest(session)
    return [RoundOut.of(row, []) for row in rows]


@router.get("/rounds/{round_id}", responses=ERRORS)
def get_round(round_id: str, db: DatabaseDep) -> RoundOut:
    """Where a round stands and what it waits for."""
    return _shown(db, service.get(db, round_id))


@router.post("/rounds/{round_id}/approval", responses=ERRORS)
def approve_round(round_id: str, body: ApprovalIn, db: DatabaseDep, now: NowDep) -> RoundOut:
    """Approve the frozen round, with its small strata, by name."""
    return _shown(db, service.approve(db, round_id, body.by, now))


@router.post("/rounds/{round_id}/deposits", status_code=status.HTTP_204_NO_CONTENT, responses=ERRORS)
def deposit_secret(round_id: str, body: DepositIn, db: DatabaseDep, vault: VaultDep, now: NowDep) -> None:
    """Deposit a party's secret; it is checked against the commitment and its receipt is logged."""
    service.deposit(db, vault, round_id, body.party, bytes.fromhex(body.secret), now)


@router.post("/rounds/{round_id}/entropy", responses=ERRORS)
def supply_entropy(round_id: str, body: EntropyIn, db: DatabaseDep, now: NowDep) -> RoundOut:
    """Give the public value of a source, first or second entropy by where the round stands."""
    return _shown(db, service.supply(db, round_id, body.source, body.value, now))


@router.post("/rounds/{round_id}/void", responses=ERRORS)
def void_round(round_id: str, body: VoidIn, db: DatabaseDep, now: NowDep) -> RoundOut:
    """Void a round; the reason and the void itself stay visible for ever."""
    return _shown(db, service.void(db, round_id, body.reason, body.by, body.confirmed_by, now))


@router.post("/rounds/{round_id}/retry", responses=ERRORS)
def retry_round(round_id: str, db: DatabaseDep, now: NowDep) -> RoundOut:
    """Try a refused stage again after its cause was mended; nothing that was done is done twice."""
    return _shown(db, advance.retry(db, round_id, now))


@router.get("/operations/{operation_id}", responses=ERRORS)
def get_operation(operation_id: int, db: DatabaseDep) -> OperationOut:
    """Follow long work."""
    with db.read() as session:
        row = session.get(Operation, operation_id)
    if row is None:
        raise NotFound(
            Problem(
                "operation.absent",
                f"没有操作 {operation_id}。",
                f"There is no operation {operation_id}.",
                params={"operation": operation_id},
            )
        )
    return OperationOut.of(row)
