"""The board: what a meeting sees first, one row per running milestone, the riskiest on top.

`board` joins what the analyses say into plain values; `template/board.html.j2` lays them out. The
board never reads the clock: its day is that of the data, or the one asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from roadmap_analytics.analysis.burndown import burndowns
from roadmap_analytics.analysis.days import AsOf
from roadmap_analytics.analysis.forecast.forecast import forecast
from roadmap_analytics.analysis.open_work import open_issues
from roadmap_analytics.analysis.plan import plan_differences, roadmap_targets
from roadmap_analytics.analysis.progress import current_milestones, milestone_progress
from roadmap_analytics.analysis.reading import reading_alarms
from roadmap_analytics.analysis.since import changes, last_review
from roadmap_analytics.analysis.slippage import slippage
from roadmap_analytics.analysis.view import View
from roadmap_analytics.analysis.workload import UNASSIGNED
from roadmap_analytics.charts._style import day_words, percent
from roadmap_analytics.errors import ConfigurationError
from roadmap_analytics.frames import Dataset
from roadmap_analytics.report import sentences
from roadmap_analytics.report.issues import milestone_names
from roadmap_analytics.report.text import said, web_link

MOST_ROWS = 12
"""Milestones drawn in full. A laptop's screen holds about eight; the rest are listed below them."""
_MOST_PEOPLE = 3  # names in a row; the others are counted
_LIKELY, _OPEN = 0.8, 0.4  # chances from which a due date is called likely, or open
_SPARK_POINTS = 60  # a sparkline is about 120 pixels wide: more points than half of them blur
_RISKS = ("overdue", "unlikely", "open", "no forecast", "no due date", "likely", "nothing left")


@dataclass(frozen=True)
class Row:
    """One running milestone."""

    milestone_id: int
    title: str
    url: str | None
    status: str  # one of `_RISKS`
    remaining: int
    scope: int
    spark: str  # an <svg>, "" without a course
    due: pd.Timestamp | None
    target: pd.Timestamp | None  # in the roadmap
    p50: pd.Timestamp | None
    p85: pd.Timestamp | None
    note: str
    rests_on: str  # what the dates rest on, and what would change them most
    chance: float | None
    holders: list[tuple[str, int]]  # person, open issues; most first
    more_holders: int  # people beyond those named
    unassigned: int
    change: dict[str, Any] | None  # a row of `changes`; None without an earlier day
    name: str = ""  # by which the page of open issues knows it

    @property
    def remaining_change(self) -> int | None:
        """Change of what remains since the last review; None where it is not known."""
        if self.change is None or pd.isna(self.change["remaining_before"]):
            return None
        return self.remaining - int(self.change["remaining_before"])

    @property
    def chance_change(self) -> int | None:
        """Change of the chance since the last review, in percentage points as shown."""
        if self.change is None or self.chance is None or pd.isna(self.change["chance_before"]):
            return None
        # Of the rounded figures, so that the difference agrees with what both pages show.
        return round(100 * self.chance) - round(100 * float(self.change["chance_before"]))

    @property
    def due_difference(self) -> int | None:
        """Days by which GitLab is later than the roadmap; None where either has no date."""
        if self.due is None or self.target is None:
            return None
        return int((self.due - self.target).days)


@dataclass(frozen=True)
class Changed:
    """What changed in one milestone since the last review, with the issues behind it."""

    title: str
    url: str | None
    what: list[str]
    issues: list[tuple[str, list[dict[str, Any]]]]  # (closed, added ...), rows of `issues`


@dataclass(frozen=True)
class Board:
    """Everything that the first page shows; see `board`."""

    day: pd.Timestamp
    since: pd.Timestamp | None
    since_what: str
    rows: list[Row]
    undated: list[Row]
    drafts: list[tuple[str, str | None, int]] = field(default_factory=list)
    idle: dict[str, list[tuple[str, str | None]]] = field(default_factory=dict)  # by reason
    finished: list[tuple[str, str | None]] = field(default_factory=list)
    decisions: list[str] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)
    roadmap_changes: list[str] = field(default_factory=list)
    differences: list[dict[str, Any]] = field(default_factory=list)
    revision: str | None = None  # that GitLab is compared with
    documents_alone: bool = False
    alarms: int = 0  # reasons to look at how the roadmap was read

    @property
    def drawn(self) -> list[Row]:
        """Rows shown in full."""
        return self.rows[:MOST_ROWS]

    @property
    def listed(self) -> list[Row]:
        """Rows that are only listed."""
        return self.rows[MOST_ROWS:]


