"""What is expected, laid over what is known. No I/O."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from pastis_client.commands import Command, Effect
from pastis_client.documents import Doc
from pastis_client.replica import Key, Replica


@dataclass(frozen=True, slots=True)
class _Layer:
    effects: tuple[Effect, ...]
    number: int | None = None
    """The event that the command became, once it has been answered."""


class Overlays:
    """The effects of commands that the replica does not have yet, in the order they were given."""

    def __init__(self) -> None:
        self._layers: dict[str, _Layer] = {}

    @property
    def empty(self) -> bool:
        return not self._layers

    def add(self, command: Command[object]) -> set[Key]:
        """Show a command; the documents that it touches, as all of these methods give them."""
        self._layers[command.mutation_id] = _Layer(command.effects)
        return _keys(command.effects)

    def settle(self, mutation_id: str, number: int) -> None:
        """A command was answered: it stays until the replica has this number."""
        self._layers[mutation_id] = replace(self._layers[mutation_id], number=number)

    def take_back(self, mutation_id: str) -> set[Key]:
        """Show a command no more."""
        return _keys(self._layers.pop(mutation_id).effects)

    def shed(self, number: int) -> set[Key]:
        """The replica has come to this number: take back what it has by itself."""
        had = [
            id_ for id_, layer in self._layers.items() if layer.number is not None and layer.number <= number
        ]
        return {key for id_ in had for key in self.take_back(id_)}

    def shed_answered(self) -> set[Key]:
        """The replica is of another epoch, where former numbers mean nothing."""
        had = [id_ for id_, layer in self._layers.items() if layer.number is not None]
        return {key for id_ in had for key in self.take_back(id_)}

    def on(self, key: Key) -> Iterator[Effect]:
        """What is expected of one document."""
        return (effect for effect in self._effects() if (effect.kind, effect.id) == key)

    def touched(self, kind: str) -> set[str]:
        """The ids of a kind of which something is expected."""
        return {effect.id for effect in self._effects() if effect.kind == kind}

    def _effects(self) -> Iterator[Effect]:
        return (effect for layer in self._layers.values() for effect in layer.effects)


class View:
    """The replica as it will be once all that waits is done."""

    def __init__(self, replica: Replica, overlays: Overlays) -> None:
        self.replica = replica
        self._overlays = overlays

    def get(self, kind: str, id_: str) -> Doc | None:
        doc = self.replica.get(kind, id_)
        for effect in self._overlays.on((kind, id_)):
            doc = _after(doc, effect)
        return doc

    def of_kind(self, kind: str) -> Iterator[Doc]:
        touched = self._overlays.touched(kind)
        yield from (doc for id_, doc in self.replica.of_kind(kind).items() if id_ not in touched)
        for id_ in touched:
            doc = self.get(kind, id_)
            if doc is not None:
                yield doc


def _after(doc: Doc | None, effect: Effect) -> Doc | None:
    match effect.verb:
        case "create":
            return effect.set if doc is None else doc
        case "update":
            return None if doc is None else {**doc, **effect.set}
        case "delete":
            return None


def _keys(effects: Iterable[Effect]) -> set[Key]:
    return {(effect.kind, effect.id) for effect in effects}
