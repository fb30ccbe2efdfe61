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
API = ("blue", "green", "pastis")
MEMBERS = ("mongo1", "mongo2", "mongo3")
ONCE = ("pastis", "mongo-init", "mongo-keyfile")


def whole(name: str) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(ROOT / name)
    return found


def services(name: str) -> dict[str, Any]:
    found: dict[str, Any] = whole(name)["services"]
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


def test_production_hardens_what_runs_and_has_no_mongo_express() -> None:
    found = services(PRODUCTION)
    assert set(found) == {*API, *MEMBERS, *ONCE, "proxy", "prometheus", "alertmanager", "grafana"}
    for name, service in found.items():
        assert service["restart"] == ("no" if name in ONCE else "unless-stopped"), name
        assert service["read_only"] is True, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}, name


def test_production_opens_the_proxy_alone_to_others() -> None:
    ports = {name: service["ports"] for name, service in services(PRODUCTION).items() if "ports" in service}
    assert ports.pop("proxy") == ["80:80", "443:443"]
    assert set(ports) == {"prometheus", "alertmanager", "grafana"}
    assert all(port.startswith("127.0.0.1:") for opened in ports.values() for port in opened)


def test_production_keeps_mongodb_to_the_api_behind_a_password() -> None:
    found = services(PRODUCTION)
    networks = {name for name, service in found.items() if "data" in service.get("networks", [])}
    assert networks == {*API, *MEMBERS}
    assert whole(PRODUCTION)["networks"]["data"]["internal"] is True
    for name in MEMBERS:
        assert "--keyFile" in found[name]["command"]
        assert f"{name}:/data/db" in found[name]["volumes"]
        assert found["mongo-init"]["depends_on"][name] == {"condition": "service_healthy"}
    assert set(found["mongo-init"]["secrets"]) == {"mongo_root_password", "mongo_password"}


def test_both_generations_are_alike_and_wait_for_the_database() -> None:
    found = services(PRODUCTION)
    blue, green = ({**found[name], "profiles": []} for name in ("blue", "green"))
    assert blue == green
    assert found["blue"]["profiles"] == ["blue"]
    assert found["green"]["profiles"] == ["green"]
    assert found["pastis"]["profiles"] == ["commands"]
    assert blue["image"].endswith(":${RELEASE:-latest}")
    assert blue["depends_on"] == {"mongo-init": {"condition": "service_completed_successfully"}}
    environment = blue["environment"]
    assert environment["PASTIS_ENV"] == "production"
    for name in ("PASTIS_SECRET", "PASTIS_DATABASE_URL"):
        assert environment[name].startswith(f"${{{name}:?")


def test_what_production_mounts_of_the_repository_is_there() -> None:
    for name, service in services(PRODUCTION).items():
        mounts = [mount.partition(":")[0] for mount in service.get("volumes", [])]
        for mount in mounts:
            assert not mount.startswith("./") or (ROOT / mount).exists(), f"{name}: {mount}"


def test_nothing_of_the_proxy_is_left_to_fill_in() -> None:
    template = (ROOT / "deploy" / "nginx" / "pastis.conf.template").read_text()
    given = services(PRODUCTION)["proxy"]["environment"]
    assert set(re.findall(r"\$\{(\w+)\}", template)) == set(given)


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
