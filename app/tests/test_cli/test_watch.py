"""`pastis watch` as a process, beside the served application."""

import asyncio
import os
import pty
import re
import select
import signal
import socket
import struct
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fcntl import ioctl
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from app.commands.watch_view import plain
from app.services.bootstrap import Services
from app.tests.support.clients import ok
from app.tests.support.factories import PASSWORD, Workspace
from app.tests.support.programs import end_of, line_of, running
from app.tests.support.serving import served

pytestmark = pytest.mark.anyio
Process = asyncio.subprocess.Process


@asynccontextmanager
async def watching(url: str, workspace: Workspace, *options: str) -> AsyncIterator[Process]:
    variables = {"PASTIS_TOKEN": workspace.api.token}
    async with running("watch", workspace.slug, "--url", url, *options, variables=variables) as process:
        await line_of(process.stderr, "Watching")
        yield process


async def said(process: Process) -> str:
    """The next line, without its time."""
    time, key, what = (await line_of(process.stdout)).split("  ", 2)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time)
    return f"{key}  {what}"


async def test_each_change_is_a_line(url: str, workspace: Workspace) -> None:
    async with watching(url, workspace) as process:
        task = await workspace.task("Focus is lost")
        assert await said(process) == "FLUID-1  is here: Focus is lost  by Justin Obara"
        body = {"priority": "urgent", "assignee_ids": [workspace.membership_ids["member"]]}
        ok(await workspace.admin.patch(f"/tasks/{task['id']}", body))
        parts = ["priority: none -> urgent", "assignee: none -> Anastasia Cheetham"]
        line = await said(process)
        assert line.startswith("FLUID-1  ")
        assert line.endswith("  by Colin Clark")
        assert sorted(line.split("  ")[1].split("; ")) == sorted(parts)
        body = {"status_id": workspace.statuses["Done"], "description": "All of it."}
        ok(await workspace.api.patch(f"/tasks/{task['id']}", body))
        assert {"status: Todo -> Done", "description changed"} <= set(
            (await said(process)).split("  ")[1].split("; ")
        )
        ok(await workspace.api.delete(f"/tasks/{task['id']}"))
        assert await said(process) == "FLUID-1  trashed  by Justin Obara"
        process.send_signal(signal.SIGINT)
        assert await end_of(process) == (0, "", "Stopped.\n")


async def test_only_what_is_mine_or_of_a_project(url: str, workspace: Workspace) -> None:
    ok(await workspace.api.post("/projects", {"key": "INFRA", "name": "Infrastructure"}), 201)
    async with (
        watching(url, workspace, "--mine") as mine,
        watching(url, workspace, "--project", "INFRA") as narrow,
    ):
        await workspace.task("Of nobody")
        await workspace.task("Mine", assignee_ids=[workspace.membership_ids["owner"]])
        await workspace.task("Elsewhere", project_id="INFRA")
        team = await workspace.team("Authors", "owner")
        await workspace.task("Of my team", assignee_ids=[team["id"]])
        assert "is here: Mine" in await said(mine)
        assert "is here: Of my team" in await said(mine)
        assert "INFRA-1  is here: Elsewhere" in await said(narrow)


async def test_a_login_that_ends_is_told(url: str, workspace: Workspace, services: Services) -> None:
    async with watching(url, workspace) as process:
        await services.sessions.end_all(workspace.users["owner"].id)
        code, out, err = await end_of(process)
        assert (code, out) == (1, "")
        assert "The login has ended." in err


async def test_a_server_that_is_away_is_waited_for(
    app: FastAPI, workspace: Workspace, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    (tmp_path / "token").write_text(f"{workspace.api.token}\n")
    options = ("--token-file", str(tmp_path / "token"), "--url", f"http://127.0.0.1:{port}", "--mine")
    async with running("watch", *options) as process:
        await line_of(process.stderr, "Waiting for http://127.0.0.1")
        async with served(app, port):
            await line_of(process.stderr, f"Watching {workspace.slug}")
        await line_of(process.stderr, "Connection lost")
        async with served(app, port):
            await line_of(process.stderr, "Connected.")
            await workspace.task("After it", assignee_ids=[workspace.membership_ids["owner"]])
            assert "After it" in await said(process)


@pytest.mark.parametrize(
    ("arguments", "variables", "told"),
    [
        (["nowhere"], {}, "You see no workspace nowhere."),
        (["{slug}", "--project", "NOPE"], {}, "with a project NOPE."),
        (["{slug}"], {"PASTIS_TOKEN": "nonsense"}, "The login has ended."),
        (["{slug}"], {"PASTIS_TOKEN": ""}, "set PASTIS_TOKEN"),
        (["{slug}", "--token-file", "missing"], {}, "missing cannot be read"),
        (["{slug}", "--url", "pastis.example.org"], {}, "is no address"),
    ],
)
async def test_what_cannot_be_watched_is_told(
    url: str, workspace: Workspace, arguments: list[str], variables: dict[str, str], told: str
) -> None:
    filled = [one.replace("{slug}", workspace.slug) for one in arguments]
    where = [] if "--url" in filled else ["--url", url]
    variables = {"PASTIS_TOKEN": workspace.api.token or "", **variables}
    async with running("watch", *filled, *where, variables=variables) as process:
        code, out, err = await end_of(process)
    assert (code, out) == (1, "")
    assert told in err


class Terminal:
    """A terminal of its own, and all that was drawn in it."""

    def __init__(self) -> None:
        self.ours, self.theirs = pty.openpty()
        ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 12, 120, 0, 0))
        self.drawn = ""

    def options(self) -> dict[str, Any]:
        return dict.fromkeys(("stdin", "stdout", "stderr"), self.theirs)

    async def until(self, text: str) -> None:
        async with asyncio.timeout(30):
            while text not in self.drawn:
                if select.select([self.ours], [], [], 0)[0]:
                    self.drawn += os.read(self.ours, 65536).decode(errors="replace")
                await asyncio.sleep(0.05)

    def type(self, text: str) -> None:
        self.drawn = ""
        os.write(self.ours, text.encode())

    def close(self) -> None:
        os.close(self.ours)
        os.close(self.theirs)


async def test_a_terminal_shows_a_table_that_follows(url: str, workspace: Workspace) -> None:
    terminal = Terminal()
    variables = {"TERM": "xterm", "COLUMNS": "120", "LINES": "12"}
    command = ("watch", workspace.slug, "--url", url, "--limit", "2")
    try:
        async with running(*command, variables=variables, **terminal.options()) as process:
            await terminal.until("E-mail address: ")
            terminal.type(f"{workspace.users['owner'].email}\n")
            await terminal.until("Password: ")
            terminal.type(f"{PASSWORD}\n")
            await terminal.until("0 tasks, connected")
            assert PASSWORD not in terminal.drawn
            for title in ("First", "Second", "Third"):
                await workspace.task(title)
            terminal.drawn = ""
            await terminal.until("FLUID-3 is here: Third  by Justin Obara")
            rows = [line for line in terminal.drawn.splitlines() if "FLUID-" in line and "Todo" in line]
            assert "Third" in rows[-2]
            assert "Second" in rows[-1]
            process.send_signal(signal.SIGINT)
            async with asyncio.timeout(20):
                assert await process.wait() == 0
    finally:
        terminal.close()


async def test_what_others_wrote_commands_no_terminal() -> None:
    assert plain("Focus\x1b[2J\r\nis\u202elost") == "Focus [2J  is lost"
