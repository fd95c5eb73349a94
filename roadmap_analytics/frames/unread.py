"""The frame `unread`: what GitLab sent and the other frames leave out."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

from roadmap_analytics import schema
from roadmap_analytics.frames.extract import Extract

__all__ = ["unread"]


def unread(extract: Extract, issues: pa.Table) -> pd.DataFrame:
    """Make the frame `unread`.

    Parameters
    ----------
    extract : Extract
    issues : Table
        The issues of the dataset, each with its `project`; what is about others is left out.

    Returns
    -------
    DataFrame
        See `schema.Unread`.
    """
    notes = extract.unread_notes().to_pandas().astype({"wording": "str"})
    counted = notes.groupby(["issue_id", "wording"]).size().rename("rows").reset_index()
    counted = counted.rename(columns={"wording": "text"}).assign(kind="note", field="notes")
    found = counted.merge(_subjects(issues), on="issue_id")
    return schema.tidy("unread", found)


def _subjects(issues: pa.Table) -> pd.DataFrame:
    """Give every issue's id and how people write it."""
    known = issues.select(["issue_id", "project", "iid"]).to_pandas()
    subject = known["project"].astype("str") + "#" + known["iid"].astype("str")
    return pd.DataFrame({"issue_id": known["issue_id"], "subject": subject})
