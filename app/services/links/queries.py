"""All access to links, their passwords and visits but the look-up of a request, which is access's."""

from datetime import datetime

from app.core.database.engine import Database
from app.core.documents import Doc
from app.core.unit_of_work import Work
from app.models.links import Link, LinkPassword, Visit
from app.models.memberships import Membership
from app.models.projects import Project, Visibility
from app.services.access import Order, Page, PageRequest, Scope

BY_ID = Order("_id")


async def get(scope: Scope, project_id: str, link_id: str) -> Doc | None:
    return await scope.collection(Link).find_one({"_id": link_id, "project_id": project_id})


async def page(scope: Scope, project_id: str, request: PageRequest) -> Page:
    """The links of a project, the oldest first."""
    return await scope.collection(Link).page(
        {"project_id": project_id}, BY_ID, request, hint="links_by_project"
    )


async def count(work: Work, project_id: str, limit: int) -> int:
    return len(await work.find(Link, {"project_id": project_id}, limit=limit))


async def author(work: Work, membership_id: str) -> Membership | None:
    """In whose name visitors write, whether or not the actor knows them."""
    found = await work.find(Membership, {"_id": membership_id}, limit=1)
    return found[0] if found else None


async def open_link(database: Database, link_id: str, now: datetime) -> Doc | None:
    """A link that has not ended, of a project that is open to links."""
    link = await database.collection(Link).find_one({"_id": link_id})
    if link is None or (link["expires_at"] is not None and link["expires_at"] <= now):
        return None
    wanted = {"_id": link["project_id"], "visibility": Visibility.LINK.value}
    project = await database.collection(Project).find_one(wanted, {"_id": 1})
    return None if project is None else link


async def password_hash(database: Database, link_id: str) -> str | None:
    found = await database.collection(LinkPassword).find_one({"_id": link_id})
    return None if found is None else found["password_hash"]


async def keep_password(database: Database, link_id: str, password_hash: str) -> None:
    changes = {"$set": {"password_hash": password_hash}}
    await database.collection(LinkPassword).update_one({"_id": link_id}, changes, upsert=True)


async def forget_password(database: Database, link_id: str) -> None:
    await database.collection(LinkPassword).delete_one({"_id": link_id})


async def insert_visit(database: Database, visit: Visit) -> None:
    await database.engine.insert(visit)


async def delete_visits(database: Database, link_id: str) -> None:
    await database.collection(Visit).delete_many({"link_id": link_id})
