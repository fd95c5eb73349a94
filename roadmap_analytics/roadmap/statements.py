"""What a document says of things beside its items: what became of them, which milestones it links.

Statuses are done, almost done, continued, backlogged, dropped and new.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from roadmap_analytics.roadmap.fields import Entry, Words
from roadmap_analytics.roadmap.language import sentences
from roadmap_analytics.roadmap.links import change_of, milestone_of
from roadmap_analytics.roadmap.markdown import Inline
from roadmap_analytics.roadmap.targets import Target
from roadmap_analytics.roadmap.vocabulary import pattern, vocabulary

__all__ = [
    "FINISHED",
    "NOT_WORKING",
    "RENEWS",
    "VERDICT",
    "Mention",
    "Reference",
    "Statement",
    "became",
    "milestones_in",
    "renewal_in",
    "statements_in",
    "status_in",
    "without_status",
]

# The first row that fits decides: "not released yet" goes before "is released".
_FINISHED = "done|completed?|finished|closed|released|deployed|launched|shipped|live|in production"
_STATUS = vocabulary(
    r"""
continued: \b(?:done|finished|completed) (?:except|apart from|but for)\b
    \bmoved to (?:the )?(?:next|this|upcoming|following|new)\b
    \b(?:not|n['’]t) (?:yet )?(?:completed?|finished|done|released|deployed|get to)\b(?!.*dropped)
    \brest (?:of (?:it|this) )?(?:is )?continue[sd]\b|\bstill in progress\b
almost done: \balmost (?:done|finished|completed?|ready)\b
backlogged: \bbacklogged\b(?! (?:maintenance|work|tasks?|issues?|items?|features?|bugs|clean-?up)\b)
    \b(?:postponed|deferred|parked|paused)\b|\bon (?:ice|hold)\b
    \bnot (?:currently )?prioriti[sz]ed\b|\bnot continued\b
dropped: \b(?:was|were|is|are|been) (?:dropped|abandoned|cancell?ed)\b
    (?:^|[(,.;:]\s*)(?:dropped|abandoned|cancell?ed)\b|\bnot be pursued\b
    \bdecided to (?:drop|abandon)\b|\bnot pick (?:\w+ )?up\b
    \b(?:removed from|no longer (?:on|in|part of)) (?:the|our) roadmap\b
continued: \bcontinu(?:ed|es?|ing)\b|\bcarr(?:y|ies|ied) over\b
done: \b(?:is|are|was|were|been|now) (?:(?!not\b|to\b|be(?:ing)?\b|almost\b)\w+ )?(?:%s)\b
    \bwent live\b|\((?:done|completed?|finished)!?\)|^done\b|:\s*done\b
    ^we (?:have )?(?:finished|completed|released|launched|shipped)\b
    ^(?:finished|completed|released|launched|shipped)(?: (?:since|in|this|last) [\w ]+)?:
new: \(new\)|\bis new\b|^new$
""".replace("%s", _FINISHED)
)
_ONGOING = pattern(r"\bstill open\b|\bongoing\b|\bnot making any changes to\b|\bwork in progress\b")
_NO_LONGER = pattern(r"\bthere will be no\b|\bnot (?:in|part of) the (?:next|upcoming)\b")
_CYCLES = pattern(
    r"\b(?:did not|didn't|could not|couldn't|no) (?:have |find )?(?:enough )?(?:cycles|time)\b"
)
FINISHED = pattern(r"^(?:these are )?(?:done|finished|completed|closed)\b")
_AND = re.compile(r"[,;]\s+(?:and\s+)?|\s+and\s+")
RENEWS = pattern(
    r"\b(?:new|next|updated) (?:\w+ )?(?:roadmap|version|revision|iteration|update|renewal)\b",
    r"\bnext (?:\w+ )?review\b|\broadmap\b.*?\b(?:replaced|decided|reviewed)\b",
    r"\broadmap\b.*?\b(?:renew(?:ed|al|s)?|updated?|revis(?:ed|it|ited))\b",
    r"\b(?:renewing|updat(?:e|ing)|revisit(?:ing)?|reviewing) (?:the|this|our) (?:\w+ )?roadmap\b",
    r"^(?:to|(?:it|this \w+) (?:will|is to)) be (?:renewed|updated|revised|revisited|replaced)\b",
    r"\bnächste (?:aktualisierung|überprüfung|fassung)\b|\bprochaine (?:mise à jour|révision)\b",
    r"\bpróxima (?:actualización|revisión)\b|\bnästa (?:uppdatering|revidering|översyn)\b",
)
"""Speaks of the revision that follows, or of its making."""
_PLANNED = pattern(
    r"\b(?:will|planned|plan|expect(?:ed)?|is due|to be|next|upcoming|aim|scheduled|decided|set|"
    r"nächste|prochaine|próxima|nästa)\b"
)
NOT_WORKING = pattern(
    r"(?:\b(?:not|no)|n['’]t) (?:\w+ ){0,3}(?:work(?:ing)? on|start(?:ing)?|focus|do(?:ing)?|plan)",
    r"\b(?:postponed?|deferred?|on (?:hold|ice)|backlogged|parked|paused|will wait)\b",
    r"\b(?:not|n['’]t) (?:\w+ )?in scope\b|\bout of scope\b",
)
"""Says that work on something will have to wait."""
# A product has updates and versions, too: this one is of a document, or is a label of its own.
_OF_DOCUMENT = pattern(
    r"\broad\s?map\b|\b(?:this|the) (?:document|page|plan)\b",
    r"^\W*(?:next|nächste|prochaine|próxima|nästa)(?: \w+){1,4}\s*:",
)
VERDICT = pattern(r"(?:\bthe )?\babove\b|\b(?:these|they|all of (?:this|these|it))\b")


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
    status: str | None  # done, continued, backlogged, dropped
    urls: list[str] = field(default_factory=list)
    key: str | None = None
    previous_key: str | None = None

    def __post_init__(self) -> None:
        # What is almost done, or is new, goes on.
        if self.status in ("almost done", "new"):
            self.status = "continued"


@dataclass(frozen=True)
class Mention:
    """A text that may link to milestones, and what stands beside it."""

    inline: Inline
    title: str | None = None  # goes before the words of a link
    otherwise: str | None = None  # where a link has no words
    status: str | None = None
    key: str | None = None
    changes: bool = False  # issues and merge requests count too


def became(text: str) -> str | None:
    """Find what became of something; what is still open continues."""
    return status_in(text) or ("continued" if _ONGOING.search(text) else None)


def status_in(text: str) -> str | None:
    """Find the word for what became of something.

    >>> status_in("The site is not released yet"), status_in("Docs (done)"), status_in("Docs")
    ('continued', 'done', None)
    """
    return next((status for status, words in _STATUS if words.search(text)), None)


def renewal_in(text: str, words: Words) -> Target | None:
    """Find when the document itself will be renewed: "Next review: end of May 2026"."""
    m = RENEWS.search(text)
    if not m or not _PLANNED.search(text) or not _OF_DOCUMENT.search(text):
        return None
    told = re.match(r"[\w\s]{0,30},\s+which\b", text[m.end() :])
    if NOT_WORKING.search(text) and not told:  # "not (4) before the next roadmap in May"
        return None
    # "Next roadmap" is itself a time expression: what counts stands beside it.
    targets = map(words.expression, (text[m.end() :], text[: m.start()]))
    ahead = (one for one in targets if one and one.end and one.end >= words.written)
    return next(ahead, None)


def statements_in(inline: Inline, *, done: bool = False) -> list[Statement]:
    """Read the sentences of a text that say what became of something.

    Parameters
    ----------
    done
        Whether the text stands below a heading such as "Done": then each of its sentences says so.

    Examples
    --------
    >>> [(s.text, s.status) for s in statements_in(Inline("Done since May: docs, maps. We rest."))]
    [('docs', 'done'), ('maps', 'done')]
    """
    out = []
    for sentence in sentences(inline):
        text = sentence.text.rstrip(". ")
        status = became(text) or ("done" if done else None)
        status = "backlogged" if _NO_LONGER.search(text) else status
        silent = status in (None, "new") and not _CYCLES.search(text)
        if silent or VERDICT.match(text) or text.endswith(":"):
            continue
        if status and len(sentence.links) > 1:
            for link in sentence.links:
                words = f"{text} ({sentence.text[link.start : link.end]})"
                out.append(Statement(words, status, [link.url]))
            continue
        head, colon, names = text.partition(":")
        listed = status == "done" and (colon or done)  # "Shipped: docs, maps" speaks of two things
        texts = _AND.split(names if colon else head) if listed else [text]
        out += [Statement(one.strip(), status, sentence.urls) for one in texts if one.strip()]
    return out


def without_status(title: str, status: str | None) -> str:
    """Cut "Tooling milestone is almost done" before its verb."""
    if status is None:
        return title
    return re.sub(r"\s+(?:continues?\b|(?:is|are|was|were|has|have)\s).*$", "", title) or title


def milestones_in(entries: Iterable[Entry], mentions: Iterable[Mention]) -> list[Reference]:
    """Give each milestone once: the first words and the first status count, and so does an item."""
    placed: dict[str, Reference] = {}
    for entry in entries:
        for url in entry.urls:
            if found := milestone_of(url):
                placed.setdefault(found[0], Reference(*found, title=entry.title, key=entry.key))
    for one in mentions:
        for link in one.inline.links:
            found = milestone_of(link.url) or (change_of(link.url) if one.changes else None)
            if found is None:
                continue
            words = one.inline.text[link.start : link.end]
            title = one.title or (None if words.startswith("http") else words) or one.otherwise
            known = placed.setdefault(found[0], Reference(*found))
            known.title, known.key = known.title or title, known.key or one.key
            known.status = known.status or one.status
    return list(placed.values())
