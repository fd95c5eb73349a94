"""What a row of GitLab must be: checked where rows enter, and again where old records are read.

An odd value counts as missing; what was sent is kept with it. A row that lacks what makes it one
(an id, a time) is odd as a whole. Neither ever costs another row. The module stands below the
exporter and the frames, so that both judge alike.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

__all__ = [
    "HISTORY",
    "OddRow",
    "OddValue",
    "is_ident",
    "is_label",
    "sound_container",
    "sound_event",
    "sound_issue",
    "sound_milestone",
]

Row = dict[str, Any]
Reader = Callable[[Any], Any]

HISTORY = ("state_events", "label_events", "milestone_events", "weight_events", "notes")
"""Lists of an issue's history."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_LARGEST = 2**63 - 1  # what an id or a number may be in a table
_SHOWN = 40  # characters of an odd value


class OddRow(Exception):  # noqa: N818 - a judgement about one row, the others go on
    """A row without what makes it one; the message says what was expected and what was got."""


class OddValue(NamedTuple):
    """A value that counts as missing: the field, and what was sent, shortened."""

    field: str
    text: str


def _shown(value: Any) -> str:
    """Tell what was sent: a few characters of it, and of a container its kind."""
    if isinstance(value, Mapping | list):
        return "an object" if isinstance(value, Mapping) else "a list"
    text = "null" if value is None else str(value)
    return "".join(c if c.isprintable() else " " for c in text[:_SHOWN])


def _ident(value: Any) -> int:
    if type(value) is not int or not 0 < value <= _LARGEST:  # True is no id, although an int
        raise ValueError
    return value


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise ValueError
    return value


def _text(value: Any) -> str:
    if type(value) is not str:
        raise ValueError
    value.encode()  # half of a surrogate pair is no text that a table can hold
    return value


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise ValueError
    return value


def _day(value: Any) -> str:
    if type(value) is not str or not _DAY.fullmatch(value):
        raise ValueError
    dt.date.fromisoformat(value)
    return value


def _instant(value: Any) -> str:
    stamp = dt.datetime.fromisoformat(_text(value))
    if stamp.tzinfo is None:
        raise ValueError
    stamp.astimezone(dt.UTC)  # raises OverflowError at both ends of the calendar
    return value  # type: ignore[no-any-return]


def _one_of(*words: str) -> Reader:
    def read(value: Any) -> str:
        if value not in words:
            raise ValueError
        return str(value)

    return read


def _user(value: Any) -> Row:
    if not isinstance(value, dict):
        raise ValueError
    _text(value.get("username"))
    kept = {"id": _ident, "name": _text, "state": _text}
    return value | {
        name: _or_none(value[name], read) for name, read in kept.items() if name in value
    }


def _or_none(value: Any, read: Reader) -> Any:
    try:
        return None if value is None else read(value)
    except _ODD:
        return None


def _label(value: Any) -> Any:
    return value | {"name": _text(value["name"])} if isinstance(value, dict) else _text(value)


_ODD = (ValueError, TypeError, KeyError, OverflowError, AttributeError)

_MILESTONE_VALUES: dict[str, Reader] = {
    "state": _one_of("active", "closed"),
    "start_date": _day,
    "due_date": _day,
    "created_at": _instant,
    "updated_at": _instant,
    "web_url": _text,
    "group_id": _ident,
    "project_id": _ident,
}
_ISSUE_VALUES: dict[str, Reader] = {
    "title": _text,
    "updated_at": _instant,
    "closed_at": _instant,
    "start_date": _day,
    "due_date": _day,
    "weight": _count,
    "issue_type": _text,
    "type": _text,
    "confidential": _flag,
    "moved_to_id": _ident,
    "imported_from": _text,
    "web_url": _text,
    "author": _user,
    "closed_by": _user,
    "assignee": _user,
}
_EVENT_VALUES: dict[str, Reader] = {"user": _user, "author": _user}


def _needed(row: Any, readers: Mapping[str, Reader]) -> None:
    """Raise where a row lacks what makes it one."""
    if not isinstance(row, dict):
        raise OddRow(f"expected an object, got {_shown(row)}")
    for name, read in readers.items():
        try:
            read(row.get(name))
        except _ODD:
            what = _WHAT.get(read, "one of its words")
            got = _shown(row[name]) if name in row else "nothing"
            raise OddRow(f"{name}: expected {what}, got {got}") from None


_WHAT: dict[Reader, str] = {_ident: "an id", _instant: "a time with zone", _text: "text"}


def _values(row: Row, readers: Mapping[str, Reader], odd: list[OddValue], within: str = "") -> Row:
    """Return a row in which each odd value is None; a row without any is returned as it is."""
    wrong: Row = {}
    for name, read in readers.items():
        value = row.get(name)
        if value is None:
            continue
        try:
            good = read(value)
        except _ODD:
            odd.append(OddValue(within + name, _shown(value)))
            wrong[name] = None
        else:
            if good is not value and good != value:
                wrong[name] = good
    return row | wrong if wrong else row


