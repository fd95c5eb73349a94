"""Every frame: its grain, its key, and what each column holds.

One class per frame. `_at` columns are UTC timestamps, `_date` columns calendar days (midnight,
without zone), `_days` and `_hours` numbers; people are canonical handles; missing is NA. Frames are
strict (no other columns), ordered, and sorted by their key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.api.pandas import model as pandera_model
from pandera.dtypes import immutable
from pandera.engines import pandas_engine
from pandera.errors import SchemaErrors
from pandera.typing import Index, Series

from roadmap_analytics.errors import DatasetError

At = Annotated[pd.DatetimeTZDtype, "us", "UTC"]


@pandas_engine.Engine.register_dtype
@immutable
class Day(pandas_engine.DataType):
    """A calendar day: midnight, without zone (pandera knows nanoseconds only)."""

    type = np.dtype("datetime64[us]")

    def __init__(self) -> None:
        """Nothing to configure."""

    def check(self, pandera_dtype: Any, data_container: Any | None = None) -> bool:
        """Whether the data are days."""
        return data_container is not None and data_container.dtype == self.type

    def __str__(self) -> str:
        return str(self.type)


STATES = ["opened", "closed"]
FIELDS = [
    "state",
    "milestone",
    "assignee",
    "label",
    "weight",
    "due_date",
    "start_date",
    "time_estimate",
    "time_spent",
]
ACTIONS = ["add", "remove", "set"]
SOURCES = ["event", "note", "creation", "inferred"]
STATE_REASONS = ["moved", "promoted", "duplicate"]
"""Why an issue was closed without being done: its work goes on elsewhere."""
ITEM_KINDS = ["priority", "item", "activity"]
ROLES = ["driver", "maintainer", "responsible", "work", "review", "input", "contact"]
READINGS = [
    *("item", "heading", "field", "person", "date", "link", "statement", "prose"),
    *("contents", "ignored", "error"),
]
SAYS_NOTHING = ["ignored", "contents", "heading"]
"""Readings of lines that hold nothing which could be taken from them."""
# The most severe first: what hides a whole document, then what may be wrong, then what is only odd.
ALARMS = [
    *("no items", "lines not understood", "label as person", "correction fits nothing"),
    *("year not read", "date flagged", "repeated title", "target in the past", "file not read"),
]
CARRY_OVER = ["backlogged", "continued", "done", "dropped"]


def _text(
    description: str,
    *,
    nullable: bool = False,
    isin: list[str] | None = None,
    alias: str | None = None,
) -> Any:
    return pa.Field(description=description, nullable=nullable, isin=isin, alias=alias)


def _value(description: str, *, nullable: bool = False, ge: float | None = None) -> Any:
    return pa.Field(description=description, nullable=nullable, ge=ge)


class Frame(pa.DataFrameModel):
    """What all frames share: no other columns, in this order, one row per key."""

    class Config:
        """Settings that pandera reads."""

        strict = True
        ordered = True
        coerce = False

    def __init_subclass__(cls, *, key: list[str], **more: Any) -> None:
        """Give the class its key: pandera looks for it in a `Config` of the class's own."""
        cls.Config = type("Config", (), {"unique": key})  # type: ignore[misc, assignment]
        super().__init_subclass__(**more)  # type: ignore[no-untyped-call]


