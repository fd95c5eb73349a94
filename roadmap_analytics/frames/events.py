"""The history of every issue: what GitLab recorded, merged, completed and reconciled.

The steps, in this order:

1. References in notes are resolved: milestones by number or title within the project and its
   groups, labels by id, people to canonical handles.
2. "removed assignee" and "reassigned to" of old notes become one row per person.
3. A note that says what an event says too, within two seconds, is dropped.
4. What an issue was created with is inferred from what followed, or from today's field where
   nothing did; `creation` opens it.
5. Where the replay does not match today's field, a correction follows: the field is right.

Everything works on whole columns; only issues with the old assignee notes are walked one by one.
Sources: GitLab's `Burnup` service and `app/models/resource_*_event.rb` (18.9).
"""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from roadmap_analytics import schema
from roadmap_analytics.frames.extract import ACTION, CLOSED, FIELD, NOTE, OPENED

__all__ = ["Milestones", "Words", "history"]

Ints = npt.NDArray[np.int64]
Columns = dict[str, npt.NDArray[Any]]

NEAR_US = 2_000_000  # a note and an event of one change lie at most so far apart
SAME_ACT_US = 60_000_000  # moving an issue copies all its notes before it closes the original
MISSING = -1  # code of a missing text
NONE = 0  # key of "holds nothing"
CREATION, INFERRED, OBSERVED, CORRECTION = 0, 1, 2, 4  # order of rows at one instant; notes: 3
_SOURCES = {CREATION: "creation", INFERRED: "inferred", 2: "event", 3: "note", 4: "inferred"}
_MEMBERS = (FIELD["assignee"], FIELD["label"])
_DAYS = (FIELD["due_date"], FIELD["start_date"])
_REASONS = pa.schema(
    [
        ("issue_id", pa.int64()),
        ("at", pa.timestamp("us", "UTC")),
        ("reason", pa.dictionary(pa.int32(), pa.large_string())),
    ]
)
_ALSO_IN_NOTES = tuple(FIELD[name] for name in ("state", "milestone", "label", "weight"))


class Words:
    """Texts by code, so that millions of rows hold numbers; it grows as texts are asked for."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self.texts = list(texts)
        self._codes = {text: code for code, text in enumerate(self.texts)}

    def __len__(self) -> int:
        return len(self.texts)

    def code(self, text: str) -> int:
        """Give the code of a text, a new one where it is new."""
        code = self._codes.setdefault(text, len(self.texts))
        if code == len(self.texts):
            self.texts.append(text)
        return code

    def series(self, codes: npt.NDArray[Any]) -> pd.Series[Any]:
        """Give the texts of codes as a column; `MISSING` becomes NA."""
        indices = pa.array(codes.astype(np.int32), mask=codes < 0)
        texts = pa.DictionaryArray.from_arrays(indices, pa.array(self.texts, pa.large_string()))
        return pd.Series(pd.array(texts.cast(pa.large_string()), dtype="str"))


@dataclass(frozen=True)
class Milestones:
    """What is known of milestones when references to them are read.

    Attributes
    ----------
    titles : mapping
        Milestone id to its newest title, deleted ones included.
    by_iid, by_title : mapping
        (full path of the group or project, iid or title) to the milestone id.
    replaced : mapping
        Id of a milestone that was promoted to a group, to the id it has there.
    """

    titles: Mapping[int, str]
    by_iid: Mapping[tuple[str, int], int]
    by_title: Mapping[tuple[str, str], int]
    replaced: Mapping[int, int]

    def find(self, reference: str, project: str) -> int | None:
        """Resolve a reference as written in a note of an issue of `project`; None if unknown."""
        link = re.fullmatch(r"\[([^\]]*)\]\([^)]*\)", reference)
        if link:
            return self.titled(link[1], project)
        path, percent, name = reference.rpartition("%") if "%" in reference else ("", "", reference)
        if not percent:
            return self.titled(name, project)
        if path and "/" not in path:  # a neighbour in the same group
            path = f"{project.rpartition('/')[0]}/{path}"
        home = path or project
        if name.isdecimal() and (home, int(name)) in self.by_iid:
            return self.by_iid[home, int(name)]
        return self.titled(name.strip('"'), home)

    def titled(self, title: str, path: str) -> int | None:
        """Find a milestone of this title at a path or above it; None if there is none."""
        for words in (title, html.unescape(title)):
            at = path
            while at:
                if (at, words) in self.by_title:
                    return self.by_title[at, words]
                at = at.rpartition("/")[0]
        return None


def history(
    issues: pa.Table,
    events: pa.Table,
    *,
    milestones: Milestones,
    labels: Mapping[int, str],
    person: Callable[[str], str],
    reasons: pa.Table | None = None,
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Make the frame `issue_events`.

    Parameters
    ----------
    issues, events : Table
        As `Extract` gives them; issues sorted by id.
    milestones : Milestones
    labels : mapping
        Label id to name, for notes that name labels by id.
    person : callable
        User name or other spelling to canonical handle.
    reasons : Table, optional
        Notes that say why an issue was closed without being done: `issue_id`, `at`, `reason`.

    Returns
    -------
    DataFrame
        See `schema.IssueEvents`. Observed rows that change nothing stay in; replay ignores them.
    dict
        What became of what was served: rows of `events` and `note_changes` read, note changes
        `merged` with an event, rows `inferred` and `corrected`.
    """
    words = Words()
    rows = _observed(issues, events, words, person)
    served = rows["source"]
    counts = {
        "events": int((served != NOTE).sum()),
        "note_changes": int((served == NOTE).sum()),
    }
    _resolve_milestones(rows, issues, words, milestones)
    _resolve_labels(rows, words, labels)
    rows = _name_everyone(_without_renames(rows), words)
    twice = _said_twice(rows, words)
    rows = _take(rows, np.flatnonzero(~twice))
    today = _today(issues, words, person)
    added = _reconcile(rows, today, words)
    counts |= {
        "merged": int(twice.sum()),
        "inferred": int((added["rank"] == INFERRED).sum()),
        "corrected": int((added["rank"] == CORRECTION).sum()),
    }
    reasons = _REASONS.empty_table() if reasons is None else reasons
    return _frame(rows, added, today, words, milestones, reasons), counts


