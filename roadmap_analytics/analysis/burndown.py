"""Burndown, burnup and progress of milestones, by calendar day.

The rules are those of GitLab's own chart (issue set from all additions ever made, not from
today's members; any other milestone event means that the issue left; reopening un-counts), with a
time zone of one's own, weights or hours instead of issues, and the overrun after the due date.

All milestones are computed at once: events are brought to the state of each issue at the end of
each day on which it changed; the difference between two such states is what one issue adds to, or
takes from, one milestone that day; sums of those are the chart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from roadmap_analytics.analysis import replay
from roadmap_analytics.analysis.replay import NONE, AsOf, Bools, Ints
from roadmap_analytics.errors import ConfigurationError

if TYPE_CHECKING:
    from roadmap_analytics.frames import Dataset

__all__ = [
    "Measure",
    "burndown",
    "burndowns",
    "carried_over",
    "current_milestones",
    "milestone_progress",
    "scope_changes",
]

Measure: TypeAlias = Literal["issues", "weight", "hours"]
Days: TypeAlias = npt.NDArray[np.datetime64]
Floats: TypeAlias = npt.NDArray[np.float64]

_FIELD = {"issues": None, "weight": "weight", "hours": "time_estimate"}
_UNIT = {"issues": "issues", "weight": "weight", "hours": "estimated hours"}
_DAY = np.timedelta64(1, "D")
_MANY_DAYS = 2**24  # more than any day's number since 1970: packs (milestone, day) into one key


@dataclass(frozen=True)
class _Ledger:
    """What every issue did to every milestone, and the milestones as known at the time."""

    changes: pd.DataFrame  # one row per milestone, issue and day: see `_changes`
    milestones: pd.DataFrame  # as known then, with start, due, without_measure, met (an issue)
    last: np.datetime64  # the day that as_of lies in
    ended: bool  # whether as_of covers all of that day
    measure: str

    def total(self, amount: Floats, keep: Bools | None = None) -> Floats:
        """Sum an amount per milestone over the changes to keep."""
        place = self.changes["place"].to_numpy()
        if keep is not None:
            place, amount = place[keep], amount[keep]
        return _sums(place, amount, len(self.milestones))

    def number(self, values: Floats, missing: Bools | None = None) -> pd.Series[Any]:
        """Give amounts the type of the measure: whole numbers, or hours."""
        column = pd.Series(values, dtype="float64")
        if missing is not None:
            column = column.mask(missing)
        if self.measure == "hours":
            return column
        return column.astype("int64" if missing is None else "Int64")


def _ledger(
    dataset: Dataset,
    as_of: AsOf,
    measure: str,
    timezone: str,
    types: Iterable[str] | str | None,
    only: list[int] | None = None,
) -> _Ledger:
    if measure not in _FIELD:
        raise ConfigurationError(f"measure: expected one of {list(_FIELD)}, got {measure!r}")
    at = replay.instant(as_of, timezone)
    last = replay.last_day(as_of, timezone)
    milestones = replay.milestones_at(dataset, at)
    if only is not None:
        milestones = milestones[milestones["milestone_id"].isin(only)].reset_index(drop=True)
    ids = milestones["milestone_id"].to_numpy(np.int64)

    ends = _day_ends(dataset, at, _FIELD[measure], timezone, types)
    start = milestones["start_date"].to_numpy().astype("datetime64[D]")
    undated = np.isnat(start)
    start[undated] = _first_additions(ends, ids[undated])
    final = replay.last_of(ends.issue) & np.isnan(ends.size)
    place, known = _places(ids, ends.milestone[final])
    milestones = milestones.assign(
        start=start.astype("datetime64[s]"),
        due=milestones["due_date"].to_numpy().astype("datetime64[s]"),
        without_measure=np.bincount(place[known], minlength=len(ids)),
        met=np.isin(ids, ends.additions[0]),
    )
    ended = at >= replay.instant(last.date(), timezone)
    return _Ledger(
        _changes(ends, ids),
        milestones,
        last.to_datetime64().astype("datetime64[D]"),
        ended,
        measure,
    )


def _sums(place: Ints, amount: Floats, length: int) -> Floats:
    return np.asarray(np.bincount(place, amount, length).round(6), dtype=np.float64)


def _places(ids: Ints, wanted: Ints) -> tuple[Ints, Bools]:
    """Find each wanted id among sorted ids; say which ones are there."""
    if not len(ids):
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=bool)
    place = np.searchsorted(ids, wanted).clip(max=len(ids) - 1)
    return place, ids[place] == wanted


@dataclass(frozen=True)
class _DayEnds:
    """Each issue at the end of each day on which its milestone, state or size changed."""

    issue: Ints
    day: Ints  # days since 1970, in the zone of the call
    milestone: Ints  # `NONE` for none, negative for one no longer known
    closed: Bools
    size: Floats  # NaN: not weighed, not estimated
    additions: tuple[Ints, Ints]  # milestone and day of every addition, undone ones included


def _day_ends(
    dataset: Dataset,
    at: pd.Timestamp,
    sized_by: str | None,
    timezone: str,
    types: Iterable[str] | str | None,
) -> _DayEnds:
    events = dataset.issue_events
    names = ["state", "milestone", *([sized_by] if sized_by else [])]
    of = {name: (events["field"] == name).to_numpy() for name in names}
    rows = replay.in_order(events, np.logical_or.reduce(list(of.values())), at)
    hidden = dataset.issues["issue_id"].to_numpy()[~replay.scope_mask(dataset, types)]
    if len(hidden):
        rows = rows[~replay.among(events["issue_id"].to_numpy()[rows], hidden)]
    issue = events["issue_id"].to_numpy()[rows]
    day = replay.days_of(events["at"].take(rows), timezone).astype(np.int64)
    began = np.maximum.accumulate(np.where(replay.first_of(issue), np.arange(len(issue)), 0))

    def latest(name: str, values: npt.NDArray[Any], default: Any) -> npt.NDArray[Any]:
        """Give for each event what the newest event of a field had set by then."""
        mine = of[name][rows]
        newest = np.cumsum(mine) - 1
        earlier: Ints = (newest + 1)[began] - mine[began]  # events of the field in issues before
        return np.append(values, default)[np.where(newest >= earlier, newest, -1)]

    moves, states = rows[of["milestone"][rows]], rows[of["state"][rows]]
    code = replay.milestone_codes(events, moves)
    closed = (events["value"] == "closed").to_numpy()[states]
    size = np.ones(len(issue))
    if sized_by:
        number = events["number"].to_numpy(np.float64)[rows[of[sized_by][rows]]]
        if sized_by == "time_estimate":
            number = np.where(number == 0, np.nan, number)
        size = latest(sized_by, number, np.nan)
    added = code > NONE
    ends = np.flatnonzero(replay.last_of(issue, day))
    return _DayEnds(
        issue[ends],
        day[ends],
        latest("milestone", code, NONE)[ends],
        latest("state", closed, False)[ends],
        size[ends],
        (code[added], day[of["milestone"][rows]][added]),
    )


def _first_additions(ends: _DayEnds, ids: Ints) -> Days:
    """Give the day on which each milestone (ascending ids) first got an issue; NaT for never."""
    milestone, day = ends.additions
    place, known = _places(ids, milestone)
    first = np.full(len(ids), np.iinfo(np.int64).max)
    np.minimum.at(first, place[known], day[known])
    days = first.astype("datetime64[D]")
    days[first == np.iinfo(np.int64).max] = np.datetime64("NaT")
    return days


def _changes(ends: _DayEnds, ids: Ints) -> pd.DataFrame:
    """Give what one issue added to, or took from, one milestone on one day.

    Columns: `place` (in the ascending `ids`), `milestone_id`, `issue_id`, `day`, `scope` and
    `completed` (signed amounts), `other` (the milestone it came from or went to; `NONE` for none).
    """
    now = ends.milestone
    was = np.where(replay.first_of(ends.issue), NONE, np.roll(now, 1))
    scope = np.nan_to_num(ends.size)
    done = scope * ends.closed
    scope_was, done_was = np.roll(scope, 1), np.roll(done, 1)  # unused where `was` is NONE

    moved = now != was
    left, came = moved & (was > NONE), moved & (now > NONE)
    stayed = ~moved & (now > NONE) & ((scope != scope_was) | (done != done_was))
    parts = [
        (np.flatnonzero(left), was, -scope_was, -done_was, now),
        (np.flatnonzero(came), now, scope, done, was),
        (np.flatnonzero(stayed), now, scope - scope_was, done - done_was, now),
    ]
    milestone = np.concatenate([m[rows] for rows, m, *_ in parts])
    place, known = _places(ids, milestone)
    rows = np.concatenate([rows for rows, *_ in parts])[known]
    return pd.DataFrame(
        {
            "place": place[known],
            "milestone_id": milestone[known],
            "issue_id": ends.issue[rows],
            "day": ends.day[rows],
            "scope": np.concatenate([s[rows] for rows, _, s, _, _ in parts])[known],
            "completed": np.concatenate([d[rows] for rows, _, _, d, _ in parts])[known],
            "other": np.concatenate([o[rows] for rows, *_, o in parts])[known],
        }
    )


def burndown(
    dataset: Dataset,
    milestone: int | str,
    *,
    as_of: AsOf,
    measure: Measure = "issues",
    timezone: str = "UTC",
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Give the burndown and burnup of one milestone.

    Parameters
    ----------
    dataset : Dataset
    milestone : int or str
        Id, title or web address.
    as_of : date or aware timestamp
        A date means the end of that day in `timezone`. Nothing after it matters.
    measure : {"issues", "weight", "hours"}
        What is counted: issues, their weights, or their estimates. An issue without counts 0
        (``attrs["without_measure"]`` says how many).
    timezone : str
        IANA name of the zone whose days are meant.
    types : str or list of str, optional
        Work item types to count; all by default.

    Returns
    -------
    DataFrame
        One row per calendar day from the start date to the earlier of the due date and `as_of`,
        then, for a milestone that overran, one per day up to `as_of` or to the day on which
        nothing remained:

        - `date`: the day; all amounts are those at its end (of the last day: at `as_of`)
        - `scope`, `completed`, `remaining` (scope - completed)
        - `added`, `removed`: how scope changed that day, each issue counted by what it was at
          the end of the day against the day before. The first day holds all that came before:
          `added` is the scope committed to, `removed` is 0. So scope = sum(added - removed).
        - `ideal`: from committed at the start date to 0 at the due date over working days of
          ``[calendar]``; NA without a due date
        - `overdue`: the day lies after the due date
        - `days_to_due`: days from that day to the due date, negative after it; NA without one

        Amounts are whole numbers, hours real ones. Without a start date the first addition
        starts it (no addition: no rows); without a due date it goes to `as_of`. `attrs` holds
        title, unit, dates, committed scope and the ideal line ahead, for charts.

    Raises
    ------
    UnknownNameError
        Where `milestone` fits none or several.
    ConfigurationError
        For an unknown measure or zone, or an `as_of` that is neither day nor instant.

    Notes
    -----
    Semantics of GitLab's ``Timebox::ReportService`` and of its tests.

    Examples
    --------
    >>> from roadmap_analytics import schema
    >>> from roadmap_analytics.frames import Dataset
    >>> when = pd.Timestamp("2025-03-03", tz="UTC")
    >>> dataset = Dataset({
    ...     "issues": schema.tidy("issues", [
    ...         {"issue_id": 1, "project_id": 1, "iid": 1, "confidential": False,
    ...          "created_at": when}]),
    ...     "milestones": schema.tidy("milestones", [
    ...         {"milestone_id": 9, "iid": 1, "title": "R1", "draft": False,
    ...          "start_date": "2025-03-03", "due_date": "2025-03-05"}]),
    ...     "issue_events": schema.tidy("issue_events", [
    ...         {"issue_id": 1, "seq": 0, "at": when, "field": "milestone", "action": "add",
    ...          "milestone_id": 9, "source": "event", "correction": False},
    ...         {"issue_id": 1, "seq": 1, "at": when + pd.Timedelta("30h"), "field": "state",
    ...          "action": "set", "value": "closed", "source": "event", "correction": False}]),
    ... })
    >>> table = burndown(dataset, "R1", as_of="2025-03-10")
    >>> table[["date", "scope", "completed", "remaining", "ideal"]]
            date  scope  completed  remaining  ideal
    0 2025-03-03      1          0          1    1.0
    1 2025-03-04      1          1          0    0.5
    2 2025-03-05      1          1          0    0.0
    """
    chosen = replay.find_milestone(dataset, milestone)
    ledger = _ledger(dataset, as_of, measure, timezone, types, only=[chosen])
    frame = _by_day(ledger, replay.working_days(dataset)).drop(columns=["milestone_id", "title"])
    frame.attrs.update(_described(dataset, ledger, frame, timezone))
    return frame


