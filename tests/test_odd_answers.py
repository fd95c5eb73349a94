"""Answers of the server mutated at random: a named failure at worst, and the next run is right."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import roadmap_analytics as ra
from roadmap_analytics.gitlab import transport
from tests.exporting import command, export
from tests.gitlab_server import LoopbackGitLab
from tests.test_faults import by_second, hurried

__all__ = ["hurried"]

pytestmark = pytest.mark.usefixtures("records_alone")
PATHS = ("orchard", "upkeep")
WHERE = ("--roadmaps", "orchard/documentation:archive/*-roadmap.md")
WAYS: list[dict[str, Any]] = [
    {"via": "rest"},
    {"via": "graphql"},
    {"via": "auto", "token": None},
]
LISTS = ("", "issues", "milestones", "notes|graphql", "graphql", "projects", "groups", "labels")
LISTS += ("resource", "repository")


@pytest.mark.parametrize("way", WAYS, ids=["rest", "graphql", "anonymous"])
def test_answers_mutated_at_random(
    hand_gitlab: LoopbackGitLab,
    tmp_path: Path,
    way: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many_mutations(hand_gitlab, tmp_path, way, monkeypatch, seeds=range(2))


def many_mutations(
    server: LoopbackGitLab,
    folder: Path,
    way: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    seeds: range,
) -> None:
    """Export through mutated answers, into a new dataset or one that is there."""
    monkeypatch.setattr(transport, "ATTEMPTS", 2)
    clean = folder / "clean"
    outcome = export(server, clean, *PATHS, options=WHERE, **way)
    assert outcome.code == 0, outcome.err
    for seed in seeds:
        draw = random.Random(seed)
        first, to = draw.random() < 0.3, folder / f"{seed}"
        if not first:
            shutil.copytree(clean, to)
        fault = {"kind": "mutate", "times": None, "seed": seed, "match": draw.choice(LISTS)}
        server.inject({**fault, "chance": draw.choice([0.1, 0.5]), "rows": draw.choice([1, 3])})
        outcome = export(server, to, *PATHS, options=(*WHERE, "--full"), **way)
        # Where nothing is known yet, answers that make no sense are taken for no GitLab's.
        assert outcome.code in ((0, 2, 3, 4) if first else (0, 3, 4)), (seed, outcome.err)
        assert "Traceback" not in outcome.err
        if (to / "manifest.json").exists():
            assert command("check", str(to)).code in (0, 1), seed
        asked = command("doctor", f"{server.url}/orchard", token=way.get("token", "secret"))
        assert asked.code in (0, 2, 3, 4), (seed, asked.err)
        server.inject()
        # A lie that could be true is stored, and nothing tells that it was one: hence `--full`.
        outcome = export(server, to, *PATHS, options=(*WHERE, "--full"), **way)
        assert outcome.code == 0, (seed, outcome.err)
        assert_same(ra.load(to), ra.load(clean), f"seed {seed}")


def assert_same(found: ra.Dataset, expected: ra.Dataset, why: str) -> None:
    for name, frame in expected.frames.items():
        if name == "issue_events":
            pd.testing.assert_frame_equal(by_second(found[name]), by_second(frame), obj=why)
        elif name not in ("milestone_dates", "people"):  # they keep what was once seen
            pd.testing.assert_frame_equal(found[name], frame, obj=f"{why}: {name}")
