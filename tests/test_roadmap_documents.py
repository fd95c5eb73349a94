"""Reading documents: our own revisions counted by hand, plain roadmaps, any text, odd text."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import roadmap_analytics as ra
from roadmap_analytics import schema
from roadmap_analytics.errors import RoadmapError
from roadmap_analytics.roadmap import markdown, sources, tables
from roadmap_analytics.roadmap.fields import Label, label_of
from roadmap_analytics.roadmap.language import references, sentences, title_of
from roadmap_analytics.roadmap.markdown import Inline
from roadmap_analytics.roadmap.matching import read_matches
from roadmap_analytics.roadmap.people import Names, assigned, duties
from roadmap_analytics.roadmap.profile_sigsum import section_kind
from tests.examples import examples
from tests.roadmap_printer import printed

FOLDER = Path(__file__).parent / "roadmaps"


@pytest.fixture(scope="module")
def crew() -> ra.Dataset:
    """Three revisions, one in each layout."""
    return ra.read_roadmaps(FOLDER)


def read(text: str, day: str = "2025-03-01", **options: Any) -> dict[str, pd.DataFrame]:
    return tables.parse([{"name": f"{day}-roadmap.md", "text": text}], **options)


def read_team(text: str, **options: Any) -> dict[str, pd.DataFrame]:
    """Read a piece that is too short to bear the signature of the team's layouts."""
    return read(text, profile="sigsum", **options)


def column(frame: pd.DataFrame, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(None if pd.isna(v) else v for v in row) for row in frame[list(names)].to_numpy()]


def days(values: pd.Series) -> list[str | None]:
    return [None if pd.isna(value) else f"{value:%Y-%m-%d}" for value in values]


# Counted by hand ---------------------------------------------------------------------------------


def test_revisions_of_the_crew(crew: ra.Dataset) -> None:
    assert column(crew.revisions, "layout", "next_update_text", "horizon_text") == [
        ("numbered", None, "at least until September"),
        ("priorities", "in the beginning of November", "until the end of October, 2024"),
        ("activities", "towards the end of March, 2025", "mid March, 2025"),
    ]
    assert days(crew.revisions["previous"]) == [None, "2024-03-05", "2024-07-02"]
    assert days(crew.revisions["next_update_date"]) == [None, "2024-11-10", "2025-03-31"]
    assert days(crew.revisions["horizon_date"]) == ["2024-09-30", "2024-10-31", "2025-03-20"]
    assert column(crew.revisions, "list_items", "placed_items") == [(16, 16), (14, 14), (30, 29)]
    assert "New lamp-go release candidate" in crew.revisions["unplaced_text"].iloc[2]


def test_items_of_the_crew(crew: ra.Dataset) -> None:
    items = crew.roadmap_items
    target = items.assign(day=days(items["target_date"]))
    assert column(target, "key", "title", "target_text", "day", "deferred", "conditional") == [
        ("1", "Settle the signal format", None, None, False, False),
        ("1.1", "format.md", None, None, False, False),
        ("1.2", "wire.md", None, None, False, False),
        ("2", "Lamp controller", None, None, False, False),
        ("2.1", "lamp-go", "mid May", "2024-05-20", False, False),
        ("2.2", "Dimming", None, None, False, False),
        ("3", "Website", None, None, True, False),
        ("A1", "lamp-go release", "before the end of August", "2024-08-31", False, False),
        ("A2", "keeper documentation", None, None, False, True),
        ("P1", "Lamps are easy to run", None, None, False, False),
        ("P1.1", "With little power", None, None, False, False),
        ("P2", "Keepers can read the log (from anywhere)", None, None, False, False),
        ("P3", "Website", None, None, True, False),
        ("A1", "Version 1 of lamp-go", "20 January, 2024", "2025-01-20", False, False),
        (
            "A2",
            "Keeper documentation",
            "end of February / beginning of March",
            "2025-03-10",
            False,
            False,
        ),
        ("A3", "Read the log by radio", "no estimate", None, False, False),
        ("A4", "Misc things dee is considering", None, None, False, False),
        ("A4.1", "Tower bells", "in Q1 or latest Q2", "2025-06-30", False, False),
        ("A4.2", "fog detection", None, None, False, False),
        ("A4.3", "a museum", "Soon/later", None, False, False),
        ("A5", "paint job", "towards the end of the roadmap", "2025-03-20", False, True),
        ("P1", "Lamps are easy to run", None, None, False, False),
        ("P1.1", "With little power", None, None, False, False),
        ("P2", "Keepers can read the log (from anywhere)", None, None, False, False),
    ]
    flagged = items[items["target_flag"].notna()]
    assert column(flagged, "key", "target_flag") == [
        ("A1", "before the document: read as the year within the window that the heading sets")
    ]


