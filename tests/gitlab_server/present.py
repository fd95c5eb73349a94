"""Rows as GitLab answers them: what its schemas require is filled in where a record lacks it."""

from __future__ import annotations

from hashlib import sha1
from typing import Any

Row = dict[str, Any]

NOT_IN_REST = frozenset(
    {
        *("close_after_error_tracking_resolve", "close_auto_resolve_prometheus_alert"),
        *("source_commit", "source_merge_request", "system_note_metadata"),
    }
)
"""Columns of events and notes that a world may hold and that only GraphQL shows, in words."""


def reader() -> Row:
    """The person whose token asks."""
    return user({"id": 1, "username": "reader", "name": "Reader"}) or {}


def rest(row: Row) -> Row:
    """A note or an event as REST answers it."""
    return {name: value for name, value in row.items() if name not in NOT_IN_REST}


def user(data: Row | None) -> Row | None:
    """`Users` as they stand inside other answers (entities/user_basic)."""
    if data is None:
        return None
    name = data.get("username", "ghost")
    defaults = {
        "id": int(sha1(name.encode()).hexdigest()[:6], 16),
        "username": name,
        "name": name,
        "state": "active",
        "locked": False,
        "avatar_url": f"https://git.example.org/uploads/-/system/user/avatar/{name}.png",
        "web_url": f"https://git.example.org/{name}",
    }
    return defaults | data


def milestone(data: Row | None) -> Row | None:
    """https://docs.gitlab.com/api/milestones/ and https://docs.gitlab.com/api/group_milestones/"""
    if data is None:
        return None
    return {
        "description": "",
        "state": "active",
        "due_date": None,
        "start_date": None,
        "expired": False,
    } | data


def issue(data: Row, licensed: bool) -> Row:
    """https://docs.gitlab.com/api/issues/"""
    defaults: Row = {
        "description": "",
        "closed_at": None,
        "closed_by": None,
        "labels": [],
        "milestone": None,
        "assignees": [],
        "user_notes_count": 0,
        "merge_requests_count": 0,
        "upvotes": 0,
        "downvotes": 0,
        "due_date": None,
        "start_date": None,
        "confidential": False,
        "discussion_locked": None,
        "issue_type": "issue",
        "type": data.get("issue_type", "issue").upper(),
        "time_stats": {
            "time_estimate": 0,
            "total_time_spent": 0,
            "human_time_estimate": None,
            "human_total_time_spent": None,
        },
        "task_completion_status": {"count": 0, "completed_count": 0},
        "moved_to_id": None,
        "imported": False,
        "imported_from": "none",
        "severity": "UNKNOWN",
    }
    row = defaults | data
    row["author"] = user(row.get("author")) or user({"username": "ghost"})
    row["assignees"] = [user(one) for one in row["assignees"]]
    row["assignee"] = row["assignees"][0] if row["assignees"] else None
    row["closed_by"] = user(row["closed_by"])
    row["milestone"] = milestone(row["milestone"])
    if not licensed:
        row.pop("weight", None)
    return row


def note(data: Row, of: Row) -> Row:
    """https://docs.gitlab.com/api/notes/ for a note of the issue `of`."""
    row = {
        "type": None,
        "updated_at": data["created_at"],
        "system": True,
        "noteable_id": of["id"],
        "noteable_iid": of["iid"],
        "noteable_type": "Issue",
        "project_id": of["project_id"],
        "resolvable": False,
        "confidential": False,
        "internal": False,
        "imported": False,
        "imported_from": "none",
        "commands_changes": {},
    } | data
    return row | {"author": user(row.get("author")) or user({"username": "ghost"})}


def event(data: Row, of: Row) -> Row:
    """https://docs.gitlab.com/api/resource_label_events/ and its three sisters."""
    row = {"resource_type": "Issue", "resource_id": of["id"]} | data
    row["user"] = user(row.get("user"))
    if "milestone" in row:
        row["milestone"] = milestone(row["milestone"])
    if row.get("label"):
        row["label"] = label(row["label"])
    return row


def label(data: Row) -> Row:
    """https://docs.gitlab.com/api/labels/ (entities/label_basic)"""
    return {
        "id": label_id(data["name"]),
        "color": "#428BCA",
        "description": None,
        "description_html": "",
        "text_color": "#FFFFFF",
        "archived": False,
    } | data


def label_id(name: str) -> int:
    """An id for a label of which only the name is known."""
    return int(sha1(name.encode()).hexdigest()[:6], 16)
