"""An environment as deploy/ makes them: releases side by side, two generations, and nginx before them."""

import asyncio
import os
import shutil
import ssl
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL

from chaos.service import ROOT, free_port

DEPLOY = ROOT / "deploy"
HOST = "127.0.0.1"
_LIBRARIES = os.pathsep.join([str(ROOT), str(ROOT / "clients" / "python")])
_DRAIN_SECONDS = 3

_NGINX = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log warn;
worker_processes 1;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/proxied;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/pastis.conf;
}}
"""


def lacking() -> list[str]:
    """Name the programs that this machine would need."""
    return [name for name in ("bash", "curl", "flock", "nginx", "openssl", "setsid") if not find(name)]


def find(name: str) -> str | None:
    """Where a program is; those of the system's administrators are not on everybody's path."""
    return shutil.which(name, path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")


class Environment:
    def __init__(self, folder: Path, database_url: str, processes: int) -> None:
        """In an empty folder."""
        self.folder = folder
        self.port = free_port()
        self.url = f"https://{HOST}:{self.port}"
        self.blue = [free_port() for _ in range(processes)]
        self._green = [free_port() for _ in range(processes)]
        self._database_url = database_url
        self._nginx: subprocess.Popen[bytes] | None = None

    @property
    def certificate(self) -> Path:
        return self.folder / "tls" / "certificate.pem"

    @property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))

    def start(self) -> None:
        """Write what an operator writes, and start the proxy."""
        self._make_certificate()
        settings = {
            "PASTIS_DATABASE_URL": self._database_url,
            "PASTIS_DATA_DIR": self.folder / "pastis",
            "PASTIS_STOP_SECONDS": 20,
            "PASTIS_TRUSTED_PROXIES": HOST,
            # All clients come from one address, as fast as they can.
            "PASTIS_RATE_LIMIT_PER_MINUTE": 0,
            "PASTIS_ANONYMOUS_RATE_LIMIT_PER_MINUTE": 0,
        }
        (self.folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        deployed = {
            "DEPLOY_BACKEND": "processes",
            "DEPLOY_URL": self.url,
            "DEPLOY_BLUE_PORTS": _words(self.blue),
            "DEPLOY_GREEN_PORTS": _words(self._green),
            "DEPLOY_HTTP": f"{HOST}:{free_port()}",
            "DEPLOY_HTTPS": f"{HOST}:{self.port}",
            "DEPLOY_DRAIN_SECONDS": _DRAIN_SECONDS,
            # Who runs a script may say otherwise.
            "DEPLOY_READY_SECONDS": "${DEPLOY_READY_SECONDS:-40}",
        }
        text = "".join(f'{name}="{value}"\n' for name, value in deployed.items())
        (self.folder / "deploy.env").write_text(text)
        self._start_nginx()

    def _make_certificate(self) -> None:
        self.certificate.parent.mkdir()
        request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={HOST}"]
        names = ["-addext", f"subjectAltName=IP:{HOST}"]
        files = ["-keyout", str(self.certificate.with_name("key.pem")), "-out", str(self.certificate)]
        subprocess.run(["openssl", *request, *names, *files], check=True, capture_output=True)

    def _start_nginx(self) -> None:
        proxy = [DEPLOY / "proxy"]
        done = subprocess.run(proxy, env=self._variables(), check=True, capture_output=True, text=True)
        (self.folder / "pastis.conf").write_text(done.stdout)
        # As root it would give up its rights, and could not look into a folder that is its owner's alone.
        user = "user root;" if os.geteuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(_NGINX.format(folder=self.folder, user=user))
        program = find("nginx")
        assert program
        with (self.folder / "nginx.out").open("wb") as said:
            self._nginx = subprocess.Popen(
                [program, "-e", f"{self.folder}/nginx.log", "-c", f"{self.folder}/nginx.conf"],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )

    def add_release(self, name: str, *, good: bool = True) -> str:
        """One that is installed already and runs this code; a bad one migrates and does not serve."""
        program = self.folder / "releases" / name / "venv" / "bin" / "pastis"
        program.parent.mkdir(parents=True)
        refusal = "" if good else '[ "$1" = serve ] && echo "This release is bad." && exit 1\n'
        run = f'PYTHONPATH="{_LIBRARIES}" exec "{sys.executable}" -m app.cli "$@"'
        program.write_text(f"#!/bin/sh\n{refusal}{run}\n")
        program.chmod(0o755)
        (self.folder / "releases" / name / "complete").touch()
        return name

    async def run(self, script: str, *arguments: str, **variables: str) -> tuple[int, str]:
        """Run a script of deploy/, and give its exit code and all that it said."""
        # uvloop would leave its end of the pipe open in what the script starts, and wait for its end.
        return await asyncio.to_thread(self._run, [DEPLOY / script, *arguments], variables)

    def _run(self, command: list[str | Path], variables: dict[str, str]) -> tuple[int, str]:
        done = subprocess.run(
            command,
            env={**self._variables(), **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def _variables(self) -> dict[str, str]:
        away = ("PASTIS_", "DEPLOY_", "CI", "COV_")
        others = {name: value for name, value in os.environ.items() if not name.startswith(away)}
        return {**others, "DEPLOY_HOME": str(self.folder), "CURL_CA_BUNDLE": str(self.certificate)}

    def supervisors(self) -> list[int]:
        """The process groups of both generations, as far as they run."""
        return [int(file.read_text()) for file in (self.folder / "run").glob("*.pid") if _is_held(file)]

    def complaints(self) -> list[str]:
        """What the proxy could not do."""
        return [line for line in (self.folder / "nginx.log").read_text().splitlines() if "[error]" in line]

    def end(self) -> None:
        """Leave no process behind, whatever went wrong."""
        for group in self.supervisors():
            with suppress(ProcessLookupError):
                os.killpg(group, SIGKILL)
        if self._nginx is not None:
            self._nginx.terminate()
            self._nginx.wait()


def _is_held(file: Path) -> bool:
    """Only while it is locked is the number in a file ours."""
    return subprocess.run(["flock", "--nonblock", file, "true"], check=False).returncode != 0


def _words(ports: list[int]) -> str:
    return " ".join(map(str, ports))
