"""Whether the process lives, and whether it can serve."""

from fastapi import APIRouter, Depends, Request

from app.api.gate import Public
from app.api.requests import StrictRoute
from app.api.v1 import problems
from app.core.errors import ErrorCode, PastisError
from app.schemas.health import HealthRead
from app.services.bootstrap import Services

# Those who ask give up soon, many after two seconds; the driver notices up to half a second late.
READY_SECONDS = 1.25

router = APIRouter(
    prefix="/health",
    tags=["health"],
    route_class=StrictRoute,
    dependencies=[Depends(Public("load balancers and containers ask before anybody logs in"))],
)


@router.get("/live", responses=problems.LIVE)
async def get_liveness() -> HealthRead:
    """The process answers. It should not be restarted for a database that is away."""
    return HealthRead(status="live")


@router.get("/ready", responses=problems.READY)
async def get_readiness(request: Request) -> HealthRead:
    """The database answers as a primary and has been made ready; 503 otherwise."""
    services: Services = request.app.state.services
    if not services.ready or not await services.database.is_ready(READY_SECONDS):
        raise PastisError(ErrorCode.DATABASE_UNAVAILABLE)
    return HealthRead(status="ready")
