"""What each path answers. Sources: https://docs.gitlab.com/api/<page>/, named at each handler."""

from __future__ import annotations

import base64
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from hashlib import sha1
from typing import TYPE_CHECKING, Any

from tests.gitlab_server import present, reading
from tests.gitlab_server.messages import Refusal, Request, Response
from tests.gitlab_server.reading import by, instant, sees, sees_issue
from tests.gitlab_server.world import Row, parent

if TYPE_CHECKING:
    from tests.gitlab_server.app import App

Rows = list[Row | None]
EVENTS = {
    "resource_state_events": reading.STATE,
    "resource_label_events": reading.LABEL,
    "resource_milestone_events": reading.MILESTONE,
    "resource_weight_events": reading.WEIGHT,
}


def missing(what: str) -> Refusal:
    """GitLab says 404 both of what is not there and of what one may not see."""
    return Refusal(404, {"message": f"404 {what} Not Found"})


def route(app: App, access: str, segments: list[str], request: Request) -> Any:
    """The rows of a list, or one object, or a Response that is no JSON."""
    if request.method != "GET":
        raise Refusal(404, {"error": "404 Not Found"})
    match segments:
        case ["version"] | ["metadata"]:
            return _version(app, access)
        case ["user"]:
            return _user(access)
        case ["groups"]:
            return [one for one in app.world.groups.values() if sees(access, one)]
        case ["groups", group, *rest]:
            return _in_group(app, access, _group(app, access, group), rest, request)
        case ["projects", project, *rest]:
            return _in_project(app, access, _project(app, access, project), rest, request)
    raise Refusal(404, {"error": "404 Not Found"})


def presenter(app: App, segments: list[str]) -> Callable[[Row], Row]:
    """How rows of this list are written; the filters need none of it."""
    if segments[-1] == "issues":
        licensed = app.licensed()
        return lambda row: present.issue(row, licensed)
    if segments[-1] == "milestones":
        return lambda row: present.milestone(row) or {}
    return present.rest


# -- instance and user ---------------------------------------------------------------------------


def _version(app: App, access: str) -> Row:
    """https://docs.gitlab.com/api/version/"""
    _authenticated(access)
    return {"version": app.settings.version, "revision": "0badc0de"}


def _user(access: str) -> Row:
    """https://docs.gitlab.com/api/users/#retrieve-the-current-user"""
    _authenticated(access)
    return present.reader()


def _authenticated(access: str) -> None:
    if access == "none":
        raise Refusal(401, {"message": "401 Unauthorized"})


# -- groups --------------------------------------------------------------------------------------


def _group(app: App, access: str, name: str) -> Row:
    group = app.world.group(name)
    if group is None or not sees(access, group):
        raise missing("Group")
    status = app.settings.denied.get(group["full_path"])
    if status:
        raise Refusal(status, {"message": f"{status} refused"})
    return group


def _in_group(app: App, access: str, group: Row, rest: list[str], request: Request) -> Any:
    match rest:
        case []:  # https://docs.gitlab.com/api/groups/
            return group
        case ["subgroups"]:
            shown = [one for one in app.world.subgroups(group) if sees(access, one)]
            return _ordered(shown, request, "name", "asc")
        case ["descendant_groups"]:
            shown = [one for one in app.world.descendants(group) if sees(access, one)]
            return _ordered(shown, request, "name", "asc")
        case ["projects"]:
            return _group_projects(app, access, group, request)
        case ["issues"]:
            return _group_issues(app, access, group, request)
        case ["milestones"]:
            return _group_milestones(app, access, group, request)
        case ["labels"]:
            return _labels(app, access, "group", group["id"], request)
        case ["milestones", number]:
            _authenticated(access)
            return _one(app.world.milestones_of("group", [group["id"]]), "id", number, "Milestone")
        case ["milestones", number, "issues"]:
            _authenticated(access)
            rows = app.world.milestones_of("group", [group["id"]])
            title = _one(rows, "id", number, "Milestone")["title"]
            return [
                issue
                for project in app.world.projects_of(group, include_subgroups=False)
                for issue in app.world.issues_of[project["id"]]
                if (issue.get("milestone") or {}).get("title") == title
                and sees_issue(access, issue)
            ]
    raise Refusal(404, {"error": "404 Not Found"})


def _group_projects(app: App, access: str, group: Row, request: Request) -> Rows:
    """https://docs.gitlab.com/api/groups/#list-projects"""
    projects = app.world.projects_of(group, request.flag("include_subgroups"))
    wanted = request.flag("archived") if request.one("archived") else None
    rows = [
        project
        for project in projects
        if sees(access, project) and (wanted is None or bool(project.get("archived")) == wanted)
    ]
    return _ordered(rows, request, "created_at", "desc")


def _group_issues(app: App, access: str, group: Row, request: Request) -> Rows:
    """https://docs.gitlab.com/api/issues/#list-group-issues (subgroups in, archived out)"""
    archived = not request.flag("non_archived", True)

    def issues() -> Iterable[Row]:
        for project in app.world.projects_of(group, include_subgroups=True):
            refused = app.settings.denied.get(project["path_with_namespace"])
            seen = sees(access, project) and not refused
            if seen and (archived or not project.get("archived")):
                yield from app.world.issues_of[project["id"]]

    return _issues(app, access, f"group {group['id']}", issues, request)


