"""The manifests for Kubernetes, as far as they can be checked without a cluster."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from ruamel.yaml import YAML

FOLDER = Path(__file__).parents[3] / "deploy" / "kubernetes"
VERSION = kubernetes_validate.latest_version()
KUSTOMIZATION = "kustomization.yaml"
MANIFESTS = sorted(path for path in FOLDER.rglob("*.yaml") if path.name != KUSTOMIZATION)
NAME = {"app.kubernetes.io/name": "pastis"}


def load(path: Path) -> dict[str, Any]:
    # Anchors are written out: the schemas know nothing of them.
    found: dict[str, Any] = YAML(typ="safe").load(path)
    return found


def base(kind: str) -> dict[str, Any]:
    found = (load(path) for path in MANIFESTS if path.parent.name == "base")
    return next(one for one in found if one["kind"] == kind)


def pod() -> dict[str, Any]:
    found: dict[str, Any] = base("Deployment")["spec"]["template"]["spec"]
    return found


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_manifests_follow_the_schemas_of_kubernetes(path: Path) -> None:
    kubernetes_validate.validate(load(path), VERSION, strict=True)


@pytest.mark.parametrize("name", ["base", "production"])
def test_kustomizations_name_what_is_there_and_all_of_it_but_examples(name: str) -> None:
    folder = FOLDER / name
    kustomization = load(folder / KUSTOMIZATION)
    assert (kustomization["apiVersion"], kustomization["kind"]) == (
        "kustomize.config.k8s.io/v1beta1",
        "Kustomization",
    )
    named = [*kustomization["resources"], *(one["path"] for one in kustomization.get("patches", []))]
    assert all((folder / one).exists() for one in named)
    files = {path.name for path in folder.glob("*.yaml")} - {KUSTOMIZATION}
    assert files - set(named) == {one for one in files if ".example." in one}


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_what_kustomize_makes_follows_the_schemas() -> None:
    command = ["kubectl", "kustomize", str(FOLDER / "production")]
    made = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    documents = list(YAML(typ="safe").load_all(made))
    assert len(documents) == 7
    for document in documents:
        kubernetes_validate.validate(document, VERSION, strict=True)


def test_everything_selects_the_same_pods() -> None:
    template = base("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert template == NAME
    assert base("Deployment")["spec"]["selector"]["matchLabels"] == NAME
    assert base("Service")["spec"]["selector"] == NAME
    assert base("PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == NAME
    assert base("NetworkPolicy")["spec"]["podSelector"]["matchLabels"] == NAME


def test_no_pod_goes_before_its_successor_is_ready_and_none_is_cut_off() -> None:
    assert base("Deployment")["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    (container,) = pod()["containers"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"
    pause = int(container["lifecycle"]["preStop"]["exec"]["command"][-1])
    settings = load(FOLDER / "base" / KUSTOMIZATION)["configMapGenerator"][0]["literals"]
    stop = int(dict(line.split("=", 1) for line in settings)["PASTIS_STOP_SECONDS"])
    assert pod()["terminationGracePeriodSeconds"] > pause + stop


def test_the_database_is_migrated_before_a_new_pod_serves() -> None:
    (first,) = pod()["initContainers"]
    assert first["args"] == ["db", "migrate", "--rolling"]
    assert first["image"] == pod()["containers"][0]["image"] == "pastis"


def test_pods_are_confined() -> None:
    assert pod()["securityContext"]["runAsNonRoot"] is True
    assert pod()["automountServiceAccountToken"] is False
    for container in (*pod()["initContainers"], *pod()["containers"]):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "memory" in container["resources"]["limits"]


def test_the_example_of_the_secret_holds_none() -> None:
    secret = load(FOLDER / "production" / "secret.example.yaml")["stringData"]
    assert {name for name, value in secret.items() if value} == {"PASTIS_DATABASE_URL"}
    assert ":PASSWORD@" in secret["PASTIS_DATABASE_URL"]
