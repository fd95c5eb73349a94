"""Faults that a test puts between the exporter and the answers."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

KINDS = frozenset(
    {
        *("status", "reset", "hang", "slow", "truncate", "cut", "html", "empty", "overlap"),
        *("change", "timeout", "headers", "trickle", "bomb", "deep", "loop", "odd", "mutate"),
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


ODD: tuple[Any, ...] = (
    *(None, True, False, -1, 0, 1, 2**31, 2**63 - 1, -(2**63), 2**64 - 1, 1.5, 1e300),
    *("", " ", "x", "0", "7", "\x00", "\u202e", "-", "x" * 5000, "true", "null", "<b>"),
    *("2024-02-30", "20245-01-01", "0001-01-01", "9999-12-31", "2024-01-01T00:00:00"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2024-W05-1", "20240101T00Z"),
    *([], [None], [[1]], {}, [{}], {"id": "7"}, {"id": 1}, {"nodes": None}, [{"id": 7}]),
)
"""Values that a field may have where a server is broken, or no GitLab."""


def mutated(value: Any, draw: random.Random, times: int) -> Any:
    """Change some places of a JSON value at random, the value itself among them."""
    for _ in range(times):
        parent, key = draw.choice(list(_places(value)))
        if parent is None:
            value = _otherwise(value, draw)
        elif draw.random() < 0.15:
            del parent[key]
        else:
            parent[key] = _otherwise(parent[key], draw)
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a JSON value, as what it is in and its key; (None, None) is the whole."""
    yield None, None
    waiting = [value]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, dict | list):
            keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
            yield from ((inner, key) for key in keys)
            waiting += [inner[key] for key in keys]


def _otherwise(value: Any, draw: random.Random) -> Any:
    """Another value in place of one: of another type, out of range, wrapped or cut."""
    ways: list[Any] = [deepcopy(draw.choice(ODD)), deepcopy(draw.choice(ODD)), [value]]
    if isinstance(value, dict):
        ways += [list(value.values()), {**value, "id": deepcopy(draw.choice(ODD))}]
    if isinstance(value, list):
        ways += [value[: len(value) // 2], value + value, dict.fromkeys("ab", value), value[::-1]]
    if isinstance(value, int | float):
        ways += [str(value), -value, [value]]
    if isinstance(value, str):
        ways += [value[: len(value) // 2], value * 2, value[::-1], value.upper(), {"name": value}]
    return draw.choice(ways)


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
        every `seconds`, the headers' bytes too), ``mutate`` (`rows` places of the JSON are
        changed at random: values, types, keys, nesting; see `mutated`), ``bomb`` (a gzipped
        list of `rows` MiB of blanks), ``deep`` (a list in a list, `rows` deep).
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
