"""Corrections by hand: the lines of a `readings.csv` overrule what was read from a document."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from roadmap_analytics.errors import RoadmapError
from roadmap_analytics.roadmap.documents import Revision
from roadmap_analytics.roadmap.fields import Entry
from roadmap_analytics.roadmap.language import plain_title
from roadmap_analytics.roadmap.lines import Line
from roadmap_analytics.roadmap.marks import state_of
from roadmap_analytics.roadmap.people import Duty, assigned
from roadmap_analytics.roadmap.sources import table_rows

__all__ = ["COLUMNS", "FIELDS", "Correction", "correct", "read_corrections"]

COLUMNS = ["revision", "match", "field", "value"]
"""The columns of `readings.csv`."""
FIELDS = ["item", "ignore", "title", "target", "people", "status", "parent"]
_BY_HAND = "readings.csv"


@dataclass(frozen=True)
class Correction:
    """One line of `readings.csv`."""

    revision: date | None  # None for all
    match: str
    field: str
    value: str
    where: str  # file and line, for messages


def read_corrections(text: str, where: str) -> list[Correction]:
    r"""Read a `readings.csv`.

    Raises
    ------
    RoadmapError
        Naming the line, what was expected and what it holds.

    Examples
    --------
    >>> text = "revision,match,field,value\n*,Docs,target,2025-06\n"
    >>> read_corrections(text, "readings.csv")[0].value
    '2025-06'
    """
    return [_correction(said, at) for said, at in table_rows(text, where, COLUMNS)]


def _correction(said: dict[str, str], where: str) -> Correction:
    day, name = said.get("revision", ""), said.get("field", "")
    if name not in FIELDS:
        raise RoadmapError(f"{where}: expected field one of {', '.join(FIELDS)}, got {name!r}.")
    if not said.get("match"):
        raise RoadmapError(
            f"{where}: expected a line number, the line's text or a title, got none."
        )
    try:
        written = None if day == "*" else date.fromisoformat(day)
    except ValueError:
        raise RoadmapError(f"{where}: expected revision YYYY-MM-DD or *, got {day!r}.") from None
    return Correction(written, said["match"], name, said.get("value", ""), where)


def correct(revision: Revision, corrections: Sequence[Correction]) -> set[Correction]:
    """Overrule the readings of a revision; return the corrections that fit something in it."""
    mine = [one for one in corrections if one.revision in (None, revision.written)]
    return {
        one for one in mine for at in _lines_of(revision, one.match) if _apply(revision, one, at)
    }


def _lines_of(revision: Revision, match: str) -> list[int]:
    """Give the lines, from 1, that a correction means: by number, by text, by the item's title."""
    if match.isdigit() and 1 <= int(match) <= len(revision.lines):
        return [int(match)]
    same = [line.number for line in revision.lines if line.text.strip() == match]
    plain = plain_title(match)
    return same or [e.line + 1 for e in revision.entries if plain and plain_title(e.title) == plain]


def _apply(revision: Revision, one: Correction, number: int) -> bool:
    """Overrule the reading of a line; False where there is no item that it could mean."""
    line = revision.lines[number - 1]
    entry = next((e for e in revision.entries if e.line == number - 1 or e.key == line.key), None)
    if one.field == "ignore":
        if entry is not None:
            _drop(revision, entry)
        revision.lines[number - 1] = Line(number, line.text, "ignored", _BY_HAND)
        return True
    if entry is None and one.field == "item":
        entry = _new_item(revision, line)
    if entry is None or not _overrule(revision, entry, one):
        return False
    said = ("title", entry.title) if one.field == "item" else (one.field, one.value)
    revision.lines[number - 1] = Line(number, line.text, "item", _BY_HAND, entry.key, *said)
    return True


def _overrule(revision: Revision, entry: Entry, one: Correction) -> bool:
    """Give an item what a correction says; False where its value cannot be one."""
    match one.field:
        case "item" | "title":
            entry.title = one.value or entry.title
        case "target":
            entry.target = revision.words.target(one.value, entry.done)
        case "people":
            found = assigned(one.value, ["work"], revision.words.names)
            if one.value and not found:
                return False
            kept = [(duty, key) for duty, key in revision.duties if key != entry.key]
            revision.duties = kept + [(Duty(d.person, d.role), entry.key) for d in found]
        case "status":
            state = state_of(one.value)
            # A word that is no state would undo what the document says, and say nothing instead.
            if one.value and state is None:
                return False
            entry.done = entry.deferred = entry.dropped = False
            entry.become(state)
        case "parent":
            by_key = {e.key: e for e in revision.entries}
            above = next((e for e in revision.entries if one.value in (e.key, e.title)), None)
            top = above
            while top is not None and top is not entry:
                top = by_key.get(top.parent or "")
            # An item stands neither below itself nor below what stands below it.
            if one.value and (above is None or top is entry):
                return False
            entry.parent = above.key if above else None
    return True


def _new_item(revision: Revision, line: Line) -> Entry:
    order = 1 + max((int(e.key) for e in revision.entries if e.key.isdigit()), default=0)
    title = re.sub(r"^[\W_]+", "", line.text).strip() or "item"
    entry = Entry(str(order), None, "item", order, title, "list", line.number - 1)
    revision.entries.append(entry)
    return entry


def _drop(revision: Revision, entry: Entry) -> None:
    """Take an item away; what stood below it moves up, its lines stay as text."""
    revision.entries = [e for e in revision.entries if e is not entry]
    for below in revision.entries:
        if below.parent == entry.key:
            below.parent = entry.parent
    revision.duties = [(duty, key) for duty, key in revision.duties if key != entry.key]
    for reference in revision.references:
        reference.key = None if reference.key == entry.key else reference.key
    for number, line in enumerate(revision.lines):
        if line.key == entry.key:
            revision.lines[number] = replace(line, reading="ignored", key=None, why=_BY_HAND)
