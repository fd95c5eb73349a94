"""Run the notebooks on a dataset and write them as self-contained HTML pages with an index.

A page asks nothing of the network, runs no script but its own (its content security policy forbids
the rest), holds its charts as SVG within it, and each notebook's code folded beside its results.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from nbconvert import HTMLExporter
from nbconvert.preprocessors.sanitize import SanitizeHTML
from traitlets.config import Config

from roadmap_analytics import frames
from roadmap_analytics.analysis import quality
from roadmap_analytics.analysis.days import AsOf
from roadmap_analytics.arguments import whole_number
from roadmap_analytics.errors import ConfigurationError, DatasetError
from roadmap_analytics.report import sentences, svg
from roadmap_analytics.report.board import FILTERS, Board, board
from roadmap_analytics.report.issues import listed
from roadmap_analytics.report.show import CONCLUSION, PHONE_SVG, PHONES
from roadmap_analytics.report.xray import reading_html

_TEMPLATE = Path(__file__).parent / "template"
_SVG = "image/svg+xml"
_ROADMAPS = "roadmaps.html"
_ISSUES = "open_issues.html"
_OWN = {"index": "is the board", "open_issues": "lists the open issues"}
"""Pages that come from no notebook, which a notebook of that name would replace."""

# A backtest of 50,000 issues takes minutes; a kernel that starts beside a dozen others on a loaded
# machine, more than the minute that nbclient gives it.
_CELL_SECONDS = 600
_KERNEL_SECONDS = 300
_FEWER_COLLECTIONS = "--IPKernelApp.exec_lines=import gc; gc.set_threshold(100_000, 20, 100)"
"""What imports and charts allocate stays until the kernel ends a few seconds later. By default
Python looks through all of it hundreds of times: a tenth of the report's time."""

# What Markdown and `show` write; the sanitiser shows all other elements as text.
_TAGS = [
    "a", "code", "div", "em", "h1", "h2", "h3", "li", "ol", "p", "pre", "small", "span", "strong",
    "ul", "table", "caption", "thead", "tbody", "tr", "th", "td",
]  # fmt: skip
_ATTRIBUTES = {"a": ["href"], "*": ["class"], "th": ["scope"]}


