"""Tokens of an OpenID Connect provider: signature, issuer, audience, time; claims name account and permission.

The algorithms are those of the settings, all of them asymmetric: neither `none` nor a shared secret is ever accepted,
whatever a token's header says, and a key is used only for the algorithm that its own kind and entry allow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeGuard

import jwt

from app.identity.keys import FileKeys, KeySource, UrlKeys
from app.kernel.clock import Clock
from app.kernel.errors import Unauthenticated
from app.kernel.viewer import Permission
from app.settings import Authentication, SettingsError

LEEWAY = timedelta(seconds=30)
"""How far the provider's clock and ours may be apart."""

_KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
_CURVES = {"ES256": "P-256", "ES384": "P-384", "EdDSA": "Ed25519"}


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid token says of its bearer; that the account exists is still to be asked."""

    subject: str
    account_id: str
    permission: Permission


@dataclass(frozen=True, slots=True)
class Oidc:
    """One provider."""

    issuer: str
    audience: str
    algorithms: Sequence[str]
    account_claim: str
    permission_claim: str
    keys: KeySource
    clock: Clock

    @classmethod
    def of(cls, settings: Authentication, clock: Clock) -> "Oidc | None":
        """The provider of the settings, or None; SettingsError where its keys' file can't be used."""
        if settings.oidc_issuer is None or settings.oidc_audience is None:
            return None
        keys: KeySource
        if settings.oidc_jwks_file is not None:
            keys = _from_file(settings.oidc_jwks_file)
        else:
            assert settings.oidc_jwks_url is not None
            keys = UrlKeys(settings.oidc_jwks_url, clock)
        return cls(
            issuer=settings.oidc_issuer,
            audience=settings.oidc_audience,
            algorithms=settings.oidc_algorithms,
            account_claim=settings.oidc_account_claim,
            permission_claim=settings.oidc_permission_claim,
            keys=keys,
            clock=clock,
        )

    async def claims(self, token: str) -> Claims:
        """What a token says, where it is valid now; else Unauthenticated, or Unavailable without the keys."""
        try:
            header = jwt.get_unverified_header(token)
            algorithm, key_id = header.get("alg"), header.get("kid")
            if (
                not isinstance(algorithm, str)
                or algorithm not in self.algorithms
                or "crit" in header
                or not isinstance(key_id, str | None)
            ):
                raise Unauthenticated
            key = _choose(await self.keys.keys(key_id), key_id, algorithm)
            payload = jwt.decode(
                token,
                key.key,
                algorithms=[algorithm],
                issuer=self.issuer,
                audience=self.audience,
                # Time is judged below, by the clock that everything here goes by.
                options={
                    "require": ["exp", "iss", "aud", "sub"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except (jwt.PyJWTError, TypeError, ValueError, KeyError, RecursionError):
            raise Unauthenticated from None
        _check_time(payload, self.clock.now())
        return self._mapped(payload)

    def _mapped(self, payload: Mapping[str, Any]) -> Claims:
        subject, account_id = payload.get("sub"), payload.get(self.account_claim)
        permission = payload.get(self.permission_claim)
        if not isinstance(subject, str) or not 1 <= len(subject) <= 255:
            raise Unauthenticated
        if not isinstance(account_id, str) or len(account_id) != 12 or not account_id.isascii():
            raise Unauthenticated
        if not account_id.isdigit() or not isinstance(permission, str):
            raise Unauthenticated
        try:
            return Claims(subject, account_id, Permission(permission.upper()))
        except ValueError:
            raise Unauthenticated from None


def _choose(keys: Sequence[jwt.PyJWK], key_id: str | None, algorithm: str) -> jwt.PyJWK:
    """The one key that a token means; a token that names none must leave no choice."""
    fitting = [key for key in keys if _fits(key, algorithm) and key_id in (None, key.key_id)]
    if len(fitting) != 1:
        raise Unauthenticated
    return fitting[0]


def _fits(key: jwt.PyJWK, algorithm: str) -> bool:
    entry = key._jwk_data  # noqa: SLF001 - PyJWT tells an entry's own algorithm and curve nowhere else
    if entry.get("kty") != _KEY_TYPES.get(algorithm[:2]) or entry.get("alg", algorithm) != algorithm:
        return False
    return algorithm not in _CURVES or entry.get("crv") == _CURVES[algorithm]


def _check_time(payload: Mapping[str, Any], now: datetime) -> None:
    instant = now.timestamp()
    expires, begins, issued = (payload.get(name) for name in ("exp", "nbf", "iat"))
    if not _number(expires) or instant >= expires + LEEWAY.total_seconds():
        raise Unauthenticated
    for each in (begins, issued):
        if each is not None and (not _number(each) or each > instant + LEEWAY.total_seconds()):
            raise Unauthenticated


def _number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15


def _from_file(path: Path) -> FileKeys:
    try:
        return FileKeys(path)
    except OSError as error:
        raise SettingsError(f"TOLLGATE_OIDC_JWKS_FILE: {path} can't be read: {error.strerror}") from None
    except ValueError as error:
        raise SettingsError(f"TOLLGATE_OIDC_JWKS_FILE: {path}: {error}") from None
