"""Commands for those who work on Tollgate: locks, snapshots and generated pages."""
