"""What the roadmap promises against what the issues say: targets beside forecasts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from roadmap_analytics.analysis import replay
from roadmap_analytics.analysis.forecast.forecast import QUANTILES, forecast_targets, item_target
from roadmap_analytics.analysis.replay import AsOf
from roadmap_analytics.analysis.slippage import slippage

if TYPE_CHECKING:
    from roadmap_analytics.frames import Dataset

__all__ = ["targets_against_forecast"]


def targets_against_forecast(
    dataset: Dataset, *, as_of: AsOf, seed: int, past: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Hold every target date of the valid roadmap revision against the forecast of its milestone.

    Parameters
    ----------
    dataset : Dataset
    as_of : date or aware timestamp
        The last revision dated by then is the valid one. Nothing after it matters.
    seed : int
    past : DataFrame, optional
        As in `forecast`.

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
        - `p50_date`, `p85_date`, `p95_date`: as in `forecast`
        - `chance_by_target_date`: share of futures in which nothing is left by the target date
        - `gap_p50_days`, `gap_p85_days`: the forecast less the target; positive is later; of an
          item with nothing left the day on which that happened less the target
        - `note`: why there is no forecast, or that it is done; else NA

    Raises
    ------
    ConfigurationError
        For an `as_of` that is neither day nor instant, or `past` of another day.

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> targets_against_forecast(Dataset({}), as_of="2025-03-10", seed=1).empty
    True
    """
    moves = slippage(dataset, as_of=as_of)
    slips = moves["slip_days"].dropna()
    day = replay.last_day(as_of)
    items = dataset.roadmap_items
    items = items[(items["revision"] <= day).to_numpy()]
    items = items[(items["revision"] == items["revision"].max()).to_numpy()]
    items = items[items["target_date"].notna().to_numpy()].reset_index(drop=True)
    targets = [
        item_target(dataset, str(key), as_of=as_of)._replace(due=target)
        for key, target in zip(
            items["key"], items["target_date"].to_numpy().astype("datetime64[D]"), strict=True
        )
    ]
    ahead = forecast_targets(dataset, targets, as_of=as_of, seed=seed, past=past)
    own = moves.drop_duplicates(["revision", "key"]).set_index(["revision", "key"])
    slipped = own["total_slip_days"].reindex(pd.MultiIndex.from_frame(items[["revision", "key"]]))
    done = ahead["emptied_date"]

    def gap(name: str) -> pd.Series[Any]:
        days: pd.Series[Any] = (done.fillna(ahead[name]) - items["target_date"]).dt.days
        return days.astype("float64")

    linked = pd.Series([len(target.milestones) for target in targets], dtype="int64")
    frame: pd.DataFrame = items[["revision", "key", "title", "target_text", "target_date"]].assign(
        slipped_days=slipped.to_numpy(float),
        usual_slip_days=float(slips.median()) if len(slips) else np.nan,
        usual_later_share=float((slips > 0).mean()) if len(slips) else np.nan,
        milestones=linked,
        remaining=ahead["remaining"],
        **{name: ahead[name] for name in QUANTILES},
        chance_by_target_date=ahead["chance_by_due_date"].where(linked > 0),
        gap_p50_days=gap("p50_date"),
        gap_p85_days=gap("p85_date"),
        note=ahead["note"].mask(linked == 0, "it refers to no milestone of the dataset"),
    )
    frame.attrs.update(replay.about(dataset, as_of), seed=seed)
    return frame
