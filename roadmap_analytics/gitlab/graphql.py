"""Queries to GitLab's GraphQL API, over the same client, limiter and retries as REST.

An answer with ``errors`` is no answer, whatever else it holds: where the time is over, GitLab sends
status 200, null for what it did not reach, and "Timeout on ...". What such an answer means for the
next question stands in `Refused.why`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

from roadmap_analytics.gitlab.client import Client, PartFailed
from roadmap_analytics.gitlab.transport import ATTEMPTS, TOO_SLOW
from roadmap_analytics.records import Row

Why = Literal["too dear", "unknown here", "failed"]

PAGE = 100  # GitLab gives no more rows, however many are asked for


class Refused(PartFailed):
    """A query that was not answered in full.

    `why` is ``too dear`` (by GitLab's count of complexity: ask for fewer rows), ``unknown here``
    (this version or edition cannot, or GraphQL is switched off: never ask again) or ``failed`` (a
    timeout or an error inside: fewer issues at once may do).
    """

    def __init__(self, status: int | None, message: str, why: Why) -> None:
        super().__init__(status, message)
        self.why = why


class GraphQL:
    """Asks one GitLab."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def ask(self, query: str, **variables: Any) -> Row:
        """Ask, and give the `data` of a whole answer.

        Raises
        ------
        Refused
            Where there is none.
        AccessError
            Where the token is wrong.
        """
        try:
            answer = self._client.graphql({"query": query, "variables": variables})
        except PartFailed as failed:
            off = failed.status in (403, 404)  # there is no such address, or no one may use it
            why: Why = "unknown here" if off else "failed"
            raise Refused(failed.status, failed.message, why) from None
        errors = answer.get("errors")
        if errors:
            message = self._client.scrubbed(_first(errors))
            raise Refused(200, message, _why(message))
        data = answer.get("data")
        if not isinstance(data, dict):
            raise Refused(200, "a GraphQL answer without data", "failed")
        return data

    def milestones(self, kind: str, path: str) -> list[Row]:
        """Give the milestones that a group or project owns, as REST writes them.

        `description` and `expired` are not asked for. Times are whole seconds.

        Raises
        ------
        Refused
            Where the list is not answered; 404 where the group or project may not be seen.
        """

        def row(owner: Row, node: Row) -> Row:
            return {
                "id": number(node["id"]),
                "iid": int(node["iid"]),
                f"{kind}_id": number(owner["id"]),
                "title": node["title"],
                "state": node["state"],
                "created_at": node["createdAt"],
                "updated_at": node["updatedAt"],
                "start_date": _day(node["startDate"]),
                "due_date": _day(node["dueDate"]),
                "web_url": self._client.web_address(node["webPath"]),
            }

        return list(self._rows(kind, path, "milestones", "", MILESTONE, row))

    def labels(self, kind: str, path: str) -> list[Row]:
        """Give id and name of all labels that issues of a group or project can bear.

        Raises
        ------
        Refused
            As `milestones`.
        """
        around = ", includeAncestorGroups: true"
        if kind == "group":
            around += ", includeDescendantGroups: true, onlyGroupLabels: false"

        def row(owner: Row, node: Row) -> Row:
            return {"id": number(node["id"]), "name": node["title"]}

        return list(self._rows(kind, path, "labels", around, "id title", row))

    def _rows(
        self,
        kind: str,
        path: str,
        what: str,
        arguments: str,
        fields: str,
        row: Callable[[Row, Row], Row],
    ) -> Iterator[Row]:
        """Yield the rows of a list, each made of its owner and node; pages follow the cursor."""
        query = (
            f"query($p: ID!, $a: String) {{ {kind}(fullPath: $p) {{ id "
            f"{what}(first: {PAGE}, after: $a{arguments}) {{ "
            f"pageInfo {{ hasNextPage endCursor }} nodes {{ {fields} }} }} }} }}"
        )
        after: str | None = None
        while True:
            owner = self._patiently(query, p=path, a=after).get(kind)
            if owner is None:
                raise Refused(404, f"no such {kind}, or it may not be seen", "failed")
            try:
                page = owner[what]
                # GitLab puts null in the place of a row that this visitor may not see.
                rows = [row(owner, node) for node in page["nodes"] if node is not None]
                following = cursor_after(page["pageInfo"], after)
            except (KeyError, TypeError, ValueError, AttributeError):
                raise Refused(200, f"a GraphQL answer without {what}", "failed") from None
            yield from rows
            if following is None:
                return
            after = following

    def _patiently(self, query: str, **variables: Any) -> Row:
        """Ask for a page of a list, again where it took too long: it cannot be asked for in parts.

        `Transport` repeats no query that took too long, as batches are asked for in halves.
        """
        limiter = self._client.transport.limiter
        for attempt in range(1, ATTEMPTS):
            try:
                return self.ask(query, **variables)
            except Refused as refused:
                if refused.status is not None and refused.status not in TOO_SLOW:
                    raise
            limiter.sleep(limiter.backoff(attempt))
        return self.ask(query, **variables)


MILESTONE = "id iid title state startDate dueDate createdAt updatedAt webPath"


def cursor_after(info: Row, before: str | None) -> str | None:
    """Give the cursor of the next page; None at the end.

    Raises
    ------
    Refused
        Where a page names itself as the next one.
    """
    after = info["endCursor"] if info["hasNextPage"] else None
    if after is not None and (after == before or not isinstance(after, str)):
        raise Refused(200, "a page that comes after itself", "failed")
    return after


def number(gid: str) -> int:
    """Give the database id in a global id, ``gid://gitlab/GroupLabel/12``."""
    return int(gid.rpartition("/")[2])


def _day(text: str | None) -> str | None:
    """Give the day of what is a date, though its type is that of times."""
    return None if text is None else text[:10]


def _first(errors: Any) -> str:
    """Give the message of the first error."""
    try:
        return str(errors[0]["message"])
    except (KeyError, TypeError, IndexError):
        return str(errors)


def _why(message: str) -> Why:
    """Tell what an error means, by GitLab's own words for it.

    >>> _why("Field 'discussions' doesn't accept argument 'filter'")
    'unknown here'
    """
    words = message.lower()
    if "max complexity" in words:
        return "too dear"
    if any(said in words for said in ("doesn't exist", "doesn't accept", "no such type")):
        return "unknown here"
    # An old version, with a lower limit of depth or without `... on` for this type.
    if "max depth" in words or "parse error" in words:
        return "unknown here"
    return "failed"
