"""What came before: snapshots, and what was missed."""

import json
import statistics
import time
import zlib

from benchmarks.sync.stage import Server, Stage
from benchmarks.sync.steady import pumping
from benchmarks.sync.wire import Crowd, Writer

AGAIN = 3
ASKED_FOR = "fields=task:title,status_id"
"""By nobody who is connected: nothing of it is ready."""
WRITERS = 32


def snapshot(stage: Stage) -> dict[str, float]:
    with stage.serving() as server:
        stage.fetch(server, "/sync")  # the log is followed
        cpu = server.cpu()
        cold = stage.fetch(server, "/sync/snapshot", packed=True)
        used = server.cpu() - cpu
        cached = [stage.fetch(server, "/sync/snapshot", packed=True) for _ in range(AGAIN)]
        plain = [stage.fetch(server, "/sync/snapshot") for _ in range(AGAIN)]
        end = json.loads(zlib.decompress(cached[0].body, 31).rsplit(b"\n", 2)[1])
        if not end["end"] or end["docs"] < len(stage.made.task_ids):
            raise RuntimeError(f"the snapshot is not whole: {end}")
        return {
            "cold_s": cold.seconds,
            "cached_s": statistics.median(one.seconds for one in cached),
            "cached_plain_s": statistics.median(one.seconds for one in plain),
            "docs": end["docs"],
            "packed_mb": cold.size / 1e6,
            "plain_mb": plain[0].size / 1e6,
            "cpu_us": 1e6 * used / end["docs"],
        }


def catch_up(stage: Stage, count: int) -> dict[str, float]:
    """From memory by a process that has told others of it; from the log by one that has just begun."""
    with stage.serving() as server, pumping() as pump:
        crowd = Crowd(pump)
        crowd.open(server.port, stage.streams(1))
        cursor = crowd.members[0].cursor.decode()
        other = _cursor(stage, server, f"?{ASKED_FOR}")
        writer = Writer(pump, server.port, stage.changes(), WRITERS)
        _write(crowd, writer, count)
        first = stage.fetch(server, f"/sync?since={cursor}")
        again = [stage.fetch(server, f"/sync?since={cursor}") for _ in range(AGAIN)]
        cold = stage.fetch(server, f"/sync?since={other}&{ASKED_FOR}")
        crowd.close()
    with stage.serving() as server:
        stage.fetch(server, "/sync")
        cpu = server.cpu()
        read = [stage.fetch(server, f"/sync?since={cursor}") for _ in range(AGAIN)]
        used = server.cpu() - cpu
    if any(len(json.loads(one.body)["ops"]) != count for one in (first, cold, *read)):
        raise RuntimeError("not all of it was told")
    return {
        "log_ms": 1e3 * statistics.median(one.seconds for one in read),
        "ring_ms": 1e3 * first.seconds,
        "again_ms": 1e3 * statistics.median(one.seconds for one in again),
        "unprepared_ms": 1e3 * cold.seconds,
        "mb": first.size / 1e6,
        "cpu_us": 1e6 * used / AGAIN / count,
    }


def _cursor(stage: Stage, server: Server, query: str) -> str:
    return str(json.loads(stage.fetch(server, f"/sync{query}").body)["cursor"])


def _write(crowd: Crowd, writer: Writer, count: int) -> None:
    """As fast as they are answered."""
    for _ in range(count):
        writer.send(time.monotonic())
    writer.settle(120)
    crowd.aim(writer.head)
    crowd.pump.run(10, crowd.all_arrived)
    crowd.check()
