"""The same operations, as each server takes them: reads in all projects, writes in one."""

import itertools
import json
import random
from collections.abc import Callable, Sequence

from benchmarks import load
from benchmarks.sync.stage import Stage

ONE, LIST, CREATE, PATCH = "one task", "list of 50", "create", "patch"
FOUR = (ONE, LIST, CREATE, PATCH)
SEARCH, FILTER = "search", "filter"
WORD = "keyboard"
TITLE = "Focus is lost when the dialog closes"
SOME = 2000
SEED = 1


def _any_of(chance: random.Random, requests: Sequence[bytes]) -> load.Next:
    return lambda: chance.choice(requests)


def _titled(chance: random.Random, ids: Sequence[str], write: Callable[[str, bytes], bytes]) -> load.Next:
    """Changes without end, each of which gives some task a title that none has had."""
    numbers = itertools.count()

    def following() -> bytes:
        body = json.dumps({"title": f"Focus is lost when dialog {next(numbers)} closes"})
        return write(chance.choice(ids), body.encode())

    return following


def contended(stage: Stage) -> list[str]:
    """The tasks that are changed: those of the first project."""
    return stage.made.task_ids[: len(stage.made.task_ids) // len(stage.made.project_ids)]


def bare() -> dict[str, load.Next]:
    request = load.request("GET", "/")
    return {ONE: lambda: request}


def pastis(stage: Stage) -> dict[str, load.Next]:
    chance, made, tasks = random.Random(SEED), stage.made, f"{stage.base}/tasks"

    def get(path: str) -> bytes:
        return load.request("GET", f"{tasks}{path}", made.tokens[0])

    def write(id_: str, body: bytes) -> bytes:
        return load.request("PATCH", f"{tasks}/{id_}", made.tokens[0], body)

    new = json.dumps({"project_id": made.project_ids[0], "title": TITLE}).encode()
    create = load.request("POST", tasks, made.tokens[0], new)
    ones = chance.sample(made.task_ids, min(SOME, len(made.task_ids)))
    return {
        ONE: _any_of(chance, [get(f"/{id_}") for id_ in ones]),
        LIST: _any_of(chance, [get(f"?project={id_}&sort=rank&limit=50") for id_ in made.project_ids]),
        CREATE: lambda: create,
        PATCH: _titled(chance, contended(stage), write),
        SEARCH: _any_of(chance, [get(f"?q={WORD}&limit=50")]),
        FILTER: _any_of(chance, [get("?priority=urgent&sort=due&limit=50")]),
    }


def naive(stage: Stage) -> dict[str, load.Next]:
    chance, made = random.Random(SEED), stage.made
    create = json.dumps({"project_id": made.project_ids[0], "title": TITLE}).encode()
    ones = chance.sample(made.task_ids, min(SOME, len(made.task_ids)))
    lists = [load.request("GET", f"/tasks?project_id={id_}") for id_ in made.project_ids]
    return {
        ONE: _any_of(chance, [load.request("GET", f"/tasks/{id_}") for id_ in ones]),
        LIST: _any_of(chance, lists),
        CREATE: lambda: load.request("POST", "/tasks", body=create),
        PATCH: _titled(chance, contended(stage), _patch),
    }


def plain(stage: Stage) -> dict[str, load.Next]:
    return {PATCH: _titled(random.Random(SEED), contended(stage), _patch)}


def _patch(id_: str, body: bytes) -> bytes:
    return load.request("PATCH", f"/tasks/{id_}", body=body)
