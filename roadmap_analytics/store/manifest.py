"""The manifest of a dataset: what is valid, with sizes and hashes; and the lock for its writer."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import filelock
import orjson

from roadmap_analytics.errors import DatasetError
from roadmap_analytics.store.disk import checked, damaged, guarded, write

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
        How histories came: ``rest`` or ``graphql``.
    anonymous : bool
        Whether there was no token: then only what is public was seen.
    notices : list of dict
        What went another way than expected, with nothing missing for it: ``what``, ``count``.
    files : dict
        Path below the dataset -> ``rows``, ``bytes``, ``sha256``.
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
        raise damaged(file, f"it cannot be read ({error})") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise damaged(file, f"it is no manifest of a {FORMAT}")
    if document.get("format_version") != FORMAT_VERSION:
        raise DatasetError(
            f"{file}: expected format version {FORMAT_VERSION}, "
            f"got {document.get('format_version')!r}. Update roadmap-analytics to read it."
        )
    if document.pop("checksum", None) != _checksum(document):
        raise damaged(file, "its checksum does not fit what it says")
    document["runs"] = [Run(**run) for run in document["runs"]]
    return Manifest(**document)


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
    for run in manifest.runs:
        for name, entry in run.files.items():
            checked(Path(path), name, entry)
    for entry in manifest.tables["frames"].values():
        checked(Path(path), entry["file"], entry)
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
    holder = root / ".lock.json"
    with guarded(root):
        root.mkdir(parents=True, exist_ok=True)
        guard = filelock.FileLock(root / ".lock")
        try:
            guard.acquire(timeout=0)
        except filelock.Timeout:
            raise DatasetError(
                f"{root}: locked by {_holder(holder)}. Wait for it to end, or export elsewhere."
            ) from None
    try:
        with guarded(root):
            write(holder, orjson.dumps({"pid": os.getpid(), "host": platform.node()}))
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
