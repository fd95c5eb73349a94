"""A chart that is given a wrong frame says which function makes the right one."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

import roadmap_analytics as ra
from roadmap_analytics.charts._inputs import MAKERS, Maker
from roadmap_analytics.errors import ConfigurationError
from roadmap_analytics.frames import Dataset
from tests.eight_issues import AS_OF, HARVEST, eight_issues
from tests.test_row_order import simulated


@pytest.fixture(scope="module")
def frames() -> dict[str, pd.DataFrame]:
    """One frame of each function that makes frames for charts."""
    return made_by(eight_issues().dataset(), HARVEST, AS_OF)


@pytest.fixture(scope="module")
def simulated_frames() -> dict[str, pd.DataFrame]:
    """The same of a world with roadmaps, so that each frame has rows."""
    dataset = simulated()
    return made_by(dataset, int(dataset.milestones["milestone_id"].min()), dataset.exported_date)


def made_by(dataset: Dataset, milestone: int, as_of: Any) -> dict[str, pd.DataFrame]:
    """One frame of each function that makes frames for charts, of one dataset."""
    calls: dict[str, Callable[[], pd.DataFrame]] = {
        name: lambda name=name: getattr(ra, name)(dataset, as_of=as_of)  # type: ignore[misc]
        for name in {maker.name for makers in MAKERS.values() for maker in makers}
    }
    calls["burndown"] = lambda: ra.burndown(dataset, milestone, as_of=as_of)
    calls["milestone_timeline"] = lambda: ra.milestone_timeline(dataset, milestone, as_of=as_of)
    calls["slip_per_revision"] = lambda: ra.slip_per_revision(ra.slippage(dataset, as_of=as_of))
    return {name: call() for name, call in calls.items()}


def test_every_chart_says_what_it_draws() -> None:
    assert {name for name in ra.__all__ if name.startswith("plot_")} == set(MAKERS)


@pytest.mark.parametrize("plot", sorted(MAKERS))
def test_only_the_right_frame_is_drawn(plot: str, frames: dict[str, pd.DataFrame]) -> None:
    makers = {maker.name for maker in MAKERS[plot]}
    for name, frame in frames.items():
        if name in makers:
            plt.close(getattr(ra, plot)(frame).figure)
            continue
        with pytest.raises(ConfigurationError, match=rf"{plot}: expected a frame as ra\.") as error:
            getattr(ra, plot)(frame)
        assert all(f"ra.{maker}(...)" in str(error.value) for maker in makers)


@pytest.mark.parametrize("wrong", [None, "burndown", [1, 2], pd.DataFrame()])
def test_what_is_no_frame_is_said_too(wrong: object) -> None:
    with pytest.raises(ConfigurationError, match=r"plot_burndown: .*ra\.burndown\(\.\.\.\)"):
        ra.plot_burndown(wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"plot_slippage: .* or ra\.milestone_slippage"):
        ra.plot_slippage(frame=wrong)  # type: ignore[arg-type]


def test_lost_attrs_are_named() -> None:
    frame = ra.lead_times(eight_issues().dataset(), as_of=AS_OF)
    frame.attrs.clear()
    with pytest.raises(ConfigurationError, match=r"lost its attrs \(closed_only_median_days, med"):
        ra.plot_lead_times(frame)


def drawn(plot: str, frame: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    figure = getattr(ra, plot)(frame).figure
    figure.savefig(file, format="png", dpi=60)
    plt.close(figure)
    return file.getvalue()


PAIRS = [(plot, maker) for plot, makers in MAKERS.items() for maker in makers]
NAMES = [f"{plot}-{maker.name}" for plot, maker in PAIRS]


BARS = {"plot_progress", "plot_attribution", "plot_forecast", "plot_future", "plot_duties"}
"""Charts of one bar or row each: whoever sorts the frame chooses their order."""


@pytest.mark.parametrize(("plot", "maker"), PAIRS, ids=NAMES)
def test_another_order_index_or_type_of_the_same_rows_draws_the_same(
    plot: str, maker: Maker, simulated_frames: dict[str, pd.DataFrame]
) -> None:
    frame = simulated_frames[maker.name]
    assert len(frame) > 1
    order = range(len(frame)) if plot in BARS else np.random.default_rng(1).permutation(len(frame))
    changed = frame.iloc[list(order)].astype(object).set_axis([0] * len(frame))
    assert drawn(plot, changed) == drawn(plot, frame)


@pytest.mark.parametrize(("plot", "maker"), PAIRS, ids=NAMES)
def test_rows_of_two_frames_are_not_drawn_as_one(
    plot: str, maker: Maker, simulated_frames: dict[str, pd.DataFrame]
) -> None:
    frame = simulated_frames[maker.name]
    both = pd.concat([frame, frame])
    if plot in BARS - {"plot_duties"}:
        return  # one more bar beside the others: nothing is said that is wrong
    with pytest.raises(ConfigurationError, match=rf"{plot}: .* with several rows of \w+ .*ra\."):
        getattr(ra, plot)(both)


@pytest.mark.parametrize(("plot", "maker"), PAIRS, ids=NAMES)
def test_a_frame_that_was_a_text_file_is_drawn_as_before_or_refused(
    plot: str, maker: Maker, simulated_frames: dict[str, pd.DataFrame]
) -> None:
    frame = simulated_frames[maker.name]
    read = pd.read_csv(io.StringIO(frame.to_csv(index=False)))
    read.attrs = frame.attrs
    days = [name for name in maker.columns if frame[name].dtype.kind == "M"]
    if days:
        with pytest.raises(ConfigurationError, match=rf"column ({'|'.join(days)}) holds .* days"):
            getattr(ra, plot)(read)
        read = read.astype({name: frame[name].dtype for name in days})
    if maker.lists or maker.full:
        with pytest.raises(ConfigurationError, match=r"column (issues|roles) h"):
            getattr(ra, plot)(read)
        return
    assert drawn(plot, read) == drawn(plot, frame)
