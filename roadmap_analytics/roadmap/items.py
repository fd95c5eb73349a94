"""The generic reader: a bullet, a table row, or a heading with text below it is an item.

Headings above give what an item lacks; labelled values below belong to it. No rule removes a line:
what is no item is a field, a link or the text of one, or it is kept as prose with the reason.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
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
    may_be_time,
    take_field,
    take_fields,
)
from roadmap_analytics.roadmap.lines import ABOUT, NOT_UNDERSTOOD, Reading
from roadmap_analytics.roadmap.links import tracked
from roadmap_analytics.roadmap.markdown import (
    Block,
    Inline,
    Item,
    ListBlock,
    Other,
    Paragraph,
    Table,
    inlines_of,
)
from roadmap_analytics.roadmap.marks import ACTIVE, DEFERRED, DONE, legend, state_of
from roadmap_analytics.roadmap.outline import Given, Section, explains, names_document, opens
from roadmap_analytics.roadmap.people import Duty
from roadmap_analytics.roadmap.statements import Statement, statements_in
from roadmap_analytics.roadmap.targets import Target, only_time
from roadmap_analytics.roadmap.vocabulary import PERMITS, pattern

__all__ = ["Items", "Place", "read_comments", "read_sections"]

Cell = tuple["Column", Inline]

_URL_ONLY = re.compile(r"^\W*(?:[\w .-]{0,30}:\s*)?https?://\S+(?:\s*\([^()]*\))?\W*$")
_BRACKET = re.compile(r"\([^()]*\)\.?")
_ONLY_HANDLES = re.compile(r"\W*@[\w-]+(?:\W+(?:and\W+)?@[\w-]+)*\W*")
_LETTER = re.compile(r"[^\W_]")
_FILLED = re.compile(r"[^\s.·–—○□☐-]")  # by a word, a tick, or a part of a bar
_PERSON_HEAD = pattern(r"\b(?:names?|github|slack|e-?mail|handle|irc|matrix)\b")
_MEANING = pattern(
    r"meanings?|definitions?|explanation|bedeutung|signification|significado|betydelse"
)
_OF_DOCUMENT = pattern("field|property|attribute|key")
_VALUE = pattern("values?")
_MONEY = pattern("(?:.* )?(?:budget|costs?)")
_RISK = pattern("risks?|risiko|risiken|risques?|riesgos?")
_OF_RISK = pattern("likelihood|probability|severity|impact|mitigations?(?: .*)?")
_MILESTONE = pattern("milestones?")
_AIM = pattern("(?:key )?(?:goals?|objectives?|results?)|summary|zusammenfassung")
_TICKET = re.compile(r"#?\d+|[A-Z][A-Z0-9]+-\d+")
_PERIOD = pattern(r"\b(?:since|during|in|this|last|so far)\b")
_KEYED = re.compile(r"[^:]{1,40}:(?:\s|$)")
# Responsible, accountable, consulted, informed.
_RACI = {"R": "Responsible", "A": "Accountable", "C": "Consulted", "I": "Info"}
_FEW_WORDS = 3  # of a value; more explain
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

    @property
    def about(self) -> str:
        """Why text here says nothing of work."""
        return f"below {self.explained!r}, {ABOUT}"


@dataclass(frozen=True)
class Column:
    """What the head of a column, or the first cell of a row, says of the cells it heads."""

    head: str
    label: Label | None = None
    given: Given | None = None  # "Q3 2026", "Later"

    @property
    def kind(self) -> str:
        """The kind of its label; "time" where the head is one."""
        return self.label.kind if self.label else ""


class Items:
    """Collects the items of one document, and what its lines were read as."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self.by_key: dict[str, Entry] = {}  # in the order of the document
        self.readings: list[Reading] = []
        self.duties: list[tuple[Duty, str | None]] = []  # of sections, not of items
        self.statements: list[Statement] = []  # of running text
        self.renewal: Paragraph | None = None  # says when the document will be renewed
        self.charts: list[tuple[Other, Place]] = []  # that draw a plan: `gantt` reads them
        self._count: Counter[tuple[str, str | None]] = Counter()

    def claim(
        self,
        block: Block | Item,
        reading: str,
        why: str,
        key: str | None = None,
        field: str | None = None,
        value: str | None = None,
    ) -> None:
        """Say what the lines of a block were read as."""
        self.readings.append(Reading(block.line, block.end, reading, why, key, field, value))

    def draft(
        self, place: Place, source: str, line: int, head: Inline, box: str | None = None
    ) -> Entry:
        """Describe an item by the words beside its marker; `take` makes it one."""
        kind = {"P": "priority", "A": "activity"}.get(place.letter, "item")
        entry = Entry("", place.parent, kind, 0, "", source, line)
        describe(entry, head, self.words, box)
        entry.inlines.append(head)
        return entry

    def take(self, entry: Entry, place: Place, number: int | None = None) -> Entry:
        """Give an item a key that no other has, and its rank among its siblings."""
        siblings = (place.letter, place.parent)
        entry.order = self._count[siblings] = max(self._count[siblings] + 1, number or 0)
        entry.key = f"{place.parent}." if place.parent else place.letter
        entry.key += str(entry.order)
        self.by_key[entry.key] = entry
        return entry

    def settle(self, entry: Entry, place: Place) -> None:
        """Give an item what it lacks: from the item it stands below, then from the headings."""
        if not place.inherit:
            return
        above = self.by_key.get(entry.parent or "")
        target, state = place.given.target, place.given.state
        if above is not None:
            target = above.target or target
            state = state if above.source == "heading" else above.state or state
        entry.target = entry.target or target
        # An open box below "Done" is open; what is planned below "Later" still has to wait.
        if entry.state is None or (entry.state == ACTIVE and state != DONE):
            entry.become(state)
        if entry.target and not entry.target.end and not entry.done:  # "Timeline: Future"
            entry.deferred |= state_of(entry.target.text) == DEFERRED

    # Lists

    def add(self, item: Item, place: Place) -> Entry | None:
        """Take one list entry, with the labelled values and the items below it."""
        first = item.blocks[0] if item.blocks else None
        head = item.head.strip()
        if not isinstance(first, Paragraph) or not head.text:
            self.below(None, item.blocks, place)
            return None
        if first is self.renewal:
            return None
        if PERMITS.fullmatch(f"{head.text} ") and item.children:
            self.claim(first, "heading", "leads into what is done if time permits", place.parent)
            for child in item.children:
                if (below := self.add(child, place)) is not None:
                    below.conditional = True
            return None
        source = "nested" if place.depth and place.letter == "A" else "list"
        entry = self.draft(place, source, item.line, head, item.box)
        boxed = item.box is not None and not place.directly
        if place.explained and not (boxed or _bears_sign(entry)):
            self.claim(item, "prose", place.about)
            return None
        self.take(entry, place, item.number)
        why = f"list entry below {place.parent}" if place.parent else "list entry"
        self.claim(first, "item", _but(why, entry.unread), entry.key, "title", entry.title)
        self.below(entry, item.blocks[1:], replace(place, parent=entry.key, depth=place.depth + 1))
        return entry

    def below(self, entry: Entry | None, blocks: Sequence[Block], place: Place) -> None:
        """Read what stands below an entry or a heading; `entry` is the item that this is, if any.

        What speaks of the item goes first: the items below it inherit that.
        """
        rest: list[Block | Item] = []
        for block in blocks:
            if not isinstance(block, ListBlock):
                rest += [] if entry and self._speaks(entry, block) else [block]
            elif _contents(block):
                self.claim(block, "contents", "every entry leads to a heading")
            elif len(block.items) > 1 and all(legend(item.head) for item in block.items):
                self.claim(block, "ignored", "a legend of signs")
            elif place.directly and _describes(block, self):  # "## Metadata"
                self.claim(block, "prose", place.about)
            else:
                labels = any(label_of(item.head.text) for item in block.items)
                described = entry and entry.source == "heading" and _describes(block, self)
                noted = bool(labels if place.notes else described)
                rest += [one for one in block.items if not self._of(entry, one, place, noted)]
        if entry is not None:
            self.settle(entry, place)
        for one in rest:
            if isinstance(one, Item):
                self.add(one, place)
            elif isinstance(one, Table):
                self.table(one, place)
            else:
                self._loose(entry, one, place)

    def _speaks(self, entry: Entry, block: Block) -> bool:
        """Take a block that says something of an item; False for one that stands for itself."""
        values = _values(block, self) if isinstance(block, Table) else None
        if isinstance(block, Paragraph):
            self.paragraph(entry, block)
        elif values is not None:
            entry.inlines += [cell for _, cell in values]
            lost = self.cells(entry, values)
            self.claim(block, "field", _but("a table of labelled values", lost), entry.key)
        elif entry.source != "heading":  # within the list entry
            entry.inlines += inlines_of([block])
            self.claim(block, "prose", "text of the item", entry.key)
        else:
            return False
        return True

    def _loose(self, entry: Entry | None, block: Block, place: Place) -> None:
        """Take what is no item: text, of which some says what became of things, or code."""
        if isinstance(block, Paragraph) and place.explained:
            self.claim(block, "prose", place.about)
        elif isinstance(block, Paragraph):
            found = statements_in(block.inline, done=place.given.state == DONE)
            self.statements += found
            said = ("statement", "what became of something", None, "status")
            self.claim(block, *(said if found else ("prose", "text of a section")))
        elif isinstance(block, Other):
            about = f", {place.about}" if place.explained else ""
            self.claim(block, "ignored", f"code{about}", entry.key if entry else None)
            gantt = block.language == "mermaid" and block.text.lstrip().startswith("gantt")
            # A section about the document draws how releases are made, not which.
            if gantt and not place.explained:
                self.charts.append((block, place))

    def _of(self, entry: Entry | None, child: Item, place: Place, noted: bool) -> bool:
        """Take a child that is a field, a link or a note of the entry; False for an item."""
        text = child.head.text.strip()
        if _ONLY_HANDLES.fullmatch(text) and not (entry is None and child.children):
            self.people(entry, child)
            return True
        if entry is None:
            return False
        leaf = not child.children
        aside = _URL_ONLY.match(text) or _BRACKET.fullmatch(text) or place.depth > _DEPTH
        named = _KEYED.match(text) if noted and not label_of(text) else None
        unknown = Label("info", (), text[named.end() :].strip()) if named else None
        if (label := self.label(child) or unknown) is not None:
            self.field(entry, child, label)
        elif leaf and not aside and self.only_time(text):
            entry.target = self.words.target(text, entry.done)
            entry.inlines.append(child.head)
            self.claim(child, "field", "only a time", entry.key, "target", text)
        elif aside or noted or (leaf and (_label_alone(text) or not re.search(r"\w", text))):
            self.note(entry, child)
        else:
            return False
        return True

    def people(self, entry: Entry | None, child: Item) -> None:
        """Take an entry that consists of handles."""
        key, text = entry.key if entry else None, child.head.text
        for name in re.findall(r"@[\w-]+", text):
            self.duties.append((Duty(self.words.names.handle(name), "work"), key))
        self.claim(child, "person", "only handles", key, "people", text)

    def label(self, item: Item) -> Label | None:
        """Give the label of an entry, where its value is one of that kind."""
        label = label_of(item.head.standing.text)
        if label is None or item.box is not None:
            return None
        if label.kind == "target" and label.value:
            target = self.words.target(label.value)
            return label if target is None or may_be_time(target, label.value) else None
        return label if label.value or item.children or label.kind == "outcome" else None

    def field(self, entry: Entry, child: Item, label: Label) -> None:
        """Take a labelled value, which may stand in bullets below the label."""
        if not label.value:
            label = replace(label, value=", ".join(below.head.text for below in child.children))
        entry.inlines += child.inlines()
        understood = take_field(entry, label, self.words, _urls(child))
        why = f"label {child.head.text.partition(':')[0].strip()[:40]!r}"
        asks = {"people": "names no person", "target": "gives no time", "status": "gives no state"}
        if not understood:
            said = asks.get(label.kind, "says nothing known")
            why = f"{NOT_UNDERSTOOD}{why}: {label.value[:40]!r} {said} in part or at all"
        self.claim(child, "field", why, entry.key, label.kind, label.value)

    def note(self, entry: Entry, item: Item) -> None:
        """Take an entry as text of the item above."""
        entry.inlines += item.inlines()
        reading = "link" if _URL_ONLY.match(item.head.text.strip()) else "prose"
        self.claim(item, reading, "note of the item", entry.key)

    def paragraph(self, entry: Entry, block: Paragraph) -> None:
        """Take a paragraph below an item: labelled values, or its text."""
        entry.inlines.append(block.inline)
        labels = fields_within(block.inline.standing)
        if labels:
            lost = take_fields(entry, labels, self.words, block.inline.urls)
            said = (labels[0].kind, labels[0].value)
            self.claim(block, "field", _but("labels in a paragraph", lost), entry.key, *said)
        else:
            self.claim(block, "prose", "text of the item", entry.key)

    # Tables

    def table(self, table: Table, place: Place) -> None:
        """One item for each row; the heads say what the columns mean."""
        columns = self.columns(table, place.given)
        kinds = [column.kind for column in columns]
        if said := _no_work(columns, place):
            self.claim(table, *said)
            return
        place = replace(place, explained=None)
        matrix = len(columns) > 1 and all(c.given for c in columns) and "title" not in kinds
        title = _title_column(columns)
        why = _but("head of a table", [] if matrix else _unread_heads(columns, table, title))
        self.readings.append(Reading(table.line, table.line + 2, "heading", why))
        whole: Entry | None = None  # the last row that has a title
        above: Sequence[Inline] = ()
        for row, line in zip(table.rows, table.lines, strict=True):
            # "| March | Maps |" and "| | Docs |" below it: one time for both, as in a merged cell.
            if above and kinds[0] == "target" and not row[0].text.strip():
                row = [above[0], *row[1:]]
            above = row
            cells = list(zip(columns, row, strict=False))
            if matrix:  # "Now | Next | Later": each cell is an item of its column
                for column, cell in cells:
                    self._row(cell, [], line, replace(place, given=column.given or place.given))
                continue
            told = [n for n, (column, cell) in enumerate(cells) if _tells(column, cell)]
            n, at = title, place
            if told and not (len(row) > title and _LETTER.search(row[title].text)):
                # "**Phase 1** | | |", in front of the titles, heads a group; "| | Another part |"
                # goes on with the row above.
                n = told[0]
                at = replace(place, parent=whole.key, depth=1) if whole and n > title else place
            if n < len(row):
                rest = cells[:n] + cells[n + 1 :]
                # "| Freeze | 2026-05-04 | 2026-08-03 |" below releases: a freeze of each of them.
                each = [
                    one for one in rest if one[0].kind == "time" and self.only_time(one[1].text)
                ]
                rest = [one for one in rest if one not in each]
                for column, cell in each:
                    named = row[n] + Inline(f" {column.head}")
                    date = (Column(column.head, Label("target", (), "")), cell)
                    self._row(named, [*rest, date], line, at)
                entry = None if each else self._row(row[n], rest, line, at)
                whole = entry if n == title else whole

    def columns(self, table: Table, above: Given) -> list[Column]:
        """Give what the columns hold, by their heads, else by what stands in all their cells."""
        out = []
        heads = [cell.text.strip() for cell in table.head]
        charged = _RACI if {"R", "A"} <= {*heads} else {}
        labels = [column_kind(charged.get(head, head)) for head in heads]
        kinds = [label.kind if label else "" for label in labels]
        dated = "target" in kinds
        for n, label in enumerate(labels):
            head = heads[n]
            given = replace(above, target=None).under(head, self.words)
            below = [row[n].text.strip() for row in table.rows if n < len(row)]
            filled = [text for text in below if text]
            kind = None
            if below and all(map(_TICKET.fullmatch, below)):
                kind = "link"
            elif _MILESTONE.fullmatch(head) and "title" not in kinds and not _linked(table, n):
                kind = "title"  # "Milestone | Owner | Target"
            elif label is None and given.target:
                kind = "time"
            elif not filled or label:
                pass
            elif len(labels) > 2 and not dated and all(map(self.only_time, filled)):
                kind = "target"  # of two columns, the first may be labels
            elif not re.search(r"\w", head) and all(map(state_of, filled)):
                kind = "status"
            label = Label(kind, (), "") if kind else label
            speaks = kind == "time" or state_of(head)
            out.append(Column(head, label, given if speaks else None))
        return out

    def only_time(self, text: str) -> bool:
        """Whether a text is nothing more than a time."""
        return only_time(text, self.words.written, self.words.calendar)

    def _row(self, cell: Inline, rest: Sequence[Cell], line: int, place: Place) -> Entry | None:
        if not _LETTER.search(cell.text):
            return None
        entry = self.take(self.draft(place, "table", line, cell), place)
        entry.target = None if rest and entry.target and not entry.target.end else entry.target
        entry.inlines += [inline for _, inline in rest]
        why = _but("row of a table", [*entry.unread, *self.cells(entry, rest)])
        self.readings.append(Reading(line, line + 1, "item", why, entry.key, "title", entry.title))
        self.settle(entry, place)
        return entry

    def cells(self, entry: Entry, cells: Iterable[Cell]) -> list[str]:
        """Let the cells of a row speak for an item; give those that say nothing understood."""
        best, lost = None, []
        # A status comes first: the date of what is done may lie in the past.
        for column, cell in sorted(cells, key=lambda one: one[0].kind != "status"):
            text = cell.standing.text.strip()
            if column.given and column.kind == "time":  # the last quarter or release that is filled
                entry.target = column.given.target if _FILLED.search(text) else entry.target
            elif column.kind == "target" and text:
                target = self.words.target(text, entry.done)
                best = target if target and _narrower(target, best) else best
            elif column.label and text:
                value = replace(column.label, value=text)
                known = take_field(entry, value, self.words, cell.urls)
                lost += [] if known else [f"{column.head}: {text}"]
        entry.target = best if best and (best.end or not entry.target) else entry.target
        return lost


