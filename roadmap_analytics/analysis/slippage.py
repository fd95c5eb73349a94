"""How target dates moved from revision to revision, and from export to export.

The method is milestone trend analysis: each revision of a plan is a report, each report has a
target per item, and what counts is how the target moves between reports. Positive days mean later.
A vague target is an interval and its latest day is the target. Nothing dated after `as_of` counts.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from roadmap_analytics.analysis.days import AsOf
from roadmap_analytics.analysis.view import View
from roadmap_analytics.arguments import frame_of
from roadmap_analytics.frames import Dataset

_SLIPPAGE = [
    *["item", "revision", "key", "kind", "title", "target_text", "target_start_date"],
    *["target_date", "slip_days", "total_slip_days", "status", "confidence", "deferred"],
    "present",
]


def _until(view: View, name: str) -> pd.DataFrame:
    """Return the rows of a roadmap frame that are dated at or before the day of the view."""
    frame = view.dataset[name]
    return frame[frame["revision"] <= view.day]


def _days(later: pd.Series[Any], earlier: pd.Series[Any]) -> pd.Series[Any]:
    return (later - earlier).dt.total_seconds() / 86400


def _moves(frame: pd.DataFrame, by: str, column: str) -> pd.DataFrame:
    """Add slip against the last date of the same thing, and against its first; in order of rows."""
    dates = frame[column]
    groups = dates.groupby(frame[by], sort=False)
    # Filled before it is shifted: what has no date in one report is measured against the last one.
    before = groups.ffill().groupby(frame[by], sort=False).shift()
    first = groups.transform("first")
    return frame.assign(
        slip_days=_days(dates, before),
        total_slip_days=_days(dates, first).where(before.notna()),
    )


def slippage(dataset: Dataset, *, as_of: AsOf, timezone: str | None = None) -> pd.DataFrame:
    r"""Follow every item of the roadmap over its revisions.

    Parameters
    ----------
    dataset : Dataset
        Needs `roadmap_items`, `item_matches` and `revisions`.
    as_of : date or aware timestamp
        Revisions dated later do not exist.
    timezone : str, optional
        IANA name of the zone whose days are meant; by default that of the dataset's
        ``[calendar]``, else UTC.

    Returns
    -------
    DataFrame
        One row per tracked item and revision, sorted by both:

        - `item`: stable id (revision and key of the first appearance).
        - `revision`, `key`, `kind`, `title`, `target_text`, `target_start_date`, `target_date`,
          `deferred`: as in that revision. In the row of status dropped the key and title are the
          last known ones, and there is no target.
        - `slip_days`: target against the item's last known target; NA for the first one and in
          revisions without a date, which keep their place. Positive is later.
        - `total_slip_days`: against the item's first target; the sum of its `slip_days`.
        - `status`: new, continued, renamed, split (part of an earlier item, whose last target it is
          measured against), merged (several items became this one; an item that is absorbed has a
          last row with the key of the one it went into), dropped (no longer listed, or listed as
          dropped, cancelled or the like), returned, done (the document
          says so, a later one says so of an item that it no longer lists, or the item's milestone
          is closed). An item that was listed as done or dropped has no further row when it goes.
        - `present`: whether the revision lists the item. The last rows of what was dropped,
          absorbed, or said to be done elsewhere are not present.
        - `confidence`: from 0 to 1, of the match with the earlier revision; NA where there is none.

    Notes
    -----
    Milestone trend analysis. Matching and its order of evidence: `roadmap_analytics.roadmap`.

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> from roadmap_analytics.roadmap.tables import parse
    >>> text = "# Plan\n\n1. Docs by end of {}\n"
    >>> frames = parse([{"name": f"2025-0{m}-01.md", "text": text.format(month)}
    ...                 for m, month in ((2, "May"), (4, "July"))])
    >>> rows = slippage(Dataset(frames), as_of="2025-12-31")
    >>> rows[["item", "target_date", "slip_days", "status"]]
               item target_date  slip_days     status
    0  2025-02-01/1  2025-05-31        NaN        new
    1  2025-02-01/1  2025-07-31       61.0  continued
    """
    view = View.of(dataset, as_of, timezone)
    items = _until(view, "roadmap_items")
    matches = _until(view, "item_matches")
    days = sorted(_until(view, "revisions")["revision"])
    ids = {
        (day, key): item
        for day, key, item in items[["revision", "key", "item"]].itertuples(index=False)
    }
    rows = _appearances(items, matches, ids, _given_up(view))
    absorbed = _absorbed(items, matches, ids)
    rows += absorbed + _gone(rows, absorbed, days, _finished(view, ids))
    frame = pd.DataFrame(rows, columns=[*_SLIPPAGE, "before"])
    for column in ("revision", "target_start_date", "target_date"):
        frame[column] = frame[column].astype("datetime64[us]")
    frame = frame.sort_values(["revision", "item"], kind="stable", ignore_index=True)
    frame = _measured(frame)
    kinds = dict.fromkeys(["item", "key", "kind", "title", "target_text", "status"], "str")
    kinds |= dict.fromkeys(["confidence", "slip_days", "total_slip_days"], "float64")
    frame = frame.astype(kinds | {"deferred": "bool", "present": "bool"})
    frame = frame.sort_values(["item", "revision"], kind="stable", ignore_index=True)
    return view.result(frame[_SLIPPAGE])


def _given_up(view: View) -> set[tuple[Any, ...]]:
    """Return revision, key and title of the items that a document lists as dropped."""
    said = _until(view, "carry_over")
    said = said[said["status"].eq("dropped") & said["key"].notna()]
    return set(said[["revision", "key", "text"]].itertuples(index=False, name=None))


def _appearances(
    items: pd.DataFrame,
    matches: pd.DataFrame,
    ids: dict[Any, str],
    given_up: set[tuple[Any, ...]],
) -> list[dict[str, Any]]:
    """Return a row per item of each revision, with what the match says of it."""
    found: dict[Any, list[Any]] = {}
    for match in matches.itertuples(index=False):
        found.setdefault((match.revision, match.key), []).append(match)
    out = []
    for row in items.to_dict("records"):
        place = (row["revision"], row["key"])
        # Of several matches the one that the item's id comes from is first, then the surest.
        origins = [
            (ids.get((m.previous_revision, m.previous_key)), m.confidence, m.kind)
            for m in found.get(place, [])
        ]
        origins.sort(key=lambda origin: (origin[0] != row["item"], -origin[1]))
        before, confidence, kind = origins[0] if origins else (None, np.nan, "new")
        # What is unusual about one match is said of the item.
        kinds = [kind for _, _, kind in origins]
        status = next((k for k in ("returned", "merged", "split") if k in kinds), kind)
        status = "continued" if status == "same" else status
        if (*place, row["title"]) in given_up:
            status = "dropped"
        if row["done"]:
            status = "done"
        out.append(_row(row, status=status, confidence=confidence, present=True, before=before))
    return out


def _row(row: dict[Any, Any], **more: Any) -> dict[str, Any]:
    return {name: row.get(name) for name in _SLIPPAGE} | more


def _absorbed(
    items: pd.DataFrame, matches: pd.DataFrame, ids: dict[Any, str]
) -> list[dict[str, Any]]:
    """Return a last row for each item that went into another one."""
    present = items.groupby("revision")["item"].agg(set).to_dict()
    rows = {(row["revision"], row["key"]): row for row in items.to_dict("records")}
    out = {}  # by item and revision: one that went into several others ends once
    for match in matches.itertuples(index=False):
        item = ids.get((match.previous_revision, match.previous_key))
        if item is None or item in present.get(match.revision, set()):
            continue
        out[item, match.revision] = _row(
            rows[match.revision, match.key], item=item, status="merged",
            confidence=match.confidence, present=False, before=item,
        )  # fmt: skip
    return list(out.values())


def _finished(view: View, ids: dict[Any, str]) -> dict[str, set[pd.Timestamp | None]]:
    """Map items that something else says are done to the revisions that say so.

    None where it is the item's milestone: GitLab keeps no day on which a milestone was closed.
    """
    seen = view.observed.drop_duplicates("milestone_id", keep="last")
    closed = set(seen.loc[seen["state"] == "closed", "milestone_id"])
    milestones = view.dataset["milestones"]
    urls = set(milestones.loc[milestones["milestone_id"].isin(closed), "web_url"])
    linked = _until(view, "roadmap_milestones")
    linked = linked[linked["url"].isin(urls) & linked["key"].notna()]
    out: dict[str, set[pd.Timestamp | None]] = {
        ids[place]: {None}
        for place in linked[["revision", "key"]].itertuples(index=False, name=None)
        if place in ids
    }
    days = sorted({day for day, _ in ids})
    before = dict(zip(days[1:], days, strict=False))
    said = _until(view, "carry_over")
    said = said[said["status"].eq("done") & said["previous_key"].notna()]
    for day, key in said[["revision", "previous_key"]].itertuples(index=False, name=None):
        if (item := ids.get((before.get(day), key))) is not None:
            out.setdefault(item, set()).add(day)  # an item that came back may be done twice
    return out


def _gone(
    rows: Sequence[dict[str, Any]],
    absorbed: Sequence[dict[str, Any]],
    days: Sequence[pd.Timestamp],
    finished: dict[str, set[pd.Timestamp | None]],
) -> list[dict[str, Any]]:
    """Return a row at the first revision of each absence, unless the item was done before."""
    seen: dict[str, dict[pd.Timestamp, dict[str, Any]]] = {}
    for row in rows:
        seen.setdefault(row["item"], {})[row["revision"]] = row
    ended = {(row["item"], row["revision"]) for row in absorbed}
    out = []
    for item, by_day in seen.items():
        for day, following in itertools.pairwise(days):
            absent = day in by_day and following not in by_day and (item, following) not in ended
            if not absent or by_day[day]["status"] in ("done", "dropped"):
                continue
            done = not finished.get(item, set()).isdisjoint((None, following))
            no_target = dict.fromkeys(["target_text", "target_start_date", "target_date"])
            out.append(
                _row(
                    by_day[day] | no_target, revision=following,
                    status="done" if done else "dropped", confidence=np.nan, present=False,
                    before=item,
                )
            )  # fmt: skip
    return out


def _measured(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the slips, revision by revision; what was split off is measured against its origin."""
    last: dict[str, pd.Timestamp] = {}
    first: dict[str, pd.Timestamp] = {}
    slips, totals = [], []
    for _, group in frame.groupby("revision", sort=True):
        # Noted after the revision: parts that are split off one item in it are all measured
        # against the target that the item had before, not against each other's.
        seen: list[tuple[str, pd.Timestamp, pd.Timestamp]] = []
        for item, before, target in group[["item", "before", "target_date"]].itertuples(
            index=False
        ):
            origin = before if isinstance(before, str) else item
            known, start = last.get(origin), first.get(origin, target)
            has = pd.notna(target)
            slips.append((target - known).days if has and known is not None else np.nan)
            totals.append((target - start).days if has and known is not None else np.nan)
            known = target if has else known
            if known is not None:
                seen.append((item, known, start))
        for item, known, start in seen:
            last[item], first[item] = known, start
    return frame.assign(
        slip_days=np.array(slips, dtype=float), total_slip_days=np.array(totals, dtype=float)
    )


