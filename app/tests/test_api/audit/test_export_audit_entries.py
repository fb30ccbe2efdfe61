import csv
import io
import json

import pytest

from app.services.bootstrap import Services
from app.tests.support.clients import ok
from app.tests.support.conventions import MEMBERS_AND_STRANGERS, check_denied
from app.tests.support.factories import Workspace

pytestmark = pytest.mark.anyio


@pytest.fixture
async def audited(services: Services, workspace: Workspace) -> Workspace:
    await services.audit_follower.follow(workspace.id)
    return workspace


async def test_lines_of_json_the_oldest_first(audited: Workspace) -> None:
    answer = await audited.admin.get("/audit/export")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["content-disposition"] == 'attachment; filename="audit.ndjson"'
    assert answer.headers["cache-control"] == "no-store"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    kinds = [line["kind"] for line in lines]
    assert kinds == ["workspace.create", "membership.create", "membership.create", "audit.export"]
    listed = ok(await audited.admin.get("/audit"))["items"]
    assert lines == listed[::-1]


async def test_the_export_is_recorded(audited: Workspace) -> None:
    await audited.admin.get("/audit/export", params={"format": "csv"})
    entry = ok(await audited.api.get("/audit"))["items"][0]
    assert (entry["kind"], entry["detail"]) == ("audit.export", {"format": "csv"})
    assert entry["actor"]["user_id"] == audited.users["admin"].id
    assert entry["actor"]["membership_id"] == audited.membership_ids["admin"]


async def test_csv_holds_no_formula(audited: Workspace) -> None:
    formula = '=HYPERLINK("x")'
    await audited.api.post(
        "/memberships", {"display_name": formula}, headers={"User-Agent": "=cmd|' /C calc'!A0"}
    )
    text = (await audited.api.get("/audit/export", params={"format": "csv"})).text
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0]) == [
        *("id", "at", "kind", "actor_user_id", "actor_membership_id", "user_id", "client", "event", "detail")
    ]
    assert rows[0]["kind"] == "workspace.create"
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
    assert json.loads(rows[1]["detail"])["changes"][0]["set"]["role"] == "admin"


async def test_filters(audited: Workspace) -> None:
    params = {"kind": "workspace.create", "membership": audited.membership_ids["owner"]}
    lines = (await audited.api.get("/audit/export", params=params)).text.splitlines()
    assert [json.loads(line)["kind"] for line in lines] == ["workspace.create"]


@pytest.mark.parametrize("params", [{"format": "xlsx"}, {"kind": "x"}, {"limit": "1"}], ids=str)
async def test_bad_parameters(workspace: Workspace, params: dict[str, str]) -> None:
    assert (await workspace.api.get("/audit/export", params=params)).status_code == 422


async def test_for_admins_alone(services: Services, workspace: Workspace) -> None:
    await check_denied(services, workspace, lambda client: client.get("/audit/export"), MEMBERS_AND_STRANGERS)
