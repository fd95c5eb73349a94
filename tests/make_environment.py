"""Write environment.yml (conda, Binder) from pyproject.toml; with --check, only compare it."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "environment.yml"

# What conda-forge calls each package, looked up among its feedstocks in November 2026: each has a
# recipe there that builds a package of this name. Whether the versions resolve together only a
# channel can say. A new dependency is looked up first, then added here.
CONDA_NAMES = {
    # `matplotlib` would bring a desktop GUI along, and `pandera-base` leaves pandas out.
    **{"matplotlib": "matplotlib-base", "pandera": "pandera"},
    **{name: name for name in ("filelock", "ftfy", "ipykernel", "ipywidgets", "jupyterlab")},
    **{name: name for name in ("markdown-it-py", "nbclient", "nbconvert", "nbformat", "numpy")},
    **{name: name for name in ("orjson", "pandas", "pyarrow", "python-dateutil", "python-gitlab")},
    **{name: name for name in ("rapidfuzz", "requests", "scipy", "tqdm", "typer")},
}

HEAD = "# Generated from pyproject.toml by `python -m tests.make_environment`; change it there.\n"


def conda_lines(project: dict[str, object]) -> list[str]:
    """Conda's spelling of the Python version and of every runtime dependency, in their order."""
    lines = [f"python{project['requires-python']}", "pip"]
    dependencies = project["dependencies"]
    assert isinstance(dependencies, list)
    for requirement in map(Requirement, dependencies):
        if requirement.marker or requirement.url or requirement.extras:
            raise SystemExit(
                f"pyproject.toml: {requirement}: conda has no markers, addresses or extras; "
                "name the package plainly"
            )
        # packaging keeps specifiers as a set; sorting them makes the file the same every time.
        versions = ",".join(sorted(map(str, requirement.specifier), reverse=True))
        if requirement.name not in CONDA_NAMES:
            raise SystemExit(
                f"pyproject.toml: {requirement.name}: look up what conda-forge calls it, and add "
                "that to CONDA_NAMES in tests/make_environment.py"
            )
        lines.append(CONDA_NAMES[requirement.name] + versions)
    return lines


def render(pyproject: str) -> str:
    """environment.yml's whole text."""
    project = tomllib.loads(pyproject)["project"]
    dependencies = "".join(f'  - "{line}"\n' for line in conda_lines(project))
    return (
        f"{HEAD}name: {project['name']}\nchannels:\n  - conda-forge\ndependencies:\n"
        f'{dependencies}  - pip:\n      - "--editable ."\n'
    )


def main(arguments: list[str]) -> int:
    """Write the file, or compare it; 1 where it is out of date."""
    text = render((ROOT / "pyproject.toml").read_text("utf-8"))
    if arguments == ["--check"]:
        if TARGET.exists() and TARGET.read_text("utf-8") == text:
            return 0
        print(
            "environment.yml does not follow pyproject.toml; run: python -m tests.make_environment"
        )
        return 1
    TARGET.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
