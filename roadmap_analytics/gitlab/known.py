"""What earlier runs wrote, and the decision what to ask of an issue: nothing, its row, its history.

The decision is a pure function of the row in today's list and of what is known; asking comes after.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

from roadmap_analytics.gitlab.scope import Container, milestone_owner
from roadmap_analytics.records import label_names, owner_of
from roadmap_analytics.soundness import OddRow, sound_issue

Record = Mapping[str, Any]

OVERLAP_SECONDS = 300
"""GitLab bumps `updated_at` at most once a minute, and clocks of its machines differ a little."""

# These change with the date or the reader, not with the issue.
_OF_THE_DAY = frozenset({"expired", "subscribed"})
# A change in these alone leaves no trace in an issue's history: its row is enough.
_NO_HISTORY = frozenset(
    {
        "web_url",
        "references",
        "upvotes",
        "downvotes",
        "user_notes_count",
        "merge_requests_count",
        "blocking_issues_count",
        "task_completion_status",
        "has_tasks",
        "task_status",
        "author",
        "assignee",
        "assignees",
        "closed_by",
        "milestone",
    }
)


def seconds(text: str) -> float:
    """Seconds since 1970 of an ISO instant."""
    return datetime.fromisoformat(text).timestamp()


class Seen(NamedTuple):
    """An issue as it is stored."""

    row: int  # digest of its whole row
    core: int  # digest of what only a change in its history can alter
    fetched: float | None  # start of the run that fetched its history, since 1970; None: no history

    @classmethod
    def of(cls, data: Mapping[str, Any], fetched: float | None) -> Seen:
        """Digest a row as it is stored (trimmed)."""
        core: dict[str, Any] = {k: v for k, v in data.items() if k not in _NO_HISTORY}
        milestone = data.get("milestone")
        core["milestone"] = milestone["id"] if milestone else None
        # By id, which no new name changes; a person without one is known by name alone.
        people = data.get("assignees") or []
        core["assignees"] = sorted(str(one.get("id") or one["username"]) for one in people)
        return cls(_digest(_lasting(data)), _digest(core), fetched)


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _lasting(one) for name, one in value.items() if name not in _OF_THE_DAY}
    return value


def _digest(value: Any) -> int:
    data = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big")


class Action(Enum):
    """What an issue in today's list asks for."""

    NOTHING = "nothing"
    ROW = "row"
    HISTORY = "history"


def decide(
    seen: Seen | None,
    now: Seen,
    updated_at: str,
    *,
    overlap: bool = True,
    start: float = math.inf,
) -> Action:
    """Decide what to fetch of an issue.

    Parameters
    ----------
    seen
        The issue as stored; None where it is new.
    now
        The issue in today's list.
    updated_at
        Its own last change, ISO.
    overlap
        Whether a change shortly before the last fetch counts as unseen, as GitLab bumps
        `updated_at` at most once a minute.
    start
        Seconds since 1970 of the start of this run. Where a history was fetched later than that,
        the clock was set back since, and `updated_at` proves nothing until it is fetched again.

    Examples
    --------
    >>> decide(None, Seen(1, 1, None), "2024-01-01T00:00:00Z")
    <Action.HISTORY: 'history'>
    >>> decide(Seen(1, 1, 2e9), Seen(1, 1, None), "2024-01-01T00:00:00Z")
    <Action.NOTHING: 'nothing'>
    >>> decide(Seen(1, 1, 2e9), Seen(1, 1, None), "2024-01-01T00:00:00Z", start=1.9e9)
    <Action.HISTORY: 'history'>
    """
    if seen is None or seen.fetched is None or seen.core != now.core:
        return Action.HISTORY
    if seen.fetched > start:
        return Action.HISTORY
    if overlap and seconds(updated_at) >= seen.fetched - OVERLAP_SECONDS:
        return Action.HISTORY
    return Action.NOTHING if seen.row == now.row else Action.ROW


