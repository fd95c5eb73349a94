"""Milestones and labels by the references that notes make to them."""

from __future__ import annotations

import html
import re
import threading
from collections.abc import Iterable

from roadmap_analytics.gitlab.activity import Unresolved
from roadmap_analytics.gitlab.graphql import GraphQL, Refused
from roadmap_analytics.records import Row, trimmed

_REFERENCE = re.compile(r'(?P<path>[\w./-]*)[%~](?:"(?P<quoted>[^"]*)"|(?P<bare>\S+))', re.DOTALL)
_LINKED = re.compile(r'data-milestone="(\d{1,18})"')


class Directory:
    """All milestones and labels that are known, and those of other paths as soon as one is needed.

    A project's milestone is referred to by its number (``%5``), a group's by its title
    (``%"Title"``) or, where the title has a quotation mark, by its number too. New versions put the
    full path before it; old ones do not, so that a title or number may fit several. One that fits
    not exactly one is `Unresolved`: `bodyHtml` of the note names the id.
    """

    def __init__(self, graphql: GraphQL) -> None:
        self._graphql = graphql
        self._milestones: dict[str, list[Row]] = {}  # by full path of the owner, in lower case
        self._by_id: dict[int, Row] = {}
        self._labels: dict[int, str] = {}
        self._asked: set[tuple[str, str]] = set()
        self._lock = threading.RLock()  # threads that miss the same list ask for it once

    def know_milestones(self, path: str, rows: Iterable[Row]) -> None:
        """Take in the whole list of what a group or project owns."""
        own = [trimmed(row) for row in rows]
        with self._lock:
            self._milestones[path.lower()] = own
            self._by_id |= {row["id"]: row for row in own}

    def know_labels(self, rows: Iterable[Row]) -> None:
        """Take in labels, wherever they are from."""
        with self._lock:
            self._labels |= {row["id"]: row["name"] for row in rows}

    def milestone(self, reference: str, project: str, rendered: str | None) -> Row:
        """Give the milestone that a note of an issue in `project` refers to.

        Parameters
        ----------
        reference, project
            As written, and what it is relative to.
        rendered
            The note as HTML, where it was asked for: its link names the id.

        Raises
        ------
        Unresolved
            Where none fits, or several do.
        Refused
            Where a list that may have it cannot be read.
        """
        found = _REFERENCE.fullmatch(reference)
        if found is None:
            raise Unresolved(f"a reference that reads {reference[:80]!r}")
        homes = _homes(found["path"], project)
        fitting = {
            row["id"]: row
            for path in homes
            for row in self._of(path)
            if _fits(row, found["quoted"], found["bare"])
        }
        if len(fitting) > 1 and found["quoted"]:  # a project's own is written by number
            fitting = {i: row for i, row in fitting.items() if row.get("group_id") is not None}
        if len(fitting) == 1:
            return next(iter(fitting.values()))
        ids = set(_LINKED.findall(str(rendered or "")))
        if len(ids) != 1:
            raise Unresolved(f"a milestone {reference[:80]!r} that {len(fitting) or 'none'} fit")
        return self._of_id(int(ids.pop()), homes)

    def _of_id(self, ident: int, homes: list[str]) -> Row:
        """Give the milestone of an id; lists that may have it are read again where it is new."""
        for home in homes:
            if ident not in self._by_id:
                self._read(home)
        if ident not in self._by_id:
            raise Unresolved(f"a milestone of the unknown id {ident}")
        return self._by_id[ident]

    def label(self, reference: str, project: str) -> Row | None:
        """Give id and name of a label; None where none may tell its name.

        GraphQL names labels of other projects by id even where they may not be seen.
        """
        found = _REFERENCE.fullmatch(reference)
        if found is None:
            return None
        ident = _number(found["bare"])
        if ident is None:
            return self._label_named(found["quoted"] or found["bare"])
        if ident not in self._labels:
            self._read_labels(found["path"].strip("/") or project)
        if ident not in self._labels:
            return None
        return {"id": ident, "name": self._labels[ident]}

    def _label_named(self, name: str) -> Row | None:
        """Give a label by name, as long as one has it."""
        with self._lock:
            fitting = [ident for ident, known in self._labels.items() if known == name]
        return {"id": fitting[0], "name": name} if len(fitting) == 1 else None

    def _of(self, path: str) -> list[Row]:
        with self._lock:
            if path.lower() not in self._milestones:
                self._read(path)
            return self._milestones[path.lower()]

    def _read(self, path: str) -> None:
        """Read the milestones of a path of either kind; one that may not be seen has none."""
        rows: list[Row] = []
        with self._lock:
            for kind in ("group", "project"):
                try:
                    rows += self._graphql.milestones(kind, path)
                except Refused as refused:
                    if refused.status != 404:
                        raise
            self.know_milestones(path, rows)

    def _read_labels(self, path: str) -> None:
        """Read the labels around a project or group, once."""
        with self._lock:
            for kind in ("project", "group"):
                if (kind, path.lower()) in self._asked:
                    continue
                try:
                    self.know_labels(self._graphql.labels(kind, path))
                except Refused as refused:
                    if refused.status != 404:
                        raise
                self._asked.add((kind, path.lower()))


def _homes(path: str, project: str) -> list[str]:
    """Give the full paths that a reference may mean.

    >>> _homes("", "a/b/c"), _homes("/x/y", "a/b"), _homes("y", "a/b")
    (['a/b/c', 'a/b', 'a'], ['x/y'], ['a/y', 'y'])
    """
    parent = project.rpartition("/")[0]
    if path.startswith("/"):  # new versions write full paths, with a slash before them
        return [path.strip("/")]
    if path:
        near = [f"{parent}/{path}"] if parent else []
        return [*near, path]
    parts = project.split("/")
    return ["/".join(parts[:end]) for end in range(len(parts), 0, -1)]


def _fits(row: Row, quoted: str | None, bare: str | None) -> bool:
    """Whether a milestone is referred to like this."""
    title = row["title"]
    if quoted is not None:
        return title in (quoted, html.unescape(quoted))
    if (iid := _number(bare)) is not None:
        named_by_number = row.get("group_id") is None or '"' in title
        return bool(named_by_number and row["iid"] == iid)
    return bool(title == bare)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) <= 18 else None
