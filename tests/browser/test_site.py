"""The documentation site in a browser: whole, searchable offline, quiet, readable on a phone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import roadmap_analytics as ra
from tests.browser.chromium import Chromium, Page
from tests.browser.conftest import keep_picture

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
# Words that stand past the edge of the window and outside of what scrolls.
CUT_OFF = """[...document.querySelectorAll("article :is(h1, h2, h3, p, li, dd)")]
    .filter(e => e.checkVisibility() && !e.closest("pre, table"))
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
    .map(e => e.textContent.slice(0, 60))"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make docs` builds it: a warning is an error."""
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "-b", "html"]
    built = subprocess.run(
        [*command, "-d", str(out / "doctrees"), "docs", str(out / "html")],
        # Without the tests' MPLBACKEND, under which a kernel draws nothing.
        env={name: value for name, value in os.environ.items() if name != "MPLBACKEND"},
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    return out / "html"


@pytest.fixture
def page(chromium: Chromium) -> Iterator[Page]:
    page = chromium.page()
    yield page
    page.close()


def assert_quiet(page: Page) -> None:
    assert [address for address in page.requests if not address.startswith("file:")] == []
    assert page.errors == []


def test_every_name_of_the_reference_has_its_page(site: Path) -> None:
    """With its signature and what it takes and returns, not the raw text of a directive."""
    pages = sorted((site / "api").glob("*.html"))
    assert len(pages) == len(ra.__all__)
    for path in pages:
        text = path.read_text("utf-8")
        assert 'class="sig sig-object py"' in text, path.name
        assert "auto" + "function::" not in text, path.name


def test_every_page_at_two_widths(page: Page, site: Path) -> None:
    pages = [path for path in sorted(site.rglob("*.html")) if "_static" not in path.parts]
    assert len(pages) > 80  # a page per public name, and the written ones
    written = [path for path in pages if "api" not in path.relative_to(site).parts]
    for path in pages:
        page.open(path.as_uri())
        for width in (1440, 390) if path in written else (390,):
            page.resize(width, 900)
            fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
            assert page.value(fits) is True, f"{path.name} at {width}"
            assert page.value(CUT_OFF) == [], f"{path.name} at {width}"
        broken = "[...document.images].filter(i => !i.complete || !i.naturalWidth).length"
        assert page.value(broken) == 0, path.name
    assert_quiet(page)


@pytest.mark.parametrize("dark", [False, True])
def test_pages_follow_the_readers_light_or_dark(chromium: Chromium, site: Path, dark: bool) -> None:
    page = chromium.page(dark=dark)
    page.open((site / "frames.html").as_uri())
    shown = """["backgroundColor", "color"].map(what =>
        getComputedStyle(document.body)[what]
        .match(/[0-9.]+/g).slice(0, 3).map(Number).reduce((a, b) => a + b))"""
    ground, text = page.value(shown)  # of 0 to 765
    assert (ground < 150, text > 500) == (dark, dark)
    assert_quiet(page)
    page.close()


@pytest.mark.parametrize(
    ("word", "found"),
    [("burndown", "gallery"), ("burndown", "api/roadmap_analytics.burndown"),
     ("owner", "roadmap"), ("slip", "how-to/slip")],
)  # fmt: skip
def test_search_works_without_a_server(page: Page, site: Path, word: str, found: str) -> None:
    page.open(f"{(site / 'search.html').as_uri()}?q={word}")
    links = "[...document.querySelectorAll('#search-results ul.search a')]"
    page.wait(f"{links}.some(a => a.href.includes('{found}'))")  # they come one by one
    assert_quiet(page)


def test_the_gallery_shows_every_chart(page: Page, site: Path) -> None:
    page.open((site / "gallery.html").as_uri())
    charts = page.value("document.querySelectorAll('.cell_output img, .cell_output svg').length")
    assert charts == page.value("document.querySelectorAll('h3').length")
    assert page.value("document.querySelectorAll('.stderr').length") == 0  # no warning is shown
    keep_picture(page, "gallery")
