"""The loopback GitLab answers GraphQL as GitLab's source says: rights, costs, words, pages."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha1
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.gitlab_server import LoopbackGitLab, adapters
from tests.gitlab_server.faults import RETRY_LATER, STATEMENT_TIMEOUT
from tests.gitlab_server.hand_world import MILESTONES, NOW, Story, hand_world, milestone
from tests.gitlab_server.life import Life
from tests.test_gitlab_server import rows

Row = dict[str, Any]

NOTE = "id createdAt body system author { id username name state } systemNoteMetadata { action }"
DISCUSSIONS = """discussions(filter: ONLY_ACTIVITY, first: $n, after: $after) {
  pageInfo { hasNextPage endCursor } nodes { notes { nodes { NOTE } } } }"""
HISTORY = """query($p: ID!, $i: [String!], $n: Int, $after: String) {
  project(fullPath: $p) { workItems(iids: $i, first: 100) { nodes { iid widgets {
    ... on WorkItemWidgetNotes { DISCUSSIONS } } } } } }"""
LISTING = """query($p: ID!, $first: Int, $n: Int, $after: String) {
  project(fullPath: $p) { workItems(first: $first) { pageInfo { hasNextPage endCursor } nodes { iid
    widgets { ... on WorkItemWidgetNotes { DISCUSSIONS } } } } } }"""
JUICE = "orchard/press/juice"
WEBSITE = "orchard/website"


def written(query: str, note: str = NOTE) -> str:
    """A query with its parts put in."""
    return query.replace("DISCUSSIONS", DISCUSSIONS).replace("NOTE", note)


def post(
    server: LoopbackGitLab, body: Any, token: str | None = None
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of a POST."""
    headers = {"Content-Type": "application/json"}
    headers |= {"PRIVATE-TOKEN": token} if token else {}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(f"{server.url}/api/graphql", data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def ask(server: LoopbackGitLab, query: str, token: str | None = None, **variables: Any) -> Row:
    """The answer to a query that is answered with status 200."""
    status, _, body = post(server, {"query": query, "variables": variables}, token)
    assert status == 200, body
    answer: Row = json.loads(body)
    return answer


def score(server: LoopbackGitLab, query: str, token: str | None = None, **variables: Any) -> int:
    """What a query costs by itself, however dear it is."""
    priced = query.replace("{", "{ queryComplexity { score } ", 1)
    answer = ask(server, priced, token, **variables)
    if "errors" in answer:
        message = answer["errors"][0]["message"]
        return int(message.removeprefix("Query has complexity of ").partition(",")[0]) - 2
    return int(answer["data"]["queryComplexity"]["score"]) - 2


def refusal(answer: Row) -> str:
    """The message of a query that was not run."""
    assert "data" not in answer, answer
    message: str = answer["errors"][0]["message"]
    return message


def found(answer: Row) -> list[Row]:
    """The work items of an answer without errors."""
    assert "errors" not in answer, answer["errors"]
    nodes: list[Row] = answer["data"]["project"]["workItems"]["nodes"]
    return nodes


def discussions(item: Row) -> Row:
    """The one widget that has them: the others answer nothing that was asked for."""
    (widget,) = [one for one in item["widgets"] if one]
    told: Row = widget["discussions"]
    return told


def notes(item: Row) -> list[Row]:
    """The notes of a work item, each the one of its discussion."""
    return [note for one in discussions(item)["nodes"] for note in one["notes"]["nodes"]]


def history(
    server: LoopbackGitLab, project: str, iid: int, token: str | None = None, **more: Any
) -> list[Row]:
    """The activity of one issue, from one page."""
    (item,) = found(ask(server, written(HISTORY), token, p=project, i=[str(iid)], **more))
    return notes(item)


def bodies(server: LoopbackGitLab, iid: int, project: str = JUICE) -> list[str]:
    return [note["body"] for note in history(server, project, iid)]


# -- what a query costs --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("activities", "note", "expected"),
    [
        (100, NOTE, 126),
        (50, NOTE, 76),
        (20, NOTE, 46),
        (None, NOTE, 126),
        (500, NOTE, 126),
        (100, f"{NOTE} bodyHtml", 132),
        (100, f"{NOTE} bodyHtml".replace("name state", "name state webUrl"), 138),
    ],
)
def test_the_history_of_a_batch_costs_what_gitlab_says(
    hand_gitlab: LoopbackGitLab, activities: int | None, note: str, expected: int
) -> None:
    query = written(HISTORY, note)
    assert score(hand_gitlab, query, p=JUICE, i=["1"], n=activities) == expected


def test_old_versions_sort_discussions_at_no_extra_cost(hand_gitlab: LoopbackGitLab) -> None:
    hand_gitlab.set(version="17.11.2")
    query = written(HISTORY)
    assert score(hand_gitlab, query, p=JUICE, i=["1"], n=100) == 120
    query = query.replace("filter:", "sort: CREATED_ASC, filter:")
    assert score(hand_gitlab, query, p=JUICE, i=["1"], n=100) == 126


@pytest.mark.parametrize(
    ("activities", "rows_", "token", "runs"),
    [
        (100, 56, None, True),
        (100, 57, None, False),
        (100, 95, "secret", True),
        (100, 96, "secret", False),
        (50, 100, None, True),
    ],
)
def test_a_listing_runs_up_to_the_limit(
    hand_gitlab: LoopbackGitLab, activities: int, rows_: int, token: str | None, runs: bool
) -> None:
    answer = ask(hand_gitlab, written(LISTING), token, p=JUICE, first=rows_, n=activities)
    if runs:
        assert len(found(answer)) == 4
        return
    cost = {57: 201, 96: 251}[rows_]
    limit = 250 if token else 200
    expected = f"Query has complexity of {cost}, which exceeds max complexity of {limit}"
    assert refusal(answer) == expected


