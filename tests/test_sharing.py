"""What leaves the house: no name, no confidential title, every number as it was."""

from __future__ import annotations

import re
import unicodedata
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import roadmap_analytics as ra
from roadmap_analytics import schema
from roadmap_analytics.frames import Dataset, sharing
from tests.eight_issues import World
from tests.examples import examples

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
        ra.milestone_progress(sample, as_of=DAY).drop(
            columns=["title", "path", "web_url"], errors="ignore"
        ),
        ra.milestone_progress(shared, as_of=DAY).drop(
            columns=["title", "path", "web_url"], errors="ignore"
        ),
    )


def test_the_seed_decides(sample: Dataset) -> None:
    one, again, other = (sample.pseudonymised(seed=seed).assignments for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(one, again)
    assert not one.equals(other)


def test_every_column_of_text_has_a_rule() -> None:
    """A column added to a frame must not leak what it holds."""
    for name in schema.FRAMES:
        sharing._rules(name, schema.empty(name))


def test_what_stands_for_a_text_is_the_same_everywhere() -> None:
    people = [
        {"username": "rk", "person": "rasmus", "name": "Rasmus K."},
        {"username": "rk2", "person": "rasmus", "name": None},
        {"username": "max", "person": "max", "name": "Max Mo"},
    ]
    world = World()
    world.milestone(10, "DRAFT: Max's plan", None, None)
    world.milestone(11, "Harvest", None, None)
    world.issue(1, "2025-03-03T08:00", title="Ask Rasmus", author="rasmus")
    world.issue(2, "2025-03-03T08:00", title="Ask Rasmus", author="max")
    world.put(1, "2025-03-04T08:00", 11)
    world.member(1, "2025-03-03T09:00", "label", "add", "max later")
    world.member(1, "2025-03-03T09:00", "assignee", "add", "everyone")
    config = {"people": {"rasmus": ["Rasse"]}, "labels": {"future": "max later"}}
    dataset = world.dataset(config=config).with_frames(people=schema.tidy("people", people))
    shared = dataset.pseudonymised(seed=0)
    rasmus, other = shared.issues["author"]
    assert {rasmus, other} == {"person01", "person02"}
    assert shared.issues["title"].tolist() == ["issue 1", "issue 1"]
    assert shared.people["username"].tolist() == sorted([rasmus, f"{rasmus}.1", other])
    assert shared.people.set_index("username").loc[f"{rasmus}.1", "person"] == rasmus
    assert shared.milestones["title"].tolist() == ["DRAFT: milestone 1", "milestone 2"]
    events = shared.issue_events.set_index("field")["value"]
    assert events["milestone"] == "milestone 2"
    assert events["label"] == shared.config["labels"]["future"] == "label 1"
    assert events["assignee"] == "everyone"
    assert shared.config["people"] == {}
    assert len(ra.future_work(shared, as_of=DAY)) == len(ra.future_work(dataset, as_of=DAY))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://git.example.org/x/team/ada/-/issues/7", "group2/group1/-/issues/7"),
        ("https://git.example.org/x/groups/team/-/milestones/3/", "groups/group2/-/milestones/3"),
        ("https://git.example.org/x/team/ada/-/blob/main/ada1", "elsewhere"),
        ("https://ada.example/diary", "elsewhere"),
    ],
)
def test_an_address_keeps_what_it_leads_to_and_no_name(address: str, expected: str) -> None:
    issues = {
        "issue_id": [1], "project_id": 1, "iid": [7], "confidential": False, "title": "?",
        "state": "closed", "type": "issue", "project": "team/ada", "web_url": address,
    }  # fmt: skip
    dataset = Dataset(
        {"issues": schema.tidy("issues", issues)}, {"origin": "https://git.example.org/x"}
    )
    shared = dataset.pseudonymised(seed=1)
    assert shared.issues["web_url"].tolist() == [f"https://gitlab.example/{expected}"]
    assert shared.issues["project"].tolist() == ["group2/group1"]


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


def test_the_manifest_has_no_names_and_still_fits_the_frames() -> None:
    world = World()
    world.milestone(10, "ada: Harvest", None, None)
    world.issue(1, "2025-03-03T08:00")
    for label in ("Ada later", "ada later"):
        world.member(1, "2025-03-03T09:00", "label", "add", label)
    failure = {"part": "project ada/dotfiles", "status": 403, "message": "no, ada"}
    config = {
        "labels": {"future": "ada later"},
        "milestones": {"draft_prefix": "ada: "},
        "calendar": {
            "timezone": "Europe/Stockholm",
            "workdays": ["Mon"],
            "periods": {"Ada on leave": "2025-07-08/2025-08-18", "ada on leave": "2025-01-01"},
        },
    }
    dataset = world.dataset(
        config=config,
        origin="https://git.ada.example",
        asked={"urls": ["https://git.ada.example/ada"]},
        runs=[{"run": "000001", "ended_at": "2025-03-25T06:00:00Z", "failures": [failure]}],
    )
    shared = dataset.pseudonymised(seed=0)
    assert "ada" not in str(shared.manifest).casefold()
    assert shared.manifest["runs"][0]["failures"] == [
        {"part": "part 1", "status": 403, "message": ""}
    ]
    # Two labels stay two, and the configuration means the same one as before.
    assert set(shared.issue_labels["label"]) == {"label 1", "label 2"}
    assert shared.config["labels"]["future"] == "label 2"
    assert shared.milestones["title"][0].startswith(shared.config["milestones"]["draft_prefix"])
    assert list(shared.config["calendar"]["periods"].values()) == ["2025-07-08/2025-08-18",
                                                                   "2025-01-01"]  # fmt: skip
    assert shared.config["calendar"]["timezone"] == "Europe/Stockholm"
    assert dataset.config == config  # the original is left alone


