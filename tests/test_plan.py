"""Roadmap and GitLab side by side."""

from __future__ import annotations

from typing import Any

import pandas as pd

import roadmap_analytics as ra
from roadmap_analytics import schema
from tests.eight_issues import World

REVISION = "2025-02-01"


def tidy(name: str, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Fill what these tests do not look at: numbers by 0."""
    dtypes = schema.empty(name).dtypes
    zeros = {column: 0 for column, dtype in dtypes.items() if str(dtype) == "int64"}
    return schema.tidy(name, [zeros | row for row in rows])


def planned(items: list[dict[str, Any]], links: list[dict[str, Any]], world: World) -> ra.Dataset:
    frames = world.frames()
    base = {"revision": REVISION, "kind": "item", "done": False, "deferred": False}
    rows = [base | {"order": n, "key": str(n)} | item for n, item in enumerate(items, 1)]
    frames["roadmap_items"] = tidy("roadmap_items", rows)
    made = [{"revision": REVISION, "title": "x"} | link for link in links]
    frames["roadmap_milestones"] = tidy("roadmap_milestones", made)
    frames["revisions"] = tidy("revisions", [{"revision": REVISION, "source": "a.md"}])
    return ra.Dataset(frames, {"runs": [], "simulated": False})


def three_milestones() -> World:
    world = World()
    world.milestone(1, "Harvest", None, "2025-03-14")
    world.milestone(2, "Winter", None, "2025-04-11")
    world.milestone(3, "Cellar", None, None)
    world.milestone(4, "DRAFT: Someday", None, "2025-05-01")
    world.milestone(5, "Spring cleaning", None, "2025-02-28", state="closed")
    return world


def kinds(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    columns = ["kind", "key", "title", "milestone_id", "difference_days"]
    plain = frame[columns].astype("object")
    return [tuple(row) for row in plain.where(plain.notna(), None).values.tolist()]


def test_dates_that_differ_and_what_stands_on_one_side_only() -> None:
    url = "https://git.example.org/groups/orchard/-/milestones"
    dataset = planned(
        [
            {"title": "Bring in the harvest", "target_date": "2025-03-10"},
            {"title": "winter ", "target_date": "2025-04-11"},  # found by its title; same date
            {"title": "Press house", "target_date": "2025-06-30"},
            {"title": "Old barn", "deferred": True},
            {"title": "Roof", "done": True},
            {"title": "Spring cleaning", "target_date": "2025-02-01"},  # closed in GitLab
        ],
        [{"key": "1", "url": f"{url}/1?tab=issues"}],
        three_milestones(),
    )
    assert kinds(ra.plan_differences(dataset, as_of="2025-03-01")) == [
        ("date differs", "1", "Bring in the harvest", 1, 4),
        ("only in the roadmap", "3", "Press house", None, None),
        ("only in GitLab", None, "Cellar", 3, None),
    ]


def test_an_item_is_covered_by_a_milestone_above_or_below_it() -> None:
    url = "https://git.example.org/groups/orchard/-/milestones"
    dataset = planned(
        [
            {"title": "Orchard"},
            {"title": "Fruit", "parent": "1", "target_date": "2025-04-11"},
            {"title": "Apples", "parent": "2"},
            {"title": "Priority", "kind": "priority"},
        ],
        [{"key": "2", "url": f"{url}/{n}"} for n in (1, 2, 3)],
        three_milestones(),
    )
    # Several milestones end with the last: 11 April. Nothing differs.
    assert kinds(ra.plan_differences(dataset, as_of="2025-03-01")) == []


def test_a_date_on_one_side_only_has_no_number_of_days() -> None:
    dataset = planned([{"title": "Cellar", "target_date": "2025-03-10"}], [], three_milestones())
    first = kinds(ra.plan_differences(dataset, as_of="2025-03-01"))[0]
    assert first == ("date differs", "1", "Cellar", 3, None)


def test_without_a_plan_nothing_differs() -> None:
    dataset = planned([{"title": "Cellar"}], [], three_milestones())
    early = ra.plan_differences(dataset, as_of="2025-01-15")
    assert early.empty
    assert early.attrs["revision"] is None
    same = ra.plan_differences(World().dataset(), as_of="2025-01-15")
    assert same.columns.tolist() == early.columns.tolist()
