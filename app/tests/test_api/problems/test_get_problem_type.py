"""GET /problems/{code}: where the `type` of a problem leads."""

import pytest

from app.core.errors import STATUS, ErrorCode
from app.core.messages import problem_text
from app.tests.support.clients import Client, ok, refused
from app.tests.support.conventions import check_not_modified

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("code", list(ErrorCode))
async def test_every_type_leads_to_what_it_means(anonymous: Client, code: ErrorCode, language: str) -> None:
    answer = await anonymous.get(f"/problems/{code}", headers={"Accept-Language": language})
    title, detail = problem_text(code, language, {})
    assert ok(answer, 200) == {
        "type": f"/problems/{code}",
        "title": title,
        "status": STATUS[code],
        "detail": detail,
        "code": code,
    }
    assert (answer.headers["content-language"], answer.headers["vary"]) == (language, "accept-language")


async def test_the_type_of_a_refusal_resolves_to_it(anonymous: Client) -> None:
    for path in ("/nowhere", "/api/v1/me", "/api/v1/workspaces/fluid/tasks/FLUID-1?a=1"):
        refusal = await anonymous.get(path)
        problem = refusal.json()
        there = await anonymous.get(str(refusal.request.url.join(problem["type"])))
        assert (ok(there)["code"], ok(there)["title"]) == (problem["code"], problem["title"])


async def test_there_is_no_other(anonymous: Client) -> None:
    for code in ("nonsense", "NOT_FOUND", "", "not_found/x", "%00"):
        refused(await anonymous.get(f"/problems/{code}"), 404, "not_found")


async def test_not_modified(anonymous: Client) -> None:
    await check_not_modified(anonymous, "/problems/archived")
