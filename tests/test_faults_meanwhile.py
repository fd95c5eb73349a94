"""The faults of tests/test_faults.py, with people at work during the run.

Each scenario ends hours after the last change: one run without faults gives every frame as a first
export of the server gives it.
"""

from __future__ import annotations

import errno
import os
import random
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from roadmap_analytics.store import disk, runs
from tests.exporting import export
from tests.gitlab_server import LoopbackGitLab
from tests.gitlab_server.faults import RETRY_LATER
from tests.gitlab_server.life import Life
from tests.test_faults import (
    FINAL,
    PASSING,
    PATHS,
    assert_quiet_run_finds_all,
    edits,
    fails_by_name,
    hurried,
    storm,
)

__all__ = ["hurried"]

Row = dict[str, Any]
records_alone = pytest.mark.usefixtures("records_alone")
REQUESTS = {"rest": 60, "graphql": 22}
AT_GRAPHQL: dict[str, Row] = {
    name: {**PASSING[name], "match": "graphql", "skip": 1, "times": 1}
    for name in ("502", "a reset later", "events cut in two", "a web page for notes", "nothing")
} | {"retry later": RETRY_LATER}
FAULTS = {
    # Silence costs seconds each time; tests/test_faults.py has it.
    "rest": {name: fault for name, fault in PASSING.items() if not name.startswith("silence")},
    "graphql": AT_GRAPHQL,
}


@records_alone
@pytest.mark.parametrize("via", ["rest", "graphql"])
def test_what_passes_is_waited_out(gitlab: LoopbackGitLab, tmp_path: Path, via: str) -> None:
    life, to = Life(61), tmp_path / "data"
    gitlab.set(licensed=True)
    for name, fault in FAULTS[via].items():
        gitlab.load(life.records(), now=life.now)
        gitlab.inject(*edits(life, REQUESTS[via], 3), fault)
        outcome = export(gitlab, to, *PATHS, options=("--full",), via=via)
        assert outcome.code == 0, (name, outcome.err)
        assert gitlab.counts().struck[-1], name
    assert_quiet_run_finds_all(gitlab, life, to, "passing faults", via=via)


@records_alone
@pytest.mark.parametrize("via", ["rest", "graphql"])
def test_what_stays_is_named(gitlab: LoopbackGitLab, tmp_path: Path, via: str) -> None:
    life, to = Life(62), tmp_path / "data"
    gitlab.set(licensed=True)
    at_graphql = {"histories": ({"match": "graphql", "skip": 1}, 0)}
    scenarios = {**FINAL} if via == "rest" else FINAL | at_graphql
    if via == "graphql":
        del scenarios["one issue's notes"]  # it asks for none
    for number, (name, (fault, code)) in enumerate(scenarios.items()):
        gitlab.load(life.records(), now=life.now)
        final = {"kind": ("status", "truncate")[number % 2], "times": None, **fault}
        gitlab.inject(*edits(life, REQUESTS[via], 3), final)
        outcome = export(gitlab, to, *PATHS, via=via)
        # Histories that GraphQL does not give come by REST.
        fails_by_name(outcome, code or outcome.code)
        assert_quiet_run_finds_all(gitlab, life, to, name, via=via)


@records_alone
@pytest.mark.parametrize("via", ["rest", "graphql"])
def test_mixed_faults(gitlab: LoopbackGitLab, tmp_path: Path, via: str) -> None:
    life, to = Life(63), tmp_path / "data"
    gitlab.set(licensed=True)
    for seed in range(40, 42):
        gitlab.load(life.records(), now=life.now)
        gitlab.inject(*edits(life, REQUESTS[via], 4), *storm(seed))
        for _ in range(2):
            fails_by_name(export(gitlab, to, *PATHS, via=via), 0, 4)
    assert_quiet_run_finds_all(gitlab, life, to, "storms", via=via)


class Disk:
    """A disk with room for so many bytes more; of what does not fit, the beginning is written."""

    def __init__(self, room: int) -> None:
        self.room = room

    def create(self, file: Path) -> BinaryIO:
        return _OnDisk(self, _CREATE(file))  # type: ignore[return-value]


_CREATE = disk.create


class _OnDisk:
    def __init__(self, disk: Disk, stream: BinaryIO) -> None:
        self._disk, self._stream = disk, stream

    def write(self, data: bytes) -> int:
        fits = min(len(data), self._disk.room)
        self._disk.room -= fits
        if not fits and data:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._stream.write(bytes(data)[:fits])

    def __enter__(self) -> _OnDisk:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@pytest.mark.parametrize("via", ["rest", "graphql"])
def test_a_full_disk(
    gitlab: LoopbackGitLab, tmp_path: Path, via: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fills up at five places of a run; each time the next run has some more room."""
    draw, life, to = random.Random(64), Life(64), tmp_path / "data"
    gitlab.set(licensed=True)
    full = 0
    for _ in range(5):
        gitlab.load(life.records(), now=life.now)
        gitlab.inject(*edits(life, REQUESTS[via], 3))
        with monkeypatch.context() as patch:
            small = Disk(draw.randrange(200, 100_000))
            patch.setattr(disk, "create", small.create)
            patch.setattr(runs, "create", small.create)
            outcome = export(gitlab, to, *PATHS, via=via)
        full += outcome.code == 5
        fails_by_name(outcome, 0, 5)
        assert outcome.code == 0 or "No space left on device" in outcome.err
        life.work(2)
    assert full >= 2
    assert_quiet_run_finds_all(gitlab, life, to, "full disks", via=via)
