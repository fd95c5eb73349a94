"""What each field answers. A field without a resolver here is read from its row, in snake case."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from graphql import (
    GraphQLError,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    build_ast_schema,
    get_named_type,
    parse,
)

from tests.gitlab_server import present, reading
from tests.gitlab_server.graphql import activity, pages
from tests.gitlab_server.graphql.complexity import Price

if TYPE_CHECKING:
    from tests.gitlab_server.app import App

Row = dict[str, Any]
Info = GraphQLResolveInfo
TYPES = Path(__file__).with_name("schema.graphql")


@dataclass
class Asking:
    """One query: who asks, what it costs, and what goes wrong with it.

    Attributes
    ----------
    slow
        Work items whose discussions take until the time is over; None: none, empty: any.
    batch
        The most work items for which they still come in time.
    work_items
        Work items answered so far.
    late
        Whether the time is over: every field from here on is null.
    """

    app: App
    access: str
    price: Price
    limit: int
    slow: set[int] | None = None
    batch: int = 0
    work_items: int = 0
    late: bool = False

    def refused(self, path: str) -> int | None:
        """The status that REST answers for a group or project closed to every token."""
        return self.app.settings.denied.get(path)

    def hides_users(self) -> bool:
        """Whether the instance shows people to those without a token."""
        return self.access == "none" and self.app.settings.users_restricted


def in_time(following: Callable[..., Any], source: Any, info: Info, **arguments: Any) -> Any:
    """Middleware: a field that begins when the time is over is an error, as graphql-ruby has it.

    The field that used the time up still answers.
    """
    if info.context.late:
        raise GraphQLError(f"Timeout on {info.parent_type.name}.{info.field_name}")
    return following(source, info, **arguments)


def from_row(source: Any, info: Info, **_: Any) -> Any:
    """The value of a field in its row: ``createdAt`` is ``created_at``."""
    return source.get(_snake(info.field_name))


@cache
def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


@cache
def schema(major: int, notes_widget: bool) -> GraphQLSchema:
    """The types of an instance of this major version, resolvers attached."""
    text = TYPES.read_text("utf-8")
    left_out = [] if notes_widget else [("WorkItemWidgetNotes", "")]
    left_out += [("Note", "systemNoteMetadata")] if major < 16 else []
    for of, name in left_out:
        text = _without(text, of, name)
    built = build_ast_schema(parse(text))
    for of in built.type_map.values():
        if not isinstance(of, GraphQLObjectType) or of.name.startswith("__"):
            continue  # the types of introspection answer for themselves
        for name, one in of.fields.items():
            is_time = str(get_named_type(one.type)) == "Time"
            default = _seconds_from_row if is_time else from_row
            one.resolve = RESOLVERS.get(of.name, {}).get(name) or default
    return built


def _without(text: str, of: str, name: str) -> str:
    """The types without one of them, or without one field of it."""
    definitions: list[Any] = [one for one in parse(text).definitions if _named(one, of)]
    found = definitions[0]
    if name:
        found = next(one for one in found.fields if _named(one, name))
    return text[: found.loc.start] + text[found.loc.end :]


def _named(node: Any, name: str) -> bool:
    return hasattr(node, "name") and bool(node.name.value == name)


def _seconds_from_row(source: Any, info: Info) -> str | None:
    """A time without its fraction: cut, not rounded, and in the zone that it came in."""
    text = from_row(source, info)
    return re.sub(r"\.\d+", "", text) if text else None


# -- beginnings ----------------------------------------------------------------------------------


def _group(_: Any, info: Info, fullPath: str) -> Row | None:
    return _visible(info.context, info.context.app.world.group(fullPath), "full_path")


def _project(_: Any, info: Info, fullPath: str) -> Row | None:
    return _visible(info.context, info.context.app.world.project(fullPath), "path_with_namespace")


def _visible(asking: Asking, row: Row | None, path: str) -> Row | None:
    """A group or project that this asker may see; what is missing and what is closed look alike."""
    if row is None or not reading.sees(asking.access, row):
        return None
    status = asking.refused(row[path])
    # A project that answers 403 shows, its parts do not; a group that does shows nothing.
    return None if status == 404 or (status and path == "full_path") else row


def _metadata(_: Any, info: Info) -> Row | None:
    if info.context.access == "none":
        return None
    return {
        "version": info.context.app.settings.version,
        "revision": "0badc0de",
        "enterprise": False,
    }


def _current_user(_: Any, info: Info) -> Row | None:
    return None if info.context.access == "none" else present.reader()


def _query_complexity(_: Any, info: Info) -> Row:
    return {"score": info.context.price.score, "limit": info.context.limit}


def _timelogs(
    _: Any,
    info: Info,
    sort: str,
    groupId: str | None = None,
    projectId: str | None = None,
    first: int | None = None,
    after: str | None = None,
) -> Row:
    asking: Asking = info.context
    world = asking.app.world
    if groupId:
        group = world.groups.get(_number(groupId))
        shown = _visible(asking, group, "full_path")
        projects = world.projects_of(shown, include_subgroups=True) if shown else []
    else:
        project = world.projects.get(_number(projectId or ""))
        projects = [project] if project else []
    rows = [
        {**log, "issue": issue, "user": present.user(log["user"])}
        for project in projects
        for issue in _issues_of(asking, project)
        for log in world.history(issue)["data"].get("timelogs") or []
    ]
    way = -1 if sort == "SPENT_AT_DESC" else 1
    return pages.page(
        rows, lambda row: [way * reading.instant(row["spent_at"]), row["id"]], first, after
    )


def _number(gid: str) -> int:
    text = gid.rpartition("/")[2]
    return int(text) if text.isdigit() else 0


# -- groups and projects -------------------------------------------------------------------------


def _group_projects(
    group: Row,
    info: Info,
    includeSubgroups: bool,
    first: int | None = None,
    after: str | None = None,
) -> Row:
    rows = info.context.app.world.projects_of(group, includeSubgroups)
    shown = [one for one in rows if _visible(info.context, one, "path_with_namespace")]
    return pages.page(shown, lambda row: row["id"], first, after)


def _descendant_groups(
    group: Row, info: Info, first: int | None = None, after: str | None = None
) -> Row:
    rows = info.context.app.world.descendants(group)
    shown = [one for one in rows if _visible(info.context, one, "full_path")]
    return pages.page(shown, lambda row: row["id"], first, after)


def _group_milestones(
    group: Row, info: Info, includeAncestors: bool, includeDescendants: bool, **chosen: Any
) -> Row:
    rows = reading.group_milestones(
        info.context.app,
        info.context.access,
        group,
        ancestors=includeAncestors,
        descendants=includeDescendants,
    )
    return _milestone_page(rows, **chosen)


def _project_milestones(project: Row, info: Info, includeAncestors: bool, **chosen: Any) -> Row:
    rows = reading.project_milestones(
        info.context.app, info.context.access, project, ancestors=includeAncestors
    )
    if info.context.refused(project["path_with_namespace"]):
        rows = []
    return _milestone_page(rows, **chosen)


def _milestone_page(
    rows: list[Row],
    sort: str,
    iids: list[str] | None = None,
    state: str | None = None,
    first: int | None = None,
    after: str | None = None,
) -> Row:
    chosen = [
        row
        for row in map(present.milestone, rows)
        if row
        and (iids is None or str(row["iid"]) in iids)
        and (state is None or row["state"] == state)
    ]

    def place(row: Row) -> list[Any]:
        by_date = [row["due_date"] is None, row["due_date"] or ""]
        return [*(by_date if sort == "DUE_DATE_ASC" else []), row["id"]]

    return pages.page(chosen, place, first, after)


def _group_labels(
    group: Row,
    info: Info,
    includeAncestorGroups: bool,
    includeDescendantGroups: bool,
    onlyGroupLabels: bool,
    first: int | None = None,
    after: str | None = None,
) -> Row:
    found = reading.labels(
        info.context.app,
        info.context.access,
        "group",
        group["id"],
        ancestors=includeAncestorGroups,
        descendants=includeDescendantGroups,
        projects=not onlyGroupLabels,
    )
    return _label_page(found, first, after)


def _project_labels(
    project: Row,
    info: Info,
    includeAncestorGroups: bool,
    first: int | None = None,
    after: str | None = None,
) -> Row:
    found = reading.labels(
        info.context.app,
        info.context.access,
        "project",
        project["id"],
        ancestors=includeAncestorGroups,
    )
    return _label_page(found, first, after)


def _label_page(found: list[tuple[str, Row]], first: int | None, after: str | None) -> Row:
    rows = [{**row, "home": kind} for kind, row in found]
    return pages.page(rows, lambda row: [row["name"], row["id"]], first, after)


def _owner(kind: str) -> Callable[[Row, Info], Row | None]:
    """The group or project that a milestone belongs to."""

    def owner(milestone: Row, info: Info) -> Row | None:
        world = info.context.app.world
        homes = world.groups if kind == "group" else world.projects
        home: Row | None = homes.get(milestone.get(f"{kind}_id"))
        return home

    return owner


# -- work items ----------------------------------------------------------------------------------


def _no_work_items(*_: Any, **__: Any) -> Row:
    """Group.workItems is empty while a feature flag is off, as it is on free instances."""
    return pages.page([], lambda row: row["id"], None, None)


def _work_items(
    project: Row,
    info: Info,
    sort: str,
    iid: str | None = None,
    iids: list[str] | None = None,
    state: str | None = None,
    types: list[str] | None = None,
    first: int | None = None,
    after: str | None = None,
) -> Row:
    asking: Asking = info.context
    wanted = [*(iids or []), *([iid] if iid is not None else [])]
    if len(wanted) > pages.LARGEST:
        raise GraphQLError(f"iids is too long (maximum is {pages.LARGEST})")
    if wanted:
        by_iid = asking.app.world.by_iid
        keys = {(project["id"], int(one)) for one in wanted if one.isdigit()}
        rows = [by_iid[key] for key in keys if key in by_iid]
        rows = [row for row in rows if _reads(asking, project, row)]
    elif iids is not None:
        rows = []
    else:
        rows = _issues_of(asking, project)
    rows = [
        row
        for row in rows
        if state in (None, "all", row["state"])
        and (types is None or row.get("issue_type", "issue").upper() in types)
    ]
    field_name, _, way = sort.lower().partition("_")
    sign = -1 if way == "desc" else 1

    def place(row: Row) -> list[float]:
        return [sign * reading.instant(row[f"{field_name}_at"]), sign * row["id"]]

    found = pages.page(rows, place, first, after)
    asking.work_items += len(found["nodes"])
    licensed = asking.app.licensed()
    found["nodes"] = [present.issue(row, licensed) for row in found["nodes"]]
    return found


def _issues_of(asking: Asking, project: Row) -> list[Row]:
    rows = asking.app.world.issues_of[project["id"]]
    return [row for row in rows if _reads(asking, project, row)]


def _reads(asking: Asking, project: Row, issue: Row) -> bool:
    refused = asking.refused(project["path_with_namespace"])
    return not refused and reading.sees_issue(asking.access, issue)


def _widgets(issue: Row, info: Info) -> list[Row]:
    """The widgets of every type of work item; of an interface each answers its own fields only."""
    widgets = {
        "Assignees": {"assignees": _whole(issue["assignees"])},
        "Labels": {"issue": issue},
        "Milestone": {"milestone": issue["milestone"]},
        "Notes": {"issue": issue},
        "StartAndDueDate": issue,
        "TimeTracking": issue["time_stats"],
    }
    if info.context.app.licensed():
        widgets["Weight"] = issue
    return [
        {**fields, "__typename": f"WorkItemWidget{name}", "type": _snake(name).upper()}
        for name, fields in widgets.items()
        if f"WorkItemWidget{name}" in info.schema.type_map
    ]


def _whole(rows: list[Row]) -> Row:
    return pages.connection(rows, [], following=False, before=False)


def _labels_on(source: Row, info: Info, **_: Any) -> Row:
    """Labels of an issue, which knows their names only."""
    app, issue = info.context.app, source["issue"]
    homes = reading.labels(app, "full", "project", issue["project_id"], ancestors=True)
    return _whole([{**row, "home": kind} for kind, row in homes if row["name"] in issue["labels"]])


def _users(source: Row, info: Info, **_: Any) -> Row:
    return _whole([]) if info.context.hides_users() else source["assignees"]


def _user(source: Row, info: Info) -> Row | None:
    """A person, or none where the instance hides people."""
    found: Row | None = source.get(_snake(info.field_name))
    return None if info.context.hides_users() else found


def _discussions(
    source: Row,
    info: Info,
    filter: str,
    sort: str | None = None,
    first: int | None = None,
    after: str | None = None,
) -> Row:
    asking: Asking = info.context
    issue = source["issue"]
    struck = asking.slow is not None and (not asking.slow or issue["id"] in asking.slow)
    if struck and asking.work_items > asking.batch:
        asking.late = True
    entries = activity.entries(asking.app, issue, filter.lower())
    seen = reading.with_gaps(asking.app, entries)
    return pages.activity(seen, sort == "CREATED_DESC", first, after)


def _namespace(issue: Row, info: Info) -> Row:
    project = info.context.app.world.projects[issue["project_id"]]
    return {**project, "__typename": "Project"}


def _gid(kind: str) -> Callable[[Row, Info], str]:
    return lambda source, _: f"gid://gitlab/{kind}/{source['id']}"


def _renamed(name: str) -> Callable[[Row, Info], Any]:
    return lambda source, _: source.get(name)


def _type_of(issue: Row, _: Info) -> Row:
    kind = issue["issue_type"]
    number = {"issue": 1, "incident": 2, "test_case": 3, "requirement": 4, "task": 5}.get(kind, 9)
    name = kind.replace("_", " ").capitalize()
    return {"id": f"gid://gitlab/WorkItems::Type/{number}", "name": name}


RESOLVERS: dict[str, dict[str, Callable[..., Any]]] = {
    "Query": {
        "currentUser": _current_user,
        "group": _group,
        "metadata": _metadata,
        "project": _project,
        "queryComplexity": _query_complexity,
        "timelogs": _timelogs,
    },
    "Group": {
        "id": _gid("Group"),
        "descendantGroups": _descendant_groups,
        "labels": _group_labels,
        "milestones": _group_milestones,
        "projects": _group_projects,
        "workItems": _no_work_items,
    },
    "Project": {
        "id": _gid("Project"),
        "fullPath": _renamed("path_with_namespace"),
        "labels": _project_labels,
        "milestones": _project_milestones,
        "workItems": _work_items,
    },
    "WorkItem": {
        "id": _gid("WorkItem"),
        "author": _user,
        "iid": lambda source, _: str(source["iid"]),
        "namespace": _namespace,
        "state": lambda source, _: "OPEN" if source["state"] == "opened" else "CLOSED",
        "widgets": _widgets,
        "workItemType": _type_of,
    },
    "WorkItemWidgetAssignees": {"assignees": _users},
    "WorkItemWidgetLabels": {"labels": _labels_on},
    "WorkItemWidgetNotes": {"discussions": _discussions},
    "Note": {"author": _user},
    "UserCore": {"id": _gid("User")},
    "Issue": {"id": _gid("Issue")},
    "Milestone": {
        "id": _gid("Milestone"),
        "group": _owner("group"),
        "project": _owner("project"),
        "webPath": lambda source, _: urlsplit(source["web_url"]).path,
    },
    "Label": {
        "id": lambda source, _: f"gid://gitlab/{source['home'].title()}Label/{source['id']}",
        "title": _renamed("name"),
    },
}
