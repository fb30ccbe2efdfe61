"""The live stream in figures: `make bench-sync`. Prints a table and writes results/sync.md and sync.json."""

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

import uvloop

from app.core.database.embedded import open_embedded
from benchmarks.sync.figures import FIGURES, Figure, Numbers
from benchmarks.sync.launch import raise_limit
from benchmarks.sync.stage import ARCHIVE, Stage, set_up

RESULTS = Path(__file__).parents[1] / "results"
CONDITIONS = (
    "Server processes on one core; on another the database and the load, sent when it is due, whatever "
    "became of the last. Each figure is the median of {rounds} rounds (lowest to highest), of {seconds:g} s "
    "where the length is free; {tasks:,} tasks with real texts, {logins:,} logins. CPU is that of a frame; "
    "of snapshots that of a document, of catch-up of an event from the log, of reconnecting of a client."
)


def measure(stage: Stage, names: list[str], rounds: int, seconds: float) -> dict[str, list[Numbers]]:
    found: dict[str, list[Numbers]] = {}
    for name in names:
        for number in range(1, rounds + 1):
            try:
                numbers = FIGURES[name].measure(stage, seconds)
            except RuntimeError as error:  # the others are worth their time
                print(f"{name}, round {number}: {error}", flush=True)
                continue
            print(f"{name}, round {number}: {_shown(numbers)}", flush=True)
            found.setdefault(name, []).append(numbers)
    return found


def _shown(numbers: Numbers) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in numbers.items())


def table(found: dict[str, list[Numbers]]) -> Iterator[str]:
    yield "| figure | | wanted | median | lowest to highest | | server CPU, us |"
    yield "|---|---|---|---|---|---|---|"
    for name, rounds in found.items():
        yield from _rows(FIGURES[name], rounds)


def _rows(figure: Figure, rounds: list[Numbers]) -> Iterator[str]:
    for want in figure.wants:
        values = [one[want.number] for one in rounds]
        median = statistics.median(values)
        cpu = statistics.median(one["cpu_us"] for one in rounds)
        yield (
            f"| {figure.title} | {want.what} | {'<=' if want.at_most else '>='} {want.bound:,g} {want.unit} "
            f"| {median:,.4g} | {min(values):,.4g} to {max(values):,.4g} "
            f"| {'reached' if want.met(median) else 'missed'} | {cpu:,.0f} |"
        )


def arguments_of(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=", ".join(FIGURES))
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--logins", type=int, default=5_000)
    arguments = parser.parse_args(given)
    unknown = set(arguments.names) - FIGURES.keys()
    if unknown:
        parser.error(f"no such figure: {', '.join(sorted(unknown))}; there are {', '.join(FIGURES)}")
    return arguments


@contextlib.contextmanager
def _on_last_core() -> Iterator[int]:
    """Keep to one core, with all that is started and chooses no other; gives the first one."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield min(before)
    finally:
        os.sched_setaffinity(0, before)


def main(given: list[str] | None = None) -> int:
    arguments = arguments_of(given)
    if not ARCHIVE.exists():
        print(f"skipped: there is no archive at {ARCHIVE} to take titles from")
        return 0
    raise_limit()
    names = arguments.names or list(FIGURES)
    with tempfile.TemporaryDirectory(prefix="pastis-bench-") as name, _on_last_core() as first_core:
        folder = Path(name)
        with (
            open_embedded(folder, cache_gb=1.0) as server,
            asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
        ):
            made = set_up(server.url, folder, core=first_core, tasks=arguments.tasks, logins=arguments.logins)
            found = measure(runner.run(made), names, arguments.rounds, arguments.seconds)
    lines = [CONDITIONS.format(**vars(arguments)), "", *table(found)]
    print("\n" + "\n".join(lines))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "sync.md").write_text("\n".join(lines) + "\n")
    (RESULTS / "sync.json").write_text(json.dumps(vars(arguments) | {"found": found}, indent=2) + "\n")
    return 0 if found.keys() == set(names) else 1


if __name__ == "__main__":
    raise SystemExit(main())
