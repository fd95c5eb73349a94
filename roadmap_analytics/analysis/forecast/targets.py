"""What a forecast is asked for: milestones, one person's queue, a roadmap item, everything planned.

A target is followed by calendar day: issues come into it (added while open, reopened) and leave it
(closed, or taken out). `Flows` counts both for many targets and many days at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from rapidfuzz import fuzz, process

from roadmap_analytics.analysis.days import FAR_DAYS, Days, Floats, Ints, dates_of, day64
from roadmap_analytics.analysis.lookup import (
    MilestoneRef,
    find_milestone,
    find_milestones,
    known_person,
)
from roadmap_analytics.analysis.stays import NEVER, NOTHING, Stays, open_stays
from roadmap_analytics.analysis.view import View
from roadmap_analytics.errors import ConfigurationError, UnknownNameError

_NAT = np.datetime64("NaT", "D")

HALF_LIFE = 45.0
"""Days after which a past day counts half as much for the pace. Chosen on real pace: with 20 to 30
days dates are nearest, with 90 they lag behind (docs/forecast-laboratory.md)."""


class Target(NamedTuple):
    """What a forecast is asked for; days are ``datetime64[D]``, NaT where there is none."""

    title: str
    milestones: tuple[int, ...]  # whose issues count, all together; empty for a person
    person: str | None = None
    start: np.datetime64 = _NAT  # as known on the day of asking, like `due`
    due: np.datetime64 = _NAT
    closed: bool = False  # an export had seen it closed by then, done or not
    promised: np.datetime64 = _NAT  # its chance is asked for, instead of that of the due date

    @property
    def deadline(self) -> np.datetime64:
        """The date whose chance is asked for."""
        return self.due if np.isnat(self.promised) else self.promised


def targets_of(
    view: View,
    milestone: MilestoneRef | None,
    person: str | None,
    item: str | None,
    horizon: bool,
) -> list[Target]:
    """Return what a call asks for; milestones in order of their ids."""
    asked = sum([milestone is not None, person is not None, item is not None, horizon])
    if asked > 1:
        raise ConfigurationError(
            f"forecast: expected one of milestone, person, item, horizon, got {asked} of them; "
            "ask for each by itself"
        )
    if person is not None:
        return [Target(known_person(view.dataset, person), (), person)]
    if item is not None:
        return [item_target(view, item)]
    planned = _planned(view)
    if horizon:
        return [Target("everything planned", tuple(planned["milestone_id"]))]
    if milestone is None:
        return _of_milestones(planned, view)
    ids = find_milestones(view.dataset, milestone)
    known = view.milestones
    return _of_milestones(known[known["milestone_id"].isin(ids).to_numpy()], view)


def _planned(view: View) -> pd.DataFrame:
    """Return the milestones that are no drafts and not known to have been closed by then."""
    known = view.milestones
    unseen = ~(known["observed_at"] < view.at) & (known["created_at"] < view.at)
    return known[(((known["state"] == "active") | unseen) & ~known["draft"]).to_numpy()]


def _of_milestones(known: pd.DataFrame, view: View) -> list[Target]:
    columns = (
        known["title"],
        known["milestone_id"],
        dates_of(known["start_date"]),
        dates_of(known["due_date"]),
        _closed(known, view),
    )
    return [
        Target(str(title), (int(key),), None, start, due, bool(closed))
        for title, key, start, due, closed in zip(*columns, strict=True)
    ]


def _closed(known: pd.DataFrame, view: View) -> pd.Series[bool]:
    """Say which milestones an export had seen closed by then."""
    return (known["state"] == "closed") & (known["observed_at"] < view.at)


def _item_milestones(view: View, item: str) -> tuple[str, list[int]]:
    """Find the milestones of a roadmap item in the revision in force; of those below it, too.

    `item` is a key (``1.2``) or a title, without regard to case and spaces.
    """
    items = view.of_revision("roadmap_items")
    plain = " ".join(str(item).split()).casefold()
    names = items["title"].str.split().str.join(" ").str.casefold()
    fits = items[(items["key"] == str(item).strip()).to_numpy()]
    fits = fits if len(fits) else items[(names == plain).to_numpy()]
    if len(fits) != 1:
        near = process.extract(plain, names.tolist(), scorer=fuzz.WRatio, limit=5)
        shown = fits if len(fits) else items.iloc[[place for _, _, place in near]]
        pairs = zip(shown["key"], shown["title"], strict=True)
        listed = "; ".join(f"{key} {title}" for key, title in pairs)
        raise UnknownNameError(
            f"item: expected the key or title of one roadmap item valid on {view.day.date()}, got "
            f"{item!r}: {len(fits)} fit; the nearest are {listed or 'none: there is no revision'}"
        )
    below = [str(fits["key"].iloc[0])]
    for key in below:  # grows while it is read: items below items
        below += items.loc[(items["parent"] == key).to_numpy(), "key"].tolist()
    links = view.of_revision("roadmap_milestones")
    found = set()
    for url in links.loc[links["key"].isin(below).to_numpy(), "url"].unique():
        try:
            found.add(find_milestone(view.dataset, str(url)))
        except UnknownNameError:
            continue  # a milestone of a project that was not exported
    return str(fits["title"].iloc[0]), sorted(found)


def item_target(view: View, item: str) -> Target:
    """Return a roadmap item as a target: from the first start to the last due date of its parts."""
    title, chosen = _item_milestones(view, item)
    known = view.milestones
    known = known[known["milestone_id"].isin(chosen).to_numpy()]
    due = _NAT if known["due_date"].isna().any() else day64(pd.Timestamp(known["due_date"].max()))
    return Target(
        title,
        tuple(chosen),
        start=day64(pd.Timestamp(known["start_date"].min())),
        due=due,
        closed=len(known) > 0 and bool(_closed(known, view).all()),
    )


def stays_of(view: View, targets: Sequence[Target]) -> list[Stays]:
    """Return when issues stood open in each target, as known at the end of the view."""
    milestones = pd.DataFrame(
        [(key, place) for place, target in enumerate(targets) for key in target.milestones],
        columns=["milestone_id", "target"],
        dtype="Int64",
    )
    people = pd.DataFrame(
        [(t.person, place) for place, t in enumerate(targets) if t.person is not None],
        columns=["value", "target"],
    )
    spans = [view.spans("milestone").merge(milestones)]
    if len(people):
        spans.append(view.spans("assignee").merge(people, on="value"))
    columns = ["issue_id", "start_at", "end_at", "target"]
    members = pd.concat([part[columns].astype({"target": "int64"}) for part in spans])
    found = open_stays(view, members)
    return [found.get(place, NOTHING) for place in range(len(targets))]


# Counting -----------------------------------------------------------------------------------------


class Flow:
    """Events of many targets by day, to be counted up to any day of any of them.

    `place` numbers the targets; `day` are days since 1970. Both arrays may be in any order.

    Examples
    --------
    Target 0 has events on days 10, 10 and 55, target 1 on day 20:

    >>> flow = Flow(np.array([0, 1, 0, 0]), np.array([10, 20, 55, 10]), 2)
    >>> flow.count(np.array([0, 0, 1]), np.array([9, 10, 99]))
    array([0, 2, 1])
    >>> flow.recent(np.array([0, 0]), np.array([10, 55]))  # 45 days later two count as one
    array([2., 2.])
    >>> flow.day_of(np.array([0, 0]), np.array([2, 3]))  # the third event; there is no fourth
    array([55., inf])
    """

    def __init__(self, place: Ints, day: Ints, targets: int) -> None:
        order = np.lexsort((day, place))
        self._day = day[order]
        self._start = np.searchsorted(place[order], np.arange(targets + 1))
        # One ascending number per event, so that one search finds the same day in any target.
        self._key = _key(place[order], self._day)
        # Sums of 2 ** (day / half-life), one target at a time: a sum over all of them would drown
        # those of young targets in those of old ones. Days are taken from the first of the target,
        # so that fifty years (406 half-lives) stay within a float.
        self._base = np.zeros(targets)
        self._sums = np.zeros(len(day))
        for one, (first, end) in enumerate(zip(self._start[:-1], self._start[1:], strict=True)):
            if first < end:
                self._base[one] = self._day[first]
                since = np.minimum(self._day[first:end] - self._day[first], FAR_DAYS)
                grown = np.exp2(since / HALF_LIFE)
                self._sums[first:end] = np.cumsum(grown)

    def events(self) -> tuple[Ints, Ints]:
        """Return target and day of all events, in order."""
        return np.repeat(np.arange(len(self._base)), np.diff(self._start)), self._day

    def count(self, place: Ints, day: Ints) -> Ints:
        """Count the events of each target up to the end of a day."""
        return np.searchsorted(self._key, _key(place, day), "right") - self._start[place]

    def recent(self, place: Ints, day: Ints) -> Floats:
        """Count the events up to the end of a day, each halved per `HALF_LIFE` since then."""
        passed = self.count(place, day)
        if not len(self._sums):
            return np.zeros(len(place))
        latest = np.where(passed > 0, self._start[place] + passed - 1, 0)
        sums = np.where(passed > 0, self._sums[latest], 0.0)
        return np.asarray(sums * np.exp2((self._base[place] - day) / HALF_LIFE))

    def between(self, place: Ints, before: Ints, day: Ints) -> tuple[Ints, Floats]:
        """Count the events after `before` up to the end of a day, plainly and as `recent` does."""
        plain = self.count(place, day) - self.count(place, before)
        faded = self.recent(place, before) * np.exp2((before - day) / HALF_LIFE)
        # Rounding must not leave a trace of events that there were none of.
        return plain, np.where(plain > 0, (self.recent(place, day) - faded).clip(min=0), 0.0)

    def day_of(self, place: Ints, number: Ints) -> Floats:
        """Return the day of the event with that number (0: the first); inf where there is none."""
        at = self._start[place] + number
        there = at < self._start[place + 1]
        days = self._day[np.where(there, at, 0)] if len(self._day) else np.zeros(len(place))
        return np.where(there, days, np.inf)


def _key(place: Ints, day: Ints) -> Ints:
    # Years 0 to 9999 are days -719,528 to 2,932,896 since 1970: 23 bits with this shift.
    return (np.asarray(place, dtype=np.int64) << 23) + np.asarray(day, dtype=np.int64) + (1 << 22)


class Flows(NamedTuple):
    """What came into targets and left them."""

    came: Flow
    left: Flow
    closed: Flow  # of those that left, the ones that left by being closed
    born: Ints  # the first day with an open issue; the largest int64 where there never was one

    @classmethod
    def of(cls, stays: Sequence[Stays]) -> Flows:
        """Count the stays of each target."""
        place = np.repeat(np.arange(len(stays)), [len(one.came) for one in stays])

        def joined(parts: Iterable[Days]) -> Ints:
            return np.concatenate([*parts, np.array([], "datetime64[D]")]).astype(np.int64)

        came, left = joined(one.came for one in stays), joined(one.left for one in stays)
        closed = np.concatenate([*(one.closed for one in stays), np.array([], bool)])
        gone = left < NEVER.astype(np.int64)
        born = np.full(len(stays), np.iinfo(np.int64).max)
        np.minimum.at(born, place, came)
        return cls(
            Flow(place, came, len(stays)),
            Flow(place[gone], left[gone], len(stays)),
            Flow(place[gone & closed], left[gone & closed], len(stays)),
            born,
        )

    def remaining(self, place: Ints, day: Ints) -> Ints:
        """Count the issues open in each target at the end of a day."""
        return self.came.count(place, day) - self.left.count(place, day)
