"""What a notebook shows: headline, conclusion, claims, charts with alt text, tables.

Everything is escaped: titles and names come from the world. Each display carries plain text beside
the HTML, so that nbval compares what is said. The report picks the conclusion up for its index.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any

import matplotlib as mpl
import pandas as pd
from IPython.core.getipython import get_ipython
from IPython.display import display
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from roadmap_analytics.analysis.progress import current_milestones, milestone_progress
from roadmap_analytics.analysis.workload import UNASSIGNED
from roadmap_analytics.arguments import as_list, short
from roadmap_analytics.charts._style import NOTHING, drawn_narrow, percent
from roadmap_analytics.errors import ConfigurationError
from roadmap_analytics.report import svg
from roadmap_analytics.report.text import DAY, link, said

CONCLUSION = "roadmap-analytics-conclusion"
"""Key in an output's metadata by which the report finds the conclusion of a page."""
PHONE_SVG = "application/vnd.roadmap-analytics.phone+svg"
"""Key in an output's data under which the report finds a chart as drawn for a phone."""
PHONES = "ROADMAP_PHONES"
"""Variable that the report sets for its kernels: draw each chart for phones as well. A stored
notebook would only grow by it."""


_CLASSES = "ra mathjax_ignore tex2jax_ignore"
"""The latter two keep JupyterLab (MathJax 3 and 2) from setting $...$ in titles as mathematics."""


def _display(html: str, plain: str, **metadata: Any) -> None:
    data = {"text/html": f"<div class='{_CLASSES}'>{html}</div>", "text/plain": plain}
    display(data, raw=True, metadata=metadata)  # type: ignore[no-untyped-call]


_LONG = 24
"""Characters from which on the text of a cell may be broken into lines."""


def headline(question: str, *, as_of: Any, dataset: Any) -> None:
    """Show the question of the page, the day it is answered for, and where the data come from."""
    day = pd.Timestamp(as_of).date().isoformat()
    origin = f"{'Simulated data' if dataset.simulated else 'Data'} from {dataset.origin}"
    _display(
        f"<h1>{said(question)} <small>as of {day}</small></h1><p class='origin'>"
        f"{escape(origin)}</p>",
        f"{question} (as of {day})\n{origin}",
    )


def conclusion(sentence: str) -> None:
    """Show the answer in one computed sentence; the report repeats it on its index."""
    _display(
        f"<p class='conclusion'><strong>{said(sentence)}</strong></p>",
        sentence,
        **{CONCLUSION: sentence},
    )


def claim(sentence: str) -> None:
    """Show what the next chart says, as its heading."""
    _display(f"<h2>{said(sentence)}</h2>", sentence)


def show(ax: Axes, *, alt: str, caption: str) -> None:
    """Show the figure of `ax` once, as SVG, with its alt text and caption, and close it.

    Parameters
    ----------
    ax : Axes
        As a chart returns it; any axes will do.
    alt : str
        What the picture says, for those who do not see it. It is the plain text of the output as
        well: nbval compares it.
    caption : str
        A sentence below the picture. A chart that has nothing to draw is one line that says why.
    """
    if not isinstance(ax, Axes):
        raise ConfigurationError(f"show: expected the axes of a chart, got {short(ax)}")
    figure = ax.get_figure(root=True)
    if figure is None:
        raise ValueError("show: these axes stand in no figure")
    if ax.get_gid() == NOTHING:
        # One line, as for an empty table. The plain text stays that of the picture, for nbval.
        why = str(ax.get_label())
        _display(f"<p class='caption'>{said(why[:1].upper() + why[1:])}.</p>", alt)
        plt.close(figure)
        return
    data = {"text/plain": alt}
    if os.environ.get(PHONES) and (narrow := drawn_narrow(ax)) is not None:
        data[PHONE_SVG] = _picture(narrow.get_figure(root=True), alt)
    data["image/svg+xml"] = _picture(figure, alt)
    display(data, raw=True, metadata={"image/svg+xml": {"alt": alt}})  # type: ignore[no-untyped-call]
    _display(f"<p class='caption'>{said(caption)}</p>", caption)


