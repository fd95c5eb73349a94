"""When will it be done, how sure is that, and what were such dates worth before.

The open set of a target (a milestone, a roadmap item, a person's queue, everything planned) is
followed by calendar day: issues come into it (added while open, reopened) and leave it (closed, or
taken out). The forecast carries both on, by a method of `predictive`; `backtest` asks the same
question on past days, and counts how often the answers held.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
from rapidfuzz import fuzz, process

from roadmap_analytics.analysis import replay
from roadmap_analytics.analysis.days import zone_of
from roadmap_analytics.analysis.forecast import futures
from roadmap_analytics.analysis.forecast.futures import HORIZON_DAYS, METHODS, Floats, Past
from roadmap_analytics.analysis.progress import milestone_progress
from roadmap_analytics.analysis.replay import AsOf
from roadmap_analytics.analysis.stays import NOTHING, Stays, close_days, open_stays
from roadmap_analytics.errors import ConfigurationError, UnknownNameError

if TYPE_CHECKING:
    from roadmap_analytics.frames import Dataset

__all__ = [
    "Target",
    "backtest",
    "backtest_forecasts",
    "forecast",
    "forecast_targets",
    "item_milestones",
    "item_target",
]

Days: TypeAlias = npt.NDArray[np.datetime64]
Outcomes: TypeAlias = list[tuple[int, float, bool]]
"""Of past forecasts: the milestone, the share of futures over at its end (or by now), ended?"""

QUANTILES = {"p50_date": 0.50, "p85_date": 0.85, "p95_date": 0.95}
WINDOW_DAYS = 91
MIN_LEFT, MIN_DAYS = 3, 14  # less than that is no ground for a date
DRAWS = 2000
SEED = 1

_ENDLESS = "over five years ahead; work comes about as fast as it is done"
_BEYOND = "beyond what past milestones tell, some of which are still open"

_DAY = np.timedelta64(1, "D")
_NAT = np.datetime64("NaT", "D")
_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Target(NamedTuple):
    """What a forecast is asked for."""

    title: str
    milestones: tuple[int, ...]
    person: str | None = None
    start: np.datetime64 = _NAT
    due: np.datetime64 = _NAT
    closed: bool = False  # known to have been closed by then, done or not


@dataclass(frozen=True)
class _Calendar:
    """How much is done on a day off, against a working day."""

    off: np.busdaycalendar
    quiet: float

    def exposure(self, first: np.datetime64, count: int) -> Floats:
        """Give the weight of each day: 1 for working days."""
        working = np.is_busday(first + np.arange(count), busdaycal=self.off)
        return np.where(working, 1.0, self.quiet)


def _days_off(dataset: Dataset) -> np.busdaycalendar:
    settings = dataset.config.get("calendar", {})
    workdays = {str(day)[:3].lower() for day in settings.get("workdays", _WEEK[:5])}
    holidays = [np.datetime64(str(day), "D") for day in settings.get("holidays", [])]
    for name, span in settings.get("periods", {}).items():
        if "holiday" in name.lower():
            first, _, last = str(span).partition("/")
            holidays += list(np.arange(np.datetime64(first), np.datetime64(last) + _DAY))
    return np.busdaycalendar(
        [day in workdays for day in _WEEK], np.array(holidays, dtype="datetime64[D]")
    )


def _calendar(off: np.busdaycalendar, closes: Days, day: np.datetime64) -> _Calendar:
    """Learn from all closes of a year how quiet days off are; `closes` are sorted."""
    first = day - 364
    closes = closes[np.searchsorted(closes, first) : np.searchsorted(closes, day, "right")]
    days = np.is_busday(np.arange(min(closes[0], day) if len(closes) else first, day + _DAY),
                        busdaycal=off)  # fmt: skip
    done = np.is_busday(closes, busdaycal=off)
    if days.all() or not days.any():
        return _Calendar(off, 1.0)
    busy = (done.sum() + 0.5) / days.sum()
    return _Calendar(off, float(min(1.0, ((~done).sum() + 0.5) / (~days).sum() / busy)))


def _stays_of(
    dataset: Dataset,
    targets: Sequence[Target],
    at: pd.Timestamp,
    timezone: str,
    types: Iterable[str] | str | None,
) -> list[Stays]:
    pairs = pd.DataFrame(
        [(m, place) for place, target in enumerate(targets) for m in target.milestones],
        columns=["milestone_id", "target"],
        dtype="Int64",
    )
    people = pd.DataFrame(
        [(t.person, place) for place, t in enumerate(targets) if t.person is not None],
        columns=["value", "target"],
    )
    spans = [
        replay.intervals(dataset, "milestone", until=at).merge(pairs, on="milestone_id"),
        replay.intervals(dataset, "assignee", until=at).merge(people, on="value"),
    ]
    columns = ["issue_id", "start_at", "end_at", "target"]
    members = pd.concat([part[columns].astype({"target": "int64"}) for part in spans])
    found = open_stays(dataset, members, at, timezone=timezone, types=types)
    return [found.get(place, NOTHING) for place in range(len(targets))]


# Targets ------------------------------------------------------------------------------------------


def _of_milestones(milestones: pd.DataFrame, at: pd.Timestamp) -> list[Target]:
    start = milestones["start_date"].to_numpy().astype("datetime64[D]")
    due = milestones["due_date"].to_numpy().astype("datetime64[D]")
    columns = milestones["title"], milestones["milestone_id"], start, due, _closed(milestones, at)
    return [
        Target(str(title), (int(m),), None, begun, end, bool(closed))
        for title, m, begun, end, closed in zip(*columns, strict=True)
    ]


def _closed(known: pd.DataFrame, at: pd.Timestamp) -> pd.Series[bool]:
    """Tell which milestones an export had seen closed by then."""
    return (known["state"] == "closed") & (known["observed_at"] < at)


def item_milestones(dataset: Dataset, item: str, *, as_of: AsOf) -> tuple[str, list[int]]:
    """Find the milestones of a roadmap item, in the revision that is valid at `as_of`.

    Parameters
    ----------
    dataset : Dataset
    item : str
        Key (``1.2``) or title, without regard to case and spaces.
    as_of : date or aware timestamp

    Returns
    -------
    title : str
    milestones : list of int
        Ids of the milestones that the item, or an item below it, refers to, as far as they are in
        the dataset; sorted.

    Raises
    ------
    UnknownNameError
        Where no item fits, or several do; the nearest are listed.
    """
    day = replay.last_day(as_of, zone_of(dataset))
    items = dataset.roadmap_items
    items = items[(items["revision"] <= day).to_numpy()]
    items = items[(items["revision"] == items["revision"].max()).to_numpy()]
    plain = " ".join(str(item).split()).casefold()
    names = items["title"].str.split().str.join(" ").str.casefold()
    fits = items[(items["key"] == str(item).strip()).to_numpy()]
    fits = fits if len(fits) else items[(names == plain).to_numpy()]
    if len(fits) != 1:
        near = process.extract(plain, names.tolist(), scorer=fuzz.WRatio, limit=5)
        shown = fits if len(fits) else items.iloc[[place for _, _, place in near]]
        listed = "; ".join(f"{key} {title}" for key, title in zip(shown["key"], shown["title"],
                                                                  strict=True))  # fmt: skip
        raise UnknownNameError(
            f"item: expected the key or title of one roadmap item valid on {day.date()}, got "
            f"{item!r}: {len(fits)} fit; the nearest are {listed or 'none: there is no revision'}"
        )
    below = [str(fits["key"].iloc[0])]
    for key in below:
        below += items.loc[(items["parent"] == key).to_numpy(), "key"].tolist()
    links = dataset.roadmap_milestones
    links = links[
        ((links["revision"] == fits["revision"].iloc[0]) & links["key"].isin(below)).to_numpy()
    ]
    found = set()
    for url in links["url"].unique():
        try:
            found.add(replay.find_milestone(dataset, str(url)))
        except UnknownNameError:
            continue  # a milestone of a project that was not exported
    return str(fits["title"].iloc[0]), sorted(found)


def item_target(dataset: Dataset, item: str, *, as_of: AsOf, timezone: str | None = None) -> Target:
    """Give a roadmap item as a target: from the first start to the last due date of its parts."""
    timezone = zone_of(dataset, timezone)
    title, chosen = item_milestones(dataset, item, as_of=as_of)
    at = replay.instant(as_of, timezone)
    known = replay.milestones_at(dataset, at)
    known = known[known["milestone_id"].isin(chosen)]
    begun, due = known["start_date"].min(), known["due_date"].max()
    undated = known["due_date"].isna().any()
    return Target(
        title,
        tuple(chosen),
        start=pd.Timestamp(begun).to_datetime64().astype("datetime64[D]"),
        due=_NAT if undated else pd.Timestamp(due).to_datetime64().astype("datetime64[D]"),
        closed=len(known) > 0 and bool(_closed(known, at).all()),
    )


def _targets(
    dataset: Dataset,
    milestone: int | str | Iterable[int | str] | None,
    person: str | None,
    item: str | None,
    horizon: bool,
    as_of: AsOf,
    known: pd.DataFrame,
    timezone: str,
) -> list[Target]:
    asked = [milestone is not None, person is not None, item is not None, horizon]
    if sum(asked) > 1:
        raise ConfigurationError(
            "forecast: expected one of milestone, person, item, horizon, got "
            f"{sum(asked)} of them; ask for each by itself"
        )
    if person is not None:
        people = set(dataset.people["person"]) | set(dataset.assignments["person"])
        if person not in people:
            near = process.extract(person, sorted(people), scorer=fuzz.WRatio, limit=5)
            raise UnknownNameError(
                f"person: expected a canonical handle, got {person!r}; the nearest are "
                f"{', '.join(name for name, *_ in near) or 'none: nobody is assigned anything'}"
            )
        return [Target(person, (), person)]
    if item is not None:
        return [item_target(dataset, item, as_of=as_of, timezone=timezone)]
    at = replay.instant(as_of, timezone)
    planned = _planned(known, at)
    if horizon:
        return [Target("everything planned", tuple(planned["milestone_id"]))]
    if milestone is None:
        return _of_milestones(planned, at)
    several = [milestone] if isinstance(milestone, int | str | np.integer) else list(milestone)
    ids = sorted({replay.find_milestone(dataset, one) for one in several})
    return _of_milestones(known[known["milestone_id"].isin(ids)], at)


def _planned(known: pd.DataFrame, at: pd.Timestamp) -> pd.DataFrame:
    """Give the milestones that are no drafts and not known to have been closed by then."""
    unseen = ~(known["observed_at"] < at) & (known["created_at"] < at)
    return known[(((known["state"] == "active") | unseen) & ~known["draft"]).to_numpy()]


# Forecast -----------------------------------------------------------------------------------------


class _Window(NamedTuple):
    """The past that a forecast rests on."""

    first: np.datetime64
    past: Past
    closed: int


def _window(
    stays: Stays, start: np.datetime64, day: np.datetime64, calendar: _Calendar, longest: int
) -> _Window | None:
    """Count per day from after the start; what came until then was committed, and is no growth."""
    if not len(stays.came) or stays.came.min() > day:
        return None
    begun = stays.came.min()
    if not np.isnat(start) and start <= day:
        begun = max(begun, start)
    first = max(begun + _DAY, day - longest + 1)
    count = int((day - first).astype(int)) + 1
    past = Past(
        stays.per_day(stays.left, first, count),
        np.zeros(count) if start > day else stays.per_day(stays.came, first, count),
        calendar.exposure(first, count),
    )
    return _Window(first, past, int(stays.per_day(stays.left[stays.closed], first, count).sum()))


def _too_little(window: _Window | None) -> str | None:
    if window is None:
        return "no open issue has been in it"
    days, left = len(window.past.left), int(window.past.left.sum())
    if days < MIN_DAYS or left < MIN_LEFT:
        return (
            f"too little to go by: {left} issues done in {days} days "
            f"(needs {MIN_LEFT} in {MIN_DAYS})"
        )
    return None


def _seeds(seed: int, target: Target) -> list[int]:
    """Give each target its own chance, whatever else is asked for with it."""
    name = target.person or ",".join(map(str, target.milestones))
    return [seed, zlib.crc32(name.encode())]


def _date_after(day: np.datetime64, days: float) -> np.datetime64:
    """Give the whole day nearest to a quantile; NaT beyond the horizon."""
    return day + max(1, round(days)) if np.isfinite(days) else _NAT


def forecast(
    dataset: Dataset,
    milestone: int | str | Iterable[int | str] | None = None,
    *,
    as_of: AsOf,
    seed: int = 1,
    person: str | None = None,
    item: str | None = None,
    horizon: bool = False,
    method: str = "bursts",
    window_days: int = WINDOW_DAYS,
    timezone: str | None = None,
    types: Iterable[str] | str | None = None,
    draws: int = DRAWS,
    past: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Forecast when nothing will be left open.

    Parameters
    ----------
    dataset : Dataset
    milestone : int or str, or several, optional
        Id, title or web address. Without any target: every active milestone that is no draft.
    as_of : date or aware timestamp
        A date means the end of that day in `timezone`. Nothing after it matters.
    seed : int
        From 0. The same seed gives the same dates, whatever else is asked for at once.
    person : str, optional
        Instead: the issues assigned to this person.
    item : str, optional
        Instead: a roadmap item, by key or title, through the milestones it refers to.
    horizon : bool
        Instead: all active milestones that are no drafts, together.
    method : {"bursts", "poisson", "weeks"}
        How the past is carried on (see Notes).
    window_days : int
        At most so many days of the past are counted.
    timezone : str, optional
        IANA name of the zone whose days are meant; by default that of the dataset's
        ``[calendar]``, else UTC.
    types : str or list of str, optional
        Work item types to count; all by default.
    draws : int
        Number of simulated futures.
    past : DataFrame, optional
        What `backtest` (or `backtest_forecasts`) returns for the same `as_of`: dates are shifted
        by how earlier forecasts of other milestones turned out, where at least five of these were
        finished. Not for a person or the horizon, whose forecasts are not tested.

    Returns
    -------
    DataFrame
        One row per target, milestones sorted by id:

        - `milestone_id` (NA for a person, an item of several milestones, the horizon), `title`
        - `remaining`: issues open at `as_of`
        - `due_date`: as known at `as_of` (of an item the latest of its milestones)
        - `p50_date`, `p85_date`, `p95_date`: nothing is open any more by then, in so many of 100
          futures. NaT where there is too little data, the date lies over five years ahead or
          beyond what past outcomes tell, or the milestone was closed with work open; `note` says
          which. Where nothing remains, the day of `as_of`.
        - `chance_by_due_date`: share of futures in which the due date is kept; NA without one
        - the inputs: `window_start_date`, `window_days`, `closed` and `removed` (left it, counted
          since), `added` (came into it open, reopened ones included), `closed_per_week`,
          `growth_per_week` (added less removed), `dispersion` (variance of departures per week
          over their mean: 1 where each comes by itself, more for bursts; NA under four weeks),
          `day_off_share` (what a weekend day or holiday counts of a working day),
          `shifted_by` (finished milestones that the dates were shifted by; NA: not shifted)
        - `emptied_date`: for a target with nothing left, since when
        - `note`: why there is no date, or that it is done; else NA

        `attrs` holds `past_milestones`, how many of the dataset's milestones were due by `as_of`,
        and `past_milestones_grown`, how many of these had more added than removed after their
        start; for a single target also its history and the fan of its future, for the chart.

    Raises
    ------
    UnknownNameError
        Where a target fits none or several.
    ConfigurationError
        For more than one kind of target, an unknown method, a negative seed, `past` of another
        day or with a target that it does not speak of.

    Notes
    -----
    Issues that leave and come are counted per day from the day after the start date (or the first
    addition) on. All methods carry both on until nothing is left for the first time.

    ``poisson``: rate ~ Gamma(departures + 1/2, days), every issue by itself; with no growth this
    is the gamma-Poisson predictive, remaining/rate. ``bursts`` lets the level of activity change
    from day to day, week to week, or every two or four weeks, as far as the past shows it
    (Bayesian average over all these; `predictive`). ``weeks`` draws past weeks with replacement.
    What each was worth on simulated milestones stands in docs/forecast.md, what on this dataset
    tells `backtest`.

    With `past`, futures are chosen, some repeatedly, so that they end as early as earlier outcomes
    did among theirs (quantile recalibration; unfinished milestones count as censored). The chance
    of the due date and the fan follow from the same futures.

    A person's work on several milestones is not known to the forecast of one of them.

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> forecast(Dataset({}), as_of="2025-03-10", seed=1).columns.tolist()[:4]
    ['milestone_id', 'title', 'remaining', 'due_date']
    """
    timezone = zone_of(dataset, timezone)
    _check(method, seed, window_days, draws)
    if past is not None and (person is not None or horizon):
        raise ConfigurationError(
            "past: expected None for a person or the horizon, got past forecasts; only those of "
            "milestones are tested, leave it out"
        )
    known = replay.milestones_at(dataset, replay.instant(as_of, timezone))
    targets = _targets(dataset, milestone, person, item, horizon, as_of, known, timezone)
    frame = forecast_targets(
        dataset, targets, as_of=as_of, seed=seed, method=method, window_days=window_days,
        timezone=timezone, types=types, draws=draws, past=past,
    )  # fmt: skip
    if milestone is None and person is None and item is None and not horizon:
        # Of those that no export had seen by then, nobody knew whether they were closed.
        seen = known["observed_at"] < replay.instant(as_of, timezone)
        known_then = known.loc[seen.to_numpy(), "milestone_id"]
        kept = frame["milestone_id"].isin(known_then) | (frame["remaining"] > 0)
        frame = frame[kept.to_numpy(bool)].reset_index(drop=True)
    grown, ended = _grown(dataset, as_of, timezone)
    frame.attrs |= {"past_milestones": ended, "past_milestones_grown": grown}
    return frame


