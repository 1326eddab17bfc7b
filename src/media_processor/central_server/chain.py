"""The hash chain beside the activity log: its entries, its checkpoints, its key.

The format, one JSON object a line of ``worker_activity.log.chain``, in this order and
without spaces:

    {"sequence":1,"offset":0,"length":71,"line":"[2026-…","media_id":"019a…",
     "sha256":"5a0f…","previous":"0000…","hash":"9c1e…"}

``offset`` and ``length`` are the line's place in bytes, line break included, in the whole log,
rotated files included. ``sha256`` is the picture's. ``hash`` is the SHA-256 of the
object without ``,"hash":"…"``; ``previous`` is the ``hash`` of the entry before.
An owner other than ``main`` is written as ``"owner":"…"`` between ``sha256`` and ``previous``.
Every 256th entry is followed by a checkpoint, signed with Ed25519 (RFC 8032):

    {"checkpoint":256,"hash":"9c1e…","end":18176,"key":"d75a…","signature":"e556…"}

Nothing in it depends on when it was written, so it can be rebuilt to the byte.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from media_processor.atomic_files import write_atomically
from media_processor.errors import SetupError
from media_processor.messages.archive import Checkpoint
from media_processor.messages.media import MAIN_OWNER

GENESIS = "0" * 64
EVERY = 256
"""Every so many entries there is a checkpoint."""


@dataclass(frozen=True)
class ChainEntry:
    """One line of the chain's file; ``line`` is without its line break."""

    sequence: int
    offset: int
    length: int
    line: str
    media_id: str
    sha256: str
    previous: str
    owner: str = MAIN_OWNER

    @property
    def hash(self) -> str:
        """SHA-256 of all other fields, in lower-case hex."""
        return hashlib.sha256(self._body()).hexdigest()

    @property
    def end(self) -> int:
        return self.offset + self.length

    def encode(self) -> bytes:
        body = self._body()
        digest = hashlib.sha256(body).hexdigest()
        return body[:-1] + f',"hash":"{digest}"}}\n'.encode()

    def _body(self) -> bytes:
        # The main owner is left out: entries from before there were owners stay as they are.
        owner = {} if self.owner == MAIN_OWNER else {"owner": self.owner}
        return _compact(
            {
                "sequence": self.sequence,
                "offset": self.offset,
                "length": self.length,
                "line": self.line,
                "media_id": self.media_id,
                "sha256": self.sha256,
                **owner,
                "previous": self.previous,
            }
        )


def _compact(value: dict[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


# ── checkpoints ──────────────────────────────────────────────────────────────────────


def encode_checkpoint(checkpoint: Checkpoint) -> bytes:
    return (
        _compact(
            {
                "checkpoint": checkpoint.sequence,
                "hash": checkpoint.hash,
                "end": checkpoint.end,
                "key": checkpoint.key,
                "signature": checkpoint.signature,
            }
        )
        + b"\n"
    )


def _signed_text(sequence: int, digest: str, end: int) -> bytes:
    return f"media-processor checkpoint\n{sequence}\n{digest}\n{end}\n".encode()


def is_genuine(checkpoint: Checkpoint) -> bool:
    """Whether its signature is valid for the key in it. Check the key as well."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(checkpoint.key))
        text = _signed_text(checkpoint.sequence, checkpoint.hash, checkpoint.end)
        key.verify(bytes.fromhex(checkpoint.signature), text)
    except (ValueError, InvalidSignature):
        return False
    return True


class Signer:
    """Signs checkpoints with the central server's private key; ``public`` is the other, in hex."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = _hex(key.public_key())

    def checkpoint(self, sequence: int, digest: str, end: int) -> Checkpoint:
        signature = self._key.sign(_signed_text(sequence, digest, end)).hex()
        return Checkpoint(
            sequence=sequence, hash=digest, end=end, key=self.public, signature=signature
        )


def open_signer(file: Path) -> Signer:
    """The signer with the private key in ``file``, which is generated if it doesn't exist.

    Raises:
        SetupError: the file holds no Ed25519 key, or can't be read or written.
    """
    try:
        if not file.exists():
            _make_key(file)
        key = serialization.load_pem_private_key(file.read_bytes(), password=None)
    except OSError as error:
        raise SetupError(f"AUDIT_KEY: {file} can't be read or written: {error.strerror}.") from None
    except (ValueError, TypeError):
        raise SetupError(
            f"AUDIT_KEY: {file} isn't an unencrypted private key in PEM format."
        ) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SetupError(f"AUDIT_KEY: {file} isn't an Ed25519 private key.")
    return Signer(key)


def public_key_file(private: Path) -> Path:
    return private.with_suffix(f".pub{private.suffix}")


def read_public_key(file: Path) -> str:
    """In hex; raises SetupError for a file that holds none or can't be read."""
    try:
        key = serialization.load_pem_public_key(file.read_bytes())
    except OSError as error:
        raise SetupError(f"{file} can't be read: {error.strerror}.") from None
    except ValueError:
        raise SetupError(f"{file} isn't a public key in PEM format.") from None
    if not isinstance(key, Ed25519PublicKey):
        raise SetupError(f"{file} isn't an Ed25519 public key.")
    return _hex(key)


def _make_key(file: Path) -> None:
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    write_atomically(public_key_file(file), public, mode=0o644, durable=True)
    write_atomically(file, private, mode=0o600, durable=True)


def _hex(key: Ed25519PublicKey) -> str:
    return key.public_bytes_raw().hex()