@pytest.mark.parametrize(("token", "most"), [(None, 4), ("secret", 5)])
def test_projects_under_aliases_add_up(
    hand_gitlab: LoopbackGitLab, token: str | None, most: int
) -> None:
    one = written(HISTORY).partition("{")[2].rpartition("}")[0].replace("$n", "20")
    one = one.replace("$i", '["1"]').replace(", after: $after", "").replace("$p", f'"{JUICE}"')

    def several(number: int) -> str:
        return "{" + " ".join(f"p{n}: {one}" for n in range(number)) + "}"

    assert score(hand_gitlab, several(1)) == 46
    assert set(ask(hand_gitlab, several(most), token)["data"]) == {f"p{n}" for n in range(most)}
    assert "exceeds max complexity" in refusal(ask(hand_gitlab, several(most + 1), token))


MILESTONE_FIELDS = """id iid title state startDate dueDate createdAt updatedAt expired webPath
  project { id } group { id }"""
GROUP_MILESTONES = f"""query($p: ID!, $first: Int, $after: String) {{ group(fullPath: $p) {{
  milestones(includeDescendants: true, includeAncestors: true, first: $first, after: $after) {{
    pageInfo {{ hasNextPage endCursor }} nodes {{ {MILESTONE_FIELDS} }} }} }} }}"""
GROUP_LABELS = """query($p: ID!) { group(fullPath: $p) { labels(includeDescendantGroups: true,
  includeAncestorGroups: true, first: 100) { pageInfo { hasNextPage endCursor }
  nodes { id title color description } } } }"""


def test_lists_of_milestones_and_labels_cost_little(hand_gitlab: LoopbackGitLab) -> None:
    assert score(hand_gitlab, GROUP_MILESTONES, p="orchard", first=100) == 41
    assert score(hand_gitlab, GROUP_LABELS, p="orchard") == 19


def test_of_an_interface_only_the_dearest_type_counts(hand_gitlab: LoopbackGitLab) -> None:
    others = """... on WorkItemWidgetLabels { labels { nodes { id title } } }
        ... on WorkItemWidgetMilestone { milestone { id } }"""
    query = written(HISTORY).replace("widgets {", f"widgets {{ type {others}")
    assert score(hand_gitlab, query, p=JUICE, i=["1"], n=100) == 126


def test_the_same_field_twice_counts_once_and_a_skipped_one_not(
    hand_gitlab: LoopbackGitLab,
) -> None:
    query = 'query($no: Boolean!) { project(fullPath: "a") { id id name @skip(if: $no) } }'
    assert score(hand_gitlab, query, no=True) == 2
    assert score(hand_gitlab, query, no=False) == 3
    query = '{ project(fullPath: "a") { ...P } } fragment P on Project { id name }'
    assert score(hand_gitlab, query) == 3


# -- what is refused -----------------------------------------------------------------------------


def nested(cycles: int) -> str:
    """A query of depth 3 * cycles + 1."""
    query = "id"
    for _ in range(cycles):
        query = f'milestones(iids: ["1"]) {{ nodes {{ group {{ {query} }} }} }}'
    return f'{{ group(fullPath: "orchard") {{ {query} }} }}'


def test_too_deep_queries_do_not_run(hand_gitlab: LoopbackGitLab) -> None:
    assert "data" in ask(hand_gitlab, nested(4))  # 14 deep
    message = "Query has depth of 17, which exceeds max depth of 15"
    assert refusal(ask(hand_gitlab, nested(5))) == message
    assert "data" in ask(hand_gitlab, nested(6), "secret")  # 20 deep
    message = "Query has depth of 23, which exceeds max depth of 20"
    assert refusal(ask(hand_gitlab, nested(7), "secret")) == message


def test_too_long_queries_do_not_run(hand_gitlab: LoopbackGitLab) -> None:
    query = "{ metadata { version } }"
    assert post(hand_gitlab, {"query": query.ljust(10_000)})[0] == 200
    status, _, body = post(hand_gitlab, {"query": query.ljust(10_001)})
    assert (status, json.loads(body)) == (422, {"errors": [{"message": "Query too large"}]})


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ('{ project(fullPath: "a") { wrong } }', "Field 'wrong' doesn't exist on type 'Project'"),
        (
            '{ project(fullPath: "a", by: 1) { id } }',
            "Field 'project' doesn't accept argument 'by'",
        ),
        (
            '{ project(fullPath: "a") { ... on Wrong { id } } }',
            "No such type Wrong, so it can't be a fragment condition",
        ),
        ('{ project(fullPath: "a") { id ', "Syntax Error: Expected Name, found <EOF>."),
        ("query($p: ID!) { project(fullPath: $p) { id } }", "Variable '$p' has invalid value"),
        ("", "No query string was present"),
        ("query A { metadata { version } } query B { metadata { version } }", "operation name"),
    ],
)
def test_wrong_queries_are_answered_with_status_200_and_errors(
    hand_gitlab: LoopbackGitLab, query: str, message: str
) -> None:
    assert message in refusal(ask(hand_gitlab, query))


def test_what_is_no_query_at_all(hand_gitlab: LoopbackGitLab) -> None:
    assert post(hand_gitlab, b"query=%7B%7D")[0] == 400
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(f"{hand_gitlab.url}/api/graphql")
    with error.value:
        assert error.value.code == 404


def test_the_types_can_be_asked_for(hand_gitlab: LoopbackGitLab) -> None:
    query = '{ __type(name: "WorkItemWidgetNotes") { fields { name args { name } } } }'
    fields = ask(hand_gitlab, query)["data"]["__type"]["fields"]
    arguments = {field["name"]: [one["name"] for one in field["args"]] for field in fields}
    assert {"filter", "first", "after"} <= set(arguments["discussions"])


