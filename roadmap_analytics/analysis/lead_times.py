"""How long work takes, how old open work is, how much is done per week.

Open issues are counted too: they have taken at least their age. The median of closed issues alone
leaves out just those that take long.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any, cast

import numpy as np
import pandas as pd
from scipy.stats import CensoredData, ecdf

from roadmap_analytics.analysis import replay
from roadmap_analytics.analysis.days import (
    FAR_DAYS,
    AsOf,
    Bools,
    Floats,
    Ints,
    instant,
    last_day,
    ticks,
)
from roadmap_analytics.analysis.lookup import MilestoneRef, find_milestones
from roadmap_analytics.analysis.stays import NOTHING, open_stays
from roadmap_analytics.analysis.view import View, unchanged
from roadmap_analytics.frames import Dataset

_DAY = 86_400_000_000  # microseconds


def lead_times(
    dataset: Dataset,
    *,
    as_of: AsOf,
    milestone: MilestoneRef | None = None,
    since: AsOf | None = None,
    timezone: str | None = None,
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Estimate the share of issues still open so many days after their creation (Kaplan-Meier).

    Parameters
    ----------
    dataset : Dataset
    as_of : date or aware timestamp
        A date means the end of that day in `timezone`. Nothing after it matters.
    milestone : int or str, or a list of these, optional
        Only issues in this milestone, or in one of these, at `as_of`.
    since : date or aware timestamp, optional
        Only issues created after it: how long work takes may have changed.
    timezone : str, optional
        IANA name of the zone whose days are meant; by default that of the dataset's
        ``[calendar]``, else UTC.
    types : str or list of str, optional
        Work item types to count; all by default.

    Returns
    -------
    DataFrame
        One row per lead time that occurred, ascending, after a row for 0 days (no rows without
        issues):

        - `days`: from creation to the close that stands (a reopened issue goes on)
        - `closed`: issues with exactly that lead time
        - `at_risk`: issues whose lead time is known to be at least that
        - `still_open`: share that takes longer
        - `low`, `high`: 95 % interval of the share; NA where it is not known

        `attrs`: `issues` and of them `open_issues`; `median_days` and `p85_days`, by when 50 and
        85 of 100 issues are closed (None: not within what was seen);
        `closed_only_median_days`, the number that leaves out open issues, to compare.

    Raises
    ------
    ConfigurationError, UnknownNameError
        For an `as_of` that is neither day nor instant; for an unknown milestone.

    Notes
    -----
    Kaplan and Meier's estimate for right-censored data and the log-log interval, by `scipy.stats`.
    It takes old and new issues as alike, and open ones as no different from others of their age.

    Examples
    --------
    >>> from roadmap_analytics import schema
    >>> from roadmap_analytics.frames import Dataset
    >>> when = pd.Timestamp("2025-03-03", tz="UTC")
    >>> issue = {"project_id": 1, "confidential": False, "created_at": when}
    >>> opened = {"at": when, "field": "state", "action": "set", "value": "opened",
    ...           "source": "creation", "correction": False, "seq": 0}
    >>> closed = opened | {"at": when + pd.Timedelta("2D"), "value": "closed", "seq": 1}
    >>> dataset = Dataset({
    ...     "issues": schema.tidy("issues", [issue | {"issue_id": i, "iid": i} for i in (1, 2)]),
    ...     "issue_events": schema.tidy("issue_events", [
    ...         opened | {"issue_id": 1}, closed | {"issue_id": 1}, opened | {"issue_id": 2}])})
    >>> lead_times(dataset, as_of="2025-03-09")[["days", "closed", "at_risk", "still_open"]]
       days  closed  at_risk  still_open
    0   0.0       0        2         1.0
    1   2.0       1        2         0.5
    """
    view = View.of(dataset, as_of, timezone, types)
    chosen = None if milestone is None else find_milestones(dataset, milestone)
    first = None
    if since is not None:
        first = instant(since, view.timezone, "since")
        view.not_after("since", last_day(since, view.timezone))
    lives = view.reduced(_lives, unchanged, chosen, first)
    days, done = lives["days"].to_numpy(), lives["done"].to_numpy()
    frame = _kaplan_meier(days, done)
    return view.result(
        frame,
        issues=len(days),
        open_issues=int(lives["open"].sum()),
        median_days=_reached(frame, 0.50),
        p85_days=_reached(frame, 0.85),
        closed_only_median_days=float(np.median(days[done])) if done.any() else None,
    )


def _lives(view: View, chosen: list[int] | None, first: pd.Timestamp | None) -> pd.DataFrame:
    """Return one row per issue that counts: its `days`, whether it is `done`, whether `open`."""
    state = view.state
    if chosen is not None:
        state = state[state["milestone_id"].isin(chosen).to_numpy(bool)]
    if first is not None:
        state = state[(state["created_at"] >= first).to_numpy()]
    closed_at = view.closed_at.reindex(state.index)
    took = ticks(closed_at.fillna(view.at)) - ticks(state["created_at"])
    return pd.DataFrame(
        {
            "days": took.clip(min=0) / _DAY,  # a close dated before the creation was imported so
            # What was closed without being done had taken at least so long: it counts as still
            # open then.
            "done": closed_at.notna().to_numpy() & state["state_reason"].isna().to_numpy(),
            "open": closed_at.isna().to_numpy(),
        }
    )


