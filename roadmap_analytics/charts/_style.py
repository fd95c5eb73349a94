"""What all charts share: the style, one colour per meaning, safe text, marks on a time axis."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import replace
from functools import cache, partial, wraps
from importlib.resources import files
from typing import Any, Literal, ParamSpec

import matplotlib as mpl
import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib import font_manager
from matplotlib import pyplot as plt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import Collection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.text import Text
from matplotlib.transforms import ScaledTranslation

from roadmap_analytics.charts._inputs import checked

P = ParamSpec("P")

COLORS = {
    "remaining": "#0072B2",
    "completed": "#009E73",
    "scope": "#5B5F66",
    "ideal": "#8A8F98",
    "added": "#D55E00",
    "removed": "#56B4E9",
    "added words": "#A33B00",
    "removed words": "#0072B2",
    "planned": "#0072B2",
    "unplanned": "#E69F00",
    "overdue": "#D55E00",
    "due": "#A33B00",
    "as_of": "#22252A",
    "baseline": "#5B5F66",
    "later": "#D55E00",
    "earlier": "#009E73",
    "unassigned": "#B9BDC4",
    "muted": "#6B7078",
    "weekend": "#F3F4F6",
    "p50": "#0072B2",
    "p85": "#4F9CCB",
    "p95": "#A9CFE6",
}
"""One named colour per meaning, in every chart (Okabe and Ito's palette and greys)."""

PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#5B5F66"]
"""For things without a meaning of their own (people, milestones), in this order."""

DARK = {
    "#22252A": "#E6E8EB",
    "#3B4048": "#C9CDD3",
    "#5B5F66": "#A9AFB8",
    "#6B7078": "#9BA1AB",
    "#8A8F98": "#9BA1AB",
    "#B9BDC4": "#5F656E",
    "#E3E5E8": "#3A3F47",
    "#F3F4F6": "#22262C",
    "#A33B00": "#FF9E6B",
    "#D55E00": "#F0803C",
    "#0072B2": "#57B5EA",  # beside the sky blue of the palette, which becomes paler itself
    "#56B4E9": "#BCE3F8",
    "#4F9CCB": "#3B7FA8",
    "#A9CFE6": "#27516B",
    "#DCEAF4": "#1F3F54",
    "#EAF2F8": "#1B2B36",
    "#F6D2B8": "#6B3A1A",
    "#009E73": "#35C99B",
}
"""What a colour becomes on a dark ground: in the report's dark mode, and on axes that the caller's
style made dark. Others (fills under white letters, the rest of the palette) read well on both."""

TIP = "tip:"
"""Begin of the `gid` of an artist that says something on hover; the rest of the gid is the text.

`gid` is the one property that matplotlib writes into an SVG, as the id of the artist's group. The
report turns it into a `<title>`, which browsers show as a tooltip.
"""

_LAST_RESORT = "Last Resort High-Efficiency"
"""A font within matplotlib that has a box for every character. As the last of a text's families it
keeps text that DejaVu lacks (CJK, emoji) from raising a warning; an SVG has the text itself."""


def _register_last_resort() -> None:
    """Let the font stand in for bold text too; matplotlib logs a warning where a weight differs."""
    known = font_manager.fontManager.ttflist
    have = {int(entry.weight) for entry in known if entry.name == _LAST_RESORT}
    plain = next(entry for entry in known if entry.name == _LAST_RESORT)
    known += [replace(plain, weight=weight) for weight in (600, 700) if weight not in have]


_register_last_resort()


@cache
def _style() -> Any:
    path = str(files("roadmap_analytics.charts") / "roadmap.mplstyle")
    return mpl.rc_params_from_file(path, use_default_template=False)


@cache
def _load_backend() -> None:
    """Let matplotlib load its backend before a style is in force.

    Jupyter's backend turns on interactive mode when it is loaded. Inside a style that would end
    with it, and the charts of all later cells would not show.
    """
    plt.draw_if_interactive()


def styled(plot: Callable[P, Axes]) -> Callable[P, Axes]:
    """Check the frame, draw with the package's style, and leave the caller's settings alone.

    A setting that differs from matplotlib's default is the caller's choice (`plt.style.use`,
    a matplotlibrc), and goes before the style's.
    """

    @wraps(plot)
    def wrapper(*args: Any, **kwargs: Any) -> Axes:
        _load_backend()
        frame = checked(plot.__name__, args[0] if args else kwargs.get("frame"))
        if args:
            args = (frame, *args[1:])
        elif "frame" in kwargs:
            kwargs["frame"] = frame
        chosen: Any = mpl.rcParams
        default: Any = mpl.rcParamsDefault
        ours: Any = {
            name: value for name, value in _style().items() if chosen[name] == default[name]
        }
        with mpl.rc_context(ours):
            ax = plot(*args, **kwargs)
        _finish(ax)
        figure = ax.get_figure(root=True)
        if kwargs.get("ax") is None and isinstance(figure, _Figure):
            figure.again = partial(wrapper, *args, **kwargs)
        return ax

    return wrapper


def _finish(ax: Axes) -> None:
    """Let each text fall back on the last font; on a dark ground exchange the dark colours."""
    texts: list[Text] = [t for t in ax.findobj(Text) if isinstance(t, Text)]
    for text in texts:
        families = text.get_fontfamily()
        if _LAST_RESORT not in families:
            text.set_fontfamily([*families, _LAST_RESORT])
    ground = to_rgb(ax.get_facecolor())
    if sum(ground) / 3 < 0.5:  # darker than half grey: a dark style of the caller
        for artist in ax.findobj():
            _lighten(artist, to_hex(ground))


def _lighten(artist: Artist, ground: str) -> None:
    if isinstance(artist, Text):
        artist.set_color(_on_dark(artist.get_color()))
        box = artist.get_bbox_patch()
        # The white behind a name on a line hides the line; on a dark ground that ground does.
        if box is not None and to_hex(box.get_facecolor()) == "#ffffff":
            box.set_facecolor(ground)
    elif isinstance(artist, Line2D):
        artist.set_color(_on_dark(artist.get_color()))
        artist.set_markeredgecolor(_on_dark(artist.get_markeredgecolor()))
    elif isinstance(artist, Patch):
        # matplotlib puts a patch's alpha into both colours as they are set, and multiplies nothing:
        # read all three before the first is written.
        alpha = artist.get_alpha()
        edge, face = artist.get_edgecolor(), artist.get_facecolor()
        artist.set_edgecolor(_on_dark(edge))
        artist.set_facecolor(_on_dark(face))
        artist.set_alpha(alpha)
    elif isinstance(artist, Collection):
        artist.set_edgecolor([_on_dark(color) for color in artist.get_edgecolor()])
        artist.set_facecolor([_on_dark(color) for color in artist.get_facecolor()])


def _on_dark(color: Any) -> Any:
    """Return the counterpart of a colour on a dark ground; its transparency stays."""
    if isinstance(color, str) and color in ("none", "auto"):
        return color
    lighter = DARK.get(to_hex(color).upper())
    if lighter is None:
        return color
    alpha = color[3] if not isinstance(color, str) and len(color) == 4 else 1.0
    return (*to_rgb(lighter), alpha)


class _Figure(Figure):
    """A figure that a chart made for itself: its text stays text when it is saved as SVG.

    `again` draws the same chart once more, in a new figure. It is None as soon as somebody changes
    the chart (a title, a line of their own), because the second one would lack the change.
    """

    again: Callable[[], Axes] | None = None

    def __setattr__(self, name: str, value: Any) -> None:
        # matplotlib says so at every change of every artist in the figure.
        if name == "stale" and value:
            self.again = None
        super().__setattr__(name, value)

    def draw(self, renderer: Any) -> None:
        # The setting counts when a figure is drawn, long after the style's context has ended.
        with mpl.rc_context({"svg.fonttype": "none"}):
            super().draw(renderer)


def axes_for(
    frame: pd.DataFrame,
    ax: Axes | None,
    *,
    size: tuple[float, float] | None = None,
    least: float = 0,
) -> Axes:
    """Give the caller's axes, or those of a new figure (`size`, `least` width in inches).

    They say that the data are simulated, where `frame.attrs["simulated"]` is true.

    A chart's names may stand outside of its axes. In a figure whose subplots no one arranged, they
    would run into the neighbours: it gets constrained layout, which leaves room for them.
    """
    if ax is None:
        chosen: Any = mpl.rcParams
        across, high = size or chosen["figure.figsize"]
        size = (max(own_width(across), least), high)
        ax = plt.subplots(figsize=size, FigureClass=_Figure)[1]
    else:
        figure = ax.get_figure(root=True)
        if figure is not None and figure.get_layout_engine() is None and _not_arranged(figure):
            figure.set_layout_engine("constrained")
    if frame.attrs.get("simulated"):
        note(ax, "simulated data", (1, 1), (0, 3), size=7.5, xycoords="axes fraction", ha="right",
             va="bottom", fontstyle="italic", color=COLORS["muted"],
             annotation_clip=False)  # fmt: skip
    return ax


def note(
    ax: Axes,
    text: str,
    at: tuple[Any, Any],
    offset: tuple[float, float] = (0, 0),
    *,
    size: float = 8,
    paper: float | None = None,
    **look: Any,
) -> None:
    """Write words `offset` points away from a point, as `Axes.annotate` does.

    `paper` puts the words on a white ground, so many points wider than they are, which lets lines
    behind them shine through.
    """
    if paper is not None:
        look["bbox"] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": paper}
    ax.annotate(text, at, offset, textcoords="offset points", fontsize=size, **look)


def bar_rows(ax: Axes, heights: Any, names: list[str]) -> None:
    """Name the rows of horizontal bars; the grid goes across them."""
    ax.set_yticks(heights, names)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x")


def cells(ax: Axes, columns: int, rows: int) -> None:
    """Prepare the axes of a table of cells, which has its first row (at height 0) at the top."""
    ax.set_xlim(-0.5, columns - 0.5)
    ax.set_ylim(-rows + 0.5, 0.5)
    ax.grid(visible=False)
    ax.tick_params(length=0)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)


