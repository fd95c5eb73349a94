"""Histories by GraphQL: the same frames as by REST, at a fraction of the requests, token or not."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import roadmap_analytics as ra
from roadmap_analytics import store
from roadmap_analytics.gitlab import activity
from tests import big_world
from tests.examples import examples, left_to_soak
from tests.exporting import Outcome, command, export, hurry, quicken
from tests.gitlab_server import LoopbackGitLab
from tests.gitlab_server.hand_world import (
    HARVEST_1,
    MILESTONES,
    NOW,
    Story,
    hand_world,
    milestone,
)
from tests.gitlab_server.life import Life
from tests.test_faults import by_second, fails_by_name, killed_after, storm, while_people_work

pytestmark = pytest.mark.usefixtures("records_alone")
Row = dict[str, Any]
PATHS = ("orchard", "upkeep")
VERSIONS = ("15.2.0", "17.1.0", "18.9.0")
# Of milestones GitLab 17 writes what 15 wrote.
ENDS = ["15.2.0", "18.9.0", *left_to_soak("17.1.0")]
LATER = "2024-07-01T12:00:00+00:00"


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Short waits, and a home without settings of python-gitlab."""
    hurry(monkeypatch)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PYTHON_GITLAB_CFG", raising=False)
    monkeypatch.chdir(tmp_path)


def done(outcome: Outcome) -> str:
    assert outcome.code == 0, outcome.err
    return outcome.out


def refused(outcome: Outcome, code: int, *said: str) -> None:
    """This exit code, at most two lines, and these words."""
    assert outcome.code == code, (outcome.code, outcome.err)
    lines = [line for line in outcome.err.splitlines() if line.startswith("roadmap-analytics")]
    assert 1 <= len(lines) <= 2, outcome.err
    assert "Traceback" not in outcome.err
    for words in said:
        assert words in outcome.err


def histories(to: Path) -> dict[int, Row]:
    """The newest history record of each issue."""
    return {one["issue_id"]: one for one in store.iter_records(to, ["history"])}


def both_ways(
    server: LoopbackGitLab, folder: Path, *paths: str, token: str | None = "secret"
) -> tuple[ra.Dataset, ra.Dataset]:
    """Export by REST and by GraphQL."""
    done(export(server, folder / "rest", *paths, via="rest"))
    by_graphql(server, folder / "graphql", *paths, token=token)
    return ra.load(folder / "rest"), ra.load(folder / "graphql")


def by_graphql(server: LoopbackGitLab, to: Path, *paths: str, token: str | None = "secret") -> None:
    """Export by GraphQL; every history must have come that way."""
    out = done(export(server, to, *paths, via="graphql", token=token))
    assert "histories by GraphQL" in out
    assert {one["via"] for one in histories(to).values()} <= {"graphql"}


def assert_equal(rest: ra.Dataset, graphql: ra.Dataset) -> None:
    """Every frame is the same, events to the second."""
    for name, frame in rest.frames.items():
        mine, theirs = graphql[name], frame
        if name == "issue_events":
            mine, theirs = by_second(mine), by_second(theirs)
        pd.testing.assert_frame_equal(mine, theirs, obj=name)
    day = rest.exported_at.date()
    for ident in rest.milestones["milestone_id"]:
        pd.testing.assert_frame_equal(
            ra.burndown(graphql, int(ident), as_of=day), ra.burndown(rest, int(ident), as_of=day)
        )


def assert_events_as_by_rest(to: Path, exports: Path) -> None:
    found, expected = (ra.load(one, ["issue_events"]) for one in (to, exports / "rest"))
    pd.testing.assert_frame_equal(by_second(found.issue_events), by_second(expected.issue_events))


def with_stories(*more: Story) -> list[Row]:
    """The hand-made world and some more issues."""
    return [*hand_world(), *(record for story in more for record in story.records())]


def begin(ident: int, project: int, at: str = "2024-03-01T10:00:00", **more: Any) -> Story:
    """One more issue."""
    numbers = count(ident * 1000)
    return Story.begin(numbers, ident, project, ident, f"Issue {ident}", at, **more)


# -- the same frames -------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_the_hand_made_world_in_three_generations(
    hand_gitlab: LoopbackGitLab, hand_exports: Path, tmp_path: Path, version: str
) -> None:
    hand_gitlab.set(version=version)
    by_graphql(hand_gitlab, tmp_path / "data", *PATHS)
    assert_equal(ra.load(hand_exports / "rest"), ra.load(tmp_path / "data"))


