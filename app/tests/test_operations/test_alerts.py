"""Alerts have runbooks, ask for metrics that are there, and fire when they should; so does the dashboard."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from app.tests.support.documentation import ROOT, anchors

PROMETHEUS = ROOT / "deploy" / "prometheus"
OPERATORS = ROOT / "docs" / "guides" / "operators.md"
RUNBOOKS = ROOT / "docs" / "guides" / "runbooks.md"
DASHBOARD = ROOT / "deploy" / "grafana" / "dashboards" / "pastis.json"
OF_OTHERS = {
    *("node_filesystem_avail_bytes", "node_filesystem_size_bytes", "probe_ssl_earliest_cert_expiry", "up"),
    *("process_resident_memory_bytes", "process_cpu_seconds_total"),
}
_METRIC = re.compile(r"\b(?:pastis|node|probe|process)_[a-z_]+\b|\bup\b(?=[ {])")
_SERIES = re.compile(r"_(bucket|sum|count)$")


def loaded(path: Path) -> Any:
    return YAML(typ="safe").load(path)


def alerts() -> dict[str, dict[str, Any]]:
    (group,) = loaded(PROMETHEUS / "alerts.yml")["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def documented() -> set[str]:
    return set(re.findall(r"^\| `(pastis_\w+)` \|", OPERATORS.read_text(), re.MULTILINE))


def asked(query: str) -> set[str]:
    """The metrics that a query needs, without what a histogram's series add to its name."""
    found = set(_METRIC.findall(re.sub(r"\{[^}]*\}", "{}", query)))
    return {name if name in documented() else _SERIES.sub("", name) for name in found}


def promtool(*arguments: str) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("this machine has no promtool (Debian: prometheus)")
    done = subprocess.run(
        ["promtool", *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", alerts())
def test_an_alert_has_a_runbook_and_a_severity(name: str) -> None:
    rule = alerts()[name]
    page, anchor = rule["annotations"]["runbook"].split("#")
    assert (ROOT / page, anchor) == (RUNBOOKS, name.lower())
    assert anchor in anchors(RUNBOOKS)
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"]["summary"]


def test_a_runbook_is_of_an_alert() -> None:
    assert anchors(RUNBOOKS) - {"runbooks"} == {name.lower() for name in alerts()}


@pytest.mark.parametrize("name", alerts())
def test_an_alert_asks_for_metrics_that_are_there(name: str) -> None:
    found = asked(alerts()[name]["expr"])
    assert found
    assert found <= documented() | OF_OTHERS


@pytest.mark.parametrize("panel", json.loads(DASHBOARD.read_text())["panels"], ids=lambda one: one["title"])
def test_a_panel_asks_for_metrics_that_are_there(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        found = asked(target["expr"])
        assert found
        assert found <= documented() | OF_OTHERS


def test_every_alert_is_tried() -> None:
    cases = loaded(PROMETHEUS / "alerts_test.yml")["tests"]
    fired = {one["alertname"] for case in cases for one in case["alert_rule_test"] if one["exp_alerts"]}
    assert fired == set(alerts())


def test_the_rules_fire_when_they_should_and_only_then() -> None:
    promtool("test", "rules", "alerts_test.yml")


def test_prometheus_takes_its_configuration(tmp_path: Path) -> None:
    shutil.copytree(PROMETHEUS, tmp_path / "prometheus")
    (tmp_path / "prometheus" / "pastis_token").write_text("a token")
    promtool("check", "config", str(tmp_path / "prometheus" / "prometheus.yml"))
