"""Notebooks run within this process, for tests of what they show and of a report's pages.

A kernel takes two seconds to start and to import what this process has imported already. That each
page has a kernel of its own, and what that kernel sees, is tested on small notebooks
(test_report.py).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any
from unittest import mock

from nbformat.v4 import new_output

import roadmap_analytics as ra
from roadmap_analytics.report import build, show


def write_report(dataset: Path, out: Path, **options: Any) -> Path:
    """Write the report as `build.write_report` does; the index."""

    def here(sources: Iterable[tuple[Any, Any]], folder: Path) -> None:
        load, backtest = once(ra.load), once(ra.backtest)
        with mock.patch.dict(os.environ, build._environment(folder), clear=True):
            for _, notebook in sources:
                run(notebook, load, backtest)

    with mock.patch.object(build, "_execute", here):
        return build.write_report(dataset, out, **options)


def run(notebook: Any, load: Callable[..., Any], backtest: Callable[..., Any]) -> None:
    """Run the cells of a notebook, and put what they show and print into their outputs.

    `load` and `backtest` stand in for those of the library: several notebooks ask for the same.
    """
    names: dict[str, Any] = {}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        cell.outputs, printed = [], StringIO()

        def display(data: Any, *, raw: bool, metadata: Any, to: Any = cell.outputs) -> None:
            assert raw
            to.append(new_output("display_data", data, metadata=metadata))  # type: ignore[no-untyped-call]

        with (
            mock.patch.multiple(ra, load=load, backtest=backtest),
            mock.patch.object(show, "display", display),
            redirect_stdout(printed),
        ):
            exec(compile(cell.source, repr(cell.source[:60]), "exec"), names)
        if printed.getvalue():
            cell.outputs.append(new_output("stream", text=printed.getvalue()))  # type: ignore[no-untyped-call]


def once(call: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which computes the same answer only once."""
    known: dict[tuple[str, ...], Any] = {}

    def answer(*arguments: Any, **named: Any) -> Any:
        given = [*arguments, *sorted(named.items())]
        # A `load` of this kind keeps every dataset, so that no two have the same id.
        key = tuple(str(id(one)) if isinstance(one, ra.Dataset) else repr(one) for one in given)
        if key not in known:
            known[key] = call(*arguments, **named)
        return known[key]

    return answer
