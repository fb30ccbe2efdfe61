"""One import from the command line: for whom, into what, with a bar, and with a report at its end."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import IO

from pydantic import ValidationError
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from app.commands.console import fail
from app.commands.context import SOURCE, find_account
from app.commands.import_report import show
from app.commands.services import with_services
from app.core.documents import Doc
from app.models.imports import ImportState
from app.models.memberships import Role
from app.models.users import User
from app.schemas.workspaces import WorkspaceCreate
from app.services.access import AccountScope, Permission, Scope
from app.services.access.standing import owner_standing
from app.services.bootstrap import Services
from app.services.imports import Archive, ImportEngine, ImportOptions, Run
from app.services.workspaces import create_workspace
from app.utils.ids import new_id
from app.utils.text import slugify

SOME_FAILED = 3


def perform(file: IO[bytes], workspace: str, email: str | None, *, dry_run: bool, strict: bool) -> int:
    """Import and report; the result is the exit code."""
    options = ImportOptions(Path(file.name).name, strict=strict, dry_run=dry_run)

    async def work(services: Services) -> tuple[Run, float]:
        began = monotonic()
        scope = await _enter(services, workspace, email, dry_run=dry_run)
        scope.demand(Permission.IMPORT_CREATE)
        engine = ImportEngine(scope)
        run = await _begin(services, engine, options)
        with _bar(run):
            await engine.execute(run, Archive(file))
        return run, monotonic() - began

    done, seconds = with_services(work)
    show(done, seconds)
    if done.state is not ImportState.DONE:
        return 1
    return SOME_FAILED if done.failed else 0


async def _begin(services: Services, engine: ImportEngine, options: ImportOptions) -> Run:
    """A run that others can look at, unless it is to leave no trace."""
    if options.dry_run:
        return Run(new_id(), options, keep=False)
    begun, _ = await engine.begin(options)
    assert begun is not None  # noqa: S101 - only requests with a key can find a former run
    await engine.audit(services.audit, begun)
    return begun


async def _enter(services: Services, name: str, email: str | None, *, dry_run: bool) -> Scope:
    """The workspace of this slug or name; one that is not there is made, or tried and then imagined."""
    found = await services.access.called(name)
    if len(found) > 1:
        fail(f"More than one workspace is called {name}. Name it by its slug.")
    if found:
        return await _join(services, found[0], email)
    user = await find_account(services, email)
    account = services.access.account_of(user, SOURCE)
    tried = replace(account, context=replace(account.context, dry_run=dry_run))
    made = await create_workspace(tried, _new_workspace(name))
    if dry_run:
        return _imagined(services, account)
    return await services.access.act_for(user, made.value.id, SOURCE)


async def _join(services: Services, workspace: Doc, email: str | None) -> Scope:
    members = workspace["memberships"]
    user = await (find_account(services, email) if email else _owner(services, members))
    if user.id not in {one["user_id"] for one in members}:
        fail(f"{user.email} is not a member of the workspace {workspace['slug']}.")
    return await services.access.act_for(user, workspace["_id"], SOURCE)


async def _owner(services: Services, memberships: list[Doc]) -> User:
    for one in memberships:
        user = await services.users.get(one["user_id"])
        if one["role"] == Role.OWNER.value and user.active:
            return user
    return fail("No owner of the workspace has an active account. Name an account with --as.")


def _new_workspace(name: str) -> WorkspaceCreate:
    try:
        return WorkspaceCreate(slug=slugify(name), name=name)
    except ValidationError:
        fail(f"No workspace can be called {name!r}: it needs some Latin letters, and at most 100 characters.")


def _imagined(services: Services, account: AccountScope) -> Scope:
    """A workspace that is not there yet has nothing in it."""
    standing = owner_standing(account.principal, new_id(), new_id())
    return Scope(services.database, services.writers, standing, account.context, services.secret)


@contextmanager
def _bar(under_way: Run) -> Iterator[None]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task("Reading", total=None)

        def watch(run: Run) -> None:
            if run.reading:
                progress.update(task, completed=run.total)
            else:
                progress.update(task, description="Importing", completed=run.done, total=run.total)

        under_way.watch = watch
        yield
