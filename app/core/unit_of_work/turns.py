"""Whose turn it is to write to a workspace, where several processes do."""

import asyncio
import random
from time import monotonic

SHARED_SECONDS = 1.0
"""So long after the last meeting others are expected to be there still."""
PAUSE_SECONDS = 0.008
"""For so long whoever has just written lets others go first."""
_SOON_SECONDS = 0.006
"""At most between two looks whether it is one's turn: in each pause of the others there is one at least."""
_SOON_LOOKS = 30
"""So many, in about a tenth of a second. Whoever has the head for longer may have been stopped or killed."""
_LATE_SECONDS = 0.05


class Turns:
    """One process's view of them. No turn is kept anywhere: whoever moves the head first has it.

    Alone, a process decides by what it remembers, and moves the head last. Two that do so would nearly always
    find that the other was faster, at the end of their work. So once they have met, each begins with the
    head, which costs nearly nothing to fail at, and stands back after its commit.
    """

    def __init__(self) -> None:
        self._met = self._ended = float("-inf")

    @property
    def shared(self) -> bool:
        """Whether others write here as well."""
        return monotonic() - self._met < SHARED_SECONDS

    def meet(self) -> None:
        """Somebody else was in the way."""
        self._met = monotonic()

    def end(self) -> None:
        """One's own transaction has been committed."""
        self._ended = monotonic()

    async def stand_back(self) -> None:
        """Let those go first who have waited meanwhile."""
        pause = self._ended + PAUSE_SECONDS - monotonic()
        if pause > 0:
            await asyncio.sleep(pause)

    async def look_again(self, looks: int) -> None:
        """Wait until it may be one's turn, after so many looks."""
        longest = _SOON_SECONDS if looks < _SOON_LOOKS else _LATE_SECONDS
        await asyncio.sleep(random.uniform(0.001, longest))  # noqa: S311 - jitter
