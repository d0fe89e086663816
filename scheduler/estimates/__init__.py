"""What the sample proves: rates of non-compliance with intervals, honest about what the sample cannot say."""

from scheduler.estimates.coarsening import coarsened
from scheduler.estimates.coding import Coded, coded
from scheduler.estimates.notes import Note
from scheduler.estimates.observations import (
    EVERYTHING,
    RESULTS,
    Domain,
    Observation,
    Origin,
    Outcome,
    Stratum,
    outcome_of,
    strata_of,
)
from scheduler.estimates.rates import SMALLEST_CELL, Bounds, Estimate, ForCause, estimate, for_cause
from scheduler.estimates.tables import Table, outcome_posterior, rates, rates_of

__all__ = [
    "EVERYTHING",
    "RESULTS",
    "SMALLEST_CELL",
    "Bounds",
    "Coded",
    "Domain",
    "Estimate",
    "ForCause",
    "Note",
    "Observation",
    "Origin",
    "Outcome",
    "Stratum",
    "Table",
    "coarsened",
    "coded",
    "estimate",
    "for_cause",
    "outcome_of",
    "outcome_posterior",
    "rates",
    "rates_of",
    "strata_of",
]
