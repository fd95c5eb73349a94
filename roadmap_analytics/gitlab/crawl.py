"""One export: what to ask of GitLab, in which order, and the records that come of it."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from roadmap_analytics import records
from roadmap_analytics.errors import AccessError, RoadmapError, ServerError
from roadmap_analytics.gitlab import repository
from roadmap_analytics.gitlab.addresses import Address, common_origin
from roadmap_analytics.gitlab.client import Client, PartFailed, connect
from roadmap_analytics.gitlab.graphql import GraphQL
from roadmap_analytics.gitlab.histories import Due, Failure, Gone, Outcome, Source, failure
from roadmap_analytics.gitlab.histories_graphql import GraphqlHistories
from roadmap_analytics.gitlab.histories_rest import RestHistories
from roadmap_analytics.gitlab.known import (
    OVERLAP_SECONDS,
    Action,
    Known,
    Seen,
    decide,
    mentions,
    users_of,
)
from roadmap_analytics.gitlab.lists import Lists
from roadmap_analytics.gitlab.names import Directory
from roadmap_analytics.gitlab.pool import Pool
from roadmap_analytics.gitlab.progress import Reporter
from roadmap_analytics.gitlab.scope import (
    Container,
    Scope,
    milestone_owner,
    milestone_path,
    refusal,
)
from roadmap_analytics.gitlab.transport import Limiter
from roadmap_analytics.records import Owner, Record, Row, trimmed
from roadmap_analytics.soundness import (
    HISTORY,
    OddRow,
    OddValue,
    is_ident,
    is_label,
    sound_event,
    sound_issue,
    sound_milestone,
)

KEPT = ("issue", "history", "document")
"""Kinds of records that an interrupted run need not fetch again; lists are always read again."""

ARCHIVED_TOO = {"non_archived": "false"}
"""What was closed in a project archived since is part of what its milestones went through."""
# Each pass asks for what changed during the one before, so that passes get short quickly; what is
# left after five is found by the next run.
MOST_PASSES = 5
MOST_NOTICES = 20
"""Words that no rule reads may be as many as there are issues; the manifest stays short."""
HOPELESS = 5
"""So many issues of a project fail in a row, and its other histories are left for another day."""
Via = Literal["auto", "rest", "graphql"]


@dataclass(frozen=True)
class Request:
    """What to export."""

    addresses: list[Address]  # groups and projects, all on one GitLab
    section: str | None = None  # of python-gitlab's configuration, if one was named
    jobs: int = 4  # requests at once
    documents: repository.Place | None = None  # where the same GitLab keeps the roadmap revisions
    via: Via = "auto"  # how histories come; auto: by GraphQL where the server can

    @property
    def origin(self) -> str:
        """The GitLab."""
        return common_origin(self.addresses)


class Export:
    """One run over what was asked. Call `connect`, then read `records` to the end.

    Parameters
    ----------
    request : Request
        What to export.
    known : Known
        What earlier runs wrote; it is brought up to date on the way.
    progress : Reporter
        Told how far it is.
    now : callable
        This machine's clock, aware, for servers that do not tell their time.
    """

    def __init__(
        self,
        request: Request,
        known: Known | None = None,
        progress: Reporter | None = None,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._request = request
        self._known = known or Known()
        self._progress = progress or Reporter()
        self.failures: list[Failure] = []  # parts that failed for good, so far
        limiter = Limiter(self._progress.waiting)
        self._limiter = limiter
        self._client: Client = connect(request.origin, request.section, limiter, request.jobs, now)
        self._scope = Scope()
        self._listed: dict[int, set[int]] = defaultdict(set)
        self._unlisted: set[int] = set()
        self._odd_values: dict[int, list[OddValue]] = {}
        self._given_up: set[int] = set()  # archived projects with open issues
        self._sources: list[Container] = []
        self._referred: dict[int, tuple[Container, Row]] = {}
        self._named: dict[str, dict[int, str]] = {"milestone": {}, "label": {}}
        self._unnamed: set[Container] = set()  # whose list of milestones or labels failed
        self._renamed: set[tuple[str, int]] = set()
        self._names = Directory(GraphQL(self._client))
        self._source: Source = RestHistories(self._client)
        self._lists = Lists(self._client, request.jobs, graphql=False)
        self._ready: deque[Record] = deque()
        self._fresh: set[int] = set()
        self._broken: set[int] = set()
        self._hopeless: dict[str, int] = defaultdict(int)
        self._notices: Counter[str] = Counter()
        self._done = self._total = 0

    # -- what the caller sees ----------------------------------------------------------------------

    def connect(self) -> None:
        """Find the groups and projects that were asked for.

        Raises
        ------
        AccessError
            Where the token cannot see any of them.
        ServerError
            Where the server or the network failed after every retry.
        ConfigurationError
            Where the address is no GitLab.
        """
        errors: list[Exception] = []
        for address in self._request.addresses:
            try:
                self._scope.add(self._client, address)
            except PartFailed as failed:
                errors.append(refusal(self._client, address, failed))
                self._scope.lost.append(address.path)
                self._fail(f"{address}", failed)
        if len(errors) == len(self._request.addresses):
            raise errors[0]
        for part, why in self._scope.odd.items():
            self._odd(part, why)
        if self._request.via != "rest":
            self._try_graphql()

    def _try_graphql(self) -> None:
        """Take the histories from GraphQL where this server can give them."""
        rest = None if self.anonymous else RestHistories(self._client)
        source = GraphqlHistories(self._client, self._names, rest)
        refused = source.probe(next(iter(self._scope.containers().values())))
        if refused is None:
            self._source = source
            self._lists = Lists(self._client, self._request.jobs, graphql=self.anonymous)
            return
        status = f"{refused.status}: " if refused.status not in (None, 200) else ""
        why = f"{status}{refused.message}"
        if self._request.via == "graphql":
            raise ServerError(
                f"{self._request.origin}/api/graphql: expected histories of issues, got {why}. "
                "Leave out --via graphql to export by REST."
            )
        if self.anonymous:
            lasting = refused.why != "failed"
            raise (AccessError if lasting else ServerError)(
                f"{self._request.origin}/api/graphql: expected histories of issues, got {why}. "
                "By REST they need a token: set GITLAB_PRIVATE_TOKEN (scope read_api)"
                f"{'.' if lasting else ', or try again later.'}"
            )
        self._notices[f"GraphQL: {why}"] += 1

    @property
    def anonymous(self) -> bool:
        """Whether there is no token: then only what is public is seen."""
        return not self._client.has_credentials

    @property
    def via(self) -> str:
        """The way that histories come, ``rest`` or ``graphql``; single ones may come by REST."""
        return self._source.via

    @property
    def notices(self) -> list[dict[str, Any]]:
        """What went another way than expected and is complete all the same: `what`, `count`."""
        found = self._notices + Counter(self._source.notices())
        named = sorted(found.most_common(MOST_NOTICES))
        rest = found.total() - sum(count for _, count in named)
        named += [("for other reasons", rest)] if rest else []
        return [{"what": what, "count": count} for what, count in named]

    @property
    def started_at(self) -> str:
        """The earliest time that the server's clock gave so far, ISO, UTC."""
        return _iso(self._start)

    @property
    def ended_at(self) -> str:
        """The server's clock at the newest answer."""
        return _iso(self._client.transport.seen_at or self._start)

    @property
    def requests(self) -> int:
        """Requests made so far, repeated ones too."""
        return self._client.transport.requests

    def stop(self) -> None:
        """Ask for nothing more; threads that wait for their turn end at once."""
        self._limiter.stopped.set()

    def records(self) -> Iterator[Record]:
        """Yield the records of the run.

        Of an issue, the history comes before the row: a row that is stored is a promise that its
        history is, too (unless that failed for good and there never was one).

        Raises
        ------
        AccessError, ServerError
            Where going on is no use; what was yielded is right and worth keeping.
        """
        self._pool: Pool[Sequence[Due], list[tuple[Due, Outcome]]] = Pool(
            self._source.histories, self._request.jobs
        )
        try:
            for part in (
                self._containers,
                self._milestones,
                self._labels,
                self._issues,
                self._later_changes,
                self._namesakes,
                self._listings,
                self._outside,
                self._documents,
            ):
                yield from part()
            self.failures += self._source.lost()
            for failure in self.failures:
                yield records.failure(*failure)
        finally:
            self.stop()
            self._pool.close()
            self._client.close()

    # -- groups and projects -----------------------------------------------------------------------

    @property
    def _start(self) -> datetime:
        started = self._client.transport.started_at
        if started is None:
            raise RuntimeError("an export starts with connect()")
        return started

    def _containers(self) -> Iterator[Record]:
        self._progress.stage("groups and projects")
        for row in self._scope.groups.values():
            yield records.group(trimmed(row))
        for row in self._scope.projects.values():
            yield records.project(trimmed(row))

    # -- milestones and labels ---------------------------------------------------------------------

    def _milestones(self) -> Iterator[Record]:
        self._progress.stage("milestones")
        containers = self._scope.containers()
        owners = [Owner(*key, path) for key, path in containers.items()]
        for owner, rows in zip(owners, self._lists.milestones(owners), strict=True):
            if isinstance(rows, PartFailed):
                self._unnamed.add(owner[:2])
                self._fail(f"milestones of {owner.kind} {owner.path}", rows)
                continue
            before = self._known.milestones.get(owner[:2], {})
            names: dict[int, str] = {}
            sound: list[Row] = []
            unknown = self._lists.odd.get(f"/{owner.kind}s/{owner.id}/milestones", {})
            nameless = list(unknown.values())
            for row in rows:
                try:
                    good, odd = sound_milestone(row, owned=False)
                except OddRow as why:
                    if not is_ident(row["id"]):
                        nameless.append(str(why))
                        continue
                    self._odd(f"milestone {row['id']} of {owner.kind} {owner.path}", str(why))
                    names[row["id"]] = before.get(row["id"], "")  # it is there, and stays as it was
                    continue
                sound.append(good)
                names[good["id"]] = good["title"]
                yield records.milestone(owner, trimmed(good), odd)
            self._names.know_milestones(owner.path, sound)
            self._compare("milestone", before, names)
            for reason in nameless:
                self._odd(f"milestones of {owner.kind} {owner.path}", reason)
            if nameless:  # it is not known which one is not deleted
                self._unnamed.add(owner[:2])
            else:
                yield records.milestone_listing(owner, names)
        for key in self._known.milestones.keys() - containers.keys():
            path = self._known.paths[key]
            if self._known.milestones[key] and not self._scope.is_lost(path):
                yield records.milestone_listing(Owner(*key, path), ())

    def _labels(self) -> Iterator[Record]:
        self._progress.stage("labels")
        paths = self._scope.containers()
        owners = [Owner(*key, paths[key]) for key in self._scope.sources]
        for owner, rows in zip(owners, self._lists.labels(owners), strict=True):
            if isinstance(rows, PartFailed):
                self._unnamed.add(owner[:2])
                if not rows.forbidden:  # a server without this list cannot tell of renamed labels
                    self._fail(f"labels of {owner.kind} {owner.path}", rows)
                continue
            part = f"labels of {owner.kind} {owner.path}"
            for why in self._lists.odd.get(f"/{owner.kind}s/{owner.id}/labels", {}).values():
                self._odd(part, why)
            for row in rows:
                if not is_label(row):
                    self._odd(part, f"label {row['id']}: no id or no name")
            rows = [row for row in rows if is_label(row)]
            self._names.know_labels(rows)
            names = {row["id"]: row["name"] for row in rows}
            self._compare("label", self._known.labels.get(owner[:2], {}), names)
            yield records.labels(owner, names)

    def _compare(self, kind: str, before: Mapping[int, str], now: Mapping[int, str]) -> None:
        """Note what is named otherwise now, or is gone: stored events still bear the old name."""
        self._named[kind] |= now
        for ident, name in before.items():
            if now.get(ident) != name:
                self._renamed.add((kind, ident))

    # -- issues ------------------------------------------------------------------------------------

    def _issues(self) -> Iterator[Record]:
        self._progress.stage("issues")
        for kind, ident in self._scope.sources:
            if kind == "project":
                yield from self._project_issues(ident)
            else:
                yield from self._group_issues(ident)

    def _group_issues(self, group_id: int) -> Iterator[Record]:
        source = "group", group_id
        try:
            rows = self._client.issues(
                f"/groups/{group_id}/issues", self._odd_issue, **ARCHIVED_TOO
            )
            yield from self._fetch(self._due(rows))
            self._sources.append(source)
            doubtful = [one for one in self._scope.projects_of(group_id) if self._is_doubtful(one)]
        except PartFailed:  # too long a list for one query, perhaps: project by project, then
            doubtful = list(self._scope.projects_of(group_id))
        for project_id in doubtful:
            yield from self._project_issues(project_id)

    def _is_doubtful(self, project_id: int) -> bool:
        """Whether a group's list says less of a project than was to be expected.

        Group lists silently leave out what may not be read now, and rows may be lost where others
        are deleted meanwhile; a GitLab that does not know `ARCHIVED_TOO` leaves archived projects
        out. The project's own list decides.
        """
        listed = self._listed[project_id]
        something = listed or project_id in self._given_up
        missing = self._known.listed.get(project_id, set()) - listed
        project = self._scope.projects[project_id]
        some = project.get("open_issues_count") or project.get("archived")
        return bool(missing or (some and not something))

    def _project_issues(self, project_id: int) -> Iterator[Record]:
        project = self._scope.projects[project_id]
        self._listed[project_id] = set()
        try:
            rows = self._client.issues(f"/projects/{project_id}/issues", self._odd_issue)
            yield from self._fetch(self._due(rows))
            self._sources.append(("project", project_id))
        except PartFailed as failed:
            if not _switched_off(project, failed):
                self._unlisted.add(project_id)
                self._fail(f"issues of project {project['path_with_namespace']}", failed)

    def _due(self, rows: Iterable[Row], *, overlap: bool = True) -> Iterator[Due]:
        """Pick, from a list of issues, those whose history is to be fetched."""
        for row in rows:
            project = self._scope.projects.get(row["project_id"])
            if project is None:
                continue  # moved here since the projects were listed
            if project.get("archived") and row["state"] == "opened":
                self._given_up.add(row["project_id"])
                continue  # no one can work on it any more, and GitLab's own lists hide it
            self._listed[row["project_id"]].add(row["id"])
            data, odd = sound_issue(trimmed(row))
            self._odd_values[row["id"]] = odd
            self._refer(data.get("milestone"))
            seen = self._known.issues.get(row["id"])
            now = Seen.of(data, seen.fetched if seen else None)
            for user in users_of(data):
                if self._known.users.setdefault(user["id"], user["username"]) != user["username"]:
                    self._renamed.add(("user", user["id"]))
                    self._known.users[user["id"]] = user["username"]
            path = project["path_with_namespace"]
            if row["id"] in self._broken or (overlap and row["id"] in self._fresh):
                continue
            self._total += 1
            start = self._start.timestamp()
            match decide(seen, now, data["updated_at"], overlap=overlap, start=start):
                case Action.HISTORY:
                    issue = Due(path, row["project_id"], row["iid"], row["id"], data)
                    if self._hopeless[path] < HOPELESS:
                        yield issue
                        continue
                    self._ready.extend(self._without_history(issue))
                case Action.ROW:
                    self._known.issues[row["id"]] = now
                    self._ready.append(self._issue_record(path, data))
            self._step()

    def _fetch(self, issues: Iterator[Due]) -> Iterator[Record]:
        """Fetch histories, and yield them and rows as they come."""
        for _, found in self._pool.map(self._source.batches(issues)):
            yield from self._drained()
            for issue, outcome in found:
                yield from self._settled(issue, outcome)
                self._step()
        yield from self._drained()

    def _drained(self) -> Iterator[Record]:
        while self._ready:
            yield self._ready.popleft()

    def _settled(self, issue: Due, found: Outcome) -> Iterator[Record]:
        """Decide what to store of one issue whose history was asked for."""
        if isinstance(found, Gone):
            self._listed[issue.project_id].discard(issue.ident)
            return
        if isinstance(found, Failure):
            self._hopeless[issue.project] += 1
            self.failures.append(found)
            if self._hopeless[issue.project] == HOPELESS:
                part = f"histories of project {issue.project}"
                why = f"{HOPELESS} issues in a row failed, the others were not asked for"
                self.failures.append(Failure(part, found.status, why))
            yield from self._without_history(issue)
            return
        self._hopeless[issue.project] = 0
        data, odd, incomplete = self._sound_history(issue, found.data)
        for event in data["milestone_events"]:
            self._refer(event.get("milestone"))
        yield records.history(
            issue.ident, issue.project_id, issue.iid, data,
            via=found.via, odd=odd, incomplete=incomplete,
        )  # fmt: skip
        self._fresh.add(issue.ident)
        if issue.row is not None:
            fetched = None if incomplete else self._start.timestamp()
            self._known.issues[issue.ident] = Seen.of(issue.row, fetched)
            yield self._issue_record(issue.project, issue.row)

    def _sound_history(self, issue: Due, found: Row) -> tuple[Row, list[tuple[str, str]], bool]:
        """Take odd rows out of a history and name them; the others, and the issue itself, go on."""
        data: Row = dict(found)
        values: list[tuple[str, str]] = []
        incomplete = False
        for kind in HISTORY:
            if not found.get(kind):
                continue
            data[kind] = []
            for row in found[kind]:
                try:
                    good, odd = sound_event(kind, row)
                except OddRow as why:
                    incomplete = True
                    self._odd(f"issue {issue} {kind}", str(why))
                    continue
                data[kind].append(good)
                values += [(f"{kind} {one.field}", one.text) for one in odd]
        return data, values, incomplete

    def _without_history(self, issue: Due) -> Iterator[Record]:
        """Keep what is stored of an issue; store its row where there is nothing yet."""
        self._broken.add(issue.ident)
        seen = self._known.issues.get(issue.ident)
        if issue.row is not None and (seen is None or seen.fetched is None):
            self._known.issues[issue.ident] = Seen.of(issue.row, None)
            yield self._issue_record(issue.project, issue.row)

    def _issue_record(self, project: str, row: Row) -> Record:
        return records.issue(project, row, self._odd_values.get(row["id"], ()))

    def _odd_issue(self, row: Any, why: str) -> None:
        """Name an issue whose row is odd; it is still there, so that nothing of it is deleted."""
        row = row if isinstance(row, dict) else {}
        project_id, ident = row.get("project_id"), row.get("id")
        project = self._scope.projects.get(project_id) if type(project_id) is int else None
        if project is None:
            self._unlisted |= self._scope.projects.keys()
            self._odd("an issue", why)
            return
        path = project["path_with_namespace"]
        if is_ident(ident) and is_ident(row.get("iid")):
            self._listed[project["id"]].add(ident)
            self._odd(f"issue {path}#{row['iid']}", why)
        else:  # it is not known which issue is not deleted
            self._unlisted.add(project["id"])
            self._odd(f"an issue of project {path}", why)

    def _odd(self, part: str, why: str) -> None:
        """Name a part that is odd, once."""
        odd = Failure(part, 200, why)
        if odd not in self.failures:
            self.failures.append(odd)

    def _later_changes(self) -> Iterator[Record]:
        """Fetch again what changed while the lists were read, until a pass finds nothing."""
        self._progress.stage("changes meanwhile")
        since = self._start
        for _ in range(MOST_PASSES):
            after = _iso(since - timedelta(seconds=OVERLAP_SECONDS))
            since = self._client.transport.seen_at or since
            found = False
            for kind, ident in self._sources:
                rows = self._client.issues(
                    f"/{kind}s/{ident}/issues", self._odd_issue, updated_after=after
                )
                try:
                    for record in self._fetch(self._due(rows, overlap=False)):
                        found = found or record["kind"] == "history"
                        yield record
                except PartFailed as failed:
                    path = self._scope.containers()[kind, ident]
                    self._fail(f"late changes of {kind} {path}", failed)
                    return
            if not found:
                return

    def _misnamed(self) -> Iterator[tuple[str, int]]:
        """Yield what histories kept of an interrupted run do not call as today's lists do."""
        for (kind, ident), (names, owner) in self._known.told.items():
            now = self._named[kind].get(ident)
            if now is not None:
                missing = False
            elif kind == "milestone":  # of another group or project: in no list of this run
                missing = owner in self._scope.containers().keys() - self._unnamed
            else:
                missing = not self._unnamed
            if missing or (now is not None and names != {now}):
                yield kind, ident

    def _namesakes(self) -> Iterator[Record]:
        """Fetch again the histories whose events name what was renamed or deleted."""
        self._renamed.update(self._misnamed())
        if not self._renamed:
            return
        self._progress.stage("renamed labels, milestones and people")
        due: dict[int, Due] = {}
        for record in self._known.histories():
            ident, project_id = record["issue_id"], record["project_id"]
            project = self._scope.projects.get(project_id)
            if project is None or ident in self._fresh or ident not in self._listed[project_id]:
                continue
            if not self._renamed.isdisjoint(mentions(record["data"])):
                path = project["path_with_namespace"]
                due[ident] = Due(path, project_id, record["iid"], ident, None)
        yield from self._fetch(iter(due.values()))

    def _listings(self) -> Iterator[Record]:
        """Yield the complete ids of every project, by which deletions are known."""
        for project_id in self._scope.projects:
            if project_id not in self._unlisted:
                yield records.issue_listing(project_id, self._listed[project_id])
        for project_id in self._known.listed.keys() - self._scope.projects.keys():
            path = self._known.paths.get(("project", project_id), "")
            if self._known.listed[project_id] and not self._scope.is_lost(path):
                yield records.issue_listing(project_id, ())

    # -- milestones of groups and projects that were not asked for ---------------------------------

    def _refer(self, milestone: Row | None) -> None:
        owner = milestone_owner(milestone) if milestone else None
        if milestone and owner and owner not in self._scope:
            self._referred[milestone["id"]] = owner, milestone

    def _outside(self) -> Iterator[Record]:
        """Yield milestones that issues refer to, but that belong to other groups or projects."""
        wanted: dict[Container, set[int]] = defaultdict(set)
        for ident, (key, _) in self._referred.items():
            wanted[key].add(ident)
        for ident, key in self._known.outside.items():
            if key not in self._scope:
                wanted[key].add(ident)
        paths = {key: milestone_path(row) for key, row in self._referred.values()}
        keys = sorted(wanted)
        owners = [Owner(*key, paths.get(key, self._known.paths.get(key, ""))) for key in keys]
        for key, rows in zip(keys, self._lists.milestones(owners), strict=True):
            answered = [] if isinstance(rows, PartFailed) else rows
            found = {row["id"]: row for row in answered if row["id"] in wanted[key]}
            for ident in sorted(wanted[key]):
                _, referred = self._referred.get(ident, (key, None))
                for answer in (found.get(ident), referred):
                    try:
                        row, odd = sound_milestone(answer)
                    except OddRow:  # what an issue says of it will do, else what is known stays
                        continue
                    yield records.milestone(Owner(*key, milestone_path(row)), trimmed(row), odd)
                    break

    # -- documents ---------------------------------------------------------------------------------

    def _documents(self) -> Iterator[Record]:
        place = self._request.documents
        if place is None:
            return
        self._progress.stage("roadmap documents")
        try:
            yield from repository.read(self._client, place, self._known.documents, self._refused)
        except PartFailed as failed:
            self._fail(f"roadmaps in {place}", failed)

    def _refused(self, name: str, error: RoadmapError) -> None:
        self.failures.append(Failure(f"roadmap {name}", None, str(error).rstrip(".")))

    # -- failures and progress ---------------------------------------------------------------------

    def _fail(self, part: str, failed: PartFailed) -> None:
        self.failures.append(failure(part, failed))

    def _step(self) -> None:
        self._done += 1
        self._progress.step(self._done, self._total, self.requests)


def _switched_off(project: Row, failed: PartFailed) -> bool:
    """Whether the project has no issues because it does not want any."""
    off = project.get("issues_enabled") is False or project.get("issues_access_level") == "disabled"
    return off and failed.status in (403, 404)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
