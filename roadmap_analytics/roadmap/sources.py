"""Where revisions come from: dated files in a folder or a git clone, or one file's commits.

Files are touched here, and git is run in `clone`, nowhere else in the roadmap package. What the
document records say is the business of `documents`.
"""

from __future__ import annotations

import csv
import fnmatch
import hashlib
import io
import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from roadmap_analytics import records
from roadmap_analytics.errors import RoadmapError
from roadmap_analytics.roadmap import clone

__all__ = [
    "MATCHES",
    "MAX_BYTES",
    "NOT_READ",
    "READINGS",
    "date_in",
    "decode",
    "is_table",
    "not_read",
    "read",
    "select",
    "table_rows",
]

MATCHES = "matches.csv"
READINGS = "readings.csv"
NOT_READ = "files-not-read.csv"
"""Name of the record that lists the files beside the documents that were not read, and why."""

_TABLES = (MATCHES, READINGS)
_OTHER_TEXT = (".rst", ".adoc", ".asciidoc", ".org", ".html", ".htm", ".docx", ".pdf", ".mdx")
_MOST_NOT_READ = 50  # files that are named; a repository may hold thousands
MAX_BYTES = 200_000  # twenty times a long roadmap; what is larger is something else

_SUFFIXES = (".md", ".markdown", ".mdown", ".txt")
_DATE = re.compile(r"(?<!\d)(20\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])(?!\d)")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMED_MONTH = rf"(?P<name>{'|'.join(_MONTHS)})[a-z]*"
_COARSE = [  # a quarter, a month; the year may be the folder's
    re.compile(words, re.IGNORECASE)
    for words in (
        r"(?<!\d)(?P<y>20\d\d)[-_. ]?Q(?P<q>[1-4])(?!\d)",
        r"(?<![a-z])Q(?P<q>[1-4])[-_. ]?(?P<y>20\d\d)(?!\d)",
        r"(?<!\d)(?P<y>20\d\d)[-_.](?P<m>0[1-9]|1[0-2])(?!\d)",
        rf"(?<!\d)(?P<y>20\d\d)[-_. ]?{_NAMED_MONTH}(?![a-z])",
        rf"(?<![a-z]){_NAMED_MONTH}[-_. ]?(?P<y>20\d\d)(?!\d)",
        r"(?:^|/)(?P<y>20\d\d)/Q(?P<q>[1-4])(?!\d)[^/]*$",
        r"(?:^|/)(?P<y>20\d\d)/(?P<m>0[1-9]|1[0-2])(?!\d)[^/]*$",
        rf"(?:^|/)(?P<y>20\d\d)/{_NAMED_MONTH}(?![a-z])[^/]*$",
    )
]
_UPDATED = re.compile(r"(?im)^date\s*:|\blast\s+(?:updated|modified|revised)\b")
_HEAD = 3000  # characters in which a text gives its own date
_UNDATED = re.compile(r"(?i)(?:^|/)[^/]*roadmap[^/]*$")


def date_in(name: str) -> str | None:
    """Give the ISO date in a path, or None; of a quarter or a month it is the first day.

    >>> date_in("archive/2025-11-11-roadmap.md"), date_in("ROADMAP.md"), date_in("2024Q3.md")
    ('2025-11-11', None, '2024-07-01')
    >>> date_in("2024/09-roadmap.md"), date_in("roadmap-Sep-2024.md")
    ('2024-09-01', '2024-09-01')
    """
    last = name.rsplit("/", 1)[-1]
    if found := _DATE.search(last):
        return "-".join(found.groups())
    coarse = (m for n, p in enumerate(_COARSE) if (m := p.search(last if n < 5 else name)))
    if (m := next(coarse, None)) is None:
        return None
    said = m.groupdict()
    if said.get("q"):
        month = 3 * int(said["q"]) - 2
    else:
        month = int(said.get("m") or _MONTHS.index(m["name"][:3].lower()) + 1)
    return f"{said['y']}-{month:02d}-01"


