"""Runs in the making: journals that lose nothing complete, and the commit that makes them valid.

A run in the making has no place in the manifest: its folder holds `run.json`, complete segments,
and one journal (``.jsonl``) per kind to which every record goes as soon as it is known. A killed
process loses only the record it was just writing; the next run takes the folder up.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from roadmap_analytics.records import KINDS, Record
from roadmap_analytics.store import tables as table_files
from roadmap_analytics.store.disk import (
    compress,
    create,
    decompress,
    guarded,
    make_folder,
    write,
)
from roadmap_analytics.store.manifest import (
    LIBRARY_VERSION,
    Manifest,
    Run,
    read_manifest,
    write_manifest,
)
from roadmap_analytics.store.segments import Records, in_order, kind_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["OpenRun", "open_run"]

SEGMENT_BYTES = 8 * 2**20
"""A journal of this size becomes a segment: what a crash may cost, against the number of files."""


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
        otherwise it is thrown away. So is one that started later than this one: the clock was set
        back since, and the times in its rows no longer say which is newer.
    started_at
        ISO, on the server's clock.
    full
        Whether everything is fetched again; a first run does so anyway.
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
    with guarded(folder):
        started = _interrupted(folder, about, started_at)
        if started is None:
            shutil.rmtree(folder, ignore_errors=True)
            make_folder(folder.parent)
            make_folder(folder)
            write(folder / "run.json", orjson.dumps(about | {"started_at": started_at}))
        run = OpenRun(
            root, manifest, folder.name, about, started_at, began_at=started or started_at
        )
        if started is not None:
            run._take_up(keep)
    return run


def _of_newer_versions(manifest: Manifest | None) -> dict[str, Any]:
    if manifest is None:
        return {}
    return {"format_version": manifest.format_version, "more": manifest.more}


def _interrupted(folder: Path, about: Mapping[str, Any], now: str) -> str | None:
    """Start of the interrupted run that lies here, if it was about the same and before now."""
    try:
        found = orjson.loads((folder / "run.json").read_bytes())
        started = found.pop("started_at")
        later = datetime.fromisoformat(started) > datetime.fromisoformat(now)
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None
    return str(started) if found == about and not later else None


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
        with guarded(self._folder):
            if kind not in self._journals:
                self._numbers[kind] += 1
                name = f"{kind}-{self._numbers[kind]:04d}.jsonl"
                self._journals[kind] = _Journal(self._folder / name)
            journal = self._journals[kind]
            journal.append(orjson.dumps(record))
            if journal.size >= SEGMENT_BYTES:
                self._seal(self._journals.pop(kind))

    def records(self) -> Records:
        """Return the records of all committed runs and those that this one has written."""
        with guarded(self._folder):
            while self._journals:
                self._seal(self._journals.popitem()[1])
        earlier = self.manifest.runs if self.manifest else []
        return Records(self.root, [*earlier, self._as_run(ended_at=self.started_at)])

    def commit(
        self,
        tables: Iterable[Mapping[str, pd.DataFrame]],
        *,
        ended_at: str,
        config: Mapping[str, Any],
        requests: int = 0,
        failures: Sequence[Mapping[str, Any]] = (),
        via: str = "rest",
        anonymous: bool = False,
        notices: Sequence[Mapping[str, Any]] = (),
        simulated: bool = False,
    ) -> Manifest:
        """Make the run and its tables the valid state, in one step.

        Parameters
        ----------
        tables
            Name -> frame, made from `records`; in parts, each below the one before.
        ended_at
            ISO, on the server's clock.
        config
            Sections of roadmap.toml to keep with the data.
        requests, failures
            What the run cost and which parts failed for good.
        via, anonymous, notices
            As in `Run`.
        simulated
            Whether the data are made up.

        Returns
        -------
        Manifest
            The one just written.
        """
        earlier = self.records().runs[:-1]
        done = replace(
            self._as_run(ended_at),
            requests=requests,
            failures=[dict(one) for one in failures],
            via=via,
            anonymous=anonymous,
            notices=[dict(one) for one in notices],
        )
        with guarded(self.root):
            generation = {
                "generation": self.run,
                "frames": table_files.write_tables(self.root, self.run, tables),
            }
            manifest = Manifest(
                origin=self.about["origin"],
                asked=self.about["asked"],
                simulated=simulated,
                config=dict(config),
                runs=[*earlier, done],
                tables=generation,
                library_version=LIBRARY_VERSION,
                **_of_newer_versions(self.manifest),
            )
            # From here on the run is valid. What follows only tidies up, and may be cut short.
            write_manifest(self.root, manifest.as_dict())
            (self._folder / "run.json").unlink(missing_ok=True)
            table_files.remove_other_generations(self.root / "tables", self.run)
        return manifest

    def _as_run(self, ended_at: str) -> Run:
        files = {name: self._files[name] for name in in_order(self._files, None)}
        return Run(self.run, self.about["kind"], self.started_at, ended_at, files=files)

    def _seal(self, journal: _Journal) -> None:
        """Turn a journal into a complete segment."""
        journal.close()
        data = journal.path.read_bytes()
        self._add(journal.path.with_suffix(".jsonl.zst"), data)
        journal.path.unlink()

    def _add(self, file: Path, lines: bytes) -> None:
        compressed = compress(lines)
        write(file, compressed)
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
            kind = kind_of(file.name)
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
            lines = decompress(compressed)
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
        self._file: BinaryIO = create(path)

    def append(self, line: bytes) -> None:
        data = line + b"\n"
        try:
            if self._file.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        except OSError:
            # A full disk takes half a line; without this the next record would continue it.
            with suppress(OSError):
                self._file.truncate(self.size)
            raise
        self.size += len(data)

    def close(self) -> None:
        self._file.close()
