"""Odd values and rows: the value is missing, the row is named, and nothing else is lost."""

from __future__ import annotations

import shutil
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import roadmap_analytics as ra
from roadmap_analytics import schema
from roadmap_analytics.analysis.quality import check
from roadmap_analytics.frames import Dataset, RunRecords, build
from tests.examples import examples, left_to_soak
from tests.exporting import command, export
from tests.gitlab_server import LoopbackGitLab
from tests.gitlab_server.hand_world import hand_world
from tests.test_frames import (
    event,
    history,
    issue,
    label,
    made,
    milestone,
    milestone_record,
    note,
    user,
)

records_alone = pytest.mark.usefixtures("records_alone")
Row = dict[str, Any]
PLAN = milestone(11, "Plan", due_date="2024-05-01")


def world() -> list[Row]:
    """Two issues with every kind of history; the first is spoilt, the second is its neighbour."""

    def about(ident: int) -> list[Row]:
        n = 100 * ident
        return [
            history(
                ident,
                state_events=[event(n, 5, state="closed"), event(n + 1, 6, state="reopened")],
                milestone_events=[event(n + 2, 1, action="add", milestone=PLAN)],
                label_events=[event(n + 3, 2, action="add", label=label("bug"))],
                weight_events=[event(n + 4, 3, weight=2)],
                notes=[note(n + 5, 4, "assigned to @bo"), note(n + 6, 7, "added 1h of time spent")],
            ),
            issue(
                ident,
                milestone=PLAN,
                labels=["bug"],
                assignees=[user("bo")],
                weight=2,
                due_date="2024-04-01",
                time_stats={"time_estimate": 3600, "total_time_spent": 3600},
            ),
        ]

    return [milestone_record(PLAN), *about(1), *about(2)]


@cache
def unspoilt() -> dict[str, pd.DataFrame]:
    return made(*world())


def spoilt(**fields: Any) -> dict[str, pd.DataFrame]:
    records = world()
    records[2]["data"] |= fields
    return made(*records)


@pytest.mark.parametrize(
    ("field", "value", "column"),
    [
        ("due_date", "20245-01-01", "due_date"),
        ("due_date", "2024-02-30", "due_date"),
        ("due_date", 20240101, "due_date"),
        ("start_date", "0000-00-00", "start_date"),
        ("closed_at", "2024-01-01T08:00:00", "closed_at"),
        ("closed_at", "20245-01-01T08:00:00Z", "closed_at"),
        ("weight", -3, "weight"),
        ("weight", "heavy", "weight"),
        ("weight", 2**70, "weight"),
        ("moved_to_id", "12", "moved_to_id"),
        ("milestone", [1], "milestone_id"),
        ("milestone", {"id": "11"}, "milestone_id"),
        ("author", "ada", "author"),
    ],
)
def test_an_odd_value_is_missing_and_named(field: str, value: Any, column: str) -> None:
    built = spoilt(**{field: value})
    rows = built["issues"].set_index("issue_id")
    assert pd.isna(rows.loc[1, column])
    unread = built["unread"]
    assert unread[["kind", "subject", "field"]].values.tolist() == [["value", "team/code#1", field]]
    found = check(Dataset(built))
    assert "odd values, which count as missing" in str(found)
    assert "team/code#1" in str(found)


@pytest.mark.parametrize(
    ("times", "column"),
    [
        ({"time_estimate": -1, "total_time_spent": 3600}, "time_estimate_hours"),
        ({"time_estimate": 3600, "total_time_spent": -60}, "time_spent_hours"),
        ([], "time_spent_hours"),
        ("1h", "time_spent_hours"),
    ],
)
def test_odd_times_count_nothing(times: Any, column: str) -> None:
    built = spoilt(time_stats=times)
    assert built["issues"].set_index("issue_id").loc[1, column] == 0
    assert len(built["unread"]) == 1


@pytest.mark.parametrize("assignees", [[None], [user("bo"), None], [[user("bo")]], "bo", [5]])
def test_odd_members_are_left_out_of_their_list(assignees: Any) -> None:
    built = spoilt(assignees=assignees)
    held = built["assignments"]
    expected = ["bo"] if assignees == [user("bo"), None] else []
    assert held.loc[held["issue_id"] == 1, "person"].tolist() == expected
    assert built["unread"]["field"].tolist() == ["assignees"]


@pytest.mark.parametrize("field", ["id", "iid", "project_id", "created_at", "state"])
@pytest.mark.parametrize("value", [None, "12", [], {}, 2**64, -1, True])
def test_an_odd_row_is_left_out_and_named(field: str, value: Any) -> None:
    built = spoilt(**{field: value})
    assert built["issues"]["issue_id"].tolist() == [2]
    assert built["unread"]["kind"].tolist() == ["row"]
    if value is None:  # of each field once: `check` sees the row above, not the value
        assert not check(Dataset(built)).ok, "work may be missing"


