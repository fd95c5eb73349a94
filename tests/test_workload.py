"""Load per person: a world counted by hand, properties, and what must not matter."""

from __future__ import annotations

import datetime as dt
import io
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import roadmap_analytics as ra
from roadmap_analytics import schema
from roadmap_analytics.analysis.days import instant
from roadmap_analytics.analysis.view import state_at
from roadmap_analytics.errors import ConfigurationError
from roadmap_analytics.frames import Dataset
from tests.eight_issues import World
from tests.examples import examples
from tests.odd_datasets import SAMPLE

AS_OF = "2025-03-14"


def six_issues() -> World:
    """Six issues, of which the state on Friday 14 March 2025 is counted by hand.

    issue  what happens                                          open on the 14th, held by
    1      ada from the 3rd, handed to bo on the 5th             bo
    2      ada and bo from the 3rd; 8 h estimated, 2 h spent     ada, bo: 6 h left
    3      ada from the 3rd, unassigned on the 6th               no one
    4      bo; closed on the 4th, reopened the 6th, closed 7th   closed: counts as closed lately
    5      cy known only from today's fields (inferred)          cy, due on the 10th: overdue
    6      no one ever; opened on the 12th, ada from the 20th    no one
    Milestone 10 (due 21 March: due soon) holds 1 and 2.
    """
    world = World()
    world.milestone(10, "Harvest", "2025-03-03", "2025-03-21")
    for issue_id in range(1, 6):
        world.issue(issue_id, "2025-03-03T08:00")
    world.issue(6, "2025-03-12T08:00")
    world.member(1, "2025-03-03T09:00", "assignee", "add", "ada")
    world.member(1, "2025-03-05T09:00", "assignee", "add", "bo")
    world.member(1, "2025-03-05T09:00", "assignee", "remove", "ada")
    world.member(2, "2025-03-03T09:00", "assignee", "add", "ada")
    world.member(2, "2025-03-03T09:00", "assignee", "add", "bo")
    world.estimate(2, "2025-03-03T10:00", 8)
    world.spend(2, "2025-03-04T10:00", 2)
    world.member(3, "2025-03-03T09:00", "assignee", "add", "ada")
    world.member(3, "2025-03-06T09:00", "assignee", "remove", "ada")
    world.member(4, "2025-03-03T09:00", "assignee", "add", "bo")
    world.close(4, "2025-03-04T09:00")
    world.reopen(4, "2025-03-06T09:00")
    world.close(4, "2025-03-07T09:00")
    world.member(5, "2025-03-03T08:00", "assignee", "add", "cy")
    world.due(5, "2025-03-03T08:00", "2025-03-10")
    world.member(6, "2025-03-20T08:00", "assignee", "add", "ada")
    for issue_id in (1, 2):
        world.put(issue_id, "2025-03-03T08:30", 10)
    world.weigh(1, "2025-03-03T10:00", 3)
    return world


def test_the_whole_table_by_hand() -> None:
    load = ra.workload(six_issues().dataset(), as_of=AS_OF)
    columns = ["person", "open_issues", "open_weight", "remaining_hours", "without_estimate",
               "overdue_issues", "due_soon_issues", "milestones", "oldest_days",
               "closed_recently", "spent_hours_recently"]  # fmt: skip
    assert load[columns].to_numpy().tolist() == [
        ["unassigned", 2, 0, 0.0, 2, 0, 0, 0, 11, 0, 0.0],
        ["bo", 2, 3, 6.0, 1, 0, 2, 1, 11, 1, 0.0],
        ["ada", 1, 0, 6.0, 0, 0, 1, 1, 11, 0, 2.0],
        ["cy", 1, 0, 0.0, 1, 1, 0, 0, 11, 0, 0.0],
    ]


def test_equal_shares_by_hand() -> None:
    load = ra.workload(six_issues().dataset(), as_of=AS_OF, split="equal")
    held = load.set_index("person")
    assert held["open_issues"].to_dict() == {"unassigned": 2, "bo": 1.5, "ada": 0.5, "cy": 1}
    assert held["remaining_hours"].to_dict() == {"unassigned": 0, "bo": 3, "ada": 3, "cy": 0}


