"""A request is believed only as its signer made it: Signature Version 4, every attack refused as AWS names it."""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import select

from app.aws.sigv4 import Signed, signing_key
from app.identity import access_keys
from app.identity.access_keys import NewAccessKey
from app.kernel.clock import ManualClock
from app.kernel.database import Database
from app.kernel.sealing import Sealer
from app.kernel.viewer import Permission
from app.main import build
from app.organizations.accounts import create_standalone
from app.roles.rules import ServiceLinkedRoleKind
from app.roles.service import ensure
from app.settings import Settings
from tests.aws.signing import Sent, signed

ACCOUNT = "111122223333"


@dataclass(frozen=True)
class Guarded:
    """The door, a key to it, and its clock."""

    http: httpx2.AsyncClient
    database: Database
    sealer: Sealer
    clock: ManualClock
    key: NewAccessKey

    async def code(self, sent: Sent) -> str | None:
        """The error of a request's answer; None where it was let in."""
        status, answer = await sent.by(self.http)
        assert status == (200 if "__type" not in answer else 400), answer
        code: str | None = answer.get("__type")
        return code


@pytest.fixture
async def guarded(database_url: str, clock: ManualClock, tmp_path: Path) -> "object":
    settings = Settings(database_url=SecretStr(database_url), data_directory=tmp_path / "data", _env_file=None)
    built = build(settings, clock=clock)
    sealer = Sealer.of(settings)
    async with (
        built.application.router.lifespan_context(built.application),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(built.application)) as http,
    ):
        await built.database.write(lambda tx: create_standalone(tx, ACCOUNT, "Account"))
        await built.database.write(lambda tx: ensure(tx, ACCOUNT, ServiceLinkedRoleKind.CORE))
        key = await built.database.write(
            lambda tx: access_keys.create(tx, sealer, ACCOUNT, Permission.ADMINISTRATOR, "ops")
        )
        yield Guarded(http, built.database, sealer, clock, key)


def test_signing_keys_are_those_of_the_published_example() -> None:
    """The example of AWS's documentation for deriving a signing key."""
    claimed = Signed("", "20120215", "us-east-1", "iam", "aws4_request", (), "", "")
    derived = signing_key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", claimed)
    assert derived.hex() == "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d"


async def test_what_botocore_signs_is_let_in(guarded: Guarded) -> None:
    now = guarded.clock.now()
    assert await guarded.code(signed(guarded.key, now)) is None
    assert await guarded.code(signed(guarded.key, now, headers={"X-Amz-Meta": "  a   b  "})) is None
    assert await guarded.code(signed(guarded.key, now, headers={"X-Other": "naïve"})) is None
    digest = hashlib.sha256(b"{}").hexdigest()
    assert await guarded.code(signed(guarded.key, now, headers={"X-Amz-Content-SHA256": digest})) is None


def _flipped(text: str) -> str:
    return text[:-1] + ("0" if text[-1] != "0" else "1")


def _authorization(change: Callable[[str], str]) -> Callable[[Sent], Sent]:
    return lambda sent: sent.with_header("Authorization", change(sent.header("Authorization")))


def _twice(name: str, value: str) -> Callable[[Sent], Sent]:
    return lambda sent: replace(sent, headers=((name, value), *sent.headers))


