"""Requests made up from the description, good and bad, against the whole application."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.python.asgi import shutdown_lifespans
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.core.config import Settings
from app.main import create_app
from app.tests.support.depth import examples
from app.tests.test_api.core.places import Values
from app.tests.test_api.core.routes import OPERATIONS, Operation
from app.tests.test_api.core.world import World

pytestmark = pytest.mark.uncounted

CONFIG = schemathesis.Config.from_dict(
    {
        "checks": {
            # A busy database is no defect.
            "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", "503"]},
            # Any refusal will do for bad data: some of it is too long, or comes too late.
            "negative_data_rejection": {"expected-statuses": ["4xx", "503"]},
        }
    }
)
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


@pytest.fixture(scope="module")
def schema(app: FastAPI, test_settings: Settings) -> Iterator[BaseSchema]:
    """Of an application of its own over the same database: it runs in an event loop of schemathesis."""
    yield schemathesis.openapi.from_asgi("/openapi.json", create_app(test_settings), config=CONFIG)
    shutdown_lifespans()


@pytest.fixture(params=OPERATIONS, ids=str)
def operation(request: pytest.FixtureRequest) -> Operation:
    found: Operation = request.param
    return found


@pytest.fixture
async def values(operation: Operation, world: World) -> Values:
    """What exists, so that requests get further than to a 404."""
    return await world.values(operation)


def cases(schema: BaseSchema, operation: Operation, values: Values) -> st.SearchStrategy[Case[Any]]:
    target = schema[operation.path][operation.method]
    modes = [GenerationMode.POSITIVE]
    if operation.spec.get("parameters") or operation.media_type:
        modes.append(GenerationMode.NEGATIVE)
    return st.one_of(
        [target.as_strategy(mode, path_parameters=given) for mode in modes for given in (values, None)]
    )


@pytest.mark.hypothesis  # as the plugin marks what is @given
def test_fuzz(schema: BaseSchema, operation: Operation, values: Values, world: World) -> None:
    headers = {"Authorization": f"Bearer {world.owner.token}"}

    @settings(max_examples=examples(12), deadline=None, suppress_health_check=list(HealthCheck))
    @given(cases(schema, operation, values))
    def answers_as_described(case: Case[Any]) -> None:
        case.call_and_validate(headers=headers, checks=CHECKS)

    answers_as_described()
