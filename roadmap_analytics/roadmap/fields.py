"""What the words beside an item say about it: labelled values, dates, people, state.

A label counts in any case and spelling ("end-date", "**Target Completion**", "Point of contact").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from roadmap_analytics.roadmap.language import title_of
from roadmap_analytics.roadmap.links import tracked
from roadmap_analytics.roadmap.markdown import Inline
from roadmap_analytics.roadmap.marks import DEFERRED, DONE, marked, state_of
from roadmap_analytics.roadmap.people import Duty, Names, assigned
from roadmap_analytics.roadmap.targets import NO_DATE, Calendar, Target, read_target

__all__ = [
    "Entry",
    "Label",
    "Words",
    "column_kind",
    "comment_fields",
    "describe",
    "fields_within",
    "label_of",
    "take_field",
]

_LABELS: list[tuple[str, re.Pattern[str]]] = [
    (kind, re.compile(rf"^(?:{words})$"))
    for kind, words in [
        (
            "start",
            r"(?:planned\s+)?(?:start(?:s|ed|ing)?|begin(?:s|ning)?|kick\s?off)(?:\s+(?:date|on))?",
        ),
        (
            "target",
            r"(?:(?:current|expected|estimated|planned|targeted|target|to\s+be|hopefully|project)\s+)*(?:done|due|completed?|"
            r"completion|finish(?:ed)?|delivery|delivered|ready|releases?|released|ship(?:s|ped|ping)?|launch|ga)"
            r"(?:\s+(?:by|dates?|in|on|before|quarter|month))?|targets?(?:\s+(?:dates?|quarter|month|version|release))?|deadlines?|eta|"
            r"due\s+(?:date|by|on)|when|dates?|(?:expected|estimated|planned|target)\s+(?:date|by|completion\s+date|time|end|finish)|"
            r"estimated?|expected|time\s*(?:line|frame|estimate)|planned(?:\s+for)?|scheduled(?:\s+for)?|schedule|quarters?|"
            r"end(?:s|ing)?(?:\s+date)?|until|period|months?|milestone\s+date|version|échéance|fällig|termin|fecha|slutdatum",
        ),
        (
            "relates",
            r"(?:relates?|related)\s+to|priorit(?:y|ies)|part\s+of|supports|theme|goals?|category|area|tags?|labels?",
        ),
        (
            "outcome",
            r"(?:expected\s+|desired\s+|planned\s+)?(?:outcomes?|deliverables?|results?)|definition\s+of\s+done|done\s+when|scope|acceptance\s+criteria",
        ),
        ("status", r"(?:current\s+)?(?:status|state|progress|phase|stage)|done\?"),
        (
            "title",
            r"items?|title|name|features?|tasks?|activit(?:y|ies)|what|deliverable|initiatives?|epics?|projects?|description|"
            r"work\s+items?|topics?|subject|goal|objectives?|change|release\s+version|release|component|proposal|workstream|story",
        ),
        (
            "link",
            r"(?:tracking\s+)?(?:issues?|epics?|tickets?|milestones?)|tracking|tracked\s+(?:in|by)|links?|urls?|prs?|mrs?|"
            r"(?:pull|merge)\s+requests?|github|gitlab|jira",
        ),
        (
            "info",
            r"(?:more\s+)?info(?:rmation)?|notes?|remarks?|see(?:\s+also)?|details?|comments?|context|background|why|how|summary|"
            r"motivation|depend(?:s\s+on|encies|ency|ents?)|blocked\s+by|blocks|references?|risks?|rationale|overview|description|"
            r"enhancement|effort|size|estimate\s+size|impact|user\s+story|tasks|steps|requirements|problem|solution|proposal|benefits?",
        ),
    ]
]
_KINDS_FIRST = {"description": "info", "tasks": "info", "goals": "relates", "goal": "relates"}
_BEFORE_ROLE = (
    r"(?:(?:main|primary|technical|tech|engineering|product|project|feature|release|team|current|"
    r"proposed|responsible|design|dev|lead)\s+)*"
)
_ROLE_WORDS: list[tuple[str, str]] = [
    ("driver", r"drivers?|driven|drives|leads?|led|champions?|lead\s+by|shepherds?|sponsors?"),
    ("maintainer", r"maintainers?|maintained|maintains"),
    (
        "responsible",
        r"responsible(?:\s+(?:person|people|party|team))?|responsibility|owners?|owned|ownership|accountable|"
        r"in\s+charge|verantwortlich|responsable|ansvarig|dris?|directly\s+responsible\s+individual|pm|managers?",
    ),
    ("contact", r"(?:(?:points?\s+of\s+)?contacts?|poc)(?:\s+person)?"),
    ("review", r"(?:(?:code|design|main)[\s-]+)?review(?:s|ed|ers?|ing)?|reviewed|approvers?"),
    (
        "input",
        r"input|feedback|rubberduck(?:ing)?|discussions?|support|advice|consulted|stakeholders?",
    ),
    (
        "work",
        r"work|worked|working(?:\s+on)?|workers?|assignees?|assigned(?:\s+to)?|who|people|persons?|team|members?|"
        r"implement(?:ation|ed|ers?)?|done|developers?|engineers?|designers?|authors?|help(?:ers?)?|contributors?|participants?|involved",
    ),
]
_ROLE_LABEL = re.compile(
    rf"^{_BEFORE_ROLE}(?:"
    + "|".join(words for _, words in _ROLE_WORDS)
    + r")(?:(?:\s*[,/&+]\s*|\s+and\s+)(?:"
    + "|".join(words for _, words in _ROLE_WORDS)
    + r"))*(?:\s+(?:by|from|with|of|is|to|names?))?(?:\(s\))?$"
)
_ORNAMENT = re.compile(r"^[\W_]+|[\W_]+$")

_PERMITS = re.compile(r"^(?:if|as|when)\s+time\s+(?:permits|allows)\s*[:,]?\s*", re.IGNORECASE)
_SOON = re.compile(
    r"^(?P<when>soon(?:er)?(?:\s*/\s*later)?|later|someday|eventually|next|now|asap)\s*:\s*",
    re.IGNORECASE,
)
_ASIDES = re.compile(r"\s*[(\[]([^()\[\]]+)[)\]]")
_DUE_ASIDE = re.compile(
    r"[(\[](?:(?:estimated|expected|planned|to\s+be)\s+)?(?:done|due|target(?:ed)?|eta|deadline|planned|expected|estimated|"
    r"scheduled)?\s*:?\s*(?P<when>[^()\[\]]+)[)\]]",
    re.IGNORECASE,
)
_DATE_FIRST = re.compile(r"^(?P<when>[^:]{4,30}?)\s*(?::|\s[-–—]+)\s+(?=\S)")
_LABEL_WITHIN = re.compile(
    r"(?:\s+[-–—|]+\s+(?=\w)|[,;]\s+|\s+(?=[A-Z]))(?=[\w-]+(?:\s+[\w-]+){0,2}:\s)"
)
_COMMENT_LABEL = re.compile(r"(?:^|[\s,;])(?P<label>[a-z][a-z -]{1,24}?)\s*[:=]\s*", re.IGNORECASE)
_DUE = (
    r"(?:done|due|target(?:ed)?|eta|deadline|planned|expected|estimated|scheduled|tentatively|by|until|"
    r"before|in)"
)
_DUE_CLAUSE = re.compile(
    rf"(?:[,;:.]|\s[-–—]+|(?:^|\s)(?={_DUE}\s))\s*(?:(?:estimated|expected|planned)\s+)?{_DUE}?"
    r"\s*(?:date|for|by)?\s*:?\s*(?P<when>[^.;:,]{1,120}(?:,?\s*20\d\d)?)\s*[.;]?$",
    re.IGNORECASE,
)
_HANDLES = r"@[\w-]+(?:\s*(?:,|/|&|\band\b|\s)\s*@[\w-]+)*"
_HANDLE_ASIDE = re.compile(rf"\s*[([](?P<who>{_HANDLES})[)\]]")
_HANDLES_LAST = re.compile(rf"[\s,;–—-]+(?:by\s+|cc\s+)?(?P<who>{_HANDLES})\s*\.?$")
_LONGEST = 1000  # of the words beside a marker; the rest is detail


@dataclass(frozen=True)
class Words:
    """What a document's words are read against."""

    written: date
    calendar: Calendar
    names: Names
    loose: bool = False  # people of a small team: "ada: tune the parser" is work of ada

    def target(self, words: str, done: bool = False) -> Target | None:
        """Read a target; of what is done it may lie in the past: "shipped in March"."""
        target = read_target(words, self.written, self.calendar)
        if target and target.end and done and not re.search(r"(?:19|20)\d\d", words):
            earlier = read_target(words, self.written - timedelta(days=365), self.calendar)
            if target.end > self.written and earlier and earlier.end:
                return earlier if earlier.end <= self.written else target
        return replace(target, flag=None) if target and done and target.stale else target


