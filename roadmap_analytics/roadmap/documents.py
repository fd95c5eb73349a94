"""Dated Markdown revisions of a roadmap -> the roadmap frames.

The layouts that are understood stand in `docs/roadmap-layouts.md`. One `_Reader` reads one
document; `parse`
joins them into frames and leaves everything that spans revisions to `matching`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

from roadmap_analytics.errors import RoadmapError
from roadmap_analytics.roadmap import markdown
from roadmap_analytics.roadmap.items import Entry, Items, first_paragraph_items, role_of_list
from roadmap_analytics.roadmap.language import label_of, references, sentences, title_of
from roadmap_analytics.roadmap.markdown import (
    Block,
    Heading,
    Inline,
    Item,
    Link,
    ListBlock,
    Paragraph,
    Table,
)
from roadmap_analytics.roadmap.outline import Passage, has_fields, lists, outline, section_kind
from roadmap_analytics.roadmap.people import Duty, Names, assigned, duties
from roadmap_analytics.roadmap.sources import MAX_BYTES, date_in
from roadmap_analytics.roadmap.targets import Calendar, Target, expression, find, read_target
from roadmap_analytics.roadmap.verdicts import (
    CYCLES,
    FINISHED,
    NO_LONGER,
    ONGOING,
    VERDICT,
    carried,
    status_in,
    without_status,
)

__all__ = ["Reference", "Revision", "Statement", "milestone_of", "read_document", "written_on"]

_DATE_LINE = re.compile(r"(?m)^date\s*:\s*[\"']?(20\d\d-\d\d-\d\d)")
_FRONT = re.compile(r"\A---\s*\n(.*?)\n(?:---|\.\.\.)\s*\n", re.DOTALL)
_MILESTONE = re.compile(r"^/(?:groups/)?(?P<path>.+?)/-/milestones/(?P<iid>\d+)/?$")
_OLD_MILESTONE = re.compile(r"^/(?P<path>[^/]+/[^/]+)/milestones?/(?P<iid>\d+)/?$")
_CHANGE = re.compile(
    r"^/(?P<path>.+?)(?:/-)?/(?:pull|merge_requests|issues)/(?P<iid>\d+)(?:/\w+)?/?$"
)
_RENEWS = re.compile(
    r"\b(?:new|next|updated|renewed|following)\s+(?:\w+\s+)?(?:roadmap|version|revision|iteration|"
    r"update|renewal)\b|"
    r"\broadmap\b.*?\b(?:renew(?:ed|al|s)?|updated?|revis(?:e|ed|ion|it|ited)|replaced|decided)\b|"
    r"\b(?:renew(?:ing|al\s+of)?|updat(?:e|ing)|update\s+of|revis(?:e|ing|ion\s+of)|revisit(?:ing)?)\s+(?:the|this|our)\s+"
    r"(?:\w+\s+)?roadmap\b|^to\s+be\s+renewed\b|"
    r"^(?:it|this\s+\w+)\s+(?:will|is\s+to)\s+be\s+(?:renewed|updated|revised|revisited|replaced)\b|\bnext\s+review\b",
    re.IGNORECASE,
)
_PLANNED = re.compile(
    r"\b(?:will|planned|plan|expect(?:ed)?|is\s+due|to\s+be|next|upcoming|aim|scheduled|decided|set)\b",
    re.IGNORECASE,
)
_WAS = re.compile(r"\b(?:was|were|has\s+been|last|previous)\b", re.IGNORECASE)
_ESTIMATE = re.compile(
    r"\b(?:estimated?|estimation|expect|horizon)\b.*\b(?:above|all|overall|whole|roadmap|everything|list)\b|"
    r"\b(?:above|all|overall|whole|everything)\b.*\b(?:estimated?|estimation)\b",
    re.IGNORECASE,
)
_WINDOW = re.compile(r"\b(?:until|till|through|up\s+to)\b", re.IGNORECASE)
_FOCUS = re.compile(
    r"\b(?:mainly|primarily|focus(?:ed|ing|es)?(?!\s+(?:of|is|will))|best[\s-]effort|concentrate|first\s+and\s+foremost)\b",
    re.IGNORECASE,
)
_NOT_WORKING = re.compile(
    r"(?:\b(?:not|no)|n['’]t)\s+(?:\w+\s+){0,3}(?:work(?:ing)?\s+on|start(?:ing)?|tak(?:e|ing)\s+on|begin|focus|do(?:ing)?|prioriti[sz]e|plan|spend)|"
    r"\b(?:postponed?|deferred?|on\s+hold|on\s+ice|backlogged|parked|paused|ha(?:s|ve)\s+to\s+wait|will\s+wait)\b",
    re.IGNORECASE,
)
_OUT_OF_SCOPE = re.compile(
    r"\b(?:not|n['’]t)\s+(?:\w+\s+)?(?:in\s+scope|part\s+of\s+(?:this|the)\b)|\bout\s+of\s+scope\b",
    re.IGNORECASE,
)
_NEXT_TIME = re.compile(
    r"\bnext\s+(?:time|roadmap|revision|iteration)|\b(?:revisiting|renewing|updating)\s+the\s+roadmap|\blater\b",
    re.IGNORECASE,
)
_TAKE_UP = re.compile(
    r"\b(?:take\s+(?:a\s+stab|on)|consider(?:ed)?|make\s+progress|start|get\s+to|pick\s+up|look\s+at)\b",
    re.IGNORECASE,
)
_PROSE = re.compile(
    r"^(?P<permits>(?:if|as)\s+time\s+permits,?\s*)?(?P<who>we|[\w’'/,& -]{2,50}?)\s+(?:will|"
    r"(?:is|are|am)\s+(?:also\s+)?(?:planning|going|aiming)\s+to|"
    r"(?:plans?|aims?|intends?)\s+to)\s+(?P<also>also\s+)?(?P<what>.+)$",
    re.IGNORECASE,
)
_LIGHT = re.compile(
    r"^(?:(?:also|will|be|to|is|are|probably|likely|then|further|work(?:ing)?\s+on|page\s+in|look(?:ing)?\s+(?:into|at)|do(?:ing)?|continue(?:\s+(?:to|with|on))?|"
    r"planning\s+to|start(?:ing)?\s+on|(?:make\s+)?progress\s+on|his|her|their|our|an?|the|some|few|a\s+few|a\s+bit\s+of|bit\s+of)\s+)+",
    re.IGNORECASE,
)
_PROSE_END = re.compile(
    r"\s+(?:together\s+with|in\s+collaboration\s+with|with\s+(?=(?-i:[A-Z][a-z]+)\b)|if\s+(?:time|the|we|it|they)|which|while|when|once|review\s+(?:from|by)|help\s+(?:from|by))\b|,\s",
    re.IGNORECASE,
)
_ONLY_NUMBERS = re.compile(r"(?:priorit(?:y|ies)|items?|and|or|to|[\W\d]|[PA]\d)*", re.IGNORECASE)


@dataclass
class Reference:
    """A milestone that a document refers to."""

    url: str
    path: str
    iid: int
    title: str | None = None
    status: str | None = None
    key: str | None = None


@dataclass
class Statement:
    """What became of something, by the words of a later revision."""

    text: str
    status: str | None
    refs: list[str] = field(
        default_factory=list
    )  # as written; they count in this or the previous revision
    urls: list[str] = field(default_factory=list)
    section: str = "carry_over"
    key: str | None = None
    previous_key: str | None = None


@dataclass
class Revision:
    """One document, read."""

    written: date
    name: str
    source: str
    layout: str
    previous: date | None = None
    next_update: Target | None = None
    horizon: Target | None = None
    entries: list[Entry] = field(default_factory=list)
    duties: list[tuple[Duty, str | None]] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    links: dict[str, list[str]] = field(default_factory=dict)
    list_items: int = 0
    placed_items: int = 0
    unplaced: list[str] = field(default_factory=list)


def milestone_of(url: str) -> tuple[str, str, int] | None:
    """Read a milestone's address: without query and fragment, its path, its number; else None.

    Examples
    --------
    >>> milestone_of("https://git.example.org/groups/sea/-/milestones/7?x=1#tab-issues")
    ('https://git.example.org/groups/sea/-/milestones/7', 'sea', 7)
    """
    return _numbered(url, _MILESTONE) or _numbered(url, _OLD_MILESTONE)


def _numbered(url: str, pattern: re.Pattern[str]) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(url)
        host = parts.netloc.lower()
    except ValueError:  # no address after all
        return None
    m = pattern.match(parts.path)
    if m is None or not host or len(m["iid"]) > 15:
        return None
    plain = f"{parts.scheme.lower()}://{host}{parts.path.rstrip('/')}"
    return plain, m["path"], int(m["iid"])


def read_document(
    record: Mapping[str, Any], *, names: Names, calendar: Mapping[str, tuple[date, date]]
) -> Revision:
    """Read one document.

    Parameters
    ----------
    record
        A document record: name, text, source, revision_hint.
    names
        Canonical handles; the names that the document itself makes known are added.
    calendar
        Named periods, first and last day.

    Raises
    ------
    RoadmapError
        Where the document is too long, or nothing tells its date.
    """
    name, text = str(record["name"]), str(record["text"])
    written = written_on(record)
    blocks = markdown.parse(_body(text))
    return _Reader(written, name, str(record.get("source") or name), blocks, names, calendar).read()


def _body(text: str) -> str:
    front = _FRONT.match(text)
    return text[front.end() :] if front else text


def written_on(record: Mapping[str, Any]) -> date:
    """Tell a document's date: from its name or source, its front matter, or its first heading.

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
    front = _FRONT.match(text)
    if not hint and front and (line := _DATE_LINE.search(front.group(1))):
        hint = line.group(1)
    if hint:
        try:
            return date.fromisoformat(str(hint))
        except ValueError as error:
            raise RoadmapError(
                f"Roadmap {name}: expected a date YYYY-MM-DD, got {hint!r}."
            ) from error
    for block in markdown.parse(_body(text))[:3]:
        if isinstance(block, Heading | Paragraph):
            for found in find(block.inline.text, date(2000, 1, 1)):
                if found.year and found.span:
                    return found.span[1]
    raise RoadmapError(
        f"Roadmap {name}: expected a date in the file name (2025-11-11-roadmap.md), as `date:` "
        f"at the top, or in "
        "the first heading, found none. Name the file by date."
    )