# Columns ------------------------------------------------------------------------------------------


def _take(rows: Columns, at: Ints) -> Columns:
    return {name: column[at] for name, column in rows.items()}


def _join(parts: Iterable[Columns]) -> Columns:
    parts = list(parts)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _recode(column: pa.ChunkedArray, words: Words, name: Callable[[str], str]) -> Ints:
    """Turn a dictionary column into codes of `words`, each text passed through `name` once."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    codes = [words.code(name(text)) for text in array.dictionary.to_pylist()]
    indices = array.indices.fill_null(MISSING).to_numpy(zero_copy_only=False)
    found: Ints = np.array([*codes, MISSING], dtype=np.int64)[indices]
    return found


def _numbers(column: pa.ChunkedArray, missing: int = 0) -> Ints:
    numbers: Ints = column.fill_null(missing).to_numpy().astype(np.int64, copy=False)
    return numbers


def _ticks(column: pa.ChunkedArray) -> Ints:
    return _numbers(column.cast(pa.int64()))


def _observed(
    issues: pa.Table, events: pa.Table, words: Words, person: Callable[[str], str]
) -> Columns:
    """Give what was served as columns of numbers; `row` is the place of the issue."""
    ids = issues["issue_id"].to_numpy()
    # `ids` are sorted: searchsorted gives the place of each, or that of the next higher one where
    # the issue was deleted, which the comparison finds. `minimum` keeps the last one in bounds.
    row = np.searchsorted(ids, events["issue_id"].to_numpy())
    known = np.flatnonzero(
        ids[np.minimum(row, max(len(ids) - 1, 0))] == events["issue_id"].to_numpy()
        if len(ids)
        else np.zeros(len(row), dtype=bool)
    )
    events, row = events.take(pa.array(known)), row[known]
    field = events["field"].to_numpy()
    value = _recode(events["value"], words, str)
    handle = _recode(events["value"], words, person)
    return {
        "row": row,
        "field": field,
        "action": events["action"].to_numpy(),
        "value": np.where(field == FIELD["assignee"], handle, value),
        "milestone_id": _numbers(events["milestone_id"]),
        "number": events["number"].fill_null(np.nan).to_numpy(),
        "before": events["before"].fill_null(np.nan).to_numpy(),
        "at": _after_creation(_ticks(events["at"]), _ticks(issues["created_at"])[row]),
        "id": events["id"].to_numpy(),
        "place": events["place"].to_numpy(),
        "actor": _recode(events["actor"], words, person),
        "source": events["source"].to_numpy(),
    }


def _after_creation(at: Ints, created: Ints) -> Ints:
    """Move events of the second in which their issue was created, but before it, to its creation.

    GraphQL cuts times to whole seconds: what was set with an issue at 10:00:00.700 is said to be of
    10:00:00. An event that was really backdated lies further off, as a rule.
    """
    second = 1_000_000
    cut = (at % second == 0) & (at < created) & (at == created // second * second)
    return np.where(cut, created, at)


# References ---------------------------------------------------------------------------------------


def _replace(ids: Ints, replaced: Mapping[int, int]) -> Ints:
    if not replaced:
        return ids
    unique, inverse = np.unique(ids, return_inverse=True)
    return np.array([replaced.get(i, i) for i in unique.tolist()], dtype=np.int64)[inverse]


def _resolve_milestones(
    rows: Columns, issues: pa.Table, words: Words, milestones: Milestones
) -> None:
    ids = _replace(rows["milestone_id"], milestones.replaced).copy()
    rows["milestone_id"] = ids
    named = np.flatnonzero(
        (rows["field"] == FIELD["milestone"])
        & (rows["source"] == NOTE)
        & (rows["value"] != MISSING)
    )
    if not len(named):
        return
    project_of = issues["project"].combine_chunks()
    projects = project_of.indices.to_numpy()[rows["row"][named]]
    pairs, inverse = np.unique(
        np.stack([projects, rows["value"][named]]), axis=1, return_inverse=True
    )
    found = [
        milestones.find(words.texts[reference], project_of.dictionary[project].as_py()) or 0
        for project, reference in pairs.T.tolist()
    ]
    ids[named] = np.array(found, dtype=np.int64)[inverse.ravel()]


def _resolve_labels(rows: Columns, words: Words, labels: Mapping[int, str]) -> None:
    named = np.flatnonzero((rows["field"] == FIELD["label"]) & (rows["source"] == NOTE))
    # Each distinct text is read once: millions of notes name a few hundred labels.
    codes, inverse = np.unique(rows["value"][named], return_inverse=True)
    names = [_label_name(words.texts[code], labels) for code in codes.tolist()]
    if names:
        rows["value"][named] = np.array([words.code(name) for name in names])[inverse]


def _label_name(reference: str, labels: Mapping[int, str]) -> str:
    """Give a label's name for ``~12`` or ``~"a b"``; an unknown number stays as it is written."""
    name = reference.removeprefix("~")
    if name.isdecimal():
        return labels.get(int(name), reference)
    return name.strip('"')