_KEPT_VARIABLES = frozenset(
    {
        *("PATH", "HOME", "USER", "LANG", "LANGUAGE", "TZ", "TZDIR", "TMPDIR", "TEMP", "TMP"),
        *("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "MPLCONFIGDIR"),
        *("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME", "PYTHONUTF8"),
        *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"),
        *("SYSTEMROOT", "WINDIR", "COMSPEC", "PATHEXT", "APPDATA", "LOCALAPPDATA", "USERPROFILE"),
    }
)
"""Where programs, libraries, caches and the time zone are: no more than Python needs to start."""


@dataclass
class _Page:
    """What the template knows of one page."""

    name: str
    file: str
    css: str = ""
    js: str = ""
    conclusions: list[str] = field(default_factory=list)
    provenance: list[str] = field(default_factory=list)
    pages: list[_Page] = field(default_factory=list)
    simulated: bool = False

    @property
    def css_hash(self) -> str:
        return _hash(self.css)

    @property
    def js_hash(self) -> str:
        return _hash(self.js)


def write_report(
    dataset: str | Path,
    out: str | Path,
    *,
    as_of: AsOf | None = None,
    since: AsOf | None = None,
    notebooks: str | Path | None = None,
    bundled: bool = True,
    confidential: bool = False,
    pseudonyms: int | None = None,
) -> Path:
    """Run every notebook on a dataset and write one HTML page each, and the board, `index.html`.

    Parameters
    ----------
    dataset : path
        A dataset as `export` or `simulate` writes it.
    out : path
        Folder for the pages; made where it is missing, pages of the same name are replaced.
    as_of : date, optional
        The day the pages describe; by default that of the newest export. Notebooks that name it
        in their cell of parameters get it there.
    since : date, optional
        The day of the last review, with which the board compares; by default that of the newest
        export at least two weeks before, else of the previous roadmap revision.
    notebooks : path, optional
        Folder with notebooks of your own. They stand beside the bundled ones; one that bears the
        name of a bundled one takes its place.
    bundled : bool
        Whether the notebooks of this package run as well.
    confidential : bool
        Whether titles of confidential issues are shown. They count either way.
    pseudonyms : int, optional
        Seed with which people get made-up names; every text that somebody typed is replaced, too.

    Returns
    -------
    Path
        The index.

    Raises
    ------
    DatasetError
        The dataset is damaged or none.
    ConfigurationError
        There are no notebooks, one of them failed, or nbconvert is not whole; the pages that were
        there stay.
    """
    if isinstance(dataset, frames.Dataset):
        raise ConfigurationError(
            "report: expected the folder of a dataset, got a dataset in memory; save(DIR) it first"
        )
    if pseudonyms is not None:
        whole_number("pseudonyms", pseudonyms, 0)
    original = frames.load(dataset)
    shown = original if confidential else original.without_confidential_titles()
    if pseudonyms is not None:
        shown = shown.pseudonymised(seed=pseudonyms)
    exporter = _exporter()
    day = as_of if as_of is not None else _last_day(shown)
    overview = board(shown, as_of=day, since=since)
    sources = _read(_notebook_files(notebooks, bundled))
    if as_of is not None:
        for _, notebook in sources:
            _set_parameters(notebook, as_of=str(overview.day.date()))
    with tempfile.TemporaryDirectory(prefix="roadmap-analytics-") as scratch:
        path = Path(dataset).resolve()
        if shown is not original:
            # Kernels load what is shown: a title that is left out must not be in their reach.
            path = Path(scratch) / "dataset"
            shown.save(path)
        _execute(sources, path)
    return _write(exporter, sources, Path(out), shown, overview)


def _last_day(dataset: frames.Dataset) -> pd.Timestamp:
    """Return the day that the data describe: of the newest export, else the newest revision."""
    try:
        return pd.Timestamp(dataset.exported_date)
    except DatasetError:
        raise ConfigurationError(
            "report: the dataset holds neither an export nor a roadmap revision, so it has no day; "
            "name one with --as-of"
        ) from None


def _notebook_files(own: str | Path | None, bundled: bool) -> list[Path]:
    """Return the notebooks to run; one's own take the place of bundled ones of the same name."""
    installed = Path(__file__).parents[1] / "notebooks"
    ours = installed if installed.is_dir() else Path(__file__).parents[2] / "notebooks"
    files = {file.name: file for file in sorted(ours.glob("*.ipynb"))} if bundled else {}
    if own is not None:
        mine = {file.name: file for file in sorted(Path(own).glob("*.ipynb"))}
        if not mine:
            raise ConfigurationError(f"report: no notebooks (*.ipynb) in {own}")
        for name, what in _OWN.items():
            if file := mine.get(f"{name}.ipynb"):
                raise ConfigurationError(f"report: {file}: {name}.html {what}; rename the notebook")
        files |= mine
    return list(files.values())


def _read(files: list[Path]) -> list[tuple[_Page, Any]]:
    found = []
    for file in files:
        try:
            found.append((file.stem, nbformat.read(file, as_version=4)))  # type: ignore[no-untyped-call]
        except (ValueError, KeyError, AttributeError, nbformat.ValidationError) as error:
            raise ConfigurationError(
                f"report: {file}: expected a notebook of format 4, got {_first_line(error)}"
            ) from None
    # Notebooks of one's own bear no number, so they follow the bundled ones, by name.
    found.sort(key=lambda pair: (pair[1].metadata.get("order", 99), pair[0]))
    return [(_Page(nb.metadata.get("title", stem), f"{stem}.html"), nb) for stem, nb in found]


def _set_parameters(notebook: Any, **values: str) -> None:
    """Put a cell behind the one tagged "parameters" that sets those which it names.

    The way of papermill: what a notebook does not name, it does not get.
    """
    for place, cell in enumerate(notebook.cells):
        if "parameters" not in cell.metadata.get("tags", []):
            continue
        named = {
            n: v for n, v in values.items() if re.search(rf"^{n}\b", cell.source, re.MULTILINE)
        }
        if named:
            source = "\n".join(f"{name} = {value!r}" for name, value in named.items())
            added = nbformat.v4.new_code_cell(source, metadata={"tags": ["injected-parameters"]})  # type: ignore[no-untyped-call]
            notebook.cells.insert(place + 1, added)
        return


def _execute(sources: Iterable[tuple[_Page, Any]], dataset: Path) -> None:
    environment = _environment(dataset)
    under_way: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[None] | None]] = []

    async def execute(client: NotebookClient, private: str) -> None:
        under_way.append((asyncio.get_running_loop(), asyncio.current_task()))
        own = {"IPYTHONDIR": private, "JUPYTER_CONFIG_DIR": private}
        await client.async_execute(env=environment | own)

    def run(source: tuple[_Page, Any]) -> None:
        page, notebook = source
        try:
            with tempfile.TemporaryDirectory(prefix="ra-") as private:
                empty = Path(private) / "empty"
                empty.mkdir()
                client = NotebookClient(
                    notebook,
                    timeout=_CELL_SECONDS,
                    startup_timeout=_KERNEL_SECONDS,
                    kernel_name="python3",
                    extra_arguments=[_FEWER_COLLECTIONS],
                    config=_kernel(Path(private)),
                    resources={"metadata": {"path": str(empty)}},
                )
                # A loop of its own, which is closed again; `execute` leaves one open per thread.
                asyncio.run(execute(client, private))
        except CellExecutionError as error:
            raise ConfigurationError(
                f"report: notebook {page.name} failed: {error.ename}: {error.evalue}; "
                "open it in JupyterLab with this dataset to see where"
            ) from None
        except (CellTimeoutError, RuntimeError) as error:  # the kernel died or never started
            raise ConfigurationError(
                f"report: notebook {page.name} did not finish: {_first_line(error)}; "
                f"a kernel may take {_KERNEL_SECONDS} s to start, a cell {_CELL_SECONDS} s"
            ) from None

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            list(pool.map(run, sources))
        except BaseException:  # Ctrl-C, or one failed: the others need not run to their end
            pool.shutdown(wait=False, cancel_futures=True)
            for loop, task in under_way:
                with suppress(RuntimeError):  # that loop is closed already
                    loop.call_soon_threadsafe(task.cancel if task else loop.stop)
            raise


