"""Workload per person: now, over the past, ahead, and beside what the roadmap asks of them.

An issue with several assignees counts in full for each (`split="full"`) or in equal shares
(`split="equal"`, under which everything adds up to the totals). What nobody holds is a row of its
own. Everything follows from history: who held what, when, in which milestone.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from roadmap_analytics.analysis import replay
from roadmap_analytics.analysis.replay import AsOf, Bools, Ints
from roadmap_analytics.errors import ConfigurationError

if TYPE_CHECKING:
    from roadmap_analytics.frames import Dataset

__all__ = [
    "UNASSIGNED",
    "duties",
    "workload",
    "workload_by_milestone",
    "workload_history",
    "workload_plan",
]

Split: TypeAlias = Literal["full", "equal"]
Floats: TypeAlias = npt.NDArray[np.float64]
Names: TypeAlias = npt.NDArray[np.object_]

UNASSIGNED = "unassigned"
"""The row of issues that nobody holds."""

_DUTIES = {
    "drives": "driver",
    "maintains": "maintainer",
    "responsible_for": "responsible",
    "works_on": "work",
    "reviews": "review",
    "gives_input": "input",
    "contact_for": "contact",
}


def workload(
    dataset: Dataset,
    *,
    as_of: AsOf,
    timezone: str = "UTC",
    split: Split = "full",
    milestone: int | str | None = None,
    label: str | None = None,
    types: Iterable[str] | str | None = None,
    due_soon_days: int = 14,
    recent_days: int = 28,
) -> pd.DataFrame:
    """Tell what each person held at `as_of`, and what the roadmap asked of them.

    Parameters
    ----------
    dataset : Dataset
    as_of : date or aware timestamp
        A date means the end of that day in `timezone`. Nothing after it matters.
    timezone : str
        IANA name of the zone whose days are meant.
    split : {"full", "equal"}
        How an issue with several assignees counts: once for each, or in equal shares.
    milestone : int or str, optional
        Id, title or address: only issues that were in this milestone.
    label : str, optional
        Only issues that bore this label.
    types : str or list of str, optional
        Work item types to count; all by default.
    due_soon_days, recent_days : int
        How far ahead "due soon", how far back "recently" reaches, in calendar days.

    Returns
    -------
    DataFrame
        One row per person who held an open issue, closed or booked something recently, or had a
        duty; `unassigned` comes first, then the others by open issues (most first) and name:

        - `person`
        - `open_issues`, `open_weight` (no weight counts 0), `remaining_hours` (estimate less time
          spent, never below 0; no estimate counts 0), `without_estimate` (issues)
        - `overdue_issues`, `due_soon_issues`: by the issue's due date, else its milestone's
        - `milestones`: how many milestones these issues were in
        - `oldest_days`: age of the oldest open issue since it was opened; NA without one
        - `closed_recently`: issues closed in the last `recent_days` and still closed
        - `spent_hours_recently`: hours that this person booked on these issues in the last
      `recent_days` (never split)
        - `drives`, `maintains`, `responsible_for`, `works_on`, `reviews`, `gives_input`,
          `contact_for`: items or scopes in the roadmap revision valid at `as_of`. Duties are
          promises, not hours.

        Under ``split="equal"`` counts are real numbers and add up to the totals.

    Raises
    ------
    UnknownNameError
        Where `milestone` fits none or several.
    ConfigurationError
        For an unknown `split`, zone, or an `as_of` that is neither day nor instant.

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> workload(Dataset({}), as_of="2025-03-10")["person"].tolist()
    ['unassigned']
    """
    _known_split(split)
    at = replay.instant(as_of, timezone)
    today = replay.last_day(as_of, timezone)
    held = _held(dataset, at, milestone, label, types)
    share = held["share"] if split == "equal" else pd.Series(1.0, index=held.index)
    is_open = (held["state"] == "opened").to_numpy()
    due = held["due"]
    recent = replay.instant(today - pd.Timedelta(recent_days, "D"), timezone)
    amounts = pd.DataFrame(
        {
            "person": held["person"],
            "open_issues": share * is_open,
            "open_weight": share * is_open * held["weight"].astype("float64").fillna(0.0),
            "remaining_hours": share * is_open * held["remaining_hours"],
            "without_estimate": share * is_open * (held["time_estimate_hours"] == 0),
            "overdue_issues": share * is_open * (due < today),
            "due_soon_issues": share
            * is_open
            * ((due >= today) & (due <= today + pd.Timedelta(due_soon_days, "D"))),
            "closed_recently": share * (~is_open & (held["closed_at"] >= recent).to_numpy()),
        }
    )
    frame = amounts.groupby("person").sum()
    mine = held[is_open].groupby("person")
    frame["milestones"] = mine["milestone_id"].nunique()
    opened = pd.Series(replay.days_of(mine["created_at"].min(), timezone), list(mine.groups))
    frame["oldest_days"] = (today - opened).dt.days.astype("Int64")
    booked = _booked(dataset, held["issue_id"], recent, at).rename("spent_hours_recently")
    frame = frame.join(booked, how="outer").join(_asked(dataset, today), how="outer")
    worth = (frame.drop(columns=["milestones", "oldest_days"]).fillna(0) != 0).any(axis=1)
    frame = frame[worth | (frame.index == UNASSIGNED)]
    frame = frame.reindex(frame.index.union([UNASSIGNED]))
    frame = frame.fillna(dict.fromkeys(frame.columns.drop("oldest_days"), 0))
    whole = ["milestones", *_DUTIES]
    if split == "full":
        whole += list(amounts.columns.drop(["person", "remaining_hours"]))
    frame = frame.astype({**dict.fromkeys(whole, "int64"), "oldest_days": "Int64"})
    frame = frame.rename_axis("person").reset_index().astype({"person": "str"}).round(6)
    frame["first"] = frame["person"] != UNASSIGNED
    frame = frame.sort_values(["first", "open_issues", "person"], ascending=[True, False, True])
    columns = [
        *["person", "open_issues", "open_weight", "remaining_hours", "without_estimate"],
        *["overdue_issues", "due_soon_issues", "milestones", "oldest_days", "closed_recently"],
        *["spent_hours_recently", *_DUTIES],
    ]
    frame = frame[columns].reset_index(drop=True)
    frame.attrs.update(_described(dataset, today, split))
    return frame


def workload_by_milestone(
    dataset: Dataset,
    *,
    as_of: AsOf,
    timezone: str = "UTC",
    split: Split = "full",
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Tell in which milestones each person's open issues were at `as_of`.

    Returns
    -------
    DataFrame
        One row per person and milestone with open issues, sorted by (person, milestone_id):
        `person`, `milestone_id` (NA: in none), `milestone` (title; NA: in none), `due_date`,
        `open_issues`, `overdue_issues`, `remaining_hours`, counted as in `workload`.

    Raises
    ------
    ConfigurationError
        For an unknown `split`, zone, or an `as_of` that is neither day nor instant.
    """
    _known_split(split)
    at = replay.instant(as_of, timezone)
    today = replay.last_day(as_of, timezone)
    held = _held(dataset, at, None, None, types)
    held = held[(held["state"] == "opened").to_numpy()]
    share = held["share"] if split == "equal" else pd.Series(1.0, index=held.index)
    amounts = pd.DataFrame(
        {
            "person": held["person"],
            "milestone_id": held["milestone_id"].astype("Int64"),
            "open_issues": share,
            "overdue_issues": share * (held["due"] < today),
            "remaining_hours": share * held["remaining_hours"],
        }
    )
    frame = amounts.groupby(["person", "milestone_id"], dropna=False).sum().round(6).reset_index()
    if split == "full":
        frame = frame.astype({"open_issues": "int64", "overdue_issues": "int64"})
    known = replay.milestones_at(dataset, at).set_index("milestone_id")
    frame.insert(2, "milestone", _of(frame["milestone_id"], known["title"]))
    frame.insert(3, "due_date", _of(frame["milestone_id"], known["due_date"]))
    frame.attrs.update(_described(dataset, today, split))
    return frame


