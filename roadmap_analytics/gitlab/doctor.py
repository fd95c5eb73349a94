"""The few questions that only a live GitLab can answer, before the first export.

Each is asked with the token and without, if there is one: what can be seen, whether GraphQL gives
histories and at what cost, which times it writes, whether weights are licensed. Nothing in the
answers is secret: no token, no title, no name of a person.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Any
from urllib.parse import quote

from roadmap_analytics.errors import AccessError
from roadmap_analytics.gitlab.addresses import Address
from roadmap_analytics.gitlab.client import Client, PartFailed, connect
from roadmap_analytics.gitlab.graphql import GraphQL
from roadmap_analytics.gitlab.histories_graphql import LARGEST, batch_query
from roadmap_analytics.gitlab.scope import likeliest, refusal
from roadmap_analytics.gitlab.transport import Limiter
from roadmap_analytics.records import Row
from roadmap_analytics.soundness import is_ident, sound_issue

SAMPLE = 25
"""Issues whose histories are asked for: enough to guess the time of a batch."""
REST_REQUESTS = 4
"""Requests an issue by REST: state, label and milestone events, notes; one more with weights."""


@dataclass(frozen=True)
class Answer:
    """What was asked, and what the server says."""

    question: str
    answer: str


def examine(
    address: Address,
    section: str | None = None,
    *,
    jobs: int = 4,
    now: Callable[[], datetime],
) -> list[Answer]:
    """Ask a GitLab what an export of a group or project would see and cost there.

    It makes fewer than 20 requests.

    Parameters
    ----------
    address
        The group or project.
    section
        Section of python-gitlab's configuration, if one was named.
    jobs
        Requests at once in the export that is guessed.
    now
        This machine's clock.

    Returns
    -------
    list of Answer
        First what is so for everybody, then what the token sees, then what anybody sees.

    Raises
    ------
    AccessError, ServerError, ConfigurationError
        Where neither token nor visitor sees the group or project, or no GitLab answers.
    """
    first = connect(address.origin, section, Limiter(), jobs, now)
    visitors = [("with the token" if first.has_credentials else "without a token", first)]
    if first.has_credentials:
        visitor = connect(address.origin, section, Limiter(), jobs, now, anonymous=True)
        visitors.append(("without a token", visitor))
    answers: list[Answer] = []
    refusals: list[Exception] = []
    requests = 0
    for who, client in visitors:
        visit = _Visit(client, address, jobs, now)
        try:
            answers += [Answer(f"{who}: {one.question}", one.answer) for one in visit.answers()]
        finally:
            client.close()
        requests += client.transport.requests
        if visit.refused is not None:
            refusals.append(visit.refused)
    if len(refusals) == len(visitors):
        raise refusals[0]
    return [*answers, Answer("requests made for this", str(requests))]


class _Visit:
    """One visitor's questions, in the order in which one needs the answer of another."""

    def __init__(
        self, client: Client, address: Address, jobs: int, now: Callable[[], datetime]
    ) -> None:
        self._client = client
        self._address = address
        self._jobs = jobs
        self._now = now
        self.refused: Exception | None = None
        # What this visitor sees; None: not known.
        self._projects_seen: int | None = None
        self._issues_seen: int | None = None
        self._seconds: list[float] = []  # that plain requests took
        self._weighed = False
        self._batch_seconds: float | None = None  # that the history of a sampled issue took

    def answers(self) -> Iterator[Answer]:
        """Ask, and give the answers as they come."""
        try:
            kind, home = self._home()
        except (PartFailed, AccessError) as failed:
            self.refused = (
                refusal(self._client, self._address, failed)
                if isinstance(failed, PartFailed)
                else failed
            )
            yield Answer("the group or project", f"not visible ({_short(failed)})")
            return
        yield Answer("the group or project", f"visible, a {kind}")
        yield Answer("clock of the server", self._clock())
        if self._client.has_credentials:
            yield Answer("version", self._version())
        if kind == "group":
            yield Answer("projects", self._projects(home))
        rows = self._issues(kind, home)
        if isinstance(rows, str):
            yield Answer("issues", rows)
            return
        yield Answer("issues", _number(self._issues_seen))
        if not rows:
            return
        yield Answer("times by REST", _written(rows[0]["created_at"]))
        if self._client.has_credentials:
            yield Answer("weights", self._weights(rows[0]))
        yield from self._graphql(rows)
        yield from self._guess()

    # -- questions -----------------------------------------------------------------------------

    def _timed(self, ask: Callable[[], Any]) -> Any:
        began = time.monotonic()
        answer = ask()
        self._seconds.append(time.monotonic() - began)
        return answer

    def _home(self) -> tuple[str, Row]:
        path = quote(self._address.path, "")

        def ask(kind: str) -> tuple[str, Row]:
            row = self._timed(lambda: self._client.get(f"/{kind}s/{path}", needed=("id",)))
            if not is_ident(row["id"]):
                raise PartFailed(200, "an answer without id")
            return kind, row

        return likeliest(self._address, ask)

    def _clock(self) -> str:
        seen = self._client.transport.seen_at
        if seen is None:
            return "not told"
        off = round((seen - self._now()).total_seconds())
        return "as here" if abs(off) <= 2 else f"{abs(off)} s {'ahead' if off > 0 else 'behind'}"

    def _version(self) -> str:
        try:
            return _shown(self._client.get("/version").get("version", "not told"))
        except PartFailed as failed:
            return f"not told ({_short(failed)})"

    def _projects(self, home: Row) -> str:
        try:
            _, self._projects_seen = self._timed(
                lambda: self._client.sample(
                    f"/groups/{home['id']}/projects", 1, include_subgroups="true"
                )
            )
        except PartFailed as failed:
            return _short(failed)
        return _number(self._projects_seen)

    def _issues(self, kind: str, home: Row) -> list[Row] | str:
        try:
            rows: list[Row]
            rows, self._issues_seen = self._timed(
                lambda: self._client.sample(
                    f"/{kind}s/{home['id']}/issues",
                    SAMPLE,
                    sound=sound_issue,
                    scope="all",
                    state="all",
                    order_by="updated_at",  # the busiest: old ones would promise too little
                )
            )
        except PartFailed as failed:
            return f"not visible ({_short(failed)})"
        return rows

    def _weights(self, row: Row) -> str:
        path = f"/projects/{row['project_id']}/issues/{row['iid']}/resource_weight_events"
        try:
            self._timed(lambda: list(self._client.rows(path)))
        except PartFailed as failed:
            return f"not licensed ({_short(failed)})"
        self._weighed = True
        return "licensed"

    def _graphql(self, rows: list[Row]) -> Iterator[Answer]:
        """Ask the real query for the busiest project of the sample."""
        ident = Counter(row["project_id"] for row in rows).most_common(1)[0][0]
        iids = [str(row["iid"]) for row in rows if row["project_id"] == ident]
        # The very query of an export, so that the server counts what an export would cost.
        query = batch_query().replace("{ project(", "{ queryComplexity { score limit } project(", 1)
        try:
            home = self._client.get(f"/projects/{ident}", needed=("path_with_namespace",))
            began = time.monotonic()
            data = GraphQL(self._client).ask(
                query, p=home["path_with_namespace"], i=iids, n=100, a=None
            )
            notes = _notes(data)
        except (PartFailed, AccessError) as refused:
            yield Answer("histories by GraphQL", f"no ({_short(refused)})")
            return
        took = time.monotonic() - began
        cost = data.get("queryComplexity")
        cost = cost if isinstance(cost, dict) else {}
        score = f"score {_shown(cost.get('score'))} of {_shown(cost.get('limit'))}"
        if data.get("project") is None:
            yield Answer("histories by GraphQL", f"no: the project is not shown ({score})")
            return
        self._batch_seconds = took / len(iids)
        yield Answer("histories by GraphQL", f"yes, {score}")
        yield Answer(
            "time for the histories of an issue",
            f"{1000 * self._batch_seconds:.0f} ms ({len(iids)} issues with {len(notes)} notes in "
            f"{took:.1f} s)",
        )
        if notes:
            kinds = Counter(_class(note) for note in notes)
            yield Answer(
                "classes of notes", ", ".join(f"{k} {n}" for k, n in sorted(kinds.items()))
            )
            yield Answer("times by GraphQL", _written(str(notes[0].get("createdAt"))))
            hidden = sum(note.get("author") is None for note in notes)
            yield Answer("notes without an author", f"{hidden} of {len(notes)}")

    def _guess(self) -> Iterator[Answer]:
        """Guess what a first export takes."""
        # Above this number GitLab no longer counts the rows of a list.
        issues = self._issues_seen if self._issues_seen is not None else 10_000
        least = "at least " if self._issues_seen is None else ""
        projects = self._projects_seen or 1
        each = sum(self._seconds) / len(self._seconds)
        lists = ceil(issues / 100) + projects + 5
        ways = []
        if self._batch_seconds is not None:
            batches = max(min(projects, issues), ceil(issues / LARGEST))
            seconds = (lists + batches) * each + issues * self._batch_seconds
            ways.append(("GraphQL", lists + batches, seconds))
        if self._client.has_credentials:
            requests = lists + issues * (REST_REQUESTS + self._weighed)
            ways.append(("REST", requests, requests * each))
        for way, requests, seconds in ways:
            minutes = ceil(seconds / self._jobs / 60)
            yield Answer(
                f"a first export by {way}",
                f"{least}about {requests:,} requests, {minutes:,} min, without rate limits",
            )


