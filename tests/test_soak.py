"""The long part of the proof, run by `make soak`: many kills, many storms, fifty nights."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest

import roadmap_analytics as ra
from tests import test_odd_answers
from tests.exporting import export
from tests.gitlab_server import LoopbackGitLab
from tests.gitlab_server.hand_world import NOW
from tests.gitlab_server.life import Life
from tests.gitlab_server.truth import differences, served, stored
from tests.test_faults import (
    PATHS,
    assert_as_exported_afresh,
    edited_killed_and_resumed,
    fails_by_name,
    hurried,
    killed_after,
    many_issues,
    nights,
    storm,
    survive,
    while_people_work,
)

__all__ = ["hurried"]

pytestmark = pytest.mark.slow
FIFTY_NIGHTS = 50


def test_fifty_nights_equal_a_full_export(gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    to, whole = tmp_path / "nightly", tmp_path / "whole"
    *_, life = nights(gitlab, to, seed=50, number=FIFTY_NIGHTS, changes=25)
    deeds = {deed: life.deeds.count(deed) for deed in sorted(set(life.deeds))}
    gitlab.reset()
    last = export(gitlab, to, *PATHS)
    asked = gitlab.counts().total
    gitlab.reset()
    assert export(gitlab, whole, *PATHS).code == last.code == 0
    print(f"\n{FIFTY_NIGHTS} nights, {len(life.deeds)} changes {deeds}")
    print(f"requests: {asked} on a night without changes, {gitlab.counts().total} for a full one")
    nightly, full = ra.load(to), ra.load(whole)
    for name, frame in full.frames.items():
        if name != "milestone_dates":  # the nights saw more of them, that is their purpose
            assert frame.equals(nightly[name]), name
    assert len(nightly["milestone_dates"]) >= len(full["milestone_dates"])


@pytest.mark.parametrize("seed", range(20))
def test_ten_nights_of_faults_and_changes(
    gitlab: LoopbackGitLab, tmp_path: Path, seed: int
) -> None:
    life, to = Life(1000 + seed), tmp_path / "data"
    gitlab.set(licensed=True)
    for night in range(10):
        gitlab.load(life.records(), now=life.now)
        gitlab.inject(*storm(seed * 10 + night))
        for _ in range(8):
            outcome = export(gitlab, to, *PATHS)
            if outcome.code == 0:
                break
            fails_by_name(outcome, 4)
        assert outcome.code == 0, outcome.err
        assert differences(stored(to), served(life.records(), *PATHS)) == [], (seed, night)
        life.work(15)


@pytest.mark.parametrize("seed", range(200, 260))
def test_people_work_while_it_is_exported(
    gitlab: LoopbackGitLab, tmp_path: Path, seed: int
) -> None:
    while_people_work(gitlab, tmp_path / "data", seed, number=4, changes=12)


@pytest.mark.parametrize("token", ["secret", None])
@pytest.mark.parametrize("seed", range(300, 330))
def test_people_work_while_it_is_exported_by_graphql(
    gitlab: LoopbackGitLab, tmp_path: Path, seed: int, token: str | None
) -> None:
    while_people_work(
        gitlab, tmp_path / "data", seed, number=3, changes=12, via="auto", token=token
    )


@pytest.mark.parametrize("seed", range(100, 160))
def test_storms(hand_gitlab: LoopbackGitLab, tmp_path: Path, seed: int) -> None:
    survive(hand_gitlab, tmp_path / "data", storm(seed))


def test_a_hundred_kills(gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    """Killed at a hundred random requests, each time run to the end from there."""
    draw = random.Random(9)
    world = many_issues(30)
    truth = served(world, *PATHS)
    gitlab.load(world, now=NOW)
    assert export(gitlab, tmp_path / "undisturbed", *PATHS).code == 0
    most = gitlab.counts().total
    gitlab.set(latency=0.003)
    killed = again = 0
    for number in range(100):
        to = tmp_path / f"{number}"
        killed += killed_after(gitlab, to, draw.randrange(1, most + 1))
        gitlab.reset()
        outcome = export(gitlab, to, *PATHS)
        assert outcome.code == 0, outcome.err
        again += gitlab.counts().total
        assert differences(stored(to), truth) == [], number
        assert_as_exported_afresh(gitlab, to, f"kill {number}")
        shutil.rmtree(to)
    print(
        f"\n{killed} of 100 exports were killed; the runs after them asked {again / 100:.0f} "
        f"times, an undisturbed one {most}"
    )
    assert killed >= 80
    assert again < 100 * most, "what was fetched is not fetched again"


def test_forty_kills_of_one_dataset(gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    """Killed again and again while the world changes; then one run to the end."""
    draw, life, to = random.Random(10), Life(77), tmp_path / "data"
    gitlab.set(latency=0.003, licensed=True)
    for _ in range(40):
        gitlab.load(life.records(), now=life.now)
        killed_after(gitlab, to, draw.randrange(1, 100))
        life.work(4)
    gitlab.set(latency=0.0)
    gitlab.load(life.records(), now=life.now)
    outcome = export(gitlab, to, *PATHS)
    assert outcome.code == 0, outcome.err
    assert differences(stored(to), served(life.records(), *PATHS)) == []
    assert_as_exported_afresh(gitlab, to, "forty kills")


@pytest.mark.parametrize("seed", range(3000, 3500))
def test_random_worlds_edited_killed_and_resumed(
    gitlab: LoopbackGitLab, tmp_path: Path, seed: int
) -> None:
    """Half of them by REST, half by GraphQL."""
    edited_killed_and_resumed(
        gitlab, tmp_path / "data", seed, via="graphql" if seed % 2 else "rest"
    )


@pytest.mark.parametrize("start", range(10_000, 10_200, 10))
@pytest.mark.parametrize("way", test_odd_answers.WAYS, ids=["rest", "graphql", "anonymous"])
def test_answers_mutated_at_random(
    hand_gitlab: LoopbackGitLab,
    tmp_path: Path,
    way: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    start: int,
) -> None:
    seeds = range(start, start + 10)
    test_odd_answers.many_mutations(hand_gitlab, tmp_path, way, monkeypatch, seeds)
