"""SVG pictures made fit for a page: small, plain, and without anything that could act.

`clean` keeps what stands on its lists and drops the rest, so that a picture from anybody's notebook
may stand within a page. `show` stores what it returns; the report runs it once more on what it
finds in notebooks, which need not come from `show`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from roadmap_analytics.charts._style import DARK, TIP

_SVG = "{http://www.w3.org/2000/svg}"
_XLINK = "{http://www.w3.org/1999/xlink}href"
_ELEMENTS = {
    "svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan",
    "title", "defs", "clipPath", "use", "pattern", "image", "linearGradient", "radialGradient",
    "stop",
}  # fmt: skip
_DRAWN = {
    "fill", "stroke", "stroke-width", "stroke-linejoin", "stroke-linecap", "stroke-dasharray",
    "stroke-dashoffset", "stroke-miterlimit", "opacity", "fill-opacity", "stroke-opacity",
    "fill-rule", "clip-rule", "font-size", "font-style", "font-weight", "text-anchor",
    "stop-color", "stop-opacity",
}  # fmt: skip
"""What matplotlib writes into `style`. Pages forbid that; the same names are attributes, too."""
_PLACED = {
    "d", "x", "y", "x1", "y1", "x2", "y2", "dx", "dy", "cx", "cy", "r", "rx", "ry", "fx", "fy",
    "width", "height", "points", "transform", "viewBox", "preserveAspectRatio", "clip-path",
    "patternUnits", "patternTransform", "patternContentUnits", "clipPathUnits", "gradientUnits",
    "gradientTransform", "offset", "pointer-events", "id", "href",
}  # fmt: skip
# A hundredth of a unit is less than a pixel at any zoom that shows the chart; matplotlib's six
# decimals are half of its bytes.
_ROUNDED = {"d", "x", "y", "points", "x1", "y1", "x2", "y2"}
_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_TO = re.compile(r"([MLz])(?: (-?[\d.]+) (-?[\d.]+))?")
_STRAIGHT = re.compile(rf"(?:{_TO.pattern} ?)*")  # as matplotlib writes it: no curve, all absolute
_REFERENCE = re.compile(r"url\(\s*[\"']?#([^\"')\s]+)[\"']?\s*\)")
_PICTURE = re.compile(r"data:image/(png|jpeg);base64,[\w+/=\s]+")
_POINTS = re.compile(r"([\d.]+)(pt|px)?")
_PIXELS_A_POINT = 96 / 72


def clean(svg: str, *, alt: str = "", prefix: str = "i") -> str:
    """Return a picture with only what draws: shapes, text, titles; a plain element of a page.

    Parameters
    ----------
    svg : str
        A document as matplotlib writes it, or anything that claims to be one.
    alt : str
        What the picture says to those who do not see it.
    prefix : str
        Begin of every id within; pictures of one page need different ones.

    Returns
    -------
    str
        An `<svg>` element. `style` became attributes, text lost its font family (a page has its
        own), ids are those referred to, references stay within the picture, numbers have two
        decimals, and artists that say something on hover got a `<title>`. The same input gives
        the same text; cleaning it again changes only the ids.

    Raises
    ------
    ValueError
        Where `svg` is no SVG document, or declares entities.

    Examples
    --------
    >>> head = '<svg xmlns="http://www.w3.org/2000/svg" onload="x()"><script>x()</script>'
    >>> clean(head + '<path d="M 0.12345 0" style="fill: #fff"/></svg>').partition("<path")[2]
    ' d="M 0.12 0" fill="#fff" /></svg>'
    """
    # Entities grow without bound when they are read; no drawing program needs any.
    if "<!ENTITY" in svg:
        raise ValueError("expected an SVG picture, got one that declares entities")
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError as error:
        raise ValueError(f"expected an SVG picture, got no XML: {error}") from None
    if root.tag not in (f"{_SVG}svg", "svg"):
        raise ValueError(f"expected an SVG picture, got <{root.tag}>")
    found = _kept(root)
    _renumber(found, prefix)
    attributes = {"xmlns": _SVG[1:-1], "role": "img", "aria-label": alt, **_size(found)}
    attributes |= {"font-family": "sans-serif", "stroke-linejoin": "round"}
    view = {k: v for k, v in found.attrib.items() if k in ("viewBox", "preserveAspectRatio")}
    found.attrib = {**attributes, **view}
    return ElementTree.tostring(found, encoding="unicode")


def _kept(element: ElementTree.Element) -> ElementTree.Element:
    """Return a copy with only what stands on the lists."""
    name = element.tag.removeprefix(_SVG)
    copy = ElementTree.Element(name, _attributes(element))
    text = name in ("text", "tspan", "title")
    copy.text = element.text if text else None
    named = element.get("id", "")
    if name == "g" and named.startswith(TIP):
        # The strips are invisible; without this only what is painted would react.
        copy.set("pointer-events", "all")
        ElementTree.SubElement(copy, "title").text = named.removeprefix(TIP)
    for child in element:
        if not isinstance(child.tag, str) or child.tag.removeprefix(_SVG) not in _ELEMENTS:
            continue
        kept = _kept(child)
        kept.tail = child.tail if text else None
        copy.extend(_hoisted(kept))
    return copy


def _hoisted(element: ElementTree.Element) -> Iterator[ElementTree.Element]:
    """Give an element, or of a group that says nothing of its own what is in it."""
    if element.tag in ("g", "defs") and not len(element):
        return
    # An id on a group matters only where something refers to it, as matplotlib never does.
    if element.tag == "g" and not set(element.attrib) - {"id"}:
        yield from element
    else:
        yield element


def _attributes(element: ElementTree.Element) -> dict[str, str]:
    said = {name: value for name, value in element.attrib.items() if not name.startswith("{")}
    if _XLINK in element.attrib:
        said["href"] = element.attrib[_XLINK]
    for part in said.pop("style", "").split(";"):
        name, _, value = part.partition(":")
        if name.strip() in _DRAWN:
            said[name.strip()] = value.strip()
    kept = {}
    for name, value in said.items():
        if name in _DRAWN | _PLACED and _harmless(element.tag, name, value):
            kept[name] = _short(value) if name in _ROUNDED else value
    if "d" in kept:
        kept["d"] = _steps(kept["d"])
    # matplotlib turns every text by nothing.
    if kept.get("transform", "").startswith("rotate(-0 "):
        del kept["transform"]
    return kept


def _harmless(tag: str, name: str, value: str) -> bool:
    """Tell whether a value refers to nothing outside of the picture."""
    if name == "href":
        inside = value.startswith("#") and not tag.endswith("image")
        return inside or bool(tag.endswith("image") and _PICTURE.fullmatch(value))
    return "(" not in _REFERENCE.sub("", value) or name in (
        "transform", "patternTransform", "gradientTransform",
    )  # fmt: skip


def _short(numbers: str) -> str:
    return " ".join(_NUMBER.sub(_rounded, numbers).split())


def _steps(path: str) -> str:
    """Write the parts of a path that go straight across or up as `H` and `V`.

    Charts of counts are made of such steps; a picture of them is a third smaller so.

    >>> _steps("M 1 2 L 3 2 L 3 4 L 5 6 z")
    'M 1 2 H 3 V 4 L 5 6 z'
    """
    if not _STRAIGHT.fullmatch(path):
        return path
    written, x, y = [], "", ""
    for command, to_x, to_y in _TO.findall(path):
        if command == "L" and to_y == y:
            written.append(f"H {to_x}")
        elif command == "L" and to_x == x:
            written.append(f"V {to_y}")
        else:
            written.append(f"{command} {to_x} {to_y}".rstrip())
        x, y = to_x, to_y
    return " ".join(written)


def _rounded(number: re.Match[str]) -> str:
    short = f"{float(number[0]):.2f}".rstrip("0").rstrip(".")
    return "0" if short == "-0" else short  # -0.001 and 0.001 are the same text on all machines


def _renumber(root: ElementTree.Element, prefix: str) -> None:
    """Give the ids that something refers to new names, in order; drop the others.

    The names that matplotlib gives to some of them differ from run to run.
    """
    wanted: dict[str, str] = {}
    for element in root.iter():
        for name, value in element.attrib.items():
            ids = [value[1:]] if name == "href" and value[:1] == "#" else _REFERENCE.findall(value)
            for one in ids:
                wanted.setdefault(one, f"{prefix}{len(wanted)}")
    for element in root.iter():
        for name, value in list(element.attrib.items()):
            if name == "id" and value not in wanted:
                del element.attrib["id"]
            elif name == "id":
                element.set("id", wanted[value])
            elif name == "href" and value[:1] == "#":
                element.set("href", f"#{wanted[value[1:]]}")
            elif "url(" in value:
                element.set(name, _REFERENCE.sub(lambda m: f"url(#{wanted[m[1]]})", value))


def _size(root: ElementTree.Element) -> dict[str, str]:
    """Return width and height in pixels; matplotlib writes points."""
    size = {}
    for side in ("width", "height"):
        found = _POINTS.fullmatch(root.get(side, ""))
        if found:
            pixels = float(found[1]) * (_PIXELS_A_POINT if found[2] == "pt" else 1)
            size[side] = f"{pixels:.0f}"
    return size


def dark_rules() -> str:
    """Return the CSS rules by which a page in dark mode shows the colours of charts.

    They choose by the attributes themselves: a picture needs no classes, and a saved one stays as
    it is, for white paper.
    """
    rules = [
        f'.chart [{name}="{color.lower()}"] {{ {name}: {dark.lower()}; }}'
        for color, dark in DARK.items()
        for name in ("fill", "stroke")
    ]
    # White is paper, but for letters on a coloured ground.
    rules += [
        f'.chart :not(text):not(tspan)[{name}="#ffffff"] {{ {name}: var(--paper); }}'
        for name in ("fill", "stroke")
    ]
    # On paper (print) colours stay as they are, whatever the screen prefers.
    return "\n".join(["@media screen and (prefers-color-scheme: dark) {", *rules, "}", ""])
