"""Which function makes the frame that each chart draws, and an error where it is another one.

Without this check a wrong frame ends in a KeyError somewhere in the drawing, or draws nonsense: the
rows of several milestones, given to the chart of one, make one zigzag line. So do the right rows in
another order: charts over time get theirs in order of time.
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
    order: tuple[str, ...] = ()  # a line goes through the rows in this order
    grain: tuple[str, ...] = ()  # no two rows have the same values here
    lists: tuple[str, ...] = ()  # columns of tuples, which a text file turns into text
    full: tuple[str, ...] = ()  # columns of texts, empty ones too, which it turns into NaN


_BY_DAY = ("date", "scope", "completed", "remaining", "added", "removed", "ideal", "overdue")
_BURNDOWN = Maker("burndown", _BY_DAY, without=("milestone_id",), order=("date",), grain=("date",))
_BURNDOWNS = Maker(
    "burndowns",
    ("milestone_id", "title", "days_to_due", *_BY_DAY),
    order=("milestone_id", "date"),
    grain=("milestone_id", "date"),
)
_SLIPPAGE = Maker(
    "slippage",
    ("item", "revision", "title", "target_start_date", "target_date", "slip_days", "status"),
    order=("item", "revision"),
    grain=("item", "revision"),
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
    "plot_planned": (
        Maker(
            "planned_work",
            ("week_date", "closed_planned", "complete"),
            order=("week_date",),
            grain=("week_date",),
        ),
    ),
    "plot_future": (Maker("future_work", ("shelf", "kind", "issues", "oldest_days")),),
    "plot_workload": (
        Maker(
            "workload_by_milestone",
            ("person", "milestone_id", "milestone", "open_issues"),
            grain=("person", "milestone_id"),
        ),
    ),
    "plot_workload_history": (
        Maker(
            "workload_history",
            ("date", "person", "open_issues"),
            order=("date",),
            grain=("date", "person"),
        ),
    ),
    "plot_workload_plan": (
        Maker(
            "workload_plan",
            ("person", "week", "planned_hours", "overdue_hours", "level"),
            grain=("person", "week"),
        ),
    ),
    "plot_duties": (
        Maker(
            "duties",
            ("key", "title", "person", "roles", "remark", "carried"),
            grain=("key", "person"),
            full=("roles", "remark"),
        ),
    ),
    "plot_timeline": (
        Maker(
            "milestone_timeline",
            ("date", "step", "amount", "issues", "remaining", "due_date"),
            grain=("date", "step"),  # plot_timeline orders the steps of a day
            lists=("issues",),
        ),
    ),
    "plot_slippage": (
        _SLIPPAGE,
        Maker(
            "milestone_slippage",
            ("milestone_id", "title", "observed_at", "due_date"),
            order=("milestone_id", "observed_at"),
            grain=("milestone_id", "observed_at"),
        ),
    ),
    "plot_lifecycle": (
        Maker(
            "slippage",
            ("item", "revision", "title", "status"),
            order=("item", "revision"),
            grain=("item", "revision"),
        ),
    ),
    "plot_slip_per_revision": (
        Maker(
            "slip_per_revision",
            ("revision", "median_slip_days", "later", "earlier", "kept"),
            order=("revision",),
            grain=("revision",),
        ),
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
        Maker(
            "backtest", ("quantile", "forecasts", "coverage", "low", "high"), grain=("quantile",)
        ),
    ),
    "plot_lead_times": (
        Maker(
            "lead_times",
            ("days", "still_open", "low", "high"),
            attrs=("median_days", "closed_only_median_days"),
            order=("days",),
            grain=("days",),
        ),
    ),
    "plot_throughput": (
        Maker(
            "throughput",
            ("week_date", "closed", "whole"),
            attrs=("per_week",),
            order=("week_date",),
            grain=("week_date",),
        ),
    ),
    "plot_attribution": (
        Maker("attribution", ("title", "slip_days", "finished", "largest_part", *_CAUSES)),
    ),
}  # fmt: skip
"""Chart to the functions whose frames it draws."""


def checked(plot: str, frame: Any) -> Any:
    """Return the frame as a chart reads it, or raise where none of its functions makes such a one.

    Rows come in order of time where a line is drawn through them, and the index is that of a new
    frame. A column of objects that are all days, or all numbers, is one of days or numbers again:
    pandas makes objects of them where frames of several types were joined.

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
        return frame  # a chart of someone's own that uses the package's style
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
    maker = fits[0]
    # An empty frame is drawn as "nothing to show", whatever its types and attrs are.
    if frame.empty:
        return frame
    if lost := sorted(set(maker.attrs) - frame.attrs.keys()):
        raise ConfigurationError(
            f"{expected} one that has lost its attrs ({', '.join(lost)}), as happens in a merge or "
            f"concat; {call}"
        )
    frame = frame.infer_objects().reset_index(drop=True)
    if untyped := _untyped(frame, maker):
        raise ConfigurationError(
            f"{expected} one whose column {untyped}, as happens in read_csv; {call}, or keep it "
            "with to_parquet and read_parquet"
        )
    if maker.grain and (twice := frame.duplicated(list(maker.grain))).any():
        first = frame.loc[twice.idxmax(), list(maker.grain)]
        where = ", ".join(f"{name} {value}" for name, value in first.items())
        raise ConfigurationError(
            f"{expected} one with several rows of {where}, as happens in a concat; {call}"
        )
    if maker.order:
        frame = frame.sort_values(list(maker.order), kind="stable", ignore_index=True)
    return frame


def _untyped(frame: pd.DataFrame, maker: Maker) -> str | None:
    """Say which column does not have the type that its name promises."""
    for name in maker.columns:
        kind = frame[name].dtype.kind
        is_day = name in ("date", "week", "revision") or name.endswith(("_date", "_at"))
        if is_day and not name.startswith("chance_") and kind != "M":
            return f"{name} holds {frame[name].dtype} instead of days"
        if name in maker.lists and frame[name].map(lambda value: isinstance(value, str)).any():
            return f"{name} holds text instead of tuples"
        if name in maker.full and frame[name].isna().any():
            return f"{name} has missing values instead of empty texts"
    return None


def _described(frame: pd.DataFrame) -> str:
    names = [str(name) for name in frame.columns]
    if not names:
        return "one without columns"
    return f"one with the columns {', '.join(names[:6])}{' ...' if len(names) > 6 else ''}"
