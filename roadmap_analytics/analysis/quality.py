"""What to know before believing a chart: does every history end at today's fields, and why not.

Here, and only here, today's mutable fields are compared with the replay of the events.
"""

from __future__ import annotations

import functools
import html
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.api.extensions import take

from roadmap_analytics import schema
from roadmap_analytics.analysis import replay
from roadmap_analytics.analysis.days import last_day, ticks
from roadmap_analytics.analysis.reading import alarm_findings
from roadmap_analytics.analysis.replay import Ints
from roadmap_analytics.errors import DatasetError
from roadmap_analytics.frames import BY_ISSUE, Dataset, given

__all__ = ["Check", "check"]

COLUMNS = {
    "severity": "str",
    "kind": "str",
    "subject": "str",
    "issue_id": "Int64",
    "milestone_id": "Int64",
    "person": "str",
    "field": "str",
    "expected": "str",
    "got": "str",
    "cause": "str",
    "count": "int64",
}
SEVERITIES = ["fault", "warning", "note"]
KINDS = {
    "damaged_frame": "a frame breaks its schema",
    "not_exported": "a part of the export failed",
    "unknown_issue": "rows about issues that are not in the dataset",
    "replay_differs": "replay of the stored events does not give today's field",
    "history_differs": "the recorded history does not match today's field (the field won)",
    "odd_value": "odd values, which count as missing",
    "odd_row": "odd rows, which are left out",
    "unread_note": "system notes in unknown words: the change that they tell of is in no frame",
    "person_twice": "one person under several names",
    "assignee_left": "open issue, and its assignee's account is no longer active",
    "open_in_closed_milestone": "open issue in a closed milestone",
    "open_in_overdue_milestone": "open issue in a milestone whose due date has passed",
    "due_before_start": "due date before start date",
    "milestone_without_date": "active milestone without start or due date",
    "no_weight": "open issue in a milestone, without weight",
    "no_estimate": "open issue in a milestone, without estimate",
    "unknown_milestone": "was in a milestone that is no longer known",
    "before_creation": "events dated before the issue was opened (backdated)",
    "numbers_missing": "issue numbers not seen: deleted, or confidential and hidden",
    "public_only": "exported without a token: only what is public; no confidential issues",
    "roadmap_reading": "a roadmap document, or a file, that may be read wrongly",
    "another_way": "fetched another way than expected; nothing is missing",
    "given_up": "closed without being done: out of scope of its milestone from that day",
    "closed_without_milestone": "closed while in no milestone: work outside the roadmap",
}
"""Every kind of finding, in the order of the report."""

_FIELDS = {
    "state": "state",
    "milestone": "milestone_id",
    "weight": "weight",
    "due_date": "due_date",
    "start_date": "start_date",
    "time_estimate": "time_estimate_hours",
    "time_spent": "time_spent_hours",
}
_OF_LISTS = ("field", "action", "source")
"""Columns of events that hold few words."""
_MEMBERS = {"assignee": ("assignments", "person"), "label": ("issue_labels", "label")}
# Releases that began to record these changes as events (11.3, 13.2, 13.3); before, notes at best.
_RECORDED_SINCE = {
    "label": pd.Timestamp("2018-09-22", tz="UTC"),
    "state": pd.Timestamp("2020-07-22", tz="UTC"),
    "milestone": pd.Timestamp("2020-08-22", tz="UTC"),
    "weight": pd.Timestamp("2020-08-22", tz="UTC"),
}


class _Cause(NamedTuple):
    """A likely cause of a history that does not match today's field."""

    text: str
    past: bool = False  # it is evident, and no one can change it: a warning, not a fault


_CAUSES = {
    "not_exported": _Cause("its history could not be exported"),
    "imported": _Cause("imported: the history came only in part", past=True),
    "moved": _Cause("moved between projects: the copy's history came only in part", past=True),
    "promoted": _Cause("the milestone was promoted to its group", past=True),
    "deleted": _Cause("a milestone was deleted, and its events with it", past=True),
    "renamed": _Cause("the label was renamed or deleted", past=True),
    "left": _Cause(
        "the account was deleted or left the project, which unassigns without a note", past=True
    ),
    "old": _Cause("the history is older than GitLab's event tables", past=True),
    "unrecorded_close": _Cause(
        "no event records the close, whose time is known from the issue itself and counts; "
        "exports older than GitLab 15.4, read as a new project, bring no events of states"
    ),
    "within_a_minute": _Cause(
        "changed within a minute of another change, which GitLab does not count as an update; "
        "export with --full"
    ),
    "milestones_missing": _Cause(
        "numbers of milestones are missing there: one that was deleted, or promoted to its "
        "group, took its events with it"
    ),
    "unknown": _Cause("unknown: a change left no record that this token may see"),
}
_REASONS = {
    "moved": "moved out of what is exported",
    "promoted": "promoted to an epic",
    "duplicate": "a duplicate of another issue",
}
_KINDS_OF_GOT = {"unread_note", "given_up"}
"""Kinds of finding that are counted by what was got: every wording, every reason by itself."""
_SHOWN = 3
_ALL_ISSUES = "all issues"