# -- who may read what ---------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["wrong", "old", "narrow"])
def test_a_token_that_is_no_good_reads_nothing(hand_gitlab: LoopbackGitLab, token: str) -> None:
    hand_gitlab.set(tokens={"old": "expired", "narrow": "no_scope"})
    status, _, body = post(hand_gitlab, {"query": "{ metadata { version } }"}, token)
    assert (status, json.loads(body)) == (401, {"errors": [{"message": "Invalid token"}]})


def test_the_limit_follows_the_token(hand_gitlab: LoopbackGitLab) -> None:
    query = "{ queryComplexity { score limit } currentUser { username } }"
    assert ask(hand_gitlab, query)["data"] == {
        "queryComplexity": {"score": 5, "limit": 200},
        "currentUser": None,
    }
    assert ask(hand_gitlab, query, "secret")["data"] == {
        "queryComplexity": {"score": 5, "limit": 250},
        "currentUser": {"username": "reader"},
    }


def test_without_a_token_public_history_milestones_and_labels_answer(
    hand_gitlab: LoopbackGitLab,
) -> None:
    assert len(history(hand_gitlab, JUICE, 1)) == 6
    group = ask(hand_gitlab, GROUP_MILESTONES, p="orchard", first=100)["data"]["group"]
    titles = [node["title"] for node in group["milestones"]["nodes"]]
    assert titles == ["Harvest 1", "v1.0", "Harvest 2", "DRAFT: Winter"], "by due date, none last"
    group = ask(hand_gitlab, GROUP_LABELS, p="orchard")["data"]["group"]
    labels = {node["id"]: node["title"] for node in group["labels"]["nodes"]}
    assert labels["gid://gitlab/GroupLabel/31"] == "fruit"


def private(world: list[Row], **visibility: str) -> list[Row]:
    """The world with another visibility for groups and projects of these last names."""
    for record in world:
        data = record.get("data", {})
        if record["kind"] in ("group", "project") and data["path"] in visibility:
            data["visibility"] = visibility[data["path"]]
    return world


PROJECT = "query($p: ID!) { project(fullPath: $p) { id } }"
GROUP = "query($p: ID!) { group(fullPath: $p) { id } }"


def test_what_is_missing_and_what_is_closed_look_alike(hand_gitlab: LoopbackGitLab) -> None:
    hand_gitlab.load(private(hand_world(), press="private", juice="private", website="internal"))
    for token, expected in ((None, [0, 0]), ("weak", [0, 1]), ("secret", [1, 1])):
        seen = [ask(hand_gitlab, PROJECT, token, p=path) for path in (JUICE, WEBSITE)]
        assert [int(one["data"]["project"] is not None) for one in seen] == expected, token
        assert all("errors" not in one for one in seen)
    assert ask(hand_gitlab, PROJECT, p="no/such")["data"] == {"project": None}
    assert ask(hand_gitlab, GROUP, p="orchard/press")["data"] == {"group": None}
    group = ask(hand_gitlab, GROUP_MILESTONES, p="orchard", first=100)["data"]["group"]
    assert "v1.0" not in [node["title"] for node in group["milestones"]["nodes"]]


def test_projects_and_groups_that_refuse(hand_gitlab: LoopbackGitLab) -> None:
    hand_gitlab.set(denied={JUICE: 404, WEBSITE: 403, "upkeep": 403})
    assert ask(hand_gitlab, PROJECT, "secret", p=JUICE)["data"] == {"project": None}
    assert found(ask(hand_gitlab, written(HISTORY), "secret", p=WEBSITE, i=["2"], n=20)) == []
    assert ask(hand_gitlab, GROUP, "secret", p="upkeep")["data"] == {"group": None}


def test_confidential_and_deleted_issues_are_missing_from_the_nodes(
    hand_gitlab: LoopbackGitLab,
) -> None:
    def iids(token: str | None) -> list[str]:
        answer = ask(hand_gitlab, written(HISTORY), token, p=WEBSITE, i=["1", "2", "99"], n=20)
        return sorted(item["iid"] for item in found(answer))

    assert iids(None) == iids("weak") == ["2"]
    assert iids("secret") == ["1", "2"]
    hand_gitlab.change(delete_issues=[1005])
    assert iids("secret") == ["2"]


def test_users_may_be_hidden_from_those_without_a_token(hand_gitlab: LoopbackGitLab) -> None:
    hand_gitlab.set(users_restricted=True)
    assert {note["author"] for note in history(hand_gitlab, JUICE, 1)} == {None}
    assert {note["author"]["username"] for note in history(hand_gitlab, JUICE, 1, "weak")} == {
        "ana",
        "bo",
    }


# -- what the notes say --------------------------------------------------------------------------