def _no_work(columns: Sequence[Column], place: Place) -> tuple[str, str] | None:
    """Give a reading, and the reason, where the rows of a table are nothing that people do."""
    heads, kinds = [one.head for one in columns], {one.kind for one in columns}
    work = bool({"target", "status"} & kinds) or any(one.given for one in columns)

    def any_is(words: re.Pattern[str]) -> bool:
        return any(map(words.fullmatch, heads))

    if any_is(_MEANING) and (len(columns) == 2 or not work):
        return "ignored", "a legend of signs"
    if len(heads) == 2 and _OF_DOCUMENT.fullmatch(heads[0]) and _VALUE.fullmatch(heads[1]):
        return "prose", "a table about the document"
    if any_is(_RISK) and any_is(_OF_RISK) and not kinds & {"target", "people"}:
        return "prose", "a table of risks"
    if work:
        return None
    if any_is(_MONEY) and "people" not in kinds:
        return "prose", "a table of money"
    if place.explained:
        return "prose", place.about
    return ("person", "a table of people") if any(map(_PERSON_HEAD.search, heads)) else None


def _but(why: str, lost: Sequence[str]) -> str:
    """Add to the reason of a reading what was not understood."""
    return f"{why}; {NOT_UNDERSTOOD}{', '.join(lost)}" if lost else why


