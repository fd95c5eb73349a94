"""The template for users' CI: its script lines are run here, against the GitLab on loopback."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from tests.gitlab_server import LoopbackGitLab

ROOT = Path(__file__).parents[1]
TEMPLATE = yaml.safe_load((ROOT / "docs" / "gitlab-ci.yml").read_text("utf-8"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout of the user's project, with the environment that `before_script` would make."""
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    return tmp_path


class Registry(BaseHTTPRequestHandler):
    """The package registry as the template uses it: one file, stored by PUT, read by GET."""

    stored: ClassVar[dict[str, bytes]] = {}
    answer: ClassVar[int | None] = None  # what every request gets instead
    url: ClassVar[str]

    def do_GET(self) -> None:
        content = self.stored.get(self.path)
        self._answer(404 if content is None else 200, content or b"")

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        if self.answer is None:
            self.stored[self.path] = content
        self._answer(201, b"{}")

    def _answer(self, status: int, content: bytes) -> None:
        allowed = self.headers["JOB-TOKEN"] == "only-this-job"
        self.send_response(self.answer or (status if allowed else 401))
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def registry() -> Iterator[type[Registry]]:
    Registry.stored, Registry.answer = {}, None
    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Registry.url = f"http://127.0.0.1:{server.server_port}/packages/dataset.tar.gz"
    yield Registry
    server.shutdown()
    server.server_close()


def run(job: str, project: Path, server: LoopbackGitLab, token: str, store: str) -> tuple[int, str]:
    """Run a job's script lines as a runner does, one after the other until one fails."""
    kept = {name: value for name, value in os.environ.items() if "TOKEN" not in name}
    template = {k: v.replace("$CI_PROJECT_DIR", str(project)) for k, v in VARIABLES.items()}
    own = {
        "ROADMAP_URLS": f"{server.url}/orchard {server.url}/upkeep/machines",
        "ROADMAPS": "",
        "GITLAB_PRIVATE_TOKEN": token,
        "CI_JOB_TOKEN": "only-this-job",
        "ROADMAP_STORE": store,
    }
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(TEMPLATE[job]["script"])],
        cwd=project,
        env=kept | template | own,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


VARIABLES: dict[str, str] = TEMPLATE["variables"]


def test_the_template_is_sound() -> None:
    nightly: dict[str, Any] = TEMPLATE["nightly"]
    assert nightly["artifacts"]["when"] == "always"
    # Due dates cannot be had again: neither a cache nor an artifact that expires may hold them.
    assert "cache" not in nightly
    assert "dataset" not in nightly["artifacts"]["paths"]
    assert "public" in TEMPLATE["pages"]["artifacts"]["paths"]
    text = json.dumps(TEMPLATE)
    assert "GITLAB_PRIVATE_TOKEN" not in text, (
        "the token is a variable of the project, no line here"
    )
    assert not re.search("glpat-", text)
    lines = "\n".join(nightly["script"])
    for step in ("export", "check", "report"):
        assert f"roadmap-analytics {step} " in lines


@pytest.mark.slow
def test_its_lines_run(
    project: Path, hand_gitlab: LoopbackGitLab, registry: type[Registry]
) -> None:
    code, said = run("nightly", project, hand_gitlab, hand_gitlab.token, registry.url)
    assert code == 0, said
    assert (project / "public" / "index.html").is_file()
    assert hand_gitlab.token not in said
    code, said = run("pages", project, hand_gitlab, hand_gitlab.token, registry.url)
    assert code == 0, said


@pytest.mark.slow
def test_the_history_of_due_dates_outlives_the_runner(
    project: Path, hand_gitlab: LoopbackGitLab, registry: type[Registry]
) -> None:
    code, said = run("nightly", project, hand_gitlab, hand_gitlab.token, registry.url)
    assert (code, "starts the history" in said) == (0, True), said
    shutil.rmtree(project / "dataset")  # the next night gets another machine
    code, said = run("nightly", project, hand_gitlab, hand_gitlab.token, registry.url)
    assert (code, "starts the history" in said) == (0, False), said
    runs = json.loads((project / "dataset" / "manifest.json").read_text("utf-8"))["runs"]
    assert len(runs) == 2


def test_a_clone_publishes_its_documentation_beside_the_report(tmp_path: Path) -> None:
    (line,) = (line for line in TEMPLATE["nightly"]["script"] if "make docs" in line)
    (tmp_path / "public").mkdir()
    subprocess.run(["bash", "-ec", line], cwd=tmp_path, check=True)
    assert not (tmp_path / "public" / "docs").exists(), "a project of a user has no such pages"
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "conf.py").touch()
    (tmp_path / "Makefile").write_text(
        "docs:\n\tmkdir docs/_site\n\techo page > docs/_site/index.html\n.PHONY: docs\n", "utf-8"
    )
    subprocess.run(["bash", "-ec", line], cwd=tmp_path, check=True)
    assert (tmp_path / "public" / "docs" / "index.html").read_text("utf-8") == "page\n"
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert re.search(r"^docs:.*\n(\t.*\n)*\t.* docs/_site$", makefile, re.MULTILINE)


def test_a_store_that_fails_starts_no_second_history(
    project: Path, hand_gitlab: LoopbackGitLab, registry: type[Registry]
) -> None:
    registry.answer = 503
    code, said = run("nightly", project, hand_gitlab, hand_gitlab.token, registry.url)
    assert code == 4
    assert "failed with 503; nothing was exported" in said
    assert not (project / "dataset").exists()


def test_a_job_fails_with_the_code_of_the_step(
    project: Path, hand_gitlab: LoopbackGitLab, registry: type[Registry]
) -> None:
    code, said = run("nightly", project, hand_gitlab, "wrong", registry.url)
    assert code == 3
    assert "Traceback" not in said
    assert not (project / "public").exists()


@pytest.mark.slow
def test_notebooks_of_ones_own_are_held_to_what_they_printed(
    project: Path, hand_gitlab: LoopbackGitLab, registry: type[Registry]
) -> None:
    """Stored by the one command that the template names, then true, then false after a change."""
    (project / "notebooks").mkdir()
    source = (ROOT / "notebooks" / "milestones.ipynb").read_text("utf-8")
    mine = project / "notebooks" / "milestones.ipynb"
    mine.write_text(source, "utf-8")
    code, said = run("nightly", project, hand_gitlab, hand_gitlab.token, registry.url)
    assert code == 1, "the outputs are still those of the sample"
    assert "failed" in said
    (refresh,) = re.findall(
        r"`(jupyter nbconvert [^`]+)`", (ROOT / "docs" / "gitlab-ci.yml").read_text()
    )
    environment = {**os.environ, "ROADMAP_DATASET": str(project / "dataset")}
    subprocess.run(["bash", "-c", f".venv/bin/{refresh}"], cwd=project, env=environment, check=True)
    assert mine.read_text("utf-8") != source
    code, said = run("nightly", project, hand_gitlab, hand_gitlab.token, registry.url)
    assert code == 0, said
