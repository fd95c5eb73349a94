"""JupyterLab in a browser, as `make lab` starts it: notebooks run, hostile titles stay text."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.browser.chromium import Chromium, Page
from tests.browser.conftest import keep_picture
from tests.odd_datasets import HOSTILE, TAKEN

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
TOKEN = "only-for-this-test"
START_SECONDS = 90
RUN_SECONDS = 240
OWN_SETTINGS = {
    # All cells stand in the page, also those out of sight; and nothing is saved on its own.
    "notebook-extension/tracker": {"windowingMode": "none"},
    "docmanager-extension/plugin": {"autosave": False},
    # It asks whether to fetch news, which needs an answer and no request.
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}
# Mathematics outside of what this project shows: when it is set, all that would be set has been.
WITNESS = "from IPython.display import HTML\nHTML('<p id=\"witness\">$a + b$</p>')"
DONE = """(() => {
  const counts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')]
    .map(prompt => prompt.textContent.trim());
  return counts.length > 3 && counts.every(count => /^\\[\\d+\\]:$/.test(count)); })()"""


@dataclass
class Lab:
    """A JupyterLab on loopback with a home of its own."""

    url: str
    folder: Path

    def address(self, notebook: str) -> str:
        # In a workspace of its own, so that no other notebook is open.
        workspace = notebook.removesuffix(".ipynb")
        return f"{self.url}/lab/workspaces/{workspace}/tree/{notebook}?token={TOKEN}"


@pytest.fixture(scope="module")
def lab(hostile_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    base = tmp_path_factory.mktemp("lab")
    folder = base / "notebooks"
    shutil.copytree(ROOT / "notebooks", folder, ignore=shutil.ignore_patterns(".*"))
    for name, settings in OWN_SETTINGS.items():
        path = base / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    environment = kept | {
        "HOME": str(base),
        "JUPYTERLAB_SETTINGS_DIR": str(base / "settings"),
        "ROADMAP_DATASET": str(hostile_dataset),
    }
    said = (base / "said.txt").open("w")
    process = subprocess.Popen(
        [
            *as_make_starts_it(),
            *("--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"),
            *(f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
            *(f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folder}"),
        ],
        cwd=ROOT,
        env=environment,
        stdout=said,
        stderr=subprocess.STDOUT,
    )
    found = Lab(f"http://127.0.0.1:{port}", folder)
    try:
        wait_for_answer(f"{found.url}/api?token={TOKEN}", process, base / "said.txt")
        yield found
    finally:
        process.terminate()
        process.wait(timeout=30)
        said.close()
    assert "Traceback" not in (base / "said.txt").read_text()


def as_make_starts_it() -> list[str]:
    """The command of `make lab`, without the notebook that it opens."""
    run = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "--old-file=.venv/ready", "lab"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    *command, opened = shlex.split(run.stdout.replace("\\\n", " "))
    assert command[:2] == [".venv/bin/jupyter", "lab"]
    assert opened == "notebooks/roadmap_review.ipynb"
    return command


def wait_for_answer(url: str, process: subprocess.Popen[bytes], said: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        assert process.poll() is None, said.read_text()
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            assert time.monotonic() < end, said.read_text()
            time.sleep(0.2)


@pytest.fixture
def opened(chromium: Chromium, lab: Lab) -> Iterator[Callable[[str], Page]]:
    """Open a notebook and run all its cells by the menu, as a reader does."""
    page = chromium.page(width=1300, height=1000)

    def open_and_run(notebook: str) -> Page:
        page.open(lab.address(notebook))
        page.wait("document.querySelector('.jp-Notebook .jp-CodeCell')", START_SECONDS)
        # Whoever runs cells before the kernel is there is asked which one to start.
        page.wait(
            f"""fetch('/api/sessions?token={TOKEN}').then(answer => answer.json()).then(sessions =>
            sessions.some(({{path, kernel}}) => path === '{notebook}' && kernel.connections > 0
            && kernel.execution_state === 'idle'))"""
        )
        page.wait("document.querySelector('.jp-Notebook-ExecutionIndicator[data-status=idle]')")
        item = "[...document.querySelectorAll('{}')].find(e => e.textContent.trim() === '{}')"
        page.click(item.format(".lm-MenuBar-itemLabel", "Run"))
        choice = item.format(".lm-Menu-itemLabel", "Run All Cells")
        page.wait(choice)
        page.click(choice)
        page.wait(DONE, RUN_SECONDS)
        return page

    yield open_and_run
    page.close()


def assert_quiet(page: Page, lab: Lab) -> None:
    here = (f"{lab.url}/", lab.url.replace("http", "ws", 1) + "/")
    assert [address for address in page.requests if not address.startswith(here)] == []
    assert page.errors == []
    assert page.dialogs == []
    assert page.value("document.title") != TAKEN


def rewrite(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a copied notebook: as stored, without its outputs."""
    notebook = json.loads(path.read_text("utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    change(notebook)
    path.write_text(json.dumps(notebook), "utf-8")


def test_a_notebook_runs_and_hostile_titles_stay_text(
    lab: Lab, opened: Callable[[str], Page]
) -> None:
    def with_witness(notebook: dict[str, Any]) -> None:
        witness = {"cell_type": "code", "id": "witness", "metadata": {}, "source": WITNESS}
        notebook["cells"].append(witness | {"outputs": [], "execution_count": None})

    rewrite(lab.folder / "milestones.ipynb", with_witness)
    page = opened("milestones.ipynb")
    page.wait("document.querySelector('#witness mjx-container, #witness .MathJax')")
    keep_picture(page, "lab")
    alts = page.value(
        "[...document.querySelectorAll(':is(.jp-RenderedImage, .jp-RenderedSVG) img')]"
        ".map(i => ({alt: i.alt, width: i.naturalWidth}))"
    )
    assert len(alts) >= 5
    assert all(image["width"] > 300 for image in alts)
    assert page.value("document.querySelectorAll('.ra h1').length") == 1
    said = page.value("[...document.querySelectorAll('.ra')].map(e => e.textContent).join(' ')")
    assert len([title for title in HOSTILE if title in said]) >= 8
    unwanted = "mjx-container, .MathJax, script, iframe, style, img, [onmouseover]"
    assert page.value(f"document.querySelectorAll('.ra :is({unwanted})').length") == 0
    assert page.value("document.querySelectorAll('.jp-OutputArea-output[data-mime-type*=stderr],"
                      ".jp-RenderedText[data-mime-type*=error]').length") == 0  # fmt: skip
    assert_quiet(page, lab)


def test_the_chooser_draws_what_is_chosen(lab: Lab, opened: Callable[[str], Page]) -> None:
    rewrite(lab.folder / "explore.ipynb", lambda notebook: None)  # as stored: no code is edited
    page = opened("explore.ipynb")
    shown = "document.querySelector('.jupyter-widgets .conclusion')?.textContent"
    before = page.wait(shown)
    lists = "document.querySelectorAll('.jupyter-widgets select')"
    labels = page.value(f"[...{lists}[0].options].map(option => option.text)")
    assert [name for name in HOSTILE if any(name in label for label in labels)]
    for number, position in ((0, len(labels) - 8), (1, 1)):
        page.value(
            f"""(() => {{ const list = {lists}[{number}]; list.selectedIndex = {position};
            list.dispatchEvent(new Event('change', {{bubbles: true}})); }})()"""
        )
    page.wait(f"{shown} && {shown} !== {json.dumps(before)}")
    person = page.value(f"{lists}[1].selectedOptions[0].text")
    page.wait("[...document.querySelectorAll('.jupyter-widgets h2')]"
              f".some(h => h.textContent.startsWith('Open issues of {person} '))")  # fmt: skip
    assert page.value("document.querySelectorAll('.jupyter-widgets img').length") == 1
    keep_picture(page, "chooser")
    # A day long before the start: no empty chart, but a sentence.
    page.value(
        """(() => { const day = document.querySelector('.jupyter-widgets input[type=date]');
        day.value = '2019-01-01'; day.dispatchEvent(new Event('change', {bubbles: true}));
        day.dispatchEvent(new Event('focusout', {bubbles: true})); })()"""
    )
    page.wait(f"({shown} ?? '').includes('start')")
    assert page.value("document.querySelectorAll('.jupyter-widgets img').length") == 0
    assert_quiet(page, lab)


# The contrast between the ground of a chart and its darkest or lightest ink, as it is seen.
CHART_CONTRASTS = """(async () => {
  const light = (r, g, b) => { const [x, y, z] = [r, g, b].map(v => (v /= 255) <= .03928
    ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * x + .7152 * y + .0722 * z; };
  const painted = e => { for (; e; e = e.parentElement) {
    const color = getComputedStyle(e).backgroundColor;
    if ((color.match(/[\\d.]+/g)[3] ?? '1') !== '0') return color; } return 'rgb(255, 255, 255)'; };
  const images = [...document.querySelectorAll(':is(.jp-RenderedImage, .jp-RenderedSVG) img')];
  return images.map(image => {
    const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
    const brush = canvas.getContext('2d');
    brush.fillStyle = painted(image.parentElement);
    brush.fillRect(0, 0, canvas.width, canvas.height);
    brush.drawImage(image, 0, 0);
    const data = brush.getImageData(0, 0, canvas.width, canvas.height).data;
    const seen = new Map();
    for (let i = 0; i < data.length; i += 4) {
      const tone = light(data[i], data[i + 1], data[i + 2]).toFixed(3);
      seen.set(tone, (seen.get(tone) ?? 0) + 1);
    }
    const ground = +[...seen].sort((a, b) => b[1] - a[1])[0][0];
    const inks = [...seen].filter(([, count]) => count > 30).map(([tone]) => +tone);
    return Math.max(...inks.map(ink =>
      (Math.max(ink, ground) + .05) / (Math.min(ink, ground) + .05))); }); })()"""
WORDS = """[...document.querySelectorAll('.ra :is(h1, h2, p, td)')].slice(0, 30).map(e => {
  const parts = getComputedStyle(e).color.match(/[\\d.]+/g).map(Number);
  return parts[0] + parts[1] + parts[2]; })"""


def test_charts_and_words_read_well_on_a_dark_theme(
    lab: Lab, opened: Callable[[str], Page]
) -> None:
    settings = lab.folder.parent / "settings" / "@jupyterlab" / "apputils-extension"
    chosen = settings / "themes.jupyterlab-settings"
    chosen.write_text(json.dumps({"theme": "JupyterLab Dark"}))
    try:
        page = opened("burndown.ipynb")
        assert page.value("document.body.dataset.jpThemeLight") == "false"
        contrasts = page.value(CHART_CONTRASTS)
        assert len(contrasts) >= 4
        assert min(contrasts) >= 7
        words = page.value(WORDS)
        assert len(words) > 5
        assert min(words) > 400  # of 765: light letters
        keep_picture(page, "lab-dark")
        assert_quiet(page, lab)
    finally:
        chosen.unlink()
