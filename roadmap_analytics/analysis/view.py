"""`View`: a dataset as known at one instant, in one time zone, for some work item types.

Every public function of `analysis` begins by making one from its arguments and hands it on, in
place of five arguments::

    def open_issues(dataset, *, as_of, timezone=None, types=None):
        view = View.of(dataset, as_of, timezone, types)
        state = view.state                      # one row per issue in scope, as of then
        spans = view.spans("milestone")         # when each issue was in which milestone
        known = view.milestones                 # milestones as the exports had seen them by then
        frame = ...
        return view.result(frame)

Frames are computed when they are first asked for, and once per view. Each caller gets a copy of its
own that shares the data until one side writes to it (pandas' copy-on-write), so adding a column to
``view.state`` changes nothing for the next caller.

A view of another day of the same dataset is ``view.on(day)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any, Literal, TypeVar

import numpy as np
import pandas as pd

from roadmap_analytics.analysis import replay
from roadmap_analytics.analysis.days import (
    AsOf,
    day64,
    instant,
    last_day,
    working_days,
    zone_of,
)
from roadmap_analytics.analysis.lookup import address
from roadmap_analytics.errors import ConfigurationError
from roadmap_analytics.frames import Dataset, Scan, given

HISTORIES = ("issues", "issue_events")
"""Frames from which the state of every issue on any day follows."""

Result = TypeVar("Result", bound="pd.DataFrame | tuple[pd.DataFrame, ...]")


@dataclass(frozen=True, eq=False)
class View:
    """A dataset as known at one instant; see the module for how to use it.

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> view = View.of(Dataset({}), "2025-03-30", "Europe/Stockholm")
    >>> view.at, view.last
    (Timestamp('2025-03-30 22:00:00+0000', tz='UTC'), np.datetime64('2025-03-30'))
    """

    dataset: Dataset
    at: pd.Timestamp  # the first instant not covered, UTC: what happened strictly before it counts
    day: pd.Timestamp  # the calendar day in `timezone` that `as_of` lies in, midnight without zone
    timezone: str  # IANA name of the zone whose days are meant
    types: tuple[str, ...] | None = None  # work item types that count; None: all
    _frames: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        as_of: AsOf,
        timezone: str | None = None,
        types: Iterable[str] | str | None = None,
        name: str = "as_of",
    ) -> View:
        """Make the view that a call asks for; its arguments are checked here.

        Parameters
        ----------
        dataset : Dataset
        as_of : date or aware timestamp
            A date means the end of that day in `timezone`.
        timezone : str, optional
            By default ``[calendar] timezone`` of the dataset, else UTC.
        types : str or list of str, optional
            Work item types to count; all by default.
        name : str
            The argument that the day was given as, for errors.

        Raises
        ------
        ConfigurationError
            For an unknown zone, or an `as_of` that is neither day nor instant.
        UnknownNameError
            For a work item type that neither GitLab nor the dataset knows.
        """
        zone = zone_of(dataset, timezone)
        wanted = replay.known_types(dataset, types)
        given(dataset)
        at, day = instant(as_of, zone, name), last_day(as_of, zone, name)
        return cls(dataset, at, day, zone, wanted)

    def on(self, day: Any) -> View:
        """Return the view of the same dataset at the end of another day."""
        return View.of(self.dataset, str(day)[:10], self.timezone, self.types)

    def not_after(self, name: str, day: pd.Timestamp) -> None:
        """Raise ConfigurationError where a day that a call was given lies after the view's."""
        if day > self.day:
            raise ConfigurationError(
                f"{name}: expected a day up to as_of ({self.day.date()}), got {day.date()}"
            )

    def about(self) -> dict[str, Any]:
        """Return the `attrs` that every result carries: day, zone, whether data are simulated."""
        return {
            "as_of": str(self.day.date()),
            "timezone": self.timezone,
            "simulated": self.dataset.simulated,
        }

    def reduced(
        self,
        function: Callable[..., Result],
        condense: Callable[[Result], Result],
        *arguments: Any,
    ) -> Result:
        """Compute something that depends on each issue by itself, all at once or in partitions.

        Parameters
        ----------
        function : callable
            From a view, and the arguments, to a frame or a named tuple of frames. It is called with
            this view; where the dataset is a `Scan`, with a view of each partition.
        condense : callable
            From such a result to a smaller one that says the same, for example its sums. Results
            of partitions are joined one below the other and condensed; what follows must give the
            same for the result itself and the condensed one.
        *arguments
            What else the function takes.
        """
        if not isinstance(self.dataset, Scan):
            return function(self, *arguments)
        asked = (self.at, self.day, self.timezone, self.types)
        return self.dataset.reduced(
            partial(_of_partition, function=function, asked=asked, arguments=arguments),
            condense,
            HISTORIES,
        )

    def result(self, frame: pd.DataFrame, **more: Any) -> pd.DataFrame:
        """Return a result with its `attrs`, and with ids as GitLab knows them (`Scan.shown`)."""
        frame.attrs.update(self.about() | more)
        return self.dataset.shown(frame)

    @property
    def last(self) -> np.datetime64:
        """The day of the view as ``datetime64[D]``."""
        return day64(self.day)

    @property
    def whole_day(self) -> bool:
        """Whether the view covers all of its last day."""
        return bool(self.at >= instant(self.day.date(), self.timezone))

    @cached_property
    def calendar(self) -> np.busdaycalendar:
        """The working calendar of the dataset (`days.working_days`)."""
        return working_days(self.dataset)

    def _once(self, name: str, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        if name not in self._frames:
            self._frames[name] = make()
        frame: pd.DataFrame = self._frames[name]
        return frame.copy(deep=False)  # a caller may add columns; the values are shared

    @property
    def issues(self) -> pd.DataFrame:
        """Rows of `issues` that count: of the wanted types, no original of a moved copy."""
        return self._once("issues", self._issues)

    def _issues(self) -> pd.DataFrame:
        return self.dataset.issues[replay.scope_mask(self.dataset, self.types)]

    @property
    def milestones(self) -> pd.DataFrame:
        """Every milestone as the exports had seen it by then (`replay.milestones_at`)."""
        return self._once("milestones", lambda: replay.milestones_at(self.dataset, self.at))

    def of_milestone(self, ids: pd.Series[Any], column: str) -> pd.Series[Any]:
        """Look up what is known of each milestone id; NA where there is none."""
        known = self.milestones.set_index("milestone_id")[column]
        # An Int64 index with NA does not reindex; no milestone has id -1.
        plain = ids.astype("Int64").fillna(-1).astype("int64")
        return known.reindex(plain).set_axis(ids.index)

    @property
    def state(self) -> pd.DataFrame:
        """Fields of every issue in scope (`state_at`), indexed by `issue_id`.

        What is closed without being done is in no milestone.
        """
        return self._once("state", self._state)

    def _state(self) -> pd.DataFrame:
        state = replay.fields_at(self.dataset, self.at)
        state = state[state.index.isin(self.issues["issue_id"])]
        given_up = state["state_reason"].notna()
        return state.assign(milestone_id=state["milestone_id"].mask(given_up))

    def spans(self, field: str) -> pd.DataFrame:
        """Return the spans over which a field of the issues in scope had a value.

        Columns as in `replay.intervals`: `issue_id`, the value, `start_at`, `end_at` (NaT: still).
        """
        return self._once(f"spans of {field}", lambda: self._spans(field))

    def _spans(self, field: str) -> pd.DataFrame:
        spans = replay.intervals(self.dataset, field, until=self.at)
        counts = spans["issue_id"].isin(self.issues["issue_id"]).to_numpy()
        return spans if counts.all() else spans[counts].reset_index(drop=True)

    def members(self, field: Literal["assignee", "label"] = "assignee") -> pd.DataFrame:
        """Return the assignees or labels of the issues in scope: `issue_id` and `value`."""
        spans = self.spans(field)
        held = spans["end_at"].isna().to_numpy()
        return spans.loc[held, ["issue_id", "value"]].reset_index(drop=True)

    @property
    def closed_at(self) -> pd.Series[Any]:
        """When each closed issue in scope was closed for good, by `issue_id`; open ones lack."""
        spans = self.spans("state")
        closed = (spans["value"] == "closed").to_numpy() & spans["end_at"].isna().to_numpy()
        return spans[closed].set_index("issue_id")["start_at"]

    @property
    def done_at(self) -> pd.Series[Any]:
        """When each issue in scope was done: `closed_at` without what was given up."""
        given_up = self.state.index[self.state["state_reason"].notna().to_numpy()]
        return self.closed_at.drop(given_up, errors="ignore")

    @property
    def observed(self) -> pd.DataFrame:
        """What exports had seen of milestones by then, by milestone and in order of time."""
        seen = self.dataset.milestone_dates
        seen = seen[(seen["observed_at"] < self.at).to_numpy()]
        return seen.sort_values(["milestone_id", "observed_at"], kind="stable", ignore_index=True)

    @property
    def revision(self) -> pd.Timestamp | None:
        """The roadmap revision in force: the newest dated at or before the day; None without."""
        dates = self.dataset.revisions["revision"]
        dates = dates[(dates <= self.day).to_numpy()]
        return None if dates.empty else pd.Timestamp(dates.max())

    @property
    def revision_date(self) -> str | None:
        """The date of that revision as text, for `attrs` and pages."""
        return None if self.revision is None else str(self.revision.date())

    def of_revision(self, name: str) -> pd.DataFrame:
        """Return the rows of a roadmap frame that belong to the revision in force."""
        frame = self.dataset[name]
        mine = (frame["revision"] == self.revision).to_numpy(bool)
        return frame[mine].reset_index(drop=True)

    @cached_property
    def links(self) -> dict[str, list[int]]:
        """Milestones that each item of the revision in force links to, by the item's key.

        In the order of the document. Links to milestones that were not exported are left out.
        """
        known = self.milestones
        ids = dict(zip(known["web_url"].map(address), known["milestone_id"].tolist(), strict=True))
        found: dict[str, list[int]] = {}
        named = self.of_revision("roadmap_milestones").dropna(subset=["key", "url"])
        for key, url in zip(named["key"], named["url"], strict=True):
            if (milestone := ids.get(address(url))) is not None:
                found.setdefault(str(key), []).append(milestone)
        return found


def _of_partition(
    dataset: Dataset,
    function: Callable[..., Result],
    asked: tuple[Any, ...],
    arguments: tuple[Any, ...],
) -> Result:
    return function(View(dataset, *asked), *arguments)


def unchanged(result: Result) -> Result:
    """Condense nothing: every row of the result counts."""
    return result


def state_at(
    dataset: Dataset,
    at: pd.Timestamp | None = None,
    *,
    as_of: AsOf | None = None,
    timezone: str | None = None,
) -> pd.DataFrame:
    """Return the fields of every issue as they were at `as_of`.

    Parameters
    ----------
    dataset : Dataset
    at : Timestamp, optional
        The older form of `as_of`: fields as they were just before this instant.
    as_of : date or aware timestamp
        A date means the end of that day in `timezone`. Nothing after it matters.
    timezone : str, optional
        IANA name; by default that of the dataset's ``[calendar]``, else UTC.

    Returns
    -------
    DataFrame
        One row per issue opened by then, indexed by `issue_id`, sorted: `state`, `milestone_id`
        (NA: in none, or in one no longer known), `weight` (NA: none), `due_date`, `start_date`,
        `time_estimate_hours` (0: none), `time_spent_hours`, `created_at`, `state_reason` (of an
        issue that is closed without being done: moved, promoted, duplicate). Moved originals are
        among them, so one piece of work may stand in two rows.

    Raises
    ------
    ConfigurationError
        For an `as_of` that is neither day nor instant, or where neither or both are given.

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> state_at(Dataset({}), as_of="2025-01-01").columns.tolist()[:3]
    ['state', 'milestone_id', 'weight']
    """
    if (at is None) == (as_of is None):
        raise ConfigurationError(
            "state_at: expected one day or timestamp, got "
            f"{'none' if at is None else 'both at and as_of'}; write as_of='2025-11-11'"
        )
    zone = zone_of(dataset, timezone)
    if as_of is not None:
        at = instant(as_of, zone)
    at = _aware(at)
    # `at` stands for itself here: no day belongs to it.
    state = View(dataset, at, at, zone).reduced(_fields, unchanged)
    return dataset.shown(state.sort_index() if isinstance(dataset, Scan) else state)


def _fields(view: View) -> pd.DataFrame:
    return replay.fields_at(view.dataset, view.at)


def _aware(at: Any) -> pd.Timestamp:
    if not isinstance(at, pd.Timestamp) or at.tzinfo is None:
        raise ConfigurationError(
            f"state_at: expected a timestamp with zone, got {at!r}; for a day, write "
            'as_of="2025-11-11"'
        )
    return at