# Old assignee notes -------------------------------------------------------------------------------


def _without_renames(rows: Columns) -> Columns:
    """Drop what one note both adds and removes: one person, known by two user names."""
    told = (rows["field"] == FIELD["assignee"]) & (rows["source"] == NOTE)
    if not rows["place"][told].any():
        return rows
    at = np.flatnonzero(told)
    notes = pd.DataFrame({name: rows[name][at] for name in ("row", "at", "id", "value", "action")})
    actions = notes.groupby(["row", "at", "id", "value"])["action"].transform("nunique")
    return _take(rows, np.delete(np.arange(len(told)), at[actions > 1]))


def _name_everyone(rows: Columns, words: Words) -> Columns:
    """Turn "removed assignee" and "reassigned to" into one row per person."""
    assignee = rows["field"] == FIELD["assignee"]
    nameless = assignee & ((rows["value"] == MISSING) | (rows["action"] == ACTION["set"]))
    if not nameless.any():
        return rows
    affected = assignee & np.isin(rows["row"], rows["row"][nameless])
    at = np.flatnonzero(affected)
    at = at[np.lexsort([rows[name][at] for name in ("place", "id", "source", "at", "row")])]
    walked: list[tuple[int, int, int, int]] = []
    starts = np.flatnonzero(np.diff(rows["row"][at], prepend=-1))  # where another issue begins
    for part in np.split(at, starts[1:]):
        walked += _walk_assignees(rows, part, words)
    source, action, value, place = np.array(walked, dtype=np.int64).reshape(-1, 4).T
    named = _take(rows, source)
    named |= {
        "action": action.astype(np.int8),
        "value": value,
        "place": place.astype(np.int16),
    }
    return _join([_take(rows, np.flatnonzero(~affected)), named])


