"""One paging policy: which page of a list follows, and when a list cannot be read to its end.

GitLab names the next page in the header `Link`, and in `X-Next-Page`. Proxies drop either or both:
then the total, or the mere fact that a page has rows, says that more may follow. What these
functions return is a query; nothing ever follows an address that an answer names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from requests.utils import parse_header_links

MOST_EMPTY_PAGES = 100
"""So many pages without a row follow each other where rights hide rows, and not more."""

Query = dict[str, Any]


class Following(NamedTuple):
    """The query of the next page, and whether a header says that there is one."""

    query: Query
    named: bool


def following(asked: Query, headers: Mapping[str, str], rows: int) -> Following | None:
    """Return the page after the one that was asked for; None at the end.

    Parameters
    ----------
    asked : dict
        Query of the page, with `per_page`, and `page` after the first.
    headers : mapping
        Of the answer.
    rows : int
        How many rows the answer has. Pages may be short before the end, as GitLab takes out what
        the token may not see after it has made the page.

    Examples
    --------
    >>> following({"per_page": 100}, {"X-Next-Page": "2"}, 100)
    Following(query={'per_page': 100, 'page': 2}, named=True)
    >>> following({"per_page": 100}, {"X-Next-Page": ""}, 100)
    >>> following({"per_page": 100}, {}, 100)
    Following(query={'per_page': 100, 'page': 2}, named=False)
    """
    links = parse_header_links(headers.get("Link", ""))
    for link in links:
        if link.get("rel") == "next":
            return Following(asked | dict(parse_qsl(urlsplit(link["url"]).query)), True)
    page = _number(asked.get("page")) or 1
    named = headers.get("X-Next-Page")
    if number := _number(named):
        return Following(asked | {"page": number}, True)
    whole = total(headers)
    following = asked | {"page": page + 1}
    if whole is not None:
        size = _number(headers.get("X-Per-Page")) or asked["per_page"]
        return Following(following, True) if page * size < whole else None
    if links or named is not None:
        return None  # GitLab says where a list goes on, and this is its last page
    # Nothing says whether the list goes on: only an empty page is its end.
    return Following(following, False) if rows else None


def total(headers: Mapping[str, str]) -> int | None:
    """Return how many rows a list has; None where the answer does not say (over 10,000)."""
    return _number(headers.get("X-Total"))


def _number(text: Any) -> int | None:
    """Return the number that a header or a query gives; None where it gives none."""
    plain = str(text).strip()
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 18 else None
