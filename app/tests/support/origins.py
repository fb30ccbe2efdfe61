"""Work that comes from somewhere, without a request."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.core.origin import Origin, origin_reader


@contextmanager
def coming_from(address: str, client: str | None = None, device: str | None = None) -> Iterator[None]:
    origin = Origin(address, client, device)
    token = origin_reader.set(lambda: origin)
    try:
        yield
    finally:
        origin_reader.reset(token)