class Issues(Frame, key=["issue_id"]):
    """One issue or other work item (task, incident ...), with its fields as of the export."""

    issue_id: Series[int] = _value("GitLab's global id")
    project: Series[str] = _text("full path of the project, e.g. sigsum/core/log-go")
    project_id: Series[int] = _value("GitLab's id of the project")
    iid: Series[int] = _value("number of the issue within its project, as people write it (#12)")
    title: Series[str] = _text("title, as plain untrusted text")
    type: Series[str] = _text(
        "issue, task, incident, ticket, test_case, requirement ... as GitLab says"
    )
    state: Series[str] = _text("state at the export", isin=STATES)
    state_reason: Series[str] = _text(
        "of an issue that was closed without being done: moved (to another project), promoted (to "
        "an epic) or duplicate (of another issue); else NA",
        nullable=True,
        isin=STATE_REASONS,
    )
    author: Series[str] = _text("who opened it; NA where the account is gone", nullable=True)
    created_at: Series[At] = _value("when it was opened; a moved copy keeps the original's")
    updated_at: Series[At] = _value("GitLab's own last change; not every change bumps it")
    closed_at: Series[At] = _value("when it was last closed; NA while open", nullable=True)
    milestone_id: Series[pd.Int64Dtype] = _value(
        "milestone at the export; NA for none", nullable=True
    )
    start_date: Series[Day] = _value("planned start; NA for none", nullable=True)
    due_date: Series[Day] = _value("the issue's own due date; NA for none", nullable=True)
    weight: Series[pd.Int64Dtype] = _value(
        "weight; NA for none, or where it is not licensed", nullable=True
    )
    time_estimate_hours: Series[float] = _value("estimate in hours; 0 where there is none", ge=0)
    time_spent_hours: Series[float] = _value("time spent in hours", ge=0)
    confidential: Series[bool] = _value(
        "hidden from most readers; counts, but its title stays private"
    )
    moved_to_id: Series[pd.Int64Dtype] = _value(
        "issue_id of the copy that replaced it; else NA", nullable=True
    )
    imported_from: Series[str] = _text(
        "where it was imported from; NA where it was not", nullable=True
    )
    web_url: Series[str] = _text("address of the issue")


class Assignments(Frame, key=["issue_id", "person"]):
    """One issue and one current assignee."""

    issue_id: Series[int] = _value("the issue")
    person: Series[str] = _text("canonical handle of the assignee")


class IssueLabels(Frame, key=["issue_id", "label"]):
    """One issue and one current label."""

    issue_id: Series[int] = _value("the issue")
    label: Series[str] = _text("name of the label today")


class IssueEvents(Frame, key=["issue_id", "seq"]):
    """One change of one field of one issue; replayed in order they give the issue's fields.

    Rows of source `creation`, `event` and `note` were observed. Rows of source `inferred` were
    not: at `created_at` they are values the issue must have been created with; with
    `correction` they correct a history that does not match the field at the export.
    """

    issue_id: Series[int] = _value("the issue")
    seq: Series[int] = _value("place of the row within the history of its issue, from 0", ge=0)
    at: Series[At] = _value("when it happened, as GitLab recorded it")
    actor: Series[str] = _text("who did it; NA where unknown or gone", nullable=True)
    field: Series[str] = _text("the field that changed", isin=FIELDS)
    action: Series[str] = _text("add and remove for memberships, set for values", isin=ACTIONS)
    value: Series[str] = _text(
        "opened or closed; a milestone's title; a handle; a label; a day as YYYY-MM-DD; "
        "NA for numbers, for a cleared field and for a deleted label",
        nullable=True,
    )
    milestone_id: Series[pd.Int64Dtype] = _value(
        "for field milestone: the milestone, where known", nullable=True
    )
    number: Series[float] = _value(
        "for weight: the weight; for times: hours (an addition to time_spent may be negative)",
        nullable=True,
    )
    state_reason: Series[str] = _text(
        "for a close without the work being done: moved, promoted or duplicate; else NA",
        nullable=True,
        isin=STATE_REASONS,
    )
    source: Series[str] = _text("where the row comes from", isin=SOURCES)
    correction: Series[bool] = _value(
        "the history disagreed with the field at the export; the field won"
    )


class Milestones(Frame, key=["milestone_id"]):
    """One milestone, with its fields as of the export."""

    milestone_id: Series[int] = _value("GitLab's global id")
    iid: Series[int] = _value("number in the address: .../-/milestones/<iid>")
    kind: Series[str] = _text("whose it is", isin=["group", "project"])
    path: Series[str] = _text("full path of that group or project")
    title: Series[str] = _text("title, as plain untrusted text")
    state: Series[str] = _text("active or closed", isin=["active", "closed"])
    start_date: Series[Day] = _value("start date; NA for none", nullable=True)
    due_date: Series[Day] = _value("due date; NA for none", nullable=True)
    created_at: Series[At] = _value("when it was made; NA where GitLab sent no time", nullable=True)
    updated_at: Series[At] = _value("last change; NA where GitLab sent no time", nullable=True)
    web_url: Series[str] = _text("address of the milestone")
    draft: Series[bool] = _value(
        "the title begins with the configured prefix (DRAFT: ): not promised yet"
    )


