"""A workspace as this process last left it, true for as long as nobody else has written to it."""

from collections import OrderedDict
from collections.abc import Mapping

from app.core.documents import Doc, Entity
from app.core.unit_of_work.turns import Turns

Key = tuple[type[Entity], str]

DOCUMENTS = 500
WORKSPACES = 64


class Recent:
    """What the last transactions of one workspace ended with.

    Every transaction that writes moves `writes` in the workspace's head. A transaction that finds there the
    number that the last one left knows that these documents are as they were, and need not read them again.
    """

    def __init__(self) -> None:
        self._docs: OrderedDict[Key, Doc] = OrderedDict()
        self._last: Mapping[Key, Doc | None] = {}
        self._head: Doc | None = None
        self._alone = False
        self.turns = Turns()
        self.mutations: Mapping[str, Doc] = {}
        """The answers that the last transaction records, which nobody can read before it has committed."""
        self.generation = 0
        """Moves whenever something turns out to be wrong: whoever stands on it must begin again."""

    def head(self) -> Doc | None:
        """The head as it was left; None where it must be read first, as others may be writing too."""
        return self._head if self._alone and not self.turns.shared else None

    def trust(self, head: Doc) -> None:
        """Compare with the head that was found: forget everything if somebody else has written since."""
        if self._head is not None and self._head["writes"] == head["writes"]:
            self._alone = True
        else:
            self.forget()

    def forget(self) -> None:
        self._docs.clear()
        self._last, self.mutations = {}, {}
        self._head = None
        self._alone = False
        self.generation += 1

    def knows(self, key: Key) -> bool:
        return key in self._last or key in self._docs

    def get(self, key: Key) -> Doc | None:
        """A document that is known, or None where it is known that there is none."""
        if key in self._last:
            return self._last[key]
        self._docs.move_to_end(key)
        return self._docs[key]

    def keep(self, docs: Mapping[Key, Doc | None], mutations: Mapping[str, Doc], head: Doc) -> None:
        """Remember what a transaction leaves; None for what is not there any more.

        All of the last one is known, however much it is: it may not have committed yet.
        """
        self._head, self._last, self.mutations = head, docs, mutations
        for key, doc in docs.items():
            if doc is None:
                self._docs.pop(key, None)
            else:
                self._docs[key] = doc
                self._docs.move_to_end(key)
        while len(self._docs) > DOCUMENTS:
            self._docs.popitem(last=False)


class RecentByWorkspace:
    """The recent documents of the workspaces that this process wrote to last."""

    def __init__(self) -> None:
        self._recents: OrderedDict[str, Recent] = OrderedDict()

    def of(self, workspace_id: str) -> Recent:
        recent = self._recents.setdefault(workspace_id, Recent())
        self._recents.move_to_end(workspace_id)
        if len(self._recents) > WORKSPACES:
            self._recents.popitem(last=False)
        return recent
