"""The bookkeeping of digests: one chain for each account and Region, and what the trail's head says of them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, delete, select, update

from app.audit.trail.books import DIGEST, FILE, NAME, TRAIL, renew
from app.audit.trail.digests import Head, Link, LogFile, Place, digest_content, signed_text
from app.audit.trail.files import Hashes, digest_key, sha256, signature_key
from app.audit.trail.signing import Signer
from app.kernel.clock import iso
from app.kernel.database import Transaction
from app.kernel.ids import new_key

EVERY = timedelta(hours=1)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Open:
    """What the next digest of a chain is made of."""

    account_id: str
    region: str
    started_at: datetime
    previous: Link | None
    files: Sequence[tuple[int, LogFile]]


@dataclass(frozen=True, slots=True)
class Made:
    """A digest that is signed, and still to be written down."""

    row: dict[str, Any]
    file_ids: Sequence[int]


@dataclass(frozen=True, slots=True)
class PendingDigest:
    """A digest that is to be put."""

    id: int
    account_id: str
    region: str
    key: str
    content: str
    signature: str


def due(tx: Transaction, holder: str) -> bool:
    """Whether an hour has passed since the last digests; the next ones are then due an hour from now."""
    renew(tx, holder)
    passed = tx.execute(
        update(TRAIL)
        .where(TRAIL.c.name == NAME, TRAIL.c.digests_due_at <= tx.now)
        .values(digests_due_at=tx.now + EVERY)
    )
    return bool(passed.rowcount)


def open_chains(connection: Connection) -> list[Open]:
    """The chains that have log files in no digest yet. One with a digest under way waits for it."""
    started_at = connection.execute(select(TRAIL.c.started_at).where(TRAIL.c.name == NAME)).scalar_one()
    last = _last_digests(connection)
    under_way = {(each.account_id, each.region) for each in pending_digests(connection)}
    files: dict[tuple[str, str], list[tuple[int, LogFile]]] = defaultdict(list)
    for row in connection.execute(
        select(FILE).where(FILE.c.digest_id.is_(None), FILE.c.delivered_at.is_not(None)).order_by(FILE.c.id)
    ):
        file = LogFile(row.key, Hashes(row.content_hash, row.packed_hash), row.oldest, row.newest)
        files[row.account_id, row.region].append((row.id, file))
    return [
        Open(*chain, last[chain][1] if chain in last else started_at, last[chain][0] if chain in last else None, found)
        for chain, found in files.items()
        if chain not in under_way
    ]


def make(chain: Open, now: datetime, place: Place, signer: Signer) -> Made:
    """The next digest of a chain, signed."""
    end = max(now.replace(microsecond=0), chain.started_at.replace(microsecond=0) + SECOND)
    key = digest_key(chain.account_id, chain.region, end)
    files = [file for _, file in chain.files]
    content = digest_content(
        key, chain.account_id, (chain.started_at, end), chain.previous, files, place, signer.fingerprint
    )
    content_hash = sha256(content)
    return Made(
        {
            "id": new_key(),
            "account_id": chain.account_id,
            "region": chain.region,
            "key": key,
            "ended_at": end,
            "content": content.decode(),
            "content_hash": content_hash,
            "signature": signer.sign(signed_text(content, content_hash)),
        },
        [file_id for file_id, _ in chain.files],
    )


def add_digests(tx: Transaction, holder: str, made: Sequence[Made]) -> None:
    """Write down digests before they are put: from now on their log files are theirs."""
    renew(tx, holder)
    for each in made:
        tx.add(DIGEST, each.row)
        for file_id in each.file_ids:
            tx.execute(update(FILE).where(FILE.c.id == file_id).values(digest_id=each.row["id"]))


def pending_digests(connection: Connection) -> list[PendingDigest]:
    """The digests that are to be put."""
    found = connection.execute(
        select(DIGEST.c.id, DIGEST.c.account_id, DIGEST.c.region, DIGEST.c.key, DIGEST.c.content, DIGEST.c.signature)
        .where(DIGEST.c.delivered_at.is_(None))
        .order_by(DIGEST.c.id)
    )
    return [PendingDigest(*row) for row in found]


def digest_delivered(tx: Transaction, holder: str, digest: PendingDigest, packed_hash: str) -> None:
    """Note that a digest stands at the destination. What it has taken over is forgotten here."""
    renew(tx, holder)
    tx.execute(update(DIGEST).where(DIGEST.c.id == digest.id).values(delivered_at=tx.now, packed_hash=packed_hash))
    same = and_(DIGEST.c.account_id == digest.account_id, DIGEST.c.region == digest.region)
    tx.execute(delete(DIGEST).where(same, DIGEST.c.id != digest.id))
    tx.execute(delete(FILE).where(FILE.c.digest_id == digest.id))


def next_head(tx: Transaction, holder: str, place: Place) -> Head:
    """What the trail's head is to say now, under the next number."""
    renew(tx, holder)
    tx.execute(update(TRAIL).where(TRAIL.c.name == NAME).values(sequence=TRAIL.c.sequence + 1))
    sequence = tx.execute(select(TRAIL.c.sequence).where(TRAIL.c.name == NAME)).scalar_one()
    delivered = FILE.c.delivered_at.is_not(None)
    files = tx.execute(select(FILE.c.key, FILE.c.content_hash, FILE.c.packed_hash).where(delivered).order_by(FILE.c.id))
    under_way = tx.execute(select(FILE.c.key).where(~delivered).order_by(FILE.c.id)).scalars()
    digests = [each.key for each in pending_digests(tx.connection)]
    return Head(
        sequence=sequence,
        written_at=iso(tx.now),
        place=place,
        chains=[link for link, _ in _last_digests(tx.connection).values()],
        log_files=[(row.key, Hashes(row.content_hash, row.packed_hash)) for row in files],
        announced=[*under_way, *digests, *[signature_key(key) for key in digests]],
    )


def _last_digests(connection: Connection) -> dict[tuple[str, str], tuple[Link, datetime]]:
    """The last delivered digest of each chain, and when it ended."""
    found = connection.execute(select(DIGEST).where(DIGEST.c.delivered_at.is_not(None)).order_by(DIGEST.c.id))
    return {
        (row.account_id, row.region): (
            Link(row.account_id, row.region, row.key, Hashes(row.content_hash, row.packed_hash), row.signature),
            row.ended_at,
        )
        for row in found
    }
