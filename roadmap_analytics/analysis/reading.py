"""How roadmap documents were read: what to look at before believing what comes from them."""

from __future__ import annotations

import pandas as pd

from roadmap_analytics.analysis.days import AsOf
from roadmap_analytics.analysis.view import View
from roadmap_analytics.frames import Dataset, given
from roadmap_analytics.schema import ALARMS, SAYS_NOTHING


def reading_quality(dataset: Dataset) -> pd.DataFrame:
    r"""Count, for each roadmap revision, what was read and what was not understood.

    Parameters
    ----------
    dataset : Dataset
        Needs the roadmap frames.

    Returns
    -------
    DataFrame
        One row per revision: `revision`, `layout`, `items`, `dated` (items with a target date),
        `people` (persons with a role), `lines` (that say something: no blank line, heading,
        comment or table of contents), `not_understood` (of these, lines of which nothing was
        taken: text that belongs to no item and is not about the document, and values that are not
        what their label promises), `share_not_understood` (from 0 to 1; NA where no line says
        something), `alarms`.

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> from roadmap_analytics.roadmap.tables import parse
    >>> frames = parse([{"name": "2025-02-04.md", "text": "# Plan\n\n- Docs by end of May\n"}])
    >>> reading_quality(Dataset(frames))[["items", "dated", "lines", "not_understood"]]
       items  dated  lines  not_understood
    0      1      1      1               0
    """
    lines = given(dataset)["roadmap_lines"]
    said = lines[lines["text"].str.strip().ne("") & ~lines["reading"].isin(SAYS_NOTHING)]
    lost = said[not_understood(said)]
    items = dataset["roadmap_items"]
    people = dataset["responsibilities"].drop_duplicates(["revision", "person"])
    parts = {
        "items": items,
        "dated": items[items["target_date"].notna()],
        "people": people,
        "lines": said,
        "not_understood": lost,
        "alarms": dataset["roadmap_alarms"],
    }
    out = dataset["revisions"][["revision", "layout"]].sort_values("revision", ignore_index=True)
    for name, rows in parts.items():  # a revision without such rows counts 0, not NA
        counted = out["revision"].map(rows["revision"].value_counts())
        out[name] = counted.fillna(0).astype("int64")
    out["share_not_understood"] = (out["not_understood"] / out["lines"]).where(out["lines"] > 0)
    return out[[*out.columns[:-2], "share_not_understood", "alarms"]]


def reading_alarms(dataset: Dataset, *, as_of: AsOf, timezone: str | None = None) -> pd.DataFrame:
    r"""List the reasons to look at how the roadmap was read, the most severe first.

    Parameters
    ----------
    dataset : Dataset
        Needs `roadmap_alarms`.
    as_of, timezone
        As in `slippage`.

    Returns
    -------
    DataFrame
        One row per alarm: `revision` (NA for a file that was not read and a correction for all
        revisions), `line` (NA for the whole document), `alarm`, `text` (untrusted). Alarms of one
        kind stand together, those of newer revisions first.

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> from roadmap_analytics.roadmap.tables import parse
    >>> text = "# Plan\n\n- Docs by May 2020\n- Maps by Q5 2026\n"
    >>> frames = parse([{"name": "2025-02-04.md", "text": text}])
    >>> reading_alarms(Dataset(frames), as_of="2025-12-31")[["line", "alarm"]]
       line               alarm
    0     4        date flagged
    1     3  target in the past
    """
    alarms = dataset["roadmap_alarms"]
    known = alarms["revision"].isna() | (
        alarms["revision"] <= View.of(dataset, as_of, timezone).day
    )
    ranked = alarms[known].assign(rank=lambda rows: rows["alarm"].map(ALARMS.index))
    # By text first, so that two alarms of one kind and line do not depend on the order of rows.
    ranked = ranked.sort_values("text", kind="stable")
    ranked = ranked.sort_values("line", kind="stable", na_position="first")
    ranked = ranked.sort_values("revision", kind="stable", ascending=False)
    return ranked.sort_values("rank", kind="stable", ignore_index=True).drop(columns="rank")


def not_understood(lines: pd.DataFrame) -> pd.Series[bool]:
    """Tell the lines of which nothing was taken, though they say something."""
    return lines["why"].str.startswith("not understood")


def alarm_findings(dataset: Dataset) -> pd.DataFrame:
    """Give the alarms of the reader as findings for `check`: one row each, all of them warnings."""
    rows = []
    for row in dataset["roadmap_alarms"].to_dict("records"):
        day = "" if pd.isna(row["revision"]) else f"{row['revision']:%Y-%m-%d} "
        line = "" if pd.isna(row["line"]) else f"line {row['line']} "
        where = f"{day}{line}".strip()
        text = f"{where}: {row['text']}" if where else row["text"]
        rows.append({"subject": text, "cause": row["alarm"]})
    found = pd.DataFrame(rows, columns=["subject", "cause"])
    return found.assign(kind="roadmap_reading", severity="warning")