def test_synthetic_notes_pair_with_the_events_of_rest(hand_gitlab: LoopbackGitLab) -> None:
    """The ids are computed here from what REST answers, by the rule of GitLab's source."""
    notes = {note["id"]: note for note in history(hand_gitlab, JUICE, 1)}
    assert len(notes) == 6
    base = "projects/100/issues/1"
    for event in rows(hand_gitlab, f"{base}/resource_state_events"):
        text = f"ResourceStateEvent-{event['id']}-{event['user']['id']}"
        note = notes.pop(f"gid://gitlab/StateNote/{sha1(text.encode()).hexdigest()}")
        assert note["body"] == event["state"]
    (event,) = rows(hand_gitlab, f"{base}/resource_milestone_events")
    text = f"ResourceMilestoneEvent-{event['id']}-{event['user']['id']}"
    note = notes.pop(f"gid://gitlab/MilestoneNote/{sha1(text.encode()).hexdigest()}")
    assert note["systemNoteMetadata"] == {"action": "milestone"}
    (event,) = rows(hand_gitlab, f"{base}/resource_label_events")
    at = datetime.fromisoformat(event["created_at"]).timestamp()
    text = f"ResourceLabelEvent-{at}-{event['user']['id']}"
    note = notes.pop(f"gid://gitlab/LabelNote/{sha1(text.encode()).hexdigest()}")
    assert note["author"]["username"] == event["user"]["username"]
    (stored,) = rows(hand_gitlab, f"{base}/notes?activity_filter=only_activity")
    note = notes.pop(f"gid://gitlab/Note/{stored['id']}")
    assert (note["body"], note["system"]) == (stored["body"], True)
    assert notes == {}


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("version", ["15.11.0", "17.4.1", "18.9.0-pre"])
def test_every_event_and_note_of_rest_is_in_a_note_and_nothing_else(
    gitlab: LoopbackGitLab, seed: int, version: str
) -> None:
    life = Life(seed)
    life.work(150)
    gitlab.load(life.records(), now=NOW)
    gitlab.set(version=version)
    metadata = "" if version < "16" else "systemNoteMetadata { action }"
    query = written(HISTORY, f"id createdAt body system {metadata} author {{ id }}")
    for project in life.world.projects.values():
        iids = [str(issue["iid"]) for issue in life.world.issues_of[project["id"]]]
        path = project["path_with_namespace"]
        answer = ask(gitlab, query, "secret", p=path, i=iids, n=100)
        assert len(found(answer)) == len(iids)
        for item in found(answer):
            told = notes(item)
            times = [datetime.fromisoformat(note["createdAt"]) for note in told]
            assert times == sorted(times)
            ids = [note["id"].removeprefix("gid://gitlab/") for note in told]
            base = f"projects/{project['id']}/issues/{item['iid']}"
            assert sorted(ids) == sorted(set(expected_ids(gitlab, base, version)))


def expected_ids(server: LoopbackGitLab, base: str, version: str) -> Iterator[str]:
    """The ids of an issue's notes, made from the answers of REST."""
    weight = "EE::WeightNote" if version < "16" else "WeightNote"
    kinds = {"State": "StateNote", "Milestone": "MilestoneNote", "Weight": weight}
    for name, kind in kinds.items():
        for event in rows(server, f"{base}/resource_{name.lower()}_events"):
            text = f"Resource{name}Event-{event['id']}-{event['user']['id']}"
            yield f"{kind}/{sha1(text.encode()).hexdigest()}"
    for event in rows(server, f"{base}/resource_label_events"):
        at = datetime.fromisoformat(event["created_at"]).timestamp()
        text = f"ResourceLabelEvent-{at}-{event['user']['id']}"
        yield f"LabelNote/{sha1(text.encode()).hexdigest()}"
    for note in rows(server, f"{base}/notes?activity_filter=only_activity"):
        yield f"Note/{note['id']}"


def test_times_are_cut_to_seconds_in_the_instances_zone(
    gitlab: LoopbackGitLab, shared: Path
) -> None:
    gitlab.load(adapters.kitware(shared / "gitlab" / "recorded-kitware"))
    project = next(
        record["data"]
        for record in adapters.kitware(shared / "gitlab" / "recorded-kitware")
        if record["kind"] == "project"
    )
    query = "query($p: ID!) { project(fullPath: $p) { workItems { nodes { iid createdAt } } } }"
    nodes = found(ask(gitlab, query, p=project["path_with_namespace"]))
    rest = rows(gitlab, f"projects/{project['id']}/issues")
    assert len(nodes) == len(rest) == 2
    for node, row in zip(nodes, rest, strict=True):
        assert node["createdAt"].endswith("-04:00")
        cut = datetime.fromisoformat(row["created_at"]).replace(microsecond=0)
        assert datetime.fromisoformat(node["createdAt"]) == cut


def test_stored_notes_are_verbatim_and_comments_are_left_out(hand_gitlab: LoopbackGitLab) -> None:
    assert bodies(hand_gitlab, 2) == [
        'changed milestone to /orchard%"Harvest 1"',
        "assigned to @ana",
        "changed due date to April 15, 2024",
        "assigned to @bo and unassigned @ana",
        "changed due date to May 20, 2024",
        'changed milestone to /orchard%"Harvest 2"',
        "removed due date May 20, 2024",
    ]
    query = written(HISTORY).replace("ONLY_ACTIVITY", "ONLY_COMMENTS")
    (item,) = found(ask(hand_gitlab, query, p=JUICE, i=["2"], n=100))
    assert [note["body"] for note in notes(item)] == ["assigned to @cy, I thought"]
    query = written(HISTORY).replace("ONLY_ACTIVITY", "ALL_NOTES")
    (item,) = found(ask(hand_gitlab, query, p=JUICE, i=["2"], n=100))
    assert len(notes(item)) == 8


def told(story: Story) -> list[Row]:
    """The hand-made world with another history for its first issue."""
    world = [record for record in hand_world() if record.get("issue_id") != 1001]
    return [*world, story.records()[1]]


def empty_story() -> Story:
    """The first issue, to which nothing has happened."""
    return Story.begin(count(7000), 1001, 100, 1, "Wash the apples", "2024-02-01T09:00:00")


GENERATIONS = ("15.11.0", "17.4.1", "18.9.0")


def in_each_generation(server: LoopbackGitLab, story: Story, *more: Row) -> list[list[str]]:
    """The bodies of an issue's notes in the three generations."""
    server.load([*told(story), *more], now=NOW)
    query = written(HISTORY, "body bodyHtml")
    answers = []
    for version in GENERATIONS:
        server.set(version=version)
        (item,) = found(ask(server, query, p=JUICE, i=["1"], n=100))
        answers.append([note["body"] for note in notes(item)])
    return answers


