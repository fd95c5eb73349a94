"""Items of a roadmap: numbered points, priorities, activities, bullets and rows of tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from roadmap_analytics.roadmap.language import fold, label_of, sentences, title_of
from roadmap_analytics.roadmap.markdown import Inline, Item, ListBlock, Paragraph, Table
from roadmap_analytics.roadmap.outline import Passage, has_fields, lists, section_kind
from roadmap_analytics.roadmap.people import Duty, Names, assigned
from roadmap_analytics.roadmap.targets import NO_DATE, Target

__all__ = ["Entry", "Items", "first_paragraph_items", "role_of_list"]

ReadTarget = Callable[[str, bool], "Target | None"]

_URL_ONLY = re.compile(r"^\W*(?:[\w .-]{0,30}:\s*)?https?://\S+(?:\s*\([^()]*\))?\W*$")
_PERMITS = re.compile(r"^(?:if|as|when)\s+time\s+(?:permits|allows)\s*[:,]?\s*", re.IGNORECASE)
_SOON = re.compile(
    r"^(?P<when>soon(?:er)?(?:\s*/\s*later)?|later|someday|eventually|next|now|asap)\s*:\s*",
    re.IGNORECASE,
)
_ASIDES = re.compile(r"\s*[(\[]([^()\[\]]+)[)\]]")
_DUE_ASIDE = re.compile(
    r"[(\[](?:(?:estimated|expected|planned|to\s+be)\s+)?(?:done|due|target(?:ed)?|eta|deadline|planned|expected|estimated|"
    r"scheduled)?\s*:?\s*(?P<when>[^()\[\]]+)[)\]]",
    re.IGNORECASE,
)
_DATE_FIRST = re.compile(r"^(?P<when>[^:]{4,30}?)\s*(?::|\s[-–—]+)\s+(?=\S)")
_LABEL_WITHIN = re.compile(r"(?:\s+[-–—]+\s+(?=\w)|\s+(?=[A-Z]))(?=[\w-]+(?:\s+[\w-]+){0,2}:\s)")
_DUE = (
    r"(?:done|due|target(?:ed)?|eta|deadline|planned|expected|estimated|scheduled|tentatively|by|until|"
    r"before|in)"
)
_DUE_CLAUSE = re.compile(
    rf"(?:[,;:.]|\s[-–—]+|(?:^|\s)(?={_DUE}\s))\s*(?:(?:estimated|expected|planned)\s+)?{_DUE}?"
    r"\s*(?:date|for|by)?\s*:?\s*(?P<when>[^.;:,]{1,120}(?:,?\s*20\d\d)?)\s*[.;]?$",
    re.IGNORECASE,
)
_PERIOD = re.compile(
    r"^\W*(?:q[1-4]|h[12]|20\d\d(?:[\s-]?[qh]\d)?|(?:first|second|third|fourth)\s+(?:quarter|half)|(?:early|mid|late|end\s+of|beginning\s+of)?[\s-]*"
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w*|this\s+\w+|next\s+(?:week|month|quarter|year))\b",
    re.IGNORECASE,
)
_LATER = re.compile(
    r"^\W*(?:later|someday|future|backlog|not\s+planned|won['’]t\s+do|icebox|on\s+hold|postponed|deferred|parking\s+lot|not\s+now|ideas?)\b",
    re.IGNORECASE,
)
_DONE = re.compile(
    r"^\W*(?:done|completed?|shipped|released|finished|closed)\b|^\W*[✅✔]", re.IGNORECASE
)
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
_DEPTH = 6
_LONGEST = 1000  # of the words beside a marker; the rest is detail


@dataclass
class Entry:
    """An item as read, before references are resolved."""

    key: str
    parent: str | None
    kind: str
    order: int
    title: str
    source: str  # list, nested, people, prose, table, heading
    target: Target | None = None
    deferred: bool = False
    conditional: bool = False
    done: bool = False
    inlines: list[Inline] = field(default_factory=list)
    duties: list[Duty] = field(default_factory=list)

    @property
    def detail(self) -> str:
        """Everything that the document says below this item."""
        return re.sub(r"\s+", " ", " ".join(inline.text for inline in self.inlines)).strip()


def role_of_list(passage: Passage, block: ListBlock | Table, generic: bool) -> str:
    """Tell what a list holds.

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
        return (
            passage.kind
            if not (generic and passage.kind == "milestones" and not _links(block))
            else "items"
        )
    if passage.kind == "future":
        return "items" if generic else "text"
    if passage.kind in ("estimate", "remarks"):
        return "text"
    return _role_in_plan(passage, block, generic)


