"""Datasets on disk: complete or refused, whatever happens to the process, the disk or the bytes."""

from __future__ import annotations

import errno
import io
import itertools
import json
import multiprocessing
import os
import random
import signal
from pathlib import Path
from typing import Any
from unittest import mock

import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadmap_analytics import store
from roadmap_analytics.errors import DatasetError
from roadmap_analytics.records import Record
from roadmap_analytics.store import runs, tables

ABOUT: dict[str, Any] = {
    "origin": "https://git.example.org",
    "asked": {"urls": ["https://git.example.org/a"], "roadmaps": None},
    "started_at": "2024-06-01T12:00:00Z",
}
ENDED = "2024-06-01T12:05:00Z"
FRAME = pd.DataFrame({"issue_id": [1, 2, 3], "person": ["ada", "bo", "cy"]})


def issue(ident: int, **more: Any) -> Record:
    return {"kind": "issue", "project": "a/b", "data": {"id": ident, **more}}


def history(ident: int) -> Record:
    return {"kind": "history", "issue_id": ident, "data": {"notes": []}}


def write(to: Path, *records: Record, **more: Any) -> store.Manifest:
    """One whole run."""
    with store.open_run(to, **ABOUT, **more) as run:
        for record in records:
            run.write(record)
        return run.commit([{"assignments": FRAME}], ended_at=ENDED, config={}, requests=7)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Two runs: issues 1 and 2, then 2 again."""
    write(tmp_path, issue(1), history(1), issue(2), history(2))
    write(tmp_path, issue(2, title="later"))
    return tmp_path


def test_records_come_back_run_by_run_and_kind_by_kind(dataset: Path) -> None:
    assert list(store.iter_records(dataset)) == [
        *(issue(1), issue(2), history(1), history(2)),
        issue(2, title="later"),
    ]
    assert list(store.iter_records(dataset, {"history"})) == [history(1), history(2)]


def test_the_manifest_says_what_was_done(dataset: Path) -> None:
    manifest = store.read_manifest(dataset)
    assert manifest.origin == ABOUT["origin"]
    assert manifest.asked == ABOUT["asked"]
    assert [(run.run, run.kind, run.requests) for run in manifest.runs] == [
        ("000001", "full", 7),
        ("000002", "incremental", 7),
    ]
    assert manifest.runs[0].started_at == ABOUT["started_at"]
    assert manifest.runs[0].ended_at == ENDED
    rows = {name: entry["rows"] for name, entry in manifest.runs[0].files.items()}
    assert rows == {
        "records/000001/history-0001.jsonl.zst": 2,
        "records/000001/issue-0001.jsonl.zst": 2,
    }
    assert manifest.tables["generation"] == "000002"
    assert [folder.name for folder in (dataset / "tables").iterdir()] == ["000002"], (
        "older are gone"
    )
    assert store.verify(dataset) == manifest


def test_tables_are_read_by_name(dataset: Path) -> None:
    manifest = store.read_manifest(dataset)
    read = store.read_table(dataset, manifest, "assignments")
    pd.testing.assert_frame_equal(read.frame, FRAME)
    assert read.words == {"person": set(FRAME["person"])}
    with pytest.raises(DatasetError, match="expected the frame nothing, found assignments"):
        store.read_table(dataset, manifest, "nothing")


@given(st.lists(st.integers(0, 30), max_size=5), st.integers(0, 60))
def test_a_file_does_not_show_in_which_parts_its_rows_came(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], rows: int
) -> None:
    at = pd.date_range("2025-01-01", periods=rows, tz="UTC", unit="us")
    texts = pd.Series([None if n % 3 else f"text {n % 5}" for n in range(rows)], dtype="str")
    frame = pd.DataFrame({"number": range(rows), "text": texts, "at": at})
    edges = [0, *sorted(min(cut, rows) for cut in cuts), rows]
    parts = [frame.iloc[first:end] for first, end in itertools.pairwise(edges)]
    to = tmp_path_factory.mktemp("tables")
    with mock.patch.object(tables, "ROW_GROUP", 7):
        once = tables.write_tables(to, "once", [{"frame": frame}])
        cut = tables.write_tables(to, "cut", ({"frame": part} for part in parts))
    assert cut["frame"] | {"file": ""} == once["frame"] | {"file": ""}
    buffer = io.BytesIO()
    whole = pa.Table.from_pandas(frame, preserve_index=False)
    pq.write_table(whole, buffer, compression="zstd", row_group_size=7)
    assert (to / once["frame"]["file"]).read_bytes() == buffer.getvalue()
    pd.testing.assert_frame_equal(pd.read_parquet(to / cut["frame"]["file"]), frame)


def test_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    def contents(folder: Path) -> dict[str, bytes]:
        write(folder, issue(1), history(1))
        files = [file for file in folder.rglob("*") if file.is_file()]
        return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}

    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_large_runs_are_cut_into_segments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "SEGMENT_BYTES", 200)
    records = [issue(number, title="x" * 50) for number in range(20)]
    manifest = write(tmp_path, *records)
    assert len(manifest.runs[0].files) == 10
    assert list(store.iter_records(tmp_path)) == records


# -- damage ----------------------------------------------------------------------------------------


def test_any_changed_byte_is_refused_with_the_name_of_the_file(dataset: Path) -> None:
    draw = random.Random(3)
    files = [*dataset.rglob("*.zst"), *dataset.rglob("*.parquet"), dataset / "manifest.json"]
    assert len(files) == 5
    for file in files:
        whole = file.read_bytes()
        for place in {0, len(whole) - 1, *draw.sample(range(len(whole)), 30)}:
            damaged = bytearray(whole)
            damaged[place] ^= draw.randrange(1, 256)
            file.write_bytes(damaged)
            with pytest.raises(DatasetError) as error:
                store.verify(dataset)
            assert str(file) in str(error.value)
        file.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(DatasetError, match=file.name):
            store.verify(dataset)
        file.write_bytes(whole)
    store.verify(dataset)


def test_a_damaged_file_is_never_half_read(dataset: Path) -> None:
    file = dataset / "records/000001/issue-0001.jsonl.zst"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    records = store.iter_records(dataset)
    with pytest.raises(DatasetError, match=r"issue-0001\.jsonl\.zst: damaged"):
        next(records)


def test_a_missing_file_is_refused(dataset: Path) -> None:
    (dataset / "tables/000002/assignments.parquet").unlink()
    with pytest.raises(DatasetError, match=r"assignments\.parquet: damaged: it cannot be read"):
        store.read_table(dataset, store.read_manifest(dataset), "assignments")


def test_other_formats_are_refused(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="expected a dataset, found no such folder"):
        store.read_manifest(tmp_path / "elsewhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match=r"expected a dataset, found no manifest\.json"):
        store.read_manifest(tmp_path / "empty")
    file = dataset / "manifest.json"
    document = json.loads(file.read_bytes())
    file.write_text(json.dumps(document | {"format_version": 2}))
    with pytest.raises(DatasetError, match=r"expected format version 1, got 2\. Update"):
        store.read_manifest(dataset)
    file.write_text(json.dumps({"format": "something else"}))
    with pytest.raises(DatasetError, match="not the manifest of a roadmap-analytics dataset"):
        store.read_manifest(dataset)


# -- interrupted -----------------------------------------------------------------------------------


def test_an_interrupted_run_is_taken_up(tmp_path: Path) -> None:
    with store.open_run(tmp_path, **ABOUT) as run:
        for record in (issue(1), history(1), {"kind": "listing", "of": "issues", "ids": [1]}):
            run.write(record)
    journal = tmp_path / "records/000001/issue-0001.jsonl"
    with journal.open("ab") as stream:
        stream.write(b'{"kind":"issue","data":{"i')  # torn by a crash
    later = ABOUT | {"started_at": "2024-06-02T12:00:00Z"}
    with store.open_run(tmp_path, **later, keep={"issue", "history"}) as run:
        assert (run.began_at, run.started_at) == (ABOUT["started_at"], later["started_at"])
        assert list(run.records()) == [issue(1), history(1)], "lists are read again"
        run.write(issue(2))
        run.commit([], ended_at=ENDED, config={})
    assert list(store.iter_records(tmp_path)) == [issue(1), issue(2), history(1)]
    assert not list(tmp_path.rglob("*.jsonl")), "no journal is left"
    assert not list(tmp_path.rglob("run.json"))


def test_an_interrupted_run_about_something_else_is_thrown_away(tmp_path: Path) -> None:
    with store.open_run(tmp_path, **ABOUT) as run:
        run.write(issue(1))
    other = ABOUT | {"asked": {"urls": ["https://git.example.org/b"], "roadmaps": None}}
    with store.open_run(tmp_path, **other, keep={"issue"}) as run:
        assert list(run.records()) == []
        run.write(issue(1))
    earlier = other | {"started_at": "2024-06-01T11:59:59Z"}  # the clock was set back
    with store.open_run(tmp_path, **earlier, keep={"issue"}) as run:
        assert list(run.records()) == []
        assert run.began_at == earlier["started_at"]


def _writes_until_killed(to: Path, ready: Any) -> None:
    """Commit small runs for ever."""
    number = 0
    ready.set()
    while True:
        with store.open_run(to, **ABOUT, keep={"issue"}) as run:
            for _ in range(3):
                number += 1
                run.write(issue(number))
            run.commit([{"assignments": FRAME}], ended_at=ENDED, config={})


@pytest.mark.parametrize(
    "seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 20))]
)
def test_killed_at_any_moment_the_last_state_is_readable(tmp_path: Path, seed: int) -> None:
    write(tmp_path, issue(0))
    fork = multiprocessing.get_context("spawn")
    ready = fork.Event()
    process = fork.Process(target=_writes_until_killed, args=(tmp_path, ready))
    process.start()
    ready.wait(30)
    process.join(random.Random(seed).random() * 0.1)
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    manifest = store.verify(tmp_path)
    seen = [record["data"]["id"] for record in store.iter_records(tmp_path)]
    assert len(seen) == 1 + 3 * (len(manifest.runs) - 1)
    write(tmp_path, issue(-1))
    store.verify(tmp_path)


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(0, 400))
def test_a_torn_journal_gives_its_whole_lines(numbers: list[int], cut: int) -> None:
    lines = [orjson.dumps(issue(number)) + b"\n" for number in numbers]
    torn = b"".join(lines)[:cut]
    whole = runs._whole_lines(torn)
    assert torn.startswith(whole)
    assert whole.count(b"\n") == torn.count(b"\n")


def test_a_full_disk_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, issue(1))

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with store.open_run(tmp_path, **ABOUT) as run:
        run.write(issue(2))
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(DatasetError, match=r"No space left on device.*Free some space"):
                run.commit([{"assignments": FRAME}], ended_at=ENDED, config={})
    assert list(store.iter_records(tmp_path)) == [issue(1)]
    with store.open_run(tmp_path, **ABOUT, keep={"issue"}) as run:
        assert list(run.records()) == [issue(1), issue(2)]


# -- one writer ------------------------------------------------------------------------------------


def test_the_second_writer_is_told_who_holds_it(tmp_path: Path) -> None:
    with (
        store.lock(tmp_path),
        pytest.raises(DatasetError, match=f"locked by process {os.getpid()} on"),
        store.lock(tmp_path),
    ):
        pass
    with store.lock(tmp_path):
        pass


def _locks_for_ever(to: Path, ready: Any) -> None:
    with store.lock(to):
        ready.set()
        signal.pause()


def test_the_lock_of_a_dead_process_heals(tmp_path: Path) -> None:
    fork = multiprocessing.get_context("spawn")
    ready = fork.Event()
    process = fork.Process(target=_locks_for_ever, args=(tmp_path, ready))
    process.start()
    ready.wait(30)
    with (
        pytest.raises(DatasetError, match=f"locked by process {process.pid}"),
        store.lock(tmp_path),
    ):
        pass
    process.kill()
    process.join()
    with store.lock(tmp_path):
        pass
