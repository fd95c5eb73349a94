"""The command `roadmap-analytics`: joins exporter and store, dataset and report.

Here, and nowhere below, the clock, the environment and the terminal are looked at. Every failure
leaves as one or two lines on standard error and an exit code of the contract.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from roadmap_analytics.errors import (
    ConfigurationError,
    DatasetError,
    RoadmapAnalyticsError,
    RoadmapError,
)

if TYPE_CHECKING:
    from roadmap_analytics import config as configuration
    from roadmap_analytics import gitlab, store
    from roadmap_analytics.records import Record

__all__ = ["app", "main"]

PROGRAM = "roadmap-analytics"
INTERRUPTED = 130
DEFAULT_JOBS = 4
MOST_FAILURES_NAMED = 10

app = typer.Typer(
    name=PROGRAM,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Dataset = Annotated[Path, typer.Argument(metavar="DIR", help="A dataset.")]
To = Annotated[Path, typer.Option("--to", metavar="DIR", help="Where the dataset is, or will be.")]


def main() -> None:
    """Run the command line, and end the process with the contract's exit code."""
    sys.exit(_run(sys.argv[1:]))


def _run(arguments: list[str]) -> int:
    try:
        code = typer.main.get_command(app).main(arguments, PROGRAM, standalone_mode=False)
    except typer.TyperException as error:
        return _wrong_usage(error)
    except RoadmapAnalyticsError as error:
        _say(f"{PROGRAM}: {error}")
        return error.exit_code
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _say(f"{PROGRAM}: {where}{error.strerror or error}. Check the path and its rights.")
        return 2
    if code == INTERRUPTED:  # so typer answers Ctrl-C
        _say(f"{PROGRAM}: interrupted. Run the same again: an export goes on where it was.")
    return code if isinstance(code, int) else 0


def _wrong_usage(error: typer.TyperException) -> int:
    """One line for what is wrong, one for where to read on."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else PROGRAM
    format_message = getattr(error, "format_message", error.__str__)
    text = " ".join(str(format_message()).split())
    if context is not None and type(error).__name__ == "NoArgsIsHelpError":
        text = "expected a command."
    _say(f"{command}: {text}\nSee: {command} --help")
    return 2


def _say(text: str) -> None:
    """Print on standard error, at most two lines, nothing that a terminal would obey."""
    for line in text.split("\n", 1):
        typer.echo("".join(c if c.isprintable() else " " for c in line), err=True)


def _tell(text: str) -> None:
    """Print on standard output; a reader that has gone away (`| head`) is no failure."""
    try:
        typer.echo(text)
    except BrokenPipeError:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - for the rest of the process


def _version(asked: bool) -> None:
    if asked:
        _tell(f"{PROGRAM} {version(PROGRAM)}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Burndown, slippage, workload and forecasts from GitLab issues and dated roadmaps."""


# -- export ----------------------------------------------------------------------------------------


@app.command()
def export(
    to: To,
    urls: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="URL",
            help="Groups (with their subgroups) and projects, as copied from the browser; "
            "default: those of roadmap.toml, or of the last export into DIR.",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Default: roadmap.toml in this folder, if there is one."),
    ] = None,
    roadmaps: Annotated[
        str | None,
        typer.Option(
            metavar="WHERE",
            help="A folder or git clone with dated Markdown revisions, or GROUP/PROJECT:GLOB "
            "on the same GitLab.",
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, max=64, help=f"Requests at once; default {DEFAULT_JOBS}."),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Fetch everything anew.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress.")] = False,
) -> int:
    """Export milestones, issues and their whole history into DIR; again, only what changed.

    The token comes from GITLAB_PRIVATE_TOKEN (scope read_api), or from python-gitlab's own
    configuration file.
    """
    from roadmap_analytics import config as configuration
    from roadmap_analytics import store

    began = time.monotonic()
    if config is None and Path(configuration.DEFAULT_FILE).is_file():
        config = Path(configuration.DEFAULT_FILE)
    settings = configuration.load(config) if config else configuration.Config()
    manifest = _manifest(to)
    request, documents, asked = _request(urls or [], roadmaps, jobs, settings, manifest)
    with store.lock(to), _Screen(quiet) as screen:
        done, failures, requests = _export(to, request, documents, asked, settings, full, screen)
    _summary(done)
    _tell(f"{requests:,} requests, {time.monotonic() - began:.1f} seconds: {to}")
    return _failed(failures, first=manifest is None)