def test_wordings_of_states(gitlab: LoopbackGitLab) -> None:
    story = (
        empty_story()
        .state("2024-03-01T00:00:01", "closed")
        .state("2024-03-01T00:00:02", "reopened")
        .state("2024-03-01T00:00:03", "closed", source_merge_request="!12")
        .state("2024-03-01T00:00:04", "closed", source_commit="ab" * 20)
        .state("2024-03-01T00:00:05", "closed", close_after_error_tracking_resolve=True)
        .state("2024-03-01T00:00:06", "closed", close_auto_resolve_prometheus_alert=True)
    )
    old = [
        "closed",
        "reopened",
        "closed via merge request !12",
        f"closed via commit {'ab' * 20}",
        "resolved the corresponding error and closed the issue.",
        "automatically closed this issue because the alert resolved.",
    ]
    new = [
        "closed",
        "reopened",
        "closed with merge request !12",
        f"closed with commit {'ab' * 20}",
        "resolved the corresponding error and closed the issue",
        "automatically closed this incident because the alert resolved",
    ]
    assert in_each_generation(gitlab, story) == [old, old, new]
    events = rows(gitlab, "projects/100/issues/1/resource_state_events")
    assert not [name for event in events for name in event if name.startswith(("source", "close_"))]


def test_what_the_metadata_call_a_reopening(hand_gitlab: LoopbackGitLab) -> None:
    actions = [note["systemNoteMetadata"] for note in history(hand_gitlab, JUICE, 1)]
    assert actions == [
        {"action": "milestone"},
        None,
        {"action": "label"},
        {"action": "closed"},
        {"action": "opened"},
        {"action": "closed"},
    ]


def test_wordings_of_labels(gitlab: LoopbackGitLab) -> None:
    at = "2024-03-01T00:00:0"
    story = (
        empty_story()
        .label(f"{at}1", "web", ident=32)
        .label(f"{at}1", "fruit", ident=310)
        .label(f"{at}1", None)
        .label(f"{at}1", None)
        .label(f"{at}2", "fruit", "remove", ident=310)
        .label(f"{at}2", "later", ident=34)
        .label(f"{at}3", None, "remove")
        .label(f"{at}4", "oil", ident=900)
    )
    far = {"kind": "project", "id": 103, "path": "upkeep/machines"}
    labels = [
        {"kind": "label", "container": far, "data": {"id": 900, "name": "oil"}},
        {
            "kind": "label",
            "container": {"kind": "project", "id": 100, "path": JUICE},
            "data": {"id": 310, "name": "fruit"},
        },
    ]
    oldest, *later = in_each_generation(gitlab, story, *labels)
    rest = ["added ~34 label and removed ~310 label", "removed 1 deleted label"]
    foreign = ["added upkeep/machines~900 label"]
    assert oldest == ["added ~310 ~32 + 2 deleted labels", *rest, *foreign]
    # by name, "fruit" before "web"; all deleted labels have one reference, and equal ones are one
    assert later == [["added ~310 ~32 + 1 deleted label", *rest, *foreign]] * 2


def test_labels_are_sorted_by_name_in_newer_versions(gitlab: LoopbackGitLab) -> None:
    story = empty_story().label("2024-03-01T00:00:01", "web").label("2024-03-01T00:00:01", "fruit")
    story.label("2024-03-01T00:00:01", "urgent").label("2024-03-01T00:00:01", "later")
    oldest, middle, newest = in_each_generation(gitlab, story)
    assert oldest == ["added ~31 ~32 ~33 ~34 labels"]
    assert middle == newest == ["added ~31 ~34 ~33 ~32 labels"]  # fruit, later, urgent, web


def test_two_people_who_label_in_one_instant_have_a_note_each(gitlab: LoopbackGitLab) -> None:
    story = empty_story().label("2024-03-01T00:00:01", "web").label("2024-03-01T00:00:01", "fruit")
    story.history["label_events"][1]["user"] = None
    gitlab.load(told(story), now=NOW)
    notes = history(gitlab, JUICE, 1)
    assert [note["body"] for note in notes] == ["added ~32 label", "added ~31 label"]
    assert [note["author"] and note["author"]["username"] for note in notes] == ["bo", None]
    at = datetime.fromisoformat("2024-03-01T00:00:01.250Z").timestamp()
    assert [note["id"] for note in notes] == [
        f"gid://gitlab/LabelNote/{sha1(f'ResourceLabelEvent-{at}-{who}'.encode()).hexdigest()}"
        for who in (2, "")
    ]


def test_wordings_of_milestones(gitlab: LoopbackGitLab) -> None:
    quoted = milestone(504, 7, 'The "big" one')
    story = (
        empty_story()
        .put("2024-03-01T00:00:01", MILESTONES[501]["data"])
        .put("2024-03-01T00:00:02", MILESTONES[601]["data"])
        .put("2024-03-01T00:00:03", None)
        .put("2024-03-01T00:00:04", quoted["data"])
    )
    old = [
        'changed milestone to %"Harvest 1"',
        "changed milestone to %1",
        "removed milestone",
        "changed milestone to %7",
    ]
    new = [
        'changed milestone to /orchard%"Harvest 1"',
        f"changed milestone to /{JUICE}%1",
        f"removed milestone /{JUICE}%1",
        "changed milestone to /orchard%7",
    ]
    assert in_each_generation(gitlab, story, quoted) == [old, old, new]


