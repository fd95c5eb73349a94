"""What became of things, by the words of a later document: done, continued, backlogged, dropped."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

__all__ = [
    "CYCLES",
    "FINISHED",
    "NO_LONGER",
    "ONGOING",
    "VERDICT",
    "Reference",
    "Statement",
    "carried",
    "status_in",
    "without_status",
]

_WORDS = [
    (
        "continued",
        r"\b(?:done|finished|completed)\s+(?:except|apart\s+from|but\s+for)\b|"
        r"\bmoved\s+to\s+(?:the\s+)?(?:next|this|upcoming|following|new)\b|"
        r"\b(?:not|n['’]t)\s+(?:yet\s+)?(?:completed?|finished|done|released|deployed|get\s+to)\b(?!.*\b(?:dropped|backlogged|postponed)\b)|"
        r"\brest\s+(?:of\s+(?:it|this)\s+)?(?:is\s+)?continue[sd]\b|"
        r"\bstill\s+in\s+progress\b",
    ),
    (
        "almost done",
        r"\balmost\s+(?:done|finished|completed?|ready)\b",
    ),
    (
        "backlogged",
        r"\bbacklogged\b(?!\s+(?:maintenance|work|tasks?|issues?|items?|features?|fixes|bugs|clean-?up|requests?)\b)|"
        r"\bpostponed\b|"
        r"\bon\s+ice\b|"
        r"\bnot\s+(?:currently\s+)?prioriti[sz]ed\b|"
        r"\bon\s+hold\b|"
        r"\bdeferred\b|"
        r"\bnot\s+continued\b|"
        r"\bparked\b|"
        r"\bpaused\b",
    ),
    (
        "dropped",
        r"\b(?:was|were|is|are|been)\s+(?:dropped|abandoned|cancell?ed)\b|"
        r"(?:^|[(,.;:]\s*)(?:dropped|abandoned|cancell?ed)\b|"
        r"\bnot\s+be\s+pursued\b|"
        r"\bdecided\s+to\s+(?:drop|abandon)\b|"
        r"\bnot\s+pick\s+(?:\w+\s+)?up\b|"
        r"\b(?:removed\s+from|no\s+longer\s+(?:on|in|part\s+of))\s+(?:the|our)\s+roadmap\b",
    ),
    (
        "continued",
        r"\bcontinu(?:ed|es?|ing)\b|"
        r"\bcarr(?:y|ies|ied)\s+over\b",
    ),
    (
        "done",
        r"\b(?:is|are|was|were|been|now)\s+(?:(?!not\b|to\b|be(?:ing)?\b|almost\b)\w+\s+)?(?:done|completed?|finished|closed|released|deployed|launched|shipped|live|in\s+production)\b|"
        r"\bwent\s+live\b|"
        r"\((?:done|completed?|finished)!?\)|"
        r"^done\b|"
        r":\s*done\b",
    ),
    (
        "new",
        r"\(new\)|"
        r"\bis\s+new\b|"
        r"^new$",
    ),
]
_STATUS = [(status, re.compile(words, re.IGNORECASE)) for status, words in _WORDS]
ONGOING = re.compile(
    r"\bstill\s+(?:open|ongoing)|\bongoing\b|\bnot\s+making\s+any\s+changes\s+to\b|\bwork\s+in\s+progress\b",
    re.IGNORECASE,
)
NO_LONGER = re.compile(
    r"\bthere\s+will\s+be\s+no\b|\bnot\s+(?:in|part\s+of)\s+the\s+(?:next|upcoming)\b",
    re.IGNORECASE,
)
FINISHED = re.compile(r"^(?:these\s+are\s+)?(?:done|finished|completed|closed)\b", re.IGNORECASE)
CYCLES = re.compile(
    r"\b(?:did\s+not|didn't|could\s+not|couldn't|no)\s+(?:have\s+|find\s+)?(?:enough\s+)?(?:cycles|time)\b",
    re.IGNORECASE,
)
VERDICT = re.compile(
    r"\b(?:the|these|all)\s+(?:\w+\s+)?above\b|\babove\b|\b(?:these|they|all\s+of\s+(?:this|these|it))\b",
    re.IGNORECASE,
)


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
    status: str | None
    # References as written: they count in this revision or in the one before.
    refs: list[str] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    section: str = "carry_over"
    key: str | None = None
    previous_key: str | None = None


def status_in(text: str) -> str | None:
    """Find the word for what became of something: new, continued, almost done, backlogged ..."""
    return next((status for status, pattern in _STATUS if pattern.search(text)), None)


def without_status(title: str, status: str | None) -> str:
    """Cut "Tooling milestone is almost done" before its verb."""
    if status is None:
        return title
    return re.sub(r"\s+(?:continues?\b|(?:is|are|was|were|has|have)\s).*$", "", title) or title


def carried(status: str | None) -> str | None:
    """Reduce a status to what a carry-over statement knows: what is almost done continues."""
    return {"almost done": "continued", "new": "continued"}.get(status or "", status)