def test_random_worlds_are_the_same_both_ways(
    gitlab: LoopbackGitLab, tmp_path_factory: pytest.TempPathFactory
) -> None:
    @examples(3)
    @given(st.integers(0, 10**6), st.integers(10, 120), st.sampled_from(VERSIONS))
    def hold(seed: int, changes: int, version: str) -> None:
        life = Life(seed)
        life.work(changes)
        gitlab.load(life.records(), now=life.now)
        gitlab.set(licensed=True, version=version)
        assert_equal(*both_ways(gitlab, tmp_path_factory.mktemp("world"), *PATHS))

    hold()


def test_pages_are_followed_by_their_cursor_and_never_counted(
    gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    busy = begin(2001, 100)
    for number in range(230):
        stamp = f"2024-03-{2 + number // 20:02}T{number % 20:02}:00:00"
        busy.state(stamp, "closed" if number % 2 == 0 else "reopened")
    gitlab.load(with_stories(busy), now=NOW)
    gitlab.set(short_pages=3)
    assert_equal(*both_ways(gitlab, tmp_path, *PATHS))
    assert len(histories(tmp_path / "graphql")[2001]["data"]["state_events"]) == 230


# -- where GraphQL is not REST: each difference by itself ------------------------------------------


def test_times_are_cut_to_seconds_and_never_before_the_creation(
    gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    story = begin(2001, 100, created_at="2024-03-01T10:00:00.200Z")
    story.put("2024-03-01T10:00:00", HARVEST_1)
    gitlab.load(with_stories(story), now=NOW)
    rest, graphql = both_ways(gitlab, tmp_path, *PATHS)
    assert_equal(rest, graphql)
    record = histories(tmp_path / "graphql")[2001]["data"]["milestone_events"][0]
    assert record["created_at"] == "2024-03-01T10:00:00Z", "as the server wrote it"

    def moments(dataset: ra.Dataset) -> list[str]:
        events = dataset.issue_events
        mine = events[(events["issue_id"] == 2001) & (events["field"] == "milestone")]
        return [str(at) for at in mine["at"]]

    assert moments(rest) == ["2024-03-01 10:00:00.250000+00:00"]
    assert moments(graphql) == ["2024-03-01 10:00:00.200000+00:00"], "the creation"


def test_events_have_their_place_for_an_id_and_keep_what_graphql_said(hand_exports: Path) -> None:
    told = histories(hand_exports / "graphql")[1001]["data"]
    assert [event["id"] for event in told["state_events"]] == [3, 4, 5]
    assert {event["gid"].split("/")[3] for event in told["state_events"]} == {"StateNote"}
    stored = histories(hand_exports / "rest")[1001]["data"]
    assert [note["id"] for note in told["notes"]] == [note["id"] for note in stored["notes"]]


def test_weights_that_are_licensed_no_more_may_show_by_graphql_only(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    hand_gitlab.set(licensed=False, old_weights=True)
    rest, graphql = both_ways(hand_gitlab, tmp_path, *PATHS)
    weights = [
        len(one.issue_events.query("field == 'weight' and not correction"))
        for one in (rest, graphql)
    ]
    assert weights == [0, 2]
    told = histories(tmp_path / "graphql")[1003]["data"]["weight_events"]
    assert [(one["previous_weight"], one["weight"]) for one in told] == [(None, 3), (3, 5)]


def test_labels_deleted_in_one_instant_are_one_by_graphql_and_nameless_both_ways(
    gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    story = begin(2001, 100).label("2024-03-02T10:00:00", None).label("2024-03-02T10:00:00", None)
    gitlab.load(with_stories(story), now=NOW)
    done(export(gitlab, tmp_path / "rest", *PATHS))
    by_graphql(gitlab, tmp_path / "graphql", *PATHS)
    counts = []
    for way in ("rest", "graphql"):
        told = histories(tmp_path / way)[2001]["data"]["label_events"]
        assert {str(event["label"]) for event in told} == {"None"}
        counts.append(len(told))
    assert counts == [2, 1]
    gitlab.set(version="15.2.0")  # counted one by one then
    done(export(gitlab, tmp_path / "old", *PATHS, via="graphql"))
    assert len(histories(tmp_path / "old")[2001]["data"]["label_events"]) == 2


def test_a_label_that_one_may_not_see_is_left_out_by_rest_and_nameless_by_graphql(
    gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    private = {"kind": "project", "id": 105, "path": "vault/keys"}
    world = with_stories(
        begin(2001, 100)
        .label("2024-03-02T10:00:00", "secret", ident=99)
        .label("2024-03-03T10:00:00", "fruit")
    )
    base = next(one["data"] for one in world if one["kind"] == "project")
    hidden = base | {"id": 105, "path_with_namespace": "vault/keys", "visibility": "private"}
    world += [
        {"kind": "project", "data": hidden},
        {"kind": "label", "container": private, "data": {"id": 99, "name": "secret"}},
    ]
    gitlab.load(world, now=NOW)
    done(export(gitlab, tmp_path / "rest", "orchard", token="weak"))
    done(export(gitlab, tmp_path / "graphql", "orchard", token="weak", via="graphql"))
    names = {
        way: [event["label"] for event in histories(tmp_path / way)[2001]["data"]["label_events"]]
        for way in ("rest", "graphql")
    }
    assert [label["name"] for label in names["rest"]] == ["fruit"]
    assert names["graphql"] == [None, {"id": 31, "name": "fruit"}]


@pytest.mark.parametrize("version", ENDS)
def test_milestones_outside_of_what_was_asked_are_found_by_their_path(
    hand_gitlab: LoopbackGitLab, tmp_path: Path, version: str
) -> None:
    hand_gitlab.set(version=version)
    assert_equal(*both_ways(hand_gitlab, tmp_path, "orchard/press/juice"))


@pytest.mark.parametrize("version", ENDS)
def test_milestones_of_one_title_and_of_odd_titles_are_told_apart(
    gitlab: LoopbackGitLab, tmp_path: Path, version: str
) -> None:
    press = {"kind": "group", "id": 11, "path": "orchard/press"}
    home = "https://git.example.org/groups/orchard/press/-/milestones"
    same = MILESTONES[501]["data"] | {"id": 511, "iid": 7, "group_id": 11, "web_url": f"{home}/7"}
    quoted = same | {"id": 512, "iid": 1, "title": 'Say "when"', "web_url": f"{home}/1"}
    number = same | {"id": 513, "iid": 8, "title": "1", "web_url": f"{home}/8"}
    own = milestone(602, 8, "Harvest 1")
    story = begin(2001, 100)
    for day, data in enumerate(
        [HARVEST_1, same, quoted, number, own["data"], MILESTONES[601]["data"]]
    ):
        story.put(f"2024-03-{2 + day:02}T10:00:00", data)
    world = with_stories(story)
    world += [
        own,
        *({"kind": "milestone", "container": press, "data": one} for one in (same, quoted, number)),
    ]
    gitlab.load(world, now=NOW)
    gitlab.set(version=version)
    assert_equal(*both_ways(gitlab, tmp_path, *PATHS))
    told = histories(tmp_path / "graphql")[2001]["data"]["milestone_events"]
    assert [one["milestone"]["id"] for one in told] == [501, 511, 512, 513, 602, 601]


def test_a_removal_that_names_no_milestone_is_of_the_one_held(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    hand_gitlab.set(version="15.2.0")
    by_graphql(hand_gitlab, tmp_path / "data", *PATHS)
    added, removed = histories(tmp_path / "data")[1007]["data"]["milestone_events"]
    assert removed["body"] == "removed milestone"
    assert removed["milestone"]["id"] == added["milestone"]["id"] == 501


def test_a_removal_without_an_addition_comes_by_rest_and_without_a_token_has_no_name(
    gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    story = begin(2001, 100, milestone=HARVEST_1).put("2024-03-02T10:00:00", None)
    gitlab.load(with_stories(story), now=NOW)
    gitlab.set(version="15.2.0")
    done(export(gitlab, tmp_path / "token", *PATHS, via="graphql"))
    told = histories(tmp_path / "token")[2001]
    assert told["via"] == "rest"
    assert told["data"]["milestone_events"][0]["milestone"]["id"] == 501
    assert "which milestone was removed" in command("check", str(tmp_path / "token")).out
    done(export(gitlab, tmp_path / "none", *PATHS, token=None, via="auto"))
    assert histories(tmp_path / "none")[2001]["data"]["milestone_events"][0]["milestone"] is None


def test_users_who_were_deleted_are_null_in_events_and_ghosts_in_notes(
    gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    story = begin(2001, 100).state("2024-03-02T10:00:00", "closed")
    story.note("2024-03-03T10:00:00", "assigned to @ana and unassigned @ana")
    story.history["state_events"][0]["user"] = None
    story.history["notes"][0]["author"] = None
    gitlab.load(with_stories(story), now=NOW)
    assert_equal(*both_ways(gitlab, tmp_path, *PATHS))
    told = histories(tmp_path / "graphql")[2001]["data"]
    assert told["state_events"][0]["user"] is None
    assert told["notes"][0]["author"]["username"] == "ghost"


# -- without a token -------------------------------------------------------------------------------


def test_a_public_group_without_a_token(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    to = tmp_path / "data"
    out = done(export(hand_gitlab, to, *PATHS, token=None, via="auto"))
    assert "without a token: no confidential issues, no private projects" in out
    done(export(hand_gitlab, tmp_path / "weak", *PATHS, token="weak"))
    found, expected = ra.load(to), ra.load(tmp_path / "weak")
    for name in ("issues", "assignments", "issue_labels", "people"):
        pd.testing.assert_frame_equal(found[name], expected[name], obj=name)
    pd.testing.assert_frame_equal(by_second(found.issue_events), by_second(expected.issue_events))
    moved = {"web_url"}  # GraphQL gives a path: the address is the one that was asked
    pd.testing.assert_frame_equal(
        found.milestones.drop(columns=moved), expected.milestones.drop(columns=moved)
    )
    assert "only what is public" in command("check", str(to)).out
    run = store.read_manifest(to).runs[-1]
    assert (run.via, run.anonymous) == ("graphql", True)


def test_without_a_token_a_dataset_that_had_one_is_left_alone(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    to = tmp_path / "data"
    done(export(hand_gitlab, to, *PATHS, via="auto"))
    before = store.read_manifest(to)
    outcome = export(hand_gitlab, to, *PATHS, token=None, via="auto")
    refused(outcome, 3, "exported with a token before", "GITLAB_PRIVATE_TOKEN")
    assert store.read_manifest(to) == before
    done(export(hand_gitlab, tmp_path / "public", *PATHS, token=None, via="auto"))
    done(export(hand_gitlab, tmp_path / "public", *PATHS, via="auto"))
    assert 1005 in ra.load(tmp_path / "public").issues["issue_id"].tolist()


def test_a_group_that_is_half_private_is_exported_by_half(
    gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    world = hand_world()
    for record in world:
        if record["kind"] == "project" and record["data"]["id"] == 101:
            record["data"]["visibility"] = "private"
    gitlab.load(world, now=NOW)
    to = tmp_path / "data"
    assert "no private projects" in done(export(gitlab, to, "orchard", token=None, via="auto"))
    assert "orchard/website" not in set(ra.load(to).issues["project"])
    outcome = export(gitlab, tmp_path / "b", "orchard/website", token=None, via="auto")
    refused(outcome, 3, "expected a group or project, got 404")


def test_where_people_are_hidden_it_says_so(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    hand_gitlab.set(users_restricted=True)
    to = tmp_path / "data"
    outcome = export(hand_gitlab, to, *PATHS, token=None, via="auto")
    refused(outcome, 3, "people in histories", "set GITLAB_PRIVATE_TOKEN")
    assert ra.load(to).issue_events["source"].isin(["event", "note"]).any(), "all else is there"
    assert command("check", str(to)).code == 1


# -- what a server may refuse ----------------------------------------------------------------------


def test_a_wrong_token(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    for via in ("auto", "graphql"):
        outcome = export(hand_gitlab, tmp_path / via, "orchard", token="wrong", via=via)
        refused(outcome, 3, "The token is wrong, expired or revoked")


def test_a_token_that_is_revoked_before_graphql_is_asked(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    body = {"errors": [{"message": "Invalid token"}]}
    hand_gitlab.inject(
        {"kind": "status", "status": 401, "body": body, "match": "graphql", "times": None}
    )
    outcome = export(hand_gitlab, tmp_path / "data", "orchard", via="auto")
    refused(outcome, 3, "/api/graphql: expected an answer, got 401 (Invalid token)")


def test_a_server_without_the_widget(
    hand_gitlab: LoopbackGitLab, hand_exports: Path, tmp_path: Path
) -> None:
    hand_gitlab.set(notes_widget=False)
    to = tmp_path / "data"
    assert "histories by REST" in done(export(hand_gitlab, to, *PATHS, via="auto"))
    found = ra.load(to)
    for name, frame in ra.load(hand_exports / "rest").frames.items():
        pd.testing.assert_frame_equal(found[name], frame, obj=name)
    assert "No such type WorkItemWidgetNotes" in command("check", str(to)).out
    refused(
        export(hand_gitlab, tmp_path / "b", *PATHS, via="graphql"),
        4,
        "/api/graphql: expected histories of issues, got No such type",
        "Leave out --via graphql",
    )
    refused(
        export(hand_gitlab, tmp_path / "c", *PATHS, token=None, via="auto"),
        3,
        "By REST they need a token: set GITLAB_PRIVATE_TOKEN",
    )
    refused(export(hand_gitlab, tmp_path / "d", *PATHS, token=None), 3, "Set GITLAB_PRIVATE_TOKEN")


def test_graphql_that_is_switched_off(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    hand_gitlab.inject({"kind": "status", "status": 404, "match": "graphql", "times": None})
    assert "histories by REST" in done(export(hand_gitlab, tmp_path / "a", *PATHS, via="auto"))
    refused(export(hand_gitlab, tmp_path / "b", *PATHS, via="graphql"), 4, "got 404: ")


def test_without_a_token_a_server_in_trouble_is_not_a_matter_of_rights(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    hand_gitlab.inject({"kind": "status", "status": 500, "match": "graphql", "times": None})
    outcome = export(hand_gitlab, tmp_path / "data", *PATHS, token=None, via="auto")
    refused(outcome, 4, "got 500: ", "or try again later")


@pytest.mark.parametrize("limit", [(100,), (100, 50), (100, 50, 20)])
def test_a_lower_limit_of_complexity_asks_for_fewer_activities(
    hand_gitlab: LoopbackGitLab, hand_exports: Path, tmp_path: Path, limit: tuple[int, ...]
) -> None:
    message = "Query has complexity of 126, which exceeds max complexity of 40"
    body = {"errors": [{"message": message}]}
    fault = {"kind": "status", "status": 200, "body": body, "times": None}
    hand_gitlab.inject(*({**fault, "match": f'"n": ?{one}'} for one in limit))
    to = tmp_path / "data"
    out = done(export(hand_gitlab, to, *PATHS, via="auto"))
    by = "REST" if limit == (100, 50, 20) else "GraphQL"
    assert f"histories by {by}" in out
    assert_events_as_by_rest(to, hand_exports)


FAULTS: dict[str, Row] = {
    "a timeout that halving cures": {"kind": "timeout", "times": None, "batch": 1},
    "a timeout of one issue": {"kind": "timeout", "times": None, "issues": [1002]},
    "a statement timeout once": {
        "kind": "status",
        "status": 503,
        "body": {"errors": [{"message": "Request timed out. Please try a less complex query"}]},
        "match": "graphql",
        "skip": 1,
        "times": 2,
    },
    "429 in plain text": {
        "kind": "status",
        "status": 429,
        "body": "Retry later\n",
        "headers": {"Retry-After": "0"},
        "match": "graphql",
        "times": 3,
    },
    "a web page": {"kind": "html", "match": "graphql", "times": 2},
    "an answer that breaks off": {"kind": "truncate", "match": "graphql", "times": 2},
    "an internal error": {
        "kind": "status",
        "status": 200,
        "body": {"errors": [{"message": "Internal server error"}], "data": {"project": None}},
        "match": "graphql",
        "skip": 1,
        "times": 3,
    },
    "never again after the probe": {
        "kind": "status",
        "status": 500,
        "match": "graphql",
        "skip": 1,
        "times": None,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_what_graphql_does_not_answer_is_halved_and_comes_by_rest_at_last(
    hand_gitlab: LoopbackGitLab, hand_exports: Path, tmp_path: Path, name: str
) -> None:
    hand_gitlab.inject(FAULTS[name])
    to = tmp_path / "data"
    done(export(hand_gitlab, to, *PATHS, via="auto"))
    assert_events_as_by_rest(to, hand_exports)
    ways = {ident: one["via"] for ident, one in histories(to).items()}
    if name == "a timeout of one issue":
        assert [ident for ident, via in ways.items() if via == "rest"] == [1002]
        assert "Timeout on" in command("check", str(to)).out
    if name == "a timeout that halving cures":
        assert set(ways.values()) == {"graphql"}
    if name == "never again after the probe":
        assert set(ways.values()) == {"rest"}


def test_without_a_token_what_fails_is_named_and_a_later_run_gets_it(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    hand_gitlab.inject({"kind": "timeout", "times": None, "issues": [1002]})
    to = tmp_path / "data"
    outcome = export(hand_gitlab, to, *PATHS, token=None, via="auto")
    refused(outcome, 4, "issue orchard/press/juice#2 history", "Timeout on", "REST needs a token")
    assert 1002 in ra.load(to).issues["issue_id"].tolist(), "its row is there"
    hand_gitlab.inject()
    done(export(hand_gitlab, to, *PATHS, token=None, via="auto"))
    assert 1002 in histories(to)


@pytest.mark.parametrize("token", ["secret", None])
def test_an_issue_that_vanishes_between_list_and_history(
    hand_gitlab: LoopbackGitLab, tmp_path: Path, token: str | None
) -> None:
    change = {
        "kind": "change",
        "match": r'graphql[\s\S]*"i": ?\["\d*[1-9]',
        "delete_issues": [1002],
    }
    hand_gitlab.inject(change)
    to = tmp_path / "data"
    done(export(hand_gitlab, to, *PATHS, token=token, via="graphql"))
    assert hand_gitlab.counts().struck == [1]
    assert 1002 not in ra.load(to).issues["issue_id"].tolist()


def test_an_issue_that_graphql_does_not_show_comes_by_rest(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    body = {"data": {"project": None}}
    juice = {"kind": "status", "status": 200, "body": body, "times": None}
    hand_gitlab.inject({**juice, "match": r'graphql[\s\S]*"p": ?"orchard/website"'})
    to = tmp_path / "data"
    done(export(hand_gitlab, to, *PATHS, via="graphql"))
    ways = {one["project_id"]: one["via"] for one in histories(to).values()}
    assert ways == {100: "graphql", 101: "rest", 103: "graphql"}
    assert "an issue that GraphQL does not show" in command("check", str(to)).out


def test_a_note_that_no_rule_reads_is_named_and_its_issue_comes_by_rest(
    hand_gitlab: LoopbackGitLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(activity._GRAMMARS, "WeightNote")
    to = tmp_path / "data"
    done(export(hand_gitlab, to, *PATHS, via="graphql"))
    ways = {ident: one["via"] for ident, one in histories(to).items()}
    assert [ident for ident, via in ways.items() if via == "rest"] == [1003]
    assert "by REST: a note of the unknown class WeightNote" in command("check", str(to)).out
    outcome = export(hand_gitlab, tmp_path / "b", *PATHS, token=None, via="auto")
    refused(outcome, 4, "issue orchard/press/juice#3 history", "the unknown class WeightNote")


@pytest.mark.parametrize(
    "answer",
    [
        {"data": None},
        {"data": {"project": {"workItems": None}}},
        {"data": {"project": {"workItems": {"nodes": [{"iid": "1", "widgets": []}]}}}},
        {"data": {"project": {"workItems": {"nodes": [{"iid": "1"}]}}}},
        {"errors": "many"},
        [1, 2],
        "text",
    ],
)
def test_answers_that_are_not_gitlabs(
    hand_gitlab: LoopbackGitLab, tmp_path: Path, answer: Any
) -> None:
    odd = {"kind": "status", "status": 200, "body": answer, "match": "graphql", "skip": 1}
    hand_gitlab.inject({**odd, "times": None})
    to = tmp_path / "data"
    done(export(hand_gitlab, to, *PATHS, via="auto"))
    assert {one["via"] for one in histories(to).values()} == {"rest"}


@pytest.mark.parametrize(
    "nodes",
    [None, [1], [{"id": "gid://gitlab/Milestone/x"}], [{"id": 7, "iid": "1"}], [{"id": None}]],
)
def test_lists_that_are_not_gitlabs_are_named_failures(
    hand_gitlab: LoopbackGitLab, tmp_path: Path, nodes: Any
) -> None:
    page = {"nodes": nodes, "pageInfo": {"hasNextPage": False, "endCursor": None}}
    body = {"data": {"group": {"id": "gid://gitlab/Group/10", "milestones": page}}}
    odd = {"kind": "status", "status": 200, "body": body, "times": None}
    hand_gitlab.inject({**odd, "match": r"graphql[\s\S]*group\(fullPath[\s\S]*milestones"})
    outcome = export(hand_gitlab, tmp_path / "data", "orchard", token=None, via="auto")
    assert outcome.code == 4, outcome.err
    assert "milestones of group orchard: 200: a GraphQL answer without milestones" in outcome.err
    assert "Traceback" not in outcome.err


def test_a_server_under_a_path(
    hand_gitlab: LoopbackGitLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_gitlab.set(prefix="/gitlab")
    (tmp_path / "roadmap.toml").write_text(
        f'[gitlab]\nurl = "{hand_gitlab.url}/gitlab"\ngroups = ["orchard"]\n'
    )
    out = done(command("export", "--to", "data", token=None))
    assert "histories by GraphQL" in out
    addresses = ra.load(tmp_path / "data").milestones["web_url"]
    assert addresses.str.startswith(f"{hand_gitlab.url}/").all()


@pytest.mark.parametrize("seed", [0, *left_to_soak(1, 2, 3)])
@pytest.mark.parametrize("token", ["secret", None])
def test_mixed_faults(
    hand_gitlab: LoopbackGitLab, tmp_path: Path, seed: int, token: str | None
) -> None:
    done(export(hand_gitlab, tmp_path / "calm", *PATHS, token=token, via="graphql"))
    faults = [
        *storm(seed),
        {"kind": "timeout", "match": "graphql", "chance": 0.3, "times": 6, "seed": seed},
    ]
    hand_gitlab.inject(*faults)
    to = tmp_path / "data"
    for _ in range(8):
        outcome = export(hand_gitlab, to, *PATHS, token=token, via="auto")
        if outcome.code == 0 and store.read_manifest(to).runs[-1].via == "graphql":
            break
        fails_by_name(outcome, 0, 4)
    else:
        raise AssertionError("eight runs, and still no dataset: " + outcome.err)
    found, expected = ra.load(to), ra.load(tmp_path / "calm")
    pd.testing.assert_frame_equal(by_second(found.issue_events), by_second(expected.issue_events))
    pd.testing.assert_frame_equal(found.issues, expected.issues)


# -- again, and again after a kill -----------------------------------------------------------------


@pytest.mark.parametrize("token", ["secret", None])
def test_nightly_runs_equal_a_first_export(
    gitlab: LoopbackGitLab, tmp_path: Path, token: str | None
) -> None:
    life, to = Life(7), tmp_path / "data"
    gitlab.set(licensed=True)
    for _ in range(5):
        gitlab.load(life.records(), now=life.now)
        done(export(gitlab, to, *PATHS, token=token, via="auto"))
        life.work(12)
    gitlab.load(life.records(), now=life.now)
    done(export(gitlab, to, *PATHS, token=token, via="auto"))
    done(export(gitlab, tmp_path / "fresh", *PATHS, token=token, via="auto"))
    found, expected = ra.load(to), ra.load(tmp_path / "fresh")
    for name, frame in expected.frames.items():
        if name != "milestone_dates":  # earlier exports saw more of them
            pd.testing.assert_frame_equal(found[name], frame, obj=name)


@pytest.mark.parametrize("token", ["secret", None])
@pytest.mark.parametrize("seed", [30])
def test_what_people_do_meanwhile_is_found_at_the_latest_by_the_next_run(
    gitlab: LoopbackGitLab, tmp_path: Path, seed: int, token: str | None
) -> None:
    while_people_work(
        gitlab, tmp_path / "data", seed, number=3, changes=12, via="auto", token=token
    )


def test_the_way_may_change_between_runs(gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    life, to = Life(8), tmp_path / "data"
    gitlab.set(licensed=True)
    for via in ("rest", "graphql", "rest", "auto"):
        gitlab.load(life.records(), now=life.now)
        done(export(gitlab, to, *PATHS, via=via))
        done(export(gitlab, tmp_path / f"fresh-{life.now[:10]}", *PATHS, via="rest"))
        fresh = ra.load(tmp_path / f"fresh-{life.now[:10]}")
        pd.testing.assert_frame_equal(
            by_second(ra.load(to).issue_events), by_second(fresh.issue_events)
        )
        life.work(10)


@pytest.mark.parametrize("after", [9, 16, *left_to_soak(12, 20)])
def test_killed_and_run_again(gitlab: LoopbackGitLab, tmp_path: Path, after: int) -> None:
    world, to = big_world.world(120, 12), tmp_path / "data"
    gitlab.load(world, now=NOW)
    gitlab.set(latency=0.05)
    assert killed_after(gitlab, to, after, "big", via="graphql"), "it was still running"
    gitlab.set(latency=0)
    gitlab.reset()
    done(export(gitlab, to, "big", via="graphql"))
    done(export(gitlab, tmp_path / "fresh", "big", via="graphql"))
    found = ra.load(to)
    for name, frame in ra.load(tmp_path / "fresh").frames.items():
        pd.testing.assert_frame_equal(found[name], frame, obj=name)


# -- what it costs ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("projects", "token", "most"),
    [(1, "secret", 60), (50, None, 130), *left_to_soak((50, "secret", 130))],
)
def test_requests_of_a_first_and_a_second_run(
    gitlab: LoopbackGitLab, tmp_path: Path, projects: int, token: str | None, most: int
) -> None:
    to, world = tmp_path / "data", big_world.world(1000, projects)
    gitlab.load(world, now=NOW)
    gitlab.reset()
    done(export(gitlab, to, "groups/big", token=token, via="auto"))
    counts = gitlab.counts()
    assert counts.total <= most, counts.routes
    assert len(histories(to)) == 1000
    gitlab.load([*world, *big_world.touched(world, 10)], now=LATER)
    gitlab.reset()
    done(export(gitlab, to, "groups/big", token=token, via="auto"))
    again = gitlab.counts()
    lists = 0 if token else projects + 2  # milestones and labels come by GraphQL, too
    assert again.routes["graphql"] - lists <= 15, again.routes
    assert store.read_manifest(to).runs[-1].via == "graphql"


def test_the_anonymous_limit_is_waited_out(
    hand_gitlab: LoopbackGitLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quicken(monkeypatch, 2)
    # As many as even a busy machine asks for within half a second, or nothing would be limited.
    hand_gitlab.set(rate_limit={"requests": 8, "seconds": 0.5, "headers": "retry-after"})
    done(export(hand_gitlab, tmp_path / "data", *PATHS, token=None, via="auto"))
    assert hand_gitlab.counts().status["429"] >= 1


# -- doctor ----------------------------------------------------------------------------------------


def ask(server: LoopbackGitLab, path: str, token: str | None = "secret") -> Outcome:
    server.reset()
    outcome = command("doctor", f"{server.url}/{path}", token=token)
    assert server.counts().total < 20
    return outcome


def said(outcome: Outcome, question: str) -> str:
    return next(
        line.removeprefix(question).strip()
        for line in outcome.out.splitlines()
        if line.startswith(f"{question}  ")
    )


def test_the_doctor_says_what_an_export_would_see(hand_gitlab: LoopbackGitLab) -> None:
    hand_gitlab.set(now=None, licensed=True)
    outcome = ask(hand_gitlab, "groups/orchard")
    done(outcome)
    assert said(outcome, "with the token: issues") == "7"
    assert said(outcome, "without a token: issues") == "6"
    assert said(outcome, "with the token: weights") == "licensed"
    assert said(outcome, "with the token: times by REST") == "UTC, milliseconds"
    assert said(outcome, "with the token: times by GraphQL") == "UTC, whole seconds"
    assert said(outcome, "with the token: clock of the server") == "as here"
    assert said(outcome, "without a token: histories by GraphQL").startswith("yes, score 1")
    assert "of 250" in said(outcome, "with the token: histories by GraphQL")
    assert "by GraphQL" in outcome.out
    assert "secret" not in outcome.out
    assert "ana" not in outcome.out.replace("analytics", "")
    assert "apples" not in outcome.out


@pytest.mark.parametrize("answer", [{"data": {"project": 7}}, {"data": 7}, [7], {"errors": [7]}])
def test_the_doctor_of_what_is_no_gitlab(hand_gitlab: LoopbackGitLab, answer: Any) -> None:
    odd = {"kind": "status", "status": 200, "body": answer, "match": "graphql", "times": None}
    hand_gitlab.inject(odd)
    outcome = ask(hand_gitlab, "groups/orchard")
    done(outcome)
    assert said(outcome, "with the token: histories by GraphQL").startswith("no (")
    hand_gitlab.inject({**odd, "match": "api"})
    outcome = ask(hand_gitlab, "groups/orchard")
    assert outcome.code == 4, outcome.out
    assert "Traceback" not in outcome.err


def test_the_doctor_where_little_is_seen(hand_gitlab: LoopbackGitLab) -> None:
    hand_gitlab.set(notes_widget=False, licensed=False, users_restricted=True)
    outcome = ask(hand_gitlab, "orchard/press/juice", token="weak")
    done(outcome)
    assert said(outcome, "with the token: weights").startswith("not licensed (404")
    assert "No such type" in said(outcome, "with the token: histories by GraphQL")
    hand_gitlab.set(notes_widget=True)
    outcome = ask(hand_gitlab, "orchard/press/juice", token=None)
    hidden, _, notes = said(outcome, "without a token: notes without an author").partition(" of ")
    assert hidden == notes
    outcome = ask(hand_gitlab, "groups/nothing")
    refused(outcome, 3, "expected a group or project, got 404")
    outcome = ask(hand_gitlab, "groups/orchard", token="wrong")
    done(outcome)
    assert "401" in said(outcome, "with the token: the group or project")
    assert said(outcome, "without a token: issues") == "6"
