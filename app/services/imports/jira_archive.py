"""Reads an archive of Jira issues: JSON lines, plain or gzip, of which one at a time is in memory."""

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import IO, Annotated, Any

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from app.schemas.projects import ProjectKey

MAX_LINE = 1_000_000
"""Bytes of one line; an issue with all its comments and its event then fits into one document of MongoDB."""
MAX_COMMENTS = 10_000
"""Comments of one issue, for the same reason."""
BATCH_BYTES = 2_000_000
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_SAMPLE = 20
_CHUNK = 65_536
_TASK_KEY = re.compile(r"([A-Z][A-Z0-9]+)-([1-9][0-9]{0,8})")


class ArchiveError(Exception):
    """The file as a whole cannot be read; `code` says why: empty, not_json_lines, damaged, too_large."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a line is not imported: a code for programs, a sentence for people, and nothing of its content."""

    line: int
    key: str | None
    code: str
    detail: str


def _moment(value: Any) -> datetime:
    """A time with an offset, as UTC in whole milliseconds; not before 1970, which no id can hold."""
    try:
        given = datetime.fromisoformat(value)
        at = given.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise PydanticCustomError("moment", "not a date and time with an offset") from None
    if given.tzinfo is None:
        raise PydanticCustomError("moment", "not a date and time with an offset")
    if at.year < 1970:
        raise PydanticCustomError("moment", "before 1970")
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _listed(value: Any) -> Any:
    return [] if value is None else value


def _parent_key(value: Any) -> Any:
    return value.get("key") if isinstance(value, dict) else value


Moment = Annotated[datetime, BeforeValidator(_moment)]
IssueKey = Annotated[str, Field(pattern=rf"^{_TASK_KEY.pattern}$", max_length=20)]
Texts = Annotated[list[str], BeforeValidator(_listed)]


class JiraProject(BaseModel):
    key: ProjectKey
    title: str | None = None


class JiraLink(BaseModel):
    type: str
    key: str


class JiraAttachment(BaseModel):
    filename: str
    url: str | None = None


class JiraComment(BaseModel):
    author: str | None = None
    created: Moment
    body: str | None = None


class JiraIssue(BaseModel):
    """One line. What else it holds is ignored, and reported by name."""

    key: IssueKey
    project: JiraProject
    type: str | None = None
    summary: str | None = None
    description: str | None = None
    status: str | None = None
    resolution: str | None = None
    priority: str | None = None
    assignee: str | None = None
    reporter: str | None = None
    created: Moment
    updated: Moment | None = None
    components: Texts = []
    versions: Texts = []
    fix_versions: Texts = Field([], alias="fixVersions")
    environment: str | None = None
    links: Annotated[list[JiraLink], BeforeValidator(_listed)] = Field([], alias="issueLinks")
    attachments: Annotated[list[JiraAttachment], BeforeValidator(_listed)] = []
    comments: Annotated[list[JiraComment], Field(max_length=MAX_COMMENTS), BeforeValidator(_listed)] = []
    parent: Annotated[str | None, BeforeValidator(_parent_key)] = None

    model_config = ConfigDict(extra="ignore")

    @model_validator(mode="after")
    def _in_its_project(self) -> "JiraIssue":
        if self.key.rpartition("-")[0] != self.project.key:
            raise PydanticCustomError("key", "the key does not begin with the project's")
        return self

    @property
    def number(self) -> int:
        return int(self.key.rpartition("-")[2])


