"""Data as versions of Pastis left it, one file for each level of migrations, and digests of what it becomes.

A file has one line of MongoDB's Extended JSON for each document, with its collection.
"""

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from bson import json_util
from bson.json_util import CANONICAL_JSON_OPTIONS

from app.core.database.engine import Database
from app.core.database.migrations import COLLECTION as MIGRATIONS
from app.core.database.migrations import LOCK
from app.core.documents import Doc

FOLDER = Path(__file__).parents[1] / "app" / "tests" / "data" / "levels"
DIGESTS = FOLDER / "digests.json"
_ENDING = ".jsonl.gz"
_WALL_CLOCK = ("started_at", "finished_at")
"""What records of migrations have that differs between two runs."""


def levels() -> list[int]:
    """The levels that there are data sets of."""
    return sorted(int(path.name.removesuffix(_ENDING)) for path in FOLDER.glob(f"*{_ENDING}"))


def path_of(level: int) -> Path:
    return FOLDER / f"{level}{_ENDING}"


def digests() -> dict[str, dict[str, str]]:
    """What each data set was digested to be at each level from its own on, both as text."""
    found: dict[str, dict[str, str]] = json.loads(DIGESTS.read_text())
    return found


def write(path: Path, documents: dict[str, list[Doc]]) -> None:
    """The same documents give the same file."""
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as file:
        for collection, docs in sorted(documents.items()):
            for doc in docs:
                file.write(f"{_json({'collection': collection, 'document': doc})}\n".encode())


def read(path: Path) -> Iterator[tuple[str, Doc]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            found = json_util.loads(line)
            yield found["collection"], found["document"]


async def load(database: Database, level: int) -> None:
    """Put a data set into an empty database."""
    documents: dict[str, list[Doc]] = {}
    for collection, doc in read(path_of(level)):
        documents.setdefault(collection, []).append(doc)
    for collection, docs in documents.items():
        await database.raw(collection).insert_many(docs)


async def dump(database: Database) -> dict[str, list[Doc]]:
    """Every document of every collection, by its id."""
    names = await database.engine.database.list_collection_names()
    return {name: await database.raw(name).find().sort("_id").to_list() for name in sorted(names)}


async def digest(database: Database) -> str:
    """Of every document of every collection, without the lock of migrations and when they ran."""
    found = hashlib.sha256()
    for name, docs in (await dump(database)).items():
        for doc in docs:
            if name == MIGRATIONS:
                if doc["_id"] == LOCK:
                    continue
                for field in _WALL_CLOCK:
                    doc.pop(field, None)
            found.update(f"{name} {_json(doc)}\n".encode())
    return found.hexdigest()


def _json(value: Doc) -> str:
    return json_util.dumps(value, json_options=CANONICAL_JSON_OPTIONS, sort_keys=True, ensure_ascii=False)
