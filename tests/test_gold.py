"""Real revisions against what careful readers found in them; needs ../shared."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rapidfuzz import fuzz

import roadmap_analytics as ra
from roadmap_analytics.roadmap import tables

Gold = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def corpus(shared: Path) -> Path:
    folder = shared / "corpus" / "sigsum"
    if not folder.is_dir():
        pytest.skip("needs the labelled revisions in ../shared/corpus")
    return folder


@pytest.fixture(scope="module")
def gold(corpus: Path) -> Gold:
    files = (corpus / "gold").glob("20*.json")
    return {path.stem: json.loads(path.read_text("utf-8")) for path in files}


@pytest.fixture(scope="module")
def read(corpus: Path) -> ra.Dataset:
    return ra.read_roadmaps(corpus / "roadmaps")


def f1(found: Iterable[Any], wanted: Iterable[Any]) -> float:
    have, want = Counter(found), Counter(wanted)
    hits = sum((have & want).values())
    return 2 * hits / max(sum(have.values()) + sum(want.values()), 1)


def rows(frame: pd.DataFrame, day: str) -> list[dict[str, Any]]:
    part = frame[frame["revision"] == day]
    return [{k: None if pd.isna(v) else v for k, v in r.items()} for r in part.to_dict("records")]


def day_of(value: Any) -> str | None:
    return None if value is None else str(value)[:10]


def same_title(found: str, label: dict[str, Any]) -> bool:
    others = [label["title"], label.get("title_full", ""), *label.get("title_alternatives", [])]
    return max(fuzz.ratio(found.lower(), other.lower()) for other in others) >= 80


def test_every_revision_is_labelled_and_read(gold: Gold, read: ra.Dataset) -> None:
    assert len(gold) >= 11
    assert sorted(gold) == sorted(str(day)[:10] for day in read.revisions["revision"])


def test_items_of_lists(gold: Gold, read: ra.Dataset) -> None:
    found, wanted = [], []
    for day, labels in gold.items():
        by_key = {item["key"]: item for item in labels["items"]}
        for row in rows(read.roadmap_items, day):
            label = by_key.get(row["key"])
            fits = label and same_title(row["title"], label) and row["parent"] == label["parent"]
            fits = fits and row["kind"] == label["kind"]
            if not label or label["source"] == "list":
                found.append((day, row["key"], bool(fits)))
        wanted += [(day, i["key"], True) for i in labels["items"] if i["source"] == "list"]
    assert f1(found, wanted) >= 0.95


def test_items_of_prose_and_people(gold: Gold, read: ra.Dataset) -> None:
    found = [
        (day, row["key"])
        for day in gold
        for row in rows(read.roadmap_items, day)
        if row["source"] in ("prose", "people", "nested")
    ]
    wanted = [(day, i["key"]) for day in gold for i in gold[day]["items"] if i["source"] != "list"]
    assert f1(found, wanted) >= 0.8


def test_target_dates_and_deferral(gold: Gold, read: ra.Dataset) -> None:
    right, total, deferred = 0, 0, []
    for day, labels in gold.items():
        by_key = {row["key"]: row for row in rows(read.roadmap_items, day)}
        for item in labels["items"]:
            row = by_key.get(item["key"])
            date = day_of(row["target_date"]) if row else None
            if item["target_text"] or date:
                total += 1
                right += bool(row and row["target_text"]) and date == item["target_date"]
            deferred.append(bool(row) and row["deferred"] == item["deferred"])
    assert right / total >= 0.95
    assert sum(deferred) / len(deferred) >= 0.95


def test_responsibilities(gold: Gold, read: ra.Dataset) -> None:
    hits = found = wanted = 0
    for day, labels in gold.items():
        have = rows(read.responsibilities, day)
        found, wanted = found + len(have), wanted + len(labels["responsibilities"])
        for label in labels["responsibilities"]:
            hit = next((row for row in have if same_duty(row, label)), None)
            if hit:
                have.remove(hit)
                hits += 1
    assert 2 * hits / (found + wanted) >= 0.85


def same_duty(row: dict[str, Any], label: dict[str, Any]) -> bool:
    if (row["person"], row["role"], row["key"]) != (label["person"], label["role"], label["item"]):
        return False
    if label["item"]:
        return True
    scopes = [
        re.sub(r"\W+", " ", text or "").lower() for text in (row["scope"], label["scope_text"])
    ]
    return fuzz.token_set_ratio(*scopes) >= 70


def test_milestone_references(gold: Gold, read: ra.Dataset) -> None:
    found = [
        (day, row["url"], row["status"])
        for day in gold
        for row in rows(read.roadmap_milestones, day)
    ]
    wanted = [
        (day, re.split("[?#]", m["url"])[0], m["status_text"])
        for day in gold
        for m in gold[day]["milestones"]
    ]
    assert f1([one[:2] for one in found], [one[:2] for one in wanted]) >= 0.95
    assert f1(found, wanted) >= 0.9


def test_previous_next_update_and_horizon(gold: Gold, read: ra.Dataset) -> None:
    right, total = 0, 0
    for day, labels in gold.items():
        (row,) = rows(read.revisions, day)
        label = labels["revision"]
        assert row["layout"] == label["layout"]
        pairs = [
            (row["previous"], label["previous"]),
            (row["next_update_date"], label["next_update_planned"]),
            (row["horizon_date"], label["horizon_date"]),
        ]
        right += sum(day_of(found) == wanted for found, wanted in pairs)
        total += len(pairs)
    assert right / total >= 0.95


def test_carry_over(gold: Gold, read: ra.Dataset) -> None:
    right, total = 0, 0
    for day, labels in gold.items():
        have = rows(read.carry_over, day)
        for label in labels["carry_over"]:
            if label["section"] == "progress":
                continue
            total += 1
            right += any(
                row["status"] == label["status"]
                and fuzz.token_set_ratio(row["text"], label["text"]) >= 75
                for row in have
            )
    assert right / total >= 0.8


def test_matches(corpus: Path, read: ra.Dataset) -> None:
    labels = json.loads((corpus / "gold" / "matches.json").read_text("utf-8"))["pairs"]
    pairs = {(pair["from_revision"], pair["to_revision"]) for pair in labels}
    have = {
        (str(m["previous_revision"])[:10], m["previous_key"], str(m["revision"])[:10], m["key"])
        for m in read.item_matches.to_dict("records")
    }
    have = {match for match in have if (match[0], match[2]) in pairs}
    want = {
        (m["from_revision"], m["from_key"], m["to_revision"], m["to_key"]): m["confidence"]
        for pair in labels
        for m in pair["matches"]
    }
    certain = {match for match, confidence in want.items() if confidence == "certain"}
    assert len(certain & have) / len(certain) >= 0.95
    assert f1(have, set(want)) >= 0.85


def test_a_damaged_file_parses_like_the_clean_one(corpus: Path) -> None:
    damaged = (corpus / "seed-2023-09-12.txt").read_text("utf-8")
    clean = (corpus / "roadmaps" / "2023-09-12-roadmap.md").read_text("utf-8")
    assert damaged != clean
    ours, theirs = (
        tables.parse([{"name": "2023-09-12.md", "text": text}]) for text in (damaged, clean)
    )
    for name, frame in ours.items():
        pd.testing.assert_frame_equal(frame, theirs[name])


def test_most_list_items_find_a_place(read: ra.Dataset) -> None:
    assert read.revisions["placed_items"].sum() / read.revisions["list_items"].sum() >= 0.75
    assert (read.revisions["placed_items"] <= read.revisions["list_items"]).all()


def test_known_slips_of_the_overall_estimate(read: ra.Dataset) -> None:
    rows = ra.horizon_slippage(read, as_of="2024-02-01")
    assert rows["total_slip_days"].iloc[-1] == 213  # 30 September 2023 to 30 April 2024
