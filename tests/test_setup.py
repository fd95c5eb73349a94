"""What the project promises to whoever installs it: files that agree with one another."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from rattler import MatchSpec
from rattler.exceptions import InvalidMatchSpecError

from roadmap_analytics import cli
from tests import make_environment, make_frames_page

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text("utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def required(extra: str | None = None) -> Iterator[Requirement]:
    """Runtime dependencies, or those of an extra, through extras that name the project itself."""
    listed = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    for requirement in map(Requirement, listed):
        if requirement.name == PROJECT["name"]:
            for inner in requirement.extras:
                yield from required(inner)
        else:
            yield requirement


def pinned() -> list[Requirement]:
    """One requirement per entry of the lock, hashes left out."""
    return [
        Requirement(line.removesuffix("\\").strip())
        for line in LOCK.splitlines()
        if line and not line[0].isspace()
    ]


def conda_dependencies() -> list[str]:
    text = (ROOT / "environment.yml").read_text("utf-8")
    return re.findall(r'^  - "(.+)"$', text, flags=re.MULTILINE)


def test_environment_yml_holds_the_dependencies_of_pyproject() -> None:
    renamed = {"matplotlib-base": "matplotlib"}
    found = {}
    for line in conda_dependencies():
        requirement = Requirement(line)
        found[renamed.get(requirement.name, requirement.name)] = requirement.specifier
    expected = {requirement.name: requirement.specifier for requirement in required()}
    assert found.pop("python") == Requirement(f"python{PROJECT['requires-python']}").specifier
    assert found.pop("pip") == Requirement("pip").specifier
    assert found == expected


def test_environment_yml_is_what_its_script_writes() -> None:
    assert make_environment.main(["--check"]) == 0


def test_a_dependency_that_conda_cannot_state_is_refused() -> None:
    pyproject = '[project]\nname = "p"\nrequires-python = ">=3.11"\ndependencies = ["{}"]'
    with pytest.raises(SystemExit, match="conda has no markers"):
        make_environment.render(pyproject.format("dask[array]"))
    with pytest.raises(SystemExit, match="look up what conda-forge calls it"):
        make_environment.render(pyproject.format("opencv-python>=4"))


def test_no_name_at_conda_forge_is_kept_that_is_not_needed() -> None:
    assert make_environment.CONDA_NAMES.keys() == {one.name for one in required()}


def test_a_stale_environment_yml_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = make_environment
    monkeypatch.setattr(environment, "TARGET", tmp_path / "environment.yml")
    assert environment.main(["--check"]) == 1
    assert "run: python -m tests.make_environment" in capsys.readouterr().out
    assert environment.main([]) == environment.main(["--check"]) == 0


def test_the_page_of_frames_follows_the_schema() -> None:
    page = (ROOT / "docs" / "frames.md").read_text("utf-8")
    assert page == make_frames_page.render(), "run: make docs"


@pytest.mark.parametrize("line", conda_dependencies())
def test_conda_reads_every_line(line: str) -> None:
    assert MatchSpec(line, strict=True).name.normalized == Requirement(line).name


def test_conda_refuses_what_is_wrong() -> None:
    with pytest.raises(InvalidMatchSpecError):
        MatchSpec("pandas>=>3", strict=True)


def test_the_lock_names_no_address() -> None:
    assert "://" not in LOCK
    assert not re.search(r"^\s*-(?!-hash=sha256:[0-9a-f]{64}( \\)?$)", LOCK, flags=re.MULTILINE)


def test_every_entry_of_the_lock_is_held_to_hashes() -> None:
    entries = re.split(r"\n(?=\S)", LOCK.strip())
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("extra", [None, *PROJECT["optional-dependencies"]])
def test_the_lock_satisfies_pyproject(extra: str | None) -> None:
    versions: dict[str, list[Requirement]] = {}
    for entry in pinned():
        versions.setdefault(canonicalize_name(entry.name), []).append(entry)
    for requirement in required(extra):
        entries = versions.get(canonicalize_name(requirement.name), [])
        assert entries, f"{requirement.name} is missing; run: make lock"
        for entry in entries:
            (only,) = entry.specifier
            assert only.operator == "=="
            assert requirement.specifier.contains(only.version), f"{requirement}: {entry}"


def test_the_build_needs_nothing_that_the_lock_lacks() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"]["requires"]
    names = {entry.name for entry in pinned()}
    assert {Requirement(line).name for line in build} <= names


def test_make_help_lists_every_command() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.+)$", makefile, flags=re.MULTILINE)
    run = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    listed = [line.split()[1] for line in run.stdout.splitlines() if line.startswith("make ")]
    assert sorted(listed) == sorted(phony.split())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_documentation_names_commands_and_files_that_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    # In prose "make" is a verb: only what stands as code is a command.
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, flags=re.DOTALL))
    assert set(re.findall(r"\bmake ([a-z-]+)", code)) - targets == set()
    commands = {one.callback.__name__ for one in cli.app.registered_commands if one.callback}
    assert set(re.findall(r"\broadmap-analytics ([a-z]+)\b", code)) - commands == set()
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_changelog_tells_of_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(rf"^## {re.escape(PROJECT['version'])}\b", text, flags=re.MULTILINE)


def test_soak_draws_new_examples_and_the_suite_the_same() -> None:
    assert settings.get_profile("same").derandomize
    assert not settings.get_profile("fresh").derandomize
    assert not settings.get_profile("soak").derandomize
    shown = subprocess.run(
        ["make", "--dry-run", "soak"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "HYPOTHESIS_PROFILE=${HYPOTHESIS_PROFILE:-fresh}" in shown.stdout
    assert '-m "slow or hypothesis"' in shown.stdout


def test_the_guide_names_what_is_there() -> None:
    """Every file that the architecture page and the recipes name is there, and so is every room."""
    guide = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    text = guide + (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    package = ROOT / "roadmap_analytics"
    files = [f"/{path.relative_to(ROOT)}" for path in package.rglob("*")]
    for named in re.findall(r"`([\w./-]+\.(?:py|pyi|md|ipynb))`", text):
        if "NAME" not in named and "FAMILY" not in named and not (ROOT / named).exists():
            assert any(file.endswith(f"/{named}") for file in files), named
    rooms = [place for place in package.iterdir() if place.suffix in ("", ".py")]
    for place in rooms:
        if not place.name.startswith("_") and place.name != "py.typed":
            assert f"`{place.name}{'/' if place.is_dir() else ''}`" in guide, place.name