_widest: ContextVar[float] = ContextVar("widest", default=float("inf"))
"""Inches across that a new figure may have; see `drawn_narrow`."""

_PHONE = 4.1
"""Inches across of a chart for a phone. On 360 pixels a letter of 9 points is then 11 pixels high;
of a chart of 8.6 inches it would be 5."""


def drawn_narrow(ax: Axes) -> Axes | None:
    """Draw a chart once more, as wide as a phone.

    Returns None where `ax` is not just what a chart drew, and where so much stands side by side
    (people, revisions) that it cannot be read on a phone at once.
    """
    figure = ax.get_figure(root=True)
    if not isinstance(figure, _Figure) or figure.again is None:
        return None
    before = _widest.set(_PHONE)
    try:
        narrow = figure.again()
    finally:
        _widest.reset(before)
    if width_of(narrow) <= _PHONE:
        return narrow
    plt.close(narrow.get_figure(root=True))
    return None


def own_width(across: float) -> float:
    """Return the inches across of a new figure that would like to have so many."""
    return min(across, _widest.get())


def _not_arranged(figure: Figure) -> bool:
    sides = ("left", "right", "bottom", "top", "wspace", "hspace")
    chosen: Any = mpl.rcParams
    return all(
        getattr(figure.subplotpars, side) == chosen[f"figure.subplot.{side}"] for side in sides
    )


