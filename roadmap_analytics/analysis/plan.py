"""Plan against tracker: where the roadmap document and GitLab say different things."""

from __future__ import annotations

from typing import Any

import pandas as pd

from roadmap_analytics.analysis.days import AsOf
from roadmap_analytics.analysis.view import View
from roadmap_analytics.frames import Dataset

_TYPES: dict[str, Any] = {
    **{"key": "str", "title": "str", "target_date": "datetime64[us]", "milestone_id": "Int64"},
    **{"milestone": "str", "web_url": "str", "due_date": "datetime64[us]"},
    **{"difference_days": "Int64", "kind": "str"},
}


def plan_differences(dataset: Dataset, *, as_of: AsOf, timezone: str | None = None) -> pd.DataFrame:
    """Return where the newest roadmap revision and the milestones in GitLab disagree.

    Parameters
    ----------
    dataset : Dataset
    as_of, timezone
        As in `burndown`.

    Returns
    -------
    DataFrame
        One row per roadmap item or milestone with a difference, no row for what agrees. Items come
        in the order of the document, then milestones by due date:

        - `kind`: "date differs" (the item links to the milestone, or bears its title, and the
          dates are not the same, or only one side has one); "only in the roadmap" (an open,
          undeferred item without a milestone of its own, above or below it); "only in GitLab" (an
          active milestone, no draft, of which the document says nothing)
        - `key`, `title`, `target_date`: of the item; of a milestone on its own `key` is NA and
          `title` its own
        - `milestone_id`, `milestone` (title), `web_url`, `due_date`: NA without a milestone
        - `difference_days`: `due_date` - `target_date`, positive where GitLab is later; NA where
          either is missing

        Empty where no revision is as old as `as_of`: without a plan nothing differs from it.
        `attrs["revision"]` is the date of the revision, None without one.

    Raises
    ------
    ConfigurationError
        For an unknown zone, or an `as_of` that is neither day nor instant.

    Notes
    -----
    An item that is done or deferred, or whose milestones are all closed, has no difference: its
    date is history.

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> plan_differences(Dataset({}), as_of="2025-03-10").columns.tolist()[:3]
    ['key', 'title', 'target_date']
    """
    view = View.of(dataset, as_of, timezone)
    rows: list[dict[str, Any]] = []
    if view.revision is not None:
        items, known = view.of_revision("roadmap_items"), view.milestones
        linked = _linked(view, items, known)
        rows = [*_of_items(items, known, linked), *_of_milestones(view, known, linked)]
    frame = pd.DataFrame(rows, columns=list(_TYPES)).astype(_TYPES)
    return view.result(frame, revision=view.revision_date)


def roadmap_targets(dataset: Dataset, *, as_of: AsOf) -> pd.DataFrame:
    """Return what the newest roadmap revision says of each milestone.

    Parameters
    ----------
    dataset, as_of
        As in `plan_differences`.

    Returns
    -------
    DataFrame
        One row per milestone that an item links to or bears the title of, sorted by
        `milestone_id`: `key`, `title`, `target_date` of the item (of several the latest date).

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> roadmap_targets(Dataset({}), as_of="2025-03-10").columns.tolist()
    ['milestone_id', 'key', 'title', 'target_date']
    """
    view = View.of(dataset, as_of)
    types = {"milestone_id": "int64", "key": "str", "title": "str"}
    items = view.of_revision("roadmap_items")
    linked = _linked(view, items, view.milestones)
    pairs = [(one, key) for key, several in linked.items() for one in several]
    frame = pd.DataFrame(pairs, columns=["milestone_id", "key"])
    frame = frame.merge(items[["key", "title", "target_date"]], on="key")
    frame = frame.astype(types | {"target_date": "datetime64[us]"})
    frame = frame.sort_values(["milestone_id", "target_date"], na_position="first", kind="stable")
    return frame.drop_duplicates("milestone_id", keep="last", ignore_index=True)