def _environment(dataset: Path) -> dict[str, str]:
    """Return the variables that a kernel needs; what it is not given, no notebook can show.

    A CI job has a dozen secrets in variables with names of their own, so those to keep are listed,
    not those to leave out. The safe path keeps modules that lie in the caller's folder, which may
    have been downloaded, out of the kernel.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT_VARIABLES or name.startswith("LC_")
    }
    return kept | {"ROADMAP_DATASET": str(dataset), PHONES: "1", "PYTHONSAFEPATH": "1"}


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).strip().splitlines()[0]


def _kernel(private: Path) -> Config:
    """Let the kernel talk over sockets in a folder of its own, where there are such, not ports.

    Without a connection file of its own it would open `kernel-ipc-1` and so on in the working
    directory, where the next kernel takes them for its own.
    """
    if os.name != "posix":
        return Config()
    return Config({"KernelManager": {"transport": "ipc", "connection_file": f"{private}/k.json"}})


def _exporter() -> HTMLExporter:
    try:
        return HTMLExporter(config=_settings(), template_file="index.html.j2")  # type: ignore[no-untyped-call]
    except ValueError as error:  # nbconvert's own templates lie outside of its package
        raise ConfigurationError(
            f"report: nbconvert is not whole: {_first_line(error).rstrip(':')}; "
            "reinstall it: pip install --force-reinstall nbconvert"
        ) from None


def _write(
    exporter: HTMLExporter,
    sources: list[tuple[_Page, Any]],
    out: Path,
    dataset: frames.Dataset,
    overview: Board,
) -> Path:
    index = _Page("Board", "index.html")
    issues = listed(dataset, as_of=overview.day.date())
    of_issues = _Page("Open issues", _ISSUES, conclusions=[issues.said])
    pages = [index, of_issues, *(page for page, _ in sources)]
    if len(dataset["roadmap_lines"]) or len(dataset["roadmap_alarms"]):
        read = sentences.readings(dataset["roadmap_lines"], dataset["roadmap_alarms"])
        pages.append(_Page("Roadmaps line by line", _ROADMAPS, conclusions=[read]))
    css, js = _template("page.css") + svg.dark_rules(), _template("page.js")
    provenance = _provenance(dataset)
    for page in pages:
        page.css, page.js, page.pages, page.provenance = css, js, pages, provenance
        page.simulated = dataset.simulated
    for page, notebook in sources:
        page.conclusions = _conclusions(notebook)
    html = {
        p.file: exporter.from_notebook_node(_summarised(_charts(_folded(nb))), {"page": p})[0]
        for p, nb in sources
    }
    exporter.environment.filters.update(FILTERS)
    contents = exporter.environment.get_template("contents.html.j2")
    html[index.file] = contents.render(page=index, board=overview)
    template = exporter.environment.get_template("issues.html.j2")
    html[of_issues.file] = template.render(page=of_issues, issues=issues)
    for page in pages:
        if page.file == _ROADMAPS:
            html[page.file] = _roadmaps(exporter, page, dataset)
    _put(html, out)
    return out / index.file


def _template(file: str) -> str:
    return (_TEMPLATE / file).read_text("utf-8")


def _put(html: Mapping[str, str], out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for file, text in html.items():
        temporary = out / f".{file}.part"
        # A reader who has the page open, or a web server, never sees half of it.
        temporary.write_text(text, "utf-8")
        temporary.replace(out / file)


def _roadmaps(exporter: HTMLExporter, page: _Page, dataset: frames.Dataset) -> str:
    page.css += _template("xray.css")
    template = exporter.environment.get_template("roadmaps.html.j2")
    return str(template.render(page=page, body=reading_html(dataset)))


def write_roadmap_page(dataset: frames.Dataset, out: str | Path) -> Path:
    """Write `roadmaps.html`: each line of each roadmap document beside its reading.

    Parameters
    ----------
    dataset : Dataset
        As `read_roadmaps` or `load` returns it.
    out : path
        Folder for the page; made where it is missing.

    Returns
    -------
    Path
        The page.
    """
    simulated = frames.given(dataset).simulated
    page = _Page("Roadmaps line by line", _ROADMAPS, simulated=simulated)
    page.css, page.js, page.pages = _template("page.css"), _template("page.js"), [page]
    _put({page.file: _roadmaps(_exporter(), page, dataset)}, Path(out))
    return Path(out) / page.file


def _settings() -> Config:
    settings = Config()
    settings.HTMLExporter.extra_template_basedirs = [str(_TEMPLATE.parent)]
    settings.HTMLExporter.template_name = _TEMPLATE.name
    settings.HTMLExporter.exclude_anchor_links = True
    settings.HTMLExporter.preprocessors = [SanitizeHTML]
    settings.SanitizeHTML.tags = _TAGS
    settings.SanitizeHTML.attributes = _ATTRIBUTES
    # `_charts` has made them harmless already; by itself nbconvert deletes SVG.
    pictures = {_SVG, PHONE_SVG, "image/png", "image/jpeg"}
    settings.SanitizeHTML.safe_output_keys = {*pictures, "text/plain"}
    return settings


def _charts(notebook: Any) -> Any:
    """Make every SVG of a notebook fit to stand within the page; whoever drew it."""
    outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    for number, output in enumerate(o for o in outputs if _SVG in o.get("data", {})):
        alt = output.get("metadata", {}).get(_SVG, {}).get("alt", "")
        try:
            output.data = {
                kind: svg.clean(output.data[kind], alt=alt, prefix=f"{begin}{number}-")
                for kind, begin in ((_SVG, "c"), (PHONE_SVG, "p"))
                if kind in output.data
            }
        except ValueError as error:
            output.data = {"text/plain": f"A picture that cannot be shown: {error}"}
    return notebook


def _summarised(notebook: Any) -> Any:
    """Make the first output of each cell tagged "folded" the line under which the others fold."""
    for cell in notebook.cells:
        if cell.cell_type != "code" or "folded" not in cell.metadata.get("tags", []):
            continue
        first, *others = cell.outputs or [{}]
        if summary := first.get("data", {}).get("text/plain"):
            cell.metadata["summary"], cell.outputs = summary, others
    return notebook


def _folded(notebook: Any) -> Any:
    """Put code that shows nothing (imports, parameters) in front of the next that shows something.

    So a page opens with one line of folded code, and not with three.
    """
    cells: list[Any] = []
    silent: list[str] = []
    for cell in notebook.cells:
        if cell.cell_type == "code" and not cell.outputs:
            silent.append(cell.source)
            continue
        if cell.cell_type == "code" and silent:
            cell = nbformat.from_dict({**cell, "source": "\n\n".join([*silent, cell.source])})  # type: ignore[no-untyped-call]
            silent = []
        cells.append(cell)
    return nbformat.from_dict({**notebook, "cells": cells})  # type: ignore[no-untyped-call]


def _conclusions(notebook: Any) -> list[str]:
    return [
        output.metadata[CONCLUSION]
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if CONCLUSION in output.get("metadata", {})
    ]


def _provenance(dataset: frames.Dataset) -> list[str]:
    counts = ", ".join(
        f"{len(dataset[name]):,} {name.replace('_', ' ')}"
        for name in ("issues", "issue_events", "milestones", "revisions")
    )
    exported = dataset.exported_at
    when = "" if pd.isna(exported) else f", exported {exported:%Y-%m-%d %H:%M} UTC"
    newest = (dataset.manifest.get("runs") or [{}])[-1]
    public = "Exported without a token: confidential issues and private projects are not included."
    return [
        f"{'Simulated data' if dataset.simulated else 'Data'} from {dataset.origin}{when}: "
        f"{counts}.",
        *([public] if newest.get("anonymous") else []),
        quality.check(dataset).reconciliation,
    ]


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
