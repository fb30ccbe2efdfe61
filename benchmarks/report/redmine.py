"""Redmine from Debian's packages as a living peer, with the same number of issues and the same texts.

It takes `apt-get install redmine redmine-pgsql postgresql puma` and root, as PostgreSQL runs as a user of its
own. It serves sixteen clients better than SQLite, which has one writer. Everything is in a folder of its own,
listens on 127.0.0.1 and ends with the block; what the packages installed is only copied.
"""

import contextlib
import csv
import io
import itertools
import json
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from benchmarks import load
from benchmarks.processes import free_port
from benchmarks.report.measures import Served
from benchmarks.report.operations import CREATE, LIST, ONE, PATCH, TITLE
from benchmarks.seed import PROJECTS
from benchmarks.sync.stage import archive

REDMINE = "Redmine"
INSTALLED = Path("/usr/share/redmine")
START_SECONDS = 180.0
THREADS = 16
_SERVERS_CORE = 0
_CONFIGURED = """
update users set must_change_passwd = false where id = 1;
insert into settings (name, value, updated_on)
  values ('rest_api_enabled', '1', now()), ('notified_events', E'--- []\\n', now());
insert into tokens (user_id, action, value, created_on, updated_on)
  values (1, 'api', '{key}', now(), now());
insert into projects (id, name, identifier, status, lft, rgt, created_on, updated_on)
  select n, 'Project ' || n, 'p' || n, 1, 2 * n - 1, 2 * n, now(), now()
  from generate_series(1, {projects}) n;
insert into projects_trackers select id, 1 from projects;
insert into enabled_modules (project_id, name) select id, 'issue_tracking' from projects;
"""
_ISSUES = """
copy issues (id, tracker_id, project_id, subject, description, status_id, priority_id, author_id, created_on,
  updated_on, root_id, lft, rgt) from stdin with (format csv);
"""
_COUNTED = "select setval('issues_id_seq', (select max(id) from issues)); analyze;"


def missing() -> str:
    """What it lacks here; nothing if it can run."""
    if not INSTALLED.is_dir():
        return "Redmine is not installed"
    if _programs() is None or shutil.which("puma") is None:
        return "PostgreSQL or puma is not installed"
    return "" if os.geteuid() == 0 else "only root can become PostgreSQL's user"


def _programs() -> Path | None:
    return next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)


@contextlib.contextmanager
def serving(issues: int, say: Callable[[str], None]) -> Iterator[Served | None]:
    """None where it cannot run, and says why."""
    if lacking := missing():
        say(f"without Redmine: {lacking}")
        yield None
        return
    key, port = secrets.token_hex(20), free_port()
    with tempfile.TemporaryDirectory(prefix="pastis-redmine-") as name, _postgres(Path(name)) as database:
        say("setting Redmine up")
        home = _install(Path(name), database)
        environment = _environment()
        for task in ("db:migrate", "redmine:load_default_data"):
            _run(["bundle", "exec", "rake", task], cwd=home, env=environment)
        _fill(database, key, issues)
        with _puma(home, environment, port) as pid:
            _until_answered(port, key)
            yield Served(REDMINE, [port], [pid], _operations(key, issues))


def _run(command: list[str], **options: object) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:4])}: {done.stdout[-500:]}{done.stderr[-1500:]}")


@contextlib.contextmanager
def _postgres(folder: Path) -> Iterator[int]:
    """A server for the block; gives its port."""
    programs, port = _programs(), free_port()
    assert programs is not None
    folder.chmod(0o755)
    data = folder / "postgres"
    data.mkdir()
    shutil.chown(data, "postgres")
    control = ["runuser", "-u", "postgres", "--", str(programs / "pg_ctl"), "-D", f"{data}/data", "-w"]
    listening = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
    _run([*control, "init", "-o", "-A trust -E UTF8 --locale C"], cwd="/")
    _run([*control, "start", "-o", listening, "-l", f"{data}/log"], cwd="/")
    try:
        _sql(port, "create database redmine", "postgres")
        yield port
    finally:
        _run([*control, "stop", "-m", "fast"], cwd="/")


