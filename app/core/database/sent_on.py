"""Documents that are read to be sent on: from the database's bytes to JSON."""

from functools import lru_cache
from typing import cast

import bson
import orjson
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from app.core.documents import Doc, Entity, SentOn, dump, public

KEPT = 8192
"""Documents of lists, each of about 1.7 KB with what it is kept by."""
KEPT_WHOLE = 2048
"""Of those that are read alone, of up to 10 KB with a description of 800 letters."""
LONGEST = 16_384
"""Bytes of a document that is kept whole: a few long texts would push out all others."""
IN_BYTES: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
_NAIVE: CodecOptions[Doc] = CodecOptions(tz_aware=False)


def bytes_of(document: Doc) -> bytes:
    """Of a document that was found with `IN_BYTES`."""
    # The driver's types know plain documents alone. What it reads may be a view of more.
    return bytes(cast("RawBSONDocument", document).raw)


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


def whole(model: type[Entity], document: bytes) -> SentOn:
    """A document that is read alone, of a model whose `PROJECT` is a field; kept like those of lists."""
    return _whole(model, document) if len(document) > LONGEST else _kept(model, document)


def _whole(model: type[Entity], document: bytes) -> SentOn:
    doc = read(document)
    place = {name: doc[name] for name in ("_id", "workspace_id", cast("str", model.PROJECT))}
    return SentOn(place, doc["version"], dump(public(model, doc)))


_kept = lru_cache(maxsize=KEPT_WHOLE)(_whole)
