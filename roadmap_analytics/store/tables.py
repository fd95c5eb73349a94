"""Tables of a dataset: one Parquet file per frame, replaced as a whole by every run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from roadmap_analytics.errors import DatasetError
from roadmap_analytics.store.disk import (
    Hashed,
    checked,
    damaged,
    foreign,
    guarded,
    make_folder,
    writing,
)
from roadmap_analytics.store.manifest import (
    LIBRARY_VERSION,
    Manifest,
    fault_of,
    lock,
    read_manifest,
    write_manifest,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "read_table",
    "remove_other_generations",
    "replace_tables",
    "unpacked",
    "write_copy",
    "write_tables",
]

FREE_ROWS, DENSEST = 1_000_000, 20
"""Rows that any file may have, and more for each byte: a run of equal values packs endlessly well,
so that a small file can claim more rows than the memory holds."""

MOST_TEXT = 4 * 2**30
"""Bytes of text in a table: a million issues have a fifth of a GiB."""
MOST_COLUMNS = 200
"""Of any version to come; today's widest table has a tenth of that."""

FEW_WORDS = 10_000
"""Of all row groups of a column: a million issues have 60, with 10 words of a closed list each."""

ROW_GROUP = 2**17
"""Rows that a reader can skip or take at once; Dask and DuckDB read row groups side by side."""


class Read(NamedTuple):
    """A frame as it was stored.

    Attributes
    ----------
    frame : DataFrame
    words : dict
        Column of text to the texts that its file lists for it, where these are few: no row has
        another one.
    """

    frame: pd.DataFrame
    words: dict[str, set[str | None]]


def read_table(path: str | os.PathLike[str], manifest: Manifest, name: str) -> Read:
    """Read one frame of a dataset.

    Parameters
    ----------
    path
        The dataset.
    manifest
        Its manifest; read once for all frames, since that of a dataset with many runs is long.
    name
        Name of the frame.

    Raises
    ------
    DatasetError
        Where the frame is not there, or its file differs from its hash.
    """
    frames = manifest.tables.get("frames", {})
    if name not in frames:
        raise DatasetError(
            f"{path}: expected the frame {name}, found {', '.join(frames)}. "
            "Export again to rebuild the tables."
        )
    entry = frames[name]
    data = checked(Path(path), entry["file"], entry)
    file = Path(path) / entry["file"]
    with foreign(file, f"table of {name}"):
        rows = pq.ParquetFile(pa.BufferReader(data)).metadata.num_rows
    fit(file, rows, entry, len(data))
    with foreign(file, f"table of {name}"):
        return unpacked(pa.BufferReader(data), None)


def fit(file: PurePath, rows: int, entry: Mapping[str, Any], size: int) -> None:
    """Raise where a table claims other rows than its manifest does, or more than fit its bytes."""
    if rows != entry["rows"] or rows > FREE_ROWS + DENSEST * size:
        raise damaged(file, f"it says that it has {rows:,} rows, which does not fit")


def unpacked(
    source: pa.NativeFile,
    columns: list[str] | None,
    *,
    filters: list[tuple[str, str, int]] | None = None,
    use_threads: bool = True,
) -> Read:
    """Read a table whose texts the memory can hold.

    Parquet stores a text once, and in each row that has it a small number: one of 100 MiB in a
    million rows is a file of a few kB. So texts are read as they are stored, counted, and only then
    written out row by row.

    Parameters
    ----------
    source : pyarrow.NativeFile
        The file.
    columns : list of str or None
        Columns to read; all where None.
    filters, use_threads
        As in `pyarrow.parquet.read_table`.

    Raises
    ------
    ValueError
        Where they are too long together, or columns are of a kind or number that no frame has.
    """
    file = pq.ParquetFile(source)
    kinds = [file.schema.column(number) for number in range(len(file.schema))]
    if len(kinds) > MOST_COLUMNS:
        raise ValueError(f"{len(kinds):,} columns")
    for kind in kinds:
        if "." in kind.path or kind.physical_type == "FIXED_LEN_BYTE_ARRAY":
            raise ValueError(f"a column {kind.name[:40]} of a kind that no frame has")
    # Not `group.column(n)`, which says more: on a damaged footer Arrow ends the process there.
    groups = [file.metadata.row_group(number) for number in range(file.num_row_groups)]
    if sum(group.total_byte_size for group in groups) > MOST_TEXT:
        raise ValueError(f"more than {MOST_TEXT:,} bytes when unpacked")
    texts = [kind.name for kind in kinds if kind.physical_type == "BYTE_ARRAY"]
    if filters:
        table = pq.read_table(
            source,
            columns=columns,
            read_dictionary=texts,
            filters=filters,
            use_threads=use_threads,
        )
    else:  # as `read_table` reads, without a scanner of data sets that takes twice as long to make
        whole = pq.ParquetFile(source, read_dictionary=texts, metadata=file.metadata)
        table = whole.read(columns, use_threads=use_threads)
    left, words = MOST_TEXT, {}
    for number, name in enumerate(table.column_names):
        # One by one: a list of all columns would keep what was read beside what is made of it.
        column = table.column(number)
        if not pa.types.is_dictionary(column.type):
            continue
        left -= sum(_length(piece, left) for piece in column.chunks)
        if left < 0:
            raise ValueError(f"more than {MOST_TEXT:,} bytes of text up to the column {name[:40]}")
        listed = [piece.dictionary for piece in column.chunks]
        if sum(map(len, listed)) <= FEW_WORDS:
            words[name] = {text for texts in listed for text in texts.to_pylist()}
        table = table.set_column(number, name, column.cast(pa.large_string()))
    # Each column is given up once it is copied: else all numbers are in memory twice.
    return Read(table.to_pandas(self_destruct=True), words)


