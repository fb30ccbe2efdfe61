"""What is remembered between transactions is forgotten as soon as it may be wrong."""

import pytest

from app.core.documents import Doc
from app.core.unit_of_work import Writers
from app.core.unit_of_work.recent import DOCUMENTS, WORKSPACES, Recent, RecentByWorkspace
from app.models import ENTITIES
from app.models.labels import Label
from app.services.bootstrap import REACTIONS, Services
from app.tests.support.clients import ok
from app.tests.support.clock import TestClock
from app.tests.support.factories import Workspace


def at(writes: int) -> Doc:
    return {"_id": "w", "seq": writes, "writes": writes}


def test_it_is_trusted_only_at_the_number_of_writes_that_it_was_left_with() -> None:
    recent = Recent()
    recent.keep({(Label, "a"): {"_id": "a"}, (Label, "b"): {"_id": "b"}}, {}, at(7))
    recent.trust(at(7))
    assert recent.get((Label, "a")) == {"_id": "a"}
    recent.keep({(Label, "a"): None}, {}, at(8))
    recent.trust(at(8))
    assert recent.knows((Label, "a"))
    assert recent.get((Label, "a")) is None
    assert recent.get((Label, "b")) == {"_id": "b"}
    before = recent.generation
    recent.trust(at(9))
    assert not recent.knows((Label, "a"))
    assert not recent.knows((Label, "b"))
    assert recent.generation > before


def test_the_head_is_remembered_only_while_nobody_else_writes() -> None:
    recent = Recent()
    recent.keep({}, {}, at(1))
    assert recent.head() is None  # who knows who else is there
    recent.trust(at(1))
    assert recent.head() == at(1)
    recent.keep({}, {}, at(2))
    assert recent.head() == at(2)
    recent.trust(at(3))
    assert recent.head() is None
    recent.keep({}, {}, at(4))
    assert recent.head() is None


def test_it_is_bounded_and_keeps_what_is_used() -> None:
    recent = Recent()
    recent.keep({(Label, str(n)): {"_id": str(n)} for n in range(DOCUMENTS)}, {}, at(1))
    recent.keep({}, {}, at(2))
    assert recent.get((Label, "0")) is not None
    recent.keep({(Label, "new"): {"_id": "new"}}, {}, at(3))
    assert recent.knows((Label, "0"))
    assert not recent.knows((Label, "1"))


def test_all_of_the_last_transaction_is_known() -> None:
    recent = Recent()
    recent.keep({(Label, str(n)): {"_id": str(n)} for n in range(DOCUMENTS + 9)}, {"m": {"_id": "m"}}, at(1))
    assert recent.get((Label, "0")) == {"_id": "0"}
    assert recent.mutations == {"m": {"_id": "m"}}
    recent.keep({}, {}, at(2))
    assert not recent.knows((Label, "0"))
    assert not recent.mutations


def test_so_are_the_workspaces() -> None:
    recents = RecentByWorkspace()
    first = recents.of("0")
    for number in range(1, WORKSPACES):
        recents.of(str(number))
    assert recents.of("0") is first
    recents.of("one more")
    assert recents.of("0") is first


@pytest.mark.anyio
async def test_another_process_is_never_overruled_by_what_this_one_remembers(
    workspace: Workspace, services: Services, clock: TestClock
) -> None:
    """Two processes take turns; each must see what the other did, though neither reads what it remembers."""
    label = await workspace.label("Accessibility")
    here = services.writers
    elsewhere = Writers(services.database, clock, ENTITIES, REACTIONS)
    for turn in range(6):
        services.writers.recent.of(workspace.id)  # remembered all along
        services.access._writers = here if turn % 2 else elsewhere
        try:
            services.access.forget_user(workspace.users["owner"].id)
            answer = await workspace.api.patch(f"/labels/{label['id']}", {"name": f"Turn {turn}"})
            assert ok(answer)["version"] == label["version"] + turn + 1
            event = ok(await workspace.api.get(f"/events/{answer.json()['version']}"))
            expected = "Accessibility" if turn == 0 else f"Turn {turn - 1}"
            assert event["ops"][0]["before"]["name"] == expected
        finally:
            services.access._writers = here