def slip_per_revision(frame: pd.DataFrame) -> pd.DataFrame:
    """Sum up, for each revision, what its items did.

    Parameters
    ----------
    frame : DataFrame
        What `slippage` returns.

    Returns
    -------
    DataFrame
        One row per revision: `items`, `dated` (with a target), `later`, `earlier`, `kept` (compared
        with their last target), `slip_days` (sum over items), `median_slip_days` (NA where nothing
        could be compared), and how many are `new` and `dropped` (by this revision: one that the
        document goes on listing as dropped counts once).

    Examples
    --------
    >>> rows = pd.DataFrame({"item": ["2025-02-01/1"] * 2,
    ...                      "revision": pd.to_datetime(["2025-02-01", "2025-04-01"]),
    ...                      "target_date": pd.to_datetime(["2025-05-31", "2025-06-30"]),
    ...                      "slip_days": [float("nan"), 30.0], "status": ["new", "continued"]})
    >>> slip_per_revision(rows)[["items", "later", "slip_days"]]
       items  later  slip_days
    0      1      0        0.0
    1      1      1       30.0
    """
    columns = ("item", "revision", "target_date", "slip_days", "status")
    frame_of("slip_per_revision", "slippage", frame, columns)
    slip = frame["slip_days"]
    before = frame.sort_values("revision", kind="stable").groupby("item")["status"].shift()
    flags = frame.assign(
        items=frame["present"] if "present" in frame else frame["status"].ne("dropped"),
        dated=frame["target_date"].notna(),
        later=slip > 0,
        earlier=slip < 0,
        kept=slip == 0,
        new=frame["status"].eq("new"),
        dropped=frame["status"].eq("dropped") & before.ne("dropped"),
        median_slip_days=slip,
    )
    summed = ["items", "dated", "later", "earlier", "kept", "slip_days"]
    wanted = dict.fromkeys(summed, "sum") | {"median_slip_days": "median"}
    wanted |= {"new": "sum", "dropped": "sum"}
    out = flags.groupby("revision", as_index=False).agg(wanted)
    out.attrs.update(frame.attrs)
    return out