def _walk_assignees(rows: Columns, at: Ints, words: Words) -> list[tuple[int, int, int, int]]:
    """Give (row served, action, person, place) for the assignee rows of one issue, in order."""
    add, remove, reassign = ACTION["add"], ACTION["remove"], ACTION["set"]
    steps = [(i, int(rows["action"][i]), int(rows["value"][i])) for i in at.tolist()]
    # Whoever is first removed, without having been added, held the issue from the beginning.
    first: dict[int, int] = {}
    for _, action, who in steps:
        first.setdefault(who, action)
    held = {who for who, action in first.items() if action == remove and who != MISSING}
    walked = []
    for i, action, who in steps:
        if action == add:
            changes = [(add, who)]
        elif action == remove and who != MISSING:
            changes = [(remove, who)]
        else:
            leaving = sorted(held - {who}, key=lambda code: words.texts[code])
            changes = [(remove, code) for code in leaving]
            changes += [(add, who)] if action == reassign else []
        for change, code in changes:
            (held.add if change == add else held.discard)(code)
        first_place = int(rows["place"][i])
        walked += [(i, *change, first_place + n) for n, change in enumerate(changes)]
    return walked


# Notes that repeat events -------------------------------------------------------------------------


def _said_twice(rows: Columns, words: Words) -> npt.NDArray[np.bool_]:
    """Mark the notes that say what an event within two seconds says.

    Between the versions that wrote notes and those that write events, GitLab wrote both.
    """
    twice = np.zeros(len(rows["row"]), dtype=bool)
    told = np.isin(rows["field"], _ALSO_IN_NOTES)
    notes = np.flatnonzero(told & (rows["source"] == NOTE))
    if not len(notes):
        return twice
    events = np.flatnonzero(
        told & (rows["source"] != NOTE) & np.isin(rows["row"], rows["row"][notes])
    )
    unnamed = np.array([text.startswith("~") for text in words.texts] + [False])
    for named in (True, False):  # a label known by number only: any label event will do
        some = notes[unnamed[rows["value"][notes]] != named]
        left = pd.DataFrame(_likeness(rows, some, named)).assign(place=some)
        right = pd.DataFrame(_likeness(rows, events, named)).assign(found=True)
        near = pd.merge_asof(
            left.sort_values("at"),
            right.sort_values("at"),
            on="at",
            by=["row", "what"],
            direction="nearest",
            tolerance=NEAR_US,
        )
        twice[near.loc[near["found"].notna(), "place"].to_numpy()] = True
    return twice


def _likeness(rows: Columns, at: Ints, named: bool) -> Columns:
    """Give the columns on which a note and an event that say the same agree.

    `what` packs, from the lowest bit: 4 of the field, 4 of the change (add or remove; for a state
    which one; for a weight nothing, as the value may be written differently), and for a label its
    name, unless the note knows only a number (`named` is False).
    """
    field = rows["field"][at].astype(np.int64)
    what = np.where(field == FIELD["weight"], 0, rows["action"][at]).astype(np.int64)
    what[field == FIELD["state"]] = rows["number"][at][field == FIELD["state"]]
    if named:
        label = field == FIELD["label"]
        what[label] += (rows["value"][at][label] + 1) << 8
    return {"row": rows["row"][at], "what": (what << 4) + field, "at": rows["at"][at]}


# Today's fields -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Today:
    """The fields of every issue at the export, in the keys that `_keys` gives to changes."""

    ids: Ints
    created: Ints
    updated: Ints
    closed: Ints
    author: Ints
    moved: Ints  # places of the issues that were moved to another project
    single: Mapping[int, Ints]  # per field: a key per issue, NONE where empty
    spent: Ints  # seconds
    members: Ints  # groups (see `_group`) of assignees and labels, sorted