def board(dataset: Dataset, *, as_of: AsOf, since: AsOf | None = None) -> Board:
    """Collect what the first page of a report shows.

    Parameters
    ----------
    dataset : Dataset
    as_of : date or aware timestamp
    since : date or aware timestamp, optional
        The day of the last review; by default as `last_review` finds it.

    Returns
    -------
    Board

    Raises
    ------
    ConfigurationError
        Where `since` does not lie before `as_of`.
    """
    view = View.of(dataset, as_of)
    review = _review(dataset, as_of, since)
    progress = milestone_progress(dataset, as_of=as_of)
    current = current_milestones(progress)
    compared = None if review is None else changes(dataset, since=review[0], as_of=as_of)
    rows = sorted(_rows(dataset, as_of, current, compared), key=_risk)
    dated = [row for row in rows if row.due is not None]
    return Board(
        day=view.day,
        since=None if review is None else review[0],
        since_what="" if review is None else review[1],
        rows=dated,
        undated=[row for row in rows if row.due is None and row.remaining],
        drafts=_drafts(progress),
        idle=_idle(progress, rows),
        finished=[] if compared is None else _finished(compared),
        # Three: a meeting decides on no more, and the table has all of them.
        decisions=[sentences.decision(row) for row in dated[:3] if row.status in _RISKS[:4]],
        changed=[] if compared is None else _changed(dataset, compared),
        roadmap_changes=[] if review is None else _roadmap_changes(dataset, as_of, review[0]),
        differences=_records(plan_differences(dataset, as_of=as_of)),
        revision=view.revision_date,
        documents_alone=dataset.documents_alone,
        alarms=len(reading_alarms(dataset, as_of=as_of)),
    )


def _review(dataset: Dataset, as_of: AsOf, since: AsOf | None) -> tuple[pd.Timestamp, str] | None:
    if since is None:
        return last_review(dataset, as_of=as_of)
    day, last = View.of(dataset, since, name="since").day, View.of(dataset, as_of).day
    if day >= last:
        raise ConfigurationError(
            f"report: --since: expected a day before {last.date()}, got {day.date()}"
        )
    return day, "last review"


def _risk(row: Row) -> tuple[Any, ...]:
    """Sort the riskiest first: overdue ones by how long, then by chance, then by due date."""
    due = row.due if row.due is not None else pd.Timestamp.max
    chance = 1.0 if row.chance is None else row.chance
    by_due = row.status in ("overdue", "no forecast")  # their chance says nothing, or is missing
    return (_RISKS.index(row.status), due if by_due else chance, due, row.milestone_id)


def _rows(
    dataset: Dataset, as_of: AsOf, current: pd.DataFrame, compared: pd.DataFrame | None
) -> list[Row]:
    ids = current["milestone_id"].tolist()
    if not ids:
        return []
    dates = forecast(dataset, ids, as_of=as_of).set_index("milestone_id")
    courses = dict(list(burndowns(dataset, ids, as_of=as_of).groupby("milestone_id")))
    held = open_issues(dataset, ids, "*", as_of=as_of)
    holders = _counts(held)
    known = milestone_names(dataset)
    targets = roadmap_targets(dataset, as_of=as_of).set_index("milestone_id")["target_date"]
    before = {} if compared is None else {row["milestone_id"]: row for row in _records(compared)}
    rows = []
    for now in _records(current):
        key = now["milestone_id"]
        said = dates.loc[key]
        names = holders.get(key, {})
        people = sorted(
            ((who, count) for who, count in names.items() if who != UNASSIGNED),
            key=lambda pair: (-pair[1], pair[0]),
        )
        chance = said["chance_by_due_date"]
        rows.append(
            Row(
                milestone_id=key,
                title=now["title"],
                url=web_link(now["web_url"]),
                status=_status(now, chance),
                remaining=int(now["remaining"]),
                scope=int(now["scope"]),
                spark=_spark(courses.get(key)),
                due=_known(now["due_date"]),
                target=_known(targets.get(key, pd.NaT)),
                p50=_known(said["p50_date"]),
                p85=_known(said["p85_date"]),
                note=_text(said["note"]),
                rests_on="; ".join(
                    filter(None, [_text(said["rests_on"]), _text(said["changes_most"])])
                ),
                chance=None if pd.isna(chance) else float(chance),
                holders=people[:_MOST_PEOPLE],
                more_holders=max(0, len(people) - _MOST_PEOPLE),
                unassigned=int(names.get(UNASSIGNED, 0)),
                change=before.get(key),
                name=known[key],
            )
        )
    return rows


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _counts(held: pd.DataFrame) -> dict[int, dict[str, int]]:
    """Return how many open issues each person has, by milestone."""
    counts: dict[int, dict[str, int]] = {}
    pairs = held.groupby(["milestone_id", "person"]).size()
    for (milestone, person), count in zip(pairs.index, pairs, strict=True):
        counts.setdefault(int(milestone), {})[str(person)] = int(count)
    return counts


