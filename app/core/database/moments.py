"""Reads that all see the same moment, whatever is written meanwhile."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pymongo.asynchronous.client_session import AsyncClientSession

from app.core.database.engine import Database

Moment = AsyncClientSession
"""What reads are given to see that moment."""


@asynccontextmanager
async def moment(database: Database) -> AsyncIterator[Moment]:
    """A session to read in; its first read sets the moment.

    It lasts for as long as the server remembers that: with MongoDB, five minutes.
    """
    if await database.knows_snapshots():
        async with database.client.start_session(snapshot=True) as session:
            yield session
    else:
        async with database.transaction() as session:
            yield session
