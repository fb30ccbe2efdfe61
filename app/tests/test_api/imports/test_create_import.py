"""POST .../imports."""

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.api import uploads
from app.core.errors import ErrorCode, PastisError
from app.models.imports import ImportRun
from app.services.bootstrap import Services
from app.services.imports import ImportEngine, ImportJobs, ImportOptions, jobs, transfer
from app.tests.support.archives import EXCERPT, ended, excerpt, imported, issue, lines, packed, upload
from app.tests.support.clients import Answer, Client, ok, refused
from app.tests.support.conventions import check_denied
from app.tests.support.factories import Workspace

pytestmark = pytest.mark.anyio

DATA = EXCERPT.read_bytes()
BOUNDARY = "3b4c"
TYPE = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}


def part(name: str, value: bytes, filename: str | None = None) -> bytes:
    file = "" if filename is None else f'; filename="{filename}"'
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + value + b"\r\n"


END = f"--{BOUNDARY}--\r\n".encode()
FILE = part("file", lines(issue("DECA-1")), "fluid.jsonl")


async def send(client: Client, body: bytes, headers: dict[str, str] = TYPE) -> Answer:
    return await client.request("POST", "/imports", content=body, headers=headers)


@pytest.mark.parametrize("role", ["api", "admin"])
async def test_owners_and_admins_import(workspace: Workspace, role: str) -> None:
    client: Client = getattr(workspace, role)
    answer = await upload(client, packed(DATA), "C:\\archives\\fluid issues.jsonl.gz")
    run = ok(answer, 202)
    assert answer.headers["location"] == f"{client.base}/imports/{run['id']}"
    assert (run["filename"], run["source"], run["state"]) == (
        "fluid issues.jsonl.gz",
        "jira-archive",
        "running",
    )
    assert run["workspace_id"] == workspace.id
    run = await ended(client, run)
    assert (run["state"], run["created"], run["failed"], run["done"]) == ("done", 42, 0, 42)
    assert run["summary"]["created"]["comments"] == 61
    task = ok(await workspace.member.get("/tasks/FLOE-28"))
    assert task["external"]["source"] == "jira"
    assert "INTERNAL" not in run


async def test_others_do_not(services: Services, workspace: Workspace) -> None:
    await check_denied(services, workspace, lambda client: upload(client, DATA))


async def test_again_imports_nothing(workspace: Workspace) -> None:
    await imported(workspace.api, DATA)
    run = await imported(workspace.admin, packed(DATA))
    assert (run["created"], run["skipped"]) == (0, 42)


async def test_a_dry_run_imports_nothing(workspace: Workspace) -> None:
    run = await imported(workspace.api, DATA, dry_run="true")
    assert (run["state"], run["dry_run"], run["created"]) == ("done", True, 42)
    refused(await workspace.api.get("/tasks/FLOE-28"), 404, "not_found")


async def test_strict_refuses_all_for_one_line(workspace: Workspace) -> None:
    data = lines(issue("DECA-1"), b"{", issue("DECA-2"))
    run = await imported(workspace.api, data, strict="true", source="jira-archive")
    assert (run["state"], run["error"], run["created"]) == ("failed", "bad_lines", 0)
    assert run["problems"] == [{"line": 2, "key": None, "code": "not_json", "detail": "not JSON"}]
    assert (await imported(workspace.api, data))["created"] == 2


async def test_a_form_may_come_in_any_pieces(workspace: Workspace) -> None:
    body = part("strict", b"false") + FILE + END

    async def pieces() -> AsyncIterator[bytes]:
        for byte in body:
            yield bytes([byte])

    answer = await workspace.api.request("POST", "/imports", content=pieces(), headers=TYPE)
    run = await ended(workspace.api, ok(answer, 202))
    assert run["created"] == 1


