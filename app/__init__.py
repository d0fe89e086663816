"""The service: registers, plans, rounds and their disclosure around the pure packages below it."""
