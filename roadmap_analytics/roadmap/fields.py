"""What the words beside an item say about it: labelled values, dates, people, state.

A label counts in any case and spelling ("end-date", "**Target Completion**", "Point of contact").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import takewhile

from roadmap_analytics.roadmap.language import title_of
from roadmap_analytics.roadmap.links import tracked
from roadmap_analytics.roadmap.markdown import Inline, Table
from roadmap_analytics.roadmap.marks import DEFERRED, DONE, DROPPED, marked, state_of
from roadmap_analytics.roadmap.people import (
    Duty,
    Names,
    assigned,
    names_no_one,
    unread_names,
)
from roadmap_analytics.roadmap.targets import (
    NO_DATE,
    UNREAD,
    Calendar,
    Found,
    Target,
    expression,
    find,
    read_target,
    replaced,
)
from roadmap_analytics.roadmap.vocabulary import CAPITAL, PERMITS, pattern, vocabulary

__all__ = [
    "Entry",
    "Label",
    "Words",
    "column_kind",
    "comment_fields",
    "describe",
    "fields_within",
    "label_of",
    "may_be_time",
    "people_in",
    "people_of",
    "take_field",
]

# Kinds of labels; what is no label of these may be a role (below).
_LABELS = vocabulary(
    r"""
start: (?:planned )?(?:start(?:s|ed|ing)?|begin(?:s|ning)?|kick\s?off)(?: (?:date|on))?
    beginn|start(?:termin|datum)|(?:date de )?début|(?:fecha de )?inicio
info: description|tasks
relates: (?:relates?|related) to|priorit(?:y|ies)|part of|supports|theme|category|area|team
    goals?|tags?|labels?
target: (?:(?:current|expected|estimated|planned|target|to be|project) )*{due}{when}?
    (?:due )?(?:by(?: when)?|on)
    targets?(?: (?:dates?|quarter|month|version|release))?|(?:(?:hard|soft|final) )?deadlines?|eta
    when|dates?|until|period
    (?:expected|estimated|planned|target) (?:date|by|completion date|time|end|finish)|estimated?
    expected|time\s?(?:line|frame|estimate)|(?:planned|scheduled)(?: for)?|schedule|quarters?
    months?|end(?:s|ing)?(?: date)?|milestone date|version
    (?:iteration|sprint|cycle)s?
    (?:ziel)?termin|frist|fällig(?: am| bis)?|bis(?: wann)?|zeit(?:raum|plan|horizont)|quartal
    échéances?|délai|calendrier|trimestre|date (?:cible|limite|prévue|de (?:fin|livraison))
    fecha(?: (?:límite|prevista|objetivo|de (?:fin|finalización|entrega|término)))?|plazos?
    slutdatum|måldatum|tidsplan|kvartal|senast|prazos?|data(?: (?:limite|prevista|de entrega))?
    scadenza|data (?:di (?:fine|consegna)|prevista)|entro|trimestre|streefdatum|einddatum|planning
    截止(?:日期|时间)|(?:完成|目标)(?:日期|时间)|期限|期日|締切
outcome: (?:(?:expected|desired|planned) )?(?:outcomes?|deliverables?|results?)|scope
    definition of done|done when|acceptance criteria
status: (?:current )?(?:status|state|progress|phase|stage)|done\?
    (?:umsetzungs)?stand|fortschritt|statut|état|avancement|estado|avance|läge|framsteg
    situação|andamento|stato|avanzamento|voortgang|状态|进度|状況|進捗
title: items?|title|name|features?|tasks?|activit(?:y|ies)|what|initiatives?|epics?|projects?
    work items?|topics?|subject|objectives?|change|release version|release|component|proposal
    workstream|story|功能|任务|项目|事项|里程碑|機能|項目|タスク
    (?:ma(?:ß|ss)nahme|vorhaben|aufgabe|arbeitspaket|meilenstein|projekt)n?|them[ae]|titel
    (?:action|tâche|jalon|chantier|projet|thème)s?|titre|hitos?|tareas?|medidas?|proyectos?
    actividad(?:es)?|acci(?:ón|ones)|(?:åtgärd|uppgift|aktivitet)(?:er)?|tarefas?|atividades?
    marcos?|projetos?|attività|obiettivi?|progett[oi]|ta(?:ak|ken)|activiteit(?:en)?|mijlpa(?:al|len)
