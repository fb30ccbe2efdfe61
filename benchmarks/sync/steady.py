"""Changes at an even pace, and how long those who follow wait for them."""

import contextlib
import gc
import time
from collections.abc import Iterator

from benchmarks.sync.stage import Stage
from benchmarks.sync.wire import Crowd, Pump, Writer

WARM_SECONDS = 1.0
LATE_SECONDS = 10.0


@contextlib.contextmanager
def pumping() -> Iterator[Pump]:
    pump = Pump()
    gc.collect()
    gc.disable()  # it would stop the clock's reader, not the server
    try:
        yield pump
    finally:
        gc.enable()
        pump.close()


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def described(values: list[float], prefix: str = "") -> dict[str, float]:
    """In milliseconds."""
    return {
        f"{prefix}p50_ms": 1e3 * percentile(values, 0.5),
        f"{prefix}p99_ms": 1e3 * percentile(values, 0.99),
        f"{prefix}max_ms": 1e3 * max(values, default=float("nan")),
    }


def waits(crowd: Crowd, since: dict[int, float]) -> list[float]:
    """For each receipt of each of these events, how long after its time there it came."""
    return [
        max(0.0, when - since[seq])
        for start, to, when in crowd.log or ()
        for seq in range(start + 1, to + 1)
        if seq in since
    ]


def paced(crowd: Crowd, writer: Writer, rate: float, seconds: float) -> None:
    """Let changes be made, until all have been told of all."""
    writer.pace(rate, seconds)
    crowd.pump.run(seconds)
    writer.settle()
    crowd.aim(writer.head)
    if not crowd.pump.run(LATE_SECONDS, crowd.all_arrived):
        raise RuntimeError(f"{crowd.arrived} of {len(crowd.members)} have been told of all")
    crowd.check()


def latency(
    stage: Stage, seconds: float, *, clients: int, rate: float, across: bool = False
) -> dict[str, float]:
    """Counted from the answer to whoever made the change, and from when its request was due."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(stage.serving())
        writing = stack.enter_context(stage.serving()) if across else server
        pump = stack.enter_context(pumping())
        crowd = Crowd(pump)
        crowd.open(server.port, stage.streams(clients))
        paced(crowd, Writer(pump, writing.port, stage.changes()), rate, WARM_SECONDS)
        writer = Writer(pump, writing.port, stage.changes())
        crowd.log, frames, cpu = [], crowd.frames, server.cpu()
        paced(crowd, writer, rate, seconds)
        used = server.cpu() - cpu
        found = waits(crowd, writer.answered)
        if len(found) != clients * writer.done:
            raise RuntimeError(f"{len(found)} receipts of {clients * writer.done}")
        crowd.close()
        answers = [writer.answered[seq] - due for seq, due in writer.due.items()]
        return {
            **described(found),
            **described(waits(crowd, writer.due), "from_due_"),
            **described(answers, "answer_"),
            "receipts": len(found),
            "cpu_us": 1e6 * used / max(1, crowd.frames - frames),
            "cpu_share": used / seconds,
        }


def hot(stage: Stage, seconds: float, *, clients: int, rate: float) -> dict[str, float]:
    """How many changes a second are answered, and how many transactions were for nothing."""
    with stage.serving() as server, pumping() as pump:
        crowd = Crowd(pump)
        crowd.open(server.port, stage.streams(clients))
        paced(crowd, Writer(pump, server.port, stage.changes()), rate, WARM_SECONDS)
        writer = Writer(pump, server.port, stage.changes(), connections=64)
        before, cpu, begun = stage.transactions(), server.cpu(), time.monotonic()
        crowd.log, frames, events = [], crowd.frames, crowd.events
        paced(crowd, writer, rate, seconds)
        used = server.cpu() - cpu
        after = stage.transactions()
        lasted = max(writer.answered.values()) - begun
        crowd.close()
        started = after["totalStarted"] - before["totalStarted"]
        return {
            "rate": writer.done / lasted,
            "aborted": (after["totalAborted"] - before["totalAborted"]) / max(1, started),
            "commits_a_transaction": writer.done / max(1, started),
            **described(waits(crowd, writer.answered)),
            **described([writer.answered[seq] - due for seq, due in writer.due.items()], "answer_"),
            "events_a_frame": (crowd.events - events) / max(1, crowd.frames - frames),
            "cpu_us": 1e6 * used / max(1, crowd.frames - frames),
            "cpu_share": used / lasted,
        }
