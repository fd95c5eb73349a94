"""Work that was not done is not done: moved out of scope, promoted to an epic, a duplicate."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import roadmap_analytics as ra
from roadmap_analytics.analysis import stays
from roadmap_analytics.analysis.quality import check
from roadmap_analytics.analysis.view import View
from roadmap_analytics.frames import Dataset
from tests.test_frames import event, history, issue, made, milestone, milestone_record, note

DAY = 24 * 60  # in minutes; the world begins on 1 January 2024 at 08:00
REASONS = {
    3: ("moved", "moved to elsewhere/other#11"),
    4: ("promoted", "promoted to epic &5"),
    5: ("duplicate", "marked this issue as a duplicate of #1"),
}


def at(days: float) -> str:
    return (pd.Timestamp("2024-01-01T08:00Z") + pd.Timedelta(days, "D")).isoformat()


def dataset(**changes: Any) -> Dataset:
    """Six issues in one milestone: 1 open, 2 done, 3 to 5 given up on day 3, 6 on day 2 and again.

    Issue 6 was closed as a duplicate on day 2, reopened on day 4, and done on day 5.
    """
    plan = milestone(11, "Plan", start_date="2024-01-01", due_date="2024-01-08")
    added = [event(900, 0, action="add", milestone=plan)]
    records = [milestone_record(plan), issue(1, milestone=plan), history(1, milestone_events=added)]

    def closed(ident: int, days: float, notes: list[Any], **fields: Any) -> None:
        records.append(
            issue(
                ident,
                milestone=plan,
                state="closed",
                closed_at=at(days),
                updated_at=at(days),
                **fields,
            )
        )
        states = [event(ident, days * DAY, state="closed")]
        if ident == 6:
            states = [
                event(61, 2 * DAY, state="closed"),
                event(62, 4 * DAY, state="reopened"),
                event(63, 5 * DAY, state="closed"),
            ]
        records.append(history(ident, milestone_events=added, state_events=states, notes=notes))

    closed(2, 3, [])
    closed(3, 3, [note(31, 3 * DAY + 0.5, REASONS[3][1])], moved_to_id=4711)
    closed(4, 3, [note(41, 3 * DAY - 0.01, REASONS[4][1])])
    closed(5, 3, [note(51, 3 * DAY - 0.01, REASONS[5][1])])
    closed(6, 5, [note(64, 2 * DAY, REASONS[5][1])])
    return Dataset(made(*records))


def test_why_an_issue_was_closed_is_told_apart() -> None:
    issues = dataset().issues.set_index("issue_id")
    for ident, (why, _) in REASONS.items():
        assert issues.loc[ident, "state_reason"] == why
    assert issues.loc[[1, 2, 6], "state_reason"].isna().all(), "what was reopened and done, is done"
    assert ra.state_at(dataset(), as_of="2024-01-03").loc[6, "state_reason"] == "duplicate"


def test_a_moved_issue_needs_no_note_to_be_known() -> None:
    records = [issue(7, state="closed", closed_at=at(1), moved_to_id=8)]
    assert made(*records)["issues"]["state_reason"].tolist() == ["moved"]
    reopened = [issue(7, moved_to_id=8), history(7, state_events=[event(1, 5, state="closed")])]
    assert made(*reopened)["issues"]["state_reason"].isna().all()


def test_a_burndown_takes_it_out_of_scope_from_that_day() -> None:
    frame = ra.burndown(dataset(), 11, as_of="2024-01-08")
    by_day = frame.set_index("date")[["scope", "completed", "remaining"]]
    assert by_day.values.tolist() == [
        [6, 0, 6],  # 1 January
        [6, 0, 6],
        [5, 0, 5],  # 6 is a duplicate
        [2, 1, 1],  # 2 is done; 3, 4 and 5 are given up
        [3, 1, 2],  # 6 is reopened
        [3, 2, 1],  # and done
        [3, 2, 1],
        [3, 2, 1],
    ]
    assert frame["removed"].sum() == 4
    assert frame["added"].tolist() == [6, 0, 0, 0, 1, 0, 0, 0]


@pytest.mark.parametrize(
    ("as_of", "scope", "completed"),
    [("2024-01-02", 6, 0), ("2024-01-03", 5, 0), ("2024-01-04", 2, 1), ("2024-01-08", 3, 2)],
)
def test_progress_counts_the_same(as_of: str, scope: int, completed: int) -> None:
    row = ra.milestone_progress(dataset(), as_of=as_of).iloc[0]
    assert (row["scope"], row["completed"]) == (scope, completed)
    assert row["committed"] == 6


def test_what_was_given_up_is_no_throughput() -> None:
    days = stays.close_days(View.of(dataset(), "2024-01-08"))
    assert days.astype(str).tolist() == ["2024-01-04", "2024-01-06"], "issues 2 and 6"
    changes = ra.changes(dataset(), since="2024-01-01", as_of="2024-01-08").iloc[0]
    assert changes["closed"] == 2
    assert changes["removed"] == 3


def test_lead_times_count_it_as_work_that_was_never_finished() -> None:
    frame = ra.lead_times(dataset(), as_of="2024-01-08")
    assert frame["closed"].sum() == 2
    assert frame.attrs["open_issues"] == 1


def test_a_timeline_says_removed() -> None:
    steps = ra.milestone_timeline(dataset(), 11, as_of="2024-01-08")
    assert steps.loc[steps["step"] == "removed", "amount"].tolist() == [1, 3]
    assert steps.loc[steps["step"] == "closed", "amount"].tolist() == [1, 1]


def test_check_counts_each_reason() -> None:
    found = check(dataset())
    rows = found.findings[found.findings["kind"] == "given_up"]
    assert sorted(rows["got"]) == [
        "a duplicate of another issue",
        "moved out of what is exported",
        "promoted to an epic",
    ]
    assert "1 x closed without being done" in str(found)


def test_an_issue_whose_copy_is_in_scope_counts_once_and_is_not_given_up() -> None:
    plan = milestone(11, "Plan", start_date="2024-01-01", due_date="2024-01-08")
    added = [event(900, 0, action="add", milestone=plan)]
    records = [
        milestone_record(plan),
        issue(3, milestone=plan, state="closed", closed_at=at(1), moved_to_id=4),
        history(3, milestone_events=added, state_events=[event(1, DAY, state="closed")]),
        issue(4, milestone=plan),
        history(4, milestone_events=[added[0] | {"id": 901}]),
    ]
    moved = Dataset(made(*records))
    row = ra.milestone_progress(moved, as_of="2024-01-08").iloc[0]
    assert (row["scope"], row["completed"]) == (1, 0)
    assert (check(moved).findings["kind"] != "given_up").all()
