"""Files that are whole or absent: written under another name first, checked by hash when read.

A dataset may come from anybody. So names that lead out of it and links are refused, what is read is
bounded, and what is written is readable by its owner alone.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, BinaryIO

import pyarrow as pa

from roadmap_analytics.errors import (
    DamagedFileError,
    DatasetError,
    RoadmapAnalyticsError,
    RoadmapError,
)

__all__ = [
    "Hashed",
    "checked",
    "compress",
    "create",
    "damaged",
    "decompress",
    "foreign",
    "guarded",
    "make_folder",
    "open_bounded",
    "read_bounded",
    "refuse_links",
    "write",
    "writing",
]

MOST_FILE = 2 * 2**30
"""Bytes of a file: ten times the largest table of a million issues."""
MOST_UNPACKED = 2**30
"""Bytes of a file of records, unpacked: they are written at 8 MiB, and a record may be large."""


def checked(root: Path, name: str, entry: Mapping[str, Any]) -> bytes:
    """Bytes of a file that fit the manifest."""
    data = read_bounded(root, name)
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise damaged(root / name, "its bytes differ from those that were written")
    return data


def read_bounded(root: Path, name: str, most: int | None = None) -> bytes:
    """Read a regular file of a dataset, through no link, up to so many bytes.

    Raises
    ------
    FileNotFoundError, DatasetError
        As in `open_bounded`.
    """
    most = MOST_FILE if most is None else most
    with open_bounded(root, name, most) as stream:
        return stream.read(most)


def open_bounded(root: Path, name: str, most: int) -> BinaryIO:
    """Open a regular file of a dataset of at most so many bytes, through no link.

    Raises
    ------
    FileNotFoundError
        Where there is none and it is the manifest, of which a new dataset has none.
    DatasetError
        Where it cannot be read, or is no file of this dataset.
    """
    file = root
    for part in PurePosixPath(name).parts:
        file = file / part
        if file.is_symlink():
            raise damaged(file, "it is a link, which is not followed")
    try:
        # Not to wait where somebody put a pipe in place of the file.
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError as error:
        if name == "manifest.json":
            raise
        raise damaged(file, f"it cannot be read ({error.strerror})") from None
    except OSError as error:
        raise damaged(file, f"it cannot be read ({error.strerror})") from None
    about = os.fstat(descriptor)
    if not stat.S_ISREG(about.st_mode):
        os.close(descriptor)
        raise damaged(file, "it is no regular file")
    if about.st_size > most:
        os.close(descriptor)
        raise damaged(file, f"it is larger than {most:,} bytes")
    return os.fdopen(descriptor, "rb")


def refuse_links(root: Path) -> None:
    """Refuse to write into a dataset in which a link lies: it may lead anywhere.

    The folder itself may be a link: that is the address that the caller gave.

    Raises
    ------
    DatasetError
        Naming the first link.
    """
    found = [one for one in root.glob("*") if one.is_symlink()] if root.is_dir() else []
    for name in ("records", "tables"):
        for folder, folders, files in os.walk(root / name):
            inner = (Path(folder) / one for one in (*folders, *files))
            found += [one for one in inner if one.is_symlink()]
    lock = root / ".lock"
    if found:
        raise DatasetError(
            f"{found[0]}: expected a file or folder of the dataset, found a link to "
            f"{found[0].readlink()}, which is not followed. Remove it, or export into a new "
            "folder."
        )
    if lock.exists() and not (lock.is_file() and lock.stat().st_size == 0):
        raise DatasetError(f"{lock}: expected an empty file, found something else. Remove it.")


@contextmanager
def foreign(file: PurePath, what: str) -> Iterator[None]:
    """Say in a line what file cannot be read, where a parser meets what it was not made for.

    The bytes come from somebody else, with a hash that fits them. No list of exceptions would be
    complete for what parsers raise then; ours pass, the others stay as the cause.
    """
    try:
        yield
    except (DatasetError, RoadmapError) as error:  # of a document that is stored here
        if str(file.parent) in str(error):
            raise
        raise damaged(file, str(error).rstrip(".")) from error
    except RoadmapAnalyticsError:
        raise
    except Exception as error:
        why = (str(error).strip() or type(error).__name__).splitlines()[0][:150]
        raise damaged(file, f"it is no {what} ({type(error).__name__}: {why})") from error


def damaged(file: PurePath, why: str) -> DamagedFileError:
    """Return the error for a file that cannot be trusted."""
    return DamagedFileError(file, why)


@contextmanager
def guarded(where: Path) -> Iterator[None]:
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


def decompress(data: bytes) -> bytes:
    """Return what a zstd file holds.

    Raises
    ------
    ValueError
        Where it holds more than any file of ours does, or is no such file.
    """
    pieces, left = [], MOST_UNPACKED
    try:
        with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as stream:
            while piece := stream.read(2**20):  # a small file may unpack to terabytes
                pieces.append(piece)
                left -= len(piece)
                if left < 0:
                    raise ValueError(f"more than {MOST_UNPACKED:,} bytes when unpacked")
    except OSError as error:
        raise ValueError(str(error)) from None
    return b"".join(pieces)


def compress(data: bytes) -> bytes:
    """Return the content of a zstd file."""
    buffer = pa.BufferOutputStream()
    with pa.CompressedOutputStream(buffer, "zstd") as stream:
        stream.write(data)
    return bytes(buffer.getvalue())


def write(file: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    with writing(file) as stream:
        stream.write(data)


@contextmanager
def writing(file: Path) -> Iterator[Hashed]:
    """Write a file whole or not at all: temporary name, flush to the disk, rename."""
    temporary = file.with_name(f"{file.name}.part")
    try:
        with create(temporary) as stream:
            yield Hashed(stream)
            _sync(stream.fileno())
        temporary.replace(file)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    _sync_folder(file.parent)


class Hashed(io.RawIOBase):
    """A file that is written piece by piece, and hashed meanwhile."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.sha256 = hashlib.sha256()

    def writable(self) -> bool:
        """Whether it can be written."""
        return True

    def write(self, data: Any) -> int:
        """Write all of it: one call of the system takes at most 2 GiB, or what room there is."""
        left = memoryview(data)
        while left:
            left = left[self._stream.write(left) :]
        self.sha256.update(data)
        return len(data)


def create(file: Path) -> BinaryIO:
    """Create a file that its owner alone can read, in place of what bears its name, unbuffered."""
    file.unlink(missing_ok=True)  # a link too, not what it leads to
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    return os.fdopen(descriptor, "wb", buffering=0)


def make_folder(folder: Path) -> None:
    """Create a folder that its owner alone can enter, and those above it where they are missing."""
    if not folder.is_dir():
        if not folder.parent.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)


def _sync(descriptor: int) -> None:
    """Flush to the disk; a file system that cannot (some network shares) is no failure."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
            raise


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut, where the system lets us."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
