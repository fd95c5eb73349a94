"""Who does what: names as people write them, and the sentences that give them roles."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from roadmap_analytics.roadmap.language import sentences
from roadmap_analytics.roadmap.markdown import Inline

__all__ = ["Duty", "Names", "assigned", "duties", "plain"]

_LONGEST = 2000  # of a bullet about a person
_GROUPS = {"everyone", "everybody", "all", "others", "maintainers", "anyone", "team"}
_ALL = {"all", "everybody", "all of us"}
_WORD = r"@?[^\W\d_][\w.’'-]*\d*"
_NAME = rf"{_WORD}(?:\s+(?-i:[A-ZÀ-Þ])[\w’-]+)?"
_NO_NAME_WORDS = """
a an and any are as at be by can do does etc for from has have he help if in input is it its likely
main maybe more no none not of on or our possibly review she some someone still tbd tba that the
their then there they this to unknown until volunteers we when will with you your work support
discuss possible needed time permits everything anything available also several driver responsible
maintainer point new next please see who open unassigned nobody
"""
_NO_NAMES = frozenset(_NO_NAME_WORDS.split())
_JOIN = re.compile(
    r"\s*(?:\b(?:together|jointly)\s+with\b|,\s*(?:and|or)\s+|,|\+|&|\band\b|\bor\b)\s*",
    re.IGNORECASE,
)
_QUALIFIER = re.compile(
    r"\b(?:if|when|as|where)\s+(?:needed|possible|necessary|required|available|time\s+permits|poked|\w+\s+is\s+\w[\w\s]*)|"
    r"\bon\s+a\s+need-basis|\binterested\s+in\b.*|\b(?:also\s+)?available\b|\btentative(?:ly)?|\b(?:likely|possibly|maybe)\b",
    re.IGNORECASE,
)
_ROLE_NOUN = (
    r"(?:(?:code|design)[\s-]*)?reviews?|inputs?|feedback|discussions?|discuss|decisions?|support|advice|help|assistance|"
    r"rubberduck(?:ing)?|test(?:ing)?(?:\s+deploy(?:ment|s)?)?|deploy(?:ment)?|backup"
)
_GIVEN_BY = re.compile(
    rf"^(?:with|and|plus|likely|possibly|maybe|hopefully|some|more|occasional|\s)*(?P<roles>(?:{_ROLE_NOUN})(?:\s*(?:/|and|,|&)\s*(?:{_ROLE_NOUN}))*)"
    r"\s+(?:from|form|by|with)\s+(?P<names>.+)$",
    re.IGNORECASE,
)
_GIVEN_ASIDE = re.compile(
    rf"\s+\(((?:with\s+)?(?:{_ROLE_NOUN})\s+(?:from|by|with)\s+[^()]*)\)", re.IGNORECASE
)
_AS = re.compile(
    rf"^(?:with\s+)?(?P<names>{_NAME}(?:\s*(?:/|,|and|or)\s*{_NAME})*)\s+as\s+(?:an?\s+|the\s+)?(?P<role>\w[\w\s-]*)$",
    re.IGNORECASE,
)
_VERBS = (
    r"is|are|was|will|has|have|does|do|did|can|also|aims?|plans?|hacks?|helps?|reviews?|maintains?|drives?|leads?|owns?|"
    r"provides?|gives?|works?|working|pages?|wraps?|continues?|presents?|responds?|consumes?|contributes?|looks?|takes?|tests?|"
    r"prepares?|writes?|operates?|runs?|attends?|coordinates?|pitch(?:es)?|adds?|implements?|supports?|assists?|pairs?|explores?"
)
_SUBJECT = re.compile(
    rf"^(?P<names>{_NAME}(?:\s*(?:/|,|\band\b|\bor\b|&)\s*{_NAME})*?)(?:\s+(?:except|but\s+not)\s+{_NAME})?\s+(?=(?:{_VERBS})\b)",
    re.IGNORECASE,
)
_CUES: list[tuple[str, str]] = [
    ("contact", r"(?:point|person)\s+of\s+contact(?:\s+for)?|contact(?:\s+person)?\s+for"),
    (
        "driver",
        r"(?:main|primary|co-?)?\s*driver(?:\s+(?:of|for|to|behind))?|drives?|driving|leads?(?:\s+(?:of|for|on))?|leading",
    ),
    ("maintainer", r"(?:main|co-?)?\s*maintain(?:er|s|ing)?(?:\s+of)?"),
    (
        "responsible",
        r"(?:main|overall|jointly|co)?[\s-]*responsib(?:le|ility)(?:\s+(?:for|to))?|in\s+charge\s+of|owns|owner\s+of|accountable\s+for",
    ),
    ("review", r"(?:(?:code|design)[\s-]*)?review(?:s|er|ing)?(?:\s+(?:of|for))?"),
    (
        "input",
        r"inputs?|questions|feedback|rubberduck(?:ing)?|responds?\s+to|answers?|discuss(?:es|ions?)?|advi[sc]es?|hacking\s+discussions?",
    ),
]
_CUE = [(role, re.compile(rf"(?:{words})\b", re.IGNORECASE)) for role, words in _CUES]
_LEAD = re.compile(
    r"^(?:(?:is|are|was|be|will|would|can|also|and|but|the|a|an|our|main(?:ly)?|currently|primarily|does|do|provides?|give[sn]?|offers?|around|"
    r"available|to|for|has|helps?|with|jointly|together|general|some|still|new|shares?)\s+)*",
    re.IGNORECASE,
)
_NEGATED = re.compile(
    r"\b(?:no\s+longer|not|never|without|stops?|stepped\s+down)\b|n't\b", re.IGNORECASE
)
_ADDRESSED = re.compile(
    r"^(?:please|poke|ping|ask|contact|talk\s+to|reach\s+out|see|if\s+you|note)\b", re.IGNORECASE
)
_BUSY = re.compile(
    r"^(?:is|are)?\s*(?:currently\s+)?(?:none|nothing|nobody|tb[acd]|new\s+(?:in|to)|out\s+of\s+office|busy|away|on\s+(?:leave|vacation|parental)|absent|unavailable)\b",
    re.IGNORECASE,
)
_GROUP = re.compile(r"[a-z-]{3,} [a-z-]{3,}(?<!s)s")  # "witness operators"
_TIME_PERMITS = re.compile(r"^(?:if|as|when)\s+time\s+(?:permits|allows)\s*[:,]?\s*", re.IGNORECASE)
_WITH = re.compile(
    rf"\s+(?:together|jointly|in\s+collaboration)?\s*with\s+(?P<names>{_NAME}(?:\s*(?:/|,|\band\b|&)\s*{_NAME})*)(?=\s*(?:$|[,.;]|\bduring\b|\bin\b|\buntil\b|\bby\b|\bif\b))",
    re.IGNORECASE,
)


@dataclass
class Names:
    """Names as written, under one canonical handle each.

    Without an entry in `people`, the handle is the name in lower case and without accents.
    """

    aliases: Mapping[str, str] = field(default_factory=dict)
    known: set[str] = field(default_factory=set)
    met: set[str] = field(default_factory=set)  # in GitLab, or in an earlier revision

    @classmethod
    def of(cls, people: Mapping[str, Iterable[str]], accounts: Mapping[str, str]) -> Names:
        """Take ``[people]`` of the configuration, and user name -> handle."""
        aliases = {plain(name): handle for name, handle in sorted(accounts.items())}
        for handle, others in people.items():
            aliases |= {plain(name): handle for name in (handle, *others)}
        return cls(aliases, {*people}, {*accounts.values()})

    def handle(self, name: str) -> str:
        """Give the canonical handle of a name."""
        folded = plain(name)
        return self.aliases.get(folded, "everyone" if folded in _ALL else folded)

    def is_known(self, name: str) -> bool:
        """Whether the document, or the configuration, speaks of this person elsewhere."""
        return self.handle(name) in self.known or plain(name) in _GROUPS

    def is_met(self, name: str) -> bool:
        """Whether a name in running text is a person of this document or of any other source."""
        return self.is_known(name) or self.handle(name) in self.met

    def learn(self, name: str) -> None:
        """Remember a name that stood where only names stand."""
        self.known.add(self.handle(name))

    def split(self, text: str) -> list[str]:
        """Give the handles in a list of names.

        ``mc/Tillitis`` is one person of an organisation, ``ada/bo`` are two.
        """
        out: list[str] = []
        for part in filter(None, _JOIN.split(text.strip(" .?!"))):
            left, slash, right = part.partition("/")
            affiliated = (
                slash and left.islower() and right[:1].isupper() and not self.is_known(right)
            )
            out += [left] if affiliated else part.split("/")
        names = [self.handle(name) for name in out if self.plausible(name)]
        return list(dict.fromkeys(name for name in names if name))

    def plausible(self, name: str) -> bool:
        """Whether words can be a name at all."""
        words = name.split()
        if self.is_known(name):
            return True
        return (
            0 < len(words) <= 3
            and plain(name) not in _NO_NAMES
            and words[0].lower() not in _NO_NAMES
            and re.fullmatch(rf"{_WORD}(?:\s+{_WORD}){{0,2}}", name.strip()) is not None
            and (
                len(words) == 1
                or all(word[0].isupper() for word in words)
                or "team" in name
                or name.islower()
            )
        )


def plain(name: str) -> str:
    """Reduce a name to lower case without accents, marks and possessive.

    >>> plain("@Grégoire:")
    'gregoire'
    """
    name = unicodedata.normalize("NFKD", name.strip(' \t@:.,;!?"“”()*'))
    name = "".join(c for c in name if not unicodedata.combining(c))
    return re.sub(r"\s+", " ", re.sub(r"['’]s$", "", name)).casefold().strip()


@dataclass(frozen=True)
class Duty:
    """One role of one person, with the words that say for what."""

    person: str
    role: str
    scope: str | None = None
    qualifier: str | None = None
    words: str = ""  # the clause it was read from, where references to items are looked for


def _roles_of_nouns(text: str) -> list[tuple[str, str | None]]:
    """Roles of "input/review", each with its qualifier; help and testing are work."""
    out: list[tuple[str, str | None]] = []
    if re.search(r"review", text, re.IGNORECASE):
        out.append(("review", None))
    if re.search(r"input|feedback|discuss|decision|support|advice|rubberduck", text, re.IGNORECASE):
        out.append(("input", "rubberduck" if "rubberduck" in text.lower() else None))
    if not out:
        out.append(
            ("work", "help" if re.search(r"help|assist|backup", text, re.IGNORECASE) else None)
        )
    return out


def assigned(value: str, roles: list[str], names: Names) -> list[Duty]:
    """Read the value of "Work and review by:".

    Parameters
    ----------
    roles
        What the label gives to each name that says nothing else about itself.

    Examples
    --------
    >>> for d in assigned("ada, mc/Acme; bo also available for review", ["work"], Names()):
    ...     print(d.person, d.role, d.qualifier)
    ada work None
    mc work None
    bo review also available
    """

    def named(aside: str) -> bool:
        """Tell "(or bo)" from "(design)"."""
        leads = re.match(r"(?:or|and|with|also|maybe|likely|plus)\b", aside, re.IGNORECASE)
        says = leads or _GIVEN_BY.match(aside) or re.match(r"\S+\s+is\s+(?:also\s+)?avail", aside)
        return bool(says or names.is_known(aside.split(" ")[0]))

    out: list[Duty] = []
    value = re.sub(r"https?://\S+", "", value[:_LONGEST])
    main = re.split(r"\.\s+(?=[A-Z])", value, maxsplit=1)[0]
    asides = re.findall(r"\(([^()]*)\)", main)
    if re.fullmatch(
        r"(?:each\s+other|one\s+another|tb[acd]|n/?a|[\W_]*)", value.strip(), re.IGNORECASE
    ):
        return out
    for segment in [*re.sub(r"\([^()]*\)", " ", main).split(";"), *filter(named, asides)]:
        if given := _GIVEN_BY.match(segment.strip()):
            out += _given(given, names)
            continue
        for chunk in filter(
            None, _JOIN.split(re.sub(r"^\s*(?:or|and|maybe|plus)\s+", "", segment.strip()))
        ):
            out += _assigned_chunk(chunk.strip(), roles, names)
    return out


def _assigned_chunk(chunk: str, roles: list[str], names: Names) -> list[Duty]:
    if given := _GIVEN_BY.match(chunk):
        return _given(given, names)
    m = re.match(rf"(?P<name>{_NAME}(?:/{_NAME})*)(?P<rest>.*)$", chunk, re.IGNORECASE)
    if not m:
        return []
    name, rest = m["name"], m["rest"].strip()
    if " " in name and not names.is_known(name) and names.is_known(name.split()[0]):
        name, rest = name.split()[0], f"{name.split(maxsplit=1)[1]} {rest}".strip()
    tail = re.fullmatch(
        rf"(?:for\s+(?P<scope>.+)|(?:is\s+)?(?:also\s+)?.*|{_QUALIFIER.pattern})?",
        rest,
        re.IGNORECASE,
    )
    handles = names.split(name)
    if _GROUP.fullmatch(chunk) and not names.is_known(chunk.split()[0]):
        return [Duty(plain(chunk), role) for role in roles]
    if not handles or (rest and not _says_how(rest) and not names.is_known(handles[0])):
        return []
    inner = re.search(rf"\bwith\s+({_GIVEN_BY.pattern[1:]})", rest, re.IGNORECASE)
    extra = _given(given, names) if inner and (given := _GIVEN_BY.match(inner.group(1))) else []
    rest = rest[: inner.start()].strip() if inner else rest
    if re.search(r"\breview\b", rest, re.IGNORECASE):
        roles = ["review"]
    elif asked := re.search(
        r"\bavailable\s+for\s+(questions?|input|feedback|discuss\w*|help)", rest
    ):
        roles = ["work"] if asked.group(1) == "help" else ["input"]
    qualifier = _QUALIFIER.search(rest)
    scope = tail["scope"] if tail and not re.search(r"\breview$", rest) else None
    return [
        Duty(person, role, scope, qualifier.group().strip() if qualifier else None)
        for role in roles
        for person in handles
    ] + extra


def _says_how(rest: str) -> bool:
    return bool(
        re.match(
            r"(?:for|is|if|when|also|available|interested|with)\b|\bteam\b", rest, re.IGNORECASE
        )
    )


def _given(m: re.Match[str], names: Names, scope: str | None = None) -> list[Duty]:
    """Read "input from ada/bo": each name has each role."""
    text = m["names"]
    qualifier = _QUALIFIER.search(text)
    end = qualifier.start() if qualifier else len(text)
    people = re.split(r"\b(?:during|in|on|until|for|who)\b|[.?;(]", text[:end], maxsplit=1)[0]
    said = qualifier or _QUALIFIER.match(m.string.strip())
    tentative = said.group().strip() if said else None
    return [
        Duty(person, role, scope, how or tentative)
        for role, how in _roles_of_nouns(m["roles"])
        for person in names.split(people)
    ]


def _clause_ends(text: str, names: Names) -> list[str]:
    """Cut a sentence where a new role begins; other commas stay within their scope."""
    out, start = [], 0
    for gap in re.finditer(r";\s+|,\s+|\s+(?=with\s)|\s+(?=and\s)", text):
        rest = text[gap.end() :]
        if gap.group().startswith(";") or _begins_clause(rest, gap.group().strip() == ",", names):
            out.append(text[start : gap.start()])
            start = gap.end()
    out.append(text[start:])
    return [clause.strip(" ,.") for clause in out if clause.strip(" ,.")]


def _begins_clause(rest: str, after_comma: bool, names: Names) -> bool:
    if rest.lower().startswith("with "):
        return bool(_GIVEN_BY.match(rest) or _AS.match(re.split(r"[,;.]", rest, maxsplit=1)[0]))
    if re.match(r"and\s", rest, re.IGNORECASE):
        return bool(
            re.match(
                r"and\s+(?:is|does|provides?|reviews?|has|responds?|maintains?|helps?)\s",
                rest,
                re.IGNORECASE,
            )
            or (_GIVEN_BY.match(rest) and not after_comma)
        )
    if not after_comma:
        return False
    subject = _SUBJECT.match(rest)
    known = subject and all(
        names.is_known(n) for n in re.split(r"\s*(?:/|,|\band\b)\s*", subject["names"])
    )
    return bool(
        known
        or _GIVEN_BY.match(rest)
        or _AS.match(re.split(r"[,;.]", rest, maxsplit=1)[0])
        or _ADDRESSED.match(rest)
        or re.match(
            r"(?:but\s+)?(?:also\s+)?(?:main\s+)?(?:involved|responsible|available|maintains|point\s+of\s+contact)\b|[\w\s-]{1,25}\bby\s+\w",
            rest,
            re.IGNORECASE,
        )
    )


def duties(inline: Inline, subject: str | None, names: Names) -> list[Duty]:
    """Read what a bullet about a person says.

    Parameters
    ----------
    subject
        The person it stands below, or None where the sentence names them.

    Returns
    -------
    list of Duty
        `words` is the main clause: roles that others have beside it ("input from bo") concern the
        same items.

    Examples
    --------
    >>> names = Names(known={"ada", "bo"})
    >>> for d in duties(Inline("Main driver of 1.1, review from bo."), "ada", names):
    ...     print(d.person, d.role, d.words)
    ada driver Main driver of 1.1
    bo review Main driver of 1.1
    """
    out: list[Duty] = []
    main = ""
    text = re.sub(r"\(\s*~?\d+\s*%\s*\)\s*", "", inline.text[:_LONGEST])
    text = _GIVEN_ASIDE.sub(r", \1", text)
    for number, sentence in enumerate(sentences(Inline(text))):
        if number and not out:
            break
        for clause in _clause_ends(sentence.text, names):
            named = _named_subject(clause, subject, names)
            if number and not (named or _GIVEN_BY.match(clause) or _AS.match(clause)):
                continue
            read = _clause(clause, named or subject, names, main)
            main = read[0].words if read else main
            out += read
            subject = named or subject
    return out


def _named_subject(clause: str, subject: str | None, names: Names) -> str | None:
    """Give the names that a clause begins with, where they are its subject."""
    found = _SUBJECT.match(clause)
    if not found or _ADDRESSED.match(clause):
        return None
    each = re.split(r"\s*(?:/|,|\band\b|\bor\b|&)\s*", found["names"])
    if subject is None:
        return found["names"] if all(map(names.plausible, each)) else None
    return found["names"] if all(map(names.is_known, each)) else None


def _clause(clause: str, subject: str | None, names: Names, main: str) -> list[Duty]:
    if _ADDRESSED.match(clause):
        return []
    scope = _scope_of(main)
    if given := _GIVEN_BY.match(clause):
        return [replace(duty, words=main) for duty in _given(given, names, scope)]
    if as_role := _AS.match(clause):
        roles = _roles_of_nouns(as_role["role"])
        return [
            Duty(person, role, scope, how, main)
            for role, how in roles
            for person in names.split(as_role["names"])
        ]
    if main and (by := re.match(r"(?P<what>[\w\s-]{1,25}?)\s+by\s+(?P<names>.+)$", clause)):
        return [Duty(person, "work", by["what"], None, main) for person in names.split(by["names"])]
    found = _SUBJECT.match(clause)
    if found and found["names"] == subject:
        clause = clause[found.end() :]
    out = [duty for person in names.split(subject or "") for duty in _own(person, clause, names)]
    # "bo does review" or "bo will help" beside a main clause is about the same thing.
    if (
        main
        and out
        and not re.search(r"\d", clause)
        and (out[0].qualifier == "help" or _empty(clause))
    ):
        return [replace(duty, scope=scope, words=main) for duty in out]
    return out


def _empty(clause: str) -> bool:
    """Whether a clause names a role and nothing that it is for."""
    return bool(
        re.fullmatch(
            r"(?:does|do|is|will|provides?|also|available|for|to|the|\s)*(?:code[\s-]*)?reviews?(?:\s+if\s+\w+)?",
            clause,
            re.IGNORECASE,
        )
    )


def _own(person: str, clause: str, names: Names) -> list[Duty]:
    """Tell what a person does by a clause of which they are the subject."""
    permits = _TIME_PERMITS.match(clause)
    body = clause[permits.end() :] if permits else clause
    if _BUSY.match(body.lstrip("( ")) or (_NEGATED.search(body[:60]) and not permits):
        return []
    qualifier = (
        "if time permits" if permits or re.search(r"\bif\s+time\s+permits\b", body) else None
    )
    roles, scope = _roles(body)
    if re.match(r"(?:will\s+)?help", body, re.IGNORECASE):
        qualifier = qualifier or "help"
    others: list[Duty] = []
    beside = _WITH.search(body)
    if beside and (roles == ["work"] or re.match(r"\s+(?:together|jointly)", beside.group())):
        scope = scope.replace(beside.group().strip(), "").strip(" ,")
        others = [
            Duty(handle, roles[0], scope, None, clause)
            for other in re.split(r"\s*(?:,|\band\b|&)\s*", beside["names"])
            if "/" in other or other[:1].isupper() or names.is_known(other)
            for handle in names.split(other)
        ]
    return [Duty(person, role, scope, qualifier, clause) for role in roles] + others


def _roles(body: str) -> tuple[list[str], str]:
    """Give the roles that a clause begins with, and what they are about."""
    lead = _LEAD.match(body)
    at = lead.end() if lead else 0
    given = re.match(rf"(?:provides?|gives?)\s+{_WORD}\s+with\s+", body, re.IGNORECASE)
    at = given.end() if given else at
    roles: list[str] = []
    while True:
        hit = next(((role, m) for role, cue in _CUE if (m := cue.match(body, at))), None)
        if hit is None:
            break
        roles.append(hit[0])
        at = hit[1].end()
        join = re.match(r"\s*(?:and|/|,|&)\s*(?:is\s+around\s+to\s+|provides?\s+)?", body[at:])
        if join is None or hit[0] not in ("review", "input"):
            break
        if not any(cue.match(body, at + join.end()) for _, cue in _CUE):
            break
        at += join.end()
    if not roles:
        return ["work"], _clean(re.sub(r"^(?:is|are|will|be)\s+", "", body))
    whole = roles[0] in ("review", "input")
    return list(dict.fromkeys(roles)), _clean(body if whole else body[at:])


def _scope_of(main: str) -> str | None:
    if not main:
        return None
    return _roles(main)[1]


def _clean(scope: str) -> str:
    scope = re.sub(r"^and\s+", "", re.sub(r"\s+", " ", scope).strip(" .,:;"))
    quoted = re.fullmatch(r"[\"“]([^\"“”]*)[\"”]", scope)
    return quoted.group(1) if quoted else scope
