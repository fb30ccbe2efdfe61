"""What Prometheus is told of a process and of what all processes share."""

from app.services.metrics.engine import MetricsEngine

__all__ = ["MetricsEngine"]
