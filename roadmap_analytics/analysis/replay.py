"""State of every issue at any instant, replayed from `issue_events`.

Replay never looks at the mutable fields of `issues`: what was true at an instant follows from the
events before it, from `created_at`, and from fields that do not change. Every function sorts for
itself, so the order of rows never matters, and works on whole columns, so that a million events
cost less than reading them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.extensions import take

from roadmap_analytics.analysis.days import ticks
from roadmap_analytics.arguments import as_list, short
from roadmap_analytics.errors import UnknownNameError

if TYPE_CHECKING:
    from roadmap_analytics.frames import Dataset

__all__ = [
    "fields_at",
    "in_scope",
    "intervals",
    "members_at",
    "milestones_at",
]

Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]

DRAFT_PREFIX = "DRAFT: "
WHICH = ["issue_id", "project", "iid", "title", "confidential", "web_url"]
"""Columns by which a result says which issue a row is about."""
TYPES = frozenset(
    [
        "issue",
        "incident",
        "task",
        "test_case",
        "requirement",
        "ticket",
        "epic",
        "objective",
        "key_result",
    ]
)
"""Work item types that GitLab knows; a dataset may hold others."""
NONE = 0  # the code of "holds no value"; every other code stands for one value
_HELD_IN = {
    "state": "value",
    "milestone": "milestone_id",
    "weight": "number",
    "due_date": "value",
    "start_date": "value",
    "time_estimate": "number",
    "time_spent": "number",
    "assignee": "value",
    "label": "value",
}
_MEMBERSHIPS = ("assignee", "label")
_OF_SPANS = ["issue_id", "at", "action", "value", "milestone_id", "number"]
"""Columns of events from which spans follow; copying the others (text) would take longest."""


def in_scope(dataset: Dataset, types: Iterable[str] | str | None = None) -> pd.DataFrame:
    """Return the issues that count: each once, wherever it was moved to.

    A moved issue leaves its closed original behind and copies the history before the move, so
    the original is left out while its copy is in the dataset.

    Parameters
    ----------
    dataset : Dataset
    types : str or list of str, optional
        Work item types to keep, for example ``["issue", "incident"]``; all by default.

    Returns
    -------
    DataFrame
        Rows of `issues`, same columns.

    Raises
    ------
    UnknownNameError
        For a type that neither GitLab nor the dataset knows.
    """
    return dataset.issues[scope_mask(dataset, known_types(dataset, types))]


def scope_mask(dataset: Dataset, types: tuple[str, ...] | None = None) -> Bools:
    """Mark the rows of `issues` that `in_scope` gives; `types` as `known_types` returns them."""
    issues = dataset.issues
    moved_to = issues["moved_to_id"]
    keep = moved_to.isna().to_numpy().copy()
    keep[~keep] = ~dataset.has_issues(moved_to[~keep]).to_numpy(bool)
    if types is not None:
        keep &= issues["type"].isin(types).to_numpy()
    return np.asarray(keep, dtype=bool)


def known_types(
    dataset: Dataset, types: Iterable[str] | str | None = None
) -> tuple[str, ...] | None:
    """Return the work item types of a call, checked; None for all."""
    if types is None:
        return None
    if not isinstance(types, Iterable):
        raise UnknownNameError(f"types: expected names of work item types, got {short(types)}")
    wanted = tuple(as_list(types))
    if set(wanted) <= TYPES:
        return wanted  # without a look at the issues, which a scan would have to read for it
    known = TYPES | dataset.types
    if unknown := sorted(set(wanted) - known):
        raise UnknownNameError(
            f"types: expected some of {', '.join(sorted(known))}; got {', '.join(unknown)}"
        )
    return wanted


def events_of(dataset: Dataset, fields: Iterable[str], until: pd.Timestamp | None) -> pd.DataFrame:
    """Return the events of some fields before `until`, in order of (issue, time, place).

    The order of time, not of rows, decides; events of one instant keep their place (`seq`).
    """
    events = dataset.issue_events
    return events.iloc[in_order(events, events["field"].isin(list(fields)).to_numpy(), until)]


def in_order(events: pd.DataFrame, keep: Bools, until: pd.Timestamp | None) -> Ints:
    """Return the places of the rows to keep, before `until`, in order of (issue, time, seq)."""
    at = ticks(events["at"])
    if until is not None:
        keep = keep & (at < until.to_datetime64().astype("datetime64[us]").astype(np.int64))
    rows = np.flatnonzero(keep)
    issue, at = events["issue_id"].to_numpy()[rows], at[rows]
    seq = events["seq"].to_numpy()[rows]
    # Stored events are sorted already: looking costs a twentieth of sorting a million of them.
    same = issue[1:] == issue[:-1]
    later = (at[1:] > at[:-1]) | ((at[1:] == at[:-1]) & (seq[1:] >= seq[:-1]))
    if bool(np.all((issue[1:] > issue[:-1]) | (same & later))):
        return rows
    return np.asarray(rows[np.lexsort((seq, at, issue))], dtype=np.int64)


def among(ascending: Ints, ids: Ints) -> Bools:
    """Mark the entries of an ascending array that are among some ids.

    Where few ids are looked up in many entries, two binary searches per id are far cheaper than a
    hash of all entries: +1 where an id's run begins, -1 where it ends, and the running sum is
    positive inside. Ids [4] among [2, 4, 4, 7] give marks [0, 1, 0, -1] and sums [0, 1, 1, 0].
    """
    marks = np.zeros(len(ascending) + 1, dtype=np.int64)
    np.add.at(marks, np.searchsorted(ascending, ids, side="left"), 1)
    np.add.at(marks, np.searchsorted(ascending, ids, side="right"), -1)
    return np.cumsum(marks[:-1]) > 0


@dataclass(frozen=True)
class Ordered:
    """The events of some fields, of the issues that count, in order of (issue, time, seq).

    Attributes
    ----------
    events : DataFrame
        `issue_events`, whole; `rows` are places in it.
    rows, issue : array of int
        One entry per event.
    of : dict
        Field to a mark of the events that are about it.
    """

    events: pd.DataFrame
    rows: Ints
    issue: Ints
    of: dict[str, Bools]

    def newest(
        self, field: str, values: npt.NDArray[Any], default: Any, at: Ints | None = None
    ) -> npt.NDArray[Any]:
        """Return what the newest event of a field had set by each event.

        Parameters
        ----------
        field : str
        values : array
            What each event of that field sets (as many as ``of[field]`` marks).
        default : scalar
            What stands in an issue before its first event of that field.
        at : array of int, optional
            Only for these events (places in `rows`).

        Notes
        -----
        ``counted`` numbers the events of the field; an event's newest one is the number so far. It
        belongs to an earlier issue, and the default stands, where the number is no higher than it
        was when the issue began::

            issue  field      sets    counted  when the issue began  newest
            7      state      opened  1        0                     opened
            7      milestone          1        0                     opened
            7      state      closed  2        0                     closed
            8      milestone          2        2                     default
            8      state      opened  3        2                     opened
        """
        mine = self.of[field]
        counted = np.cumsum(mine)
        first = np.flatnonzero(first_of(self.issue))
        before: Ints = (counted - mine)[first]  # per issue
        lengths = np.diff(np.append(first, len(self.issue)))
        newest = np.where(counted > np.repeat(before, lengths), counted - 1, -1)
        # Place -1 is the last one: the default, appended.
        return np.append(values, default)[newest if at is None else newest[at]]


def ordered(
    dataset: Dataset,
    fields: Iterable[str],
    until: pd.Timestamp,
    types: tuple[str, ...] | None,
) -> Ordered:
    """Return the events of some fields before an instant, of the issues that count, in order."""
    hidden = dataset.issues["issue_id"].to_numpy()[~scope_mask(dataset, types)]
    return _ordered(dataset.issue_events, fields, until, hidden)


def _ordered(
    events: pd.DataFrame,
    fields: Iterable[str],
    until: pd.Timestamp | None,
    hidden: Ints | None = None,
) -> Ordered:
    about = {name: (events["field"] == name).to_numpy() for name in fields}
    rows = in_order(events, np.logical_or.reduce(list(about.values())), until)
    if hidden is not None and len(hidden):
        rows = rows[~among(events["issue_id"].to_numpy()[rows], hidden)]
    return Ordered(
        events,
        rows,
        events["issue_id"].to_numpy()[rows],
        {name: mine[rows] for name, mine in about.items()},
    )


def codes_of(events: pd.DataFrame, field: str) -> Ints:
    """Return one number per value of events of one field; `NONE` where the field was cleared."""
    if field == "milestone":
        return milestone_codes(events, np.arange(len(events)))
    held = events[_HELD_IN[field]]
    if field == "time_estimate":
        held = held.where(held != 0)  # GitLab writes 0 for "no estimate"
    return pd.factorize(held)[0].astype(np.int64) + 1  # factorize gives -1 for missing: `NONE`


def _same(*keys: npt.NDArray[Any]) -> Bools:
    """Mark the rows, but the first, whose keys equal those of the row before."""
    return np.asarray(np.logical_and.reduce([key[1:] == key[:-1] for key in keys]), dtype=bool)


def milestone_codes(events: pd.DataFrame, rows: Ints) -> Ints:
    """Return the milestone that each of some milestone events leads to, as its id; `NONE` for none.

    A milestone that is no longer known still ends the time in the one before it: it gets a negative
    number of its own, from -2 down, one per title.
    """
    # Rows are taken first: one event in four is about a milestone, and comparing text is slow.
    code = events["milestone_id"].take(rows).to_numpy(np.int64, na_value=NONE)
    added = (events["action"].take(rows) == "add").to_numpy()
    lost = added & (code == NONE)
    if lost.any():
        code[lost] = -2 - pd.factorize(events["value"].iloc[rows[lost]])[0]
    code[~added] = NONE
    return code


def first_of(*keys: npt.NDArray[Any]) -> Bools:
    """Mark the first row of each run of equal keys: [7, 7, 9] gives [True, False, True]."""
    return np.concatenate([[True], ~_same(*keys)]) if len(keys[0]) else np.zeros(0, dtype=bool)


def last_of(*keys: npt.NDArray[Any]) -> Bools:
    """Mark the last row of each run of equal keys: [7, 7, 9] gives [False, True, True]."""
    return np.concatenate([~_same(*keys), [True]]) if len(keys[0]) else np.zeros(0, dtype=bool)


def running(amounts: npt.NDArray[np.float64], *group: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return running totals that start afresh in each group; rows of a group stand together.

    One sum over everything, less what it was before each group: amounts [1, 2 | 5, 1] have the
    sums [1, 3 | 8, 9], and less [0, 0 | 3, 3] they are [1, 3 | 5, 6].
    """
    total = np.cumsum(amounts)
    first = first_of(*group)
    before = (total - amounts)[first]
    # Sums of weights and hours pick up noise in the last bits, which must not look like work left.
    return np.asarray((total - before[np.cumsum(first) - 1]).round(6), dtype=np.float64)


