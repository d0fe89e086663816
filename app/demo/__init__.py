"""A synthetic city and its demonstration round."""
