"""The report in a browser: it renders, sorts, fits a phone; nothing in it runs or phones home."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.browser.chromium import Chromium, Page
from tests.browser.conftest import keep_picture
from tests.odd_datasets import HOSTILE, TAKEN

pytestmark = pytest.mark.browser

# What is seen of every table: name of each column and its cells, top to bottom.
TABLES = """[...document.querySelectorAll('table.sortable')].map(table =>
  [...table.tHead.rows[0].cells].map((head, column) =>
    [...table.tBodies[0].rows].map(row => row.cells[column].textContent.trim())))"""
# Luminance as WCAG defines it, of text against the nearest background that is painted.
CONTRASTS = """(() => {
  const parts = color => color.match(/[\\d.]+/g).map(Number);
  const light = color => {
    const [r, g, b] = parts(color).slice(0, 3).map(v => (v /= 255) <= .03928
      ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b; };
  const painted = e => { for (; e; e = e.parentElement) {
    const color = getComputedStyle(e).backgroundColor;
    if ((parts(color)[3] ?? 1) > 0) return color; } return 'rgb(255, 255, 255)'; };
  const texts = [...document.querySelectorAll('p, h1, h2, small, td, th, caption, a, summary, li')];
  return texts.filter(e => e.textContent.trim() && e.getClientRects().length).map(e => {
    const [a, b] = [light(getComputedStyle(e).color), light(painted(e))].sort((x, y) => y - x);
    return (a + .05) / (b + .05); }); })()"""


@pytest.fixture
def page(chromium: Chromium) -> Iterator[Page]:
    page = chromium.page()
    yield page
    page.close()


def pages(report: Path) -> list[Path]:
    found = sorted(report.glob("*.html"))
    assert len(found) >= 4
    return found


def assert_quiet(page: Page) -> None:
    """Nothing asked for but files of this report, nothing said, nothing run."""
    assert [address for address in page.requests if not address.startswith("file:")] == []
    assert page.errors == []
    assert page.dialogs == []
    assert page.value("document.title") != TAKEN


def test_every_page_renders(page: Page, sample_report: Path) -> None:
    charts = 0
    for path in pages(sample_report):
        page.open(path.as_uri())
        assert page.value("document.querySelectorAll('h1').length") == 1
        drawn = page.value(
            """[...document.querySelectorAll('.chart > svg')]
            .filter(i => i.checkVisibility()).map(i => ({alt: i.getAttribute('aria-label'),
              shown: i.getBoundingClientRect().width,
              words: i.querySelectorAll('text').length}))"""
        )
        charts += len(drawn)
        for image in drawn:
            assert len(image["alt"]) > 20
            assert image["shown"] > 300
            assert image["words"] > 2, "text is text"
        assert "¶" not in page.value("document.body.innerText")
        assert_quiet(page)
        keep_picture(page, path.stem)
    assert charts >= 2 * (len(pages(sample_report)) - 1)


def test_the_index_answers_for_every_page(page: Page, sample_report: Path) -> None:
    index = sample_report / "index.html"
    page.open(index.as_uri())
    entries = page.value(
        """[...document.querySelectorAll('.pages li')].map(entry =>
        ({href: entry.querySelector('a').getAttribute('href'),
          said: [...entry.querySelectorAll('p')].map(p => p.textContent.trim())}))"""
    )
    assert sorted(e["href"] for e in entries) == [
        path.name for path in pages(sample_report) if path != index
    ]
    for entry in entries:
        assert entry["said"], entry
        assert all(len(sentence) > 20 for sentence in entry["said"])
    page.click("document.querySelector('.pages a')")
    page.wait(f"location.href.endsWith({entries[0]['href']!r})")
    page.wait("document.readyState === 'complete'")
    assert entries[0]["said"][0] in page.value("document.querySelector('main').innerText")


def in_order(cells: list[str], descending: bool) -> bool:
    present: list[Any] = [cell for cell in cells if cell != "–"]
    assert cells == present + ["–"] * (len(cells) - len(present)), "what is missing stands last"
    match _kind(cells):
        case "number":
            present = [float(cell) for cell in present]
        case "share":
            present = [float(cell.strip("<> %")) for cell in present]
    return present == sorted(present, reverse=descending)


def test_tables_sort_by_a_click(page: Page, sample_report: Path) -> None:
    """Numbers by value, days by time; the rest is text, whose order is the browser's affair."""
    kinds = set()
    for path in pages(sample_report):
        page.open(path.as_uri())
        page.value("document.querySelectorAll('details').forEach(fold => { fold.open = true; })")
        for number, table in enumerate(page.value(TABLES)):
            for column, cells in enumerate(table):
                kind = _kind(cells)
                if kind is None:
                    continue
                kinds.add(kind)
                button = f"document.querySelectorAll('table.sortable')[{number}]"
                button += f".tHead.rows[0].cells[{column}].querySelector('button')"
                for descending in (False, True):
                    page.click(button)
                    now = page.value(TABLES)[number]
                    assert in_order(now[column], descending), (path.name, now[column])
                    rows = sorted(zip(*table, strict=True))
                    assert sorted(zip(*now, strict=True)) == rows, "rows stay whole"
                    said = page.value(f"{button}.parentElement.getAttribute('aria-sort')")
                    assert said == ("descending" if descending else "ascending")
        assert_quiet(page)
    assert kinds == {"number", "day", "share"}


def _kind(cells: list[str]) -> str | None:
    present = [cell for cell in cells if cell != "–"]
    if len(set(present)) < 3:
        return None
    if all(cell.lstrip("-").replace(".", "", 1).isdigit() for cell in present):
        return "number"
    if all(cell.endswith(" %") for cell in present):
        return "share"
    days = all(len(cell) == 10 and cell[4] == cell[7] == "-" for cell in present)
    return "day" if days else None


def test_hostile_titles_stay_text(page: Page, hostile_report: Path) -> None:
    said = ""
    for path in pages(hostile_report):
        page.open(path.as_uri())
        said += page.value("document.querySelector('main').textContent")
        said += " ".join(
            page.value("[...document.querySelectorAll('[role=img]')].map(i => i.ariaLabel)")
        )
        assert page.value("document.scripts.length") == 1
        assert page.value("document.querySelectorAll('iframe, style, object').length") == 1
        assert page.value("document.querySelectorAll('main [src], [onerror]').length") == 0
        assert page.value("document.querySelectorAll('[onmouseover], mjx-container').length") == 0
        assert page.value("document.querySelectorAll('h1').length") == 1
        # A link to the page of open issues names its milestone, whatever that is called.
        strangers = 'a[href*=elsewhere]:not([href^="open_issues.html#"]), a[href^=javascript]'
        assert page.value(f"document.querySelectorAll(`{strangers}`).length") == 0
        page.click("document.querySelector('h1')")
        assert_quiet(page)
        keep_picture(page, f"hostile-{path.stem}")
    assert [title for title in HOSTILE if title not in said] == []


def test_a_script_that_got_in_would_not_run(
    page: Page, sample_report: Path, tmp_path: Path
) -> None:
    """The policy is the second wall; here the first one is broken on purpose."""
    html = (sample_report / "index.html").read_text("utf-8")
    attack = f"<script>document.title = '{TAKEN}'</script>{HOSTILE[1]}"
    attack += "<img src='https://elsewhere.example/seen.png'>"
    (tmp_path / "index.html").write_text(html.replace("<main>", f"<main>{attack}"), "utf-8")
    page.open((tmp_path / "index.html").as_uri())
    assert page.value("document.title") != TAKEN
    assert len(page.errors) >= 3
    assert all("Content Security Policy" in error for error in page.errors)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_phone_shows_it_without_scrolling_sideways(
    chromium: Chromium, sample_report: Path, dark: bool
) -> None:
    page = chromium.page(width=360, height=740, dark=dark)
    for path in pages(sample_report):
        page.open(path.as_uri())
        assert page.value("document.documentElement.scrollWidth") <= 360, path.name
        assert min(page.value(CONTRASTS)) >= 4.5, path.name
        paper = page.value("getComputedStyle(document.body).backgroundColor")
        assert (paper == "rgb(255, 255, 255)") is not dark
        assert_quiet(page)
        keep_picture(page, f"phone-{'dark-' if dark else ''}{path.stem}")
    page.close()


# Rows that are shown, and the file that a click on "CSV" would save.
SHOWN = """[...document.querySelector('th.filter').closest('table').tBodies[0].rows]
  .filter(row => !row.hidden).length"""
CHOOSE = """(() => {
  const select = document.querySelector('.toolbar select');
  const value = [...select.options].map(o => o.value).find(v => v && v !== '–');
  select.value = value; select.dispatchEvent(new Event('change'));
  const table = document.querySelector('th.filter').closest('table');
  const column = [...table.tHead.rows[0].cells].findIndex(c => c.classList.contains('filter'));
  return [...table.tBodies[0].rows].filter(row => !row.hidden)
    .every(row => row.cells[column].textContent.split(', ').includes(value)); })()"""
SAVED = """(async () => {
  let saved; const make = URL.createObjectURL;
  URL.createObjectURL = blob => { saved = blob; return make(blob); };
  document.querySelector('.toolbar select').closest('.toolbar').querySelector('button').click();
  URL.createObjectURL = make;
  return await saved.text(); })()"""


def test_open_issues_are_filtered_and_saved(page: Page, sample_report: Path) -> None:
    page.open((sample_report / "burndown.html").as_uri())
    everything = page.value(SHOWN)
    assert page.value(CHOOSE) is True
    chosen = page.value(SHOWN)
    assert 0 < chosen < everything
    lines = page.value(SAVED).splitlines()
    assert lines[0].startswith('"iid","title","assignees"')
    assert len(lines) == 1 + chosen
    assert_quiet(page)


def test_a_title_that_looks_like_a_formula_is_text_in_a_spreadsheet(
    page: Page, sample_report: Path
) -> None:
    page.open((sample_report / "burndown.html").as_uri())
    page.value("document.querySelector('th.filter').closest('table').tBodies[0].rows[0]"
               ".cells[1].textContent = '=HYPERLINK(\"x\")'")  # fmt: skip
    assert '"\'=HYPERLINK(""x"")"' in page.value(SAVED)


def test_the_board_comes_first_and_links_to_gitlab(page: Page, sample_report: Path) -> None:
    page.open((sample_report / "index.html").as_uri())
    rows = page.value("[...document.querySelectorAll('table.board tbody tr')].length")
    assert rows >= 4
    drawn = page.value("[...document.querySelectorAll('table.board:not(.plain) tbody tr')].length")
    assert page.value("document.querySelectorAll('table.board svg.spark title').length") == drawn
    assert 3 <= drawn <= rows  # those without a due date are listed below, without a course
    links = page.value("[...document.querySelectorAll('table.board th a')].map(a => a.href)")
    assert len(links) == rows
    assert all(link.startswith("https://gitlab.example/") for link in links)
    # The whole board fits a laptop's screen.
    bottom = "document.querySelector('table.board').getBoundingClientRect().bottom"
    page.resize(1440, 900)
    assert page.value(bottom) < 900
    boxes = "[...document.querySelectorAll('.scroll:has(table.board)')]"
    cut = f"{boxes}.map(box => box.scrollWidth - box.clientWidth)"
    for width in (1100, 1200, 1440):
        page.resize(width, 900)
        assert not any(page.value(cut)), (width, "a column of the board is out of sight")
    page.resize(390, 844)
    wide = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert page.value(wide) is True
    assert_quiet(page)


def test_a_phone_shows_each_milestone_of_the_board_whole(
    chromium: Chromium, sample_report: Path
) -> None:
    """Chance, due date and holders stand in sight, each with its name, without a swipe."""
    page = chromium.page(width=390, height=844)
    page.open((sample_report / "index.html").as_uri())
    cells = page.value(
        """[...document.querySelectorAll('table.board tbody td')].map(cell =>
        ({text: cell.innerText.trim(), right: cell.getBoundingClientRect().right}))"""
    )
    assert max(cell["right"] for cell in cells) <= 390
    said = " ".join(cell["text"] for cell in cells)
    for name in ("left", "due in GitLab", "due in roadmap", "forecast 50 % – 85 %", "chance"):
        assert f"{name} " in said.replace("\n", " "), name
    first = "document.querySelector('table.board tbody tr').getBoundingClientRect()"
    assert page.value(f"{first}.bottom") < 844
    assert_quiet(page)
    page.close()


def test_on_a_phone_a_chart_is_read_whole_without_a_swipe(
    chromium: Chromium, sample_report: Path
) -> None:
    """Each chart is drawn for phones as well: no wider than the page, in letters that read."""
    page = chromium.page(width=390, height=844)
    shown = 0
    for path in pages(sample_report):
        page.open(path.as_uri())
        charts = page.value(
            """[...document.querySelectorAll('.chart > svg')].filter(c => c.getClientRects().length)
            .map(c => { const scale = c.getScreenCTM().a; return {
              left: c.getBoundingClientRect().left, right: c.getBoundingClientRect().right,
              swiped: c.parentElement.scrollWidth > c.parentElement.clientWidth,
              letters: Math.min(...[...c.querySelectorAll('text')]
                .map(t => parseFloat(getComputedStyle(t).fontSize) * scale)),
              out: [...c.querySelectorAll('text')].filter(t =>
                t.getBoundingClientRect().right > innerWidth + 1).map(t => t.textContent)}; })"""
        )
        shown += len(charts)
        for chart in charts:
            assert chart["left"] >= 0, path.name
            assert chart["right"] <= 390, path.name
            assert chart["swiped"] is False, path.name
            assert chart["letters"] >= 7.5, path.name  # pixels; the smallest, "simulated data"
            assert chart["out"] == [], path.name
        figures = page.value("document.querySelectorAll('figure.chart').length")
        assert len(charts) == figures, "one of the two drawings, and never both"
        keep_picture(page, f"phone-charts-{path.stem}")
    assert shown >= 20
    assert_quiet(page)
    page.close()


CODES = {"Tab": 9, "Enter": 13, "ArrowDown": 40, "ArrowUp": 38}


def press(page: Page, *keys: str) -> None:
    for key in keys:
        text = {"text": "\r"} if key == "Enter" else {}
        code = {"windowsVirtualKeyCode": CODES[key]} if key in CODES else {}
        for kind, more in (("keyDown", text), ("keyUp", {})):
            page.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, **code, **more)


