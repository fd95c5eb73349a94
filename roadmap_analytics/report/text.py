"""How a page writes text from the world: escaped, days unbroken, only web addresses linked."""

from __future__ import annotations

import re
import unicodedata
from html import escape
from typing import Any
from urllib.parse import urlsplit

DAY = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_WHOLE = re.compile(rf"{DAY.pattern}|\b\d{{1,2}} [A-Z][a-z]{{2}} \d{{4}}\b|\b\d+ %")
"""What stays on one line: days as a table or a sentence writes them, and percentages."""


def said(sentence: str) -> str:
    """Return a sentence as HTML whose days and percentages stay on one line.

    Examples
    --------
    >>> said("<b> by 2025-03-28")
    "&lt;b&gt; by <span class='day'>2025-03-28</span>"
    >>> said("7 % by 28 Mar 2025")
    "<span class='day'>7 %</span> by <span class='day'>28 Mar 2025</span>"
    """
    return _WHOLE.sub(r"<span class='day'>\g<0></span>", escape(sentence))


_RIGHT_TO_LEFT = {"R", "AL", "RLE", "RLO", "RLI"}
_STEERING = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
"""Characters that turn the direction of what follows; a title may leave one open."""


def isolated(text: str) -> str:
    r"""Return a title for the middle of a sentence, whose direction it must not turn.

    Without, "38 %" after an Arabic title stands before it. The marks are those of Unicode's
    bidirectional algorithm (UAX 9): first strong isolate, and pop.

    Examples
    --------
    >>> isolated("Harvest")
    'Harvest'
    >>> print(ascii(isolated("\u0645")))
    '\u2068\u0645\u2069'
    """
    if not any(unicodedata.bidirectional(c) in _RIGHT_TO_LEFT for c in text):
        return text.translate(_STEERING)
    return f"\u2068{text.translate(_STEERING)}\u2069"


def web_link(url: Any) -> str | None:
    """Return an address that a page may link to: http or https, else None.

    Examples
    --------
    >>> web_link("https://git.example.org/a/-/milestones/1")
    'https://git.example.org/a/-/milestones/1'
    >>> web_link("javascript:alert(1)") is None
    True
    """
    if not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.netloc else None


def link(text: str, url: Any) -> str:
    """Return text as HTML, linked where its address may be.

    Examples
    --------
    >>> link("A & B", "https://git.example.org/1"), link("A & B", None)
    ("<a href='https://git.example.org/1'>A &amp; B</a>", 'A &amp; B')
    """
    address = web_link(url)
    return f"<a href='{escape(address)}'>{escape(text)}</a>" if address else escape(text)