class MilestoneDates(Frame, key=["milestone_id", "observed_at"]):
    """One milestone as seen by one export, where it differs from the one before.

    GitLab keeps no history of a milestone's dates: these observations are all there is.
    """

    milestone_id: Series[int] = _value("the milestone")
    observed_at: Series[At] = _value("start of the export that saw it so")
    title: Series[str] = _text("title then")
    state: Series[str] = _text("active or closed then", isin=["active", "closed"])
    start_date: Series[Day] = _value("start date then", nullable=True)
    due_date: Series[Day] = _value("due date then", nullable=True)
    updated_at: Series[At] = _value(
        "its last change by then; NA where GitLab sent no time", nullable=True
    )


class People(Frame, key=["username"]):
    """One GitLab account that the export met, and the person it belongs to."""

    username: Series[str] = _text("GitLab user name")
    person: Series[str] = _text("canonical handle")
    name: Series[str] = _text("display name; NA where unknown", nullable=True)
    state: Series[str] = _text("active, blocked, deactivated ...; NA where unknown", nullable=True)


class Unread(Frame, key=["kind", "subject", "field", "text"]):
    """One thing that GitLab sent and the other frames leave out: odd, or in unknown words.

    `check` names them all. A note in unknown words may be a change that no frame knows of.
    """

    kind: Series[str] = _text(
        "note: a system note in unknown words; value: an odd value, which counts as missing; row: "
        "an odd row, which is left out",
        isin=["note", "value", "row"],
    )
    subject: Series[str] = _text(
        "what it belongs to: an issue (sigsum/core/log-go#12), a milestone's address, or a project"
    )
    issue_id: Series[pd.Int64Dtype] = _value("the issue; NA for none", nullable=True)
    milestone_id: Series[pd.Int64Dtype] = _value("the milestone; NA for none", nullable=True)
    unread_field: Series[str] = _text(
        "the field, or the list that the row or note stands in", alias="field"
    )
    text: Series[str] = _text(
        "of a note the first words, without names and numbers; else what was sent, shortened"
    )
    rows: Series[int] = _value("how often", ge=1)


class Revisions(Frame, key=["revision"]):
    """One roadmap revision."""

    revision: Series[Day] = _value("date of the document")
    previous: Series[Day] = _value("date of the revision before; NA for the first", nullable=True)
    layout: Series[str] = _text("numbered, priorities, activities, or generic")
    next_update_text: Series[str] = _text("the words for the next update", nullable=True)
    next_update_date: Series[Day] = _value("latest day those words cover", nullable=True)
    horizon_text: Series[str] = _text("the words for the estimate of the whole", nullable=True)
    horizon_date: Series[Day] = _value("latest day those words cover", nullable=True)
    source: Series[str] = _text("file, commit or address the document came from")
    list_items: Series[int] = _value("entries of lists and rows of tables in the document", ge=0)
    placed_items: Series[int] = _value("of these, how many stand in a roadmap frame", ge=0)
    unplaced_text: Series[str] = _text("text of sections that were not understood", nullable=True)


class RoadmapItems(Frame, key=["revision", "key"]):
    """One item of one revision."""

    revision: Series[Day] = _value("the revision")
    item_key: Series[str] = _text(
        "number in the document: 1, 1.2, P3, A4; not stable over revisions", alias="key"
    )
    parent: Series[str] = _text("key of the item above it; NA at the top", nullable=True)
    kind: Series[str] = _text("what the document makes of it", isin=ITEM_KINDS)
    order: Series[int] = _value("rank among its siblings, from 1", ge=1)
    title: Series[str] = _text("title, as plain untrusted text")
    target_text: Series[str] = _text("the words for the target; NA for none", nullable=True)
    target_start_date: Series[Day] = _value("first day those words cover", nullable=True)
    target_date: Series[Day] = _value("latest day those words cover: the target", nullable=True)
    target_flag: Series[str] = _text(
        "why the date needs a second look (a year that lies before the document ...)", nullable=True
    )
    deferred: Series[bool] = _value("the document says that it will not be worked on for now")
    conditional: Series[bool] = _value("only if time permits")
    done: Series[bool] = _value("ticked, or said to be done")
    item: Series[str] = _text(
        "stable id over revisions: revision and key of its first appearance, e.g. 2025-02-04/A3"
    )
    source: Series[str] = _text(
        "where it stands in the document",
        isin=["list", "nested", "people", "prose", "table", "heading"],
    )
    line: Series[pd.Int64Dtype] = _value(
        "line of the document on which it begins, from 1; NA where unknown", nullable=True, ge=1
    )
    url: Series[str] = _text(
        "the first issue, merge request, milestone or epic it links to; NA for none", nullable=True
    )
    detail: Series[str] = _text("all its words, with what stands below it")


