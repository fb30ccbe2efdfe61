"""What a pytest process does with guards: find the tests that come to each, or judge each by such tests.

The application of the tests is started once; a guard is deleted in it, tests are run until one fails, and the
guard is put back. So a guard costs what its tests cost. A test that failed is run again with the guard in its
place: where it still fails, the process is given up, and the guard is judged again by a new one.
"""

import json
import os
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest

from mutation import code, declarations
from mutation.guards import Guard, guards

SPOILT = 75
"""The exit status of a process that tests do not pass in any more."""
PLAN = "MUTATION_PLAN"
MOST, MOST_OF_QUERIES = 50, 200
"""Tests that are tried on a guard before it is said to survive."""

declarations.watch()


class Plan:
    def __init__(self, path: Path) -> None:
        found = json.loads(path.read_text())
        by_key = {guard.key: guard for guard in guards()}
        self.guards = [by_key[key] for key in found["guards"]]
        self.tests: dict[str, list[str]] | None = found["tests"]
        """Those that may notice, by guard; None to find them."""
        self.share, self.shares = found["share"], found["shares"]
        self.out = Path(found["out"])


class Watcher:
    """Runs all tests of its share with probes in the guards."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._test = ""
        self._took: dict[str, float] = {}
        self._failed: set[str] = set()
        self._came: dict[int, dict[str, bool]] = defaultdict(dict)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [one for place, one in enumerate(items) if place % self._plan.shares == self._plan.share]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Iterator[None]:
        by_path: dict[str, dict[int, Guard]] = defaultdict(dict)
        for number, guard in enumerate(self._plan.guards):
            if guard.kind != "route":
                by_path[guard.path][number] = guard
        with ExitStack() as probes:
            for path, numbered in by_path.items():
                probes.enter_context(code.probed(path, numbered, self._probe))
            yield
        ends = [one.nodeid for one in session.items]
        self._write(ends)

    def _probe(self, number: int, value: Any) -> Any:
        came = self._came[number]
        refuses = bool(value) and self._plan.guards[number].kind != "query"
        came[self._test] = came.get(self._test, False) or refuses
        return value

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._test, began = item.nodeid, time.monotonic()
        yield
        self._took[item.nodeid] = time.monotonic() - began

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed.add(report.nodeid)

    def _write(self, tests: list[str]) -> None:
        found = {
            guard.key: {
                test: [refuses, self._took.get(test, 0.0)]
                for test, refuses in self._came[number].items()
                if test not in self._failed
            }
            for number, guard in enumerate(self._plan.guards)
        }
        self._plan.out.write_text(json.dumps({"tests": tests, "failed": sorted(self._failed), "came": found}))


class Judge:
    """Deletes guards one after the other."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._failed = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._failed = self._failed or report.failed

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {one.nodeid: one for one in session.items}
        self._warm_up(session)
        with self._plan.out.open("a") as out:
            for guard in self._plan.guards:
                began = time.monotonic()
                tests = self._tests(guard, items)
                killer = self._judge(guard, tests, session)
                spoilt = killer is not None and self._fails(killer, session)
                took = time.monotonic() - began
                line = {
                    "key": guard.key,
                    "killer": killer and killer.nodeid,
                    "tried": len(tests),
                    "took": took,
                }
                out.write(json.dumps({**line, "spoilt": spoilt}) + "\n")
                out.flush()
                if spoilt:
                    pytest.exit("a guard has spoilt this process", SPOILT)
        return True

    def _tests(self, guard: Guard, items: dict[str, pytest.Item]) -> list[pytest.Item]:
        """The most promising ones."""
        tests = [items[one] for one in self._named(guard, list(items)) if one in items]
        query = guard.kind == "query"
        if query:  # whatever comes to it comes to each of its conditions
            hints = {"clock"} if "expires" in guard.text else {"neighbour", "other_world", "other_workspace"}
        elif guard.kind == "call" and "forget_" in guard.text:
            hints = {"gate", "long_memory"}  # elsewhere the doorbell does it, or a second that has passed
        else:
            return tests[:MOST]

        def rank(test: pytest.Item) -> bool:
            hinted = hints.intersection(getattr(test, "fixturenames", ()))
            return not hinted and not (query and f"/{Path(guard.path).parent.name}/" in test.nodeid)

        return sorted(tests, key=rank)[: MOST_OF_QUERIES if query else MOST]

    def _named(self, guard: Guard, known: list[str]) -> list[str]:
        assert self._plan.tests is not None
        tests = self._plan.tests.get(guard.key)
        if tests is not None or guard.kind != "route":
            return tests or []
        named = declarations.routes(guard) or ["fast_lane"]
        about = [
            test for test in known for name in named if f"[{name}]" in test or f"/test_{name}.py" in test
        ]
        return sorted(about, key=lambda test: ("test_permissions" not in test, "test_step_up" not in test))

    def _warm_up(self, session: pytest.Session) -> None:
        """Have what all tests share made with every guard in its place."""
        sharing = [one for one in session.items if "workspace" in getattr(one, "fixturenames", ())]
        for first in (sharing or session.items)[:1]:
            if self._fails(first, session):
                pytest.exit(f"{first.nodeid} fails with every guard in its place", 1)

    def _judge(self, guard: Guard, tests: list[pytest.Item], session: pytest.Session) -> pytest.Item | None:
        with _without(guard):
            return next((test for test in tests if self._fails(test, session)), None)

    def _fails(self, test: pytest.Item, session: pytest.Session) -> bool:
        self._failed = False
        # What the session's tests share stays, and nothing else, whichever test is next.
        test.config.hook.pytest_runtest_protocol(item=test, nextitem=session)
        self._plan.out.touch()  # a sign of life
        return self._failed


def _without(guard: Guard) -> AbstractContextManager[None]:
    return declarations.without(guard) if guard.kind == "route" else code.without(guard)


def pytest_configure(config: pytest.Config) -> None:
    plan = Plan(Path(os.environ[PLAN]))
    config.pluginmanager.register(Watcher(plan) if plan.tests is None else Judge(plan), "guards")
