"""Every route that changes something, from the application's own routes: does it ask for the state it was made for, and
may it be sent twice? A new route has to say so, or to stand here with its reason."""

from __future__ import annotations

from importlib import import_module

import pytest
from fastapi.routing import APIRoute

from app.disclosure import api as disclosure
from app.estimates import api as estimates
from app.http import operations
from app.http.idempotency import IdempotentRoute
from app.ledger import api as ledger
from app.ledger import webhooks_api
from app.people import api as people
from app.plans import api as plans
from app.registers import api as registers
from app.rounds import api as rounds
from app.rounds import packing_api
from app.visits import api as visits

ROUTERS = [
    *(
        room.router
        for room in (
            registers,
            plans,
            rounds,
            packing_api,
            visits,
            disclosure,
            estimates,
            ledger,
            webhooks_api,
            people,
        )
    ),
    operations.router,
]
CHANGING = {"POST", "PUT", "PATCH", "DELETE"}

NEW = {
    "import_list", "create_plan", "create_round", "create_webhook", "create_account", "create_token", "create_sanction",
    "add_evidence",
}  # fmt: skip
"""Makes something: there is no state yet."""
ADDED = {
    "deposit_secret", "supply_entropy", "file_absences", "cosign", "redeliver", "arrive_at_visit", "answer_questions",
    "file_objection", "open_visits", "notify_visit",
}  # fmt: skip
"""Adds to what is there and takes nothing away: nobody's change is lost."""
ONE_WAY = {
    "revoke_token", "stop_packing", "reset_password", "approve_visit", "record_check", "review_check", "return_check",
    "review_legally", "disclose_check", "correct_check", "withdraw_check", "answer_objection", "replace_target",
}  # fmt: skip
"""A step that the state allows once and refuses (409) afterwards, or that ends something for good."""
CONFIRMED = {"move_visit", "replan_round"}
"""Names the very proposal and the plan it was made for, which say more than a tag."""
SAME_AGAIN = {"cosign"}
"""The same signature again changes nothing, and answers the same."""


def routes() -> list[APIRoute]:
    """Every route of the API that changes something."""
    found = [route for router in ROUTERS for route in router.routes]
    return [route for route in found if isinstance(route, APIRoute) and CHANGING & set(route.methods or ())]


NAMED = {route.name: route for route in routes()}


def test_the_routers_here_are_those_of_the_application() -> None:
    main = import_module("app.main")
    assert {name for name, room in vars(main).items() if hasattr(room, "router") and name.endswith("_api")} <= {
        "registers_api", "plans_api", "rounds_api", "packing_api", "visits_api", "disclosure_api", "ledger_api",
        "webhooks_api", "people_api", "estimates_api",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(NAMED))
def test_what_can_be_changed_by_two_asks_for_the_state(name: str) -> None:
    """428 without If-Match, 412 with that of another state (`test_http_etag` sends both)."""
    asks = {428, 412} <= set(NAMED[name].responses)
    assert asks != (name in NEW | ADDED | ONE_WAY | CONFIRMED)


@pytest.mark.parametrize(
    "name", sorted(name for name, route in NAMED.items() if "POST" in (route.methods or ()))
)
def test_every_post_may_be_sent_twice(name: str) -> None:
    """It takes an Idempotency-Key (`test_http_idempotency` sends it again, at once, and after a crash)."""
    assert isinstance(NAMED[name], IdempotentRoute) != (name in SAME_AGAIN)
