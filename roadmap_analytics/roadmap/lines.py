"""The lines of a document: what hides from Markdown, and one reading for every line.

Readers yield `Reading`s in order of precedence; `settle` gives each line the first that covers it.
A line that no reader takes is prose, so a rule can add a reading and can never remove a line.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import ftfy

from roadmap_analytics.roadmap.markdown import fenced

__all__ = ["ABOUT", "CONTINUES", "NOT_UNDERSTOOD", "Line", "Reading", "Source", "settle"]

NOT_UNDERSTOOD = "not understood: "
CONTINUES = "continues: "
"""Begins the reason of a line of which nothing was taken: a value, or text that is of no item."""
ABOUT = "which is about the document"
"""Ends the reason of text that says nothing of work, and so leaves nothing to understand."""

_FRONT = re.compile(r"\A---[ \t]*\n(?P<body>.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_COMMENT = re.compile(r"<!--(.*?)-->", re.DOTALL)
# Tags that authors put around Markdown. What stands in back quotes is no tag.
_TAG = re.compile(
    r"`[^`\n]*`|</?(?:a|b|br|center|details|div|em|font|i|img|kbd|mark|p|picture|small|source|"
    r"span|strong|sub|summary|sup|u)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_TEMPLATE = re.compile(
    r"\s*(?:\{\{.*\}\}|\{%.*%\}|:::.*|\[\[_?TOC_?\]\]|\[TOC\])\s*", re.IGNORECASE
)
_DEFINITION = re.compile(r" {0,3}\[[^\]]{1,200}\]:\s")
# Two parts that share no character: a line of 50,000 ">" and a letter is refused in one pass.
_RULER = re.compile(r"\s*[-*_=#>|][-*_=#>|\s]*")
_LONGEST = 400  # characters of a line that the frame keeps


@dataclass(frozen=True)
class Reading:
    """What the lines [line, end), counted from 0, were read as, and by which rule."""

    line: int
    end: int
    reading: str
    why: str
    key: str | None = None
    field: str | None = None
    value: str | None = None


@dataclass(frozen=True)
class Line:
    """One line of a document, counted from 1, with its only reading."""

    number: int
    text: str
    reading: str
    why: str
    key: str | None = None
    field: str | None = None
    value: str | None = None


@dataclass
class Source:
    """A document's text, made ready for Markdown without moving a line."""

    lines: list[str]
    text: str  # for the Markdown parser: front matter, comments and tags are blank
    front: dict[str, str] = field(default_factory=dict)  # the plain values of the front matter
    comments: list[tuple[int, int, str]] = field(default_factory=list)  # [line, end), words
    readings: list[Reading] = field(default_factory=list)  # of what was made blank

    @classmethod
    def of(cls, text: str) -> Source:
        r"""Take a document's text.

        Examples
        --------
        >>> source = Source.of("---\ndate: 2025-05-03\n---\n- Docs <!-- owner: ada -->\n")
        >>> source.front, source.comments, source.text
        ({'date': '2025-05-03'}, [(3, 4, 'owner: ada')], '\n\n\n- Docs ')
        """
        text = re.sub(r"\r\n?", "\n", ftfy.fix_encoding(text)).replace("\0", "\ufffd")
        source = cls(text.split("\n"), text)
        if source.lines[-1] == "":
            source.lines.pop()
        source.text = "\n".join(source.lines)
        source._front_matter()
        source._comments()
        source._tags()
        return source

    def _front_matter(self) -> None:
        found = _FRONT.match(self.text)
        if found is None:
            return
        for line in found["body"].split("\n"):
            name, colon, value = line.partition(":")
            if colon and name.strip() and not name.startswith((" ", "-", "#")):
                self.front[name.strip().lower()] = value.strip().strip("\"'")
        size = found.group().count("\n") + (not found.group().endswith("\n"))
        self.readings.append(Reading(0, size, "ignored", "front matter"))
        self.text = "\n" * found.group().count("\n") + self.text[found.end() :]

    def _comments(self) -> None:
        code = set(fenced(self.text.split("\n")))
        starts = [found.end() for found in re.finditer("\n", self.text)]

        def blank(found: re.Match[str]) -> str:
            line = bisect_right(starts, found.start())
            end = line + found[0].count("\n") + 1
            if line in code:
                return found[0]
            self.comments.append((line, end, " ".join(found[1].split())))
            self.readings.append(Reading(line, end, "ignored", "comment"))
            return "\n" * (end - line - 1)

        # Up to the last end: behind it the pattern would search in vain for each one left open.
        ends = self.text.rfind("-->") + 3
        self.text = _COMMENT.sub(blank, self.text[:ends]) + self.text[ends:]

    def _tags(self) -> None:
        def plain(found: re.Match[str]) -> str:
            tag = found.group()
            if tag.startswith("`"):
                return tag
            return " " if tag.lower().startswith("<br") else ""

        lines = self.text.split("\n")
        code = set(fenced(lines))
        for number, line in enumerate(lines):
            template = _TEMPLATE.fullmatch(line)
            if number in code or not (template or "<" in line):
                continue
            lines[number] = "" if template else _TAG.sub(plain, line)
            if not lines[number].strip() and line.strip():
                lines[number] = ""  # else what follows the tag would be indented code
                self.readings.append(Reading(number, number + 1, "ignored", "template or HTML tag"))
        self.text = "\n".join(lines)


def settle(lines: Sequence[str], readings: Iterable[Reading]) -> list[Line]:
    """Give every line exactly one reading: the first that covers it, else blank or prose.

    Examples
    --------
    >>> found = settle(["- Docs", "", "Hello"], [Reading(0, 1, "item", "list entry", "1")])
    >>> [(line.reading, line.why) for line in found]
    [('item', 'list entry'), ('ignored', 'blank'), ('prose', 'not understood: no rule takes it')]
    """
    taken: dict[int, Reading] = {}
    for one in readings:
        for number in range(one.line, min(one.end, len(lines))):
            taken.setdefault(number, one)
    return [_line(number, text, taken.get(number)) for number, text in enumerate(lines)]


def _line(number: int, text: str, found: Reading | None) -> Line:
    short, n = text[:_LONGEST], number + 1
    if not text.strip() and (found is None or found.why != "front matter"):
        return Line(n, short, "ignored", "blank")
    if found is None and _DEFINITION.match(text):
        return Line(n, short, "link", "defines a link")
    if found is None and _RULER.fullmatch(text):
        return Line(n, short, "ignored", "ruler")
    one = found or Reading(number, n, "prose", "no rule takes it")
    first = number == one.line  # the value stands beside the first line only
    why = one.why if first else CONTINUES + one.why
    if one.reading == "prose" and one.key is None and not why.endswith(ABOUT):
        why = f"{NOT_UNDERSTOOD}{why}"
    value = one.value[:_LONGEST] if one.value and first else None
    return Line(n, short, one.reading, why, one.key, one.field if first else None, value)
