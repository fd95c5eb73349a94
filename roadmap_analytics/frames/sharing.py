"""Frames to show outside: people under made-up names, nothing that somebody typed, or no secrets.

A name cannot be found reliably in running text: "mark as done" is no name, "ask M." is one. So
nothing is looked for. Every column of text has a rule here, by which its values are replaced as a
whole; a column without a rule is an error, so that a new column cannot leak what it holds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from roadmap_analytics import schema

__all__ = ["pseudonymised", "without_confidential_titles"]

Frames = Mapping[str, pd.DataFrame]

CONFIDENTIAL = "(confidential)"
ORIGIN = "https://gitlab.example"
DRAFT_PREFIX = "DRAFT: "

# Where a column of a frame holds text, one of these says what becomes of it:
# kept     a word of our own or of GitLab's, of which there are few, or a number such as 1.2 or P3
# person   a handle, a user name or a display name
# path     a path of groups and projects, whose parts may bear a name
# address  a web address; host and path are replaced, what follows `/-/` stays
# blank    free text of which no result depends: missing, or empty where it may not be missing
# anything else is free text that tells things apart: that word and a number, the same for the
# same text in every frame
_RULES: dict[str, dict[str, str]] = {
    "issues": {
        "project": "path", "title": "issue", "type": "kept", "state": "kept", "author": "person",
        "imported_from": "kept", "web_url": "address", "state_reason": "kept",
    },
    "assignments": {"person": "person"},
    "issue_labels": {"label": "label"},
    "issue_events": {
        "actor": "person", "field": "kept", "action": "kept", "value": "value", "source": "kept",
        "state_reason": "kept",
    },
    "milestones": {
        "kind": "kept", "path": "path", "title": "milestone", "state": "kept", "web_url": "address",
    },
    "milestone_dates": {"title": "milestone", "state": "kept"},
    "people": {"username": "person", "person": "person", "name": "person", "state": "kept"},
    "unread": {"kind": "kept", "subject": "subject", "field": "kept", "text": "text"},
    "revisions": {
        "layout": "kept", "next_update_text": "blank", "horizon_text": "blank",
        "source": "document", "unplaced_text": "blank",
    },
    "roadmap_items": {
        "key": "kept", "parent": "kept", "kind": "kept", "title": "roadmap item",
        "target_text": "blank", "target_flag": "blank", "item": "kept", "source": "kept",
        "detail": "blank", "url": "address",
    },
    "roadmap_lines": {
        "text": "blank", "reading": "kept", "key": "kept", "field": "kept", "value": "blank",
        "why": "blank",
    },
    "roadmap_alarms": {"alarm": "kept", "text": "alarm"},
    "responsibilities": {
        "person": "person", "role": "kept", "key": "kept", "scope": "scope", "qualifier": "blank",
    },
    "roadmap_milestones": {
        "url": "address", "path": "path", "title": "milestone", "status": "blank", "key": "kept",
    },
    "carry_over": {
        "text": "statement", "status": "kept", "key": "kept", "previous_key": "kept",
    },
    "item_matches": {
        "key": "kept", "previous_key": "kept", "kind": "kept", "reason": "kept",
    },
}  # fmt: skip
# Columns that say who somebody is; all others of the rule "person" say it again.
_PEOPLE = {
    "issues": ["author"],
    "assignments": ["person"],
    "issue_events": ["actor"],
    "people": ["person"],
    "responsibilities": ["person"],
}
_GROUPS = {"everyone", "others", "maintainers"}
"""What documents say in place of a name; analyses know these words."""

_OF_FIELD = {"assignee": "person", "label": "label", "milestone": "milestone"}
"""What `value` holds in events of these fields; other events hold days and words of GitLab."""

# The end is kept only where it is a kind and a number: the path of a file may bear a name.
_ADDRESS = re.compile(
    r"(?:https?://[^/]+)?/*(groups/)?(.*?)"
    r"(/-/(?:issues|work_items|milestones|epics|merge_requests)/\d+)?/*"
)


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
    frames: Frames, manifest: Mapping[str, Any], seed: int
) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """Replace every person by a made-up name, and every text that somebody typed.

    Parameters
    ----------
    frames : mapping of name to DataFrame
    manifest : mapping
        Of their dataset.
    seed : int
        Decides who gets which name; the same seed gives the same names.

    Returns
    -------
    frames : dict
        The same rows, numbers and dates. People are "person01" and so on. Titles, labels and other
        texts that tell things apart become a word and a number ("milestone 3"), the same for the
        same text everywhere; paths and addresses likewise. Texts that nothing depends on are
        missing or empty.
    manifest : dict
        Without addresses, people, and names of labels and of periods.

    Notes
    -----
    What stays: numbers and dates, kinds and states, the numbers that documents give their items,
    and GitLab's ids. Whoever has the original can recognise it by these.

    Examples
    --------
    >>> ada = schema.tidy("assignments", [{"issue_id": 1, "person": "ada"}])
    >>> frames, _ = pseudonymised({"assignments": ada}, {}, seed=1)
    >>> frames["assignments"]["person"].tolist()
    ['person01']
    """
    names = _Names(frames, manifest, seed)
    shown = {name: _replaced(name, frame, names) for name, frame in frames.items()}
    return shown, _manifest(manifest, names)


class _Names:
    """What stands for which person and text; the same in every frame."""

    def __init__(self, frames: Frames, manifest: Mapping[str, Any], seed: int) -> None:
        config = manifest.get("config") or {}
        self.future = (config.get("labels") or {}).get("future")
        prefix = (config.get("milestones") or {}).get("draft_prefix") or DRAFT_PREFIX
        texts = _texts(frames)
        if self.future is not None:
            texts.setdefault("label", set()).add(self.future)
        # The order of names would tell who is who to somebody with a list of the team.
        people = sorted(texts.pop("person", set()) - _GROUPS)
        order = np.random.default_rng(seed).permutation(len(people))
        width = max(2, len(str(len(people))))
        self.people = {p: f"person{n + 1:0{width}d}" for p, n in zip(people, order, strict=True)}
        parts = sorted({part for path in texts.pop("path", set()) for part in path.split("/")})
        self._origin = str(manifest.get("origin") or "")
        self._parts = {part: f"group{n}" for n, part in enumerate(parts, 1)}
        # Zeros in front, so that numbers sort as the texts did, and rows keep their order.
        self._texts = {
            kind: {
                text: f"{kind} {n:0{len(str(len(found)))}d}"
                for n, text in enumerate(sorted(found), 1)
            }
            for kind, found in texts.items()
        }
        # Analyses tell drafts by a column, people by the beginning of the title.
        for text in self._texts.get("milestone", {}):
            if text.startswith(prefix):
                self._texts["milestone"][text] = DRAFT_PREFIX + self._texts["milestone"][text]

    def of(self, rule: str, text: str) -> str:
        """Return what stands for a text."""
        if rule == "kept":
            return text
        if rule == "person":
            return self.people.get(text, text)  # a group of `_GROUPS` keeps its name
        if rule == "path":
            return "/".join(self._parts[part] for part in text.split("/"))
        return self._address(text) if rule == "address" else self._texts[rule][text]

    def _address(self, text: str) -> str:
        found = _ADDRESS.fullmatch(text.removeprefix(self._origin))
        groups, path, rest = found.groups() if found else (None, "", None)
        if not found or not all(part in self._parts for part in path.split("/")):
            return f"{ORIGIN}/elsewhere"
        return f"{ORIGIN}/{groups or ''}{self.of('path', path)}{rest or ''}"


def _rules(name: str, frame: pd.DataFrame) -> dict[str, str]:
    """Return the rule of every column of text."""
    rules = _RULES[name]
    return {c: rules[c] for c in frame.columns if isinstance(frame[c].dtype, pd.StringDtype)}


def _texts(frames: Frames) -> dict[str, set[str]]:
    """Collect the texts that are replaced, by rule."""
    found: dict[str, set[str]] = {}
    for name, frame in frames.items():
        for column, rule in _rules(name, frame).items():
            if rule == "value":
                for field, of_field in _OF_FIELD.items():
                    values = frame.loc[frame["field"] == field, column]
                    found.setdefault(of_field, set()).update(values.dropna())
            elif rule == "person" and column not in _PEOPLE[name]:
                continue  # accounts are numbered by their person
            elif rule not in ("kept", "address", "blank"):
                found.setdefault(rule, set()).update(frame[column].dropna())
    return found


def _replaced(name: str, frame: pd.DataFrame, names: _Names) -> pd.DataFrame:
    def column(values: pd.Series[Any], rule: str) -> pd.Series[Any]:
        # Each distinct text once: ten million events name few people.
        made_up = {text: names.of(rule, text) for text in values.dropna().unique()}
        return values.map(made_up).astype(values.dtype)

    described = schema.describe(name).set_index("column")["may_be_missing"]
    changed: dict[str, pd.Series[Any]] = {}
    for c, rule in _rules(name, frame).items():
        if rule == "blank":
            nothing = None if described[c] else ""
            changed[c] = pd.Series(nothing, frame.index, dtype=frame[c].dtype)
        elif rule == "value":
            changed[c] = frame[c].copy()
            for field, of_field in _OF_FIELD.items():
                rows = (frame["field"] == field).to_numpy(bool)
                changed[c][rows] = column(frame.loc[rows, c], of_field)
        elif name != "people" or c == "person":
            changed[c] = column(frame[c], rule)
    if name == "people":
        # One person's accounts stay apart: `username` is the key of the frame.
        person = changed["person"]
        place = person.groupby(person).cumcount()
        changed["username"] = person.where(place == 0, person + "." + place.astype(str))
        changed["name"] = person.where(frame["name"].notna())
    return schema.tidy(name, frame.assign(**changed))


def _manifest(manifest: Mapping[str, Any], names: _Names) -> dict[str, Any]:
    """Return the manifest with nothing that somebody typed; what is not known to be safe goes."""
    kept = {"format", "format_version", "library_version", "simulated", "tables"}
    shown: dict[str, Any] = {key: value for key, value in manifest.items() if key in kept}
    if "origin" in manifest:
        shown["origin"] = ORIGIN
    shown["asked"] = {}
    shown["config"] = _config(manifest.get("config") or {}, names)
    if "runs" in manifest:
        shown["runs"] = [_run(run) for run in manifest["runs"]]
    return shown


def _config(config: Mapping[str, Any], names: _Names) -> dict[str, Any]:
    shown: dict[str, Any] = {"people": {}}
    if "labels" in config:
        shown["labels"] = (
            {} if names.future is None else {"future": names.of("label", names.future)}
        )
    if "milestones" in config:
        shown["milestones"] = {"draft_prefix": DRAFT_PREFIX}
    if "calendar" in config:
        calendar = config["calendar"]
        # No one works in a period whose name says holiday (`analysis.days.working_days`).
        numbered = {
            f"{'holiday' if 'holiday' in name.lower() else 'period'} {n}": days
            for n, (name, days) in enumerate((calendar.get("periods") or {}).items(), 1)
        }
        shown["calendar"] = {**calendar, "periods": numbered}
    return shown


def _run(run: Mapping[str, Any]) -> dict[str, Any]:
    kept = {"run", "kind", "started_at", "ended_at", "requests", "via", "anonymous", "files"}
    shown = {key: value for key, value in run.items() if key in kept}
    failures = run.get("failures") or ()
    notices = run.get("notices") or ()
    return shown | {
        "failures": [
            {"part": f"part {n}", "status": one.get("status"), "message": ""}
            for n, one in enumerate(failures, 1)
        ],
        "notices": [
            {"what": f"notice {n}", "count": one.get("count")} for n, one in enumerate(notices, 1)
        ],
    }
