"""The simulated GitLab: the same bytes, answers as GitLab's, one world seen on several days."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import numpy as np
import orjson
import pandas as pd
import pytest
import referencing
from referencing.jsonschema import DRAFT4

from roadmap_analytics import Dataset, frames, load, simulate
from roadmap_analytics.frames import RunRecords
from roadmap_analytics.simulate.world import DAY, DRIFT, START, Clock, World, at_noon, milliseconds
from tests.exporting import command
from tests.gitlab_server import present

Row = dict[str, Any]
ISSUES, SEED = 1500, 3
DAYS = ["2024-06-30T12:00:00Z", "2025-08-31T12:00:00Z", simulate.NOW]


def world(seen_at: str | None = None, issues: int = ISSUES, seed: int = SEED) -> list[Row]:
    return list(simulate.records(issues, seed, seen_at=seen_at))


def of_kind(records: Iterable[Row], kind: str) -> list[Row]:
    return [record for record in records if record["kind"] == kind]


def issues_of(records: Iterable[Row]) -> dict[int, Row]:
    return {record["data"]["id"]: record["data"] for record in of_kind(records, "issue")}


def histories_of(records: Iterable[Row]) -> dict[int, dict[str, list[Row]]]:
    return {record["issue_id"]: record["data"] for record in of_kind(records, "history")}


@pytest.fixture(scope="module")
def views() -> dict[str, list[Row]]:
    return {day: world(day) for day in DAYS}


@pytest.fixture(scope="module")
def today(views: dict[str, list[Row]]) -> list[Row]:
    return views[simulate.NOW]


@pytest.fixture(scope="module")
def built(today: list[Row]) -> dict[str, pd.DataFrame]:
    return frames.build([RunRecords(1, simulate.NOW, today)])


def digest(records: Iterable[Row]) -> str:
    found = hashlib.sha256()
    for record in records:
        found.update(orjson.dumps(record))
    return found.hexdigest()


def test_same_arguments_same_bytes(today: list[Row]) -> None:
    assert digest(world()) == digest(today)
    assert digest(world(seed=SEED + 1)) != digest(today)
    assert digest(world(DAYS[0])) != digest(today)


def test_asked_for_so_many_issues(today: list[Row]) -> None:
    """Less those deleted, and those that next year's milestones will bring."""
    odd = simulate.oddities(ISSUES, SEED)
    there = len(issues_of(today)) - len(odd["copy of moved"])
    assert 0.93 * ISSUES < there <= ISSUES


@pytest.mark.parametrize("kind", ["issue", "milestone", "notes", "user"])
def test_answers_fit_gitlab_s_own_schemas(shared: Path, today: list[Row], kind: str) -> None:
    """With the fields that an export leaves out put back, as the loopback server does."""
    home = shared / "gitlab" / "json-schemas" / "public_api" / "v4"
    if kind == "issue":
        rows = [present.issue(row, licensed=True) for row in issues_of(today).values()]
        schema = json.loads((home / "issue.json").read_text())
    elif kind == "milestone":
        rows = [present.milestone(r["data"]) or {} for r in of_kind(today, "milestone")]
        schema = json.loads((home / "milestone.json").read_text())
    elif kind == "notes":
        issues = issues_of(today)
        rows = [
            present.note(note, issues[ident])
            for ident, history in histories_of(today).items()
            for note in history["notes"]
        ]
        schema = json.loads((home / "notes.json").read_text())["items"]
    else:
        histories = histories_of(today).values()
        users = [event["user"] for history in histories for event in history["state_events"]]
        rows = [present.user(one) or {} for one in users if one]
        schema = json.loads((home / "user" / "basic.json").read_text())
    registry: Any = referencing.Registry().with_resource("", DRAFT4.create_resource(schema))
    judge = jsonschema.Draft4Validator(schema, registry=registry)
    assert rows
    for row in rows[:600]:
        judge.validate(row)


def test_ids_are_unique_and_iids_count_up_as_issues_appear(today: list[Row]) -> None:
    issues = [record["data"] for record in of_kind(today, "issue")]
    assert len({issue["id"] for issue in issues}) == len(issues)
    assert len({(issue["project_id"], issue["iid"]) for issue in issues}) == len(issues)
    copies = set(simulate.oddities(ISSUES, SEED)["copy of moved"])
    born = sorted(
        (issue["project_id"], issue["iid"], issue["created_at"])
        for issue in issues
        if issue["id"] not in copies  # a copy keeps the birthday of the original
    )
    for (project, _, earlier), (same, _, later) in itertools.pairwise(born):
        assert project != same or earlier <= later
    for name in ("state_events", "label_events", "milestone_events", "weight_events", "notes"):
        ids = [row["id"] for history in histories_of(today).values() for row in history[name]]
        assert len(ids) == len(set(ids)), name


