"""The vectors for authors of clients: they are whole, and the client in Python holds them."""

import json
from typing import Any

import pytest
from pastis_client.replica import ForeignEpochError, Frame, MissedError, Replica

from app.tests.support.documentation import ROOT

VECTORS: list[dict[str, Any]] = json.loads((ROOT / "docs" / "sync-vectors.json").read_text())["vectors"]


def replica_of(told: dict[str, Any]) -> Replica:
    return Replica.from_json(json.loads(json.dumps(told)))


def taken(replica: Replica, frame: Frame) -> str:
    """What becomes of a frame."""
    duplicate = frame.since != replica.number
    try:
        replica.apply(frame)
    except ForeignEpochError:
        return "foreign_epoch"
    except MissedError:
        return "missed"
    return "duplicate" if duplicate else "applied"


def told(replica: Replica) -> dict[str, Any]:
    """Without kinds of which there is nothing, and in one order."""
    docs = replica.to_json()["docs"].items()
    held = {kind: sorted(ones, key=lambda one: str(one["id"])) for kind, ones in docs if ones}
    return {"epoch": replica.epoch, "number": replica.number, "cursor": replica.cursor, "docs": held}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_client_holds_a_vector(vector: dict[str, Any]) -> None:
    replica = replica_of(vector["replica"])
    verdicts = [taken(replica, Frame.parse(json.dumps(frame))) for frame in vector["frames"]]
    assert verdicts == vector["verdicts"]
    assert told(replica) == vector["expected"]


def test_vectors_are_for_every_rule() -> None:
    names = [vector["name"] for vector in VECTORS]
    assert len(set(names)) == len(names)
    assert all(vector["rule"] for vector in VECTORS)
    verdicts = {verdict for vector in VECTORS for verdict in vector["verdicts"]}
    assert verdicts == {"applied", "duplicate", "foreign_epoch", "missed"}
    verbs = {op["verb"] for vector in VECTORS for frame in vector["frames"] for op in frame["ops"]}
    assert verbs == {"create", "delete", "purge", "update"}