def test_responsibilities_of_the_crew(crew: ra.Dataset) -> None:
    rows = column(crew.responsibilities, "revision", "person", "role", "key", "scope", "qualifier")
    first, second, third = ([r[1:] for r in rows if r[0] == d] for d in crew.revisions["revision"])
    assert first == [
        ("ada", "driver", "1.1", None, None),
        ("ada", "driver", "1.2", None, None),
        ("ada", "maintainer", None, "the ansible collection", None),
        ("ada", "review", "2.1", None, None),
        ("bo", "driver", "2.1", None, None),
        ("bo", "input", "1.1", None, None),
        ("bo", "input", "1.2", None, None),
        ("cleo", "input", None, "provides input on a need-basis", None),
        ("cleo", "input", "1.1", None, None),
        ("cleo", "input", "1.2", None, None),
        ("cleo", "work", None, "plans, syncs", None),
        ("cleo", "work", "2.1", None, "help"),
    ]
    assert second == [
        ("ada", "maintainer", None, "format.md", None),
        ("ada", "work", "A1", None, None),
        ("bo", "review", "A1", None, None),
        ("bo", "work", "A2", None, "if time permits"),
        ("cleo", "contact", None, "keepers", None),
        ("cleo", "work", None, "format.md", "help"),
    ]
    assert third == [
        ("ada", "maintainer", None, "format.md", None),
        ("ada", "work", "A1", None, None),
        ("ada", "work", "A4.2", None, "help"),
        ("ada", "work", "A5", None, "if time permits"),
        ("bo", "review", "A1", None, None),
        ("bo", "review", "A2", None, None),
        ("bo", "work", "A2", None, None),
        ("bo", "work", "A4.2", None, "help"),
        ("cleo", "contact", "A3", None, None),
        ("cleo", "responsible", None, 'planning, coordinating, "catch all", etc', None),
        ("cleo", "review", "A1", None, "if Bo is away"),
        ("cleo", "review", "A2", None, "also available"),
        ("dee", "work", "A4", None, "considering"),
        ("gus", "work", "A4.2", None, None),
        ("mo", "review", "A2", None, None),
        ("mo", "work", "A2", None, None),
    ]


def test_milestones_and_carry_over_of_the_crew(crew: ra.Dataset) -> None:
    assert column(crew.roadmap_milestones, "path", "iid", "title", "status", "key") == [
        ("light", 3, "Signal format", "new", None),
        ("light/lamp", 1, "Lamp milestone", "almost done", None),
        ("light", 3, "signal format", "done", None),
        ("light/lamp", 1, "Lamp", "continued", None),
        ("light/lamp", 1, "Version 1 of lamp-go", None, "A1"),
    ]
    assert set(crew.roadmap_milestones["url"]) == {
        "https://git.example.org/groups/light/-/milestones/3",
        "https://git.example.org/light/lamp/-/milestones/1",
    }
    assert column(crew.carry_over, "text", "status", "previous_key", "key") == [
        ("Lamp milestone is almost done, only bump the date", "continued", None, None),
        ("Lamp", "continued", "2.1", "A1"),
        ("The signal format milestone is done", "done", "1", None),
        ("Work on the lamp continues: 2.1 is almost done", "continued", "2.1", None),
        ("Release lamp-go", "continued", "A1", "A1"),
        ("Start on the website", "backlogged", "P3", None),
        ("Write for keepers", "continued", "A2", "A2"),
    ]


def test_frames_hold_their_schema(crew: ra.Dataset) -> None:
    for name in tables.FRAMES:
        schema.validate(name, crew[name])


def test_people_under_one_handle() -> None:
    people = {"Grégoire": "docs", "greg-o": "code", "Cy": "art"}
    listed = "".join(f"- {name}\n  - Maintains {what}\n" for name, what in people.items())
    text = f"# x\n\n## People\n\n{listed}"
    plain = read_team(text)["responsibilities"]
    assert list(plain["person"]) == ["cy", "greg-o", "gregoire"]
    told = read_team(text, people={"greg": ["Grégoire"]}, accounts={"greg-o": "greg"})
    assert sorted(told["responsibilities"]["person"]) == ["cy", "greg", "greg"]


def test_a_named_period_of_the_calendar_gives_a_date() -> None:
    text = "# Plan\n\n- Docs\n  - Due: before the summer holidays\n"
    calendar = {"periods": {"summer holidays": "2025-07-08/2025-08-18"}}
    assert days(read(text)["roadmap_items"]["target_date"]) == [None]
    assert days(read(text, calendar=calendar)["roadmap_items"]["target_date"]) == ["2025-07-07"]


