"""A login against the real application, over a network that loses answers."""

import asyncio
import random
from typing import Any

import httpx2
import pytest
from pastis_client import (
    Client,
    InvalidError,
    LoginEndedError,
    MemoryStore,
    ProblemError,
    UnauthorizedError,
    UnavailableError,
    UnreachableError,
)
from pastis_client.transport import Request

from app.models.users import User
from app.services.bootstrap import Services
from app.tests.support.clients import Client as Person
from app.tests.support.clients import ok
from app.tests.support.factories import PASSWORD, Workspace
from app.tests.support.factors import code, enable_totp
from app.tests.test_clients.conftest import Network

pytestmark = pytest.mark.anyio


async def refused_token(client: Client) -> str:
    """The present access token, after it has ended for the server."""
    token = await client.session.bearer()
    tokens = client.session._tokens
    assert tokens is not None
    object.__setattr__(tokens, "access_token", "ended")
    return token


def losing(path: str, how: str, times: int) -> Any:
    """Loses so many requests to a path."""
    left = [times]

    def lose(request: httpx2.Request) -> str | None:
        if not request.url.path.endswith(path) or not left[0]:
            return None
        left[0] -= 1
        return how

    return lose


async def test_a_login_is_who_one_is(client: Client, user: User) -> None:
    assert (await client.me())["email"] == user.email
    assert [one async for one in client.workspaces()] == []


@pytest.mark.parametrize("how", ["request", "answer", "502", "503"])
async def test_a_login_survives_lost_answers(url: str, network: Network, user: User, how: str) -> None:
    network.losing = losing("/auth/login", how, 3)
    async with Client(url, transport=network) as client:
        await client.login(user.email, PASSWORD)
        assert (await client.me())["email"] == user.email


async def test_a_wrong_password_is_told_at_once(client: Client, network: Network, user: User) -> None:
    before = network.count("/auth/login")
    with pytest.raises(UnauthorizedError) as refusal:
        await client.login(user.email, "not this one at all")
    assert refusal.value.code == "invalid_credentials"
    assert network.count("/auth/login") == before + 1
    assert (await client.me())["email"] == user.email  # the login that there is goes on


async def test_a_second_factor_finishes_a_login(
    client: Client, url: str, user: User, services: Services, anonymous: Person
) -> None:
    person = anonymous.as_(await client.session.bearer())
    secret, recovery_codes = await enable_totp(person, services)
    for factor in ({"totp": code(services, secret, 1)}, {"recovery_code": recovery_codes[0]}):
        async with Client(url) as other:
            with pytest.raises(UnauthorizedError) as refusal:
                await other.login(user.email, PASSWORD)
            assert refusal.value.code == "factor_required"
            await other.session.confirm(refusal.value.body["challenge"], **factor)
            assert (await other.me())["email"] == user.email


async def test_who_guessed_too_often_is_told_and_not_made_to_wait(
    url: str, network: Network, user: User
) -> None:
    network.losing = losing("/auth/login", "429", 1)
    async with Client(url, transport=network) as client:
        with pytest.raises(UnavailableError):
            await client.login(user.email, PASSWORD)
    assert network.count("/auth/login") == 1


@pytest.mark.parametrize("how", ["request", "answer", "502", "503"])
async def test_a_refresh_that_is_lost_is_asked_again_with_the_same_token(
    client: Client, network: Network, how: str
) -> None:
    await refused_token(client)
    network.losing = losing("/auth/refresh", how, 4)
    await client.me()
    asked = [request.content for request in network.asked if request.url.path.endswith("/auth/refresh")]
    assert len(asked) == 5
    assert len(set(asked)) == 1


async def test_many_refusals_at_once_are_one_refresh(client: Client, network: Network) -> None:
    await refused_token(client)
    await asyncio.gather(*(client.me() for _ in range(20)))
    assert network.count("/auth/refresh") == 1


async def test_a_token_is_replaced_before_its_end(client: Client, network: Network) -> None:
    tokens = client.session._tokens
    assert tokens is not None
    object.__setattr__(tokens, "expires_at", tokens.expires_at - 15 * 60 + 20)
    await asyncio.gather(client.me(), client.me())
    assert network.count("/auth/refresh") == 1
    await client.me()
    assert network.count("/auth/refresh") == 1


