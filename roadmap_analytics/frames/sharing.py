"""Frames to show outside: people under made-up names, titles of confidential issues left out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain, count
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from roadmap_analytics import schema

__all__ = ["pseudonymised", "without_confidential_titles"]

Frames = Mapping[str, pd.DataFrame]
Swap = Callable[[str], str]

CONFIDENTIAL = "(confidential)"

# Columns that hold one canonical handle each.
_PEOPLE = {
    "issues": ["author"],
    "assignments": ["person"],
    "issue_events": ["actor"],
    "people": ["person"],
    "responsibilities": ["person"],
}
# Words of the format, which must not change even where somebody bears such a name.
_FIXED = {
    "issues": ["type", "state", "state_reason"],
    "issue_events": ["field", "action", "source", "state_reason"],
    "milestones": ["kind", "state"],
    "milestone_dates": ["state"],
    "people": ["state"],
    "unread": ["kind", "field"],
    "revisions": ["layout"],
    "roadmap_items": ["key", "parent", "kind", "item", "source"],
    "responsibilities": ["role", "key"],
    "roadmap_milestones": ["key"],
    "carry_over": ["status", "key", "previous_key"],
    "item_matches": ["key", "previous_key", "kind", "reason"],
}
_GROUPS = {"everyone", "others", "maintainers"}
# Accounts of GitLab and of programs: what their names are made of ("user", "support") is no name.
_MACHINE = re.compile(r"ghost user|gitlab\b.*\bbot|(?:project|group)_\d+_bot\w*|.*[-_]bot")
# Parts of names that name nobody on their own, and how short a part is that does not either.
_PARTICLES = {
    *("and", "bin", "che", "das", "del", "dem", "den", "der", "des", "dos", "ibn", "the", "van"),
    *("von", "zum", "zur", "her", "him", "his", "she", "they"),
}
_SHORT = 2

# Letters that Unicode does not take apart, and how umlauts are written without them.
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "æ": "ae", "œ": "oe"})
_UMLAUTS = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"}
    | {"Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "Å": "Aa", "Ø": "Oe"}
)
# A word is a run of letters and digits, which `_` ends. Chinese, Japanese and Korean write no
# spaces, so each of their characters is a word.
_WORD = re.compile(r"[^\W_\u2e80-\U0010ffff]+|[^\W_]")


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
    """Replace every person by a made-up name, wherever they are named.

    Parameters
    ----------
    frames : mapping of name to DataFrame
    manifest : mapping
        Of their dataset; ``[people]`` of its configuration gives other spellings.
    seed : int
        Decides who gets which name; the same seed gives the same names.

    Returns
    -------
    frames : dict
        The same rows and numbers.
    manifest : dict
        Without what was asked for and ``[people]``; origin, failures, labels, prefixes and names
        of periods bear made-up names too.

    Notes
    -----
    Handles, user names, display names and configured spellings are replaced in every text,
    titles and addresses included; so are the parts of names of several words, and of a handle
    such as ``grace.hopper`` where no such name is known. Case and accents do not matter: Jörg is
    found as JÖRG, jorg and joerg.

    Privacy comes first: a title that uses a name as a common word ("mark as done", where there
    is a Mark) changes too. What stays: a name within a longer word ("Adas"), parts of one or two
    letters that are no handle ("Bo" of "Bo Lind"), people whom the data name nowhere else, and
    whatever tells who somebody is without a name. Read what you hand on.

    Examples
    --------
    >>> ada = schema.tidy("assignments", [{"issue_id": 1, "person": "ada"}])
    >>> frames, _ = pseudonymised({"assignments": ada}, {}, seed=1)
    >>> frames["assignments"]["person"].tolist()
    ['person01']
    """
    config = {"people": {}, **(manifest.get("config") or {})}
    accounts = frames.get("people", schema.empty("people"))
    handles = sorted(_handles(frames) | set(config["people"]))
    order = np.random.default_rng(seed).permutation(len(handles))
    width = max(2, len(str(len(handles))))
    made_up = {h: f"person{n + 1:0{width}d}" for h, n in zip(handles, order, strict=True)}
    spellings = _spellings(handles, config["people"], accounts)
    swap = _swapper((spelling, made_up[handle]) for spelling, handle in spellings)
    labels = _apart(_labels(frames) | set(config.get("labels", {}).values()), swap)
    shown = {name: _replaced(name, frame, made_up, labels, swap) for name, frame in frames.items()}
    return shown, _without_names({**manifest, "asked": {}, "config": config}, labels, swap)


def _handles(frames: Frames) -> set[str]:
    columns = [frames[name][c] for name, found in _PEOPLE.items() if name in frames for c in found]
    columns.append(_values(frames, "assignee"))
    return {handle for column in columns for handle in column.dropna().unique()} - _GROUPS


def _labels(frames: Frames) -> set[str]:
    now = frames.get("issue_labels", schema.empty("issue_labels"))["label"]
    return {*now, *_values(frames, "label").dropna()}


def _values(frames: Frames, field: str) -> pd.Series[Any]:
    events = frames.get("issue_events", schema.empty("issue_events"))
    return events.loc[events["field"] == field, "value"]


def _spellings(
    handles: Iterable[str], people: Mapping[str, Iterable[str]], accounts: pd.DataFrame
) -> Iterator[tuple[str, str]]:
    """Give every way in which somebody is named and their handle, the surest first."""
    named = accounts[accounts["name"].notna()]
    users = list(zip(accounts["username"], accounts["person"], strict=True))
    names = list(zip(named["name"], named["person"], strict=True))
    spelt = [(spelling, handle) for handle, more in people.items() for spelling in more]
    full = [*((handle, handle) for handle in handles), *spelt, *users, *names]
    yield from full
    machines = {handle for name, handle in full if _MACHINE.fullmatch(name.casefold())}
    several = [(name, handle) for name, handle in full if _in_words(name)]
    unknown = {handle for _, handle in full} - {handle for _, handle in several}
    doubles = [
        (name, handle)
        for name, handle in full
        if handle in unknown and len(re.split("[._-]", name)) == 2
    ]
    for name, handle in several + doubles:
        if handle not in machines:
            yield from ((part, handle) for part in _parts(name))
    yield from (("".join(name.split()), handle) for name, handle in several)


def _in_words(name: str) -> bool:
    return len(name.split()) > 1


def _parts(name: str) -> list[str]:
    """Give the parts of a name that point to somebody alone; two Chinese characters do."""
    parts = re.split(r"[\W_]+", " ".join(word for word in name.split() if "@" not in word))
    return [
        part
        for part in parts
        if len(part) > _SHORT - (part >= "\u2e80") and part.casefold() not in _PARTICLES
    ]


class _Name(NamedTuple):
    words: list[str]
    exact: str | None  # with what stands between the words, unless that is of no matter
    made_up: str


def _swapper(spellings: Iterable[tuple[str, str]]) -> Swap:
    """Give the function that puts made-up names into a text; each word is looked up once."""
    by_word: dict[str, dict[Any, _Name]] = {}
    for spelling, made_up in spellings:
        composed = unicodedata.normalize("NFC", spelling)
        for written in (composed, composed.translate(_UMLAUTS)):
            folded, _ = _folded(written)
            if found := list(_WORD.finditer(folded)):
                words = [word.group() for word in found]
                exact = None if _in_words(spelling) else folded[found[0].start() : found[-1].end()]
                names = by_word.setdefault(words[0], {})
                names.setdefault((*words, exact), _Name(words, exact, made_up))
    # The longest first, and of those with the same words the one written exactly so.
    ordered = {
        word: sorted(names.values(), key=lambda name: (-len(name.words), name.exact is None))
        for word, names in by_word.items()
    }

    def swap(text: str) -> str:
        composed = unicodedata.normalize("NFC", text)
        folded, places = _folded(composed)
        found = list(_WORD.finditer(folded))
        pieces, done, i = [], 0, 0
        while i < len(found):
            for words, exact, made_up in ordered.get(found[i].group(), ()):
                run = found[i : i + len(words)]
                start, end = run[0].start(), run[-1].end()
                if [w.group() for w in run] == words and exact in (None, folded[start:end]):
                    pieces += [composed[done : places[start]], made_up]
                    done = places[end - 1] + 1
                    i += len(words) - 1
                    break
            i += 1
        return "".join([*pieces, composed[done:]]) if pieces else text

    return swap


def _folded(text: str) -> tuple[str, Sequence[int]]:
    """Fold away case and accents; tell for each character left which one it comes from."""
    if text.isascii():
        return text.lower(), range(len(text))
    parts = [_plain(character) for character in text]
    return "".join(parts), [i for i, part in enumerate(parts) for _ in part]


@cache
def _plain(character: str) -> str:
    kind = unicodedata.category(character)
    if kind[0] == "M" or kind == "Cf":  # accents, and what nobody sees
        return ""
    if not character.isalnum():  # a sign such as the one for degrees Celsius is no letter
        return character
    taken_apart = unicodedata.normalize("NFKD", character)
    bare = "".join(c for c in taken_apart if unicodedata.category(c)[0] != "M")
    return unicodedata.normalize("NFC", bare).casefold().translate(_PLAIN)


def _apart(texts: Iterable[str], swap: Swap) -> dict[str, str]:
    """Swap texts of which no two may become the same: what is two things stays two."""
    given: dict[str, str] = {}
    taken: set[str] = set()
    for text in sorted(texts):
        swapped = swap(text)
        again = (f"{swapped} ({n})" for n in count(2))
        given[text] = next(t for t in chain([swapped], again) if t not in taken)
        taken.add(given[text])
    return given


def _replaced(
    name: str,
    frame: pd.DataFrame,
    made_up: Mapping[str, str],
    labels: Mapping[str, str],
    swap: Swap,
) -> pd.DataFrame:
    def person(handle: str) -> str:
        return made_up.get(handle, handle)  # a group keeps its name

    def label(text: str) -> str:
        return labels[text]

    def column(values: pd.Series[Any], change: Swap) -> pd.Series[Any]:
        distinct = values.dropna().unique()
        return values.map({text: change(text) for text in distinct}).astype(values.dtype)

    how = {
        c: swap
        for c in frame.columns
        if isinstance(frame[c].dtype, pd.StringDtype) and c not in _FIXED.get(name, [])
    }
    how |= dict.fromkeys(_PEOPLE.get(name, []), person)
    if name == "issue_labels":
        how["label"] = label
    if name == "issue_events":
        del how["value"]
    changed = {c: column(frame[c], change) for c, change in how.items()}
    if name == "issue_events":
        value = frame["value"].copy()
        for field, change in {"assignee": person, "label": label, "milestone": swap}.items():
            rows = (frame["field"] == field).to_numpy(bool)
            value[rows] = column(value[rows], change)
        changed["value"] = value
    if name == "people":  # one person's accounts stay apart
        accounts = changed["person"]
        place = accounts.groupby(accounts).cumcount()
        changed["username"] = accounts.where(place == 0, accounts + "." + place.astype(str))
        changed["name"] = accounts.where(frame["name"].notna())
    return schema.tidy(name, frame.assign(**changed))


def _without_names(
    manifest: dict[str, Any], labels: Mapping[str, str], swap: Swap
) -> dict[str, Any]:
    config = {**manifest["config"], "people": {}}
    if "labels" in config:
        config["labels"] = {key: labels[text] for key, text in config["labels"].items()}
    if "milestones" in config:
        config["milestones"] = _within(config["milestones"], swap)
    if periods := config.get("calendar", {}).get("periods"):
        names = _apart(periods, swap)
        renamed = {names[period]: days for period, days in periods.items()}
        config["calendar"] = {**config["calendar"], "periods": renamed}
    manifest["config"] = config
    if "origin" in manifest:
        manifest["origin"] = swap(manifest["origin"])
    if "runs" in manifest:
        manifest["runs"] = [
            run | {name: _within(run.get(name, []), swap) for name in ("failures", "notices")}
            for run in manifest["runs"]
        ]
    return manifest


def _within(value: Any, swap: Swap) -> Any:
    """Swap every text within lists and the values of mappings."""
    if isinstance(value, str):
        return swap(value)
    if isinstance(value, Mapping):
        return {key: _within(inner, swap) for key, inner in value.items()}
    return [_within(inner, swap) for inner in value] if isinstance(value, list) else value
