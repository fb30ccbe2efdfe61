"""Public links: made, changed, ended, opened."""

from datetime import timedelta
from typing import Any

from app.tests.test_api.access.oracle import VISIT_LIFE, Actor, Link, Member, Visit, Workspace
from app.tests.test_api.access.play import Play
from app.tests.test_api.access.questions import Chooser, Question, Refusals
from app.tests.test_api.access.tables import LINK_ROLES

MOST_VISITS = 6


def create_link(choose: Chooser, w: Workspace) -> Question | None:
    oracle, project = choose.oracle, choose.project(w)
    if project is None:
        return None
    role = choose.chance.choice(["viewer", "commenter"])
    ends = oracle.now + timedelta(hours=1) if choose.often(0.3) else None
    body: dict[str, Any] = {"name": "Beta testers", "role": role, "expires_at": ends and ends.isoformat()}

    def judge(actor: Actor) -> Refusals:
        seen = oracle.has(actor, "project:read", project)
        return choose.also(
            choose.judge(actor, "link:create", seen=seen, project=project),
            (project.visibility != "link", 409),
            (not LINK_ROLES[role] <= oracle.there(actor, project), 403),
        )

    def apply(actor: Actor, answer: Any) -> None:
        member = Member(answer["membership_id"], w.id, None, "guest", link=True)
        oracle.members[member.id] = member
        link = Link(answer["id"], project.id, member.id, role, answer["token"], ends)
        oracle.links[link.id] = link

    return Question("create_link", w, f"/projects/{project.id}/links", judge, "POST", body, apply=apply)


def _judge(choose: Chooser, actor: Actor, link: Link, permission: str) -> Refusals:
    project = choose.oracle.projects[link.project]
    seen = all(choose.oracle.has(actor, one, project) for one in ("project:read", "link:read"))
    return choose.judge(actor, permission, seen=seen, project=project)


def update_link(choose: Chooser, w: Workspace) -> Question | None:
    """From reading to commenting, or back."""
    link, oracle = choose.link(w), choose.oracle
    if link is None:
        return None
    role = "viewer" if link.role == "commenter" else "commenter"

    def judge(actor: Actor) -> Refusals:
        much = not LINK_ROLES[role] <= oracle.there(actor, oracle.projects[link.project])
        return choose.also(_judge(choose, actor, link, "link:update"), (much, 403))

    def apply(actor: Actor, answer: Any) -> None:
        link.role = role

    path = f"/projects/{link.project}/links/{link.id}"
    return Question("update_link", w, path, judge, "PATCH", {"role": role}, apply=apply)


def delete_link(choose: Chooser, w: Workspace) -> Question | None:
    link = choose.link(w)
    if link is None:
        return None

    def judge(actor: Actor) -> Refusals:
        return _judge(choose, actor, link, "link:delete")

    def apply(actor: Actor, answer: Any) -> None:
        choose.oracle.delete_link(link)

    path = f"/projects/{link.project}/links/{link.id}"
    return Question("delete_link", w, path, judge, "DELETE", apply=apply)


async def open_link(play: Play) -> bool:
    """As anybody who has it; one that opens no more is as one that was never there."""
    oracle = play.oracle
    known = {one.id: one for one in (*oracle.links.values(), *(visit.link for visit in oracle.visits))}
    link = play.choose.one(known.values())
    alive = [one for one in oracle.visits if oracle.caller_of(one.access)]
    if link is None or len(alive) >= MOST_VISITS:
        return False
    refusals: Refusals = frozenset() if oracle.opens(link) else frozenset({410})
    body = {"token": link.token}
    answer = await play.expect("open_link", refusals, "POST", "/auth/visits", json=body, token=None)
    if answer.is_success:
        ends = oracle.now + VISIT_LIFE
        ends = ends if link.ends is None else min(ends, link.ends)
        oracle.visits.append(Visit(answer.json()["access_token"], link, ends))
    return True
