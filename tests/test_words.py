"""Everything that people read is in plain English: no phrase of `NOT_SO`, wherever it stands.

Pages, messages, docstrings, comments, names of tests, templates and notebooks with what they print.
Spelling is checked by `make lint`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]

# A pattern, what to write instead, and a sentence that it must find. A space stands for any white
# space, a line break with a comment's "#" included; an underscore counts as no letter.
NOT_SO = [
    (r"anew", "again, or: start over", "the list is read anew"),
    (r"mend(s|ed|ing)?", "fix, repair", "Mend that line"),
    (r"nobody", "no one, or turn the sentence", "Nobody has it"),
    (r"(is|are|was|were|be|been|being) told", "say, distinguish", "They are told apart"),
    (r"nothing but", "only", "a line with nothing but\n    # handles"),
    (r"(stands?|lies|file) beside the caller", "in this folder", "a file beside the caller"),
    (r"(as|so) far as", "if, up to, where", "as far as it is known"),
    (r"wants", "needs, asks for", "whoever wants it"),
    (r"(do|does|did) not hold", "is false, is invalid", "where something does not hold"),
    (r"must hold(?! (its|his|her|their|a|the|at|no))", "must be true", "what must hold before"),
    (r"holds? (true|for (every|any|all|each))", "is true", "it holds for every world"),
    (r"(held|holds?) (\w+ ){0,3}against", "compare with", "a test holds it against the page"),
    (r"(going|goes|go|went) on where", "resume", "the next run goes on where\nit was"),
    (r"waits? for somebody", "has no owner", "the issue waits for somebody"),
    (r"even odds", "50 % likely", "even odds to be done"),
    (r"ends? elsewhere", "does not match", "a history that ends elsewhere"),
    (r"that is there is", "an existing one is", "what is there, a folder that is there is kept"),
    (r"(say|says) the version", "show the version", "Say the version"),
    (r"(names?|named|naming) nobody", "has no owner", "an item that names nobody"),
]  # fmt: skip
# Where such a word is data: what documents say, or this file.
DATA = {
    "tests/test_words.py": None,
    "roadmap_analytics/roadmap/people.py": "nobody",
}
SUFFIXES = {".py", ".pyi", ".md", ".ipynb", ".toml", ".yml", ".j2", ".js", ".css", ".cff", ".cfg"}
# Documents of others, or what a command makes of the files that are read.
LEFT_OUT = re.compile(
    r"\.(?!ci)|data/|docs/(_site|api|jupyter_execute)/|tests/(other_)?roadmaps/|report/|dist/"
)


def compiled(pattern: str) -> re.Pattern[str]:
    gap = r"\s+(?:#:?\s+)?"
    return re.compile(rf"(?<![a-z]){pattern.replace(' ', gap)}(?![a-z])", re.IGNORECASE)


PATTERNS = [(compiled(pattern), better) for pattern, better, _ in NOT_SO]


def files() -> list[str]:
    found = (
        path.relative_to(ROOT).as_posix()
        for path in ROOT.rglob("*")
        if path.suffix in SUFFIXES or path.name in ("Makefile", "run")
    )
    return sorted(name for name in found if not LEFT_OUT.match(name))


def cells(notebook: dict[str, Any]) -> Iterator[str]:
    """Sources, and what they print: text, tables, and the words of charts."""
    for cell in notebook["cells"]:
        yield "".join(cell["source"])
        for output in cell.get("outputs", ()):
            yield "".join(output.get("text", ()))
            for kind, content in output.get("data", {}).items():
                if not kind.startswith("image/png"):
                    yield "".join(content)


def found(name: str) -> Iterator[str]:
    """Where a file has such a phrase, and what to write."""
    text = (ROOT / name).read_text("utf-8")
    if name.endswith(".ipynb"):
        text = "\n".join(cells(json.loads(text)))
    for pattern, better in PATTERNS:
        for match in pattern.finditer(text):
            if DATA.get(name, "") not in (None, match[0]):
                line = text.count("\n", 0, match.start()) + 1
                yield f"{name}:{line}: {' '.join(match[0].split())!r}: {better}"


def test_plain_words_wherever_people_read() -> None:
    read = files()
    assert {"README.md", ".ci/run", "docs/how-to/slip.md", "notebooks/burndown.ipynb"} < set(read)
    assert [line for name in read for line in found(name)] == []


@pytest.mark.parametrize(("pattern", "better", "sentence"), NOT_SO)
def test_each_phrase_is_found(pattern: str, better: str, sentence: str) -> None:
    assert compiled(pattern).search(sentence)
    assert not compiled(pattern).search(better)
