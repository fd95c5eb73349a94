"""What `check` finds: each kind of fault and warning in a world that has it, and only there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadmap_analytics import schema
from roadmap_analytics.analysis import quality
from roadmap_analytics.analysis.quality import COLUMNS, KINDS, Check, check
from roadmap_analytics.frames import Dataset, RunRecords, build
from tests.eight_issues import EXPORTED_AT, HARVEST, WINTER, World, eight_issues
from tests.examples import examples
from tests.gitlab_server import adapters


def of_kind(found: Check, kind: str) -> pd.DataFrame:
    assert kind in KINDS
    return found.findings[found.findings["kind"] == kind]


def subjects(found: Check, kind: str) -> list[str]:
    return of_kind(found, kind)["subject"].tolist()


def corrected(world: World, field: str, **row: Any) -> Dataset:
    """A history that ended elsewhere: its last row is a correction at the issue's update."""
    before = len(world.events)
    world._add(row.pop("issue_id"), row.pop("at"), field, row.pop("action"), **row)
    world.events[before] |= {"source": "inferred", "correction": True}
    return world.dataset()


def test_eight_issues_are_whole_and_a_planner_is_told_what_is_missing() -> None:
    found = check(eight_issues().dataset())
    assert found.ok
    assert found.whole == 8
    assert found.fields["exact"].tolist() == [8] * 9
    assert found.fields["inferred"].tolist() == [0] * 9
    kinds = found.findings[["severity", "kind", "subject", "field"]].fillna("").to_numpy().tolist()
    someday = "https://git.example.org/orchard/press/-/milestones/30"
    assert kinds == [
        ["warning", "milestone_without_date", someday, "due_date"],
        ["warning", "milestone_without_date", someday, "start_date"],
        ["warning", "no_weight", "orchard/press#5", ""],
        ["warning", "no_estimate", "orchard/press#5", ""],
        ["warning", "no_estimate", "orchard/press#6", ""],
    ]
    assert found.findings.dtypes.astype("str").to_dict() == COLUMNS


@pytest.mark.parametrize(
    "field", ["state", "weight", "milestone_id", "due_date", "time_spent_hours"]
)
def test_a_field_that_the_stored_events_do_not_give_is_a_fault(field: str) -> None:
    dataset = eight_issues().dataset()
    issues = dataset.issues.copy()
    issues.loc[2, field] = {
        "state": "closed",
        "weight": 99,
        "milestone_id": HARVEST,
        "due_date": pd.Timestamp("2026-01-01"),
        "time_spent_hours": 7.25,
    }[field]
    found = check(dataset.with_frames(issues=issues))
    assert not found.ok
    rows = of_kind(found, "replay_differs")
    assert rows["subject"].tolist() == ["orchard/press#3"]
    assert found.whole == 7


def test_missing_members_are_a_fault() -> None:
    dataset = eight_issues().dataset()
    found = check(dataset.with_frames(assignments=dataset.assignments.iloc[:1]))
    rows = of_kind(found, "replay_differs")
    assert rows[["field", "expected", "got"]].to_numpy().tolist() == [["assignee", "none", "bo"]]


members = st.sets(st.tuples(st.integers(1, 9), st.sampled_from(["ada", "bo", "cy"])), max_size=8)


@examples(8)
@given(members, st.randoms(use_true_random=False))
def test_every_member_that_differs_is_found_in_whatever_order_rows_stand(
    today: set[tuple[int, str]], chance: Any
) -> None:
    dataset = eight_issues().dataset()
    then = set(dataset.assignments.itertuples(index=False, name=None))
    rows = [{"issue_id": issue, "person": person} for issue, person in today]
    frame = schema.tidy("assignments", rows)
    order = chance.sample(range(len(frame)), len(frame))
    found = check(dataset.with_frames(assignments=frame.iloc[order]))
    told = of_kind(found, "replay_differs")[["issue_id", "expected", "got"]]
    known = {(issue, person) for issue, person in today if issue <= 8}  # there is no ninth issue
    assert sorted(told.itertuples(index=False, name=None)) == sorted(
        [(issue, person, "none") for issue, person in known - then]
        + [(issue, "none", person) for issue, person in then - known]
    )
    assert of_kind(found, "unknown_issue")["issue_id"].tolist() == [9] * bool(today - known)


