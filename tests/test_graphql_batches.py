"""How issues are put into batches for GraphQL, how batches grow, and how they halve."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadmap_analytics.gitlab import histories_graphql
from roadmap_analytics.gitlab.client import Client, PartFailed
from roadmap_analytics.gitlab.graphql import GraphQL, Refused
from roadmap_analytics.gitlab.histories import Due, Failure, Found, Outcome
from roadmap_analytics.gitlab.histories_graphql import GraphqlHistories
from roadmap_analytics.gitlab.histories_rest import RestHistories
from roadmap_analytics.gitlab.names import Directory

Row = dict[str, Any]


def due(project: str, iid: int) -> Due:
    return Due(project, 1, iid, iid, None)


class Server:
    """Answers batches of at most `most` issues, and of activities `deepest`; notes what it saw."""

    def __init__(self, most: int = 100, slow: frozenset[int] = frozenset()) -> None:
        self.most = most
        self.slow = slow
        self.sizes: list[int] = []
        self.depths: list[int] = []

    def ask(self, query: str, **variables: Any) -> Row:
        iids = variables["i"]
        self.sizes.append(len(iids))
        self.depths.append(variables["n"])
        if len(iids) > self.most or not self.slow.isdisjoint(map(int, iids)):
            raise Refused(200, "Timeout on WorkItemWidgetNotes.discussions", "failed")
        page = {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": []}
        nodes = [{"iid": iid, "widgets": [{}, {"discussions": page}]} for iid in iids]
        return {"project": {"workItems": {"nodes": nodes}}}


class Rest:
    """REST, which always answers."""

    def of(self, issue: Due) -> Outcome:
        return Found({}, "rest")


def source(server: Server, *, rest: bool = True) -> GraphqlHistories:
    absent = cast("Client", None)
    made = GraphqlHistories(
        absent, Directory(GraphQL(absent)), cast("RestHistories", Rest()) if rest else None
    )
    made._graphql = cast("GraphQL", server)
    return made


def run(made: GraphqlHistories, issues: Iterator[Due]) -> list[tuple[Due, Outcome]]:
    """One thread's work: batch after batch."""
    return [one for batch in made.batches(issues) for one in made.histories(batch)]


def test_batches_begin_with_25_and_grow_to_100() -> None:
    server = Server()
    found = run(source(server), (due("a/b", n) for n in range(1, 501)))
    assert server.sizes == [25, 50, 100, 100, 100, 100, 25]
    assert [issue.iid for issue, _ in found] == list(range(1, 501))


def test_batches_do_not_grow_while_answers_are_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histories_graphql, "QUICK_SECONDS", 0.0)
    server = Server()
    run(source(server), (due("a/b", n) for n in range(1, 101)))
    assert server.sizes == [25, 25, 25, 25]


def test_batches_halve_until_they_are_answered_and_stay_small() -> None:
    server = Server(most=10)
    found = run(source(server), (due("a/b", n) for n in range(1, 51)))
    assert server.sizes[:6] == [25, 12, 6, 6, 13, 6]
    assert len(found) == 50
    assert all(isinstance(outcome, Found) and outcome.via == "graphql" for _, outcome in found)
    assert max(server.sizes[10:]) <= 24, "a halved batch sets the pace"


def test_one_issue_that_is_too_slow_is_asked_for_with_less_and_then_by_rest() -> None:
    server = Server(slow=frozenset({7}))
    made = source(server)
    found = dict(run(made, (due("a/b", n) for n in range(1, 26))))
    ways = {issue.iid: outcome.via for issue, outcome in found.items()}  # type: ignore[union-attr]
    assert [iid for iid, via in ways.items() if via == "rest"] == [7]
    assert server.depths.count(20) == 1
    assert list(made.notices()) == ["by REST: Timeout on WorkItemWidgetNotes.discussions"]


def test_after_five_in_a_row_graphql_is_left_alone() -> None:
    server = Server(most=0)
    found = run(source(server), (due("a/b", n) for n in range(1, 301)))
    assert {outcome.via for _, outcome in found} == {"rest"}  # type: ignore[union-attr]
    assert len(server.sizes) < 25


def test_without_rest_what_is_not_answered_is_a_failure() -> None:
    found = run(source(Server(slow=frozenset({1})), rest=False), iter([due("a/b", 1)]))
    outcome = found[0][1]
    assert isinstance(outcome, Failure)
    assert outcome.part == "issue a/b#1 history"
    assert "REST needs a token" in outcome.message


def test_a_query_that_is_unknown_here_is_asked_once() -> None:
    server = Server()

    def unknown(query: str, **variables: Any) -> Row:
        server.sizes.append(len(variables["i"]))
        raise Refused(200, "Field 'workItems' doesn't exist on type 'Project'", "unknown here")

    server.ask = unknown  # type: ignore[method-assign]
    found = run(source(server), (due("a/b", n) for n in range(1, 201)))
    assert server.sizes == [25]
    assert len(found) == 200


@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(1, 10**6)), max_size=400),
    st.integers(1, 60),
)
def test_every_issue_is_in_one_batch_of_its_project(
    issues: list[tuple[str, int]], waiting: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(histories_graphql, "WAITING_ROWS", waiting)
        wanted = [due(project, iid) for project, iid in issues]
        batches = list(source(Server()).batches(wanted))
    assert sorted(one for batch in batches for one in batch) == sorted(wanted)
    assert all(len({one.project for one in batch}) == 1 for batch in batches)
    assert all(1 <= len(batch) <= histories_graphql.FIRST for batch in batches)


def test_issues_wait_for_their_batch_in_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histories_graphql, "WAITING_ROWS", 30)
    read = 0

    def issues() -> Iterator[Due]:
        nonlocal read
        for number in range(1000):
            read += 1
            yield due(f"p{number % 40}", number)

    batches = source(Server()).batches(issues())
    given_out = 0
    for batch in batches:
        given_out += len(batch)
        assert read - given_out < 30
    assert given_out == 1000


def test_what_a_list_gave_before_it_broke_off_is_fetched() -> None:
    def issues() -> Iterator[Due]:
        yield from (due("a/b", n) for n in range(1, 4))
        raise PartFailed(500, "broken")

    batches = source(Server()).batches(issues())
    assert [one.iid for one in next(batches)] == [1, 2, 3]
    with pytest.raises(PartFailed):
        next(batches)