def test_events_lie_between_creation_and_last_update(today: list[Row]) -> None:
    issues, histories = issues_of(today), histories_of(today)
    assert issues.keys() == histories.keys()
    late = dt.timedelta(milliseconds=300)  # a state event trails the field
    for ident, history in histories.items():
        issue = issues[ident]
        last = dt.datetime.fromisoformat(issue["updated_at"]) + late
        for rows in history.values():
            for row in rows:
                at = dt.datetime.fromisoformat(row["created_at"])
                assert dt.datetime.fromisoformat(issue["created_at"]) <= at <= last


def test_no_milestone_is_used_before_it_exists(today: list[Row]) -> None:
    for history in histories_of(today).values():
        for event in history["milestone_events"]:
            assert event["created_at"] >= event["milestone"]["created_at"]


def test_references_resolve(today: list[Row]) -> None:
    """Milestones, projects, moves: what an answer names is there, and as it is listed."""
    milestones = {record["data"]["id"]: record["data"] for record in of_kind(today, "milestone")}
    projects = {record["data"]["id"] for record in of_kind(today, "project")}
    issues = issues_of(today)
    for issue in issues.values():
        assert issue["project_id"] in projects
        if issue["milestone"]:
            assert issue["milestone"] == milestones[issue["milestone"]["id"]]
        if issue["moved_to_id"]:
            assert issue["state"] == "closed"
            assert issues[issue["moved_to_id"]]["created_at"] == issue["created_at"]
    listed = {
        ident
        for record in of_kind(today, "listing")
        if record["of"] == "issues"
        for ident in record["ids"]
    }
    assert listed == issues.keys()


def test_replay_gives_today_s_fields(built: dict[str, pd.DataFrame], today: list[Row]) -> None:
    """What had to be inferred belongs to issues that are odd on purpose, and to no others."""
    events = built["issue_events"]
    odd = simulate.oddities(ISSUES, SEED)
    assert set(events.loc[events["correction"], "issue_id"]) <= set(odd["imported"])
    expected = {*odd["milestone without event"], *odd["imported"], *odd["copy of moved"]}
    inferred = set(events.loc[events["source"] == "inferred", "issue_id"])
    assert inferred <= expected
    silent = set(odd["milestone without event"]) - set(odd["imported"])
    born_in = set(events.query("field == 'milestone' and source == 'inferred'")["issue_id"])
    assert silent <= born_in


def test_oddities_are_what_they_say(today: list[Row]) -> None:
    odd, issues, histories = simulate.oddities(ISSUES, SEED), issues_of(today), histories_of(today)
    assert set(odd["imported"]) == {i for i, one in issues.items() if one["imported"]}
    assert set(odd["moved"]) >= {i for i, one in issues.items() if one["moved_to_id"]}
    nameless = {
        i for i, h in histories.items() if any(e["label"] is None for e in h["label_events"])
    }
    assert nameless <= set(odd["deleted label"])
    ghosts = {
        ident
        for ident, history in histories.items()
        for note in history["notes"]
        if note["author"]["username"] == "ghost"
    }
    assert ghosts
    assert ghosts <= {*odd["deleted user"], *odd["copy of moved"]}


def test_a_later_view_extends_the_earlier_one(views: dict[str, list[Row]]) -> None:
    for earlier, later in itertools.pairwise(DAYS):
        before, after = issues_of(views[earlier]), issues_of(views[later])
        gone = before.keys() - after.keys()
        assert len(gone) < 0.02 * len(before)  # deleted since
        old, new = histories_of(views[earlier]), histories_of(views[later])
        for ident in before.keys() - gone:
            assert before[ident]["updated_at"] <= after[ident]["updated_at"]
            for name, rows in old[ident].items():
                kept = new[ident][name][: len(rows)]
                assert [_own(row) for row in kept] == [_own(row) for row in rows]
        changed = [i for i in before.keys() & after.keys() if before[i] != after[i]]
        touched = [i for i in changed if before[i]["updated_at"] != after[i]["updated_at"]]
        assert 0 < len(touched) < len(before)


def _own(event: Row) -> Row:
    """An event without its milestone's dates: they are today's, not its own."""
    return event | {"milestone": (event.get("milestone") or {}).get("id")}


def test_nothing_after_the_view_shows(views: dict[str, list[Row]]) -> None:
    for day, records in views.items():
        seen = pd.Timestamp(day)
        for issue in issues_of(records).values():
            assert pd.Timestamp(issue["created_at"]) <= seen
            assert pd.Timestamp(issue["updated_at"]) <= seen
        for record in of_kind(records, "milestone"):
            assert pd.Timestamp(record["data"]["updated_at"]) <= seen
        for record in of_kind(records, "document"):
            assert pd.Timestamp(record["revision_hint"], tz="UTC") <= seen


