"""A world of eight issues that can be counted by hand, and the means to write such worlds down.

Two weeks of March 2025 (the 3rd is a Monday). Milestone 10, Harvest: Monday 3 to Friday 14 March.
Milestone 20, Winter: 10 to 28 March, moved to 11 April on the 20th. Milestone 30, DRAFT: Someday:
no dates. The export is of the 25th; the tables in the tests are as of the 18th.

issue  weight    what happens
1      3         in Harvest from the start; closed on the 5th; reopened on the 16th (after the
                 due date); closed again on the 20th
2      2         closed on the 4th, reopened on the 6th, closed on the 13th
3      5         moved to Winter on the 10th (GitLab writes no removal)
4      1, then 4 added on the start day; weight raised on the 7th; closed on the 14th
5      none      added late, on the 7th; open when Harvest is due; moved to Winter on the 17th
6      8         taken out on the 11th; put into Someday, under Future, on the 15th
7      2         closed on the 4th while in no milestone; added on the 12th
8      1         closed and reopened on the 6th; closed on the 14th at 23:30 UTC, which is the
                 15th in Stockholm
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from roadmap_analytics import schema
from roadmap_analytics.frames import Dataset

HARVEST, WINTER, SOMEDAY = 10, 20, 30
AS_OF = "2025-03-18"
EXPORTED_AT = pd.Timestamp("2025-03-25T06:00Z")


class World:
    """Collects issues, milestones and events; today's fields follow from the events."""

    def __init__(self) -> None:
        self.issues: dict[int, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.milestones: list[dict[str, Any]] = []
        self.observed: list[dict[str, Any]] = []
        self.titles: dict[int, str] = {}

    def milestone(self, milestone_id: int, title: str, start: str | None, due: str | None,
                  path: str = "orchard", kind: str = "group", **more: Any) -> None:  # fmt: skip
        self.titles[milestone_id] = title
        prefix = "groups/" if kind == "group" else ""
        row = {"milestone_id": milestone_id, "iid": milestone_id, "kind": kind, "path": path}
        row |= {"title": title, "state": "active", "start_date": start, "due_date": due}
        row |= {"created_at": pd.Timestamp("2025-01-01", tz="UTC")}
        row |= {"updated_at": row["created_at"], "draft": title.startswith("DRAFT: ")}
        row |= {"web_url": f"https://git.example.org/{prefix}{path}/-/milestones/{milestone_id}"}
        self.milestones.append(row | more)

    def seen(self, milestone_id: int, at: str, start: str | None, due: str | None) -> None:
        title = self.titles[milestone_id]
        row = {"milestone_id": milestone_id, "observed_at": pd.Timestamp(at, tz="UTC")}
        row |= {"title": title, "state": "active", "start_date": start, "due_date": due}
        self.observed.append(row)

    def issue(self, issue_id: int, created: str, **more: Any) -> None:
        at = pd.Timestamp(created, tz="UTC")
        row = {"issue_id": issue_id, "project": "orchard/press", "project_id": 1, "iid": issue_id}
        row |= {"title": f"Issue {issue_id}", "type": "issue", "author": "ada", "created_at": at}
        row |= {"confidential": False}
        row |= {"web_url": f"https://git.example.org/orchard/press/-/issues/{issue_id}"}
        self.issues[issue_id] = row | more
        self._add(issue_id, created, "state", "set", value="opened", source="creation")

    def _add(self, issue_id: int, at: str, field: str, action: str, **more: Any) -> None:
        row = {"issue_id": issue_id, "at": pd.Timestamp(at, tz="UTC"), "actor": "ada"}
        row |= {"field": field, "action": action, "source": "event", "correction": False}
        self.events.append(row | more)

    def state(self, issue_id: int, at: str, value: str, **more: Any) -> None:
        self._add(issue_id, at, "state", "set", value=value, **more)

    def close(self, issue_id: int, at: str) -> None:
        self.state(issue_id, at, "closed")

    def reopen(self, issue_id: int, at: str) -> None:
        self.state(issue_id, at, "opened")

    def put(self, issue_id: int, at: str, milestone_id: int | None, **more: Any) -> None:
        title = self.titles.get(milestone_id or 0, "Forgotten")
        more = {"milestone_id": milestone_id, "value": title} | more
        self._add(issue_id, at, "milestone", "add", **more)

    def take(self, issue_id: int, at: str, milestone_id: int | None, **more: Any) -> None:
        title = self.titles.get(milestone_id or 0, "Forgotten")
        more = {"milestone_id": milestone_id, "value": title} | more
        self._add(issue_id, at, "milestone", "remove", **more)

    def weigh(self, issue_id: int, at: str, weight: int | None, **more: Any) -> None:
        self._add(issue_id, at, "weight", "set", number=weight, **more)

    def estimate(self, issue_id: int, at: str, hours: float) -> None:
        self._add(issue_id, at, "time_estimate", "set", number=hours, source="note")

    def spend(self, issue_id: int, at: str, hours: float) -> None:
        self._add(issue_id, at, "time_spent", "add", number=hours, source="note")

    def due(self, issue_id: int, at: str, day: str | None) -> None:
        self._add(issue_id, at, "due_date", "set", value=day, source="note")

    def member(self, issue_id: int, at: str, field: str, action: str, value: str | None) -> None:
        self._add(issue_id, at, field, action, value=value)

    def frames(self) -> dict[str, pd.DataFrame]:
        """Give the frames; `seq` follows time, and the order of writing within an instant."""
        events, places = [], dict.fromkeys(self.issues, 0)
        for event in sorted(self.events, key=lambda e: e["at"]):
            events.append(event | {"seq": places[event["issue_id"]]})
            places[event["issue_id"]] += 1
        rows, assignments, labels = [], [], []
        for issue_id, row in self.issues.items():
            now, people, marks = self._today(issue_id)
            rows.append(row | now)
            assignments += [{"issue_id": issue_id, "person": person} for person in sorted(people)]
            labels += [{"issue_id": issue_id, "label": label} for label in sorted(marks - {None})]
        made = {
            "issues": rows,
            "assignments": assignments,
            "issue_labels": labels,
            "issue_events": events,
            "milestones": self.milestones,
            "milestone_dates": self.observed,
        }
        return {name: schema.tidy(name, rows) for name, rows in made.items()}

    def _today(self, issue_id: int) -> tuple[dict[str, Any], set[str], set[Any]]:
        now: dict[str, Any] = {"time_estimate_hours": 0.0, "time_spent_hours": 0.0}
        members: dict[str, set[Any]] = {"assignee": set(), "label": set()}
        mine = [e for e in self.events if e["issue_id"] == issue_id]
        for event in sorted(mine, key=lambda e: e["at"]):
            match event["field"], event["action"]:
                case "milestone", action:
                    now["milestone_id"] = event["milestone_id"] if action == "add" else None
                case "time_estimate", _:
                    now["time_estimate_hours"] = event["number"] or 0.0
                case "time_spent", action:
                    before = now["time_spent_hours"] if action == "add" else 0.0
                    now["time_spent_hours"] = before + event["number"]
                case "weight", _:
                    now["weight"] = event["number"]
                case "assignee" | "label" as field, action:
                    {"add": members[field].add, "remove": members[field].discard}[action](
                        event["value"]
                    )
                case field, _:
                    now[field] = event["value"]
            now["updated_at"] = event["at"]
            if event["field"] == "state":
                now["closed_at"] = event["at"] if event["value"] == "closed" else None
        return now, members["assignee"], members["label"]

    def dataset(self, **manifest: Any) -> Dataset:
        runs = [{"run": "000001", "ended_at": EXPORTED_AT.isoformat()}]
        return Dataset(self.frames(), {"runs": runs, "simulated": False} | manifest)


def eight_issues() -> World:
    world = World()
    world.milestone(HARVEST, "Harvest", "2025-03-03", "2025-03-14")
    world.milestone(WINTER, "Winter", "2025-03-10", "2025-04-11")
    world.milestone(SOMEDAY, "DRAFT: Someday", None, None, path="orchard/press", kind="project")
    world.seen(HARVEST, "2025-03-01", "2025-03-03", "2025-03-14")
    world.seen(WINTER, "2025-03-01", "2025-03-10", "2025-03-28")
    world.seen(WINTER, "2025-03-20", "2025-03-10", "2025-04-11")
    world.seen(SOMEDAY, "2025-03-01", None, None)

    for issue_id, created in [(1, "2025-02-20 08:00"), (2, "2025-02-25 08:00"),
                              (3, "2025-02-26 08:00"), (4, "2025-02-26 09:00"),
                              (5, "2025-03-06 08:00"), (6, "2025-02-27 08:00"),
                              (7, "2025-02-20 08:00"), (8, "2025-03-01 08:00")]:  # fmt: skip
        world.issue(issue_id, created)
    for issue_id in (1, 2, 3, 6, 8):
        world.put(issue_id, str(world.issues[issue_id]["created_at"])[:19], HARVEST)
    for issue_id, weight in [(1, 3), (2, 2), (3, 5), (4, 1), (6, 8), (7, 2), (8, 1)]:
        world.weigh(issue_id, str(world.issues[issue_id]["created_at"])[:19], weight)
    for issue_id, hours in [(1, 4.0), (3, 2.5), (8, 1.0)]:
        world.estimate(issue_id, str(world.issues[issue_id]["created_at"])[:19], hours)

    world.close(1, "2025-03-05 10:00")
    world.reopen(1, "2025-03-16 10:00")
    world.close(1, "2025-03-20 12:00")

    world.close(2, "2025-03-04 09:00")
    world.reopen(2, "2025-03-06 12:00")
    world.close(2, "2025-03-13 15:00")

    world.put(3, "2025-03-10 08:00", WINTER)

    world.put(4, "2025-03-03 11:00", HARVEST)
    world.weigh(4, "2025-03-07 09:00", 4)
    world.close(4, "2025-03-14 10:00")

    world.put(5, "2025-03-07 16:00", HARVEST)
    world.put(5, "2025-03-17 09:00", WINTER)

    world.take(6, "2025-03-11 10:00", HARVEST)
    world.put(6, "2025-03-15 10:00", SOMEDAY)
    world.member(6, "2025-03-15 10:00", "label", "add", "Future")

    world.close(7, "2025-03-04 12:00")
    world.put(7, "2025-03-12 09:00", HARVEST)

    world.estimate(8, "2025-03-05 09:00", 3.0)
    world.close(8, "2025-03-06 09:00")
    world.reopen(8, "2025-03-06 17:00")
    world.close(8, "2025-03-14 23:30")

    world.member(1, "2025-02-20 08:00", "assignee", "add", "ada")
    world.member(3, "2025-02-26 08:00", "assignee", "add", "ada")
    world.member(3, "2025-03-10 09:00", "assignee", "add", "bo")
    world.member(3, "2025-03-12 09:00", "assignee", "remove", "ada")
    world.due(3, "2025-03-10 09:00", "2025-03-21")
    world.spend(3, "2025-03-11 09:00", 1.5)
    return world
