"""Faults of the machine that the API runs on: too little memory, a wrong clock, much at once."""

import asyncio
import io
import os
import resource
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Sequence
from json import loads

import httpx2
from PIL import Image

from chaos.mails import Mails
from chaos.rounds import good
from chaos.service import ROOT, Service
from chaos.stage import stage
from chaos.trial import Trial, Work, process_of

_SPARE_BYTES = 400 * 1_048_576
"""How much more the process may take than it has at rest."""
_TEXT = "Focus is lost in dialog. " * 350
"""With a hundred of it a body is as large as one may be."""
_STEP_SECONDS = 3600
_STEPPED_SECONDS = 3.0
_PATIENCE_SECONDS = 120.0
_HALF = 25
_EXCERPT = ROOT / "app" / "data" / "fluid-excerpt.jsonl"
_IMPORT_BYTES = 2_000_000


async def little_memory(trial: Trial) -> None:
    """Bodies that are too large, and many of the largest that are not, with a limit to the address space."""
    async with (
        stage(trial.folder, trial.chance) as site,
        trial.writes(site.service, site.database.url) as work,
        patient(work) as http,
    ):
        process = process_of(site.service)
        most = process.memory_info().vms + _SPARE_BYTES
        resource.prlimit(process.pid, resource.RLIMIT_AS, (most, most))
        with trial.memory_of(site.service):
            async with trial.fault(work):
                refused = await _statuses([_post_too_much(http) for _ in range(40)])
                taken = await _statuses([post_much(http) for _ in range(20)])
                read = await _statuses([http.get("/sync/snapshot") for _ in range(20)])
        trial.see(
            f"40 too large: {_told(refused)}; 20 of 0.9 MB: {_told(taken)}; 20 snapshots: {_told(read)}"
        )
        trial.hold(f"what was too large was answered {_told(refused)}", true=set(refused) == {413})
        _hold_no_defect(trial, taken + read)


async def post_much(http: httpx2.AsyncClient) -> httpx2.Response:
    """A hundred tasks with much text, in one body."""
    body = {"project_id": "FLUID", "title": "Focus is lost", "description": _TEXT}
    return await http.post("/tasks/batch", json={"operations": [{"action": "create", "body": body}] * 100})


