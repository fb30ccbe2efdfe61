"""Commands of Pastis as processes, beside a server inside this one."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from app.tests.support.documentation import ROOT

PATHS = os.pathsep.join([str(ROOT), str(ROOT / "clients" / "python")])
PATIENCE_SECONDS = 30.0


@asynccontextmanager
async def running(*arguments: str, **options: Any) -> AsyncIterator[asyncio.subprocess.Process]:
    """The command `pastis`; it is ended by its id, also where the test fails."""
    variables = {"PYTHONPATH": PATHS, **options.pop("variables", {})}
    options = {"stdin": asyncio.subprocess.DEVNULL, "stdout": -1, "stderr": -1, **options}
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.cli", *arguments, env={**environment, **variables}, **options
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def line_of(stream: asyncio.StreamReader | None, beginning: str = "") -> str:
    """The next line that begins so."""
    assert stream is not None
    async with asyncio.timeout(PATIENCE_SECONDS):
        while line := (await stream.readline()).decode():
            if line.startswith(beginning):
                return line.rstrip("\n")
    raise AssertionError(f"the output has ended without {beginning!r}")


async def end_of(process: asyncio.subprocess.Process) -> tuple[int, str, str]:
    """The exit code, and what it still says on stdout and stderr."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, (out or b"").decode(), (err or b"").decode()
