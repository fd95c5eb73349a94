"""GitLab's own project exports and recorded answers as worlds for the server.

What is not in a file is not made up, save what an answer cannot do without: ids (counted on
from `FIRST_ID` in a fixed order), user names (``user-7``), paths and web addresses.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import unquote

Row = dict[str, Any]
HOME = "https://git.example.org"
FIRST_ID = 900_000_000
GROUP_MILESTONE = (
    *("id", "iid", "group_id", "title", "description", "state"),
    *("created_at", "updated_at", "start_date", "due_date"),
)
ISSUE_TYPES = {"issue", "incident", "task", "test_case", "requirement", "ticket"}


def ndjson(path: Path) -> list[Row]:
    """The objects of a file with one a line; none where the export has no such file."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def project_export(folder: Path) -> list[Row]:
    """A project export, unpacked: ``folder/tree/project/issues.ndjson`` and its neighbours.

    Objects that GitLab's own import would refuse (no title) are left out.
    https://docs.gitlab.com/user/project/settings/import_export/
    """
    return _ProjectExport(folder / "tree").records()


class _ProjectExport:
    path = "samples/project"

    def __init__(self, tree: Path) -> None:
        self.ids = count(FIRST_ID)
        self.issues = [
            row for row in ndjson(tree / "project" / "issues.ndjson") if row.get("title")
        ]
        self.project_id = next((row["project_id"] for row in self.issues), 1)
        settings = tree / "project.json"
        self.settings = json.loads(settings.read_text("utf-8")) if settings.exists() else {}
        members = ndjson(tree / "project" / "project_members.ndjson")
        self.users = {row["user_id"]: row["user"]["username"] for row in members if "user" in row}
        self.names: dict[int, str] = {
            note["author_id"]: note["author"]["name"]
            for issue in self.issues
            for note in issue.get("notes", [])
            if note.get("author")
        }
        self.milestones: dict[tuple[str, int], Row] = {}
        listed = ndjson(tree / "project" / "milestones.ndjson")
        nested = [row["milestone"] for row in self.issues if row.get("milestone")]
        for row in [*listed, *nested]:
            if row.get("title"):
                self._milestone(row)

    def records(self) -> list[Row]:
        top = self.path.partition("/")[0]
        group = {"id": 8, "full_path": top, "path": top, "name": top, "parent_id": None}
        project = {
            "id": self.project_id,
            "path_with_namespace": self.path,
            "path": self.path.rpartition("/")[2],
            "name": self.path.rpartition("/")[2],
            "web_url": f"{HOME}/{self.path}",
            "archived": self.settings.get("archived", False),
            "visibility": "public",
        }
        issues = [record for row in self.issues for record in self._issue(row)]
        milestones = [self._milestone_record(row) for row in self.milestones.values()]
        return [
            {"kind": "group", "data": group | {"web_url": f"{HOME}/groups/{top}"}},
            {"kind": "project", "data": project},
            *milestones,
            *issues,
        ]

    def _user(self, ident: int | None) -> Row | None:
        if ident is None:
            return None
        username = self.users.get(ident, f"user-{ident}")
        return {"id": ident, "username": username, "name": self.names.get(ident, username)}

    def _milestone(self, row: Row) -> Row:
        """The one milestone of this title and iid, whichever line told of it first."""
        key = (row["title"], row["iid"])
        if key not in self.milestones:
            owner = {"group_id": 8} if row.get("group_id") else {"project_id": self.project_id}
            kind = "groups/samples" if "group_id" in owner else self.path
            keep = ("title", "description", "state", "iid", "created_at", "updated_at")
            self.milestones[key] = {
                "id": row.get("id") or next(self.ids),
                **owner,
                **{name: row[name] for name in keep},
                "start_date": row.get("start_date"),
                "due_date": row.get("due_date"),
                "expired": False,
                "web_url": f"{HOME}/{kind}/-/milestones/{row['iid']}",
            }
        return self.milestones[key]

    def _milestone_record(self, data: Row) -> Row:
        if "group_id" in data:
            container = {"kind": "group", "id": 8, "path": self.path.partition("/")[0]}
        else:
            container = {"kind": "project", "id": self.project_id, "path": self.path}
        return {"kind": "milestone", "container": container, "data": data}

    def _issue(self, row: Row) -> Iterator[Row]:
        kind = row.get("work_item_type", {}).get("base_type") or row.get("issue_type")
        people = dict.fromkeys(one["user_id"] for one in row.get("issue_assignees", []))
        notes = [self._note(note) for note in row.get("notes", [])]
        comments = [note for note in notes if not note["system"]]
        spent = sum(log["time_spent"] for log in row.get("timelogs", []))
        iid = row.get("iid") or max(other.get("iid") or 0 for other in self.issues) + 1
        data = {
            "id": row["id"],
            "iid": iid,
            "project_id": self.project_id,
            "title": row["title"],
            "description": row.get("description"),
            "state": row["state"],
            "created_at": row["created_at"],
            "updated_at": row["updated_at"],
            "closed_at": row.get("closed_at"),
            "closed_by": self._user(row.get("closed_by_id")),
            "labels": sorted(link["label"]["title"] for link in row.get("label_links", [])),
            "milestone": self._milestone(row["milestone"]) if row.get("milestone") else None,
            "assignees": [self._user(ident) for ident in people],
            "author": self._user(row["author_id"]),
            "due_date": row.get("due_date"),
            "confidential": bool(row.get("confidential")),
            "issue_type": kind if kind in ISSUE_TYPES else "issue",
            "moved_to_id": row.get("moved_to_id"),
            "time_stats": {
                "time_estimate": row.get("time_estimate") or 0,
                "total_time_spent": spent,
                "human_time_estimate": None,
                "human_total_time_spent": None,
            },
            "user_notes_count": len(comments),
            "web_url": f"{HOME}/{self.path}/-/issues/{iid}",
        }
        yield {"kind": "issue", "project": self.path, "data": data}
        yield {
            "kind": "history",
            "issue_id": row["id"],
            "project_id": self.project_id,
            "iid": iid,
            "data": {
                "state_events": self._events(row, "resource_state_events", ("state",)),
                "label_events": self._events(row, "resource_label_events", ("action", "label")),
                "milestone_events": self._events(
                    row, "resource_milestone_events", ("action", "state", "milestone")
                ),
                "weight_events": None,
                "notes": [note for note in notes if note["system"]],
                "comments": comments,
            },
        }

    def _note(self, row: Row) -> Row:
        return {
            "id": row["id"],
            "body": row["note"],
            "author": self._user(row["author_id"]),
            "created_at": row["created_at"],
            "updated_at": row["updated_at"],
            "system": bool(row["system"] or row.get("system_note_metadata")),
        }

    def _events(self, issue: Row, kind: str, fields: tuple[str, ...]) -> list[Row]:
        events = []
        for row in issue.get(kind, []):
            event = {
                "id": row.get("id") or next(self.ids),
                "user": self._user(row.get("user_id")),
                "created_at": row["created_at"],
                **{name: row[name] for name in fields},
            }
            if "milestone" in event:
                event["milestone"] = self._milestone(event["milestone"])
            if event.get("label"):
                label = event["label"]
                event["label"] = {
                    "id": label["id"],
                    "name": label["title"],
                    "color": label["color"],
                    "description": label["description"],
                }
            events.append(event)
        return events


