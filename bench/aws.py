"""The AWS endpoint: boto3-signed reads and writes against moto's cheapest comparable calls in the same run."""

import asyncio
import itertools
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from app.compute.resources import load as load_resources
from app.identity import access_keys
from app.identity.access_keys import NewAccessKey
from app.inventory.managed import put
from app.inventory.reported import Report
from app.kernel.database import Transaction
from app.kernel.sealing import Sealer
from app.kernel.viewer import Permission
from app.licensing.configurations import CreateConfiguration, create
from app.licensing.rules import CountingType
from app.licensing.service import facts
from app.organizations.accounts import create_standalone
from app.roles.rules import ServiceLinkedRoleKind
from app.roles.service import ensure
from bench import load
from bench.launches import ACCOUNT, REGION, VIEWER
from bench.servers import TOLLGATE, moto, opened, postgresql, serving

CLIENTS = 32
RESOURCES = 256
ACCOUNTS, INSTANCES = 12, 20
JSON = "application/x-amz-json-1.1"
FORM = "application/x-www-form-urlencoded; charset=utf-8"
TESTING = NewAccessKey("test", "test")


def signed(url: str, key: NewAccessKey, service: str, body: bytes, headers: dict[str, str]) -> bytes:
    """A request as botocore signs it now; good for five minutes."""
    request = AWSRequest("POST", f"{url}/", data=body, headers=dict(headers))
    request.headers["Host"] = urlsplit(url).netloc
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    request.context["timestamp"] = request.headers["X-Amz-Date"] = stamp
    signer = SigV4Auth(Credentials(key.access_key_id, key.secret), service, REGION)
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    names = signer.signed_headers(signer.headers_to_sign(request))
    authorization = f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders={names}, Signature={signature}"
    sent = {name: value for name, value in request.headers.items() if name.lower() not in ("host", "content-length")}
    return load.request_bytes(f"{url}/", body, {**sent, "Authorization": authorization})


def _call(url: str, key: NewAccessKey, operation: str, **given: object) -> bytes:
    headers = {"X-Amz-Target": f"AWSLicenseManager.{operation}", "Content-Type": JSON}
    return signed(url, key, "license-manager", json.dumps(given).encode(), headers)


# ------------------------------------------------------------ Tollgate


def _world(tx: Transaction, sealer: Sealer) -> tuple[NewAccessKey, str, Sequence[str]]:
    """An account with a hard configuration and servers that run; an access key, and their ARNs."""
    create_standalone(tx, ACCOUNT, "Bench")
    tx.flush()
    ensure(tx, ACCOUNT, ServiceLinkedRoleKind.CORE)
    tx.flush()
    wanted = CreateConfiguration(
        region=REGION, name="bench", counting_type=CountingType.INSTANCE, license_count=10**6, hard_limit=True
    )
    configuration = create(tx, VIEWER, wanted)
    keys = [put(tx, VIEWER, Report(region=REGION, resource_id=f"mi-{number}")) for number in range(RESOURCES)]
    tx.flush()
    arns = [each.arn for each in load_resources(tx.connection, keys).values()]
    key = access_keys.create(tx, sealer, ACCOUNT, Permission.ADMINISTRATOR, "bench")
    return key, facts(tx.connection, [configuration])[configuration].arn, arns


def _updates(url: str, key: NewAccessKey, configuration: str, resources: Sequence[str]) -> Iterator[bytes]:
    """Put on every server in turn, then taken off: each request changes something."""
    wanted = [{"LicenseConfigurationArn": configuration}]
    made = [
        _call(url, key, "UpdateLicenseSpecificationsForResource", ResourceArn=arn, **{member: wanted})
        for member in ("AddLicenseSpecifications", "RemoveLicenseSpecifications")
        for arn in resources
    ]
    return itertools.cycle(made)


async def _prepare(database_url: str, sealer: Sealer) -> tuple[NewAccessKey, str, Sequence[str]]:
    async with opened(database_url) as database:
        return await database.write(lambda tx: _world(tx, sealer))


