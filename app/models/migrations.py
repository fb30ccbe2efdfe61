"""The migrations of this version, in order. Numbers are never reused; what has landed is never changed."""

from collections.abc import Sequence

from app.core.database.engine import Database
from app.core.database.migrations import Migration, Progress


async def _baseline(_database: Database, _progress: Progress) -> None:
    """The first layout: nothing to change, but the database is marked as one of ours."""


MIGRATIONS: Sequence[Migration] = (Migration(1, "baseline", _baseline),)