def group_export(folder: Path) -> list[Row]:
    """Group exports hold milestones (``folder/tree/groups/ID/milestones.ndjson``), no issues."""
    records: list[Row] = []
    top = ""
    for place in sorted((folder / "tree" / "groups").iterdir()):
        rows = ndjson(place / "milestones.ndjson")
        ident = rows[0]["group_id"]
        path = f"{top}/group-{ident}".strip("/")
        top = top or path
        web_url = f"{HOME}/groups/{path}"
        name = path.rpartition("/")[2]
        group = {"id": ident, "full_path": path, "path": name, "name": name, "web_url": web_url}
        records.append({"kind": "group", "data": group})
        for row in rows:
            data = {name: row.get(name) for name in GROUP_MILESTONE}
            data["web_url"] = f"{web_url}/-/milestones/{row['iid']}"
            container = {"kind": "group", "id": ident, "path": path}
            records.append({"kind": "milestone", "container": container, "data": data})
    return records


# -- recorded answers ----------------------------------------------------------------------------


def recorded(folder: Path) -> dict[str, tuple[dict[str, str], Any]]:
    """Recorded gitlab.com answers: path and query -> (headers in lower case, body)."""
    answers = {}
    for path in sorted(folder.iterdir()):
        head, _, body = path.read_text("utf-8").partition("\n\n")
        pairs = (line.split(":", 1) for line in head.splitlines())
        headers = {name.lower(): value.strip() for name, value in pairs}
        asked = unquote(path.name).removeprefix("GET_")
        answers[asked] = (headers, json.loads(body))
    return answers


