"""SVG of charts and of strangers: small, plain, and without anything that could act."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt

from roadmap_analytics.charts._style import COLORS, DARK, tip
from roadmap_analytics.charts.burndown import plot_burndown
from roadmap_analytics.report.svg import clean, dark_rules
from tests.test_charts_burndown import harvest

SPACE = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def wrapped(inside: str, attributes: str = "") -> str:
    return f"<svg {SPACE} {attributes}>{inside}</svg>"


def chart() -> str:
    file = io.StringIO()
    plot_burndown(harvest()).figure.savefig(file, format="svg")
    return file.getvalue()


def test_a_chart_keeps_its_words_and_loses_style_and_weight() -> None:
    written = chart()
    small = clean(written, alt="Burndown of Harvest")
    root = ElementTree.fromstring(small)
    said = ["".join(e.itertext()) for e in root.iter() if e.tag.endswith("}text")]
    assert {"Harvest", "issues remaining", "due", "reporting day"} <= set(said)
    assert root.get("aria-label") == "Burndown of Harvest"
    assert "style=" not in small
    assert "DejaVu" not in small
    assert len(small) < 0.6 * len(written)
    assert clean(small, alt="Burndown of Harvest") == small, "cleaning again changes nothing"


def test_the_same_chart_is_the_same_text() -> None:
    assert clean(chart()) == clean(chart())


@pytest.mark.parametrize(
    "attack",
    [
        "<script>x()</script>",
        "<g onclick='x()'><path d='M 0 0'/></g>",
        "<foreignObject><p xmlns='http://www.w3.org/1999/xhtml'>x</p></foreignObject>",
        "<a href='javascript:x()'><text>x</text></a>",
        "<use xlink:href='https://elsewhere.example/x.svg#a'/>",
        "<use href='data:image/svg+xml,x'/>",
        "<image href='https://elsewhere.example/x.png'/>",
        "<image href='data:image/svg+xml;base64,eA=='/>",
        "<path fill='url(https://elsewhere.example/x#a)' d='M 0 0'/>",
        "<path style='fill: url(//elsewhere.example); background: url(x)' d='M 0 0'/>",
        "<style>* { fill: url(https://elsewhere.example) }</style>",
        "<set attributeName='href' to='javascript:x()'/>",
        "<animate attributeName='href' values='javascript:x()'/>",
        "<text font-family='x' style='font-family: url(x)'>x</text>",
        "<x:script xmlns:x='http://www.w3.org/2000/svg'>x()</x:script>",
        "<script xmlns='http://www.w3.org/1999/xhtml'>x()</script>",
        "<path d='M 0 0' filter='url(#a)' mask='url(#b)'/>",
        "<?xml-stylesheet href='https://elsewhere.example'?>",
    ],
)
def test_nothing_that_acts_or_asks_gets_through(attack: str) -> None:
    kept = clean(wrapped(f"{attack}<circle r='1'/>", "onload='x()' style='x: y'"))
    root = ElementTree.fromstring(kept)
    assert "<circle" in kept
    names = {e.tag.rpartition("}")[2] for e in root.iter()}
    assert names <= {"svg", "g", "path", "text", "use", "image", "circle"}
    for element in root.iter():
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert "elsewhere" not in value
            assert "javascript" not in value
            assert name not in ("style", "filter", "mask")
            assert name != "href" or value.startswith("#")
    assert "x()" not in kept


@pytest.mark.parametrize(
    "broken",
    [
        "<svg",
        "nothing",
        "<p>x</p>",
        "<!DOCTYPE svg [<!ENTITY a 'x'><!ENTITY b '&a;&a;'>]><svg>&b;</svg>",
    ],
)
def test_what_is_no_picture_is_refused(broken: str) -> None:
    with pytest.raises(ValueError, match="expected an SVG picture"):
        clean(broken)


def test_ids_are_those_referred_to_and_unique_on_a_page() -> None:
    inside = (
        "<defs><clipPath id='pab'><rect width='1'/></clipPath><path id='unused' d='M 0 0'/></defs>"
        "<path d='M 0 0' clip-path='url(#pab)'/><g id='axes_1'><circle r='1'/></g>"
    )
    first, second = clean(wrapped(inside), prefix="a"), clean(wrapped(inside), prefix="b")
    assert re.findall(r' id="(.*?)"', first) == ["a0"]
    assert "url(#a0)" in first
    assert "url(#b0)" in second
    assert "a0" not in second


def test_a_tip_becomes_a_title_and_stays_text() -> None:
    figure, ax = plt.subplots()
    (line,) = ax.plot([0, 1], [0, 1])
    tip(line, '3 Nov: <b>12</b> open & "5 $" left 雪')
    file = io.StringIO()
    figure.savefig(file, format="svg")
    kept = clean(file.getvalue())
    (title,) = (e for e in ElementTree.fromstring(kept).iter() if e.tag.endswith("}title"))
    assert title.text == '3 Nov: <b>12</b> open & "5 $" left 雪'
    assert "<b>" not in kept


def test_hatches_and_pictures_within_survive() -> None:
    figure, ax = plt.subplots()
    ax.bar([0], [1], hatch="///")
    ax.imshow([[0, 1], [1, 0]])
    file = io.StringIO()
    figure.savefig(file, format="svg")
    kept = clean(file.getvalue())
    assert "<pattern" in kept
    assert 'href="data:image/png;base64,' in kept


def luminance(color: str) -> float:
    parts = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4
             for v in mpl.colors.to_rgb(color)]  # fmt: skip
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted([luminance(one), luminance(other)], reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("meaning", ["as_of", "scope", "muted", "due", "remaining"])
def test_words_read_well_on_light_and_dark_paper(meaning: str) -> None:
    color = COLORS[meaning]
    assert contrast(color, "#ffffff") >= 4.5
    assert contrast(DARK[color], "#16181c") >= 4.5
    assert f'[fill="{color.lower()}"] {{ fill: {DARK[color].lower()}; }}' in dark_rules()