def _length(piece: pa.DictionaryArray, left: int) -> int:
    """Return at most how many bytes the texts of a column have when each row has its own.

    Exact where the bytes that are left could be too few. Else the longest text stands for all: to
    look up the length of each row would cost a fifth of the reading.

    >>> piece = pa.array(["ab", "c", "ab", None]).dictionary_encode()
    >>> _length(piece, 5), _length(piece, 1000)
    (5, 8)
    """
    lengths = pc.binary_length(piece.dictionary).cast(pa.int64())
    most = (pc.max(lengths).as_py() or 0) * len(piece)
    # A hundredth: a table has tens of columns and row groups, which share the bytes.
    if most <= left // 100:
        return int(most)
    return pc.sum(lengths.take(piece.indices)).as_py() or 0


def replace_tables(
    path: str | os.PathLike[str], manifest: Manifest, tables: Mapping[str, pd.DataFrame]
) -> None:
    """Make tables that were rebuilt from the records of a dataset its valid ones, in one step.

    Parameters
    ----------
    path
        The dataset; it is locked meanwhile.
    manifest
        As it was when the records were read.
    tables
        Name -> frame.

    Raises
    ------
    DatasetError
        Where another process holds the dataset or has changed it since, or the disk refuses.
    """
    root = Path(path)
    with lock(root), guarded(root):
        if read_manifest(root) != manifest:
            raise DatasetError(f"{root}: another run has changed it meanwhile. Load it again.")
        # Never into the folder that is valid: cut short, this would leave it half old, half new.
        newest = manifest.runs[-1].run
        unused = newest if manifest.tables.get("generation") != newest else f"{newest}_rebuilt"
        generation = {"generation": unused, "frames": write_tables(root, unused, [tables])}
        whole = replace(manifest, tables=generation, library_version=LIBRARY_VERSION)
        write_manifest(root, whole.as_dict())
        remove_other_generations(root / "tables", unused)


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
    document = {**blank.as_dict(), **manifest, "runs": runs}
    if fault := fault_of(document):  # made by hand: it would be written, and never read again
        raise DatasetError(f"{root}: cannot be saved: the manifest's {fault}. Correct it first.")
    with guarded(root):
        root.parent.mkdir(parents=True, exist_ok=True)
        root.mkdir(mode=0o700)
        generation = {"generation": "copy", "frames": write_tables(root, "copy", [tables])}
        ours = {"tables": generation, "library_version": LIBRARY_VERSION}
        write_manifest(root, {**document, **ours})


def write_tables(
    root: Path, generation: str, parts: Iterable[Mapping[str, pd.DataFrame]]
) -> dict[str, dict[str, Any]]:
    """Write a generation of tables, part by part; return what the manifest says of each.

    Parameters
    ----------
    root, generation
        The dataset, and the name of the folder.
    parts
        Name -> frame, or some rows of it; the next ones stand below these.
    """
    folder = root / "tables" / generation
    shutil.rmtree(folder, ignore_errors=True)  # what an interrupted commit left
    make_folder(folder.parent)
    make_folder(folder)
    tables: dict[str, _Table] = {}
    with ExitStack() as opened:
        for part in parts:
            for name, frame in part.items():
                # Frames are numbered from 0: an index would be a column that says nothing.
                rows = pa.Table.from_pandas(frame, preserve_index=False)
                if name not in tables:
                    stream = opened.enter_context(writing(folder / f"{name}.parquet"))
                    tables[name] = _Table(stream, rows.schema)
                    opened.callback(tables[name].leave)
                tables[name].add(rows)
        for table in tables.values():
            table.end()
    return {
        name: {
            "file": (folder / f"{name}.parquet").relative_to(root).as_posix(),
            "rows": table.rows,
            "sha256": table.stream.sha256.hexdigest(),
        }
        for name, table in tables.items()
    }


class _Table:
    """A Parquet file that takes rows in any portions; its row groups do not show which."""

    def __init__(self, stream: Hashed, schema: pa.Schema) -> None:
        self.stream = stream  # hashes what it writes: hash and file are of the same bytes
        self.rows = 0
        self._writer = pq.ParquetWriter(stream, schema, compression="zstd")
        self._waiting = schema.empty_table()

    def add(self, rows: pa.Table) -> None:
        self.rows += rows.num_rows
        self._waiting = pa.concat_tables([self._waiting, rows])
        while self._waiting.num_rows >= ROW_GROUP:
            self._write(ROW_GROUP)

    def end(self) -> None:
        # A table without rows has one row group, as Arrow writes it.
        if self._waiting.num_rows or not self.rows:
            self._write(ROW_GROUP)
        self._writer.close()

    def leave(self) -> None:
        """Leave a file that was not ended as it is.

        A writer that counts as open writes its end when Python removes it, fails once more on a
        full disk, and Python prints that.
        """
        self._writer.is_open = False

    def _write(self, rows: int) -> None:
        # In one piece: pages of the file would show where pieces meet.
        self._writer.write_table(self._waiting.slice(0, rows).combine_chunks())
        self._waiting = self._waiting.slice(rows)


def remove_other_generations(tables: Path, valid: str) -> None:
    """Remove the tables that no manifest names any more."""
    for folder in tables.iterdir():
        if folder.name != valid:
            shutil.rmtree(folder, ignore_errors=True)
