"""Check marks and words of state: done, deferred, active."""

from __future__ import annotations

import re

from roadmap_analytics.roadmap.markdown import Inline

__all__ = ["ACTIVE", "DEFERRED", "DONE", "legend", "marked", "state_of"]

DONE, DEFERRED, ACTIVE = "done", "deferred", "active"

# `[~]` is GitLab's box for a task that no longer applies; `[>]` and `[-]` are those of note takers.
_BOXES = {"x": DONE, " ": ACTIVE, "/": ACTIVE, "~": DEFERRED, "-": DEFERRED, ">": DEFERRED}
_SIGNS = [
    (DONE, r"✅|☑|✔|✓|:white_check_mark:|:heavy_check_mark:|:ballot_box_with_check:"),
    (DEFERRED, r"❌|❎|✖|✗|✘|🚫|⏸|:x:|:no_entry(?:_sign)?:|:negative_squared_cross_mark:"),
    (ACTIVE, r"🚧|⏳|⌛|🔄|🏗|🔜|:construction:|:hourglass(?:_flowing_sand)?:|:soon:"),
]
_SIGN = [
    (state, re.compile(rf"^[\s\ufe0f]*(?:{signs})\ufe0f?\s*|\s*(?:{signs})\ufe0f?[\s\ufe0f]*$"))
    for state, signs in _SIGNS
]
_LEAD = (
    r"^[^\w:]*(?:v?\d+(?:\.[\dx]+)+\W+)?(?:(?:recently|already|now|all|status|state|we|we['’]ve|what|has|have|been|was|is|items?|"
    r"just|currently|things|work|in|the|our|possible|potential)\W+){0,3}"
)
_WORDS = [
    # "Done criteria" and "Completed by May" say nothing about what is.
    (
        DONE,
        r"(?:done|complete[d]?|shipped|released|finished|closed|delivered|implemented|achieved|"
        r"launched|landed|merged|resolved|100\s?%)\b(?!\s+(?:criteria|when|by|beta|definition|for)\b)",
    ),
    (
        DEFERRED,
        r"(?:later|someday|future|backlog|not\s+(?:planned|now)|won['’]?t(?:\s+(?:do|fix))?|icebox|"
        r"ice\s+box|on\s+(?:hold|ice)|postponed|deferred|parked|paused|parking\s+lot|ideas?|"
        r"long(?:er)?[\s-]term|wish\s?list|maybe|under\s+consideration|considering|exploring|"
        r"nice[\s-]to[\s-]haves?|out\s+of\s+scope|non[\s-]?goals?|cancell?ed|dropped|abandoned|"
        r"rejected|obsolete|stale|unscheduled)\b(?!-)",
    ),
    (
        ACTIVE,
        r"(?:in[\s-]progress|wip|doing|ongoing|now|current|next|up\s+next|coming\s+(?:up|next|soon)|"
        r"upcoming|planned|to[\s-]?do|not\s+(?:yet\s+)?started|started|active|working\s+on|"
        r"(?:short|near|mid|medium)[\s-]term|soon|under\s+way|underway|blocked|open|proposed|draft|"
        r"provisional|on\s+track|at\s+risk|delayed|pending|under\s+(?:review|development)|review)\b",
    ),
]
_STATE = [(state, re.compile(_LEAD + words, re.IGNORECASE)) for state, words in _WORDS]

_LEGEND = re.compile(r"^(?:[^\w\s]+|:\w+:|`?\[.\]`?)[\s:=–—-]+(?P<words>\w[\w\s/-]{0,30})$")


def state_of(text: str) -> str | None:
    """Find the state that a heading, a column or the value of "Status:" gives.

    Examples
    --------
    >>> [state_of(t) for t in ("✅", "Recently shipped", "in progress", "Later", "Done criteria")]
    ['done', 'done', 'active', 'deferred', None]
    """
    signed = next((state for state, sign in _SIGN if sign.search(text)), None)
    return signed or next((state for state, words in _said(text) if words), None)


def marked(head: Inline, box: str | None) -> tuple[str | None, Inline]:
    """Take the check box, the signs and the strokes of an entry's text off it.

    Returns
    -------
    (state, rest)
        The box goes before a sign, a sign before a stroke. What is struck out in front of other
        text was replaced by it and falls away; an entry that is struck out whole is done.

    Examples
    --------
    >>> marked(Inline("✅ Parser"), None)[0], marked(Inline("Parser :x:"), None)[1].text
    ('done', 'Parser')
    """
    state = _BOXES.get(box) if box is not None else None
    for said, sign in _SIGN:
        if found := sign.search(head.text):
            rest = head[found.end() :] if found.start() == 0 else head[: found.start()]
            if not rest.text.strip():  # a sign alone is no title
                break
            state, head = state or said, rest
    start, end = head.struck[0] if head.struck else (0, 0)
    if end and start <= 1 and not re.search(r"\w", head.text[end:]):
        return state or DONE, _unstruck(head)
    return state, head


def _unstruck(head: Inline) -> Inline:
    return Inline(head.text, head.links, head.strong)


def legend(head: Inline) -> bool:
    """Whether an entry explains a sign: "✅ shipped", "🚧 = in progress".

    Examples
    --------
    >>> legend(Inline("✅ = shipped")), legend(Inline("✅ Parser")), legend(Inline("🚧 Next up: x"))
    (True, False, False)
    """
    found = _LEGEND.match(head.text.strip())
    words = found["words"] if found else ""
    return any(said and said.end() == len(words) for _, said in _said(words))


def _said(words: str) -> list[tuple[str, re.Match[str] | None]]:
    return [(state, pattern.match(words)) for state, pattern in _STATE]
