"""Service-linked roles: fixed names, fixed policies, asked action by action."""