def _status(milestone: dict[str, Any], chance: Any) -> str:
    if milestone["remaining"] == 0:
        return "nothing left"
    if milestone["overdue"]:
        return "overdue"
    if pd.isna(milestone["due_date"]):
        return "no due date"
    if pd.isna(chance):
        return "no forecast"
    return "likely" if chance >= _LIKELY else "open" if chance >= _OPEN else "unlikely"


def _known(value: Any) -> pd.Timestamp | None:
    return None if pd.isna(value) else pd.Timestamp(value)


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value)


def _spark(course: pd.DataFrame | None) -> str:
    """Draw what remains by day as a small line; the scale begins at 0."""
    if course is None or course.empty:
        return ""
    remaining = course["remaining"].to_numpy(np.float64)
    places = np.unique(np.linspace(0, len(remaining) - 1, _SPARK_POINTS).round().astype(int))
    top = max(remaining.max(), 1.0)
    # Two pixels at each side, so that the line and its end are not cut off by the box of 120 by 28.
    x = 2 + 116 * places / max(len(remaining) - 1, 1)
    y = 26 - 24 * remaining[places] / top
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    said = (
        f"Open issues from {course['date'].iloc[0]:%d %b %Y} to {course['date'].iloc[-1]:%d %b %Y}:"
        f" {remaining[0]:.0f} at first, {remaining.max():.0f} at most, {remaining[-1]:.0f} now"
    )
    return (
        f'<svg class="spark" viewBox="0 0 120 28" role="img" aria-label="{escape(said)}">'
        f"<title>{escape(said)}</title>"
        f'<polyline points="{points}"/><circle cx="{x[-1]:.1f}" cy="{y[-1]:.1f}" r="2.5"/></svg>'
    )


def _drafts(progress: pd.DataFrame) -> list[tuple[str, str | None, int]]:
    drafts = progress[(progress["draft"] & (progress["state"] == "active")).to_numpy(bool)]
    return [
        (row["title"], web_link(row["web_url"]), int(row["remaining"]))
        for row in drafts.to_dict("records")
    ]


def _idle(progress: pd.DataFrame, rows: list[Row]) -> dict[str, list[tuple[str, str | None]]]:
    """Return active milestones that are no row of a table, by reason: none is left out silently."""
    shown = [row.milestone_id for row in rows if row.due is not None or row.remaining]
    left = (progress["state"] == "active") & ~progress["draft"]
    left &= ~progress["milestone_id"].isin(shown)
    idle: dict[str, list[tuple[str, str | None]]] = {}
    for row in _records(progress[left.to_numpy(bool)]):
        if pd.isna(row["committed"]) and pd.notna(row["start_date"]):
            why, when = "not started", f", from {_day(row['start_date'])}"
        else:
            why = "nothing left" if row["scope"] > 0 else "no issues"
            when = "" if pd.isna(row["due_date"]) else f", due {_day(row['due_date'])}"
        idle.setdefault(why, []).append((row["title"] + when, web_link(row["web_url"])))
    return idle


def _finished(compared: pd.DataFrame) -> list[tuple[str, str | None]]:
    """Return milestones that were closed, or of which nothing is left any more."""
    closed = (compared["state"] == "closed") & (compared["state_before"] != "closed")
    emptied = (compared["remaining"] == 0) & (compared["remaining_before"] > 0).fillna(False)
    emptied &= compared["state_before"] != "closed"
    done = compared[(closed | emptied).to_numpy(bool)]
    return [(row["title"], web_link(row["web_url"])) for row in done.to_dict("records")]


def _changed(dataset: Dataset, compared: pd.DataFrame) -> list[Changed]:
    issues = dataset.issues.set_index("issue_id")[["project", "iid", "title", "web_url"]]
    found = []
    for row in _records(compared):
        what = sentences.changed(row)
        if not what:
            continue
        groups = []
        for name in ("closed", "added", "removed", "reopened"):
            if ids := list(row[f"{name}_issues"]):
                listed = _records(issues.loc[ids])
                for issue in listed:
                    issue["url"] = web_link(issue["web_url"])
                groups.append((name, listed))
        found.append(Changed(row["title"], web_link(row["web_url"]), what, groups))
    return found


def _roadmap_changes(dataset: Dataset, as_of: AsOf, since: pd.Timestamp) -> list[str]:
    tracked = slippage(dataset, as_of=as_of)
    newer = tracked[(tracked["revision"] > since).to_numpy()]
    return sentences.roadmap_changes(newer)


def _day(value: Any) -> str:
    return "–" if pd.isna(value) else day_words(value)


FILTERS = {
    "day": _day,
    "isoday": lambda value: "–" if pd.isna(value) else f"{value:%Y-%m-%d}",
    "percent": percent,
    "said": said,
    "weblink": web_link,
    "whole": lambda value: "–" if pd.isna(value) else f"{int(value):+d}",
}
"""How the template writes days, chances, addresses and whole numbers."""
