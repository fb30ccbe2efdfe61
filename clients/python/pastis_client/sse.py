"""Server-sent events (WHATWG HTML, 9.2), from bytes that come in pieces of any size."""

import codecs
import re
from dataclasses import dataclass

_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Event:
    """`id` is the last one that the stream told, which may have been with an earlier event."""

    type: str
    data: str
    id: str


class EventParser:
    """Feed it what comes; how it is cut into pieces changes nothing."""

    def __init__(self) -> None:
        self.retry: int | None = None
        """Milliseconds to wait before connecting again, where the stream has said so."""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._open: list[str] = []
        self._begun = False
        self._after_cr = False
        self._type = ""
        self._data: list[str] = []
        self._id = ""

    def feed(self, piece: bytes) -> list[Event]:
        """The events that this piece completes."""
        taken = (self._take(line) for line in self._lines(self._decoder.decode(piece)))
        return [event for event in taken if event is not None]

    def _lines(self, text: str) -> list[str]:
        if not text:
            return []
        if not self._begun:
            self._begun = True
            text = text.removeprefix("\ufeff")
        if self._after_cr:
            text = text.removeprefix("\n")
        self._after_cr = text.endswith("\r")
        first, *rest = _LINE_END.split(text)
        self._open.append(first)
        if not rest:
            return []
        lines = ["".join(self._open), *rest[:-1]]
        self._open = [rest[-1]]
        return lines

    def _take(self, line: str) -> Event | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "data":
                self._data.append(value)
            case "event":
                self._type = value
            case "id" if "\0" not in value:
                self._id = value
            case "retry" if value.isascii() and value.isdecimal():
                self.retry = int(value)
        return None

    def _dispatch(self) -> Event | None:
        type_, data = self._type or "message", self._data
        self._type, self._data = "", []
        return Event(type_, "\n".join(data), self._id) if data else None
