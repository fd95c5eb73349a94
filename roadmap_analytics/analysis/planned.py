"""Planned and unplanned work, and what is set aside for later."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from roadmap_analytics.analysis import replay
from roadmap_analytics.analysis.days import FAR_DAYS, AsOf, Bools, Ints, day_ends, days_of
from roadmap_analytics.analysis.view import View
from roadmap_analytics.frames import Dataset

FUTURE_LABEL = "Future"
_WEEK = np.timedelta64(7, "D")
_MONDAY = np.datetime64("1970-01-05", "D")


def _weeks(at: pd.Series[Any], timezone: str) -> Ints:
    """Return the number of each instant's week, from Monday; missing instants come last."""
    week = np.full(len(at), np.iinfo(np.int64).max)
    known = at.notna().to_numpy()
    week[known] = (days_of(at[known], timezone) - _MONDAY) // _WEEK
    return week


def planned_work(
    dataset: Dataset,
    *,
    as_of: AsOf,
    timezone: str | None = None,
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Count what was opened and closed each week, inside and outside milestones.

    Parameters
    ----------
    dataset : Dataset
    as_of, timezone, types
        As in `burndown`.

    Returns
    -------
    DataFrame
        One row per week from the first issue on, sorted:

        - `week_date`: its Monday
        - `opened_planned`, `opened_unplanned`: issues opened that week, in a milestone at its
          end, or in none
        - `closed_planned`, `closed_unplanned`: issues closed at its end and not at the end of
          the week before (so closing and reopening within a week is nothing), likewise
        - `unplanned_share`: of the closed ones, those outside milestones (support, bug fixing
          ...); NA where none was closed
        - `complete`: the week had ended by `as_of`

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> planned_work(Dataset({}), as_of="2025-03-10").empty
    True
    """
    view = View.of(dataset, as_of, timezone, types)
    issues = view.issues
    issues = issues[(issues["created_at"] < view.at).to_numpy()]
    opened = pd.DataFrame(
        {"issue_id": issues["issue_id"], "week": _weeks(issues["created_at"], view.timezone)}
    )
    closed = _closed(view)
    closed = closed[closed["issue_id"].isin(issues["issue_id"])]
    last = int((view.last - _MONDAY) // _WEEK)
    first = int(min(opened["week"].min(), closed["week"].min())) if len(opened) else last + 1
    first = max(first, last - FAR_DAYS // 7)
    weeks = np.arange(first, last + 1)
    days = _MONDAY + weeks * _WEEK
    ends = day_ends(pd.Series((days + 6).astype("datetime64[us]")), view.timezone)

    spans = view.spans("milestone")
    frame = pd.DataFrame({"week_date": days.astype("datetime64[us]")})
    for name, rows in (("opened", opened), ("closed", closed)):
        # The week of `as_of` ends there.
        rows = rows[(rows["week"] >= first).to_numpy()]
        end = ends.where(ends < view.at, view.at).iloc[rows["week"].to_numpy() - first]
        planned = _held_at(spans, rows["issue_id"].to_numpy(), end)
        for suffix, which in (("planned", planned), ("unplanned", ~planned)):
            place = rows["week"].to_numpy()[which] - first
            frame[f"{name}_{suffix}"] = np.bincount(place, minlength=len(weeks)).astype(np.int64)
    total = frame["closed_planned"] + frame["closed_unplanned"]
    frame["unplanned_share"] = (frame["closed_unplanned"] / total.where(total > 0)).astype(float)
    frame["complete"] = (ends <= view.at).to_numpy()
    return view.result(frame)


def _closed(view: View) -> pd.DataFrame:
    """Return issue and week of each close that stood at the week's end and not at its beginning."""
    spans = view.spans("state")
    spans = spans[(spans["value"] == "closed").to_numpy()]
    spans = spans[~replay.given_up(view.dataset, spans)].reset_index(drop=True)
    issue = spans["issue_id"].to_numpy()
    began, ended = _weeks(spans["start_at"], view.timezone), _weeks(spans["end_at"], view.timezone)
    # An issue that was closed when the week began, and was reopened and closed again within it, was
    # not newly closed. So the span before the first one of a week decides for all of that week:
    # if it ended in the same week, the issue was closed when the week began.
    first = replay.first_of(issue, began)
    was_closed = first & ~replay.first_of(issue) & (np.roll(ended, 1) == began)
    first_of_week = np.maximum.accumulate(np.where(first, np.arange(len(issue)), 0))
    stood = (ended > began) & ~was_closed[first_of_week]
    return pd.DataFrame({"issue_id": issue[stood], "week": began[stood]})


def _held_at(spans: pd.DataFrame, issue: Ints, at: pd.Series[Any]) -> Bools:
    """Mark the issues that were within one of the spans just before an instant of their own."""
    asked = pd.DataFrame({"issue_id": issue, "at": at.to_numpy()}).reset_index(names="place")
    asked["at"] = pd.to_datetime(asked["at"], utc=True).astype("datetime64[us, UTC]")
    # The newest span that began before; spans of one issue in milestones do not overlap.
    met = pd.merge_asof(
        asked.sort_values("at"),
        spans.sort_values("start_at"),
        left_on="at",
        right_on="start_at",
        by="issue_id",
        allow_exact_matches=False,
    ).sort_values("place")
    inside = met["start_at"].notna() & ~(met["end_at"] < met["at"])
    return np.asarray(inside.to_numpy(), dtype=bool)


def _future_issues(view: View) -> pd.DataFrame:
    """Return one row per shelf and open issue on it: under the Future label, or in a draft.

    Columns: `kind` (label, draft), `milestone_id` (of a draft; else NA), `issue_id`, `weight`,
    `age_days` (since the issue was opened).
    """
    state = view.state
    state = state[(state["state"] == "opened").to_numpy()]
    labels = view.members("label")
    labels = labels.loc[labels["value"] == _future_label(view), ["issue_id"]].assign(kind="label")

    milestones = view.milestones
    drafts = milestones.loc[milestones["draft"], ["milestone_id"]].astype("Int64")
    held = state.reset_index()[["issue_id", "milestone_id"]].merge(drafts, on="milestone_id")

    shelved = pd.concat([labels, held.assign(kind="draft")]).astype({"milestone_id": "Int64"})
    frame = shelved.merge(state[["weight", "created_at"]].reset_index(), on="issue_id")
    frame["age_days"] = (view.at - frame["created_at"]).dt.total_seconds() / 86_400
    return frame


def _future_label(view: View) -> str:
    return str(view.dataset.config.get("labels", {}).get("future", FUTURE_LABEL))


def future_work(
    dataset: Dataset,
    *,
    as_of: AsOf,
    timezone: str | None = None,
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Count what lies ahead on each shelf: the Future label and every draft milestone.

    Parameters
    ----------
    dataset : Dataset
        Its configuration names the label (``[labels] future``) and the prefix of drafts
        (``[milestones] draft_prefix``).
    as_of, timezone, types
        As in `planned_work`.

    Returns
    -------
    DataFrame
        One row per shelf, sorted by (kind, shelf, milestone_id): `shelf`, `kind` (label, draft),
        `milestone_id` (NA for the label), `issues` (open ones), `weight`, `without_weight`,
        `oldest_days` (age of the oldest; NA where there is none), `due_date` (of the draft). An
        issue under the label and in a draft stands on both shelves.
    """
    view = View.of(dataset, as_of, timezone, types)
    issues, milestones = _future_issues(view), view.milestones
    drafts = milestones[milestones["draft"] & (milestones["created_at"] < view.at)]
    shelves = pd.concat(
        [
            pd.DataFrame({"shelf": [_future_label(view)], "kind": "label"}),
            drafts[["title", "milestone_id", "due_date"]]
            .rename(columns={"title": "shelf"})
            .assign(kind="draft"),
        ]
    ).astype({"milestone_id": "Int64", "due_date": "datetime64[us]", "shelf": "str", "kind": "str"})
    counted = issues.assign(without=issues["weight"].isna()).groupby(
        ["kind", issues["milestone_id"].fillna(-1)]
    )
    sums = counted.agg(
        issues=("issue_id", "size"),
        weight=("weight", "sum"),
        without_weight=("without", "sum"),
        oldest_days=("age_days", "max"),
    )
    # A missing id cannot be a key: -1 stands for "no milestone", which is the label's row.
    keys = pd.MultiIndex.from_arrays([shelves["kind"], shelves["milestone_id"].fillna(-1)])
    sums = sums.reindex(keys).reset_index(drop=True)
    for column in ("issues", "weight", "without_weight"):
        sums[column] = sums[column].fillna(0).astype("int64")
    sums["oldest_days"] = sums["oldest_days"].astype("float64")
    frame = pd.concat([shelves.reset_index(drop=True), sums], axis=1)
    columns = ["shelf", "kind", "milestone_id", "issues", "weight", "without_weight"]
    frame = frame[[*columns, "oldest_days", "due_date"]]
    frame = frame.sort_values(["kind", "shelf", "milestone_id"], ascending=[False, True, True])
    return view.result(frame.reset_index(drop=True))
