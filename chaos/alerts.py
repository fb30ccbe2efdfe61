"""The alerts, for real: Prometheus and Alertmanager on our own configuration, and an API that is killed.

Tells with times when the alert fires at Alertmanager and when it is resolved, and then which panels of the
dashboard have something to show. `prometheus` and `alertmanager` must be on the path: Debian's packages
prometheus and prometheus-alertmanager have them.
"""

import argparse
import asyncio
import contextlib
import json
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import httpx2

from chaos.arena import prepare
from chaos.service import Service, free_port

DEPLOY = Path(__file__).parents[1] / "deploy"
ALERT = "PastisDown"
LIMIT_SECONDS = 300.0
_POLL_SECONDS = 1.0
_PROGRAMS = ("prometheus", "prometheus-alertmanager", "alertmanager")


class Watch:
    """Both servers, and what they say."""

    def __init__(self, folder: Path, alertmanager_port: int) -> None:
        self.folder = folder
        self.alertmanager = f"http://127.0.0.1:{alertmanager_port}"
        self.prometheus = f"http://127.0.0.1:{free_port()}"
        self._http = httpx2.AsyncClient(timeout=5)

    def configure(self, api_port: int, token: str) -> None:
        """The project's own files; only where things are is this machine's."""
        shutil.copytree(DEPLOY / "prometheus", self.folder / "prometheus")
        shutil.copytree(DEPLOY / "alertmanager", self.folder / "alertmanager")
        targets = self.folder / "prometheus" / "targets"
        for name, address in (("pastis", f"127.0.0.1:{api_port}"), ("alertmanager", self.alertmanager[7:])):
            (targets / f"{name}.yml").write_text(json.dumps([{"targets": [address]}]))
        (self.folder / "prometheus" / "pastis_token").write_text(token)

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Both, ended with the block, whatever happens there."""
        alertmanager = shutil.which("prometheus-alertmanager") or "alertmanager"
        commands = [
            [
                alertmanager,
                f"--config.file={self.folder}/alertmanager/alertmanager.yml",
                f"--storage.path={self.folder}/alertmanager-data",
                f"--web.listen-address={self.alertmanager[7:]}",
                "--cluster.listen-address=",  # alone
            ],
            [
                "prometheus",
                f"--config.file={self.folder}/prometheus/prometheus.yml",
                f"--storage.tsdb.path={self.folder}/prometheus-data",
                f"--web.listen-address={self.prometheus[7:]}",
            ],
        ]
        with contextlib.ExitStack() as stack:
            for command in commands:
                log = stack.enter_context((self.folder / f"{Path(command[0]).name}.log").open("wb"))
                process = subprocess.Popen(command, stdout=log, stderr=log)
                stack.callback(_end, process)
            yield

    async def asked(self, query: str) -> list[Any]:
        """What Prometheus answers to a query; nothing while it does not answer."""
        with contextlib.suppress(httpx2.TransportError):
            answer = await self._http.get(f"{self.prometheus}/api/v1/query", params={"query": query})
            body = answer.json()
            if body["status"] != "success":
                raise RuntimeError(f"{query}: {body}")
            found: list[Any] = body["data"]["result"]
            return found
        return []

    async def is_up(self) -> bool:
        found = await self.asked('up{job="pastis"}')
        return bool(found) and found[0]["value"][1] == "1"

    async def alerts(self) -> list[str]:
        """The names of those that Alertmanager has active."""
        with contextlib.suppress(httpx2.TransportError):
            answer = await self._http.get(f"{self.alertmanager}/api/v2/alerts", params={"active": "true"})
            return [one["labels"]["alertname"] for one in answer.json()]
        return []

    async def close(self) -> None:
        await self._http.aclose()


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


async def until(what: str, is_so: Callable[[], Awaitable[bool]]) -> float:
    """Wait for it, say when it was, and give how many seconds that took."""
    began = monotonic()
    while not await is_so():
        if monotonic() - began > LIMIT_SECONDS:
            raise RuntimeError(f"not within {LIMIT_SECONDS:g} s: {what}")
        await asyncio.sleep(_POLL_SECONDS)
    say(what)
    return monotonic() - began


def say(what: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S}  {what}", flush=True)


async def story(folder: Path, alertmanager_port: int) -> None:
    token = secrets.token_urlsafe(24)
    service = Service(folder, database_timeout=5, settings={"PASTIS_METRICS_TOKEN": token})
    watch = Watch(folder, alertmanager_port)
    watch.configure(service.port, token)
    try:
        await service.start()
        arena = await prepare([service])
        say(f"the API serves at {service.url}")
        with watch.running():
            await _fall_and_rise(service, watch)
            await _work(service.url + arena.path, arena.tokens[0])
            await _show_panels(watch)
    finally:
        await watch.close()
        await service.end()


async def _fall_and_rise(service: Service, watch: Watch) -> None:
    await until("Prometheus has read the API's metrics", watch.is_up)

    async def fires() -> bool:
        return ALERT in await watch.alerts()

    async def is_quiet() -> bool:
        return ALERT not in await watch.alerts()

    service.kill()
    say("the API was killed")
    fired = await until(f"{ALERT} fires at {watch.alertmanager}", fires)
    await service.start()
    say("the API was started again")
    resolved = await until(f"{ALERT} is resolved", is_quiet)
    say(f"fired {fired:.0f} s after the kill, resolved {resolved:.0f} s after the start")


async def _work(url: str, token: str) -> None:
    """Something to show: a minute of writes and reads, while a client is told."""
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(timeout=20, headers=headers) as http,
        http.stream("GET", f"{url}/sync", headers={"Accept": "text/event-stream"}),
    ):
        end, number = monotonic() + 60, 0
        while monotonic() < end:
            number += 1
            body = {"project_id": "FLUID", "title": f"Task {number}"}
            (await http.post(f"{url}/tasks", json=body)).raise_for_status()
            (await http.get(f"{url}/tasks")).raise_for_status()
            await asyncio.sleep(0.05)


async def _show_panels(watch: Watch) -> None:
    dashboard = json.loads((DEPLOY / "grafana" / "dashboards" / "pastis.json").read_text())
    empty = []
    for panel in dashboard["panels"]:
        found = [len(await watch.asked(target["expr"])) for target in panel["targets"]]
        if not any(found):
            empty.append(panel["title"])
        say(f"panel {panel['title']}: {sum(found)} series")
    if empty:
        say(f"nothing to show: {', '.join(empty)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alertmanager-port", type=int, default=9093)
    arguments = parser.parse_args()
    if not shutil.which("prometheus") or not any(shutil.which(name) for name in _PROGRAMS[1:]):
        sys.exit("Install prometheus and alertmanager first (Debian: prometheus prometheus-alertmanager).")
    with tempfile.TemporaryDirectory(prefix="pastis-alerts-") as name:
        asyncio.run(story(Path(name), arguments.alertmanager_port))


if __name__ == "__main__":
    main()
