"""Planned and unplanned work, what lies ahead, and how often work moved on to later milestones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from roadmap_analytics.analysis import replay
from roadmap_analytics.analysis.replay import AsOf

if TYPE_CHECKING:
    from roadmap_analytics.frames import Dataset

__all__ = ["future_issues", "future_work", "moved_on", "moved_on_counts", "planned_work"]

FUTURE_LABEL = "Future"
_WEEK = np.timedelta64(7, "D")
_MONDAY = np.datetime64("1970-01-05", "D")


def _weeks(at: pd.Series[Any], timezone: str) -> npt.NDArray[np.int64]:
    """Give the number of each instant's week, from Monday; missing instants come last."""
    week = np.full(len(at), np.iinfo(np.int64).max)
    known = at.notna().to_numpy()
    week[known] = (replay.days_of(at[known], timezone) - _MONDAY) // _WEEK
    return week


def planned_work(
    dataset: Dataset,
    *,
    as_of: AsOf,
    timezone: str = "UTC",
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Count what was opened and closed each week, inside and outside milestones.

    Parameters
    ----------
    dataset : Dataset
    as_of : date or aware timestamp
        A date means the end of that day in `timezone`. Nothing after it matters.
    timezone : str
        IANA name of the zone whose weeks are meant.
    types : str or list of str, optional
        Work item types to count; all by default.

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
    at = replay.instant(as_of, timezone)
    issues = replay.in_scope(dataset, types)
    issues = issues[(issues["created_at"] < at).to_numpy()]
    opened = pd.DataFrame(
        {"issue_id": issues["issue_id"], "week": _weeks(issues["created_at"], timezone)}
    )
    closed = _closed(dataset, at, timezone)
    closed = closed[closed["issue_id"].isin(issues["issue_id"])]
    last = int((replay.last_day(as_of, timezone).to_datetime64() - _MONDAY) // _WEEK)
    first = int(min(opened["week"].min(), closed["week"].min())) if len(opened) else last + 1
    weeks = np.arange(first, last + 1)
    days = _MONDAY + weeks * _WEEK
    ends = replay.day_ends(pd.Series((days + 6).astype("datetime64[us]")), timezone)

    spans = replay.intervals(dataset, "milestone", until=at)
    frame = pd.DataFrame({"week_date": days.astype("datetime64[us]")})
    for name, rows in (("opened", opened), ("closed", closed)):
        end = ends.where(ends < at, at).iloc[rows["week"].to_numpy() - first]
        planned = _held_at(spans, rows["issue_id"].to_numpy(), end)
        for suffix, which in (("planned", planned), ("unplanned", ~planned)):
            place = rows["week"].to_numpy()[which] - first
            frame[f"{name}_{suffix}"] = np.bincount(place, minlength=len(weeks)).astype(np.int64)
    total = frame["closed_planned"] + frame["closed_unplanned"]
    frame["unplanned_share"] = (frame["closed_unplanned"] / total.where(total > 0)).astype(float)
    frame["complete"] = (ends <= at).to_numpy()
    frame.attrs.update(replay.about(dataset, as_of, timezone), timezone=timezone)
    return frame


def _closed(dataset: Dataset, at: pd.Timestamp, timezone: str) -> pd.DataFrame:
    """Give issue and week of each closing that stood at the week's end and not at its beginning."""
    spans = replay.intervals(dataset, "state", until=at)
    spans = spans[(spans["value"] == "closed").to_numpy()].reset_index(drop=True)
    issue = spans["issue_id"].to_numpy()
    began, ended = _weeks(spans["start_at"], timezone), _weeks(spans["end_at"], timezone)
    # Closed when the week began, reopened and closed again within it, maybe more than once: not
    # closed anew. What stood before the first closing of the week decides for all of that week.
    first = replay.first_of(issue, began)
    held = first & ~replay.first_of(issue) & (np.roll(ended, 1) == began)
    again = held[np.maximum.accumulate(np.where(first, np.arange(len(issue)), 0))]
    stood = (ended > began) & ~again
    return pd.DataFrame({"issue_id": issue[stood], "week": began[stood]})


def _held_at(
    spans: pd.DataFrame, issue: npt.NDArray[np.int64], at: pd.Series[Any]
) -> npt.NDArray[np.bool_]:
    """Tell whether each issue was within one of the spans just before an instant of its own."""
    asked = pd.DataFrame({"issue_id": issue, "at": at.to_numpy()}).reset_index(names="place")
    asked["at"] = pd.to_datetime(asked["at"], utc=True).astype("datetime64[us, UTC]")
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


def future_issues(
    dataset: Dataset,
    *,
    as_of: AsOf,
    timezone: str = "UTC",
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Name the open issues that are not promised yet: under the Future label or in a draft.

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
        One row per issue and shelf, sorted by (shelf, issue_id): `shelf` (the label, or the title
        of the draft milestone), `kind` (label, draft), `milestone_id` (of a draft; else NA),
        `age_days` (since it was opened), `weight` (NA: none), and `issue_id`, `project`, `iid`,
        `title` (today's), `confidential`, `web_url`.
    """
    at = replay.instant(as_of, timezone)
    state = replay.fields_at(dataset, at)
    state = state[(state["state"] == "opened").to_numpy()]
    label = dataset.config.get("labels", {}).get("future", FUTURE_LABEL)
    labels = replay.members_at(dataset, at, "label")
    labels = labels.loc[labels["value"] == label, ["issue_id"]].assign(shelf=label, kind="label")

    milestones = replay.milestones_at(dataset, at)
    drafts = milestones.loc[milestones["draft"], ["milestone_id", "title"]]
    drafts = drafts.rename(columns={"title": "shelf"}).astype({"milestone_id": "Int64"})
    held = state.reset_index()[["issue_id", "milestone_id"]].merge(drafts, on="milestone_id")

    shelved = pd.concat([labels, held.assign(kind="draft")]).astype({"milestone_id": "Int64"})
    issues = replay.in_scope(dataset, types)
    frame = shelved.merge(state[["weight", "created_at"]].reset_index(), on="issue_id")
    frame = frame.merge(issues[replay.WHICH], on="issue_id")
    frame["age_days"] = (at - frame["created_at"]) / pd.Timedelta(1, "D")
    columns = ["shelf", "kind", "milestone_id", "age_days", "weight", *replay.WHICH]
    named: pd.DataFrame = frame[columns].astype({"shelf": "str", "kind": "str"})
    named = named.sort_values(["shelf", "milestone_id", "issue_id"], ignore_index=True)
    named.attrs.update(replay.about(dataset, as_of, timezone), timezone=timezone)
    return named


def future_work(
    dataset: Dataset,
    *,
    as_of: AsOf,
    timezone: str = "UTC",
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Tell how much lies ahead on each shelf: the Future label and every draft milestone.

    Parameters
    ----------
    dataset, as_of, timezone, types
        As in `future_issues`.

    Returns
    -------
    DataFrame
        One row per shelf, sorted by (kind, shelf, milestone_id): `shelf`, `kind` (label, draft),
        `milestone_id` (NA for the label), `issues` (open ones), `weight`, `without_weight`,
        `oldest_days` (age of the oldest; NA where there is none), `due_date` (of the draft). An
        issue under the label and in a draft stands on both shelves.
    """
    at = replay.instant(as_of, timezone)
    issues = future_issues(dataset, as_of=as_of, timezone=timezone, types=types)
    label = dataset.config.get("labels", {}).get("future", FUTURE_LABEL)
    milestones = replay.milestones_at(dataset, at)
    drafts = milestones[milestones["draft"] & (milestones["created_at"] < at)]
    shelves = pd.concat(
        [
            pd.DataFrame({"shelf": [label], "kind": "label"}),
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
    keys = pd.MultiIndex.from_arrays([shelves["kind"], shelves["milestone_id"].fillna(-1)])
    sums = sums.reindex(keys).reset_index(drop=True)
    for column in ("issues", "weight", "without_weight"):
        sums[column] = sums[column].fillna(0).astype("int64")
    sums["oldest_days"] = sums["oldest_days"].astype("float64")
    frame = pd.concat([shelves.reset_index(drop=True), sums], axis=1)
    columns = ["shelf", "kind", "milestone_id", "issues", "weight", "without_weight"]
    frame = frame[[*columns, "oldest_days", "due_date"]]
    frame = frame.sort_values(["kind", "shelf", "milestone_id"], ascending=[False, True, True])
    frame = frame.reset_index(drop=True)
    frame.attrs.update(replay.about(dataset, as_of, timezone), timezone=timezone)
    return frame


def moved_on(
    dataset: Dataset,
    *,
    as_of: AsOf,
    timezone: str = "UTC",
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Count how often each issue moved on to a later milestone.

    Later means: with a later due date (as known at `as_of`), or from a dated milestone into one
    without due date. Leaving a milestone and entering the next one after a while counts too.

    Parameters
    ----------
    dataset, as_of, timezone, types
        As in `planned_work`.

    Returns
    -------
    DataFrame
        One row per issue that was ever in a milestone, sorted by issue_id: `issue_id`, `project`,
        `iid`, `title` (today's), `confidential`, `web_url`, `moves`, `first_milestone` and
        `last_milestone` (titles; NA where no longer known), `first_due_date`, `last_due_date`,
        `delay_days` (between the two; NA where one has none), `state` at `as_of`.
    """
    at = replay.instant(as_of, timezone)
    milestones = replay.milestones_at(dataset, at).astype({"milestone_id": "Int64"})
    known = milestones.set_index("milestone_id")[["title", "due_date"]]
    spans = replay.intervals(dataset, "milestone", until=at)
    issues = replay.in_scope(dataset, types)
    spans = spans[spans["issue_id"].isin(issues["issue_id"])].reset_index(drop=True)
    spans["title"] = known["title"].reindex(spans["milestone_id"]).to_numpy()
    due = known["due_date"].reindex(spans["milestone_id"]).reset_index(drop=True)
    issue, last = spans["issue_id"].to_numpy(), replay.last_of(spans["issue_id"].to_numpy())
    first = replay.first_of(issue)
    before, dated = due.shift(), spans["milestone_id"].isin(milestones["milestone_id"])
    later = before.notna() & ((due > before) | (due.isna() & dated))
    spans["moves"] = later.to_numpy() & ~first

    frame = pd.DataFrame(
        {
            "issue_id": issue[first],
            "moves": spans.groupby("issue_id")["moves"].sum().to_numpy(np.int64),
            "first_milestone": spans["title"][first].to_numpy(),
            "last_milestone": spans["title"][last].to_numpy(),
            "first_due_date": due[first].to_numpy(),
            "last_due_date": due[last].to_numpy(),
        }
    ).astype({"first_milestone": "str", "last_milestone": "str"})
    delay = frame["last_due_date"] - frame["first_due_date"]
    frame["delay_days"] = delay.dt.total_seconds() / 86_400
    frame["state"] = replay.fields_at(dataset, at)["state"].reindex(frame["issue_id"]).to_numpy()
    frame = issues[replay.WHICH].merge(frame, on="issue_id").astype({"state": "str"})
    frame = frame.sort_values("issue_id", ignore_index=True)
    frame.attrs.update(replay.about(dataset, as_of, timezone), timezone=timezone)
    return frame


def moved_on_counts(
    dataset: Dataset,
    *,
    as_of: AsOf,
    timezone: str = "UTC",
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Count the issues that moved on 0, 1, 2 ... times.

    Parameters
    ----------
    dataset, as_of, timezone, types
        As in `planned_work`.

    Returns
    -------
    DataFrame
        One row per number of moves from 0 to the highest: `moves`, `opened`, `closed` (issues by
        their state at `as_of`), `share` (of all issues that were ever in a milestone).
    """
    issues = moved_on(dataset, as_of=as_of, timezone=timezone, types=types)
    top = int(issues["moves"].max()) + 1 if len(issues) else 0
    moves = issues["moves"].to_numpy()
    by_state = {
        state: np.bincount(moves[(issues["state"] == state).to_numpy()], minlength=top)[:top]
        for state in ("opened", "closed")
    }
    frame = pd.DataFrame({"moves": np.arange(top), **by_state}).astype("int64")
    total = frame["opened"] + frame["closed"]
    frame["share"] = (total / max(int(total.sum()), 1)).astype("float64")
    frame.attrs.update(issues.attrs)
    return frame
