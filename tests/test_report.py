"""The report: self-contained pages in which nothing from outside runs and no name shows unasked."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest
from filelock import FileLock

import roadmap_analytics as ra
from roadmap_analytics.errors import ConfigurationError, DatasetError
from roadmap_analytics.report import build, show
from roadmap_analytics.report.show import said
from tests import odd_datasets
from tests.exporting import command
from tests.odd_datasets import HOSTILE, SAMPLE
from tests.reporting import write_report

SEED = 7
GRAMMAR = "rfc3987_syntax"
REPORT = """
import sys
sys.modules["rfc3987_syntax"] = None  # as the command does
from roadmap_analytics.report.build import write_report
write_report(sys.argv[1], sys.argv[2], notebooks=sys.argv[3], bundled=False)
"""

START = """
import os
import roadmap_analytics as ra
from roadmap_analytics.report.show import claim, conclusion, headline, show, table
dataset = ra.load(os.environ["ROADMAP_DATASET"])
headline("What is in it?", as_of=dataset.exported_at, dataset=dataset)
conclusion(f"It holds {len(dataset.issues)} issues.")
"""


def notebooks(folder: Path, *cells: str, name: str = "page", start: str = START) -> Path:
    """A folder with one notebook of these code cells, after the usual first one."""
    folder.mkdir(exist_ok=True)
    code = [nbformat.v4.new_code_cell(cell) for cell in (start, *cells)]
    prose = nbformat.v4.new_markdown_cell("## Where from\n\nSee [the other](other.ipynb).")
    notebook = nbformat.v4.new_notebook(cells=[*code, prose], metadata={"title": f"The {name}"})
    nbformat.write(notebook, folder / f"{name}.ipynb")
    return folder


@dataclass
class Html(HTMLParser):
    """What is in a page: elements with their attributes, text outside of script and style."""

    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    text: str = ""
    inner: dict[str, list[str]] = field(default_factory=lambda: {"script": [], "style": []})
    policy: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self._within: str | None = None

    @classmethod
    def read(cls, path: Path) -> Html:
        page = cls()
        page.feed(path.read_text("utf-8"))
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.elements.append((tag, found))
        if tag in self.inner:
            self._within = tag
            self.inner[tag].append("")
        if found.get("http-equiv") == "Content-Security-Policy":
            self.policy = found["content"]

    def handle_endtag(self, tag: str) -> None:
        if tag == self._within:
            self._within = None

    def handle_data(self, data: str) -> None:
        if self._within:
            self.inner[self._within][-1] += data
        else:
            self.text += data

    def values(self, name: str) -> Iterator[str]:
        return (attributes[name] for _, attributes in self.elements if name in attributes)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset for tests of how a page is made, whatever it says."""
    to = tmp_path_factory.mktemp("small") / "dataset"
    ra.simulate_dataset(to, issues=12, seed=1)
    return to


@pytest.fixture(scope="session")
def hostile_pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The real notebooks on hostile data, built once for all workers."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    out = shared / "hostile-report"
    with FileLock(shared / "hostile-report.lock"):
        if not out.exists():
            odd_datasets.hostile().save(shared / "hostile-dataset")
            write_report(shared / "hostile-dataset", out)
    return sorted(out.glob("*.html"))


def test_pages_ask_nothing_of_the_network(hostile_pages: list[Path]) -> None:
    names = {path.name for path in hostile_pages}
    for path in hostile_pages:
        page = Html.read(path)
        assert list(page.values("src")) == [], "charts stand in the page itself"
        # Links to GitLab open where a reader follows them; a page itself fetches nothing.
        links = {link for link in page.values("href") if not link.startswith(("https://", "#"))}
        # The board links to a choice of open issues; what is chosen stands behind the "#".
        assert {link.partition("#")[0] for link in links} <= names | {"data:,"}
        assert not {"srcset", "action", "poster", "background", "ping", "style"} & {
            name for _, attributes in page.elements for name in attributes
        }


