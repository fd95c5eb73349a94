"""The layouts of one team's roadmaps: numbered points, priorities, activities, people, progress.

This profile is used where a document bears its signature, or `roadmap.toml` names it. It says what
sections of these documents are for, and reads sentences about people, dates and what became of
things. A list in a section that it does not know goes to the generic reader, so that nothing
vanishes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from itertools import zip_longest
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
from roadmap_analytics.roadmap.people import SEVERAL, Duty, duties
from roadmap_analytics.roadmap.sources import date_in
from roadmap_analytics.roadmap.statements import (
    FINISHED,
    NOT_WORKING,
    VERDICT,
    Mention,
    Statement,
    became,
    statements_in,
    status_in,
    without_status,
)
from roadmap_analytics.roadmap.targets import Target, expression
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
_ESTIMATE = pattern(
    r"\b(?:estimated?|expect)\b.*\b(?:above|all|overall|whole|roadmap|everything)\b",
    r"\b(?:above|all|overall|whole|everything)\b.*\bestimated?\b",
)
_WINDOW = pattern(r"\b(?:until|till|through|up to)\b")
_WORKS = pattern(r"\b(?:mainly|primarily|focus(?:ed|ing)?|best[\s-]effort|work on)\b")
_NEXT_TIME = pattern(r"\bnext (?:time|roadmap|iteration)|\b(?:revisit|renew)ing the roadmap")
_TAKE_UP = pattern(r"\b(?:take a stab|consider(?:ed)?|make progress|start|get to|pick up)\b")
_PROSE = pattern(
    rf"^(?:{PERMITS.pattern})?"
    r"(?P<who>we|[\w’'/,& -]{2,50}?) (?:will|"
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
_LEADS_TO_DATE = pattern(r"(?:during|until|till|by|before|in|towards?|around)\b")
_PROMISES = pattern(
    rf"(?P<permits>{PERMITS.pattern})?(?:(?:also )?(?:will|(?:plan|aim)(?:s|ning)? to) )?"
)
_WORKS_ON = pattern(r"^(?:be )?(?:continue (?:to )?)?work(?:ing)? on (?:(?:an?|the) )?(?=\w)")
_FIRST_NAME = re.compile(r"([^\W\d_][\w.’'-]*\d*)(?::|\s+(?:is|has|will|does|[a-z]+s)\b)")
_REQUEST = pattern(r"^request(?:ed)? (?:from|by) [\w/]+\s*:\s*")
_MILESTONE_FOR = pattern(
    r"\bmilestone (?:for|about|that tracks) (?:tracking )?(?:our |the )?(.+?):?\s*(?:https?://|$)"
)


@dataclass
class _Passage:
    """A block in its place."""

    block: Block
    kind: str  # of its section
    headings: tuple[str, ...]  # from the top
    above: list[Paragraph]  # the last two above it in the section
    after: str  # the paragraph after it

    @cached_property
    def lead(self) -> str:
        """What leads into it: "The current priorities are as follows:"."""
        text = self.above[-1].inline.text if self.above else ""
        leads = text.rstrip().endswith(":") and not isinstance(self.block, Paragraph)
        return text[-_LEAD:] if leads else ""

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
    items: Items

    @property
    def words(self) -> Words:
        """What its words are read against."""
        return self.items.words

    @property
    def entries(self) -> dict[str, Entry]:
        """The items found so far, by key."""
        return self.items.by_key

    @cached_property
    def titles(self) -> dict[str, str]:
        """Titles of more than one word in lists, which may stand for the keys of their items."""
        return {
            entry.title.casefold(): key
            for key, entry in reversed(self.entries.items())
            if entry.source not in ("people", "prose") and re.search(r"\w[-./\s]\w", entry.title)
        }

    def paragraphs(self, *kinds: str) -> Iterator[tuple[Paragraph, Inline]]:
        """Yield the sentences of running text, of some kinds of sections."""
        for passage in self.passages:
            if isinstance(passage.block, Paragraph) and (not kinds or passage.kind in kinds):
                for sentence in sentences(passage.block.inline):
                    yield passage.block, sentence

    def lists(self, *roles: str) -> Iterator[tuple[_Passage, Item]]:
        """Yield the entries of lists, of some roles."""
        for passage in self.passages:
            if isinstance(passage.block, ListBlock) and (not roles or passage.role in roles):
                for item in passage.block.items:
                    yield passage, item


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
    sheet = _Sheet(_passages(blocks), items)
    headings = [block for block in blocks if isinstance(block, Heading)]
    for heading in headings:
        kind = section_kind(heading.inline.text)
        items.claim(heading, "heading", f"section: {kind}" if kind else "heading")
    _learn_names(sheet)
    texts = [heading.inline.text for heading in headings]
    horizon = _horizon(sheet, texts)
    if horizon and horizon.end:  # what "the end of the roadmap" means
        span = (horizon.start or horizon.end, horizon.end)
        items.words = replace(items.words, calendar=replace(items.words.calendar, horizon=span))
    _read_lists(sheet)
    layout = _layout(sheet, texts)
    _prose_items(sheet, layout)
    _people(sheet, layout)
    items.by_key = dict(sorted(sheet.entries.items(), key=lambda pair: _order_of(pair[0])))
    _deferred(sheet)
    _targets_elsewhere(sheet)
    _fit_years(sheet, horizon)
    mentions = list(_mentions(sheet))
    _statements(sheet)
    _leftovers(sheet)
    previous = _previous(sheet)
    return {"previous": previous, "horizon": horizon, "layout": layout, "mentions": mentions}


def _passages(blocks: Sequence[Block]) -> list[_Passage]:
    """Give every block its section, the paragraphs above it, and the one that follows."""
    out: list[_Passage] = []
    stack: list[tuple[int, str, str]] = []  # of the headings above: level, text, kind
    above: list[Paragraph] = []
    for block, after in zip_longest(blocks, blocks[1:]):
        if isinstance(block, Heading):
            stack = [entry for entry in stack if entry[0] < block.level]
            outer = stack[-1][2] if stack else "top"
            kind = section_kind(block.inline.text) or ("unknown" if outer == "top" else outer)
            # A title names the document; only sections below it say what their text is for.
            kind = "top" if block.level == 1 else kind
            stack.append((block.level, block.inline.text.strip(), kind))
            above = []
            continue
        kind = stack[-1][2] if stack else "top"
        follows = after.inline.text if isinstance(after, Paragraph) else ""
        out.append(_Passage(block, kind, tuple(one[1] for one in stack), above[-2:], follows))
        above += [block] if isinstance(block, Paragraph) else []
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


def _layout(sheet: _Sheet, headings: Sequence[str]) -> str:
    kinds = {entry.kind for entry in sheet.entries.values()}
    named = any("activit" in heading.lower() for heading in headings)
    described = any(_has_fields(item) for _, item in sheet.lists("activities"))
    if "activity" in kinds and (named or described):
        return "activities"
    if "priority" in kinds:
        return "priorities"
    ordered = (p.block for p, _ in sheet.lists("items") if isinstance(p.block, ListBlock))
    return "numbered" if any(block.ordered for block in ordered) else "generic"


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


def _horizon(sheet: _Sheet, headings: Sequence[str]) -> Target | None:
    """Find how long the roadmap lasts: by an estimate of the whole, or by its window."""
    kinds = ("plan", "top", "estimate", "remarks", "unknown")
    texts = list(sheet.paragraphs(*kinds))
    for block, sentence in texts:
        target = _ESTIMATE.search(sentence.text) and sheet.words.expression(sentence.text)
        if target and target.end:
            sheet.items.claim(block, "date", "estimate of the whole", None, "target", target.text)
            return target
    for heading in headings:
        if (m := _WINDOW.search(heading)) and section_kind(heading) in ("plan", None):
            return sheet.words.target(heading[m.end() :].strip())
    for block, sentence in texts:
        m = _WINDOW.search(sentence.text)
        if m and _WORKS.search(sentence.text) and not NOT_WORKING.search(sentence.text):
            target = sheet.words.expression(sentence.text[m.start() :])
            said = ("target", target.text) if target else ()
            sheet.items.claim(block, "date", "window of the roadmap", None, *said)
            return target
    return None


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


# Items of running text ----------------------------------------------------------------------------


def _promised(
    sheet: _Sheet, what: str, words: Inline, block: Paragraph | Item, permits: bool = False
) -> Entry | None:
    """Add the activity that a sentence promises; None where it names no new one."""
    below = isinstance(block, Item)
    bullet = title_of(Inline(_WORKS_ON.sub("", what)))
    title = _without_target(sheet, bullet) if below else _prose_title(sheet, what)
    if not re.search(r"[^\W\d]{2}", title):  # "we will also make progress on (3)"
        return None
    entry = Entry("", None, "activity", 0, title, "people" if below else "prose", block.line)
    entry.target, entry.conditional = _prose_target(sheet, what), permits
    entry.inlines.append(words)
    sheet.items.take(entry, Place(letter="A"))
    why = "promised below a person" if below else "promised in running text"
    end = block.line + 1 if below else block.end
    reading = Reading(block.line, end, "item", why, entry.key, "title", title)
    # It goes before the person that it stands below, but not before a date of the whole.
    sheet.items.readings.insert(0 if below else len(sheet.items.readings), reading)
    return entry


def _prose_items(sheet: _Sheet, layout: str) -> None:
    """Work that is promised in running text: "Ada and Bo will also look into ..."."""
    for passage in sheet.passages:
        # What stands above a list that begins with "Then" ranks before the list.
        then = re.match(r"(?:Then|After\s+that)\b", passage.lead) and passage.kind == "plan"
        if then and isinstance(passage.block, ListBlock) and len(passage.above) > 1:
            words = sentences(passage.above[0].inline)[0]
            _promised(sheet, words.text, words, passage.above[0])
    for block, sentence in sheet.paragraphs("plan", "milestones"):
        m = _PROSE.match(sentence.text)
        if m and layout in ("priorities", "activities") and not re.match(r"not\b", m["what"]):
            _prose_item(sheet, block, sentence.text, m)


def _prose_item(sheet: _Sheet, block: Paragraph, text: str, m: re.Match[str]) -> None:
    names, permits = sheet.words.names, bool(PERMITS.search(text))
    who = [] if m["who"].lower() == "we" else SEVERAL.split(m["who"].strip())
    known = permits or any(map(names.is_person, who)) or bool(m["also"] and not who)
    if not known or not all(map(names.plausible, who)):
        return
    people = [names.handle(name) for name in who]
    if beside := _WITH_NAMES.search(m["what"]):
        people += names.split(beside.group(1).strip())
    how = "if time permits" if permits else None
    if entry := _promised(sheet, m["what"], block.inline, block, permits):
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
    texts = [sentence for _, sentence in sheet.paragraphs()]
    texts += [sentence for _, item in sheet.lists() for sentence in sentences(item.head)]
    for sentence in texts:
        next_time = _NEXT_TIME.search(sentence.text)
        for clause in re.split(r";\s+|,\s+(?:and|but)\s+(?!\(|\d)", sentence.text):
            # "not (4) until (1) is done": what is waited for is not what waits.
            waits = re.split(r"\b(?:until|before|unless)\b", clause)[0]
            if NOT_WORKING.search(clause) or (next_time and _TAKE_UP.search(clause)):
                later.update(references(waits, sheet.entries))
    for entry in sheet.entries.values():
        above = [entry.key[: m.start()] for m in re.finditer(r"\.", entry.key)]
        entry.deferred |= not later.isdisjoint([entry.key, *above])


def _targets_elsewhere(sheet: _Sheet) -> None:
    """Targets that stand in remarks or below people: "will do 4 with bo during 22-24 May"."""
    entries = [
        item for passage, item in sheet.lists() if passage.kind == "people" or passage.remarks
    ]
    for item in (below for entry in entries for below in entry.walk()):
        for text in (sentence.text for sentence in sentences(item.head)):
            refs = references(text, sheet.entries)
            starts = (expression(text, one.start, one.end)[0] for one in sheet.words.find(text))
            leads = [at for at in starts if _LEADS_TO_DATE.match(text[at:])]
            if not refs or not leads or NOT_WORKING.search(text):
                continue
            target = sheet.words.target(text[leads[0] :])
            for key in refs:
                sheet.entries[key].target = sheet.entries[key].target or target
            sheet.items.claim(item, "date", "target of an item elsewhere")


# People -------------------------------------------------------------------------------------------


def _learn_names(sheet: _Sheet) -> None:
    """Collect names from where only names stand, before anything is read about them."""
    names = sheet.words.names
    for passage, item in sheet.lists():
        found = list(people_in((below.head for below in item.walk()), names))
        head = item.head.text.strip()
        if passage.kind == "people" and item.children:
            found += names.split(head.rstrip(": "))
        elif passage.kind == "people" and (m := _FIRST_NAME.match(head)):
            found += [m[1]] if names.plausible(m[1]) else []
        for name in found:
            names.learn(name)


def _people(sheet: _Sheet, layout: str) -> None:
    names = sheet.words.names
    for _, item in sheet.lists("people"):
        _person(sheet, item, layout)
    for child in (child for _, item in sheet.lists("milestones") for child in item.children):
        # It may begin with who asked for it: "request from rgdd: filippo aims to ..."
        text = _REQUEST.sub("", child.head.text)
        first = re.match(r"[\w/]+", text)
        if first and all(map(names.is_known, first.group().split("/"))):
            sheet.items.duties += [(duty, None) for duty in duties(Inline(text), None, names)]


def _person(sheet: _Sheet, item: Item, layout: str) -> None:
    """Read what stands below a name, or a sentence that names its person."""
    head, names = item.head, sheet.words.names
    name = head.text.strip().rstrip(": ")
    if item.children and names.split(name):
        sheet.items.claim(item, "person", "person with duties below", None, "people", name)
        for child in item.children:
            for words in _spelt_out(child):
                _duty(sheet, words, name, child, layout)
        return
    prefix, colon, _ = head.text.partition(":")
    named = colon and names.plausible(prefix)
    words = head[len(prefix) + 1 :].strip() if named else head
    if found := _duty(sheet, words, prefix if named else None, item, layout):
        sheet.items.claim(item, "person", "sentence about a person", None, "people", found)


def _spelt_out(item: Item) -> list[Inline]:
    """Read a lead-in with bullets below ("If time permits:") as one sentence per bullet."""
    head = item.head.text.strip()
    if not (item.children and head.endswith(":")):
        return [item.head]
    return [Inline(f"{head} ") + below.head for below in item.children]


def _duty(sheet: _Sheet, inline: Inline, person: str | None, item: Item, layout: str) -> str | None:
    """Read what a bullet says of a person; give the names that it is about."""
    read = duties(inline, person, sheet.words.names)
    if not read:
        return None
    promises = person and layout in ("priorities", "activities")
    entry = _people_item(sheet, inline, read, item) if promises else None
    for duty in read:
        keys = [entry.key] if entry else _keys_of(sheet, duty)
        sheet.items.duties += [(duty, key) for key in keys] or [(duty, None)]
    return ", ".join(dict.fromkeys(duty.person for duty in read))


def _keys_of(sheet: _Sheet, duty: Duty) -> list[str]:
    """Find items by number, or by a title that stands instead: "hack in sigsum-py"."""
    if refs := references(duty.words, sheet.entries):
        return refs
    spoken = duty.words.casefold()
    found = [
        key
        for title, key in sheet.titles.items()
        if title in spoken
        and (" " not in title or len(title) > 0.5 * len(spoken))
        and re.search(rf"(?<![\w/-]){re.escape(title)}(?![\w/-])", spoken)
    ]
    return found[::-1]


def _people_item(sheet: _Sheet, inline: Inline, read: list[Duty], item: Item) -> Entry | None:
    """Take a bullet below a person that promises something new as an activity."""
    m = _PROMISES.match(inline.text)
    # "Will discuss ..." is work of one's own, and no input to that of others.
    if not m or not m.group() or read[0].role not in ("work", "input") or _keys_of(sheet, read[0]):
        return None
    read[0] = replace(read[0], role="work")
    return _promised(sheet, inline.text[m.end() :], inline, item, bool(m["permits"]))


# Milestones ---------------------------------------------------------------------------------------


def _mentions(sheet: _Sheet) -> Iterator[Mention]:
    """Yield the texts that may link to milestones, with what stands beside them."""
    for passage in sheet.passages:
        block = passage.block
        if passage.kind == "previous":
            continue
        if isinstance(block, ListBlock):
            yield from (one for item in block.items for one in _item_mentions(sheet, item, passage))
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
    """Collect what lists of progress, and running text about it, say became of things."""
    for passage, item in sheet.lists("carry_over", "progress", "milestones"):
        text, unfinished = item.head.text, passage.role == "carry_over"
        verdict = (passage.verdict if unfinished else None) or ""
        if passage.role == "progress" and FINISHED.match(passage.lead):
            verdict = "is done"
        status = status_in(text) or status_in(verdict) or (None if unfinished else became(text))
        untold = status is None or (status == "new" and passage.role == "milestones")
        if unfinished or not untold:
            _add_statement(sheet, item, status, unfinished=unfinished)
    for block, sentence in sheet.paragraphs("progress"):
        if found := statements_in(sentence):
            sheet.items.statements += found
            sheet.items.claim(block, "statement", "what became of something")


def _add_statement(sheet: _Sheet, item: Item, status: str | None, *, unfinished: bool) -> None:
    parts = [sentence.text for sentence in sentences(item.head)] or [""]
    telling = [part for part in parts if became(part)]
    text = parts[0] if unfinished or not telling else telling[0]
    # "Not done yet." says nothing without what stands before it
    if text not in parts[:1] and len(text.split()) < 4:
        text = item.head.text
    text = re.sub(r"\s*\((?:continued|backlogged|done|new)[^()]*\)\s*$", "", text)
    urls = [url for inline in item.inlines() for url in inline.urls]
    sheet.items.statements.append(Statement(text.rstrip(". ").strip(), status, urls))
    sheet.items.claim(item, "statement", "what became of something", None, "status", status)


# What is left -------------------------------------------------------------------------------------


def _leftovers(sheet: _Sheet) -> None:
    """Say why the rest of these sections is text."""
    leads = {passage.above[-1].line for passage in sheet.passages if passage.lead}
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
