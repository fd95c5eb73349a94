"""Web addresses as people copy them from the browser -> which GitLab, which group or project."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

from roadmap_analytics.errors import ConfigurationError, masked

Kind = Literal["group", "project", "group or project", "project or group"]


@dataclass(frozen=True)
class Address:
    """A group or project on some GitLab."""

    origin: str  # scheme, host, port, and the path under which that GitLab lives, if any
    path: str  # full path of the group or project
    kind: Kind  # what it can be, the likelier first

    def __str__(self) -> str:
        return f"{self.origin}/{self.path}"


def parse(text: str, base: str | None = None) -> Address:
    """Read an address; pages below a group or project (issues, a milestone) mean that one.

    Parameters
    ----------
    text
        A web address, or a full path where `base` is known.
    base
        Address of the GitLab, from the configuration.

    Raises
    ------
    ConfigurationError
        Where it names no group or project, or holds a password.

    Examples
    --------
    >>> parse("https://git.example.org/groups/sigsum/-/milestones/10")
    Address(origin='https://git.example.org', path='sigsum', kind='group')
    >>> parse("https://git.example.org/sigsum/core/log-go/-/issues/?state=all").path
    'sigsum/core/log-go'
    """
    base = base.rstrip("/") if base else None
    whole = text.strip()
    if "://" not in whole and not _MISTYPED.match(whole):
        if not base and not _is_host(whole.partition("/")[0]):
            raise ConfigurationError(
                f"{_shown(text)}: expected a web address, got a path on no GitLab. Write "
                f"https://git.example.org/{_shown(whole).lstrip('/')}, or set [gitlab] url in "
                "roadmap.toml."
            )
        whole = f"{base}/{whole.lstrip('/')}" if base else f"https://{whole}"
    origin, path = _split(whole, base, text)
    grouped = path[:1] == ["groups"]
    parts = path[1:] if grouped else path
    # GitLab sets "-" between a path and the pages below it; no group or project bears that name.
    page = "-" in parts
    parts = parts[: parts.index("-")] if page else parts
    if not parts:
        raise ConfigurationError(
            f"{_shown(text)}: expected the address of a group or project, "
            "for example https://git.example.org/groups/sigsum. Copy it from the browser."
        )
    parts[-1] = parts[-1].removesuffix(".git")  # the address to clone from
    if not all(_PART.fullmatch(part) for part in parts):
        raise ConfigurationError(
            f"{_shown(text)}: expected the address of a group or project, got characters that "
            "GitLab allows in none. Copy it from the browser, without user name and token."
        )
    return Address(origin, "/".join(parts), _kind(parts, grouped, page))


def _shown(text: str) -> str:
    """Return an address as a message may show it: a person may have pasted a token into it.

    >>> _shown("https//oauth2:a/b@git.example.org/x?private_token=abc")
    'git.example.org/x'
    >>> _shown("kAx3-9pQ_rT5uVw7Yz1B")  # a token in place of the address
    '[secret]'
    """
    plain = re.split(r"[?#]", text.strip())[0].rpartition("@")[2]
    return _TOKEN.sub("[secret]", masked(plain))


_TOKEN = re.compile(r"(?=[\w-]*\d)(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?<![\w-])[\w-]{20,}")
"""A long word of small and capital letters and digits, as GitLab's older tokens are."""


# "https:/me:token@host" is neither path nor host: taken for one, its token would be shown.
_MISTYPED = re.compile(r"(?i)https?(:|/)")
_PART = re.compile(r"[A-Za-z0-9_.+-]+")
"""One name of a path, as GitLab allows it (and a plus sign)."""


def _is_host(name: str) -> bool:
    """Whether the beginning of an address without https:// can be meant as a host."""
    return bool(re.fullmatch(r"[^:@]*\.[^:@]*(:\d+)?|[^:@]+:\d+|(?i:localhost)", name))


def _kind(parts: list[str], grouped: bool, page: bool) -> Kind:
    if grouped:
        return "group"
    if len(parts) == 1:
        return "group"  # projects live below a group or a person
    # The pages of a group lie below /groups/, so what has a page without that is a project.
    return "project or group" if page else "group or project"


def _split(whole: str, base: str | None, text: str) -> tuple[str, list[str]]:
    """Split into the GitLab and the parts of the path within it."""
    try:
        url = urlsplit(whole)
        host, _ = url.hostname, url.port
    except ValueError:
        host, url = None, urlsplit("")
    if url.scheme not in ("http", "https") or not host:
        raise ConfigurationError(
            f"{_shown(text)}: expected a web address that begins with https://, got something "
            "else. Copy it from the browser."
        )
    if "@" in url.netloc:
        raise ConfigurationError(
            f"{url.scheme}://{_shown(url.netloc + url.path)}: expected an address without user "
            "name and password. Set GITLAB_PRIVATE_TOKEN instead."
        )
    origin = f"{url.scheme}://{url.netloc.lower()}"
    path = url.path
    # With the slash, so that https://host/git is no beginning of https://host/github.
    if base and (f"{origin}{path}/").startswith(f"{base}/"):
        path = f"{origin}{path}".removeprefix(base)
        origin = base
    return origin, [part for part in unquote(path).split("/") if part]


def common_origin(addresses: Iterable[Address]) -> str:
    """Give the one GitLab that all of them are on.

    Raises
    ------
    ConfigurationError
        Where there are several.
    """
    origins = sorted({address.origin for address in addresses})
    if len(origins) != 1:
        raise ConfigurationError(
            f"expected addresses on one GitLab, got {' and '.join(origins)}. "
            "Export each into a dataset of its own."
        )
    return origins[0]
