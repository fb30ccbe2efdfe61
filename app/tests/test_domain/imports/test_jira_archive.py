"""Reading archives: what is an issue, what is a bad line, what is no archive."""

import contextlib
import io
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.imports import jira_archive
from app.services.imports.jira_archive import Archive, ArchiveError, Line, read_line
from app.tests.support.archives import EXCERPT, issue, lines, packed


def read(data: bytes, count: int = 3, limit: int | None = None) -> list[Line]:
    return [line for batch in Archive(io.BytesIO(data), limit).batches(count) for line in batch]


def problem(raw: Any) -> tuple[str, str]:
    line = read_line(1, raw if isinstance(raw, bytes) or raw is None else orjson.dumps(raw))
    assert line.problem is not None
    assert line.issue is None
    return line.problem.code, line.problem.detail


def test_real_issues_are_read_plain_and_packed_and_again() -> None:
    data = EXCERPT.read_bytes()
    archive = Archive(io.BytesIO(packed(data)))
    archive.check()
    for _ in range(2):
        batches = list(archive.batches(10))
        assert [len(batch) for batch in batches] == [10, 10, 10, 10, 2]
        assert all(line.issue for batch in batches for line in batch)
    assert read(data) == [line for batch in batches for line in batch]
    archive.close()


def test_lines_are_numbered_as_an_editor_does() -> None:
    data = b"\xef\xbb\xbf" + lines(issue("A1-1"), b"", b"   ", issue("A1-2"), b"{", issue("A1-3")).rstrip()
    assert [(line.number, line.problem is None) for line in read(data)] == [
        (1, True),
        (4, True),
        (5, False),
        (6, True),
    ]


def test_long_lines_are_passed_over_without_being_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jira_archive, "MAX_LINE", 300)
    long = issue("A1-2", description="x" * 200_000)
    found = read(lines(issue("A1-1"), long, issue("A1-3"), long).rstrip())
    assert [line.problem and line.problem.code for line in found] == [
        None,
        "line_too_long",
        None,
        "line_too_long",
    ]


def test_batches_are_bounded_in_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jira_archive, "BATCH_BYTES", 100)
    batches = list(Archive(io.BytesIO(lines(*(issue(f"A1-{n}") for n in range(1, 4))))).batches(100))
    assert [len(batch) for batch in batches] == [1, 1, 1]


@pytest.mark.parametrize(
    ("raw", "code", "detail"),
    [
        (None, "line_too_long", "longer than"),
        (b"{", "not_json", "not JSON"),
        (b'"\\ud800"', "not_json", "not JSON"),
        (b"\xff", "not_json", "not JSON"),
        (b"[1]", "not_json", "not a JSON object"),
        ({}, "invalid", "key: Field required; project: Field required; created: Field required"),
        (issue("A1-1") | {"key": 7}, "invalid", "key: "),
        (issue("A1-1") | {"key": "a1-1"}, "invalid", "key: "),
        (issue("A1-1") | {"key": "A1-01"}, "invalid", "key: "),
        (issue("A1-1") | {"key": "B1-1"}, "invalid", "the key does not begin with the project's"),
        (issue("A1-1", project={"key": "A_1"}), "invalid", "project.key: "),
        (issue("A1-1", created="yesterday"), "invalid", "created: not a date and time with an offset"),
        (issue("A1-1", created="2011-05-03T10:00:00"), "invalid", "with an offset"),
        (issue("A1-1", created=1304431200), "invalid", "with an offset"),
        (issue("A1-1", created="9999-12-31T23:59:59-0400"), "invalid", "with an offset"),
        (issue("A1-1", created="1969-12-31T23:59:59+0000"), "invalid", "before 1970"),
        (issue("A1-1", updated="never"), "invalid", "updated: "),
        (issue("A1-1", comments=[{"body": "x"}]), "invalid", "comments.0.created: Field required"),
        (issue("A1-1", components=["a", 7]), "invalid", "components.1: "),
        (issue("A1-1", issueLinks=[{"type": "x"}]), "invalid", "issueLinks.0.key: "),
    ],
)
def test_bad_lines_say_what_is_wrong(raw: Any, code: str, detail: str) -> None:
    found = problem(raw)
    assert found[0] == code
    assert detail in found[1]


def test_what_is_wrong_names_the_issue_and_repeats_nothing_of_it() -> None:
    line = read_line(9, orjson.dumps(issue("A1-7", created="hunter2", summary=["hunter2"])))
    assert line.problem is not None
    assert (line.problem.line, line.problem.key) == (9, "A1-7")
    assert "hunter2" not in line.problem.detail


def test_an_issue_may_have_almost_nothing() -> None:
    names = (
        "type summary description status resolution priority assignee reporter updated components versions"
    )
    more = "fixVersions environment issueLinks attachments comments parent"
    nulls = dict.fromkeys([*names.split(), *more.split()])
    found = read_line(1, orjson.dumps(issue("A1-1") | nulls)).issue
    assert found is not None
    assert (found.components, found.comments, found.updated, found.number) == ([], [], None, 1)


def test_times_are_utc_in_whole_milliseconds() -> None:
    found = read_line(1, orjson.dumps(issue("A1-1", created="2018-04-30T13:22:33.9039-0400"))).issue
    assert found is not None
    assert found.created.isoformat() == "2018-04-30T17:22:33.903000+00:00"


def test_a_parent_is_a_key_or_an_object() -> None:
    for parent in ("A1-2", {"key": "A1-2", "summary": "Above"}):
        found = read_line(1, orjson.dumps(issue("A1-1", parent=parent))).issue
        assert found is not None
        assert found.parent == "A1-2"


def test_members_without_a_place_are_named() -> None:
    comment = {"created": "2011-05-03T10:00:00Z", "body": "x", "votes": 3}
    line = read_line(1, orjson.dumps(issue("A1-1", watchers=3, comments=[comment])))
    assert line.ignored == {"watchers", "comments.votes"}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (packed(b""), "empty"),
        (b"PK\x03\x04 something else\n", "not_json_lines"),
        (b"[1, 2]\n", "not_json_lines"),
        (packed(lines(issue("A1-1")))[:-9], "damaged"),
        (packed(lines(issue("A1-1")))[:25] + b"\0" * 40, "damaged"),
        (b"\x1f\x8bnot gzip at all", "damaged"),
        (packed(b" " * 5000), "too_large"),
    ],
)
def test_what_is_no_archive_is_refused_as_a_whole(data: bytes, code: str) -> None:
    with pytest.raises(ArchiveError) as caught:
        Archive(io.BytesIO(data), 2000).check()
    assert caught.value.code == code


def test_one_bad_line_at_the_start_makes_no_bad_archive() -> None:
    Archive(io.BytesIO(lines(b"# issues", issue("A1-1")))).check()


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    for body in (data, packed(data), b"\x1f\x8b" + data):
        with contextlib.suppress(ArchiveError):
            assert all((line.issue is None) != (line.problem is None) for line in read(body))
