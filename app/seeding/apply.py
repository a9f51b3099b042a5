"""Applies a seed file, all of it or nothing; applied again, it changes nothing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from app import services
from app.inventory.aws.shapes import dotted
from app.kernel.changes import Changes
from app.kernel.database import Transaction
from app.seeding import licenses, organizations, resources
from app.seeding.document import Document, load
from app.seeding.errors import InputError, InputErrors
from app.seeding.format import SeedFile
from app.seeding.launches import seed_launches
from app.seeding.seeder import Seeder

MOST_ERRORS = 20
__all__ = ["Seed", "apply", "read", "services"]


class Seed:
    """A seed file that was read and says nothing wrong of itself."""

    def __init__(self, document: Document, content: SeedFile) -> None:
        self.document, self.content = document, content


def read(file: Path) -> Seed:
    """Read and check a file; raises InputError or InputErrors, each with a line and a place."""
    document = load(file)
    try:
        return Seed(document, SeedFile.model_validate(document.data))
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        raise InputErrors([_problem(document, each) for each in problems[:MOST_ERRORS]]) from None


def apply(tx: Transaction, seed: Seed, on_section: Callable[[], None] = lambda: None) -> Changes:
    """Apply a file in one unit of work; what that changed. Raises InputErrors with the line of what is refused."""
    seeder, content = Seeder(tx, seed.document), seed.content
    organizations.seed_accounts(seeder, content.accounts)
    if content.organization is not None:
        organizations.seed_organization(seeder, content.organization)
    on_section()
    sections: list[tuple[Callable[[Seeder, Any], None], Any]] = [
        (organizations.seed_settings, content.settings),
        (licenses.seed_configurations, content.license_configurations),
        (licenses.seed_shares, content.resource_shares),
        (resources.seed_images, content.images),
        (resources.seed_templates, content.launch_templates),
        (resources.seed_hosts, content.dedicated_hosts),
        (seed_launches, content.launches),
        (resources.seed_managed, content.managed_instances),
    ]
    for seed_section, entries in sections:
        seed_section(seeder, entries)
        on_section()
    return seeder.changes


def _problem(document: Document, problem: Any) -> InputError:
    place = tuple(problem["loc"])
    if problem["type"] == "extra_forbidden":
        message, remedy = "is not known here", "The format is in docs/seeding.md."
    elif problem["type"] == "model_type":  # pydantic's words name a class
        message, remedy = "input should be an object", None
    else:
        message = str(problem["msg"]).removeprefix("Value error, ")
        message, remedy = message[:1].lower() + message[1:], None
    return InputError(document.file, message, line=document.line(place), where=dotted(place), remedy=remedy)
