"""Whether a dataset holds what the server served: every row recovered, none invented."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from roadmap_analytics.store import iter_records
from tests.gitlab_server.present import NOT_IN_REST
from tests.gitlab_server.world import HISTORY_LISTS, World, below

Row = dict[str, Any]
State = dict[str, dict[Any, Row]]

DROPPED = {
    *("description", "description_html", "avatar_url", "_links"),
    *("import_url", "runners_token", "permissions", "shared_with_groups"),
    *NOT_IN_REST,
}
"""Fields that the exporter may leave out, and no others: private, secret, or mere links."""


def stored(path: Path) -> State:
    """What a dataset says is there now: the newest record of each id, less what is not listed."""
    state = _empty()
    listed: dict[tuple[str, str, int], set[int]] = {}
    for record in iter_records(path):
        kind = record["kind"]
        if kind == "listing":
            listed[_listing_key(record)] = set(record["ids"])
        elif kind in state:
            state[kind][_identity(record)] = record
    for ident, record in list(state["issue"].items()):
        project_id = record["data"]["project_id"]
        if ident not in listed.get(("issues", "project", project_id), {ident}):
            del state["issue"][ident]
    for ident, record in list(state["milestone"].items()):
        container = record["container"]
        if ident not in listed.get(("milestones", container["kind"], container["id"]), {ident}):
            del state["milestone"][ident]
    state["history"] = {
        ident: record for ident, record in state["history"].items() if ident in state["issue"]
    }
    return state


def served(world: Iterable[Row], *paths: str) -> State:
    """What an export of groups and projects should find; of archived projects what is closed."""
    whole = World(world)
    state = _empty()

    def asked(path: str) -> bool:
        return any(path == top or below(path, top) for top in paths)

    projects = {row["id"] for row in whole.projects.values() if asked(row["path_with_namespace"])}
    records = list(whole.records())
    given_up = {
        record["data"]["id"]
        for record in records
        if record["kind"] == "issue"
        and record["data"]["state"] == "opened"
        and whole.projects[record["data"]["project_id"]].get("archived")
    }
    for record in records:
        kind, data = record["kind"], record.get("data", {})
        if kind == "group":
            mine = asked(data["full_path"])
        elif kind == "milestone":
            mine = asked(record["container"]["path"])
        elif kind in ("document", "label"):
            mine = False  # documents are asked for by --roadmaps, labels show in the events
        else:
            home = data["id"] if kind == "project" else data.get("project_id")
            mine = (record["project_id"] if kind == "history" else home) in projects
        if mine and not (kind in ("issue", "history") and _identity(record) in given_up):
            state[kind][_identity(record)] = record
    return state


def differences(found: State, truth: State, kinds: Iterable[str] | None = None) -> list[str]:
    """Each row that is missing, invented, or other than it was served; empty where all agrees."""
    faults = []
    for kind in kinds or truth:
        for ident in sorted(found[kind].keys() ^ truth[kind].keys()):
            where = "missing" if ident in truth[kind] else "invented"
            faults.append(f"{kind} {ident}: {where}")
        for ident in found[kind].keys() & truth[kind].keys():
            if kind == "history":
                faults += _history(ident, found[kind][ident]["data"], truth[kind][ident]["data"])
            else:
                told = _other(found[kind][ident]["data"], truth[kind][ident]["data"])
                faults += [f"{kind} {ident}: {one}" for one in told]
    return faults


def _history(ident: int, found: Row, truth: Row) -> list[str]:
    faults = [f"history {ident}: invented list {name}" for name in found.keys() - {*HISTORY_LISTS}]
    for name in HISTORY_LISTS:
        mine = {row["id"]: row for row in found.get(name) or []}
        theirs = {row["id"]: row for row in truth.get(name) or []}
        if len(mine) != len(found.get(name) or []):
            faults.append(f"history {ident} {name}: rows twice")
        for row_id in sorted(mine.keys() ^ theirs.keys()):
            where = "missing" if row_id in theirs else "invented"
            faults.append(f"history {ident} {name} {row_id}: {where}")
        for row_id in mine.keys() & theirs.keys():
            told = _other(mine[row_id], _lasting(theirs[row_id]))
            faults += [f"history {ident} {name} {row_id}: {one}" for one in told]
    return faults


def _lasting(event: Row) -> Row:
    """An event without what it tells of a milestone's dates: they are today's, not its own."""
    if not event.get("milestone"):
        return event
    return event | {"milestone": {name: event["milestone"][name] for name in ("id", "title")}}


def _other(found: Any, truth: Any, at: str = "") -> list[str]:
    """Where `found` lacks or contradicts something of `truth`; what it has besides is no matter."""
    if isinstance(truth, dict) and isinstance(found, dict):
        faults = [f"{at}{name} lost" for name in truth.keys() - found.keys() - DROPPED]
        # `expired` turns with the day, and no row changes for it: it is of the day of its fetch.
        for name in truth.keys() & found.keys() - {"expired"}:
            faults += _other(found[name], truth[name], f"{at}{name}.")
        return faults
    if isinstance(truth, list) and isinstance(found, list) and len(truth) == len(found):
        pairs = zip(found, truth, strict=True)
        return [fault for mine, theirs in pairs for fault in _other(mine, theirs, at)]
    return [] if found == truth else [f"{at.rstrip('.')} is {found!r}, was served as {truth!r}"]


def _empty() -> State:
    return {"group": {}, "project": {}, "milestone": {}, "issue": {}, "history": {}}


def _identity(record: Row) -> int:
    found: int = record["issue_id"] if record["kind"] == "history" else record["data"]["id"]
    return found


def _listing_key(record: Row) -> tuple[str, str, int]:
    if record["of"] == "issues":
        return "issues", "project", record["project_id"]
    container = record["container"]
    return record["of"], container["kind"], container["id"]
