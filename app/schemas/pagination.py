"""Lists: a page of items and where the next one begins."""

from typing import Generic, TypeVar

from pydantic import BaseModel, Field

T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    items: list[T]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last.")
    total: int | None = Field(
        None, description="How many match in all; only where `count=true` asked for it."
    )
