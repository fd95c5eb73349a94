"""One milestone as a sequence of dated steps, each with the issues behind it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from roadmap_analytics.analysis.days import AsOf, Days, days_of
from roadmap_analytics.analysis.ledger import day_ends
from roadmap_analytics.analysis.lookup import MilestoneRef, find_milestones
from roadmap_analytics.analysis.view import View
from roadmap_analytics.frames import Dataset

STEPS = (
    *("planned", "started", "carried in", "added", "removed", "reopened", "closed"),
    *("date moved", "due", "finished"),
)
"""Steps in the order in which those of one day stand."""

_TYPES: dict[str, Any] = {
    "date": "datetime64[us]",
    "step": "str",
    "amount": "Int64",
    "issues": "object",
    "remaining": "int64",
    "due_date": "datetime64[us]",
}


def milestone_timeline(
    dataset: Dataset,
    milestone: MilestoneRef,
    *,
    as_of: AsOf,
    timezone: str | None = None,
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Return what happened to a milestone, step by step, from its first plan to its end.

    Parameters
    ----------
    dataset : Dataset
    milestone : int or str, or a list of these
        Id, title or web address; several are counted together, as one.
    as_of, timezone, types
        As in `burndown`.

    Returns
    -------
    DataFrame
        One row per day and step, in the order of `STEPS` within a day:

        - `date`: calendar day in `timezone`
        - `step` and `amount`:

          - planned: the milestone was created, or got its first issue, before its start; `amount`
            is the number of issues planned by the eve of the start
          - started: issues in scope at the end of the start day, without those carried in
          - carried in: issues that came from another milestone, open
          - added, removed: other issues that came, and issues that left
          - closed, reopened: issues in scope
          - date moved: an export saw another due date; `amount` is in days, positive for later,
            NA where a date was set for the first time or cleared
          - due: the due date passed; `amount` issues were still open
          - finished: no issue was left, or the milestone was closed with `amount` issues open

        - `issues`: tuple of the web addresses of the issues counted; empty for dates
        - `remaining`: open issues after the step; after the last step of a day equal to
          `burndown` of that day
        - `due_date`: as the exports had seen it by then; NA for none

        What happened before the start is folded into "planned" and "started". As in `burndown`,
        each issue counts by what it was at the end of a day: closed and reopened within one day
        is no step. A milestone without start date starts with its first issue; one that never had
        an issue has only dates.

    Raises
    ------
    UnknownNameError
        Where the milestone fits none or several.
    ConfigurationError
        For an unknown zone, or an `as_of` that is neither day nor instant.

    Examples
    --------
    >>> from roadmap_analytics import schema
    >>> from roadmap_analytics.frames import Dataset
    >>> made = schema.tidy("milestones", [{"milestone_id": 9, "iid": 1, "title": "R1",
    ...     "state": "active", "start_date": "2025-03-03", "due_date": "2025-03-05"}])
    >>> milestone_timeline(Dataset({"milestones": made}), "R1", as_of="2025-03-10")[
    ...     ["date", "step", "amount", "remaining"]]
            date step  amount  remaining
    0 2025-03-05  due       0          0
    """
    view = View.of(dataset, as_of, timezone, types)
    chosen = find_milestones(dataset, milestone)
    known = view.milestones
    known = known[known["milestone_id"].isin(chosen)]
    ends = _seen_from(view, chosen)
    dates = _Dates.of(view, known, ends)
    steps = [*_issue_steps(ends, dates), *_date_steps(ends, dates)]
    title = ", ".join(dict.fromkeys(known["title"].astype(str)))
    return view.result(_tidy(steps, ends, dates, view), title=title)


class _Step(NamedTuple):
    date: np.datetime64
    step: str
    amount: int | None
    issues: tuple[int, ...] = ()
    change: int = 0  # of what remains