def test_day_by_day_by_hand() -> None:
    load = ra.workload_history(
        six_issues().dataset(), as_of="2025-03-07", since="2025-03-03", freq="D"
    )
    rows = [list(row) for row in load.drop(columns="date").itertuples(index=False)]
    by_day = {
        str(day.date()): [rows[i] for i in index]
        for day, index in load.groupby("date").groups.items()
    }
    assert by_day["2025-03-03"] == [
        # Every issue is unassigned at first; 1 to 4 are for an hour.
        ["ada", 3, 3, 0],
        ["bo", 2, 2, 0],
        ["cy", 1, 1, 0],
        ["unassigned", 0, 4, 4],
    ]
    assert by_day["2025-03-04"] == [
        ["ada", 3, 0, 0],
        ["bo", 1, 0, 1],
        ["cy", 1, 0, 0],
        ["unassigned", 0, 0, 0],
    ]
    assert by_day["2025-03-05"][:2] == [["ada", 2, 0, 1], ["bo", 2, 1, 0]]
    assert by_day["2025-03-06"] == [
        ["ada", 1, 0, 1],
        ["bo", 3, 1, 0],
        ["cy", 1, 0, 0],
        ["unassigned", 1, 1, 0],
    ]
    assert by_day["2025-03-07"][1] == ["bo", 2, 0, 1]


def test_filters() -> None:
    world = six_issues()
    world.member(3, "2025-03-04T08:00", "label", "add", "urgent")
    dataset = world.dataset()
    inside = ra.workload(dataset, as_of=AS_OF, milestone="Harvest")
    assert inside.set_index("person")["open_issues"].to_dict() == {
        "unassigned": 0,
        "bo": 2,
        "ada": 1,
    }
    urgent = ra.workload(dataset, as_of=AS_OF, label="urgent").set_index("person")["open_issues"]
    assert urgent[urgent > 0].to_dict() == {"unassigned": 1}
    none = ra.workload(dataset, as_of=AS_OF, types="incident")
    assert none["open_issues"].sum() == 0
    stays = ra.workload_history(dataset, as_of=AS_OF, milestone="Harvest", freq="D")
    last = stays[stays["date"] == AS_OF].set_index("person")["open_issues"]
    assert last.to_dict() == {"ada": 1, "bo": 2, "unassigned": 0}


def test_booked_hours_follow_the_filters_and_need_no_open_issue() -> None:
    world = six_issues()
    world._add(3, "2025-03-12T10:00", "time_spent", "add", number=4, actor="eve")
    dataset = world.dataset()
    booked = ra.workload(dataset, as_of=AS_OF).set_index("person")["spent_hours_recently"]
    assert booked[booked > 0].to_dict() == {"ada": 2, "eve": 4}
    inside = ra.workload(dataset, as_of=AS_OF, milestone="Harvest").set_index("person")
    assert inside["spent_hours_recently"].to_dict() == {"unassigned": 0, "bo": 0, "ada": 2}


def test_oldest_counts_calendar_days_from_midnight_on() -> None:
    world = World()
    world.issue(1, "2025-03-03T00:00")
    assert ra.workload(world.dataset(), as_of="2025-03-14")["oldest_days"].tolist() == [11]


def test_by_milestone_adds_up() -> None:
    dataset = six_issues().dataset()
    parts = ra.workload_by_milestone(dataset, as_of=AS_OF)
    load = ra.workload(dataset, as_of=AS_OF).set_index("person")["open_issues"]
    assert parts.groupby("person")["open_issues"].sum().to_dict() == load[load > 0].to_dict()
    assert parts[parts["milestone"] == "Harvest"]["person"].tolist() == ["ada", "bo"]


