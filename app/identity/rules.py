"""The form of credentials and principals, without I/O."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

TOKEN_PREFIX = "tg_"  # noqa: S105 - what every token begins with
SHOWN = len(TOKEN_PREFIX) + 8
"""Characters of a token that are kept in the clear to recognise it by; over 200 random bits stay unknown."""

MAX_CREDENTIAL = 8192
USE_KEPT_EVERY = timedelta(minutes=1)
"""A token's last use is written no more often."""

_TOKEN = re.compile(r"tg_[A-Za-z0-9_-]{43}")
_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([\x21-\x7e]+)")
_USER_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")
_NOT_IN_USER_NAMES = re.compile(r"[^A-Za-z0-9_+=,.@-]")


@dataclass(frozen=True, slots=True)
class Minted:
    """A new token: the secret, told once, and what is stored of it."""

    secret: str
    prefix: str
    digest: str


def mint() -> Minted:
    """A token with 256 random bits."""
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    return Minted(secret, secret[:SHOWN], digest_of(secret))


def digest_of(secret: str) -> str:
    """The SHA-256 of a token in hex; a slow hash guards guessable secrets, which a token is not."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_token(text: str) -> bool:
    """Whether a text has the form of an API token."""
    return _TOKEN.fullmatch(text) is not None


def bearer(authorization: str | None) -> str | None:
    """The credential of an Authorization header, or None where it is no bearer's or too long."""
    if authorization is None or len(authorization) > MAX_CREDENTIAL:
        return None
    found = _BEARER.fullmatch(authorization.strip(" "))
    return found.group(1) if found else None


def is_user_name(name: str) -> bool:
    """Whether a name can stand in a principal's ARN, as IAM has it: 1 to 64 letters, digits and _+=,.@-."""
    return _USER_NAME.fullmatch(name) is not None


def user_name_of(subject: str) -> str:
    """A user name for the subject of a foreign token: itself where it is one, else made unlike that of any other."""
    if is_user_name(subject):
        return subject
    mark = hashlib.sha256(subject.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{_NOT_IN_USER_NAMES.sub('-', subject)[:47]}-{mark}"


def principal_arn(account_id: str, user_name: str) -> str:
    """A caller's ARN."""
    return f"arn:aws:iam::{account_id}:user/{user_name}"
