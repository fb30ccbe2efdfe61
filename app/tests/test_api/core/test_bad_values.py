"""Every member of every JSON body with every value that it may not have, as its schema tells."""

from typing import Any

import pytest

from app.core.errors import ErrorCode
from app.tests.test_api.core.attempts import ABSENT, attempts
from app.tests.test_api.core.routes import BY_ID, WITH_JSON, Operation, Spec, resolve
from app.tests.test_api.core.world import World
from app.utils.ids import new_id

pytestmark = [pytest.mark.anyio, pytest.mark.uncounted]

INVALID = ErrorCode.VALIDATION_FAILED
BROKEN = ErrorCode.MALFORMED_JSON
LINES = {"display_name", "key", "name", "source", "title"}
"""What is one line that people read."""
EMPTY = {
    *("create_invitation", "create_membership", "create_reauthentication", "rank_task", "refresh_login"),
    *("start_identity", "start_oidc_login"),
}
"""Routes that need no member of their body."""
BLOCKS = {"body", "description"}
"""What is Markdown."""
REFERENCES = {
    *(
        "after_id",
        "before_id",
        "default_status_id",
        "into_id",
        "lead_id",
        "parent_id",
        "project_id",
        "reporter_id",
    ),
    "status_id",
}
SETS = {"assignee_ids", "label_ids", "member_ids"}
FREE = {
    *("browser_token", "challenge", "code", "current_password", "device_token", "email", "invitation", "iss"),
    *("password", "refresh_token", "state", "token"),
}
"""Texts in which any character may stand; they are compared or hashed, not shown."""
READ_ONLY = (
    *("version", "created_at", "updated_at", "workspace_id", "_id", "key_", "keys", "derived", "rank"),
    *("archived_at", "trashed_at", "removed_at", "completed_at", "author_id", "task_id"),
    *("user_id", "password_hash", "active", "folded", "last_task_number", "last_rank", "former_keys"),
)
STRANGE = ("$set", "$where", "a.b", "__proto__", "constructor", "", " ", "Title", "NAME", "x" * 300)
NOT_TEXT: tuple[Any, ...] = (
    0,
    1,
    1.5,
    True,
    False,
    [],
    ["x"],
    {},
    {"$ne": None},
    {"$gt": ""},
    {"$regex": ".*"},
)
INVISIBLE = ("", " ", "\t", "\u200b", "\u2060\ufeff", "\u00a0", "\u3164", "\u2800", "\U000e0020", "\n")
UNSAFE = ("a\nb", "a\rb", "a\r\nb", "a\tb", "a\x1bb", "a\x7fb", "a\u202eb", "a\u2066b", "a\u2028b", "a\x85b")
UNSTORABLE = ("a\x00b", "a\ud800b")
"""JSON that is not even read."""
MALFORMED_IDS = (
    "",
    "x",
    "1",
    ABSENT.upper(),
    ABSENT[:-1],
    ABSENT + "0",
    ABSENT.replace("-", ""),
    f" {ABSENT}",
)
OTHER_VERSIONS = (ABSENT[:14] + "4" + ABSENT[15:], "00000000-0000-0000-0000-000000000000", f"{{{ABSENT}}}")
DATES = ("", "yesterday", "2026-02-30", "2026-13-01", "26-01-01", "2026-1-1", "20261201", "2026-W01-1")
TIMES = (
    "2026-12-01T00:00:00",
    "2026-12-01T00:00:00Z",
    "2026-12-01 ",
    "0000-01-01",
    "٢٠٢٦-١٢-٠١",
    1_700_000_000,
)
NUMBERS: tuple[Any, ...] = ("3", "", True, False, -1, -0.5, 1_000_001, 1e300, [], {}, {"$inc": 1}, [3])
WHOLE_NUMBERS: tuple[Any, ...] = ("3", "", True, False, 0, -1, 1.5, 10**9, 2**53, 1e300, [], {}, {"$inc": 1})
FLAGS: tuple[Any, ...] = (0, 1, "true", "yes", "", "on", [], {}, 1.0)

Bad = tuple[Any, ErrorCode]


def bad_values(name: str, schema: Spec) -> list[Bad]:
    """Every value that a member may not have, with the code of its refusal."""
    schema = resolve(schema)
    values: list[Bad] = [] if schema.get("nullable") else [(None, INVALID)]
    match schema:
        case {"const": only}:
            others: tuple[Any, ...] = (*NOT_TEXT, "", f"{only} ")
            values += [(other, INVALID) for other in others]
        case {"enum": choices}:
            values += [
                (one, INVALID)
                for one in (*NOT_TEXT, "nonsense", "", str(choices[0]).upper(), f"{choices[0]} ")
            ]
        case {"type": "string"}:
            values += bad_texts(name, schema)
        case {"type": "array"}:
            values += bad_arrays(name)
        case {"type": "number"}:
            values += [(one, INVALID) for one in NUMBERS]
        case {"type": "integer"}:
            values += [(one, INVALID) for one in WHOLE_NUMBERS]
        case {"type": "boolean"}:
            values += [(one, INVALID) for one in FLAGS]
        case {"type": "object"}:
            values += bad_objects(schema)
        case _:
            raise AssertionError(f"say here what {name} refuses: {schema}")
    return values


