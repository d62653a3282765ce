"""What GitHub and Renovate read. tests/test_lint.py has zizmor look for holes in the workflows."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml"))


def read(workflow: str) -> dict[str, Any]:
    text = (GITHUB / "workflows" / workflow).read_text("utf-8")
    document: dict[str, Any] = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - texts only: `on` stays a word
    return document


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("github-workflows", WORKFLOWS),
        ("github-issue-forms", FORMS),
        ("renovate", [GITHUB / "renovate.json"]),
    ],
)
def test_a_file_is_what_its_reader_expects(schema: str, files: list[Path]) -> None:
    checker = Path(sys.executable).parent / "check-jsonschema"
    command = [str(checker), "--builtin-schema", f"vendor.{schema}", *map(str, files)]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout == "ok -- validation done\n"


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_of_others_is_pinned_by_a_commit_and_says_which_version_that_is(workflow: Path) -> None:
    used = re.findall(r"uses: (.+)", workflow.read_text("utf-8"))
    pinned = re.compile(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    assert used
    assert [one for one in used if not one.startswith("./") and not pinned.fullmatch(one)] == []


def test_continuous_integration_runs_the_script_on_the_oldest_python_and_on_the_images() -> None:
    (job,) = read("ci.yml")["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    oldest = project["requires-python"].removeprefix(">=")
    (image,) = set(
        re.findall(r"^FROM python:(\d+\.\d+)-", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    )
    assert job["strategy"]["matrix"]["python"] == [oldest, image]


def test_no_job_may_do_more_than_it_needs() -> None:
    assert read("ci.yml")["permissions"] == {"contents": "read"}
    assert [job for job in read("ci.yml")["jobs"].values() if "permissions" in job] == []
    assert read("release.yml")["permissions"] == {}
    assert {name: job["permissions"] for name, job in read("release.yml")["jobs"].items()} == {
        "tests": {"contents": "read"},
        "image": {"contents": "read", "packages": "write", "id-token": "write", "attestations": "write"},
    }


def test_a_tag_is_tested_then_built_with_its_sbom_and_provenance_then_signed() -> None:
    release = read("release.yml")
    assert release["on"] == {"push": {"tags": ["v*"]}}
    tests, image = release["jobs"]["tests"], release["jobs"]["image"]
    assert (tests["uses"], image["needs"]) == ("./.github/workflows/ci.yml", "tests")
    build, sign = image["steps"][-2:]
    assert (build["with"]["sbom"], build["with"]["provenance"]) == ("true", "mode=max")
    assert sign["uses"].startswith("actions/attest-build-provenance@")
    assert sign["with"]["subject-digest"] == "${{ steps.build.outputs.digest }}"


@pytest.mark.parametrize(("tag", "code"), [("v1.2.3", 0), ("v1.2.4", 1), ("v1x2.3", 1), ("v", 1)])
def test_a_tag_that_is_not_the_version_builds_nothing(tag: str, code: int, tmp_path: Path) -> None:
    (step,) = [step for step in read("release.yml")["jobs"]["image"]["steps"] if step.get("id") == "names"]
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot/__init__.py").write_text('"""A bot."""\n\n__version__ = "1.2.3"\n')
    git = ["git", "-c", "user.name=ada", "-c", "user.email=ada@example.com"]
    subprocess.run([*git, "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "First"], cwd=tmp_path, check=True)
    output = tmp_path / "output"
    given = {"GITHUB_REF_NAME": tag, "GITHUB_REPOSITORY": "Ada/Signout-bot", "GITHUB_OUTPUT": str(output)}
    # As GitHub runs it.
    ran = subprocess.run(
        ["bash", "-e", "-c", step["run"]], cwd=tmp_path, env={"PATH": "/usr/bin:/bin", **given}, check=False
    )
    assert ran.returncode == code
    if not code:
        assert re.fullmatch(r"version=1\.2\.3\nimage=ghcr\.io/ada/signout-bot\ntime=\d+\n", output.read_text("utf-8"))


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-sandbox.txt", "requirements-test.txt"])
def test_renovate_finds_in_each_lock_the_command_that_makes_it_again(lock: str) -> None:
    extra = lock.removeprefix("requirements").removesuffix(".txt").removeprefix("-")
    made = f"{f'--extra={extra} ' if extra else ''}--output-file={lock} pyproject.toml"
    first, second = (ROOT / lock).read_text("utf-8").splitlines()[:2]
    assert first == "# This file was autogenerated by uv via the following command:"
    assert second == f"#    uv pip compile --universal --python-version=3.11 --generate-hashes {made}"


def test_the_version_is_written_down_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert "version" not in project["project"]
    assert project["tool"]["setuptools"]["dynamic"] == {"version": {"attr": "bot.__version__"}}
