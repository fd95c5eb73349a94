"""What every issue did to every milestone, day by day: what burndown, progress and scope count.

All milestones are computed at once, in three steps:

1. `day_ends`: bring the events of each issue to its state at the end of each day on which it
   changed: in which milestone, open or closed, of what size.
2. `_changes`: the difference between two such states is what one issue adds to, or takes from, one
   milestone on that day.
3. Sums of these changes are everything else: scope, completed work, what was added and removed.

The rules are those of GitLab's own chart: the issue set follows from all additions ever made and
not from today's members; any other milestone event means that the issue left; reopening un-counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from roadmap_analytics.analysis import replay
from roadmap_analytics.analysis.days import Days, Floats, dates_of, days_of
from roadmap_analytics.analysis.replay import NONE, Bools, Ints
from roadmap_analytics.analysis.view import View
from roadmap_analytics.arguments import one_of

Measure: TypeAlias = Literal["issues", "weight", "hours"]

_FIELD = {"issues": None, "weight": "weight", "hours": "time_estimate"}
_NEVER = np.iinfo(np.int64).max  # the day of an addition that never was
_FIRST_DAY = np.iinfo(np.int32).min
_AMOUNTS = ("scope", "completed", "added", "removed")
_UNIT = {"issues": "issues", "weight": "weight", "hours": "estimated hours"}


@dataclass(frozen=True)
class Ledger:
    """Every change of every milestone, and the milestones as known at the time."""

    view: View
    measure: str
    # What one issue added to, or took from, one milestone on one day: `place` (row of
    # `milestones`), `milestone_id`, `issue_id`, `day` (``datetime64[D]`` as days since 1970),
    # `scope` and `completed` (signed amounts), `added` and `removed` (what of `scope` is above 0,
    # and below, as positive amounts), `other` (the milestone that the issue came from or went to;
    # `NONE` for none, the same one where the issue stayed). Of a `Scan`, all issues of one
    # milestone and day make one row, which has `place`, `day` and the amounts.
    changes: pd.DataFrame
    # As known then, with `start` (of the first addition where no date is set), `due`,
    # `without_measure` (issues that count 0) and `met` (an issue was ever added).
    milestones: pd.DataFrame

    @property
    def start(self) -> Days:
        """First day of each milestone."""
        return dates_of(self.milestones["start"])

    @property
    def due(self) -> Days:
        """Due date of each milestone; NaT without one."""
        return dates_of(self.milestones["due"])

    @property
    def day(self) -> Days:
        """Day of each change."""
        return self.changes["day"].to_numpy().astype("datetime64[D]")

    def total(self, amount: Floats, keep: Bools | None = None) -> Floats:
        """Sum an amount per milestone over the changes to keep."""
        place = self.changes["place"].to_numpy()
        if keep is not None:
            place, amount = place[keep], amount[keep]
        return sums(place, amount, len(self.milestones))

    def number(self, values: Floats, missing: Bools | None = None) -> pd.Series[Any]:
        """Give amounts the type of the measure: whole numbers, or hours."""
        column = pd.Series(values, dtype="float64")
        if missing is not None:
            column = column.mask(missing)
        if self.measure == "hours":
            return column
        return column.astype("int64" if missing is None else "Int64")

    def result(self, frame: pd.DataFrame, **more: Any) -> pd.DataFrame:
        """Return a result as `View.result` does; its `attrs` name the measure and its unit, too."""
        return self.view.result(frame, measure=self.measure, unit=_UNIT[self.measure], **more)


def sums(place: Ints, amount: Floats, length: int) -> Floats:
    """Sum amounts per place, without the noise of floating point in the last digits."""
    return np.asarray(np.bincount(place, amount, length).round(6), dtype=np.float64)


def ledger(
    view: View, measure: str, only: list[int] | None = None, *, together: bool = False
) -> Ledger:
    """Make the ledger of all milestones, or of some.

    Parameters
    ----------
    view : View
    measure : {"issues", "weight", "hours"}
    only : list of int, optional
        Ids of the milestones; all by default.
    together : bool
        Count the milestones of `only` as one: from the first start to the last due date (none
        where one has none), and what moves between them changes nothing.

    Raises
    ------
    ConfigurationError
        For an unknown measure.
    """
    one_of("measure", measure, Measure)
    milestones = view.milestones
    if only is not None:
        milestones = milestones[milestones["milestone_id"].isin(only)].reset_index(drop=True)
    joined = only is not None and together and len(only) > 1
    ids = milestones["milestone_id"].to_numpy(np.int64)
    found = view.reduced(_entries, _summed, _FIELD[measure], ids, joined)
    per_place = found.milestones.groupby("place")
    first = per_place["first"].min().reindex(range(len(ids)), fill_value=_NEVER).to_numpy()
    unmeasured = per_place["without_measure"].sum().reindex(range(len(ids)), fill_value=0)
    met, first_added = first < _NEVER, first.astype("datetime64[D]")
    first_added[~met] = np.datetime64("NaT")
    if joined:
        milestones = _as_one(milestones, first_added)  # dated by it, if anything was ever added
        first_added = np.array(["NaT"], "datetime64[D]")
        unmeasured, met = unmeasured.groupby(lambda _: 0).sum(), np.array([met.any()])

    start = dates_of(milestones["start_date"])
    undated = np.isnat(start)
    start[undated] = first_added[undated]
    milestones = milestones.assign(
        start=start.astype("datetime64[s]"),
        due=dates_of(milestones["due_date"]).astype("datetime64[s]"),
        without_measure=unmeasured.to_numpy(np.int64),
        met=met,
    )
    return Ledger(view, measure, found.changes, milestones)


class _Entries(NamedTuple):
    """What some issues say of milestones."""

    changes: pd.DataFrame  # as in `Ledger`
    milestones: pd.DataFrame  # place, first (day of an addition), without_measure


def _entries(view: View, sized_by: str | None, ids: Ints, joined: bool) -> _Entries:
    """Return what the issues of a view, or of a partition of it, say of some milestones."""
    ends = day_ends(view, sized_by)
    first = np.full(len(ids), _NEVER)
    place, known = _places(ids, ends.added_to)
    np.minimum.at(first, place[known], ends.added_on[known])
    final = replay.last_of(ends.issue) & np.isnan(ends.size)
    place, known = _places(ids, ends.milestone[final])
    without = np.bincount(place[known], minlength=len(ids))
    said = pd.DataFrame({"place": np.arange(len(ids)), "first": first, "without_measure": without})
    if joined:
        ends, ids = ends.as_one(ids), ids[:1]
    return _Entries(_changes(ends, ids), said[((first < _NEVER) | (without > 0))])


def _summed(entries: _Entries) -> _Entries:
    """Make one row of all changes of a milestone on a day, and one of what is said of it.

    Sums of sums may differ from sums in the last bits. Rounding takes them away: amounts are
    counts, weights, or whole seconds as hours, of which no sum lies halfway between two sixth
    decimals.
    """
    said = entries.milestones.groupby("place", as_index=False)
    return _Entries(
        _daily(entries.changes),
        said.agg({"first": "min", "without_measure": "sum"}),
    )


def _daily(changes: pd.DataFrame) -> pd.DataFrame:
    """Sum the amounts of all changes of a milestone on a day.

    A scan has as many rows as all its milestones have days with changes. So they are kept short,
    and are sorted as one number each: grouping by two columns takes four times the memory.
    """
    place, day = changes["place"].to_numpy(np.int64), changes["day"].to_numpy(np.int64)
    key = (place << 32) + (day - _FIRST_DAY)  # milestones, and days of all calendars, fit 32 bits
    order = np.argsort(key, kind="stable")
    key = key[order]
    first = np.flatnonzero(replay.first_of(key))
    key = key[first]
    # `reduceat` takes no empty list of beginnings.
    amounts = {
        name: np.add.reduceat(changes[name].to_numpy()[order], first) if len(first) else np.zeros(0)
        for name in _AMOUNTS
    }
    return pd.DataFrame(
        {
            "place": (key >> 32).astype(np.int32),
            "day": ((key & (2**32 - 1)) + _FIRST_DAY).astype(np.int32),
            **amounts,
        },
        copy=False,
    )


def _as_one(milestones: pd.DataFrame, first_added: Days) -> pd.DataFrame:
    """Make one row of several milestones: first start, last due date, all titles."""
    start = dates_of(milestones["start_date"])
    start = np.where(np.isnat(start), first_added, start)
    due = dates_of(milestones["due_date"])
    begun = start[~np.isnat(start)]
    titles = dict.fromkeys(milestones["title"])  # the same title in several projects: once
    return milestones.head(1).assign(
        title=", ".join(titles),
        start_date=(begun.min() if len(begun) else np.datetime64("NaT", "D")).astype("M8[us]"),
        due_date=due.max().astype("M8[us]"),  # NaT where one has none: then so has the whole
    )


def _places(ids: Ints, wanted: Ints) -> tuple[Ints, Bools]:
    """Find each wanted id among ascending ids; mark the ones that are there."""
    if not len(ids):
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=bool)
    # An id above all others would be looked up behind the end.
    place = np.searchsorted(ids, wanted).clip(max=len(ids) - 1)
    return place, ids[place] == wanted


@dataclass(frozen=True)
class DayEnds:
    """Each issue at the end of each day on which its milestone, state or size changed."""

    issue: Ints
    day: Ints  # days since 1970, in the zone of the call
    milestone: Ints  # `NONE` for none, negative for one no longer known
    closed: Bools
    size: Floats  # NaN: not weighed, not estimated
    # Every addition ever made, those undone on the same day included: milestone, day and issue.
    added_to: Ints
    added_on: Ints
    added: Ints

    def as_one(self, milestones: Ints) -> DayEnds:
        """Let the first of some milestones stand for all of them."""

        def joined(ids: Ints) -> Ints:
            return np.where(np.isin(ids, milestones), milestones[0], ids)

        return DayEnds(
            self.issue, self.day, joined(self.milestone), self.closed, self.size,
            joined(self.added_to), self.added_on, self.added,
        )  # fmt: skip


def day_ends(view: View, sized_by: str | None = None) -> DayEnds:
    """Follow each issue through its events; keep the last event of each of its days."""
    fields = ["state", "milestone", *([sized_by] if sized_by else [])]
    log = replay.ordered(view.dataset, fields, view.at, view.types)
    events, rows = log.events, log.rows
    day = days_of(events["at"].take(rows), view.timezone).astype(np.int64)
    ends = np.flatnonzero(replay.last_of(log.issue, day))

    milestone = replay.milestone_codes(events, rows[log.of["milestone"]])
    closed = (events["value"].take(rows[log.of["state"]]) == "closed").to_numpy()
    size = np.ones(len(ends))
    if sized_by:
        number = events["number"].to_numpy(np.float64)[rows[log.of[sized_by]]]
        if sized_by == "time_estimate":
            number = np.where(number == 0, np.nan, number)  # GitLab writes 0 for "no estimate"
        size = log.newest(sized_by, number, np.nan, ends)
    added = milestone != NONE
    return DayEnds(
        log.issue[ends],
        day[ends],
        replay.counted_milestones(log, milestone, ends),
        log.newest("state", closed, False, ends),
        size,
        milestone[added],
        day[log.of["milestone"]][added],
        log.issue[log.of["milestone"]][added],
    )


def _changes(ends: DayEnds, ids: Ints) -> pd.DataFrame:
    """Compare each issue at the end of a day with what it was before (see `Ledger.changes`)."""
    now = ends.milestone
    was = np.where(replay.first_of(ends.issue), NONE, np.roll(now, 1))
    scope = np.nan_to_num(ends.size)
    done = scope * ends.closed
    # An issue's first row has no row before it: what `roll` puts there belongs to another issue. It
    # is never used, since `was` is NONE there, so the issue neither left nor stayed.
    scope_was, done_was = np.roll(scope, 1), np.roll(done, 1)

    moved = now != was
    left, came = moved & (was > NONE), moved & (now > NONE)
    stayed = ~moved & (now > NONE) & ((scope != scope_was) | (done != done_was))
    parts = [  # rows, milestone, its scope and completed work change by, the other milestone
        (np.flatnonzero(left), was, -scope_was, -done_was, now),
        (np.flatnonzero(came), now, scope, done, was),
        (np.flatnonzero(stayed), now, scope - scope_was, done - done_was, now),
    ]
    milestone = np.concatenate([m[rows] for rows, m, *_ in parts])
    place, known = _places(ids, milestone)
    rows = np.concatenate([rows for rows, *_ in parts])[known]
    grown = np.concatenate([s[rows] for rows, _, s, _, _ in parts])[known]
    return pd.DataFrame(
        {
            "place": place[known],
            "milestone_id": milestone[known],
            "issue_id": ends.issue[rows],
            "day": ends.day[rows],
            "scope": grown,
            "completed": np.concatenate([d[rows] for rows, _, _, d, _ in parts])[known],
            "added": grown.clip(min=0),
            "removed": (-grown).clip(min=0),
            "other": np.concatenate([o[rows] for rows, *_, o in parts])[known],
        }
    )
