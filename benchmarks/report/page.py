"""The page of the report: tables of what was measured, and what was wanted."""

import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.report import charts
from benchmarks.report.driver import DRIVER
from benchmarks.report.figures import BESIDE, MEMORY_MB, WANTS, Figures, Want
from benchmarks.report.measures import Row
from benchmarks.report.operations import FILTER, FOUR, SEARCH
from benchmarks.report.redmine import REDMINE
from benchmarks.report.servers import BARE, NAIVE, PASTIS, PASTIS_TWO, PLAIN

DOCS = Path(__file__).parents[2] / "docs"
RESULTS = Path(__file__).parents[1] / "results"
NOTHING = "-"
INTRODUCTION = """# Benchmarks

Pastis beside others, in one run on one machine: written by `make bench-report`, which measures all of it
anew. Absolute figures say little. **Ratios are taken inside each round**, in which all servers are asked one
after the other; what stands here is the median. How to read it, and what costs what, stands in the
[guide for contributors](guides/contributors.md#beside-the-others).

Everything goes over HTTP to a real mongod with real texts. The server's process has one core; the load has
another, with the second of two processes. Requests carry the token of a login, and sessions, rights, limits,
log lines and metrics are on. Each connection sends its next request when it has the answer. Whoever creates
or changes tasks does so in one project.
"""
PARTS = f"""
- *{BARE}*: a function that answers 1 KB, under the same server.
- *{PLAIN}*: one majority update of one task by its id before that, without an event, a number or a right.
- *{DRIVER}*: the same query in one process without HTTP. Its transactions move a counter, write a task and
  an event, and take turns.
- *{NAIVE}*: FastAPI, ODMantic over Motor, a response model, a counter in the transaction; no logins
  (`benchmarks/naive.py`).
- *{REDMINE}*: Debian's package with PostgreSQL and puma, one process with 16 threads, as many issues with
  the same texts.
"""


def write(found: dict[str, Any], folder: Path) -> None:
    """`benchmarks.md`, and its charts beside it."""
    figures, tasks = Figures([Row(**row) for row in found["rows"]]), found["tasks"]
    charts.write(figures, tasks, folder / "benchmarks")
    (folder / "benchmarks.md").write_text("\n".join(_page(found, figures, tasks)))


def _page(found: dict[str, Any], figures: Figures, tasks: int) -> Iterator[str]:
    yield INTRODUCTION
    yield from _table(("", ""), [(name, text) for name, text in found["machine"].items()])
    yield f"\n{found['rounds']} rounds, {found['seconds']:g} s a figure, {tasks:,} tasks in 50 projects."
    yield "\n## What was wanted\n"
    yield from _table(("", "wanted", "median", "lowest to highest", ""), list(_wants(found, figures, tasks)))
    yield "\n## Throughput\n\n![Requests a second](benchmarks/throughput.svg)\n"
    yield f"With 16 connections, and how many times what it is beside:\n{PARTS}"
    yield from _table(("", "requests/s", *(f"of {name}" for name in BESIDE)), _beside(figures, tasks))
    yield "\n## Latency\n\n![Time until the answer](benchmarks/latency.svg)\n"
    yield "Requests a second, and p50 and p99 in ms:\n"
    yield from _table(("", "", "1 connection", "16", "64"), list(_latency(figures, tasks)))
    yield "\n## Cost\n\nCPU of a request in ms, of the API's process and of mongod, with 16 connections:\n"
    yield from _table(("", *FOUR), [_cost(figures, what, tasks) for what in (PASTIS, NAIVE, REDMINE)])
    yield f"\nOf {REDMINE}, what its own database takes is not counted.\n\n## Memory and start\n"
    yield from _table(("", ""), _memory(found["rest"], figures))
    yield "\n## Growth\n\n![Median time by the number of tasks](benchmarks/growth.svg)\n"
    yield "With 16 connections: requests/s (p50, p99 in ms); how many times the driver, the naive way:\n"
    sizes = figures.sizes()
    yield from _table(("", *(f"{size:,} tasks" for size in sizes)), list(_growth(figures, sizes)))
    if found["failed"]:
        yield "\n## What failed\n"
        yield from (f"- {one}" for one in found["failed"])
    yield ""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _wants(found: dict[str, Any], figures: Figures, tasks: int) -> Iterator[Sequence[str]]:
    for want in WANTS:
        yield _want(want, figures.ratios(want, tasks))
    memory = found["rest"]["pss_mb"]
    met = "reached" if memory < MEMORY_MB else "missed"
    yield ("memory at rest", f"< {MEMORY_MB} MB", f"{memory:.0f} MB", "", met)


