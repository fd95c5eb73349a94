"""How roadmaps speak: sentences, titles, and references to items."""

from __future__ import annotations

import re
from collections.abc import Collection

from roadmap_analytics.roadmap.markdown import ROMAN, Inline
from roadmap_analytics.roadmap.vocabulary import CAPITAL, pattern

__all__ = ["ORDINAL", "plain_title", "references", "sentences", "title_of"]

_LONGEST = 2000  # what is longer is no sentence; it is read in pieces of this length
_NEAR = 60  # characters before a number that can lead to it

_SENTENCE = re.compile(
    r"(?<!\be\.g)(?<!\bi\.e)(?<!\bwrt)(?<!\bvs)(?<!\bcf)(?<!\bDr)(?<!\bapprox)"
    rf"(?<=[.!?])[\"”')\]]*\s+(?={CAPITAL}|[0-9\"“(\[])|(?<=[.!?][)\"”])\s+(?=[A-Z])"
)
_CLAUSE = re.compile(
    r",\s+(?=(?:e\.g|i\.e|also|likely|possibly|hopefully|ideally|which|who|where|but|so\s+that|see|"
    r"such\s+as|with|help|review|input|currently|tracked|depends|based|starting|needs?\s+to|propose|"
    r"toggle|aim(?:s|ing)?\s+to|if\s+time|target|due|eta|expected|estimated|by\s+\w|until)\b)"
)
_TITLE_END = re.compile(
    r";\s|\s+so\s+that\s|\.\s+(?=[A-Z\"“(])|\.$|"
    r"\s[-–—]{1,2}\s(?=(?i:due|by|target|eta|until|owner|expected)\b)"
)
# "1.2. Parser" and "3) Maps" are numbered; "2. Quartal 2026" is a time.
ORDINAL = re.compile(r"^(?:[-*•]\s+(?=\S)|\d{1,2}(?:\.\d{1,2})*[.)]\s+(?=\S)(?!\w+\s+20\d\d))")
"""The number or the bullet that a heading or a cell bears before its words."""
_BRACKET = re.compile(r"\([^()]*\)(?!\s*\.)")
_ASIDE = re.compile(r"\s+\((?P<inside>[^()]*)\)\s*(?:\.?$|(?=[.;,]))")
_EXPLAINS = pattern(
    r"separate|including|see|new|continued|tb[acd]|wip|[qh]?\d|done|milestone|issue|draft|not now|#"
)
_ORNAMENT = re.compile(r"^[\u2190-\u2bff\U0001f000-\U0001faff\ufe0f\s]+")  # arrows, ticks, pictures
_URL = re.compile(r"^https?://\S+[\s,:;–-]+|[\s,:;–-]*(?:\bsee:?\s+)?https?://\S+")

_REF = r"\(?\b(?P<{0}>[PA]?\d{{1,3}}(?:\.\d{{1,2}}){{0,3}})(?:\((?P<{0}r>[ivx]+)\))?\)?"
_REFERENCE = re.compile(
    rf"{_REF.format('a')}(?:\s*(?:-{{1,3}}|–|—|\bto\b)\s*{_REF.format('b')})?"
    r"(?P<open>\s*(?:and|or)\s+(?:forward|onwards?|later|up|beyond)\b|\s+(?:onwards?|ff\.?)\b)?"
)
_LEADS_TO_NUMBER = pattern(
    r"(?:^|\b(?:of|do|on|for|with|to|start|priorit(?:y|ies)|items?|points?|activit(?:y|ies)|goals?|#)\s*|"
    r"(?:\d|\))\s*(?:,|and|or|,\s*and|&|/)\s*)$"
)
_MONTH_NEXT = pattern(
    r"\s*(?:st|nd|rd|th)? (?:of )?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
)


def sentences(inline: Inline) -> list[Inline]:
    """Cut running text into sentences; "e.g." and file names end none.

    Examples
    --------
    >>> [s.text for s in sentences(Inline("Cut log.md, e.g. now. Then rest."))]
    ['Cut log.md, e.g. now.', 'Then rest.']
    """
    out, start = [], 0
    for end in [*(gap.end() for gap in _SENTENCE.finditer(inline.text)), len(inline.text)]:
        for at in range(start, end, _LONGEST):
            out.append(inline[at : min(at + _LONGEST, end)].strip())
        start = end
    return [sentence for sentence in out if sentence.text]


def _cut_aside(text: str, words: int) -> str:
    """Drop a bracket that explains; keep one that belongs to the name ("USB armory")."""
    found = _ASIDE.search(text)
    explains = found and (len(found["inside"].split()) > words or _EXPLAINS.match(found["inside"]))
    return text[: found.start()] if found and explains else text