NAME = st.text(st.characters(categories=["Lu", "Ll", "Lo"]), min_size=3, max_size=8)
BETWEEN = st.text(st.sampled_from(" _-./'’(),:!@#\n\u00a0…"), min_size=1, max_size=3)
WORD = st.sampled_from(["fix", "Ärger", "v2", "login", "请", "naïve", "maintainers"])


@st.composite
def worlds(draw: st.DrawFn) -> tuple[set[str], Dataset]:
    """Four names, and a dataset that names them in every text."""
    names = draw(st.lists(NAME, min_size=4, max_size=4, unique_by=plain))
    people = {plain(name) for name in names}
    # "False" is a name, and a word of the format.
    assume("" not in people and not people & words_of(planted(["h", "i", "j", "k"], "", {}, "")))
    ways = st.sampled_from([way for name in names for way in (name, name.upper(), name.lower())])
    pieces = draw(st.lists(st.tuples(BETWEEN, ways, BETWEEN, WORD), min_size=1, max_size=5))
    text = "".join("".join(piece) for piece in pieces)
    spellings = {"first": [names[0]]}
    return people, planted(["first", "Second", *names[2:]], text, spellings, " ".join(names[1::-1]))


@examples(6)
@given(worlds(), st.integers(0, 5))
def test_no_planted_name_is_left(world: tuple[set[str], Dataset], seed: int) -> None:
    people, dataset = world
    assert people <= words_of(dataset)
    shared = dataset.pseudonymised(seed=seed)
    assert not people & words_of(shared)
    for name, frame in shared.frames.items():
        schema.validate(name, frame)


@examples(3)
@given(worlds(), st.integers(0, 5))
def test_no_number_moves(world: tuple[set[str], Dataset], seed: int) -> None:
    _, dataset = world
    shared = dataset.pseudonymised(seed=seed)
    person = dict(zip(dataset.issues["author"], shared.issues["author"], strict=True))
    assert len(set(person.values())) == 4
    for call in (ra.workload, ra.workload_history, ra.duties, ra.milestone_progress,
                 ra.planned_work, ra.slippage, partial(ra.burndown, milestone=10)):  # fmt: skip
        before, after = (
            frame.drop(columns=frame.select_dtypes("str").columns.difference(["person", "key"]))
            for frame in (call(d, as_of="2025-03-18") for d in (dataset, shared))
        )
        assert len(before)
        if "person" in before:
            before["person"] = before["person"].replace(person)
            keys = [c for c in ("key", "date", "person") if c in before]
            before, after = (f.sort_values(keys, ignore_index=True) for f in (before, after))
        pd.testing.assert_frame_equal(before, after)


def plain(text: str) -> str:
    """Fold case, accents and signs away: another way of saying when two names are the same."""
    marks = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return marks.casefold()


def words_of(dataset: Dataset) -> set[str]:
    """Every word of frames and manifest."""
    columns = [f[c].dropna() for f in dataset.frames.values() for c in f
               if isinstance(f[c].dtype, pd.StringDtype)]  # fmt: skip
    texts = [*pd.concat(columns).unique(), str(dataset.manifest).replace("\\n", " ")]
    return {plain(word) for text in texts for word in re.split(r"[\W_]+", text)}


def planted(handles: list[str], text: str, people: dict[str, list[str]], name: str) -> Dataset:
    """A small world with people who hold issues, and a text that names them wherever one stands."""
    world = World()
    world.milestone(10, f"Harvest {text}", "2025-03-03", "2025-03-14")
    for n, handle in enumerate(handles, 1):
        world.issue(n, "2025-03-03T08:00", author=handle, title=text)
        world.put(n, "2025-03-04T08:00", 10)
        world.member(n, "2025-03-04T09:00", "assignee", "add", handle)
        world.member(n, "2025-03-05T09:00", "label", "add", text)
        world.due(n, "2025-03-05T10:00", "2025-03-20")
    world.member(1, "2025-03-06T09:00", "assignee", "add", handles[1])
    world.close(3, "2025-03-06T10:00")
    revision = pd.Timestamp("2025-03-01")
    item = {"revision": revision, "key": "1", "kind": "item", "title": text, "item": "2025-03-01/1",
            "target_date": pd.Timestamp("2025-03-31"), "order": 1, "deferred": False,
            "conditional": False, "done": False, "source": "list", "detail": text}  # fmt: skip
    driver = {"revision": revision, "person": handles[0], "role": "driver", "key": "1"}
    address = {"revision": revision, "key": "1", "path": "orchard", "iid": 10, "title": text,
               "url": "https://git.example.org/groups/orchard/-/milestones/10"}  # fmt: skip
    config = {"people": people, "labels": {"future": text}}
    failure = {"part": text, "status": 403, "message": text}
    run = {"run": "000001", "ended_at": "2025-03-25T06:00:00Z", "failures": [failure]}
    dataset = world.dataset(config=config, runs=[run])
    return dataset.with_frames(
        people=schema.tidy("people", [{"username": "2nd", "person": "Second", "name": name}]),
        revisions=schema.tidy("revisions", [{"revision": revision, "layout": "numbered",
                                             "source": text, "list_items": 1, "placed_items": 1}]),
        roadmap_items=schema.tidy("roadmap_items", [item]),
        responsibilities=schema.tidy("responsibilities", [driver]),
        roadmap_milestones=schema.tidy("roadmap_milestones", [address]),
    )  # fmt: skip
