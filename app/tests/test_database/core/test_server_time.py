"""All processes go by the database's clock, whatever is done to their own."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.core.clock import Clock, system_now
from app.core.config import Settings
from app.core.database.engine import Database
from app.core.database.server_time import ServerTime
from app.models.imports import ImportState
from app.services.bootstrap import Services
from app.services.imports import rules as import_rules
from app.services.sessions.rules import GRACE
from app.tests.support.backups import serving
from app.tests.support.factories import make_user
from app.utils.ids import new_id
from chaos.turned_clock import turned

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HERE = ("a.example", 27017)


def heartbeat(time: datetime | None, host: Any = HERE, *, primary: bool = True) -> Any:
    reply = SimpleNamespace(document={"localTime": time} if time else {}, is_writable=primary)
    return SimpleNamespace(reply=reply, connection_id=host)


class Machine:
    """Its monotonic time."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.time = ServerTime(lambda: self.seconds)


def test_it_goes_on_between_heartbeats() -> None:
    machine = Machine()
    machine.time.succeeded(heartbeat(NOW))
    machine.seconds += 7
    assert machine.time.now() == NOW + 7 * SECOND


def test_a_heartbeat_that_is_read_late_sets_nothing_back() -> None:
    machine = Machine()
    machine.time.succeeded(heartbeat(NOW))
    machine.seconds += 10
    machine.time.succeeded(heartbeat(NOW + 9 * SECOND))
    assert machine.time.now() == NOW + 10 * SECOND


def test_the_clock_of_the_database_may_be_set_back() -> None:
    machine = Machine()
    machine.time.succeeded(heartbeat(NOW))
    for seconds in range(10, 70, 10):
        machine.seconds += 10
        machine.time.succeeded(heartbeat(NOW - timedelta(hours=1) + seconds * SECOND))
    assert machine.time.now() == NOW - timedelta(hours=1) + 60 * SECOND


def test_another_primary_has_another_clock() -> None:
    machine = Machine()
    machine.time.succeeded(heartbeat(NOW))
    machine.time.succeeded(heartbeat(NOW - SECOND, ("b.example", 27017)))
    assert machine.time.now() == NOW - SECOND


def test_secondaries_and_who_tells_no_time_do_not_count() -> None:
    machine = Machine()
    machine.time.succeeded(heartbeat(NOW, primary=False))
    machine.time.succeeded(heartbeat(None))
    assert abs(machine.time.now() - system_now()) < timedelta(hours=1)


@pytest.fixture
def fast(tmp_path: Path) -> Path:
    """A machine whose clock is two hours ahead."""
    file = tmp_path / "clock"
    file.write_text(str(2 * 3600))
    return file


async def test_it_is_heard_of_a_real_database(test_settings: Settings, fast: Path) -> None:
    database = Database.connect(test_settings)
    try:
        assert await database.is_ready()
        true = system_now()
        with turned(fast):
            assert system_now() - true > timedelta(hours=1)
            assert abs(database.time.now() - true) < timedelta(minutes=1)
    finally:
        await database.close()


async def test_a_token_is_renewed_after_a_lost_answer_by_a_process_whose_clock_is_wrong(
    test_settings: Settings, services: Services, fast: Path
) -> None:
    """It was rotated by one whose clock is right, within the minute."""
    user = await make_user(services)
    first = await services.sessions.open(user.id, remember_me=True, client="tests")
    lost = await services.sessions.refresh(first.refresh_token)
    database = Database.connect(test_settings)
    other = Services(test_settings, database, services.secret, Clock(database.time.now))
    try:
        assert await database.is_ready()
        true = system_now()
        with turned(fast):
            assert system_now() - true > GRACE
            again = await other.sessions.refresh(first.refresh_token)
        assert (again.access_token, again.refresh_token) == (lost.access_token, lost.refresh_token)
    finally:
        await other.close()


async def test_an_import_is_not_taken_for_interrupted_there(test_settings: Settings, fast: Path) -> None:
    database = Database.connect(test_settings)
    try:
        assert await database.is_ready()
        heartbeat = system_now()
        with turned(fast):
            now = Clock(database.time.now).now()
            assert import_rules.state_now(ImportState.RUNNING, heartbeat, now) is ImportState.RUNNING
            assert (
                import_rules.state_now(ImportState.RUNNING, heartbeat, system_now())
                is not ImportState.RUNNING
            )
    finally:
        await database.close()


async def test_the_application_goes_by_it(test_settings: Settings, fast: Path) -> None:
    own = test_settings.model_copy(update={"database_name": f"time_{new_id()[-12:]}"})
    async with serving(own, None) as (services, _):
        true = system_now()
        with turned(fast):
            assert abs(services.clock.now() - true) < timedelta(minutes=1)
        await services.database.client.drop_database(own.database_name)