def forecast_targets(
    dataset: Dataset,
    targets: Sequence[Target],
    *,
    as_of: AsOf,
    seed: int = SEED,
    method: str = "bursts",
    window_days: int = WINDOW_DAYS,
    timezone: str | None = None,
    types: Iterable[str] | str | None = None,
    draws: int = DRAWS,
    past: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Forecast any targets: one row each, in their order, as `forecast` gives them."""
    timezone = zone_of(dataset, timezone)
    at = replay.instant(as_of, timezone)
    day = replay.last_day(as_of, timezone).to_datetime64().astype("datetime64[D]")
    closes = close_days(dataset, at, timezone=timezone, types=types)
    calendar = _calendar(_days_off(dataset), closes, day)
    stays = _stays_of(dataset, targets, at, timezone, types)
    ahead = calendar.exposure(day + _DAY, HORIZON_DAYS)
    attrs: dict[str, Any] = {"as_of": str(day), "seed": seed, "method": method}
    attrs |= {"timezone": timezone, "simulated": bool(dataset.simulated)}
    if len(targets) == 1:
        attrs["history"] = _history(stays[0], day, window_days)
    outcomes = _outcomes_of(past, method, str(day))
    rows = []
    for target, stay in zip(targets, stays, strict=True):
        window = _window(stay, target.start, day, calendar, window_days)
        remaining = int(stay.remaining(np.array([day]))[0])
        row = _inputs(target, window, remaining, calendar.quiet)
        note = _too_little(window)
        if remaining == 0 and window is not None:
            row |= _done(stay, target, day)
        elif target.closed:
            row["note"] = f"closed; still open in it: {remaining}"
        elif note is not None or window is None:
            row |= {"note": note, "chance_by_due_date": 0.0 if target.due <= day else None}
        else:
            settings: dict[str, Any] = {"method": method, "draws": draws}
            settings["seed"] = _seeds(seed, target)
            days = futures.days_to_finish(window.past, remaining, ahead, **settings)
            chosen, told = np.arange(len(days)), 1.0
            learned = _learned(outcomes, target)
            if learned is not None:
                shares, row["shifted_by"] = learned
                told = shares[-1]
                chosen, days = futures.chosen_futures(days, shares)
            row |= _dates(days, target, day, told)
            if len(targets) == 1:
                attrs["fan"] = _fan(window.past, remaining, ahead, day, days, chosen, settings)
        rows.append(row)
    frame = _frame(rows, _TYPES)
    frame.attrs.update(attrs)
    return frame


def _outcomes_of(past: pd.DataFrame | None, method: str, day: str) -> Outcomes:
    if past is None:
        return []
    if past.attrs.get("as_of") != day or "outcomes" not in past.attrs:
        raise ConfigurationError(
            f"past: expected what backtest returns for {day}, got a frame of "
            f"{past.attrs.get('as_of', 'no day')} with columns {list(past.columns[:3])}"
        )
    found: Outcomes = past.attrs["outcomes"].get(method, [])
    return found


def _learned(outcomes: Outcomes, target: Target) -> tuple[Floats, int] | None:
    """Learn from the outcomes of other milestones."""
    others = [one for one in outcomes if one[0] not in target.milestones]
    if not others:
        return None
    milestone, level, done = (np.array(values) for values in zip(*others, strict=True))
    return futures.kept_shares(level, done, milestone)


def _check(method: str, seed: int, window_days: int, draws: int) -> None:
    if method not in METHODS:
        raise ConfigurationError(f"method: expected one of {list(METHODS)}, got {method!r}")
    for name, value, least in [
        ("seed", seed, 0), ("window_days", window_days, MIN_DAYS), ("draws", draws, 100)
    ]:  # fmt: skip
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise ConfigurationError(f"{name}: expected a whole number from {least}, got {value!r}")


def _inputs(target: Target, window: _Window | None, remaining: int, quiet: float) -> dict[str, Any]:
    row: dict[str, Any] = {
        "milestone_id": target.milestones[0] if len(target.milestones) == 1 else None,
        "title": target.title,
        "remaining": remaining,
        "due_date": target.due,
        "day_off_share": quiet,
    }
    if window is None or not len(window.past.left):
        return row
    past, days = window.past, len(window.past.left)
    left, came = int(past.left.sum()), int(past.came.sum())
    weeks = past.left[days % 7 :].reshape(-1, 7).sum(axis=1)
    spread = weeks.var(ddof=1) / weeks.mean() if len(weeks) >= 4 and weeks.any() else None
    return row | {
        "window_start_date": window.first,
        "window_days": days,
        "closed": window.closed,
        "removed": left - window.closed,
        "added": came,
        "closed_per_week": 7 * window.closed / days,
        "growth_per_week": 7 * (came - left + window.closed) / days,
        "dispersion": spread,
    }


def _done(stay: Stays, target: Target, day: np.datetime64) -> dict[str, Any]:
    emptied = stay.left.max()
    in_time = None if np.isnat(target.due) else float(emptied <= target.due)
    return dict.fromkeys(QUANTILES, day) | {
        "chance_by_due_date": in_time,
        "emptied_date": emptied,
        "note": "done: nothing is open",
    }


def _dates(days: Floats, target: Target, day: np.datetime64, told: float = 1.0) -> dict[str, Any]:
    """Give the dates, and why one is missing; past outcomes tell up to the share `told`."""
    row: dict[str, Any] = {
        name: _date_after(day, float(np.quantile(days, level, method="inverted_cdf")))
        for name, level in QUANTILES.items()
    }
    reasons: dict[str, list[str]] = {}
    for name, level in QUANTILES.items():
        if np.isnat(row[name]):
            reasons.setdefault(_BEYOND if level > told else _ENDLESS, []).append(name[:3])
    if reasons:
        row["note"] = "; ".join(f"{', '.join(names)}: {why}" for why, names in reasons.items())
    if not np.isnat(target.due):
        row["chance_by_due_date"] = float(np.mean(days <= (target.due - day).astype(int)))
    return row


def _history(stay: Stays, day: np.datetime64, longest: int) -> list[list[Any]]:
    """Give remaining work by day up to `day`, for the chart."""
    if not len(stay.came):
        return []
    first = max(stay.came.min(), day - longest)
    days = np.arange(first, day + _DAY)
    counts = stay.remaining(days)
    return [[str(one), int(count)] for one, count in zip(days, counts, strict=True)]


FAN = (0.05, 0.15, 0.5, 0.85, 0.95)


def _fan(
    past: Past,
    remaining: int,
    ahead: Floats,
    day: np.datetime64,
    days: Floats,
    chosen: npt.NDArray[np.int64],
    settings: dict[str, Any],
) -> list[list[Any]]:
    """Give quantiles of the remaining work by day: date, then one value per level of `FAN`."""
    reach = min(float(np.quantile(days, 0.97, method="inverted_cdf")), 2 * 365.0)
    left = futures.paths(past, remaining, ahead[: int(np.ceil(reach))], **settings)[chosen]
    levels = np.quantile(left, FAN, axis=0, method="inverted_cdf").T
    return [[str(day), *[remaining] * len(FAN)]] + [
        [str(day + place + 1), *map(float, values)] for place, values in enumerate(levels)
    ]


def _grown(dataset: Dataset, as_of: AsOf, timezone: str) -> tuple[int, int]:
    """Count milestones due by `as_of`, and those of them that grew after their start."""
    progress = milestone_progress(dataset, as_of=as_of, timezone=timezone)
    day = replay.last_day(as_of, timezone)
    past = progress[(progress["due_date"] <= day).to_numpy()]
    past = past[past["committed"].notna() & (past["scope"] + past["removed_after_start"] > 0)]
    return int((past["added_after_start"] > past["removed_after_start"]).sum()), len(past)


_TYPES = {
    "milestone_id": "Int64",
    "title": "str",
    "remaining": "int64",
    "due_date": "datetime64[us]",
    **dict.fromkeys(QUANTILES, "datetime64[us]"),
    "chance_by_due_date": "float64",
    "window_start_date": "datetime64[us]",
    **dict.fromkeys(["window_days", "closed", "removed", "added"], "Int64"),
    **dict.fromkeys(
        ["closed_per_week", "growth_per_week", "dispersion", "day_off_share"], "float64"
    ),
    "shifted_by": "Int64",
    "emptied_date": "datetime64[us]",
    "note": "str",
}


def _frame(rows: list[dict[str, Any]], types: dict[str, str]) -> pd.DataFrame:
    """Make a frame of rows in which values may be missing, with its types whatever they hold."""
    columns: dict[str, Any] = {}
    for name, kind in types.items():
        values = [row.get(name) for row in rows]
        if kind.startswith("datetime64"):
            columns[name] = np.array([_NAT if v is None else v for v in values], dtype=kind)
        else:
            columns[name] = pd.Series(values, dtype=cast("Any", kind))
    return pd.DataFrame(columns)


# Backtest -----------------------------------------------------------------------------------------


def backtest_forecasts(
    dataset: Dataset,
    *,
    as_of: AsOf,
    seed: int = SEED,
    methods: Iterable[str] = tuple(METHODS),
    every_days: int = 14,
    window_days: int = WINDOW_DAYS,
    timezone: str | None = None,
    types: Iterable[str] | str | None = None,
    draws: int = 1000,
) -> pd.DataFrame:
    """Forecast every milestone on past days, each time from what was known then.

    Parameters
    ----------
    dataset : Dataset
    as_of : date or aware timestamp
        Outcomes after it are not known.
    seed : int
    methods : list of str
        Those of `forecast` to compare.
    every_days : int
        Forecasts are made this often, counted back from `as_of`.
    window_days, timezone, types, draws
        As in `forecast`.

    Returns
    -------
    DataFrame
        One row per method, milestone and day of asking on which work remained, sorted so:
        `method`, `milestone_id`, `asked_date`, `remaining`, `p50_date`, `p85_date`, `p95_date`
        (NaT: too little data then, or beyond five years), `answered` (whether dates were given),
        `shifted_p50_date` and so on (shifted by the outcomes known on that day) with `shifted_by`
        (as in `forecast`; NA: not shifted then), `actual_date` (the first day after with nothing
        open; NaT: not by `as_of`).

        `attrs["outcomes"]` holds what `forecast` learns from: per method a list of milestone,
        share of the futures that had ended when it was done (or by `as_of`), and whether it was.

    Raises
    ------
    ConfigurationError
        As in `forecast`.
    """
    timezone = zone_of(dataset, timezone)
    methods = list(methods)
    for method in methods:
        _check(method, seed, window_days, draws)
    at = replay.instant(as_of, timezone)
    last = replay.last_day(as_of, timezone).to_datetime64().astype("datetime64[D]")
    targets = _of_milestones(replay.milestones_at(dataset, at), at)
    stays = _stays_of(dataset, targets, at, timezone, types)
    closes, off = close_days(dataset, at, timezone=timezone, types=types), _days_off(dataset)
    first = min((stay.came.min() for stay in stays if len(stay.came)), default=last)
    rows: list[dict[str, Any]] = []
    answers: dict[str, list[_Answer]] = {method: [] for method in methods}
    for day in np.arange(last - every_days, first, -every_days)[::-1]:
        then = replay.instant(str(day), timezone)
        known = replay.milestones_at(dataset, then)
        start = dict(
            zip(known["milestone_id"], known["start_date"].to_numpy().astype("datetime64[D]"),
                strict=True)
        )  # fmt: skip
        over = set(known.loc[known["draft"] | _closed(known, then), "milestone_id"])
        calendar = _calendar(off, closes, day)
        ahead = calendar.exposure(day + _DAY, HORIZON_DAYS)
        outcomes = {method: _outcomes(answers[method], day) for method in methods}
        for target, whole in zip(targets, stays, strict=True):
            stay = whole.until(day)
            (key,) = target.milestones
            remaining = int(stay.remaining(np.array([day]))[0])
            if not remaining or key in over:
                continue
            window = _window(stay, start[key], day, calendar, window_days)
            asked = {"milestone_id": key, "asked_date": day, "remaining": remaining}
            asked["actual_date"] = whole.emptied_after(day)
            for method in methods:
                row = asked | {"method": method, "answered": _too_little(window) is None}
                rows.append(row)
                if window is None or not row["answered"]:
                    continue
                days = futures.days_to_finish(
                    window.past, remaining, ahead, method=method, draws=draws,
                    seed=[*_seeds(seed, target), int(day.astype(int))],
                )  # fmt: skip
                undated = target._replace(due=_NAT)
                row |= _dates(days, undated, day)
                answers[method].append(_Answer(key, day, np.sort(days), asked["actual_date"]))
                learned = _learned(outcomes[method], target)
                if learned is not None:
                    shares, row["shifted_by"] = learned
                    _, days = futures.chosen_futures(days, shares)
                    shifted = _dates(days, undated, day)
                    row |= {f"shifted_{name}": shifted[name] for name in QUANTILES}
    frame = _frame(rows, _ASKED)
    frame = frame.sort_values(["method", "milestone_id", "asked_date"], ignore_index=True)
    frame.attrs.update(replay.about(dataset, as_of, timezone), seed=seed, every_days=every_days)
    frame.attrs["outcomes"] = {method: _outcomes(answers[method], last) for method in methods}
    return frame


_ASKED = {
    "method": "str",
    "milestone_id": "int64",
    "asked_date": "datetime64[us]",
    "remaining": "int64",
    **dict.fromkeys(QUANTILES, "datetime64[us]"),
    "answered": "bool",
    **{f"shifted_{name}": "datetime64[us]" for name in QUANTILES},
    "shifted_by": "Int64",
    "actual_date": "datetime64[us]",
}


class _Answer(NamedTuple):
    """A forecast made on a past day: its futures, in order, and what came of it."""

    milestone: int
    asked: np.datetime64
    days: Floats
    actual: np.datetime64


def _outcomes(answers: list[_Answer], day: np.datetime64) -> Outcomes:
    """Tell at which share of its futures each outcome lay, or lies above, as known on a day."""
    return [
        (one.milestone, _level(one, one.actual if done else day, done), done)
        for one in answers
        for done in [bool(one.actual <= day)]  # never, where it is NaT
    ]


def _level(answer: _Answer, day: np.datetime64, done: bool) -> float:
    """Give the share of futures over by a day; of those over on the actual one, half."""
    passed = (day - answer.asked).astype(int)
    over = np.searchsorted(answer.days, [passed - 1, passed], "right") / len(answer.days)
    return float(over.mean() if done else over[1])


def backtest(dataset: Dataset, *, as_of: AsOf, seed: int = SEED, **settings: Any) -> pd.DataFrame:
    """Count how often forecasts held over the dataset's own past.

    Parameters
    ----------
    dataset : Dataset
    as_of : date or aware timestamp
    seed : int
    **settings
        As in `backtest_forecasts`: `methods`, `every_days`, `window_days`, `timezone`, `types`,
        `draws`.

    Returns
    -------
    DataFrame
        One row per method and quantile, sorted so:

        - `method`, `quantile` (0.5, 0.85, 0.95): what the dates promised
        - `forecasts`: dates that lay on or before `as_of`, so that it is known whether they held
        - `held`, `coverage`: how many of them did, and their share; NA where there are none
        - `low`, `high`: 95 % interval of the share
        - `milestones`: from how many milestones these forecasts come
        - `pending`: dates that lie after `as_of`
        - `unanswered`: forecasts that said that there was too little data
        - `shifted_forecasts`, `shifted_held`, `shifted_coverage`, `shifted_low`, `shifted_high`,
          `shifted_milestones`: the same for the dates that `forecast` would have given with the
          `past` of that day, where that was enough to shift them

        Give the frame as `past` to `forecast`: dates are then shifted by these outcomes.

    Raises
    ------
    ConfigurationError
        As in `forecast`.

    Notes
    -----
    A date counts once it has passed, whether or not its milestone ever finished: leaving out
    unfinished milestones, or counting those that finished before their date has passed, would
    praise the forecast. The interval is Wilson's, for as many independent forecasts as the
    scatter between milestones leaves: forecasts of one milestone hold and fail together.

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> backtest(Dataset({}), as_of="2025-03-10", seed=1)["forecasts"].sum()
    np.int64(0)
    """
    asked = backtest_forecasts(dataset, as_of=as_of, seed=seed, **settings)
    last = pd.Timestamp(asked.attrs["as_of"])
    rows = []
    for method in sorted(settings.get("methods", METHODS)):
        mine = asked[(asked["method"] == method).to_numpy()]
        answered = mine[mine["answered"].to_numpy()]
        for name, quantile in QUANTILES.items():
            plain, shifted = _kept(answered, name, last), _kept(answered, f"shifted_{name}", last)
            rows.append(
                {"method": method, "quantile": quantile}
                | plain
                | {"pending": len(answered) - plain["forecasts"]}
                | {"unanswered": len(mine) - len(answered)}
                | {f"shifted_{key}": value for key, value in shifted.items()}
            )
    frame = pd.DataFrame(rows)
    frame.attrs.update(asked.attrs)
    return frame


def _kept(asked: pd.DataFrame, name: str, last: pd.Timestamp) -> dict[str, Any]:
    """Count the dates of a column that have passed, and how many held."""
    due = asked[(asked[name] <= last).to_numpy()]
    held = (due["actual_date"] <= due[name]).to_numpy()
    low, high = _wilson(held, due["milestone_id"].to_numpy())
    return {
        "forecasts": len(due), "held": int(held.sum()),
        "coverage": held.mean() if len(due) else np.nan, "low": low, "high": high,
        "milestones": due["milestone_id"].nunique(),
    }  # fmt: skip


def _wilson(held: npt.NDArray[np.bool_], group: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Give Wilson's 95 % interval of a share, for forecasts that hold and fail in groups."""
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
