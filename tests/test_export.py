"""The command `export` against the loopback server: rights, tokens, names, documents, cost."""

from __future__ import annotations

import datetime as dt
import socket
import subprocess
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pytest

from roadmap_analytics import frames, store
from roadmap_analytics.errors import RoadmapError
from roadmap_analytics.gitlab import client, crawl, transport
from roadmap_analytics.roadmap import sources, tables
from tests.exporting import Outcome, command, export, fork_export, hurry
from tests.gitlab_server import LoopbackGitLab
from tests.gitlab_server.hand_world import NOW, ROADMAP, hand_world
from tests.gitlab_server.truth import differences, served, stored
from tests.test_faults import many_issues

Row = dict[str, Any]
LATER = "2024-07-01T12:00:00+00:00"
records_alone = pytest.mark.usefixtures("records_alone")


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


def kinds(to: Path, *, run: int = -1) -> Counter[str]:
    """How many records of each kind one run wrote."""
    manifest = store.read_manifest(to)
    records = store.Records(to, manifest.runs)
    return Counter(record["kind"] for record in records.of(manifest.runs[run]))


# -- what may be asked, and by whom ----------------------------------------------------------------


@records_alone
@pytest.mark.parametrize(
    "path",
    ["groups/orchard", "orchard", "groups/orchard/-/milestones/2", "groups/orchard/-/issues/"],
)
def test_a_group_however_it_is_written(
    hand_gitlab: LoopbackGitLab, tmp_path: Path, path: str
) -> None:
    done(export(hand_gitlab, tmp_path / "data", path))
    assert differences(stored(tmp_path / "data"), served(hand_world(), "orchard")) == []


