"""Clients write to one workspace while processes are killed: `python -m chaos.writes --rounds 20`."""

import argparse
import asyncio
import random
import secrets
import shutil
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from chaos.rounds import Kill, Plan, Round, play

_SHOWN = 20


def main() -> int:
    arguments = _read_arguments()
    plan = Plan(arguments.seconds, arguments.clients, Kill(arguments.kill), arguments.away)
    chance = random.Random(arguments.seed)
    print(
        f"{arguments.rounds} rounds of {plan.seconds:g} s, {plan.clients} clients, kill {plan.kill}, "
        f"seed {arguments.seed}",
        flush=True,
    )
    rounds = [_play(plan, number, arguments.rounds, chance) for number in range(1, arguments.rounds + 1)]
    print(summary(rounds))
    return 1 if any(one.violations for one in rounds) else 0


def _play(plan: Plan, number: int, count: int, chance: random.Random) -> Round:
    folder = Path(tempfile.mkdtemp(prefix="pastis-chaos-"))
    try:
        played = asyncio.run(play(plan, number, folder, chance))
    except Exception as error:  # noqa: BLE001 - one round that could not be played must not hide the others
        played = Round(plan.kill.in_round(number))
        played.violations.append(f"the round could not be played: {error!r}")
    print(f"Round {number:2}/{count}: {line(played)}", flush=True)
    for violation in played.violations[:_SHOWN]:
        print(f"  {violation}", flush=True)
    if played.violations:
        print(f"  {len(played.violations)} violations; everything is kept in {folder}", flush=True)
    else:
        shutil.rmtree(folder)
    return played


def line(played: Round) -> str:
    """What happened in a round, on one line."""
    ledger = played.ledger
    replayed = sum(answer.replayed for answer in ledger.acknowledged)
    return (
        f"{played.kill} killed at {played.killed_after:.1f} s, {len(ledger.acknowledged):,} writes "
        f"acknowledged ({replayed} of them by the recorded answer), {ledger.retries} retries "
        f"({ledger.unavailable} after 503), {len(ledger.refused)} refused, {played.silence:.2f} s without "
        f"service, {played.findings.events:,} events: {len(played.violations)} violations"
    )


def summary(rounds: Sequence[Round]) -> str:
    """The figures of all rounds together."""
    violations = [violation for one in rounds for violation in one.violations]
    silences = sorted(one.silence for one in rounds)
    lost = sum("acknowledged" in one for one in violations)
    acknowledged = [answer for one in rounds for answer in one.ledger.acknowledged]
    return "\n".join(
        [
            f"Acknowledged writes: {len(acknowledged):,}",
            f"Retries: {sum(one.ledger.retries for one in rounds):,}",
            f"Done, answer lost, asked again, done once: {sum(one.replayed for one in acknowledged):,}",
            f"Without service: median {statistics.median(silences):.2f} s, longest {silences[-1]:.2f} s",
            f"Acknowledged writes lost or changed: {lost}",
            f"Gaps and duplicates in the sequence: {sum(one.startswith('sequence') for one in violations)}",
            f"Documents unlike their replayed log: {sum(one.startswith('document') for one in violations)}",
            f"Violations: {len(violations)}",
        ]
    )


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=30.0, help="how long the clients of a round write")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--kill", choices=list(Kill), default=Kill.MIXED, help="who gets SIGKILL")
    parser.add_argument(
        "--away", type=float, default=8.0, help="seconds that a killed database stays away from a living API"
    )
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="makes a run like another")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
