"""What clients are sent: a range of the log as one piece of JSON."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from app.core.documents import dump
from app.services.sync.rules import Cursor


@dataclass(frozen=True)
class Frame:
    """All that a client may see of `(start, cursor.seq]`."""

    start: int
    cursor: Cursor
    ops: bytes
    """JSON, without the brackets around them."""

    @cached_property
    def body(self) -> bytes:
        cursor = self.cursor
        return b'{"epoch":"%b","from":%d,"to":%d,"cursor":"%b","ops":[%b]}' % (
            cursor.epoch.encode(),
            self.start,
            cursor.seq,
            str(cursor).encode(),
            self.ops,
        )

    @cached_property
    def sent_event(self) -> bytes:
        """As a server-sent event."""
        return b"id: %b\ndata: %b\n\n" % (str(self.cursor).encode(), self.body)


def dump_ops(ops: list[Any]) -> bytes:
    """A list without its brackets."""
    return dump(ops)[1:-1]