async def test_nobody_is_thrown_out_by_a_network_that_loses_half_of_everything(
    client: Client, network: Network, user: User
) -> None:
    chance = random.Random(7)
    network.losing = lambda _: chance.choice([None, None, "request", "answer"])
    for _ in range(20):
        await refused_token(client)
        assert (await client.me())["email"] == user.email


@pytest.mark.parametrize("how", ["request", "answer", "503"])
async def test_a_refresh_that_nobody_answers_leaves_the_login(
    url: str, network: Network, user: User, how: str
) -> None:
    async with Client(url, transport=network, patience=0.05) as client:
        await client.login(user.email, PASSWORD)
        await refused_token(client)
        network.losing = lambda request: how if request.url.path.endswith("/auth/refresh") else None
        with pytest.raises((UnreachableError, UnavailableError)):
            await client.me()
        network.losing = lambda _: None
        assert (await client.me())["email"] == user.email


async def test_a_store_that_fails_keeps_the_former_token(
    url: str, network: Network, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()
    async with Client(url, store=store, transport=network) as client:
        await client.login(user.email, PASSWORD)
        await refused_token(client)

        async def full(name: str, value: Any) -> None:
            raise OSError("no space left")

        with monkeypatch.context() as patch:
            patch.setattr(store, "save", full)
            with pytest.raises(OSError, match="no space"):
                await client.me()
        assert (await client.me())["email"] == user.email


async def test_a_login_goes_on_after_a_restart(url: str, user: User) -> None:
    store = MemoryStore()
    async with Client(url, store=store) as client:
        await client.login(user.email, PASSWORD)
    async with Client(url, store=store) as client:
        assert (await client.me())["email"] == user.email


async def test_tokens_of_another_process_are_taken(url: str, user: User) -> None:
    store = MemoryStore()
    async with Client(url, store=store) as one, Client(url, store=store) as other:
        await one.login(user.email, PASSWORD)
        await other.session.restore()
        for _ in range(2):
            await refused_token(one)
            await one.me()
        await refused_token(other)
        # Its refresh token was replaced, and the successor used: a late duplicate, which ends nothing.
        assert (await other.me())["email"] == user.email
        assert (await one.me())["email"] == user.email


async def test_a_login_that_was_ended_elsewhere_is_said_to_have_ended(
    client: Client, network: Network, url: str
) -> None:
    headers = {"Authorization": f"Bearer {await client.session.bearer()}"}
    async with httpx2.AsyncClient(base_url=url) as http:
        ok(await http.post("/api/v1/auth/logout", headers=headers), 204)
    with pytest.raises(LoginEndedError):
        await client.me()
    asked = len(network.asked)
    with pytest.raises(LoginEndedError):
        await client.me()
    assert len(network.asked) == asked
    assert await client.session.restore() is False


@pytest.mark.parametrize("how", ["request", "answer"])
async def test_logging_out_survives_a_lost_answer(client: Client, network: Network, how: str) -> None:
    token = await client.session.bearer()
    network.losing = losing("/auth/logout", how, 1)
    await client.session.logout()
    with pytest.raises(LoginEndedError):
        await client.me()
    answer = await client._api._transport.send(Request("GET", "/api/v1/me"), token)
    assert answer.status_code == 401
    await client.session.logout()  # again does nothing


async def test_an_api_token_is_shown_as_it_is(
    url: str, services: Services, workspace: Workspace, network: Network
) -> None:
    token = (await workspace.token(services, "member")).token
    async with Client(url, token=token, transport=network) as client:
        assert (await client.workspace(workspace.slug).calls.workspace())["id"] == workspace.id
    async with Client(url, token="pst_wrong", transport=network) as client:
        with pytest.raises(LoginEndedError):
            await client.me()
    assert network.count("/auth/refresh") == 0


async def test_a_problem_says_what_and_where(client: Client) -> None:
    with pytest.raises(InvalidError) as refusal:
        await client.create_workspace("Not a slug", "Fluid Project")
    assert (refusal.value.status, refusal.value.code) == (422, "validation_failed")
    assert [error["pointer"] for error in refusal.value.errors] == ["/slug"]
    assert not refusal.value.transient


async def test_an_answer_of_a_proxy_is_a_problem_too(url: str, network: Network, user: User) -> None:
    network.losing = lambda _: "500"
    async with Client(url, transport=network) as client:
        with pytest.raises(ProblemError) as refusal:
            await client.login(user.email, PASSWORD)
    assert (refusal.value.status, refusal.value.code) == (500, "unknown")
    assert len(network.asked) == 1
