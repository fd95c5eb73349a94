"""What leaves the house: no name, no confidential title, every number as it was."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import roadmap_analytics as ra
from roadmap_analytics import schema
from roadmap_analytics.frames import Dataset

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
NAMES = ["ada", "bjarne", "cleo", "dag", "elin", "farid", "greta", "lind", "kvist", "ada.old"]
DAY = "2026-11-20"


@pytest.fixture(scope="module")
def sample() -> Dataset:
    return ra.load(SAMPLE)


def words(frames: dict[str, pd.DataFrame]) -> set[str]:
    """Every word in every text of these frames, in lower case."""
    texts = [
        frame[column].dropna()
        for frame in frames.values()
        for column in frame.columns
        if isinstance(frame[column].dtype, pd.StringDtype)
    ]
    return set(pd.concat(texts).str.casefold().str.findall(r"[\w.]+").explode().dropna())


def test_no_name_is_left_anywhere(sample: Dataset) -> None:
    assert set(NAMES) <= words(sample.frames)
    assert not set(NAMES) & words(sample.pseudonymised(seed=3).frames)


def test_every_number_stays(sample: Dataset) -> None:
    shared = sample.pseudonymised(seed=3)
    for name, frame in shared.frames.items():
        schema.validate(name, frame)
        assert len(frame) == len(sample[name])
    numbers = ["open_issues", "overdue_issues", "remaining_hours", "drives", "reviews"]
    before, after = (
        ra.workload(d, as_of=DAY)[numbers].sort_values(numbers, ignore_index=True)
        for d in (sample, shared)
    )
    pd.testing.assert_frame_equal(before, after)
    pd.testing.assert_frame_equal(
        ra.milestone_progress(sample, as_of=DAY), ra.milestone_progress(shared, as_of=DAY)
    )


def test_the_seed_decides(sample: Dataset) -> None:
    one, again, other = (sample.pseudonymised(seed=seed).assignments for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one, again)
    assert not one.equals(other)


def test_spellings_of_one_person_become_one_name() -> None:
    people = [
        {"username": "rk", "person": "rasmus", "name": "Rasmus K."},
        {"username": "max", "person": "max", "name": "Max Mo"},
    ]
    issues = {
        "issue_id": [1, 2], "project_id": 1, "iid": [1, 2], "confidential": False,
        "title": ["Ask Rasmus (RK) about closed doors", "Set the maximum; max agrees"],
        "state": "closed", "type": "issue", "author": ["rasmus", "max"],
    }  # fmt: skip
    dataset = Dataset(
        {"people": schema.tidy("people", people), "issues": schema.tidy("issues", issues)},
        {"config": {"people": {"rasmus": ["Rasse"], "closed": []}}},
    )
    shared = dataset.pseudonymised(seed=0)
    rasmus, other = shared.issues["author"]
    assert shared.issues["title"].tolist()[1] == f"Set the maximum; {other} agrees"
    assert shared.issues["title"].tolist()[0].startswith(f"Ask {rasmus} ({rasmus}) about person")
    assert shared.issues["state"].tolist() == ["closed", "closed"]
    assert shared.config["people"] == {}


def test_confidential_titles_are_left_out_and_count(sample: Dataset) -> None:
    secret = sample.issues[sample.issues["confidential"]]
    assert len(secret)
    shown = sample.without_confidential_titles()
    assert set(shown.issues.loc[shown.issues["confidential"], "title"]) == {"(confidential)"}
    assert len(shown.issues) == len(sample.issues)
    others = ~sample.issues["confidential"]
    assert shown.issues.loc[others, "title"].equals(sample.issues.loc[others, "title"])


def test_a_copy_is_a_dataset(sample: Dataset, tmp_path: Path) -> None:
    sample.pseudonymised(seed=3).save(tmp_path / "copy")
    loaded = ra.load(tmp_path / "copy")
    assert loaded.simulated
    assert loaded.exported_at == sample.exported_at
    for name, frame in sample.pseudonymised(seed=3).frames.items():
        pd.testing.assert_frame_equal(loaded[name], frame)


def test_frames_made_by_hand_can_be_saved_too(tmp_path: Path) -> None:
    ada = schema.tidy("assignments", [{"issue_id": 1, "person": "ada"}])
    Dataset({"assignments": ada}).save(tmp_path / "hand")
    loaded = ra.load(tmp_path / "hand")
    pd.testing.assert_frame_equal(loaded.assignments, ada)
    assert not loaded.simulated
