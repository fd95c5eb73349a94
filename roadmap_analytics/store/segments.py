"""Records on disk: files of JSON lines, read run by run and kind by kind."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from roadmap_analytics.records import KINDS, Record
from roadmap_analytics.store.disk import checked, decompress
from roadmap_analytics.store.manifest import Run, read_manifest

__all__ = ["Records", "in_order", "iter_records", "kind_of"]


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
        for name in in_order(run.files, kinds):
            yield from _read_segment(self.path, name, run.files[name])

    def __call__(self, kinds: Collection[str] | None = None) -> Iterator[Record]:
        """Yield the records of all runs, oldest run first."""
        for run in self.runs:
            yield from self.of(run, kinds)

    def __iter__(self) -> Iterator[Record]:
        return self()


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


def _read_segment(root: Path, name: str, entry: Mapping[str, Any]) -> Iterator[Record]:
    data = checked(root, name, entry)
    for line in decompress(data).splitlines():
        yield orjson.loads(line)


def in_order(files: Iterable[str], kinds: Collection[str] | None) -> list[str]:
    """Segments of these kinds, kind by kind, oldest first."""
    named = [(KINDS.index(kind_of(name)), name) for name in files]
    return [name for rank, name in sorted(named) if kinds is None or KINDS[rank] in kinds]


def kind_of(name: str) -> str:
    """Return the kind of records in a segment or journal, from its name."""
    return name.rpartition("/")[2].partition("-")[0]
