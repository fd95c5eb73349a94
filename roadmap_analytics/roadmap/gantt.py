"""Mermaid gantt charts within a document: each task is an item, or dates the item of its title."""

from __future__ import annotations

import re
from datetime import date, timedelta

from roadmap_analytics.roadmap.fields import Entry
from roadmap_analytics.roadmap.items import Items, Place
from roadmap_analytics.roadmap.language import plain_title
from roadmap_analytics.roadmap.lines import NOT_UNDERSTOOD, Reading
from roadmap_analytics.roadmap.markdown import Inline, Other
from roadmap_analytics.roadmap.marks import ACTIVE, DONE
from roadmap_analytics.roadmap.targets import Target, find

__all__ = ["read_charts"]

_TAGS = {"done": DONE, "active": ACTIVE, "crit": None, "milestone": None, "vert": None}
_TASK = re.compile(r"\s*(?P<title>[^:\s%][^:]*?)\s*:\s*(?P<said>\S.*)")
_SECTION = re.compile(r"\s*(?:section|title)\s+\S.*")
_DURATION = re.compile(r"(?P<n>\d{1,4})(?:\.\d+)?\s*(?P<unit>[hdwMy])")
_DAYS_OFF = "the chart leaves out days, which were counted"
_EXCLUDES = re.compile(r"^\s*excludes\b", re.MULTILINE)
_DAYS = {"h": 1 / 24, "d": 1, "w": 7, "M": 30, "y": 365}


def read_charts(blocks: list[tuple[Other, Place]], items: Items) -> None:
    """Read the charts of a document, after its other items: many charts draw what a list says."""
    titles: dict[str, list[Entry]] = {}
    for one in items.by_key.values():
        titles.setdefault(plain_title(one.title), []).append(one)
    found: list[Reading] = []
    for block, place in blocks:
        ends: dict[str, date] = {}
        last: date | None = None
        off = _DAYS_OFF if _EXCLUDES.search(block.text) else None
        for number, line in enumerate(block.text.split("\n"), start=block.line + 1):
            task = _TASK.fullmatch(line)
            if task is None:
                said = (
                    ("heading", "section") if _SECTION.fullmatch(line) else ("ignored", "setting")
                )
                found.append(Reading(number, number + 1, said[0], f"{said[1]} of a gantt chart"))
                continue
            parts = [part.strip() for part in task["said"].split(",")]
            tags = [part for part in parts if part in _TAGS]
            parts = [part for part in parts if part not in _TAGS]
            start = _day(parts[-2], items, ends) if len(parts) > 1 else last
            last = _end(parts[-1], start, items, ends) if parts else start
            if last is not None and len(parts) == 3:
                ends[parts[0]] = last
            flag = off if parts and _DURATION.fullmatch(parts[-1]) else None
            target = Target(str(last), min(start or last, last), last, flag) if last else None
            same = titles.get(plain_title(task["title"]), [])
            entry = same[0] if len(same) == 1 else None
            reading = "field" if entry else "item"
            if entry is None:
                drawn = items.draft(place, "list", number, Inline(task["title"]))
                entry = items.take(drawn, place)
            dated = entry.target is not None and entry.target.end is not None
            entry.target = entry.target if dated else target or entry.target
            for tag in tags:
                entry.say(_TAGS[tag])
            why = "task of a gantt chart"
            if last is None:
                why += f"; {NOT_UNDERSTOOD}{task['said']}"
            said = ("target", str(last or "")) if reading == "field" else ("title", entry.title)
            found.append(Reading(number, number + 1, reading, why, entry.key, *said))
    items.readings[:0] = found


def _day(text: str, items: Items, ends: dict[str, date]) -> date | None:
    """Read "2026-06-01", or "after a b": the day on which the last of these tasks ends."""
    verb, *names = text.split()
    if verb in ("after", "until"):
        return max((ends[name] for name in names if name in ends), default=None)
    found = [one.span for one in find(text, items.words.written) if one.span]
    return found[0][0] if found else None


def _end(text: str, start: date | None, items: Items, ends: dict[str, date]) -> date | None:
    if text == "0":  # of a milestone, mostly written without a unit
        return start
    if (lasts := _DURATION.fullmatch(text)) is None:
        return _day(text, items, ends) if text else None
    days = timedelta(days=int(lasts["n"]) * _DAYS[lasts["unit"]])
    # Nothing that people plan lasts a century; dates end with the year 9999.
    return start + days if start and days.days < 36_525 and start.year < 9000 else None