def test_the_policy_allows_one_script_and_one_style(hostile_pages: list[Path]) -> None:
    def allowed(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    for path in hostile_pages:
        page = Html.read(path)
        (script,), (style,) = page.inner["script"], page.inner["style"]
        rules = dict(rule.strip().split(" ", 1) for rule in page.policy.split(";"))
        assert rules == {
            "default-src": "'none'",
            "img-src": "data:",
            "style-src": allowed(style),
            "script-src": allowed(script),
            "base-uri": "'none'",
            "form-action": "'none'",
        }
        policy = page.elements.index(
            ("meta", {"http-equiv": "Content-Security-Policy", "content": page.policy})
        )
        assert policy < page.elements.index(("style", {})), "it holds for what follows it only"


def test_hostile_titles_are_text(hostile_pages: list[Path]) -> None:
    text = ""
    for path in hostile_pages:
        page = Html.read(path)
        tags = [tag for tag, _ in page.elements]
        assert not {"iframe", "object", "embed", "form", "base", "foreignobject", "math"} & set(
            tags
        )
        assert tags.count("h1") == 1
        names = {name for _, attributes in page.elements for name in attributes}
        assert not [name for name in names if name.startswith("on")]
        text += page.text
    assert [title for title in HOSTILE if title not in text] == []


def test_every_page_answers_on_hostile_data(hostile_pages: list[Path]) -> None:
    for path in hostile_pages:
        text = Html.read(path).text
        if path.stem not in ("index", "roadmaps"):  # these are no notebooks
            assert "as of" in text, path.name
        assert not re.search(r"\b(nan|NaT)\b|<NA>|\w+Warning\b", text), path.name


def test_every_picture_is_told_in_words(hostile_pages: list[Path]) -> None:
    alts = [
        attributes.get("aria-label", "")
        for path in hostile_pages
        for tag, attributes in Html.read(path).elements
        if attributes.get("role") == "img"
    ]
    assert len(alts) >= 10
    assert [alt for alt in alts if len(alt) < 20] == []


def test_a_cell_tagged_folded_is_one_line_that_opens_the_rest(tmp_path: Path, small: Path) -> None:
    folder = notebooks(
        tmp_path / "notebooks",
        "claim('34 of 40 & <b>more</b> held')\nconclusion('folded away')",
        "claim('In full')",
    )
    stored = nbformat.read(folder / "page.ipynb", as_version=4)
    stored.cells[1].metadata["tags"] = ["folded"]
    stored.cells[2].metadata["tags"] = ["other"]
    nbformat.write(stored, folder / "page.ipynb")
    index = write_report(small, tmp_path / "out", notebooks=folder, bundled=False)
    text = (index.parent / "page.html").read_text("utf-8")
    line = "<summary>34 of 40 &amp; &lt;b&gt;more&lt;/b&gt; held</summary>"
    _, after = text.split(f'<details class="folded">{line}')
    within, others = after.split("</section>", 1)
    assert "<strong>folded away</strong>" in within
    assert "<h2>34 of 40" not in text
    assert "<h2>In full</h2>" in others
    assert "folded away" in index.read_text("utf-8")  # the index shows every conclusion


def test_made_up_names_leave_no_name_and_no_title(tmp_path: Path) -> None:
    """A page of everything: test_sharing.py shows that no frame holds a name or a typed text."""
    sample = ra.load(SAMPLE)
    people = sample.people
    secrets = {*people["username"], *people["person"], *people["name"].dropna()}
    secrets |= {*sample.issues["author"], *sample.responsibilities["person"]}
    secrets -= {"everyone", "others", "maintainers"}
    secrets |= {*sample.issues["title"], *sample.milestones["title"]}
    assert len(secrets) > 200
    tables = [
        f"print(dataset.{name}.select_dtypes('str').to_csv())"
        for name in ("issues", "milestones", "people", "roadmap_items", "responsibilities")
    ]
    folder = notebooks(tmp_path / "notebooks", *tables)
    index = write_report(SAMPLE, tmp_path / "out", notebooks=folder, bundled=False, pseudonyms=SEED)
    page = Html.read(index.parent / "page.html")
    assert "person01" in page.text
    said = page.text + " ".join(value for a in page.elements for value in a[1].values())
    assert [s for s in sorted(secrets) if re.search(rf"\b{re.escape(s)}\b", said)] == []


def test_the_index_has_the_conclusions_of_every_page(hostile_pages: list[Path]) -> None:
    (index,) = (path for path in hostile_pages if path.stem == "index")
    lines = [line for line in Html.read(index).text.splitlines() if line]
    for path in hostile_pages:
        if path.stem in ("index", "roadmaps"):  # these are no notebooks
            continue
        told = re.findall(r"<p class=.conclusion.><strong>(.*?)</strong>", path.read_text("utf-8"))
        assert told, path.name
        for sentence in told:
            page = Html()
            page.feed(sentence)
            assert any(page.text in line for line in lines), sentence


def test_pages_say_where_the_data_come_from(hostile_pages: list[Path]) -> None:
    sample = ra.load(SAMPLE)
    checked = ra.check(sample).reconciliation
    for path in hostile_pages:
        text = Html.read(path).text
        assert "These data are simulated" in text
        assert sample.origin in text
        assert f"{len(sample.issues):,} issues" in text
        assert f"exported {sample.exported_at:%Y-%m-%d %H:%M} UTC" in text
        assert checked in text


def test_pages_say_that_only_what_is_public_was_exported() -> None:
    dataset = ra.load(SAMPLE)
    said_of = build._provenance(dataset)
    assert not any("without a token" in sentence for sentence in said_of)
    *earlier, newest = dataset.manifest["runs"]
    manifest = dataset.manifest | {"runs": [*earlier, newest | {"anonymous": True}]}
    public = build._provenance(ra.Dataset(dataset.frames, manifest))
    assert "confidential issues and private projects are not included" in " ".join(public)


SECRETS = {
    "GITLAB_PRIVATE_TOKEN": "s3cret-1",
    "CI_JOB_JWT": "s3cret-2",
    "CI_JOB_TOKEN": "s3cret-3",
    "CI_REGISTRY_PASSWORD": "s3cret-4",
    "SSH_PRIVATE_KEY": "s3cret-5",
    "GITLAB_PAT": "s3cret-6",
    "CI_REPOSITORY_URL": "https://gitlab-ci-token:s3cret-7@git.example.org/a/b.git",
    "DATABASE_URL": "postgres://me:s3cret-8@db/x",
    "AWS_SECRET_ACCESS_KEY": "s3cret-9",
    "HTTPS_PROXY": "http://me:s3cret-10@proxy:3128",
    "PYTHON_GITLAB_CFG": "/home/me/s3cret-11.cfg",
    "MY_OWN": "s3cret-12",
}


def test_a_page_shows_what_its_notebook_shows(
    tmp_path: Path, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that a page adds and leaves out, on one small notebook without anything disturbing.

    Its kernel sees no variable but those that Python needs, and no file.
    """
    monkeypatch.chdir(tmp_path)
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    cells = [
        "secret = {k: v for k, v in os.environ.items() if 's3cret' in v}",
        "claim(f'{secret} of {len(os.environ) > 3}, in {os.listdir()}, a kernel {__name__}')",
        "from IPython.display import HTML\nHTML('<p onclick=\"x()\">raw<script>x()</script></p>')",
        "print('<b>printed</b>')",
        "table(dataset.issues[['title', 'due_date']].head(2), caption='<i>Two</i> issues')",
    ]
    folder = notebooks(tmp_path / "notebooks", *cells)
    notebooks(folder, "print('secret' in globals(), 'alone')", name="other", start="1")
    index = build.write_report(small, tmp_path / "out", notebooks=folder, bundled=False)
    assert index == tmp_path / "out" / "index.html"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notebooks", "out"]
    assert sorted(p.name for p in index.parent.iterdir()) == [
        *("index.html", "open_issues.html", "other.html", "page.html", "roadmaps.html"),
    ]
    text = (index.parent / "page.html").read_text("utf-8")
    page = Html.read(index.parent / "page.html")
    assert "{} of True, in [], a kernel __main__" in page.text
    assert "s3cret-" not in text
    assert "False alone" in Html.read(index.parent / "other.html").text
    assert "onclick" not in {name for _, attributes in page.elements for name in attributes}
    assert len(page.inner["script"]) == 1
    assert "<b>printed</b>" in page.text
    assert "<i>Two</i> issues" in page.text
    assert "¶" not in page.text
    assert "other.html" in set(page.values("href"))
    assert page.text.count("How this was computed") == 5, "silent cells are folded into the next"
    assert cells[0] in page.text


def test_confidential_titles_only_when_asked_for(tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    ra.simulate_dataset(dataset, issues=80, seed=1)
    sample = ra.load(dataset)
    hidden = sample.issues.loc[sample.issues["confidential"], "title"]
    assert len(hidden) > 0
    folder = notebooks(
        tmp_path / "notebooks", "table(dataset.issues[['iid', 'title']], caption='All of them')"
    )
    write_report(dataset, tmp_path / "out", notebooks=folder, bundled=False)
    text = Html.read(tmp_path / "out" / "page.html").text
    # "Fix login" may stand there as part of an open issue's "Fix login when offline".
    others = "\n".join(sample.issues.loc[~sample.issues["confidential"], "title"])
    secret = [title for title in set(hidden) if title not in others]
    assert secret
    assert [title for title in secret if title in text] == []
    assert text.count("(confidential)") == len(hidden)
    assert f"It holds {len(sample.issues)} issues." in text

    write_report(dataset, tmp_path / "out", notebooks=folder, bundled=False, confidential=True)
    text = Html.read(tmp_path / "out" / "page.html").text
    assert [title for title in hidden if title not in text] == []


def test_a_notebook_that_fails_leaves_the_pages_that_were_there(
    tmp_path: Path, small: Path
) -> None:
    folder = notebooks(tmp_path / "notebooks", "raise ValueError('<no> such number')", start="")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "page.html").write_text("as it was")
    with pytest.raises(ConfigurationError) as failed:
        build.write_report(small, tmp_path / "out", notebooks=folder, bundled=False)
    assert str(failed.value).startswith(
        "report: notebook The page failed: ValueError: <no> such number; open it in JupyterLab"
    )
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["page.html"]
    assert (tmp_path / "out" / "page.html").read_text() == "as it was"


def test_nothing_that_lies_in_the_callers_folder_runs(tmp_path: Path, small: Path) -> None:
    """A downloaded folder may hold modules and settings of the names that a kernel looks for."""
    folder = notebooks(
        tmp_path / "notebooks",
        "import roadmap_analytics, matplotlib.pyplot as plt",
        "plt.plot([1]); print('drawn')",
        start="import os",
    )
    trap = tmp_path / "downloaded"
    (trap / ".ipython/profile_default/startup").mkdir(parents=True)
    (trap / "profile_default/startup").mkdir(parents=True)
    mark = f"open({str(tmp_path / 'ran')!r}, 'a').write(__name__ + '\\n')\n"
    modules = ["matplotlib", "pandas", "numpy", "json", "zmq", "IPython", "ipykernel", "comm"]
    for module in (*modules, "sitecustomize", "usercustomize", "roadmap_analytics", "os"):
        (trap / f"{module}.py").write_text(mark)
    for settings in ("ipython_config", "ipython_kernel_config", "jupyter_config"):
        (trap / f"{settings}.py").write_text(mark)
    (trap / ".ipython/profile_default/startup/00.py").write_text(mark)
    (trap / "profile_default/startup/00.py").write_text(mark)
    (trap / "matplotlibrc").write_text("backend: module://matplotlib_trap\n")
    (trap / "matplotlib_trap.py").write_text(mark)
    done = subprocess.run(
        # -P: the command roadmap-analytics has the folder of its script in the path, not this one
        [sys.executable, "-P", "-c", REPORT, str(small), "out", str(folder)],
        cwd=trap, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "drawn" in Html.read(trap / "out/page.html").text
    assert not (tmp_path / "ran").exists(), (tmp_path / "ran").read_text()


def test_interrupted_it_leaves_no_kernel_behind(tmp_path: Path, small: Path) -> None:
    mark = tmp_path / "kernel"
    folder = notebooks(
        tmp_path / "notebooks",
        f"import pathlib; pathlib.Path({str(mark)!r}).write_text(str(os.getpid()))",
        "import time; time.sleep(300)",
        start="import os",
    )
    arguments = [str(small), str(tmp_path / "out"), str(folder)]
    process = subprocess.Popen(
        [sys.executable, "-c", REPORT, *arguments],
        stderr=subprocess.DEVNULL,
        # A shell lets what it starts in the background ignore Ctrl-C, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not (mark.exists() and mark.read_text()):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.wait(60)
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


def test_a_kernel_that_dies_is_told_in_a_line(tmp_path: Path, small: Path) -> None:
    folder = notebooks(tmp_path / "notebooks", "os._exit(1)", start="import os")
    with pytest.raises(ConfigurationError, match=r"notebook The page did not finish: .*died"):
        build.write_report(small, tmp_path / "out", notebooks=folder, bundled=False)


def test_the_command_compiles_no_grammar_of_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would take a second, and nbformat asks for it (cli.py)."""
    loaded: list[Any] = []
    for write in ("write_report", "write_roadmap_page"):
        monkeypatch.setattr(ra, write, lambda *_, **__: loaded.append(sys.modules[GRAMMAR]))
    for arguments in (["report", str(SAMPLE)], ["roadmaps", str(SAMPLE)]):
        monkeypatch.delitem(sys.modules, GRAMMAR)
        assert command(*arguments, "--to", "out").code == 0
    assert loaded == [None, None]


def test_an_nbconvert_without_its_templates_is_told_in_a_line(
    tmp_path: Path, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbconvert.exporters.templateexporter.jupyter_path", lambda *parts: [])
    with pytest.raises(ConfigurationError) as failed:
        build.write_report(small, tmp_path / "out")
    assert str(failed.value) == (
        "report: nbconvert is not whole: No template sub-directory with name 'base' found in the "
        "following paths; reinstall it: pip install --force-reinstall nbconvert"
    )
    assert not (tmp_path / "out").exists()


def test_without_notebooks_or_dataset_it_says_so(tmp_path: Path, small: Path) -> None:
    with pytest.raises(ConfigurationError, match="no notebooks"):
        build.write_report(small, tmp_path / "out", notebooks=tmp_path, bundled=False)
    with pytest.raises(DatasetError):
        build.write_report(tmp_path / "nothing", tmp_path / "out")
    told = command("report", str(tmp_path / "nothing"), "--to", str(tmp_path / "out"))
    assert told.code == 5
    assert "Traceback" not in told.err
    assert not (tmp_path / "out").exists()


@pytest.mark.slow  # test_notebooks.py runs the same notebooks on these data, without kernels
def test_nothing_makes_a_whole_report(tmp_path: Path) -> None:
    """What the real notebooks say of little data is tested beside them (test_notebooks.py)."""
    odd_datasets.empty().save(tmp_path / "dataset")
    folder = notebooks(
        tmp_path / "notebooks",
        "progress = ra.milestone_progress(dataset, as_of=dataset.exported_at)\n"
        "table(progress, caption='Milestones')\n"
        "table(ra.workload(dataset, as_of=dataset.exported_at), caption='Load')",
    )
    index = build.write_report(
        tmp_path / "dataset", tmp_path / "out", notebooks=folder, bundled=False
    )
    assert "It holds 0 issues." in Html.read(index).text
    page = Html.read(index.parent / "page.html")
    assert [tag for tag, _ in page.elements].count("table") == 2
    assert not re.search(r"\b(nan|NaT)\b|<NA>", page.text)


def test_a_day_stays_on_one_line_and_text_stays_escaped() -> None:
    html = said("<b> due 2026-12-11, not 12026-12-111.")
    assert html == "&lt;b&gt; due <span class='day'>2026-12-11</span>, not 12026-12-111."
    looks = {text: show._look(False, text) for text in ("2026-12-11", "2026-12-11 18:00")}
    assert set(looks.values()) == {" class='day'"}
    assert show._look(False, "2026-12-11 is what the roadmap says") == " class='long'"
