"""Numbers larger than any column: every integer that a route takes is bounded, and says so where it is passed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, get_args, get_origin
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Param
from fastapi.routing import RouteContext, iter_route_contexts
from fastapi.testclient import TestClient

from app.db.database import Database
from app.http.problem import MEDIA_TYPE
from app.main import create_app
from app.needs import NEEDS
from app.settings import Settings
from tests.accounts import made, signed_in

BEYOND = (1 << 63, 1 << 64, 10**30, 10**4000, -(1 << 63) - 1)
WITHIN = (0, -1, 1, (1 << 31) - 1, 1 << 31, (1 << 53) + 1, (1 << 63) - 1)


@pytest.fixture
def app(database: Database, tmp_path: Path) -> FastAPI:
    """The application over an empty database."""
    return create_app(database, Settings(data_dir=tmp_path), with_clock=False)


def routes(app: FastAPI) -> Iterator[RouteContext]:
    """Every route with an endpoint, pages and undescribed ones too."""
    return (route for route in iter_route_contexts(app.routes) if getattr(route, "dependant", None))


def parameters(route: RouteContext) -> Iterator[tuple[str, str, bool]]:
    """(path or query, name, whether it is an integer) of each parameter."""
    for field in get_flat_params(route.dependant):
        assert isinstance(field.field_info, Param)
        place = field.field_info.in_.value
        if place in ("path", "query"):
            yield place, field.alias, _is_integer(field.field_info.annotation)


def _is_integer(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated:
        return _is_integer(get_args(annotation)[0])
    kinds = {kind for kind in get_args(annotation) if kind is not NoneType} or {annotation}
    return any(kind is int or (get_args(kind) and _is_integer(kind)) for kind in kinds)


def asked(route: RouteContext, place: str, name: str, value: int) -> tuple[str, str]:
    """Method and address with `value` for that parameter, 1 for the path's others and the query's other integers."""
    address, query = str(route.path), []
    for where, other, integer in parameters(route):
        text = str(value) if (where, other) == (place, name) else "1"
        address = address.replace("{" + other + "}", text).replace("{" + other + ":path}", text)
        if where == "query" and (integer or other == name):
            query.append(f"{quote(other)}={text}")
    return min(route.methods or {"GET"}), f"{address}?{'&'.join(query)}"


@pytest.mark.parametrize(
    "value", [*BEYOND, *WITHIN], ids=lambda value: f"{value:.4g}" if abs(value) < 1e99 else "4000 digits"
)
def test_no_number_in_an_address_is_a_failure(app: FastAPI, value: int) -> None:
    integers = others = refused = 0
    marked: set[str] = set()
    with TestClient(app, raise_server_exceptions=False) as client:
        for route in routes(app):
            for place, name, integer in parameters(route):
                method, address = asked(route, place, name, value)
                answer = client.request(method, address)
                assert answer.status_code < 500, (method, address, answer.text)
                integers, others = integers + integer, others + (not integer)
                if integer and value in BEYOND:
                    assert 400 <= answer.status_code < 500, (method, address, answer.text)
                    assert answer.headers["content-type"] == MEDIA_TYPE
                    if (
                        answer.status_code == 403
                    ):  # a form asks for the mark of a session; the next test has one
                        marked.add(str(route.name))
                        continue
                    if answer.status_code == 404:  # not for those who ask from elsewhere, whatever they ask
                        continue
                    assert answer.json()["params"] == {"field": f"{place}.{name}"}
                    refused += 1
    assert integers >= 29
    assert others > 50
    assert refused >= 29 or value not in BEYOND
    assert marked == (MARKED if value in BEYOND else set())


MARKED = {
    "roles_form", "lock_form", "end_sessions_form", "identity_form", "inspector_form", "reset_password_form",
    "revoke_token_form",
}  # fmt: skip
"""Forms that only a session of their own may send."""


@pytest.mark.parametrize(
    "value", BEYOND, ids=lambda value: f"{value:.4g}" if abs(value) < 1e99 else "4000 digits"
)
def test_forms_of_a_session_refuse_the_number_too(app: FastAPI, database: Database, value: int) -> None:
    """Each by whoever may send it, with the mark that the session's pages have."""
    people = {role: made(database, role, role) for role in ("system_admin", "security_admin")}
    found = set()
    for role, account in people.items():
        client = signed_in(app, database, account)
        mark = re.search('name="csrf" value="([^"]+)"', client.get("/account").text)
        assert mark
        for route in routes(app):
            need = NEEDS[str(route.name)]
            if route.name in MARKED and (role in need.roles or not need.roles):
                method, address = asked(route, "path", "number", value)
                answer = client.request(method, address, data={"csrf": mark[1]})
                assert (answer.status_code, answer.headers["content-type"]) == (422, MEDIA_TYPE), answer.text
                assert answer.json()["params"] == {"field": "path.number"}
                found.add(route.name)
    assert found == MARKED
