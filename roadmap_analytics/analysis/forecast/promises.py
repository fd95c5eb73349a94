"""What the roadmap promises against what the issues say: targets beside forecasts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from roadmap_analytics.analysis.days import AsOf, dates_of
from roadmap_analytics.analysis.forecast.forecast import QUANTILES, forecast_targets
from roadmap_analytics.analysis.forecast.targets import item_target
from roadmap_analytics.analysis.slippage import slippage
from roadmap_analytics.analysis.view import View
from roadmap_analytics.frames import Dataset


def targets_against_forecast(
    dataset: Dataset,
    *,
    as_of: AsOf,
    timezone: str | None = None,
) -> pd.DataFrame:
    """Compare every target date of the roadmap in force with the forecast of its milestones.

    Parameters
    ----------
    dataset : Dataset
    as_of : date or aware timestamp
        The last revision dated by then is in force. Nothing after it matters.
    timezone : str, optional
        IANA name of the zone whose days are meant; by default that of the dataset's
        ``[calendar]``, else UTC.

    Returns
    -------
    DataFrame
        One row per item of that revision with a target date, in the document's order:

        - `revision`, `key`, `title`, `target_text`, `target_date`
        - `slipped_days`: its target against its first one; NA where it is new
        - `usual_slip_days`, `usual_later_share`: how such targets moved before: median slip from
          one revision to the next over all items and revisions so far, and the share that moved
          later; NA without any
        - `milestones`: how many milestones of the dataset it refers to; `remaining` in them
        - `p50_date`, `p85_date`, `p95_date`: as in `forecast`; NA where the item is done
        - `chance_by_target_date`: probability that it is over by the target date;
          NA where the item is done
        - `gap_p50_days`, `gap_p85_days`: the forecast less the target; positive is later
        - `done_date`: the day on which nothing was left any more, of an item that is done; NA
          where only the document says so
        - `note`: why there is no forecast, or that it is done; else NA

    Raises
    ------
    ConfigurationError
        For an `as_of` that is neither day nor instant.

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> targets_against_forecast(Dataset({}), as_of="2025-03-10").empty
    True
    """
    view = View.of(dataset, as_of, timezone)
    moves = slippage(dataset, as_of=as_of, timezone=timezone)
    slips = moves["slip_days"].dropna()
    items = view.of_revision("roadmap_items")
    items = items[items["target_date"].notna().to_numpy()].reset_index(drop=True)
    targets = [
        item_target(view, str(key))._replace(promised=target)
        for key, target in zip(items["key"], dates_of(items["target_date"]), strict=True)
    ]
    ahead = forecast_targets(view, targets)
    # By item, not by key: an item that was dropped may have had the key that another one has now.
    own = moves.set_index(["revision", "item"])["total_slip_days"]
    slipped = own.reindex(pd.MultiIndex.from_frame(items[["revision", "item"]]))

    linked = pd.Series([len(target.milestones) for target in targets], dtype="int64")
    done = items["done"].astype(bool) | ahead["emptied_date"].notna()
    dates = {name: ahead[name].mask(done) for name in QUANTILES}
    note = ahead["note"].mask(linked == 0, "it refers to no milestone of the dataset")
    note = note.mask(items["done"].astype(bool), "done: the roadmap says so")

    def gap(name: str) -> pd.Series[Any]:
        return (dates[name] - items["target_date"]).dt.days.astype("float64")

    frame: pd.DataFrame = items[["revision", "key", "title", "target_text", "target_date"]].assign(
        slipped_days=slipped.to_numpy(float),
        usual_slip_days=float(slips.median()) if len(slips) else np.nan,
        usual_later_share=float((slips > 0).mean()) if len(slips) else np.nan,
        milestones=linked,
        remaining=ahead["remaining"],
        **dates,
        chance_by_target_date=ahead["chance_by_due_date"].where((linked > 0) & ~done),
        gap_p50_days=gap("p50_date"),
        gap_p85_days=gap("p85_date"),
        done_date=ahead["emptied_date"],
        note=note.where(~ahead["emptied_date"].notna(), "done: nothing is open"),
    )
    return view.result(frame)
