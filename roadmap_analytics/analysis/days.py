"""Instants, calendar days, and the working calendar: the only module that knows time zones.

Three rules keep time simple everywhere else:

- Instants (``_at``) are UTC. An ``as_of`` becomes one instant, the first that it no longer covers
  (`instant`); whatever happened strictly before it counts.
- Calendar days (``_date``) are midnights without zone. Which day an instant lies in depends on the
  zone of the call: the one it names, else ``[calendar] timezone`` of the dataset, else UTC
  (`zone_of`).
- There is one working calendar per dataset (`working_days`). The ideal line, working days left,
  capacity and forecasts all use it.

Most code needs none of these functions directly: `view.View` holds the instant, the day and the
zone of a call.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from roadmap_analytics.arguments import short
from roadmap_analytics.errors import ConfigurationError
from roadmap_analytics.frames import Dataset, given

AsOf: TypeAlias = dt.date | pd.Timestamp | str
"""A calendar day (its end is meant) or an aware timestamp."""

Days: TypeAlias = npt.NDArray[np.datetime64]
"""Calendar days as ``datetime64[D]``: plain numbers of days, so that arithmetic is exact."""

Bools: TypeAlias = npt.NDArray[np.bool_]
Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

FAR_DAYS = 18_262
"""Fifty years. Rows per day or week never reach farther than this from what happened: trackers are
younger (issues imported from older ones included), so a date farther off is a typing error (year
0202) or means "never" (9999-12-31)."""

# Some zones skip or repeat midnight when clocks change. A day begins at its first instant: hence
# ``nonexistent="shift_forward"`` and ``ambiguous=True`` (summer time, the earlier one) below.
# Year 10000 cannot be localised, which the end of 9999-12-31 in zones west of UTC would need.
_LAST_DAY = pd.Timestamp("9999-12-29").as_unit("us")
_US_PER_DAY = 86_400_000_000
_WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ISO = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([T ].*)?")


def instant(as_of: AsOf, timezone: str = "UTC", name: str = "as_of") -> pd.Timestamp:
    """Return the first instant that `as_of` no longer covers.

    Parameters
    ----------
    as_of : date, aware timestamp, or either as ISO text
        A date means the end of that day in `timezone`; a timestamp is itself covered.
    timezone : str
        Any IANA name, for example ``Europe/Stockholm``.
    name : str
        The argument that an error is about.

    Returns
    -------
    Timestamp
        In UTC; events strictly before it count.

    Raises
    ------
    ConfigurationError
        For a time of day without zone, a missing value, or an unknown zone.

    Examples
    --------
    >>> instant("2025-03-30", "Europe/Stockholm")
    Timestamp('2025-03-30 22:00:00+0000', tz='UTC')
    >>> instant("2025-03-30T12:00:00+02:00")
    Timestamp('2025-03-30 10:00:00.000001+0000', tz='UTC')
    """
    stamp = _timestamp(as_of, name)
    if stamp.tzinfo is not None:
        # Microseconds reach far beyond the 23rd century, where nanoseconds end.
        return stamp.tz_convert("UTC").floor("us").as_unit("us") + pd.Timedelta(1, "us")
    midnight = (min(stamp.as_unit("us"), _LAST_DAY) + pd.Timedelta(1, "D")).tz_localize(
        _zone(timezone), nonexistent="shift_forward", ambiguous=True
    )
    return midnight.tz_convert("UTC").as_unit("us")


def last_day(as_of: AsOf, timezone: str = "UTC", name: str = "as_of") -> pd.Timestamp:
    """Return the calendar day in `timezone` that `as_of` lies in, as a midnight without zone.

    Examples
    --------
    >>> last_day("2025-03-30T23:30:00+00:00", "Europe/Stockholm")
    Timestamp('2025-03-31 00:00:00')
    """
    stamp = _timestamp(as_of, name)
    if stamp.tzinfo is not None:
        stamp = stamp.tz_convert(_zone(timezone)).tz_localize(None)
    return stamp.normalize().as_unit("us")


def _timestamp(as_of: AsOf, name: str) -> pd.Timestamp:
    # Pandas reads "today" as a clock, 01/02/2026 as January, and numbers as nanoseconds.
    read = isinstance(as_of, (dt.date, np.datetime64)) or (
        isinstance(as_of, str) and _ISO.fullmatch(as_of.strip())
    )
    try:
        stamp = pd.Timestamp(as_of if read else "NaT")
    except (TypeError, ValueError):
        stamp = pd.Timestamp("NaT")
    if pd.isna(stamp):
        raise ConfigurationError(
            f"{name}: expected a date or a timestamp with zone, got {short(as_of)}; "
            "write 2025-11-11"
        )
    if stamp.tzinfo is None and stamp != stamp.normalize():
        raise ConfigurationError(
            f"{name}: expected a date or a timestamp with zone, got {short(as_of)}, whose time has "
            "no zone; add one (2025-11-11T12:00+01:00) or leave out the time"
        )
    return stamp


def zone_of(dataset: Dataset, timezone: str | None = None) -> str:
    """Return the zone whose days a call means: its own, else the dataset's, else UTC.

    Parameters
    ----------
    dataset : Dataset
        Its ``[calendar] timezone`` is the default.
    timezone : str, optional
        An IANA name.

    Raises
    ------
    ConfigurationError
        For a name that is no time zone.

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> swedish = Dataset({}, {"config": {"calendar": {"timezone": "Europe/Stockholm"}}})
    >>> zone_of(swedish), zone_of(swedish, "UTC"), zone_of(Dataset({}))
    ('Europe/Stockholm', 'UTC', 'UTC')
    """
    if timezone is not None:
        return _zone(timezone)
    return _zone((given(dataset).config.get("calendar") or {}).get("timezone") or "UTC")


def _zone(timezone: str) -> str:
    try:
        return ZoneInfo(timezone).key
    except (KeyError, ValueError, TypeError, OSError):
        raise ConfigurationError(
            f"timezone: expected an IANA name such as Europe/Stockholm, got {timezone!r}"
        ) from None


def day_ends(days: pd.Series[Any], timezone: str = "UTC") -> pd.Series[Any]:
    """Return the first instant after each calendar day of `timezone`, in UTC; missing stays so.

    Examples
    --------
    >>> day_ends(pd.Series(pd.to_datetime(["2025-03-30"])), "Europe/Stockholm").tolist()
    [Timestamp('2025-03-30 22:00:00+0000', tz='UTC')]
    """
    first = days.mask(days > _LAST_DAY, _LAST_DAY) + pd.Timedelta(1, "D")
    midnights = first.dt.tz_localize(
        _zone(timezone), nonexistent="shift_forward", ambiguous=np.ones(len(days), dtype=bool)
    )
    return midnights.dt.tz_convert("UTC").dt.as_unit("us")


def days_of(at: pd.Series[Any], timezone: str = "UTC") -> Days:
    """Return the calendar day of each instant in `timezone`, as ``datetime64[D]``.

    Examples
    --------
    >>> at = pd.Series(pd.to_datetime(["2025-06-01T22:30:00Z"]))
    >>> days_of(at, "Europe/Stockholm")
    array(['2025-06-02'], dtype='datetime64[D]')
    """
    if timezone == "UTC":  # whole columns without any calendar: 40 times as fast
        return (ticks(at) // _US_PER_DAY).view("datetime64[D]")
    local = at.dt.tz_convert(_zone(timezone)).dt.tz_localize(None)
    return np.asarray(local.to_numpy(), dtype="datetime64[D]")


def dates_of(dates: pd.Series[Any]) -> Days:
    """Return a column of calendar days (``_date``) as ``datetime64[D]``; missing ones are NaT."""
    return np.asarray(dates.to_numpy(), dtype="datetime64[D]")


def day_numbers(days: Days) -> Floats:
    """Return days as days since 1970; nan where they are missing.

    Examples
    --------
    >>> day_numbers(np.array(["1970-01-03", "NaT"], dtype="datetime64[D]"))
    array([ 2., nan])
    """
    return np.where(np.isnat(days), np.nan, days.astype(np.int64))


def day64(day: pd.Timestamp) -> np.datetime64:
    """Return one calendar day as ``datetime64[D]``; NaT where it is missing."""
    found: np.datetime64 = day.to_datetime64().astype("datetime64[D]")
    return found


def ticks(at: pd.Series[Any]) -> Ints:
    """Return instants as microseconds since 1970, which compare and sort faster than timestamps."""
    return at.to_numpy(dtype="datetime64[us]").view(np.int64)


def working_days(dataset: Dataset, away: Iterable[Any] = ()) -> np.busdaycalendar:
    """Return the working days of a dataset, less days on which one person is away.

    Parameters
    ----------
    dataset : Dataset
        Its ``[calendar]``: `workdays` (Monday to Friday by default), less `holidays`, less named
        periods whose name says holiday (``"summer holidays" = "2026-07-06/2026-08-09"``).
    away : list of days
        Further days off, for one person.

    Returns
    -------
    numpy.busdaycalendar
        For `numpy.is_busday`, `numpy.busday_count` and the like.

    Raises
    ------
    ConfigurationError
        Where the calendar of the dataset is ill-formed.

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> periods = {"summer holidays": "2026-07-06/2026-08-09", "freeze": "2026-06-01/2026-06-05"}
    >>> calendar = working_days(Dataset({}, {"config": {"calendar": {"periods": periods}}}))
    >>> int(np.busday_count("2026-06-01", "2026-08-17", busdaycal=calendar))
    30
    """
    settings = dataset.config.get("calendar") or {}
    try:
        workdays = {str(day)[:3].lower() for day in settings.get("workdays", _WEEK[:5])}
        single = [str(day)[:10] for day in (*settings.get("holidays", []), *away)]
        free = [np.array(single, dtype="datetime64[D]")]
        for name, span in (settings.get("periods") or {}).items():
            if "holiday" in name.lower():  # other periods name targets ("before the freeze")
                first, _, last = str(span).partition("/")
                free.append(np.arange(np.datetime64(first, "D"), np.datetime64(last, "D") + 1))
        return np.busdaycalendar([day in workdays for day in _WEEK], np.concatenate(free))
    except (TypeError, ValueError, AttributeError) as error:
        raise ConfigurationError(
            f"[calendar] of the dataset: expected days such as 2026-12-24, got {settings!r} "
            f"({error}); correct roadmap.toml and export again"
        ) from None
