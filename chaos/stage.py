"""An installation to be hurt: an API, its database, and the network between the database's members."""

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from chaos.ledger import Ledger
from chaos.network import Network
from chaos.replica_set import ReplicaSet
from chaos.service import Service

_DATABASE_SECONDS = 5.0
_PATIENCE_SECONDS = 60.0
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Site:
    database: ReplicaSet
    network: Network
    service: Service


@asynccontextmanager
async def stage(
    folder: Path,
    chance: random.Random,
    *,
    members: int = 1,
    disk: Path | None = None,
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[Site]:
    """In an empty folder, or with the database on another disk. Ends all that it started."""
    database = ReplicaSet(disk or folder, members)
    network = Network(database, chance)
    try:
        await network.open()
        service = Service(folder, _DATABASE_SECONDS, database.url, settings)
        try:
            await database.start()
            await service.start()
            yield Site(database, network, service)
        finally:
            service.kill()
    finally:
        database.end()
        await network.close()


async def accepted(ledger: Ledger, since: float) -> float:
    """Wait for a write that was accepted after that, and give how long after; raises TimeoutError."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            if ledger.acknowledged and ledger.acknowledged[-1].at > since:
                return min(one.at for one in ledger.acknowledged if one.at > since) - since
            await asyncio.sleep(_LOOK_SECONDS)