def select(names: Iterable[str], pattern: str | None = None) -> list[str]:
    """Choose, among the paths of a folder or repository, those that hold revisions.

    Parameters
    ----------
    names
        Paths with ``/``, relative to the folder.
    pattern
        A glob over the whole path (``archive/*-roadmap.md``). Without one: dated Markdown files
        with "roadmap" in the name, otherwise every dated Markdown file, otherwise one file called
        roadmap.

    Returns
    -------
    list of str
        Sorted. Every ``matches.csv`` and ``readings.csv`` beside a chosen file comes with them.

    Examples
    --------
    >>> select(["archive/2025-02-04-roadmap.md", "archive/2025-02-04--minutes.md", "README.md"])
    ['archive/2025-02-04-roadmap.md']
    """
    names = sorted(set(names))
    texts = [name for name in names if name.lower().endswith(_SUFFIXES)]
    if pattern is not None:
        chosen = [n for n in names if fnmatch.fnmatchcase(n, pattern) and not is_table(n)]
    else:
        dated = [name for name in texts if date_in(name)]
        named = [name for name in texts if _UNDATED.search(name)]
        chosen = [name for name in dated if name in set(named)] or dated or named
    beside = {name.rpartition("/")[0] for name in chosen}
    tables = [n for n in names if is_table(n) and n.rpartition("/")[0] in beside]
    return sorted({*chosen, *tables})


def is_table(name: str) -> bool:
    """Whether a file overrules readings or matches, and so is no revision."""
    return name.rpartition("/")[2] in _TABLES


def not_read(
    names: Iterable[str],
    chosen: Iterable[str],
    pattern: str | None,
    source: str,
    folders: Collection[str] = (),
) -> Iterator[dict[str, Any]]:
    """Yield the record of the texts beside the chosen ones that were not read, if there are any.

    With a pattern there are none: what does not fit it was left out on purpose.
    """
    if pattern is not None:
        return
    taken = set(chosen)
    beside = {name.rpartition("/")[0] for name in taken}
    named = any(_UNDATED.search(name) for name in taken)
    rows = []
    for name in sorted({*names, *folders} - taken):
        near = name.rpartition("/")[0] in beside or _UNDATED.search(name)
        if not near or not name.lower().endswith((*_SUFFIXES, *_OTHER_TEXT)):
            continue
        if name in folders:
            why = "a folder, and no document"
        elif not name.lower().endswith(_SUFFIXES):
            why = "not Markdown: write it as .md"
        elif date_in(name):
            why = "other dated files have roadmap in their names: give a pattern to read it too"
        elif named or not _UNDATED.search(name):
            why = "no date in its name, and other files have one"
        else:
            why = "no date in its name"
        rows.append([_as_text(name), why])
    more = len(rows) - _MOST_NOT_READ
    rows = rows[:_MOST_NOT_READ] + ([["...", f"and {more} more files"]] if more > 0 else [])
    if rows:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([["name", "why"], *rows])
        blob = hashlib.sha1(text.getvalue().encode(), usedforsecurity=False).hexdigest()
        yield _record(NOT_READ, text.getvalue(), source, None) | {"blob": blob}


def decode(content: bytes, name: str) -> str:
    """Text of a document; what is no text or far too long is refused with the reason.

    >>> decode(b"# 2025-02-04", "a.md")
    '# 2025-02-04'
    """
    if len(content) > MAX_BYTES:
        raise RoadmapError(
            f"Roadmap {name}: expected a document of at most {MAX_BYTES} bytes, got more. "
            "Narrow the pattern, or split the document."
        )
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    if "\0" in text:
        raise RoadmapError(
            f"Roadmap {name}: expected Markdown text, got binary data. Narrow the pattern so "
            f"that it "
            "chooses text files only."
        )
    return text


