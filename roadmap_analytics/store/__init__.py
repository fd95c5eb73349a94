"""Runs of records and tables on disk: written so that a crash at any moment loses nothing complete.

Layout of a dataset (described for other readers in docs/dataset.md)::

    manifest.json                          what is valid, with sizes and hashes; written last
    records/<run>/<kind>-0001.jsonl.zst    what the API answered, append-only, one folder per run
    tables/<generation>/<frame>.parquet    frames made from the records; replaced by every run

A run in the making has no place in the manifest: its folder holds `run.json`, complete segments,
and one journal (``.jsonl``) per kind to which every record goes as soon as it is known. A killed
process loses only the record it was just writing; the next run takes the folder up.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import platform
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

import filelock
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from roadmap_analytics.errors import DatasetError

__all__ = [
    "FORMAT",
    "FORMAT_VERSION",
    "OWN_NAMES",
    "Manifest",
    "OpenRun",
    "Records",
    "Run",
    "iter_records",
    "lock",
    "open_run",
    "read_manifest",
    "read_table",
    "verify",
    "write_copy",
]

FORMAT = "roadmap-analytics dataset"
FORMAT_VERSION = 1
KINDS = (
    *("group", "project", "milestone", "labels", "listing"),
    *("issue", "history", "document", "documents", "failure"),
)
"""Kinds of records, in the order in which a run is read."""

OWN_NAMES = frozenset({"manifest.json", "records", "tables", ".lock", ".lock.json"})
"""What a dataset's folder holds."""

LIBRARY_VERSION = version("roadmap-analytics")
"""Version that writes, and whose tables are read as they are."""

SEGMENT_BYTES = 8 * 2**20
ROW_GROUP = 2**17

