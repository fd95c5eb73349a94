"""Records on disk: files of JSON lines, read run by run and kind by kind."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from roadmap_analytics.records import KINDS, Record
from roadmap_analytics.store.disk import checked, damaged, decompress, foreign
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
    kind = kind_of(name)
    with foreign(root / name, "file of records"):
        lines = decompress(data).splitlines()
    if len(lines) != entry["rows"]:
        raise damaged(root / name, f"expected {entry['rows']} records, found {len(lines)}")
    for line in lines:
        with foreign(root / name, "file of records"):
            record = orjson.loads(line)
        if not isinstance(record, dict) or record.get("kind") != kind:
            raise damaged(root / name, f"expected records of the kind {kind}, found another")
        if kind in IDENTIFIED and not _has_identity(record, kind):
            raise damaged(root / name, f"expected a {kind} with {IDENTIFIED[kind][0]}, found none")
        yield record


IDENTIFIED: dict[str, tuple[str, type]] = {
    **dict.fromkeys(("group", "project", "milestone", "issue"), ("data.id", int)),
    "history": ("issue_id", int),
    "document": ("name", str),
}
"""What tells records of a kind apart; one without would vanish among the others."""


def _has_identity(record: Record, kind: str) -> bool:
    path, wanted = IDENTIFIED[kind]
    value: Any = record
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return type(value) is wanted


def in_order(files: Iterable[str], kinds: Collection[str] | None) -> list[str]:
    """Segments of these kinds, kind by kind, oldest first; a newer version may know more kinds."""
    named = [(KINDS.index(kind_of(name)), name) for name in files if kind_of(name) in KINDS]
    return [name for rank, name in sorted(named) if kinds is None or KINDS[rank] in kinds]


def kind_of(name: str) -> str:
    """Return the kind of records in a segment or journal, from its name."""
    return name.rpartition("/")[2].partition("-")[0]