def _group_milestones(app: App, access: str, group: Row, request: Request) -> Rows:
    """https://docs.gitlab.com/api/group_milestones/"""
    _authenticated(access)
    rows = reading.group_milestones(
        app,
        access,
        group,
        ancestors=_with_ancestors(request),
        descendants=request.flag("include_descendants"),
    )
    return _milestones(rows, request)


# -- projects ------------------------------------------------------------------------------------


def _project(app: App, access: str, name: str) -> Row:
    project = app.world.project(name)
    if project is None or not sees(access, project):
        raise missing("Project")
    if app.settings.denied.get(project["path_with_namespace"]) == 404:
        raise missing("Project")
    return project


def _in_project(app: App, access: str, project: Row, rest: list[str], request: Request) -> Any:
    if not rest:  # https://docs.gitlab.com/api/projects/
        return {"default_branch": "main", **project}
    refused = app.settings.denied.get(project["path_with_namespace"])
    if refused:  # the project shows, its parts do not (a feature for members only)
        raise Refusal(refused, {"message": f"{refused} Forbidden"})
    match rest:
        case ["issues"]:  # https://docs.gitlab.com/api/issues/#list-project-issues
            home = f"project {project['id']}"
            return _issues(app, access, home, lambda: app.world.issues_of[project["id"]], request)
        case ["issues", iid, *parts]:
            issue = app.world.by_iid.get((project["id"], int(iid) if iid.isdigit() else 0))
            if issue is None or not sees_issue(access, issue):
                raise missing("Issue")
            return _in_issue(app, access, issue, parts, request)
        case ["milestones"]:
            return _project_milestones(app, access, project, request)
        case ["milestones", number]:
            _authenticated(access)
            rows = app.world.milestones_of("project", [project["id"]])
            return _one(rows, "id", number, "Milestone")
        case ["labels"]:
            return _labels(app, access, "project", project["id"], request)
        case ["repository", *parts]:
            return _in_repository(app, project, parts, request)
    raise Refusal(404, {"error": "404 Not Found"})


def _project_milestones(app: App, access: str, project: Row, request: Request) -> Rows:
    """https://docs.gitlab.com/api/milestones/"""
    _authenticated(access)
    ancestors = _with_ancestors(request)
    rows = reading.project_milestones(app, access, project, ancestors=ancestors)
    return _milestones(rows, request)


def _labels(app: App, access: str, kind: str, ident: int, request: Request) -> Rows:
    """https://docs.gitlab.com/api/labels/ and https://docs.gitlab.com/api/group_labels/"""
    _authenticated(access)
    found = reading.labels(
        app,
        access,
        kind,
        ident,
        ancestors=request.flag("include_ancestor_groups", True),
        descendants=request.flag("include_descendant_groups"),
        projects=not request.flag("only_group_labels", True),
    )
    return [row for _, row in found]


def _in_issue(app: App, access: str, issue: Row, parts: list[str], request: Request) -> Any:
    if not parts:
        return present.issue(issue, app.licensed())
    _authenticated(access)
    match parts:
        case ["notes"]:
            return _notes(app, issue, request)
        case [name] if name in EVENTS:
            # https://docs.gitlab.com/api/resource_state_events/, resource_label_events/,
            # resource_milestone_events/, resource_weight_events/ (Premium): oldest first
            if name == "resource_weight_events" and not app.licensed():
                raise Refusal(404, {"error": "404 Not Found"})
            rows: Rows = list(reading.events(app, issue, EVENTS[name]))
            if name != "resource_label_events":
                return rows
            seen = (row if reading.sees_label(app, access, row) else None for row in rows)
            return list(reading.with_gaps(app, seen))
    raise Refusal(404, {"error": "404 Not Found"})


def _notes(app: App, issue: Row, request: Request) -> Rows:
    """https://docs.gitlab.com/api/notes/#list-all-issue-notes (newest first)"""
    order = request.one("order_by", "created_at")
    if order not in ("created_at", "updated_at"):
        raise Refusal(400, {"error": "order_by does not have a valid value"})
    rows = by(reading.notes(app, issue, request.one("activity_filter")), order)
    return list(
        reading.with_gaps(app, rows if request.one("sort", "desc") == "asc" else rows[::-1])
    )


