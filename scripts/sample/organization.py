"""The sample's organization: made, and written as the AWS CLI prints it."""

from pathlib import Path
from typing import Any

from botocore.client import BaseClient

from scripts.sample.output import answer, write
from scripts.sample.plan import UNITS

LICENSE_MANAGER = "license-manager.amazonaws.com"


def make_organization(client: Any) -> dict[str, str]:
    """Create the organization with its units and accounts; the accounts' ids by name."""
    client.create_organization(FeatureSet="ALL")
    client.enable_aws_service_access(ServicePrincipal=LICENSE_MANAGER)
    root = client.list_roots()["Roots"][0]["Id"]
    ids: dict[str, str] = {}
    for unit, accounts in UNITS.items():
        parent = client.create_organizational_unit(ParentId=root, Name=unit)["OrganizationalUnit"]["Id"]
        for name in accounts:
            made = client.create_account(Email=f"{name}@example.com", AccountName=name)
            ids[name] = made["CreateAccountStatus"]["AccountId"]
            client.move_account(AccountId=ids[name], SourceParentId=root, DestinationParentId=parent)
    return ids


def write_organization(client: BaseClient, folder: Path) -> None:
    """One file for each call; what a call was asked for stands in the file's name after a dot, but for the root."""
    for call in ("describe-organization", "list-roots", "list-accounts", "list-aws-service-access-for-organization"):
        write(folder / f"{call}.json", answer(client, call))
    root = answer(client, "list-roots")["Roots"][0]["Id"]
    units = answer(client, "list-organizational-units-for-parent", ParentId=root)
    write(folder / "list-organizational-units-for-parent.json", units)
    write(folder / "list-accounts-for-parent.json", answer(client, "list-accounts-for-parent", ParentId=root))
    for unit in units["OrganizationalUnits"]:
        for call in ("list-organizational-units-for-parent", "list-accounts-for-parent"):
            write(folder / f"{call}.{unit['Id']}.json", answer(client, call, ParentId=unit["Id"]))
