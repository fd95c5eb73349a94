"""What became of things, by the words of a later document: done, continued, backlogged, dropped."""

from __future__ import annotations

import re

__all__ = [
    "CYCLES",
    "FINISHED",
    "NO_LONGER",
    "ONGOING",
    "VERDICT",
    "carried",
    "status_in",
    "without_status",
]

_STATUS: list[tuple[str, re.Pattern[str]]] = [
    (
        "continued",
        re.compile(
            r"\b(?:done|finished|completed)\s+(?:except|apart\s+from|but\s+for)\b|\bmoved\s+to\s+(?:the\s+)?(?:next|this|upcoming|following|new)\b|"
            r"\b(?:not|n['’]t)\s+(?:yet\s+)?(?:completed?|finished|done|released|deployed|get\s+to)\b(?!.*\b(?:dropped|backlogged|postponed)\b)|"
            r"\brest\s+(?:of\s+(?:it|this)\s+)?(?:is\s+)?continue[sd]\b|"
            r"\bstill\s+in\s+progress\b",
            re.IGNORECASE,
        ),
    ),
    ("almost done", re.compile(r"\balmost\s+(?:done|finished|completed?|ready)\b", re.IGNORECASE)),
    (
        "backlogged",
        re.compile(
            r"\bbacklogged\b(?!\s+(?:maintenance|work|tasks?|issues?|items?|features?|fixes|bugs|clean-?up|requests?)\b)|\bpostponed\b|\bon\s+ice\b|\bnot\s+(?:currently\s+)?prioriti[sz]ed\b|\bon\s+hold\b|\bdeferred\b|\bnot\s+continued\b|\bparked\b|\bpaused\b",
            re.IGNORECASE,
        ),
    ),
    (
        "dropped",
        re.compile(
            r"\b(?:was|were|is|are|been)\s+(?:dropped|abandoned|cancell?ed)\b|(?:^|[(,.;:]\s*)(?:dropped|abandoned|cancell?ed)\b|\bnot\s+be\s+pursued\b|\bdecided\s+to\s+(?:drop|abandon)\b|\bnot\s+pick\s+(?:\w+\s+)?up\b|\b(?:removed\s+from|no\s+longer\s+(?:on|in|part\s+of))\s+(?:the|our)\s+roadmap\b",
            re.IGNORECASE,
        ),
    ),
    (
        "continued",
        re.compile(r"\bcontinu(?:ed|es?|ing)\b|\bcarr(?:y|ies|ied)\s+over\b", re.IGNORECASE),
    ),
    (
        "done",
        re.compile(
            r"\b(?:is|are|was|were|been|now)\s+(?:(?!not\b|to\b|be(?:ing)?\b|almost\b)\w+\s+)?"
            r"(?:done|completed?|finished|closed|released|deployed|launched|shipped|live|in\s+production)\b|\bwent\s+live\b|\((?:done|completed?|finished)!?\)|^done\b|:\s*done\b",
            re.IGNORECASE,
        ),
    ),
    ("new", re.compile(r"\(new\)|\bis\s+new\b|^new$", re.IGNORECASE)),
]
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
