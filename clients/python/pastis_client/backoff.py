"""How long to wait before trying again."""

import random
from dataclasses import dataclass


@dataclass
class Backoff:
    """Exponential with full jitter, so that many clients that lost one server do not come back at once."""

    first: float = 0.25
    longest: float = 30.0
    failures: int = 0

    def next(self) -> float:
        """Seconds to wait after one more failure."""
        self.failures += 1
        bound = min(self.longest, self.first * 2 ** min(self.failures - 1, 30))
        return random.uniform(0, bound)  # noqa: S311 - spreads clients, hides nothing

    def reset(self) -> None:
        """It has worked."""
        self.failures = 0
