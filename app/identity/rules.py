"""The form of credentials, without I/O."""
