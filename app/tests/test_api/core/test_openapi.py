"""The description of the API: complete, true to its own examples and to the answers, and committed."""

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from pydantic import TypeAdapter

from app.schemas.problems import Problem
from app.tests.support.clients import ok, refused
from app.tests.test_api.core.places import PLACES
from app.tests.test_api.core.routes import (
    CLOSED,
    DOCUMENT,
    OPERATIONS,
    PROBLEM,
    SCHEMAS,
    Operation,
    Spec,
)
from app.tests.test_api.core.world import World

pytestmark = pytest.mark.anyio

COMMITTED = Path(__file__).parents[4] / "docs" / "openapi.json"
OBJECTS = [name for name, schema in SCHEMAS.items() if schema.get("type") == "object"]
PARTS = {
    *("ActorRead", "FieldProblem", "OperationRead", "SourceRead"),
    *("ImportCountsRead", "ImportLeftOverRead", "ImportMappingRead", "ImportNameRead"),
    *("ImportProblemRead", "ImportSummaryRead"),
    *("TaskCreateOperation", "TaskMoveOperation", "TaskPlainOperation", "TaskRankOperation"),
    *("TaskUpdateOperation", "PermissionRead", "PermissionSource"),
}
"""Schemas that only stand inside others, whose examples show them."""


def validator(schema: Spec) -> jsonschema_rs.Draft202012Validator:
    """Of a schema that refers to others of the description."""
    return _compiled(json.dumps(schema))


@functools.cache
def _compiled(schema: str) -> jsonschema_rs.Draft202012Validator:
    """Takes much longer than asking it does."""
    return jsonschema_rs.Draft202012Validator({**json.loads(schema), "components": {"schemas": SCHEMAS}})


def assert_valid(value: Any, schema: Spec) -> None:
    errors = [f"{one.instance_path}: {one.message}" for one in validator(schema).iter_errors(value)]
    assert not errors, f"{errors} in {json.dumps(value)[:500]}"


def closed(schema: Any) -> Any:
    """The schema with no member allowed that it does not name: an answer with more says too much."""
    if isinstance(schema, dict):
        shut = {name: closed(member) for name, member in schema.items()}
        return {"additionalProperties": False, **shut} if "properties" in schema else shut
    return [closed(one) for one in schema] if isinstance(schema, list) else schema


def test_which_changes_keep_their_answer_for_an_idempotency_key() -> None:
    """As the conventions say: those of workspaces, but for tokens; any other `POST` only checks the key."""

    def takes(operation: Operation, *, kept: bool) -> bool:
        headers = operation.parameters("header")
        keys = [one["description"] for one in headers if one["name"] == "idempotency-key"]
        return any(("of no effect" not in one) is kept for one in keys)

    for one in OPERATIONS:
        secret = "/tokens" in one.path or "/tickets" in one.path
        of_workspace = one.path.startswith("/api/v1/workspaces") and not secret
        keeps = of_workspace or one.path == "/api/v1/invitations/accept"
        assert takes(one, kept=True) is (keeps and one.method not in ("GET", "HEAD")), one.id
        assert takes(one, kept=False) or keeps or one.method != "POST", one.id


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for member in value.values():
            yield from references(member)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def test_it_is_openapi_3_1() -> None:
    assert re.fullmatch(r"3\.1\.\d+", DOCUMENT["openapi"])
    assert DOCUMENT["info"]["title"] == "Pastis"


def test_every_reference_leads_somewhere() -> None:
    for reference in set(references(DOCUMENT)):
        place: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            assert step in place, reference
            place = place[step]


def test_no_schema_is_left_over() -> None:
    used = {one.rpartition("/")[2] for one in references(DOCUMENT)}
    assert set(SCHEMAS) - used == set()


