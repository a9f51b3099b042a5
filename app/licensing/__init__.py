"""License configurations, associations, and the gate that judges and counts."""