def _narrower(one: Target, other: Target | None) -> bool:
    if not (other and one.start and one.end and other.start and other.end):
        return bool(one.end) or other is None
    return one.end - one.start < other.end - other.start


def _linked(table: Table, column: int) -> bool:
    """Whether a cell of a column leads anywhere."""
    return any(row[column].urls for row in table.rows if column < len(row))


def _tells(column: Column, cell: Inline) -> bool:
    """Whether a cell can stand for the title that its row lacks."""
    plain = column.kind in ("", "info", "outcome") and not column.given
    return plain and bool(_LETTER.search(cell.text))


def _unread_heads(columns: Sequence[Column], table: Table, title: int) -> list[str]:
    """Give the heads of columns of short values, such as names, of which nothing is taken."""
    out = []
    for n, column in enumerate(columns):
        cells = [row[n].text.split() for row in table.rows if n < len(row) and row[n].text.strip()]
        short = 2 * sum(len(words) <= _FEW_WORDS for words in cells) > len(cells)
        if n != title and not column.label and not column.given and short:
            out.append(column.head)
    return out


def _title_column(columns: Sequence[Column]) -> int:
    """Give the column of the titles: by its head, else the first that has another meaning."""
    ranks = (
        lambda one: one.kind == "title",
        lambda one: _AIM.fullmatch(one.head),
        lambda one: not one.kind and not one.given and re.search(r"\w", one.head),
        lambda one: one.kind in ("relates", "outcome", "info"),
        lambda one: one.kind in ("link", "target"),
    )
    return next((n for fits in ranks for n, one in enumerate(columns) if fits(one)), 0)


