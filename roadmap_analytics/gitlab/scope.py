"""Addresses -> the groups and projects that an export is about."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

from roadmap_analytics.errors import AccessError, ConfigurationError, ServerError
from roadmap_analytics.gitlab.addresses import Address
from roadmap_analytics.gitlab.client import Client, PartFailed
from roadmap_analytics.gitlab.transport import ELSEWHERE, WEB_PAGE
from roadmap_analytics.records import Row
from roadmap_analytics.soundness import OddRow, sound_container

Answer = TypeVar("Answer")
Container = tuple[str, int]
"""("group" or "project", id)."""

PATH = {"groups": "full_path", "projects": "path_with_namespace"}
"""Field of a row with its full path."""
# A list that changes between two readings is read again; a busy group would never stand still.
MOST_READINGS = 5


@dataclass
class Scope:
    """Groups and projects that were asked for and can be read."""

    # Id -> GitLab's answer; subgroups and their projects included.
    groups: dict[int, Row] = field(default_factory=dict)
    projects: dict[int, Row] = field(default_factory=dict)
    sources: list[Container] = field(default_factory=list)  # whose issue lists cover all of it
    # Paths of addresses that failed, and of groups with an odd row in their lists: what is missing
    # below them was not deleted.
    lost: list[str] = field(default_factory=list)
    odd: dict[str, str] = field(default_factory=dict)  # group or project of an odd row -> why

    def __contains__(self, key: Container) -> bool:
        return key[1] in (self.groups if key[0] == "group" else self.projects)

    def containers(self) -> dict[Container, str]:
        """Give every group and project with its full path."""
        groups = {("group", ident): row["full_path"] for ident, row in self.groups.items()}
        paths = {ident: row["path_with_namespace"] for ident, row in self.projects.items()}
        return groups | {("project", ident): path for ident, path in paths.items()}

    def projects_of(self, group_id: int) -> Iterator[int]:
        """Yield the projects of a group and of its subgroups."""
        path = self.groups[group_id]["full_path"]
        for ident, row in self.projects.items():
            # With the slash: core is no group above core-tools/web.
            if row["path_with_namespace"].startswith(f"{path}/"):
                yield ident

    def is_lost(self, path: str) -> bool:
        """Whether this belongs to an address that failed: then it stays as it was."""
        return any(path == lost or path.startswith(f"{lost}/") for lost in self.lost)

    def add(self, client: Client, address: Address) -> None:
        """Find what an address means, and take it in.

        Raises
        ------
        PartFailed
            Where there is nothing, or nothing that this token may see.
        """
        likeliest(address, lambda kind: self._add(client, f"{kind}s", address.path))

    def _add(self, client: Client, kind: str, path: str) -> None:
        row = client.get(f"/{kind}/{quote(path, '')}")
        try:
            sound_container(row, PATH[kind])
        except OddRow as why:
            raise PartFailed(200, f"a row that is odd: {why}") from None
        if kind == "groups":
            self._add_group(client, row)
        elif row["id"] not in self.projects:
            self.projects[row["id"]] = row
            self.sources.append(("project", row["id"]))

    def _add_group(self, client: Client, group: Row) -> None:
        if group["id"] in self.groups:
            return
        below = self._groups_below(client, group["id"], group["full_path"])
        projects = self._list(
            client,
            f"/groups/{group['id']}/projects",
            group["full_path"],
            include_subgroups="true",
            with_shared="false",  # a project shared with the group belongs to another one
            order_by="id",  # by activity, the default, rows would move while pages are read
            sort="asc",
        )
        self.groups |= {row["id"]: row for row in [group, *below]}
        self.projects |= {row["id"]: row for row in projects}
        self.sources.append(("group", group["id"]))

    def _groups_below(self, client: Client, group_id: int, top: str) -> list[Row]:
        """All groups under a group; level by level on a GitLab before 13.5."""
        path = f"/groups/{group_id}"
        try:
            return self._list(client, f"{path}/descendant_groups", top)
        except PartFailed as failed:
            if failed.status != 404:
                raise
        direct = self._list(client, f"{path}/subgroups", top)
        below = (self._groups_below(client, group["id"], top) for group in direct)
        return [row for group, more in zip(direct, below, strict=True) for row in (group, *more)]

    def _list(self, client: Client, path: str, top: str, **query: Any) -> list[Row]:
        """Read a list of groups or projects below the group `top`; an odd row costs only itself."""
        kind = "project" if path.endswith("projects") else "group"
        field = PATH[f"{kind}s"]

        def odd(row: Any, why: str) -> None:
            named = row.get(field) if isinstance(row, dict) else None
            name = f"{kind} {named}" if isinstance(named, str) else f"a {kind} of group {top}"
            self.odd[name] = why  # a list may be read more than once
            self.lost.append(top)

        sound = partial(sound_container, path=field)
        return steady(lambda: client.rows(path, sound=sound, odd=odd, **query))


def likeliest(address: Address, ask: Callable[[str], Answer]) -> Answer:
    """Ask for the first kind that the address can be (group, project) and GitLab has there."""
    *likelier, last = address.kind.split(" or ")  # the likelier first: mostly one request
    for kind in likelier:
        try:
            return ask(kind)
        except PartFailed as failed:
            if failed.status != 404:
                raise
    return ask(last)


def steady(read: Callable[[], Iterable[Row]]) -> list[Row]:
    """Read a list that has no lasting order; one of several pages is read until it stays the same.

    Rows shift over the edges of pages while others come and go.
    """
    rows = {row["id"]: row for row in read()}
    for _ in range(MOST_READINGS):
        if len(rows) < 100:
            break
        again = {row["id"]: row for row in read()}
        if again.keys() == rows.keys():
            break
        rows = again
    return list(rows.values())


def refusal(client: Client, address: Address, failed: PartFailed) -> Exception:
    """Make the error for an address that cannot be exported, where nothing else is left."""
    if failed.message.startswith((ELSEWHERE, "Exceeded")):  # a redirect away, or in a circle
        return ConfigurationError(
            f"{address}: expected an answer, got {failed.message}. If that host is right, give "
            f"the address there; {_under_a_path(address)}."
        )
    if failed.message == WEB_PAGE and failed.status in (None, 404):
        status = " (404)" if failed.status else ""
        return ConfigurationError(
            f"{address.origin}: expected a GitLab, got a web page for its API{status}. "
            f"Check the address; {_under_a_path(address)}."
        )
    if failed.status == 404 and not _GITLABS_404.match(failed.message):
        return ConfigurationError(
            f"{address.origin}: expected a GitLab, got 404 ({failed.message}) for its API. "
            f"Check the address; {_under_a_path(address)}."
        )
    if failed.status == 404:
        who = "this token" if client.has_credentials else "without a token one"
        return AccessError(
            f"{address}: expected a group or project, got 404: there is none, or {who} may not "
            "see it. Check the address and the token (GITLAB_PRIVATE_TOKEN, scope read_api)."
        )
    if failed.forbidden:
        return AccessError(
            f"{address}: expected to read it, got {failed.status} ({failed.message}). "
            "The token needs the scope read_api and at least the role Guest."
        )
    status = f"{failed.status}: " if failed.status else ""
    return ServerError(
        f"{address}: expected an answer, got {status}{failed.message}. "
        "Check that it is a GitLab, or try again later."
    )


def milestone_owner(row: Mapping[str, Any]) -> Container | None:
    """Return the group or project that a milestone belongs to; None where it names neither."""
    kind = "group" if row.get("group_id") is not None else "project"
    ident = row.get(f"{kind}_id")
    return (kind, ident) if type(ident) is int else None


def milestone_path(row: Row) -> str:
    """Give the full path of a milestone's owner, from the milestone's address.

    >>> milestone_path({"group_id": 1, "web_url": "https://git.example.org/groups/a/b/-/milestones/2"})
    'a/b'
    """
    path: str = (row.get("web_url") or "").partition("/-/milestones/")[0]
    path = path.partition("://")[2].partition("/")[2]
    return path.partition("groups/")[2] if row.get("group_id") is not None else path


_GITLABS_404 = re.compile(r"404 \w+ Not Found")
"""How GitLab says that there is no such group or project; other servers say it otherwise."""


def _under_a_path(address: Address) -> str:
    """Say what to do where the root of the host is not the GitLab, but something below it is."""
    first, _, rest = address.path.partition("/")
    perhaps = f" (here perhaps {address.origin}/{first})" if rest else ""
    return f"a GitLab under a path needs [gitlab] url in roadmap.toml{perhaps}"