# Each row of open issues that is shown, as text by column.
ISSUES = """[...document.querySelector('table.sortable').tBodies[0].rows]
  .filter(row => !row.hidden).map(row => [...row.cells].map(cell => cell.textContent.trim()))"""
LISTED = "location.pathname.endsWith('/open_issues.html') && document.readyState === 'complete'"
WHO = "document.querySelectorAll('.toolbar select')[0]"
WHERE = "document.querySelectorAll('.toolbar select')[1]"


def test_a_link_of_the_board_leads_to_what_one_person_holds_in_one_milestone(
    page: Page, sample_report: Path
) -> None:
    page.open((sample_report / "index.html").as_uri())
    links = "[...document.querySelectorAll('table.board td.long a')]"
    said = page.value(f"{links}[0].textContent")
    milestone = page.value(f"{links}[0].closest('tr').querySelector('th').textContent")
    person, _, count = said.rpartition(" ")
    page.click(f"{links}[0]")
    page.wait(
        "location.pathname.endsWith('/open_issues.html') && document.readyState === 'complete'"
    )
    rows = page.value(ISSUES)
    assert len(rows) == int(count)
    assert all(person in row[1].split(", ") and row[2] == milestone for row in rows)
    assert (page.value(f"{WHO}.value"), page.value(f"{WHERE}.value")) == (person, milestone)
    page.open((sample_report / "index.html").as_uri())
    free = f"{links}.find(a => a.textContent.endsWith('unassigned'))"
    count = page.value(f"{free}.textContent").split()[0]
    page.click(free)
    page.wait(
        "location.pathname.endsWith('/open_issues.html') && document.readyState === 'complete'"
    )
    rows = page.value(ISSUES)
    assert len(rows) == int(count)
    assert {row[1] for row in rows} == {"–"}
    assert_quiet(page)