def _sql(port: int, text: str, database: str = "redmine") -> None:
    programs = _programs()
    psql = [f"{programs}/psql", "-h", "127.0.0.1", "-p", str(port), "-U", "postgres", "-q", database]
    _run([*psql, "-v", "ON_ERROR_STOP=1"], input=text)


def _install(folder: Path, port: int) -> Path:
    """A copy of what Debian ships, with a database of its own."""
    home = folder / "redmine"
    shutil.copytree(INSTALLED, home, ignore=shutil.ignore_patterns("instances", "*.lock", "database.yml"))
    for name in ("config", "files", "log", "tmp"):
        (home / "instances" / "default" / name).mkdir(parents=True)
    (home / "Gemfile.local").write_text('gem "pg"\ngem "puma"\n')
    (home / "instances" / "default" / "config" / "database.yml").write_text(
        "production:\n  adapter: postgresql\n  host: 127.0.0.1\n  database: redmine\n  username: postgres\n"
        f"  port: {port}\n  pool: {THREADS}\n"
    )
    return home


def _environment() -> Mapping[str, str]:
    return os.environ | {
        "BUNDLER_VERSION": "2.3.15",  # Debian's bundler asks for it
        "RAILS_ENV": "production",
        "REDMINE_LANG": "en",
        "SECRET_KEY_BASE": secrets.token_hex(32),
    }


def _fill(port: int, key: str, issues: int) -> None:
    _sql(port, _CONFIGURED.format(key=key, projects=PROJECTS))
    lines, texts = io.StringIO(), archive()
    writer = csv.writer(lines, lineterminator="\n")
    for id_ in range(1, issues + 1):
        title, description = texts[id_ % len(texts)]
        made = (id_, 1, 1 + id_ % PROJECTS, f"{title} {id_}"[:255], description.replace("\0", ""), 1, 2, 1)
        writer.writerow((*made, "2026-11-01", "2026-11-01", id_, 1, 2))
    _sql(port, f"{_ISSUES}{lines.getvalue()}\\.\n{_COUNTED}")


@contextlib.contextmanager
def _puma(home: Path, environment: Mapping[str, str], port: int) -> Iterator[int]:
    """On the core of the servers, with a thread for each client."""
    command = ["bundle", "exec", "puma", "-b", f"tcp://127.0.0.1:{port}", "-t", f"{THREADS}:{THREADS}"]
    with (home / "puma.log").open("w") as log:
        process = subprocess.Popen(
            ["taskset", "-c", str(_SERVERS_CORE), *command], cwd=home, env=environment, stdout=log, stderr=log
        )
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until_answered(port: int, key: str) -> None:
    asked = load.request("GET", "/issues/1.json", body=b"").replace(b"\r\n\r\n", _key(key), 1)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 30) as connection:
            connection.sendall(asked)
            if connection.recv(64).startswith(b"HTTP/1.1 200"):
                return
        time.sleep(0.5)
    raise SystemExit("Redmine does not answer")


def _key(key: str) -> bytes:
    return f"\r\nX-Redmine-API-Key: {key}\r\n\r\n".encode()


def _operations(key: str, issues: int) -> dict[str, load.Next]:
    chance = random.Random(1)

    def request(method: str, path: str, body: dict[str, object] | None = None) -> bytes:
        content = b"" if body is None else json.dumps({"issue": body}).encode()
        return load.request(method, path, body=content).replace(b"\r\n\r\n", _key(key), 1)

    new = request("POST", "/issues.json", {"project_id": 1, "tracker_id": 1, "subject": TITLE})
    # In turn: it refuses the second of two who change the same issue.
    mine = itertools.cycle(range(PROJECTS, issues + 1, PROJECTS))

    def listed() -> bytes:
        return request("GET", f"/issues.json?project_id=p{chance.randint(1, PROJECTS)}&limit=50&sort=id")

    def changed() -> bytes:
        title = f"Focus is lost when dialog {chance.random()} closes"
        return request("PUT", f"/issues/{next(mine)}.json", {"subject": title})

    return {
        ONE: lambda: request("GET", f"/issues/{chance.randint(1, issues)}.json"),
        LIST: listed,
        CREATE: lambda: new,
        PATCH: changed,
    }
