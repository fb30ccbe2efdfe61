"""What Prometheus reads of this process."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from fastapi.responses import Response

from app.api.gate import Public
from app.api.requests import StrictRoute
from app.api.v1 import problems
from app.core.telemetry import CONTENT_TYPE
from app.services.bootstrap import Services

_BEARER = "bearer "

router = APIRouter(
    tags=["metrics"],
    route_class=StrictRoute,
    dependencies=[
        Depends(Public("it has a token of its own, PASTIS_METRICS_TOKEN, which is nobody's login"))
    ],
)


class Metrics(Response):
    media_type = CONTENT_TYPE


@router.get("/metrics", response_class=Metrics, responses=problems.METRICS)
async def get_metrics(
    request: Request, authorization: Annotated[str | None, Header(include_in_schema=False)] = None
) -> Response:
    """The metrics of this process, and of what all processes share, in Prometheus' text format."""
    services: Services = request.app.state.services
    services.metrics.check(_token(authorization))
    return Metrics(await services.metrics.text())


def _token(authorization: str | None) -> str | None:
    if authorization is None or not authorization.lower().startswith(_BEARER):
        return None
    return authorization[len(_BEARER) :]