def test_open_issues_are_chosen_and_sorted_by_keyboard(page: Page, sample_report: Path) -> None:
    """Everything that one person holds, then only one milestone; a reload keeps the choice."""
    page.open((sample_report / "open_issues.html").as_uri())
    everything = page.value(ISSUES)
    page.value(f"{WHO}.focus()")
    press(page, "ArrowDown")  # the first person
    person = page.value(f"{WHO}.value")
    held = page.value(ISSUES)
    assert held == [row for row in everything if person in row[1].split(", ")]
    assert 0 < len(held) < len(everything)
    press(page, "Tab")
    assert page.value(f"document.activeElement === {WHERE}")
    press(page, "ArrowDown")
    milestone = page.value(f"{WHERE}.value")
    both = [row for row in held if row[2] == milestone]
    assert page.value(ISSUES) == both
    said = page.value("document.querySelector('.toolbar output').textContent")
    chosen = f"(assignees: {person}, milestone: {milestone})"
    assert said == f"{len(both)} of {len(everything)} {chosen}"
    page.call("Page.reload")
    page.wait("document.readyState === 'complete' && !!document.querySelector('.toolbar')")
    assert page.value(ISSUES) == both
    page.value(f"{WHERE}.focus()")
    press(page, "ArrowUp")
    assert page.value(ISSUES) == held
    head = "document.querySelectorAll('table.sortable thead button')[4]"
    page.value(f"{head}.focus()")
    press(page, "Enter")
    assert [row[4] for row in page.value(ISSUES)] == sorted((row[4] for row in held), key=int)
    press(page, "Enter")
    ages = [int(row[4]) for row in page.value(ISSUES)]
    assert ages == sorted(ages, reverse=True)
    assert page.value(f"{head}.closest('th').getAttribute('aria-sort')") == "descending"
    assert_quiet(page)


