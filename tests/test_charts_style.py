"""What all charts share: room among subplots, the caller's style, text in any script."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import matplotlib as mpl
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.text import Text

import roadmap_analytics as ra
from roadmap_analytics.charts._style import (
    DARK,
    PALETTE,
    drawn_narrow,
    references,
    safe_text,
    wrapped,
)
from tests.eight_issues import AS_OF, HARVEST, eight_issues
from tests.examples import left_to_soak
from tests.odd_datasets import SAMPLE

Plot = Callable[[Axes | None], Axes]


@pytest.fixture(scope="module")
def charts() -> dict[str, Plot]:
    """Every chart, of the sample."""
    dataset = ra.load(SAMPLE)
    day = dataset.exported_at.date()
    current = ra.current_milestones(ra.milestone_progress(dataset, as_of=day))
    running = current["milestone_id"].tolist()
    frames = {
        "plot_workload": ra.workload_by_milestone(dataset, as_of=day),
        "plot_workload_plan": ra.workload_plan(dataset, as_of=day),
        "plot_workload_history": ra.workload_history(dataset, as_of=day),
        "plot_forecast": ra.forecast(dataset, as_of=day, seed=1),
        "plot_slippage": ra.slippage(dataset, as_of=day),
        "plot_lifecycle": ra.slippage(dataset, as_of=day),
        "plot_attribution": ra.attribution(dataset, as_of=day).tail(8),
        "plot_burndown": ra.burndown(dataset, 5016, as_of=day),
        "plot_timeline": ra.milestone_timeline(dataset, 5016, as_of=day),
        "plot_progress": ra.milestone_progress(dataset, as_of=day).head(8),
        "plot_duties": ra.duties(dataset, as_of=day),
        "plot_planned": ra.planned_work(dataset, as_of=day).tail(30),
        "plot_burndowns": ra.burndowns(dataset, running, as_of=day),
        "plot_compared": ra.burndowns(dataset, running, as_of=day),
        "plot_burnup": ra.burndown(dataset, 5016, as_of=day),
        "plot_future": ra.future_work(dataset, as_of=day),
        "plot_slip_per_revision": ra.slip_per_revision(ra.slippage(dataset, as_of=day)),
        "plot_backtest": ra.backtest(dataset, as_of=day, every_days=56),
        "plot_lead_times": ra.lead_times(dataset, as_of=day),
        "plot_throughput": ra.throughput(dataset, as_of=day).tail(52),
    }
    assert set(frames) == {name for name in ra.__all__ if name.startswith("plot_")}
    return {
        name: lambda ax, name=name, frame=frame: getattr(ra, name)(frame, ax=ax)  # type: ignore[misc]
        for name, frame in frames.items()
    }


def of_four(charts: dict[str, Plot]) -> Iterator[list[str]]:
    """Give all names, four at a time; the last four start over."""
    names = list(charts)
    for start in range(0, len(names), 4):
        yield (names + names)[start : start + 4]


def written(ax: Axes) -> list[tuple[str, Any]]:
    """The texts of axes and their insets, with the boxes in which they stand on the figure."""
    hidden = {id(text) for one in [ax, *ax.child_axes] for text in not_drawn(one)}
    return [
        (t.get_text(), Text.get_window_extent(t))  # an annotation would add its arrow
        for t in ax.findobj(Text)
        if isinstance(t, Text) and t.get_visible() and t.get_text().strip()
        and id(t) not in hidden and t.get_rotation() % 90 == 0
    ]  # fmt: skip


def not_drawn(ax: Axes) -> Iterator[Any]:
    """Labels of axes that are off, and of ticks beyond the ends of an axis."""
    for axis in (ax.xaxis, ax.yaxis):
        if not ax.axison:
            yield from axis.findobj(Text)
        low, high = sorted(axis.get_view_interval())
        for tick in axis.get_major_ticks():
            if not low <= tick.get_loc() <= high:
                yield from (tick.label1, tick.label2)


def test_charts_in_a_grid_overlap_neither_each_other_nor_their_own_words(
    charts: dict[str, Plot],
) -> None:
    for names in of_four(charts):
        figure, grid = plt.subplots(2, 2, figsize=(13, 9))
        for name, ax in zip(names, grid.flat, strict=True):
            charts[name](ax)
        figure.draw_without_rendering()
        drawn = dict(zip(names, grid.flat, strict=True))
        assert list(over_each_other(drawn)) == []
        assert [word for name, ax in drawn.items() for word in over_a_word(name, ax)] == []
        plt.close(figure)


def over_each_other(drawn: dict[str, Axes]) -> Iterator[tuple[Any, ...]]:
    """Charts that overlap in a grid, or reach beyond their figure."""
    boxes = {name: ax.get_tightbbox() for name, ax in drawn.items()}
    for (one, a), (other, b) in itertools.combinations(boxes.items(), 2):
        shared = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
        if min(shared) > 1:
            yield one, other, shared
    for name, box in boxes.items():
        if box.x0 < -1 or box.x1 > drawn[name].figure.bbox.width + 1:
            yield name, box


def over_a_word(name: str, ax: Axes) -> Iterator[tuple[Any, ...]]:
    """Words of a chart that run into each other."""
    for (one, a), (other, b) in itertools.combinations(written(ax), 2):
        across = min(a.x1, b.x1) - max(a.x0, b.x0)
        down = min(a.y1, b.y1) - max(a.y0, b.y0)
        # A box is higher than its letters: of two lines that touch, a third may be shared.
        if across > 2 and down > 0.35 * min(a.height, b.height):
            yield name, one, other, round(across), round(down)


def test_subplots_that_somebody_arranged_stay_as_they_are(charts: dict[str, Plot]) -> None:
    figure, ax = plt.subplots(gridspec_kw={"left": 0.3})
    figure.subplots_adjust(left=0.3)
    charts["plot_burndown"](ax)
    assert figure.get_layout_engine() is None
    assert figure.subplotpars.left == 0.3
    figure, ax = plt.subplots(layout="tight")
    engine = figure.get_layout_engine()
    charts["plot_burndown"](ax)
    assert figure.get_layout_engine() is engine


def luminance(color: Any) -> float:
    return sum(to_rgb(color)) / 3


def test_charts_follow_the_style_that_is_in_use_and_leave_it_as_it_was(
    charts: dict[str, Plot],
) -> None:
    before = mpl.rcParams.copy()
    with plt.style.context("dark_background"):
        inside = mpl.rcParams.copy()
        for name, plot in charts.items():
            ax = plot(None)
            assert mpl.rcParams == inside, name
            assert to_hex(ax.get_facecolor()) == "#000000", name
            dark = {color.lower() for color in DARK}
            inks = {to_hex(t.get_color()) for t in ax.findobj(Text) if t.get_text()}
            assert not inks & (dark - {v.lower() for v in DARK.values()}), name
            plt.close(ax.figure)
    with plt.style.context({"font.size": 17, "axes.facecolor": "#fff8e7", "font.family": "serif"}):
        ax = charts["plot_burndown"](None)
        assert to_hex(ax.get_facecolor()) == "#fff8e7"
        assert ax.yaxis.label.get_fontfamily()[0] == "serif"
    ax = charts["plot_burndown"](None)
    assert to_hex(ax.get_facecolor()) == "#ffffff"
    assert not ax.spines["top"].get_visible(), "the package's own style where none is chosen"
    assert ax.yaxis.label.get_fontfamily()[0] == "DejaVu Sans"
    assert mpl.rcParams == before


TITLES = [
    "夏の収穫 🌻",
    "حصاد الصيف",
    *left_to_soak("קציר הקיץ"),
    "👩‍💻 <b>&amp;</b>",
    r"$\frac{$ and $x$",
    "_hidden",
]


@pytest.mark.parametrize("title", TITLES)
def test_text_of_a_saved_svg_is_the_text(title: str) -> None:
    """No warning of a missing glyph (warnings are errors here), no box, no path."""
    world = eight_issues()
    for row in (*world.milestones, *world.observed):
        row["title"] = title
    dataset = world.dataset()
    frame = ra.burndown(dataset, HARVEST, as_of=AS_OF)
    for given in (None, plt.subplots()[1]):
        ax = ra.plot_burndown(frame, ax=given)
        file = io.StringIO()
        ax.figure.savefig(file, format="svg")
        if given is None:  # the figure of somebody else follows their own settings
            ax.figure.savefig(io.BytesIO(), format="png", dpi=30)
            escaped = title.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            assert f"{escaped}</text>" in file.getvalue()
    bars = ra.plot_workload(ra.workload_by_milestone(dataset, as_of=AS_OF))
    bars.figure.savefig(io.BytesIO(), format="png", dpi=30)


def test_every_chart_is_drawn_for_a_phone_too(charts: dict[str, Plot]) -> None:
    """All of it stays within a picture about as wide as a phone, in letters of full size."""
    for name, plot in charts.items():
        narrow = drawn_narrow(plot(None))
        assert narrow is not None, name
        figure = narrow.get_figure(root=True)
        assert figure is not None
        assert figure.get_figwidth() <= 4.1, name
        box = figure.get_tightbbox()
        assert box.width <= 5.3, name  # on 340 pixels a letter of 9 points is still 8 high
        words = [text for text in narrow.findobj(Text) if text.get_text() and text.get_visible()]
        assert min(text.get_fontsize() for text in words) >= 7, name
        plt.close("all")


def test_a_chart_that_somebody_changed_is_not_drawn_again(charts: dict[str, Plot]) -> None:
    """The second drawing would lack the change."""
    ax = charts["plot_throughput"](None)
    ax.set_title("Ours")
    assert drawn_narrow(ax) is None
    ax = charts["plot_throughput"](None)
    ax.axhline(3)
    assert drawn_narrow(ax) is None
    assert drawn_narrow(charts["plot_throughput"](plt.subplots()[1])) is None  # no figure of ours
    assert drawn_narrow(plt.subplots()[1]) is None


def test_what_is_too_wide_for_a_phone_is_not_squeezed() -> None:
    duties = ra.duties(ra.load(SAMPLE), as_of="2026-11-20")
    many = pd.concat(
        [duties.assign(person=[f"{name}{i}" for name in duties["person"]]) for i in range(3)]
    )
    assert drawn_narrow(ra.plot_duties(duties)) is not None
    assert drawn_narrow(ra.plot_duties(many)) is None
    before = len(plt.get_fignums())
    drawn_narrow(ra.plot_duties(many))
    assert len(plt.get_fignums()) == before + 1, "what was drawn in vain is closed"


@pytest.mark.filterwarnings("error")
def test_a_long_title_leaves_a_chart_for_phones_its_axes() -> None:
    dataset = ra.load(SAMPLE)
    together = ra.burndowns(dataset, [5015, 5016], as_of="2026-11-20")
    narrow = drawn_narrow(ra.plot_compared(together.assign(title="long words " * 6)))
    assert narrow is not None
    narrow.figure.savefig(io.BytesIO(), format="svg")
    assert narrow.get_position().width > 0.3


def test_no_two_colours_of_the_palette_look_alike_on_a_dark_ground() -> None:
    for ground in ({}, DARK):
        shown = [to_rgb(ground.get(color, color)) for color in PALETTE]
        for a, b in itertools.combinations(shown, 2):
            assert sum(abs(x - y) for x, y in zip(a, b, strict=True)) > 0.3
    # A chart drawn onto another one is made light once.
    assert not set(DARK.values()) & set(DARK)


def test_long_words_take_two_lines_where_axes_are_narrow() -> None:
    wide, narrow = (plt.subplots(figsize=(across, 4))[1] for across in (8.6, 4.1))
    title = "Signatures by two keepers of the log"
    assert wrapped(wide, title, 60, 0.9, 0.3) == title
    assert wrapped(narrow, title, 60, 0.9, 0.3).count("\n") == 1
    assert wrapped(narrow, title, 60, 0.9, 0.3, most=1).endswith("…")
    price = wrapped(narrow, "$" * 40, 60, 0.9, 0.2)
    assert price.replace("\n", "").replace("…", "").replace(r"\$", "") == "", "no mathematics"
    chinese = "灯塔的钥匙由两位守护人签名" * 2
    lines = wrapped(narrow, chinese, 60, 0.9, 0.5).split("\n")
    latin = wrapped(narrow, "k" * 26, 60, 0.9, 0.5).split("\n")
    assert len(lines[0]) <= 0.6 * max(len(line) for line in latin)
    assert wrapped(narrow, "", 60, 0.9, 0.3) == ""


def test_marks_that_turn_the_writing_are_left_out() -> None:
    assert safe_text("a\N{RIGHT-TO-LEFT OVERRIDE}b\N{ZERO WIDTH JOINER}c") == "a b\u200dc"
    assert safe_text("costs $5", drawn=False) == "costs $5"


def test_a_tooltip_names_some_issues_and_counts_the_others() -> None:
    urls = [f"https://git.example.org/a/app/-/work_items/{n}" for n in range(1, 12)]
    assert references(urls).startswith("app#1, app#2")
    assert references(urls).endswith("app#8 and 3 more")


@pytest.mark.parametrize(
    ("plot", "why"),
    [
        ("plot_workload", "no open issues"),
        ("plot_workload_history", "no issue had an assignee yet"),
        ("plot_workload_plan", "no open issue with an assignee has a due date"),
        ("plot_duties", "no roadmap item is valid on this day"),
        ("plot_slippage", "no target dates"),
        ("plot_lifecycle", "no roadmap items"),
        ("plot_forecast", "no milestone to forecast"),
        ("plot_attribution", "no milestone missed its date"),
        ("plot_progress", "no milestone is running"),
        ("plot_compared", "no milestone with a due date to compare"),
    ],
)
def test_an_empty_chart_is_one_line(plot: str, why: str) -> None:
    calls: dict[str, Callable[..., pd.DataFrame]] = {
        "plot_workload": ra.workload_by_milestone, "plot_workload_history": ra.workload_history,
        "plot_workload_plan": ra.workload_plan, "plot_duties": ra.duties,
        "plot_slippage": ra.slippage, "plot_lifecycle": ra.slippage, "plot_forecast": ra.forecast,
        "plot_attribution": ra.attribution, "plot_progress": ra.milestone_progress,
        "plot_compared": ra.burndowns,
    }  # fmt: skip
    ax = getattr(ra, plot)(calls[plot](ra.Dataset({}), as_of=AS_OF))
    assert why in [t.get_text() for t in ax.texts]
    assert not ax.axison
    assert ax.figure.get_figheight() <= 1.2


def test_the_axes_of_one_report_show_days_and_not_hours() -> None:
    dataset = eight_issues().dataset()
    dates = ra.milestone_slippage(dataset, as_of=AS_OF)
    first = dates[dates["observed_at"] == dates["observed_at"].min()]
    ax = ra.plot_slippage(first)
    for low, high in (ax.get_xlim(), ax.get_ylim()):
        assert high - low >= 14
