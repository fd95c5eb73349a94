"""Reasons to look at a reading: what a document says and the reader probably did not take right."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from roadmap_analytics.roadmap.corrections import Correction
from roadmap_analytics.roadmap.documents import Revision
from roadmap_analytics.roadmap.fields import label_of
from roadmap_analytics.roadmap.language import plain_title
from roadmap_analytics.roadmap.lines import CONTINUES, NOT_UNDERSTOOD
from roadmap_analytics.roadmap.targets import NO_SUCH_PERIOD, find
from roadmap_analytics.roadmap.vocabulary import pattern
from roadmap_analytics.schema import SAYS_NOTHING

__all__ = ["Alarm", "alarms_of", "of_corrections", "of_files"]

_YEAR = re.compile(r"(?<![\w./#@:-])(?:20[1-4]\d)(?![\w./-]*\w)")
# "Response due 30 Nov": it is a date of work even where its year is not written.
_DUE = pattern(
    r"\b(?:due|by|until|than|before|deadline|eta|now|(?:moved|postponed|delayed) to)"
    r"(?: on)?(?: the)?:?\s*$"
)
_MANY = 3  # a title that stands this often is a label or a heading
_MUCH = 0.5  # share of lines of which nothing was taken
_FEW_LINES = 8  # of so few, a share says nothing
_LONG_PAST = timedelta(days=31)  # a roadmap is often written a little late

Said = tuple[str, str, int | None]  # the alarm, its text, its line from 1


@dataclass(frozen=True)
class Alarm:
    """One reason to look."""

    alarm: str
    text: str
    revision: date | None = None
    line: int | None = None  # from 1


def alarms_of(revision: Revision) -> list[Alarm]:
    """Give the alarms of one revision, in order of its lines."""
    checks = (_items, _labels_as_people, _targets, _years, _not_understood)
    said = (one for check in checks for one in check(revision))
    found = {Alarm(alarm, text, revision.written, line) for alarm, text, line in said}
    return sorted(found, key=lambda one: (one.line or 0, one.alarm, one.text))


def _items(revision: Revision) -> Iterator[Said]:
    if not revision.entries and any(line.text.strip() for line in revision.lines):
        yield "no items", f"{revision.name}: no line was read as an item", None
    counts = Counter(plain_title(entry.title) for entry in revision.entries)
    for entry in revision.entries:
        if counts.pop(plain_title(entry.title), 0) >= _MANY:
            text = f"{entry.title!r} is the title of {_MANY} items or more"
            yield "repeated title", text, entry.line + 1


def _labels_as_people(revision: Revision) -> Iterator[Said]:
    """People whose name stands before a colon in the document, or means a date or a state."""
    lines = {entry.key: entry.line + 1 for entry in revision.entries}
    labels = {
        plain_title(line.text.partition(":")[0]) for line in revision.lines if ":" in line.text
    }
    for duty, key in revision.duties:
        label = label_of(f"{duty.person}:")
        if label and (label.kind not in ("people", "title") or plain_title(duty.person) in labels):
            text = f"{duty.person!r} was read as a person and is a label"
            yield "label as person", text, lines.get(key or "")


def _targets(revision: Revision) -> Iterator[Said]:
    for entry in revision.entries:
        target = entry.target
        if target is None or entry.done or entry.dropped:
            continue
        text = f"{entry.title!r}: target {target.text!r}"
        if target.stale or (target.end and target.end < revision.written - _LONG_PAST):
            yield "target in the past", f"{text} lies before the document", entry.line + 1
        elif target.flag:
            yield "date flagged", f"{text}: {target.flag}", entry.line + 1


def _years(revision: Revision) -> Iterator[Said]:
    """Dates that stand in the title or a field of an item, and in none that was taken."""
    targets = {entry.key: entry.target for entry in revision.entries}
    for line in revision.lines:
        target = targets.get(line.key or "")
        if line.reading in ("ignored", "link", "contents") or (target and target.flag):
            continue
        text = re.sub(r"https?://\S+|\]\([^)]*\)", "", line.text)
        # Only expressions with a digit are asked for below, and most lines have none.
        found = find(text, revision.written) if re.search(r"\d", text) else []
        times = [(one, text[one.start : one.end]) for one in found]
        if odd := [words for one, words in times if one.flag == NO_SUCH_PERIOD]:
            yield "date flagged", f"{odd[0]!r} is no date: {NO_SUCH_PERIOD}", line.number
            continue
        speaks = line.key and (line.reading == "prose" or line.field == "title")
        untold = speaks and not (target and target.end)
        if untold or line.why.startswith(NOT_UNDERSTOOD):
            # "We are targeting a release in January 2027"; a year alone is mostly the name of a
            # plan: "our 2026 roadmap".
            ahead = [
                (one, words.strip("(), "))
                for one, words in times
                if one.span and one.span[1] > revision.written
            ]
            if told := [
                words
                for one, words in ahead
                if (re.search(r"20\d\d", words) and len(words) > 4)
                or (one.span and _short(one.span) and _DUE.search(text[: one.start]))
            ]:
                said = f"{told[0]!r} stands in text that nothing was taken from"
                yield "year not read", said, line.number
                continue
        taken = {str(day.year) for day in (target.start, target.end) if day} if target else set()
        lost = [year for year in _YEAR.findall(text) if year not in taken]
        if lost and line.key and line.field in ("title", "target"):
            yield "year not read", f"the year {lost[0]} on this line is in no target", line.number


def _short(span: tuple[date, date]) -> bool:
    """Whether a span is some days, which no word such as "May" or "now" is."""
    return span[1] - span[0] < timedelta(days=7)


def _not_understood(revision: Revision) -> Iterator[Said]:
    said = [line for line in revision.lines if line.reading not in SAYS_NOTHING]
    lost = [line for line in said if line.why.startswith(NOT_UNDERSTOOD)]
    for line in revision.lines:
        part = f"; {NOT_UNDERSTOOD}" in line.why and not line.why.startswith(CONTINUES)
        if part or (line.reading == "field" and line in lost):
            yield "lines not understood", line.why, line.number
    if len(said) >= _FEW_LINES and len(lost) > _MUCH * len(said):
        yield "lines not understood", f"{len(lost)} of {len(said)} lines were not understood", None


def of_files(text: str) -> Iterator[Alarm]:
    """Yield an alarm for each file that was not read."""
    for row in csv.DictReader(io.StringIO(text)):
        yield Alarm("file not read", f"{row.get('name')}: {row.get('why')}")


def of_corrections(lost: Iterable[Correction], written: Container[date]) -> Iterator[Alarm]:
    """Yield an alarm for each correction that fits nothing; `written` are the revisions."""
    for one in lost:
        said = f"{one.match!r} fits no line and no item"
        if one.value and one.field in ("people", "status", "parent"):
            said += f" that may have {one.value!r} as its {one.field}"
        there = one.revision in written
        if one.revision is not None and not there:
            said = f"there is no revision of {one.revision}"
        text = f"{one.where}: {said}; correct or remove it"
        # Of a revision that does not exist it is one of the folder, which every report shows.
        yield Alarm("correction fits nothing", text, one.revision if there else None)
