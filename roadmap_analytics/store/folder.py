"""The folder of a dataset wherever it is: on this machine, or at any address that fsspec opens.

Only reading: an export writes to a local disk, from where the finished folder can be copied. A
`Folder` is small and can be pickled, so that workers on other machines open the same one.
"""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from roadmap_analytics.errors import DatasetError, masked
from roadmap_analytics.store.disk import MOST_FILE, damaged, foreign, open_bounded
from roadmap_analytics.store.manifest import (
    MOST_MANIFEST,
    Manifest,
    no_dataset,
    parse_manifest,
)
from roadmap_analytics.store.tables import Read, fit, unpacked

__all__ = ["Folder", "folders"]

_PIECE = 2**22  # bytes that are hashed at once


class _Address(PurePosixPath):
    """A file at an address such as s3://bucket/team; a path would lose one of the slashes."""

    def __str__(self) -> str:
        return masked(super().__str__().replace(":/", "://", 1))


@dataclass(frozen=True)
class Folder:
    """A dataset's folder.

    Attributes
    ----------
    address : str
        A path, or an address with a scheme (``s3://bucket/team``).
    options : dict
        What fsspec needs to open it. It may hold secrets: no message shows it.
    """

    address: str
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def __str__(self) -> str:
        return masked(self.address)

    @property
    def remote(self) -> bool:
        """Whether fsspec opens it."""
        return _remote(self.address)

    def file(self, name: str) -> PurePath:
        """Return the name of one of its files, for messages."""
        return (_Address if self.remote else Path)(self.address) / name

    def open(self, name: str, most: int = MOST_FILE) -> BinaryIO:
        """Open one of its files of at most so many bytes.

        Raises
        ------
        FileNotFoundError, DatasetError
            As in `disk.open_bounded`.
        """
        if not self.remote:
            return open_bounded(Path(self.address), name, most)
        from fsspec.core import url_to_fs

        with foreign(self.file(name), "file that can be opened"):
            files, root = url_to_fs(self.address, **self.options)
            where = f"{root.rstrip('/')}/{name}"
            if not files.exists(where):
                if name == "manifest.json":
                    raise no_dataset(str(self))
                raise damaged(self.file(name), "it cannot be read (No such file)")
            if files.size(where) > most:
                raise damaged(self.file(name), f"it is larger than {most:,} bytes")
            return cast("BinaryIO", files.open(where, "rb"))

    def manifest(self) -> Manifest:
        """Read and check its manifest, as `store.read_manifest` does."""
        try:
            with self.open("manifest.json", MOST_MANIFEST) as stream:
                data = stream.read(MOST_MANIFEST)
        except FileNotFoundError:
            raise no_dataset(str(self)) from None
        return parse_manifest(data, self.file("manifest.json"))

    def verify(self, entry: Mapping[str, Any]) -> None:
        """Compare a table with its hash, piece by piece.

        Raises
        ------
        DatasetError
            Where its bytes differ from those that were written.
        """
        found = hashlib.sha256()
        with self.open(entry["file"]) as stream:
            while piece := stream.read(_PIECE):
                found.update(piece)
        if found.hexdigest() != entry["sha256"]:
            file = self.file(entry["file"])
            raise damaged(file, "its bytes differ from those that were written")

    def table(
        self,
        entry: Mapping[str, Any],
        columns: list[str] | None = None,
        between: tuple[int, int] | None = None,
    ) -> Read:
        """Read a table, or the rows of some issues: only the row groups that hold them are read.

        Parameters
        ----------
        entry : mapping
            What the manifest says of the table.
        columns : list of str, optional
            All by default.
        between : (int, int), optional
            The first and the last `issue_id`, both included.

        Raises
        ------
        DatasetError
            Where it is missing, or no such table. Its hash is not looked at: see `verify`.
        """
        file = self.file(entry["file"])
        with self.open(entry["file"]) as stream, foreign(file, "table"):
            size = stream.seek(0, 2)
            stream.seek(0)
            fit(file, pq.ParquetFile(stream).metadata.num_rows, entry, size)
            only = (
                [("issue_id", ">=", between[0]), ("issue_id", "<=", between[1])]
                if between
                else None
            )
            # Threads belong to the scheduler: one partition is one task.
            source = pa.PythonFile(stream, mode="r")
            return unpacked(source, columns, filters=only, use_threads=False)


def _remote(address: str) -> bool:
    return "://" in address


def folders(paths: Iterable[str], options: Mapping[str, Any]) -> list[Folder]:
    """Return the folders that paths, globs and addresses name, each once, in order.

    Raises
    ------
    DatasetError
        Where a glob fits nothing.
    """
    found: dict[str, Folder] = {}
    for path in paths:
        pattern = glob.has_magic(path) and not Path(path).is_dir()
        names = _matching(path, options) if pattern else [path]
        if not names:
            raise DatasetError(f"{masked(path)}: expected datasets, found nothing that fits")
        found |= {name: Folder(name, options) for name in (one.rstrip("/") for one in names)}
    return list(found.values())


def _matching(path: str, options: Mapping[str, Any]) -> list[str]:
    """Return the datasets that a glob fits; other folders and files beside them are left out."""
    pattern = f"{path.rstrip('/')}/manifest.json"
    if not _remote(path):
        return sorted(str(Path(one).parent) for one in glob.glob(pattern))  # noqa: PTH207
    from fsspec.core import url_to_fs

    with foreign(_Address(path), "place with datasets"):
        files, root = url_to_fs(pattern, **options)
        names = sorted(files.glob(root))
    return [files.unstrip_protocol(name).removesuffix("/manifest.json") for name in names]
