"""What can go wrong, each with what it means for the one who asked."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx2

TRANSIENT = frozenset({429, 502, 503, 504})
"""Statuses after which the same request may succeed later."""


class PastisError(Exception):
    """All that this library raises by itself."""


class UnreachableError(PastisError):
    """No whole answer came. A change was done, or not: send the same command again to know."""


class LoginEndedError(PastisError):
    """There is no login, or it has ended: ask for the password."""


class ClosedError(PastisError):
    """The live workspace was left before it came. Changes that wait go on when it is entered again."""


class ProtocolError(PastisError):
    """What came is not what the protocol promises."""


class ProblemError(PastisError):
    """A refusal of the server (RFC 9457). `code` is stable; `title` and `detail` are for people."""

    def __init__(self, body: Mapping[str, Any], retry_after: float | None = None) -> None:
        self.body = body
        self.status: int = body["status"]
        self.code: str = body["code"]
        self.title: str = body.get("title", "")
        self.detail: str = body.get("detail", "")
        self.errors: Sequence[Mapping[str, str]] = body.get("errors") or ()
        self.retry_after = retry_after
        """Seconds to wait before asking again, where the server said so."""
        super().__init__(f"{self.status} {self.code}: {self.detail or self.title}")

    @property
    def transient(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status in TRANSIENT


class UnauthorizedError(ProblemError):
    """401: the credential does not count."""


class ForbiddenError(ProblemError):
    """403: you see it and may not do this."""


class NotFoundError(ProblemError):
    """404: it does not exist, or you cannot see it."""


class ConflictError(ProblemError):
    """409: the state of things does not allow it."""


class PreconditionFailedError(ProblemError):
    """412: it has changed since; `current` is the present state."""

    @property
    def current(self) -> Any:
        return self.body.get("current")


class InvalidError(ProblemError):
    """422: the request itself is wrong; `errors` says where."""


class UnavailableError(ProblemError):
    """429, 502, 503 or 504: not now."""


_KINDS: dict[int, type[ProblemError]] = {
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    412: PreconditionFailedError,
    422: InvalidError,
    **dict.fromkeys(TRANSIENT, UnavailableError),
}


def problem(body: Mapping[str, Any], retry_after: float | None = None) -> ProblemError:
    """The error of a problem's status."""
    return _KINDS.get(body["status"], ProblemError)(body, retry_after)


def problem_of(answer: httpx2.Response) -> ProblemError:
    """The error of an answer that is no success, also of one that a proxy wrote."""
    try:
        body = dict(answer.json())
    except ValueError:
        body = {}
    told = {"code": "unknown", "title": answer.reason_phrase} | body | {"status": answer.status_code}
    return problem(told, retry_after(answer))


def retry_after(answer: httpx2.Response) -> float | None:
    value = answer.headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else None
