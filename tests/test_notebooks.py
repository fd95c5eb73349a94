"""The notebooks: run in order, whole, clean of the machine, and true to their data.

nbval compares what they print (`make test`); it sees no stripped cell and no dataset but the
sample. That is done here.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

import roadmap_analytics as ra
from roadmap_analytics.report import sentences
from roadmap_analytics.report.show import choose
from tests.eight_issues import HARVEST, SOMEDAY, WINTER, eight_issues
from tests.odd_datasets import ODD, SAMPLE
from tests.reporting import once, run

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def code_cells(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in read(path)["cells"] if cell["cell_type"] == "code"]


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def calls(cell: dict[str, Any]) -> set[str]:
    """The plain functions that a cell calls."""
    nodes = ast.walk(ast.parse(source(cell)))
    return {
        node.func.id
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


def outputs(cell: dict[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    return (output for output in cell["outputs"] if kind in output.get("data", {}))


def test_there_are_notebooks() -> None:
    assert len(NOTEBOOKS) >= 3
    orders = [read(path)["metadata"]["order"] for path in NOTEBOOKS]
    assert len(set(orders)) == len(orders)


@each
def test_every_cell_has_run_in_order(path: Path) -> None:
    counts = [cell["execution_count"] for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1)), "run: make notebooks"


@each
def test_every_cell_stores_what_it_shows(path: Path) -> None:
    stored = 0
    for cell in code_cells(path):
        called = calls(cell)
        if "show" in called:
            assert any(outputs(cell, "image/svg+xml")), source(cell)
        if called & {"show", "table", "claim", "conclusion", "headline"}:
            assert any(outputs(cell, "text/html")), source(cell)
            stored += 1
        assert not [o for o in cell["outputs"] if o["output_type"] in ("error", "stream")]
    assert stored >= 2


@each
def test_every_picture_has_its_alt_text(path: Path) -> None:
    for cell in code_cells(path):
        for output in outputs(cell, "image/svg+xml"):
            alt = output["metadata"]["image/svg+xml"]["alt"]
            assert len(alt) > 20
            assert output["data"]["text/plain"] == [alt] or output["data"]["text/plain"] == alt


@each
def test_a_stored_notebook_stays_small(path: Path) -> None:
    assert path.stat().st_size < 300_000


@each
def test_a_notebook_is_for_someone_who_decides(path: Path) -> None:
    cells = code_cells(path)
    tagged = [c for c in cells if "parameters" in c["metadata"].get("tags", [])]
    assert len(tagged) == 1
    assert "ROADMAP_DATASET" in source(tagged[0])
    assert any("conclusion" in calls(cell) for cell in cells)
    text = "\n".join(source(cell) for cell in cells)
    nodes = list(ast.walk(ast.parse(text)))
    defined = [n.name for n in nodes if isinstance(n, (ast.ClassDef, ast.FunctionDef))]
    # What a chooser redraws has to be a function; it is the one that a notebook may hold.
    assert defined == (["draw"] if "choose" in text else [])
    assert "warnings" not in text
    prose = "\n".join(source(c) for c in read(path)["cells"] if c["cell_type"] == "markdown")
    assert re.search(r"^## What .*(cannot say|is not)", prose, flags=re.MULTILINE)


@each
def test_nothing_of_the_machine_is_in_it(path: Path) -> None:
    text = path.read_text("utf-8")
    traces = (str(ROOT), str(Path.home()), ".venv", "site-packages", "ipykernel_", "127.0.0.1")
    assert [trace for trace in traces if len(trace) > 1 and f"{trace}/" in text] == []
    assert not re.search(r"glpat-|0x[0-9a-f]{8,}|PRIVATE.TOKEN|execution_time", text)
    assert "widget" not in json.dumps([c["outputs"] for c in code_cells(path)])
    assert read(path)["metadata"].keys() <= {"kernelspec", "language_info", "title", "order"}


@pytest.fixture(scope="module")
def odd(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("odd") / "dataset"
    ODD[request.param]().save(folder)
    return folder


# Two notebooks ask for the same backtest of the same data, which is half of what they compute.
load, backtest = once(ra.load), once(ra.backtest)


# Without documents these show what they show of the sample, which nbval compares.
READ_NO_DOCUMENTS = {"burndown", "explore", "forecast", "milestones"}
RUNS = [
    pytest.param(
        name,
        path,
        id=f"{name}-{path.stem}",
        marks=[pytest.mark.slow]
        if name == "no documents" and path.stem in READ_NO_DOCUMENTS
        else [],
    )
    for name in ODD
    if name != "hostile"  # of which the pages of test_report.py are made
    for path in NOTEBOOKS
]


@pytest.mark.parametrize(("odd", "path"), RUNS, indirect=["odd"])
def test_it_answers_on_odd_data_too(path: Path, odd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run within this process, so that a dozen runs take seconds; warnings are errors here."""
    monkeypatch.setenv("ROADMAP_DATASET", str(odd))
    notebook = nbformat.read(path, as_version=4)
    run(notebook, load, backtest)
    outputs = [o for cell in notebook.cells if cell.cell_type == "code" for o in cell.outputs]
    assert all("text/plain" in output.get("data", {}) for output in outputs), "nothing is printed"
    said = "\n".join(text for o in outputs for kind, text in o.data.items() if "svg" not in kind)
    assert "as of" in said
    assert not re.search(r"\b(nan|NaT)\b|<NA>|&lt;NA&gt;", said)


