"""What routes declare: made when their modules are imported, so that it is changed where it lives."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi.routing import APIRoute

from app.api import gate
from app.models.memberships import Role
from app.services.access import Permission, Principal, PrincipalKind
from app.services.access.rules import Holder
from app.services.access.standing import standing_of
from mutation.guards import ROOT, Guard, Place

_made: dict[tuple[str, Place], Any] = {}


class _Open(gate.Requires):
    """Asks for nothing."""

    async def __call__(self, request: Any, workspace: str = "", _: None = None) -> None:
        """Let everybody pass."""


class _OpenAccount(gate.RequiresAccount):
    async def __call__(self, request: Any, _: None = None) -> None:
        """Let everybody pass."""


def watch() -> None:
    """Note from now on where declarations are made: to be called before a route is imported."""
    for declared in (gate.Requires, gate.RequiresAccount):
        _note(declared)


def _note(declared: type) -> None:
    make = declared.__init__  # type: ignore[misc] # of a class that is known

    def noted(self: Any, *args: Any, **options: Any) -> None:
        make(self, *args, **options)
        frame = sys._getframe(1)  # noqa: SLF001 - the way to who calls
        line, end, column, end_column = list(frame.f_code.co_positions())[frame.f_lasti // 2]
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(ROOT):
            place = (line or 0, column or 0, end or 0, end_column or 0)
            _made[str(path.relative_to(ROOT)), place] = self

    declared.__init__ = noted  # type: ignore[misc]


def routes(guard: Guard) -> list[str]:
    """The names of the routes that a declaration is of."""
    from app.api.v1.endpoints import health, problems
    from app.api.v1.router import ROUTERS

    declared = _made.get((guard.path, guard.place))
    return [
        route.name
        for router in (*ROUTERS, health.router, problems.router)
        for route in router.routes
        if isinstance(route, APIRoute)
        if any(one.call is declared for one in route.dependant.dependencies)
    ]


@contextmanager
def without(guard: Guard) -> Iterator[None]:
    """The process without this declaration: membership is enough; where it was before, nothing is asked."""
    if guard.text.startswith("_Call"):
        with _lane_without(guard):
            yield
        return
    declared = _made[guard.path, guard.place]
    kind, kept = declared.__class__, dict(vars(declared))
    if isinstance(declared, gate.RequiresAccount):
        if declared.recent:
            declared.recent = False
        else:
            declared.__class__ = _OpenAccount
    elif _everybody_has(declared.permission):
        declared.__class__ = _Open
    else:
        declared.permission = Permission.WORKSPACE_READ
    try:
        yield
    finally:
        declared.__class__ = kind
        vars(declared).update(kept)


def _everybody_has(permission: Permission) -> bool:
    guest = standing_of(Principal(PrincipalKind.USER, "", ""), "", Holder("", Role.GUEST), {}, (), ())
    return guest.allows(permission)


@contextmanager
def _lane_without(guard: Guard) -> Iterator[None]:
    """The fast lane asks for what the route asks for; its calls stand in the order of the source."""
    from app.api import fast_lane

    wanted = guard.text.partition("Permission.")[2].partition(",")[0]
    run = guard.text.rpartition(", ")[2].rstrip(")")
    call = next(one for one in fast_lane.CALLS.values() if one.run.__name__ == run)
    assert call.permission is Permission[wanted]
    object.__setattr__(call, "permission", Permission.WORKSPACE_READ)
    try:
        yield
    finally:
        object.__setattr__(call, "permission", Permission[wanted])
