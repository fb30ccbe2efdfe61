"""The latest events of a workspace, in memory."""

from collections.abc import Sequence

from app.core.documents import Doc

LENGTH = 10_000


class Ring:
    """Events without a gap: those of `(floor, head]`."""

    def __init__(self, head: int) -> None:
        self.floor = head
        self._events: list[Doc] = []

    @property
    def head(self) -> int:
        return self.floor + len(self._events)

    @property
    def size(self) -> int:
        return len(self._events)

    def append(self, events: Sequence[Doc]) -> None:
        """The next ones. Let go of the oldest, now and then."""
        self._events.extend(events)
        if len(self._events) > 2 * LENGTH:
            self.forget(self.head - LENGTH)

    def forget(self, until: int) -> None:
        """Let go of what is not behind a number."""
        del self._events[: max(0, until - self.floor)]
        self.floor = max(self.floor, until)

    def has(self, after: int) -> bool:
        """Whether all that came behind a number is there."""
        return self.floor <= after <= self.head

    def after(self, after: int, until: int | None = None) -> Sequence[Doc]:
        """The events of `(after, until]`."""
        end = None if until is None else until - self.floor
        return self._events[after - self.floor : end]
