"""Pages of a connection: `first` rows after a cursor, found by their place and not by counting."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import orjson
from graphql import GraphQLError

from tests.gitlab_server.graphql.activity import Entry

Row = dict[str, Any]
LARGEST = 100
"""Rows of a page, whatever `first` asks for, and where it asks for nothing."""


def page(
    rows: Iterable[Row], place: Callable[[Row], Any], first: int | None, after: str | None
) -> Row:
    """A connection over rows in the order of their places (values that JSON can carry).

    The end cursor stands on the last row, also on the last page.
    """
    ordered = sorted(rows, key=place)
    if after is not None:
        begun = _read(after)
        ordered = [row for row in ordered if _plain(place(row)) > begun]
    size = _size(first)
    shown = ordered[:size]
    cursors = [_written(_plain(place(row))) for row in (shown[:1] + shown[-1:])]
    return connection(shown, cursors, following=len(ordered) > size, before=after is not None)


def connection(rows: list[Row], cursors: list[str], *, following: bool, before: bool) -> Row:
    """Rows and where they lie in the whole."""
    return {
        "nodes": rows,
        "page_info": {
            "has_next_page": following,
            "has_previous_page": before,
            "start_cursor": cursors[0] if cursors else None,
            "end_cursor": cursors[-1] if cursors else None,
        },
    }


def activity(
    entries: Iterable[Entry | None], descending: bool, first: int | None, after: str | None
) -> Row:
    """A connection of discussions, which knows only where to go on; None: a row without rights.

    The end cursor is null on the last page. Rows without rights are dropped after paging, so a page
    may be short, or empty with more to come. Rows of different tables that share instant and number
    are lost where they stand at both sides of a page's edge, as in GitLab.
    """
    places: list[tuple[tuple[float, float], Entry | None]] = []
    hidden = False
    for entry in entries:
        if entry is None:
            hidden = True
            continue
        at, number = entry.place
        if hidden:  # a place of its own, just before the row that follows
            places.append(((at, number - 0.5), None))
            hidden = False
        places.append(((at, number), entry))
    if descending:
        places.reverse()
    if after is not None:
        begun = _place(after)
        places = [one for one in places if (one[0] < begun if descending else one[0] > begun)]
    size = _size(first)
    following = len(places) > size
    end = _cursor(places[size - 1][0]) if following and size else None
    rows = [_discussion(entry.note) for _, entry in places[:size] if entry is not None]
    return {
        "nodes": rows,
        "page_info": {
            "has_next_page": end is not None,
            "has_previous_page": after is not None,
            "start_cursor": after,
            "end_cursor": end,
        },
    }


def _discussion(note: Row) -> Row:
    """The one discussion that a system note stands in."""
    return {
        "id": f"gid://gitlab/Discussion/{note['discussion']}",
        "created_at": note["created_at"],
        "notes": connection([note], [], following=False, before=False),
    }


def _size(first: int | None) -> int:
    return LARGEST if first is None else max(0, min(first, LARGEST))


def _cursor(place: tuple[float, float]) -> str:
    """As GitLab writes it: time to the microsecond and number, in base 64."""
    at = datetime.fromtimestamp(place[0], UTC)
    created_at = f"{at:%Y-%m-%d %H:%M:%S.%f}000 +0000"
    return _written({"created_at": created_at, "id": str(place[1]), "_kd": "n"})


def _place(cursor: str) -> tuple[float, float]:
    value = _read(cursor)
    created_at = value["created_at"].removesuffix("000 +0000")
    at = datetime.strptime(f"{created_at}+0000", "%Y-%m-%d %H:%M:%S.%f%z")
    return at.timestamp(), float(value["id"])


def _plain(place: Any) -> Any:
    """A place as it comes back from a cursor."""
    return orjson.loads(orjson.dumps(place))


def _written(value: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode()


def _read(cursor: str) -> Any:
    try:
        return orjson.loads(base64.urlsafe_b64decode(cursor))
    except ValueError:
        raise GraphQLError("Please provide a valid cursor") from None