@records_alone
def test_a_project_with_the_group_milestones_its_issues_are_in(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    to = tmp_path / "data"
    done(export(hand_gitlab, to, "orchard/press/juice/-/issues/1"))
    found = stored(to)
    assert {row["data"]["project_id"] for row in found["issue"].values()} == {100}
    assert set(found["milestone"]) == {501, 502, 601}
    assert found["milestone"][501]["container"] == {"kind": "group", "id": 10, "path": "orchard"}


@records_alone
@pytest.mark.parametrize(
    ("path", "token", "code", "said"),
    [
        ("groups/absent", "secret", 3, "got 404: there is none, or this token may not see it"),
        ("orchard/nothing", "secret", 3, "/orchard/nothing: expected a group or project"),
        ("orchard", "wrong", 3, "The token is wrong, expired or revoked"),
        ("orchard", None, 3, "Set GITLAB_PRIVATE_TOKEN to a token with the scope read_api"),
    ],
)
def test_what_may_not_be_read(
    hand_gitlab: LoopbackGitLab,
    tmp_path: Path,
    path: str,
    token: str | None,
    code: int,
    said: str,
) -> None:
    to = tmp_path / "data"
    refused(export(hand_gitlab, to, path, token=token), code, said)
    assert not (to / "manifest.json").exists()


@records_alone
def test_a_token_without_the_scope(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    hand_gitlab.set(tokens={"narrow": "no_scope", "late": "expired"})
    refused(export(hand_gitlab, tmp_path / "a", "orchard", token="narrow"), 3, "scope read_api")
    refused(export(hand_gitlab, tmp_path / "b", "orchard", token="late"), 3, "Token is expired")


@records_alone
def test_one_address_of_two_is_lost(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    to = tmp_path / "data"
    done(export(hand_gitlab, to, "orchard", "upkeep"))
    hand_gitlab.set(denied={"upkeep": 404})
    refused(export(hand_gitlab, to, "orchard", "upkeep"), 3, "/upkeep: 404")
    whole = served(hand_world(), "orchard", "upkeep")
    assert differences(stored(to), whole) == [], "what it had of the other stays"
    assert f"{hand_gitlab.url}/upkeep" in command("check", str(to)).out
    assert [row["part"] for row in store.read_manifest(to).runs[-1].failures] == [
        f"{hand_gitlab.url}/upkeep"
    ]


@records_alone
def test_a_token_that_is_revoked_on_the_way(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    to = tmp_path / "data"
    hand_gitlab.inject(
        {"kind": "status", "status": 401, "match": "notes", "skip": 3, "times": None}
    )
    refused(export(hand_gitlab, to, "orchard"), 3, "got 401")
    assert not (to / "manifest.json").exists()
    hand_gitlab.inject()
    done(export(hand_gitlab, to, "orchard"))
    assert differences(stored(to), served(hand_world(), "orchard")) == []


# -- credentials -----------------------------------------------------------------------------------


def test_the_token_is_in_no_file_and_no_message(gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    token = "glpat-very-private"
    gitlab.load(hand_world(), now=NOW)
    gitlab.set(tokens={token: "full"})
    gitlab.inject({"kind": "status", "match": "issues/1/notes", "times": None, "status": 404})
    outcome = export(gitlab, tmp_path / "data", "orchard", token=token)
    assert outcome.code == 3
    assert token not in outcome.out + outcome.err
    for file in (tmp_path / "data").rglob("*"):
        if file.is_file():
            assert token.encode() not in file.read_bytes()
    for record in store.iter_records(tmp_path / "data"):
        assert token.encode() not in orjson.dumps(record)


def config_of(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration file of python-gitlab."""
    file = tmp_path / "python-gitlab.cfg"
    file.write_text(text)
    monkeypatch.setenv("PYTHON_GITLAB_CFG", str(file))


@records_alone
def test_the_token_of_python_gitlabs_configuration(
    hand_gitlab: LoopbackGitLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = hand_gitlab.url
    sections = (
        f"[global]\ndefault = here\n[here]\nurl = {url}\nprivate_token = secret\n"
        f"[helped]\nurl = {url}/\noauth_token = helper: echo secret\n"
        "[other]\nurl = https://gitlab.com\nprivate_token = not-yours\n"
    )
    config_of(tmp_path, sections, monkeypatch)
    done(export(hand_gitlab, tmp_path / "a", "orchard", token=None))
    (tmp_path / "roadmap.toml").write_text('[gitlab]\nsection = "helped"\n')
    done(export(hand_gitlab, tmp_path / "b", "orchard", token=None))
    (tmp_path / "roadmap.toml").write_text('[gitlab]\nsection = "other"\n')
    refused(export(hand_gitlab, tmp_path / "c", "orchard"), 2, "section other: expected url =")
    (tmp_path / "roadmap.toml").write_text('[gitlab]\nsection = "none"\n')
    refused(export(hand_gitlab, tmp_path / "c", "orchard"), 2, "python-gitlab's configuration")
    config_of(tmp_path, sections.replace("default = here", "default = other"), monkeypatch)
    (tmp_path / "roadmap.toml").unlink()
    outcome = export(hand_gitlab, tmp_path / "c", "orchard", token=None)
    refused(outcome, 3, "Set GITLAB_PRIVATE_TOKEN")


@records_alone
@pytest.mark.parametrize("token", ["glpat-a\nb", "glpat-\u00e9", "glpat-\u2713"])
def test_a_token_that_no_header_can_hold(
    hand_gitlab: LoopbackGitLab, tmp_path: Path, token: str
) -> None:
    outcome = export(hand_gitlab, tmp_path / "data", "orchard", token=token)
    refused(outcome, 2, "GITLAB_PRIVATE_TOKEN: expected printable ASCII")
    assert "glpat" not in outcome.err


def test_no_password_is_taken_from_netrc(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".netrc").write_text("machine 127.0.0.1 login me password hunter2\n")
    seen: list[str | None] = []
    session = transport.Session(
        transport.Transport(
            hand_gitlab.url, transport.Limiter(), 1, lambda: dt.datetime.fromisoformat(NOW)
        )
    )
    session.hooks["response"].append(
        lambda answer, **_: seen.append(answer.request.headers.get("Authorization"))
    )
    session.get(f"{hand_gitlab.url}/api/v4/groups/10")
    session.close()
    assert seen == [None]


def test_a_server_that_does_not_tell_its_time_is_dated_by_the_caller() -> None:
    today = dt.datetime(2024, 7, 1, tzinfo=dt.UTC)
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        adapter = transport.Transport(url, transport.Limiter(), 1, lambda: today)
        thread = threading.Thread(target=_answer_without_date, args=(server,))
        thread.start()
        session = transport.Session(adapter)
        assert session.get(f"{url}/").json() == {}
        session.close()
        thread.join()
    assert adapter.started_at == adapter.seen_at == today


def _answer_without_date(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")


# -- addresses of the server -----------------------------------------------------------------------


@records_alone
def test_a_server_that_believes_to_live_elsewhere(
    hand_gitlab: LoopbackGitLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_gitlab.set(external_url="https://inside.example.org")
    monkeypatch.setattr(client, "PAGE", 2)
    done(export(hand_gitlab, tmp_path / "data", "orchard"))
    assert differences(stored(tmp_path / "data"), served(hand_world(), "orchard")) == []


@records_alone
def test_a_server_under_a_path(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    hand_gitlab.set(prefix="/gitlab")
    outcome = export(hand_gitlab, tmp_path / "data", "gitlab/groups/orchard")
    hint = f"needs [gitlab] url in roadmap.toml (here perhaps {hand_gitlab.url}/gitlab)"
    refused(outcome, 2, "expected a GitLab", hint)
    (tmp_path / "roadmap.toml").write_text(
        f'[gitlab]\nurl = "{hand_gitlab.url}/gitlab"\ngroups = ["orchard"]\n'
    )
    done(export(hand_gitlab, tmp_path / "data"))
    assert differences(stored(tmp_path / "data"), served(hand_world(), "orchard")) == []


@records_alone
@pytest.mark.parametrize(
    "portal",
    [
        {"kind": "html"},
        {"kind": "status", "status": 404},
        {"kind": "status", "status": 302, "headers": {"Location": "https://login.example.org/"}},
        {"kind": "status", "status": 302, "headers": {"Location": "/api/v4/groups/there"}},
    ],
    ids=["a portal page", "a JSON 404", "a redirect away", "a redirect in a circle"],
)
def test_whatever_the_root_of_a_gitlab_under_a_path_answers(
    hand_gitlab: LoopbackGitLab,
    tmp_path: Path,
    portal: dict[str, Any],
) -> None:
    hand_gitlab.inject(portal | {"times": None})
    outcome = export(hand_gitlab, tmp_path / "data", "gitlab/orchard")
    refused(outcome, 2, f"roadmap.toml (here perhaps {hand_gitlab.url}/gitlab)")


@records_alone
def test_no_server_listens(tmp_path: Path, hand_gitlab: LoopbackGitLab) -> None:
    class NoServer:
        url = "http://127.0.0.1:9"

    outcome = export(NoServer(), tmp_path / "data", "orchard")  # type: ignore[arg-type]
    refused(outcome, 4, "http://127.0.0.1:9/orchard", "Connection refused")


def test_tls_where_there_is_none(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer_in_plain_text() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        threading.Thread(target=answer_in_plain_text, daemon=True).start()
        address = f"https://127.0.0.1:{listener.getsockname()[1]}/orchard"
        outcome = command("export", address, "--to", str(tmp_path / "data"))
    refused(outcome, 2, "expected TLS", "Write http://")


# -- cost and manners ------------------------------------------------------------------------------


@records_alone
def test_no_more_requests_at_once_than_jobs(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    hand_gitlab.set(latency=0.01)
    for jobs in (1, 3):
        hand_gitlab.reset()
        done(export(hand_gitlab, tmp_path / str(jobs), "orchard", options=("--jobs", str(jobs))))
        assert hand_gitlab.counts().peak == jobs


@records_alone
def test_what_is_not_licensed_is_asked_for_once(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    hand_gitlab.set(licensed=False)
    done(export(hand_gitlab, tmp_path / "data", "orchard"))
    asked = hand_gitlab.counts().routes
    assert asked["projects/:id/issues/:id/resource_weight_events"] == 1
    histories = stored(tmp_path / "data")["history"].values()
    assert {str(record["data"]["weight_events"]) for record in histories} == {"None"}


def test_every_run_stores_the_tables_of_all_records_by_its_settings(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    """Most tests here let runs write records alone; this one is about the files of tables."""
    to = tmp_path / "data"
    (tmp_path / "roadmap.toml").write_text('[people]\nannabel = ["ana"]\n')
    for now in (NOW, LATER):
        hand_gitlab.load(hand_world(), now=now)
        done(export(hand_gitlab, to, "orchard"))
        manifest = store.read_manifest(to)
        records = store.Records(to, manifest.runs)
        made = frames.whole(frames.build_tables(records, config=manifest.config))
        assert manifest.tables["frames"].keys() == made.keys()
        for name, frame in made.items():
            rows = store.read_table(to, manifest, name).frame
            assert manifest.tables["frames"][name]["rows"] == len(rows) == len(frame)
            pd.testing.assert_frame_equal(rows, frame, check_dtype=False, obj=name)
        assert {"annabel"} <= set(made["assignments"]["person"]) - {"ana"}
        assert frames.load(to).assignments.equals(made["assignments"])


@records_alone
def test_a_quiet_second_run_writes_little(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    to = tmp_path / "data"
    done(export(hand_gitlab, to, "orchard"))
    hand_gitlab.load(hand_world(), now=LATER)
    out = done(export(hand_gitlab, to))
    assert "requests" in out
    assert set(kinds(to)) == {"group", "project", "milestone", "labels", "listing"}
    manifest = store.read_manifest(to)
    assert [run.kind for run in manifest.runs] == ["full", "incremental"]
    assert manifest.runs[1].started_at == "2024-07-01T12:00:00Z"


@records_alone
def test_full_fetches_everything_again(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    to = tmp_path / "data"
    done(export(hand_gitlab, to, "orchard"))
    hand_gitlab.load(hand_world(), now=LATER)
    done(export(hand_gitlab, to, "orchard", options=("--full",)))
    assert kinds(to) == kinds(to, run=0)
    assert store.read_manifest(to).runs[1].kind == "full"


@records_alone
def test_killed_it_fetches_again_only_what_was_in_flight(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    to = tmp_path / "data"
    asked = "projects/:id/issues/:id/notes"
    hand_gitlab.set(latency=0.03)
    process = fork_export(hand_gitlab, to, "orchard")
    while hand_gitlab.counts().routes.get(asked, 0) < 6:
        assert process.is_alive()
    process.kill()
    process.join()
    notes = stored_in_pieces(to)
    assert notes >= 2
    hand_gitlab.set(latency=0)
    hand_gitlab.reset()
    done(export(hand_gitlab, to, "orchard"))
    every = served(hand_world(), "orchard")
    assert hand_gitlab.counts().routes[asked] == len(every["history"]) - notes
    assert differences(stored(to), every) == []


def stored_in_pieces(to: Path) -> int:
    """Issues of an interrupted run that need not be fetched again: history and row are there."""
    folder = to / "records" / "000001"
    ids = {
        kind: {
            record["issue_id"] if kind == "history" else record["data"]["id"]
            for line in (folder / f"{kind}-0001.jsonl").read_bytes().splitlines()
            for record in [orjson.loads(line)]
        }
        for kind in ("history", "issue")
    }
    return len(ids["history"] & ids["issue"])


@records_alone
def test_a_project_that_fails_throughout_is_soon_left_alone(
    gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    world = many_issues(60)
    gitlab.load(world, now=NOW)
    gitlab.inject({"kind": "status", "match": r"projects/100/issues/\d+/", "times": None})
    to = tmp_path / "data"
    outcome = export(gitlab, to, "orchard")
    assert outcome.code == 4
    assert "histories of project orchard/press/juice: 500: 5 issues in a row failed" in outcome.err
    assert gitlab.counts().status["500"] < 6 * 15
    truth = served(world, "orchard")
    assert differences(stored(to), truth, ["issue", "milestone"]) == [], "the rows are there"
    others = {ident for ident, row in truth["history"].items() if row["project_id"] != 100}
    assert set(stored(to)["history"]) == others
    gitlab.inject()
    done(export(gitlab, to))
    assert differences(stored(to), truth) == []


@records_alone
def test_no_project_is_listed_by_itself_without_need(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    to = tmp_path / "data"
    done(export(hand_gitlab, to, "orchard", "upkeep"))
    hand_gitlab.load(hand_world(), now=LATER)
    hand_gitlab.reset()
    done(export(hand_gitlab, to))
    asked = hand_gitlab.counts().routes
    assert "projects/:id/issues" not in asked
    assert asked["groups/:id/issues"] == 4, "the list, and what changed meanwhile, of two groups"


@records_alone
def test_a_group_whose_list_fails_is_read_project_by_project(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    hand_gitlab.inject({"kind": "status", "match": r"groups/10/issues\?", "times": None})
    done(export(hand_gitlab, tmp_path / "data", "orchard"))
    assert differences(stored(tmp_path / "data"), served(hand_world(), "orchard")) == []


@records_alone
def test_an_old_gitlab_without_descendant_groups(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    fault = {"kind": "status", "status": 404, "match": "descendant_groups", "times": None}
    hand_gitlab.inject(fault)
    done(export(hand_gitlab, tmp_path / "data", "orchard"))
    assert differences(stored(tmp_path / "data"), served(hand_world(), "orchard")) == []


@records_alone
@pytest.mark.parametrize(
    "answer", [{"message": "not a list"}, [1, 2], [{"name": "no id"}], "text", 7, None]
)
def test_answers_that_are_not_gitlabs(
    hand_gitlab: LoopbackGitLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    whole = transport.Transport._once

    def odd(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        response = whole(self, request, *args, **kwargs)
        if "/milestones" in request.url:
            response._content = orjson.dumps(answer)
        return response

    monkeypatch.setattr(transport.Transport, "_once", odd)
    outcome = export(hand_gitlab, tmp_path / "data", "orchard")
    assert outcome.code == 4
    assert "milestones of group orchard: 200: " in outcome.err
    assert "Traceback" not in outcome.err


# -- names that change without a trace -------------------------------------------------------------


def changed(world: list[Row], kind: str, ident: int, **fields: Any) -> list[Row]:
    """The record of one thing, changed."""
    for record in world:
        if record["kind"] == kind and record["data"]["id"] == ident:
            return [{**record, "data": record["data"] | fields}]
    raise KeyError(ident)


def test_a_milestone_that_moves_is_seen_by_every_run(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    to = tmp_path / "data"
    done(export(hand_gitlab, to, "orchard"))
    later = changed(hand_world(), "milestone", 502, due_date="2024-08-15")
    hand_gitlab.load([*hand_world(), *later], now=LATER)
    done(export(hand_gitlab, to, "orchard"))
    dates = frames.load(to).milestone_dates
    due = dates[dates["milestone_id"] == 502]["due_date"].dt.strftime("%Y-%m-%d").tolist()
    assert due == ["2024-06-15", "2024-08-15"]


@records_alone
def test_an_issue_that_was_deleted_is_gone(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    to = tmp_path / "data"
    done(export(hand_gitlab, to, "orchard"))
    hand_gitlab.change(delete_issues=[1001])
    done(export(hand_gitlab, to, "orchard"))
    assert 1001 not in set(frames.load(to).issues["issue_id"])


@records_alone
def test_what_is_asked_for_no_more_is_gone(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    to = tmp_path / "data"
    done(export(hand_gitlab, to, "orchard", "upkeep"))
    done(export(hand_gitlab, to, "upkeep"))
    assert set(frames.load(to).issues["project"]) == {"upkeep/machines"}
    done(export(hand_gitlab, to, "orchard", "upkeep"))
    assert differences(stored(to), served(hand_world(), "orchard", "upkeep")) == []


@records_alone
@pytest.mark.parametrize("listed", [{"non_archived": "false"}, {}])
def test_what_was_closed_stays_when_its_project_is_archived(
    hand_gitlab: LoopbackGitLab,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    listed: dict[str, str],
) -> None:
    """Also on a GitLab whose group lists leave archived projects out whatever one asks."""
    monkeypatch.setattr(crawl, "ARCHIVED_TOO", listed)
    to = tmp_path / "data"
    done(export(hand_gitlab, to, "orchard"))
    before = frames.load(to)
    assert 1009 not in set(before.issues["issue_id"]), "open, and archived from the beginning"
    issues = before.issues
    press = (issues["project"] == "orchard/press/juice") & (issues["state"] == "opened")
    given_up = set(issues.loc[press, "issue_id"])
    assert given_up
    assert given_up < set(issues.loc[issues["project"] == "orchard/press/juice", "issue_id"])
    left = before.issue_events[~before.issue_events["issue_id"].isin(given_up)]
    left = left.reset_index(drop=True)
    hand_gitlab.change(changed(hand_world(), "project", 100, archived=True))
    done(export(hand_gitlab, to, "orchard"))
    pd.testing.assert_frame_equal(frames.load(to).issue_events, left)
    done(export(hand_gitlab, tmp_path / "again", "orchard"))
    pd.testing.assert_frame_equal(frames.load(tmp_path / "again").issue_events, left)
    hand_gitlab.change(hand_world())
    done(export(hand_gitlab, to, "orchard"))
    pd.testing.assert_frame_equal(frames.load(to).issue_events, before.issue_events)


@records_alone
def test_what_fails_in_the_first_export_is_missing(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    hand_gitlab.set(denied={"orchard/website": 403})
    outcome = export(hand_gitlab, tmp_path / "data", "orchard")
    assert "missing until a later run gets it" in outcome.err
    assert "stays" not in outcome.err
    outcome = export(hand_gitlab, tmp_path / "data", "orchard")
    assert "what it had before stays" in outcome.err


# -- roadmap documents -----------------------------------------------------------------------------


def documents(to: Path) -> dict[str, str]:
    return {record["name"]: record["text"] for record in store.iter_records(to, {"document"})}


@records_alone
def test_documents_of_the_same_gitlab(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    to = tmp_path / "data"
    where = "orchard/documentation:archive/*-roadmap.md"
    done(export(hand_gitlab, to, "orchard", options=("--roadmaps", where)))
    assert documents(to) == {"archive/2024-05-01-roadmap.md": ROADMAP}
    hand_gitlab.reset()
    done(export(hand_gitlab, to, "orchard", options=("--roadmaps", where)))
    assert "projects/:id/repository/files/:path/raw" not in hand_gitlab.counts().routes
    assert kinds(to)["document"] == 0


def test_files_beside_the_documents_of_a_gitlab_that_were_not_read_are_named(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    beside = ["archive/2024-06-01-minutes.md", "archive/notes.rst"]
    shape = {"kind": "document", "project": "orchard/documentation", "text": "# Other\n"}
    hand_gitlab.change([{**shape, "name": name} for name in beside])
    (tmp_path / "roadmap.toml").write_text('[roadmaps]\nproject = "orchard/documentation"\n')
    config = ("--config", str(tmp_path / "roadmap.toml"))
    to = tmp_path / "data"
    done(export(hand_gitlab, to, "orchard", options=config))
    assert documents(to).keys() == {"archive/2024-05-01-roadmap.md", sources.NOT_READ}
    found = frames.load(to)["roadmap_alarms"].query("alarm == 'file not read'")["text"]
    assert [text.partition(":")[0] for text in sorted(found)] == beside
    done(export(hand_gitlab, to, "orchard", options=config))
    assert kinds(to)["document"] == 0, "what is stored is not stored again"
    # What a person's own pattern leaves out was left out on purpose.
    where = ("--roadmaps", "orchard/documentation:archive/*-roadmap.md")
    done(export(hand_gitlab, to, "orchard", options=where))
    assert frames.load(to)["roadmap_alarms"].empty


@records_alone
def test_documents_that_are_not_there(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    to = tmp_path / "data"
    for where in ("orchard/nothing:*.md", "orchard/documentation:nowhere/*.md"):
        outcome = export(hand_gitlab, to, "orchard", options=("--roadmaps", where))
        refused(outcome, 3, f"roadmaps in {where}: 404")
    assert differences(stored(to), served(hand_world(), "orchard")) == [], "the rest is there"
    outcome = export(hand_gitlab, to, "orchard", options=("--roadmaps", "no such folder"))
    refused(outcome, 2, "expected a folder, a file, or GROUP/PROJECT:GLOB")


def test_a_document_that_cannot_be_understood_stays_as_it_was(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    to = tmp_path / "data"
    options = ("--roadmaps", "orchard/documentation:archive/*.md")
    done(export(hand_gitlab, to, "orchard", options=options))
    folder, place = "archive", {"kind": "document", "project": "orchard/documentation"}
    hand_gitlab.change(
        [
            {**place, "name": f"{folder}/2024-05-01-second.md", "text": "# Another\n"},
            {**place, "name": f"{folder}/2024-09-01-roadmap.md", "text": "# Later\n"},
            {**place, "name": f"{folder}/matches.csv", "text": "no,columns\n"},
        ]
    )
    for _ in range(2):  # named every night, until somebody fixes it
        outcome = export(hand_gitlab, to, "orchard", options=options)
        refused(
            outcome,
            4,
            f"roadmap {folder}/2024-05-01-second.md: expected one document per date",
            f"roadmap {folder}/matches.csv:",
            "expected the columns",
        )
        assert set(frames.load(to).revisions.source.str.rpartition("/")[2]) == {
            "2024-05-01-roadmap.md",
            "2024-09-01-roadmap.md",
        }


@records_alone
@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("2024-05-01-b-roadmap.md", "# Another\n", "expected one document per date"),
        ("matches.csv", "no,columns\n", "expected the columns"),
    ],
)
def test_a_folder_that_cannot_be_understood_is_told_before_the_fetch(
    hand_gitlab: LoopbackGitLab, tmp_path: Path, name: str, text: str, said: str
) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    (folder / "2024-05-01-roadmap.md").write_text(ROADMAP)
    (folder / name).write_text(text)
    hand_gitlab.reset()
    outcome = export(hand_gitlab, tmp_path / "a", "orchard", options=("--roadmaps", str(folder)))
    refused(outcome, 2, name, said)
    assert hand_gitlab.counts().total == 0
    assert not (tmp_path / "a").exists()


def test_documents_of_a_folder_and_of_a_clone(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    (folder / "2024-05-01-roadmap.md").write_text(ROADMAP)
    done(export(hand_gitlab, tmp_path / "a", "orchard", options=("--roadmaps", str(folder))))
    git = ["git", "-C", str(folder), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for step in (["init", "-q"], ["add", "."], ["commit", "-qm", "Add"]):
        subprocess.run([*git, *step], check=True)
    (folder / "2024-05-01-roadmap.md").write_text("not committed")
    done(export(hand_gitlab, tmp_path / "b", "orchard", options=("--roadmaps", str(folder))))
    assert documents(tmp_path / "a") == documents(tmp_path / "b")
    done(export(hand_gitlab, tmp_path / "b", "orchard", options=("--roadmaps", str(folder))))
    assert kinds(tmp_path / "b")["document"] == 0, "what is the same is not stored twice"


@records_alone
def test_a_run_without_arguments_reads_the_same_documents(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    folder, to, config = tmp_path / "archive", tmp_path / "data", tmp_path / "other.toml"
    folder.mkdir()
    (folder / "2024-05-01-roadmap.md").write_text(ROADMAP)
    (folder / "2024-06-01-draft.md").write_text("# Draft\n")
    text = f'[roadmaps]\npath = "{folder}"\npattern = "*-roadmap.md"\n'
    config.write_text(text)
    done(export(hand_gitlab, to, "orchard", options=("--config", str(config))))
    done(command("export", "--to", str(to)))
    assert documents(to).keys() == {"2024-05-01-roadmap.md"}
    (tmp_path / "roadmap.toml").write_text(text.replace("*-roadmap.md", "*.md"))
    done(command("export", "--to", str(to)))
    assert documents(to).keys() == {"2024-05-01-roadmap.md", "2024-06-01-draft.md"}


@records_alone
def test_roadmaps_on_the_command_line_leave_pattern_and_ref_of_the_file_alone(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive/2024-05-01.md").write_text(ROADMAP)
    (tmp_path / "roadmap.toml").write_text(
        '[roadmaps]\nproject = "orchard/documentation"\npattern = "x/*-roadmap.md"\nref = "old"\n'
    )
    to = tmp_path / "data"
    done(export(hand_gitlab, to, "orchard", options=("--roadmaps", "archive")))
    assert documents(to).keys() == {"2024-05-01.md"}


@pytest.mark.parametrize("asked_again", [True, False])
def test_a_stored_document_that_can_no_longer_be_read_is_named(
    hand_gitlab: LoopbackGitLab,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked_again: bool,
) -> None:
    """An earlier version could read it; the export must not end at its tables every night."""
    to, name = tmp_path / "data", "archive/2024-05-01-roadmap.md"
    options = ("--roadmaps", "orchard/documentation:archive/*.md")
    later = {"kind": "document", "project": "orchard/documentation", "text": "# Later\n"}
    hand_gitlab.change([{**later, "name": "archive/2024-09-01-roadmap.md"}])
    done(export(hand_gitlab, to, "orchard", options=options))
    written_on = tables.written_on

    def stricter(record: Any) -> Any:
        if record["name"] == name:
            raise RoadmapError(f"{name}: too long.")
        return written_on(record)

    monkeypatch.setattr(tables, "written_on", stricter)
    outcome = export(hand_gitlab, to, "orchard", options=options if asked_again else ())
    refused(outcome, 4, f"roadmap {name}: {name}: too long; ")
    assert frames.load(to).revisions["source"].str.contains("2024-09-01").tolist() == [True]
    outcome = export(hand_gitlab, to, "orchard", options=options if asked_again else ())
    assert outcome.code == (4 if asked_again else 0), outcome.err


def test_a_run_reads_each_document_once(
    hand_gitlab: LoopbackGitLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To see whether a document can be stored, its date is enough."""
    options = ("--roadmaps", "orchard/documentation:archive/*.md")
    later = {"kind": "document", "project": "orchard/documentation", "text": "# Later\n"}
    hand_gitlab.change([{**later, "name": "archive/2024-09-01-roadmap.md"}])
    read: list[str] = []
    read_document = tables.read_document

    def counted(record: Any, **settings: Any) -> Any:
        read.append(record["name"])
        return read_document(record, **settings)

    monkeypatch.setattr(tables, "read_document", counted)
    once = ["archive/2024-05-01-roadmap.md", "archive/2024-09-01-roadmap.md"]
    for _ in ("fetched", "stored"):
        done(export(hand_gitlab, tmp_path / "data", "orchard", options=options))
        assert read == once
        read.clear()


@records_alone
def test_of_two_documents_of_one_day_the_stored_one_stays(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    to = tmp_path / "data"
    options = ("--roadmaps", "orchard/documentation:archive/*.md")
    done(export(hand_gitlab, to, "orchard", options=options))
    second = {"kind": "document", "project": "orchard/documentation", "text": "# Another\n"}
    hand_gitlab.change([{**second, "name": "archive/2024-05-01-a.md"}])  # sorts before the other
    outcome = export(hand_gitlab, to, "orchard", options=options)
    refused(outcome, 4, "roadmap archive/2024-05-01-a.md: expected one document per date")
    assert documents(to) == {"archive/2024-05-01-roadmap.md": ROADMAP}
