"""Writes seed/sample/: an organization as the AWS CLI prints it, made by calling boto3 against moto's own server.

The same plan, moto and botocore give the same files: ids are drawn from a seed, and the clock is told the time.
"""

import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import time_machine
from moto.moto_api._internal import mock_random
from moto.server import ThreadedMotoServer

from scripts.sample.gaps import complete_hosts
from scripts.sample.organization import make_organization, write_organization
from scripts.sample.plan import places
from scripts.sample.resources import Maker

TARGET = Path(__file__).parent.parent / "seed/sample"
FIRST = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SEED = 2019


class Keys(NamedTuple):
    """Credentials; moto tells an account by its access key."""

    access: str
    secret: str
    session: str | None = None


MANAGEMENT = Keys("management", "management")


def main(target: Path = TARGET) -> None:
    """Write the sample anew."""
    with served() as endpoint, time_machine.travel(FIRST, tick=False) as clock:
        organizations = client("organizations", endpoint, MANAGEMENT)
        accounts = make_organization(organizations)
        makers = []
        for place in places():
            clock.shift(timedelta(hours=7))
            account_id = accounts[place.account]
            ec2 = client("ec2", endpoint, inside(endpoint, account_id), place.region)
            maker = Maker(ec2, account_id, place)
            maker.make()
            makers.append(maker)
        for old in (target / "organization", *target.glob("[0-9]" * 12)):
            shutil.rmtree(old, ignore_errors=True)
        write_organization(organizations, target / "organization")
        for maker in makers:
            maker.write(target / maker.account_id / maker.place.region)


def client(service: str, endpoint: str, keys: Keys, region: str = "us-east-1") -> Any:
    """A boto3 client against moto's server."""
    session = boto3.Session(keys.access, keys.secret, keys.session, region)
    # Which service is asked is known at run time alone: the types of boto3 have no name for that.
    make: Callable[..., Any] = session.client
    return make(service, endpoint_url=endpoint)


def inside(endpoint: str, account_id: str) -> Keys:
    """Credentials of a member account, by the role that the organization put there."""
    role = f"arn:aws:iam::{account_id}:role/OrganizationAccountAccessRole"
    given = client("sts", endpoint, MANAGEMENT).assume_role(RoleArn=role, RoleSessionName="sample")["Credentials"]
    return Keys(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


@contextmanager
def served() -> Iterator[str]:
    """moto's server in this process, with a seeded source of ids; gives its URL."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    mock_random.seed(SEED)
    complete_hosts()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
