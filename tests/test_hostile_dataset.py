"""Datasets from anybody, with checksums that fit: a line for each damage, nothing beyond it."""

from __future__ import annotations

import copy
import errno
import fcntl
import hashlib
import json
import os
import random
import shutil
import stat
import warnings
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any
from unittest import mock

import filelock
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import roadmap_analytics as ra
from roadmap_analytics import export as exporting_module
from roadmap_analytics import simulate, store
from roadmap_analytics.errors import DatasetError, TablesRebuiltWarning
from roadmap_analytics.store import disk, tables
from roadmap_analytics.store.manifest import lock
from tests.exporting import Outcome, command, export
from tests.gitlab_server import LoopbackGitLab

Document = dict[str, Any]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset with two roadmap documents; all of them take most of the time of a rebuild."""
    folder = tmp_path_factory.mktemp("hostile") / "data"
    every = simulate.documents
    with mock.patch.object(simulate, "documents", lambda *world: islice(every(*world), 2)):
        assert command("simulate", "--to", str(folder), "--issues", "12", "--seed", "1").code == 0
    return folder


@pytest.fixture(scope="module")
def whole(original: Path) -> ra.Dataset:
    return ra.load(original)


@pytest.fixture
def dataset(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "data"))


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("PYTHON_GITLAB_CFG", raising=False)
    monkeypatch.chdir(tmp_path)


def manifest_of(root: Path) -> Document:
    document: Document = json.loads((root / "manifest.json").read_bytes())
    return document


def sealed(root: Path, document: Document) -> None:
    """Write a manifest whose checksum fits."""
    body = {name: value for name, value in document.items() if name != "checksum"}
    checksum = hashlib.sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()
    (root / "manifest.json").write_text(json.dumps(body | {"checksum": checksum}))


def replaced(root: Path, name: str, data: bytes, rows: int | None = None) -> None:
    """Put other bytes in place of a file, and let the manifest say that they are right."""
    (root / name).write_bytes(data)
    document = manifest_of(root)
    entries = [run["files"] for run in document["runs"]]
    entries.append({entry["file"]: entry for entry in document["tables"]["frames"].values()})
    for files in entries:
        if name in files:
            files[name]["sha256"] = hashlib.sha256(data).hexdigest()
            files[name]["rows"] = files[name]["rows"] if rows is None else rows
    sealed(root, document)


def from_records(root: Path) -> None:
    """Let the tables be those of another version, so that frames are made from the records."""
    sealed(root, manifest_of(root) | {"library_version": "0.0.1"})


def refused(outcome: Outcome, code: int = 5) -> None:
    assert outcome.code == code, (outcome.code, outcome.out[-300:], outcome.err)
    assert "Traceback" not in outcome.err
    assert 1 <= len(outcome.err.splitlines()) <= 2, outcome.err


# -- the manifest ----------------------------------------------------------------------------------

ODD: list[Any] = [None, True, -1, 2**40, 1.5, "", "x\u0000y", "../x", [], [[]], [1], {}, {"x": 1}]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    found = [path] if path else []
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in items:
        found += places(inner, (*path, key))
    return found


def put(document: Document, path: tuple[Any, ...], value: Any) -> None:
    for key in path[:-1]:
        document = document[key]
    document[path[-1]] = value


def cut(document: Document, path: tuple[Any, ...]) -> None:
    for key in path[:-1]:
        document = document[key]
    del document[path[-1]]


def test_every_key_missing_or_odd_is_read_or_refused_in_a_line(dataset: Path) -> None:
    """A manifest with a right checksum: any key left out, any value put in place of another."""
    whole = manifest_of(dataset)
    draw = random.Random(5)
    refusals = 0
    for path in places(whole):
        for value in (..., *draw.sample(ODD, 2)):
            document = copy.deepcopy(whole)
            if value is ...:
                cut(document, path)
            else:
                put(document, path, value)
            sealed(dataset, document)
            said = refusal_of(dataset)
            assert "\n" not in said
            refusals += bool(said)
    assert refusals > 150


def refusal_of(dataset: Path) -> str:
    try:
        store.verify(dataset)
        ra.load(dataset, frames=["milestones"])
    except DatasetError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"format": "roadmap-analytics dataset", "format_version": ' + "9" * 5000 + "}",
        '{"format": "roadmap-analytics dataset", "format_version": 1, "x": "\\ud800"}',
        '{"format": "roadmap-analytics dataset", "format_version": 1, "x": NaN}',
        '{"format": "roadmap-analytics dataset", "format_version": {}}',
        "\x00",
        "\xff\xfe",
    ],
    ids=range(11),
)
def test_a_manifest_that_is_none(dataset: Path, text: str) -> None:
    (dataset / "manifest.json").write_bytes(text.encode("latin-1"))
    refused(command("check", str(dataset)))
    refused(command("export", "https://git.example.org/a", "--to", str(dataset)))
    refused(command("report", str(dataset), "--to", "out"))


@pytest.mark.parametrize(
    "name",
    [
        "../outside.parquet",
        "/etc/passwd",
        "/dev/zero",
        "tables/../../outside.parquet",
        "tables/x/issues.parquet/../../../../outside",
        "records/000001/issue-0001.jsonl.zst",
        "tables//issues.parquet",
    ],
)
def test_a_name_of_a_file_leads_nowhere_outside(dataset: Path, name: str) -> None:
    document = manifest_of(dataset)
    document["tables"]["frames"]["issues"]["file"] = name
    sealed(dataset, document)
    outcome = command("check", str(dataset))
    refused(outcome)
    assert "is no file of a dataset" in outcome.err


def test_a_newer_minor_version_with_new_keys_is_readable(dataset: Path) -> None:
    plain = ra.load(dataset)
    document = manifest_of(dataset)
    document |= {"format_version": "1.4", "new": {"a": [1]}}
    document["runs"][0]["new"] = 1
    for entry in document["runs"][0]["files"].values():
        entry["new"] = 1
    document["tables"]["frames"]["new_frame"] = {
        **document["tables"]["frames"]["issues"],
        "file": "tables/000001/new_frame.parquet",
    }
    shutil.copy(
        dataset / "tables/000001/issues.parquet", dataset / "tables/000001/new_frame.parquet"
    )
    document["config"]["labels"]["new"] = "x"
    document["config"]["new"] = 3
    name = next(iter(document["runs"][0]["files"]))
    document["runs"][0]["files"]["records/000001/novelty-0001.jsonl.zst"] = dict(
        document["runs"][0]["files"][name]
    )
    shutil.copy(dataset / name, dataset / "records/000001/novelty-0001.jsonl.zst")
    sealed(dataset, document)
    pd.testing.assert_frame_equal(ra.load(dataset).issues, plain.issues)
    assert command("check", str(dataset)).code in (0, 1)
    sealed(dataset, document | {"library_version": "99.0"})
    pd.testing.assert_frame_equal(ra.load(dataset).issues, plain.issues)
    for version in (2, "2.0", "1.x", None, 11):
        sealed(dataset, document | {"format_version": version})
        outcome = command("check", str(dataset))
        refused(outcome)
        assert "expected format version 1" in outcome.err


def test_an_older_version_keeps_what_a_newer_one_wrote(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    to = tmp_path / "own"
    assert export(hand_gitlab, to, "orchard").code == 0
    document = manifest_of(to) | {"format_version": "1.4", "new": {"a": [1]}, "more": 5}
    document["runs"][0] |= {"new": [2], "more": {"x": 1}}
    sealed(to, document)
    assert export(hand_gitlab, to, "orchard").code == 0
    after = manifest_of(to)
    assert (after["format_version"], after["new"], after["more"]) == ("1.4", {"a": [1]}, 5)
    assert after["runs"][0] == document["runs"][0]
    (to / ISSUES.replace("000001", "000002")).write_bytes(b"damaged")
    assert "All tables were rebuilt" in command("check", str(to)).err
    assert manifest_of(to)["new"] == {"a": [1]}
    assert "new" not in ra.load(to).pseudonymised(seed=1).manifest


# -- tables and records ----------------------------------------------------------------------------


def table(frame: pd.DataFrame) -> bytes:
    buffer = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), buffer, compression="zstd")
    return bytes(buffer.getvalue())


def lines(*records: Any) -> bytes:
    return disk.compress(b"".join(orjson.dumps(record) + b"\n" for record in records))


ISSUES = "tables/000001/issues.parquet"
RECORDS = "records/000001/issue-0001.jsonl.zst"


def damaged_table(name: str) -> Callable[[Path], None]:
    def damage(root: Path) -> None:
        frame = pd.read_parquet(root / ISSUES)
        data = {
            "no Parquet": lambda: b"PAR1 not at all PAR1",
            "nothing": lambda: b"",
            "another table": lambda: (root / "tables/000001/people.parquet").read_bytes(),
            "a column less": lambda: table(frame.drop(columns="title")),
            "a column more": lambda: table(frame.assign(extra=1)),
            "ids as text": lambda: table(
                frame.assign(issue_id=frame["issue_id"].astype(str) + "x")
            ),
            "ids twice": lambda: table(pd.concat([frame, frame])),
            "times as text": lambda: table(frame.assign(created_at="soon")),
            "a list as title": lambda: table(frame.assign(title=[[1]] * len(frame))),
            "more rows than said": lambda: table(pd.concat([frame] * 3)),
            "billions of rows": lambda: table(pd.DataFrame({"issue_id": [0] * 3_000_000})),
            "odd metadata": lambda: odd_metadata(frame),
            "a long text a thousand times": lambda: long_text(5 * 2**20, 1000),
            "thousands of columns": lambda: table(pd.DataFrame(columns=range(3000)).astype(str)),
        }[name]()
        rows = {"billions of rows": 3_000_000, "ids twice": 2 * len(frame)}.get(name)
        rows = {"a long text a thousand times": 1000, "thousands of columns": 0}.get(name, rows)
        replaced(root, ISSUES, data, rows)

    return damage


def long_text(length: int, rows: int) -> bytes:
    """A file of a few kB whose texts are gigabytes row by row."""
    buffer = pa.BufferOutputStream()
    once = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), ["x" * length])
    pq.write_table(pa.table({"title": once}), buffer, compression="zstd")
    return bytes(buffer.getvalue())


def odd_metadata(frame: pd.DataFrame) -> bytes:
    buffer = pa.BufferOutputStream()
    odd = pa.Table.from_pandas(frame).replace_schema_metadata({b"pandas": b"{not json"})
    pq.write_table(odd, buffer)
    return bytes(buffer.getvalue())


def damaged_records(name: str) -> Callable[[Path], None]:
    def damage(root: Path) -> None:
        records = list(store.iter_records(root, {"issue"}))
        odd: dict[str, Callable[[], bytes]] = {
            "no zstd": lambda: b"not packed",
            "a bomb": lambda: disk.compress(b" " * (disk.MOST_UNPACKED + 1)),
            "no JSON": lambda: disk.compress(b"{oops\n" * len(records)),
            "deep JSON": lambda: disk.compress((b"[" * 100_000 + b"\n") * len(records)),
            "numbers": lambda: lines(*range(len(records))),
            "another kind": lambda: lines(*({**one, "kind": "history"} for one in records)),
            "no kind": lambda: lines(*({"data": one["data"]} for one in records)),
            "no data": lambda: lines(*({"kind": "issue"} for _ in records)),
            "ids as text": lambda: lines(
                *(with_data(one, id=str(one["data"]["id"]) + "x") for one in records)
            ),
            "ids beyond 64 bits": lambda: lines(*(with_data(one, id=2**63 + 5) for one in records)),
            "no id": lambda: lines(*(with_data(one, id=None) for one in records)),
            "a time of nonsense": lambda: lines(
                *(with_data(one, created_at=[3]) for one in records)
            ),
            "fewer records": lambda: lines(*records[1:]),
            "one of a list": lambda: lines([], *records[1:]),
        }
        replaced(root, RECORDS, odd[name]())
        from_records(root)

    return damage


def with_data(record: Document, **data: Any) -> Document:
    return {**record, "data": record["data"] | data}


def piped(name: str) -> Callable[[Path], None]:
    def damage(root: Path) -> None:
        (root / name).unlink()
        os.mkfifo(root / name)

    return damage


def linked(name: str) -> Callable[[Path], None]:
    def damage(root: Path) -> None:
        shutil.move(root / name, root.parent / "outside")
        (root / name).symlink_to(root.parent / "outside")

    return damage


def as_folder(name: str) -> Callable[[Path], None]:
    def damage(root: Path) -> None:
        (root / name).unlink()
        (root / name).mkdir()

    return damage


TABLE_DAMAGE = (
    *("no Parquet", "nothing", "another table", "a column less", "a column more", "ids as text"),
    *("ids twice", "times as text", "more rows than said", "billions of rows"),
    *("a long text a thousand times", "thousands of columns"),
)
RECORD_DAMAGE = (
    *("no zstd", "a bomb", "no JSON", "deep JSON", "numbers", "another kind", "no kind", "no data"),
    *("ids as text", "no id", "fewer records", "one of a list"),
)
FILES = ("manifest.json", RECORDS)
FOLDERS = ("tables", "records", "tables/000001")
DAMAGE: dict[str, Callable[[Path], None]] = {
    **{f"records: {name}": damaged_records(name) for name in RECORD_DAMAGE},
    **{f"a pipe: {name}": piped(name) for name in FILES},
    **{f"a link: {name}": linked(name) for name in (*FILES, ISSUES, *FOLDERS)},
    **{f"a folder: {name}": as_folder(name) for name in FILES},
}
REBUILT: dict[str, Callable[[Path], None]] = {
    **{f"table: {name}": damaged_table(name) for name in TABLE_DAMAGE},
    "a pipe": piped(ISSUES),
    "a folder": as_folder(ISSUES),
    "missing": lambda root: (root / ISSUES).unlink(),
    "all missing": lambda root: shutil.rmtree(root / "tables"),
    "a byte": lambda root: (root / ISSUES).write_bytes((root / ISSUES).read_bytes()[:-1] + b"?"),
}


def test_a_stored_document_that_is_none_is_damage_of_the_dataset(dataset: Path) -> None:
    name = "records/000001/document-0001.jsonl.zst"
    records = list(store.iter_records(dataset, {"document"}))
    odd = [{**records[0], "revision_hint": 2**63}, *records[1:]]
    replaced(dataset, name, lines(*odd))
    from_records(dataset)
    outcome = command("check", str(dataset))
    refused(outcome)
    assert str(dataset) in outcome.err


@pytest.mark.parametrize("name", DAMAGE)
def test_each_damage_is_named_in_a_line(
    dataset: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "MOST_UNPACKED", 2**24)
    DAMAGE[name](dataset)
    outcome = command("check", str(dataset))
    refused(outcome)
    assert str(dataset) in outcome.err


@pytest.mark.parametrize(
    "name",
    [
        "records: ids beyond 64 bits",
        "records: a time of nonsense",
        "table: odd metadata",
        "table: a list as title",
    ],
)
def test_odd_values_are_read_or_named(dataset: Path, name: str) -> None:
    what, _, which = name.partition(": ")
    (damaged_records if what == "records" else damaged_table)(which)(dataset)
    outcome = command("check", str(dataset))
    assert outcome.code in (0, 1, 5)
    assert "Traceback" not in outcome.err


def test_a_text_that_would_fill_the_memory_is_refused_in_a_line(dataset: Path) -> None:
    data = long_text(8 * 2**20, 20_000)
    assert len(data) < 2**20
    replaced(dataset, ISSUES, data, 20_000)
    shutil.rmtree(dataset / "records")
    document = manifest_of(dataset)
    document["runs"][0]["files"] = {}
    sealed(dataset, document)
    outcome = command("check", str(dataset))
    refused(outcome)
    assert "bytes of text up to the column title" in outcome.err


# -- a damaged table is rebuilt from the records ---------------------------------------------------


def contents(root: Path) -> dict[str, bytes]:
    files = [file for file in root.rglob("*") if file.is_file() and file.name != ".lock"]
    return {file.relative_to(root).as_posix(): file.read_bytes() for file in files}


def assert_equal(found: ra.Dataset, expected: ra.Dataset) -> None:
    for name, frame in expected.frames.items():
        pd.testing.assert_frame_equal(found[name], frame, obj=name)


@pytest.mark.parametrize("name", REBUILT)
def test_a_damaged_table_is_rebuilt_and_stored(whole: ra.Dataset, dataset: Path, name: str) -> None:
    REBUILT[name](dataset)
    with pytest.warns(TablesRebuiltWarning) as warned:
        assert_equal(ra.load(dataset), whole)
    (one,) = warned
    said = str(one.message)
    assert f"{dataset}/tables" in said
    assert said.endswith("All tables were rebuilt from the records and stored.")
    assert "\n" not in said
    store.verify(dataset)
    assert [folder.name for folder in (dataset / "tables").iterdir()] == ["000001_rebuilt"]
    assert_equal(ra.load(dataset), whole)  # without a warning, which would be an error here


def test_a_check_of_a_damaged_table_says_what_it_says_of_a_sound_one(dataset: Path) -> None:
    sound = command("check", str(dataset))
    assert sound.err == ""
    (dataset / ISSUES).write_bytes(b"")
    outcome = command("check", str(dataset))
    assert (outcome.code, outcome.out) == (sound.code, sound.out)
    (line,) = outcome.err.splitlines()
    assert line.endswith("All tables were rebuilt from the records and stored.")
    assert command("check", str(dataset)) == sound, "it is whole again"


def test_tables_can_be_rebuilt_again_and_exported_into(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    to = tmp_path / "data"
    assert export(hand_gitlab, to, "orchard").code == 0
    before = ra.load(to)
    for generation in ("000001_rebuilt", "000001", "000001_rebuilt"):
        next((to / "tables").rglob("people.parquet")).write_bytes(b"")
        assert len(ra.load(to, ["issues"]).frames) == 1, "a frame that is not read costs nothing"
        with pytest.warns(TablesRebuiltWarning, match=r"people\.parquet: damaged.*and stored"):
            assert_equal(ra.load(to), before)
        assert [folder.name for folder in (to / "tables").iterdir()] == [generation]
    assert export(hand_gitlab, to, "orchard").code == 0
    assert [folder.name for folder in (to / "tables").iterdir()] == ["000002"]
    assert_equal(ra.load(to), before)


def test_without_sound_records_a_damaged_table_is_refused(dataset: Path, tmp_path: Path) -> None:
    ra.load(dataset).save(tmp_path / "copy")
    (tmp_path / "copy/tables/copy/issues.parquet").write_bytes(b"")
    outcome = command("check", str(tmp_path / "copy"))
    refused(outcome)
    assert "issues.parquet: damaged" in outcome.err
    (dataset / ISSUES).write_bytes(b"")
    (dataset / RECORDS).write_bytes(b"")
    before = contents(dataset)
    outcome = command("check", str(dataset))
    refused(outcome)
    assert f"{dataset / RECORDS}: damaged" in outcome.err
    with pytest.raises(DatasetError, match=r"issue-0001.*damaged"):
        ra.load(dataset)
    assert contents(dataset) == before


def test_where_it_cannot_be_stored_it_is_rebuilt_in_memory(
    original: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (dataset / ISSUES).unlink()
    before = contents(dataset)
    with (
        store.lock(dataset),
        pytest.warns(TablesRebuiltWarning, match=r"in memory, but not stored: .*locked by process"),
    ):
        assert_equal(ra.load(dataset), ra.load(original))
    assert contents(dataset) == before

    def read_only(file: Path) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(file))

    monkeypatch.setattr(disk, "create", read_only)
    outcome = command("check", str(dataset))
    assert outcome.code in (0, 1), outcome.err
    (line,) = outcome.err.splitlines()
    assert "rebuilt from the records in memory, but not stored" in line
    assert "Read-only file system" in line
    assert contents(dataset) == before


def test_cut_short_a_rebuild_leaves_what_was(
    dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (dataset / ISSUES).write_bytes(b"")
    before = contents(dataset)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tables, "write_manifest", killed)
        with pytest.raises(KeyboardInterrupt):
            ra.load(dataset)
    assert before.items() <= contents(dataset).items(), "written beside what is valid"
    with pytest.warns(TablesRebuiltWarning, match="and stored"):
        ra.load(dataset)
    store.verify(dataset)


def test_an_export_that_ends_while_it_is_read_is_no_damage(
    original: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = store.read_manifest(dataset)
    (dataset / ISSUES).unlink()
    with pytest.warns(TablesRebuiltWarning):
        ra.load(dataset)
    answers = iter([old])
    read = store.read_manifest
    monkeypatch.setattr(store, "read_manifest", lambda path: next(answers, None) or read(path))
    assert_equal(ra.load(dataset), ra.load(original))  # no warning: it would be an error here


# -- nothing outside is followed, removed or overwritten -------------------------------------------


def test_an_export_follows_no_link(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    (victim / "000009").mkdir(parents=True)
    (victim / "000009/precious").write_text("mine")
    (victim / "file").write_text("mine")

    def as_it_was() -> bool:
        files = {
            one.relative_to(victim).as_posix(): one.read_text()
            for one in victim.rglob("*")
            if one.is_file()
        }
        return files == {"000009/precious": "mine", "file": "mine"}

    to = tmp_path / "data"
    places = [
        *("tables", "records", "records/000002", "tables/000001", "manifest.json.part", ".lock"),
        *(".lock.json", ".lock.json.part", "records/000002/run.json.part", "manifest.json"),
        *("records/000002/issue-0001.jsonl", "tables/000002"),
    ]
    for place in places:
        shutil.rmtree(to, ignore_errors=True)
        assert export(hand_gitlab, to, "orchard").code == 0
        link = to / place
        if link.is_dir():
            shutil.rmtree(link)
        link.unlink(missing_ok=True)
        link.parent.mkdir(exist_ok=True)
        is_folder = place.rpartition("/")[2] in ("tables", "records", "000001", "000002")
        link.symlink_to(victim if is_folder else victim / "file")
        outcome = export(hand_gitlab, to, "orchard")
        refused(outcome)
        assert "link" in outcome.err, place
        assert as_it_was(), place


def test_leftovers_that_are_links_are_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("mine")
    for name in ("x.part", "x"):
        (tmp_path / name).unlink(missing_ok=True)
        (tmp_path / name).symlink_to("victim")
        disk.write(tmp_path / "x", b"ours")
    assert (tmp_path / "victim").read_text() == "mine"
    assert not (tmp_path / "x").is_symlink()
    assert (tmp_path / "x").read_bytes() == b"ours"


def test_the_folder_itself_may_be_a_link(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    (tmp_path / "large disk").mkdir()
    (tmp_path / "data").symlink_to("large disk")
    for _ in range(2):
        assert export(hand_gitlab, tmp_path / "data", "orchard").code == 0
    assert store.verify(tmp_path / "large disk").runs


# -- the host that a manifest names ----------------------------------------------------------------


def test_no_token_goes_where_only_a_manifest_says(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    to = tmp_path / "data"
    assert export(hand_gitlab, to, "orchard").code == 0
    assert export(hand_gitlab, to).code == 0, "the same host was given on this machine before"
    shutil.rmtree(tmp_path / "state")
    hand_gitlab.reset()
    outcome = export(hand_gitlab, to)
    refused_with(outcome, hand_gitlab.url, "never given on this machine", f"/orchard --to {to}")
    assert hand_gitlab.counts().total == 0
    (tmp_path / "roadmap.toml").write_text(f'[gitlab]\nurl = "{hand_gitlab.url}"\n')
    assert export(hand_gitlab, to).code == 0, "roadmap.toml names it"
    (tmp_path / "roadmap.toml").write_text('[gitlab]\nurl = "https://git.example.org"\n')
    assert export(hand_gitlab, to).code == 2
    (tmp_path / "roadmap.toml").unlink()
    assert export(hand_gitlab, to, "orchard").code == 0, "the call names it"
    assert stat.S_IMODE((tmp_path / "state/roadmap-analytics/given").stat().st_mode) == 0o600


def refused_with(outcome: Outcome, *words: str) -> None:
    assert outcome.code == 2, outcome.err
    assert len(outcome.err.splitlines()) <= 2
    for word in words:
        assert word in outcome.err


def test_no_folder_is_read_where_only_a_manifest_says(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    to, folder = tmp_path / "data", tmp_path / "private"
    folder.mkdir()
    (folder / "2024-05-01-roadmap.md").write_text("# Private\n")
    assert export(hand_gitlab, to, "orchard").code == 0
    document = manifest_of(to)
    document["asked"]["roadmaps"] = str(folder)
    sealed(to, document)
    outcome = export(hand_gitlab, to)
    refused_with(outcome, f"names the folder {folder}", f"--roadmaps {folder}")
    for where in ("x" * 5000, "a\u0000b"):
        document["asked"]["roadmaps"] = where
        sealed(to, document)
        assert export(hand_gitlab, to).code == 2


def test_a_home_that_cannot_be_written_costs_nothing(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("a file")
    to = tmp_path / "data"
    assert export(hand_gitlab, to, "orchard").code == 0
    assert export(hand_gitlab, to).code == 2
    assert exporting_module._given() == set()


# -- who may read, and where nothing can be written ------------------------------------------------


def test_what_is_stored_is_for_its_owner_alone(hand_gitlab: LoopbackGitLab, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        assert export(hand_gitlab, tmp_path / "a/data", "orchard").code == 0
        assert command("simulate", "--to", "b", "--issues", "5", "--seed", "1").code == 0
        ra.load("b").save("c")
    finally:
        os.umask(before)
    for root in (tmp_path / "a/data", tmp_path / "b", tmp_path / "c"):
        for one in (root, *root.rglob("*")):
            mode = stat.S_IMODE(one.stat().st_mode)
            assert mode == (0o700 if one.is_dir() else 0o600), one


def test_a_file_system_without_locks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: Any) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    outcome = command("simulate", "--to", "b", "--issues", "5", "--seed", "1")
    refused(outcome)
    assert "a file system with locks" in outcome.err
    assert not Path("b/.lock").exists(), "what was taken for the lock is gone"


def test_another_warning_of_filelock_is_no_missing_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acquire = filelock.FileLock.acquire

    def talkative(guard: filelock.FileLock, **how: Any) -> Any:
        warnings.warn("a clock that is off", UserWarning, stacklevel=2)
        return acquire(guard, **how)

    monkeypatch.setattr(filelock.FileLock, "acquire", talkative)
    with pytest.warns(UserWarning, match="a clock that is off"), lock(tmp_path / "data"):
        assert (tmp_path / "data" / ".lock.json").exists()


def test_a_file_system_that_cannot_flush_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_flush(*_: Any) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(os, "fsync", no_flush)
    assert command("simulate", "--to", "b", "--issues", "5", "--seed", "1").code == 0
    assert store.verify("b").simulated
