"""Records of every run, read once into typed columns: the newest answer about each thing wins.

A record is what one GitLab answer said (see the dataset's documentation). Rows are gathered in
chunks, so that a million issues never stand in memory as Python objects.

Which answer is the newest: runs are ranked by their number, whatever order they come in. Within a
run, the row of an issue that was updated last wins, and of rows updated at the same time the one
that was written last, as GitLab writes `updated_at` at most once a minute. Of several histories of
one issue in one run (it changed during the run, or the run was interrupted and resumed) the one
that was written last stands alone: an event that it lacks is gone, with its milestone for example.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from roadmap_analytics import schema
from roadmap_analytics.errors import DatasetError
from roadmap_analytics.frames import system_notes
from roadmap_analytics.records import Owner, label_names, owner_of
from roadmap_analytics.soundness import (
    HISTORY,
    OddRow,
    sound_event,
    sound_issue,
    sound_milestone,
)

__all__ = ["PART", "Extract", "Milestone", "Record", "instants"]

Record = Mapping[str, Any]

FIELD = {name: code for code, name in enumerate(schema.FIELDS)}
ACTION = {name: code for code, name in enumerate(schema.ACTIONS)}
EVENT, NOTE = 0, 1
OPENED, CLOSED = 0.0, 1.0
NO_ID = -1

# Rows as Python objects until then, and as Arrow columns after: fewer rows make too many chunks to
# join, more hold hundreds of MiB of objects at a time.
_CHUNK = 20_000
PART = 2**16
"""Issues of which frames are made at a time: a few hundred MiB of work, and no more at any size."""
_AT = pa.timestamp("us", "UTC")
# Few texts, many times: a dictionary stores each once. "Large" strings have 64-bit offsets, as ten
# million values pass the 2 GiB of plain ones.
_WORD = pa.dictionary(pa.int32(), pa.large_string())
_WORDS = pa.list_(pa.large_string())

_ISSUES = {
    "issue_id": pa.int64(),
    "run": pa.int32(),
    "project_id": pa.int64(),
    "iid": pa.int64(),
    "title": pa.large_string(),
    "type": _WORD,
    "state": _WORD,
    "author": _WORD,
    "created_at": _AT,
    "updated_at": _AT,
    "closed_at": _AT,
    "milestone_id": pa.int64(),
    "start_date": _WORD,
    "due_date": _WORD,
    "weight": pa.int64(),
    "estimate": pa.int64(),
    "spent": pa.int64(),
    "confidential": pa.bool_(),
    "moved_to_id": pa.int64(),
    "imported_from": _WORD,
    "web_url": pa.large_string(),
    "assignees": _WORDS,
    "labels": _WORDS,
}
# `number` holds a weight, hours, 0 or 1 for a state, or the ordinal of a day; `before` the same
# for the value before, where a note tells it.
_EVENTS = {
    "issue_id": pa.int64(),
    "history": pa.int64(),  # number of the history that holds it, see `_HISTORIES`
    "field": pa.int8(),
    "action": pa.int8(),
    "value": _WORD,
    "milestone_id": pa.int64(),
    "number": pa.float64(),
    "before": pa.float64(),
    "at": _AT,
    "id": pa.int64(),
    "place": pa.int16(),
    "actor": _WORD,
    "source": pa.int8(),
}
# Histories are numbered from 0 as they come: a run may hold several of one issue.
_HISTORIES = {"issue_id": pa.int64(), "run": pa.int32()}
_REASONS = {"issue_id": pa.int64(), "history": pa.int64(), "at": _AT, "reason": _WORD}
_ODD_EVENTS = {
    "issue_id": pa.int64(),
    "history": pa.int64(),
    "kind": _WORD,
    "field": _WORD,
    "text": _WORD,
}
_NOTES = {"issue_id": pa.int64(), "history": pa.int64(), "wording": _WORD}


def instants(texts: Iterable[str | None]) -> pa.Array:
    """Read ISO 8601 instants, with any offset and with or without fractions, as UTC.

    Raises
    ------
    DatasetError
        Naming the first text that is no instant with a zone.

    Examples
    --------
    >>> instants(["2016-10-30T14:54:28.954-04:00", None]).to_pylist()[0].isoformat()
    '2016-10-30T18:54:28.954000+00:00'
    """
    array = pa.array(texts, pa.string())
    try:
        return array.cast(_AT)
    except pa.ArrowInvalid:
        # Arrow takes at most six decimals; what remains is read one by one.
        return pa.array([_instant(text) for text in array.to_pylist()], _AT)


def _instant(text: str | None) -> dt.datetime | None:
    if text is None:
        return None
    try:
        stamp = dt.datetime.fromisoformat(text)
    except ValueError:
        stamp = None
    if stamp is None or stamp.tzinfo is None:
        raise DatasetError(f"a record's time: expected ISO 8601 with a zone, got {text!r}")
    return stamp.astimezone(dt.UTC)


class _Rows:
    """Rows of one kind, turned into Arrow columns chunk by chunk."""

    def __init__(self, name: str, types: Mapping[str, pa.DataType]) -> None:
        self._name, self._types = name, types
        self._pending: list[tuple[Any, ...]] = []
        self._chunks: list[pa.Table] = []

    def add(self, row: tuple[Any, ...]) -> None:
        """Take one row, in the order of the types."""
        self._pending.append(row)
        if len(self._pending) >= _CHUNK:
            self._flush()

    def _flush(self) -> None:
        columns = zip(*self._pending, strict=True) if self._pending else [()] * len(self._types)
        arrays = []
        for (name, kind), values in zip(self._types.items(), columns, strict=True):
            try:
                if kind == _AT:
                    arrays.append(instants(values))
                elif kind == _WORD:
                    arrays.append(pa.array(values, pa.large_string()).dictionary_encode())
                else:
                    arrays.append(pa.array(values, kind))
            except (pa.ArrowException, TypeError, OverflowError) as error:
                raise DatasetError(
                    f"records of {self._name}: {name} should be {kind}: {error}"
                ) from None
        self._chunks.append(pa.table(arrays, names=list(self._types)))
        self._pending = []

    def table(self) -> pa.Table:
        """Return all rows up to now as one table."""
        if self._pending or not self._chunks:
            self._flush()
        table = pa.concat_tables(self._chunks).unify_dictionaries().combine_chunks()
        self._chunks = [table]
        return table

    def where(self, keep: Callable[[pa.Table], npt.NDArray[np.bool_]]) -> pa.Table:
        """Return the rows that `keep` marks, looked for chunk by chunk: no copy of all is made."""
        if self._pending or not self._chunks:
            self._flush()
        kept = [
            chunk.filter(pa.array(marks)) for chunk in self._chunks if (marks := keep(chunk)).any()
        ]
        found = pa.concat_tables(kept or [self._chunks[0].slice(0, 0)])
        return found.unify_dictionaries().combine_chunks()


class Milestone(NamedTuple):
    """A milestone as one run saw it; compares so that the better answer is the greater."""

    listed: bool
    updated_at: str
    title: str
    state: str
    start_date: str
    due_date: str
    iid: int
    created_at: str
    web_url: str
    kind: str
    owner_id: int


class Extract:
    """What all records say, before any of it is interpreted.

    Attributes
    ----------
    milestones : dict
        (milestone id, run) to the `Milestone` that this run saw.
    paths : dict
        ("group" or "project", id) to (run, full path), the newest.
    people : dict
        User name to (run, display name, state), the newest; both may be "".
    accounts : dict
        Account id to the user names that it had, each with the newest run that saw it.
    labels : dict
        Label id to (run, name), the newest.
    odd_issues, odd_milestones : dict
        (id, run) to the odd values (field, text) of the row of that run.
    last_run : int
        The newest run of all records so far.
    odd_rows : list
        Rows that are left out: run, "issue" or "milestone", its id where it is known, what it is,
        why it is odd.
    other : int
        How many notes are in known words about nothing that issue history follows.
    """

    def __init__(self) -> None:
        self._issues = _Rows("issues", _ISSUES)
        self._events = _Rows("history", _EVENTS)
        self._histories = _Rows("history", _HISTORIES)
        self._history_count = 0
        self._standing: npt.NDArray[np.bool_] | None = None
        self._unread_notes = _Rows("notes", _NOTES)
        self._reasons = _Rows("notes", _REASONS)
        self._odd_events = _Rows("history", _ODD_EVENTS)
        self.odd_issues: dict[tuple[int, int], list[Any]] = {}
        self.odd_milestones: dict[tuple[int, int], list[Any]] = {}
        self.last_run = 0
        self._sound_milestones: set[tuple[Any, ...]] = set()
        self.odd_rows: list[tuple[int, str, int | None, str, str]] = []
        self._of_history = {
            "state_events": self._state_event,
            "label_events": self._label_event,
            "milestone_events": self._milestone_event,
            "weight_events": self._weight_event,
            "notes": self._note,
        }
        self._issue_lists: dict[int, tuple[int, set[int]]] = {}
        self._milestone_lists: dict[tuple[str, int], tuple[int, set[int]]] = {}
        self.milestones: dict[tuple[int, int], Milestone] = {}
        self.paths: dict[tuple[str, int], tuple[int, str]] = {}
        self.people: dict[str, tuple[int, str, str]] = {}
        self.accounts: dict[int | None, dict[str, int]] = {}
        self.labels: dict[int, tuple[int, str]] = {}
        self._documents: dict[str, tuple[int, Record]] = {}
        self._document_list: tuple[int, set[str]] | None = None
        self.other = 0
        self._takers: dict[str, Callable[[int, Record], None]] = {
            "issue": self._issue,
            "history": self._history,
            "milestone": self._milestone_record,
            "labels": self._label_list,
            "listing": self._listing,
            "project": self._project,
            "group": self._group,
            "document": self._document,
            "documents": self._documents_there,
        }

    def add(self, run: int, record: Record) -> None:
        """Take one record of a run.

        Raises
        ------
        DatasetError
            Where it lacks what every answer of its kind has.
        """
        self.last_run = max(self.last_run, run)
        take = self._takers.get(record["kind"])
        if take is None:  # a failure, say: what failed keeps what it had
            return
        try:
            take(run, record)
        except (KeyError, TypeError, AttributeError) as error:
            raise DatasetError(
                f"run {run:06d}, a record of kind {record.get('kind')!r}: expected GitLab's "
                f"answer, got {str(dict(record))[:200]} ({type(error).__name__}: {error})"
            ) from None

    # Records ------------------------------------------------------------------------------------

    def _issue(self, run: int, record: Record) -> None:
        try:
            data, odd = sound_issue(record["data"])
        except OddRow as why:
            sent = record["data"] if isinstance(record["data"], dict) else {}
            ident = sent.get("id") if type(sent.get("id")) is int else None
            self.odd_rows.append((run, "issue", ident, f"issue of {record['project']}", str(why)))
            return
        told = [*record.get("odd", ()), *odd]
        if told or (data["id"], run) in self.odd_issues:  # the later row of a run stands
            self.odd_issues[data["id"], run] = told
        project_id = data["project_id"]
        self._path(run, "project", project_id, record["project"])
        milestone = data.get("milestone")
        if milestone:
            self._milestone(run, milestone)
        time = data.get("time_stats") or {}
        imported = data.get("imported_from")
        # In the order of `_ISSUES`. By position, since a dict per row takes ten times as long to
        # make, and millions are made; Arrow refuses a value that does not fit its column.
        self._issues.add(
            (
                data["id"],
                run,
                project_id,
                data["iid"],
                data.get("title") or "",
                (data.get("issue_type") or data.get("type") or "issue").lower(),
                data["state"],
                self._person(run, data.get("author")),
                data["created_at"],
                data["updated_at"],
                data.get("closed_at"),
                milestone["id"] if milestone else None,
                data.get("start_date"),
                data.get("due_date"),
                data.get("weight"),
                time.get("time_estimate") or 0,
                time.get("total_time_spent") or 0,
                bool(data.get("confidential")),
                data.get("moved_to_id"),
                None if imported == "none" else imported,
                data.get("web_url") or "",
                sorted({name for user in _assignees(data) if (name := self._person(run, user))}),
                sorted(
                    {
                        label if type(label) is str else label["name"]
                        for label in data.get("labels") or ()
                    }
                ),
            )
        )

    def _history(self, run: int, record: Record) -> None:
        issue, data = record["issue_id"], record["data"]
        number = self._history_count
        self._standing = None
        self._histories.add((issue, run))
        self._history_count += 1
        for field, text in record.get("odd", ()):
            self._odd_events.add((issue, number, "value", field, text))
        for kind in HISTORY:
            take = self._of_history[kind]
            for event in data.get(kind) or ():
                # Asking first whether each of ten million events is sound would cost more than
                # reading it: an odd one raises, and is judged then.
                try:
                    _check_event(event)
                    take(run, number, issue, event)
                except _ODD:
                    self._odd_event(run, number, issue, kind, event)

    def _odd_event(self, run: int, number: int, issue: int, kind: str, event: Any) -> None:
        """Take an odd row of a history without its odd values; leave out what is no row."""
        try:
            event, odd = sound_event(kind, event)
        except OddRow as why:
            self._odd_events.add((issue, number, "row", kind, str(why)))
            return
        for value in odd:
            self._odd_events.add((issue, number, "value", f"{kind} {value.field}", value.text))
        self._of_history[kind](run, number, issue, event)

    def _state_event(self, run: int, number: int, issue: int, event: Record) -> None:
        state = CLOSED if _word(event["state"]) == "closed" else OPENED
        self._events.add(self._event(run, number, issue, "state", "set", event, number=state))

    def _milestone_event(self, run: int, number: int, issue: int, event: Record) -> None:
        milestone = event.get("milestone")
        value = ident = None
        if milestone:
            value, ident = _word(milestone["title"]), _number(milestone["id"])
            self._milestone(run, milestone)
        self._events.add(
            self._event(
                run, number, issue, "milestone", event["action"], event, value, milestone_id=ident
            )
        )

    def _label_event(self, run: int, number: int, issue: int, event: Record) -> None:
        label = event.get("label")
        name = None
        if label:
            name = _word(label["name"])
            self._label(run, _number(label["id"]), name)
        self._events.add(self._event(run, number, issue, "label", event["action"], event, name))

    def _weight_event(self, run: int, number: int, issue: int, event: Record) -> None:
        weight = event.get("weight")
        held = None if weight is None else _number(weight)
        self._events.add(self._event(run, number, issue, "weight", "set", event, number=held))

    def _event(
        self,
        run: int,
        history: int,
        issue: int,
        field: str,
        action: str,
        event: Mapping[str, Any],
        value: str | None = None,
        milestone_id: int | None = None,
        number: float | None = None,
    ) -> tuple[Any, ...]:
        return (  # in the order of `_EVENTS`
            issue,
            history,
            FIELD[field],
            ACTION[action],
            value,
            milestone_id,
            number,
            None,
            event["created_at"],
            event.get("id", NO_ID),
            0,
            self._person(run, event.get("user")),
            EVENT,
        )

    def _note(self, run: int, history: int, issue: int, note: Mapping[str, Any]) -> None:
        if not note.get("system", True):
            return
        changes = system_notes.parse(_word(note["body"]))
        actor = self._person(run, note.get("author"))
        if not changes and system_notes.is_other(note["body"]):
            self.other += 1
            if reason := system_notes.state_reason(note["body"]):
                self._reasons.add((issue, history, note["created_at"], reason))
        elif not changes:
            self._unread_notes.add((issue, history, system_notes.wording(note["body"])))
        for place, change in enumerate(changes):
            value, number, before = change.value, change.number, change.before_number
            if change.field == "state":
                value, number = None, CLOSED if change.value == "closed" else OPENED
            elif change.field in ("due_date", "start_date"):
                value, number, before = None, _ordinal(value), _ordinal(change.before_value)
            self._events.add(
                (
                    issue,
                    history,
                    FIELD[change.field],
                    ACTION[change.action],
                    value,
                    None,
                    number,
                    before,
                    note["created_at"],
                    note.get("id", NO_ID),
                    place,
                    actor,
                    NOTE,
                )
            )

    def _milestone_record(self, run: int, record: Record) -> None:
        owner = owner_of(record)
        self._path(run, *owner)
        for field, text in record.get("odd", ()):
            self.odd_milestones.setdefault((record["data"]["id"], run), []).append((field, text))
        self._milestone(run, record["data"], owner)

    def _milestone(self, run: int, data: Mapping[str, Any], owner: Owner | None = None) -> None:
        """Keep one sight of a milestone; an odd value is missing, an odd row is no sight."""
        try:
            told = tuple(map(data.get, _OF_MILESTONE))
            known_sound = told in self._sound_milestones
        except TypeError:  # a list in the place of a value
            known_sound = False
        if not known_sound:
            try:
                data, odd = sound_milestone(data, owned=False)
            except OddRow as why:
                ident = data.get("id") if type(data.get("id")) is int else None
                self.odd_rows.append((run, "milestone", ident, "milestone", str(why)))
                return
            if odd:
                self.odd_milestones.setdefault((data["id"], run), []).extend(odd)
            else:
                self._sound_milestones.add(told)
        if owner is not None:
            kind, owner_id = owner.kind, owner.id
        elif data.get("group_id") is not None:
            kind, owner_id = "group", data["group_id"]
        else:
            kind, owner_id = "project", data.get("project_id") or NO_ID
        seen = Milestone(
            owner is not None,
            data.get("updated_at") or "",
            data["title"],
            data.get("state") or "active",
            data.get("start_date") or "",
            data.get("due_date") or "",
            data["iid"],
            data.get("created_at") or "",
            data.get("web_url") or "",
            kind,
            owner_id,
        )
        key = data["id"], run
        known = self.milestones.get(key)
        if known is None or known < seen:
            self.milestones[key] = seen

    def _listing(self, run: int, record: Record) -> None:
        ids = set(record["ids"])
        if record["of"] == "issues":
            _newest(self._issue_lists, record["project_id"], run, ids)
        else:
            _newest(self._milestone_lists, owner_of(record)[:2], run, ids)

    def _label(self, run: int, ident: int, name: str) -> None:
        known = self.labels.get(ident)
        if known is None or known[0] <= run:
            self.labels[ident] = run, name

    def _label_list(self, run: int, record: Record) -> None:
        for ident, name in label_names(record).items():
            self._label(run, ident, name)

    def _project(self, run: int, record: Record) -> None:
        data = record["data"]
        self._path(run, "project", data["id"], data["path_with_namespace"])

    def _group(self, run: int, record: Record) -> None:
        self._path(run, "group", record["data"]["id"], record["data"]["full_path"])

    def _document(self, run: int, record: Record) -> None:
        known = self._documents.get(record["name"])
        if known is None or known[0] <= run:
            self._documents[record["name"]] = run, record

    def _documents_there(self, run: int, record: Record) -> None:
        if self._document_list is None or self._document_list[0] <= run:
            self._document_list = run, set(record["names"])

    def _path(self, run: int, kind: str, owner: int, path: str) -> None:
        known = self.paths.get((kind, owner))
        if known is None or known[0] <= run:
            self.paths[kind, owner] = run, path

    def _person(self, run: int, user: Mapping[str, Any] | None) -> str | None:
        if not user:
            return None
        name = _word(user["username"])
        seen = run, _word(user.get("name") or ""), _word(user.get("state") or "")
        known = self.people.get(name)
        if known is None or known < seen:
            self.people[name] = seen
            account = user.get("id")
            names = self.accounts.setdefault(None if account is None else _number(account), {})
            names[name] = max(run, names.get(name, run))
        return name

    # What they say together ---------------------------------------------------------------------

    def issues(self) -> Iterator[pa.Table]:
        """Yield the newest answer about every issue that was not deleted, by id, some at a time."""
        table = self._issues.table()
        rows = _newest_rows(table, "issue_id", "run", "updated_at")
        rows = rows[self._listed(table)[rows]]
        for start in range(0, max(len(rows), 1), PART):  # one part, if it has no rows
            yield table.take(pa.array(rows[start : start + PART]))

    def _listed(self, table: pa.Table) -> npt.NDArray[np.bool_]:
        ids, runs, projects = (_ints(table, c) for c in ("issue_id", "run", "project_id"))
        listed_in = {project: run for project, (run, _) in self._issue_lists.items()}
        lists = [np.fromiter(known, np.int64) for _, known in self._issue_lists.values()]
        # An issue of a later run than the newest list of its project cannot be on that list: kept.
        newest = pd.Series(projects).map(listed_in).fillna(-1).to_numpy()
        there = np.isin(ids, np.concatenate([np.zeros(0, np.int64), *lists]))
        return np.asarray(there | (newest < runs), dtype=bool)

    def events(self, ids: npt.NDArray[np.int64]) -> pa.Table:
        """Return what the newest history of each of some issues holds; `ids` ascend."""
        return self._of(self._events, ids)

    def state_reasons(self, ids: npt.NDArray[np.int64]) -> pa.Table:
        """Return the notes that say why some issues were closed without being done."""
        return self._of(self._reasons, ids)

    def odd_events(self) -> pa.Table:
        """Give the odd values and rows of histories: `issue_id`, `kind`, `field`, `text`."""
        return self._of(self._odd_events)

    def unread_notes(self) -> pa.Table:
        """Give the issue and the wording of every note in unknown words."""
        return self._of(self._unread_notes)

    def _of(self, rows: _Rows, ids: npt.NDArray[np.int64] | None = None) -> pa.Table:
        """Return of the rows of all histories those of the newest history of every issue."""
        if self._standing is None:
            # Rows carry the number of their history, so that one look-up decides about each.
            self._standing = np.zeros(self._history_count, dtype=bool)
            self._standing[_newest_rows(self._histories.table(), "issue_id", "run")] = True
        standing = self._standing

        def keep(chunk: pa.Table) -> npt.NDArray[np.bool_]:
            marks = standing[_ints(chunk, "history")]
            if ids is None:
                return marks
            if not len(ids):
                return np.zeros(len(marks), dtype=bool)
            # Between the first and the last: who else lies there was deleted, and `history` drops
            # what is about issues that it is not given.
            issue = _ints(chunk, "issue_id")
            return np.asarray(marks & (issue >= ids[0]) & (issue <= ids[-1]), dtype=bool)

        return rows.where(keep)

    def deleted_milestones(self) -> set[int]:
        """Give the ids that the newest list of their group or project no longer has."""
        return {
            milestone_id
            for milestone_id, (run, seen) in self.newest_milestones().items()
            for listed_run, listed in [
                self._milestone_lists.get((seen.kind, seen.owner_id), (-1, set()))
            ]
            if run <= listed_run and milestone_id not in listed
        }

    def newest_milestones(self) -> dict[int, tuple[int, Milestone]]:
        """Give the newest sight of every milestone, deleted ones included, with its run."""
        newest: dict[int, tuple[int, Milestone]] = {}
        for (milestone_id, run), seen in self.milestones.items():
            if milestone_id not in newest or newest[milestone_id][0] < run:
                newest[milestone_id] = run, seen
        return newest

    def path_of(self, milestone: Milestone) -> str:
        """Give the full path of the group or project that a milestone belongs to."""
        known = self.paths.get((milestone.kind, milestone.owner_id))
        if known is not None:
            return known[1]
        path = urlsplit(milestone.web_url).path.partition("/-/milestones/")[0].strip("/")
        return path.removeprefix("groups/") if milestone.kind == "group" else path

    def documents(self) -> list[Record]:
        """Give the newest text of every roadmap document that is still there, by name."""
        run, listed = self._document_list or (-1, set())
        return [
            record
            for name, (seen, record) in sorted(self._documents.items())
            if seen > run or name in listed
        ]

    def sights(self) -> Iterator[tuple[int, int, Milestone]]:
        """Give every sight of every milestone, by milestone and run."""
        for (milestone_id, run), seen in sorted(self.milestones.items()):
            yield milestone_id, run, seen


# All of a milestone that is kept: every event of an issue tells it again, and is judged once.
_OF_MILESTONE = (
    *("id", "iid", "title", "state", "start_date", "due_date", "created_at", "updated_at"),
    *("web_url", "group_id", "project_id"),
)
_ODD = (KeyError, TypeError, AttributeError, ValueError, OverflowError)
_LARGEST = 2**63 - 1


def _check_event(event: Any) -> None:
    """Raise where an event has no time with a zone, or an id that no table can hold."""
    if dt.datetime.fromisoformat(event["created_at"]).tzinfo is None:
        raise ValueError
    if not (type(event.get("id", 0)) is int and NO_ID <= event.get("id", 0) <= _LARGEST):
        raise ValueError


def _word(text: Any) -> str:
    if type(text) is not str:
        raise ValueError
    return text


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise ValueError
    return value


def _assignees(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    users: list[Mapping[str, Any]] = data.get("assignees") or []
    return users


def _ordinal(day: str | None) -> float | None:
    return None if day is None else float(dt.date.fromisoformat(day).toordinal())


def _newest(lists: dict[Any, tuple[int, set[int]]], key: Any, run: int, ids: set[int]) -> None:
    known = lists.get(key)
    if known is not None and known[0] == run:  # one listing may come in parts
        lists[key] = run, known[1] | ids
    elif known is None or known[0] < run:
        lists[key] = run, ids


def _ints(table: pa.Table, name: str) -> npt.NDArray[np.int64]:
    column: npt.NDArray[np.int64] = table[name].to_numpy()
    return column


def _newest_rows(table: pa.Table, key: str, *ranks: str) -> npt.NDArray[np.int64]:
    """Give the place of the newest row of each `key`, in order of the key.

    The greatest by `ranks`, the first rank first, is the newest; of equals it is the last row, as
    rows stand in the order in which they were written.

    >>> _newest_rows(pa.table({"id": [3, 1, 3, 3], "run": [2, 1, 2, 1]}), "id", "run").tolist()
    [1, 2]
    """
    columns = [table[name].cast(pa.int64()).to_numpy() for name in (key, *ranks)]
    # lexsort is stable and takes its first key last, hence the reversal: rows stand by key, by
    # ranks, and by place. The newest of a key is then the row before the key changes.
    order = np.lexsort(columns[::-1])
    in_order = columns[0][order]
    last = np.append(in_order[1:] != in_order[:-1], True)[: len(order)]
    found: npt.NDArray[np.int64] = order[last]
    return found
