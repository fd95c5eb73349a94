"""Which issues changed the scope of a milestone, and which were carried over its due date."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from roadmap_analytics.analysis import replay
from roadmap_analytics.analysis.days import AsOf, day_ends
from roadmap_analytics.analysis.ledger import Measure, ledger
from roadmap_analytics.analysis.lookup import MilestoneRef, find_milestones
from roadmap_analytics.analysis.replay import NONE, Bools
from roadmap_analytics.analysis.view import View, unchanged
from roadmap_analytics.frames import Dataset


def scope_changes(
    dataset: Dataset,
    milestone: MilestoneRef | None = None,
    *,
    as_of: AsOf,
    measure: Measure = "issues",
    timezone: str | None = None,
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """List the issues behind each change of scope after the start day.

    Parameters
    ----------
    dataset : Dataset
    milestone : int or str, or a list of these, optional
        Id, title or web address; all milestones by default. Several count as one, as in `burndown`.
    as_of, measure, timezone, types
        As in `burndown`.

    Returns
    -------
    DataFrame
        One row per milestone, day and issue that changed scope, sorted by
        (milestone_id, date, issue_id): `milestone_id`, `milestone` (title), `date`,
        `change` (added, removed, raised, lowered: the last two are a new weight or estimate),
        `amount` (signed), `after_due` (the day lies after the due date), `other_milestone_id`
        and `other_milestone` (where it came from or went to; NA for no milestone), and of the
        issue `issue_id`, `project`, `iid`, `title` (today's), `confidential`, `web_url`. Per day
        the positive amounts sum to `added`, the negative ones to `removed` of `burndown`.

    Raises
    ------
    UnknownNameError, ConfigurationError
        As in `burndown`.
    """
    only = None if milestone is None else find_milestones(dataset, milestone)
    view = View.of(dataset, as_of, timezone, types)
    which = dataset.issues[replay.WHICH]
    book = ledger(view, measure, only, together=True)
    owner, grown = book.changes["place"].to_numpy(), book.changes["scope"].to_numpy()
    late = (grown != 0) & (book.day > book.start[owner])
    changes, day, owner, grown = book.changes[late], book.day[late], owner[late], grown[late]
    changes = changes.reset_index(drop=True)
    resized = (changes["other"] == changes["milestone_id"]).to_numpy()
    elsewhere = ~resized & (changes["other"] > NONE).to_numpy()
    other = changes["other"].where(elsewhere).astype("Int64")
    frame = pd.DataFrame(
        {
            "milestone_id": changes["milestone_id"],
            "milestone": book.milestones["title"].to_numpy()[owner],
            "date": day.astype("datetime64[us]"),
            "change": np.where(
                grown > 0,
                np.where(resized, "raised", "added"),
                np.where(resized, "lowered", "removed"),
            ),
            "amount": book.number(grown),
            "after_due": day > book.due[owner],
            "other_milestone_id": other,
            "other_milestone": view.of_milestone(other, "title"),
            "issue_id": changes["issue_id"],
        }
    ).astype({"milestone": "str", "change": "str", "other_milestone": "str"})
    frame = frame.merge(which, on="issue_id", how="left")
    frame = frame.sort_values(["milestone_id", "date", "issue_id"], ignore_index=True)
    if milestone is not None:
        frame.attrs["title"] = str(book.milestones["title"].iloc[0])
    return book.result(frame)


def carried_over(
    dataset: Dataset,
    milestone: MilestoneRef | None = None,
    *,
    as_of: AsOf,
    timezone: str | None = None,
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """List the issues that were in scope and open when their milestone was due, and what followed.

    Parameters
    ----------
    dataset : Dataset
    milestone : int or str, or a list of these, optional
        Id, title or web address; all milestones by default.
    as_of, timezone, types
        As in `burndown`.

    Returns
    -------
    DataFrame
        One row per milestone and issue carried over, sorted by (milestone_id, issue_id):
        `milestone_id`, `milestone` (title), `due_date`, `outcome` by `as_of` (moved: into another
        milestone; taken out: into none; closed late, still open: it stayed where it was),
        `into_milestone_id` and `into_milestone` (the first milestone after; NA unless moved),
        `left_at`, `times` (how often the issue had been carried over by then, this time included;
        of all milestones), and of the issue `issue_id`, `project`, `iid`, `title` (today's),
        `confidential`, `web_url`. Milestones without due date, or not due yet, have none.

    Raises
    ------
    UnknownNameError, ConfigurationError
        As in `burndown`.
    """
    view = View.of(dataset, as_of, timezone, types)
    chosen = None if milestone is None else find_milestones(dataset, milestone)
    frame = view.reduced(_carried_over, unchanged, chosen)
    return view.result(frame.sort_values(["milestone_id", "issue_id"], ignore_index=True))


def _carried_over(view: View, chosen: list[int] | None) -> pd.DataFrame:
    """Return the rows of `carried_over`: each depends on one issue and its milestones alone."""
    spans = view.spans("milestone")
    spans["into_milestone_id"] = _next_milestone(spans)
    present = _present_when_due(view, spans)
    carried = present[~_closed_when_due(view, present)].reset_index(drop=True)
    # In order of due days, an issue's rows number the times that it was carried over.
    carried = carried.sort_values(["issue_id", "due_at", "milestone_id"], ignore_index=True)
    carried["times"] = carried.groupby("issue_id").cumcount() + 1
    if chosen is not None:
        carried = carried[carried["milestone_id"].isin(chosen)].reset_index(drop=True)
    carried["outcome"] = _outcome(view, carried)
    carried["into_milestone"] = view.of_milestone(carried["into_milestone_id"], "title")
    frame = carried.astype(
        {"milestone_id": "int64", "milestone": "str", "into_milestone": "str", "outcome": "str"}
    ).merge(view.dataset.issues[replay.WHICH], on="issue_id")
    columns = ["milestone_id", "milestone", "due_date", "outcome", "into_milestone_id"]
    return frame[[*columns, "into_milestone", "left_at", "times", *replay.WHICH]]


def _next_milestone(spans: pd.DataFrame) -> pd.Series[int]:
    """Return the milestone in which each issue was next, where it is another; spans stand sorted.

    A later span in the same milestone is no move. One in a milestone that is no longer known has no
    id, and neither has what follows from it.
    """
    following = spans.shift(-1)
    same_issue = (following["issue_id"] == spans["issue_id"]).to_numpy(bool)
    another = (following["milestone_id"] != spans["milestone_id"]).fillna(False).to_numpy(bool)
    return following["milestone_id"].where(same_issue & another)


def _present_when_due(view: View, spans: pd.DataFrame) -> pd.DataFrame:
    """Return the spans that cover the end of the due day of their milestone, if that has come."""
    due = view.milestones[["milestone_id", "title", "due_date"]]
    due = due[due["due_date"].notna().to_numpy()].rename(columns={"title": "milestone"})
    due = due.assign(due_at=day_ends(due["due_date"], view.timezone))
    met = spans.merge(due[(due["due_at"] <= view.at).to_numpy()], on="milestone_id")
    # An end that is missing compares as False: the issue is still there.
    there = (met["start_at"] < met["due_at"]) & ~(met["end_at"] < met["due_at"])
    return met[there.to_numpy()].rename(columns={"end_at": "left_at"}).reset_index(drop=True)


def _closed_when_due(view: View, present: pd.DataFrame) -> Bools:
    """Mark the rows whose issue was closed at the end of the due day."""
    states = view.spans("state")
    closed = states[(states["value"] == "closed").to_numpy()]
    met = present[["issue_id", "due_at"]].reset_index(names="row").merge(closed, on="issue_id")
    covers = (met["start_at"] < met["due_at"]) & ~(met["end_at"] < met["due_at"])
    return np.isin(present.index, met.loc[covers.to_numpy(), "row"])


def _outcome(view: View, carried: pd.DataFrame) -> pd.Series[str]:
    """Say what became of each issue that was carried over, by `as_of`."""
    moved = carried["into_milestone_id"].notna()
    spans = view.spans("milestone")
    now = spans[spans["end_at"].isna().to_numpy()].set_index("issue_id")["milestone_id"]
    now = carried["issue_id"].map(now)
    back = (now == carried["milestone_id"]).fillna(False).astype(bool)  # taken out and put back
    taken_out = carried["left_at"].notna() & ~back
    closed = carried["issue_id"].isin(view.closed_at.index)
    outcomes = ["moved", "taken out", "closed late"]
    said = np.select([moved, taken_out, closed], outcomes, "still open")
    return pd.Series(said, carried.index, dtype="str")
