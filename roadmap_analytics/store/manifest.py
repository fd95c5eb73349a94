"""The manifest of a dataset: what is valid, with sizes and hashes; and the lock for its writer."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import warnings
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from importlib.metadata import version
from pathlib import Path, PurePath
from typing import Any

import filelock
import orjson

from roadmap_analytics.errors import DatasetError
from roadmap_analytics.store.disk import (
    checked,
    damaged,
    foreign,
    guarded,
    make_folder,
    read_bounded,
    refuse_links,
    write,
)

__all__ = [
    "FORMAT",
    "FORMAT_VERSION",
    "LIBRARY_VERSION",
    "OWN_NAMES",
    "Manifest",
    "Run",
    "lock",
    "read_manifest",
    "verify",
    "write_manifest",
]

FORMAT = "roadmap-analytics dataset"
FORMAT_VERSION = 1

MOST_MANIFEST = 256 * 2**20
"""Bytes: a nightly run of ten years adds less than 20 MiB."""

_READERS = 4
"""Files that are compared at once: enough for a disk; each is in memory as a whole meanwhile."""

OWN_NAMES = frozenset({"manifest.json", "records", "tables", ".lock", ".lock.json"})
"""What a dataset's folder holds."""

LIBRARY_VERSION = version("roadmap-analytics")
"""Version that writes, and whose tables are read as they are."""


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
    via : str
        How histories came: ``rest`` or ``graphql``; ``none`` for documents alone.
    anonymous : bool
        Whether there was no token: then only what is public was seen.
    notices : list of dict
        What went another way than expected, with nothing missing for it: ``what``, ``count``.
    files : dict
        Path below the dataset -> ``rows``, ``bytes``, ``sha256``.
    more : dict
        What a newer version wrote beside these; it is kept.
    """

    run: str
    kind: str
    started_at: str
    ended_at: str
    requests: int = 0
    failures: list[dict[str, Any]] = field(default_factory=list)
    via: str = "rest"
    anonymous: bool = False
    notices: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)


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
    format_version : int, float or str
        As read: an older version leaves that of a newer one, with the keys that belong to it.
    more : dict
        What a newer version wrote beside these; it is kept.
    """

    origin: str
    asked: dict[str, Any]
    simulated: bool
    config: dict[str, Any]
    runs: list[Run]
    tables: dict[str, Any]
    library_version: str
    format: str = FORMAT
    format_version: int | float | str = FORMAT_VERSION
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def tables_are_ours(self) -> bool:
        """Whether this version made the tables, or there are no records to rebuild them from."""
        records = any(run.files for run in self.runs)
        return self.library_version == LIBRARY_VERSION or not records

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain JSON values."""
        document = asdict(self)
        document["runs"] = [_flat(run) for run in document["runs"]]
        return _flat(document)


def read_manifest(path: str | os.PathLike[str]) -> Manifest:
    """Read and check `manifest.json`.

    Raises
    ------
    DatasetError
        Where there is none, it is damaged, or a newer version wrote it.
    """
    # Unlike those of Path, these do not fail for a name that is too long, or links without end.
    if not os.path.isdir(path):  # noqa: PTH112
        found = "a file" if os.path.isfile(path) else "no such folder"  # noqa: PTH113
        hint = " (only a shell reads ~ as the home)" if str(path).startswith("~") else ""
        raise DatasetError(
            f"{path}: expected a dataset, found {found}{hint}. Give the folder that holds "
            "manifest.json, or make one with: roadmap-analytics export URL --to DIR"
        )
    try:
        data = read_bounded(Path(path), "manifest.json", MOST_MANIFEST)
    except FileNotFoundError:
        raise no_dataset(path) from None
    return parse_manifest(data, Path(path) / "manifest.json")


def no_dataset(path: str | os.PathLike[str]) -> DatasetError:
    """Return the error for a folder without a manifest."""
    return DatasetError(
        f"{path}: expected a dataset, found no manifest.json. "
        "Make one with: roadmap-analytics export URL --to DIR"
    )


def parse_manifest(data: bytes, file: PurePath) -> Manifest:
    """Check what `manifest.json` says; `file` is its name in messages."""
    with foreign(file, f"manifest of a {FORMAT}"):
        document = json.loads(data)
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise damaged(file, f"not the manifest of a {FORMAT}")
    if _major(document.get("format_version")) != FORMAT_VERSION:
        raise DatasetError(
            f"{file}: expected format version {FORMAT_VERSION}, "
            f"got {document.get('format_version')!r}. Update roadmap-analytics to read it."
        )
    with foreign(file, f"manifest of a {FORMAT}"):
        fits = document.pop("checksum", None) == _checksum(document)
    if not fits:
        raise damaged(file, "checksum mismatch")
    if fault := fault_of(document):
        raise damaged(file, f"{fault}, in a manifest whose checksum fits")
    runs = [Run(**_known(run, Run)) for run in document["runs"]]
    return Manifest(**_known(document, Manifest) | {"runs": runs})


def _major(version: Any) -> int | None:
    """Return 1 of 1, 1.3 and "1.3": within a major version, a newer one only adds keys."""
    found = re.fullmatch(r"(\d{1,3})(\.\d+)?", str(version))
    return int(found[1]) if found else None


def _known(document: Mapping[str, Any], shape: type[Run | Manifest]) -> dict[str, Any]:
    """Return the keys that this version knows, and under `more` those of a newer one."""
    names = {one.name for one in fields(shape)} - {"more"}
    known = {name: value for name, value in document.items() if name in names}
    return known | {"more": {k: v for k, v in document.items() if k not in names}}


def _flat(document: dict[str, Any]) -> dict[str, Any]:
    """Put what is under `more` back beside the other keys."""
    more: dict[str, Any] = document.pop("more")
    return more | document


_SHA256 = re.compile(r"[0-9a-f]{64}")
_RUN = re.compile(r"\d{6,12}")
_RECORDS = re.compile(r"records/\d{6,12}/[a-z_]+-\d{4,}\.jsonl\.zst")
_TABLE = re.compile(r"tables/\w+/\w+\.parquet")


def fault_of(document: Mapping[str, Any]) -> str | None:
    """Return what of a manifest is not as described in docs/dataset.md; None where all is.

    The checksum keeps accidents out, no person: whoever makes a dataset makes its checksum too.
    What is checked here is used without asking elsewhere: names of files, numbers, times.
    """
    texts = {"origin": str, "library_version": str, "simulated": bool}
    for key, kind in {**texts, "asked": dict, "config": dict, "runs": list, "tables": dict}.items():
        if not isinstance(document.get(key), kind):
            return f"{key} is missing or of another type"
    urls, roadmaps = document["asked"].get("urls"), document["asked"].get("roadmaps")
    if not (urls is None or _are(urls, str)) or not isinstance(roadmaps, str | None):
        return "asked is of another type"
    for run in document["runs"]:
        if not isinstance(run, dict) or (fault := _fault_in_run(run)):
            return f"runs: {fault}" if isinstance(run, dict) else "runs is of another type"
    names = [run["run"] for run in document["runs"]]
    if names != sorted(set(names), key=int):
        return "runs are not in order"
    return _fault_in_tables(document["tables"])


def _fault_in_run(run: Mapping[str, Any]) -> str | None:
    if not _matches(_RUN, run.get("run")):
        return "run is no number of six digits"
    if not _is_time(run.get("started_at")) or not _is_time(run.get("ended_at")):
        return "started_at or ended_at is no time with a zone"
    kinds = {"kind": str, "requests": int, "via": str, "anonymous": bool}
    for key, kind in kinds.items():
        if not isinstance(run.get(key, kind()), kind):
            return f"{key} is of another type"
    if "kind" not in run:
        return "kind is missing"
    parts: dict[str, dict[str, type]] = {
        "failures": {"part": str, "message": str},
        "notices": {"what": str, "count": int},
    }
    for key, needed in parts.items():
        rows = run.get(key, [])
        if not _are(rows, dict) or not all(
            isinstance(row.get(name), kind) for row in rows for name, kind in needed.items()
        ):
            return f"{key} is of another type"
    if not all(isinstance(row.get("status"), int | None) for row in run.get("failures", [])):
        return "failures is of another type"
    return _fault_in_files(run.get("files", {}), _RECORDS)


def _fault_in_tables(tables: Mapping[str, Any]) -> str | None:
    if tables == {}:
        return None
    frames = tables.get("frames")
    if not isinstance(frames, dict) or not isinstance(tables.get("generation"), str):
        return "tables is of another type"
    if not _are(list(frames.values()), dict):
        return "tables is of another type"
    named = {str(entry.get("file")): entry for entry in frames.values()}
    return _fault_in_files(named, _TABLE) if len(named) == len(frames) else "two tables in one file"


def _fault_in_files(files: Any, pattern: re.Pattern[str]) -> str | None:
    if not isinstance(files, dict):
        return "files is of another type"
    for name, entry in files.items():
        if not pattern.fullmatch(name):
            return f"{name[:100]} is no file of a dataset"
        if not isinstance(entry, dict) or not _matches(_SHA256, entry.get("sha256")):
            return f"{name} has no sha256"
        counts = (entry.get("rows"), entry.get("bytes", 0))
        if not all(type(count) is int and count >= 0 for count in counts):
            return f"{name} has no number of rows or bytes"
    return None


def _are(values: Any, kind: type) -> bool:
    return isinstance(values, list) and all(isinstance(value, kind) for value in values)


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and bool(pattern.fullmatch(value))


def _is_time(value: Any) -> bool:
    try:
        return datetime.fromisoformat(value).utcoffset() is not None
    except (TypeError, ValueError):
        return False


def write_manifest(root: Path, document: Mapping[str, Any]) -> None:
    """Make what a manifest says the valid state: one rename, after everything it names is there."""
    body = {**document, "checksum": _checksum(document)}
    write(root / "manifest.json", json.dumps(body, indent=1).encode())


def verify(path: str | os.PathLike[str]) -> Manifest:
    """Hold every file of a dataset against its hash.

    Raises
    ------
    DatasetError
        Naming the first file that is missing or differs.
    """
    manifest = read_manifest(path)
    named = [(name, entry) for run in manifest.runs for name, entry in run.files.items()]
    named += [(entry["file"], entry) for entry in manifest.tables.get("frames", {}).values()]

    def compare(one: tuple[str, Mapping[str, Any]]) -> None:
        checked(Path(path), *one)

    # Reading and hashing let other threads run. Results come in order: the first fault is named.
    with ThreadPoolExecutor(_READERS) as pool:
        deque(pool.map(compare, named), maxlen=0)
    return manifest


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
    # The lock itself is empty and the system's; this file only names the process in messages.
    holder = root / ".lock.json"
    with guarded(root):
        make_folder(root)
        refuse_links(root)  # before the first byte is written: the lock itself may be one
        guard: filelock.BaseFileLock = filelock.FileLock(root / ".lock", mode=0o600)
        try:
            with warnings.catch_warnings():  # what it says so is an error below
                warnings.filterwarnings("ignore", "flock not supported", UserWarning)
                guard.acquire(timeout=0)
        except filelock.Timeout:
            raise DatasetError(
                f"{root}: locked by {_holder(holder)}. Wait for it to end, or export elsewhere."
            ) from None
        if isinstance(guard, filelock.SoftFileLock):
            # Where the system has no locks, filelock turns into one that takes a file for the lock.
            # That file stays when a process is killed, and locks everybody out from then on.
            guard.release()
            raise DatasetError(
                f"{root}: expected a file system with locks, found one without (flock). "
                "Export into a folder on a local disk."
            )
    try:
        with guarded(root):
            write(holder, orjson.dumps({"pid": os.getpid(), "host": platform.node()}))
        yield
    finally:
        with suppress(OSError):  # it only names the process: the lock is what counts
            holder.unlink(missing_ok=True)
        guard.release()


def _holder(file: Path) -> str:
    try:
        known = orjson.loads(file.read_bytes())
        return f"process {known['pid']} on {known['host']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
