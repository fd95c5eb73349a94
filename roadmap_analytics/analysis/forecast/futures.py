"""When will nothing be left: predictive distributions from counts per day.

Work leaves an open set (issues closed or taken out) and comes into it (issues added or reopened).
Both are counted per day, quiet days included, and carried on into the future until nothing is left.
Pure functions of arrays and a random generator; what is counted is decided in `forecast`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

__all__ = [
    "HORIZON_DAYS",
    "METHODS",
    "Past",
    "chosen_futures",
    "days_to_finish",
    "kept_shares",
    "paths",
]

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

HORIZON_DAYS = 1848
"""How far ahead is looked: five years, in whole steps."""

_STEP = 56  # days simulated at once; a multiple of every block length
_BLOCKS = (1, 7, 14, 28)  # days over which a burst or a lull may last
_PHASES = 7  # places at which the current block may have begun
_SHAPES = np.geomspace(0.06, 4, 7)  # small: work comes in bursts; large: nearly even
_EVEN = 0.9  # prior probability that there are no bursts at all
_RATES = np.geomspace(1 / 8, 10, 40)  # times the mean rate


class Past(NamedTuple):
    """What happened on each day of the window, the last day being that of the forecast.

    Attributes
    ----------
    left, came : array
        Issues that left and came into the open set, per day; quiet days are zeros.
    exposure : array
        How much of a usual working day each day is: 1, less on weekends and holidays.
    """

    left: Floats
    came: Floats
    exposure: Floats


class _Posterior(NamedTuple):
    """Weighted guesses about how counts arise: one entry each in every array."""

    block: Ints  # days that share one level of activity
    shape: Floats  # of the gamma distribution of that level (mean 1); inf: always 1
    rate: Floats  # counts per usual working day
    passed: Ints  # days of the current block that have passed
    counted: Floats  # what was counted in them
    spent: Floats  # and their exposure
    weight: Floats


class _Process(NamedTuple):
    """One guess per simulated future; `level` is that of the current block, and changes."""

    block: Ints
    shape: Floats
    rate: Floats
    passed: Ints
    level: Floats


Steps: TypeAlias = Callable[[Ints, Floats], Floats]
"""From the futures still going on, and the exposure ahead, to the daily change of what remains."""


def _posterior(counts: Floats, exposure: Floats, *, bursts: bool, arrivals: bool) -> _Posterior:
    """Weigh every guess by how well it explains the counts.

    The likelihood is that of counts per day whose level of activity is a gamma variable (mean 1,
    given shape) shared by all days of a block: negative binomial per block, multinomial within.
    All block lengths explain the same data, so their likelihoods can be compared.

    Departures have Jeffreys' prior of a rate, 1/sqrt(rate), in the even case; where they come in
    bursts, the prior grows with the variance of a block, which mends a bias towards late dates.
    Arrivals have 1/rate, under which a scope that never grew is not expected to.
    """
    total, spent, days = counts.sum(), exposure.sum(), len(counts)
    rate = (total + 0.5) / spent * _RATES
    prior = np.zeros(len(rate)) if arrivals else 0.5 * np.log(rate)  # per step of log(rate)
    none = np.zeros(len(rate))
    even = total * np.log(rate) - rate * spent + prior + np.log(_EVEN)
    guesses = [_Posterior(none.astype(np.int64) + 1, none + np.inf, rate, none.astype(np.int64),
                          none, none, even)]  # fmt: skip
    k, r = _SHAPES[:, None, None], rate[None, :, None]
    sums = np.concatenate([[0.0], np.cumsum(counts)]), np.concatenate([[0.0], np.cumsum(exposure)])
    for block in _BLOCKS if bursts else ():
        phases = range(0, block, max(1, block // _PHASES))
        for passed in phases:
            edges = np.unique(np.concatenate([[0, days], np.arange(days - passed, 0, -block)]))
            y, e = np.diff(sums[0][edges]), np.diff(sums[1][edges])
            now = (y[-1], e[-1]) if passed else (0.0, 0.0)
            (y, e), times = np.unique(np.stack([y, e]), axis=1, return_counts=True)
            fit = gammaln(y + k) - gammaln(k) + k * np.log(k) - (k + y) * np.log(k + r * e)
            fit = ((fit + y * np.log(r)) * times).sum(-1) + prior
            fit = fit + np.log((1 - _EVEN) / len(_BLOCKS) / len(_SHAPES) / len(phases))
            if not arrivals:  # chosen by coverage: see docs/forecast.md
                busy = np.log1p(rate * min(block, spent) / _SHAPES[:, None])
                fit += 0.125 * (busy - busy[:, [len(rate) // 2]])
            none = np.zeros(fit.size)
            whole = none.astype(np.int64)
            guesses.append(_Posterior(
                whole + block, np.repeat(_SHAPES, len(rate)), np.tile(rate, len(_SHAPES)),
                whole + passed, none + now[0], none + now[1], fit.ravel(),
            ))  # fmt: skip
    joined = _Posterior(*(np.concatenate(parts) for parts in zip(*guesses, strict=True)))
    weight = np.exp(joined.weight - joined.weight.max())
    return joined._replace(weight=weight / weight.sum())


def _drawn(posterior: _Posterior, draws: int, rng: np.random.Generator) -> _Process:
    """Draw guesses, evenly over the posterior rather than at random; then the current level."""
    even = (rng.random() + np.arange(draws)) / draws
    place = np.searchsorted(np.cumsum(posterior.weight), even).clip(max=len(posterior.weight) - 1)
    place = rng.permutation(place)
    guess = _Posterior(*(part[place] for part in posterior))
    step = np.log(_RATES[1] / _RATES[0])
    rate = guess.rate * np.exp((rng.random(draws) - 0.5) * step)
    level, uneven = np.ones(draws), np.isfinite(guess.shape)
    shape = guess.shape[uneven] + guess.counted[uneven]
    level[uneven] = rng.gamma(shape) / (guess.shape + rate * guess.spent)[uneven]
    return _Process(guess.block, guess.shape, rate, guess.passed, level)


def _counts(process: _Process, going: Ints, exposure: Floats, rng: np.random.Generator) -> Floats:
    """Draw counts of the next days for the futures still going on; moves `process.level` on."""
    activity = np.ones((len(going), _STEP))
    block, shape = process.block[going], process.shape[going]
    for length in np.unique(block[np.isfinite(shape)]):
        mine = np.flatnonzero((block == length) & np.isfinite(shape))
        blocks = _STEP // int(length)
        each = np.repeat(shape[mine, None], blocks, axis=1)
        levels = np.column_stack([process.level[going[mine]], rng.gamma(each) / each])
        when = (process.passed[going[mine], None] + np.arange(_STEP)) // length
        activity[mine] = np.take_along_axis(levels, when, axis=1)
        process.level[going[mine]] = levels[:, -1]
    return rng.poisson(activity * process.rate[going, None] * exposure).astype(np.float64)


def _modelled(past: Past, draws: int, rng: np.random.Generator, *, bursts: bool) -> Steps:
    def process(counts: Floats, *, arrivals: bool) -> _Process:
        guesses = _posterior(counts, past.exposure, bursts=bursts, arrivals=arrivals)
        return _drawn(guesses, draws, rng)

    leaving = process(past.left, arrivals=False)
    coming = process(past.came, arrivals=True) if past.came.any() else None

    def change(going: Ints, exposure: Floats) -> Floats:
        left = _counts(leaving, going, exposure, rng)
        return -left if coming is None else _counts(coming, going, exposure, rng) - left

    return change


def _bursts(past: Past, draws: int, rng: np.random.Generator) -> Steps:
    """Gamma-Poisson rates, and levels of activity that last a day, a week, two or four."""
    return _modelled(past, draws, rng, bursts=True)


def _poisson(past: Past, draws: int, rng: np.random.Generator) -> Steps:
    """Gamma-Poisson: the rate is uncertain, and each issue comes and goes by itself."""
    return _modelled(past, draws, rng, bursts=False)


def _weeks(past: Past, draws: int, rng: np.random.Generator) -> Steps:
    """Bootstrap: past weeks, drawn with replacement, come again."""
    change = (past.came - past.left)[len(past.left) % 7 :].reshape(-1, 7)

    def steps(going: Ints, exposure: Floats) -> Floats:
        weeks = rng.integers(len(change), size=(len(going), _STEP // 7))
        return np.asarray(change[weeks].reshape(len(going), _STEP))

    return steps


METHODS: Mapping[str, Callable[[Past, int, np.random.Generator], Steps]] = {
    "bursts": _bursts,
    "poisson": _poisson,
    "weeks": _weeks,
}
"""Ways to carry the past on, by name."""


def _walk(
    past: Past, remaining: int, ahead: Floats, method: str, draws: int, seed: list[int]
) -> Iterator[tuple[Ints, Floats]]:
    """Give, step by step, the futures still going on and their remaining work per day."""
    rng = np.random.default_rng(seed)
    change = METHODS[method](past, draws, rng)
    going, now = np.arange(draws), np.full(draws, float(remaining))
    for first in range(0, len(ahead) - _STEP + 1, _STEP):
        path = now[:, None] + np.cumsum(change(going, ahead[first : first + _STEP]), axis=1)
        yield going, path
        on = (path > 0).all(axis=1)
        going, now = going[on], path[on, -1]
        if not len(going):
            return


def days_to_finish(
    past: Past, remaining: int, ahead: Floats, *, method: str, draws: int, seed: list[int]
) -> Floats:
    """Draw how many days from now nothing will be left for the first time.

    Parameters
    ----------
    past : Past
    remaining : int
        Open issues now, at least 1.
    ahead : array
        Exposure of the days to come, in whole steps (`HORIZON_DAYS` of them).
    method : str
        One of `METHODS`.
    draws : int
        Number of simulated futures.
    seed : list of int

    Returns
    -------
    array
        One number of days per future: within the day on which it happened, at random (2.3: on
        the third day), so that quantiles are not biased by whole days; inf beyond `ahead`.

    Examples
    --------
    >>> past = Past(np.tile([0.0, 1.0], 30), np.zeros(60), np.ones(60))
    >>> days = days_to_finish(past, 10, np.ones(HORIZON_DAYS), method="weeks", draws=400, seed=[1])
    >>> bool(17 < np.median(days) < 21)
    True
    """
    days = np.full(draws, np.inf)
    chance = np.random.default_rng([*seed, 1])
    for step, (going, path) in enumerate(_walk(past, remaining, ahead, method, draws, seed)):
        gone = path <= 0
        over = gone.any(axis=1)
        within = chance.random(int(over.sum()))
        days[going[over]] = step * _STEP + gone[over].argmax(axis=1) + 1 - within
    return days


def paths(
    past: Past, remaining: int, ahead: Floats, *, method: str, draws: int, seed: list[int]
) -> Floats:
    """Draw the remaining work at the end of each day ahead, of the futures of `days_to_finish`.

    Returns
    -------
    array
        One row per future, one column per day of `ahead`; 0 from the first day without any left.
    """
    whole = np.ones(-(-len(ahead) // _STEP) * _STEP)
    whole[: len(ahead)] = ahead
    left = np.zeros((draws, len(whole)))
    for step, (going, path) in enumerate(_walk(past, remaining, whole, method, draws, seed)):
        still = np.logical_and.accumulate(path > 0, axis=1)
        left[going, step * _STEP : (step + 1) * _STEP] = np.where(still, path, 0.0)
    return left[:, : len(ahead)]


_LEVELS = np.linspace(0, 1, 201)
_PRIOR = 10.0  # milestones that count as evenly spread before any was seen: see docs/forecast.md
MIN_MILESTONES = 5  # finished ones: fewer are no ground to shift dates


def kept_shares(
    level: Floats, done: npt.NDArray[np.bool_], milestone: Ints
) -> tuple[Floats, int] | None:
    """Learn from past forecasts how large a share of outcomes came by each level of the futures.

    Parameters
    ----------
    level : array
        Per past forecast the share of its futures that had ended when its milestone did (`done`),
        or by the last day known (else): then the outcome lies above, and is censored.
    done : array of bool
    milestone : array of int
        Forecasts of one milestone together weigh as much as those of another.

    Returns
    -------
    shares : array
        For levels from 0 to 1, evenly spaced: the Kaplan-Meier share of outcomes at or below,
        blended with that of a forecast that needs no shift, which weighs ten milestones. Rises
        everywhere; ends below 1 where the latest outcomes are censored.
    milestones : int
        How many finished milestones this rests on. With fewer than five: None instead of both.
    """
    finished = len(np.unique(milestone[done]))
    if finished < MIN_MILESTONES:
        return None
    _, place, size = np.unique(milestone, return_inverse=True, return_counts=True)
    weight = 1 / size[place]
    steps, of_step = np.unique(level[done], return_inverse=True)
    ends = np.bincount(of_step, weight[done], len(steps))
    order = np.argsort(level)
    before = np.concatenate([[0.0], np.cumsum(weight[order])])
    risk = before[-1] - before[np.searchsorted(level[order], steps)]
    open_still = np.concatenate([[1.0], np.cumprod((1 - ends / risk).clip(min=0))])
    by_then = 1 - open_still[np.searchsorted(steps, _LEVELS, "right")]
    seen = weight[done].sum()
    return (seen * by_then + _PRIOR * _LEVELS) / (seen + _PRIOR), finished


def chosen_futures(days: Floats, shares: Floats) -> tuple[Ints, Floats]:
    """Choose futures, some repeatedly, so that they end as early as past outcomes did.

    Parameters
    ----------
    days : array
        What `days_to_finish` gives.
    shares : array
        What `kept_shares` gives.

    Returns
    -------
    places : array of int
        As many places in `days` as there are, the earliest first.
    days : array
        Their days; inf where past outcomes, censored, do not tell.
    """
    count = len(days)
    even = (np.arange(count) + 0.5) / count
    rank = (np.interp(even, shares, _LEVELS) * count).astype(np.int64).clip(max=count - 1)
    places = np.argsort(days, kind="stable")[rank]
    return places, np.where(even <= shares[-1] + 1e-12, days[places], np.inf)
