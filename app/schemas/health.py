"""Health."""

from typing import Literal

from app.schemas.base import Shown, example


class HealthRead(Shown):
    status: Literal["live", "ready"]

    model_config = Shown.model_config | example(status="ready")