class RoadmapLines(Frame, key=["revision", "line"]):
    """One line of one document of one revision, with its only reading."""

    revision: Series[Day] = _value("the revision")
    line: Series[int] = _value("number of the line, from 1", ge=1)
    text: Series[str] = _text("the line as it stands, cut at 400 characters; untrusted text")
    reading: Series[str] = _text("what the line was read as", isin=READINGS)
    item_key: Series[str] = _text(
        "key of the item that the line belongs to; else NA", nullable=True, alias="key"
    )
    said: Series[str] = _text(
        "title, target, people, status ...; else NA", nullable=True, alias="field"
    )
    value: Series[str] = _text("what was taken from the line; NA for nothing", nullable=True)
    why: Series[str] = _text("the rule that read it so, or why it was ignored")


class RoadmapAlarms(Frame, key=["revision", "line", "alarm", "text"]):
    """One reason to look at how a document was read, or at a file that was not read."""

    revision: Series[Day] = _value("the revision; NA for a file that is none", nullable=True)
    line: Series[pd.Int64Dtype] = _value("line of the document; NA for all of it", nullable=True)
    alarm: Series[str] = _text("what is wrong", isin=ALARMS)
    text: Series[str] = _text("one sentence, with the words of the document; untrusted text")


class Responsibilities(Frame, key=["revision", "person", "role", "key", "scope"]):
    """One person, role and item (or scope in words) of one revision."""

    revision: Series[Day] = _value("the revision")
    person: Series[str] = _text("canonical handle, or the name of a group or organisation")
    role: Series[str] = _text("what the document asks of them", isin=ROLES)
    item_key: Series[str] = _text(
        "key of the item; NA where the scope is in words", nullable=True, alias="key"
    )
    scope: Series[str] = _text("the scope in the document's words; NA for an item", nullable=True)
    qualifier: Series[str] = _text(
        "help, if needed, also available ...; NA for none", nullable=True
    )


class RoadmapMilestones(Frame, key=["revision", "url", "key"]):
    """One milestone reference of one revision."""

    revision: Series[Day] = _value("the revision")
    url: Series[str] = _text("address, without query and fragment")
    path: Series[str] = _text("full path of the group or project")
    iid: Series[int] = _value("number in the address")
    title: Series[str] = _text(
        "the words that the link carries; NA for a bare address", nullable=True
    )
    status: Series[str] = _text(
        "new, continued, done ... as the document says; else NA", nullable=True
    )
    item_key: Series[str] = _text(
        "key of the item that refers to it; else NA", nullable=True, alias="key"
    )


class CarryOver(Frame, key=["revision", "text", "key", "previous_key"]):
    """One statement of what was, or was not, finished since the revision before."""

    revision: Series[Day] = _value("the revision that says so")
    text: Series[str] = _text("the statement")
    status: Series[str] = _text("what became of it", isin=CARRY_OVER)
    item_key: Series[str] = _text(
        "key of the item in the revision that says so", nullable=True, alias="key"
    )
    previous_key: Series[str] = _text(
        "key of the item in the revision before; else NA", nullable=True
    )


class ItemMatches(Frame, key=["revision", "key", "previous_revision", "previous_key"]):
    """One item of one revision, found again in a later one."""

    revision: Series[Day] = _value("the later revision")
    item_key: Series[str] = _text("key of the item there", alias="key")
    previous_revision: Series[Day] = _value("the earlier revision; not the one before after a gap")
    previous_key: Series[str] = _text("key of the item there")
    kind: Series[str] = _text(
        "what became of it", isin=["same", "renamed", "split", "merged", "returned"]
    )
    confidence: Series[float] = _value("from 0 to 1; 1 is what people wrote in matches.csv", ge=0)
    reason: Series[str] = _text(
        "what ties them",
        isin=["matches.csv", "milestone", "carry-over", "title", "children", "words"],
    )