def test_a_choice_holds_for_every_table_of_a_page(page: Page, sample_report: Path) -> None:
    page.open((sample_report / "burndown.html").as_uri() + "#assignees=dag")
    cells = page.value(
        """[...document.querySelectorAll('table:has(th.filter)')].map(table => {
        const heads = [...table.tHead.rows[0].cells].map(head => head.textContent.trim());
        const column = heads.indexOf('assignees');
        return column < 0 ? [] : [...table.tBodies[0].rows].filter(row => !row.hidden)
          .map(row => row.cells[column].textContent.trim()); })"""
    )
    assert sum(map(len, cells)) > 3
    assert all("dag" in cell.split(", ") for table in cells for cell in table)
    page.open(
        (sample_report / "burndown.html").as_uri() + "#assignees=<img src=x onerror=alert(1)>"
    )
    assert page.value("[...document.querySelectorAll('.toolbar select')].map(s => s.value)[0]") == (
        "<img src=x onerror=alert(1)>"
    )
    assert page.value("document.querySelectorAll('.toolbar img').length") == 0
    assert_quiet(page)


def test_csv_is_saved_by_a_click(page: Page, sample_report: Path, tmp_path: Path) -> None:
    page.open((sample_report / "open_issues.html").as_uri() + "#assignees=ada")
    page.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    shown = page.value(ISSUES)
    page.click("document.querySelector('.toolbar button')")
    file = tmp_path / "open-issues-age-days-since-created.csv"
    for _ in range(100):
        if file.exists():
            break
        time.sleep(0.1)
    rows = list(csv.reader(file.read_text("utf-8-sig").splitlines()))
    assert rows[0] == ["title", "assignees", "milestone", "due date", "age days", "weight", "issue"]
    assert rows[1:] == [["" if cell == "–" else cell for cell in row] for row in shown]
    assert_quiet(page)


