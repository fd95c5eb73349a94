"""A scan in any partitions says, to the byte, what the whole says in one piece."""

from __future__ import annotations

import datetime as dt
import itertools
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import roadmap_analytics as ra
from roadmap_analytics import errors
from roadmap_analytics.frames import BY_ISSUE, Dataset
from tests.eight_issues import AS_OF, HARVEST, WINTER, World, eight_issues
from tests.examples import examples, left_to_soak
from tests.make_sample import SAMPLE
from tests.test_burndown import measures, reporting_days, worlds, zones
from tests.test_row_order import simulated
from tests.test_workload import days as load_days
from tests.test_workload import worlds as load_worlds

dask = pytest.importorskip("dask", reason="needs the extra [dask], which is not installed")
initialize_worker_process = pytest.importorskip("dask.multiprocessing").initialize_worker_process

Call = Callable[[Dataset, Any], Any]


def first_milestones(dataset: Dataset) -> list[int]:
    """Give the two from which most was carried over."""
    table = ra.milestone_progress(dataset, as_of=dataset.exported_at)
    table = table.sort_values(["carried_over", "scope"], ascending=False, na_position="last")
    found: list[int] = table["milestone_id"].tolist()[:2]
    return found


CALLS: dict[str, Call] = {
    "burndown": lambda d, day: ra.burndown(d, first_milestones(d)[0], as_of=day),
    "burndown of two": lambda d, day: ra.burndown(
        d, first_milestones(d), as_of=day, measure="hours", timezone="America/St_Johns"
    ),
    "burndowns": lambda d, day: ra.burndowns(d, as_of=day),
    "burndowns by weight": lambda d, day: ra.burndowns(d, as_of=day, measure="weight"),
    "milestone_progress": lambda d, day: ra.milestone_progress(d, as_of=day),
    "milestone_progress in hours": lambda d, day: ra.milestone_progress(
        d, as_of=day, measure="hours", types="issue"
    ),
    "carried_over": lambda d, day: ra.carried_over(d, as_of=day),
    "carried_over of one": lambda d, day: ra.carried_over(d, first_milestones(d)[0], as_of=day),
    "workload": lambda d, day: ra.workload(d, as_of=day),
    "workload in shares": lambda d, day: ra.workload(
        d, as_of=day, split="equal", milestone=first_milestones(d), timezone="Asia/Tokyo"
    ),
    "workload_history": lambda d, day: ra.workload_history(d, as_of=day),
    "workload_history in shares": lambda d, day: ra.workload_history(
        d, as_of=day, split="equal", freq="D", timezone="Pacific/Kiritimati"
    ),
    "workload_history of one": lambda d, day: ra.workload_history(
        d, as_of=day, milestone=first_milestones(d)[0], since="2025-03-01"
    ),
    "throughput": lambda d, day: ra.throughput(d, as_of=day),
    "throughput of one": lambda d, day: ra.throughput(
        d, first_milestones(d)[0], as_of=day, types=["issue"]
    ),
    "lead_times": lambda d, day: ra.lead_times(d, as_of=day),
    "lead_times of one": lambda d, day: ra.lead_times(
        d, as_of=day, milestone=first_milestones(d), since="2020-01-15"
    ),
    "state_at": lambda d, day: ra.state_at(d, as_of=day),
    "check": lambda d, _: ra.check(d).findings,
    "check, by field": lambda d, _: ra.check(d).fields,
}


def storable(dataset: Dataset) -> Dataset:
    """Give a dataset made by hand a run that a manifest may have."""
    ended = dataset.exported_at.isoformat()
    run = {"run": "000001", "kind": "full", "started_at": ended, "ended_at": ended}
    return Dataset(dataset.frames, dataset.manifest | {"runs": [run]})


