"""Following items over revisions: order of evidence, vetoes, gaps, and what people overrule."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadmap_analytics.errors import RoadmapError
from roadmap_analytics.roadmap import tables
from roadmap_analytics.roadmap.matching import read_matches, vetoed

HEADER = "from_revision,from_key,to_revision,to_key,verdict\n"


def revision(*titles: str, extra: str = "") -> str:
    listed = "\n".join(f"{n}. {title}" for n, title in enumerate(titles, 1))
    return f"# x\n\n## Roadmap\n\nIn rough order of priority:\n\n{listed}\n{extra}"


def follow(*texts: str, matches: str | None = None) -> dict[str, pd.DataFrame]:
    records: list[dict[str, Any]] = [
        {"name": f"2025-{month:02d}-01.md", "text": text} for month, text in enumerate(texts, 1)
    ]
    if matches is not None:
        records.append({"name": "archive/matches.csv", "text": HEADER + matches})
    return tables.parse(records)


def pairs(frames: dict[str, pd.DataFrame]) -> list[tuple[str, str, str, str]]:
    columns = ["previous_key", "key", "kind", "reason"]
    return list(frames["item_matches"][columns].itertuples(index=False, name=None))


def ids(frames: dict[str, pd.DataFrame]) -> list[str]:
    return list(frames["roadmap_items"]["item"])


def test_equal_keys_are_no_proof() -> None:
    frames = follow(revision("Lamp wiring", "Tower paint"), revision("Tower paint", "Lamp wiring"))
    assert pairs(frames) == [("2", "1", "same", "title"), ("1", "2", "same", "title")]
    assert ids(frames) == ["2025-01-01/1", "2025-01-01/2", "2025-01-01/2", "2025-01-01/1"]


def test_a_milestone_ties_different_titles() -> None:
    link = "see https://git.example.org/groups/x/-/milestones/{}#tab-issues"
    frames = follow(
        revision("Fix small things, " + link.format(7), "Paint the tower"),
        revision("Paint the tower", "Welcome new keepers, " + link.format("7?a=1")),
    )
    assert ("1", "2", "renamed", "milestone") in pairs(frames)


def test_milestones_of_another_group_tie_nothing() -> None:
    frames = follow(
        revision("Fix small things, https://git.example.org/groups/x/-/milestones/7"),
        revision("Welcome keepers, https://git.example.org/groups/y/-/milestones/7"),
    )
    assert pairs(frames) == []


def test_a_statement_ties_what_no_title_would() -> None:
    said = "\n## Summary of changes\n\n"
    said += "- 1(i) - 1(iii): a first part of formats and tools is almost done\n"
    before = revision("Tools\n   1. Formats\n   2. Signing\n   3. Command line\n   4. Watching")
    after = revision("Tools\n   1. Watching\n   2. Second part of formats and tools", extra=said)
    found = pairs(follow(before, after))
    assert [one for one in found if one[1] == "1.2"] == [
        ("1.1", "1.2", "merged", "carry-over"),
        ("1.2", "1.2", "merged", "carry-over"),
        ("1.3", "1.2", "merged", "carry-over"),
    ]
    assert ("1.4", "1.1", "same", "title") in found


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("Phase 1: Data import", "Phase 2: Data import", True),
        ("log.md", "witness.md", True),
        ("bastion-go", "witness-go", True),
        ("v1 of the format", "v2 of the format", True),
        ("Docs", "Docs v2", False),
        ("log.md", "log.md and witness.md", False),
    ],
)
def test_numbers_and_file_names_veto(a: str, b: str, expected: bool) -> None:
    assert vetoed(a, b) is expected
    frames = follow(revision(a), revision(b))
    assert bool(pairs(frames)) is not expected


def test_words_find_a_renamed_item() -> None:
    frames = follow(
        revision("Iterate on watching the coast", "Website"),
        revision("Website", "Watching of the coast and the harbour"),
    )
    assert ("1", "2", "renamed", "words") in pairs(frames)
    confidence = frames["item_matches"].set_index("reason")["confidence"]
    assert 0 < confidence["words"] < confidence["title"] < 1


def test_parents_go_where_their_children_went() -> None:
    frames = follow(
        revision("Wrap-up and polish\n   1. format.md\n   2. wire.md", "Website"),
        revision("Website", "Written rules\n   1. wire.md, final\n   2. format.md, final"),
    )
    assert ("1", "2", "renamed", "children") in pairs(frames)


def test_twins_of_a_split_item() -> None:
    frames = follow(
        revision("Keeper documentation"), revision("Keeper documentation", "Keeper documentation")
    )
    assert {one[2] for one in pairs(frames)} == {"split"}
    assert len(set(ids(frames))) == 2


def test_an_item_that_comes_back() -> None:
    frames = follow(
        revision("Radio beacons", "Website"),
        revision("Website"),
        revision("Website", "Radio beacons"),
    )
    rows = frames["item_matches"]
    back = rows[rows["kind"] == "returned"].to_dict("records")
    assert [(r["previous_revision"].month, r["previous_key"], r["key"]) for r in back] == [
        (1, "1", "2")
    ]
    assert ids(frames)[-1] == "2025-01-01/1"


def test_people_overrule_everything() -> None:
    texts = revision("Lamp wiring", "Tower paint"), revision("Tower paint", "Radio")
    kept_apart = follow(*texts, matches="2025-01-01,2,2025-02-01,1,different\n")
    assert ("2", "1") not in [one[:2] for one in pairs(kept_apart)]
    tied = follow(
        *texts, matches="2025-01-01,1,2025-02-01,1,same\n2025-01-01,2,2025-02-01,2,same\n"
    )
    assert [one[:2] + one[3:] for one in pairs(tied)] == [
        ("1", "1", "matches.csv"),
        ("2", "2", "matches.csv"),
    ]
    assert set(tied["item_matches"]["confidence"]) == {1.0}
    ended = follow(*texts, matches="2025-01-01,2,2025-02-01,,different\n")
    assert "2" not in [one[0] for one in pairs(ended)]


def test_people_tie_over_a_gap() -> None:
    texts = revision("Bells"), revision("Website"), revision("Sound signals", "Website")
    frames = follow(*texts, matches="2025-01-01,1,2025-03-01,1,same\n")
    assert ("1", "1", "returned", "matches.csv") in pairs(frames)
    assert frames["roadmap_items"]["item"].tolist()[2] == "2025-01-01/1"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n", "expected the columns"),
        (HEADER + "2025-01-01,1,2025-02-01,1,perhaps\n", "line 2.*'perhaps'"),
        (HEADER + "soon,1,2025-02-01,1,same\n", "line 2.*soon"),
    ],
)
def test_a_broken_matches_file_is_named(text: str, words: str) -> None:
    with pytest.raises(RoadmapError, match=words):
        read_matches(text, "archive/matches.csv")


TITLES = st.lists(
    st.sampled_from(
        ["Lamp wiring", "Tower paint", "Radio beacons", "Phase 1", "Phase 2", "log.md", "Docs"]
    ),
    max_size=5,
)


@given(st.lists(TITLES, min_size=2, max_size=4))
def test_ids_are_stable_unique_and_know_no_future(revisions: list[list[str]]) -> None:
    texts = [revision(*titles) for titles in revisions]
    frames = follow(*texts)
    items = frames["roadmap_items"]
    assert not items.duplicated(["revision", "item"]).any()
    shorter = follow(*texts[:-1])
    for name in ("roadmap_items", "item_matches"):
        known = frames[name][frames[name]["revision"] < f"2025-{len(texts):02d}-01"]
        pd.testing.assert_frame_equal(known.reset_index(drop=True), shorter[name])
