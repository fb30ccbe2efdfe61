"""Releases follow each other under load, and nobody notices: `python -m chaos.rolling --rounds 10`."""

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from chaos.arena import Arena, prepare
from chaos.environment import Environment, lacking
from chaos.patrons import Listener, Requester, Seen, SlowUpload
from chaos.replica_set import ReplicaSet
from chaos.service import Service

_SHOWN = 20
_PATIENCE_SECONDS = 30.0
_LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Plan:
    rounds: int = 10
    """Of each: a new release, a bad one, and a rollback."""
    clients: int = 16
    streams: int = 100
    processes: int = 2
    pause: float = 0.05
    """Seconds between a client's task and its next one."""


@dataclass
class Played:
    seen: Seen = field(default_factory=Seen)
    switches: int = 0
    uploads: list[str] = field(default_factory=list)
    seconds: float = 0.0
    violations: list[str] = field(default_factory=list)


async def play(plan: Plan, folder: Path) -> Played:
    """In an empty folder. Ends all that it started, also where it fails."""
    played = Played()
    database = ReplicaSet(folder / "database", members=1)
    try:
        await database.start()
        environment = Environment(folder / "home", database.url, plan.processes)
        environment.folder.mkdir()
        try:
            environment.start()
            code, said = await environment.run("deploy", environment.add_release("r0"))
            if code:
                raise RuntimeError(f"the first release was not deployed: {said}")
            arena = await _arena(environment, folder, database.url)
            await _disturb(plan, environment, arena, played)
            played.violations.extend([*played.seen.failures, *played.seen.flaws])
            if played.seen.failures:
                played.violations.extend(environment.complaints())
        finally:
            environment.end()
    finally:
        database.end()
    return played


async def _arena(environment: Environment, folder: Path, database_url: str) -> Arena:
    """A workspace, made past the proxy, whose certificate not every client has a mind for."""
    service = Service(folder, 5.0, database_url)
    service.url = f"http://127.0.0.1:{environment.blue[0]}"
    return await prepare([service])


async def _disturb(plan: Plan, environment: Environment, arena: Arena, played: Played) -> None:
    """Let releases come and go while clients work, and look whether the streams have told everything."""
    base, token, trust = f"{environment.url}{arena.path}", arena.tokens[0], environment.trust
    listeners = [Listener(base, token, trust, played.seen) for _ in range(plan.streams)]
    for listener in listeners:
        await listener.begin()
    over = asyncio.Event()
    tasks = [asyncio.create_task(listener.listen()) for listener in listeners]
    working = [
        asyncio.create_task(Requester(base, token, trust, played.seen).work_until(over.is_set, plan.pause))
        for _ in range(plan.clients)
    ]
    begun = monotonic()
    try:
        for number in range(1, plan.rounds + 1):
            upload = SlowUpload(environment.port, arena.path, token, trust)
            await _round(number, environment, upload, played)
        # A stream that follows again shows that at the next change only.
        await _until(lambda: played.seen.resumed >= played.switches * plan.streams)
        over.set()
        await asyncio.gather(*working)
        played.seconds = monotonic() - begun
        await _hold(listeners, played)
    finally:
        for task in (*tasks, *working):
            task.cancel()
        ends = await asyncio.gather(*tasks, *working, return_exceptions=True)
        played.violations.extend(repr(end) for end in ends if isinstance(end, Exception))
        await asyncio.gather(*(listener.close() for listener in listeners))


async def _round(number: int, environment: Environment, upload: SlowUpload, played: Played) -> None:
    release = environment.add_release(f"r{number}")
    await upload.begin()
    await _expect(played, environment, 0, "deploy", release)
    played.uploads.append(await upload.finish())
    bad = environment.add_release(f"bad{number}", good=False)
    said = await _expect(played, environment, 1, "deploy", bad, DEPLOY_READY_SECONDS="2")
    if "Rolled back" not in said or "This release is bad." not in said:
        played.violations.append(f"a bad release was not told of: {said}")
    await _expect(played, environment, 0, "rollback")
    played.switches += 2


async def _expect(
    played: Played, environment: Environment, code: int, *command: str, **variables: str
) -> str:
    found, said = await environment.run(*command, **variables)
    if found != code:
        played.violations.append(f"{' '.join(command)} ended with {found}: {said}")
    return said


async def _hold(listeners: Sequence[Listener], played: Played) -> None:
    """Each stream must have told of each task that was made, once."""
    refused = [upload for upload in played.uploads if " 201 " not in upload]
    played.violations.extend(f"a slow upload: {upload}" for upload in refused)
    made = len(played.seen.created) + len(played.uploads) - len(refused)
    await _until(lambda: all(len(one.created) >= made for one in listeners))
    if played.seen.resumed != played.seen.ended:
        played.violations.append(f"of {played.seen.ended} ends, {played.seen.resumed} were followed by more")
    for listener in listeners:
        missed = played.seen.created - set(listener.created)
        doubled = len(listener.created) - len(set(listener.created))
        if missed or doubled or len(listener.created) != made:
            played.violations.append(f"a stream missed {len(missed)} tasks and told {doubled} twice")


async def _until(is_so: Callable[[], bool]) -> None:
    """Or until patience ends."""
    deadline = monotonic() + _PATIENCE_SECONDS
    while monotonic() < deadline and not is_so():  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_SECONDS)


def summary(plan: Plan, played: Played) -> str:
    seen = played.seen
    lines = [
        f"Switches: {played.switches}, bad releases: {plan.rounds}, in {played.seconds:.0f} s",
        f"Requests: {seen.requests}, failed: {len(seen.failures)}",
        f"Uploads that outlasted their generation: {len(played.uploads)}",
        f"Streams: {plan.streams}, ended {seen.ended} times, resumed {seen.resumed} times",
        f"Violations: {len(played.violations)}",
    ]
    return "\n".join([*lines, *played.violations[:_SHOWN]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--pause", type=float, default=0.05)
    plan = Plan(**vars(parser.parse_args()))
    if missing := lacking():
        sys.exit(f"Install first: {', '.join(missing)}")
    folder = Path(tempfile.mkdtemp(prefix="pastis-rolling-"))
    try:
        played = asyncio.run(play(plan, folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(summary(plan, played))
    sys.exit(bool(played.violations))


if __name__ == "__main__":
    main()
