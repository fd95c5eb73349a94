"""The fixed part of a simulated GitLab: people, groups, projects, labels, drifting milestones."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import numpy as np

from roadmap_analytics import records
from roadmap_analytics.records import Owner, Row

ORIGIN = "https://gitlab.example"
NOW = "2026-11-20T18:00:00Z"
START = date(2023, 9, 4)
DAY = 86_400_000
PER_UNIT = 2500
"""Issues of one unit: a team with projects and milestones. Bigger worlds have more units."""

PEOPLE = ["ada", "bjarne", "cleo", "dag", "elin", "farid", "greta", "hugo"]
NAMES = ["Ada Lind", "Bjarne Holm", "Cleo Marsh", "Dag Ek", "Elin Sjö", "Farid Naz", "Greta Kvist"]
LABELS = ["bug", "feature", "documentation", "support", "Future", "legacy"]
DELETED_LABEL = 5
PROJECTS = ["core/lamp", "core/beacon-go", "core/beacon-py", "project/documentation", "website"]
THEMES = [
    [
        "Night watch rota", "Spare lamp in the harbour", "Alarms that wake the right keeper",
        "Logbook backup drill", "Second relay station", "Power cut rehearsal",
        "Keys handed over in writing", "Storm season readiness", "Relay station upgrade",
        "Quiet hours on call",
    ],
    [
        "First light: starter guide", "Signal books for small ports", "Ships read the log offline",
        "Keeper handbook", "Packages for three distributions", "Watch console for visitors",
        "Signal books, second edition", "Harbour masters onboard", "Log reader on phones",
        "Guide in four languages",
    ],
    [
        "Compact log format", "Lamp firmware that signs", "Range calculator", "Fog model",
        "Signatures by two keepers", "Lens self-test", "Fast replay of old logs",
        "Log format frozen", "Firmware update over radio", "Replay in the browser",
    ],
]  # fmt: skip
DRAFTS = ["Solar lamps", "Drift buoys"]
OPERATIONS = ["Steady log in operation", "Second site for the log"]
ADA_MOVED = date(2024, 11, 4)
"""Since when Ada has a new account."""
HUGO_LEFT = date(2025, 3, 31)
"""When Hugo left, and Greta came."""
CLOCKS, HABITS = 191, 147
"""Streams of random numbers of their own, so that other draws do not depend on their number."""
TIDIED = 0.54
"""Share of milestones that are closed with no open issue: of real versions .60, of sprints .32."""
UNFINISHED = (0.08, 0.68)
"""Range of the share of a milestone's planned issues that are not done when it ends."""
SEASON = 91 * DAY
SEASONS = 24
"""So many cover the world and six years; later than that the last one goes on."""
DRIFT = 1.0
"""Spread (sd of the log) of the pace of seasons: real closes per 13 weeks vary by .6 to 1."""


def milliseconds(text: str) -> int:
    """Read an ISO time."""
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def iso(at: int) -> str:
    """Write a time as GitLab does."""
    day, rest = divmod(at, DAY)
    second, thousandth = divmod(rest, 1000)
    minute, second = divmod(second, 60)
    hour, minute = divmod(minute, 60)
    return f"{_iso_day(day)}T{hour:02d}:{minute:02d}:{second:02d}.{thousandth:03d}Z"