def _today(issues: pa.Table, words: Words, person: Callable[[str], str]) -> _Today:
    closed = np.array([text == "closed" for text in issues["state"].to_pylist()], dtype=np.int64)
    rows = np.arange(issues.num_rows)
    members = []
    for field, column, name in (
        (FIELD["assignee"], "assignees", person),
        (FIELD["label"], "labels", str),
    ):
        lists = issues[column].combine_chunks()
        values = lists.flatten().dictionary_encode()
        row = lists.value_parent_indices().to_numpy()
        members.append(_group(rows[row], np.int64(field), _recode(values, words, name)))
    return _Today(
        ids=issues["issue_id"].to_numpy(),
        created=_ticks(issues["created_at"]),
        updated=_ticks(issues["updated_at"]),
        closed=_ticks(issues["closed_at"]),
        author=_recode(issues["author"], words, person),
        moved=np.flatnonzero(_numbers(issues["moved_to_id"])),
        single={
            FIELD["state"]: closed,
            FIELD["milestone"]: _numbers(issues["milestone_id"]),
            FIELD["weight"]: _numbers(issues["weight"], -1) + 1,
            FIELD["due_date"]: _ordinals(issues["due_date"]),
            FIELD["start_date"]: _ordinals(issues["start_date"]),
            FIELD["time_estimate"]: issues["estimate"].to_numpy(),
        },
        spent=issues["spent"].to_numpy(),
        members=np.unique(np.concatenate(members)),
    )


def _ordinals(column: pa.ChunkedArray) -> Ints:
    days = column.combine_chunks()
    codes = [dt.date.fromisoformat(day).toordinal() for day in days.dictionary.to_pylist()]
    indices = days.indices.fill_null(MISSING).to_numpy(zero_copy_only=False)
    found: Ints = np.array([*codes, NONE], dtype=np.int64)[indices]
    return found


# Replay -------------------------------------------------------------------------------------------


def _group(row: Ints, field: Any, member: Any) -> Ints:
    """Give a number to what is replayed together: one field of one issue, or one member of it.

    A label or assignee is replayed alone, as "is it there?"; every other field as a whole. The
    three parts share one integer, so that sorting and comparing need one column, not three::

        bits 32 and up   issue: its row
        bits 28 to 31    field: there are fewer than 16
        bits  0 to 27    member: the code of the label or person, 0 for other fields

    The state (field 0) of the issue in row 2 is 2 << 32; label 5 of the same issue, with label as
    field 3, is (2 << 32) + (3 << 28) + 5. `_reconcile` refuses more texts than 28 bits can number.
    """
    group: Ints = (row.astype(np.int64) << 32) | (field.astype(np.int64) << 28) | member
    return group


def _keys(rows: Columns) -> Ints:
    """Give the value after each change as a number; NONE where the change empties the field.

    So that one comparison with `_Today` finds every history that differs from it:

    - state: 0 opened, 1 closed; due and start date: the ordinal of the day
    - weight: the weight and 1, because 0 is a weight and NONE is none
    - estimate and time spent: whole seconds, as GitLab stores them; hours would not compare exactly
    - milestone: its id; an unknown one, of which only the title is given, a negative number that no
      id equals
    - labels and assignees: 1 for there, 0 for gone, as each member is a group of its own
    """
    field, number = rows["field"], rows["number"]
    adds = rows["action"] == ACTION["add"]
    key = np.where(np.isnan(number), NONE, number).astype(np.int64)  # states and days
    weight = field == FIELD["weight"]
    key[weight] = np.where(np.isnan(number[weight]), NONE, number[weight] + 1)
    times = (field == FIELD["time_estimate"]) | (field == FIELD["time_spent"])
    key[times] = np.rint(np.nan_to_num(number[times]) * 3600)
    milestone = field == FIELD["milestone"]
    known = rows["milestone_id"] != 0
    held = np.where(known, rows["milestone_id"], -2 - rows["value"])
    key[milestone] = np.where(adds, held, NONE)[milestone]
    member = np.isin(field, _MEMBERS)
    key[member] = adds[member]
    return key