def _known_split(split: str) -> None:
    if split not in ("full", "equal"):
        raise ConfigurationError(f"split: expected 'full' or 'equal', got {split!r}")


def _described(dataset: Dataset, today: pd.Timestamp, split: str) -> dict[str, Any]:
    return replay.about(dataset, today.date()) | {"split": split, "unit": "issues"}


def _of(milestones: pd.Series[Any], values: pd.Series[Any]) -> pd.Series[Any]:
    """Look up what is known of each milestone id; NA where there is none."""
    ids = milestones.astype("Int64").fillna(-1).astype("int64")
    return values.reindex(ids).set_axis(milestones.index)


def _held(
    dataset: Dataset,
    at: pd.Timestamp,
    milestone: int | str | None,
    label: str | None,
    types: Iterable[str] | str | None,
) -> pd.DataFrame:
    """Give one row per issue and holder at an instant, with the issue's fields and its share."""
    state = replay.fields_at(dataset, at)
    state = state[state.index.isin(replay.in_scope(dataset, types)["issue_id"])]
    if milestone is not None:
        chosen = replay.find_milestone(dataset, milestone)
        state = state[(state["milestone_id"] == chosen).fillna(False).to_numpy(bool)]
    if label is not None:
        labels = replay.members_at(dataset, at, "label")
        state = state[state.index.isin(labels.loc[labels["value"] == label, "issue_id"])]
    due = replay.milestones_at(dataset, at).set_index("milestone_id")["due_date"]
    state["due"] = state["due_date"].fillna(_of(state["milestone_id"], due))
    remaining = state["time_estimate_hours"] - state["time_spent_hours"]
    state["remaining_hours"] = remaining.clip(lower=0)
    states = replay.intervals(dataset, "state", until=at)
    last = states[(states["value"] == "closed").to_numpy() & states["end_at"].isna().to_numpy()]
    state["closed_at"] = last.set_index("issue_id")["start_at"].reindex(state.index)
    people = replay.members_at(dataset, at).rename(columns={"value": "person"})
    held = state.reset_index().merge(people, on="issue_id", how="left")
    held["share"] = 1.0 / held.groupby("issue_id")["issue_id"].transform("size")
    held["person"] = held["person"].fillna(UNASSIGNED).astype("str")
    return held


