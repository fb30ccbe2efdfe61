"""What is measured, one function a figure; each gives the numbers of one round."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.sync import bursts, history, steady
from benchmarks.sync.stage import Stage

Numbers = dict[str, float]


@dataclass(frozen=True)
class Want:
    """A bound on one of a figure's numbers."""

    number: str
    what: str
    bound: float
    unit: str
    at_most: bool = True

    def met(self, value: float) -> bool:
        return value <= self.bound if self.at_most else value >= self.bound


@dataclass(frozen=True)
class Figure:
    title: str
    measure: Callable[[Stage, float], Numbers]
    """Given how many seconds to take, where the length is free."""
    wants: tuple[Want, ...]


FIGURES: Mapping[str, Figure] = {
    "latency": Figure(
        "answered -> received, 200 clients, 20 commits/s",
        lambda stage, seconds: steady.latency(stage, seconds, clients=200, rate=20),
        (Want("p50_ms", "p50", 5, "ms"), Want("p99_ms", "p99", 25, "ms")),
    ),
    "across": Figure(
        "the same, written at one process, followed at another",
        lambda stage, seconds: steady.latency(stage, seconds, clients=200, rate=20, across=True),
        (Want("p50_ms", "p50", 8, "ms"), Want("p99_ms", "p99", 40, "ms")),
    ),
    "crowd": Figure(
        "answered -> received, 1,000 clients, 5 commits/s",
        lambda stage, seconds: steady.latency(stage, seconds, clients=1_000, rate=5),
        (Want("p99_ms", "p99", 60, "ms"),),
    ),
    "hot": Figure(
        "one hot workspace, 50 clients, 400 commits/s offered",
        lambda stage, seconds: steady.hot(stage, seconds, clients=50, rate=400),
        (
            Want("rate", "commits a second", 300, "", at_most=False),
            Want("aborted", "aborted", 0.01, "of transactions"),
        ),
    ),
    "connections": Figure(
        "10,000 connections of one process",
        lambda stage, _: bursts.connections(stage, 10_000),
        (
            Want("connections", "held, all current after a commit", 10_000, "", at_most=False),
            Want("kib", "memory a connection", 15, "KiB"),
        ),
    ),
    "single": Figure(
        "deliveries of one event a frame, 2,000 clients",
        lambda stage, seconds: bursts.single(stage, min(seconds, 10), clients=2_000),
        (Want("rate", "deliveries a second", 30_000, "", at_most=False),),
    ),
    "joined": Figure(
        "deliveries of several events a frame, 1,000 clients, 20 x 10 commits/s offered",
        lambda stage, seconds: bursts.joined(stage, min(seconds, 10), clients=1_000, rate=20, together=10),
        (Want("rate", "deliveries a second", 100_000, "", at_most=False),),
    ),
    "snapshot": Figure(
        "snapshot of 100,000 tasks",
        lambda stage, _: history.snapshot(stage),
        (Want("cold_s", "cold", 3, "s"), Want("cached_s", "cached", 0.3, "s")),
    ),
    "catch-up": Figure(
        "catch-up of 10,000 events",
        lambda stage, _: history.catch_up(stage, 10_000),
        (Want("log_ms", "from the log", 250, "ms"), Want("ring_ms", "from memory", 60, "ms")),
    ),
    "reconnect": Figure(
        "5,000 clients reconnecting at once, beside 200 that stay",
        lambda stage, seconds: bursts.reconnect(stage, min(seconds, 20), clients=5_000, others=200),
        (
            Want("current_s", "all current", 10, "s"),
            Want("times_p99", "p99 of those who stay, to before", 2, "times"),
        ),
    ),
}
