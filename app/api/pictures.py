"""Pictures as bodies: read within bounds, answered so that they can be kept but not run."""

from typing import Any

from fastapi import Request, Response

from app.api.requests import StrictRequest
from app.api.responses import not_modified, strong_tags
from app.core.errors import ErrorCode, PastisError
from app.models.avatars import Avatar
from app.services.avatars import AvatarEngine

MOST_BYTES = 1_048_576
_TYPES = ("image/png", "image/jpeg", "image/webp")
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
BODY: dict[str, Any] = {"required": True, "content": dict.fromkeys(_TYPES, _BINARY)}
PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture.", "content": {"image/webp": _BINARY}}
}
_FOR_EVER = "private, max-age=31536000, immutable"
_ASK_AGAIN = "private, no-cache"


async def read_picture(request: Request) -> bytes:
    """The body; raises `unsupported_media_type` and `body_too_large`."""
    strict = StrictRequest(request.scope, request.receive)
    if request.headers.getlist("content-type") not in [[one] for one in _TYPES]:
        raise PastisError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, expected=", ".join(_TYPES))
    return await strict.bounded_body(MOST_BYTES)


async def check_picture_match(avatars: AvatarEngine, user_id: str, if_match: str | None) -> None:
    """Raises `precondition_failed` where If-Match does not name the present picture."""
    tags = None if if_match is None else strong_tags(if_match)
    if tags is None:
        return
    try:
        version = (await avatars.get(user_id)).version
    except PastisError:
        version = None
    if version not in tags:
        raise PastisError(ErrorCode.PRECONDITION_FAILED)


def picture(request: Request, avatar: Avatar, version: str | None) -> Response:
    """The picture, or 304 where the client has it."""
    headers = {
        "etag": f'"{avatar.version}"',
        "cache-control": _FOR_EVER if version == avatar.version else _ASK_AGAIN,
        "content-disposition": "inline",
    }
    if not_modified(request, headers["etag"]):
        return Response(status_code=304, headers=headers)
    return Response(avatar.content, media_type="image/webp", headers=headers)