def _urls(item: Item) -> list[str]:
    return [url for inline in item.inlines() for url in inline.urls]


def _bears_sign(entry: Entry) -> bool:
    """Whether an entry bears a sign of work: a date, a person, a tracked link."""
    dated = entry.target is not None and entry.target.end is not None
    return bool(dated or entry.duties or any(map(tracked, entry.inlines[0].urls)))


def _label_alone(text: str) -> bool:
    """Whether an entry is a label and nothing else: "Estimated project completion"."""
    label = label_of(f"{text.rstrip(':')}:")
    hard = label is not None and label.kind in ("target", "people", "status")
    return hard and len(text.split()) > 1


# Sections -----------------------------------------------------------------------------------------


def read_sections(top: Section, items: Items) -> None:
    """Read a whole document."""
    firsts = [one for one in top.below if one.heading and one.heading.level == 1]
    titled = firsts and top.below[0] is firsts[0]
    # One with text alone is the title where none of the others is an item.
    titled = titled and (
        len(firsts) == 1
        or names_document(firsts[0].text)
        or (_only_told(firsts[0]) and not any(map(_only_told, firsts[1:])))
    )
    _section(top, items, Place(), None, firsts[0] if titled else None)


def _only_told(section: Section) -> bool:
    """Whether a section is made of text alone."""
    texts = [isinstance(block, Paragraph) for block in section.blocks]
    return bool(texts) and all(texts) and not section.below