def _summary(manifest: store.Manifest) -> None:
    """Say how many rows each table has."""
    for name, entry in manifest.tables["frames"].items():
        _tell(f"{name:<20}{entry['rows']:>12,}")


def _manifest(path: Path) -> store.Manifest | None:
    from roadmap_analytics import store

    if not path.exists():
        return None
    if not path.is_dir():
        raise ConfigurationError(f"--to {path}: expected a folder, found a file. Give a folder.")
    if not (path / "manifest.json").exists():
        names = sorted(one.name for one in path.iterdir())
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


def _request(
    urls: list[str],
    roadmaps: str | None,
    jobs: int | None,
    settings: configuration.Config,
    manifest: store.Manifest | None,
) -> tuple[gitlab.Request, list[dict[str, Any]], dict[str, Any]]:
    """Put together what to export, documents of this machine, and what the manifest will say."""
    from roadmap_analytics import gitlab

    urls = urls or [*settings.groups, *settings.projects]
    if not urls and manifest is not None:
        urls = list(manifest.asked["urls"])
        settings = _roadmaps_as_before(settings, manifest.asked)
    if not urls:
        raise ConfigurationError(
            "export: expected the address of a group or project, got none. Give one, or list "
            "groups in roadmap.toml: [gitlab]."
        )
    addresses = [gitlab.parse_address(url, settings.url) for url in urls]
    addresses = list(dict.fromkeys(addresses))
    if roadmaps:
        settings = _roadmaps_at(roadmaps, settings)
    place, documents = _roadmaps(settings)
    request = gitlab.Request(
        addresses, settings.section, jobs or settings.jobs or DEFAULT_JOBS, place
    )
    if manifest is not None and manifest.origin != request.origin:
        raise ConfigurationError(
            f"--to: expected a dataset of {request.origin}, found one of {manifest.origin}. "
            "Give another folder."
        )
    where = settings.roadmaps_path or settings.roadmaps_project
    asked: dict[str, Any] = {"urls": sorted(map(str, addresses)), "roadmaps": where}
    narrowed = {"pattern": settings.roadmaps_pattern, "ref": settings.roadmaps_ref}
    if where:
        asked |= {name: value for name, value in narrowed.items() if value}
    return request, documents, asked


def _roadmaps_as_before(
    settings: configuration.Config, asked: dict[str, Any]
) -> configuration.Config:
    """Take from the manifest where the documents were, unless `roadmap.toml` says it."""
    if settings.roadmaps_path or settings.roadmaps_project:
        return settings
    return replace(
        settings,
        roadmaps_path=asked["roadmaps"],
        roadmaps_pattern=settings.roadmaps_pattern or asked.get("pattern"),
        roadmaps_ref=settings.roadmaps_ref or asked.get("ref"),
    )


def _roadmaps_at(where: str, settings: configuration.Config) -> configuration.Config:
    """Put --roadmaps before `roadmap.toml`, whose pattern and ref belong to its own place."""
    if settings.roadmaps_path or settings.roadmaps_project:
        settings = replace(settings, roadmaps_pattern=None, roadmaps_ref=None)
    return replace(settings, roadmaps_path=where, roadmaps_project=None)