FRAMES: Mapping[str, type[Frame]] = {
    "issues": Issues,
    "assignments": Assignments,
    "issue_labels": IssueLabels,
    "issue_events": IssueEvents,
    "milestones": Milestones,
    "milestone_dates": MilestoneDates,
    "people": People,
    "unread": Unread,
    "revisions": Revisions,
    "roadmap_items": RoadmapItems,
    "responsibilities": Responsibilities,
    "roadmap_milestones": RoadmapMilestones,
    "carry_over": CarryOver,
    "item_matches": ItemMatches,
    "roadmap_lines": RoadmapLines,
    "roadmap_alarms": RoadmapAlarms,
}
"""Every frame of a dataset by name, in the order in which they are shown."""


@cache
def _schema(name: str) -> Any:
    # To see whether a column is a Series of another library, pandera imports each that is
    # installed: Dask alone takes 0.6 s of every command. Ours are all of pandas.
    with _only_pandas():
        return FRAMES[name].to_schema()


@contextmanager
def _only_pandas() -> Iterator[None]:
    """Keep pandera from importing other libraries while it reads a class of this module."""
    module: Any = pandera_model
    before = module.get_series_types, module.get_index_types
    module.get_series_types, module.get_index_types = lambda: {Series}, lambda: {Index}
    try:
        yield
    finally:
        module.get_series_types, module.get_index_types = before


def _dtypes(name: str) -> dict[str, Any]:
    return {column: field.dtype.type for column, field in _schema(name).columns.items()}


def columns_of(name: str) -> list[str]:
    """List the columns of the frame `name`, in order.

    Examples
    --------
    >>> columns_of("assignments")
    ['issue_id', 'person']
    """
    return list(_schema(name).columns)


def types_of(name: str) -> dict[str, Any]:
    """Return the type of each column of the frame `name`."""
    return dict(_types(name))


@cache
def _types(name: str) -> Mapping[str, Any]:
    return dict(_empty(name).dtypes)


def key_of(name: str) -> list[str]:
    """List the columns that tell one row of the frame `name` from another.

    Examples
    --------
    >>> key_of("issue_events")
    ['issue_id', 'seq']
    """
    return list(_schema(name).unique)


def describe(name: str) -> pd.DataFrame:
    """Tell what the frame `name` holds: one row per column.

    Examples
    --------
    >>> describe("assignments")["description"].tolist()
    ['the issue', 'canonical handle of the assignee']
    """
    columns = _schema(name).columns
    return pd.DataFrame(
        {
            "column": list(columns),
            "type": [str(dtype) for dtype in _dtypes(name).values()],
            "may_be_missing": [c.nullable for c in columns.values()],
            "description": [c.description for c in columns.values()],
        }
    )


def tidy(name: str, rows: Any) -> pd.DataFrame:
    """Bring rows into the frame `name`: its columns and types, sorted by its key.

    Parameters
    ----------
    name : str
        One of `FRAMES`.
    rows : DataFrame, or what `pandas.DataFrame` takes (records, columns)
        Missing columns become NA; unknown ones are refused.

    Raises
    ------
    DatasetError
        Where a column is unknown or a value does not fit its type.

    Examples
    --------
    >>> tidy("assignments", [{"issue_id": 2, "person": "ada"}, {"issue_id": 1, "person": "bo"}])
       issue_id person
    0         1     bo
    1         2    ada
    """
    dtypes = _dtypes(name)
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows)
    unknown = [c for c in frame.columns if c not in dtypes]
    if unknown:
        raise DatasetError(f"frame {name}: unknown columns {unknown}, expected {list(dtypes)}")
    frame = frame.reindex(columns=list(dtypes))
    try:
        frame = frame.astype(dtypes)
    except (TypeError, ValueError) as error:
        raise DatasetError(f"frame {name}: a value does not fit its column: {error}") from None
    # Sorted by the key, so that the same rows give the same bytes in whatever order they came.
    return frame.sort_values(key_of(name), kind="stable", na_position="first", ignore_index=True)