Record = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """One completed export: its name, its span on the server's clock, and its files.

    Attributes
    ----------
    run : str
        "000001" for the first.
    kind : str
        "full" or "incremental".
    started_at, ended_at : str
        ISO, UTC.
    requests : int
        Requests made by the process that completed it.
    failures : list of dict
        Parts that failed for good: ``part``, ``status``, ``message``.
    files : dict
        Path below the dataset -> ``rows``, ``bytes``, ``sha256``.
    """

    run: str
    kind: str
    started_at: str
    ended_at: str
    requests: int = 0
    failures: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """What a dataset is: where it comes from, what was asked, its runs and its valid tables.

    Attributes
    ----------
    origin : str
        Address of the GitLab; "simulated" data have one too.
    asked : dict
        ``urls`` and ``roadmaps`` of the newest run.
    simulated : bool
        Whether `roadmap-analytics simulate` made it.
    config : dict
        Sections of roadmap.toml that frames and analyses need.
    runs : list of Run
        Oldest first.
    tables : dict
        ``generation`` and ``frames``: name -> ``file``, ``rows``, ``sha256``.
    """

    origin: str
    asked: dict[str, Any]
    simulated: bool
    config: dict[str, Any]
    runs: list[Run]
    tables: dict[str, Any]
    library_version: str
    format: str = FORMAT
    format_version: int = FORMAT_VERSION

    @property
    def tables_are_ours(self) -> bool:
        """Whether this version made the tables, or nothing is left to make them from anew."""
        records = any(run.files for run in self.runs)
        return self.library_version == LIBRARY_VERSION or not records

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain JSON values."""
        return asdict(self)


class Records:
    """The records of a dataset, run by run; each file is checked against its hash before use.

    Parameters
    ----------
    path : Path
        The dataset.
    runs : list of Run
        Runs to read, oldest first; the last may be one that is not committed yet.
    """

    def __init__(self, path: Path, runs: Sequence[Run]) -> None:
        self.path = path
        self.runs = list(runs)

    def of(self, run: Run, kinds: Collection[str] | None = None) -> Iterator[Record]:
        """Yield the records of one run, kind by kind, in the order they were written.

        Where one run holds a (kind, id) twice, the later one is right.
        """
        for name in _in_order(run.files, kinds):
            yield from _read_segment(self.path, name, run.files[name])

    def __call__(self, kinds: Collection[str] | None = None) -> Iterator[Record]:
        """Yield the records of all runs, oldest run first."""
        for run in self.runs:
            yield from self.of(run, kinds)

    def __iter__(self) -> Iterator[Record]:
        return self()


# -- reading ---------------------------------------------------------------------------------------


def read_manifest(path: str | os.PathLike[str]) -> Manifest:
    """Read and check `manifest.json`.

    Raises
    ------
    DatasetError
        Where there is none, it is damaged, or a newer version wrote it.
    """
    file = Path(path) / "manifest.json"
    try:
        document = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise DatasetError(
            f"{path}: expected a dataset, found no manifest.json. "
            "Make one with: roadmap-analytics export URL --to DIR"
        ) from None
    except (OSError, ValueError) as error:
        raise _damaged(file, f"it cannot be read ({error})") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise _damaged(file, f"it is no manifest of a {FORMAT}")
    if document.get("format_version") != FORMAT_VERSION:
        raise DatasetError(
            f"{file}: expected format version {FORMAT_VERSION}, "
            f"got {document.get('format_version')!r}. Update roadmap-analytics to read it."
        )
    if document.pop("checksum", None) != _checksum(document):
        raise _damaged(file, "its checksum does not fit what it says")
    document["runs"] = [Run(**run) for run in document["runs"]]
    return Manifest(**document)


def iter_records(
    path: str | os.PathLike[str], kinds: Collection[str] | None = None
) -> Iterator[Record]:
    """Yield all records of a dataset, oldest run first, kind by kind within a run.

    Raises
    ------
    DatasetError
        At the first file that is missing or differs from its hash; nothing of it was yielded.
    """
    return Records(Path(path), read_manifest(path).runs)(kinds)


def read_table(
    path: str | os.PathLike[str],
    name: str,
    columns: list[str] | None = None,
    filters: Any | None = None,
) -> pd.DataFrame:
    """Read one frame of a dataset, or some columns and rows of it.

    Parameters
    ----------
    path
        The dataset.
    name
        Name of the frame.
    columns
        Columns to read; all unless given.
    filters
        As `pyarrow.parquet.read_table` takes them, e.g. ``[("at", ">=", timestamp)]``.

    Raises
    ------
    DatasetError
        Where the frame is not there, or its file differs from its hash.
    """
    frames = read_manifest(path).tables["frames"]
    if name not in frames:
        raise DatasetError(
            f"{path}: expected the frame {name}, found {', '.join(frames)}. "
            "Export again to build the tables anew."
        )
    data = _checked(Path(path), frames[name]["file"], frames[name])
    table = pq.read_table(pa.BufferReader(data), columns=columns, filters=filters)
    frame: pd.DataFrame = table.to_pandas()
    return frame


def verify(path: str | os.PathLike[str]) -> Manifest:
    """Hold every file of a dataset against its hash.

    Raises
    ------
    DatasetError
        Naming the first file that is missing or differs.
    """
    manifest = read_manifest(path)
    for run in manifest.runs:
        for name, entry in run.files.items():
            _checked(Path(path), name, entry)
    for entry in manifest.tables["frames"].values():
        _checked(Path(path), entry["file"], entry)
    return manifest


def _checked(root: Path, name: str, entry: Mapping[str, Any]) -> bytes:
    """Bytes of a file that fit the manifest."""
    try:
        data = (root / name).read_bytes()
    except OSError as error:
        raise _damaged(root / name, f"it cannot be read ({error.strerror})") from None
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise _damaged(root / name, "its bytes differ from those that were written")
    return data


def _damaged(file: Path, why: str) -> DatasetError:
    return DatasetError(
        f"{file}: damaged: {why}. Restore this file from a backup, or export into a new folder."
    )


def _read_segment(root: Path, name: str, entry: Mapping[str, Any]) -> Iterator[Record]:
    data = _checked(root, name, entry)
    for line in _decompressed(data).splitlines():
        yield orjson.loads(line)


def _decompressed(data: bytes) -> bytes:
    with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as stream:
        return bytes(stream.read())


def _in_order(files: Iterable[str], kinds: Collection[str] | None) -> list[str]:
    """Segments of these kinds, kind by kind, oldest first."""
    named = [(KINDS.index(_kind_of(name)), name) for name in files]
    return [name for rank, name in sorted(named) if kinds is None or KINDS[rank] in kinds]


def _kind_of(name: str) -> str:
    return name.rpartition("/")[2].partition("-")[0]


def _checksum(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()


# -- one writer at a time --------------------------------------------------------------------------


@contextmanager
def lock(path: str | os.PathLike[str]) -> Iterator[None]:
    """Hold a dataset for writing; the operating system lets go when the process ends, however.

    Raises
    ------
    DatasetError
        Naming the process that holds it, or why the folder cannot be written.
    """
    root = Path(path)
    holder = root / ".lock.json"
    with _disk(root):
        root.mkdir(parents=True, exist_ok=True)
        guard = filelock.FileLock(root / ".lock")
        try:
            guard.acquire(timeout=0)
        except filelock.Timeout:
            raise DatasetError(
                f"{root}: locked by {_holder(holder)}. Wait for it to end, or export elsewhere."
            ) from None
    try:
        with _disk(root):
            _write(holder, orjson.dumps({"pid": os.getpid(), "host": platform.node()}))
        yield
    finally:
        with suppress(OSError):
            holder.unlink(missing_ok=True)
        guard.release()


def _holder(file: Path) -> str:
    try:
        known = orjson.loads(file.read_bytes())
        return f"process {known['pid']} on {known['host']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


@contextmanager
def _disk(where: Path) -> Iterator[None]:
    """Say what went wrong where the disk refuses."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        todo = "Free some space" if full else "Check the path and its rights"
        raise DatasetError(
            f"{error.filename or where}: cannot be written ({error.strerror}). {todo} and run "
            "again; what was complete is kept."
        ) from error


