"""The generic reader: a bullet, a table row, or a heading with text below it is an item.

Headings above give what an item lacks; labelled values below belong to it. No rule removes a line:
what is no item is a field, a link or the text of one, or it is kept as prose with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from roadmap_analytics.roadmap.fields import (
    Entry,
    Label,
    Words,
    column_kind,
    comment_fields,
    describe,
    fields_within,
    label_of,
    take_field,
)
from roadmap_analytics.roadmap.lines import Reading
from roadmap_analytics.roadmap.links import tracked
from roadmap_analytics.roadmap.markdown import Block, Inline, Item, ListBlock, Paragraph, Table
from roadmap_analytics.roadmap.marks import ACTIVE, DEFERRED, DONE, legend, marked, state_of
from roadmap_analytics.roadmap.outline import Given, Section, explains, names_document
from roadmap_analytics.roadmap.people import Duty
from roadmap_analytics.roadmap.targets import NO_DATE, Target, only_time

__all__ = ["Items", "Place", "is_comment", "read_comments", "read_sections"]

_URL_ONLY = re.compile(r"^\W*(?:[\w .-]{0,30}:\s*)?https?://\S+(?:\s*\([^()]*\))?\W*$")
_PERMITS = re.compile(r"(?:if|as|when)\s+time\s+(?:permits|allows)\s*[:,]?\s*", re.IGNORECASE)
_COMMENT = re.compile(r"(?:note|nb|comment|remark|see|more\s+info)\b\s*:", re.IGNORECASE)
_ONLY_HANDLES = re.compile(r"\W*@[\w-]+(?:\W+(?:and\W+)?@[\w-]+)*\W*")
_NO_TITLE = re.compile(r"[\W_]*")
_TIME_HEAD = re.compile(
    r"^\W*(?:q[1-4]|h[12]|20\d\d(?:[\s-]?[qh]\d)?|(?:first|second|third|fourth)\s+(?:quarter|half)|(?:early|mid|late|end\s+of)?[\s-]*"
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*)\b",
    re.IGNORECASE,
)
_FILLED = re.compile(r"\w|[xX✓✔✅●■]")
_PERSON_HEAD = re.compile(r"\b(?:names?|github|slack|e-?mail|handle|irc|matrix)\b", re.IGNORECASE)
_DEPTH = 6
_HARD = ("people", "target", "start", "status")  # kinds that only work has


@dataclass(frozen=True)
class Place:
    """Where a list entry stands: what it inherits, and how its key is made."""

    parent: str | None = None
    given: Given = field(default_factory=Given)
    letter: str = ""  # P for priorities, A for activities, in the layouts that have them
    depth: int = 0
    explained: str | None = None  # the heading of a section that is about the document
    directly: bool = False  # whether that is the innermost heading: then a box is no work either
    notes: bool = False  # beside labelled values, plain bullets are notes and no items
    inherit: bool = True  # entries take what stands above them


class Items:
    """Collects the items of one document, and what its lines were read as."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self.by_key: dict[str, Entry] = {}  # in the order of the document
        self.readings: list[Reading] = []
        self.duties: list[tuple[Duty, str | None]] = []  # of sections, not of items
        self._count: dict[tuple[str, str | None], int] = {}

    def next_key(
        self, letter: str, parent: str | None, number: int | None = None
    ) -> tuple[str, int]:
        """Give a key that no other item has, and the rank among its siblings."""
        place = (letter, parent)
        order = max(self._count.get(place, 0) + 1, number or 0)
        self._count[place] = order
        return (f"{parent}.{order}" if parent else f"{letter}{order}"), order

    def claim(
        self,
        block: Block | Item,
        reading: str,
        why: str,
        key: str | None = None,
        **said: str | None,
    ) -> None:
        """Say what the lines of a block were read as."""
        self.readings.append(Reading(block.line, block.end, reading, why, key, **said))

    def new(self, place: Place, source: str, line: int, number: int | None = None) -> Entry:
        """Begin an item."""
        key, order = self.next_key(place.letter, place.parent, number)
        kind = {"P": "priority", "A": "activity"}.get(place.letter, "item")
        entry = Entry(key, place.parent, kind, order, "", source, line)
        self.by_key[key] = entry
        return entry

    def settle(self, entry: Entry, place: Place) -> None:
        """Give an item what it lacks: from the item it stands below, then from the headings."""
        above = self.by_key.get(place.parent or "")
        if not place.inherit:
            return
        given = place.given
        if above is not None and above.source != "heading":
            given = replace(
                given, target=above.target or given.target, state=above.state or given.state
            )
        entry.target = entry.target or given.target
        # An open box below "Done" is open; what is planned below "Later" still has to wait.
        if given.state == DONE and entry.state is None:
            entry.done = True
        if given.state == DEFERRED and entry.state in (None, ACTIVE):
            entry.deferred = True

    # Lists

    def add(self, item: Item, place: Place) -> Entry | None:
        """Take one list entry, with the labelled values and the items below it."""
        first = item.blocks[0] if item.blocks else None
        head = item.head.strip()
        if not isinstance(first, Paragraph) or not head.text:
            self.below(None, item.blocks, place)
            return None
        if _PERMITS.fullmatch(f"{head.text} ") and item.children:
            self.claim(
                first, "prose", "leads into a list of what is done if time permits", place.parent
            )
            for child in item.children:
                if (below := self.add(child, place)) is not None:
                    below.conditional = True
            return None
        entry = self.new(
            place,
            "nested" if place.depth and place.letter == "A" else "list",
            item.line,
            item.number,
        )
        describe(entry, head, self.words, item.box)
        entry.inlines.append(head)
        boxed = item.box is not None and not place.directly
        if place.explained and not (boxed or _signs(entry)):
            del self.by_key[entry.key]
            self._count[place.letter, place.parent] -= 1
            self.claim(item, "prose", f"below {place.explained!r}, which is about the document")
            return None
        self.claim(
            first,
            "item",
            "list entry" + (f" below {place.parent}" if place.parent else ""),
            entry.key,
            field="title",
            value=entry.title,
        )
        self.below(entry, item.blocks[1:], replace(place, parent=entry.key, depth=place.depth + 1))
        return entry

    def below(self, entry: Entry | None, blocks: Sequence[Block], place: Place) -> None:
        """Take what stands below an entry: labelled values speak before the items inherit them."""
        for block in blocks:
            if entry and isinstance(block, Paragraph):
                self.paragraph(entry, block)
            elif entry and not isinstance(block, ListBlock):
                entry.inlines += _cells(block)
                self.claim(block, "prose", "text of the item", entry.key)
        children = [
            child for block in blocks if isinstance(block, ListBlock) for child in block.items
        ]
        noted = place.notes and any(label_of(child.head.text) for child in children)
        rest = [
            child
            for child in children
            if not (entry and self._take_child(entry, child, place, noted))
        ]
        if entry is not None:
            self.settle(entry, replace(place, parent=entry.parent))
        for child in rest:
            self.add(child, place)

    def _take_child(self, entry: Entry, child: Item, place: Place, noted: bool) -> bool:
        """Take a child that is a field, a link or a note of the entry; False for an item."""
        text = child.head.text.strip()
        if not text and not child.children:
            return True
        if (label := self._labelled(child)) is not None:
            self.field(entry, child, label)
            return True
        if is_comment(text) or (place.depth and _NO_TITLE.fullmatch(text) and not child.children):
            self._note(entry, child, "link" if _URL_ONLY.match(text) else "prose")
            return True
        if _ONLY_HANDLES.fullmatch(text):
            self.people(entry, child)
            return True
        if not child.children and only_time(text, self.words.written, self.words.calendar):
            entry.target = self.words.target(text, entry.done)
            entry.inlines.append(child.head)
            self.claim(child, "field", "only a time", entry.key, field="target", value=text)
            return True
        if label_alone(text) and not child.children:
            self.claim(child, "prose", "a label without a value", entry.key)
            return True
        if noted or place.depth > _DEPTH:
            self._note(entry, child, "prose")
            return True
        return False

    def people(self, entry: Entry | None, child: Item) -> None:
        """Take an entry that consists of handles."""
        for name in re.findall(r"@[\w-]+", child.head.text):
            duty = Duty(self.words.names.handle(name), "work")
            self.duties.append((duty, entry.key if entry else None))
        self.claim(
            child,
            "person",
            "only handles",
            entry.key if entry else None,
            field="people",
            value=child.head.text,
        )

    def _labelled(self, item: Item) -> Label | None:
        """Give the label of an entry, where its value is one of that kind."""
        label = label_of(_standing(item.head).text)
        if label is None or item.box is not None:
            return None
        if label.kind == "target" and label.value:
            target = self.words.target(label.value)
            known = target and (target.end or target.flag or NO_DATE.match(label.value))
            return label if known or len(label.value.split()) <= 4 else None
        return label if label.value or item.children or label.kind == "outcome" else None

    def field(self, entry: Entry, child: Item, label: Label) -> None:
        """Take a labelled value, which may stand in bullets below the label."""
        if not label.value:
            label = replace(label, value=", ".join(below.head.text for below in child.children))
        entry.inlines += child.inlines()
        understood = take_field(entry, label, self.words, _urls(child))
        why = f"label {child.head.text.partition(':')[0].strip()[:40]!r}"
        why = why if understood else f"not understood: {why} without a {label.kind}"
        self.claim(child, "field", why, entry.key, field=label.kind, value=label.value)

    def _note(self, entry: Entry, item: Item, reading: str) -> None:
        entry.inlines += item.inlines()
        self.claim(item, reading, "note of the item", entry.key)

    def paragraph(self, entry: Entry, block: Paragraph) -> None:
        """Take a paragraph below an item: labelled values, or its text."""
        entry.inlines.append(block.inline)
        labels = fields_within(_standing(block.inline))
        for label in labels:
            take_field(entry, label, self.words, block.inline.urls)
        said = {"field": labels[0].kind, "value": labels[0].value} if labels else {}
        self.claim(
            block,
            "field" if labels else "prose",
            "labels in a paragraph" if labels else "text of the item",
            entry.key,
            **said,
        )

    # Tables

    def table(self, table: Table, place: Place) -> None:
        """One item for each row; the heads say what the columns mean."""
        heads = [cell.text.strip() for cell in table.head]
        kinds = [label.kind if (label := column_kind(head)) else "" for head in heads]
        given = [
            place.given.under(head, self.words)
            if _TIME_HEAD.match(head) or state_of(head)
            else None
            for head in heads
        ]
        people = sum(map(bool, map(_PERSON_HEAD.search, heads)))
        work = {"target", "status"} & {*kinds}
        if (place.explained or people) and not work and not any(given):
            about = f"below {place.explained!r}, which is about the document"
            said = ("prose", about) if place.explained else ("person", "a table of people")
            self.claim(table, *said)
            return
        place = replace(place, explained=None)
        self.readings.append(Reading(table.line, table.line + 2, "heading", "head of a table"))
        if len(heads) > 1 and all(given) and not any(kind == "title" for kind in kinds):
            for row, line in zip(table.rows, table.lines, strict=True):
                for cell, one in zip(row, given, strict=False):
                    self._row(cell, [], line, replace(place, given=one or place.given))
            return
        column = _title_column(heads, kinds, given)
        for row, line in zip(table.rows, table.lines, strict=True):
            if column < len(row):
                rest = [
                    (head, kind, cell)
                    for n, (head, kind, cell) in enumerate(zip(heads, kinds, row, strict=False))
                    if n != column
                ]
                self._row(row[column], rest, line, place)

    def _row(
        self, cell: Inline, rest: Sequence[tuple[str, str, Inline]], line: int, place: Place
    ) -> None:
        if not cell.text.strip() or _NO_TITLE.fullmatch(cell.text):
            return
        entry = self.new(place, "table", line)
        describe(entry, cell, self.words)
        entry.target = None if rest and entry.target and not entry.target.end else entry.target
        entry.inlines += [cell, *(inline for _, _, inline in rest)]
        self.readings.append(
            Reading(line, line + 1, "item", "row of a table", entry.key, "title", entry.title)
        )
        self.cells(entry, rest)
        self.settle(entry, place)

    def cells(self, entry: Entry, cells: Iterable[tuple[str, str, Inline]]) -> None:
        """Let the cells of a row speak for an item."""
        best = None
        # A status comes first: the date of what is done may lie in the past.
        for head, kind, cell in sorted(cells, key=lambda one: one[1] != "status"):
            text = _standing(cell).text.strip()
            if _TIME_HEAD.match(head):  # a column per quarter: the last one that is filled
                entry.target = (
                    self.words.target(head, entry.done) if _FILLED.search(text) else entry.target
                )
                continue
            label = column_kind(head)
            if label is None or not text:
                continue
            if kind == "target":
                target = self.words.target(text, entry.done)
                if target and (best is None or _narrower(target, best)):
                    best = target
                continue
            take_field(entry, replace(label, value=text), self.words, cell.urls)
        entry.target = best or entry.target


