"""The documentation: its code runs, its lists are whole, its generated pages match the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import roadmap_analytics as ra
from tests import make_commands_page

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(
    page
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")]
    if not {"_site", "api", "jupyter_execute"} & set(page.parts)
)
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
# Left out on purpose; each with its reason.
NOT_RUN = {
    "scale.md": "reads a dataset of a million issues that is made first",
    "dataset.md": "shows other tools, Spark among them, which are no dependencies",
}


def blocks() -> list[tuple[str, str]]:
    return [
        (page.relative_to(ROOT).as_posix(), code)
        for page in PAGES
        if page.name not in NOT_RUN
        for code in BLOCK.findall(page.read_text("utf-8"))
    ]


@pytest.mark.parametrize(
    ("page", "code"),
    blocks(),
    ids=[f"{page}-{number}" for number, (page, _) in enumerate(blocks())],
)
def test_code_in_the_documentation_runs(
    page: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the sample where the page expects it, in a folder where it may write."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "sample").symlink_to(ROOT / "data" / "sample")
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
