"""The body of every answer that is not a success: a problem document (RFC 9457)."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.core.errors import ErrorCode, FieldCode


class FieldProblem(BaseModel):
    """What is wrong at one place of the request."""

    pointer: str = Field(
        description="A JSON pointer (RFC 6901) into the body; parameters are under /query, /path, /header "
        "and /cookie, and the empty pointer is the whole body. In an `undo_conflict` it leads into the "
        "object that the event changed."
    )
    code: FieldCode
    detail: str = Field(description="For people, in the language of the Content-Language header.")


class ProblemTypeRead(BaseModel):
    """What all problems of a type have in common."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "/problems/archived",
                    "title": "Archived",
                    "status": 409,
                    "detail": "It is archived and cannot change until it is restored.",
                    "code": "archived",
                }
            ]
        }
    )

    type: str
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    code: ErrorCode


class Problem(BaseModel):
    """Why a request was refused. `code` is stable; `title` and `detail` are for people."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "/problems/validation_failed",
                "title": "Validation failed",
                "status": 422,
                "detail": "Some values cannot be accepted. The list of errors says which and why.",
                "code": "validation_failed",
                "request_id": "0199b1c5e1f07c6c9d8e4f5a6b7c8d9e",
                "errors": [{"pointer": "/title", "code": "missing", "detail": "The value is missing."}],
            }
        }
    )

    type: str = Field(description="Names the kind of problem, as a relative reference that leads to it.")
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    code: ErrorCode
    request_id: str = Field(description="The X-Request-ID of the answer, which the server's log also has.")
    errors: list[FieldProblem]
    current: Any = Field(None, description="In a 412, the present state of the object.")
    challenge: str | None = Field(
        None, description="In `factor_required`, what the second factor is sent together with."
    )
    factors: list[str] | None = Field(
        None, description="In `factor_required`, what the account has: `totp`, `passkey`, `recovery_code`."
    )
