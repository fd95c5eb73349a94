"""`Scan`: one or many datasets in partitions of whole issues, computed by Dask.

Issues do not depend on one another. So every question that the analyses ask is cut in three: a
function of one `Dataset`, which a scan runs on each partition; a way to make its result smaller,
which it uses while it joins the results of partitions; and the rest, which runs once, on the joined
result, and does not know whether there were partitions. A `Dataset` skips the second step. So the
same code computes both.

Dask is imported when a scan is made, and decides where tasks run: threads of this process unless
the caller has chosen another scheduler, or made a client of `dask.distributed`.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple, NoReturn, TypeVar, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from roadmap_analytics import config as configuration
from roadmap_analytics import schema, store
from roadmap_analytics.arguments import whole_number
from roadmap_analytics.errors import (
    ConfigurationError,
    DatasetError,
    RoadmapAnalyticsError,
    ServerError,
)
from roadmap_analytics.frames.dataset import Dataset, typed

__all__ = ["BY_ISSUE", "Scan", "scan"]

Ints = npt.NDArray[np.int64]
S = TypeVar("S")
T = TypeVar("T")
Result = TypeVar("Result", bound="pd.DataFrame | tuple[pd.DataFrame, ...]")

BY_ISSUE = ("issues", "assignments", "issue_labels", "issue_events")
"""Frames that partitions hold; the others are small and come whole."""

WITH_EVERY_PARTITION = ("milestones", "milestone_dates", "people")
"""Whole frames that the analyses of single issues look things up in."""

PARTITION = 25_000
"""Issues of a partition: some 100 MB as frames, two row groups of events."""

_JOINED_AT_ONCE = 8  # results of partitions; the memory of a worker has room for so many
_FIRST, _LAST = np.iinfo(np.int64).min, np.iinfo(np.int64).max

_PLACE = 2**40
"""Ids of the second GitLab of a scan begin here, those of the third at twice this. Two GitLabs give
the same ids to different issues; GitLab.com, the largest, has given out less than 2**28."""
_IDS = ("issue_id", "milestone_id", "moved_to_id", "into_milestone_id", "other_milestone_id")


@dataclass(frozen=True)
class _Source:
    """One dataset of a scan."""

    folder: store.Folder
    manifest: store.Manifest
    first_id: int  # what its ids are counted from: 0, unless there are several GitLabs

    def __str__(self) -> str:
        return str(self.folder)

    def entry(self, name: str) -> Mapping[str, Any]:
        frames = self.manifest.tables.get("frames", {})
        if name not in frames:
            raise DatasetError(f"{self}: expected the frame {name}, found {', '.join(frames)}")
        return cast("Mapping[str, Any]", frames[name])

    def read(self, name: str, between: tuple[int, int] | None = None) -> pd.DataFrame:
        """Read a frame, or its rows about some issues, and compare it with its schema."""
        entry = self.entry(name)
        frame, words = self.folder.table(entry, between=between)
        with store.foreign(self.folder.file(entry["file"]), f"valid table {name}"):
            return self.keyed(schema.validate(name, typed(name, frame), words))

    def keyed(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Count the ids of a frame from the first id of its GitLab."""
        ids = [name for name in _IDS if name in frame] if self.first_id else []
        for name in ids:
            if (frame[name] >= _PLACE).any():
                raise DatasetError(
                    f"{self}: expected ids below {_PLACE:,}, got {frame[name].max():,}; "
                    "scan it without the other GitLabs"
                )
        return frame.assign(**{name: frame[name] + self.first_id for name in ids})


class _Moves(NamedTuple):
    """Ids of one dataset: of all issues, and of the originals and copies of moved ones."""

    issues: Ints
    originals: Ints
    copies: Ints


def _moves(source: _Source) -> _Moves:
    """Compare the tables of issues with their hashes, and return what the cuts depend on."""
    for name in BY_ISSUE:
        source.folder.verify(source.entry(name))
    entry = source.entry("issues")
    ids = source.folder.table(entry, ["issue_id", "moved_to_id"]).frame
    with store.foreign(source.folder.file(entry["file"]), "valid table issues"):
        ids = source.keyed(ids.astype({"issue_id": "int64", "moved_to_id": "Int64"}))
        moved = ids[ids["moved_to_id"].notna().to_numpy()].sort_values("issue_id")
        return _Moves(
            np.sort(ids["issue_id"].to_numpy(np.int64)),
            moved["issue_id"].to_numpy(np.int64),
            moved["moved_to_id"].to_numpy(np.int64),
        )


