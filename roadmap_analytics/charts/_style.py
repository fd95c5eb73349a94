"""What all charts share: the style, one colour per meaning, safe text, marks on a time axis."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import cache, wraps
from importlib.resources import files
from typing import Any, Literal, ParamSpec

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib import font_manager
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from roadmap_analytics.charts._inputs import checked

__all__ = [
    "COLORS",
    "PALETTE",
    "axes_or_new",
    "date_axis",
    "label_line",
    "mark_beyond",
    "mark_day",
    "safe_text",
    "shade_weekends",
    "spread",
    "stamp",
    "styled",
]

P = ParamSpec("P")

COLORS = {
    "remaining": "#0072B2",
    "completed": "#009E73",
    "scope": "#5B5F66",
    "ideal": "#8A8F98",
    "added": "#D55E00",
    "removed": "#56B4E9",
    "planned": "#0072B2",
    "unplanned": "#E69F00",
    "overdue": "#D55E00",
    "due": "#A33B00",
    "as_of": "#22252A",
    "baseline": "#5B5F66",
    "later": "#D55E00",
    "earlier": "#009E73",
    "unassigned": "#B9BDC4",
    "muted": "#8A8F98",
    "weekend": "#F3F4F6",
    "p50": "#0072B2",
    "p85": "#4F9CCB",
    "p95": "#A9CFE6",
}
"""One named colour per meaning, in every chart (Okabe and Ito's palette and greys)."""

PALETTE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#5B5F66"]
"""For things without a meaning of their own (people, milestones), in this order."""

_STYLE = str(files("roadmap_analytics.charts") / "roadmap.mplstyle")


def styled(plot: Callable[P, Axes]) -> Callable[P, Axes]:
    """Check the frame, draw with the package's style, and leave the caller's settings alone."""

    @wraps(plot)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Axes:
        checked(plot.__name__, args[0] if args else kwargs.get("frame"))
        with plt.style.context(_STYLE):
            return plot(*args, **kwargs)

    return wrapper


def axes_or_new(ax: Axes | None, *, size: tuple[float, float] | None = None) -> Axes:
    """Give the caller's axes, or those of a new figure (`size` in inches)."""
    if ax is not None:
        return ax
    return plt.subplots(figsize=size)[1]


@cache
def _has_glyph(character: str) -> bool:
    font = font_manager.get_font(font_manager.findfont("DejaVu Sans"))
    return bool(font.get_char_index(ord(character)))


def safe_text(text: Any, limit: int = 60) -> str:
    r"""Make text from the world plain: no mathematics, no control characters, not too long.

    Characters that the font lacks become the replacement character, so that a chart never warns.
    A leading underscore, which would hide a label from legends, gets a space before it.

    Examples
    --------
    >>> safe_text("costs $5 and $6")
    'costs \\$5 and \\$6'
    >>> safe_text("a\tb\x00c")
    'a b c'
    """
    plain = " ".join(
        "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in str(text)).split()
    )
    if len(plain) > limit:
        plain = plain[: limit - 1].rstrip() + "…"
    drawn = "".join(c if _has_glyph(c) else "\N{REPLACEMENT CHARACTER}" for c in plain)
    return (" " + drawn if drawn.startswith("_") else drawn).replace("$", r"\$")


def stamp(ax: Axes, frame: pd.DataFrame) -> None:
    """Say on the chart that its data are simulated, where `frame.attrs["simulated"]` is true."""
    if frame.attrs.get("simulated"):
        ax.annotate(
            "simulated data",
            xy=(1, 1),
            xycoords="axes fraction",
            xytext=(0, 6),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=8,
            fontstyle="italic",
            color=COLORS["muted"],
            annotation_clip=False,
        )


def date_axis(ax: Axes) -> None:
    """Label the horizontal axis with days, in as few words as will do."""
    locator = mdates.AutoDateLocator(minticks=4, maxticks=9)
    ax.xaxis.set_major_locator(locator)
    formatter = mdates.ConciseDateFormatter(locator)
    # Months stand on the axis itself; all that may be missing there is the year.
    formatter.offset_formats = ["", "%Y", "%Y", "%Y", "%Y-%m-%d", "%Y-%m-%d"]
    ax.xaxis.set_major_formatter(formatter)


def shade_weekends(ax: Axes, first: pd.Timestamp, last: pd.Timestamp) -> None:
    """Shade Saturdays and Sundays; spans too long to show single days stay white."""
    if (last - first).days > 120:
        return
    for day in pd.date_range(first, last):
        if day.weekday() >= 5:
            ax.axvspan(
                mdates.date2num(day - pd.Timedelta(hours=12)),
                mdates.date2num(day + pd.Timedelta(hours=12)),
                color=COLORS["weekend"],
                lw=0,
                zorder=0,
            )


def mark_day(
    ax: Axes,
    day: pd.Timestamp,
    text: str,
    *,
    color: str,
    linestyle: str = "-",
    side: Literal["left", "right"] = "left",
) -> None:
    """Draw a vertical line at a day, with its words beside it at the top inside the axes."""
    ax.axvline(mdates.date2num(day), color=color, lw=1.1, linestyle=linestyle, zorder=1.5)
    ax.annotate(
        safe_text(text),
        xy=(mdates.date2num(day), 1),
        xycoords=("data", "axes fraction"),
        xytext=(-3 if side == "left" else 3, -2),
        textcoords="offset points",
        rotation=90,
        ha="right" if side == "left" else "left",
        va="top",
        fontsize=8,
        color=color,
    )


def mark_beyond(
    ax: Axes, text: str, *, color: str, side: Literal["left", "right"] = "right"
) -> None:
    """Say at an edge of the chart what lies beyond it, where a mark would squeeze all the rest."""
    ax.annotate(
        safe_text(f"{text} →" if side == "right" else f"← {text}"),
        xy=(1 if side == "right" else 0, 1),
        xycoords="axes fraction",
        xytext=(-3 if side == "right" else 3, -2),
        textcoords="offset points",
        rotation=90,
        ha=side,
        va="top",
        fontsize=8,
        color=color,
    )


def label_line(ax: Axes, x: Any, y: float, text: str, *, color: str) -> None:
    """Write a line's name at its end, to the right of the point (x, y), instead of a legend."""
    ax.annotate(
        safe_text(text),
        xy=(x, y),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        fontsize=9,
        color=color,
        annotation_clip=False,
    )


def spread(values: list[float], gap: float) -> list[float]:
    """Move label heights apart until neighbours are at least `gap` apart, keeping their order.

    Examples
    --------
    >>> spread([1.0, 1.1, 5.0], 1.0)
    [0.55, 1.55, 5.0]
    """
    if not values:
        return []
    order = np.argsort(values, kind="stable")
    blocks: list[tuple[float, int]] = []  # (mean height, labels) of labels that touch
    for value in np.asarray(values, dtype=float)[order]:
        blocks.append((float(value), 1))
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
    return [round(float(v), 9) for v in result]