def _booked(
    dataset: Dataset, issues: pd.Series[Any], since: pd.Timestamp, at: pd.Timestamp
) -> pd.Series[Any]:
    """Sum the hours that each actor added to the time spent on some issues in [since, at)."""
    events = replay.events_of(dataset, ["time_spent"], at)
    keep = (events["action"] == "add") & (events["at"] >= since) & events["actor"].notna()
    keep &= events["issue_id"].isin(issues)
    return events[keep.to_numpy()].groupby("actor")["number"].sum()


def _valid_revision(dataset: Dataset, today: pd.Timestamp) -> pd.Timestamp | None:
    """Give the newest roadmap revision dated at or before a day."""
    dates = dataset.revisions["revision"]
    dates = dates[(dates <= today).to_numpy()]
    return None if dates.empty else dates.max()


def _asked(dataset: Dataset, today: pd.Timestamp) -> pd.DataFrame:
    """Count each person's duties in the valid revision: one column per kind of duty."""
    asked = dataset.responsibilities
    asked = asked[(asked["revision"] == _valid_revision(dataset, today)).to_numpy(bool)]
    counts = pd.crosstab(asked["person"], asked["role"])
    return pd.DataFrame(
        {
            duty: counts[role] if role in counts else pd.Series(0, index=counts.index)
            for duty, role in _DUTIES.items()
        },
        index=counts.index,
    )