class _Reader:
    """Reads one document from the outside in: sections, dates, items, people, milestones."""

    def __init__(
        self,
        written: date,
        name: str,
        source: str,
        blocks: Sequence[Block],
        names: Names,
        calendar: Mapping[str, tuple[date, date]],
    ) -> None:
        self.out = Revision(written, name, source, "generic")
        self.names = names
        self.calendar = Calendar(periods=dict(calendar))
        self.passages = outline(blocks)
        self.headings = [block.inline.text for block in blocks if isinstance(block, Heading)]
        self.title = self.headings[0] if self.headings else ""
        self.generic = (
            not any(p.kind == "plan" for p, _ in lists(self.passages)) or self._is_generic()
        )
        self.items = Items(self.names, self._target)
        self.placed: set[int] = set()
        self.by_title: dict[str, str] | None = None  # of items, once all are read

    def _is_generic(self) -> bool:
        """Give a document that has none of the sections that only this kind of roadmap has."""
        kinds = {section_kind(heading) for heading in self.headings[1:]}
        return (
            not kinds & {"people", "previous", "progress", "milestones"}
            and not any(
                re.search(r"priorit|activit", p.heading + p.lead.text, re.IGNORECASE)
                for p, _ in lists(self.passages)
            )
            and not any(b.ordered and p.kind == "plan" for p, b in lists(self.passages))
        )

    def read(self) -> Revision:
        """Read it."""
        self._learn_names()
        self._revision()
        self.items.read(self.passages, self.generic)
        self.out.layout = self._layout()
        self._prose_items()
        self._people()
        self.items.by_key = dict(
            sorted(self.items.by_key.items(), key=lambda pair: _order_of(pair[0]))
        )
        self._deferred()
        self._targets_elsewhere()
        self._milestones()
        self._statements()
        self._finish()
        return self.out

    # Dates

    def _target(self, words: str, done: bool = False) -> Target | None:
        target = read_target(words, self.out.written, self.calendar)
        if target and target.end and done and not re.search(r"20\d\d", words):
            earlier = read_target(words, self.out.written - timedelta(days=365), self.calendar)
            if target.end > self.out.written and earlier and earlier.end:
                return earlier if earlier.end <= self.out.written else target  # "shipped in March"
        if target and done and target.flag:
            literal = read_target(words, date(1990, 1, 1), self.calendar)
            return literal if literal and literal.end and str(literal.end.year) in words else target
        return target

    def _sentences(self, *kinds: str) -> Iterable[tuple[Passage, Inline]]:
        for passage in self.passages:
            if isinstance(passage.block, Paragraph) and (not kinds or passage.kind in kinds):
                for sentence in sentences(passage.block.inline):
                    yield passage, sentence

    def _revision(self) -> None:
        self.out.previous = self._previous()
        self.out.next_update = self._next_update()
        renewal = _span(self.out.next_update)
        self.calendar = Calendar(self.calendar.periods, renewal)
        self.out.horizon = self._horizon()
        self.calendar = Calendar(self.calendar.periods, renewal, _span(self.out.horizon))

    def _previous(self) -> date | None:
        """Find the date of the roadmap before, by its address."""
        for passage in self.passages:
            for url in (url for inline in _inlines(passage.block) for url in inline.urls):
                path = _path_of(url)
                day = date_in(path)
                named = passage.kind == "previous" or "roadmap" in path.rpartition("/")[2].lower()
                told = passage.kind in ("previous", "progress", "top")
                if day and named and told and _real(day) and day < self.out.written.isoformat():
                    return date.fromisoformat(day)
        return None

    def _expression(self, sentence: str) -> Target | None:
        """Give the time expression within a sentence, with the words that lead into it."""
        found = [
            f
            for f in find(sentence, self.out.written, self.calendar)
            if f.span or f.end - f.start > 3
        ]
        if not found:
            return None
        best = next((f for f in found if f.span), found[0])
        start, end = expression(sentence, best.start, best.end)
        if best.span is None:
            return Target(sentence[start:end].strip())
        return read_target(sentence[start:], self.out.written, self.calendar)

    def _next_update(self) -> Target | None:
        for passage, sentence in self._all_sentences():
            if passage.kind in ("previous", "progress") and not re.search(
                r"\bnext\b|\bnew\s+roadmap\b|\bwe\s+(?:plan|will|aim)\b",
                sentence.text,
                re.IGNORECASE,
            ):
                continue
            text = sentence.text
            m = _RENEWS.search(text)
            if not m or not _PLANNED.search(text) or _WAS.search(text):
                continue
            told = re.match(r"[\w\s]{0,30},\s+which\b", text[m.end() :])
            if _NOT_WORKING.search(text) and not told:  # "not (4) before the next roadmap in May"
                continue
            # The words "next roadmap" are themselves a time expression: what counts stands beside
            # them.
            for part in (text[m.end() :], text[: m.start()]):
                target = self._expression(part)
                if target and target.end:
                    return target
        return None

    def _all_sentences(self) -> Iterable[tuple[Passage, Inline]]:
        yield from self._sentences()
        for passage, block in lists(self.passages):
            for item in block.items:
                for sentence in sentences(item.head):
                    yield passage, sentence

    def _horizon(self) -> Target | None:
        kinds = ("plan", "top", "estimate", "remarks", "unknown")
        for _, sentence in self._sentences(*kinds):
            if _ESTIMATE.search(sentence.text) and not _RENEWS.search(sentence.text):
                target = self._expression(sentence.text)
                if target and target.end:
                    return target
        for heading in self.headings:
            if (m := _WINDOW.search(heading)) and section_kind(heading) in ("plan", None):
                return read_target(heading[m.end() :].strip(), self.out.written, self.calendar)
        for _, sentence in self._sentences(*kinds):
            m = _WINDOW.search(sentence.text)
            if (
                m
                and (_FOCUS.search(sentence.text) or re.search(r"\bwork\s+on\b", sentence.text))
                and not _NOT_WORKING.search(sentence.text)
            ):
                return self._expression(sentence.text[m.start() :])
        return None

    # Items

    def _layout(self) -> str:
        kinds = {entry.kind for entry in self.items.by_key.values()}
        if self.generic:
            return "generic"
        fields = any(
            has_fields(item)
            for p, b in lists(self.passages)
            if role_of_list(p, b, self.generic) == "activities"
            for item in b.items
        )
        if "activity" in kinds and (
            fields or any("activit" in heading.lower() for heading in self.headings)
        ):
            return "activities"
        if "priority" in kinds:
            return "priorities"
        numbered = any(
            b.ordered
            for p, b in lists(self.passages)
            if role_of_list(p, b, self.generic) == "items"
        )
        return "numbered" if numbered else "generic"

    def _add_prose(
        self, title: str, words: Inline, source: str, target: Target | None, conditional: bool
    ) -> Entry:
        key, order = self.items.next_key("A", None)
        entry = Entry(
            key, None, "activity", order, title, source, target, False, conditional, inlines=[words]
        )
        self.items.by_key[key] = entry
        return entry

    def _prose_items(self) -> None:
        """Work that is promised in running text: "Ada and Bo will also look into ..."."""
        for sentence in first_paragraph_items(self.passages):
            self._add_prose(self._prose_title(sentence.text), sentence, "prose", None, False)
        if self.generic or self.out.layout == "numbered":
            return
        for passage, sentence in self._sentences("plan", "milestones", "remarks"):
            m = _PROSE.match(sentence.text)
            if not m or passage.kind == "remarks" or re.match(r"not\b", m["what"]):
                continue
            title = self._prose_title(m["what"])
            if _ONLY_NUMBERS.fullmatch(title):  # "we will also make progress on (3)"
                continue
            permits = bool(m["permits"]) or bool(
                re.search(r"\bif\s+time\s+permits\b", sentence.text, re.IGNORECASE)
            )
            who = re.split(r"\s*(?:,|/|&|\band\b)\s*", m["who"].strip())
            if m["who"].lower() == "we":
                if not (m["also"] or permits):
                    continue
            elif not (
                (permits or any(map(self.names.is_met, who)))
                and all(map(self.names.plausible, who))
            ):
                continue
            paragraph = passage.block.inline if isinstance(passage.block, Paragraph) else sentence
            entry = self._add_prose(
                title,
                paragraph,
                "prose",
                self._prose_target(m["what"]),
                permits,
            )
            passage.placed = True
            how = "if time permits" if permits else None
            people = [] if m["who"].lower() == "we" else [self.names.handle(name) for name in who]
            if beside := re.search(
                r"\b(?:together|jointly)\s+with\s+((?:[A-Z][\w-]+\s*){1,3})", m["what"]
            ):
                people += self.names.split(beside.group(1).strip())
            entry.duties += [Duty(person, "work", None, how) for person in people]

    def _prose_title(self, what: str) -> str:
        what = what.rstrip(". ")
        if end := _PROSE_END.search(what):
            what = what[: end.start()]
        what = _LIGHT.sub("", self._without_target(what))
        return title_of(Inline(re.sub(r"\s+that\s+(?:includes?|contains?)\b.*$", "", what)))

    def _without_target(self, what: str) -> str:
        """Cut a time expression at the end of a promise."""
        for found in find(what, self.out.written, self.calendar):
            start, _ = expression(what, found.start, found.end)
            told = found.span or re.match(r"before|until", what[start:])
            if start > 0 and found.end >= len(what.rstrip(". )")) and told:
                return what[:start].rstrip(" (")
        return what

    def _prose_target(self, what: str) -> Target | None:
        target = self._expression(what)
        return (
            target
            if target and (target.end or re.match(r"(?:for|before|until|by)\b", target.text))
            else None
        )

    def _deferred(self) -> None:
        """Items that the document says will have to wait, with everything below them."""
        keys = self.items.by_key
        later: set[str] = set()
        focus: set[str] = set()
        for _, sentence in self._all_sentences():
            text = sentence.text
            next_time = _NEXT_TIME.search(text)
            for clause in re.split(r";\s+|,\s+(?:and|but)\s+(?!\(|\d)", text):
                # "not (4) until (1) is done": what is waited for is not what waits.
                refs = references(re.split(r"\b(?:until|before|unless)\b", clause)[0], keys)
                if _FOCUS.search(clause):
                    focus.update(refs)
                elif (
                    _NOT_WORKING.search(clause)
                    or _OUT_OF_SCOPE.search(clause)
                    or (next_time and _TAKE_UP.search(clause))
                ):
                    later.update(refs)
        for entry in self.items.by_key.values():
            above = [entry.key[: m.start()] for m in re.finditer(r"\.", entry.key)]
            if any(key in later and key not in focus for key in [entry.key, *above]):
                entry.deferred = True

    def _targets_elsewhere(self) -> None:
        """Targets that stand in remarks or below people: "will do 4 with bo during 22-24 May"."""
        for passage, block in lists(self.passages):
            if not (passage.kind == "people" or passage.remarks):
                continue
            for item in (below for entry in block.items for below in entry.walk()):
                for sentence in sentences(item.head):
                    self._target_of_reference(sentence.text)

    def _target_of_reference(self, text: str) -> None:
        refs = references(text, self.items.by_key)
        if not refs or _NOT_WORKING.search(text):
            return
        found = find(text, self.out.written, self.calendar)
        for this in found:
            start, _ = expression(text, this.start, this.end)
            if re.match(
                r"(?:during|until|till|by|before|in|towards?|around|at\s+the\s+latest)\b",
                text[start:],
                re.IGNORECASE,
            ):
                target = read_target(text[start:], self.out.written, self.calendar)
                for key in refs:
                    entry = self.items.by_key[key]
                    entry.target = entry.target or target
                return

    # People

    def _learn_names(self) -> None:
        """Collect names from where only names stand, before anything is read about them."""
        for passage, block in lists(self.passages):
            for item in block.items:
                if passage.kind == "people":
                    self._learn_from_bullet(item)
                for below in item.walk():
                    label = _people_label(below.head)
                    if label:
                        for duty in assigned(label[2], label[1], self.names):
                            self.names.learn(duty.person)

    def _learn_from_bullet(self, item: Item) -> None:
        head = item.head.text.strip()
        if item.children:
            for name in self.names.split(head.rstrip(": ")):
                self.names.learn(name)
            return
        m = re.match(r"^([^\W\d_][\w.’'-]*\d*)(?::|\s+(?:is|has|will|does|[a-z]+s)\b)", head)
        if m and self.names.plausible(m.group(1)):
            self.names.learn(m.group(1))

    def _people(self) -> None:
        for passage, block in lists(self.passages):
            if role_of_list(passage, block, self.generic) == "people":
                passage.placed = True
                for item in block.items:
                    self._person(item)
        for entry in self.items.by_key.values():
            self.out.duties += [(duty, entry.key) for duty in entry.duties]
        self._people_of_milestones()

    def _person(self, item: Item) -> None:
        head = item.head
        name = head.text.strip().rstrip(": ")
        if item.children and self.names.split(name):
            self.placed |= {id(below) for below in item.walk()}
            for child in item.children:
                for words in _spelt_out(child):
                    self._duty(words, name)
            return
        prefix, colon, rest = head.text.partition(":")
        if colon and self.names.plausible(prefix) and rest.strip():
            found = self._duty(head[len(prefix) + 1 :].strip(), prefix)
        else:
            found = self._duty(head, None)
        if found:
            self.placed |= {id(below) for below in item.walk()}

    def _duty(self, inline: Inline, person: str | None) -> bool:
        read = duties(inline, person, self.names)
        if not read:
            return False
        entry = self._people_item(inline, read) if person else None
        for duty in read:
            keys = [entry.key] if entry else self._keys_of(duty)
            self.out.duties += [(duty, key) for key in keys] or [(duty, None)]
        return True

    def _keys_of(self, duty: Duty) -> list[str]:
        words = duty.words or ""
        refs = references(words, self.items.by_key)
        if refs:
            return refs
        return self._named(words)

    def _named(self, words: str) -> list[str]:
        """Find items whose title stands instead of their number: "hack in sigsum-py"."""
        if self.by_title is None:
            self.by_title = {
                entry.title.casefold(): key
                for key, entry in reversed(self.items.by_key.items())
                if re.search(r"\w[-./\s]\w", entry.title)
            }
        found = []
        spoken = words.casefold()
        for title, key in self.by_title.items():
            most = " " not in title or len(title) > 0.5 * len(words)
            if title in spoken and most:
                whole = rf"(?<![\w/-]){re.escape(title)}(?![\w/-])"
                found += [key] if re.search(whole, spoken) else []
        return found[::-1]

    def _people_item(self, inline: Inline, read: list[Duty]) -> Entry | None:
        """Take a bullet below a person that promises something new is an activity."""
        if self.out.layout not in ("priorities", "activities"):
            return None
        m = re.match(
            r"(?P<permits>if\s+time\s+permits\s*[:,]?\s*)?(?P<will>(?:also\s+)?(?:will|plans?\s+to|planning\s+to|aims?\s+to)\s+)?",
            inline.text,
            re.IGNORECASE,
        )
        if not m or not (m["permits"] or m["will"]) or self._keys_of(read[0]):
            return None
        if read[0].role == "input":  # "will discuss ..." is work of one's own
            read[0] = replace(read[0], role="work")
        if read[0].role != "work":
            return None
        rest = inline.text[m.end() :]
        light = re.sub(
            r"^(?:be\s+)?(?:work(?:ing)?\s+on|continue\s+(?:to\s+)?work(?:ing)?\s+on)\s+(?:(?:an?|the)\s+)?(?=\w)",
            "",
            rest,
            flags=re.IGNORECASE,
        )
        return self._add_prose(
            self._without_target(title_of(Inline(light))),
            inline,
            "people",
            self._prose_target(rest),
            bool(m["permits"]),
        )

    def _people_of_milestones(self) -> None:
        """Read requests below a milestone: "request from rgdd: filippo aims to ..."."""
        for passage, block in lists(self.passages):
            if passage.kind != "milestones":
                continue
            for item in block.items:
                for child in item.children:
                    text = re.sub(
                        r"^request(?:ed)?\s+(?:from|by)\s+[\w/]+\s*:\s*",
                        "",
                        child.head.text,
                        flags=re.IGNORECASE,
                    )
                    first = re.match(r"[\w/]+", text)
                    if first and all(self.names.is_known(n) for n in first.group().split("/")):
                        self.out.duties += [
                            (duty, None) for duty in duties(Inline(text), None, self.names)
                        ]

    # Milestones

    def _milestones(self) -> None:
        placed: dict[str, Reference] = {}
        for entry in self.items.by_key.values():
            for inline in entry.inlines:
                for reference, _ in self._references_in(inline, entry.title, entry.key):
                    _merge(placed, reference)
        for passage in self.passages:
            if isinstance(passage.block, ListBlock):
                for item in passage.block.items:
                    self._item_milestones(item, passage, placed)
            elif passage.kind != "previous":
                self._text_milestones(passage.block, placed)
                passage.placed |= passage.kind == "milestones" and isinstance(passage.block, Table)
        self.out.references = list(placed.values())

    def _text_milestones(self, block: Block, placed: dict[str, Reference]) -> None:
        if isinstance(block, Table):
            for row in block.rows:
                told = next(filter(None, (status_in(cell.text) for cell in row)), None)
                for reference, _ in (
                    found for cell in row for found in self._references_in(cell, row[0].text, None)
                ):
                    reference.status = told
                    _merge(placed, reference)
            return
        for sentence in (one for inline in _inlines(block) for one in sentences(inline)):
            for reference, words in self._references_in(sentence, None, None):
                reference.title = words or _milestone_words(sentence.text)
                reference.status = status_in(sentence.text)
                _merge(placed, reference)

    def _item_milestones(self, item: Item, passage: Passage, placed: dict[str, Reference]) -> None:
        if passage.kind == "previous":
            return
        head = item.head
        status = status_in(head.text)
        in_section = passage.kind == "milestones"
        verdict = self._verdict(passage) if passage.kind == "progress" else None
        refs = references(head.text, self.items.by_key)[:1] if passage.remarks else []
        for inline in item.inlines():
            whole = without_status(title_of(head), status) if head.bare else None
            for reference, words in self._references_in(inline, whole, None, changes=in_section):
                if words and inline is head:
                    reference.title = words
                if refs:
                    reference.title, reference.key = self.items.by_key[refs[0]].title, refs[0]
                reference.status = (
                    status if in_section or inline is head else status_in(inline.text)
                )
                reference.status = reference.status or (status_in(verdict) if verdict else None)
                _merge(placed, reference)
                if in_section:
                    self.placed |= {id(below) for below in item.walk()}

    def _references_in(
        self, inline: Inline, title: str | None, key: str | None, *, changes: bool = False
    ) -> Iterable[tuple[Reference, str | None]]:
        for link in inline.links:
            found = milestone_of(link.url) or (_numbered(link.url, _CHANGE) if changes else None)
            if found:
                words = inline.text[link.start : link.end]
                words_or_none = None if words.startswith("http") else words
                yield (
                    Reference(*found, title=words_or_none if title is None else title, key=key),
                    words_or_none,
                )

    # Carry-over

    def _statements(self) -> None:
        for passage in self.passages:
            if passage.kind not in ("progress", "milestones", "plan", "top"):
                continue
            if isinstance(passage.block, ListBlock):
                self._list_statements(passage, passage.block)
            elif isinstance(passage.block, Paragraph) and passage.kind == "progress":
                for sentence in sentences(passage.block.inline):
                    self._sentence_statement(sentence)

    def _list_statements(self, passage: Passage, block: ListBlock) -> None:
        role = role_of_list(passage, block, self.generic)
        if role == "carry_over":
            passage.placed = True
            verdict = self._verdict(passage)
            for item in block.items:
                self._add_statement(item, verdict, unfinished=True)
        elif role == "progress":
            for item in block.items:
                finished = "is done" if FINISHED.match(passage.lead.text) else None
                if finished or status_in(item.head.text) or ONGOING.search(item.head.text):
                    self._add_statement(item, finished, unfinished=False)
        elif role == "milestones":
            for item in block.items:
                if status_in(item.head.text) not in (None, "new"):
                    self._add_statement(item, None, unfinished=False, section="milestones")

    def _add_statement(
        self, item: Item, verdict: str | None, *, unfinished: bool, section: str = "carry_over"
    ) -> None:
        self.placed |= {id(below) for below in item.walk()}
        parts = [sentence.text for sentence in sentences(item.head)] or [item.text]
        telling = [part for part in parts if status_in(part) or ONGOING.search(part)]
        text = parts[0] if unfinished or not telling else telling[0]
        if (
            text not in parts[:1] and len(text.split()) < 4
        ):  # "Not done yet." says nothing without what stands before it
            text = item.head.text
        status = status_in(item.head.text) or (status_in(verdict) if verdict else None)
        if status is None and not unfinished:
            status = "continued"
        text = (
            re.sub(r"\s*\((?:continued|backlogged|done|new)[^()]*\)\s*$", "", text)
            .rstrip(". ")
            .strip()
        )
        urls = [url for inline in item.inlines() for url in inline.urls]
        refs = re.findall(r"\S*\(?\d[^,;.]*", text)[:3]
        self.out.statements.append(Statement(text, carried(status), refs, urls, section))

    def _verdict(self, passage: Passage) -> str | None:
        """Tell what the sentence behind a list says about everything in it."""
        after, lead = passage.after.text, passage.lead.text
        if VERDICT.search(after) and status_in(after):
            return after
        return lead if re.search(r"\bfollowing\b", lead) and status_in(lead) else None

    def _sentence_statement(self, sentence: Inline) -> None:
        text = sentence.text
        status = status_in(text) or ("continued" if ONGOING.search(text) else None)
        if NO_LONGER.search(text):
            status = "backlogged"
        if (
            (status is None and not CYCLES.search(text))
            or VERDICT.match(text)
            or text.endswith(":")
        ):
            return
        named = [sentence.text[link.start : link.end] for link in sentence.links]
        urls = sentence.urls
        if len(named) > 1 and status in ("done", "backlogged", "continued"):
            for words, url in zip(named, urls, strict=True):
                self.out.statements.append(
                    Statement(f"{text.rstrip('.')} ({words})", carried(status), [], [url])
                )
            return
        self.out.statements.append(Statement(text.rstrip("."), carried(status), [], urls))

    # What is left

    def _finish(self) -> None:
        self.placed |= self.items.placed
        self.out.entries = list(self.items.by_key.values())
        for entry in self.items.by_key.values():
            self.out.links[entry.key] = list(
                dict.fromkeys(url for inline in entry.inlines for url in inline.urls)
            )
        for passage in self.passages:
            self._count(passage)

    def _count(self, passage: Passage) -> None:
        if not isinstance(passage.block, ListBlock):
            if isinstance(passage.block, Table):  # a row counts like an entry of a list
                self.out.list_items += len(passage.block.rows)
                self.out.placed_items += len(passage.block.rows) if passage.placed else 0
            if not passage.placed:
                self.out.unplaced.append(_text(passage.block))
            return
        below = [entry for item in passage.block.items for entry in item.walk()]
        previous = (
            passage.kind == "previous"
            or role_of_list(passage, passage.block, self.generic) == "previous"
        )
        self.out.list_items += len(below)
        for entry in below:
            if id(entry) in self.placed or (previous and self.out.previous):
                self.out.placed_items += 1
            else:
                self.out.unplaced.append(entry.head.text)


