"""What the roadmap asks of people, beside the issues that they hold."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from roadmap_analytics.analysis.days import AsOf
from roadmap_analytics.analysis.replay import Bools
from roadmap_analytics.analysis.view import View
from roadmap_analytics.analysis.workload import UNASSIGNED, held_issues
from roadmap_analytics.frames import Dataset

_LEADS = ["driver", "responsible", "maintainer"]
_COLUMNS = [
    *["key", "title", "person", "roles", "milestone_id", "milestone", "held_issues"],
    *["milestone_open", "carried", "driven", "remark"],
]


def duties(
    dataset: Dataset,
    *,
    as_of: AsOf,
    timezone: str | None = None,
    types: Iterable[str] | str | None = None,
) -> pd.DataFrame:
    """Compare what the roadmap asks of people with the issues that they hold.

    Returns
    -------
    DataFrame
        One row per item and person of the roadmap revision valid at `as_of`, and one per person
        who holds open issues of an item's milestone without a duty there; sorted by item order
        and person: `key`, `title` (of the item), `person` (NA: no one has a duty or an issue),
        `roles` (comma-separated; empty: none), `milestone_id` and `milestone` (NA: the item names
        none that is in the dataset), `held_issues` (open issues of that milestone that the
        person holds; NA without a milestone), `milestone_open` (all of its open issues),
        `carried` (somebody drives, maintains, answers for or works on this item), `driven`
        (somebody drives, maintains or answers for it), and `remark`: ``drives without holding
        any`` (though some are open), ``works without a driver`` (the item is not driven,
        in a revision that says of others who drives them),
        ``holds without a duty``, ``no owner`` (the item is not carried), or empty. Standing
        priorities without a person are left out.

    Notes
    -----
    Only what an item itself says counts: a driver of item 3 is not taken to drive 3.1. Where an
    item names several milestones, the first that the dataset knows is taken.

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> duties(Dataset({}), as_of="2025-03-10").empty
    True
    """
    view = View.of(dataset, as_of, timezone, types)
    held = held_issues(view)
    held = held[(held["state"] == "opened").to_numpy() & held["milestone_id"].notna().to_numpy()]
    items = _items(view, held)
    frame = items.merge(_people(view, items, held), on="key", how="left")
    frame["roles"] = frame["roles"].fillna("").astype("str")
    # Who has a duty and no issue holds 0 of them; of an item without milestone nothing is known.
    linked = frame["milestone_id"].notna()
    frame["held_issues"] = frame["held_issues"].where(~linked, frame["held_issues"].fillna(0))
    frame["held_issues"] = frame["held_issues"].astype("Int64")
    leads, works = _has_role(frame, _LEADS), _has_role(frame, ["work"])
    frame["carried"] = frame["key"].isin(frame.loc[leads | works, "key"])
    frame["driven"] = frame["key"].isin(frame.loc[leads, "key"])
    frame["remark"] = _remarks(frame)
    standing = (frame["kind"] == "priority").to_numpy() & frame["person"].isna().to_numpy()
    frame = frame[~standing].sort_values(["place", "person"], na_position="last", ignore_index=True)
    return view.result(frame[_COLUMNS], split="full", unit="issues", revision=view.revision_date)


def _items(view: View, held: pd.DataFrame) -> pd.DataFrame:
    """Return the items of the revision in force, each with its milestone and that one's issues."""
    items = view.of_revision("roadmap_items").drop(columns="revision")
    items["place"] = np.arange(len(items))  # the document's order
    first = {key: several[0] for key, several in view.links.items()}
    items["milestone_id"] = items["key"].map(first).astype("Int64")
    items["milestone"] = view.of_milestone(items["milestone_id"], "title")
    opened = held.drop_duplicates("issue_id").groupby("milestone_id").size()
    ids = items["milestone_id"]
    items["milestone_open"] = ids.map(opened).fillna(0).astype("Int64").where(ids.notna())
    return items


def _people(view: View, items: pd.DataFrame, held: pd.DataFrame) -> pd.DataFrame:
    """Return one row per item and person who has a duty there, or open issues of its milestone."""
    asked = view.of_revision("responsibilities")
    roles = asked[asked["key"].isin(items["key"]).to_numpy()].groupby(["key", "person"])["role"]
    asked = roles.agg(lambda r: ", ".join(sorted(set(r)))).rename("roles").reset_index()
    holds = held.groupby(["milestone_id", "person"]).size().rename("held_issues").reset_index()
    holds = holds.astype({"milestone_id": "Int64"})
    holders = items[["key", "milestone_id"]].merge(holds, on="milestone_id")
    holders = holders[["key", "person", "held_issues"]]
    both = asked.merge(holders, on=["key", "person"], how="outer")
    return both[(both["person"] != UNASSIGNED).to_numpy()]


def _has_role(frame: pd.DataFrame, roles: list[str]) -> Bools:
    """Mark the rows whose person has one of these roles."""
    return frame["roles"].str.contains("|".join(roles)).to_numpy(bool)


def _remarks(frame: pd.DataFrame) -> pd.Series[str]:
    """Say where duties and issues differ; the first remark that fits stands."""
    holds = frame["held_issues"].fillna(-1).to_numpy(np.int64)  # -1: not known
    some_left = (frame["milestone_open"] > 0).fillna(False).to_numpy(bool)
    driven, carried = frame["driven"].to_numpy(), frame["carried"].to_numpy()
    remarks = {
        "drives without holding any": _has_role(frame, ["driver"]) & (holds == 0) & some_left,
        # In a revision that names no leaders at all, every item would get this remark.
        "works without a driver": _has_role(frame, ["work"]) & ~driven & driven.any(),
        "holds without a duty": (holds > 0) & (frame["roles"] == "").to_numpy(),
        "no owner": ~carried,
    }
    said = np.select(list(remarks.values()), list(remarks), "")
    return pd.Series(said, frame.index, dtype="str")
