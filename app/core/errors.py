"""Every refusal that Pastis gives, as codes; the words are in `app.core.messages`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class ErrorCode(StrEnum):
    """The stable codes of problems; a client may switch on them, so none is ever renamed."""

    ACCOUNT_EXISTS = "account_exists"
    ALREADY_EXISTS = "already_exists"
    ARCHIVED = "archived"
    AUTHENTICATION_REQUIRED = "authentication_required"
    BAD_REQUEST = "bad_request"
    BODY_TOO_LARGE = "body_too_large"
    BOTH_CREDENTIALS = "both_credentials"
    CSRF_REFUSED = "csrf_refused"
    CYCLE = "cycle"
    DATABASE_UNAVAILABLE = "database_unavailable"
    FACTOR_REQUIRED = "factor_required"
    HEADERS_TOO_LARGE = "headers_too_large"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    IDENTITY_PROVIDER_UNAVAILABLE = "identity_provider_unavailable"
    IDENTITY_REFUSED = "identity_refused"
    IDENTITY_UNKNOWN = "identity_unknown"
    IN_USE = "in_use"
    INTERNAL_ERROR = "internal_error"
    INVALID_CREDENTIALS = "invalid_credentials"
    INVALID_CURSOR = "invalid_cursor"
    INVALID_FACTOR = "invalid_factor"
    INVALID_IDEMPOTENCY_KEY = "invalid_idempotency_key"
    INVALID_LINK = "invalid_link"
    INVALID_PRECONDITION = "invalid_precondition"
    INVALID_TOKEN = "invalid_token"  # noqa: S105 - a code, not a token
    LAST_IDENTITY = "last_identity"
    LAST_OWNER = "last_owner"
    LAST_STATUS = "last_status"
    LIMIT_REACHED = "limit_reached"
    LOGIN_REQUIRED = "login_required"
    MALFORMED_JSON = "malformed_json"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NOT_FOUND = "not_found"
    OUTCOME_UNKNOWN = "outcome_unknown"
    OVERLOADED = "overloaded"
    PASSWORD_REQUIRED = "password_required"  # noqa: S105 - a code
    PERMISSION_DENIED = "permission_denied"
    PRECONDITION_FAILED = "precondition_failed"
    PRECONDITION_REQUIRED = "precondition_required"
    RANGE_NOT_SATISFIABLE = "range_not_satisfiable"
    REAUTHENTICATION_REQUIRED = "reauthentication_required"
    REGISTRATION_CLOSED = "registration_closed"
    REPEATED_PARAMETER = "repeated_parameter"
    SECOND_FACTOR_REQUIRED = "second_factor_required"
    SERVER_STOPPING = "server_stopping"
    SYNC_RESET = "sync_reset"
    TOO_MANY_REQUESTS = "too_many_requests"
    TRASHED = "trashed"
    UNDO_CONFLICT = "undo_conflict"
    UNKNOWN_PARAMETER = "unknown_parameter"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    URI_TOO_LONG = "uri_too_long"
    VALIDATION_FAILED = "validation_failed"
    WRONG_ACCOUNT = "wrong_account"
    WRONG_STATE = "wrong_state"
    WRONG_VISIBILITY = "wrong_visibility"


class FieldCode(StrEnum):
    """The stable codes of what is wrong with one member, parameter or header."""

    BLANK = "blank"
    CHANGED_SINCE = "changed_since"
    COMMON_PASSWORD = "common_password"  # noqa: S105 - a code, not a password
    DUPLICATE_ITEM = "duplicate_item"
    DUPLICATE_KEY = "duplicate_key"
    INVALID_CHOICE = "invalid_choice"
    INVALID_DATE = "invalid_date"
    INVALID_FORMAT = "invalid_format"
    INVALID_ID = "invalid_id"
    MALFORMED = "malformed"
    MISSING = "missing"
    NOT_FINITE = "not_finite"
    NOT_FOUND = "not_found"
    OUT_OF_RANGE = "out_of_range"
    READ_ONLY = "read_only"
    REFUSED = "refused"
    REPEATED = "repeated"
    TAKEN = "taken"
    TOO_DEEP = "too_deep"
    TOO_FEW = "too_few"
    TOO_LARGE = "too_large"
    TOO_LONG = "too_long"
    TOO_MANY = "too_many"
    TOO_SHORT = "too_short"
    UNKNOWN_FIELD = "unknown_field"
    UNSAFE_TEXT = "unsafe_text"
    WRONG_ORDER = "wrong_order"
    WRONG_TYPE = "wrong_type"


STATUS: Mapping[ErrorCode, int] = MappingProxyType(
    {
        ErrorCode.ACCOUNT_EXISTS: 409,
        ErrorCode.ALREADY_EXISTS: 409,
        ErrorCode.ARCHIVED: 409,
        ErrorCode.AUTHENTICATION_REQUIRED: 401,
        ErrorCode.BAD_REQUEST: 400,
        ErrorCode.BODY_TOO_LARGE: 413,
        ErrorCode.BOTH_CREDENTIALS: 400,
        ErrorCode.CSRF_REFUSED: 403,
        ErrorCode.CYCLE: 409,
        ErrorCode.DATABASE_UNAVAILABLE: 503,
        ErrorCode.FACTOR_REQUIRED: 401,
        ErrorCode.HEADERS_TOO_LARGE: 431,
        ErrorCode.IDEMPOTENCY_KEY_REUSED: 422,
        ErrorCode.IDENTITY_PROVIDER_UNAVAILABLE: 503,
        ErrorCode.IDENTITY_REFUSED: 403,
        ErrorCode.IDENTITY_UNKNOWN: 403,
        ErrorCode.IN_USE: 409,
        ErrorCode.INTERNAL_ERROR: 500,
        ErrorCode.INVALID_CREDENTIALS: 401,
        ErrorCode.INVALID_CURSOR: 422,
        ErrorCode.INVALID_FACTOR: 401,
        ErrorCode.INVALID_IDEMPOTENCY_KEY: 422,
        ErrorCode.INVALID_LINK: 410,
        ErrorCode.INVALID_PRECONDITION: 422,
        ErrorCode.INVALID_TOKEN: 401,
        ErrorCode.LAST_IDENTITY: 409,
        ErrorCode.LAST_OWNER: 409,
        ErrorCode.LAST_STATUS: 409,
        ErrorCode.LIMIT_REACHED: 409,
        ErrorCode.MALFORMED_JSON: 422,
        ErrorCode.METHOD_NOT_ALLOWED: 405,
        ErrorCode.NOT_FOUND: 404,
        ErrorCode.OUTCOME_UNKNOWN: 503,
        ErrorCode.OVERLOADED: 503,
        ErrorCode.PASSWORD_REQUIRED: 401,
        ErrorCode.PERMISSION_DENIED: 403,
        ErrorCode.PRECONDITION_FAILED: 412,
        ErrorCode.PRECONDITION_REQUIRED: 428,
        ErrorCode.RANGE_NOT_SATISFIABLE: 416,
        ErrorCode.LOGIN_REQUIRED: 403,
        ErrorCode.REAUTHENTICATION_REQUIRED: 403,
        ErrorCode.REGISTRATION_CLOSED: 403,
        ErrorCode.REPEATED_PARAMETER: 422,
        ErrorCode.SECOND_FACTOR_REQUIRED: 403,
        ErrorCode.SERVER_STOPPING: 503,
        ErrorCode.SYNC_RESET: 410,
        ErrorCode.TOO_MANY_REQUESTS: 429,
        ErrorCode.TRASHED: 409,
        ErrorCode.UNDO_CONFLICT: 409,
        ErrorCode.UNKNOWN_PARAMETER: 422,
        ErrorCode.UNSUPPORTED_MEDIA_TYPE: 415,
        ErrorCode.URI_TOO_LONG: 414,
        ErrorCode.VALIDATION_FAILED: 422,
        ErrorCode.WRONG_ACCOUNT: 403,
        ErrorCode.WRONG_STATE: 409,
        ErrorCode.WRONG_VISIBILITY: 409,
    }
)


@dataclass(frozen=True)
class FieldError:
    """What is wrong at one place: an RFC 6901 pointer, a code, and the values its sentence names."""

    pointer: str
    code: FieldCode
    params: Mapping[str, str | int] = field(default_factory=dict)


class PastisError(Exception):
    """A refusal that the caller is told about.

    `params` fill the sentence of the code; `current` is the object's present state, which a 412
    answers with so that the client can merge without another read. `members` are further ones of the answer.
    """

    def __init__(
        self,
        code: ErrorCode,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        current: Any = None,
        members: Mapping[str, Any] | None = None,
        **params: str | int,
    ) -> None:
        super().__init__(code, params)
        self.code = code
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.current = current
        self.members = dict(members or {})
        self.params = params

    @property
    def status(self) -> int:
        return STATUS[self.code]

    def within(self, pointer: str, member: str) -> "PastisError":
        """The same refusal, of one part of the request; the part's `member` is what its errors point into."""
        errors = [replace(one, pointer=f"{pointer}{member}{one.pointer}") for one in self.errors]
        return PastisError(
            self.code,
            errors=errors or [FieldError(pointer, FieldCode.REFUSED)],
            headers=self.headers,
            current=self.current,
            members=self.members,
            **self.params,
        )


def not_found(kind: str) -> PastisError:
    """One text for what is absent and what is another workspace's, so that existence never leaks."""
    return PastisError(ErrorCode.NOT_FOUND, kind=kind)


def already_exists(kind: str, field: str, value: str = "") -> PastisError:
    """What must be unique is another's; `field` is the member that names it, `value` what it is, if known."""
    error = FieldError(f"/{field}", FieldCode.TAKEN, {"value": value})
    return PastisError(ErrorCode.ALREADY_EXISTS, errors=(error,), kind=kind, field=field)


def invalid(pointer: str, code: FieldCode, **params: str | int) -> PastisError:
    """Refuse one value; several at once are a `PastisError` with `errors`."""
    error = FieldError(pointer, code, params)
    return PastisError(ErrorCode.VALIDATION_FAILED, errors=(error,))
