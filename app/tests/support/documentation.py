"""Reads the documentation as its readers do: follows its links, its tables, and types its commands.

A fenced block whose info string is `console run` is executed. Lines that begin with `$ ` are a command, and
with `> ` its continuation; the rest is what it prints. There `...` stands for anything in a line, and alone
in a line for any number of lines. Ids, tokens and passwords are examples: each stands for the one that came
out the first time, also in later commands. Times stand for any time.
"""

import re
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

ROOT = Path(__file__).parents[3]
SHOWN_PORT = "127.0.0.1:8001"
COMMAND_SECONDS = 120.0
SERVE = "make run"
READY = "Stop with Ctrl-C."

_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\((?P<target>[^)\s]+)\)")
_ID = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
_PASSWORD = r"(?:[0-9a-f]{6}-){4}[0-9a-f]{6}"
_TOKEN = r"(?<![\w-])[\w-]{43}(?![\w-])"
_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"
_EXAMPLE = re.compile(rf"(?P<time>{_TIME})|(?P<id>{_ID})|(?P<password>{_PASSWORD})|(?P<token>{_TOKEN})")
_KINDS = {"id": _ID, "password": _PASSWORD, "token": _TOKEN}
_WILD = "..."


class DocumentationError(AssertionError):
    """What a page promises is not what happens."""


@dataclass(frozen=True)
class Example:
    """A command of a page, and the lines that it promises to print."""

    place: str
    command: str
    expected: tuple[str, ...]


def pages() -> list[Path]:
    """Every page of the documentation."""
    top = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")]
    return [*top, *sorted((ROOT / "docs").rglob("*.md"))]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def links(page: Path) -> list[str]:
    """The targets of a page's links, without those in code."""
    return [found["target"] for found in _LINK.finditer(_FENCE.sub("", page.read_text()))]


def anchors(page: Path) -> set[str]:
    """The names that a page's headings get."""
    heads = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def table(page: Path, heading: str) -> dict[str, list[str]]:
    """The first table under a heading: the further cells of each row by its first, without backquotes."""
    text = page.read_text()
    start = re.search(rf"^#+ {re.escape(heading)}$", text, re.MULTILINE)
    if start is None:
        raise DocumentationError(f"{name_of(page)} has no heading {heading!r}")
    lines = text[start.end() :].split("\n#", 1)[0].splitlines()
    rows = [line.strip().strip("|").split("|") for line in lines if line.startswith("|")][2:]
    cells = [[cell.strip().strip("`") for cell in row] for row in rows]
    return {row[0]: row[1:] for row in cells}


def commands_of(page: Path) -> list[list[str]]:
    """The words after `pastis` of every command that a page names."""
    found = re.findall(r"(?:^\$ |`)(?:\.venv/bin/)?pastis ((?:[a-z-]+ ?)+)", page.read_text(), re.MULTILINE)
    return [words.split() for words in found]


def examples(page: Path) -> list[Example]:
    """The commands that a page has executed, in order."""
    return read_examples(page, page.read_text())


def read_examples(page: Path, text: str) -> list[Example]:
    """The same, of this text of a page."""
    found: list[Example] = []
    for block in _FENCE.finditer(text):
        if block["info"].split() == ["console", "run"]:
            line = text.count("\n", 0, block.start()) + 2
            found += _commands(f"{name_of(page)}:{line}", block["body"])
    return found


def _commands(place: str, body: str) -> Iterator[Example]:
    command: list[str] = []
    expected: list[str] = []
    for line in body.splitlines():
        if line.startswith("$ "):
            if command:
                yield Example(place, "\n".join(command), tuple(expected))
            command, expected = [line[2:]], []
        elif not command:
            raise DocumentationError(f"{place}: a block begins with a command, not with {line!r}")
        elif line.startswith("> ") and not expected:
            command.append(line[2:])
        else:
            expected.append(line.rstrip())
    yield Example(place, "\n".join(command), tuple(expected))


Known = dict[str, str]
"""What the examples in a page have turned out to be."""


