"""Which item of a revision is which item of an earlier one.

In this order: what people wrote in `matches.csv`, a shared milestone or issue, an explicit
carry-over statement, then titles, words and keys together by one global assignment per pair of
revisions. What is left over may be part of something that was split or merged, or may return after
a gap. Nothing later than a revision is looked at when that revision is matched.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial

import numpy as np
from rapidfuzz import fuzz

from roadmap_analytics.errors import RoadmapError
from roadmap_analytics.roadmap.documents import Revision
from roadmap_analytics.roadmap.fields import Entry
from roadmap_analytics.roadmap.language import plain_title, references
from roadmap_analytics.roadmap.links import same_address, tracked
from roadmap_analytics.roadmap.sources import table_rows
from roadmap_analytics.roadmap.statements import Statement, without_status

__all__ = ["COLUMNS", "Match", "Verdict", "link_statements", "match", "read_matches"]

COLUMNS = ["from_revision", "from_key", "to_revision", "to_key", "verdict"]
"""The columns of `matches.csv`; a verdict is "same" or "different"."""

_SAME_TITLE = 0.97
_URL = 0.95
_STATED = 0.9
_CHILDREN = 0.85
_AT_LEAST = 0.34  # a pair below this is no match
_PART = 0.55  # share of the words of a smaller item within a larger one: a split or a merger
_BACK = 0.55  # an item that was away needs more to be recognised
_LARGE = 250_000  # cells of a score matrix; larger revisions are matched by title and address alone

_STOP_WORDS = """
a an and any as at be by do for from get has have if in into is it its more new of on or other our
so some such that the their them there this to up us use used using was we were what when which
will with would also etc eg ie e g i wrt via not first last next version improve improved
improvement add make take work done start started further possibly likely based continue continued
several various misc milestone project roadmap tracked tracking https http www org com tab issues
"""
_STOP = frozenset(_STOP_WORDS.split())
_OTHER_PLACE = 0.65  # an activity is seldom a priority, or a point of a point, the next time
_ENDINGS = [
    ("ies", "y"),
    ("sses", "ss"),
    ("xes", "x"),
    ("ments", ""),
    ("ment", ""),
    ("ically", "ic"),
    ("ally", ""),
]
_ENDINGS += [
    ("ations", ""),
    ("ation", ""),
    ("ly", ""),
    ("ing", ""),
    ("ed", ""),
    ("es", ""),
    ("e", ""),
]
_TOKEN = re.compile(r"[^\W_]+(?:\.(?:md|go|py|rs|c|h|js|ts|toml|yml|yaml|json|txt|org|com|dev)\b)?")
_NUMBER = re.compile(r"(?<![\w.])v?\d+(?:\.\d+)*(?![\w%])")
_FILE = re.compile(
    r"\b[\w-]+(?:\.(?:md|go|py|rs|c|h|js|ts|toml|yml|yaml|json|txt)\b|-(?:go|py|rs|c|js|ts)\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Match:
    """One item of a revision found again in a later one.

    `kind` is same, renamed, split, merged or returned; `reason` is matches.csv, milestone,
    carry-over, title, children or words.
    """

    previous_revision: date
    previous_key: str
    revision: date
    key: str
    kind: str
    confidence: float
    reason: str


@dataclass(frozen=True)
class Verdict:
    """One line of `matches.csv`."""

    from_revision: date
    from_key: str
    to_revision: date
    to_key: str
    same: bool


def read_matches(text: str, where: str) -> list[Verdict]:
    r"""Read a `matches.csv`.

    Parameters
    ----------
    text
        CSV with the columns of `COLUMNS`. A line "same" ties two items, whatever else speaks
        against it; a line "different" keeps them apart. With an empty ``to_key`` and "different",
        the item is followed nowhere.
    where
        The file's name, for messages.

    Raises
    ------
    RoadmapError
        Naming the line, what was expected and what it holds.

    Examples
    --------
    >>> text = ",".join(COLUMNS) + "\n2025-02-04,A1,2025-09-02,A3,same\n"
    >>> read_matches(text, "matches.csv")[0].to_key
    'A3'
    """
    out = []
    for said, at in table_rows(text, where, COLUMNS):
        try:
            days = [date.fromisoformat(said[name]) for name in ("from_revision", "to_revision")]
            if said["verdict"] not in ("same", "different"):
                raise ValueError(f"the verdict {said['verdict']!r}")
        except (ValueError, KeyError) as error:
            raise RoadmapError(
                f"{at}: expected dates YYYY-MM-DD, keys, and the verdict same or different, "
                f"got {error}."
            ) from error
        same = said["verdict"] == "same"
        out.append(Verdict(days[0], said["from_key"], days[1], said["to_key"], same))
    return out


def stem(word: str) -> str:
    """Bring forms of a word together, roughly.

    >>> [stem(w) for w in ["policies", "witnesses", "monitoring", "updated", "deployments"]]
    ['policy', 'witness', 'monitor', 'updat', 'deploy']
    """
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)] + instead
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word


def tokens(text: str) -> frozenset[str]:
    """Give the words of a text that tell it from others."""
    text = re.sub(r"https?://\S+", " ", text.casefold())
    return (
        frozenset(
            stem(word) for word in _TOKEN.findall(text) if word not in _STOP and len(word) > 1
        )
        - _STOP
    )


class _Words:
    """How much each word tells, within the texts of two revisions."""

    def __init__(self, texts: Iterable[frozenset[str]]) -> None:
        texts = list(texts)
        counts = Counter(word for text in texts for word in text)
        self.weight = {word: math.log(1 + len(texts) / count) for word, count in counts.items()}
        self.rare = math.log(1 + max(len(texts), 1))

    def size(self, words: Iterable[str]) -> float:
        """Total weight of some words."""
        return sum(sorted(self.weight.get(word, self.rare) for word in words))

    def alike(self, a: frozenset[str], b: frozenset[str]) -> float:
        """Shared weight over the mean weight of both (Dice)."""
        total = self.size(a) + self.size(b)
        return 2 * self.size(a & b) / total if total else 0.0

    def within(self, a: frozenset[str], b: frozenset[str]) -> float:
        """Share of the weight of `a` that is in `b`."""
        total = self.size(a)
        return self.size(a & b) / total if total else 0.0


@dataclass
class _Side:
    """The items of one revision, prepared for comparison."""

    revision: Revision
    entries: list[Entry]
    titles: list[frozenset[str]] = field(default_factory=list)
    details: list[frozenset[str]] = field(default_factory=list)
    urls: list[set[str]] = field(default_factory=list)

    @classmethod
    def of(cls, revision: Revision, keys: Iterable[str] | None = None) -> _Side:
        """Take all items of a revision, or some."""
        wanted = None if keys is None else set(keys)
        entries = [e for e in revision.entries if wanted is None or e.key in wanted]
        side = cls(revision, entries)
        owned: dict[str, set[str]] = {}
        for reference in revision.references:
            owned.setdefault(reference.key or "", set()).add(same_address(reference.url))
        for entry in entries:
            side.titles.append(tokens(entry.title))
            side.details.append(tokens(entry.detail) | side.titles[-1])
            side.urls.append(_addresses(entry) | owned.get(entry.key, set()))
        return side

    def elsewhere(self, i: int, other: _Side, j: int) -> bool:
        """Whether two items are tracked by different addresses: neither is a part of the other."""
        mine, theirs = self.entries[i].url, other.entries[j].url
        return bool(mine and theirs and same_address(mine) != same_address(theirs))


def _addresses(entry: Entry) -> set[str]:
    """Milestones, issues and merge requests of an item, without query and fragment."""
    return {same_address(url) for url in map(tracked, entry.urls) if url}


def vetoed(a: str, b: str) -> bool:
    """Whether differing numbers or file names say that two titles mean different things.

    >>> vetoed("Phase 1: Data import", "Phase 2: Data import"), vetoed("Docs", "Docs v2")
    (True, False)
    """
    for pattern in (_NUMBER, _FILE):
        left, right = ({m.casefold() for m in pattern.findall(text)} for text in (a, b))
        if left and right and not left & right:
            return True
    return False


def _score(a: Entry, b: Entry, i: int, j: int, left: _Side, right: _Side, words: _Words) -> float:
    """From 0 to 1: titles first, then all words, then the key."""
    if vetoed(a.title, b.title):
        return 0.0
    same = plain_title(a.title) == plain_title(b.title)
    title = 1.0 if same else words.alike(left.titles[i], right.titles[j])
    if not same:
        title = max(title, 0.9 * fuzz.ratio(plain_title(a.title), plain_title(b.title)) / 100 - 0.2)
    detail = words.alike(left.details[i], right.details[j])
    score = 0.7 * title + 0.25 * detail + 0.05 * (a.key == b.key)
    alike = same or (a.kind == b.kind and a.key.count(".") == b.key.count("."))
    return score * (1.0 if alike else _OTHER_PLACE)


class _Pair:
    """The matching of two revisions."""

    def __init__(self, left: _Side, right: _Side, verdicts: Sequence[Verdict]) -> None:
        self.left, self.right = left, right
        self.words = _Words([*left.details, *right.details])
        self.row = {entry.key: i for i, entry in enumerate(left.entries)}
        self.column = {entry.key: j for j, entry in enumerate(right.entries)}
        dates = left.revision.written, right.revision.written
        mine = [v for v in verdicts if (v.from_revision, v.to_revision) == dates]
        self.tied = [
            (self.row[v.from_key], self.column[v.to_key])
            for v in mine
            if v.same and v.from_key in self.row and v.to_key in self.column
        ]
        self.apart = {
            (v.from_key, v.to_key)
            for v in verdicts
            if not v.same and v.to_revision == dates[1] and v.from_revision == dates[0]
        }
        self.ended = {v.from_key for v in mine if not v.same and not v.to_key}
        # What the later revision says is over goes on in nothing that is still to do.
        said: dict[str, set[str | None]] = {}
        for statement in right.revision.statements:
            said.setdefault(statement.previous_key or "", set()).add(statement.status)
        ended = {"done", "dropped"}
        self.over = {self.row[k] for k, how in said.items() if k in self.row and how <= ended}
        self.found: dict[tuple[int, int], tuple[float, str]] = {}
        self.rows: set[int] = set()  # that have a partner
        self.columns: set[int] = set()

    def allowed(self, i: int, j: int) -> bool:
        """Whether people left it open."""
        a, b = self.left.entries[i].key, self.right.entries[j].key
        return (a, b) not in self.apart and a not in self.ended

    def tie(self, i: int, j: int, confidence: float, reason: str, *, shared: bool = False) -> None:
        """Match two items, unless one is taken (`shared`: even then)."""
        if (shared or (i not in self.rows and j not in self.columns)) and self.allowed(i, j):
            self.found.setdefault((i, j), (confidence, reason))
            self.rows.add(i)
            self.columns.add(j)

    def by_verdict(self) -> None:
        """`matches.csv` always wins; several lines for one item are a split or a merger."""
        for i, j in self.tied:
            self.tie(i, j, 1.0, "matches.csv", shared=True)

    def by_title(self) -> None:
        """Titles that are equal and stand once on each side."""
        titles = [
            Counter(plain_title(e.title) for e in side.entries) for side in (self.left, self.right)
        ]
        where = {plain_title(e.title): j for j, e in enumerate(self.right.entries)}
        for i, entry in enumerate(self.left.entries):
            title = plain_title(entry.title)
            if title and titles[0][title] == 1 and titles[1][title] == 1:
                self.tie(i, where[title], _SAME_TITLE, "title")

    def by_address(self) -> None:
        """Tie by a milestone or issue that exactly one item on each side refers to."""
        places = []
        for side in (self.left, self.right):
            owners: dict[str, list[int]] = {}
            for i, urls in enumerate(side.urls):
                for url in urls:
                    owners.setdefault(url, []).append(i)
            places.append(owners)
        for url in sorted(places[0].keys() & places[1].keys()):
            if len(places[0][url]) == len(places[1][url]) == 1:
                self.tie(places[0][url][0], places[1][url][0], _URL, "milestone")

    def by_statement(self) -> None:
        """Take what the later revision says to have carried over: "3(i) - 3(iv)" is several."""
        said = Counter(statement.text for statement in self.right.revision.statements)
        for statement in self.right.revision.statements:
            i, j = self.row.get(statement.previous_key or ""), self.column.get(statement.key or "")
            if i is None or j is None or statement.status != "continued":
                continue
            if not vetoed(self.left.entries[i].title, self.right.entries[j].title):
                self.tie(i, j, _STATED, "carry-over", shared=said[statement.text] > 1)

    def by_words(self) -> None:
        """One assignment over everything that is still free."""
        rows, columns = set(self.rows), set(self.columns)
        free_rows = [i for i in range(len(self.left.entries)) if i not in rows]
        free_columns = [j for j in range(len(self.right.entries)) if j not in columns]
        if not free_rows or not free_columns or len(free_rows) * len(free_columns) > _LARGE:
            return
        # Here, because a dataset that is loaded from its tables matches nothing: its import takes a
        # fifth of a second, in each process of a report.
        from scipy.optimize import linear_sum_assignment

        score = np.array([[self.score(i, j) for j in free_columns] for i in free_rows])
        for a, b in zip(
            *linear_sum_assignment(np.where(score >= _AT_LEAST, score, 0.0), maximize=True),
            strict=True,
        ):
            if score[a, b] >= _AT_LEAST:
                confidence = round(float(min(0.2 + score[a, b] * 0.8, 0.89)), 2)
                self.tie(free_rows[a], free_columns[b], confidence, "words")

    def score(self, i: int, j: int) -> float:
        """How alike two items are; 0 where people keep them apart."""
        over = i in self.over and not self.right.entries[j].done
        if over or not self.allowed(i, j):
            return 0.0
        return _score(
            self.left.entries[i], self.right.entries[j], i, j, self.left, self.right, self.words
        )

    def by_children(self) -> None:
        """Items whose own items went mostly to one place went there too."""
        votes: dict[int, Counter[int]] = {}
        for i, j in list(self.found):
            a, b = self.left.entries[i].parent, self.right.entries[j].parent
            if a in self.row and b in self.column:
                votes.setdefault(self.row[a], Counter())[self.column[b]] += 1
        for i in sorted(votes):
            j, count = min(votes[i].items(), key=lambda item: (-item[1], item[0]))
            rows, columns = self.rows, self.columns
            alike = self.words.alike(self.left.titles[i], self.right.titles[j])
            if i in rows or (j in columns and count < 2 and alike < 0.2):
                continue
            self.tie(i, j, _CHILDREN if count > 1 else 0.7, "children", shared=True)

    def by_parts(self) -> None:
        """Find leftovers within items of the other side: split from them, or merged into them."""
        rows, columns = set(self.rows), set(self.columns)
        if len(self.left.entries) * len(self.right.entries) > _LARGE:
            return
        twins = {
            plain_title(self.right.entries[j].title): i for i, j in sorted(self.found, reverse=True)
        }
        for j, entry in enumerate(self.right.entries):
            if j in columns:
                continue
            if (i := twins.get(plain_title(entry.title))) is not None:
                self.tie(i, j, 0.7, "title", shared=True)
            else:
                self._part(j, self.right, self.left, partial(_cell, column=j))
        for i in range(len(self.left.entries)):
            if i not in rows:
                self._part(i, self.left, self.right, partial(_cell, row=i))

    def _part(
        self, small: int, side: _Side, other: _Side, place: Callable[[int], tuple[int, int]]
    ) -> None:
        best, at = 0.0, -1
        for big in range(len(other.entries)):
            i, j = place(big)
            if not self.allowed(i, j) or vetoed(
                side.entries[small].title, other.entries[big].title
            ):
                continue
            # Work that is done, or is tracked elsewhere, goes on in nothing.
            over = self.left.entries[i].done and not self.right.entries[j].done
            if over or self.left.elsewhere(i, self.right, j):
                continue
            share = self.words.within(side.titles[small], other.details[big])
            score = share * (1.0 if side.entries[small].kind == other.entries[big].kind else 0.8)
            if score > best and len(side.titles[small] & other.details[big]) > 1:
                best, at = score, big
        if best >= _PART and at >= 0:
            i, j = place(at)
            self.tie(i, j, round(0.3 + 0.4 * best, 2), "words", shared=True)

    def matches(self) -> list[Match]:
        """Everything found, with its kind."""
        self.by_verdict()
        for step in (
            self.by_address,
            self.by_title,
            self.by_statement,
            self.by_words,
            self.by_children,
            self.by_parts,
        ):
            step()
        from_count, to_count = Counter(i for i, _ in self.found), Counter(j for _, j in self.found)
        out = []
        for (i, j), (confidence, reason) in sorted(self.found.items()):
            a, b = self.left.entries[i], self.right.entries[j]
            kind = "split" if from_count[i] > 1 else "merged" if to_count[j] > 1 else _kind(a, b)
            out.append(
                Match(
                    self.left.revision.written,
                    a.key,
                    self.right.revision.written,
                    b.key,
                    kind,
                    confidence,
                    reason,
                )
            )
        return out


def _cell(big: int, *, row: int | None = None, column: int | None = None) -> tuple[int, int]:
    """Give the place of a pair of which one side is fixed."""
    return (big, column) if column is not None else (row or 0, big)


def _kind(a: Entry, b: Entry) -> str:
    return "same" if fuzz.ratio(plain_title(a.title), plain_title(b.title)) >= 85 else "renamed"


def match(revisions: Sequence[Revision], verdicts: Sequence[Verdict] = ()) -> list[Match]:
    """Match the items of every revision with those before it.

    Parameters
    ----------
    revisions
        In order of their dates, their statements linked by `link_statements`.
    verdicts
        From `matches.csv`.

    Returns
    -------
    list of Match
        Neighbouring revisions, then items that return after they were away (`kind` "returned").
    """
    out: list[Match] = []
    last: dict[str, tuple[Revision, str]] = {}  # items that are away: where they were last seen
    for left, right in itertools.pairwise(revisions):
        pair = _Pair(_Side.of(left), _Side.of(right), verdicts).matches()
        gone = {entry.key for entry in left.entries} - {m.previous_key for m in pair}
        found = {m.key for m in pair}
        back = _returned(last, right, found, verdicts)
        for m in back:
            last.pop(_id(m.previous_revision, m.previous_key), None)
        out += pair + back
        last |= {_id(left.written, key): (left, key) for key in gone}
    return out


def _id(revision: date, key: str) -> str:
    return f"{revision.isoformat()}/{key}"


def _returned(
    away: Mapping[str, tuple[Revision, str]],
    right: Revision,
    found: set[str],
    verdicts: Sequence[Verdict],
) -> list[Match]:
    """Items that were away for at least one revision."""
    out: list[Match] = []
    by_revision: dict[date, tuple[Revision, list[str]]] = {}
    for revision, key in away.values():
        by_revision.setdefault(revision.written, (revision, []))[1].append(key)
    taken = set(found)
    for day in sorted(by_revision, reverse=True):
        revision, keys = by_revision[day]
        free = [entry.key for entry in right.entries if entry.key not in taken]
        pair = _Pair(_Side.of(revision, keys), _Side.of(right, free), verdicts)
        pair.by_verdict()
        for step in (pair.by_address, pair.by_title, pair.by_words):
            step()
        for (i, j), (confidence, reason) in sorted(pair.found.items()):
            if reason == "words" and pair.score(i, j) < _BACK:
                continue
            a, b = pair.left.entries[i], pair.right.entries[j]
            out.append(
                Match(
                    day,
                    a.key,
                    right.written,
                    b.key,
                    "returned",
                    round(min(confidence, 1.0) * 0.95, 2) if reason != "matches.csv" else 1.0,
                    reason,
                )
            )
            taken.add(b.key)
    return out


# Statements


def link_statements(previous: Revision | None, revision: Revision) -> None:
    """Find the items that each statement of a revision speaks of, in it and in the one before."""
    sides = [_Side.of(r) if r else None for r in (previous, revision)]
    texts = [detail for side in sides if side for detail in side.details]
    words = _Words([*texts, *(tokens(s.text) for s in revision.statements)])
    gone = (entry for entry in revision.entries if entry.dropped)
    out = [Statement(entry.title, "dropped", key=entry.key) for entry in gone]
    no_item: list[str | None] = [None]
    for statement in revision.statements:
        before = _spoken_of(statement, sides[0], words, numbers=True)
        here = _spoken_of(statement, sides[1], words, numbers=previous is None)
        key = here[0] if here else None
        status = statement.status or ("continued" if key else "backlogged")
        for previous_key in before or no_item:
            out.append(replace(statement, status=status, key=key, previous_key=previous_key))
    revision.statements = out


def _spoken_of(
    statement: Statement, side: _Side | None, words: _Words, *, numbers: bool
) -> list[str]:
    """Keys of the items that a statement means: by number, by address, by words."""
    if side is None:
        return []
    keys = {entry.key: None for entry in side.entries}
    if numbers and (refs := references(statement.text, list(keys), bare=False)):
        return refs
    wanted = set(map(same_address, statement.urls))
    for entry, urls in zip(side.entries, side.urls, strict=True):
        if wanted & urls:
            return [entry.key]
    if len(side.entries) * len(side.revision.statements or [statement]) > _LARGE:
        return []
    over = statement.status in ("done", "dropped")  # "Search is live in production" is of search
    said = tokens(without_status(statement.text, statement.status) if over else statement.text)
    promises = any(entry.kind == "activity" for entry in side.entries)
    best, at = 0.0, None
    for i, entry in enumerate(side.entries):
        score = 0.6 * words.within(said, side.details[i]) + 0.4 * words.alike(said, side.titles[i])
        if entry.kind == "priority" and promises:
            score *= 0.5
        if score > best:
            best, at = score, entry.key
    return [at] if at and best >= 0.3 else []