def workload_history(
    dataset: Dataset,
    *,
    as_of: AsOf,
    freq: Literal["D", "W"] = "W",
    since: AsOf | None = None,
    timezone: str = "UTC",
    split: Split = "full",
    milestone: int | str | None = None,
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Tell how many open issues each person held, day by day or week by week.

    Parameters
    ----------
    dataset : Dataset
    as_of : date or aware timestamp
        The last row. Nothing after it matters.
    freq : {"D", "W"}
        Days, or weeks that end on Sunday; the last, unfinished week ends at `as_of`.
    since : date, optional
        The first day; by default the day on which the first issue was opened.
    timezone, split, milestone, types
        As in `workload`. With `milestone`, only stays in that milestone count.

    Returns
    -------
    DataFrame
        One row per day (or week) and person who ever held something by then, sorted by
        (date, person), `unassigned` among them: `date` (last day of the span), `person`,
        `open_issues` at its end (the last row: at `as_of`), `arrivals` and `departures` within
        the span: open_issues = open_issues of the row before + arrivals - departures. The first
        row's arrivals hold all that came before. Under ``split="equal"`` (and without
        `milestone`) the sum over persons is the number of open issues.

    Raises
    ------
    UnknownNameError, ConfigurationError
        As in `workload`; also for an unknown `freq`.

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> workload_history(Dataset({}), as_of="2025-03-10").columns.tolist()
    ['date', 'person', 'open_issues', 'arrivals', 'departures']
    """
    _known_split(split)
    if freq not in ("D", "W"):
        raise ConfigurationError(f"freq: expected 'D' or 'W', got {freq!r}")
    at = replay.instant(as_of, timezone)
    today = replay.last_day(as_of, timezone)
    steps = _steps(dataset, at, split, milestone, types)
    names = steps.names
    columns = ["date", "person", "open_issues", "arrivals", "departures"]
    if since is not None:
        first = replay.last_day(since, timezone)
    elif len(steps.at):
        opened = pd.Timestamp(int(steps.at.min()), unit="us", tz="UTC")
        first = replay.last_day(opened, timezone)
    else:
        first = today
    dates = _grid(first, today, freq)
    # The last step of the grid is `as_of` itself; the others are ends of days.
    ends = replay.day_ends(pd.Series(dates[:-1]), timezone)
    bins = np.searchsorted(replay.ticks(ends), steps.at, side="right")
    shape = (len(dates), len(names))
    place = bins * len(names) + steps.person

    def per_cell(amount: Floats) -> Floats:
        cells = np.bincount(place, amount, shape[0] * shape[1])
        return np.asarray(cells, dtype=np.float64).reshape(shape)

    arrivals, departures = per_cell(steps.change.clip(min=0)), per_cell(-steps.change.clip(max=0))
    held = np.cumsum(arrivals - departures, axis=0)
    seen = np.cumsum(arrivals, axis=0) > 0
    frame = pd.DataFrame(
        {
            "date": np.repeat(dates.to_numpy(), shape[1]),
            "person": pd.Series(np.tile(np.asarray(names, dtype=object), shape[0]), dtype="str"),
            "open_issues": held.ravel().round(6) + 0.0,
            "arrivals": arrivals.ravel().round(6),
            "departures": departures.ravel().round(6),
        }
    )[seen.ravel()].reset_index(drop=True)
    if split == "full":
        frame = frame.astype(dict.fromkeys(columns[2:], "int64"))
    frame.attrs.update(_described(dataset, today, split), freq=freq)
    return frame


def _grid(first: pd.Timestamp, today: pd.Timestamp, freq: str) -> pd.DatetimeIndex:
    days = pd.date_range(min(first, today), today, freq="D" if freq == "D" else "W-SUN", unit="us")
    return pd.DatetimeIndex(days.union([today]))


class _Steps(NamedTuple):
    """Every change of what a person holds, in any order."""

    person: Ints  # place in `names`
    at: Ints  # ticks
    change: Floats  # signed share of one issue
    names: Names  # sorted


def _steps(
    dataset: Dataset,
    at: pd.Timestamp,
    split: str,
    milestone: int | str | None,
    types: Iterable[str] | str | None,
) -> _Steps:
    """Give every change of what a person holds before `at`.

    An issue's life is cut at every moment at which its state, assignees or milestone changed. From
    one cut to the next it is open or not, in the milestone or not, and held by n people, which
    makes the share of each. Who takes it gains that share, who gives it up loses it, and who holds
    it on sees it change at the cuts between.
    """
    cuts = _cuts(dataset, at, milestone, types)
    stays, names, nobody = _stays(dataset, cuts)
    many = len(cuts.issue) + 1  # a stay that lasts to the end ends where the next issue begins
    holders = np.cumsum(
        np.bincount(stays.came, minlength=many) - np.bincount(stays.left, minlength=many)
    )[:-1]
    fresh = replay.first_of(cuts.issue)

    def changes(amount: Floats) -> Floats:
        return amount - np.where(fresh, 0.0, np.roll(amount, 1))

    share = cuts.counts / (holders.clip(min=1) if split == "equal" else 1.0)
    change, unheld = changes(share), changes(np.where(holders == 0, share, 0.0))
    turns = np.flatnonzero(change)
    first = np.searchsorted(turns, stays.came, side="right")
    between = np.searchsorted(turns, stays.left, side="left") - first
    on = turns[np.repeat(first, between) + _counted(between)]
    gone, alone = stays.left[stays.ended], np.flatnonzero(unheld)
    person = [stays.person, np.repeat(stays.person, between), stays.person[stays.ended]]
    return _Steps(
        np.concatenate([*person, np.full(len(alone), nobody)]),
        cuts.at[np.concatenate([stays.came, on, gone, alone])],
        np.concatenate([share[stays.came], change[on], -share[gone - 1], unheld[alone]]),
        names,
    )


def _counted(lengths: Ints) -> Ints:
    """Count from 0 in runs of these lengths, one after another."""
    return np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)


class _Cuts(NamedTuple):
    """The moments at which something about an issue changed, sorted by issue and time."""

    issue: Ints
    at: Ints  # ticks
    counts: Bools  # from here on: open, and in the milestone where one is asked for
    event: Ints  # places of the events of assignees in `issue_events`
    cut: Ints  # the cut that each of those made


def _cuts(
    dataset: Dataset,
    at: pd.Timestamp,
    milestone: int | str | None,
    types: Iterable[str] | str | None,
) -> _Cuts:
    events = dataset.issue_events
    names = ["state", "assignee", *(["milestone"] if milestone is not None else [])]
    of = {name: (events["field"] == name).to_numpy() for name in names}
    rows = replay.in_order(events, np.logical_or.reduce(list(of.values())), at)
    hidden = dataset.issues["issue_id"].to_numpy()[~replay.scope_mask(dataset, types)]
    rows = rows[~replay.among(events["issue_id"].to_numpy()[rows], hidden)]
    issue, when = events["issue_id"].to_numpy()[rows], replay.ticks(events["at"])[rows]
    last = np.flatnonzero(replay.last_of(issue, when))
    places = np.arange(len(rows))
    began = np.maximum.accumulate(np.where(replay.first_of(issue), places, 0))[last]

    def holds(name: str, says: Bools) -> Bools:
        """Tell for each cut what the newest event of a field says; False before the first."""
        newest = np.maximum.accumulate(np.where(of[name][rows], places, -1))[last]
        return np.asarray(np.append(says, False)[np.where(newest >= began, newest, -1)])

    counts = holds("state", (events["value"] == "opened").to_numpy()[rows])
    if milestone is not None:
        chosen = replay.find_milestone(dataset, milestone)
        counts &= holds("milestone", replay.milestone_codes(events, rows) == chosen)
    named = of["assignee"][rows] & events["value"].notna().to_numpy()[rows]
    cut = np.cumsum(replay.first_of(issue, when)) - 1
    return _Cuts(issue[last], when[last], counts, rows[named], cut[named])


class _Stays(NamedTuple):
    """Who held an issue from which cut to which."""

    person: Ints
    came: Ints
    left: Ints  # the first cut of the next issue where the stay lasts to the end
    ended: Bools


def _stays(dataset: Dataset, cuts: _Cuts) -> tuple[_Stays, Names, int]:
    """Give the stays, the names of all holders, and the place of `UNASSIGNED` among them."""
    events = dataset.issue_events.iloc[cuts.event]
    nobody = pd.Series([UNASSIGNED], dtype="str")
    person, names = pd.factorize(pd.concat([events["value"], nobody]), sort=True)
    number = np.cumsum(replay.first_of(cuts.issue)) - 1
    key = number[cuts.cut] * len(names) + person[:-1]
    order = np.argsort(key, kind="stable")
    key, cut, held = key[order], cuts.cut[order], (events["action"] == "add").to_numpy()[order]

    settled = replay.last_of(key, cut)
    key, cut, held = key[settled], cut[settled], held[settled]
    turned = held != np.where(replay.first_of(key), False, np.roll(held, 1))
    key, cut, held = key[turned], cut[turned], held[turned]
    ended = ~replay.last_of(key)[held]
    ends = np.flatnonzero(replay.last_of(cuts.issue)) + 1
    left = np.where(ended, np.roll(cut, -1)[held], ends[key[held] // len(names)])
    return _Stays(key[held] % len(names), cut[held], left, ended), np.asarray(names), person[-1]


def workload_plan(
    dataset: Dataset,
    *,
    as_of: AsOf,
    timezone: str = "UTC",
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
        Its ``[calendar]`` gives workdays and holidays.
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
        date, sorted by (person, week): `person`, `week` (its Sunday), `planned_hours`,
        `overdue_hours` (due by `as_of`: all on the next working day, not part of
        `planned_hours`), `assumed_hours` (the part of both that rests on medians),
        `capacity_hours` (of the week's working days after `as_of`; 0 for unassigned), `level`
        (low, normal, high; unassigned, which has no capacity).
        ``attrs["undated_hours"]``: per person, what has no due date and stands in no week.

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
    _known_split(split)
    if not 0 <= low <= high:
        raise ConfigurationError(f"workload_plan: expected 0 <= low <= high, got {low} and {high}")
    at = replay.instant(as_of, timezone)
    today = replay.last_day(as_of, timezone)
    held = _held(dataset, at, None, None, types)
    medians = _median_hours(held, hours_per_day)
    held = held[(held["state"] == "opened").to_numpy()].reset_index(drop=True)
    assumed = (held["time_estimate_hours"] == 0).to_numpy()
    hours = held["remaining_hours"].where(~assumed, held["person"].map(medians).astype(float))
    hours = hours * (held["share"] if split == "equal" else 1.0)
    days = pd.DataFrame(
        {
            "person": held["person"],
            "hours": hours.to_numpy(),
            "assumed": assumed,
            "overdue": (held["due"] <= today).to_numpy(),
            "first": held["start_date"].to_numpy(),
            "due": held["due"].to_numpy(),
        }
    )
    dated = days[days["due"].notna().to_numpy() & (days["hours"] > 0).to_numpy()]
    away = {
        person: [day for span in spans for day in _days_away(person, span)]
        for person, spans in (absences or {}).items()
    }
    weeks = [
        _weeks(mine, person, away.get(str(person), []), today, dataset, hours_per_day)
        for person, mine in dated.groupby("person", sort=True)
    ]
    amounts = ["planned_hours", "overdue_hours", "assumed_hours", "capacity_hours"]
    frame = (
        pd.concat(weeks, ignore_index=True)
        if weeks
        else pd.DataFrame(columns=["person", "week", *amounts])
    ).astype({"person": "str", "week": "datetime64[us]", **dict.fromkeys(amounts, "float64")})
    load, room = frame["planned_hours"] + frame["overdue_hours"], frame["capacity_hours"]
    frame["level"] = np.select(
        [frame["person"] == UNASSIGNED, load > room * high, load > room * low],
        ["unassigned", "high", "normal"],
        "low",
    )
    frame["level"] = frame["level"].astype("str")
    undated = days[days["due"].isna().to_numpy()].groupby("person")["hours"].sum().round(2)
    frame.attrs.update(_described(dataset, today, split), unit="hours")
    frame.attrs["undated_hours"] = {str(k): float(v) for k, v in undated.items()}
    return frame


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
    """Give each holder's median of hours spent per closed issue, or the best there is."""
    done = held[(held["state"] == "closed").to_numpy() & (held["time_spent_hours"] > 0).to_numpy()]
    everybody = done["time_spent_hours"].median()
    fallback = one_day if np.isnan(everybody) else float(everybody)
    own = done.groupby("person")["time_spent_hours"].median()
    return own.reindex(held["person"].unique()).fillna(fallback).to_dict()


