"""Jobs: what is done beside the requests, by one process at a time, until it is done."""

from app.services.jobs.engine import JobEngine
from app.services.jobs.jobs import Duty, Worker

__all__ = ["Duty", "JobEngine", "Worker"]
