"""Histories by REST: four or five lists an issue, each event with its id and milliseconds."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from roadmap_analytics.gitlab.client import Client, PartFailed
from roadmap_analytics.gitlab.histories import Due, Found, Gone, Outcome, Source, failure
from roadmap_analytics.records import Row, trimmed

# Name in the record -> end of the address. Weights are asked for apart: not every GitLab has them.
EVENTS = {
    "state_events": "resource_state_events",
    "label_events": "resource_label_events",
    "milestone_events": "resource_milestone_events",
}


class RestHistories(Source):
    """Asks for the lists of each issue by itself. What REST cannot give is a failure."""

    via = "rest"

    def __init__(self, client: Client) -> None:
        self._client = client
        self._weights = _Weights()

    def batches(self, due: Iterable[Due]) -> Iterator[Sequence[Due]]:
        """One issue a task."""
        return ([issue] for issue in due)

    def histories(self, batch: Sequence[Due]) -> list[tuple[Due, Outcome]]:
        """Fetch the whole history of each issue."""
        return [(issue, self.of(issue)) for issue in batch]

    def of(self, issue: Due) -> Outcome:
        """Fetch the whole history of one issue."""
        path = issue.path
        part = ""
        data: Row = {}
        odd: dict[str, list[Any]] = defaultdict(list)

        def rows(name: str, part: str, **query: Any) -> list[Row]:
            # Rows without an id go on beside the others: whoever stores them judges each.
            found = list(
                self._client.rows(
                    f"{path}/{part}", odd=lambda row, _: odd[name].append(row), **query
                )
            )
            return [trimmed(row) for row in (*found, *odd.pop(name, []))]

        try:
            for name, part in EVENTS.items():
                data[name] = rows(name, part)
            part = "resource_weight_events"
            root = issue.project.partition("/")[0]
            data["weight_events"] = self._weights.of(
                root,
                lambda: rows("weight_events", part),
                lambda: is_gone(self._client, path),
            )
            part = "notes"
            notes = rows(
                "notes", part, activity_filter="only_activity", order_by="created_at", sort="asc"
            )
            data["notes"] = [
                note for note in notes if not isinstance(note, dict) or note.get("system")
            ]
        except PartFailed as failed:
            if failed.status == 404 and is_gone(self._client, path):
                return Gone()
            return failure(f"issue {issue} {part}", failed)
        return Found(data, self.via)


def is_gone(client: Client, path: str) -> bool:
    """Whether an issue is there no more (or may not be seen any more)."""
    try:
        client.get(path)
    except PartFailed as failed:
        return failed.status == 404
    return False


class _Weights:
    """Whether weight events are licensed, by top-level group; asked once."""

    def __init__(self) -> None:
        self._licensed: dict[str, bool] = {}
        self._asking = threading.Lock()

    def of(
        self, root: str, ask: Callable[[], list[Row]], is_gone: Callable[[], bool]
    ) -> list[Row] | None:
        """Ask, unless it is known to be not licensed; None then."""
        if root not in self._licensed:
            with self._asking:
                if root not in self._licensed:
                    return self._try(root, ask, is_gone)
        return self._try(root, ask, is_gone) if self._licensed[root] else None

    def _try(
        self, root: str, ask: Callable[[], list[Row]], is_gone: Callable[[], bool]
    ) -> list[Row] | None:
        try:
            events = ask()
        except PartFailed as failed:
            if failed.status not in (403, 404) or is_gone():
                raise
            self._licensed.setdefault(root, False)
            return None
        self._licensed[root] = True
        return events
