"""How often forecasts hold, over many simulated milestones of each kind.

A milestone is simulated day by day, past and future; the forecast sees the past alone. The share of
actual dates at or before the forecast's should be what it says: .50, .85, .95.

    python benchmarks/forecast_coverage.py                    the table of docs/forecast.md
    python benchmarks/forecast_coverage.py --milestones 200 --kinds 'steady;growing'
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from roadmap_analytics.analysis.forecast.futures import HORIZON_DAYS, Past, days_to_finish

Counts = npt.NDArray[Any]
Rng = np.random.Generator
Law = Callable[[Rng, int], Counts]
"""Draws the counts of so many days."""

LEVELS = (0.5, 0.85, 0.95)
FUTURE = 4000


def even(rate: float) -> Law:
    """Each issue by itself."""
    return lambda rng, days: rng.poisson(rate, days)


def workdays(rate: float) -> Law:
    """The same, nothing on weekends; the week begins anywhere."""

    def law(rng: Rng, days: int) -> Counts:
        weekday = (np.arange(days) + rng.integers(7)) % 7
        return rng.poisson(np.where(weekday < 5, rate, 0.0))

    return law


def batches(rate: float, size: float) -> Law:
    """Several at once: batches of geometric size."""

    def law(rng: Rng, days: int) -> Counts:
        many = rng.poisson(rate / size, days)
        sizes = rng.geometric(1 / size, many.sum())
        return np.bincount(np.repeat(np.arange(days), many), sizes, days)

    return law


def busy_weeks(rate: float, shape: float) -> Law:
    """Weeks differ (gamma with that shape); they begin anywhere."""

    def law(rng: Rng, days: int) -> Counts:
        level = np.repeat(rng.gamma(shape, 1 / shape, days // 7 + 2), 7)
        return rng.poisson(rate * level[rng.integers(7) :][:days])

    return law


def on_and_off(rate: float, weeks: float) -> Law:
    """Spells of work and of none, each so many weeks long on average."""

    def law(rng: Rng, days: int) -> Counts:
        turns = np.cumsum(rng.random(days // 7 + 2) < 1 / weeks) + rng.integers(2)
        return rng.poisson(2 * rate * np.repeat(turns % 2, 7)[rng.integers(7) :][:days])

    return law


def never(rng: Rng, days: int) -> Counts:
    return np.zeros(days)


class Kind(NamedTuple):
    leaves: Law
    comes: Law
    past: int
    left: int


KINDS = {
    "steady": Kind(even(1.0), never, 60, 30),
    "steady, workdays": Kind(workdays(0.7), never, 91, 20),
    "slow, 5 left": Kind(even(0.1), never, 120, 5),
    "slow, 20 left": Kind(even(0.1), never, 120, 20),
    "bursts: batches": Kind(batches(0.5, 3), never, 120, 15),
    "bursts: weeks": Kind(busy_weeks(0.5, 0.5), never, 120, 15),
    "bursts: spells": Kind(on_and_off(0.5, 3), never, 120, 15),
    "growing": Kind(even(0.5), even(0.2), 90, 15),
    "growing in bursts": Kind(batches(0.6, 3), batches(0.25, 4), 120, 12),
}


def actual_days(left: int, leaves: Counts, comes: Counts) -> float:
    """Days until nothing is left for the first time; inf where that lies beyond the simulation."""
    gone = left + np.cumsum(comes - leaves) <= 0
    return float(gone.argmax() + 1) if gone.any() else np.inf


def milestones(kind: Kind, many: int, seed: int) -> Iterator[tuple[int, Past, float]]:
    """Give number, past and actual days of each milestone that has enough past to forecast."""
    for number in range(many):
        rng = np.random.default_rng([seed, number])
        leaves, comes = kind.leaves(rng, kind.past + FUTURE), kind.comes(rng, kind.past + FUTURE)
        past = Past(leaves[: kind.past] * 1.0, comes[: kind.past] * 1.0, np.ones(kind.past))
        if past.left.sum() >= 3:
            yield number, past, actual_days(kind.left, leaves[kind.past :], comes[kind.past :])


def our_days(method: str, draws: int) -> Callable[[Past, int, int], Counts]:
    ahead = np.ones(HORIZON_DAYS)

    def quantiles(past: Past, left: int, number: int) -> Counts:
        days = days_to_finish(past, left, ahead, method=method, draws=draws, seed=[number])
        return np.maximum(1, np.round(np.quantile(days, LEVELS, method="inverted_cdf")))

    return quantiles


def last_close_days(past: Past, left: int, number: int) -> Counts:
    """A peer's way: draw days of the window that ends at the last close; no growth."""
    closes = np.flatnonzero(past.left)
    return _daily(past.left[closes[0] : closes[-1] + 1], left, number)


def from_last_close_days(past: Past, left: int, number: int) -> Counts:
    """The same, and its days are counted from the last close, too."""
    quiet = len(past.left) - 1 - np.flatnonzero(past.left)[-1]
    days: Counts = last_close_days(past, left, number) - quiet
    return days


def daily_bootstrap(past: Past, left: int, number: int) -> Counts:
    """Draw days of the whole window; no growth."""
    return _daily(past.left, left, number)


def _daily(window: Counts, left: int, number: int) -> Counts:
    rng = np.random.default_rng([number, 2])
    reach = int(left / window.mean() * 5) + 30
    done = np.cumsum(rng.choice(window, (600, reach)), axis=1) >= left
    days = np.where(done.any(axis=1), done.argmax(axis=1) + 1, np.inf)
    return np.quantile(days, LEVELS, method="inverted_cdf")


def closed_form(past: Past, left: int, number: int) -> Counts:
    """Gamma-Poisson predictive without simulation: a ratio of gamma variables; no growth."""
    from scipy.stats import betaprime

    spread = betaprime(left, past.left.sum() + 0.5)
    return np.maximum(1, np.round(spread.ppf(LEVELS) * len(past.left)))


FORECASTS: dict[str, Callable[[Past, int, int], Counts]] = {
    "bursts": our_days("bursts", 1000),
    "poisson": our_days("poisson", 1000),
    "weeks": our_days("weeks", 1000),
    "closed form": closed_form,
    "daily bootstrap": daily_bootstrap,
    "daily, to the last close": last_close_days,
    "daily, from the last close": from_last_close_days,
}


def coverage(forecast: str, kind: Kind, many: int, seed: int = 7) -> tuple[Counts, int]:
    """Give the share of milestones done by the forecast date, per level, and of how many."""
    held = [
        actual <= FORECASTS[forecast](past, kind.left, number)
        for number, past, actual in milestones(kind, many, seed)
    ]
    return np.mean(held, axis=0), len(held)


def main() -> None:
    parser = argparse.ArgumentParser(description="How often forecasts hold.")
    parser.add_argument("--milestones", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--kinds", default=";".join(KINDS))
    parser.add_argument("--forecasts", default=";".join(FORECASTS))
    given = parser.parse_args()
    forecasts = given.forecasts.split(";")
    print("| kind of milestone | " + " | ".join(forecasts) + " |")
    print("|---" * (len(forecasts) + 1) + "|")
    for name in given.kinds.split(";"):
        shares = [
            coverage(forecast, KINDS[name], given.milestones, given.seed)[0]
            for forecast in forecasts
        ]
        cells = [" ".join(f"{share:.2f}"[1:] if share < 1 else "1" for share in s) for s in shares]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
