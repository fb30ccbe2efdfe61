"""What every document of a workspace has in common, and how the log sees it."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import orjson
from odmantic import Model
from pymongo import IndexModel

from app.utils.times import rfc3339

Doc = dict[str, Any]

if TYPE_CHECKING:

    class Entity(Model):
        """A document of a workspace whose every change is an operation in the log.

        ODMantic does not inherit fields, so each model spells these out; for the type checker they
        stand here once.
        """

        KIND: ClassVar[str]
        """The noun that the log and the messages use."""
        INTERNAL: ClassVar[frozenset[str]]
        """Fields that only serve queries or counting: never sent, never in the log."""
        PROJECT: ClassVar["str | tuple[type[Entity], str] | None"]
        """The field that names the project it is of; or what it is part of, and the field that names that;
        or None for what is of the workspace as a whole."""
        id: str
        workspace_id: str
        version: int
        """The sequence number of the command that last changed the document."""
        created_at: datetime
        updated_at: datetime

        @classmethod
        def groups(cls, doc: Doc) -> list[str]:
            """Who may see this document: `workspace`, `project:<id>`, or the audience of `task:<id>`."""

        @classmethod
        def refs(cls, doc: Doc) -> list[str]:
            """Ids of the documents whose history this one's changes belong to, itself included."""

        @classmethod
        def derive(cls, doc: Doc) -> Doc:
            """The internal fields that follow from the others; written with every change of the document."""

else:
    Entity = Model

E = TypeVar("E", bound=Entity)


@dataclass(frozen=True, slots=True)
class SentOn:
    """A document as clients see it, and what says who may."""

    place: Doc
    """Its `_id`, its `workspace_id` and its project."""
    version: int
    json: bytes


def public(model: type[Entity], doc: Doc) -> Doc:
    """The stored document as clients and the log see it: `id` for `_id`, no internal fields."""
    shown = {name: value for name, value in doc.items() if name not in model.INTERNAL}
    return {"id": shown.pop("_id"), **shown}


def dump(value: Any) -> bytes:
    """What goes out, as JSON."""
    # Left to itself, orjson writes six digits of a second, and none where they are nought.
    return orjson.dumps(value, default=rfc3339, option=orjson.OPT_PASSTHROUGH_DATETIME)


def stored(instance: Entity) -> Doc:
    """The document that MongoDB keeps for an instance.

    Our documents hold plain values and no references, which ODMantic's own way of doing this looks for at
    several times the cost; a test holds both equal.
    """
    values = instance.__dict__
    return {"_id": values["id"], **{name: plain(value) for name, value in values.items() if name != "id"}}


def loaded(model: type[E], doc: Doc) -> E:
    """The instance for a document of the database; validated, at less cost than ODMantic's own way."""
    values = dict(doc)
    values["id"] = values.pop("_id")
    return model(**values)


def derived(model: type[Entity], doc: Doc) -> Doc:
    """The internal fields that follow from the others; most models have none."""
    return model.derive(doc) if hasattr(model, "derive") else {}


def plain(value: Any) -> Any:
    """Enum members as their values; the driver and the log know only plain values."""
    return value.value if isinstance(value, Enum) else value


def index(name: str, *keys: str, unique: bool = False, **options: Any) -> IndexModel:
    """An index declared beside its model: fields in order, a leading `-` for descending."""
    spec = [(key.removeprefix("-"), -1 if key.startswith("-") else 1) for key in keys]
    return IndexModel(spec, name=name, unique=unique, **options)
