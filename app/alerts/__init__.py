"""Alerts: raised with what causes them, fed to subscribers, acknowledged by people."""
