"""What the guards cost: the same tasks from Pastis and from Pastis without them, by turns."""

import random
import statistics
from functools import partial
from typing import Any

from benchmarks import load
from benchmarks.processes import CONNECTIONS, measure, serving
from benchmarks.seed import Seed

WANTED = 0.80
"""The share of the throughput that must be left, at least."""
TASKS = 2000


async def cost(
    made: Seed, environment: dict[str, str], *, pairs: int, seconds: float
) -> dict[str, float | list[float]]:
    """Both serve all the while, and one of them is asked at a time, now the one first and now the other.

    So what else the machine does hits both, and the ratio is taken inside each pair.
    """
    sources = _sources(made)
    rates: dict[str, list[dict[str, float]]] = {"pastis": [], "unguarded": []}
    with serving("pastis", environment) as pastis, serving("unguarded", environment) as unguarded:
        servers = [("pastis", pastis), ("unguarded", unguarded)]
        for pair in range(pairs):
            for name, (port, pid) in servers[:: 1 if pair % 2 else -1]:
                rates[name].append(await measure(port, pid, sources, seconds))
    ratios = [
        one["rate"] / other["rate"] for one, other in zip(rates["pastis"], rates["unguarded"], strict=True)
    ]
    return {
        "wanted": WANTED,
        "ratio": statistics.median(ratios),
        "ratios": ratios,
        "guarded_rate": statistics.median(one["rate"] for one in rates["pastis"]),
        "unguarded_rate": statistics.median(one["rate"] for one in rates["unguarded"]),
        "guarded_cpu_us": statistics.median(one["cpu_us"] for one in rates["pastis"]),
        "unguarded_cpu_us": statistics.median(one["cpu_us"] for one in rates["unguarded"]),
    }


def _sources(made: Seed) -> list[load.Next]:
    """Each connection has a login of its own."""
    chance = random.Random(3)
    ids = chance.sample(made.task_ids, min(TASKS, len(made.task_ids)))
    paths = [f"/api/v1/workspaces/{made.slug}/tasks/{id_}" for id_ in ids]
    return [
        partial(chance.choice, [load.request("GET", path, token) for path in paths])
        for token in made.tokens[:CONNECTIONS]
    ]


def show(found: dict[str, Any]) -> None:
    print(
        f"\none task, guarded / unguarded: {found['ratio']:.3f} of {found['wanted']:.2f} wanted "
        f"({min(found['ratios']):.3f} to {max(found['ratios']):.3f} in {len(found['ratios'])} pairs; "
        f"{found['guarded_rate']:.0f} and {found['unguarded_rate']:.0f} req/s, "
        f"{found['guarded_cpu_us']:.0f} and {found['unguarded_cpu_us']:.0f} us of CPU)"
    )
