"""Addresses in a document: milestones, and whatever work is tracked by."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

__all__ = ["change_of", "milestone_of", "path_of", "same_address", "tracked"]

_MILESTONE = re.compile(r"^/(?:groups/)?(?P<path>.+?)/-/milestones/(?P<iid>\d+)/?$")
_OLD_MILESTONE = re.compile(r"^/(?P<path>[^/]+/[^/]+)/milestones?/(?P<iid>\d+)/?$")
_CHANGE = re.compile(
    r"^/(?P<path>.+?)(?:/-)?/(?:pull|merge_requests|issues)/(?P<iid>\d+)(?:/\w+)?/?$"
)
_TRACKED = re.compile(
    r"^/.+/(?:issues|work_items|merge_requests|pull|epics|milestones?|discussions)/\d+/?$"
)


def milestone_of(url: str) -> tuple[str, str, int] | None:
    """Read a milestone's address: without query and fragment, its path, its number; else None.

    Examples
    --------
    >>> milestone_of("https://git.example.org/groups/sea/-/milestones/7?x=1#tab-issues")
    ('https://git.example.org/groups/sea/-/milestones/7', 'sea', 7)
    """
    return _numbered(url, _MILESTONE) or _numbered(url, _OLD_MILESTONE)


def change_of(url: str) -> tuple[str, str, int] | None:
    """Read the address of a merge request or an issue, like `milestone_of`."""
    return _numbered(url, _CHANGE)


def _parts(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:  # no address after all
        return urlsplit("")


def _numbered(url: str, pattern: re.Pattern[str]) -> tuple[str, str, int] | None:
    parts = _parts(url)
    host = parts.netloc.lower()
    m = pattern.match(parts.path)
    if m is None or not host or len(m["iid"]) > 15:
        return None
    plain = f"{parts.scheme.lower()}://{host}{parts.path.rstrip('/')}"
    return plain, m["path"], int(m["iid"])


def path_of(url: str) -> str:
    """Give the path of an address; an empty one where it is none."""
    return _parts(url).path


def tracked(url: str) -> str | None:
    """Give the address of an issue, merge request, epic or milestone, without its fragment.

    Examples
    --------
    >>> tracked("https://github.com/a/b/pull/7#x"), tracked("https://example.org/about")
    ('https://github.com/a/b/pull/7', None)
    """
    parts = _parts(url)
    path = parts.path.rstrip("/")
    for tail in ("/diffs", "/commits", "/files", "/designs"):
        path = path.removesuffix(tail)
    if parts.scheme not in ("http", "https") or not parts.netloc or not _TRACKED.match(path):
        return None
    return f"{parts.scheme}://{parts.netloc.lower()}{path}"


def same_address(url: str) -> str:
    """Bring the spellings of one address together: GitLab writes it with and without ``/-/``.

    Examples
    --------
    >>> same_address("https://git.example.org/a/b/-/issues/7?x=1")
    'https://git.example.org/a/b/issues/7'
    """
    plain = re.split(r"[?#]", url, maxsplit=1)[0].rstrip("/").replace("/-/", "/")
    return plain.replace("/work_items/", "/issues/").replace("://www.", "://")
