"""A world small enough to count by hand: nine work items in four projects, with every odd history.

An orchard makes juice. ``orchard`` (group 10) holds ``orchard/press`` (11); ``upkeep`` (20) is
another group. Milestones: Harvest 1, Harvest 2 and "DRAFT: Winter" of the group, v1.0 of a project.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any

from tests.gitlab_server.world import HISTORY_LISTS

Row = dict[str, Any]

NOW = "2024-06-30T12:00:00+00:00"
THROTTLE = timedelta(seconds=60)  # GitLab notes an update at most once in this time
HOME = "https://git.example.org"
GROUPS = {10: "orchard", 11: "orchard/press", 20: "upkeep"}
PROJECTS = {
    100: "orchard/press/juice",
    101: "orchard/website",
    102: "orchard/old-site",
    103: "upkeep/machines",
    104: "orchard/documentation",
}
LABELS = {"fruit": 31, "web": 32, "urgent": 33, "later": 34}  # of the group orchard
PEOPLE = {"ana": 1, "bo": 2, "cy": 3}
ROADMAP = """# Orchard roadmap 2024-05-01

Next update: end of June.

## Priorities

### Harvest

- Press the apples (Ana), target: mid June
"""


def person(name: str) -> Row:
    """A user as in other answers."""
    return {"id": PEOPLE[name], "username": name, "name": name.title(), "state": "active"}


def milestone(ident: int, iid: int, title: str, **more: Any) -> Row:
    """A milestone record: ids 5xx belong to the group ``orchard``, 6xx to the project juice."""
    grouped = ident < 600
    container = (
        {"kind": "group", "id": 10, "path": GROUPS[10]}
        if grouped
        else {"kind": "project", "id": 100, "path": PROJECTS[100]}
    )
    prefix = "groups/" if grouped else ""
    data = {
        "id": ident,
        "iid": iid,
        ("group_id" if grouped else "project_id"): container["id"],
        "title": title,
        "description": "",
        "state": "active",
        "created_at": "2024-01-02T08:00:00.000Z",
        "updated_at": "2024-01-02T08:00:00.000Z",
        "start_date": None,
        "due_date": None,
        "expired": False,
        "web_url": f"{HOME}/{prefix}{container['path']}/-/milestones/{iid}",
    }
    return {"kind": "milestone", "container": container, "data": data | more}


MILESTONES = {
    501: milestone(501, 1, "Harvest 1", start_date="2024-03-01", due_date="2024-04-30"),
    502: milestone(502, 2, "Harvest 2", start_date="2024-05-01", due_date="2024-06-15"),
    503: milestone(503, 3, "DRAFT: Winter"),
    601: milestone(601, 1, "v1.0", due_date="2024-05-31", state="closed"),
}


HARVEST_1 = MILESTONES[501]["data"]
HARVEST_2 = MILESTONES[502]["data"]


class Story:
    """One issue and what happened to it; every call is one thing that a person did.

    Times are ISO without zone, to the second, in UTC.
    """

    def __init__(self, issue: Row, history: Row, numbers: Iterator[int]) -> None:
        self.issue = issue
        self.history = history
        self.numbers = numbers

    @classmethod
    def begin(
        cls,
        numbers: Iterator[int],
        ident: int,
        project: int,
        iid: int,
        title: str,
        at: str,
        **more: Any,
    ) -> Story:
        """An issue as its author leaves it."""
        path = PROJECTS[project]
        issue: Row = {
            "id": ident,
            "iid": iid,
            "project_id": project,
            "title": title,
            "state": "opened",
            "created_at": f"{at}.000Z",
            "updated_at": f"{at}.000Z",
            "closed_at": None,
            "labels": [],
            "milestone": None,
            "assignees": [],
            "author": person("ana"),
            "due_date": None,
            "start_date": None,
            "confidential": False,
            "issue_type": "issue",
            "weight": None,
            "moved_to_id": None,
            "time_stats": {"time_estimate": 0, "total_time_spent": 0},
            "web_url": f"{HOME}/{path}/-/issues/{iid}",
            **more,
        }
        return cls(issue, {name: [] for name in (*HISTORY_LISTS, "comments")}, numbers)

    def _event(self, kind: str, at: str, who: str | None, **more: Any) -> None:
        row = {"id": next(self.numbers), "created_at": f"{at}.250Z", **more}
        row["user"] = person(who) if who else None
        if kind in ("notes", "comments"):
            row["author"] = row.pop("user")
        self.history[kind].append(row)
        before = datetime.fromisoformat(self.issue["updated_at"])
        if datetime.fromisoformat(f"{at}.250Z") - before >= THROTTLE:
            self.issue["updated_at"] = f"{at}.250Z"

    def state(self, at: str, state: str, who: str = "ana", **by: Any) -> Story:
        """Closed or reopened; ``closed_at`` stands 50 ms before the event; `by` what closed it."""
        self._event("state_events", at, who, state=state, **by)
        self.issue["state"] = "closed" if state == "closed" else "opened"
        self.issue["closed_at"] = f"{at}.200Z" if state == "closed" else None
        return self

    def put(self, at: str, after: Row | None, who: str = "ana") -> Story:
        """Into a milestone (one ``add``, also when it replaces another), or out of it."""
        before = self.issue["milestone"]
        if (before or {}).get("id") == (after or {}).get("id"):
            return self
        action = "add" if after else "remove"
        state = self.issue["state"]
        self._event("milestone_events", at, who, action=action, milestone=after or before)
        self.history["milestone_events"][-1]["state"] = state
        self.issue["milestone"] = after
        return self

    def label(
        self, at: str, name: str | None, action: str = "add", ident: int | None = None
    ) -> Story:
        """A label on or off; None: one that was deleted since."""
        if action == "add" and name in self.issue["labels"]:
            return self
        known = {"id": ident or LABELS[name], "name": name} if name else None
        self._event("label_events", at, "bo", action=action, label=known)
        if name and action == "add":
            self.issue["labels"] = sorted({*self.issue["labels"], name})
        elif name:
            self.issue["labels"].remove(name)
        return self

    def weigh(self, at: str, weight: int | None) -> Story:
        """A weight set or cleared."""
        self._event("weight_events", at, "ana", weight=weight, issue_id=self.issue["id"])
        self.issue["weight"] = weight
        return self

    def note(self, at: str, body: str, who: str = "ana", **fields: Any) -> Story:
        """A system note, and the fields of the issue that it tells of."""
        self._event("notes", at, who, body=body)
        self.issue.update(fields)
        return self

    def comment(self, at: str, body: str) -> Story:
        """What a person said."""
        self._event("comments", at, "cy", body=body)
        self.issue["user_notes_count"] = len(self.history["comments"])
        return self

    def records(self) -> list[Row]:
        """The issue and its history."""
        issue = self.issue
        keys = {"issue_id": issue["id"], "project_id": issue["project_id"], "iid": issue["iid"]}
        return [
            {"kind": "issue", "project": PROJECTS[issue["project_id"]], "data": issue},
            {"kind": "history", **keys, "data": self.history},
        ]


def stories() -> list[Story]:
    """The nine work items."""
    begin = partial(Story.begin, count(1))
    wash = (
        begin(1001, 100, 1, "Wash the apples", "2024-02-01T09:00:00")
        .put("2024-02-01T09:00:00", HARVEST_1)
        .note("2024-02-01T09:00:00", "assigned to @ana", assignees=[person("ana")])
        .comment("2024-02-02T09:00:00", "closed? not yet")
        .label("2024-02-03T09:00:00", "fruit")
        .state("2024-03-10T16:00:00", "closed")
        .state("2024-03-12T08:00:00", "reopened", "bo")
        .state("2024-04-20T17:00:00", "closed")
    )
    press = (
        begin(1002, 100, 2, "Press <b>$cider$</b>", "2024-02-10T10:00:00", author=person("bo"))
        .put("2024-02-11T10:00:00", HARVEST_1)
        .note("2024-02-11T10:01:00", "assigned to @ana", assignees=[person("ana")])
        .note("2024-03-01T10:00:00", "changed due date to April 15, 2024", due_date="2024-04-15")
        .note(
            "2024-03-20T10:00:00",
            "assigned to @bo and unassigned @ana",
            "bo",
            assignees=[person("bo")],
        )
        .note("2024-04-14T10:00:00", "changed due date to May 20, 2024", due_date="2024-05-20")
        .put("2024-04-29T10:00:00", HARVEST_2, "bo")
        .comment("2024-05-01T10:00:00", "assigned to @cy, I thought")
        .note("2024-05-19T10:00:00", "removed due date May 20, 2024", due_date=None)
    )
    bottle = (
        begin(1003, 100, 3, "Bottle it", "2024-03-05T10:00:00")
        .put("2024-05-02T10:00:00", HARVEST_2)
        .weigh("2024-05-02T10:05:00", 3)
        .weigh("2024-05-20T10:00:00", 5)
        .note(
            "2024-05-03T10:00:00",
            "changed time estimate to 3d",
            time_stats={"time_estimate": 86400, "total_time_spent": 0},
        )
        .note(
            "2024-05-10T10:00:00",
            "added 2h of time spent at 2024-05-09",
            time_stats={"time_estimate": 86400, "total_time_spent": 7200},
        )
        .note("2024-05-21T10:00:00", "changed start date to May 22, 2024", start_date="2024-05-22")
    )
    moved = (
        begin(1004, 100, 4, "A page about juice", "2024-03-06T10:00:00", moved_to_id=1006)
        .put("2024-03-07T10:00:00", HARVEST_1)
        .state("2024-04-01T10:00:00", "closed")
        .note("2024-04-01T10:00:00", "moved to orchard/website#2")
    )
    copy = (
        begin(1006, 101, 2, "A page about juice", "2024-03-06T10:00:00")
        .put("2024-03-07T10:00:00", HARVEST_1)
        .note("2024-04-01T10:00:00", "moved from orchard/press/juice#4")
        .label("2024-04-02T10:00:00", "web")
        .state("2024-04-25T10:00:00", "closed", "cy")
    )
    secret = begin(
        1005,
        101,
        1,
        "Who has the key?",
        "2024-03-01T10:00:00",
        confidential=True,
        issue_type="task",
    ).note(
        "2024-03-01T11:00:00",
        "assigned to @ana and @bo",
        assignees=[person("ana"), person("bo")],
    )
    down = (
        begin(1007, 101, 3, "Site is down", "2024-04-10T10:00:00", issue_type="incident")
        .label("2024-04-10T10:01:00", None)
        .label("2024-04-10T10:02:00", "urgent")
        .put("2024-04-10T11:00:00", HARVEST_1)
        .label("2024-04-11T10:00:00", "urgent", "remove")
        .put("2024-04-12T10:00:00", None, "bo")
    )
    old = (
        begin(1008, 103, 1, "Oil the press", "2019-03-01T10:00:00")
        .note("2019-03-02T10:00:00", "assigned to @cy", assignees=[person("cy")])
        .note(
            "2019-04-01T10:00:00",
            "closed",
            state="closed",
            closed_at="2019-04-01T10:00:00.100Z",
        )
    )
    archived = begin(1009, 102, 1, "Old footer", "2023-01-01T10:00:00")
    return [wash, press, bottle, moved, copy, secret, down, old, archived]


def hand_world() -> list[Row]:
    """All records of the world, as new objects."""
    groups = [
        {
            "id": ident,
            "name": path.rpartition("/")[2].title(),
            "path": path.rpartition("/")[2],
            "full_path": path,
            "parent_id": 10 if ident == 11 else None,
            "web_url": f"{HOME}/groups/{path}",
            "visibility": "public",
        }
        for ident, path in GROUPS.items()
    ]
    projects = [
        {
            "id": ident,
            "name": path.rpartition("/")[2],
            "path": path.rpartition("/")[2],
            "path_with_namespace": path,
            "web_url": f"{HOME}/{path}",
            "archived": ident == 102,
            "visibility": "public",
            "default_branch": "main",
            "created_at": f"2018-01-0{ident - 99}T00:00:00.000Z",
        }
        for ident, path in PROJECTS.items()
    ]
    document = {
        "kind": "document",
        "name": "archive/2024-05-01-roadmap.md",
        "project": PROJECTS[104],
        "text": ROADMAP,
        "source": f"{HOME}/{PROJECTS[104]}",
        "revision_hint": "2024-05-01",
    }
    orchard = {"kind": "group", "id": 10, "path": GROUPS[10]}
    labels = [
        {"kind": "label", "container": orchard, "data": {"id": ident, "name": name}}
        for name, ident in LABELS.items()
    ]
    return [
        *({"kind": "group", "data": group} for group in groups),
        *({"kind": "project", "data": project} for project in projects),
        *deepcopy(list(MILESTONES.values())),
        *(record for story in stories() for record in story.records()),
        *labels,
        document,
    ]
