"""Finds whatever was edited, removed, swapped or added in a trail, offline, by the public key alone (AU-3)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import repeat
from typing import Any

import orjson

from app.audit.trail.digests import HEAD, Head, Link, read_head, signed_text
from app.audit.trail.files import Hashes, sha256, signature_key, unpacked
from app.audit.trail.signing import PublicKeys
from app.kernel.stores import Store

ROOTS = ("AWSLogs/", "tollgate/")
"""What of a destination is the trail's; what lies beside is none of its business."""

_AT_ONCE = 8


class Kind(StrEnum):
    """What was found to be wrong with an object."""

    MISSING = "missing"
    EDITED = "edited"
    ADDED = "added"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One object that is not as it was delivered."""

    kind: Kind
    key: str
    message: str


@dataclass(slots=True)
class Report:
    """What a verification saw. A trail is whole where there are no findings."""

    findings: list[Finding] = field(default_factory=list)
    digests: int = 0
    log_files: int = 0
    records: int = 0
    sealed_until: str | None = None
    """When the trail's head was written, ISO 8601: what came later is not covered."""

    sequence: int | None = None
    """The number of the head, which grows with each; a lower one than was seen before is an older state put back."""

    under_way: list[str] = field(default_factory=list)
    """Objects that were being delivered when the head was written, and are not checked yet."""

    @property
    def whole(self) -> bool:
        return not self.findings

    def find(self, kind: Kind, key: str, message: str) -> None:
        self.findings.append(Finding(kind, key, message))


def verify(store: Store, keys: PublicKeys, *, covers: datetime | None = None) -> Report:
    """Check every object of a trail against its signed digests.

    With `covers`, a trail whose head was written before that instant is found to be cut short: an older state that
    was put back as a whole has valid signatures, and only a time that it must reach tells.
    """
    # The names first: what is delivered meanwhile is in the head that is read after, or announced by it.
    present = {each.key for root in ROOTS for each in store.listed(root)}
    report = Report()
    found = store.get(HEAD)
    if found is None:
        report.find(Kind.MISSING, HEAD, "The head, which says where the trail ends, is missing.")
        return report
    try:
        head = read_head(found.body, keys)
    except ValueError:
        report.find(Kind.BROKEN, HEAD, "The head was edited, or is signed by another key.")
        return report
    report.sealed_until, report.sequence = head.written_at, head.sequence
    if covers is not None and datetime.fromisoformat(head.written_at) < covers:
        report.find(Kind.MISSING, HEAD, f"The trail ends at {head.written_at}, before the time that it must reach.")
    _Walk(store, keys, report, head).run(present)
    return report


class _Walk:
    """Follows every chain from its end to its beginning."""

    def __init__(self, store: Store, keys: PublicKeys, report: Report, head: Head) -> None:
        self._store = store
        self._keys = keys
        self._report = report
        self._head = head
        self._known: set[str] = {HEAD}
        self._broken: list[Link] = []

    def run(self, present: set[str]) -> None:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for link in self._head.chains:
                for files in self._chain(link):
                    self._log_files(files, pool)
            self._log_files(list(self._head.log_files), pool)
        # An announced object that came to be is in a later head, or it is under way.
        announced = set(self._head.announced)
        self._report.under_way = sorted(present & announced - self._known)
        unknown = present - self._known - announced
        for link in self._broken:
            behind = {key for key in unknown if key.startswith(_folders(link))}
            unknown -= behind
            if behind:
                message = f"{len(behind)} objects of this chain can't be checked, as it is broken before them."
                self._report.find(Kind.BROKEN, link.key, message)
        for key in sorted(unknown):
            self._report.find(Kind.ADDED, key, "No digest knows this object.")

    def _chain(self, link: Link | None) -> Iterator[list[tuple[str, Hashes]]]:
        """The log files of each digest of a chain, the last digest first."""
        while link is not None:
            digest = self._digest(link)
            if digest is None:
                self._broken.append(link)
                return
            self._report.digests += 1
            yield [
                (self._relative(each["s3Object"]), Hashes(each["hashValue"], each["objectHashValue"]))
                for each in digest["logFiles"]
            ]
            link = self._previous(digest, link)

    def _digest(self, link: Link) -> dict[str, Any] | None:
        """A digest that is just what the one after it, or the head, says; None where the chain breaks."""
        beside = signature_key(link.key)
        self._known |= {link.key, beside}
        self._signature(link, beside)
        content = self._content(link.key, link.hashes, "digest", link.signature)
        if content is None:
            return None
        digest: dict[str, Any] = orjson.loads(content)
        text = signed_text(content, link.hashes.content)
        signed = self._keys.verifies(digest["digestPublicKeyFingerprint"], text, link.signature)
        if not signed or self._relative(digest["digestS3Object"]) != link.key:
            self._report.find(Kind.BROKEN, link.key, "The digest's signature does not hold.")
            return None
        return digest

    def _signature(self, link: Link, beside: str) -> None:
        found = self._store.get(beside)
        if found is None:
            self._report.find(Kind.MISSING, beside, "A digest's signature is missing.")
        elif found.body != link.signature.encode():
            self._report.find(Kind.EDITED, beside, "A digest's signature was edited.")

    def _previous(self, digest: dict[str, Any], link: Link) -> Link | None:
        if digest["previousDigestS3Object"] is None:
            return None
        return Link(
            link.account_id,
            link.region,
            self._relative(digest["previousDigestS3Object"]),
            Hashes(digest["previousDigestHashValue"], digest["previousDigestObjectHashValue"]),
            digest["previousDigestSignature"],
        )

    def _log_files(self, files: list[tuple[str, Hashes]], pool: ThreadPoolExecutor) -> None:
        keys, hashes = [key for key, _ in files], [each for _, each in files]
        self._known.update(keys)
        for content in pool.map(self._content, keys, hashes, repeat("log file")):
            if content is not None:
                self._report.log_files += 1
                self._report.records += len(orjson.loads(content)["Records"])

    def _content(self, key: str, hashes: Hashes, what: str, signature: str | None = None) -> bytes | None:
        """What an object holds, where it is to the byte what was delivered."""
        found = self._store.get(key)
        if found is None:
            self._report.find(Kind.MISSING, key, f"A {what} is missing.")
            return None
        # The file's hash first: nothing is unpacked that was not packed here.
        if sha256(found.body) != hashes.packed or sha256(content := unpacked(found.body)) != hashes.content:
            self._report.find(Kind.EDITED, key, f"A {what} is not as it was delivered.")
            return None
        if signature is not None and found.metadata.get("signature", signature) != signature:
            self._report.find(Kind.EDITED, key, f"The signature in a {what}'s metadata was edited.")
        return content

    def _relative(self, key: str) -> str:
        return key.removeprefix(self._head.place.prefix)


def _folders(link: Link) -> tuple[str, str]:
    """Where the digests and the log files of a chain lie."""
    return (
        f"AWSLogs/{link.account_id}/CloudTrail-Digest/{link.region}/",
        f"AWSLogs/{link.account_id}/CloudTrail/{link.region}/",
    )