def test_the_rendered_text_says_the_milestones_id(gitlab: LoopbackGitLab) -> None:
    story = empty_story().put("2024-03-01T00:00:01", MILESTONES[501]["data"])
    story.put("2024-03-01T00:00:02", None)
    gitlab.load(told(story), now=NOW)
    (item,) = found(ask(gitlab, written(HISTORY, "bodyHtml"), p=JUICE, i=["1"], n=100))
    assert ['data-milestone="501"' in note["bodyHtml"] for note in notes(item)] == [True, True]
    gitlab.set(version="16.0.0")  # a removal does not say from what
    (item,) = found(ask(gitlab, written(HISTORY, "bodyHtml"), p=JUICE, i=["1"], n=100))
    assert ['data-milestone="501"' in note["bodyHtml"] for note in notes(item)] == [True, False]


def test_wordings_of_weights(gitlab: LoopbackGitLab) -> None:
    story = empty_story().weigh("2024-03-01T00:00:01", 3).weigh("2024-03-01T00:00:02", 2)
    story.weigh("2024-03-01T00:00:03", None).weigh("2024-03-01T00:00:04", None)
    assert in_each_generation(gitlab, story) == [
        ["changed weight to **3**", "changed weight to **2**", *["removed the weight"] * 2],
        ["changed weight to 3", "changed weight to 2", *["removed the weight"] * 2],
        [
            "set weight to 3",
            "changed weight to 2 from 3",
            "removed weight of 2",
            "removed weight",
        ],
    ]


def test_weights_without_a_licence(hand_gitlab: LoopbackGitLab) -> None:
    assert "set weight to 3" in bodies(hand_gitlab, 3)
    hand_gitlab.set(licensed=False)
    assert not [body for body in bodies(hand_gitlab, 3) if "weight" in body]
    hand_gitlab.set(old_weights=True)
    assert "set weight to 3" in bodies(hand_gitlab, 3)


def test_a_deleted_user_is_null_in_events_and_a_ghost_in_notes(gitlab: LoopbackGitLab) -> None:
    story = empty_story().state("2024-03-01T00:00:01", "closed")
    story.note("2024-03-01T00:00:02", "assigned to @ana")
    story.history["state_events"][0]["user"] = None
    story.history["notes"][0]["author"] = None
    gitlab.load(told(story), now=NOW)
    first, second = history(gitlab, JUICE, 1)
    assert first["author"] is None
    text = f"ResourceStateEvent-{story.history['state_events'][0]['id']}-"
    assert first["id"] == f"gid://gitlab/StateNote/{sha1(text.encode()).hexdigest()}"
    assert second["author"]["username"] == "ghost"


def test_rest_drops_events_of_private_labels_and_graphql_does_not(gitlab: LoopbackGitLab) -> None:
    story = empty_story().label("2024-03-01T00:00:01", "oil", ident=900)
    home = {"kind": "project", "id": 103, "path": "upkeep/machines"}
    label = {"kind": "label", "container": home, "data": {"id": 900, "name": "oil"}}
    gitlab.load(private([*told(story), label], machines="private"), now=NOW)
    path = "projects/100/issues/1/resource_label_events"
    assert (len(rows(gitlab, path, "weak")), len(rows(gitlab, path))) == (0, 1)
    notes = history(gitlab, JUICE, 1, "weak")
    assert [note["body"] for note in notes] == ["added upkeep/machines~900 label"]


# -- pages ---------------------------------------------------------------------------------------