def test_promises_below_people() -> None:
    text = """# x

## Roadmap

The current priorities are as follows:

1. Steady lamps
2. Range calculator

We will focus on (1) until the roadmap is renewed in the end of May.  Priority (2) is postponed.

## People

- ada
  - Main driver of Range calculator (help from bo)
  - If time permits:
    - a museum, review by bo
    - paint
- bo/cy
  - Will look into bells
"""
    frames = read_team(text)
    assert column(frames["roadmap_items"], "key", "title", "deferred", "conditional") == [
        ("A1", "a museum", False, True),
        ("A2", "paint", False, True),
        ("A3", "look into bells", False, False),
        ("P1", "Steady lamps", False, False),
        ("P2", "Range calculator", True, False),
    ]
    assert column(frames["responsibilities"], "person", "role", "key", "qualifier") == [
        ("ada", "driver", "P2", None),
        ("ada", "work", "A1", "if time permits"),
        ("ada", "work", "A2", "if time permits"),
        ("bo", "review", "A1", None),
        ("bo", "work", "A3", None),
        ("bo", "work", "P2", "help"),
        ("cy", "work", "A3", None),
    ]
    assert days(frames["revisions"]["next_update_date"]) == ["2025-05-31"]


def test_the_page_about_layouts_is_true() -> None:
    page = (Path(__file__).parents[1] / "docs" / "roadmap-layouts.md").read_text("utf-8")
    blocks = page.split("```")
    activity, people = (b.removeprefix("markdown\n") for b in blocks if b.startswith("markdown"))
    (table,) = (b.removeprefix("text\n") for b in blocks if b.startswith("text\nfrom_revision"))
    assert [v.same for v in read_matches(table, "matches.csv")] == [True, False]
    listed = "1. A\n   1. a\n   2. b\n2. B\n3. C\n   1. c\n   2. d\n"
    text = f"# x\n\n## Roadmap\n\n{listed}\n## Main activities\n\n{activity}\n## People\n\n{people}"
    frames = read(text)
    items = frames["roadmap_items"].set_index("key")
    assert items.loc["A1", "title"] == "Title of the activity"
    assert f"{items.loc['A1', 'target_date']:%Y-%m-%d}" == "2025-10-31"
    assert items.loc["A2", "title"] == "release"
    assert list(frames["roadmap_milestones"]["key"]) == ["A1"]
    said = set(column(frames["responsibilities"], "person", "role", "key"))
    assert {("ada", "driver", "1.2"), ("cleo", "input", "1.1"), ("bo", "driver", "3.2")} <= said
    assert {("mo", "review", "A1"), ("dee", "review", "A1"), ("everyone", "work", None)} <= said


# Plain roadmaps ----------------------------------------------------------------------------------

PLAIN = """\
# Product roadmap

## Q2 2025

- [x] CSV import
- [ ] Parquet (owner: ada)
- Single sign-on — due 2025-06-15
  - SAML

## Things to come (end of the year)

- **Offline mode**: sync
- 2025-09-01: Beta

## Later

- Mobile app

### Replication

- Owner: bo
- Due: mid August

| Feature | Owner | Target date | Status |
|---------|-------|-------------|--------|
| Search | @dee | 2025H2 | planned |
| Old | ada | Q4 2023 | done |
"""


def test_a_plain_roadmap() -> None:
    items = read(PLAIN)["roadmap_items"]
    rows = items.assign(day=days(items["target_date"]))
    assert column(rows, "key", "title", "day", "done", "deferred") == [
        ("1", "CSV import", "2025-06-30", True, False),
        ("2", "Parquet", "2025-06-30", False, False),
        ("3", "Single sign-on", "2025-06-15", False, False),
        ("3.1", "SAML", "2025-06-15", False, False),
        ("4", "Offline mode", "2025-12-31", False, False),
        ("5", "Beta", "2025-09-01", False, False),
        ("6", "Mobile app", None, False, True),
        ("7", "Replication", "2025-08-20", False, True),
        ("7.1", "Search", "2025-12-31", False, True),
        ("7.2", "Old", "2023-12-31", True, False),
    ]
    assert items["target_flag"].isna().all()
    assert column(read(PLAIN)["responsibilities"], "person", "role", "key") == [
        ("ada", "responsible", "2"),
        ("ada", "responsible", "7.2"),
        ("bo", "responsible", "7"),
        ("dee", "responsible", "7.1"),
    ]


def test_what_is_not_understood_is_kept_as_text() -> None:
    text = "# x\n\n## Roadmap\n\n1. Docs\n\n## People\n\n- ada\n  - Maintains docs\n\n"
    text += "## Weather\n\n- It rains\n\nStill.\n"
    frames = read_team(text)
    (row,) = frames["revisions"].to_dict("records")
    assert (row["list_items"], row["placed_items"]) == (4, 4)  # what it does not know is an item
    assert list(frames["roadmap_items"]["title"]) == ["Docs", "It rains"]
    lines = frames["roadmap_lines"].set_index("text")
    assert lines.loc["Still.", "reading"] == "prose"
    assert lines.loc["- ada", "reading"] == "person"


# Parts of the language ---------------------------------------------------------------------------


