"""Sentences are computed: from worlds counted by hand, and from nothing at all."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import roadmap_analytics as ra
from roadmap_analytics.frames import Dataset
from roadmap_analytics.report import sentences
from tests.eight_issues import AS_OF, eight_issues
from tests.test_workload import roadmap, six_issues

NOTHING = Dataset({})
FRIDAY = "2025-03-14"

EMPTY: dict[str, tuple[Callable[[], pd.DataFrame], str]] = {
    "milestones": (
        lambda: ra.current_milestones(ra.milestone_progress(NOTHING, as_of=AS_OF)),
        "No active milestone has any issues.",
    ),
    "punctuality": (
        lambda: ra.milestone_progress(NOTHING, as_of=AS_OF),
        "No milestone has been closed after its due date yet.",
    ),
    "scope_changes": (
        lambda: ra.scope_changes(NOTHING, as_of=AS_OF),
        "Nothing was added or removed after the start.",
    ),
    "carried_over": (
        lambda: ra.carried_over(NOTHING, as_of=AS_OF),
        "No milestone has passed its due date with open issues.",
    ),
    "planned": (
        lambda: ra.planned_work(NOTHING, as_of=AS_OF),
        "Nothing was closed in the last weeks.",
    ),
    "future": (
        lambda: ra.future_work(NOTHING, as_of=AS_OF),
        "Nothing is set aside under the Future label or in draft milestones.",
    ),
    "workload": (
        lambda: ra.workload(NOTHING, as_of=AS_OF),
        "No issue is open.",
    ),
    "workload_history": (
        lambda: ra.workload_history(NOTHING, as_of=AS_OF),
        "No issue has ever been open.",
    ),
    "workload_plan": (
        lambda: ra.workload_plan(NOTHING, as_of=AS_OF),
        "No assigned open issue has a due date, so there is nothing to spread over weeks.",
    ),
    "duties": (
        lambda: ra.duties(NOTHING, as_of=AS_OF),
        "There is no roadmap to compare the load with.",
    ),
    "forecast": (
        lambda: ra.forecast(NOTHING, as_of=AS_OF),
        "There is no milestone to forecast.",
    ),
    "rests_on": (lambda: ra.forecast(NOTHING, as_of=AS_OF), ""),
    "attribution": (
        lambda: ra.attribution(NOTHING, as_of=AS_OF),
        "No milestone has missed its first due date.",
    ),
    "lead_times": (lambda: ra.lead_times(NOTHING, as_of=AS_OF), "There is no issue."),
    "readings": (lambda: NOTHING["roadmap_lines"], "There are no roadmap documents."),
    "reading_alarms": (
        lambda: ra.reading_alarms(NOTHING, as_of=AS_OF),
        "No alarms about how the roadmap was read.",
    ),
    "timeline": (
        lambda: pd.DataFrame({"step": [], "amount": [], "due_date": []}),
        "The milestone: nothing has happened yet.",
    ),
    "throughput": (
        lambda: ra.throughput(NOTHING, as_of=AS_OF),
        "There is no full week to count yet.",
    ),
    "slippage": (
        lambda: ra.slippage(NOTHING, as_of=AS_OF),
        "There is no roadmap revision.",
    ),
    "milestone_slippage": (
        lambda: ra.milestone_slippage(NOTHING, as_of=AS_OF),
        "No due date changed between exports.",
    ),
    "renewals": (
        lambda: ra.renewal_slippage(NOTHING, as_of=AS_OF),
        "No roadmap update can be compared with its planned date yet.",
    ),
    "promises": (
        lambda: ra.targets_against_forecast(NOTHING, as_of=AS_OF),
        "No roadmap target can be compared with a forecast.",
    ),
    "open_issues": (lambda: ra.open_issues(NOTHING, as_of=AS_OF), "No issue is open."),
    "backtest": (
        lambda: ra.backtest(NOTHING, as_of=AS_OF),
        "No forecast date of 85 % has passed yet, so it is not known how often they hold.",
    ),
}


def test_a_target_without_a_forecast_date_is_not_passed_over() -> None:
    targets = pd.DataFrame(
        {
            "title": ["Lamp", "Lens", "Mast", "Moat"],
            "gap_p50_days": [5.0, -3.0, np.nan, np.nan],
            "chance_by_target_date": [0.2, 0.8, 0.01, np.nan],
        }
    )
    assert sentences.promises(targets) == (
        "2 of 3 targets are earlier than the forecast: "
        "Lamp by 5 days, Mast beyond any date that can be forecast."
    )
    assert sentences.promises(targets[2:]) == (
        "1 of 1 target is earlier than the forecast: Mast beyond any date that can be forecast."
    )
    assert sentences.promises(targets[1:2]) == (
        "The one target that can be checked is no earlier than its forecast."
    )


@pytest.mark.parametrize("name", list(EMPTY))
def test_nothing_is_said_to_be_missing(name: str) -> None:
    call, sentence = EMPTY[name]
    assert getattr(sentences, name)(call()) == sentence


def test_every_sentence_is_tested_on_nothing() -> None:
    of_rows = {"burndown", "burnup", "changed", "decision", "roadmap_changes"}
    of_module = inspect.getmembers(sentences, inspect.isfunction)
    public = {name for name, one in of_module if one.__module__ == sentences.__name__}
    assert set(EMPTY) | of_rows == {name for name in public if not name.startswith("_")}


def test_milestones_counted_by_hand() -> None:
    """On 18 March Harvest, due on the 14th, has one issue left of five; Winter two of two."""
    dataset = eight_issues().dataset()
    current = ra.current_milestones(ra.milestone_progress(dataset, as_of=AS_OF))
    assert sentences.milestones(current) == (
        "2 active milestones with 3 of 7 issues left; Harvest is past the due date; next is "
        "Winter, due 28 Mar 2025 with 2 left."
    )
    winter = ra.burndown(dataset, "Winter", as_of=AS_OF)
    assert sentences.burndown(winter) == "Winter: 2 of 2 issues remain, 10 days before it is due."
    assert sentences.burnup(winter) == (
        "Scope grew by 1 issue since the start, from 1; 0 of 2 are completed."
    )
    harvest = ra.burndown(dataset, "Harvest", as_of=AS_OF)
    assert sentences.burndown(harvest) == "Harvest: 1 of 5 issues remain, 4 days after it was due."
    before = ra.burndown(dataset, "Harvest", as_of="2025-03-14")
    assert sentences.burndown(before).endswith("remain, on the day it is due.")


def test_scope_changes_counted_by_hand() -> None:
    """Harvest: 1 put 4, 5 and 7 in after or on the start day, 3, 5 and 6 left it."""
    dataset = eight_issues().dataset()
    changes = ra.scope_changes(dataset, "Harvest", as_of=AS_OF)
    assert sentences.scope_changes(changes) == "2 issues added and 3 removed after the start."
    weights = ra.scope_changes(dataset, "Harvest", as_of=AS_OF, measure="weight")
    assert sentences.scope_changes(weights).endswith("removed and 1 raised after the start.")


def test_what_changed_in_one_milestone_names_its_chance() -> None:
    row = dict.fromkeys(["closed", "reopened", "added", "removed", "moved_on"], 0) | {
        "state_before": "active", "state": "active", "due_date_before": None, "due_date": None,
        "chance_before": 0.624, "chance": 0.621,
    }  # fmt: skip
    assert sentences.changed(row) == []  # 62 % both times
    assert sentences.changed(row | {"chance": 0.07}) == ["chance 7 %, was 62 %"]
    assert sentences.changed(row | {"chance": float("nan")}) == []


def test_load_counted_by_hand() -> None:
    load = ra.workload(six_issues().dataset(), as_of=FRIDAY)
    assert sentences.workload(load) == (
        "3 people have open issues; bo has the most, 2 (median 1); 2 open issues have no "
        "assignee; 1 is overdue."
    )
    plan = ra.workload_plan(six_issues().dataset(), as_of=FRIDAY)
    assert sentences.workload_plan(plan) == (
        "Every week is within capacity; 6 hours are overdue and count on the next working day."
    )
    assert sentences.duties(ra.duties(roadmap(six_issues()), as_of=FRIDAY)) == (
        "1 of 2 roadmap items has no owner; 1 driver has no issue in their item; "
        "1 person has issues in items that do not name them."
    )


def test_a_forecast_names_the_target_least_likely_to_hold() -> None:
    day = pd.Timestamp("2025-04-01")
    rows: list[dict[str, Any]] = [
        {"title": "Sure", "p50_date": day, "p85_date": day, "chance_by_due_date": 0.9},
        {"title": "Not", "p50_date": day, "p85_date": pd.NaT, "chance_by_due_date": 0.1},
    ]
    frame = pd.DataFrame(rows).assign(remaining=3, due_date=day, note=pd.NA)
    assert sentences.forecast(frame) == (
        "Not: 50 % likely to be over by 1 Apr 2025, no date reaches 85 %; "
        "the due date 1 Apr 2025 has a chance of 10 %."
    )
    frame["p50_date"], frame["note"] = pd.NaT, "too little data"
    assert sentences.forecast(frame) == "No date can be forecast: too little data."
    done = sentences.forecast(frame.assign(remaining=0))
    assert done == "Nothing is open, so there is nothing to forecast."


def test_what_dates_were_worth_is_one_sentence() -> None:
    row: dict[str, Any] = {"quantile": 0.85, "recent_forecasts": 40, "recent_held": 34}
    assert sentences.backtest(pd.DataFrame([row])) == (
        "Of the last 40 dates given at 85 %, 34 held."
    )
    assert sentences.backtest(pd.DataFrame([row | {"recent_forecasts": 0}])) == (
        "No forecast date of 85 % has passed yet, so it is not known how often they hold."
    )
    dates = pd.DataFrame({"rests_on": ["5 left"], "changes_most": ["without new work: ..."]})
    assert sentences.rests_on(dates) == (
        "The dates rest on: 5 left. What would change most: without new work: ...."
    )


def test_sentences_of_the_sample_hold_no_gap() -> None:
    dataset = ra.load("data/sample")
    day = dataset.exported_at.date()
    said = [
        sentences.slippage(ra.slippage(dataset, as_of=day)),
        sentences.milestone_slippage(ra.milestone_slippage(dataset, as_of=day)),
        sentences.renewals(ra.renewal_slippage(dataset, as_of=day)),
        sentences.attribution(ra.attribution(dataset, as_of=day)),
        sentences.lead_times(ra.lead_times(dataset, as_of=day)),
        sentences.throughput(ra.throughput(dataset, as_of=day)),
        sentences.planned(ra.planned_work(dataset, as_of=day)),
        sentences.workload_history(ra.workload_history(dataset, as_of=day)),
    ]
    for sentence in said:
        assert sentence.endswith(".")
        assert re.search(r"\d", sentence)
        assert not re.search(r"\b(nan|NaT|None)\b|<NA>", sentence)


def test_a_title_written_from_right_to_left_turns_nothing_after_it() -> None:
    title = "\u0645\u0631\u062d\u0644\u0629 \u202e1"
    frame = pd.DataFrame({"title": [title], "status": ["new"], "slip_days": [21.0]})
    new, later = sentences.roadmap_changes(frame)
    shut = "\u2068\u0645\u0631\u062d\u0644\u0629 1\u2069"
    assert new == f"New in the roadmap: {shut}."
    assert later == f"Later in the roadmap: {shut} (21 days)."