def _roadmaps(
    settings: configuration.Config,
) -> tuple[gitlab.Place | None, list[dict[str, Any]]]:
    """Documents on the same GitLab, or those read from this machine."""
    from roadmap_analytics import gitlab
    from roadmap_analytics.roadmap import sources, tables

    pattern, ref = settings.roadmaps_pattern, settings.roadmaps_ref
    path, project = settings.roadmaps_path, settings.roadmaps_project
    if path is not None and not Path(path).exists():
        found = re.fullmatch(r"([\w.-]+(?:/[\w.-]+)+)(?::(.+))?", path)
        if not found:
            raise ConfigurationError(
                f"--roadmaps {path}: expected a folder, a file, or GROUP/PROJECT:GLOB; there is no "
                "such folder here."
            )
        project, pattern = found[1], found[2] or pattern
        path = None
    if project is not None:
        return gitlab.Place(project, pattern, ref), []
    if path is None:
        return None, []
    documents = [dict(one) for one in sources.read(path, pattern=pattern, ref=ref)]
    tables.parse(documents)  # what cannot be read is told before anything is fetched
    for document in documents:
        document["blob"] = hashlib.sha1(
            document["text"].encode(), usedforsecurity=False
        ).hexdigest()
    return None, documents


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _export(
    to: Path,
    request: gitlab.Request,
    documents: list[dict[str, Any]],
    asked: dict[str, Any],
    settings: configuration.Config,
    full: bool,
    screen: _Screen,
) -> tuple[store.Manifest, list[gitlab.Failure], int]:
    """One run, from the first request to the new manifest."""
    from roadmap_analytics import frames, gitlab, store

    export = gitlab.Export(request, known := gitlab.Known(), screen, now=_now)
    export.connect()
    with store.open_run(
        to,
        origin=request.origin,
        asked=asked,
        started_at=export.started_at,
        full=full,
        keep=gitlab.KEPT,
    ) as run:
        screen.stage("what is known already")
        _learn(known, run, full)
        unreadable = _forget_unreadable(known, run)
        if not (request.documents or documents):  # else what is there now decides, and is named
            export.failures += unreadable
        _write_documents(run, documents, known)
        for record in export.records():
            run.write(record)
        screen.stage("tables")
        config = settings.for_dataset()
        done = run.commit(
            frames.build_tables(run.records(), config=config),
            ended_at=export.ended_at,
            config=config,
            requests=export.requests,
            failures=[one._asdict() for one in export.failures],
        )
    return done, export.failures, export.requests


def _learn(known: gitlab.Known, run: store.OpenRun, full: bool) -> None:
    """Tell the exporter what is stored: by earlier runs, and by this one if it was interrupted."""
    records = run.records()
    *earlier, this = records.runs
    for one in earlier:
        known.add(one.started_at, records.of(one))
    if full:
        known.distrust()
    known.add(run.began_at, records.of(this))
    known.histories = lambda: run.records()(["history"])


def _forget_unreadable(known: gitlab.Known, run: store.OpenRun) -> list[gitlab.Failure]:
    """Take off the list what an earlier version stored and this one cannot make frames of."""
    from roadmap_analytics import gitlab
    from roadmap_analytics.roadmap import tables

    records = run.records()
    stored: dict[str, Record] = {}
    names: set[str] = set()
    for one in records.runs:
        found = {record["name"]: record for record in records.of(one, ["document"])}
        stored |= found
        listings = list(records.of(one, ["documents"]))
        names = set(listings[-1]["names"]) if listings else names | found.keys()
    failures = []
    for name in sorted(stored):
        try:
            tables.parse([stored[name]])
        except RoadmapError as error:
            known.documents.pop(name, None)
            if name in names:
                part, said = f"roadmap {name}", str(error).rstrip(".")
                failures.append(gitlab.Failure(part, None, said))
                names.remove(name)
    if failures:
        run.write({"kind": "documents", "names": sorted(names)})
    return failures


def _write_documents(
    run: store.OpenRun, documents: list[dict[str, Any]], known: gitlab.Known
) -> None:
    for document in documents:
        if known.documents.get(document["name"]) != document["blob"]:
            run.write(document)
    if documents:
        run.write({"kind": "documents", "names": [one["name"] for one in documents]})


def _failed(failures: list[gitlab.Failure], first: bool) -> int:
    """Name the parts that failed for good; the exit code that says so."""
    so = "missing until a later run gets it" if first else "what it had before stays"
    for failure in failures[:MOST_FAILURES_NAMED]:
        status = f"{failure.status}: " if failure.status else ""
        _say(f"{PROGRAM}: {failure.part}: {status}{failure.message}; {so}.")
    if len(failures) > MOST_FAILURES_NAMED:
        _say(f"{PROGRAM}: and {len(failures) - MOST_FAILURES_NAMED} more parts; `check` lists all.")
    if not failures:
        return 0
    return 3 if all(failure.forbidden for failure in failures) else 4