@dataclass
class Entry:
    """An item as read, before references are resolved."""

    key: str
    parent: str | None
    kind: str
    order: int
    title: str
    source: str  # list, nested, people, prose, table, heading
    line: int = 0  # counted from 0
    target: Target | None = None
    deferred: bool = False
    conditional: bool = False
    done: bool = False
    inlines: list[Inline] = field(default_factory=list)
    duties: list[Duty] = field(default_factory=list)
    state: str | None = None  # as said by the item itself
    links: list[str] = field(default_factory=list)  # of labels such as "Tracking"

    @property
    def detail(self) -> str:
        """Everything that the document says below this item."""
        return re.sub(r"\s+", " ", " ".join(inline.text for inline in self.inlines)).strip()

    @property
    def url(self) -> str | None:
        """The issue, merge request, milestone or epic that the item links to first."""
        urls = [*self.links, *(url for inline in self.inlines for url in inline.urls)]
        return next(filter(None, map(tracked, urls)), None)

    def say(self, state: str | None) -> None:
        """Take a state; the first that is said stands."""
        self.state = self.state or state
        self.done, self.deferred = self.done or state == DONE, self.deferred or state == DEFERRED


@dataclass(frozen=True)
class Label:
    """A label, the roles it gives to people, and the value that follows it."""

    kind: str  # target, start, people, status, link, relates, outcome, title, info
    roles: tuple[str, ...]
    value: str


