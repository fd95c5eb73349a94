"""How often forecasts came true: the same questions asked on past days."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from roadmap_analytics.analysis.days import AsOf, Bools, Ints
from roadmap_analytics.analysis.forecast.calibration import History, history_of
from roadmap_analytics.analysis.forecast.forecast import (
    QUANTILES,
    Outcome,
    answers,
    dates_after,
    frame_of,
)
from roadmap_analytics.analysis.view import View
from roadmap_analytics.arguments import one_of, whole_number
from roadmap_analytics.frames import Dataset


def backtest_forecasts(
    dataset: Dataset,
    *,
    as_of: AsOf,
    seed: int | None = None,
    every_days: int = 14,
    outcome: Outcome = "closed",
    timezone: str | None = None,
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Forecast every milestone on past days, each time from what was known then.

    Parameters
    ----------
    dataset : Dataset
    as_of : date or aware timestamp
        Outcomes after it are not known.
    seed : int, optional
        Changes nothing: forecasts are computed, not drawn.
    every_days : int
        Forecasts are made this often, counted back from `as_of`; at least 1.
    outcome, timezone, types
        As in `forecast`.

    Returns
    -------
    DataFrame
        One row per milestone and day of asking on which work remained, sorted so: `milestone_id`,
        `asked_date`, `remaining`, `p50_date`, `p85_date`, `p95_date` (NaT: beyond ten years),
        `actual_date` (the first day after on which it was over; NaT: not by `as_of`).

    Raises
    ------
    ConfigurationError
        As in `forecast`, and for less than a day between forecasts.
    """
    one_of("outcome", outcome, Outcome)
    whole_number("every_days", every_days, 1)
    view = View.of(dataset, as_of, timezone, types)
    history = history_of(view)
    last = int(view.last.astype(np.int64))
    first = int(history.flows.born.min(initial=last))
    days = np.arange(last - every_days, first - 1, -every_days)
    parts = [_on(history, int(day), outcome) for day in days]
    frame = frame_of([], _ASKED)
    if parts:
        frame = pd.concat([frame, *parts]).astype(_ASKED)
        frame = frame.sort_values(["milestone_id", "asked_date"], ignore_index=True)
    return view.result(frame, every_days=every_days, outcome=outcome)


_ASKED = {
    "milestone_id": "int64",
    "asked_date": "datetime64[us]",
    "remaining": "int64",
    **dict.fromkeys(QUANTILES, "datetime64[us]"),
    "actual_date": "datetime64[us]",
}


def _on(history: History, day: int, outcome: str) -> pd.DataFrame:
    """Ask on one day about every milestone that was not known to be over."""
    place = np.arange(len(history.ids))
    end, _ = history.ends(day)
    place = place[~np.isfinite(end)]
    asked = history.ask(place, np.full(len(place), day))
    closed, actual = history.outcome_after(asked, outcome)
    asked, actual = asked.at(~closed), actual[~closed]
    if not len(asked.day):
        return frame_of([], _ASKED)
    answer = answers(history.flows, history.exposure, asked, history.lessons(day), outcome)
    now = np.datetime64(day, "D")
    known = np.isfinite(actual)
    over = np.where(known, actual, 0).astype(np.int64).astype("datetime64[D]")
    return pd.DataFrame(
        {
            "milestone_id": history.ids[asked.place],
            "asked_date": now,
            "remaining": asked.remaining.astype(np.int64),
            **dates_after(now, answer.left),
            "actual_date": np.where(known, over, np.datetime64("NaT", "D")),
        }
    )


def backtest(
    dataset: Dataset,
    *,
    as_of: AsOf,
    seed: int | None = None,
    every_days: int = 14,
    outcome: Outcome = "closed",
    timezone: str | None = None,
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Count how often forecasts came true over the past of the dataset.

    Parameters
    ----------
    dataset, as_of, seed, every_days, outcome, timezone, types
        As in `backtest_forecasts`.

    Returns
    -------
    DataFrame
        One row per quantile (0.5, 0.85, 0.95):

        - `quantile`: the probability that was given with the dates
        - `forecasts`: dates on or before `as_of`, so that it is known whether they held
        - `held`, `coverage`: how many of them did, and their share; NA where there are none
        - `low`, `high`: 95 % interval of the share
        - `milestones`: from how many milestones these forecasts come
        - `pending`: dates after `as_of`, or over ten years ahead
        - `recent_forecasts`, `recent_held`: the same of the last 40 of these dates

    Raises
    ------
    ConfigurationError
        As in `backtest_forecasts`.

    Notes
    -----
    A date counts once it has passed, whether or not its milestone ever ended: leaving out
    unfinished milestones would praise the forecast. The interval is Wilson's, for as many
    independent forecasts as the scatter between milestones leaves: forecasts of one milestone hold
    and fail together.

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> backtest(Dataset({}), as_of="2025-03-10")["forecasts"].sum()
    np.int64(0)
    """
    asked = backtest_forecasts(
        dataset, as_of=as_of, every_days=every_days, outcome=outcome, timezone=timezone,
        types=types,
    )  # fmt: skip
    last = pd.Timestamp(asked.attrs["as_of"])
    frame = pd.DataFrame(
        [{"quantile": level} | _kept(asked, name, last) for name, level in QUANTILES.items()]
    )
    frame.attrs.update(asked.attrs)
    return frame


RECENT = 40


def _kept(asked: pd.DataFrame, name: str, last: pd.Timestamp) -> dict[str, Any]:
    """Count the dates of a column that have passed, and how many held."""
    due = asked[(asked[name] <= last).to_numpy()].sort_values(name, kind="stable")
    held = (due["actual_date"] <= due[name]).to_numpy()
    low, high = _wilson(held, due["milestone_id"].to_numpy())
    return {
        "forecasts": len(due), "held": int(held.sum()),
        "coverage": held.mean() if len(due) else np.nan, "low": low, "high": high,
        "milestones": due["milestone_id"].nunique(), "pending": len(asked) - len(due),
        "recent_forecasts": len(held[-RECENT:]), "recent_held": int(held[-RECENT:].sum()),
    }  # fmt: skip


def _wilson(held: Bools, group: Ints) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share, for forecasts that hold and fail in groups."""
    count = len(held)
    if not count:
        return float("nan"), float("nan")
    share = held.mean()
    _, place = np.unique(group, return_inverse=True)
    groups = place.max() + 1
    scatter = np.bincount(place, held - share)
    n = float(groups)  # where all hold, or all fail: one per milestone
    if groups > 1 and scatter.any():
        variance = (scatter**2).sum() / count**2 * groups / (groups - 1)
        n = min(count, max(1.0, share * (1 - share) / variance))
    z = 1.959964
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return float(max(0.0, middle - half)), float(min(1.0, middle + half))
