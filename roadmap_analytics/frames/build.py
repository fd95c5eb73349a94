"""Records become validated frames.

`build` is a pure function of the records: better reading of old data needs no new export.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from roadmap_analytics import schema, store
from roadmap_analytics.frames import events
from roadmap_analytics.frames.extract import Extract, Milestone, Record, instants
from roadmap_analytics.frames.unread import unread

__all__ = ["RunRecords", "build", "build_parts", "build_tables", "roadmap_frames", "whole"]

DRAFT_PREFIX = "DRAFT: "


class RunRecords(NamedTuple):
    """The records of one run.

    Attributes
    ----------
    run : int
        Number of the run; of two answers about one thing that of the higher run stands.
    started_at : str
        Start on the server's clock, ISO 8601 with zone.
    records : iterable of mapping
        As the run wrote them: of two answers about one thing the later is right.
    """

    run: int
    started_at: str
    records: Iterable[Record]


# Building -----------------------------------------------------------------------------------------


def build(
    runs: Iterable[RunRecords],
    *,
    config: Mapping[str, Any] | None = None,
    counts: dict[str, int] | None = None,
) -> dict[str, pd.DataFrame]:
    """Make every frame from the records of all runs.

    The newest answer about each issue, history and milestone stands; a part that failed in a later
    run keeps what it had. Issues and milestones that the newest list of their project or group no
    longer has are deleted and drop out. The order of runs does not matter, nor does that of records
    about different things; of two histories of one issue in one run the later stands. Rows are
    gathered in chunks: a million issues with ten million events fit in 8 GiB.

    Parameters
    ----------
    runs : iterable of RunRecords
    config : mapping, optional
        Sections of roadmap.toml: `people` (canonical handle to other spellings and user names),
        `calendar`, `labels`, `milestones` (`draft_prefix`).
    counts : dict, optional
        Filled with what became of what was served: `events` and `note_changes` read, notes
        `merged` with an event that says the same, `notes_other` (about nothing we follow) and
        `notes_unread` (in unknown words), rows `inferred` and `corrected`.

    Returns
    -------
    dict
        Frame name to frame, as in `schema.FRAMES`, each sorted by its key.

    Raises
    ------
    DatasetError
        Where a record lacks what every answer of its kind has.

    Examples
    --------
    >>> issue = {"id": 7, "iid": 1, "project_id": 2, "title": "Write", "state": "closed",
    ...          "created_at": "2025-01-01T08:00:00Z", "updated_at": "2025-01-03T08:00:00Z",
    ...          "closed_at": "2025-01-03T08:00:00Z", "labels": [], "web_url": "https://x/1"}
    >>> run = RunRecords(1, "2025-02-01T00:00:00Z", [
    ...     {"kind": "issue", "project": "team/code", "data": issue}])
    >>> build([run])["issue_events"][["at", "field", "value", "source", "correction"]]
                             at  field   value    source  correction
    0 2025-01-01 08:00:00+00:00  state  opened  creation       False
    1 2025-01-03 08:00:00+00:00  state  closed  inferred        True
    """
    return whole(build_parts(runs, config=config, counts=counts))


def build_parts(
    runs: Iterable[RunRecords],
    *,
    config: Mapping[str, Any] | None = None,
    counts: dict[str, int] | None = None,
) -> Iterator[dict[str, pd.DataFrame]]:
    """Make every frame as `build` does, in parts that lie one below the other.

    The history of an issue depends on no other issue, once the names of people, labels and
    milestones are known. So frames of issues are made for some issues at a time, by id; the small
    frames come last, whole. Memory then holds the records as columns, and one part.

    Parameters
    ----------
    runs, config, counts
        As in `build`.

    Yields
    ------
    dict
        Frame name to some rows of it, in the order of `schema.FRAMES`.
    """
    config, counts = config or {}, {} if counts is None else counts
    extract = Extract()
    started: dict[int, str] = {}
    with _collector_paused():
        for run in runs:
            started[run.run] = run.started_at
            for record in run.records:
                extract.add(run.run, record)
    # After all runs: the newest answer names people, labels and paths, whichever came first.
    person = _canonical(config.get("people") or {}, extract.people, extract.accounts)
    deleted = extract.deleted_milestones()
    known = _milestones(extract, deleted)
    labels = {label: name for label, (_, name) in extract.labels.items()}
    named = []
    for part in extract.issues():
        issues = _with_links(part, extract, known, deleted)
        named.append(issues.select(["issue_id", "project", "iid", "run"]))
        ids = issues["issue_id"].to_numpy()
        made, found = events.history(
            issues,
            extract.events(ids),
            milestones=known,
            labels=labels,
            person=person,
            reasons=extract.state_reasons(ids),
        )
        counts.update({name: counts.get(name, 0) + number for name, number in found.items()})
        yield {
            "issues": _issues(issues, person, made),
            "assignments": _members(issues, "assignees", "person", person),
            "issue_labels": _members(issues, "labels", "label", str),
            "issue_events": made,
        }
    counts.update(notes_other=extract.other, notes_unread=extract.unread_notes().num_rows)
    accounts = {name: person(name) for name in extract.people}
    yield {
        "milestones": _milestone_frame(extract, deleted, config),
        "milestone_dates": _milestone_dates(extract, deleted, started),
        "people": _people(extract, person),
        "unread": unread(extract, pa.concat_tables(named).to_pandas()),
        **roadmap_frames(extract.documents(), config, accounts),
    }


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Read records without the search for cycles: answers have none, and it took half the time."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def build_tables(
    records: store.Records,
    *,
    config: Mapping[str, Any] | None = None,
    counts: dict[str, int] | None = None,
) -> Iterator[dict[str, pd.DataFrame]]:
    """Make every frame from the records of a dataset on disk (see `build_parts`), validated.

    Raises
    ------
    DatasetError
        Where a record is damaged, or a frame made from the records is invalid.
    """
    runs = (RunRecords(int(run.run), run.started_at, records.of(run)) for run in records.runs)
    with store.foreign(records.path / "records", "set of records that this version can read"):
        for part in build_parts(runs, config=config, counts=counts):
            # Parts have other ids each: what is unique in each of them is unique in all.
            yield {name: schema.validate(name, frame) for name, frame in part.items()}


def whole(parts: Iterable[Mapping[str, pd.DataFrame]]) -> dict[str, pd.DataFrame]:
    """Join the parts of frames, one below the other.

    Examples
    --------
    >>> ids = [pd.DataFrame({"issue_id": [n]}) for n in (7, 8)]
    >>> whole({"issues": rows} for rows in ids)["issues"]["issue_id"].tolist()
    [7, 8]
    """
    found: dict[str, list[pd.DataFrame]] = {}
    for part in parts:
        for name, frame in part.items():
            found.setdefault(name, []).append(frame)
    return {
        name: pd.concat(rows, ignore_index=True) if len(rows) > 1 else rows[0]
        for name, rows in found.items()
    }


def _canonical(
    people: Mapping[str, Iterable[str]],
    known: Iterable[str],
    accounts: Mapping[int | None, Mapping[str, int]],
) -> Callable[[str], str]:
    """Give the function from a user name or spelling, in any case, to the canonical handle.

    Parameters
    ----------
    people : mapping
        Canonical handle to other spellings and user names.
    known : iterable of str
        User names.
    accounts : mapping
        Account id to the names that it had, each with the newest run that saw it: an account that
        was renamed is one person, although old notes name it as it was then.
    """
    handles = {name.casefold(): name for name in sorted(known)}
    configured = {
        spelling.removeprefix("@").casefold(): handle
        for handle, spellings in people.items()
        for spelling in (handle, *spellings)
    }
    newest = {
        account: max(names, key=lambda name: (names[name], name))
        for account, names in accounts.items()
        if account is not None
    }
    taken = {name.casefold() for name in newest.values()}
    for account, name in newest.items():
        names = sorted(accounts[account])
        named = [configured[n.casefold()] for n in names if n.casefold() in configured]
        handle = named[0] if named else handles[name.casefold()]
        handles[name.casefold()] = handle
        # Somebody else may have taken the name that the account had before: it is theirs now.
        handles |= {old.casefold(): handle for old in names if old.casefold() not in taken}
    handles |= configured
    return lambda name: handles.get(name.removeprefix("@").casefold(), name)


def _milestones(extract: Extract, deleted: set[int]) -> events.Milestones:
    newest = extract.newest_milestones()
    by_iid: dict[tuple[str, int], int] = {}
    by_title: dict[tuple[str, str], int] = {}
    gone: list[tuple[int, str, str]] = []
    for milestone_id, (_, seen) in sorted(newest.items()):
        path = extract.path_of(seen)
        if milestone_id in deleted:
            gone.append((milestone_id, path, seen.title))
            continue
        by_title[path, seen.title] = milestone_id
        if seen.kind == "project":  # a number in a note always means the project's own
            by_iid[path, seen.iid] = milestone_id
    # Deleted milestones keep their titles: old events name them.
    titles = {milestone_id: seen.title for milestone_id, (_, seen) in newest.items()}
    known = events.Milestones(titles, by_iid, by_title, {})
    # A milestone promoted to the group vanishes from its project; the group has one of that title.
    promoted = {
        milestone_id: replacement
        for milestone_id, path, title in gone
        for replacement in [known.titled(title, path.rpartition("/")[0])]
        if replacement is not None
    }
    return events.Milestones(titles, by_iid, by_title, promoted)


def _with_links(
    issues: pa.Table, extract: Extract, milestones: events.Milestones, deleted: set[int]
) -> pa.Table:
    """Name the project of every issue; replace milestones that went after it was fetched."""
    projects = issues["project_id"].combine_chunks().dictionary_encode()
    paths = [extract.paths["project", i][1] for i in projects.dictionary.to_pylist()]
    named = pa.DictionaryArray.from_arrays(projects.indices, pa.array(paths, pa.large_string()))
    held = issues["milestone_id"].combine_chunks().dictionary_encode()
    now = [
        None
        if (i in deleted and i not in milestones.replaced) or i not in milestones.titles
        else milestones.replaced.get(i, i)
        for i in held.dictionary.to_pylist()
    ]
    held = pa.array(now, pa.int64()).take(held.indices)
    place = issues.column_names.index("milestone_id")
    return issues.set_column(place, "milestone_id", held).append_column("project", named)


def _state_reasons(ids: npt.NDArray[np.int64], events: pd.DataFrame) -> pd.Series[Any]:
    """Give why each issue is closed without being done: what its last change of state says."""
    ever = events.loc[events["state_reason"].notna(), "issue_id"].unique()
    mine = events[
        events["issue_id"].isin(ever).to_numpy() & (events["field"] == "state").to_numpy()
    ]
    last = mine.drop_duplicates("issue_id", keep="last").set_index("issue_id")["state_reason"]
    return last.reindex(ids).reset_index(drop=True).astype("str")


def _issues(issues: pa.Table, person: Callable[[str], str], events: pd.DataFrame) -> pd.DataFrame:
    def numbers(name: str) -> Any:
        return issues[name].to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)

    def day(name: str) -> pd.Series[Any]:
        return pd.to_datetime(_text(issues[name]), format="%Y-%m-%d").astype("datetime64[us]")

    def instant(name: str) -> Any:
        return issues[name].to_pandas()

    return pd.DataFrame(
        {
            "issue_id": issues["issue_id"].to_numpy(),
            "project": _text(issues["project"]),
            "project_id": issues["project_id"].to_numpy(),
            "iid": issues["iid"].to_numpy(),
            "title": pd.array(issues["title"], dtype="str"),
            "type": _text(issues["type"]),
            "state": _text(issues["state"]),
            "state_reason": _state_reasons(issues["issue_id"].to_numpy(), events),
            "author": _text(issues["author"], person),
            "created_at": instant("created_at"),
            "updated_at": instant("updated_at"),
            "closed_at": instant("closed_at"),
            "milestone_id": numbers("milestone_id"),
            "start_date": day("start_date"),
            "due_date": day("due_date"),
            "weight": numbers("weight"),
            "time_estimate_hours": issues["estimate"].to_numpy() / 3600,
            "time_spent_hours": issues["spent"].to_numpy() / 3600,
            "confidential": issues["confidential"].to_numpy(),
            "moved_to_id": numbers("moved_to_id"),
            "imported_from": _text(issues["imported_from"]),
            "web_url": pd.array(issues["web_url"], dtype="str"),
        }
    )


def _text(column: pa.ChunkedArray, name: Callable[[str], str] = str) -> pd.Series[Any]:
    """Turn a dictionary column into a text column, each text passed through `name` once."""
    words = column.combine_chunks()
    texts = pa.array([name(text) for text in words.dictionary.to_pylist()], pa.large_string())
    array = pa.DictionaryArray.from_arrays(words.indices, texts).cast(pa.large_string())
    return pd.Series(pd.array(array, dtype="str"))


def _members(
    issues: pa.Table, column: str, name: str, rename: Callable[[str], str]
) -> pd.DataFrame:
    lists = issues[column].combine_chunks()
    rows = lists.value_parent_indices()
    texts = pa.chunked_array([lists.flatten().dictionary_encode()])
    frame = pd.DataFrame(
        {
            "issue_id": issues["issue_id"].combine_chunks().take(rows).to_numpy(),
            name: _text(texts, rename),
        }
    )
    return schema.tidy(
        "issue_labels" if name == "label" else "assignments", frame.drop_duplicates()
    )


def _milestone_frame(
    extract: Extract, deleted: set[int], config: Mapping[str, Any]
) -> pd.DataFrame:
    prefix = (config.get("milestones") or {}).get("draft_prefix", DRAFT_PREFIX)
    rows = [
        {"milestone_id": milestone_id, "path": extract.path_of(seen), **seen._asdict()}
        for milestone_id, (_, seen) in sorted(extract.newest_milestones().items())
        if milestone_id not in deleted
    ]
    frame = _dated(rows)
    for name in ("created_at", "updated_at"):
        frame[name] = _instants(row[name] for row in rows)
    frame["draft"] = [row["title"].startswith(prefix) for row in rows]
    return schema.tidy("milestones", frame[schema.columns_of("milestones")])


def _milestone_dates(
    extract: Extract, deleted: set[int], started: Mapping[int, str]
) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    # By the clock, not by the number of the run: after a clock was set back, the newest sight must
    # still differ from the one before it in the frame, or a change would never show.
    order = sorted(started, key=lambda run: (datetime.fromisoformat(started[run]), run))
    place = {run: number for number, run in enumerate(order)}
    sights = sorted(extract.sights(), key=lambda sight: (sight[0], place[sight[1]]))
    for milestone_id, run, seen in sights:
        if milestone_id in deleted:
            continue
        row = {name: getattr(seen, name) for name in ("title", "state", "start_date", "due_date")}
        row["milestone_id"] = milestone_id
        last = (rows[-1]["milestone_id"], rows[-1]["observed_at"]) if rows else None
        if last == (milestone_id, started[run]):
            rows.pop()  # two runs within one second of the server's clock: the later is right
        # What did not change keeps the time of the first sight: the earliest that is known of.
        if rows and row.items() <= rows[-1].items():
            continue
        rows.append(row | {"observed_at": started[run], "updated_at": seen.updated_at})
    frame = _dated(rows)
    for name in ("observed_at", "updated_at"):
        frame[name] = _instants(row[name] for row in rows)
    return schema.tidy(
        "milestone_dates", frame.reindex(columns=schema.columns_of("milestone_dates"))
    )


def _dated(rows: list[dict[str, Any]]) -> pd.DataFrame:
    columns = [*Milestone._fields, "milestone_id", "path"]
    frame = pd.DataFrame(rows, columns=list(rows[0]) if rows else columns)
    for name in ("start_date", "due_date"):
        texts = frame[name].astype("str")
        frame[name] = pd.to_datetime(texts.mask(texts == ""), format="%Y-%m-%d")
    return frame


def _instants(texts: Iterable[str]) -> pd.Series[Any]:
    return pd.Series(instants(text or None for text in texts).to_pandas())


def _people(extract: Extract, person: Callable[[str], str]) -> pd.DataFrame:
    rows = [
        {"username": name, "person": person(name), "name": shown or None, "state": state or None}
        for name, (_, shown, state) in extract.people.items()
    ]
    return schema.tidy("people", rows)


# Roadmaps -----------------------------------------------------------------------------------------


def roadmap_frames(
    documents: Iterable[Record], config: Mapping[str, Any], accounts: Mapping[str, str]
) -> dict[str, pd.DataFrame]:
    """Make the roadmap frames from documents; `accounts` is user name -> canonical handle."""
    # A reader of documents compiles a hundred patterns: a stored dataset is loaded without it.
    from roadmap_analytics.roadmap import tables

    return tables.parse(
        documents,
        people=config.get("people") or {},
        calendar=config.get("calendar") or {},
        accounts=accounts,
        profile=(config.get("roadmaps") or {}).get("profile"),
    )
