"""Charts of load: per person by milestone, over time, ahead against capacity, duties and load."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator

from roadmap_analytics.charts._style import (
    COLORS,
    PALETTE,
    axes_for,
    bar_rows,
    cells,
    counted,
    date_axis,
    key,
    label_line,
    note,
    nothing,
    number,
    safe_text,
    styled,
    tip,
    width_of,
    wrapped,
)

# No dots: each is a circle of 200 bytes in an SVG, hundreds in a bar.
_HATCHES = ["", "///", "|||", "\\\\\\", "xxx", "---", "ooo"]
_MILESTONES = 6  # with a colour of their own; more would look alike
_PEOPLE, _WEEKS = 10, 10  # shown: some more would fit, and none could be read
_MARKS = {
    "driver": "D",
    "maintainer": "M",
    "responsible": "R",
    "work": "W",
    "review": "v",
    "input": "i",
    "contact": "c",
}


@styled
def plot_workload(frame: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the open issues of each person as one bar, stacked by milestone.

    Parameters
    ----------
    frame : DataFrame
        What `workload_by_milestone` returns.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
        Unassigned stands first, then people by load. The number at a bar's end is its length;
        how many of them are overdue stands behind it. The milestones due first have a colour each,
        the rest is "later".
    """
    people = _by_load(frame)
    ax = axes_for(frame, ax, size=(8.6, max(2.4, 0.42 * len(people) + 1.8)))
    ax.set_title(safe_text(f"Open issues by person, {frame.attrs.get('as_of', '')}", 60))
    if frame.empty:
        return nothing(ax, "no open issues")
    rows = {person: -i for i, person in enumerate(people)}
    left = dict.fromkeys(people, 0.0)
    for i, (name, part) in enumerate(_parts(frame)):
        muted = name == "no milestone"
        sizes = part.groupby("person", sort=False)["open_issues"].sum()
        bars = ax.barh(
            [rows[p] for p in sizes.index],
            sizes.to_numpy(float),
            left=[left[p] for p in sizes.index],
            height=0.68,
            color=COLORS["unassigned"] if muted else PALETTE[i % len(PALETTE)],
            hatch="" if muted else _HATCHES[i % len(_HATCHES)],
            edgecolor="white",
            linewidth=0.8,
            label=wrapped(ax, name, 40, 0.4, 0.7, size=8, most=1),
        )
        for bar, (person, amount) in zip(bars, sizes.items(), strict=True):
            tip(bar, f"{person}: {counted(amount, 'issues')} in {name}")
            left[str(person)] += float(amount)
    overdue = frame.groupby("person")["overdue_issues"].sum()
    for person in people:
        late = float(overdue[person])
        text = f"{left[person]:g}" + (f"  ({late:g} overdue)" if late else "")
        note(ax, text, (left[person], rows[person]), (5, 0), size=9, va="center",
             color=COLORS["overdue" if late else "as_of"])  # fmt: skip
    bar_rows(ax, list(rows.values()), [_person(ax, p) for p in people])
    ax.set_xlabel(wrapped(ax, _count_label(frame), 80, 1, 0.7, size=10))
    ax.set_xlim(0, max([*left.values(), 1.0]) * 1.22)
    ax.set_ylim(-len(people) + 0.4, 0.6)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    key(ax)
    return ax


def _person(ax: Axes, name: str) -> str:
    return wrapped(ax, name, 24, 0.2, 0.22, most=1)


def _by_load(frame: pd.DataFrame) -> list[str]:
    # By name first, so that people of equal load stand in the same order on every day.
    load = frame.groupby("person")["open_issues"].sum().sort_index()
    people = load.sort_values(ascending=False, kind="stable").index.tolist()
    return sorted(people, key=lambda person: person != "unassigned")


