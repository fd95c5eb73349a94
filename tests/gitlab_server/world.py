"""What the server knows: records of the dataset's shape, indexed for what is asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from copy import deepcopy
from typing import Any

Row = dict[str, Any]
HISTORY_LISTS = ("state_events", "label_events", "milestone_events", "weight_events", "notes")


class World:
    """Groups, projects, milestones, issues with history, and repository files at one instant.

    Takes the records that an export yields (``group``, ``project``, ``milestone``, ``issue``,
    ``history``, ``labels``, ``document``), and ``label``, one of ``labels`` alone (a label that
    none gives belongs to the project that uses it). A ``history`` may also hold ``comments``
    (notes by people), which a server mixes into the notes and an exporter must leave out; a
    ``document`` may name the ``project`` whose repository it lies in (default: the first one
    named "documentation").
    """

    def __init__(self, records: Iterable[Row] = ()) -> None:
        self.groups: dict[int, Row] = {}
        self.projects: dict[int, Row] = {}
        self.milestones: dict[int, Row] = {}
        self.issues: dict[int, Row] = {}
        self.histories: dict[int, Row] = {}
        self.documents: dict[str, Row] = {}
        self.labels: dict[int, Row] = {}
        self.by_iid: dict[tuple[int, int], Row] = {}
        self.issues_of: dict[int, list[Row]] = defaultdict(list)
        self.change(records)

    def change(self, records: Iterable[Row], delete_issues: Iterable[int] = ()) -> None:
        """Put records in, each replacing the one with its id, and take issues out."""
        shelves = {"group": self.groups, "project": self.projects, "issue": self.issues}
        for record in records:
            kind = record["kind"]
            if kind in shelves:
                shelves[kind][record["data"]["id"]] = record["data"]
            elif kind == "milestone":
                self.milestones[record["data"]["id"]] = record
            elif kind == "label":
                self.labels[record["data"]["id"]] = record
            elif kind == "labels":
                self._name_labels(record)
            elif kind == "history":
                self.histories[record["issue_id"]] = record
            elif kind == "document":
                self.documents[record["name"]] = record
        for issue_id in delete_issues:
            self.issues.pop(issue_id, None)
            self.histories.pop(issue_id, None)
        histories = self.histories.values()
        self.weighed = any(record["data"].get("weight_events") for record in histories)
        self.by_iid = {(i["project_id"], i["iid"]): i for i in self.issues.values()}
        self.issues_of = defaultdict(list)
        for issue in self.issues.values():
            self.issues_of[issue["project_id"]].append(issue)

    def _name_labels(self, record: Row) -> None:
        """Take in labels as an export notes them: id and name alone."""
        for ident, name in record["names"].items():
            label = {"id": int(ident), "name": name}
            self.labels[label["id"]] = {
                "kind": "label",
                "container": record["container"],
                "data": label,
            }

    def records(self) -> Iterator[Row]:
        """The world as records again (a deep copy: to be changed freely)."""
        yield from deepcopy([{"kind": "group", "data": data} for data in self.groups.values()])
        yield from deepcopy([{"kind": "project", "data": data} for data in self.projects.values()])
        yield from deepcopy(list(self.milestones.values()))
        for issue in self.issues.values():
            project = self.projects[issue["project_id"]]["path_with_namespace"]
            yield deepcopy({"kind": "issue", "project": project, "data": issue})
            yield deepcopy(self.history(issue))
        yield from deepcopy([*self.labels.values(), *self.documents.values()])

    def history(self, issue: Row) -> Row:
        """The history record of an issue; an issue that nothing happened to has an empty one."""
        empty: Row = {
            "kind": "history",
            "issue_id": issue["id"],
            "project_id": issue["project_id"],
            "iid": issue["iid"],
            "data": {name: [] for name in HISTORY_LISTS} | {"weight_events": None},
        }
        return self.histories.get(issue["id"], empty)

    def group(self, name: str) -> Row | None:
        """The group of this id or full path (paths do not mind case)."""
        return _find(self.groups, "full_path", name)

    def project(self, name: str) -> Row | None:
        """The project of this id or full path."""
        return _find(self.projects, "path_with_namespace", name)

    def descendants(self, group: Row) -> list[Row]:
        """Groups below a group, at any depth."""
        return [g for g in self.groups.values() if below(g["full_path"], group["full_path"])]

    def subgroups(self, group: Row) -> list[Row]:
        """Groups directly below a group."""
        return [g for g in self.descendants(group) if parent(g["full_path"]) == group["full_path"]]

    def projects_of(self, group: Row, include_subgroups: bool) -> list[Row]:
        """Projects of a group, with or without those of its subgroups."""
        return [
            project
            for project in self.projects.values()
            if parent(project["path_with_namespace"]) == group["full_path"]
            or (include_subgroups and below(project["path_with_namespace"], group["full_path"]))
        ]

    def ancestors(self, path: str) -> list[Row]:
        """Groups above a path, at any height."""
        return [g for g in self.groups.values() if below(path, g["full_path"])]

    def milestones_of(self, kind: str, ids: Iterable[int]) -> list[Row]:
        """Milestones that belong to groups or projects of these ids."""
        wanted = set(ids)
        return [
            record["data"]
            for record in self.milestones.values()
            if record["container"]["kind"] == kind and record["container"]["id"] in wanted
        ]

    def labels_of(self, kind: str, ident: int) -> list[Row]:
        """Labels of a group or project: the given ones, and for projects those in use besides."""
        given = [
            record["data"]
            for record in self.labels.values()
            if (record["container"]["kind"], record["container"]["id"]) == (kind, ident)
        ]
        if kind == "group":
            return given
        known = {record["data"]["name"] for record in self.labels.values()}
        used: dict[str, Row] = {}
        for issue in self.issues_of[ident]:
            for event in self.history(issue)["data"]["label_events"]:
                if event["label"]:
                    used[event["label"]["name"]] = event["label"]
            for name in issue["labels"]:
                used.setdefault(name, {"name": name})
        return given + [row for name, row in used.items() if name not in known]

    def files(self, project: Row) -> dict[str, str]:
        """Path and text of every file in a project's repository."""
        path = project["path_with_namespace"]
        return {
            name: record["text"]
            for name, record in sorted(self.documents.items())
            if (record.get("project") or self._documentation()) == path
        }

    def _documentation(self) -> str | None:
        paths = sorted(project["path_with_namespace"] for project in self.projects.values())
        return next((path for path in paths if path.endswith("documentation")), None)


def below(path: str, ancestor: str) -> bool:
    """Whether a full path lies under another, at any depth."""
    return path.startswith(f"{ancestor}/")


def parent(path: str) -> str:
    """The full path one step up ("" at the top)."""
    return path.rpartition("/")[0]


def _find(rows: dict[int, Row], key: str, name: str) -> Row | None:
    if name.isdigit():
        return rows.get(int(name))
    return next((row for row in rows.values() if row[key].lower() == name.lower()), None)