_MEMBERS = frozenset(field.alias or name for name, field in JiraIssue.model_fields.items())
_COMMENT_MEMBERS = frozenset(JiraComment.model_fields)


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not blank: an issue, or the problem with it."""

    number: int
    issue: JiraIssue | None = None
    problem: Problem | None = None
    ignored: frozenset[str] = frozenset()
    """Names of members that have no place here."""


class Archive:
    """An archive in a file that can be read again from its start; owns the file."""

    def __init__(self, file: IO[bytes], limit: int | None = None) -> None:
        """`limit` bounds the unpacked size, for files from strangers."""
        self._file = file
        self._limit = limit

    def close(self) -> None:
        self._file.close()

    def check(self) -> None:
        """Raises ArchiveError where the file is damaged, too large when unpacked, or not JSON lines."""
        seen = good = 0
        for _number, raw in self._raw_lines():
            if seen < _SAMPLE and good == 0:
                seen += 1
                good += raw is not None and _is_object(raw)
        if good == 0:
            raise ArchiveError("not_json_lines" if seen else "empty")

    def batches(self, count: int) -> Iterator[list[Line]]:
        """Lines, at most `count` together and not many megabytes. Raises ArchiveError where damaged."""
        batch: list[Line] = []
        size = 0
        for number, raw in self._raw_lines():
            batch.append(read_line(number, raw))
            size += len(raw or b"")
            if len(batch) == count or size > BATCH_BYTES:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _raw_lines(self) -> Iterator[tuple[int, bytes | None]]:
        """Numbered lines from the start, None for one that is too long, none for blank ones."""
        self._file.seek(0)
        packed = self._file.read(len(_GZIP)) == _GZIP
        self._file.seek(0)
        source: IO[bytes] = gzip.GzipFile(fileobj=self._file, mode="rb") if packed else self._file  # type: ignore[assignment]
        reader = io.BufferedReader(_Bounded(source, self._limit), _CHUNK)
        try:
            number = 0
            while raw := reader.readline(MAX_LINE + 1):
                number += 1
                if len(raw) > MAX_LINE:
                    _skip_line(reader, raw)
                    yield number, None
                elif stripped := raw.removeprefix(_BOM if number == 1 else b"").strip():
                    yield number, stripped
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise ArchiveError("damaged") from None
        finally:
            # The reader must not close the file that it was lent.
            reader.detach()


class _Bounded(io.RawIOBase):
    """Counts what is read, so that a small file cannot unpack to fill the machine."""

    def __init__(self, source: IO[bytes], limit: int | None) -> None:
        self._source = source
        self._left = limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._source.read(len(buffer))
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0:
                raise ArchiveError("too_large")
        buffer[: len(data)] = data
        return len(data)


def _skip_line(reader: "io.BufferedReader[Any]", raw: bytes) -> None:
    while raw and not raw.endswith(b"\n"):
        raw = reader.readline(_CHUNK)


def _is_object(raw: bytes) -> bool:
    try:
        return isinstance(orjson.loads(raw), dict)
    except orjson.JSONDecodeError:
        return False


def read_line(number: int, raw: bytes | None) -> Line:
    """An issue, or what is wrong with the line."""
    if raw is None:
        return _bad(number, None, "line_too_long", f"longer than {MAX_LINE} bytes")
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return _bad(number, None, "not_json", "not JSON")
    if not isinstance(data, dict):
        return _bad(number, None, "not_json", "not a JSON object")
    try:
        issue = JiraIssue.model_validate(data)
    except ValidationError as error:
        return _bad(number, _known_key(data), "invalid", _reasons(error))
    return Line(number, issue, ignored=_ignored(data))


def _bad(number: int, key: str | None, code: str, detail: str) -> Line:
    return Line(number, problem=Problem(number, key, code, detail))


def _known_key(data: dict[str, Any]) -> str | None:
    key = data.get("key")
    return key if isinstance(key, str) and _TASK_KEY.fullmatch(key) else None


def _reasons(error: ValidationError) -> str:
    """The first few reasons, by the names of members; never what they hold."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, one['loc'])) or 'line'}: {one['msg']}" for one in islice(found, 3))


def _ignored(data: dict[str, Any]) -> frozenset[str]:
    names = data.keys() - _MEMBERS
    if comments := data.get("comments"):
        names |= {f"comments.{name}" for name in set().union(*comments) - _COMMENT_MEMBERS}
    return frozenset(names)