def test_operation_ids_are_verb_and_noun_and_unique() -> None:
    ids = [one.id for one in OPERATIONS]
    assert len(set(ids)) == len(ids)
    verbs = {
        *(
            "accept",
            "archive",
            "batch",
            "confirm",
            "create",
            "deactivate",
            "delete",
            "export",
            "finish",
            "get",
        ),
        *(
            "list",
            "merge",
            "move",
            "preview",
            "rank",
            "refresh",
            "resend",
            "restore",
            "start",
            "unarchive",
            "undo",
            "update",
        ),
    }
    for one in ids:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", one), one
        assert one.partition("_")[0] in verbs, f"{one}: a new verb?"


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_every_route_is_described(operation: Operation) -> None:
    spec = operation.spec
    assert spec["tags"], "no tag"
    assert spec["description"].strip().endswith("."), "the docstring says what it does"
    assert sum(status.startswith("2") for status in spec["responses"]) == 1
    for parameter in spec.get("parameters", ()):
        assert parameter["schema"], parameter["name"]
    assert sorted(operation.names("path")) == sorted(operation.segments)


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_every_route_declares_its_problems(operation: Operation) -> None:
    expected = {414, 422, 431, 500}
    if operation in CLOSED:
        expected |= {400, 401, 503}
    if "workspace" in operation.segments:
        expected |= {403, 404}
    if operation.method != "GET":
        expected |= {412, 413, 415}
    assert expected <= set(operation.problems)
    for status, codes in operation.problems.items():
        media = operation.spec["responses"][str(status)]["content"][PROBLEM]
        assert media["schema"] == {"$ref": "#/components/schemas/Problem"}
        for code in codes:
            assert media["examples"][code] == {"$ref": f"#/components/examples/{code}"}
            value = DOCUMENT["components"]["examples"][code]["value"]
            assert (value["code"], value["status"]) == (code, status)
            assert_valid(value, closed(media["schema"]))
            Problem.model_validate(value, extra="forbid")


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.method == "GET"], ids=str)
def test_reads_declare_what_the_client_may_know_already(operation: Operation) -> None:
    always_anew = operation.path.startswith("/health/") or operation.id.startswith("export_")
    always_anew |= "/sync" in operation.path or operation.path == "/metrics"
    assert ("304" in operation.spec["responses"]) is not always_anew
    assert ("If-None-Match" in operation.names("header")) is not always_anew


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_headers_of_answers_are_declared(operation: Operation) -> None:
    headers = operation.spec["responses"][str(operation.success)].get("headers", {})
    sent_by_mail = operation.success == 202 and operation.answer_schema is None
    assert ("Location" in headers) is (operation.success in (201, 202) and not sent_by_mail)
    assert ("Link" in headers) is ("cursor" in operation.names("query"))
    if "503" in operation.spec["responses"]:
        assert "Retry-After" in operation.spec["responses"]["503"]["headers"]


@pytest.mark.parametrize("name", OBJECTS)
def test_every_schema_has_an_example_that_it_accepts(name: str) -> None:
    schema = SCHEMAS[name]
    examples = [*schema.get("examples", ()), *([schema["example"]] if "example" in schema else ())]
    if not name.startswith("Body_") and name not in PARTS:
        assert examples, f"{name} has no example"
    for example in examples:
        assert_valid(example, closed({"$ref": f"#/components/schemas/{name}"}))
    parts = {one.rpartition("/")[2] for other in SCHEMAS.values() for one in references(other)}
    assert name not in PARTS or name in parts


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_every_parameter_is_described(operation: Operation) -> None:
    parameters = operation.spec.get("parameters", [])
    assert [one["name"] for one in parameters if not said_of(one)] == []


def said_of(parameter: Spec) -> Any:
    return parameter.get("description") or parameter["schema"].get("description")


