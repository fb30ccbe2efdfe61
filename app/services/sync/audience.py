"""Those who are sent the same: what an event is for them is worked out and encoded once."""

from app.core.documents import Doc
from app.services.sync.frames import Frame, dump_ops
from app.services.sync.reach import View
from app.services.sync.ring import Ring
from app.services.sync.rules import Cursor, RoleOf, changes

KEPT = 64
"""Frames that are remembered: clients that are told at the same time are told the same."""


class Audience:
    def __init__(self, view: View, epoch: str) -> None:
        self.view = view
        self.digest = view.digest
        self.size = 0
        """How many feeds are told."""
        self._epoch = epoch
        self._parts: dict[int, bytes | None] = {}
        self._frames: dict[int, Frame] = {}
        """By where they begin; all end at the present head."""
        self._head = 0

    def frame(self, start: int, ring: Ring, role_of: RoleOf) -> Frame | None:
        """What all that came behind `start` is for this audience.

        None where documents must be looked up. The ring must have these events.
        """
        if self._head != ring.head:
            self._head = ring.head
            self._frames.clear()
        known = self._frames.get(start)
        if known is not None:
            return known
        parts = [self._part(event, role_of) for event in ring.after(start)]
        told = [part for part in parts if part is not None]
        if len(told) < len(parts):
            return None
        cursor = Cursor(self._epoch, ring.head, self.digest)
        frame = Frame(start, cursor, b",".join(filter(None, told)))
        if len(self._frames) >= KEPT:
            self._frames.clear()
        self._frames[start] = frame
        return frame

    def _part(self, event: Doc, role_of: RoleOf) -> bytes | None:
        seq = event["seq"]
        if seq not in self._parts:
            found = changes([event], self.view, role_of)
            self._parts[seq] = None if found.arrived else dump_ops(found.ops)
        return self._parts[seq]

    def forget(self, until: int) -> None:
        """Let go of what is not behind a number."""
        self._parts = {seq: part for seq, part in self._parts.items() if seq > until}
        self._frames.clear()
