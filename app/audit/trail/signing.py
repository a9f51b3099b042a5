"""The key pair that signs digests: made on first start, or given; and the public keys that check them offline."""

import hashlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

ALGORITHM = "SHA256withRSA"
KEY_FILE = "trail-signing-key.pem"
PUBLIC_KEYS_FILE = "trail-public-keys.pem"
_KEY_BITS = 2048
_END = b"-----END PUBLIC KEY-----"


class Signer:
    """Signs digests with one private key."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self._key = key
        self.public_key = key.public_key()
        self.fingerprint = fingerprint(self.public_key)

    def sign(self, text: str) -> str:
        """The signature of a text, in hex."""
        return self._key.sign(text.encode(), PKCS1v15(), SHA256()).hex()


class PublicKeys:
    """The public keys that a trail may be signed with, by fingerprint; several where keys were replaced."""

    def __init__(self, keys: Mapping[str, rsa.RSAPublicKey]) -> None:
        self._keys = keys

    def verifies(self, key_fingerprint: str, text: str, signature: str) -> bool:
        """Whether one of the keys, the one with this fingerprint, made the signature of a text."""
        key = self._keys.get(key_fingerprint)
        if key is None or signature != signature.lower():
            return False
        try:
            key.verify(bytes.fromhex(signature), text.encode(), PKCS1v15(), SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True

    @classmethod
    def parse(cls, pem: bytes) -> "PublicKeys":
        """Keys of one PEM after another. ValueError where there is none, or one that can't be used."""
        blocks = [block + _END for block in pem.split(_END) if b"-----BEGIN PUBLIC KEY-----" in block]
        keys = [serialization.load_pem_public_key(block.strip()) for block in blocks]
        usable = [key for key in keys if isinstance(key, rsa.RSAPublicKey)]
        if not usable or len(usable) != len(keys):
            raise ValueError("This is not a PEM file of RSA public keys.")
        return cls({fingerprint(key): key for key in usable})


def fingerprint(key: rsa.RSAPublicKey) -> str:
    """32 hex digits that name a public key."""
    return hashlib.sha256(pkcs1(key)).hexdigest()[:32]


def pkcs1(key: rsa.RSAPublicKey) -> bytes:
    """A public key as CloudTrail hands it out: PKCS #1, DER."""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)


def public_pem(key: rsa.RSAPublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def load_signer(data_directory: Path, given: Path | None) -> Signer:
    """The key of a file that is given, or the one in the data directory, which is made where there is none.

    Its public key is added to those in the data directory. ValueError or OSError where the file can't be used.
    """
    signer = Signer(_read(given) if given else _kept(data_directory))
    known = data_directory / PUBLIC_KEYS_FILE
    pem = public_pem(signer.public_key)
    before = known.read_bytes() if known.exists() else b""
    if pem not in before:
        data_directory.mkdir(parents=True, exist_ok=True)
        _replace(known, before + pem, 0o644)
    return signer


def _kept(data_directory: Path) -> rsa.RSAPrivateKey:
    path = data_directory / KEY_FILE
    if not path.exists():
        data_directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
        pem = made.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        _create(path, pem)
    return _read(path)


def _read(path: Path) -> rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError):
        raise ValueError(f"{path} is not a PEM file of a private key without a password.") from None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < _KEY_BITS:
        raise ValueError(f"The key in {path} is not an RSA key of {_KEY_BITS} bits or more.")
    return key


def _create(path: Path, content: bytes) -> None:
    """Make a file that must not be there yet; of two servers that start at once the first one's stays."""
    partial = _written(path, content, 0o600)
    try:
        os.link(partial, path)
    except FileExistsError:
        pass
    finally:
        partial.unlink()


def _replace(path: Path, content: bytes, mode: int) -> None:
    _written(path, content, mode).replace(path)


def _written(path: Path, content: bytes, mode: int) -> Path:
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return partial
