"""Work that is asked for in the database, and done beside the requests: see services/jobs."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from odmantic import Field, Model

from app.core.documents import Doc, index
from app.utils.ids import new_id

LEASE_SECONDS = 20
"""How long whoever does a job has it to themselves, unless they say that they still do it.

So long a request waits that is repeated when the process that had begun it is dead.
"""


class JobKind(StrEnum):
    """Every kind of work; a job's id begins with its kind where there may be one of it at a time."""

    DELETION = "deletion"
    MAIL = "mail"
    MERGE = "merge"
    RETENTION = "retention"


class JobState(StrEnum):
    FAILED = "failed"
    QUEUED = "queued"
    RUNNING = "running"


class Job(Model):
    """One piece of work. What is done is deleted, what is given up is kept until somebody decides."""

    id: str = Field(primary_field=True)
    kind: JobKind
    user_id: str | None = None
    """The account that it is about, with which it is erased."""
    payload: dict[str, Any] = Field(default_factory=dict)
    sealed: str | None = None
    """What of it is secret or personal, for whoever has PASTIS_SECRET."""
    state: JobState = JobState.QUEUED
    attempts: int = 0
    lease: str | None = None
    """Names the attempt under way: nobody else may say what became of the job."""
    error: str | None = None
    """The kind of the last failure."""
    expires_at: datetime | None = None
    """When it is of no use any more."""
    created_at: datetime | None = None
    due_at: datetime | None = None
    """When it is tried next; of a running one, when its lease ends. Both times are the database's."""

    model_config = {
        "collection": "jobs",
        "indexes": lambda: [
            index("jobs_due", "kind", "state", "due_at"),
            index("jobs_by_user", "user_id"),
            index("jobs_expire", "expires_at", expireAfterSeconds=0),
        ],
    }


class JobError(Exception):
    """A job was not done, and why, without anything personal; `final` where trying again would be in vain."""

    def __init__(self, reason: str, *, final: bool = False) -> None:
        super().__init__(reason)
        self.final = final


def only(kind: JobKind, subject: str, payload: Doc, *, taken: bool = False) -> Job:
    """The one job of a kind that there may be about something; `taken` already by whoever asks for it."""
    return Job(
        id=f"{kind}:{subject}",
        kind=kind,
        payload=payload,
        state=JobState.RUNNING if taken else JobState.QUEUED,
        lease=new_id() if taken else None,
    )


def asking(job: Job) -> tuple[Doc, list[Doc]]:
    """The query and the update of an upsert that asks for a job, which changes nothing where it is there.

    It is due at once; one with a lease is taken already.
    """
    new = job.model_dump_doc() | {"created_at": None, "due_at": None}
    due = {"$add": ["$$NOW", LEASE_SECONDS * 1000]} if job.lease else "$$NOW"
    times = {"created_at": "$$NOW", "due_at": due}
    return {"_id": job.id}, [{"$replaceWith": {"$mergeObjects": [{"$literal": new}, times, "$$ROOT"]}}]
