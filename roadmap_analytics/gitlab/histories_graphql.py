"""Histories by GraphQL: up to 100 issues of a project a request.

The notes widget of a work item lists what happened to it, stored system notes and synthetic ones,
and `activity` turns them back into events. A batch that is not answered is halved, down to one
issue; one that is not answered either, or that holds a note in words that no rule reads, comes by
REST, as long as there is a token. So nothing is lost, and each record says how it came.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from roadmap_analytics.gitlab.activity import NotUnderstood, Unresolved, decode
from roadmap_analytics.gitlab.client import Client, PartFailed
from roadmap_analytics.gitlab.graphql import GraphQL, Refused, cursor_after
from roadmap_analytics.gitlab.histories import Due, Failure, Found, Gone, Outcome, Source
from roadmap_analytics.gitlab.histories_rest import RestHistories, is_gone
from roadmap_analytics.gitlab.names import Directory
from roadmap_analytics.records import Row

FIRST, LARGEST = 25, 100
"""Issues in a batch: at the beginning, and at most (GitLab takes no more iids)."""
QUICK_SECONDS = 5.0
"""Batches grow while answers take less. GitLab gives up after 30 s; one issue may be far slower."""
DEPTHS = (100, 50, 20)
"""Activities of an issue in a batch; fewer where the server's limit of complexity asks for it."""
SHALLOWEST = len(DEPTHS) - 1
WAITING_ROWS = 5_000
"""Issues that wait for their batch, at most; their rows stay in memory meanwhile."""
LOST_IN_A_ROW = 5
"""So many single issues fail in a row, and GraphQL is given up for the rest of the run."""


def batch_query(*, html: bool = False) -> str:
    """Give the query for the activity of some issues; `html` asks for rendered texts as well.

    Its cost in GitLab's count is 126 at 100 activities, whatever the number of issues, of 200 that
    everybody may ask for. `$a` continues after a cursor, for one issue only.
    """
    note = "id createdAt body system author { id username name state }"
    if html:  # costs 6 more, and only references that fit several milestones need it
        note += " bodyHtml"
    return (
        "query($p: ID!, $i: [String!], $n: Int, $a: String) { project(fullPath: $p) { "
        "workItems(iids: $i, first: 100) { nodes { iid widgets { ... on WorkItemWidgetNotes { "
        "discussions(filter: ONLY_ACTIVITY, first: $n, after: $a) { "
        "pageInfo { hasNextPage endCursor } nodes { notes { nodes { "
        f"{note} }} }} }} }} }} }} }} }} }} }}"
    )