def width_of(ax: Axes) -> float:
    """Return the inches across that a chart has for its axes and what stands beside them."""
    figure = ax.get_figure(root=True)
    place = ax.get_subplotspec()
    across = place.get_gridspec().ncols if place is not None else 1
    return (figure.get_figwidth() if figure is not None else 8.6) / across


_NARROW = 7.0  # inches: less than a chart of its own has


def fit(ax: Axes, limit: int, share: float, *, size: float = 9) -> int:
    """Return how many characters of a name fit into a share of the width that a chart has.

    `limit` is what reads well in a chart of its own; among subplots there is less room. A letter
    of DejaVu is about 0.58 of its size wide.
    """
    alone = ax.get_subplotspec() is None or width_of(ax) > _NARROW
    # Names beside narrow axes take so much of the width that titles get less of it.
    room = 72 * width_of(ax) * (1 if alone else 0.7)
    return max(6, min(limit, int(share * room / (0.58 * size))))


def wrapped(
    ax: Axes, text: Any, limit: int, share: float, narrow: float, *, size: float = 9, most: int = 2
) -> str:
    """Return a text as it fits: cut where axes are wide, in up to `most` lines on narrow ones.

    `share` and `narrow` are the parts of the width that it may take then.
    """
    if width_of(ax) >= _NARROW:
        return safe_text(text, fit(ax, limit, share, size=size))
    plain = safe_text(text, limit, drawn=False)
    # A Chinese, Japanese or Korean character or an emoji is as wide as two letters.
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in plain)
    letters = narrow * 72 * width_of(ax) / (0.58 * size) * len(plain) / max(len(plain) + wide, 1)
    lines = textwrap.wrap(plain, max(6, int(letters)), max_lines=most, placeholder="…")
    return "\n".join(safe_text(line, limit) for line in lines)


