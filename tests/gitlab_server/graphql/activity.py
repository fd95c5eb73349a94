"""What happened to an issue, as the notes widget lists it: stored notes and synthetic ones.

A state, label, milestone or weight event becomes a note without a number of its own: its id is the
SHA1 of what made it. Times are not cut here, because the order of the list is the database's.
"""

from __future__ import annotations

import html
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha1
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.gitlab_server import reading
from tests.gitlab_server.graphql import wordings
from tests.gitlab_server.graphql.wordings import Generation

if TYPE_CHECKING:
    from tests.gitlab_server.app import App

Row = dict[str, Any]
LONG = 1000


@dataclass(frozen=True)
class Entry:
    """One note, and its place: notes are ordered by instant, then by the number of their row."""

    place: tuple[float, float]
    note: Row


def entries(app: App, issue: Row, which: str) -> list[Entry]:
    """The notes of an issue in the order of the database.

    Parameters
    ----------
    which
        ``only_activity``, ``only_comments`` or ``all_notes``.
    """
    if (key := (issue["id"], which)) in app.activities:
        return app.activities[key]
    found = [_stored(row) for row in reading.notes(app, issue, which)]
    if which != "only_comments":
        generation = Generation.of(app.settings.version)
        found += _states(app, issue, generation)
        found += _labels(app, issue, generation)
        found += _milestones(app, issue, generation)
        if app.licensed() or app.settings.old_weights:
            found += _weights(app, issue, generation)
    found.sort(key=lambda entry: entry.place)
    if len(found) > LONG:  # of many pages, for each of which the list is asked again
        app.activities[key] = found
    return found


def _stored(row: Row) -> Entry:
    note = {
        "id": f"gid://gitlab/Note/{row['id']}",
        "discussion": _sha1(f"Note-{row['id']}"),
        "body": row["body"],
        "body_html": f"<p>{html.escape(row['body'])}</p>",
        "created_at": row["created_at"],
        "author": row["author"],
        "system": row["system"],
        "system_note_metadata": row.get("system_note_metadata"),
    }
    return Entry((reading.instant(row["created_at"]), row["id"]), note)


def _synthetic(event: Row, kind: str, made_of: str, action: str, body: str, rendered: str) -> Entry:
    """The note of one event, or of several label events."""
    ident = _sha1(f"{made_of}-{event['user']['id'] if event['user'] else ''}")
    note = {
        "id": f"gid://gitlab/{kind}/{ident}",
        "discussion": ident,
        "body": body,
        "body_html": f"<p>{rendered}</p>",
        "created_at": event["created_at"],
        "author": event["user"],
        "system": True,
        "system_note_metadata": {"action": action},
    }
    return Entry((reading.instant(event["created_at"]), event["id"]), note)


def _states(app: App, issue: Row, generation: Generation) -> Iterator[Entry]:
    for event in reading.events(app, issue, reading.STATE):
        body = wordings.state(event, generation)
        action = wordings.state_action(event, generation)
        made_of = f"ResourceStateEvent-{event['id']}"
        yield _synthetic(event, "StateNote", made_of, action, body, html.escape(body))


def _milestones(app: App, issue: Row, generation: Generation) -> Iterator[Entry]:
    for event in reading.events(app, issue, reading.MILESTONE):
        body, reference = wordings.milestone(event, app.world, generation)
        words = html.escape(body.removesuffix(reference))
        rendered = words + (_link(event["milestone"], reference) if reference else "")
        made_of = f"ResourceMilestoneEvent-{event['id']}"
        yield _synthetic(event, "MilestoneNote", made_of, "milestone", body, rendered)


def _link(milestone: Row, reference: str) -> str:
    """A reference as rendered; no other text says the milestone's id."""
    return (
        f'<a href="{html.escape(urlsplit(milestone["web_url"]).path)}" '
        f'data-original="{html.escape(reference)}" data-milestone="{milestone["id"]}" '
        f'class="gfm gfm-milestone">%{html.escape(milestone["title"])}</a>'
    )


def _weights(app: App, issue: Row, generation: Generation) -> Iterator[Entry]:
    before = None
    events = reading.by(reading.events(app, issue, reading.WEIGHT), "created_at")
    # The class was in a namespace of the paid edition before.
    kind = "EE::WeightNote" if generation is Generation.OLDEST else "WeightNote"
    for event in events:
        body = wordings.weight(event, before, generation)
        before = event["weight"]
        made_of = f"ResourceWeightEvent-{event['id']}"
        yield _synthetic(event, kind, made_of, "weight", body, html.escape(body))


def _labels(app: App, issue: Row, generation: Generation) -> Iterator[Entry]:
    """One note for all label events of one instant and one person; the first event places it."""
    project = app.world.projects[issue["project_id"]]
    together: dict[tuple[float, int | None], list[Row]] = defaultdict(list)
    for event in reading.events(app, issue, reading.LABEL):
        user = event["user"]["id"] if event["user"] else None
        together[reading.instant(event["created_at"]), user].append(event)
    for (at, _), events in together.items():
        body = wordings.labels(events, app.world, project, generation)
        made_of = f"ResourceLabelEvent-{at!r}"  # Ruby writes a float as Python does
        yield _synthetic(events[0], "LabelNote", made_of, "label", body, html.escape(body))


def _sha1(text: str) -> str:
    return sha1(text.encode()).hexdigest()
