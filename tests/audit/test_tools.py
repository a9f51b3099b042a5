"""Other programs read a trail: the AWS CLI checks its digests, a reader of CloudTrail's logs finds its records."""

import base64
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from awscli.clidriver import create_clidriver
from awscli.customizations.cloudtrail.validation import PublicKeyProvider
from moto import mock_aws
from nops_cloudtrail.bucket import CloudTrailBucket

from app.audit.trail.signing import pkcs1
from app.audit.trail.verify import Kind, verify
from app.kernel.clock import ManualClock
from app.kernel.database import Database
from app.kernel.stores import S3Store, open_store
from tests.audit.stage import KEYS, OWNER, SIGNER, act_everywhere, deliverer, events, viewer
from tests.support.databases import Databases

BUCKET = "aws-license-manager-service-trail"
TRAIL_ARN = f"arn:aws:cloudtrail:us-east-1:{OWNER}:trail/tollgate"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """AWS by moto, with a bucket."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("MOTO_ACCOUNT_ID", OWNER)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket=BUCKET)
        yield client


@dataclass(frozen=True, slots=True)
class Trail:
    """A trail of five hours in a bucket."""

    database: Database
    client: Any
    began: datetime


@pytest.fixture
async def trail(all_databases: Databases, aws: Any) -> AsyncIterator[Trail]:
    began = datetime.now(UTC) - timedelta(hours=5)
    clock = ManualClock(began)
    database = Database(all_databases.url("sqlite"), clock=clock)
    await database.start()
    server = deliverer(database, open_store(f"s3://{BUCKET}/trails"))
    for _ in range(20):
        await act_everywhere(database)
        await server.run_once()
        clock.advance(minutes=15)
    yield Trail(database, aws, began)
    await database.stop()


def names(client: Any, part: str) -> list[str]:
    """The objects of the owner's trail in us-east-1 whose names hold a part."""
    found = client.list_objects_v2(Bucket=BUCKET, Prefix=f"trails/AWSLogs/{OWNER}/")["Contents"]
    return [each["Key"] for each in found if part in each["Key"] and "us-east-1/" in each["Key"]]


def validate_logs(trail: Trail, monkeypatch: pytest.MonkeyPatch) -> int:
    """What `aws cloudtrail validate-logs` exits with; only where it asks AWS for the public key it is answered here."""
    key = {"Fingerprint": SIGNER.fingerprint, "Value": base64.b64encode(pkcs1(SIGNER.public_key))}
    monkeypatch.setattr(PublicKeyProvider, "get_public_keys", lambda *_: {SIGNER.fingerprint: key})
    start = (trail.began - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    arguments = ["--trail-arn", TRAIL_ARN, "--start-time", start, "--s3-bucket", BUCKET, "--s3-prefix", "trails"]
    code: int = create_clidriver().main(["cloudtrail", "validate-logs", "--verbose", *arguments])
    return code


async def test_the_aws_cli_finds_every_digest_and_log_file_valid(
    trail: Trail, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert validate_logs(trail, monkeypatch) == 0
    said = capsys.readouterr().out
    digests, logs = [name for name in names(trail.client, "CloudTrail-Digest") if name.endswith(".gz")], 17
    assert f"{len(digests)}/{len(digests)} digest files valid" in said
    assert f"{logs}/{logs} log files valid" in said


async def test_the_aws_cli_finds_an_edited_log_file(
    trail: Trail, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = names(trail.client, "/CloudTrail/")[0]
    other = names(trail.client, "/CloudTrail/")[1]
    trail.client.copy_object(Bucket=BUCKET, Key=name, CopySource={"Bucket": BUCKET, "Key": other})
    assert validate_logs(trail, monkeypatch) == 1
    assert "hash value doesn't match" in capsys.readouterr().err


async def test_a_reader_of_cloudtrail_logs_finds_every_record(trail: Trail) -> None:
    described = SimpleNamespace(description=SimpleNamespace(S3BucketName=BUCKET, S3KeyPrefix="trails"))
    reader = CloudTrailBucket(session=boto3.Session(), trail=described, threads_count=1)
    now = datetime.now(UTC)
    found = list(reader.get_events(trail.began - timedelta(days=1), now + timedelta(minutes=1), "boto3"))
    kept = [each for each in await events(trail.database) if each["account_id"] == OWNER]
    assert len(found) == len(kept) == 40
    assert {each["EventName"] for each in found} == {"CreateLicenseConfiguration"}
    assert {each["Username"] for each in found} == {viewer().principal_name}


async def test_a_trail_in_a_bucket_is_verified_and_so_is_a_copy_elsewhere(trail: Trail, aws: Any) -> None:
    store = S3Store(BUCKET, "trails", None)
    report = verify(store, KEYS)
    assert report.findings == []
    assert report.records == len(await events(trail.database))
    copy = S3Store(BUCKET, "copy/of/it", None)
    for each in list(store.listed()):
        found = store.get(each.key)
        assert found is not None
        copy.put(each.key, found.body)
    assert verify(copy, KEYS).findings == []
    aws.delete_object(Bucket=BUCKET, Key=f"copy/of/it/{min(each.key for each in copy.listed())}")
    assert [finding.kind for finding in verify(copy, KEYS).findings][:1] == [Kind.MISSING]
