"""The open issues themselves: what is left, by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from roadmap_analytics.analysis.days import AsOf, days_of
from roadmap_analytics.analysis.lookup import MilestoneRef, find_milestones, known_person
from roadmap_analytics.analysis.view import View
from roadmap_analytics.analysis.workload import UNASSIGNED
from roadmap_analytics.frames import Dataset

_COLUMNS = [
    *["issue_id", "project", "iid", "title", "type", "milestone_id", "milestone", "assignees"],
    *["age_days", "due_date", "weight", "confidential", "web_url"],
]


def open_issues(
    dataset: Dataset,
    milestone: MilestoneRef | None = None,
    person: str | None = None,
    *,
    as_of: AsOf,
    timezone: str | None = None,
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Return the issues that were open at `as_of`: who had each, how old it was, where it is.

    Parameters
    ----------
    dataset : Dataset
    milestone : int or str, or a list of these, optional
        Id, title or web address: only issues that were in it. All issues by default.
    person : str, optional
        Canonical handle, or ``"unassigned"``: only what this person had. ``"*"`` keeps everybody's
        and repeats an issue for each of its assignees.
    as_of, timezone, types
        As in `burndown`.

    Returns
    -------
    DataFrame
        One row per open issue, or with `person` one per issue and assignee. Milestones come in
        the order of their due dates (no milestone last), the oldest issue of each first.

        - `person`: only where `person` is given; `unassigned` for an issue without assignee
        - `issue_id`, `project`, `iid`, `title` (today's), `type`, `confidential`, `web_url`
        - `milestone_id`, `milestone` (title): then; NA for none
        - `assignees`: handles, sorted, joined by a comma; NA for none
        - `age_days`: calendar days since the issue was created
        - `due_date`: its own, else that of its milestone; NA without either
        - `weight`: NA without one

    Raises
    ------
    UnknownNameError
        Where a milestone fits none or several, or where the dataset does not know the person.
    ConfigurationError
        For an unknown zone, or an `as_of` that is neither day nor instant.

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> open_issues(Dataset({}), as_of="2025-03-10").columns.tolist()[:4]
    ['issue_id', 'project', 'iid', 'title']
    """
    view = View.of(dataset, as_of, timezone, types)
    state = view.state
    state = state[(state["state"] == "opened").to_numpy()]
    if milestone is not None:
        chosen = find_milestones(dataset, milestone)
        state = state[state["milestone_id"].isin(chosen).to_numpy(bool)]
    state = state.reset_index()
    held = view.members("assignee")
    # Before names are joined, which pandas does issue by issue: most issues are closed.
    held = held[held["issue_id"].isin(state["issue_id"]).to_numpy()]
    held = held.sort_values(["issue_id", "value"])
    names = held.groupby("issue_id")["value"].agg(", ".join)
    state["assignees"] = state["issue_id"].map(names)
    state["milestone"] = view.of_milestone(state["milestone_id"], "title")
    milestone_due = view.of_milestone(state["milestone_id"], "due_date")
    state["due_date"] = state["due_date"].fillna(milestone_due)
    state["age_days"] = (view.last - days_of(state["created_at"], view.timezone)).astype("int64")
    # The title comes from `issues`: GitLab keeps no history of titles in its events.
    about = ["issue_id", "project", "iid", "title", "type", "confidential", "web_url"]
    frame = state.assign(milestone_due=milestone_due).merge(dataset.issues[about], on="issue_id")
    frame = frame.sort_values(
        ["milestone_due", "milestone_id", "age_days", "issue_id"],
        ascending=[True, True, False, True], na_position="last", ignore_index=True,
    )  # fmt: skip
    frame = frame[_COLUMNS].astype({"milestone": "str", "assignees": "str", "age_days": "int64"})
    if person is not None:
        frame = _of_person(dataset, frame, held, person)
    return view.result(frame)


def _of_person(
    dataset: Dataset, frame: pd.DataFrame, held: pd.DataFrame, person: str
) -> pd.DataFrame:
    people = held.rename(columns={"value": "person"})
    each = frame.merge(people, on="issue_id", how="left")
    each["person"] = each["person"].fillna(UNASSIGNED).astype("str")
    if person != "*":
        person = person if person == UNASSIGNED else known_person(dataset, person)
        each = each[(each["person"] == person).to_numpy()].reset_index(drop=True)
    columns: list[Any] = ["person", *_COLUMNS]
    return each[columns]
