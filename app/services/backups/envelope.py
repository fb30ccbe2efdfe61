"""A file of a backup: BSON documents one after the other, compressed, encrypted where there is a key.

An encrypted file is a header with a salt, then chunks of AES-256-GCM. The key is of this file alone; the
nonce of a chunk is its number and whether it is the last, the associated data the file's name. So a file that
was cut, whose chunks changed places, or that stands under another's name does not open.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from itertools import chain

from bson import decode
from bson.codec_options import CodecOptions
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from isal import isal_zlib

from app.core.documents import Doc

MAGIC = b"pastis-backup\x00\x01\n"
SALT = 16
CHUNK = 256 * 1024
TAG = 16
_GZIP = 31  # the format's window bits
_LENGTH = 4
_SMALLEST = 5  # an empty document
_PURPOSE = b"pastis:backup"
_CODEC: CodecOptions[Doc] = CodecOptions(tz_aware=True)


class BackupError(Exception):
    """What keeps a backup from being written, read or restored; the text is for its operator."""


class Packer:
    """Takes documents, hands on the bytes of the file, and counts."""

    def __init__(self, write: Callable[[bytes], object], key: bytes | None, name: str) -> None:
        self._write = write
        self._seal = None if key is None else _Seal(key, name)
        self._gzip = isal_zlib.compressobj(isal_zlib.ISAL_DEFAULT_COMPRESSION, wbits=_GZIP)
        self._hash = sha256()
        self.documents = 0
        self.bytes = 0

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def add(self, batch: bytes) -> None:
        """Whole documents, one after the other."""
        self.documents += sum(1 for _ in _lengths(batch))
        self._hand_on(self._gzip.compress(batch))

    def finish(self) -> None:
        """Nothing more comes."""
        self._hand_on(self._gzip.flush(), last=True)

    def _hand_on(self, data: bytes, *, last: bool = False) -> None:
        sealed = data if self._seal is None else self._seal.add(data, last=last)
        if sealed:
            self._hash.update(sealed)
            self.bytes += len(sealed)
            self._write(sealed)


class _Seal:
    def __init__(self, key: bytes, name: str) -> None:
        salt = os.urandom(SALT)
        self._cipher = _cipher(key, salt)
        self._name = name.encode()
        self._begun = MAGIC + salt
        self._waiting = bytearray()
        self._number = 0

    def add(self, data: bytes, *, last: bool) -> bytes:
        """What is ready; the last chunk waits until it is known to be that."""
        self._waiting += data
        ready = [self._begun]
        self._begun = b""
        while len(self._waiting) > CHUNK:
            ready.append(self._encrypt(bytes(self._waiting[:CHUNK]), last=False))
            del self._waiting[:CHUNK]
        if last:
            ready.append(self._encrypt(bytes(self._waiting), last=True))
        return b"".join(ready)

    def _encrypt(self, chunk: bytes, *, last: bool) -> bytes:
        self._number += 1
        return self._cipher.encrypt(_nonce(self._number, last=last), chunk, self._name)


def sealed(data: bytes, key: bytes | None, name: str) -> bytes:
    """A small file at once, not compressed."""
    return data if key is None else _Seal(key, name).add(data, last=True)


def opened(blocks: Iterable[bytes], key: bytes | None, name: str) -> Iterator[bytes]:
    """What was sealed, block by block; nothing of a chunk comes before it is known to be genuine.

    Raises BackupError where the file is encrypted and there is no key, or the other way round, and where it
    was encrypted with another one or changed.
    """
    source = iter(blocks)
    begin, waiting = len(MAGIC) + SALT, bytearray()
    for block in source:
        waiting += block
        if len(waiting) >= begin:
            break
    is_sealed = waiting.startswith(MAGIC)
    if key is None:
        if is_sealed:
            raise BackupError(
                "The backup is encrypted: set PASTIS_BACKUP_KEY to the key that it was made with."
            )
        yield bytes(waiting)
        yield from source
        return
    if not is_sealed:
        raise BackupError(
            f"{name} is not encrypted, though PASTIS_BACKUP_KEY is set: anybody could have made it."
        )
    cipher = _cipher(key, bytes(waiting[len(MAGIC) : begin]))
    del waiting[:begin]
    yield from _decrypted(cipher, waiting, source, name)


def _decrypted(cipher: AESGCM, waiting: bytearray, source: Iterator[bytes], name: str) -> Iterator[bytes]:
    number, size = 0, CHUNK + TAG
    try:
        for block in chain((b"",), source):
            waiting += block
            while len(waiting) > size:
                number += 1
                yield cipher.decrypt(_nonce(number, last=False), bytes(waiting[:size]), name.encode())
                del waiting[:size]
        yield cipher.decrypt(_nonce(number + 1, last=True), bytes(waiting), name.encode())
    except InvalidTag:
        raise BackupError(f"{name} was encrypted with another key, or is damaged.") from None


def unpacked(blocks: Iterable[bytes], name: str) -> Iterator[bytes]:
    """The documents of a file, one by one, as BSON. Raises BackupError for what is no whole file."""
    yield from _documents(_inflated(blocks, name), name)


def _inflated(blocks: Iterable[bytes], name: str) -> Iterator[bytes]:
    inflate = isal_zlib.decompressobj(wbits=_GZIP)
    try:
        for block in blocks:
            yield inflate.decompress(block)
    except isal_zlib.error:  # type: ignore[misc] # which the package's types take for an instance
        raise BackupError(f"{name} is damaged.") from None
    if not inflate.eof or inflate.unused_data:
        raise BackupError(f"{name} is damaged: it does not end where it should.")


def _documents(blocks: Iterable[bytes], name: str) -> Iterator[bytes]:
    waiting = bytearray()
    for block in blocks:
        waiting += block
        done = 0
        for length in _lengths(waiting):
            if done + length > len(waiting):
                break
            yield bytes(waiting[done : done + length])
            done += length
        del waiting[:done]
    if waiting:
        raise BackupError(f"{name} is damaged: its last document is cut.")


def _lengths(batch: bytes | bytearray) -> Iterator[int]:
    """How long each document is; the last one may reach beyond the end."""
    place = 0
    while place + _LENGTH <= len(batch):
        length = int.from_bytes(batch[place : place + _LENGTH], "little")
        if length < _SMALLEST:
            raise BackupError("A document has no length: this is no file of a backup.")
        yield length
        place += length


def document(data: bytes) -> Doc:
    """A document as the database's driver gives it."""
    return decode(data, _CODEC)


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), length=32, salt=salt, info=_PURPOSE).derive(key))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11) + bytes([last])
