"""Looks at every state of the sync protocol's model: `make model`.

Ends with 1 where a property does not hold, or where a bug that was put in on purpose is not found.
"""

import argparse
import sys
from time import monotonic

from model.bugs import Bug
from model.checker import Report, explore
from model.protocol import Sync
from model.seeded import SEEDED
from model.state import State
from model.words import lines
from model.worlds import LARGE, WORLDS, World


def look(world: World) -> Report[State]:
    return explore(Sync(world))


def hold(worlds: tuple[World, ...]) -> bool:
    """Whether all properties hold in all worlds."""
    reports = []
    for world in worlds:
        report = look(world)
        reports.append(report)
        print(
            f"{world.name:24}{report.states:9,} states {report.steps:9,} steps"
            f"  depth {report.depth:2}  {report.seconds:5.1f} s",
            flush=True,
        )
        if report.violation is not None:
            print(*lines(world, report.violation), sep="\n  ")
    states = sum(report.states for report in reports)
    print(f"{states:,} states in {sum(report.seconds for report in reports):.0f} s")
    return all(report.violation is None for report in reports)


def find(bug: Bug, *, trace: bool) -> bool:
    """Whether the bug breaks what it should."""
    world, broken = SEEDED[bug]
    found = look(world.with_bug(bug)).violation
    if found is None or found.property != broken:
        print(f"NOT FOUND: {bug.value}")
    else:
        print(f"found in {len(found.trace):2} steps: {bug.value}")
    if found is not None and trace:
        print(*lines(world, found), sep="\n  ")
    return found is not None and found.property == broken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="only the worlds that tests look at")
    parser.add_argument("--bug", choices=[bug.name.lower() for bug in Bug], help="show how it comes about")
    arguments = parser.parse_args()
    if arguments.bug:
        sys.exit(0 if find(Bug[arguments.bug.upper()], trace=True) else 1)
    begun = monotonic()
    held = hold(WORLDS if arguments.small else WORLDS + LARGE)
    found = [find(bug, trace=False) for bug in Bug]
    print(f"{sum(found)} of {len(found)} bugs found, all in {monotonic() - begun:.0f} s")
    sys.exit(0 if held and all(found) else 1)


if __name__ == "__main__":
    main()
