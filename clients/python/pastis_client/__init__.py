"""A client of Pastis. Begin with `Client`; `commands` has what can be changed, `documents` what there is."""

from pastis_client import commands, documents
from pastis_client.calls import Answer, Calls
from pastis_client.client import Client
from pastis_client.commands import Command
from pastis_client.errors import (
    ClosedError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    LoginEndedError,
    NotFoundError,
    PastisError,
    PreconditionFailedError,
    ProblemError,
    ProtocolError,
    UnauthorizedError,
    UnavailableError,
    UnreachableError,
)
from pastis_client.ids import new_id
from pastis_client.query import Query
from pastis_client.queue import Pending
from pastis_client.replica import Change
from pastis_client.session import Session
from pastis_client.store import FileStore, MemoryStore, Store
from pastis_client.workspace import Workspace

__all__ = [
    "Answer",
    "Calls",
    "Change",
    "Client",
    "ClosedError",
    "Command",
    "ConflictError",
    "FileStore",
    "ForbiddenError",
    "InvalidError",
    "LoginEndedError",
    "MemoryStore",
    "NotFoundError",
    "PastisError",
    "Pending",
    "PreconditionFailedError",
    "ProblemError",
    "ProtocolError",
    "Query",
    "Session",
    "Store",
    "UnauthorizedError",
    "UnavailableError",
    "UnreachableError",
    "Workspace",
    "commands",
    "documents",
    "new_id",
]