def intervals(dataset: Dataset, field: str, *, until: pd.Timestamp | None = None) -> pd.DataFrame:
    """Turn the events of one field into the spans of time over which it held a value.

    Events that change nothing are ignored, and so is what lasted no time.

    Parameters
    ----------
    dataset : Dataset
    field : str
        Any field of `issue_events`.
    until : Timestamp, optional
        Only events before it are read.

    Returns
    -------
    DataFrame
        One row per issue and span, sorted by (issue_id, [value,] start_at): `issue_id`; the value
        as `milestone_id` (NA: a milestone that is no longer known), `number` (weight; hours) or
        `value`; `start_at`; `end_at`, which is no longer covered, NaT where it held to the end.
        Between spans the field was empty. Assignees and labels have overlapping spans, one per
        value; deleted labels, which have no name, are left out. A span in a milestone ends where
        the issue is closed without being done (`state_reason`); reopening begins a new one.

    Raises
    ------
    UnknownNameError
        For a field that `issue_events` does not know.

    Examples
    --------
    >>> from roadmap_analytics import schema
    >>> from roadmap_analytics.frames import Dataset
    >>> at = pd.to_datetime(["2025-01-01", "2025-01-03", "2025-01-05"], utc=True)
    >>> events = {"issue_id": 7, "seq": range(3), "at": at, "field": "weight", "action": "set",
    ...           "number": [2, 3, None], "source": "event", "correction": False}
    >>> dataset = Dataset({"issue_events": schema.tidy("issue_events", events)})
    >>> intervals(dataset, "weight")[["number", "start_at", "end_at"]]
       number                  start_at                    end_at
    0     2.0 2025-01-01 00:00:00+00:00 2025-01-03 00:00:00+00:00
    1     3.0 2025-01-03 00:00:00+00:00 2025-01-05 00:00:00+00:00
    """
    if field not in _HELD_IN:
        raise UnknownNameError(f"field: expected one of {list(_HELD_IN)}, got {field!r}")
    column = _HELD_IN[field]
    given_up_too = field == "milestone" and bool(dataset.issue_events["state_reason"].notna().any())
    log = _ordered(dataset.issue_events, ["milestone", "state"] if given_up_too else [field], until)
    events = log.events[_OF_SPANS].iloc[log.rows]
    # `value` tells apart what an issue may have at once (assignees, labels): each gets spans of its
    # own. Of the other fields an issue has one value at a time, and `value` is 0. `code` is what
    # the field holds from that event on.
    if given_up_too:
        code = counted_milestones(log, milestone_codes(log.events, log.rows[log.of["milestone"]]))
        known = pd.array(np.ma.masked_less_equal(code, NONE), dtype="Int64")
        events = events.assign(milestone_id=known)
        value = np.zeros(len(events), dtype=np.int64)
    elif field in _MEMBERSHIPS:
        events, value, code = _memberships(events)
    elif field == "time_spent":
        total = _spent(events)
        events = events.assign(number=total)
        value, code = np.zeros(len(events), dtype=np.int64), np.asarray(pd.factorize(total)[0]) + 1
    else:
        value, code = np.zeros(len(events), dtype=np.int64), codes_of(events, field)
    issue, at = events["issue_id"].to_numpy(), ticks(events["at"])

    # Of events of one instant the last decides; what lies between them lasted no time.
    settled = np.flatnonzero(last_of(issue, value, at))
    issue, value, code = issue[settled], value[settled], code[settled]
    before = np.where(first_of(issue, value), NONE, np.roll(code, 1))
    changed = code != before
    rows, issue, value, code = settled[changed], issue[changed], value[changed], code[changed]

    # A span ends where the next one of the same issue (and value) begins.
    spans: pd.DataFrame = events[["issue_id", column]].iloc[rows].reset_index(drop=True)
    start = events["at"].iloc[rows].reset_index(drop=True)
    end = start.shift(-1).mask(last_of(issue, value))
    spans["start_at"], spans["end_at"] = start, end.astype(start.dtype)
    return spans[pd.Series(code != NONE)].reset_index(drop=True)


