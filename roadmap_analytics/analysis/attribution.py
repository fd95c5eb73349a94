"""Why milestones missed their dates: the slip of each, shared out over causes, to the day."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from roadmap_analytics.analysis.days import AsOf, dates_of
from roadmap_analytics.analysis.stays import NOTHING, Stays, open_stays
from roadmap_analytics.analysis.view import View
from roadmap_analytics.frames import Dataset

PARTS = ["moved_days", "plan_days", "carried_in_days", "scope_days", "pace_days"]
"""The columns that add up to `slip_days`, in the order in which they are taken."""

_BEFORE = 3  # milestones whose pace is the pace before


class _Course(NamedTuple):
    """How a milestone went: from its start to its end, or so far."""

    start: np.datetime64
    end: np.datetime64
    finished: bool
    fresh: int  # open at the end of the start day, and new
    carried_in: int  # open then, and before that in another milestone
    added: int  # net change of scope after that
    closed: int
    remaining: int

    @property
    def days(self) -> int:
        """Days from the start to the end."""
        return int((self.end - self.start).astype(int))


def attribution(
    dataset: Dataset,
    *,
    as_of: AsOf,
    timezone: str | None = None,
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Divide the slip of every milestone that missed its first due date among causes.

    Parameters
    ----------
    dataset : Dataset
    as_of, timezone, types
        As in `burndown`.

    Returns
    -------
    DataFrame
        One row per milestone with work left after the baseline due date, sorted by id:

        - `milestone_id`, `title` (as known at `as_of`)
        - `start_date` (as known; else of the first addition), `baseline_due_date` (the first that
          an export saw), `due_date` (the last), `end_date` (the last day on which anything left
          it, or `as_of`), `finished` (nothing was open then)
        - `slip_days`: from the baseline due date to the end; so far, where it is not finished
        - `moved_days`: of these, what the due date was moved by
        - `plan_days`: the new work committed to at the start would have taken longer than planned
          at the pace before (negative: there was slack)
        - `carried_in_days`: work open at the start that stood open in another milestone before
        - `scope_days`: work added after the start, less what was taken out
        - `pace_days`: closing slower than before (negative: faster)
        - `largest_part`: which of the last four has most days (plan, carried in, scope, pace; the
          first of equal ones), or "moved" where none of them has any
        - `committed`, `carried_in`, `net_added_after_start` (added less taken out), `closed`: the
          issues behind that
        - `pace_per_week`, `pace_before_per_week`: issues closed; the latter of the last three
          milestones of the same group or project that ended before the start
        - `pace_is_planned`: there were none, so the pace before is the one that the plan needed

        The five parts are whole days and sum to `slip_days` exactly.

    Raises
    ------
    ConfigurationError
        For an unknown zone, or an `as_of` that is neither day nor instant.

    Notes
    -----
    What the due date moved by is a slip already conceded; the rest is explained by one after the
    other of these durations, which differ by one thing each: as planned; the new work committed
    to, at the pace before; with the work carried in; with scope changes; and as it went. Where work
    is left, its end is set at the pace so far, and the parts are scaled to the slip so far. Another
    order would give other parts: that a slower team met more scope is counted as scope at the old
    pace, and the rest as pace. Issues count alike, holidays are not told apart from slow days, and
    nothing here shows that one thing caused another.

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> attribution(Dataset({}), as_of="2025-03-10").empty
    True
    """
    view = View.of(dataset, as_of, timezone, types)
    last, known = view.last, view.milestones
    spans = view.spans("milestone")
    spans = spans.rename(columns={"milestone_id": "target"}).dropna(subset=["target"])
    members = spans.astype({"target": "int64"})
    stays = open_stays(view, members)
    first_came: dict[int, tuple[np.datetime64, int]] = {}
    for key, stay in stays.items():
        for issue, came in zip(stay.issue, stay.came, strict=True):
            first_came[issue] = min(first_came.get(issue, (came, key)), (came, key))
    ids = known["milestone_id"].tolist()
    starts, dues = dates_of(known["start_date"]), dates_of(known["due_date"])
    courses = {
        key: _course(stays.get(key, NOTHING), key, start, last, first_came)
        for key, start in zip(ids, starts, strict=True)
    }
    of_path: dict[str, list[_Course | None]] = {}
    for key, path in zip(ids, known["path"], strict=True):
        of_path.setdefault(path, []).append(courses[key])
    baseline = _baselines(view)
    rows = []
    for key, title, path, due in zip(ids, known["title"], known["path"], dues, strict=True):
        course, first_due = courses[key], baseline.get(key, due)
        if course is None or np.isnat(first_due) or course.end <= first_due:
            continue
        before = _pace_before(of_path[path], course.start)
        last_due = first_due if np.isnat(due) else due
        rows.append(
            {"milestone_id": key, "title": title} | _shared_out(course, first_due, last_due, before)
        )
    return view.result(pd.DataFrame(rows, columns=list(_TYPES)).astype(_TYPES))


