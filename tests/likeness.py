"""How like real projects a history is: measures over bare tables, and the bands of real ones.

The tables are those of real histories without names: `issues` (id, created_at), `state` (issue, at,
state), `membership` (issue, at, milestone or missing; from then on) and `milestones` (id, due,
closed_on). So one definition measures the sample, a simulated world and real projects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

import roadmap_analytics as ra

Tables = Mapping[str, pd.DataFrame]

BANDS = {
    "closed with open issues": (0.38, 0.60),
    "open on the eve": (0.20, 0.32),
    "in several milestones": (0.20, 0.36),
    "due dates met": (0.25, 0.45),
    "spread of lead times": (2.3, 2.8),
    "closed within a week": (0.22, 0.42),
    "closed after a year": (0.08, 0.16),
    "closed at weekends": (0.06, 0.12),
    "drift of the pace": (0.4, 1.3),
}
"""Measure -> lowest and highest value that passes for a real project.

Two trackers with 43 versions and 205 sprints, and the pace of 20 projects, lie in or around them.
"""


def tables(dataset: ra.Dataset) -> dict[str, pd.DataFrame]:
    """Return the bare tables of a dataset.

    GitLab tells no closing time of a milestone: its last change stands for it.
    """
    events = dataset.issue_events
    state = events[(events["field"] == "state") & (events["source"] != "creation")]
    moves = events[events["field"] == "milestone"]
    inside = moves["milestone_id"].where((moves["action"] != "remove").to_numpy())
    over = (dataset.milestones["state"] == "closed").to_numpy()
    return {
        "issues": pd.DataFrame(
            {"id": dataset.issues["issue_id"], "created_at": dataset.issues["created_at"]}
        ),
        "state": pd.DataFrame(
            {"issue": state["issue_id"], "at": state["at"], "state": state["value"]}
        ),
        "membership": pd.DataFrame(
            {"issue": moves["issue_id"], "at": moves["at"], "milestone": inside}
        ),
        "milestones": pd.DataFrame(
            {
                "id": dataset.milestones["milestone_id"],
                "due": dataset.milestones["due_date"],
                "closed_on": dataset.milestones["updated_at"].where(over),
            }
        ),
    }


def measures(parts: Tables) -> dict[str, float]:
    """Return every measure of `BANDS`; missing where the tables have nothing to measure it by."""
    days = lead_days(parts)
    closes = parts["state"].loc[(parts["state"]["state"] == "closed").to_numpy(), "at"]
    return {
        "closed with open issues": _mean(open_share(parts, pd.Timedelta(0)) > 0),
        "open on the eve": _mean(open_share(parts, pd.Timedelta(days=1))),
        "in several milestones": in_several(parts),
        "due dates met": due_dates_met(parts),
        "spread of lead times": float(np.log(days[days > 0]).std()),
        "closed within a week": _mean(days <= 7),
        "closed after a year": _mean(days > 365),
        "closed at weekends": _mean(closes.dt.day_of_week > 4),
        "drift of the pace": drift(closes),
    }


def open_share(parts: Tables, before: pd.Timedelta) -> pd.Series:
    """Return the share of scope that is open so long before each closed milestone was closed.

    By milestone; without those that have no issues then. What happens in that very instant does
    not count: whoever closes a milestone sees what stood before.
    """
    over = parts["milestones"].dropna(subset=["closed_on"])
    shares = {}
    for ident, closed_on in zip(over["id"], over["closed_on"], strict=True):
        at = closed_on - before
        milestone = _standing(parts["membership"], at)["milestone"]
        inside = milestone.index[(milestone == ident).fillna(False).to_numpy(bool)]
        if len(inside):
            state = _standing(parts["state"], at)["state"].reindex(inside)
            shares[ident] = float((state != "closed").mean())
    return pd.Series(shares, dtype="float64")


def in_several(parts: Tables) -> float:
    """Return the share of the issues ever in a milestone that were in two or more."""
    joined = parts["membership"].dropna(subset=["milestone"])
    return _mean(joined.groupby("issue")["milestone"].nunique() > 1)


def due_dates_met(parts: Tables) -> float:
    """Return the share of closed milestones that were closed by their last due date."""
    over = parts["milestones"].dropna(subset=["closed_on", "due"])
    closed = over["closed_on"].dt.tz_localize(None).dt.normalize()
    return _mean(closed <= pd.to_datetime(over["due"]))


def lead_days(parts: Tables) -> pd.Series:
    """Return the days from creation to the last close, by issue that was ever closed."""
    closed = parts["state"][(parts["state"]["state"] == "closed").to_numpy()]
    last = closed.groupby("issue")["at"].max()
    created = parts["issues"].set_index("id")["created_at"].reindex(last.index)
    return (last - created) / pd.Timedelta(days=1)


def drift(closes: pd.Series) -> float:
    """Return how much the closes per 13 weeks vary beyond chance, as a share of their mean.

    The variance of a count by chance alone (Poisson) is its mean: 13 and 39 closes in two seasons
    have mean 26 and variance 338; (338 - 26) ** .5 / 26 = .68.
    """
    day = closes.dt.tz_localize(None).dt.normalize()
    week = (day - day.min()).dt.days // 7
    whole = (int(week.max()) + 1) // 13
    seasons = np.bincount(week // 13, minlength=whole)[:whole]
    if whole < 2:
        return float("nan")
    mean = float(seasons.mean())
    return float(np.sqrt(max(seasons.var(ddof=1) - mean, 0)) / mean)


def _standing(changes: pd.DataFrame, at: pd.Timestamp) -> pd.DataFrame:
    """Return the last change of each issue before an instant, by issue."""
    before = changes[(changes["at"] < at).to_numpy()].sort_values("at", kind="stable")
    return before.drop_duplicates("issue", keep="last").set_index("issue")


def _mean(values: Any) -> float:
    return float(values.mean()) if len(values) else float("nan")
