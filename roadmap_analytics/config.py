"""`roadmap.toml`: what to export, who is who, and which days count.

Every key is optional. Unknown keys, sections and ill-formed values are errors that say where they
stand and name the nearest known key, because a misspelt key that is silently ignored is worse.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rapidfuzz import process

from roadmap_analytics.errors import ConfigurationError, masked

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MOST_JOBS = 64
MOST_BYTES = 2**20
"""A thousand people with ten spellings each are a tenth of it."""
_LABELS, _MILESTONES = {"future": "Future"}, {"draft_prefix": "DRAFT: "}  # the defaults
_PERIOD = re.compile(r"(\d{4}-\d{2}-\d{2})/(\d{4}-\d{2}-\d{2})")


@dataclass(frozen=True)
class Config:
    """The settings of one `roadmap.toml`, checked; the defaults where there is none.

    Examples
    --------
    >>> Config().calendar["workdays"]
    ['Mon', 'Tue', 'Wed', 'Thu', 'Fri']
    """

    # Address of the GitLab, for `groups` and `projects`, and where it lives under a path.
    url: str | None = None
    groups: list[str] = field(default_factory=list)  # full paths, besides the call's addresses
    projects: list[str] = field(default_factory=list)
    section: str | None = None  # of python-gitlab's own configuration: token, CA and the like
    jobs: int | None = None  # requests at once
    # A folder or clone with roadmap revisions, or the project that holds them; at most one.
    roadmaps_path: str | None = None
    roadmaps_project: str | None = None
    roadmaps_pattern: str | None = None  # which files
    roadmaps_ref: str | None = None  # at which branch, tag or commit
    roadmaps_profile: str | None = None  # "generic", "sigsum"; None: each one's signature decides
    people: dict[str, list[str]] = field(default_factory=dict)  # handle -> spellings, user names
    # ``timezone`` (IANA name), ``workdays`` (Mon ...), ``holidays`` (ISO days), ``periods``
    # (name -> "first day/last day"), ``fiscal_year_start`` (number of the month in which FY27
    # begins; it ends in 2027).
    calendar: dict[str, Any] = field(default_factory=lambda: _calendar({}, "[calendar]"))
    # ``future``: the label of work not planned yet; ``draft_prefix``: how titles of milestones
    # begin that are not promised yet.
    labels: dict[str, Any] = field(default_factory=lambda: dict(_LABELS))
    milestones: dict[str, Any] = field(default_factory=lambda: dict(_MILESTONES))

    def for_dataset(self) -> dict[str, Any]:
        """Give the sections that frames and analyses need; they are kept in the manifest."""
        sections: dict[str, Any] = {
            "people": self.people,
            "calendar": self.calendar,
            "labels": self.labels,
            "milestones": self.milestones,
        }
        if self.roadmaps_profile is not None:
            sections["roadmaps"] = {"profile": self.roadmaps_profile}
        return sections


def load(path: str | os.PathLike[str]) -> Config:
    """Read a `roadmap.toml`.

    Raises
    ------
    ConfigurationError
        Where the file cannot be read, is no TOML, or holds an unknown key or an ill-formed value.
    """
    file = Path(path)
    try:
        with file.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)  # the one byte more tells that there is more
        if len(data) > MOST_BYTES:
            raise ConfigurationError(
                f"{file}: expected at most {MOST_BYTES:,} bytes of TOML, got more. Check --config."
            )
        text = data.decode("utf-8-sig")  # some editors on Windows begin a file with a mark
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{file}: expected a readable TOML file in UTF-8, got: {error}. Check --config."
        ) from None
    return parse(text, str(file))


def parse(text: str, where: str = "roadmap.toml") -> Config:
    """Read the text of a `roadmap.toml`; `where` names it in messages.

    Examples
    --------
    >>> parse('people.ada = ["Ada L."]').people
    {'ada': ['Ada L.']}
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{where}: expected TOML, got: {error}. Fix that line.") from None
    except RecursionError:
        raise ConfigurationError(
            f"{where}: expected TOML, got lists or tables in one another without end."
        ) from None
    sections: dict[str, dict[str, Any]] = {}
    for name, body in document.items():
        if name not in _SECTIONS:
            raise _unknown(where, f"[{name}]", name, _SECTIONS)
        if not isinstance(body, dict):
            raise _wrong(where, name, "a section", _kind(body))
        sections[name] = body
    settings: dict[str, Any] = {}
    for name, reader in _SECTIONS.items():
        settings |= reader(sections.get(name, {}), f"{where}: [{name}]")
    return Config(**settings)


