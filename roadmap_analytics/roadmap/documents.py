"""One dated Markdown document -> a revision: items, people, dates, and a reading of every line.

The generic reader (`items`) reads every document. A profile adds what one team's layouts say
besides, where the document bears its signature or the configuration names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from roadmap_analytics.errors import RoadmapError
from roadmap_analytics.roadmap import markdown, profile_sigsum
from roadmap_analytics.roadmap.fields import Entry, Words, people_in, people_of
from roadmap_analytics.roadmap.gantt import read_charts
from roadmap_analytics.roadmap.items import Items, read_comments, read_sections
from roadmap_analytics.roadmap.language import sentences
from roadmap_analytics.roadmap.lines import Line, Source, settle
from roadmap_analytics.roadmap.markdown import Block, Heading, ListBlock, Paragraph, Table
from roadmap_analytics.roadmap.outline import sections
from roadmap_analytics.roadmap.people import Duty, Names
from roadmap_analytics.roadmap.sources import MAX_BYTES, date_in
from roadmap_analytics.roadmap.statements import (
    RENEWS,
    Mention,
    Reference,
    Statement,
    milestones_in,
    renewal_in,
)
from roadmap_analytics.roadmap.targets import Calendar, Target, find

__all__ = ["PROFILES", "Revision", "read_document", "written_on"]

PROFILES = ("generic", "sigsum")
"""What `[roadmaps] profile` may name; without it, a document's signature decides."""

_UPDATED = re.compile(
    r"\b(?:last\s+(?:updated|modified|revised|changed)|updated|as\s+of)\b[\s:*_]*(?:on\s+)?",
    re.IGNORECASE,
)
_DATED = ("date", "updated", "last_updated", "lastmod", "modified", "last-updated")  # front matter
_FIRST_LINES, _LAST_LINES = 40, 5  # where "Last updated" is looked for


@dataclass
class Revision:
    """One document, read."""

    written: date
    name: str
    source: str
    words: Words  # what its words are read against
    layout: str = "generic"
    previous: date | None = None
    next_update: Target | None = None
    horizon: Target | None = None
    entries: list[Entry] = field(default_factory=list)
    duties: list[tuple[Duty, str | None]] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    list_lines: list[int] = field(default_factory=list)  # of list entries and rows, from 1

    @property
    def placed(self) -> int:
        """How many list entries and table rows found a place."""
        return sum(not _loose(self.lines[number - 1]) for number in self.list_lines)

    @property
    def unplaced(self) -> list[str]:
        """The text of lines that belong to nothing."""
        listed = set(self.list_lines)
        return [
            line.text.strip()
            for line in self.lines
            if _loose(line) and (line.number in listed or line.why.endswith("no rule takes it"))
        ]


def _loose(line: Line) -> bool:
    return line.reading == "prose" and line.key is None


def read_document(
    record: Mapping[str, Any], *, names: Names, calendar: Calendar, profile: str | None = None
) -> Revision:
    """Read one document.

    Parameters
    ----------
    record
        A document record: name, text, source, revision_hint.
    names
        Canonical handles; the names that the document itself makes known are added.
    calendar
        Named periods, and the month in which the fiscal year begins.
    profile
        One of `PROFILES`; None lets the document's signature decide.

    Raises
    ------
    RoadmapError
        Where the document is too long, or nothing tells its date.
    """
    name, text = str(record["name"]), str(record["text"])
    written = written_on(record)
    source = Source.of(text)
    blocks = markdown.parse(source.text)
    known = profile or ("sigsum" if profile_sigsum.signed(blocks) else "generic")
    items = Items(Words(written, calendar, names, loose=known == "sigsum"))
    revision = Revision(written, name, str(record.get("source") or name), items.words)
    headings = [block.line for block in blocks if isinstance(block, Heading)]
    names.met.update(people_in(markdown.inlines_of(blocks), names))
    for table in (block for block in blocks if isinstance(block, Table)):
        names.met.update(people_of(table, names))
    revision.next_update = _renewal(blocks, source.front, items)
    mentions = [Mention(inline) for inline in markdown.inlines_of(blocks)]
    if known == "sigsum":
        found = profile_sigsum.read(blocks, items)
        mentions = found.pop("mentions")
        for name_, value in found.items():
            setattr(revision, name_, value)
    else:
        read_sections(sections(blocks), items)
        read_charts(items.charts, items)
        read_comments(source.comments, headings, items)
    revision.statements = items.statements
    revision.duties = [*items.duties, *_duties(items)]
    revision.references = milestones_in(items.by_key.values(), mentions)
    revision.entries = list(items.by_key.values())
    revision.lines = settle(source.lines, [*items.readings, *source.readings])
    revision.list_lines = sorted(set(_list_lines(blocks)))
    return revision