def test_an_odd_event_costs_no_other() -> None:
    records = world()
    records[1]["data"]["state_events"][0]["created_at"] = None
    records[1]["data"]["notes"].append("no note")
    built = made(*records)
    events = built["issue_events"]
    one, two = (events[events["issue_id"] == ident] for ident in (1, 2))
    assert (two["source"] == "event").sum() - (one["source"] == "event").sum() == 1
    assert (two["source"] == "note").sum() == (one["source"] == "note").sum()
    assert built["unread"][["kind", "field"]].values.tolist() == [
        ["row", "notes"],
        ["row", "state_events"],
    ]


def test_what_a_later_run_sends_rightly_is_odd_no_more() -> None:
    odd, sound = world(), world()
    odd[2]["data"]["due_date"] = "20245-01-01"
    odd[1]["data"]["notes"][0]["created_at"] = "never"
    runs = [
        RunRecords(1, "2025-01-01T00:00:00Z", odd),
        RunRecords(2, "2025-01-02T00:00:00Z", sound),
    ]
    assert len(build(runs[:1])["unread"]) == 2
    assert build(runs)["unread"].empty


# -- mutated at random ----------------------------------------------------------------------------

ODD = st.sampled_from(
    [
        *(None, True, -1, 0, 2**63, 2**70, 1.5, "", "x", "20245-01-01", "2024-02-30", "0001-01-01"),
        *("2024-01-01T00:00:00", "0001-01-01T00:00:00+14:00", [], [None], [[1]], {}, {"id": "7"}),
    ]
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in nested rows."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    found = []
    for key, inner in pairs:
        found.append((*at, key))
        if isinstance(inner, dict | list):
            found += places(inner, (*at, key))
    return found


SPOILT = [
    (number, place) for number in (0, 1, 2) for place in places(world()[number]["data"], ("data",))
]


def events_of_the_neighbour(events: pd.DataFrame) -> pd.DataFrame:
    """Its history but for the milestone, which may be what is spoilt."""
    mine = events[(events["issue_id"] == 2) & (events["field"] != "milestone")]
    return mine.drop(columns="seq").reset_index(drop=True)


@given(st.lists(st.tuples(st.sampled_from(SPOILT), ODD), min_size=1, max_size=4))
@examples(12)
def test_rows_mutated_at_random_cost_no_neighbour(changes: list[Any]) -> None:
    records = world()
    for (number, place), value in changes:
        at: Any = records[number]
        for key in place[:-1]:
            at = at[key] if isinstance(at, dict) and key in at else None
            if not isinstance(at, dict | list):
                break
        if isinstance(at, dict):
            at[place[-1]] = deepcopy(value)
        elif isinstance(at, list) and at:
            at[0] = deepcopy(value)
    built = made(*records)
    for name, frame in built.items():
        schema.validate(name, frame)
    expected = unspoilt()
    for name in ("issues", "assignments", "issue_labels"):
        mine, theirs = (f[name][f[name]["issue_id"] == 2] for f in (built, expected))
        columns = [c for c in mine.columns if c != "milestone_id"]
        pd.testing.assert_frame_equal(
            mine[columns].reset_index(drop=True), theirs[columns].reset_index(drop=True)
        )
    mine, theirs = (events_of_the_neighbour(f["issue_events"]) for f in (built, expected))
    pd.testing.assert_frame_equal(mine, theirs)
    assert str(check(Dataset(built)))


# -- from the server to the report ----------------------------------------------------------------

loaded = cache(ra.load)
LISTED = r"(groups/\w+|projects/\d+)/issues\?"


@records_alone
def test_an_odd_value_on_the_server_is_missing_until_it_is_fixed(
    hand_gitlab: LoopbackGitLab, hand_exports: Path, tmp_path: Path
) -> None:
    to = tmp_path / "data"
    odd = {"due_date": "20245-01-01", "assignees": [None], "time_stats": {"time_estimate": -1}}
    hand_gitlab.inject(
        {"kind": "odd", "match": LISTED, "issues": [1001], "body": odd, "times": None}
    )
    outcome = export(hand_gitlab, to, "orchard", "upkeep")
    assert outcome.code == 0, outcome.err
    told = command("check", str(to)).out
    assert "odd values, which count as missing" in told
    assert "due_date" in told
    hand_gitlab.inject()
    assert export(hand_gitlab, to, "orchard", "upkeep").code == 0
    found, expected = ra.load(to), loaded(hand_exports / "rest")
    for name in expected.frames:
        pd.testing.assert_frame_equal(found[name], expected[name])


def first_event(kind: str) -> int:
    """The id of an event of the hand-made world."""
    histories = [row["data"] for row in hand_world() if row["kind"] == "history"]
    return int(next(rows[kind][0]["id"] for rows in histories if rows[kind]))


def exported_before_an_odd_row(
    gitlab: LoopbackGitLab, exports: Path, to: Path, match: str, ident: int, body: Row
) -> ra.Dataset:
    """Give the dataset of an export after which the server sends one row with odd values."""
    shutil.copytree(exports / "rest", to)
    fault = {"kind": "odd", "match": match, "issues": [ident], "body": body, "times": None}
    gitlab.inject(fault)
    return loaded(exports / "rest")


def failures(dataset: ra.Dataset) -> list[Row]:
    """What the last run could not export, which `check` says and takes for a fault."""
    return list(dataset.manifest["runs"][-1].get("failures", []))


@records_alone
@pytest.mark.parametrize(
    ("match", "ident", "body", "part"),
    [
        (LISTED, 1001, {"created_at": "(missing)"}, "issue orchard/press/juice#1"),
        (LISTED, 1001, {"id": "1001"}, "an issue of project orchard/press/juice"),
        *left_to_soak((LISTED, 1001, {"iid": [1]}, "an issue of project orchard/press/juice")),
        (LISTED, 1001, {"project_id": None}, "an issue"),
        ("milestones", 501, {"title": None}, "milestone 501"),
        (
            "resource_state_events",
            first_event("state_events"),
            {"created_at": None},
            "state_events",
        ),
        ("notes", first_event("notes"), {"body": ["closed"]}, "notes"),
    ],
)
def test_an_odd_row_on_the_server_is_a_named_failure_and_costs_nothing(
    hand_gitlab: LoopbackGitLab,
    hand_exports: Path,
    tmp_path: Path,
    match: str,
    ident: int,
    body: Row,
    part: str,
) -> None:
    to, options = tmp_path / "data", ("--via", "rest")
    before = exported_before_an_odd_row(hand_gitlab, hand_exports, to, match, ident, body)
    outcome = export(hand_gitlab, to, "orchard", "upkeep", options=(*options, "--full"))
    assert outcome.code == 4, outcome.err
    assert part in outcome.err
    during = ra.load(to)
    assert [one["part"] for one in failures(during) if part in one["part"]]
    for name in ("issues", "milestones", "assignments"):
        pd.testing.assert_frame_equal(during[name], before[name], obj=name)
    hand_gitlab.inject()
    assert export(hand_gitlab, to, "orchard", "upkeep", options=options).code == 0
    after = ra.load(to)
    for name in before.frames:
        pd.testing.assert_frame_equal(after[name], before[name], obj=name)
    assert failures(after) == []


@records_alone
@pytest.mark.parametrize(
    ("match", "ident", "body", "part"),
    [
        ("/projects\\?", 100, {"id": "100"}, "project orchard/press/juice"),
        ("/projects\\?", 100, {"path_with_namespace": "(missing)"}, "a project of group orchard"),
        ("descendant_groups", 11, {"id": 2**63}, "group orchard/press"),
        ("descendant_groups", 11, {"full_path": ["x"]}, "a group of group orchard"),
        *left_to_soak(
            ("/projects\\?", 100, {"id": None}, "project orchard/press/juice"),
            ("/projects\\?", 100, {"path_with_namespace": 5}, "a project of group orchard"),
        ),
    ],
)
def test_an_odd_project_or_group_costs_only_itself(
    hand_gitlab: LoopbackGitLab,
    hand_exports: Path,
    tmp_path: Path,
    match: str,
    ident: int,
    body: Row,
    part: str,
) -> None:
    to, first = tmp_path / "data", tmp_path / "first"
    before = exported_before_an_odd_row(hand_gitlab, hand_exports, to, match, ident, body)
    for _ in range(2):
        outcome = export(hand_gitlab, to, "orchard", "upkeep", options=("--full",))
        assert outcome.code == 4, outcome.err
        assert f"{part}: 200: " in outcome.err
        during = ra.load(to)
        for name in before.frames:
            pd.testing.assert_frame_equal(during[name], before[name], obj=name)
    outcome = export(hand_gitlab, first, "orchard", "upkeep")
    assert outcome.code == 4, outcome.err
    rows = before.issues
    if ident == 100:  # a first run has all but what is odd
        rows = rows[rows["project_id"] != ident]
    assert ra.load(first).issues["issue_id"].tolist() == rows["issue_id"].tolist()
    hand_gitlab.inject()
    for folder in (to, first):
        assert export(hand_gitlab, folder, "orchard", "upkeep").code == 0
        after = ra.load(folder)
        for name in before.frames.keys() - {"milestone_dates"}:
            pd.testing.assert_frame_equal(after[name], before[name], obj=name)


@records_alone
@pytest.mark.parametrize("body", [{"id": "10"}, {"full_path": 3}, {"id": None}])
def test_an_odd_answer_about_what_was_asked_for_costs_no_other_address(
    hand_gitlab: LoopbackGitLab, hand_exports: Path, tmp_path: Path, body: Row
) -> None:
    to = tmp_path / "data"
    shutil.copytree(hand_exports / "rest", to)
    before = loaded(hand_exports / "rest")
    hand_gitlab.inject(
        {"kind": "odd", "match": "groups/orchard$", "issues": [10], "body": body, "times": None}
    )
    outcome = export(hand_gitlab, to, "orchard", "upkeep")
    assert outcome.code == 4, outcome.err
    assert "/orchard: 200: " in outcome.err
    assert "a row that is odd: " in outcome.err
    during = ra.load(to)
    for name in before.frames:
        pd.testing.assert_frame_equal(during[name], before[name], obj=name)
