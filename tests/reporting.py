"""A report for tests of its pages: the notebooks run one after the other, in one kernel.

That each page has a kernel of its own is tested on small notebooks (test_report.py). A kernel
takes two seconds to start and import, and six more of them show nothing about seven pages.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

from nbformat import NotebookNode

from roadmap_analytics.report import build


def write_report(dataset: Path, out: Path) -> Path:
    """Write the report of the bundled notebooks; the index."""
    execute = build._execute

    def together(sources: list[tuple[Any, Any]], folder: Path) -> None:
        # The cells are those of the notebooks, which so get their outputs.
        cells = [cell for _, notebook in sources for cell in notebook.cells]
        page, notebook = sources[0]
        execute([(page, NotebookNode({**notebook, "cells": cells}))], folder)

    with mock.patch.object(build, "_execute", together):
        return build.write_report(dataset, out)
