"""Holds what clients were told against what the database has."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.core.database.engine import Database
from app.core.documents import Doc, dump
from app.core.log import Event, Head
from app.services.integrity import check_workspace
from app.services.integrity.rules import State, apply
from chaos.ledger import Answer, Ledger

MAY_CHANGE_NOTHING = frozenset({"move", "rank", "restore"})
"""Requests that can find things as they want them; all others must have left an event."""
_KINDS = {"comment": "comment", "label": "label"}


@dataclass(slots=True)
class Findings:
    """What one workspace was found to hold. Without violations all promises were kept."""

    events: int = 0
    documents: int = 0
    violations: list[str] = field(default_factory=list)


async def verify(database: Database, workspace_id: str, ledger: Ledger) -> Findings:
    """Check a workspace that nobody writes to any more."""
    head = await database.collection(Head).find_one({"_id": workspace_id})
    events = await database.collection(Event).find({"workspace_id": workspace_id}).sort("seq").to_list()
    report = await check_workspace(database, workspace_id, head["seq"] if head else 0)
    violations = [
        *ledger.faults,
        *sequence_flaws([event["seq"] for event in events], report.head),
        *(f"document: {line}" for line in report.differences),
        *answer_flaws(events, ledger),
    ]
    return Findings(len(events), report.documents, violations)


def sequence_flaws(numbers: Sequence[int], head: int) -> list[str]:
    """Numbers that are missing, there twice or beyond the head of a log that begins with 1."""
    times = Counter(numbers)
    flaws = [f"sequence: {seq} is missing" for seq in range(1, head + 1) if seq not in times]
    flaws += [f"sequence: {seq} is there {count} times" for seq, count in times.items() if count > 1]
    return flaws + [f"sequence: {seq} is beyond the head, {head}" for seq in times if not 1 <= seq <= head]


def answer_flaws(events: Sequence[Doc], ledger: Ledger) -> list[str]:
    """Answers that the log belies, and events that no answer stands for."""
    effects: dict[str, list[int]] = {}
    for event in events:
        if event["mutation"] is not None:
            effects.setdefault(event["mutation"], []).append(event["seq"])
    flaws = [
        f"key {key}: done {len(seqs)} times, as {seqs}" for key, seqs in effects.items() if len(seqs) > 1
    ]
    flaws += [f"key {key}: done, and nobody was told" for key in effects.keys() - ledger.keys()]
    flaws += [
        f"{_name(answer)}: refused, and done as {effects[answer.request.key]}"
        for answer in ledger.refused
        if answer.request.key in effects
    ]
    history = _history(events)
    for answer in ledger.acknowledged:
        flaws += _acknowledgement_flaws(answer, effects.get(answer.request.key, []), history)
    return flaws


def _acknowledgement_flaws(
    answer: Answer, seqs: list[int], history: dict[tuple[str, str, int], Doc]
) -> Iterator[str]:
    body, name = answer.body, _name(answer)
    if seqs and body["version"] not in seqs:
        yield f"{name}: acknowledged as version {body['version']}, done as {seqs}"
    if not seqs and answer.request.verb not in MAY_CHANGE_NOTHING:
        yield f"{name}: acknowledged and lost: no event has its key"
    known = history.get((_KINDS.get(answer.request.verb, "task"), body["id"], body["version"]))
    if known is None:
        yield f"{name}: acknowledged version {body['version']} of {body['id']} is not in the log"
    elif _as_sent(known) != body:
        fields = sorted(one for one in body if _as_sent(known).get(one) != body[one])
        yield f"{name}: acknowledged with another {', '.join(fields)} than the log has"
    wrong = sorted(one for one, value in answer.request.wanted.items() if body.get(one) != value)
    if wrong:
        yield f"{name}: acknowledged without doing what was asked: {', '.join(wrong)}"


def _history(events: Sequence[Doc]) -> dict[tuple[str, str, int], Doc]:
    """Every document at every version that it ever had, by kind, id and version."""
    state: State = {}
    found: dict[tuple[str, str, int], Doc] = {}
    for event in events:
        apply(state, event)
        for op in event["ops"]:
            doc = state.get((op["kind"], op["id"]))
            if doc is not None:
                found[op["kind"], op["id"], op["version"]] = doc
    return found


def _as_sent(doc: Doc) -> Any:
    """The document as a client reads it."""
    return orjson.loads(dump(doc))


def _name(answer: Answer) -> str:
    return f"{answer.request.verb} {answer.request.path} ({answer.request.key})"