link: (?:tracking )?(?:issues?|tickets?|milestones?)|tracking|tracked (?:in|by)|links?|urls?
    prs?|mrs?|(?:pull|merge) requests?|github|gitlab|jira
info: (?:more )?info(?:rmation)?|notes?|remarks?|see(?: also)?|details?|comments?|context
    background|why|how|summary|motivation|depend(?:s on|encies|ency|ents?)|blocked by|blocks
    references?|risks?|rationale|overview|enhancement|effort|size|impact|user story|steps
    requirements|problem|solution|benefits?|duration.*|durée.*|duración.*|dauer.*
    be(?:schreibung|merkung(?:en)?)|anmerkung(?:en)?|hinweise?|remarques?|commentaires?
    descripción|observaciones|comentarios|beskrivning|anteckning(?:ar)?|nr|no|id|n°
""".replace("{when}", r"(?: (?:by|dates?|in|on|before|quarter|month))").replace(
        "{due}",
        r"(?:done|due|completed?|completion|finish(?:ed)?|delivery|delivered|ready|releases?|released|"
        r"ship(?:s|ped|ping)?|launch|ga)",
    )
)
_BEFORE_ROLE = (
    r"(?:(?:main|primary|technical|tech|engineering|product|project|feature|release|team|current|"
    r"proposed|responsible|design|dev|lead)\s+)*"
)
_ROLE_WORDS = vocabulary(
    r"""
driver: drivers?|driven|drives|leads?|led|champions?|lead by|shepherds?|sponsors?
    captains?|conductors?
maintainer: maintainers?|maintained|maintains
responsible: responsible(?: (?:person|people|party|team))?|responsibility|owners?|owned|ownership
    accountable|in charge|dris?|pm|managers?|directly responsible individual
    (?:verantwortlich|zuständig)(?:e[rs]?|keit)?|federführ(?:ung|end)|responsables?|pilotes?
    porteu(?:r|se)s?|encargad[oa]s?|a cargo(?: de)?|ansvariga?|ägare
    负责人|责任人|負責人|担当者?
    responsáve(?:l|is)|encarregad[oa]s?|responsabil[ei]|referente|verantwoordelijken?|eigena(?:ar|ren)
contact: (?:(?:points? of )?contacts?|poc)(?: person)?
review: (?:(?:code|design|main)[\s-]+)?review(?:s|ed|ers?|ing)?|approvers?
input: input|feedback|rubberduck(?:ing)?|discussions?|support|advice|consulted|stakeholders?
work: work|worked|working(?: on)?|workers?|assignees?|assigned(?: to)?|who|people|persons?
    members?|implement(?:ation|ed|ers?)?|done|developers?|engineers?|designers?|authors?
    help(?:ers?)?|contributors?|participants?|involved|bearbeite(?:r|rin|t)|wer|vem