def _section(
    section: Section,
    items: Items,
    place: Place,
    owner: Entry | None,
    title: Section | None,
    beside: bool = False,
) -> None:
    """Read a section: its heading is the title, an item, a field of the item above, or context.

    `beside` says that most headings beside it are items.
    """
    text, own = section.text, None
    if section.heading is None:
        pass
    elif section is title or names_document(text):
        place = replace(place, given=place.given.under(text, items.words, title=True))
        items.claim(section.heading, "heading", "title of the document")
    elif owner and section.label and section.label.kind != "title" and not _holds(section):
        _label_section(section, items, owner, section.label)
        return
    else:
        given = place.given.under(text, items.words)
        if why := _why_item(section, items, place, beside):
            drawn = items.draft(place, "heading", section.heading.line, section.heading.inline)
            own = items.take(drawn, place)
            why = _but(why, own.unread)
            items.claim(section.heading, "item", why, own.key, "title", own.title)
            place = replace(place, parent=own.key, given=given, depth=1)
        else:
            here = explains(text)
            about = text if here else place.explained
            place = replace(place, given=given, explained=about, directly=here)
            place = place if about else _labelled(section, items, place)
            items.claim(section.heading, "heading", _what_it_gives(place.given, place))
    items.below(own, section.blocks, place)
    whys = [_why_item(below, items, place) for below in section.below if not _bare(below)]
    beside = 2 * sum(why is not None for why in whys) > len(whys)
    for below in section.below:
        _section(below, items, place, own or owner, title, beside)


