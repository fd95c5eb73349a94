"""The X-ray page: every line of every roadmap document beside what it was read as.

The page shows text of the world, so every piece goes through `html.escape`. It needs no script.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

import pandas as pd

from roadmap_analytics.analysis.reading import not_understood, reading_quality
from roadmap_analytics.frames import Dataset, given

_GREY = ("ignored", "contents")
_MOST_ALARMS = 12  # that the command prints for one revision; the page has all


def _rows(frame: pd.DataFrame) -> Iterator[Any]:
    yield from frame.itertuples(index=False)


def reading_summary(dataset: Dataset) -> list[str]:
    """Say per revision, in words, what was understood and what was not.

    Parameters
    ----------
    dataset : Dataset
        As `load` or `read_roadmaps` gives it.

    Returns
    -------
    list of str
        A line per revision, each followed by its first alarms; at the end alarms of the folder.

    Examples
    --------
    >>> from roadmap_analytics.frames import Dataset
    >>> reading_summary(Dataset({}))
    []
    """
    out = []
    alarms = given(dataset)["roadmap_alarms"]
    for row in _rows(reading_quality(dataset)):
        share = "" if pd.isna(row.share_not_understood) else f" ({row.share_not_understood:.0%})"
        out.append(
            f"{row.revision:%Y-%m-%d}  {row.layout}: {row.items} items, {row.dated} with a date, "
            f"{row.people} people; {row.not_understood} of {row.lines} lines not understood{share}"
        )
        out += _alarm_lines(alarms[alarms["revision"] == row.revision])
    return out + _alarm_lines(alarms[alarms["revision"].isna()])


def _alarm_lines(alarms: pd.DataFrame) -> list[str]:
    out = []
    for row in _rows(alarms.head(_MOST_ALARMS)):
        where = "" if pd.isna(row.line) else f"line {row.line}: "
        # It goes to a terminal, which control characters of a document could steer.
        text = "".join(c if c.isprintable() else " " for c in row.text)
        out.append(f"  {row.alarm}: {where}{text}")
    left = len(alarms) - _MOST_ALARMS
    return out + (
        [f"  and {left} more; --to OUT writes a page with all of them"] if left > 0 else []
    )


def reading_html(dataset: Dataset) -> str:
    """Return the body of the page: an overview, then each revision line by line."""
    quality = reading_quality(dataset).sort_values("revision", ascending=False)
    parts = ["<h1>How the roadmaps were read</h1>", _intro(), _overview(quality)]
    loose = dataset["roadmap_alarms"]
    parts.append(_alarms("Files and corrections", loose[loose["revision"].isna()], None))
    parts += (_revision(dataset, row) for row in _rows(quality))
    return "\n".join(filter(None, parts))


def _intro() -> str:
    return (
        "<p>Each line of a document stands beside its only reading. Grey lines were ignored, lines "
        "with a ⚠ need a second look. Of lines with a dotted edge nothing was taken: they are text "
        "of no item and count as not understood. To overrule a reading, open “correct” on its line "
        "and paste the row into <code>readings.csv</code> beside the documents "
        "(<code>revision,match,field,value</code>).</p>"
    )


def _overview(quality: pd.DataFrame) -> str:
    head = ["Revision", "Layout", "Items", "With a date", "People", "Not understood", "Alarms"]
    rows = []
    for row in _rows(quality):
        day = f"{row.revision:%Y-%m-%d}"
        share = "–" if pd.isna(row.share_not_understood) else f"{row.share_not_understood:.0%}"
        cells = [row.items, row.dated, row.people, f"{row.not_understood} ({share})", row.alarms]
        numbers = "".join(f'<td class="number">{escape(str(cell))}</td>' for cell in cells)
        link = f'<td><a href="#r{day}">{day}</a></td><td>{escape(row.layout)}</td>'
        rows.append(f"<tr>{link}{numbers}</tr>")
    heads = "".join(f'<th scope="col">{name}</th>' for name in head)
    return (
        '<div class="scroll"><table><caption>Revisions, newest first</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _alarms(title: str, alarms: pd.DataFrame, day: str | None) -> str:
    if alarms.empty:
        return ""
    items = []
    for row in _rows(alarms):
        where = ""
        if day is not None and not pd.isna(row.line):
            where = f'<a href="#r{day}l{row.line}">line {row.line}</a>: '
        items.append(f"<li>⚠ <b>{escape(row.alarm)}</b>: {where}{escape(row.text)}</li>")
    return f"<section><h3>{escape(title)}</h3><ul class='alarms'>{''.join(items)}</ul></section>"


def _revision(dataset: Dataset, row: Any) -> str:
    day = f"{row.revision:%Y-%m-%d}"
    lines = dataset["roadmap_lines"]
    lines = lines[lines["revision"] == row.revision]
    alarms = dataset["roadmap_alarms"]
    alarms = alarms[alarms["revision"] == row.revision]
    lost = set(lines.loc[not_understood(lines), "line"])
    doubtful = set(alarms["line"].dropna())
    items = dict(_items(dataset, row.revision))
    kinds = {**dict.fromkeys(lost, "lost"), **dict.fromkeys(doubtful, "doubt")}
    body = "".join(_line(line, day, kinds.get(line.line, ""), items) for line in _rows(lines))
    return (
        f'<section id="r{day}"><h2>{day} <small>{escape(row.layout)}</small></h2>'
        f"{_alarms('What to look at', alarms, day)}"
        f'<ol class="xray" aria-label="Lines of {day}">{body}</ol></section>'
    )


def _items(dataset: Dataset, revision: pd.Timestamp) -> Iterator[tuple[str, str]]:
    """Say in one line what is known of each item."""
    duties = dataset["responsibilities"]
    duties = duties[(duties["revision"] == revision) & duties["key"].notna()]
    people = duties.groupby("key")["person"].agg(lambda names: ", ".join(dict.fromkeys(names)))
    rows = dataset["roadmap_items"]
    for row in _rows(rows[rows["revision"] == revision]):
        said = [
            f"{row.target_date:%Y-%m-%d}" if pd.notna(row.target_date) else row.target_text,
            people.get(row.key),
            "done" if row.done else None,
            "deferred" if row.deferred else None,
            f"below {row.parent}" if pd.notna(row.parent) else None,
        ]
        told = "; ".join(one for one in said if isinstance(one, str) and one)
        yield row.key, f"{row.title}{f' → {told}' if told else ''}"


def _line(line: Any, day: str, kind: str, items: dict[str, str]) -> str:
    kind = kind or ("grey" if line.reading in _GREY else "")
    anchor = f'id="r{day}l{line.line}"'
    number = f'<a class="no" href="#r{day}l{line.line}">{line.line}</a>'
    source = f'<span class="source">{escape(line.text) or " "}</span>'
    if not line.text.strip():
        return f'<li {anchor} class="grey blank">{number}{source}</li>'
    known = pd.notna(line.key)
    key = f" <b>{escape(line.key)}</b>" if known else ""
    value = items.get(line.key) if line.reading == "item" and known else line.value
    label = f"{escape(line.field)}: " if pd.notna(line.field) and line.reading != "item" else ""
    said = f" {label}{escape(value)}" if isinstance(value, str) else ""
    sign = "⚠ " if kind == "doubt" else ""
    read = (
        f'<span class="read"><span class="tag">{sign}{escape(line.reading)}</span>{key}{said} '
        f'<span class="why">{escape(line.why)}</span>{_offer(line, day)}</span>'
    )
    return f'<li {anchor} class="{kind}">{number}{source}{read}</li>'


def _offer(line: Any, day: str) -> str:
    """Offer the rows of `readings.csv` that would overrule the reading of a line."""
    if "continues: " in line.why or line.reading == "ignored":
        return ""
    # Text with runs of blanks would not survive being copied: then the number of the line.
    plain = " ".join(line.text.split())
    match = plain if line.text.strip() == plain else line.line
    fields = ["target", "ignore"] if line.reading == "item" else ["item"]
    value = {"item": "", "target": "2026-06-30", "ignore": ""}
    rows = "".join(_row([day, str(match), name, value[name]]) for name in fields)
    return f"<details><summary>correct</summary><pre>{escape(rows.rstrip())}</pre></details>"


def _row(cells: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
