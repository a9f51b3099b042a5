"""Log files and digest files: their names and their bytes, as CloudTrail has them."""

import gzip
import hashlib
import secrets
import string
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

TRAIL_NAME = "tollgate"
HOME_REGION = "us-east-1"
_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Hashes:
    """SHA-256 in hex: of the JSON, as CloudTrail's digests have it, and of the file itself, packed."""

    content: str
    packed: str


def log_key(account_id: str, region: str, now: datetime) -> str:
    """A new name for a log file delivered at an instant."""
    unique = "".join(secrets.choice(_ALPHABET) for _ in range(16))
    return (
        f"AWSLogs/{account_id}/CloudTrail/{region}/{now:%Y/%m/%d}/"
        f"{account_id}_CloudTrail_{region}_{now:%Y%m%dT%H%MZ}_{unique}.json.gz"
    )


def digest_key(account_id: str, region: str, end: datetime) -> str:
    """The name of the digest that ends at an instant."""
    return (
        f"AWSLogs/{account_id}/CloudTrail-Digest/{region}/{end:%Y/%m/%d}/"
        f"{account_id}_CloudTrail-Digest_{region}_{TRAIL_NAME}_{HOME_REGION}_{end:%Y%m%dT%H%M%SZ}.json.gz"
    )


def signature_key(key: str) -> str:
    """Where a digest's signature lies beside it; a copy of a bucket loses S3's metadata."""
    return f"{key}.sig"


def log_content(records: Sequence[str]) -> bytes:
    """The JSON of a log file, of records that are JSON already."""
    return ('{"Records":[' + ",".join(records) + "]}").encode()


def packed(content: bytes) -> bytes:
    """The file of a content: the same bytes each time."""
    return gzip.compress(content, 6, mtime=0)


def unpacked(body: bytes) -> bytes:
    """The content of a file; ValueError where it is none, or has anything behind its end."""
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        content = inflater.decompress(body) + inflater.flush()
    except zlib.error:
        raise ValueError("not a gzip file") from None
    if not inflater.eof or inflater.unused_data:
        raise ValueError("not one whole gzip file")
    return content


def hashes_of(content: bytes, body: bytes) -> Hashes:
    return Hashes(sha256(content), sha256(body))


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def instant(moment: datetime) -> str:
    """An instant as CloudTrail writes it, to the second."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