""",
    lead=r"\b",
    tail=r"\b",
)
_ANY_ROLE = "(?:" + "|".join(words.pattern for _, words in _ROLE_WORDS) + ")"
_ROLE_LABEL = re.compile(
    rf"{_BEFORE_ROLE}{_ANY_ROLE}(?:(?:\s*[,/&+]\s*|\s+and\s+){_ANY_ROLE})*"
    r"(?:\s+(?:by|from|with|of|is|to|names?))?(?:\(s\))?"
)
_ORNAMENT = re.compile(r"^[\W_]+|[\W_]+$")
_SOON = pattern(
    r"(?P<when>soon(?:er)?(?:\s*/\s*later)?|later|someday|eventually|next|now|asap)\s*:\s*"
)
_MILESTONES_LAST = re.compile(r"""(?:[\s,;–—-]+[%~](?:"[^"]+"|\w[\w.:-]*))+$""")
_SAID_LAST = re.compile(r"\s+[-–—]+\s+([\w'’]+(?: [\w'’]+)?)$")
_ASIDES = re.compile(r"\s*[(\[]([^()\[\]]+)[)\]]")
_DUE = (
    r"(?:done|due|target(?:ed)?|eta|deadline|planned|expected|estimated|scheduled|tentatively|by|until|"
    r"before|in|on|bis(?: zum)?|vor|avant(?: le)?|jusqu['’]au|antes del?|hasta|före|senast)"
)
_MOVED = (
    r"(?:(?:postponed|moved|deferred|delayed|pushed|slipped|verschoben|reportée?|aplazad[oa]|"
    r"pospuest[oa]|uppskjut(?:en|et))(?: (?:to|until|till|auf|bis|au|à|al?|hasta|till))? )?"
)
# As note takers write tasks: "📅 2026-03-20" is due then, "🛫" a start, "✅" the day it was done.
_SIGNED = re.compile(
    r"(?P<sign>[📅🗓🛫⏳✅➕❌])\ufe0f?\s*(?P<day>20\d\d-\d\d-\d\d)|🔁[^📅🗓🛫⏳✅➕❌⏫🔼🔽🔺⏬]*|[⏫🔼🔽🔺⏬]\ufe0f?"
)
_TAIL = re.compile(r"\s*(?:\([^()]*\)|\s[-–—]+\s+\w+(?:\s\w+)?)\W*$")
# Within a lookahead, so that one may begin within another.
_DUE_ASIDE = pattern(
    rf"(?=(?P<all>[(\[](?:(?:estimated|expected|planned|to be) )?{_DUE}?\s*:?\s*"
    r"(?P<when>[^()\[\]]+)[)\]]))"
)
_DUE_CLAUSE = pattern(
    rf"(?=(?P<all>(?:[,;:]|\.(?!\d)|\s[-–—→>=]+|(?:^|\s)(?={_DUE}\s))\s*{_MOVED}"
    rf"(?:(?:estimated|expected|planned) )?{_DUE}?\s*(?:date|for|by)?\s*:?\s*"
    r"(?P<when>(?:[^.;:,]|(?<=\d)\.(?=\s)){1,120}?(?:,?\s*20\d\d)?)"
    r"(?: (?:at the latest|latest|if possible))?\s*[.;]?$))"
)
# "Target: 40", "300 ms", "99.9 %": what shall be measured then, and no time. "2.3" is a version.
_AMOUNT = re.compile(r"[<>≤≥~]?\s*(?:\d+|\d+(?:[.,]\d+)?\s*(?:%|[a-zA-Zµ]{1,8}))")
_DATE_FIRST = re.compile(r"(?P<when>(?:[^:]|(?<=\d):(?=\d)){4,48}?)\s*(?::|\s[-–—]+)\s+(?=\S)")
_LABEL_WITHIN = re.compile(
    r"(?:\s+[-–—|·•]+\s+(?=\w)|[,;]\s+|(?<!:)\s+(?=[A-Z]))(?=[\w-]+(?:\s+[\w-]+){0,2}:\s)"
)
_PIPE = re.compile(r"\s+\|\s+")
_DASHED_LABEL = re.compile(r"(?:\s+[-–—|·•]+|(?<=\w)\.)\s+(?=[\w-]+(?:\s+[\w-]+){0,2}:\s)")
_COMMENT_LABEL = pattern(r"(?:^|[\s,;])(?P<label>[a-z][a-z -]{1,24}?)\s*[:=]\s*")
_HANDLES = r"@[\w-]+(?:\s*(?:,|/|&|\band\b|\s)\s*@[\w-]+)*"
_HANDLE = re.compile(r"(?<!\w)@[\w-]+")
_ONLY_HANDLES = re.compile(_HANDLES)
_HANDLES_LAST = re.compile(rf"[\s,;–—-]+(?:by\s+|cc\s+)?{_HANDLES}\s*\.?$")
_HELPED = re.compile(r",\s+((?:\w+\s+){0,2}(?:help|review|input)\s+(?:from|form|by)\s+.+)$")
_CONSIDERS = re.compile(r"\b([\w-]+)\s+is\s+(?:considering|exploring|planning|thinking)\b")
_HARD = ("people", "target", "status")
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
        if target and not (target.end or target.flag) and _AMOUNT.fullmatch(words.strip()):
            return None
        if target and target.end and done and not re.search(r"(?:19|20)\d\d", words):
            earlier = read_target(words, self.written - timedelta(days=365), self.calendar)
            if earlier and earlier.end and earlier.end <= self.written < target.end:
                # What was due in a few weeks is done early; it was not due a year ago.
                nearer = self.written - earlier.end < target.end - self.written
                return earlier if nearer else target
        return replace(target, flag=None) if target and done and target.stale else target

    def time(self, words: str, done: bool = False) -> Target | None:
        """Read words that are a time and hardly anything else."""
        target = self.target(words, done)
        return target if target and target.end and mostly(target.text, words) else None

    def find(self, text: str) -> list[Found]:
        """Find the time expressions of a text."""
        return find(text, self.written, self.calendar)

    def expression(self, text: str) -> Target | None:
        """Give the time expression within a sentence, with the words that lead into it."""
        found = self.find(text)
        if not found:
            return None
        best = next((one for one in found if one.span), found[0])
        start, end = expression(text, best.start, best.end)
        if best.span is None:
            return Target(text[start:end].strip()) if best.end - best.start > 3 else None
        return self.target(text[start:])


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
    dropped: bool = False  # for good; it is deferred, too
    conditional: bool = False
    done: bool = False
    inlines: list[Inline] = field(default_factory=list)
    duties: list[Duty] = field(default_factory=list)
    state: str | None = None  # as said by the item itself
    links: list[str] = field(default_factory=list)  # of labels such as "Tracking"
    unread: list[str] = field(default_factory=list)  # parts of its line that say nothing known

    @property
    def detail(self) -> str:
        """Everything that the document says below this item."""
        return re.sub(r"\s+", " ", " ".join(inline.text for inline in self.inlines)).strip()

    @property
    def urls(self) -> list[str]:
        """Where the item leads: those of its labels first, each once."""
        written = (url for inline in self.inlines for url in inline.urls)
        return list(dict.fromkeys([*self.links, *written]))

    @property
    def url(self) -> str | None:
        """The issue, merge request, milestone or epic that the item links to first."""
        return next(filter(None, map(tracked, self.urls)), None)

    def work(self, people: Iterable[str]) -> None:
        """Take people who work on it."""
        self.duties += [Duty(person, "work") for person in dict.fromkeys(people)]

    def say(self, state: str | None) -> None:
        """Take a state; the first that is said stands."""
        self.state = self.state or state
        self.become(state)

    def become(self, state: str | None) -> None:
        """Be done, or wait, or be given up."""
        self.done |= state == DONE
        self.dropped |= state == DROPPED
        self.deferred |= state in (DEFERRED, DROPPED)


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
    kind = next((kind for kind, words in _LABELS if words.fullmatch(label)), None)
    if kind:
        return Label(kind, (), value) if colon or kind == "outcome" else None
    if not colon:
        return None
    if _ROLE_LABEL.fullmatch(label):
        return Label("people", tuple(roles_in(label)), value)
    others = re.fullmatch(r"[a-z]+s? by", label) and text.strip()[0].isupper()  # "Talks by"
    return Label("people", ("work",), value) if others else None


