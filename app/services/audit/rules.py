"""What an entry's hash is over, what is wrong with a chain, what of the log is audited. Pure."""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson

from app.core.documents import Doc
from app.models.audit import AuditKind
from app.schemas.audit import AuditQuery
from app.utils.times import rfc3339

SERVER = "server"
"""The chain of what belongs to no account and no workspace."""
WATCHED = ("grant", "invitation", "link", "membership", "role", "team", "workspace")
"""The kinds of documents whose every change is audited."""
SHARING = ("lead_id", "visibility")
"""What of a project says who gets in."""
WATCHED_EVENTS: Doc = {
    "$or": [
        {"ops.kind": {"$in": list(WATCHED)}},
        *(
            {"ops": {"$elemMatch": {"kind": "project", "verb": "update", f"set.{name}": {"$exists": True}}}}
            for name in SHARING
        ),
    ]
}
"""The query for the events that `is_watched` picks."""
MAX_CHANGES = 20
"""How many changes of an event are told; an import makes hundreds of placeholders at once."""
_KINDS = frozenset(AuditKind)
# What the log tells already, or is long and says nothing of security.
_LEFT_OUT = frozenset({"created_at", "description", "id", "updated_at", "version", "workspace_id"})
# What is here stays, also when somebody's account is deleted: it says who by an id.
_PERSONAL = {"membership": frozenset({"display_name"})}


def entry_hash(entry: Doc) -> str:
    """SHA-256 of the entry, the hash before it included, as JSON with sorted members and no spaces."""
    hashed = {name: value for name, value in entry.items() if name not in ("_id", "hash")}
    return hashlib.sha256(orjson.dumps(hashed, default=_plain, option=_OPTIONS)).hexdigest()


_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return rfc3339(value)
    raise TypeError(type(value).__name__)


class Flaw(StrEnum):
    """How a chain was tampered with, as far as can be told."""

    CHANGED = "changed"
    CUT_OFF = "cut off"
    HEADLESS = "headless"
    MISSING = "missing"
    UNLINKED = "does not follow the one before"


@dataclass(frozen=True, slots=True)
class Finding:
    chain: str
    n: int
    flaw: Flaw


class Verifier:
    """Holds one chain against its hashes; entries are shown in their order."""

    def __init__(self, chain: str, head: Doc | None) -> None:
        self._chain = chain
        self._head = head
        self._n: int = head["floor"] if head else 0
        self.hash: str = head["floor_hash"] if head else ""

    def see(self, entry: Doc) -> Iterator[Finding]:
        if entry["n"] <= self._n:
            return  # removed for its age, and not gone yet
        if entry["n"] != self._n + 1:
            yield self._found(self._n + 1, Flaw.MISSING)
        elif entry["previous_hash"] != self.hash:
            yield self._found(entry["n"], Flaw.UNLINKED)
        if entry_hash(entry) != entry["hash"]:
            yield self._found(entry["n"], Flaw.CHANGED)
        if self._head and self._head["n"] == entry["n"] and self._head["hash"] != entry["hash"]:
            yield self._found(entry["n"], Flaw.CHANGED)
        self._n, self.hash = entry["n"], entry["hash"]

    def end(self) -> Iterator[Finding]:
        """A head that is behind is no flaw: whoever wrote the last entry died before it told the head."""
        if self._head is None:
            yield self._found(self._n, Flaw.HEADLESS)
        elif self._head["n"] > self._n:
            yield self._found(self._n + 1, Flaw.CUT_OFF)

    def _found(self, n: int, flaw: Flaw) -> Finding:
        return Finding(self._chain, n, flaw)


def is_watched(event: Doc) -> bool:
    return any(_is_watched(op) for op in event["ops"])


def _is_watched(op: Doc) -> bool:
    if op["kind"] == "project":
        return op["verb"] == "update" and any(name in op["set"] for name in SHARING)
    return op["kind"] in WATCHED


def from_event(event: Doc) -> Mapping[str, Any]:
    """What the audit log keeps of an event of a workspace's log."""
    ops = [op for op in event["ops"] if _is_watched(op)]
    first = ops[0]
    named = event["command"] if event["command"] in _KINDS else f"{first['kind']}.{first['verb']}"
    changes = [
        {name: op[name] for name in ("kind", "id", "verb")}
        | {name: _told(op["kind"], op[name]) for name in ("set", "before")}
        for op in ops[:MAX_CHANGES]
    ]
    return {
        "kind": AuditKind(named),
        "at": event["at"],
        "actor": event["actor"],
        "client": event["source"].get("client"),
        "detail": {"command": event["command"], "count": len(ops), "changes": changes},
        "seq": event["seq"],
    }


def member_of(change: Doc) -> str | None:
    """The membership that a change is about, such as the one that a grant was given to."""
    values = {**change["before"], **change["set"]}
    found: str | None = change["id"] if change["kind"] == "membership" else values.get("membership_id")
    return found


def _told(kind: str, values: Doc) -> Doc:
    left_out = _LEFT_OUT | _PERSONAL.get(kind, frozenset())
    return {
        name: rfc3339(value) if isinstance(value, datetime) else value
        for name, value in values.items()
        if name not in left_out
    }


def matching(wanted: AuditQuery) -> Doc:
    """The query for a kind and a span of time."""
    found: Doc = {} if wanted.kind is None else {"kind": wanted.kind.value}
    bounds = {"$gte": wanted.since, "$lt": wanted.until}
    given = {name: time for name, time in bounds.items() if time is not None}
    return found | ({"at": given} if given else {})


def shown(entry: Doc) -> Doc:
    names = ("at", "kind", "actor", "user_id", "address", "client")
    told = {"id": entry["_id"], **{name: entry[name] for name in names}}
    return told | {"event": entry["seq"], "detail": entry["detail"]}


def for_admins(entry: Doc) -> Doc:
    """Where and with what people log in is theirs."""
    told = shown(entry)
    return told if entry["chain"] in entry["workspace_ids"] else told | {"address": None, "client": None}


def for_owner(entry: Doc, user_id: str) -> Doc:
    """What others did to somebody in a workspace does not tell what they did it with."""
    told = shown(entry)
    own = entry["chain"] == user_id or entry["actor"].get("user_id") == user_id
    return told if own else told | {"address": None, "client": None}


COLUMNS = ("id", "at", "kind", "actor_user_id", "actor_membership_id", "user_id", "client", "event", "detail")


def cells(told: Doc) -> list[str]:
    actor = told["actor"]
    flat = {**told, "actor_user_id": actor.get("user_id"), "actor_membership_id": actor.get("membership_id")}
    flat |= {"at": rfc3339(told["at"]), "detail": orjson.dumps(told["detail"]).decode()}
    return ["" if flat[name] is None else str(flat[name]) for name in COLUMNS]


def csv_line(texts: Sequence[str]) -> bytes:
    """A line that spreadsheets take for texts: what would begin a formula has an apostrophe before it."""
    line = io.StringIO()
    csv.writer(line).writerow([f"'{one}" if one.startswith(_FORMULA) else one for one in texts])
    return line.getvalue().encode()


def json_line(told: Doc) -> bytes:
    return orjson.dumps(told, default=_plain, option=_LINE)


_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_LINE = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_APPEND_NEWLINE
