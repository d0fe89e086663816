"""The desk of those who plan and coordinate: what is due, rounds step by step, ratios, registers, decisions."""