def _parts(frame: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Split into the milestones due first, the later ones together, and what is in none."""
    inside = frame[frame["milestone_id"].notna()]
    order = inside.drop_duplicates("milestone_id").sort_values(
        ["due_date", "milestone_id"], na_position="last"
    )
    # One colour is left for "later", but no such part stands for a single milestone.
    shown = order.head(_MILESTONES if len(order) <= _MILESTONES else _MILESTONES - 1)
    parts = [
        (str(row["milestone"]), inside[inside["milestone_id"] == row["milestone_id"]])
        for row in shown.to_dict("records")
    ]
    later = inside[~inside["milestone_id"].isin(shown["milestone_id"])]
    if len(later):
        parts.append((f"{len(order) - len(shown)} later milestones", later))
    outside = frame[frame["milestone_id"].isna()]
    return [*parts, ("no milestone", outside)] if len(outside) else parts


def _count_label(frame: pd.DataFrame) -> str:
    if frame.attrs.get("split") == "equal":
        return "open issues (several assignees: shared equally)"
    return "open issues (several assignees: counted for each)"


@styled
def plot_workload_history(frame: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the open issues of each person over time, one row each, all on one scale.

    Parameters
    ----------
    frame : DataFrame
        What `workload_history` returns.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
        Unassigned stands first, then the ten people with most at the end; who has no issue on any
        day of the frame is left out. A row's label gives the open issues at the end, a dotted line
        and its number the most there ever were.
    """
    last = frame[frame["date"] == frame["date"].max()]
    # Who held an issue only between two days of the frame would be a row "most 0".
    held_any = set(frame.loc[frame["open_issues"] > 0, "person"])
    shown = [person for person in _by_load(last) if person in held_any][: _PEOPLE + 1]
    if not shown:
        return nothing(axes_for(frame, ax), "no issue had an assignee yet")
    ax = axes_for(frame, ax, size=(8.6, max(2.4, 0.62 * len(shown) + 1.2)))
    top = float(frame.loc[frame["person"].isin(shown), "open_issues"].max())
    scale = 0.86 / top  # rows are 1 apart: some room is left above the highest
    labels = []
    for i, person in enumerate(shown):
        line = frame[frame["person"] == person]
        held = line["open_issues"].astype(float)
        color = COLORS["scope"] if person == "unassigned" else COLORS["remaining"]
        # Steps: an issue is held whole from one day to the next.
        ax.fill_between(
            line["date"], -i, -i + held * scale, step="post", color=color, alpha=0.25, lw=0
        )
        ax.plot(line["date"], -i + held * scale, drawstyle="steps-post", color=color, lw=1.4)
        most = held.max()
        ax.plot(
            [frame["date"].min(), frame["date"].max()],
            [-i + most * scale] * 2,
            color=COLORS["muted"],
            lw=0.7,
            linestyle=":",
        )
        label_line(ax, frame["date"].max(), -i + most * scale, f"most {most:g}", color="#5B5F66")
        labels.append(f"{_person(ax, person)}  {held.iloc[-1]:g}")
    ax.set_yticks([-i for i in range(len(shown))], labels)
    ax.set_ylim(-len(shown) + 0.9, 1.0)
    ax.margins(x=0.0)
    date_axis(ax)
    ax.set_xlabel(
        wrapped(ax, _count_label(frame) + ", all rows on one scale", 100, 1, 0.7, size=10, most=3)
    )
    ax.set_title("Open issues held, by person")
    return ax


_LEVELS = {
    "low": ("up to half of capacity", "#EAF2F8", ""),
    "normal": ("up to capacity", "#A9CFE6", ""),
    "assumed": ("above capacity only by assumed hours", "#F6D2B8", "////"),
    "high": ("above capacity by estimates alone", "#B84E00", ""),
    "unassigned": ("unassigned", "#E3E5E8", ""),
}
"""What a cell of the plan says: its name in the key, its colour, its hatch."""


@styled
def plot_workload_plan(frame: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the hours ahead of each person against capacity, as a grid of weeks.

    Parameters
    ----------
    frame : DataFrame
        What `workload_plan` returns.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
        One cell per person and each of the next ten weeks: hours, and a shade that is darker the
        more of the capacity they take. A week above capacity is dark where what people estimated is
        enough for that, and only hatched where it takes the hours assumed for issues without an
        estimate: there the first thing to do is to estimate. Overdue hours stand in the first week
        after a plus. The title says how many weeks of each kind there are; a cell says its parts on
        hover.
    """
    asked = sorted(frame["week"].unique())[:_WEEKS]
    people = sorted(frame["person"].unique(), key=lambda p: (p != "unassigned", p))
    ax = axes_for(frame, ax, size=(8.6, max(2.4, 0.5 * len(people) + 1.9)))
    # "15+32" is .4 inches wide; the axes have some three quarters of the width.
    shown = asked[: int(0.75 * width_of(ax) / 0.45)]
    ahead = frame[frame["week"].isin(shown)]
    if ahead.empty:
        ax.set_title("Hours ahead, by person and week")
        return nothing(ax, "no open issue with an assignee has a due date")
    # Where there is no room for all weeks, the title still counts all of them.
    levels = [_level(row) for row in frame[frame["week"].isin(asked)].to_dict("records")]
    for row in ahead.to_dict("records"):
        place = (shown.index(row["week"]), -people.index(row["person"]))
        _plan_cell(ax, *place, row, _level(row))
    cells(ax, len(shown), len(people))
    # A label is 0.55 inches wide; the axes have some three quarters of the width.
    every = math.ceil(0.55 * len(shown) / (0.75 * width_of(ax)))
    ax.set_xticks(range(0, len(shown), every), [f"{pd.Timestamp(w):%d %b}" for w in shown[::every]])
    ax.set_yticks([-i for i in range(len(people))], [_person(ax, p) for p in people])
    # The plan goes on behind the last column; hours that it does not show must not be missed.
    later = (frame.attrs.get("later_hours") or {}).get(str(shown[-1])[:10], 0.0)
    said = f"; {later:,.0f} hours in later weeks" if later else ""
    what = f"week that ends on this Sunday; hours (+ overdue){said}"
    ax.set_xlabel(wrapped(ax, what, 100, 1, 0.7, size=10, most=3))
    ax.set_title(wrapped(ax, _overload(levels), 80, 0.95, 0.7, size=12, most=3))
    handles = [
        Patch(facecolor=color, hatch=hatch, label=name, edgecolor="white")
        for level, (name, color, hatch) in _LEVELS.items()
        if level in levels
    ]
    key(ax, handles, columns=2)
    return ax


def _level(row: dict[Any, Any]) -> str:
    """Part weeks above capacity by whether estimates alone suffice for that."""
    estimated = row["planned_hours"] + row["overdue_hours"] - row["assumed_hours"]
    if row["level"] == "high" and estimated <= row["capacity_hours"]:
        return "assumed"
    return str(row["level"])


def _overload(levels: list[str]) -> str:
    sure, assumed = levels.count("high"), levels.count("assumed")
    if not sure and not assumed:
        return "No one has a week above capacity"
    parts = [f"{counted(sure, 'weeks')} above capacity"] if sure else []
    if assumed:
        parts.append(
            f"{assumed if sure else counted(assumed, 'weeks')} more only by assumed hours"
            if sure
            else f"{counted(assumed, 'weeks')} above capacity only by assumed hours"
        )
    return "Hours ahead: " + ", ".join(parts)


def _plan_cell(ax: Axes, x: int, y: int, row: dict[Any, Any], level: str) -> None:
    hours = row["planned_hours"] + row["overdue_hours"]
    _, color, hatch = _LEVELS[level]
    # A free week looks like a weekend, not like a light load.
    cell = _cell(x, y, COLORS["weekend"] if hours == 0 else color)
    if hours:
        cell.set(hatch=hatch, edgecolor="white", lw=0)
    tip(
        cell,
        f"{row['person']}, week to {row['week']:%d %b %Y}: {number(hours)} hours, of which "
        f"{number(row['assumed_hours'])} assumed and {number(row['overdue_hours'])} overdue; "
        f"capacity {number(row['capacity_hours'])}",
    )
    ax.add_patch(cell)
    if hours == 0:
        return
    text = f"{row['planned_hours']:.0f}"
    text += f"+{row['overdue_hours']:.0f}" if row["overdue_hours"] else ""
    high = level == "high"
    ax.text(x, y, text, ha="center", va="center", fontsize=9,
            fontweight="bold" if high else "normal",
            color="white" if high else COLORS["as_of"])  # fmt: skip


def _cell(x: float, y: float, color: str) -> Any:
    return Rectangle((x - 0.48, y - 0.45), 0.96, 0.9, facecolor=color, edgecolor="none")


@styled
def plot_duties(frame: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw who has which duty for which item, and how many of its issues they hold.

    Parameters
    ----------
    frame : DataFrame
        What `duties` returns.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
        One row per item, one column per person. Letters are duties (D drives, M maintains,
        R responsible, W works on, v reviews, i gives input, c contact), numbers the open issues
        held; orange marks a driver who holds none, or somebody who holds issues without a duty.
        The label of an item says so where it has no owner, or only people who work on it.
    """
    if frame.empty:
        return nothing(axes_for(frame, ax), "no roadmap item is valid on this day")
    items = frame.drop_duplicates("key")[["key", "title"]].reset_index(drop=True)
    people = sorted(frame["person"].dropna().unique())
    ax = axes_for(
        frame,
        ax,
        size=(max(8.6, 0.62 * len(people) + 4.6), max(2.4, 0.36 * len(items) + 1.8)),
        least=1.5 + 0.36 * len(people),
    )
    rows = {name: -i for i, name in enumerate(items["key"])}
    for row in frame[frame["person"].notna()].to_dict("records"):
        x, y = people.index(row["person"]), rows[row["key"]]
        warn = row["remark"] in ("drives without holding any", "holds without a duty")
        letters = "".join(_MARKS[r] for r in row["roles"].split(", ") if r in _MARKS)
        held = "" if pd.isna(row["held_issues"]) else str(row["held_issues"])
        ax.add_patch(_cell(x, y, "#B84E00" if warn else "#DCEAF4"))
        ax.text(x, y, " ".join(filter(None, (letters, held))), ha="center", va="center",
                fontsize=9, color="white" if warn else COLORS["as_of"])  # fmt: skip
    missing = dict.fromkeys(
        frame.loc[frame["remark"] == "works without a driver", "key"], "  (no driver)"
    )
    # After the other: an item that no one carries is worse off than one without a driver.
    missing |= dict.fromkeys(frame.loc[~frame["carried"], "key"], "  (no owner)")
    labels = [
        wrapped(ax, f"{name}  {title}", 46, 0.4, 0.32, size=8) + missing.get(name, "")
        for name, title in items.itertuples(index=False)
    ]
    ax.set_yticks(list(rows.values()), labels, fontsize=8)
    ax.set_xticks(range(len(people)), [safe_text(p, 16) for p in people], rotation=40, ha="right")
    cells(ax, max(len(people), 1), len(items))
    revision = frame.attrs.get("revision")
    ax.set_title(f"Duties in the roadmap of {revision}" if revision else "")
    what = (
        "D drives · M maintains · R responsible · W works on · v reviews",
        "i gives input · c contact · number: open issues held",
        "orange: holds issues without a duty, or drives without holding any",
    )
    ax.set_xlabel("\n".join(wrapped(ax, line, 80, 1, 0.7, size=10) for line in what))
    return ax
