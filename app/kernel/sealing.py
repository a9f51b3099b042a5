"""Secrets that must be read again are encrypted at rest; the keys come from settings, or a file that is made once."""

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from app.settings import Settings, SettingsError

FILE = "secret.key"


class Unreadable(Exception):
    """A secret was sealed with a key that is not there any more."""


class Sealer:
    """Encrypts with the first key, decrypts with any. Without keys one is made in a directory when it is first needed.

    Raises SettingsError for a key that is none or can't be kept; the message never holds it.
    """

    def __init__(self, keys: Sequence[str], directory: Path) -> None:
        self._path = directory / FILE
        self._fernet: MultiFernet | None = _fernet(keys, "TOLLGATE_SECRET_KEYS") if keys else None

    @classmethod
    def of(cls, settings: Settings) -> "Sealer":
        """With the keys of a server's settings."""
        return cls([key.get_secret_value() for key in settings.secret_keys], settings.data_directory)

    def seal(self, text: str) -> str:
        """The text encrypted, and protected against changes."""
        if self._fernet is None and not self._path.exists():
            self._make()
        return self._ready().encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """The text again; raises Unreadable."""
        try:
            return self._ready().decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise Unreadable("no key of TOLLGATE_SECRET_KEYS opens it") from None

    def _ready(self) -> MultiFernet:
        if self._fernet is None:
            try:
                text = self._path.read_text(encoding="ascii", errors="replace")
            except FileNotFoundError:
                raise Unreadable(f"there is no key in {self._path}") from None
            except OSError as error:
                raise SettingsError(f"{self._path}: {error.strerror}") from None
            self._fernet = _fernet([text.strip()], str(self._path))
        return self._fernet

    def _make(self) -> None:
        try:
            _write(self._path)
        except OSError as error:
            raise SettingsError(f"TOLLGATE_DATA_DIRECTORY: no key can be kept in it: {error.strerror}") from None


def _fernet(keys: Sequence[str], where: str) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError:
        raise SettingsError(f"{where}: not a Fernet key, 32 bytes in URL-safe base64") from None


def _write(path: Path) -> None:
    """Write a new key for this user alone. Of several processes that try at once one wins, and all read its key."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(Fernet.generate_key())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()