def _holds(section: Section) -> bool:
    """Whether a heading is a state that the list below it is in: "### Done", and no label."""
    listed = any(isinstance(block, ListBlock) for block in section.blocks)
    # "Done:" above a list is a label: of the conditions.
    return listed and state_of(section.text) == DONE and not section.text.endswith(":")


def _bare(section: Section) -> bool:
    """Whether nothing stands below a heading."""
    return not (section.blocks or section.below)


def _labelled(section: Section, items: Items, place: Place) -> Place:
    """Let "Target: Q3 2026" right below a heading speak for everything below it."""
    for block in section.blocks:
        labels = fields_within(block.inline.standing) if isinstance(block, Paragraph) else []
        for label in labels:
            target = items.words.target(label.value) if label.kind == "target" else None
            if target and target.end:
                items.claim(block, "field", "a label of the section", None, "target", target.text)
                return replace(place, given=replace(place.given, target=target))
    return place


def _what_it_gives(given: Given, place: Place) -> str:
    if place.explained:
        return "section about the document"
    told = ", ".join(filter(None, [given.target.text if given.target else None, given.state]))
    return f"section, gives {told}" if told else "section"


def _why_item(section: Section, items: Items, place: Place, beside: bool = False) -> str | None:
    """Give the reason why a heading is an item: labelled values, a sign of work, text below it.

    One with nothing below it, or with text and a list, is an item where most beside it are.
    """
    if section.heading is None or section.heading.level > 6:
        return None
    text, inline = section.text, section.heading.inline
    given = place.given.under(text, items.words)
    entry = items.draft(place, "heading", section.heading.line, inline)
    described = [block for block in section.blocks if _describes(block, items)]
    lists = [b for b in section.blocks if isinstance(b, ListBlock | Table) and b not in described]
    parts = [one for one in section.below if one.label is None]
    leaf = not lists and not parts
    headed = any(one.label and one.label.kind in _HARD for one in section.below)
    signed = bool(entry.state or entry.duties or any(map(tracked, inline.urls)))
    if (described or headed) and (leaf or given == place.given) and not explains(text):
        return "heading with labelled values"
    if signed and not parts and len(entry.title) > 2 and state_of(entry.title) is None:
        return "heading with a sign of work"
    told = any(isinstance(block, Paragraph) for block in section.blocks)
    bare = beside and _bare(section)
    about = place.explained or opens(text) or section.label or names_document(text)
    about = about or any(block is items.renewal for block in section.blocks)
    if about or _only_given(text, items):
        return None
    if bare or (told and (leaf or (beside and not parts))):
        return "heading beside items" if bare else "heading with text below it"
    return None


