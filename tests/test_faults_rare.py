"""Rare trouble: clocks set back, projects renamed during a run, odd spellings of time, much talk.

As elsewhere, the measure is a first export of the server as it is now.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest

import roadmap_analytics as ra
from roadmap_analytics import export as exporting
from roadmap_analytics.errors import DatasetError, ServerError
from roadmap_analytics.gitlab.crawl import Export
from tests.examples import left_to_soak
from tests.exporting import command, export, fork_export
from tests.gitlab_server import LoopbackGitLab
from tests.gitlab_server.hand_world import LABELS, NOW, hand_world, person
from tests.gitlab_server.life import Life
from tests.test_faults import (
    PATHS,
    assert_as_exported_afresh,
    assert_quiet_run_finds_all,
    fails_by_name,
    holds,
    hurried,
)
from tests.test_hostile_dataset import manifest_of, sealed

__all__ = ["hurried"]

pytestmark = pytest.mark.usefixtures("records_alone")
Row = dict[str, Any]
VIA = ["rest", "graphql"]
SAMPLE = Path(__file__).parents[1] / "data" / "sample"


# -- two at once -----------------------------------------------------------------------------------


def test_the_second_of_two_exports_into_one_folder_ends_and_harms_nothing(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    to = tmp_path / "data"
    hand_gitlab.set(latency=0.01)
    first = fork_export(hand_gitlab, to, *PATHS)
    while hand_gitlab.counts().total < 5:
        assert first.is_alive()
        time.sleep(0.005)
    os.kill(first.pid or 0, signal.SIGSTOP)  # in the midst of it, however long the second takes
    try:
        second = export(hand_gitlab, to, *PATHS)
        assert first.is_alive(), "it was still running"
    finally:
        os.kill(first.pid or 0, signal.SIGCONT)
    fails_by_name(second, 5)
    assert f"locked by process {first.pid} on" in second.err
    first.join(60)
    assert first.exitcode == 0
    hand_gitlab.set(latency=0.0)
    holds(export(hand_gitlab, to, *PATHS), to)


# -- clocks that step back -------------------------------------------------------------------------


def unseen_edit(life: Life, issue_id: int = 1003) -> None:
    """Put a label on and take it off again: the issue's row stays as it was.

    GitLab leaves `updated_at` alone where it is less than a minute old, and so does a clock that
    was set back: to it the last update lies ahead.
    """
    story = life._told(life.world.issues[issue_id])
    before = story.issue["updated_at"]
    story.label(life._stamp(), "later", ident=LABELS["later"])
    story.label(life._stamp(), "later", "remove", LABELS["later"])
    assert story.issue["updated_at"] == before
    life.world.change([])


def touched(life: Life, issue_id: int = 1003) -> None:
    """Let an issue be updated now, and some minutes pass."""
    life._told(life.world.issues[issue_id]).note(life._stamp(), "changed the description")
    life.at += timedelta(minutes=10)
    life.world.change([])


@pytest.mark.parametrize("via", VIA)
@pytest.mark.parametrize("whose", ["server", "machine"])
def test_a_clock_set_back_between_two_runs(
    gitlab: LoopbackGitLab,
    tmp_path: Path,
    whose: str,
    via: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    life, to = Life(71), tmp_path / "data"
    gitlab.set(licensed=True)
    # A proxy that drops the header Date leaves only the clock of this machine.
    timeless = {"kind": "headers", "drop": ["Date"], "times": None}
    faults = [timeless] if whose == "machine" else []
    monkeypatch.setattr(exporting, "_now", lambda: life.at)
    touched(life)
    for back in (timedelta(0), timedelta(hours=1), timedelta(hours=30)):
        life.at -= back
        if back:
            unseen_edit(life)
        life.work(4, within=timedelta(minutes=20))
        gitlab.load(life.records(), now=life.now)
        gitlab.inject(*faults)
        outcome = export(gitlab, to, *PATHS, via=via)
        assert outcome.code == 0, outcome.err
        if back:
            assert_as_exported_afresh(gitlab, to, f"{back} back", via=via)


@pytest.mark.parametrize("via", VIA)
def test_a_clock_set_back_during_a_run(gitlab: LoopbackGitLab, tmp_path: Path, via: str) -> None:
    life, to = Life(72), tmp_path / "data"
    gitlab.set(licensed=True)
    touched(life)
    gitlab.load(life.records(), now=life.now)
    assert export(gitlab, to, *PATHS, via=via).code == 0
    gitlab.reset()
    full = {"options": ("--full",), "via": via}
    assert export(gitlab, to, *PATHS, **full).code == 0
    requests = gitlab.counts().total
    for skip in (2, requests // 2, requests - 4):
        touched(life)
        gitlab.load(life.records(), now=life.now)
        life.at -= timedelta(hours=1)
        unseen_edit(life)
        life.work(3, within=timedelta(minutes=4))
        gitlab.inject(
            {"kind": "change", "skip": skip, "world": life.records(), "now": life.now},
        )
        outcome = export(gitlab, to, *PATHS, **full)
        assert outcome.code == 0, outcome.err
        assert gitlab.counts().struck == [1]
        assert_quiet_run_finds_all(gitlab, life, to, f"after {skip} requests", via=via)


# -- other paths -----------------------------------------------------------------------------------


def renamed(records: list[Row], old: str, new: str) -> list[Row]:
    """A world where a group or project has another path: all addresses change, notes do not."""

    def elsewhere(value: Any) -> Any:
        return orjson.loads(re.sub(rf"\b{old}\b".encode(), new.encode(), orjson.dumps(value)))

    found = []
    for record in records:
        if record["kind"] == "history":
            data = record["data"]
            events = elsewhere(data["milestone_events"])
            found.append({**record, "data": {**data, "milestone_events": events}})
        else:
            found.append(elsewhere(record))
    return found


@pytest.mark.parametrize("moments", [2, *left_to_soak(4)])
@pytest.mark.parametrize(
    ("old", "new", "via"),
    [
        ("orchard/press/juice", "orchard/press/cider", "rest"),
        ("orchard/website", "orchard/press/site", "graphql"),
        ("orchard/press", "orchard/cellar", "rest"),
        *left_to_soak(
            ("orchard/press/juice", "orchard/press/cider", "graphql"),
            ("orchard/website", "orchard/press/site", "rest"),
            ("orchard/press", "orchard/cellar", "graphql"),
        ),
    ],
)
def test_a_project_or_group_that_is_renamed_or_transferred_during_a_run(
    gitlab: LoopbackGitLab, tmp_path: Path, old: str, new: str, moments: int, via: str
) -> None:
    gitlab.load(hand_world(), now=NOW)
    gitlab.set(licensed=True)
    assert export(gitlab, tmp_path / "counted", *PATHS, via=via).code == 0
    requests = gitlab.counts().total
    for number, skip in enumerate(range(3, requests, max(1, requests // moments))):
        to = tmp_path / f"data{number}"
        gitlab.load(hand_world(), now=NOW)
        gitlab.inject({"kind": "change", "skip": skip, "world": renamed(hand_world(), old, new)})
        fails_by_name_or_ends(export(gitlab, to, *PATHS, via=via))
        gitlab.inject()
        gitlab.set(now="2024-07-01T12:00:00+00:00")
        outcome = export(gitlab, to, *PATHS, via=via)
        assert outcome.code == 0, outcome.err
        assert_as_exported_afresh(gitlab, to, f"{old}, after {skip} requests", via=via)


def fails_by_name_or_ends(outcome: Any) -> None:
    assert outcome.code in (0, 4), (outcome.code, outcome.err)
    assert "Traceback" not in outcome.err


# -- nothing there ---------------------------------------------------------------------------------


@pytest.mark.parametrize("via", VIA)
def test_a_group_without_projects_and_milestones(
    gitlab: LoopbackGitLab, tmp_path: Path, via: str
) -> None:
    group = next(r for r in hand_world() if r["kind"] == "group" and r["data"]["id"] == 20)
    gitlab.load([group], now=NOW)
    for _ in range(2):
        outcome = export(gitlab, tmp_path / "data", "upkeep", via=via)
        assert outcome.code == 0, outcome.err
    frames = ra.load(tmp_path / "data").frames
    assert {name for name, frame in frames.items() if len(frame)} == set()
    assert command("check", str(tmp_path / "data")).code == 0


@pytest.mark.parametrize("via", VIA)
@pytest.mark.parametrize("status", [403, 404])
def test_a_project_whose_issues_are_switched_off(
    hand_gitlab: LoopbackGitLab, hand_exports: Path, tmp_path: Path, status: int, via: str
) -> None:
    to = tmp_path / "data"
    shutil.copytree(hand_exports / via, to)
    assert "orchard/website" in set(ra.load(to).issues["project"])
    left = [r for r in hand_world() if r.get("project") != "orchard/website"]
    left = [r for r in left if r["kind"] != "history" or r["project_id"] != 101]
    for record in left:
        if record["kind"] == "project" and record["data"]["id"] == 101:
            record["data"]["issues_enabled"] = False
    hand_gitlab.load(left, now=NOW)
    off = {"kind": "status", "status": status, "match": r"projects/101/issues", "times": None}
    hand_gitlab.inject(off)
    outcome = export(hand_gitlab, to, *PATHS, via=via)
    assert outcome.code == 0, outcome.err
    assert "orchard/website" not in set(ra.load(to).issues["project"])
    alone = export(hand_gitlab, tmp_path / "alone", "orchard/website", via=via)
    assert alone.code == 0, alone.err
    assert ra.load(tmp_path / "alone").issues.empty


# -- much talk -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "via"),
    [(10_000, "rest"), (2_500, "graphql"), *left_to_soak((10_000, "graphql"))],
)
def test_an_issue_with_thousands_of_notes(
    gitlab: LoopbackGitLab, tmp_path: Path, number: int, via: str
) -> None:
    """By REST a list of more than 10,000 rows is not counted."""
    world = hand_world()
    history = next(r for r in world if r["kind"] == "history" and r["issue_id"] == 1008)
    begin = datetime.fromisoformat("2019-05-01T00:00:00+00:00")
    history["data"]["notes"] += [
        {
            "id": 100_000 + minute,
            "body": f"{('un', '')[minute % 2]}assigned {('', 'to ')[minute % 2]}@cy",
            "author": person("ana"),
            "created_at": (begin + timedelta(minutes=minute)).isoformat(),
        }
        for minute in range(number)
    ]
    gitlab.load(world, now=NOW)
    begun = time.monotonic()
    outcome = export(gitlab, tmp_path / "data", "upkeep", via=via)
    seconds = time.monotonic() - begun
    assert outcome.code == 0, outcome.err
    events = ra.load(tmp_path / "data").issue_events
    assert (events["field"] == "assignee").sum() == number + 1
    # A page each, some lists, and what a busy machine asks again; pages of 20 would be five times.
    assert gitlab.counts().total < 50 + number // 40, "a hundred notes a request"
    assert seconds < 60


# -- spellings of time -----------------------------------------------------------------------------

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
SPELLINGS: list[Callable[[datetime], str]] = [
    lambda at: at.astimezone(timezone(timedelta(hours=5, minutes=30))).isoformat(),
    lambda at: at.astimezone(timezone(-timedelta(hours=3, minutes=30))).isoformat(),
    lambda at: at.astimezone(timezone(timedelta(hours=14))).isoformat(timespec="microseconds"),
    lambda at: at.isoformat().replace("+00:00", "Z"),
    lambda at: at.isoformat().replace("+00:00", "-00:00"),
]


def respelled(value: Any, draw: random.Random) -> Any:
    """The same instants, each written in another way; one without a fraction loses its zeros."""
    if isinstance(value, dict):
        return {name: respelled(one, draw) for name, one in value.items()}
    if isinstance(value, list):
        return [respelled(one, draw) for one in value]
    if isinstance(value, str) and INSTANT.fullmatch(value):
        return draw.choice(SPELLINGS)(datetime.fromisoformat(value))
    return value


@pytest.mark.parametrize("via", VIA)
def test_an_instant_is_the_same_in_every_spelling(
    gitlab: LoopbackGitLab, hand_exports: Path, tmp_path: Path, via: str
) -> None:
    plain = ra.load(hand_exports / via).frames
    gitlab.load(respelled(hand_world(), random.Random(8)), now=NOW)
    outcome = export(gitlab, tmp_path / "odd", *PATHS, via=via)
    assert outcome.code == 0, outcome.err
    for name, frame in ra.load(tmp_path / "odd").frames.items():
        pd.testing.assert_frame_equal(frame, plain[name], obj=name)


def zoneless(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: zoneless(one) for name, one in value.items()}
    if isinstance(value, list):
        return [zoneless(one) for one in value]
    if isinstance(value, str) and INSTANT.fullmatch(value):
        return value.removesuffix("Z")
    return value


@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        ("group", 0, ""),  # no frame has their times
        ("project", 0, ""),
        ("milestone", 0, "created_at: odd values, which count as missing"),
        ("issue", 4, "created_at: expected a time with zone"),
        ("history", 4, "created_at: expected a time with zone"),
    ],
)
def test_a_time_without_zone_is_named_and_costs_no_neighbour(
    gitlab: LoopbackGitLab, tmp_path: Path, kind: str, code: int, said: str
) -> None:
    """Which instant it means is not known, so none is made up; the next right answer is taken."""
    to, world = tmp_path / "data", hand_world()
    row = next(
        record
        for record in world
        if record["kind"] == kind and record.get("issue_id", 1002) == 1002
    )
    row["data"] = zoneless(row["data"])
    gitlab.load(world, now=NOW)
    outcome = export(gitlab, to, *PATHS)
    assert outcome.code == code, outcome.err
    assert said in outcome.err + command("check", str(to)).out
    issues = set(ra.load(to).issues["issue_id"])
    assert issues >= {1003, 1005, 1006, 1007, 1008}
    gitlab.load(hand_world(), now="2024-07-01T12:00:00+00:00")
    holds(export(gitlab, to, *PATHS), to)


# -- deleted between two attempts ------------------------------------------------------------------


@pytest.mark.parametrize("what", ["label", "milestone"])
def test_what_was_deleted_between_two_attempts(
    gitlab: LoopbackGitLab, tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only histories that an interrupted run fetched name it: no row, and no list of any run."""
    life, to = Life(1), tmp_path / "data"
    gitlab.load(life.records(), now=life.now)

    def interrupted(_: Export) -> Iterator[Row]:
        raise ServerError("the network is gone")

    with monkeypatch.context() as patch:
        patch.setattr(Export, "_listings", interrupted)  # after the last history
        fails_by_name(export(gitlab, to, *PATHS), 4)
    assert not (to / "manifest.json").exists()
    if what == "label":
        life.world.delete_label(LABELS["urgent"])  # on issue 1007 for a day
    else:
        life.world.delete_milestone(501)  # issue 1002 has left it
    life.world.change([])
    life.work(0, within=timedelta(hours=8))
    assert_quiet_run_finds_all(gitlab, life, to, what)