def test_references_to_items() -> None:
    keys = ["1", "1.1", "1.2", "1.3", "2", "3", "P4"]
    assert references("driver of 1(i) and 1(iii)", keys) == ["1.1", "1.3"]
    assert references("(1)--(3)", keys) == ["1", "2", "3"]
    assert references("1(i) - 1(iii)", keys) == ["1.1", "1.2", "1.3"]
    assert references("(2) and forward", keys) == ["2", "3"]
    assert references("high-level priorities 2 and 4", keys) == ["2", "P4"]
    assert references("1 is a slow-burner", keys) == ["1"]
    assert references("version 1, rc-2, 3 May, 99%, v1.2, 2.1.0", keys) == []


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("log.md (separate document)", "log.md"),
        ("log.md, make it final.", "log.md"),
        ("Keys (USB tokens)", "Keys (USB tokens)"),
        (
            "Agree on log lists, proofs, and policies; then code",
            "Agree on log lists, proofs, and policies",
        ),
        ("Run a log, e.g., for tests", "Run a log"),
        ("Docs.  The goal is clarity.", "Docs"),
        ("https://example.org/x, write it down", "write it down"),
    ],
)
def test_titles(text: str, title: str) -> None:
    assert title_of(Inline(text)) == title


def test_bold_titles_with_links_within() -> None:
    (block,) = markdown.parse(
        "- **Drop the [EOF][] and [old][] parts.** Soon.\n\n[old]: https://example.org\n"
    )
    assert isinstance(block, markdown.ListBlock)
    head = block.items[0].head
    assert title_of(head) == "Drop the EOF and old parts"
    assert head.urls == ["https://example.org"]


def test_labels() -> None:
    assert label_of("Expected outcome") == Label("outcome", (), "")
    assert label_of("Main driver: ada") == Label("people", ("driver",), "ada")
    assert label_of("Estimated done: end of May") == Label("target", (), "end of May")
    assert label_of("https://example.org") is None
    assert label_of("Phase 1: import") is None


def test_assigned_people() -> None:
    names = Names(known={"ada", "bo"})
    found = assigned(
        "ada + some support/discuss with Acme if possible; bo if needed", ["review"], names
    )
    assert [(d.person, d.role, d.qualifier) for d in found] == [
        ("ada", "review", None),
        ("acme", "input", "if possible"),
        ("bo", "review", "if needed"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Maintains docs, poke him for updates", [("ada", "maintainer", "docs")]),
        ("does not have any duties", []),
        ("If you want something new, please ask ada", []),
        ("Input/review from bo.", [("bo", "review", None), ("bo", "input", None)]),
        (
            "Responsible for planning, chairing, etc",
            [("ada", "responsible", "planning, chairing, etc")],
        ),
    ],
)
def test_duties(text: str, expected: list[tuple[str, str, str | None]]) -> None:
    found = duties(Inline(text), "ada", Names(known={"ada", "bo"}))
    assert [(d.person, d.role, d.scope) for d in found] == expected


def test_sections_by_their_words() -> None:
    headings = {
        "Main activities until mid June": "plan",
        "Summary of changes": "progress",
        "Progress since May": "progress",
        "Previous roadmap from May, 2025": "previous",
        "People and their standing responsibilities": "people",
        "Concrete milestones": "milestones",
        "What happens after May": "future",
        "Time estimates": "estimate",
        "In progress": "plan",
        "Weather": None,
    }
    assert {heading: section_kind(heading) for heading in headings} == headings


def test_sentences_end_where_they_end() -> None:
    text = "Cut log.md, e.g. now, etc.  Input from bo. Version 1.2 of x (done.) Then (see y)."
    assert [s.text for s in sentences(Inline(text))] == [
        "Cut log.md, e.g. now, etc.",
        "Input from bo.",
        "Version 1.2 of x (done.)",
        "Then (see y).",
    ]


