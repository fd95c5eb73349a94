"""What every test stands on: no window, no chance, no figure left open."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.examples import EVERY_RUN

pytest_plugins = ["tests.gitlab_server.fixtures", "tests.exported"]

os.environ.setdefault("MPLBACKEND", "Agg")
# What was given on this machine, which a run remembers, is no business of the tests' user.
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="roadmap-analytics-state-")

# The same examples on every run: a red build is red for everyone. `make soak` draws others each
# time, and prints how to repeat one that fails.
settings.register_profile(
    "same", derandomize=True, deadline=None, database=None, max_examples=EVERY_RUN
)
# Said in words, as hypothesis repeats the same examples by default where it sees a CI's variables.
settings.register_profile(
    "fresh", derandomize=False, deadline=None, max_examples=100, print_blob=True
)
settings.register_profile("soak", derandomize=False, deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


def pytest_collection_finish() -> None:
    """Look for garbage more seldom, and not among what has been imported, which stays anyway."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real exports and documents beside the project, which is not part of it."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not (folder / "gitlab").is_dir():
        pytest.skip("needs the real exports in ../shared, which do not belong to the project")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _disk_without_power_cuts() -> Iterator[None]:
    """Flush nothing to the disk: an export flushes fifty times, and no test pulls the plug.

    Tests of what happens where a flush fails put their own function in its place.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")