def _picture(figure: Any, alt: str) -> str:
    """Return a figure as SVG, and close it."""
    # Drawn here and not by the notebook's backend: MPLBACKEND=Agg, as set in many a CI, has none.
    drawn = io.StringIO()
    # The salt keeps the ids of one picture the same from run to run.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "roadmap-analytics"}):
        figure.savefig(drawn, format="svg", bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)
    return svg.clean(drawn.getvalue(), alt=alt)


def table(
    frame: pd.DataFrame,
    *,
    caption: str,
    links: Mapping[str, str] | None = None,
    filters: Iterable[str] = (),
    shares: Iterable[str] = (),
) -> None:
    """Show a small frame as a table: escaped, days without a clock, missing as a dash.

    An empty frame is one line, not a table without rows. On a page of the report every table sorts
    by a click on a heading and can be saved as CSV.

    Parameters
    ----------
    frame : DataFrame
        Column names are shown with spaces for underscores.
    caption : str
        What the table holds, with units.
    links : mapping, optional
        Column -> column with its web addresses, which is not shown itself.
    filters : list of str
        Columns by whose values the rows can be chosen on a page of the report. A cell may hold
        several values, joined by a comma and a space.
    shares : list of str
        Columns between 0 and 1 (chances, shares), shown as percentages as everywhere else.

    Raises
    ------
    KeyError
        Where `links`, `filters` or `shares` names a column that the frame lacks.
    """
    if not isinstance(frame, pd.DataFrame):
        raise ConfigurationError(f"table: expected a frame, got {short(frame)}")
    links, filters, shares = dict(links or {}), set(as_list(filters)), set(as_list(shares))
    if missing := {*links, *links.values(), *filters, *shares} - set(frame.columns):
        raise KeyError(f"table: expected columns of the frame, got {sorted(missing)}")
    columns = [c for c in frame.columns if c not in links.values()]
    if frame.empty:
        _display(f"<p class='caption'>{said(caption)}: none.</p>", f"{caption}: none.")
        return
    cells = pd.DataFrame(
        {c: frame[c].map(_share if c in shares else _cell) for c in columns}, dtype=object
    )
    numeric = {c for c in columns if pd.api.types.is_numeric_dtype(frame[c])}
    head = "".join(
        f"<th scope='col'{_classes(c in numeric and 'number', c in filters and 'filter')}>"
        f"{escape(_name(c))}</th>"
        for c in columns
    )
    addresses = {c: frame[of].tolist() for c, of in links.items()}
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td{_look(c in numeric, text)}>"
            f"{link(text, addresses[c][place]) if c in addresses else escape(text)}</td>"
            for c, text in zip(columns, row, strict=True)
        )
        + "</tr>"
        for place, row in enumerate(cells.itertuples(index=False))
    )
    _display(
        f"<table class='sortable'><caption>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>",
        f"{caption}\n{cells.rename(columns=_name).to_string(index=False)}",
    )


