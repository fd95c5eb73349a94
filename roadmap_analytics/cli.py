"""The command `roadmap-analytics`: arguments in, a public function called, an exit code out.

`ra` loads what a command uses when it is used, so that `--version` and `--help` load no pandas.
Every failure leaves as one or two lines on standard error and an exit code of the contract.
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from tqdm import tqdm

import roadmap_analytics as ra
from roadmap_analytics.errors import RoadmapAnalyticsError, TablesRebuiltWarning, masked

if TYPE_CHECKING:
    from roadmap_analytics.export import Exported, Progress

PROGRAM = "roadmap-analytics"
INTERRUPTED = 130
SHORTEST_TOKEN = 8
"""A shorter value is no token of GitLab's, and taking it out would spoil words."""
CONFIG = Path("roadmap.toml")
"""Read from the working directory where `--config` names no other."""
MOST_FAILURES_NAMED = 10
"""So many fit on a screen; `check` lists all."""


app = typer.Typer(
    name=PROGRAM,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Dataset = Annotated[Path, typer.Argument(metavar="DIR", help="Dataset directory.")]
To = Annotated[
    Path, typer.Option("--to", metavar="DIR", help="Dataset directory (created if needed).")
]


def _settings(file: Path | None) -> Path | None:
    return CONFIG if file is None and CONFIG.is_file() else file


Settings = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        callback=_settings,
        help="Default: roadmap.toml in this folder, if there is one.",
    ),
]


