"""A Markdown document as a small tree: headings, paragraphs, lists, tables, and their links."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate, pairwise

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
    "Link",
    "ListBlock",
    "Other",
    "Paragraph",
    "Table",
    "fenced",
    "inlines_of",
    "parse",
]

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
class Link:
    """A link within a text: where it stands, and where it leads."""

    start: int
    end: int
    url: str


@dataclass(frozen=True)
class Inline:
    """Running text without markup, with the places of its links, of what is bold or struck out."""

    text: str
    links: tuple[Link, ...] = ()
    strong: tuple[tuple[int, int], ...] = ()
    struck: tuple[tuple[int, int], ...] = ()  # ascending, none within another
    breaks: tuple[tuple[int, int], ...] = ()  # where a line of the source ends

    def __getitem__(self, where: slice) -> Inline:
        start, stop, _ = where.indices(len(self.text))
        inside = [
            Link(max(link.start - start, 0), min(link.end, stop) - start, link.url)
            for link in self.links
            if link.start < stop and link.end > start
        ]
        spans = [
            tuple(
                (max(a - start, 0), min(b, stop) - start)
                for a, b in every
                if a < stop and b > start
            )
            for every in (self.strong, self.struck, self.breaks)
        ]
        return Inline(self.text[start:stop], tuple(inside), *spans)

    @property
    def standing(self) -> Inline:
        """The text without what is struck out, where other words follow it."""
        gone = list(self.struck)
        if gone and not re.search(r"\w", self.text[gone[-1][1] :]):
            gone.pop()
        if not gone:
            return self
        kept = [self.text[a:b] for (_, a), (b, _) in pairwise([(0, 0), *gone, (None, None)])]
        return Inline("".join(kept), self[: gone[0][0]].links)

    @property
    def lines(self) -> list[Inline]:
        """The text line by line, as its author wrote it."""
        ends = [(0, 0), *self.breaks, (len(self.text), len(self.text))]
        return [self[a:b].strip() for (_, a), (b, _) in pairwise(ends)]

    def strip(self) -> Inline:
        """Drop white space at both ends."""
        left = len(self.text) - len(self.text.lstrip())
        return self[left : len(self.text.rstrip())] if self.text.strip() else Inline("")

    def after(self, lead: str) -> Inline:
        """Put words before the text."""
        size = len(lead)
        moved = (Link(one.start + size, one.end + size, one.url) for one in self.links)
        return Inline(lead + self.text, tuple(moved))

    @property
    def urls(self) -> list[str]:
        """Where the text leads, in order."""
        return [link.url for link in self.links]

    @property
    def bare(self) -> str:
        """The text without the addresses that stand in it as such."""
        out, at = [], 0
        for link in self.links:
            if _URL.match(self.text, link.start):
                out.append(self.text[at : link.start])
                at = link.end
        return re.sub(r"\s+", " ", "".join([*out, self.text[at:]])).strip()


@dataclass
class Paragraph:
    """Running text, and the source lines [line, end) that it stands on, counted from 0."""

    inline: Inline
    line: int = 0
    end: int = 0


@dataclass
class Heading:
    """A heading and its level, from 1."""

    level: int
    inline: Inline
    line: int = 0
    end: int = 0


@dataclass
class Other:
    """What is neither: code, or markup that was not understood. Kept as text."""

    text: str
    line: int = 0
    end: int = 0
    language: str = ""  # of code: "mermaid"


@dataclass
class Item:
    """One entry of a list."""

    number: int | None
    blocks: list[Block]
    box: str | None = None  # what stands in the brackets of its check box
    line: int = 0
    end: int = 0

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
class ListBlock:
    """A list, numbered or not."""

    ordered: bool
    items: list[Item]
    line: int = 0
    end: int = 0


@dataclass
class Table:
    """A table: its head and its rows, cell by cell."""

    head: list[Inline]
    rows: list[list[Inline]] = field(default_factory=list)
    line: int = 0
    end: int = 0
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
        rank = {"letter": ord(written) - 96 if len(written) == 1 else 0, "digit": 0, "roman": 0}
        if written.isdigit():
            rank = {"digit": int(written)}
        elif written in ROMAN:
            rank["roman"] = ROMAN.index(written) + 1
        for style, value in rank.items():
            place = (m["indent"], style)
            if value == 1:
                runs[place] = []
                whole.append(runs[place])
            if value and len(runs.get(place, [0] * value)) == value - 1:
                runs[place].append((at, m))
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


def _blocks(nodes: Sequence[SyntaxTreeNode]) -> list[Block]:
    out: list[Block] = []
    for node in nodes:
        line, end = node.map or (0, 0)
        if node.type == "heading":
            out.append(Heading(int(node.tag[1]), _inline(node), line, end))
        elif node.type == "paragraph":
            out.append(Paragraph(_inline(node), line, end))
        elif node.type in ("bullet_list", "ordered_list"):
            out.append(_list(node))
        elif node.type == "table":
            out.append(_table(node))
        elif node.type == "blockquote":
            out += _blocks(node.children)
        elif node.content.strip():
            out.append(Other(node.content, line, end, node.info.partition(" ")[0]))
    return out


def _list(node: SyntaxTreeNode) -> ListBlock:
    ordered = node.type == "ordered_list"
    start = int(node.attrs.get("start", 1)) if ordered else 0
    items = []
    for index, child in enumerate(node.children):
        blocks = _blocks(child.children)
        box = None
        first = blocks[0] if blocks else None
        if isinstance(first, Paragraph) and (found := _CHECKBOX.match(first.inline.text)):
            box = found.group(1).lower()
            blocks[0] = Paragraph(first.inline[found.end() :], first.line, first.end)
        number = start + index if ordered else None
        items.append(Item(number, blocks, box, *(child.map or (0, 0))))
    return ListBlock(ordered, items, *(node.map or (0, 0)))


def _table(node: SyntaxTreeNode) -> Table:
    rows = [row for part in node.children for row in part.children]
    cells = [[_inline(cell) for cell in row.children] for row in rows]
    lines = [(row.map or (0, 0))[0] for row in rows]
    return Table(cells[0] if cells else [], cells[1:], *(node.map or (0, 0)), lines[1:])


class _Writer:
    """Collects text while it remembers where links and bold passages stand."""

    def __init__(self) -> None:
        self.text = ""
        self.links: list[Link] = []
        self.strong: list[tuple[int, int]] = []
        self.struck: list[tuple[int, int]] = []
        self.breaks: list[tuple[int, int]] = []

    def add(self, nodes: Sequence[SyntaxTreeNode]) -> None:
        for node in nodes:
            start = len(self.text)
            if node.type in ("softbreak", "hardbreak"):
                self.text += " "
                self.breaks.append((start, start + 1))
            elif node.type in ("text", "code_inline", "html_inline"):
                # A reference whose label is defined nowhere is its words.
                words = _DANGLING.sub(r"\1", node.content) if node.type == "text" else node.content
                self.text += re.sub(r"\s+", " ", words)
            elif node.type == "image":
                self.text += node.content or str(node.attrs.get("alt", ""))
            else:
                self.add(node.children)
            if node.type == "link":
                self.links.append(Link(start, len(self.text), str(node.attrs.get("href", ""))))
            elif node.type == "strong":
                self.strong.append((start, len(self.text)))
            elif node.type == "s":
                while self.struck and self.struck[-1][0] >= start:
                    self.struck.pop()
                self.struck.append((start, len(self.text)))


def _inline(node: SyntaxTreeNode) -> Inline:
    writer = _Writer()
    for child in node.children:
        writer.add(child.children)
    spans = [tuple(every) for every in (writer.strong, writer.struck, writer.breaks)]
    return _with_bare_urls(Inline(writer.text, tuple(writer.links), *spans))


def _with_bare_urls(inline: Inline) -> Inline:
    links = list(inline.links)
    covered = iter([*inline.links, Link(len(inline.text) + 1, len(inline.text) + 1, "")])
    link = next(covered)
    for found in _URL.finditer(inline.text):
        while link.end <= found.start():
            link = next(covered)
        url = found.group().rstrip(".,;:!?'")
        if url.count("(") < url.count(")"):
            url = url.rstrip(").,;")
        if link.start > found.start():
            links.append(Link(found.start(), found.start() + len(url), url))
    return replace(inline, links=tuple(sorted(links, key=lambda link: link.start)))
