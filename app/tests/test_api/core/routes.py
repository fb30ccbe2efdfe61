"""Every route of the application, as its own description tells them."""

import re
from dataclasses import dataclass
from typing import Any, cast

from app.core.config import Environment, Settings
from app.main import create_app

Spec = dict[str, Any]

METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
JSON = "application/json"
PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Operation:
    """One route: `path` is a template, `spec` what the description says of it."""

    id: str
    method: str
    path: str
    spec: Spec

    def __str__(self) -> str:
        return self.id

    def parameters(self, place: str) -> list[Spec]:
        """The parameters in `path`, `query` or `header`."""
        return [one for one in self.spec.get("parameters", ()) if one["in"] == place]

    def names(self, place: str) -> list[str]:
        return [one["name"] for one in self.parameters(place)]

    @property
    def segments(self) -> list[str]:
        """The names of the path's parameters, in their order."""
        return re.findall(r"{(\w+)}", self.path)

    @property
    def media_type(self) -> str | None:
        """What its body must be; None where it takes none."""
        content = self.spec.get("requestBody", {}).get("content", {})
        return next(iter(content), None)

    @property
    def takes_json(self) -> bool:
        return self.media_type == JSON

    @property
    def public(self) -> bool:
        return "401" not in self.spec["responses"] or "security" not in self.spec

    @property
    def success(self) -> int:
        return next(int(status) for status in self.spec["responses"] if status.startswith("2"))

    @property
    def problems(self) -> dict[int, list[str]]:
        """The codes that it may refuse with, by status."""
        declared = {
            int(status): response.get("content", {}).get(PROBLEM)
            for status, response in self.spec["responses"].items()
        }
        return {status: list(media["examples"]) for status, media in declared.items() if media}

    @property
    def body_schema(self) -> Spec:
        media_type = self.media_type
        assert media_type is not None, self.id
        return resolve(self.spec["requestBody"]["content"][media_type]["schema"])

    @property
    def files(self) -> list[str]:
        """The media types of a success that is a file, with no ETag of its own; empty for all others."""
        content = self.spec["responses"][str(self.success)].get("content", {})
        return [] if JSON in content else list(content)

    @property
    def answer_schema(self) -> Spec | None:
        """The schema of its success, as the description refers to it; None without a body."""
        content = self.spec["responses"][str(self.success)].get("content", {})
        return cast("Spec | None", content.get(JSON, {}).get("schema"))


def operations(document: Spec) -> list[Operation]:
    return [
        Operation(spec["operationId"], method.upper(), path, spec)
        for path, methods in document["paths"].items()
        for method, spec in methods.items()
    ]


def resolve(schema: Spec) -> Spec:
    """The schema that a reference stands for; of several choices the one that is not null, marked so."""
    if "$ref" in schema:
        return resolve(SCHEMAS[schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        choices = [one for one in schema["anyOf"] if one.get("type") != "null"]
        assert len(choices) == 1, schema
        return {**resolve(choices[0]), "nullable": True}
    return schema


# The description needs no database.
DOCUMENT: Spec = create_app(Settings(env=Environment.TEST, _env_file=None)).openapi()
SCHEMAS: dict[str, Spec] = DOCUMENT["components"]["schemas"]
OPERATIONS = operations(DOCUMENT)
BY_ID = {one.id: one for one in OPERATIONS}
WITH_JSON = [one for one in OPERATIONS if one.takes_json]
CLOSED = [one for one in OPERATIONS if not one.public]
"""Those that need a login."""
