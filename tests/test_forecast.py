"""Forecasts: worked out by hand, held against the closed form, and by how often they hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import betaprime

from benchmarks.forecast_coverage import KINDS, coverage
from roadmap_analytics.analysis.forecast.forecast import (
    MIN_LEFT,
    QUANTILES,
    backtest,
    backtest_forecasts,
    forecast,
    item_milestones,
)
from roadmap_analytics.analysis.forecast.futures import (
    HORIZON_DAYS,
    METHODS,
    Past,
    chosen_futures,
    days_to_finish,
    kept_shares,
    paths,
)
from roadmap_analytics.analysis.forecast.promises import targets_against_forecast
from roadmap_analytics.errors import ConfigurationError, UnknownNameError
from roadmap_analytics.frames import Dataset
from roadmap_analytics.report import sentences
from roadmap_analytics.roadmap.tables import parse
from tests.eight_issues import AS_OF, HARVEST, SOMEDAY, WINTER, World, eight_issues

AHEAD = np.ones(HORIZON_DAYS)
DATES = list(QUANTILES)


def one(dataset: Dataset, *args: Any, **kwargs: Any) -> pd.Series[Any]:
    frame = forecast(dataset, *args, **{"as_of": AS_OF, "seed": 1} | kwargs)
    assert len(frame) == 1
    return frame.iloc[0]


def steady(issues: int = 40, every_hours: int = 24) -> World:
    """A milestone of so many issues from 1 March on, of which one is closed per interval."""
    world = World()
    world.milestone(1, "Steady", "2025-03-01", "2025-05-01")
    for issue in range(1, issues + 1):
        world.issue(issue, "2025-02-20 08:00")
        world.put(issue, "2025-02-20 08:00", 1)
        at = pd.Timestamp("2025-03-02 06:00") + pd.Timedelta(every_hours * (issue - 1), "h")
        world.close(issue, str(at))
    return world


def test_the_forecast_of_the_hand_counted_world() -> None:
    """Harvest as of 18 March, counted from the day after its start, 4 March: 15 days.

    Closed: 2 (4th), 1 (5th), 2 again (13th), 4 and 8 (14th): 5. Issue 8 was closed and reopened on
    the 6th, which is no change at the end of that day; 7 was closed when it came. Taken out, or
    put elsewhere: 3 (10th), 6 (11th), 5 (17th): 3. Came: 2 reopened (6th), 5 added (7th),
    1 reopened (16th): 3. Issue 1 is what remains.

    By past weeks there are two whole ones. From the 5th: -1, +1, +1, 0, 0, -1, -1. From the 12th:
    0, -1, -2, 0, +1, -1, 0. With 1 left, the first ends on its first day, 19 March, the second on
    its second, 20 March; each comes first in half of the futures. Within a day the moment is
    even, so days are even over 0 to 2, and the quantiles are 1.0, 1.7 and 1.9 days: 19, 20 and 20
    March.
    """
    row = one(eight_issues().dataset(), HARVEST, method="weeks")
    assert (row["remaining"], row["window_start_date"]) == (1, pd.Timestamp("2025-03-04"))
    assert row[["window_days", "closed", "removed", "added"]].tolist() == [15, 5, 3, 3]
    assert row["closed_per_week"] == pytest.approx(5 * 7 / 15)
    assert row["growth_per_week"] == 0
    assert [f"{row[name]:%d %B}" for name in DATES] == ["19 March", "20 March", "20 March"]
    assert row["chance_by_due_date"] == 0  # it was due on the 14th
    # Five closes on the ten or eleven working days of the year so far, one on five days off.
    assert 0 < row["day_off_share"] < 0.3
    assert pd.isna(row["note"])


def test_chance_of_a_due_date_worked_out_by_hand() -> None:
    """As above; due on 19 March, it is kept in the futures that begin with the first week."""
    frames = eight_issues().frames()
    for name in ("milestones", "milestone_dates"):
        frames[name].loc[frames[name]["milestone_id"] == HARVEST, "due_date"] = pd.Timestamp(
            "2025-03-19"
        )
    row = one(Dataset(frames), HARVEST, method="weeks", draws=4000)
    assert row["chance_by_due_date"] == pytest.approx(0.5, abs=0.03)


def test_too_little_data_says_so_instead_of_giving_a_date() -> None:
    frame = forecast(eight_issues().dataset(), [WINTER, SOMEDAY], as_of=AS_OF, seed=1)
    assert frame[DATES].isna().all(axis=None)
    assert frame["chance_by_due_date"].isna().all()
    assert frame["note"].str.startswith("too little to go by: 0 issues done in").all()
    early = one(eight_issues().dataset(), HARVEST, as_of="2025-02-01")
    assert early["note"] == "no open issue has been in it"


def test_nothing_left_is_done() -> None:
    row = one(eight_issues().dataset(), HARVEST, as_of="2025-03-25")
    assert row["note"] == "done: nothing is open"
    assert row["emptied_date"] == pd.Timestamp("2025-03-20")
    assert (row[DATES] == pd.Timestamp("2025-03-25")).all()
    assert row["chance_by_due_date"] == 0  # six days late
    assert one(steady().dataset(), 1, as_of="2025-04-30")["chance_by_due_date"] == 1


def test_of_a_milestone_that_grows_as_fast_as_it_shrinks_no_date_is_made_up() -> None:
    world = steady(30)
    for issue in range(100, 160):
        at = str(pd.Timestamp("2025-03-02 09:00") + pd.Timedelta(8 * (issue - 100), "h"))
        world.issue(issue, at)
        world.put(issue, at, 1)
    row = one(world.dataset(), 1, as_of="2025-03-20")
    assert pd.isna(row["p95_date"])
    assert "over five years ahead" in row["note"]


def test_targets_other_than_milestones() -> None:
    dataset = eight_issues().dataset()
    # Ada holds 1 from the start and 3 until 12 March; 1 was closed on the 5th, reopened the 16th.
    ada = one(dataset, person="ada")
    assert (ada["title"], ada["remaining"]) == ("ada", 1)
    assert ada[["closed", "removed", "added"]].tolist() == [1, 1, 2]
    everything = one(dataset, horizon=True)
    assert everything["remaining"] == 3  # 1 in Harvest, 3 and 5 in Winter; Someday is a draft
    # Moved from Harvest to Winter within the plan is no change.
    assert everything["removed"] == 1


def test_a_roadmap_item_is_forecast_through_its_milestones() -> None:
    url = "https://git.example.org/groups/orchard/-/milestones/{}"
    text = f"# Plan\n\n1. Cider by end of April ([{url.format(10)}]({url.format(10)}))\n"
    text += "2. Perry by end of May\n"
    roadmap = parse([{"name": "2025-03-01-roadmap.md", "text": text}])
    dataset = Dataset(eight_issues().frames() | roadmap)
    assert item_milestones(dataset, "1", as_of=AS_OF)[1] == [HARVEST]
    assert one(dataset, item="1")[DATES].tolist() == one(dataset, HARVEST)[DATES].tolist()
    with pytest.raises(UnknownNameError, match="got 'Mead': 0 fit; the nearest are"):
        forecast(dataset, item="Mead", as_of=AS_OF, seed=1)
    held = targets_against_forecast(dataset, as_of=AS_OF, seed=1)
    assert held["key"].tolist() == ["1", "2"]
    assert held["milestones"].tolist() == [1, 0]
    assert held["note"].iloc[1] == "it refers to no milestone of the dataset"
    row = held.iloc[0]
    assert row["target_date"] == pd.Timestamp("2025-04-30")
    assert row["gap_p85_days"] == (row["p85_date"] - row["target_date"]).days
    assert 0.8 < row["chance_by_target_date"] <= 1


def plan_of(*texts: str) -> dict[str, pd.DataFrame]:
    days = ("2025-01-01", "2025-02-01", "2025-03-01")
    return parse(
        [
            {"name": f"{day}-roadmap.md", "text": f"# Plan\n\n{text}"}
            for day, text in zip(days, texts, strict=False)
        ]
    )


def test_a_key_that_a_dropped_item_had_does_not_hide_the_slip_of_the_item_that_has_it_now() -> None:
    roadmap = plan_of(
        "1. Wooden barrels by end of March\n2. Cider press by end of April\n",
        "1. Cider press by end of May\n",  # the barrels are dropped, the press has their key
    )
    dataset = Dataset(eight_issues().frames() | roadmap)
    held = targets_against_forecast(dataset, as_of=AS_OF)
    assert held[["key", "title", "slipped_days"]].to_numpy().tolist() == [["1", "Cider press", 31]]


def test_an_item_that_is_done_is_no_target_any_more() -> None:
    url = "https://git.example.org/groups/orchard/-/milestones/10"
    text = f"1. Cider by 5 March ([{url}]({url}))\n2. [x] Perry by 7 March\n"
    dataset = Dataset(eight_issues().frames() | plan_of(text))
    world = eight_issues()
    world.close(1, "2025-03-16 12:00")  # the last one open in Harvest, after the target date
    over = Dataset(world.frames() | plan_of(text))
    held = targets_against_forecast(over, as_of="2025-03-19").iloc[0]
    assert held["remaining"] == 0
    assert held[[*DATES, "chance_by_target_date", "gap_p50_days"]].isna().all()
    assert (held["note"], held["done_date"]) == (
        "done: nothing is open",
        pd.Timestamp("2025-03-17"),
    )
    assert sentences.promises(targets_against_forecast(over, as_of="2025-03-19")) == (
        sentences.promises(targets_against_forecast(Dataset({}), as_of="2025-03-19"))
    )
    still = targets_against_forecast(dataset, as_of=AS_OF).iloc[0]
    assert still["gap_p50_days"] > 0
    assert pd.isna(still["done_date"])


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"milestone": HARVEST, "person": "ada"}, "expected one of milestone, person"),
        ({"method": "magic"}, "expected one of"),
        ({"seed": -1}, "seed: expected a whole number from 0, got -1"),
        ({"person": "adda"}, "the nearest are ada"),
    ],
)
def test_wrong_questions(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        forecast(eight_issues().dataset(), **{"as_of": AS_OF, "seed": 1} | asked)


def test_empty_dataset_gives_empty_frames_with_columns() -> None:
    assert forecast(Dataset({}), as_of=AS_OF, seed=1).empty
    assert backtest_forecasts(Dataset({}), as_of=AS_OF, seed=1).empty
    assert backtest(Dataset({}), as_of=AS_OF, seed=1)["coverage"].isna().all()


def altered_after(dataset: Dataset, as_of: str) -> Dataset:
    """Other issues, closes, dates and titles, all of them after `as_of`."""
    end = pd.Timestamp(as_of, tz="UTC") + pd.Timedelta(1, "D")
    frames = dict(dataset.frames)
    events = frames["issue_events"]
    events = events[events["at"] < end]
    issues = frames["issues"].copy()
    late = pd.DataFrame(
        {
            "issue_id": issues["issue_id"], "seq": 900, "at": end + pd.Timedelta(1, "h"),
            "field": "state", "action": "set", "value": "closed", "source": "event",
            "correction": False,
        }
    )  # fmt: skip
    frames["issue_events"] = pd.concat([events, late])[events.columns].astype(events.dtypes)
    seen = frames["milestone_dates"]
    moved = seen.drop_duplicates("milestone_id").assign(
        observed_at=end, due_date=pd.Timestamp("2031-01-01"), state="closed", title="Other"
    )
    frames["milestone_dates"] = pd.concat([seen[seen["observed_at"] < end], moved])
    issues["state"], issues["milestone_id"], issues["weight"] = "closed", pd.NA, 5
    issues["closed_at"] = end
    frames["issues"] = issues
    frames["milestones"] = frames["milestones"].assign(state="closed", due_date=pd.NaT).astype(
        frames["milestones"].dtypes
    )  # fmt: skip
    return Dataset(frames, dataset.manifest)


@pytest.mark.parametrize("target", [{}, {"milestone": HARVEST}, {"person": "ada"}])
def test_nothing_after_as_of_matters(target: dict[str, Any]) -> None:
    dataset = eight_issues().dataset()
    before = forecast(dataset, **target, as_of=AS_OF, seed=3)
    after = forecast(altered_after(dataset, AS_OF), **target, as_of=AS_OF, seed=3)
    assert len(before)
    pd.testing.assert_frame_equal(before, after)
    assert before.attrs == after.attrs


def test_a_backtest_s_forecasts_are_those_that_were_possible_then() -> None:
    """Each equals the one made from the same day with everything after it altered."""
    dataset = steady().dataset()
    asked = backtest_forecasts(
        dataset, as_of="2025-04-20", seed=3, methods=["poisson"], every_days=7
    )
    answered = asked[asked["answered"]]
    assert len(answered) >= 3
    again = backtest_forecasts(
        altered_after(dataset, "2025-03-30"), as_of="2025-04-20", seed=3, methods=["poisson"],
        every_days=7,
    )  # fmt: skip
    early = answered["asked_date"] <= "2025-03-30"
    assert early.any()
    columns = ["remaining", *DATES]
    wanted = asked[asked["asked_date"] <= "2025-03-30"][columns]
    pd.testing.assert_frame_equal(again[again["asked_date"] <= "2025-03-30"][columns], wanted)


def test_a_backtest_counts_dates_once_they_have_passed() -> None:
    dataset = steady(20).dataset()  # the last issue is closed on 21 March
    asked = backtest_forecasts(dataset, as_of="2025-03-19", seed=1, every_days=1)
    assert asked["actual_date"].isna().all()
    counted = backtest(dataset, as_of="2025-03-19", seed=1, every_days=1)
    assert (counted["held"] == 0).all()  # dates that passed unfinished did not hold
    later = backtest(dataset, as_of="2025-04-10", seed=1, every_days=1)
    median = later[later["quantile"] == 0.95].set_index("method")
    assert (median["coverage"] > 0.9).all()
    assert ((later["low"] <= later["coverage"]) & (later["coverage"] <= later["high"])).all()
    assert (later["milestones"] == 1).all()
    assert (later["high"] - later["low"] > 0.5).all()  # one milestone proves little


def test_same_seed_same_bytes_whatever_else_is_asked_for() -> None:
    dataset = eight_issues().dataset()
    first = forecast(dataset, HARVEST, as_of=AS_OF, seed=1)
    pd.testing.assert_frame_equal(first, forecast(dataset, "Harvest", as_of=AS_OF, seed=1))
    several = forecast(dataset, [WINTER, HARVEST], as_of=AS_OF, seed=1)
    assert several.iloc[0][DATES].tolist() == first.iloc[0][DATES].tolist()
    shuffled = {name: f.sample(frac=1, random_state=5) for name, f in dataset.frames.items()}
    again = forecast(Dataset(shuffled, dataset.manifest), HARVEST, as_of=AS_OF, seed=1)
    pd.testing.assert_frame_equal(first, again)


def test_holidays_are_waited_for() -> None:
    frames = steady(40).frames()
    free = {"calendar": {"workdays": ["Mon", "Tue", "Wed", "Thu", "Fri"], "holidays": []}}
    days = [str(day.date()) for day in pd.date_range("2025-03-22", "2025-04-20")]
    off = {"calendar": free["calendar"] | {"holidays": days}}
    # Nothing is closed on weekends here, so days off are quiet.
    events = frames["issue_events"]
    weekend = (events["at"].dt.day_of_week >= 5) & (events["value"] == "closed")
    frames["issue_events"] = events[~weekend].reset_index(drop=True)
    usual = one(Dataset(frames, {"config": free}), 1, as_of="2025-03-21")
    waits = one(Dataset(frames, {"config": off}), 1, as_of="2025-03-21")
    assert usual["day_off_share"] < 0.2
    assert (waits["p50_date"] - usual["p50_date"]).days > 14


counts = st.lists(st.integers(0, 4), min_size=14, max_size=60)


@given(left=counts, came=st.lists(st.integers(0, 2), min_size=60, max_size=60),
       remaining=st.integers(1, 30), method=st.sampled_from(sorted(METHODS)))  # fmt: skip
def test_any_past_gives_ordered_days_and_paths_that_end_with_them(
    left: list[int], came: list[int], remaining: int, method: str
) -> None:
    departures = np.array(left, dtype=float)
    departures[0] += MIN_LEFT
    past = Past(departures, np.array(came[: len(left)], dtype=float), np.ones(len(left)))
    settings: dict[str, Any] = {"method": method, "draws": 60, "seed": [4]}
    days = days_to_finish(past, remaining, AHEAD[:560], **settings)
    assert (days > 0).all()
    walked = paths(past, remaining, AHEAD[:560], **settings)
    assert ((walked >= 0) & (walked == np.round(walked))).all()
    ended = np.where((walked == 0).any(axis=1), (walked == 0).argmax(axis=1) + 1, np.inf)
    assert np.array_equal(np.ceil(days), ended)


def test_poisson_is_the_closed_form() -> None:
    """Remaining over a gamma rate: Gamma(20, 1) / Gamma(12.5, 120 days), a beta prime variable."""
    left = np.zeros(120)
    left[:120:10] = 1
    past = Past(left, np.zeros(120), np.ones(120))
    days = days_to_finish(past, 20, AHEAD, method="poisson", draws=20000, seed=[1])
    levels = [0.05, 0.25, 0.5, 0.85, 0.95]
    wanted = betaprime(20, 12.5).ppf(levels) * 120
    assert np.quantile(days, levels) == pytest.approx(wanted, rel=0.03)


def test_bursts_are_told_from_even_closing() -> None:
    """Thirty issues in sixty days: one every other day, or ten on every twentieth day."""
    spread, lumped = np.zeros(60), np.zeros(60)
    spread[::2], lumped[10::20] = 1, 10
    width = {}
    for name, left in {"spread": spread, "lumped": lumped}.items():
        past = Past(left, np.zeros(60), np.ones(60))
        days = days_to_finish(past, 30, AHEAD, method="bursts", draws=2000, seed=[1])
        width[name] = np.subtract(*np.quantile(days, [0.85, 0.5]))
    assert width["lumped"] > 2 * width["spread"]


# The large version for docs/forecast.md: benchmarks/forecast_coverage.py. The bounds allow three
# standard errors besides what the method itself may be off by.
@pytest.mark.parametrize(
    "many", [pytest.param(120, id="few"), pytest.param(1000, id="many", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("kind", ["steady", "slow, 5 left", "bursts: batches", "growing"])
def test_forecasts_hold_as_often_as_they_say(kind: str, many: int) -> None:
    share, answered = coverage("bursts", KINDS[kind], many, seed=11)
    assert answered > 0.95 * many
    for level, kept in zip((0.5, 0.85, 0.95), share, strict=True):
        assert abs(kept - level) < 0.03 + 3 * np.sqrt(level * (1 - level) / many), (level, kept)


@pytest.mark.parametrize(
    ("method", "kind"),
    [("poisson", "bursts: batches"), ("daily, to the last close", "slow, 20 left")],
)
def test_such_bounds_find_methods_that_do_not_hold(method: str, kind: str) -> None:
    share, _ = coverage(method, KINDS[kind], 200, seed=11)
    assert share[1] < 0.85 - 0.03 - 3 * np.sqrt(0.85 * 0.15 / 200)


def test_the_law_of_batches_is_what_it_says() -> None:
    """Mean .5 a day; batches of geometric size 3 give a variance of 5 times that."""
    days = KINDS["bursts: batches"].leaves(np.random.default_rng(1), 100_000)
    assert days.mean() == pytest.approx(0.5, rel=0.05)
    assert days.var() / days.mean() == pytest.approx(5, rel=0.05)


def test_shares_of_past_outcomes_worked_out_by_hand() -> None:
    """Five finished halfway, one censored at .75: all at .5, blended with ten even ones.

    At .5 the Kaplan-Meier share falls to 1 - 5/6, so by then (5 x 5/6 + 10 x .5) / 15 = .6111.
    """
    level = np.array([0.5, 0.5, 0.5, 0.5, 0.5, 0.75])
    done = np.array([True] * 5 + [False])
    learned = kept_shares(level, done, np.arange(6))
    assert learned is not None
    shares, milestones = learned
    assert milestones == 5
    assert shares[100] == pytest.approx(11 / 18)
    assert shares[99] == pytest.approx(0.33)  # nothing but the even ones
    assert shares[-1] == pytest.approx(17 / 18)
    assert (np.diff(shares) > 0).all()
    assert kept_shares(level[:5], done[:5], np.array([1, 1, 2, 3, 4])) is None  # four milestones
    # Of 100 futures that end one a day: most outcomes fell on the 50th; one is not known.
    _, days = chosen_futures(np.arange(1.0, 101.0), shares)
    assert np.isinf(days).mean() == pytest.approx(1 / 18, abs=0.01)
    assert np.median(days) == pytest.approx(50, abs=1)


def test_futures_stay_as_they_are_where_the_past_needs_no_shift() -> None:
    days = np.random.default_rng(1).gamma(5, 10, 400)
    places, same = chosen_futures(days, np.linspace(0, 1, 201))
    assert (same == np.sort(days)).all()
    assert (days[places] == same).all()


def several(milestones: int = 8) -> World:
    """Milestones of 20 issues, one closed every 4 days, until 8 days after all hurry at once."""
    world = World()
    for number in range(1, milestones + 1):
        begin = pd.Timestamp("2024-03-01") + pd.Timedelta(20 * number, "D")
        world.milestone(number, f"Hurry {number}", str(begin.date()), "2025-05-01")
        for place in range(20):
            issue = 100 * number + place
            world.issue(issue, str(begin))
            world.put(issue, str(begin), number)
            day = 4 * (place + 1) if place < 10 else 44 + place // 4
            world.close(issue, str(begin + pd.Timedelta(day, "D")))
    return world


def test_recalibration_brings_dates_forward_where_teams_hurried_before() -> None:
    dataset, day = several().dataset(), "2024-09-15"
    past = backtest(dataset, as_of=day, seed=1, methods=["bursts"], draws=200)
    plain = one(dataset, 8, as_of=day)
    shifted = forecast(dataset, 8, as_of=day, seed=1, past=past)
    row = shifted.iloc[0]
    assert plain["remaining"] == row["remaining"] > 0
    assert pd.isna(plain["shifted_by"])
    assert row["shifted_by"] == 7
    assert row["p50_date"] < plain["p50_date"]
    assert row["p50_date"] <= row["p85_date"]
    assert shifted.attrs["fan"][0][1:] == [row["remaining"]] * 5
    with pytest.raises(ConfigurationError, match="for 2024-09-14, got a frame of 2024-09-15"):
        forecast(dataset, 8, as_of="2024-09-14", seed=1, past=past)
    with pytest.raises(ConfigurationError, match="what backtest returns"):
        forecast(dataset, 8, as_of=day, seed=1, past=plain.to_frame())
    with pytest.raises(ConfigurationError, match="leave it out"):
        forecast(dataset, horizon=True, as_of=day, seed=1, past=past)


def test_a_backtest_tells_what_shifted_dates_were_worth() -> None:
    """On each past day, only outcomes known then shift: what came later changes nothing."""
    dataset, day = several().dataset(), "2024-10-15"
    settings: dict[str, Any] = {"seed": 1, "methods": ["bursts"], "draws": 200}
    asked = backtest_forecasts(dataset, as_of=day, **settings)
    shifted = asked[asked["shifted_by"].notna()]
    assert len(shifted)
    assert (shifted["shifted_p50_date"] < shifted["p50_date"]).all()
    for _, row in shifted.iterrows():
        others = asked[asked["milestone_id"] != row["milestone_id"]]
        others = others[others["answered"] & (others["asked_date"] < row["asked_date"])]
        finished = others[others["actual_date"] <= row["asked_date"]]
        assert row["shifted_by"] == finished["milestone_id"].nunique() >= 5
    then = "2024-09-15"
    again = backtest_forecasts(altered_after(dataset, then), as_of=day, **settings)
    early = asked["asked_date"] <= then
    dates = [f"shifted_{name}" for name in DATES]
    assert asked.loc[early, "shifted_by"].notna().any()
    pd.testing.assert_frame_equal(again.loc[again["asked_date"] <= then, dates],
                                  asked.loc[early, dates])  # fmt: skip
    worth = backtest(dataset, as_of=day, **settings)
    passed = shifted["shifted_p50_date"] <= pd.Timestamp(day)
    assert worth["shifted_forecasts"].iloc[0] == passed.sum() > 0
    held = shifted[passed & (shifted["actual_date"] <= shifted["shifted_p50_date"])]
    assert worth["shifted_held"].iloc[0] == len(held)


def test_a_date_beyond_what_the_past_tells_is_not_called_endless() -> None:
    """Five others ended early; of six only that they last longer is known.

    The past tells (5 x 5/11 + 10) / 15 = .82 of the outcomes.
    """
    dataset = steady().dataset()
    past = backtest_forecasts(dataset, as_of="2025-03-20", seed=1, methods=["bursts"])
    early = [(milestone, 0.2, True) for milestone in range(2, 7)]
    past.attrs["outcomes"] = {"bursts": early + [(m, 0.3, False) for m in range(7, 13)]}
    row = one(dataset, 1, as_of="2025-03-20", past=past)
    assert pd.notna(row["p50_date"])
    assert pd.isna(row["p95_date"])
    assert row["note"].startswith("p85, p95: beyond what past milestones tell")
    assert pd.isna(one(dataset, 1, as_of="2025-03-20")["note"])


def test_a_closed_milestone_gets_no_date() -> None:
    frames = steady().frames()
    seen = pd.Timestamp("2025-03-20 12:00", tz="UTC").as_unit("us")
    kinds = frames["milestone_dates"].dtypes
    row = frames["milestones"].assign(observed_at=seen, state="closed")[list(kinds.index)]
    dataset = Dataset(frames | {"milestone_dates": row.astype(kinds)})
    closed = one(dataset, 1, as_of="2025-03-20")
    assert closed["note"] == f"closed; still open in it: {closed['remaining']}"
    assert closed[[*DATES, "chance_by_due_date"]].isna().all()
    assert one(dataset, 1, as_of="2025-03-19")["p50_date"] > pd.Timestamp("2025-03-19")
    asked = backtest_forecasts(dataset, as_of="2025-04-20", seed=1, every_days=1)
    assert asked["asked_date"].max() == pd.Timestamp("2025-03-19")


def test_what_is_planned_before_the_start_is_no_growth() -> None:
    """Thirty issues put in over ten days, for a start that is still to come."""
    world = World()
    world.milestone(1, "Next", "2025-06-01", "2025-08-01")
    for issue in range(1, 31):
        at = pd.Timestamp("2025-03-01 08:00") + pd.Timedelta(8 * issue, "h")
        world.issue(issue, str(at))
        world.put(issue, str(at), 1)
        if issue <= 12:
            world.close(issue, str(at + pd.Timedelta(20, "D")))
    row = one(world.dataset(), 1, as_of="2025-04-10")
    assert (row["remaining"], row["added"], row["growth_per_week"]) == (18, 0, 0)
    assert pd.notna(row["p95_date"])


def test_a_state_first_seen_later_does_not_decide_what_is_listed() -> None:
    frames = steady(20).frames()
    listed = []
    for state in ("active", "closed"):
        later = frames["milestone_dates"].assign(
            observed_at=pd.Timestamp("2025-06-01", tz="UTC").as_unit("us"), state=state
        )
        dataset = Dataset(frames | {"milestone_dates": later})
        listed.append(len(forecast(dataset, as_of="2025-04-10", seed=1)))
    assert listed == [0, 0]  # all were closed by 21 March


def test_days_are_those_of_the_datasets_own_zone() -> None:
    frames = eight_issues().frames()
    swedish = Dataset(frames, {"config": {"calendar": {"timezone": "Europe/Stockholm"}}})
    for call in (forecast, backtest, backtest_forecasts):
        expected = call(Dataset(frames), as_of=AS_OF, timezone="Europe/Stockholm")
        pd.testing.assert_frame_equal(call(swedish, as_of=AS_OF), expected)
        pd.testing.assert_frame_equal(call(swedish, as_of=AS_OF, timezone=None), expected)


def test_the_seed_has_a_default() -> None:
    dataset = eight_issues().dataset()
    pd.testing.assert_frame_equal(
        forecast(dataset, HARVEST, as_of=AS_OF), forecast(dataset, HARVEST, as_of=AS_OF, seed=1)
    )
    for call in (backtest, backtest_forecasts):
        pd.testing.assert_frame_equal(
            call(dataset, as_of=AS_OF), call(dataset, as_of=AS_OF, seed=1)
        )