def _reconcile(rows: Columns, today: _Today, words: Words) -> Columns:
    """Give the rows that were not observed: creation, first values, corrections.

    Rows are sorted so that each group (see `_group`) lies together in the order of time. Its first
    row tells what the issue was created with, its last row what the history ends at::

        group   A  A  A  B  B
        first   0        3        where the group differs from the one before
        last          2     4     one before the next first
    """
    if len(words) >= 1 << 28:
        raise OverflowError("more than 268 million different texts in one history")
    start, end = _span(rows, today)
    member = np.where(np.isin(rows["field"], _MEMBERS), rows["value"], 0)
    nameless = member == MISSING  # a deleted label: its name is lost
    some = np.flatnonzero(~nameless)
    group = _group(rows["row"][some], rows["field"][some], member[some])
    # lexsort: the last key counts most. Events of one instant have no order but that of their ids,
    # and a note tells of several changes in the order of its words (`place`).
    order = np.lexsort([rows[name][some] for name in ("place", "id", "source", "at")] + [group])
    rows, group = _take(rows, some[order]), group[order]
    key = _keys(rows)
    first = np.flatnonzero(np.diff(group, prepend=-1))
    last = np.append(first[1:], len(group))[: len(first)] - 1

    made = [_creation(today, start)]
    made += _first_values(rows, first, start)
    settled = _take(rows, last) | {"key": key[last]}
    settled = _with_totals(settled, rows, key, first)
    made += _single_fields(settled, today, start, end)
    made += _memberships(settled, group[last], today, start, end)
    made += _time_spent(settled, today, end)
    return _join(made)


def _span(rows: Columns, today: _Today) -> tuple[Ints, Ints]:
    """Give when each history starts and ends: events may lie before creation or after the update.

    Imports and callers with rights backdate events; `updated_at` is written once a minute.
    """
    start, end = today.created.copy(), np.maximum(today.created, today.updated)
    # `.at` counts every row of an issue; plain indexing would keep only its last one.
    np.minimum.at(start, rows["row"], rows["at"])
    np.maximum.at(end, rows["row"], rows["at"])
    return start, end


def _made(row: Ints, field: Any, at: Ints, rank: int, **columns: Any) -> Columns:
    blank = {
        "action": ACTION["set"],
        "value": MISSING,
        "milestone_id": 0,
        "number": np.nan,
        "actor": MISSING,
    } | columns
    types = {"number": np.float64, "field": np.int8, "action": np.int8, "rank": np.int8}
    made = {"row": row, "field": field, "at": at, "rank": rank} | blank
    return {
        name: np.broadcast_to(np.asarray(column, types.get(name, np.int64)), row.shape)
        for name, column in made.items()
    }


def _creation(today: _Today, start: Ints) -> Columns:
    row = np.arange(len(today.ids))
    return _made(row, FIELD["state"], start, CREATION, number=OPENED, actor=today.author)


def _first_values(rows: Columns, first: Ints, start: Ints) -> list[Columns]:
    """Infer what an issue was created with from the first change: it removed, or names it."""
    rows = _take(rows, first)
    row, field, at = rows["row"], rows["field"], start[rows["row"]]
    removed = rows["action"] == ACTION["remove"]
    told = ~np.isnan(rows["before"]) & (rows["before"] != 0)
    milestone = removed & (field == FIELD["milestone"]) & (rows["milestone_id"] != 0)
    held = (removed & np.isin(field, _MEMBERS)) | milestone
    return [
        _made(
            row[held],
            field[held],
            at[held],
            INFERRED,
            action=ACTION["add"],
            value=rows["value"][held],
            milestone_id=rows["milestone_id"][held],
        ),
        _made(row[told], field[told], at[told], INFERRED, number=rows["before"][told]),
    ]


def _with_totals(settled: Columns, rows: Columns, key: Ints, first: Ints) -> Columns:
    """Put the sum of time spent since it was last set in place of the last addition."""
    if not len(key):
        return settled
    fresh = rows["action"] == ACTION["set"]
    fresh[first] = True
    starts = np.flatnonzero(fresh)
    sums = np.add.reduceat(np.where(rows["field"] == FIELD["time_spent"], key, 0), starts)
    ends = np.append(first[1:], len(key)) - 1
    total = sums[np.searchsorted(starts, ends, side="right") - 1]
    spent = settled["field"] == FIELD["time_spent"]
    return settled | {"key": np.where(spent, total, settled["key"])}


