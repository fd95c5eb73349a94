"""The sample is what `make sample` makes, says so, and shows what the package is for."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import roadmap_analytics as ra
from roadmap_analytics import frames, schema, simulate, store
from roadmap_analytics.frames import RunRecords
from roadmap_analytics.report.board import board
from tests import likeness, make_sample


@pytest.fixture(scope="module")
def sample() -> ra.Dataset:
    return ra.load(make_sample.SAMPLE)


def test_it_is_whole_and_says_that_it_is_simulated(sample: ra.Dataset) -> None:
    store.verify(make_sample.SAMPLE)
    assert sample.simulated
    assert sample.manifest["origin"] == simulate.ORIGIN
    assert next(run["kind"] for run in sample.manifest["runs"]) == "full"
    assert len(sample.manifest["runs"]) == len(make_sample.DAYS)
    assert not any(run["failures"] for run in sample.manifest["runs"])


def test_it_is_small() -> None:
    size = sum(path.stat().st_size for path in make_sample.SAMPLE.rglob("*") if path.is_file())
    assert size < 2_000_000


def test_nothing_of_the_machine_that_made_it_is_in_it() -> None:
    manifest = (make_sample.SAMPLE / "manifest.json").read_text()
    assert "127.0.0.1" not in manifest
    assert "localhost" not in manifest


@pytest.mark.parametrize("name", list(schema.FRAMES))
def test_its_frames_are_those_of_the_world_it_was_exported_from(
    sample: ra.Dataset, name: str
) -> None:
    """The quick part of what the next test proves byte by byte: nothing lost on the way."""
    pd.testing.assert_frame_equal(sample[name], _straight()[name])


_BUILT: dict[str, pd.DataFrame] = {}


def _straight() -> dict[str, pd.DataFrame]:
    """The frames made from the world itself, without server and exporter."""
    if not _BUILT:
        runs = [
            RunRecords(
                number, day, simulate.records(make_sample.ISSUES, make_sample.SEED, seen_at=day)
            )
            for number, day in enumerate(make_sample.DAYS, start=1)
        ]
        _BUILT.update(frames.build(runs, config=make_sample.SETTINGS.for_dataset()))
    return _BUILT


@pytest.mark.slow
def test_one_command_makes_the_same_bytes(tmp_path: Path) -> None:
    make_sample.make(tmp_path / "sample")
    assert _contents(tmp_path / "sample") == _contents(make_sample.SAMPLE), "run: make sample"


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".lock")
    }


def test_the_page_on_the_data_describes_every_column() -> None:
    page = make_sample.README.read_text("utf-8")
    assert page == make_sample.readme(), "run: make sample"
    for name in schema.FRAMES:
        for column in schema.columns_of(name):
            assert f"`{column}`" in page, f"{name}.{column}"


def test_due_dates_moved_between_its_runs(sample: ra.Dataset) -> None:
    seen = sample.milestone_dates.groupby("milestone_id")["due_date"].nunique()
    assert (seen > 1).sum() >= 3


def test_it_bears_the_shape_of_the_model_project(sample: ra.Dataset) -> None:
    milestones, issues = sample.milestones, sample.issues
    assert {10, 12, 13, 14} <= set(milestones.loc[milestones["kind"] == "group", "iid"])
    assert milestones["draft"].any()
    assert "Future" in set(sample.issue_labels["label"])
    outside = issues[~issues["project"].str.startswith("beacon/")]
    assert len(outside) > 20  # the operations project
    spread = issues.groupby("milestone_id")["project"].nunique()
    assert (spread >= 3).sum() >= 10  # milestones span projects
    assert 5 <= sample.assignments["person"].nunique() <= 8
    assert 300 <= len(issues) <= 700


def test_its_roadmap_documents_fit_its_milestones(sample: ra.Dataset) -> None:
    assert 7 <= len(sample.revisions) <= 9
    assert sample.revisions["layout"].nunique() == 3
    referred = sample.roadmap_milestones.merge(
        sample.milestones, on=["path", "iid"], how="left", suffixes=("", "_there")
    )
    assert referred["milestone_id"].notna().all()
    drivers = set(sample.responsibilities["person"])
    assert drivers <= set(sample.people["person"])
    targets = sample.roadmap_items.dropna(subset=["target_date"])
    assert (targets["target_date"] >= targets["revision"]).all()


def test_some_work_is_not_done_on_the_last_day(sample: ra.Dataset) -> None:
    progress = ra.milestone_progress(sample, as_of=sample.exported_at)
    current = progress[progress["due_date"] >= sample.exported_at.tz_localize(None)]
    assert (current["remaining"] > 0).sum() >= 2


# -- like life -------------------------------------------------------------------------------------


@pytest.mark.parametrize("measure", list(likeness.BANDS))
def test_it_is_like_real_projects(sample: ra.Dataset, measure: str) -> None:
    low, high = likeness.BANDS[measure]
    assert low <= _measured(sample)[measure] <= high


def test_its_running_milestones_differ(sample: ra.Dataset) -> None:
    """The first page has something to show: late, at risk, on time, and without a due date."""
    seen = board(sample, as_of=sample.exported_date)
    assert [row.status for row in seen.rows] == ["overdue", "unlikely", "likely"]
    assert [row.due for row in seen.undated] == [None]


_MEASURED: dict[str, float] = {}


def _measured(sample: ra.Dataset) -> dict[str, float]:
    if not _MEASURED:
        _MEASURED.update(likeness.measures(likeness.tables(sample)))
    return _MEASURED
