"""When issues stood open in a set (a milestone, a person's queue), by whole days.

A set is given as spans of membership. An issue stands open in it while it is a member and open; it
comes when it is added or reopened, and leaves when it is closed or taken out. An issue that is
closed without being done (moved, promoted to an epic, a duplicate) is taken out. Only what is true
at the end of a day counts: closed and reopened within a day is no change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from roadmap_analytics.analysis import replay
from roadmap_analytics.analysis.days import Bools, Days, Ints, days_of
from roadmap_analytics.analysis.view import View

NEVER = np.datetime64("9999-12-31", "D")
"""The day on which an issue left that is still there."""


@dataclass(frozen=True)
class Stays:
    """When each issue stood open in one target, by the ends of days: rows in any order."""

    came: Days  # first day at whose end it was there
    left: Days  # first day at whose end it no longer was; NEVER
    closed: Bools  # it left by being closed
    issue: Ints

    def remaining(self, days: Days) -> Ints:
        """Count open issues at the end of each day."""
        came, left = np.sort(self.came), np.sort(self.left)
        return np.searchsorted(came, days, "right") - np.searchsorted(left, days, "right")


def _open_spans(view: View) -> pd.DataFrame:
    spans = view.spans("state")
    spans = spans[(spans["value"] == "opened").to_numpy()]
    ends = pd.DataFrame({"issue_id": spans["issue_id"], "start_at": spans["end_at"]})
    return spans.assign(given_up=replay.given_up(view.dataset, ends))


def open_stays(view: View, members: pd.DataFrame) -> dict[Any, Stays]:
    """Return the stays in each set, as known at the end of the view.

    Parameters
    ----------
    view : View
    members : DataFrame
        Spans of membership: `target` (the set), `issue_id`, `start_at`, `end_at` (NaT: to the
        end). Spans of one issue in one set must not overlap.

    Returns
    -------
    dict
        Target to `Stays`; targets in which nothing ever stood open are absent.
    """
    both = members.merge(_open_spans(view), on="issue_id", suffixes=("", "_open"))
    ends, closes = both["end_at"], both["end_at_open"]
    both["start_at"] = both[["start_at", "start_at_open"]].max(axis=1)
    both["closed"] = closes.notna() & (ends.isna() | (closes <= ends))
    both["end_at"] = closes.where(both["closed"], ends)
    both["closed"] &= ~both["given_up"]
    both = both[(both["end_at"].isna() | (both["end_at"] > both["start_at"])).to_numpy()]
    both["came"] = days_of(both["start_at"], view.timezone)
    gone = both["end_at"].notna().to_numpy()
    left = np.full(len(both), NEVER)
    left[gone] = days_of(both.loc[gone, "end_at"], view.timezone)
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


def close_days(view: View) -> Days:
    """Return the day on which anything was done, ascending, in whatever milestone."""
    opened = _open_spans(view)
    opened = opened[~opened["given_up"].to_numpy(bool)]
    return np.sort(days_of(opened["end_at"].dropna(), view.timezone))
