"""Burndown and burnup of milestones: one row per calendar day.

The rules are those of GitLab's own chart (see `ledger`), with a time zone of one's own, weights or
hours instead of issues, and the overrun after the due date.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from roadmap_analytics.analysis import replay
from roadmap_analytics.analysis.days import FAR_DAYS, AsOf, Days, Floats
from roadmap_analytics.analysis.ledger import Ledger, Measure, ledger, sums
from roadmap_analytics.analysis.lookup import MilestoneRef, find_milestones
from roadmap_analytics.analysis.replay import Ints
from roadmap_analytics.analysis.view import View
from roadmap_analytics.frames import Dataset

_DAY = np.timedelta64(1, "D")
_LONG_LEAD = 3653  # days: ten years. Plans begin no earlier before their first issue; typos do
_MOST_DAYS_OFF = 400  # days of a milestone beyond which a chart shows no single days
_ROWS = 2**20  # days that are computed at once: a million take 0.1 GiB on the way
_AHEAD = 731  # days: two years of the ideal line, unless the rows are longer


def burndown(
    dataset: Dataset,
    milestone: MilestoneRef,
    *,
    as_of: AsOf,
    measure: Measure = "issues",
    timezone: str | None = None,
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Compute the burndown and burnup of one milestone, or of several taken together.

    Parameters
    ----------
    dataset : Dataset
    milestone : int or str, or a list of these
        Id, title or web address. Several count as one, for example a release that has a milestone
        in each project: from the first start date to the last due date (none where one has none),
        and what moves from one to another changes nothing.
    as_of : date or aware timestamp
        A date means the end of that day in `timezone`. Nothing after it matters.
    measure : {"issues", "weight", "hours"}
        What is counted: issues, their weights, or their estimates. An issue without counts 0
        (``attrs["without_measure"]`` says how many).
    timezone : str, optional
        IANA name of the zone whose days are meant; by default that of the dataset's
        ``[calendar]``, else UTC.
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
        starts it (no addition: no rows); without a due date it goes to `as_of`. A start date over
        ten years before anything happened is taken for a typing error: the rows begin on the day
        before the first change, and never over fifty years before the last row. `attrs` holds
        title, unit, dates, committed scope and the ideal line ahead (of at most two years, or as
        long as the rows), for charts.

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
    chosen = find_milestones(dataset, milestone)
    view = View.of(dataset, as_of, timezone, types)
    book = ledger(view, measure, chosen, together=True)
    frame = _by_day(book).drop(columns=["milestone_id", "title"])
    return book.result(frame, **_described(book, frame))


def burndowns(
    dataset: Dataset,
    milestones: MilestoneRef | None = None,
    *,
    as_of: AsOf,
    measure: Measure = "issues",
    timezone: str | None = None,
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Compute the burndowns of several milestones, each by itself, to compare them.

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
        one = isinstance(milestones, str) or not isinstance(milestones, Iterable)
        several: list[Any] = [milestones] if one else list(milestones)  # type: ignore[arg-type]
        only = find_milestones(dataset, several) if several else []
    book = ledger(View.of(dataset, as_of, timezone, types), measure, only)
    return book.result(_by_day(book))


def _by_day(book: Ledger) -> pd.DataFrame:
    """Spread the ledger over days: one row per milestone and day, all milestones one after another.

    The result may be the largest thing in memory. So its columns are made once, and filled for some
    milestones at a time.
    """
    first, last = _shown(book)
    days = np.where(np.isnat(first), 0, (last - first).astype(np.int64) + 1).clip(min=0)
    columns = {name: np.empty(days.sum(), kind) for name, kind in _columns(book).items()}
    top, titles = 0, [book.milestones["title"].head(0)]
    for block in _blocks(days):
        place = np.repeat(np.arange(block.start, block.stop), days[block])
        for name, values in _rows_of(book, block, place, first, last, days).items():
            columns[name][top : top + len(place)] = values
        titles.append(book.milestones["title"].take(place))
        top += len(place)
    left = pd.arrays.IntegerArray(columns.pop("days_to_due"), columns.pop("undated"))
    # `concat` of text copies nothing; neither does the frame.
    title = pd.concat(titles, ignore_index=True)
    made = {"milestone_id": columns.pop("milestone_id"), "title": title.array, **columns}
    return pd.DataFrame({**made, "days_to_due": left}, copy=False)


def _columns(book: Ledger) -> dict[str, Any]:
    """Return the columns of `_rows_of` with their types."""
    number = np.float64 if book.measure == "hours" else np.int64
    return {
        "milestone_id": np.int64,
        "date": "datetime64[us]",
        **dict.fromkeys(("scope", "completed", "remaining", "added", "removed"), number),
        "ideal": np.float64,
        "overdue": np.bool_,
        "days_to_due": np.int64,
        "undated": np.bool_,
    }


def _blocks(days: Ints) -> Iterator[slice]:
    """Cut milestones that have so many days each into blocks of about `_ROWS` days."""
    block = (np.cumsum(days) - days) // _ROWS
    edges = [*np.flatnonzero(replay.first_of(block)).tolist(), len(days)]
    return (slice(start, stop) for start, stop in itertools.pairwise(edges))


def _rows_of(
    book: Ledger, block: slice, place: Ints, first_day: Days, last_day: Days, days: Ints
) -> dict[str, Any]:
    """Return the columns of the rows of some milestones.

    A change belongs to the row of its milestone and day. What came before the first day counts on
    the first day; what came after the last one is not shown.
    """
    days = days[block]
    top = np.cumsum(days) - days  # the row at which each milestone begins
    within = place - block.start
    date = first_day[place] + (np.arange(len(place)) - top[within])

    owner, day = book.changes["place"].to_numpy(), book.day
    shown = (owner >= block.start) & (owner < block.stop)
    shown[shown] = (days > 0)[owner[shown] - block.start] & (day[shown] <= last_day[owner[shown]])
    changes = np.flatnonzero(shown)
    owner, day = owner[changes], day[changes]
    offset = (day - first_day[owner]).astype(np.int64).clip(min=0)
    row = top[owner - block.start] + offset

    def per_day(amount: str) -> Floats:
        return sums(row, book.changes[amount].to_numpy()[changes], len(date))

    grown, done = per_day("scope"), per_day("completed")
    scope, completed = replay.running(grown, place), replay.running(done, place)
    first = top[days > 0]
    added, removed = per_day("added"), per_day("removed")
    added[first], removed[first] = scope[first], 0.0  # what was committed to is no change

    due = book.due[place]
    undated = np.isnat(due)
    committed = np.repeat(scope[first], days[days > 0])
    return {
        "milestone_id": book.milestones["milestone_id"].to_numpy()[place],
        "date": date,
        "scope": book.number(scope),
        "completed": book.number(completed),
        "remaining": book.number((scope - completed).round(6)),
        "added": book.number(added),
        "removed": book.number(removed),
        "ideal": _ideal(committed, book.start[place], due, date, book.view.calendar),
        "overdue": date > due,
        "days_to_due": np.where(undated, 0, (due - date).astype(np.int64)),
        "undated": undated,
    }


def _shown(book: Ledger) -> tuple[Days, Days]:
    """Return the first and the last day to show of each milestone."""
    start, due, last = book.start, book.due, book.view.last
    place, day = book.changes["place"].to_numpy(), book.changes["day"].to_numpy()
    open_change = (book.changes["scope"] - book.changes["completed"]).to_numpy()
    order = np.lexsort((day, place))
    place, day, open_change = place[order], day[order], open_change[order]

    # A milestone in which nothing ever happened begins at `as_of`, where its start lies far back.
    happened = np.full(len(start), last)
    opening = replay.first_of(place)
    happened[place[opening]] = day[opening].astype("datetime64[D]") - _DAY
    first = np.where(happened - start > _LONG_LEAD, happened, start)

    # It was over on the last day on which its remaining work fell to nothing; not yet, if some is
    # left. Later days of a milestone that is over and due say nothing new.
    closing = replay.last_of(place, day)
    remaining = replay.running(open_change, place)[closing]
    place, day = place[closing], day[closing]
    before = np.where(replay.first_of(place), 0.0, np.roll(remaining, 1))
    over = np.full(len(start), np.datetime64("-9999-01-01", "D"))  # no work: before any due date
    emptied = (remaining <= 0) & (before > 0)
    over[place[emptied]] = day[emptied].astype("datetime64[D]")  # days ascend: the last one stays
    still_open = replay.last_of(place) & (remaining > 0)
    over[place[still_open]] = last
    planned = np.where(np.isnat(due), last, np.minimum(due, last))
    end = np.maximum(planned, np.minimum(over, last))
    # An event may be dated in year 202 as well. NaT, for no rows at all, stays.
    return np.maximum(first, end - FAR_DAYS), end


def _ideal(
    committed: Floats, start: Days, due: Days, date: Days, calendar: np.busdaycalendar
) -> Floats:
    """Run from committed at the start to 0 at the due date, falling on working days only."""
    ideal = np.full(len(date), np.nan)
    known = ~np.isnat(due)
    start, due, date, committed = start[known], due[known], date[known], committed[known]

    def worked(until: Days) -> Floats:
        """Count working days after the start; numpy counts without the last day, hence + 1."""
        days = np.busday_count(start + _DAY, until + _DAY, busdaycal=calendar)
        return np.asarray(days, dtype=np.float64)

    planned = worked(due)
    share = np.divide(worked(date), planned, out=np.zeros(len(date)), where=planned > 0)
    ideal[known] = np.where(date >= due, 0.0, committed * (1 - share)).round(6)
    return ideal


def _described(book: Ledger, frame: pd.DataFrame) -> dict[str, Any]:
    """Return what a chart of one milestone needs besides its rows."""
    start, due, last = book.start[:1], book.due[:1], book.view.last
    committed = float(frame["scope"].iloc[0]) if len(frame) else None
    ahead: list[list[Any]] = []
    if committed is not None and due[0] > last:  # False where there is no due date
        reach = min(due[0], last + max(_AHEAD, len(frame)))
        days = np.arange(last, reach + _DAY)
        same = np.zeros(len(days), dtype=np.int64)
        level = np.full(len(days), committed, dtype=np.float64)
        line = _ideal(level, start[same], due[same], days, book.view.calendar)
        ahead = [[str(day), float(value)] for day, value in zip(days, line, strict=True)]
    return {
        "milestone_id": int(book.milestones["milestone_id"].iloc[0]),
        "title": str(book.milestones["title"].iloc[0]),
        "start_date": None if np.isnat(start[0]) else str(start[0]),
        "due_date": None if np.isnat(due[0]) else str(due[0]),
        "committed": committed,
        "without_measure": int(book.milestones["without_measure"].iloc[0]),
        "ideal_ahead": ahead,
        "days_off": _days_off(book, start[0], due[0]),
    }


def _days_off(book: Ledger, start: np.datetime64, due: np.datetime64) -> list[str]:
    """Return the days without work from the start to the due date, or to the last day seen."""
    last = book.view.last if np.isnat(due) else max(due, book.view.last)
    if np.isnat(start) or not 0 <= (last - start).astype(int) <= _MOST_DAYS_OFF:
        return []
    days = np.arange(start, last + _DAY)
    off = days[~np.is_busday(days, busdaycal=book.view.calendar)]
    return [str(day) for day in off]