# -- writing ---------------------------------------------------------------------------------------


def open_run(
    path: str | os.PathLike[str],
    *,
    origin: str,
    asked: Mapping[str, Any],
    started_at: str,
    full: bool = False,
    keep: Collection[str] = (),
) -> OpenRun:
    """Begin a run, or take up one that was interrupted.

    Parameters
    ----------
    path
        The dataset, locked by the caller (`lock`).
    origin, asked
        Where the records come from. An interrupted run is taken up where these and `full` agree,
        otherwise it is thrown away.
    started_at
        ISO, on the server's clock.
    full
        Whether everything is fetched anew; a first run does so anyway.
    keep
        Kinds of records to keep of an interrupted run; the others are dropped from it.

    Raises
    ------
    DatasetError
        Where the disk refuses.
    """
    root = Path(path)
    manifest = read_manifest(root) if (root / "manifest.json").exists() else None
    number = int(manifest.runs[-1].run) + 1 if manifest and manifest.runs else 1
    kind = "full" if full or manifest is None else "incremental"
    about = {"kind": kind, "origin": origin, "asked": dict(asked)}
    folder = root / "records" / f"{number:06d}"
    with _disk(folder):
        started = _interrupted(folder, about)
        if started is None:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            _write(folder / "run.json", orjson.dumps(about | {"started_at": started_at}))
        run = OpenRun(
            root, manifest, folder.name, about, started_at, began_at=started or started_at
        )
        if started is not None:
            run._take_up(keep)
    return run


def _interrupted(folder: Path, about: Mapping[str, Any]) -> str | None:
    """Start of the interrupted run that lies here, if it was about the same."""
    try:
        found = orjson.loads((folder / "run.json").read_bytes())
        started: str = found.pop("started_at")
    except (OSError, ValueError, KeyError, AttributeError):
        return None
    return started if found == about else None