def milestone_slippage(
    dataset: Dataset, *, as_of: AsOf, timezone: str | None = None
) -> pd.DataFrame:
    """Follow the due dates of GitLab's milestones over the exports.

    Parameters
    ----------
    dataset : Dataset
        Needs `milestone_dates`: GitLab keeps no history of these dates, so there are as many
        reports as exports.
    as_of : date or aware timestamp
        Observations made later do not exist.
    timezone
        As in `slippage`.

    Returns
    -------
    DataFrame
        One row per milestone and observed due date (where it differs from the one before):
        `milestone_id`, `title`, `observed_at` (UTC), `due_date` (NA where it was removed),
        `slip_days` against the last known due date, `total_slip_days` against the first, `state`.

    Examples
    --------
    >>> from roadmap_analytics import schema
    >>> from roadmap_analytics.frames import Dataset
    >>> days = pd.to_datetime(["2025-01-01", "2025-02-01"], utc=True)
    >>> due = pd.to_datetime(["2025-03-01", "2025-03-15"])
    >>> seen = schema.tidy("milestone_dates", {"milestone_id": 1, "observed_at": days,
    ...                                        "title": "Sea", "state": "active", "due_date": due})
    >>> rows = milestone_slippage(Dataset({"milestone_dates": seen}), as_of="2025-02-28")
    >>> rows["slip_days"].tolist()
    [nan, 14.0]
    """
    view = View.of(dataset, as_of, timezone)
    seen = view.observed
    before = seen.groupby("milestone_id", sort=False)["due_date"].shift()
    first = ~seen["milestone_id"].duplicated()
    # Two missing dates are the same date here, though NaT equals nothing.
    same = (seen["due_date"] == before) | (seen["due_date"].isna() & before.isna())
    rows = seen[first | ~same].reset_index(drop=True)
    rows = _moves(rows, "milestone_id", "due_date")
    columns = ["milestone_id", "title", "observed_at", "due_date", "slip_days", "total_slip_days"]
    return view.result(rows[[*columns, "state"]])


