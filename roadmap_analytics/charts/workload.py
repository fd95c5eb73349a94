"""Charts of load: per person by milestone, over time, ahead against capacity, duties and load."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from roadmap_analytics.charts._style import (
    COLORS,
    PALETTE,
    axes_or_new,
    date_axis,
    label_line,
    safe_text,
    stamp,
    styled,
)

__all__ = ["plot_duties", "plot_workload", "plot_workload_history", "plot_workload_plan"]

# No dots: each is a circle of 200 bytes in an SVG, hundreds in a bar.
_HATCHES = ["", "///", "|||", "\\\\\\", "xxx", "---", "ooo"]
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
def plot_workload(frame: pd.DataFrame, *, ax: Axes | None = None, milestones: int = 6) -> Axes:
    """Draw the open issues of each person as one bar, stacked by milestone.

    Parameters
    ----------
    frame : DataFrame
        What `workload_by_milestone` returns.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    milestones : int
        How many milestones are told apart, by due date, soonest first; the rest is "later".

    Returns
    -------
    Axes
        Unassigned stands first, then people by load. The number at a bar's end is its length;
        how many of them are overdue stands behind it.
    """
    people = _by_load(frame)
    ax = axes_or_new(ax, size=(8.6, max(2.4, 0.42 * len(people) + 1.4)))
    rows = {person: -i for i, person in enumerate(people)}
    left = dict.fromkeys(people, 0.0)
    for i, (name, part) in enumerate(_parts(frame, milestones)):
        muted = name == "no milestone"
        sizes = part.groupby("person", sort=False)["open_issues"].sum()
        ax.barh(
            [rows[p] for p in sizes.index],
            sizes.to_numpy(float),
            left=[left[p] for p in sizes.index],
            height=0.68,
            color=COLORS["unassigned"] if muted else PALETTE[i % len(PALETTE)],
            hatch="" if muted else _HATCHES[i % len(_HATCHES)],
            edgecolor="white",
            linewidth=0.8,
            label=safe_text(name, 40),
        )
        for person, amount in sizes.items():
            left[str(person)] += float(amount)
    overdue = frame.groupby("person")["overdue_issues"].sum()
    for person in people:
        late = float(overdue[person])
        text = f"{left[person]:g}" + (f"  ({late:g} overdue)" if late else "")
        ax.annotate(
            text,
            (left[person], rows[person]),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            color=COLORS["overdue"] if late else COLORS["as_of"],
        )
    ax.set_yticks(list(rows.values()), [safe_text(p, 24) for p in people])
    ax.set_xlabel(_count_label(frame))
    ax.set_xlim(0, max([*left.values(), 1.0]) * 1.22)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.grid(axis="x")
    ax.grid(visible=False, axis="y")
    if len(frame):
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), title="milestone", fontsize=8)
    ax.set_title(f"Open issues by person, {frame.attrs.get('as_of', '')}")
    stamp(ax, frame)
    return ax


def _by_load(frame: pd.DataFrame) -> list[str]:
    load = frame.groupby("person")["open_issues"].sum().sort_index()
    people = load.sort_values(ascending=False, kind="stable").index.tolist()
    return sorted(people, key=lambda person: person != "unassigned")


def _parts(frame: pd.DataFrame, most: int) -> list[tuple[str, pd.DataFrame]]:
    """Split into the milestones due first, the later ones together, and what is in none."""
    inside = frame[frame["milestone_id"].notna()]
    order = inside.drop_duplicates("milestone_id").sort_values(
        ["due_date", "milestone_id"], na_position="last"
    )
    shown = order.head(most if len(order) <= most else most - 1)
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
        return "open issues (an issue with several assignees is shared equally)"
    return "open issues (an issue with several assignees counts for each)"


@styled
def plot_workload_history(frame: pd.DataFrame, *, ax: Axes | None = None, people: int = 10) -> Axes:
    """Draw the open issues of each person over time, one row each, all on one scale.

    Parameters
    ----------
    frame : DataFrame
        What `workload_history` returns.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    people : int
        How many persons are shown: those with most at the end.

    Returns
    -------
    Axes
        Unassigned stands first, then people by load at the end. A row's label gives the open
        issues at the end, a dotted line and its number the most there ever were.
    """
    last = frame[frame["date"] == frame["date"].max()]
    shown = _by_load(last)[: people + 1]
    ax = axes_or_new(ax, size=(8.6, max(2.4, 0.62 * len(shown) + 1.2)))
    top = float(frame.loc[frame["person"].isin(shown), "open_issues"].max()) if len(shown) else 1
    scale = 0.86 / max(top, 1.0)
    labels = []
    for i, person in enumerate(shown):
        line = frame[frame["person"] == person]
        held = line["open_issues"].astype(float)
        color = COLORS["scope"] if person == "unassigned" else COLORS["remaining"]
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
        labels.append(f"{safe_text(person, 24)}  {held.iloc[-1]:g}")
    ax.set_yticks([-i for i in range(len(shown))], labels)
    ax.set_ylim(-len(shown) + 0.9, 1.0)
    ax.margins(x=0.0)
    date_axis(ax)
    ax.set_xlabel(_count_label(frame) + ", all rows on one scale")
    ax.set_title("Open issues held, by person")
    stamp(ax, frame)
    return ax


@styled
def plot_workload_plan(frame: pd.DataFrame, *, ax: Axes | None = None, weeks: int = 10) -> Axes:
    """Draw the hours ahead of each person against capacity, as a grid of weeks.

    Parameters
    ----------
    frame : DataFrame
        What `workload_plan` returns.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    weeks : int
        How many weeks ahead are shown.

    Returns
    -------
    Axes
        One cell per person and week: hours, an asterisk where they rest on medians for more than
        half, and a shade that is darker the more of the capacity they take. Overdue hours stand
        in the first week after a plus.
    """
    shown = sorted(frame["week"].unique())[:weeks]
    people = sorted(frame["person"].unique(), key=lambda p: (p != "unassigned", p))
    ax = axes_or_new(ax, size=(8.6, max(2.2, 0.5 * len(people) + 1.5)))
    shades = {"low": "#EAF2F8", "normal": "#A9CFE6", "high": "#D55E00", "unassigned": "#E3E5E8"}
    for row in frame[frame["week"].isin(shown)].to_dict("records"):
        x, y = shown.index(row["week"]), -people.index(row["person"])
        hours = row["planned_hours"] + row["overdue_hours"]
        ax.add_patch(_cell(x, y, COLORS["weekend"] if hours == 0 else shades[row["level"]]))
        if hours == 0:
            continue
        text = f"{row['planned_hours']:.0f}" + (
            f"+{row['overdue_hours']:.0f}" if row["overdue_hours"] else ""
        )
        text += "*" if row["assumed_hours"] > hours / 2 else ""
        ax.text(
            x,
            y,
            text,
            ha="center",
            va="center",
            fontsize=9,
            fontweight="bold" if row["level"] == "high" else "normal",
            color="white" if row["level"] == "high" else COLORS["as_of"],
        )
    ax.set_xlim(-0.5, max(len(shown), 1) - 0.5)
    ax.set_ylim(-max(len(people), 1) + 0.5, 0.5)
    ax.set_xticks(range(len(shown)), [f"{pd.Timestamp(w):%d %b}" for w in shown])
    ax.set_yticks([-i for i in range(len(people))], [safe_text(p, 24) for p in people])
    later = frame.loc[~frame["week"].isin(shown), "planned_hours"].sum()
    later += sum(frame.attrs.get("beyond_hours", {}).values())
    more = f"; {later:,.0f} hours in later weeks" if round(later) else ""
    ax.set_xlabel(f"week that ends on this Sunday; hours (+ overdue), * mostly assumed{more}")
    ax.grid(visible=False)
    ax.tick_params(length=0)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    ax.set_title("Hours ahead, by person and week (orange: above capacity)")
    stamp(ax, frame)
    return ax


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
    items = frame.drop_duplicates("key")[["key", "title"]].reset_index(drop=True)
    people = sorted(frame["person"].dropna().unique())
    ax = axes_or_new(
        ax, size=(max(8.6, 0.62 * len(people) + 4.6), max(2.4, 0.36 * len(items) + 1.8))
    )
    rows = {key: -i for i, key in enumerate(items["key"])}
    for row in frame[frame["person"].notna()].to_dict("records"):
        x, y = people.index(row["person"]), rows[row["key"]]
        warn = row["remark"] in ("drives without holding any", "holds without a duty")
        letters = "".join(_MARKS[r] for r in row["roles"].split(", ") if r in _MARKS)
        held = "" if pd.isna(row["held_issues"]) else str(row["held_issues"])
        ax.add_patch(_cell(x, y, COLORS["later"] if warn else "#DCEAF4"))
        ax.text(
            x,
            y,
            " ".join(t for t in (letters, held) if t),
            ha="center",
            va="center",
            fontsize=9,
            color="white" if warn else COLORS["as_of"],
        )
    missing = dict.fromkeys(
        frame.loc[frame["remark"] == "works without a driver", "key"], "  (no driver)"
    )
    missing |= dict.fromkeys(frame.loc[~frame["carried"], "key"], "  (no owner)")
    labels = [
        safe_text(f"{key}  {title}", 46) + missing.get(key, "")
        for key, title in items.itertuples(index=False)
    ]
    ax.set_yticks(list(rows.values()), labels, fontsize=8)
    ax.set_xticks(range(len(people)), [safe_text(p, 16) for p in people], rotation=40, ha="right")
    ax.set_xlim(-0.5, max(len(people), 1) - 0.5)
    ax.set_ylim(-max(len(items), 1) + 0.5, 0.5)
    ax.grid(visible=False)
    ax.tick_params(length=0)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    revision = frame.attrs.get("revision")
    ax.set_title(f"Duties in the roadmap of {revision}" if revision else "")
    ax.set_xlabel(
        "D drives · M maintains · R responsible · W works on · v reviews\n"
        "i gives input · c contact · number: open issues held"
    )
    stamp(ax, frame)
    return ax
