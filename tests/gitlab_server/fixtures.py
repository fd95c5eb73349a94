"""Pytest fixtures: the server, empty or with the hand-made world."""

from collections.abc import Iterator

import pytest

from tests.gitlab_server import LoopbackGitLab
from tests.gitlab_server.hand_world import NOW, hand_world


@pytest.fixture(scope="session")
def gitlab_process() -> Iterator[LoopbackGitLab]:
    """One server process for all tests; take `gitlab` instead, which sets it back."""
    server = LoopbackGitLab()
    yield server
    server.stop()


@pytest.fixture
def gitlab(gitlab_process: LoopbackGitLab) -> LoopbackGitLab:
    """A server with an empty world, default settings and no faults."""
    gitlab_process.set_back()
    return gitlab_process


@pytest.fixture
def hand_gitlab(gitlab: LoopbackGitLab) -> LoopbackGitLab:
    """A server with the hand-made world."""
    gitlab.load(hand_world(), now=NOW)
    return gitlab
