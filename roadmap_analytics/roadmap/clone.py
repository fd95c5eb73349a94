"""A git clone, read with nothing of its own configuration in force.

The configuration of a clone can name programs: ``core.fsmonitor``, ``gpg.program``, text
converters, a pager, a remote that missing objects are fetched from. A clone may come from anybody,
so git never sees that configuration. `Clone` makes an empty git folder of its own, copies the names
of branches and tags into it, points git at the objects of the clone, and runs git there in an
environment without any ``GIT_*`` variable of the caller.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from roadmap_analytics.errors import RoadmapError

__all__ = ["Change", "Clone", "find"]

SECONDS = 120.0
MOST_OUTPUT = 64 * 2**20  # the names of a million files, or a million commits of one file
MOST_NAMES = 64 * 2**20  # packed-refs of half a million branches

_ENVIRONMENT = {
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_ALLOW_PROTOCOL": "",  # none: nothing is fetched
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}
_REGULAR = re.compile(r"100\d{3} blob ([0-9a-f]+)\t(.+)", re.DOTALL)


class Change(NamedTuple):
    """A commit that changed a file: its id, its day (ISO), and the path of the file then."""

    commit: str
    day: str
    path: str


def find(where: Path) -> Clone | None:
    """Return the clone that a folder lies in, or is; None where there is none."""
    where = where.resolve()
    for top in (where, *where.parents):
        place = top / ".git"
        if place.is_symlink() or place.is_file() or _is_git_folder(place):
            return Clone(top, place)
        if _is_git_folder(top):
            return Clone(top, top)
    return None


def _is_git_folder(folder: Path) -> bool:
    return all((folder / name).exists() for name in ("HEAD", "objects", "refs"))


class Clone:
    """A clone, for the length of a ``with`` block.

    Parameters
    ----------
    top
        The folder of the clone.
    place
        Its ``.git``, or the folder itself where the clone is bare.
    """

    def __init__(self, top: Path, place: Path) -> None:
        self.top = top
        self._place = place

    def __enter__(self) -> Clone:
        program = shutil.which("git")
        if program is None:
            raise RoadmapError(f"Roadmaps {self.top}: reading a clone needs git, found none.")
        self._program = program
        self._scratch = tempfile.TemporaryDirectory(prefix="roadmap-analytics-")
        try:
            self._copy_names()
        except OSError as error:
            self._scratch.cleanup()
            raise self._refusal(f"{error.filename}: {error.strerror}") from error
        except RoadmapError:
            self._scratch.cleanup()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._scratch.cleanup()

    # -- what is asked of it -----------------------------------------------------------------------

    def commit(self, ref: str) -> str:
        """Return the id of the commit that a branch, tag or id names."""
        try:
            found = self._git("rev-parse", "--verify", "--end-of-options", f"{ref}^{{commit}}")
        except RoadmapError as error:
            raise RoadmapError(
                f"Roadmaps {self.top}: expected a branch, tag or commit, got {ref!r}, which this "
                "clone does not have."
            ) from error
        return found.decode().strip()

    def files(self, commit: str, folder: str) -> dict[str, str]:
        """Return the regular files below a folder: path from there -> id of the contents.

        Links and submodules are left out: what they lead to is not in this commit's folder.
        """
        tree = f"{commit}:{folder}" if folder else commit
        entries = os.fsdecode(self._git("ls-tree", "-r", "-z", tree)).split("\0")
        found = (_REGULAR.fullmatch(entry) for entry in entries)
        return {one[2]: one[1] for one in found if one}

    def contents(self, what: str, most: int) -> bytes:
        """Return the contents of a file (an id, or COMMIT:PATH), or the first bytes of too many."""
        return self._git("cat-file", "blob", what, most=most)

    def changes(self, commit: str, path: str) -> list[Change]:
        """Return the commits that changed a file, newest first; renames are followed."""
        options = ["--follow", "-M40%", "--no-ext-diff", "--no-textconv", "--no-show-signature"]
        options += ["--diff-filter=AMR", "--name-only", "--format=%x00%H %as"]
        log = os.fsdecode(self._git("log", *options, commit, "--", f":(top,literal){path}"))
        blocks = (block.partition("\n") for block in log.split("\0")[1:])
        named = ((*head.partition(" "), path) for head, _, path in blocks)
        return [Change(sha, day.strip(), path.strip("\n")) for sha, _, day, path in named]

    def removed(self, commit: str) -> list[str]:
        """Return the paths of the files that a commit removed."""
        options = ["-r", "-z", "--no-commit-id", "--no-renames", "--name-only", "--diff-filter=D"]
        names = os.fsdecode(self._git("diff-tree", *options, "--no-ext-diff", commit))
        return [name for name in names.split("\0") if name]

    # -- git, in a folder of our own ---------------------------------------------------------------

    def _git(self, *arguments: str, most: int | None = None) -> bytes:
        """Run git; `most`: return that many bytes of a longer output, which is an error else."""
        scratch = self._scratch.name
        environment = _ENVIRONMENT | {
            "HOME": scratch,
            "XDG_CONFIG_HOME": scratch,
            "GIT_DIR": f"{scratch}/git",
            "GIT_OBJECT_DIRECTORY": str(self._objects),
        }
        with (
            tempfile.TemporaryFile() as said,
            subprocess.Popen(
                [self._program, "--no-pager", "-c", "core.quotepath=false", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                env=environment,
                cwd=scratch,
            ) as process,
        ):
            overdue = threading.Timer(SECONDS, process.kill)
            overdue.start()
            try:
                limit = MOST_OUTPUT if most is None else most
                assert process.stdout is not None
                output = process.stdout.read(limit + 1)  # a hostile object may be without end
                if len(output) > limit:
                    process.kill()
                    if most is not None:
                        return output[:limit]
                    raise self._refusal(f"git gives more than {limit} bytes for {arguments[0]}")
                process.wait()
            finally:
                late = not overdue.is_alive()
                overdue.cancel()
            if process.returncode:
                said.seek(0)
                lines = said.read(10_000).decode("utf-8", "replace").strip().splitlines()
                why = f"git gave no answer within {SECONDS:.0f} s" if late else "git failed"
                raise self._refusal(f"git says: {lines[-1]}" if lines and not late else why)
        return output

    def _refusal(self, why: str) -> RoadmapError:
        return RoadmapError(
            f"Roadmaps {self.top}: {why}. Check it with git fsck; a partial clone "
            "has to fetch its files first."
        )

    def _copy_names(self) -> None:
        """Make the git folder: the clone's branches, tags and HEAD, a configuration of ours."""
        source, common = self._git_folders()
        self._objects = common / "objects"
        _refuse_detours(self._objects, self.top)
        own = Path(self._scratch.name) / "git"
        (own / "refs").mkdir(parents=True)
        (own / "objects").mkdir()
        left = MOST_NAMES
        for file in (*_below(common / "refs"), *_below(common / "reftable")):
            left -= _copy(file, own / file.relative_to(common), left)
        for name in ("packed-refs", "shallow"):
            left -= _copy(common / name, own / name, left)
        _copy(source / "HEAD", own / "HEAD", left)
        _copy(common / "config", own / "theirs", left)
        lines = ["[core]", "repositoryformatversion = 1", "bare = true", "bigFileThreshold = 1m"]
        (own / "config").write_text("\n".join([*lines, *self._extensions(own / "theirs")]))

    def _extensions(self, theirs: Path) -> Iterator[str]:
        """How objects and names are stored: all that is read of the clone's configuration."""
        if not theirs.exists():
            return
        text = theirs.read_text("utf-8", "replace")
        yield "[extensions]"
        for name, values in {"objectFormat": "sha1|sha256", "refStorage": "files|reftable"}.items():
            if found := re.search(rf"(?im)^\s*{name}\s*=\s*({values})\s*$", text):
                yield f"{name} = {found[1].lower()}"

    def _git_folders(self) -> tuple[Path, Path]:
        """Return where HEAD is, and where branches and objects are: apart in a worktree.

        A ``.git`` that is a file or a link leads elsewhere, perhaps into a repository that the
        person who gave the clone could not read. It is followed where that place names this folder
        as its own, as worktrees do, or lies within a clone around this one, as of submodules.
        """
        place = self._place
        if place.is_dir() and not place.is_symlink():
            return place, place
        target = Path(os.path.realpath(place))
        if not place.is_symlink():
            said = _line(place)
            target = Path(os.path.realpath(self.top / said.removeprefix("gitdir:").strip()))
        if not _is_git_folder(target) and not (target / "commondir").is_file():
            raise self._refusal(f"its .git leads to {target}, which is no git folder")
        if (target / "commondir").is_file():
            common = Path(os.path.realpath(target / _line(target / "commondir")))
            named = os.path.realpath(target / _line(target / "gitdir"))
            if named == str(place) and target.parent == common / "worktrees":
                return target, common
        around = (folder / ".git" / "modules" for folder in self.top.parents)
        if target.is_relative_to(self.top) or any(target.is_relative_to(one) for one in around):
            return target, target
        raise RoadmapError(
            f"Roadmaps {self.top}: its .git leads to {target}, which does not name this folder as "
            "its own. Give the clone there, if it is the right one."
        )


