"""What Prometheus reads: who may, what is counted, and that paths and methods cannot make it grow."""

import re
from datetime import timedelta
from pathlib import Path
from time import monotonic

import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from pymongo.errors import ServerSelectionTimeoutError

from app.core.clock import system_now
from app.core.config import Environment, Settings
from app.core.database import server
from app.core.jobs import Job, JobKind
from app.core.telemetry import UNMATCHED, Telemetry
from app.main import create_app
from app.services.bootstrap import Services
from app.services.metrics import MetricsEngine
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.clock import TestClock
from app.tests.support.factories import Workspace
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio

GUIDE = Path(__file__).parents[4] / "docs" / "guides" / "operators.md"
TASK = "/api/v1/workspaces/{workspace}/tasks/{task}"
Values = dict[tuple[str, frozenset[tuple[str, str]]], float]


def values(answer: Answer) -> Values:
    assert answer.status_code == 200, answer.text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(found: Values, name: str, **labels: str) -> float:
    return found.get((f"pastis_{name}", frozenset(labels.items())), 0.0)


async def read(client: Client) -> Values:
    return values(await client.get("/metrics"))


def of(services: Services, settings: Settings) -> MetricsEngine:
    return MetricsEngine(
        Telemetry(), services.database, services.writers, services.sync, services.jobs, settings
    )


async def test_requests_are_counted_by_the_template_of_their_path(workspace: Workspace) -> None:
    task = await workspace.task()
    labels = {"method": "GET", "route": TASK}
    before = await read(workspace.api.at(""))
    ok(await workspace.api.get(f"/tasks/{task['id']}"))
    ok(await workspace.api.get(f"/tasks/{task['id']}"), 200)
    refused(await workspace.api.get("/tasks/FLUID-999999"), 404, "not_found")
    after = await read(workspace.api.at(""))
    for status, count in (("200", 2), ("404", 1)):
        name = "http_requests_total"
        assert (
            value(after, name, **labels, status=status) - value(before, name, **labels, status=status)
            == count
        )
    name = "http_request_duration_seconds_count"
    assert value(after, name, **labels) - value(before, name, **labels) == 3
    assert task["id"] not in (await workspace.api.at("").get("/metrics")).text


async def test_what_clients_make_up_is_counted_together(anonymous: Client) -> None:
    before = len(await read(anonymous))
    for number in range(5):
        await anonymous.get(f"/made/up/{number}")
        await anonymous.request(f"MADEUP{number}", "/health/live")
    after = await read(anonymous)
    assert value(after, "http_requests_total", method="GET", route=UNMATCHED, status="404") >= 5
    assert {labels for name, labels in after if "MADEUP" in str(labels)} == set()
    assert len(after) - before < 60


async def test_commits_are_counted_with_what_went_together(workspace: Workspace) -> None:
    before = await read(workspace.api.at(""))
    await workspace.task()
    after = await read(workspace.api.at(""))
    for name in ("commit_duration_seconds_count", "commit_commands_sum"):
        assert value(after, name) - value(before, name) == 1
    commit = {"command": "commitTransaction", "outcome": "ok"}
    assert value(after, "database_commands_total", **commit) > value(
        before, "database_commands_total", **commit
    )


async def test_the_database_tells_of_itself(anonymous: Client) -> None:
    found = await read(anonymous)
    assert value(found, "database_up") == 1
    assert value(found, "database_resident_bytes") > 10_000_000
    members = [labels for name, labels in found if name == "pastis_database_member_up"]
    assert len(members) == 1
    assert value(found, "database_connections", state="idle") >= 0
    assert value(found, "database_connections", state="waiting") == 0


async def test_mails_that_wait_are_told_with_their_age(
    services: Services, anonymous: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued = {"kind": "mail", "state": "queued"}
    before = await read(anonymous)

    async def nothing(_kinds: object) -> None:
        """The job is to wait."""

    monkeypatch.setattr(services.jobs, "take", nothing)
    mail = Job(id=new_id(), kind=JobKind.MAIL, created_at=system_now() - timedelta(hours=1))
    await services.database.engine.insert(mail)
    after = await read(anonymous)
    await services.database.collection(Job).delete_one({"_id": mail.id})
    assert value(after, "jobs", **queued) - value(before, "jobs", **queued) == 1
    assert value(after, "job_oldest_seconds", kind="mail") >= 3600


async def test_a_database_that_is_away_hides_nothing_else(
    services: Services, anonymous: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_database: object) -> object:
        raise ServerSelectionTimeoutError("away")

    monkeypatch.setattr(server, "version", away)
    began = monotonic()
    found = await read(anonymous)
    assert monotonic() - began < 5
    assert value(found, "database_up") == 0
    assert ("pastis_jobs", frozenset({("kind", "mail"), ("state", "queued")})) not in found
    assert value(found, "sync_streams_limit") == services.settings.max_streams


@pytest.mark.parametrize(
    ("env", "token", "shown", "is_let_in"),
    [
        (Environment.TEST, None, None, True),
        (Environment.PRODUCTION, None, None, False),
        (Environment.PRODUCTION, None, "", False),
        (Environment.PRODUCTION, "the right one", None, False),
        (Environment.PRODUCTION, "the right one", "the wrong one", False),
        (Environment.PRODUCTION, "the right one", "the right oné", False),
        (Environment.PRODUCTION, "the right one", "the right one", True),
        (Environment.TEST, "the right one", None, False),
    ],
)
async def test_who_may_read_them(
    services: Services,
    test_settings: Settings,
    anonymous: Client,
    monkeypatch: pytest.MonkeyPatch,
    env: Environment,
    token: str | None,
    shown: str | None,
    is_let_in: bool,
) -> None:
    wanted = None if token is None else SecretStr(token)
    changed = test_settings.model_copy(update={"env": env, "metrics_token": wanted})
    changed.__dict__.pop("production", None)
    monkeypatch.setattr(services, "metrics", of(services, changed))
    headers = {} if shown is None else {"Authorization": f"Bearer {shown}".encode("latin-1")}
    answer = await anonymous.get("/metrics", headers=headers)
    if is_let_in:
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    else:
        refused(answer, 401, "authentication_required")


async def test_the_table_of_metrics_is_complete(app: FastAPI, workspace: Workspace) -> None:
    await workspace.task()
    text = (await workspace.api.at("").get("/metrics")).text
    families = {one.name: one for one in text_string_to_metric_families(text)}
    told = {
        f"{name}_total" if one.type == "counter" else name
        for name, one in families.items()
        if name.startswith("pastis_")
    }
    assert set(re.findall(r"^\| `(pastis_\w+)` \|", GUIDE.read_text(), re.MULTILINE)) == told


async def test_an_application_may_be_opened_again(test_settings: Settings) -> None:
    app = create_app(test_settings, TestClock())
    for _ in range(2):
        async with app.router.lifespan_context(app):
            await app.state.services.until_ready()
            text = (await app.state.services.metrics.text()).decode()
            assert text.count("pastis_database_up 1.0") == 1
