"""When will it be over, how sure is that, and what does that rest on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias, cast

import numpy as np
import pandas as pd

from roadmap_analytics.analysis.days import AsOf, Days, Floats, Ints, day_numbers
from roadmap_analytics.analysis.forecast import futures, words
from roadmap_analytics.analysis.forecast.calibration import (
    Asked,
    History,
    Lessons,
    history_of,
    pace_of,
    unevenness,
)
from roadmap_analytics.analysis.forecast.futures import Pace
from roadmap_analytics.analysis.forecast.targets import Flows, Target, stays_of, targets_of
from roadmap_analytics.analysis.lookup import MilestoneRef
from roadmap_analytics.analysis.stays import Stays
from roadmap_analytics.analysis.view import View
from roadmap_analytics.arguments import one_of
from roadmap_analytics.frames import Dataset

Outcome: TypeAlias = Literal["closed", "emptied"]

QUANTILES = {"p50_date": 0.50, "p85_date": 0.85, "p95_date": 0.95}
MIN_LEFT, MIN_DAYS = 3, 14  # own days alone: less than that is no ground for a date
_NAT = np.datetime64("NaT", "D")
_DAY = np.timedelta64(1, "D")
_FAR = "over ten years ahead"


def forecast(
    dataset: Dataset,
    milestone: MilestoneRef | None = None,
    *,
    as_of: AsOf,
    seed: int | None = None,
    person: str | None = None,
    item: str | None = None,
    horizon: bool = False,
    outcome: Outcome = "closed",
    timezone: str | None = None,
    types: Iterable[str] | str | None = None,
    past: pd.DataFrame | Literal["dataset"] | None = "dataset",
) -> pd.DataFrame:
    """Forecast when milestones will be over.

    Parameters
    ----------
    dataset : Dataset
    milestone : int or str, or several, optional
        Id, title or web address. Without any target: every active milestone that is no draft.
    as_of : date or aware timestamp
        A date means the end of that day in `timezone`. Nothing after it matters.
    seed : int, optional
        Changes nothing: the forecast is computed, not drawn.
    person : str, optional
        Instead: the issues assigned to this person.
    item : str, optional
        Instead: a roadmap item, by key or title, through the milestones it refers to.
    horizon : bool
        Instead: all active milestones that are no drafts, together.
    outcome : {"closed", "emptied"}
        What is forecast: that nothing is open any more or the milestone is closed, as many are
        with work left; or only that nothing is open any more.
    timezone : str, optional
        IANA name of the zone whose days are meant; by default that of the dataset, else UTC.
    types : str or list of str, optional
        Work item types to count; all by default.
    past : "dataset", DataFrame or None
        By default dates rest on the earlier milestones of the dataset as well; what `backtest`
        returns gives the same. None: on the target's own days alone.

    Returns
    -------
    DataFrame
        One row per target, milestones sorted by id:

        - `milestone_id` (NA for a person, an item of several milestones, the horizon), `title`
        - `remaining`: issues open at `as_of`
        - `due_date`: as known at `as_of` (of an item the latest of its milestones)
        - `p50_date`, `p85_date`, `p95_date`: it is over by then with so many percent probability.
          NaT where the date lies over ten years ahead, the milestone was closed already, no issue
          was ever open in it, or own days alone are asked for and tell too little; `note` says
          which. Where nothing remains, the day of `as_of`.
        - `chance_by_due_date`: probability that it is over by the due date; NA without one
        - `rests_on`: what the dates rest on, in words; NA without dates
        - `changes_most`: what would bring the 50 % date forward most, in words
        - the inputs: `window_start_date` (the first day counted), `window_days`, `closed` and
          `removed` (left it since), `added` (came into it open, reopened ones included),
          `pace_per_week` (issues that leave it; a past day counts half as much for every 45 days),
          `growth_per_week` (issues that come), `day_off_share` (what a weekend day or holiday
          counts of a working day), `uneven` (variance of the pace over that of an even one),
          `earlier_milestones` (ended ones the dates rest on; NA: own days alone)
        - `outcome`: which of the two is forecast
        - `emptied_date`: for a target with nothing left, since when
        - `note`: why there is no date, or that it is done; else NA

        `attrs` holds, for a single target, its history and the fan of its future, for the chart.

    Raises
    ------
    UnknownNameError
        Where a target fits none or several.
    ConfigurationError
        For more than one kind of target, or an unknown outcome or past.

    Notes
    -----
    docs/forecast.md describes the method on one page. People and the horizon are never closed, and
    of an item of several milestones it is not known how: their dates rest on own days alone.

    A person's work on several milestones is not known to the forecast of one of them.

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> forecast(Dataset({}), as_of="2025-03-10").columns.tolist()[:4]
    ['milestone_id', 'title', 'remaining', 'due_date']
    """
    one_of("outcome", outcome, Outcome)
    if not isinstance(past, pd.DataFrame):
        one_of("past", past, Literal["dataset", None])
    view = View.of(dataset, as_of, timezone, types)
    targets = targets_of(view, milestone, person, item, horizon)
    frame = forecast_targets(view, targets, outcome=outcome, calibrated=past is not None)
    if milestone is None and person is None and item is None and not horizon:
        # Whether those were closed that no export had seen by then was not known.
        known = view.milestones
        seen = known.loc[(known["observed_at"] < view.at).to_numpy(), "milestone_id"]
        kept = frame["milestone_id"].isin(seen) | (frame["remaining"] > 0)
        frame = frame[kept.to_numpy(bool)].reset_index(drop=True)
    return frame


class Answer(NamedTuple):
    """Forecasts of several targets."""

    pace: Pace
    left: Floats  # probability of not being over: a row per target, a column per day of `GRID`
    uneven: Floats


def answers(
    flows: Flows,
    exposure: Any,
    asked: Asked,
    lessons: Lessons | None,
    outcome: str,
    *,
    fewer: Floats | float = 0.0,
    yet: float = futures.YET,
) -> Answer:
    """Forecast targets from their own days and, where there are any, from the lessons.

    `fewer` issues than are open, or no new work (`yet`), answer "what if".
    """
    pace = pace_of(flows, exposure, asked)
    tests = unevenness(flows, exposure, asked)
    uneven = tests.factor(lessons.uneven if lessons is not None else 1.0)
    quiet = exposure.quiet(asked.day)
    # Before its start date a milestone is not worked on.
    start = np.maximum(asked.begun, asked.day)
    ahead = exposure.ahead(asked.day, quiet) - exposure.between(asked.day, start, quiet)[:, None]
    left = futures.work_left(
        pace, asked.remaining - fewer, futures.GRID, ahead.clip(min=0), uneven, yet
    )
    if lessons is not None:
        left = left ** lessons.slower(asked.group)[:, None]
        left = lessons.not_emptied(asked, pace, left)
        if outcome == "closed":
            left = left * lessons.not_closed(asked, pace)
    return Answer(pace, left, uneven)


def dates_after(day: Any, left: Floats) -> dict[str, Days]:
    """Return the whole days nearest to the quantiles; NaT beyond the reach."""
    found = {}
    for name, level in QUANTILES.items():
        days = futures.days_at(left, level)
        known = np.isfinite(days)
        whole = np.maximum(1, np.round(np.where(known, days, 1))).astype(np.int64)
        found[name] = np.where(known, day + whole, _NAT).astype("datetime64[D]")
    return found


def forecast_targets(
    view: View, targets: Sequence[Target], *, outcome: str = "closed", calibrated: bool = True
) -> pd.DataFrame:
    """Forecast any targets: one row each, in their order, as `forecast` returns them."""
    history = history_of(view)
    single = [t.milestones[0] if len(t.milestones) == 1 else -1 for t in targets]
    place = pd.Index(history.ids).get_indexer(pd.Index(single, dtype="int64"))
    rows: list[dict[str, Any]] = [{} for _ in targets]
    known, own = np.flatnonzero(place >= 0), np.flatnonzero(place < 0)
    if len(known):  # one milestone each: it is asked among all others, and learns from them
        some = [targets[int(row)] for row in known]
        lessons = history.latest if calibrated else None
        question = _Question(view, history, some, history.flows, place[known], lessons, outcome)
        for row, found in zip(known, _rows(question), strict=True):
            rows[row] = found
    if len(own):
        some = [targets[int(row)] for row in own]
        flows = Flows.of(stays_of(view, some))
        question = _Question(view, history, some, flows, np.arange(len(own)), None, outcome)
        for row, found in zip(own, _rows(question), strict=True):
            rows[row] = found
    attrs = {}
    if len(targets) == 1:
        attrs = {"fan": rows[0]["fan"]} if "fan" in rows[0] else {}
        attrs["history"] = _history(stays_of(view, targets)[0], view.last)
    return view.result(frame_of(rows, _TYPES), **attrs)


class _Question(NamedTuple):
    """Targets of which `flows` counts what came and left, each at its `place` there."""

    view: View
    history: History
    targets: Sequence[Target]
    flows: Flows
    place: Ints
    lessons: Lessons | None
    outcome: str

    def asked(self) -> Asked:
        day = np.full(len(self.targets), int(self.view.last.astype(np.int64)))
        start = np.array([t.start for t in self.targets], "datetime64[D]")
        due = np.array([t.due for t in self.targets], "datetime64[D]")
        born = self.flows.born[self.place]
        milestones = self.flows is self.history.flows
        group = self.history.group[self.place] if milestones else np.full(len(day), -1)
        seen = self.history.seen(self.place, day) if milestones else np.full(len(day), True)
        remaining = self.flows.remaining(self.place, day).astype(np.float64)
        return Asked(
            self.place, day, remaining, np.fmax(born, day_numbers(start)), day_numbers(due), group,
            seen,
        )  # fmt: skip


def _rows(question: _Question) -> list[dict[str, Any]]:
    """Return a row per target: with work left it is forecast, else the row says why not."""
    asked, flows, last = question.asked(), question.flows, question.view.last
    born = flows.born[question.place] <= asked.day
    rows, open_ones = [], []
    for place, target in enumerate(question.targets):
        row = _inputs(target, asked, flows, place, question.outcome)
        reason = _reason(target, row, bool(born[place]), question.lessons is not None)
        if born[place] and not row["remaining"]:
            row |= _done(flows, question.place[place], target, last)
        elif reason is not None:
            row["note"] = reason
            row["chance_by_due_date"] = 0.0 if born[place] and target.deadline <= last else None
        else:
            open_ones.append(place)
        rows.append(row)
    if open_ones:
        found = _answered(question, asked, np.array(open_ones))
        for place, values in zip(open_ones, found, strict=True):
            rows[place] |= values
    return rows


def _reason(target: Target, row: dict[str, Any], born: bool, calibrated: bool) -> str | None:
    """Say why there is no forecast; None where there is one."""
    if not born:
        return "no open issue has been in it"
    if target.closed and row["remaining"]:
        return f"closed; still open in it: {row['remaining']}"
    left, days = row["closed"] + row["removed"], row["window_days"]
    if not calibrated and row["remaining"] and (left < MIN_LEFT or days < MIN_DAYS):
        return (
            f"too little to go by: {left} issues done in {days} days "
            f"(needs {MIN_LEFT} in {MIN_DAYS})"
        )
    return None


def _inputs(target: Target, asked: Asked, flows: Flows, place: int, outcome: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "milestone_id": target.milestones[0] if len(target.milestones) == 1 else None,
        "title": target.title,
        "remaining": int(asked.remaining[place]),
        "due_date": target.due,
        "outcome": outcome,
    }
    # Slices: flows count for many questions at once, here for one.
    one, day = asked.place[place : place + 1], asked.day[place : place + 1]
    if flows.born[one[0]] > day[0]:
        return row
    before = np.minimum(asked.begun[place : place + 1].astype(np.int64), day - 1)

    def since(flow: Any) -> int:
        return int((flow.count(one, day) - flow.count(one, before))[0])

    left, closed = since(flows.left), since(flows.closed)
    return row | {
        "window_start_date": (before[0] + 1).astype("datetime64[D]"),
        "window_days": int(day[0] - before[0]),
        "closed": closed,
        "removed": left - closed,
        "added": 0 if asked.begun[place] > day[0] else since(flows.came),
    }


def _done(flows: Flows, place: int, target: Target, day: np.datetime64) -> dict[str, Any]:
    one, at = np.array([place]), np.array([day.astype(np.int64)])
    last = flows.left.day_of(one, flows.left.count(one, at) - 1)
    emptied = last.astype(np.int64)[0].astype("datetime64[D]")
    in_time = None if np.isnat(target.deadline) else float(emptied <= target.deadline)
    return dict.fromkeys(QUANTILES, day) | {
        "chance_by_due_date": in_time,
        "emptied_date": emptied,
        "note": "done: nothing is open",
    }


def _answered(question: _Question, asked: Asked, chosen: Ints) -> list[dict[str, Any]]:
    """Return the dates of some targets with work left, their chances, and what they rest on."""
    asked, day, lessons = asked.at(chosen), question.view.last, question.lessons
    flows, exposure = question.flows, question.history.exposure
    answer = answers(flows, exposure, asked, lessons, question.outcome)
    pace = answer.pace
    dates = dates_after(day, answer.left)
    deadlines = [question.targets[place].deadline for place in chosen]
    deadline = day_numbers(np.array(deadlines, "datetime64[D]"))
    chance = futures.share_over(answer.left, np.nan_to_num(deadline - asked.day))
    quiet = exposure.quiet(asked.day)
    # A usual week: the mean over a quarter ahead, in which holidays are few.
    week = exposure.between(asked.day, asked.day + 91, quiet) / 13
    middle = futures.days_at(answer.left, 0.5)
    # What if a quarter were moved out? Of a single issue nothing would be left to forecast.
    moved = np.ceil(asked.remaining / 4) * (asked.remaining > 1)
    ways = []
    for change in ({"yet": 0.0}, {"fewer": moved}):
        other = answers(flows, exposure, asked, lessons, question.outcome, **change)
        sooner = futures.days_at(other.left, 0.5)
        # Where neither has a date, both are inf: nothing comes earlier.
        ways.append(
            np.subtract(middle, sooner, out=np.zeros_like(middle), where=np.isfinite(sooner))
        )
    rows = []
    for place in range(len(asked.day)):
        row: dict[str, Any] = {name: column[place] for name, column in dates.items()}
        far = [name[:3] for name in QUANTILES if np.isnat(row[name])]
        earlier = None if lessons is None else lessons.earlier(asked, place)
        row |= {
            "chance_by_due_date": None if np.isnan(deadline[place]) else float(chance[place]),
            "pace_per_week": float(pace.rate[place] * week[place]),
            "growth_per_week": float(7 * pace.came[place]),
            "day_off_share": float(quiet[place]),
            "uneven": float(answer.uneven[place]),
            "earlier_milestones": None if earlier is None else earlier.ended,
            "rests_on": words.rests_on(
                int(asked.remaining[place]), pace, place, float(week[place]), earlier
            ),
            "changes_most": words.changes_most(
                int(asked.remaining[place]), int(moved[place]), float(ways[0][place]),
                float(ways[1][place]),
            ),
            "note": f"{', '.join(far)}: {_FAR}" if far else None,
        }  # fmt: skip
        rows.append(row)
    if len(rows) == 1:
        rows[0]["fan"] = _fan(answer.left[0], int(asked.remaining[0]), day)
    return rows


def _history(stay: Stays, day: np.datetime64, longest: int = 365) -> list[list[Any]]:
    """Return remaining work by day up to `day`, for the chart."""
    if not len(stay.came) or stay.came.min() > day:
        return []
    days = np.arange(max(stay.came.min(), day - longest), day + _DAY)
    counts = stay.remaining(days)
    return [[str(one), int(count)] for one, count in zip(days, counts, strict=True)]


FAN = (0.05, 0.15, 0.5, 0.85, 0.95)


def _fan(left: Floats, remaining: int, day: np.datetime64) -> list[list[Any]]:
    """Return straight ways from the work left now to its end at each level of `FAN`, by day.

    The level is that of the work left: little is left (5 %) where the end comes early.
    """
    ends = np.array([futures.days_at(left[None], level)[0] for level in FAN])
    ends = np.where(np.isfinite(ends), ends, futures.REACH_DAYS)
    days = np.arange(int(min(np.ceil(ends[-1]), 2 * 365)) + 1)
    ways = remaining * (1 - days[:, None] / np.maximum(ends, 0.5)).clip(min=0)
    return [[str(day + int(n)), *map(float, way)] for n, way in zip(days, ways, strict=True)]


_TYPES = {
    "milestone_id": "Int64",
    "title": "str",
    "remaining": "int64",
    "due_date": "datetime64[us]",
    **dict.fromkeys(QUANTILES, "datetime64[us]"),
    "chance_by_due_date": "float64",
    "rests_on": "str",
    "changes_most": "str",
    "window_start_date": "datetime64[us]",
    **dict.fromkeys(["window_days", "closed", "removed", "added"], "Int64"),
    **dict.fromkeys(["pace_per_week", "growth_per_week", "day_off_share", "uneven"], "float64"),
    "earlier_milestones": "Int64",
    "outcome": "str",
    "emptied_date": "datetime64[us]",
    "note": "str",
}


def frame_of(rows: list[dict[str, Any]], types: dict[str, str]) -> pd.DataFrame:
    """Make a frame of rows in which values may be missing; its types do not depend on them."""
    columns: dict[str, Any] = {}
    for name, kind in types.items():
        values = [row.get(name) for row in rows]
        if kind.startswith("datetime64"):
            columns[name] = np.array([_NAT if v is None else v for v in values], dtype=kind)
        else:
            columns[name] = pd.Series(values, dtype=cast("Any", kind))
    return pd.DataFrame(columns)