def column_kind(head: str) -> Label | None:
    """Read the head of a column as a label: "Owner", "Activity / milestone", "Days (estimated)"."""
    whole = re.sub(r"\s*\([^()]*\)\s*$", "", head.strip())
    parts = [label_of(f"{part.strip() or '-'}: x") for part in (whole, *whole.split("/"))]
    kinds = {part.kind if part else None for part in parts[1:]}
    return parts[0] or (parts[1] if len(kinds) == 1 else None)


def roles_in(label: str) -> list[str]:
    """Find the roles that a label names, in order of the vocabulary; work where it names none.

    Examples
    --------
    >>> roles_in("Input/review")
    ['review', 'input']
    """
    label = re.sub(rf"^{_BEFORE_ROLE}(?=\S)", "", label, flags=re.IGNORECASE)  # "Team lead" leads
    named = [role for role, words in _ROLE_WORDS if words.search(label)]
    first = [role for role in ("work", "driver") if role in named]
    return [*first, *(role for role in named if role not in first)] or ["work"]


def take_field(entry: Entry, label: Label, words: Words, urls: Iterable[str] = ()) -> bool:
    """Let a labelled value speak for an item; False where it says nothing that is understood."""
    value = label.value
    if label.kind == "target":
        target = words.target(value, entry.done)
        if target and not may_be_time(
            target, value
        ):  # "Done: the spec is accepted" sets a condition
            return False
        entry.target = target or entry.target
        return target is not None or bool(_AMOUNT.fullmatch(value))
    if label.kind == "people":
        found = assigned(value, list(label.roles), words.names)
        entry.duties += found
        whole = bool(found) and not unread_names(value, words.names)
        return whole or names_no_one(value)
    if label.kind == "status":
        state = state_of(value)
        entry.say(state)
        if entry.deferred and not (entry.target and entry.target.end):  # "postponed to 2027"
            later = words.target(value)
            entry.target = later if later and later.end else entry.target
        return state is not None or not re.search(r"\w", value)
    if label.kind == "link":
        entry.links += urls
        if not entry.links and entry.target is None and (target := words.target(value)):
            entry.target = target if target.end else None
    return True