def counted_milestones(log: Ordered, milestone: Ints, at: Ints | None = None) -> Ints:
    """Return the milestone in which each event leaves its issue; `NONE` while it is given up.

    An issue that was closed without being done (moved, promoted to an epic, a duplicate) is no work
    of its milestone any more. It is out of scope until it is reopened, although GitLab leaves the
    field as it is.

    Parameters
    ----------
    log : Ordered
        With the fields milestone and state.
    milestone : array of int
        `milestone_codes` of its milestone events.
    at : array of int, optional
        Only for these events (places in `log.rows`).
    """
    held: Ints = log.newest("milestone", milestone, NONE, at)
    given_up = log.events["state_reason"].take(log.rows[log.of["state"]]).notna().to_numpy()
    if given_up.any():
        held = np.where(log.newest("state", given_up, False, at), NONE, held)
    return held


def _memberships(events: pd.DataFrame) -> tuple[pd.DataFrame, Ints, Ints]:
    """Order additions and removals by (issue, value); say which value and whether it is held."""
    events = events[events["value"].notna().to_numpy()]
    value = pd.factorize(events["value"], sort=True)[0].astype(np.int64)
    # The events stand in order of time, which stays within each pair: lexsort is stable.
    order = np.lexsort((value, events["issue_id"].to_numpy()))
    events, value = events.iloc[order], value[order]
    return events, value, (events["action"] == "add").to_numpy().astype(np.int64)


