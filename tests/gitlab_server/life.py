"""A world that people work in: random changes, among them all that an incremental export may miss.

Of every change it is known from GitLab's source whether it touches an issue's ``updated_at``:
promoting a milestone, renaming or deleting a label, editing a milestone's dates, transferring a
project and deleting an issue do not.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from copy import deepcopy
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from tests.gitlab_server.hand_world import HOME, NOW, PEOPLE, Story, hand_world, person
from tests.gitlab_server.world import World

Row = dict[str, Any]
WORDS = ("press", "wash", "label", "bottle", "sell", "taste", "stack", "prune")


class Life:
    """The hand-made world living on from `NOW`.

    Parameters
    ----------
    seed
        The same seed, the same life.
    """

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.world = World(hand_world())
        self.at = datetime.fromisoformat(NOW)
        self.numbers = count(5000)  # of issues, milestones, events alike
        self.iids = {ident: count(10) for ident in self.world.projects}  # none is used twice
        self.deeds: list[str] = []

    @property
    def now(self) -> str:
        """The clock as the server tells it."""
        return self.at.isoformat()

    def records(self) -> list[Row]:
        """The world as it is now."""
        return list(self.world.records())

    def work(self, changes: int, within: timedelta = timedelta(days=1)) -> None:
        """Let people make this many changes, spread over some time."""
        moments = sorted(self.draw.random() for _ in range(changes))
        begin = self.at
        for moment in moments:
            self.at = max(self.at, begin + moment * within)
            deed = self.draw.choices(DEEDS, WEIGHTS)[0]
            deed(self)
            self.deeds.append(deed.__name__)
        self.at = max(self.at, begin + within)
        self.world.change([])  # rebuild the indices

    # -- work on issues -------------------------------------------------------------------------

    def _stamp(self) -> str:
        return self.at.strftime("%Y-%m-%dT%H:%M:%S")

    def _story(self) -> Story:
        """Some issue's story; issues of archived projects rest."""
        live = [
            issue
            for issue in self.world.issues.values()
            if not self.world.projects[issue["project_id"]]["archived"]
        ]
        return self._told(self.draw.choice(live))

    def _told(self, issue: Row) -> Story:
        return Story(issue, self.world.histories[issue["id"]]["data"], self.numbers)

    def _milestone(self, *kinds: str) -> Row | None:
        fitting = [m for m in self.world.milestones.values() if m["container"]["kind"] in kinds]
        return self.draw.choice(fitting) if fitting else None

    def _person(self) -> str:
        return self.draw.choice(list(PEOPLE))

    def open_issue(self) -> None:
        """Somebody finds more to do."""
        projects = [p for p in self.world.projects.values() if not p["archived"]]
        self._begin(self.draw.choice(projects), f"{self.draw.choice(WORDS).title()} more")

    def _begin(self, project: Row, title: str, **more: Any) -> Story:
        iid = next(self.iids[project["id"]])
        path = project["path_with_namespace"]
        story = Story.begin(
            self.numbers,
            next(self.numbers),
            project["id"],
            iid,
            title,
            self._stamp(),
            **{"web_url": f"{HOME}/{path}/-/issues/{iid}", **more},
        )
        issue, history = story.records()
        self.world.issues[story.issue["id"]] = issue["data"]
        self.world.histories[story.issue["id"]] = history
        return story

    def switch_state(self) -> None:
        """Close or reopen."""
        story = self._story()
        state = "closed" if story.issue["state"] == "opened" else "reopened"
        story.state(self._stamp(), state, self._person())

    def close_by_code(self) -> None:
        """Close by a merge request or a commit."""
        story = self._story()
        by: list[Row] = [
            {"source_merge_request": f"!{next(self.numbers)}"},
            {"source_commit": f"{self.draw.getrandbits(160):040x}"},
        ]
        if story.issue["state"] == "opened":
            story.state(self._stamp(), "closed", self._person(), **self.draw.choice(by))

    def plan(self) -> None:
        """Put an issue into a milestone, or out of it."""
        chosen = self._milestone("group")
        out = self.draw.random() < 0.3
        self._story().put(self._stamp(), None if out or not chosen else chosen["data"])

    def assign(self) -> None:
        """Hand an issue over."""
        story = self._story()
        name = self._person()
        before = [one["username"] for one in story.issue["assignees"] if one["username"] != name]
        body = f"assigned to @{name}"
        if before:
            body += " and unassigned " + " and ".join(f"@{one}" for one in before)
        story.note(self._stamp(), body, assignees=[person(name)])

    def set_due_date(self) -> None:
        """Give an issue a due date."""
        day = (self.at + timedelta(days=self.draw.randrange(60))).date()
        body = f"changed due date to {day:%B %d, %Y}"
        self._story().note(self._stamp(), body, due_date=day.isoformat())

    def weigh(self) -> None:
        """Weigh an issue."""
        self._story().weigh(self._stamp(), self.draw.choice([None, 1, 2, 3, 5, 8]))

    def put_label(self) -> None:
        """Put a label on."""
        story = self._story()
        if not self.world.labels:
            return
        label = self.draw.choice(list(self.world.labels.values()))["data"]
        story.label(self._stamp(), label["name"], ident=label["id"])

    def swap_labels(self) -> None:
        """Labels on and off in one step, all with one time."""
        story = self._story()
        on = set(story.issue["labels"])
        known = {row["data"]["name"]: ident for ident, row in self.world.labels.items()}
        for name in sorted(on & known.keys()):
            story.label(self._stamp(), name, "remove", known[name])
        for name in self.draw.sample(sorted(known.keys() - on), min(2, len(known.keys() - on))):
            story.label(self._stamp(), name, ident=known[name])

    def comment(self) -> None:
        """Say something: the issue is updated, its history is not."""
        self._story().comment(self._stamp(), "done? closed? assigned to @bo?")

    def hurry(self) -> None:
        """Change an issue twice within a minute: the second change leaves no trace in the list."""
        story = self._story()
        self._quickly(story)
        self.at += timedelta(seconds=self.draw.randrange(1, 50))
        self._quickly(story)

    def _quickly(self, story: Story) -> None:
        day = (self.at + timedelta(days=self.draw.randrange(90))).date()
        body = f"changed start date to {day:%B %d, %Y}"
        story.note(self._stamp(), body, start_date=day.isoformat())

    def delete_issue(self) -> None:
        """An issue vanishes with its history."""
        if len(self.world.issues) > 6:
            issue = self._story().issue
            del self.world.issues[issue["id"]], self.world.histories[issue["id"]]

    def move_issue(self) -> None:
        """Move: a new issue with the old birth and events, the old one closed."""
        story = self._story()
        homes = [
            project
            for project in self.world.projects.values()
            if not project["archived"] and project["id"] != story.issue["project_id"]
        ]
        home = self.draw.choice(homes)
        copy = self._begin(home, story.issue["title"])
        kept = ("iid", "id", "project_id", "web_url", "updated_at")
        copy.issue.update(
            {name: value for name, value in deepcopy(story.issue).items() if name not in kept}
        )
        for name, rows in deepcopy(story.history).items():
            copy.history[name] = [row | {"id": next(self.numbers)} for row in rows]
        origin = self.world.projects[story.issue["project_id"]]["path_with_namespace"]
        copy.note(self._stamp(), f"moved from {origin}#{story.issue['iid']}")
        path = home["path_with_namespace"]
        story.note(self._stamp(), f"moved to {path}#{copy.issue['iid']}")
        if story.issue["state"] == "opened":
            story.state(self._stamp(), "closed")
        story.issue["moved_to_id"] = copy.issue["id"]

    # -- what no issue's updated_at tells -------------------------------------------------------

    def open_milestone(self) -> None:
        """A milestone more, of the group or of juice."""
        ident = next(self.numbers)
        if self.draw.random() < 0.5:
            container = {"kind": "group", "id": 10, "path": "orchard"}
            place = f"{HOME}/groups/orchard"
        else:
            container = {"kind": "project", "id": 100, "path": "orchard/press/juice"}
            place = f"{HOME}/orchard/press/juice"
        data = {
            "id": ident,
            "iid": ident,
            f"{container['kind']}_id": container["id"],
            "title": f"Harvest {ident}",
            "description": "",
            "state": "active",
            "created_at": f"{self._stamp()}.000Z",
            "updated_at": f"{self._stamp()}.000Z",
            "start_date": None,
            "due_date": None,
            "expired": False,
            "web_url": f"{place}/-/milestones/{ident}",
        }
        record = {"kind": "milestone", "container": container, "data": data}
        self.world.milestones[ident] = record

    def edit_milestone(self) -> None:
        """A milestone slips, gets another title, or closes."""
        record = self._milestone("group", "project")
        if record is None:
            return
        day = (self.at + timedelta(days=self.draw.randrange(90))).date().isoformat()
        changes: list[Row] = [
            {"due_date": day},
            {"start_date": day},
            {"title": f"{record['data']['title']}+"},
            {"state": "closed" if record["data"]["state"] == "active" else "active"},
        ]
        data = record["data"] | self.draw.choice(changes)
        data["updated_at"] = f"{self._stamp()}.000Z"
        self.world.milestones[data["id"]] = record | {"data": data}
        self.world.retell_milestone(data["id"], data)

    def promote_milestone(self) -> None:
        """A project's milestone becomes its group's, under another id."""
        record = self._milestone("project")
        if record is None or len(self.world.milestones) < 3:
            return
        old = self.world.milestones.pop(record["data"]["id"])["data"]
        ident = next(self.numbers)
        data = {name: value for name, value in old.items() if name != "project_id"}
        data |= {"id": ident, "iid": ident, "group_id": 10}
        data["web_url"] = f"{HOME}/groups/orchard/-/milestones/{ident}"
        container = {"kind": "group", "id": 10, "path": "orchard"}
        self.world.milestones[ident] = {"kind": "milestone", "container": container, "data": data}
        self.world.retell_milestone(old["id"], data)

    def delete_milestone(self) -> None:
        """A milestone goes and takes its events with it."""
        record = self._milestone("group", "project")
        if record is None or len(self.world.milestones) < 4:
            return
        self.world.delete_milestone(record["data"]["id"], f"{self._stamp()}.000Z")

    def rename_label(self) -> None:
        """A label's new name shows everywhere, as if it had always been so."""
        record = self._label()
        if record is None:
            return
        new = f"{record['data']['name']}-{next(self.numbers)}"
        self.world.rename_label(record["data"]["id"], new)

    def delete_label(self) -> None:
        """A label that is gone is null in its events."""
        record = self._label()
        if record is None or len(self.world.labels) < 3:
            return
        self.world.delete_label(record["data"]["id"])

    def open_label(self) -> None:
        """A label more."""
        ident = next(self.numbers)
        container = {"kind": "group", "id": 10, "path": "orchard"}
        data = {"id": ident, "name": f"label-{ident}"}
        self.world.labels[ident] = {"kind": "label", "container": container, "data": data}

    def _label(self) -> Row | None:
        labels = list(self.world.labels.values())
        return self.draw.choice(labels) if labels else None

    def archive_project(self) -> None:
        """Put a project to rest, or wake it; no issue of it is touched."""
        projects = list(self.world.projects.values())
        project = self.draw.choice(projects)
        awake = sum(not one["archived"] for one in projects)
        project["archived"] = not project["archived"] and awake > 3


DEEDS: tuple[Callable[[Life], None], ...] = (
    *(Life.open_issue, Life.switch_state, Life.plan, Life.assign, Life.set_due_date),
    *(Life.weigh, Life.put_label, Life.comment, Life.hurry),
    *(Life.close_by_code, Life.swap_labels),
    *(Life.delete_issue, Life.move_issue, Life.open_milestone, Life.edit_milestone),
    *(
        Life.promote_milestone,
        Life.delete_milestone,
        Life.rename_label,
        Life.delete_label,
        Life.open_label,
        Life.archive_project,
    ),
)
WEIGHTS = (8, 10, 10, 6, 4, 4, 6, 6, 3, 3, 3, 2, 2, 2, 4, 1, 1, 2, 1, 1, 1)
