"""Every room's tables, imported for their metadata: migrations and tests need all of them known."""

from __future__ import annotations

from importlib import import_module

ROOMS = ("http", "ledger", "people", "registers", "plans", "rounds", "visits", "disclosure", "estimates")


def import_all() -> None:
    """Import `app.<room>.tables` of each room that keeps state."""
    import_module("app.db.journal")
    for room in ROOMS:
        import_module(f"app.{room}.tables")
