"""A world of any size, for what depends on numbers: requests, batches, memory."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]

NOW = "2024-06-30T12:00:00+00:00"


def world(issues: int, projects: int = 4) -> list[Row]:
    """A group, some projects, one milestone, and issues with a short history each, in turn."""
    who = {"id": 1, "username": "ana", "name": "Ana"}
    group = {"id": 1, "full_path": "big", "path": "big", "name": "Big", "web_url": "https://g/big"}
    milestone = {
        **{"id": 1, "iid": 1, "group_id": 1, "title": "One", "state": "active"},
        **{"created_at": "2024-01-01T00:00:00.000Z", "updated_at": "2024-01-01T00:00:00.000Z"},
        **{"start_date": None, "due_date": None, "web_url": "https://g/groups/big/-/milestones/1"},
    }
    owner = {"kind": "group", "id": 1, "path": "big"}
    records: list[Row] = [
        {"kind": "group", "data": group},
        {"kind": "milestone", "container": owner, "data": milestone},
    ]
    for project in range(1, projects + 1):
        path = f"big/p{project}"
        row = {"id": project, "path_with_namespace": path, "name": path, "archived": False}
        row |= {"path": f"p{project}", "web_url": f"https://g/{path}", "created_at": NOW}
        records.append({"kind": "project", "data": row})
    for number in range(1, issues + 1):
        records += story(number, 1 + number % projects, who, milestone)
    return records


def story(number: int, project: int, who: Row, milestone: Row) -> list[Row]:
    """One issue: planned, labelled, assigned, closed."""
    at = f"2024-0{1 + number % 5}-{1 + number % 28:02}T{number % 24:02}:{number // 24 % 60:02}:00"
    event = {"user": who, "created_at": f"{at}.100Z"}
    issue = {
        **{"id": number, "iid": number, "project_id": project, "title": f"Issue {number}"},
        **{"state": "closed", "created_at": f"{at}.000Z", "updated_at": f"{at}.200Z"},
        **{"closed_at": f"{at}.100Z", "labels": ["fruit"], "milestone": milestone, "author": who},
        **{"assignees": [who], "web_url": f"https://g/big/p{project}/-/issues/{number}"},
    }
    ident = number * 10
    label = {"id": 1, "name": "fruit"}
    history = {
        "state_events": [{"id": ident, "state": "closed", **event}],
        "label_events": [{"id": ident, "action": "add", "label": label, **event}],
        "milestone_events": [{"id": ident, "action": "add", "milestone": milestone, **event}],
        "weight_events": None,
        "notes": [
            {"id": ident, "body": "assigned to @ana", "author": who, "created_at": f"{at}.050Z"}
        ],
    }
    keys = {"issue_id": number, "project_id": project, "iid": number}
    path = f"big/p{project}"
    return [
        {"kind": "issue", "project": path, "data": issue},
        {"kind": "history", **keys, "data": history},
    ]


def touched(records: list[Row], number: int) -> list[Row]:
    """Some issues, given a new title a day later."""
    rows = [record for record in records if record["kind"] == "issue"][:number]
    change = {"title": "Another title", "updated_at": "2024-07-01T11:00:00.000Z"}
    return [record | {"data": record["data"] | change} for record in rows]