def take_fields(
    entry: Entry, labels: Iterable[Label], words: Words, urls: Iterable[str] = ()
) -> list[str]:
    """Let labelled values speak for an item; give those that say nothing that is understood."""
    return [one.value for one in labels if not take_field(entry, one, words, urls)]


def may_be_time(target: Target, value: str) -> bool:
    """Whether the value of a label that asks for a time gives one, or may: "after the audit"."""
    return bool(target.end or target.flag or NO_DATE.match(value)) or len(value.split()) <= 4


def people_in(inlines: Iterable[Inline], names: Names) -> Iterator[str]:
    """Yield the people whom labels name ("Owner: ada")."""
    for line in (line for inline in inlines for line in inline.lines):
        label = label_of(line.text)
        if label and label.kind == "people":
            yield from (duty.person for duty in assigned(label.value, list(label.roles), names))


def people_of(table: Table, names: Names) -> Iterator[str]:
    """Yield the people whom the columns of a table name, and their first names."""
    for n, head in enumerate(table.head):
        label = column_kind(head.text)
        cells = [row[n].text for row in table.rows if n < len(row)]
        for value in cells if label and label.kind == "people" else []:
            for duty in assigned(value, ["work"], names):
                yield from (duty.person, duty.person.partition(" ")[0])


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
    parts = [part for line in text[:_LONGEST].lines for part in _LABEL_WITHIN.split(line.text)]
    labels = map(label_of, map(str.strip, parts))
    return [
        one for one in labels if one and one.kind in ("target", "start", "people", "status", "link")
    ]


def _fields_below(head: Inline) -> tuple[Inline, list[Label]]:
    """Take labelled values on lines of their own off the text beside a marker."""
    for gap, line in zip(head.of("break"), head.lines[1:], strict=True):
        label = label_of(line.text)
        if label and label.kind in (*_HARD, "start"):
            return head[: gap.start], fields_within(head[gap.end :])
    return head, []


def describe(entry: Entry, head: Inline, words: Words, box: str | None = None) -> None:
    """Take title, condition, target, people and state from the text beside the marker."""
    state, whole = marked(head[:_LONGEST], box)
    head, below = _fields_below(whole)
    entry.say(state)
    if m := PERMITS.match(head.text):
        entry.conditional, head = True, head[m.end() :]
    if m := _SOON.match(head.text):
        entry.target, head = Target(m["when"]), head[m.end() :]
    if m := _MILESTONES_LAST.search(head.text):  # GitLab's references: "Parser %17.5 ~backend"
        head = head[: m.start()]
    for step in (
        _day_signs,
        _between_pipes,
        _state_behind,
        _person_prefix,
        _asides,
        _labels_behind,
        _date_first,
        _people_behind,
    ):
        head = step(entry, head, words)
    entry.title = title_of(head, aside=4 if entry.kind == "priority" else 2)
    entry.unread += take_fields(entry, below, words, whole.urls)
    if entry.target is None:
        entry.target = _target_in(entry, whole if below else head, words)
    for label in fields_within(Inline(_ASIDES.sub("", head.text))):
        if label.kind == "people":
            take_field(entry, label, words)
    if said := _HELPED.search(head.text):
        entry.duties += assigned(said.group(1), ["work"], words.names)
    one = _CONSIDERS.search(head.text) if words.loose else None
    if one and words.names.plausible(one.group(1)):
        entry.duties.append(Duty(words.names.handle(one.group(1)), "work", None, "considering"))


