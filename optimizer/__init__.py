"""Checks into shared visits, visits into team-days, seats into fair probabilities. Pure: problem in, plan out."""
