"""Delivers the trail: log files every few minutes, digests every hour, from one server at a time (AU-3)."""

import asyncio
import secrets
from dataclasses import dataclass
from datetime import timedelta

import structlog

from app.audit.trail import books, chains
from app.audit.trail.books import Lost, PendingFile
from app.audit.trail.chains import PendingDigest
from app.audit.trail.digests import HEAD, Place, head_body
from app.audit.trail.files import Hashes, hashes_of, log_content, packed, sha256, signature_key
from app.audit.trail.signing import ALGORITHM, Signer, load_signer
from app.kernel.database import Database
from app.kernel.stores import Store, open_store
from app.settings import Settings, SettingsError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one delivery brought to the destination."""

    records: int
    log_files: int
    digests: int


class TrailDeliverer:
    """Delivers what is waiting, when it is due; any number of servers may try."""

    def __init__(self, database: Database, store: Store, signer: Signer, destination: str, interval: timedelta) -> None:
        self._database = database
        self._store = store
        self._signer = signer
        self._destination = destination
        self._interval = interval
        self._place = Place(store.bucket, store.prefix)

    @classmethod
    def of(cls, settings: Settings, database: Database) -> "TrailDeliverer | None":
        """The deliverer that the settings ask for; None where no destination is set.

        Makes the signing key where there is none. Raises SettingsError where a setting can't be used.
        """
        destination, given = settings.trail_destination, settings.trail_signing_key_file
        if destination is None:
            return None
        try:
            store = open_store(destination, endpoint_url=settings.aws_endpoint_url)
        except ValueError as error:
            raise SettingsError(f"TOLLGATE_TRAIL_DESTINATION: {error}") from None
        try:
            signer = load_signer(settings.data_directory, given)
        except (ValueError, OSError) as error:
            name = "TOLLGATE_TRAIL_SIGNING_KEY_FILE" if given else "TOLLGATE_DATA_DIRECTORY"
            raise SettingsError(f"{name}: {error}") from None
        return cls(database, store, signer, destination, timedelta(seconds=settings.trail_interval_seconds))

    async def run(self) -> None:
        """Deliver until cancelled. A destination that fails is tried again at the next delivery."""
        while True:
            try:
                await self.run_once()
            except Exception as error:
                log.warning("the trail was not delivered", destination=self._destination, exc_info=error)
            await asyncio.sleep(min(self._interval.total_seconds(), 30))

    async def run_once(self) -> Delivered | None:
        """Deliver what is waiting; None where it is not time yet, or where another server does."""
        # A name for each delivery: one that was cut off and comes back finds that it holds nothing any more.
        holder = secrets.token_hex(8)
        if not await self._database.write(lambda tx: books.take(tx, holder, self._destination, self._interval)):
            return None
        try:
            return await self._deliver(holder)
        except Lost:
            return None
        finally:
            await self._database.write(lambda tx: books.release(tx, holder))

    async def _deliver(self, holder: str) -> Delivered:
        while await self._database.write(lambda tx: books.claim(tx, holder)) == books.MOST_RECORDS:
            pass
        files = await self._database.read(books.pending_files)
        digests = await self._database.read(chains.pending_digests)
        if files or digests:
            await self._put_head(holder)
        for file in files:
            await self._put_file(holder, file)
        for digest in digests:
            await self._put_digest(holder, digest)
        if due := await self._database.write(lambda tx: chains.due(tx, holder)):
            digests = [*digests, *await self._make_digests(holder)]
        if files or digests or due:
            await self._put_head(holder)
        return Delivered(sum(file.records for file in files), len(files), len(digests))

    async def _put_file(self, holder: str, file: PendingFile) -> None:
        records = await self._database.read(lambda connection: books.records_of(connection, file))

        def put() -> Hashes:
            content = log_content(records)
            body = packed(content)
            self._store.put(file.key, body)
            return hashes_of(content, body)

        hashes = await asyncio.to_thread(put)
        await self._database.write(lambda tx: books.file_delivered(tx, holder, file, hashes))

    async def _make_digests(self, holder: str) -> list[PendingDigest]:
        found = await self._database.read(chains.open_chains)
        now = self._database.clock.now()
        made = await asyncio.to_thread(lambda: [chains.make(chain, now, self._place, self._signer) for chain in found])
        await self._database.write(lambda tx: chains.add_digests(tx, holder, made))
        pending = await self._database.read(chains.pending_digests)
        if pending:
            await self._put_head(holder)
        for digest in pending:
            await self._put_digest(holder, digest)
        return pending

    async def _put_digest(self, holder: str, digest: PendingDigest) -> None:
        def put() -> str:
            body = packed(digest.content.encode())
            self._store.put(signature_key(digest.key), digest.signature.encode())
            metadata = {"signature": digest.signature, "signature-algorithm": ALGORITHM}
            self._store.put(digest.key, body, metadata)
            return sha256(body)

        packed_hash = await asyncio.to_thread(put)
        await self._database.write(lambda tx: chains.digest_delivered(tx, holder, digest, packed_hash))

    async def _put_head(self, holder: str) -> None:
        head = await self._database.write(lambda tx: chains.next_head(tx, holder, self._place))
        await asyncio.to_thread(lambda: self._store.put(HEAD, head_body(head, self._signer)))