def _plain_label(text: str) -> str:
    text = _ORNAMENT.sub("", re.sub(r"\(s\)", "s", text)).casefold()
    return re.sub(r"[\s_*`-]+", " ", text).strip()


def label_of(text: str) -> Label | None:
    """Read "Label: value".

    Examples
    --------
    >>> label_of("Work and review by: ada, bo")
    Label(kind='people', roles=('work', 'review'), value='ada, bo')
    >>> label_of("end-date: 2026/06/30").kind, label_of("**Target Completion**: Q4/2022").kind
    ('target', 'target')
    """
    label, colon, value = text[:200].partition(":")
    if len(label) > 40 or (colon and value.startswith("//")):
        return None
    value = text[len(label) + 1 :].strip().strip("*_").strip()
    label = _plain_label(label)
    kind = _KINDS_FIRST.get(label) or next((k for k, p in _LABELS if p.match(label)), None)
    if kind:
        return Label(kind, (), value) if colon or kind == "outcome" else None
    if colon and _ROLE_LABEL.match(label):
        return Label("people", tuple(roles_in(label)), value)
    if colon and re.fullmatch(r"[a-z]+s? by", label) and text.strip()[0].isupper():  # "Talks by"
        return Label("people", ("work",), value)
    return None


def column_kind(head: str) -> Label | None:
    """Read the head of a column as a label; a role goes before a word for a title."""
    return label_of(f"{head.strip() or '-'}: x")


def roles_in(label: str) -> list[str]:
    """Find the roles that a label names, in order of the vocabulary; work where it names none.

    Examples
    --------
    >>> roles_in("Input/review")
    ['review', 'input']
    """
    label = re.sub(rf"^{_BEFORE_ROLE}(?=\S)", "", label, flags=re.IGNORECASE)  # "Team lead" leads
    named = [
        role for role, words in _ROLE_WORDS if re.search(rf"\b(?:{words})\b", label, re.IGNORECASE)
    ]
    return sorted(
        named, key=lambda role: ["work", "driver"].index(role) if role in ("work", "driver") else 9
    ) or ["work"]


