"""The command line: usage, progress, interruption, refusals, and how each of them ends."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from roadmap_analytics import store
from tests.examples import left_to_soak
from tests.exporting import Outcome, command, export, fork_command, fork_export, start_export
from tests.gitlab_server import LoopbackGitLab
from tests.gitlab_server.hand_world import hand_world
from tests.gitlab_server.truth import differences, served, stored


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder without roadmap.toml, a home without settings of python-gitlab."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def refused(outcome: Outcome, code: int, *said: str) -> None:
    """This exit code, one or two lines, and these words."""
    assert outcome.code == code, (outcome.code, outcome.err)
    assert 1 <= len(outcome.err.splitlines()) <= 2, outcome.err
    assert "Traceback" not in outcome.err
    for words in said:
        assert words in outcome.err


# -- usage -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "roadmap-analytics: expected a command."),
        (["exprt"], "No such command 'exprt'"),
        (["export"], "Missing option '--to'"),
        (["export", "a", "--to", "x", "--jbos", "3"], "No such option: --jbos"),
        (["export", "a", "--to", "x", "--jobs", "0"], "Invalid value for '--jobs'"),
        (["export", "a", "--to", "x", "--jobs", "many"], "Invalid value for '--jobs'"),
        (["check"], "Missing argument 'DIR'"),
        (["report", "x"], "Missing option '--to'"),
        (["simulate", "--to", "x", "--issues", "3"], "Missing option '--seed'"),
    ],
)
def test_wrong_usage_is_two_lines(arguments: list[str], said: str) -> None:
    outcome = command(*arguments)
    refused(outcome, 2, said)
    first, second = outcome.err.splitlines()
    assert first.startswith("roadmap-analytics")
    assert second.startswith("See: roadmap-analytics")
    assert second.endswith("--help")


@pytest.mark.parametrize("name", [None, "export", "check", "report", "simulate"])
def test_every_level_has_help(name: str | None) -> None:
    outcome = command(*([name] if name else []), "--help")
    assert outcome.code == 0
    assert outcome.out.startswith("Usage: roadmap-analytics")
    assert outcome.err == ""


def test_the_module_is_the_same_as_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "roadmap_analytics", "--version"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    assert done.stdout == command("--version").out
    assert done.stdout.startswith("roadmap-analytics ")


def test_nothing_to_export(tmp_path: Path) -> None:
    refused(command("export", "--to", "x"), 2, "expected the address of a group or project")
    (tmp_path / "roadmap.toml").write_text("[gitlab]\nproject = 'a'\n")
    refused(
        command("export", "--to", "x"), 2, "[gitlab] project is unknown. Did you mean projects?"
    )
    refused(command("export", "--to", "x", "--config", "none.toml"), 2, "none.toml: expected")
    assert not (tmp_path / "x").exists()


# -- where to --------------------------------------------------------------------------------------


def test_folders_that_hold_something_else(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    refused(export(hand_gitlab, tmp_path / "file", "orchard"), 2, "expected a folder")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "photo.jpg").write_text("mine")
    refused(export(hand_gitlab, tmp_path / "full", "orchard"), 5, "found photo.jpg")
    assert (tmp_path / "full" / "photo.jpg").read_text() == "mine"


def test_a_path_that_cannot_be_used(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    refused(export(hand_gitlab, tmp_path / ("x" * 300), "orchard"), 2, "File name too long")
    (tmp_path / "file").write_text("mine")
    refused(export(hand_gitlab, tmp_path / "file" / "below", "orchard"), 5, "Not a directory")


def test_a_dataset_of_another_gitlab(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    to = tmp_path / "data"
    assert export(hand_gitlab, to, "orchard").code == 0
    outcome = command("export", "https://git.example.org/groups/a", "--to", str(to))
    refused(
        outcome, 2, f"expected a dataset of https://git.example.org, found one of {hand_gitlab.url}"
    )


def test_simulated_and_exported_data_do_not_mix(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    arguments = ("simulate", "--to", "a", "--issues", "20", "--seed", "1")
    assert command(*arguments).code == 0
    assert store.verify("a").simulated
    refused(export(hand_gitlab, tmp_path / "a", "orchard"), 2, "holds simulated data")
    refused(command(*arguments), 2, "holds a dataset already")


# -- check -----------------------------------------------------------------------------------------


def test_check_says_what_it_found(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    to = tmp_path / "data"
    assert export(hand_gitlab, to, "orchard").code == 0
    outcome = command("check", str(to))
    assert outcome.code in (0, 1)
    assert "8" in outcome.out or outcome.out.strip()
    refused(command("check", str(tmp_path / "none")), 5, "expected a dataset, found no such folder")
    damaged = to / "records/000001/history-0001.jsonl.zst"
    data = bytearray(damaged.read_bytes())
    data[40] ^= 8
    damaged.write_bytes(data)
    for outcome in (command("check", str(to)), export(hand_gitlab, to, "orchard")):
        assert outcome.code == 5
        assert f"{damaged}: damaged" in outcome.err


# -- progress and interruption ---------------------------------------------------------------------


def test_progress_is_plain_lines_where_there_is_no_terminal(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    outcome = export(hand_gitlab, tmp_path / "a", "orchard")
    assert outcome.err.splitlines()[-1] == "tables"
    assert "\r" not in outcome.err
    assert outcome.out.splitlines()[0].split() == ["issues", "7"]
    assert "requests" in outcome.out.splitlines()[-1]
    quiet = export(hand_gitlab, tmp_path / "b", "orchard", options=("--quiet",))
    assert quiet.err == ""
    assert quiet.out.splitlines()[:-1] == outcome.out.splitlines()[:-1]


def test_progress_is_a_bar_on_a_terminal(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    hand_gitlab.set(latency=0.02)
    hand_gitlab.inject(
        {"kind": "status", "status": 429, "headers": {"Retry-After": "1"}, "skip": 9}
    )
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, 120, 0, 0))
    summary = tmp_path / "summary"
    process = fork_export(
        hand_gitlab, tmp_path / "data", "orchard", out=summary, err=os.ttyname(theirs)
    )
    shown = b""
    while process.is_alive():
        if select.select([ours], [], [], 0.05)[0]:
            shown += os.read(ours, 4096)
    process.join()
    os.close(theirs)
    with suppress(OSError):  # how a pseudo-terminal says that the other side is closed
        while piece := os.read(ours, 4096):
            shown += piece
    os.close(ours)
    assert process.exitcode == 0, shown
    text = shown.decode()
    assert text.count("\r") > 3, "it moves"
    assert "issues: " in text
    assert "7/7" in text
    assert " requests" in text
    assert "waiting 1 s for the rate limit" in text
    assert "requests" in summary.read_text()


def until_asked(alive: Callable[[], bool], server: LoopbackGitLab, requests: int) -> None:
    """Wait until the exporter has asked so often."""
    while server.counts().total < requests:
        assert alive(), "it ended too early"
        time.sleep(0.005)


def hanging(server: LoopbackGitLab) -> None:
    """Let some of its answers never come."""
    server.inject({"kind": "hang", "seconds": 60, "match": "notes", "skip": 3, "times": None})


def goes_on(server: LoopbackGitLab, to: Path, said: str) -> None:
    """It was interrupted and said so, and the next run resumes."""
    assert said.splitlines()[-1].startswith("roadmap-analytics: interrupted.")
    assert "Traceback" not in said
    server.inject()
    assert export(server, to, "orchard", tables=False).code == 0
    assert differences(stored(to), served(hand_world(), "orchard")) == []


def test_interrupted_it_ends_at_once_and_goes_on_later(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    hanging(hand_gitlab)
    process = start_export(hand_gitlab, tmp_path / "data", "orchard", stderr=subprocess.PIPE)
    until_asked(lambda: process.poll() is None, hand_gitlab, 30)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130, "it waits for none of the answers that hang"
    goes_on(hand_gitlab, tmp_path / "data", said.decode())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_other_signals_end_it_as_well(
    hand_gitlab: LoopbackGitLab, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    said = tmp_path / "said"
    hanging(hand_gitlab)
    process = fork_export(hand_gitlab, tmp_path / "data", "orchard", err=said)
    until_asked(process.is_alive, hand_gitlab, 30)
    os.kill(process.pid or 0, number)
    process.join(20)
    assert process.exitcode == code
    goes_on(hand_gitlab, tmp_path / "data", said.read_text())


def test_what_the_caller_has_ignored_stays_ignored(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    """As `nohup` has SIGHUP."""
    hand_gitlab.set(latency=0.02)
    process = fork_export(hand_gitlab, tmp_path / "data", "orchard", ignored=signal.SIGHUP)
    until_asked(process.is_alive, hand_gitlab, 10)
    os.kill(process.pid or 0, signal.SIGHUP)
    process.join(60)
    assert process.exitcode == 0


FULL = (
    "roadmap-analytics: standard output: No space left on device. Check the path and its rights.\n"
)


@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_an_output_that_is_full_is_named(argument: str) -> None:
    program = [sys.executable, "-m", "roadmap_analytics", argument]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(program, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 2
        assert done.stderr == FULL


def test_an_output_that_is_full_in_the_middle_of_a_command_is_named(tmp_path: Path) -> None:
    assert command("simulate", "--to", "data", "--issues", "5", "--seed", "1").code == 0
    process = fork_command("check", str(tmp_path / "data"), out="/dev/full", err=tmp_path / "said")
    process.join(60)
    assert process.exitcode == 2
    assert (tmp_path / "said").read_text() == FULL


def test_what_cannot_be_said_is_still_in_the_exit_code(tmp_path: Path) -> None:
    process = fork_command("check", str(tmp_path / "none"), err="/dev/full")
    process.join(60)
    assert process.exitcode == 5


def test_no_message_prints_a_token(tmp_path: Path) -> None:
    secret = "a-token-of-no-known-form"
    for arguments in (
        ["export", secret, "--to", "x"],
        ["export", f"https://me:{secret}@git.example.org/a", "--to", "x"],
        ["export", f"https:/me:{secret}@git.example.org/a", "--to", "x"],
        ["export", "https://git.example.org/a", "--to", "x", "--jobs", secret],
        ["export", "https://git.example.org/a", "--to", "x", "--roadmaps", secret],
        ["export", "https://git.example.org/a", "--to", "x", "--config", secret],
        ["check", "x", secret],
        ["check", secret],
        [secret],
    ):
        outcome = command(*arguments, token=secret)
        assert outcome.code in (2, 5), outcome.err
        assert secret not in outcome.err + outcome.out, arguments


def test_a_reader_that_goes_away_is_no_error(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "roadmap_analytics", "export", "--quiet"),
            *(f"{hand_gitlab.url}/orchard", "--to", str(tmp_path / "data")),
        ],
        env={**os.environ, "GITLAB_PRIVATE_TOKEN": "secret"},
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    process.stdout.close()
    assert process.stderr
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 0
    assert said == b""
    store.verify(tmp_path / "data")


# -- modules that lie in the working directory -----------------------------------------------------

BEFORE_US = "import runpy, sys; print(*{name.partition('.')[0] for name in sys.modules})"


SIMULATE = ("simulate", "--to", "data", "--issues", "2", "--seed", "1")


@pytest.mark.parametrize(
    ("first", "arguments"),
    [
        (("-m", "roadmap_analytics"), SIMULATE),
        (("-P", "-m", "roadmap_analytics"), ("--version",)),  # Python itself leaves the folder out
        *left_to_soak((("-P", "-m", "roadmap_analytics"), SIMULATE)),
    ],
)
def test_no_module_of_the_working_directory_is_imported(
    tmp_path: Path, first: tuple[str, ...], arguments: tuple[str, ...]
) -> None:
    """All that Python does not import itself before it gives way to this package."""
    python = [sys.executable, "-c", BEFORE_US]
    told = subprocess.run(python, capture_output=True, text=True, check=True)
    before = set() if "-P" in first else set(told.stdout.split())
    ours = {"numpy", "pandas", "pyarrow", "typer", "tqdm", "gitlab", "requests", "orjson", "pytz"}
    names = (sys.stdlib_module_names | ours) - before
    assert {"typing", "json", "signal"} <= names
    for name in names:
        (tmp_path / f"{name}.py").write_text(f"open('ran', 'a').write('{name} ')\n")
    done = subprocess.run(
        [sys.executable, *first, *arguments], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "ran").exists(), (tmp_path / "ran").read_text()


def test_a_title_that_standard_output_cannot_write_is_written_as_escapes(tmp_path: Path) -> None:
    """It ended in a traceback, with the exit code of a fault that `check` found."""
    (tmp_path / "2025-01-01.md").write_text("# Plan\n\n- Größe 表 by 30/02/2026\n", "utf-8")
    outcome = subprocess.run(
        [sys.executable, "-m", "roadmap_analytics", "roadmaps", str(tmp_path)],
        capture_output=True,
        env=os.environ | {"PYTHONUTF8": "0", "PYTHONIOENCODING": "latin-1"},
        check=False,
    )
    assert (outcome.returncode, outcome.stderr) == (0, b"")
    assert "Größe \\u8868".encode("latin-1") in outcome.stdout
