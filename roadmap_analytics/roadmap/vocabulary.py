"""Words as patterns: how the tables of words in this package are written."""

from __future__ import annotations

import re

__all__ = ["CAPITAL", "PERMITS", "pattern", "vocabulary"]

CAPITAL = "[" + "".join(filter(str.isupper, map(chr, range(0x530)))) + "]"
"""A capital of the Latin, Greek or Cyrillic script: `re` has no class of them."""


def pattern(*words: str) -> re.Pattern[str]:
    r"""Compile alternatives, in upper and lower case; a blank stands for any white space.

    Examples
    --------
    >>> bool(pattern(r"\bdue (?:by|on)", "eta").match("Due  on Monday"))
    True
    """
    return re.compile("|".join(words).replace(" ", r"\s+"), re.IGNORECASE)


def vocabulary(table: str, lead: str = "", tail: str = "") -> list[tuple[str, re.Pattern[str]]]:
    r"""Compile lines of "name: alternatives"; indented lines go on with those of the name above.

    Parameters
    ----------
    lead, tail
        What stands before and behind the words of each name.

    Examples
    --------
    >>> ((name, words),) = vocabulary("work: assignees?|who\n    worked on", tail="$")
    >>> name, bool(words.match("Worked  on")), bool(words.match("worked on it"))
    ('work', True, False)
    """
    rows = re.findall(r"^([\w ]+): (.+(?:\n +.+)*)", table, re.MULTILINE)
    alternatives = ((name, re.sub(r"\s*\n\s*", "|", words)) for name, words in rows)
    return [(name, pattern(f"{lead}(?:{words}){tail}")) for name, words in alternatives]


PERMITS = pattern(r"(?:if|as|when) time (?:permits|allows)\s*[:,]?\s*")
"""Leads to work that is done if there is time."""
