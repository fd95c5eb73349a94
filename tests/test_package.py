"""What is published: the sdist and the wheel, and that the wheel alone is enough to work with."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement

import roadmap_analytics as ra

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
SIMULATE = ("simulate", "--to", "data", "--issues", "30", "--seed", "1")
BUNDLED = {path.name for path in ROOT.glob("notebooks/*.ipynb")}


def build(source: Path, target: str, out: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(out)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (made,) = (path for path in out.iterdir() if path.suffix == (".whl", ".gz")[target == "sdist"])
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as opened:
        (name,) = (name for name in opened.namelist() if name.endswith(".dist-info/METADATA"))
        return HeaderParser().parsestr(opened.read(name).decode())


def run(environment: Path, *arguments: str, cwd: Path, **variables: str) -> str:
    """Run a program of an environment from a folder, without what tests set for themselves."""
    ours = re.compile("PYTHON|PYTEST|MPL|JUPYTER|ROADMAP|GITLAB|VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not ours.match(name)}
    done = subprocess.run(
        [environment / "bin" / arguments[0], *arguments[1:]],
        cwd=cwd, env=kept | variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_sdist_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    """Byte by byte; and it brings tests, docs and the lock, so that a packager can check it."""
    with tarfile.open(build(ROOT, "sdist", tmp_path / "sdist")) as opened:
        opened.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    again = build(source, "wheel", tmp_path / "again")
    assert (again.name, again.read_bytes()) == (wheel.name, wheel.read_bytes())
    for needed in ("tests/test_package.py", "docs/index.md", "requirements.lock", "LICENSE"):
        assert (source / needed).is_file(), needed


def test_the_wheel_brings_notebooks_templates_and_types(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
    files = [*ROOT.glob("notebooks/*.ipynb"), *(ROOT / "roadmap_analytics").rglob("*.*")]
    places = (path.relative_to(ROOT).as_posix() for path in files if path.suffix != ".pyc")
    needed = {f"roadmap_analytics/{place.removeprefix('roadmap_analytics/')}" for place in places}
    assert {"roadmap_analytics/charts/roadmap.mplstyle", "roadmap_analytics/py.typed"} < needed
    assert needed <= names
    assert all(name.startswith("roadmap_analytics") for name in names)  # no tests, no data


def test_its_metadata_are_whole(wheel: Path) -> None:
    """What an index shows, and what an installer reads."""
    found = metadata(wheel)
    assert found["Name"] == PROJECT["name"]
    assert found["Version"] == PROJECT["version"]
    assert found["License-Expression"] == "MIT"
    assert found["License-File"] == "LICENSE"
    assert found["Requires-Python"] == PROJECT["requires-python"]
    assert found["Description-Content-Type"] == "text/markdown"
    assert found.get_payload() == (ROOT / "README.md").read_text("utf-8")
    assert set(found.get_all("Classifier", [])) >= {
        "Typing :: Typed", "Framework :: Jupyter :: JupyterLab",
        "Programming Language :: Python :: 3.11",
    }  # fmt: skip
    required = [Requirement(line) for line in found.get_all("Requires-Dist", [])]
    runtime = {str(one) for one in required if not one.marker}
    assert runtime == {str(Requirement(line)) for line in PROJECT["dependencies"]}
    # Not from an address: an index refuses those.
    assert [one.name for one in required if one.url] == []


def test_the_version_is_written_once() -> None:
    """In pyproject.toml; CITATION.cff repeats it, which `test_docs` compares."""
    for path in [*(ROOT / "roadmap_analytics").rglob("*.py"), ROOT / "docs" / "conf.py"]:
        assert not re.search(r"__version__ = [\"']\d", path.read_text("utf-8")), path


def test_the_wheel_works_without_the_clone(wheel: Path, tmp_path: Path) -> None:
    """In an environment of its own that sees the dependencies, and in an empty folder."""
    environment, folder = tmp_path / "environment", tmp_path / "empty"
    folder.mkdir()
    venv.create(environment, with_pip=False, symlinks=True)
    program = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(program), "--disable-pip-version-check"]
    install = ["install", "--quiet", "--no-index", "--no-deps", "--no-compile", str(wheel)]
    subprocess.run([*pip, *install], check=True)
    own = Path(sysconfig.get_path("purelib", vars={"base": str(environment)}))
    # A plain path: the .pth files there, one of which leads to this clone, are not read again.
    (own / "dependencies.pth").write_text(sysconfig.get_path("purelib"), "utf-8")
    where = "import roadmap_analytics as ra; print(ra.__file__)"
    package = Path(run(environment, "python", "-c", where, cwd=folder).strip()).parent
    assert package.is_relative_to(environment)
    assert {path.name for path in package.glob("notebooks/*.ipynb")} == BUNDLED
    assert run(environment, "roadmap-analytics", "--version", cwd=folder).split() == [
        PROJECT["name"],
        PROJECT["version"],
    ]
    ra.simulate_dataset(folder / "data", issues=30, seed=1)
    (folder / "mine").mkdir()
    title, code = nbformat.v4.new_markdown_cell("# Mine"), nbformat.v4.new_code_cell("6 * 7")
    mine = nbformat.v4.new_notebook(cells=[title, code])
    nbformat.write(mine, folder / "mine" / "mine.ipynb")
    run(
        environment, "roadmap-analytics", "report", "data", "--to", "out",
        "--no-bundled", "--notebooks", "mine", cwd=folder,
        # Where nbconvert's own templates are; pip would have put them into the environment.
        JUPYTER_PATH=f"{sysconfig.get_path('data')}/share/jupyter",
    )  # fmt: skip
    assert {path.name for path in (folder / "out").iterdir()} >= {"index.html", "mine.html"}


@pytest.mark.slow
def test_the_wheel_installs_into_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    """With its dependencies from the index of this machine; then the whole report of a dataset."""
    environment, folder = tmp_path / "environment", tmp_path / "empty"
    folder.mkdir()
    venv.create(environment, with_pip=True)
    run(environment, "pip", "install", "--quiet", str(wheel), cwd=folder)
    run(environment, "pip", "check", cwd=folder)
    run(environment, "roadmap-analytics", *SIMULATE, cwd=folder)
    run(environment, "roadmap-analytics", "check", "data", cwd=folder)
    run(environment, "roadmap-analytics", "report", "data", "--to", "out", cwd=folder)
    pages = {path.stem for path in (folder / "out").glob("*.html")}
    assert pages >= {"index"} | {Path(name).stem for name in BUNDLED}
