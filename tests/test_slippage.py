"""Slips counted by hand, what they add up to, and what is drawn of them."""

from __future__ import annotations

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import roadmap_analytics as ra
from roadmap_analytics import schema
from roadmap_analytics.charts._style import COLORS
from roadmap_analytics.roadmap import tables

TARGETS = [
    {"Lamp": "end of May", "Tower": "Q2 2025", "Radio": "1 June"},
    {"Lamp": "end of July", "Tower": "no estimate", "Bells": "mid August"},
    {"Lamp": "15 July", "Tower": "end of August", "Radio": "1 October", "Bells": "mid August"},
]


def documents(*targets: dict[str, str], update: str = "end of {month}") -> list[dict[str, str]]:
    months = ["March", "June", "October", "December"]
    out = []
    for n, items in enumerate(targets):
        lines = ["# x", "", f"A new roadmap will be decided {update.format(month=months[n])}.", ""]
        lines += ["## Main activities until mid June", ""]
        for title, when in items.items():
            lines += [f"- **{title}**", "  - Work by: ada", f"  - Expected done: {when}"]
        out.append({"name": f"2025-{1 + 2 * n:02d}-01.md", "text": "\n".join(lines) + "\n"})
    return out


def plan(*targets: dict[str, str]) -> ra.Dataset:
    return ra.Dataset(tables.parse(documents(*targets)))


def table(frame: pd.DataFrame, *columns: str) -> list[tuple[object, ...]]:
    return [
        tuple(
            None if pd.isna(v) else f"{v:%m-%d}" if isinstance(v, pd.Timestamp) else v for v in row
        )
        for row in frame[list(columns)].itertuples(index=False)
    ]


def test_slips_counted_by_hand() -> None:
    rows = ra.slippage(plan(*TARGETS), as_of="2025-12-31")
    assert table(
        rows, "title", "revision", "target_date", "slip_days", "total_slip_days", "status"
    ) == [
        ("Lamp", "01-01", "05-31", None, None, "new"),
        ("Lamp", "03-01", "07-31", 61.0, 61.0, "continued"),
        ("Lamp", "05-01", "07-15", -16.0, 45.0, "continued"),
        ("Tower", "01-01", "06-30", None, None, "new"),
        ("Tower", "03-01", None, None, None, "continued"),  # keeps its place
        ("Tower", "05-01", "08-31", 62.0, 62.0, "continued"),
        ("Radio", "01-01", "06-01", None, None, "new"),
        ("Radio", "03-01", None, None, None, "dropped"),
        ("Radio", "05-01", "10-01", 122.0, 122.0, "returned"),
        ("Bells", "03-01", "08-20", None, None, "new"),
        ("Bells", "05-01", "08-20", 0.0, 0.0, "continued"),
    ]
    assert rows["confidence"].between(0.9, 1).sum() == 6
    assert rows["item"].nunique() == 4


def test_nothing_after_as_of_counts() -> None:
    whole = ra.slippage(plan(*TARGETS), as_of="2025-12-31")
    for day, known in (("2025-04-30", 2), ("2025-02-28", 1), ("2024-12-31", 0)):
        then = ra.slippage(plan(*TARGETS), as_of=day)
        fewer = ra.slippage(plan(*TARGETS[:known]), as_of="2025-12-31") if known else then
        pd.testing.assert_frame_equal(then, fewer)
        before = whole[whole["revision"] <= day].reset_index(drop=True)
        pd.testing.assert_frame_equal(then, before)


def test_what_is_split_off_is_measured_against_its_origin() -> None:
    dataset = plan({"Keeper documentation": "end of May"})
    later = documents({}, {"Keeper documentation": "end of May"})[1]
    later["text"] += "- **Keeper documentation**\n  - Work by: bo\n  - Expected done: end of June\n"
    both = documents({"Keeper documentation": "end of May"})
    dataset = ra.Dataset(tables.parse([*both, later]))
    rows = ra.slippage(dataset, as_of="2025-12-31")
    assert table(rows, "key", "slip_days", "total_slip_days", "status") == [
        ("A1", None, None, "new"),
        ("A1", 0.0, 0.0, "split"),
        ("A2", 30.0, 30.0, "split"),
    ]