async def _post_too_much(http: httpx2.AsyncClient) -> httpx2.Response:
    """Without saying how much."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 65_536

    return await http.post("/tasks", content=pieces(), headers={"Content-Type": "application/json"})


async def clock_steps(trial: Trial) -> None:
    """Logins, tokens, cursors and leases outlast a clock that is stepped, as NTP steps one that was wrong."""
    mails = Mails()
    with mails.served():
        async with (
            stage(trial.folder, trial.chance, settings=mails.settings) as site,
            trial.writes(site.service, site.database.url) as work,
        ):
            kept = await _Kept.begin(work, site.service)
            async with trial.fault(work):
                for step in (_STEP_SECONDS, -_STEP_SECONDS, 0):
                    site.service.turn_clock(step)
                    await asyncio.sleep(_STEPPED_SECONDS * trial.part)
                    statuses = await kept.use(mails)
                    trial.hold(f"at {step:+} s: {statuses}", true=set(statuses.values()) == {200})
                    trial.see(
                        f"at {step:+} s: {', '.join(f'{name} {told}' for name, told in statuses.items())}"
                    )
            trial.violations += await mails.settle(work.book.database, _PATIENCE_SECONDS)
            trial.see(f"{len(mails.asked)} mails asked for, {len(mails.came)} came")


class _Kept:
    """What clients keep for long: a refresh token, an API token, and cursors."""

    def __init__(self, http: httpx2.AsyncClient, api: str) -> None:
        self._http = http
        self._api = api
        self._mailing = ""
        self._refresh_token = ""
        self._page = ""
        self._since = ""

    @classmethod
    async def begin(cls, work: Work, service: Service) -> "_Kept":
        """From here on all write by an API token, which ends with no quarter of an hour."""
        kept, http = cls(work.http, f"{service.url}/api/v1"), work.http
        place = good(await http.post(f"{kept._api}/workspaces", json={"slug": "mails", "name": "Mails"}))
        kept._mailing = f"{kept._api}/workspaces/{place['id']}/invitations"
        token = {"name": "Robot", "scopes": ["*:*"]}
        made = good(await http.post(f"{kept._api}/me/tokens", json=token))
        http.headers["Authorization"] = f"Bearer {made['token']}"
        login = {**work.book.account, "remember_me": True}
        async with httpx2.AsyncClient() as other:
            told = good(await other.post(f"{kept._api}/auth/login", json=login))
        kept._refresh_token = told["refresh_token"]
        kept._page = good(await http.get("/tasks", params={"limit": 5}))["next_cursor"]
        kept._since = loads((await http.get("/sync/snapshot")).text.partition("\n")[0])["cursor"]
        return kept

    async def use(self, mails: Mails) -> Counter[str]:
        """The statuses of what is asked with each of them."""
        async with httpx2.AsyncClient() as other:
            body = {"refresh_token": self._refresh_token}
            refreshed = await other.post(f"{self._api}/auth/refresh", json=body)
        if refreshed.is_success:
            self._refresh_token = refreshed.json()["refresh_token"]
        page = await self._http.get("/tasks", params={"limit": 5, "cursor": self._page})
        frame = await self._http.get("/sync", params={"since": self._since})
        asked = len(mails.asked)
        await mails.invite(self._http, self._mailing)
        return Counter(
            {
                "refresh": refreshed.status_code,
                "page": page.status_code,
                "frame": frame.status_code,
                "mail": 200 if len(mails.asked) > asked else 0,
            }
        )


async def uploads(trial: Trial) -> None:
    """Half are pictures, half archives, each of which is imported into a workspace of its own."""
    picture, archive = _picture(), _archive()
    async with (
        stage(trial.folder, trial.chance) as site,
        trial.writes(site.service, site.database.url) as work,
        patient(work) as http,
    ):
        api = f"{site.service.url}/api/v1"
        places = [await _found(http, api, number) for number in range(_HALF)]
        with trial.memory_of(site.service):
            async with trial.fault(work):
                kind = {"Content-Type": "image/png"}
                pictures = [http.put(f"{api}/me/avatar", content=picture, headers=kind) for _ in range(_HALF)]
                archives = [http.post(place, files={"file": ("a.jsonl", archive)}) for place in places]
                statuses = await _statuses([*pictures, *archives])
                states = Counter([await _end(http, place) for place in places])
        size = f"{len(picture) / 1e6:.1f} and {len(archive) / 1e6:.1f} MB"
        trial.see(f"of {size}: {_told(statuses)}; imports: {dict(states)}")
        trial.hold(f"uploads were answered {_told(statuses)}", true=statuses == {204: _HALF, 202: _HALF})
        trial.hold(f"imports ended as {dict(states)}", true=states == {"done": _HALF})


async def _found(http: httpx2.AsyncClient, api: str, number: int) -> str:
    """A new workspace, as the address of its imports."""
    body = {"slug": f"imports-{number}", "name": "Fluid Project"}
    made = good(await http.post(f"{api}/workspaces", json=body))
    return f"{api}/workspaces/{made['id']}/imports"


async def _end(http: httpx2.AsyncClient, place: str) -> str:
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while True:
            state: str = good(await http.get(place))["items"][0]["state"]
            if state not in {"queued", "running"}:
                return state
            await asyncio.sleep(0.5)


def _picture() -> bytes:
    """Noise, which no compression makes small."""
    written = io.BytesIO()
    Image.frombytes("RGB", (550, 550), os.urandom(550 * 550 * 3)).save(written, "PNG")
    return written.getvalue()


def _archive() -> bytes:
    """The same real issues again and again: only the first of each is imported."""
    issues = _EXCERPT.read_bytes()
    return issues * (_IMPORT_BYTES // len(issues))


def patient(work: Work) -> httpx2.AsyncClient:
    """A client of the same workspace and login that waits for longer."""
    return httpx2.AsyncClient(
        base_url=work.http.base_url,
        headers={"Authorization": work.http.headers["Authorization"]},
        limits=httpx2.Limits(max_connections=None),
        timeout=_PATIENCE_SECONDS,
    )


async def _statuses(asking: Sequence[Awaitable[httpx2.Response]]) -> Counter[int]:
    answers = await asyncio.gather(*asking, return_exceptions=True)
    return Counter(one.status_code if isinstance(one, httpx2.Response) else 0 for one in answers)


def _told(statuses: Counter[int]) -> str:
    return ", ".join(f"{status or 'no answer'}: {times}" for status, times in sorted(statuses.items()))


def _hold_no_defect(trial: Trial, statuses: Counter[int]) -> None:
    bad = {status for status in statuses if status == 0 or (status >= 500 and status != 503)}
    trial.hold(f"answered {_told(statuses)}", true=not bad)
