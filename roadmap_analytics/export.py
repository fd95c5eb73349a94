"""One run: exporter, store and frames joined, for the command line, a notebook or a scheduler.

    import roadmap_analytics as ra

    done = ra.export_dataset(["https://git.example.org/groups/sigsum"], to="data/sigsum")
    done.rows["issues"], done.failures

The token comes from the environment or python-gitlab's configuration, as for the command. The clock
of this machine is read here, for servers that do not tell their time.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from roadmap_analytics import config as configuration
from roadmap_analytics import frames, gitlab, records, simulate, store
from roadmap_analytics.arguments import as_list, one_of, whole_number
from roadmap_analytics.config import MOST_JOBS, Config
from roadmap_analytics.errors import AccessError, ConfigurationError, DatasetError, RoadmapError
from roadmap_analytics.gitlab import Answer, Failure, Progress, Via
from roadmap_analytics.records import Record
from roadmap_analytics.roadmap import sources, tables

__all__ = [
    "Answer",
    "Exported",
    "Failure",
    "Progress",
    "doctor",
    "export_dataset",
    "simulate_dataset",
]

PROGRAM = "roadmap-analytics"
DOCUMENTS = "roadmap documents"
"""Origin of a dataset without a GitLab."""
DEFAULT_JOBS = 4
"""Requests at once, unless the call or roadmap.toml says otherwise: polite to a small server."""


@dataclass(frozen=True)
class Exported:
    """What a run did.

    Attributes
    ----------
    path : Path
        The dataset.
    rows : dict
        Frame name -> number of rows.
    requests : int
        Requests made, repeated ones too.
    failures : list of Failure
        Parts that failed for good: ``part``, ``status``, ``message``. What earlier runs had of
        them stays.
    first : bool
        Whether this was the first run into the dataset.
    via : str
        How histories came: ``rest`` or ``graphql``; ``none`` for documents alone.
    anonymous : bool
        Whether there was no token, so that only what is public was exported.
    """

    path: Path
    rows: dict[str, int]
    requests: int
    failures: list[Failure]
    first: bool
    via: str = "rest"
    anonymous: bool = False


@dataclass(frozen=True)
class _Plan:
    """What to export, documents of this machine, and what the manifest will say of both."""

    request: gitlab.Request | None  # None for documents alone
    documents: list[Record]
    asked: dict[str, Any]


def export_dataset(
    urls: Iterable[str] = (),
    *,
    to: str | os.PathLike[str],
    config: str | os.PathLike[str] | Config | None = None,
    roadmaps: str | None = None,
    jobs: int | None = None,
    via: Via = "auto",
    full: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Exported:
    """Export milestones, issues and their whole history from GitLab into a dataset.

    A second run into the same dataset fetches only what changed. A run that was interrupted, or
    that failed, is resumed by the next one.

    Parameters
    ----------
    urls : iterable of str
        Groups (with their subgroups) and projects, as copied from the browser; default: those of
        the configuration, or of the last run into this dataset. Without any, the documents of
        `roadmaps` are exported alone, and no request is made.
    to : path
        The dataset; created if needed.
    config : path or Config, optional
        A roadmap.toml, or its settings (`roadmap_analytics.config.parse`).
    roadmaps : str, optional
        A folder or git clone with dated Markdown revisions, or ``GROUP/PROJECT:GLOB`` on the same
        GitLab.
    jobs : int, optional
        Requests at once; 4 by default.
    via : {"auto", "rest", "graphql"}
        How histories of issues come: by GraphQL, by REST, or by GraphQL where the server can.
    full : bool
        Whether to fetch again what did not change.
    progress : callable, optional
        Called with a `Progress` whenever something begins, an issue is done, or the server asks
        to wait; the last from other threads, too.

    Returns
    -------
    Exported
        Also where parts failed for good: see its `failures`.

    Raises
    ------
    ConfigurationError
        Where the addresses, the configuration or the folder are wrong.
    RoadmapError
        Where a roadmap document of this machine cannot be read.
    AccessError
        Where the token cannot see any of the groups and projects.
    ServerError
        Where the server or the network failed after every retry; what was fetched is kept.
    DatasetError
        Where the dataset is damaged, locked by another run, or the disk refuses.

    Examples
    --------
    >>> export_dataset(to="no/such/folder")  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    roadmap_analytics.errors.ConfigurationError: export: expected the address of a group ...
    """
    one_of("via", via, Via)
    if jobs is not None:
        whole_number("jobs", jobs, 1, MOST_JOBS)
    to = Path(to)
    settings = config if isinstance(config, Config) else _settings(config)
    manifest = _manifest(to)
    plan = _plan(to, as_list(urls), roadmaps, jobs, via, settings, manifest)
    with store.lock(to):
        return _run(to, plan, settings.for_dataset(), full=full, progress=progress)


def doctor(url: str, *, config: str | os.PathLike[str] | Config | None = None) -> list[Answer]:
    """Ask a GitLab what an export of a group or project would see and cost there.

    Everything is asked with the token, if there is one, and without: what can be seen, whether
    GraphQL gives histories and at what score of which limit, whether weights are licensed, how
    times are written, the server's clock, and a guess of requests and minutes. It makes fewer than
    20 requests. The answers name no person and no title, and have no secret in them.

    Parameters
    ----------
    url : str
        A group or project, as copied from the browser.
    config : path or Config, optional
        A roadmap.toml, or its settings. Its `jobs` are those of the export that is guessed.

    Returns
    -------
    list of Answer
        Each a `question` and its `answer`.

    Raises
    ------
    ConfigurationError
        Where the address is wrong, or no GitLab.
    AccessError
        Where the group or project can be seen neither with the token nor without.
    ServerError
        Where nothing answers.
    """
    settings = config if isinstance(config, Config) else _settings(config)
    return gitlab.examine(
        gitlab.parse_address(url, settings.url),
        settings.section,
        jobs=settings.jobs or DEFAULT_JOBS,
        now=_now,
    )


def simulate_dataset(to: str | os.PathLike[str], *, issues: int, seed: int) -> Exported:
    """Write a simulated dataset; the same bytes for the same arguments.

    Parameters
    ----------
    to : path
        A new or empty folder.
    issues : int
        How many issues.
    seed : int
        Decides everything else.

    Raises
    ------
    ConfigurationError
        Where `to` has a dataset already.
    """
    whole_number("issues", issues, 1, simulate.MOST_ISSUES)
    whole_number("seed", seed, 0, simulate.LARGEST_SEED)
    to = Path(to)
    with store.lock(to):
        if (to / "manifest.json").exists():
            raise ConfigurationError(f"{to}: holds a dataset already. Give --to an empty folder.")
        asked = {"urls": [], "issues": issues, "seed": seed}
        config = Config().for_dataset()
        with store.open_run(
            to, origin=simulate.ORIGIN, asked=asked, started_at=simulate.NOW
        ) as run:
            for record in simulate.records(issues, seed):
                run.write(record)
            tables = frames.build_tables(run.records(), config=config)
            made = run.commit(tables, ended_at=simulate.NOW, config=config, simulated=True)
    return Exported(to, _rows(made), 0, [], first=True)


# -- what to export --------------------------------------------------------------------------------


def _settings(file: str | os.PathLike[str] | None) -> Config:
    return Config() if file is None else configuration.load(Path(file))


def _manifest(path: Path) -> store.Manifest | None:
    """Read the manifest of the dataset to write into; None where there is none yet."""
    if not path.exists():
        return None
    if not path.is_dir():
        raise ConfigurationError(f"--to {path}: expected a folder, found a file. Give a folder.")
    if not (path / "manifest.json").exists():
        names = sorted(one.name for one in path.iterdir())
        # A first run that was killed leaves such files and no manifest.
        strangers = [name for name in names if name.removesuffix(".part") not in store.OWN_NAMES]
        if strangers:
            raise DatasetError(
                f"{path}: expected a dataset or an empty folder, found {strangers[0]}. "
                "Give --to a folder of its own."
            )
        return None
    manifest = store.read_manifest(path)
    if manifest.simulated:
        raise ConfigurationError(
            f"{path}: holds simulated data, which an export may not mix with. Give another --to."
        )
    return manifest


def _plan(
    to: Path,
    urls: list[str],
    roadmaps: str | None,
    jobs: int | None,
    via: Via,
    settings: Config,
    manifest: store.Manifest | None,
) -> _Plan:
    if roadmaps:
        settings = _roadmaps_at(roadmaps, settings)
    if (folder := settings.roadmaps_path) and folder.startswith("~"):
        # roadmap.toml has no shell to do it. What a manifest names stays as it is: whether it may
        # be read is asked of the path as it stands.
        settings = replace(settings, roadmaps_path=os.path.expanduser(folder))  # noqa: PTH111 - Path fails without a home
    urls = urls or [*settings.groups, *settings.projects]
    given = bool(urls)
    if not urls and manifest is not None:
        urls = list(manifest.asked.get("urls") or ())
        _refuse_strangers(to, settings, manifest, urls)
        settings = _roadmaps_as_before(settings, manifest.asked)
    addresses = [gitlab.parse_address(url, settings.url) for url in urls]
    addresses = list(dict.fromkeys(addresses))
    place, documents = _roadmaps(settings)
    if not addresses and not documents:
        raise ConfigurationError(
            "export: expected the address of a group or project, or a folder of roadmap documents, "
            "got neither. Give one, or list groups in roadmap.toml: [gitlab]."
        )
    request = gitlab.Request(
        addresses, settings.section, jobs or settings.jobs or DEFAULT_JOBS, place, via
    ) if addresses else None  # fmt: skip
    origin = request.origin if request else DOCUMENTS
    if manifest is not None and manifest.origin != origin:
        raise ConfigurationError(
            f"--to: expected a dataset of {origin}, found one of {manifest.origin}. "
            "Give another folder."
        )
    where = settings.roadmaps_path or settings.roadmaps_project
    if given or request is None:
        _remember({request.origin} if request else set(), where)
    asked: dict[str, Any] = {"urls": sorted(map(str, addresses)), "roadmaps": where}
    narrowed = {"pattern": settings.roadmaps_pattern, "ref": settings.roadmaps_ref}
    if where:
        asked |= {name: value for name, value in narrowed.items() if value}
    return _Plan(request, documents, asked)


def _refuse_strangers(
    to: Path, settings: Config, manifest: store.Manifest, urls: list[str]
) -> None:
    """Send a token nowhere, and read no folder, on the word of a dataset from somebody else.

    A run without an address asks what the manifest names. That is fine where the same was given on
    this machine before; a dataset that was downloaded may name any host.
    """
    known = _given()
    here = gitlab.parse_address("x", settings.url).origin if settings.url else None
    if urls and manifest.origin not in (here, *known):
        raise ConfigurationError(
            f"{to}: got no address, and {manifest.origin}, which its manifest names, was never "
            "given on this machine. If that host is right, give the address: "
            f"{PROGRAM} export {urls[0]} --to {to}"
        )
    where = manifest.asked.get("roadmaps")
    elsewhere = settings.roadmaps_path or settings.roadmaps_project
    if where and not elsewhere and _is_folder(where) and _absolute(where) not in known:
        raise ConfigurationError(
            f"{to}: its manifest names the folder {where} for roadmaps, which was never given on "
            f"this machine. If it is right, give it: --roadmaps {where}"
        )


def _is_folder(where: str) -> bool:
    try:
        return Path(where).exists()
    except (OSError, ValueError):  # too long, or with a NUL: no name of a file
        return False


def _absolute(where: str) -> str:
    return str(Path(where).absolute())


def _state_file() -> Path:
    """Where this machine keeps which hosts and folders were given on it, a line each."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / PROGRAM / "given"


