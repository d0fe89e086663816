"""A stranger reads everything: pages in both languages, files, bundles, API. Canaries, the embargo, and an attacker."""

from __future__ import annotations

import io
import json
import math
import re
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlmodel import select

from app.db.database import Database
from app.disclosure.site import write_site
from app.http import dependencies
from app.http.in_process import InProcess
from app.ledger import repository as ledger
from app.main import create_app
from app.needs import NEEDS
from app.registers.tables import CreditClass, InspectorLeave, Recusal, Supervision, SupervisionRule, Target
from app.settings import Settings
from tests.api.test_result_pages import disclosed
from tests.visited_round import Visited, reveal

PHONE, IDENTITY, CANARY = "13912345678", "650102199001011234", "金丝雀之言"
PERSONS = re.compile(r"姓名[0-9]|Z000[0-9]{2}|某路1号|内部备注")
TARGETS = re.compile(r"T[0-9]{4}")
NAMES = re.compile(r"企业[0-9]+")


def plant(db: Database) -> None:
    """Canaries in every free text that stays inside, and a class's source that names the class."""
    with db.write() as session:
        for place, row in enumerate(session.exec(select(CreditClass)).all()):
            row.source = f"{CANARY}{row.credit}{place}"
            session.add(row)
        for leave in session.exec(select(InspectorLeave)).all():
            leave.reason = f"{CANARY} {PHONE}"
            session.add(leave)
        for recusal in session.exec(select(Recusal)).all():
            recusal.reason = f"{CANARY} {IDENTITY}"
            session.add(recusal)
        for target in session.exec(select(Target)).all():
            target.scope = f"{CANARY} {PHONE}"
            session.add(target)


def everything(app: FastAPI, folder: Path, round_id: str, result_id: str) -> dict[str, str]:
    """Text of all that is public, by where it was: the static site, opened archives, every public GET of the API."""
    write_site(app, folder)
    found = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
    values = {"round_id": round_id, "key": result_id, "visit_id": result_id}
    with InProcess(app) as browser:
        for path, methods in app.openapi()["paths"].items():
            if "get" in methods and NEEDS[methods["get"]["operationId"]].public:
                filled = re.sub(r"{(\w+)}", lambda name: values.get(name[1], "1"), path)
                for address in (filled, f"{filled}?index=1&old=1&format=json"):
                    found[address] = browser.get(address, "application/json").content
    return {name: text for where, body in found.items() for name, text in _opened(where, body)}


def _opened(where: str, body: bytes) -> Iterator[tuple[str, str]]:
    if body.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            for name in archive.namelist():
                yield f"{where}!{name}", archive.read(name).decode(errors="replace")
    else:
        yield where, body.decode(errors="replace")


@pytest.fixture
def city(visited_of_its_own: Visited) -> Visited:
    """The small city's round, seated, with canaries planted."""
    plant(visited_of_its_own.desk.db)
    return visited_of_its_own


def application(visited: Visited, moment: Any) -> FastAPI:
    app = create_app(visited.desk.db, Settings(data_dir=visited.desk.vault.directory), with_clock=False)
    app.dependency_overrides[dependencies._now] = lambda: moment
    return app


def test_nobodys_secret_is_anywhere_and_before_the_reveal_no_target_but_those_with_a_result(
    city: Visited, tmp_path: Path
) -> None:
    visit, check = disclosed(city)
    now = city.at(visit, 60)
    before = everything(application(city, now), tmp_path / "before", city.round_id, check.key)
    assert len(before) > 60
    named = {name for text in before.values() for name in NAMES.findall(text)}
    targets = {target for text in before.values() for target in TARGETS.findall(text)}
    assert (named, targets) == ({visit.name}, {visit.target_id})
    row = reveal(city, now)
    after = everything(application(city, row.updated_at), tmp_path / "after", city.round_id, check.key)
    assert len({target for text in after.values() for target in TARGETS.findall(text)}) > 20
    for where, text in (*before.items(), *after.items()):
        for secret in (PHONE, IDENTITY, CANARY):
            assert secret not in text, where
        assert not PERSONS.search(text), (where, PERSONS.search(text))
        assert not re.search(r"T[0-9]{4}[^0-9A-Za-z]{1,6}[ABC]\b", text), where
    attack(city, after)


def attack(city: Visited, public: Mapping[str, str]) -> None:
    """Bayes over what is public: no guess is surer than the check before the freeze said, and none does better.

    The attacker knows the rules (manifest), who is under which department, and the classes' shares in the city.
    """
    bundle = next(name for name in public if name.endswith("bundle.zip!manifest.json")).partition("!")[0]
    manifest = json.loads(public[f"{bundle}!manifest.json"])
    drawn = {
        draw["draw_id"]: set(json.loads(public[f"{bundle}!results/{draw['draw_id']}.json"])["selected"])
        for draw in manifest["draws"]
    }
    rates = {
        draw["draw_id"]: {rule["key"][0]: rule["ratio_ppm"] / 1e6 for rule in draw["strata"]}
        for draw in manifest["draws"]
    }
    of_department = {draw["department"]: draw["draw_id"] for draw in manifest["draws"]}
    with city.desk.db.read() as session:
        risk = json.loads(ledger.load(session, city.round_id, "internal/risk.json"))
        ids = {row.id: row.target_id for row in session.exec(select(Target))}
        truth = {ids[row.target]: row.credit for row in session.exec(select(CreditClass))}
        rules = {row.code: of_department[row.department] for row in session.exec(select(SupervisionRule))}
        eligible: dict[str, set[str]] = {}
        for tag in session.exec(select(Supervision)):
            eligible.setdefault(ids[tag.target], set()).add(rules[tag.rule])
    shares = {name: sum(c == name for c in truth.values()) / len(truth) for name in "ABC"}
    printed = risk["worst"]["posterior_ppm"] / 1e6
    right = 0
    for target, draws in eligible.items():
        hits = {draw for draw in draws if target in drawn[draw]}
        posterior = believed(shares, rates, draws, hits)
        assert max(posterior.values()) <= printed + 0.01, (target, hits, posterior)
        right += max(posterior, key=lambda name: posterior[name]) == truth[target]
    noise = 3 * math.sqrt(printed * (1 - printed) / len(eligible))
    assert right / len(eligible) <= printed + noise
    assert printed < 0.6


def believed(
    shares: Mapping[str, float], rates: Mapping[str, Mapping[str, float]], draws: set[str], hits: set[str]
) -> dict[str, float]:
    """P(class | drawn by exactly `hits` of `draws`): one number for all. The shares where no class can show it."""
    weight = {}
    for name, share in shares.items():
        above = max((rates[draw][name] for draw in draws - hits), default=0.0)
        below = min((rates[draw][name] for draw in hits), default=1.0)
        weight[name] = share * max(below - above, 0.0)
    total = sum(weight.values())
    return {name: value / total for name, value in weight.items()} if total else dict(shares)
