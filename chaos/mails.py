"""Mails that acknowledged requests asked for, and those that came to a mail server."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import httpx2
from aiosmtpd.controller import Controller

from app.core.database.engine import Database
from app.core.jobs import Job, JobKind, JobState
from app.utils.ids import new_id
from chaos.service import free_port

_LOOK_SECONDS = 0.2


class Mails:
    """A mail server on loopback, and who asks for mails."""

    def __init__(self) -> None:
        self.port = free_port()
        self.asked: set[str] = set()
        """Addresses whose invitation was acknowledged."""
        self.came: Counter[str] = Counter()
        self.faults: list[str] = []

    @property
    def settings(self) -> Mapping[str, str]:
        """For the API."""
        server = {"PASTIS_SMTP_HOST": "127.0.0.1", "PASTIS_SMTP_PORT": str(self.port)}
        return {**server, "PASTIS_SMTP_SECURITY": "none"}

    @contextmanager
    def served(self) -> Iterator[None]:
        controller = Controller(self, "127.0.0.1", self.port)
        controller.start()
        try:
            yield
        finally:
            controller.stop()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.came.update(envelope.rcpt_tos)
        return "250 OK"

    async def invite(self, http: httpx2.AsyncClient, url: str) -> None:
        email, headers = f"{new_id()}@fluid.example", {"Idempotency-Key": new_id()}
        while email not in self.asked:
            try:
                answer = await http.post(url, json={"email": email}, headers=headers)
            except httpx2.TransportError:
                continue
            if answer.is_success:
                self.asked.add(email)
            elif answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                self.faults.append(f"mail: {answer.status_code} {answer.text[:300]}")
                return
            await asyncio.sleep(_LOOK_SECONDS)

    async def settle(self, database: Database, seconds: float) -> list[str]:
        """Wait until all are delivered, and name what is wrong; twice is not, after an accident."""
        mail, jobs = {"kind": JobKind.MAIL.value}, database.collection(Job)
        waiting = {**mail, "state": {"$ne": JobState.FAILED.value}}
        async with asyncio.timeout(seconds):
            while True:
                if not await jobs.count_documents(waiting):
                    break
                await asyncio.sleep(_LOOK_SECONDS)
        lost = sorted(self.asked - self.came.keys())
        given_up = await jobs.count_documents({**mail, "state": JobState.FAILED.value})
        flaws = [*self.faults, *(f"mail: {address} was asked for and never came" for address in lost)]
        return [*flaws, f"mail: {given_up} given up"] if given_up else flaws

    def rows(self) -> list[tuple[str, str]]:
        twice = sum(times > 1 for times in self.came.values())
        lost = len(self.asked - self.came.keys())
        return [
            ("mails that acknowledged requests asked for", f"{len(self.asked):,}"),
            ("of these that never came, that came twice", f"{lost}, {twice}"),
        ]