async def test_large_files_go_to_the_disk(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "_WRITE_BYTES", 1000)
    run = await imported(workspace.api, DATA)
    assert (run["state"], run["total"]) == ("done", 42)


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (FILE, "", "invalid_format"),
        (FILE + END[:-6], "", "invalid_format"),
        (b"", "", "invalid_format"),
        (b"{}", "", "invalid_format"),
        (END, "/file", "missing"),
        (part("strict", b"true") + END, "/file", "missing"),
        (FILE + FILE + END, "/file", "repeated"),
        (part("strict", b"true") * 2 + FILE + END, "/strict", "repeated"),
        (part("colour", b"red") + FILE + END, "/colour", "unknown_field"),
        (part("strict", b"perhaps") + FILE + END, "/strict", "wrong_type"),
        (part("source", b"trello") + FILE + END, "/source", "invalid_choice"),
        (part("source", b"x" * 1001) + FILE + END, "/source", "too_long"),
        (part("source", b"\xff") + FILE + END, "/source", "unsafe_text"),
        (part("file", b"", "x") + END, "/file", "blank"),
        (part("file", b"PK\x03\x04 a zip file", "x") + END, "/file", "malformed"),
        (part("file", b"\x1f\x8b and no more", "x") + END, "/file", "invalid_format"),
        (part("file", packed(DATA)[:-500], "x") + END, "/file", "invalid_format"),
    ],
)
async def test_bad_forms_are_refused_by_name(
    workspace: Workspace, body: bytes, pointer: str, code: str
) -> None:
    problem = refused(await send(workspace.api, body), 422, "validation_failed")
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [(pointer, code)]
    assert ok(await workspace.api.get("/imports"))["items"] == []


@pytest.mark.parametrize("name", ["données.jsonl", "チケット.jsonl.gz", "\U0001f41f 1\u2013300.jsonl"])
async def test_file_names_are_kept_in_any_language(workspace: Workspace, name: str) -> None:
    run = ok(await send(workspace.api, part("file", lines(issue("DECA-1")), name) + END), 202)
    assert run["filename"] == name
    assert (await ended(workspace.api, run))["created"] == 1


async def test_a_part_is_refused_by_its_name_in_any_language(workspace: Workspace) -> None:
    answer = await send(workspace.api, part("色", b"red") + FILE + END)
    problem = refused(answer, 422, "validation_failed")
    assert [(one["pointer"], one["code"]) for one in problem["errors"]] == [("/色", "unknown_field")]


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/x-www-form-urlencoded", "multipart/mixed; boundary=3b4c", ""],
)
async def test_other_media_types_are_refused(workspace: Workspace, content_type: str) -> None:
    headers = {"content-type": content_type}
    refused(await send(workspace.api, FILE + END, headers), 415, "unsupported_media_type")


@pytest.mark.parametrize("boundary", ["", "; boundary=", "; boundary=" + "x" * 500])
async def test_a_form_needs_a_boundary(workspace: Workspace, boundary: str) -> None:
    headers = {"content-type": f"multipart/form-data{boundary}"}
    refused(await send(workspace.api, FILE + END, headers), 422, "validation_failed")


@pytest.fixture
def small_limit(services: Services, monkeypatch: pytest.MonkeyPatch) -> int:
    settings = services.settings.model_copy(update={"max_import_bytes": 4000})
    monkeypatch.setattr(services, "settings", settings)
    return 4000


async def test_files_have_a_limit(workspace: Workspace, small_limit: int) -> None:
    refused(await upload(workspace.api, b"x" * 5000), 413, "body_too_large")

    async def pieces() -> AsyncIterator[bytes]:
        yield part("file", b"x" * 3000, "x")
        yield part("file", b"x" * 3000, "x")

    answer = await workspace.api.request("POST", "/imports", content=pieces(), headers=TYPE)
    refused(answer, 413, "body_too_large")


async def test_small_files_do_not_unpack_to_large_ones(workspace: Workspace, small_limit: int) -> None:
    refused(await upload(workspace.api, packed(b" " * 1_000_000)), 413, "body_too_large")


async def test_the_same_key_starts_one_import(workspace: Workspace) -> None:
    headers = {**TYPE, "idempotency-key": "once"}
    first = ok(await send(workspace.api, FILE + END, headers), 202)
    await ended(workspace.api, first)
    again = await send(workspace.api, FILE + END, headers)
    assert ok(again, 202)["id"] == first["id"]
    assert again.headers["idempotency-replayed"] == "true"
    other = part("strict", b"true") + FILE + END
    refused(await send(workspace.api, other, headers), 422, "idempotency_key_reused")
    assert len(ok(await workspace.api.get("/imports"))["items"]) == 1


class Together:
    """Holds checked files back until there are two."""

    def __init__(self) -> None:
        self._check = jobs._check
        self._both = asyncio.Barrier(2)

    async def __call__(self, *arguments: Any) -> None:
        await self._check(*arguments)
        await self._both.wait()


