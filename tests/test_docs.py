"""The documentation: its code runs, its lists are whole, its generated pages match the code."""

from __future__ import annotations

import json
import re
import shlex
import textwrap
from pathlib import Path
from typing import Any

import pytest
import typer.main

import roadmap_analytics as ra
from roadmap_analytics import cli, config
from tests import make_commands_page

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(
    page
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")]
    if not {"_site", "api", "jupyter_execute"} & set(page.parts)
)
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
# How the blocks of each language are checked is below. Of "text" (what a program prints, diagrams,
# SQL) and "markdown" (layouts of documents, which the tests of the reader have), only the name is.
LANGUAGES = {"python", "toml", "json", "console", "text", "markdown", "md"}
PROGRAM = typer.main.get_command(cli.app)


def blocks(*languages: str) -> list[Any]:
    """Pages and their blocks of code, without a block's indent; all of them are checked."""
    found = [
        (page.relative_to(ROOT).as_posix(), language, textwrap.dedent(code))
        for page in PAGES
        for _, language, code in BLOCK.findall(page.read_text("utf-8"))
    ]
    return [
        pytest.param(page, code, id=f"{page}-{number}")
        for number, (page, language, code) in enumerate(found)
        if not languages or language in languages
    ]


def test_every_block_names_a_language_that_is_checked() -> None:
    for page in PAGES:
        text = page.read_text("utf-8")
        named = set(re.findall(r"^ *```([a-z]+)$", text, re.MULTILINE))
        assert named <= LANGUAGES, page


@pytest.mark.parametrize(("page", "code"), blocks("toml"))
def test_settings_in_the_documentation_are_valid(page: str, code: str) -> None:
    config.parse(code, page)


def test_the_reference_shows_every_setting() -> None:
    shown = (DOCS / "reference.md").read_text("utf-8").split("## Configuration")[1]
    keys = {key for section in config._PLAIN.values() for key in section} | set(config._CALENDAR)
    # A folder or clone is set in place of the project, so it stands in a comment.
    assert set(re.findall(r"(?:^|or: )(\w+) = ", shown, re.MULTILINE)) >= keys
    assert set(re.findall(r"^\[(\w+)\]$", shown, re.MULTILINE)) == set(config._SECTIONS)


@pytest.mark.parametrize(("page", "code"), blocks("json"))
def test_records_in_the_documentation_are_json(page: str, code: str) -> None:
    """One or several records, which may go over several lines."""
    decoder, rest = json.JSONDecoder(), code.strip()
    while rest:
        record, end = decoder.raw_decode(rest)
        assert {"kind", "data"} <= record.keys()
        rest = rest[end:].strip()


@pytest.mark.parametrize(("page", "code"), blocks("console"))
def test_commands_in_the_documentation_are_accepted(page: str, code: str) -> None:
    """Each command of ours has arguments and options that the program knows."""
    lines = re.sub(r"\\\n\s*", "", code).splitlines()
    for line in lines:
        if not (ours := re.match(r"\$ (?:\S+=\S+ )*(?:\S*/)?roadmap-analytics (.*)", line)):
            continue
        name, *arguments = shlex.split(ours[1], comments=True)
        if name not in ("--version", "--help"):
            PROGRAM.commands[name].make_context(name, arguments)


def test_a_wrong_command_would_be_found() -> None:
    with pytest.raises(Exception, match="No such option"):
        test_commands_in_the_documentation_are_accepted("page", "$ roadmap-analytics check d --n")


@pytest.mark.parametrize(("page", "code"), blocks("python"))
def test_code_in_the_documentation_runs(
    page: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the sample where the page expects a dataset, in a folder where it may write."""
    (tmp_path / "data").mkdir()
    for name in ("sample", "big"):
        (tmp_path / "data" / name).symlink_to(ROOT / "data" / "sample")
    archive = tmp_path / "path" / "to" / "archive"
    archive.mkdir(parents=True)
    (archive / "2026-09-15-roadmap.md").write_text("# Roadmap\n\n- Lens self-test\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, page, "exec"), {})


def test_commands_are_those_of_the_program() -> None:
    written = (DOCS / "commands.md").read_text("utf-8")
    assert written == make_commands_page.render(), "run `make docs` and commit docs/commands.md"


def test_every_public_name_has_one_place_in_the_reference() -> None:
    text = (DOCS / "reference.md").read_text("utf-8")
    listed = re.findall(r"^   (\w+)$", text, re.MULTILINE)
    assert sorted(listed) == sorted(ra.__all__)


def test_every_chart_is_in_the_gallery() -> None:
    shown = re.findall(r"^### (plot_\w+)$", (DOCS / "gallery.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(shown) == sorted(name for name in ra.__all__ if name.startswith("plot_"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page}: {target}"


def test_what_a_publisher_needs_is_there() -> None:
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    pyproject = (ROOT / "pyproject.toml").read_text("utf-8")
    (version,) = re.findall(r'^version = "(.*)"$', pyproject, re.MULTILINE)
    assert f"version: {version}\n" in citation
    assert (ROOT / "SECURITY.md").is_file()
