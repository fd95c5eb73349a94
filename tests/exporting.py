"""Running the command `export` against the loopback server, within this process or beside it."""

from __future__ import annotations

import io
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from roadmap_analytics import cli, frames
from roadmap_analytics.gitlab import crawl, transport
from tests.gitlab_server import LoopbackGitLab


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


def command(*arguments: str, token: str | None = "secret") -> Outcome:
    """Run `roadmap-analytics` in this process, as a terminal would."""
    out, err = io.StringIO(), io.StringIO()
    environment = {} if token is None else {"GITLAB_PRIVATE_TOKEN": token}
    kept = {name: value for name, value in os.environ.items() if name != "GITLAB_PRIVATE_TOKEN"}
    with (
        mock.patch.dict(os.environ, kept | environment, clear=True),
        mock.patch.object(sys, "argv", ["roadmap-analytics", *arguments]),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(bool(end.code))
    return Outcome(code, out.getvalue(), err.getvalue())


def export(
    server: LoopbackGitLab,
    to: Path,
    *paths: str,
    options: tuple[str, ...] = (),
    token: str | None = "secret",
    via: str = "rest",
    tables: bool = True,
) -> Outcome:
    """Export groups or projects of these paths from the server into a dataset.

    By REST unless said otherwise: what is tested of lists, faults and requests is the same for both
    ways, and a history by REST has its milliseconds. tests/test_graphql_export.py tests the other.
    Without `tables` where the next run replaces them unread.
    """
    addresses = [f"{server.url}/{path}" for path in paths]
    told = ("--to", str(to), "--via", via)
    with nullcontext() if tables else without_tables():
        return command("export", *addresses, *told, *options, token=token)


def hurry(patch: pytest.MonkeyPatch) -> None:
    """Let the exporter wait milliseconds where it chooses itself how long, and waits seconds."""
    patch.setattr(transport, "BACKOFF_SECONDS", 0.001)
    patch.setattr(transport, "JITTER_SECONDS", 0.001)
    patch.setattr(transport.Limiter, "SMALLEST_GAP", 0.001)
    patch.setattr(transport.Limiter, "LARGEST_GAP", 0.01)


def quicken(patch: pytest.MonkeyPatch, times: int) -> None:
    """Let the seconds that a server asks to wait pass so many times faster; it counts from one."""

    class Quick(transport.Limiter):
        def __init__(self, waiting: Callable[[float], None]) -> None:
            super().__init__(waiting, clock=lambda: times * time.monotonic())

        def sleep(self, seconds: float) -> None:
            super().sleep(seconds / times)

    patch.setattr(crawl, "Limiter", Quick)


@contextmanager
def without_tables() -> Iterator[None]:
    """Let runs write records and no tables, for tests of what is fetched and when.

    A run makes its tables of the records in the dataset alone, after all else; that takes half of
    an export of a small world. `load` makes the frames of such a dataset in memory, by the same
    function and with the same validation, for less than it takes to write tables and read them.
    """
    with mock.patch.object(frames, "build_tables", return_value=()):
        yield


def start_export(
    server: LoopbackGitLab,
    to: Path,
    *paths: str,
    stderr: int = subprocess.DEVNULL,
    via: str = "rest",
) -> subprocess.Popen[bytes]:
    """Start the same as a process of its own, to be killed."""
    addresses = [f"{server.url}/{path}" for path in paths]
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "roadmap_analytics", "export", *addresses),
            *("--to", str(to), "--via", via),
        ],
        env={**os.environ, "GITLAB_PRIVATE_TOKEN": server.token},
        stdout=subprocess.DEVNULL,
        # A shell lets what it starts in the background ignore Ctrl-C, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        stderr=stderr,
    )


_FORKS = multiprocessing.get_context("forkserver")
# Imported once, in a process without threads; each export is then a fork of it.
_FORKS.set_forkserver_preload(["tests.preloaded"])


def fork_export(
    server: LoopbackGitLab, to: Path, *paths: str, via: str = "rest", **streams: Any
) -> ForkServerProcess:
    """Start the same within milliseconds, without a new interpreter and its imports."""
    addresses = [f"{server.url}/{path}" for path in paths]
    told = ("--to", str(to), "--via", via)
    return fork_command("export", *addresses, *told, token=server.token, **streams)


def fork_command(
    *arguments: str,
    token: str = "",
    out: str | Path = os.devnull,
    err: str | Path = os.devnull,
    ignored: signal.Signals | None = None,
) -> ForkServerProcess:
    """Start a command with these files as its streams; a signal may be ignored from the start."""
    process = _FORKS.Process(target=_as_program, args=(arguments, token, out, err, ignored))
    process.start()
    return process


def _as_program(
    arguments: tuple[str, ...],
    token: str,
    out: str | Path,
    err: str | Path,
    ignored: signal.Signals | None,
) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, signal.SIG_IGN if number == ignored else default)
    os.environ["GITLAB_PRIVATE_TOKEN"] = token
    sys.argv = ["roadmap-analytics", *arguments]
    for number, path in ((1, out), (2, err)):
        with Path(path).open("w") as stream:
            os.dup2(stream.fileno(), number)
    if os.isatty(2):  # the old one takes the terminal for the file that it replaced
        sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    cli.main()
