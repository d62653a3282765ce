import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
# Each lock, and the extra of this project whose needs it holds.
LOCKS = {"requirements.txt": "", "requirements-sandbox.txt": "sandbox", "requirements-test.txt": "test"}


def locked(lock: str) -> list[str]:
    """Every entry of a lock: package, version, marker, hashes. A package may have one for each version of Python."""
    text = re.sub(r"#.*", "", (ROOT / lock).read_text("utf-8")).replace("\\\n", " ")
    entries = (line.split() for line in text.splitlines() if line.strip())
    return [" ".join(entry) for entry in entries]


def pinned_here(lock: str) -> dict[str, str]:
    """The packages and versions of a lock that this machine needs."""
    pins = (Requirement(entry.split(" --hash")[0]) for entry in locked(lock))
    return {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for pin in pins
        if pin.marker is None or pin.marker.evaluate()
    }


def needs(name: str, extra: str) -> Iterator[Requirement]:
    """What a package asks for on this machine; of this project, what pyproject.toml declares."""
    if name == PROJECT["name"]:
        declared = PROJECT["dependencies"] + PROJECT["optional-dependencies"].get(extra, [])
    else:
        declared = metadata.requires(name) or []
    for requirement in map(Requirement, declared):
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield requirement


def closure(extra: str) -> set[str]:
    """Everything that this project needs with that extra, however indirectly."""
    asked, waiting = set[tuple[str, str]](), [(PROJECT["name"], extra)]
    while waiting:
        name, of_extra = waiting.pop()
        if (name, of_extra) not in asked:
            asked.add((name, of_extra))
            for need in needs(name, of_extra):
                waiting += [(canonicalize_name(need.name), wanted) for wanted in ("", *need.extras)]
    return {name for name, _ in asked} - {PROJECT["name"]}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_every_package_with_hashes_and_names_no_address_and_no_path(lock: str) -> None:
    pinned = re.compile(r"[\w.-]+==[\w.]+( ; [\w' !=<>.]+)?( --hash=sha256:[0-9a-f]{64})+")
    assert [entry for entry in locked(lock) if not pinned.fullmatch(entry)] == []
    assert "/" not in (ROOT / lock).read_text("utf-8")


def test_each_lock_holds_the_smaller_one_as_it_is() -> None:
    marker = re.compile(r" ; .+?(?= --hash)")  # with more packages, one may be needed in more environments
    runtime, sandbox, test = ({marker.sub("", entry) for entry in locked(lock)} for lock in LOCKS)
    assert runtime < sandbox < test


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_what_the_project_declares_and_what_that_needs_and_nothing_else(lock: str) -> None:
    assert set(pinned_here(lock)) == closure(LOCKS[lock])


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_keeps_to_the_versions_that_the_project_declares(lock: str) -> None:
    pins = pinned_here(lock)
    declared = [need for need in needs(PROJECT["name"], LOCKS[lock]) if need.name != PROJECT["name"]]
    assert [str(need) for need in declared if not need.specifier.contains(pins[canonicalize_name(need.name)])] == []


def test_the_bot_itself_imports_every_package_that_the_project_declares_for_it() -> None:
    files = [file for file in (ROOT / "bot").rglob("*.py") if "sandbox" not in file.parts]
    words = re.compile(r"^\s*(?:from|import) (\w+)", re.MULTILINE)
    imported = {word for file in files for word in words.findall(file.read_text("utf-8"))}
    offers = metadata.packages_distributions()
    used = {canonicalize_name(name) for word in imported for name in offers.get(word, ())}
    assert {canonicalize_name(need.name) for need in needs(PROJECT["name"], "")} - used == set()


def test_what_only_the_sandbox_and_the_tests_need_stays_out_of_the_image() -> None:
    names = {canonicalize_name(entry.partition("==")[0]) for entry in locked("requirements.txt")}
    assert names.isdisjoint({"cryptography", "flask", "moto", "mypy", "playwright", "pytest"})


