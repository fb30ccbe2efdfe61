"""Deletes each guard and looks whether a test fails: `make mutate-guards`.

What killed a guard is remembered in .mutation/, so that another run asks that test first. Ends with 1 where a
guard survives that `equivalents.py` does not know.
"""

import argparse
import atexit
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mutation.equivalents import EQUIVALENT
from mutation.guards import ROOT, Guard, guards

CACHE = Path(os.environ.get("MUTATION_CACHE", ROOT / ".mutation"))
KILLERS = CACHE / "killers.json"
MAP = CACHE / "tests.json"
TESTS = ("app/tests/test_api", "app/tests/test_cli", "app/tests/test_database/core", "app/tests/test_domain")
# They start programs of their own, in which no guard is deleted, or try thousands of values on schemas.
LEFT_OUT = (
    "test_bad_inputs.py",
    "test_bad_values.py",
    "test_canaille.py",
    "test_docs.py",
    "test_openapi.py",
    "test_schemathesis.py",
)
# What a test that failed leaves behind would be told of in the next one.
_WITHOUT = ("-p", "no:cacheprovider", "-p", "no:unraisableexception", "-p", "no:threadexception")
TEST_SECONDS = 60
# How tests are called that let something come to its end.
_ENDS = "end|expire|last|life|live|minute|hour|day|time"
HANG_SECONDS = 150
"""Without a test that ends: longer than a start of the tests takes, and the limit of one."""
RUN_SECONDS = 3600

Judgement = dict[str, Any]