def title_of(inline: Inline, *, aside: int = 2) -> str:
    """Find the title in the text of an item: what is bold, or the words before explanation.

    A bracket of at most `aside` words belongs to the title.

    Examples
    --------
    >>> title_of(Inline("log.md, toggle release-candidate to become v1."))
    'log.md'
    >>> title_of(Inline("Add tests, docs and examples (see issues).  Later more."))
    'Add tests, docs and examples'
    >>> title_of(Inline("docs — one page for each profile")), title_of(Inline("Week 4 — Freeze"))
    ('docs', 'Week 4 — Freeze')
    """
    if inline.bold > 1:
        return inline.text[: inline.bold].strip().rstrip(".:").strip()
    if inline.links and inline.links[0].start == 0 < inline.links[0].end:
        linked = inline.text[: inline.links[0].end].strip()  # "[Parser](...): makes trees"
        if not linked.startswith("http") and re.match(
            r":\s|\s[-–—]\s|\s*$", inline.text[inline.links[0].end :]
        ):
            return linked
    text = ORDINAL.sub("", _ORNAMENT.sub("", _URL.sub("", inline.text)).strip())
    # "conduit init — scaffolds a pipeline": a short name, and what it does; "Week 4 — Freeze" is
    # a number, and the name.
    if named := re.match(r"(.{2,60}?(?!\d).)\s+[—–]\s+(?=\S)", text):
        text = named[1] if len(named[1].split()) <= 8 else text
    # A semicolon within a bracket ends no title.
    end = _TITLE_END.search(_BRACKET.sub(lambda m: "_" * len(m.group()), text))
    text = text[: end.start()] if end else text
    text = _cut_aside(text, aside)
    if clause := _CLAUSE.search(text):
        text = text[: clause.start()]
    head, comma, rest = text.partition(", ")
    # "log.md, small fixes", but not "Rust, Lua bindings".
    if comma and len(head.split()) == 1 and text.count(", ") == 1 and rest[:1].islower():
        text = head
    if named := re.match(r"(\w+(?:[.-]\w+)+): ", text):  # "log.md: only review remains"
        text = named.group(1)
    return _cut_aside(text, aside).strip().rstrip(".:,").strip() or inline.text.strip()


def _key(number: str, roman: str | None, keys: Collection[str]) -> str | None:
    spelt = f"{number}.{ROMAN.index(roman) + 1}" if roman in ROMAN else number
    return next((key for key in (spelt, f"P{spelt}", f"A{spelt}") if key in keys), None)


def _range(first: str, last: str | None, keys: Collection[str]) -> list[str]:
    """Siblings from first to last (None: to the end), in the order of the document."""

    def place(key: str) -> tuple[str, str]:  # what it stands below, and its letter
        return key.rpartition(".")[0], key.rstrip(".0123456789")

    row = [key for key in keys if place(key) == place(first)]
    stop = row.index(last) if last in row else len(row) - 1
    return row[row.index(first) : stop + 1]


def references(text: str, keys: Collection[str], *, bare: bool = True) -> list[str]:
    """Find the items that a text refers to: ``1.2``, ``3(ii)``, ``(1)--(3)``, ``(4) and forward``.

    Parameters
    ----------
    keys
        The keys of the items there are, in order; nothing else is ever referred to.
    bare
        Whether a number without brackets or dot counts where the words before it lead to one.

    Examples
    --------
    >>> references("driver of 1.1 and 2(i), not v3", ["1", "1.1", "2", "2.1", "3"])
    ['1.1', '2.1']
    >>> references("not (2) and forward", ["1", "2", "2.1", "3"])
    ['2', '3']
    """
    out: list[str] = []
    text = text[:_LONGEST]
    for m in _REFERENCE.finditer(text):
        if not _refers(text, m, bare):
            continue
        start = _key(m["a"], m["ar"], keys)
        if start is None:
            continue
        last = _key(m["b"], m["br"], keys) if m["b"] else None
        out += _range(start, last, keys) if last or m["open"] else [start]
    return list(dict.fromkeys(out))


def _refers(text: str, m: re.Match[str], bare: bool) -> bool:
    """Whether a number is a reference, and neither a date, a version, nor a count."""
    before, after = text[max(m.start() - _NEAR, 0) : m.start()], text[m.end() :]
    if (
        re.search(r"[\w.%/-]$", before)
        or re.match(r"[\w%/]|-\w|\.\d", after)
        or _MONTH_NEXT.match(after)
    ):
        return False
    marked = m.group().startswith("(") or m["ar"] or "." in m["a"] or m["a"][0] in "PA"
    return bool(marked or (bare and (m["open"] or _LEADS_TO_NUMBER.search(before))))


def plain_title(text: str) -> str:
    """Reduce a title to its words, to compare it with others.

    >>> plain_title("**Docs**: v2!")
    'docs v2'
    """
    return re.sub(r"\W+", " ", text).strip().casefold()