def bad_objects(schema: Spec) -> list[Bad]:
    good = schema["examples"][0]
    wrong: tuple[Any, ...] = ("x", 1, True, [], {})
    if schema.get("additionalProperties") is False:  # else it is a browser's, which may know more members
        wrong = (*wrong, {**good, "x": 1})
    values: list[Bad] = [(one, INVALID) for one in wrong]
    for name, inner in schema["properties"].items():
        values += [({**good, name: value}, code) for value, code in bad_values(name, inner)]
    return values


def bad_texts(name: str, schema: Spec) -> list[Bad]:
    values: list[Bad] = [(one, INVALID) for one in NOT_TEXT]
    values += [(one, BROKEN) for one in UNSTORABLE]
    if schema.get("minLength", 0) > 0:
        values += [("", INVALID), ("x" * (schema["minLength"] - 1), INVALID)]
    if "maxLength" in schema:
        values += [("x" * (schema["maxLength"] + 1), INVALID), ("é" * (schema["maxLength"] + 1), INVALID)]
    if schema.get("format") == "uuid":
        values += [(one, INVALID) for one in (*MALFORMED_IDS, *OTHER_VERSIONS)]
    elif schema.get("format") == "date":
        values += [(one, INVALID) for one in (*DATES, *TIMES)]
    elif schema.get("format") == "date-time":
        naive = ("2096-12-01", "2096-12-01T00:00:00", "2096-02-30T00:00:00Z", "2096-12-01T25:00:00Z")
        values += [(one, INVALID) for one in (*DATES, *naive)]
    elif "pattern" in schema:
        values += [(one, INVALID) for one in (*INVISIBLE, *UNSAFE, "$ne", "a b", "é", "a/b")]
    else:
        values += [(one, INVALID) for one in unsafe_texts(name)]
    if name in REFERENCES:
        values += [(ABSENT, ErrorCode.NOT_FOUND)]
    if name in REFERENCES and "format" not in schema:
        values += [(one, ErrorCode.NOT_FOUND) for one in ("NOPE", "NOPE-1", "$ne", "../x", ABSENT.upper())]
    return values


def unsafe_texts(name: str) -> tuple[str, ...]:
    if name in LINES:
        return *INVISIBLE, *UNSAFE
    if name in BLOCKS:
        empty = (*INVISIBLE, "\n\t\n", "\u200b \u200d\n\ufeff") if name == "body" else ()
        return *empty, "a\x07b", "a\x1b[2Jb", "a\rb", "\x0b"
    assert name in FREE | REFERENCES, f"is {name} a line, a block or free?"
    return ()


BAD_VERSIONS: tuple[Any, ...] = (0, -1, 1.5, "1", True, [], 2**60)
BAD_PATCHES: tuple[Any, ...] = (None, [], "x", {"titel": "x"})
BAD_OPERATIONS: tuple[Any, ...] = (
    *(None, "x", 0, {}, True, [], [None], ["x"], [[]], [{}], [{"action": "create"}]),
    *([{"action": "delete", "task": "FLUID-1"}], [{"action": ["trash"], "task": "FLUID-1"}]),
    *([{"action": "trash", "task": "FLUID-1", "body": {}}], [{"action": "trash"}]),
    *([{"action": "trash", "task": 1}], [{"action": "trash", "task": "FLUID-1", "colour": 1}]),
    *([{"action": "trash", "task": "FLUID-1", "version": one}] for one in BAD_VERSIONS),
    *([{"action": "update", "task": "FLUID-1", "body": one}] for one in BAD_PATCHES),
    [{"action": "trash", "task": "FLUID-1"}] * 101,
)


