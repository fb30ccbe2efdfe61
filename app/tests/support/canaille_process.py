"""Canaille, an OpenID provider that others wrote, as a process of its own on loopback.

Run as a program it is that process: its data is in memory and ends with it. Otherwise this module starts and
ends it, and is the browser of its users.
"""

import html
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx2

CLIENT_ID = "pastis"
CLIENT_SECRET = "a secret of the tests"
PASSWORD = "correct horse battery staple"
REDIRECT = "http://localhost:8001/auth/oidc/canaille"
USERS = {"justin": ("Justin Obara", ["staff", "leads"]), "yura": ("Yura Zenevich", [])}
START_SECONDS = 30.0


class NotRunningError(Exception):
    """Canaille cannot run here; the text is what it wrote."""


@contextmanager
def canaille(folder: Path) -> Iterator[str]:
    """Its address, as long as the block lasts; raises NotRunningError."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    log = folder / "canaille.log"
    with log.open("w") as output:
        command = [sys.executable, "-W", "ignore", "-m", "app.tests.support.canaille_process", str(port)]
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(process, address, log)
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx2.get(f"{address}/.well-known/openid-configuration").is_success:
                return
        except httpx2.HTTPError:
            time.sleep(0.1)
    raise NotRunningError(log.read_text()[-2000:])


def log_in(authorization_url: str, name: str) -> dict[str, str]:
    """Fill in its pages as a person does, until it sends the browser back; what it sends along."""
    answers: list[dict[str, str]] = [{"login": name}, {"password": PASSWORD}, {"answer": "accept"}]
    with httpx2.Client() as browser:
        page = browser.get(authorization_url)
        for _ in range(20):
            if page.is_redirect:
                target = urljoin(str(page.url), page.headers["location"])
                if target.startswith(REDIRECT):
                    return dict(parse_qsl(urlsplit(target).query))
                page = browser.get(target)
            else:
                hidden = re.findall(r'<input[^>]*name="(\w+)"[^>]*value="([^"]*)"', page.text)
                fields = {field: html.unescape(value) for field, value in hidden}
                page = browser.post(str(page.url), data=fields | answers.pop(0))
    raise AssertionError("it does not send the browser back")


def serve(port: int) -> None:
    """Be the provider, with users, groups and one client."""
    from canaille import create_app
    from joserfc.jwk import RSAKey
    from werkzeug.serving import run_simple

    _mend_queries()
    settings = {
        "SECRET_KEY": CLIENT_SECRET,
        "SERVER_NAME": f"127.0.0.1:{port}",
        "PREFERRED_URL_SCHEME": "http",
        "CANAILLE": {"DATABASE": "memory"},
        "CANAILLE_OIDC": {"ACTIVE_JWKS": [RSAKey.generate_key(2048, auto_kid=True).as_dict(private=True)]},
    }
    app = create_app(settings)
    with app.app_context():
        _fill()
    run_simple("127.0.0.1", port, app, threaded=True)


def _mend_queries() -> None:
    """Its store in memory finds what meets any of several conditions: so any code would be good."""
    from canaille.backends.memory.backend import MemoryBackend

    query = MemoryBackend.do_query

    def exact(self: object, model: type, *args: object, **filters: object) -> list[object]:
        found = query(self, model, *args, **filters)
        return [one for one in found if "code" not in filters or one.code == filters["code"]]

    MemoryBackend.do_query = exact


def _fill() -> None:
    from canaille.app import models
    from canaille.backends import Backend

    people: dict[str, list[object]] = {}
    with Backend.instance.session():
        for name, (full_name, groups) in USERS.items():
            user = models.User(
                user_name=name,
                formatted_name=full_name,
                family_name=full_name,
                emails=[f"{name}@canaille.example"],
                password=PASSWORD,
            )
            Backend.instance.save(user)
            for group in groups:
                people.setdefault(group, []).append(user)
        for group, members in people.items():
            Backend.instance.save(models.Group(display_name=group, members=members))
        client = models.Client(
            client_id=CLIENT_ID,
            client_secret=CLIENT_SECRET,
            client_name="Pastis",
            client_uri="http://pastis.example",
            redirect_uris=[REDIRECT],
            grant_types=["authorization_code"],
            response_types=["code"],
            scope=["openid", "profile", "email", "groups"],
            token_endpoint_auth_method="client_secret_basic",
        )
        Backend.instance.save(client)
        client.audience = [client]
        Backend.instance.save(client)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
