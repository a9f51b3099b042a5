"""Puts the commands together: a module for each group."""

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
    """The executable."""
    app()
