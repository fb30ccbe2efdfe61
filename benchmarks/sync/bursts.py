"""Much at once: connections, deliveries, and clients that all come back."""

import time

from benchmarks.sync.stage import Server, Stage
from benchmarks.sync.steady import LATE_SECONDS, paced, percentile, pumping, waits
from benchmarks.sync.wire import Crowd, Pump, Writer

WARM = 100
"""Connections after which a server has what it needs for any."""
QUIET_SECONDS = 2.0
STORM_SECONDS = 120.0
CALM_RATE = 3
"""Commits a second: 5,000 clients make 15,000 deliveries of that."""


def _told(crowd: Crowd, writer: Writer, seconds: float = LATE_SECONDS) -> float:
    """Make one change; how long it takes from its answer until all have been told."""
    seq = writer.one()
    crowd.aim(seq)
    if not crowd.pump.run(seconds, crowd.all_arrived):
        raise RuntimeError(f"{crowd.arrived} of {len(crowd.members)} have been told")
    crowd.check()
    return time.monotonic() - writer.answered[seq]


def connections(stage: Stage, count: int) -> dict[str, float]:
    with stage.serving() as server, pumping() as pump:
        crowd = Crowd(pump)
        writer = Writer(pump, server.port, stage.changes(), connections=1)
        crowd.open(server.port, stage.streams(WARM))
        _told(crowd, writer)
        memory, cpu, begun = server.memory(), server.cpu(), time.monotonic()
        crowd.open(server.port, stage.streams(count - WARM))
        opening, opened = server.cpu() - cpu, time.monotonic() - begun
        cpu = server.cpu()
        told = _told(crowd, writer)
        telling = server.cpu() - cpu
        pump.run(QUIET_SECONDS)
        crowd.check()
        held = crowd.arrived
        grown = server.memory() - memory
        crowd.close()
        return {
            "connections": held,
            "kib": grown / (count - WARM) / 1024,
            "all_current_s": told,
            "opened_s": opened,
            "open_cpu_us": 1e6 * opening / (count - WARM),
            "cpu_us": 1e6 * telling / count,
        }


def single(stage: Stage, seconds: float, *, clients: int) -> dict[str, float]:
    """The next change when all have been told of the last: no two can share a frame."""
    with stage.serving() as server, pumping() as pump:
        crowd = Crowd(pump)
        crowd.open(server.port, stage.streams(clients))
        writer = Writer(pump, server.port, stage.changes(), connections=1)
        for _ in range(3):
            _told(crowd, writer)
        frames, events, cpu, begun = *crowd.count(), server.cpu(), time.monotonic()
        while time.monotonic() - begun < seconds:
            _told(crowd, writer)
        return _rates(crowd, server, frames, events, cpu, begun)


def joined(stage: Stage, seconds: float, *, clients: int, rate: float, together: int) -> dict[str, float]:
    """Several changes a request, so several events a frame: whole, in one transaction."""
    with stage.serving() as server, pumping() as pump:
        crowd = Crowd(pump)
        crowd.open(server.port, stage.streams(clients))
        writer = Writer(pump, server.port, stage.changes(together))
        paced(crowd, writer, 10, 1)
        frames, events, cpu, begun = *crowd.count(), server.cpu(), time.monotonic()
        paced(crowd, writer, rate, seconds)
        return _rates(crowd, server, frames, events, cpu, begun)


def _rates(
    crowd: Crowd, server: Server, frames: int, events: int, cpu: float, begun: float
) -> dict[str, float]:
    lasted, used = time.monotonic() - begun, server.cpu() - cpu
    frames, events = crowd.frames - frames, crowd.events - events
    crowd.close()
    return {
        "rate": events / lasted,
        "frames": frames / lasted,
        "events_a_frame": events / frames,
        "cpu_us": 1e6 * used / frames,
        "cpu_share": used / lasted,
    }


def reconnect(stage: Stage, seconds: float, *, clients: int, others: int) -> dict[str, float]:
    """Of those who are there, most leave, miss something, and come back at the same moment."""
    with stage.serving() as server, pumping() as pump:
        staying, coming = Crowd(pump), Crowd(pump)
        staying.open(server.port, stage.streams(others))
        coming.open(server.port, stage.streams(clients))
        before = _latency(pump, staying, Writer(pump, server.port, stage.changes()), seconds)
        cursors = [one.cursor for one in coming.members]
        coming.check()
        coming.close()
        pump.run(QUIET_SECONDS)
        writer = Writer(pump, server.port, stage.changes())
        writer.pace(CALM_RATE, STORM_SECONDS)
        pump.run(1)
        staying.log, cpu, begun = [], server.cpu(), time.monotonic()
        back = Crowd(pump)
        back.aim(writer.head)
        back.open(server.port, stage.streams(clients, cursors), together=clients)
        if not pump.run(STORM_SECONDS, back.all_arrived):
            raise RuntimeError(f"{back.arrived} of {clients} are current")
        current, used = time.monotonic() - begun, server.cpu() - cpu
        pump.run(1)
        for crowd in (staying, back):
            crowd.check()
        during = waits(staying, writer.answered)
        late = [when - due for when, due in _answers(writer, begun, begun + current)]
        staying.close()
        back.close()
        p99 = percentile(during, 0.99)
        return {
            "current_s": current,
            "times_p99": p99 / percentile(before, 0.99),
            "before_p99_ms": 1e3 * percentile(before, 0.99),
            "during_p99_ms": 1e3 * p99,
            "during_answer_p99_ms": 1e3 * percentile(late, 0.99),
            "refused": back.refused,
            "cpu_us": 1e6 * used / clients,
        }


def _latency(pump: Pump, crowd: Crowd, writer: Writer, seconds: float) -> list[float]:
    paced(crowd, writer, CALM_RATE, 1)
    crowd.log = []
    paced(crowd, writer, CALM_RATE, seconds)
    pump.run(0.1)
    return waits(crowd, writer.answered)


def _answers(writer: Writer, begin: float, end: float) -> list[tuple[float, float]]:
    return [(writer.answered[seq], due) for seq, due in writer.due.items() if begin <= due <= end]
