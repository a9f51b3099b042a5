"""Trails: log files as CloudTrail delivers them, and digests that chain them so that any tampering shows (AU-3)."""
