"""The issuer's public keys: from a file, or fetched from its address and kept until they are old or one is missing."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import httpx2
import jwt
import orjson

from app.kernel.clock import Clock
from app.kernel.errors import Unavailable

KEPT_FOR = timedelta(hours=1)
ASKED_EVERY = timedelta(seconds=30)
"""A token that names an unknown key can't make the server ask more often."""

_SECONDS = 5
_MAX_BYTES = 256 * 1024
_MAX_KEYS = 100


class KeySource(Protocol):
    """Where the keys come from that signatures are checked with."""

    async def keys(self, key_id: str | None) -> Sequence[jwt.PyJWK]:
        """The keys, fresh enough to hold `key_id` where the issuer has it; raises Unavailable."""
        ...


def parse_keys(raw: bytes) -> tuple[jwt.PyJWK, ...]:
    """The usable signature keys of a JWK set; keys of unknown kinds are left out. ValueError where it is none."""
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise ValueError("the keys are not JSON") from None
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list) or len(listed) > _MAX_KEYS:
        raise ValueError("the keys are not a JWK set")
    found = [_key(each) for each in listed if isinstance(each, dict) and each.get("use", "sig") == "sig"]
    return tuple(key for key in found if key is not None)


def _key(raw: dict[str, Any]) -> jwt.PyJWK | None:
    try:
        return jwt.PyJWK(raw)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None


class FileKeys:
    """Keys in a file, read once; ValueError or OSError where that fails."""

    def __init__(self, path: Path) -> None:
        self._keys = parse_keys(path.read_bytes())

    async def keys(self, key_id: str | None) -> Sequence[jwt.PyJWK]:
        return self._keys


class UrlKeys:
    """Keys at the issuer's address."""

    def __init__(self, url: str, clock: Clock, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._url = url
        self._clock = clock
        self._transport = transport
        self._keys: tuple[jwt.PyJWK, ...] | None = None
        self._fetched: datetime | None = None
        self._asked: datetime | None = None
        self._lock = asyncio.Lock()

    async def keys(self, key_id: str | None) -> Sequence[jwt.PyJWK]:
        async with self._lock:
            if self._wanted(key_id):
                await self._refresh()
        if self._keys is None:
            raise Unavailable("the identity provider's keys can't be had")
        return self._keys

    def _wanted(self, key_id: str | None) -> bool:
        now = self._clock.now()
        if self._asked is not None and now - self._asked < ASKED_EVERY:
            return False
        if self._keys is None or self._fetched is None or now - self._fetched >= KEPT_FOR:
            return True
        return key_id is not None and all(key.key_id != key_id for key in self._keys)

    async def _refresh(self) -> None:
        """Take the keys that are published now; where that fails the known ones go on."""
        self._asked = self._clock.now()
        try:
            self._keys = parse_keys(await self._fetch())
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError):
            return
        self._fetched = self._asked

    async def _fetch(self) -> bytes:
        async with (
            httpx2.AsyncClient(timeout=_SECONDS, transport=self._transport) as client,
            client.stream("GET", self._url, headers={"Accept": "application/json"}) as response,
        ):
            response.raise_for_status()
            raw = bytearray()
            async for part in response.aiter_bytes():
                raw += part
                if len(raw) > _MAX_BYTES:
                    raise ValueError("the keys are too long")
            return bytes(raw)