@dataclass
class Known:
    """Everything that the next run need not ask again, by id (documents by name)."""

    issues: dict[int, Seen] = field(default_factory=dict)
    listed: dict[int, set[int]] = field(default_factory=dict)  # a project's issues, newest list
    paths: dict[Container, str] = field(default_factory=dict)
    # What each group or project had in its newest list: id -> name.
    milestones: dict[Container, dict[int, str]] = field(default_factory=dict)
    labels: dict[Container, dict[int, str]] = field(default_factory=dict)
    # Milestones that issues refer to outside what was asked, each with its container.
    outside: dict[int, Container] = field(default_factory=dict)
    users: dict[int, str] = field(default_factory=dict)  # user names
    documents: dict[str, str] = field(default_factory=dict)  # ids of the blobs
    # Gives every stored history once more, where names of labels, milestones or users changed.
    histories: Callable[[], Iterable[Record]] = tuple
    # ("label" or "milestone", id) -> the names that histories of an interrupted run give it, and
    # the owner of a milestone. Its lists are not kept, so that only they say what it was called.
    told: dict[tuple[str, int], tuple[set[str], Container | None]] = field(default_factory=dict)
    _titles: dict[int, tuple[Container, str]] = field(default_factory=dict)

    def add(self, started_at: str, records: Iterable[Record], *, interrupted: bool = False) -> None:
        """Take in one run; runs come oldest first, an interrupted one last."""
        start = seconds(started_at)
        self._titles.clear()
        for record in records:
            match record["kind"]:
                case "issue":
                    self._issue(record["data"])
                case "history":
                    seen = self.issues.get(record["issue_id"], Seen(0, 0, None))
                    fetched = None if record.get("incomplete") else start
                    self.issues[record["issue_id"]] = seen._replace(fetched=fetched)
                    if interrupted:
                        self._note_names(record["data"])
                case "document" if record.get("blob"):
                    self.documents[record["name"]] = record["blob"]
                case _:
                    self._around(record)
        for ident, (container, title) in self._titles.items():
            if ident in self.milestones.get(container, {}):
                self.milestones[container][ident] = title
            else:
                self.outside[ident] = container

    def _around(self, record: Record) -> None:
        """Take in what stands around issues: projects, milestones, labels, lists."""
        match record["kind"], record.get("of"):
            case "project", _:
                key = "project", record["data"]["id"]
                self.paths[key] = record["data"]["path_with_namespace"]
            case "milestone", _:
                self._titles[record["data"]["id"]] = _key(record), record["data"]["title"]
                self.paths.setdefault(_key(record), owner_of(record).path)
            case "listing", "issues":
                self.listed[record["project_id"]] = set(record["ids"])
            case "listing", "milestones":
                self.milestones[_key(record)] = dict.fromkeys(record["ids"], "")
                self.paths[_key(record)] = owner_of(record).path
            case "labels", _:
                self.labels[_key(record)] = label_names(record)

    def _note_names(self, history: Mapping[str, Any]) -> None:
        for kind, ident, mentioned in _mentioned(history):
            name = mentioned.get("title" if kind == "milestone" else "name")
            if kind != "user" and type(name) is str:
                owner = milestone_owner(mentioned) if kind == "milestone" else None
                self.told.setdefault((kind, ident), (set(), owner))[0].add(name)

    def distrust(self) -> None:
        """Fetch all that is known now again; where that fails, the stored rows stay."""
        self.issues = {ident: seen._replace(core=-1) for ident, seen in self.issues.items()}
        self.documents.clear()

    def _issue(self, data: Mapping[str, Any]) -> None:
        try:
            data, _ = sound_issue(data)
        except OddRow:
            return  # an earlier version stored it; what is known of the issue stays
        earlier = self.issues.get(data["id"])
        self.issues[data["id"]] = Seen.of(data, earlier.fetched if earlier else None)
        for user in users_of(data):
            self.users[user["id"]] = user["username"]


def _key(record: Record) -> Container:
    return owner_of(record)[:2]


def users_of(row: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the users in an issue's row."""
    for user in (row.get("author"), row.get("closed_by"), *(row.get("assignees") or ())):
        if user and user.get("id") is not None and "username" in user:
            yield user


def mentions(history: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield what the events of a history name by id: labels, milestones, users."""
    return ((kind, ident) for kind, ident, _ in _mentioned(history))


def _mentioned(history: Mapping[str, Any]) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
    for events in history.values():
        for event in filter(_is_row, events or ()):
            for kind, name in (
                ("label", "label"),
                ("milestone", "milestone"),
                ("user", "user"),
                ("user", "author"),
            ):
                mentioned = event.get(name)
                if _is_row(mentioned) and type(mentioned.get("id")) is int:
                    yield kind, mentioned["id"], mentioned


def _is_row(value: Any) -> bool:
    """Whether this is an object: old records may hold anything in its place."""
    return isinstance(value, dict)
