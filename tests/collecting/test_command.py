"""`tollgate sync aws`: what came in, what was left out with its cure, and the exit code."""

import asyncio
from collections.abc import Callable

import pytest

from app.kernel.database import Database
from app.roles.rules import ServiceLinkedRoleKind
from app.roles.service import ensure
from tests.cli.conftest import Run, tollgate
from tests.collecting.amazon import MASTER, REGION, Amazon

__all__ = ["tollgate"]


@pytest.fixture
def sync(tollgate: Run, amazon: Amazon, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command: `sync("--account", …)`."""
    monkeypatch.setenv("TOLLGATE_AWS_ENDPOINT_URL", amazon.url)
    monkeypatch.setenv("TOLLGATE_AWS_REGIONS", f"{REGION},eu-west-1")
    return lambda *arguments: tollgate("sync", "aws", *arguments)


@pytest.fixture
def granted(database_url: str) -> Callable[[str], None]:
    """The first-run grant in an account (RO-2)."""

    async def write(account_id: str) -> None:
        database = Database(database_url)
        await database.start()
        await database.write(lambda tx: ensure(tx, account_id, ServiceLinkedRoleKind.CORE))
        await database.stop()

    return lambda account_id: asyncio.run(write(account_id))


def test_an_empty_database_learns_the_organization_and_what_is_still_in_the_way(sync: Run, amazon: Amazon) -> None:
    (ann,) = amazon.organization("ann")
    result = sync()
    assert result.exit_code == 1
    assert "organizations: 1 added" in result.stdout
    assert "accounts: 2 added" in result.stdout
    assert f"account {MASTER} has no AWSServiceRoleForAWSLicenseManagerRole" in result.stderr
    assert f"account {ann} has no AWSServiceRoleForAWSLicenseManagerRole" in result.stderr
    assert "[eu-west-1, us-east-1]" in result.stderr


def test_the_summary_counts_accounts_regions_and_what_changed(
    sync: Run, tollgate: Run, amazon: Amazon, granted: Callable[[str], None]
) -> None:
    tollgate("account", "create", MASTER, "--name", "Master")
    granted(MASTER)
    amazon.run(amazon.image(), count=3)
    result = sync()
    assert (result.exit_code, result.stderr) == (0, "")
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[:3] == [["ACCOUNTS", "REGIONS"], ["asked", "1", "2"], ["synchronised", "1", "2"]]
    assert result.stdout.splitlines()[5:] == ["images: 1 added", "instances: 3 added"]
    again = sync("--region", REGION)
    assert again.stdout.splitlines()[5:] == ["Nothing changed: what AWS told is known."]
    amazon.run(amazon.image(name="other"))
    dry = sync("--dry-run", "--account", MASTER)
    assert dry.stdout.splitlines()[5:] == ["images: 1 added", "instances: 1 added", "Nothing of it was kept."]


def test_a_denied_call_is_told_once_with_its_regions_and_exits_with_1(
    sync: Run, tollgate: Run, amazon: Amazon, granted: Callable[[str], None]
) -> None:
    tollgate("account", "create", MASTER, "--name", "Master")
    granted(MASTER)
    amazon.refuse("ec2:DescribeHosts", MASTER, "UnauthorizedOperation")
    amazon.run(amazon.image())
    result = sync()
    assert result.exit_code == 1
    assert "instances: 1 added" in result.stdout
    assert ["in", "part", "1", "1"] in [line.split() for line in result.stdout.splitlines()]
    assert result.stderr == (
        f"AWS denied ec2:DescribeHosts in account {MASTER}, Region {REGION}: UnauthorizedOperation.\n"
        f"  Grant ec2:DescribeHosts to the collector's credentials in {MASTER}; docs/collecting.md has the role's "
        "policies.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--account", "12"), "“12” is not an account id."),
        (("--account", "999988887777"), "Account 999988887777 was not found."),
        (("--region", "mars-1"), "“mars-1” is not a Region of License Manager."),
    ],
)
def test_what_cant_be_asked_is_refused_before_anything_is_done(
    sync: Run, amazon: Amazon, arguments: tuple[str, str], message: str
) -> None:
    result = sync(*arguments)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[0] == message
    assert {action for action, _ in amazon.actions()} <= {"sts:GetCallerIdentity"}


def test_a_region_that_is_none_in_the_settings_is_told_at_once(sync: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLLGATE_AWS_REGIONS", "mars-1")
    result = sync()
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "TOLLGATE_AWS_REGIONS: “mars-1” is not a Region of License Manager.\n"


def test_without_credentials_the_command_says_where_they_are_looked_for(
    sync: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", "/nonexistent")
    result = sync()
    assert result.exit_code == 1
    assert result.stderr.startswith("The collector has no credentials for AWS.\n  Give them as boto3 finds them")
