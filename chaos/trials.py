"""Each fault once, and what clients see of it: `python -m chaos.trials`."""

import argparse
import asyncio
import random
import secrets
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from chaos import client_trials, database_trials, process_trials
from chaos.chapters import SHOWN
from chaos.trial import NotHereError, Trial

Fault = Callable[[Trial], Awaitable[None]]
TRIALS: Mapping[str, Fault] = {
    "primary killed": database_trials.primary_killed,
    "primary cut off": database_trials.primary_cut_off,
    "disk full": database_trials.disk_full,
    "disk full, embedded database": database_trials.disk_full_embedded,
    "database 300 ms away": database_trials.slow,
    "database stalled for 10 s": database_trials.stalled,
    "large bodies, little memory": process_trials.little_memory,
    "clock an hour ahead, then behind": process_trials.clock_steps,
    "50 uploads at once": process_trials.uploads,
    "500 who dribble": client_trials.dribbling,
    "100 who read nothing": client_trials.reading_nothing,
}
_HEAD = "| fault | told instead | acknowledged, lost | without an accepted write | after its end | seen |"


async def play(name: str, folder: Path, chance: random.Random, part: float = 1.0) -> Trial:
    """In an empty folder. Ends all that it started, also where it fails."""
    trial = Trial(name, folder, chance, part)
    try:
        await TRIALS[name](trial)
    except NotHereError as error:
        trial.see(f"not tried: {error}")
    return trial


def line(trial: Trial) -> str:
    told = ", ".join(f"{what}: {times:,}" for what, times in trial.told.most_common())
    after = "" if trial.recovery is None else f"{trial.recovery:.2f} s"
    lost = f"{trial.acknowledged:,}, {len(trial.violations)}"
    seen = "; ".join(trial.seen)
    return f"| {trial.name} | {told or 'nothing'} | {lost} | {trial.silence:.2f} s | {after} | {seen} |"


def main() -> int:
    arguments = _read_arguments()
    chance = random.Random(arguments.seed)
    print(f"seed {arguments.seed}\n{_HEAD}\n|{'---|' * _HEAD.count(' | ')}---|", flush=True)
    bad = [name for name in arguments.only or TRIALS if not _play(name, chance)]
    print(f"Result: {'good' if not bad else f'NOT GOOD: {bad}'}")
    return 1 if bad else 0


def _play(name: str, chance: random.Random) -> bool:
    folder = Path(tempfile.mkdtemp(prefix="pastis-chaos-"))
    try:
        trial = asyncio.run(play(name, folder, chance))
    except Exception as error:  # noqa: BLE001 - one that could not be played must not hide the others
        trial = Trial(name, folder, chance)
        trial.violations.append(f"it could not be played: {error!r}")
    print(line(trial), flush=True)
    for violation in trial.violations[:SHOWN]:
        print(f"  {violation}", flush=True)
    if not trial.violations:
        shutil.rmtree(folder)
    return not trial.violations


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=list(TRIALS), action="append", help="one fault, or several")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="makes a run like another")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
