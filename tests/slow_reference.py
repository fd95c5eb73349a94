"""A second, slow implementation of burndown and progress: plain loops over days and issues.

It shares nothing with the package but the columns of `issues`, `issue_events` and `milestones`.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

Row = dict[str, Any]


def local_day(at: pd.Timestamp, zone: str) -> dt.date:
    return at.to_pydatetime(warn=False).astimezone(ZoneInfo(zone)).date()


class Reference:
    def __init__(self, frames: dict[str, pd.DataFrame], as_of: dt.date, measure: str, zone: str):
        self.as_of, self.measure, self.zone = as_of, measure, zone
        issues = frames["issues"]
        copies = set(issues["issue_id"])
        self.ids = [
            row.issue_id
            for row in issues.itertuples()
            if pd.isna(row.moved_to_id) or row.moved_to_id not in copies
        ]
        self.events: dict[int, list[Any]] = {issue_id: [] for issue_id in self.ids}
        for event in frames["issue_events"].itertuples():
            if event.issue_id in self.events and local_day(event.at, zone) <= as_of:
                self.events[event.issue_id].append(event)
        for events in self.events.values():
            events.sort(key=lambda e: (e.at, e.seq))

    def state(self, issue_id: int, day: dt.date) -> tuple[int | None, bool, float]:
        """Milestone, closed, size of one issue at the end of a day."""
        milestone, closed, weight, hours = None, False, 0.0, 0.0
        for event in self.events[issue_id]:
            if local_day(event.at, self.zone) > day:
                break
            if event.field == "milestone":
                milestone = event.milestone_id if event.action == "add" else None
                milestone = None if pd.isna(milestone) else milestone
            elif event.field == "state":
                closed = event.value == "closed"
            elif event.field == "weight":
                weight = 0.0 if pd.isna(event.number) else event.number
            elif event.field == "time_estimate":
                hours = 0.0 if pd.isna(event.number) else event.number
        return milestone, closed, {"issues": 1.0, "weight": weight, "hours": hours}[self.measure]

    def members(self, milestone: int | None, day: dt.date) -> dict[int, tuple[bool, float]]:
        found = {}
        for issue_id in self.ids:
            where, closed, size = self.state(issue_id, day)
            if where == milestone:
                found[issue_id] = (closed, size)
        return found

    def first_add(self, milestone: int) -> dt.date | None:
        days = [
            local_day(e.at, self.zone)
            for events in self.events.values()
            for e in events
            if e.field == "milestone" and e.action == "add" and not pd.isna(e.milestone_id)
            if e.milestone_id == milestone
        ]
        return min(days, default=None)

    def changed(self, milestone: int, day: dt.date) -> tuple[float, float]:
        now = self.members(milestone, day)
        before = self.members(milestone, day - dt.timedelta(1))
        added = removed = 0.0
        for issue_id in now.keys() | before.keys():
            change = now.get(issue_id, (0, 0.0))[1] - before.get(issue_id, (0, 0.0))[1]
            added, removed = added + max(change, 0.0), removed + max(-change, 0.0)
        return added, removed

    def row(self, milestone: int, day: dt.date) -> Row:
        members = self.members(milestone, day)
        scope = sum(size for _, size in members.values())
        completed = sum(size for closed, size in members.values() if closed)
        added, removed = self.changed(milestone, day)
        return {
            "date": day,
            "scope": scope,
            "completed": completed,
            "remaining": scope - completed,
            "added": added,
            "removed": removed,
        }

    def burndown(self, milestone: int, start: dt.date | None, due: dt.date | None) -> list[Row]:
        start = start or self.first_add(milestone)
        if start is None or start > self.as_of:
            return []
        rows, day = [], start
        while day <= self.as_of:
            rows.append(self.row(milestone, day) | {"overdue": due is not None and day > due})
            day += dt.timedelta(1)
        rows[0] |= {"added": rows[0]["scope"], "removed": 0.0}
        before = self.row(milestone, start - dt.timedelta(1))["remaining"]
        while rows and rows[-1]["overdue"]:
            earlier = rows[-2]["remaining"] if len(rows) > 1 else before
            if rows[-1]["remaining"] > 0 or earlier > 0:
                break
            rows.pop()
        return rows

    def ideal(self, rows: list[Row], due: dt.date) -> list[float]:
        """Working days are Monday to Friday."""

        def working(first: dt.date, last: dt.date) -> int:
            days = (last - first).days
            return sum((first + dt.timedelta(i)).weekday() < 5 for i in range(1, days + 1))

        start, committed = rows[0]["date"], rows[0]["scope"]
        line = []
        for row in rows:
            day = row["date"]
            if day >= due:
                line.append(0.0)
            else:
                all_days = working(start, due)
                share = working(start, day) / all_days if all_days else 0.0
                line.append(committed * (1 - share))
        return line

    def progress(self, milestone: int, start: dt.date | None, due: dt.date | None) -> Row:
        start = start or self.first_add(milestone)
        last = self.row(milestone, self.as_of)
        result = {name: last[name] for name in ("scope", "completed", "remaining")}
        if start is None or start > self.as_of:
            result |= {"committed": None, "added_after_start": None, "removed_after_start": None}
        else:
            days = (self.as_of - start).days
            changes = [self.changed(milestone, start + dt.timedelta(i + 1)) for i in range(days)]
            result |= {
                "committed": self.row(milestone, start)["scope"],
                "added_after_start": sum(added for added, _ in changes),
                "removed_after_start": sum(removed for _, removed in changes),
            }
        over = due is not None and due <= self.as_of
        result["carried_over"] = self.row(milestone, due)["remaining"] if over else None
        return result
