"""Time expressions: what each covers, relative to the document it stands in."""

from __future__ import annotations

import itertools
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadmap_analytics.roadmap.targets import (
    DAY_AND_MONTH,
    EARLIEST,
    MISSPELT,
    NO_SUCH_DAY,
    OF_PLAN,
    SEVERAL,
    STALE,
    Calendar,
    find,
    read_target,
)

CONTEXT = Calendar(
    periods={"summer holidays": (date(2025, 7, 8), date(2025, 8, 18))},
    renewal=(date(2025, 5, 21), date(2025, 5, 31)),
    horizon=(date(2025, 6, 11), date(2025, 6, 20)),
)

# Written on, words, first day, latest day (None: no day is known).
EXPRESSIONS = [
    ("2026-09-20", "KW 42-44", "2026-10-12", "2026-11-01"),  # not week 42 of 2044
    ("2026-09-20", "2026-W42..W44", "2026-10-12", "2026-11-01"),
    ("2026-09-20", "weeks 51-02", "2026-12-14", "2027-01-17"),
    ("2026-09-20", "W51-W02 2027", "2026-12-14", "2027-01-17"),
    ("2026-09-20", "wk 42", "2026-10-12", "2026-10-18"),
    ("2026-09-20", "2026 week 42", "2026-10-12", "2026-10-18"),
    ("2026-09-20", "Q4-Q1 2027", "2026-10-01", "2027-03-31"),
    ("2026-09-20", "2026-Q4/Q1", "2026-10-01", "2027-03-31"),
    ("2026-09-20", "end of Nov-Jan", "2027-01-01", "2027-01-31"),
    ("2026-09-20", "last week of Q1 2027", "2027-03-25", "2027-03-31"),
    ("2026-02-03", "first half of Q3 2026", "2026-07-01", "2026-08-15"),
    ("2026-02-03", "second half of Q3 2026", "2026-08-16", "2026-09-30"),
    ("2026-02-03", "late H2 2026", "2026-11-01", "2026-12-31"),
    ("2026-09-20", "2nd half of October", "2026-10-16", "2026-10-31"),
    ("2026-09-20", "2026-05-01/2026-10-15", "2026-05-01", "2026-10-15"),  # began, and goes on
    ("2026-09-20", "Q1 2026 - Q4 2026", "2026-01-01", "2026-12-31"),
    ("2026-09-20", "CY27/2028", "2027-01-01", "2028-12-31"),
    ("2026-09-20", "2. Quartal 2027", "2027-04-01", "2027-06-30"),
    ("2026-09-20", "zweites Halbjahr 2027", "2027-07-01", "2027-12-31"),
    ("2026-09-20", "T2 2027", "2027-04-01", "2027-06-30"),
    ("2026-02-03", "segundo semestre de 2026", "2026-07-01", "2026-12-31"),
    ("2026-09-20", "primer trimestre de 2027", "2027-01-01", "2027-03-31"),
    ("2026-09-20", "andra kvartalet 2027", "2027-04-01", "2027-06-30"),
    ("2026-09-20", "Mar-15-2027", "2027-03-15", "2027-03-15"),
    ("2025-09-02", "end of October", "2025-10-21", "2025-10-31"),
    ("2025-09-02", "mid April", "2026-04-11", "2026-04-20"),
    ("2025-09-02", "in the beginning of November", "2025-11-01", "2025-11-10"),
    ("2026-02-03", "towards the end of February / beginning of March", "2026-02-21", "2026-03-10"),
    ("2026-02-03", "around end of April?", "2026-04-21", "2026-04-30"),
    ("2025-11-11", "18 November, 2025", "2025-11-18", "2025-11-18"),
    ("2025-11-11", "January 20, 2026", "2026-01-20", "2026-01-20"),
    ("2026-04-21", "16 June", "2026-06-16", "2026-06-16"),
    ("2026-04-21", "5-7 May", "2026-05-05", "2026-05-07"),
    ("2026-02-03", "in Q1 or latest Q2", "2026-01-01", "2026-06-30"),
    ("2026-04-21", "in Q1 or latest Q2", "2026-01-01", "2026-06-30"),
    ("2025-12-10", "end of November / beginning of January", "2025-11-21", "2026-01-10"),
    ("2023-02-07", "at least until September", "2023-09-01", "2023-09-30"),
    ("2023-09-12", "the end of 2023", "2023-12-01", "2023-12-31"),
    ("2025-02-04", "before next roadmap renewal", "2025-05-21", "2025-05-31"),
    ("2025-02-04", "towards the end of the roadmap", "2025-06-11", "2025-06-20"),
    ("2025-02-04", "before the summer holidays", "2025-07-07", "2025-07-07"),
    ("2025-02-04", "during summer holidays", "2025-07-08", "2025-08-18"),
    ("2025-02-04", "sketch before the summer, code by October", "2025-10-01", "2025-10-31"),
    ("2025-03-01", "Q3 2025", "2025-07-01", "2025-09-30"),
    ("2025-03-01", "2025H1", "2025-01-01", "2025-06-30"),
    ("2025-03-01", "first half of 2026", "2026-01-01", "2026-06-30"),
    ("2025-03-01", "third quarter of 2025", "2025-07-01", "2025-09-30"),
    ("2025-03-01", "early 2026", "2026-01-01", "2026-04-30"),
    ("2025-03-01", "2025-10", "2025-10-01", "2025-10-31"),
    ("2025-03-01", "week 42", "2025-10-13", "2025-10-19"),
    ("2025-03-01", "next month", "2025-04-01", "2025-04-30"),
    ("2025-03-01", "in two weeks", "2025-03-01", "2025-03-15"),
    ("2025-11-01", "December / beginning of January, 2026", "2025-12-01", "2026-01-10"),
    ("2025-03-01", "24.12.2025", "2025-12-24", "2025-12-24"),
    ("2025-03-01", "2025-10-01 – 2025-12-15", "2025-10-01", "2025-12-15"),
    ("2025-03-01", "2025-09-15–30", "2025-09-15", "2025-09-30"),
    ("2025-03-01", "2025-09-15 - 30", "2025-09-15", "2025-09-30"),
    ("2025-03-01", "2025-09-15 - 30 issues", "2025-09-15", "2025-09-15"),
    ("2025-03-01", "2025-09-15–20:00", "2025-09-15", "2025-09-15"),
    ("2025-03-01", "1Q26", "2026-01-01", "2026-03-31"),
    ("2025-03-01", "2H25", "2025-07-01", "2025-12-31"),
    ("2025-03-01", "EOQ3", "2025-09-01", "2025-09-30"),
    ("2025-03-01", "final quarter of 2025", "2025-10-01", "2025-12-31"),
    ("2025-03-01", "first week in October", "2025-10-01", "2025-10-07"),
    ("2025-03-01", "w/c 2025-07-28", "2025-07-28", "2025-08-03"),
    ("2025-03-01", "week commencing Monday 28 July", "2025-07-28", "2025-08-03"),
    ("2025-03-01", "26-27.05.2025", "2025-05-26", "2025-05-27"),
    ("2025-03-01", "26.–27.05.2025", "2025-05-26", "2025-05-27"),
    ("2025-02-04", "before summer", None, None),
    ("2025-02-04", "no estimate, results over the coming ~months", None, None),
    ("2025-02-04", "Soon/later", None, None),
    ("2025-02-04", "may be delayed", None, None),
    ("2025-02-04", "17.0 milestone", None, None),
    ("2025-02-04", "not before June", None, None),
    ("2025-02-04", "a decision on separate marketing", None, None),
]