def _in_repository(app: App, project: Row, parts: list[str], request: Request) -> Any:
    """https://docs.gitlab.com/api/repositories/, repository_files/, commits/"""
    files = app.world.files(project)
    branch = project.get("default_branch", "main")
    reference = request.one("ref") or request.one("ref_name") or branch
    if not files or reference not in (branch, "HEAD", *map(_commit_id, files)):
        raise missing("Tree" if parts == ["tree"] else "Commit")
    match parts:
        case ["tree"]:
            return _tree(files, request)
        case ["files", path, "raw"]:
            return Response(200, _text(files, path), kind="text/plain")
        case ["files", path]:
            text = _text(files, path)
            coded = base64.b64encode(text).decode()
            return {"file_path": path, "encoding": "base64", "content": coded, "ref": reference}
        case ["commits"]:
            path = request.one("path")
            hint = app.world.documents.get(path, {}).get("revision_hint") or "2020-01-01"
            at = f"{hint}T12:00:00.000+00:00"
            commit = {
                "id": _commit_id(path),
                "title": f"Add {path}",
                "committed_date": at,
                "authored_date": at,
                "created_at": at,
            }
            return [commit] if path in files else []
    raise Refusal(404, {"error": "404 Not Found"})


def _commit_id(path: str) -> str:
    """The one commit that a file has."""
    return sha1(path.encode()).hexdigest()


def _tree(files: dict[str, str], request: Request) -> Rows:
    """Folders before files, as git orders them for GitLab."""
    top = request.one("path").strip("/")
    recursive = request.flag("recursive")
    folders: dict[str, None] = {}
    for path in files:
        while path := parent(path):
            folders[path] = None

    def inside(path: str) -> bool:
        return parent(path) == top or (recursive and (not top or path.startswith(f"{top}/")))

    named = [(path, "tree") for path in sorted(folders)] + [(path, "blob") for path in files]
    rows: Rows = [
        {
            "id": sha1(files.get(path, path).encode("utf-8", "surrogateescape")).hexdigest(),
            "name": path.rpartition("/")[2],
            "type": kind,
            "path": path,
            "mode": "040000" if kind == "tree" else "100644",
        }
        for path, kind in named
        if inside(path)
    ]
    if not rows and top:
        raise missing("Tree")
    return rows


def _text(files: dict[str, str], path: str) -> bytes:
    if path not in files:
        raise missing("File")
    return files[path].encode("utf-8", "surrogateescape")


# -- filters -------------------------------------------------------------------------------------


def _issues(
    app: App, access: str, home: str, issues: Callable[[], Iterable[Row]], request: Request
) -> Rows:
    """https://docs.gitlab.com/api/issues/ (filters; newest first unless asked otherwise)"""
    later = {"created_after", "created_before", "order_by", "sort", "page", "per_page"}
    filters = sorted((name, *values) for name, values in request.query.items() if name not in later)
    key = (access, home, *filters)
    if key not in app.by_birth:  # read through by creation, page after page: sorted once
        rows = by((row for row in issues() if _fits(access, row, request)), "created_at")
        app.by_birth[key] = rows, [instant(row["created_at"]) for row in rows]
    rows, births = app.by_birth[key]
    after, before = request.one("created_after"), request.one("created_before")
    first = bisect_left(births, instant(after)) if after else 0
    last = bisect_right(births, instant(before)) if before else len(births)
    return _ordered(rows[first:last], request, "created_at", "desc", sorted_by="created_at")


def _fits(access: str, issue: Row, request: Request) -> bool:
    state = request.one("state", "all")
    kind = request.one("issue_type")
    iids = request.query.get("iids[]", [])
    title = request.one("milestone")
    return (
        sees_issue(access, issue)
        and state in ("all", issue["state"])
        and (not kind or issue.get("issue_type", "issue") == kind)
        and (not iids or str(issue["iid"]) in iids)
        and (not title or (issue.get("milestone") or {}).get("title") == title)
        and _in_time(issue, request)
    )


def _milestones(rows: Iterable[Row], request: Request) -> Rows:
    iids = {int(value) for value in request.query.get("iids[]", [])}
    state = request.one("state")
    title = request.one("title")
    chosen = [
        row
        for row in rows
        if (not iids or row["iid"] in iids)
        and (state in ("", "all", row.get("state", "active")))
        and (not title or row["title"] == title)
        and _in_time(row, request)
    ]
    return list(reversed(by(chosen, "id")))


def _in_time(row: Row, request: Request) -> bool:
    """``updated_after`` and ``updated_before`` include the instant itself."""
    after, before = request.one("updated_after"), request.one("updated_before")
    if not after and not before:
        return True
    at = instant(row["updated_at"])
    return (not after or at >= instant(after)) and (not before or at <= instant(before))


def _ordered(
    rows: Iterable[Row], request: Request, field: str, way: str, sorted_by: str | None = None
) -> Rows:
    field = request.one("order_by", field)
    way = request.one("sort", way)
    if way not in ("asc", "desc"):
        raise Refusal(400, {"error": "sort does not have a valid value"})
    ordered = list(rows) if field == sorted_by else by(rows, field)
    return list(ordered) if way == "asc" else list(reversed(ordered))


def _with_ancestors(request: Request) -> bool:
    """Whether milestones of the groups above are asked for, by the new name or the old one."""
    return request.flag("include_ancestors") or request.flag("include_parent_milestones")


def _one(rows: Iterable[Row], key: str, value: str, what: str) -> Row:
    for row in rows:
        if str(row[key]) == value:
            return present.milestone(row) or {}
    raise missing(what)