def test_due_dates_move_between_views() -> None:
    seen: dict[int, list[str | None]] = {}
    for day in pd.date_range("2023-10-01", simulate.NOW[:10], freq="MS", tz="UTC"):
        for record in of_kind(world(day.isoformat(), issues=20), "milestone"):
            seen.setdefault(record["data"]["id"], []).append(record["data"]["due_date"])
    moves = Counter(len(set(dues)) - 1 for dues in seen.values())
    assert moves[0] >= 3  # kept
    assert moves[1] + moves[2] >= 10  # put off, once or twice


def test_it_has_what_a_reader_must_cope_with(
    today: list[Row], built: dict[str, pd.DataFrame]
) -> None:
    issues, events = built["issues"], built["issue_events"]
    assert set(issues["type"]) == {"issue", "task", "incident", "ticket"}
    assert issues["confidential"].any()
    assert issues["weight"].isna().mean() > 0.1
    assert (issues["milestone_id"].isna()).mean() > 0.2  # work without a plan
    assert set(built["milestones"]["kind"]) == {"group", "project"}
    assert built["milestones"]["draft"].sum() == 2
    assert "Future" in set(built["issue_labels"]["label"])
    assert {"ada", "ada.old", "hugo"} <= set(built["people"]["username"])
    reopened = events[(events["field"] == "state") & (events["source"] == "event")]
    assert (reopened["value"] == "opened").sum() > 20
    members = events[events["field"] == "milestone"].groupby("issue_id")["milestone_id"].nunique()
    assert (members > 1).sum() > 20  # carried over
    text = " ".join(note["body"] for h in histories_of(today).values() for note in h["notes"])
    for wording in (" and @", "unassigned @", "time estimate to", "of time spent", "moved from "):
        assert wording in text, wording


def test_people_rest_in_summer_and_at_weekends(built: dict[str, pd.DataFrame]) -> None:
    closed = built["issues"]["closed_at"].dropna()
    assert (closed.dt.day_of_week > 4).mean() < 0.1
    per_month = closed[closed < "2026-08-01"].dt.month.value_counts()
    assert per_month[7] < 0.6 * per_month.median()


def test_charts_of_such_worlds_burn_down(built: dict[str, pd.DataFrame]) -> None:
    """Most of a finished milestone is done by its last due date, little at its start."""
    issues, milestones = built["issues"], built["milestones"]
    over = milestones[milestones["state"] == "closed"]
    joined = issues.merge(over[["milestone_id", "start_date", "due_date"]], on="milestone_id")
    done = joined["closed_at"].dt.tz_localize(None)
    # What was put off is sometimes closed in the days between two milestones.
    assert (done < joined["start_date_y"]).mean() < 0.06
    middle = joined["start_date_y"] + (joined["due_date_y"] - joined["start_date_y"]) / 2
    assert 0.15 < (done < middle).mean() < 0.6
    assert (done < joined["due_date_y"] + pd.Timedelta(days=7)).mean() > 0.8


