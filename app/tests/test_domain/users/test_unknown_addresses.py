"""Attack: learning from the time of an answer which addresses have an account."""

import statistics
from collections.abc import AsyncIterator, Awaitable, Callable
from time import perf_counter

import pytest

from app.core.config import Settings
from app.core.database.engine import Database
from app.services.bootstrap import Services
from app.tests.support.clock import TestClock
from app.tests.support.commands import Commands, listening
from app.tests.support.factories import make_user
from app.tests.support.origins import coming_from
from app.utils.ids import new_id

pytestmark = pytest.mark.anyio

Asking = Callable[[Services, str], Awaitable[None]]
ASKING: dict[str, Asking] = {
    "email_change": lambda services, email: services.email_changes.request(_Own.id, email, "en"),
    "password_reset": lambda services, email: services.password_resets.request(email, "en"),
    "registration": lambda services, email: services.registrations.request(email, "en"),
}


class _Own:
    id = ""


@pytest.fixture
async def quiet(
    test_settings: Settings, services: Services, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Services, Commands]]:
    """Services that do nothing beside what they are asked, and what they send to the database."""
    commands = Commands()
    with listening(monkeypatch, commands):
        database = Database.connect(test_settings)
    found = Services(test_settings, database, services.secret, TestClock())
    await found.prepare()
    _Own.id = (await make_user(found)).id
    yield found, commands
    await found.close()


@pytest.mark.parametrize("asking", ASKING)
async def test_known_and_unknown_addresses_cost_the_same_work(
    asking: str, quiet: tuple[Services, Commands]
) -> None:
    services, commands = quiet
    known = (await make_user(services)).email
    deactivated = await make_user(services)
    await services.users.update(deactivated.id, {"active": False})
    sent = []
    for email in (known, deactivated.email, f"{new_id()}@fluid.example"):
        commands.take()
        await ASKING[asking](services, email)
        sent.append(commands.names)
    assert sent[0] == sent[1] == sent[2]
    assert "update jobs" in sent[0]


async def test_known_and_unknown_addresses_take_the_same_time(quiet: tuple[Services, Commands]) -> None:
    services, _ = quiet
    times: dict[bool, list[float]] = {True: [], False: []}
    for number in range(40):
        emails = {True: (await make_user(services)).email, False: f"{new_id()}@fluid.example"}
        for known, email in emails.items():
            begun = perf_counter()
            with coming_from(f"192.0.{number}.{known:d}"):
                await services.password_resets.request(email, "en")
            times[known].append(perf_counter() - begun)
    medians = [statistics.median(one) for one in times.values()]
    assert max(medians) < 1.5 * min(medians), times