def _only_given(text: str, items: Items) -> bool:
    """Whether a heading is only a time or a state: "Q3 2025", "Later"."""
    target = items.words.target(text)
    if target is not None and target.end and len(target.text) >= 0.8 * len(text):
        return True
    # "Done", "Recently shipped", "Done since last time", "Shipped in May"
    few = len(re.findall(r"[^\W_]+", text)) <= 3 or _PERIOD.search(text)
    return state_of(text) is not None and bool(few)


def _describes(block: Block, items: Items) -> bool:
    """Whether a block below a heading is made of labelled values."""
    if isinstance(block, Paragraph):
        first = label_of(block.inline.standing.text)
        return first is not None and first.kind in _HARD
    if isinstance(block, ListBlock):
        labels = map(items.label, block.items)
        hard = sum(one is not None and one.kind in _HARD for one in labels)
        keyed = all(_KEYED.match(item.head.text) for item in block.items)
        return hard > 0 and (2 * hard >= len(block.items) or keyed)
    return isinstance(block, Table) and _values(block, items) is not None


def _values(table: Table, items: Items) -> list[Cell] | None:
    """Read a table below a heading that describes it: label and value, or one row of values."""
    columns = items.columns(table, Given())
    rows = [row for row in [table.head, *table.rows] if len(row) == 2 and row[0].text.strip()]
    labels = [column_kind(row[0].text) for row in rows]
    hard = sum(one is not None and one.kind in _HARD for one in labels)
    if len(columns) == 2 and not columns[1].kind and hard and 2 * hard >= len(rows):
        named = [Column(row[0].text, one) for row, one in zip(rows, labels, strict=True)]
        return [(one, row[1]) for one, row in zip(named, rows, strict=True)]
    kinds = {column.kind for column in columns}
    if len(table.rows) == 1 and kinds & {*_HARD} and "title" not in kinds:
        return list(zip(columns, table.rows[0], strict=False))
    return None


