"""How often forecasts hold, over many simulated milestones of each kind.

A milestone is simulated day by day, past and future; the forecast sees the past alone. The share of
actual dates at or before the forecast's should be what it says: .50, .85, .95. Real milestones are
harder, and tell more: see docs/forecast-laboratory.md.

    python benchmarks/forecast_coverage.py                    the table of that page
    python benchmarks/forecast_coverage.py --milestones 200 --kinds 'steady;growing'
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from roadmap_analytics.analysis.forecast.calibration import Asked, Exposure, Lessons, Marks, Uneven
from roadmap_analytics.analysis.forecast.forecast import answers
from roadmap_analytics.analysis.forecast.futures import days_at
from roadmap_analytics.analysis.forecast.targets import Flow, Flows

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


class Past(NamedTuple):
    """What happened on each day before the forecast, the last day being that of the forecast."""

    left: Counts
    came: Counts


def actual_days(left: int, leaves: Counts, comes: Counts) -> float:
    """Days until nothing is left for the first time; inf where that lies beyond the simulation."""
    gone = left + np.cumsum(comes - leaves) <= 0
    return float(gone.argmax() + 1) if gone.any() else np.inf


def milestones(kind: Kind, many: int, seed: int) -> tuple[list[Past], Counts]:
    """Simulate milestones with at least three departures: their pasts, and their actual days."""
    pasts, actual = [], []
    for number in range(many):
        rng = np.random.default_rng([seed, number])
        leaves, comes = kind.leaves(rng, kind.past + FUTURE), kind.comes(rng, kind.past + FUTURE)
        past = Past(leaves[: kind.past].astype(int), comes[: kind.past].astype(int))
        if past.left.sum() >= 3:
            pasts.append(past)
            actual.append(actual_days(kind.left, leaves[kind.past :], comes[kind.past :]))
    return pasts, np.array(actual)


EVERY_DAY = np.busdaycalendar([True] * 7)
TODAY = 20_000
NOTHING = np.zeros(0)
NO = NOTHING.astype(bool)
NO_LESSONS = Lessons(
    TODAY, NOTHING.astype(int), NOTHING, NO, NO,
    Marks(NOTHING.astype(int), NOTHING.astype(int), NOTHING, NOTHING, NO, NO, NO),
    np.zeros(1), np.zeros(1), Uneven(NOTHING, NOTHING, NOTHING, NOTHING), NOTHING,
)  # fmt: skip
"""What a dataset teaches whose only milestone is the one that is asked for."""


def ours(lessons: Lessons | None) -> Callable[[list[Past], int], Counts]:
    """Forecast all milestones at once, from own days (None) or as `forecast` does by default."""

    def quantiles(pasts: list[Past], left: int) -> Counts:
        span = len(pasts[0].left)
        begun = TODAY - span

        def flow(days: list[Counts]) -> Flow:
            counts = np.array(days)
            place = np.repeat(np.arange(len(pasts)), counts.sum(axis=1))
            day = np.concatenate([np.repeat(np.arange(len(row)), row) for row in counts])
            return Flow(place, begun + day, len(pasts))

        # On the first day what was committed to: as much as leaves a remainder of `left`.
        first = [np.append(left + p.left.sum() - p.came.sum(), p.came).clip(0) for p in pasts]
        gone = flow([np.append(0, p.left) for p in pasts])
        born = np.full(len(pasts), begun)
        everyone = np.arange(len(pasts))
        asked = Asked(
            everyone, born + span, np.full(len(pasts), float(left)), born.astype(float),
            np.full(len(pasts), np.nan), np.zeros(len(pasts), int), np.ones(len(pasts), bool),
        )  # fmt: skip
        exposure = Exposure(EVERY_DAY, np.zeros(0, np.int64), begun, TODAY)
        answer = answers(Flows(flow(first), gone, gone, born), exposure, asked, lessons, "closed")
        days = np.stack([days_at(answer.left, level) for level in LEVELS], axis=1)
        return np.maximum(1, np.round(days))

    return quantiles


def daily_bootstrap(pasts: list[Past], left: int) -> Counts:
    """Draw days of the whole past; no growth."""
    rng = np.random.default_rng(2)
    found = []
    for past in pasts:
        reach = int(left / past.left.mean() * 5) + 30
        done = np.cumsum(rng.choice(past.left, (600, reach)), axis=1) >= left
        days = np.where(done.any(axis=1), done.argmax(axis=1) + 1, np.inf)
        found.append(np.quantile(days, LEVELS, method="inverted_cdf"))
    return np.array(found)


def closed_form(pasts: list[Past], left: int) -> Counts:
    """Gamma-Poisson predictive without simulation: a ratio of gamma variables; no growth."""
    from scipy.stats import betaprime

    closes = np.array([past.left.sum() + 0.5 for past in pasts])[:, None]
    return np.maximum(1, np.round(betaprime(left, closes).ppf(LEVELS) * len(pasts[0].left)))


FORECASTS: dict[str, Callable[[list[Past], int], Counts]] = {
    "default": ours(NO_LESSONS),
    "own days": ours(None),
    "closed form": closed_form,
    "daily bootstrap": daily_bootstrap,
}


def coverage(forecast: str, kind: Kind, many: int, seed: int = 7) -> tuple[Counts, int]:
    """Return the share of milestones done by the forecast date, per level, and of how many."""
    pasts, actual = milestones(kind, many, seed)
    held = actual[:, None] <= FORECASTS[forecast](pasts, kind.left)
    return held.mean(axis=0), len(held)


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