def test_plan_by_hand() -> None:
    """Issue 2 has 6 h left, 3 h for each, due on the 21st: five working days from the 17th on.

    Issue 1 has no estimate and no one closed anything with time spent: one working day (6 h). So
    bo has 3 + 6 hours in that week, ada 3. Issue 5 was due on the 10th: cy's 6 assumed hours fall
    on Monday. Issues 3 and 6 have neither assignee nor due date.
    """
    plan = ra.workload_plan(six_issues().dataset(), as_of=AS_OF)
    assert plan.drop(columns=["week", "level"]).to_numpy().tolist() == [
        ["ada", 3.0, 0.0, 0.0, 30.0],
        ["bo", 9.0, 0.0, 6.0, 30.0],
        ["cy", 0.0, 6.0, 6.0, 30.0],
    ]
    assert set(plan["week"]) == {pd.Timestamp("2025-03-23")}
    assert plan["level"].tolist() == ["low", "low", "low"]
    assert plan.attrs["undated_hours"] == {"unassigned": 12.0}


def test_hours_after_each_week_are_those_of_the_weeks_that_follow() -> None:
    sample = ra.load(SAMPLE)
    plan = ra.workload_plan(sample, as_of=sample.exported_date)
    later = plan.attrs["later_hours"]
    assert len(later) == plan["week"].nunique() > 1
    for week, hours in later.items():
        after = plan.loc[plan["week"] > pd.Timestamp(week), "planned_hours"].sum()
        assert hours == pytest.approx(after + sum(plan.attrs["beyond_hours"].values()), abs=0.01)


def test_plan_leaves_out_holidays_and_absences() -> None:
    dataset = six_issues().dataset(config={"calendar": {"holidays": ["2025-03-17"]}})
    plan = ra.workload_plan(
        dataset, as_of=AS_OF, absences={"bo": [("2025-03-18", "2025-03-20")]}
    ).set_index("person")
    assert plan["capacity_hours"].to_dict() == {"ada": 24.0, "bo": 6.0, "cy": 24.0}
    assert plan["planned_hours"].to_dict() == {"ada": 3.0, "bo": 9.0, "cy": 0.0}
    assert plan.loc["bo", "level"] == "high"


def test_overdue_hours_count_in_the_level() -> None:
    """Of cy's week one day is left, which the overdue issue 5 fills."""
    dataset = six_issues().dataset()
    away = {"cy": [("2025-03-18", "2025-03-21")]}
    plan = ra.workload_plan(dataset, as_of=AS_OF, absences=away).set_index("person")
    hours = plan.loc["cy", ["planned_hours", "overdue_hours", "capacity_hours"]]
    assert hours.tolist() == [0.0, 6.0, 6.0]
    assert plan.loc["cy", "level"] == "normal"


def roadmap(world: World) -> Dataset:
    """The six issues, beside a roadmap that asks ada and dag."""
    day = pd.Timestamp("2025-03-01")
    url = "https://git.example.org/groups/orchard/-/milestones/10"
    items = [
        {"revision": day, "key": key, "kind": "item", "order": n, "title": title}
        | {"deferred": False, "conditional": False}
        for n, (key, title) in enumerate([("1", "Harvest"), ("2", "Cellar")], start=1)
    ]
    columns = schema.columns_of("roadmap_items")
    more = {"done": False, "item": "x", "source": "list", "detail": ""}
    items = [row | {k: v for k, v in more.items() if k in columns} for row in items]
    asked = [
        {"revision": day, "person": person, "role": role, "key": "1"}
        for person, role in [("ada", "review"), ("dag", "driver")]
    ]
    revision = {"revision": day, "layout": "numbered", "source": "x", "list_items": 0}
    frames = {
        "revisions": [revision | {"placed_items": 0}],
        "roadmap_items": items,
        "responsibilities": asked,
        "roadmap_milestones": [
            {"revision": day, "url": url, "path": "orchard", "iid": 10, "key": "1"}
        ],
    }
    return world.dataset().with_frames(**{n: schema.tidy(n, rows) for n, rows in frames.items()})


