"""Pytest fixture: what exports of the hand-made world give, made once for all tests."""

from pathlib import Path

import pytest

from tests.exporting import export
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