def _linked(view: View, items: pd.DataFrame, known: pd.DataFrame) -> dict[str, list[int]]:
    """Return the milestones of each item, by key: those it links to, else the one of its title."""
    titles: dict[str, list[int]] = {}
    for title, key in zip(known["title"], known["milestone_id"], strict=True):
        titles.setdefault(_plain(title), []).append(int(key))
    found = dict(view.links)
    taken = {one for several in found.values() for one in several}
    for key, title in zip(items["key"], items["title"], strict=True):
        same = titles.get(_plain(title), [])
        # A title that several milestones bear is no proof; nor is one that is linked elsewhere.
        if key not in found and len(same) == 1 and same[0] not in taken:
            found[key] = same
    return found


def _plain(title: Any) -> str:
    return " ".join(str(title).split()).casefold()


def _of_items(
    items: pd.DataFrame, known: pd.DataFrame, linked: dict[str, list[int]]
) -> list[dict[str, Any]]:
    covered = _covered(items, linked)
    facts = known.set_index("milestone_id")
    rows = []
    for item in items.sort_values("order", kind="stable").to_dict("records"):
        if item["done"] or item["deferred"]:
            continue
        own = {"key": item["key"], "title": item["title"], "target_date": item["target_date"]}
        if item["key"] not in linked:
            if item["key"] not in covered:
                rows.append(own | {"kind": "only in the roadmap"})
            continue
        # An item of several milestones ends with the last of them.
        mine = facts.loc[linked[item["key"]]].sort_values("due_date", na_position="first")
        if (mine["state"] == "closed").all():
            continue
        last = mine.iloc[-1]
        difference = _days_between(item["target_date"], last["due_date"])
        if difference != 0:
            rows.append(own | _of_milestone(last) | {"kind": "date differs"}
                        | {"difference_days": difference})  # fmt: skip
    return rows


def _days_between(target: Any, due: Any) -> int | None:
    """Return the days from one to the other; 0 where both are missing, None where one is."""
    if pd.isna(target) and pd.isna(due):
        return 0
    return None if pd.isna(target) or pd.isna(due) else int((due - target).days)


def _of_milestone(milestone: pd.Series[Any]) -> dict[str, Any]:
    return {
        "milestone_id": int(str(milestone.name)),
        "milestone": milestone["title"],
        "web_url": milestone["web_url"],
        "due_date": milestone["due_date"],
    }


def _covered(items: pd.DataFrame, linked: dict[str, list[int]]) -> set[str]:
    """Return the keys of items that need no milestone: one above or below them has it.

    A priority groups others; what stands under it is planned one by one.
    """
    parents = dict(zip(items["key"], items["parent"], strict=True))
    kinds = dict(zip(items["key"], items["kind"], strict=True))
    covered = {key for key, kind in kinds.items() if kind == "priority"}
    for key in parents:
        above = _above(key, parents)
        if key in linked:
            covered.update(above)
        elif any(one in linked for one in above):
            covered.add(key)
    return covered


def _above(key: str, parents: dict[str, Any]) -> list[str]:
    """Return the items above one, nearest first; a circle in the keys ends it."""
    above: list[str] = []
    current = parents.get(key)
    while isinstance(current, str) and current not in above and current != key:
        above.append(current)
        current = parents.get(current)
    return above


def _of_milestones(
    view: View, known: pd.DataFrame, linked: dict[str, list[int]]
) -> list[dict[str, Any]]:
    planned = {one for several in linked.values() for one in several}
    alone = known[
        (known["state"] == "active").to_numpy()
        & ~known["draft"].to_numpy(bool)
        & ~known["milestone_id"].isin(planned).to_numpy()
        & (known["created_at"] < view.at).to_numpy()
    ]
    alone = alone.sort_values(["due_date", "milestone_id"]).set_index("milestone_id")
    return [
        {"title": row["title"], "kind": "only in GitLab"} | _of_milestone(row)
        for _, row in alone.iterrows()
    ]
