"""Documents as this process last saw them, true for as long as nobody else has written to the workspace."""

from collections import OrderedDict

from app.core.documents import Doc, Entity

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
        self._writes: int | None = None

    def trust(self, writes: int) -> None:
        """Forget everything if somebody else has written since."""
        if writes != self._writes:
            self.forget()

    def forget(self) -> None:
        self._docs.clear()
        self._writes = None

    def get(self, key: Key) -> Doc | None:
        doc = self._docs.get(key)
        if doc is not None:
            self._docs.move_to_end(key)
        return doc

    def keep(self, docs: dict[Key, Doc | None], writes: int) -> None:
        """Remember what a committed transaction leaves; None for what is not there any more."""
        self._writes = writes
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