def cut(dataset: Dataset, parts: Mapping[int, int], to: Path) -> list[Path]:
    """Write a dataset as several: `parts` says which gets each issue."""
    places = pd.Series(parts)
    made = []
    for part in sorted(set(parts.values())):
        mine = places.index[places == part]
        frames = {
            name: frame[frame["issue_id"].isin(mine)] if name in BY_ISSUE else frame
            for name, frame in dataset.frames.items()
        }
        made.append(to / f"part{part}")
        Dataset(frames, dataset.manifest).save(made[-1])
    return made


def at_random(dataset: Dataset, datasets: int, seed: int) -> dict[int, int]:
    places = np.random.default_rng(seed).integers(0, datasets, len(dataset.issues))
    return dict(zip(dataset.issues["issue_id"].tolist(), places.tolist(), strict=True))


LEFT_TO_SOAK = {
    *("burndown", "burndowns by weight", "milestone_progress in hours", "carried_over of one"),
    *("workload in shares", "workload_history of one", "throughput of one", "lead_times of one"),
    *("burndown of two", "carried_over", "throughput", "lead_times", "workload", "state_at"),
    *("check, by field", "workload_history in shares"),
}
"""Variants of a call, which small worlds have on every run; `make soak` runs them on the sample."""
ON_THE_SAMPLE = [
    pytest.param(name, marks=pytest.mark.slow) if name in LEFT_TO_SOAK else name for name in CALLS
]


def agree(scanned: Any, whole: Any, name: str) -> None:
    pd.testing.assert_frame_equal(scanned, whole, check_freq=True, obj=name)
    assert scanned.attrs == whole.attrs, name


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, list[Path]]:
    """A simulated world with people, hours and roadmaps, as one and as three datasets."""
    whole = storable(simulated())
    return whole, cut(whole, at_random(whole, 3, 7), tmp_path_factory.mktemp("scan"))


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with dask.config.set(scheduler="sync"):
        yield


@pytest.mark.parametrize("name", CALLS)
def test_a_world_cut_at_random(world: tuple[Dataset, list[Path]], name: str) -> None:
    whole, folders = world
    expected = CALLS[name](whole, whole.exported_date)
    assert len(expected)
    for size in (15, 1000) if name == "workload" else (15,):
        found = CALLS[name](ra.scan(folders, partition_size=size), whole.exported_date)
        agree(found, expected, f"{name} in partitions of {size}")


@pytest.mark.parametrize("name", ON_THE_SAMPLE)
def test_the_sample_in_partitions(name: str) -> None:
    whole, scanned = ra.load(SAMPLE), ra.scan(SAMPLE, partition_size=150)
    assert len(scanned.partitions) > 3
    assert scanned.exported_at == whole.exported_at
    assert whole.issues["moved_to_id"].notna().any()
    agree(CALLS[name](scanned, whole.exported_at), CALLS[name](whole, whole.exported_at), name)


@examples(2)
@given(worlds, reporting_days, measures, zones, st.integers(1, 3), st.integers(0, 99))
def test_any_world_of_milestones(
    world: World, day: dt.date, measure: Any, zone: str, size: int, seed: int
) -> None:
    whole = storable(world.dataset())
    about: dict[str, Any] = {"as_of": day, "timezone": zone}
    with tempfile.TemporaryDirectory() as folder:
        folders = cut(whole, at_random(whole, 2, seed), Path(folder))
        scanned = ra.scan(folders, partition_size=size)
        for call in (ra.burndowns, ra.milestone_progress):
            found, expected = (call(d, measure=measure, **about) for d in (scanned, whole))
            agree(found, expected, call.__name__)
        for other in (ra.carried_over, ra.throughput, ra.lead_times, ra.state_at):
            agree(other(scanned, **about), other(whole, **about), other.__name__)
        agree(
            ra.burndown(scanned, [HARVEST, WINTER], measure=measure, **about),
            ra.burndown(whole, [HARVEST, WINTER], measure=measure, **about),
            "burndown of two",
        )
        agree(ra.check(scanned).findings, ra.check(whole).findings, "check")