_UNDER_AXES = 40  # points: the days or numbers on an axis and its label
_LINE = 13  # points: one more line of the label


def key(
    ax: Axes, handles: list[Any] | None = None, *, columns: int = 3, above: bool = False
) -> None:
    """Say what colours mean, below (or above) the axes, in as many columns as fit."""
    shown = ax.get_legend_handles_labels()[0] if handles is None else handles
    longest = max((len(str(handle.get_label())) for handle in shown), default=1)
    # Beside axes with long names, a little more than half of the width is the axes'.
    # 8 is the size of the words; six letters' width is the sign before them and the gap behind.
    room = int(0.55 * 72 * width_of(ax) / (0.58 * 8 * (longest + 6)))
    under = _UNDER_AXES + _LINE * ax.get_xlabel().count("\n")
    below = ScaledTranslation(0, -under / 72, ax.figure.dpi_scale_trans)
    ax.legend(
        handles=shown,
        loc="lower left" if above else "upper left",
        bbox_to_anchor=(0, 1 if above else 0),
        bbox_transform=ax.transAxes if above else ax.transAxes + below,
        fontsize=8, borderaxespad=0, ncols=max(1, min(columns, room)), columnspacing=1.2,
    )  # fmt: skip


def tip(artist: Artist, text: str) -> None:
    """Say `text` when the pointer is over an artist, in pictures that can (SVG in the report)."""
    artist.set_gid(TIP + safe_text(text, 400, drawn=False))


_MOST_TIPS = 60
"""Days of a chart with a tooltip each; of more, several share one. A chart is some 560 units wide:
narrower strips are hard to point at, and each is 250 bytes of the page."""