def test_paper_says_what_was_chosen(page: Page, sample_report: Path) -> None:
    page.call("Emulation.setEmulatedMedia", media="print")
    page.open((sample_report / "open_issues.html").as_uri() + "#assignees=ada")
    bar = page.value(
        """[...document.querySelector('.toolbar').children].filter(e => e.checkVisibility())
        .map(e => e.textContent)"""
    )
    assert len(bar) == 1
    assert bar[0].endswith("(assignees: ada)")


def test_what_a_chart_says_on_hover_is_read_by_keyboard_and_touch(
    page: Page, sample_report: Path
) -> None:
    page.open((sample_report / "burndown.html").as_uri())
    chart = "document.querySelector('.chart > svg')"
    words = "document.querySelector('.chart .words').textContent"
    titles = page.value(f"[...{chart}.querySelectorAll('g > title')].map(t => t.textContent)")
    page.value(f"{chart}.focus()")
    assert page.value(f"document.activeElement === {chart}")
    assert page.value(words) == ""
    heard = []
    for _ in titles:
        press(page, "ArrowRight")
        heard.append(page.value(words))
    assert sorted(heard) == sorted(titles), "each mark once, in the order of the axis"
    press(page, "ArrowLeft")
    assert page.value(words) == heard[-2]
    press(page, "Home")
    assert page.value(words) == heard[0]
    assert page.value(f"{chart}.querySelectorAll('.current').length") == 1
    press(page, "Escape")
    assert page.value(words) == ""
    mark = f"[...{chart}.querySelectorAll('g > title')].at(-1).parentElement"
    page.click(mark)
    assert page.value(words) in titles, "a tap says it as well"
    assert_quiet(page)


