"""Every wording of the notes that GraphQL makes of events, by class, and that none is guessed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadmap_analytics.gitlab.activity import (
    NotUnderstood,
    Part,
    Unresolved,
    decode,
    number_of,
    read,
)

Row = dict[str, Any]
ADD, REMOVE = "add", "remove"

WORDINGS: list[tuple[str, str, list[Part]]] = [
    # newest, 18 and on
    ("StateNote", "closed", [Part("closed")]),
    ("StateNote", "reopened", [Part("reopened")]),
    ("StateNote", "closed with commit 0123abcd", [Part("closed")]),
    ("StateNote", "closed with merge request !12", [Part("closed")]),
    ("StateNote", "closed with merge request grp/prj!12", [Part("closed")]),
    (
        "StateNote",
        "resolved the corresponding error and closed the issue",
        [Part("closed")],
    ),
    (
        "StateNote",
        "automatically closed this incident because the alert resolved",
        [Part("closed")],
    ),
    (
        "LabelNote",
        "added ~1 ~2 labels and removed ~3 label",
        [Part(ADD, "~1"), Part(ADD, "~2"), Part(REMOVE, "~3")],
    ),
    ("LabelNote", "added ~1 + 1 deleted label", [Part(ADD, "~1"), Part(ADD)]),
    ("LabelNote", "removed 2 deleted labels", [Part(REMOVE), Part(REMOVE)]),
    (
        "LabelNote",
        "added 1 deleted label and removed ~7 + 2 deleted labels",
        [Part(ADD), Part(REMOVE, "~7"), Part(REMOVE), Part(REMOVE)],
    ),
    ("LabelNote", "added grp/prj~12 label", [Part(ADD, "grp/prj~12")]),
    (
        "LabelNote",
        "added ~1 grp/sub.grp/p-r_j~12 labels",
        [Part(ADD, "~1"), Part(ADD, "grp/sub.grp/p-r_j~12")],
    ),
    ("MilestoneNote", "changed milestone to /full/path%5", [Part(ADD, "/full/path%5")]),
    (
        "MilestoneNote",
        'changed milestone to /full/group%"A title"',
        [Part(ADD, '/full/group%"A title"')],
    ),
    ("MilestoneNote", "removed milestone /full/path%5", [Part(REMOVE, "/full/path%5")]),
    ("MilestoneNote", 'removed milestone /g%"T"', [Part(REMOVE, '/g%"T"')]),
    ("WeightNote", "set weight to 3", [Part("set", number=3)]),
    ("WeightNote", "changed weight to 3 from 2", [Part("set", number=3, before=2)]),
    ("WeightNote", "changed weight to 0 from 2", [Part("set", number=0, before=2)]),
    ("WeightNote", "removed weight of 2", [Part("set", before=2)]),
    ("WeightNote", "removed weight", [Part("set")]),
    # older
    ("StateNote", "closed via commit 0123abcd", [Part("closed")]),
    ("StateNote", "closed via merge request !12", [Part("closed")]),
    (
        "StateNote",
        "resolved the corresponding error and closed the issue.",
        [Part("closed")],
    ),
    (
        "StateNote",
        "automatically closed this issue because the alert resolved.",
        [Part("closed")],
    ),
    ("MilestoneNote", "changed milestone to %5", [Part(ADD, "%5")]),
    (
        "MilestoneNote",
        'changed milestone to %"A title, and more"',
        [Part(ADD, '%"A title, and more"')],
    ),
    ("MilestoneNote", "changed milestone to %v4.0", [Part(ADD, "%v4.0")]),
    ("MilestoneNote", "removed milestone", [Part(REMOVE)]),
    ("WeightNote", "changed weight to **89**", [Part("set", number=89)]),
    ("WeightNote", "changed weight to 89", [Part("set", number=89)]),
    ("WeightNote", "changed weight from **1** to **2**", [Part("set", number=2, before=1)]),
    ("WeightNote", "removed the weight", [Part("set")]),
]


@pytest.mark.parametrize(("kind", "body", "parts"), WORDINGS, ids=[one[1] for one in WORDINGS])
def test_every_wording_of_three_generations(kind: str, body: str, parts: list[Part]) -> None:
    assert read(kind, body) == parts


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("StateNote", "closed for good"),
        ("StateNote", "closed with"),
        ("LabelNote", "added ~1 ~2 labels and more"),
        ("LabelNote", "added"),
        ("LabelNote", "added some labels"),
        ("LabelNote", "added 999999 deleted labels"),
        ("MilestoneNote", "changed milestone to nothing"),
        ("MilestoneNote", "changed milestone to %5 and back"),
        ("WeightNote", "changed weight to many"),
        ("WeightNote", "changed weight to 3 from 2 or 1"),
        ("HealthStatusNote", "set health status to on track"),
    ],
)
def test_words_that_only_begin_like_known_ones_are_not_understood(kind: str, body: str) -> None:
    with pytest.raises(NotUnderstood, match=kind):
        read(kind, body)


@given(
    st.sampled_from(["StateNote", "LabelNote", "MilestoneNote", "WeightNote", "Note", "OtherNote"]),
    st.one_of(
        st.text(max_size=80),
        st.lists(
            st.sampled_from(
                ["added", "removed", "~1", "+", "2 deleted", "labels", "and", "%5", '%"', "closed"]
            ),
            max_size=40,
        ).map(" ".join),
    ),
)
def test_any_text_is_parts_or_a_named_refusal(kind: str, body: str) -> None:
    parts: list[Part] = []
    said = kind
    try:
        parts = read(kind, body)
    except NotUnderstood as refusal:
        said = str(refusal)
    assert all(isinstance(part, Part) for part in parts)
    assert kind in said


def test_a_hostile_sentence_is_refused_quickly() -> None:
    for body in ("added " + "~1 " * 6_000, "added " + "~" * 19_000, "closed with " + " " * 19_000):
        with pytest.raises(NotUnderstood):
            read("LabelNote", body + "!")


# -- whole issues ----------------------------------------------------------------------------------

ANA = {"id": "gid://gitlab/User/1", "username": "ana", "name": "Ana", "state": "active"}
ONE = {"id": 501, "iid": 1, "group_id": 10, "title": "Harvest 1"}


class Known:
    """One milestone and one label, and nothing else."""

    def milestone(self, reference: str, project: str, rendered: str | None) -> Row:
        if reference != '%"Harvest 1"':
            raise Unresolved(reference)
        return ONE

    def label(self, reference: str, project: str) -> Row | None:
        return {"id": 31, "name": "fruit"} if reference == "~31" else None


def note(kind: str, ident: object, body: str, **more: Any) -> Row:
    at = {"createdAt": "2024-03-01T10:00:00Z", "author": ANA, "system": True}
    return {"id": f"gid://gitlab/{kind}/{ident}", "body": body, **at, **more}


def synthetic(kind: str, body: str, **more: Any) -> Row:
    return note(kind, "0f2f195e" * 5, body, **more)


def test_the_class_of_the_id_decides_and_not_the_words() -> None:
    data = decode([note("Note", 7, "closed"), synthetic("StateNote", "closed")], "a/b", Known())
    assert [event["state"] for event in data["state_events"]] == ["closed"]
    assert data["notes"] == [
        {
            "id": 7,
            "body": "closed",
            "author": {"id": 1, "username": "ana", "name": "Ana", "state": "active"},
            "system": True,
            "created_at": "2024-03-01T10:00:00Z",
        }
    ]


def test_events_keep_the_place_in_the_list_and_what_graphql_said() -> None:
    notes = [
        synthetic("LabelNote", "added ~31 + 1 deleted label"),
        synthetic("MilestoneNote", 'changed milestone to %"Harvest 1"', author=None),
        synthetic("IterationNote", "changed iteration to *iteration:4"),
        synthetic("MilestoneNote", "removed milestone"),
        note("EE::WeightNote", "0f2f195e" * 5, "changed weight to **3**"),
    ]
    data = decode(notes, "a/b", Known())
    assert [(e["id"], e["action"], e["label"]) for e in data["label_events"]] == [
        (1, "add", {"id": 31, "name": "fruit"}),
        (2, "add", None),
    ]
    added, removed = data["milestone_events"]
    assert (added["id"], added["milestone"], added["user"]) == (3, ONE, None)
    assert (removed["id"], removed["action"], removed["milestone"]) == (4, "remove", ONE)
    assert (data["weight_events"][0]["id"], data["weight_events"][0]["weight"]) == (5, 3)
    assert removed["gid"] == f"gid://gitlab/MilestoneNote/{'0f2f195e' * 5}"
    assert removed["body"] == "removed milestone"


def test_a_removal_without_name_and_past_is_for_rest_unless_there_is_none() -> None:
    notes = [synthetic("MilestoneNote", "removed milestone")]
    with pytest.raises(NotUnderstood, match="which milestone was removed"):
        decode(notes, "a/b", Known())
    assert decode(notes, "a/b", Known(), guess=True)["milestone_events"][0]["milestone"] is None


@pytest.mark.parametrize(
    "odd",
    [
        {"id": "gid://gitlab/FutureNote/0f2f195e"},
        {"id": "gid://elsewhere/Note/7"},
        {"id": None},
        {"id": f"gid://gitlab/Note/{'7' * 5000}"},
        {"body": None},
        {"createdAt": "yesterday"},
        {"createdAt": "2024-03-01T10:00:00"},
        {"createdAt": None},
        {"author": {"id": "gid://gitlab/User/1"}},
        {"author": {"username": "ana", "id": "x"}},
        {"author": "ana"},
    ],
)
def test_a_note_of_another_shape_is_not_understood(odd: Row) -> None:
    with pytest.raises(NotUnderstood):
        decode([note("Note", 7, "closed") | odd], "a/b", Known())


def test_a_stored_note_of_another_class_is_a_note() -> None:
    data = decode([note("DiscussionNote", 8, "assigned to @ana")], "a/b", Known())
    assert data["notes"][0]["id"] == 8
    assert number_of("gid://gitlab/DiscussionNote/8") == 8