def test_an_absorbed_item_has_a_last_row() -> None:
    matches = "from_revision,from_key,to_revision,to_key,verdict\n"
    matches += "2025-01-01,A1,2025-03-01,A1,same\n2025-01-01,A2,2025-03-01,A1,same\n"
    first, second, third = documents(
        {"Lamp": "end of May", "Tower": "mid May"}, {"Both": "end of June"}, {"Both": "mid July"}
    )
    frames = tables.parse([first, second, third, {"name": "matches.csv", "text": matches}])
    rows = ra.slippage(ra.Dataset(frames), as_of="2025-12-31")
    assert table(rows, "item", "revision", "key", "slip_days", "status") == [
        ("2025-01-01/A1", "01-01", "A1", None, "new"),
        ("2025-01-01/A1", "03-01", "A1", 30.0, "merged"),
        ("2025-01-01/A1", "05-01", "A1", 20.0, "continued"),
        ("2025-01-01/A2", "01-01", "A2", None, "new"),
        ("2025-01-01/A2", "03-01", "A1", 41.0, "merged"),
    ]


@pytest.mark.parametrize(("state", "said"), [("closed", "done"), ("active", "dropped")])
def test_what_a_closed_milestone_finished_was_not_dropped(state: str, said: str) -> None:
    url = "https://git.example.org/orchard/-/milestones/4"
    first = f"# Plan\n\n1. Lamp by May 2025 [m]({url})\n2. Tower by June 2025\n"
    texts = {"2025-01-01.md": first, "2025-03-01.md": "# Plan\n\n1. Bells by May 2025\n"}
    frames = tables.parse([{"name": name, "text": text} for name, text in texts.items()])
    seen = {
        "milestone_id": 4, "title": "R4", "state": state, "web_url": url, "iid": 4,
        "kind": "group", "path": "orchard", "created_at": "2024-12-01T00:00:00Z",
        "updated_at": "2025-02-01T00:00:00Z", "draft": False,
        "observed_at": "2025-02-01T00:00:00Z",
    }  # fmt: skip
    for name in ("milestones", "milestone_dates"):
        row = {column: seen[column] for column in schema.columns_of(name) if column in seen}
        frames[name] = schema.tidy(name, [row])
    rows = ra.slippage(ra.Dataset(frames), as_of="2025-12-31")
    last = rows[rows["revision"] == "2025-03-01"]
    assert dict(zip(last["title"], last["status"], strict=True)) == {
        "Lamp": said, "Tower": "dropped", "Bells": "new",
    }  # fmt: skip


def test_what_a_later_statement_calls_done_was_not_dropped() -> None:
    first, second = documents(
        {"Lamp keeper handbook": "end of May", "Radio tower": "mid June", "Bells": "mid July"},
        {"Bells": "mid July"},
    )
    second["text"] += (
        "\n## Summary of progress since January, 2025\n\nA few highlights:\n\n"
        "- Lamp keeper handbook is done\n"
    )
    rows = ra.slippage(ra.Dataset(tables.parse([first, second])), as_of="2025-12-31")
    last = rows[rows["revision"] == "2025-03-01"]
    assert dict(zip(last["title"], last["status"], strict=True)) == {
        "Lamp keeper handbook": "done", "Radio tower": "dropped", "Bells": "continued",
    }  # fmt: skip
    assert list(last["present"]) == [title == "Bells" for title in last["title"]]


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["Lamp", "Tower", "Radio", "Bells"]),
            st.sampled_from(["end of May", "mid June", "no estimate", "Q3 2025", "2025-12-24"]),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_slips_add_over_revisions(targets: list[dict[str, str]]) -> None:
    rows = ra.slippage(plan(*targets), as_of="2025-12-31")
    sums = rows.groupby("item")["slip_days"].cumsum()
    has = rows["slip_days"].notna()
    np.testing.assert_allclose(rows.loc[has, "total_slip_days"], sums[has])
    assert not rows.duplicated(["item", "revision"]).any()
    assert (rows["target_date"].isna() | (rows["status"] != "dropped")).all()


def test_slip_per_revision() -> None:
    rows = ra.slip_per_revision(ra.slippage(plan(*TARGETS), as_of="2025-12-31"))
    columns = (
        "items",
        "dated",
        "later",
        "earlier",
        "kept",
        "slip_days",
        "median_slip_days",
        "new",
        "dropped",
    )
    assert table(rows, *columns) == [
        (3, 3, 0, 0, 0, 0.0, None, 3, 0),
        (3, 2, 1, 0, 0, 61.0, 61.0, 1, 1),
        (4, 4, 2, 1, 1, 168.0, 31.0, 0, 0),
    ]