def ours(database_url: str, folder: Path, total: int) -> tuple[load.Measured, load.Measured]:
    """GetLicenseConfiguration and UpdateLicenseSpecificationsForResource on a database."""
    key, configuration, resources = asyncio.run(_prepare(database_url, Sealer([], folder)))
    with serving(TOLLGATE, database_url, TOLLGATE_DATA_DIRECTORY=str(folder)) as url:
        read = itertools.repeat(_call(url, key, "GetLicenseConfiguration", LicenseConfigurationArn=configuration))
        asyncio.run(load.run(url, read, clients=CLIENTS, total=CLIENTS * 4))
        reads = asyncio.run(load.run(url, read, clients=CLIENTS, total=total))
        updates = _updates(url, key, configuration, resources)
        writes = asyncio.run(load.run(url, updates, clients=CLIENTS, total=total - total % (2 * RESOURCES)))
    return reads, writes


# ------------------------------------------------------------ moto


def theirs(total: int) -> tuple[load.Measured, load.Measured]:
    """moto's ListAccounts with 12 accounts, and its DescribeInstances with 20."""
    with moto() as url:
        session = boto3.Session(TESTING.access_key_id, TESTING.secret, region_name=REGION)
        organizations = session.client("organizations", endpoint_url=url)
        organizations.create_organization(FeatureSet="ALL")
        for number in range(ACCOUNTS - 1):
            organizations.create_account(Email=f"{number}@example.com", AccountName=f"account {number}")
        ec2 = session.client("ec2", endpoint_url=url)
        ec2.run_instances(ImageId="ami-12c6146b", MinCount=INSTANCES, MaxCount=INSTANCES)
        target = {"X-Amz-Target": "AWSOrganizationsV20161128.ListAccounts", "Content-Type": JSON}
        accounts = itertools.repeat(signed(url, TESTING, "organizations", b"{}", target))
        query = urlencode({"Action": "DescribeInstances", "Version": "2016-11-15"}).encode()
        instances = itertools.repeat(signed(url, TESTING, "ec2", query, {"Content-Type": FORM}))
        return (
            asyncio.run(load.run(url, accounts, clients=CLIENTS, total=total)),
            asyncio.run(load.run(url, instances, clients=CLIENTS, total=total)),
        )


def run(scale: float = 1.0) -> None:
    """Print requests a second and their ratios to moto's, on both databases."""
    many, few = int(6_144 * scale), int(1_500 * scale)
    moto_calls = dict(zip(("ListAccounts", "DescribeInstances"), theirs(few), strict=True))
    for name, measured in moto_calls.items():
        _print(f"moto {name}", measured)
    with tempfile.TemporaryDirectory() as name:
        _both("SQLite", ours(f"sqlite+aiosqlite:///{name}/tollgate.db", Path(name), many), moto_calls)
    with tempfile.TemporaryDirectory(prefix="bench") as name, postgresql(Path(name)) as url:
        _both("PostgreSQL", ours(url, Path(name), many), moto_calls)


def _both(
    database: str, measured: tuple[load.Measured, load.Measured], moto_calls: Mapping[str, load.Measured]
) -> None:
    for what, each in zip(("GetLicenseConfiguration", "UpdateLicenseSpecifications"), measured, strict=True):
        ratios = [f"{each.per_second / other.per_second:.1f} × {name}" for name, other in moto_calls.items()]
        _print(f"{what} ({database})", each, f"= {', '.join(ratios)}")


def _print(label: str, measured: load.Measured, ratio: str = "") -> None:
    print(
        f"{label:42} {measured.per_second:8.0f}/s  p50 {measured.percentile(0.5):6.1f} ms  "
        f"p99 {measured.percentile(0.99):6.1f} ms  failures {measured.failures}  {ratio}"
    )


if __name__ == "__main__":
    run()
