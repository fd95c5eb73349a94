"""Faults that a test puts between the exporter and the answers."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import Any

KINDS = frozenset(
    {
        *("status", "reset", "hang", "slow", "truncate", "cut", "html", "empty", "overlap"),
        *("change", "timeout", "headers", "trickle", "bomb", "deep", "loop", "odd"),
    }
)


STATEMENT_TIMEOUT: dict[str, Any] = {
    "kind": "status",
    "match": "graphql",
    "status": 503,
    "body": {
        "errors": [
            {
                "message": "Request timed out. Please try a less complex query or a smaller set "
                "of records."
            }
        ]
    },
}
"""The database gave up on a GraphQL query."""

RETRY_LATER: dict[str, Any] = {
    "kind": "status",
    "match": "graphql",
    "status": 429,
    "headers": {"Retry-After": "1"},
    "body": "Retry later\n",
}
"""Too many requests, said by the middleware in front of GitLab: no JSON."""


@dataclass
class Fault:
    """One kind of trouble, where it strikes and how often.

    Attributes
    ----------
    kind
        ``status`` (answers `status` with `headers` and `body`, text or JSON), ``reset`` (the
        connection is reset), ``hang`` (nothing for
        `seconds`, then the connection closes), ``slow`` (the answer comes after `seconds`),
        ``truncate`` (the JSON stops halfway, its length said right), ``cut`` (the
        connection closes in the middle of the body), ``html`` (a page where JSON was due),
        ``empty`` (200 and no body), ``overlap`` (pages after the first begin `rows` too early, as
        after an insertion; below 0 too late), ``change`` (the world changes, and the clock with
        it: `world` replaces it, or `records`, `delete_issues`, `delete_milestones` and
        `rename_labels` change it; then the request is answered), ``timeout`` (GraphQL only: the
        time is over at the discussions of one of `issues`, or of any where none is given, if more
        than `batch` work items are asked for; status 200, null from there on, "Timeout on ..."),
        ``headers`` (the answer bears `headers` too, and not those that `drop` names), ``loop``
        (every page names itself as the next one), ``odd`` (rows of the ids in `issues` have the
        fields of `body`, and lack those whose value is ``"(missing)"``), ``trickle`` (one byte
        every `seconds`, the headers' bytes too), ``bomb`` (a gzipped list of `rows` MiB of
        blanks), ``deep`` (a list in a list, `rows` deep).
    match
        Regular expression searched in path and query, as asked, and in the body.
    skip, times
        Matching requests to let through first; how many to strike then (None: for ever).
    chance
        Share of the remaining ones that it strikes, drawn from `seed`.
    """

    kind: str
    match: str = ""
    skip: int = 0
    times: int | None = 1
    chance: float = 1.0
    seed: int = 0
    status: int = 500
    headers: dict[str, str] = field(default_factory=dict)
    drop: list[str] = field(default_factory=list)
    seconds: float = 3600.0
    rows: int = 1
    records: list[dict[str, Any]] = field(default_factory=list)
    delete_issues: list[int] = field(default_factory=list)
    delete_milestones: list[int] = field(default_factory=list)
    rename_labels: dict[str, str] = field(default_factory=dict)
    world: list[dict[str, Any]] | None = None
    now: str | None = None
    issues: list[int] = field(default_factory=list)
    batch: int = 0
    body: Any = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"fault kind: expected one of {sorted(KINDS)}, got {self.kind!r}")
        self.seen = 0
        self.struck = 0
        self.draw = random.Random(self.seed)

    def strikes(self, target: str) -> bool:
        """Whether this request is hit; counts it."""
        if not re.search(self.match, target):
            return False
        self.seen += 1
        if self.seen <= self.skip or (self.times is not None and self.struck >= self.times):
            return False
        if self.draw.random() >= self.chance:
            return False
        self.struck += 1
        return True
