"""What the milestones of a dataset teach about each other by a given day.

`History` follows every milestone of a dataset; `lessons` says what it had taught by one day:

- when milestones ended: by age, and by days after the due date that stood (`futures.Curve`);
- how much more slowly than forecast they ran empty (`Lessons.slower`);
- how uneven their weeks are (`Lessons.uneven`).

The last two are learnt by asking each milestone on days of its life, from what was known then, and
counting what became of it up to the day of the lesson.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from roadmap_analytics.analysis import replay
from roadmap_analytics.analysis.days import (
    FAR_DAYS,
    Bools,
    Days,
    Floats,
    Ints,
    dates_of,
    day_numbers,
    days_of,
    instant,
)
from roadmap_analytics.analysis.forecast import futures
from roadmap_analytics.analysis.forecast.futures import Curve, Pace
from roadmap_analytics.analysis.forecast.targets import HALF_LIFE, Flow, Flows, Target, stays_of
from roadmap_analytics.analysis.forecast.words import Earlier
from roadmap_analytics.analysis.stays import close_days
from roadmap_analytics.analysis.view import View

# Weights, in milestones or tests: how much must be seen before it counts as much as the prior does.
# Chosen on half of the real projects (docs/forecast-laboratory.md); twice or half of each changes
# little.
_PRIOR_ENDS = 8.0  # ends of earlier milestones by age, against "lasts as it has lasted"
_PRIOR_SLIPS = 0.5  # ends after the due date, against the ages
_PRIOR_OUTCOMES = 15.0  # milestones, against "runs empty as its own pace says"
_PRIOR_WEEKS = 10.0  # weeks, against "each issue leaves by itself"
_PRIOR_TESTS = 10.0  # tests of the pace, against "as uneven as its weeks"
_UNSEEN = 0.1  # what a due date first seen later, perhaps after it moved, counts of a seen one
_OTHERS = 0.5  # what a milestone of another project or group counts of one of the same

# Days of age at which milestones are asked to see what becomes of them: every 5 days first, then
# ever more seldom, so that neither young nor old ones outweigh the others.
_ASK_AT = np.array([5, 10, 15, 20, 26, 33, 42, 54, 70, 91, 118, 153, 198, 257, 334, 434, 564, 733,
                    952, 1237, 1608, 2090, 2717, 3532])  # fmt: skip
_TEST_EVERY, _TEST_BACK, _TEST_FROM = 14, 540, 60  # days: tests of the pace on its own past
_WEEKS = 26
_FEW = 3  # milestones of one project: fewer say less than those of all projects
_NONE = np.iinfo(np.int64).max  # a day that never comes


class Asked(NamedTuple):
    """Questions: which target, on which day, and what was known of it then. Days are since 1970."""

    place: Ints  # number of the target in its `Flows`
    day: Ints
    remaining: Floats
    begun: Floats  # first day of its life: the start date, or the first open issue if later
    due: Floats  # nan: none
    group: Ints  # number of its project or group; -1: none
    # Whether an export had seen it by then. Before, the dates of the first sight stand: those to
    # which they had moved meanwhile.
    seen: Bools

    def at(self, rows: Any) -> Asked:
        """Return some of the questions."""
        return Asked(*(part[rows] for part in self))


class Exposure:
    """Working days between any two days, days off counting a part that is learnt.

    How much is done on days off (`quiet`) is learnt from all closes of the year before a day.
    """

    def __init__(self, calendar: np.busdaycalendar, closes: Ints, first: int, last: int) -> None:
        # A day before, so that a sum can begin there; no more than fifty years, or the weights
        # below would leave a float.
        self._first = first = max(min(first, last), last - FAR_DAYS) - 1
        self._closes = closes
        days = np.arange(first, last + futures.REACH_DAYS + 1)
        busy = np.is_busday(days.astype("datetime64[D]"), busdaycal=calendar)
        self._sums = np.array([np.cumsum(busy), np.cumsum(~busy)], dtype=np.float64)
        # The same with each day half as much per half-life: see `Flow.recent`.
        grown = np.exp2((days - first) / HALF_LIFE)
        self._grown = np.array([np.cumsum(busy * grown), np.cumsum(~busy * grown)])
        self._busy_closes = np.cumsum(
            np.is_busday(closes.astype("datetime64[D]"), busdaycal=calendar)
        )

    def _pick(self, sums: Floats, day: Any) -> Floats:
        place = np.asarray(day).astype(np.int64) - self._first
        return np.asarray(sums[:, place.clip(0, sums.shape[1] - 1)])

    def quiet(self, day: Ints) -> Floats:
        """Return what a day off counts of a working day, learnt from the year up to each day."""
        start = np.searchsorted(self._closes, day - 364)
        end = np.searchsorted(self._closes, day, "right")
        sums = np.concatenate([[0], self._busy_closes])
        done_busy = sums[end] - sums[start]
        done_off = (end - start) - done_busy
        # Counted from the first close of that year: before it no one was at work.
        begin = self._closes[np.minimum(start, len(self._closes) - 1)] if len(self._closes) else day
        begin = np.where(end > start, begin, day - 364)
        spans = self._pick(self._sums, day) - self._pick(self._sums, begin - 1)
        busy, off = np.maximum(spans[0], 1), spans[1]
        # Half a close on each side stands for what was not seen: a ratio of two zeros says nothing.
        share = (done_off + 0.5) / np.maximum(off, 1) / ((done_busy + 0.5) / busy)
        return np.where(off > 0, share.clip(max=1), 1.0)

    def between(self, before: Any, day: Any, quiet: Floats) -> Floats:
        """Sum the days after `before` up to `day`."""
        spans = self._pick(self._sums, day) - self._pick(self._sums, before)
        return np.asarray(spans[0] + quiet * spans[1])

    def recent(self, before: Ints, day: Ints, quiet: Floats) -> Floats:
        """Sum the same days, each halved per `HALF_LIFE` before `day`."""
        spans = self._pick(self._grown, day) - self._pick(self._grown, before)
        total = spans[0] + quiet * spans[1]
        return np.asarray(total * np.exp2((self._first - day) / HALF_LIFE))

    def ahead(self, day: Ints, quiet: Floats) -> Floats:
        """Sum the days from each day to each of `GRID`."""
        return self.between(day[:, None], day[:, None] + futures.GRID, quiet[:, None])


# The own days of a target -------------------------------------------------------------------------


def _rate(
    flow: Flow, exposure: Exposure, asked: Asked, day: Ints, quiet: Floats
) -> tuple[Floats, Floats]:
    """Return the pace of the days of life up to a day, and how many departures it rests on.

    Days count half as much per half-life. Half a departure, spread over all days of life, stands
    for what has not been seen yet: where nothing left in a year, little will in a month.
    """
    begun = asked.begun.astype(np.int64)
    before = np.minimum(begun, day - 1)
    lived = day - before
    _, seen = flow.between(asked.place, before, day)
    # A life that has had days off only, which may count nothing, is no division by zero.
    recent = np.maximum(exposure.recent(before, day, quiet), 1e-3)
    whole = np.maximum(exposure.between(before, day, quiet), 0.5)
    # Weighted counts are worth (sum of weights)**2 / (sum of squared weights) plain ones.
    one = np.exp2(-1 / HALF_LIFE)
    worth = (1 + one) / (1 + np.exp2(-lived / HALF_LIFE))
    return seen / recent + 0.5 / whole, seen * worth + 0.5


def pace_of(flows: Flows, exposure: Exposure, asked: Asked) -> Pace:
    """Learn the pace of each target from its own days up to the day of asking."""
    quiet = exposure.quiet(asked.day)
    rate, evidence = _rate(flows.left, exposure, asked, asked.day, quiet)
    begun = asked.begun.astype(np.int64)
    before = np.minimum(begun, asked.day - 1)
    age = (asked.day - before).astype(np.float64)
    # What came until the day on which it began was committed to, and is no growth.
    fade = np.exp2(-age / HALF_LIFE)
    _, came = flows.came.between(asked.place, before, asked.day)
    # The days of its life, each worth half per half-life: one + one**2 + ... + one**age.
    one = np.exp2(-1 / HALF_LIFE)
    days = one * (1 - fade) / (1 - one)
    came = np.where(begun > asked.day, 0.0, came)
    return Pace(rate, evidence, came / np.maximum(days, 1e-3), came * (1 + one) / (1 + fade), age)


class Uneven(NamedTuple):
    """How uneven the pace of each question has been on the target's own days."""

    # Squared differences of the weekly counts from their mean, over the mean, summed; and how many
    # weeks but one there were. Of issues that leave one by one both are about equal.
    bursts: Floats
    weeks: Floats
    # Squared errors of the pace on earlier days over what weeks that even would give, and how many
    # tests that were.
    error: Floats
    tests: Floats

    def usual(self, weight: Floats) -> float:
        """Return the unevenness of weeks over all questions, each with its weight."""
        bursts, weeks = (weight * self.bursts).sum(), (weight * self.weeks).sum()
        return float((_PRIOR_WEEKS + bursts) / (_PRIOR_WEEKS + weeks))

    def factor(self, usual: float) -> Floats:
        """Return how many departures of each question say as much as one of an even pace.

        Weeks say how uneven the pace is over weeks, at once; tests, in the course of time, how it
        drifts over as long as the work left will take.
        """
        bursts = (_PRIOR_WEEKS * usual + self.bursts) / (_PRIOR_WEEKS + self.weeks)
        drift = (_PRIOR_TESTS + self.error / bursts) / (_PRIOR_TESTS + self.tests)
        return np.asarray(bursts * drift)


