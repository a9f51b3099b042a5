"""Seeds launches: each goes through the gate once, and is known again by its name (EN-12)."""

from collections.abc import Sequence

from app.compute.launch import LaunchRequest, launch_batch
from app.compute.launch_command import LaunchCommand
from app.compute.launch_facts import remembered
from app.compute.lifecycle import stop
from app.compute.rules import ResourceType
from app.compute.tagging import NAME
from app.kernel.changes import Change
from app.kernel.database import Transaction
from app.kernel.errors import DomainError, Refusal
from app.kernel.tags import check_tags
from app.seeding.format import Launch
from app.seeding.seeder import Seeder, Step


def seed_launches(seeder: Seeder, entries: Sequence[Launch]) -> None:
    """Launch what was not launched before; one that the gate blocks refuses the whole file."""
    for position, entry in enumerate(entries):
        parameters = {"region": entry.region, "count": entry.count, "clientToken": _token(entry)}
        with seeder.entry(("launches", position), entry.account, "launchInstances", parameters) as step:
            _launch(seeder, step, entry)


def _launch(seeder: Seeder, step: Step, entry: Launch) -> None:
    command = _command(seeder, entry)
    repeated = bool(remembered(seeder.tx.connection, [command]))
    viewer = seeder.viewer(entry.account)
    (result,) = launch_batch(seeder.tx, [LaunchRequest(command, viewer, _unrecorded)])
    if result.refusals:
        raise DomainError(*result.refusals)
    if repeated:
        return
    step.done("instances", Change.ADDED, len(result.instance_keys))
    seeder.tx.flush()
    if entry.stopped:
        stop(seeder.tx, viewer, result.instance_keys[: entry.stopped])


def _unrecorded(tx: Transaction, refusals: Sequence[Refusal]) -> None:
    """The entry leaves the record."""


def _token(entry: Launch) -> str:
    return f"seed:{entry.name}"


def _command(seeder: Seeder, entry: Launch) -> LaunchCommand:
    cpu = entry.cpu_options
    return LaunchCommand(
        account_id=entry.account,
        region=entry.region,
        image_key=seeder.resource(entry, ResourceType.IMAGE, entry.image, "image"),
        template_key=seeder.resource(entry, ResourceType.LAUNCH_TEMPLATE, entry.launch_template, "launchTemplate"),
        instance_type=entry.instance_type,
        count=entry.count,
        tenancy=entry.tenancy,
        host_key=seeder.resource(entry, ResourceType.DEDICATED_HOST, entry.host, "host"),
        core_count=cpu.core_count if cpu else None,
        threads_per_core=cpu.threads_per_core if cpu else None,
        configuration_keys=tuple(dict.fromkeys(seeder.licenses(entry, entry.license_configurations))),
        mechanism=entry.mechanism,
        tags=check_tags(list({NAME: entry.name, **entry.tags}.items()), "tags"),
        client_token=_token(entry),
    )
