"""Tollgate: a license gate for organizations of many accounts."""