def _want(want: Want, found: Sequence[float]) -> Sequence[str]:
    name, wanted = f"{want.operation}, of {want.beside}", f">= {want.bound:g}"
    if not found:
        return (name, wanted, "not measured", "", "")
    median = statistics.median(found)
    met = "reached" if median >= want.bound else "missed"
    return (name, wanted, _short(median), f"{_short(min(found))} to {_short(max(found))}", met)


def _beside(figures: Figures, tasks: int) -> Sequence[Sequence[str]]:
    rows = []
    for what in (PASTIS, PASTIS_TWO):
        for one in FOUR:
            rate = figures.median("rate", what, one, tasks)
            ratios = [figures.ratio(one, other, tasks, what) for other in BESIDE]
            rows.append((f"{what}: {one}", _whole(rate), *(_short(ratio) for ratio in ratios)))
    return rows


def _latency(figures: Figures, tasks: int) -> Iterator[Sequence[str]]:
    for one in FOUR:
        for what in (PASTIS, PASTIS_TWO, NAIVE, PLAIN, BARE, REDMINE):
            cells = [_timed(figures, what, one, tasks, connections) for connections in (1, 16, 64)]
            if any(cell != NOTHING for cell in cells):
                yield (one, what, *cells)


def _timed(figures: Figures, what: str, operation: str, tasks: int, connections: int) -> str:
    rate, p50, p99 = (
        figures.median(number, what, operation, tasks, connections) for number in ("rate", "p50_ms", "p99_ms")
    )
    return NOTHING if rate is None else f"{_whole(rate)} ({_short(p50)}, {_short(p99)})"


def _cost(figures: Figures, what: str, tasks: int) -> Sequence[str]:
    numbers = ("cpu_ms", "database_cpu_ms")
    cells = [[_short(figures.median(number, what, one, tasks)) for number in numbers] for one in FOUR]
    return (what, *(api if what == REDMINE else f"{api} + {database}" for api, database in cells))


def _memory(rest: dict[str, float], figures: Figures) -> list[Sequence[str]]:
    return [
        ("from the start until it is ready", f"{rest['start_seconds']:.1f} s"),
        ("at rest, resident", f"{rest['rss_mb']:.0f} MB"),
        ("at rest, without what others share (PSS)", f"{rest['pss_mb']:.0f} MB"),
        ("under load, at most (PSS)", f"{figures.most('pss_mb', PASTIS):.0f} MB"),
        ("two processes under load, each, at most (PSS)", f"{figures.most('pss_mb', PASTIS_TWO):.0f} MB"),
        ("the naive way under load, at most (PSS)", f"{figures.most('pss_mb', NAIVE):.0f} MB"),
        (f"{REDMINE} under load, at most (PSS)", f"{figures.most('pss_mb', REDMINE):.0f} MB"),
    ]


def _growth(figures: Figures, sizes: Sequence[int]) -> Iterator[Sequence[str]]:
    for one in (*FOUR, SEARCH, FILTER):
        yield (one, *(_grown(figures, one, size) for size in sizes))


def _grown(figures: Figures, operation: str, tasks: int) -> str:
    ratios = [_short(figures.ratio(operation, other, tasks)) for other in (DRIVER, NAIVE)]
    return f"{_timed(figures, PASTIS, operation, tasks, 16)}; {ratios[0]}, {ratios[1]}"


def _whole(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.0f}"


def _short(value: float | None) -> str:
    """Three digits that count."""
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
