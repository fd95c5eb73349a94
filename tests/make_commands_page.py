"""Write docs/commands.md from the commands, so that the page cannot disagree with them."""

from __future__ import annotations

from pathlib import Path

import typer
from typer.testing import CliRunner

from roadmap_analytics.cli import app

TARGET = Path(__file__).resolve().parent.parent / "docs" / "commands.md"

HEAD = """# Commands

Written by `make docs` from the commands themselves.
"""
# Wide enough for the longest option and its help, and the same on every terminal.
WIDTH = 92


def render() -> str:
    """Return the whole page: the help of the program and of each command."""
    names = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    parts = [HEAD]
    for arguments in ([], *([name] for name in names)):
        said = CliRunner().invoke(
            app, [*arguments, "--help"], prog_name="roadmap-analytics", terminal_width=WIDTH,
            env={"NO_COLOR": "1", "TERM": "dumb"},
        )  # fmt: skip
        assert said.exit_code == 0, said.output
        title = " ".join(["roadmap-analytics", *arguments])
        body = "\n".join(line.rstrip() for line in said.output.strip().splitlines())
        parts.append(f"\n## {title}\n\n```text\n{body}\n```\n")
    return "".join(parts)


if __name__ == "__main__":
    TARGET.write_text(render(), "utf-8")
