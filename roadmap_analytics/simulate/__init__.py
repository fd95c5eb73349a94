"""A GitLab that never was: people, milestones that drift, issues and their whole history.

The world is a set of scripts, one per issue. An observer sees the steps up to a time.
So one world can be exported on several days, and the later view extends the earlier one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from roadmap_analytics.records import documents as documents_there
from roadmap_analytics.records import issue_listing
from roadmap_analytics.simulate import issues as stories
from roadmap_analytics.simulate.roadmaps import documents
from roadmap_analytics.simulate.world import NOW, ORIGIN, World, milliseconds

__all__ = ["NOW", "ORIGIN", "oddities", "records"]


MOST_ISSUES = 100_000_000
"""Ids of issues stay below those of everything else; no GitLab has that many either."""
LARGEST_SEED = 2**63 - 1
"""The manifest keeps the seed, as a number that every reader of JSON knows."""


def records(issues: int, seed: int, *, seen_at: str | None = None) -> Iterator[dict[str, Any]]:
    """Yield what a GitLab with a simulated history answers, as records of an export.

    Parameters
    ----------
    issues : int
        How many issues are opened up to the world's end; a few more come of moves, some are not
        yet opened, or deleted again, at `seen_at`.
    seed : int
        Decides everything else.
    seen_at : str, optional
        ISO, UTC: the day on which it is looked at; the world's end (`NOW`) by default.

    Yields
    ------
    dict
        Records of the kinds group, project, labels, milestone, history, issue, listing, document
        and documents, as `gitlab_export` yields them. Of the issues, only their ids
        are held in memory.

    Examples
    --------
    >>> first = next(records(10, seed=1))
    >>> first["kind"], first["data"]["full_path"], first["data"]["simulated"]
    ('group', 'beacon', True)
    """
    seen = milliseconds(seen_at or NOW)
    world = World(issues, seed)
    yield from world.containers()
    yield from world.labels()
    yield from world.milestone_records(seen)
    listed: dict[int, list[int]] = {project["id"]: [] for project in world.projects}
    for record in stories.issue_records(world, issues, seed, seen):
        if record["kind"] == "issue":
            listed[record["data"]["project_id"]].append(record["data"]["id"])
        yield record
    for project_id, ids in listed.items():
        yield issue_listing(project_id, ids)
    yield from world.milestone_listings(seen)
    texts = list(documents(world, seen))
    yield from texts
    yield documents_there(text["name"] for text in texts)


def oddities(issues: int, seed: int) -> dict[str, list[int]]:
    """Give the issues that are odd on purpose, as real ones are: what a reader must cope with.

    Returns
    -------
    dict
        "milestone without event" (set at creation, never told), "imported" (the beginning of the
        history is missing), "deleted label" (its events name none), "deleted user" (events name
        no user, notes a ghost), "moved" and "copy of moved" -> ids of issues there at the end.

    Examples
    --------
    >>> len(oddities(500, seed=1)["moved"])
    9
    """
    return stories.oddities(World(issues, seed), issues, seed, milliseconds(NOW))
