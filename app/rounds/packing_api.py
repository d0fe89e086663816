"""A round's plan over HTTP: seen while it is made, stopped, explained, changed. For this machine until accounts exist.

The plan names who was drawn, so to everybody else there is no such round.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, status

from app.db.scope import EVERYTHING, Scope
from app.errors import NotFound, Problem
from app.http.access import ActorDep, of_all_departments
from app.http.dependencies import NowDep, WholeDatabaseDep
from app.http.idempotency import IdempotentRoute
from app.http.local import from_this_machine
from app.http.openapi import problems
from app.http.pagination import Page, PagingDep
from app.rounds import changes, packed, solving
from app.rounds.changing import Asked
from app.rounds.packing_schemas import ChangeOut, ExplanationOut, MoveIn, PackingOut, ReplanIn, StopIn
from app.rounds.vault import Vault

RoundId = Annotated[str, Path(max_length=128, examples=["annual-2026-2026-Q2-1"])]


def _here(request: Request, round_id: str) -> None:
    if not from_this_machine(request):
        raise NotFound(
            Problem(
                "round.absent",
                f"没有批次 {round_id}。",
                f"There is no round {round_id}.",
                params={"round_id": round_id},
            )
        )


def _vault(request: Request) -> Vault:
    return Vault(request.app.state.settings.data_dir)


VaultDep = Annotated[Vault, Depends(_vault)]
WHOLE_PLAN = [Depends(of_all_departments)]
"""Of what changes the plan as a whole: it may touch any department's visits, and its answers name their targets."""
router = APIRouter(
    prefix="/rounds", tags=["packing"], route_class=IdempotentRoute, dependencies=[Depends(_here)]
)


@router.get("/{round_id}/packing", responses=problems(404, 422))
def get_packing(round_id: RoundId, db: WholeDatabaseDep) -> PackingOut:
    """The plan's report beside its bounds and baselines, with the price of entries, and the course of its packing.

    A round is packed by its worker as soon as its targets are drawn; until then `report` is null.
    """
    return PackingOut.of(round_id, packed.report(db, round_id), solving.course(db, round_id))


@router.post(
    "/{round_id}/stop",
    status_code=status.HTTP_204_NO_CONTENT,
    dependencies=WHOLE_PLAN,
    responses=problems(404, 409, 422),
)
def stop_packing(round_id: RoundId, body: StopIn, db: WholeDatabaseDep, now: NowDep) -> None:
    """Take the best plan so far. It is marked as not reproducible."""
    solving.stop(db, round_id, body.by, now)


@router.get("/{round_id}/explanations", responses=problems(404, 409, 422))
def list_explanations(
    round_id: RoundId, db: WholeDatabaseDep, vault: VaultDep, paging: PagingDep, actor: ActorDep
) -> Page[ExplanationOut]:
    """Every check without a visit, then every two visits of one target: rules that stand in the way, and remedies.

    A department's people read of its own checks alone.
    """
    found = packed.explained(db, vault, round_id, actor.scope.department)
    first = int(paging.key(1)[0]) + 1 if paging.cursor else 0
    rows = list(enumerate(found))[first : first + paging.limit + 1]
    return paging.page(rows, lambda row: (row[0],), lambda row: ExplanationOut.of(row[1]))


@router.post("/{round_id}/move", responses=problems(404, 409, 422))
def move_visit(
    round_id: RoundId, body: MoveIn, db: WholeDatabaseDep, vault: VaultDep, now: NowDep, actor: ActorDep
) -> ChangeOut:
    """Fix a visit to a day or keep it off one. Without `confirm` only the cost is shown.

    A department's people move visits in which it alone takes part; the others a coordinator of all departments does.
    """
    return _changed(round_id, body.asked(), body.confirm, db, vault, now, actor.scope)


@router.post("/{round_id}/replan", dependencies=WHOLE_PLAN, responses=problems(404, 409, 422))
def replan_round(
    round_id: RoundId, body: ReplanIn, db: WholeDatabaseDep, vault: VaultDep, now: NowDep
) -> ChangeOut:
    """Fit the plan to what has happened; few visits change. Without `confirm` only the cost is shown."""
    return _changed(round_id, body.asked(), body.confirm, db, vault, now, EVERYTHING)


def _changed(
    round_id: str, asked: Asked, confirm: str, db: WholeDatabaseDep, vault: Vault, now: NowDep, scope: Scope
) -> ChangeOut:
    if confirm:
        return ChangeOut.of(round_id, changes.take(db, vault, round_id, asked, confirm, now, scope), True)
    return ChangeOut.of(round_id, changes.propose(db, vault, round_id, asked, now, scope), False)