def take_field(entry: Entry, label: Label, words: Words, urls: Iterable[str] = ()) -> bool:
    """Let a labelled value speak for an item; False where it says nothing that is understood."""
    value = label.value
    if label.kind == "target":
        target = words.target(value, entry.done)
        entry.target = target or entry.target
        return target is not None
    if label.kind == "people":
        found = assigned(value, list(label.roles), words.names)
        entry.duties += found
        return bool(found)
    if label.kind == "status":
        entry.say(state_of(value))
    if label.kind == "link":
        entry.links += urls
        if not entry.links and entry.target is None and (target := words.target(value)):
            entry.target = target if target.end else None
    return True


def comment_fields(text: str) -> list[Label]:
    """Read the labels of a comment: ``target: 2024-10 owner: ada``.

    Examples
    --------
    >>> [(label.kind, label.value) for label in comment_fields("target: 2024-10 owner: ada")]
    [('target', '2024-10'), ('people', 'ada')]
    """
    found = [m for m in _COMMENT_LABEL.finditer(text[:_LONGEST]) if label_of(f"{m['label']}: x")]
    ends = [m.start() for m in found[1:]] + [len(text)] * bool(found)
    labels = (
        label_of(f"{m['label']}: {text[m.end() : end].strip(' ,;')}")
        for m, end in zip(found, ends, strict=True)
    )
    return [label for label in labels if label]


def fields_within(text: Inline) -> list[Label]:
    """Give the labelled values that stand line by line in one paragraph."""
    parts = [part.strip() for part in _LABEL_WITHIN.split(text.text[:_LONGEST])]
    labels = map(label_of, parts)
    return [
        one for one in labels if one and one.kind in ("target", "start", "people", "status", "link")
    ]


def describe(entry: Entry, head: Inline, words: Words, box: str | None = None) -> None:
    """Take title, condition, target, people and state from the text beside the marker."""
    state, head = marked(head[:_LONGEST], box)
    entry.say(state)
    if m := _PERMITS.match(head.text):
        entry.conditional, head = True, head[m.end() :]
    if m := _SOON.match(head.text):
        entry.target, head = Target(m["when"]), head[m.end() :]
    for step in (_person_prefix, _labelled_asides, _date_first, _people_behind):
        head = step(entry, head, words)
    entry.title = title_of(head, aside=4 if entry.kind == "priority" else 2)
    if entry.target is None:
        entry.target = _target_in(entry, head, words)
    for label in fields_within(Inline(_ASIDES.sub("", head.text))):
        if label.kind == "people":
            take_field(entry, label, words)
    helped = r",\s+((?:\w+\s+){0,2}(?:help|review|input)\s+(?:from|form|by)\s+.+)$"
    for said in re.finditer(helped, head.text):
        entry.duties += assigned(said.group(1), ["work"], words.names)
    considers = r"\b([\w-]+)\s+is\s+(?:considering|exploring|planning|thinking)\b"
    one = re.search(considers, head.text) if words.loose else None
    if one and words.names.plausible(one.group(1)):
        entry.duties.append(Duty(words.names.handle(one.group(1)), "work", None, "considering"))
    for aside in _ASIDES.finditer(head.text):
        state = state_of(aside.group(1))
        short = len(aside.group(1).split()) <= 3
        entry.say(state if state in (DONE, DEFERRED) and short else None)


def _labelled_asides(entry: Entry, head: Inline, words: Words) -> Inline:
    """Read "(owner: ada)" behind a title."""
    for m in reversed(list(_ASIDES.finditer(head.text))):
        labels = [
            label_of(part) for part in re.split(r"[,;]\s+(?=[\w-]+(?:\s[\w-]+)?:)", m.group(1))
        ]
        known = [one for one in labels if one and one.kind in ("people", "target", "status")]
        for label in known:
            take_field(entry, label, words)
        if known:
            head = _without(head, m.start(), m.end())
    return head


