"""System notes of issues, read as changes of fields.

GitLab writes some changes down only as a sentence ("assigned to @ada and unassigned @bo"), in
words that changed over its versions. This module knows every wording of the fields that issue
history follows, and nothing about issues. A note is read whole or not at all: a sentence that only
begins like a known one changes nothing.

Sources: GitLab's `app/services/system_notes/` (18.9) and notes recorded from live servers.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

__all__ = ["Change", "hours_of", "is_other", "parse", "state_reason", "wording"]


class Change(NamedTuple):
    """One change of one field, as a note words it.

    `value` holds a user name, a label or milestone reference as written (``~12``, ``~"a b"``,
    ``%2``, ``%"Title"``, ``group/project%5``, or a bare title), ``opened`` or ``closed``, or a day
    as ``YYYY-MM-DD``. `number` holds a weight, or hours. Both are None where a field is cleared;
    a removed assignee without name means all of them. `before_value` and `before_number` hold the
    value before the change where the note tells it.
    """

    field: str
    action: str
    value: str | None = None
    number: float | None = None
    before_value: str | None = None
    before_number: float | None = None


_LONGEST = 5_000  # characters; GitLab's own notes stay far below
_SECONDS = {"mo": 4 * 5 * 8 * 3600, "w": 5 * 8 * 3600, "d": 8 * 3600, "h": 3600, "m": 60, "s": 1}
_SPAN = r"-?\d{1,9}(?:mo|[wdhms])(?:\s+\d{1,9}(?:mo|[wdhms]))*"
# GitLab's user names: letters, digits, "_", "." and "-" in any order, so that `.ada` and `bo-` are
# names; only the last character is never a full stop, which could end the sentence.
_USER = r"@[\w.-]*[\w-]"
_USERS = rf"{_USER}(?:(?:,\s*and\s+|,\s*|\s+and\s+){_USER})*"
_LABEL = r'~(?:"[^"]*"|[^\s"~]+)'
_LABELS = rf"{_LABEL}(?:\s+{_LABEL})*"
_MILESTONE = r'(?:[\w./-]*%(?:"[^"]*"|[^\s"%]\S*)|\[[^\]]*\]\([^)\s]*\))'
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAY = rf"(?:{'|'.join(_MONTHS)})[a-z]{{0,6}}\s+\d{{1,2}},\s+\d{{4}}|\d{{4}}-\d\d-\d\d"

Groups = dict[str, str | None]


def hours_of(span: str) -> float:
    """Turn GitLab's time span into hours: a month has 4 weeks, a week 5 days, a day 8 hours.

    Examples
    --------
    >>> hours_of("1w 2d 30m")
    56.5
    """
    seconds = sum(
        int(amount) * _SECONDS[unit.lower()]
        for amount, unit in re.findall(r"(\d+)(mo|[wdhms])", span, re.IGNORECASE)
    )
    return (-seconds if span.startswith("-") else seconds) / 3600


def _day_of(text: str | None) -> str | None:
    if text is None:
        return None
    if text[0].isdigit():
        return dt.date.fromisoformat(text).isoformat()
    month, day, year = text.replace(",", " ").split()
    return dt.date(int(year), _MONTHS.index(month[:3].lower()) + 1, int(day)).isoformat()


def _hours(text: str | None) -> float | None:
    return None if text is None else hours_of(text)


def _users(text: str | None) -> list[str]:
    return [user[1:] for user in re.findall(_USER, text or "", re.ASCII)]


def _labels(text: str | None) -> list[str]:
    return re.findall(_LABEL, text or "")


def _state(groups: Groups) -> list[Change]:
    closed = (groups["state"] or "").lower() == "closed"
    return [Change("state", "set", "closed" if closed else "opened")]


def _milestone(groups: Groups) -> list[Change]:
    return [Change("milestone", "add", (groups["milestone"] or "").strip())]


def _members(field: str, names: Callable[[str | None], list[str]]) -> Callable[..., list[Change]]:
    def changes(groups: Groups) -> list[Change]:
        return [Change(field, "add", name) for name in names(groups.get("added"))] + [
            Change(field, "remove", name) for name in names(groups.get("removed"))
        ]

    return changes


def _reassigned(groups: Groups) -> list[Change]:
    return [Change("assignee", "set", (groups["user"] or "").removeprefix("@"))]


def _date(groups: Groups) -> list[Change]:
    field = f"{groups['field']}_date".lower()
    return [Change(field, "set", _day_of(groups["day"]))]


def _no_date(groups: Groups) -> list[Change]:
    field = f"{groups['field']}_date".lower()
    return [Change(field, "set", before_value=_day_of(groups["day"]))]


def _estimate(groups: Groups) -> list[Change]:
    number, before = _hours(groups.get("span")), _hours(groups.get("before"))
    return [Change("time_estimate", "set", number=number, before_number=before)]


def _spent(sign: int) -> Callable[[Groups], list[Change]]:
    def changes(groups: Groups) -> list[Change]:
        return [Change("time_spent", "add", number=sign * hours_of(groups["span"] or ""))]

    return changes


def _weight(groups: Groups) -> list[Change]:
    number, before = groups.get("weight"), groups.get("before")
    return [
        Change(
            "weight",
            "set",
            number=None if number is None else float(number),
            before_number=None if before is None else float(before),
        )
    ]


# One clause after another, joined by "and" or a comma, makes a note. Order matters only where one
# wording begins another.
_CLAUSES: list[tuple[str, Callable[[Groups], list[Change]]]] = [
    (rf"assigned\s+to\s+(?P<added>{_USERS})", _members("assignee", _users)),
    (rf"unassigned\s+(?P<removed>{_USERS})", _members("assignee", _users)),
    (rf"reassigned\s+to\s+(?P<user>{_USER}|[^@\n]+?)$", _reassigned),
    (r"removed\s+assignee|assignee\s+removed", lambda groups: [Change("assignee", "remove")]),
    (rf"changed\s+(?P<field>due|start)\s+date\s+to\s+(?P<day>{_DAY})", _date),
    (rf"removed\s+(?P<field>due|start)\s+date(?:\s+(?P<day>{_DAY}))?", _no_date),
    (
        rf"changed\s+time\s+estimate\s+to\s+(?P<span>{_SPAN})(?:\s+from\s+(?P<before>{_SPAN}))?",
        _estimate,
    ),
    (rf"added\s+time\s+estimate\s+of\s+(?P<span>{_SPAN})", _estimate),
    (rf"removed\s+time\s+estimate(?:\s+of\s+(?P<before>{_SPAN}))?", _estimate),
    (rf"added\s+(?P<span>{_SPAN})\s+of\s+time\s+spent(?:\s+at\s+\d.*)?", _spent(1)),
    (rf"subtracted\s+(?P<span>{_SPAN})\s+of\s+time\s+spent(?:\s+at\s+\d.*)?", _spent(-1)),
    (rf"deleted\s+(?P<span>{_SPAN})\s+of\s+spent\s+time(?:\s+from\s+\d.*)?", _spent(-1)),
    (r"removed\s+time\s+spent", lambda groups: [Change("time_spent", "set", number=0.0)]),
    (r"(?P<state>closed|reopened)(?:\s+via\s+(?:commit|merge\s+request)\s+\S.*)?$", _state),
    (r"status\s+changed\s+to\s+(?P<state>closed|reopened)(?:\s+by\s+\S.*)?$", _state),
    (rf"changed\s+milestone\s+to\s+(?P<milestone>{_MILESTONE})", _milestone),
    (r"milestone\s+changed\s+to\s+(?P<milestone>\S.*)$", _milestone),
    (
        rf"removed\s+milestone(?:\s+{_MILESTONE})?|milestone\s+removed",
        lambda groups: [Change("milestone", "remove")],
    ),
    (rf"added\s+(?P<added>{_LABELS})(?:\s+labels?)?", _members("label", _labels)),
    (rf"removed\s+(?P<removed>{_LABELS})(?:\s+labels?)?", _members("label", _labels)),
    (
        r"(?:changed|set)\s+weight(?:\s+from\s+\*\*(?P<before>\d{1,9})\*\*)?"
        r"\s+to\s+\*\*(?P<weight>\d{1,9})\*\*",
        _weight,
    ),
    (r"removed\s+(?:the\s+)?weight(?:\s+(?:of\s+)?\*\*(?P<before>\d{1,9})\*\*)?", _weight),
]
_COMPILED = [(re.compile(pattern, re.IGNORECASE | re.ASCII), read) for pattern, read in _CLAUSES]
_JOINT = re.compile(r"\s*(?:,\s*(?:and\s+)?|\s+and\s+)", re.IGNORECASE)

_OTHER = re.compile(
    r"(?:mentioned\s+in|created\s+(?:branch|merge\s+request|work\s+item|designs?)|marked\s+"
    r"|unmarked\s+|changed\s+(?:the\s+)?(?:title|description|type|health\s+status|iteration|epic"
    r"|severity|color|parent)|title\s+changed|set\s+(?:the\s+)?(?:iteration|health|severity|parent)"
    r"|made\s+the\s+issue|moved\s+(?:to|from|this)|cloned\s+(?:to|from)|promoted\s+|locked\s+"
    r"|unlocked\s+|changed\s+(?:issue|work\s+item)\s+type|added\s+to\s+(?:epic|iteration)"
    r"|removed\s+(?:from|the\s+relation|health|iteration|parent|child|this\s+\w+\s+from)"
    r"|added\s+#|added\s+(?:parent|child|a\s+Zoom|an?\s+\w+\s+alert|the\s+relation)"
    r"|related\s+to|blocks?\s+|is\s+blocked|requested\s+review|added\s+\d+\s+(?:commits?|designs?)"
    r"|updated\s+|uploaded\s+|removed\s+(?:a\s+Zoom|\d+\s+designs?))",
    re.IGNORECASE,
)


def _clause(text: str, at: int) -> tuple[list[Change], int]:
    """Read the clause at a place; give its changes and the place after it and its joint."""
    for pattern, read in _COMPILED:
        match = pattern.match(text, at)
        if match is None:
            continue
        if match.end() == len(text):
            return read(match.groupdict()), len(text)
        joint = _JOINT.match(text, match.end())
        if joint:
            return read(match.groupdict()), joint.end()
    raise ValueError("no known wording")


@lru_cache(maxsize=50_000)
def _parse(body: str) -> tuple[Change, ...]:
    if len(body) > _LONGEST:
        return ()
    text = body.strip()
    if len(text) > 2 and text[0] == text[-1] == "_":  # about 2014 notes stood in italics
        text = text[1:-1]
    changes: list[Change] = []
    at = 0
    try:
        while at < len(text):
            found, at = _clause(text, at)
            changes += found
    except ValueError:  # not our wording, or a day that no calendar has
        return ()
    return tuple(changes)


def parse(body: str) -> list[Change]:
    """Read a system note as changes of the fields that issue history follows.

    Parameters
    ----------
    body : str
        The note as GitLab answers it; any text is taken.

    Returns
    -------
    list of Change
        In the order of the words; empty where the note changes no followed field, or is in words
        that are not known (`is_other` tells the two apart).

    Examples
    --------
    >>> [change[:3] for change in parse("assigned to @ada and unassigned @bo")]
    [('assignee', 'add', 'ada'), ('assignee', 'remove', 'bo')]
    >>> parse("changed due date to April 03, 2024")[0].value
    '2024-04-03'
    >>> parse("mentioned in issue #3")
    []
    """
    return list(_parse(body))


def is_other(body: str) -> bool:
    """Tell whether a note is in known words about something that issue history does not follow.

    Examples
    --------
    >>> is_other("mentioned in merge request !7"), is_other("assigned to whom?")
    (True, False)
    """
    return _OTHER.match(body.strip().strip("_*")) is not None


# What differs between two notes of one wording: names, references, quotations, numbers.
_FILLED_IN = re.compile(
    r"(?:@[\w.-]*[\w-]|https?://\S+|\"[^\"]*\"|`[^`]*`|\*\*.*?\*\*|\[[^\]]*\]\([^)]*\)"
    r"|(?:[\w./-]*[#!&%~$])\S+|\S*\d\S*)"
)
_MOST_WORDS = 6  # of a wording that are shown: the verb and its object, but no text of a person


def wording(body: str) -> str:
    """Give the first words of a note with names, references, quotations and numbers left out.

    Notes of one wording give the same text, by which those in unknown words are counted.

    Examples
    --------
    >>> wording('changed the flavour from "sweet" to "sour" for @ada')
    'changed the flavour from … to'
    >>> wording("pinned to board 12")
    'pinned to board …'
    """
    plain = _FILLED_IN.sub("…", body[:_LONGEST])
    words = "".join(c if c.isprintable() else " " for c in plain).split()
    return " ".join(words[:_MOST_WORDS])[:80]


_STATE_REASONS = {
    "moved": re.compile(r"moved\s+to\s+\S", re.IGNORECASE),
    "promoted": re.compile(r"promoted\s+to\s+(?:an\s+)?epic\b", re.IGNORECASE),
    "duplicate": re.compile(
        r"marked\s+this\s[\w ]{1,20}\sas\s+a\s+duplicate\s+of\s", re.IGNORECASE
    ),
}


def state_reason(body: str) -> str | None:
    """Return why an issue is closed without being done, where a note says so.

    GitLab closes an issue that is moved, promoted to an epic, or marked as a duplicate, and writes
    the reason into a note of its own.

    Examples
    --------
    >>> state_reason("marked this issue as a duplicate of #12"), state_reason("moved to team/b#3")
    ('duplicate', 'moved')
    >>> state_reason("marked #12 as a duplicate of this issue"), state_reason("moved from team/b#3")
    (None, None)
    """
    text = body.strip().strip("_*")
    return next((why for why, note in _STATE_REASONS.items() if note.match(text)), None)
