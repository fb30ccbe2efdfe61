"""How strictly requests are read: nothing in them is guessed, dropped or taken twice."""

import re
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from fastapi import params
from fastapi._compat import ModelField, field_annotation_is_sequence
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_flat_params, get_validation_alias
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute, _effective_route_context_var
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response

from app.api.validation import MAX_NAME, escape
from app.core.errors import ErrorCode, FieldCode, FieldError, PastisError, invalid
from app.utils.strict_json import loads

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_JSON = re.compile(r"application/(?:[\w!#$&^.+-]+\+)?json", re.ASCII)
_FORM = re.compile(r"multipart/form-data|application/x-www-form-urlencoded")
_UNDECODED = re.compile("[\udc80-\udcff]")
_READS = {"GET", "HEAD"}
_DEFAULT_LIMIT = 1_048_576  # without the request layer, which knows the settings
_LENGTH_DIGITS = 18


class StrictRoute(APIRoute):
    """The `route_class` of every router.

    It refuses query parameters that the route does not declare (`unknown_parameter`) or declares as one
    value and gets twice (`repeated_parameter`), those that are no UTF-8 behind their escapes, form fields
    that come twice (both `validation_failed`), bodies of another media type than the declared body has
    (`unsupported_media_type`) or larger than the settings' `max_body_bytes` (`body_too_large`), and JSON
    that parsers do not agree on (`malformed_json`). A route that declares no body takes none but `{}`,
    except on GET, where none is read. One that describes its body in `openapi_extra` reads it, and checks
    all of this, itself.
    """

    def get_route_handler(self) -> Handler:
        # FastAPI calls this again for each inclusion, whose routers may bring dependencies of their own.
        context = _effective_route_context_var.get()
        route = self if context is None or context.original_route is not self else context
        known = _query_parameters(route.dependant)
        handle = super().get_route_handler()

        async def unread(request: Request) -> Response:
            check_query(request, known)
            return await handle(request)

        async def without_body(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive)
            check_query(strict, known)
            await strict.read_nothing()
            return await handle(strict)

        if route.body_field is None:
            is_read = (route.methods or set()) <= _READS or "requestBody" in (route.openapi_extra or {})
            return unread if is_read else without_body
        is_form = isinstance(route.body_field.field_info, params.Form)
        fields = _are_lists(route.dependant.body_params)

        async def with_body(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive)
            check_query(strict, known)
            await strict.read(is_form=is_form)
            if is_form:
                await _check_form(strict, fields)
            return await handle(strict)

        return with_body


def _query_parameters(dependant: Dependant) -> dict[str, bool]:
    """Map the name of each query parameter that the route or a dependency takes to whether it is a list."""
    return _are_lists(get_flat_params(Dependant(query_params=_query_fields(dependant))))


def _are_lists(fields: Iterable[ModelField]) -> dict[str, bool]:
    return {get_validation_alias(f): field_annotation_is_sequence(f.field_info.annotation) for f in fields}


def _query_fields(dependant: Dependant) -> list[ModelField]:
    below = (field for each in dependant.dependencies for field in _query_fields(each))
    return [*dependant.query_params, *below]


def check_query(request: HTTPConnection, known: Mapping[str, bool]) -> None:
    """Refuse unknown parameters, and those that come twice and are no list, as `StrictRoute` says."""
    if not request.scope["query_string"]:
        return
    seen = set[str]()
    for name, _ in request.query_params.multi_items():
        if name not in known:
            raise _refusal(ErrorCode.UNKNOWN_PARAMETER, FieldCode.UNKNOWN_FIELD, name)
        if name in seen and not known[name]:
            raise _refusal(ErrorCode.REPEATED_PARAMETER, FieldCode.REPEATED, name)
        seen.add(name)
    for name, value in _raw_pairs(request.scope["query_string"]):
        if _UNDECODED.search(value):
            raise invalid(f"/query/{escape(name)}", FieldCode.UNSAFE_TEXT)


def _raw_pairs(query: bytes) -> list[tuple[str, str]]:
    """The parameters with the bytes that are no text kept apart, which Starlette replaces or guesses."""
    if query.isascii() and b"%" not in query:
        return []
    text = query.decode("ascii", "surrogateescape")
    return parse_qsl(text, keep_blank_values=True, errors="surrogateescape")


async def _check_form(request: Request, known: Mapping[str, bool]) -> None:
    """Refuse fields that are there twice; others than the known ones are ignored, as OAuth 2 asks."""
    seen = set[str]()
    for name, _ in (await request.form()).multi_items():
        if name in seen and not known.get(name, False):
            await request.close()
            error = FieldError(f"/{escape(name[:MAX_NAME])}", FieldCode.REPEATED)
            raise PastisError(ErrorCode.VALIDATION_FAILED, errors=[error])
        seen.add(name)


def _refusal(code: ErrorCode, field_code: FieldCode, name: str) -> PastisError:
    name = name[:MAX_NAME]
    return PastisError(code, errors=[FieldError(f"/query/{escape(name)}", field_code)], parameter=name)


class StrictRequest(Request):
    """A request whose body is read and checked before FastAPI asks for it.

    Inside FastAPI's own reading any exception would become a bare 400.
    """

    async def read(self, *, is_form: bool) -> None:
        self._body = await self.bounded_body()
        if not self._body:
            return  # FastAPI says so if the route needs one
        media_types = self.headers.getlist("content-type")
        media_type = "".join(media_types).partition(";")[0].strip().lower()
        # Of two, others on the way may have gone by the other one.
        if len(media_types) > 1 or not (_FORM if is_form else _JSON).fullmatch(media_type):
            expected = "multipart/form-data" if is_form else "application/json"
            raise PastisError(ErrorCode.UNSUPPORTED_MEDIA_TYPE, expected=expected)
        if not is_form:
            self._json = loads(self._body)

    async def read_nothing(self) -> None:
        """Take no body, or an object without members: what it asked for would not be done."""
        await self.read(is_form=False)
        if not self._body or self._json == {}:
            return
        errors: list[dict[str, Any]] = [{"type": "model_type", "loc": ("body",)}]
        if isinstance(self._json, dict):
            errors = [{"type": "extra_forbidden", "loc": ("body", name)} for name in self._json]
        raise RequestValidationError(errors, body=self._json)

    async def bounded_body(self, limit: int | None = None) -> bytes:
        """Read no further than the limit, and nothing of a body that is announced to be larger."""
        if limit is None:
            limit = self.scope.get("state", {}).get("max_body_bytes", _DEFAULT_LIMIT)
        announced = self.headers.get("content-length", "")
        if announced.isdecimal() and (len(announced) > _LENGTH_DIGITS or int(announced) > limit):
            raise PastisError(ErrorCode.BODY_TOO_LARGE, limit=limit)
        body = bytearray()
        more = True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > limit:
                raise PastisError(ErrorCode.BODY_TOO_LARGE, limit=limit)
        return bytes(body)
