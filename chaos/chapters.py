"""Chapters of a long run: in each, clients write to a workspace of its own, which is then verified."""

import asyncio
import math
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2
from pydantic import SecretStr

from app.core.config import Settings
from app.core.database.engine import Database
from app.core.documents import Doc
from app.services.integrity import check_all
from chaos.clients import TIMEOUT_SECONDS, Client
from chaos.ledger import Ledger
from chaos.rounds import good, prepare
from chaos.service import Service
from chaos.verify import Findings, verify

SHOWN = 20


@dataclass
class Tally:
    """What came of all chapters."""

    acknowledged: int = 0
    replayed: int = 0
    """Of these, done before, and told by the recorded answer."""
    retries: int = 0
    told: "Counter[str]" = field(default_factory=Counter)
    heads: dict[str, int] = field(default_factory=dict)
    """The last number of each workspace."""
    violations: list[str] = field(default_factory=list)

    def add(self, workspace_id: str, ledger: Ledger, findings: Findings) -> None:
        self.acknowledged += len(ledger.acknowledged)
        self.replayed += sum(answer.replayed for answer in ledger.acknowledged)
        self.retries += ledger.retries
        self.told += ledger.told
        self.heads[workspace_id] = findings.events
        self.violations += findings.violations

    @property
    def lost(self) -> int:
        return sum("acknowledged" in one for one in self.violations)

    @property
    def gaps(self) -> int:
        return sum(one.startswith("sequence") for one in self.violations)

    @property
    def twice(self) -> int:
        return sum(one.startswith("key") for one in self.violations)

    def rows(self) -> list[tuple[str, str]]:
        told = ", ".join(f"{what}: {times:,}" for what, times in self.told.most_common())
        return [
            ("acknowledged writes", f"{self.acknowledged:,}, in {len(self.heads)} workspaces"),
            ("of these done, answer lost, asked again, done once", f"{self.replayed:,}"),
            ("told instead, and asked again", told or "nothing"),
            ("acknowledged writes lost or changed", str(self.lost)),
            ("gaps and duplicates in the sequence", str(self.gaps)),
            ("keys that were applied twice, or unasked", str(self.twice)),
            ("violations", str(len(self.violations))),
        ]


class Chapters:
    """Each has as many writers, who pause for about so many seconds between two writes."""

    def __init__(self, url: str, account: Doc, database: Database, chance: random.Random) -> None:
        """`url` is where the API is found by clients, and `database` the way past it."""
        self.tally = Tally()
        self._url = url
        self.account = account
        self.database = database
        self._chance = chance

    @asynccontextmanager
    async def chapter(self, writers: int, pause: float) -> AsyncIterator[tuple[httpx2.AsyncClient, Ledger]]:
        """Clients write as long as the block runs; then all that they were told is looked for."""
        ledger = Ledger()
        over = asyncio.Event()
        async with self._logged_in() as http:
            slug = f"chaos-{len(self.tally.heads)}"
            workspace_id, arena = await prepare(http, self._url, slug)
            clients = [Client(http, arena, ledger, self._chance) for _ in range(writers)]
            writing = [asyncio.create_task(one.write_until(over.is_set, pause)) for one in clients]
            try:
                yield http, ledger
                over.set()
                await asyncio.gather(*writing)
            finally:
                for task in writing:
                    task.cancel()
                await asyncio.gather(*writing, return_exceptions=True)
        self.tally.add(workspace_id, ledger, await verify(self.database, workspace_id, ledger))

    @asynccontextmanager
    async def _logged_in(self) -> AsyncIterator[httpx2.AsyncClient]:
        """For a quarter of an hour, which is longer than a chapter."""
        limits = httpx2.Limits(max_connections=None)
        async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, limits=limits) as http:
            answer = await http.post(f"{self._url}/api/v1/auth/login", json=self.account)
            http.headers["Authorization"] = f"Bearer {good(answer)['access_token']}"
            yield http

    async def look_again(self) -> None:
        """In the end, hold all workspaces against their logs once more: nothing may have gone since."""
        reports = {report.workspace_id: report for report in await check_all(self.database)}
        for workspace_id, head in self.tally.heads.items():
            report = reports.get(workspace_id)
            if report is None or not report.good or report.head != head:
                self.tally.violations.append(f"sequence: in the end workspace {workspace_id} is {report}")


@asynccontextmanager
async def chapters(
    service: Service, url: str, database_url: str, chance: random.Random
) -> AsyncIterator[Chapters]:
    """Of an account that is made for it."""
    email, password = await service.add_account()
    settings = Settings(database_url=SecretStr(database_url), database_timeout_seconds=60, _env_file=None)
    database = Database.connect(settings)
    try:
        yield Chapters(url, {"email": email, "password": password}, database, chance)
    finally:
        await database.close()


def spread(seconds: Sequence[float]) -> str:
    """The middle and the longest of some times."""
    if not seconds:
        return "none"
    ordered = sorted(seconds)
    p95 = ordered[math.ceil(0.95 * len(ordered)) - 1]
    return f"p50 {ordered[(len(ordered) - 1) // 2]:.2f} s, p95 {p95:.2f} s, max {ordered[-1]:.2f} s"


def table(rows: Sequence[tuple[str, str]]) -> str:
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])
