"""Every wording of the notes that hold history, and that no text whatever breaks the reading."""

from __future__ import annotations

import datetime as dt
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadmap_analytics import schema
from roadmap_analytics.frames.system_notes import Change, hours_of, is_other, parse, wording


def assignee(action: str, name: str | None = None) -> Change:
    return Change("assignee", action, name)


def label(action: str, reference: str) -> Change:
    return Change("label", action, reference)


WORDINGS: dict[str, list[Change]] = {
    "assigned to @a": [assignee("add", "a")],
    "assigned to @a, @b, and @c and unassigned @d and @e": [
        assignee("add", "a"),
        assignee("add", "b"),
        assignee("add", "c"),
        assignee("remove", "d"),
        assignee("remove", "e"),
    ],
    "assigned to @jo.do-e_1": [assignee("add", "jo.do-e_1")],
    "assigned to @ada- and unassigned @.bo": [assignee("add", "ada-"), assignee("remove", ".bo")],
    "assigned to @_c-, @d.-_e, and @-f": [
        assignee("add", "_c-"),
        assignee("add", "d.-_e"),
        assignee("add", "-f"),
    ],
    "Reassigned to @x-": [assignee("set", "x-")],
    "unassigned @d": [assignee("remove", "d")],
    "removed assignee": [assignee("remove")],
    "Assignee removed": [assignee("remove")],
    "Reassigned to @x": [assignee("set", "x")],
    "Reassigned to Jo Doe": [assignee("set", "Jo Doe")],
    "changed due date to April 03, 2024": [Change("due_date", "set", "2024-04-03")],
    "changed due date to April  3, 2024": [Change("due_date", "set", "2024-04-03")],
    "removed due date": [Change("due_date", "set")],
    "removed due date April 13, 2024": [Change("due_date", "set", before_value="2024-04-13")],
    "changed start date to May 1, 2024 and removed due date April 13, 2024": [
        Change("start_date", "set", "2024-05-01"),
        Change("due_date", "set", before_value="2024-04-13"),
    ],
    "changed start date to May 01, 2024 and changed due date to June 02, 2024": [
        Change("start_date", "set", "2024-05-01"),
        Change("due_date", "set", "2024-06-02"),
    ],
    "changed time estimate to 3d 5h": [Change("time_estimate", "set", number=29)],
    "added time estimate of 3h": [Change("time_estimate", "set", number=3)],
    "changed time estimate to 1h from 1w 4d 5h": [
        Change("time_estimate", "set", number=1, before_number=77)
    ],
    "removed time estimate": [Change("time_estimate", "set")],
    "removed time estimate of 30m": [Change("time_estimate", "set", before_number=0.5)],
    "added 1h of time spent": [Change("time_spent", "add", number=1)],
    "added 1h 30m of time spent at 2024-03-28": [Change("time_spent", "add", number=1.5)],
    "added 1mo of time spent at 2024-03-28 11:00:00 UTC": [Change("time_spent", "add", number=160)],
    "subtracted 2h of time spent at 2024-03-28": [Change("time_spent", "add", number=-2)],
    "removed time spent": [Change("time_spent", "set", number=0)],
    "deleted 30m of spent time": [Change("time_spent", "add", number=-0.5)],
    "deleted 30m of spent time from 2024-03-28": [Change("time_spent", "add", number=-0.5)],
    "closed": [Change("state", "set", "closed")],
    "closed via commit 0123abcd": [Change("state", "set", "closed")],
    "closed via merge request !12": [Change("state", "set", "closed")],
    "closed via merge request group/project!12": [Change("state", "set", "closed")],
    "reopened": [Change("state", "set", "opened")],
    "Status changed to closed": [Change("state", "set", "closed")],
    "Status changed to closed by commit 0123abcd": [Change("state", "set", "closed")],
    "_Status changed to reopened_": [Change("state", "set", "opened")],
    "changed milestone to %2": [Change("milestone", "add", "%2")],
    'changed milestone to %"Title and more"': [Change("milestone", "add", '%"Title and more"')],
    "changed milestone to grp/prj%5": [Change("milestone", "add", "grp/prj%5")],
    "removed milestone": [Change("milestone", "remove")],
    "Milestone changed to 1.0 and on": [Change("milestone", "add", "1.0 and on")],
    "Milestone removed": [Change("milestone", "remove")],
    "added ~1 ~2 labels and removed ~3 label": [
        label("add", "~1"),
        label("add", "~2"),
        label("remove", "~3"),
    ],
    "added ~1 and removed ~3 labels": [label("add", "~1"), label("remove", "~3")],
    'Added ~"to do" label': [label("add", '~"to do"')],
    "changed weight to **3**": [Change("weight", "set", number=3)],
    "removed the weight": [Change("weight", "set")],
}


@pytest.mark.parametrize("body", WORDINGS)
@pytest.mark.parametrize("case", [str, str.upper, str.capitalize])
def test_every_wording_in_any_case(body: str, case: type[str]) -> None:
    def folded(changes: list[Change]) -> list[tuple[object, ...]]:
        return [
            tuple(part.casefold() if isinstance(part, str) else part for part in change)
            for change in changes
        ]

    assert folded(parse(case(body))) == folded(WORDINGS[body])
    assert not is_other(body)


@pytest.mark.parametrize(
    "body",
    [
        "moved to group/project#11",
        "moved from group/project#11",
        "cloned to group/project#11",
        "promoted to epic &5",
        "mentioned in merge request !7",
        "changed title from **{-a-}** to **{+b+}**",
        "changed the description",
        "marked this issue as related to #3",
        "created branch `12-x`",
    ],
)
def test_other_notes_change_nothing_and_are_known(body: str) -> None:
    assert parse(body) == []
    assert is_other(body)


