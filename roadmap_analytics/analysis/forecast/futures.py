"""How likely work is left after so many days: the arithmetic of a forecast, on arrays alone.

A forecast is a survival curve: for each day of `GRID` the probability that the target is not over
by then. Two things can end a target, and the curve is the product of both:

- the work runs out, at the pace of the target's own days (`work_left`);
- somebody closes it with work left, as earlier milestones were closed at this age, or so long
  after their due date (`Curve`, `prior`, `blend`).

All functions take one row per question and know no frames. Days are numbers of days.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import gammaincinv, ndtr, polygamma

from roadmap_analytics.analysis.days import Bools, Floats

REACH_DAYS = 3653
"""How far ahead a date may lie: ten years. Beyond, a date says no more than "not in sight"."""

# Single days for a quarter, then ever longer steps: a date in a year need not be known to the day.
GRID: Floats = np.unique(np.append(np.arange(1, 91), np.geomspace(90, REACH_DAYS, 110).round()))


YET = 0.5
"""Share of the work that came so far that will come again at most. On real milestones none at all
would be as good and all of it worse; a half keeps a growing milestone from looking nearly done."""


_FEWEST = 0.5
"""Departures that a count says at least, however large the bursts: as many as it says where there
were none. Without it one day on which hundreds were closed puts a date ten years ahead."""


class Pace(NamedTuple):
    """What the own days of targets say, one entry per question."""

    rate: Floats  # issues that leave per usual working day
    evidence: Floats  # how many departures the rate rests on; at least 1/2
    came: Floats  # issues that come per day; 0 where none ever came
    came_evidence: Floats  # how many arrivals that rests on
    age: Floats  # days that were counted


def log_median(shape: Floats) -> Floats:
    """Return the logarithm of the median of a gamma variable of that shape and scale 1."""
    return np.asarray(np.log(gammaincinv(shape, 0.5)))


def spread(shape: Floats) -> Floats:
    """Return the variance of the logarithm of a gamma variable (the trigamma function)."""
    return np.asarray(polygamma(1, shape))


def work_left(
    pace: Pace,
    remaining: Floats,
    days: Floats,
    exposure: Floats,
    uneven: Floats,
    yet: float = YET,
) -> Floats:
    """Return the probability that work is left after so many days, at the pace of the own days.

    Were the pace known and each issue on its own, the time to finish would be a gamma variable over
    a gamma variable (remaining issues over a rate seen in so many departures). Its logarithm has
    the variance `spread(remaining) + spread(evidence)`. Where issues leave in bursts, `uneven` of
    them at once, so many count as one of each; `uneven` also says how much farther off such
    forecasts were on earlier days. The logarithm is taken to be normal.

    New work dies down as the target ages: after as many days as it is old, a quarter of what came
    so far has come again, and in all it will never be more than the half (`yet`).

    Parameters
    ----------
    pace : Pace
    remaining : array
        Open issues, at least 1.
    days : array
        Days ahead: one row for all questions, or one row each.
    exposure : array
        Working days among them, one row per question; days off count a part.
    uneven : array
        How many departures say as much as one would if each were on its own.
    yet : float
        What is still to come at most, as a share of what came so far.

    Returns
    -------
    array
        One row per question, one column per day ahead; falls with the days.

    Examples
    --------
    20 issues at 1 a day, known from 60 days:

    >>> one = np.ones(1)
    >>> pace = Pace(one, 60 * one, 0 * one, 0 * one, 60 * one)
    >>> days = np.array([[10.0, 20.0, 40.0]])
    >>> work_left(pace, 20 * one, days, days, one).round(2)
    array([[1.  , 0.48, 0.  ]])
    """
    age, came = pace.age[:, None], pace.came[:, None]
    new = yet * came * age * days / (age + days)
    # What comes is a count of its own whose rate is uncertain: variance over mean squared.
    seen = np.maximum(pace.came_evidence[:, None], 0.5)
    work = remaining[:, None] + new
    variance = spread(np.maximum(remaining / uneven, _FEWEST))
    variance = (variance + spread(np.maximum(pace.evidence / uneven, _FEWEST)))[:, None]
    variance = variance + (new + new**2 / seen) / work**2
    # The median of gamma over gamma, both scaled to a mean of 1; rate and work are factors.
    middle = log_median(remaining) - np.log(remaining) - log_median(pace.evidence)
    middle = middle + np.log(pace.evidence) - np.log(pace.rate)
    # No working day yet: the logarithm stays finite, and all work is left.
    late = middle[:, None] + np.log(work) - np.log(np.maximum(exposure, 1e-9))
    left = ndtr(late / np.sqrt(variance))
    # Where work comes nearly as fast as it goes the curve can turn up again far ahead; a target
    # that was over by a day stays over.
    return np.asarray(np.minimum.accumulate(left, axis=1))


class Curve(NamedTuple):
    """How long earlier milestones lasted: Kaplan-Meier, ongoing ones counted as lasting longer."""

    span: Floats  # after which some ended, ascending
    left: Floats  # share that lasted longer
    ended: Floats  # weight of those that had ended by then

    @classmethod
    def of(
        cls,
        span: Floats,
        ended: Bools,
        weight: Floats,
        entry: Floats | float = -np.inf,
    ) -> Curve:
        """Estimate the curve; `ended` says whether a span is complete, `weight` what it counts.

        `entry` is the span after which a milestone was first looked at: had it ended before, it
        would not be among them, so it says nothing of shorter spans.

        Examples
        --------
        Of three milestones two ended, after 10 and 30 days; one is 20 days old:

        >>> curve = Curve.of(np.array([10.0, 20, 30]), np.array([1, 0, 1], bool), np.ones(3))
        >>> curve.left.round(2), curve.ended
        (array([0.67, 0.  ]), array([1., 2.]))
        """
        steps, step = np.unique(span[ended], return_inverse=True)
        ends = np.bincount(step, weight[ended], len(steps))
        entry = np.broadcast_to(entry, span.shape)

        def below(value: Floats) -> Floats:
            """Sum the weights of the values below each step."""
            order = np.argsort(value)
            sums = np.concatenate([[0.0], np.cumsum(weight[order])])
            return np.asarray(sums[np.searchsorted(value[order], steps)])

        # Rounding of the two sums must not leave less at risk than end.
        risk = np.maximum(below(entry) - below(span), ends)
        left = np.cumprod((1 - ends / risk).clip(min=0))
        return cls(steps, left, np.cumsum(ends))

    def after(self, above: Floats) -> tuple[Floats, Floats, Floats]:
        """Return what the curve says of targets that have lasted so long already.

        Returns
        -------
        left : array
            One row per target, one column per day of `GRID`: the share not ended by then.
        told : array
            Weight of the ends that this rests on: those after longer spans.
        last : array
            Days until the last of them; beyond, the curve says nothing. 0 where there is none.
        """
        steps = np.concatenate([[-np.inf], self.span])
        shares = np.concatenate([[1.0], self.left])
        ended = np.concatenate([[0.0], self.ended])
        now = np.searchsorted(self.span, above, "right")
        then = np.searchsorted(self.span, above[:, None] + GRID, "right")
        known = shares[now] > 0  # 0: all ended earlier, which says nothing of one that lasts
        left = np.where(known[:, None], shares[then] / np.where(known, shares[now], 1)[:, None], 1)
        told = np.where(known, ended[-1] - ended[now], 0.0)
        last = np.where(told > 0, steps[-1] - above, 0.0)
        return left, told, last


def prior(age: Floats, ahead: Floats, known: Floats) -> Floats:
    """Return the probability of lasting that is expected where no milestone has ended yet.

    The longer a milestone has lasted, the longer it will: where nothing was seen to leave, half of
    them last three times as long again. With a due date ahead (`ahead` days, else nan or negative),
    half are over some days before it. The more the own days say (`known`: departures they have
    seen, at least 1/2), the less this says.

    Examples
    --------
    >>> left = prior(np.array([23.0]), np.array([np.nan]), np.array([0.5]))
    >>> days_at(left, 0.5).round()
    array([99.])
    """
    dated = ahead > 0
    scale = np.where(dated, _WEEK + ahead, _LASTING * (_WEEK + np.maximum(age, 0.0)))
    power = np.where(dated, 1.0, 3.0) / (1.0 + known)
    return np.asarray((scale[:, None] / (scale[:, None] + GRID)) ** power[:, None])


_WEEK = 7.0  # days added to the age, so that a milestone of today can have a date
_LASTING = 8.0  # with the power 3: chosen on real versions, of which many are never closed


def blend(curve: Curve, above: Floats, otherwise: Floats, weight: float) -> tuple[Floats, Floats]:
    """Return the curve after what has lasted, mixed with what is expected otherwise.

    Each row leans on the curve by the number of ends that it rests on, on `otherwise` as on so many
    ends as `weight` says. After the last end the curve goes on down as `otherwise` does.
    """
    left, told, last = curve.after(above)
    at_last = np.array(
        [np.interp(day, GRID, row, left=1.0) for day, row in zip(last, otherwise, strict=True)]
    )
    beyond = last[:, None] < GRID
    left = np.where(beyond, left * otherwise / at_last[:, None], left)
    share = (told / (told + weight))[:, None]
    return share * left + (1 - share) * otherwise, told


def days_at(left: Floats, level: float) -> Floats:
    """Return after how many days the probability of being over reaches the level; inf: never.

    Examples
    --------
    >>> falling = (1 - GRID / 100).clip(min=0)[None]
    >>> days_at(falling, 0.5)
    array([50.])
    """
    over = 1 - left
    # Rounding must not move a level that is reached exactly to the next step of the grid.
    place = (over < level - 1e-9).sum(axis=1)
    row = np.arange(len(over))
    at = np.minimum(place, len(GRID) - 1)
    before = np.where(place > 0, over[row, np.maximum(at - 1, 0)], 0.0)
    start = np.where(place > 0, GRID[np.maximum(at - 1, 0)], 0.0)
    part = (level - before) / np.maximum(over[row, at] - before, 1e-12)
    days = start + (GRID[at] - start) * part.clip(0, 1)
    return np.where(place < len(GRID), days, np.inf)


def share_over(left: Floats, days: Floats) -> Floats:
    """Return the probability of being over after so many days, one number of days per row."""
    rows = [np.interp(day, GRID, 1 - row, left=0.0) for day, row in zip(days, left, strict=True)]
    return np.array(rows)
