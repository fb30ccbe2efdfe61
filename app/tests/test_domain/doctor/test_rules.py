"""What the doctor makes of facts."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.doctor import Finding, Health, rules

GOOD, WARNING, BAD = Health.GOOD, Health.WARNING, Health.BAD
ALONE = {"setName": "pastis", "hosts": ["a:27017"]}
THREE = {"setName": "pastis", "hosts": ["a:27017", "b:27017", "c:27017"]}


def member(name: str, health: int = 1, state: str = "SECONDARY") -> dict[str, Any]:
    return {"name": name, "health": health, "stateStr": state}


def may(*actions: str, **resource: Any) -> dict[str, Any]:
    return {"resource": resource or {"db": "pastis", "collection": ""}, "actions": list(actions)}


@pytest.mark.parametrize(
    ("finding", "health"),
    [
        (rules.settings([], []), GOOD),
        (rules.settings([], ["PASTIS_X"]), WARNING),
        (rules.settings(["PASTIS_DEBUG is true"], []), BAD),
        (rules.version("8.0.4", None), GOOD),
        (rules.version("6.0.5", None), GOOD),
        (rules.version("5.0.31", None), BAD),
        (rules.version("7.0.0", "0.7.0b3"), WARNING),
        (rules.replica_set({}, [], production=False), BAD),
        (rules.replica_set(ALONE, [], production=False), GOOD),
        (rules.replica_set(ALONE, [], production=True), WARNING),
        (rules.replica_set(THREE, [], production=True), GOOD),
        (rules.replica_set(THREE, [member("a"), member("b", 0, "(not reachable)")], production=True), BAD),
        (rules.account(None, "pastis", production=False), GOOD),
        (rules.account(None, "pastis", production=True), WARNING),
        (rules.account([], "pastis", production=True), BAD),
        (rules.account([may(*rules.NEEDED)], "pastis", production=True), GOOD),
        (rules.account([may(*rules.NEEDED[1:])], "pastis", production=True), BAD),
        (rules.account([may(*rules.NEEDED)], "elsewhere", production=True), BAD),
        (rules.account([may(*rules.NEEDED, db="", collection="")], "elsewhere", production=True), GOOD),
        (
            rules.account([may(*rules.NEEDED, db="pastis", collection="tasks")], "pastis", production=True),
            BAD,
        ),
        (rules.account([may("anyAction", anyResource=True)], "pastis", production=True), GOOD),
        (rules.migrations({"baseline": "done"}), GOOD),
        (rules.migrations({"baseline": "done", "roles": "running"}), WARNING),
        (rules.indexes([]), GOOD),
        (rules.indexes(["tasks.tasks_by_rank"]), BAD),
        (rules.mail(None, None, production=False), GOOD),
        (rules.mail(None, None, production=True), WARNING),
        (rules.mail("mail.fluid.example", None, production=True), GOOD),
        (rules.mail("mail.fluid.example", "SMTPAuthenticationError 535", production=True), BAD),
        (rules.jobs(0, 299.0), GOOD),
        (rules.jobs(2, 0.0), WARNING),
        (rules.jobs(0, 301.0), BAD),
        (rules.files(None, 10_000), GOOD),
        (rules.files(20_000, 10_000), GOOD),
        (rules.files(1_024, 10_000), WARNING),
        (rules.folder("/data", writable=True, readable_by_others=False), GOOD),
        (rules.folder("/data", writable=True, readable_by_others=True), WARNING),
        (rules.folder("/data", writable=False, readable_by_others=True), BAD),
        (rules.public_url("http://localhost:8001", production=False), GOOD),
        (rules.public_url("http://localhost:8001", production=True), WARNING),
        (rules.public_url("https://pastis.example.org", production=True), GOOD),
        (rules.oplog(timedelta(hours=2), production=False), GOOD),
        (rules.oplog(timedelta(hours=2), production=True), WARNING),
        (rules.oplog(timedelta(hours=30), production=True), GOOD),
    ],
)
def test_what_is_made_of_it(finding: Finding, health: Health) -> None:
    assert finding.health is health, finding
    assert bool(finding.advice) == (health is not GOOD), "advice where it helps, and nowhere else"


@given(st.floats(-100, 100))
def test_clocks_are_judged_by_how_far_they_are_apart(seconds: float) -> None:
    found = rules.clock(timedelta(seconds=seconds))
    apart = abs(timedelta(seconds=seconds).total_seconds())
    assert found.health is (BAD if apart > 30 else WARNING if apart > 1 else GOOD)
    assert found.health is rules.clock(timedelta(seconds=-seconds)).health


@given(st.floats(0, 1e15), st.floats(0, 1e15))
def test_a_fuller_disk_is_never_better(free: float, used: float) -> None:
    order = [GOOD, WARNING, BAD]
    now = order.index(rules.disk("disk", free, free + used).health)
    assert now <= order.index(rules.disk("disk", free / 2, free / 2 + used + free / 2).health)