def _members(row: Row, name: str, read: Reader, odd: list[OddValue]) -> Row:
    """Return a row whose list has sound members only."""
    value = row.get(name)
    if value is None:
        return row
    if not isinstance(value, list):
        odd.append(OddValue(name, _shown(value)))
        return row | {name: []}
    kept = []
    for one in value:
        try:
            kept.append(read(one))
        except _ODD:
            odd.append(OddValue(name, _shown(one)))
    return row if kept == value else row | {name: kept}


def is_ident(value: Any) -> bool:
    """Whether this is an id that a table can hold."""
    return type(value) is int and 0 < value <= _LARGEST


def is_label(row: Row) -> bool:
    """Whether a row of a list of labels has an id and a name."""
    return is_ident(row.get("id")) and _or_none(row.get("name"), _text) is not None


def sound_container(row: Any, path: str) -> None:
    """Judge a group or project, whose full path is in the field `path`.

    Raises
    ------
    OddRow
        Where it has no id or no path.

    Examples
    --------
    >>> sound_container({"id": "7", "full_path": "team"}, "full_path")
    Traceback (most recent call last):
    roadmap_analytics.soundness.OddRow: id: expected an id, got 7
    """
    _needed(row, {"id": _ident, path: _text})


def sound_milestone(row: Any, *, owned: bool = True) -> tuple[Row, list[OddValue]]:
    """Return a milestone with odd values as None, and these values.

    Parameters
    ----------
    row : any
        What GitLab sent.
    owned : bool
        Whether the row must say whose it is itself, as within an issue.

    Raises
    ------
    OddRow
        Where it has no id, number, title or owner.

    Examples
    --------
    >>> row = {"id": 3, "iid": 1, "title": "v1", "group_id": 2, "due_date": "20245-01-01"}
    >>> sound_milestone(row)[1]
    [OddValue(field='due_date', text='20245-01-01')]
    """
    _needed(row, {"id": _ident, "iid": _ident, "title": _text})
    if owned:
        _needed(row, {"group_id" if row.get("group_id") is not None else "project_id": _ident})
    odd: list[OddValue] = []
    return _values(row, _MILESTONE_VALUES, odd), odd


def sound_issue(row: Any) -> tuple[Row, list[OddValue]]:
    """Return an issue with odd values as None, and these values.

    Raises
    ------
    OddRow
        Where it has no id, number, project, state or time of creation.
    """
    needed = {"id": _ident, "iid": _ident, "project_id": _ident, "created_at": _instant}
    _needed(row, needed | {"state": _STATE})
    odd: list[OddValue] = []
    row = _values(row, _ISSUE_VALUES, odd)
    if row.get("updated_at") is None:
        if "updated_at" not in row:
            odd.append(OddValue("updated_at", "nothing"))
        row = row | {"updated_at": row["created_at"]}
    row = _members(row, "assignees", _user, odd)
    row = _members(row, "labels", _label, odd)
    row = _within(row, odd)
    return row, odd


_STATE = _one_of("opened", "closed")


def _within(row: Row, odd: list[OddValue]) -> Row:
    """Judge what stands within an issue: its milestone and its times."""
    if row.get("milestone") is not None:
        try:
            milestone, wrong = sound_milestone(row["milestone"], owned=False)
        except OddRow:
            odd.append(OddValue("milestone", _shown(row["milestone"])))
            milestone, wrong = None, []
        odd += [OddValue(f"milestone {one.field}", one.text) for one in wrong]
        row = row if milestone == row["milestone"] else row | {"milestone": milestone}
    times = row.get("time_stats")
    if times is not None and not isinstance(times, dict):
        odd.append(OddValue("time_stats", _shown(times)))
        return row | {"time_stats": {}}
    if times:
        readers: dict[str, Reader] = {"time_estimate": _count, "total_time_spent": _count}
        kept = _values(times, readers, odd)
        row = row if kept is times else row | {"time_stats": kept}
    return row


def sound_event(kind: str, row: Any) -> tuple[Row, list[OddValue]]:
    """Return a row of an issue's history with odd values as None, and these values.

    Parameters
    ----------
    kind : str
        One of `HISTORY`.
    row : any

    Raises
    ------
    OddRow
        Where it has no time, or does not say what happened.
    """
    what: dict[str, dict[str, Reader]] = {
        "state_events": {"state": _one_of("closed", "reopened", "opened", "merged", "locked")},
        "label_events": {"action": _one_of("add", "remove")},
        "milestone_events": {"action": _one_of("add", "remove")},
        "weight_events": {},
        "notes": {"body": _text},
    }
    _needed(row, {"created_at": _instant, **what[kind]})
    if "id" in row:
        _needed(row, {"id": _ident})
    odd: list[OddValue] = []
    row = _values(row, _EVENT_VALUES | {"weight": _count}, odd)
    milestone = row.get("milestone")
    if kind == "milestone_events" and milestone is not None:
        _needed(milestone, {"id": _ident, "title": _text})
        within = _values(milestone, _MILESTONE_VALUES, odd, "milestone ")
        row = row if within is milestone else row | {"milestone": within}
    label = row.get("label")
    if kind == "label_events" and label is not None:
        _needed(label, {"id": _ident, "name": _text})
    return row, odd
