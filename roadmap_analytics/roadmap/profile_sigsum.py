"""The layouts of one team's roadmaps: numbered points, priorities, activities, people, progress.

This profile is used where a document bears its signature, or `roadmap.toml` names it. It says what
sections of these documents are for, and reads sentences about people, dates and what became of
things. A list in a section that it does not know goes to the generic reader, so that nothing
vanishes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from roadmap_analytics.roadmap.fields import Entry, Words, label_of, people_in
from roadmap_analytics.roadmap.items import Items, Place
from roadmap_analytics.roadmap.language import references, sentences, title_of
from roadmap_analytics.roadmap.lines import Reading
from roadmap_analytics.roadmap.links import change_of, milestone_of, path_of
from roadmap_analytics.roadmap.markdown import (
    Block,
    Heading,
    Inline,
    Item,
    ListBlock,
    Paragraph,
    Table,
    inlines_of,
)
from roadmap_analytics.roadmap.people import Duty, Names, duties
from roadmap_analytics.roadmap.sources import date_in
from roadmap_analytics.roadmap.statements import (
    FINISHED,
    VERDICT,
    Mention,
    Statement,
    became,
    milestones_in,
    renewal_in,
    statements_in,
    status_in,
    without_status,
)
from roadmap_analytics.roadmap.targets import Target, expression, read_target
from roadmap_analytics.roadmap.vocabulary import PERMITS, pattern, vocabulary

__all__ = ["read", "section_kind", "signed"]

YEAR_OF_WINDOW = "before the document: read as the year within the window that the heading sets"

# What sections are for, by their headings; the first row that fits decides.
_KINDS = vocabulary(r"""
plan: ^\W*(?:work )?in progress\W*$
previous: \b(?:previous|last|earlier) (?:\w+ )?(?:roadmap|revision|version)s?\b
progress: \b(?:progress|summary|changes?|differences?|highlights?|since|carr(?:y|ied)[\s-]?over)\b
future: \b(?:happens?|comes?|next|plans?) after\b|\bbeyond\b|\bfuture\b
    \bwhat'?s? (?:is )?next\b|\bnext steps\b
people: \b(?:people|responsibilit\w*|team|who|roles?|persons?)\b
milestones: \bmilestones?\b
estimate: \b(?:time\s*)?estimates?\b|\btime\s*frames?\b|\bhorizon\b
remarks: ^(?:\w+ )?(?:remarks?|notes?|comments?|background|introduction|about|contact|contents?)\b
plan: \broad\s*map\b|\b(?:priorit(?:y|ies)|activit(?:y|ies)|plans?|planned|goals?|focus)\b
    \b(?:items?|now|upcoming|done)\b
""")
# Headings and phrases that only these documents have.
_TELLING = vocabulary(
    r"""