def test_renewals_and_horizon() -> None:
    dataset = plan(*TARGETS)
    rows = ra.renewal_slippage(dataset, as_of="2025-11-10")
    assert table(
        rows, "revision", "next_update_date", "renewed_date", "slip_days", "overdue_days"
    ) == [
        ("01-01", "03-31", "03-01", -30.0, None),
        ("03-01", "06-30", "05-01", -60.0, None),
        ("05-01", "10-31", None, None, 10.0),
    ]
    horizon = ra.horizon_slippage(dataset, as_of="2025-11-10")
    assert table(horizon, "horizon_date", "slip_days", "window_days") == [
        ("06-20", None, 170.0),
        ("06-20", 0.0, 111.0),
        ("06-20", 0.0, 50.0),
    ]


def test_a_renewal_that_the_dataset_does_not_hold() -> None:
    first, last = documents({"Lamp": "end of May"}, {}, {})[::2]
    last["text"] += "\n## Previous roadmap\n\n- https://x.org/archive/2025-03-18-roadmap.md\n"
    rows = ra.renewal_slippage(ra.Dataset(tables.parse([first, last])), as_of="2025-12-31")
    assert table(rows, "renewed_date", "slip_days")[0] == ("03-18", -13.0)


def test_carry_over_of_items_and_people() -> None:
    texts = documents(*TARGETS)
    texts[1]["text"] += (
        "\n## Summary of progress\n\nWe did not have enough cycles to:\n\n- Finish the lamp "
        "(continued)\n- Set up the radio (backlogged for now)\n"
    )
    dataset = ra.Dataset(tables.parse(texts))
    rows = ra.carry_over_counts(dataset, as_of="2025-12-31")
    assert table(rows, "title", "revisions", "carried_over", "stated", "backlogged") == [
        ("Lamp", 3, 2, 1, 0),
        ("Tower", 3, 2, 0, 0),
        ("Radio", 2, 1, 0, 1),
        ("Bells", 2, 1, 0, 0),
    ]


def seen() -> ra.Dataset:
    rows = pd.DataFrame(
        {
            "milestone_id": [1, 1, 1, 1, 2, 2],
            "observed_at": pd.to_datetime(
                [
                    "2025-01-01",
                    "2025-02-01",
                    "2025-03-01",
                    "2025-04-01",
                    "2025-01-01",
                    "2025-03-01",
                ],
                utc=True,
            ).as_unit("us"),
            "title": ["Sea", "Sea $1$", "Sea", "Sea", "_Land", "_Land"],
            "state": ["active"] * 6,
            "due_date": pd.to_datetime(
                ["2025-03-01", "2025-03-01", None, "2025-05-01", "2025-06-01", "2025-05-20"]
            ),
        }
    )
    return ra.Dataset({"milestone_dates": schema.tidy("milestone_dates", rows)})


def test_milestones_of_gitlab() -> None:
    rows = ra.milestone_slippage(seen(), as_of="2025-12-31")
    assert table(
        rows, "milestone_id", "observed_at", "due_date", "slip_days", "total_slip_days"
    ) == [
        (1, "01-01", "03-01", None, None),
        (1, "03-01", None, None, None),
        (1, "04-01", "05-01", 61.0, 61.0),
        (2, "01-01", "06-01", None, None),
        (2, "03-01", "05-20", -12.0, -12.0),
    ]
    assert len(ra.milestone_slippage(seen(), as_of="2025-02-28")) == 2
    assert len(ra.milestone_slippage(seen(), as_of="2025-03-01T00:00:00+00:00")) == 4


@pytest.mark.parametrize(
    "call",
    [
        ra.slippage,
        ra.milestone_slippage,
        ra.renewal_slippage,
        ra.horizon_slippage,
        ra.carry_over_counts,
    ],
)
def test_nothing_gives_an_empty_frame_with_its_columns(call: object) -> None:
    frame = call(ra.Dataset({}), as_of="2025-01-01")  # type: ignore[operator]
    full = call(  # type: ignore[operator]
        ra.Dataset(
            {**tables.parse(documents(*TARGETS)), "milestone_dates": seen().milestone_dates}
        ),
        as_of="2025-12-31",
    )
    assert frame.empty
    assert list(frame.columns) == list(full.columns)