def read(
    path: str | os.PathLike[str], *, pattern: str | None = None, ref: str | None = None
) -> Iterator[dict[str, Any]]:
    """Read the revisions of a roadmap, one document record each.

    Parameters
    ----------
    path
        A folder of dated files; a git clone (bare or not), read as committed at `ref`; or one
        file. One
        undated file in a clone, named here or by `pattern`, gives one revision for every day on
        which
        a commit changed it.
    pattern
        A glob over paths relative to the folder, see `select`.
    ref
        Branch, tag or commit of a clone; its HEAD unless given.

    Yields
    ------
    dict
        ``kind`` ("document"), ``name``, ``text``, ``source`` and ``revision_hint`` (ISO date or
        None).
        A ``matches.csv`` or ``readings.csv`` beside the revisions is a record too, and so is the
        list of the files that were not read (`NOT_READ`), where there are any.

    Raises
    ------
    RoadmapError
        Where nothing is found, a file is no text, or git refuses.
    """
    where = Path(path)
    if not where.exists():
        raise RoadmapError(
            f"Roadmaps {where}: expected a folder, a git clone or a Markdown file, found "
            f"nothing there "
            "(or a link that leads nowhere). Check the path."
        )
    if where.is_file():
        yield from _read_file(where, ref)
        return
    found = clone.find(where)
    if ref is not None and found is None:
        raise RoadmapError(f"Roadmaps {where}: --ref {ref} needs a git clone, got a plain folder.")
    if found is not None and (ref is not None or found.top == where.resolve()):
        with found:
            yield from _read_clone(found, where, pattern, ref or "HEAD")
    else:
        yield from _read_folder(where, pattern)


def _record(name: str, text: str, source: str, hint: str | None) -> dict[str, Any]:
    return records.document(_as_text(name), text, _as_text(source), hint)


def _as_text(path: str) -> str:
    r"""Return a path whose bytes are no UTF-8 as text that can be stored.

    >>> _as_text("caf\udce9.md")
    'caf\\xe9.md'
    """
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _nothing(where: Path, pattern: str | None) -> RoadmapError:
    wanted = (
        f"files that match {pattern!r}" if pattern else "dated Markdown files or one ROADMAP.md"
    )
    return RoadmapError(
        f"Roadmaps {where}: expected {wanted}, found none. Name the files by date "
        "(2025-11-11-roadmap.md) or give a pattern."
    )


def _read_folder(where: Path, pattern: str | None) -> Iterator[dict[str, Any]]:
    names: list[str] = []
    folders: list[str] = []
    for folder, subfolders, files in os.walk(where):  # follows no links, so it meets no cycle
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for found, here in ((names, files), (folders, subfolders)):
            found += [(Path(folder) / name).relative_to(where).as_posix() for name in here]
    chosen = select(names, pattern)
    extra = []
    if pattern is None and any(date_in(name) for name in chosen):
        # A roadmap without a date in its name counts where its text gives one.
        undated = [n for n in names if _UNDATED.search(n) and not date_in(n) and not is_table(n)]
        extra = [n for n in sorted(undated) if n.lower().endswith(_SUFFIXES)]
    if not any(not is_table(name) for name in chosen):
        raise _nothing(where, pattern)
    read = []
    for name in [*chosen, *extra]:
        _refuse_link_outside(where / name, where)
        text = decode(_bytes_of(where / name), name)
        if name in extra and _UPDATED.search(text[:_HEAD]) is None:
            continue
        read.append(name)
        yield _record(name, text, str(where / name), date_in(name))
    yield from not_read(names, read, pattern, str(where), folders)


def _refuse_link_outside(file: Path, folder: Path) -> None:
    target = Path(os.path.realpath(file))
    if not target.is_relative_to(folder.resolve()):
        raise RoadmapError(
            f"Roadmap {file}: expected a file of this folder, got a link to {target}, outside of "
            "it. Put the file itself there, or narrow the pattern."
        )


def _bytes_of(file: Path) -> bytes:
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise RoadmapError(f"Roadmap {file}: expected a regular file, got a device or a pipe.")
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise RoadmapError(
            f"Roadmap {file}: expected a readable file, got: {error.strerror}. "
            "Fix or remove it, or narrow the pattern."
        ) from error