def test_the_committed_description_is_this_one() -> None:
    """Whoever reads docs/openapi.json, or makes a client of it, has what the program does."""
    written = json.dumps(DOCUMENT, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    assert COMMITTED.read_text(encoding="utf-8") == written, "docs/openapi.json is old: run `make openapi`"


async def test_it_is_served(world: World) -> None:
    assert ok(await world.owner.as_(None).get("/openapi.json")) == DOCUMENT


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
async def test_real_answers_are_as_described(operation: Operation, world: World) -> None:
    """To the letter: neither a member too few nor one too many."""
    answer = await world.call(operation, world.owner)
    assert answer.status_code == operation.success, answer.text
    schema = operation.answer_schema
    if operation.files:
        assert answer.headers["content-type"] in operation.files
        assert answer.content
        return
    if schema is None:
        kinds = operation.spec["responses"][str(operation.success)].get("content", {})
        assert list(kinds) == ([answer.headers["content-type"]] if answer.content else [])
        return
    value = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert_valid(value, {**closed(schema), "components": {"schemas": closed(SCHEMAS)}})
    assert_same_digits(value)
    for name, declared in operation.spec["responses"][str(operation.success)].get("headers", {}).items():
        optional = name in ("Link", "Idempotency-Replayed", "Pastis-Event")
        assert optional or name in answer.headers, f"{name}: {declared}"


def assert_same_digits(value: Any) -> None:
    """Every time has milliseconds, as in the examples."""
    if isinstance(value, dict | list):
        for member in value.values() if isinstance(value, dict) else value:
            assert_same_digits(member)
    elif isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value), value


def test_examples_have_the_same_digits() -> None:
    assert_same_digits(DOCUMENT)


# Not what is shown only once.
CHANGES = [
    one
    for one in OPERATIONS
    if one.method != "GET" and one.answer_schema and "workspace" in one.segments
    if one.success != 202 and one.id not in ("batch_tasks", "create_service_token", "create_ticket")
]


SHOWN_ONCE = {"link"}
"""What only the answer of a creation has."""


@pytest.mark.parametrize("operation", CHANGES, ids=str)
async def test_what_a_change_answers_is_what_a_read_gives(operation: Operation, world: World) -> None:
    answer = await world.call(operation, world.owner)
    asked = answer.request.url.path
    path = answer.headers.get("location") or re.sub(r"/members/.+|(?<=[0-9a-f]{12})/[a-z]+$", "", asked)
    read = await world.owner.get(path)
    told = {name: value for name, value in ok(answer).items() if name not in SHOWN_ONCE}
    assert ok(read) == told
    assert list(ok(read)) == list(told)
    assert read.headers["etag"] == answer.headers["etag"]


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
async def test_real_refusals_are_as_described(operation: Operation, world: World) -> None:
    answer = await world.owner.request(operation.method, operation.path, params={"colour": "1"})
    problem = refused(answer, 422, "unknown_parameter")
    assert_valid(problem, closed({"$ref": "#/components/schemas/Problem"}))
    TypeAdapter(Problem).validate_python(problem, extra="forbid")


async def test_lists_hold_items_that_are_as_described(world: World) -> None:
    """An empty page would prove nothing."""
    lists = [one for one in OPERATIONS if one.id.startswith("list_")]
    for operation in lists:
        values = await world.values(operation)
        for kind in ("label", "comment"):
            if operation.id == f"list_{kind}s":
                await fill(world, kind, values)
        if operation.id == "list_imports":
            await world.call(next(one for one in OPERATIONS if one.id == "create_import"), world.owner)
        if operation.id == "list_identities":
            await PLACES["identity"](world, values)
        if operation.id.endswith("_tokens"):
            await PLACES["token"](world, values)
        if "audit" in operation.id:
            await world.services.audit_follower.follow(world.workspace.id)
        if operation.id == "list_tasks":
            await world.workspace.task()
        if operation.id in ("list_grants", "list_invitations", "list_links", "list_roles", "list_teams"):
            await PLACES[operation.id.removeprefix("list_").removesuffix("s")](world, values)
        page = ok(await world.owner.get(operation.path.format(**values)))
        assert page["items"], operation.id
        schema = operation.answer_schema
        assert schema is not None
        assert_valid(page, {**closed(schema), "components": {"schemas": closed(SCHEMAS)}})
        assert_same_digits(page)
        assert next(iter(page["items"][0])) in ("id", "seq"), "what it is comes first"


async def fill(world: World, kind: str, values: dict[str, str]) -> None:
    path = "/labels" if kind == "label" else f"/tasks/{values['task']}/comments"
    await world.made(path, {"name": "A11y"} if kind == "label" else {"body": "Seen."})
