"""Roadmap revisions of the simulated team, in three layouts, true to its milestones."""

from __future__ import annotations

from calendar import month_name
from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from typing import Any

from roadmap_analytics import records
from roadmap_analytics.simulate.world import Milestone, World, at_noon, member

PROJECT = "beacon/project/documentation"
PRIORITIES = [
    "The lamps stay lit, whatever the weather",
    "It is easy to read and to write the log",
    "The technology moves ahead",
]
# Revision, planned next update, layout. The team is rarely in time with its updates.
_PLAN = [
    (date(2024, 1, 16), date(2024, 4, 30), "numbered"),
    (date(2024, 5, 14), date(2024, 9, 10), "numbered"),
    (date(2024, 9, 10), date(2024, 12, 20), "priorities"),
    (date(2025, 1, 21), date(2025, 5, 20), "priorities"),
    (date(2025, 5, 20), date(2025, 8, 31), "activities"),
    (date(2025, 9, 23), date(2025, 12, 20), "activities"),
    (date(2026, 1, 27), date(2026, 4, 30), "activities"),
    (date(2026, 5, 19), date(2026, 8, 31), "activities"),
    (date(2026, 9, 29), date(2026, 12, 20), "activities"),
]


def documents(world: World, seen: int) -> Iterator[dict[str, Any]]:
    """Yield the revisions that exist at a time, as records of the kind document."""
    layouts: dict[str, Callable[[World, int], str]] = {
        "numbered": _numbered,
        "priorities": _priorities,
        "activities": _activities,
    }
    for n, (day, _, layout) in enumerate(_PLAN):
        if at_noon(day) <= seen:
            name = f"archive/{day.isoformat()}-roadmap.md"
            text, source = layouts[layout](world, n), f"{PROJECT}@HEAD:{name}"
            yield records.document(name, text, source, day.isoformat())


def _current(world: World, day: date) -> list[Milestone]:
    """Give the milestones that a revision plans: begun, or to begin within six weeks."""
    at = at_noon(day)
    return [
        m
        for m in world.planned[0]
        if m.start and m.start <= day + timedelta(days=42) and m.ended > at
    ]


def _due(milestone: Milestone, day: date) -> date:
    due = milestone.due(at_noon(day))
    assert due is not None
    return due


def _target(milestone: Milestone, day: date, style: int) -> str:
    """Return when a milestone should be done; one that is overdue gets no new date."""
    due = _due(milestone, day)
    return _words(due, style) if due > day else "before next roadmap renewal"


def _called(milestone: Milestone, n: int) -> str:
    """Give the title of an activity: some are worded differently when they come back."""
    # Like real ones: matching must not rest on titles alone, nor on links alone.
    again = milestone.created < at_noon(_before(n))
    words = milestone.title[0].lower() + milestone.title[1:]
    return f"Wrap up the {words}" if again and milestone.id % 3 == 0 else milestone.title


def _words(due: date, style: int) -> str:
    """Say a day as people do; a vague word covers it."""
    month = month_name[due.month]
    third = "beginning of" if due.day <= 10 else "mid" if due.day <= 20 else "end of"
    return [
        f"{third} {month}",
        f"{due.day} {month}, {due.year}",
        f"towards the {third} {month}" if third == "end of" else f"around {third} {month}",
        f"{month} {due.day}, {due.year}",
    ][style % 4]


def _late(day: date) -> str:
    month = month_name[day.month]
    if day.day > 20:
        return f"the end of {month}"
    return f"mid {month}" if day.day > 10 else f"the beginning of {month}"


def _url(milestone: Milestone) -> str:
    return f"{milestone.data['web_url']}#tab-issues"


def _before(n: int) -> date:
    return _PLAN[n - 1][0]


def _finished(world: World, n: int) -> list[Milestone]:
    before, now = _PLAN[n - 1][0], _PLAN[n][0]
    return [m for m in world.planned[0] if at_noon(before) <= m.ended < at_noon(now)]


def _people(milestone: Milestone, day: date) -> tuple[str, str, str]:
    """Driver, worker, reviewer of a milestone: steady over revisions."""
    place = milestone.id % 7
    return member(place, day), member((place + 2) % 7, day), member((place + 3) % 7, day)