def _day_signs(entry: Entry, head: Inline, words: Words) -> Inline:
    """Read "Parser 📅 2026-03-20"."""
    for m in reversed(list(_SIGNED.finditer(head.text))):
        if m["sign"] in ("📅", "🗓"):
            entry.target = words.target(m["day"], entry.done)
        head = (head[: m.start()].strip() + Inline(" ") + head[m.end() :]).strip()
    return head


def _between_pipes(entry: Entry, head: Inline, words: Words) -> Inline:
    """Read "Parser: August | ada, bo | deadline: 2026-08-31": labels, times and known people."""
    first, *parts = _PIPE.split(head.text)
    if first.startswith("|"):  # a table that is none, for want of its second line
        return head
    unread = []
    for part in parts:
        label, state = label_of(part), state_of(part)
        people = re.split(r"\s*[,/&]\s*", part)
        if label:
            unread += take_fields(entry, [label], words)
        elif target := words.time(part, entry.done):
            entry.target = entry.target or target
        elif all(words.names.is_person(one) or one.startswith("@") for one in people):
            entry.duties += assigned(part, ["work"], words.names)
        elif state:
            entry.say(state)
        elif ":" not in part:  # "color: red" is a label of another tool
            unread.append(part)
    if len(unread) == len(parts):  # "curl | sh" is no row of fields
        return head
    entry.unread += unread
    return head[: len(first)]


def _state_behind(entry: Entry, head: Inline, words: Words) -> Inline:
    """Read "Parser — done"."""
    m = _SAID_LAST.search(head.text)
    state = _settled(m[1]) if m else None
    entry.say(state)
    return head[: m.start()] if m and state else head


def _settled(text: str) -> str | None:
    """Give a state that ends work, or puts it off, where a few words say nothing else."""
    state = state_of(text) if len(text.split()) <= 3 else None
    return state if state in (DONE, DEFERRED, DROPPED) else None


def _labels_in(text: str, words: Words) -> list[Label]:
    """Read "owner: ada, bo", "owner: ada, by May" and "Started: 2026-01-15 - ETA: May"."""
    labels = fields_within(Inline(text))
    last = labels[-1] if labels else Label("", (), "")
    gaps = list(re.finditer(r"[,.]\s+", last.value)) if last.kind == "people" else []
    for gap in gaps[-2:]:  # "ada, bo, 5 May, 2027"
        people, rest = last.value[: gap.start()], last.value[gap.end() :]
        time = words.expression(rest)
        if (time and time.end and rest.startswith(time.text)) or NO_DATE.match(rest):
            return [*labels[:-1], replace(last, value=people), Label("target", (), rest)]
    return labels


def _asides(entry: Entry, head: Inline, words: Words) -> Inline:
    """Read brackets: "(owner: ada)", "(@ada)", "(ada, by May)" of a known person, "(done)"."""
    for m in reversed(list(_ASIDES.finditer(head.text))):
        labels = _labels_in(m[1], words)
        entry.unread += take_fields(entry, labels, words)
        named = any(map(words.names.is_person, m[1].split()))  # "(maybe ada)" speaks of ada
        state = None if named else _settled(m[1])
        entry.say(state)
        if not any(label.kind == "people" for label in labels):
            # What stands behind a label is its value: "(owner: ada, bo)".
            parts = takewhile(lambda part: ":" not in part, re.split(r"\s*[,;/&]\s*", m[1]))
            people = [*filter(words.names.is_person, parts), *_HANDLE.findall(m[1])]
            entry.work(map(words.names.handle, people))
        if labels or state or _ONLY_HANDLES.fullmatch(m[1]):
            head = head[: m.start()] + head[m.end() :]
    return head


