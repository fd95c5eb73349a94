"""Frames to show outside: people under made-up names, titles of confidential issues left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from roadmap_analytics import schema

__all__ = ["pseudonymised", "without_confidential_titles"]

Frames = Mapping[str, pd.DataFrame]

CONFIDENTIAL = "(confidential)"

# Columns that hold one person each, and how they are told apart from enumerations and numbers.
_PEOPLE = {
    "issues": ["author"],
    "assignments": ["person"],
    "issue_events": ["actor"],
    "people": ["username", "person", "name"],
    "responsibilities": ["person"],
}
# Words of the format, which must not change even where somebody bears such a name.
_FIXED = {
    "issues": ["type", "state"],
    "issue_events": ["field", "action", "source"],
    "milestones": ["kind", "state"],
    "milestone_dates": ["state"],
    "people": ["state"],
    "revisions": ["layout"],
    "roadmap_items": ["key", "parent", "kind", "item", "source"],
    "responsibilities": ["role", "key"],
    "roadmap_milestones": ["key"],
    "carry_over": ["status", "key", "previous_key"],
    "item_matches": ["key", "previous_key", "kind", "reason"],
}
_GROUPS = {"everyone", "others", "maintainers"}
_SHORTEST = 3  # a part of a display name that is shorter is no name on its own


def without_confidential_titles(frames: Frames) -> dict[str, pd.DataFrame]:
    """Replace the titles of confidential issues; everything that counts stays.

    Examples
    --------
    >>> issues = schema.tidy("issues", {"issue_id": [1, 2], "project_id": 1, "iid": [1, 2],
    ...                                 "title": ["leak", "typo"], "confidential": [True, False]})
    >>> without_confidential_titles({"issues": issues})["issues"]["title"].tolist()
    ['(confidential)', 'typo']
    """
    issues = frames["issues"]
    title = issues["title"].mask(issues["confidential"], CONFIDENTIAL)
    return {**frames, "issues": issues.assign(title=title)}


def pseudonymised(
    frames: Frames, people: Mapping[str, Iterable[str]], seed: int
) -> dict[str, pd.DataFrame]:
    """Replace every person by a made-up name, wherever they are named.

    Parameters
    ----------
    frames : mapping of name to DataFrame
    people : mapping of canonical handle to other spellings
        As in ``[people]`` of the configuration.
    seed : int
        Decides who gets which name; the same seed gives the same names.

    Returns
    -------
    dict
        Frames with the same rows and numbers. Handles, user names, display names, their parts
        and configured spellings are replaced in every text, titles and addresses included, so a
        title that uses somebody's name as a common word changes too.

    Examples
    --------
    >>> ada = schema.tidy("assignments", [{"issue_id": 1, "person": "ada"}])
    >>> pseudonymised({"assignments": ada}, {}, seed=1)["assignments"]["person"].tolist()
    ['person01']
    """
    spellings = _spellings(frames, people)
    persons = sorted(set(spellings.values()))
    order = np.random.default_rng(seed).permutation(len(persons))
    width = max(2, len(str(len(persons))))
    made_up = {p: f"person{n + 1:0{width}d}" for p, n in zip(persons, order, strict=True)}
    names = {spelling: made_up[person] for spelling, person in spellings.items()}
    return {name: _replaced(name, frame, names) for name, frame in frames.items()}


def _spellings(frames: Frames, people: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Every way in which somebody is named, without case, and the person meant."""
    accounts = frames.get("people", schema.empty("people"))
    events = frames.get("issue_events", schema.empty("issue_events"))
    handles = [
        frames[name][column]
        for name, columns in _PEOPLE.items()
        for column in columns
        if name in frames and name != "people"
    ]
    handles += [accounts["person"], events.loc[events["field"] == "assignee", "value"]]
    pairs = [(spelling, handle) for handle, more in people.items() for spelling in (handle, *more)]
    pairs += [(handle, handle) for column in handles for handle in column.dropna().unique()]
    pairs += zip(accounts["username"], accounts["person"], strict=True)
    named = accounts[accounts["name"].notna()]
    # Parts of display names come last: they must not take somebody else's handle.
    pairs += zip(named["name"], named["person"], strict=True)
    pairs += [
        (part, person)
        for name, person in zip(named["name"], named["person"], strict=True)
        for part in re.split(r"\W+", name)
        if len(part) >= _SHORTEST
    ]
    found: dict[str, str] = {}
    for spelling, person in pairs:
        found.setdefault(spelling.casefold(), person)
    return {spelling: person for spelling, person in found.items() if spelling not in _GROUPS}


def _replaced(name: str, frame: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    if not names:
        return frame
    longest_first = sorted(names, key=lambda spelling: (-len(spelling), spelling))
    word = re.compile(
        rf"(?<!\w)(?:{'|'.join(re.escape(spelling) for spelling in longest_first)})(?!\w)",
        re.IGNORECASE,
    )

    def swap(text: str) -> str:
        return word.sub(lambda found: names[found.group().casefold()], text)

    def column(values: pd.Series[Any]) -> pd.Series[Any]:
        distinct = values.dropna().unique()
        return values.map({text: swap(str(text)) for text in distinct}).astype(values.dtype)

    texts = [
        c
        for c in frame.columns
        if isinstance(frame[c].dtype, pd.StringDtype) and c not in _FIXED.get(name, [])
    ]
    changed = {c: column(frame[c]) for c in texts}
    if name == "people":  # one person's accounts stay apart
        accounts = changed["username"]
        place = accounts.groupby(accounts).cumcount()
        changed["username"] = accounts.where(place == 0, accounts + "." + place.astype(str))
    if name == "issue_events":
        states = frame["field"] == "state"
        changed["value"] = changed["value"].mask(states, frame["value"])
    return schema.tidy(name, frame.assign(**changed))
