"""Starting the server and telling it what to do, from the process of the tests."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

Row = dict[str, Any]
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Counts:
    """What was asked since the last reset: requests by shape of path and by status (0: none)."""

    total: int
    status: dict[str, int]
    routes: dict[str, int]
    peak: int
    struck: list[int]
    log: list[tuple[str, str, int]]


class LoopbackGitLab:
    """A server process; ``url`` is its address. Ends with `stop` or with this process."""

    token = "secret"

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.gitlab_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        assert self._process.stdout is not None
        port = self._process.stdout.readline().strip().decode()
        if not port:
            raise RuntimeError("the test server did not start: see standard error above")
        self.url = f"http://127.0.0.1:{port}"

    def load(self, records: Iterable[Row], *, now: str | None = None) -> None:
        """Serve this world from now on; `now`: the server's clock (None: the machine's)."""
        self._tell("world", b"\n".join(orjson.dumps(record) for record in records))
        self.set(now=now)

    def change(self, records: Iterable[Row] = (), **changes: Any) -> None:
        """Change the world served, as `tests.gitlab_server.world.World.change` does."""
        self._tell("change", orjson.dumps({"records": list(records), **changes}))

    def set(self, **settings: Any) -> None:
        """Change settings by name (`tests.gitlab_server.app.Settings`)."""
        self._tell("settings", orjson.dumps(settings))

    def inject(self, *faults: Row) -> None:
        """Put these faults (`tests.gitlab_server.faults.Fault`) in place of all earlier ones."""
        self._tell("faults", orjson.dumps(faults))

    def reset(self) -> None:
        """Count requests from zero."""
        self._tell("reset", b"")

    def set_back(self) -> None:
        """Empty world, default settings, no faults, nothing counted."""
        self._tell("set_back", b"")

    def counts(self, *, log: bool = False) -> Counts:
        """Requests since the last reset; with `log`, each with its status."""
        with urllib.request.urlopen(f"{self.url}/__admin/requests?log={log or ''}") as answer:
            told = json.load(answer)
        return Counts(**told | {"log": [tuple(line) for line in told["log"]]})

    def stop(self) -> None:
        """End the process and wait for it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _tell(self, what: str, body: bytes) -> None:
        request = urllib.request.Request(f"{self.url}/__admin/{what}", data=body, method="POST")
        with urllib.request.urlopen(request) as answer:
            answer.read()


@contextmanager
def running(
    records: Iterable[Row] = (), *, now: str | None = None, **settings: Any
) -> Iterator[LoopbackGitLab]:
    """A server for the length of a ``with`` block.

    Parameters
    ----------
    records
        The world to serve, in the shape of the dataset's records.
    now
        ISO time of the server's clock, None: the machine's.
    **settings
        Fields of `tests.gitlab_server.app.Settings`.
    """
    server = LoopbackGitLab()
    try:
        server.load(records, now=now)
        if settings:
            server.set(**settings)
        yield server
    finally:
        server.stop()