def renewal_slippage(dataset: Dataset, *, as_of: AsOf, timezone: str | None = None) -> pd.DataFrame:
    """Compare each planned update of the roadmap with the update that came.

    Parameters
    ----------
    dataset, as_of, timezone
        As in `slippage`.

    Returns
    -------
    DataFrame
        One row per revision that plans its renewal: `revision`, `next_update_text`,
        `next_update_date`, `renewed_date` (NA where none came until `as_of`), `slip_days` (renewal
        against plan), `overdue_days` (days past the plan at `as_of`; only where none came).

    Notes
    -----
    Where a revision that is not in the dataset came between, the date that the next one gives for
    its predecessor is taken.
    """
    view = View.of(dataset, as_of, timezone)
    rows = _until(view, "revisions").sort_values("revision", ignore_index=True)
    following = rows["revision"].shift(-1)
    named = rows["previous"].shift(-1)
    renewed = named.where(named > rows["revision"], following)
    planned = rows["next_update_date"]
    past = ((view.day - planned).dt.days).astype("float64")
    rows = rows.assign(
        renewed_date=renewed,
        slip_days=_days(renewed, planned),
        overdue_days=past.where(renewed.isna() & (past > 0)),
    )
    columns = ["revision", "next_update_text", "next_update_date", "renewed_date"]
    columns += ["slip_days", "overdue_days"]
    return view.result(rows.loc[planned.notna(), columns].reset_index(drop=True))