def _team(day: date) -> list[str]:
    return [member(place, day) for place in range(7)]


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _numbered(world: World, n: int) -> str:
    day, update, _ = _PLAN[n]
    current, team = _current(world, day), _team(day)
    keys: dict[int, str] = {}
    plan, people = [], []
    for theme, title in enumerate(PRIORITIES, start=1):
        plan.append(f"  {theme}. {title}.")
        mine = [m for m in current if m.theme == theme - 1]
        for place, milestone in enumerate(mine, start=1):
            keys[milestone.id] = f"{theme}.{place}"
            plan.append(f"     {place}. {milestone.title}.  Done by {_target(milestone, day, n)}.")
    for person in team:
        said = []
        for milestone in current:
            driver, worker, reviewer = _people(milestone, day)
            key = keys[milestone.id]
            if person == driver:
                said.append(f"    - Main driver of {key} with input from {reviewer}.")
            if person == worker:
                said.append(f"    - Will work on {key}, review from {reviewer}.")
        if person == team[0]:
            said.append("    - Main responsible for planning and coordinating.")
        people += [f"  - {person}", *said] if said else []
    links = []
    for milestone in current:
        fresh = "new" if milestone.created > at_noon(_before(n)) or n == 0 else "continued"
        links += [f"  - {milestone.title} ({fresh})", f"    - {_url(milestone)}"]
    # The estimate for the whole never lies before the next update, or no one would plan that.
    last = max(update, *(_due(m, day) for m in current))
    return f"""# {day.isoformat()}

What the Beacon team plans to do, in what order, and who looks after what.

{_progress(world, n)}\
The next roadmap update is planned to happen {month_name[update.month]} {update.day}, {update.year}.

## Roadmap

In rough order of priority:

{_lines(plan)}\
  4. Solar lamps.  Needs planning before anybody starts.

We will not be working on (4) and forward until the next roadmap is set.  Our current
estimate for all of the above is {_late(last)}, {last.year}.

Bug fixing and help for ports that run a beacon are in scope and planned separately.

## People

{_lines(people)}
## Concrete milestones

{_lines(links)}"""


def _progress(world: World, n: int) -> str:
    if n == 0:  # the first plan has none before it
        return ""
    return f"""## Summary of changes

The plan before this one:

  - {world.projects_of[0][3]["web_url"]}/-/blob/main/archive/{_before(n).isoformat()}-roadmap.md

{_lines(f"  - {m.title} is done." for m in _finished(world, n))}
"""


def _priorities(world: World, n: int) -> str:
    day, update, _ = _PLAN[n]
    current, team = _current(world, day), _team(day)
    plan, people = [], []
    for theme, title in enumerate(PRIORITIES, start=1):
        plan.append(f"{theme}. {title}")
        mine = [m for m in current if m.theme == theme - 1]
        plan += [f"   - {m.title}.  Done by {_target(m, day, n + theme)}." for m in mine]
    for person in team:
        said = []
        for milestone in current:
            driver, worker, reviewer = _people(milestone, day)
            if person == driver:
                said.append(f"  - Main driver of {milestone.title}")
            if person == worker:
                said.append(f"  - Will work on {milestone.title}, review from {reviewer}")
        if person == team[6]:
            said.append("  - Point of contact for ports that want a lamp")
        people += [f"- {person}", *said] if said else []
    going_on = [m for m in current if m.created < at_noon(_before(n))]
    return f"""# {day.isoformat()}

An overview of the plan and of the people behind it.  A new roadmap will be decided
towards {_late(update)}, {update.year}.

## Summary of changes

Since the last roadmap:

{_lines(f"- {m.title} is done" for m in _finished(world, n))}\
{_lines(f"- {m.title} continues" for m in going_on)}
## Roadmap

The current priorities are as follows:

{_lines(plan)}\
4. Talks and visits

We will mainly focus on (1)--(2), and make best-effort progress on (3).

## People

{_lines(people)}
## Concrete milestones

{_lines(f"- {m.title}{chr(10)}  - {_url(m)}" for m in current)}"""


def _activities(world: World, n: int) -> str:
    day, update, _ = _PLAN[n]
    current, team = _current(world, day), _team(day)
    until = f"{'end' if update.day > 20 else 'middle'} of {month_name[update.month]}, {update.year}"
    plan = []
    for place, milestone in enumerate(current):
        driver, worker, reviewer = _people(milestone, day)
        plan += [
            f"  - **{_called(milestone, n)}**",
            f"    - Work by: {driver}, {worker}",
            f"    - Review by: {reviewer}",
            f"    - Expected outcome: {_url(milestone)}",
            f"    - Estimated done: {_target(milestone, day, n + place)}",
        ]
    if n % 2 == 0:  # an item that comes, goes and returns, without date and milestone
        plan += [
            "  - **Talks at the harbour fair**",
            f"    - Work by: {team[6]}",
            "    - Estimated done: no estimate",
        ]
    late = [m for m in current if _due(m, _before(n)) <= day and m.created < at_noon(_before(n))]
    behind = [f"  - Finish {m.title}.  This work continues in the upcoming roadmap." for m in late]
    if behind:
        behind = ["We did not have enough time to:", "", *behind]
    return f"""# {day.isoformat()}

What Beacon works on next, and who looks after what for longer.  A new roadmap will be
decided around {_late(update)}, {update.year}.

## High-level priorities

{_lines(f"  {place}. {title}" for place, title in enumerate(PRIORITIES, start=1))}
## Main activities until the {until}

{_lines(plan)}
If time permits, {team[4].title()} will look into solar lamps.

As usual: bug fixing and help for ports are in scope and planned when they are needed.

## People and their standing responsibilities

  - {team[0]}:
    - Responsible for planning and coordinating
  - {team[1]}
    - Maintains the core repositories
  - {team[6]}:
    - Point of contact for ports that want a lamp

## What happens after {month_name[update.month]}, {update.year}

Nothing is decided.  Look at issues with the "Future" label and at milestones whose
title begins with "DRAFT: ".

## Summary of progress since {month_name[_before(n).month]}, {_before(n).year}

Finished:

{_lines(f"  - {m.title}" for m in _finished(world, n))}
{_lines(behind)}"""