def _given() -> set[str]:
    try:
        return set(_state_file().read_text("utf-8").splitlines())
    except (OSError, ValueError, RuntimeError):  # not there yet, or no home
        return set()


def _remember(origins: set[str], roadmaps: str | None) -> None:
    lines = origins | ({_absolute(roadmaps)} if roadmaps and _is_folder(roadmaps) else set())
    new = sorted(line for line in lines - _given() if line.isprintable())
    if not new:
        return
    # Without a home to write to, the next run without an address asks for one.
    with suppress(OSError, RuntimeError):
        file = _state_file()
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.writelines(f"{line}\n" for line in new)


def _roadmaps_as_before(settings: Config, asked: dict[str, Any]) -> Config:
    """Take from the manifest where the documents were, unless `roadmap.toml` says it."""
    if settings.roadmaps_path or settings.roadmaps_project:
        return settings
    return replace(
        settings,
        roadmaps_path=asked.get("roadmaps"),
        roadmaps_pattern=settings.roadmaps_pattern or asked.get("pattern"),
        roadmaps_ref=settings.roadmaps_ref or asked.get("ref"),
    )


def _roadmaps_at(where: str, settings: Config) -> Config:
    """Put --roadmaps before `roadmap.toml`, whose pattern and ref belong to its own place."""
    if settings.roadmaps_path or settings.roadmaps_project:
        settings = replace(settings, roadmaps_pattern=None, roadmaps_ref=None)
    return replace(settings, roadmaps_path=where, roadmaps_project=None)