def test_a_saved_chart_is_a_file_of_its_own(page: Page, sample_report: Path) -> None:
    page.open((sample_report / "burndown.html").as_uri())
    page.value("document.querySelector('.chart > svg').focus()")
    press(page, "End")
    saved = page.value(
        """(async () => { let saved; const make = URL.createObjectURL;
        URL.createObjectURL = blob => { saved = blob; return make(blob); };
        document.querySelector('.chart button.save').click();
        URL.createObjectURL = make; return await saved.text(); })()"""
    )
    drawn = ElementTree.fromstring(saved)
    assert drawn.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(list(drawn.iter("{http://www.w3.org/2000/svg}text"))) > 10
    assert "class=" not in saved
    assert "tabindex" not in saved
    assert_quiet(page)


def test_on_paper_there_is_what_a_meeting_needs_and_no_control(
    page: Page, sample_report: Path
) -> None:
    page.call("Emulation.setEmulatedMedia", media="print")
    page.resize(794, 1123)  # A4 at 96 pixels an inch
    for path in pages(sample_report):
        page.open(path.as_uri())
        shown = page.value(
            """[...document.querySelectorAll(`nav, .toolbar, button.save, .words,
              section details:not(.folded) > summary`)]
            .filter(e => e.getClientRects().length).length"""
        )
        assert shown == 0, path.name
        charts = "[...document.querySelectorAll('.chart > svg')].filter(c => c.checkVisibility())"
        widths = page.value(f"{charts}.map(e => e.getBoundingClientRect().right)")
        assert all(right <= 794 for right in widths), path.name
        assert page.value("document.documentElement.scrollWidth") <= 794, path.name
        assert page.value("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    page.open((sample_report / "index.html").as_uri())
    assert page.value("document.querySelectorAll('.changed summary')[0].getClientRects().length")
    assert page.call("Page.printToPDF")["data"]
    assert_quiet(page)


def test_charts_are_text_that_speaks_and_turn_dark(chromium: Chromium, sample_report: Path) -> None:
    inks = {}
    for dark in (False, True):
        page = chromium.page(dark=dark)
        page.open((sample_report / "burndown.html").as_uri())
        titles = page.value(
            "[...document.querySelectorAll('.chart g > title')].map(t => t.textContent)"
        )
        assert any("issues left" in title for title in titles), "a day says its numbers on hover"
        inks[dark] = page.value("getComputedStyle(document.querySelector('.chart text')).fill")
        saved = "document.querySelector('.chart button.save')"
        assert page.value(f"{saved}.textContent") == "SVG"
        page.click(saved)
        assert_quiet(page)
        page.close()
    assert inks[False] != inks[True]