def pages(
    server: LoopbackGitLab, size: int, iid: int = 2, query: str = HISTORY
) -> Iterator[list[Row]]:
    """The pages of an issue's activity, cursor by cursor."""
    after = None
    while True:
        answer = ask(server, written(query), p=JUICE, i=[str(iid)], n=size, after=after)
        (item,) = found(answer)
        yield notes(item)
        info = discussions(item)["pageInfo"]
        assert info["hasNextPage"] == (info["endCursor"] is not None)
        after = info["endCursor"]
        if after is None:
            return


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7, 100])
def test_pages_put_together_are_the_whole(hand_gitlab: LoopbackGitLab, size: int) -> None:
    whole = history(hand_gitlab, JUICE, 2, n=100)
    parts = list(pages(hand_gitlab, size))
    assert [note for part in parts for note in part] == whole
    assert len(parts) == -(-len(whole) // size)
    descending = DISCUSSIONS.replace("filter", "sort: CREATED_DESC, filter")
    query = HISTORY.replace("DISCUSSIONS", descending)
    backwards = [note for part in pages(hand_gitlab, size, query=query) for note in part]
    assert backwards == whole[::-1]


def test_pages_come_short_where_rights_remove_rows(hand_gitlab: LoopbackGitLab) -> None:
    whole = history(hand_gitlab, JUICE, 2, n=100)
    hand_gitlab.set(short_pages=2)
    parts = list(pages(hand_gitlab, 1))
    assert [note for part in parts for note in part] == whole
    assert min(len(part) for part in parts) == 0, "an empty page in the middle"
    assert len(parts) == 11, "7 that show, 4 that do not"


def test_a_page_has_100_rows_at_most(gitlab: LoopbackGitLab) -> None:
    story = empty_story()
    for second in range(120):
        story.note(f"2024-03-01T00:{second // 60:02}:{second % 60:02}", f"assigned to @u{second}")
    gitlab.load(told(story), now=NOW)
    for size in (None, 100, 500):
        answer = ask(gitlab, written(HISTORY), p=JUICE, i=["1"], n=size)
        assert len(notes(found(answer)[0])) == 100
    assert [len(part) for part in pages(gitlab, 100, iid=1)] == [100, 20]


def test_cursors_are_opaque_and_stable_when_rows_vanish(hand_gitlab: LoopbackGitLab) -> None:
    (item,) = found(ask(hand_gitlab, written(HISTORY), p=JUICE, i=["2"], n=3))
    cursor = discussions(item)["pageInfo"]["endCursor"]
    assert json.loads(base64.urlsafe_b64decode(cursor))["_kd"] == "n"
    following = history(hand_gitlab, JUICE, 2, n=100, after=cursor)
    hand_gitlab.change(delete_milestones=[501])  # its event lay before the cursor
    assert history(hand_gitlab, JUICE, 2, n=100, after=cursor) == following
    answer = ask(hand_gitlab, written(HISTORY), p=JUICE, i=["2"], n=3, after="nonsense")
    assert answer["errors"][0]["message"] == "Please provide a valid cursor"


def test_rows_of_one_instant_and_number_get_lost_at_the_edge_of_a_page(
    gitlab: LoopbackGitLab,
) -> None:
    """Rows of different tables may share both; the place of a cursor does not tell them apart."""
    numbers = iter([7000, 7000])
    story = Story.begin(numbers, 1001, 100, 1, "Wash the apples", "2024-02-01T09:00:00")
    story.state("2024-03-01T00:00:01", "closed").note("2024-03-01T00:00:01", "assigned to @ana")
    gitlab.load(told(story), now=NOW)
    assert len(history(gitlab, JUICE, 1, n=2)) == 2
    assert [len(part) for part in pages(gitlab, 1, iid=1)] == [1, 0]


TIMELOGS = """query($g: GroupID, $first: Int, $after: String) {
  timelogs(groupId: $g, first: $first, after: $after) { pageInfo { hasNextPage endCursor }
    nodes { spentAt timeSpent summary user { username } issue { iid } } } }"""


def test_time_spent_comes_by_group(gitlab: LoopbackGitLab) -> None:
    story = empty_story()
    user = {"id": 1, "username": "ana"}
    story.history["timelogs"] = [
        {"id": 2, "spent_at": "2024-03-02T08:00:00.500Z", "time_spent": 61, "user": user},
        {"id": 1, "spent_at": "2024-03-01T08:00:00.500Z", "time_spent": -60, "user": user},
    ]
    gitlab.load(told(story), now=NOW)
    seen, after = [], None
    while True:
        answer = ask(gitlab, TIMELOGS, g="gid://gitlab/Group/10", first=1, after=after)
        page = answer["data"]["timelogs"]
        seen += page["nodes"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert [(one["spentAt"], one["timeSpent"]) for one in seen] == [
        ("2024-03-01T08:00:00Z", -60),
        ("2024-03-02T08:00:00Z", 61),
    ]
    assert seen[0]["issue"] == {"iid": "1"}
    empty = ask(gitlab, TIMELOGS, g="gid://gitlab/Group/20", first=1)["data"]["timelogs"]
    assert empty["nodes"] == []


def test_lists_of_milestones_have_pages_too(hand_gitlab: LoopbackGitLab) -> None:
    titles, after = [], None
    while True:
        answer = ask(hand_gitlab, GROUP_MILESTONES, p="orchard", first=3, after=after)
        page = answer["data"]["group"]["milestones"]
        titles.append([node["title"] for node in page["nodes"]])
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert titles == [["Harvest 1", "v1.0", "Harvest 2"], ["DRAFT: Winter"]]


def test_milestones_are_as_in_rest(hand_gitlab: LoopbackGitLab) -> None:
    answer = ask(hand_gitlab, GROUP_MILESTONES, p="orchard", first=1)
    (node,) = answer["data"]["group"]["milestones"]["nodes"]
    assert node == {
        "id": "gid://gitlab/Milestone/501",
        "iid": "1",
        "title": "Harvest 1",
        "state": "active",
        "startDate": "2024-03-01",
        "dueDate": "2024-04-30",
        "createdAt": "2024-01-02T08:00:00Z",
        "updatedAt": "2024-01-02T08:00:00Z",
        "expired": False,
        "webPath": "/groups/orchard/-/milestones/1",
        "project": None,
        "group": {"id": "gid://gitlab/Group/10"},
    }


def test_at_most_100_iids(hand_gitlab: LoopbackGitLab) -> None:
    iids = [str(number) for number in range(1, 102)]
    assert len(found(ask(hand_gitlab, written(HISTORY), p=JUICE, i=iids[:100], n=1))) == 4
    answer = ask(hand_gitlab, written(HISTORY), p=JUICE, i=iids, n=1)
    assert answer["errors"][0]["message"] == "iids is too long (maximum is 100)"


# -- old servers ---------------------------------------------------------------------------------


def test_an_old_server_has_no_widget(hand_gitlab: LoopbackGitLab) -> None:
    hand_gitlab.set(version="14.10.5", notes_widget=False)
    answer = ask(hand_gitlab, written(HISTORY, "id body"), p=JUICE, i=["1"], n=20)
    assert refusal(answer).startswith("No such type WorkItemWidgetNotes")
    probe = '{ __type(name: "WorkItemWidgetNotes") { name } }'
    assert ask(hand_gitlab, probe)["data"] == {"__type": None}
    query = "query($p: ID!) { project(fullPath: $p) { workItems { nodes { widgets { type } } } } }"
    widgets = found(ask(hand_gitlab, query, p=JUICE))[0]["widgets"]
    assert "NOTES" not in [widget["type"] for widget in widgets]


def test_metadata_of_system_notes_came_with_version_16(hand_gitlab: LoopbackGitLab) -> None:
    hand_gitlab.set(version="15.11.0")
    answer = ask(hand_gitlab, written(HISTORY), p=JUICE, i=["1"], n=20)
    assert refusal(answer) == "Field 'systemNoteMetadata' doesn't exist on type 'Note'"


def test_the_version_is_the_same_everywhere(hand_gitlab: LoopbackGitLab) -> None:
    hand_gitlab.set(version="17.4.1")
    query = "{ metadata { version } }"
    assert ask(hand_gitlab, query, "secret")["data"] == {"metadata": {"version": "17.4.1"}}
    assert ask(hand_gitlab, query)["data"] == {"metadata": None}


def test_work_items_of_a_group_are_not_there(hand_gitlab: LoopbackGitLab) -> None:
    query = (
        '{ group(fullPath: "orchard") { workItems(includeDescendants: true) { nodes { iid } } } }'
    )
    assert ask(hand_gitlab, query)["data"] == {"group": {"workItems": {"nodes": []}}}


# -- faults and limits ---------------------------------------------------------------------------


def test_a_timeout_is_status_200_with_half_of_the_data(hand_gitlab: LoopbackGitLab) -> None:
    hand_gitlab.inject({"kind": "timeout", "issues": [1003], "times": None})
    variables = {"p": JUICE, "i": ["4", "3", "2"], "n": 20}  # newest first
    answer = ask(hand_gitlab, written(HISTORY), **variables)
    nodes = answer["data"]["project"]["workItems"]["nodes"]
    assert nodes[0]["iid"] == "4"
    assert len(notes(nodes[0])) == 3
    assert nodes[1]["iid"] == "3"
    assert discussions({"widgets": [one for one in nodes[1]["widgets"] if one]}) is None
    assert nodes[2] is None, "its iid may not be null, so all of it is"
    assert answer["errors"][0]["message"] == "Timeout on DiscussionConnection.pageInfo"
    assert all(error["message"].startswith("Timeout on ") for error in answer["errors"])


def test_an_issue_so_slow_that_it_comes_alone_or_not_at_all(hand_gitlab: LoopbackGitLab) -> None:
    hand_gitlab.inject({"kind": "timeout", "issues": [1003], "batch": 1, "times": None})
    query = written(HISTORY)
    assert "errors" in ask(hand_gitlab, query, p=JUICE, i=["1", "2", "3", "4"], n=20)
    assert "errors" in ask(hand_gitlab, query, p=JUICE, i=["2", "3"], n=20)
    assert len(history(hand_gitlab, JUICE, 3, n=20)) == 6
    assert len(found(ask(hand_gitlab, query, p=JUICE, i=["1", "2", "4"], n=20))) == 3


def test_timeouts_of_the_database_and_limits_of_the_rate(hand_gitlab: LoopbackGitLab) -> None:
    query = {"query": "{ metadata { version } }"}
    hand_gitlab.inject(STATEMENT_TIMEOUT)
    status, headers, body = post(hand_gitlab, query)
    assert (status, headers["Content-Type"]) == (503, "application/json")
    assert json.loads(body)["errors"][0]["message"].startswith("Request timed out.")
    hand_gitlab.inject(RETRY_LATER)
    status, headers, body = post(hand_gitlab, query)
    assert (status, headers["Content-Type"], body) == (429, "text/plain", b"Retry later\n")
    assert headers["Retry-After"] == "1"
    hand_gitlab.inject({"kind": "html", "match": "graphql"})
    assert post(hand_gitlab, query)[1]["Content-Type"] == "text/html"
    assert post(hand_gitlab, query)[0] == 200


def test_faults_may_be_aimed_at_the_body(hand_gitlab: LoopbackGitLab) -> None:
    hand_gitlab.inject({**STATEMENT_TIMEOUT, "match": "press/juice"})
    assert post(hand_gitlab, {"query": PROJECT, "variables": {"p": WEBSITE}})[0] == 200
    assert post(hand_gitlab, {"query": PROJECT, "variables": {"p": JUICE}})[0] == 503


def test_the_world_changes_between_list_and_history(hand_gitlab: LoopbackGitLab) -> None:
    before = bodies(hand_gitlab, 1)
    hand_gitlab.inject(
        {
            "kind": "change",
            "match": "graphql",
            "delete_issues": [1002],
            "delete_milestones": [501],
            "rename_labels": {"31": "produce"},
        }
    )
    answer = ask(hand_gitlab, written(HISTORY), p=JUICE, i=["1", "2"], n=20)
    (item,) = found(answer)
    assert item["iid"] == "1"
    assert [note["body"] for note in notes(item)] == before[1:], "a label keeps its number"
    assert [label["title"] for label in label_nodes(hand_gitlab)] == [
        "later",
        "produce",
        "urgent",
        "web",
    ]


def label_nodes(server: LoopbackGitLab) -> list[Row]:
    group = ask(server, GROUP_LABELS, p="orchard")["data"]["group"]
    nodes: list[Row] = group["labels"]["nodes"]
    return nodes


def test_requests_are_counted_and_limited_with_those_of_rest(hand_gitlab: LoopbackGitLab) -> None:
    hand_gitlab.reset()
    hand_gitlab.set(rate_limit={"requests": 2, "seconds": 86400, "headers": "retry-after"})
    query = {"query": "{ metadata { version } }"}
    assert [post(hand_gitlab, query)[0] for _ in range(3)] == [200, 200, 429]
    assert hand_gitlab.counts().routes == {"graphql": 3}


def test_the_server_works_on_a_batch_and_on_each_item(hand_gitlab: LoopbackGitLab) -> None:
    hand_gitlab.set(batch_seconds=0.1, item_seconds=0.05)
    begin = time.perf_counter()
    ask(hand_gitlab, written(HISTORY), p=JUICE, i=["1", "2"], n=20)
    assert time.perf_counter() - begin >= 0.2
    begin = time.perf_counter()
    rows(hand_gitlab, "projects/100/issues")
    assert time.perf_counter() - begin < 0.1, "REST is not slowed down"