def bad_arrays(name: str) -> list[Bad]:
    if name == "operations":
        return [(one, INVALID) for one in BAD_OPERATIONS]
    if name == "transports":
        lists: tuple[Any, ...] = (None, "x", 0, {}, True, [None], [1], ["x" * 33], ["x"] * 11)
        return [(one, INVALID) for one in lists]
    if name == "scopes":
        scopes: tuple[Any, ...] = (None, "x", 0, {}, [], [None], [1], ["task:fly"], ["task:read"] * 2)
        return [(one, INVALID) for one in (*scopes, ["task"], ["x" * 61 + ":*"], [{"$ne": None}])]
    if name == "permissions":
        named: tuple[Any, ...] = (None, "x", 0, {}, [], [None], [1], ["task:fly"], ["task:read"] * 2)
        return [(one, INVALID) for one in named]
    assert name in SETS, f"what stands in {name}?"
    wrong: tuple[Any, ...] = (None, "x", 0, {}, True, {"$ne": None}, [None], [1], [{"$ne": None}], [[ABSENT]])
    malformed = [[one] for one in (*MALFORMED_IDS, *OTHER_VERSIONS)]
    long = [new_id() for _ in range(501)]
    return [
        *((one, INVALID) for one in (*wrong, *malformed, long, [ABSENT, ABSENT])),
        ([ABSENT], ErrorCode.NOT_FOUND),
    ]


@pytest.mark.parametrize("operation", WITH_JSON, ids=str)
async def test_bad_values(operation: Operation, world: World) -> None:
    schema = operation.body_schema
    async with attempts(world, operation) as found:
        for name, member in schema["properties"].items():
            for value, code in bad_values(name, member):
                answer = await found.send(json={**base(operation, found.body, name), name: value})
                found.expect(answer, (name, value), code)
                if code is INVALID and answer.status_code == 422:
                    pointers = [one["pointer"] for one in answer.json()["errors"]]
                    if not all(one.startswith(f"/{name}") for one in pointers):
                        found.wrong.append(f"{name}: {value!r:.80} is blamed on {pointers}")


def base(operation: Operation, body: Any, name: str) -> Any:
    """The valid body, without what may not stand beside this member."""
    if operation.id == "rank_task" and name in ("after_id", "before_id"):
        return {}
    return body


@pytest.mark.parametrize("operation", WITH_JSON, ids=str)
async def test_members_that_are_not_the_clients(operation: Operation, world: World) -> None:
    members = operation.body_schema["properties"]
    async with attempts(world, operation) as found:
        for name in (*READ_ONLY, *STRANGE):
            if name not in members:
                answer = await found.send(json={**found.body, name: None})
                found.expect(answer, name, INVALID)
                codes = [one["code"] for one in answer.json()["errors"]]
                assert codes == ["unknown_field"], name
        answer = await found.send(json={**found.body, **{f"x{number}": 1 for number in range(500)}})
        found.expect(answer, "many", INVALID)
        assert len(answer.json()["errors"]) <= 50
        assert operation.body_schema["additionalProperties"] is False


@pytest.mark.parametrize("operation", WITH_JSON, ids=str)
async def test_missing_members(operation: Operation, world: World) -> None:
    required = operation.body_schema.get("required", [])
    async with attempts(world, operation) as found:
        for name in required:
            body = {key: value for key, value in found.body.items() if key != name}
            answer = await found.send(json=body)
            found.expect(answer, name, INVALID)
            errors = [(one["pointer"], one["code"]) for one in answer.json()["errors"]]
            assert errors == [(f"/{name}", "missing")]
    assert required or operation.method == "PATCH" or operation.id in EMPTY


@pytest.mark.parametrize(
    "operation", [one for one in WITH_JSON if "id" in one.body_schema["properties"]], ids=str
)
async def test_an_id_that_is_taken(operation: Operation, world: World, other_world: World) -> None:
    """Here or in another workspace, which looks the same."""
    taken = await world.call(operation, world.owner)
    foreign = await other_world.call(operation, other_world.owner)
    async with attempts(world, operation) as found:
        for answer in (taken, foreign):
            body = await world.body(operation, found.values)
            answer = await found.send(json={**body, "id": answer.json()["id"]})  # noqa: PLW2901
            found.expect(answer, "taken", ErrorCode.ALREADY_EXISTS)


@pytest.mark.parametrize("operation", WITH_JSON, ids=str)
async def test_no_answer_repeats_what_was_sent(operation: Operation, world: World) -> None:
    canary = "canary-7f3a"
    async with attempts(world, operation) as found:
        for name in operation.body_schema["properties"]:
            for value in (f"{canary}\u202e" * 40_000, {canary: canary}, [canary, canary]):
                answer = await found.send(json={**found.body, name: value})
                assert answer.status_code >= 400, (name, answer.text)
                assert canary not in answer.text.replace(f"/{name}/{canary}", ""), name


async def test_dates_in_the_wrong_order(world: World) -> None:
    for name in ("create_task", "update_task"):
        async with attempts(world, BY_ID[name]) as found:
            body = {**found.body, "start_date": "2026-12-02", "due_date": "2026-12-01"}
            found.expect(await found.send(json=body), name, INVALID)
