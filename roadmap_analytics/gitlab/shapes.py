"""The shapes of the records that an export yields; docs/dataset.md tells of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from roadmap_analytics.gitlab.known import trimmed
from roadmap_analytics.gitlab.scope import Container

__all__ = ["issue", "issue_listing", "labels", "milestone", "milestone_listing", "owner", "path_in"]

Row = dict[str, Any]


def _container(key: Container, path: str) -> Row:
    return {"kind": key[0], "id": key[1], "path": path}


def milestone(key: Container, path: str, row: Row) -> Row:
    """Tell of a milestone, and the group or project that owns it."""
    return {"kind": "milestone", "container": _container(key, path), "data": trimmed(row)}


def milestone_listing(key: Container, path: str, ids: Iterable[int]) -> Row:
    """List all milestones that a group or project has."""
    owned = _container(key, path)
    return {"kind": "listing", "of": "milestones", "container": owned, "ids": sorted(ids)}


def labels(key: Container, path: str, names: Mapping[int, str]) -> Row:
    """List all labels that a group or project knows, by id."""
    texts = {str(ident): name for ident, name in names.items()}
    return {"kind": "labels", "container": _container(key, path), "names": texts}


def issue(project: str, data: Row) -> Row:
    """Tell of an issue, trimmed already."""
    return {"kind": "issue", "project": project, "data": data}


def issue_listing(project_id: int, ids: Iterable[int]) -> Row:
    """List all issues that a project has."""
    return {"kind": "listing", "of": "issues", "project_id": project_id, "ids": sorted(ids)}


def owner(row: Row) -> Container:
    """Tell whose a milestone is."""
    if row.get("group_id") is not None:
        return "group", row["group_id"]
    return "project", row["project_id"]


def path_in(row: Row) -> str:
    """Give the full path of a milestone's owner, from the milestone's address.

    >>> path_in({"group_id": 1, "web_url": "https://git.example.org/groups/a/b/-/milestones/2"})
    'a/b'
    """
    path: str = row.get("web_url", "").partition("/-/milestones/")[0]
    path = path.partition("://")[2].partition("/")[2]
    return path.partition("groups/")[2] if row.get("group_id") is not None else path
