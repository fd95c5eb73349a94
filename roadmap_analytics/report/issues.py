"""The page of all open issues: who holds what, to filter and to sort while people talk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from roadmap_analytics.analysis.days import AsOf
from roadmap_analytics.analysis.open_work import open_issues
from roadmap_analytics.frames import Dataset
from roadmap_analytics.report import sentences
from roadmap_analytics.report.text import web_link

MOST_ROWS = 5_000
"""Issues on the page, some 400 bytes each: 2 MB open at once, also on a phone."""


@dataclass(frozen=True)
class OpenIssues:
    """What the page shows; see `listed`."""

    day: pd.Timestamp
    said: str
    rows: list[dict[str, Any]]
    left_out: int


def listed(dataset: Dataset, *, as_of: AsOf) -> OpenIssues:
    """Collect the open issues: by the due dates of their milestones, the oldest of each first.

    Parameters
    ----------
    dataset : Dataset
    as_of : date or aware timestamp

    Returns
    -------
    OpenIssues
        At most `MOST_ROWS` rows; `left_out` is the number of the others.
    """
    frame = open_issues(dataset, as_of=as_of)
    names = milestone_names(dataset)
    shown = frame.head(MOST_ROWS)
    rows = [
        {
            "title": row["title"],
            "url": web_link(row["web_url"]),
            "assignees": row["assignees"] if pd.notna(row["assignees"]) else None,
            "milestone": None if pd.isna(row["milestone_id"]) else names.get(row["milestone_id"]),
            "due": row["due_date"],
            "age": row["age_days"],
            "weight": None if pd.isna(row["weight"]) else row["weight"],
            "reference": f"{row['project']}#{row['iid']}",
        }
        for row in shown.to_dict("records")
    ]
    day = pd.Timestamp(frame.attrs["as_of"])
    return OpenIssues(day, sentences.open_issues(frame), rows, len(frame) - len(shown))


def milestone_names(dataset: Dataset) -> dict[int, str]:
    """Return how the page names each milestone: by its title, with its path where two share one."""
    milestones = dataset.milestones
    shared = milestones["title"].duplicated(keep=False)
    path = (" (" + milestones["path"] + ")").where(shared, "")
    names = milestones["title"].str.strip() + path
    return dict(zip(milestones["milestone_id"].tolist(), names.tolist(), strict=True))