def _contents(block: ListBlock) -> bool:
    """Whether a list is a table of contents: each entry is one link to a place in the document."""
    heads = [below.head for item in block.items for below in item.walk()]
    return len(heads) > 1 and all(
        head.links
        and all(url.startswith("#") for url in head.urls)
        and head.links[0].end - head.links[0].start >= 0.8 * len(head.text.strip())
        for head in heads
    )


def _label_section(section: Section, items: Items, owner: Entry, label: Label) -> None:
    """Read "#### Description" or "#### Owner" below an item as a field of it."""
    assert section.heading is not None
    hard = label.kind in _HARD
    items.claim(section.heading, "field", "heading that is a label", owner.key, field=label.kind)
    for block in section.blocks:
        values = [block.inline] if isinstance(block, Paragraph) else []
        owner.inlines += values
        for item in block.items if isinstance(block, ListBlock) else []:
            if item.box is not None:
                items.add(item, Place(owner.key, depth=1))
                continue
            items.note(owner, item)
            # "Done:" above a list says when it is done, or under which conditions.
            if label.kind != "target" or items.only_time(item.head.text):
                values.append(item.head)
        lost = []
        for value in values if hard else []:
            lost += take_fields(owner, [replace(label, value=value.text)], items.words, value.urls)
        reading = "field" if hard and isinstance(block, Paragraph) else "prose"
        why = _but(f"below {section.text!r} of the item", lost)
        items.claim(block, reading, why, owner.key)
    for below in section.below:
        _section(below, items, Place(owner.key, depth=1), owner, None)


def read_comments(
    comments: Sequence[tuple[int, int, str]], headings: Sequence[int], items: Items
) -> None:
    """Let ``<!-- target: 2024-10 owner: ada -->`` speak for the item it stands beside or below.

    A comment between a heading and the first item below it speaks for no item.
    """
    for line, end, text in comments:
        section = max((at for at in headings if at <= line), default=0)
        above = [one for one in items.by_key.values() if section <= one.line < end]
        labels = comment_fields(text)
        if not above or not labels:
            continue
        entry = max(above, key=lambda one: one.line)
        for label in labels:
            entry.target = None if label.kind == "target" else entry.target
            take_field(entry, label, items.words)
        if line > entry.line:
            said = labels[0].kind
            reading = Reading(line, end, "field", "labels in a comment", entry.key, said, text)
            items.readings.insert(0, reading)
