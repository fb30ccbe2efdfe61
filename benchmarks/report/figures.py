"""What the rows of a run come to: medians over its rounds, ratios inside of each."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.report.driver import DRIVER
from benchmarks.report.measures import Row
from benchmarks.report.operations import CREATE, FOUR, LIST, ONE, PATCH
from benchmarks.report.redmine import REDMINE
from benchmarks.report.servers import BARE, NAIVE, PASTIS, PLAIN

USUAL = 16
MEMORY_MB = 150


@dataclass(frozen=True)
class Want:
    """Of a throughput: how many times that of what it is beside, at least."""

    operation: str
    beside: str
    bound: float


WANTS = (
    Want(ONE, BARE, 0.15),
    Want(LIST, BARE, 0.055),
    Want(LIST, NAIVE, 7),
    *(Want(one, NAIVE, 20) for one in (CREATE, PATCH)),
    *(Want(one, PLAIN, 1) for one in (CREATE, PATCH)),
    *(Want(one, REDMINE, 20) for one in FOUR),
)
BESIDE = (BARE, DRIVER, NAIVE, PLAIN, REDMINE)
ONLY = {BARE: ONE, PLAIN: PATCH}
"""Whose one operation is the yardstick of all."""


@dataclass(frozen=True)
class Figures:
    rows: Sequence[Row]

    def median(
        self, number: str, what: str, operation: str, tasks: int, connections: int = USUAL
    ) -> float | None:
        """None for what was not measured."""
        found = [getattr(row, number) for row in self.of(what, operation, tasks, connections)]
        return statistics.median(found) if found else None

    def ratios(self, want: Want | tuple[str, str], tasks: int, what: str = PASTIS) -> list[float]:
        """Throughput beside another's, round by round."""
        operation, beside = (want.operation, want.beside) if isinstance(want, Want) else want
        others = {row.round: row.rate for row in self.of(beside, ONLY.get(beside, operation), tasks)}
        mine = self.of(what, operation, tasks)
        return [row.rate / others[row.round] for row in mine if others.get(row.round)]

    def ratio(self, operation: str, beside: str, tasks: int, what: str = PASTIS) -> float | None:
        found = self.ratios((operation, beside), tasks, what)
        return statistics.median(found) if found else None

    def of(self, what: str, operation: str, tasks: int, connections: int = USUAL) -> list[Row]:
        wanted = (what, operation, tasks, connections)
        return [row for row in self.rows if (row.what, row.operation, row.tasks, row.connections) == wanted]

    def most(self, number: str, what: str) -> float:
        """The highest at any time."""
        return max((getattr(row, number) for row in self.rows if row.what == what), default=float("nan"))

    def sizes(self) -> list[int]:
        return sorted({row.tasks for row in self.rows})
