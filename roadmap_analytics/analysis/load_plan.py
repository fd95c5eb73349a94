"""Workload ahead: remaining hours spread over working days up to due dates, per person and week."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from roadmap_analytics.analysis.days import AsOf, dates_of, day64, working_days
from roadmap_analytics.analysis.lookup import known_person
from roadmap_analytics.analysis.view import View
from roadmap_analytics.analysis.workload import (
    UNASSIGNED,
    Split,
    held_issues,
    shares,
)
from roadmap_analytics.arguments import number, one_of, short
from roadmap_analytics.errors import ConfigurationError
from roadmap_analytics.frames import Dataset

_AMOUNTS = ["planned_hours", "overdue_hours", "assumed_hours", "capacity_hours"]
_AHEAD = 104  # weeks; a due date of 9999-12-31 means "never", and asks for no million of weeks


def workload_plan(
    dataset: Dataset,
    *,
    as_of: AsOf,
    timezone: str | None = None,
    split: Split = "equal",
    types: Iterable[str] | str | None = None,
    hours_per_day: float = 6.0,
    low: float = 0.5,
    high: float = 1.0,
    absences: Mapping[str, Iterable[tuple[str, str]]] | None = None,
) -> pd.DataFrame:
    """Spread what remains over the working days up to its due date, per person and week.

    Parameters
    ----------
    dataset : Dataset
        Its ``[calendar]`` gives workdays, holidays and holiday periods.
    as_of : date or aware timestamp
        Nothing after it matters; the first day planned is the next one.
    timezone, split, types
        As in `workload`; shares by default, since the same hour is worked once.
    hours_per_day : float
        Capacity of a person on a working day, in hours.
    low, high : float
        Up to `low` times the capacity a week is ``low``, above `high` times it is ``high``.
    absences : mapping of person to (first day, last day) pairs, optional
        Days, as 2025-07-08 writes them, on which a person does not work.

    Returns
    -------
    DataFrame
        One row per person and week (that ends on Sunday) up to the week of the person's last due
        date, at most two years ahead, sorted by (person, week): `person`, `week` (its Sunday),
        `planned_hours`, `overdue_hours` (due by `as_of`: all on the next working day, not part of
        `planned_hours`), `assumed_hours` (the part of both that rests on medians),
        `capacity_hours` (of the week's working days after `as_of`; 0 for unassigned), `level`
        (low, normal, high; unassigned, which has no capacity).
        ``attrs["undated_hours"]``: per person, what has no due date and stands in no week.
        ``attrs["beyond_hours"]``: per person, what falls after the last of these two years.
        ``attrs["later_hours"]``: per week (its Sunday, as 2025-03-09), what everybody has planned
        after it, `beyond_hours` included.

    Raises
    ------
    ConfigurationError
        For an unknown `split`, zone, thresholds out of order, or an absence that is no pair of
        days in order.

    Notes
    -----
    After Redmine's workload plugins: even spread over working days from the later of tomorrow and
    the start date to the due date (the issue's, else its milestone's). An issue without estimate
    counts as the person's own median of hours spent on closed issues, else the median of
    everybody's, else as one working day.
    """
    one_of("split", split, Split)
    number("hours_per_day", hours_per_day, 0, 24)
    number("high", high, 0, 100)
    number("low", low, 0, high)
    view = View.of(dataset, as_of, timezone, types)
    work = _work(view, split, hours_per_day)
    away = _away(view, {} if absences is None else absences)
    dated = work[work["due"].notna().to_numpy() & (work["hours"] > 0).to_numpy()]
    weeks, beyond = [], {}
    for person, mine in dated.groupby("person", sort=True):
        calendar = working_days(dataset, away.get(str(person), []))
        capacity = 0.0 if person == UNASSIGNED else hours_per_day
        frame, beyond[str(person)] = _by_week(mine, view, calendar, capacity)
        weeks.append(frame.assign(person=person))
    empty = pd.DataFrame(columns=["person", "week", *_AMOUNTS])
    frame = (pd.concat(weeks, ignore_index=True) if weeks else empty)[list(empty.columns)]
    kinds = {"person": "str", "week": "datetime64[us]", **dict.fromkeys(_AMOUNTS, "float64")}
    frame = frame.astype(kinds)
    load, room = frame["planned_hours"] + frame["overdue_hours"], frame["capacity_hours"]
    frame["level"] = np.select(
        [frame["person"] == UNASSIGNED, load > room * high, load > room * low],
        ["unassigned", "high", "normal"],
        "low",
    )
    frame["level"] = frame["level"].astype("str")
    undated = work[work["due"].isna().to_numpy()].groupby("person")["hours"].sum().round(2)
    return view.result(
        frame, split=split, unit="hours",
        undated_hours={str(person): float(hours) for person, hours in undated.items()},
        beyond_hours={person: hours for person, hours in beyond.items() if hours},
        later_hours=_later(frame, sum(beyond.values())),
    )  # fmt: skip


def _away(view: View, absences: Mapping[str, Iterable[tuple[str, str]]]) -> dict[str, list[Any]]:
    """Return the days on which each person is away, by handle."""
    if not isinstance(absences, Mapping):
        raise ConfigurationError(
            "absences: expected handles with pairs of days such as {'ada': [('2025-07-08', "
            f"'2025-07-11')]}}, got {short(absences)}"
        )
    away = {
        person: [day for span in spans or () for day in _days_away(person, span)]
        for person, spans in absences.items()
    }
    for person in away:
        known_person(view.dataset, person)
    return away


def _later(frame: pd.DataFrame, beyond: float) -> dict[str, float]:
    """Return the hours planned after each week, by everybody."""
    weekly = frame.groupby("week")["planned_hours"].sum()
    after = weekly[::-1].cumsum()[::-1] - weekly + beyond
    # Not `strftime`, which knows no year after 9999.
    weeks = np.datetime_as_string(after.index.to_numpy(), unit="D")
    return {str(week): round(float(hours), 2) for week, hours in zip(weeks, after, strict=True)}


def _work(view: View, split: str, one_day: float) -> pd.DataFrame:
    """Return one row per open issue and holder: hours, whether assumed, overdue, first day, due."""
    held = held_issues(view)
    medians = _median_hours(held, one_day)
    held = held[(held["state"] == "opened").to_numpy()].reset_index(drop=True)
    assumed = (held["time_estimate_hours"] == 0).to_numpy()
    hours = held["remaining_hours"].where(~assumed, held["person"].map(medians).astype(float))
    return pd.DataFrame(
        {
            "person": held["person"],
            "hours": (hours * shares(held, split)).to_numpy(),
            "assumed": assumed,
            "overdue": (held["due"] <= view.day).to_numpy(),
            "first": held["start_date"].to_numpy(),
            "due": held["due"].to_numpy(),
        }
    )


def _days_away(person: str, span: tuple[str, str]) -> pd.DatetimeIndex:
    wrong = f"workload_plan: absences of {person!r}: expected "
    try:
        first, last = (dt.date.fromisoformat(str(day)) for day in span)
    except (TypeError, ValueError):
        pairs = f"pairs of days such as ('2025-07-08', '2025-07-11'), got {span!r}"
        raise ConfigurationError(wrong + pairs) from None
    if last < first:
        raise ConfigurationError(f"{wrong}the first day before the last, got {span!r}")
    return pd.date_range(first, last)


def _median_hours(held: pd.DataFrame, one_day: float) -> dict[Any, float]:
    """Return each holder's median of hours spent per closed issue, or the best there is."""
    done = held[(held["state"] == "closed").to_numpy() & (held["time_spent_hours"] > 0).to_numpy()]
    everybody = done["time_spent_hours"].median()
    fallback = one_day if np.isnan(everybody) else float(everybody)
    own = done.groupby("person")["time_spent_hours"].median()
    return own.reindex(held["person"].unique()).fillna(fallback).to_dict()


def _by_week(
    work: pd.DataFrame, view: View, calendar: np.busdaycalendar, capacity: float
) -> tuple[pd.DataFrame, float]:
    """Spread one person's work over working days and add it up by week.

    Returns the weeks, and the hours that fall after the last one shown.
    """
    tomorrow = day64(view.day) + 1
    start, due = dates_of(work["first"]), dates_of(work["due"])
    overdue, assumed = work["overdue"].to_numpy(), work["assumed"].to_numpy()
    start = np.where(np.isnat(start) | (start < tomorrow), tomorrow, start)
    start = np.busday_offset(start, 0, roll="forward", busdaycal=calendar)
    due = np.busday_offset(due, 0, roll="backward", busdaycal=calendar)
    due = np.where(overdue | (due < start), start, due)  # overdue: all on the next working day
    count = np.busday_count(start, due + 1, busdaycal=calendar)
    per_day = work["hours"].to_numpy() / count

    # To the Sunday of the last week: its capacity is the week's, whenever the work in it is due.
    farthest = view.last + 7 * _AHEAD
    sunday = np.busday_offset(min(due.max(), farthest), 0, "forward", weekmask="Sun")
    days = np.arange(tomorrow, sunday + 1)
    days = days[np.is_busday(days, busdaycal=calendar)]
    first, after = np.searchsorted(days, start), np.searchsorted(days, due, side="right")

    def by_day(rows: Any) -> Any:
        """Sum hours per day: + where an issue's days begin, - where they end, then running sums."""
        change = np.zeros(len(days) + 1)
        np.add.at(change, first[rows], per_day[rows])
        np.add.at(change, after[rows], -per_day[rows])
        return np.cumsum(change)[:-1]

    frame = pd.DataFrame(
        {
            "planned_hours": by_day(~overdue),
            "overdue_hours": by_day(overdue),
            "assumed_hours": by_day(assumed),
            "capacity_hours": capacity,
        },
        index=pd.DatetimeIndex(days),
    )
    weekly = frame.resample("W-SUN").sum().round(4).rename_axis("week").reset_index()
    beyond = (per_day * (count - (after - first))).sum()
    return weekly, round(float(beyond), 2)