activities: ^main activities\b
progress: ^summary of (?:changes|progress)\b
milestones: ^concrete milestones$
future: ^what happens after\b
renewal: \b(?:new|next) roadmap (?:will be|update|renewal|is\b)
cycles: \bdid not have enough (?:cycles|time) to\b
order: \bin (?:rough|roughly this) order\b
driver: \bmain driver of\b
deferred: \bwe will not be working on \(
""",
    lead="(?m)",
)
_LEAD = 400  # characters of a paragraph that lead into what follows
_NEAR = 6  # paragraphs above a block that may belong to it
_REMARKS = pattern(r"^(?:remarks?|notes?|comments?|see also|for (?:tracking|more|further))\b")
_ORDER_OF_PRIORITY = pattern(r"\border of priorit")
_PRIORITIES = pattern(r"\bpriorities\b")
_ACTIVITIES = pattern(
    r"\bactivit(?:y|ies)\b|\bwork(?:ing)? on\b|\bwill (?:mainly )?(?:be )?(?:do|work)"
)
_UNFINISHED = pattern(
    r"\b(?:not|n't|unable)\b.*\b(?:cycles|time|enough|complete|finish|manage|able|get to)|"
    r"\b(?:unfinished|backlogged|postponed|continued)\b|\bcarr(?:y|ied)[\s-]?over\b"
)
_LOOKS_AHEAD = pattern(r"\bnext\b|\bnew roadmap\b|\bwe (?:plan|will|aim)\b")
_ESTIMATE = pattern(
    r"\b(?:estimated?|expect)\b.*\b(?:above|all|overall|whole|roadmap|everything)\b",
    r"\b(?:above|all|overall|whole|everything)\b.*\bestimated?\b",
)
_WINDOW = pattern(r"\b(?:until|till|through|up to)\b")
_WORKS = pattern(r"\b(?:mainly|primarily|focus(?:ed|ing)?|best[\s-]effort|work on)\b")
_NOT_WORKING = pattern(
    r"(?:\b(?:not|no)|n['’]t) (?:\w+ ){0,3}(?:work(?:ing)? on|start(?:ing)?|focus|do(?:ing)?|plan)",
    r"\b(?:postponed?|deferred?|on (?:hold|ice)|backlogged|parked|paused|will wait)\b",
    r"\b(?:not|n['’]t) (?:\w+ )?in scope\b|\bout of scope\b",
)
_NEXT_TIME = pattern(r"\bnext (?:time|roadmap|iteration)|\b(?:revisit|renew)ing the roadmap")
_TAKE_UP = pattern(r"\b(?:take a stab|consider(?:ed)?|make progress|start|get to|pick up)\b")
_PROSE = pattern(
    r"^(?P<permits>(?:if|as) time permits,?\s*)?(?P<who>we|[\w’'/,& -]{2,50}?) (?:will|"
    r"(?:is|are|am) (?:also )?(?:planning|going|aiming) to|(?:plans?|aims?|intends?) to) "
    r"(?P<also>also )?(?P<what>.+)$"
)
_LIGHT = pattern(
    r"^(?:(?:also|be|likely|work(?:ing)? on|page in|look(?:ing)? (?:into|at)|do(?:ing)?|"
    r"continue(?: (?:to|with|on))?|make progress on|his|her|their|our|an?|the|some|few|bit of) )+"
)
_PROSE_END = re.compile(
    r"\s+(?:(?i:together\s+with|in\s+collaboration\s+with|if\s+(?:time|the|we)|which|while|when|once|"
    r"(?:review|help)\s+(?:from|by))|with(?=\s+[A-Z][a-z]+\b))\b|,\s"
)
_WITH_NAMES = re.compile(r"\b(?:together|jointly)\s+with\s+((?:[A-Z][\w-]+\s*){1,3})")
_PERMITS = pattern(r"\bif time permits\b")
_LEADS_TO_DATE = pattern(r"(?:during|until|till|by|before|in|towards?|around)\b")
_PROMISES = pattern(
    r"(?P<permits>if time permits\s*[:,]?\s*)?(?:(?:also )?(?:will|(?:plan|aim)(?:s|ning)? to) )?"
)
_WORKS_ON = pattern(r"^(?:be )?(?:continue (?:to )?)?work(?:ing)? on (?:(?:an?|the) )?(?=\w)")
_REQUEST = pattern(r"^request(?:ed)? (?:from|by) [\w/]+\s*:\s*")
_JOINED = re.compile(r"\s*(?:,|/|&|\band\b)\s*")
_MILESTONE_FOR = pattern(
    r"\bmilestone (?:for|about|that tracks) (?:tracking )?(?:our |the )?(.+?):?\s*(?:https?://|$)"
)


@dataclass
class _Passage:
    """A block in its place."""

    block: Block
    kind: str  # of its section
    headings: tuple[str, ...]  # from the top
    lead: str = ""  # "The current priorities are as follows:"
    before: list[Paragraph] = field(default_factory=list)  # above it in the section
    after: str = ""  # the paragraph after it

    @cached_property
    def remarks(self) -> bool:
        """Whether its lead-in says that it holds notes."""
        return bool(_REMARKS.match(self.lead))

    @cached_property
    def role(self) -> str:
        """What a list holds.

        One of priorities, items, activities, people, milestones, carry_over, previous, progress,
        text.
        """
        if self.remarks or self.kind in ("future", "estimate", "remarks"):
            return "text"
        if self.kind in ("previous", "people", "milestones"):
            return self.kind
        unfinished = _UNFINISHED.search(self.lead or (self.headings or ("",))[-1])
        if self.kind == "progress" or (self.lead and unfinished):
            return "carry_over" if unfinished else "progress"
        return self._role_in_plan()

    def _role_in_plan(self) -> str:
        words = f"{(self.headings or ('',))[-1]} {self.lead}"
        active = _ACTIVITIES.search(words)
        if not isinstance(self.block, ListBlock):
            return "activities" if active else "items"
        described = sum(map(_has_fields, self.block.items))
        if described and not self.block.ordered and described * 2 >= len(self.block.items):
            return "activities"
        if _ACTIVITIES.search(self.lead):
            return "activities"
        if _PRIORITIES.search(words) and not _ORDER_OF_PRIORITY.search(words):
            return "priorities"
        return "activities" if active or described else "items"

    @property
    def verdict(self) -> str | None:
        """The sentence beside a list that speaks of everything in it."""
        leads = self.after.rstrip().endswith(":")  # into the next list
        if VERDICT.search(self.after) and status_in(self.after) and not leads:
            return self.after
        return self.lead if "following" in self.lead and status_in(self.lead) else None


@dataclass
class _Sheet:
    """One document while it is read."""

    passages: list[_Passage]
    headings: list[str]
    items: Items
    duties: list[tuple[Duty, str | None]] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    layout: str = "generic"

    @property
    def words(self) -> Words:
        """What its words are read against."""
        return self.items.words

    @property
    def entries(self) -> dict[str, Entry]:
        """The items found so far, by key."""
        return self.items.by_key

    def know(self, **context: Any) -> None:
        """Remember what "the next roadmap" or "the end of the roadmap" means."""
        words = self.items.words
        self.items.words = replace(words, calendar=replace(words.calendar, **context))

    def paragraphs(self, *kinds: str) -> Iterator[tuple[_Passage, Inline]]:
        """Yield the sentences of running text, of some kinds of sections."""
        for passage in self.passages:
            if isinstance(passage.block, Paragraph) and (not kinds or passage.kind in kinds):
                for sentence in sentences(passage.block.inline):
                    yield passage, sentence

    def sentences(self) -> Iterator[tuple[_Passage, Inline]]:
        """Yield the sentences of running text, then those of list entries."""
        yield from self.paragraphs()
        for passage, block in self.lists():
            for item in block.items:
                for sentence in sentences(item.head):
                    yield passage, sentence

    def lists(self, *roles: str) -> Iterator[tuple[_Passage, ListBlock]]:
        """Yield the passages that are lists, of some roles."""
        for passage in self.passages:
            if isinstance(passage.block, ListBlock) and (not roles or passage.role in roles):
                yield passage, passage.block


def signed(blocks: Sequence[Block]) -> bool:
    """Whether a document bears the signature: two telling signs."""
    text = "\n".join(inline.text.strip() for inline in inlines_of(blocks))
    return sum(bool(sign.search(text)) for _, sign in _TELLING) >= 2


def section_kind(heading: str) -> str | None:
    """Name what a section is for, by its heading; None where the words are not known.

    Examples
    --------
    >>> section_kind("Main activities until the end of May"), section_kind("Progress since May")
    ('plan', 'progress')
    """
    return next((kind for kind, words in _KINDS if words.search(heading)), None)


def read(blocks: Sequence[Block], items: Items) -> dict[str, Any]:
    """Read a document into `items`; return what else a revision holds, by name."""
    headings = [block for block in blocks if isinstance(block, Heading)]
    sheet = _Sheet(_passages(blocks), [h.inline.text for h in headings], items)
    for heading in headings:
        kind = section_kind(heading.inline.text)
        items.claim(heading, "heading", f"section: {kind}" if kind else "heading")
    _learn_names(sheet)
    found: dict[str, Any] = {"previous": _previous(sheet), "next_update": _next_update(sheet)}
    sheet.know(renewal=_span(found["next_update"]))
    found["horizon"] = _horizon(sheet)
    sheet.know(horizon=_span(found["horizon"]))
    _read_lists(sheet)
    sheet.layout = found["layout"] = _layout(sheet)
    _prose_items(sheet)
    _people(sheet)
    items.by_key = dict(sorted(sheet.entries.items(), key=lambda pair: _order_of(pair[0])))
    _deferred(sheet)
    _targets_elsewhere(sheet)
    _fit_years(sheet, found["horizon"])
    found["references"] = milestones_in(sheet.entries.values(), _mentions(sheet))
    _statements(sheet)
    _leftovers(sheet)
    return found | {"duties": sheet.duties, "statements": sheet.statements}


def _passages(blocks: Sequence[Block]) -> list[_Passage]:
    """Give every block its section, the paragraph that leads into it, and the one that follows."""
    out: list[_Passage] = []
    stack: list[tuple[int, str, str]] = []
    above: list[Paragraph] = []
    for index, block in enumerate(blocks):
        if isinstance(block, Heading):
            stack = [entry for entry in stack if entry[0] < block.level]
            outer = stack[-1][2] if stack else "top"
            kind = section_kind(block.inline.text) if block.level > 1 or stack else None
            # A title names the document; only sections below it say what their text is for.
            inherited = "top" if block.level == 1 else "unknown" if outer == "top" else outer
            stack.append((block.level, block.inline.text.strip(), kind or inherited))
            above = []
            continue
        after = blocks[index + 1] if index + 1 < len(blocks) else None
        passage = _Passage(
            block,
            stack[-1][2] if stack else "top",
            tuple(text for _, text, _ in stack),
            before=above[-_NEAR:],
            after=after.inline.text if isinstance(after, Paragraph) else "",
        )
        if isinstance(block, Paragraph):
            above.append(block)
        elif above and above[-1].inline.text.rstrip().endswith(":"):
            passage.lead = above[-1].inline.text[-_LEAD:]
        out.append(passage)
    return out


# What lists hold ----------------------------------------------------------------------------------


def _has_fields(item: Item) -> bool:
    """Whether an entry is described by labelled values below it ("Work by: ada")."""
    below = [child.head for child in item.children] + item.paragraphs
    return any(label_of(text.text) for text in below)


def _read_lists(sheet: _Sheet) -> None:
    letters = {"priorities": "P", "activities": "A", "items": ""}
    for passage in sheet.passages:
        block = passage.block
        if not isinstance(block, ListBlock | Table) or passage.role not in letters:
            continue
        place = Place(letter=letters[passage.role], notes=True, inherit=False)
        if passage.kind == "unknown":  # a section of another kind: its headings speak
            for heading in passage.headings:
                given = place.given.under(heading, sheet.words)
                place = replace(place, given=given, inherit=True)
        if isinstance(block, Table):
            sheet.items.table(block, place)
        else:
            for item in block.items:
                sheet.items.add(item, place)


def _layout(sheet: _Sheet) -> str:
    kinds = {entry.kind for entry in sheet.entries.values()}
    fields = any(map(_has_fields, (i for _, b in sheet.lists("activities") for i in b.items)))
    if "activity" in kinds and (fields or any("activit" in h.lower() for h in sheet.headings)):
        return "activities"
    if "priority" in kinds:
        return "priorities"
    return "numbered" if any(block.ordered for _, block in sheet.lists("items")) else "generic"


# Dates of the whole -------------------------------------------------------------------------------


def _previous(sheet: _Sheet) -> date | None:
    """Find the date of the roadmap before, by its address."""
    for inline in inlines_of(passage.block for passage in sheet.passages):
        for path in map(path_of, inline.urls):
            try:
                day = date.fromisoformat(date_in(path) or "")
            except ValueError:  # no date, or 30 February
                continue
            if "roadmap" in path.rpartition("/")[2].lower() and day < sheet.words.written:
                return day
    return None


def _next_update(sheet: _Sheet) -> Target | None:
    for passage, sentence in sheet.sentences():
        past = passage.kind in ("previous", "progress") and not _LOOKS_AHEAD.search(sentence.text)
        target = None if past else renewal_in(sentence.text, sheet.words)
        if target:
            _claim(sheet, passage, "date", "next update of the roadmap", target)
            return target
    return None


def _horizon(sheet: _Sheet) -> Target | None:
    kinds = ("plan", "top", "estimate", "remarks", "unknown")
    for passage, sentence in sheet.paragraphs(*kinds):
        target = _ESTIMATE.search(sentence.text) and sheet.words.expression(sentence.text)
        if target and target.end:
            _claim(sheet, passage, "date", "estimate of the whole", target)
            return target
    for heading in sheet.headings:
        if (m := _WINDOW.search(heading)) and section_kind(heading) in ("plan", None):
            return sheet.words.target(heading[m.end() :].strip())
    for passage, sentence in sheet.paragraphs(*kinds):
        m = _WINDOW.search(sentence.text)
        if m and _WORKS.search(sentence.text) and not _NOT_WORKING.search(sentence.text):
            target = sheet.words.expression(sentence.text[m.start() :])
            _claim(sheet, passage, "date", "window of the roadmap", target)
            return target
    return None


def _claim(
    sheet: _Sheet, passage: _Passage, reading: str, why: str, target: Target | None = None
) -> None:
    if isinstance(passage.block, Paragraph):
        said = {"field": "target", "value": target.text} if target else {}
        sheet.items.claim(passage.block, reading, why, **said)


def _fit_years(sheet: _Sheet, horizon: Target | None) -> None:
    """Take a stale year as the one that lies within the window which the heading itself sets.

    A date before the document among "Main activities until mid January, 2026" contradicts the
    heading; the year after it does not. Both the date and the reason stay visible in the flag.
    """
    until = horizon.end if horizon else None
    for entry in sheet.entries.values():
        target = entry.target
        if until is None or entry.kind != "activity" or target is None or not target.stale:
            continue
        try:
            start, end = (d and d.replace(year=d.year + 1) for d in (target.start, target.end))
        except ValueError:  # 29 February
            continue
        if end and sheet.words.written <= end <= until + timedelta(days=31):
            entry.target = Target(target.text, start, end, YEAR_OF_WINDOW)


def _span(target: Target | None) -> tuple[date, date] | None:
    return (target.start or target.end, target.end) if target and target.end else None


# Items of running text ----------------------------------------------------------------------------


def _promised(sheet: _Sheet, title: str, words: Inline, block: Paragraph | Item, why: str) -> Entry:
    """Add an activity that a sentence promises."""
    below = isinstance(block, Item)
    source = "people" if below else "prose"
    entry = Entry("", None, "activity", 0, title, source, block.line)
    sheet.items.take(entry, Place(letter="A"))
    entry.inlines.append(words)
    end = block.line + 1 if below else block.end
    reading = Reading(block.line, end, "item", why, entry.key, "title", title)
    # It goes before the person that it stands below, but not before a date of the whole.
    sheet.items.readings.insert(0 if below else len(sheet.items.readings), reading)
    return entry


def _prose_items(sheet: _Sheet) -> None:
    """Work that is promised in running text: "Ada and Bo will also look into ..."."""
    for passage, _ in sheet.lists():
        # What stands above a list that begins with "Then" ranks before the list.
        above = passage.before[-2:-1]
        if above and passage.kind == "plan" and re.match(r"(?:Then|After\s+that)\b", passage.lead):
            words = sentences(above[0].inline)[0]
            title = _prose_title(sheet, words.text)
            _promised(sheet, title, words, above[0], "promised in running text")
    if sheet.layout in ("generic", "numbered"):
        return
    for passage, sentence in sheet.paragraphs("plan", "milestones"):
        m = _PROSE.match(sentence.text)
        if m and isinstance(passage.block, Paragraph) and not re.match(r"not\b", m["what"]):
            _prose_item(sheet, passage.block, sentence.text, m)


def _prose_item(sheet: _Sheet, block: Paragraph, text: str, m: re.Match[str]) -> None:
    names, title = sheet.words.names, _prose_title(sheet, m["what"])
    if not re.search(r"[^\W\d]{2}", title):  # "we will also make progress on (3)"
        return
    permits = bool(_PERMITS.search(text))
    who = [] if m["who"].lower() == "we" else _JOINED.split(m["who"].strip())
    known = permits or any(map(names.is_person, who)) or bool(m["also"] and not who)
    if not known or not all(map(names.plausible, who)):
        return
    entry = _promised(sheet, title, block.inline, block, "promised in running text")
    entry.target, entry.conditional = _prose_target(sheet, m["what"]), permits
    people = [names.handle(name) for name in who]
    if beside := _WITH_NAMES.search(m["what"]):
        people += names.split(beside.group(1).strip())
    how = "if time permits" if permits else None
    entry.duties += [Duty(person, "work", None, how) for person in people]


def _prose_title(sheet: _Sheet, what: str) -> str:
    what = what.rstrip(". ")
    if end := _PROSE_END.search(what):
        what = what[: end.start()]
    what = _LIGHT.sub("", _without_target(sheet, what))
    return title_of(Inline(re.sub(r"\s+that\s+(?:includes?|contains?)\b.*$", "", what)))


def _without_target(sheet: _Sheet, what: str) -> str:
    """Cut a time expression at the end of a promise."""
    for found in sheet.words.find(what):
        start, _ = expression(what, found.start, found.end)
        told = found.span or re.match(r"before|until", what[start:])
        if start > 0 and found.end >= len(what.rstrip(". )")) and told:
            return what[:start].rstrip(" (")
    return what


def _prose_target(sheet: _Sheet, what: str) -> Target | None:
    target = sheet.words.expression(what)
    leads = target and re.match(r"(?:for|before|until|by)\b", target.text)
    return target if target and (target.end or leads) else None


def _deferred(sheet: _Sheet) -> None:
    """Items that the document says will have to wait, with everything below them."""
    later: set[str] = set()
    for _, sentence in sheet.sentences():
        next_time = _NEXT_TIME.search(sentence.text)
        for clause in re.split(r";\s+|,\s+(?:and|but)\s+(?!\(|\d)", sentence.text):
            # "not (4) until (1) is done": what is waited for is not what waits.
            waits = re.split(r"\b(?:until|before|unless)\b", clause)[0]
            if _NOT_WORKING.search(clause) or (next_time and _TAKE_UP.search(clause)):
                later.update(references(waits, sheet.entries))
    for entry in sheet.entries.values():
        above = [entry.key[: m.start()] for m in re.finditer(r"\.", entry.key)]
        entry.deferred |= not later.isdisjoint([entry.key, *above])


def _targets_elsewhere(sheet: _Sheet) -> None:
    """Targets that stand in remarks or below people: "will do 4 with bo during 22-24 May"."""
    for passage, block in sheet.lists():
        if passage.kind == "people" or passage.remarks:
            for item in (below for entry in block.items for below in entry.walk()):
                for sentence in sentences(item.head):
                    if _target_of_reference(sheet, sentence.text):
                        sheet.items.claim(item, "date", "target of an item elsewhere")


def _target_of_reference(sheet: _Sheet, text: str) -> bool:
    refs = references(text, sheet.entries)
    if not refs or _NOT_WORKING.search(text):
        return False
    for this in sheet.words.find(text):
        start, _ = expression(text, this.start, this.end)
        if _LEADS_TO_DATE.match(text[start:]):
            target = read_target(text[start:], sheet.words.written, sheet.words.calendar)
            for key in refs:
                sheet.entries[key].target = sheet.entries[key].target or target
            return True
    return False


# People -------------------------------------------------------------------------------------------


def _learn_names(sheet: _Sheet) -> None:
    """Collect names from where only names stand, before anything is read about them."""
    names = sheet.words.names
    for passage, block in sheet.lists():
        for item in block.items:
            if passage.kind == "people":
                _learn_from_bullet(names, item)
            for name in people_in((below.head for below in item.walk()), names):
                names.learn(name)


def _learn_from_bullet(names: Names, item: Item) -> None:
    head = item.head.text.strip()
    if item.children:
        for name in names.split(head.rstrip(": ")):
            names.learn(name)
        return
    m = re.match(r"^([^\W\d_][\w.’'-]*\d*)(?::|\s+(?:is|has|will|does|[a-z]+s)\b)", head)
    if m and names.plausible(m.group(1)):
        names.learn(m.group(1))


def _people(sheet: _Sheet) -> None:
    names = sheet.words.names
    for _, block in sheet.lists("people"):
        for item in block.items:
            _person(sheet, item)
    sheet.duties += [(duty, e.key) for e in sheet.entries.values() for duty in e.duties]
    for _, block in sheet.lists("milestones"):
        for child in (child for item in block.items for child in item.children):
            # It may begin with who asked for it: "request from rgdd: filippo aims to ..."
            text = _REQUEST.sub("", child.head.text)
            first = re.match(r"[\w/]+", text)
            if first and all(map(names.is_known, first.group().split("/"))):
                sheet.duties += [(duty, None) for duty in duties(Inline(text), None, names)]


def _person(sheet: _Sheet, item: Item) -> None:
    head = item.head
    name = head.text.strip().rstrip(": ")
    names = sheet.words.names
    if item.children and names.split(name):
        sheet.items.claim(item, "person", "person with duties below", None, "people", name)
        for child in item.children:
            for words in _spelt_out(child):
                _duty(sheet, words, name, child)
        return
    prefix, colon, rest = head.text.partition(":")
    if colon and names.plausible(prefix) and rest.strip():
        found = _duty(sheet, head[len(prefix) + 1 :].strip(), prefix, item)
    else:
        found = _duty(sheet, head, None, item)
    if found:
        sheet.items.claim(item, "person", "sentence about a person", None, "people", found)


def _spelt_out(item: Item) -> list[Inline]:
    """Read a lead-in with bullets below ("If time permits:") as one sentence per bullet."""
    head = item.head.text.strip()
    permits = PERMITS.fullmatch(head)
    if not item.children or not (permits or head.endswith(":")):
        return [item.head]
    lead = f"{head.rstrip(': ')}{': ' if permits else ' '}"
    return [Inline(lead) + below.head for below in item.children]


def _duty(sheet: _Sheet, inline: Inline, person: str | None, item: Item) -> str | None:
    """Read what a bullet says of a person; give the names that it is about."""
    read = duties(inline, person, sheet.words.names)
    if not read:
        return None
    by_title = {  # titles of more than one word may stand for the number of an item
        entry.title.casefold(): key
        for key, entry in reversed(sheet.entries.items())
        if entry.source not in ("people", "prose") and re.search(r"\w[-./\s]\w", entry.title)
    }
    entry = _people_item(sheet, inline, read, by_title, item) if person else None
    for duty in read:
        keys = [entry.key] if entry else _keys_of(sheet, duty, by_title)
        sheet.duties += [(duty, key) for key in keys] or [(duty, None)]
    return ", ".join(dict.fromkeys(duty.person for duty in read))


def _keys_of(sheet: _Sheet, duty: Duty, by_title: dict[str, str]) -> list[str]:
    """Find items by number, or by a title that stands instead: "hack in sigsum-py"."""
    if refs := references(duty.words, sheet.entries):
        return refs
    spoken = duty.words.casefold()
    found = [
        key
        for title, key in by_title.items()
        if title in spoken
        and (" " not in title or len(title) > 0.5 * len(spoken))
        and re.search(rf"(?<![\w/-]){re.escape(title)}(?![\w/-])", spoken)
    ]
    return found[::-1]


def _people_item(
    sheet: _Sheet, inline: Inline, read: list[Duty], by_title: dict[str, str], item: Item
) -> Entry | None:
    """Take a bullet below a person that promises something new as an activity."""
    m = _PROMISES.match(inline.text)
    if sheet.layout not in ("priorities", "activities") or not m or not m.group():
        return None
    if _keys_of(sheet, read[0], by_title):
        return None
    if read[0].role == "input":  # "will discuss ..." is work of one's own
        read[0] = replace(read[0], role="work")
    if read[0].role != "work":
        return None
    rest = inline.text[m.end() :]
    title = _without_target(sheet, title_of(Inline(_WORKS_ON.sub("", rest))))
    entry = _promised(sheet, title, inline, item, "promised below a person")
    entry.target, entry.conditional = _prose_target(sheet, rest), bool(m["permits"])
    return entry


# Milestones ---------------------------------------------------------------------------------------


def _mentions(sheet: _Sheet) -> Iterator[Mention]:
    """Yield the texts that may link to milestones, with what stands beside them."""
    for passage in sheet.passages:
        block = passage.block
        if passage.kind == "previous":
            continue
        if isinstance(block, ListBlock):
            for item in block.items:
                yield from _item_mentions(sheet, item, passage)
        elif isinstance(block, Table):
            for row in block.rows:
                status = next(filter(None, (status_in(cell.text) for cell in row)), None)
                yield from (Mention(cell, title=row[0].text, status=status) for cell in row)
            if passage.kind == "milestones":
                sheet.items.claim(block, "link", "table of milestones")
        else:
            for sentence in (one for i in inlines_of([block]) for one in sentences(i)):
                named = _MILESTONE_FOR.search(sentence.text)
                words = named.group(1) if named else None
                yield Mention(sentence, otherwise=words, status=status_in(sentence.text))


def _item_mentions(sheet: _Sheet, item: Item, passage: _Passage) -> Iterator[Mention]:
    head, listed = item.head, passage.kind == "milestones"
    said = status_in(head.text)
    verdict = status_in(passage.verdict or "") if passage.kind == "progress" else None
    whole = without_status(title_of(head), said) if head.bare else None
    refs = references(head.text, sheet.entries)[:1] if passage.remarks else []
    meant = sheet.entries[refs[0]] if refs else None
    for inline in item.inlines():
        own = inline is head
        status = said if listed or own else status_in(inline.text)
        title = meant.title if meant else None if own else whole
        key = meant.key if meant else None
        yield Mention(inline, title, whole, status or verdict, key, changes=listed)
        for url in inline.urls if listed else []:
            if found := milestone_of(url) or change_of(url):
                sheet.items.claim(item, "link", "milestone", None, "url", found[0])


# Carry-over ---------------------------------------------------------------------------------------


def _statements(sheet: _Sheet) -> None:
    for passage, block in sheet.lists("carry_over", "progress", "milestones"):
        verdict = passage.verdict if passage.role == "carry_over" else None
        if passage.role == "progress" and FINISHED.match(passage.lead):
            verdict = "is done"
        for item in block.items:
            status = status_in(item.head.text)
            said = bool(passage.role == "carry_over" or verdict or became(item.head.text))
            if passage.role == "milestones":
                said = status not in (None, "new")
            if said:
                _add_statement(sheet, item, verdict, unfinished=passage.role == "carry_over")
    for passage in sheet.passages:
        if isinstance(passage.block, Paragraph) and passage.kind == "progress":
            found = statements_in(passage.block.inline)
            sheet.statements += found
            if found:
                _claim(sheet, passage, "statement", "what became of something")


def _add_statement(sheet: _Sheet, item: Item, verdict: str | None, *, unfinished: bool) -> None:
    parts = [sentence.text for sentence in sentences(item.head)] or [""]
    telling = [part for part in parts if became(part)]
    text = parts[0] if unfinished or not telling else telling[0]
    # "Not done yet." says nothing without what stands before it
    if text not in parts[:1] and len(text.split()) < 4:
        text = item.head.text
    status = status_in(item.head.text) or (status_in(verdict) if verdict else None)
    if status is None and not unfinished:
        status = "continued"
    text = re.sub(r"\s*\((?:continued|backlogged|done|new)[^()]*\)\s*$", "", text)
    urls = [url for inline in item.inlines() for url in inline.urls]
    sheet.statements.append(Statement(text.rstrip(". ").strip(), status, urls))
    sheet.items.claim(item, "statement", "what became of something", None, "status", status)


# What is left -------------------------------------------------------------------------------------


def _leftovers(sheet: _Sheet) -> None:
    """Say why the rest of these sections is text."""
    leads = {passage.before[-1].line for passage in sheet.passages if passage.lead}
    for passage in sheet.passages:
        block = passage.block
        if block.line in leads:
            sheet.items.claim(block, "heading", "leads into a list")
        elif isinstance(block, Paragraph):
            sheet.items.claim(block, "prose", f"text of a section: {passage.kind}")
        elif not isinstance(block, ListBlock | Table):
            sheet.items.claim(block, "ignored", "code")
        elif passage.role == "previous" or all(i.bare == "" for i in inlines_of([block])):
            sheet.items.claim(block, "link", "addresses")
        else:
            sheet.items.claim(block, "prose", f"notes: {passage.lead[:40] or passage.kind}")


def _order_of(key: str) -> tuple[int, tuple[int, ...]]:
    """Numbered items and priorities before activities, each by number."""
    return "A" in key, tuple(int(part) for part in re.findall(r"\d+", key))
