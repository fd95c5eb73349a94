"""Workload per person on one day: open issues, hours, and what the roadmap asks beside them.

An issue with several assignees counts in full for each (`split="full"`) or in equal shares
(`split="equal"`, under which everything adds up to the totals). Issues without assignee are a row
of their own. Everything follows from history: who had what, when, in which milestone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple, TypeAlias

import pandas as pd

from roadmap_analytics.analysis import replay
from roadmap_analytics.analysis.days import FAR_DAYS, AsOf, days_of, instant
from roadmap_analytics.analysis.lookup import MilestoneRef, find_milestones, unknown_name
from roadmap_analytics.analysis.view import View
from roadmap_analytics.arguments import one_of, whole_number
from roadmap_analytics.frames import Dataset

Split: TypeAlias = Literal["full", "equal"]

UNASSIGNED = "unassigned"
"""The row of issues that have no assignee."""

_DUTIES = {
    "drives": "driver",
    "maintains": "maintainer",
    "responsible_for": "responsible",
    "works_on": "work",
    "reviews": "review",
    "gives_input": "input",
    "contact_for": "contact",
}


def workload(
    dataset: Dataset,
    *,
    as_of: AsOf,
    timezone: str | None = None,
    split: Split = "full",
    milestone: MilestoneRef | None = None,
    label: str | None = None,
    types: Iterable[str] | str | None = None,
    due_soon_days: int = 14,
    recent_days: int = 28,
) -> pd.DataFrame:
    """Compute what each person held at `as_of`, and what the roadmap asked of them.

    Parameters
    ----------
    dataset : Dataset
    as_of : date or aware timestamp
        A date means the end of that day in `timezone`. Nothing after it matters.
    timezone : str, optional
        IANA name of the zone whose days are meant; by default that of the dataset's
        ``[calendar]``, else UTC.
    split : {"full", "equal"}
        How an issue with several assignees counts: once for each, or in equal shares.
    milestone : int or str, or a list of these, optional
        Id, title or address: only issues that were in this milestone, or in one of these.
    label : str, optional
        Only issues that bore this label.
    types : str or list of str, optional
        Work item types to count; all by default.
    due_soon_days, recent_days : int
        How far ahead "due soon", how far back "recently" reaches, in calendar days.

    Returns
    -------
    DataFrame
        One row per person who held an open issue, closed or booked something recently, or had a
        duty; `unassigned` comes first, then the others by open issues (most first) and name:

        - `person`
        - `open_issues`, `open_weight` (no weight counts 0), `remaining_hours` (estimate less time
          spent, never below 0; no estimate counts 0), `without_estimate` (issues)
        - `overdue_issues`, `due_soon_issues`: by the issue's due date, else its milestone's
        - `milestones`: how many milestones these issues were in
        - `oldest_days`: age of the oldest open issue since it was opened; NA without one
        - `closed_recently`: issues closed in the last `recent_days` and still closed
        - `spent_hours_recently`: hours that this person booked on these issues in the last
          `recent_days` (never split)
        - `drives`, `maintains`, `responsible_for`, `works_on`, `reviews`, `gives_input`,
          `contact_for`: items or scopes in the roadmap revision valid at `as_of`. Duties are
          promises, not hours.

        Under ``split="equal"`` counts are real numbers and add up to the totals.
        `attrs["overdue_issues"]` has how many different issues are overdue.

    Raises
    ------
    UnknownNameError
        Where `milestone` fits none or several.
    ConfigurationError
        For an unknown `split`, zone, or an `as_of` that is neither day nor instant.

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> workload(Dataset({}), as_of="2025-03-10")["person"].tolist()
    ['unassigned']
    """
    one_of("split", split, Split)
    whole_number("due_soon_days", due_soon_days, 0, FAR_DAYS)
    whole_number("recent_days", recent_days, 0, FAR_DAYS)
    view = View.of(dataset, as_of, timezone, types)
    if label is not None:
        _refuse_unknown(view, label)
    today = view.day
    recent = instant(today - pd.Timedelta(recent_days, "D"), view.timezone)
    chosen = None if milestone is None else find_milestones(dataset, milestone)
    load = view.reduced(_load, _summed, chosen, label, split, recent, due_soon_days)
    frame = load.amounts.set_index("person")
    late = round(float(frame.pop("different_overdue").sum()))
    frame["milestones"] = load.milestones.groupby("person")["milestone_id"].nunique()
    since = load.oldest.set_index("person")["created_at"]
    opened = pd.Series(days_of(since, view.timezone), since.index)
    frame["oldest_days"] = (today - opened).dt.days.astype("Int64")
    booked = load.booked.set_index("actor")["number"].rename("spent_hours_recently")
    frame = frame.join(booked, how="outer").join(_asked(view), how="outer")

    # Who has closed or booked nothing lately, has no open issue and no duty is left out.
    worth = (frame.drop(columns=["milestones", "oldest_days"]).fillna(0) != 0).any(axis=1)
    frame = frame[worth | (frame.index == UNASSIGNED)]
    frame = frame.reindex(frame.index.union([UNASSIGNED]))
    frame = frame.fillna(dict.fromkeys(frame.columns.drop("oldest_days"), 0))
    whole = ["milestones", *_DUTIES]
    if split == "full":
        apart = ["person", "remaining_hours", "different_overdue"]
        whole += list(load.amounts.columns.drop(apart))
    frame = frame.astype({**dict.fromkeys(whole, "int64"), "oldest_days": "Int64"})
    frame = frame.rename_axis("person").reset_index().astype({"person": "str"}).round(6)
    frame["assigned"] = frame["person"] != UNASSIGNED
    frame = frame.sort_values(["assigned", "open_issues", "person"], ascending=[True, False, True])
    columns = [
        *["person", "open_issues", "open_weight", "remaining_hours", "without_estimate"],
        *["overdue_issues", "due_soon_issues", "milestones", "oldest_days", "closed_recently"],
        *["spent_hours_recently", *_DUTIES],
    ]
    frame = frame[columns].reset_index(drop=True)
    return view.result(frame, split=split, unit="issues", overdue_issues=late)


def _refuse_unknown(view: View, label: str) -> None:
    """Raise for a label that no issue ever had, which must not be taken for "no issues".

    One that roadmap.toml names is none of these, even before the first issue has it.
    """
    known = view.reduced(_labels, lambda labels: labels.drop_duplicates())["value"].tolist()
    if label not in (*known, *(view.dataset.config.get("labels") or {}).values()):
        raise unknown_name("label", "a label", label, known, "no issue has a label")


def _labels(view: View) -> pd.DataFrame:
    events = view.dataset.issue_events
    labels = events.loc[(events["field"] == "label").to_numpy(), ["value"]]
    return labels.dropna().drop_duplicates()


class _Load(NamedTuple):
    """What some issues put on people."""

    amounts: pd.DataFrame  # person, and the columns of `workload` that add up over issues
    milestones: pd.DataFrame  # person and milestone_id with open issues
    oldest: pd.DataFrame  # person and created_at of the oldest open issue
    booked: pd.DataFrame  # actor and number of hours booked recently


def _load(
    view: View,
    chosen: list[int] | None,
    label: str | None,
    split: str,
    recent: pd.Timestamp,
    due_soon_days: int,
) -> _Load:
    held = held_issues(view, chosen, label)
    is_open, due, share = (held["state"] == "opened").to_numpy(), held["due"], shares(held, split)
    mine, counted = held[is_open], share * is_open
    late = due < view.day
    soon = ~late & (due <= view.day + pd.Timedelta(due_soon_days, "D"))
    amounts = pd.DataFrame(
        {
            "person": held["person"],
            "open_issues": counted,
            "open_weight": counted * held["weight"].astype("float64").fillna(0.0),
            "remaining_hours": counted * held["remaining_hours"],
            "without_estimate": counted * (held["time_estimate_hours"] == 0),
            "overdue_issues": counted * late,
            "due_soon_issues": counted * soon,
            "closed_recently": share * (~is_open & (held["done_at"] >= recent).to_numpy()),
            # Shares of an issue add up to 1 over its holders, so these add up to different issues.
            "different_overdue": held["share"] * (is_open & late.to_numpy(bool)),
        }
    )
    booked = _booked(view, held["issue_id"], recent)
    return _summed(
        _Load(amounts, mine[["person", "milestone_id"]], mine[["person", "created_at"]], booked)
    )


def _summed(load: _Load) -> _Load:
    """Make one row per person, and per person and milestone."""
    return _Load(
        load.amounts.groupby("person", as_index=False).sum(),
        load.milestones.drop_duplicates(),
        load.oldest.groupby("person", as_index=False).min(),
        load.booked.groupby("actor", as_index=False).sum(),
    )


def workload_by_milestone(
    dataset: Dataset,
    *,
    as_of: AsOf,
    timezone: str | None = None,
    split: Split = "full",
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Compute in which milestones each person's open issues were at `as_of`.

    Returns
    -------
    DataFrame
        One row per person and milestone with open issues, sorted by (person, milestone_id):
        `person`, `milestone_id` (NA: in none), `milestone` (title; NA: in none), `due_date`,
        `open_issues`, `overdue_issues`, `remaining_hours`, counted as in `workload`.

    Raises
    ------
    ConfigurationError
        For an unknown `split`, zone, or an `as_of` that is neither day nor instant.
    """
    one_of("split", split, Split)
    view = View.of(dataset, as_of, timezone, types)
    held = held_issues(view)
    held = held[(held["state"] == "opened").to_numpy()]
    share = shares(held, split)
    amounts = pd.DataFrame(
        {
            "person": held["person"],
            "milestone_id": held["milestone_id"].astype("Int64"),
            "open_issues": share,
            "overdue_issues": share * (held["due"] < view.day),
            "remaining_hours": share * held["remaining_hours"],
        }
    )
    frame = amounts.groupby(["person", "milestone_id"], dropna=False).sum().round(6).reset_index()
    if split == "full":
        frame = frame.astype({"open_issues": "int64", "overdue_issues": "int64"})
    frame.insert(2, "milestone", view.of_milestone(frame["milestone_id"], "title"))
    frame.insert(3, "due_date", view.of_milestone(frame["milestone_id"], "due_date"))
    return view.result(frame, split=split, unit="issues")


