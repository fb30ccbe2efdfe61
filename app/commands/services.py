"""One thing done with the engines, as most commands do."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.commands.console import fail, load_settings, reachable
from app.commands.context import open_services, run
from app.core.config import Settings
from app.core.database.errors import classify
from app.core.errors import ErrorCode, PastisError
from app.core.messages import DEFAULT_LANGUAGE, field_text, problem_text
from app.services.bootstrap import Services
from app.utils.ids import is_id

T = TypeVar("T")


def with_services(work: Callable[[Services], Awaitable[T]], *, prepare: bool = True) -> T:
    """Do it on the database that the settings name; a refusal, or that it is gone, is told and exits with 1.

    Without `prepare` the database is not made ready for this version before.
    """

    async def main(settings: Settings) -> T:
        async with open_services(settings, prepare=prepare) as services:
            return await work(services)

    with reachable(load_settings()) as settings:
        try:
            return run(main(settings))
        except Exception as error:
            refusal = error if isinstance(error, PastisError) else classify(error)
            if refusal is None:
                raise
            fail(_reason(refusal))


async def find_workspace(services: Services, name: str) -> str:
    """Give the id of the workspace that is called so; where there is none, or several, exit with 1."""
    if is_id(name):
        return name
    found = await services.access.called(name)
    if len(found) > 1:
        fail(f"More than one workspace is called {name}. Name it by its slug.")
    if not found:
        fail(f"No workspace is called {name}.")
    return str(found[0]["_id"])


def _reason(error: PastisError) -> str:
    if error.code is ErrorCode.NOT_FOUND:  # from whoever has the machine itself nothing is hidden
        return f"There is no such {error.params['kind']}."
    detail = problem_text(error.code, DEFAULT_LANGUAGE, error.params)[1]
    fields = [f"{one.pointer}: {field_text(one.code, DEFAULT_LANGUAGE, one.params)}" for one in error.errors]
    return "\n".join([detail, *fields])
