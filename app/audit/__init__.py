"""The audit trail: one record for every action, searchable, delivered, tamper-evident."""