def _narrower(one: Target, other: Target) -> bool:
    if not (one.start and one.end and other.start and other.end):
        return bool(one.end)
    return one.end - one.start < other.end - other.start


def _title_column(heads: Sequence[str], kinds: Sequence[str], given: Sequence[Given | None]) -> int:
    """Give the column of the titles: by its head, else the first that has another meaning."""
    free = [
        n
        for n, kind in enumerate(kinds)
        if not kind and not given[n] and re.search(r"\w", heads[n])
    ]
    named = [n for n, kind in enumerate(kinds) if kind == "title"]
    soft = [
        n
        for n, kind in enumerate(kinds)
        if kind in ("relates", "outcome", "link", "info", "target")
    ]
    return next(iter([*named[:1], *free, *soft]), 0)


def _standing(inline: Inline) -> Inline:
    """Leave out what is struck, where other words remain to its right."""
    kept: list[str] = []
    place, words, first = len(inline.text), False, None
    # One pass from the right over joined spans: a hostile line nests thousands of them.
    for start, end in reversed(_joined(inline.struck)):
        kept.append(inline.text[end:place])
        words = words or re.search(r"\w", kept[-1]) is not None
        if words:
            first = start
        else:
            kept.append(inline.text[start:end])
            words = re.search(r"\w", kept[-1]) is not None
        place = start
    if first is None:
        return inline
    kept.append(inline.text[:place])
    return Inline("".join(reversed(kept)), inline[:first].links)


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Join spans that overlap; ascending.

    >>> _joined([(4, 6), (0, 2), (1, 3)])
    [(0, 3), (4, 6)]
    """
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _urls(item: Item) -> list[str]:
    return [url for inline in item.inlines() for url in inline.urls]


def _cells(block: Block) -> Iterator[Inline]:
    if isinstance(block, Table):
        yield from (cell for row in block.rows for cell in row)


def _signs(entry: Entry) -> bool:
    """Whether an entry bears a sign of work: a date, a person, a tracked link."""
    dated = entry.target is not None and entry.target.end is not None
    return bool(dated or entry.duties or any(map(tracked, entry.inlines[0].urls)))


def is_comment(text: str) -> bool:
    """Whether an entry is a bare address, a bracket or a note, and so no item."""
    text = text.strip()
    aside = re.fullmatch(r"\([^()]*\)\.?", text)
    return bool(_URL_ONLY.match(text) or aside or _COMMENT.match(text))


# Sections -----------------------------------------------------------------------------------------


def read_sections(top: Section, items: Items) -> None:
    """Read a whole document."""
    firsts = [one for one in top.below if one.heading and one.heading.level == 1]
    title = None
    if (
        firsts
        and (len(firsts) == 1 or names_document(firsts[0].text))
        and top.below[0] is firsts[0]
    ):
        title = firsts[0]
    _section(top, items, Place(), None, title)


def _section(
    section: Section, items: Items, place: Place, owner: Entry | None, title: Section | None
) -> None:
    """Read a section: its heading is the title, an item, a field of the item above, or context."""
    text = section.text
    entry, label = owner, label_of(f"{text.rstrip(':')}:" + " x" * 0) if owner else None
    if section.heading is None:
        pass
    elif section is title or names_document(text):
        place = replace(place, given=place.given.under(text, items.words, title=True))
        items.claim(section.heading, "heading", "title of the document")
    elif owner is not None and (label := label_of(f"{text.rstrip(':')}:")) is not None:
        _label_section(section, items, owner, label)
        return
    else:
        given = place.given.under(text, items.words)
        entry = _heading_item(section, items, place, given)
        if entry is not None:
            place = replace(place, parent=entry.key, given=given, depth=1)
        else:
            here = explains(text)
            about = text if here else place.explained
            place = replace(place, given=given, explained=about, directly=here)
            items.claim(section.heading, "heading", _what_it_gives(given, place))
    _blocks(section, items, place, entry)
    if entry is not None and entry is not owner:
        items.settle(entry, replace(place, parent=entry.parent))
    for below in section.below:
        _section(below, items, place, entry, title)


def _what_it_gives(given: Given, place: Place) -> str:
    if place.explained:
        return "section about the document"
    said = [given.target.text if given.target else None, given.state]
    told = ", ".join(one for one in said if one)
    return f"section, gives {told}" if told else "section"


def _heading_item(section: Section, items: Items, place: Place, given: Given) -> Entry | None:
    """Take a heading as an item: one with labelled values, a sign of work, or only text below."""
    assert section.heading is not None
    inline = section.heading.inline
    probe = Entry("", None, "item", 1, "", "heading")
    state, _ = marked(inline, None)
    describe(probe, inline, items.words)
    speaks = given != place.given
    fields = [block for block in section.blocks if _fields_of(block, items)]
    plain = [
        block
        for block in section.blocks
        if isinstance(block, ListBlock | Table) and not _fields_of(block, items)
    ]
    parts = [one for one in section.below if label_of(f"{one.text.rstrip(':')}:") is None]
    leaf = not plain and not parts
    texts = [block for block in section.blocks if isinstance(block, Paragraph)]
    labels = [label_of(f"{one.text.rstrip(':')}:") for one in section.below]
    headed = any(label and label.kind in _HARD for label in labels)
    hard = bool(fields or headed) and not (speaks and not leaf)
    signed = bool(state or probe.duties or any(map(tracked, inline.urls))) and len(probe.title) > 2
    told = leaf and bool(texts) and not place.explained and not explains(section.text)
    told = told and label_of(f"{section.text}:") is None
    told = told and not names_document(section.text) and not _only_given(section.text, items)
    if section.heading.level > 6 or not (hard or (signed and not parts) or told):
        return None
    entry = items.new(replace(place, letter=""), "heading", section.heading.line)
    describe(entry, inline, items.words)
    entry.inlines.append(inline)
    why = (
        "heading with labelled values"
        if hard
        else "heading with a sign of work"
        if signed
        else "heading with text below it"
    )
    items.claim(section.heading, "item", why, entry.key, field="title", value=entry.title)
    return entry


def _only_given(text: str, items: Items) -> bool:
    """Whether a heading is only a time or a state: "Q3 2025", "Later"."""
    target = items.words.target(text)
    words = re.sub(r"[\W_]+", " ", text).split()
    dated = (
        target is not None
        and target.end is not None
        and len(target.text) >= 0.8 * len(text.strip())
    )
    return dated or (state_of(text) is not None and len(words) <= 3)


def _fields_of(block: Block, items: Items) -> bool:
    """Whether a block below a heading is made of labelled values."""
    if isinstance(block, Paragraph):
        first = label_of(_standing(block.inline).text)
        return first is not None and first.kind in _HARD
    if isinstance(block, ListBlock):
        labels = [items._labelled(item) for item in block.items]
        hard = [one for one in labels if one and one.kind in _HARD]
        keyed = [item for item in block.items if re.match(r"[^:]{1,40}:\s", item.head.text + " ")]
        return bool(hard) and (2 * len(hard) >= len(labels) or len(keyed) == len(labels))
    if isinstance(block, Table):
        return _field_table(block) is not None
    return False


def _field_table(table: Table) -> list[tuple[str, str, Inline]] | None:
    """Read a table below a heading that describes it: label and value, or one row of values."""

    def kind_of(cell: Inline) -> str:
        label = column_kind(cell.text)
        return label.kind if label else ""

    kinds = [kind_of(cell) for cell in table.head]
    rows = [row for row in [table.head, *table.rows] if len(row) == 2 and row[0].text.strip()]
    pairs = [(row[0].text, kind_of(row[0]), row[1]) for row in rows]
    many = sum(kind in _HARD for _, kind, _ in pairs)
    if len(kinds) == 2 and not kinds[1] and many and 2 * many >= len(rows):
        return pairs
    hard = sum(kind in _HARD for kind in kinds)
    if len(table.rows) == 1 and hard and "title" not in kinds:
        return [(h.text, k, c) for h, k, c in zip(table.head, kinds, table.rows[0], strict=False)]
    return None


def _blocks(section: Section, items: Items, place: Place, entry: Entry | None) -> None:
    """Read the blocks right below a heading."""
    own = (
        entry
        if entry is not None and section.heading and entry.line == section.heading.line
        else None
    )
    for block in section.blocks:
        if isinstance(block, ListBlock):
            _list(block, items, place, own)
        elif isinstance(block, Table):
            values = _field_table(block) if own else None
            if own is not None and values is not None:
                own.inlines += [cell for _, _, cell in values]
                items.cells(own, values)
                items.claim(block, "field", "a table of labelled values", own.key)
            else:
                items.table(block, place)
        elif isinstance(block, Paragraph) and own is not None:
            items.paragraph(own, block)
        elif isinstance(block, Paragraph):
            about = f"below {place.explained!r}, which is about the document"
            items.claim(block, "prose", about if place.explained else "text of a section")
        else:
            items.claim(block, "ignored", "code", own.key if own else None)


def _list(block: ListBlock, items: Items, place: Place, own: Entry | None) -> None:
    """Read a list: contents, a legend, handles, labelled values of the heading, or items."""
    if _contents(block):
        items.claim(block, "contents", "every entry leads to a heading")
    elif len(block.items) > 1 and all(legend(item.head) for item in block.items):
        items.claim(block, "ignored", "a legend of signs")
    elif own is not None and _fields_of(block, items):
        for item in block.items:
            label = items._labelled(item) or Label(
                "info", (), item.head.text.partition(":")[2].strip()
            )
            items.field(own, item, label)
        items.settle(own, replace(place, parent=own.parent))
    else:
        for item in block.items:
            if _ONLY_HANDLES.fullmatch(item.head.text) and not item.children:
                items.people(own, item)
            elif own is not None and is_comment(item.head.text):
                items._note(own, item, "link" if _URL_ONLY.match(item.head.text) else "prose")
            else:
                items.add(item, place)


def label_alone(text: str) -> bool:
    """Whether an entry is a label and nothing else: "Estimated project completion"."""
    label = label_of(f"{text.rstrip(':')}:")
    return (
        label is not None and label.kind in ("target", "people", "status") and len(text.split()) > 1
    )


def _contents(block: ListBlock) -> bool:
    """Whether a list is a table of contents: each entry is one link to a place in the document."""
    entries = [below for item in block.items for below in item.walk()]
    return len(entries) > 1 and all(
        one.head.links
        and all(url.startswith("#") for url in one.head.urls)
        and one.head.links[0].end - one.head.links[0].start >= 0.8 * len(one.head.text.strip())
        for one in entries
    )


def _label_section(section: Section, items: Items, owner: Entry, label: Label) -> None:
    """Read "#### Description" or "#### Owner" below an item as a field of it."""
    assert section.heading is not None
    items.claim(section.heading, "field", "heading that is a label", owner.key, field=label.kind)
    for block in section.blocks:
        if isinstance(block, Paragraph):
            if label.kind in _HARD:
                take_field(
                    owner, replace(label, value=block.inline.text), items.words, block.inline.urls
                )
            owner.inlines.append(block.inline)
            items.claim(
                block,
                "field" if label.kind in _HARD else "prose",
                f"below {section.text!r} of the item",
                owner.key,
            )
        elif isinstance(block, ListBlock):
            for item in block.items:
                if item.box is not None:
                    items.add(item, Place(owner.key, depth=1))
                else:
                    if label.kind in _HARD:
                        take_field(
                            owner, replace(label, value=item.head.text), items.words, _urls(item)
                        )
                    items._note(owner, item, "prose")
        else:
            items.claim(block, "prose", f"below {section.text!r} of the item", owner.key)
    for below in section.below:
        _section(below, items, Place(owner.key, depth=1), owner, None)


def read_comments(
    comments: Sequence[tuple[int, int, str]], headings: Sequence[int], items: Items
) -> None:
    """Let ``<!-- target: 2024-10 owner: ada -->`` speak for the item it stands beside or below.

    A comment between a heading and the first item below it speaks for no item.
    """
    places = sorted((entry.line, entry.key) for entry in items.by_key.values())
    for line, end, text in comments:
        section = max((at for at in headings if at <= line), default=0)
        above = [key for at, key in places if section <= at < end]
        labels = comment_fields(text)
        if not above or not labels:
            continue
        entry = items.by_key[above[-1]]
        for label in labels:
            if label.kind == "target":
                entry.target = None
            take_field(entry, label, items.words)
        if line > entry.line:
            said = labels[0].kind
            reading = Reading(line, end, "field", "labels in a comment", entry.key, said, text)
            items.readings.insert(0, reading)
