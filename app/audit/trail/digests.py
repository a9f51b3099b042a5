"""Digests chain log files by account and Region; the head says where each chain ends, so that no end can be cut off.

A digest is CloudTrail's, with the packed file's hash beside the content's. The head is Tollgate's own: one small file,
signed, that names the last digest of every chain and every log file that no digest has yet.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from app.audit.trail.files import Hashes, instant
from app.audit.trail.signing import ALGORITHM, PublicKeys, Signer

HEAD = "tollgate/trail-head.json"


@dataclass(frozen=True, slots=True)
class LogFile:
    """A delivered log file."""

    key: str
    hashes: Hashes
    oldest: datetime
    newest: datetime


@dataclass(frozen=True, slots=True)
class Link:
    """A digest as the next one, or the head, refers to it."""

    account_id: str
    region: str
    key: str
    hashes: Hashes
    signature: str


@dataclass(frozen=True, slots=True)
class Place:
    """The bucket and the prefix that objects are named with."""

    bucket: str
    prefix: str


def digest_content(
    link_key: str,
    account_id: str,
    span: tuple[datetime, datetime],
    previous: Link | None,
    files: Sequence[LogFile],
    place: Place,
    key_fingerprint: str,
) -> bytes:
    """The JSON of a digest."""
    start, end = span
    return orjson.dumps(
        {
            "awsAccountId": account_id,
            "digestStartTime": instant(start),
            "digestEndTime": instant(end),
            "digestS3Bucket": place.bucket,
            "digestS3Object": place.prefix + link_key,
            "digestPublicKeyFingerprint": key_fingerprint,
            "digestSignatureAlgorithm": ALGORITHM,
            "newestEventTime": instant(max(file.newest for file in files)) if files else None,
            "oldestEventTime": instant(min(file.oldest for file in files)) if files else None,
            "previousDigestS3Bucket": place.bucket if previous else None,
            "previousDigestS3Object": place.prefix + previous.key if previous else None,
            "previousDigestHashValue": previous.hashes.content if previous else None,
            "previousDigestHashAlgorithm": "SHA-256" if previous else None,
            "previousDigestObjectHashValue": previous.hashes.packed if previous else None,
            "previousDigestSignature": previous.signature if previous else None,
            "logFiles": [
                {
                    "s3Bucket": place.bucket,
                    "s3Object": place.prefix + file.key,
                    "hashValue": file.hashes.content,
                    "hashAlgorithm": "SHA-256",
                    "objectHashValue": file.hashes.packed,
                    "newestEventTime": instant(file.newest),
                    "oldestEventTime": instant(file.oldest),
                }
                for file in files
            ],
        }
    )


def signed_text(content: bytes, content_hash: str) -> str:
    """What a digest's signature signs, as CloudTrail has it."""
    digest = orjson.loads(content)
    place = f"{digest['digestS3Bucket']}/{digest['digestS3Object']}"
    return f"{digest['digestEndTime']}\n{place}\n{content_hash}\n{digest['previousDigestSignature'] or 'null'}"


@dataclass(frozen=True, slots=True)
class Head:
    """Where the trail ends. `announced` are files under way when it was written, which may be there or not yet."""

    sequence: int
    written_at: str
    place: Place
    chains: Sequence[Link]
    log_files: Sequence[tuple[str, Hashes]]
    announced: Sequence[str]


def head_body(head: Head, signer: Signer) -> bytes:
    """The head's file: its text and the signature of just that text, so that it is replaced as a whole."""
    text = orjson.dumps(
        {
            "trail": "tollgate",
            "sequence": head.sequence,
            "writtenAt": head.written_at,
            "publicKeyFingerprint": signer.fingerprint,
            "s3Bucket": head.place.bucket,
            "s3Prefix": head.place.prefix,
            "chains": [
                {
                    "awsAccountId": link.account_id,
                    "awsRegion": link.region,
                    "digestObject": link.key,
                    "hashValue": link.hashes.content,
                    "objectHashValue": link.hashes.packed,
                    "signature": link.signature,
                }
                for link in head.chains
            ],
            "logFiles": [
                {"object": key, "hashValue": hashes.content, "objectHashValue": hashes.packed}
                for key, hashes in head.log_files
            ],
            "announced": list(head.announced),
        }
    ).decode()
    return _sealed(text, signer.sign(text))


def _sealed(text: str, signature: str) -> bytes:
    return orjson.dumps({"head": text, "signature": signature})


def read_head(body: bytes, keys: PublicKeys) -> Head:
    """The head of a file that is whole and signed by one of the keys; else ValueError."""
    try:
        sealed = orjson.loads(body)
        text, signature = sealed["head"], sealed["signature"]
        found = orjson.loads(text)
        if _sealed(text, signature) != body:
            raise ValueError
        if not keys.verifies(found["publicKeyFingerprint"], text, signature):
            raise ValueError
        return Head(
            found["sequence"],
            found["writtenAt"],
            Place(found["s3Bucket"], found["s3Prefix"]),
            [
                Link(
                    each["awsAccountId"],
                    each["awsRegion"],
                    each["digestObject"],
                    Hashes(each["hashValue"], each["objectHashValue"]),
                    each["signature"],
                )
                for each in found["chains"]
            ],
            [(each["object"], Hashes(each["hashValue"], each["objectHashValue"])) for each in found["logFiles"]],
            found["announced"],
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError("the signature of the trail's head does not hold") from None
