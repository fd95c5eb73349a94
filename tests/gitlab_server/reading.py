"""What an asker may read of the world, whichever API asks: rights, scopes, notes, events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tests.gitlab_server import present
from tests.gitlab_server.messages import Refusal
from tests.gitlab_server.world import Row

if TYPE_CHECKING:
    from tests.gitlab_server.app import App

STATE, LABEL, MILESTONE, WEIGHT = (
    "state_events",
    "label_events",
    "milestone_events",
    "weight_events",
)


def sees(access: str, container: Row) -> bool:
    """Whether a group or project shows: internal ones to every token, private ones to members."""
    visibility = container.get("visibility", "public")
    if access == "full" or visibility == "public":
        return True
    return bool(visibility == "internal" and access != "none")


def sees_issue(access: str, issue: Row) -> bool:
    """Whether an issue of a project that shows is shown as well."""
    return access == "full" or not issue.get("confidential")


def sees_label(app: App, access: str, event: Row) -> bool:
    """Whether a label event shows: labels from private groups and projects do not.

    A deleted label has no home left, and its event shows to everybody.
    """
    label = event.get("label")
    record = app.world.labels.get(label["id"]) if label else None
    if record is None:
        return True
    home, world = record["container"], app.world
    container = (world.groups if home["kind"] == "group" else world.projects).get(home["id"])
    return container is None or sees(access, container)


def group_milestones(
    app: App, access: str, group: Row, *, ancestors: bool, descendants: bool
) -> list[Row]:
    """Milestones of a group, of groups above it, and of groups and projects below it."""
    world = app.world
    groups = [group]
    if ancestors:
        groups += world.ancestors(group["full_path"])
    if descendants:
        groups += world.descendants(group)
    rows = world.milestones_of("group", _shown(access, groups))
    if descendants:
        projects = world.projects_of(group, include_subgroups=True)
        rows += world.milestones_of("project", _shown(access, projects))
    return rows


def project_milestones(app: App, access: str, project: Row, *, ancestors: bool) -> list[Row]:
    """Milestones of a project, and of the groups above it."""
    rows = app.world.milestones_of("project", [project["id"]])
    if ancestors:
        groups = app.world.ancestors(project["path_with_namespace"])
        rows = rows + app.world.milestones_of("group", _shown(access, groups))
    return rows


def labels(
    app: App,
    access: str,
    kind: str,
    ident: int,
    *,
    ancestors: bool,
    descendants: bool = False,
    projects: bool = False,
) -> list[tuple[str, Row]]:
    """Labels of a group or project and what is above and below, each with its home's kind."""
    world = app.world
    homes = [(kind, ident)]
    if kind == "project":
        path = world.projects[ident]["path_with_namespace"]
    else:
        group = world.groups[ident]
        path = group["full_path"]
        if descendants:
            homes += [("group", one) for one in _shown(access, world.descendants(group))]
        if projects:
            below = world.projects_of(group, include_subgroups=True)
            homes += [("project", one) for one in _shown(access, below)]
    if ancestors:
        homes += [("group", one) for one in _shown(access, world.ancestors(path))]
    found = [(home[0], present.label(row)) for home in homes for row in world.labels_of(*home)]
    return sorted(found, key=lambda one: (one[1]["name"], one[1]["id"]))


def _shown(access: str, containers: Iterable[Row]) -> list[int]:
    return [one["id"] for one in containers if sees(access, one)]


def notes(app: App, issue: Row, which: str = "all") -> list[Row]:
    """Stored notes of an issue: ``only_activity``, ``only_comments`` or all; in no order."""
    history = app.world.history(issue)["data"]
    system = list(history.get("notes") or [])
    comments = list(history.get("comments") or []) + _chatter(issue, app.settings.chatter)
    comments = [{"system": False, **row} for row in comments]
    wanted = {"only_activity": system, "only_comments": comments}
    return [present.note(row, issue) for row in wanted.get(which, system + comments)]


def events(app: App, issue: Row, name: str) -> list[Row]:
    """Events of one kind, oldest id first."""
    rows = app.world.history(issue)["data"].get(name) or []
    return [present.event(row, issue) for row in by(rows, "id")]


def _chatter(issue: Row, count: int) -> list[Row]:
    """Comments that must not be kept, at the issue's birth; their ids are above all others."""
    return [
        {
            "id": 10**12 + issue["id"] * 1000 + number,
            "body": f"Comment {number}: closed? I was assigned to @some, changed milestone to %1",
            "created_at": issue["created_at"],
            "author": issue.get("author"),
        }
        for number in range(count)
    ]


def with_gaps(app: App, rows: Iterable[Any]) -> Iterator[Any]:
    """Rows, and None in the place of rows that the reader may not see.

    GitLab drops those after paging, so pages come short.
    """
    every = app.settings.short_pages
    for position, row in enumerate(rows):
        if every and position % every == 0:
            yield None
        yield row


def by(rows: Iterable[Row], field: str) -> list[Any]:
    """Sorted by a field, ids breaking ties, rows without it last."""

    def key(row: Row) -> tuple[bool, Any, int]:
        value = row.get(field)
        if isinstance(value, str) and field.endswith("_at"):
            value = instant(value)
        return (value is None, value if value is not None else 0, row["id"])

    return sorted(rows, key=key)


@lru_cache(maxsize=200_000)
def instant(text: str) -> float:
    """Seconds since 1970 of an ISO time in any zone."""
    try:
        return datetime.fromisoformat(text.replace(" ", "+")).timestamp()
    except ValueError:
        raise Refusal(400, {"error": f"{text} is invalid"}) from None
