"""Pytest fixtures: exports of the hand-made world, made once; exports of records alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exporting import export, without_tables
from tests.gitlab_server import LoopbackGitLab
from tests.gitlab_server.hand_world import NOW, hand_world


@pytest.fixture(scope="session")
def hand_exports(gitlab_process: LoopbackGitLab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the hand-made world as it comes by `rest` and by `graphql`: copy or read it."""
    to = tmp_path_factory.mktemp("hand")
    gitlab_process.set_back()
    gitlab_process.load(hand_world(), now=NOW)
    for via in ("rest", "graphql"):
        outcome = export(gitlab_process, to / via, "orchard", "upkeep", via=via)
        assert outcome.code == 0, outcome.err
    return to


@pytest.fixture
def records_alone() -> Iterator[None]:
    """No export of the test writes tables: it is not about them (see `without_tables`)."""
    with without_tables():
        yield