def start(name: str, plan: Judgement, tests: Sequence[str]) -> subprocess.Popen[bytes]:
    path = CACHE / f"{name}.plan.json"
    path.write_text(json.dumps(plan))
    ignored = [f"--ignore-glob=*{one}" for one in LEFT_OUT]
    quiet = ["-q", "-n", "0", *_WITHOUT, "--tb=line", f"--timeout={TEST_SECONDS}"]
    command = [sys.executable, "-m", "pytest", "-p", "mutation.plugin", *quiet, *ignored, *tests]
    with (CACHE / f"{name}.log").open("ab") as log:
        environment = os.environ | {"MUTATION_PLAN": str(path)}
        environment.pop("PASTIS_TEST_DATABASE_URL", None)  # each process has a database server of its own
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    atexit.register(end, process)
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    """Interrupt it as Ctrl-C would, so that it ends its database too."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def find_tests(
    wanted: Sequence[Guard], tests: Sequence[str], processes: int, *, anew: bool
) -> dict[str, list[str]]:
    """The tests that come to each guard, those that it refuses something in first, then the quickest."""
    keys = [guard.key for guard in wanted]
    if MAP.exists() and not anew:
        came = json.loads(MAP.read_text())
        if came.keys() >= set(keys):
            return {guard.key: ordered(guard, came[guard.key]) for guard in wanted if guard.kind != "route"}
    outs = [CACHE / f"map{number}.json" for number in range(processes)]
    running = [
        start(
            f"map{n}",
            {"guards": keys, "tests": None, "share": n, "shares": processes, "out": str(out)},
            tests,
        )
        for n, out in enumerate(outs)
    ]
    for process in running:
        process.wait(RUN_SECONDS)
    came = {}
    for out in outs:
        found = json.loads(out.read_text())
        if found["failed"]:
            print("these tests fail with all guards in their place:", *found["failed"], sep="\n  ")
        for key, of_guard in found["came"].items():
            came.setdefault(key, {}).update(of_guard)
    MAP.write_text(json.dumps(came))
    return {guard.key: ordered(guard, came[guard.key]) for guard in wanted if guard.kind != "route"}


def ordered(guard: Guard, came: dict[str, tuple[bool, float]]) -> list[str]:
    room = Path(guard.path).parent.name

    hint = _ENDS if "expires" in guard.text else room

    def rank(test: str) -> tuple[bool, bool, bool, float]:
        refuses, took = came[test]
        return not refuses, not re.search(hint, test), f"/{room}/" not in test, took

    # Where nothing is refused, no refusal makes no difference; a call may do more than refuse.
    tried = came if guard.kind in ("call", "query") else (one for one in came if came[one][0])
    return sorted(tried, key=rank)


def judge(
    wanted: Sequence[Guard], candidates: dict[str, list[str]], tests: Sequence[str], processes: int
) -> dict[str, Judgement]:
    """What became of each guard; a process that a guard has spoilt or hung is followed by another."""
    judged: dict[str, Judgement] = {}
    shares = {n: list(wanted[n::processes]) for n in range(min(processes, len(wanted)))}
    running = {n: begin(n, share, candidates, tests) for n, share in shares.items()}
    while running:
        time.sleep(0.5)
        for number, process in list(running.items()):
            out = CACHE / f"judge{number}.jsonl"
            hangs = time.time() - out.stat().st_mtime > HANG_SECONDS
            if process.poll() is None and not hangs:
                continue
            end(process)
            found = [json.loads(line) for line in out.read_text().splitlines()]
            learnt = {one["key"]: one for one in found if not one["spoilt"] or one is found[0]}
            remember(list(learnt.values()))
            judged |= learnt
            left = [guard for guard in shares[number] if guard.key not in judged]
            if left and hangs:
                judged[left[0].key] = {"killer": "a test that hangs", "tried": 1}
            elif left and not any(one["spoilt"] for one in found):
                raise SystemExit(f"a process ended: see {CACHE / f'judge{number}.log'}")
            left = [guard for guard in left if guard.key not in judged]
            del running[number]
            if left:
                running[number] = begin(number, left, candidates, tests)
    return judged


def begin(
    number: int, share: list[Guard], candidates: dict[str, list[str]], tests: Sequence[str]
) -> subprocess.Popen[bytes]:
    out = CACHE / f"judge{number}.jsonl"
    out.write_text("")
    named = {guard.key: candidates[guard.key] for guard in share if guard.key in candidates}
    keys = [guard.key for guard in share]
    plan = {"guards": keys, "tests": named, "share": 0, "shares": 1, "out": str(out)}
    return start(f"judge{number}", plan, tests)


def run(arguments: argparse.Namespace) -> dict[str, Judgement]:
    wanted = [one for one in guards() if re.search(arguments.only, str(one)) and one.key not in EQUIVALENT]
    known = json.loads(KILLERS.read_text()) if KILLERS.exists() and not arguments.anew else {}
    remembered = [guard for guard in wanted if guard.key in known]
    judged: dict[str, Judgement] = {}
    if remembered:
        candidates = {guard.key: [known[guard.key]] for guard in remembered}
        files = sorted({known[guard.key].partition("::")[0] for guard in remembered})
        judged |= judge(remembered, candidates, files, arguments.processes)
    left = [guard for guard in wanted if not judged.get(guard.key, {}).get("killer")]
    if left:
        candidates = {}
        if any(guard.kind != "route" for guard in left):
            candidates = find_tests(left, arguments.tests, arguments.processes, anew=arguments.look)
        judged |= judge(left, candidates, arguments.tests, arguments.processes)
    return judged


def remember(judged: Sequence[Judgement]) -> None:
    known = json.loads(KILLERS.read_text()) if KILLERS.exists() else {}
    known |= {one["key"]: one["killer"] for one in judged if one["killer"]}
    KILLERS.write_text(json.dumps(known, indent=1, sort_keys=True))


def report(judged: dict[str, Judgement], seconds: float) -> bool:
    """Print what became of the guards; whether all were missed by some test."""
    by_key = {guard.key: guard for guard in guards()}
    kinds = Counter(by_key[key].kind for key in judged)
    survivors = [key for key, one in judged.items() if not one["killer"]]
    left = Counter(by_key[key].kind for key in survivors)
    for kind, count in sorted(kinds.items()):
        print(f"{kind:10}{count - left[kind]:5} of {count:4} killed")
    for key in sorted(survivors):
        print(f"survives: {by_key[key]} ({judged[key]['tried']} tests tried)")
    unknown = sorted(EQUIVALENT.keys() - by_key.keys())
    for key in unknown:
        print(f"equivalents.py names what is not there: {key}")
    killed = len(judged) - len(survivors)
    minutes = f"{seconds / 60:.1f} minutes"
    print(f"{killed} of {len(judged)} guards killed, {len(EQUIVALENT)} equivalent, in {minutes}")
    return not survivors and not unknown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="guards whose line, as it is printed, has this expression")
    parser.add_argument("--tests", nargs="+", default=TESTS, help="where tests are looked for")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--look", action="store_true", help="find anew which tests come to which guard")
    parser.add_argument("--anew", action="store_true", help="remember nothing")
    arguments = parser.parse_args()
    CACHE.mkdir(exist_ok=True)
    began = time.monotonic()
    judged = run(arguments)
    sys.exit(0 if report(judged, time.monotonic() - began) else 1)


if __name__ == "__main__":
    main()