# Refusals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("documents", "words"),
    [
        ([{"name": "a.md", "text": "# Plan"}], "expected a date in the file name"),
        ([{"name": "2025-01-01.md", "text": "x" * (sources.MAX_BYTES + 1)}], "at most"),
        (
            [
                {"name": "2025-01-01-a.md", "text": "# a"},
                {"name": "2025-01-01-b.md", "text": "# b"},
            ],
            "one document per date",
        ),
        ([{"name": "a.md", "text": "# x", "revision_hint": "2025-13-01"}], "YYYY-MM-DD"),
    ],
)
def test_documents_that_cannot_be(documents: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(RoadmapError, match=words):
        tables.parse(documents)


def test_dates_from_the_text_where_the_name_has_none() -> None:
    for text in ("# Roadmap of 3 May 2025\n", "---\ndate: 2025-05-03\n---\n# x\n"):
        frames = tables.parse([{"name": "roadmap.md", "text": text}])
        assert days(frames["revisions"]["revision"]) == ["2025-05-03"]


# Properties --------------------------------------------------------------------------------------

PIECES = """\
# 2025-01-01
## Roadmap
## High-level priorities
## People
## Summary of changes
## Concrete milestones
## Q3 2025
1. Docs
   1. More
- **Bold.** x
  - Work by: ada, bo/Cy
  - Expected done: end of May
- ada
  - Main driver of 1.1 and (2)--(4), input from bo
- [ ] box (Q3)
| a | date |
|-|-|
| x | Q1 |
We did not have enough cycles to:
- x (continued)
A new roadmap will be decided mid May.
We will not be working on (1) and forward.
[a][]
https://h/x/-/milestones/1
  - https://h/groups/x/-/milestones/2#a
> quote
```
***
- ada is busy; nisse will help
"""
DOCUMENTS = st.lists(st.sampled_from(["", *PIECES.splitlines()]), max_size=25).map("\n".join)


@given(st.one_of(st.text(max_size=400), DOCUMENTS))
def test_any_text_is_a_roadmap(text: str) -> None:
    for name, frame in read(text).items():
        schema.validate(name, frame)


@examples(6)
@given(st.permutations(sorted(FOLDER.glob("*.md"))))
def test_the_order_of_files_never_matters(files: list[Path]) -> None:
    records = [{"name": f.name, "text": f.read_text("utf-8"), "source": f.name} for f in files]
    ordered = sorted(records, key=lambda record: str(record["name"]))
    expected = tables.parse(ordered)
    for name, frame in tables.parse(records).items():
        pd.testing.assert_frame_equal(frame, expected[name])


NOUNS = ["signal", "lamp", "tower", "paint", "radio", "museum", "engine"]
WORDS = st.lists(st.sampled_from(NOUNS), min_size=1, max_size=3, unique=True)
TITLES = WORDS.map(lambda words: " ".join(words).capitalize())
PEOPLE = st.lists(st.sampled_from(["ada", "bo", "cleo"]), min_size=1, max_size=2, unique=True)
TARGETS = st.sampled_from(
    [
        "end of May",
        "mid June",
        "2025-07-01",
        "Q3 2025",
        "18 November, 2025",
        "before next roadmap renewal",
    ]
)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A roadmap in one of the layouts, with everything that can stand in it."""
    numbered = draw(st.booleans())
    lines = ["# 2025-03-01", "", "A new roadmap will be decided end of June.", ""]
    lines += ["## Roadmap" if numbered else "## High-level priorities", "", "In rough order:", ""]
    tops = draw(st.lists(TITLES, min_size=1, max_size=4, unique=True))
    for number, title in enumerate(tops, 1):
        lines.append(f"{number}. **{title}**")
        for below, inner in enumerate(draw(st.lists(TITLES, max_size=2, unique=True)), 1):
            when = draw(st.one_of(st.just(""), TARGETS.map(" (done: {})".format)))
            lines.append(f"   {below}. **{inner}**{when}")
    if draw(st.booleans()):
        lines += ["", f"We will not be working on ({len(tops)}) and forward."]
    if numbered:
        lines += ["", 'Our estimate for all of the above is "the end of July".']
    else:
        lines += ["", "## Main activities until mid July", "", "The main activities are:", ""]
        for number, title in enumerate(draw(st.lists(TITLES, min_size=1, max_size=4, unique=True))):
            lines += [f"- **{title}**", f"  - Work by: {', '.join(draw(PEOPLE))}"]
            lines += [
                f"  - Review by: {', '.join(draw(PEOPLE))}",
                f"  - Expected done: {draw(TARGETS)}",
            ]
            if draw(st.booleans()):
                lines.append(f"  - https://git.example.org/groups/x/-/milestones/{number + 1}")
    lines += ["", "## People", ""]
    for person in draw(PEOPLE):
        lines += [f"- {person}", f"  - Maintains {draw(TITLES).lower()}"]
        if numbered:
            lines.append("  - Main driver of 1")
    lines += [
        "",
        "## Concrete milestones",
        "",
        "- Sea (new)",
        "  - https://git.example.org/a/b/-/milestones/9",
    ]
    lines += ["", "## Summary of progress", "", "We did not have enough cycles to:", ""]
    lines += [
        f"- {title} (continued)"
        for title in draw(st.lists(TITLES, min_size=1, max_size=2, unique=True))
    ]
    return "\n".join(lines) + "\n"


@examples(10)
@given(documents())
def test_what_is_printed_parses_to_the_same(text: str) -> None:
    first = read_team(text)
    assert len(first["roadmap_items"]) > 0
    again = read_team(printed(first))
    for name, frame in again.items():
        if name in ("roadmap_lines", "roadmap_alarms"):  # of one document, not of its meaning
            continue
        unlike = [
            c
            for c in ("detail", "line", "list_items", "placed_items", "unplaced_text")
            if c in frame
        ]
        pd.testing.assert_frame_equal(frame.drop(columns=unlike), first[name].drop(columns=unlike))


SIZE = 15_000
ODD = {
    "bullets": "- x\n" * (SIZE // 4),
    "nested": "\n".join("  " * min(n, 300) + "- x" for n in range(400)),
    "brackets": "- a " + "[" * (SIZE // 4),
    "one bullet": "- ada " + "is the main driver of 1, input from bo, " * (SIZE // 40),
    "people": "## People\n\n"
    + "- ada is the main driver of 1.1 with input from bo/cy\n" * (SIZE // 54),
    "table": "|a|date|\n|-|-|\n" + "|x|Q3|\n" * (SIZE // 8),
    "headings": "".join(f"## H{n}\n\ntext\n\n" for n in range(SIZE // 15)),
    "targets": "- " + "end of May / " * (SIZE // 13),
    "numbers": "If time permits, " + "1, " * (SIZE // 3),
    "weeks": "- " + "~3 weeks " * (SIZE // 9),
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_text_takes_bounded_time(kind: str) -> None:
    started = time.process_time()
    read("# 2025-01-01\n\n## Roadmap\n\n" + ODD[kind])
    assert time.process_time() - started < 5


VARIED = """# 2025-03-01

We plan to update the roadmap again on June 2.

## Roadmap

In rough order:

  1) Specifications
     a) log.md: only review remains (no later than 1 April)
     b) witness.md (mid-April)
  2. Tooling
