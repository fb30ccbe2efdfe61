"""A connection that tells what it sends, and scopes that read through it."""

from collections.abc import AsyncIterator

import pytest

from app.core.config import Settings
from app.core.database.engine import Database
from app.core.unit_of_work import Context
from app.services.access import AccountPrincipal, PrincipalKind, Scope
from app.services.access.standing import owner_standing
from app.services.bootstrap import Services
from app.tests.support.bench import ACTOR, SOURCE, make_writers
from app.tests.support.commands import Commands, watched
from app.utils.ids import new_id


@pytest.fixture
async def watched_database(
    services: Services, test_settings: Settings
) -> AsyncIterator[tuple[Database, Commands]]:
    """The tests' database, whose collections and indexes are there."""
    async with watched(test_settings) as found:
        yield found


@pytest.fixture
def scope(watched_database: tuple[Database, Commands], services: Services) -> Scope:
    """An owner's scope of a workspace that need not be there."""
    database, _ = watched_database
    principal = AccountPrincipal(PrincipalKind.USER, new_id(), new_id(), display_name="Justin Obara")
    standing = owner_standing(principal, new_id(), new_id())
    return Scope(database, make_writers(database), standing, Context(ACTOR, SOURCE), services.secret)


@pytest.fixture
def commands(watched_database: tuple[Database, Commands]) -> Commands:
    return watched_database[1]