@pytest.mark.parametrize(("written", "words", "first", "latest"), EXPRESSIONS)
def test_what_an_expression_covers(
    written: str, words: str, first: str | None, latest: str | None
) -> None:
    target = read_target(words, date.fromisoformat(written), CONTEXT)
    assert target is not None
    assert target.text
    assert (str(target.start), str(target.end)) == (str(first), str(latest))
    assert target.flag is None


def test_a_period_without_dates_is_no_date() -> None:
    target = read_target("before the summer holidays", date(2025, 2, 4))
    assert target is not None
    assert (target.text, target.end) == ("before the summer holidays", None)


def test_dates_that_need_a_second_look_are_flagged() -> None:
    typo = read_target("20 January, 2025", date(2025, 11, 11))
    stale = read_target("Q1 2021", date(2025, 11, 11))
    unclear = read_target("3/4/2026", date(2025, 11, 11))
    assert typo
    assert stale
    assert unclear
    assert (typo.end, typo.flag) == (date(2025, 1, 20), STALE)
    assert (stale.end, stale.flag) == (date(2021, 3, 31), STALE)
    assert unclear.flag == DAY_AND_MONTH


@pytest.mark.parametrize(
    ("words", "latest", "flag"),
    [
        ("31 June", "2026-06-30", NO_SUCH_DAY),
        ("June 31, 2026", "2026-06-30", NO_SUCH_DAY),
        ("30 February 2026", "2026-02-28", NO_SUCH_DAY),
        ("5-31 June", "2026-06-30", NO_SUCH_DAY),
        ("99 April", "2026-04-30", NO_SUCH_DAY),
        ("28-3 April", "2026-04-30", NO_SUCH_DAY),
        ("30/02/2026", "2026-02-28", NO_SUCH_DAY),
        ("2026-02-30", "2026-02-28", NO_SUCH_DAY),
        ("10 ocotber", "2026-10-10", MISSPELT),
        ("mid Spetember", "2026-09-20", MISSPELT),
        ("Janurary 2027", "2027-01-31", MISSPELT),
    ],
)
def test_impossible_days_and_misspelt_months_are_flagged(
    words: str, latest: str, flag: str
) -> None:
    target = read_target(words, date(2026, 2, 3))
    assert target is not None
    assert (target.text, str(target.end), target.flag) == (words, latest, flag)


