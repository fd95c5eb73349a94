"""The loopback GitLab answers GraphQL as GitLab's source says: rights, costs, words, pages."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.gitlab_server import LoopbackGitLab

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
