"""A Markdown document as a small tree: headings, paragraphs, lists, tables, and their links."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate

import ftfy
from markdown_it import MarkdownIt
from markdown_it.common.utils import normalizeReference
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

__all__ = [
    "ROMAN",
    "Block",
    "Heading",
    "Inline",
    "Item",
    "ListBlock",
    "Mark",
    "Other",
    "Paragraph",
    "Table",
    "fenced",
    "inlines_of",
    "parse",
]

# What is special about text, by the names of markdown-it.
_MARKS = {"link": "link", "strong": "strong", "s": "struck"} | dict.fromkeys(
    ["softbreak", "hardbreak"], "break"
)
_URL = re.compile(r"https?://[^\s<>\[\]\"]+")
_DANGLING = re.compile(r"\[([^\[\]]+)\]\[[^\[\]]*\]")
_CHECKBOX = re.compile(r"^\[([ xX~/>-])\]\s+")
_NESTING = 20  # deeper lists are no roadmap, and cost time
_DEFINITION = re.compile(
    r" {0,3}\[(?P<label>[^\[\]]{1,200})\]:\s+<?(?P<url>https?://[^\s<>]+)>?\s*$"
)
_MARKER = re.compile(r"(?P<indent> *)(?P<mark>[-*+]|\d{1,9}[.)])(?P<gap> {1,4}| *$)(?=\S|$)")
_LETTERED = re.compile(
    r"(?P<indent> *)(?P<mark>(?:(?P<n>[a-z]|[ivx]{2,4})|\((?P<m>[a-z]|[ivx]{2,4}|\d\d?))[.)]) +\S"
)
_ORDERED = re.compile(r"(\d{1,2})[.)] +\S")
_UNDERLINE = re.compile(r"-{4,}|={4,}")
ROMAN = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x")
"""Numbers as people write them in lists and in references to them."""


@dataclass(frozen=True)
class Mark:
    """What is special about a stretch of text: a link, bold or struck out, the end of a line."""

    kind: str  # one of the values of `_MARKS`
    start: int
    end: int
    url: str = ""


@dataclass(frozen=True)
class Inline:
    """Running text without markup, and its marks in order; those of one kind lie apart."""

    text: str
    marks: tuple[Mark, ...] = ()

    def __getitem__(self, where: slice) -> Inline:
        start, stop, _ = where.indices(len(self.text))
        inside = (
            Mark(one.kind, max(one.start - start, 0), min(one.end, stop) - start, one.url)
            for one in self.marks
            if one.start < stop and one.end > start
        )
        return Inline(self.text[start:stop], tuple(inside))

    def __add__(self, other: Inline) -> Inline:
        at = len(self.text)
        moved = (Mark(one.kind, one.start + at, one.end + at, one.url) for one in other.marks)
        return Inline(self.text + other.text, (*self.marks, *moved))

    def of(self, kind: str) -> list[Mark]:
        """Give the marks of one kind: link, strong, struck, break."""
        return [one for one in self.marks if one.kind == kind]

    def _between(self, marks: Iterable[Mark]) -> list[Inline]:
        """Cut marked stretches out of the text."""
        ends = [0, *(place for one in marks for place in (one.start, one.end)), len(self.text)]
        return [self[a:b] for a, b in zip(ends[::2], ends[1::2], strict=True)]

    @property
    def standing(self) -> Inline:
        """The text without what is struck out, where other words follow it."""
        gone = self.of("struck")
        if gone and not re.search(r"\w", self.text[gone[-1].end :]):
            gone.pop()
        return sum(self._between(gone), Inline(""))

    @property
    def lines(self) -> list[Inline]:
        """The text line by line, as its author wrote it."""
        return [line.strip() for line in self._between(self.of("break"))]

    def strip(self) -> Inline:
        """Drop white space at both ends."""
        left = len(self.text) - len(self.text.lstrip())
        return self[left : len(self.text.rstrip())] if self.text.strip() else Inline("")

    @property
    def links(self) -> list[Mark]:
        """The links within the text, in order."""
        return self.of("link")

    @property
    def urls(self) -> list[str]:
        """Where the text leads, in order."""
        return [link.url for link in self.links]

    @property
    def bold(self) -> int:
        """How many characters are bold from the beginning."""
        return next((one.end for one in self.of("strong") if one.start == 0), 0)

    @property
    def bare(self) -> str:
        """The text without the addresses that stand in it as such."""
        written = [link for link in self.links if _URL.match(self.text, link.start)]
        return " ".join("".join(part.text for part in self._between(written)).split())


@dataclass(kw_only=True)
class _Placed:
    """What stands on the source lines [line, end), counted from 0."""

    line: int = 0
    end: int = 0


@dataclass
class Paragraph(_Placed):
    """Running text."""

    inline: Inline


@dataclass
class Heading(_Placed):
    """A heading and its level, from 1."""

    level: int
    inline: Inline


@dataclass
class Other(_Placed):
    """What is neither: code, or markup that was not understood. Kept as text."""

    text: str
    language: str = ""  # of code: "mermaid"


@dataclass
class Item(_Placed):
    """One entry of a list."""

    number: int | None
    blocks: list[Block]
    box: str | None = None  # what stands in the brackets of its check box

    @cached_property
    def head(self) -> Inline:
        """The text beside the marker."""
        first = self.blocks[0] if self.blocks else None
        return first.inline if isinstance(first, Paragraph | Heading) else Inline("")

    @cached_property
    def children(self) -> list[Item]:
        """The entries of the lists within."""
        return [
            item for block in self.blocks if isinstance(block, ListBlock) for item in block.items
        ]

    @cached_property
    def paragraphs(self) -> list[Inline]:
        """Further paragraphs below the first."""
        return [block.inline for block in self.blocks[1:] if isinstance(block, Paragraph)]

    def walk(self) -> Iterator[Item]:
        """Yield this entry and all below it, from the top."""
        yield self
        for child in self.children:
            yield from child.walk()

    def inlines(self) -> Iterator[Inline]:
        """Yield every text of the entry, and of what is below it."""
        yield from inlines_of(self.blocks)


@dataclass
class ListBlock(_Placed):
    """A list, numbered or not."""

    ordered: bool
    items: list[Item]


@dataclass
class Table(_Placed):
    """A table: its head and its rows, cell by cell."""

    head: list[Inline]
    rows: list[list[Inline]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)  # of each row


Block = Paragraph | Heading | ListBlock | Table | Other


def inlines_of(blocks: Iterable[Block]) -> Iterator[Inline]:
    """Yield every text of some blocks, and of what is within them."""
    for block in blocks:
        if isinstance(block, Paragraph | Heading):
            yield block.inline
        elif isinstance(block, ListBlock):
            for item in block.items:
                yield from item.inlines()
        elif isinstance(block, Table):
            for row in [block.head, *block.rows]:
                yield from row
        else:
            yield Inline(block.text)


def parse(text: str) -> list[Block]:
    r"""Read a document; any text is one.

    Encoding damage ("Gr√©goire") is repaired first; the rest of the text stays as it is.

    Examples
    --------
    >>> [type(block).__name__ for block in parse("# Plan\n\n- [x] one\n- two\n")]
    ['Heading', 'ListBlock']
    """
    reader = MarkdownIt("commonmark", {"html": False, "maxNesting": 2 * _NESTING})
    reader.enable(["table", "strikethrough"])
    source = "\n".join(_nested(_numbered(ftfy.fix_encoding(text))))
    # A definition right below other text is part of that text in Markdown, and its links would be
    # none: whoever adds a bullet above the definitions means no such thing.
    known = {
        normalizeReference(m["label"]): {"href": m["url"], "title": ""}
        for _, m in _outside_code(source.split("\n"), _DEFINITION)
    }
    tokens = reader.parse(source, {"references": dict(known)})
    if any(_depth(token.children or ()) > 2 * _NESTING for token in tokens):
        # A thousand asterisks in a row are emphasis in emphasis, deeper than Python can follow:
        # `maxNesting` does not count it. Then they stay asterisks.
        reader.disable(["emphasis", "strikethrough"])
        tokens = reader.parse(source, {"references": dict(known)})
    return _blocks(SyntaxTreeNode(tokens).children)


def _depth(tokens: Iterable[Token]) -> int:
    """Return how deep the marks of a text stand in one another."""
    return max(accumulate(token.nesting for token in tokens), default=0)


def _numbered(text: str) -> list[str]:
    """Give lists that Markdown does not know, ``a)``, ``(ii)``, ``(1)``, the numbers it knows."""
    lines = [
        re.sub(r"^[ \t]+", lambda m: m.group().expandtabs(4), line) for line in text.split("\n")
    ]
    _underlined(lines)
    runs: dict[tuple[str, str], list[tuple[int, re.Match[str]]]] = {}
    whole = []
    for at, m in _outside_code(lines, _LETTERED):
        written = m["n"] or m["m"]
        ranks = {"digit": int(written)} if written.isdigit() else {}
        if written in ROMAN:
            ranks["roman"] = ROMAN.index(written) + 1
        if len(written) == 1 and written.isalpha():
            ranks["letter"] = ord(written) - ord("a") + 1
        for style, rank in ranks.items():
            place = m["indent"], style
            if rank == 1:
                runs[place] = []
                whole.append(runs[place])
            run = runs.get(place, [])
            if rank == len(run) + 1:
                run.append((at, m))
    for run in whole:
        for value, (at, m) in enumerate(run if len(run) > 1 else [], start=1):
            mark = f"{value})".ljust(len(m["mark"]))
            lines[at] = f"{m['indent']}{mark}{m.string[m.end('mark') :]}"
    return lines


def _underlined(lines: list[str]) -> None:
    """Make "1. Summary" that is underlined the heading that is meant, and no list."""
    for at, m in _outside_code(lines, _ORDERED):
        below = lines[at + 1].rstrip() if at + 1 < len(lines) else ""
        if _UNDERLINE.fullmatch(below) and len(below) >= len(m.string) - 3:
            lines[at] = f"{m[1]}\\{m.string[m.end(1) :]}"


def _nested(lines: list[str]) -> list[str]:
    """Move list entries below the text they are meant to stand below.

    Markdown asks for the indent of the text of the entry above; people stop at two or four.
    """
    stack: list[tuple[int, int, int]] = []  # marker as written, as moved, text as moved
    markers = dict(_outside_code(lines, _MARKER))
    out = []
    for at, line in enumerate(lines):
        m = markers.get(at)
        indent = len(line) - len(line.lstrip(" "))
        if m is None:
            if indent == 0 and line and at and not lines[at - 1].strip():
                stack.clear()
            inside = next((entry for entry in reversed(stack) if entry[0] < indent), None)
            out.append(" " * (inside[1] - inside[0]) + line if inside and line.strip() else line)
            continue
        while stack and stack[-1][0] >= indent:
            stack.pop()
        moved = indent
        if stack:
            written, above, text = stack[-1]
            moved += above - written
            moved = max(moved, text) if indent - written >= 2 else moved
        stack.append((indent, moved, moved + len(m["mark"]) + max(len(m["gap"]), 1)))
        out.append(" " * (moved - indent) + line)
    return out


def _outside_code(
    lines: list[str], pattern: re.Pattern[str]
) -> Iterator[tuple[int, re.Match[str]]]:
    code = set(fenced(lines))
    for at, line in enumerate(lines):
        if at not in code and (m := pattern.match(line)):
            yield at, m


def fenced(lines: Sequence[str]) -> Iterator[int]:
    """Yield the numbers of the lines of code, with the fences."""
    inside = False
    for number, line in enumerate(lines):
        fence = line.lstrip().startswith(("```", "~~~"))
        if inside or fence:
            yield number
        inside ^= fence


def _blocks(nodes: Iterable[SyntaxTreeNode]) -> list[Block]:
    out: list[Block] = []
    for node in nodes:
        if node.type == "blockquote":
            out += _blocks(node.children)
        elif (block := _block(node)) is not None:
            block.line, block.end = node.map or (0, 0)
            out.append(block)
    return out


def _block(node: SyntaxTreeNode) -> Block | None:
    match node.type:
        case "heading":
            return Heading(int(node.tag[1]), _inline(node))
        case "paragraph":
            return Paragraph(_inline(node))
        case "bullet_list":
            return ListBlock(ordered=False, items=[_item(child, None) for child in node.children])
        case "ordered_list":
            numbered = enumerate(node.children, start=int(node.attrs.get("start", 1)))
            return ListBlock(ordered=True, items=[_item(child, n) for n, child in numbered])
        case "table":
            rows = [row for part in node.children for row in part.children]
            head, *cells = [[_inline(cell) for cell in row.children] for row in rows] or [[]]
            return Table(head, cells, [(row.map or (0, 0))[0] for row in rows[1:]])
        case _:
            code = node.content.strip()
            return Other(node.content, node.info.partition(" ")[0]) if code else None


def _item(node: SyntaxTreeNode, number: int | None) -> Item:
    item = Item(number, _blocks(node.children))
    item.line, item.end = node.map or (0, 0)
    first = item.blocks[0] if item.blocks else None
    if isinstance(first, Paragraph) and (found := _CHECKBOX.match(first.inline.text)):
        item.box = found[1].lower()
        first.inline = first.inline[found.end() :]
    return item


class _Writer:
    """Collects text while it remembers where links and bold passages stand."""

    def __init__(self) -> None:
        self.text = ""
        self.marks: list[Mark] = []

    def add(self, nodes: Iterable[SyntaxTreeNode], *, linked: bool = False) -> None:
        for node in nodes:
            start, known = len(self.text), len(self.marks)
            kind = _MARKS.get(node.type)
            if kind == "break":
                self.text += " "
            elif node.type in ("text", "code_inline", "html_inline"):
                # A reference whose label is defined nowhere is its words.
                words = _DANGLING.sub(r"\1", node.content) if node.type == "text" else node.content
                self.text += re.sub(r"\s+", " ", words)
                self.marks += [] if linked else _addresses(self.text, start)
            elif node.type == "image":
                self.text += node.content or str(node.attrs.get("alt", ""))
            else:
                self.add(node.children, linked=linked or kind == "link")
            if kind:
                inner = (one for one in self.marks[known:] if one.kind != kind)
                url = str(node.attrs.get("href", ""))
                self.marks[known:] = [*inner, Mark(kind, start, len(self.text), url)]


def _inline(node: SyntaxTreeNode) -> Inline:
    writer = _Writer()
    for child in node.children:
        writer.add(child.children)
    return Inline(writer.text, tuple(sorted(writer.marks, key=lambda one: one.start)))


def _addresses(text: str, start: int) -> Iterator[Mark]:
    """Yield the addresses that are written out in a text, from a place on."""
    for found in _URL.finditer(text, start):
        url = found.group().rstrip(".,;:!?'")
        if url.count("(") < url.count(")"):
            url = url.rstrip(").,;")
        yield Mark("link", found.start(), found.start() + len(url), url)