def burndowns(
    dataset: Dataset,
    milestones: Iterable[int | str] | None = None,
    *,
    as_of: AsOf,
    measure: Measure = "issues",
    timezone: str = "UTC",
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Give the burndown of several milestones at once, to compare them.

    Parameters
    ----------
    dataset : Dataset
    milestones : list of int or str, optional
        Ids, titles or web addresses; all by default.
    as_of, measure, timezone, types
        As in `burndown`.

    Returns
    -------
    DataFrame
        One row per milestone and day, sorted: `milestone_id`, `title`, then the columns of
        `burndown`. `days_to_due` lines milestones up: "are we earlier than last time?"

    Raises
    ------
    UnknownNameError, ConfigurationError
        As in `burndown`.
    """
    only = None
    if milestones is not None:
        only = [replay.find_milestone(dataset, milestone) for milestone in milestones]
    ledger = _ledger(dataset, as_of, measure, timezone, types, only=only)
    frame = _by_day(ledger, replay.working_days(dataset))
    frame.attrs.update(_common(dataset, ledger, timezone))
    return frame


def _by_day(ledger: _Ledger, calendar: np.busdaycalendar) -> pd.DataFrame:
    """Spread the ledger over days: one row per milestone and day."""
    start, due = _dates(ledger)
    end = _ends(ledger, due)
    days = np.where(np.isnat(start), 0, (end - start).astype(np.int64) + 1).clip(min=0)
    offset = np.cumsum(days) - days
    place = np.repeat(np.arange(len(days)), days)
    date = start[place] + (np.arange(days.sum()) - offset[place])

    changes = ledger.changes
    owner, day = changes["place"].to_numpy(), changes["day"].to_numpy().astype("datetime64[D]")
    shown = (days[owner] > 0) & (day <= end[owner])
    owner = owner[shown]
    lag = (day[shown] - start[owner]).astype(np.int64).clip(min=0)
    row = offset[owner] + lag
    scope_change = changes["scope"].to_numpy()[shown]

    def per_day(amount: Floats) -> Floats:
        return _sums(row, amount, len(date))

    first = offset[days > 0]

    def running(amount: Floats) -> Floats:
        total = np.cumsum(amount)
        earlier = np.repeat(total[first] - amount[first], days[days > 0])
        return np.asarray((total - earlier).round(6), dtype=np.float64)

    scope = running(per_day(scope_change))
    completed = running(per_day(changes["completed"].to_numpy()[shown]))
    added, removed = per_day(scope_change.clip(min=0)), per_day((-scope_change).clip(min=0))
    added[first], removed[first] = scope[first], 0.0

    missing = np.isnat(due[place])
    left = pd.Series((due[place] - date).astype(np.int64)).mask(missing).astype("Int64")
    committed = np.repeat(scope[first], days[days > 0])
    return pd.DataFrame(
        {
            "milestone_id": ledger.milestones["milestone_id"].to_numpy()[place],
            "title": ledger.milestones["title"].take(place).array,
            "date": date.astype("datetime64[us]"),
            "scope": ledger.number(scope),
            "completed": ledger.number(completed),
            "remaining": ledger.number((scope - completed).round(6)),
            "added": ledger.number(added),
            "removed": ledger.number(removed),
            "ideal": _ideal(committed, start[place], due[place], date, calendar),
            "overdue": date > due[place],
            "days_to_due": left,
        }
    )


def _dates(ledger: _Ledger) -> tuple[Days, Days]:
    milestones = ledger.milestones
    start = milestones["start"].to_numpy().astype("datetime64[D]")
    return start, milestones["due"].to_numpy().astype("datetime64[D]")


def _ends(ledger: _Ledger, due: Days) -> Days:
    """Give the last day to show: that of the plan, or of the overrun."""
    planned = np.where(np.isnat(due), ledger.last, np.minimum(due, ledger.last))
    changes = ledger.changes
    open_change = (changes["scope"] - changes["completed"]).to_numpy()
    place, day = changes["place"].to_numpy(), changes["day"].to_numpy()
    order = np.argsort(place * _MANY_DAYS + day)
    place, day = place[order], day[order]
    first, last = replay.first_of(place), replay.last_of(place, day)
    total = np.cumsum(open_change[order])
    earlier = (total - open_change[order])[first]
    remaining = (total - np.repeat(earlier, np.bincount(place)[place[first]])).round(6)[last]
    place, day = place[last], day[last]

    before = np.where(replay.first_of(place), 0.0, np.roll(remaining, 1))
    emptied = np.full(len(due), np.datetime64(-(10**6), "D"))
    gone = (remaining <= 0) & (before > 0)
    emptied[place[gone]] = day[gone].astype("datetime64[D]")  # rows ascend: the latest stays
    still = replay.last_of(place) & (remaining > 0)
    emptied[place[still]] = ledger.last
    return np.maximum(planned, np.minimum(emptied, ledger.last))


def _ideal(
    committed: Floats, start: Days, due: Days, date: Days, calendar: np.busdaycalendar
) -> Floats:
    """Run from committed at the start to 0 at the due date, falling on working days only."""
    known = ~np.isnat(due)
    ideal = np.full(len(date), np.nan)
    start, due, date, committed = start[known], due[known], date[known], committed[known]
    if not len(date):
        return ideal
    first = min(start.min(), due.min())
    days = np.arange(first, max(due.max(), start.max()) + _DAY)
    worked = np.cumsum(np.is_busday(days, busdaycal=calendar))

    def until(day: Days) -> Ints:
        return np.asarray(worked[(day - first).astype(np.int64)], dtype=np.int64)

    all_days, gone = until(due) - until(start), until(np.minimum(date, due)) - until(start)
    share = np.divide(gone, all_days, out=np.zeros(len(date)), where=all_days > 0)
    ideal[known] = np.where(date >= due, 0.0, committed * (1 - share)).round(6)
    return ideal


def _common(dataset: Dataset, ledger: _Ledger, timezone: str) -> dict[str, Any]:
    return {
        "measure": ledger.measure,
        "unit": _UNIT[ledger.measure],
        "timezone": timezone,
        "as_of": str(ledger.last),
        "simulated": bool(dataset.simulated),
    }


def _described(
    dataset: Dataset, ledger: _Ledger, frame: pd.DataFrame, timezone: str
) -> dict[str, Any]:
    """Give what a chart of one milestone needs besides its rows."""
    start, due = _dates(ledger)
    committed = float(frame["scope"].iloc[0]) if len(frame) else None
    ahead: list[list[Any]] = []
    if committed is not None and not np.isnat(due[0]) and due[0] > ledger.last:
        days = np.arange(ledger.last, due[0] + _DAY)
        same = np.zeros(len(days), dtype=np.int64)
        level = np.full(len(days), committed, dtype=np.float64)
        line = _ideal(level, start[same], due[same], days, replay.working_days(dataset))
        ahead = [[str(day), float(value)] for day, value in zip(days, line, strict=True)]
    return _common(dataset, ledger, timezone) | {
        "milestone_id": int(ledger.milestones["milestone_id"].iloc[0]),
        "title": str(ledger.milestones["title"].iloc[0]),
        "start_date": None if np.isnat(start[0]) else str(start[0]),
        "due_date": None if np.isnat(due[0]) else str(due[0]),
        "committed": committed,
        "without_measure": int(ledger.milestones["without_measure"].iloc[0]),
        "ideal_ahead": ahead,
    }


def milestone_progress(
    dataset: Dataset,
    *,
    as_of: AsOf,
    measure: Measure = "issues",
    timezone: str = "UTC",
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Tell where every milestone stood at `as_of`.

    Parameters
    ----------
    dataset : Dataset
    as_of, measure, timezone, types
        As in `burndown`.

    Returns
    -------
    DataFrame
        One row per milestone that existed by `as_of` (was made, or had an issue), sorted by
        `milestone_id`, with `title`, `kind`, `path`, `state`, `draft`, `web_url`, and

        - `scope`, `completed`, `remaining`: at `as_of`
        - `committed`: scope at the end of the start day; NA before it has come
        - `added_after_start`, `removed_after_start`: since then, so that
          scope = committed + added_after_start - removed_after_start; NA like `committed`
        - `carried_over`: in scope and open at the end of the due day; NA before that. Where
          to, says `carried_over()`
        - `without_measure`: issues in scope without weight (or estimate), which count 0
        - `start_date` (of the first addition where none is set), `due_date`, as known at
          `as_of` (see `replay.milestones_at`)
        - `days_left`, `working_days_left`: from that day to the due date; negative when
          overdue; NA without a due date
        - `overdue`: the due date has passed and something remains

    Raises
    ------
    ConfigurationError
        For an unknown measure or zone, or an `as_of` that is neither day nor instant.

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> milestone_progress(Dataset({}), as_of="2025-03-10").empty
    True
    """
    ledger = _ledger(dataset, as_of, measure, timezone, types)
    changes, milestones = ledger.changes, ledger.milestones
    start, due = _dates(ledger)
    owner, day = changes["place"].to_numpy(), changes["day"].to_numpy().astype("datetime64[D]")
    grown, done = changes["scope"].to_numpy(), changes["completed"].to_numpy()
    after = day > start[owner]
    by_due = day <= due[owner]
    unstarted = ~(start <= ledger.last)
    undated, pending = np.isnat(due), ~(due < ledger.last + (1 if ledger.ended else 0))
    scope, completed = ledger.total(grown), ledger.total(done)
    calendar = replay.working_days(dataset)
    working = np.zeros(len(due), dtype=np.int64)
    early, late = np.minimum(due, ledger.last)[~undated], np.maximum(due, ledger.last)[~undated]
    between = np.busday_count(early + _DAY, late + _DAY, busdaycal=calendar)
    working[~undated] = np.where(due[~undated] < ledger.last, -between, between)

    def whole(values: Ints) -> pd.Series[Any]:
        return pd.Series(values).mask(undated).astype("Int64")

    frame = pd.DataFrame(
        {
            **{
                column: milestones[column]
                for column in ("milestone_id", "title", "kind", "path", "state", "draft", "web_url")
            },
            "scope": ledger.number(scope),
            "completed": ledger.number(completed),
            "remaining": ledger.number((scope - completed).round(6)),
            "committed": ledger.number(ledger.total(grown, ~after), unstarted),
            "added_after_start": ledger.number(ledger.total(grown.clip(min=0), after), unstarted),
            "removed_after_start": ledger.number(
                ledger.total((-grown).clip(min=0), after), unstarted
            ),
            "carried_over": ledger.number(ledger.total(grown - done, by_due), pending),
            "without_measure": milestones["without_measure"],
            "start_date": start.astype("datetime64[us]"),
            "due_date": due.astype("datetime64[us]"),
            "days_left": whole((due - ledger.last).astype(np.int64)),
            "working_days_left": whole(working),
            "overdue": (due < ledger.last) & (scope - completed > 0),
        }
    )
    made = milestones["created_at"] < replay.instant(as_of, timezone)
    frame = frame[(milestones["met"] | made).to_numpy()].reset_index(drop=True)
    frame.attrs.update(_common(dataset, ledger, timezone))
    return frame


def current_milestones(progress: pd.DataFrame) -> pd.DataFrame:
    """Pick the milestones that run now: active, no drafts, started, with something in scope.

    Parameters
    ----------
    progress : DataFrame
        What `milestone_progress` returns.

    Returns
    -------
    DataFrame
        Rows of it, due first to last, undated ones at the end.

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> len(current_milestones(milestone_progress(Dataset({}), as_of="2025-03-10")))
    0
    """
    some = (progress["scope"] > 0) | (progress["without_measure"] > 0)  # unweighed is not empty
    runs = (progress["state"] == "active") & ~progress["draft"] & some
    runs &= progress["committed"].notna()
    current = progress[runs.to_numpy(bool)]
    return current.sort_values(["due_date", "milestone_id"], na_position="last", ignore_index=True)


def scope_changes(
    dataset: Dataset,
    milestone: int | str | None = None,
    *,
    as_of: AsOf,
    measure: Measure = "issues",
    timezone: str = "UTC",
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Name the issues behind each change of scope after the start day.

    Parameters
    ----------
    dataset : Dataset
    milestone : int or str, optional
        Id, title or web address; all milestones by default.
    as_of, measure, timezone, types
        As in `burndown`.

    Returns
    -------
    DataFrame
        One row per milestone, day and issue that changed scope, sorted by
        (milestone_id, date, issue_id): `milestone_id`, `milestone` (title), `date`,
        `change` (added, removed, raised, lowered: the last two are a new weight or estimate),
        `amount` (signed), `after_due` (the day lies after the due date), `other_milestone_id`
        and `other_milestone` (where it came from or went to; NA for no milestone), and of the
        issue `issue_id`, `project`, `iid`, `title` (today's), `confidential`, `web_url`. Per day
        the positive amounts sum to `added`, the negative ones to `removed` of `burndown`.

    Raises
    ------
    UnknownNameError, ConfigurationError
        As in `burndown`.
    """
    only = None if milestone is None else [replay.find_milestone(dataset, milestone)]
    ledger = _ledger(dataset, as_of, measure, timezone, types, only=only)
    start, due = _dates(ledger)
    changes = ledger.changes
    day = changes["day"].to_numpy().astype("datetime64[D]")
    late = (changes["scope"] != 0).to_numpy() & (day > start[changes["place"].to_numpy()])
    changes, day = changes[late].reset_index(drop=True), day[late]
    grown = changes["scope"].to_numpy() > 0
    resized = (changes["other"] == changes["milestone_id"]).to_numpy()
    titles = ledger.milestones.set_index("milestone_id")["title"]
    elsewhere = replay.milestones_at(dataset, replay.instant(as_of, timezone))
    other = changes["other"].mask(resized | (changes["other"] <= NONE).to_numpy()).astype("Int64")
    frame = pd.DataFrame(
        {
            "milestone_id": changes["milestone_id"],
            "milestone": changes["milestone_id"].map(titles),
            "date": day.astype("datetime64[us]"),
            "change": np.where(
                resized, np.where(grown, "raised", "lowered"), np.where(grown, "added", "removed")
            ),
            "amount": ledger.number(changes["scope"].to_numpy()),
            "after_due": day > due[changes["place"].to_numpy()],
            "other_milestone_id": other,
            "other_milestone": other.map(elsewhere.set_index("milestone_id")["title"]),
            "issue_id": changes["issue_id"],
        }
    ).astype({"milestone": "str", "change": "str", "other_milestone": "str"})
    frame = frame.merge(dataset.issues[replay.WHICH], on="issue_id", how="left")
    frame = frame.sort_values(["milestone_id", "date", "issue_id"], ignore_index=True)
    frame.attrs.update(_common(dataset, ledger, timezone))
    if milestone is not None:
        frame.attrs["title"] = str(ledger.milestones["title"].iloc[0])
    return frame


def carried_over(
    dataset: Dataset,
    milestone: int | str | None = None,
    *,
    as_of: AsOf,
    timezone: str = "UTC",
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Name the issues that were in scope and open when their milestone was due, and what followed.

    Parameters
    ----------
    dataset : Dataset
    milestone : int or str, optional
        Id, title or web address; all milestones by default.
    as_of, timezone, types
        As in `burndown`.

    Returns
    -------
    DataFrame
        One row per milestone and issue carried over, sorted by (milestone_id, issue_id):
        `milestone_id`, `milestone` (title), `due_date`, `outcome` by `as_of` (moved: into another
        milestone; taken out: into none; closed late, still open: it stayed where it was),
        `into_milestone_id` and `into_milestone` (the first milestone after; NA unless moved),
        `left_at`, and of the issue `issue_id`, `project`, `iid`, `title` (today's),
        `confidential`, `web_url`. Milestones without due date, or not due yet, have none.

    Raises
    ------
    UnknownNameError, ConfigurationError
        As in `burndown`.
    """
    at = replay.instant(as_of, timezone)
    milestones = replay.milestones_at(dataset, at)
    if milestone is not None:
        chosen = replay.find_milestone(dataset, milestone)
        milestones = milestones[milestones["milestone_id"] == chosen]
    dated = milestones.loc[milestones["due_date"].notna(), ["milestone_id", "title", "due_date"]]
    dated = dated.assign(due_at=replay.day_ends(dated["due_date"], timezone))
    dated = dated[(dated["due_at"] <= at).to_numpy()].rename(columns={"title": "milestone"})

    spans = replay.intervals(dataset, "milestone", until=at)
    following = spans.shift(-1)
    follows = (following["issue_id"] == spans["issue_id"]) & (
        following["milestone_id"] != spans["milestone_id"]
    ).fillna(False)
    spans["into_milestone_id"] = following["milestone_id"].where(follows.astype(bool))
    spans = spans[spans["issue_id"].isin(replay.in_scope(dataset, types)["issue_id"])]
    stays = spans.merge(dated, on="milestone_id")
    present = (stays["start_at"] < stays["due_at"]) & ~(stays["end_at"] <= stays["due_at"])
    stays = stays[present.to_numpy()].reset_index(drop=True)

    closed = replay.intervals(dataset, "state", until=at)
    closed = closed[(closed["value"] == "closed").to_numpy()]
    met = stays.reset_index(names="stay").merge(closed, on="issue_id", suffixes=("", "_closed"))
    shut = ~(met["end_at_closed"] <= met["due_at"]) & (met["start_at_closed"] < met["due_at"])
    done = stays.index.isin(met.loc[shut, "stay"])
    closed_now = stays["issue_id"].isin(closed.loc[closed["end_at"].isna(), "issue_id"])
    now = spans[spans["end_at"].isna()].set_index("issue_id")["milestone_id"]
    back = (stays["issue_id"].map(now) == stays["milestone_id"]).fillna(False).astype(bool)
    moved, gone = stays["into_milestone_id"].notna(), stays["end_at"].notna() & ~back
    stays["outcome"] = np.select(
        [moved, gone, closed_now], ["moved", "taken out", "closed late"], "still open"
    )
    stays = stays[~done].astype({"milestone_id": "int64", "outcome": "str"})
    into = stays["into_milestone_id"].map(
        replay.milestones_at(dataset, at).set_index("milestone_id")["title"]
    )
    frame = stays.assign(into_milestone=into.astype("str")).rename(columns={"end_at": "left_at"})
    frame = frame.merge(dataset.issues[replay.WHICH], on="issue_id")
    columns = ["milestone_id", "milestone", "due_date", "outcome", "into_milestone_id"]
    frame = frame[[*columns, "into_milestone", "left_at", *replay.WHICH]]
    frame = frame.sort_values(["milestone_id", "issue_id"], ignore_index=True)
    frame.attrs.update(replay.about(dataset, as_of, timezone))
    return frame
