"""Lists: a page of items and where the next one begins."""

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

LIMIT = "How many items a page has at most."
CURSOR = "Where the page begins: the `next_cursor` of the page before."

T = TypeVar("T")


def _example(schema: dict[str, Any], model: type[BaseModel]) -> None:
    item = model.__pydantic_generic_metadata__["args"][0].model_config["json_schema_extra"]["examples"][0]
    schema["examples"] = [{"items": [item], "next_cursor": None}]


class Page(BaseModel, Generic[T]):
    model_config = ConfigDict(json_schema_extra=_example)

    items: list[T]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last.")
    total: int | None = Field(
        None, description="How many match in all; only where `count=true` asked for it."
    )