@examples(3)
@given(load_worlds(), load_days, st.sampled_from(["full", "equal"]), zones, st.integers(1, 3))
def test_any_world_of_people(world: World, day: dt.date, split: Any, zone: str, size: int) -> None:
    whole = storable(world.dataset())
    about: dict[str, Any] = {"as_of": day, "timezone": zone, "split": split}
    with tempfile.TemporaryDirectory() as folder:
        folders = cut(whole, at_random(whole, 2, size), Path(folder))
        scanned = ra.scan(folders, partition_size=size)
        agree(ra.workload(scanned, **about), ra.workload(whole, **about), "workload")
        for freq in ("D", "W"):
            found, expected = (ra.workload_history(d, freq=freq, **about) for d in (scanned, whole))
            agree(found, expected, "workload_history")


def test_eight_issues_by_hand(tmp_path: Path) -> None:
    storable(eight_issues().dataset()).save(tmp_path / "eight")
    scanned = ra.scan(tmp_path / "eight", partition_size=1)
    assert len(scanned.partitions) == 8
    table = ra.milestone_progress(scanned, as_of=AS_OF).set_index("milestone_id")
    assert table.loc[HARVEST, ["scope", "completed"]].tolist() == [5, 4]


def test_a_moved_issue_counts_once_wherever_its_copy_is(tmp_path: Path) -> None:
    world = World()
    world.milestone(HARVEST, "Harvest", "2025-03-03", "2025-03-14")
    world.issue(1, "2025-03-01", moved_to_id=2)
    world.issue(2, "2025-03-01")
    for issue in (1, 2):
        world.put(issue, "2025-03-02", HARVEST)
    folders = cut(storable(world.dataset()), {1: 0, 2: 1}, tmp_path)
    both, first = ra.scan(folders), ra.scan(folders[0])
    assert ra.milestone_progress(both, as_of=AS_OF)["scope"].tolist() == [1]
    assert ra.milestone_progress(first, as_of=AS_OF)["scope"].tolist() == [1]
    assert len(ra.state_at(both, as_of=AS_OF)) == 2


# -- several GitLabs -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two_gitlabs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, list[Path]]:
    """Eight issues on one GitLab, and others with the same ids on another."""
    to = tmp_path_factory.mktemp("gitlabs")
    folders = []
    for name in ("a", "b"):
        world = eight_issues()
        if name == "b":
            world.close(6, "2025-03-16 09:00")
        storable(world.dataset(origin=f"https://{name}.example.org")).save(to / name)
        folders.append(to / name)
    return storable(eight_issues().dataset()), folders


def test_two_gitlabs_keep_their_ids_apart(two_gitlabs: tuple[Dataset, list[Path]]) -> None:
    one, folders = two_gitlabs
    scanned = ra.scan(reversed(folders), partition_size=3)
    assert scanned.origins == ["https://a.example.org", "https://b.example.org"]
    for name in ("burndowns", "milestone_progress", "carried_over"):
        call: Any = getattr(ra, name)
        found, alone = call(scanned, as_of=AS_OF), call(one, as_of=AS_OF)
        assert found.columns.tolist() == ["origin", *alone.columns]
        mine = found[found["origin"] == "https://a.example.org"].drop(columns="origin")
        pd.testing.assert_frame_equal(mine.reset_index(drop=True), alone)
        assert len(found) > len(alone)
    state = ra.state_at(scanned, as_of=AS_OF)
    assert state.index.names == ["origin", "issue_id"]
    pd.testing.assert_frame_equal(state.loc["https://a.example.org"], ra.state_at(one, as_of=AS_OF))
    assert (state.loc["https://b.example.org"].loc[6, "state"]) == "closed"
    found = ra.check(scanned).findings
    assert set(found["origin"].dropna()) == set(scanned.origins)
    assert found["issue_id"].max() <= 8
    workload = ra.workload(scanned, as_of=AS_OF).set_index("person")["open_issues"]
    assert workload["unassigned"] == 2 * ra.workload(one, as_of=AS_OF)["open_issues"][0] - 1