@pytest.mark.parametrize("processes", [1, 2])
async def test_the_same_key_twice_at_once_starts_one_import(
    services: Services, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    monkeypatch.setattr(jobs, "_check", Together())
    scope = await services.access.act_for(workspace.users["owner"], workspace.id, {"channel": "http"})
    found = [ImportJobs(services.audit) for _ in range(processes)]
    outcomes = await asyncio.gather(
        *[
            one.submit(ImportEngine(scope), ImportOptions("x"), io.BytesIO(DATA), limit=10**6, key="once")
            for one in (found * 2)[:2]
        ]
    )
    assert sorted(one.replayed for one in outcomes) == [False, True]
    assert len({one.value["id"] for one in outcomes}) == 1
    run = await ended(workspace.api, outcomes[0].value)
    assert (run["state"], run["created"]) == ("done", 42)
    assert len(ok(await workspace.api.get("/imports"))["items"]) == 1


async def test_another_request_at_once_has_no_part_in_the_run(
    services: Services, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "_check", Together())
    headers = [{**TYPE, "idempotency-key": key} for key in ("one", "another")]
    answers = await asyncio.gather(*[send(workspace.api, FILE + END, one) for one in headers])
    started, refused_ = sorted(answers, key=lambda one: one.status_code)
    refused(refused_, 409, "wrong_state")
    assert (await ended(workspace.api, ok(started, 202)))["created"] == 1


async def test_one_import_at_a_time(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = asyncio.Event()
    original = ImportEngine.execute

    async def execute(self: ImportEngine, *arguments: Any) -> None:
        await go_on.wait()
        await original(self, *arguments)

    monkeypatch.setattr(ImportEngine, "execute", execute)
    run = ok(await upload(workspace.api, DATA), 202)
    problem = refused(await upload(workspace.api, DATA), 409, "wrong_state")
    assert "running" in problem["detail"]
    go_on.set()
    await ended(workspace.api, run)
    assert (await imported(workspace.api, DATA))["skipped"] == 42


@pytest.mark.parametrize("moment", ["reading", "writing"])
async def test_a_server_that_stops_leaves_an_import_that_goes_on(
    services: Services, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    monkeypatch.setattr(transfer, "WINDOW", 4)
    own = ImportJobs(services.audit)
    scope = await services.access.act_for(workspace.users["owner"], workspace.id, {"channel": "http"})
    reached = asyncio.Event()
    original = transfer.Transfer._batches

    async def batches(self: Any, count: int) -> AsyncIterator[Any]:
        number = 0
        async for batch in original(self, count):
            number += 1
            if (moment == "reading") == (count != 4) and number == (1 if moment == "reading" else 4):
                reached.set()
                # Late enough to be cancelled, or just in time to end by itself.
                await asyncio.sleep(60 if moment == "reading" else 0)
            yield batch

    with monkeypatch.context() as patched:
        patched.setattr(transfer.Transfer, "_batches", batches)
        options = ImportOptions("fluid.jsonl")
        outcome = await own.submit(ImportEngine(scope), options, io.BytesIO(DATA), limit=10**6)
        await reached.wait()
        await own.close()
    run = ok(await workspace.api.get(f"/imports/{outcome.value['id']}"))
    assert run["state"] == "interrupted"
    with pytest.raises(PastisError) as caught:
        await own.submit(ImportEngine(scope), options, io.BytesIO(DATA), limit=10**6)
    assert caught.value.code is ErrorCode.SERVER_STOPPING
    rest = await imported(workspace.api, DATA)
    assert rest["created"] + rest["skipped"] == 42
    assert (rest["skipped"] > 0) == (moment == "writing")


async def test_a_run_that_cannot_be_kept_starts_nothing(
    services: Services, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> bool:
        raise PastisError(ErrorCode.DATABASE_UNAVAILABLE)

    with monkeypatch.context() as patched:
        patched.setattr("app.services.imports.queries.insert", fail)
        refused(await upload(workspace.api, DATA), 503, "database_unavailable")
    assert await services.database.collection(ImportRun).count_documents({"workspace_id": workspace.id}) == 0
    assert (await imported(workspace.api, DATA))["created"] == len(excerpt())