def choose(
    draw: Callable[..., None],
    dataset: Any,
    *,
    interactive: bool | None = None,
    milestone: int | None = None,
    person: str | None = None,
    day: Any = None,
    measure: str = "issues",
    timezone: str | None = None,
) -> None:
    """Draw one milestone, person and day; in a live notebook, whichever the reader chooses.

    Parameters
    ----------
    draw : callable
        Called with `milestone` (its id), `person` (a handle, None: everyone), `day` and `measure`.
    dataset : Dataset
        Offers its milestones, the latest due date first, and everybody who ever had an issue.
    interactive : bool, optional
        Whether a chooser stands above the result, which is drawn again at every choice. By
        default where a person runs the notebook in a front end such as JupyterLab; a notebook
        that a program runs (the report, nbval, nbconvert) shows the first choice alone.
    milestone : int, optional
        Shown first; default: of those that run on `day` the one that is due next, as the review
        names it; or else one that runs, or else the one due last.
    person : str, optional
        Shown first; default: everyone.
    day : date, optional
        Shown first; default: the day of the export.
    measure : {"issues", "weight", "hours"}
        Shown first.
    timezone : str, optional
        Whose days are meant; by default those of the dataset's ``[calendar]``, else UTC.
    """
    day = pd.Timestamp(day if day is not None else dataset.exported_at).date()
    offered = dataset.milestones.sort_values("due_date", ascending=False, kind="stable")
    if offered.empty:
        conclusion("There is no milestone in these data, so there is none to explore.")
        return
    first = {"milestone": milestone, "person": person, "day": day, "measure": measure}
    if milestone is None:
        progress = milestone_progress(dataset, as_of=day, timezone=timezone)
        current = current_milestones(progress)
        ahead = current[current["due_date"] >= pd.Timestamp(day)]
        shown = next(frame for frame in (ahead, current, offered) if len(frame))
        first["milestone"] = int(shown["milestone_id"].iloc[0])
    if _run_by_a_person() if interactive is None else interactive:
        _chooser(draw, dataset, offered, first)
    else:
        draw(**first)


def _run_by_a_person() -> bool:
    """Whether the cell that runs was sent by a front end in which somebody can answer questions.

    JupyterLab and the like say so with each request (`allow_stdin`); nbclient, nbconvert and nbval
    say that they cannot. Widgets would be empty there: no front end draws them.
    """
    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None:
        return False
    return bool(kernel.get_parent().get("content", {}).get("allow_stdin"))


def _chooser(
    draw: Callable[..., None], dataset: Any, offered: pd.DataFrame, first: dict[str, Any]
) -> None:
    import ipywidgets as widgets

    # From histories, too: who held issues on a past day may hold none today.
    events = dataset.issue_events
    held = events.loc[events["field"] == "assignee", "value"]
    people = sorted({*dataset.assignments["person"], *held.dropna()})
    titles = offered["title"] + " (due " + offered["due_date"].map(_cell) + ")"
    milestones = list(zip(titles, offered["milestone_id"].tolist(), strict=True))
    # As wide as the longest title, and never wider than the notebook.
    wide = widgets.Layout(width="max-content", max_width="100%")
    lists: dict[str, list[Any]] = {
        "milestone": milestones,
        "person": [("everyone", None), *((name, name) for name in [*people, UNASSIGNED])],
        "measure": ["issues", "weight", "hours"],
    }
    controls = {
        name: widgets.Dropdown(
            options=options, value=first[name], description=name.capitalize(), layout=wide
        )
        for name, options in lists.items()
    }
    controls["day"] = widgets.DatePicker(value=first["day"], description="Day")

    def redraw(day: Any, **chosen: Any) -> None:
        draw(day=day or first["day"], **chosen)

    output = widgets.interactive_output(redraw, controls)
    display(widgets.VBox([*controls.values(), output]))  # type: ignore[no-untyped-call]


def _classes(*names: str | bool) -> str:
    chosen = " ".join(name for name in names if isinstance(name, str))
    return f" class='{chosen}'" if chosen else ""


def _look(numeric: bool, text: str = "") -> str:
    if numeric:
        return " class='number'"
    if DAY.match(text) and len(text) <= len("2026-12-11 18:00"):
        return " class='day'"
    return " class='long'" if len(text) > _LONG else ""


def _name(column: Any) -> str:
    return str(column).replace("_", " ")


def _share(value: Any) -> str:
    return "–" if pd.isna(value) else percent(value)


def _cell(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(_cell(v) for v in value)
    if pd.isna(value):
        return "–"
    if isinstance(value, pd.Timestamp):
        midnight = value == value.normalize()
        return value.strftime("%Y-%m-%d" if midnight else "%Y-%m-%d %H:%M")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        large = abs(value) >= 100  # hours, days: decimals of hundreds are noise
        return f"{value:.0f}" if large else f"{value:.2f}".rstrip("0").rstrip(".")
    return str(value)