def _renewal(blocks: Iterable[Block], front: Mapping[str, str], items: Items) -> Target | None:
    """Find when the document will be renewed, before its items refer to it."""
    said = [(f"{name.replace('_', ' ')}: {value}", None) for name, value in front.items()]
    texts: list[tuple[str, Paragraph | None]] = [*said, *_texts(blocks)]
    for text, block in texts:
        if (target := renewal_in(text, items.words)) and target.start and target.end:
            known = replace(items.words.calendar, renewal=(target.start, target.end))
            items.words, items.renewal = replace(items.words, calendar=known), block
            if block is not None:
                said_so = {"field": "target", "value": target.text}
                items.claim(block, "date", "next update of the roadmap", **said_so)
            return target
    return None


def _texts(blocks: Iterable[Block]) -> Iterator[tuple[str, Paragraph | None]]:
    """Yield headings, and sentences of paragraphs and lists, also with the heading right above."""
    lead = ""
    for block in blocks:
        if isinstance(block, Paragraph):
            for sentence in sentences(block.inline):
                yield sentence.text, block
                if RENEWS.search(lead):
                    yield lead + sentence.text, block
        elif isinstance(block, ListBlock):
            yield from (pair for item in block.items for pair in _texts(item.blocks))
        lead = ""
        if isinstance(block, Heading):
            yield block.inline.text, None  # "## Next review: 2026-05-12"
            lead = f"{block.inline.text}: "


def _duties(items: Items) -> list[tuple[Duty, str | None]]:
    return [(duty, entry.key) for entry in items.by_key.values() for duty in entry.duties]


def _list_lines(blocks: Iterable[Block]) -> Iterable[int]:
    for block in blocks:
        if isinstance(block, ListBlock):
            yield from (below.line + 1 for item in block.items for below in item.walk())
        elif isinstance(block, Table):
            yield from (line + 1 for line in block.lines)


def written_on(record: Mapping[str, Any]) -> date:
    """Find a document's date: in its name or source, its front matter, its first lines.

    Raises
    ------
    RoadmapError
        Where the document is too long, or nothing tells its date.
    """
    name, text = str(record["name"]), str(record["text"])
    if len(text) > MAX_BYTES:
        raise RoadmapError(
            f"Roadmap {name}: expected a document of at most {MAX_BYTES} characters, got "
            f"{len(text)}. Split it."
        )
    hint = record.get("revision_hint") or date_in(name)
    if hint:
        try:
            return date.fromisoformat(str(hint))
        except ValueError as error:
            raise RoadmapError(
                f"Roadmap {name}: expected a date YYYY-MM-DD, got {hint!r}."
            ) from error
    source = Source.of(text)
    firsts = markdown.parse(source.text)[:3]
    lines = source.text.split("\n")[:_FIRST_LINES] + source.lines[-_LAST_LINES:]
    for said in (
        *(source.front.get(label, "") for label in _DATED),
        *(block.inline.text for block in firsts if isinstance(block, Heading | Paragraph)),
        *(line[found.end() :] for line in lines if (found := _UPDATED.search(line))),
    ):
        if day := _day_in(said):
            return day
    raise RoadmapError(
        f"Roadmap {name}: expected a date in the file name (2025-11-11-roadmap.md), as `date:` or "
        '"Last updated" in the text, or in the first heading, found none. Name the file by date.'
    )


def _day_in(text: str) -> date | None:
    """Give the last day of the first date with a year."""
    found = (one for one in find(text, date(2000, 1, 1)) if one.year and one.span)
    return next((one.span[1] for one in found if one.span), None)
