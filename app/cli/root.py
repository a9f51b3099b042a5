"""Puts the commands together: a module for each group."""

import os
import sys

import typer

from app.audit import cli as audit
from app.cli import access_keys, accounts, bucket_syncing, data, databases, reporting, serving, syncing, tokens

app = typer.Typer(
    help="Tollgate: a license gate for organizations of many accounts. Settings are environment variables, TOLLGATE_….",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
GROUPS = (
    (accounts.app, "account"),
    (tokens.app, "token"),
    (access_keys.app, "access-key"),
    (audit.app, "audit"),
    (syncing.app, "sync"),
)
bucket_syncing.register(syncing.app)
for group, name in GROUPS:
    app.add_typer(group, name=name)
for module in (serving, data, databases, reporting):
    module.register(app)


def main() -> None:
    """The executable; what it says goes where it can be written, or it ends in words."""
    try:
        app()
    except OSError as error:
        # What still waits to be written can't be either; the interpreter would try, and exit with 120.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(f"tollgate: {error.strerror or error}")
