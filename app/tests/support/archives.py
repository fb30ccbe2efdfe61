"""Archives to import: real issues, and ones made to order."""

import asyncio
import gzip
import io
from pathlib import Path
from typing import Any

import orjson

from app.tests.support.clients import Client, ok

EXCERPT = Path(__file__).parents[2] / "data" / "fluid-excerpt.jsonl"
"""42 real issues of four projects, chosen for their oddities."""
FULL = Path(__file__).parents[4] / "shared" / "data" / "fluid-issues.jsonl.gz"
"""All 7,497 of them, where the machine has the file."""


def excerpt() -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in EXCERPT.read_bytes().splitlines()]


def issue(key: str, **members: Any) -> dict[str, Any]:
    """An issue with as little as an issue may have."""
    project = key.rpartition("-")[0]
    created = "2011-05-03T10:00:00.000-0400"
    return {
        "key": key,
        "project": {"key": project},
        "summary": "Focus is lost",
        "created": created,
        **members,
    }


def lines(*issues: dict[str, Any] | bytes) -> bytes:
    """An archive of these issues; bytes stand for themselves."""
    return b"".join((one if isinstance(one, bytes) else orjson.dumps(one)) + b"\n" for one in issues)


def packed(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


async def upload(client: Client, data: bytes, name: str = "fluid.jsonl", **fields: Any) -> Any:
    """Ask for an import over HTTP."""
    files = {"file": (name, io.BytesIO(data), "application/octet-stream")}
    return await client.request("POST", "/imports", files=files, data=fields)


async def imported(client: Client, data: bytes, **fields: Any) -> Any:
    """Import over HTTP and give the run at its end."""
    return await ended(client, ok(await upload(client, data, **fields), 202))


async def ended(client: Client, run: Any) -> Any:
    """Wait for the end of a run and give it."""
    for _ in range(2000):
        run = ok(await client.get(f"/imports/{run['id']}"))
        if run["state"] != "running":
            return run
        await asyncio.sleep(0.02)
    raise AssertionError(f"the import does not end: {run}")