def _spelt_out(item: Item) -> list[Inline]:
    """Read a lead-in with bullets below ("If time permits:") as one sentence per bullet."""
    head = item.head.text.strip()
    permits = re.fullmatch(r"(?:if|as|when)\s+time\s+(?:permits|allows)\W*", head, re.IGNORECASE)
    if not item.children or not (permits or head.endswith(":")):
        return [item.head]
    lead = f"{head.rstrip(': ')}{': ' if permits else ' '}"
    return [
        Inline(
            lead + child.head.text,
            tuple(
                Link(link.start + len(lead), link.end + len(lead), link.url)
                for link in child.head.links
            ),
        )
        for child in item.children
    ]


def _order_of(key: str) -> tuple[int, tuple[int, ...]]:
    """Numbered items and priorities before activities, each by number."""
    return "A" in key, tuple(int(part) for part in re.findall(r"\d+", key))


def _merge(placed: dict[str, Reference], reference: Reference) -> None:
    """One row per address: the first words and the first status win, and so does an item."""
    known = placed.setdefault(reference.url, reference)
    known.status = known.status or reference.status
    known.key = known.key or reference.key
    known.title = known.title or reference.title


def _milestone_words(text: str) -> str | None:
    m = re.search(
        r"\bmilestone\s+(?:for|about|that\s+tracks)\s+(?:tracking\s+)?(?:our\s+|the\s+)?(.+?)\s*:?\s*(?:https?://|$)",
        text,
    )
    return m.group(1).rstrip(":") if m else None


def _span(target: Target | None) -> tuple[date, date] | None:
    return (target.start or target.end, target.end) if target and target.end else None


def _real(day: str) -> bool:
    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    return True


def _path_of(url: str) -> str:
    """Give the path of an address; the address itself where it is none."""
    try:
        return urlsplit(url).path
    except ValueError:
        return url


def _people_label(head: Inline) -> tuple[str, list[str], str] | None:
    """Read a label of people in front of a list entry's text."""
    label = label_of(head.text)
    return label if label and label[0] == "people" else None


def _inlines(block: Block) -> Iterable[Inline]:
    if isinstance(block, Paragraph | Heading):
        return [block.inline]
    if isinstance(block, ListBlock):
        return [inline for item in block.items for inline in item.inlines()]
    if isinstance(block, Table):
        return [cell for row in [block.head, *block.rows] for cell in row]
    return [Inline(block.text)]


def _text(block: Block) -> str:
    return " ".join(inline.text for inline in _inlines(block))