def shares(held: pd.DataFrame, split: str) -> pd.Series[float]:
    """Return what each row of `held_issues` counts."""
    return held["share"] if split == "equal" else pd.Series(1.0, index=held.index)


def held_issues(
    view: View, milestones: list[int] | None = None, label: str | None = None
) -> pd.DataFrame:
    """Return who has which issues: the base of every count of load on one day.

    Returns
    -------
    DataFrame
        One row per issue (closed ones included) and assignee, `UNASSIGNED` where it has none: the
        fields of `View.state`, `person`, `share` (1 over the number of assignees), `due` (the
        issue's own due date, else its milestone's), `remaining_hours` (estimate less time spent,
        never below 0), `done_at` (NaT: open, or given up).
    """
    state = view.state
    if milestones is not None:
        state = state[state["milestone_id"].isin(milestones).to_numpy(bool)]
    if label is not None:
        labels = view.members("label")
        state = state[state.index.isin(labels.loc[labels["value"] == label, "issue_id"])]
    due = view.of_milestone(state["milestone_id"], "due_date")
    state["due"] = state["due_date"].fillna(due)
    remaining = state["time_estimate_hours"] - state["time_spent_hours"]
    state["remaining_hours"] = remaining.clip(lower=0)
    state["done_at"] = view.done_at.reindex(state.index)
    people = view.members().rename(columns={"value": "person"})
    held = state.reset_index().merge(people, on="issue_id", how="left")
    held["share"] = 1.0 / held.groupby("issue_id")["issue_id"].transform("size")
    held["person"] = held["person"].fillna(UNASSIGNED).astype("str")
    return held


def _booked(view: View, issues: pd.Series[Any], since: pd.Timestamp) -> pd.DataFrame:
    """Return who added how many hours to the time spent on some issues since an instant."""
    events = replay.events_of(view.dataset, ["time_spent"], view.at)
    keep = (events["action"] == "add") & (events["at"] >= since) & events["actor"].notna()
    keep &= events["issue_id"].isin(issues)
    return events.loc[keep.to_numpy(), ["actor", "number"]]


def _asked(view: View) -> pd.DataFrame:
    """Count each person's duties in the roadmap revision in force: one column per duty."""
    asked = view.of_revision("responsibilities")
    counts = pd.crosstab(asked["person"], asked["role"])
    none = pd.Series(0, index=counts.index)
    return pd.DataFrame(
        {duty: counts.get(role, none) for duty, role in _DUTIES.items()}, index=counts.index
    )