def _kaplan_meier(days: Floats, done: Bools) -> pd.DataFrame:
    columns = ["days", "closed", "at_risk", "still_open", "low", "high"]
    types = dict.fromkeys(columns, "float64") | {"closed": "int64", "at_risk": "int64"}
    if not len(days):
        return pd.DataFrame(columns=columns).astype(types)
    when, closed = np.unique(days[done], return_counts=True)
    still, low, high = np.ones(len(when)), np.ones(len(when)), np.ones(len(when))
    if len(when):
        curve = ecdf(CensoredData.right_censored(days, ~done)).sf
        with warnings.catch_warnings():  # that there is no interval where none are left
            warnings.filterwarnings("ignore", "The confidence interval is undefined")
            interval = cast("Any", curve.confidence_interval(method="log-log"))
        places = np.searchsorted(curve.quantiles, when)
        still = curve.probabilities[places]
        low = interval.low.probabilities[places]
        high = interval.high.probabilities[places]
    at_risk = len(days) - np.searchsorted(np.sort(days), when)
    start = (0.0, 0, len(days), 1.0, 1.0, 1.0)
    rows = zip(start, (when, closed, at_risk, still, low, high), strict=True)
    return pd.DataFrame(
        {name: np.concatenate([[first], rest]) for name, (first, rest) in
         zip(columns, rows, strict=True)}
    ).astype(types)  # fmt: skip


def _reached(curve: pd.DataFrame, share: float) -> float | None:
    there = curve.loc[(curve["still_open"] <= 1 - share + 1e-12).to_numpy(), "days"]
    return float(there.iloc[0]) if len(there) else None


def work_item_age(
    dataset: Dataset,
    *,
    as_of: AsOf,
    timezone: str | None = None,
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Return the age of every open issue.

    Parameters
    ----------
    dataset : Dataset
    as_of, timezone, types
        As in `lead_times`.

    Returns
    -------
    DataFrame
        One row per issue open at `as_of`, the oldest first: `issue_id`, `age_days` (since its
        creation), `milestone_id` (then; NA for none), `project`, `iid`, `title` (today's),
        `confidential`, `web_url`.

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> work_item_age(Dataset({}), as_of="2025-03-10").columns.tolist()[:2]
    ['issue_id', 'age_days']
    """
    view = View.of(dataset, as_of, timezone, types)
    state = view.state
    state = state[(state["state"] == "opened").to_numpy()]
    state["age_days"] = (ticks(pd.Series([view.at]))[0] - ticks(state["created_at"])) / _DAY
    which = view.issues[replay.WHICH]
    frame = state[["age_days", "milestone_id"]].reset_index().merge(which, on="issue_id")
    by = ["age_days", "issue_id"]
    return view.result(frame.sort_values(by, ascending=[False, True], ignore_index=True))


def throughput(
    dataset: Dataset,
    milestone: MilestoneRef | None = None,
    *,
    as_of: AsOf,
    timezone: str | None = None,
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Count what came and what was closed in each week, weeks without any included.

    Parameters
    ----------
    dataset : Dataset
    milestone : int or str, or a list of these, optional
        Only what came into this milestone, and was closed in it; all issues by default. Several
        count as one.
    as_of, timezone, types
        As in `lead_times`.

    Returns
    -------
    DataFrame
        One row per week, from that of the first issue to that of `as_of`:

        - `week_date`: its Monday
        - `added`: issues opened, reopened, or put into the milestone open
        - `closed`: issues closed. Closed and reopened within a day is neither.
        - `whole`: False for the week of `as_of`, unless that is its Sunday

        `attrs` holds `per_week`, the mean of `closed` over whole weeks (None without any).

    Raises
    ------
    UnknownNameError
        Where `milestone` fits none or several.

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> throughput(Dataset({}), as_of="2025-03-10").columns.tolist()
    ['week_date', 'added', 'closed', 'whole']
    """
    view = View.of(dataset, as_of, timezone, types)
    chosen = None if milestone is None else find_milestones(dataset, milestone)
    daily, last = view.reduced(_flow, _per_day, chosen), view.last
    day, added, closed = (daily[name].to_numpy() for name in ("day", "added", "closed"))
    day = day.astype("datetime64[D]")
    came = day[added > 0]
    first = came.min() if len(came) else last + 7
    first = max(first, last - FAR_DAYS)
    mondays = np.arange(_monday(first), last + 1, 7)
    week = np.searchsorted(mondays, day, "right") - 1
    shown = week >= 0

    def weekly(counts: Ints) -> Ints:
        return np.bincount(week[shown], counts[shown], len(mondays)).astype(np.int64)

    frame = pd.DataFrame(
        {
            "week_date": mondays.astype("datetime64[us]"),
            "added": weekly(added),
            "closed": weekly(closed),
            "whole": mondays + 6 <= last,
        }
    )
    whole = frame.loc[frame["whole"], "closed"]
    return view.result(frame, per_week=float(whole.mean()) if len(whole) else None)


def _flow(view: View, chosen: list[int] | None) -> pd.DataFrame:
    """Return one row per day on which anything came or was closed: `day`, `added`, `closed`."""
    if chosen is None:
        members = view.issues[["issue_id", "created_at"]].rename(columns={"created_at": "start_at"})
        members["end_at"] = pd.Series(pd.NaT, members.index, dtype=members["start_at"].dtype)
    else:
        members = view.spans("milestone")
        members = members[members["milestone_id"].isin(chosen).to_numpy(bool)]
    members = members[["issue_id", "start_at", "end_at"]].assign(target=0)
    stays = open_stays(view, members).get(0, NOTHING)
    days = np.concatenate([stays.came, stays.left[stays.closed]]).astype("datetime64[s]")
    added = np.repeat([1, 0], [len(stays.came), len(days) - len(stays.came)])
    return _per_day(pd.DataFrame({"day": days, "added": added, "closed": 1 - added}))


def _per_day(flow: pd.DataFrame) -> pd.DataFrame:
    return flow.groupby("day", as_index=False)[["added", "closed"]].sum()


def _monday(day: np.datetime64) -> np.datetime64:
    return np.busday_offset(day, 0, roll="backward", weekmask="1000000")
