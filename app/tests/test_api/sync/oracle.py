"""What a client must hold: found by document, as a request would find it, without anything of sync."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.core.documents import Doc, Entity, dump, public
from app.core.errors import PastisError
from app.core.log import Event, Head
from app.models import ENTITIES
from app.services.access import Scope
from app.services.access.rules import WATCHED
from app.services.bootstrap import Services
from app.services.memberships.rules import for_visitors

CANARY = re.compile(r"canary[0-9]+x")
SOURCE: Doc = {"channel": "http", "client": None, "request_id": None}
NAMING = {"id", "workspace_id", "project_id", "task_id", "version"}
Key = tuple[str, str]


@dataclass(frozen=True)
class Wish:
    """What a client asks for, as the parameters of its requests."""

    project: str | None = None
    fields: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def params(self) -> Doc:
        params: Doc = {} if self.project is None else {"project": self.project}
        named = [f"{kind}:{','.join(sorted(names))}" for kind, names in self.fields.items()]
        return params | ({"fields": named} if named else {})


@dataclass
class Truth:
    """What somebody may see now, or why nothing."""

    seen: frozenset[Key] = frozenset()
    visitor: bool = False
    refusal: PastisError | None = None


class Oracle:
    def __init__(self, services: Services, workspace_id: str) -> None:
        self._services = services
        self.workspace_id = workspace_id
        self.docs: dict[Key, Doc] = {}
        """As they are stored, with those that are gone as they last were."""
        self.living: set[Key] = set()
        self.canaries: dict[Key, set[str]] = {}
        """All that was ever written into a document."""
        self.head = 0
        self.floor = 0
        self._rights_moved: list[int] = []
        """The numbers of the events that rights follow from."""
        self.mutations: dict[str, int] = {}
        """How many events each has."""
        self._truths: dict[str, Truth] = {}

    def of_kind(self, kind: str) -> list[Doc]:
        return [self.docs[key] for key in sorted(self.living) if key[0] == kind]

    async def look(self) -> None:
        """Read everything anew."""
        self._truths.clear()
        self._services.access._known.clear()
        self.living.clear()
        for kind, model in ENTITIES.items():
            query = {"workspace_id": self.workspace_id}
            if kind == "workspace":
                query = {"_id": self.workspace_id}
            for doc in await self._services.database.collection(model).find(query).to_list():
                self.docs[kind, doc["_id"]] = doc
                self.living.add((kind, doc["_id"]))
        await self._read_log()

    async def _read_log(self) -> None:
        head = await self._services.database.collection(Head).find_one({"_id": self.workspace_id})
        self.floor = 0 if head is None else head["floor"]
        query = {"workspace_id": self.workspace_id, "seq": {"$gt": self.head}}
        for event in await self._services.database.collection(Event).find(query).sort("seq").to_list():
            assert event["seq"] == self.head + 1, "the log has a gap"
            self.head = event["seq"]
            mutation = event["mutation"]
            if mutation is not None:
                self.mutations[mutation] = self.mutations.get(mutation, 0) + 1
                assert self.mutations[mutation] == 1, f"{event['command']} was done twice"
            if any(op["kind"] in WATCHED for op in event["ops"]):
                self._rights_moved.append(self.head)
            for op in event["ops"]:
                found = CANARY.findall(repr(op["set"]))
                self.canaries.setdefault((op["kind"], op["id"]), set()).update(found)

    def knows_rights_since(self, number: int) -> bool:
        """Whether the log still tells what rights were at a number."""
        return not any(number < seq <= self.floor for seq in self._rights_moved)

    async def truth(self, token: str) -> Truth:
        if token not in self._truths:
            try:
                scope = await self._services.access.enter(token, self.workspace_id, SOURCE)
            except PastisError as error:
                self._truths[token] = Truth(refusal=error)
            else:
                self._truths[token] = Truth(await self._seen(scope), scope.standing.is_visitor)
        return self._truths[token]

    async def _seen(self, scope: Scope) -> frozenset[Key]:
        return frozenset([key for key, doc in self.docs.items() if await scope.sees(ENTITIES[key[0]], doc)])

    def within(self, truth: Truth, wish: Wish) -> set[Key]:
        """What is seen, of what was asked for."""
        return {key for key in truth.seen if wish.project in (None, self._project_of(key) or wish.project)}

    def text(self, truth: Truth, wish: Wish) -> str:
        """The replica that a client must have, in the form of `text_of`."""
        held: dict[str, dict[str, Doc]] = {}
        for kind, id_ in self.within(truth, wish) & self.living:
            shown = self._shown(kind, id_, ENTITIES[kind], truth, wish)
            held.setdefault(kind, {})[id_] = json.loads(dump(shown))
        return json.dumps(held, sort_keys=True, indent=1)

    def allowed(self, truth: Truth, wish: Wish) -> set[str]:
        """The canaries that may be told now. Of a kind with a selection of fields none are asked for."""
        keys = (key for key in self.within(truth, wish) if key[0] not in wish.fields)
        return {canary for key in keys for canary in self.canaries.get(key, ())}

    def _shown(self, kind: str, id_: str, model: type[Entity], truth: Truth, wish: Wish) -> Doc:
        shown: dict[str, Any] = public(model, self.docs[kind, id_])
        if kind == "membership" and truth.visitor:
            shown = for_visitors(shown)
        names = wish.fields.get(kind)
        return shown if names is None else {name: shown[name] for name in shown if name in names | NAMING}

    def _project_of(self, key: Key) -> str | None:
        kind, id_ = key
        doc = self.docs[key]
        if kind == "project":
            return id_
        if kind == "comment":
            return self._project_of(("task", doc["task_id"]))
        return doc.get("project_id")
