"""How answers are written: bytes, ETag, Location, Link; what preconditions say of ETags."""

import hashlib
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from fastapi import Request, Response

from app.core.documents import Doc, Entity, SentOn, dump, public, stored
from app.core.errors import ErrorCode, PastisError
from app.core.unit_of_work import Outcome
from app.services.access import Page

_ETAG = re.compile(r'(W/)?"([^"]*)"')
JSON = "application/json"
_JSON_TYPE = (b"content-type", JSON.encode())


def shown(entity: Entity) -> Doc:
    return public(type(entity), stored(entity))


def found(request: Request, doc: Doc) -> Response:
    """One document, or 304 where the client has this version."""
    return _versioned(request, doc["version"], lambda: dump(doc))


def sent_on(request: Request, found: SentOn) -> Response:
    """The same of a document that is JSON already."""
    return _versioned(request, found.version, lambda: found.json)


def _versioned(request: Request, version: int, body: Callable[[], bytes]) -> Response:
    etag = f'"{version}"'
    if not_modified(request, etag):
        return Response(status_code=304, headers={"etag": etag})
    return _Json(body(), etag.encode())


class _Json(Response):
    """What is answered most, without the detour by headers as text."""

    def __init__(self, body: bytes, etag: bytes, *more: tuple[bytes, bytes]) -> None:
        self.status_code = 200
        self.background = None
        self.body = body
        length = (b"content-length", b"%d" % len(body))
        self.raw_headers = [(b"etag", etag), *more, length, _JSON_TYPE]


def listed(request: Request, page: Page) -> Response:
    """A page, with the next one in `Link`, or 304 where the client has just this."""
    body: Doc = {"items": page.items, "next_cursor": page.next_cursor}
    if page.total is not None:
        body["total"] = page.total
    return _whole(request, body, page.next_cursor)


def plain(request: Request, value: Doc) -> Response:
    """A document that no log numbers, told apart by its content."""
    return _whole(request, value, None)


def secret(value: Doc, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """What is shown only this once, and kept by nobody on the way."""
    return Response(dump(value), status, {"cache-control": "no-store", **(headers or {})}, JSON)


def strong_tags(if_match: str) -> list[str] | None:
    """The tags in If-Match (RFC 9110, 13.1.1) that can match, which weak ones never do; None for `*`.

    Raises `invalid_precondition`.
    """
    if if_match.strip() == "*":
        return None
    tags = [_ETAG.fullmatch(part.strip()) for part in if_match.split(",")]
    if any(tag is None for tag in tags):
        raise PastisError(ErrorCode.INVALID_PRECONDITION)
    return [tag[2] for tag in tags if tag is not None and tag[1] is None]


def check_match(if_match: str, value: Doc) -> None:
    """Raises `precondition_failed` where If-Match does not name this value of what no log numbers."""
    tags = strong_tags(if_match)
    if tags is not None and _hash(dump(value)) not in tags:
        raise PastisError(ErrorCode.PRECONDITION_FAILED, current=value)


def _hash(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:24]


def _whole(request: Request, value: Doc, next_cursor: str | None) -> Response:
    body = dump(value)
    etag = f'"{_hash(body)}"'
    if not_modified(request, etag):
        return Response(status_code=304, headers={"etag": etag})
    if next_cursor is None:
        return _Json(body, etag.encode())
    behind = _behind(request.scope["path"], request.scope["query_string"])
    link = f'<{behind}{quote(next_cursor)}>; rel="next"'
    return _Json(body, etag.encode(), (b"link", link.encode("latin-1")))


@lru_cache(maxsize=256)
def _behind(path: str, query_string: bytes) -> str:
    """What was asked for, up to the cursor; without the URL's other parts, whose making takes longer."""
    given = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True)
    query = urlencode([*(pair for pair in given if pair[0] != "cursor"), ("cursor", "")])
    return f"{quote(path)}?{query}"


def created(request: Request, outcome: Outcome[Any], beside: Doc | None = None) -> Response:
    """201 with the new document and where it is; `beside` is what no log has, and nobody keeps on the way."""
    doc = shown(outcome.value) | (beside or {})
    headers = _headers(outcome, doc) | ({"cache-control": "no-store"} if beside else {})
    headers["location"] = f"{request.url.path.rstrip('/')}/{doc['id']}"
    return Response(dump(doc), 201, media_type=JSON, headers=headers)


def accepted(request: Request, outcome: Outcome[Doc]) -> Response:
    """202 with what was begun, and where it can be looked at."""
    headers = {"location": f"{request.url.path.rstrip('/')}/{outcome.value['id']}"}
    if outcome.replayed:
        headers["idempotency-replayed"] = "true"
    return Response(dump(outcome.value), 202, media_type=JSON, headers=headers)


def changed(outcome: Outcome[Any], beside: Doc | None = None) -> Response:
    """200 with the document as it is now, and what no log has."""
    doc = shown(outcome.value) | (beside or {})
    return Response(dump(doc), media_type=JSON, headers=_headers(outcome, doc))


def changed_all(outcomes: Sequence[Outcome[Any]]) -> Response:
    """200 with the documents as each change left them; the numbers of all events in one header."""
    headers = {"idempotency-replayed": "true"} if outcomes[0].replayed else {}
    seqs = [str(one.seq) for one in outcomes if one.seq is not None]
    if seqs:
        headers["pastis-event"] = ", ".join(seqs)
    return Response(dump({"items": [shown(one.value) for one in outcomes]}), media_type=JSON, headers=headers)


def deleted(outcome: Outcome[None]) -> Response:
    """204."""
    return Response(status_code=204, headers=_headers(outcome, None))


def _headers(outcome: Outcome[Any], doc: Doc | None) -> dict[str, str]:
    headers = {} if doc is None else {"etag": f'"{doc["version"]}"'}
    if outcome.seq is not None:
        headers["pastis-event"] = str(outcome.seq)
    if outcome.replayed:
        headers["idempotency-replayed"] = "true"
    return headers


def not_modified(request: Request, etag: str) -> bool:
    """Whether If-None-Match names this version: a weak comparison (RFC 9110, 13.1.2)."""
    # Starlette's headers take longer to be made than to be looked through.
    found = (value for name, value in request.scope["headers"] if name == b"if-none-match")
    header: bytes | None = next(found, None)
    if header is None:
        return False
    tags = (part.strip().removeprefix("W/") for part in header.decode("latin-1").split(","))
    return any(tag in ("*", etag) for tag in tags)
