"""The walls between the modules, read from their source: who may import whom, who may ask what.

Data goes one way: GitLab, documents -> store -> frames -> history -> analysis -> charts, report.
A new module needs a line in ``MAY_IMPORT``; a package inside the package counts as one module.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import roadmap_analytics

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "roadmap_analytics"

# One row per folder or module at the top; rows stand in the order of the flow.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "arguments": {"errors"},
    "schema": {"errors"},
    "config": {"errors"},
    "records": set(),
    "soundness": set(),
    "gitlab": {"errors", "config", "soundness", "records", "roadmap"},
    "roadmap": {"errors", "records", "schema"},
    "store": {"errors", "records"},
    "frames": {
        "arguments",
        "errors",
        "config",
        "records",
        "soundness",
        "schema",
        "store",
        "roadmap",
    },
    "analysis": {"arguments", "errors", "schema", "frames"},
    "charts": {"errors", "schema"},
    "report": {"arguments", "errors", "frames", "analysis", "charts"},
    "simulate": {"errors", "records"},
}
JOINS_ALL = {"cli", "export", "__init__", "__main__"}
# What every analysis stands on, in the order of the flow: each imports only those before it.
# Analyses import these, forecasts import both, and only what joins results (what changed between
# two days) imports a forecast.
UNDER_ANALYSIS = ("days", "lookup", "replay", "view", "stays", "ledger")
JOINS_FORECASTS = {"since"}

ONLY_IN = {
    "gitlab": {"gitlab"},
    "matplotlib": {"charts", "report"},
    **{
        library: {"report"}
        for library in ("IPython", "ipywidgets", "jupyterlab", "nbclient", "nbconvert", "nbformat")
    },
    **{
        library: {"gitlab"}
        for library in ("http", "httpx", "requests", "socket", "ssl", "urllib3", "urllib.request")
    },
    "subprocess": {"roadmap", "report"},
    "typer": {"cli"},
}

CLOCK = {
    *("now", "utcnow", "today", "time", "time_ns", "localtime", "gmtime", "ctime"),
    *("sleep", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"),
}
SURROUNDINGS = {
    "environ",
    "environb",
    "getenv",
    "expanduser",
    "expandvars",
    "home",
    "cwd",
    "getcwd",
}
# The command line (`python -m` too) and the report are the edge; the exporter's trade is the world
# outside: it waits when GitLab says so, and takes the token that its caller left around.
MAY_ASK_ANYTHING = {"__main__", "cli", "export", "report", "gitlab"}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def place(path: Path) -> str:
    """The room a file stands in: its module, or the package it belongs to."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(source: str, package: str) -> Iterator[str]:
    """Dotted names that the source imports, wherever in it; ``package`` resolves relative ones."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                base = ".".join([*parents[: len(parents) - node.level + 1], *filter(None, [base])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def breaches(source: str, room: str, package: str = "roadmap_analytics") -> list[str]:
    """What the source imports against the rule, as sentences."""
    found = []
    for name in imports(source, package):
        parts = name.split(".")
        if parts[0] == "roadmap_analytics":
            target = parts[1] if len(parts) > 1 else ""
            allowed = MAY_IMPORT.get(room, set()) | {room}
            if room not in JOINS_ALL and target not in allowed:
                found.append(f"{room} imports {target or 'the package itself'}")
        for library, rooms in ONLY_IN.items():
            if f"{name}.".startswith(f"{library}.") and room not in rooms:
                found.append(f"{room} imports {library}")
    return found


def questions(source: str, room: str) -> list[str]:
    """Where the source reads the clock or its surroundings, as sentences."""
    forbidden = SURROUNDINGS | CLOCK
    found = []
    for node in ast.walk(ast.parse(source)):
        asked = None
        if isinstance(node, ast.Attribute) and node.attr in forbidden:
            # `.time` of a timestamp is harmless; of the module it is the clock.
            of_module = isinstance(node.value, ast.Name) and node.value.id == "time"
            asked = node.attr if node.attr != "time" or of_module else None
        elif isinstance(node, ast.ImportFrom) and node.module in ("time", "os", "os.path"):
            asked = next((alias.name for alias in node.names if alias.name in forbidden), None)
        elif isinstance(node, ast.Call):
            words = (argument.value for argument in node.args if isinstance(argument, ast.Constant))
            asked = next((word for word in words if word in ("now", "today")), None)
        if asked is not None:
            found.append(f"{room}, line {node.lineno}: {asked}")
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_module_imports_only_what_stands_before_it(path: Path) -> None:
    room = place(path)
    assert room in MAY_IMPORT or room in JOINS_ALL, (
        f"{room} has no place yet; say in MAY_IMPORT what it may import"
    )
    package = ".".join(path.relative_to(ROOT).parent.parts)
    assert breaches(path.read_text("utf-8"), room, package) == []


def test_target_dates_are_a_leaf() -> None:
    source = (PACKAGE / "roadmap" / "targets.py").read_text("utf-8")
    inner = {n for n in imports(source, "roadmap_analytics.roadmap") if n.startswith("roadmap_")}
    assert {name.rpartition(".")[0] for name in inner} <= {"roadmap_analytics.roadmap.vocabulary"}
    below = (PACKAGE / "roadmap" / "vocabulary.py").read_text("utf-8")
    assert set(imports(below, "roadmap_analytics.roadmap")) <= {"__future__.annotations", "re"}


def test_no_circle_among_modules() -> None:
    names = {path: ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in modules()}
    inner = {
        name.removesuffix(".__init__"): {
            known
            for said in imports(path.read_text("utf-8"), name.rpartition(".")[0])
            for known in names.values()
            if known == said or known == said.rpartition(".")[0]
        }
        for path, name in names.items()
        if not name.endswith(("__main__", "roadmap_analytics.__init__"))
    }
    while free := {
        module for module, needs in inner.items() if not (needs - {module}) & inner.keys()
    }:
        inner = {module: needs for module, needs in inner.items() if module not in free}
    assert inner == {}, "these import one another in a circle"


def of_analysis(path: Path) -> set[str]:
    """The modules of its own folder that an analysis module imports."""
    package = ".".join(path.relative_to(ROOT).parent.parts)
    return {
        name.split(".")[2]
        for name in imports(path.read_text("utf-8"), package)
        if name.startswith("roadmap_analytics.analysis.")
    }


@pytest.mark.parametrize("module", UNDER_ANALYSIS)
def test_what_analyses_stand_on_imports_only_what_stands_before_it(module: str) -> None:
    before = set(UNDER_ANALYSIS[: UNDER_ANALYSIS.index(module)])
    assert of_analysis(PACKAGE / "analysis" / f"{module}.py") <= before


def test_no_analysis_needs_a_forecast_but_what_joins_results() -> None:
    single = set((PACKAGE / "analysis").glob("*.py"))
    needing = {path.stem for path in single if "forecast" in of_analysis(path)}
    assert needing == JOINS_FORECASTS


@pytest.mark.parametrize(
    ("source", "room", "package", "said"),
    [
        ("from roadmap_analytics.store import write", "analysis", "roadmap_analytics", "store"),
        ("from roadmap_analytics import store", "gitlab", "roadmap_analytics", "store"),
        ("from .store import write", "charts", "roadmap_analytics", "store"),
        (
            "from ..analysis.replay import state_at",
            "charts",
            "roadmap_analytics.charts",
            "analysis",
        ),
        ("import roadmap_analytics as ra", "analysis", "roadmap_analytics", "the package itself"),
        ("def f():\n    import matplotlib.pyplot", "analysis", "roadmap_analytics", "matplotlib"),
        ("from gitlab import Gitlab", "store", "roadmap_analytics", "gitlab"),
        ("from urllib import request", "frames", "roadmap_analytics", "urllib.request"),
    ],
)
def test_the_import_rule_sees(source: str, room: str, package: str, said: str) -> None:
    assert breaches(source, room, package) == [f"{room} imports {said}"]


@pytest.mark.parametrize(
    "path",
    [path for path in modules() if place(path) not in MAY_ASK_ANYTHING],
    ids=lambda path: path.relative_to(PACKAGE).as_posix(),
)
def test_no_clock_and_no_surroundings_below_the_command_line(path: Path) -> None:
    assert questions(path.read_text("utf-8"), place(path)) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pandas as pd; pd.Timestamp.now('UTC')",
        "import pandas as pd; pd.Timestamp('today')",
        "import numpy as np; np.datetime64('now')",
        "import datetime as dt; dt.date.today()",
        "import time; time.time()",
        "from time import time",
        "import time; time.sleep(1)",
        "import os; os.environ['TZ']",
        "from os import environ",
        "from pathlib import Path; Path.home()",
    ],
)
def test_the_clock_rule_sees(source: str) -> None:
    assert len(questions(source, "analysis")) == 1


def listed_for_type_checkers() -> dict[str, str]:
    """Public name -> module, from the stub."""
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text("utf-8"))
    statements = [one for one in tree.body if isinstance(one, ast.ImportFrom)]
    assert len(statements) == len(tree.body)
    return {alias.asname or "": one.module or "" for one in statements for alias in one.names}


def test_the_public_names_are_the_same_for_python_and_for_type_checkers() -> None:
    listed = listed_for_type_checkers()
    assert sorted(roadmap_analytics.__all__) == sorted(listed)
    for name, module in listed.items():
        assert getattr(roadmap_analytics, name) is getattr(import_module(module), name)
        assert getattr(roadmap_analytics, name).__doc__


def test_no_public_name_is_a_module_too() -> None:
    """`import roadmap_analytics.burndown` must not give a function."""
    rooms = {place(path) for path in modules()}
    assert rooms.isdisjoint(roadmap_analytics.__all__)
    for name in ("burndown", "forecast", "workload", "slippage", "attribution", "lead_times"):
        getattr(roadmap_analytics, name)
        with pytest.raises(ModuleNotFoundError):
            import_module(f"roadmap_analytics.{name}")


def fresh(code: str) -> str:
    """What code prints in a new interpreter."""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return run.stdout.strip()


def test_a_name_is_loaded_on_first_use() -> None:
    code = (
        "import sys, roadmap_analytics as ra; before = 'pandas' in sys.modules; "
        "complete = set(ra.__all__) <= set(dir(ra)); ra.load; "
        "print(before, complete, 'pandas' in sys.modules, 'matplotlib' in sys.modules)"
    )
    assert fresh(code) == "False True True False"
    names: dict[str, object] = {}
    exec("from roadmap_analytics import *", names)
    assert names.keys() >= set(roadmap_analytics.__all__)
    with pytest.raises(AttributeError, match="no attribute 'burndwon'"):
        roadmap_analytics.burndwon  # type: ignore[attr-defined]  # noqa: B018


def test_the_version_needs_no_pandas() -> None:
    code = (
        "import sys; sys.argv = ['roadmap-analytics', '--version']\n"
        "from roadmap_analytics import cli\n"
        "try: cli.main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'pandas', 'numpy', 'pyarrow', 'matplotlib', 'gitlab'} & sys.modules.keys()))"
    )
    assert fresh(code).splitlines()[-1] == "[]"


def test_the_promised_names_are_there() -> None:
    promised = {
        "load", "burndown", "milestone_progress", "workload", "workload_history", "slippage",
        "milestone_slippage", "forecast", "read_roadmaps", "check",
        "plot_burndown", "plot_burnup", "plot_workload", "plot_slippage", "plot_forecast",
    }  # fmt: skip
    assert promised - set(roadmap_analytics.__all__) == set()


def test_importing_opens_no_window_and_asks_no_network() -> None:
    # dask, where it is installed: only `scan` needs it, and it takes half a second.
    unwanted = ("gitlab", "requests", "nbconvert", "tkinter", "dask")
    sample = str(ROOT / "data" / "sample")
    analysis = f"import roadmap_analytics as ra; ra.load({sample!r}), ra.burndown, ra.plot_burndown"
    assert (
        fresh(f"{analysis}; import sys; print(sorted(sys.modules.keys() & {unwanted!r}))") == "[]"
    )


def test_no_registry_and_no_workplace_is_named() -> None:
    # Put together here, so that this file does not name them either.
    hosts = ["pypi" + ".org", "python" + "hosted.org", "registry" + ".npmjs", "deb." + "debian.org"]
    places = ["/work" + "/main", "/work" + "/shared", "/work" + "/team", "issues" + " resolved"]
    listed = subprocess.run(
        ["git", "grep", "-lIF", *(f"-e{word}" for word in hosts + places)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert listed.returncode in (0, 1), listed.stderr
    assert listed.stdout == ""
