"""The worked example of docs/plans.md, as the API shows it."""

from __future__ import annotations

from typing import Any

EXAMPLE: dict[str, Any] = {
    "code": "food-2027",
    "title_zh": "2027 年食品经营跨部门联合抽查",
    "title_en": "Food businesses 2027, joint draw",
    "recurrence": "quarterly working-day 3 09:00",
    "starts_on": "2027-01-01",
    "ends_on": "2027-12-31",
    "privacy": "sealed",
    "tasks": [
        {
            "task_id": "food",
            "title_zh": "食品经营监督检查",
            "department": "SC",
            "partners": ["XF"],
            "rules": ["SC-food"],
            "items": ["SC-FOOD-01", "XF-FIRE-01"],
            "strata_by": ["credit"],
            "ratios": {"A": 10_000, "B": 30_000, "C": 100_000, "D": 250_000},
            "default_ratio": 30_000,
            "cooldown": 250_000,
            "backups": 20,
        }
    ],
    "caps": [
        {"code": "twice-a-year", "scope": "department", "max": 2, "basis": "每年对同一企业检查不超过两次"}
    ],
    "people_per_visit": 8,
    "entropy": [{"id": "witnesses", "kind": "witness_digits", "digits": 20}],
    "entropy_seats": [{"id": "beacon", "kind": "drand"}],
}
