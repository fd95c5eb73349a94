"""Files that are whole or absent: written under another name first, checked by hash when read."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa

from roadmap_analytics.errors import DatasetError

__all__ = ["checked", "compress", "damaged", "decompress", "guarded", "write"]


def checked(root: Path, name: str, entry: Mapping[str, Any]) -> bytes:
    """Bytes of a file that fit the manifest."""
    try:
        data = (root / name).read_bytes()
    except OSError as error:
        raise damaged(root / name, f"it cannot be read ({error.strerror})") from None
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise damaged(root / name, "its bytes differ from those that were written")
    return data


def damaged(file: Path, why: str) -> DatasetError:
    """Return the error for a file that cannot be trusted."""
    return DatasetError(
        f"{file}: damaged: {why}. Restore this file from a backup, or export into a new folder."
    )


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
    """Return what a zstd file holds."""
    with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as stream:
        return bytes(stream.read())


def compress(data: bytes) -> bytes:
    """Return the content of a zstd file."""
    buffer = pa.BufferOutputStream()
    with pa.CompressedOutputStream(buffer, "zstd") as stream:
        stream.write(data)
    return bytes(buffer.getvalue())


def write(file: Path, data: bytes) -> None:
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
