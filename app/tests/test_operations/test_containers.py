"""The image and the Compose files, as far as they can be checked without Docker."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[3]
DEVELOPMENT = "docker-compose.yml"
PRODUCTION = "docker-compose.production.yml"


def services(name: str) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(ROOT / name)["services"]
    return found


def dockerfile() -> list[str]:
    joined = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    return [line for line in joined.splitlines() if line and not line.startswith("#")]


def final_stage() -> list[str]:
    lines = dockerfile()
    start = max(number for number, line in enumerate(lines) if line.startswith("FROM"))
    return lines[start:]


@pytest.mark.parametrize("name", [DEVELOPMENT, PRODUCTION])
def test_compose_files_follow_the_specification(name: str) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_development_opens_the_promised_ports_to_this_machine_alone() -> None:
    ports = {name: service.get("ports", []) for name, service in services(DEVELOPMENT).items()}
    assert ports == {"api": ["127.0.0.1:8001:8001"], "mongo": [], "mongo-express": ["127.0.0.1:8005:8081"]}


def test_mongodb_makes_itself_a_replica_set_before_anything_uses_it() -> None:
    found = services(DEVELOPMENT)
    check = found["mongo"]["healthcheck"]["test"][-1]
    assert 'host: "mongo:27017"' in check
    assert "rs.initiate" in check
    assert "isWritablePrimary ? 0 : 1" in check
    for name in ("api", "mongo-express"):
        assert found[name]["depends_on"]["mongo"]["condition"] == "service_healthy"


def test_production_hardens_what_runs_and_starts_no_mongo_express() -> None:
    found = services(PRODUCTION)
    assert found.pop("mongo-express") == {"profiles": ["development"]}
    assert set(found) == set(services(DEVELOPMENT)) - {"mongo-express"}
    for service in found.values():
        assert service["restart"] == "unless-stopped"
        assert service["read_only"] is True
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
        assert "ports" not in service
    environment = found["api"]["environment"]
    assert environment["PASTIS_ENV"] == "production"
    for name in ("PASTIS_SECRET", "PASTIS_DATABASE_URL"):
        assert environment[name].startswith(f"${{{name}:?")


def test_the_image_runs_as_nobody_special_and_knows_whether_it_is_ready() -> None:
    text = "\n".join(final_stage())
    assert re.search(r"^USER [1-9]\d*$", text, re.MULTILINE)
    assert "/health/ready" in text
    assert "pip" not in text
    assert 'CMD ["serve"]' in text


def test_the_image_installs_locked_packages_and_no_embedded_database() -> None:
    installs = [line for line in dockerfile() if " install " in line and " -r " in line]
    assert len(installs) == 2
    assert all("--no-deps --require-hashes" in line for line in installs)
    assert "fiftyone" not in (ROOT / "requirements.txt").read_text()


def test_what_the_image_copies_reaches_its_build() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copies = [line.split()[1:-1] for line in dockerfile() if line.startswith("COPY") and "--from" not in line]
    sources = {source.rstrip("*") for copy in copies for source in copy}
    assert sources == allowed
