"""The layouts of one team's roadmaps: numbered points, priorities, activities, people, progress.

This profile is used where a document bears its signature, or `roadmap.toml` names it. It says what
sections of these documents are for, and reads sentences about people, dates and what became of
things. A list in a section that it does not know goes to the generic reader, so that nothing
vanishes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from roadmap_analytics.roadmap.fields import Entry, Words, label_of
from roadmap_analytics.roadmap.items import Items, Place, is_comment
from roadmap_analytics.roadmap.language import references, sentences, title_of
from roadmap_analytics.roadmap.lines import Reading
from roadmap_analytics.roadmap.links import change_of, milestone_of, path_of
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
from roadmap_analytics.roadmap.people import Duty, Names, assigned, duties
from roadmap_analytics.roadmap.sources import date_in
from roadmap_analytics.roadmap.statements import (
    CYCLES,
    FINISHED,
    NO_LONGER,
    ONGOING,
    VERDICT,
    Reference,
    Statement,
    carried,
    status_in,
    without_status,
)
from roadmap_analytics.roadmap.targets import Target, expression, find, read_target

__all__ = ["read", "section_kind", "signed"]

YEAR_OF_WINDOW = "before the document: read as the year within the window that the heading sets"

_KINDS: list[tuple[str, str]] = [
    (
        "previous",
        r"\b(?:previous|last|earlier|former|old)\s+(?:\w+\s+)?(?:roadmap|revision|version)s?\b|\bhistory\b",
    ),
    (
        "progress",
        r"\bprogress\b|\bsummary\b|\bchange(?:s|log)?\b|\bdifferences?\b|\bhighlights?\b|\bsince\b|\bretrospect\w*|"
        r"\blook(?:ing)?\s+back\b|\bachieve\w*|\baccomplish\w*|\bwhat\s+(?:we\s+did|happened|has\s+happened)\b|\bnot\s+(?:done|finished)\b|"
        r"\bcarr(?:y|ied)[\s-]?over\b|\breview\s+of\b|\boutcome\s+of\b",
    ),
    (
        "future",
        r"\b(?:happens?|comes?|next|plans?)\s+after\b|\bbeyond\b|\bfuture\b|\blooking\s+ahead\b|\bfurther\s+ahead\b|\bwhat'?s?\s+(?:is\s+)?next\b|"
        r"\bnext\s+steps\b|\bafter\s+(?:this|the)\s+roadmap\b|\bideas?\b|\bparking\s+lot\b|\bout\s+of\s+scope\b",
    ),
    (
        "people",
        r"\bpeople\b|\bresponsibilit\w*|\bteam\b|\bwho\b|\broles?\b|\bpersons?\b|\bcontributors?\b|\bmaintainers\b|\bstaff\b|\bownership\b",
    ),
    ("milestones", r"\bmilestones?\b"),
    ("estimate", r"\b(?:time\s*)?estimates?\b|\btime\s*frames?\b|\bhorizon\b"),
    (
        "remarks",
        r"^(?:\w+\s+)?(?:remarks?|notes?|comments?|background|introduction|about|preamble|abstract|contents?|legend|contact|licen[cs]e|glossary)\b",
    ),
    (
        "plan",
        r"\broad\s*map\b|\bpriorit(?:y|ies)\b|\bactivit(?:y|ies)\b|\bplans?\b|\bplanned\b|\bgoals?\b|\bobjectives?\b|\bwork\s+items?\b|"
        r"\bfocus\b|\bthemes?\b|\bdeliverables?\b|\btasks?\b|\bitems?\b|\bfeatures?\b|\bcurrent\s+work\b|\bin\s+progress\b|"
        r"\bnow\b|\bnext\b|\blater\b|\bupcoming\b|\bshort[\s-]term\b|\bmid[\s-]term\b|\blong[\s-]term\b|\bbacklog\b|\btodo\b|\bdone\b|\bcompleted\b|\bshipped\b",
    ),
]
_IN_PROGRESS = re.compile(r"^\W*(?:(?:work\s+)?in[\s-]progress|doing|ongoing)\W*$", re.IGNORECASE)
_LEAD = 400  # characters of a paragraph that lead into what follows
_NEAR = 6  # paragraphs above a block that may belong to it
_REMARKS = re.compile(
    r"^(?:remarks?|notes?|comments?|see\s+also|background|for\s+(?:tracking|more|further|reference|context))\b",
    re.IGNORECASE,
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


_WORD_OF_PRIORITY = re.compile(r"\bpriorities\b", re.IGNORECASE)
_ACTIVITY = re.compile(
    r"\bactivit(?:y|ies)\b|\bwork(?:ing)?\s+on\b|\bfocus\s+on\b|\bwill\s+(?:mainly\s+)?(?:be\s+)?(?:do|work)",
    re.IGNORECASE,
)
_UNFINISHED = re.compile(
    r"\b(?:not|n't|unable|fail\w*)\b.*\b(?:cycles|time|enough|complete|finish|manage|able|get\s+to|done|do|reach)|\bunfinished\b|\bleft\s+over\b|"
    r"\bcarr(?:y|ied)[\s-]?over\b|\bbacklogged\b|\bpostponed\b|\bremain(?:s|ing)\b|\bcontinued\b|\bnot\s+(?:yet\s+)?(?:done|finished|completed|started)\b",
    re.IGNORECASE,
)
_PREVIOUS = re.compile(r"\b(?:last|previous|former)\s+roadmap\b", re.IGNORECASE)
_LOOKS_AHEAD = re.compile(r"\bnext\b|\bnew\s+roadmap\b|\bwe\s+(?:plan|will|aim)\b", re.IGNORECASE)
_LEADS_TO_DATE = re.compile(
    r"(?:during|until|till|by|before|in|towards?|around|at\s+the\s+latest)\b", re.IGNORECASE
)
_WILL = re.compile(
    r"(?P<permits>if\s+time\s+permits\s*[:,]?\s*)?(?P<will>(?:also\s+)?(?:will|plans?\s+to|planning\s+to|aims?\s+to)\s+)?",
    re.IGNORECASE,
)
_WORKS_ON = re.compile(
    r"^(?:be\s+)?(?:work(?:ing)?\s+on|continue\s+(?:to\s+)?work(?:ing)?\s+on)\s+(?:(?:an?|the)\s+)?(?=\w)",
    re.IGNORECASE,
)
_TELLING = [  # headings and phrases that only these documents have
    re.compile(words, re.IGNORECASE | re.MULTILINE)
    for words in (
        r"^main\s+activities\b",
        r"^summary\s+of\s+(?:changes|progress)\b",
        r"^concrete\s+milestones$",
        r"^what\s+happens\s+after\b",
        r"\b(?:new|next)\s+roadmap\s+(?:will\s+be|update|renewal|is\b)",
        r"\bdid\s+not\s+have\s+enough\s+(?:cycles|time)\s+to\b",
        r"\bin\s+(?:rough|roughly\s+this)\s+order\b",
        r"\bmain\s+driver\s+of\b",
        r"\bwe\s+will\s+not\s+be\s+working\s+on\s+\(",
    )
]
_COMMON = [  # headings that others have too
    re.compile(words, re.IGNORECASE | re.MULTILINE)
    for words in (
        r"^people\b(?!\s+(?:ops|operations))",
        r"^(?:high-level\s+)?priorities$",
        r"^time\s+estimates?$",
        r"^(?:the\s+)?previous\s+roadmap\b",
        r"^20\d\d-\d\d-\d\d$",
    )
]


_NOTHING = Inline("")


@dataclass
class _Passage:
    """A block in its place."""

    block: Block
    kind: str  # of its section
    headings: tuple[str, ...]  # from the top
    lead: Inline = _NOTHING  # "The current priorities are as follows:"
    before: list[Inline] = field(default_factory=list)  # the paragraphs above it in the section
    after: Inline = _NOTHING  # the paragraph after it

    @property
    def heading(self) -> str:
        """The heading it stands below."""
        return self.headings[-1] if self.headings else ""

    @property
    def remarks(self) -> bool:
        """Whether its lead-in says that it holds notes."""
        return bool(_REMARKS.match(self.lead.text))


@dataclass
class _Sheet:
    """One document while it is read."""

    passages: list[_Passage]
    headings: list[str]
    items: Items
    words: Words
    duties: list[tuple[Duty, str | None]] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    layout: str = "generic"

    def sentences(self, *kinds: str) -> Iterator[tuple[_Passage, Inline]]:
        """Yield the sentences of running text, of some kinds of sections."""
        for passage in self.passages:
            if isinstance(passage.block, Paragraph) and (not kinds or passage.kind in kinds):
                for sentence in sentences(passage.block.inline):
                    yield passage, sentence

    def all_sentences(self) -> Iterator[tuple[_Passage, Inline]]:
        """Yield the sentences of running text, then those of list entries."""
        yield from self.sentences()
        for passage, block in self.lists():
            for item in block.items:
                for sentence in sentences(item.head):
                    yield passage, sentence

    def lists(self) -> Iterator[tuple[_Passage, ListBlock]]:
        """Yield the passages that are lists."""
        for passage in self.passages:
            if isinstance(passage.block, ListBlock):
                yield passage, passage.block


def signed(blocks: Sequence[Block]) -> bool:
    """Whether a document bears the signature: two telling signs, or one among three signs."""
    text = "\n".join(inline.text.strip() for block in blocks for inline in _inlines(block))
    telling = sum(bool(sign.search(text)) for sign in _TELLING)
    common = sum(bool(sign.search(text)) for sign in _COMMON)
    return telling >= 2 or (telling >= 1 and telling + common >= 3)


def section_kind(heading: str) -> str | None:
    """Name what a section is for, by its heading; None where the words are not known.

    Examples
    --------
    >>> section_kind("Main activities until the end of May"), section_kind("Progress since May")
    ('plan', 'progress')
    """
    if _IN_PROGRESS.match(heading):
        return "plan"
    return next((kind for kind, words in _KINDS if re.search(words, heading, re.IGNORECASE)), None)


def read(blocks: Sequence[Block], items: Items) -> dict[str, Any]:
    """Read a document into `items`; return what else a revision holds, by name."""
    headings = [block for block in blocks if isinstance(block, Heading)]
    sheet = _Sheet(_passages(blocks), [h.inline.text for h in headings], items, items.words)
    for heading in headings:
        kind = section_kind(heading.inline.text)
        items.claim(heading, "heading", f"section: {kind}" if kind else "heading")
    _learn_names(sheet)
    found: dict[str, Any] = {"previous": _previous(sheet)}
    found["next_update"] = _next_update(sheet)
    renewal = _span(found["next_update"])
    _know(sheet, renewal=renewal)
    found["horizon"] = _horizon(sheet)
    _know(sheet, horizon=_span(found["horizon"]))
    items.words = sheet.words
    _read_lists(sheet)
    sheet.layout = found["layout"] = _layout(sheet)
    _prose_items(sheet)
    _people(sheet)
    items.by_key = dict(sorted(items.by_key.items(), key=lambda pair: _order_of(pair[0])))
    _deferred(sheet)
    _targets_elsewhere(sheet)
    _fit_years(sheet, found["horizon"])
    found["references"] = _milestones(sheet)
    _statements(sheet)
    _leftovers(sheet)
    return found | {"duties": sheet.duties, "statements": sheet.statements}


def _know(sheet: _Sheet, **context: Any) -> None:
    sheet.words = replace(sheet.words, calendar=replace(sheet.words.calendar, **context))


def _passages(blocks: Sequence[Block]) -> list[_Passage]:
    """Give every block its section, the paragraph that leads into it, and the one that follows."""
    out: list[_Passage] = []
    stack: list[tuple[int, str, str]] = []
    paragraphs: list[Inline] = []
    for index, block in enumerate(blocks):
        if isinstance(block, Heading):
            stack = [entry for entry in stack if entry[0] < block.level]
            above = stack[-1][2] if stack else "top"
            kind = section_kind(block.inline.text) if block.level > 1 or len(stack) else None
            # A title names the document; only sections below it say what their text is for.
            inherited = "top" if block.level == 1 else "unknown" if above == "top" else above
            stack.append((block.level, block.inline.text.strip(), kind or inherited))
            paragraphs = []
            continue
        after = blocks[index + 1] if index + 1 < len(blocks) else None
        passage = _Passage(
            block,
            stack[-1][2] if stack else "top",
            tuple(text for _, text, _ in stack),
            before=paragraphs[-_NEAR:],
            after=after.inline if isinstance(after, Paragraph) else Inline(""),
        )
        leads = bool(paragraphs) and paragraphs[-1].text.rstrip().endswith(":")
        if leads and not isinstance(block, Paragraph):
            passage.lead = paragraphs[-1][-_LEAD:]
        if isinstance(block, Paragraph):
            paragraphs.append(block.inline)
        out.append(passage)
    return out


# What lists hold ----------------------------------------------------------------------------------


def _role(passage: _Passage, block: ListBlock | Table) -> str:
    """Name what a list holds.

    One of priorities, items, activities, people, milestones, carry_over, previous, progress, text.
    """
    lead = passage.lead.text
    if passage.remarks:
        return "text"
    if passage.kind == "previous" or (_PREVIOUS.search(lead) and _are_addresses(block)):
        return "previous"
    if passage.kind == "progress" or (
        _UNFINISHED.search(lead) and passage.kind in ("plan", "top", "unknown")
    ):
        return "carry_over" if _UNFINISHED.search(lead or passage.heading) else "progress"
    if passage.kind in ("people", "milestones"):
        return passage.kind
    if passage.kind in ("future", "estimate", "remarks"):
        return "text"
    return _role_in_plan(passage, block)


def _role_in_plan(passage: _Passage, block: ListBlock | Table) -> str:
    words = f"{passage.heading} {passage.lead.text}"
    if isinstance(block, Table):
        return "activities" if _ACTIVITY.search(words) else "items"
    fields = sum(_has_fields(item) for item in block.items)
    if fields and not block.ordered and fields * 2 >= len(block.items):
        return "activities"
    if _ACTIVITY.search(passage.lead.text):
        return "activities"
    if _WORD_OF_PRIORITY.search(words) and not re.search(
        r"\border\s+of\s+priorit", words, re.IGNORECASE
    ):
        return "priorities"
    return "activities" if _ACTIVITY.search(words) or fields else "items"


def _has_fields(item: Item) -> bool:
    """Whether an entry is described by labelled values below it ("Work by: ada")."""
    below = [child.head for child in item.children] + item.paragraphs
    return any(label_of(text.text) for text in below)


def _are_addresses(block: ListBlock | Table) -> bool:
    return isinstance(block, ListBlock) and all(is_comment(i.head.text) for i in block.items)


def _read_lists(sheet: _Sheet) -> None:
    letters = {"priorities": "P", "activities": "A", "items": ""}
    for passage in sheet.passages:
        block = passage.block
        if not isinstance(block, ListBlock | Table):
            continue
        role = _role(passage, block)
        if role not in letters:
            continue
        place = Place(letter=letters[role], notes=True, inherit=False)
        if passage.kind == "unknown":  # a section of another kind: its headings speak
            for heading in passage.headings:
                given = place.given.under(heading, sheet.words)
                place = replace(place, given=given, inherit=True)
        if isinstance(block, Table):
            sheet.items.table(block, place)
            continue
        for item in block.items:
            sheet.items.add(item, place)


def _layout(sheet: _Sheet) -> str:
    kinds = {entry.kind for entry in sheet.items.by_key.values()}
    roles = [(_role(p, b), b) for p, b in sheet.lists()]
    fields = any(_has_fields(item) for role, b in roles if role == "activities" for item in b.items)
    if "activity" in kinds and (
        fields or any("activit" in heading.lower() for heading in sheet.headings)
    ):
        return "activities"
    if "priority" in kinds:
        return "priorities"
    return "numbered" if any(b.ordered for role, b in roles if role == "items") else "generic"


# Dates of the whole -------------------------------------------------------------------------------


def _previous(sheet: _Sheet) -> date | None:
    """Find the date of the roadmap before, by its address."""
    for passage in sheet.passages:
        for url in (url for inline in _inlines(passage.block) for url in inline.urls):
            path = path_of(url)
            day = date_in(path)
            named = passage.kind == "previous" or "roadmap" in path.rpartition("/")[2].lower()
            told = passage.kind in ("previous", "progress", "top")
            if day and named and told and _real(day) and day < sheet.words.written.isoformat():
                return date.fromisoformat(day)
    return None


def _real(day: str) -> bool:
    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    return True


def _expression(sheet: _Sheet, sentence: str) -> Target | None:
    """Give the time expression within a sentence, with the words that lead into it."""
    written, calendar = sheet.words.written, sheet.words.calendar
    found = [f for f in find(sentence, written, calendar) if f.span or f.end - f.start > 3]
    if not found:
        return None
    best = next((f for f in found if f.span), found[0])
    start, end = expression(sentence, best.start, best.end)
    if best.span is None:
        return Target(sentence[start:end].strip())
    return read_target(sentence[start:], written, calendar)


def _next_update(sheet: _Sheet) -> Target | None:
    for passage, sentence in sheet.all_sentences():
        text = sentence.text
        if passage.kind in ("previous", "progress") and not _LOOKS_AHEAD.search(text):
            continue
        m = _RENEWS.search(text)
        if not m or not _PLANNED.search(text) or _WAS.search(text):
            continue
        told = re.match(r"[\w\s]{0,30},\s+which\b", text[m.end() :])
        if _NOT_WORKING.search(text) and not told:  # "not (4) before the next roadmap in May"
            continue
        # The words "next roadmap" are themselves a time expression: what counts stands beside
        # them.
        for part in (text[m.end() :], text[: m.start()]):
            target = _expression(sheet, part)
            if target and target.end:
                _claim(sheet, passage, "date", "next update of the roadmap", target)
                return target
    return None


def _horizon(sheet: _Sheet) -> Target | None:
    kinds = ("plan", "top", "estimate", "remarks", "unknown")
    for passage, sentence in sheet.sentences(*kinds):
        if _ESTIMATE.search(sentence.text) and not _RENEWS.search(sentence.text):
            target = _expression(sheet, sentence.text)
            if target and target.end:
                _claim(sheet, passage, "date", "estimate of the whole", target)
                return target
    for heading in sheet.headings:
        if (m := _WINDOW.search(heading)) and section_kind(heading) in ("plan", None):
            return sheet.words.target(heading[m.end() :].strip())
    for passage, sentence in sheet.sentences(*kinds):
        m = _WINDOW.search(sentence.text)
        works = _FOCUS.search(sentence.text) or re.search(r"\bwork\s+on\b", sentence.text)
        if m and works and not _NOT_WORKING.search(sentence.text):
            target = _expression(sheet, sentence.text[m.start() :])
            _claim(sheet, passage, "date", "window of the roadmap", target)
            return target
    return None


def _claim(
    sheet: _Sheet, passage: _Passage, reading: str, why: str, target: Target | None = None
) -> None:
    value = target.text if target else None
    if isinstance(passage.block, Paragraph):
        sheet.items.claim(
            passage.block, reading, why, field="target" if value else None, value=value
        )


def _fit_years(sheet: _Sheet, horizon: Target | None) -> None:
    """Take a stale year as the one that lies within the window which the heading itself sets.

    A date before the document among "Main activities until mid January, 2026" contradicts the
    heading; the year after it does not. Both the date and the reason stay visible in the flag.
    """
    until = horizon.end if horizon else None
    for entry in sheet.items.by_key.values():
        target = entry.target
        if until is None or entry.kind != "activity" or target is None or not target.stale:
            continue
        start, end = target.start, target.end
        try:
            moved = [day and day.replace(year=day.year + 1) for day in (start, end)]
        except ValueError:  # 29 February
            continue
        if moved[1] and sheet.words.written <= moved[1] <= until + timedelta(days=31):
            entry.target = Target(target.text, moved[0], moved[1], YEAR_OF_WINDOW)


def _span(target: Target | None) -> tuple[date, date] | None:
    return (target.start or target.end, target.end) if target and target.end else None


# Items of running text ----------------------------------------------------------------------------


def _add_prose(
    sheet: _Sheet,
    title: str,
    words: Inline,
    source: str,
    line: int,
    target: Target | None,
    conditional: bool,
) -> Entry:
    entry = sheet.items.new(Place(letter="A"), source, line)
    entry.title, entry.target, entry.conditional = title, target, conditional
    entry.inlines.append(words)
    return entry


def _first_paragraph_items(sheet: _Sheet) -> Iterator[tuple[Inline, int]]:
    """Yield what stands above a list that begins with "Then": it ranks before the list."""
    for passage, block in sheet.lists():
        if passage.kind == "plan" and re.match(
            r"(?:then|after\s+that|thereafter)\b", passage.lead.text, re.IGNORECASE
        ):
            above = passage.before[:-1]
            if above and re.match(r"[A-Z][a-z]+\s+(?!\w+:)", above[-1].text):
                at = next(
                    (
                        p.block
                        for p in sheet.passages
                        if isinstance(p.block, Paragraph) and p.block.inline is above[-1]
                    ),
                    block,
                )
                yield sentences(above[-1])[0], at.line


def _prose_items(sheet: _Sheet) -> None:
    """Work that is promised in running text: "Ada and Bo will also look into ..."."""
    for sentence, line in _first_paragraph_items(sheet):
        entry = _add_prose(
            sheet, _prose_title(sheet, sentence.text), sentence, "prose", line, None, False
        )
        _claim_item(sheet, entry, line, sentence)
    if sheet.layout in ("generic", "numbered"):
        return
    names = sheet.words.names
    for passage, sentence in sheet.sentences("plan", "milestones", "remarks"):
        m = _PROSE.match(sentence.text)
        if not m or passage.kind == "remarks" or re.match(r"not\b", m["what"]):
            continue
        title = _prose_title(sheet, m["what"])
        if _ONLY_NUMBERS.fullmatch(title):  # "we will also make progress on (3)"
            continue
        permits = bool(m["permits"]) or bool(
            re.search(r"\bif\s+time\s+permits\b", sentence.text, re.IGNORECASE)
        )
        who = re.split(r"\s*(?:,|/|&|\band\b)\s*", m["who"].strip())
        if m["who"].lower() == "we":
            if not (m["also"] or permits):
                continue
        elif not ((permits or any(map(names.is_met, who))) and all(map(names.plausible, who))):
            continue
        paragraph = passage.block.inline if isinstance(passage.block, Paragraph) else sentence
        target = _prose_target(sheet, m["what"])
        entry = _add_prose(sheet, title, paragraph, "prose", passage.block.line, target, permits)
        _claim_item(sheet, entry, passage.block.line, paragraph, passage.block.end)
        how = "if time permits" if permits else None
        people = [] if m["who"].lower() == "we" else [names.handle(name) for name in who]
        if beside := re.search(
            r"\b(?:together|jointly)\s+with\s+((?:[A-Z][\w-]+\s*){1,3})", m["what"]
        ):
            people += names.split(beside.group(1).strip())
        entry.duties += [Duty(person, "work", None, how) for person in people]


def _claim_item(
    sheet: _Sheet, entry: Entry, line: int, words: Inline, end: int | None = None
) -> None:
    reading = Reading(
        line, end or line + 1, "item", "promised in running text", entry.key, "title", entry.title
    )
    sheet.items.readings.append(reading)


def _prose_title(sheet: _Sheet, what: str) -> str:
    what = what.rstrip(". ")
    if end := _PROSE_END.search(what):
        what = what[: end.start()]
    what = _LIGHT.sub("", _without_target(sheet, what))
    return title_of(Inline(re.sub(r"\s+that\s+(?:includes?|contains?)\b.*$", "", what)))


def _without_target(sheet: _Sheet, what: str) -> str:
    """Cut a time expression at the end of a promise."""
    for found in find(what, sheet.words.written, sheet.words.calendar):
        start, _ = expression(what, found.start, found.end)
        told = found.span or re.match(r"before|until", what[start:])
        if start > 0 and found.end >= len(what.rstrip(". )")) and told:
            return what[:start].rstrip(" (")
    return what


def _prose_target(sheet: _Sheet, what: str) -> Target | None:
    target = _expression(sheet, what)
    leads = target and re.match(r"(?:for|before|until|by)\b", target.text)
    return target if target and (target.end or leads) else None


def _deferred(sheet: _Sheet) -> None:
    """Items that the document says will have to wait, with everything below them."""
    keys = sheet.items.by_key
    later: set[str] = set()
    focus: set[str] = set()
    for _, sentence in sheet.all_sentences():
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
    for entry in keys.values():
        above = [entry.key[: m.start()] for m in re.finditer(r"\.", entry.key)]
        if any(key in later and key not in focus for key in [entry.key, *above]):
            entry.deferred = True


def _targets_elsewhere(sheet: _Sheet) -> None:
    """Targets that stand in remarks or below people: "will do 4 with bo during 22-24 May"."""
    for passage, block in sheet.lists():
        if not (passage.kind == "people" or passage.remarks):
            continue
        for item in (below for entry in block.items for below in entry.walk()):
            for sentence in sentences(item.head):
                _target_of_reference(sheet, sentence.text)


def _target_of_reference(sheet: _Sheet, text: str) -> None:
    refs = references(text, sheet.items.by_key)
    if not refs or _NOT_WORKING.search(text):
        return
    for this in find(text, sheet.words.written, sheet.words.calendar):
        start, _ = expression(text, this.start, this.end)
        if _LEADS_TO_DATE.match(text[start:]):
            target = read_target(text[start:], sheet.words.written, sheet.words.calendar)
            for key in refs:
                entry = sheet.items.by_key[key]
                entry.target = entry.target or target
            return


# People -------------------------------------------------------------------------------------------


def _learn_names(sheet: _Sheet) -> None:
    """Collect names from where only names stand, before anything is read about them."""
    for passage, block in sheet.lists():
        for item in block.items:
            if passage.kind == "people":
                _learn_from_bullet(sheet.words.names, item)
            for below in item.walk():
                label = label_of(below.head.text)
                if label and label.kind == "people":
                    for duty in assigned(label.value, list(label.roles), sheet.words.names):
                        sheet.words.names.learn(duty.person)


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
    for passage, block in sheet.lists():
        if _role(passage, block) == "people":
            for item in block.items:
                _person(sheet, item)
    for entry in sheet.items.by_key.values():
        sheet.duties += [(duty, entry.key) for duty in entry.duties]
    _people_of_milestones(sheet)


def _person(sheet: _Sheet, item: Item) -> None:
    head = item.head
    name = head.text.strip().rstrip(": ")
    names = sheet.words.names
    if item.children and names.split(name):
        sheet.items.claim(item, "person", "person with duties below", field="people", value=name)
        for child in item.children:
            for words in _spelt_out(child):
                _duty(sheet, words, name, child.line)
        return
    prefix, colon, rest = head.text.partition(":")
    if colon and names.plausible(prefix) and rest.strip():
        found = _duty(sheet, head[len(prefix) + 1 :].strip(), prefix, item.line)
    else:
        found = _duty(sheet, head, None, item.line)
    if found:
        sheet.items.claim(item, "person", "sentence about a person", field="people", value=found)


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


def _duty(sheet: _Sheet, inline: Inline, person: str | None, line: int) -> str | None:
    """Read what a bullet says of a person; give the names that it is about."""
    read = duties(inline, person, sheet.words.names)
    if not read:
        return None
    by_title = _titles(sheet.items)
    entry = _people_item(sheet, inline, read, by_title, line) if person else None
    for duty in read:
        keys = [entry.key] if entry else _keys_of(sheet, duty, by_title)
        sheet.duties += [(duty, key) for key in keys] or [(duty, None)]
    return ", ".join(dict.fromkeys(duty.person for duty in read))


def _titles(items: Items) -> dict[str, str]:
    """Titles of more than one word, which may stand for the number of an item."""
    return {
        entry.title.casefold(): key
        for key, entry in reversed(items.by_key.items())
        if entry.source not in ("people", "prose") and re.search(r"\w[-./\s]\w", entry.title)
    }


def _keys_of(sheet: _Sheet, duty: Duty, by_title: dict[str, str]) -> list[str]:
    words = duty.words or ""
    return references(words, sheet.items.by_key) or _named(words, by_title)


def _named(words: str, by_title: dict[str, str]) -> list[str]:
    """Find items whose title stands instead of their number: "hack in sigsum-py"."""
    found = []
    spoken = words.casefold()
    for title, key in by_title.items():
        most = " " not in title or len(title) > 0.5 * len(words)
        if title in spoken and most:
            whole = rf"(?<![\w/-]){re.escape(title)}(?![\w/-])"
            found += [key] if re.search(whole, spoken) else []
    return found[::-1]


def _people_item(
    sheet: _Sheet, inline: Inline, read: list[Duty], by_title: dict[str, str], line: int
) -> Entry | None:
    """Take a bullet below a person that promises something new as an activity."""
    if sheet.layout not in ("priorities", "activities"):
        return None
    m = _WILL.match(inline.text)
    if not m or not (m["permits"] or m["will"]) or _keys_of(sheet, read[0], by_title):
        return None
    if read[0].role == "input":  # "will discuss ..." is work of one's own
        read[0] = replace(read[0], role="work")
    if read[0].role != "work":
        return None
    rest = inline.text[m.end() :]
    light = _WORKS_ON.sub("", rest)
    title = _without_target(sheet, title_of(Inline(light)))
    target = _prose_target(sheet, rest)
    entry = _add_prose(sheet, title, inline, "people", line, target, bool(m["permits"]))
    reading = Reading(line, line + 1, "item", "promised below a person", entry.key, "title", title)
    sheet.items.readings.insert(0, reading)
    return entry


def _people_of_milestones(sheet: _Sheet) -> None:
    """Read requests below a milestone: "request from rgdd: filippo aims to ..."."""
    names = sheet.words.names
    for passage, block in sheet.lists():
        if passage.kind != "milestones":
            continue
        for child in (child for item in block.items for child in item.children):
            asked = r"^request(?:ed)?\s+(?:from|by)\s+[\w/]+\s*:\s*"
            text = re.sub(asked, "", child.head.text, flags=re.IGNORECASE)
            first = re.match(r"[\w/]+", text)
            if first and all(names.is_known(n) for n in first.group().split("/")):
                sheet.duties += [(duty, None) for duty in duties(Inline(text), None, names)]


# Milestones ---------------------------------------------------------------------------------------


def _milestones(sheet: _Sheet) -> list[Reference]:
    placed: dict[str, Reference] = {}
    for entry in sheet.items.by_key.values():
        for inline in entry.inlines:
            for reference, _ in _references_in(inline, entry.title, entry.key):
                _merge(placed, reference)
    for passage in sheet.passages:
        if isinstance(passage.block, ListBlock):
            for item in passage.block.items:
                _item_milestones(sheet, item, passage, placed)
        elif passage.kind != "previous":
            _text_milestones(sheet, passage, placed)
    return list(placed.values())


def _text_milestones(sheet: _Sheet, passage: _Passage, placed: dict[str, Reference]) -> None:
    block = passage.block
    if isinstance(block, Table):
        for row in block.rows:
            told = next(filter(None, (status_in(cell.text) for cell in row)), None)
            for reference, _ in (
                found for cell in row for found in _references_in(cell, row[0].text, None)
            ):
                reference.status = told
                _merge(placed, reference)
        if passage.kind == "milestones":
            sheet.items.claim(block, "link", "table of milestones")
        return
    for sentence in (one for inline in _inlines(block) for one in sentences(inline)):
        for reference, words in _references_in(sentence, None, None):
            reference.title = words or _milestone_words(sentence.text)
            reference.status = status_in(sentence.text)
            _merge(placed, reference)


def _item_milestones(
    sheet: _Sheet, item: Item, passage: _Passage, placed: dict[str, Reference]
) -> None:
    if passage.kind == "previous":
        return
    head = item.head
    status = status_in(head.text)
    in_section = passage.kind == "milestones"
    verdict = _verdict(passage) if passage.kind == "progress" else None
    by_key = sheet.items.by_key
    refs = references(head.text, by_key)[:1] if passage.remarks else []
    for inline in item.inlines():
        whole = without_status(title_of(head), status) if head.bare else None
        for reference, words in _references_in(inline, whole, None, changes=in_section):
            if words and inline is head:
                reference.title = words
            if refs:
                reference.title, reference.key = by_key[refs[0]].title, refs[0]
            reference.status = status if in_section or inline is head else status_in(inline.text)
            reference.status = reference.status or (status_in(verdict) if verdict else None)
            _merge(placed, reference)
            if in_section:
                sheet.items.claim(item, "link", "milestone", field="url", value=reference.url)


def _references_in(
    inline: Inline, title: str | None, key: str | None, *, changes: bool = False
) -> Iterable[tuple[Reference, str | None]]:
    for link in inline.links:
        found = milestone_of(link.url) or (change_of(link.url) if changes else None)
        if found:
            words = inline.text[link.start : link.end]
            told = None if words.startswith("http") else words
            yield Reference(*found, title=told if title is None else title, key=key), told


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


# Carry-over ---------------------------------------------------------------------------------------


def _statements(sheet: _Sheet) -> None:
    for passage in sheet.passages:
        if passage.kind not in ("progress", "milestones", "plan", "top"):
            continue
        if isinstance(passage.block, ListBlock):
            _list_statements(sheet, passage, passage.block)
        elif isinstance(passage.block, Paragraph) and passage.kind == "progress":
            before = len(sheet.statements)
            for sentence in sentences(passage.block.inline):
                _sentence_statement(sheet, sentence)
            if len(sheet.statements) > before:
                _claim(sheet, passage, "statement", "what became of something")


def _list_statements(sheet: _Sheet, passage: _Passage, block: ListBlock) -> None:
    role = _role(passage, block)
    if role == "carry_over":
        verdict = _verdict(passage)
        for item in block.items:
            _add_statement(sheet, item, verdict, unfinished=True)
    elif role == "progress":
        for item in block.items:
            finished = "is done" if FINISHED.match(passage.lead.text) else None
            if finished or status_in(item.head.text) or ONGOING.search(item.head.text):
                _add_statement(sheet, item, finished, unfinished=False)
    elif role == "milestones":
        for item in block.items:
            if status_in(item.head.text) not in (None, "new"):
                _add_statement(sheet, item, None, unfinished=False, section="milestones")


def _add_statement(
    sheet: _Sheet,
    item: Item,
    verdict: str | None,
    *,
    unfinished: bool,
    section: str = "carry_over",
) -> None:
    parts = [sentence.text for sentence in sentences(item.head)] or [item.text]
    telling = [part for part in parts if status_in(part) or ONGOING.search(part)]
    text = parts[0] if unfinished or not telling else telling[0]
    # "Not done yet." says nothing without what stands before it
    if text not in parts[:1] and len(text.split()) < 4:
        text = item.head.text
    status = status_in(item.head.text) or (status_in(verdict) if verdict else None)
    if status is None and not unfinished:
        status = "continued"
    text = re.sub(r"\s*\((?:continued|backlogged|done|new)[^()]*\)\s*$", "", text)
    text = text.rstrip(". ").strip()
    urls = [url for inline in item.inlines() for url in inline.urls]
    refs = re.findall(r"\S*\(?\d[^,;.]*", text)[:3]
    sheet.statements.append(Statement(text, carried(status), refs, urls, section))
    sheet.items.claim(item, "statement", "what became of something", field="status", value=status)


def _verdict(passage: _Passage) -> str | None:
    """Give the sentence behind a list that speaks of everything in it."""
    after, lead = passage.after.text, passage.lead.text
    if VERDICT.search(after) and status_in(after):
        return after
    return lead if re.search(r"\bfollowing\b", lead) and status_in(lead) else None


def _sentence_statement(sheet: _Sheet, sentence: Inline) -> None:
    text = sentence.text
    status = status_in(text) or ("continued" if ONGOING.search(text) else None)
    if NO_LONGER.search(text):
        status = "backlogged"
    silent = status is None and not CYCLES.search(text)
    if silent or VERDICT.match(text) or text.endswith(":"):
        return
    named = [sentence.text[link.start : link.end] for link in sentence.links]
    urls = sentence.urls
    plain = text.rstrip(".")
    if len(named) > 1 and status in ("done", "backlogged", "continued"):
        for words, url in zip(named, urls, strict=True):
            sheet.statements.append(Statement(f"{plain} ({words})", carried(status), [], [url]))
        return
    sheet.statements.append(Statement(plain, carried(status), [], urls))


# What is left -------------------------------------------------------------------------------------


def _leftovers(sheet: _Sheet) -> None:
    """Say why the rest of these sections is text."""
    for passage in sheet.passages:
        block = passage.block
        if isinstance(block, ListBlock | Table) and _role(passage, block) == "previous":
            sheet.items.claim(block, "link", "the roadmap before")
        elif isinstance(block, Paragraph):
            sheet.items.claim(block, "prose", f"text of a section: {passage.kind}")
        elif isinstance(block, ListBlock | Table):
            sheet.items.claim(block, "prose", f"notes: {passage.lead.text[:40] or passage.kind}")
        else:
            sheet.items.claim(block, "ignored", "code")


def _order_of(key: str) -> tuple[int, tuple[int, ...]]:
    """Numbered items and priorities before activities, each by number."""
    return "A" in key, tuple(int(part) for part in re.findall(r"\d+", key))


def _inlines(block: Block) -> Iterable[Inline]:
    if isinstance(block, Paragraph | Heading):
        return [block.inline]
    if isinstance(block, ListBlock):
        return [inline for item in block.items for inline in item.inlines()]
    if isinstance(block, Table):
        return [cell for row in [block.head, *block.rows] for cell in row]
    return [Inline(block.text)]