def main() -> None:
    """Run the command line, and end the process with the contract's exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A title may hold letters that this locale (LC_ALL=C, latin-1) cannot write.
            stream.reconfigure(errors="backslashreplace")
    with _stopped_like_ctrl_c() as got, _warnings_in_a_line():
        code = _run(sys.argv[1:])
    sys.exit(128 + got[0] if got and code == INTERRUPTED else code)


@contextmanager
def _stopped_like_ctrl_c() -> Iterator[list[int]]:
    """Let SIGTERM and SIGHUP end a run as Ctrl-C does; yield the signals that came."""
    got: list[int] = []

    def stop(number: int, _: object) -> None:
        for one in before:  # they come in pairs when a terminal closes: once is enough
            signal.signal(one, signal.SIG_IGN)
        got.append(number)
        raise KeyboardInterrupt

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        numbers = []
    # What the caller has the process ignore (nohup) stays ignored.
    before = {one: signal.getsignal(one) for one in numbers}
    before = {one: then for one, then in before.items() if then is signal.SIG_DFL}
    for one in before:
        signal.signal(one, stop)
    try:
        yield got
    finally:
        for one, then in before.items():
            signal.signal(one, then)


@contextmanager
def _warnings_in_a_line() -> Iterator[None]:
    """Say that tables were rebuilt as any other message, not with the line of code."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", TablesRebuiltWarning)
        show = warnings.showwarning

        def say(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
            if issubclass(category, TablesRebuiltWarning):
                _say(f"{PROGRAM}: {message}")
            else:
                show(message, category, *where, **more)

        warnings.showwarning = say
        yield


@cache
def _command() -> Any:
    """Read the signatures of all commands, once for all runs of a process."""
    return typer.main.get_command(app)


def _run(arguments: list[str]) -> int:
    if "" in arguments:
        # A variable of a script that is not set. As a path it would mean the working directory.
        place = arguments.index("")
        where = f" after {arguments[place - 1]}" if place else ""
        _say(f"{PROGRAM}: expected a value{where}, got an empty one.\nSee: {PROGRAM} --help")
        return 2
    try:
        code = _command().main(arguments, PROGRAM, standalone_mode=False)
    except typer.TyperException as error:
        return _wrong_usage(error)
    except RoadmapAnalyticsError as error:
        _say(f"{PROGRAM}: {error}")
        return error.exit_code
    except OSError as error:
        # `--help` is printed by typer, which does not say where it was to go.
        full = error.errno == errno.ENOSPC
        where = error.filename or ("standard output" if full else "")
        _say(
            f"{PROGRAM}: {where}{': ' if where else ''}{error.strerror or error}. "
            "Check the path and its rights."
        )
        return 2
    if code == INTERRUPTED:  # so typer answers Ctrl-C
        _say(f"{PROGRAM}: interrupted. Run the same command again to resume.")
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
    """Print on standard error, at most two lines, no secret, nothing that a terminal would obey.

    Where standard error cannot be written, there is no place left to say so; the exit code does.
    """
    with suppress(OSError):
        for line in text.split("\n", 1):
            typer.echo(_plain(_without_token(masked(line))), err=True)


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def _without_token(text: str) -> str:
    token = os.environ.get("GITLAB_PRIVATE_TOKEN", "").strip()
    return text.replace(token, "[secret]") if len(token) >= SHORTEST_TOKEN else text


def _tell(text: str) -> None:
    """Print on standard output; a reader that has gone away (`| head`) is no failure.

    Raises
    ------
    OSError
        Where it cannot be written (a full disk).
    """
    try:
        typer.echo("\n".join(_plain(line) for line in text.split("\n")))
    except OSError as error:
        # For the rest of the process, so that Python does not try again when it ends.
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115
        if not isinstance(error, BrokenPipeError):
            raise OSError(error.errno, error.strerror, "standard output") from None


def _version(asked: bool) -> None:
    if asked:
        _tell(f"{PROGRAM} {version(PROGRAM)}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Show the version and exit."
        ),
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
            "default: those of roadmap.toml, or of the last export into DIR; with none of these, "
            "documents are exported alone.",
        ),
    ] = None,
    config: Settings = None,
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
        typer.Option(metavar="N", min=1, max=64, help="Requests at once; default 4."),
    ] = None,
    via: Annotated[
        Literal["auto", "rest", "graphql"],
        typer.Option(
            help="How histories come: by GraphQL (up to 100 issues a request), by REST, or by "
            "GraphQL where the server can."
        ),
    ] = "auto",
    full: Annotated[bool, typer.Option("--full", help="Fetch everything again.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> int:
    """Export milestones, issues and their whole history into DIR.

    Running it again fetches only what changed.

    The token comes from GITLAB_PRIVATE_TOKEN (scope read_api), or from python-gitlab's own
    configuration file. Without one, what is public is exported.
    """
    began = time.monotonic()
    with _Screen(quiet) as screen:
        done = ra.export_dataset(
            urls or (), to=to, config=config, roadmaps=roadmaps, jobs=jobs, via=via, full=full,
            progress=screen,
        )  # fmt: skip
    _summary(done)
    if done.anonymous:
        _tell("without a token: no confidential issues, no private projects")
    way = {
        "graphql": "histories by GraphQL",
        "rest": "histories by REST",
        "none": "documents alone",
    }[done.via]
    seconds = time.monotonic() - began
    _tell(f"{done.requests:,} requests, {seconds:.1f} seconds, {way}: {to}")
    return _failed(done)


def _summary(done: Exported) -> None:
    """Say how many rows each table has."""
    for name, rows in done.rows.items():
        _tell(f"{name:<20}{rows:>12,}")


def _failed(done: Exported) -> int:
    """Name the parts that failed for good; the exit code that says so."""
    failures = done.failures
    so = "missing until a later run gets it" if done.first else "what it had before stays"
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
            sized = os.get_terminal_size(sys.stderr.fileno()).columns > 0  # some say 0 x 0
            size: dict[str, Any] = {"dynamic_ncols": True} if sized else {"ncols": 80, "nrows": 24}
            self._bar = tqdm(unit=" issues", file=sys.stderr, leave=False, **size)
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, now: Progress) -> None:
        """Show how far the export is."""
        waiting = f"waiting {now.waiting_seconds:.0f} s for the rate limit"
        if self._bar is not None:
            self._bar.set_description(now.stage, refresh=now.stage != self._stage)
            self._bar.total = now.total
            said = waiting if now.waiting_seconds else f"{now.requests:,} requests"
            self._bar.set_postfix_str(said, refresh=bool(now.waiting_seconds))
            self._bar.update(now.done - self._bar.n)
        elif now.stage != self._stage:
            self._line(now.stage)
        elif now.waiting_seconds:
            self._line(waiting)
        elif time.monotonic() - self._last >= self.SECONDS_BETWEEN_LINES:
            far = f"{now.done:,} of {now.total:,} seen so far, {now.requests:,} requests"
            self._line(f"{now.stage}: {far}")
        self._stage = now.stage

    def _line(self, text: str) -> None:
        self._last = time.monotonic()
        if not self._quiet:
            _say(text)


# -- check, report, simulate -----------------------------------------------------------------------


@app.command()
def check(dataset: Dataset) -> int:
    """Validate a dataset, replay every issue's history, and print a report on its quality.

    A damaged table is rebuilt from the records, and standard error says so.

    Exit code 1 if a table or a part of the export is broken, or if a replayed history does not
    match the issue's current fields. Where the cause of such a difference is evident and past
    (an import, a move, a deleted milestone ...), it is a warning. The frames follow the current
    fields.
    """
    found = ra.check(ra.load(dataset, verify_records=True))
    _tell(str(found))
    return 0 if found.ok else 1


@app.command()
def report(
    dataset: Dataset,
    to: Annotated[Path, typer.Option("--to", metavar="OUT", help="Folder for the pages.")],
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="DATE", help="Show the state on this day."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="DATE",
            help="Show what changed since this day. Default: the export at least two weeks "
            "before, or the previous roadmap revision.",
        ),
    ] = None,
    notebooks: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Add your own notebooks; one named like a bundled one replaces it.",
        ),
    ] = None,
    bundled: Annotated[
        bool, typer.Option("--bundled/--no-bundled", help="Run the bundled notebooks.")
    ] = True,
    confidential: Annotated[
        bool, typer.Option("--confidential", help="Show titles of confidential issues.")
    ] = False,
    pseudonyms: Annotated[
        int | None,
        typer.Option(
            metavar="SEED", help="Replace people, titles and other texts by made-up ones."
        ),
    ] = None,
) -> None:
    """Run the notebooks on a dataset and write self-contained HTML pages with an index."""
    _without_a_grammar()
    index = ra.write_report(
        dataset, to, as_of=as_of, since=since, notebooks=notebooks, bundled=bundled,
        confidential=confidential, pseudonyms=pseudonyms,
    )  # fmt: skip
    _tell(str(index))