class _Dates(NamedTuple):
    """Days of one milestone; NaT where there is none."""

    created: np.datetime64
    start: np.datetime64
    due: np.datetime64
    closed: np.datetime64  # the day on which an export first saw it closed, if it still is
    seen: list[tuple[np.datetime64, np.datetime64]]  # (day of an export, due date it saw), ordered
    last: np.datetime64

    @classmethod
    def of(cls, view: View, known: pd.DataFrame, ends: pd.DataFrame) -> _Dates:
        """Collect the days of the chosen milestones; of several, the earliest start, latest due."""
        first = ends.loc[ends["member"].to_numpy(), "day"].min()
        start = _day(known["start_date"].min())
        start = _day(first) if np.isnat(start) else start
        created = days_of(known["created_at"].dropna(), view.timezone)
        seen = view.observed
        seen = seen[seen["milestone_id"].isin(known["milestone_id"]).to_numpy()]
        seen = seen.sort_values("observed_at", kind="stable")
        days = days_of(seen["observed_at"], view.timezone)
        closed = np.datetime64("NaT", "D")
        if len(known) and (known["state"] == "closed").all():
            # The newest row that differs from "closed" ends the last time it was active.
            shut = (seen["state"] == "closed").to_numpy()
            after = len(shut) - int(np.argmin(shut[::-1])) if not shut.all() else 0
            closed = days[after] if after < len(days) else closed
        return cls(
            created=created.min() if len(created) else np.datetime64("NaT", "D"),
            start=start,
            due=_day(known["due_date"].max()),
            closed=closed,
            seen=_latest_due(seen, days),
            last=view.last,
        )

    def due_on(self, day: np.datetime64) -> np.datetime64:
        """Return the due date that was known on a day: the last one seen by then, else the first.

        Before the first export nothing was seen; the earliest observation is the best guess.
        """
        known = [due for seen, due in self.seen if seen <= day]
        if known:
            return known[-1]
        return self.seen[0][1] if self.seen else self.due


def _latest_due(seen: pd.DataFrame, days: Days) -> list[tuple[np.datetime64, np.datetime64]]:
    """Return (day, due date) whenever the latest due date of the chosen milestones changed."""
    current: dict[int, np.datetime64] = {}
    changes: list[tuple[np.datetime64, np.datetime64]] = []
    for day, milestone, due in zip(days, seen["milestone_id"], seen["due_date"], strict=True):
        current[milestone] = _day(due)
        dated = [one for one in current.values() if not np.isnat(one)]
        latest = max(dated, default=np.datetime64("NaT", "D"))
        # NaT equals nothing, itself included: compare the texts.
        if not changes or str(changes[-1][1]) != str(latest):
            changes.append((day, latest))
    return changes


def _day(value: Any) -> np.datetime64:
    return np.datetime64("NaT" if pd.isna(value) else value, "D")


def _seen_from(view: View, chosen: list[int]) -> pd.DataFrame:
    """Return each issue at the end of each day on which it changed, as seen from the milestone.

    One row per issue and day, sorted: `issue_id`, `day`, `member`, `closed`, and the same of its
    row before (`was_member`, `was_closed`), `carried` (it has been in another milestone by then),
    `url`.
    """
    ends = day_ends(view)
    here = np.isin(ends.added_to, chosen)
    mine = np.isin(ends.issue, ends.added[here])
    elsewhere = pd.Series(ends.added_on[~here]).groupby(ends.added[~here]).min()
    frame = pd.DataFrame({"issue_id": ends.issue[mine], "closed": ends.closed[mine]})
    frame["member"] = np.isin(ends.milestone[mine], chosen)
    frame["carried"] = (frame["issue_id"].map(elsewhere) <= ends.day[mine]).to_numpy(bool)
    frame["day"] = ends.day[mine].astype("datetime64[D]")
    before = frame.groupby("issue_id")[["member", "closed"]].shift(fill_value=False)
    frame[["was_member", "was_closed"]] = before
    frame["url"] = frame["issue_id"].map(view.issues.set_index("issue_id")["web_url"])
    return frame


def _issue_steps(ends: pd.DataFrame, dates: _Dates) -> list[_Step]:
    if np.isnat(dates.start):
        return []
    steps = _steps_to_start(ends, dates)
    late = ends[(ends["day"] > dates.start).to_numpy()]
    member, was = late["member"], late["was_member"]
    came, left, stayed = member & ~was, ~member & was, member & was
    # An issue that came on the day of its closing was work of this milestone; one that had been
    # closed before was not, and leaves what remains as it is.
    done_here = came & late["closed"] & ~late["was_closed"]
    came_open = came & (~late["closed"] | done_here)
    carried = came_open & late["carried"]
    groups = [
        ("carried in", carried, 1),
        ("added", came_open & ~carried, 1),
        ("added", came & ~came_open, 0),
        ("removed", left & ~late["was_closed"], -1),
        ("removed", left & late["was_closed"], 0),
        ("reopened", stayed & ~late["closed"] & late["was_closed"], 1),
        ("closed", (stayed & late["closed"] & ~late["was_closed"]) | done_here, -1),
    ]
    for step, rows, sign in groups:
        for day, some in late[rows.to_numpy(bool)].groupby("day"):
            ids = tuple(some["issue_id"])
            steps.append(_Step(_day(day), step, len(ids), ids, sign * len(ids)))
    return steps


