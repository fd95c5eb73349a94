"""Clones and folders from anybody: no program that they name runs, no link leads outside."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from roadmap_analytics.errors import RoadmapError
from roadmap_analytics.roadmap import clone as clones
from roadmap_analytics.roadmap import sources
from tests.exporting import command
from tests.test_roadmap_sources import git


@pytest.fixture
def spy(tmp_path: Path) -> Path:
    """A program that leaves a mark (`ran`) wherever it is started from."""
    program = tmp_path / "spy"
    program.write_text(f"#!/bin/sh\necho ran >> '{tmp_path / 'ran'}'\nexit 1\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with two dated documents and one whose commits are its revisions."""
    made = tmp_path / "clone"
    made.mkdir()
    git(made, "init", "-q", ".")
    for day in ("2025-01-05", "2025-02-05"):
        (made / f"{day}-roadmap.md").write_text(f"# {day}\n")
        (made / "ROADMAP.md").write_text(f"# Plan of {day}\n")
        git(made, "add", ".")
        git(made, "commit", "-q", "-m", day, day=day)
    return made


PROGRAMS: dict[str, tuple[str, tuple[str, ...] | None]] = {
    # configuration, and a command of plain git that runs the program (None: needs more than that)
    "fsmonitor": ("[core]\nfsmonitor = SPY", ("status",)),
    "signature": ("[log]\nshowSignature = true\n[gpg]\nprogram = SPY", ("log",)),
    "pager": ("[core]\npager = SPY\n[pager]\nlog = SPY\nls-tree = SPY", None),
    "ssh": ('[core]\nsshCommand = SPY\n[remote "origin"]\nurl = ssh://x/y', ("fetch",)),
    "filter": ('[filter "f"]\nclean = SPY\nsmudge = SPY\nprocess = SPY\nrequired = true', None),
    "text converter": ('[diff "f"]\ntextconv = SPY\ncommand = SPY', ("log", "-p", "--ext-diff")),
    "external diff": ("[diff]\nexternal = SPY", ("diff", "HEAD~1")),
    "hooks": ("[core]\nhooksPath = HOOKS", ("checkout", "-f", "HEAD")),
    "alias": ("[alias]\nrev-parse = !SPY\nlog = !SPY\nls-tree = !SPY", None),
    "editor": ("[core]\neditor = SPY\n[sequence]\neditor = SPY", None),
    "credentials": ("[credential]\nhelper = SPY", None),
    "include": ("[include]\npath = included", ("status",)),
    "include if": ('[includeIf "gitdir:/"]\npath = included', ("status",)),
    "worktree configuration": ("[extensions]\nworktreeConfig = true", ("status",)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_program_of_a_clone_runs(clone: Path, spy: Path, tmp_path: Path, name: str) -> None:
    text, proof = PROGRAMS[name]
    plain = [one["text"] for one in sources.read(clone)]
    signed(clone, spy)
    hooks = clone / "hooks"
    hooks.mkdir()
    for hook in ("post-checkout", "reference-transaction", "pre-auto-gc"):
        shutil.copy(spy, hooks / hook)
    (clone / ".gitattributes").write_text("* filter=f diff=f\n")
    included = f"[core]\nfsmonitor = {spy}\n"
    (clone / ".git/included").write_text(included)
    (clone / ".git/config.worktree").write_text(included)
    config = clone / ".git/config"
    text = text.replace("SPY", str(spy)).replace("HOOKS", str(hooks))
    config.write_text(f"{config.read_text()}\n{text}\n")
    ran = tmp_path / "ran"
    if proof:
        subprocess.run(["git", *proof], cwd=clone, capture_output=True, check=False)
        assert ran.exists(), "plain git does run it"
        ran.unlink()
    assert [one["text"] for one in sources.read(clone)] == plain
    assert [one["revision_hint"] for one in sources.read(clone, pattern="ROADMAP.md")] == [
        *("2025-01-05", "2025-02-05"),
    ]
    assert len(list(sources.read(clone / "ROADMAP.md"))) == 2
    assert command("roadmaps", str(clone)).code in (0, 2)
    assert not ran.exists()


def signed(clone: Path, spy: Path) -> None:
    """Let the newest commit bear what looks like a signature."""
    tree, parent = (
        subprocess.run(
            ["git", "rev-parse", what], cwd=clone, capture_output=True, text=True, check=True
        ).stdout.strip()
        for what in ("HEAD^{tree}", "HEAD~1")
    )
    who = "Ada <ada@example.org> 1738756800 +0000"
    commit = (
        f"tree {tree}\nparent {parent}\nauthor {who}\ncommitter {who}\n"
        "gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----\n\nsigned\n"
    )
    made = subprocess.run(
        ["git", "hash-object", "-t", "commit", "-w", "--stdin"],
        cwd=clone, input=commit, capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    git(clone, "update-ref", "HEAD", made)


@pytest.mark.parametrize("how", ["uploadpack", "ext"])
def test_a_partial_clone_fetches_nothing(clone: Path, spy: Path, tmp_path: Path, how: str) -> None:
    blob = subprocess.run(
        ["git", "rev-parse", "HEAD:2025-01-05-roadmap.md"],
        cwd=clone, capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    (clone / f".git/objects/{blob[:2]}/{blob[2:]}").unlink()
    url = f"ext::{spy}" if how == "ext" else str(clone)
    config = clone / ".git/config"
    config.write_text(
        "[core]\nrepositoryformatversion = 1\n[extensions]\npartialClone = origin\n"
        f'[remote "origin"]\nurl = {url}\nuploadpack = {spy}\npromisor = true\n'
        "[protocol]\nallow = always\n"
    )
    ran = tmp_path / "ran"
    subprocess.run(["git", "cat-file", "-p", blob], cwd=clone, capture_output=True, check=False)
    assert ran.exists(), "plain git does run it"
    ran.unlink()
    with pytest.raises(RoadmapError, match=r"git says: .*partial clone has to fetch its files"):
        list(sources.read(clone))
    assert not ran.exists()


def test_git_variables_of_the_caller_lead_nowhere(
    clone: Path, spy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q", ".")
    (other / "2020-01-01-roadmap.md").write_text("# another\n")
    git(other, "add", ".")
    git(other, "commit", "-q", "-m", "x")
    plain = list(sources.read(clone))
    for name, value in {
        "GIT_DIR": str(other / ".git"),
        "GIT_WORK_TREE": str(other),
        "GIT_COMMON_DIR": str(other / ".git"),
        "GIT_OBJECT_DIRECTORY": str(other / ".git/objects"),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(other / ".git/objects"),
        "GIT_INDEX_FILE": str(other / ".git/index"),
        "GIT_NAMESPACE": "x",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.fsmonitor",
        "GIT_CONFIG_VALUE_0": str(spy),
        "GIT_CONFIG_PARAMETERS": f"'core.fsmonitor={spy}'",
        "GIT_EXTERNAL_DIFF": str(spy),
        "GIT_PAGER": str(spy),
        "GIT_SSH": str(spy),
        "GIT_TRACE": str(tmp_path / "trace"),
        "GIT_CEILING_DIRECTORIES": "/",
        "GIT_LITERAL_PATHSPECS": "0",
        "GIT_GLOB_PATHSPECS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    assert list(sources.read(clone)) == plain
    assert not (tmp_path / "ran").exists()
    assert not (tmp_path / "trace").exists()


# -- what leads elsewhere --------------------------------------------------------------------------


def file_elsewhere(clone: Path, victim: Path) -> None:
    shutil.rmtree(clone / ".git")
    (clone / ".git").write_text(f"gitdir: {victim / '.git'}\n")


def link_elsewhere(clone: Path, victim: Path) -> None:
    shutil.rmtree(clone / ".git")
    (clone / ".git").symlink_to(victim / ".git")


def false_worktree(clone: Path, victim: Path) -> None:
    """A `.git` file that names a folder of its own, whose objects and branches are the victim's."""
    false = clone / "git/worktrees/x"
    false.mkdir(parents=True)
    shutil.rmtree(clone / ".git")
    (clone / ".git").write_text(f"gitdir: {false}\n")
    (false / "gitdir").write_text(f"{clone / '.git'}\n")
    (false / "commondir").write_text(f"{victim / '.git'}\n")
    (false / "HEAD").write_text("ref: refs/heads/main\n")


def alternates(clone: Path, victim: Path) -> None:
    (clone / ".git/objects/info/alternates").write_text(f"{victim / '.git/objects'}\n")


def linked_objects(clone: Path, victim: Path) -> None:
    shutil.rmtree(clone / ".git/objects")
    (clone / ".git/objects").symlink_to(victim / ".git/objects")


def linked_pack(clone: Path, victim: Path) -> None:
    git(victim, "gc", "-q")
    for pack in (victim / ".git/objects/pack").iterdir():
        (clone / ".git/objects/pack" / pack.name).symlink_to(pack)


def linked_refs(clone: Path, victim: Path) -> None:
    shutil.rmtree(clone / ".git/refs")
    (clone / ".git/refs").symlink_to(victim / ".git/refs")


def linked_head(clone: Path, victim: Path) -> None:
    (clone / ".git/HEAD").unlink()
    (clone / ".git/HEAD").symlink_to(victim / ".git/HEAD")


def piped_object(clone: Path, victim: Path) -> None:
    os.mkfifo(clone / ".git/objects/pack/pack-1234.pack")


DETOURS: list[Callable[[Path, Path], None]] = [
    *(file_elsewhere, link_elsewhere, false_worktree, alternates, linked_objects, linked_pack),
    *(linked_refs, linked_head, piped_object),
]


@pytest.mark.parametrize("detour", DETOURS, ids=lambda one: one.__name__)
def test_a_clone_shows_nothing_that_lies_elsewhere(
    clone: Path, tmp_path: Path, detour: Callable[[Path, Path], None]
) -> None:
    victim = tmp_path / "victim"
    shutil.copytree(clone, victim)
    (victim / "2025-03-05-roadmap.md").write_text("# private\n")
    git(victim, "add", ".")
    git(victim, "commit", "-q", "-m", "private", day="2025-03-05")
    detour(clone, victim)
    with pytest.raises(RoadmapError) as refused:
        list(sources.read(clone))
    assert "\n" not in str(refused.value)


def test_a_worktree_and_a_submodule_are_read(clone: Path, tmp_path: Path) -> None:
    plain = [one["text"] for one in sources.read(clone)]
    git(clone, "worktree", "add", "-q", str(tmp_path / "tree"), "HEAD~1")
    # The last of each is the list of files that were not read (ROADMAP.md beside dated ones).
    assert [one["text"] for one in sources.read(tmp_path / "tree")] == [plain[0], plain[-1]]
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "-q", ".")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(clone), "inner")
    assert [one["text"] for one in sources.read(outer / "inner")] == plain


def test_a_packed_a_shallow_and_a_sha256_clone_are_read(clone: Path, tmp_path: Path) -> None:
    plain = [one["text"] for one in sources.read(clone)]
    git(clone, "tag", "-a", "-m", "x", "v1")
    git(clone, "gc", "-q")
    assert (clone / ".git/packed-refs").exists()
    assert [one["text"] for one in sources.read(clone, ref="v1")] == plain
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{clone}", "shallow")
    assert [one["text"] for one in sources.read(tmp_path / "shallow")] == plain
    assert len(list(sources.read(tmp_path / "shallow", pattern="ROADMAP.md"))) == 1
    other = tmp_path / "sha256"
    other.mkdir()
    git(other, "init", "-q", "--object-format=sha256", ".")
    (other / "2025-01-05-roadmap.md").write_text(plain[0])
    git(other, "add", ".")
    git(other, "commit", "-q", "-m", "1")
    assert [one["text"] for one in sources.read(other)] == plain[:1]


def test_a_folder_of_a_clone_at_a_commit(clone: Path) -> None:
    (clone / "archive").mkdir()
    (clone / "archive/2025-03-05-roadmap.md").write_text("# three\n")
    git(clone, "add", ".")
    git(clone, "commit", "-q", "-m", "3", day="2025-03-05")
    found = list(sources.read(clone / "archive", ref="HEAD"))
    assert [(one["name"], one["text"]) for one in found] == [("2025-03-05-roadmap.md", "# three\n")]


# -- contents --------------------------------------------------------------------------------------


def test_a_link_in_a_commit_is_no_document(clone: Path) -> None:
    (clone / "2025-03-05-roadmap.md").symlink_to("/etc/passwd")
    git(clone, "add", ".")
    git(clone, "commit", "-q", "-m", "link", day="2025-03-05")
    names = [one["name"] for one in sources.read(clone)]
    assert names == ["2025-01-05-roadmap.md", "2025-02-05-roadmap.md", sources.NOT_READ]


def test_a_link_in_a_folder_leads_nowhere_outside(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "texts").mkdir(parents=True)
    (tmp_path / "secret").write_text("# private\n")
    (folder / "texts/one").write_text("# one\n")
    (folder / "2025-01-05-roadmap.md").symlink_to("texts/one")
    assert [one["text"] for one in sources.read(folder)] == ["# one\n"], "within it"
    for target in ("../secret", str(tmp_path / "secret"), "/etc/passwd", "texts/../../secret"):
        (folder / "2025-02-05-roadmap.md").unlink(missing_ok=True)
        (folder / "2025-02-05-roadmap.md").symlink_to(target)
        with pytest.raises(RoadmapError, match=r"got a link to .*, outside of it"):
            list(sources.read(folder))
    (folder / "2025-02-05-roadmap.md").unlink()
    (folder / "matches.csv").symlink_to("/etc/passwd")
    with pytest.raises(RoadmapError, match="outside of it"):
        list(sources.read(folder))


def test_contents_and_lists_without_end_are_cut(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (clone / "2025-03-05-roadmap.md").write_bytes(b"- x\n" * 10_000_000)
    git(clone, "add", ".")
    git(clone, "commit", "-q", "-m", "large", day="2025-03-05")
    with pytest.raises(RoadmapError, match="expected a document of at most 200000 bytes"):
        list(sources.read(clone))
    monkeypatch.setattr(clones, "MOST_OUTPUT", 60)
    with pytest.raises(RoadmapError, match="git gives more than 60 bytes for ls-tree"):
        list(sources.read(clone))
    monkeypatch.setattr(clones, "MOST_NAMES", 3)
    with pytest.raises(RoadmapError, match="at most 3 bytes of names"):
        list(sources.read(clone))


def test_names_that_are_no_text_can_be_stored(clone: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for where in (clone, folder):
        for name in (b"2025-03-05-roadmap-caf\xe9.md", b"notes-caf\xe9.md"):
            Path(os.fsdecode(bytes(where) + b"/" + name)).write_text("# x\n")
    git(clone, "add", ".")
    git(clone, "commit", "-q", "-m", "name", day="2025-03-05")
    for where in (clone, folder):
        names = [one["name"] for one in sources.read(where)]
        assert "2025-03-05-roadmap-caf\\xe9.md" in names
        for one in sources.read(where):
            one["source"].encode()
        beside = [one["text"] for one in sources.read(where) if one["name"] == sources.NOT_READ]
        assert "notes-caf\\xe9.md," in beside[0]
