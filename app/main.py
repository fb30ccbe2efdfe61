"""The application: floors put together, opened and closed with the process."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route
from starlette.types import Scope

from app import __version__
from app.api import description, docs, errors
from app.api.fast_lane import FastLane
from app.api.gate import Public, Requires, RequiresAccount
from app.api.limits import LimitLayer
from app.api.middleware import RequestLayer
from app.api.session import SessionLayer
from app.api.streams import StreamLayer, is_for_stream
from app.api.v1.endpoints import health, metrics, problems
from app.api.v1.router import PREFIX, ROUTERS
from app.core import logging, tracing
from app.core.clock import Clock
from app.core.config import Settings, resolve_secret
from app.core.database.engine import Database
from app.core.database.errors import classify
from app.core.telemetry import Telemetry
from app.services.bootstrap import Services

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

RETRY_SECONDS = 1.0
UNTRACED = frozenset({"/health/live", "/health/ready", "/metrics"})
DESCRIPTION = "Plan and follow projects and tasks. One public API for web, command line, scripts and agents."

logger = logging.get_logger(__name__)


def create_app(settings: Settings, clock: Clock | None = None) -> FastAPI:
    """The ASGI application. Without a clock it goes by the database's.

    Raises UnsafeSettings in production, whoever serves it, and RuntimeError where a route declares no
    permission.
    """
    settings.refuse_unsafe()
    telemetry, tracer_provider = Telemetry(), tracing.tracer_provider(settings)
    app = FastAPI(
        title="Pastis",
        version=__version__,
        description=DESCRIPTION,
        lifespan=_lifespan(settings, clock, telemetry, tracer_provider),
        telemetry={
            "tracing": tracer_provider is not None,
            "tracer_provider": tracer_provider,
            "metrics": False,  # /metrics has them
            "logs": False,
            "operation_spans": False,
            "exclude": _is_untraced,
        },
        generate_unique_id_function=lambda route: route.name,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,  # it would send a client, and its token, to whatever Host the request names
        debug=settings.debug,
    )
    errors.install(app)
    description.install(app)
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX)
    app.include_router(health.router)
    app.include_router(metrics.router)
    app.include_router(problems.router)
    check_permissions(app)
    docs.install(app)
    _add_layers(app, settings, telemetry)
    return app


def _add_layers(app: FastAPI, settings: Settings, telemetry: Telemetry) -> None:
    """The last one added is the outermost."""
    app.add_middleware(FastLane)
    if settings.rate_limit_per_minute or settings.anonymous_rate_limit_per_minute:
        app.add_middleware(LimitLayer)
    app.add_middleware(SessionLayer, settings=settings)
    app.add_middleware(RequestLayer, settings=settings, telemetry=telemetry)
    if settings.cors_origins:  # around these, as refusals of any of them carry these headers too
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["*"],
            allow_headers=["*"],
            # Browsers send cookies to named origins only.
            allow_credentials="*" not in settings.cors_origins,
            expose_headers=[
                "ETag",
                "Idempotency-Replayed",
                "Link",
                "Location",
                "Pastis-Event",
                "RateLimit",
                "RateLimit-Policy",
                "X-Request-ID",
                "Retry-After",
            ],
        )
    app.add_middleware(StreamLayer)


def check_permissions(app: FastAPI) -> None:
    """Every route and socket says who may call it, or the application does not start.

    What takes no dependencies cannot say so; only the description of the API is let through.
    """
    open_pages = {app.openapi_url}
    for context in iter_route_contexts(app.router.routes):
        dependant = getattr(context, "dependant", None)
        if dependant is None and type(context.original_route) is Route and context.path in open_pages:
            continue
        declared = [] if dependant is None else [dependency.call for dependency in dependant.dependencies]
        if not any(isinstance(call, Requires | RequiresAccount | Public) for call in declared):
            raise RuntimeError(f"{context.name} declares neither Requires nor Public")


def _is_untraced(scope: Scope) -> bool:
    """What goes on for hours, and what asks every few seconds."""
    return scope["type"] == "websocket" or is_for_stream(scope) or scope["path"] in UNTRACED


def _lifespan(
    settings: Settings, clock: Clock | None, telemetry: Telemetry, tracer_provider: "TracerProvider | None"
) -> Callable[[FastAPI], Any]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        database = Database.connect(settings, telemetry, tracer_provider)
        shared = clock or Clock(database.time.now)
        services = Services(settings, database, resolve_secret(settings), shared, telemetry)
        app.state.services = services
        preparing = asyncio.create_task(_prepare(services))
        try:
            # Usually done before the first request; a database that is away must not keep us from living.
            await asyncio.wait({preparing}, timeout=RETRY_SECONDS)
            if preparing.done():
                preparing.result()  # what is wrong with more than the connection must not start
            # What is there now stays: no collection looks at it again, which would take 60 ms each time.
            gc.collect()
            gc.freeze()
            yield
        finally:
            preparing.cancel()
            # What failed there has been logged; the connections are closed all the same.
            await asyncio.gather(preparing, return_exceptions=True)
            await services.close()
            if tracer_provider is not None:
                tracing.close(tracer_provider)

    return lifespan


async def _prepare(services: Services) -> None:
    while True:
        try:
            await services.prepare()
        except Exception as exc:
            if classify(exc) is None:
                logger.exception("the database cannot be made ready")
                raise
            logger.warning("the database is away, trying again", error=type(exc).__name__)
            await asyncio.sleep(RETRY_SECONDS)
        else:
            services.start()
            return
