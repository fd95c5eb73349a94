"""When issues stood open in a set (a milestone, a person's queue), by whole days.

A set is given as spans of membership. An issue stands open in it while it is a member and open; it
comes when it is added or reopened, and leaves when it is closed or taken out. An issue that is
closed without being done (moved, promoted to an epic, a duplicate) is taken out. Only what is true
at the end of a day counts: closed and reopened within a day is no change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from roadmap_analytics.analysis import replay
from roadmap_analytics.analysis.days import days_of

if TYPE_CHECKING:
    from roadmap_analytics.frames import Dataset

__all__ = ["NEVER", "NOTHING", "Stays", "close_days", "open_stays"]

Days: TypeAlias = npt.NDArray[np.datetime64]
Floats: TypeAlias = npt.NDArray[np.float64]

NEVER = np.datetime64("9999-12-31", "D")
"""The day on which an issue left that is still there."""


@dataclass(frozen=True)
class Stays:
    """When each issue stood open in one target, by the ends of days: rows in any order."""

    came: Days  # first day at whose end it was there
    left: Days  # first day at whose end it no longer was; NEVER
    closed: npt.NDArray[np.bool_]  # it left by being closed
    issue: npt.NDArray[np.int64]

    def until(self, day: np.datetime64) -> Stays:
        """Forget what happened after the day."""
        known = self.came <= day
        left = np.where(self.left <= day, self.left, NEVER)[known]
        closed = self.closed[known] & (left < NEVER)
        return Stays(self.came[known], left, closed, self.issue[known])

    def remaining(self, days: Days) -> npt.NDArray[np.int64]:
        """Count open issues at the end of each day."""
        came, left = np.sort(self.came), np.sort(self.left)
        return np.searchsorted(came, days, "right") - np.searchsorted(left, days, "right")

    def per_day(self, days: Days, first: np.datetime64, count: int) -> Floats:
        """Count days per day of the window."""
        offset = (days - first).astype(np.int64)
        inside = offset[(offset >= 0) & (offset < count)]
        return np.bincount(inside, minlength=count).astype(np.float64)


def _open_spans(dataset: Dataset, at: pd.Timestamp, types: tuple[str, ...] | None) -> pd.DataFrame:
    spans = replay.intervals(dataset, "state", until=at)
    spans = spans[(spans["value"] == "opened").to_numpy()]
    counting = dataset.issues.loc[replay.scope_mask(dataset, types), "issue_id"]
    spans = spans[spans["issue_id"].isin(counting)]
    ends = pd.DataFrame({"issue_id": spans["issue_id"], "start_at": spans["end_at"]})
    return spans.assign(given_up=replay.given_up(dataset, ends))


def open_stays(
    dataset: Dataset,
    members: pd.DataFrame,
    at: pd.Timestamp,
    *,
    timezone: str = "UTC",
    types: tuple[str, ...] | None = None,
) -> dict[Any, Stays]:
    """Return the stays in each set, as known just before `at`.

    Parameters
    ----------
    dataset : Dataset
    members : DataFrame
        Spans of membership: `target` (the set), `issue_id`, `start_at`, `end_at` (NaT: to the
        end). Spans of one issue in one set must not overlap.
    at : Timestamp
        As given by `instant`.
    timezone : str
        IANA name of the zone whose days are meant.
    types : tuple of str, optional
        Work item types to count, as `View.types` has them; all by default.

    Returns
    -------
    dict
        Target to `Stays`; targets in which nothing ever stood open are absent.
    """
    both = members.merge(_open_spans(dataset, at, types), on="issue_id", suffixes=("", "_open"))
    ends, closes = both["end_at"], both["end_at_open"]
    both["start_at"] = both[["start_at", "start_at_open"]].max(axis=1)
    both["closed"] = closes.notna() & (ends.isna() | (closes <= ends))
    both["end_at"] = closes.where(both["closed"], ends)
    both["closed"] &= ~both["given_up"]
    both = both[(both["end_at"].isna() | (both["end_at"] > both["start_at"])).to_numpy()]
    both["came"] = days_of(both["start_at"], timezone)
    gone = both["end_at"].notna().to_numpy()
    left = np.full(len(both), NEVER)
    left[gone] = days_of(both.loc[gone, "end_at"], timezone)
    both["left"] = left.astype("datetime64[s]")
    both = both[(both["came"] < both["left"]).to_numpy()]
    both = both.sort_values(["target", "issue_id", "came"], kind="stable")
    # Left and back within a day is no change at the end of that day.
    key = ["target", "issue_id"]
    on = (both["came"] == both.groupby(key)["left"].shift()).to_numpy()
    both["stay"] = np.cumsum(~on)
    joined = both.groupby("stay").agg(
        {"target": "first", "issue_id": "first", "came": "first", "left": "last", "closed": "last"}
    )
    return {
        target: Stays(
            rows["came"].to_numpy().astype("datetime64[D]"),
            rows["left"].to_numpy().astype("datetime64[D]"),
            rows["closed"].to_numpy(bool),
            rows["issue_id"].to_numpy(np.int64),
        )
        for target, rows in joined.groupby("target")
    }


NOTHING = Stays(*(np.array([], kind) for kind in ("datetime64[D]", "datetime64[D]", "?", "int64")))
"""The stays of a set in which nothing ever stood open."""


def close_days(
    dataset: Dataset,
    at: pd.Timestamp,
    *,
    timezone: str = "UTC",
    types: tuple[str, ...] | None = None,
) -> Days:
    """Return the day on which anything was done before `at`, ascending, in whatever milestone."""
    opened = _open_spans(dataset, at, types)
    opened = opened[~opened["given_up"].to_numpy(bool)]
    return np.sort(days_of(opened["end_at"].dropna(), timezone))
