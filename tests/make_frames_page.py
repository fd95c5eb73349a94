"""Write docs/frames.md from the schema, so that the page cannot disagree with the code."""

from __future__ import annotations

from pathlib import Path

from roadmap_analytics import schema

TARGET = Path(__file__).resolve().parent.parent / "docs" / "frames.md"

HEAD = """# Frames

Written by `make docs` from `roadmap_analytics/schema.py`; change it there.

Columns that end in `_at` are instants in UTC, those in `_date` calendar days without a zone, those
in `_days` and `_hours` numbers. People are canonical handles. Missing is NA. Every frame is sorted
by its key. `ra.load(path)` gives all of them; on disk each is one Parquet file (see
[a dataset on disk](dataset.md)).
"""

NAMES = {
    "Int64": "integer, may be missing",
    "bool": "yes or no",
    "datetime64[us, UTC]": "instant, UTC",
    "datetime64[us]": "calendar day",
    "float64": "number",
    "int64": "integer",
    "str": "text",
}


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def render() -> str:
    """Give the whole page: per frame its grain, its key, and a row per column."""
    parts = [HEAD]
    for name, model in schema.FRAMES.items():
        grain = " ".join((model.__doc__ or "").split())
        key = ", ".join(f"`{column}`" for column in schema.key_of(name))
        parts.append(f"\n## {name}\n\n{grain}\n\nKey: {key}.\n")
        parts.append("\n| column | type | what it is |\n|---|---|---|\n")
        parts.extend(
            f"| `{row['column']}` | {NAMES[row['type']]} | {_cell(row['description'])} |\n"
            for row in schema.describe(name).to_dict("records")
        )
    return "".join(parts)


if __name__ == "__main__":
    TARGET.write_text(render(), "utf-8")
