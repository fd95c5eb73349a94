"""What stands under what: sections, and what their headings say about everything below them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from roadmap_analytics.roadmap.fields import Label, Words, label_of
from roadmap_analytics.roadmap.language import ORDINAL
from roadmap_analytics.roadmap.markdown import Block, Heading, ListBlock, Paragraph, Table
from roadmap_analytics.roadmap.marks import ACTIVE, DONE, rules_out, state_of
from roadmap_analytics.roadmap.targets import Target, find, only_time
from roadmap_analytics.roadmap.vocabulary import pattern

__all__ = ["Given", "Section", "explains", "names_document", "opens", "sections"]

# Headings that say nothing of what stands below them: they are no items.
_OPENS = (
    r"about|introduction|intro|overview|background|preamble|abstract|summary|preface|meta|purpose|"
    r"contents|notes?|remarks?|history|goals?|objectives?|objectifs?|ziele?|objetivos?|mål|"
    r"einleitung|einführung|überblick|hintergrund|zweck|inhalt|"
    r"contexte|présentation|sommaire|propósito|introducción|resumen|contexto|índice|"
    r"syfte|inledning|bakgrund|översikt|innehåll"
)
# Sections about the document, the team or the reader. Entries below them that bear no sign of work
# (a box, a date, a person, a tracked link) are prose.
_ABOUT = (
    r"disclaimer|(?:overall|current|general|project) status|"
    r"(?:status )?legend|key|table of contents|toc|glossary|terminology|definitions?|"
    r"references?|resources|(?:useful )?links|see also|further reading|faqs?|licen[cs]e|"
    r"contact(?: us)?|contributions?|feedback|who we|why|what is|"
    r"release (?:cadence|process|cycle)|versioning|vision|mission|principles|values|primary focus|"
    r"(?:known )?risks?(?:\W+(?:and )?dependencies)?|metadata|assumptions|done criteria|"
    r"definition of (?:done|ready)|changelog|escalation(?: path| process)?|"
    r"measurements?|success (?:measures?|metrics|criteria)|kpis?|"
    r"acknowledge?ments?|légende|licencia|leyenda|glosario|legende|lizenz|glossar|kontakt|mitmachen|"
    r"contribuer|bidra"
)
_MORE = (
    r"(?: (?:the|this|our|of|and|for|to|with|in|a|roadmap|document|page|project|it|us|we|you|can|"
    r"help|use|read|get|involved|feedback|sections?|symbols?|icons?|status|labels?|participate|"
    r"decide|prioriti[sz]e|plan|work|propose|suggest))*\W*$"
)
_OPENING = pattern(rf"^\W*(?:{_OPENS}){_MORE}")
_EXPLAINS = pattern(
    rf"^\W*(?:{_ABOUT}){_MORE}",
    r"^\W*(?:principes|principios|grundsätze|prinzipien|principer)\b",
    r"^\W*(?:contribut(?:e|ing)\b|get(?:ting)? involved\b|how |want to help)",
)
_DOCUMENT = pattern(r"\broad\s*-?\s*map\b")
_VERSION = pattern(
    r"^\W*(?:[A-Z][\w-]* ){0,2}(?:v(?:ersion)?\.?\s*)?(?P<v>v?\d+(?:\.(?:\d+|x|y)){1,3}[\w.-]*)\b"
)
_WHEN = pattern(
    r"^\W*(?:(?:coming|working(?: on)?|up|what['’]?s|what is|we are|for)\W+){0,2}(?:(?:up|on)\W+)?"
    r"(?P<when>now|next|later|soon|(?:short|near|mid|medium|long)(?:er)?[\s-]term|someday|future|"
    r"backlog|current(?:ly)?|upcoming|up next)\b"
)
_LED = pattern(r"(?:[(\[:,/|]|\s[-–—]+|\b(?:by|until|till|for|in|during|to|target|due|eta))\s*$")
_YEAR_LED = pattern(r"(?:[(\[]|\b(?:by|until|for|in))\s*$")
_SINCE = pattern(r"\b(?:since|after|from|before) (?:the )?$")
_NUMBER = re.compile(r"\d{1,2}(?:\.\d{1,2})*(?=\.?\s)")
_PART = re.compile(r"(\d{1,2}(?:\.\d{1,2})*)\.\d{1,2}\s+(?=\S)")
_FEW_WORDS = 6


@dataclass(frozen=True)
class Given:
    """What the headings above say about an item that does not say it itself."""

    target: Target | None = None
    state: str | None = None
    year: int | None = None

    def under(self, heading: str, words: Words, *, title: bool = False) -> Given:
        """Add what one more heading says; the innermost one that speaks counts.

        A title gives quarters and halves only: its other dates are mostly those of the document.
        """
        if title:
            target = _time_in(heading, words)
            # The days of a quarter or a half; a month may be when the document was written.
            spans = (
                target
                and target.start
                and target.end
                and 80 < (target.end - target.start).days < 190
            )
            return replace(self, target=target) if spans else self
        year = re.fullmatch(r"\W*(?:year\s+)?((?:19|20)\d\d)\W*", heading, re.IGNORECASE)
        here = replace(words, calendar=replace(words.calendar, year=self.year))
        ruled_out = rules_out(heading)
        target = None if ruled_out else self._within(heading, words) or _time_in(heading, here)
        when, version = _WHEN.match(heading), _VERSION.match(heading)
        if target is None and (when or version):
            target = Target(when["when"] if when else version["v"] if version else heading)
        state = state_of(heading)
        return Given(
            None if ruled_out else target or self.target,
            self._state(state, target),
            int(year[1]) if year else self.year,
        )

    def _within(self, heading: str, words: Words) -> Target | None:
        """Read "May" below "Q2 2027" as a part of it."""
        above = self.target
        if above is None or above.start is None or above.end is None:
            return None
        of_year = replace(words, calendar=replace(words.calendar, year=above.end.year))
        target = _time_in(heading, of_year)
        if target is None or target.start is None or target.end is None:
            return None
        return target if above.start <= target.start <= target.end <= above.end else None

    def _state(self, said: str | None, target: Target | None) -> str | None:
        """Give the state below a heading; "v0.8 - 2018-04-19" below "Released" is released, too."""
        if said not in (None, ACTIVE):
            return said
        return None if said or (target and self.state != DONE) else self.state


def _time_in(heading: str, words: Words) -> Target | None:
    """Give the target of a heading that is about a time: "Q3 2025", "v1.2 (July 2025)"."""
    text = heading.strip()
    found = [one for one in find(text, words.written, words.calendar) if one.span]
    if not found:
        return None
    first, last = found[0], found[-1]
    before, behind = text[: first.start], text[last.end :]
    # A year alone is mostly part of a name: "Design System Day 2023".
    bare = re.fullmatch(r"(?:19|20)\d\d", text[first.start : first.end])
    few = len(text.split()) <= _FEW_WORDS and not bare
    told = _YEAR_LED.search(before) if bare else few or not before or _LED.search(before)
    if _SINCE.search(before) or (re.search(r"[^\W_]", before + behind) and not told):
        return None
    return words.target(text if few else text[first.start :])


@dataclass
class Section:
    """A heading with the blocks right below it and the sections within."""

    heading: Heading | None
    above: str = ""  # the number of the heading above: "12" of "12. Timeline"
    blocks: list[Block] = field(default_factory=list)
    below: list[Section] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The words of its heading."""
        text = self.heading.inline.text.strip() if self.heading else ""
        # "12.2 Owners" is a part of "12. Timeline"; elsewhere "12.2" may be a version.
        part = _PART.match(text)
        return text[part.end() :] if part and part[1] == self.above else ORDINAL.sub("", text)

    @property
    def number(self) -> str:
        """The number that its heading bears: "12", "12.2"."""
        found = _NUMBER.match(self.heading.inline.text.strip()) if self.heading else None
        return found[0] if found else ""

    @property
    def label(self) -> Label | None:
        """The label that its heading is: "#### Owner"; what heads a table is none."""
        tabular = any(isinstance(block, Table) for block in self.blocks)
        return None if tabular else label_of(f"{self.text.rstrip(':')}:")