def _weeks(
    work: pd.DataFrame,
    person: Any,
    away: list[pd.Timestamp],
    today: pd.Timestamp,
    dataset: Dataset,
    hours_per_day: float,
) -> pd.DataFrame:
    """Spread one person's work over working days and add it up by week."""
    calendar = replay.working_days(dataset, away)
    tomorrow = np.datetime64(today, "D") + 1
    due = work["due"].to_numpy().astype("datetime64[D]")
    start = work["first"].to_numpy().astype("datetime64[D]")
    overdue = work["overdue"].to_numpy()
    start = np.where(np.isnat(start) | (start < tomorrow), tomorrow, start)
    start = np.busday_offset(start, 0, roll="forward", busdaycal=calendar)
    due = np.busday_offset(due, 0, roll="backward", busdaycal=calendar)
    due = np.where(overdue | (due < start), start, due)
    # To the Sunday of the last week: its capacity is the week's, whenever the work in it is due.
    days = np.arange(tomorrow, np.busday_offset(due.max(), 0, "forward", weekmask="Sun") + 1)
    days = days[np.is_busday(days, busdaycal=calendar)]
    count = np.busday_count(start, due + 1, busdaycal=calendar)
    per_day = work["hours"].to_numpy() / count
    lo, hi = np.searchsorted(days, start), np.searchsorted(days, due, side="right")

    def by_day(rows: Any) -> Any:
        change = np.zeros(len(days) + 1)
        np.add.at(change, lo[rows], per_day[rows])
        np.add.at(change, hi[rows], -per_day[rows])
        return np.cumsum(change)[:-1]

    frame = pd.DataFrame(
        {
            "planned_hours": by_day(~overdue),
            "overdue_hours": by_day(overdue),
            "assumed_hours": by_day(work["assumed"].to_numpy()),
            "capacity_hours": 0.0 if person == UNASSIGNED else hours_per_day,
        },
        index=pd.DatetimeIndex(days),
    )
    weekly = frame.resample("W-SUN").sum().round(4)
    return (
        weekly.rename_axis("week")
        .reset_index()
        .assign(person=person)[["person", "week", *frame.columns]]
    )