def test_duties_against_load() -> None:
    found = ra.duties(roadmap(six_issues()), as_of=AS_OF)
    found["held_issues"] = found["held_issues"].astype("object").fillna("")
    columns = ["key", "person", "roles", "held_issues", "remark"]
    assert found[columns].fillna({"person": ""}).to_numpy().tolist() == [
        ["1", "ada", "review", 1, ""],
        ["1", "bo", "", 2, "holds without a duty"],
        ["1", "dag", "driver", 0, "drives without holding any"],
        ["2", "", "", "", "no owner"],
    ]
    assert found["milestone_open"].tolist()[0] == 2
    load = ra.workload(roadmap(six_issues()), as_of=AS_OF).set_index("person")
    assert load.loc["dag", "drives"] == 1
    assert load.loc["ada", "reviews"] == 1
    before = ra.workload(roadmap(six_issues()), as_of="2025-02-28").set_index("person")
    assert "dag" not in before.index


def asked(*duties: tuple[str, str, str]) -> pd.DataFrame:
    """Duties of item 1, where the roadmap asks just this: (key, person, role)."""
    dataset = roadmap(six_issues())
    day = dataset.revisions["revision"][0]
    rows = [{"revision": day, "key": key, "person": p, "role": role} for key, p, role in duties]
    dataset = dataset.with_frames(responsibilities=schema.tidy("responsibilities", rows))
    found = ra.duties(dataset, as_of=AS_OF)
    return found[found["key"] == "1"].set_index("person")


def test_work_without_a_driver_is_told() -> None:
    found = asked(("1", "ada", "work"), ("1", "dag", "review"), ("2", "dag", "driver"))
    assert found["remark"].to_dict() == {
        "ada": "works without a driver", "bo": "holds without a duty", "dag": ""
    }  # fmt: skip
    assert found["carried"].all()
    assert not found["driven"].any()
    assert not asked(("1", "dag", "review"))["carried"].any()
    for leads in ("driver", "responsible", "maintainer"):
        led = asked(("1", "ada", "work"), ("1", "bo", leads))
        assert led["driven"].all()
        assert led["remark"].to_dict() == {"ada": "", "bo": ""}


def test_a_roadmap_that_names_no_drivers_lacks_none() -> None:
    assert asked(("1", "ada", "work"))["remark"].to_dict() == {
        "ada": "", "bo": "holds without a duty"
    }  # fmt: skip