def _date_first(entry: Entry, head: Inline, words: Words) -> Inline:
    """Read "2025-09-01: Beta"."""
    m = _DATE_FIRST.match(head.text)
    if m is None or (head.strong and head.strong[0][1] > m.end("when") + 1):
        return head
    target = words.target(m["when"], entry.done)
    if target is None or target.end is None or not mostly(target.text, m["when"]):
        return head
    entry.target = entry.target or target
    return head[m.end() :]


def _person_prefix(entry: Entry, head: Inline, words: Words) -> Inline:
    """Read "ada: tune the parser" as work of ada, where people write so."""
    name, colon, rest = head.text.partition(":")
    if not colon or rest[:1] != " " or len(name) >= 40 or head.strong:
        return head
    parts = re.split(r"\s*(?:/|,|&|\+|\band\b)\s*", name.strip())
    short = all(re.fullmatch(r"[a-z][a-z0-9_]{1,11}|@[\w-]+", part) for part in parts)
    named = all(part.startswith("@") or words.names.is_known(part) for part in parts)
    if named or (words.loose and short and all(map(words.names.plausible, parts))):
        entry.duties += [Duty(person, "work") for person in words.names.split(name)]
        return head[len(name) + 1 :].strip()
    return head


def _people_behind(entry: Entry, head: Inline, words: Words) -> Inline:
    """Read "Parser -- ada (maybe bo), tbd", "Parser (@ada)" and "Parser @ada"."""
    dash = re.search(r"\s[-–—]{1,2}\s+(?=(@?[\w-]+))", head.text)
    if dash and (dash.group(1)[0] == "@" or words.names.is_known(dash.group(1))):
        behind = head.text[dash.end() :]
        entry.duties += assigned(behind, ["work"], words.names)
        for part in re.split(r"[,.]\s+", behind.rstrip("."))[1:]:
            target = words.target(part, entry.done)
            if target and (target.end or NO_DATE.match(part)):
                entry.target = entry.target or target
        return head[: dash.start()]
    for m in reversed(list(_HANDLE_ASIDE.finditer(head.text))):
        entry.duties += _handles(m["who"], words)
        head = _without(head, m.start(), m.end())
    if last := _HANDLES_LAST.search(head.text):
        entry.duties += _handles(last["who"], words)
        head = head[: last.start()]
    return head


def _handles(text: str, words: Words) -> list[Duty]:
    return [Duty(words.names.handle(name), "work") for name in re.findall(r"@[\w-]+", text)]


def _target_in(entry: Entry, head: Inline, words: Words) -> Target | None:
    """Give a target within the item's own words, where a bracket or their end gives one."""
    text = head.bare
    for pattern in (_DUE_ASIDE, _DUE_CLAUSE):
        for m in _overlapping(pattern, text):
            target = words.target(m["when"], entry.done)
            event = re.search(r"(?:before|until)\s+[A-Z]\w+$", m.group().rstrip(").]"))
            if event and target and not target.end:  # an event that no calendar knows
                target = Target(event.group())
            said = target and (target.end or event or NO_DATE.match(m["when"]))
            if target and said and mostly(target.text, m["when"]):
                if m.start() > 3 and len(entry.title) > m.start():
                    entry.title = title_of(head[: m.start()])
                return target
    return None


def _overlapping(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Yield every match, also one that begins within another."""
    m = pattern.search(text)
    while m:
        yield m
        m = pattern.search(text, m.start() + 1)


def mostly(part: str, whole: str) -> bool:
    """Whether a time expression is what a clause consists of, and not just stands in it."""
    return len(part) >= 0.6 * len(whole.strip())


def _without(head: Inline, start: int, end: int) -> Inline:
    """Cut out a bracket; links behind it are kept, those of the bracket go with it."""
    left, right = head[:start], head[end:]
    if not right.text:
        return left
    moved = tuple(replace(one, start=one.start + start, end=one.end + start) for one in right.links)
    return Inline(left.text + right.text, left.links + moved, left.strong, left.struck)
