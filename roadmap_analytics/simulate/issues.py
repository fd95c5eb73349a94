"""Issues of a simulated GitLab: a script of what happens to each, and the answer seen by a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from math import log
from typing import Any, NamedTuple

import numpy as np

from roadmap_analytics import records
from roadmap_analytics.records import Row
from roadmap_analytics.simulate.world import (
    DAY,
    DELETED_LABEL,
    NOW,
    PROJECTS,
    START,
    Clock,
    Milestone,
    World,
    at_noon,
    day_of,
    iso,
    milliseconds,
)

# One generator for so many issues: making one for each would take longer than the draws.
BLOCK = 4096
# Random numbers that one issue may use. Each issue has its own row of them, so that a story that
# takes one draw more leaves all other issues as they were. No issue has as many steps.
DRAWS = 64
# Shares that give a simulated project the measures of real ones (tests/test_sample.py has them).
QUICK = 0.19  # issues closed within minutes to days
OLD = 0.25  # of a milestone's planned issues, those that waited in the backlog for long
HOUR = 3_600_000
FIRST = at_noon(START)
LAST = milliseconds(NOW)
VERBS = ["Fix", "Document", "Test", "Simplify", "Replace", "Measure", "Package", "Review", "Retry"]
THINGS = [
    "lamp timer", "signal parser", "log rotation", "relay handshake", "keeper login", "fog sensor",
    "range table", "replay buffer", "install script", "backup job", "alarm text", "key ceremony",
    "web console", "release notes", "unit conversion", "battery reading", "clock drift",
]  # fmt: skip
CASES = ["", "", " on cold start", " for small ports", " after a power cut", " in the manual",
         " when offline", " under load", " at midnight"]  # fmt: skip
HOSTILE = [
    r"Footer shows $\frac{$ as it stands",
    'Title with <b>markup</b> & "quotes"',
    "=SUM(A1:A9) in the exported sheet",
    "Price list: $5 now, $7 later",
]
TYPES = ["issue"] * 16 + ["task"] * 2 + ["incident", "ticket"]
WEIGHTS = [1, 1, 2, 2, 3, 3, 5, 8]
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September",
          "October", "November", "December"]  # fmt: skip


class Step(NamedTuple):
    """One thing that happens to an issue."""

    at: int
    what: str
    who: Row | None
    value: Any = None


@dataclass(slots=True, eq=False)
class Story:
    """An issue as its author opens it, and what happens to it, in order of time.

    `born` is when it appears: for the copy that a move leaves, later than `created`. `odd` names
    what is unlike other issues on purpose.
    """

    project: Row
    title: str
    kind: str
    author: Row
    created: int
    born: int
    confidential: bool
    imported: bool
    steps: list[Step]
    deleted: int | None = None
    copy: Story | None = None
    odd: list[str] = field(default_factory=list)
    id: int = 0
    iid: int = 0

    def exists(self, seen: int) -> bool:
        """Tell whether GitLab has it at a time."""
        return self.born <= seen and (self.deleted is None or self.deleted > seen)


def issue_records(world: World, count: int, seed: int, seen: int) -> Iterator[Row]:
    """Yield the history and the row of every issue that exists at a time."""
    milestones = {m.id: world.milestone_row(m, seen) for m in world.milestones}
    for story in _stories(world, count, seed):
        if story.exists(seen):
            yield from _seen(story, seen, milestones, world)


def oddities(world: World, count: int, seed: int, seen: int) -> dict[str, list[int]]:
    """Give the ids of the issues at a time that are odd on purpose, by what is odd."""
    found: dict[str, list[int]] = defaultdict(list)
    for story in _stories(world, count, seed):
        if story.exists(seen):
            for what in story.odd:
                found[what].append(story.id)
    return dict(found)


def _stories(world: World, count: int, seed: int) -> Iterator[Story]:
    """Yield unit by unit, numbered in the order in which they appear."""
    ident = 10_000
    dice = _dice(seed, count)
    for unit in range(world.units):
        # Rounded up at both ends, so that the units share all issues out and none twice.
        first, last = -(-unit * count // world.units), -(-(unit + 1) * count // world.units)
        stories = [_story(world, unit, n, next(dice)) for n in range(first, last)]
        stories += [story.copy for story in stories if story.copy is not None]
        iids: dict[int, int] = defaultdict(int)
        # GitLab numbers an issue when it appears: the copy that a move makes late gets a late id.
        for story in sorted(stories, key=lambda story: story.born):
            ident += 1
            iids[story.project["id"]] += 1
            story.id, story.iid = ident, iids[story.project["id"]]
        yield from stories


def _dice(seed: int, count: int) -> Iterator[Iterator[float]]:
    """Yield for each issue the random numbers that decide its story."""
    for block in range(0, count, BLOCK):
        random = np.random.default_rng([seed, 11, block])
        yield from map(iter, random.random((min(BLOCK, count - block), DRAWS)).tolist())


def _story(world: World, unit: int, n: int, dice: Iterator[float]) -> Story:
    projects = world.projects_of[unit]
    clock = world.clocks[unit]
    roll = next(dice)
    milestone: Milestone | None = None
    if roll < 0.70:
        milestone = _milestone(world, unit, next(dice))
        project = _project(milestone, projects, dice)
        created, joins, closes = _planned(milestone, clock, dice)
    else:
        # No milestone: what is done on the side within weeks, or lies in the backlog for years.
        created = clock.between(FIRST, LAST, next(dice))
        project = projects[int(next(dice) * len(projects))]
        joins, mean = None, 30 if roll < 0.88 else 900
        # The inverse of the exponential distribution, so that one draw is one waiting time.
        closes = clock.later(created, -log(1 - next(dice)) * mean)
    created = _office(created, next(dice))
    closes = max(_free(_office(closes, next(dice)), next(dice)), created + HOUR)
    if next(dice) < QUICK:
        created, joins, closes = _quick(milestone, clock, created, dice)
    people = world.people_of(unit, created)
    author = people[int(next(dice) ** 2 * 7)]  # squared: who leads opens most issues
    drafts = [m for m in world.drafts[unit] if m.created < created and roll >= 0.97]
    steps = _assigning(people, created, closes, dice)
    assignee = next((s.value[0][0] for s in steps if s.what == "assign" and s.value[0]), author)
    steps += _sizing(created, closes, author, assignee, dice)
    steps += _labelling(created, author, roll, dice)
    home = None
    if milestone is not None:
        stays = _membership(milestone, created, joins or created, closes, author, dice)
        steps, home = steps + stays, stays[-1].value
    elif drafts:
        steps.append(Step(created + HOUR, "milestone", author, drafts[n % len(drafts)]))
        closes = LAST + DAY  # work on a draft has not begun
    steps += _closing(closes, assignee, home, dice)
    odd = next(dice)
    if odd < 0.01:  # a person who left stands in notes as the ghost; events name no user
        steps = [s._replace(who=None) if s.who is assignee else s for s in steps]
    story = Story(
        project=project,
        title=_title(n, dice),
        kind=TYPES[int(next(dice) * len(TYPES))],
        author=author,
        created=created,
        born=created,
        confidential=0.01 < odd < 0.03,
        imported=0.055 < odd < 0.065,
        steps=sorted(steps, key=lambda step: step.at),
        deleted=created + 20 * DAY if 0.035 < odd < 0.04 else None,
        odd=["deleted user"] if odd < 0.01 else [],
    )
    _mark(story)
    # A move half way through an issue's life needs one that lasts.
    if 0.04 < odd < 0.055 and closes - created > DAY and project in projects[: len(PROJECTS)]:
        _move(story, projects)
    return story


def _project(milestone: Milestone, projects: list[Row], dice: Iterator[float]) -> Row:
    """Give a project that works on a milestone: its own, or those of its theme."""
    if milestone.project is not None:
        return milestone.project
    # Places in PROJECTS: the theme of guides and packages is done on website and documentation.
    code = [4, 4, 3, 0] if milestone.theme == 1 else [0, 1, 2]
    return projects[code[int(next(dice) * len(code))]]


def _mark(story: Story) -> None:
    """Note what is odd about the story."""
    whats = {step.what for step in story.steps}
    if "born in" in whats:
        story.odd.append("milestone without event")
    if story.imported:
        story.odd.append("imported")
    if any(s.what == "label" and s.value[1] == DELETED_LABEL for s in story.steps):
        story.odd.append("deleted label")


def _milestone(world: World, unit: int, roll: float) -> Milestone:
    planned = world.planned[unit]
    wanted = roll * sum(m.share for m in planned)
    for milestone in planned:
        wanted -= milestone.share
        if wanted <= 0:
            return milestone
    return planned[-1]


def _planned(milestone: Milestone, clock: Clock, dice: Iterator[float]) -> tuple[int, int, int]:
    """Give when an issue of a milestone is opened, put into it, and closed."""
    start, end = at_noon(milestone.start or START), milestone.ended
    if next(dice) < 0.68:
        # One in four is from the backlog, which has grown since the world began.
        old = next(dice) < OLD
        age = next(dice) * (start - FIRST) if old else next(dice) ** 2 * 60 * DAY
        created = max(start - int(age), FIRST)
        joins = max(created, start - int(next(dice) * 12 * DAY))
        spent = 0.12 + 0.88 * next(dice) ** 0.8
    else:
        part = next(dice) * 0.85
        joins = created = clock.between(start, end, part)
        spent = min(part + 0.08 + 0.45 * next(dice), 1)
    if next(dice) < 0.3:  # a burst: many things are finished in the same days
        spent = round(spent * 5) / 5 + 0.02 * next(dice)
    closes = clock.between(start, end, spent * 0.99)
    if next(dice) < milestone.unfinished:
        closes = clock.later(end + DAY, -log(1 - next(dice)) * 200)
    return created, joins, closes


def _quick(
    milestone: Milestone | None, clock: Clock, created: int, dice: Iterator[float]
) -> tuple[int, int | None, int]:
    """Give the same of an issue that is done as soon as it is written down, or nearly so.

    The lead time is log-uniform from half an hour to eight days.
    """
    if milestone is not None:
        start = at_noon(milestone.start or START)
        created = _office(clock.between(start, milestone.ended, next(dice) * 0.95), next(dice))
    created = _free(created, next(dice))
    joins = None if milestone is None else created
    lead = int(HOUR / 2 * (2 * 24 * 8) ** next(dice))
    closes = created + lead
    if lead > DAY / 2:  # what takes longer than a working day is finished on another one
        closes = max(_office(closes, next(dice)), created + HOUR)
    return created, joins, closes


def _assigning(people: list[Row], created: int, closes: int, dice: Iterator[float]) -> list[Step]:
    # A power above one: some people carry more than others, as the load charts are to show.
    roll, first = next(dice), people[int(next(dice) ** 1.4 * 7)]
    second = people[int(next(dice) * 7)]
    if roll < 0.07:
        return []
    at = created if roll < 0.4 else created + int(next(dice) ** 2 * min(closes - created, 60 * DAY))
    if roll > 0.92 and second is not first:
        return [Step(at, "assign", first, ([first, second], []))]
    steps = [Step(at, "assign", first, ([first], []))]
    later = at + int(next(dice) * (closes - at))
    if roll > 0.78 and second is not first:
        steps.append(Step(later, "assign", second, ([second], [first])))
    elif 0.4 < roll < 0.43:
        steps.append(Step(later, "assign", first, ([], [first])))
    return steps


def _sizing(
    created: int, closes: int, author: Row, assignee: Row, dice: Iterator[float]
) -> list[Step]:
    """Weights, estimates, time spent and due dates."""
    steps: list[Step] = []
    span = closes - created
    weight = WEIGHTS[int(next(dice) * 8)]
    roll = next(dice)
    if roll < 0.7:
        steps.append(Step(created + int(next(dice) * 2 * HOUR), "weight", author, weight))
        if roll < 0.08:
            steps.append(Step(created + int(0.5 * span), "weight", assignee, weight + 2))
    roll = next(dice)
    if roll < 0.45:
        hours = weight * (2 + int(next(dice) * 5))
        steps.append(Step(created + int(0.1 * span), "estimate", author, hours))
        if roll < 0.06:
            steps.append(Step(created + int(0.5 * span), "estimate", assignee, hours * 2))
        if roll < 0.35:
            part = max(1, int(hours * (0.3 + next(dice) * 0.6)))
            steps.append(Step(created + int(0.6 * span), "spent", assignee, part))
            steps.append(
                Step(max(created, closes - HOUR // 2), "spent", assignee, max(1, hours // 2))
            )
    roll = next(dice)
    if roll < 0.08:
        due = day_of(closes) + timedelta(days=int(next(dice) * 30) - 14)
        steps.append(Step(created + 2 * HOUR, "due", author, due))
        if roll < 0.02:
            steps.append(Step(created + int(0.8 * span), "due", assignee, due + timedelta(days=10)))
    return steps


def _labelling(created: int, author: Row, roll: float, dice: Iterator[float]) -> list[Step]:
    kind = 3 if 0.70 <= roll < 0.85 else int(next(dice) * 3)
    steps = [Step(created, "label", author, ("add", kind))]
    if roll >= 0.92:
        steps.append(Step(created + HOUR, "label", author, ("add", 4)))
    odd = next(dice)
    if odd < 0.02:
        steps.append(Step(created + HOUR, "label", author, ("add", DELETED_LABEL)))
    elif odd < 0.06:
        steps.append(Step(created + 30 * DAY, "label", author, ("remove", kind)))
    return steps


def _membership(
    milestone: Milestone, created: int, joins: int, closes: int, author: Row, dice: Iterator[float]
) -> list[Step]:
    """Into the milestone, perhaps out of it, and on to the next one when it ends unfinished."""
    roll = next(dice)
    # Now and then GitLab writes no event for a milestone set at creation: it must be inferred.
    # That needs an issue that stays: an event names the milestone it moves to, not the one before.
    silent = roll < 0.05 and joins <= created + HOUR and closes < milestone.ended
    what = "born in" if silent else "milestone"
    joins = max(joins, created, milestone.created + HOUR)
    steps = [Step(joins, what, author, milestone)]
    if roll > 0.96:
        out = joins + int(0.3 * max(min(closes, milestone.ended) - joins, DAY))
        return [*steps, Step(out, "milestone", author, None)]
    while milestone.ended <= closes:
        fate, moment = next(dice), next(dice)
        at = max(_leaves(milestone, fate, moment), steps[-1].at + HOUR)
        if at >= closes or (fate > 0.94 and not milestone.tidied):  # a few stay in it, open
            break
        # Some go back to the backlog, and so does what five milestones in a row have put off.
        if fate > 0.9 or milestone.after is None or len(steps) == 5:
            return [*steps, Step(at, "milestone", author, None)]
        milestone = milestone.after
        steps.append(Step(at, "milestone", author, milestone))
    return steps


def _leaves(milestone: Milestone, fate: float, moment: float) -> int:
    """Give the moment at which an unfinished issue moves out of a milestone into the next one.

    Half are put off ahead of the end, once there is a next one. The others move on
    the last day, before the milestone is closed, or within the two weeks after it was.
    """
    if fate < 0.55 and milestone.after is not None:
        first = max(milestone.after.created + HOUR, milestone.created + HOUR)
        return first + int(moment * max(milestone.ended - DAY - first, 0))
    if milestone.tidied:
        return milestone.ended - HOUR - int(moment * 18 * HOUR)
    return milestone.ended + HOUR + int(moment**2 * 14 * DAY)


def _closing(
    closes: int, assignee: Row, home: Milestone | None, dice: Iterator[float]
) -> list[Step]:
    """Close it; now and then it is opened again for some days."""
    steps = [Step(closes, "state", assignee, "closed")]
    if next(dice) < 0.06:
        open_for, shut_for = _days(2 + 20 * next(dice)), _days(1 + 9 * next(dice))
        # Whoever tidies a milestone up sees to it that such an issue is done as well.
        if home is not None and home.tidied and closes < home.ended:
            left = (home.ended - closes) / (shut_for + open_for)
            shut_for, open_for = (int(min(0.9 * left, 1) * n) for n in (shut_for, open_for))
        again = closes + shut_for
        steps += [Step(again, "state", assignee, "reopened")]
        steps += [Step(again + open_for, "state", assignee, "closed")]
    return steps


def _move(story: Story, projects: list[Row]) -> None:
    """Move an issue to another project half way: GitLab closes it and opens a copy."""
    project = projects[(projects.index(story.project) + 1) % len(PROJECTS)]
    at = story.created + max(HOUR, (story.steps[-1].at - story.created) // 2)
    before = [s for s in story.steps if s.at < at]
    after = [s for s in story.steps if s.at >= at]
    arrival = Step(at, "arrive", story.author, story)
    # Weights come along, but not their events.
    came = [s._replace(what="weighed") if s.what == "weight" else s for s in before]
    story.odd.append("moved")
    story.copy = replace(
        story, project=project, born=at, steps=[*came, arrival, *after], odd=["copy of moved"]
    )
    story.steps = [*before, Step(at, "moved to", story.author, story.copy)]


# -- time ------------------------------------------------------------------------------------------


def _days(days: float) -> int:
    return int(days * DAY)


def _office(at: int, roll: float) -> int:
    """Move a moment to working hours, and off most weekends."""
    weekday = (at // DAY + 3) % 7  # 1970-01-01 was a Thursday
    # Another digit of the same draw decides: the draw itself is the hour. One in seven of these
    # is done on a weekend all the same.
    if weekday > 4 and (roll * 97) % 1 > 0.14:
        at += (7 - weekday) * DAY
    return at // DAY * DAY + int((7 + 10 * roll) * HOUR)


def _free(at: int, roll: float) -> int:
    """Put off most of what would be finished in the summer or around the turn of the year."""
    day = day_of(at)
    if (day.month == 7 or ((day.month, day.day) < (8, 12) and day.month == 8)) and roll < 0.8:
        return at + _days(14 + 40 * roll)
    if (day.month, day.day) > (12, 20) and roll < 0.9:
        return at + _days(13 + 10 * roll)
    return at


def _title(n: int, dice: Iterator[float]) -> str:
    if n % 97 == 13:  # few enough to leave the charts alone, and some in a world of 120
        return HOSTILE[n // 97 % len(HOSTILE)]
    verb, thing = VERBS[int(next(dice) * 9)], THINGS[int(next(dice) * len(THINGS))]
    return f"{verb} {thing}{CASES[int(next(dice) * 9)]}"


# -- what GitLab answers ---------------------------------------------------------------------------


def _seen(story: Story, seen: int, milestones: dict[int, Row], world: World) -> Iterator[Row]:
    """Play the script up to a time: the history and the row of the issue."""
    issue: Row = {
        "id": story.id,
        "iid": story.iid,
        "project_id": story.project["id"],
        "title": story.title,
        "state": "opened",
        "created_at": iso(story.created),
        "updated_at": "",
        "closed_at": None,
        "closed_by": None,
        "labels": [],
        "milestone": None,
        "assignees": [],
        "author": story.author,
        "type": story.kind.upper(),
        "issue_type": story.kind,
        "confidential": story.confidential,
        "start_date": None,
        "due_date": None,
        "weight": None,
        "moved_to_id": None,
        "time_stats": {"time_estimate": 0, "total_time_spent": 0},
        "task_completion_status": {"count": 0, "completed_count": 0},
        "imported": story.imported,
        "imported_from": "github" if story.imported else "none",
        "web_url": f"{story.project['web_url']}/-/issues/{story.iid}",
    }
    player = _Player(story, issue, milestones, world)
    updated = story.created
    for number, step in enumerate(story.steps):
        if step.at > seen:
            break
        # An import brings the fields, not all of the history.
        silent = story.imported and number < 3
        player.play(number, step, silent)
        updated = max(updated, step.at)
    issue["updated_at"] = iso(updated)
    yield records.history(story.id, story.project["id"], story.iid, player.history)
    yield records.issue(story.project["path_with_namespace"], issue)


class _Player:
    """What the steps of one issue do to its row and its history."""

    def __init__(self, story: Story, issue: Row, milestones: dict[int, Row], world: World) -> None:
        self.story = story
        self.issue = issue
        self.milestones = milestones
        self.world = world
        self.history: dict[str, list[Row]] = {
            "state_events": [],
            "label_events": [],
            "milestone_events": [],
            "weight_events": [],
            "notes": [],
        }
        self.silent = False

    def play(self, number: int, step: Step, silent: bool) -> None:
        """Do one step."""
        self.silent = silent
        # Unique over all issues and growing with time, as GitLab's ids of events are.
        self.number = self.story.id * DRAWS + number
        getattr(self, "_" + step.what.replace(" ", "_"))(step)

    def _event(self, kind: str, step: Step, delay: int = 0, **fields: Any) -> None:
        if self.silent:
            return
        # Of the four kinds, events of weights alone say `issue_id`.
        of = {"resource_type": "Issue", "resource_id": self.story.id}
        if kind == "weight_events":
            of = {"issue_id": self.story.id}
        moment = iso(step.at + delay)
        self.history[kind].append(
            {"id": self.number, "user": step.who, "created_at": moment, **of, **fields}
        )

    def _note(self, step: Step, body: str) -> None:
        if self.silent:
            return
        self.history["notes"].append(
            {
                "id": self.number,
                "body": body,
                "author": step.who or self.world.ghost,
                "created_at": iso(step.at),
                "updated_at": iso(step.at),
                "system": True,
                "noteable_id": self.story.id,
                "noteable_type": "Issue",
                "project_id": self.story.project["id"],
                "noteable_iid": self.story.iid,
                "internal": False,
                "confidential": False,
            }
        )

    def _state(self, step: Step) -> None:
        # GitLab writes the event a moment after it sets closed_at.
        self._event("state_events", step, delay=150, state=step.value)
        closed = step.value == "closed"
        self.issue["state"] = "closed" if closed else "opened"
        self.issue["closed_at"] = iso(step.at) if closed else None
        self.issue["closed_by"] = step.who if closed else None

    def _milestone(self, step: Step) -> None:
        before, after = self.issue["milestone"], step.value and self.milestones[step.value.id]
        if (before and before["id"]) == (after and after["id"]):
            return
        self._event(
            "milestone_events",
            step,
            milestone=after or before,
            action="add" if after else "remove",
            state=self.issue["state"],
        )
        self.issue["milestone"] = after

    def _born_in(self, step: Step) -> None:
        self.issue["milestone"] = self.milestones[step.value.id]

    def _label(self, step: Step) -> None:
        action, place = step.value
        known = None if place == DELETED_LABEL else self.world.label_rows[place]
        self._event("label_events", step, action=action, label=known)
        if known is None:
            return
        labels = self.issue["labels"]
        self.issue["labels"] = (
            sorted({*labels, known["name"]})
            if action == "add"
            else [label for label in labels if label != known["name"]]
        )

    def _weight(self, step: Step) -> None:
        self._event("weight_events", step, weight=step.value)
        self._weighed(step)

    def _weighed(self, step: Step) -> None:
        self.issue["weight"] = step.value

    def _assign(self, step: Step) -> None:
        added, removed = step.value
        words = []
        if added:
            words.append("assigned to " + " and ".join(f"@{who['username']}" for who in added))
        if removed:
            words.append("unassigned " + " and ".join(f"@{who['username']}" for who in removed))
        self._note(step, " and ".join(words))
        kept = [who for who in self.issue["assignees"] if who not in removed]
        self.issue["assignees"] = [*kept, *added]

    def _due(self, step: Step) -> None:
        day = step.value
        self._note(step, f"changed due date to {MONTHS[day.month - 1]} {day.day:02d}, {day.year}")
        self.issue["due_date"] = day.isoformat()

    def _estimate(self, step: Step) -> None:
        before = self.issue["time_stats"]["time_estimate"]
        words = _duration(step.value)
        self._note(
            step,
            f"changed time estimate to {words} from {_duration(before // 3600)}"
            if before
            else f"added time estimate of {words}",
        )
        self.issue["time_stats"]["time_estimate"] = step.value * 3600

    def _spent(self, step: Step) -> None:
        self._note(step, f"added {_duration(step.value)} of time spent")
        self.issue["time_stats"]["total_time_spent"] += step.value * 3600

    def _moved_to(self, step: Step) -> None:
        self._note(step, f"moved to {_reference(step.value)}")
        self.number += DRAWS // 2  # one step, but the note and the event need an id each
        self._state(step._replace(value="closed"))
        self.issue["moved_to_id"] = step.value.id

    def _arrive(self, step: Step) -> None:
        self._note(step, f"moved from {_reference(step.value)}")


def _reference(story: Story) -> str:
    return f"{story.project['path_with_namespace']}#{story.iid}"


def _duration(hours: int) -> str:
    """Write hours as GitLab does: 5 days of 8 hours to a week."""
    weeks, rest = divmod(hours, 40)
    days, hours = divmod(rest, 8)
    parts = [f"{weeks}w" * (weeks > 0), f"{days}d" * (days > 0), f"{hours}h" * (hours > 0)]
    return " ".join(part for part in parts if part)
