"""A `Dataset` holds validated frames; `load` and `read_roadmaps` make one.

`load` reads the tables that the last run built, or builds them from the records where another
version of this library built them.
"""

from __future__ import annotations

import datetime as dt
import html
import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from roadmap_analytics import config as configuration
from roadmap_analytics import schema, store
from roadmap_analytics.arguments import as_list, short
from roadmap_analytics.errors import (
    ConfigurationError,
    DamagedFileError,
    DatasetError,
    TablesRebuiltWarning,
    UnknownNameError,
)
from roadmap_analytics.frames import sharing
from roadmap_analytics.frames.build import build_tables, roadmap_frames, whole
from roadmap_analytics.roadmap import sources

__all__ = ["Dataset", "load", "read_roadmaps"]

Result = TypeVar("Result", bound="pd.DataFrame | tuple[pd.DataFrame, ...]")


class Dataset:
    """The frames of one dataset, by name, with where they come from.

    Parameters
    ----------
    frames : mapping
        Frame name to frame. Frames that are left out are empty, unless `partial`.
    manifest : mapping, optional
        As stored beside the tables.
    partial : bool
        Frames that are left out were not loaded: asking for them is an error.
    elsewhere : iterable of int
        Where these are the frames of one partition of a `Scan`: ids of moved copies that other
        partitions have, so that their originals do not count here.

    Attributes
    ----------
    frames : dict
        Frame name to frame: ``dataset.issues``, ``dataset["issues"]`` and
        ``dataset.frames["issues"]`` are the same. `roadmap_analytics.schema` describes them all.
    manifest : dict
        Origin, runs and configuration.

    Examples
    --------
    >>> dataset = Dataset({})
    >>> len(dataset.issues), dataset.simulated
    (0, False)
    """

    def __init__(
        self,
        frames: Mapping[str, pd.DataFrame],
        manifest: Mapping[str, Any] | None = None,
        *,
        partial: bool = False,
        elsewhere: Iterable[int] = (),
    ) -> None:
        for name in frames:
            if name not in schema.FRAMES:
                raise _unknown(name, schema.FRAMES)
        self.manifest: dict[str, Any] = dict(manifest or {})
        self.frames: dict[str, pd.DataFrame] = {
            name: frames[name] if name in frames else schema.empty(name)
            for name in schema.FRAMES
            if name in frames or not partial
        }
        self.elsewhere = frozenset(elsewhere)

    def __getitem__(self, name: str) -> pd.DataFrame:
        """Return a frame by its name."""
        if name not in self.frames:
            raise _unknown(name, self.frames)
        return self.frames[name]

    def __getattr__(self, name: str) -> pd.DataFrame:
        # Asked of a copy that is still being made: `self.frames` would ask again, without end.
        if name.startswith("_") or name == "frames":
            raise AttributeError(name)
        try:
            return self[name]
        except UnknownNameError as error:
            raise AttributeError(str(error)) from None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.frames]

    @property
    def simulated(self) -> bool:
        """Whether the data are made up."""
        return bool(self.manifest.get("simulated", False))

    @property
    def config(self) -> dict[str, Any]:
        """Sections of roadmap.toml that analyses need: people, calendar, labels, milestones."""
        return dict(self.manifest.get("config") or {})

    @property
    def newest_runs(self) -> list[dict[str, Any]]:
        """What the manifest says of the newest export; a `Scan` has one of each dataset."""
        return list(self.manifest.get("runs") or [])[-1:]

    @property
    def exported_at(self) -> pd.Timestamp:
        """End of the last export on the server's clock; NaT where the dataset has no manifest."""
        runs = self.manifest.get("runs") or []
        if not runs:
            return pd.Timestamp("NaT")
        return pd.Timestamp(runs[-1]["ended_at"]).tz_convert("UTC").as_unit("us")

    @property
    def exported_date(self) -> dt.date:
        """Day of the last export in the dataset's own time zone (``[calendar]``; else UTC).

        Raises
        ------
        DatasetError
            Where the dataset has no manifest, and so no day of export.
        """
        newest = (
            self.frames["revisions"]["revision"].max() if "revisions" in self.frames else pd.NaT
        )
        if pd.isna(self.exported_at) and pd.notna(newest):
            return pd.Timestamp(newest).date()  # documents alone: their newest day
        if pd.isna(self.exported_at):
            raise DatasetError(
                "dataset: expected a manifest with the time of the export, got none; name the day "
                "yourself (as_of)"
            )
        zone = (self.config.get("calendar") or {}).get("timezone") or "UTC"
        return self.exported_at.tz_convert(zone).date()

    @property
    def documents_alone(self) -> bool:
        """Whether it holds roadmap documents and nothing of a GitLab."""
        return self.issues.empty and self.milestones.empty and not self.revisions.empty

    def with_frames(self, **frames: pd.DataFrame) -> Dataset:
        """Give a dataset with these frames in place of its own.

        Examples
        --------
        >>> ada = schema.tidy("assignments", [{"issue_id": 1, "person": "ada"}])
        >>> len(Dataset({}).with_frames(assignments=ada).assignments)
        1
        """
        partial = len(self.frames) < len(schema.FRAMES)
        return Dataset(
            self.frames | frames, self.manifest, partial=partial, elsewhere=self.elsewhere
        )

    @property
    def origin(self) -> str:
        """Address of the GitLab that the data come from."""
        return str(self.manifest.get("origin", "frames made by hand"))

    def pseudonymised(self, *, seed: int) -> Dataset:
        """Return a dataset with made-up names for people, and numbers for texts that people typed.

        Counts and dates stay what they are. See `roadmap_analytics.frames.sharing.pseudonymised`.
        """
        frames, manifest = sharing.pseudonymised(self.frames, self.manifest, seed)
        return Dataset(frames, manifest, partial=len(frames) < len(schema.FRAMES))

    def without_confidential_titles(self) -> Dataset:
        """Give a dataset that says of confidential issues all but their titles."""
        return self.with_frames(**sharing.without_confidential_titles(self.frames))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the frames as a dataset that `load` reads, without the records behind them.

        Raises
        ------
        DatasetError
            Where the disk refuses.
        """
        store.write_copy(path, self.manifest, self.frames)

    @property
    def types(self) -> frozenset[str]:
        """Work item types that occur."""
        return frozenset(self["issues"]["type"].unique())

    def has_issues(self, ids: pd.Series[Any]) -> pd.Series[bool]:
        """Mark the ids of issues that are in the dataset, or in the whole that this is part of."""
        return ids.isin(self["issues"]["issue_id"]) | ids.isin(self.elsewhere)

    def reduced(
        self,
        function: Callable[[Dataset], Result],
        condense: Callable[[Result], Result],
        names: Sequence[str],
    ) -> Result:
        """Return a function of this dataset; a `Scan` joins those of its partitions."""
        return function(self)

    def shown(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a result as it is; a `Scan` of several GitLabs adds which one an id belongs to."""
        return frame

    def numbers(self, ids: pd.Series[Any]) -> pd.Series[Any]:
        """Return ids as GitLab knows them; a `Scan` of several GitLabs tells them apart."""
        return ids

    def _summary(self) -> list[tuple[str, str]]:
        exported = self.exported_at
        runs = self.manifest.get("runs") or []
        lines = [("origin", self.origin)]
        if self.simulated:
            lines.append(("data", "simulated"))
        if not pd.isna(exported):
            lines.append(("exported", f"{exported:%Y-%m-%d %H:%M} UTC, {len(runs)} runs"))
        span = self._span()
        if span:
            lines.append(("history", span))
        return lines + [(name, f"{len(frame):,} rows") for name, frame in self.frames.items()]

    def _span(self) -> str | None:
        at = self.frames.get("issue_events", pd.DataFrame({"at": []}))["at"]
        return f"{at.min():%Y-%m-%d} to {at.max():%Y-%m-%d}" if len(at) else None

    def __repr__(self) -> str:
        lines = self._summary()
        width = max(len(name) for name, _ in lines)
        return "\n".join(["Dataset", *(f"  {name:<{width}}  {text}" for name, text in lines)])

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th style='text-align:left'>{html.escape(name)}</th>"
            f"<td style='text-align:right'>{html.escape(text)}</td></tr>"
            for name, text in self._summary()
        )
        return f"<table><caption>Dataset</caption>{rows}</table>"


