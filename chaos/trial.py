"""One fault: what is hurt, and what is seen of it."""

import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import httpx2
import psutil

from chaos.chapters import Chapters, chapters
from chaos.ledger import Ledger
from chaos.service import Service
from chaos.stage import accepted

WRITERS = 8
PAUSE_SECONDS = 0.05
_MB = 1_048_576


class NotHereError(Exception):
    """It cannot be done on this machine, or by this account; the text says why."""


@dataclass(frozen=True, slots=True)
class Work:
    """What goes on meanwhile; `http` has the workspace as its base, and a login."""

    http: httpx2.AsyncClient
    ledger: Ledger
    book: Chapters


@dataclass
class Trial:
    name: str
    folder: Path
    chance: random.Random
    part: float = 1.0
    """How much of its time a fault is given."""
    told: "Counter[str]" = field(default_factory=Counter)
    acknowledged: int = 0
    silence: float = 0.0
    """The longest time without an accepted write, from the beginning of the fault on."""
    recovery: float | None = None
    """From the end of the fault to the next accepted write."""
    seen: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)

    def see(self, what: str) -> None:
        self.seen.append(what)

    def hold(self, what: str, *, true: bool) -> None:
        if not true:
            self.violations.append(what)

    @asynccontextmanager
    async def writes(self, service: Service, database_url: str) -> AsyncIterator[Work]:
        """A few clients write as long as the block runs; then all that they were told is looked for."""
        async with chapters(service, service.url, database_url, self.chance) as book:
            async with book.chapter(WRITERS, PAUSE_SECONDS) as (http, ledger):
                await accepted(ledger, monotonic())
                yield Work(http, ledger, book)
                self.hold("the API has ended by itself", true=service.lives())
            self.told += book.tally.told
            self.acknowledged += book.tally.acknowledged
            self.violations += book.tally.violations

    @asynccontextmanager
    async def fault(self, work: Work) -> AsyncIterator[None]:
        """The fault lasts as long as the block; then a write must be accepted."""
        begun = monotonic()
        yield
        self.recovery = await accepted(work.ledger, monotonic())
        self.silence = work.ledger.longest_silence(begun)

    @contextmanager
    def memory_of(self, service: Service) -> Iterator[None]:
        """See how much a process takes at the most, and how much at the beginning."""
        before = _megabytes(service, "VmRSS")
        yield
        self.see(f"memory {before} MB before, {_megabytes(service, 'VmHWM')} MB at the most")


def process_of(service: Service) -> psutil.Process:
    assert service.pid is not None
    return psutil.Process(service.pid)


def _megabytes(service: Service, name: str) -> int:
    """From Linux' own count, which remembers the most, too."""
    status = Path(f"/proc/{service.pid}/status").read_text()
    kilobytes = next(one.split()[1] for one in status.splitlines() if one.startswith(f"{name}:"))
    return int(kilobytes) * 1024 // _MB
