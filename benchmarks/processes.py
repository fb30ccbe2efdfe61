"""The servers that are measured, each a process of its own on one core."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks import load

CONNECTIONS = 16


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(what: str, environment: dict[str, str]) -> Iterator[tuple[int, int]]:
    """One server process on core 0; gives its port and pid, and ends it."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.server", what, str(port)], env=os.environ | environment
    )
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
                break
            time.sleep(0.05)
        yield port, process.pid
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(port: int, pid: int, source: Any, seconds: float) -> dict[str, float]:
    await load.run(port, source, connections=CONNECTIONS, seconds=min(1.0, seconds))
    before = cpu_seconds(pid)
    result = await load.run(port, source, connections=CONNECTIONS, seconds=seconds)
    used = cpu_seconds(pid) - before
    if result.failures:
        raise SystemExit(f"{result.failures} requests failed, the first: {result.first_failure}")
    return {
        "rate": result.rate,
        "cpu_us": used / len(result.latencies) * 1e6,
        "p50_ms": result.percentile(0.5) * 1e3,
        "p99_ms": result.percentile(0.99) * 1e3,
    }