@dataclass(frozen=True)
class _Partition:
    """Some issues of one dataset, with all that its frames say of them."""

    source: _Source
    between: tuple[int, int]  # the first and the last issue id, as the dataset has them
    elsewhere: Ints = field(repr=False)  # copies of its moved issues that the scan has

    def __str__(self) -> str:
        first, last = self.between
        if (first, last) == (_FIRST, _LAST):
            return str(self.source)
        end = "the last" if last == _LAST else last
        return f"{self.source}, issue ids {max(first, 0)} to {end}"

    def dataset(self, names: Iterable[str], whole: Mapping[str, pd.DataFrame]) -> Dataset:
        frames = {name: self.source.read(name, self.between) for name in names}
        about = _about(self.source.manifest)
        return Dataset(frames | dict(whole), about, partial=True, elsewhere=self.elsewhere.tolist())


def _about(manifest: store.Manifest) -> dict[str, Any]:
    """Return a manifest without its lists of files, which may be long and go to every worker."""
    newest = [replace(run, files={}) for run in manifest.runs[-1:]]
    return replace(manifest, runs=newest, tables={}).as_dict()


def _task(
    partition: _Partition,
    function: Callable[[Dataset], Result],
    condense: Callable[[Result], Result],
    names: Sequence[str],
    whole: Mapping[str, pd.DataFrame],
) -> Result:
    """Compute one partition; whatever fails names its dataset."""
    try:
        return condense(function(partition.dataset(names, whole)))
    except RoadmapAnalyticsError:
        raise
    except Exception as error:
        raise DatasetError(f"{partition}: could not be computed ({_words(error)})") from error


def _words(error: BaseException) -> str:
    why = (str(error).strip() or "no reason given").splitlines()[0][:150]
    return f"{type(error).__name__}: {why}"


def _joined(parts: list[Result], condense: Callable[[Result], Result]) -> Result:
    """Join the results of partitions, and make the joined one smaller."""
    first = parts[0]
    if len(parts) == 1:
        return first
    if isinstance(first, pd.DataFrame):
        return condense(cast("Result", _one_below_the_other(cast("list[pd.DataFrame]", parts))))
    columns = zip(*cast("list[tuple[pd.DataFrame, ...]]", parts), strict=True)
    made: Any = type(first)
    return condense(made(*(_one_below_the_other(list(frames)) for frames in columns)))


