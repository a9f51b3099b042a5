"""The command line: `tollgate`. Each command imports what it needs itself, so that none waits for the others."""

from app.cli.root import main

__all__ = ["main"]
