"""Whole lists of milestones and labels: by REST, or by GraphQL where there is no token.

REST gives both only with a token, even those of public projects; GraphQL needs none for these.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from roadmap_analytics.gitlab.client import Client, PartFailed
from roadmap_analytics.gitlab.graphql import GraphQL
from roadmap_analytics.gitlab.pool import Pool
from roadmap_analytics.gitlab.scope import steady
from roadmap_analytics.records import Owner, Row

WHOLE = {"include_descendant_groups": "true", "only_group_labels": "false"}


class Lists:
    """Asks for several lists at once; each has its own failure.

    Parameters
    ----------
    client, jobs
        Where to ask, and how many requests at once.
    graphql
        Whether to ask by GraphQL.
    """

    def __init__(self, client: Client, jobs: int, *, graphql: bool) -> None:
        self._client = client
        self._jobs = jobs
        self._graphql = GraphQL(client) if graphql else None
        # Path of a list -> the rows in it that have no id, each with why it is odd.
        self.odd: dict[str, dict[str, str]] = defaultdict(dict)

    def milestones(self, owners: Iterable[Owner]) -> list[list[Row] | PartFailed]:
        """Give the milestones that each group or project owns, in the order of the owners."""
        graphql = self._graphql
        if graphql is not None:
            return self._all([partial(graphql.milestones, o.kind, o.path) for o in owners])
        return self._all([self._rest(f"/{o.kind}s/{o.id}/milestones") for o in owners])

    def labels(self, owners: Iterable[Owner]) -> list[list[Row] | PartFailed]:
        """Give all labels that issues of each group or project can bear, with id and name."""
        graphql = self._graphql
        if graphql is not None:
            return self._all([partial(graphql.labels, o.kind, o.path) for o in owners])
        return self._all(
            [
                self._rest(f"/{o.kind}s/{o.id}/labels", **(WHOLE if o.kind == "group" else {}))
                for o in owners
            ]
        )

    def _rest(self, path: str, **query: Any) -> Callable[[], list[Row]]:
        def odd(row: Any, why: str) -> None:
            self.odd[path][str(row)] = why  # a list may be read more than once

        return lambda: steady(lambda: self._client.rows(path, odd=odd, **query))

    def _all(self, tasks: Sequence[Callable[[], list[Row]]]) -> list[list[Row] | PartFailed]:
        pool: Pool[Any, list[Row] | PartFailed] = Pool(_read, self._jobs)
        try:
            found = {number: rows for (number, _), rows in pool.map(enumerate(tasks))}
        finally:
            pool.close()
        return [found[number] for number in range(len(tasks))]


def _read(task: tuple[int, Callable[[], list[Row]]]) -> list[Row] | PartFailed:
    try:
        return task[1]()
    except PartFailed as failed:
        return failed
