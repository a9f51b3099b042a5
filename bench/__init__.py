"""Measurements: each holds Tollgate against something that runs beside it in the same run, and prints ratios."""
