"""What acknowledged requests ask to be done beside them, whoever is killed: mails, and merges of people."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

import httpx2

from app.core.database.engine import Database
from app.core.documents import Doc
from app.core.jobs import Job, JobKind, JobState
from app.models.memberships import Membership
from app.models.tasks import Task
from app.utils.ids import new_id
from chaos.clients import TIMEOUT_SECONDS
from chaos.mails import Mails

MAILS = 8
"""Invitations a chapter: an account may send 100 at once, and a network 400."""
_TASKS = 5
"""That name somebody who is merged."""
_PAUSE_SECONDS = 1.0
_LOOK_SECONDS = 0.2


class Errands:
    """What was asked for, and came of it."""

    def __init__(self) -> None:
        self.mails = Mails()
        self.merged: dict[str, str] = {}
        """Placeholders whose merge was acknowledged, and whom they became."""

    async def ask_until(self, is_over: Callable[[], bool], url: str, account: Doc) -> None:
        """Ask for one after the other in a workspace that is made for it, each until it is answered.

        Limits of invitations are an account's, so that each chapter needs another one.
        """
        async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS) as http:
            told = await self._insist(http, f"{url}/api/v1/auth/login", account)
            http.headers["Authorization"] = f"Bearer {told['access_token']}"
            body = {"slug": f"errands-{new_id()[-12:]}", "name": "Errands"}
            place = await self._insist(http, f"{url}/api/v1/workspaces", body)
            base = f"{url}/api/v1/workspaces/{place['id']}"
            await self._insist(http, f"{base}/projects", {"key": "FLUID", "name": "Fluid Infusion"})
            into = (await self._insist(http, f"{base}/memberships", {"display_name": "Justin Obara"}))["id"]
            mails = 0
            while not is_over():
                if mails < MAILS:
                    await self.mails.invite(http, f"{base}/invitations")
                    mails += 1
                await self._merge(http, base, into)
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _merge(self, http: httpx2.AsyncClient, base: str, into: str) -> None:
        person = (await self._insist(http, f"{base}/memberships", {"display_name": "J. Obara"}))["id"]
        for number in range(_TASKS):
            body = {"project_id": "FLUID", "title": f"Focus is lost {number}", "assignee_ids": [person]}
            await self._insist(http, f"{base}/tasks", body)
        await self._insist(http, f"{base}/memberships/{person}/merge", {"into_id": into})
        self.merged[person] = into

    async def _insist(self, http: httpx2.AsyncClient, url: str, body: Doc) -> Doc:
        """Send it until it is done; raises RuntimeError for an answer other than that it cannot be now."""
        headers = {"Idempotency-Key": new_id()}
        while True:
            try:
                answer = await http.post(url, json=body, headers=headers)
            except httpx2.TransportError:
                continue
            if answer.is_success:
                told: Doc = answer.json()
                return told
            if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                raise RuntimeError(f"POST {url}: {answer.status_code} {answer.text[:300]}")
            await asyncio.sleep(_LOOK_SECONDS)

    async def settle(self, database: Database, seconds: float) -> list[str]:
        """Wait until all of it is done, and name what is not."""
        flaws = await self.mails.settle(database, seconds)
        jobs, merge = database.collection(Job), {"kind": JobKind.MERGE.value}
        async with asyncio.timeout(seconds):
            waiting = {**merge, "state": {"$ne": JobState.FAILED.value}}
            while await jobs.count_documents(waiting):  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_SECONDS)
        if given_up := await jobs.count_documents(merge):
            flaws.append(f"merge: {given_up} given up")
        for person, into in self.merged.items():
            if not await self._is_merged(database, person, into):
                flaws.append(f"merge: {person} was acknowledged and is not whole")
        return flaws

    @staticmethod
    async def _is_merged(database: Database, person: str, into: str) -> bool:
        tasks = database.collection(Task)
        found = await database.collection(Membership).find_one({"_id": person}) or {}
        named = await tasks.count_documents({"assignee_ids": person}, limit=1)
        return (found.get("merging"), found.get("merged_into_id"), named) == (False, into, 0)

    def rows(self) -> list[tuple[str, str]]:
        return [*self.mails.rows(), ("merges of people that were acknowledged", f"{len(self.merged):,}")]