@pytest.mark.parametrize(
    "body",
    [
        "",
        " ",
        "assigned to me",
        "assigned to @a and",
        "assigned to @a and the dog",
        "closed the door",
        "closed via",
        "removed due date tomorrow",
        "changed due date to Smarch 03, 2024",
        "changed due date to February 30, 2024",
        "changed due date to 2024-13-01",
        "changed time estimate to soon",
        "changed weight to **heavy**",
        "<b>closed</b>",
        "&lt;b&gt;closed",
        "added ~ labels",
        "assigned to @a" + "\0",
        "assigned to @a.",
    ],
)
def test_what_only_looks_like_a_known_note_changes_nothing(body: str) -> None:
    assert parse(body) == []
    assert not is_other(body)


@pytest.mark.parametrize(
    ("bodies", "kind"),
    [
        (["sang to @ada", "sang to @.bo-"], "sang to …"),
        (["put it on shelf 7", "put it on shelf 12b"], "put it on shelf …"),
        (["hung up **one**", "hung up **two words**"], "hung up …"),
        (["sent !3 to team/code#4", "sent group/x!9 to #5"], "sent … to …"),
        (["wrote a line\x1b[31m"], "wrote a …"),
        ([""], ""),
    ],
)
def test_notes_of_one_wording_are_one_kind(bodies: list[str], kind: str) -> None:
    assert {wording(body) for body in bodies} == {kind}


@given(st.text())
def test_a_wording_is_short_and_fit_for_a_terminal(body: str) -> None:
    kind = wording(body)
    assert len(kind) <= 80
    assert kind.isprintable()


@given(st.text())
def test_any_text_is_taken(body: str) -> None:
    assert isinstance(parse(body), list)
    assert isinstance(is_other(body), bool)


@given(
    st.lists(
        st.sampled_from(
            [*WORDINGS, "@", "~", "%", "\n", " and ", ", ", "**", "1h", "to", "\ud800", "️", "\x1b"]
        ),
        max_size=6,
    )
)
def test_any_mixture_of_known_words_is_taken(parts: list[str]) -> None:
    for change in parse("".join(parts)):
        assert change.field in schema.FIELDS
        assert change.action in schema.ACTIONS


@pytest.mark.parametrize(
    "body",
    [
        "assigned to " + "@a, " * 5_000 + "x",
        "assigned to @" + "a." * 9_000 + "!",
        "added " + "~1 " * 6_000 + "!",
        "added " + "1h " * 6_000 + "!",
        "assigned to @a" + " " * 19_000 + "!",
        "changed milestone to " + "a/" * 9_900,
        "assigned to " + "@a and " * 600 + "!",
    ],
)
def test_hostile_lengths_cost_no_time(body: str) -> None:
    began = time.process_time()
    assert parse(body) == []
    assert time.process_time() - began < 1


USERS = st.lists(
    st.from_regex(r"[a-zA-Z0-9_.][a-zA-Z0-9_.-]{0,8}[a-zA-Z0-9_-]|[a-zA-Z0-9_]", fullmatch=True),
    unique=True,
)
DAYS = st.dates(dt.date(1900, 1, 1), dt.date(2999, 12, 31))


def sentence(names: list[str]) -> str:
    marked = [f"@{name}" for name in names]
    if len(marked) > 2:
        return f"{', '.join(marked[:-1])}, and {marked[-1]}"
    return " and ".join(marked)


@given(USERS, USERS)
def test_assignees_round_trip(added: list[str], removed: list[str]) -> None:
    words = [f"assigned to {sentence(added)}"] if added else []
    words += [f"unassigned {sentence(removed)}"] if removed else []
    expected = [assignee("add", name) for name in added]
    expected += [assignee("remove", name) for name in removed]
    assert parse(" and ".join(words)) == expected


@given(DAYS, st.none() | DAYS, st.booleans())
def test_dates_round_trip(start: dt.date, due: dt.date | None, padded: bool) -> None:
    def words(day: dt.date) -> str:
        return day.strftime("%B %d, %Y") if padded else f"{day:%B} {day.day}, {day.year}"

    body = f"changed start date to {words(start)} and "
    body += f"changed due date to {words(due)}" if due else "removed due date"
    assert parse(body) == [
        Change("start_date", "set", start.isoformat()),
        Change("due_date", "set", due.isoformat() if due else None),
    ]


@given(st.integers(1, 10**8))
def test_time_spans_round_trip(seconds: int) -> None:
    parts, rest = [], seconds
    for unit, size in (("mo", 576_000), ("w", 144_000), ("d", 28_800), ("h", 3600), ("m", 60)):
        count, rest = divmod(rest, size)
        parts += [f"{count}{unit}"] if count else []
    parts += [f"{rest}s"] if rest else []
    span = " ".join(parts)
    assert hours_of(span) == seconds / 3600
    assert parse(f"subtracted {span} of time spent")[0].number == -seconds / 3600
    assert parse(f"changed time estimate to 1h from {span}")[0].before_number == seconds / 3600


@given(st.lists(st.integers(1, 10**9), unique=True), st.lists(st.integers(1, 10**9), min_size=1))
def test_labels_round_trip(added: list[int], removed: list[int]) -> None:
    body = f"added {' '.join(f'~{n}' for n in added)} and " if added else ""
    body += f"removed {' '.join(f'~{n}' for n in removed)} labels"
    expected = [label("add", f"~{n}") for n in added] + [label("remove", f"~{n}") for n in removed]
    assert parse(body) == expected