class OpenRun:
    """A run in the making; made by `open_run`.

    Attributes
    ----------
    run : str
        Its name.
    started_at : str
        Start of this attempt on the server's clock: when its lists and milestones were read.
    began_at : str
        Start of the first attempt, where this one took up an interrupted run: records of this run
        may be as old as that.
    """

    def __init__(
        self,
        root: Path,
        manifest: Manifest | None,
        run: str,
        about: Mapping[str, Any],
        started_at: str,
        began_at: str,
    ) -> None:
        self.root = root
        self.manifest = manifest
        self.run = run
        self.about = about
        self.started_at = started_at
        self.began_at = began_at
        self._folder = root / "records" / run
        self._files: dict[str, dict[str, Any]] = {}
        self._journals: dict[str, _Journal] = {}
        self._numbers = dict.fromkeys(KINDS, 0)

    def __enter__(self) -> OpenRun:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the journals; what is not committed is taken up by the next run."""
        for journal in self._journals.values():
            journal.close()

    def write(self, record: Record) -> None:
        """Append a record; once this returns, only losing the machine itself can lose it."""
        kind = record["kind"]
        with _disk(self._folder):
            if kind not in self._journals:
                self._numbers[kind] += 1
                name = f"{kind}-{self._numbers[kind]:04d}.jsonl"
                self._journals[kind] = _Journal(self._folder / name)
            journal = self._journals[kind]
            journal.append(orjson.dumps(record))
            if journal.size >= SEGMENT_BYTES:
                self._seal(self._journals.pop(kind))

    def records(self) -> Records:
        """Give the records of all committed runs and of this one as far as it is written."""
        with _disk(self._folder):
            while self._journals:
                self._seal(self._journals.popitem()[1])
        earlier = self.manifest.runs if self.manifest else []
        return Records(self.root, [*earlier, self._as_run(ended_at=self.started_at)])

    def commit(
        self,
        tables: Mapping[str, pd.DataFrame],
        *,
        ended_at: str,
        config: Mapping[str, Any],
        requests: int = 0,
        failures: Sequence[Mapping[str, Any]] = (),
        simulated: bool = False,
    ) -> Manifest:
        """Make the run and its tables the valid state, in one step.

        Parameters
        ----------
        tables
            Name -> frame, made from `records`.
        ended_at
            ISO, on the server's clock.
        config
            Sections of roadmap.toml to keep with the data.
        requests, failures
            What the run cost and which parts failed for good.
        simulated
            Whether the data are made up.

        Returns
        -------
        Manifest
            The one just written.
        """
        earlier = self.records().runs[:-1]
        done = replace(
            self._as_run(ended_at), requests=requests, failures=[dict(one) for one in failures]
        )
        with _disk(self.root):
            generation = {
                "generation": self.run,
                "frames": _write_tables(self.root, self.run, tables),
            }
            manifest = Manifest(
                origin=self.about["origin"],
                asked=self.about["asked"],
                simulated=simulated,
                config=dict(config),
                runs=[*earlier, done],
                tables=generation,
                library_version=LIBRARY_VERSION,
            )
            document = manifest.as_dict()
            body = document | {"checksum": _checksum(document)}
            _write(self.root / "manifest.json", json.dumps(body, indent=1).encode())
            (self._folder / "run.json").unlink(missing_ok=True)
            _remove_other_generations(self.root / "tables", self.run)
        return manifest

    def _as_run(self, ended_at: str) -> Run:
        files = {name: self._files[name] for name in _in_order(self._files, None)}
        return Run(self.run, self.about["kind"], self.started_at, ended_at, files=files)

    def _seal(self, journal: _Journal) -> None:
        """Turn a journal into a complete segment."""
        journal.close()
        data = journal.path.read_bytes()
        self._add(journal.path.with_suffix(".jsonl.zst"), data)
        journal.path.unlink()

    def _add(self, file: Path, lines: bytes) -> None:
        compressed = _compressed(lines)
        _write(file, compressed)
        self._note(file, lines, compressed)

    def _note(self, file: Path, lines: bytes, compressed: bytes) -> None:
        self._files[file.relative_to(self.root).as_posix()] = {
            "rows": lines.count(b"\n"),
            "bytes": len(compressed),
            "sha256": hashlib.sha256(compressed).hexdigest(),
        }

    def _take_up(self, keep: Collection[str]) -> None:
        """Find what an interrupted run left: complete segments, and journals but for a torn end."""
        for file in sorted(self._folder.iterdir()):
            kind = _kind_of(file.name)
            if file.name == "run.json":
                continue
            if kind not in keep or not file.name.endswith((".jsonl", ".jsonl.zst")):
                file.unlink()
                continue
            self._numbers[kind] = max(self._numbers[kind], int(file.name.split(".")[0][-4:]))
            if file.suffix == ".zst":
                self._take_up_segment(file)
            elif file.with_suffix(".jsonl.zst").exists():
                file.unlink()  # it was sealed, and the process died before removing it
            else:
                self._add(file.with_suffix(".jsonl.zst"), _whole_lines(file.read_bytes()))
                file.unlink()

    def _take_up_segment(self, file: Path) -> None:
        compressed = file.read_bytes()
        try:
            lines = _decompressed(compressed)
            for line in lines.splitlines():
                orjson.loads(line)
        except (OSError, ValueError):
            file.unlink()  # the machine went down before it reached the disk: fetch it again
            return
        self._note(file, lines, compressed)


def _whole_lines(data: bytes) -> bytes:
    """Complete records at the beginning of a journal."""
    good = bytearray()
    for line in data.splitlines(keepends=True):
        try:
            orjson.loads(line)
        except ValueError:
            break
        if not line.endswith(b"\n"):
            break
        good += line
    return bytes(good)


class _Journal:
    """Lines appended to a file, each handed to the operating system at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._file: BinaryIO = path.open("wb", buffering=0)

    def append(self, line: bytes) -> None:
        data = line + b"\n"
        try:
            if self._file.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        except OSError:
            with suppress(OSError):
                self._file.truncate(self.size)
            raise
        self.size += len(data)

    def close(self) -> None:
        self._file.close()