def _notes(data: Row) -> list[Row]:
    """Return all notes of an answer; PartFailed where it has another shape."""
    try:
        return [
            note
            for item in ((data.get("project") or {}).get("workItems") or {}).get("nodes") or []
            for widget in (item or {}).get("widgets") or []
            for discussion in (widget.get("discussions") or {}).get("nodes") or []
            for note in discussion["notes"]["nodes"]
            if note.get("id")
        ]
    except (KeyError, TypeError, AttributeError):
        raise PartFailed(200, "an answer that is not GitLab's") from None


def _class(note: Row) -> str:
    """Give the class in a note's global id."""
    return _shown(str(note.get("id")).rpartition("/")[0].rpartition("/")[2]) or "none"


def _written(text: str) -> str:
    """Describe how a time is written: its zone and its fraction."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return "no ISO time"
    zone = "UTC" if at.utcoffset() == UTC.utcoffset(None) else f"UTC{at:%z}"
    return f"{zone}, {'milliseconds' if '.' in text else 'whole seconds'}"


def _shown(value: Any) -> str:
    """Return a word of an answer, short and plain, as a server may send anything."""
    return "".join(c for c in str(value) if c.isprintable())[:40]


def _number(count: int | None) -> str:
    return "more than 10,000" if count is None else f"{count:,}"


def _short(failed: Exception) -> str:
    """Say why in a few words."""
    if isinstance(failed, AccessError):
        return "401: the token is wrong, expired or revoked"
    if isinstance(failed, PartFailed):
        status = f"{failed.status}: " if failed.status not in (None, 200) else ""
        return f"{status}{failed.message}"
    return str(failed)