@app.command()
def doctor(
    url: Annotated[
        str, typer.Argument(metavar="URL", help="A group or project, as copied from the browser.")
    ],
    config: Settings = None,
) -> None:
    """Ask a GitLab, with and without the token, what an export would see and cost there.

    It makes fewer than 20 requests. There is no secret in what it prints: paste it into an issue.
    """
    answers = ra.doctor(url, config=config)
    width = max(len(one.question) for one in answers)
    for one in answers:
        _tell(f"{one.question:<{width}}  {_plain(one.answer)}")


@app.command()
def roadmaps(
    where: Annotated[
        Path,
        typer.Argument(metavar="WHERE", help="A folder, a file, a git clone, or a dataset."),
    ],
    to: Annotated[
        Path | None, typer.Option("--to", metavar="OUT", help="Folder for the page roadmaps.html.")
    ] = None,
    config: Settings = None,
    pattern: Annotated[
        str | None, typer.Option(metavar="GLOB", help="Which files: archive/*-roadmap.md")
    ] = None,
    ref: Annotated[
        str | None, typer.Option(metavar="REF", help="Branch, tag or commit of a clone.")
    ] = None,
) -> None:
    """Read roadmap documents and say, per revision, what was understood and what was not."""
    if (where / "manifest.json").is_file():
        found = ra.load(where)
    else:
        found = ra.read_roadmaps(where, pattern=pattern, ref=ref, config=config)
    for line in ra.reading_summary(found):
        _tell(line)
    if to is not None:
        _without_a_grammar()
        _tell(str(ra.write_roadmap_page(found, to)))


def _without_a_grammar() -> None:
    """Keep nbformat from a grammar of internationalised addresses, which takes a second to compile.

    jsonschema, with which it checks notebooks, compiles that at its import, and leaves the check of
    such addresses out where the package is missing. No notebook has any. Here and not in the
    library, since other code in the same process may need that check.
    """
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


@app.command()
def simulate(
    to: To,
    issues: Annotated[int, typer.Option(metavar="N", min=1, help="How many issues.")],
    seed: Annotated[int, typer.Option(metavar="S", help="Same seed, same bytes.")],
) -> None:
    """Write a simulated dataset; the same bytes for the same arguments."""
    _summary(ra.simulate_dataset(to, issues=issues, seed=seed))
