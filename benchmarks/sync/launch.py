"""`pastis serve` on one core: `python -m benchmarks.sync.launch PORT CORE`."""

import os
import resource
import sys
from pathlib import Path

from benchmarks.sync import sampler


def raise_limit() -> None:
    """As many open files as this machine allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main() -> None:
    port, core = sys.argv[1:]
    os.sched_setaffinity(0, {int(core)})
    raise_limit()
    if "BENCH_PROFILE" in os.environ:
        sampler.start(Path(os.environ["BENCH_PROFILE"]) / f"profile-{os.getpid()}.txt")
    from app.cli import main as pastis

    sys.argv = ["pastis", "serve", "--port", port]
    pastis()


if __name__ == "__main__":
    main()
