"""Charts of moving targets: milestone trend analysis, lives of items, slip per revision."""

from __future__ import annotations

from typing import Any

import matplotlib.dates as mdates
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from roadmap_analytics.charts._style import (
    COLORS,
    PALETTE,
    axes_for,
    counted,
    date_axis,
    key,
    mark_day,
    note,
    nothing,
    safe_text,
    spread,
    styled,
    tip,
    width_of,
    wrapped,
)

_FAR = pd.Timedelta(3653, "D")  # ten years from every report: a typing error, or "never"

_LINES = ["-", "--", "-.", ":"]
_MARKERS = ["o", "s", "^", "D", "v", "P", "X"]
_INK = "#16181C"
"""Letters on a light cell: dark on light paper and dark paper alike, as the cells are."""
_STATUSES = {
    "new": ("new", "N", "#0067A3", "white"),
    "continued": ("continued", "", "#B9D6E8", _INK),
    "renamed": ("renamed", "R", "#8FBBD6", _INK),
    "split": ("split off", "S", "#56B4E9", _INK),
    "merged": ("merged", "M", "#E3B23C", _INK),
    "returned": ("returned", "B", "#00795A", "white"),
    "done": ("done", "✓", "#D5E8D4", _INK),
    "dropped": ("gone", "×", "#FFFFFF", "#A33B00"),
}


_ENDED = ("done", "dropped", "closed")


def _trend(frame: pd.DataFrame) -> pd.DataFrame:
    """One shape for items of documents and for milestones of GitLab.

    `line`, `title`, `x` (reported on), `low` and `y` (first and last day of the target), and
    `open`: whether the line still runs, so that there is something to decide about it.
    """
    if "observed_at" in frame.columns:
        state = frame.get("state", pd.Series("active", index=frame.index))
        trend = pd.DataFrame(
            {
                "line": frame["milestone_id"].astype("str"),
                "title": frame["title"],
                "x": frame["observed_at"].dt.tz_localize(None),
                "low": frame["due_date"],
                "y": frame["due_date"],
                "open": ~state.isin(_ENDED),
            }
        )
        # A milestone seen with one date only has no course: nothing moved, nothing to decide.
        groups = trend.groupby("line")["open"]
        last = groups.transform("last") & (groups.transform("size") > 1)
    else:
        newest = frame["revision"].max()
        trend = pd.DataFrame(
            {
                "line": frame["item"],
                "title": frame["title"],
                "x": frame["revision"],
                "low": frame["target_start_date"].fillna(frame["target_date"]),
                "y": frame["target_date"],
                "open": (frame["revision"] == newest) & ~frame["status"].isin(_ENDED),
            }
        )
        # Only rows of the newest revision can be open: one such makes the whole line run.
        last = trend.groupby("line")["open"].transform("any")
    trend = trend.assign(open=last.astype(bool)).dropna(subset=["y"])
    # Lone points of what has ended would stretch the chart down to their old dates.
    lines = trend.groupby("line")["y"].transform("size") > 1
    return trend[lines | trend["open"]] if (lines | trend["open"]).any() else trend


@styled
def plot_slippage(
    frame: pd.DataFrame,
    *,
    ax: Axes | None = None,
    baseline: str | pd.Timestamp | None = None,
) -> Axes:
    """Draw a slip chart (milestone trend analysis).

    Parameters
    ----------
    frame : DataFrame
        What `slippage` or `milestone_slippage` returns.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    baseline : date, optional
        The report that slips are judged against: marked by a vertical line. The first one that has
        a target, unless given.

    Returns
    -------
    Axes
        Seven lines are named: of those that still run the ones that moved most, first in the newest
        report. Lines that have ended (done, dropped, closed) are thin and grey; where all have,
        those that moved most are named.
        Reporting date across, target date up. A flat line is on plan, a rising one is late, and one
        that reaches the diagonal is due. Bars show the days that a vague target covers. The title
        says what moved in the newest report; behind a name stands by how many days its target
        moved there. Each point says its dates on hover.
        Targets over ten years from every report are named above the chart and not drawn.
    """
    ax = axes_for(frame, ax, size=(8.8, 5.2))
    rows, far = _near(_trend(frame).sort_values(["x", "line"], kind="stable"))
    _name_far(ax, far)
    if rows.empty:
        return nothing(ax, "no target dates")
    ax.set_ylabel("Target date")
    ax.set_xlabel("Reported on")
    ax.set_title(
        wrapped(ax, _moves(frame), 80, 0.85, 0.65, size=12, most=3), pad=18 if len(far) else None
    )
    # Of rows that have a target, so that a revision without one does not hide a slip across it.
    slips = rows.groupby("line")["y"].diff().dt.days
    newest = rows["x"].max()
    rows = rows.assign(slip=slips.where(rows["x"] == newest))
    named = _named(rows)
    ends = []
    for line, part in rows.groupby("line", sort=False):
        place = named.index(line) if line in named else None
        ends += _draw_line(ax, part, place)
    _diagonal(ax, rows)
    first = rows["x"].min() if baseline is None else pd.Timestamp(baseline)
    mark_day(ax, first, "baseline", color=COLORS["baseline"], linestyle="--")
    if newest > first:
        mark_day(ax, newest, "newest", color=COLORS["as_of"], linestyle=":", low=True)
    _name_lines(ax, ends)
    return ax