class GraphqlHistories(Source):
    """Asks for batches.

    Parameters
    ----------
    client, names
        Where to ask; milestones and labels by their references.
    rest
        What is asked for single issues instead; None where that is of no use without a token.
    """

    via = "graphql"

    def __init__(self, client: Client, names: Directory, rest: RestHistories | None) -> None:
        self._client = client
        self._graphql = GraphQL(client)
        self._names = names
        self._rest = rest
        self._lock = threading.Lock()
        self._size = FIRST
        self._depth = 0
        self._lost = 0
        self._given_up: Refused | None = None
        self._notices: Counter[str] = Counter()
        self._users_hidden = False

    def probe(self, path: str) -> Refused | None:
        """Ask for an issue that is not there: None where the server can answer the real query.

        That one request proves the field, the widget, its arguments and the cost; `queryComplexity`
        or `__type` would prove less.
        """
        try:
            self._ask(path, ["0"])
        except Refused as refused:
            return refused
        return None

    def batches(self, due: Iterable[Due]) -> Iterator[Sequence[Due]]:
        """Group issues by project, for a list of a group holds many projects in turn."""
        waiting: dict[str, list[Due]] = {}
        count = 0
        try:
            for issue in due:
                batch = waiting.setdefault(issue.project, [])
                batch.append(issue)
                count += 1
                if len(batch) < self._size and count < WAITING_ROWS:
                    continue
                if len(batch) < self._size:
                    batch = max(waiting.values(), key=len)
                del waiting[batch[0].project]
                count -= len(batch)
                yield batch
        except PartFailed:  # the list broke off: what it gave is fetched all the same
            yield from waiting.values()
            raise
        yield from waiting.values()

    def histories(self, batch: Sequence[Due]) -> list[tuple[Due, Outcome]]:
        """Fetch the whole history of each issue; in halves where the whole is too much."""
        if self._given_up is not None:
            return [(issue, self._otherwise(issue, self._given_up)) for issue in batch]
        began = time.monotonic()
        try:
            nodes = self._ask(batch[0].project, [str(issue.iid) for issue in batch])
        except Refused as refused:
            return self._smaller(batch, refused)
        self._answered(len(batch), time.monotonic() - began)
        return [(issue, self._outcome(issue, nodes)) for issue in batch]

    def notices(self) -> Counter[str]:
        """Give what came by REST, and why."""
        with self._lock:
            return self._notices.copy()

    def lost(self) -> list[Failure]:
        """Give the people, where the instance hides them from those who are not logged in."""
        if not self._users_hidden:
            return []
        message = "this GitLab hides people without a token; set GITLAB_PRIVATE_TOKEN"
        return [Failure("people in histories", 401, message)]

    # -- asking ------------------------------------------------------------------------------------

    def _ask(
        self,
        path: str,
        iids: list[str],
        after: str | None = None,
        *,
        depth: int = 0,
        html: bool = False,
    ) -> dict[str, Row]:
        """Ask for the activity of issues: iid -> the answer about it, for those that are there."""
        query = batch_query(html=html)
        while True:
            depth = max(depth, self._depth)
            try:
                data = self._graphql.ask(query, p=path, i=iids, n=DEPTHS[depth], a=after)
                break
            except Refused as refused:
                if refused.why != "too dear" or depth + 1 == len(DEPTHS):
                    raise
                self._depth = depth + 1
        project = data.get("project")
        if project is None:  # not there, or not to be seen: each issue is asked for by REST then
            return {}
        try:
            nodes = [node for node in project["workItems"]["nodes"] if node is not None]
            return {str(node["iid"]): _discussions(node) for node in nodes}
        except (KeyError, TypeError, AttributeError, StopIteration):
            raise Refused(200, "a GraphQL answer without activities", "failed") from None

    def _smaller(self, batch: Sequence[Due], refused: Refused) -> list[tuple[Due, Outcome]]:
        """Go on after a refusal: with halves, or with REST where halves can be of no use."""
        if refused.why != "failed":
            self._give_up(refused)
        elif len(batch) > 1:
            middle = len(batch) // 2
            with self._lock:
                self._size = max(1, min(self._size, middle))
            return [*self.histories(batch[:middle]), *self.histories(batch[middle:])]
        else:
            (issue,) = batch
            try:
                nodes = self._ask(issue.project, [str(issue.iid)], depth=SHALLOWEST)
                return [(issue, self._outcome(issue, nodes, depth=SHALLOWEST))]
            except Refused as again:
                refused = again
            with self._lock:
                self._lost += 1
                lost = self._lost
            if lost >= LOST_IN_A_ROW:
                self._give_up(refused)
        return [(issue, self._otherwise(issue, refused)) for issue in batch]

    def _give_up(self, refused: Refused) -> None:
        """Ask GraphQL no more in this run."""
        self._given_up = self._given_up or refused

    def _answered(self, count: int, seconds: float) -> None:
        """Let batches grow after a whole one that was answered quickly."""
        with self._lock:
            self._lost = 0
            if count >= self._size and seconds < QUICK_SECONDS:
                self._size = min(2 * self._size, LARGEST)

    # -- one issue ---------------------------------------------------------------------------------

    def _outcome(self, issue: Due, nodes: dict[str, Row], *, depth: int = 0) -> Outcome:
        """Read the activity of an issue in the answer to a batch."""
        found = nodes.get(str(issue.iid))
        try:
            if found is None:
                if is_gone(self._client, issue.path):
                    return Gone()
                raise NotUnderstood("an issue that GraphQL does not show")
            try:
                data = self._decoded(issue, self._notes(issue, found, depth=depth))
            except Unresolved:
                data = self._with_html(issue, depth=depth)
        except (NotUnderstood, PartFailed) as failed:
            return self._otherwise(issue, failed)
        return Found(data, self.via)

    def _notes(
        self, issue: Due, found: Row, *, depth: int = 0, html: bool = False
    ) -> Iterator[Row]:
        """Yield the notes of an issue; pages may be short or empty, only the cursor ends them."""
        iid = str(issue.iid)
        after: str | None = None
        while True:
            try:
                for discussion in found["nodes"]:
                    if discussion is not None:
                        yield from (note for note in discussion["notes"]["nodes"] if note["system"])
                after = cursor_after(found["pageInfo"], after)
            except (KeyError, TypeError):
                raise Refused(200, "a GraphQL answer without notes", "failed") from None
            if after is None:
                return
            nodes = self._ask(issue.project, [iid], after, depth=depth, html=html)
            if iid not in nodes:
                raise Refused(200, "an issue that vanished between two pages", "failed")
            found = nodes[iid]

    def _decoded(self, issue: Due, notes: Iterable[Row]) -> Row:
        data = decode(notes, issue.project, self._names, guess=self._rest is None)
        if any(note["author"] is None for note in data["notes"]):
            self._users_hidden = True  # notes of deleted users are the ghost's
        return data

    def _with_html(self, issue: Due, *, depth: int) -> Row:
        """Read an issue again with rendered texts, which name milestones by id."""
        nodes = self._ask(issue.project, [str(issue.iid)], depth=depth, html=True)
        if str(issue.iid) not in nodes:
            raise NotUnderstood("an issue that GraphQL does not show")
        found = nodes[str(issue.iid)]
        return self._decoded(issue, self._notes(issue, found, depth=depth, html=True))

    def _otherwise(self, issue: Due, why: NotUnderstood | PartFailed) -> Outcome:
        """Fetch an issue's history by REST, or say why there is none."""
        if self._rest is None:
            status = why.status if isinstance(why, PartFailed) else None
            return Failure(f"issue {issue} history", status, f"{why}; REST needs a token")
        with self._lock:
            self._notices[f"by REST: {why}"] += 1
        return self._rest.of(issue)


def _discussions(node: Row) -> Row:
    """Find the activity among the widgets; those of other kinds are empty objects."""
    return next(one["discussions"] for one in node["widgets"] if one.get("discussions"))
