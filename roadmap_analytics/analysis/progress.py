"""Where every milestone stands on one day, and which of them run now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from roadmap_analytics.analysis.days import AsOf
from roadmap_analytics.analysis.ledger import Ledger, Measure, ledger
from roadmap_analytics.analysis.replay import Ints
from roadmap_analytics.analysis.view import View
from roadmap_analytics.arguments import frame_of
from roadmap_analytics.frames import Dataset

_DAY = np.timedelta64(1, "D")


def milestone_progress(
    dataset: Dataset,
    *,
    as_of: AsOf,
    measure: Measure = "issues",
    timezone: str | None = None,
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Compute where every milestone stood at `as_of`.

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
        - `carried_over`: in scope and open at the end of the due day; NA before that. See
          `carried_over` for the issues
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
    view = View.of(dataset, as_of, timezone, types)
    book = ledger(view, measure)
    milestones, start, due, last = book.milestones, book.start, book.due, view.last
    owner, day = book.changes["place"].to_numpy(), book.day
    amounts = ("scope", "completed", "added", "removed")
    grown, done, added, removed = (book.changes[name].to_numpy() for name in amounts)
    after, by_due = day > start[owner], day <= due[owner]
    # Written as "not ..." so that a missing date counts as not started, and as never due.
    unstarted = ~(start <= last)
    pending = ~(due < last + (1 if view.whole_day else 0))
    undated = np.isnat(due)
    scope, completed = book.total(grown), book.total(done)

    def whole(values: Ints) -> pd.Series[Any]:
        return pd.Series(values).mask(undated).astype("Int64")

    frame = pd.DataFrame(
        {
            **{
                column: milestones[column]
                for column in ("milestone_id", "title", "kind", "path", "state", "draft", "web_url")
            },
            "scope": book.number(scope),
            "completed": book.number(completed),
            "remaining": book.number((scope - completed).round(6)),
            "committed": book.number(book.total(grown, ~after), unstarted),
            "added_after_start": book.number(book.total(added, after), unstarted),
            "removed_after_start": book.number(book.total(removed, after), unstarted),
            "carried_over": book.number(book.total(grown - done, by_due), pending),
            "without_measure": milestones["without_measure"],
            "start_date": start.astype("datetime64[us]"),
            "due_date": due.astype("datetime64[us]"),
            "days_left": whole((due - last).astype(np.int64)),
            "working_days_left": whole(_working_days_left(book)),
            "overdue": (due < last) & (scope - completed > 0),
        }
    )
    made = milestones["created_at"] < view.at
    frame = frame[(milestones["met"] | made).to_numpy()].reset_index(drop=True)
    return book.result(frame)


def _working_days_left(book: Ledger) -> Ints:
    """Count the working days after today up to the due date; when overdue, those since, negative.

    Today itself is not left, and the due day is: 0 on the due date, and -1 on the working day after
    it. `numpy.busday_count` leaves out the last day and not the first, hence + 1 on both ends; its
    count of a backward span includes other ends than that of a forward one, hence early and late.
    """
    due, last = book.due, book.view.last
    dated = ~np.isnat(due)
    early, late = np.minimum(due, last)[dated], np.maximum(due, last)[dated]
    between = np.busday_count(early + _DAY, late + _DAY, busdaycal=book.view.calendar)
    left = np.zeros(len(due), dtype=np.int64)
    left[dated] = np.where(due[dated] < last, -between, between)
    return left


def current_milestones(progress: pd.DataFrame) -> pd.DataFrame:
    """Return the milestones that run now: active, no drafts, started, with something in scope.

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
    columns = ("scope", "without_measure", "state", "draft", "committed", "due_date")
    frame_of("current_milestones", "milestone_progress", progress, columns)
    some = (progress["scope"] > 0) | (progress["without_measure"] > 0)  # unweighed is not empty
    runs = (progress["state"] == "active") & ~progress["draft"] & some
    runs &= progress["committed"].notna()
    current = progress[runs.to_numpy(bool)]
    return current.sort_values(["due_date", "milestone_id"], na_position="last", ignore_index=True)