def tip_days(ax: Axes, days: Any, texts: list[str]) -> None:
    """Put an invisible strip over each day (or a few) that says its text on hover."""
    places = mdates.date2num(days)
    most = max(1, int(_MOST_TIPS * min(1, width_of(ax) / 8.6)))
    chosen = range(0, len(places), max(1, -(-len(places) // most)))
    for number in chosen:
        width = chosen.step
        strip = Rectangle(
            # A day's point stands at its midnight: half a day to either side belongs to it.
            (places[number] - 0.5, 0), width, 1, transform=ax.get_xaxis_transform(),
            facecolor="none", edgecolor="none",
            zorder=3.5,  # marks with words of their own lie above
        )  # fmt: skip
        strip.set_in_layout(False)  # sixty of them would slow constrained layout down
        strip.set_clip_on(False)  # its clip path would be bytes for nothing
        tip(strip, texts[min(number + width, len(places)) - 1])
        ax.add_patch(strip)


_JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"
"""Invisible, but part of words in Persian and of emoji that are made of several."""


def safe_text(text: Any, limit: int = 60, *, drawn: bool = True) -> str:
    r"""Make text from the world plain: no mathematics, no control characters, not too long.

    A leading underscore, which would hide a label from legends, gets a space before it. Marks that
    turn the direction of writing are left out: they would turn what stands beside them.

    Parameters
    ----------
    text : object
    limit : int
        Longer text is cut, with an ellipsis.
    drawn : bool
        Whether matplotlib draws it, to which `$` begins mathematics and `_` hides a label.

    Examples
    --------
    >>> safe_text("costs $5 and $6")
    'costs \\$5 and \\$6'
    >>> safe_text("a\tb\x00c")
    'a b c'
    """
    plain = " ".join(
        "".join(
            " " if unicodedata.category(c)[0] in "CZ" and c not in _JOINERS else c
            for c in str(text)
        ).split()
    )
    if len(plain) > limit:
        plain = plain[: limit - 1].rstrip() + "…"
    if not drawn:
        return plain
    return (" " + plain if plain.startswith("_") else plain).replace("$", r"\$")


NOTHING = "nothing-to-draw"
"""Group id of axes that only say why they are empty: a page shows the words without a picture."""


def nothing(ax: Axes, why: str) -> Axes:
    """Say in one line why a chart is empty, without axes around it."""
    ax.set_axis_off()
    ax.set_gid(NOTHING)
    ax.set_label(why)  # matplotlib does not draw the label of axes
    figure = ax.get_figure(root=True)
    if isinstance(figure, _Figure):
        figure.set_size_inches(8.6, 0.9)  # a line needs no more
    ax.text(0.0, 0.5, safe_text(why, 120), va="center", transform=ax.transAxes,
            color=COLORS["muted"])  # fmt: skip
    return ax


def date_axis(ax: Axes) -> None:
    """Label the horizontal axis with days, in as few words as will do."""
    locator = mdates.AutoDateLocator(minticks=4, maxticks=9)
    ax.xaxis.set_major_locator(locator)
    formatter = mdates.ConciseDateFormatter(locator)
    # Months stand on the axis itself; all that may be missing there is the year.
    formatter.offset_formats = ["", "%Y", "%Y", "%Y", "%Y-%m-%d", "%Y-%m-%d"]
    ax.xaxis.set_major_formatter(formatter)


_MOST_DAYS_SHADED = 120
"""Days of a chart that show each day off; of longer spans the stripes would be a grey haze."""


def shade_days_off(
    ax: Axes, days_off: list[str] | None, first: pd.Timestamp, last: pd.Timestamp
) -> None:
    """Shade the days without work; without a list of them, Saturdays and Sundays."""
    if (last - first).days > _MOST_DAYS_SHADED:
        return
    days = pd.date_range(first, last)
    free = (
        days[days.day_of_week >= 5]
        if days_off is None
        else days[days.isin(pd.to_datetime(days_off))]
    )
    places = mdates.date2num(free)
    # Days that touch are one span: a weekend, a holiday that joins it.
    for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1):
        if len(run):
            ax.axvspan(run[0] - 0.5, run[-1] + 0.5, color=COLORS["weekend"], lw=0, zorder=0)


_MOST_FAN_DAYS = 120
"""Steps of a forecast's bands: a chart is some 560 units wide, so each has four or five."""


def draw_fan(ax: Axes, fan: list[list[Any]]) -> None:
    """Draw futures: bands that have 70 and 90 of 100 of them, and their median.

    `fan` has a row per day: the day, then the 5, 15, 50, 85 and 95 % quantiles of what is left.
    """
    # Of a long fan some days are left out: more steps than a chart has pixels only weigh.
    # The last day stays in any case: there the band of 85 % ends, which a mark on the axis names.
    rows = [*fan[: -1 : -(-len(fan) // _MOST_FAN_DAYS)], fan[-1]]
    days = pd.to_datetime([row[0] for row in rows]).to_numpy()
    low, lower, middle, upper, high = np.array([row[1:] for row in rows], dtype=float).T
    for bottom, top, color in ((low, high, "p95"), (lower, upper, "p85")):
        # Steps, since what is left changes by whole issues and stays for the day.
        ax.fill_between(days, bottom, top, step="post", color=COLORS[color], alpha=0.55, lw=0,
                        zorder=1)  # fmt: skip
    ax.step(days, middle, where="post", color=COLORS["remaining"], linestyle="--", zorder=3)


def mark_day(
    ax: Axes,
    day: pd.Timestamp,
    text: str,
    *,
    color: str,
    linestyle: str = "-",
    side: Literal["left", "right"] = "left",
    low: bool = False,
) -> None:
    """Draw a vertical line at a day, with its words beside it at the top (or foot) of the axes."""
    ax.axvline(mdates.date2num(day), color=color, lw=1.1, linestyle=linestyle, zorder=1.5)
    note(
        ax, safe_text(text), (mdates.date2num(day), 0 if low else 1),
        (-3 if side == "left" else 3, 3 if low else -2), xycoords=("data", "axes fraction"),
        # The end of the words stands at the top in any font, also the one an SVG is shown in.
        rotation=90, rotation_mode="anchor", ha="left" if low else "right",
        va="bottom" if side == "left" else "top", color=color,
    )  # fmt: skip


def mark_beyond(
    ax: Axes, text: str, *, color: str, side: Literal["left", "right"] = "right"
) -> None:
    """Say at an edge of the chart what lies beyond it, where a mark would squeeze all the rest."""
    note(
        ax, safe_text(f"{text} →" if side == "right" else f"← {text}"),
        (1 if side == "right" else 0, 1), (-3 if side == "right" else 3, -2),
        xycoords="axes fraction", rotation=90, rotation_mode="anchor", ha="right",
        va="bottom" if side == "right" else "top", color=color,
    )  # fmt: skip


def label_line(ax: Axes, x: Any, y: float, text: str, *, color: str) -> None:
    """Write a line's name at its end, to the right of the point (x, y), instead of a legend."""
    short = wrapped(ax, text, 60, 1.0, 0.3)  # a long title would leave narrow axes no room
    note(ax, short, (x, y), (6, 0), size=9, paper=0.8, va="center", color=color,
         annotation_clip=False, zorder=6)  # fmt: skip


def number(value: Any) -> str:
    """Write an amount: one decimal where it has any.

    Examples
    --------
    >>> number(3.0), number(1234.56)
    ('3', '1,234.6')
    """
    return f"{float(value):,.1f}".removesuffix(".0")


def counted(value: Any, unit: str) -> str:
    """Write an amount with its unit, `issues` and `days` in the singular for 1.

    Examples
    --------
    >>> counted(1, "issues"), counted(2, "days")
    ('1 issue', '2 days')
    """
    return f"{number(value)} {unit.removesuffix('s') if value == 1 else unit}"


def day_words(day: Any) -> str:
    """Write a day as sentences do.

    Examples
    --------
    >>> day_words("2025-03-03")
    '3 Mar 2025'
    """
    day = pd.Timestamp(day)
    return f"{day.day} {day:%b %Y}"  # not "%-d", which Windows does not know


def percent(share: Any) -> str:
    """Write a chance or share; what is possible is never 0 %, what is not certain never 100 %.

    Examples
    --------
    >>> percent(0.07), percent(0.0005), percent(1)
    ('7 %', '<1 %', '100 %')
    """
    share = float(share)
    if 0 < share < 0.005:
        return "<1 %"
    return ">99 %" if 0.995 <= share < 1 else f"{100 * share:.0f} %"


_MOST_REFERENCES = 8
"""Issues named in one tooltip; the table that stands with a chart has them all."""


def references(urls: list[str]) -> str:
    """Write web addresses of issues as people do, `project#12`.

    Examples
    --------
    >>> references(["https://git.example.org/a/core/-/issues/12", "other"])
    'core#12, other'
    """
    short = []
    for url in urls[:_MOST_REFERENCES]:
        project, _, number_ = str(url).rpartition("/-/")
        short.append(
            f"{project.rpartition('/')[2]}#{number_.rpartition('/')[2]}" if project else str(url)
        )
    more = len(urls) - len(short)
    return ", ".join(short) + (f" and {more} more" if more else "")


def moved_words(row: dict[Any, Any]) -> str:
    """Say what became of a due date, from a step "date moved" of `milestone_timeline`."""
    due, days = row["due_date"], row["amount"]
    if pd.isna(due):
        return "due date cleared"
    if pd.isna(days):
        return f"due date set to {day_words(due)}"
    return f"due date moved {int(days):+d} d to {day_words(due)}"


def spread(values: list[float], gap: float) -> list[float]:
    """Move label heights apart until neighbours are at least `gap` apart, keeping their order.

    Labels that touch form a block that stands around the mean of its wanted heights. A block that
    then touches the one below joins it (as isotonic regression pools neighbours).

    Examples
    --------
    >>> spread([1.0, 1.1, 5.0], 1.0)
    [0.55, 1.55, 5.0]
    """
    if not values:
        return []
    order = np.argsort(values, kind="stable")  # labels of one height keep the caller's order
    blocks: list[tuple[float, int]] = []  # (mean height, labels) of labels that touch
    for value in np.asarray(values, dtype=float)[order]:
        blocks.append((float(value), 1))
        # Two blocks touch where their middles are nearer than half of the labels of both need.
        while len(blocks) > 1 and (
            blocks[-1][0] - blocks[-2][0] < gap * (blocks[-1][1] + blocks[-2][1]) / 2
        ):
            (high, m), (low, n) = blocks.pop(), blocks.pop()
            blocks.append(((high * m + low * n) / (m + n), m + n))
    placed = [
        middle + gap * (i - (count - 1) / 2) for middle, count in blocks for i in range(count)
    ]
    result = np.empty(len(values))
    result[order] = placed
    return [round(float(v), 9) for v in result]  # the same bytes of SVG on every machine