DELETE = "AWSLicenseManager.DeleteLicenseConfiguration"
ATTACKS: dict[str, tuple[Callable[[Sent], Sent], str]] = {
    "no authorization": (lambda sent: sent.with_header("Authorization", None), "MissingAuthenticationToken"),
    "an empty authorization": (lambda sent: sent.with_header("Authorization", ""), "MissingAuthenticationToken"),
    "a bearer token": (lambda sent: sent.with_header("Authorization", "Bearer tg_x"), "IncompleteSignature"),
    "another algorithm": (_authorization(lambda text: text.replace("SHA256", "SHA1", 1)), "IncompleteSignature"),
    "no signature": (_authorization(lambda text: text.partition(", Signature")[0]), "IncompleteSignature"),
    "no signed headers": (_authorization(lambda text: text.replace("SignedHeaders", "Headers")), "IncompleteSignature"),
    "a credential of four parts": (
        _authorization(lambda text: text.replace("/aws4_request", "")),
        "IncompleteSignature",
    ),
    "two signatures": (_authorization(lambda text: f"{text}, Signature={'0' * 64}"), "IncompleteSignature"),
    "an authorization without end": (_authorization(lambda text: text + "0" * 5000), "IncompleteSignature"),
    "no date": (lambda sent: sent.with_header("X-Amz-Date", None), "IncompleteSignature"),
    "a date that is none": (lambda sent: sent.with_header("X-Amz-Date", "20261301T000000Z"), "IncompleteSignature"),
    "signed headers out of order": (
        _authorization(lambda text: text.replace("host;x-amz-date", "x-amz-date;host")),
        "IncompleteSignature",
    ),
    "another signature": (_authorization(_flipped), "InvalidSignatureException"),
    "a signature in capitals": (
        _authorization(lambda text: text[:-64] + text[-64:].upper()),
        "InvalidSignatureException",
    ),
    "a short signature": (_authorization(lambda text: text[:-1]), "InvalidSignatureException"),
    "a signature that is no ASCII": (_authorization(lambda text: text[:-1] + "é"), "InvalidSignatureException"),
    "another body": (lambda sent: replace(sent, body=b'{"MaxResults": 1}'), "InvalidSignatureException"),
    "another target": (lambda sent: sent.with_header("X-Amz-Target", DELETE), "InvalidSignatureException"),
    "another host": (lambda sent: sent.with_header("Host", "elsewhere.test"), "InvalidSignatureException"),
    "another query": (lambda sent: replace(sent, url=sent.url + "?Action=x"), "InvalidSignatureException"),
    "a second target": (_twice("X-Amz-Target", DELETE), "IncompleteSignature"),
    "a second authorization": (_twice("Authorization", "x"), "IncompleteSignature"),
    "a header of AWS's that is not signed": (_twice("X-Amz-Other", "x"), "InvalidSignatureException"),
    "a body hash that is not signed": (_twice("X-Amz-Content-SHA256", "UNSIGNED-PAYLOAD"), "InvalidSignatureException"),
    "a target that is not signed": (
        _authorization(lambda text: text.replace(";x-amz-target", "")),
        "InvalidSignatureException",
    ),
    "a host that is not signed": (_authorization(lambda text: text.replace("host;", "")), "InvalidSignatureException"),
    "a signed header that did not come": (
        _authorization(lambda text: text.replace("host;", "host;range;")),
        "InvalidSignatureException",
    ),
    "another Region": (
        _authorization(lambda text: text.replace("us-east-1", "eu-west-1")),
        "InvalidSignatureException",
    ),
    "no such Region": (_authorization(lambda text: text.replace("us-east-1", "mars-1")), "InvalidSignatureException"),
    "another service": (
        _authorization(lambda text: text.replace("license-manager", "iam")),
        "InvalidSignatureException",
    ),
    "another terminator": (
        _authorization(lambda text: text.replace("aws4_request", "aws5_request")),
        "InvalidSignatureException",
    ),
    "another day": (_authorization(lambda text: text.replace("/20260105/", "/20260104/")), "InvalidSignatureException"),
    "another key's id": (
        _authorization(lambda text: text.replace("Credential=AKIA", "Credential=AKIAZ", 1)),
        "UnrecognizedClientException",
    ),
    "a key's id of SQL": (
        _authorization(lambda text: text.replace("Credential=AKIA", "Credential=' OR 1=1", 1)),
        "UnrecognizedClientException",
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_what_was_not_signed_so_is_refused(guarded: Guarded, attack: str) -> None:
    tampered, code = ATTACKS[attack]
    sent = signed(guarded.key, guarded.clock.now())
    assert await guarded.code(tampered(sent)) == code


async def test_a_body_hash_is_believed_only_where_it_is_the_bodys(guarded: Guarded) -> None:
    """A signed hash with another body beside it is no signature of that body."""
    now = guarded.clock.now()
    for claimed in (hashlib.sha256(b"{}").hexdigest(), "UNSIGNED-PAYLOAD"):
        sent = signed(guarded.key, now, headers={"X-Amz-Content-SHA256": claimed}, body=b'{"MaxResults": 1}')
        assert await guarded.code(sent) == "InvalidSignatureException"


async def test_other_scopes_are_refused_even_where_they_are_signed(guarded: Guarded) -> None:
    now = guarded.clock.now()
    assert await guarded.code(signed(guarded.key, now, service="organizations")) == "InvalidSignatureException"
    assert await guarded.code(signed(guarded.key, now, region="mars-north-1")) == "InvalidSignatureException"
    session = signed(guarded.key, now, headers={"X-Amz-Security-Token": "session"})
    assert await guarded.code(session) == "UnrecognizedClientException"


@pytest.mark.parametrize(
    ("skew", "code"),
    [
        (timedelta(minutes=-5), None),
        (timedelta(minutes=5), None),
        (timedelta(minutes=-5, seconds=-1), "InvalidSignatureException"),
        (timedelta(minutes=5, seconds=1), "InvalidSignatureException"),
        (timedelta(days=1), "InvalidSignatureException"),
    ],
)
async def test_clocks_may_differ_by_five_minutes(guarded: Guarded, skew: timedelta, code: str | None) -> None:
    assert await guarded.code(signed(guarded.key, guarded.clock.now() + skew)) == code


async def test_a_request_that_was_overheard_is_worth_nothing_after_five_minutes(guarded: Guarded) -> None:
    sent = signed(guarded.key, guarded.clock.now())
    assert await guarded.code(sent) is None
    guarded.clock.advance(minutes=5, seconds=1)
    assert await guarded.code(sent) == "InvalidSignatureException"


async def test_only_the_keys_own_secret_signs(guarded: Guarded) -> None:
    now = guarded.clock.now()
    for secret in ("", guarded.key.secret[:-1], guarded.key.secret.swapcase()):
        sent = signed(NewAccessKey(guarded.key.access_key_id, secret), now)
        assert await guarded.code(sent) == "InvalidSignatureException"


async def test_disabled_and_deleted_keys_open_nothing_from_that_moment(guarded: Guarded) -> None:
    now, key_id = guarded.clock.now(), guarded.key.access_key_id
    assert await guarded.code(signed(guarded.key, now)) is None
    await guarded.database.write(lambda tx: access_keys.set_active(tx, key_id, False))
    assert await guarded.code(signed(guarded.key, now)) == "UnrecognizedClientException"
    await guarded.database.write(lambda tx: access_keys.set_active(tx, key_id, True))
    assert await guarded.code(signed(guarded.key, now)) is None
    await guarded.database.write(lambda tx: access_keys.remove(tx, key_id))
    assert await guarded.code(signed(guarded.key, now)) == "UnrecognizedClientException"


async def test_no_secret_is_stored_or_shown_as_it_is(guarded: Guarded, caplog: pytest.LogCaptureFixture) -> None:
    """Encrypted at rest; not in logs, representations or the records of the audit trail."""
    caplog.set_level(logging.DEBUG)
    await guarded.code(signed(guarded.key, guarded.clock.now()))
    await guarded.code(signed(NewAccessKey(guarded.key.access_key_id, "wrong"), guarded.clock.now()))
    stored = await guarded.database.read(
        lambda connection: connection.execute(select(access_keys.access_keys.c.encrypted_secret)).scalar_one()
    )
    assert guarded.key.secret not in stored
    assert guarded.sealer.open(stored) == guarded.key.secret
    assert guarded.key.secret not in caplog.text
    assert guarded.key.secret not in repr(guarded.key)


async def test_the_last_use_of_a_key_is_kept(guarded: Guarded) -> None:
    await guarded.code(signed(guarded.key, guarded.clock.now()))
    (listed,) = await guarded.database.read(lambda connection: access_keys.list_keys(connection, ACCOUNT))
    assert listed.last_used_at == guarded.clock.now()


# ------------------------------------------------------------ what is sent, well signed


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("AWSLicenseManager.Nothing", "UnknownOperationException"),
        ("AWSLicenseManager.", "UnknownOperationException"),
        ("DynamoDB_20120810.ListTables", "UnknownOperationException"),
        ("AWSLicenseManager.CreateLicense", "UnsupportedOperationException"),
        ("AWSLicenseManager.listLicenseConfigurations", "UnknownOperationException"),
    ],
)
async def test_other_operations_are_named_in_the_refusal(guarded: Guarded, target: str, code: str) -> None:
    sent = signed(guarded.key, guarded.clock.now(), headers={})
    sent = signed(
        guarded.key,
        guarded.clock.now(),
        prepare=lambda request: request.headers.replace_header("X-Amz-Target", target),
    )
    status, answer = await sent.by(guarded.http)
    assert (status, answer["__type"]) == (400, code)
    if code == "UnsupportedOperationException":
        assert "CreateLicense" in answer["Message"]


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"null",
        b"1",
        b'"x"',
        b"{",
        b"\xff\xfe",
        b"9" * 5000,
        b"[" * 100_000,
        b'{"Name":"\\ud800"}',
        b'{"Name": {}}',
        b'{"Name": "a\\u0000"}',
    ],
)
async def test_bodies_that_are_no_input_are_serialization_errors(guarded: Guarded, body: bytes) -> None:
    sent = signed(guarded.key, guarded.clock.now(), "CreateLicenseConfiguration", body=body)
    assert await guarded.code(sent) == "SerializationException"


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(guarded: Guarded) -> None:
    sent = signed(guarded.key, guarded.clock.now(), body=b" " * (1024 * 1024 + 1))
    status, answer = await sent.by(guarded.http)
    assert (status, answer["__type"]) == (413, "RequestEntityTooLargeException")


async def test_constraints_of_the_model_are_told_together(guarded: Guarded) -> None:
    """What is missing and what is no value of an enumeration; members that the model does not have are passed over."""
    sent = signed(
        guarded.key,
        guarded.clock.now(),
        "CreateLicenseConfiguration",
        {"LicenseCountingType": "CPU", "Unknown": 1, "Description": None},
    )
    status, answer = await sent.by(guarded.http)
    assert (status, answer["__type"]) == (400, "ValidationException")
    assert answer["Message"] == (
        "2 validation errors detected: Value null at 'name' failed to satisfy constraint: Member must not be null; "
        "Value 'CPU' at 'licenseCountingType' failed to satisfy constraint: Member must satisfy enum value set: "
        "[vCPU, Instance, Core, Socket]"
    )
