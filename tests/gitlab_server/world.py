"""What the server knows: records of the dataset's shape, indexed for what is asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
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

    def change(
        self,
        records: Iterable[Row] = (),
        delete_issues: Iterable[int] = (),
        delete_milestones: Iterable[int] = (),
        rename_labels: Mapping[str, str] | None = None,
    ) -> None:
        """Put records in, each replacing the one with its id; take out, rename (by label id)."""
        for record in records:
            self._put(record)
        for issue_id in delete_issues:
            self.issues.pop(issue_id, None)
            self.histories.pop(issue_id, None)
        for milestone_id in delete_milestones:
            self.delete_milestone(milestone_id)
        for label_id, name in (rename_labels or {}).items():  # JSON has no numbers as keys
            self.rename_label(int(label_id), name)
        histories = self.histories.values()
        self.weighed = any(record["data"].get("weight_events") for record in histories)
        self.by_iid = {(i["project_id"], i["iid"]): i for i in self.issues.values()}
        self.issues_of = defaultdict(list)
        for issue in self.issues.values():
            self.issues_of[issue["project_id"]].append(issue)

    def _put(self, record: Row) -> None:
        shelves = {"group": self.groups, "project": self.projects, "issue": self.issues}
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

    def _name_labels(self, record: Row) -> None:
        """Take in labels as an export notes them: id and name alone."""
        for ident, name in record["names"].items():
            label = {"id": int(ident), "name": name}
            self.labels[label["id"]] = {
                "kind": "label",
                "container": record["container"],
                "data": label,
            }

    # -- what GitLab shows as if it had always been so ------------------------------------------

    def retell_milestone(self, ident: int, data: Row | None, at: str | None = None) -> None:
        """Let issues and old events show a milestone as it is now; None: it is gone.

        A deletion takes the events along and updates the issues (`at`: its time).
        """
        for issue in self.issues.values():
            if (issue["milestone"] or {}).get("id") == ident:
                issue["milestone"] = data
                if data is None and at is not None:
                    issue["updated_at"] = at
        for record in self.histories.values():
            events = record["data"]["milestone_events"]
            if data is None:
                events[:] = [event for event in events if event["milestone"]["id"] != ident]
            for event in events:
                if event["milestone"]["id"] == ident:
                    event["milestone"] = data

    def delete_milestone(self, ident: int, at: str | None = None) -> None:
        """A milestone goes and takes its events with it."""
        del self.milestones[ident]
        self.retell_milestone(ident, None, at)

    def rename_label(self, ident: int, name: str) -> None:
        """A label's new name shows everywhere."""
        label = self.labels[ident]["data"]
        old, label["name"] = label["name"], name
        for event in self._label_events(ident):
            event["label"] = event["label"] | {"name": name}
        for issue in self.issues.values():
            issue["labels"] = sorted(name if one == old else one for one in issue["labels"])

    def delete_label(self, ident: int) -> None:
        """A label that is gone is null in its events."""
        gone = self.labels.pop(ident)["data"]
        for event in self._label_events(ident):
            event["label"] = None
        for issue in self.issues.values():
            issue["labels"] = [name for name in issue["labels"] if name != gone["name"]]

    def _label_events(self, ident: int) -> Iterator[Row]:
        for record in self.histories.values():
            for event in record["data"]["label_events"]:
                if event["label"] and event["label"]["id"] == ident:
                    yield event

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
