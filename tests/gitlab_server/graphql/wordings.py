"""The words of synthetic notes, in the three generations that instances of today still speak.

GitLab stores no text for a state, label, milestone or weight event. It words the event when
somebody asks, so the words follow the instance's version, not the event's age. The years in which
each wording changed are not all known. The steps are spread here, so that the middle generation
mixes old wordings and new ones, as a real instance may.

The sources are ``app/models/{state,label,milestone}_note.rb``, ``ee/app/models/weight_note.rb``,
``ResourceLabelEvent`` and ``Milestone#to_reference``.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any
from urllib.parse import urlsplit

from tests.gitlab_server.world import World, below

Row = dict[str, Any]


class Generation(IntEnum):
    """Wordings of GitLab 13 to 15, of 16 and 17, and of 18 on."""

    OLDEST = 15
    MIDDLE = 17
    NEWEST = 18

    @classmethod
    def of(cls, version: str) -> Generation:
        """The generation that an instance of this version speaks."""
        major = int(version.partition(".")[0])
        return next((one for one in cls if major <= one), cls.NEWEST)


def state(event: Row, generation: Generation) -> str:
    """The text of a state event."""
    newest = generation is Generation.NEWEST
    if event["state"] == "closed" and event.get("close_after_error_tracking_resolve"):
        return f"resolved the corresponding error and closed the issue{'' if newest else '.'}"
    if event["state"] == "closed" and event.get("close_auto_resolve_prometheus_alert"):
        if newest:
            return "automatically closed this incident because the alert resolved"
        return "automatically closed this issue because the alert resolved."
    source = None
    if event.get("source_commit"):
        source = f"commit {event['source_commit']}"
    elif event.get("source_merge_request"):
        source = f"merge request {event['source_merge_request']}"
    link = "with" if newest else "via"
    return f"{event['state']} {link} {source}" if source else str(event["state"])


def state_action(event: Row, generation: Generation) -> str:
    """What the metadata call a state event: ``opened`` for a reopening, but not in old versions."""
    reopened = event["state"] == "reopened" and generation is not Generation.OLDEST
    return "opened" if reopened else str(event["state"])


def labels(events: Sequence[Row], world: World, project: Row, generation: Generation) -> str:
    """The text of the label events of one instant and one person: ``added ~1 and removed ~2``.

    Newer versions sort by the label's name, older ones by the reference. Newer versions count equal
    references once, and all deleted labels have the same one: an empty one.
    """
    if generation is not Generation.OLDEST:
        events = sorted(events, key=lambda event: (event["label"] or {}).get("name", ""))
    parts = []
    for action, word in (("add", "added"), ("remove", "removed")):
        references = [
            _label(event["label"], world, project) for event in events if event["action"] == action
        ]
        if generation is Generation.OLDEST:
            references.sort()
        else:
            references = list(dict.fromkeys(references))
        if references:
            parts.append(f"{word} {_listed(references)}")
    return " and ".join(parts)


def _listed(references: list[str]) -> str:
    """``~1 ~2 labels``, ``~1 + 1 deleted label``: the plural is that of the last count."""
    kept = [reference for reference in references if reference]
    deleted = len(references) - len(kept)
    words = [" ".join(kept)] if kept else []
    words += [f"{deleted} deleted"] if deleted else []
    return f"{' + '.join(words)} label{'' if (deleted or len(kept)) == 1 else 's'}"


def _label(label: Row | None, world: World, project: Row) -> str:
    """``~12``, ``group/project~12`` where the label's home is not above the issue, "" if gone."""
    if label is None:
        return ""
    record = world.labels.get(label["id"])
    home = record["container"] if record else {"path": project["path_with_namespace"]}
    path, asked = home["path"], project["path_with_namespace"]
    near = path == asked or below(asked, path)
    return f"~{label['id']}" if near else f"{path}~{label['id']}"


def milestone(event: Row, world: World, generation: Generation) -> tuple[str, str]:
    """The text of a milestone event, and the reference that ends it.

    Old versions do not say which milestone was removed: "" there.
    """
    removed = event["action"] == "remove"
    newest = generation is Generation.NEWEST
    reference = milestone_reference(event["milestone"])
    if newest:
        reference = f"/{milestone_home(event['milestone'], world)}{reference}"
    if removed and not newest:
        return "removed milestone", ""
    return ("removed milestone " if removed else "changed milestone to ") + reference, reference


def milestone_reference(milestone: Row) -> str:
    """``%5`` of a project; ``%"Title"`` of a group, unless the title itself has a quote."""
    if milestone.get("group_id") and '"' not in milestone["title"]:
        return f'%"{milestone["title"]}"'
    return f"%{milestone['iid']}"


def milestone_home(milestone: Row, world: World) -> str:
    """The path of the group or project of a milestone, also of one that the world lacks."""
    record = world.milestones.get(milestone["id"])
    if record is not None:
        return str(record["container"]["path"])
    place = urlsplit(milestone["web_url"]).path.partition("/-/")[0].strip("/")
    return place.removeprefix("groups/") if milestone.get("group_id") else place


def weight(event: Row, before: int | None, generation: Generation) -> str:
    """The text of a weight event; only the newest versions say the weight before it."""
    now = event["weight"]
    if generation is Generation.NEWEST:
        if now is None:
            return "removed weight" if before is None else f"removed weight of {before}"
        return (
            f"set weight to {now}" if before is None else f"changed weight to {now} from {before}"
        )
    if now is None:
        return "removed the weight"
    stars = "**" if generation is Generation.OLDEST else ""
    return f"changed weight to {stars}{now}{stars}"
