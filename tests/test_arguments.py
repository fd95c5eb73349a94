"""What a person would pass to a call: understood, or an error that names the argument."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import roadmap_analytics as ra
from roadmap_analytics.errors import ConfigurationError, DatasetError, UnknownNameError
from roadmap_analytics.frames import Dataset
from tests.eight_issues import AS_OF, HARVEST, eight_issues
from tests.exporting import command
from tests.odd_datasets import SAMPLE
from tests.test_row_order import simulated

DATASET = eight_issues().dataset()


@pytest.mark.parametrize(
    "milestone",
    [
        float(HARVEST),  # the first of a column of ids with gaps
        np.int64(HARVEST),
        np.float64(HARVEST),
        pd.Series([HARVEST, HARVEST], index=[7, 7]),
        pd.Index([HARVEST]),
        {HARVEST},
        (one for one in [HARVEST]),
    ],
    ids=["float", "int64", "float64", "series", "index", "set", "generator"],
)
def test_an_id_however_pandas_gives_it(milestone: Any) -> None:
    expected = ra.burndown(DATASET, HARVEST, as_of=AS_OF)
    pd.testing.assert_frame_equal(ra.burndown(DATASET, milestone, as_of=AS_OF), expected)


NO_MILESTONES = [None, np.nan, pd.NA, pd.NaT, float("inf"), 2.5, True, b"Harvest", [[HARVEST]]]


@pytest.mark.parametrize(
    "milestone", [*NO_MILESTONES, DATASET.milestones], ids=lambda m: str(m)[:9]
)
@pytest.mark.parametrize("call", [ra.burndown, ra.milestone_timeline])
def test_what_names_no_milestone(call: Callable[..., Any], milestone: Any) -> None:
    with pytest.raises(UnknownNameError, match=r"milestone: expected the id, .* got ") as error:
        call(DATASET, milestone, as_of=AS_OF)
    assert "\n" not in str(error.value)
    assert ("give its column" in str(error.value)) == isinstance(milestone, pd.DataFrame)


def test_one_milestone_to_compare_is_as_good_as_a_list() -> None:
    expected = ra.burndowns(DATASET, [HARVEST], as_of=AS_OF)
    assert len(expected)
    title = str(DATASET.milestones.set_index("milestone_id")["title"][HARVEST])
    for one in (HARVEST, title, np.int64(HARVEST)):
        pd.testing.assert_frame_equal(ra.burndowns(DATASET, one, as_of=AS_OF), expected)
    assert ra.burndowns(DATASET, [], as_of=AS_OF).empty


SIMULATED = simulated()
PERSON = str(SIMULATED.assignments["person"].iloc[0])
DAY = SIMULATED.exported_date
WRONG: list[tuple[Callable[..., Any], dict[str, Any], str]] = [
    (ra.workload, {"label": "Bug"}, r"label: .* got 'Bug'; the nearest are bug, "),
    (ra.workload, {"label": ["bug"]}, r"label: .* got \['bug'\]"),
    (ra.workload, {"due_soon_days": "14"}, "due_soon_days: expected a whole number from 0 to "),
    (ra.workload, {"due_soon_days": -1}, "due_soon_days: .* got -1"),
    (ra.workload, {"recent_days": np.nan}, "recent_days: .* got nan"),
    (ra.workload, {"recent_days": None}, "recent_days: .* got None"),
    (ra.workload, {"types": 3}, "types: .* got 3"),
    (ra.workload_plan, {"hours_per_day": -1}, "hours_per_day: expected a number from 0 to 24, got"),
    (ra.workload_plan, {"hours_per_day": "6"}, "hours_per_day: .* got '6'"),
    (ra.workload_plan, {"hours_per_day": float("nan")}, "hours_per_day: .* got nan"),
    (ra.workload_plan, {"low": None}, "low: .* got None"),
    (ra.workload_plan, {"low": 2.0, "high": 1.0}, "low: expected a number from 0 to 1, got 2.0"),
    (ra.workload_plan, {"absences": "ada"}, "absences: expected handles .* got 'ada'"),
    (
        ra.workload_plan,
        {"absences": {"stranger": []}},
        "person: .* got 'stranger'; the nearest are ",
    ),
    (ra.workload_history, {"since": "2099-01-01"}, "since: expected a day up to as_of"),
    (ra.workload_history, {"since": "soon"}, "since: expected a date .* got 'soon'"),
    (ra.lead_times, {"since": "2099-01-01"}, "since: expected a day up to as_of"),
    (ra.lead_times, {"since": pd.NaT}, "since: expected a date .* got NaT"),
    (ra.changes, {"since": None}, "since: expected a date .* got None"),
    (ra.open_issues, {"person": 3}, "person: expected one handle, got 3"),
    (ra.open_issues, {"person": [PERSON]}, "person: expected one handle, got "),
    (ra.forecast, {"person": np.nan}, "person: expected one handle, got nan"),
    (ra.backtest, {"every_days": 1.5}, "every_days: expected a whole number from 1, got 1.5"),
]

IDS = [
    f"{call.__name__}-{place}-{next(iter(wrong))}" for place, (call, wrong, _) in enumerate(WRONG)
]


@pytest.mark.parametrize(("call", "wrong", "said"), WRONG, ids=IDS)
def test_a_wrong_argument_is_named(call: Callable[..., Any], wrong: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        call(SIMULATED, as_of=DAY, **wrong)


def test_the_right_ones_are_still_read() -> None:
    assert len(ra.workload(SIMULATED, as_of=DAY, label="bug", due_soon_days=np.int64(0)))
    named = {**SIMULATED.manifest, "config": {"labels": {"future": "Some day"}}}
    configured = ra.workload(ra.Dataset(SIMULATED.frames, named), as_of=DAY, label="Some day")
    assert configured["open_issues"].sum() == 0
    away = {PERSON: [("2026-11-23", "2026-11-27")]}
    assert len(ra.workload_plan(SIMULATED, as_of=DAY, absences=away, hours_per_day=np.float64(7.5)))
    assert len(ra.workload_history(SIMULATED, as_of=DAY, since=DAY))


def test_a_day_beyond_the_years_of_nanoseconds_is_a_day() -> None:
    last = pd.Timestamp.max.tz_localize("UTC")
    expected = ra.milestone_progress(DATASET, as_of=last.date())
    found = ra.milestone_progress(DATASET, as_of=last)
    pd.testing.assert_frame_equal(found, expected)


def test_a_frame_as_day_is_said_in_one_line() -> None:
    with pytest.raises(ConfigurationError, match="as_of: expected a date") as error:
        ra.workload(DATASET, as_of=DATASET.issues)  # type: ignore[arg-type]
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 200


NO_DATASETS = [None, "data/sample", Path("data/sample"), DATASET.issues, {}]


@pytest.mark.parametrize("wrong", NO_DATASETS, ids=lambda wrong: str(type(wrong)))
def test_what_is_no_dataset(wrong: Any) -> None:
    calls: list[Callable[[], object]] = [
        lambda: ra.burndown(wrong, HARVEST, as_of=AS_OF),
        lambda: ra.workload(wrong, as_of=AS_OF),
        lambda: ra.check(wrong),
        lambda: ra.reading_quality(wrong),
        lambda: ra.reading_summary(wrong),
        lambda: ra.write_roadmap_page(wrong, "nowhere"),
    ]
    for call in calls:
        with pytest.raises(ConfigurationError, match=r"dataset: .*; call ra\.load\(DIR\)"):
            call()


def test_a_frame_of_another_function_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"expected a frame as ra\.milestone_progress"):
        ra.current_milestones(DATASET.issues)
    with pytest.raises(ConfigurationError, match=r"expected a frame as ra\.slippage .* got None"):
        ra.slip_per_revision(None)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="table: expected a frame, got None"):
        ra.table(None, caption="nothing")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="show: expected the axes of a chart, got None"):
        ra.show(None, alt="", caption="")  # type: ignore[arg-type]


def test_nothing_is_saved_that_could_not_be_loaded(tmp_path: Path) -> None:
    """A manifest made by hand was written, and then refused as damaged."""
    by_hand = Dataset(DATASET.frames, {"runs": [{"run": "000001", "ended_at": "2025-03-25"}]})
    with pytest.raises(DatasetError, match=r"saved: cannot be saved: the manifest's runs: started"):
        by_hand.save(tmp_path / "saved")
    assert not (tmp_path / "saved").exists()


def test_one_name_is_as_good_as_a_list(tmp_path: Path) -> None:
    Dataset(DATASET.frames).save(tmp_path / "saved")
    assert list(ra.load(tmp_path / "saved", "issues").frames) == ["issues"]
    with pytest.raises(ConfigurationError, match=r"^here/there: expected a web address"):
        ra.export_dataset("here/there", to=tmp_path / "new")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"calendars": {}}, r"\[calendars\] is unknown. Did you mean calendar\?"),
        ({"calendar": {"timezon": "UTC"}}, r"timezon is unknown. Did you mean timezone\?"),
        ({"calendar": {"timezone": "Mars"}}, "timezone: expected an IANA time zone"),
        ({"people": {"ada": "Ada"}}, "people ada: expected a list"),
        (3, "expected sections, got 3"),
    ],
)
def test_settings_given_in_a_call_are_checked_as_those_of_a_file(
    config: Any, said: str, tmp_path: Path
) -> None:
    (tmp_path / "2026-01-01.md").write_text("# Roadmap\n\n- Docs by end of May\n")
    with pytest.raises(ConfigurationError, match=f"read_roadmaps: config: .*{said}"):
        ra.read_roadmaps(tmp_path, config=config)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"via": "rset"}, r"via: expected one of \['auto', 'rest', 'graphql'\], got 'rset'"),
        ({"jobs": 0}, "jobs: expected a whole number from 1 to 64, got 0"),
        ({"jobs": 65}, "jobs: expected a whole number from 1 to 64, got 65"),
    ],
)
def test_an_export_checks_what_the_command_line_checks(
    arguments: Any, said: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        ra.export_dataset(["https://git.example.org/a"], to=tmp_path / "new", **arguments)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(("issues", "seed"), [(0, 1), (10**20, 1), (3, -1), (3, 10**22)], ids=str)
def test_a_simulation_of_no_or_too_many_issues_or_a_seed_that_is_none(
    issues: int, seed: int, tmp_path: Path
) -> None:
    to = tmp_path / "new"
    with pytest.raises(ConfigurationError, match=r"(issues|seed): expected a whole number from"):
        ra.simulate_dataset(to, issues=issues, seed=seed)
    told = ("--to", str(to), "--issues", str(issues), "--seed", str(seed))
    outcome = command("simulate", *told)
    assert (outcome.code, outcome.err.count("\n")) in ((2, 1), (2, 2)), outcome.err
    assert not to.exists()


def test_a_report_says_which_argument_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="got a dataset in memory; save"):
        ra.write_report(DATASET, tmp_path / "out")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"pseudonyms: .* got -1"):
        ra.write_report("data/sample", tmp_path / "out", pseudonyms=-1)
    with pytest.raises(ConfigurationError, match=r"^since: expected a date .* got 'soon'"):
        ra.write_report(SAMPLE, tmp_path / "out", since="soon")


def test_a_file_or_a_loop_instead_of_a_dataset_is_no_damage(tmp_path: Path) -> None:
    """Nothing is broken there, and no backup helps."""
    file, loop = tmp_path / "file", tmp_path / "loop"
    file.touch()
    loop.symlink_to(loop)
    for wrong, found in ((file, "a file"), (loop, "no such folder"), ("~/x", "no such folder")):
        with pytest.raises(DatasetError, match=f"expected a dataset, found {found}") as error:
            ra.load(wrong)
        assert ("only a shell reads ~" in str(error.value)) == (wrong == "~/x")
    outcome = command("check", "x" * 300)
    assert outcome.code == 5
    assert "no such folder" in outcome.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", ""),
        ("report", "data/sample", "--to", ""),
        ("roadmaps", ""),
        ("export", "https://git.example.org/a", "--to", "new", "--roadmaps", ""),
        ("doctor", ""),
    ],
    ids=lambda arguments: arguments[0],
)
def test_an_empty_argument_is_not_the_working_directory(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable of a script that is not set."""
    monkeypatch.chdir(tmp_path)
    outcome = command(*arguments)
    assert outcome.code == 2
    before = arguments[arguments.index("") - 1]
    assert f"expected a value after {before}, got an empty one." in outcome.err
    assert not list(tmp_path.iterdir())


def test_a_home_in_roadmap_toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No shell reads ~ there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "archive").mkdir(parents=True)
    (tmp_path / "home" / "archive" / "2026-01-01.md").write_text("# Roadmap\n\n- Docs by May\n")
    (tmp_path / "roadmap.toml").write_text('[roadmaps]\npath = "~/archive"\n')
    done = ra.export_dataset(to="new", config="roadmap.toml")
    assert done.rows["roadmap_items"] == 1
    asked = ra.load("new").manifest["asked"]
    assert asked["roadmaps"] == str(tmp_path / "home" / "archive")
