"""Records: what one answer of GitLab, or one roadmap document, is stored as.

`gitlab` and `simulate` write records with the functions here, `store` keeps them as lines of JSON,
`frames` reads them. docs/dataset.md describes every kind for other readers. The module stands below
all of them, so that neither the exporter nor the store has to know the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

Record = dict[str, Any]
Row = dict[str, Any]
"""What GitLab answers about one thing."""

KINDS = (
    *("group", "project", "milestone", "labels", "listing"),
    *("issue", "history", "document", "documents", "failure"),
)
"""Kinds of records, in the order in which a run is read: what issues refer to comes first."""

DROPPED = frozenset(
    {
        "description",
        "description_html",
        "avatar_url",
        "_links",
        "import_url",
        "runners_token",
        "permissions",
        "shared_with_groups",
    }
)
"""Fields of GitLab's answers that are not stored: texts that nothing needs, secrets, links."""


class Owner(NamedTuple):
    """The group or project that a milestone, a label or a list belongs to."""

    kind: str
    id: int
    path: str


def trimmed(value: Any) -> Any:
    """Return an answer without the `DROPPED` fields, at any depth.

    >>> trimmed({"id": 1, "description": "long", "author": {"id": 2, "avatar_url": "x"}})
    {'id': 1, 'author': {'id': 2}}
    """
    if isinstance(value, dict):
        return {name: trimmed(one) for name, one in value.items() if name not in DROPPED}
    if isinstance(value, list):
        return [trimmed(one) for one in value]
    return value


# -- writing ---------------------------------------------------------------------------------------


def group(row: Row) -> Record:
    """Return the record of a group."""
    return {"kind": "group", "data": row}


def project(row: Row) -> Record:
    """Return the record of a project."""
    return {"kind": "project", "data": row}


def _with_odd(record: Record, odd: Iterable[Iterable[str]]) -> Record:
    """Note what was odd in an answer, and is missing in its record: field and text of each."""
    told = [list(one) for one in odd]
    return record | {"odd": told} if told else record


def milestone(owner: Owner, row: Row, odd: Iterable[Iterable[str]] = ()) -> Record:
    """Return the record of a milestone, with the group or project that owns it."""
    record = {"kind": "milestone", "container": owner._asdict(), "data": row}
    return _with_odd(record, odd)


def milestone_listing(owner: Owner, ids: Iterable[int]) -> Record:
    """Return the record of the complete list of a group's or project's milestones."""
    # Sorted, so that the same list is the same bytes in whatever order its pages came.
    return {
        "kind": "listing", "of": "milestones", "container": owner._asdict(), "ids": sorted(ids)
    }  # fmt: skip


def labels(owner: Owner, names: Mapping[int, str]) -> Record:
    """Return the record of all labels that a group or project knows, by id."""
    # JSON knows only text as keys.
    texts = {str(ident): name for ident, name in names.items()}
    return {"kind": "labels", "container": owner._asdict(), "names": texts}


def issue(project: str, row: Row, odd: Iterable[Iterable[str]] = ()) -> Record:
    """Return the record of an issue, with the full path of its project."""
    return _with_odd({"kind": "issue", "project": project, "data": row}, odd)


def history(
    issue_id: int,
    project_id: int,
    iid: int,
    events: Mapping[str, Any],
    *,
    via: str | None = None,
    odd: Iterable[Iterable[str]] = (),
    incomplete: bool = False,
) -> Record:
    """Return the record of an issue's whole history.

    Parameters
    ----------
    issue_id, project_id, iid : int
        Which issue.
    events : mapping
        ``state_events``, ``label_events``, ``milestone_events``, ``weight_events`` (None where the
        server has none) and ``notes`` (system notes only), each a list of GitLab's answers.
    via : str, optional
        The way it was fetched: ``rest`` or ``graphql``.
    odd : iterable of (field, text)
        Values that were odd, and count as missing.
    incomplete : bool
        Some rows were odd and are left out: the next run fetches the history again.
    """
    record: Record = {
        "kind": "history",
        **({} if via is None else {"via": via}),
        "issue_id": issue_id,
        "project_id": project_id,
        "iid": iid,
        "data": events,
    }
    if incomplete:
        record["incomplete"] = True
    return _with_odd(record, odd)


def issue_listing(project_id: int, ids: Iterable[int]) -> Record:
    """Return the record of the complete list of a project's issues."""
    return {"kind": "listing", "of": "issues", "project_id": project_id, "ids": sorted(ids)}


def document(
    name: str, text: str, source: str, revision_hint: str | None, *, blob: str | None = None
) -> Record:
    """Return the record of one roadmap document.

    Parameters
    ----------
    name : str
        Path below the folder or in the repository.
    text : str
        The whole document.
    source : str
        Where it was read, for people.
    revision_hint : str or None
        ISO date of the revision, where the name or the commit gives one.
    blob : str, optional
        Git's id of the text: the next run fetches or stores it only where this differs.
    """
    record = {
        "kind": "document",
        "name": name,
        "text": text,
        "source": source,
        "revision_hint": revision_hint,
    }
    return record if blob is None else record | {"blob": blob}


def documents(names: Iterable[str]) -> Record:
    """Return the record of which roadmap documents there are."""
    return {"kind": "documents", "names": list(names)}


def failure(part: str, status: int | None, message: str) -> Record:
    """Return the record of a part that failed for good."""
    return {"kind": "failure", "part": part, "status": status, "message": message}


# -- reading ---------------------------------------------------------------------------------------


def owner_of(record: Mapping[str, Any]) -> Owner:
    """Return the owner in a record of the kind milestone, labels or listing of milestones."""
    owner = record["container"]
    return Owner(owner["kind"], owner["id"], owner["path"])


def label_names(record: Mapping[str, Any]) -> dict[int, str]:
    """Return the names in a record of the kind labels, by id."""
    return {int(ident): name for ident, name in record["names"].items()}