def check_sections(sections: Any, where: str) -> None:
    """Raise where sections that a call was given are not those of `Config.for_dataset`.

    Raises
    ------
    ConfigurationError
        For an unknown section or key, with the nearest known one, or a value of a wrong type.

    Examples
    --------
    >>> check_sections({"calendars": {}}, "scan: config")
    Traceback (most recent call last):
    roadmap_analytics.errors.ConfigurationError: scan: config: [calendars] is unknown. \
Did you mean calendar?
    """
    if not isinstance(sections, Mapping):
        raise ConfigurationError(f"{where}: expected sections, got {_kind(sections)}.")
    for name, body in sections.items():
        if name not in _SECTIONS:
            raise _unknown(where, f"[{name}]", name, _SECTIONS)
        keys: dict[str, Any] = {"calendar": [*_CALENDAR, "periods"], **_PLAIN}
        known = keys.get(name)
        for key in body if known and isinstance(body, Mapping) else ():
            if key not in keys[name]:
                raise _unknown(f"{where}: [{name}]", str(key), str(key), known)
    if fault := fault_in(sections):
        raise ConfigurationError(f"{where}: {fault}")


def fault_in(sections: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the sections that a manifest keeps; None where nothing is.

    They are those of `Config.for_dataset`. Keys that a newer version may have added are left out.

    Examples
    --------
    >>> fault_in(Config().for_dataset())
    >>> fault_in({"people": {"ada": 3}})
    'people ada: expected a list of other spellings and user names, got 3.'
    """
    for name in ("people", "calendar", "labels", "milestones"):
        body = sections.get(name, {})
        if not isinstance(body, dict):
            return f"{name}: expected a section, got {_kind(body)}."
        if name == "calendar":
            periods = body.get("periods", {})
            if not isinstance(periods, dict) or not all(map(_is_text, periods.values())):
                return "calendar periods: expected a section of texts."
            body = {key: body[key] for key in _CALENDAR if key in body} | periods
        elif name != "people":
            body = {key: value for key, value in body.items() if key in _PLAIN[name]}
        try:
            _SECTIONS[name](body, name)
        except ConfigurationError as error:
            return str(error)
    return None


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _unknown(where: str, what: str, name: str, known: Any) -> ConfigurationError:
    nearest = process.extractOne(name, list(known), processor=str.lower)
    hint = f" Did you mean {nearest[0]}?" if nearest else ""
    return ConfigurationError(f"{where}: {what} is unknown.{hint}")


def _wrong(where: str, key: str, expected: str, got: str) -> ConfigurationError:
    return ConfigurationError(f"{where} {key}: expected {expected}, got {got}.")


def _kind(value: Any) -> str:
    """Show a number; of anything else, say the type: it may be a token in the wrong place.

    >>> _kind(True), _kind(3), _kind(["glpat-..."])
    ('True', '3', 'a list')
    """
    if isinstance(value, int | float):
        return f"{value!r:.20}"
    kinds: dict[type, str] = {str: "a text", list: "a list", dict: "a section"}
    return kinds.get(type(value), "a date or time")


def _said(value: Any) -> str:
    """Show a text of a kind in which no secret stands; of anything else, its type.

    >>> _said("Mars/Crater"), _said("glpat-abcdef"), _said(3)
    ("'Mars/Crater'", "'[secret]'", '3')
    """
    return repr(masked(value[:40])) if isinstance(value, str) else _kind(value)


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(_text(one) for one in value)


def _jobs(value: Any) -> bool:
    # To Python, True is the number 1.
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MOST_JOBS


_Check = tuple[Callable[[Any], bool], str]
_TEXT: _Check = (_text, "a text")
_TEXTS: _Check = (_texts, "a list of texts")
_PLAIN: dict[str, dict[str, _Check]] = {
    "gitlab": {
        "url": _TEXT,
        "groups": _TEXTS,
        "projects": _TEXTS,
        "section": _TEXT,
        "jobs": (_jobs, f"a number from 1 to {MOST_JOBS}"),
    },
    "roadmaps": {
        "path": _TEXT,
        "project": _TEXT,
        "pattern": _TEXT,
        "ref": _TEXT,
        "profile": (lambda value: value in ("generic", "sigsum"), "generic or sigsum"),
    },
    "labels": {"future": _TEXT},
    "milestones": {"draft_prefix": _TEXT},
}


def _plain(name: str, body: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Check a section of fixed keys."""
    for key, value in body.items():
        if key not in _PLAIN[name]:
            raise _unknown(where.rpartition(": ")[0], f"[{name}] {key}", key, _PLAIN[name])
        fits, expected = _PLAIN[name][key]
        if not fits(value):
            raise _wrong(where, key, expected, _kind(value))
    return dict(body)


def _roadmaps_section(body: Mapping[str, Any], where: str) -> dict[str, Any]:
    settings = _plain("roadmaps", body, where)
    if "path" in settings and "project" in settings:
        raise _wrong(where, "path and project", "one of them", "both")
    return {f"roadmaps_{key}": value for key, value in settings.items()}


def _people_section(body: Mapping[str, Any], where: str) -> dict[str, Any]:
    owner: dict[str, str] = {}
    for handle, spellings in body.items():
        if not _texts(spellings):
            expected = "a list of other spellings and user names"
            raise _wrong(where, handle, expected, _kind(spellings))
        # Case does not tell people apart: `@Ada` in a document is the user ada.
        for spelling in {handle, *spellings}:
            other = owner.setdefault(spelling.casefold(), handle)
            if other != handle:
                expected = "each spelling with one person"
                raise _wrong(where, handle, expected, f"{spelling} with {other} and {handle}")
    return {"people": dict(body)}


def _calendar(body: Mapping[str, Any], where: str) -> dict[str, Any]:
    calendar: dict[str, Any] = {
        "timezone": "UTC",
        "workdays": list(WEEKDAYS[:5]),
        "holidays": [],
        "periods": {},
    }
    for key, value in body.items():
        if key in _CALENDAR:
            calendar[key] = _CALENDAR[key](value, where, key)
        elif isinstance(value, str) and "/" in value:
            calendar["periods"][key] = _period(value, where, key)
        else:
            what = f"[calendar] {key} (a named period is written 2025-07-08/2025-08-18)"
            raise _unknown(where.rpartition(": ")[0], what, key, _CALENDAR)
    return calendar


def _timezone(value: Any, where: str, key: str) -> str:
    try:
        return ZoneInfo(value).key
    except (ValueError, OSError, TypeError, LookupError):
        raise _wrong(
            where, key, "an IANA time zone such as Europe/Stockholm", _said(value)
        ) from None


def _workdays(value: Any, where: str, key: str) -> list[str]:
    # "Mon", "monday" and "MON" are all understood; they are kept in one form.
    names = [str(one)[:3].title() for one in value] if isinstance(value, list) else []
    if not names or any(name not in WEEKDAYS for name in names):
        raise _wrong(where, key, f"a list of {', '.join(WEEKDAYS)}", _kind(value))
    return sorted(set(names), key=WEEKDAYS.index)


def _holidays(value: Any, where: str, key: str) -> list[str]:
    if not isinstance(value, list):
        raise _wrong(where, key, "a list of days such as 2025-12-24", _kind(value))
    return sorted({_day(one, where, key) for one in value})


def _day(value: Any, where: str, key: str) -> str:
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise _wrong(where, key, "a day such as 2025-12-24", _said(value)) from None


def _period(value: str, where: str, key: str) -> str:
    found = _PERIOD.fullmatch(value.replace(" ", ""))
    # Without two days: a pair out of order, so that one error covers both.
    first, last = (_day(one, where, key) for one in found.groups()) if found else ("1", "0")
    if first > last:
        raise _wrong(where, key, "first day/last day, e.g. 2025-07-08/2025-08-18", _said(value))
    return f"{first}/{last}"


def _month(value: Any, where: str, key: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 12:
        raise _wrong(where, key, "the number of a month, 1 to 12", value)
    return value


_CALENDAR: dict[str, Callable[[Any, str, str], Any]] = {
    "fiscal_year_start": _month,
    "timezone": _timezone,
    "workdays": _workdays,
    "holidays": _holidays,
}


_SECTIONS: dict[str, Callable[[Mapping[str, Any], str], dict[str, Any]]] = {
    "gitlab": partial(_plain, "gitlab"),
    "roadmaps": _roadmaps_section,
    "people": _people_section,
    "calendar": lambda body, where: {"calendar": _calendar(body, where)},
    "labels": lambda body, where: {"labels": _LABELS | _plain("labels", body, where)},
    "milestones": lambda body, where: {
        "milestones": _MILESTONES | _plain("milestones", body, where)
    },
}
