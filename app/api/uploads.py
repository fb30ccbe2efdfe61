"""A form with one file, read as it comes: the file goes to the disk, and never whole into memory."""

import asyncio
import contextlib
import hashlib
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import IO, Generic, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from app.api.validation import MAX_NAME, escape
from app.core.errors import ErrorCode, FieldCode, PastisError, invalid
from app.utils.text import mend_line

F = TypeVar("F", bound=BaseModel)

FILE = "file"
_MAX_VALUE = 1_000
_WRITE_BYTES = 262_144
_MAX_FILENAME = 255


@dataclass(frozen=True, slots=True)
class Upload(Generic[F]):
    """A form: its file, which the caller closes, and its other fields. `digest` is of all of it."""

    file: IO[bytes]
    filename: str
    form: F
    digest: str


async def read_upload(request: Request, model: type[F], *, limit: int) -> Upload[F]:
    """Read multipart/form-data of a `file` and the fields of `model`.

    Raises `unsupported_media_type` for another body, `body_too_large` beyond `limit` bytes, and
    `validation_failed` for a form that is broken or cut off, lacks the file, or has what it should not.
    """
    content_type, options = parse_options_header(request.headers.get("content-type"))
    if content_type != b"multipart/form-data" or len(request.headers.getlist("content-type")) > 1:
        raise PastisError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, expected="multipart/form-data")
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:18]) > limit:
        raise PastisError(ErrorCode.BODY_TOO_LARGE, limit=limit)
    with contextlib.ExitStack() as stack:
        # Not buffered: what is written comes in large pieces already.
        file = stack.enter_context(tempfile.TemporaryFile(buffering=0))
        form = _Form(options.get(b"boundary", b""), model.model_fields, file)
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > limit:
                raise PastisError(ErrorCode.BODY_TOO_LARGE, limit=limit)
            await form.feed(chunk)
        await form.finish()
        upload = Upload(file, form.filename, _read_fields(model, form.texts()), form.digest())
        stack.pop_all()
        return upload


class _Form:
    """The parser's callbacks, which gather a part's head and then its data."""

    def __init__(self, boundary: bytes, allowed: Collection[str], file: IO[bytes]) -> None:
        self._allowed = allowed
        self._file = file
        self._fields: dict[str, bytearray] = {}
        self.filename = ""
        self._header = bytearray()
        self._value = bytearray()
        self._disposition = b""
        self._name = ""
        self._pending = bytearray()
        self._ended = False
        self._digest = hashlib.sha256()
        if not boundary:
            raise invalid("/header/content-type", FieldCode.INVALID_FORMAT)
        with _readable():
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part,
                    "on_header_field": self._on_header,
                    "on_header_value": self._on_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_data,
                    "on_end": self._on_end,
                },
            )

    async def feed(self, chunk: bytes) -> None:
        with _readable():
            self._parser.write(chunk)
        if len(self._pending) >= _WRITE_BYTES:
            await self._flush()

    async def finish(self) -> None:
        """Write the rest; raises `validation_failed` for a form that was cut off or has no file."""
        if not self._ended:
            raise invalid("", FieldCode.INVALID_FORMAT)
        if not self.filename:
            raise invalid(f"/{FILE}", FieldCode.MISSING)
        await self._flush()

    def texts(self) -> dict[str, str]:
        return {name: _text(name, bytes(value)) for name, value in self._fields.items()}

    def digest(self) -> str:
        digest = self._digest.copy()
        for name, value in sorted(self._fields.items()):
            digest.update(b"\n" + name.encode() + b"=" + value)
        return digest.hexdigest()

    async def _flush(self) -> None:
        data = bytes(self._pending)
        self._pending.clear()
        self._digest.update(data)
        await asyncio.to_thread(_write_all, self._file, data)

    def _on_part(self) -> None:
        self._disposition = b""

    def _on_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = bytes(self._value)  # as text, Latin-1 alone would be read
        self._header.clear()
        self._value.clear()

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = options.get(b"name", b"").decode(errors="replace")
        if name != FILE and name not in self._allowed:
            raise invalid(f"/{escape(name[:MAX_NAME])}", FieldCode.UNKNOWN_FIELD)
        if name in self._fields or (name == FILE and self.filename):
            raise invalid(f"/{name}", FieldCode.REPEATED)
        self._name = name
        if name == FILE:
            self.filename = _plain_name(options.get(b"filename", b"").decode(errors="replace"))
        else:
            self._fields[name] = bytearray()

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._name == FILE:
            self._pending += data[start:end]
            return
        value = self._fields[self._name]
        value += data[start:end]
        if len(value) > _MAX_VALUE:
            raise invalid(f"/{self._name}", FieldCode.TOO_LONG, limit=_MAX_VALUE)

    def _on_end(self) -> None:
        self._ended = True


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except FormParserError:
        raise invalid("", FieldCode.INVALID_FORMAT) from None


def _read_fields(model: type[F], texts: dict[str, str]) -> F:
    try:
        return model.model_validate(texts)
    except ValidationError as error:
        errors = [{**one, "loc": ("body", *one["loc"])} for one in error.errors()]
        raise RequestValidationError(errors, body=texts) from None


def _write_all(file: IO[bytes], data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _text(name: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise invalid(f"/{name}", FieldCode.UNSAFE_TEXT) from None


def _plain_name(given: str) -> str:
    """The last part of a file's path, as one line."""
    line = mend_line(given.replace("\\", "/").rpartition("/")[2])
    return (line or FILE)[:_MAX_FILENAME]