def test_an_id_of_two_gitlabs_is_ambiguous(two_gitlabs: tuple[Dataset, list[Path]]) -> None:
    scanned = ra.scan(two_gitlabs[1])
    with pytest.raises(errors.UnknownNameError, match="2 milestones fit") as raised:
        ra.burndown(scanned, HARVEST, as_of=AS_OF)
    assert str(raised.value).count(f"(id {HARVEST}, https://") == 2


# -- what a scan refuses ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        lambda d: d.issues,
        lambda d: d["issue_events"],
        lambda d: ra.open_issues(d, as_of=AS_OF),
        lambda d: ra.scope_changes(d, as_of=AS_OF),
        lambda d: ra.forecast(d, first_milestones(d)[0], as_of=AS_OF),
        lambda d: ra.milestone_timeline(d, first_milestones(d)[0], as_of=AS_OF),
        lambda d: ra.planned_work(d, as_of=AS_OF),
        lambda d: ra.work_item_age(d, as_of=AS_OF),
        lambda d: ra.workload_plan(d, as_of=AS_OF),
        lambda d: ra.attribution(d, as_of=AS_OF),
        lambda d: d.pseudonymised(seed=1),
        lambda d: d.without_confidential_titles(),
        lambda d: d.save("elsewhere"),
    ],
    ids=itertools.count(),
)
def test_what_cannot_be_cut_by_issue_says_so_in_a_line(
    world: tuple[Dataset, list[Path]], call: Callable[[Dataset], Any]
) -> None:
    with pytest.raises(errors.ConfigurationError, match="reads issues in partitions") as raised:
        call(ra.scan(world[1]))
    assert "\n" not in str(raised.value)
    assert "ra.load" in str(raised.value)


def test_what_asks_for_no_issue_takes_a_scan(world: tuple[Dataset, list[Path]]) -> None:
    whole, folders = world
    for name in ("slippage", "milestone_slippage"):
        call: Any = getattr(ra, name)
        agree(call(ra.scan(folders), as_of=AS_OF), call(whole, as_of=AS_OF), name)


def test_an_issue_in_two_datasets_is_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        storable(eight_issues().dataset()).save(tmp_path / name)
    scanned = ra.scan(str(tmp_path / "*"))
    with pytest.raises(errors.ConfigurationError, match=r"each issue once, got 8 .*/a .*/b;"):
        ra.state_at(scanned, as_of=AS_OF)


def test_datasets_whose_calendars_differ_need_a_word(tmp_path: Path) -> None:
    config = [{"calendar": {"timezone": zone}} for zone in ("Europe/Stockholm", "Asia/Tokyo")]
    whole = storable(eight_issues().dataset())
    folders = cut(whole, {one: one % 2 for one in range(1, 9)}, tmp_path)
    for folder, settings_ in zip(folders, config, strict=True):
        loaded = ra.load(folder)
        Dataset(loaded.frames, loaded.manifest | {"config": settings_}).save(f"{folder}-zone")
    zoned = str(tmp_path / "*-zone")
    with pytest.raises(errors.ConfigurationError, match=r"\[calendar\]: expected the same"):
        ra.scan(zoned)
    tokyo = ra.scan(zoned, config=config[1])
    same = Dataset(whole.frames, whole.manifest | {"config": config[1]})
    agree(ra.burndowns(tokyo, as_of=AS_OF), ra.burndowns(same, as_of=AS_OF), "burndowns")


def test_types_that_no_partition_knows(world: tuple[Dataset, list[Path]]) -> None:
    with pytest.raises(errors.UnknownNameError, match="types: expected some of"):
        ra.throughput(ra.scan(world[1]), as_of=AS_OF, types="riddle")


# -- trouble ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def process() -> Iterator[Executor]:
    """A process for tasks, kept: each question would start others, which takes seconds."""
    how = {"initializer": initialize_worker_process, "mp_context": get_context("spawn")}
    with ProcessPoolExecutor(1, **how) as pool:
        yield pool


