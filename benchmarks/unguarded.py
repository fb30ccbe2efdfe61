"""Pastis without its guards, for the benchmark alone: what they cost shows beside it.

Whoever sends the first request is who everybody else is, whatever they send: no login is looked up, no
permission demanded, no request counted, no last use noted, and a document that is read is not held against
what one may see. Routes, fast lane, reader and log are the application's own.
"""

from dataclasses import dataclass, fields

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.limits import LimitLayer
from app.api.session import Caller, Cookies, SessionLayer
from app.core.documents import Doc, Entity, SentOn
from app.services.access import Permission
from app.services.access import Scope as AccessScope
from app.services.access.scope import ScopedCollection


class _Collection(ScopedCollection):
    async def read_sent_on(self, id_: str, projection: Doc) -> SentOn | None:
        return await self._database.points(self.model, projection).get(id_)


@dataclass(slots=True)
class _Scope(AccessScope):
    def demand(self, permission: Permission) -> None:
        """Allow it."""

    def collection(self, model: type[Entity]) -> ScopedCollection:
        return _Collection(self, model)


class _Caller:
    def __init__(self, scope: _Scope) -> None:
        self._scope = scope

    async def enter(self, _: str) -> _Scope:
        return self._scope


class _OpenLayer:
    """In the place of `SessionLayer`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._caller: _Caller | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if self._caller is None:
                self._caller = await _first(scope)
            scope.setdefault("state", {})["caller"] = self._caller
        await self._app(scope, receive, send)


async def _first(scope: Scope) -> _Caller:
    workspace = scope["path"].split("/")[4]
    entered = await Caller(scope, Cookies(secure=True), frozenset()).enter(workspace)
    return _Caller(_Scope(**{one.name: getattr(entered, one.name) for one in fields(entered)}))


def without_guards(app: FastAPI) -> FastAPI:
    """The application, its layers replaced before it has begun."""
    kept = [one for one in app.user_middleware if _layer(one) is not LimitLayer]
    places = [place for place, one in enumerate(kept) if _layer(one) is SessionLayer]
    assert len(places) == 1, "the layer that looks logins up has another name"
    kept[places[0]] = Middleware(_OpenLayer)
    app.user_middleware = kept
    return app


def _layer(middleware: Middleware) -> object:
    return middleware.cls
