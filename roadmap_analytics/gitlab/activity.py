"""The activity notes of GraphQL -> the events that REST would have given.

GraphQL has no typed events. It writes each one as a sentence, a *synthetic* note, and lists it with
the system notes that are stored as sentences. The class in a note's global id says what it is:
``gid://gitlab/Note/7`` is stored and stays a note, ``gid://gitlab/MilestoneNote/0f2f195e...`` (40
hex digits) is a milestone event. So words alone never make an event, and each class needs only the
few sentences that GitLab writes for it, in three generations.

Sources: GitLab's `app/models/{state,label,milestone}_note.rb` and `ee/app/models/weight_note.rb`,
13 to 19.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Protocol

from roadmap_analytics.records import Row
from roadmap_analytics.soundness import HISTORY

_LONGEST = 20_000
"""Characters; GitLab's own sentences stay far below. It bounds the work for a hostile one."""

_GID = re.compile(r"gid://gitlab/(?:\w{1,40}::)*(\w{1,40})/(\d{1,18}|\w{1,64})", re.ASCII)
_NO_FIELD = frozenset({"IterationNote"})
"""Synthetic notes about what issue history does not follow; REST is not asked for them either."""


class NotUnderstood(Exception):  # noqa: N818 - REST may tell instead
    """A note that no rule reads."""


class Unresolved(NotUnderstood):
    """A reference to a milestone that fits none that is known, or several."""


class Part(NamedTuple):
    """One event in a synthetic note: what was done, and to what.

    `reference` is a milestone or label as written (``/full/path%5``, ``~12``), None where it is not
    named. `number` and `before` are weights.
    """

    action: str
    reference: str | None = None
    number: int | None = None
    before: int | None = None


class Names(Protocol):
    """Looks up what notes refer to."""

    def milestone(self, reference: str, project: str, rendered: str | None) -> Row:
        """Give the milestone, as REST writes it; raise `Unresolved` where it is not certain."""

    def label(self, reference: str, project: str) -> Row | None:
        """Give id and name of a label; None where its name is unknown."""


# -- the words of each class -----------------------------------------------------------------------

_STATE = re.compile(
    r"(?P<state>closed|reopened|opened)(?:\s+(?:via|with)\s+\S.*)?"
    r"|(?P<automatic>resolved\s+the\s+corresponding\s+error\s+and\s+closed\s+th(?:e|is)\s+issue\.?"
    r"|automatically\s+closed\s+th(?:e|is)\s+(?:incident|issue)\s+because\s+the\s+alert\s+resolved\.?)",
    re.IGNORECASE | re.DOTALL,
)
_LABEL_REFERENCE = r'[\w./-]*~(?:"[^"]*"|[^\s"~]+)'
_LABELS = re.compile(
    rf"(?P<verb>added|removed)\s+"
    rf"(?:(?P<named>{_LABEL_REFERENCE}(?:\s+{_LABEL_REFERENCE})*)"
    rf"(?:\s+\+\s+(?P<more>\d{{1,3}})\s+deleted)?|(?P<deleted>\d{{1,3}})\s+deleted)"
    r"(?:\s+labels?)?",
    re.IGNORECASE,
)
_MILESTONE_REFERENCE = r'[\w./-]*%(?:"[^"]*"|[^\s"%]\S*)'
_MILESTONE = re.compile(
    rf"changed\s+milestone\s+to\s+(?P<added>{_MILESTONE_REFERENCE})"
    rf"|removed\s+(?:the\s+)?milestone(?:\s+(?P<removed>{_MILESTONE_REFERENCE}))?",
    re.IGNORECASE,
)
_STARRED = r"\*{{0,2}}(?P<{}>\d{{1,9}})\*{{0,2}}"  # in bold until about 2022
_WEIGHT = re.compile(
    rf"(?:set|changed)\s+weight\s+to\s+{_STARRED.format('weight')}"
    rf"(?:\s+from\s+{_STARRED.format('before')})?"
    rf"|changed\s+weight\s+from\s+{_STARRED.format('old')}\s+to\s+{_STARRED.format('new')}"
    rf"|removed\s+(?:the\s+)?weight(?:\s+of\s+{_STARRED.format('removed')})?",
    re.IGNORECASE,
)


def _state(body: str) -> list[Part]:
    found = _STATE.fullmatch(body)
    if found is None:
        raise NotUnderstood
    return [Part((found["state"] or "closed").lower())]


def _labels(body: str) -> list[Part]:
    parts: list[Part] = []
    at = 0
    # "added ~1 and removed ~2 ~3 labels" is one sentence of several clauses, read one by one.
    while True:
        found = _LABELS.match(body, at)
        if found is None:
            raise NotUnderstood
        action = "add" if found["verb"].lower() == "added" else "remove"
        named = re.findall(_LABEL_REFERENCE, found["named"] or "")
        parts += [Part(action, reference) for reference in named]
        nameless = int(found["more"] or found["deleted"] or 0)
        parts += [Part(action)] * nameless
        if found.end() == len(body):
            return parts
        joint = re.compile(r"\s+and\s+", re.IGNORECASE).match(body, found.end())
        if joint is None:
            raise NotUnderstood
        at = joint.end()


def _milestone(body: str) -> list[Part]:
    found = _MILESTONE.fullmatch(body)
    if found is None:
        raise NotUnderstood
    if found["added"]:
        return [Part("add", found["added"])]
    return [Part("remove", found["removed"])]


def _weight(body: str) -> list[Part]:
    found = _WEIGHT.fullmatch(body)
    if found is None:
        raise NotUnderstood
    number = found["weight"] or found["new"]
    before = found["before"] or found["old"] or found["removed"]
    return [
        Part(
            "set",
            number=None if number is None else int(number),
            before=None if before is None else int(before),
        )
    ]


