"""Which function makes the frame that each chart draws, and an error where it is another one.

Without this check a wrong frame ends in a KeyError somewhere in the drawing, or draws nonsense: the
rows of several milestones, given to the chart of one, make one zigzag line.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

from roadmap_analytics.errors import ConfigurationError


class Maker(NamedTuple):
    """A function that makes frames for a chart, and how these differ from others."""

    name: str
    columns: tuple[str, ...]  # that the chart reads
    without: tuple[str, ...] = ()  # that only a frame of another function has
    attrs: tuple[str, ...] = ()  # that the chart reads; pandas drops them in a merge, for example


_BY_DAY = ("date", "scope", "completed", "remaining", "added", "removed", "ideal", "overdue")
_BURNDOWN = Maker("burndown", _BY_DAY, without=("milestone_id",))
_BURNDOWNS = Maker("burndowns", ("milestone_id", "title", "days_to_due", *_BY_DAY))
_SLIPPAGE = Maker(
    "slippage",
    ("item", "revision", "title", "target_start_date", "target_date", "slip_days", "status"),
)
_CAUSES = ("moved_days", "plan_days", "carried_in_days", "scope_days", "pace_days")

MAKERS: dict[str, tuple[Maker, ...]] = {
    "plot_burndown": (_BURNDOWN,),
    "plot_burnup": (_BURNDOWN,),
    "plot_burndowns": (_BURNDOWNS,),
    "plot_compared": (_BURNDOWNS,),
    "plot_progress": (
        Maker(
            "milestone_progress",
            ("title", "scope", "completed", "remaining", "without_measure", "due_date", "days_left",
             "overdue"),
        ),
    ),
    "plot_planned": (Maker("planned_work", ("week_date", "closed_planned", "complete")),),
    "plot_future": (Maker("future_work", ("shelf", "kind", "issues", "oldest_days")),),
    "plot_workload": (
        Maker("workload_by_milestone", ("person", "milestone_id", "milestone", "open_issues")),
    ),
    "plot_workload_history": (Maker("workload_history", ("date", "person", "open_issues")),),
    "plot_workload_plan": (
        Maker("workload_plan", ("person", "week", "planned_hours", "overdue_hours", "level")),
    ),
    "plot_duties": (Maker("duties", ("key", "title", "person", "roles", "remark", "carried")),),
    "plot_timeline": (
        Maker("milestone_timeline", ("date", "step", "amount", "issues", "remaining", "due_date")),
    ),
    "plot_slippage": (
        _SLIPPAGE,
        Maker("milestone_slippage", ("milestone_id", "title", "observed_at", "due_date")),
    ),
    "plot_lifecycle": (Maker("slippage", ("item", "revision", "title", "status")),),
    "plot_slip_per_revision": (
        Maker("slip_per_revision", ("revision", "median_slip_days", "later", "earlier", "kept")),
    ),
    "plot_forecast": (
        Maker(
            "forecast",
            ("title", "remaining", "due_date", "p50_date", "p85_date", "p95_date",
             "chance_by_due_date", "note"),
            attrs=("as_of",),
        ),
    ),
    "plot_backtest": (
        Maker("backtest", ("quantile", "forecasts", "coverage", "low", "high")),
    ),
    "plot_lead_times": (
        Maker(
            "lead_times",
            ("days", "still_open", "low", "high"),
            attrs=("median_days", "closed_only_median_days"),
        ),
    ),
    "plot_throughput": (
        Maker("throughput", ("week_date", "closed", "whole"), attrs=("per_week",)),
    ),
    "plot_attribution": (
        Maker("attribution", ("title", "slip_days", "finished", "largest_part", *_CAUSES)),
    ),
}  # fmt: skip
"""Chart to the functions whose frames it draws."""


def checked(plot: str, frame: Any) -> None:
    """Raise where a chart is given a frame that none of its functions makes.

    Raises
    ------
    ConfigurationError
        Naming the chart, what is missing, and the function that makes the right frame.

    Examples
    --------
    >>> checked("plot_burndown", pd.DataFrame({"person": ["ada"]}))
    Traceback (most recent call last):
    roadmap_analytics.errors.ConfigurationError: plot_burndown: expected a frame as ra.burndown \
returns it, got one with the columns person; call ra.burndown(...) and pass its result
    """
    makers = MAKERS.get(plot)
    if makers is None:
        return  # a chart of someone's own that uses the package's style
    wanted = " or ".join(f"ra.{maker.name}" for maker in makers)
    expected = f"{plot}: expected a frame as {wanted} returns it, got"
    call = f"call {' or '.join(f'ra.{maker.name}(...)' for maker in makers)} and pass its result"
    if not isinstance(frame, pd.DataFrame):
        raise ConfigurationError(f"{expected} a {type(frame).__name__}; {call}")
    fits = [
        maker
        for maker in makers
        if not set(maker.columns) - set(frame.columns) and not set(maker.without) & set(frame)
    ]
    if not fits:
        raise ConfigurationError(f"{expected} {_described(frame)}; {call}")
    # An empty frame is drawn as "nothing to show", which needs no attrs.
    lost = sorted(set(fits[0].attrs) - frame.attrs.keys()) if len(frame) else []
    if lost:
        raise ConfigurationError(
            f"{expected} one that has lost its attrs ({', '.join(lost)}), as happens in a merge or "
            f"concat; {call}"
        )


def _described(frame: pd.DataFrame) -> str:
    names = [str(name) for name in frame.columns]
    if not names:
        return "one without columns"
    return f"one with the columns {', '.join(names[:6])}{' ...' if len(names) > 6 else ''}"