def _labels_behind(entry: Entry, head: Inline, words: Words) -> Inline:
    """Read "Parser - Started: 2026-01-15 - ETA: 2026-03-31"."""
    for m in _DASHED_LABEL.finditer(head.text):
        if label_of(head.text[m.end() :]):
            labels = _labels_in(head.text[m.end() :], words)
            entry.unread += take_fields(entry, labels, words)
            return head[: m.start()]
    return head


def _date_first(entry: Entry, head: Inline, words: Words) -> Inline:
    """Read "2025-09-01: Beta"."""
    m = _DATE_FIRST.match(head.text)
    if m is None or head.bold > m.end("when") + 1:
        return head
    target = words.time(m["when"], entry.done)
    entry.target = entry.target or target
    return head[m.end() :] if target else head


def _person_prefix(entry: Entry, head: Inline, words: Words) -> Inline:
    """Read "ada: tune the parser" as work of ada, where people write so."""
    name, colon, rest = head.text.partition(":")
    if not colon or rest[:1] != " " or len(name) >= 40 or head.of("strong"):
        return head
    parts = re.split(r"\s*(?:/|,|&|\+|\band\b)\s*", name.strip())
    short = all(re.fullmatch(r"[a-z][a-z0-9_]{1,11}|@[\w-]+", part) for part in parts)
    named = all(part.startswith("@") or words.names.is_known(part) for part in parts)
    if named or (words.loose and short and all(map(words.names.plausible, parts))):
        entry.work(words.names.split(name))
        return head[len(name) + 1 :].strip()
    return head


def _people_behind(entry: Entry, head: Inline, words: Words) -> Inline:
    """Read "Parser -- ada (maybe bo), tbd" and "Parser @ada"."""
    dash = re.search(rf"\s[-–—]{{1,2}}\s+(?=((@?[\w-]+)(?:\s{CAPITAL}[\w-]*)?))", head.text)
    if dash and (dash[1][0] == "@" or any(map(words.names.is_person, dash.groups()))):
        for label in _labels_in(f"who: {head.text[dash.end() :]}", words):
            take_field(entry, label, words)
        return head[: dash.start()]
    if last := _HANDLES_LAST.search(head.text):
        entry.work(map(words.names.handle, _HANDLE.findall(last[0])))
        head = head[: last.start()]
    return head


def _target_in(entry: Entry, head: Inline, words: Words) -> Target | None:
    """Give a target within the item's own words, where a bracket or their end gives one."""
    text = head.bare
    last = _TAIL.sub("", text)  # "Index by 15 May (Ada)", "Index by 15 May — Ada"
    for form, part in ((_DUE_ASIDE, text), (_DUE_CLAUSE, text), (_DUE_CLAUSE, last)):
        for m in form.finditer(part):
            if replaced(m["all"], words.written, words.calendar):  # "(was 31 October)"
                continue
            target = words.target(m["when"], entry.done)
            event = re.search(r"(?:before|until)\s+[A-Z]\w+$", m["all"].rstrip(").]"))
            if event and target and not target.end:  # an event that no calendar knows
                target = Target(event.group())
            unread = target and (target.flag or "").startswith(UNREAD)
            # ", tbd" is a target; "Sign in later" and "(continuous) builds" are none.
            behind = part[m.end("all") :]
            apart = not re.match(r"\s*\w", m["all"]) and not re.match(r"\s*\w", behind)
            none = apart and NO_DATE.match(m["when"])
            said = target and (target.end or event or unread or none)
            if target and said and mostly(target.text, m["when"]):
                if m.start() > 3 and len(entry.title) > m.start():
                    entry.title = title_of(head[: m.start()])
                return target
    return None


def mostly(part: str, whole: str) -> bool:
    """Whether a time expression is what a clause consists of, and not just stands in it."""
    return len(part) >= 0.6 * len(whole.strip())
