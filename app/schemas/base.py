"""What all bodies share: unknown members are refused, texts are clean, references are short."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, Strict
from pydantic.json_schema import WithJsonSchema
from pydantic_core import PydanticCustomError

from app.core.errors import FieldCode
from app.utils.ids import is_id
from app.utils.text import UnsafeText, check_block, clean_line, is_blank

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]")
_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)")
NAME_LENGTH = 100
TITLE_LENGTH = 500
BLOCK_LENGTH = 100_000


class Body(BaseModel):
    """What a client sends."""

    model_config = ConfigDict(extra="forbid")


OMITTED: Any = None
"""The default of a patch's member that may be absent but not null; `model_fields_set` tells which it was."""


class Shown(BaseModel):
    """What a client receives."""

    model_config = ConfigDict(extra="forbid")


def refusal(code: FieldCode, **params: Any) -> PydanticCustomError:
    """What a validator raises to refuse a value with a code of ours."""
    return PydanticCustomError(code.value, "{code}", {"code": code.value, **params})


def _line(text: str) -> str:
    try:
        cleaned = clean_line(text)
    except UnsafeText:
        raise refusal(FieldCode.UNSAFE_TEXT) from None
    if cleaned is None:
        raise refusal(FieldCode.BLANK)
    return cleaned


def _block(text: str) -> str:
    try:
        return check_block(text)
    except UnsafeText:
        raise refusal(FieldCode.UNSAFE_TEXT) from None


def _filled_block(text: str) -> str:
    if is_blank(text):
        raise refusal(FieldCode.BLANK)
    return _block(text)


def _date(text: str) -> str:
    if not _DATE.fullmatch(text):  # fromisoformat also takes weeks and dates without hyphens
        raise refusal(FieldCode.INVALID_DATE)
    try:
        date.fromisoformat(text)
    except ValueError:
        raise refusal(FieldCode.INVALID_DATE) from None
    return text


def _time(text: Any) -> Any:
    # Numbers would pass as seconds since 1970.
    if isinstance(text, str) and not _TIME.match(text):
        raise refusal(FieldCode.INVALID_DATE)
    return text


def _in_utc(time: datetime) -> datetime:
    # As documents keep it; at either end of the calendar another zone's time may have none.
    try:
        return time.astimezone(UTC)
    except OverflowError:
        raise refusal(FieldCode.INVALID_DATE) from None


def _whole(value: Any) -> Any:
    # Pydantic would also take "1.0", "+1", "01", "1_000" and white space around a number.
    if isinstance(value, str) and not _WHOLE.fullmatch(value):
        raise refusal(FieldCode.WRONG_TYPE, expected="integer")
    return value


def _id(text: str) -> str:
    if not is_id(text):
        raise refusal(FieldCode.INVALID_ID)
    return text


def distinct(items: list[Any]) -> list[Any]:
    """A validator: raises for a list that names something twice."""
    if len(set(items)) != len(items):
        raise refusal(FieldCode.DUPLICATE_ITEM)
    return items


Name = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH), AfterValidator(_line)]
"""What a thing or person is called; short enough to be part of a cursor."""
Title = Annotated[str, Field(min_length=1, max_length=TITLE_LENGTH), AfterValidator(_line)]
"""One line that says what a task is about."""
Block = Annotated[str, Field(max_length=BLOCK_LENGTH), AfterValidator(_block)]
"""Markdown, possibly empty."""
FilledBlock = Annotated[str, Field(min_length=1, max_length=BLOCK_LENGTH), AfterValidator(_filled_block)]
"""Markdown that says something."""
SearchText = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_block)]
"""Text to look for: the database's patterns cannot hold a NUL."""
WebAddress = Annotated[str, Field(max_length=2000, pattern=r"^https?://[!-~]+$")]
"""An address that front ends may make a link of: nothing in it runs."""
Id = Annotated[
    str, AfterValidator(_id), WithJsonSchema({"type": "string", "format": "uuid", "description": "UUIDv7"})
]
NewId = Annotated[
    Id | None, Field(description="An id of the client's own making, a UUIDv7; else one is made.")
]
Ref = Annotated[str, Field(min_length=1, max_length=60)]
"""An id, or the key that works wherever the id does."""
Ids = Annotated[list[Id], Field(max_length=50), AfterValidator(distinct)]
Day = Annotated[str, AfterValidator(_date), WithJsonSchema({"type": "string", "format": "date"})]
Instant = Annotated[AwareDatetime, BeforeValidator(_time), AfterValidator(_in_utc)]
Flag = Annotated[bool, Strict()]
WHOLE = BeforeValidator(_whole)
"""Has a number in a path or query written in one way only. It stands behind the bounds."""
Number = Annotated[float, Strict(), Field(ge=0, le=1_000_000, allow_inf_nan=False)]


class Kept(Shown):
    """What every document of a workspace carries."""

    id: Id
    version: int = Field(description="The number, in the workspace's log, of the last change; also the ETag.")
    created_at: datetime
    updated_at: datetime


ID = "0197f0c4-7d1a-7c3e-9b60-2f8d1e4a5c01"
OTHER_ID = "0197f0c4-7d1a-7c3e-9b60-2f8d1e4a5c02"
# As answers have it: kept to the millisecond, written in six digits.
TIME = "2026-11-23T09:30:00.194Z"
KEPT: dict[str, Any] = {"id": ID, "version": 42, "created_at": TIME, "updated_at": TIME}


def example(**members: Any) -> ConfigDict:
    """A schema's example, shown in the description of the API."""
    return ConfigDict(json_schema_extra={"examples": [members]})