\t1. Library, including retries
\t2. Monitor, before FOSDEM

We won't be working on (2) until summer.

## People

  - ada drives 1(i), bo reviews
  - Everyone except bo helps out with review of 1(ii).
  - cleo
    - (50%) co-responsible for the test log
    - Main driver of 2.1 together with dee
    - New in the team!
  - bo: point of contact for users
  - dee: maintains the website, main responsible for operations

## Milestones

| Milestone | Status |
|---|---|
| [Tooling](https://git.example.org/groups/light/-/milestones/7) | new |

## Summary of changes

The main differences are:

  - We did not get to 1(ii)
  - The website refresh will not be pursued
  - The log is on ice
"""


def test_lists_that_markdown_does_not_know_nest_as_a_reader_sees_them() -> None:
    found = read(VARIED)
    assert column(found["roadmap_items"], "key", "title", "target_text", "deferred") == [
        ("1", "Specifications", None, False),
        ("1.1", "log.md", "no later than 1 April", False),
        ("1.2", "witness.md", "mid-April", False),
        ("2", "Tooling", None, True),
        ("2.1", "Library", None, True),
        ("2.2", "Monitor", "before FOSDEM", True),
    ]
    (row,) = column(found["revisions"], "next_update_date")
    assert str(row[0])[:10] == "2025-06-02"
    (row,) = column(found["roadmap_milestones"], "iid", "status")
    assert row == (7, "new")
    assert set(column(found["carry_over"], "status", "text")) == {
        ("continued", "We did not get to 1(ii)"),
        ("dropped", "The website refresh will not be pursued"),
        ("backlogged", "The log is on ice"),
    }


def test_people_in_other_words() -> None:
    found = column(read(VARIED)["responsibilities"], "person", "role", "key", "scope")
    assert {row[:3] for row in found if row[2]} == {
        ("ada", "driver", "1.1"),
        ("bo", "review", "1.1"),
        ("everyone", "work", "1.2"),
        ("cleo", "driver", "2.1"),
        ("dee", "driver", "2.1"),
    }
    assert {(row[0], row[1], row[3]) for row in found if not row[2]} == {
        ("bo", "contact", "users"),
        ("cleo", "responsible", "the test log"),
        ("dee", "maintainer", "the website"),
        ("dee", "responsible", "operations"),
    }


def test_code_is_no_list_and_numbers_in_prose_start_none() -> None:
    text = "Text\n(1) stands alone\n\n```\na) no\nb) list\n```\n"
    assert [type(b).__name__ for b in markdown.parse(text)] == ["Paragraph", "Other"]


def test_a_column_per_quarter_gives_the_last_one_that_is_filled() -> None:
    table = (
        "# Plan\n\n| Initiative | Q1 | Q2 | Q3 | Owner |\n|---|:-:|:-:|:-:|---|\n"
        "| Upgrade | x | x | | Ada |\n| Audit | | | ✔ | — |\n"
    )
    found = read(table, "2025-01-15")
    dates = column(found["roadmap_items"], "title", "target_date")
    assert [(t, str(d)[:10]) for t, d in dates] == [
        ("Upgrade", "2025-06-30"),
        ("Audit", "2025-09-30"),
    ]


def test_activities_in_a_table_and_people_behind_a_dash() -> None:
    text = (
        "# 2025-03-01\n\n## Priorities\n\n1. Logs\n\n## Activities until June\n\n"
        "| Activity | Work | Review |\n|---|---|---|\n| Metrics | ada | bo |\n\n"
        "Until June we will mainly work on:\n\n- failover -- bo (maybe ada), tbd\n\n"
        "## People\n\n- ada: maintains core/\n- bo: maintains docs\n"
    )
    found = read_team(text)
    assert sorted(column(found["roadmap_items"], "key", "title", "target_text")) == [
        ("A1", "Metrics", None),
        ("A2", "failover", "tbd"),
        ("P1", "Logs", None),
    ]
    assert ("ada", "work", "A2") in column(found["responsibilities"], "person", "role", "key")


def test_many_names_in_a_row_take_bounded_time() -> None:
    began = time.perf_counter()
    read("# R\n\n## People\n\n- ada: " + "a, b and " * 400)
    assert time.perf_counter() - began < 10


def test_what_became_of_things_by_the_verb() -> None:
    text = """# x

## Summary of progress since May, 2025

A few highlights:

  - Version 1 of the bell app is released
  - The website went live
  - The lighthouse is not released yet
  - The museum is removed from the roadmap

We did not have enough cycles to:

  - Address all backlogged maintenance of the lamp, but most of it is done.  The
    rest continues in the upcoming roadmap.
  - Paint the backlogged maintenance hut (backlogged for now)
  - Tune the horn.  Dropped for now, please reach out if you want to help.
"""
    found = column(read(text)["carry_over"], "text", "status")
    assert found == [
        ("Address all backlogged maintenance of the lamp, but most of it is done", "continued"),
        ("Paint the backlogged maintenance hut", "backlogged"),
        ("The lighthouse is not released yet", "continued"),
        ("The museum is removed from the roadmap", "dropped"),
        ("The website went live", "done"),
        ("Tune the horn", "dropped"),
        ("Version 1 of the bell app is released", "done"),
    ]


def test_scope_and_people_in_running_text() -> None:
    text = """# x

## High-level priorities

1. Lamps
2. Bells

## Main activities until May

- **Museum (a house; and more rooms)**
  - Work by: bo and lamp keepers
  - Review by: bo (cy is available for questions)
- Ticket app (sell tickets; count visitors) and its docs
  - Work by: bo

If time permits, we will also make progress on (2).  Priority (2) is not in scope until
the next roadmap is decided, which is planned for the first week of June.

Dee plans to paint the door while bo is away.

## People

- bo
  - Maintains the lamp apps, together with mo/Acme
"""
    known = tables.parse(
        [
            {
                "name": "2025-02-01.md",
                "text": "# x\n\n## People\n\n- dee\n  - Maintains the bell\n",
            },
            {"name": "2025-03-01.md", "text": text},
        ],
        profile="sigsum",
    )
    items = known["roadmap_items"]
    assert column(items, "key", "title", "deferred") == [
        ("A1", "Museum (a house; and more rooms)", False),
        ("A2", "Ticket app (sell tickets; count visitors) and its docs", False),
        ("A3", "paint the door", False),
        ("P1", "Lamps", False),
        ("P2", "Bells", True),
    ]
    assert str(known["revisions"]["next_update_date"].iloc[1])[:10] == "2025-06-07"
    people = column(known["responsibilities"], "person", "role", "key")
    for row in [
        ("cy", "input", "A1"),
        ("lamp keepers", "work", "A1"),
        ("dee", "work", "A3"),
        ("mo", "maintainer", None),
    ]:
        assert row in people
    assert ("cy", "review", "A1") not in people
    alone = read(text)["roadmap_items"]  # a name that no earlier revision and no one else knows
    assert "paint the door" not in set(alone["title"])


def test_the_next_update_within_a_sentence_about_something_else() -> None:
    text = """# x

## Summary of changes

Monitoring is backlogged until the next roadmap update, which is planned to happen
May 30.

## People

- bo
  - Will draft a new roadmap format before the end of April
"""
    frames = read(text)
    assert days(frames["revisions"]["next_update_date"]) == ["2025-05-30"]


def test_a_known_organisation_is_no_second_person() -> None:
    first = "# x\n\n## Main activities\n\n- **A**\n  - Work by: bo, Acme\n"
    second = "# x\n\n## Main activities\n\n- **A**\n  - Work by: bo, mo/Acme\n"
    frames = tables.parse(
        [{"name": "2025-02-01.md", "text": first}, {"name": "2025-03-01.md", "text": second}]
    )
    assert column(frames["responsibilities"], "person")[2:] == [("bo",), ("mo",)]


def test_what_stands_beside_the_lists_of_a_team() -> None:
    text = """# 2025-03-01

## Roadmap

Announce lamp-go to keepers. It is short.

Then we will do, in rough order:

1. Docs
2. Bells

Remarks:

- We will work on (2) with cy during 22-24 May
- https://example.org/notes

## Summary of changes

The [tower][] and the [hut][] are done.  There will be no fair.  We did not have enough time
to dance.

The following was backlogged:

- Fog horn

These are done:

- Paint the door

[tower]: https://git.example.org/a/b/-/milestones/3
[hut]: https://git.example.org/a/b/-/milestones/4
"""
    frames = read_team(text)
    items = frames["roadmap_items"]
    assert column(items.assign(day=days(items["target_date"])), "key", "title", "day") == [
        ("A1", "Docs", None),
        ("A2", "Bells", "2025-05-24"),
        ("A3", "Announce lamp-go to keepers", None),
    ]
    assert column(frames["carry_over"], "text", "status") == [
        ("Fog horn", "backlogged"),
        ("Paint the door", "done"),
        ("The tower and the hut are done (hut)", "done"),
        ("The tower and the hut are done (tower)", "done"),
        ("There will be no fair", "backlogged"),
        ("We did not have enough time to dance", "backlogged"),
    ]
    lines = frames["roadmap_lines"].set_index("line")
    said = {n: lines.loc[n, "reading"] for n in (7, 12, 14, 19, 22, 26)}
    assert [said.pop(14), said.pop(19)] == ["date", "statement"]
    assert set(said.values()) == {"heading"}
    assert not lines["why"].str.startswith("not understood").drop(15).any()


# A second team in the same layouts, written after the labels of the real one --------------------


@pytest.fixture(scope="module")
def keepers() -> ra.Dataset:
    return ra.read_roadmaps(Path(__file__).parent / "keeper_roadmaps")


def test_items_of_the_keepers(keepers: ra.Dataset) -> None:
    items = keepers.roadmap_items
    rows = items.assign(day=days(items["target_date"]), of=items["revision"].dt.strftime("%m"))
    assert column(rows, "of", "key", "title", "day") == [
        ("03", "A1", "Fog horn controller", None),
        ("03", "A2", "Buoy register and buoy map", "2025-05-20"),
        ("03", "A3", "Radio archive", None),
        ("03", "A4", "explore solar panels", None),
        ("03", "P1", "Harbour lights", None),
        ("03", "P1.1", "Lens cleaning robot, arm and brush", None),
        ("03", "P2", "Weather service", None),
        ("07", "A1", "Buoy register", "2025-08-31"),
        ("07", "A2", "Buoy map", "2025-09-30"),
        ("11", "A1", "Radio archive of the coast", "2025-12-20"),
        ("11", "A2", "Harbour lights", "2026-01-20"),
        ("11", "A3", "Lens cleaning robot of the museum", None),
    ]
    words = items.set_index(["revision", "key"])["target_text"]
    assert words["2025-03-04", "A1"] == words["2025-03-04", "A4"] == "before the summer holidays"
    assert list(items.index[items["deferred"]]) == [6]


def test_people_of_the_keepers(keepers: ra.Dataset) -> None:
    assert column(keepers.responsibilities.iloc[:12], "person", "role", "key", "qualifier") == [
        *(("ada", "driver", "P1", None), ("ada", "work", "A1", None), ("ada", "work", "A4", None)),
        *(("bo", "driver", "P2", None), ("bo", "review", None, None), ("bo", "review", "A1", None)),
        *(("bo", "work", "A3", None), ("bo", "work", "A4", None), ("cy", "input", "P1.1", None)),
        *(
            ("cy", "review", "P1.1", None),
            ("cy", "work", "A2", None),
            ("cy", "work", "P1.1", "help"),
        ),
    ]


def test_dates_and_milestones_of_the_keepers(keepers: ra.Dataset) -> None:
    revisions = keepers.revisions
    assert days(revisions["previous"]) == [None, "2025-03-04", "2025-07-01"]
    assert days(revisions["next_update_date"]) == ["2025-06-30", "2025-10-31", "2026-01-31"]
    assert days(revisions["horizon_date"]) == ["2025-06-30", "2025-10-31", "2026-01-31"]
    assert column(keepers.roadmap_milestones, "iid", "title", "status") == [
        *((11, "Fog horn controller", "new"), (9, "Buoy register", "almost done")),
        (11, "The horn", "done"),
    ]


def test_how_the_items_of_the_keepers_go_on(keepers: ra.Dataset) -> None:
    assert column(keepers.carry_over.iloc[1:], "text", "status", "previous_key") == [
        ("Finish the lens cleaning robot", "continued", "P1.1"),
        ("Painting the tower is ongoing", "continued", None),
        ("Sort the radio archive", "backlogged", "A3"),
        ("The horn is done", "done", "A1"),
        ("The weather service got its first user. Not yet done", "continued", None),
        ("The buoy map is done", "done", "A2"),
    ]
    assert column(keepers.item_matches, "previous_key", "key", "kind", "reason") == [
        *(("A2", "A1", "split", "words"), ("A2", "A2", "split", "words")),
        *(("A3", "A1", "returned", "words"), ("P1", "A2", "returned", "title")),
    ]
