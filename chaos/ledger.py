"""What the clients asked for, and what they were told."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

Doc = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Request:
    """One write. However often it is sent, its key allows it one effect."""

    verb: str
    method: str
    path: str
    body: Doc | None
    key: str
    wanted: Doc
    """Members that a good answer must hold with just these values."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The last word on a request. `at` is the time on the monotonic clock."""

    request: Request
    status: int
    body: Doc
    attempts: int
    at: float
    replayed: bool = False
    """Whether the server said that it had done this before."""


@dataclass(slots=True)
class Ledger:
    """All answers of one round."""

    acknowledged: list[Answer] = field(default_factory=list)
    refused: list[Answer] = field(default_factory=list)
    """Requests that the server understood and did not do, as on a task that is in the trash by then."""
    faults: list[str] = field(default_factory=list)
    """Answers that no client should ever get."""
    retries: int = 0
    unavailable: int = 0
    """Answers with 503; they count as retries too."""
    told: "Counter[str]" = field(default_factory=Counter)
    """Statuses and codes of answers that did not say that it was done; those that never came, too."""

    def keys(self) -> set[str]:
        return {answer.request.key for answer in (*self.acknowledged, *self.refused)}

    def longest_silence(self, since: float) -> float:
        """The longest time without an acknowledgement that ended after `since`."""
        moments = sorted(answer.at for answer in self.acknowledged)
        return max((after - before for before, after in pairwise(moments) if after > since), default=0.0)