@dataclass(frozen=True)
class Check:
    """What `check` found.

    Attributes
    ----------
    findings : DataFrame
        One row per finding: `severity` (fault: something is wrong; warning, note: for the
        planner; a history that does not match today's field is a warning where the cause is
        evident and lies in the past, else a fault), `kind` (see `KINDS`), `subject`
        (``project#iid``, an address, a name), the ids of the issue and the milestone, `person`,
        `field`, `expected` (today's field), `got` (what the history says), `cause` (the likely
        one), `count` (how many notes, say, the row stands for). No titles of issues.
    fields : DataFrame
        One row per field: `issues`, `exact` (histories that end at today's field), of these
        `inferred` (what the issue was created with was not recorded but inferred), `corrected`
        (histories that did not match it), `share_exact`.
    whole : int
        Issues whose history is exact in every field.
    exported_at : Timestamp
        The state of affairs that "today" means.
    """

    findings: pd.DataFrame
    fields: pd.DataFrame
    whole: int
    exported_at: pd.Timestamp

    @property
    def ok(self) -> bool:
        """Whether there is no fault; the command's exit code is 1 otherwise."""
        return not bool((self.findings["severity"] == "fault").any())

    @property
    def reconciliation(self) -> str:
        """Say in one sentence how many histories end at exactly today's fields."""
        issues = int(self.fields["issues"].max())
        return (
            f"Replay: the history of {self.whole:,} of {issues:,} issues ends at exactly today's "
            "fields."
        )

    def report(self) -> str:
        """Say it all in words, with up to three examples of each finding."""
        lines = [
            f"Data quality, as exported {self.exported_at:%Y-%m-%d %H:%M} UTC"
            if pd.notna(self.exported_at)
            else "Data quality",
            "",
            self.reconciliation,
            "",
            *self.fields.assign(
                share_exact=self.fields["share_exact"].map("{:.1%}".format, na_action="ignore")
            )
            .to_string(index=False, na_rep="-")
            .splitlines(),
        ]
        titles = {
            "fault": "Faults",
            "warning": "Before you believe a chart",
            "note": "Good to know",
        }
        for severity, title in titles.items():
            found = self.findings[self.findings["severity"] == severity]
            lines += ["", f"{title}: {'none' if found.empty else ''}".rstrip()]
            by_kind = dict(list(found.groupby("kind", sort=False, observed=True)))
            for kind in KINDS:
                lines += _sentences(by_kind[kind], kind) if kind in by_kind else []
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.report()

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.report())}</pre>"


def _sentences(found: pd.DataFrame, kind: str) -> Iterable[str]:
    told_apart = "got" if kind in _KINDS_OF_GOT else "cause"
    for _, rows in found.groupby(["field", told_apart], dropna=False, sort=True):
        field, cause = rows["field"].iloc[0], rows["cause"].iloc[0]
        what = KINDS[kind] if pd.isna(field) else f"{field}: {KINDS[kind]}"
        why = "" if pd.isna(cause) else f"; likely cause: {cause}"
        yield f"  {rows['count'].sum():,} x {what}{why}"
        examples = [_example(row) for row in rows.head(_SHOWN).itertuples()]
        more = len(rows) - len(examples)
        yield f"      {'; '.join(examples)}{f'; and {more:,} more' if more else ''}"


def _example(row: Any) -> str:
    told = [f"{name} {value}" for name, value in (("expected", row.expected), ("got", row.got))
            if pd.notna(value)]  # fmt: skip
    # Names and messages come from the world: a terminal must not obey what they hold.
    text = f"{row.subject} ({', '.join(told)})" if told else str(row.subject)
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def check(dataset: Dataset) -> Check:
    """Check a dataset against itself, and against what a planner takes for granted.

    Every history is replayed twice: as stored, which must give today's fields; and without the
    corrections that building the frames had to add, which tells how many histories are exact.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    Check
        `findings`, `fields`, `ok`; printing it gives the report.

    Examples
    --------
    >>> found = check(Dataset({}))
    >>> found.ok, len(found.findings)
    (True, 0)
    """
    # A scan compares its frames with their schemas when it reads them.
    in_one = "issue_events" in given(dataset).frames  # a scan has them in partitions
    coded = _coded(dataset.issue_events) if in_one else schema.empty("issue_events")
    damaged = _frames(dataset, coded)
    if len(damaged):
        made = [damaged, _failures(dataset), _orphans(dataset), _notices(dataset)]
        fields = _per_field(dataset, _assemble([]))
        return Check(_assemble(made), _shares(fields), 0, dataset.exported_at)
    if in_one:
        dataset = dataset.with_frames(issue_events=coded)
    known = dataset.reduced(_known, _distinct, BY_ISSUE[:3])
    asked = functools.partial(_found_by_issue, known=known)
    found = dataset.reduced(asked, _joined, BY_ISSUE)
    of_all = [look(dataset) for look in _LOOKS] + [look(dataset, known) for look in _COUNTS]
    findings = _assemble([found.findings, *of_all])
    fields = _joined(found).fields
    whole = int(fields["issues"].max() - fields["inexact"].max())
    return Check(dataset.shown(findings), _shares(fields), whole, dataset.exported_at)


