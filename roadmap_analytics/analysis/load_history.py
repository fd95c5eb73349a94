"""Workload over past time: how many open issues each person had, by day or week."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from roadmap_analytics.analysis import replay
from roadmap_analytics.analysis.days import (
    FAR_DAYS,
    AsOf,
    Days,
    Floats,
    dates_of,
    days_of,
    last_day,
    ticks,
)
from roadmap_analytics.analysis.lookup import MilestoneRef, find_milestones
from roadmap_analytics.analysis.replay import Bools, Ints
from roadmap_analytics.analysis.view import View
from roadmap_analytics.analysis.workload import UNASSIGNED, Split
from roadmap_analytics.arguments import one_of
from roadmap_analytics.frames import Dataset

Names: TypeAlias = npt.NDArray[np.object_]


def workload_history(
    dataset: Dataset,
    *,
    as_of: AsOf,
    freq: Literal["D", "W"] = "W",
    since: AsOf | None = None,
    timezone: str | None = None,
    split: Split = "full",
    milestone: MilestoneRef | None = None,
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Count how many open issues each person held, day by day or week by week.

    Parameters
    ----------
    dataset : Dataset
    as_of : date or aware timestamp
        The last row. Nothing after it matters.
    freq : {"D", "W"}
        Days, or weeks that end on Sunday; the last, unfinished week ends at `as_of`.
    since : date, optional
        The first day; by default the day on which the first issue was opened, or fifty years
        before `as_of` where an issue claims to be older.
    timezone, split, milestone, types
        As in `workload`. With `milestone`, issues count while they are in it.

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
    one_of("split", split, Split)
    one_of("freq", freq, Literal["D", "W"])
    view = View.of(dataset, as_of, timezone, types)
    chosen = None if milestone is None else find_milestones(dataset, milestone)
    steps = view.reduced(_steps, _per_day, split, chosen)
    person = steps["person"].astype("category").cat
    names, day = person.categories.sort_values(), dates_of(steps["day"])
    dates = _grid(_first_day(view, day, since), view.day, freq)
    shape = (len(dates), len(names))
    # A step belongs to the first date that is not before its day. The last date takes all others.
    row = np.searchsorted(dates[:-1].to_numpy("datetime64[D]"), day)
    cell = row * len(names) + names.get_indexer(person.categories)[person.codes]

    def per_cell(amount: Floats) -> Floats:
        cells = np.bincount(cell, amount, shape[0] * shape[1])
        return np.asarray(cells, dtype=np.float64).reshape(shape)

    arrivals = per_cell(steps["arrivals"].to_numpy())
    departures = per_cell(steps["departures"].to_numpy())
    held = np.cumsum(arrivals - departures, axis=0)
    seen = np.cumsum(arrivals, axis=0) > 0
    columns = ["open_issues", "arrivals", "departures"]
    frame = pd.DataFrame(
        {
            "date": np.repeat(dates.to_numpy(), shape[1]),
            "person": pd.Series(np.tile(np.asarray(names, dtype=object), shape[0]), dtype="str"),
            "open_issues": held.ravel().round(6) + 0.0,  # + 0.0: no negative zeros
            "arrivals": arrivals.ravel().round(6),
            "departures": departures.ravel().round(6),
        }
    )[seen.ravel()].reset_index(drop=True)
    if split == "full":
        frame = frame.astype(dict.fromkeys(columns, "int64"))
    return view.result(frame, split=split, unit="issues", freq=freq)


def _first_day(view: View, days: Days, since: AsOf | None) -> pd.Timestamp:
    if since is not None:
        first = last_day(since, view.timezone, "since")
        view.not_after("since", first)
        return first
    if not len(days):
        return view.day
    return max(pd.Timestamp(days.min()).as_unit("us"), view.day - pd.Timedelta(FAR_DAYS, "D"))


def _grid(first: pd.Timestamp, today: pd.Timestamp, freq: str) -> pd.DatetimeIndex:
    days = pd.date_range(min(first, today), today, freq="D" if freq == "D" else "W-SUN", unit="us")
    return pd.DatetimeIndex(days.union([today]))


def _steps(view: View, split: str, milestones: list[int] | None) -> pd.DataFrame:
    """Return every change of what a person holds, in any order.

    Its columns are `person` (a category), `day` (in the zone of the view), `arrivals` and
    `departures`: what the person got on that day, and gave up, as shares of issues.

    An issue's life is cut at every moment at which its state, assignees or milestone changed. From
    one cut to the next it is open (and in the milestone) or not, and held by n people, which makes
    the share of each. With equal shares, the steps of one issue are, for example::

        cut  what happens  share   ada   bob   unassigned
        0    opened        1                   +1
        1    ada takes it  1       +1          -1
        2    bob joins     1/2     -1/2  +1/2
        3    closed        0       -1/2  -1/2

    Who takes the issue gains the share of that cut; who gives it up loses the share of the cut
    before; who holds on sees the share change at the cuts between.
    """
    cuts = _cuts(view, milestones)
    held, names, unassigned = _holdings(view, cuts)
    # +1 where a holding begins and -1 where it ends: the running sum is the number of holders. One
    # that lasts to the end ends where the next issue begins, which for the last is one past all.
    count = len(cuts.issue) + 1
    turns = np.bincount(held.came, minlength=count) - np.bincount(held.left, minlength=count)
    holders = np.cumsum(turns)[:-1]
    share = cuts.counts / (holders.clip(min=1) if split == "equal" else 1.0)

    first = replay.first_of(cuts.issue)

    def changes(amount: Floats) -> Floats:
        """Compare each cut with the one before it in the same issue."""
        return amount - np.where(first, 0.0, np.roll(amount, 1))

    change, unheld = changes(share), changes(np.where(holders == 0, share, 0.0))
    holding, between = _between(np.flatnonzero(change), held.came, held.left)
    given_up, alone = held.left[held.ended], np.flatnonzero(unheld)
    parts = [  # who, at which cut, by how much
        (held.person, held.came, share[held.came]),
        (held.person[holding], between, change[between]),
        (held.person[held.ended], given_up, -share[given_up - 1]),
        (np.full(len(alone), unassigned), alone, unheld[alone]),
    ]
    person, cut, amount = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    at = pd.Series(cuts.at[cut].view("datetime64[us]")).dt.tz_localize("UTC")
    return pd.DataFrame(
        {
            "person": pd.Categorical.from_codes(person, pd.Index(names, dtype="str")),
            "day": days_of(at, view.timezone).astype("datetime64[s]"),
            "arrivals": amount.clip(min=0),
            "departures": -amount.clip(max=0),
        }
    )


def _per_day(steps: pd.DataFrame) -> pd.DataFrame:
    """Make one row per person and day."""
    # As text: two partitions have other categories.
    named = steps.assign(person=steps["person"].astype("str"))
    return named.groupby(["person", "day"], as_index=False)[["arrivals", "departures"]].sum()


def _between(turns: Ints, came: Ints, left: Ints) -> tuple[Ints, Ints]:
    """Return the turns (ascending) that lie strictly between each came and left.

    As pairs of the place of the span and the turn: for turns [2, 5, 6] and spans 1 to 6 and 5 to 9,
    places [0, 0, 1] and turns [2, 5, 6].
    """
    first = np.searchsorted(turns, came, side="right")
    lengths = np.searchsorted(turns, left, side="left") - first
    span = np.repeat(np.arange(len(came)), lengths)
    # Counts from 0 within each span: 0, 1, 2 | 0 | 0, 1 for lengths 3, 1, 2.
    number = np.arange(len(span)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return span, turns[first[span] + number]


class _Cuts(NamedTuple):
    """The moments at which something about an issue changed, sorted by issue and time."""

    issue: Ints
    at: Ints  # ticks
    counts: Bools  # from here on: open, and in a milestone that is asked for
    event: Ints  # places of the events of assignees in `issue_events`
    cut: Ints  # the cut that each of those made


def _cuts(view: View, milestones: list[int] | None) -> _Cuts:
    fields = ["state", "assignee", *([] if milestones is None else ["milestone"])]
    log = replay.ordered(view.dataset, fields, view.at, view.types)
    events, rows, issue = log.events, log.rows, log.issue
    when = ticks(events["at"])[rows]
    # Events of one instant make one cut: the last of each field decides.
    last = np.flatnonzero(replay.last_of(issue, when))
    cut = np.cumsum(replay.first_of(issue, when)) - 1

    opened = (events["value"] == "opened").to_numpy()[rows[log.of["state"]]]
    counts = log.newest("state", opened, False, last)
    if milestones is not None:
        inside = np.isin(replay.milestone_codes(events, rows[log.of["milestone"]]), milestones)
        counts = counts & log.newest("milestone", inside, False, last)
    # A removed account that GitLab no longer names holds nothing that could be shown.
    named = log.of["assignee"] & events["value"].notna().to_numpy()[rows]
    return _Cuts(issue[last], when[last], counts, rows[named], cut[named])


class _Holdings(NamedTuple):
    """Who held an issue, from which cut to which."""

    person: Ints
    came: Ints
    left: Ints  # the first cut of the next issue where the holding lasts to the end
    ended: Bools


def _holdings(view: View, cuts: _Cuts) -> tuple[_Holdings, Names, int]:
    """Return the holdings, the names of all holders, and the place of `UNASSIGNED` among them."""
    events = view.dataset.issue_events.iloc[cuts.event]
    no_one = pd.Series([UNASSIGNED], dtype="str")
    person, names = pd.factorize(pd.concat([events["value"], no_one]), sort=True)
    person, unassigned = person[:-1], int(person[-1])
    issue = (np.cumsum(replay.first_of(cuts.issue)) - 1)[cuts.cut]
    # Bring the events of each issue and person together, in order of time (the sort is stable).
    order = np.lexsort((person, issue))
    issue, person, cut = issue[order], person[order], cuts.cut[order]
    held = (events["action"] == "add").to_numpy()[order]

    settled = replay.last_of(issue, person, cut)  # of events of one cut the last decides
    issue, person, cut, held = issue[settled], person[settled], cut[settled], held[settled]
    before = np.where(replay.first_of(issue, person), False, np.roll(held, 1))
    turned = held != before  # taking what one has, or leaving what one has not, changes nothing
    issue, person, cut, held = issue[turned], person[turned], cut[turned], held[turned]

    # Now the events of a pair alternate: taken, given up, taken ... The next one ends a holding.
    ended = ~replay.last_of(issue, person)[held]
    next_issue = np.flatnonzero(replay.last_of(cuts.issue)) + 1
    left = np.where(ended, np.roll(cut, -1)[held], next_issue[issue[held]])
    return _Holdings(person[held], cut[held], left, ended), np.asarray(names), unassigned