def match(expected: tuple[str, ...], printed: tuple[str, ...], known: Known) -> Known | None:
    """What is known after these lines were printed where those were expected; None where they do not fit."""
    if not expected:
        return None if printed else known
    if expected[0].strip() == _WILD:
        rests = (match(expected[1:], printed[skip:], known) for skip in range(len(printed) + 1))
        return next((found for found in rests if found is not None), None)
    learned = _match_line(expected[0], printed[0], known) if printed else None
    return None if learned is None else match(expected[1:], printed[1:], learned)


def _match_line(expected: str, printed: str, known: Known) -> Known | None:
    parts: list[str] = []
    names: list[str] = []
    end = 0
    for example in _EXAMPLE.finditer(expected):
        parts += [_literal(expected[end : example.start()]), _example(example, names, known)]
        end = example.end()
    found = re.fullmatch("".join([*parts, _literal(expected[end:])]), printed.rstrip())
    if found is None:
        return None
    return known | {name: found[f"x{number}"] for number, name in enumerate(names)}


def _example(example: re.Match[str], names: list[str], known: Known) -> str:
    """The pattern of what may stand for an example; one that is met for the first time goes into `names`."""
    kind, text = example.lastgroup or "time", example[0]
    if kind == "time":
        return _TIME
    if text in known:
        return re.escape(known[text])
    if text in names:
        return f"(?P=x{names.index(text)})"
    names.append(text)
    return f"(?P<x{len(names) - 1}>{_KINDS[kind]})"


def _literal(text: str) -> str:
    return ".*".join(re.escape(part) for part in text.split(_WILD))


@dataclass
class Reader:
    """Somebody at a terminal, who types what pages say; what `make run` starts goes on in another one."""

    folder: Path
    environment: Mapping[str, str]
    port: int
    known: Known = field(default_factory=dict)
    _shell: subprocess.Popen[str] | None = None
    _server: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        self._shell = self._start(["bash", "--norc", "--noprofile"], subprocess.PIPE)
        return self

    def __exit__(self, *_: object) -> None:
        for process in (self._shell, self._server):
            if process is not None:
                _end(process)

    def follow(self, page: Path) -> None:
        """Do all that a page says; raises DocumentationError where something else happens."""
        for example in examples(page):
            command = _EXAMPLE.sub(lambda found: self.known.get(found[0], found[0]), example.command)
            printed = self._serve() if command == SERVE else self._type(command)
            seen = tuple(line.replace(f"127.0.0.1:{self.port}", SHOWN_PORT) for line in printed)
            learned = match(example.expected, seen, self.known)
            if learned is None:
                promised, shown = "\n".join(example.expected), "\n".join(seen)
                raise DocumentationError(
                    f"{example.place}: $ {command}\n--- promised\n{promised}\n--- printed\n{shown}"
                )
            self.known = learned

    def _serve(self) -> list[str]:
        path = self.folder / "serve.txt"
        with path.open("w") as file:
            command = [sys.executable, "-m", "app.cli", "serve", "--port", str(self.port)]
            self._server = self._start(command, file)
        deadline = time.monotonic() + COMMAND_SECONDS
        while time.monotonic() < deadline and self._server.poll() is None:
            if READY in path.read_text():
                break
            time.sleep(0.05)
        return path.read_text().splitlines()

    def _type(self, command: str) -> list[str]:
        """Type a command, and give what it prints."""
        shell = self._shell
        assert shell is not None
        assert shell.stdin is not None
        assert shell.stdout is not None
        mark = f"--- {secrets.token_hex(8)}"
        here = command.replace(SHOWN_PORT, f"127.0.0.1:{self.port}")
        # The mark begins a line of its own, whether the output ended with one or not.
        shell.stdin.write(f"{here}\nprintf '\\n%s\\n' '{mark}'\n")
        shell.stdin.flush()
        impatience = threading.Timer(COMMAND_SECONDS, shell.kill)
        impatience.start()
        printed: list[str] = []
        for line in shell.stdout:
            if line == f"{mark}\n":
                break
            printed.append(line.removesuffix("\n"))
        impatience.cancel()
        return printed[:-1] if printed and not printed[-1] else printed

    def _start(self, command: list[str], output: int | IO[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )


def _end(process: subprocess.Popen[str]) -> None:
    """End a process, gently if it listens, and wait until it has."""
    process.terminate()
    try:
        process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
