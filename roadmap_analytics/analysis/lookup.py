"""Which milestone, or which roadmap item, a name means.

A call names a milestone by id, title or web address, as a person copies it. A list of them is
accepted wherever one is: they are then counted together, as one.
"""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Real
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit

import pandas as pd
from rapidfuzz import fuzz, process

from roadmap_analytics.arguments import short
from roadmap_analytics.errors import UnknownNameError
from roadmap_analytics.frames import Dataset, given

MilestoneRef: TypeAlias = int | str | Iterable[int | str]
"""The id, title or web address of a milestone, or a list of these."""


def find_milestones(dataset: Dataset, milestone: MilestoneRef) -> list[int]:
    """Find the milestones that one reference or a list of references names.

    Parameters
    ----------
    dataset : Dataset
    milestone : int or str, or a list of these
        As in `find_milestone`.

    Returns
    -------
    list of int
        Their ids, each once, ascending.

    Raises
    ------
    UnknownNameError
        Where one reference fits none or several milestones, or the list is empty.
    """
    given(dataset)
    # A frame gives its column names and a row its values: neither is a list of milestones.
    many = isinstance(milestone, Iterable) and not isinstance(milestone, str | bytes | pd.DataFrame)
    several: list[Any] = list(milestone) if many else [milestone]  # type: ignore[arg-type]
    if not several:
        raise UnknownNameError("milestone: expected at least one milestone, got an empty list")
    return sorted({find_milestone(dataset, one) for one in several})


def find_milestone(dataset: Dataset, milestone: int | str) -> int:
    """Find the one milestone that an id, a title or a web address names.

    Parameters
    ----------
    dataset : Dataset
    milestone : int or str
        GitLab's global id; a title (exactly, else without regard to case and spaces); or an
        address such as ``https://git.example.org/groups/sigsum/-/milestones/10``, whose query and
        fragment do not matter.

    Returns
    -------
    int
        Its `milestone_id`.

    Raises
    ------
    UnknownNameError
        Where none fits, or several do; up to five candidates are listed.
    """
    milestone = _reference(milestone)
    milestones = given(dataset).milestones.sort_values("milestone_id")
    fits = _fitting(milestones, milestone, dataset.numbers(milestones["milestone_id"]))
    if len(fits) == 1:
        return int(fits["milestone_id"].iloc[0])
    if len(fits):
        said, shown = f"{len(fits)} milestones fit", fits
        hint = "give the id or the address, or a list of ids to count them together"
    else:
        said, hint, shown = "no milestone fits", "the nearest are listed", milestones
        names = [shown["title"], shown["web_url"]][isinstance(milestone, str) and "/" in milestone]
        near = process.extract(str(milestone), names.tolist(), scorer=fuzz.WRatio, limit=5)
        shown = shown.iloc[[place for _, _, place in near]]
    listed = "; ".join(
        f"{row.title!r} (id {number}, {row.web_url})"
        for number, row in zip(
            dataset.numbers(shown["milestone_id"]), shown.head(5).itertuples(), strict=False
        )
    )
    raise UnknownNameError(
        f"milestone: expected the id, title or address of one milestone, got {milestone!r}: "
        f"{said}; {hint}: {listed or 'the dataset has no milestones'}"
    )


def _reference(milestone: Any) -> int | str:
    """Return what can name a milestone; a column of ids with gaps gives them as 12.0."""
    if isinstance(milestone, str):
        return milestone
    # True is 1 to Python, but no id of a milestone.
    is_number = isinstance(milestone, Real) and not isinstance(milestone, bool)
    if is_number and milestone == milestone // 1:  # neither nan nor infinite
        return int(milestone)
    hint = "; give its column milestone_id" if isinstance(milestone, pd.DataFrame) else ""
    raise UnknownNameError(
        "milestone: expected the id, title or address of one milestone, or a list of these, got "
        f"{short(milestone)}{hint}"
    )


def _fitting(milestones: pd.DataFrame, milestone: int | str, ids: pd.Series[Any]) -> pd.DataFrame:
    if not isinstance(milestone, str):
        return milestones[ids == milestone]
    if "://" in milestone:
        return milestones[milestones["web_url"].map(address) == address(milestone)]
    fits = milestones[milestones["title"] == milestone]
    if fits.empty:
        plain = " ".join(milestone.split()).casefold()
        fits = milestones[milestones["title"].str.split().str.join(" ").str.casefold() == plain]
    if fits.empty and milestone.isascii() and milestone.isdecimal():
        fits = milestones[ids == int(milestone)]
    return fits


def known_person(dataset: Dataset, person: str) -> str:
    """Return a handle that the dataset knows: an account, an author, an assignee, a duty.

    A name that occurs nowhere is a typing error, which must not be taken for "no issues".

    Raises
    ------
    UnknownNameError
        For such a name; up to five candidates are listed.
    """
    if not isinstance(person, str):
        raise UnknownNameError(f"person: expected one handle, got {short(person)}")
    events = dataset.issue_events
    known = {
        *events.loc[(events["field"] == "assignee").to_numpy(), "value"].dropna().unique(),
        *dataset.issues["author"].dropna().unique(),
        *dataset.people["person"],
        *dataset.responsibilities["person"].dropna(),
    }
    if person not in known:
        raise unknown_name("person", "a handle", person, known, "the dataset names no one")
    return person


def unknown_name(
    argument: str, what: str, name: object, known: Iterable[str], otherwise: str
) -> UnknownNameError:
    """Return the error for a name that the dataset does not have: it lists the nearest five.

    Examples
    --------
    >>> print(unknown_name("label", "a label", "bugs", ["bug", "docs"], "no issue has one"))
    label: expected a label of this dataset, got 'bugs'; the nearest are bug, docs
    """
    near = process.extract(str(name), sorted(known), scorer=fuzz.WRatio, limit=5)
    listed = ", ".join(found for found, *_ in near) or f"none: {otherwise}"
    return UnknownNameError(
        f"{argument}: expected {what} of this dataset, got {short(name)}; the nearest are {listed}"
    )


def address(url: str) -> str:
    """Return what two web addresses of one milestone have in common, to compare them by."""
    parts = urlsplit(url.strip())
    path = unquote(parts.path).strip("/").removeprefix("groups/")
    return f"{parts.netloc}/{path}".casefold()