def horizon_slippage(dataset: Dataset, *, as_of: AsOf, timezone: str | None = None) -> pd.DataFrame:
    """Follow the roadmap's estimate for the whole over its revisions.

    Parameters
    ----------
    dataset, as_of, timezone
        As in `slippage`.

    Returns
    -------
    DataFrame
        One row per revision: `revision`, `horizon_text`, `horizon_date`, `slip_days` against the
        last known estimate, `total_slip_days` against the first, `window_days` (horizon minus
        revision: how far the plan looks). NA where a revision gives no date.

    Notes
    -----
    In a plan that is renewed each time, the horizon moves by design: compare it with
    `window_days`. Where it is an estimate for one fixed amount of work, the slip is delay.
    """
    view = View.of(dataset, as_of, timezone)
    rows = _until(view, "revisions").sort_values("revision", ignore_index=True)
    rows = _moves(rows.assign(all=0), "all", "horizon_date")
    rows = rows.assign(window_days=_days(rows["horizon_date"], rows["revision"]))
    columns = ["revision", "horizon_text", "horizon_date", "slip_days", "total_slip_days"]
    return view.result(rows[[*columns, "window_days"]])


def carry_over_counts(
    dataset: Dataset, *, as_of: AsOf, timezone: str | None = None
) -> pd.DataFrame:
    """Count how often each item was carried over into the next revision.

    Parameters
    ----------
    dataset, as_of, timezone
        As in `slippage`.

    Returns
    -------
    DataFrame
        One row per item (`item`, `title` as last known): `revisions` (in which it stood),
        `carried_over` (times it went on into a later revision), `stated` (statements of the
        documents that it was continued), `backlogged` (statements that it was put back). Standing
        priorities are not work items and are left out.
    """
    view = View.of(dataset, as_of, timezone)
    items = _until(view, "roadmap_items")
    said = _statements(view, items)
    rows = items[items["kind"] != "priority"].merge(said, on=["revision", "key"], how="left")
    rows = rows.sort_values(["item", "revision"], kind="stable")
    rows[["stated", "backlogged"]] = rows[["stated", "backlogged"]].fillna(0).astype("int64")
    rows["carried_over"] = rows["item"].duplicated(keep="last").astype("int64")
    sums = dict.fromkeys(["carried_over", "stated", "backlogged"], "sum")
    out = rows.groupby("item", as_index=False).agg({"title": "last", "revision": "nunique", **sums})
    return view.result(out.rename(columns={"revision": "revisions"}))


def _statements(view: View, items: pd.DataFrame) -> pd.DataFrame:
    """Count the statements per item of the revision that they look back on."""
    said = _until(view, "carry_over")
    days = sorted(items["revision"].unique())
    before = dict(zip(days[1:], days, strict=False))
    looking_back = said["revision"].map(before)
    rows = pd.DataFrame(
        {
            "revision": looking_back.astype("datetime64[us]"),
            "key": said["previous_key"],
            "stated": said["status"].eq("continued"),
            "backlogged": said["status"].eq("backlogged"),
        }
    ).dropna(subset=["revision", "key"])
    return rows.groupby(["revision", "key"], as_index=False)[["stated", "backlogged"]].sum()