_TYPES: dict[str, Any] = {
    "milestone_id": "int64",
    "title": "str",
    **dict.fromkeys(["start_date", "baseline_due_date", "due_date", "end_date"], "datetime64[us]"),
    "finished": "bool",
    **dict.fromkeys(["slip_days", *PARTS], "int64"),
    "largest_part": "str",
    **dict.fromkeys(["committed", "carried_in", "net_added_after_start", "closed"], "int64"),
    **dict.fromkeys(["pace_per_week", "pace_before_per_week"], "float64"),
    "pace_is_planned": "bool",
}


def _baselines(view: View) -> dict[int, np.datetime64]:
    """Return the first due date that an export saw by then, per milestone."""
    seen = view.observed.dropna(subset="due_date").drop_duplicates("milestone_id")
    due = dates_of(seen["due_date"])
    return dict(zip(seen["milestone_id"].tolist(), due, strict=True))


def _course(
    stay: Stays,
    milestone: int,
    start: np.datetime64,
    last: np.datetime64,
    first_came: dict[int, tuple[np.datetime64, int]],
) -> _Course | None:
    """Count a milestone's work; `first_came` tells when and where each issue first stood open."""
    if not len(stay.came):
        return None
    start = stay.came.min() if np.isnat(start) else start
    remaining = int(stay.remaining(np.array([last]))[0])
    end = last if remaining else stay.left.max()
    committed = (stay.came <= start) & (stay.left > start)
    carried = sum(first_came[issue][1] != milestone for issue in stay.issue[committed])
    left = (stay.left > start) & (stay.left <= end)
    came = (stay.came > start) & (stay.came <= end)
    return _Course(
        start=start,
        end=end,
        finished=not remaining,
        fresh=int(committed.sum()) - carried,
        carried_in=carried,
        added=int(came.sum()) - int((left & ~stay.closed).sum()),
        closed=int((left & stay.closed).sum()),
        remaining=remaining,
    )


def _pace_before(courses: list[_Course | None], start: np.datetime64) -> float | None:
    """Return issues closed per day in the last milestones that were finished by the start."""
    past = [c for c in courses if c is not None and c.finished and c.end <= start and c.days > 0]
    past = sorted(past, key=lambda course: course.end)[-_BEFORE:]
    closed = sum(course.closed for course in past)
    return closed / sum(course.days for course in past) if closed else None


def _shared_out(
    course: _Course, baseline: np.datetime64, due: np.datetime64, before: float | None
) -> dict[str, Any]:
    slip = int((course.end - baseline).astype(int))
    moved = int((min(due, course.end) - baseline).astype(int))
    planned = float((min(due, course.end) - course.start).astype(int))
    pace = course.closed / course.days if course.days > 0 else 0.0
    usual = before or (course.fresh or course.carried_in) / max(planned, 1.0) or pace
    parts = dict(
        zip(PARTS[1:], _whole(_parts(course, planned, pace, usual), slip - moved), strict=True)
    )
    largest = max(parts, key=lambda name: parts[name])
    return {
        "start_date": course.start, "baseline_due_date": baseline, "due_date": due,
        "end_date": course.end, "finished": course.finished,
        "slip_days": slip, "moved_days": moved,
        **parts,
        # A moved due date concedes a slip and explains none, so it comes last.
        "largest_part": (largest if parts[largest] > 0 else PARTS[0])
        .removesuffix("_days").replace("_", " "),
        "committed": course.fresh + course.carried_in, "carried_in": course.carried_in,
        "net_added_after_start": course.added, "closed": course.closed,
        "pace_per_week": 7 * pace, "pace_before_per_week": 7 * usual,
        "pace_is_planned": before is None,
    }  # fmt: skip


def _parts(course: _Course, planned: float, pace: float, usual: float) -> list[float]:
    """Return the days of plan, carried in, scope and pace; they sum to the overrun of the plan."""
    overrun = course.days - planned
    if not usual or not (pace or course.finished):  # nothing was closed: there is no other cause
        return [0.0, 0.0, 0.0, overrun]
    work = course.fresh + course.carried_in + course.added
    actual = course.days if course.finished else course.days + course.remaining / pace
    parts = [
        course.fresh / usual - planned,
        course.carried_in / usual,
        course.added / usual,
        actual - work / usual,
    ]
    scale = overrun / (actual - planned) if actual > planned else 0.0
    return [scale * part for part in parts]


def _whole(parts: list[float], total: int) -> list[int]:
    """Round to whole days that sum to the total; the largest fractions are rounded up."""
    floors = np.floor(np.round(parts, 9))
    short = total - int(floors.sum())
    order = np.argsort(-(np.array(parts) - floors), kind="stable")
    floors[order[:short]] += 1
    return [int(days) for days in floors]
