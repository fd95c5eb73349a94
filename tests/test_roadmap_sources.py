"""Where revisions come from: folders, clones, the history of one file; and what is refused."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from roadmap_analytics.errors import RoadmapError
from roadmap_analytics.roadmap import sources


def git(where: Path, *arguments: str, day: str = "2025-01-01") -> None:
    who = {"NAME": "Ada", "EMAIL": "ada@example.org", "DATE": f"{day}T12:00:00+00:00"}
    env = {f"GIT_{role}_{k}": v for role in ("AUTHOR", "COMMITTER") for k, v in who.items()}
    subprocess.run(
        ["git", "-c", "init.defaultBranch=main", *arguments],
        cwd=where,
        env={**os.environ, **env},
        check=True,
        capture_output=True,
    )


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Two dated files, minutes, and a ROADMAP.md that changed on three days and was renamed."""
    git(tmp_path, "init", "-q", ".")
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive/2025-01-05-roadmap.md").write_text("# one\n")
    (tmp_path / "archive/2025-01-05--minutes.md").write_text("# minutes\n")
    (tmp_path / "PLAN.md").write_text("# Plan\n\n- a\n- b\n- c\n- d\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "1", day="2025-01-05")
    git(tmp_path, "mv", "PLAN.md", "ROADMAP.md")
    git(tmp_path, "commit", "-q", "-m", "2", day="2025-02-01")
    for n, day in enumerate(["2025-03-01", "2025-03-01", "2025-04-01"]):
        (tmp_path / "ROADMAP.md").write_text(f"# Plan\n\n- a\n- b\n- c\n- d {n}\n")
        git(tmp_path, "commit", "-q", "-a", "-m", f"{n}", day=day)
    (tmp_path / "archive/2025-05-01-roadmap.md").write_text("# two\n")
    (tmp_path / "archive/matches.csv").write_text("x\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "5", day="2025-05-01")
    return tmp_path


def names(path: Path, pattern: str | None = None, ref: str | None = None) -> list[str]:
    return [one["name"] for one in sources.read(path, pattern=pattern, ref=ref)]


def test_a_folder_of_dated_files_with_matches_beside(clone: Path) -> None:
    found = list(sources.read(clone / "archive"))
    assert [one["name"] for one in found] == [
        "2025-01-05-roadmap.md",
        "2025-05-01-roadmap.md",
        "matches.csv",
        sources.NOT_READ,
    ]
    assert [one["revision_hint"] for one in found] == ["2025-01-05", "2025-05-01", None, None]
    assert found[3]["text"].splitlines() == [
        "name,why",
        "2025-01-05--minutes.md,"
        "other dated files have roadmap in their names: give a pattern to read it too",
    ]
    assert found[0]["text"] == "# one\n"


def test_a_clone_is_read_as_committed(clone: Path) -> None:
    (clone / "archive/2025-01-05-roadmap.md").write_text("# not committed\n")
    (clone / "archive/2025-06-01-roadmap.md").write_text("# not committed\n")
    found = list(sources.read(clone, pattern="archive/*-roadmap.md"))
    assert [one["text"] for one in found] == ["# one\n", "# two\n", "x\n"]
    assert names(clone, "archive/*-roadmap.md", "HEAD~1") == ["archive/2025-01-05-roadmap.md"]


def test_commits_of_one_file_are_revisions(clone: Path) -> None:
    found = list(sources.read(clone / "ROADMAP.md"))
    assert [one["revision_hint"] for one in found] == ["2025-01-05", "2025-03-01", "2025-04-01"]
    assert [one["text"][-4:] for one in found] == ["- d\n", "d 1\n", "d 2\n"]
    assert found == list(sources.read(clone, pattern="ROADMAP.md")) or [
        one["text"] for one in sources.read(clone, pattern="ROADMAP.md")
    ] == [one["text"] for one in found]


def test_a_file_rewritten_in_the_commit_that_moves_it_keeps_its_past(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", ".")
    (tmp_path / "ROADMAP.md").write_text("# Plan\n\n1. Alpha\n2. Beta\n")
    (tmp_path / "other.md").write_text("# Other\n\nwords\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "1", day="2025-01-05")
    (tmp_path / "docs").mkdir()
    git(tmp_path, "mv", "ROADMAP.md", "docs/Roadmap.md")
    git(tmp_path, "rm", "-q", "other.md")
    (tmp_path / "docs/Roadmap.md").write_text("# What we do\n\n" + "- something else\n" * 40)
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "2", day="2025-02-01")
    for found in (sources.read(tmp_path), sources.read(tmp_path / "docs/Roadmap.md")):
        assert [(one["revision_hint"], one["text"][:6]) for one in found] == [
            ("2025-01-05", "# Plan"),
            ("2025-02-01", "# What"),
        ]


def test_a_bare_clone_too(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    bare = tmp_path_factory.mktemp("bare") / "x.git"
    git(clone, "clone", "-q", "--bare", ".", str(bare))
    assert names(bare, "archive/*-roadmap.md") == names(clone, "archive/*-roadmap.md")


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda p: None, ["found none", "Name the files by date"]),
        (lambda p: (p / "2025-01-01-roadmap.md").write_bytes(b"\0\1\2"), ["binary data"]),
        (lambda p: (p / "2025-01-01.md").write_bytes(b"- x\n" * 2_500_000), ["at most", "bytes"]),
        (
            lambda p: (p / "2025-01-01.md").symlink_to("2025-01-01.md"),
            ["2025-01-01.md", "levels of"],
        ),
        (lambda p: os.mkfifo(p / "2025-01-01.md"), ["regular file"]),
    ],
)
def test_what_is_no_roadmap_is_refused_in_one_sentence(
    tmp_path: Path, prepare: object, words: list[str]
) -> None:
    prepare(tmp_path)  # type: ignore[operator]
    with pytest.raises(RoadmapError) as caught:
        list(sources.read(tmp_path))
    assert all(word in str(caught.value) for word in words), caught.value
    assert "\n" not in str(caught.value)


def test_folders_that_contain_themselves_end(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "sub/2025-01-01-roadmap.md").write_text("# x\n")
    assert names(tmp_path) == ["sub/2025-01-01-roadmap.md"]


def test_names_that_are_not_there(clone: Path, tmp_path: Path) -> None:
    with pytest.raises(RoadmapError, match="found nothing there"):
        list(sources.read(tmp_path / "none"))
    with pytest.raises(RoadmapError, match="branch, tag or commit"):
        list(sources.read(clone, ref="--output=x"))
    with pytest.raises(RoadmapError, match="needs a git clone"):
        list(sources.read(clone.parent, ref="main"))


def test_encodings() -> None:
    assert sources.decode("\ufeffå".encode(), "x") == "å"
    assert sources.decode("å".encode("utf-16"), "x") == "å"
    assert sources.decode("å".encode("latin-1"), "x") == "å"
