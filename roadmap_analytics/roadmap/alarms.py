"""Reasons to look at a reading: what a document says and the reader probably did not take right."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from roadmap_analytics.roadmap.corrections import Correction
from roadmap_analytics.roadmap.documents import Revision
from roadmap_analytics.roadmap.fields import label_of
from roadmap_analytics.roadmap.lines import understood

__all__ = ["Alarm", "alarms_of", "of_corrections", "of_files"]

_YEAR = re.compile(r"(?<![\w./#@:-])(?:20[1-4]\d)(?![\w./-]*\w)")
_MANY = 3  # a title that stands this often is a label or a heading
_MUCH = 0.25  # share of lines that no rule took
_FEW_LINES = 8  # of so few, a share says nothing
_LONG_PAST = timedelta(days=31)  # a roadmap is often written a little late


@dataclass(frozen=True)
class Alarm:
    """One reason to look."""

    alarm: str
    text: str
    revision: date | None = None
    line: int | None = None  # from 1


def alarms_of(revision: Revision) -> list[Alarm]:
    """Give the alarms of one revision, in order of its lines."""
    found = [
        *_no_items(revision),
        *_repeated(revision),
        *_labels_as_people(revision),
        *_targets(revision),
        *_years(revision),
        *_not_understood(revision),
    ]
    return sorted(set(found), key=lambda one: (one.line or 0, one.alarm, one.text))


def _no_items(revision: Revision) -> Iterator[Alarm]:
    if not revision.entries and any(line.text.strip() for line in revision.lines):
        text = f"{revision.name}: no line was read as an item"
        yield Alarm("no items", text, revision.written)


def _repeated(revision: Revision) -> Iterator[Alarm]:
    counts = Counter(_plain(entry.title) for entry in revision.entries)
    for entry in revision.entries:
        if counts.pop(_plain(entry.title), 0) >= _MANY:
            text = f"{entry.title!r} is the title of {_MANY} items or more"
            yield Alarm("repeated title", text, revision.written, entry.line + 1)


def _labels_as_people(revision: Revision) -> Iterator[Alarm]:
    """People whose name stands before a colon in the document, or means a date or a state."""
    lines = {entry.key: entry.line + 1 for entry in revision.entries}
    labels = {_plain(line.text.partition(":")[0]) for line in revision.lines if ":" in line.text}
    for duty, key in revision.duties:
        label = label_of(f"{duty.person}:")
        if label and (label.kind not in ("people", "title") or _plain(duty.person) in labels):
            text = f"{duty.person!r} was read as a person and is a label"
            yield Alarm("label as person", text, revision.written, lines.get(key or ""))


def _plain(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip().casefold()


def _targets(revision: Revision) -> Iterator[Alarm]:
    for entry in revision.entries:
        target = entry.target
        if target is None or entry.done:
            continue
        past = target.end is not None and target.end < revision.written - _LONG_PAST
        if past or target.stale:
            text = f"{entry.title!r}: target {target.text!r} lies before the document"
            yield Alarm("target in the past", text, revision.written, entry.line + 1)
        elif target.flag:
            text = f"{entry.title!r}: target {target.text!r}: {target.flag}"
            yield Alarm("date flagged", text, revision.written, entry.line + 1)


def _years(revision: Revision) -> Iterator[Alarm]:
    """Years that stand in the title or a field of an item, and in no date that was taken."""
    targets = {entry.key: entry.target for entry in revision.entries}
    for line in revision.lines:
        if line.reading not in ("item", "field") or line.key is None or line.field == "url":
            continue
        target = targets.get(line.key)
        if target is None or target.flag:
            taken = set() if target is None else {"flagged"}
        else:
            taken = {str(day.year) for day in (target.start, target.end) if day}
        text = re.sub(r"https?://\S+|\]\([^)]*\)", "", line.text)
        for year in _YEAR.findall(text):
            if line.field in ("title", "target") and not taken & {year, "flagged"}:
                said = f"the year {year} on this line is in no target"
                yield Alarm("year not read", said, revision.written, line.number)
                break


def _not_understood(revision: Revision) -> Iterator[Alarm]:
    said = [line for line in revision.lines if line.text.strip() and line.reading != "ignored"]
    lost = [line for line in said if not understood(line)]
    for line in lost:
        if line.why.startswith("not understood"):
            yield Alarm("lines not understood", line.why, revision.written, line.number)
    if len(said) >= _FEW_LINES and len(lost) > _MUCH * len(said):
        text = f"{len(lost)} of {len(said)} lines were not understood"
        yield Alarm("lines not understood", text, revision.written)


def of_files(text: str) -> Iterator[Alarm]:
    """Yield an alarm for each file that was not read."""
    for row in csv.DictReader(io.StringIO(text)):
        yield Alarm("file not read", f"{row.get('name')}: {row.get('why')}")


def of_corrections(lost: Iterable[Correction]) -> Iterator[Alarm]:
    """Yield an alarm for each correction that fits nothing."""
    for one in lost:
        text = f"{one.where}: {one.match!r} fits no line and no item; correct or remove it"
        yield Alarm("correction fits nothing", text, one.revision)
