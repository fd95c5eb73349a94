"""What the parts of a roadmap are for: each block with its section, lead-in and verdict."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from roadmap_analytics.roadmap.language import label_of
from roadmap_analytics.roadmap.markdown import (
    Block,
    Heading,
    Inline,
    Item,
    ListBlock,
    Paragraph,
)

__all__ = ["Passage", "has_fields", "lists", "outline", "section_kind"]

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


@dataclass
class Passage:
    """A block in its place."""

    block: Block
    kind: str  # of its section
    headings: tuple[str, ...]  # from the top
    lead: Inline = field(
        default_factory=lambda: Inline("")
    )  # "The current priorities are as follows:"
    before: list[Inline] = field(
        default_factory=list
    )  # the paragraphs before it within the section
    after: Inline = field(default_factory=lambda: Inline(""))  # the paragraph after it
    placed: bool = False

    @property
    def heading(self) -> str:
        """The heading it stands below."""
        return self.headings[-1] if self.headings else ""

    @property
    def remarks(self) -> bool:
        """Whether its lead-in says that it holds notes."""
        return bool(_REMARKS.match(self.lead.text))


def section_kind(heading: str) -> str | None:
    """Tell what a section is for, by its heading; None where the words are not known.

    Examples
    --------
    >>> section_kind("Main activities until the end of May"), section_kind("Progress since May")
    ('plan', 'progress')
    """
    if _IN_PROGRESS.match(heading):
        return "plan"
    return next((kind for kind, words in _KINDS if re.search(words, heading, re.IGNORECASE)), None)


def outline(blocks: Sequence[Block]) -> list[Passage]:
    """Give every block its section, the paragraph that leads into it, and the one that follows."""
    out: list[Passage] = []
    stack: list[tuple[int, str, str]] = []
    paragraphs: list[Inline] = []
    for index, block in enumerate(blocks):
        if isinstance(block, Heading):
            stack = [entry for entry in stack if entry[0] < block.level]
            above = stack[-1][2] if stack else "top"
            kind = section_kind(block.inline.text) if block.level > 1 or len(stack) else None
            # A title names the document; only sections below it say what their text is for.
            stack.append(
                (
                    block.level,
                    block.inline.text.strip(),
                    kind or ("top" if block.level == 1 else _inherit(above)),
                )
            )
            paragraphs = []
            continue
        passage = Passage(
            block,
            stack[-1][2] if stack else "top",
            tuple(text for _, text, _ in stack),
            before=paragraphs[-_NEAR:],
            after=_next_paragraph(blocks, index),
        )
        if (
            paragraphs
            and paragraphs[-1].text.rstrip().endswith(":")
            and not isinstance(block, Paragraph)
        ):
            passage.lead = paragraphs[-1][-_LEAD:]
        if isinstance(block, Paragraph):
            paragraphs.append(block.inline)
        out.append(passage)
    return out


def _inherit(above: str) -> str:
    return "unknown" if above == "top" else above


def _next_paragraph(blocks: Sequence[Block], index: int) -> Inline:
    following = blocks[index + 1] if index + 1 < len(blocks) else None
    return following.inline if isinstance(following, Paragraph) else Inline("")


def lists(passages: Sequence[Passage]) -> Iterator[tuple[Passage, ListBlock]]:
    """Yield the passages that are lists."""
    for passage in passages:
        if isinstance(passage.block, ListBlock):
            yield passage, passage.block


def has_fields(item: Item) -> bool:
    """Whether an entry is described by labelled values below it ("Work by: ada")."""
    return any(label_of(child.head.text) for child in item.children) or any(
        label_of(text.text) for text in item.paragraphs
    )
