"""What changed between two days, per milestone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from roadmap_analytics.analysis.days import AsOf
from roadmap_analytics.analysis.forecast.forecast import forecast
from roadmap_analytics.analysis.progress import milestone_progress
from roadmap_analytics.analysis.view import View
from roadmap_analytics.errors import ConfigurationError
from roadmap_analytics.frames import Dataset

_REVIEW_DAYS = 14
"""A meeting compares with an export at least so old: nightly exports differ by a day of work."""

_ISSUES = ("closed", "reopened", "added", "removed", "moved_on")
_TYPES: dict[str, Any] = {
    **{"milestone_id": "int64", "title": "str", "web_url": "str", "state_before": "str"},
    **{"state": "str", "draft": "bool"},
    **{"remaining_before": "Int64", "remaining": "int64", "scope_before": "Int64"},
    **{"scope": "int64", "due_date_before": "datetime64[us]", "due_date": "datetime64[us]"},
    **{"chance_before": "float64", "chance": "float64"},
    **{"p50_date_before": "datetime64[us]", "p50_date": "datetime64[us]"},
    **dict.fromkeys(_ISSUES, "int64"),
    **dict.fromkeys([f"{name}_issues" for name in _ISSUES], "object"),
}


def changes(
    dataset: Dataset,
    *,
    since: AsOf,
    as_of: AsOf,
    timezone: str | None = None,
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Compare every milestone at `as_of` with what was known of it at `since`.

    Parameters
    ----------
    dataset : Dataset
    since, as_of : date or aware timestamp
        The earlier and the later day; a date means its end in `timezone`. Nothing after a day
        matters to what is said of it.
    timezone : str, optional
        IANA name; by default that of the dataset's ``[calendar]``, else UTC.
    types : str or list of str, optional
        Work item types to count; all by default.

    Returns
    -------
    DataFrame
        One row per milestone that existed by `as_of`, sorted by `milestone_id`:

        - `title`, `web_url`, `draft`, and `state_before`, `state` (active, closed; NA before it
          was known)
        - `remaining_before`, `remaining`, `scope_before`, `scope`: issues; NA before it existed
        - `due_date_before`, `due_date`: as the exports had seen them
        - `chance_before`, `chance`: of the due date of that day, between 0 and 1, and
          `p50_date_before`, `p50_date`: as `forecast` gives them for active milestones that are
          no drafts; NA elsewhere
        - `added`, `removed`: issues in scope on one of the two days only, so that
          scope = scope_before + added - removed
        - `moved_on`: those of `removed` that were open and are in another milestone now
        - `closed`: issues in scope at `as_of` that are closed and were not at `since`
        - `reopened`: issues in scope on both days that were closed at `since` and are open now
        - `closed_issues`, `reopened_issues`, `added_issues`, `removed_issues`,
          `moved_on_issues`: tuples of their ids, ascending

        Only the two days are compared: what was added and removed in between does not show.

    Raises
    ------
    ConfigurationError
        Where `since` does not lie before `as_of`, for an unknown zone, or a day that is none.

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> changes(Dataset({}), since="2025-03-10", as_of="2025-03-24").empty
    True
    """
    now = View.of(dataset, as_of, timezone, types)
    before = View.of(dataset, since, timezone, types, name="since")
    if before.at >= now.at:
        raise ConfigurationError(
            f"since: expected a day before as_of ({now.day.date()}), got {before.day.date()}"
        )
    frame = _figures(now, as_of).join(_figures(before, since).add_suffix("_before"))
    frame = frame.join(_issues_behind(before, now))
    for name in _ISSUES:
        frame[f"{name}_issues"] = [
            ids if isinstance(ids, tuple) else () for ids in frame[f"{name}_issues"]
        ]
        frame[name] = frame[f"{name}_issues"].map(len)
    frame = frame.reset_index()[list(_TYPES)].astype(_TYPES)
    return now.result(frame, since=str(before.day.date()))


def last_review(dataset: Dataset, *, as_of: AsOf) -> tuple[pd.Timestamp, str] | None:
    """Return the default day to compare `as_of` with, and what happened on it.

    Parameters
    ----------
    dataset : Dataset
    as_of : date or aware timestamp

    Returns
    -------
    (Timestamp, str) or None
        The day of the newest export at least two weeks before ("export"), else the date of the
        newest roadmap revision before that day ("roadmap revision"). None where there is neither.
        For documents alone it is the revision before the newest: only a revision changes them.

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> runs = [{"ended_at": f"2025-03-{day}T01:00:00Z"} for day in ("01", "05", "20")]
    >>> last_review(Dataset({}, {"runs": runs}), as_of="2025-03-20")
    (Timestamp('2025-03-05 00:00:00'), 'export')
    >>> last_review(Dataset({}), as_of="2025-03-20") is None
    True
    """
    view = View.of(dataset, as_of)
    revisions = dataset.revisions["revision"].sort_values()
    if dataset.documents_alone:
        known = revisions[(revisions <= view.day).to_numpy()]
        return (pd.Timestamp(known.iloc[-2]), "roadmap revision") if len(known) > 1 else None
    ended = pd.Series([run.get("ended_at") for run in dataset.manifest.get("runs") or []])
    ended = pd.to_datetime(ended.dropna(), utc=True, format="ISO8601")
    days = ended.dt.tz_convert(view.timezone).dt.tz_localize(None).dt.normalize()
    days = days[(days <= view.day - pd.Timedelta(_REVIEW_DAYS, "D")).to_numpy()]
    if len(days):
        return pd.Timestamp(days.max()), "export"
    revisions = revisions[(revisions < view.day).to_numpy()]
    return (pd.Timestamp(revisions.max()), "roadmap revision") if len(revisions) else None


def _figures(view: View, day: AsOf) -> pd.DataFrame:
    """Return what is known of each milestone on one day, by id."""
    asked: dict[str, Any] = {"as_of": day, "timezone": view.timezone, "types": view.types}
    progress = milestone_progress(view.dataset, **asked).set_index("milestone_id")
    dates = forecast(view.dataset, **asked).set_index("milestone_id")
    frame = progress[["title", "web_url", "state", "draft", "remaining", "scope", "due_date"]]
    return frame.assign(
        chance=dates["chance_by_due_date"].reindex(frame.index).astype("float64"),
        p50_date=dates["p50_date"].reindex(frame.index),
    )


def _issues_behind(before: View, now: View) -> pd.DataFrame:
    """Return the issues behind each kind of change, one tuple of ids per milestone and kind."""
    columns = ["milestone_id", "state"]
    both = before.state[columns].add_suffix("_before").join(now.state[columns], how="outer")
    # An issue outside every milestone is in the milestone -1, which no milestone is.
    was = both["milestone_id_before"].astype("Int64").fillna(-1).to_numpy(np.int64)
    is_in = both["milestone_id"].astype("Int64").fillna(-1).to_numpy(np.int64)
    shut_before = (both["state_before"] == "closed").to_numpy()
    shut = (both["state"] == "closed").to_numpy()
    stayed = was == is_in
    groups = {
        "closed": (is_in, shut & ~shut_before),
        "reopened": (is_in, stayed & ~shut & shut_before),
        "added": (is_in, ~stayed),
        "removed": (was, ~stayed),
        "moved_on": (was, ~stayed & (is_in != -1) & ~shut_before),
    }
    # Both states are sorted by issue, so the ids of each tuple ascend.
    return pd.DataFrame(
        {
            f"{name}_issues": pd.Series(both.index[rows], index=milestone[rows], dtype="int64")
            .groupby(level=0)
            .agg(tuple)
            for name, (milestone, rows) in groups.items()
        }
    )