def _steps_to_start(ends: pd.DataFrame, dates: _Dates) -> list[_Step]:
    """Fold what happened up to the end of the start day into "planned" and "started"."""
    steps = []
    planned = _members(ends, dates.start - 1)
    first = ends.loc[ends["member"].to_numpy(), "day"].min()
    beginnings = [day for day in (dates.created, _day(first)) if not np.isnat(day)]
    begun = min(beginnings, default=dates.start)
    if begun < dates.start:
        open_then = int((~planned["closed"]).sum())
        steps.append(_Step(begun, "planned", len(planned), tuple(planned["issue_id"]), open_then))
    if dates.start > dates.last:
        return steps
    scope = _members(ends, dates.start)
    if len(scope) or begun < dates.start:
        still = sum(step.change for step in steps)
        carried = (scope["carried"] & ~scope["closed"]).to_numpy(bool)
        fresh, old = scope[~carried], scope[carried]
        open_fresh = int((~fresh["closed"]).sum())
        ids = tuple(fresh["issue_id"])
        steps.append(_Step(dates.start, "started", len(ids), ids, open_fresh - still))
        if len(old):
            ids = tuple(old["issue_id"])
            steps.append(_Step(dates.start, "carried in", len(ids), ids, len(ids)))
    return steps


def _members(ends: pd.DataFrame, day: np.datetime64) -> pd.DataFrame:
    """Return the newest row of each issue that was in scope at the end of a day."""
    by_then = ends[(ends["day"] <= day).to_numpy()].groupby("issue_id").tail(1)
    return by_then[by_then["member"].to_numpy(bool)]


def _date_steps(ends: pd.DataFrame, dates: _Dates) -> list[_Step]:
    steps = []
    for (_, before), (day, after) in zip(dates.seen, dates.seen[1:], strict=False):
        known = not (np.isnat(before) or np.isnat(after))
        steps.append(_Step(day, "date moved", int((after - before).astype(int)) if known else None))
    if dates.due <= dates.last:  # False where there is none
        steps.append(_open_step(ends, dates.due, "due"))
    if (finished := _finished(ends, dates)) is not None:
        steps.append(_open_step(ends, finished, "finished"))
    return steps


def _open_step(ends: pd.DataFrame, day: np.datetime64, step: str) -> _Step:
    still = _members(ends, day)
    ids = tuple(still.loc[~still["closed"].to_numpy(bool), "issue_id"])
    return _Step(day, step, len(ids), ids)


def _finished(ends: pd.DataFrame, dates: _Dates) -> np.datetime64 | None:
    """Return the day on which nothing was left for good, else that of the closing; None if open."""
    delta = (ends["member"] & ~ends["closed"]).astype(int)
    delta -= (ends["was_member"] & ~ends["was_closed"]).astype(int)
    remaining = delta.groupby(ends["day"]).sum().cumsum()
    emptied = None
    if len(remaining) and remaining.iloc[-1] == 0 and (remaining > 0).any():
        emptied = _day(remaining.index[int(np.flatnonzero(remaining.to_numpy() > 0)[-1]) + 1])
    if np.isnat(dates.closed):
        return emptied
    return dates.closed if emptied is None else min(emptied, dates.closed)


def _tidy(steps: list[_Step], ends: pd.DataFrame, dates: _Dates, view: View) -> pd.DataFrame:
    steps = [step for step in steps if step.date <= view.last]
    steps.sort(key=lambda one: (one.date, STEPS.index(one.step)))
    urls = dict(zip(ends["issue_id"], ends["url"], strict=True))
    rows: list[dict[str, Any]] = []
    remaining = 0
    for step in steps:
        remaining += step.change
        again = rows and (rows[-1]["date"], rows[-1]["step"]) == (step.date, step.step)
        if again and step.issues:  # e.g. issues removed open, and others removed closed
            rows[-1]["amount"] += step.amount
            rows[-1]["issues"] = rows[-1]["issues"] + step.issues
            rows[-1]["remaining"] = remaining
            continue
        rows.append(
            {
                "date": step.date,
                "step": step.step,
                "amount": step.amount,
                "issues": step.issues,
                "remaining": remaining,
                "due_date": dates.due_on(step.date),
            }
        )
    for row in rows:
        row["issues"] = tuple(urls[issue] for issue in sorted(row["issues"]))
    return pd.DataFrame(rows, columns=list(_TYPES)).astype(_TYPES)
