"""Datasets that a page must survive: hostile texts, and too little of everything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import roadmap_analytics as ra

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
TAKEN = "taken over"
HOSTILE = [
    f"<script>document.title = '{TAKEN}'</script>",
    f"<img src=x onerror=\"document.title = '{TAKEN}'\">",
    "</td></tr></table><h1>a heading of its own</h1>",
    "<style>body { display: none }</style>",
    "<iframe src='https://elsewhere.example/'></iframe>",
    "<a href='https://elsewhere.example/' target=_top>click</a>",
    f'" onmouseover="document.title = \'{TAKEN}\'" x="',
    "costs $5, not $6, and $x^2$ or \\(y\\) or $$z$$",
    r"$\frac{$ and \unknown{",
    '=HYPERLINK("https://elsewhere.example/")',
    "[read on](javascript:alert(1)) `code` **bold**",
    "&lt;b&gt; &amp; &copy; as typed",
    "right \u202eto left\u202c, _leading, 表 and \U0001f680",
]
"""Texts as somebody could type them into a title; shown, they are text and nothing else."""


def hostile() -> ra.Dataset:
    """The sample with hostile titles of issues, milestones and roadmap items, in turn."""
    sample = ra.load(SAMPLE)

    def titles(count: int) -> np.ndarray:
        return np.resize(np.array(HOSTILE, dtype=object), count)

    issues = sample.issues.assign(title=pd.array(titles(len(sample.issues)), dtype="str"))
    names = pd.Series(titles(len(sample.milestones)), sample.milestones["milestone_id"])
    milestones = _renamed(sample.milestones, "title", names)
    events = sample.issue_events
    held = events["field"] == "milestone"
    renamed = events["milestone_id"].map(names).where(held & events["value"].notna())
    items = sample.roadmap_items
    return sample.with_frames(
        issues=issues,
        milestones=milestones,
        milestone_dates=_renamed(sample.milestone_dates, "title", names),
        issue_events=events.assign(value=events["value"].where(renamed.isna(), renamed)),
        roadmap_items=items.assign(title=pd.array(titles(len(items)), dtype="str")),
    )


def _renamed(frame: pd.DataFrame, column: str, names: pd.Series) -> pd.DataFrame:
    return frame.assign(**{column: pd.array(frame["milestone_id"].map(names), dtype="str")})


def empty() -> ra.Dataset:
    """An export of a group in which there is nothing yet."""
    return ra.Dataset({}, ra.load(SAMPLE).manifest)


def one_issue() -> ra.Dataset:
    """An export of one open issue and its history, and nothing else."""
    sample = ra.load(SAMPLE)
    mine = sample.issues[sample.issues["state"] == "opened"].head(1).reset_index(drop=True)

    def of_it(name: str) -> pd.DataFrame:
        frame = sample[name]
        return frame[frame["issue_id"].isin(mine["issue_id"])].reset_index(drop=True)

    parts = {name: of_it(name) for name in ("assignments", "issue_labels", "issue_events")}
    events = parts["issue_events"]
    unplanned = events[events["field"] != "milestone"].reset_index(drop=True)
    unplanned["seq"] = range(len(unplanned))
    mine["milestone_id"] = pd.array([pd.NA], dtype="Int64")
    return ra.Dataset({**parts, "issues": mine, "issue_events": unplanned}, sample.manifest)


def no_documents() -> ra.Dataset:
    """The sample of a team that writes no roadmap documents."""
    sample = ra.load(SAMPLE)
    roadmap = {"revisions", "roadmap_items", "responsibilities", "roadmap_milestones"}
    roadmap |= {"carry_over", "item_matches"}
    kept = {name: frame for name, frame in sample.frames.items() if name not in roadmap}
    return ra.Dataset(kept, sample.manifest)


def no_dates() -> ra.Dataset:
    """The sample of a team whose milestones bear no dates."""
    sample = ra.load(SAMPLE)

    def undated(frame: pd.DataFrame) -> pd.DataFrame:
        none = pd.Series(pd.NaT, frame.index, dtype="datetime64[us]")
        return frame.assign(start_date=none, due_date=none)

    seen = undated(sample.milestone_dates)
    return sample.with_frames(
        milestones=undated(sample.milestones),
        milestone_dates=seen.drop_duplicates("milestone_id").reset_index(drop=True),
    )


ODD: dict[str, Callable[[], ra.Dataset]] = {
    "hostile": hostile,
    "empty": empty,
    "one issue": one_issue,
    "no documents": no_documents,
    "no dates": no_dates,
}