def test_a_clock_of_work_counted_by_hand() -> None:
    """Seasons at pace 0.5 and 1.5 in turn: half of two is done 30 days into the second."""

    class Paces:
        def standard_normal(self, count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
            return np.resize(np.log([0.5, 1.5]), count) / DRIFT

    clock = Clock(Paces())  # type: ignore[arg-type]
    begin = at_noon(START)
    assert clock.worked(begin) == 0
    assert clock.worked(begin + 91 * DAY) == pytest.approx(45.5 * DAY)
    assert clock.worked(begin + 182 * DAY) == pytest.approx(182 * DAY)
    half = clock.between(begin, begin + 182 * DAY, 0.5)
    assert half == pytest.approx(begin + (91 + 45.5 / 1.5) * DAY, abs=2)
    assert clock.later(begin, 45.5) == pytest.approx(begin + 91 * DAY, abs=2)
    # Beyond its last season, of pace 1.5, and before its first, of 0.5, it goes on as there.
    last = clock.worked(begin + 24 * 91 * DAY)
    assert clock.worked(begin + (24 * 91 + 10) * DAY) == pytest.approx(last + 15 * DAY)
    assert clock.worked(begin - 10 * DAY) == pytest.approx(-5 * DAY)


@pytest.mark.parametrize("seed", range(3))
def test_a_clock_only_goes_forward_and_back_to_where_it_was(seed: int) -> None:
    clock = Clock(np.random.default_rng(seed))
    times = [at_noon(START) + n * 17 * DAY for n in range(-5, 150)]
    worked = [clock.worked(at) for at in times]
    assert worked == sorted(set(worked))
    assert [clock.when(done) for done in worked] == pytest.approx(times, abs=2)


def test_tidied_milestones_are_closed_empty(today: list[Row]) -> None:
    """No issue is left in the open but those that were reopened in these days, or come back."""
    simulated = World(ISSUES, SEED)
    tidied = {m.id for m in simulated.milestones if m.tidied}
    ends = {m.id: m.ended for m in simulated.milestones}
    left: Counter[bool] = Counter()
    for history in histories_of(today).values():
        inside: dict[int, int] = {}  # milestone -> when the issue came in
        states = [(milliseconds(e["created_at"]), e["state"]) for e in history["state_events"]]
        for event in history["milestone_events"]:
            at, ident = milliseconds(event["created_at"]), event["milestone"]["id"]
            for before, since in inside.items():
                if since < ends[before] <= at and _open(states, ends[before]):
                    left[before in tidied] += 1
            inside = {ident: at} if event["action"] == "add" else {}
        for before, since in inside.items():
            if since < ends[before] <= milliseconds(simulate.NOW) and _open(states, ends[before]):
                left[before in tidied] += 1
    assert left[False] > 20
    assert left[True] <= 0.1 * left[False]


def _open(states: list[tuple[int, str]], at: int) -> bool:
    return [state for since, state in states if since <= at][-1:] != ["closed"]


def test_the_roadmaps_are_true_to_the_milestones(today: list[Row]) -> None:
    documents = of_kind(today, "document")
    assert 7 <= len(documents) <= 9
    urls = {record["data"]["web_url"] for record in of_kind(today, "milestone")}
    for record in documents:
        named = {word.split("#")[0] for word in record["text"].split() if "/-/milestones/" in word}
        assert named, record["name"]
        assert named <= urls, record["name"]
    older = "\n".join(record["text"] for record in documents[:4])
    newer = "\n".join(record["text"] for record in documents[5:])
    assert "- hugo" in older
    assert "hugo" not in newer


def test_every_revision_is_read_whole(built: dict[str, pd.DataFrame], today: list[Row]) -> None:
    """Nine revisions in three layouts: items, targets, people and milestones of each."""
    names = {record["revision_hint"] for record in of_kind(today, "document")}
    revisions = built["revisions"]
    assert {f"{day:%Y-%m-%d}" for day in revisions["revision"]} == names
    assert revisions["layout"].nunique() == 3
    assert revisions["next_update_date"].notna().all()
    for name in ("roadmap_items", "responsibilities", "roadmap_milestones"):
        per_revision = built[name].groupby("revision").size()
        assert len(per_revision) == len(names), name
        assert per_revision.min() >= 2, name
    targets = built["roadmap_items"].groupby("revision")["target_date"].count()
    assert targets.min() >= 2


@pytest.mark.parametrize("issues", [1, 2, 17])
def test_tiny_worlds_are_whole(issues: int) -> None:
    made = Dataset(frames.build([RunRecords(1, simulate.NOW, world(issues=issues))]))
    assert len(made.milestones) > 20
    assert not made.issue_events["correction"].any()


def test_a_bigger_world_has_more_teams() -> None:
    paths = {r["data"]["full_path"] for r in simulate.records(5200, 1) if r["kind"] == "group"}
    assert "beacon/unit002/core" in paths
    assert "beacon/unit003" not in paths


def test_no_number_is_numpy_s(today: list[Row]) -> None:
    """Records are plain JSON: a numpy scalar would be refused by other writers of JSON."""

    def leaves(value: Any) -> Iterable[Any]:
        if isinstance(value, dict):
            for one in value.values():
                yield from leaves(one)
        elif isinstance(value, list):
            for one in value:
                yield from leaves(one)
        else:
            yield value

    assert not any(isinstance(leaf, np.generic) for record in today for leaf in leaves(record))


def test_the_command_writes_the_same_bytes_for_the_same_arguments(tmp_path: Path) -> None:
    def written(folder: str, *arguments: str) -> dict[str, bytes]:
        to = tmp_path / folder
        done = command("simulate", "--to", str(to), *arguments)
        assert done.code == 0, done.err
        return {
            path.relative_to(to).as_posix(): path.read_bytes()
            for path in to.rglob("*")
            if path.is_file() and not path.name.startswith(".lock")
        }

    once = written("once", "--issues", "60", "--seed", "5")
    assert once == written("twice", "--issues", "60", "--seed", "5")
    other = written("other", "--issues", "60", "--seed", "6")
    assert once.keys() == other.keys()
    assert once != other
    assert load(tmp_path / "once").simulated