def duties(
    dataset: Dataset,
    *,
    as_of: AsOf,
    timezone: str = "UTC",
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Hold what the roadmap asks of people against the issues that they hold.

    Returns
    -------
    DataFrame
        One row per item and person of the roadmap revision valid at `as_of`, and one per person
        who holds open issues of an item's milestone without a duty there; sorted by item order
        and person: `key`, `title` (of the item), `person` (NA: nobody has a duty or an issue),
        `roles` (comma-separated; empty: none), `milestone_id` and `milestone` (NA: the item names
        none that is in the dataset), `held_issues` (open issues of that milestone that the
        person holds; NA without a milestone), `milestone_open` (all of its open issues),
        `carried` (somebody drives, maintains, answers for or works on this item), `driven`
        (somebody drives, maintains or answers for it), and `remark`: ``drives without holding
        any`` (though some are open), ``works without a driver`` (the item is not driven,
        in a revision that says of others who drives them),
        ``holds without a duty``, ``nobody`` (the item is not carried), or empty. Standing
        priorities that name nobody are left out.

    Notes
    -----
    Only what an item itself says counts: a driver of item 3 is not taken to drive 3.1. Where an
    item names several milestones, the first that the dataset knows is taken.

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> duties(Dataset({}), as_of="2025-03-10").empty
    True
    """
    at = replay.instant(as_of, timezone)
    today = replay.last_day(as_of, timezone)
    revision = _valid_revision(dataset, today)

    def valid(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[(frame["revision"] == revision).to_numpy(bool)]

    items = valid(dataset.roadmap_items).drop(columns="revision").reset_index(drop=True)
    items["place"] = np.arange(len(items))
    items["milestone_id"] = (
        items["key"].map(_item_milestones(dataset, at, revision)).astype("Int64")
    )
    known = replay.milestones_at(dataset, at).set_index("milestone_id")["title"]
    items["milestone"] = _of(items["milestone_id"], known)
    held = _held(dataset, at, None, None, types)
    held = held[(held["state"] == "opened").to_numpy() & held["milestone_id"].notna().to_numpy()]
    total = held.drop_duplicates("issue_id").groupby("milestone_id").size()
    items["milestone_open"] = _of(items["milestone_id"], total).astype("Int64")
    items.loc[items["milestone_id"].notna() & items["milestone_open"].isna(), "milestone_open"] = 0

    asked = valid(dataset.responsibilities)
    roles = asked[asked["key"].isin(items["key"]).to_numpy()].groupby(["key", "person"])["role"]
    asked = roles.agg(lambda r: ", ".join(sorted(set(r)))).rename("roles").reset_index()
    holds = held.groupby(["milestone_id", "person"]).size().rename("held_issues").reset_index()
    holds = holds.astype({"milestone_id": "Int64"})
    holders = items[["key", "milestone_id"]].merge(holds, on="milestone_id")
    both = asked.merge(holders[["key", "person", "held_issues"]], on=["key", "person"], how="outer")
    both = both[(both["person"] != UNASSIGNED).to_numpy()]
    frame = items.merge(both, on="key", how="left")
    frame["roles"] = frame["roles"].fillna("").astype("str")
    dated = frame["milestone_id"].notna()
    frame["held_issues"] = frame["held_issues"].where(~dated, frame["held_issues"].fillna(0))
    frame["held_issues"] = frame["held_issues"].astype("Int64")
    drives = frame["roles"].str.contains("driver").to_numpy()
    works = frame["roles"].str.contains("work").to_numpy()
    leads = frame["roles"].str.contains("driver|responsible|maintainer").to_numpy()
    frame["carried"] = frame["key"].isin(frame.loc[leads | works, "key"])
    frame["driven"] = frame["key"].isin(frame.loc[leads, "key"])
    standing = (frame["kind"] == "priority").to_numpy() & frame["person"].isna().to_numpy()
    none = (frame["held_issues"] == 0).fillna(False).to_numpy(bool)
    left = (frame["milestone_open"] > 0).fillna(False).to_numpy(bool)
    some = (frame["held_issues"] > 0).fillna(False).to_numpy(bool)
    frame["remark"] = np.select(
        [
            drives & none & left,
            works & ~frame["driven"].to_numpy() & leads.any(),
            some & (frame["roles"] == "").to_numpy(),
            ~frame["carried"].to_numpy(),
        ],
        [
            "drives without holding any",
            "works without a driver",
            "holds without a duty",
            "nobody",
        ],
        "",
    )
    frame["remark"] = frame["remark"].astype("str")
    columns = ["key", "title", "person", "roles", "milestone_id", "milestone", "held_issues"]
    frame = frame[~standing]
    frame = frame.sort_values(["place", "person"], na_position="last", ignore_index=True)
    frame = frame[[*columns, "milestone_open", "carried", "driven", "remark"]]
    frame.attrs.update(_described(dataset, today, "full"))
    frame.attrs["revision"] = None if revision is None else str(revision.date())
    return frame


def _item_milestones(
    dataset: Dataset, at: pd.Timestamp, revision: pd.Timestamp | None
) -> dict[str, int]:
    """Give the milestone of each item of a revision, where the dataset knows it."""
    named = dataset.roadmap_milestones
    named = named[(named["revision"] == revision).to_numpy(bool) & named["key"].notna().to_numpy()]
    milestones = replay.milestones_at(dataset, at)
    addresses = milestones["web_url"].map(replay.address)
    known = dict(zip(addresses, milestones["milestone_id"], strict=True))
    return {
        key: known[replay.address(url)]
        for url, key in reversed(list(named[["url", "key"]].itertuples(index=False)))
        if replay.address(url) in known
    }