def _role_in_plan(passage: Passage, block: ListBlock | Table, generic: bool) -> str:
    words = f"{passage.heading} {passage.lead.text}"
    if isinstance(block, Table):
        return "activities" if _ACTIVITY.search(words) and not generic else "items"
    fields = sum(has_fields(item) for item in block.items)
    if passage.kind != "plan" and not generic and not fields:
        return "text"
    if fields and not block.ordered and fields * 2 >= len(block.items) and not generic:
        return "activities"
    if _ACTIVITY.search(passage.lead.text):
        return "activities"
    if _WORD_OF_PRIORITY.search(words) and not re.search(
        r"\border\s+of\s+priorit", words, re.IGNORECASE
    ):
        return "priorities"
    if _ACTIVITY.search(words) or (fields and not generic):
        return "activities"
    return "items"


def _are_addresses(block: ListBlock | Table) -> bool:
    return isinstance(block, ListBlock) and all(_is_comment(i.head.text) for i in block.items)


def _links(block: ListBlock | Table) -> bool:
    if isinstance(block, Table):
        return any(cell.links for row in block.rows for cell in row)
    return any(inline.links for item in block.items for inline in item.inlines())


class Items:
    """Collects the items of one document."""

    def __init__(self, names: Names, read_target: ReadTarget) -> None:
        self.names = names
        self.read_target = read_target
        self.by_key: dict[str, Entry] = {}  # in the order of the document
        self.placed: set[int] = set()  # ids of list entries
        self._count: dict[tuple[str, str | None], int] = {}

    def read(self, passages: Sequence[Passage], generic: bool) -> None:
        """Take the items of all lists and tables."""
        for passage in passages:
            block = passage.block
            if isinstance(block, ListBlock | Table):
                role = role_of_list(passage, block, generic)
                if role in ("priorities", "items", "activities"):
                    passage.placed = True
                    self._read_block(passage, block, role, generic)
        if generic:
            self._paragraph_items(passages)

    def _read_block(
        self, passage: Passage, block: ListBlock | Table, role: str, generic: bool
    ) -> None:
        letter = {"priorities": "P", "activities": "A", "items": ""}[role]
        if isinstance(block, Table):
            self._read_table(passage, block, letter)
            return
        if generic and _describes_heading(passage, block):
            self._heading_item(passage, block)
            return
        for item in block.items:
            self.add(item, letter, None, passage)

    def next_key(
        self, letter: str, parent: str | None, number: int | None = None
    ) -> tuple[str, int]:
        """Give a key that no other item has, and the rank among its siblings."""
        place = (letter, parent)
        order = max(self._count.get(place, 0) + 1, number or 0)
        self._count[place] = order
        return (f"{parent}.{order}" if parent else f"{letter}{order}"), order

    def add(
        self, item: Item, letter: str, parent: str | None, passage: Passage, depth: int = 0
    ) -> Entry | None:
        """Take one list entry, with the labelled values and the items below it."""
        self.placed.add(id(item))
        head = item.head.strip()
        if _PERMITS.fullmatch(f"{head.text} ") and item.children:
            for child in item.children:
                if (entry := self.add(child, letter, parent, passage, depth)) is not None:
                    entry.conditional = True
            return None
        if not head.text or (depth and _is_comment(head.text)):
            return None
        described = has_fields(item)
        key, order = self.next_key(letter, parent, item.number)
        kind = {"P": "priority", "A": "activity"}.get(letter, "item")
        source = "list" if not depth or letter != "A" else "nested"
        entry = Entry(key, parent, kind, order, "", source, done=bool(item.checked))
        self.by_key[entry.key] = entry
        self._describe(entry, head, passage, depth)
        entry.inlines.append(head)
        entry.inlines += item.paragraphs
        for text in item.paragraphs:
            for field_ in _fields_within(text):
                self._field(entry, field_, None)
        for child in item.children:
            if described or depth >= _DEPTH:
                self._below(entry, child)
            elif _is_comment(child.head.text) or not child.head.text.strip():
                self._note(entry, child)
            else:
                self.add(child, letter, key, passage, depth + 1)
        return entry

    def _note(self, entry: Entry, item: Item) -> None:
        entry.inlines += item.inlines()
        self.placed |= {id(below) for below in item.walk()}

    def _below(self, entry: Entry, child: Item) -> None:
        self._note(entry, child)
        self._field(entry, child.head, child)

    def _field(self, entry: Entry, text: Inline, item: Item | None) -> None:
        """Take a labelled value: a target, people, a status."""
        label = label_of(text.text)
        if label is None:
            return
        kind, roles, value = label
        if not value and item is not None:
            value = ", ".join(child.head.text for child in item.children)
        if kind == "target":
            entry.target = self.read_target(value, entry.done) or entry.target
        elif kind == "people":
            entry.duties += assigned(value, roles, self.names)
        elif kind == "status":
            entry.done = entry.done or bool(_DONE.match(value))
            entry.deferred = entry.deferred or bool(_LATER.match(value))

    def _describe(self, entry: Entry, head: Inline, passage: Passage, depth: int) -> None:
        """Title, condition and target from the text beside the marker."""
        head = head[:_LONGEST]
        if m := _PERMITS.match(head.text):
            entry.conditional, head = True, head[m.end() :]
        if m := _SOON.match(head.text):
            entry.target, head = Target(m["when"]), head[m.end() :]
        head = self._labelled_asides(entry, self._person_prefix(entry, head))
        head = self._people_behind(entry, self._date_first(entry, head))
        entry.title = title_of(head, aside=4 if entry.kind == "priority" else 2)
        if entry.target is None:
            entry.target = self._target_in(entry, head)
        for text in _fields_within(Inline(_ASIDES.sub("", head.text))):
            if (label := label_of(text.text)) and label[0] == "people":
                self._field(entry, text, None)
        for m in re.finditer(
            r",\s+((?:\w+\s+){0,2}(?:help|review|input)\s+(?:from|form|by)\s+.+)$", head.text
        ):
            entry.duties += assigned(m.group(1), ["work"], self.names)
        if (
            m := re.search(
                r"\b([\w-]+)\s+is\s+(?:considering|exploring|planning|thinking)\b", head.text
            )
        ) and self.names.plausible(m.group(1)):
            entry.duties.append(Duty(self.names.handle(m.group(1)), "work", None, "considering"))
        if any(_LATER.match(m.group(1)) for m in _ASIDES.finditer(head.text)):
            entry.deferred = True
        if not depth:
            self._from_heading(entry, passage)

    def _labelled_asides(self, entry: Entry, head: Inline) -> Inline:
        """Read "(owner: ada)" behind a title."""
        for m in reversed(list(_ASIDES.finditer(head.text))):
            label = label_of(m.group(1))
            if label and label[0] in ("people", "target", "status"):
                self._field(entry, Inline(m.group(1)), None)
                end = len(head.text[m.end() :])
                head = head[: m.start()] if not end else _joined(head[: m.start()], head[m.end() :])
        return head

    def _date_first(self, entry: Entry, head: Inline) -> Inline:
        """Read "2025-09-01: Beta"."""
        m = _DATE_FIRST.match(head.text)
        if m is None or head.strong:
            return head
        target = self.read_target(m["when"], entry.done)
        if target is None or target.end is None or not _mostly(target.text, m["when"]):
            return head
        entry.target = entry.target or target
        return head[m.end() :]

    def _person_prefix(self, entry: Entry, head: Inline) -> Inline:
        """Read "ada: tune the parser" as work of ada."""
        name, colon, rest = head.text.partition(":")
        if (
            colon
            and rest[:1] == " "
            and len(name) < 40
            and not head.strong
            and self._are_people(name)
        ):
            entry.duties += [Duty(person, "work") for person in self.names.split(name)]
            return head[len(name) + 1 :].strip()
        return head

    def _people_behind(self, entry: Entry, head: Inline) -> Inline:
        """Read "Parser -- ada (maybe bo), tbd" and "Parser (@ada)"."""
        dash = re.search(r"\s[-–—]{1,2}\s+(?=(@?[\w-]+))", head.text)
        if dash and (dash.group(1)[0] == "@" or self.names.is_known(dash.group(1))):
            behind = head.text[dash.end() :]
            entry.duties += assigned(behind, ["work"], self.names)
            for part in re.split(r"[,.]\s+", behind.rstrip("."))[1:]:
                target = self.read_target(part, entry.done)
                if target and (target.end or NO_DATE.match(part)):
                    entry.target = entry.target or target
            return head[: dash.start()]
        for m in reversed(list(re.finditer(r"\s+[([](@[\w-]+(?:,\s*@[\w-]+)*)[)\]]", head.text))):
            entry.duties += assigned(m.group(1), ["work"], self.names)
            head = _joined(head[: m.start()], head[m.end() :])
        return head

    def _are_people(self, text: str) -> bool:
        parts = re.split(r"\s*(?:/|,|&|\+|\band\b)\s*", text.strip())
        if all(self.names.is_known(part) for part in parts):
            return True
        return all(re.fullmatch(r"[a-z][a-z0-9_]{1,11}|@[\w-]+", part) for part in parts) and all(
            map(self.names.plausible, parts)
        )

    def _target_in(self, entry: Entry, head: Inline) -> Target | None:
        """Give a target within the item's own words, where a bracket or their end gives one."""
        text = head.bare
        for pattern in (_DUE_ASIDE, _DUE_CLAUSE):
            for m in _overlapping(pattern, text):
                target = self.read_target(m["when"], entry.done)
                event = re.search(r"(?:before|until)\s+[A-Z]\w+$", m.group().rstrip(").]"))
                if event and target and not target.end:  # an event that no calendar knows
                    target = Target(event.group())
                said = target and (target.end or event or NO_DATE.match(m["when"]))
                if target and said and _mostly(target.text, m["when"]):
                    if m.start() > 3 and len(entry.title) > m.start():
                        entry.title = title_of(head[: m.start()])
                    return target
        return None

    def _from_heading(self, entry: Entry, passage: Passage) -> None:
        """Take a heading such as "Q3 2025", "Later" or "Done" speaks for the items below it."""
        for heading in reversed(passage.headings[1:] or passage.headings[-1:]):
            entry.done = entry.done or bool(_DONE.match(heading))
            entry.deferred = entry.deferred or bool(_LATER.match(heading))
            aside = re.search(r"(?:\(|\s[-–—:]\s+)([^()]+)\)?\s*$", heading)
            for words in [heading] if _PERIOD.match(heading) else [aside.group(1)] if aside else []:
                if (
                    entry.target is None
                    and (target := self.read_target(words, entry.done))
                    and (
                        target.end or re.match(r"(?i)planned|expected|due|target|tb[acd]\b", words)
                    )
                ):
                    entry.target = target

    def _paragraph_items(self, passages: Sequence[Passage]) -> None:
        """In a plain roadmap, a small heading with nothing but text below it is an item."""
        below: dict[tuple[str, ...], list[Passage]] = {}
        for passage in passages:
            below.setdefault(passage.headings, []).append(passage)
        above = {headings[:n] for headings in below for n in range(len(headings))}
        for headings, parts in below.items():
            texts = [p.block.inline for p in parts if isinstance(p.block, Paragraph)]
            fields = [one for text in texts for one in _fields_within(text)]
            if (
                len(texts) < len(parts)
                or headings in above
                or parts[0].kind not in ("plan", "unknown")
            ):
                continue
            if len(headings) < 2 or not (
                fields or (len(headings) > 2 and section_kind(headings[-1]) is None)
            ):
                continue
            entry = self._heading_entry(parts[0])
            entry.inlines += texts
            for text in fields:
                self._field(entry, text, None)
            self._from_heading(entry, parts[0])
            for part in parts:
                part.placed = True

    def _heading_item(self, passage: Passage, block: ListBlock) -> None:
        """Take a heading with nothing but labelled values below it is an item itself."""
        entry = self._heading_entry(passage)
        entry.inlines += passage.before
        for child in block.items:
            self._below(entry, child)
        self._from_heading(entry, passage)

    def _heading_entry(self, passage: Passage) -> Entry:
        key, order = self.next_key("", None)
        title = Inline(passage.heading)
        entry = Entry(key, None, "item", order, title_of(title), "heading", inlines=[title])
        self.by_key[entry.key] = entry
        return entry

    def _read_table(self, passage: Passage, table: Table, letter: str) -> None:
        """One item for each row; columns are told by their heads."""
        labels = [label_of(f"{cell.text}:x") for cell in table.head]
        kinds = [label[0] if label else "" for label in labels]
        column = (
            kinds.index("title")
            if "title" in kinds
            else next((i for i, k in enumerate(kinds) if not k), 0)
        )
        for row in table.rows:
            if not row[column].text.strip():
                continue
            key, order = self.next_key(letter, None)
            kind = "activity" if letter == "A" else "item"
            entry = Entry(key, None, kind, order, title_of(row[column]), "table", inlines=list(row))
            self.by_key[entry.key] = entry
            pairs = [(c.text.strip(), cell) for c, cell in zip(table.head, row, strict=False)]
            # A status comes first: the date of what is done may lie in the past.
            for name, cell in sorted(
                pairs, key=lambda pair: fold(pair[0]) not in ("status", "state")
            ):
                if _PERIOD.match(name):  # a column per quarter: the last one that is filled
                    filled = re.search(r"\w|[^\W_]|[xX✓✔✅●■]", cell.text)
                    entry.target = self.read_target(name, entry.done) if filled else entry.target
                else:
                    self._field(entry, Inline(f"{name}: {cell.text}"), None)
            self._from_heading(entry, passage)


