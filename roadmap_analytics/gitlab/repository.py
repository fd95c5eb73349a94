"""Roadmap revisions in a repository of the same GitLab."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from roadmap_analytics import records
from roadmap_analytics.errors import RoadmapError
from roadmap_analytics.gitlab.client import Client, PartFailed
from roadmap_analytics.roadmap import tables
from roadmap_analytics.roadmap.sources import date_in, decode, is_table, not_read, select
from roadmap_analytics.soundness import OddRow

_WILD = re.compile(r"[*?\[]")
_DAY = re.compile(r"\d{4}-\d\d-\d\dT", re.ASCII)


@dataclass(frozen=True)
class Place:
    """A project, the files in it, and the branch, tag or commit to read them at.

    >>> str(Place("sigsum/project/documentation", "archive/*-roadmap.md"))
    'sigsum/project/documentation:archive/*-roadmap.md'
    """

    project: str
    pattern: str | None = None
    ref: str | None = None

    def __str__(self) -> str:
        return f"{self.project}:{self.pattern}" if self.pattern else self.project


def read(
    client: Client,
    place: Place,
    known: Mapping[str, str],
    refused: Callable[[str, RoadmapError], None],
) -> Iterator[dict[str, Any]]:
    """Yield a document record per revision, and at last which documents there are.

    Without a pattern, the texts beside the documents that were not read are a record too.

    Parameters
    ----------
    client, place
        Where to read.
    known
        Name -> id of the blob, of documents that are stored; the same blob is not fetched again.
    refused
        Told which document cannot be understood, and why; it stays as it was, the others go on.

    Raises
    ------
    PartFailed
        Where the project, the files or a page of them cannot be read.
    """
    base = f"/projects/{quote(place.project, '')}/repository"
    ref = place.ref or "HEAD"
    blobs = _blobs(client, base, place, ref)
    chosen = select(blobs, place.pattern)
    revisions = [name for name in chosen if not is_table(name)]
    if not revisions:
        raise PartFailed(404, "no file fits the pattern")
    names: list[str] = []
    of_day: dict[str | None, tuple[str, str]] = {}
    for name in sorted(chosen, key=lambda name: name not in known):  # what is stored goes first
        dated = is_table(name) or date_in(name) is not None
        one = (name, ref, date_in(name), blobs[name])
        for label, at, day, blob in [one] if dated else _commits(client, base, name, ref):
            first = label, blob
            if not is_table(name):
                first = of_day.setdefault(day, first)
            if first[1] != blob:
                refused(label, _another_of(day, first[0]))
                continue  # frames can be made of one of them only
            try:
                if known.get(label) != blob:
                    yield _fetch(client, base, place, name, (label, at, day, blob))
            except RoadmapError as error:
                refused(label, error)
                if label not in known:
                    continue
            names.append(label)
    left = [*not_read(blobs, chosen, place.pattern, f"{place.project}@{ref}")]
    yield from (one for one in left if known.get(one["name"]) != one["blob"])
    yield records.documents([*names, *(one["name"] for one in left)])


def _another_of(day: str | None, first: str) -> RoadmapError:
    return RoadmapError(
        f"expected one document per date, got {first} and another of {day}. "
        "Narrow the pattern, or date them apart."
    )


def _fetch(
    client: Client, base: str, place: Place, name: str, found: tuple[str, str, str | None, str]
) -> dict[str, Any]:
    """Fetch one document, and make sure that frames can be made of it."""
    label, at, day, blob = found
    text = decode(client.raw(f"{base}/files/{quote(name, '')}/raw", ref=at), name)
    source = f"{place.project}@{at}:{name}"
    record = records.document(label, text, source, day, blob=blob)
    tables.check([record])
    return record


def _blobs(client: Client, base: str, place: Place, ref: str) -> dict[str, str]:
    """Paths of files and ids of their contents, below the part of the pattern without wildcards."""
    pattern = place.pattern or ""
    wild = _WILD.search(pattern)
    literal = pattern[: wild.start()] if wild else pattern
    folder = literal.rpartition("/")[0]
    deep = not place.pattern or "/" in pattern[len(folder) + 1 :] or "**" in pattern
    rows = client.rows(
        f"{base}/tree", key="path", sound=_sound_file, ref=ref, path=folder, recursive=deep
    )
    # A link is a blob too, whose contents are a path: it is no document.
    files = (row for row in rows if row["type"] == "blob" and row.get("mode") != "120000")
    return {row["path"]: row["id"] for row in files}


def _sound_file(row: Any) -> None:
    for name in ("path", "type", "id"):
        if type(row.get(name)) is not str:
            raise OddRow(f"a file without {name}")


def _sound_commit(row: Any) -> None:
    day = row.get("committed_date")
    if type(row["id"]) is not str or type(day) is not str or not _DAY.match(day):
        raise OddRow("a commit without id or committed_date")


def _commits(
    client: Client, base: str, name: str, ref: str
) -> Iterator[tuple[str, str, str | None, str]]:
    """Give one revision for each day that changed the file, oldest first: the day's last."""
    by_day: dict[str, str] = {}
    for commit in client.rows(f"{base}/commits", sound=_sound_commit, path=name, ref_name=ref):
        by_day.setdefault(commit["committed_date"][:10], commit["id"])
    for day in sorted(by_day):
        sha = by_day[day]
        yield f"{name}@{sha[:12]}", sha, day, sha
