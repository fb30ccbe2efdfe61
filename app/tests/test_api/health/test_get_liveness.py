import asyncio

import pytest

from app.services.bootstrap import Services
from app.tests.support.clients import Client, ok, refused

pytestmark = pytest.mark.anyio


async def test_says_that_it_lives(anonymous: Client) -> None:
    assert ok(await anonymous.get("/health/live"), 200) == {"status": "live"}


async def test_a_database_that_is_away_is_no_reason_to_die(
    anonymous: Client, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "_prepared", asyncio.Event())
    assert ok(await anonymous.get("/health/live"), 200) == {"status": "live"}


async def test_bad_tokens_do_not_matter(anonymous: Client) -> None:
    ok(await anonymous.as_("nonsense").get("/health/live"), 200)


async def test_nothing_may_be_asked(anonymous: Client) -> None:
    refused(await anonymous.get("/health/live", params={"verbose": "1"}), 422, "unknown_parameter")