def _moves(frame: pd.DataFrame) -> str:
    """Say what moved: in the newest revision, or of milestones since the first export."""
    if "observed_at" in frame.columns:
        moved = frame["slip_days"].dropna()
        what, compared = "due date", moved[moved != 0]
        where = f"Since {frame['observed_at'].min():%d %b %Y}: "
    else:
        newest = frame[frame["revision"] == frame["revision"].max()]
        what, compared = "target", newest["slip_days"].dropna()
        where = f"Revision of {frame['revision'].max():%d %b %Y}: "
    later, earlier = compared[compared > 0], compared[compared < 0]
    parts = []
    if len(later):
        moved_by = f"{later.max():.0f} days" if len(later) == 1 else f"up to {later.max():.0f} days"
        parts.append(f"{counted(len(later), f'{what}s')} moved later by {moved_by}")
    if len(earlier):
        parts.append(f"{len(earlier)} earlier")
    return where + (", ".join(parts) if parts else f"no {what} moved")


def _near(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Part the targets that a chart can show from those that would squeeze all others."""
    first, last = rows["x"].min() - _FAR, rows["x"].max() + _FAR
    near = rows["y"].between(first, last).to_numpy()
    return rows[near].assign(low=rows["low"].clip(lower=first)), rows[~near]


def _name_far(ax: Axes, far: pd.DataFrame) -> None:
    if far.empty:
        return
    latest = far.drop_duplicates("line", keep="last")
    days = latest["y"].astype("datetime64[s]").astype("str")
    said = [
        f"{safe_text(title, 24)} {day}"
        for title, day in zip(latest["title"].head(2), days.head(2), strict=True)
    ]
    said += [f"{len(latest) - 2} more"] if len(latest) > 2 else []
    note(ax, f"beyond the chart: {', '.join(said)}", (0, 1), (0, 6), xycoords="axes fraction",
         va="bottom", color=COLORS["due"], annotation_clip=False)  # fmt: skip


def _named(rows: pd.DataFrame) -> list[Any]:
    """Choose the lines to decide about, those that moved most first; see `plot_slippage`."""
    groups = rows.groupby("line", sort=False)
    moved = groups["y"].agg(lambda y: abs((y.iloc[-1] - y.iloc[0]).days))
    order = pd.DataFrame(
        {
            "open": groups["open"].last(),
            "slip": groups["slip"].last().abs().fillna(0),
            "moved": moved,
            "reports": groups.size(),
        }
    )
    if order["open"].any():
        order = order[order["open"]]
    elif (order["reports"] > 1).any():  # lone points only where nothing is a line
        order = order[order["reports"] > 1]
    order = order.sort_values(["slip", "moved", "reports"], ascending=False, kind="stable")
    return list(order.index[: len(PALETTE)])  # no two of one colour


def _draw_line(
    ax: Axes, part: pd.DataFrame, place: int | None
) -> list[tuple[Any, float, str, str]]:
    ended = COLORS["unassigned" if not part["open"].iloc[-1] else "muted"]
    color = ended if place is None else PALETTE[place % len(PALETTE)]
    x = mdates.date2num(part["x"])
    y, low = mdates.date2num(part["y"]), mdates.date2num(part["low"])
    ax.vlines(x, low, y, color=color, lw=1 if place is None else 4, alpha=0.35, zorder=2)
    ax.plot(
        x,
        y,
        color=color,
        lw=0.9 if place is None else 1.8,
        linestyle="-" if place is None else _LINES[place % len(_LINES)],
        marker="." if place is None else _MARKERS[place % len(_MARKERS)],
        markersize=4 if place is None else 5.5,
        zorder=2.5 if place is None else 3,
    )
    title = str(part["title"].iloc[-1])
    for day, target in zip(part["x"], part["y"], strict=True) if part["open"].iloc[-1] else ():
        # Days across and up: on axes of a year or more some ten pixels, enough to point at.
        point = Rectangle((mdates.date2num(day) - 4, mdates.date2num(target) - 6), 8, 12,
                          facecolor="none", edgecolor="none", zorder=3.5)  # fmt: skip
        tip(point, f"{title}: on {day:%d %b %Y} planned for {target:%d %b %Y}")
        ax.add_patch(point)
    if place is None:
        return []
    slip = part["slip"].iloc[-1]
    # The days stand first: a long title is cut at its end.
    words = title if pd.isna(slip) or slip == 0 else f"{slip:+.0f} d  {title}"
    ax.plot(x[-1:], y[-1:], color=color, marker=_MARKERS[place % len(_MARKERS)], markersize=8.5,
            zorder=3)  # fmt: skip
    return [(x[-1], float(y[-1]), words, color)]


def _diagonal(ax: Axes, rows: pd.DataFrame) -> None:
    """Give the day of the report as target: what lies on it is due."""
    left, right = mdates.date2num(rows["x"].min()), mdates.date2num(rows["x"].max())
    bottom, top = mdates.date2num(rows["low"].min()), mdates.date2num(rows["y"].max())
    # Two weeks at least: the axes of one report would show hours.
    span, height = max(right - left, 14.0), max(top - bottom, 14.0)
    beside, above = (span - (right - left)) / 2, (height - (top - bottom)) / 2
    x0, x1 = left - beside - 0.05 * span, right + beside + 0.06 * span
    # Down to the newest report, so that the diagonal shows how near each target has come.
    y0, y1 = min(bottom, right) - above - 0.06 * height, top + above + 0.06 * height
    ax.set_xlim(x0, x1)
    ax.set_ylim(y0, y1)
    # The part of the diagonal within the axes: where both a report and a target can lie.
    ends = sorted([max(x0, y0), min(x1, y1)])
    ax.plot(ends, ends, color=COLORS["muted"], lw=1.1, linestyle=(0, (1, 1.5)), zorder=1)
    ax.fill_between(ends, [y0, y0], ends, color=COLORS["weekend"], lw=0, zorder=0)
    beyond_middle = ends[0] + 0.62 * (ends[1] - ends[0])
    words = wrapped(ax, "due on the day of the report", 60, 1, 0.25, size=8)
    note(ax, words, (beyond_middle, beyond_middle), (4, -4), va="top", color=COLORS["muted"])
    date_axis(ax)
    locator = mdates.AutoDateLocator(minticks=4, maxticks=8)
    ax.yaxis.set_major_locator(locator)
    formatter = mdates.ConciseDateFormatter(locator, show_offset=False)
    formatter.formats[1] = formatter.zero_formats[2] = "%b %Y"  # no year stands beside the axis
    ax.yaxis.set_major_formatter(formatter)


def _name_lines(ax: Axes, ends: list[tuple[Any, float, str, str]]) -> None:
    """Write each line's name at the right edge, apart from each other."""
    bottom, top = ax.get_ylim()
    # Some 22 lines of 8.5 points fit into the height of a chart of its own.
    names = [wrapped(ax, title, 40, 0.3, 0.25, size=8.5) for _, _, title, _ in ends]
    lines = 1 + max((name.count("\n") for name in names), default=0)
    heights = spread([y for _, y, _, _ in ends], lines * (top - bottom) / 22)
    right = ax.get_xlim()[1]
    for (x, y, _, color), name, height in zip(ends, names, heights, strict=True):
        ax.annotate(
            name,
            xy=(x, y),
            xytext=(right, height),
            textcoords="data",
            fontsize=8.5,
            color=color,
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": color, "lw": 0.6, "alpha": 0.6}
            | {"shrinkA": 1, "shrinkB": 4},
        )


@styled
def plot_lifecycle(frame: pd.DataFrame, *, ax: Axes | None = None, rows: int = 30) -> Axes:
    """Draw which item appeared, stayed, was renamed, split, merged or gone in which revision.

    Parameters
    ----------
    frame : DataFrame
        What `slippage` returns; filter it by `kind` or `item` before for a closer look.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    rows : int
        How many items at most; the latest ones. The label below says how many are left out.

    Returns
    -------
    Axes
        One row per item in order of appearance, one column per revision. Letters besides colours:
        N new, R renamed, S split off, M merged, B back, × gone.
    """
    if frame.empty:
        return nothing(axes_for(frame, ax), "no roadmap items")
    days = sorted(frame["revision"].unique())
    items = frame.groupby("item", sort=False).agg(
        first=("revision", "min"), last=("revision", "max"), title=("title", "last")
    )
    items = items.reset_index().sort_values(["first", "item"], kind="stable")
    shown = items.sort_values(["last", "first"], kind="stable").tail(rows).index
    items = items[items.index.isin(shown)].reset_index(drop=True)
    ax = axes_for(
        frame,
        ax,
        size=(2.9 + 0.66 * max(len(days), 4), 1.4 + 0.24 * max(len(items), 4)),
        least=1.5 + 0.26 * len(days),
    )
    column = {day: i for i, day in enumerate(days)}
    height = {item: len(items) - 1 - i for i, item in enumerate(items["item"])}
    for row in frame[frame["item"].isin(height)].itertuples(index=False):
        _cell(ax, column[row.revision], height[row.item], str(row.status))
    ax.set_xlim(-0.5, max(len(days), 1) - 0.5)
    ax.set_ylim(-0.7, max(len(items), 1) - 0.3)
    ax.set_xticks(range(len(days)), [f"{day:%Y-%m-%d}" for day in days], rotation=45, ha="right")
    ax.set_yticks(
        [height[i] for i in items["item"]],
        [wrapped(ax, t, 44, 0.4, 0.33, size=8, most=1) for t in items["title"]],
    )
    ax.tick_params(axis="y", labelsize=8)
    ax.grid(visible=False)
    left_out = frame["item"].nunique() - len(items)
    ax.set_xlabel("Revision" + (f"   ({left_out} earlier items are left out)" if left_out else ""))
    handles = [
        Patch(facecolor=color, edgecolor="white", label=f"{letter} {name}".strip())
        for status, (name, letter, color, _) in _STATUSES.items()
        if frame["status"].eq(status).any()
    ]
    key(ax, handles, columns=len(handles), above=True)
    return ax


def _cell(ax: Axes, x: int, y: int, status: str) -> None:
    _, letter, color, ink = _STATUSES[status]
    if status != "dropped":
        ax.add_patch(
            Rectangle((x - 0.5, y - 0.36), 1, 0.72, facecolor=color, edgecolor="white", lw=0.8)
        )
    ax.annotate(letter, (x, y), ha="center", va="center", fontsize=8, color=ink)


@styled
def plot_slip_per_revision(frame: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw by how much the targets of each revision moved, as bars.

    Parameters
    ----------
    frame : DataFrame
        What `slip_per_revision` returns.
    ax : Axes, optional
        Where to draw; a new figure otherwise.

    Returns
    -------
    Axes
        The bar is the median over items that had a target before; below it stands how many of them
        moved later. Revisions without any such item have no bar.
    """
    ax = axes_for(frame, ax, least=0.9 + 0.32 * len(frame))
    if frame.empty:
        return nothing(ax, "no roadmap revisions")
    values = frame["median_slip_days"]
    colors = [COLORS["later"] if v > 0 else COLORS["earlier"] for v in values.fillna(0)]
    ax.bar(
        range(len(frame)),
        values.fillna(0),
        width=0.6,
        color=colors,
        hatch=["" if v >= 0 else "///" for v in values.fillna(0)],
        edgecolor="white",
    )
    ax.axhline(0, color=COLORS["as_of"], lw=0.8)
    compared = frame["later"] + frame["earlier"] + frame["kept"]
    # "2 of 3 later" is some 60 points wide; where bars stand closer, the axis explains "2/3".
    wide = 0.85 * 72 * width_of(ax) / len(frame) > 66
    for x, (value, later, count) in enumerate(zip(values, frame["later"], compared, strict=True)):
        shares = f"{later} of {count} later" if wide else f"{later}/{count}"
        text = f"{value:+.0f} d\n{shares}" if count else "nothing\nto compare" if wide else "–"
        note(ax, text, (x, max(float(value), 0.0) if count else 0.0), (0, 4), ha="center",
             va="bottom", color=COLORS["as_of" if count else "muted"])  # fmt: skip
    ax.set_xticks(
        range(len(frame)), [f"{day:%Y-%m-%d}" for day in frame["revision"]], rotation=45, ha="right"
    )
    ax.set_ylabel("Median slip (days, later is up)")
    ax.set_xlabel("Revision" if wide else "Revision (2/3: 2 of 3 dated items moved later)")
    ax.set_title(
        f"{int((values > 0).sum())} of {counted(len(frame), 'revisions')} moved dates later"
    )
    ax.margins(y=0.25)
    return ax