def _one_below_the_other(frames: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(frames, ignore_index=frames[0].index.name is None)


class Scan(Dataset):
    """Datasets that are read in partitions of whole issues, when a question is asked.

    Make one with `scan`. It shows like a `Dataset`; its small frames (milestones, people, the
    frames of roadmaps) are there whole, those of issues only in partitions.

    Attributes
    ----------
    origins : list of str
        Addresses of the GitLabs, in order. Where there are several, results have a first column
        `origin`, since two GitLabs give the same ids to different issues and milestones.
    partitions : list
        What one task reads each; the tables are compared with their hashes when it is first used.

    Examples
    --------
    >>> import roadmap_analytics as ra
    >>> groups = ra.scan("data/sample")  # doctest: +SKIP
    >>> ra.milestone_progress(groups, as_of=groups.exported_at)  # doctest: +SKIP
    """

    def __init__(self, sources: Sequence[_Source], size: int) -> None:
        self._sources = list(sources)
        self._size = size
        self.origins = list(dict.fromkeys(source.manifest.origin for source in sources))
        # Of many datasets, the one that was exported first says until when all are known.
        oldest = min((source.manifest for source in sources), key=_exported)
        about = _about(oldest)
        about["origin"] = ", ".join(self.origins)
        about["simulated"] = any(source.manifest.simulated for source in sources)
        super().__init__({}, about, partial=True)

    def __getitem__(self, name: str) -> pd.DataFrame:
        """Return a frame that is there whole."""
        if name in BY_ISSUE:
            self._refuse(f"frame {name}")
        if name in schema.FRAMES:
            self._fetch([name])
        return super().__getitem__(name)

    def _refuse(self, what: str) -> NoReturn:
        raise ConfigurationError(
            f"{what}: a scan reads issues in partitions and has them nowhere whole; ask one of "
            f"{', '.join(ANSWERED)}, or load a dataset that fits in memory with ra.load"
        )

    def with_frames(self, **frames: pd.DataFrame) -> NoReturn:
        """Refuse: the frames of issues are in partitions."""
        self._refuse("with_frames")

    def pseudonymised(self, *, seed: int) -> NoReturn:
        """Refuse: the frames of issues are in partitions."""
        self._refuse("pseudonymised")

    def without_confidential_titles(self) -> NoReturn:
        """Refuse: the frames of issues are in partitions."""
        self._refuse("without_confidential_titles")

    def save(self, path: str | os.PathLike[str]) -> NoReturn:
        """Refuse: the frames of issues are in partitions."""
        self._refuse("save")

    @property
    def newest_runs(self) -> list[dict[str, Any]]:
        """What each dataset's manifest says of its newest export."""
        return [run for one in self._sources for run in _about(one.manifest)["runs"]]

    @property
    def types(self) -> frozenset[str]:
        """Work item types that occur."""
        found = self.reduced(_types, _distinct, ["issues"])
        return frozenset(found["type"])

    def has_issues(self, ids: pd.Series[Any]) -> NoReturn:
        """Refuse: the frames of issues are in partitions."""
        self._refuse("has_issues")

    # -- partitions --------------------------------------------------------------------------------

    @cached_property
    def partitions(self) -> list[_Partition]:
        """Partitions of at most so many issues, in the order of the datasets and of issue ids."""
        moves = _each(_moves, self._sources)
        self._each_issue_once(moves)
        present = np.sort(np.concatenate([one.issues for one in moves]))
        return [
            partition
            for source, found in zip(self._sources, moves, strict=True)
            for partition in _cut(source, found, present, self._size)
        ]

    def _each_issue_once(self, moves: list[_Moves]) -> None:
        """Raise where two datasets have the same issue: it would count twice."""
        ids = np.concatenate([one.issues for one in moves])
        place = np.repeat(np.arange(len(moves)), [len(one.issues) for one in moves])
        order = np.argsort(ids, kind="stable")
        ids, place = ids[order], place[order]
        twice = np.flatnonzero(ids[1:] == ids[:-1])
        if len(twice):
            first, second = (str(self._sources[place[n]]) for n in (twice[0], twice[0] + 1))
            raise ConfigurationError(
                f"scan: expected each issue once, got {len(twice):,} issues (for example id "
                f"{ids[twice[0]] % _PLACE}) in {first} and again in {second}; scan one of the two"
            )

    def reduced(
        self,
        function: Callable[[Dataset], Result],
        condense: Callable[[Result], Result],
        names: Sequence[str],
    ) -> Result:
        """Run a function on every partition and join what it returns.

        Parameters
        ----------
        function : callable
            From a `Dataset` to a frame, or to a named tuple of frames.
        condense : callable
            From such a result, or several one below the other, to a smaller one that says the same.
        names : list of str
            Frames of issues that the function needs.
        """
        from dask.delayed import delayed

        self._fetch(WITH_EVERY_PARTITION)
        whole = delayed({name: self[name] for name in WITH_EVERY_PARTITION}, traverse=False)
        level = [
            # The arguments are bound beforehand, since Dask would look for tasks within them.
            delayed(functools.partial(_task, one, function, condense, names), pure=False)(whole)
            for one in self.partitions
        ]
        while len(level) > _JOINED_AT_ONCE:
            join = delayed(functools.partial(_joined, condense=condense), pure=False)
            level = [
                join(level[n : n + _JOINED_AT_ONCE]) for n in range(0, len(level), _JOINED_AT_ONCE)
            ]
        # The last ones are joined here: a worker that did it would hold what all partitions give,
        # and once more while it sends it.
        return _joined(cast("list[Result]", _run(level)), condense)

    # -- whole frames ------------------------------------------------------------------------------

    def _fetch(self, names: Iterable[str]) -> None:
        """Read small frames of all datasets, unless they are there."""
        having = [
            (one, name)
            for name in names
            if name not in self.frames
            for one in self._sources
            if one.entry(name)["rows"]
        ]
        found: dict[str, list[tuple[_Source, pd.DataFrame]]] = {name: [] for name in names}
        for (source, name), frame in zip(having, _each(_read_whole, having), strict=True):
            found[name].append((source, frame))
        made = {name: _whole(name, rows) for name, rows in found.items()}
        self.frames = made | self.frames

    # -- how it shows ------------------------------------------------------------------------------

    def shown(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Give a result the ids that GitLab knows, with `origin` where there are several."""
        if len(self.origins) == 1:
            return frame
        by_issue = frame.index.name == "issue_id"
        shown = frame.reset_index() if by_issue else frame.copy()
        names = [name for name in _IDS if name in shown]
        if names:
            keys = shown[names[0]].astype("Int64")
            for name in names[1:]:
                keys = keys.fillna(shown[name].astype("Int64"))
            origin = (keys // _PLACE).map(dict(enumerate(self.origins)), na_action="ignore")
            shown.insert(0, "origin", origin.astype("str"))
            shown[names] = shown[names] % _PLACE
        if "milestone_id" in shown.attrs:
            shown.attrs["milestone_id"] %= _PLACE
        return shown.set_index(["origin", "issue_id"]) if by_issue else shown

    def numbers(self, ids: pd.Series[Any]) -> pd.Series[Any]:
        """Return ids as GitLab knows them."""
        return ids % _PLACE if len(self.origins) > 1 else ids

    def _summary(self) -> list[tuple[str, str]]:
        ended = [_exported(one.manifest) for one in self._sources]
        lines = [("origin", origin) for origin in self.origins]
        if self.simulated:
            lines.append(("data", "simulated"))
        lines.append(("datasets", f"{len(self._sources):,}, read in partitions by Dask"))
        if first := min(ended):
            lines.append(("exported", " to ".join(dict.fromkeys([first[:10], max(ended)[:10]]))))
        for name in (*BY_ISSUE, *WITH_EVERY_PARTITION[:1]):
            rows = sum(one.entry(name)["rows"] for one in self._sources)
            lines.append((name, f"{rows:,} rows"))
        return lines


ANSWERED = (
    *("burndown", "burndowns", "milestone_progress", "carried_over", "workload"),
    *("workload_history", "throughput", "lead_times", "state_at", "check"),
)
"""Functions of issues that take a scan."""

_OF_GITLAB = ("milestones", "milestone_dates", "people", "unread")


def _each(function: Callable[[S], T], arguments: Iterable[S]) -> list[T]:
    """Compute a function of each argument, one task each."""
    from dask.delayed import delayed

    # Bound beforehand, since Dask would look for tasks within an argument.
    bound = [functools.partial(function, one) for one in arguments]
    return _run([delayed(one, pure=False)() for one in bound])


def _run(tasks: list[Any]) -> list[Any]:
    """Compute tasks by the scheduler that the caller chose."""
    from dask.base import compute

    try:
        return list(compute(*tasks))
    except RoadmapAnalyticsError:
        raise
    except Exception as error:
        raise ServerError(
            f"scan: the Dask scheduler gave no answer ({_words(error)}). Check that its workers "
            "run and can read the datasets, then ask again."
        ) from error


def _read_whole(one: tuple[_Source, str]) -> pd.DataFrame:
    source, name = one
    source.folder.verify(source.entry(name))
    return source.read(name)


def _whole(name: str, found: list[tuple[_Source, pd.DataFrame]]) -> pd.DataFrame:
    """Join a small frame of all datasets that have rows of it."""
    if len(found) < 2:
        return found[0][1] if found else schema.empty(name)
    first, frame = found[0]
    if name in _OF_GITLAB:
        # A milestone of a group stands in the dataset of each of its projects: the newest export
        # knows it best.
        found = sorted(found, key=lambda one: _exported(one[0].manifest))
        rows = pd.concat([one for _, one in found], ignore_index=True)
        return schema.tidy(name, rows.drop_duplicates(schema.key_of(name), keep="last"))
    for other, its in found[1:]:
        if not its.equals(frame):
            raise ConfigurationError(
                f"frame {name}: expected the same roadmap documents in all datasets, got others in "
                f"{first} than in {other}; scan datasets that share their roadmaps"
            )
    return frame


def _types(dataset: Dataset) -> pd.DataFrame:
    return dataset.issues[["type"]]


def _distinct(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.drop_duplicates()


def _exported(manifest: store.Manifest) -> str:
    """Return the end of the newest run in UTC, to compare; empty where there was none."""
    if not manifest.runs:
        return ""
    return pd.Timestamp(manifest.runs[-1].ended_at).tz_convert("UTC").isoformat()


def _cut(source: _Source, moves: _Moves, present: Ints, size: int) -> Iterator[_Partition]:
    """Cut a dataset after every so many issues; rows about issues that it lacks go along."""
    ends = moves.issues[size - 1 : -1 : size] - source.first_id
    starts = np.concatenate([[_FIRST], ends + 1])
    for first, last in zip(starts.tolist(), [*ends.tolist(), _LAST], strict=True):
        mine = (moves.originals - source.first_id >= first) & (
            moves.originals - source.first_id <= last
        )
        copies = moves.copies[mine]
        place = np.searchsorted(present, copies).clip(max=max(len(present) - 1, 0))
        held = present[place] == copies if len(present) else np.zeros(0, dtype=bool)
        yield _Partition(source, (first, last), copies[held])


def scan(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    storage_options: Mapping[str, Any] | None = None,
    config: Mapping[str, Any] | None = None,
    partition_size: int = PARTITION,
) -> Scan:
    """Open one or many datasets that are too large for memory, to be read in partitions by Dask.

    Only the manifests are read at once. `burndown`, `burndowns`, `milestone_progress`,
    `carried_over`, `workload`, `workload_history`, `throughput`, `lead_times`, `state_at` and
    `check` take the result in place of a dataset, and return the same pandas frames as on one
    machine. Functions that need nothing of single issues (of roadmaps, say) take it too; others say
    that they cannot.

    Tasks run in threads of this process, or by the scheduler that you chose in Dask
    (``dask.config.set(scheduler="processes")``, a `dask.distributed.Client`).

    Parameters
    ----------
    paths : path or str, or a list of these
        Datasets: folders, globs (``exports/*``), or any address that fsspec opens
        (``s3://bucket/exports/*``). They may come from one GitLab, each with other issues, or from
        several; then results have a first column `origin`.
    storage_options : dict, optional
        What fsspec needs to open the addresses, as in `pandas.read_parquet`.
    config : dict, optional
        Sections of roadmap.toml (``calendar``, ``milestones``, ``labels``) to use in place of those
        of the datasets, where these differ.
    partition_size : int
        Issues that one task reads at most.

    Returns
    -------
    Scan

    Raises
    ------
    ConfigurationError
        Where Dask is not installed, or the configurations of the datasets differ.
    DatasetError
        Where there is no dataset, or one is damaged or of another version.

    Examples
    --------
    >>> import roadmap_analytics as ra
    >>> groups = ra.scan("s3://roadmaps/nightly/*")  # doctest: +SKIP
    >>> ra.burndown(groups, "R1", as_of=groups.exported_at)  # doctest: +SKIP
    """
    try:
        import dask  # noqa: F401 - it is an extra; what uses it imports it
    except ImportError:
        raise ConfigurationError(
            'scan: needs Dask, which is not installed; run: pip install "roadmap-analytics[dask]"'
        ) from None
    whole_number("partition_size", partition_size, 1)
    several = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    found = store.folders([os.fspath(path) for path in several], storage_options or {})
    if not found:
        raise ConfigurationError("scan: expected at least one dataset, got an empty list")
    manifests = _each(store.Folder.manifest, found)
    origins = sorted({manifest.origin for manifest in manifests})
    sources = [
        _Source(folder, manifest, origins.index(manifest.origin) * _PLACE)
        for folder, manifest in zip(found, manifests, strict=True)
    ]
    sources.sort(key=lambda source: source.first_id)  # stable: else as given
    for source in sources:
        _refuse_other_versions(source)
    if config is not None:
        configuration.check_sections(config, "scan: config")
    settings = _settings(sources) if config is None else dict(config)
    return Scan(
        [replace(one, manifest=replace(one.manifest, config=settings)) for one in sources],
        partition_size,
    )


def _refuse_other_versions(source: _Source) -> None:
    if fault := configuration.fault_in(source.manifest.config):
        file = source.folder.file("manifest.json")
        raise DatasetError(f"{file}: damaged: config: {fault} Export into a new folder.")
    if not source.manifest.tables_are_ours:
        raise DatasetError(
            f"{source}: expected tables of this version of the library, got those of "
            f"{source.manifest.library_version}; export again, which fetches only what changed"
        )


def _settings(sources: Sequence[_Source]) -> dict[str, Any]:
    """Return the configuration that all datasets share."""
    used = ("calendar", "milestones", "labels")
    first = sources[0]
    for other in sources[1:]:
        for section in used:
            mine, its = (one.manifest.config.get(section) or {} for one in (first, other))
            if mine != its:
                raise ConfigurationError(
                    f"[{section}]: expected the same in all datasets, got {mine!r} in {first} and "
                    f"{its!r} in {other}; say which counts: scan(..., config={{{section!r}: ...}})"
                )
    return dict(first.manifest.config)
