"""Frames from records: nothing lost, nothing invented, a history that ends at today's fields."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadmap_analytics import frames, schema, store
from roadmap_analytics.errors import DatasetError, UnknownNameError
from roadmap_analytics.frames import Dataset, RunRecords, build, extract
from roadmap_analytics.frames.system_notes import parse
from tests.examples import examples

Row = dict[str, Any]
START = dt.datetime(2024, 1, 1, 8, tzinfo=dt.UTC)
EXPORTED = "2025-01-01T00:00:00.000Z"


def at(minutes: float) -> str:
    return (START + dt.timedelta(minutes=minutes)).isoformat(timespec="milliseconds")


def user(name: str | None) -> Row | None:
    return name and {
        "id": sum(name.encode()),
        "username": name,
        "name": name.title(),
        "state": "active",
    }


def milestone(ident: int, title: str = "", *, group: bool = True, **fields: Any) -> Row:
    owner = {"group_id": 1} if group else {"project_id": 2}
    where = "groups/team" if group else "team/code"
    return {
        "id": ident,
        "iid": ident % 100,
        **owner,
        "title": title or f"M{ident}",
        "state": "active",
        "created_at": at(-900),
        "updated_at": at(-900),
        "start_date": None,
        "due_date": None,
        "web_url": f"https://git.example.org/{where}/-/milestones/{ident % 100}",
        **fields,
    }


def milestone_record(data: Row) -> Row:
    kind = "group" if "group_id" in data else "project"
    ident = data[f"{kind}_id"]
    path = "team" if kind == "group" else "team/code"
    return {
        "kind": "milestone",
        "container": {"kind": kind, "id": ident, "path": path},
        "data": data,
    }


def issue(ident: int = 7, **fields: Any) -> Row:
    data = {
        "id": ident,
        "iid": ident,
        "project_id": 2,
        "title": f"Issue {ident}",
        "state": "opened",
        "created_at": at(0),
        "updated_at": at(500),
        "closed_at": None,
        "labels": [],
        "milestone": None,
        "assignees": [],
        "author": user("ada"),
        "issue_type": "issue",
        "due_date": None,
        "start_date": None,
        "weight": None,
        "confidential": False,
        "time_stats": {"time_estimate": 0, "total_time_spent": 0},
        "moved_to_id": None,
        "web_url": f"https://git.example.org/team/code/-/issues/{ident}",
        **fields,
    }
    return {"kind": "issue", "project": "team/code", "data": data}


def history(ident: int = 7, **lists: list[Row]) -> Row:
    names = ("state_events", "label_events", "milestone_events", "weight_events", "notes")
    data = {name: lists.get(name, []) for name in names}
    return {"kind": "history", "issue_id": ident, "project_id": 2, "iid": ident, "data": data}


def event(ident: int, minutes: float, **fields: Any) -> Row:
    return {"id": ident, "user": user("bo"), "created_at": at(minutes), **fields}


def note(ident: int, minutes: float, body: str) -> Row:
    return {
        "id": ident,
        "body": body,
        "author": user("bo"),
        "created_at": at(minutes),
        "system": True,
    }


def label(name: str) -> Row:
    return {"id": sum(name.encode()), "name": name}


def made(*records: Row, **config: Any) -> dict[str, pd.DataFrame]:
    return build([RunRecords(1, EXPORTED, records)], config=config)


def story(built: dict[str, pd.DataFrame], field: str, ident: int = 7) -> list[tuple[Any, ...]]:
    """(minutes, action, value or number, source, with * where it is a correction) of one field."""
    events = built["issue_events"]
    mine = events[(events["issue_id"] == ident) & (events["field"] == field)]
    rows = []
    for row in mine.itertuples():
        minutes = (row.at - START).total_seconds() / 60
        held = row.value if isinstance(row.value, str) else row.number
        told = None if pd.isna(held) else held
        rows.append((minutes, row.action, told, row.source + "*" * row.correction))
    return rows


# One rule each ------------------------------------------------------------------------------------


def test_opening_is_no_event_of_gitlab_and_a_row_of_ours() -> None:
    built = made(issue())
    assert story(built, "state") == [(0, "set", "opened", "creation")]
    assert built["issue_events"]["actor"].tolist() == ["ada"]


def test_values_without_any_event_were_there_from_the_start() -> None:
    built = made(
        issue(
            milestone=milestone(11),
            assignees=[user("bo")],
            labels=["bug"],
            weight=3,
            due_date="2024-05-01",
            start_date="2024-04-01",
            time_stats={"time_estimate": 5400, "total_time_spent": 0},
        )
    )
    assert story(built, "milestone") == [(0, "add", "M11", "inferred")]
    assert story(built, "assignee") == [(0, "add", "bo", "inferred")]
    assert story(built, "label") == [(0, "add", "bug", "inferred")]
    assert story(built, "weight") == [(0, "set", 3, "inferred")]
    assert story(built, "due_date") == [(0, "set", "2024-05-01", "inferred")]
    assert story(built, "start_date") == [(0, "set", "2024-04-01", "inferred")]
    assert story(built, "time_estimate") == [(0, "set", 1.5, "inferred")]


def test_what_the_first_event_removes_was_there_before() -> None:
    built = made(
        issue(),
        history(
            milestone_events=[event(1, 5, action="remove", milestone=milestone(11))],
            label_events=[event(1, 6, action="remove", label=label("bug"))],
            notes=[
                note(1, 7, "unassigned @bo"),
                note(2, 8, "removed due date April 13, 2024"),
                note(3, 9, "changed time estimate to 1h from 2h"),
            ],
        ),
    )
    assert story(built, "milestone")[:2] == [
        (0, "add", "M11", "inferred"),
        (5, "remove", "M11", "event"),
    ]
    assert story(built, "label") == [(0, "add", "bug", "inferred"), (6, "remove", "bug", "event")]
    assert story(built, "assignee") == [(0, "add", "bo", "inferred"), (7, "remove", "bo", "note")]
    assert story(built, "due_date") == [
        (0, "set", "2024-04-13", "inferred"),
        (8, "set", None, "note"),
    ]
    assert story(built, "time_estimate") == [
        (0, "set", 2, "inferred"),
        (9, "set", 1, "note"),
        (500, "set", None, "inferred*"),
    ]


def test_the_field_wins_where_the_history_ends_elsewhere() -> None:
    built = made(
        issue(
            milestone=milestone(12),
            labels=["new"],
            weight=2,
            time_stats={"time_estimate": 0, "total_time_spent": 7200},
        ),
        history(
            milestone_events=[event(1, 5, action="add", milestone=milestone(11))],
            label_events=[event(1, 6, action="add", label=label("old"))],
            weight_events=[event(1, 7, weight=5)],
            notes=[note(1, 8, "added 30m of time spent")],
        ),
    )
    assert story(built, "milestone")[-1] == (500, "add", "M12", "inferred*")
    assert story(built, "label") == [
        (0, "add", "new", "inferred"),
        (6, "add", "old", "event"),
        (500, "remove", "old", "inferred*"),
    ]
    assert story(built, "weight")[-1] == (500, "set", 2, "inferred*")
    assert story(built, "time_spent")[-1] == (500, "add", 1.5, "inferred*")


def test_a_closed_issue_says_itself_when_that_was() -> None:
    closed = issue(state="closed", closed_at=at(90))
    assert story(made(closed), "state")[-1] == (90, "set", "closed", "inferred*")
    reopened = history(state_events=[event(1, 100, state="reopened")])
    assert story(made(closed, reopened), "state")[-1] == (500, "set", "closed", "inferred*")
    unknown = issue(state="closed", closed_at=None)
    assert story(made(unknown), "state")[-1] == (500, "set", "closed", "inferred*")


def test_corrections_come_last_even_where_gitlab_wrote_no_update() -> None:
    built = made(issue(updated_at=at(10)), history(state_events=[event(1, 30, state="closed")]))
    assert story(built, "state") == [
        (0, "set", "opened", "creation"),
        (30, "set", "closed", "event"),
        (30, "set", "opened", "inferred*"),
    ]


def test_events_before_the_creation_move_the_opening_before_them() -> None:
    built = made(
        issue(state="closed", closed_at=at(-20)),
        history(state_events=[event(1, -20, state="closed")]),
    )
    assert story(built, "state") == [
        (-20, "set", "opened", "creation"),
        (-20, "set", "closed", "event"),
    ]


def test_order_is_of_time_and_then_of_ids() -> None:
    events = [
        event(5, 9, state="closed"),
        event(4, 9, state="reopened"),
        event(9, 3, state="closed"),
    ]
    built = made(issue(state="closed", closed_at=at(9)), history(state_events=events))
    assert [row[2] for row in story(built, "state")] == ["opened", "closed", "opened", "closed"]


def test_events_that_change_nothing_stay_as_they_were_served() -> None:
    events = [event(n, n, action="add", milestone=milestone(11)) for n in (1, 2)]
    built = made(issue(milestone=milestone(11)), history(milestone_events=events))
    assert [row[0] for row in story(built, "milestone")] == [1, 2]


@pytest.mark.parametrize(("seconds", "rows"), [(2, 1), (-2, 1), (2.001, 2), (-2.001, 2)])
def test_a_note_beside_an_event_tells_the_same_change(seconds: float, rows: int) -> None:
    for lists in (
        {
            "state_events": [event(1, 5, state="closed")],
            "notes": [note(1, 5 + seconds / 60, "closed via merge request !3")],
        },
        {
            "milestone_events": [event(1, 5, action="add", milestone=milestone(11))],
            "notes": [note(1, 5 + seconds / 60, "changed milestone to %11")],
        },
        {
            "label_events": [event(1, 5, action="add", label=label("bug"))],
            "notes": [note(1, 5 + seconds / 60, "added ~99 label")],
        },
        {
            "weight_events": [event(1, 5, weight=3)],
            "notes": [note(1, 5 + seconds / 60, "changed weight to **3**")],
        },
    ):
        observed = made(issue(), history(**lists))["issue_events"]
        assert observed["source"].isin(["event", "note"]).sum() == rows


def test_a_note_beside_an_event_of_something_else_stays() -> None:
    built = made(
        issue(),
        history(
            state_events=[event(1, 5, state="closed")],
            label_events=[event(1, 5, action="add", label=label("bug"))],
            notes=[
                note(1, 5, "reopened"),
                note(2, 5, 'added ~"other" label'),
                note(3, 5, f"removed ~{label('bug')['id']} label"),
            ],
        ),
    )
    assert (built["issue_events"]["source"] == "note").sum() == 3


def test_milestones_in_notes_are_found_in_the_project_and_its_groups() -> None:
    own, groups = milestone(12, "Own", group=False), milestone(13, "Group's")
    notes = [
        "changed milestone to %12",
        'changed milestone to %"Group\'s"',
        "changed milestone to code%12",
        "changed milestone to team/code%12",
        "Milestone changed to Group's",
        "Milestone changed to [Own](https://git.example.org/team/code/milestones/12)",
        "changed milestone to %13",
        'changed milestone to %"Gone"',
        "removed milestone",
    ]
    built = made(
        milestone_record(own),
        milestone_record(groups),
        issue(),
        history(notes=[note(n, n, body) for n, body in enumerate(notes, 1)]),
    )
    events = built["issue_events"]
    ids = events.loc[events["field"] == "milestone", "milestone_id"]
    assert [None if pd.isna(i) else i for i in ids] == [12, 13, 12, 12, 13, 12, None, None, None]
    told = [row[2] for row in story(built, "milestone")]
    assert told[5:] == ["Own", "%13", '%"Gone"', None]


def test_labels_in_notes_are_found_by_the_ids_of_events() -> None:
    built = made(
        issue(labels=["bug"]),
        history(
            label_events=[event(1, 50, action="remove", label=label("bug"))],
            notes=[note(1, 5, f"added ~{label('bug')['id']} ~4711 labels")],
        ),
    )
    assert story(built, "label")[:2] == [(5, "add", "bug", "note"), (5, "add", "~4711", "note")]


def test_a_deleted_label_has_no_name_and_a_deleted_user_none_either() -> None:
    gone = event(1, 5, action="add", label=None) | {"user": None}
    built = made(issue(), history(label_events=[gone]))
    assert story(built, "label") == [(5, "add", None, "event")]
    assert built["issue_events"]["actor"].isna().tolist() == [False, True]


def test_even_an_event_without_a_name_comes_after_the_opening() -> None:
    gone = event(1, -5, action="add", label=None)
    events = made(issue(), history(label_events=[gone]))["issue_events"]
    assert events["source"].tolist() == ["creation", "event"]
    assert (events["at"] == pd.Timestamp(at(-5))).all()


def test_old_assignee_notes_name_everyone_they_move() -> None:
    built = made(
        issue(assignees=[user("dee")]),
        history(
            notes=[
                note(1, 1, "assigned to @bo and @cy"),
                note(2, 2, "removed assignee"),
                note(3, 3, "Reassigned to @ada"),
                note(4, 4, "Reassigned to @dee"),
            ]
        ),
    )
    assert story(built, "assignee") == [
        (1, "add", "bo", "note"),
        (1, "add", "cy", "note"),
        (2, "remove", "bo", "note"),
        (2, "remove", "cy", "note"),
        (3, "add", "ada", "note"),
        (4, "remove", "ada", "note"),
        (4, "add", "dee", "note"),
    ]


def test_people_have_one_handle() -> None:
    built = made(
        issue(assignees=[user("ada.l"), user("ADA")], author=user("ada.l")),
        history(
            notes=[
                note(1, 1, "assigned to @Ada.L"),
                note(2, 2, "assigned to @BO"),
                note(3, 3, "unassigned @bo"),
            ]
        ),
        people={"ada": ["Ada Lovelace", "ada.l"]},
    )
    assert built["assignments"].values.tolist() == [[7, "ada"]]
    assert built["issues"]["author"].tolist() == ["ada"]
    assert story(built, "assignee") == [
        (1, "add", "ada", "note"),
        (2, "add", "bo", "note"),
        (3, "remove", "bo", "note"),
    ]
    people = built["people"].set_index("username")
    assert people["person"].to_dict() == {"ADA": "ada", "ada.l": "ada", "bo": "bo"}
    assert people.loc["bo"].tolist() == ["bo", "Bo", "active"]


def renamed(*more: Row, **config: Any) -> dict[str, pd.DataFrame]:
    """An account that was `old` in the first run and is `new` in the second."""
    account = {"id": 5, "name": "Bo", "state": "active"}
    first = [issue(8, assignees=[account | {"username": "old"}])]
    second = [
        issue(7, assignees=[account | {"username": "new"}]),
        history(7, notes=[note(1, 1, "assigned to @old")]),
        *more,
    ]
    runs = [RunRecords(2, "2025-01-02T00:00:00Z", second), RunRecords(1, EXPORTED, first)]
    return build(runs, config=config)


def test_a_renamed_account_is_one_person_on_past_days_too() -> None:
    built = renamed()
    assert story(built, "assignee") == [(1, "add", "new", "note")]
    assert built["assignments"]["person"].tolist() == ["new", "new"]
    assert built["people"].set_index("username")["person"].to_dict() == {
        "ada": "ada",
        "bo": "bo",
        "new": "new",
        "old": "new",
    }


def test_settings_say_who_a_renamed_account_is() -> None:
    for spelling in ("old", "new"):
        built = renamed(people={"robert": [spelling]})
        assert built["assignments"]["person"].tolist() == ["robert", "robert"]


def test_a_name_that_somebody_else_has_taken_is_theirs() -> None:
    other = {"id": 6, "username": "old", "name": "Cy", "state": "active"}
    built = renamed(issue(9, assignees=[other]))
    assert built["assignments"]["person"].tolist() == ["new", "old", "old"]


def test_one_person_under_two_names_in_one_note_did_not_leave() -> None:
    built = made(
        issue(assignees=[user("new")]),
        history(
            notes=[
                note(1, 1, "assigned to @old"),
                note(2, 2, "assigned to @new and unassigned @old"),
            ]
        ),
        people={"ada": ["old", "new"]},
    )
    assert story(built, "assignee")[0] == (1, "add", "ada", "note")
    assert not built["issue_events"]["correction"].any()


def test_times_of_any_offset_are_read_as_utc() -> None:
    built = made(issue(created_at="2024-01-01T03:00:00-05:00", updated_at="2024-01-01T20:00:00Z"))
    row = built["issues"].iloc[0]
    assert row["created_at"] == pd.Timestamp("2024-01-01T08:00:00Z")
    assert row["updated_at"] == pd.Timestamp("2024-01-01T20:00:00Z")


@pytest.mark.parametrize("time", ["yesterday", "2024-01-01T08:00:00", "2024-01-01", None, 5])
def test_an_issue_without_a_time_is_left_out_and_named(time: Any) -> None:
    built = made(issue(7, created_at=time), issue(8))
    assert built["issues"]["issue_id"].tolist() == [8]
    (row,) = built["unread"].to_dict("records")
    assert (row["kind"], row["field"]) == ("row", "issues")
    assert "created_at: expected a time with zone" in row["text"]


def test_hostile_titles_stay_as_they_are() -> None:
    title = "$x$ <script>alert(1)</script> \u202e=1+1\x00\x1b[31m"
    assert made(issue(title=title))["issues"]["title"].tolist() == [title]


def test_user_names_of_any_shape_are_read_so_that_past_load_is_theirs() -> None:
    built = made(
        issue(assignees=[user("cy")]),
        history(
            notes=[
                note(1, 1, "assigned to @.ada-"),
                note(2, 2, "assigned to @bo_-. and unassigned @.ada-"),
                note(3, 3, "assigned to @bo_.- and unassigned @.ada-"),
                note(4, 4, "assigned to @cy and unassigned @bo_.-"),
            ]
        ),
    )
    assert story(built, "assignee") == [
        (1, "add", ".ada-", "note"),
        (3, "add", "bo_.-", "note"),
        (3, "remove", ".ada-", "note"),
        (4, "add", "cy", "note"),
        (4, "remove", "bo_.-", "note"),
    ]
    unread = built["unread"]
    assert unread[["subject", "text", "rows"]].values.tolist() == [
        ["team/code#7", "assigned to …. and unassigned …", 1]
    ], "no user name ends with a full stop"


def test_notes_in_unknown_words_are_counted_by_kind_and_issue() -> None:
    notes = ["put on shelf 3", "put on shelf 4", "sang to @ada", "mentioned in #3", "closed"]
    records = [history(7, notes=[note(n, n, body) for n, body in enumerate(notes)])]
    records = [issue(7), issue(8), history(8, notes=[note(1, 1, "put on shelf 3")]), *records]
    gone = history(9, notes=[note(1, 1, "of an issue that is not here")])
    unread = made(*records, gone, history(8))["unread"]
    assert unread[["kind", "subject", "issue_id", "field", "text", "rows"]].values.tolist() == [
        ["note", "team/code#7", 7, "notes", "put on shelf …", 2],
        ["note", "team/code#7", 7, "notes", "sang to …", 1],
    ]


def test_notes_are_counted_by_what_became_of_them() -> None:
    counts: dict[str, int] = {}
    notes = ["closed", "mentioned in issue #3", "sang a song", "unassigned @bo", "reopened"]
    records = [
        issue(),
        history(
            state_events=[event(1, 0, state="closed")],
            notes=[note(n, n, body) for n, body in enumerate(notes)],
        ),
    ]
    build([RunRecords(1, EXPORTED, records)], counts=counts)
    assert counts == {
        "events": 1,
        "note_changes": 3,
        "merged": 1,
        "notes_other": 1,
        "notes_unread": 1,
        "inferred": 1,
        "corrected": 0,
    }


# Runs ---------------------------------------------------------------------------------------------


def test_the_newest_run_stands_and_what_failed_keeps_what_it_had() -> None:
    first = [
        issue(7, title="old"),
        history(7, state_events=[event(1, 5, state="closed")]),
        issue(8),
        history(8, notes=[note(1, 5, "assigned to @bo")]),
    ]
    second = [
        issue(7, title="new"),
        history(7, state_events=[event(1, 5, state="closed"), event(2, 6, state="reopened")]),
        {"kind": "failure", "part": "issue team/code#8 notes", "status": 500, "message": "no"},
    ]
    built = build([RunRecords(1, EXPORTED, first), RunRecords(2, EXPORTED, second)])
    assert built["issues"]["title"].tolist() == ["new", "Issue 8"]
    assert [row[2] for row in story(built, "state")] == ["opened", "closed", "opened"]
    assert story(built, "assignee", 8)[0] == (5, "add", "bo", "note")


def test_what_the_newest_list_lacks_is_deleted() -> None:
    group = {"kind": "group", "id": 1, "path": "team"}
    first = [
        issue(7, milestone=milestone(11)),
        issue(8),
        milestone_record(milestone(11)),
        milestone_record(milestone(12)),
        {"kind": "listing", "of": "issues", "project_id": 2, "ids": [7, 8]},
        {"kind": "listing", "of": "milestones", "container": group, "ids": [11, 12]},
    ]
    second = [
        {"kind": "listing", "of": "issues", "project_id": 2, "ids": [7]},
        {"kind": "listing", "of": "milestones", "container": group, "ids": [12]},
    ]
    built = build([RunRecords(1, EXPORTED, first), RunRecords(2, EXPORTED, second)])
    assert built["issues"]["issue_id"].tolist() == [7]
    assert built["issue_events"]["issue_id"].unique().tolist() == [7]
    assert built["milestones"]["milestone_id"].tolist() == [12]
    assert built["milestone_dates"]["milestone_id"].tolist() == [12]
    assert built["issues"]["milestone_id"].isna().all(), "nothing lies in a deleted milestone"
    assert story(built, "milestone") == []


def test_documents_that_the_newest_list_lacks_are_gone() -> None:
    def document(day: str) -> Row:
        name = f"{day}-roadmap.md"
        return {"kind": "document", "name": name, "text": "1. Docs", "source": name}

    def runs(*names: str) -> list[RunRecords]:
        listing = {"kind": "documents", "names": [f"{name}-roadmap.md" for name in names]}
        first = [document("2025-01-01"), document("2025-02-02")]
        return [RunRecords(1, EXPORTED, first), RunRecords(2, EXPORTED, [listing])]

    def days(built: dict[str, pd.DataFrame]) -> list[str]:
        return list(built["revisions"]["revision"].dt.strftime("%Y-%m-%d"))

    assert days(build(runs("2025-01-01", "2025-02-02"))) == ["2025-01-01", "2025-02-02"]
    assert days(build(runs("2025-02-02"))) == ["2025-02-02"]
    assert days(build(runs()[:1])) == ["2025-01-01", "2025-02-02"]


def test_labels_in_notes_are_found_in_the_lists_of_labels() -> None:
    container = {"kind": "project", "id": 2, "path": "team/code"}
    built = made(
        {"kind": "labels", "container": container, "names": {"12": "bug"}},
        issue(labels=["bug"]),
        history(notes=[note(1, 5, "added ~12 label")]),
    )
    assert story(built, "label") == [(5, "add", "bug", "note")]


def test_a_milestone_promoted_to_the_group_stays_the_same_milestone() -> None:
    old, new = milestone(11, "v1", group=False), milestone(21, "v1")
    project = {"kind": "project", "id": 2, "path": "team/code"}
    first = [
        issue(7, milestone=old),
        history(7, milestone_events=[event(1, 5, action="add", milestone=old)]),
        milestone_record(old),
        {"kind": "listing", "of": "milestones", "container": project, "ids": [11]},
    ]
    second = [
        milestone_record(new),
        {"kind": "listing", "of": "milestones", "container": project, "ids": []},
    ]
    built = build([RunRecords(1, EXPORTED, first), RunRecords(2, EXPORTED, second)])
    assert built["issues"]["milestone_id"].tolist() == [21]
    assert built["issue_events"]["milestone_id"].dropna().tolist() == [21]
    assert not built["issue_events"]["correction"].any()


def test_milestone_dates_are_kept_where_they_changed() -> None:
    def seen(due: str | None, **fields: Any) -> list[Row]:
        return [milestone_record(milestone(11, due_date=due, **fields))]

    dues = ["2024-03-01", "2024-03-01", "2024-04-01", None, None]
    runs = [RunRecords(n, f"2025-01-0{n}T00:00:00Z", seen(due)) for n, due in enumerate(dues, 1)]
    runs.append(RunRecords(6, "2025-01-06T00:00:00Z", seen(None, title="Renamed", state="closed")))
    dates = build(runs)["milestone_dates"]
    assert dates["observed_at"].dt.day.tolist() == [1, 3, 4, 6]
    assert dates["due_date"].dt.strftime("%m-%d").tolist()[:2] == ["03-01", "04-01"]
    assert dates["due_date"].isna().tolist() == [False, False, True, True]
    assert dates["title"].tolist() == ["M11"] * 3 + ["Renamed"]


def test_milestone_dates_keep_the_last_change_of_the_first_sight() -> None:
    """The second run sees a later change of nothing that is kept; the third sees it closed."""
    changes = [("active", "2025-01-01T07:00:00Z"), ("active", "2025-01-01T23:00:00Z"),
               ("closed", "2025-01-02T09:00:00Z"), ("closed", "2025-01-03T12:00:00Z")]  # fmt: skip
    runs = [
        RunRecords(
            n,
            f"2025-01-0{n}T00:00:00Z",
            [milestone_record(milestone(11, state=state, updated_at=at))],
        )
        for n, (state, at) in enumerate(changes, 1)
    ]
    dates = build(runs)["milestone_dates"]
    assert dates["observed_at"].dt.day.tolist() == [1, 3]
    assert dates["updated_at"].dt.strftime("%d %H").tolist() == ["01 07", "02 09"]


def test_milestone_dates_end_with_todays_after_a_clock_was_set_back() -> None:
    """The third run is the earliest by a clock that was set back; the fourth sees the same."""
    seen = {2: "2024-03-01", 3: "2024-04-01", 1: "2024-05-01", 4: "2024-05-01"}
    runs = [
        RunRecords(n, f"2025-01-0{day}T00:00:00Z", [milestone_record(milestone(11, due_date=due))])
        for n, (day, due) in enumerate(seen.items(), 1)
    ]
    dates = build(runs)["milestone_dates"]
    assert dates["observed_at"].dt.day.tolist() == [1, 2, 3, 4]
    assert dates["due_date"].dt.strftime("%m").tolist() == ["05", "03", "04", "05"]
    again = RunRecords(5, "2025-01-02T00:00:00Z", runs[1].records)  # the very second of another
    assert build([*runs, again])["milestone_dates"]["observed_at"].is_unique


def test_milestones_that_only_issues_show_are_there_with_their_path() -> None:
    built = made(issue(7, milestone=milestone(11, "DRAFT: next")))
    row = built["milestones"].iloc[0]
    assert (row["kind"], row["path"], row["draft"]) == ("group", "team", True)
    other = made(
        issue(7, milestone=milestone(11, "Later: next")), milestones={"draft_prefix": "Later: "}
    )
    assert other["milestones"]["draft"].tolist() == [True]


def test_two_pages_of_one_run_may_differ() -> None:
    older, newer = issue(7, title="old"), issue(7, title="new", updated_at=at(501))
    for records in ([older, newer], [newer, older]):
        assert made(*records)["issues"]["title"].tolist() == ["new"]
    early, late = issue(7, labels=["a"]), issue(7, labels=["b"])
    assert made(early, late)["issue_labels"]["label"].tolist() == ["b"], "of one minute the later"


def test_an_issue_that_is_edited_during_a_run_costs_no_other_its_events() -> None:
    def closed(ident: int, number: int) -> Row:
        return history(ident, state_events=[event(number, 5, state="closed")])

    longer = history(
        3,
        state_events=[event(31, 5, state="closed"), event(32, 6, state="reopened")],
        notes=[note(33, 7, "added 1h of time spent")],
    )
    rows = [issue(1, state="closed"), issue(2, state="closed"), issue(3)]
    built = made(*rows, closed(3, 31), closed(1, 11), closed(2, 21), longer)
    assert story(built, "state", 1)[1] == (5, "set", "closed", "event")
    assert story(built, "state", 2)[1] == (5, "set", "closed", "event")
    assert [row[0] for row in story(built, "state", 3)] == [0, 5, 6]
    assert story(built, "time_spent", 3)[0] == (7, "add", 1, "note"), "no hour counts twice"


def test_an_event_that_went_with_its_milestone_during_a_run_is_gone() -> None:
    before = history(7, milestone_events=[event(1, 5, action="add", milestone=milestone(11))])
    assert story(made(issue(), before, history(7)), "milestone") == []


def test_no_records_make_empty_frames() -> None:
    built = made()
    assert list(built) == list(schema.FRAMES)
    assert all(frame.empty for frame in built.values())


# Random worlds ------------------------------------------------------------------------------------

NAMES = ["ada", "bo", "cy"]
LABELS = ["bug", "doc"]
MILESTONES = [milestone(11), milestone(12), milestone(13, group=False)]
BODIES = [
    "assigned to @ada",
    "assigned to @bo and unassigned @ada",
    "unassigned @bo and @cy",
    "removed assignee",
    "Reassigned to @cy",
    "changed due date to April 03, 2024",
    "removed due date April 03, 2024",
    "changed start date to May 01, 2024 and removed due date",
    "changed time estimate to 3h",
    "removed time estimate of 2h",
    "added 1h of time spent",
    "subtracted 20m of time spent",
    "removed time spent",
    "closed",
    "reopened",
    "changed milestone to %13",
    'changed milestone to %"M11"',
    "changed milestone to %77",
    "removed milestone",
    f"added ~{label('bug')['id']} ~55 labels",
    'removed ~"doc" label',
    "changed weight to **2**",
    "removed the weight",
    "mentioned in issue #2",
    "something quite new",
]
minutes = st.integers(-20, 600) | st.sampled_from([0, 1, 1.02, 1.05])


@st.composite
def worlds(draw: st.DrawFn) -> list[Row]:
    records = [milestone_record(m) for m in MILESTONES]
    for ident in range(1, draw(st.integers(1, 3)) + 1):
        state = draw(st.sampled_from(["opened", "closed"]))
        day = st.none() | st.sampled_from(["2024-04-03", "2024-05-01"])
        records.append(
            issue(
                ident,
                state=state,
                closed_at=at(draw(minutes)) if state == "closed" else None,
                updated_at=at(draw(minutes)),
                milestone=draw(st.none() | st.sampled_from(MILESTONES)),
                assignees=[user(n) for n in draw(st.lists(st.sampled_from(NAMES), unique=True))],
                labels=draw(st.lists(st.sampled_from(LABELS), unique=True)),
                weight=draw(st.none() | st.integers(0, 3)),
                due_date=draw(day),
                start_date=draw(day),
                time_stats={
                    "time_estimate": draw(st.sampled_from([0, 3600, 10800])),
                    "total_time_spent": draw(st.sampled_from([0, 2400, 3600])),
                },
            )
        )
        few = {"max_size": 4}
        action = st.sampled_from(["add", "remove"])
        lists: dict[str, list[Row]] = {
            "state_events": [
                event(n, when, state=to)
                for n, (when, to) in enumerate(
                    draw(
                        st.lists(st.tuples(minutes, st.sampled_from(["closed", "reopened"])), **few)
                    )
                )
            ],
            "milestone_events": [
                event(n, when, action=how, milestone=m)
                for n, (when, how, m) in enumerate(
                    draw(st.lists(st.tuples(minutes, action, st.sampled_from(MILESTONES)), **few))
                )
            ],
            "label_events": [
                event(n, when, action=how, label=name and label(name))
                for n, (when, how, name) in enumerate(
                    draw(
                        st.lists(
                            st.tuples(minutes, action, st.none() | st.sampled_from(LABELS)), **few
                        )
                    )
                )
            ],
            "weight_events": [
                event(n, when, weight=weight)
                for n, (when, weight) in enumerate(
                    draw(st.lists(st.tuples(minutes, st.none() | st.integers(0, 3)), **few))
                )
            ],
            "notes": [
                note(n, when, body)
                for n, (when, body) in enumerate(
                    draw(st.lists(st.tuples(minutes, st.sampled_from(BODIES)), max_size=8))
                )
            ],
        }
        records.append(history(ident, **lists))
    return records


def replay(events: pd.DataFrame) -> dict[int, dict[str, Any]]:
    """Replay row by row, as the schema says; shares no code with the package."""
    fields: dict[int, dict[str, Any]] = defaultdict(
        lambda: {"assignee": set(), "label": set(), "time_spent": 0.0}
    )
    for row in events.sort_values(["issue_id", "seq"]).itertuples():
        held = fields[row.issue_id]
        if row.field in ("assignee", "label"):
            if isinstance(row.value, str):
                (held[row.field].add if row.action == "add" else held[row.field].discard)(row.value)
        elif row.field == "time_spent":
            held["time_spent"] = row.number + (held["time_spent"] if row.action == "add" else 0)
        elif row.field == "milestone":
            held["milestone"] = row.milestone_id if row.action == "add" else pd.NA
        else:
            held[row.field] = row.value if isinstance(row.value, str) else row.number
    return fields


def today(built: dict[str, pd.DataFrame]) -> dict[int, dict[str, Any]]:
    people = built["assignments"].groupby("issue_id")["person"].agg(set).to_dict()
    labels = built["issue_labels"].groupby("issue_id")["label"].agg(set).to_dict()
    return {
        row.issue_id: {
            "state": row.state,
            "milestone": row.milestone_id,
            "assignee": people.get(row.issue_id, set()),
            "label": labels.get(row.issue_id, set()),
            "weight": row.weight,
            "due_date": row.due_date,
            "start_date": row.start_date,
            "time_estimate": row.time_estimate_hours,
            "time_spent": row.time_spent_hours,
        }
        for row in built["issues"].itertuples()
    }


def plain(field: str, value: Any) -> Any:
    if isinstance(value, set):
        return value
    if pd.isna(value):
        return 0 if field == "time_estimate" else None
    if field.endswith("_date"):
        return str(value)[:10]
    return round(float(value), 6) if field != "state" else value


@given(worlds())
@examples(6)
def test_every_frame_fits_its_schema(records: list[Row]) -> None:
    for name, frame in made(*records).items():
        schema.validate(name, frame)


@given(worlds())
def test_replay_ends_at_todays_fields(records: list[Row]) -> None:
    built = made(*records)
    fields = replay(built["issue_events"])
    for ident, wanted in today(built).items():
        found = {name: plain(name, fields[ident].get(name)) for name in wanted}
        assert found == {name: plain(name, value) for name, value in wanted.items()}
    events = built["issue_events"]
    assert events.groupby("issue_id")["at"].is_monotonic_increasing.all()
    assert (events.groupby("issue_id").cumcount() == events["seq"]).all()
    first = events[events["seq"] == 0]
    assert set(first["source"]) <= {"creation"}


def served(records: Iterable[Row]) -> tuple[Counter[Any], Counter[Any]]:
    """(issue, time, field) of each event served, and the most rows that each note may give."""
    events: Counter[Any] = Counter()
    notes: Counter[Any] = Counter()
    for record in records:
        if record["kind"] != "history":
            continue
        ident = record["issue_id"]
        for name, rows in record["data"].items():
            for row in rows:
                when = pd.Timestamp(row["created_at"])
                if name != "notes":
                    events[ident, when, name.removesuffix("_events")] += 1
                for change in parse(row["body"]) if name == "notes" else []:
                    everyone = change.field == "assignee" and (
                        change.value is None or change.action == "set"
                    )
                    notes[ident, when, change.field] += len(NAMES) if everyone else 1
    return events, notes


@given(worlds())
def test_every_event_is_recovered_and_none_is_invented(records: list[Row]) -> None:
    frame = made(*records)["issue_events"]
    rows = zip(frame["issue_id"], frame["at"], frame["field"], frame["source"], strict=True)
    found = Counter((row[3], row[:3]) for row in rows)
    events, notes = served(records)
    recovered = {key: n for (source, key), n in found.items() if source == "event"}
    assert recovered == dict(events)
    told = Counter({key: n for (source, key), n in found.items() if source == "note"})
    assert not told - notes
    assert sum(n for (source, _), n in found.items() if source == "creation") == len(
        [record for record in records if record["kind"] == "issue"]
    )


@given(worlds(), st.lists(worlds(), max_size=3), st.randoms(use_true_random=False))
@examples(12)
def test_repeated_histories_give_what_the_newest_alone_gives(
    last: list[Row], earlier: list[list[Row]], chance: random.Random
) -> None:
    """One run holds several histories of some issues, those of other issues between them."""
    repeated: list[Row] = []
    for world in earlier:
        histories = [record for record in world if record["kind"] == "history"]
        repeated += histories * chance.randrange(1, 3)
    chance.shuffle(repeated)
    newest = {row["issue_id"]: row for row in [*repeated, *last] if row["kind"] == "history"}
    others = [record for record in last if record["kind"] != "history"]
    # Names that an older history tells stay known; so let every one be known in both.
    others += [
        issue(99, author=user("bo"), assignees=[user(name) for name in NAMES]),
        history(99, label_events=[event(n, 1, action="add", label=label(name))
                                  for n, name in enumerate(LABELS)]),
    ]  # fmt: skip
    of_last = [record for record in last if record["kind"] == "history"]
    chance.shuffle(of_last)
    expected = made(*others, *newest.values())
    for name, frame in made(*others, *repeated, *of_last).items():
        pd.testing.assert_frame_equal(frame, expected[name])


@given(worlds(), worlds(), st.randoms(use_true_random=False))
@examples(12)
def test_order_never_matters(first: list[Row], second: list[Row], chance: random.Random) -> None:
    runs = [
        RunRecords(1, "2025-01-01T00:00:00Z", first),
        RunRecords(2, "2025-01-02T00:00:00Z", second),
    ]
    expected = build(runs)
    shuffled = []
    for run in reversed(runs):
        records = [
            record | {"data": {k: shuffle(v, chance) for k, v in record["data"].items()}}
            for record in run.records
        ]
        shuffled.append(run._replace(records=shuffle(records, chance)))
    found = build(shuffled)
    for name, frame in expected.items():
        pd.testing.assert_frame_equal(found[name], frame)


@given(worlds(), worlds(), st.integers(1, 4))
@examples(6)
def test_any_cut_of_the_issues_gives_the_same_frames(
    first: list[Row], second: list[Row], size: int
) -> None:
    runs = [
        RunRecords(1, "2025-01-01T00:00:00Z", first),
        RunRecords(2, "2025-01-02T00:00:00Z", second),
    ]
    counted: dict[str, int] = {}
    expected = build(runs, counts=counted)
    again: dict[str, int] = {}
    with mock.patch.object(extract, "PART", size):
        parts = list(frames.build_parts(runs, counts=again))
    assert all(len(part["issues"]) <= size for part in parts[:-1])
    assert len(parts) - 1 == max(math.ceil(len(expected["issues"]) / size), 1)
    assert again == counted
    for name, frame in frames.whole(parts).items():
        pd.testing.assert_frame_equal(frame, expected[name])


def shuffle(value: Any, chance: random.Random) -> Any:
    return chance.sample(value, len(value)) if isinstance(value, list) else value


# The dataset --------------------------------------------------------------------------------------


def stored(to: Path, *records: Row, simulated: bool = False) -> Path:
    run = store.open_run(
        to, origin="https://git.example.org", asked={"urls": []}, started_at=EXPORTED
    )
    for record in records:
        run.write(record)
    tables = frames.build_tables(run.records())
    run.commit(tables, ended_at="2025-01-01T00:05:00Z", config={"labels": {}}, simulated=simulated)
    return to


WORLD = [
    milestone_record(milestone(11)),
    issue(7, updated_at=at(100), milestone=milestone(11), assignees=[user("bo")], labels=["a"]),
    history(7, notes=[note(1, 5, "assigned to @bo")]),
    issue(8, updated_at=at(9000), title="<b>"),
]


def test_a_stored_dataset_loads_as_it_was_built(tmp_path: Path) -> None:
    dataset = frames.load(stored(tmp_path / "data", *WORLD, simulated=True))
    for name, frame in made(*WORLD).items():
        pd.testing.assert_frame_equal(dataset[name], frame)
        assert getattr(dataset, name) is dataset[name] is dataset.frames[name]
    assert dataset.simulated
    assert dataset.exported_at == pd.Timestamp("2025-01-01T00:05:00Z")
    assert dataset.config == {"labels": {}}


def test_only_some_frames(tmp_path: Path) -> None:
    dataset = frames.load(stored(tmp_path / "data", *WORLD), frames=["issues"])
    assert list(dataset.frames) == ["issues"]
    with pytest.raises(UnknownNameError, match="milestones: it was not loaded"):
        dataset["milestones"]
    with pytest.raises(AttributeError, match="not loaded"):
        _ = dataset.milestones
    with pytest.raises(UnknownNameError, match="'isues': expected one of issues"):
        frames.load(tmp_path / "data", frames=["isues"])


def test_a_damaged_record_is_found_where_records_are_verified(tmp_path: Path) -> None:
    path = stored(tmp_path / "data", *WORLD)
    file = next((path / "records").rglob("issue-*.zst"))
    file.write_bytes(file.read_bytes()[:-1])
    assert len(frames.load(path).issues) == len(made(*WORLD)["issues"])
    with pytest.raises(DatasetError, match=f"{file.name}: damaged"):
        frames.load(path, verify_records=True)


def by_another_version(path: Path) -> Path:
    """The same dataset with tables of another version, which cannot be read any more."""
    file = path / "manifest.json"
    manifest = json.loads(file.read_text())
    del manifest["checksum"]
    for name, entry in manifest["tables"]["frames"].items():
        table = path / entry["file"]
        pd.DataFrame({f"old_{name}": ["?"]}).to_parquet(table)
        entry |= {"rows": 1, "sha256": hashlib.sha256(table.read_bytes()).hexdigest()}
    manifest["library_version"] = "0.0.1"
    body = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    file.write_text(json.dumps({**manifest, "checksum": hashlib.sha256(body).hexdigest()}))
    return path


def test_tables_of_another_version_are_rebuilt_from_the_records(tmp_path: Path) -> None:
    path = by_another_version(stored(tmp_path / "data", *WORLD, simulated=True))
    dataset = frames.load(path)
    for name, frame in made(*WORLD).items():
        pd.testing.assert_frame_equal(dataset[name], frame)
    some = frames.load(path, frames=["issues", "issue_events"])
    assert list(some.frames) == ["issues", "issue_events"]
    pd.testing.assert_frame_equal(some.issues, dataset.issues)


def test_a_copy_of_another_versions_dataset_is_ours(tmp_path: Path) -> None:
    dataset = frames.load(by_another_version(stored(tmp_path / "data", *WORLD)))
    dataset.save(tmp_path / "copy")
    pd.testing.assert_frame_equal(frames.load(tmp_path / "copy").issues, dataset.issues)


def test_a_dataset_shows_what_it_is(tmp_path: Path) -> None:
    dataset = frames.load(stored(tmp_path / "data", *WORLD, simulated=True))
    text = repr(dataset)
    assert "https://git.example.org" in text
    assert "simulated" in text
    assert "2024-01-01 to 2024-01-01" in text
    assert "2 rows" in text
    made_up = Dataset({}, {"origin": "<script>"})
    assert "<script>" not in made_up._repr_html_()
    assert "&lt;script&gt;" in made_up._repr_html_()


def test_a_dataset_by_hand() -> None:
    dataset = Dataset({})
    assert dataset.issues.empty
    assert pd.isna(dataset.exported_at)
    assert "issues" in dir(dataset)
    with pytest.raises(UnknownNameError, match="'isues'"):
        Dataset({"isues": pd.DataFrame()})
    with pytest.raises(AttributeError):
        _ = dataset.isues
