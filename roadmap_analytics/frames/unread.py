"""The frame `unread`: what GitLab sent and the other frames leave out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from roadmap_analytics import schema
from roadmap_analytics.frames.extract import Extract

__all__ = ["unread"]

Row = dict[str, Any]


def unread(extract: Extract, issues: pd.DataFrame) -> pd.DataFrame:
    """Make the frame `unread`.

    Only the newest answer about each thing counts: what GitLab sends rightly now is not odd.

    Parameters
    ----------
    extract : Extract
    issues : DataFrame
        `issue_id`, `project`, `iid` and `run` of the issues of the dataset; what is about others
        is left out.

    Returns
    -------
    DataFrame
        See `schema.Unread`.
    """
    asked = {ident for ident, _ in extract.odd_issues} | {row[2] for row in extract.odd_rows}
    for table in (extract.unread_notes(), extract.odd_events()):
        asked |= set(table["issue_id"].to_pylist())
    # Few issues have anything unread: the others are not named.
    known = issues[issues["issue_id"].isin(list(asked))]
    subject = known["project"].astype("str") + "#" + known["iid"].astype("str")
    subjects = dict(zip(known["issue_id"].tolist(), subject, strict=True))
    run_of = dict(zip(known["issue_id"].tolist(), known["run"].tolist(), strict=True))
    rows = [
        *_of_histories(extract),
        *_of_issues(extract, run_of),
        *_of_milestones(extract),
    ]
    rows = [
        row | {"subject": row.get("subject") or subjects[row["issue_id"]]}
        for row in rows
        if row.get("subject") or row["issue_id"] in subjects
    ]
    key = schema.key_of("unread")
    if not rows:
        return schema.empty("unread")
    frame = pd.DataFrame(rows).reindex(columns=[*key, "issue_id", "milestone_id"])
    counts = frame.groupby(key, dropna=False, as_index=False).agg(
        issue_id=("issue_id", "first"),
        milestone_id=("milestone_id", "first"),
        rows=("text", "size"),
    )
    return schema.tidy("unread", counts)


def _of_histories(extract: Extract) -> Iterator[Row]:
    for note in extract.unread_notes().to_pylist():
        yield {"issue_id": note["issue_id"], "kind": "note", "field": "notes"} | {
            "text": note["wording"]
        }
    for odd in extract.odd_events().to_pylist():
        yield {name: odd[name] for name in ("issue_id", "kind", "field", "text")}


def _of_issues(extract: Extract, run_of: dict[int, int]) -> Iterator[Row]:
    for (ident, run), odd in extract.odd_issues.items():
        if run_of.get(ident) == run:
            for field, text in odd:
                yield {"issue_id": ident, "kind": "value", "field": field, "text": text}
    last = extract.last_run
    for run, kind, number, subject, why in extract.odd_rows:
        if kind != "issue":
            continue
        if number in run_of:
            if run_of[number] < run:  # no later run sent a sound row
                yield {"issue_id": number, "kind": "row", "field": "issues", "text": why}
        elif run == last:
            yield {"subject": subject, "kind": "row", "field": "issues", "text": why}


def _of_milestones(extract: Extract) -> Iterator[Row]:
    newest = extract.newest_milestones()
    for (ident, run), odd in extract.odd_milestones.items():
        if ident in newest and newest[ident][0] == run:
            subject = newest[ident][1].web_url or f"milestone {ident}"
            for field, text in dict.fromkeys(map(tuple, odd)):
                yield {
                    "subject": subject,
                    "milestone_id": ident,
                    "kind": "value",
                    "field": field,
                    "text": text,
                }
    for run, kind, number, _, why in extract.odd_rows:
        if kind == "milestone" and run == extract.last_run and number not in newest:
            subject = f"milestone {number}" if number is not None else "a milestone"
            yield {"subject": subject, "kind": "row", "field": "milestones", "text": why}