def test_another_number_fails_the_comparison(tmp_path: Path) -> None:
    """One due date a day later: nbval must notice, and say which."""
    sample = ra.load(SAMPLE)
    progress = ra.milestone_progress(sample, as_of=sample.exported_at)
    first = ra.current_milestones(progress).iloc[0]
    later = first["due_date"] + pd.Timedelta(days=1)
    milestones, seen = sample.milestones, sample.milestone_dates
    moved = milestones["milestone_id"] == first["milestone_id"]
    last = seen["milestone_id"].eq(first["milestone_id"]) & seen["due_date"].eq(first["due_date"])
    sample.with_frames(
        milestones=milestones.assign(due_date=milestones["due_date"].mask(moved, later)),
        milestone_dates=seen.assign(due_date=seen["due_date"].mask(last, later)),
    ).save(tmp_path / "changed")
    # Without the forecasts that follow, which take longer than all before them.
    whole = read(ROOT / "notebooks" / "burndown.ipynb")
    tables = [n for n, cell in enumerate(whole["cells"]) if source(cell).startswith("table(")]
    begin = whole | {"cells": whole["cells"][: tables[0] + 1]}
    (tmp_path / "begin.ipynb").write_text(json.dumps(begin), "utf-8")
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "tests.no_grammar"),
            *("-p", "no:cacheprovider", "-o", "addopts=", "--rootdir", str(tmp_path)),
            *("--nbval", "--nbval-current-env", "--nbval-cell-timeout=120"),
            str(tmp_path / "begin.ipynb"),
        ],
        cwd=ROOT,
        env={**os.environ, "ROADMAP_DATASET": str(tmp_path / "changed")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1, run.stdout + run.stderr
    assert f"{later:%Y-%m-%d}" in run.stdout


@pytest.mark.parametrize(
    ("day", "first"),
    [
        ("2025-03-12", HARVEST),  # both run, and this one is due on the 14th
        ("2025-03-18", WINTER),  # Harvest is past its due date, and next is no draft of the 19th
        ("2025-04-20", HARVEST),  # nothing is due any more: what is late for longest
    ],
)
def test_explore_opens_on_the_milestone_that_the_review_calls_next(day: str, first: int) -> None:
    world = eight_issues()
    for rows in (world.milestones, world.observed):
        (draft,) = [row for row in rows if row["milestone_id"] == SOMEDAY]
        draft |= {"start_date": "2025-01-01", "due_date": "2025-03-19"}
    dataset = world.dataset()
    drawn: list[dict[str, Any]] = []
    choose(lambda **chosen: drawn.append(chosen), dataset, interactive=False, day=day)
    assert [chosen["milestone"] for chosen in drawn] == [first]
    review = sentences.milestones(ra.current_milestones(ra.milestone_progress(dataset, as_of=day)))
    assert "next is" not in review or f"next is {world.titles[first]}," in review


def test_every_chart_shows_in_a_kernel_that_draws_inline() -> None:
    """Without `import matplotlib` in the notebook: the backend is loaded by the first chart."""
    lines = [
        "import roadmap_analytics as ra",
        f"dataset = ra.load({str(SAMPLE)!r})",
        "day = dataset.exported_at.date()",
    ]
    draw = "ax = ra.plot_progress(ra.milestone_progress(dataset, as_of=day))"
    cells = ["\n".join(lines), draw, draw]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in cells])
    kept = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    NotebookClient(notebook, kernel_name="python3", timeout=120).execute(env=kept)
    shown = [
        [output.data for output in cell.outputs if "image/png" in output.get("data", {})]
        for cell in notebook.cells
    ]
    assert [len(pictures) for pictures in shown] == [0, 1, 1]