def gitlab_com(folder: Path) -> list[Row]:
    """The world that a folder of recorded gitlab.com answers tells of (one project)."""
    answers = recorded(folder)
    bodies = {asked: body for asked, (_, body) in answers.items()}
    project = next(body for asked, body in bodies.items() if asked.count("/") == 4)
    records = _home(project)
    root = f"/api/v4/projects/{project['id']}"
    histories: dict[int, Row] = {}
    for asked, body in bodies.items():
        if asked.startswith(f"{root}/milestones?"):
            records += [_of_project(project, row) for row in body]
        elif asked.startswith(f"{root}/issues?"):
            records += [_issue(project, row) for row in body]
            histories |= {row["iid"]: _history(row) for row in body}
    for asked, body in bodies.items():
        if not asked.startswith(f"{root}/issues/"):
            continue
        history = histories[int(asked.removeprefix(f"{root}/issues/").split("/")[0])]["data"]
        if "/discussions?" in asked:
            notes = [note for discussion in body for note in discussion["notes"]]
            history["notes"] = [note for note in notes if note["system"]]
            history["comments"] = [note for note in notes if not note["system"]]
        elif "/resource_state_events?" in asked:
            history["state_events"] = body
    return records + list(histories.values())


def devlake(folder: Path) -> list[Row]:
    """Sixteen recorded gitlab.com issues with weights and milestones of their group."""
    with (folder / "_raw_gitlab_api_issues.csv").open(encoding="utf-8", newline="") as lines:
        issues = [json.loads(row["data"]) for row in csv.DictReader(lines)]
    with (folder / "_tool_gitlab_projects.csv").open(encoding="utf-8", newline="") as lines:
        told = next(csv.DictReader(lines))
    project = {
        "id": int(told["gitlab_id"]),
        "name": told["name"],
        "path_with_namespace": told["path_with_namespace"],
        "web_url": told["web_url"],
        "visibility": told["visibility"],
        "archived": False,
    }
    milestones = {row["milestone"]["id"]: row["milestone"] for row in issues if row["milestone"]}
    group_id = next(iter(milestones.values()))["group_id"]
    records = _home(project, group_id)
    container = {"kind": "group", "id": group_id, "path": records[0]["data"]["full_path"]}
    records += [
        {"kind": "milestone", "container": container, "data": row} for row in milestones.values()
    ]
    for row in issues:
        records += [_issue(project, row), _history(row)]
    return records


def kitware(folder: Path) -> list[Row]:
    """Two issues and a label event of an instance whose clock stands at -04:00."""

    def read(name: str) -> Any:
        return json.loads((folder / f"{name}.json").read_text("utf-8"))

    project = read("project")
    group = read("group")
    group.pop("projects")
    records: list[Row] = [{"kind": "group", "data": group}, {"kind": "project", "data": project}]
    event = read("resource_label_event")
    for name in ("issue", "issue_reference"):
        issue = read(name)
        history = _history(issue)
        history["data"]["label_events"] = [event] if event["resource_id"] == issue["id"] else []
        records += [_issue(project, issue), history]
    return records


def _home(project: Row, group_id: int = 1) -> list[Row]:
    path = project["path_with_namespace"].rpartition("/")[0]
    web_url = project["web_url"].removesuffix(f"/{project['path_with_namespace']}")
    group = {"id": group_id, "full_path": path, "path": path, "name": path, "parent_id": None}
    group["web_url"] = f"{web_url}/groups/{path}"
    return [{"kind": "group", "data": group}, {"kind": "project", "data": project}]


def _of_project(project: Row, data: Row) -> Row:
    path = project["path_with_namespace"]
    container = {"kind": "project", "id": project["id"], "path": path}
    return {"kind": "milestone", "container": container, "data": data}


def _issue(project: Row, data: Row) -> Row:
    return {"kind": "issue", "project": project["path_with_namespace"], "data": data}


def _history(issue: Row) -> Row:
    lists: Row = {name: [] for name in ("state_events", "label_events", "milestone_events")}
    return {
        "kind": "history",
        "issue_id": issue["id"],
        "project_id": issue["project_id"],
        "iid": issue["iid"],
        "data": lists | {"weight_events": None, "notes": [], "comments": []},
    }
