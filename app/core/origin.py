"""Where the work under way comes from: for limits and the audit log, whichever verb they stand in."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """A request's sender; all is None for commands and background work."""

    address: str | None = None
    client: str | None = None
    """What the client calls itself."""
    device: str | None = None
    """The token by which an account may know the device again."""


# A reader rather than an origin: few requests ask for it, and most then save its cost.
origin_reader: ContextVar[Callable[[], Origin]] = ContextVar("origin_reader", default=Origin)


def current_origin() -> Origin:
    return origin_reader.get()()
