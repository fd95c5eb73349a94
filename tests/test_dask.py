"""The burndown of a partitioned dataset, summed by Dask, is that of the whole."""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import roadmap_analytics as ra
from roadmap_analytics import store
from tests.eight_issues import World, eight_issues
from tests.make_sample import SAMPLE
from tests.test_burndown import reporting_days, worlds

pytest.importorskip("dask.dataframe", reason="needs the extra [dask], which is not installed")

from benchmarks.bench_dask import AMOUNTS, KEY, burndowns, parts_of


def written(world: World, to: Path) -> Path:
    """A world as a dataset on disk."""
    about = {"origin": "https://git.example.org", "asked": {}}
    with store.open_run(to, **about, started_at="2025-04-01T00:00:00Z") as run:
        run.commit(world.dataset().frames, ended_at="2025-04-01T00:00:00Z", config={})
    return to


def agree(folder: Path, as_of: dt.date | pd.Timestamp, size: int) -> pd.DataFrame:
    """Hold Dask's table against pandas'."""
    whole = ra.burndowns(ra.load(folder), as_of=as_of)[[*KEY, *AMOUNTS]]
    pd.testing.assert_frame_equal(burndowns(folder, as_of, size), whole)
    return whole


def test_the_sample_in_many_partitions() -> None:
    dataset = ra.load(SAMPLE)
    assert len(parts_of(SAMPLE, 50)) > 3
    assert dataset.issues["moved_to_id"].notna().any()
    assert len(agree(SAMPLE, dataset.exported_at, 50)) > 1000


def test_eight_issues_one_by_one(tmp_path: Path) -> None:
    folder = written(eight_issues(), tmp_path)
    assert len(parts_of(folder, 1)) == 8
    assert not agree(folder, dt.date(2025, 3, 20), 1).empty


@settings(max_examples=8)
@given(worlds, reporting_days, st.integers(1, 3))
def test_any_world_in_any_partitions(world: World, as_of: dt.date, size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        agree(written(world, Path(folder)), as_of, size)
