"""Read revisions -> the roadmap frames."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import pandas as pd

from roadmap_analytics import schema
from roadmap_analytics.errors import RoadmapError
from roadmap_analytics.roadmap import sources
from roadmap_analytics.roadmap.alarms import Alarm, alarms_of, of_corrections, of_files
from roadmap_analytics.roadmap.corrections import Correction, correct, read_corrections
from roadmap_analytics.roadmap.documents import Revision, read_document, written_on
from roadmap_analytics.roadmap.fields import Entry
from roadmap_analytics.roadmap.matching import Match, Verdict, link_statements, read_matches
from roadmap_analytics.roadmap.matching import match as match_items
from roadmap_analytics.roadmap.people import Duty, Names
from roadmap_analytics.roadmap.targets import Calendar, Target

__all__ = ["FRAMES", "check", "item_ids", "parse"]

FRAMES = (
    "revisions",
    "roadmap_items",
    "responsibilities",
    "roadmap_milestones",
    "carry_over",
    "item_matches",
    "roadmap_lines",
    "roadmap_alarms",
)
"""The frames that come from documents."""

_NO_CALENDAR: Mapping[str, Any] = {}
_NO_ACCOUNTS: Mapping[str, str] = {}
_NO_PEOPLE: Mapping[str, Iterable[str]] = {}


def parse(
    documents: Iterable[Mapping[str, Any]],
    *,
    people: Mapping[str, Iterable[str]] = _NO_PEOPLE,
    calendar: Mapping[str, Any] = _NO_CALENDAR,
    accounts: Mapping[str, str] = _NO_ACCOUNTS,
    profile: str | None = None,
) -> dict[str, pd.DataFrame]:
    r"""Read roadmap documents into frames.

    Parameters
    ----------
    documents
        Document records: ``name``, ``text``, ``source``, ``revision_hint``; in any order. One named
        ``matches.csv`` overrules the matching, one named ``readings.csv`` the reading.
    people
        Canonical handle -> other spellings; names without an entry are their own handle, in lower
        case and without accents.
    accounts
        GitLab user name -> canonical handle; what `people` says goes before it.
    calendar
        ``periods``: name -> "first day/last day"; ``fiscal_year_start``: number of the month.
    profile
        "generic" or "sigsum": how every document is read; None lets each one's signature decide.

    Returns
    -------
    dict
        The frames of `FRAMES`, as `roadmap_analytics.schema` describes them. ``revisions`` tells
        how many list items each document has, how many found a place, and the text of the others.

    Raises
    ------
    RoadmapError
        Where a document has no date or is far too long, or two are of one date with different text.

    Examples
    --------
    >>> text = "# Plan\n\n1. Docs by end of May\n"
    >>> frames = parse([{"name": "2025-02-04.md", "text": text}])
    >>> frames["roadmap_items"][["key", "title", "target_date"]]
      key title target_date
    0   1  Docs  2025-05-31
    """
    found = _sorted_out(documents)
    periods = {name: _period(name, span) for name, span in (calendar.get("periods") or {}).items()}
    known = Calendar(periods, fiscal_start=calendar.get("fiscal_year_start"))
    revisions: list[Revision] = []
    alarms, used = list(found.alarms), set()
    met: set[str] = set()  # people whom earlier revisions name; later ones decide nothing here
    for record in found.dated.values():
        names = Names.of(people, accounts)
        names.met |= met
        revision = read_document(record, names=names, calendar=known, profile=profile)
        met |= names.known
        used |= correct(revision, found.corrections)
        alarms += alarms_of(revision)
        previous = revisions[-1] if revisions else None
        link_statements(previous, revision)
        revision.previous = revision.previous or (previous.written if previous else None)
        revisions.append(revision)
    lost = (one for one in found.corrections if one not in used)
    alarms += of_corrections(lost, {revision.written for revision in revisions})
    return _frames(revisions, match_items(revisions, found.verdicts), alarms)


def check(documents: Iterable[Mapping[str, Any]]) -> None:
    """Raise what `parse` would raise about documents, without reading all of them.

    The exporter asks before it stores a document, and before a run is spent on one.

    Raises
    ------
    RoadmapError
        Where a document has no date or is far too long, or two are of one date with different
        text, or a ``matches.csv`` or ``readings.csv`` cannot be read.

    Examples
    --------
    >>> check([{"name": "plan.md", "text": "# Plan"}])  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    roadmap_analytics.errors.RoadmapError: Roadmap plan.md: expected a date in the file name ...
    """
    _sorted_out(documents)


class _Sorted(NamedTuple):
    """Records by what they are for."""

    verdicts: list[Verdict]
    corrections: list[Correction]
    alarms: list[Alarm]
    dated: dict[date, Mapping[str, Any]]  # one per date, oldest first


def _sorted_out(documents: Iterable[Mapping[str, Any]]) -> _Sorted:
    found = _Sorted([], [], [], {})
    for record in sorted(documents, key=lambda record: (str(record["name"]), str(record["text"]))):
        name, text = str(record["name"]), str(record["text"])
        match name.rpartition("/")[2]:
            case sources.MATCHES:
                found.verdicts.extend(read_matches(text, name))
            case sources.READINGS:
                found.corrections.extend(read_corrections(text, name))
            case sources.NOT_READ:
                found.alarms.extend(of_files(text))
            case _:
                day = written_on(record)
                # The same text twice is one revision; two texts of one date are a mistake.
                known = found.dated.setdefault(day, record)
                if str(known["text"]) != text:
                    raise RoadmapError(
                        f"Roadmaps {known['name']} and {name}: expected one document per date, "
                        f"got two of {day}. Narrow the pattern, or date them apart."
                    )
    return found._replace(dated=dict(sorted(found.dated.items())))


def _period(name: str, span: Any) -> tuple[date, date]:
    try:
        first, last = span if isinstance(span, tuple | list) else str(span).split("/")
        return date.fromisoformat(str(first)), date.fromisoformat(str(last))
    except ValueError as error:
        raise RoadmapError(
            f"calendar period {name!r}: expected first day/last day, e.g. "
            f"2025-07-08/2025-08-18, got {span!r}."
        ) from error


def item_ids(
    revisions: Sequence[tuple[date, Sequence[str]]], matches: Sequence[Match]
) -> dict[tuple[date, str], str]:
    """Give a stable id for every item of every revision.

    An item passes its id to the best of those it became; the others get a new one. The id is the
    revision and the key of the first appearance.

    Examples
    --------
    >>> days = date(2025, 2, 4), date(2025, 9, 2)
    >>> ids = item_ids([(days[0], ["A1"]), (days[1], ["A1", "A2"])],
    ...                [Match(days[0], "A1", days[1], "A2", "renamed", 0.9, "words")])
    >>> ids[days[1], "A2"], ids[days[1], "A1"]
    ('2025-02-04/A1', '2025-09-02/A1')
    """
    out: dict[tuple[date, str], str] = {}
    by_revision: dict[date, list[Match]] = {}
    for one in matches:
        by_revision.setdefault(one.revision, []).append(one)
    for day, keys in revisions:
        passed: set[str] = set()
        # The surest first, then the same key, then the latest revision.
        best = sorted(by_revision.get(day, []), key=lambda m: (m.previous_key, m.key))
        best.sort(key=lambda m: m.previous_revision, reverse=True)
        best.sort(key=lambda m: (-m.confidence, m.previous_key != m.key))
        for one in best:
            item = out[one.previous_revision, one.previous_key]
            if item not in passed and (day, one.key) not in out:
                out[day, one.key] = item
                passed.add(item)
        for key in keys:
            out.setdefault((day, key), f"{day.isoformat()}/{key}")
    return out


def _frames(
    revisions: Sequence[Revision], matches: Sequence[Match], alarms: Sequence[Alarm]
) -> dict[str, pd.DataFrame]:
    ids = item_ids([(r.written, [e.key for e in r.entries]) for r in revisions], matches)
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in FRAMES}
    for revision in revisions:
        rows["revisions"].append(_revision_row(revision))
        day = revision.written
        found: dict[str, Iterable[dict[str, Any]]] = {
            "roadmap_items": (_item_row(one, ids[day, one.key]) for one in revision.entries),
            "responsibilities": (_duty_row(duty, key) for duty, key in revision.duties),
            "roadmap_lines": (vars(one) | {"line": one.number} for one in revision.lines),
            "roadmap_milestones": map(vars, revision.references),
            "carry_over": map(vars, revision.statements),
        }
        for name, of_revision in found.items():
            rows[name] += [row | {"revision": day} for row in of_revision]
    rows["item_matches"] = list(map(vars, matches))
    rows["roadmap_alarms"] = list(map(vars, alarms))
    return {name: _frame(name, rows[name]) for name in FRAMES}


def _frame(name: str, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows as the frame of a name, without what it has no column for.

    Of rows with one key the first stands.
    """
    if not rows:  # a dataset without documents: its eight empty frames are made once
        return schema.empty(name)
    key, columns = schema.key_of(name), list(schema.empty(name))
    unique = {tuple(str(row.get(column)) for column in key): row for row in reversed(rows)}
    kept = [[row.get(column) for column in columns] for row in reversed(unique.values())]
    return schema.tidy(name, pd.DataFrame(kept, columns=columns, dtype=object))


def _revision_row(revision: Revision) -> dict[str, Any]:
    return {
        **vars(revision),
        **_target_row("next_update", revision.next_update),
        **_target_row("horizon", revision.horizon),
        "revision": revision.written,
        "list_items": len(revision.list_lines),
        "placed_items": revision.placed,
        "unplaced_text": "\n".join(text for text in revision.unplaced if text) or None,
    }


def _item_row(entry: Entry, item: str) -> dict[str, Any]:
    own = {"item": item, "line": entry.line + 1, "url": entry.url, "detail": entry.detail}
    return vars(entry) | _target_row("target", entry.target) | own


def _target_row(name: str, target: Target | None) -> dict[str, Any]:
    said = target or Target("")
    return {
        f"{name}_text": said.text or None,
        f"{name}_start_date": said.start,
        f"{name}_date": said.end,
        f"{name}_flag": said.flag,
    }


def _duty_row(duty: Duty, key: str | None) -> dict[str, Any]:
    return vars(duty) | {"key": key, "scope": None if key else duty.scope}
