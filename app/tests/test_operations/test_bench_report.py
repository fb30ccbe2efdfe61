"""The report still runs: `make bench-report` in short; its page says what was measured."""

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from app.tests.support.archives import FULL
from benchmarks.report import page, redmine, run
from benchmarks.report.figures import Figures, Want
from benchmarks.report.measures import Row, Served
from benchmarks.report.operations import CREATE, FOUR, LIST, ONE, PATCH
from benchmarks.report.servers import BARE, NAIVE, PASTIS, PLAIN

CHARTS = ("throughput.svg", "latency.svg", "growth.svg")


def row(what: str, operation: str, rate: float, number: int = 0, tasks: int = 200) -> Row:
    return Row(what, operation, 16, tasks, number, rate, 1.5, 12.5, 0.1, 0.2, 110.0, 100.0)


@pytest.mark.timeout(300)  # a dozen servers start, on a machine that others may use
@pytest.mark.skipif(sys.platform != "linux", reason="it pins processes to cores")
@pytest.mark.skipif(not FULL.exists(), reason="the archive of issues is not here")
def test_a_short_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(run, "CONNECTIONS", (16,))
    monkeypatch.setattr(run, "STARTS", 1)
    short = ["--tasks", "200", "--sizes", "200", "--rounds", "2", "--seconds", "0.1", "--no-redmine"]
    run.main([*short, "--output", str(tmp_path)])
    found = json.loads((tmp_path / "results" / "report.json").read_text())
    assert found["failed"] == []
    measured = {(one["what"], one["operation"]) for one in found["rows"]}
    assert measured >= {(PASTIS, one) for one in FOUR} | {(NAIVE, one) for one in FOUR} | {(PLAIN, PATCH)}
    assert all(one["rate"] > 0 for one in found["rows"])
    text = (tmp_path / "benchmarks.md").read_text()
    assert "| one task, of bare ASGI | >= 0.15 |" in text
    for name in CHARTS:
        assert f"(benchmarks/{name})" in text
        assert (tmp_path / "benchmarks" / name).read_text().startswith("<svg")


def test_without_the_archive_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "ARCHIVE", tmp_path / "none.gz")
    run.main(["--output", str(tmp_path)])
    assert capsys.readouterr().out.startswith("skipped: there is no archive at ")
    assert not list(tmp_path.iterdir())


def test_without_redmine_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redmine, "INSTALLED", tmp_path / "none")
    said: list[str] = []
    with redmine.serving(10, said.append) as served:
        assert served is None
    assert said == ["without Redmine: Redmine is not installed"]


def test_ratios_are_taken_inside_each_round() -> None:
    rows = [row(PASTIS, ONE, 50), row(BARE, ONE, 100), row(PASTIS, ONE, 300, 1), row(BARE, ONE, 400, 1)]
    figures = Figures([*rows, row(PASTIS, ONE, 9, tasks=400)])
    assert figures.ratios(Want(ONE, BARE, 0.6), 200) == [0.5, 0.75]
    assert figures.ratio(ONE, BARE, 200) == 0.625
    assert figures.ratio(ONE, NAIVE, 200) is None
    assert figures.median("rate", PASTIS, ONE, 200) == 175
    assert figures.sizes() == [200, 400]


def test_the_yardsticks_have_one_operation() -> None:
    figures = Figures(
        [row(PASTIS, CREATE, 30), row(PASTIS, LIST, 5), row(PLAIN, PATCH, 20), row(BARE, ONE, 100)]
    )
    assert figures.ratio(CREATE, PLAIN, 200) == 1.5
    assert figures.ratio(LIST, BARE, 200) == 0.05


@pytest.fixture
def written(tmp_path: Path) -> Callable[[list[Row]], str]:
    def write(rows: list[Row]) -> str:
        rest = {"start_seconds": 2.0, "rss_mb": 120.0, "pss_mb": 149.0}
        found = {"machine": {"Cores": "2"}, "tasks": 200, "rounds": 1, "seconds": 1, "rest": rest}
        page.write({**found, "failed": ["naive, create"], "rows": [vars(one) for one in rows]}, tmp_path)
        return (tmp_path / "benchmarks.md").read_text()

    return write


def test_the_page_tells_what_was_missed_and_what_was_not_measured(
    written: Callable[[list[Row]], str],
) -> None:
    text = written([row(PASTIS, ONE, 14), row(BARE, ONE, 100), row(PASTIS, LIST, 6)])
    assert "| one task, of bare ASGI | >= 0.15 | 0.14 | 0.14 to 0.14 | missed |" in text
    assert "| list of 50, of bare ASGI | >= 0.055 | 0.06 | 0.06 to 0.06 | reached |" in text
    assert "| create, of Redmine | >= 20 | not measured |  |  |" in text
    assert "| memory at rest | < 150 MB | 149 MB |  | reached |" in text
    assert "\n## What failed\n\n- naive, create\n" in text


def test_charts_fetch_nothing_and_stay_as_they_are(
    tmp_path: Path, written: Callable[[list[Row]], str]
) -> None:
    rows = [row(PASTIS, one, 10) for one in FOUR]
    written(rows)
    first = {name: (tmp_path / "benchmarks" / name).read_text() for name in CHARTS}
    written(rows)
    for name, text in first.items():
        assert (tmp_path / "benchmarks" / name).read_text() == text
        assert "<script" not in text
        assert "href=" not in text.replace("http://www.w3.org/1999/xlink", "")


def test_what_fails_is_told_and_the_rest_goes_on() -> None:
    class Failing:
        tasks = 200

        async def measure(self, served: Served, operation: str, connections: int) -> Row:
            if operation == CREATE:
                raise RuntimeError("3 requests failed, the first: HTTP/1.1 500\r\n\r\n")
            return row(served.what, operation, 10)

    served = Served(NAIVE, [], [], dict.fromkeys(FOUR, bytes))
    found = run.Run(1, 1, 200)
    asyncio.run(found.ask(Failing(), nullcontext(served), FOUR, (16, 64)))  # type: ignore[arg-type]
    assert [one.operation for one in found.rows] == [ONE, ONE, LIST, LIST, PATCH]
    assert found.failed == [
        "naive, create, 16 connections, 200 tasks: 3 requests failed, the first: HTTP/1.1 500"
    ]
