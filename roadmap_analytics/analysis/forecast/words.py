"""What a forecast rests on, and what would change it most, in words."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import gammaincinv

from roadmap_analytics.analysis.forecast.futures import Pace


class Earlier(NamedTuple):
    """Earlier milestones that ended, of the same project or group where there are some.

    `low` and `high` are quartiles in days: of how long they took or, where `dated`, of how long
    after their due date they ended.
    """

    ended: int
    low: float
    high: float
    dated: bool


def rests_on(remaining: int, pace: Pace, place: int, week: float, earlier: Earlier | None) -> str:
    """Say what a date rests on.

    Parameters
    ----------
    remaining : int
    pace : Pace
    place : int
        Of the target in `pace`.
    week : float
        Working days of a usual week.
    earlier : Earlier, optional
        None: the date rests on own days alone.

    Examples
    --------
    >>> one = np.ones(1)
    >>> pace = Pace(0.5 * one, 20 * one, 0.03 * one, 2 * one, 90 * one)
    >>> for part in rests_on(5, pace, 0, 5.0, Earlier(12, 60, 110, False)).split("; "):
    ...     print(part)
    5 left
    2 to 3 a week lately
    scope grew by 1 a month
    12 earlier milestones took 60 to 110 days
    """
    evidence = pace.evidence[place]
    said = [f"{remaining} left"]
    if evidence <= _UNSEEN:
        said.append(f"none done in {_count(int(pace.age[place]), 'day')}")
    else:
        quartiles = gammaincinv(evidence, [0.25, 0.75]) / evidence * pace.rate[place] * week
        said.append(f"{_range(*quartiles)} lately")
    came = 7 * pace.came[place]
    said.append("nothing added lately" if came < _TRIFLE else f"scope grew by {_range(came, came)}")
    if earlier is not None:
        said.append(_of(earlier))
    return "; ".join(said)


_UNSEEN = 0.6  # departures: what a target without any has (`calibration`), and a little
_TRIFLE = 0.06  # issues a week: less than one in a quarter


def _range(low: float, high: float) -> str:
    """Say how many a week, or a month or a year where they are few."""
    for unit, days in (("a week", 7), ("a month", 30), ("a year", 365)):
        least, most = round(low * days / 7), round(high * days / 7)
        if most >= 1:
            return f"{most} {unit}" if least == most else f"{least} to {most} {unit}"
    return "less than 1 a year"


def _of(earlier: Earlier) -> str:
    if not earlier.ended:
        return "no earlier milestone has ended"
    named = f"{earlier.ended} earlier milestone{'s' if earlier.ended > 1 else ''}"
    low, high = round(earlier.low), round(earlier.high)
    if not earlier.dated:
        return f"{named} took {_count(high, 'day') if low == high else f'{low} to {high} days'}"
    if low >= 0:
        days = _count(high, "day") if low == high else f"{low} to {high} days"
        return f"{named} ended {'on' if high == 0 else f'{days} after'} the due date"
    if high <= 0:
        days = _count(-low, "day") if low == high else f"{-high} to {-low} days"
        return f"{named} ended {days} before the due date"
    return f"{named} ended from {_count(-low, 'day')} before to {high} after the due date"


def changes_most(remaining: int, moved: int, without_growth: float, with_fewer: float) -> str:
    """Say what would bring the 50 % date forward most.

    Parameters
    ----------
    remaining, moved : int
        Open issues, and how many of them were moved out to see what that changes.
    without_growth, with_fewer : float
        Days by which the date would come earlier without new work, and with so many moved out.

    Examples
    --------
    >>> changes_most(8, 2, 12.2, 9.0)
    'without new work: 12 days earlier'
    >>> changes_most(1, 0, 0.0, 0.0)
    'less work would not bring it forward by a day'
    """
    ways = {
        "without new work": without_growth,
        f"with {moved} of {remaining} issues moved out": with_fewer if moved else 0.0,
    }
    said, days = max(ways.items(), key=lambda way: way[1])
    if np.isinf(days):
        return f"{said}: there would be a date"
    if not days >= 1:
        return "less work would not bring it forward by a day"
    return f"{said}: {_count(round(days), 'day')} earlier"


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"
