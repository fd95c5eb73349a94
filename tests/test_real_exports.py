"""GitLab's own exports and recorded answers, served, exported, read: nothing lost or invented."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import roadmap_analytics as ra
from roadmap_analytics import frames, simulate
from roadmap_analytics.store import iter_records
from tests.examples import left_to_soak
from tests.exporting import export
from tests.gitlab_server import LoopbackGitLab, adapters
from tests.gitlab_server.hand_world import NOW, ROADMAP, hand_world
from tests.gitlab_server.truth import differences, served, stored

Row = dict[str, Any]
DOCUMENT_FRAMES = (
    *("revisions", "roadmap_items", "responsibilities", "roadmap_milestones", "carry_over"),
)


def taken(
    server: LoopbackGitLab,
    world: list[Row],
    to: Path,
    *paths: str,
    now: str = NOW,
    options: tuple[str, ...] = (),
) -> ra.Dataset:
    """Serve a world, export it, compare every record with it, and load the frames."""
    take(server, world, to, *paths, now=now, options=options)
    return ra.load(to)


def take(
    server: LoopbackGitLab,
    world: list[Row],
    to: Path,
    *paths: str,
    now: str = NOW,
    options: tuple[str, ...] = (),
) -> None:
    """Serve a world, export it, and compare every record with it."""
    server.load(world, now=now)
    outcome = export(server, to, *paths, options=options)
    assert outcome.code == 0, outcome.err
    assert differences(stored(to), served(world, *paths)) == []


def changes(dataset: ra.Dataset, issue_id: int, field: str) -> list[tuple[str, str, Any, str]]:
    """(time, action, value, source) of the changes of one field of one issue."""
    events = dataset.issue_events
    mine = events[(events["issue_id"] == issue_id) & (events["field"] == field)]
    return [
        (at.strftime("%Y-%m-%dT%H:%M:%S"), action, None if pd.isna(value) else value, source)
        for at, action, value, source in zip(
            mine["at"], mine["action"], mine["value"], mine["source"], strict=True
        )
    ]


def test_the_hand_made_world(gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    dataset = taken(gitlab, hand_world(), tmp_path / "data", "orchard", "upkeep")
    assert set(dataset.issues["issue_id"]) >= {1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008}
    assert changes(dataset, 1001, "state") == [
        ("2024-02-01T09:00:00", "set", "opened", "creation"),
        ("2024-03-10T16:00:00", "set", "closed", "event"),
        ("2024-03-12T08:00:00", "set", "opened", "event"),
        ("2024-04-20T17:00:00", "set", "closed", "event"),
    ]
    assert changes(dataset, 1002, "assignee") == [
        ("2024-02-11T10:01:00", "add", "ana", "note"),
        ("2024-03-20T10:00:00", "add", "bo", "note"),
        ("2024-03-20T10:00:00", "remove", "ana", "note"),
    ]
    assert changes(dataset, 1002, "due_date") == [
        ("2024-03-01T10:00:00", "set", "2024-04-15", "note"),
        ("2024-04-14T10:00:00", "set", "2024-05-20", "note"),
        ("2024-05-19T10:00:00", "set", None, "note"),
    ]
    assert changes(dataset, 1008, "state")[-1] == ("2019-04-01T10:00:00", "set", "closed", "note")


def test_roadmap_documents_of_the_same_gitlab(gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    gitlab.load(hand_world(), now=NOW)
    where = "orchard/documentation:archive/*-roadmap.md"
    outcome = export(gitlab, tmp_path / "data", "orchard", options=("--roadmaps", where))
    assert outcome.code == 0, outcome.err
    (document,) = iter_records(tmp_path / "data", ["document"])
    assert document["text"] == ROADMAP
    assert document["revision_hint"] == "2024-05-01"
    gitlab.reset()
    assert export(gitlab, tmp_path / "data", "orchard", options=("--roadmaps", where)).code == 0
    assert "projects/:id/repository/files/:path/raw" not in gitlab.counts().routes, "unchanged"


SIMULATED = ("beacon", "harbour/services/beacon-logs")
DOCUMENTS = ("--roadmaps", "beacon/project/documentation:archive/*-roadmap.md")


@pytest.mark.parametrize("seed", [1, *left_to_soak(2)])
def test_a_simulated_world_exported_is_the_simulated_world(
    gitlab: LoopbackGitLab, tmp_path: Path, seed: int
) -> None:
    """The frames of the export are those made from the records served, cell by cell."""
    world = list(simulate.records(150, seed))
    to = tmp_path / "data"
    dataset = taken(gitlab, world, to, *SIMULATED, now=simulate.NOW, options=DOCUMENTS)
    expected = frames.build([frames.RunRecords(1, simulate.NOW, world)])
    for name, frame in expected.items():
        if name not in DOCUMENT_FRAMES:
            assert_frame_equal(dataset[name], frame, obj=name)
    documents = {record["name"]: record["text"] for record in iter_records(to, ["document"])}
    served_texts = {one["name"]: one["text"] for one in world if one["kind"] == "document"}
    assert documents == served_texts


@pytest.mark.usefixtures("records_alone")
def test_nights_of_a_simulated_world(gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    """Looked at on five days, the dataset equals the whole export of the fifth."""
    days = ("2026-11-01", "2026-11-02", "2026-11-05", "2026-11-12", "2026-11-20")
    seen = {
        now: list(simulate.records(150, 3, seen_at=now))
        for now in (f"{day}T18:00:00Z" for day in days)
    }
    requests = []
    for now, world in seen.items():
        gitlab.reset()
        take(gitlab, world, tmp_path / "data", *SIMULATED, now=now)
        requests.append(gitlab.counts().total)
    assert max(requests[1:]) < requests[0] / 3
    last = taken(gitlab, world, tmp_path / "whole", *SIMULATED, now=now)
    nightly = ra.load(tmp_path / "data")
    for name, frame in last.frames.items():
        if name != "milestone_dates":  # the nights saw more of them
            assert_frame_equal(nightly[name], frame, obj=name)
    expected = [frames.RunRecords(n, *one) for n, one in enumerate(seen.items(), 1)]
    assert_frame_equal(nightly["milestone_dates"], frames.build(expected)["milestone_dates"])


def test_gitlabs_sample_project(gitlab: LoopbackGitLab, shared: Path, tmp_path: Path) -> None:
    world = adapters.project_export(shared / "gitlab" / "sample-project-export")
    histories = [record["data"] for record in world if record["kind"] == "history"]
    size = Counter(record["kind"] for record in world)
    assert (size["issue"], size["milestone"]) == (30, 3)
    notes = sum(len(history["notes"]) for history in histories)
    comments = sum(len(history["comments"]) for history in histories)
    assert (notes, comments, notes + comments) == (4, 387, 391)
    assert sum(len(history["label_events"]) for history in histories) == 90

    to = tmp_path / "data"
    dataset = taken(gitlab, world, to, "samples/project")
    kept = [record["data"] for record in stored(to)["history"].values()]
    assert sum(len(history["notes"]) for history in kept) == 4, "comments are not stored"
    assert sum(len(history["label_events"]) for history in kept) == 90

    assert len(dataset.issues) == 30
    assert len(dataset.milestones) == 3
    events = dataset.issue_events
    labels = events[(events["field"] == "label") & (events["source"] == "event")]
    assert len(labels) == 90
    due = events[(events["field"] == "due_date") & (events["source"] == "note")]
    assert sorted(due["value"]) == ["2020-08-03", "2020-08-10", "2020-08-17", "2021-02-03"]
    (closed,) = dataset.issues[dataset.issues["state"] == "closed"]["issue_id"]
    assert changes(dataset, closed, "state")[-1][2] == "closed", "from today's field alone"


@pytest.mark.parametrize(
    "folder",
    [
        "complex",
        "light",
        "milestone-iid",
        "designs",
        "with_invalid_issues_and_milestones",
        "with_invalid_records",
    ],
)
def test_gitlabs_import_fixtures(
    gitlab: LoopbackGitLab, shared: Path, tmp_path: Path, folder: str
) -> None:
    world = adapters.project_export(shared / "gitlab" / "import-export-fixtures" / folder)
    dataset = taken(gitlab, world, tmp_path / "data", "samples")
    assert len(dataset.issues) == sum(record["kind"] == "issue" for record in world)
    assert len(dataset.milestones) == sum(record["kind"] == "milestone" for record in world)


@pytest.mark.parametrize("folder", ["complex", "no_children"])
def test_gitlabs_group_exports(
    gitlab: LoopbackGitLab, shared: Path, tmp_path: Path, folder: str
) -> None:
    place = shared / "gitlab" / "import-export-fixtures" / "group_exports" / folder
    world = adapters.group_export(place)
    dataset = taken(gitlab, world, tmp_path / "data", world[0]["data"]["full_path"])
    assert len(dataset.milestones) == {"complex": 15, "no_children": 5}[folder]
    assert dataset.issues.empty


def test_a_close_of_2019_that_only_notes_tell(
    gitlab: LoopbackGitLab, shared: Path, tmp_path: Path
) -> None:
    world = adapters.gitlab_com(shared / "gitlab" / "recorded-gitlab.com-2024" / "full_download")
    dataset = taken(gitlab, world, tmp_path / "data", "gitea/test_repo")
    assert changes(dataset, 27687706, "state") == [
        ("2019-11-28T08:44:46", "set", "opened", "creation"),
        ("2019-11-28T08:45:45", "set", "closed", "note"),
    ]
    assert changes(dataset, 27687706, "milestone") == [
        ("2019-11-28T08:45:02", "add", "1.1.0", "note")
    ]


def test_the_other_recorded_project(gitlab: LoopbackGitLab, shared: Path, tmp_path: Path) -> None:
    place = shared / "gitlab" / "recorded-gitlab.com-2024" / "skipped_issue_number"
    dataset = taken(gitlab, adapters.gitlab_com(place), tmp_path / "data", "troyengel/archbuild")
    assert dataset.issues["issue_id"].tolist() == [11201348]
    assert dataset.issues["iid"].tolist() == [2]


def test_group_milestones_and_weights_as_recorded(
    gitlab: LoopbackGitLab, shared: Path, tmp_path: Path
) -> None:
    world = adapters.devlake(shared / "gitlab" / "recorded-group-milestones-csv")
    gitlab.set(licensed=True)
    dataset = taken(gitlab, world, tmp_path / "data", "gitlab-data")
    issues = dataset.issues.set_index("iid")
    assert len(issues) == 16
    weighed = issues["weight"].dropna()
    assert weighed.to_dict() == {2: 1, 4: 1, 6: 1, 7: 2, 11: 1, 12: 2}
    assert issues["milestone_id"].notna().sum() == 6
    assert set(dataset.milestones["kind"]) == {"group"}


def test_times_of_a_server_at_minus_four_hours(
    gitlab: LoopbackGitLab, shared: Path, tmp_path: Path
) -> None:
    world = adapters.kitware(shared / "gitlab" / "recorded-kitware")
    dataset = taken(gitlab, world, tmp_path / "data", "utils/rust-gitlab")
    issue = dataset.issues.set_index("iid").loc[6]
    assert issue["created_at"] == pd.Timestamp("2016-10-30T18:54:28.954Z")
    assert issue["updated_at"] == pd.Timestamp("2019-07-17T13:53:48.869Z")
    assert changes(dataset, 69328, "label") == [("2019-07-17T13:53:48", "add", "area:doc", "event")]
