"""A chart that is given a wrong frame says which function makes the right one."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import pytest
from matplotlib import pyplot as plt

import roadmap_analytics as ra
from roadmap_analytics.charts._inputs import MAKERS
from roadmap_analytics.errors import ConfigurationError
from tests.eight_issues import AS_OF, HARVEST, eight_issues


@pytest.fixture(scope="module")
def frames() -> dict[str, pd.DataFrame]:
    """One frame of each function that makes frames for charts."""
    dataset = eight_issues().dataset()
    calls: dict[str, Callable[[], pd.DataFrame]] = {
        name: lambda name=name: getattr(ra, name)(dataset, as_of=AS_OF)  # type: ignore[misc]
        for name in {maker.name for makers in MAKERS.values() for maker in makers}
    }
    calls["burndown"] = lambda: ra.burndown(dataset, HARVEST, as_of=AS_OF)
    calls["milestone_timeline"] = lambda: ra.milestone_timeline(dataset, HARVEST, as_of=AS_OF)
    calls["slip_per_revision"] = lambda: ra.slip_per_revision(ra.slippage(dataset, as_of=AS_OF))
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