def _spent(events: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Sum what was added to the time spent since it was last set, or since the issue began.

    Each setting begins a new group, and the sums run within groups: set 3, add 1, set 0, add 2 are
    groups 1, 1, 2, 2 and give 3, 4, 0, 2. Hours are rounded, since sums of thirds of an hour differ
    in the last bits.
    """
    fresh = (events["action"] == "set").to_numpy() | first_of(events["issue_id"].to_numpy())
    return events["number"].fillna(0.0).groupby(np.cumsum(fresh)).cumsum().round(6).to_numpy()


def given_up(dataset: Dataset, closed: pd.DataFrame) -> Bools:
    """Mark the spans of state that begin with a close without the work being done.

    Parameters
    ----------
    closed : DataFrame
        Spans of the field state, with `issue_id` and `start_at`.
    """
    events = dataset.issue_events
    closes = events.loc[events["state_reason"].notna().to_numpy(), ["issue_id", "at"]]
    if closes.empty:
        return np.zeros(len(closed), dtype=bool)
    # Times in their own unit: a frame made elsewhere may have another one than microseconds.
    told = pd.MultiIndex.from_arrays([closes["issue_id"].to_numpy(), ticks(closes["at"])])
    asked = pd.MultiIndex.from_arrays([closed["issue_id"].to_numpy(), ticks(closed["start_at"])])
    return np.asarray(asked.isin(told), dtype=bool)


def fields_at(dataset: Dataset, at: pd.Timestamp) -> pd.DataFrame:
    """Return the fields of every issue as they were just before `at` (see `days.instant`).

    Returns
    -------
    DataFrame
        One row per issue opened before `at`, indexed by `issue_id`, sorted: `state`,
        `milestone_id` (NA: in none, or in one no longer known), `weight` (NA: none), `due_date`,
        `start_date`, `time_estimate_hours` (0: none), `time_spent_hours`, `created_at`,
        `state_reason` (of what is closed without being done; else NA). Moved originals are among
        them: keep the ids of `in_scope` where each issue must count once.

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> at = pd.Timestamp("2025-01-01", tz="UTC")
    >>> fields_at(Dataset({}), at).columns.tolist()[:3]
    ['state', 'milestone_id', 'weight']
    """
    issues, events = dataset.issues, dataset.issue_events
    born = issues.loc[(issues["created_at"] < at).to_numpy(), ["issue_id", "created_at"]]
    born = born.set_index("issue_id").sort_index()
    ids = born.index.to_numpy(np.int64)

    def newest(field: str) -> Ints:
        rows = in_order(events, (events["field"] == field).to_numpy(), at)
        issue = events["issue_id"].to_numpy()[rows]
        last = last_of(issue)
        return looked_up(ids, issue[last], rows[last])

    def column(name: str, rows: Ints) -> pd.Series[Any]:
        # The rows that count are taken once: to take text costs most. Row -1 is a missing value.
        values = take(events[name].array, rows, allow_fill=True)
        return pd.Series(values, index=born.index)

    state, milestone = newest("state"), newest("milestone")
    within = column("action", milestone) == "add"
    return pd.DataFrame(
        {
            "state": column("value", state).astype("str").fillna("opened"),
            "milestone_id": column("milestone_id", milestone).where(within),
            "weight": column("number", newest("weight")).astype("Int64"),
            "due_date": _calendar_day(column("value", newest("due_date"))),
            "start_date": _calendar_day(column("value", newest("start_date"))),
            "time_estimate_hours": column("number", newest("time_estimate")).fillna(0.0),
            "time_spent_hours": _spent_by(events, at, ids),
            "created_at": born["created_at"],
            "state_reason": column("state_reason", state).astype("str"),
        },
        index=born.index,
    )


def looked_up(ids: Ints, ascending: Ints, values: Ints) -> Ints:
    """Return the value of each id among ascending keys; -1 where it is not among them.

    Ids [2, 4, 7] among the keys [2, 7], which have the values [5, 6], give [5, -1, 6].
    """
    if not len(ascending):
        return np.full(len(ids), -1, dtype=np.int64)
    # An id above all others would be looked up behind the end.
    place = np.searchsorted(ascending, ids).clip(max=len(ascending) - 1)
    return np.where(ascending[place] == ids, values[place], -1)


def _spent_by(events: pd.DataFrame, until: pd.Timestamp, ids: Ints) -> npt.NDArray[np.float64]:
    """Return the hours spent on each issue before an instant."""
    rows = in_order(events, (events["field"] == "time_spent").to_numpy(), until)
    mine = events[["issue_id", "action", "number"]].iloc[rows]
    issue, total = mine["issue_id"].to_numpy(), _spent(mine)
    last = np.flatnonzero(last_of(issue))
    # Place -1 is the last one: 0 hours, appended.
    return np.append(total, 0.0)[looked_up(ids, issue[last], last)]


def _calendar_day(text: pd.Series[Any]) -> pd.Series[Any]:
    """Read days as text; each day once, since many issues are due on the same one."""
    code, words = pd.factorize(text)
    days = pd.to_datetime(pd.Index(words), format="%Y-%m-%d").astype("datetime64[us]")
    return pd.Series(take(days.array, code, allow_fill=True), index=text.index)


def members_at(
    dataset: Dataset, at: pd.Timestamp, field: Literal["assignee", "label"] = "assignee"
) -> pd.DataFrame:
    """Return the assignees or labels that issues had just before `at`.

    Returns
    -------
    DataFrame
        One row per issue and value, sorted: `issue_id`, `value` (a canonical handle, or a label).
    """
    events = dataset.issue_events
    rows = in_order(events, (events["field"] == field).to_numpy(), at)
    value, words = pd.factorize(events["value"].take(rows), sort=True)
    # One number per issue and value, so that one sort does, which finds them nearly in order. A
    # deleted label has no name, and -1: hence room for one value more than there are.
    issue = np.cumsum(first_of(events["issue_id"].to_numpy()[rows]))
    pair = issue * (len(words) + 1) + value
    # The events stand in order of time, which stays within each pair: the sort is stable.
    order = np.argsort(pair, kind="stable")
    last = order[last_of(pair[order])]
    last = rows[last[value[last] >= 0]]
    last = last[(events["action"].take(last) == "add").to_numpy()]
    return events[["issue_id", "value"]].take(last).reset_index(drop=True)


def milestones_at(dataset: Dataset, at: pd.Timestamp) -> pd.DataFrame:
    """Return every milestone as the exports had seen it before `at`.

    GitLab keeps no history of a milestone's dates, so the last observation before `at` stands.
    Before the first observation the first one stands: it is the oldest there is.

    Returns
    -------
    DataFrame
        Rows and columns of `milestones`, with `title`, `state`, `start_date`, `due_date` and
        `draft` as observed, and `observed_at` (NaT where no observation is on record).
    """
    prefix = dataset.config.get("milestones", {}).get("draft_prefix", DRAFT_PREFIX)
    seen = dataset.milestone_dates.sort_values(["milestone_id", "observed_at"], kind="stable")
    known = seen[(seen["observed_at"] < at).to_numpy()].drop_duplicates("milestone_id", keep="last")
    first = seen.drop_duplicates("milestone_id", keep="first")
    first = first[~first["milestone_id"].isin(known["milestone_id"])]
    observed = pd.concat([known, first]).set_index("milestone_id")

    milestones = dataset.milestones.sort_values("milestone_id", ignore_index=True)
    ids = milestones["milestone_id"]
    recorded = ids.isin(observed.index)
    for column in ("title", "state", "start_date", "due_date"):
        then = observed[column].reindex(ids).set_axis(milestones.index)
        milestones[column] = milestones[column].mask(recorded, then)
    milestones["draft"] = milestones["title"].str.startswith(prefix).astype(bool)
    milestones["observed_at"] = observed["observed_at"].reindex(ids).set_axis(milestones.index)
    return milestones