@examples(8)
@given(
    st.lists(st.tuples(st.integers(1, 8), st.integers(-3, 30)), max_size=6),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_events_before_their_issue_was_opened_are_found_in_whatever_order(
    days: list[tuple[int, int]], shuffled: bool, chance: Any
) -> None:
    dataset = eight_issues().dataset()
    born = dataset.issues.set_index("issue_id")["created_at"]
    at = [born[issue] + pd.Timedelta(day, "D") for issue, day in days]
    weights = {
        **{"issue_id": [issue for issue, _ in days], "at": at, "field": "weight", "action": "set"},
        **{"number": 1.0, "source": "event", "correction": False, "seq": range(90, 90 + len(days))},
    }
    both = [dataset.issue_events, schema.tidy("issue_events", weights)]
    events = schema.tidy("issue_events", pd.concat(both, ignore_index=True))
    if shuffled:
        events = events.iloc[chance.sample(range(len(events)), len(events))]
    found = of_kind(check(dataset.with_frames(issue_events=events)), "before_creation")
    assert found["issue_id"].tolist() == sorted({issue for issue, day in days if day < 0})


def test_corrections_say_what_was_expected_and_got() -> None:
    found = check(
        corrected(eight_issues(), "milestone", issue_id=3, at="2025-03-22 10:00", action="add",
                  milestone_id=HARVEST, value="Harvest")
    )  # fmt: skip
    assert not found.ok
    row = of_kind(found, "history_differs").iloc[0]
    assert (row["expected"], row["got"], row["field"]) == ("Harvest", "Winter", "milestone")
    assert found.fields.set_index("field").loc["milestone", ["exact", "corrected"]].tolist() == [
        7,
        1,
    ]
    assert found.whole == 7
    assert of_kind(found, "replay_differs").empty
    assert "orchard/press#3 (expected Harvest, got Winter)" in found.report()


def test_what_was_inferred_at_creation_is_counted_but_no_fault() -> None:
    world = eight_issues()
    for event in world.events:
        if event["issue_id"] == 8 and event["field"] == "weight":
            event["source"] = "inferred"
    found = check(world.dataset())
    assert found.ok
    weight = found.fields.set_index("field").loc["weight"]
    assert weight[["exact", "inferred", "corrected"]].tolist() == [8, 1, 0]


def cause(world: World, issue_id: int = 3, field: str = "milestone", **row: Any) -> str:
    """Fault or warning, and the likely cause, of a history that does not match."""
    row = {"action": "add", "milestone_id": HARVEST, "value": "Harvest"} | row
    found = check(corrected(world, field, issue_id=issue_id, at="2025-03-22 10:00", **row))
    first = of_kind(found, "history_differs").iloc[0]
    assert found.ok is (first["severity"] == "warning")
    return f"{first['severity']}: {first['cause']}"


def test_likely_causes() -> None:
    plain = eight_issues()
    for number, milestone in enumerate(plain.milestones, 1):
        milestone["iid"] = number if milestone["path"] == "orchard" else 1
    assert cause(plain).startswith("fault: unknown")

    imported = eight_issues()
    imported.issues[3]["imported_from"] = "github"
    assert cause(imported).startswith("warning: imported")

    moved = eight_issues()
    moved.issue(9, "2025-02-26 08:00", moved_to_id=3)
    assert cause(moved).startswith("warning: moved")

    promoted = eight_issues()
    promoted.milestone(21, "Winter", None, None, path="orchard/press", kind="project")
    assert cause(promoted, milestone_id=21, value="Winter").startswith(
        "warning: the milestone was promoted"
    )

    deleted = eight_issues()
    deleted.put(3, "2025-03-19 09:00", None)
    assert cause(deleted).startswith("warning: a milestone was deleted")

    old = eight_issues()
    old.issue(9, "2020-01-01 08:00")
    assert cause(old, issue_id=9).startswith("warning: the history is older")

    quick = eight_issues()
    quick.spend(3, "2025-03-22 09:59:30", 1.0)
    assert cause(quick).startswith("fault: changed within a minute")

    label = eight_issues()
    label.member(3, "2025-03-12 08:00", "label", "add", "old name")
    row = {"action": "remove", "milestone_id": None, "value": "old name"}
    assert cause(label, field="label", **row).startswith("warning: the label was renamed")


@pytest.mark.parametrize("turned", [False, True])
def test_of_several_causes_the_certain_one_is_named_in_whatever_order_their_texts_stand(
    monkeypatch: pytest.MonkeyPatch, turned: bool
) -> None:
    if turned:
        monkeypatch.setattr(quality, "_CAUSES", dict(reversed(quality._CAUSES.items())))
    world = eight_issues()  # gaps in the numbers of milestones would explain it as well
    world.spend(3, "2025-03-22 09:59:30", 1.0)
    assert cause(world).startswith("fault: changed within a minute")
    world.put(3, "2025-03-19 09:00", None)
    assert cause(world).startswith("warning: a milestone was deleted")
    world.issue(9, "2025-02-26 08:00", moved_to_id=3)
    assert cause(world).startswith("warning: moved")
    world.issues[3]["imported_from"] = "github"
    assert cause(world).startswith("warning: imported")


def test_a_close_that_no_event_records_counts_at_its_time_and_is_a_fault() -> None:
    world = eight_issues()
    closed = {"action": "set", "value": "closed"}
    found = check(corrected(world, "state", issue_id=3, at="2025-03-22 10:00", **closed))
    first = of_kind(found, "history_differs").iloc[0]
    assert (first["severity"], first["expected"], first["got"]) == ("fault", "closed", "opened")
    assert first["cause"].startswith("no event records the close, whose time is known")


def test_gaps_in_the_numbers_of_milestones_explain_a_milestone_without_event() -> None:
    assert cause(eight_issues()).startswith("fault: numbers of milestones are missing there")


def test_an_account_that_is_gone_left_no_note_and_no_one_can_change_that() -> None:
    world = eight_issues()
    dataset = world.dataset()
    events = dataset.issue_events
    gone = events.iloc[[0]].assign(
        issue_id=3, seq=90, at=EXPORTED_AT - pd.Timedelta("9D"), field="assignee", action="add",
        value="gone", source="note", correction=False,
    )  # fmt: skip
    removed = gone.assign(
        seq=91, at=EXPORTED_AT, action="remove", source="inferred", correction=True
    )
    both = pd.concat([events, gone, removed], ignore_index=True)
    found = check(dataset.with_frames(issue_events=schema.tidy("issue_events", both)))
    row = of_kind(found, "history_differs").iloc[0]
    assert (row["severity"], row["expected"], row["got"]) == ("warning", "none", "gone")
    assert "account was deleted or left the project" in row["cause"]
    assert found.ok


def test_failed_parts_of_the_last_run_are_faults_and_explain_differences() -> None:
    world = eight_issues()
    dataset = corrected(world, "milestone", issue_id=3, at="2025-03-22 10:00", action="add",
                        milestone_id=HARVEST, value="Harvest")  # fmt: skip
    failure = {"part": "issue orchard/press#3 notes", "status": 500, "message": "for ever"}
    dataset.manifest["runs"][-1]["failures"] = [failure]
    found = check(dataset)
    assert subjects(found, "not_exported") == ["issue orchard/press#3 notes"]
    assert of_kind(found, "history_differs")["cause"].tolist() == [
        "its history could not be exported"
    ]
    assert "500 for ever" in str(found)


def test_frames_that_break_their_schema_are_faults() -> None:
    dataset = eight_issues().dataset()
    broken = dataset.issues.assign(state="half open")
    found = check(dataset.with_frames(issues=broken))
    assert not found.ok
    assert subjects(found, "damaged_frame") == ["issues"]


def test_rows_about_unknown_issues_are_faults() -> None:
    dataset = eight_issues().dataset()
    found = check(dataset.with_frames(issues=dataset.issues.iloc[1:]))
    assert not found.ok
    assert of_kind(found, "unknown_issue")["issue_id"].unique().tolist() == [1]


def test_open_issues_in_closed_and_overdue_milestones() -> None:
    world = eight_issues()
    world.put(6, "2025-03-20 10:00", HARVEST)  # due on the 14th, exported on the 25th
    world.milestones[1]["state"] = "closed"
    found = check(world.dataset())
    assert subjects(found, "open_in_overdue_milestone") == ["orchard/press#6"]
    assert subjects(found, "open_in_closed_milestone") == ["orchard/press#3", "orchard/press#5"]
    assert of_kind(found, "open_in_overdue_milestone")["got"].tolist() == [
        "Harvest, due 2025-03-14"
    ]


def test_dates_the_wrong_way_round() -> None:
    world = eight_issues()
    world.milestones[0]["due_date"] = "2025-03-01"
    world._add(3, "2025-03-12 09:00", "start_date", "set", value="2025-03-30", source="note")
    found = check(world.dataset())
    rows = of_kind(found, "due_before_start")
    assert rows[["subject", "got"]].to_numpy().tolist() == [
        ["https://git.example.org/groups/orchard/-/milestones/10", "2025-03-01"],
        ["orchard/press#3", "2025-03-21"],
    ]


def people(*rows: tuple[str, str, str | None, str | None]) -> pd.DataFrame:
    from roadmap_analytics import schema

    names = ["username", "person", "name", "state"]
    return schema.tidy("people", [dict(zip(names, row, strict=True)) for row in rows])


def test_people_who_left_and_people_who_are_two() -> None:
    dataset = eight_issues().dataset().with_frames(
        people=people(
            ("ada", "ada", "Ada Lovelace", "active"),
            ("bo", "bo", "Bo Ek", "blocked"),
            ("ada-old", "ada-old", "ada  lovelace", "active"),
            ("cy", "cy", None, None),
        )
    )  # fmt: skip
    found = check(dataset)
    left = of_kind(found, "assignee_left")
    assert left[["subject", "person", "got"]].to_numpy().tolist() == [
        ["orchard/press#3", "bo", "bo is blocked"]
    ]
    assert of_kind(found, "person_twice")["got"].tolist() == ["ada, ada-old"]


def test_one_active_account_is_enough_to_stay() -> None:
    dataset = eight_issues().dataset().with_frames(
        people=people(("bo", "bo", None, "blocked"), ("bo2", "bo", None, "active"))
    )  # fmt: skip
    assert of_kind(check(dataset), "assignee_left").empty


def test_missing_weights_of_all_are_said_once() -> None:
    world = World()
    world.milestone(WINTER, "Winter", "2025-03-10", "2025-03-28")
    for issue_id in (1, 2):
        world.issue(issue_id, "2025-03-01")
        world.put(issue_id, "2025-03-01", WINTER)
    found = check(world.dataset())
    assert subjects(found, "no_weight") == subjects(found, "no_estimate") == ["all issues"]
    assert of_kind(found, "no_weight")["severity"].tolist() == ["note"]


def test_odd_histories_missing_numbers_and_work_outside() -> None:
    world = eight_issues()
    world.put(3, "2025-03-12 09:00", None)
    world.put(3, "2025-03-13 09:00", WINTER)
    world.close(5, "2025-03-01 09:00")  # before it was opened on the 6th
    world.issue(12, "2025-03-10 09:00")
    world.close(12, "2025-03-11 09:00")
    found = check(world.dataset())
    assert subjects(found, "unknown_milestone") == ["orchard/press#3"]
    assert subjects(found, "before_creation") == ["orchard/press#5"]
    assert subjects(found, "closed_without_milestone") == ["orchard/press#12"]
    missing = of_kind(found, "numbers_missing").iloc[0]
    assert (missing["subject"], missing["got"]) == ("orchard/press", "3 of 12")
    assert "Reporter" in missing["cause"]
    world.issues[1]["confidential"] = True
    seen = of_kind(check(world.dataset()), "numbers_missing").iloc[0]
    assert pd.isna(seen["cause"])


def test_notes_in_unknown_words_are_counted_by_their_wording() -> None:
    dataset = eight_issues().dataset()
    rows = [("team#1", 1, "put on shelf …", 2), ("team#2", 2, "put on shelf …", 1)]
    rows.append(("team#1", 1, "sang to …", 1))
    unread = [
        {"kind": "note", "subject": s, "issue_id": i, "field": "notes", "text": t, "rows": n}
        for s, i, t, n in rows
    ]
    found = check(dataset.with_frames(unread=schema.tidy("unread", unread)))
    assert found.ok, "nothing is known to be wrong"
    assert of_kind(found, "unread_note")["count"].tolist() == [2, 1, 1]
    words = "system notes in unknown words: the change that they tell of is in no frame"
    text = str(found)
    assert f"  3 x {words}\n      team#1 (got put on shelf …); team#2 (got put on shelf …)" in text
    assert f"  1 x {words}\n      team#1 (got sang to …)" in text


def test_report_tells_kind_cause_and_examples_but_no_titles_and_obeys_no_control_characters() -> (
    None
):
    world = eight_issues()
    world.issues[3]["title"] = "a secret plan"
    world.milestones[0]["title"] = "Har\x1b[31mvest"
    world.put(6, "2025-03-20 10:00", HARVEST)
    found = check(world.dataset())
    text = found.report()
    assert "history of 8 of 8 issues" in text
    assert f"{EXPORTED_AT:%Y-%m-%d}" in text
    assert "secret" not in text
    assert "\x1b" not in text
    assert "Har\N{REPLACEMENT CHARACTER}[31mvest" in text
    assert "<pre>" in found._repr_html_()


def test_neither_row_order_matters_nor_an_empty_dataset_hurts() -> None:
    dataset = eight_issues().dataset()
    shuffled = dataset.with_frames(
        issues=dataset.issues.sample(frac=1, random_state=1),
        issue_events=dataset.issue_events.sample(frac=1, random_state=1),
    )
    pd.testing.assert_frame_equal(check(shuffled).findings, check(dataset).findings)
    nothing = check(Dataset({}))
    assert nothing.ok
    assert nothing.findings.empty
    assert nothing.findings.dtypes.astype("str").to_dict() == COLUMNS
    assert "0 of 0 issues" in str(nothing)


REAL: dict[str, tuple[Callable[[Path], list[dict[str, Any]]], int]] = {
    "sample-project-export": (adapters.project_export, 30),
    "recorded-gitlab.com-2024/full_download": (adapters.gitlab_com, 2),
    "recorded-gitlab.com-2024/skipped_issue_number": (adapters.gitlab_com, 1),
    "recorded-group-milestones-csv": (adapters.devlake, 16),
    "recorded-kitware": (adapters.kitware, 2),
    "import-export-fixtures/light": (adapters.project_export, 1),
    "import-export-fixtures/complex": (adapters.project_export, 10),
}


@pytest.mark.parametrize("folder", REAL)
def test_real_exports_replay_to_todays_fields_wherever_history_exists(
    shared: Path, folder: str
) -> None:
    adapter, issues = REAL[folder]
    records = adapter(shared / "gitlab" / folder)
    dataset = Dataset(build([RunRecords(1, "2026-01-01T00:00:00Z", records)]))
    assert len(dataset.issues) == issues
    found = check(dataset)
    assert of_kind(found, "replay_differs").empty
    off = of_kind(found, "history_differs")[["issue_id", "field"]].astype({"issue_id": "int64"})
    events = dataset.issue_events
    told = off.merge(events[events["source"].isin(["event", "note"])], on=["issue_id", "field"])
    contradictory = told[["issue_id", "field"]].drop_duplicates().to_numpy().tolist()
    # GitLab's own test fixture was written by hand; its first issue's events contradict its fields.
    fixture = [[40, "label"], [40, "milestone"]]
    assert contradictory == (fixture if folder.endswith("complex") else [])