def _line(file: Path) -> str:
    with file.open("rb") as stream:
        return os.fsdecode(stream.read(4096)).strip()


def _below(folder: Path) -> Iterator[Path]:
    if folder.is_symlink():
        return
    for inner, _, names in os.walk(folder):
        yield from (Path(inner) / name for name in sorted(names))


def _copy(source: Path, target: Path, most: int) -> int:
    """Copy a regular file that is not too large; leave out what is none. Return its size."""
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return 0  # not there, or a link
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return 0
        data = stream.read(most + 1)
    if len(data) > most:
        raise RoadmapError(
            f"{source}: expected at most {most} bytes of names of branches and tags."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    return len(data)


def _refuse_detours(objects: Path, top: Path) -> None:
    """Refuse objects that lie outside of the clone: it would show what is somebody else's."""
    detour = next(
        (one for one in ("alternates", "http-alternates") if _has(objects / "info" / one)), ""
    )
    links = [objects] if objects.is_symlink() else []
    for folder, folders, files in os.walk(objects):
        names = (Path(folder) / name for name in (*folders, *files))
        links += [one for one in names if not _is_plain(one)]
    if detour or links:
        what = objects / "info" / detour if detour else links[0]
        raise RoadmapError(
            f"Roadmaps {top}: expected a clone with all its objects, got {what}, which leads "
            "elsewhere. Make a clone of its own with: git clone --no-local"
        )


def _has(file: Path) -> bool:
    return file.is_symlink() or (file.exists() and file.stat().st_size > 0)


def _is_plain(path: Path) -> bool:
    mode = path.lstat().st_mode
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)
