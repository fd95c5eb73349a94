"""Run the notebooks on a dataset and write them as self-contained HTML pages with an index.

A page asks nothing of the network, runs no script but the one that sorts its tables (its content
security policy forbids the rest), and holds each notebook's code folded beside its results.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
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
from roadmap_analytics.errors import ConfigurationError
from roadmap_analytics.report.show import CONCLUSION, said

__all__ = ["write_report"]

_TEMPLATE = Path(__file__).parent / "template"
_CELL_SECONDS = 600
_KERNEL_SECONDS = 300
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
    notebooks: str | Path | None = None,
    confidential: bool = False,
    pseudonyms: int | None = None,
) -> Path:
    """Run every notebook on a dataset and write one HTML page each, and `index.html`.

    Parameters
    ----------
    dataset : path
        A dataset as `export` or `simulate` writes it.
    out : path
        Folder for the pages; made where it is missing, pages of the same name are replaced.
    notebooks : path, optional
        Folder of notebooks; default: those of this package.
    confidential : bool
        Whether titles of confidential issues are shown. They count either way.
    pseudonyms : int, optional
        Seed with which every person is replaced by a made-up name, everywhere.

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
    original = frames.load(dataset)
    shown = original if confidential else original.without_confidential_titles()
    if pseudonyms is not None:
        shown = shown.pseudonymised(seed=pseudonyms)
    exporter = _exporter()
    sources = _read(Path(notebooks) if notebooks is not None else _own_notebooks())
    with tempfile.TemporaryDirectory(prefix="roadmap-analytics-") as scratch:
        path = Path(dataset).resolve()
        if shown is not original:
            path = Path(scratch) / "dataset"
            shown.save(path)
        _execute(sources, path)
    return _write(exporter, sources, Path(out), shown)


def _own_notebooks() -> Path:
    installed = Path(__file__).parents[1] / "notebooks"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "notebooks"


def _read(folder: Path) -> list[tuple[_Page, Any]]:
    files = sorted(folder.glob("*.ipynb"))
    if not files:
        raise ConfigurationError(f"report: no notebooks (*.ipynb) in {folder}")
    found = [(file.stem, nbformat.read(file, as_version=4)) for file in files]  # type: ignore[no-untyped-call]
    found.sort(key=lambda pair: (pair[1].metadata.get("order", 99), pair[0]))
    return [(_Page(nb.metadata.get("title", stem), f"{stem}.html"), nb) for stem, nb in found]


def _execute(sources: Iterable[tuple[_Page, Any]], dataset: Path) -> None:
    environment = _environment(dataset)

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
                    config=_kernel(Path(private)),
                    resources={"metadata": {"path": str(empty)}},
                )
                # A loop of its own, which is closed again; `execute` leaves one open per thread.
                own = {"IPYTHONDIR": private, "JUPYTER_CONFIG_DIR": private}
                asyncio.run(client.async_execute(env=environment | own))
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
        list(pool.map(run, sources))


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
    return kept | {"ROADMAP_DATASET": str(dataset), "PYTHONSAFEPATH": "1"}


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
            "install it anew: pip install --force-reinstall nbconvert"
        ) from None


def _write(
    exporter: HTMLExporter, sources: list[tuple[_Page, Any]], out: Path, dataset: frames.Dataset
) -> Path:
    index = _Page("Roadmap report", "index.html")
    pages = [index, *(page for page, _ in sources)]
    css = (_TEMPLATE / "page.css").read_text("utf-8")
    js = (_TEMPLATE / "sort.js").read_text("utf-8")
    provenance = _provenance(dataset)
    for page in pages:
        page.css, page.js, page.pages, page.provenance = css, js, pages, provenance
        page.simulated = dataset.simulated
    for page, notebook in sources:
        page.conclusions = _conclusions(notebook)
    html = {p.file: exporter.from_notebook_node(_folded(nb), {"page": p})[0] for p, nb in sources}
    exporter.environment.filters["said"] = said
    contents = exporter.environment.get_template("contents.html.j2")
    html[index.file] = contents.render(page=index)
    out.mkdir(parents=True, exist_ok=True)
    for file, text in html.items():
        temporary = out / f".{file}.part"
        temporary.write_text(text, "utf-8")
        temporary.replace(out / file)
    return out / index.file


def _settings() -> Config:
    settings = Config()
    settings.HTMLExporter.extra_template_basedirs = [str(_TEMPLATE.parent)]
    settings.HTMLExporter.template_name = _TEMPLATE.name
    settings.HTMLExporter.exclude_anchor_links = True
    settings.HTMLExporter.preprocessors = [SanitizeHTML]
    settings.SanitizeHTML.tags = _TAGS
    settings.SanitizeHTML.attributes = _ATTRIBUTES
    return settings


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