def _compressed(data: bytes) -> bytes:
    buffer = pa.BufferOutputStream()
    with pa.CompressedOutputStream(buffer, "zstd") as stream:
        stream.write(data)
    return bytes(buffer.getvalue())


def _write(file: Path, data: bytes) -> None:
    """Write a file whole or not at all: temporary name, flush to the disk, rename."""
    temporary = file.with_name(f"{file.name}.part")
    try:
        with temporary.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(file)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    _sync_folder(file.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut, where the system lets us."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_copy(
    path: str | os.PathLike[str],
    manifest: Mapping[str, Any],
    tables: Mapping[str, pd.DataFrame],
) -> None:
    """Write tables as a dataset without records: to look at and hand on, not to export into.

    Parameters
    ----------
    path
        A new folder.
    manifest
        Of the dataset that the tables were made from; its runs keep their times, not their files.
    tables
        Name -> frame.

    Raises
    ------
    DatasetError
        Where the disk refuses.
    """
    root = Path(path)
    blank = Manifest("frames made by hand", {}, False, {}, [], {}, LIBRARY_VERSION)
    runs = [{**run, "files": {}} for run in manifest.get("runs", [])]
    with _disk(root):
        root.mkdir(parents=True)
        generation = {"generation": "copy", "frames": _write_tables(root, "copy", tables)}
        ours = {"runs": runs, "tables": generation, "library_version": LIBRARY_VERSION}
        document = {**blank.as_dict(), **manifest, **ours}
        body = document | {"checksum": _checksum(document)}
        _write(root / "manifest.json", json.dumps(body, indent=1).encode())


def _write_tables(
    root: Path, generation: str, tables: Mapping[str, pd.DataFrame]
) -> dict[str, dict[str, Any]]:
    folder = root / "tables" / generation
    shutil.rmtree(folder, ignore_errors=True)  # what an interrupted commit left
    folder.mkdir(parents=True)
    entries = {}
    for name, frame in tables.items():
        buffer = io.BytesIO()
        table = pa.Table.from_pandas(frame, preserve_index=False)
        pq.write_table(table, buffer, compression="zstd", row_group_size=ROW_GROUP)
        data = buffer.getvalue()
        file = folder / f"{name}.parquet"
        _write(file, data)
        entries[name] = {
            "file": file.relative_to(root).as_posix(),
            "rows": len(frame),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
    return entries


def _remove_other_generations(tables: Path, valid: str) -> None:
    for folder in tables.iterdir():
        if folder.name != valid:
            shutil.rmtree(folder, ignore_errors=True)
