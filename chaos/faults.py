"""What is done to servers, network and clocks while clients follow, each put right again by itself."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from chaos.proxy import Proxy
from chaos.replica_set import ReplicaSet
from chaos.service import Service


@dataclass
class Site:
    """All that can be hurt. `chance` draws the schedule, so that a seed makes one run like another."""

    database: ReplicaSet
    services: Sequence[Service]
    proxy: Proxy
    chance: random.Random
    done: "Counter[str]" = field(default_factory=Counter)

    async def away(self) -> None:
        """How long something is gone, or stands still."""
        await asyncio.sleep(self.chance.uniform(1.0, 6.0))


async def kill_api(site: Site) -> None:
    service = site.chance.choice(site.services)
    service.kill()
    await site.away()
    await service.start()


async def stop_api(site: Site) -> None:
    service = site.chance.choice(site.services)
    service.pause()
    try:
        await site.away()
    finally:
        service.go_on()


async def kill_primary(site: Site) -> None:
    member = await site.database.primary()
    await asyncio.to_thread(member.kill)
    await site.away()
    member.start()
    await site.database.primary()


async def stop_primary(site: Site) -> None:
    """Others elect a new one; the old one wakes up and believes that it still is."""
    member = await site.database.primary()
    member.stop()
    try:
        await site.away()
        await site.away()
    finally:
        member.go_on()
    await site.database.primary()


async def kill_secondary(site: Site) -> None:
    member = await site.database.secondary()
    await asyncio.to_thread(member.kill)
    await site.away()
    member.start()


async def cut(site: Site) -> None:
    site.proxy.cut(site.chance.choice([0.2, 0.5, 1.0]))


async def stall(site: Site) -> None:
    site.proxy.stall()
    try:
        await site.away()
    finally:
        site.proxy.flow()


async def slow(site: Site) -> None:
    site.proxy.delay = 0.05
    try:
        await site.away()
    finally:
        site.proxy.delay = 0.0


async def step_clock(site: Site) -> None:
    """As NTP steps one that was wrong. Hours end no login and no token; days would, and rightly."""
    service = site.chance.choice(site.services)
    far = site.chance.choice([90, 3 * 3600])
    service.turn_clock(site.chance.randint(-far, far))
    try:
        await site.away()
    finally:
        service.turn_clock(0)


Fault = Callable[[Site], Awaitable[None]]
OF_PROCESSES: Mapping[str, Fault] = {
    "API killed": kill_api,
    "API stopped (SIGSTOP)": stop_api,
    "primary killed": kill_primary,
    "primary stopped (SIGSTOP)": stop_primary,
    "secondary killed": kill_secondary,
}
OF_NETWORK: Mapping[str, Fault] = {
    "connections cut": cut,
    "network stalled": stall,
    "network slow": slow,
}
OF_CLOCKS: Mapping[str, Fault] = {"clock stepped": step_clock}
FAULTS = {**OF_PROCESSES, **OF_NETWORK, **OF_CLOCKS}


async def strike(site: Site, name: str) -> None:
    site.done[name] += 1
    await FAULTS[name](site)


async def strike_in_turn(site: Site, names: Sequence[str], seconds: float) -> None:
    """Each once, in this order, with the same time to each."""
    for name in names:
        await asyncio.sleep(seconds / len(names) / 2)
        await strike(site, name)


async def strike_at_random(site: Site, seconds: float) -> None:
    """Processes, network and clocks, each with one fault at a time, until the time is up."""
    end = asyncio.get_running_loop().time() + seconds

    async def go_on(names: Sequence[str]) -> None:
        while asyncio.get_running_loop().time() < end:
            await asyncio.sleep(site.chance.uniform(1.0, 6.0))
            await strike(site, site.chance.choice(names))

    await asyncio.gather(*(go_on(list(faults)) for faults in (OF_PROCESSES, OF_NETWORK, OF_CLOCKS)))
