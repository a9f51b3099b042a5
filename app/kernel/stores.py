"""Where objects are kept: a folder or an S3 bucket, with the same names in both."""

import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Protocol
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as it was found; `metadata` is S3's, with names in lower case."""

    body: bytes
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listed:
    """An object by its name. `version` changes with its content; `regular`: nothing but a file, so that it can be read.

    `size` is in bytes.
    """

    key: str
    size: int
    version: str
    regular: bool = True


class Store(Protocol):
    """Objects by names such as AWSLogs/111122223333/…; a put replaces, and is durable and whole or was not at all."""

    bucket: str
    prefix: str
    """What the destination's own names have in front of these, with a slash at the end; or nothing."""

    def put(self, key: str, body: bytes, metadata: Mapping[str, str] | None = None) -> None: ...

    def get(self, key: str, at_most: int | None = None) -> Stored | None:
        """An object, or its beginning of `at_most` bytes; None where there is none."""
        ...

    def listed(self, below: str = "") -> Iterator[Listed]:
        """All objects whose names begin with a folder's, such as `AWSLogs/`."""
        ...

    def folders(self, below: str = "") -> Iterator[str]:
        """The names of the folders directly in a folder, without a slash; OSError where the store itself is missing."""
        ...


def open_store(destination: str, *, endpoint_url: str | None = None) -> Store:
    """The store of a setting or an argument: a folder, or `s3://BUCKET/PREFIX`. ValueError where it is neither."""
    if "://" not in destination:
        return FolderStore(Path(destination))
    parts = urlsplit(destination)
    if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment:
        raise ValueError(f"“{destination}” is neither a folder nor s3://BUCKET/PREFIX.")
    return S3Store(parts.netloc, parts.path.strip("/"), endpoint_url)


class FolderStore:
    """A local folder."""

    bucket = "local"
    prefix = ""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, key: str, body: bytes, metadata: Mapping[str, str] | None = None) -> None:
        # What is not yet whole lies beside the trail, where no one takes it for a part of it.
        partial = self._folder / ".partial" / secrets.token_hex(8)
        place = self._folder / key
        partial.parent.mkdir(parents=True, exist_ok=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            with partial.open("xb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(place)
        finally:
            partial.unlink(missing_ok=True)
        directory = os.open(place.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def get(self, key: str, at_most: int | None = None) -> Stored | None:
        if ".." in PurePosixPath(key).parts:
            return None
        with (
            suppress(FileNotFoundError, IsADirectoryError, NotADirectoryError),
            (self._folder / key).open("rb") as file,
        ):
            return Stored(file.read(-1 if at_most is None else at_most))
        return None

    def listed(self, below: str = "") -> Iterator[Listed]:
        for folder, folders, names in os.walk(self._folder / below, onerror=_unless_gone):
            for path in (Path(folder, name) for name in (*names, *folders)):
                with suppress(FileNotFoundError):
                    found = path.lstat()
                    if not stat.S_ISDIR(found.st_mode):
                        version = f"{found.st_mtime_ns}-{found.st_ctime_ns}-{found.st_size}"
                        key = path.relative_to(self._folder).as_posix()
                        yield Listed(key, found.st_size, version, stat.S_ISREG(found.st_mode))

    def folders(self, below: str = "") -> Iterator[str]:
        try:
            with os.scandir(self._folder / below) as entries:
                names = sorted(each.name for each in entries if each.is_dir(follow_symlinks=False))
        except FileNotFoundError:
            if not below:
                raise
            return
        yield from names


def _unless_gone(error: OSError) -> None:
    """A folder that can't be read is not one that is empty; one that is not there is."""
    if not isinstance(error, FileNotFoundError):
        raise error


class S3Store:
    """An S3 bucket, with the credentials that boto3 finds."""

    def __init__(self, bucket: str, prefix: str, endpoint_url: str | None) -> None:
        self.bucket = bucket
        self.prefix = f"{prefix}/" if prefix else ""
        self._endpoint_url = endpoint_url
        self._made: Any = None

    @property
    def _client(self) -> Any:
        if self._made is None:
            import boto3
            from botocore.config import Config

            config = Config(connect_timeout=10, read_timeout=60, retries={"max_attempts": 3, "mode": "standard"})
            self._made = boto3.client("s3", endpoint_url=self._endpoint_url, config=config)
        return self._made

    def put(self, key: str, body: bytes, metadata: Mapping[str, str] | None = None) -> None:
        kind = {"ContentType": "application/json", "ContentEncoding": "gzip"} if key.endswith(".gz") else {}
        self._client.put_object(
            Bucket=self.bucket, Key=self.prefix + key, Body=body, Metadata=dict(metadata or {}), **kind
        )

    def get(self, key: str, at_most: int | None = None) -> Stored | None:
        part = {} if at_most is None else {"Range": f"bytes=0-{at_most - 1}"}
        try:
            found = self._client.get_object(Bucket=self.bucket, Key=self.prefix + key, **part)
        except self._client.exceptions.NoSuchKey:
            return None
        return Stored(found["Body"].read(), found["Metadata"])

    def listed(self, below: str = "") -> Iterator[Listed]:
        pages = self._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.bucket, Prefix=self.prefix + below):
            for found in page.get("Contents", ()):
                version = f"{found['ETag']}-{found['LastModified'].timestamp()}"
                yield Listed(found["Key"].removeprefix(self.prefix), found["Size"], version)

    def folders(self, below: str = "") -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.bucket, Prefix=self.prefix + below, Delimiter="/"):
            for found in page.get("CommonPrefixes", ()):
                yield found["Prefix"].removeprefix(self.prefix + below).rstrip("/")
