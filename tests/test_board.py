"""The board: the first page of the report, as values and as HTML."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest

import roadmap_analytics as ra
from roadmap_analytics.errors import ConfigurationError
from roadmap_analytics.report import build, issues
from roadmap_analytics.report.board import MOST_ROWS, Row, board, web_link
from roadmap_analytics.roadmap import tables
from tests import odd_datasets
from tests.eight_issues import World, eight_issues

SAMPLE = Path(__file__).resolve().parents[1] / "data" / "sample"


@pytest.fixture(scope="module")
def sample() -> ra.Dataset:
    return ra.load(SAMPLE)


def page(dataset: ra.Dataset, out: Path, since: Any = None) -> str:
    """The first page alone, without running a notebook."""
    overview = board(dataset, as_of=build._last_day(dataset), since=since)
    return build._write(build._exporter(), [], out, dataset, overview).read_text("utf-8")


def test_eight_issues_on_the_board() -> None:
    seen = board(eight_issues().dataset(), as_of="2025-03-18", since="2025-03-09")
    harvest, winter = seen.rows
    assert (harvest.title, harvest.status) == ("Harvest", "overdue")  # the riskiest comes first
    assert (harvest.remaining, harvest.scope, harvest.remaining_change) == (1, 5, -5)
    assert harvest.holders == [("ada", 1)]
    assert harvest.unassigned == 0
    assert (winter.remaining, winter.holders, winter.unassigned) == (2, [("bo", 1)], 1)
    assert str(winter.due) == "2025-03-28 00:00:00"  # the move of the 20th lies ahead
    assert seen.drafts == [
        ("DRAFT: Someday", "https://git.example.org/orchard/press/-/milestones/30", 1)
    ]
    told = {one.title: one.what for one in seen.changed}
    assert told["Harvest"] == [
        *("3 closed", "1 reopened", "1 added", "3 removed (3 moved on)"),
        "chance 0 %, was 21 %",  # the due date has passed
    ]
    assert seen.decisions[0] == (
        "Harvest: due 14 Mar 2025, and 1 issue still open; 1 issue was added and 3 were closed."
    )


def test_numbers_are_those_of_the_analyses(sample: ra.Dataset) -> None:
    day = sample.exported_at.date()
    seen = board(sample, as_of=day)
    progress = ra.milestone_progress(sample, as_of=day).set_index("milestone_id")
    dates = ra.forecast(sample, as_of=day).set_index("milestone_id")
    assert {row.milestone_id for row in [*seen.rows, *seen.undated]} == set(
        ra.current_milestones(progress.reset_index())["milestone_id"]
    )
    for row in seen.rows:
        assert row.remaining == progress.loc[row.milestone_id, "remaining"]
        assert row.chance == pytest.approx(dates.loc[row.milestone_id, "chance_by_due_date"])
    chances = [row.chance for row in seen.rows if row.chance is not None]
    assert chances == sorted(chances)


def test_sixty_milestones_leave_nothing_out(tmp_path: Path) -> None:
    world = World()
    for number in range(1, 61):
        world.milestone(number, f"Milestone {number}", "2025-03-01", f"2025-04-{number % 28 + 1}")
        world.issue(number, "2025-03-01 08:00")
        world.put(number, "2025-03-01 08:00", number)
        world.member(number, "2025-03-01 08:00", "assignee", "add", f"person{number % 40}")
    dataset = world.dataset()
    seen = board(dataset, as_of="2025-03-18")
    assert len(seen.drawn) == MOST_ROWS
    assert len(seen.drawn) + len(seen.listed) == 60
    html = page(dataset, tmp_path)
    assert "48 more running milestones" in html
    for number in range(1, 61):
        assert f">Milestone {number}<" in html


def test_every_active_milestone_is_somewhere(tmp_path: Path) -> None:
    world = World()
    world.milestone(1, "Running", "2025-03-01", "2025-04-01")
    world.issue(1, "2025-03-01 08:00")
    world.put(1, "2025-03-01 08:00", 1)
    world.milestone(2, "Forgotten", "2013-07-01", "2013-07-16")
    world.milestone(3, "Not yet", "2025-05-01", "2025-06-01")
    world.issue(3, "2025-03-01 08:00")
    world.put(3, "2025-03-01 08:00", 3)
    world.milestone(4, "Someday", "2025-03-01", None)
    world.milestone(5, "Done", "2025-03-01", None)
    for issue in (4, 5):
        world.issue(issue, "2025-03-01 08:00")
        world.put(issue, "2025-03-01 08:00", issue)
    world.close(5, "2025-03-05 08:00")
    seen = board(world.dataset(), as_of="2025-03-18")
    assert [row.title for row in seen.rows] == ["Running"]
    assert [(row.title, row.status) for row in seen.undated] == [("Someday", "no due date")]
    assert {why: [title for title, _ in titles] for why, titles in seen.idle.items()} == {
        "no issues": ["Forgotten, due 16 Jul 2013"],
        "not started": ["Not yet, from 1 May 2025"],
        "nothing left": ["Done"],
    }
    html = page(world.dataset(), tmp_path)
    for title in ("Running<", "Forgotten, due", "Not yet, from", "Someday<", "Done<"):
        assert f">{title}" in html


def test_the_page_of_open_issues_has_each_of_them_once(sample: ra.Dataset, tmp_path: Path) -> None:
    day = sample.exported_at.date()
    html = page(sample, tmp_path).replace("&amp;", "&")
    listing = (tmp_path / "open_issues.html").read_text("utf-8")
    expected = ra.open_issues(sample, as_of=day)
    late = (expected["due_date"] < pd.Timestamp(day)).sum()
    free = expected["assignees"].isna().sum()
    assert f"{len(expected)} open issues; {free} have no assignee; {late} are past" in listing
    for row in expected.itertuples():
        assert listing.count(f">{row.project}#{row.iid}</td>") == 1
    # An issue of two people is one issue, for the overdue ones as well.
    assert late < ra.workload(sample, as_of=day)["overdue_issues"].sum()
    assert "open_issues.html#milestone=Lens%20self-test&assignees=dag" in html


def test_of_very_many_open_issues_those_left_out_are_counted(
    monkeypatch: pytest.MonkeyPatch, sample: ra.Dataset, tmp_path: Path
) -> None:
    monkeypatch.setattr(issues, "MOST_ROWS", 10)
    page(sample, tmp_path)
    listing = (tmp_path / "open_issues.html").read_text("utf-8")
    assert "shows 10 issues, those of the milestones due first; 75 more are left out" in listing
    assert listing.count("<tr><td") == 10


def test_two_milestones_of_one_title_are_told_apart(tmp_path: Path) -> None:
    world = World()
    for number, title in ((1, "Release, 1 & 2"), (2, "Release, 1 & 2"), (3, "Other")):
        world.milestone(number, title, "2025-03-01", "2025-04-01")
        world.issue(number, "2025-03-01 08:00")
        world.put(number, "2025-03-01 08:00", number)
    dataset = world.dataset()
    milestones = dataset.milestones.copy()
    milestones.loc[1, "path"] = "orchard/other"
    dataset = dataset.with_frames(milestones=milestones)
    assert len(set(issues.milestone_names(dataset).values())) == 3
    html = page(dataset, tmp_path)
    assert "milestone=Release%2C%201%20%26%202%20%28orchard/other%29" in html
    assert "Release, 1 &amp; 2 (orchard/other)</td>" in (tmp_path / "open_issues.html").read_text()


@pytest.mark.parametrize(
    "make", [World().dataset, odd_datasets.hostile], ids=["nothing", "hostile"]
)
def test_a_page_whatever_the_data(make: Callable[[], ra.Dataset], tmp_path: Path) -> None:
    html = page(make(), tmp_path)
    assert "<h1>Roadmap on" in html
    assert "<script>alert" not in html
    assert 'href="javascript:' not in html.lower()
    assert "style=" not in html.partition("<body>")[2]


def test_what_a_page_says_where_there_is_nothing(tmp_path: Path) -> None:
    html = page(World().dataset(), tmp_path)
    assert "No milestone with a due date is running." in html
    assert "<tbody>" not in html  # no table without rows
    listing = (tmp_path / "open_issues.html").read_text("utf-8")
    assert "No issue is open." in listing
    assert "<table" not in listing


def test_alarms_of_the_reading_lead_to_the_page_that_has_them(tmp_path: Path) -> None:
    text = "# Plan\n\n- Docs by May 2020\n- Maps\n"
    for written, said in ((text, "1 alarm about how the roadmap was read"), ("# A\n\n- b\n", "")):
        documents = [{"name": "2026-02-03.md", "text": written}]
        html = page(ra.Dataset(tables.parse(documents)), tmp_path)
        assert (f'<a href="roadmaps.html">{said}</a>' in html) == bool(said)
        assert ("about how the roadmap was read" in html) == bool(said)
        assert "<h1>Roadmap on" in html
        assert "3 Feb 2026" in html  # documents alone have the day of the newest
        assert (tmp_path / "roadmaps.html").is_file()
        assert "roadmap documents alone" in html
        assert "Where roadmap and GitLab disagree" not in html


def test_documents_alone_are_compared_with_the_revision_before_the_newest() -> None:
    texts = {"2026-02-03": "by May 2026", "2026-05-12": "by July 2026"}
    documents = [
        {"name": f"{day}.md", "text": f"# Plan\n\n- Docs {by}\n"} for day, by in texts.items()
    ]
    dataset = ra.Dataset(tables.parse(documents))
    for as_of in ("2026-05-12", "2026-11-26"):
        shown = board(dataset, as_of=as_of)
        assert shown.since == pd.Timestamp("2026-02-03")
        assert "Docs" in " ".join(shown.roadmap_changes)
    assert board(dataset, as_of="2026-05-11").since is None


def test_an_earlier_day_and_a_review_that_lies_after_it(sample: ra.Dataset) -> None:
    with pytest.raises(ConfigurationError, match="--since: expected a day before 2026-09-30"):
        board(sample, as_of="2026-09-30", since="2026-10-01")
    assert board(sample, as_of="2026-09-30").since == pd.Timestamp("2026-07-10")


def test_changes_are_those_of_the_numbers_shown() -> None:
    row = Row(1, "A", None, "open", 3, 9, "", None, None, None, None, "", "", 0.484, [], 0, 0,
              {"remaining_before": 5, "chance_before": 0.036})  # fmt: skip
    assert row.remaining_change == -2
    assert row.chance_change == 44  # 48 % less 4 %
    assert row.due_difference is None


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//x", "data:text/html,x", "", None, 5,
                                 "http://[", "https:/x"])  # fmt: skip
def test_only_web_addresses_are_linked(url: Any) -> None:
    assert web_link(url) is None


def test_own_notebooks_stand_beside_ours_or_take_their_place(tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    for name in ("burndown", "mine"):
        nbformat.write(nbformat.v4.new_notebook(), mine / f"{name}.ipynb")
    files = {file.stem: file for file in build._notebook_files(mine, True)}
    assert files["burndown"].parent == files["mine"].parent == mine
    assert files["slippage"].parent != mine
    assert {file.stem for file in build._notebook_files(mine, False)} == {"burndown", "mine"}
    nbformat.write(nbformat.v4.new_notebook(), mine / "index.ipynb")
    with pytest.raises(ConfigurationError, match="rename the notebook"):
        build._notebook_files(mine, True)


def test_a_notebook_gets_the_day_where_it_names_one() -> None:
    cell = nbformat.v4.new_code_cell("as_of = None\nseed = 1", metadata={"tags": ["parameters"]})
    notebook = nbformat.v4.new_notebook(cells=[cell])
    build._set_parameters(notebook, as_of="2026-09-30")
    assert notebook.cells[1].source == "as_of = '2026-09-30'"
    other = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("as_of = None")])
    build._set_parameters(other, as_of="2026-09-30")
    assert len(other.cells) == 1