class _Known(NamedTuple):
    """What must be known of all issues before any of them is judged; one row per value."""

    labels: pd.DataFrame  # label: every one that an issue bears
    holders: pd.DataFrame  # origin, project, person: who is assigned to anything there
    copies: pd.DataFrame  # moved_to_id
    projects: pd.DataFrame  # origin, project, highest, numbers: of its issues
    uses: pd.DataFrame  # use: weights, estimates, confidential


def _known(dataset: Dataset) -> _Known:
    issues, origin = dataset.issues, dataset.origin
    uses = {
        "weights": issues["weight"].notna().any(),
        "estimates": (issues["time_estimate_hours"] > 0).any(),
        "confidential": issues["confidential"].any(),
    }
    # Projects by number: there are few, and text is slow to group, and to copy for each assignee.
    code, names = pd.factorize(issues["project"])
    seen = (
        issues["iid"]
        .groupby(np.where(code < 0, np.nan, code))
        .agg(highest="max", numbers="nunique")
    )
    seen = seen.assign(project=names.take(seen.index.to_numpy(np.int64)).array, origin=origin)
    homes = pd.Series(code, issues["issue_id"]).reindex(
        dataset.assignments["issue_id"], fill_value=-1
    )
    held = pd.DataFrame({"project": homes.array, "person": dataset.assignments["person"].array})
    held = held.drop_duplicates()
    projects = take(names.array, held["project"].to_numpy(), allow_fill=True)
    return _distinct(
        _Known(
            dataset.issue_labels[["label"]].drop_duplicates(),
            pd.DataFrame({"project": projects, "person": held["person"].array, "origin": origin}),
            issues[["moved_to_id"]].dropna(),
            seen,
            pd.DataFrame({"use": [use for use, is_so in uses.items() if is_so]}, dtype="str"),
        )
    )


def _distinct(known: _Known) -> _Known:
    projects = known.projects.groupby(["origin", "project"], as_index=False)
    distinct = _Known(*(rows.drop_duplicates() for rows in known))
    # No two issues of a project have one number, so numbers of partitions add up.
    return distinct._replace(projects=projects.agg({"highest": "max", "numbers": "sum"}))


class _ByIssue(NamedTuple):
    """What is found about single issues, and how many histories are exact."""

    findings: pd.DataFrame
    fields: pd.DataFrame


def _found_by_issue(dataset: Dataset, known: _Known) -> _ByIssue:
    dataset = dataset.with_frames(
        issues=dataset.issues.sort_values("issue_id", ignore_index=True),
        milestones=dataset.milestones.sort_values("milestone_id", ignore_index=True),
        issue_events=_coded(dataset.issue_events),
    )
    differing = _replay(dataset, known)
    counted = dataset.issues.loc[replay.scope_mask(dataset), _OF_COUNTED]
    opened = _open(dataset, counted)
    looks = [
        _milestones_left_open(dataset, opened),
        _unmeasured(opened, known),
        _issue_dates(dataset),
        _assignees_left(dataset, opened),
        _odd_history(dataset),
        _given_up(counted),
        _outside(counted),
    ]
    # Named at the end: few issues have a finding, and text is slow to put together.
    findings = _named(dataset, _table([*differing, *looks]))
    return _ByIssue(
        _table([findings, _orphans(dataset)]), _per_field(dataset, pd.concat(differing))
    )


def _coded(events: pd.DataFrame) -> pd.DataFrame:
    """Return events with the words of closed lists as categories.

    They are compared a dozen times, which as numbers is far cheaper than as text. A column that is
    no text stays as it is: a category already, or a fault that is found elsewhere.
    """
    kinds = dict(events.dtypes)
    texts = [name for name in _OF_LISTS if isinstance(kinds.get(name), pd.StringDtype)]
    return events.assign(**{name: events[name].astype("category") for name in texts})


def _joined(found: _ByIssue) -> _ByIssue:
    """Add up the fields; what is said of all issues is said once."""
    of_all = found.findings["issue_id"].isna() & found.findings["subject"].eq(_ALL_ISSUES)
    said = found.findings[of_all]
    again = said.index[said.duplicated()]
    counts = found.fields.groupby("field", as_index=False, sort=False).sum()
    return _ByIssue(found.findings.drop(index=again) if len(again) else found.findings, counts)


def _table(parts: list[pd.DataFrame]) -> pd.DataFrame:
    found = pd.concat([p for p in parts if len(p)] or [pd.DataFrame()], ignore_index=True)
    return found.reindex(columns=list(COLUMNS)).fillna({"count": 1}).astype(COLUMNS)