@pytest.fixture
def scheduled(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let Dask run tasks in that way."""
    pool = request.getfixturevalue("process") if request.param == "processes" else None
    with dask.config.set(scheduler=request.param, num_workers=2, pool=pool):
        yield


@pytest.mark.parametrize("scheduled", ["sync", "threads", "processes"], indirect=True)
@pytest.mark.usefixtures("scheduled")
def test_a_damaged_partition_names_its_file(tmp_path: Path) -> None:
    whole = storable(eight_issues().dataset())
    folders = cut(whole, {one: one % 3 for one in range(1, 9)}, tmp_path)
    file = folders[1] / "tables" / "copy" / "issue_events.parquet"
    file.write_bytes(file.read_bytes()[:-9] + b"123456789")
    with pytest.raises(
        errors.DatasetError, match=r"part1/tables/copy/issue_events\.parquet: damaged"
    ):
        ra.milestone_progress(ra.scan(folders), as_of=AS_OF)


def test_a_partition_that_fails_names_its_dataset(
    world: tuple[Dataset, list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr("roadmap_analytics.analysis.replay.fields_at", fails)
    scanned = ra.scan(world[1], partition_size=10)
    with pytest.raises(errors.DatasetError, match=r"part\d, issue ids \d+ to .*: .*no room"):
        ra.state_at(scanned, as_of=AS_OF)


def test_every_error_can_be_sent_by_a_worker() -> None:
    damage = errors.DamagedFileError(Path("a/b"), "torn")
    sent = pickle.loads(pickle.dumps(damage))
    assert (str(sent), sent.file, sent.why) == (str(damage), damage.file, damage.why)


@pytest.mark.parametrize(
    ("paths", "words"),
    [
        ([], "at least one dataset"),
        ("nothing-*", "found nothing that fits"),
        ("no/such/folder", "found no manifest.json"),
        ("memory://no/such", "found no manifest.json"),
        ("nosuch://bucket/x", "nosuch"),
    ],
)
def test_a_place_without_a_dataset(paths: Any, words: str) -> None:
    with pytest.raises(errors.RoadmapAnalyticsError, match=words) as raised:
        ra.scan(paths)
    assert "\n" not in str(raised.value)


def test_tables_of_another_version_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("roadmap_analytics.store.manifest.LIBRARY_VERSION", "0.0.1")
    with pytest.raises(errors.DatasetError, match="expected tables of this version"):
        ra.scan(SAMPLE)


def test_without_dask_all_but_a_scan_works() -> None:
    code = (
        "import sys; sys.modules['dask'] = sys.modules['fsspec'] = None\n"
        "import roadmap_analytics as ra\n"
        f"d = ra.load({str(SAMPLE)!r}); print(len(ra.burndowns(d, as_of=d.exported_at)) > 100)\n"
        f"try: ra.scan({str(SAMPLE)!r})\n"
        "except ra.errors.ConfigurationError as error: print(error)\n"
    )
    code = code.replace("ra.errors", "errors")
    code = f"from roadmap_analytics import errors\n{code}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == [
        "True",
        'scan: needs Dask, which is not installed; run: pip install "roadmap-analytics[dask]"',
    ]


def test_dask_is_imported_by_a_scan_alone() -> None:
    package = Path(ra.__file__).parent
    importing = {
        path.name
        for path in package.rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if line.startswith(("import dask", "from dask", "import fsspec", "from fsspec"))
    }
    assert importing == set()  # within functions alone


# -- where tasks run, and where data are -----------------------------------------------------------


@pytest.mark.parametrize("scheduled", ["threads", "processes"], indirect=True)
@pytest.mark.usefixtures("scheduled")
def test_threads_and_processes(world: tuple[Dataset, list[Path]]) -> None:
    whole, folders = world
    scanned = ra.scan(folders, partition_size=15)
    for name in ("burndowns", "workload"):
        found = CALLS[name](scanned, whole.exported_date)
        agree(found, CALLS[name](whole, whole.exported_date), name)


@pytest.fixture(scope="module", params=[1, *left_to_soak(2)])
def cluster(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Worker processes, as somebody would start them."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=request.param, threads_per_worker=1, processes=True, dashboard_address=":0"
    ) as made:
        yield made


def test_a_client_that_the_caller_made(world: tuple[Dataset, list[Path]], cluster: Any) -> None:
    whole, folders = world
    with cluster.get_client(), dask.config.set(scheduler="dask.distributed"):
        scanned = ra.scan(folders, partition_size=15)
        for name in ("burndowns", "workload", "check"):
            found = CALLS[name](scanned, whole.exported_date)
            agree(found, CALLS[name](whole, whole.exported_date), name)
        file = folders[0] / "tables" / "copy" / "issues.parquet"
        with pytest.raises(errors.DatasetError, match="no/such/folder"):
            ra.scan([*folders, "no/such/folder"])
        assert file.exists()


def test_a_scheduler_that_fails(world: tuple[Dataset, list[Path]]) -> None:
    scanned = ra.scan(world[1])

    def broken(*_: Any, **__: Any) -> None:
        raise OSError("connection closed")

    with (
        dask.config.set(scheduler=broken),
        pytest.raises(errors.ServerError, match=r"no answer \(OSError: connection closed\)"),
    ):
        ra.state_at(scanned, as_of=AS_OF)


@pytest.mark.slow
def test_a_scheduler_that_goes_away(world: tuple[Dataset, list[Path]]) -> None:
    distributed = pytest.importorskip("distributed")
    address = "tcp://127.0.0.1:8799"
    quiet = ["--no-dashboard", "--no-show", "--port", "8799", "--host", "127.0.0.1"]
    module = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    with subprocess.Popen([*module, *quiet], stderr=subprocess.DEVNULL) as process:
        try:
            client = distributed.Client(address, timeout=60)
            client._timeout = 2  # seconds that it tries to find the scheduler again
            scanned = ra.scan
            process.kill()
            with pytest.raises(errors.ServerError, match="Dask scheduler gave no answer"):
                scanned(world[1])
            client.close()
        finally:
            process.kill()


def test_an_address_that_fsspec_opens(world: tuple[Dataset, list[Path]]) -> None:
    import fsspec

    whole, folders = world
    memory = fsspec.filesystem("memory")
    for folder in folders:
        memory.put(str(folder), f"/bucket/{folder.name}", recursive=True)
    scanned = ra.scan("memory://bucket/*", storage_options={"skip_instance_cache": False})
    agree(
        ra.burndowns(scanned, as_of=whole.exported_date),
        ra.burndowns(whole, as_of=whole.exported_date),
        "burndowns",
    )
    local = ra.scan([f"file://{folder}" for folder in folders])
    assert len(ra.state_at(local, as_of=whole.exported_date)) > 0


def test_no_option_and_no_secret_is_shown() -> None:
    with pytest.raises(errors.RoadmapAnalyticsError) as raised:
        ra.scan("memory://me:hunter2@bucket/x", storage_options={"secret": "hunter2"})
    assert "hunter2" not in str(raised.value)


def test_it_shows_like_a_dataset(world: tuple[Dataset, list[Path]]) -> None:
    whole, folders = world
    text = repr(ra.scan(folders))
    assert "datasets      3, read in partitions by Dask" in text
    assert f"issues        {len(whole.issues)} rows" in text
    assert "<caption>Dataset</caption>" in ra.scan(folders)._repr_html_()


def test_partitions_are_whole_issues_and_all_of_them(world: tuple[Dataset, list[Path]]) -> None:
    whole, folders = world
    scanned = ra.scan(folders, partition_size=9)
    pieces = [one.dataset(BY_ISSUE, {}) for one in scanned.partitions]
    assert max(len(piece.issues) for piece in pieces) <= 9
    for name in BY_ISSUE:
        rows = pd.concat([piece[name] for piece in pieces])
        assert len(rows) == len(whole[name])
    ids = [set(piece.issue_events["issue_id"]) for piece in pieces]
    assert all(not one & other for one, other in itertools.combinations(ids, 2))
