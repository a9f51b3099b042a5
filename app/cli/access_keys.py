"""`tollgate access-key`: makes, lists, disables and deletes access keys for AWS's tools, also while a server runs."""

from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.tokens import Permission

if TYPE_CHECKING:
    from app.identity.access_keys import AccessKey
    from app.kernel.database import Database, Transaction

app = typer.Typer(
    help="Make, list, disable and delete access keys for AWS's tools.", no_args_is_help=True, rich_markup_mode=None
)
KeyId = Annotated[str, typer.Argument(help="The access key's id, AKIA….", metavar="ACCESS_KEY_ID")]


@app.command()
def create(
    account: Annotated[str, typer.Option(help="The account whose access key it is.")],
    permission: Annotated[Permission, typer.Option(help="What it may do.")] = Permission.administrator,
    name: Annotated[str | None, typer.Option(help="What it is for; becomes the user name in its ARN.")] = None,
) -> None:
    """Make an access key and print it as JSON, and nothing else. Its secret can't be shown again."""
    import json

    from app.cli.running import explained, run, settings
    from app.identity import access_keys
    from app.kernel.sealing import Sealer
    from app.kernel.viewer import Permission as Granted
    from app.seeding.operator import record

    called = name or permission.value
    with explained():
        sealer = Sealer.of(settings())

    def write(tx: "Transaction") -> access_keys.NewAccessKey:
        made = access_keys.create(tx, sealer, account, Granted(permission.upper()), called)
        record(tx, account, "createAccessKey", {"userName": called, "permission": permission.upper()})
        return made

    made = run(lambda database: database.write(write))
    typer.echo(json.dumps({"accessKeyId": made.access_key_id, "secretAccessKey": made.secret}))


@app.command("list")
def list_(account: Annotated[str | None, typer.Option(help="Of this account alone.")] = None) -> None:
    """List access keys, without their secrets."""
    from app.cli.printing import instant, table
    from app.cli.running import run
    from app.identity.access_keys import list_keys

    async def read(database: "Database") -> "list[AccessKey]":
        return await database.read(lambda connection: list_keys(connection, account))

    table(
        ("ACCESS KEY ID", "ACCOUNT", "NAME", "PERMISSION", "STATE", "CREATED", "LAST USED"),
        (
            (
                each.access_key_id,
                each.account_id,
                each.user_name,
                each.permission.lower(),
                "active" if each.active else "disabled",
                instant(each.created_at),
                instant(each.last_used_at),
            )
            for each in run(read)
        ),
    )


@app.command()
def disable(access_key_id: KeyId) -> None:
    """Disable an access key, at once."""
    _change(access_key_id, "updateAccessKey", "disabled", active=False)


@app.command()
def enable(access_key_id: KeyId) -> None:
    """Enable a disabled access key again."""
    _change(access_key_id, "updateAccessKey", "active", active=True)


@app.command()
def delete(access_key_id: KeyId) -> None:
    """Delete an access key, at once and for good."""
    _change(access_key_id, "deleteAccessKey", "deleted", active=None)


def _change(access_key_id: str, action: str, now: str, *, active: bool | None) -> None:
    from app.cli.running import run
    from app.identity import access_keys
    from app.seeding.operator import record

    def write(tx: "Transaction") -> None:
        if active is None:
            account = access_keys.remove(tx, access_key_id)
        else:
            account = access_keys.set_active(tx, access_key_id, active)
        record(tx, account, action, {"accessKeyId": access_key_id, "state": now})

    run(lambda database: database.write(write))
    typer.echo(f"{access_key_id} is {now}.")