def _roadmaps(settings: Config) -> tuple[gitlab.Place | None, list[Record]]:
    """Find where the same GitLab has the documents, or read those of this machine."""
    pattern, ref = settings.roadmaps_pattern, settings.roadmaps_ref
    path, project = settings.roadmaps_path, settings.roadmaps_project
    if path is not None and not _is_folder(path):
        found = re.fullmatch(r"([\w.-]+(?:/[\w.-]+)+)(?::(.+))?", path)
        if not found:
            raise ConfigurationError(
                f"--roadmaps, or [roadmaps] path: {path}: expected a folder, a file, or "
                "GROUP/PROJECT:GLOB; there is no such folder, seen from the working directory."
            )
        project, pattern = found[1], found[2] or pattern
        path = None
    if project is not None:
        return gitlab.Place(project, pattern, ref), []
    if path is None:
        return None, []
    documents = [dict(one) for one in sources.read(path, pattern=pattern, ref=ref)]
    tables.check(documents)  # before anything is fetched, which may take hours
    for document in documents:
        # Only to see whether the text changed since the last run: no secret, so SHA-1 will do.
        text = document["text"].encode()
        document["blob"] = hashlib.sha1(text, usedforsecurity=False).hexdigest()
    return None, documents


# -- the run ---------------------------------------------------------------------------------------


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _run(
    to: Path,
    plan: _Plan,
    config: dict[str, Any],
    *,
    full: bool,
    progress: Callable[[Progress], None] | None,
) -> Exported:
    """Make one run, from the first request to the new manifest."""
    if plan.request is None:
        return _run_of_documents(to, plan, config, full=full)
    known, reporter = gitlab.Known(), gitlab.Reporter(progress)
    export = gitlab.Export(plan.request, known, reporter, now=_now)
    export.connect()
    with store.open_run(
        to,
        origin=plan.request.origin,
        asked=plan.asked,
        started_at=export.started_at,
        full=full,
        keep=gitlab.KEPT,
    ) as run:
        if export.anonymous and run.manifest and not run.manifest.runs[-1].anonymous:
            # What is not seen without a token would count as deleted.
            raise AccessError(
                f"{to}: exported with a token before, so expected one, got none. Set "
                "GITLAB_PRIVATE_TOKEN, or give another --to for what is public."
            )
        reporter.stage("what is known already")
        with store.foreign(to / "records", "set of records that this version can read"):
            _learn(known, run, full)
            unreadable = _forget_unreadable(known, run)
        # Where documents are asked for again, what is there now decides, and is named if need be.
        if plan.request.documents is None and not plan.documents:
            export.failures += unreadable
        _write_documents(run, plan.documents, known)
        for record in export.records():
            run.write(record)
        run.started_at = export.started_at  # earlier than before, where the clock was set back
        reporter.stage("tables")
        made = run.commit(
            frames.build_tables(run.records(), config=config),
            ended_at=export.ended_at,
            config=config,
            requests=export.requests,
            failures=[one._asdict() for one in export.failures],
            via=export.via,
            anonymous=export.anonymous,
            notices=export.notices,
        )
    first = run.manifest is None
    return Exported(
        to,
        _rows(made),
        export.requests,
        list(export.failures),
        first,
        export.via,
        export.anonymous,
    )


