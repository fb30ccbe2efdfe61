"""The pipeline of GitLab, as far as it can be checked without GitLab, and the scripts that it runs."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[3]
NAME = ".gitlab-ci.yml"
NO_JOBS = {"stages", "workflow", "default", "variables"}
SCRIPTS = sorted(
    path
    for folder in ("deploy", "deploy/lib", ".ci")
    for path in (ROOT / folder).iterdir()
    if path.is_file() and (path.suffix == ".sh" or path.read_bytes().startswith(b"#!/usr/bin/env bash"))
)


def jobs() -> dict[str, Any]:
    """Each job with what it extends."""
    pipeline: dict[str, Any] = YAML(typ="safe").load(ROOT / NAME)
    return {
        name: {**pipeline.get(job.get("extends"), {}), **job}
        for name, job in pipeline.items()
        if name not in NO_JOBS and not name.startswith(".")
    }


def test_the_pipeline_follows_gitlabs_schema() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci", NAME]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_what_is_merged_is_deployed_and_only_tags_to_production() -> None:
    rules = {name: [rule["if"] for rule in job["rules"]] for name, job in jobs().items() if "rules" in job}
    merged, tagged = "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH", "$CI_COMMIT_TAG"
    assert rules["build"] == rules["deploy_dev"] == rules["rollback_dev"] == [merged]
    assert rules["verify_dev"] == rules["deploy_prod"] == rules["rollback_prod"] == [tagged]


def test_production_waits_for_dev_and_for_all_checks() -> None:
    found = jobs()
    assert set(found["deploy_prod"]["needs"]) == {"check", "scripts", "test", "verify_dev"}
    assert found["verify_dev"]["script"] == ['deploy/deployed "$CI_COMMIT_SHA"']
    assert found["verify_dev"]["tags"] == found["deploy_dev"]["tags"] != found["deploy_prod"]["tags"]
    for name in ("deploy_dev", "deploy_prod"):
        assert found[name]["script"] == ['deploy/deploy "$CI_COMMIT_SHA"']


def test_environments_are_changed_by_one_job_at_a_time_and_can_be_rolled_back() -> None:
    for name, job in jobs().items():
        if job["stage"] == "deploy":
            assert job["resource_group"] == job["environment"]["name"], name
    for name in ("rollback_dev", "rollback_prod"):
        assert jobs()[name]["rules"][0]["when"] == "manual"
        assert jobs()[name]["script"] == ["deploy/rollback"]


def test_new_migrations_wait_for_somebody_who_has_read_them() -> None:
    found = jobs()
    for name in ("migrations", "migrations_approved"):
        (rule,) = found[name]["rules"]
        assert rule["changes"] == ["app/models/migrations.py"]
        assert (ROOT / rule["changes"][0]).exists()
    assert rule["when"] == "manual"
    assert rule["allow_failure"] is False


def test_merge_requests_show_tests_and_coverage() -> None:
    test = jobs()["test"]
    assert "--junitxml=junit.xml" in test["variables"]["PYTEST_ADDOPTS"]
    assert test["artifacts"]["when"] == "always"
    assert test["artifacts"]["reports"] == {
        "junit": "junit.xml",
        "coverage_report": {"coverage_format": "cobertura", "path": "coverage.xml"},
    }


def test_the_pipeline_names_no_place_and_holds_no_secret() -> None:
    text = (ROOT / NAME).read_text()
    assert "://" not in text
    assert "--password " not in text


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_scripts_are_clean() -> None:
    done = subprocess.run(["shellcheck", *SCRIPTS], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_scripts_stop_at_the_first_failure() -> None:
    programs = [path for path in SCRIPTS if path.suffix != ".sh"]
    assert len(programs) > 8
    assert [path.name for path in programs if "set -euo pipefail" not in path.read_text()] == []


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Justin", "-c", "user.email=justin@fluid.example"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_new_migrations_are_listed_and_changed_ones_are_refused(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    script = shutil.copy(ROOT / "deploy" / "new-migrations", tmp_path / "deploy")
    file = tmp_path / "app" / "models" / "migrations.py"
    file.parent.mkdir(parents=True)

    def commit(*lines: str) -> None:
        file.write_text("".join(f"    {line}\n" for line in lines))
        git(tmp_path, "add", ".")
        git(tmp_path, "commit", "--quiet", "--allow-empty", "--message", "Change")

    def shown() -> tuple[int, str]:
        done = subprocess.run([script, "before"], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    first, second = 'Migration(1, "baseline", _baseline),', 'Migration(2, "roles", _roles, needs=1),'
    git(tmp_path, "init", "--quiet")
    commit(first)
    git(tmp_path, "tag", "before")
    assert shown() == (0, "No migration is new or changed.\n")
    commit(first, second)
    code, said = shown()
    assert code == 0
    assert said.startswith(f"New migrations:\n  {second}\n")
    commit(second)
    code, said = shown()
    assert code == 1
    assert "These have landed and must stay as they are:" in said