def _assemble(parts: list[pd.DataFrame]) -> pd.DataFrame:
    found = _table(parts)
    numbers = [
        found["milestone_id"].to_numpy(np.int64, na_value=-1),
        found["issue_id"].to_numpy(np.int64, na_value=-1),
        pd.factorize(found["field"], sort=True)[0],
        pd.Categorical(found["kind"], list(KINDS)).codes,
        pd.Categorical(found["severity"], SEVERITIES).codes,
    ]
    order = np.lexsort(numbers)
    # Text decides between findings that are alike so far. There are few, and to sort it is slow.
    alike = [key[order] for key in numbers]
    tied = ~(replay.first_of(*alike) & replay.last_of(*alike))
    rows = order[tied]
    texts = [
        pd.factorize(found[column].take(rows), sort=True)[0]
        for column in ("got", "expected", "subject")
    ]
    order[tied] = rows[np.lexsort([*texts, *(key[rows] for key in numbers)])]
    return found.iloc[order].reset_index(drop=True)


def _found(kind: str, severity: str, rows: pd.DataFrame, **columns: Any) -> pd.DataFrame:
    """Make findings of the rows of a frame; `columns` give the rest."""
    if rows.empty:  # as most are: giving them columns took a sixth of the time of a small check
        return _nothing().copy()
    kept = rows[[c for c in COLUMNS if c in rows.columns]]
    return kept.assign(kind=kind, severity=severity, **columns)


@functools.cache
def _nothing() -> pd.DataFrame:
    return pd.DataFrame(columns=list(COLUMNS)).astype(COLUMNS)


def _per_field(dataset: Dataset, differing: pd.DataFrame) -> pd.DataFrame:
    """Count the histories of each field; `inexact` counts issues, whatever the field."""
    fields = [*_FIELDS, *_MEMBERS]
    issues = len(dataset.issues)
    events = dataset.issue_events
    inferred = (events["source"] == "inferred") & ~events["correction"]
    off = differing.drop_duplicates(["issue_id", "field"])
    # An issue counts as inferred where its history is exact: the two never overlap.
    keys = pd.MultiIndex.from_frame(off[["issue_id", "field"]].astype({"issue_id": "int64"}))
    pairs = events.loc[inferred.to_numpy(), ["issue_id", "field"]].drop_duplicates()
    pairs = pairs.astype({"field": "str"})
    pairs = pairs[~pd.MultiIndex.from_frame(pairs).isin(keys)]
    corrected = off.groupby("field").size().reindex(fields, fill_value=0)
    frame = pd.DataFrame(
        {
            "field": fields,
            "issues": issues,
            "exact": issues - corrected.to_numpy(),
            "inferred": pairs.groupby("field").size().reindex(fields, fill_value=0).to_numpy(),
            "corrected": corrected.to_numpy(),
            "inexact": differing["issue_id"].nunique(),
        }
    )
    return frame.astype({"field": "str"})


def _shares(fields: pd.DataFrame) -> pd.DataFrame:
    issues = int(fields["issues"].max())
    share = fields["exact"] / issues if issues else np.nan
    return fields.drop(columns="inexact").assign(share_exact=share)


# -- faults --------------------------------------------------------------------------------------


def _frames(dataset: Dataset, coded: pd.DataFrame) -> pd.DataFrame:
    """Find frames that break their schema; `coded` are the events as `_coded` gives them."""
    kinds = dict(coded.dtypes)
    listed = [name for name in _OF_LISTS if isinstance(kinds.get(name), pd.CategoricalDtype)]
    words = {"issue_events": {name: set(coded[name].cat.categories) for name in listed}}
    rows = []
    for name, frame in dataset.frames.items():
        try:
            schema.validate(name, frame, words.get(name))
        except DatasetError as error:
            rows.append({"subject": name, "got": str(error)})
    return _found("damaged_frame", "fault", pd.DataFrame(rows, columns=["subject", "got"]))


def _failures(dataset: Dataset) -> pd.DataFrame:
    rows = [
        {"subject": str(one.get("part")), "got": f"{one.get('status') or ''} {one.get('message')}"}
        for run in dataset.newest_runs
        for one in run.get("failures") or []
    ]
    return _found("not_exported", "fault", pd.DataFrame(rows, columns=["subject", "got"]))


def _notices(dataset: Dataset) -> pd.DataFrame:
    """Name how the newest run went another way than expected, and whether it saw all."""
    rows = [
        {"subject": str(one.get("what")), "got": f"{one.get('count')} times"}
        for run in dataset.newest_runs
        for one in run.get("notices") or []
    ]
    columns = ["subject", "got"]
    parts = [_found("another_way", "note", pd.DataFrame(rows, columns=columns))]
    if any(run.get("anonymous") for run in dataset.newest_runs):
        public = pd.DataFrame([{"subject": dataset.origin}], columns=["subject"])
        parts.append(_found("public_only", "note", public))
    return pd.concat(parts)