def given(dataset: Any) -> Dataset:
    """Return the dataset that a call was given.

    Raises
    ------
    ConfigurationError
        Where it is something else: the path of one, a single frame, nothing.
    """
    if not isinstance(dataset, Dataset):
        raise ConfigurationError(
            f"dataset: expected a dataset, got {short(dataset)}; call ra.load(DIR) and pass its "
            "result"
        )
    return dataset


def _unknown(name: str, known: Iterable[str]) -> UnknownNameError:
    if name in schema.FRAMES:
        return UnknownNameError(
            f"frame {name}: it was not loaded; load it too: load(path, frames=[{name!r}, ...])"
        )
    return UnknownNameError(f"frame {name!r}: expected one of {', '.join(known)}")


def load(
    path: str | os.PathLike[str],
    frames: Iterable[str] | None = None,
    *,
    verify_records: bool = False,
) -> Dataset:
    """Read a dataset: every frame, compared with its hash and its schema.

    Tables that another version of this library made are not read: it may have read the records
    otherwise, or known other columns. Their frames are made from the records again, in memory,
    which takes about as long as `check` does; the next export writes them.

    Where a table is damaged or missing, all tables are rebuilt from the records and stored, with
    a `TablesRebuiltWarning` that names the table. A dataset that cannot be written, or that
    another process holds, stays as it is: then the frames are rebuilt in memory only, and the
    warning says so.

    Parameters
    ----------
    path : path
        The dataset.
    frames : iterable of str, optional
        Only these; asking the dataset for others is then an error.
    verify_records : bool
        Whether to compare the files of records with their hashes, too. Frames do not need them, so
        a damaged one shows only in the next export or `check`.

    Raises
    ------
    DatasetError
        Where there is no dataset, or its manifest or its records are damaged, or a table is and
        the dataset has no records (a saved copy), or it is of another format.
    UnknownNameError
        Where a frame does not exist.

    Examples
    --------
    >>> load("no/such/folder")  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    roadmap_analytics.errors.DatasetError: no/such/folder: expected a dataset ...
    """
    manifest = store.read_manifest(path)
    if fault := configuration.fault_in(manifest.config):
        file = Path(path) / "manifest.json"
        raise DatasetError(f"{file}: damaged: config: {fault} Export into a new folder.")
    names = list(schema.FRAMES) if frames is None else list(dict.fromkeys(as_list(frames)))
    for name in names:
        if name not in schema.FRAMES:
            raise _unknown(name, schema.FRAMES)
    try:
        if verify_records:
            store.verify(path)
        read = _stored(path, manifest, names)
    except DamagedFileError as damage:
        if store.read_manifest(path) != manifest:
            # An export that ended while we read has removed the tables that it replaced.
            return load(path, frames, verify_records=verify_records)
        read, manifest = _rebuilt(path, manifest, damage)
    kept = {name: read[name] for name in names}
    return Dataset(kept, manifest.as_dict(), partial=frames is not None)


