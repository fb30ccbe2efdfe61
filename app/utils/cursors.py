"""Opaque cursors of a keyset list: where a page ended, signed, and bound to the list it came from.

The text is URL-safe base64 without padding of the first 16 bytes of an HMAC-SHA256, then the values as
JSON. The scope (the fingerprint of the sort and filters) is signed but not carried, so that the cursor
of one list is refused by another.
"""

import hmac
import math
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import Any

import orjson

MAX_LENGTH = 1024

_MAC_BYTES = 16
_PURPOSE = b"pastis cursor 1\0"  # the secret may sign other things too
_TIME = "t"  # values are scalars, so that an object can only be a tagged time


class InvalidCursor(ValueError):  # noqa: N818 - it says what is wrong
    """The text is no cursor made with this secret for this scope."""


def encode(values: list[Any], secret: bytes, scope: str) -> str:
    """Make the cursor of `values`: str, int of 64 bits, finite float, bool, None or aware datetime.

    Raises ValueError for any other value, or if the text would be longer than MAX_LENGTH.
    """
    try:
        payload = orjson.dumps([_pack(value) for value in values])
    except orjson.JSONEncodeError as error:
        raise ValueError("a value does not fit in a cursor") from error
    text = _to_text(_mac(payload, secret, scope) + payload)
    if len(text) > MAX_LENGTH:
        raise ValueError("the values are too long for a cursor")
    return text


def decode(text: str, secret: bytes, scope: str) -> list[Any]:
    """Return the values that `encode` was given; raise InvalidCursor for any text it did not make."""
    raw = _from_text(text)
    mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(payload, secret, scope)):
        raise InvalidCursor("the cursor was not made for this list")
    return [_unpack(value) for value in orjson.loads(payload)]


def _mac(payload: bytes, secret: bytes, scope: str) -> bytes:
    data = scope.encode()
    # The length keeps the border between scope and payload where it is.
    message = _PURPOSE + len(data).to_bytes(8) + data + payload
    return hmac.digest(secret, message, "sha256")[:_MAC_BYTES]


def _to_text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _from_text(text: str) -> bytes:
    if len(text) > MAX_LENGTH:
        raise InvalidCursor("the cursor is too long")
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise InvalidCursor("the cursor is malformed") from error
    # The decoder skips foreign characters and loose last bits: only one text may stand for a cursor.
    if _to_text(raw) != text:
        raise InvalidCursor("the cursor is malformed")
    return raw


def _pack(value: Any) -> Any:
    if isinstance(value, datetime) and value.utcoffset() is not None:
        return {_TIME: value.isoformat()}
    if isinstance(value, float) and math.isfinite(value):
        return value
    if value is None or isinstance(value, str | int):
        return value
    raise ValueError("a value does not fit in a cursor")


def _unpack(value: Any) -> Any:
    return datetime.fromisoformat(value[_TIME]) if isinstance(value, dict) else value