def _orphans(dataset: Dataset) -> pd.DataFrame:
    parts = []
    for name in ("issue_events", "assignments", "issue_labels"):
        ids = dataset[name]["issue_id"]
        ids = ids[replay.first_of(ids.to_numpy())]  # the rows of an issue stand together: one each
        unknown = ids[~ids.isin(dataset.issues["issue_id"])].drop_duplicates()
        parts.append(unknown.to_frame().assign(subject=name))
    return _found("unknown_issue", "fault", pd.concat(parts))


def _replay(dataset: Dataset, whole: _Known) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare today's fields with the histories as recorded, and as stored."""
    wrong = _differences(dataset)
    # Without corrections among them, the events of an issue are replayed once for both.
    events = dataset.issue_events
    corrected = events.loc[events["correction"], "issue_id"].unique()
    again = _differences(_as_recorded(dataset, corrected)) if len(corrected) else wrong.head(0)
    differing = pd.concat([wrong[~wrong["issue_id"].isin(corrected)], again], ignore_index=True)
    causes = [_CAUSES[name] for name in _causes(dataset, differing, whole)]
    corrections = _found(
        "history_differs",
        "fault",
        differing,
        cause=[cause.text for cause in causes],
    )
    corrections.loc[[cause.past for cause in causes], "severity"] = "warning"
    return corrections, _found("replay_differs", "fault", wrong)


def _as_recorded(dataset: Dataset, issues: Any) -> Dataset:
    """Return a dataset with some issues alone, and their events without corrections."""
    mine = {name: _about(dataset[name], issues) for name in BY_ISSUE}
    mine["issue_events"] = mine["issue_events"].loc[~mine["issue_events"]["correction"]]
    return dataset.with_frames(**mine)


def _about(frame: pd.DataFrame, issues: Any) -> pd.DataFrame:
    """Return the rows of a frame about a few issues."""
    ids = frame["issue_id"]
    if not ids.is_monotonic_increasing:
        return frame[ids.isin(issues).to_numpy()]
    # Stored frames are sorted by issue: so each issue is one slice, found without a look at others.
    wanted, ascending = np.sort(issues), ids.to_numpy()
    first = np.searchsorted(ascending, wanted, side="left")
    count = np.searchsorted(ascending, wanted, side="right") - first
    # Slices [3, 4] and [9] begin at 3 and 9: 0 1 2 with the steps 3 3 7 added are 3 4 9.
    steps = np.repeat(first - (np.cumsum(count) - count), count)
    return frame.take(steps + np.arange(len(steps)))


def _differences(dataset: Dataset) -> pd.DataFrame:
    """Give one row per issue, field and value in which the replay differs from today's field."""
    issues = dataset.issues.set_index("issue_id")
    latest = pd.Series([dataset.issue_events["at"].max(), issues["created_at"].max()]).max()
    if pd.isna(latest):
        return pd.DataFrame({"issue_id": [], "field": [], "expected": [], "got": []})
    end = latest + pd.Timedelta(1, "us")
    state = replay.fields_at(dataset, end).reindex(issues.index)
    titles = dataset.milestones.set_index("milestone_id")["title"]
    parts = []
    for field, column in _FIELDS.items():
        today, then = issues[column], state[column]
        off = ~((today == then).fillna(False) | (today.isna() & then.isna())).astype(bool)
        if column.endswith("_hours"):
            off = ~pd.Series(np.isclose(today, then), index=today.index)
        if off.any():
            told = [_words(values[off], titles, field) for values in (today, then)]
            part = pd.DataFrame({"expected": told[0], "got": told[1], "field": field})
            parts.append(part.rename_axis("issue_id").reset_index())
    return pd.concat([*parts, *(_membership(dataset, f, end) for f in _MEMBERS)])


def _words(values: pd.Series[Any], titles: pd.Series[Any], field: str) -> pd.Series[Any]:
    if field == "milestone":
        named = values.map(titles)
        values = values.astype("str").where(named.isna() & values.notna(), named)
    elif field.endswith("_date"):
        values = values.dt.strftime("%Y-%m-%d")
    elif field != "state":
        values = values.map("{:g}".format, na_action="ignore")
    return values.astype("str").fillna("none")


def _membership(dataset: Dataset, field: str, end: pd.Timestamp) -> pd.DataFrame:
    frame, column = _MEMBERS[field]
    today = dataset[frame].rename(columns={column: "value"})
    then = replay.members_at(dataset, end, field)  # type: ignore[arg-type]
    today, then = _unlike(today, then, dataset.issues["issue_id"].to_numpy())
    both = pd.concat([today.assign(here=True), then.assign(here=False)], ignore_index=True)
    both = both[~both.duplicated(["issue_id", "value"], keep=False)]
    return both.assign(
        field=field,
        expected=both["value"].where(both["here"], "none"),
        got=both["value"].where(~both["here"], "none"),
    )[["issue_id", "field", "expected", "got"]]