# -- damage ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, *left_to_soak(2, 3, 4, 5)])
def test_a_report_of_a_damaged_dataset_ends_in_a_line_and_writes_nothing(
    tmp_path: Path, seed: int
) -> None:
    draw, dataset, to = random.Random(seed), tmp_path / "data", tmp_path / "report"
    ra.load(SAMPLE).save(dataset)  # without records, from which tables could be rebuilt
    tables = sorted((dataset / "tables").rglob("*.parquet"))
    one, other = draw.sample(tables, 2)
    if seed % 2:
        swapped = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(swapped)
    else:
        data = bytearray(one.read_bytes())
        for _ in range(draw.randrange(1, 30)):
            data[draw.randrange(len(data))] ^= draw.randrange(1, 256)
        one.write_bytes(data)
    outcome = command("report", str(dataset), "--to", str(to), token=None)
    fails_by_name(outcome, 5)
    assert len(outcome.err.splitlines()) <= 2, outcome.err
    assert any(file.name in outcome.err for file in (one, other))
    assert not to.exists()


def test_flipped_bytes_under_a_right_checksum_are_named_or_harmless(tmp_path: Path) -> None:
    """Arrow itself meets the damage; seed 279 is a footer on which it can end the process."""
    dataset = tmp_path / "data"
    ra.load(SAMPLE).save(dataset)
    tables = {file: file.read_bytes() for file in sorted((dataset / "tables").rglob("*.parquet"))}
    whole = manifest_of(dataset)
    found: list[tuple[str, str]] = []
    for seed in range(260, 290):
        draw, document = random.Random(seed), deepcopy(whole)
        file = draw.choice(list(tables))
        data = bytearray(tables[file])
        begin = 0 if draw.random() < 0.5 else max(0, len(data) - draw.randrange(20, 3000))
        for _ in range(draw.randrange(1, 6)):
            data[draw.randrange(begin, len(data))] ^= draw.randrange(1, 256)
        file.write_bytes(data)
        checksum = hashlib.sha256(data).hexdigest()
        document["tables"]["frames"][file.stem]["sha256"] = checksum
        sealed(dataset, document)
        try:
            ra.load(dataset, [file.stem])
        except DatasetError as error:
            found.append((file.stem, str(error)))
        file.write_bytes(tables[file])
    assert len(found) > 15
    assert [(name, said) for name, said in found if name not in said] == []
