"""The browser and the pages that it is shown."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from roadmap_analytics.report import build
from tests import odd_datasets
from tests.browser.chromium import Chromium, Page
from tests.reporting import write_report

PICTURES = os.environ.get("BROWSER_PICTURES")


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    browser = Chromium(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def hostile_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile") / "dataset"
    odd_datasets.hostile().save(folder)
    return folder


@pytest.fixture(scope="session")
def sample_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build.write_report(odd_datasets.SAMPLE, tmp_path_factory.mktemp("report")).parent


@pytest.fixture(scope="session")
def hostile_report(hostile_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(hostile_dataset, tmp_path_factory.mktemp("report")).parent


def keep_picture(page: Page, name: str) -> None:
    """Save what is seen, if BROWSER_PICTURES names a folder for it."""
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        page.picture(Path(PICTURES) / f"{name}.png")