def _unlike(
    one: pd.DataFrame, other: pd.DataFrame, issues: Ints
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of two lists of members, of all issues whose rows are not the same in both.

    Most are. Where an issue has as many rows in both, they are compared one by one, which takes a
    third of the time of looking all up. Rows in another order look unlike here, and are returned.

    Parameters
    ----------
    one, other : DataFrame
        `issue_id` and `value`.
    issues : array of int
        Ids to look at, ascending.
    """
    sides = []
    for rows in (one, other):
        place = replay.looked_up(rows["issue_id"].to_numpy(), issues, np.arange(len(issues)))
        order = np.argsort(place, kind="stable")  # sorted already, as a rule: then it costs little
        order = order[
            np.searchsorted(place, 0, sorter=order) :
        ]  # -1: an issue that is none of ours
        sides.append((rows.take(order), place[order]))
    (mine, here), (its, there) = sides
    unlike = np.bincount(here, minlength=len(issues)) != np.bincount(there, minlength=len(issues))
    alike = [rows["value"].array[~unlike[place]] for rows, place in sides]
    unlike[here[~unlike[here]][np.asarray(alike[0] != alike[1], dtype=bool)]] = True
    return mine[unlike[here]], its[unlike[there]]


def _named(dataset: Dataset, found: pd.DataFrame) -> pd.DataFrame:
    """Name the issue of each finding that has no subject yet."""
    issues, unnamed = dataset.issues, found["subject"].isna().to_numpy()
    ids = found["issue_id"].to_numpy(np.int64, na_value=-1)[unnamed]
    rows = replay.looked_up(ids, issues["issue_id"].to_numpy(), np.arange(len(issues)))
    known = issues[["project", "iid"]].take(rows)
    subject = found["subject"].copy()
    name = known["project"] + "#" + known["iid"].astype("str")
    subject[unnamed] = name.where(rows >= 0).array  # -1: an issue that is unknown has no name
    return found.assign(subject=subject)


def _causes(dataset: Dataset, rows: pd.DataFrame, known: _Known) -> list[str]:
    """Name the likely cause of each difference, as in `_CAUSES`: the first that fits.

    Parameters
    ----------
    rows : DataFrame
        Differences: `issue_id`, `field`, `expected`, `got`.
    known : _Known
    """
    if rows.empty:
        return []
    # One entry per difference from here on, in the order of `rows`, whatever index that has.
    rows = rows.reset_index(drop=True)
    mine = dataset.issues.set_index("issue_id").loc[rows["issue_id"]].reset_index()
    field, expected, got = rows["field"], rows["expected"], rows["got"]
    in_milestone = field == "milestone"
    recorded = _about(dataset.issue_events, rows["issue_id"].unique())
    recorded = recorded[~recorded["correction"]]
    last = recorded[recorded["source"].isin(["event", "note"])].groupby("issue_id")["at"].max()
    last_change = last.reindex(mine["issue_id"]).reset_index(drop=True)
    copies, labels = known.copies["moved_to_id"], known.labels["label"]
    holding = _holds_work(known, dataset.origin, mine, got)
    # The first that fits wins: what is known for certain stands before what is only likely.
    fits = {
        "not_exported": _not_exported(dataset, mine),
        "imported": mine["imported_from"].notna(),
        "moved": mine["moved_to_id"].notna() | mine["issue_id"].isin(copies),
        # The same title under another id: only a promotion does that.
        "promoted": in_milestone & (expected == got),
        "deleted": in_milestone & mine["issue_id"].isin(_in_lost_milestones(dataset, recorded)),
        "renamed": (field == "label") & ~got.isin(["none", *labels]),
        "left": (field == "assignee") & (expected == "none") & ~holding,
        "old": mine["created_at"] < field.map(_RECORDED_SINCE),
        "unrecorded_close": (field == "state") & (expected == "closed") & mine["closed_at"].notna(),
        # GitLab writes `updated_at` at most once a minute: a second change in it is not announced.
        "within_a_minute": (last_change - mine["updated_at"]).abs() <= pd.Timedelta(60, "s"),
        "milestones_missing": in_milestone & _milestones_gone(dataset, mine["project"]),
    }
    masks = [np.asarray(mask, dtype=bool) for mask in fits.values()]
    return [str(name) for name in np.select(masks, list(fits), "unknown")]


def _not_exported(dataset: Dataset, issues: pd.DataFrame) -> list[bool]:
    """Tell whether a part of each issue failed in the last run: "issue team/code#7 notes"."""
    failed = " ".join([*_failures(dataset)["subject"], ""])
    names = issues["project"] + "#" + issues["iid"].astype("str")
    return [f"{name} " in failed for name in names]


def _in_lost_milestones(dataset: Dataset, recorded: pd.DataFrame) -> pd.Series[Any]:
    """Give the issues that were in a milestone which the dataset no longer has."""
    added = recorded[(recorded["field"] == "milestone") & (recorded["action"] == "add")]
    return added.loc[~added["milestone_id"].isin(dataset.milestones["milestone_id"]), "issue_id"]


def _holds_work(
    known: _Known, origin: str, issues: pd.DataFrame, person: pd.Series[Any]
) -> pd.Series[bool]:
    """Tell whether each person is assigned to anything today in the project of each issue."""
    held = known.holders[(known.holders["origin"] == origin).to_numpy(bool)]
    holders = pd.MultiIndex.from_frame(held[["project", "person"]])
    asked = pd.MultiIndex.from_arrays([issues["project"], person])
    return pd.Series(asked.isin(holders))


def _milestones_gone(dataset: Dataset, projects: pd.Series[Any]) -> np.ndarray[Any, Any]:
    """Tell whether numbers of milestones are missing in each project or in a group above it."""
    seen = dataset.milestones.groupby("path")["iid"].agg(["max", "nunique"])
    gaps = tuple(f"{path}/" for path in seen.index[seen["max"] > seen["nunique"]])
    return np.array([f"{path}/".startswith(gaps) for path in projects], dtype=bool)


# -- for the planner -------------------------------------------------------------------------------


_OF_COUNTED = [
    *("issue_id", "milestone_id", "state", "state_reason", "weight", "time_estimate_hours")
]


def _open(dataset: Dataset, counted: pd.DataFrame) -> pd.DataFrame:
    """Return the open issues, with what the milestones that they are in are like."""
    columns = ["milestone_id", "title", "state", "due_date"]
    home = dataset.milestones[columns].rename(
        columns={"title": "milestone", "state": "milestone_state", "due_date": "milestone_due"}
    )
    opened = counted[counted["state"] == "opened"]
    return opened.merge(home.astype({"milestone_id": "Int64"}), on="milestone_id", how="left")


def _milestones_left_open(dataset: Dataset, issues: pd.DataFrame) -> pd.DataFrame:
    closed = issues[issues["milestone_state"] == "closed"]
    today = _today(dataset)
    late = issues[(issues["milestone_state"] == "active") & (issues["milestone_due"] < today)]
    return pd.concat(
        [
            _found("open_in_closed_milestone", "warning", closed, got=closed["milestone"]),
            _found(
                "open_in_overdue_milestone",
                "warning",
                late,
                got=late["milestone"] + ", due " + late["milestone_due"].dt.strftime("%Y-%m-%d"),
            ),
        ]
    )


def _today(dataset: Dataset) -> pd.Timestamp:
    """Give the day of the export; without a manifest that of the last event."""
    at = dataset.exported_at
    if pd.isna(at):
        at = dataset.issue_events["at"].max()
    zone = dataset.config.get("calendar", {}).get("timezone", "UTC")
    return last_day(at, zone) if pd.notna(at) else pd.Timestamp("NaT")


def _unmeasured(issues: pd.DataFrame, known: _Known) -> pd.DataFrame:
    """Find unmeasured issues; where no issue has a measure, say it once."""
    issues = issues[issues["milestone_id"].notna()]
    used = known.uses["use"].tolist()
    parts = []
    for kind, missing, use in [
        ("no_weight", issues["weight"].isna(), "weights"),
        ("no_estimate", issues["time_estimate_hours"] == 0, "estimates"),
    ]:
        if use in used:
            parts.append(_found(kind, "warning", issues[missing]))
        elif len(issues):
            whole = pd.DataFrame({"subject": [_ALL_ISSUES]})
            parts.append(_found(kind, "note", whole, got="no issue has one"))
    return pd.concat(parts) if parts else pd.DataFrame()


def _milestone_dates(dataset: Dataset) -> pd.DataFrame:
    milestones = dataset.milestones.assign(subject=dataset.milestones["web_url"])
    active = milestones[milestones["state"] == "active"]
    missing = [
        _found("milestone_without_date", "warning", active[active[f].isna()], field=f)
        for f in ("start_date", "due_date")
    ]
    return pd.concat([*missing, _turned(milestones)])


def _issue_dates(dataset: Dataset) -> pd.DataFrame:
    return _turned(dataset.issues[["issue_id", "start_date", "due_date"]])


def _turned(rows: pd.DataFrame) -> pd.DataFrame:
    turned = rows[rows["due_date"] < rows["start_date"]]
    return _found(
        "due_before_start",
        "warning",
        turned,
        expected=turned["start_date"].dt.strftime("%Y-%m-%d or later"),
        got=turned["due_date"].dt.strftime("%Y-%m-%d"),
    )


def _assignees_left(dataset: Dataset, issues: pd.DataFrame) -> pd.DataFrame:
    people = dataset.people
    active = ~(people["state"].notna() & (people["state"] != "active"))
    here = people.loc[active, "person"]
    left = people.loc[~people["person"].isin(here), ["person", "state"]].drop_duplicates("person")
    held = dataset.assignments[dataset.assignments["person"].isin(left["person"]).to_numpy()]
    held = held.merge(left, on="person")
    held = issues[["issue_id", "milestone_id"]].merge(held, on="issue_id")
    gone = _found("assignee_left", "warning", held, got=held["person"] + " is " + held["state"])
    return gone.drop_duplicates(["issue_id", "person", "got"])


def _people_twice(dataset: Dataset, known: _Known) -> pd.DataFrame:
    names = dataset.people.dropna(subset="name")
    same_name = names.assign(key=names["name"].str.split().str.join(" ").str.casefold())
    handles = pd.concat(
        [dataset.people["person"], known.holders["person"], dataset.responsibilities["person"]]
    )
    handles = handles.drop_duplicates().to_frame()
    handles["key"] = handles["person"].str.casefold().str.replace(r"[\W_]+", "", regex=True)
    parts = []
    for rows in (same_name, handles):
        persons = rows[["key", "person"]].drop_duplicates().sort_values(["key", "person"])
        persons = persons[persons["key"] != ""]
        twice = persons[persons.duplicated("key", keep=False)].groupby("key")["person"]
        told = twice.agg(", ".join).reset_index(drop=True)
        first = twice.first().reset_index(drop=True)
        found = pd.DataFrame({"person": first, "subject": first, "got": told})
        parts.append(_found("person_twice", "warning", found, expected="one, see [people]"))
    return pd.concat(parts).drop_duplicates(["person", "got"])


def _odd_history(dataset: Dataset) -> pd.DataFrame:
    events = dataset.issue_events
    mine = (events["field"] == "milestone") & (events["action"] == "add")
    added = events.loc[mine.to_numpy(), ["issue_id", "value", "milestone_id"]]
    unknown = ~added["milestone_id"].isin(dataset.milestones["milestone_id"])
    lost = added.loc[unknown, ["issue_id", "value"]].drop_duplicates()
    early = _before_creation(dataset)[["issue_id", "field"]].drop_duplicates("issue_id")
    return pd.concat(
        [
            _found("unknown_milestone", "note", lost, got=lost["value"]),
            _found("before_creation", "note", early),
        ]
    )


def _before_creation(dataset: Dataset) -> pd.DataFrame:
    """Return the events that are dated before their issue was opened."""
    issues, events = dataset.issues, dataset.issue_events
    if events.empty:
        return events
    issue, at = events["issue_id"].to_numpy(), ticks(events["at"])
    # The rows of an issue stand together: of each run the earliest time decides whether any is.
    first = np.flatnonzero(replay.first_of(issue))
    born = np.append(ticks(issues["created_at"]), np.iinfo(np.int64).min)  # -1: of no issue
    place = replay.looked_up(issue[first], issues["issue_id"].to_numpy(), np.arange(len(issues)))
    early = np.minimum.reduceat(at, first) < born[place]
    count = np.diff(np.append(first, len(issue)))
    rows = np.flatnonzero(np.repeat(early, count))
    return events.take(rows[at[rows] < np.repeat(born[place], count)[rows]])


def _unread_notes(dataset: Dataset) -> pd.DataFrame:
    notes = dataset.unread[dataset.unread["kind"] == "note"].drop(columns="field")
    return _found("unread_note", "warning", notes, got=notes["text"], count=notes["rows"])


def _unread_values(dataset: Dataset) -> pd.DataFrame:
    """Find odd values and rows; a row that is left out may be work that is not counted."""
    odd = dataset.unread[dataset.unread["kind"] != "note"]
    parts = []
    for kind, found, severity in (("value", "odd_value", "warning"), ("row", "odd_row", "fault")):
        rows = odd[odd["kind"] == kind]
        parts.append(_found(found, severity, rows, got=rows["text"], count=rows["rows"]))
    return pd.concat(parts)


def _numbers_missing(_: Dataset, known: _Known) -> pd.DataFrame:
    """Count per project the issue numbers below the highest that no issue has."""
    seen = known.projects
    seen = seen.assign(subject=seen["project"], missing=seen["highest"] - seen["numbers"])
    seen = seen[seen["missing"] > 0]
    hidden = "confidential" not in known.uses["use"].tolist()
    return _found(
        "numbers_missing",
        "note",
        seen,
        got=seen["missing"].astype("str") + " of " + seen["highest"].astype("str"),
        cause="no confidential issue is in sight: the token may lack the Reporter role"
        if hidden
        else np.nan,
    )


def _outside(issues: pd.DataFrame) -> pd.DataFrame:
    done = (issues["state"] == "closed") & issues["state_reason"].isna()
    return _found("closed_without_milestone", "note", issues[done & issues["milestone_id"].isna()])


def _given_up(issues: pd.DataFrame) -> pd.DataFrame:
    given_up = issues[issues["state_reason"].notna()]
    return _found("given_up", "note", given_up, got=given_up["state_reason"].map(_REASONS))


_LOOKS: list[Callable[[Dataset], pd.DataFrame]] = [
    _failures,
    _notices,
    alarm_findings,
    _milestone_dates,
    _unread_notes,
    _unread_values,
]
"""Looks at what comes whole."""

_COUNTS: list[Callable[[Dataset, _Known], pd.DataFrame]] = [_people_twice, _numbers_missing]
"""Looks at what comes whole and what is known of all issues."""