def _single_fields(settled: Columns, today: _Today, start: Ints, end: Ints) -> list[Columns]:
    made = []
    for field, want in today.single.items():
        of_field = np.flatnonzero(settled["field"] == field)
        row = settled["row"][of_field]
        have = np.zeros(len(want), dtype=np.int64)
        have[row] = settled["key"][of_field]
        without = np.ones(len(want), dtype=bool)
        without[row] = False
        if field == FIELD["state"]:
            last_at = start.copy()
            last_at[row] = settled["at"][of_field]
            made.append(_states(have, want, last_at, today, end))
            continue
        missing = np.flatnonzero(without & (want != NONE))
        made.append(_set_to(missing, field, want, start, INFERRED))
        wrong = np.flatnonzero(~without & (have != want))
        made.append(_set_to(wrong, field, want, end, CORRECTION, have))
    return made


def _states(have: Ints, want: Ints, last_at: Ints, today: _Today, end: Ints) -> Columns:
    """Correct states; an issue that is closed says itself when that was."""
    wrong = np.flatnonzero(have != want)
    says = (want[wrong] == CLOSED) & (today.closed[wrong] >= last_at[wrong])
    at = np.where(says, today.closed[wrong], end[wrong])
    return _made(wrong, FIELD["state"], at, CORRECTION, number=want[wrong])


def _set_to(
    row: Ints, field: int, want: Ints, at: Ints, rank: int, have: Ints | None = None
) -> Columns:
    """Make rows that bring a field of the given issues to its key."""
    key, at = want[row], at[row]
    cleared = key == NONE
    if field == FIELD["milestone"]:
        before = np.maximum(have[row], 0) if have is not None else key
        return _made(
            row,
            field,
            at,
            rank,
            action=np.where(cleared, ACTION["remove"], ACTION["add"]),
            milestone_id=np.where(cleared, before, key),
        )
    number = key / 3600 if field == FIELD["time_estimate"] else key.astype(np.float64)
    if field == FIELD["weight"]:
        number = number - 1
    return _made(row, field, at, rank, number=np.where(cleared, np.nan, number))


def _memberships(
    settled: Columns, group: Ints, today: _Today, start: Ints, end: Ints
) -> list[Columns]:
    member = np.isin(settled["field"], _MEMBERS)
    group, held = group[member], settled["key"][member] == 1
    wanted = np.isin(group, today.members)
    changes = (
        (today.members[~np.isin(today.members, group)], start, INFERRED, "add"),
        (group[wanted & ~held], end, CORRECTION, "add"),
        (group[held & ~wanted], end, CORRECTION, "remove"),
    )
    made = []
    for groups, at, rank, action in changes:
        row, field, value = groups >> 32, (groups >> 28) & 15, groups & ((1 << 28) - 1)
        made.append(_made(row, field, at[row], rank, action=ACTION[action], value=value))
    return made


def _time_spent(settled: Columns, today: _Today, end: Ints) -> list[Columns]:
    """Correct time spent: the difference at the end, as it is not known when it was spent."""
    spent = settled["field"] == FIELD["time_spent"]
    have = np.zeros(len(today.ids), dtype=np.int64)
    have[settled["row"][spent]] = settled["key"][spent]
    missing = today.spent - have
    row = np.flatnonzero(missing)
    return [
        _made(
            row,
            FIELD["time_spent"],
            end[row],
            CORRECTION,
            action=ACTION["add"],
            number=missing[row] / 3600,
        )
    ]


# The frame ----------------------------------------------------------------------------------------