def _run_of_documents(to: Path, plan: _Plan, config: dict[str, Any], *, full: bool) -> Exported:
    """Make one run of documents alone, which asks no GitLab."""
    now = _now().isoformat()
    known = gitlab.Known()
    with store.open_run(
        to, origin=DOCUMENTS, asked=plan.asked, started_at=now, full=full, keep=gitlab.KEPT
    ) as run:
        with store.foreign(to / "records", "set of records that this version can read"):
            _learn(known, run, full)
            _forget_unreadable(known, run)  # what is there now decides
        _write_documents(run, plan.documents, known)
        tables = frames.build_tables(run.records(), config=config)
        made = run.commit(tables, ended_at=now, config=config, via="none")
    return Exported(to, _rows(made), 0, [], run.manifest is None, via="none")


def _rows(made: store.Manifest) -> dict[str, int]:
    return {name: entry["rows"] for name, entry in made.tables["frames"].items()}


def _learn(known: gitlab.Known, run: store.OpenRun, full: bool) -> None:
    """Tell the exporter what is stored: by earlier runs, and by this one if it was interrupted."""
    stored = run.records()
    *earlier, this = stored.runs
    for one in earlier:
        known.add(one.started_at, stored.of(one))
    if full:
        known.distrust()
    # After `distrust`: what an interrupted full run fetched already is not fetched a second time.
    known.add(run.began_at, stored.of(this), interrupted=True)
    known.histories = lambda: run.records()(["history"])


def _forget_unreadable(known: gitlab.Known, run: store.OpenRun) -> list[Failure]:
    """Take off the list what an earlier version stored and this one cannot make frames of.

    Else every later run would fail at its tables, after all was fetched.
    """
    kept = run.records()
    stored: dict[str, Record] = {}
    names: set[str] = set()
    for one in kept.runs:
        found = {record["name"]: record for record in kept.of(one, ["document"])}
        stored |= found
        listings = list(kept.of(one, ["documents"]))
        names = set(listings[-1]["names"]) if listings else names | found.keys()
    failures = []
    for name in sorted(stored):
        try:
            tables.check([stored[name]])
        except RoadmapError as error:
            known.documents.pop(name, None)
            if name in names:
                part, said = f"roadmap {name}", str(error).rstrip(".")
                failures.append(Failure(part, None, said))
                names.remove(name)
    if failures:
        run.write(records.documents(sorted(names)))
    return failures


def _write_documents(run: store.OpenRun, documents: list[Record], known: gitlab.Known) -> None:
    for document in documents:
        if known.documents.get(document["name"]) != document["blob"]:
            run.write(document)
    if documents:
        run.write(records.documents(one["name"] for one in documents))