@lru_cache(maxsize=8192)
def _iso_day(day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


def day_of(at: int) -> date:
    """Give the calendar day (UTC) of a time."""
    return datetime.fromtimestamp(at // 1000, UTC).date()


def member(place: int, day: date) -> str:
    """Give the handle of a member of the first unit on a day."""
    return "hugo" if place == 6 and day <= HUGO_LEFT else PEOPLE[place]


def at_noon(day: date) -> int:
    """Give noon of a day."""
    return int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp() * 1000)


@dataclass
class Milestone:
    """One milestone of a group, with its dates over time."""

    id: int
    iid: int
    unit: int
    theme: int
    title: str
    created: int
    start: date | None
    dues: list[tuple[int, date | None]]  # since when, which due date; the first is the plan
    ended: int  # when it was closed; beyond NOW for those that are not
    share: float = 1.0
    project: Row | None = None  # whose milestone it is; None: the group's
    after: Milestone | None = None
    tidied: bool = True  # whether unfinished issues move on before it is closed, or later
    unfinished: float = 0.0  # share of its planned issues that are open when it ends
    data: Row = field(default_factory=dict)

    def due(self, seen: int) -> date | None:
        """Give the due date that stood at a time."""
        return [due for since, due in self.dues if since <= seen or since == self.created][-1]

    def changed(self, seen: int) -> int:
        """Give the last change by a time."""
        moments = [since for since, _ in self.dues] + [self.ended]
        return max([self.created, *(moment for moment in moments if moment <= seen)])


class Clock:
    """The days that a team has worked by a time: its pace differs from season to season.

    Two seasons at pace 0.5 and 1.5 of 91 days each: 45.5 days are worked after the first, 182
    after both. So half of the work of these seasons is done 30 days into the second.
    """

    def __init__(self, random: np.random.Generator) -> None:
        pace = np.exp(DRIFT * random.standard_normal(SEASONS))
        # Six years at the same mean: a world has as much work done at any drift.
        worked = np.cumsum(pace / pace.mean()) * SEASON
        self._times = [float(at_noon(START) + n * SEASON) for n in range(SEASONS + 1)]
        self._worked = [0.0, *worked.tolist()]

    def worked(self, at: float) -> float:
        """Give the milliseconds worked by a time."""
        return _line(at, self._times, self._worked)

    def when(self, worked: float) -> int:
        """Give the time by which so much is worked: the inverse of `worked`."""
        return int(_line(worked, self._worked, self._times))

    def later(self, begin: int, days: float) -> int:
        """Give the time by which so many more days are worked."""
        return self.when(self.worked(begin) + days * DAY)

    def between(self, begin: int, end: int, share: float) -> int:
        """Give the time by which a share of the work from begin to end is done; over 1: later."""
        first = self.worked(begin)
        return self.when(first + share * (self.worked(end) - first))


def _line(at: float, x: list[float], y: list[float]) -> float:
    """Interpolate, and go on beyond both ends as in the first and the last piece."""
    n = min(max(bisect_right(x, at), 1), len(x) - 1)
    return y[n - 1] + (at - x[n - 1]) * (y[n] - y[n - 1]) / (x[n] - x[n - 1])


class World:
    """People, groups, projects, labels and milestones of a world of so many issues."""

    def __init__(self, issues: int, seed: int) -> None:
        self.seed = seed
        self.random = np.random.default_rng([seed, 7])
        self.units = max(1, round(issues / PER_UNIT))
        self.users = self._users()
        self.ghost = {"id": 1, "username": "ghost", "name": "Ghost User", "state": "active"}
        self.groups: list[Row] = []
        self.projects: list[Row] = []
        self.projects_of: list[list[Row]] = []
        self._containers()
        self.label_rows: list[Row] = [
            {"id": 900 + i, "name": name} for i, name in enumerate(LABELS)
        ]
        self.milestones: list[Milestone] = []
        self.planned: list[list[Milestone]] = []
        self.drafts: list[list[Milestone]] = []
        self.clocks = [
            Clock(np.random.default_rng([seed, CLOCKS, unit])) for unit in range(self.units)
        ]
        for unit in range(self.units):
            self._plan(unit)

    # -- people, groups, projects ------------------------------------------------------------------

    def _users(self) -> list[Row]:
        count = min(7 * self.units, 60)
        names = PEOPLE[:7] + [f"keeper{n:02d}" for n in range(8, count + 1)]
        shown = NAMES + [name.title() for name in names[7:]]
        users = [
            {"id": 20 + n, "username": name, "name": show, "state": "active"}
            for n, (name, show) in enumerate(zip(names, shown, strict=True))
        ]
        # The same person under an older account, and one who left.
        users.append({"id": 10, "username": "ada.old", "name": "Ada Lind", "state": "blocked"})
        users.append({"id": 11, "username": "hugo", "name": "Hugo Berg", "state": "blocked"})
        return users

    def people_of(self, unit: int, at: int) -> list[Row]:
        """Give the members of a unit at a time, lead first."""
        members = len(self.users) - 2  # the last two are accounts that are no longer used
        # At most 60 people, so that teams of a big world share some, as in a real company.
        people = [self.users[(7 * unit + i) % members] for i in range(7)]
        if unit == 0 and at < at_noon(ADA_MOVED):
            people[0] = self.users[-2]
        if unit == 0 and at < at_noon(HUGO_LEFT):
            people[6] = self.users[-1]
        return people

    def _group(self, path: str) -> Row:
        for known in self.groups:
            if known["full_path"] == path:
                return known
        above, _, name = path.rpartition("/")
        parent = self._group(above)["id"] if above else None
        group = {
            "id": 100 + len(self.groups),
            "name": name,
            "path": name,
            "full_path": path,
            "parent_id": parent,
            "visibility": "public",
            "web_url": f"{ORIGIN}/groups/{path}",
            "created_at": "2023-08-01T08:00:00.000Z",
            "simulated": True,
        }
        self.groups.append(group)
        return group

    def _containers(self) -> None:
        self._group("beacon")
        for unit in range(self.units):
            above = "beacon" if unit == 0 else f"beacon/unit{unit + 1:03d}"
            mine = [self._project(f"{above}/{path}") for path in PROJECTS]
            if unit == 0:
                mine.append(self._project("harbour/services/beacon-logs", grouped=False))
            self.projects_of.append(mine)

    def _project(self, path: str, grouped: bool = True) -> Row:
        above, _, name = path.rpartition("/")
        if grouped:
            self._group(above)
        project = {
            "id": 300 + len(self.projects),
            "name": name,
            "path": name,
            "path_with_namespace": path,
            "default_branch": "main",
            "archived": False,
            "visibility": "public",
            "web_url": f"{ORIGIN}/{path}",
            "created_at": "2023-08-01T08:00:00.000Z",
            "simulated": True,
        }
        self.projects.append(project)
        return project

    def containers(self) -> Iterator[Row]:
        """Yield groups and projects."""
        yield from map(records.group, self.groups)
        yield from map(records.project, self.projects)

    def _owners(self) -> Iterator[Owner]:
        for group in self.groups:
            yield Owner("group", group["id"], group["full_path"])
        for project in self.projects:
            yield Owner("project", project["id"], project["path_with_namespace"])

    def labels(self) -> Iterator[Row]:
        """Yield the labels of each group and project: all belong to the top group."""
        shown = [row for i, row in enumerate(self.label_rows) if i != DELETED_LABEL]
        names = {row["id"]: row["name"] for row in shown}
        for owner in self._owners():
            yield records.labels(owner, names)

    # -- milestones --------------------------------------------------------------------------------

    def _plan(self, unit: int) -> None:
        """Lay out three lines of work, each one milestone after the other, and two drafts."""
        owner = self._owner(unit)
        now = datetime.fromisoformat(NOW).date()
        lines = [self._line(unit, theme, now) for theme in range(len(THEMES))]
        made = sorted((m for line in lines for m in line), key=lambda m: (m.created, m.theme))
        drafts = []
        for n, title in enumerate(DRAFTS):
            created = at_noon(now - timedelta(days=150 - 40 * n))
            plan: list[tuple[int, date | None]] = [(created, None)]
            title = f"DRAFT: {title}"
            drafts.append(Milestone(0, 0, unit, 2, title, created, None, plan, DAY * 10**6))
        for n, milestone in enumerate([*made, *drafts]):
            milestone.id = 5000 + 100 * unit + n
            milestone.iid = 7 + n
            milestone.data = _fixed(milestone, "group_id", owner)
        if unit == 0:
            made += self._operations()
        clock, random = self.clocks[unit], np.random.default_rng([self.seed, HABITS, unit])
        for milestone in made:
            begin = at_noon(milestone.start or START)
            # A team plans as much as it will do: more for a busy season.
            milestone.share *= (clock.worked(milestone.ended) - clock.worked(begin)) / DAY
            milestone.tidied = bool(random.random() < TIDIED)
            milestone.unfinished = float(random.uniform(*UNFINISHED))
        self.milestones += [*made, *drafts]
        self.planned.append(made)
        self.drafts.append(drafts)

    def _operations(self) -> list[Milestone]:
        """Milestones of the operations project, outside the group."""
        project = self.projects_of[0][-1]
        plans: list[tuple[date, list[tuple[date, date | None]], date]] = [
            (date(2024, 9, 16), [(date(2024, 9, 2), date(2024, 11, 29)),
                                 (date(2024, 11, 20), date(2025, 1, 31))], date(2025, 2, 4)),
            (date(2026, 8, 31), [(date(2026, 8, 17), date(2026, 11, 13)),
                                 (date(2026, 10, 28), None)], date(2026, 12, 15)),
        ]  # fmt: skip
        made = []
        for n, (title, (start, told, end)) in enumerate(zip(OPERATIONS, plans, strict=True)):
            dues: list[tuple[int, date | None]] = [(at_noon(day), due) for day, due in told]
            ended = at_noon(end)
            milestone = Milestone(4900 + n, 1 + n, 0, 0, title, dues[0][0], start, dues, ended)
            milestone.share, milestone.project = 0.6, project
            milestone.data = _fixed(milestone, "project_id", project)
            made.append(milestone)
        return made

    def _owner(self, unit: int) -> Row:
        return self._group("beacon" if unit == 0 else f"beacon/unit{unit + 1:03d}")

    def _owner_of(self, milestone: Milestone) -> Owner:
        if milestone.project is not None:
            path = milestone.project["path_with_namespace"]
            return Owner("project", milestone.project["id"], path)
        owner = self._owner(milestone.unit)
        return Owner("group", owner["id"], owner["full_path"])

    def _line(self, unit: int, theme: int, now: date) -> list[Milestone]:
        random = self.random
        line: list[Milestone] = []
        begin = START + timedelta(days=int(random.integers(0, 25)))
        for n in range(len(THEMES[theme])):
            length = int(random.integers(105, 215))
            due = _workday(begin + timedelta(days=length))
            # Before the one before it ends, so that unfinished issues can move on into it.
            created = at_noon(begin - timedelta(days=int(random.integers(14, 36))))
            dues: list[tuple[int, date | None]] = [(created, due)]
            last = due
            # Most plans are put off once, few three times: the slip charts need lines of each kind.
            for chance in (0.65, 0.45, 0.25):
                if random.random() < chance:
                    noticed = at_noon(last - timedelta(days=int(random.integers(4, 32))))
                    last = _workday(last + timedelta(days=int(random.integers(18, 63))))
                    dues.append((noticed, last))
                else:
                    break
            ended = at_noon(last + timedelta(days=_lateness(random)))
            title = THEMES[theme][n] if unit == 0 else f"{THEMES[theme][n]} {unit + 1}"
            milestone = Milestone(0, 0, unit, theme, title, created, begin, dues, ended)
            milestone.share = float(random.uniform(0.6, 1.4))
            if line:  # unfinished issues know where they go on
                line[-1].after = milestone
            line.append(milestone)
            begin = day_of(ended) + timedelta(days=int(random.integers(4, 12)))
            if begin > now + timedelta(days=60):  # not yet made in GitLab
                break
        return line

    def milestone_row(self, milestone: Milestone, seen: int) -> Row:
        """Give a milestone as GitLab answers it at a time."""
        due = milestone.due(seen)
        closed = milestone.ended <= seen
        return milestone.data | {
            "description": "",
            "state": "closed" if closed else "active",
            "updated_at": iso(milestone.changed(seen)),
            "start_date": milestone.start.isoformat() if milestone.start else None,
            "due_date": due.isoformat() if due else None,
            "expired": bool(due and due < day_of(seen)),
        }

    def milestone_records(self, seen: int) -> Iterator[Row]:
        """Yield the milestones that exist at a time."""
        for milestone in self.milestones:
            if milestone.created <= seen:
                row = self.milestone_row(milestone, seen)
                yield records.milestone(self._owner_of(milestone), row)

    def milestone_listings(self, seen: int) -> Iterator[Row]:
        """Yield for each group and project the ids of its milestones at a time."""
        ids: dict[Owner, list[int]] = {}
        for milestone in self.milestones:
            if milestone.created <= seen:
                ids.setdefault(self._owner_of(milestone), []).append(milestone.id)
        for owner in self._owners():
            yield records.milestone_listing(owner, ids.get(owner, []))


def _fixed(milestone: Milestone, key: str, owner: Row) -> Row:
    """Give the part of a milestone's answer that never changes."""
    return {
        "id": milestone.id,
        "iid": milestone.iid,
        key: owner["id"],
        "title": milestone.title,
        "created_at": iso(milestone.created),
        "web_url": f"{owner['web_url']}/-/milestones/{milestone.iid}",
    }


def _lateness(random: np.random.Generator) -> int:
    """Return how many days after its last due date a milestone is closed.

    A third are closed by that day, up to three weeks ahead; the others two weeks late on average.
    """
    if random.random() < 0.36:
        return int(random.integers(-21, 1))
    return 1 + min(int(random.exponential(13)), 60)


def _workday(day: date) -> date:
    return day + timedelta(days={5: 2, 6: 1}.get(day.weekday(), 0))
