"""The register of cheats: each recomputes every digest it can, and names the step that must fail first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from scheduler.encoding import canonical_json
from tests.unit.scheduler.round_factory import Draft

Cheat = Callable[[Draft], None]
CASES: list[Any] = []
DRAW1, DRAW2, DRAW3 = "results/D1-credit", "results/D2-cool", "results/D3-own"


def caught(step: str, *where: str) -> Callable[[Cheat], Cheat]:
    """Register a cheat with the step that must fail first, for each `privacy/copy`."""

    def keep(cheat: Cheat) -> Cheat:
        CASES.extend(
            pytest.param(cheat, step, *place.split("/"), id=f"{cheat.__name__}-{place}")
            for place in where or ("open/public", "open/auditor", "sealed/public", "sealed/auditor")
        )
        return cheat

    return keep


FULL = ("open/public", "open/auditor", "sealed/auditor")
AUDITOR = ("open/auditor", "sealed/auditor")
HIDDEN = ("sealed/public",)


def bind_manifest(draft: Draft) -> None:
    """Log and reveal the manifest as it now stands, as if it had always been so."""
    digest = draft.keys.suite.hash(canonical_json(draft.docs["manifest"])).hex()
    draft.docs["reveal"]["manifest_hash"] = draft.entry("manifest")["digest"] = digest
    draft.log_reveal()


def hashed(draft: Draft, value: Any) -> str:
    return draft.keys.suite.hash(canonical_json(value)).hex()


def strata(draft: Draft, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = draft.docs[name]["strata"]
    return found