def _stored(
    path: str | os.PathLike[str], manifest: store.Manifest, names: Iterable[str]
) -> dict[str, pd.DataFrame]:
    """Return the tables as stored, or made from the records where another version made them."""
    # An earlier version knew fewer frames.
    there = set(names) <= manifest.tables.get("frames", {}).keys()
    if manifest.tables_are_ours and (there or not _has_records(manifest)):
        return {name: _read(path, manifest, name) for name in names}
    return whole(build_tables(store.Records(Path(path), manifest.runs), config=manifest.config))


def _rebuilt(
    path: str | os.PathLike[str], manifest: store.Manifest, damage: DamagedFileError
) -> tuple[dict[str, pd.DataFrame], store.Manifest]:
    """Return all tables made from the records, and the manifest then; store them if possible."""
    root = Path(path)
    if not damage.file.is_relative_to(root / "tables") or not _has_records(manifest):
        raise damage
    store.refuse_links(root)  # a link in place of a table is no accident
    made = whole(build_tables(store.Records(root, manifest.runs), config=manifest.config))
    try:
        store.replace_tables(root, manifest, made)
        manifest, so = store.read_manifest(root), "and stored."
    except DatasetError as error:
        so = f"in memory, but not stored: {error}"
    warnings.warn(
        f"{damage.file}: damaged: {damage.why}. All tables were rebuilt from the records {so}",
        TablesRebuiltWarning,
        stacklevel=3,
    )
    return made, manifest


def _has_records(manifest: store.Manifest) -> bool:
    return any(run.files for run in manifest.runs)


def _read(path: str | os.PathLike[str], manifest: store.Manifest, name: str) -> pd.DataFrame:
    frame, words = store.read_table(path, manifest, name)
    with store.foreign(Path(path) / "tables", f"dataset with a valid table {name}"):
        return schema.validate(name, typed(name, frame), words)


def typed(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Give back the types that Parquet readers do not keep."""
    wanted = schema.types_of(name)
    found = frame.dtypes.items()
    wrong = {c: wanted[c] for c, dtype in found if c in wanted and dtype != wanted[c]}
    try:
        return frame.astype(wrong) if wrong else frame
    except (TypeError, ValueError) as error:
        raise DatasetError(f"frame {name}: a value does not fit its column: {error}") from None


def read_roadmaps(
    path: str | os.PathLike[str],
    *,
    pattern: str | None = None,
    ref: str | None = None,
    config: str | os.PathLike[str] | Mapping[str, Any] | None = None,
) -> Dataset:
    """Read roadmap revisions without any GitLab.

    Parameters
    ----------
    path : path
        A folder of dated Markdown files, a git clone, or one file; see
        `roadmap_analytics.roadmap.sources.read`. A ``matches.csv`` beside the files counts.
    pattern : str, optional
        A glob over the paths in the folder or clone (``archive/*-roadmap.md``).
    ref : str, optional
        Branch, tag or commit of a clone.
    config : path or mapping, optional
        A roadmap.toml, or its sections: `people`, and `calendar` with its `periods`.

    Returns
    -------
    Dataset
        With the roadmap frames alone; the others are empty. `revisions` reports how many of the
        list items of each document found a place, and the text of what did not.

    Raises
    ------
    RoadmapError
        Where nothing is found, or a document cannot be read.
    ConfigurationError
        Where `config` is a file that cannot be read, or has what is no setting.
    """
    if isinstance(config, str | os.PathLike):
        config = configuration.load(config).for_dataset()
    elif config is not None:
        configuration.check_sections(config, "read_roadmaps: config")
    found = roadmap_frames(sources.read(path, pattern=pattern, ref=ref), config or {}, {})
    frames = {name: schema.validate(name, frame) for name, frame in found.items()}
    return Dataset(frames, {"config": dict(config or {})})