def _read_file(file: Path, ref: str | None) -> Iterator[dict[str, Any]]:
    hint = date_in(file.name)
    if hint is None and (found := clone.find(file.parent)) is not None:
        path = (file.parent.resolve() / file.name).relative_to(found.top).as_posix()
        with found:
            history = list(_history(found, path, ref or "HEAD"))
        if history:
            yield from history
            return
    yield _record(file.name, decode(_bytes_of(file), file.name), str(file), hint)


def _read_clone(
    opened: clone.Clone, where: Path, pattern: str | None, ref: str
) -> Iterator[dict[str, Any]]:
    commit = opened.commit(ref)
    folder = where.resolve().relative_to(opened.top).as_posix().removeprefix(".")
    files = opened.files(commit, folder)
    chosen = select(files, pattern)
    revisions = [name for name in chosen if not is_table(name)]
    if not revisions:
        raise _nothing(where, pattern)
    undated = [name for name in revisions if not date_in(name)]
    if undated and len(revisions) > 1:
        raise RoadmapError(
            f"Roadmaps {where}: expected dated files, or one file whose commits are the "
            f"revisions, got {len(revisions)} files without a date in the name of {undated[0]!r}. "
            "Narrow the pattern."
        )
    if undated:
        yield from _history(opened, f"{folder}/{undated[0]}".removeprefix("/"), commit)
        revisions = []
    for name in revisions + [name for name in chosen if is_table(name)]:
        content = opened.contents(files[name], MAX_BYTES + 1)
        yield _record(name, decode(content, name), f"{where}@{commit[:12]}:{name}", date_in(name))
    yield from not_read(files, chosen, pattern, f"{where}@{commit[:12]}")


def _moved_from(opened: clone.Clone, change: clone.Change) -> tuple[str, str] | None:
    """Return where a file was before the commit that added it, too different for git to see.

    A roadmap is often rewritten in the commit that moves it: a file of the same name that this
    commit removes is the one before.
    """
    removed = opened.removed(change.commit)
    same = [old for old in removed if _file_of(old) == _file_of(change.path)]
    return (f"{change.commit}^", same[0]) if len(same) == 1 else None


def _file_of(path: str) -> str:
    return path.rpartition("/")[2].casefold()


def _history(opened: clone.Clone, path: str, ref: str) -> Iterator[dict[str, Any]]:
    """Give one record for each day that changed the file; the last commit of a day counts."""
    by_day: dict[str, clone.Change] = {}
    came: tuple[str, str] | None = (opened.commit(ref), path)
    while came is not None:
        changes = opened.changes(*came)
        for change in changes:
            by_day.setdefault(change.day, change)
        came = _moved_from(opened, changes[-1]) if changes else None
    texts: Sequence[str] = []
    for day in sorted(by_day):
        sha, _, path = by_day[day]
        label = f"{path}@{sha[:12]}"
        text = decode(opened.contents(f"{sha}:{path}", MAX_BYTES + 1), label)
        if texts and texts[-1] == text:
            continue
        texts = [text]
        yield _record(label, text, f"{opened.top}@{sha[:12]}:{path}", day)


def table_rows(
    text: str, where: str, columns: Sequence[str]
) -> Iterator[tuple[dict[str, str], str]]:
    """Yield the rows of a `matches.csv` or `readings.csv`, each with its place for messages.

    Raises
    ------
    RoadmapError
        Where a column is missing, or the text is no CSV.
    """
    rows = csv.DictReader(io.StringIO(text.lstrip("\ufeff")), skipinitialspace=True)
    names = [name.strip() for name in rows.fieldnames or [] if name]
    if not set(columns) <= set(names):
        raise RoadmapError(f"{where}: expected the columns {', '.join(columns)}, got {names}.")
    try:
        for row in rows:
            said = {k.strip(): (v or "").strip() for k, v in row.items() if k}
            if any(said.values()):
                yield said, f"{where} line {rows.line_num}"
    except csv.Error as error:
        raise RoadmapError(f"{where} line {rows.line_num}: expected CSV, got: {error}.") from error
