"""The finishing touches to the description of the API.

Headers of answers and the precondition of reads come from the layers around the routes, so that no
signature tells of them. FastAPI drops every null, also from examples. The examples of problems are the same
for every route, so that they stand in one place.
"""

from typing import Any

from fastapi import FastAPI

from app.api.errors import MEDIA_TYPE
from app.core.errors import ErrorCode

Spec = dict[str, Any]

_HEADERS: Spec = {
    "ETag": ("The version of what is shown; give it as If-Match or If-None-Match.", '"42"'),
    "Idempotency-Replayed": (
        "`true` where the request had been done before and only this answer was left.",
        "true",
    ),
    "Link": (
        'Where the next page is, as `rel="next"`.',
        '</api/v1/workspaces/fluid/tasks?cursor=9l1B>; rel="next"',
    ),
    "Location": (
        "The path of what was made.",
        "/api/v1/workspaces/fluid/tasks/0197f0c4-7d1a-7c3e-9b60-2f8d1e4a5c01",
    ),
    "Pastis-Event": (
        (
            "The number of the change's event in the log, to look at or undo; of several changes the numbers "
            "of all, with commas. Absent where nothing changed."
        ),
        "42",
    ),
    "Retry-After": ("Seconds to wait before the same request is sent again.", "1"),
    "WWW-Authenticate": ("How to log in.", "Bearer"),
}
_IF_NONE_MATCH: Spec = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "title": "If-None-Match"},
    "description": "The ETag that the client has; 304 without a body where it is still the present one.",
}
_COOKIE: Spec = {
    "type": "apiKey",
    "in": "cookie",
    "name": "__Host-pastis_access",
    "description": (
        "Set by a login with `cookies`; `pastis_access` where PASTIS_COOKIE_SECURE is false. "
        "Changes need the headers `Origin` and `Pastis-Client` with it."
    ),
}
_BY_STATUS = {"304": ["ETag"], "401": ["WWW-Authenticate"], "503": ["Retry-After"]}


def install(app: FastAPI) -> None:
    generate = app.openapi

    def openapi() -> Spec:
        known = app.openapi_schema is not None
        document = generate()
        if not known:
            _describe(document)
        return document

    app.openapi = openapi  # type: ignore[method-assign] # the way that FastAPI's manual shows


def _describe(document: Spec) -> None:
    """Change the document in place, which is the one that FastAPI keeps."""
    document["components"]["headers"] = {
        name: {"description": text, "schema": {"type": "string"}, "example": example}
        for name, (text, example) in _HEADERS.items()
    }
    document["components"]["securitySchemes"]["Cookie"] = _COOKIE
    examples: Spec = {}
    for methods in document["paths"].values():
        for operation in methods.values():
            _describe_operation(operation)
            for response in operation["responses"].values():
                _share_examples(response, examples)
    document["components"]["examples"] = examples
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        for example in schema.get("examples", ()):
            _add_nulls(example, schema, schemas)


def _share_examples(response: Spec, shared: Spec) -> None:
    content = response.get("content", {}).get(MEDIA_TYPE, {})
    for code, example in content.get("examples", {}).items():
        shared[code] = example
        content["examples"][code] = {"$ref": f"#/components/examples/{code}"}


def _add_nulls(value: Any, schema: Spec, schemas: Spec) -> None:
    """Put back the members that the schema requires and the example lacks: they were null."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if isinstance(value, list):
        for item in value:
            _add_nulls(item, schema.get("items", {}), schemas)
    elif isinstance(value, dict) and "properties" in schema:
        for name in schema.get("required", ()):
            _add_nulls(value.setdefault(name, None), schema["properties"][name], schemas)


def _describe_operation(operation: Spec) -> None:
    if "security" in operation:
        operation["security"].append({"Cookie": []})
    if "304" in operation["responses"]:
        operation.setdefault("parameters", []).append(_IF_NONE_MATCH)
    if "201" in operation["responses"]:  # there is nothing yet that it could match
        operation["parameters"] = [one for one in operation["parameters"] if one["name"] != "if-match"]
    for status, response in operation["responses"].items():
        names = _BY_STATUS.get(status, _of_success(operation, status) if status < "300" else [])
        if names:
            references = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
            response["headers"] = references | response.get("headers", {})


def _refusals(operation: Spec) -> set[str]:
    contents = (one.get("content", {}).get(MEDIA_TYPE, {}) for one in operation["responses"].values())
    return {code for content in contents for code in content.get("examples", ())}


def _of_success(operation: Spec, status: str) -> list[str]:
    parameters = {one["name"] for one in operation.get("parameters", ())}
    applies = {
        # Several documents have no one version.
        "ETag": bool(parameters & {"dry_run", "if-match", "If-None-Match"})
        and status != "204"
        and not operation["operationId"].startswith("batch_"),
        "Idempotency-Replayed": ErrorCode.IDEMPOTENCY_KEY_REUSED in _refusals(operation),
        "Link": "cursor" in parameters,
        # Of what a mail was sent for there is nothing to look at.
        "Location": status == "201" or (status == "202" and "content" in operation["responses"][status]),
        "Pastis-Event": "dry_run" in parameters,
    }
    return [name for name, holds in applies.items() if holds]