def _frame(
    rows: Columns,
    added: Columns,
    today: _Today,
    words: Words,
    milestones: Milestones,
    reasons: pa.Table,
) -> pd.DataFrame:
    observed = {name: rows[name] for name in added if name != "rank"}
    observed["rank"] = (rows["source"] + OBSERVED).astype(np.int8)
    blank = np.zeros(len(added["row"]), dtype=np.int64)
    ids, places = np.append(rows["id"], blank), np.append(rows["place"], blank)
    all_rows = _join([observed, added])
    by_text = _alphabetical(words)[all_rows["value"]]
    keys = (by_text, places, ids, all_rows["field"])
    order = np.lexsort((*keys, all_rows["rank"], all_rows["at"], all_rows["row"]))
    rows = _take(all_rows, order)
    first = np.flatnonzero(np.diff(rows["row"], prepend=-1))
    length = np.diff(np.append(first, len(rows["row"])))
    field, number = rows["field"], rows["number"]
    valued = np.isin(field, [FIELD["weight"], FIELD["time_estimate"], FIELD["time_spent"]])
    return pd.DataFrame(
        {
            "issue_id": today.ids[rows["row"]],
            "seq": np.arange(len(field)) - np.repeat(first, length),
            "at": pd.to_datetime(rows["at"], unit="us", utc=True).as_unit("us"),
            "actor": words.series(rows["actor"]),
            "field": Words(schema.FIELDS).series(field),
            "action": Words(schema.ACTIONS).series(rows["action"]),
            "value": words.series(_values(rows, words, milestones)),
            "milestone_id": pd.array(np.ma.masked_equal(rows["milestone_id"], 0), dtype="Int64"),
            "number": np.where(valued, number, np.nan),
            "state_reason": Words(schema.STATE_REASONS).series(_reasons(rows, today, reasons)),
            "source": Words(_SOURCES[rank] for rank in range(5)).series(rows["rank"]),
            "correction": rows["rank"] == CORRECTION,
        }
    )


def _reasons(rows: Columns, today: _Today, notes: pa.Table) -> Ints:
    """Give the place in `schema.STATE_REASONS` of each close that was without the work being done.

    A note tells of the close next to it. A moved issue is closed by the move, whatever its notes.
    """
    found = np.full(len(rows["row"]), MISSING, dtype=np.int64)
    state = rows["field"] == FIELD["state"]
    closes = np.flatnonzero(state & (rows["number"] == CLOSED))
    moved = closes[np.isin(rows["row"][closes], today.moved)]
    last = np.flatnonzero(np.diff(rows["row"][moved], append=-1))  # rows stand by issue and time
    found[moved[last]] = schema.STATE_REASONS.index("moved")
    if not notes.num_rows:
        return found
    row = np.searchsorted(today.ids, notes["issue_id"].to_numpy()).clip(max=len(today.ids) - 1)
    words = notes["reason"].combine_chunks()
    codes = np.array([schema.STATE_REASONS.index(why) for why in words.dictionary.to_pylist()])
    told = pd.DataFrame(
        {"row": row, "at": _ticks(notes["at"]), "reason": codes[words.indices.to_numpy()]}
    )[today.ids[row] == notes["issue_id"].to_numpy()]
    near = pd.merge_asof(
        told.sort_values("at", kind="stable"),
        pd.DataFrame(
            {"row": rows["row"][closes], "at": rows["at"][closes], "close": closes}
        ).sort_values("at", kind="stable"),
        on="at",
        by="row",
        direction="nearest",
        tolerance=SAME_ACT_US,
    ).dropna(subset="close")
    found[near["close"].to_numpy(np.int64)] = near["reason"].to_numpy(np.int64)
    return found


def _alphabetical(words: Words) -> Ints:
    """Give the rank of every code's text: codes follow the order of records, texts do not."""
    rank = np.empty(len(words) + 1, dtype=np.int64)
    rank[sorted(range(len(words)), key=words.texts.__getitem__)] = np.arange(len(words))
    rank[MISSING] = -1
    return rank


def _values(rows: Columns, words: Words, milestones: Milestones) -> Ints:
    """Give the code of each row's value as text."""
    field, number = rows["field"], rows["number"]
    value: Ints = rows["value"].astype(np.int64)
    state = field == FIELD["state"]
    both = np.array([words.code("opened"), words.code("closed")])
    value[state] = both[number[state].astype(np.int64)]
    day = np.isin(field, _DAYS) & ~np.isnan(number)
    days, inverse = np.unique(number[day], return_inverse=True)
    texts = [words.code(dt.date.fromordinal(int(n)).isoformat()) for n in days]
    value[day] = np.array(texts, dtype=np.int64)[inverse]
    known = rows["milestone_id"] != 0
    ids, inverse = np.unique(rows["milestone_id"][known], return_inverse=True)
    # A milestone that was sent without a title is known by its id alone.
    titles = [
        words.code(milestones.titles[i]) if i in milestones.titles else MISSING
        for i in ids.tolist()
    ]
    value[known] = np.array(titles, dtype=np.int64)[inverse]
    return value
