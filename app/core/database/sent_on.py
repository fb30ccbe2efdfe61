"""Documents that are read to be sent on: from the database's bytes to JSON."""

from collections.abc import Iterator
from functools import lru_cache

import bson
import orjson
from bson.codec_options import CodecOptions

from app.core.documents import Doc, Entity, dump, public

KEPT = 8192
"""Of about 1.7 KB with what it is kept by."""
_NAIVE: CodecOptions[Doc] = CodecOptions(tz_aware=False)


def split(batch: bytes) -> Iterator[bytes]:
    """The documents of a raw batch, each of which begins with its length."""
    start = 0
    while start < len(batch):
        end = start + int.from_bytes(batch[start : start + 4], "little")
        yield batch[start:end]
        start = end


def read(document: bytes) -> Doc:
    """Its times are in naive UTC."""
    return bson.decode(document, _NAIVE)


@lru_cache(maxsize=KEPT)
def shown(model: type[Entity], document: bytes) -> orjson.Fragment:
    """A document as clients see it.

    That follows from its bytes alone, so that it can be kept for whoever reads the same ones again: it costs
    a twentieth of what it does to make it.
    """
    return orjson.Fragment(dump(public(model, read(document))))