def instructions() -> dict[str, list[str]]:
    """The Dockerfile's arguments by instruction, of all its stages in their order."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    found: dict[str, list[str]] = {}
    for line in filter(None, text.splitlines()):
        word, _, arguments = line.partition(" ")
        found.setdefault(word, []).append(" ".join(arguments.split()))
    return found


def test_the_image_runs_the_bot_as_a_numbered_user_who_is_not_root() -> None:
    (user,) = instructions()["USER"]
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    assert instructions()["ENTRYPOINT"] == ['["python", "-m", "bot"]']
    assert instructions()["CMD"] == ['["run", "--host", "0.0.0.0"]']


def test_the_image_installs_only_checked_wheels_of_the_runtime_lock() -> None:
    (install,) = [run for run in instructions()["RUN"] if "pip" in run and " install " in run]
    for option in ("--require-hashes", "--no-deps", "--only-binary :all:", "-r /tmp/requirements.txt"):
        assert option in install
    assert instructions()["COPY"][0] == "requirements.txt /tmp/"


def test_the_image_is_told_its_version_where_its_code_is_and_at_which_commit_and_knows_no_host_itself() -> None:
    (label,) = instructions()["LABEL"]
    assert instructions()["ARG"] == ["VERSION", "SOURCE", "REVISION"]
    assert 'org.opencontainers.image.version="$VERSION"' in label
    assert 'org.opencontainers.image.source="$SOURCE"' in label
    assert 'org.opencontainers.image.revision="$REVISION"' in label


def test_nothing_in_the_image_holds_the_day_of_its_build() -> None:
    # useradd writes it to /etc/shadow, and bytecode holds the time of its source unless it is told not to look at it.
    assert not [run for run in instructions()["RUN"] if re.search(r"\b(useradd|adduser|chpasswd|apt-get|date)\b", run)]
    (compiled,) = [run for run in instructions()["RUN"] if "compileall" in run]
    assert "--invalidation-mode unchecked-hash" in compiled


def test_the_image_keeps_the_store_on_its_volume_and_watches_its_health_with_what_it_has() -> None:
    assert instructions()["VOLUME"] == ["/data"]
    assert "SIGNOUT_STORE=sqlite:////data/signout.db" in instructions()["ENV"][-1]
    (check,) = instructions()["HEALTHCHECK"]
    assert "/healthz" in check
    assert "curl" not in check


def test_the_image_holds_no_sandbox_and_nothing_that_is_not_named() -> None:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules == ["*", "!bot", "!manifest.yml", "!requirements.txt", "bot/sandbox", "**/__pycache__"]


def test_the_image_has_a_python_that_the_project_supports() -> None:
    bases = {name.split(" ")[0] for name in instructions()["FROM"]}
    (version,) = {re.fullmatch(r"python:(\d+\.\d+)-slim-\w+", base)[1] for base in bases}  # type: ignore[index]
    assert Requirement(f"python{PROJECT['requires-python']}").specifier.contains(version)


@pytest.mark.parametrize(
    ("heading", "lock", "last"),
    [
        ("Try it", "requirements-sandbox.txt", ".venv/bin/python -m bot sandbox"),
        ("Run the tests", "requirements-test.txt", ".venv/bin/python -m pytest"),
    ],
)
def test_the_readme_says_in_one_line_how_to(heading: str, lock: str, last: str) -> None:
    sections = re.split(r"^## ", (ROOT / "README.md").read_text("utf-8"), flags=re.MULTILINE)
    (section,) = [text for text in sections if text.startswith(f"{heading}\n")]
    (block,) = re.findall(r"^```sh\n(.*?)^```$", section, flags=re.MULTILINE | re.DOTALL)
    (line,) = block.splitlines()
    assert re.search(rf"pip install --require-hashes .*-r {lock} &&", line)
    assert line.endswith(last)


def test_continuous_integration_can_be_started() -> None:
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", script], check=True).returncode == 0


def test_the_top_level_stays_small() -> None:
    # The folder may belong to someone else, which git would otherwise refuse to look at.
    listing = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    entries = {line.split("/")[0] for line in listing.stdout.splitlines()}
    assert {entry for entry in entries if not entry.startswith(".")} == {
        *LOCKS,
        "Dockerfile",
        "LICENSE",
        "README.md",
        "bot",
        "manifest.yml",
        "pyproject.toml",
        "tests",
    }