_GRAMMARS: dict[str, Callable[[str], list[Part]]] = {
    "StateNote": _state,
    "LabelNote": _labels,
    "MilestoneNote": _milestone,
    "WeightNote": _weight,
}


def read(kind: str, body: str) -> list[Part]:
    """Read a synthetic note of a class.

    Parameters
    ----------
    kind : str
        The class in its global id, without a module: ``StateNote``, ``LabelNote`` ...
    body : str
        The sentence.

    Raises
    ------
    NotUnderstood
        Where no rule reads the whole sentence.

    Examples
    --------
    >>> read("LabelNote", "added ~1 + 1 deleted label")
    [Part(action='add', reference='~1', number=None, before=None), \
Part(action='add', reference=None, number=None, before=None)]
    >>> read("WeightNote", "changed weight to 3 from 2")[0].before
    2
    """
    grammar = _GRAMMARS.get(kind)
    if grammar is None:
        raise NotUnderstood(f"a note of the unknown class {kind}")
    try:
        if len(body) > _LONGEST:
            raise NotUnderstood
        return grammar(body.strip())
    except NotUnderstood:
        raise NotUnderstood(f"a {kind} that reads {body[:80]!r}") from None


# -- notes -> the data of a history record ---------------------------------------------------------


def decode(
    notes: Iterable[Mapping[str, Any]], project: str, names: Names, *, guess: bool = False
) -> Row:
    """Turn the activity of one issue into the `data` of its history record.

    Parameters
    ----------
    notes
        Notes as GraphQL answers them, in its order: `id`, `createdAt`, `body`, `author`, and
        `bodyHtml` where it was asked for.
    project
        Full path of the issue's project, which short references are relative to.
    names
        Looks up milestones and labels.
    guess
        Whether a removal that does not say which milestone, and that no addition comes before, may
        stand without one. Else it is `NotUnderstood`: REST can tell.

    Returns
    -------
    dict
        `state_events`, `label_events`, `milestone_events`, `weight_events` and `notes`, as by REST.
        An event's `id` is its place in the list, the only order below a second; `gid` and `body`
        keep what GraphQL said.

    Raises
    ------
    NotUnderstood
        Where a note or a reference in it is not understood: no part of the issue counts then.
    """
    data: Row = {name: [] for name in HISTORY}
    # What the issue is in, by the notes so far: old versions write "removed milestone" without
    # saying which.
    held: Row | None = None
    place = 0
    for note in notes:
        kind, ident = _class_of(note)
        when = {"user": _user(note.get("author")), "created_at": _instant(note)}
        if ident is not None:
            stored = {"id": ident, "body": note["body"], "author": when["user"], "system": True}
            data["notes"].append(stored | {"created_at": when["created_at"]})
            continue
        if kind in _NO_FIELD:
            continue
        for part in read(kind, note["body"]):
            place += 1
            event = {"id": place, "gid": note["id"], "body": note["body"], **when}
            if kind == "StateNote":
                data["state_events"].append(event | {"state": part.action})
            elif kind == "LabelNote":
                label = names.label(part.reference, project) if part.reference else None
                data["label_events"].append(event | {"action": part.action, "label": label})
            elif kind == "WeightNote":
                weights = {"weight": part.number, "previous_weight": part.before}
                data["weight_events"].append(event | weights)
            else:
                milestone = held
                if part.reference:
                    milestone = names.milestone(part.reference, project, note.get("bodyHtml"))
                if milestone is None and not guess:
                    raise NotUnderstood(f"a {kind} that does not say which milestone was removed")
                held = milestone if part.action == "add" else None
                data["milestone_events"].append(
                    event | {"action": part.action, "milestone": milestone}
                )
    return data


def _class_of(note: Mapping[str, Any]) -> tuple[str, int | None]:
    """Give the class of a note, and its number where it is a stored one."""
    if not isinstance(note.get("body"), str):
        raise NotUnderstood("a note without text")
    found = _GID.fullmatch(str(note.get("id")))
    if found is None:
        raise NotUnderstood(f"a note with the id {str(note.get('id'))[:80]!r}")
    if found[1] in _GRAMMARS or found[1] in _NO_FIELD:
        return found[1], None
    if _is_number(found[2]):  # Note, DiscussionNote and the like: all stored in one table
        return found[1], int(found[2])
    raise NotUnderstood(f"a note of the unknown class {found[1]}")


def _instant(note: Mapping[str, Any]) -> str:
    """Give when a note was written, as it says; whole seconds in the instance's zone."""
    text = note.get("createdAt")
    try:
        if isinstance(text, str) and dt.datetime.fromisoformat(text).tzinfo is not None:
            return text
    except ValueError:
        pass
    raise NotUnderstood(f"a note of the time {str(text)[:40]!r}")


def _user(author: Mapping[str, Any] | None) -> Row | None:
    """Write a user as REST does."""
    if author is None:
        return None
    if not isinstance(author, Mapping):
        raise NotUnderstood("a note by what is no user")
    ident, username = number_of(author.get("id")), author.get("username")
    if ident is None or not isinstance(username, str):
        raise NotUnderstood("a note by a user without id and name")
    return {
        "id": ident,
        "username": username,
        "name": author.get("name") or "",
        "state": author.get("state") or "",
    }


def number_of(gid: Any) -> int | None:
    """Give the database id in a global id; None where it has none.

    >>> number_of("gid://gitlab/User/7"), number_of("gid://gitlab/StateNote/0f2f195e")
    (7, None)
    """
    found = _GID.fullmatch(str(gid))
    return int(found[2]) if found and _is_number(found[2]) else None


def _is_number(text: str) -> bool:
    """Whether it is an id of the database, which has 63 bits."""
    return text.isdecimal() and len(text) <= 18
