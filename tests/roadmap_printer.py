"""Prints roadmap frames as a document again, for the round trip: what is printed parses to the "
"same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

Frames = dict[str, pd.DataFrame]

_FIELD = {
    "driver": "Main driver",
    "maintainer": "Maintainer",
    "responsible": "Responsible",
    "work": "Work by",
    "review": "Review by",
    "input": "Input from",
    "contact": "Point of contact",
}
_SENTENCE = {
    "driver": "Main driver of {}",
    "maintainer": "Maintains {}",
    "responsible": "Responsible for {}",
    "work": "{}",
    "review": "{}",
    "input": "{}",
    "contact": "Point of contact for {}",
}
_HEADINGS = {"numbered": "Roadmap", "priorities": "High-level priorities"}


def printed(frames: Frames) -> str:
    """One revision as a document."""
    (revision,) = frames["revisions"].to_dict("records")
    return "\n".join(_lines(frames, revision)) + "\n"


def _lines(frames: Frames, revision: dict[str, Any]) -> Iterator[str]:
    yield f"# {revision['revision']:%Y-%m-%d}\n"
    if pd.notna(revision["next_update_text"]):
        yield f"A new roadmap will be decided {revision['next_update_text']}.\n"
    items = frames["roadmap_items"]
    tops = items[items["kind"] != "activity"]
    if len(tops):
        yield f"## {_HEADINGS.get(revision['layout'], 'High-level priorities')}\n"
        yield "In rough order:\n"
        yield from _list(tops, None, "", frames)
        later = tops.loc[tops["deferred"], "key"]
        if len(later):
            yield f"\nWe will not be working on {', '.join(f'({key})' for key in later)}.\n"
    horizon = revision["horizon_text"]
    activities = items[items["kind"] == "activity"]
    if revision["layout"] == "activities":
        until = f" until {horizon}" if pd.notna(horizon) else ""
        yield f"\n## Main activities{until}\n\nThe main activities are:\n"
        yield from _list(activities, None, "", frames)
    elif pd.notna(horizon):
        yield f'\nOur estimate for all of the above is "{horizon}".\n'
    yield from _people(frames["responsibilities"])
    yield from _carried(frames)


def _list(items: pd.DataFrame, parent: str | None, indent: str, frames: Frames) -> Iterator[str]:
    mine = items[items["parent"].isna() if parent is None else items["parent"] == parent]
    for row in mine.sort_values("order").to_dict("records"):
        marker = "-" if row["kind"] == "activity" else f"{row['order']}."
        permits = "If time permits: " if row["conditional"] else ""
        activity = row["kind"] == "activity" and parent is None
        when = "" if activity or pd.isna(row["target_text"]) else f" (done: {row['target_text']})"
        yield f"{indent}{marker} {permits}**{row['title']}**{when}"
        below = indent + " " * (len(marker) + 1)
        if activity:
            yield from (f"{below}- {field}" for field in _fields(row, frames))
        yield from _list(items, row["key"], below, frames)


def _fields(row: dict[str, Any], frames: Frames) -> Iterator[str]:
    milestones = frames["roadmap_milestones"]
    yield from milestones.loc[milestones["key"] == row["key"], "url"]
    duties = frames["responsibilities"]
    for role, part in duties[duties["key"] == row["key"]].groupby("role"):
        yield f"{_FIELD[str(role)]}: {', '.join(part['person'])}"
    if pd.notna(row["target_text"]):
        yield f"Expected done: {row['target_text']}"


def _people(duties: pd.DataFrame) -> Iterator[str]:
    rows = duties[duties["key"].isna() | ~duties["key"].fillna("").str.startswith("A")]
    if len(rows):
        yield "\n## People\n"
    for person, part in rows.groupby("person"):
        yield f"- {person}"
        for row in part.to_dict("records"):
            what = row["key"] if pd.notna(row["key"]) else row["scope"]
            yield f"  - {_SENTENCE[row['role']].format(what)}"


def _carried(frames: Frames) -> Iterator[str]:
    milestones = frames["roadmap_milestones"]
    listed = milestones[milestones["key"].isna()]
    if len(listed):
        yield "\n## Concrete milestones\n"
    for row in listed.to_dict("records"):
        yield f"- {row['title']} ({row['status']})\n  - {row['url']}"
    said = frames["carry_over"]
    if len(said):
        yield "\n## Summary of progress\n\nWe did not have enough cycles to:\n"
    for row in said.to_dict("records"):
        yield f"- {row['text']} ({row['status']})"