# -- progress --------------------------------------------------------------------------------------


class _Screen:
    """Progress on standard error: a moving bar on a terminal, plain lines elsewhere."""

    SECONDS_BETWEEN_LINES = 10.0

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Any = None
        self._stage = ""
        self._last = time.monotonic()

    def __enter__(self) -> _Screen:
        if not self._quiet and sys.stderr.isatty():
            from tqdm import tqdm

            sized = os.get_terminal_size(sys.stderr.fileno()).columns > 0  # some say 0 x 0
            size: dict[str, Any] = {"dynamic_ncols": True} if sized else {"ncols": 80, "nrows": 24}
            self._bar = tqdm(unit=" issues", file=sys.stderr, leave=False, **size)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def stage(self, what: str) -> None:
        """Say what begins."""
        self._stage = what
        if self._bar is not None:
            self._bar.set_description(what)
        else:
            self._line(what)

    def step(self, done: int, total: int, requests: int) -> None:
        """Say how many issues of how many are done."""
        if self._bar is not None:
            self._bar.total = total
            self._bar.set_postfix_str(f"{requests:,} requests", refresh=False)
            self._bar.update(done - self._bar.n)
        elif time.monotonic() - self._last >= self.SECONDS_BETWEEN_LINES:
            self._line(f"{self._stage}: {done:,} of {total:,} seen so far, {requests:,} requests")

    def waiting(self, seconds: float) -> None:
        """Say that the server asks to wait."""
        text = f"waiting {seconds:.0f} s for the rate limit"
        if self._bar is not None:
            self._bar.set_postfix_str(text)
        else:
            self._line(text)

    def _line(self, text: str) -> None:
        self._last = time.monotonic()
        if not self._quiet:
            _say(text)


# -- check, report, simulate -----------------------------------------------------------------------


@app.command()
def check(dataset: Dataset) -> int:
    """Validate a dataset, replay every issue's history, and print a report on its quality.

    Exit code 1 where something does not hold: a table or a part of the export is broken, or a
    history ends elsewhere than today's field. Where the cause of that is evident and past (an
    import, a move, a deleted milestone ...), it is a warning. The frames follow today's field.
    """
    from roadmap_analytics import frames, store
    from roadmap_analytics.analysis import quality

    store.verify(dataset)
    found = quality.check(frames.load(dataset))
    _tell(str(found))
    return 0 if found.ok else 1


@app.command()
def report(
    dataset: Dataset,
    to: Annotated[Path, typer.Option("--to", metavar="OUT", help="Folder for the pages.")],
    confidential: Annotated[
        bool, typer.Option("--confidential", help="Show titles of confidential issues.")
    ] = False,
    pseudonyms: Annotated[
        int | None,
        typer.Option(metavar="SEED", help="Replace every person by a made-up name."),
    ] = None,
) -> None:
    """Run the notebooks on a dataset and write self-contained HTML pages with an index."""
    from roadmap_analytics.report import build as pages

    _tell(str(pages.build(dataset, to, confidential=confidential, pseudonyms=pseudonyms)))


@app.command()
def simulate(
    to: To,
    issues: Annotated[int, typer.Option(metavar="N", min=1, help="How many issues.")],
    seed: Annotated[int, typer.Option(metavar="S", help="Same seed, same bytes.")],
) -> None:
    """Write a simulated dataset; the same bytes for the same arguments."""
    from roadmap_analytics import config as configuration
    from roadmap_analytics import frames, store
    from roadmap_analytics import simulate as world

    with store.lock(to):
        if (to / "manifest.json").exists():
            raise ConfigurationError(f"{to}: holds a dataset already. Give --to an empty folder.")
        with store.open_run(
            to,
            origin=world.ORIGIN,
            asked={"urls": [], "issues": issues, "seed": seed},
            started_at=world.NOW,
        ) as run:
            for record in world.records(issues, seed):
                run.write(record)
            config = configuration.Config().for_dataset()
            done = run.commit(
                frames.build_tables(run.records(), config=config),
                ended_at=world.NOW,
                config=config,
                simulated=True,
            )
    _summary(done)
