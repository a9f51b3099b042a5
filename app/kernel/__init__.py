"""What every slice stands on: errors, identifiers, Regions, the clock, the database, reads and events."""