@pytest.mark.parametrize("words", ["first half of this year", "beginning of the quarter"])
def test_a_part_of_this_year_or_quarter_may_lie_before_the_document(words: str) -> None:
    target = read_target(words, date(2026, 9, 20))
    assert target is not None
    assert target.stale


def test_empty_words_are_no_target() -> None:
    assert read_target("  ", date(2025, 1, 1)) is None


@given(st.text(max_size=200), st.dates(date(1990, 1, 1), date(2090, 1, 1)))
def test_any_words_are_read(words: str, written: date) -> None:
    target = read_target(words, written)
    if target and target.end:
        assert target.start is not None
        assert target.start <= target.end


@given(st.dates(date(2000, 1, 1), date(2080, 1, 1)), st.integers(0, 360))
def test_a_plain_date_without_a_year_is_the_next_such_day(written: date, ahead: int) -> None:
    day = written + timedelta(days=ahead)
    if (day.month, day.day) == (2, 29):
        return
    target = read_target(f"{day.day} {day:%B}", written)
    assert target is not None
    assert target.end == day


def test_places_of_expressions() -> None:
    text = "draft by 5 May, final in Q3 2025"
    assert [text[f.start : f.end] for f in find(text, date(2025, 1, 1))] == ["5 May", "Q3 2025"]


@pytest.mark.parametrize(
    ("words", "first", "last"),
    [
        ("the second week of June", "2026-06-08", "2026-06-14"),
        ("~3 weeks", "2026-02-03", "2026-02-24"),
        ("two months from now", "2026-02-03", "2026-04-05"),
        ("v. 14", "2026-03-30", "2026-04-05"),
        ("by EOY", "2026-12-01", "2026-12-31"),
        ("end-of-year", "2026-12-01", "2026-12-31"),
        ("early 2027", "2027-01-01", "2027-04-30"),
    ],
)
def test_more_words_for_dates(words: str, first: str, last: str) -> None:
    target = read_target(words, date(2026, 2, 3))
    assert target is not None
    assert (str(target.start), str(target.end)) == (first, last)


@pytest.mark.parametrize(
    "words",
    ["v. 2", "https://example.org/2026/03/01", "17.0 milestone", "10.0.0.1", "rolling", "today"],
)
def test_versions_and_addresses_are_no_dates(words: str) -> None:
    target = read_target(words, date(2026, 2, 3))
    assert target is not None
    assert target.end is None


def test_an_aside_is_no_better_date_than_the_season_that_was_written() -> None:
    words = "before the summer holidays (carried over, was: first half of May)"
    target = read_target(words, date(2026, 2, 3))
    assert target is not None
    assert target.end is None


SPELLINGS = {
    "quarter": (["Q4 2026", "2026-Q4", "2026Q4", "4Q 2026", "Q4/2026"],
                ["Q1 2027", "2027-Q1", "2027Q1", "1Q 2027", "Q1/2027"]),
    "half": (["H2 2026", "2026-H2", "2026H2", "2H 2026"], ["H1 2027", "2027-H1", "2027H1"]),
    "month": (["Oct 2026", "October 2026", "10/2026"], ["Feb 2027", "February 2027", "02/2027"]),
    "week": (["W45 2026", "2026-W45"], ["W07 2027", "2027-W07"]),
    "day": (["5 October 2026", "5.10.2026"], ["10 February 2027", "10.2.2027"]),
}  # fmt: skip


@pytest.mark.parametrize("kind", SPELLINGS)
def test_a_range_is_read_from_its_first_to_its_last_day_or_flagged(kind: str) -> None:
    """Of 1,150 such ranges, 193 were once read as another date without a flag."""
    written = date(2026, 9, 20)
    for joiner in (" - ", " – ", "–", "-", "/", " / ", " to ", " until ", " or "):
        for first, last in itertools.product(*SPELLINGS[kind]):
            if kind == "day" and joiner == "-":  # "10.2026-10.2" may be anything
                continue
            one, other = read_target(first, written), read_target(last, written)
            both = read_target(first + joiner + last, written)
            assert one is not None
            assert other is not None
            assert both is not None
            assert both.flag or (both.start, both.end) == (one.start, other.end), first + joiner


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        ("Q2 2027 or later", EARLIEST),
        ("2027+", EARLIEST),
        ("≥ Q3 2027", EARLIEST),
        ("Frühjahr 2027", "Frühjahr"),  # not the whole year
        ("Term 1 2027", "Term"),
        ("TBD Q2 2027", "Q2 2027"),
        ("20270315", "20270315"),
        ("Rehearsal 3 October | Opening 26 October", SEVERAL),
        ("2026-09-30–15", NO_SUCH_DAY),
        ("Week 3", OF_PLAN),
        ("Week 42, day 2", "day 2"),
        ("2027.03.15", "2027.03.15"),
    ],
)
def test_what_is_read_in_part_or_is_no_latest_day_is_flagged(words: str, flag: str) -> None:
    target = read_target(words, date(2026, 9, 20))
    assert target is not None
    assert flag in str(target.flag)
