"""What a result says, in one sentence: computed, never written by hand.

Each function takes a frame as its analysis returns it and works for empty ones too: it then says
what is missing. Titles go in as they are; who shows them escapes them.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

__all__ = [
    "burndown",
    "burnup",
    "carried_over",
    "duties",
    "future",
    "milestones",
    "moved_on",
    "planned",
    "scope_changes",
    "workload",
    "workload_history",
    "workload_plan",
]


def burndown(frame: pd.DataFrame) -> str:
    """Say what is left of one milestone, from what `burndown` returns.

    Examples
    --------
    >>> frame = pd.DataFrame({"scope": [8, 9], "remaining": [8, 4], "days_to_due": [20, 12]})
    >>> frame.attrs = {"title": "R1", "unit": "issues", "committed": 8}
    >>> burndown(frame)
    'R1: 4 of 9 issues remain, 12 days before it is due.'
    """
    title, unit = frame.attrs.get("title", "The milestone"), frame.attrs.get("unit", "issues")
    if frame.empty:
        return f"{title}: nothing was ever put into it."
    last = frame.iloc[-1]
    if last["remaining"] == 0:
        return f"{title}: nothing remains; all {_amount(last['scope'])} {unit} are done."
    left = f"{title}: {_amount(last['remaining'])} of {_amount(last['scope'])} {unit} remain"
    return f"{left}, {_until(last['days_to_due'])}."


def burnup(frame: pd.DataFrame) -> str:
    """Say how scope and completed work grew, from what `burndown` returns."""
    if frame.empty:
        return "There is no scope to show."
    last, unit = frame.iloc[-1], frame.attrs.get("unit", "issues")
    began = float(frame.attrs.get("committed") or 0)
    change = float(last["scope"]) - began
    grew = (
        "Scope is what it was at the start"
        if change == 0
        else f"Scope {'grew' if change > 0 else 'shrank'} by {_amount(abs(change))} {unit} "
        f"since the start, from {_amount(began)}"
    )
    return f"{grew}; {_amount(last['completed'])} of {_amount(last['scope'])} are completed."


def scope_changes(frame: pd.DataFrame) -> str:
    """Say what came and went after the start, from what `scope_changes` returns."""
    if frame.empty:
        return "Nothing was added or removed after the start."
    came, went = frame[frame["amount"] > 0], frame[frame["amount"] < 0]
    return (
        f"After the start {_count(len(came), 'addition')} ({_amount(came['amount'].sum())}) and "
        f"{_count(len(went), 'removal')} ({_amount(-went['amount'].sum())}) changed the scope."
    )


def milestones(frame: pd.DataFrame) -> str:
    """Say where the milestones that run now stand, from what `current_milestones` returns."""
    if frame.empty:
        return "No milestone runs: none is active with issues in it."
    unit = frame.attrs.get("unit", "issues")
    remaining, scope = frame["remaining"].sum(), frame["scope"].sum()
    said = (
        f"{_count(len(frame), 'milestone')} {'runs' if len(frame) == 1 else 'run'} and "
        f"{_amount(remaining)} of {_amount(scope)} {unit} remain"
    )
    late = frame[frame["overdue"]]
    if len(late):
        said += f"; {_list(late['title'])} {'is' if len(late) == 1 else 'are'} past the due date"
    ahead = frame[(frame["days_left"] >= 0).fillna(False)]
    if len(ahead):
        first = ahead.sort_values(["days_left", "milestone_id"]).iloc[0]
        said += (
            f"; next is {first['title']}, due {first['due_date']:%Y-%m-%d} "
            f"with {_amount(first['remaining'])} left"
        )
    undated = int(frame["due_date"].isna().sum())
    return said + (f"; {undated} without a due date" if undated else "") + "."


def carried_over(frame: pd.DataFrame) -> str:
    """Say what became of unfinished issues, from what `carried_over` returns."""
    if frame.empty:
        return "No milestone has passed its due date with open issues."
    outcomes = frame["outcome"].value_counts().sort_index()
    parts = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    return (
        f"{_count(len(frame), 'issue')} of {_count(frame['milestone_id'].nunique(), 'milestone')} "
        f"{'was' if len(frame) == 1 else 'were'} open on the due day: {parts}."
    )


def planned(frame: pd.DataFrame, weeks: int = 13) -> str:
    """Say how much was closed outside milestones lately, from what `planned_work` returns."""
    last = frame[frame["complete"]].tail(weeks) if len(frame) else frame
    total = 0 if last.empty else int(last[["closed_planned", "closed_unplanned"]].sum().sum())
    if not total:
        return "Nothing was closed in the last weeks."
    outside = int(last["closed_unplanned"].sum())
    return (
        f"Of {total} issues closed in the last {len(last)} full weeks, {outside} "
        f"({outside / total:.0%}) were in no milestone: work that the roadmap did not plan."
    )


def future(frame: pd.DataFrame) -> str:
    """Say what is set aside for later, from what `future_work` returns."""
    if not len(frame) or not frame["issues"].sum():
        return "Nothing is set aside under the Future label or in draft milestones."
    shelves = ", ".join(f"{row['issues']} in {row['shelf']}" for row in frame.to_dict("records"))
    return f"Set aside for later: {shelves}."


def moved_on(frame: pd.DataFrame) -> str:
    """Say how many issues moved on, from what `moved_on_counts` returns."""
    total = int(frame[["opened", "closed"]].sum().sum()) if len(frame) else 0
    if not total:
        return "No issue was ever in a milestone."
    again = frame[frame["moves"] > 0]
    count = int(again[["opened", "closed"]].sum().sum())
    if not count:
        return f"None of {total} issues moved on to a later milestone."
    return (
        f"{count} of {total} issues that were ever in a milestone ({count / total:.0%}) moved on "
        f"to a later one, {_count(int(frame['moves'].max()), 'time')} at most."
    )


def workload(frame: pd.DataFrame) -> str:
    """Say who holds most and what nobody holds, from what `workload` returns."""
    held = frame[(frame["person"] != "unassigned") & (frame["open_issues"] > 0)]
    nobody = float(frame.loc[frame["person"] == "unassigned", "open_issues"].sum())
    alone = f"{_amount(nobody)} open {'issue has' if nobody == 1 else 'issues have'} no assignee"
    if held.empty:
        return f"Nobody holds an open issue; {alone}."
    most = held.iloc[0]
    late = float(frame["overdue_issues"].sum())
    return (
        f"{_count(len(held), 'person', 'people')} {'holds' if len(held) == 1 else 'hold'} open "
        f"issues, {most['person']} most with {_amount(most['open_issues'])} "
        f"(the middle holds {_amount(held['open_issues'].median())}); {alone}; "
        f"{_amount(late)} {'is' if late == 1 else 'are'} overdue."
    )


def workload_history(frame: pd.DataFrame, weeks: int = 13) -> str:
    """Say whether load rose or fell lately, from what `workload_history` returns by week."""
    if frame.empty:
        return "Nobody ever held an open issue."
    total = frame.groupby("date")["open_issues"].sum().tail(weeks + 1)
    change = float(total.iloc[-1] - total.iloc[0])
    word = "more than" if change > 0 else "fewer than" if change < 0 else "as many as"
    how = f"{_amount(abs(change))} {word}" if change else word
    return (
        f"{_amount(total.iloc[-1])} open issues are held or wait for somebody, {how} "
        f"{len(total) - 1} weeks ago."
    )


def workload_plan(frame: pd.DataFrame) -> str:
    """Say whose weeks ahead are too full, from what `workload_plan` returns."""
    people = frame[frame["person"] != "unassigned"]
    if people.empty:
        return "No open issue that somebody holds has a due date: nothing can be spread over weeks."
    full = people[people["level"] == "high"]
    overdue = float(people["overdue_hours"].sum())
    late = f"{_amount(round(overdue))} hours are overdue and fall on the next working day"
    if full.empty:
        return f"Nobody has a week above capacity; {late}."
    names = _list(full["person"].drop_duplicates())
    return f"Above capacity in at least one week: {names}; {late}."


def duties(frame: pd.DataFrame) -> str:
    """Say where promises and load part, from what `duties` returns."""
    if frame.empty:
        return "There is no roadmap revision to hold the load against."
    idle = frame[frame["remark"] == "drives without holding any"]
    extra = frame[frame["remark"] == "holds without a duty"]
    driven = set(frame.loc[frame["roles"].str.contains("driver"), "key"])
    undriven = frame["key"].nunique() - len(driven)
    return (
        f"Of {_count(frame['key'].nunique(), 'roadmap item')} {undriven} name no driver; "
        f"{_count(len(idle), 'driver holds', 'drivers hold')} no issue of their item; "
        f"{_count(extra['person'].nunique(), 'person holds', 'people hold')} issues of an item "
        "that names them nowhere."
    )


# -- words -----------------------------------------------------------------------------------------


def _amount(value: Any) -> str:
    number = round(float(value), 1)
    return f"{number:,.0f}" if number == int(number) else f"{number:,.1f}"


def _count(number: int, one: str, many: str | None = None) -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _list(names: Any, most: int = 3) -> str:
    shown = [str(name) for name in names]
    if len(shown) > most:
        return f"{', '.join(shown[:most])} and {len(shown) - most} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _until(days: Any) -> str:
    if pd.isna(days):
        return "and it has no due date"
    if days == 0:
        return "on the day it is due"
    before = days > 0
    return f"{_count(abs(int(days)), 'day')} {'before it is' if before else 'after it was'} due"