def unevenness(flows: Flows, exposure: Exposure, asked: Asked) -> Uneven:
    """Say how uneven the pace was up to each question, and how far off on earlier days."""
    return Uneven(*_weekly(flows.left, asked), *_tested(flows.left, exposure, asked))


def _weekly(flow: Flow, asked: Asked) -> tuple[Floats, Floats]:
    """Compare the counts of the last half year's weeks of life with their mean."""
    before = np.minimum(asked.begun.astype(np.int64), asked.day - 1)
    ends = asked.day[:, None] - 7 * np.arange(_WEEKS + 1)
    whole = ends[:, 1:] >= before[:, None]
    place = np.broadcast_to(asked.place[:, None], ends.shape)
    counts = -np.diff(flow.count(place.ravel(), ends.ravel()).reshape(ends.shape), axis=1) * whole
    weeks = whole.sum(axis=1)
    mean = counts.sum(axis=1) / np.maximum(weeks, 1)
    off = ((counts - mean[:, None]) ** 2 * whole).sum(axis=1)
    some = (mean > 0) & (weeks > 1)
    return np.where(some, off / np.where(some, mean, 1), 0.0), np.where(some, weeks - 1.0, 0.0)


def _tested(flow: Flow, exposure: Exposure, asked: Asked) -> tuple[Floats, Floats]:
    """Ask on earlier days how long as many issues took as are left now, and how far off that was.

    The squared logarithmic error is divided by what it would be with an even pace. Tests whose
    spans overlap count as one.
    """
    error, tests = np.zeros(len(asked.day)), np.zeros(len(asked.day))
    quiet = exposure.quiet(asked.day)
    before = np.minimum(asked.begun.astype(np.int64), asked.day - 1)
    total = flow.count(asked.place, asked.day) - flow.count(asked.place, before)
    # A third of what was done at most, so that a young target is tested at all.
    wanted = np.minimum(asked.remaining, total // 3).clip(min=1).astype(np.int64)
    lives = int((asked.day - before).max(initial=0))
    for back in range(_TEST_EVERY, min(_TEST_BACK, lives), _TEST_EVERY):
        day = asked.day - back
        rate, evidence = _rate(flow, exposure, asked, day, quiet)
        until = flow.day_of(asked.place, flow.count(asked.place, day) + wanted - 1)
        done = until <= asked.day
        until = np.where(done, until, asked.day)
        took = np.maximum(exposure.between(day, until, quiet), 0.5)  # done within the day: half
        expected = futures.log_median(wanted.astype(float)) - futures.log_median(evidence)
        off = np.log(took) - expected - np.log(evidence) + np.log(rate)
        variance = futures.spread(wanted.astype(float)) + futures.spread(evidence)
        # What is not done yet counts once it is late. Without the days before the test there is
        # no pace to test.
        used = (day - before >= _TEST_FROM) & (total > 0) & (done | (off > 0))
        each = np.where(used, np.minimum(1.0, _TEST_EVERY / np.maximum(until - day, 1)), 0.0)
        error += each * off**2 / variance
        tests += each
    return error, tests


# All milestones of a dataset ----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class History:
    """Every milestone of a dataset, followed up to one instant."""

    view: View  # what is known at that instant
    ids: Ints  # `milestone_id`, by place
    group: Ints  # number of the project or group it belongs to, by place
    flows: Flows
    exposure: Exposure
    _seen: pd.DataFrame  # see `_observations`

    @cached_property
    def _starts(self) -> Ints:
        """The row of `_seen` with the first observation of each milestone; each has one."""
        return np.searchsorted(self._seen["place"].to_numpy(), np.arange(len(self.ids)))

    @cached_property
    def _instants(self) -> Days:
        return np.unique(self._seen["at"].to_numpy())

    def _row(self, place: Ints, day: Ints) -> Ints:
        """Return the row of `_seen` that stood at the end of a day; before the first, the first."""
        # Rows are sorted by place and instant; one number for both, so that one search finds all.
        rank = np.searchsorted(self._instants, _ends_of(day, self.view.timezone))
        wanted = place * (len(self._instants) + 1) + rank
        row = np.searchsorted(self._seen["key"].to_numpy(), wanted) - 1
        return np.asarray(np.maximum(row, self._starts[place]))

    def _shut(self, day: int) -> Floats:
        """Return the day on which each milestone was closed, as known at the end of a day.

        GitLab tells no such day. Its last change by the time an export first saw it closed stands
        for it: what is done with a milestone after that is mostly nothing. Where the first export
        of all saw it closed, it may have been edited long after; then the last day on which
        anything happened in it stands, if that is earlier. inf: not closed.
        """
        place = np.arange(len(self.ids))
        if not len(place):
            return np.zeros(0)
        seen = self._seen
        row = self._row(place, np.full(len(place), day))
        shut = seen["closed"].to_numpy()[row] & (seen["day"].to_numpy()[row] <= day)
        first = seen["run"].to_numpy()[row]
        known = seen["changed"].to_numpy()[first]
        # A change before anything was in it is none that ended it.
        known = np.where(known < self.flows.born, seen["day"].to_numpy()[first], known)
        latest = np.full(len(place), -np.inf)
        for flow in (self.flows.left, self.flows.came):
            number = flow.count(place, known)
            at = flow.day_of(place, np.maximum(number - 1, 0))
            latest = np.maximum(latest, np.where(number > 0, at, -np.inf))
        guess = (first == self._starts) & np.isfinite(latest)
        return np.where(shut, np.where(guess, np.minimum(latest, known), known), np.inf)

    @property
    def _last(self) -> int:
        return int(self.view.last.astype(np.int64))

    def ends(self, day: int) -> tuple[Floats, Bools]:
        """Return when each milestone was over, as known at the end of a day (inf: not yet).

        It is over once nothing is open in it, or once it is known to be closed.

        Returns
        -------
        end : array
        decided : array of bool
            It did not run empty: it was closed with work left, or most of the last work was taken
            out.
        """
        place = np.arange(len(self.ids))
        closed = self._shut(day)
        shut = np.isfinite(closed)
        until = np.where(shut, closed, day).astype(np.int64)
        born = self.flows.born <= until
        left = self.flows.left.count(place, until)
        empty = born & (self.flows.remaining(place, until) == 0)
        emptied = self.flows.left.day_of(place, np.maximum(left - 1, 0))
        end = np.where(empty, emptied, np.where(shut, until, np.inf))
        end = np.where(born, end, np.inf)
        at = np.where(np.isfinite(end), end, 0).astype(np.int64)
        gone = left - self.flows.left.count(place, at - 1)
        done = self.flows.closed.count(place, at) - self.flows.closed.count(place, at - 1)
        decided = np.isfinite(end) & (~empty | (gone > 2 * done))
        return end, decided

    @cached_property
    def _emptied(self) -> Flow:
        """The days at whose end nothing was left in a milestone, as events."""
        place, day = self.flows.left.events()
        empty = self.flows.remaining(place, day) == 0
        return Flow(place[empty], day[empty], len(self.ids))

    def outcome_after(self, asked: Asked, outcome: str) -> tuple[Bools, Floats]:
        """Return what became of milestones after the day of asking.

        Returns
        -------
        over : array of bool
            It was closed by then already, which no export had seen.
        end : array
            First day on which nothing was open or, for the outcome "closed", it was closed; inf
            where that is not known yet.
        """
        empty = self._emptied.day_of(asked.place, self._emptied.count(asked.place, asked.day))
        shut = self._shut(self._last)[asked.place]
        end = empty if outcome == "emptied" else np.minimum(empty, shut)
        return shut <= asked.day, end

    def dates(self, place: Ints, day: Ints) -> tuple[Floats, Floats, Bools]:
        """Return start and due date (nan: none) as seen by the end of a day, and if a draft."""
        row = self._row(place, day)
        start, due, draft = (self._seen[name].to_numpy() for name in ("start", "due", "draft"))
        return start[row], due[row], draft[row]

    def ask(self, place: Ints, day: Ints) -> Asked:
        """Make the questions of some milestones on some days, where they had open work."""
        keep = (self.flows.born[place] <= day) & (self.flows.remaining(place, day) > 0)
        place, day = place[keep], day[keep]
        start, due, draft = self.dates(place, day)
        place, day, start, due = place[~draft], day[~draft], start[~draft], due[~draft]
        remaining = self.flows.remaining(place, day).astype(np.float64)
        begun = np.fmax(self.flows.born[place], start)
        return Asked(place, day, remaining, begun, due, self.group[place], self.seen(place, day))

    @cached_property
    def _trial(self) -> _Trial:
        """Ask every milestone on a few days of its life, to see what became of it."""
        place = np.repeat(np.arange(len(self.ids)), len(_ASK_AT))
        born = np.where(self.flows.born == _NONE, self._last + 1, self.flows.born)
        day = (born[:, None] + _ASK_AT).ravel()
        alive = day < self._last
        asked = self.ask(place[alive], day[alive])
        tests = unevenness(self.flows, self.exposure, asked)
        return _Trial(asked, pace_of(self.flows, self.exposure, asked), tests)

    @cached_property
    def latest(self) -> Lessons:
        """What the milestones had taught by the day of the view."""
        return self.lessons(self._last)

    def lessons(self, day: int) -> Lessons:
        """Return what the milestones had taught by the end of a day."""
        end, decided = self.ends(day)
        place = np.arange(len(self.ids))
        start, _, draft = self.dates(place, np.full(len(place), day))
        begun = np.fmax(self.flows.born, start)
        counts = (self.flows.born <= day) & ~draft
        until = np.minimum(end, day)
        return Lessons(
            day, self.group[counts], (until - begun)[counts], np.isfinite(end)[counts],
            decided[counts], self._marks(end, decided, day), *self._outcomes(day, end, decided),
        )  # fmt: skip

    def _marks(self, end: Floats, decided: Bools, day: int) -> Marks:
        """Say how long after its due date each milestone ended, seen from days of its life."""
        asked = self._trial.asked
        until = np.minimum(end[asked.place], day)
        old = (asked.day < until) & ~np.isnan(asked.due)
        one, until = asked.at(old), until[old]
        over = np.isfinite(end)[one.place]
        return Marks(
            one.place, one.group, one.due - one.day, until - one.due, over,
            over & decided[one.place], one.seen,
        )  # fmt: skip

    def seen(self, place: Ints, day: Ints) -> Bools:
        """Say whether an export had seen each milestone by a day."""
        return np.asarray(day >= self._seen["day"].to_numpy()[self._starts[place]])

    def _outcomes(self, day: int, end: Floats, decided: Bools) -> tuple[Any, ...]:
        """Count what was expected and what happened, per group of milestones."""
        trial = self._trial
        groups = self.group.max(initial=-1) + 1
        nothing = np.zeros(groups)
        stop = np.minimum(end[trial.asked.place], day)
        old = (trial.asked.day < stop) & (trial.asked.day < day)
        if not old.any():
            return nothing, nothing, Uneven(*(nothing[:0],) * 4), nothing[:0]
        asked, pace = trial.asked.at(old), Pace(*(part[old] for part in trial.pace))
        tests, stop = Uneven(*(part[old] for part in trial.tests)), stop[old].astype(np.int64)
        # Each milestone counts once, however often it was asked.
        _, number, size = np.unique(asked.place, return_inverse=True, return_counts=True)
        weight = 1 / size[number]
        uneven = tests.factor(tests.usual(weight))
        quiet = self.exposure.quiet(asked.day)
        days = (stop - asked.day).astype(np.float64)

        def per_group(values: Floats) -> Floats:
            return np.bincount(asked.group, weight * values, groups).astype(np.float64)

        busy = self.exposure.between(asked.day, stop, quiet)[:, None]
        left = futures.work_left(pace, asked.remaining, days[:, None], busy, uneven)[:, 0]
        # A milestone far beyond its forecast says no more than one that is well beyond.
        expected = -np.log(left.clip(min=_LEAST))
        ran_empty = (
            np.isfinite(end[asked.place]) & ~decided[asked.place] & (stop == end[asked.place])
        )
        return per_group(ran_empty.astype(float)), per_group(expected), tests, weight


_LEAST = np.exp(-3.0)


class _Trial(NamedTuple):
    asked: Asked
    pace: Pace
    tests: Uneven


def _ends_of(day: Ints, timezone: str) -> Days:
    """Return the first instant after each day."""
    days, place = np.unique(day, return_inverse=True)
    ends = [instant(str(one.astype("datetime64[D]")), timezone) for one in days]
    stamps = np.array([end.to_datetime64() for end in ends], dtype="datetime64[us]")
    return stamps[place] if len(days) else np.array([], "datetime64[us]")


@dataclass(frozen=True, eq=False)
class Lessons:
    """What milestones had taught by the end of a day."""

    day: int
    group: Ints  # project or group of each milestone that had begun
    age: Floats  # days from its beginning to its end, or to the day
    ended: Bools
    decided: Bools
    marks: Marks
    emptied: Floats  # per group: milestones that ran empty
    expected: Floats  # per group: how many should have
    tests: Uneven  # of all questions asked so far
    weight: Floats  # what each of these counts

    @cached_property
    def uneven(self) -> float:
        """How uneven weeks usually are: variance over mean of the weekly counts."""
        return self.tests.usual(self.weight)

    def slower(self, group: Ints) -> Floats:
        """Return how many milestones ran empty over how many should have, near each group.

        Few cases say about 1. The curve of `work_left` is raised to this power.
        """

        def near(cases: Floats) -> Floats:
            return np.asarray(_OTHERS * cases.sum() + (1 - _OTHERS) * cases[group])

        found = (_PRIOR_OUTCOMES + near(self.emptied)) / (_PRIOR_OUTCOMES + near(self.expected))
        return np.asarray(found, dtype=np.float64)

    def _ages(self, group: int, ended: Bools) -> Curve:
        """Return how long milestones lasted until they ended; others count as lasting longer."""
        return Curve.of(self.age, ended, np.where(self.group == group, 1.0, _OTHERS))

    def earlier(self, asked: Asked, place: int) -> Earlier:
        """Return what earlier milestones took, or how far they ended after their due date."""
        dated = bool(~np.isnan(asked.due[place]))
        if dated:
            marks, _ = self.marks.like(asked, place)
            span, ended, group = marks.slip, marks.ended, marks.group
        else:
            span, ended, group = self.age, self.ended, self.group
        near = ended & (group == asked.group[place])
        chosen = near if near.sum() >= _FEW else ended
        low, high = np.quantile(span[chosen], [0.25, 0.75]) if chosen.any() else (0.0, 0.0)
        return Earlier(int(chosen.sum()), float(low), float(high), dated)

    def not_emptied(self, asked: Asked, pace: Pace, left: Floats) -> Floats:
        """Mix the probability that work is `left`, by day of `GRID`, with what earlier ones did.

        The fewer departures the own days have seen, the more earlier milestones count: two thirds
        where there were none, so that one that has not begun lasts about as long as they did.
        """
        share = 1 / (1 + pace.evidence)[:, None]
        return share * self._lasting(asked, left, decided=False) + (1 - share) * left

    def not_closed(self, asked: Asked, pace: Pace) -> Floats:
        """Return the probability, by day of `GRID`, that it is not closed with work left."""
        expected = futures.prior(asked.day - asked.begun, asked.due - asked.day, pace.evidence)
        return self._lasting(asked, expected, decided=True)

    def _lasting(self, asked: Asked, otherwise: Floats, *, decided: bool) -> Floats:
        """Return the probability of not ending in one of the two ways, as earlier milestones did.

        Those that ended in the other way count as having lasted longer in this one.
        """
        left = np.empty_like(otherwise)
        ended = self.ended & (self.decided == decided)
        for group in np.unique(asked.group):
            mine = np.flatnonzero(asked.group == group)
            curve = self._ages(group, ended)
            age = asked.day[mine] - asked.begun[mine]
            left[mine], _ = futures.blend(curve, age, otherwise[mine], _PRIOR_ENDS)
        for place in np.flatnonzero(~np.isnan(asked.due)):
            row, late = slice(place, place + 1), asked.day[place] - asked.due[place]
            marks, weight = self.marks.like(asked, int(place))
            # What was over by then says nothing of one that is not.
            still = marks.slip > late
            ended = marks.ended & (marks.decided == decided)
            curve = Curve.of(marks.slip[still], ended[still], weight[still], -marks.ahead[still])
            left[row], _ = futures.blend(curve, np.array([late]), left[row], _PRIOR_SLIPS)
        return left


class Marks(NamedTuple):
    """Milestones with a due date, as they stood on days of their life.

    A due date that moves is one that was missed before it was reached: what counts is how long
    after the date that stood the milestone ended, not after the last one.
    """

    place: Ints  # of the milestone; the days of one milestone stand together
    group: Ints
    ahead: Floats  # days until the due date that stood that day; negative: it had passed
    slip: Floats  # days from that due date to the end, or to the day of the lesson
    ended: Bools
    decided: Bools
    seen: Bools  # an export had seen that due date by then

    def like(self, asked: Asked, place: int) -> tuple[Marks, Floats]:
        """Return the day of each milestone on which it was most like a question, and its weight.

        That is the day on which its due date was about as far ahead (or past). It counts half for
        each doubling of that span in between; days within a week of the due date are alike.
        """
        apart = np.abs(_doublings(self.ahead) - _doublings(asked.due[place] - asked.day[place]))
        start = np.flatnonzero(np.diff(self.place, prepend=-1))
        if not len(start):
            return self, np.zeros(0)
        count = np.diff(start, append=len(apart))
        best = np.flatnonzero(apart == np.repeat(np.minimum.reduceat(apart, start), count))
        # Two days of one milestone may be equally like it: the first.
        best = best[np.diff(self.place[best], prepend=-1) != 0]
        marks = Marks(*(part[best] for part in self))
        weight = np.exp2(-apart[best]) * np.where(marks.group == asked.group[place], 1.0, _OTHERS)
        return marks, weight * np.where(marks.seen == asked.seen[place], 1.0, _UNSEEN)


def _doublings(ahead: Any) -> Any:
    """Return how often a week must be doubled to reach a week more than these days, signed.

    Examples
    --------
    >>> _doublings(np.array([0, 7, 21, -21]))
    array([ 0.,  1.,  2., -2.])
    """
    return np.sign(ahead) * np.log2(1 + np.abs(ahead) / 7)


# Kept per dataset ---------------------------------------------------------------------------------


def history_of(view: View) -> History:
    """Return the history of all milestones in a view; kept as long as the dataset lives.

    The same instant, zone and types give the same history, so it is made once. A dataset one of
    whose frames was replaced is followed again.
    """
    frames = [view.dataset[name] for name in _USED]
    # On the dataset itself, which a history refers to: elsewhere it would keep the dataset alive.
    kept: dict[Any, tuple[list[pd.DataFrame], History]]
    kept = vars(view.dataset).setdefault("_histories", {})
    key = (view.at, view.timezone, view.types)
    if key in kept and all(a is b for a, b in zip(kept[key][0], frames, strict=True)):
        return kept[key][1]
    found = _history(view)
    if len(kept) >= _MOST_KEPT:  # a page asks for one day or two; a loop over days must not grow
        kept.clear()
    kept[key] = frames, found
    return found


_USED = ("issues", "issue_events", "milestones", "milestone_dates")
_MOST_KEPT = 4


def _history(view: View) -> History:
    milestones = view.dataset.milestones.sort_values("milestone_id", ignore_index=True)
    ids = milestones["milestone_id"].to_numpy(np.int64)
    group = pd.factorize(milestones["path"])[0].astype(np.int64)
    flows = Flows.of(stays_of(view, [Target("", (int(key),)) for key in ids]))
    last = int(view.last.astype(np.int64))
    closes = close_days(view).astype(np.int64)
    born = flows.born[flows.born <= last]
    first = int(min([last - 364, *born, *closes[:1]]))
    exposure = Exposure(view.calendar, closes, first, last)
    return History(view, ids, group, flows, exposure, _observations(view, milestones))


def _observations(view: View, milestones: pd.DataFrame) -> pd.DataFrame:
    """Return what exports had seen of each milestone by then, in order: one row per observation.

    A milestone without any is known by the fields of today alone, as `replay.milestones_at` says.
    """
    seen = view.dataset.milestone_dates
    ids = pd.Index(milestones["milestone_id"])
    seen = seen[(seen["observed_at"] < view.at).to_numpy() | _first(seen).to_numpy()]
    rest = milestones[~milestones["milestone_id"].isin(seen["milestone_id"]).to_numpy()]
    rest = rest.assign(observed_at=pd.Timestamp(0, tz="UTC").as_unit("us"), state="active")
    columns = [
        *("milestone_id", "observed_at", "title", "state", "start_date", "due_date", "updated_at")
    ]
    # Frames that someone put together without `updated_at` are forecast without it.
    seen = seen.reindex(columns=columns)
    seen = pd.concat([seen, rest[columns]]) if len(rest) else seen
    place = ids.get_indexer(seen["milestone_id"])
    seen, place = seen[place >= 0], place[place >= 0]
    # UTC of Parquet and UTC of pandas are two classes, which `concat` joins to objects.
    utc = pd.to_datetime(seen["observed_at"], utc=True).dt.tz_localize(None)
    at = utc.to_numpy(dtype="datetime64[us]")
    order = np.lexsort((at, place))
    seen, place, at = seen.iloc[order], place[order], at[order]
    prefix = view.dataset.config.get("milestones", {}).get("draft_prefix", replay.DRAFT_PREFIX)

    closed = (seen["state"] == "closed").to_numpy() & (at < view.at.to_datetime64())
    row = np.arange(len(seen))
    day = days_of(seen["observed_at"], view.timezone).astype(np.int64)
    # No later than it was seen, whatever the clock of that server said.
    changed = pd.to_datetime(seen["updated_at"], utc=True)
    changed = changed.where(changed.notna(), pd.to_datetime(seen["observed_at"], utc=True))
    changed_day = np.minimum(days_of(changed, view.timezone).astype(np.int64), day)
    turned = (np.diff(place, prepend=-1) != 0) | (np.diff(closed, prepend=False) != 0)
    rank = np.searchsorted(np.unique(at), at)
    return pd.DataFrame(
        {
            "place": place,
            "at": at,
            "key": place * (len(np.unique(at)) + 1) + rank,
            "day": day,
            "changed": changed_day,
            "closed": closed,
            "run": np.maximum.accumulate(np.where(turned, row, 0)),  # first row of equal state
            "start": day_numbers(dates_of(seen["start_date"])),
            "due": day_numbers(dates_of(seen["due_date"])),
            "draft": seen["title"].str.startswith(prefix).to_numpy(bool),
        }
    )


def _first(seen: pd.DataFrame) -> pd.Series[bool]:
    """Mark the earliest observation of each milestone."""
    earliest = seen.groupby("milestone_id")["observed_at"].transform("min")
    return seen["observed_at"] == earliest