def _overlapping(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Yield every match, also one that begins within another."""
    m = pattern.search(text)
    while m:
        yield m
        m = pattern.search(text, m.start() + 1)


def _mostly(part: str, whole: str) -> bool:
    """Whether a time expression is what a clause consists of, and not just stands in it."""
    return len(part) >= 0.6 * len(whole.strip())


def _describes_heading(passage: Passage, block: ListBlock) -> bool:
    """Whether all entries of a list are labelled values of the heading above."""
    return (
        len(passage.headings) > 1
        and bool(block.items)
        and section_kind(passage.heading) is None
        and all(label_of(item.head.text) for item in block.items)
    )


def _fields_within(text: Inline) -> list[Inline]:
    """Labelled values that stand line by line in one paragraph."""
    parts = [Inline(part) for part in _LABEL_WITHIN.split(text.text)]
    known = [label_of(part.text) for part in parts]
    return [
        p
        for p, label in zip(parts, known, strict=True)
        if label and label[0] in ("target", "people", "status")
    ]


def _joined(left: Inline, right: Inline) -> Inline:
    """Two texts in a row; links of the second are dropped with what stood between."""
    return Inline(left.text + right.text, left.links, left.strong)


def _is_comment(text: str) -> bool:
    text = text.strip()
    return (
        bool(_URL_ONLY.match(text))
        or bool(re.fullmatch(r"\([^()]*\)\.?", text))
        or bool(re.match(r"(?i)(?:note|nb|comment|remark|see|more\s+info)\b\s*:", text))
    )


def first_paragraph_items(passages: Sequence[Passage]) -> Iterator[Inline]:
    """Yield what stands above a list that begins with "Then": it ranks before the list."""
    for passage, _ in lists(passages):
        if passage.kind == "plan" and re.match(
            r"(?:then|after\s+that|thereafter)\b", passage.lead.text, re.IGNORECASE
        ):
            above = passage.before[:-1]
            if above and re.match(r"[A-Z][a-z]+\s+(?!\w+:)", above[-1].text):
                yield sentences(above[-1])[0]
