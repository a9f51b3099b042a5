"""Tokens of a provider: signature, issuer, audience, algorithm and time are all asked, and the account must exist."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.identity.authentication import Authenticator
from app.identity.keys import FileKeys, UrlKeys, parse_keys
from app.identity.oidc import Oidc
from app.kernel.clock import ManualClock
from app.kernel.database import Database
from app.kernel.errors import Unauthenticated, Unavailable
from app.kernel.viewer import Permission
from app.organizations.accounts import create_standalone
from app.settings import Settings, SettingsError

ACCOUNT = "111122223333"
ISSUER, AUDIENCE = "https://id.example.com", "tollgate"
RSA, OTHER_RSA = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
EC, ED = ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()


def jwk(private: Any, key_id: str, **more: str) -> dict[str, Any]:
    algorithm = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}
    names = {rsa.RSAPrivateKey: "RSA", ec.EllipticCurvePrivateKey: "EC", ed25519.Ed25519PrivateKey: "OKP"}
    kind = next(name for each, name in names.items() if isinstance(private, each))
    made = jwt.get_algorithm_by_name(algorithm[kind]).to_jwk(private.public_key(), as_dict=True)
    return {**made, "kid": key_id, "use": "sig", **more}


KEYS = {"keys": [jwk(RSA, "rsa"), jwk(EC, "ec"), jwk(ED, "ed"), {"kty": "unheard-of", "kid": "x"}]}


def claims(clock: ManualClock, **changed: Any) -> dict[str, Any]:
    now = int(clock.now().timestamp())
    made = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "ada@example.com",
        "exp": now + 300,
        "iat": now,
        "tollgate_account": ACCOUNT,
        "tollgate_permission": "user",
        **changed,
    }
    return {name: value for name, value in made.items() if value is not ...}


def signed(
    payload: dict[str, Any],
    key: Any = RSA,
    algorithm: str = "RS256",
    key_id: str | None = "rsa",
    **headers: Any,
) -> str:
    named = {"kid": key_id} if key_id is not None else {}
    return jwt.encode(payload, key, algorithm, headers={**named, **headers})


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps(KEYS))
    return path


@pytest.fixture
def settings(keys_file: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    return Settings(
        oidc_issuer=ISSUER,
        oidc_audience=AUDIENCE,
        oidc_jwks_file=keys_file,
        oidc_algorithms=("RS256", "ES256", "EdDSA"),
    )


@pytest.fixture
async def authenticator(database: Database, settings: Settings) -> Authenticator:
    await database.write(lambda tx: create_standalone(tx, ACCOUNT, "An account"))
    return Authenticator(database, Oidc.of(settings, database.clock))


async def refused(authenticator: Authenticator, token: str) -> None:
    with pytest.raises(Unauthenticated) as error:
        await authenticator.authenticate(f"Bearer {token}")
    assert str(error.value) == ""


@pytest.mark.parametrize(
    ("key", "algorithm", "key_id"), [(RSA, "RS256", "rsa"), (EC, "ES256", "ec"), (ED, "EdDSA", "ed")]
)
async def test_a_signed_token_names_its_caller(
    authenticator: Authenticator, clock: ManualClock, key: Any, algorithm: str, key_id: str
) -> None:
    viewer = await authenticator.authenticate(f"Bearer {signed(claims(clock), key, algorithm, key_id)}")
    assert (viewer.account_id, viewer.permission) == (ACCOUNT, Permission.USER)
    assert viewer.principal_arn == f"arn:aws:iam::{ACCOUNT}:user/ada@example.com"
    assert viewer.credential_id.startswith("oidc_")


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.example.com"},
        {"iss": ...},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": ...},
        {"sub": ...},
        {"sub": ""},
        {"sub": "x" * 256},
        {"exp": ...},
        {"exp": "soon"},
        {"exp": True},
        {"exp": 1e300},
        {"nbf": "later"},
        {"iat": []},
        {"tollgate_account": ...},
        {"tollgate_account": "11112222333"},
        {"tollgate_account": "١١١١٢٢٢٢٣٣٣٣"},
        {"tollgate_account": 111122223333},
        {"tollgate_account": "999999999999"},
        {"tollgate_permission": ...},
        {"tollgate_permission": "root"},
        {"tollgate_permission": ["administrator"]},
    ],
)
async def test_a_token_that_does_not_say_what_it_must_is_refused(
    authenticator: Authenticator, clock: ManualClock, changed: dict[str, Any]
) -> None:
    await refused(authenticator, signed(claims(clock, **changed)))


async def test_an_audience_among_several_is_enough(authenticator: Authenticator, clock: ManualClock) -> None:
    await authenticator.authenticate(f"Bearer {signed(claims(clock, aud=['another', AUDIENCE]))}")


async def test_time_goes_by_the_services_own_clock_with_thirty_seconds_of_leeway(
    authenticator: Authenticator, clock: ManualClock
) -> None:
    now = clock.now().timestamp()
    token = signed(claims(clock, exp=now + 10, nbf=now + 25, iat=now + 25))
    await authenticator.authenticate(f"Bearer {token}")
    await refused(authenticator, signed(claims(clock, nbf=now + 35)))
    await refused(authenticator, signed(claims(clock, iat=now + 35)))
    clock.advance(seconds=39)
    await authenticator.authenticate(f"Bearer {token}")
    clock.advance(seconds=1)
    await refused(authenticator, token)


async def test_neither_no_signature_nor_a_shared_secret_is_ever_accepted(
    authenticator: Authenticator, clock: ManualClock
) -> None:
    payload = claims(clock)
    await refused(authenticator, jwt.encode(payload, "", "none", headers={"kid": "rsa"}))
    for encoding, form in ((Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), (Encoding.DER, PublicFormat.PKCS1)):
        public = RSA.public_key().public_bytes(encoding, form)
        await refused(authenticator, hmac_signed(payload, public))
    await refused(authenticator, hmac_signed(payload, json.dumps(jwk(RSA, "rsa")).encode()))


def hmac_signed(payload: dict[str, Any], secret: bytes) -> str:
    """What jwt.encode refuses to make: a token whose shared secret is the public key."""
    import hashlib
    import hmac

    def part(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    head = part(json.dumps({"alg": "HS256", "typ": "JWT", "kid": "rsa"}).encode())
    body = f"{head}.{part(json.dumps(payload).encode())}"
    return f"{body}.{part(hmac.new(secret, body.encode(), hashlib.sha256).digest())}"


async def test_another_key_or_an_algorithm_that_is_not_allowed_is_refused(
    authenticator: Authenticator, clock: ManualClock
) -> None:
    payload = claims(clock)
    await refused(authenticator, signed(payload, OTHER_RSA))
    await refused(authenticator, signed(payload, RSA, "RS256", "unknown"))
    await refused(authenticator, signed(payload, RSA, "RS256", "ec"))
    await refused(authenticator, signed(payload, RSA, "RS512"))
    await refused(authenticator, signed(payload, RSA, "PS256"))
    await refused(authenticator, signed(payload, RSA, crit=["exp"]))
    await refused(authenticator, signed(payload, OTHER_RSA, jwk=jwk(OTHER_RSA, "rsa")))
    head, body, signature = signed(payload).split(".")
    forged = base64.urlsafe_b64encode(json.dumps({**payload, "tollgate_permission": "administrator"}).encode())
    await refused(authenticator, f"{head}.{forged.decode().rstrip('=')}.{signature}")
    await refused(authenticator, f"{head}.{body}.")


async def test_a_key_checks_only_the_algorithm_that_its_entry_names(
    clock: ManualClock, tmp_path: Path, database: Database, settings: Settings, authenticator: Authenticator
) -> None:
    token = signed(claims(clock))
    await authenticator.authenticate(f"Bearer {token}")
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"keys": [jwk(RSA, "rsa", alg="PS256")]}))
    await refused(Authenticator(database, Oidc.of(settings.model_copy(update={"oidc_jwks_file": other}), clock)), token)


async def test_a_token_that_names_no_key_must_leave_no_choice(
    authenticator: Authenticator, clock: ManualClock, tmp_path: Path, database: Database, settings: Settings
) -> None:
    token = signed(claims(clock), key_id=None)
    await authenticator.authenticate(f"Bearer {token}")
    several = tmp_path / "several.json"
    several.write_text(json.dumps({"keys": [jwk(RSA, "one"), jwk(OTHER_RSA, "two")]}))
    choosing = Authenticator(database, Oidc.of(settings.model_copy(update={"oidc_jwks_file": several}), database.clock))
    await refused(choosing, token)


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "..",
        "a.b.c",
        "e30.e30.e30",
        "bnVsbA.e30.x",
        "W10.W10.x",
        "eyJhbGciOlsxXX0.e30.x",
        "eyJhbGciOiJSUzI1NiIsImtpZCI6MX0.e30.x",
    ],
)
async def test_what_is_no_token_is_refused_like_a_wrong_one(authenticator: Authenticator, token: str) -> None:
    await refused(authenticator, token)


def test_keys_for_another_use_or_algorithm_do_not_check_signatures() -> None:
    encryption = {**jwk(RSA, "rsa"), "use": "enc"}
    assert parse_keys(json.dumps({"keys": [encryption]}).encode()) == ()
    for wrong in (b"", b"[]", b"{}", b'{"keys": 1}', b"\xff", json.dumps({"keys": [{}] * 101}).encode()):
        with pytest.raises(ValueError, match="keys"):
            parse_keys(wrong)


def test_without_an_issuer_there_is_no_provider(clock: ManualClock) -> None:
    assert Oidc.of(Settings(), clock) is None


def test_a_keys_file_that_can_not_be_read_is_noticed_at_start(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("not keys")
    with pytest.raises(ValueError, match="JSON"):
        FileKeys(tmp_path / "keys.json")
    with pytest.raises(OSError, match="absent"):
        FileKeys(tmp_path / "absent.json")
    wrong = Settings(oidc_issuer="https://i", oidc_audience="a", oidc_jwks_file=tmp_path / "absent.json")
    with pytest.raises(SettingsError, match=r"TOLLGATE_OIDC_JWKS_FILE: .*absent\.json can't be read: No such file"):
        Oidc.of(wrong, ManualClock())


# ------------------------------------------------------------ keys at an address

Reply = Callable[[], httpx2.Response]


class Issuer:
    """Publishes keys, or fails; counts how often it is asked."""

    def __init__(self, clock: ManualClock) -> None:
        self.asked = 0
        self.reply: Reply = lambda: httpx2.Response(200, json=KEYS)
        self.keys = UrlKeys("https://id.example.com/keys", clock, httpx2.MockTransport(self._answer))

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.asked += 1
        return self.reply()


@pytest.fixture
def issuer(clock: ManualClock) -> Issuer:
    return Issuer(clock)


async def test_published_keys_are_kept_for_an_hour(issuer: Issuer, clock: ManualClock) -> None:
    for _ in range(3):
        assert len(await issuer.keys.keys("rsa")) == 3
    assert issuer.asked == 1
    clock.advance(hours=1)
    await issuer.keys.keys("rsa")
    assert issuer.asked == 2


async def test_a_new_key_is_found_and_an_invented_one_makes_no_storm(issuer: Issuer, clock: ManualClock) -> None:
    await issuer.keys.keys("rsa")
    issuer.reply = lambda: httpx2.Response(200, json={"keys": [jwk(OTHER_RSA, "new")]})
    for _ in range(5):
        assert all(key.key_id != "new" for key in await issuer.keys.keys("new"))
    assert issuer.asked == 1
    clock.advance(seconds=30)
    assert [key.key_id for key in await issuer.keys.keys("new")] == ["new"]
    for _ in range(5):
        await issuer.keys.keys("invented")
    assert issuer.asked == 2


@pytest.mark.parametrize(
    "failure",
    [
        lambda: httpx2.Response(500),
        lambda: httpx2.Response(302, headers={"Location": "http://169.254.169.254/"}),
        lambda: httpx2.Response(200, text="not keys"),
        lambda: httpx2.Response(200, content=b"x" * 300_000),
    ],
)
async def test_an_issuer_that_fails_is_no_answer_at_first_and_later_changes_nothing(
    issuer: Issuer, clock: ManualClock, failure: Reply
) -> None:
    issuer.reply = failure
    with pytest.raises(Unavailable):
        await issuer.keys.keys("rsa")
    issuer.reply = lambda: httpx2.Response(200, json=KEYS)
    clock.advance(seconds=30)
    assert len(await issuer.keys.keys("rsa")) == 3
    issuer.reply = failure
    clock.advance(timedelta(hours=2))
    assert len(await issuer.keys.keys("rsa")) == 3
