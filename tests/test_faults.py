"""Whatever the server and the network do: the same dataset, or a named error and then the same."""

from __future__ import annotations

import itertools
import random
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import roadmap_analytics as ra
from roadmap_analytics.gitlab import client, transport
from tests.examples import left_to_soak
from tests.exporting import Outcome, export, fork_export, hurry, quicken
from tests.gitlab_server import LoopbackGitLab
from tests.gitlab_server.hand_world import NOW, hand_world
from tests.gitlab_server.life import Life
from tests.gitlab_server.truth import differences, served, stored

Row = dict[str, Any]
pytestmark = pytest.mark.usefixtures("records_alone")
PATHS = ("orchard", "upkeep")
TRUTH = served(hand_world(), *PATHS)
PASSING: dict[str, Row] = {
    "429 and nothing more": {"kind": "status", "status": 429, "times": 3},
    "429, Retry-After": {
        "kind": "status",
        "status": 429,
        "headers": {"Retry-After": "0"},
        "skip": 4,
        "times": 4,
    },
    "429, RateLimit-Reset": {
        "kind": "status",
        "status": 429,
        "headers": {"RateLimit-Remaining": "0", "RateLimit-Reset": "1"},
        "match": "notes",
        "times": 2,
    },
    "500": {"kind": "status", "status": 500, "times": 2, "match": "notes"},
    "502": {"kind": "status", "status": 502, "times": 2, "match": r"issues\?"},
    "503": {"kind": "status", "status": 503, "times": 2, "match": "milestones"},
    "a reset at once": {"kind": "reset", "times": 3},
    "a reset later": {"kind": "reset", "times": 2, "match": "resource_label_events"},
    "silence, then the end": {"kind": "hang", "seconds": 0.1, "times": 2, "match": "projects"},
    "silence for ever": {"kind": "hang", "seconds": 60, "times": 2, "match": "notes"},
    "a page cut in two": {"kind": "truncate", "times": 2, "match": r"issues\?"},
    "events cut in two": {"kind": "truncate", "times": 2, "match": "resource_state_events"},
    "a connection cut in two": {"kind": "cut", "times": 2, "match": "notes"},
    "a web page": {"kind": "html", "times": 2, "match": "groups"},
    "a web page for notes": {"kind": "html", "times": 1, "match": "notes"},
    "nothing": {"kind": "empty", "times": 2, "match": "resource_milestone_events"},
}
FINAL: dict[str, tuple[Row, int]] = {
    "one issue's notes": ({"match": "projects/100/issues/2/notes"}, 4),
    "one project's issues": ({"match": r"(groups/10|projects/101)/issues\?"}, 4),
    "one group's milestones": ({"match": r"groups/\w+/milestones"}, 4),
    "all": ({"match": ""}, 4),
}


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short waits, for silence too."""
    hurry(monkeypatch)
    monkeypatch.setattr(client, "TIMEOUT_SECONDS", 0.5)


def holds(outcome: Outcome, to: Path) -> None:
    """The dataset is what a run without faults gives."""
    assert outcome.code == 0, outcome.err
    assert "Traceback" not in outcome.err
    assert differences(stored(to), TRUTH) == []


def fails_by_name(outcome: Outcome, *codes: int) -> None:
    """One of these exit codes, and a message for people."""
    assert outcome.code in codes, (outcome.code, outcome.err)
    assert outcome.err.strip(), "a failure says so"
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize("name", PASSING)
def test_what_passes_is_waited_out(hand_gitlab: LoopbackGitLab, tmp_path: Path, name: str) -> None:
    hand_gitlab.inject(PASSING[name])
    outcome = export(hand_gitlab, tmp_path / "data", *PATHS)
    assert hand_gitlab.counts().struck == [PASSING[name]["times"]], "the fault did strike"
    holds(outcome, tmp_path / "data")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, "status") for name in FINAL),
        *(("all", kind) for kind in ("reset", "truncate", "html")),
        *left_to_soak(*itertools.product(list(FINAL)[:-1], ("reset", "truncate", "html"))),
    ],
)
def test_what_stays_is_named_and_a_rerun_repairs_it(
    hand_gitlab: LoopbackGitLab, tmp_path: Path, name: str, kind: str
) -> None:
    fault, code = FINAL[name]
    hand_gitlab.inject({"kind": kind, "times": None, **fault})
    outcome = export(hand_gitlab, tmp_path / "data", *PATHS)
    # A server that answers everything with web pages is taken for one that is no GitLab.
    fails_by_name(outcome, 2 if (name, kind) == ("all", "html") else code)
    hand_gitlab.inject()
    holds(export(hand_gitlab, tmp_path / "data", *PATHS), tmp_path / "data")


def test_what_fails_keeps_what_it_had(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    to = tmp_path / "data"
    holds(export(hand_gitlab, to, *PATHS), to)
    hand_gitlab.inject({"kind": "status", "match": "projects/100/", "times": None})
    outcome = export(hand_gitlab, to, *PATHS, options=("--full",))
    fails_by_name(outcome, 4)
    assert "orchard/press/juice" in outcome.err
    assert differences(stored(to), TRUTH) == [], "the rows of the last good run stay"


def test_a_refusing_project_is_named_and_the_rest_goes_on(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    to = tmp_path / "data"
    hand_gitlab.set(denied={"orchard/website": 403})
    outcome = export(hand_gitlab, to, *PATHS)
    fails_by_name(outcome, 3)
    assert "orchard/website" in outcome.err
    kept = {record["data"]["project_id"] for record in stored(to)["issue"].values()}
    assert kept >= {100, 103}
    hand_gitlab.set(denied={})
    holds(export(hand_gitlab, to, *PATHS), to)


def test_an_address_that_is_no_gitlab(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    hand_gitlab.inject({"kind": "html", "times": None})
    outcome = export(hand_gitlab, tmp_path / "data", "orchard", options=("--quiet",))
    fails_by_name(outcome, 2, 4)
    assert hand_gitlab.url in outcome.err


def test_a_weak_token_gets_what_it_may(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    outcome = export(hand_gitlab, tmp_path / "data", *PATHS, token="weak")
    assert outcome.code == 0, outcome.err
    seen = [
        record
        for record in hand_world()
        if not (record["kind"] == "issue" and record["data"]["confidential"])
        and record.get("issue_id") != 1005
    ]
    assert differences(stored(tmp_path / "data"), served(seen, *PATHS)) == []


@pytest.mark.parametrize("style", ["retry-after", "ratelimit", "none"])
def test_a_limited_server_is_not_stormed(
    hand_gitlab: LoopbackGitLab, tmp_path: Path, style: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if style == "none":
        monkeypatch.setattr(transport, "BACKOFF_SECONDS", 0.1)
    quicken(monkeypatch, 4)
    hand_gitlab.set(rate_limit={"requests": 30, "seconds": 0.25, "headers": style})
    holds(export(hand_gitlab, tmp_path / "data", *PATHS), tmp_path / "data")
    status = hand_gitlab.counts().status
    refused, answered = status.get("429", 0), status["200"]
    if style == "ratelimit":
        assert refused <= 4, "told beforehand: at most what was under way is refused"
    else:
        assert refused <= 0.5 * answered, "met once, and respected from then on"


# -- lists of several pages ----------------------------------------------------------------------

PAGING = ["Link", "X-Next-Page", "X-Prev-Page", "X-Page", "X-Per-Page", "X-Total", "X-Total-Pages"]
DOCUMENTS = ("--roadmaps", "orchard/documentation:archive/*-roadmap.md")
DROPPED_BY_PROXIES = {
    "Link": ["Link"],
    "X-Next-Page": ["X-Next-Page"],
    "all but X-Next-Page": [name for name in PAGING if name != "X-Next-Page"],
    "all but X-Total": [name for name in PAGING if name != "X-Total"],
    "all": PAGING,
}


@pytest.fixture(scope="module")
def whole(gitlab_process: LoopbackGitLab, tmp_path_factory: pytest.TempPathFactory) -> ra.Dataset:
    """The same server exported by pages that take each list whole, and with all their headers."""
    to = tmp_path_factory.mktemp("whole") / "data"
    gitlab_process.set_back()
    gitlab_process.load(hand_world(), now=NOW)
    gitlab_process.change(records=more_documents())
    holds(export(gitlab_process, to, *PATHS, options=DOCUMENTS), to)
    dataset = ra.load(to)
    assert len(dataset.revisions) > 2, "documents come by lists, too"
    return dataset


@pytest.mark.parametrize(
    ("name", "short_pages"), [*((name, 0) for name in DROPPED_BY_PROXIES), ("all", 2)]
)
def test_no_list_is_cut_where_a_proxy_drops_headers(
    hand_gitlab: LoopbackGitLab,
    whole: ra.Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    short_pages: int,
) -> None:
    monkeypatch.setattr(client, "PAGE", 2)
    hand_gitlab.change(records=more_documents())
    hand_gitlab.set(short_pages=short_pages)
    hand_gitlab.inject({"kind": "headers", "drop": DROPPED_BY_PROXIES[name], "times": None})
    holds(export(hand_gitlab, tmp_path / "cut", *PATHS, options=DOCUMENTS), tmp_path / "cut")
    found = ra.load(tmp_path / "cut")
    for frame in whole.frames:
        pd.testing.assert_frame_equal(found[frame], whole[frame])


def more_documents() -> list[Row]:
    """Revisions of a roadmap, more than fit on two small pages."""
    names = [f"archive/2024-0{month}-02-roadmap.md" for month in range(1, 7)]
    return [{"kind": "document", "name": name, "text": "1. Press\n"} for name in names]


LISTS = {
    "projects": r"groups/\w+/projects",
    "subgroups": r"groups/\w+/descendant_groups",
    "milestones": r"groups/10/milestones",
    "labels": r"groups/10/labels",
    "issues": r"(groups/10|projects/\d+)/issues\?",
    "state events": r"resource_state_events",
    "label events": r"resource_label_events",
    "milestone events": r"resource_milestone_events",
    "notes": r"notes",
    "repository": r"repository/tree",
}


# Lists that are short in the hand-made world; issues are asked for by creation, not by page.
OVERLAPPING = ("projects", "issues", "notes", "repository")
NO_SECOND_PAGE = {(name, "overlap") for name in ("subgroups", "issues", "milestone events")}


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        *((name, "loop") for name in LISTS),
        *((name, "overlap") for name in OVERLAPPING),
        *left_to_soak(*((name, "overlap") for name in LISTS if name not in OVERLAPPING)),
    ],
)
def test_pages_that_lead_nowhere_end_in_a_named_failure(
    hand_gitlab: LoopbackGitLab,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    fault: str,
) -> None:
    """A next page that is the page itself, or that brings nothing new: what follows is missing."""
    monkeypatch.setattr(client, "PAGE", 2)
    hand_gitlab.change(records=more_documents())
    hand_gitlab.inject({"kind": fault, "match": LISTS[name], "rows": 1000, "times": None})
    outcome = export(hand_gitlab, tmp_path / "data", *PATHS, options=DOCUMENTS)
    assert hand_gitlab.counts().struck[0]
    if (name, fault) in NO_SECOND_PAGE:
        holds(outcome, tmp_path / "data")
        return
    fails_by_name(outcome, 4)
    assert re.search("without any new row|names itself", outcome.err), outcome.err
    hand_gitlab.inject()
    holds(export(hand_gitlab, tmp_path / "data", *PATHS, options=DOCUMENTS), tmp_path / "data")


# -- people work while it is exported ------------------------------------------------------------


def test_rows_that_shift_between_pages(
    gitlab: LoopbackGitLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = many_issues(7)
    lost = [record["data"]["id"] for record in world if record["kind"] == "issue"][:2]
    rest = [record for record in world if _issue_of(record) not in lost]
    tries: list[list[Row]] = [
        [{"kind": "overlap", "match": r"issues\?.*page=2", "times": None, "rows": 2}],
        [{"kind": "change", "match": r"issues\?", "skip": 1, "delete_issues": lost}],
    ]
    for faults in tries:
        gitlab.load(world, now=NOW)
        gitlab.inject(*faults)
        to = tmp_path / faults[0]["kind"]
        monkeypatch.setattr(client, "PAGE", 5)
        outcome = export(gitlab, to, "orchard")
        assert outcome.code == 0, outcome.err
        assert gitlab.counts().struck[0] > 0
        found = stored(to)
        truth = served(world if faults[0]["kind"] == "overlap" else rest, "orchard")
        # An issue deleted while we read stands until the next run if its history had been fetched
        # by then. Threads fetch them, so that it may be one of the two, both or none.
        standing = [
            ident for ident in lost if ident in found["issue"] and ident not in truth["issue"]
        ]
        assert differences(found, truth) == [
            f"{kind} {ident}: invented" for kind in ("issue", "history") for ident in standing
        ], "no other may go missing"
        again = export(gitlab, to, "orchard")
        assert again.code == 0, again.err
        assert differences(stored(to), truth) == []


def many_issues(more: int) -> list[Row]:
    """The hand-made world with more of its issues in juice."""
    life = Life(1)
    life.at -= timedelta(days=30)  # so that no run takes them for changes of a moment ago
    for _ in range(more):
        life.open_issue()
    life.world.change([])
    return life.records()


def _issue_of(record: Row) -> int | None:
    if record["kind"] == "issue":
        return int(record["data"]["id"])
    return record.get("issue_id")


def test_short_pages_and_much_talk(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    hand_gitlab.set(short_pages=2, chatter=150)
    holds(export(hand_gitlab, tmp_path / "data", *PATHS), tmp_path / "data")


# -- everything at once --------------------------------------------------------------------------


def storm(seed: int) -> list[Row]:
    """A mix of passing faults, each striking at random a dozen times."""
    draw = random.Random(seed)
    kinds: list[Row] = [
        {"kind": "status", "status": 429},
        {"kind": "status", "status": 429, "headers": {"Retry-After": "0"}},
        {"kind": "status", "status": 500},
        {"kind": "status", "status": 502},
        {"kind": "status", "status": 503},
        {"kind": "reset"},
        {"kind": "hang", "seconds": 0.05},
        {"kind": "truncate"},
        {"kind": "cut"},
        {"kind": "html"},
        {"kind": "empty"},
    ]
    return [
        {
            **fault,
            "chance": draw.choice([0.02, 0.1, 0.3]),
            "times": 12,
            "seed": draw.randrange(10**9),
        }
        for fault in draw.sample(kinds, 5)
    ]


@pytest.mark.parametrize("seed", [0, 1, *left_to_soak(2, 3)])
def test_mixed_faults(hand_gitlab: LoopbackGitLab, tmp_path: Path, seed: int) -> None:
    survive(hand_gitlab, tmp_path / "data", storm(seed))


def survive(server: LoopbackGitLab, to: Path, faults: list[Row]) -> int:
    """Export through faults, again as long as it fails by name; the number of runs it took."""
    server.inject(*faults)
    for run in range(1, 8):
        outcome = export(server, to, *PATHS)
        if outcome.code == 0:
            holds(outcome, to)
            return run
        fails_by_name(outcome, 4)
    raise AssertionError("seven runs, and still no dataset: " + outcome.err)


# -- nights --------------------------------------------------------------------------------------


def nights(
    server: LoopbackGitLab, to: Path, seed: int, number: int, changes: int
) -> Iterator[Life]:
    """Let a world live, exporting it each night; the dataset must equal a full export."""
    life = Life(seed)
    server.set(licensed=True)
    for night in range(number):
        server.load(life.records(), now=life.now)
        outcome = export(server, to, *PATHS)
        assert outcome.code == 0, outcome.err
        faults = differences(stored(to), served(life.records(), *PATHS))
        assert faults == [], f"seed {seed}, night {night}, after {life.deeds[-changes:]}"
        yield life
        life.work(changes)


@pytest.mark.parametrize("seed", [0])
def test_nightly_runs_equal_a_full_export(
    gitlab: LoopbackGitLab, tmp_path: Path, seed: int
) -> None:
    for _ in nights(gitlab, tmp_path / "data", seed, number=5, changes=8):
        pass


@pytest.mark.parametrize("seed", [21])
def test_what_people_do_meanwhile_is_found_at_the_latest_by_the_next_run(
    gitlab: LoopbackGitLab, tmp_path: Path, seed: int
) -> None:
    while_people_work(gitlab, tmp_path / "data", seed, number=4, changes=12)


def while_people_work(
    server: LoopbackGitLab, to: Path, seed: int, number: int, changes: int, **way: Any
) -> None:
    """Change the world three times during each run; a quiet run after it finds all of it."""
    life = Life(seed)
    server.set(licensed=True)
    for _ in range(number):
        server.load(life.records(), now=life.now)
        server.inject(*edits(life, 60 if way.get("via", "rest") == "rest" else 22, changes))
        outcome = export(server, to, *PATHS, **way)
        assert outcome.code == 0, outcome.err
        assert_quiet_run_finds_all(server, life, to, f"seed {seed}", **way)


def edits(life: Life, requests: int, changes: int) -> list[Row]:
    """Let people make changes at three moments within so many requests of a run."""
    found: list[Row] = []
    for moment in sorted(life.draw.sample(range(requests), 3)):  # time does not run backwards
        life.work(changes, within=timedelta(minutes=4))
        change = {"kind": "change", "skip": moment, "world": life.records(), "now": life.now}
        found.append(change)
    return found


def assert_quiet_run_finds_all(
    server: LoopbackGitLab, life: Life, to: Path, why: str, **way: Any
) -> None:
    """Hours after the last change one run without faults gives what a first export gives."""
    server.inject()
    life.work(0, within=timedelta(hours=8))
    server.load(life.records(), now=life.now)
    outcome = export(server, to, *PATHS, **way)
    assert outcome.code == 0, (why, outcome.err)
    if way.get("via", "rest") == "rest":
        assert differences(stored(to), served(life.records(), *PATHS)) == [], why
    assert_as_exported_afresh(server, to, why, **way)


def assert_as_exported_afresh(server: LoopbackGitLab, to: Path, why: str, **way: Any) -> None:
    """Every frame is what a first export of the server as it is now gives.

    Equal records are not enough: frames are made of all that lies in the runs, earlier answers too.
    """
    server.inject()
    fresh = to.with_name(f"{to.name}-fresh")
    outcome = export(server, fresh, *PATHS, **way)
    assert outcome.code == 0, outcome.err
    found, expected = ra.load(to), ra.load(fresh)
    for name, frame in expected.frames.items():
        mine = found[name]
        if name == "issue_events" and way.get("via", "rest") != "rest":
            mine, frame = by_second(mine), by_second(frame)
        if name != "milestone_dates":  # earlier exports saw more of them, that is their purpose
            pd.testing.assert_frame_equal(mine, frame, obj=f"{why}: {name}")
    shutil.rmtree(fresh)


def by_second(frame: pd.DataFrame) -> pd.DataFrame:
    """Events by the second, in an order that only their content decides.

    Labels deleted since that were set in one instant count as one: GraphQL names none of them.
    """
    frame = frame.assign(at=frame["at"].dt.floor("s")).drop(columns="seq")
    nameless = (frame["field"] == "label") & frame["value"].isna()
    frame = frame[~(nameless & frame.duplicated())]
    return frame.sort_values(list(frame.columns), ignore_index=True)


def test_a_quiet_night_asks_little(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    to = tmp_path / "data"
    holds(export(hand_gitlab, to, *PATHS), to)
    hand_gitlab.reset()
    hand_gitlab.set(now="2024-07-01T12:00:00+00:00")
    holds(export(hand_gitlab, to, *PATHS), to)
    asked = hand_gitlab.counts().routes
    assert not [shape for shape in asked if "resource" in shape or shape.endswith("notes")]


# -- kill -9 -------------------------------------------------------------------------------------


def test_killed_and_run_again(gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    world, to = many_issues(20), tmp_path / "data"
    gitlab.load(world, now=NOW)
    gitlab.set(latency=0.01, licensed=True)
    assert killed_after(gitlab, to, 110), "it was still running"
    done = whole_histories(gitlab)
    gitlab.set(latency=0)
    gitlab.reset()
    outcome = export(gitlab, to, *PATHS, options=("--jobs", "4"))
    assert outcome.code == 0, outcome.err
    assert differences(stored(to), served(world, *PATHS)) == []
    again = done & whole_histories(gitlab)
    assert len(again) <= 2 * 4, "fetched again is at most what was under way"
    assert_as_exported_afresh(gitlab, to, "killed")


def whole_histories(server: LoopbackGitLab) -> set[str]:
    """Issues whose notes, the last part of a history, were answered."""
    log = server.counts(log=True).log
    return {target.partition("/notes")[0] for _, target, _ in log if "/notes" in target}


def killed_after(
    server: LoopbackGitLab, to: Path, requests: int, *paths: str, via: str = "rest"
) -> bool:
    """Start an export and kill it once it has asked so often; whether it was still running."""
    server.reset()
    process = fork_export(server, to, *(paths or PATHS), via=via)
    while server.counts().total < requests and process.is_alive():
        time.sleep(0.01)  # asking costs the server time, too
    process.kill()
    process.join()
    return process.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("deed", [Life.rename_label, Life.edit_milestone])
def test_what_was_renamed_or_deleted_between_two_attempts(
    gitlab: LoopbackGitLab, tmp_path: Path, deed: Callable[[Life], None]
) -> None:
    """Histories that an interrupted run fetched bear the old names; no list says what they were."""
    life, to = Life(4), tmp_path / "data"
    gitlab.set(licensed=True)
    for _ in range(25):  # labels that events alone name show in no row when they go
        life.put_label()
        life.swap_labels()
    life.work(0, within=timedelta(hours=8))
    for lists_only in (False, True):
        gitlab.load(life.records(), now=life.now)
        skip = 20 if lists_only else 45
        gitlab.inject({"kind": "status", "times": None, "skip": skip})
        fails_by_name(export(gitlab, to, *PATHS), 4)
        assert not (to / "manifest.json").exists(), "the run is not over"
        for _ in range(6):
            deed(life)
        life.work(0, within=timedelta(hours=8))
    assert_quiet_run_finds_all(gitlab, life, to, deed.__name__)


@pytest.mark.parametrize("via", ["rest", "graphql"])
@pytest.mark.parametrize("seed", [3])
def test_a_world_that_is_edited_while_runs_are_killed(
    gitlab: LoopbackGitLab, tmp_path: Path, seed: int, via: str
) -> None:
    edited_killed_and_resumed(gitlab, tmp_path / "data", seed, via)


def edited_killed_and_resumed(server: LoopbackGitLab, to: Path, seed: int, via: str) -> None:
    """A world is edited during each run, and runs are killed; the last equals a first export."""
    draw, life = random.Random(seed), Life(seed)
    requests = 80 if via == "rest" else 25
    server.set(licensed=True)
    for _ in range(draw.randrange(1, 4)):
        server.load(life.records(), now=life.now)
        server.inject(*edits(life, requests, draw.randrange(1, 9)))
        if draw.random() < 0.7:
            server.set(latency=0.002)
            killed_after(server, to, draw.randrange(1, requests), via=via)
            server.set(latency=0.0)
        else:
            outcome = export(server, to, *PATHS, via=via)
            assert outcome.code == 0, (seed, outcome.err)
        life.work(0, within=timedelta(hours=8))
    assert_quiet_run_finds_all(server, life, to, f"seed {seed}", via=via)