def empty(name: str) -> pd.DataFrame:
    """Give the frame `name` without rows, with its columns and types."""
    return _empty(name).copy()


@cache
def _empty(name: str) -> pd.DataFrame:
    return tidy(name, {})


def validate(
    name: str, frame: pd.DataFrame, words: Mapping[str, set[str | None]] | None = None
) -> pd.DataFrame:
    """Check a frame against its class; all failures are reported at once.

    pandera words what is wrong. `_fits` sees before, from the same class and much faster, whether
    anything is.

    Parameters
    ----------
    name : str
        One of `FRAMES`.
    frame : DataFrame
    words : mapping, optional
        Column to all texts that can be in it, and more perhaps, where that is known beforehand.

    Returns
    -------
    DataFrame
        The same frame.

    Raises
    ------
    DatasetError
        Naming each column, check and up to five offending values.
    """
    if _fits(name, frame, words or {}):
        return frame
    try:
        _schema(name).validate(frame, lazy=True)
    except SchemaErrors as error:
        raise DatasetError(f"frame {name}: {_failures(error.failure_cases)}") from None
    return frame


def _fits(name: str, frame: pd.DataFrame, words: Mapping[str, set[str | None]]) -> bool:
    """Tell whether a frame keeps all rules; False, too, where that cannot be seen cheaply."""
    # All types at once: to take each column out of a small frame costs more than to look at it.
    if list(frame.dtypes.items()) != list(_types(name).items()):
        return False
    if frame.empty:  # no row that could break a rule: so it is with half of many a dataset
        return True
    columns = _schema(name).columns
    key = key_of(name)
    return all(_column_fits(frame[c], rules, words.get(c)) for c, rules in columns.items()) and (
        _ascends(frame, key) or not frame.duplicated(key).any()
    )


def _column_fits(column: pd.Series[Any], rules: Any, words: set[str | None] | None) -> bool:
    if not rules.nullable and column.hasnans:
        return False
    for check in rules.checks:
        said = check.statistics or {}
        if said.keys() == {"allowed_values"}:
            # Each value that occurs is looked up once: there are few. To find them in millions of
            # rows takes a fifth of the time of loading, where they are not known beforehand.
            allowed = set(said["allowed_values"])
            known = words is not None and words <= allowed
            # Missing ones are dropped at the end, since `dropna` would copy the column.
            if not known and not set(pd.Series(column.unique()).dropna()) <= allowed:
                return False
        elif said.keys() == {"min_value"} and check.name == "greater_than_or_equal_to":
            if (column < said["min_value"]).any():  # missing values compare as False
                return False
        else:
            return False
    return True


def _ascends(frame: pd.DataFrame, key: list[str]) -> bool:
    """Tell whether each row's key comes after that of the row before, so that none occurs twice.

    Stored frames are sorted by their key. One pass over neighbours then replaces a hash of all
    keys. Later columns of the key decide only between neighbours that are equal so far: of keys
    (7, "a"), (7, "b"), (9, "a") only the second is compared by text.
    """
    tied = np.ones(max(len(frame) - 1, 0), dtype=bool)  # equal to the row before, so far
    for column in key:
        values = frame[column]
        if values.hasnans:
            return False
        if isinstance(values.dtype, np.dtype):
            numbers = values.to_numpy()
            equal, less = numbers[:-1] == numbers[1:], numbers[:-1] < numbers[1:]
            if not bool(np.all(less | equal | ~tied)):
                return False
            tied &= equal
        else:  # text is slow to compare, and to take: only where it decides
            rows = np.flatnonzero(tied)
            before, after = values.iloc[rows].array, values.iloc[rows + 1].array
            equal = np.asarray(before == after, dtype=bool)
            if not bool(np.all(equal | np.asarray(before < after, dtype=bool))):
                return False
            tied[rows] = equal
    return not tied.any()


def _failures(cases: pd.DataFrame) -> str:
    grouped: Iterable[tuple[Any, pd.DataFrame]] = cases.groupby(
        ["column", "check"], dropna=False, sort=False
    )
    return "; ".join(
        f"{column}: {check} fails for {len(rows)} values, e.g. "
        f"{rows['failure_case'].head(5).tolist()}"
        for (column, check), rows in grouped
    )
