"""The benchmark of the live stream still runs: `make bench-sync` in short."""

import json
import sys
from pathlib import Path

import pytest

from app.tests.support.archives import FULL
from benchmarks.sync import run
from benchmarks.sync.figures import FIGURES, Want
from benchmarks.sync.wire import TOLD


@pytest.mark.skipif(sys.platform != "linux", reason="it pins processes to cores")
@pytest.mark.skipif(not FULL.exists(), reason="the archive of issues is not here")
def test_a_short_round_of_two_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "RESULTS", tmp_path)
    command = ["latency", "catch-up", "--seconds", "1", "--rounds", "1", "--tasks", "200", "--logins", "8"]
    assert run.main(command) == 0, capsys.readouterr().out
    found = json.loads((tmp_path / "sync.json").read_text())["found"]
    assert found["latency"][0]["receipts"] == 200 * 20
    assert found["catch-up"][0]["log_ms"] > 0
    assert "| catch-up of 10,000 events | from the log | <= 250 ms |" in (tmp_path / "sync.md").read_text()


def test_without_the_archive_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "ARCHIVE", tmp_path / "none.gz")
    assert run.main(["latency"]) == 0
    assert capsys.readouterr().out.startswith("skipped: there is no archive at ")


def test_a_figure_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run.arguments_of(["warp"])
    assert f"no such figure: warp; there are {', '.join(FIGURES)}" in capsys.readouterr().err


def test_bounds_hold_on_their_side() -> None:
    assert [Want("n", "", 5, "").met(value) for value in (4, 5, 6)] == [True, True, False]
    assert [Want("n", "", 5, "", at_most=False).met(value) for value in (4, 5, 6)] == [False, True, True]


def test_frames_are_found_and_documents_are_not() -> None:
    frame = rb'data: {"epoch":"e","from":41,"to":42,"cursor":"e.42.d","ops":[{"set":{"title":"%b"}}]}'
    lookalike = rb"\"from\":1,\"to\":2,\"cursor\":\"x\""
    assert [found.groups() for found in TOLD.finditer(frame.replace(b"%b", lookalike))] == [
        (b"41", b"42", b"e.42.d")
    ]