# Charts ------------------------------------------------------------------------------------------


def texts_of(ax: object) -> list[str]:
    return [t.get_text() for t in ax.texts]  # type: ignore[attr-defined]


def test_slip_chart_of_documents() -> None:
    rows = ra.slippage(plan(*TARGETS), as_of="2025-12-31")
    ax = ra.plot_slippage(rows)
    lines = {len(line.get_xdata()): line for line in ax.lines}
    lamp = next(line for line in ax.lines if len(line.get_xdata()) == 3)
    assert list(lamp.get_xdata()) == list(
        mdates.date2num(pd.to_datetime(["2025-01-01", "2025-03-01", "2025-05-01"]))
    )
    assert list(lamp.get_ydata()) == list(
        mdates.date2num(pd.to_datetime(["2025-05-31", "2025-07-31", "2025-07-15"]))
    )
    # What ended is a grey line without a name; the newest slip stands before the title.
    assert {"-16 d Lamp", "+62 d Tower", "+122 d Radio", "baseline", "newest"} <= set(
        texts_of(ax)
    ), texts_of(ax)
    assert ax.get_title("left") == (
        "Revision of 01 May 2025: 2 targets moved later by up to 122 days, 1 earlier"
    )
    diagonal = [line for line in ax.lines if list(line.get_xdata()) == list(line.get_ydata())]
    assert diagonal
    assert lines
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Reported on", "Target date")


def test_what_has_ended_is_grey_on_a_slip_chart() -> None:
    rows = ra.slippage(plan(*TARGETS), as_of="2025-12-31")
    title = rows.loc[rows["target_date"].notna(), "title"].iloc[-1]
    newest = (rows["title"] == title) & (rows["revision"] == rows["revision"].max())
    ended = rows.assign(status=rows["status"].where(~newest, "done"))
    greys = [
        sum(line.get_color() == COLORS["unassigned"] for line in ra.plot_slippage(frame).lines)
        for frame in (rows, ended)
    ]
    assert greys[1] == greys[0] + 1
    assert not [text for text in texts_of(ra.plot_slippage(ended)) if text.endswith(title)]


def test_slip_chart_of_milestones_with_hostile_titles() -> None:
    ax = ra.plot_slippage(ra.milestone_slippage(seen(), as_of="2025-12-31"), baseline="2025-02-01")
    ax.figure.canvas.draw()
    assert " _Land" in texts_of(ax)
    styles = {line.get_linestyle() for line in ax.lines if len(line.get_xdata()) == 2}
    assert len(styles) > 1  # lines differ by more than colour


def test_picture_of_lives() -> None:
    rows = ra.slippage(plan(*TARGETS), as_of="2025-12-31")
    ax = ra.plot_lifecycle(rows)
    titles = [t.get_text() for t in ax.get_yticklabels()]
    assert titles == ["Lamp", "Tower", "Radio", "Bells"]
    letters = [t for t in texts_of(ax) if t]
    assert sorted(letters) == ["B", "N", "N", "N", "N", "×"]
    assert len(ax.patches) == (rows["status"] != "dropped").sum()
    few = ra.plot_lifecycle(rows, rows=2)
    assert len(few.get_yticklabels()) == 2
    assert "2 earlier items are left out" in few.get_xlabel()


def test_bars_of_slip_per_revision() -> None:
    rows = ra.slip_per_revision(ra.slippage(plan(*TARGETS), as_of="2025-12-31"))
    ax = ra.plot_slip_per_revision(rows)
    assert [bar.get_height() for bar in ax.patches] == [0.0, 61.0, 31.0]
    assert texts_of(ax) == ["nothing\nto compare", "+61 d\n1 of 1 later", "+31 d\n2 of 4 later"]
    assert "days" in ax.get_ylabel()


def test_charts_of_nothing_are_drawn() -> None:
    rows = ra.slippage(ra.Dataset({}), as_of="2025-01-01")
    for ax in (
        ra.plot_slippage(rows),
        ra.plot_lifecycle(rows),
        ra.plot_slip_per_revision(ra.slip_per_revision(rows)),
    ):
        ax.figure.canvas.draw()