def sections(blocks: Sequence[Block]) -> Section:
    """Put each block below its headings; a bold line above a list counts as a heading."""
    top = Section(None)
    stack = [(0, top)]
    for number, block in enumerate(blocks):
        after = blocks[number + 1] if number + 1 < len(blocks) else None
        heading = block if isinstance(block, Heading) else _bold_heading(block, after)
        if heading is None:
            stack[-1][1].blocks.append(block)
            continue
        while stack[-1][0] >= heading.level:
            stack.pop()
        section = Section(heading, stack[-1][1].number)
        stack[-1][1].below.append(section)
        stack.append((heading.level, section))
    return top


def _bold_heading(block: Block, after: Block | None) -> Heading | None:
    """Read "**Done**", "Done:" or "Q3 2025" above a list or a table as a heading."""
    if not isinstance(block, Paragraph) or not isinstance(after, ListBlock | Table):
        return None
    text = block.inline.text.strip()
    bold = 0 < len(text.rstrip(":")) <= block.inline.bold
    # Whatever day it is, "Q3 2025" is a time.
    leads = len(text.split()) < _FEW_WORDS and (text.endswith(":") or only_time(text, date.min))
    return (
        Heading(7 if bold else 8, block.inline, line=block.line, end=block.end)
        if bold or leads
        else None
    )


def opens(heading: str) -> bool:
    """Whether a heading says nothing of what stands below it, and so is no item.

    Examples
    --------
    >>> opens("Introduction"), opens("How to contribute"), opens("Parser")
    (True, True, False)
    """
    return bool(_OPENING.match(heading)) or explains(heading)


def explains(heading: str) -> bool:
    """Whether a section is about the document and not about work.

    Examples
    --------
    >>> explains("Legend"), explains("How to contribute"), explains("Introduction")
    (True, True, False)
    """
    return bool(_EXPLAINS.match(heading))


def names_document(heading: str) -> bool:
    """Whether a heading names the document, or a part of it, as a roadmap."""
    return bool(_DOCUMENT.search(heading))
