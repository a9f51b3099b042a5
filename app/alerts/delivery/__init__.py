"""Alerts delivered outside, at least once: to topics, webhooks and mailboxes (AL-3)."""