def test_a_driver_with_nothing_left_open_is_not_blamed() -> None:
    world = six_issues()
    dataset = roadmap(world)
    opened = ra.duties(dataset, as_of=AS_OF)
    assert opened.loc[opened["person"] == "dag", "remark"].tolist() == [
        "drives without holding any"
    ]
    for issue_id in (1, 2):
        world.close(issue_id, "2025-03-07T08:00")
    found = ra.duties(roadmap(world), as_of=AS_OF)
    assert found.loc[found["key"] == "1", "milestone_open"].tolist() == [0, 0]
    assert found.loc[found["person"] == "dag", "remark"].tolist() == [""]


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (("2025-03-20", "2025-03-18"), "'bo': expected the first day before the last, got"),
        (("soon", "later"), "'bo': expected pairs of days such as"),
        (("2025-03-18",), "'bo': expected pairs of days"),
        ("2025-03-18", "'bo': expected pairs of days"),
        (5, "'bo': expected pairs of days"),
    ],
)
def test_absences_are_pairs_of_days_in_order(span: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        ra.workload_plan(Dataset({}), as_of=AS_OF, absences={"bo": [span]})


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ({"split": "half"}, r"split: expected one of \['full', 'equal'\], got 'half'"),
        ({"as_of": "soon"}, "as_of: expected"),
    ],
)
def test_wrong_calls(call: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        ra.workload(Dataset({}), **({"as_of": AS_OF} | call))
    with pytest.raises(ConfigurationError, match="freq"):
        ra.workload_history(Dataset({}), as_of=AS_OF, freq="M")  # type: ignore[arg-type]


def test_empty_frames_keep_their_columns() -> None:
    full, nothing = six_issues().dataset(), Dataset({})
    for call in (ra.workload_history, ra.workload_plan, ra.workload_by_milestone, ra.duties):
        empty: pd.DataFrame = call(nothing, as_of=AS_OF)  # type: ignore[operator]
        assert empty.empty
        assert empty.dtypes.to_dict() == call(full, as_of=AS_OF).dtypes.to_dict()  # type: ignore[operator]


# -- properties ------------------------------------------------------------------------------------

PEOPLE = ["ada", "bo", "cy"]
FIRST = dt.date(2025, 3, 1)
moments = st.integers(0, 24 * 20)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Up to five issues whose holders, states and milestones change at any hour of twenty days."""
    world = World()
    world.milestone(10, "Harvest", "2025-03-03", "2025-03-14")
    for issue_id in range(1, draw(st.integers(1, 5)) + 1):
        created = draw(st.integers(0, 100))
        world.issue(issue_id, _moment(created))
        steps = st.tuples(moments, st.sampled_from(["state", "put", *PEOPLE]), st.booleans())
        for hour, what, on in draw(st.lists(steps, max_size=9)):
            at = _moment(created + hour)
            if what == "state":
                world.close(issue_id, at) if on else world.reopen(issue_id, at)
            elif what == "put":
                world.put(issue_id, at, 10 if on else None)
            else:
                world.member(issue_id, at, "assignee", "add" if on else "remove", what)
    return world


def _moment(hour: int) -> str:
    return (pd.Timestamp("2025-03-01") + pd.Timedelta(hours=hour)).isoformat()


days = st.dates(FIRST, FIRST + dt.timedelta(days=28))


@examples(8)
@given(worlds(), days)
def test_shares_sum_to_the_open_issues_of_each_day(world: World, as_of: dt.date) -> None:
    dataset = world.dataset()
    load = ra.workload_history(dataset, as_of=as_of, freq="D", split="equal", since=FIRST)
    for day, rows in load.groupby("date"):
        state = state_at(dataset, instant(day.date()))
        assert rows["open_issues"].sum() == pytest.approx((state["state"] == "opened").sum())


@examples(8)
@given(worlds(), days, st.sampled_from(["full", "equal"]), st.sampled_from(["D", "W"]))
def test_the_last_row_is_the_workload_of_that_day(
    world: World, as_of: dt.date, split: Any, freq: Any
) -> None:
    dataset = world.dataset()
    over_time = ra.workload_history(dataset, as_of=as_of, freq=freq, split=split, since=FIRST)
    last = over_time[over_time["date"] == pd.Timestamp(as_of)].set_index("person")["open_issues"]
    now = ra.workload(dataset, as_of=as_of, split=split).set_index("person")["open_issues"]
    assert last[last > 0].to_dict() == pytest.approx(now[now > 0].to_dict())
    for _, rows in over_time.groupby("person"):
        held = (rows["arrivals"] - rows["departures"]).cumsum()
        assert held.tolist() == pytest.approx(rows["open_issues"].tolist())


@examples(4)
@given(worlds(), days, st.randoms(use_true_random=False))
def test_neither_row_order_nor_the_future_matters(
    world: World, as_of: dt.date, random: Any
) -> None:
    dataset = world.dataset()
    events = dataset.issue_events
    order = list(range(len(events)))
    random.shuffle(order)
    shuffled = events.iloc[order].reset_index(drop=True)
    known = shuffled[shuffled["at"] < instant(as_of)]
    altered = dataset.with_frames(issue_events=known)
    for call in (ra.workload, ra.workload_history, ra.workload_plan, ra.workload_by_milestone):
        expected = call(dataset, as_of=as_of)  # type: ignore[operator]
        pd.testing.assert_frame_equal(call(altered, as_of=as_of), expected)  # type: ignore[operator]


# -- charts ----------------------------------------------------------------------------------------


def drawn(ax: Any) -> Any:
    """Saving is where text that is no plain text fails."""
    ax.figure.savefig(io.BytesIO(), format="png", dpi=30)
    return ax


def test_bars_are_as_long_as_the_load_and_unassigned_comes_first() -> None:
    frame = ra.workload_by_milestone(six_issues().dataset(), as_of=AS_OF)
    ax = drawn(ra.plot_workload(frame))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["unassigned", "bo", "ada", "cy"]
    lengths: dict[float, float] = {}
    for bar in ax.patches:
        middle = round(bar.get_y() + bar.get_height() / 2)
        lengths[middle] = lengths.get(middle, 0) + bar.get_width()
    assert lengths == {0: 2, -1: 2, -2: 1, -3: 1}
    assert "1  (1 overdue)" in {text.get_text() for text in ax.texts}


def test_history_has_one_row_each_on_one_scale() -> None:
    frame = ra.workload_history(six_issues().dataset(), as_of=AS_OF, freq="D")
    ax = drawn(ra.plot_workload_history(frame))
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["unassigned  2", "bo  2", "ada  1", "cy  1"]
    assert {"most 3", "most 1"} <= {text.get_text() for text in ax.texts}


def test_plan_and_duties_say_what_is_too_much() -> None:
    plan = drawn(ra.plot_workload_plan(ra.workload_plan(six_issues().dataset(), as_of=AS_OF)))
    assert {text.get_text() for text in plan.texts} == {"3", "9", "0+6"}
    found = drawn(ra.plot_duties(ra.duties(roadmap(six_issues()), as_of=AS_OF)))
    assert {text.get_text() for text in found.texts} == {"v 1", "2", "D 0"}
    assert [label.get_text() for label in found.get_yticklabels()] == [
        "1 Harvest",
        "2 Cellar  (no owner)",
    ]


def test_overload_by_estimates_is_told_apart_from_what_is_assumed() -> None:
    """Three weeks of 10 hours: over by estimates, over by assumed hours only, and within."""
    weeks = pd.date_range("2025-03-09", periods=3, freq="7D")
    frame = pd.DataFrame({
        "person": "ada", "week": weeks, "planned_hours": [10.0, 14.0, 6.0],
        "overdue_hours": [2.0, 0.0, 0.0], "assumed_hours": [1.0, 9.0, 6.0], "capacity_hours": 10.0,
        "level": ["high", "high", "normal"],
    })  # fmt: skip
    ax = drawn(ra.plot_workload_plan(frame))
    title = "Hours ahead: 1 week above capacity, 1 more only by assumed hours"
    assert ax.get_title("left") == title
    looks = [(p.get_hatch() or "", p.get_gid()) for p in ax.patches]
    assert [hatch for hatch, _ in looks] == ["", "////", ""]
    said = "tip:ada, week to 9 Mar 2025: 12 hours, of which 1 assumed and 2 overdue; capacity 10"
    assert looks[0][1].replace("09 Mar", "9 Mar") == said
    names = [t.get_text() for t in ax.get_legend().get_texts()]
    assert "above capacity only by assumed hours" in names
    calm = drawn(ra.plot_workload_plan(frame.tail(1)))
    assert calm.get_title("left") == "No one has a week above capacity"


def test_charts_of_nothing_and_of_hostile_names() -> None:
    nothing = Dataset({})
    for plot, call in (
        (ra.plot_workload, ra.workload_by_milestone),
        (ra.plot_workload_history, ra.workload_history),
        (ra.plot_workload_plan, ra.workload_plan),
        (ra.plot_duties, ra.duties),
    ):
        drawn(plot(call(nothing, as_of=AS_OF)))  # type: ignore[operator]
    world = six_issues()
    world.member(6, "2025-03-12T09:00", "assignee", "add", r"$\frac{$ <b>_x")
    drawn(ra.plot_workload(ra.workload_by_milestone(world.dataset(), as_of=AS_OF)))
    drawn(ra.plot_workload_history(ra.workload_history(world.dataset(), as_of=AS_OF)))


def test_history_has_no_row_for_who_held_nothing_on_any_day_shown() -> None:
    """An issue held from Monday to Friday is in no week's last day: a row "most 0" says nothing."""
    days = pd.to_datetime(["2025-03-09", "2025-03-16"])
    frame = pd.DataFrame(
        {
            "date": [*days, *days],
            "person": ["ada", "ada", "bo", "bo"],
            "open_issues": [2, 1, 0, 0],
            "arrivals": 0,
            "departures": 0,
        }
    )
    ax = ra.plot_workload_history(frame)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["ada  1"]
    ax = ra.plot_workload_history(frame[frame["person"] == "bo"])
    assert "no issue had an assignee yet" in {text.get_text() for text in ax.texts}
