"""Who does what: names as people write them, and the sentences that give them roles."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

from roadmap_analytics.roadmap.language import sentences
from roadmap_analytics.roadmap.markdown import Inline
from roadmap_analytics.roadmap.vocabulary import CAPITAL, PERMITS, pattern, vocabulary

__all__ = ["SEVERAL", "Duty", "Names", "assigned", "duties", "plain", "unread_names"]

_LONGEST = 2000  # of a bullet about a person
_GROUPS = {"everyone", "everybody", "all", "others", "maintainers", "anyone", "team"}
_ALL = {"all", "everybody", "all of us"}
_WORD = r"@?[^\W\d_][\w.’'-]*\d*"
_NAME = rf"{_WORD}(?:\s+(?-i:{CAPITAL})[\w’-]*\.?|\s+\d{{1,3}}\b)?"  # "Ada Lovelace", "Team 3"
_WORDS = re.compile(rf"{_WORD}(?:\s+(?:{_WORD}|\d{{1,3}})){{0,2}}")
# Words of documents, not of ours: what stands where a name would, and is none ("Owner: nobody").
_NO_NAME_WORDS = """
a an and any are as at be by can do does etc for from has have he help if in input is it its likely
main maybe more no none not of on or our possibly review she some someone still tbd tba that the
their then there they this to unknown until volunteers we when will with you your work support
discuss possible needed time permits everything anything available also several driver responsible
maintainer point new next please see who open unassigned nobody vacant looking hiring wanted
"""
_NO_NAMES = frozenset(_NO_NAME_WORDS.split())
_JOIN = pattern(
    r"\s*(?:\b(?:together|jointly) with\b|,\s*(?:and|or) |,|\+|&|\b(?:and|or|und|et|y|och)\b)\s*"
)
SEVERAL = pattern(r"\s*(?:/|,|\band\b|\bor\b|&)\s*")
"""Stands between the names of several people."""
_QUALIFIER = pattern(
    r"\b(?:if|when|as|where) (?:needed|possible|necessary|required|available|time permits|"
    r"\w+ is \w[\w\s]*)",
    r"\bon a need-basis|\binterested in\b.*|\b(?:also )?available\b|\btentative(?:ly)?",
    r"\b(?:likely|maybe)\b",
)
_ROLE_NOUN = (
    r"(?:(?:(?:code|design)[\s-]*)?reviews?|inputs?|feedback|discussions?|discuss|decisions?|support|"
    r"advice|help|assistance|rubberduck(?:ing)?|test(?:ing)?(?:\s+deploy(?:ment|s)?)?|deploy|backup)"
)
_GIVEN_BY = pattern(
    rf"^(?:with|and|plus|likely|possibly|maybe|hopefully|some|more|\s)*"
    rf"(?P<roles>{_ROLE_NOUN}(?:\s*(?:/|and|,|&)\s*{_ROLE_NOUN})*) "
    r"(?:from|form|by|with) (?P<names>.+)$"
)
_GIVEN_ASIDE = pattern(rf" \(((?:with )?{_ROLE_NOUN} (?:from|by|with) [^()]*)\)")
_WITHIN = pattern(rf"\bwith ({_GIVEN_BY.pattern[1:]})")
_LEADS = pattern(r"(?:or|and|with|also|maybe|likely|plus)\b|\S+ is (?:also )?avail")
# "Dr. Ada M. Lovelace", "Jean-Luc de la Tour"; four words may be two people.
_FULL_NAME = re.compile(
    rf"(?:(?:Dr|Prof|Mrs?|Ms|Mx)\.? )?{CAPITAL}[\w’'-]*\.?"
    rf"(?: (?:(?:de|la|van|der|den|von|da|dos|del|di|le) )*{CAPITAL}[\w’'-]*\.?){{1,2}}"
)
# The dot of an initial or a title ends no sentence.
_SENTENCE_END = re.compile(
    r"(?<!\b[A-Z])(?<!\bDr)(?<!\bMr)(?<!\bMs)(?<!\bMx)(?<!\bProf)\.\s+(?=[A-Z])"
)
# Addresses and shares of time beside names: "Ada Lovelace <ada@example.org>, Bo 50 %".
_BESIDE_NAMES = re.compile(
    r"https?://\S+|<[^<>]*>|(?<=\w)\s+[\w.+-]+@[\w-]+(?:\.[\w-]+)+|(?<=\w)\s+\[[^\[\]]*\]|"
    r"\s*\(?~?\d{1,3}\s?%\)?"
)
_EMAIL = re.compile(r"(?<![\w.+-])([\w.+-]+)@[\w-]+(?:\.[\w-]+)+")
_HANDLES_APART = re.compile(r"\s+/\s*(?=@)")
_TEAM_HANDLE = re.compile(r"@[\w.-]+/[\w./-]+")  # "@acme/platform" is one team of an organisation
_ORNAMENT = re.compile(r"^[^\w@]+")
_NO_ONE = pattern(
    r"(?:to be (?:assigned|confirmed|decided|found|named)|each other|one another|tb[acd]|n/?a|"
    r"[\W_]*)"
)
_TITLE = pattern(r"^(?:mrs?|ms|mx|dr|herr|frau|mme|se[ñn]ora?)\.? (?=\w)")
_SAYS_HOW = pattern(r"(?:for|is|if|when|also|available|interested|with)\b|\bteam\b")
_AVAILABLE_FOR = pattern(r"\bavailable for (?:questions?|input|feedback|discuss)")
_AS = pattern(
    rf"^(?:with )?(?P<names>{_NAME}(?:\s*(?:/|,|and|or)\s*{_NAME})*) "
    r"as (?:(?:an?|the) )?(?P<roles>\w[\w\s-]*)$"
)
_VERBS = (
    r"(?:is|are|was|will|has|have|does|do|can|also|aims?|plans?|hacks?|helps?|reviews?|maintains?|drives?|"
    r"leads?|owns?|provides?|gives?|works?|working|pages?|wraps?|continues?|presents?|responds?|looks?|"
    r"takes?|tests?|prepares?|writes?|operates?|runs?|adds?|implements?|supports?|assists?|explores?)"
)
_SUBJECT = pattern(
    rf"^(?P<names>{_NAME}(?:\s*(?:/|,|\band\b|\bor\b|&)\s*{_NAME})*?)"
    rf"(?: (?:except|but not) {_NAME})? (?={_VERBS}\b)"
)
_CUE = vocabulary(
    r"""
contact: (?:point|person) of contact(?: for)?|contact(?: person)? for
driver: (?:main|primary|co-?)?\s*driver(?: (?:of|for|to|behind))?|drives?|leads?(?: (?:of|for|on))?
maintainer: (?:main|co-?)?\s*maintain(?:er|s|ing)?(?: of)?
responsible: (?:main|overall|jointly|co)?[\s-]*responsib(?:le|ility)(?: (?:for|to))?
    in charge of|owns|owner of|accountable for
review: (?:(?:code|design)[\s-]*)?review(?:s|er|ing)?(?: (?:of|for))?
input: inputs?|questions|feedback|rubberduck(?:ing)?|responds? to|answers?|discuss(?:es|ions?)?
    advi[sc]es?|hacking discussions?
""",
    tail=r"\b",
)
_LEAD = pattern(
    r"^(?:(?:is|are|was|be|will|would|can|also|and|but|the|a|an|our|main(?:ly)?|currently|primarily|"
    r"does|do|provides?|gives?|offers?|around|available|to|for|has|helps?|with|jointly|together|some|still|"
    r"new) )*"
)
_AND_ROLE = pattern(r"\s*(?:and|/|,|&)\s*(?:is around to |provides? )?")
_NEGATED = pattern(r"\b(?:no longer|not|never|without|stops?|stepped down)\b|n't\b")
_ADDRESSED = pattern(r"^(?:please|poke|ping|ask|contact|talk to|reach out|see|if you|note)\b")
_BUSY = pattern(
    r"^(?:is|are)?\s*(?:currently )?(?:none|nothing|tb[acd]|new (?:in|to)|out of office|busy|away|"
    r"on (?:leave|vacation|parental)|absent|unavailable)\b"
)
_GROUP = re.compile(r"[a-z-]{3,} [a-z-]{3,}(?<!s)s")  # "witness operators"
_WITH = pattern(
    r" (?:together|jointly|in collaboration)?\s*with "
    rf"(?P<names>{_NAME}(?:\s*(?:/|,|\band\b|&)\s*{_NAME})*)"
    r"(?=\s*(?:$|[,.;]|\b(?:during|in|until|by|if)\b))"
)
_AND_VERB = pattern(r"and (?:is|does|provides?|reviews?|has|responds?|maintains?|helps?)\s")
_BEGINS = pattern(
    r"(?:but )?(?:also )?(?:main )?(?:involved|responsible|available|maintains|point of contact)\b|"
    r"[\w\s-]{1,25}\bby \w"
)
_EMPTY = pattern(
    r"(?:does|do|is|will|provides?|also|available|for|to|the|\s)*(?:code[\s-]*)?reviews?"
    r"(?: if \w+)?"
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

    def is_person(self, name: str) -> bool:
        """Whether a name in running text is a person of this document or of any other source."""
        return self.handle(name) in self.known | self.met

    def learn(self, name: str) -> None:
        """Remember a name that stood where only names stand."""
        self.known.add(self.handle(name))

    def split(self, text: str) -> list[str]:
        """Give the handles in a list of names.

        ``mc/Tillitis`` is one person of an organisation, ``ada/bo`` are two.
        """
        out: list[str] = []
        for part in filter(None, _JOIN.split(text.strip(" .?!"))):
            left, _, right = part.partition("/")
            affiliated = left.islower() and right[:1].isupper() and not self.is_known(right)
            out += [left] if affiliated else part.split("/")
        return list(dict.fromkeys(self.handle(name) for name in out if self.plausible(name)))

    def plausible(self, name: str) -> bool:
        """Whether words can be a name at all."""
        words = name.split()
        if self.is_known(name):
            return True
        if not _WORDS.fullmatch(name.strip()) or {plain(name), words[0].lower()} & _NO_NAMES:
            return False
        spelt = all(word[0].isupper() or word.isdigit() for word in words)
        return spelt or len(words) == 1 or "team" in name or name.islower()


def plain(name: str) -> str:
    """Reduce a name to lower case without accents, marks and possessive.

    >>> plain("@Grégoire:")
    'gregoire'
    """
    name = _TITLE.sub("", name.strip(' \t@:.,;!?"“”()*'))
    name = unicodedata.normalize("NFKD", name)
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


def names_no_one(value: str) -> bool:
    """Whether the value of a label for people says that there is no one yet.

    Examples
    --------
    >>> names_no_one("TBD"), names_no_one("nobody"), names_no_one("Bug triage")
    (True, True, False)
    """
    return bool(_NO_ONE.fullmatch(value.strip())) or plain(value) in _NO_NAMES


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
    value = _EMAIL.sub(r"\1", _BESIDE_NAMES.sub("", value[:_LONGEST])).strip()
    main = _SENTENCE_END.split(value, maxsplit=1)[0]
    if names_no_one(value):
        return []
    asides = [  # "(or bo)", not "(design)"
        aside
        for aside in re.findall(r"\(([^()]*)\)", main)
        if _LEADS.match(aside) or _GIVEN_BY.match(aside) or names.is_known(aside.split(" ")[0])
    ]
    parts = ";".join([re.sub(r"\([^()]*\)", " ", main), *asides])
    out: list[Duty] = []
    for segment in _WITHIN.sub(r"; \1", parts).split(";"):
        if given := _GIVEN_BY.match(segment.strip()):
            out += _given(given, names)
            continue
        segment = re.sub(r"^\s*(?:or|and|maybe|plus)\s+", "", segment.strip())
        for chunk in filter(None, _JOIN.split(_HANDLES_APART.sub(", ", segment))):
            out += _assigned_chunk(chunk.strip(), roles, names)
    return out


def unread_names(value: str, names: Names) -> list[str]:
    """Give the parts of a list of names that name no person and do not say so either.

    Examples
    --------
    >>> unread_names("ada, then whoever has time; bo", Names())
    ['then whoever has time']
    """
    parts = [part.strip(" .") for part in re.split(r"[,;&+]|\band\b", value[:_LONGEST])]
    said = [part for part in parts if re.search(r"[^\W\d_]", part)]
    return [one for one in said if not (assigned(one, ["work"], names) or names_no_one(one))]


def _assigned_chunk(chunk: str, roles: list[str], names: Names) -> list[Duty]:
    """Read "ada", "ada for the design", "bo is available for questions"."""
    chunk = _ORNAMENT.sub("", chunk).rstrip("?")
    if _TEAM_HANDLE.fullmatch(chunk):
        return [Duty(plain(chunk), role) for role in roles]
    if _FULL_NAME.fullmatch(chunk) and plain(chunk).split()[0] not in _NO_NAMES:
        return [Duty(names.handle(chunk), role) for role in roles]
    if given := _GIVEN_BY.match(chunk):
        return _given(given, names)
    m = re.match(rf"(?P<name>{_NAME}(?:/{_NAME})*)(?P<rest>.*)$", chunk, re.IGNORECASE)
    if not m:
        return []
    name, rest = m["name"], m["rest"].strip()
    first = name.partition(" ")[0]
    handles = names.split(name)
    if _GROUP.fullmatch(chunk) and not names.is_known(first):
        return [Duty(plain(chunk), role) for role in roles]
    if not handles or (rest and not _SAYS_HOW.match(rest) and not names.is_known(handles[0])):
        return []
    if re.search(r"\breview\b", rest, re.IGNORECASE):
        roles = ["review"]
    elif _AVAILABLE_FOR.search(rest):
        roles = ["input"]
    qualifier = _QUALIFIER.search(rest)
    how = qualifier.group().strip() if qualifier else None
    scope = re.sub(r"^for\s+", "", rest) if re.match(r"for\s+\S", rest) else None
    return [Duty(person, role, scope, how) for role in roles for person in handles]


def _given(m: re.Match[str], names: Names, scope: str | None = None, words: str = "") -> list[Duty]:
    """Read "input/review from ada/bo": each name has each role; help and testing are work."""
    nouns, text = m["roles"].lower(), m["names"]
    roles: list[tuple[str, str | None]] = [("review", None)] if "review" in nouns else []
    if re.search(r"input|feedback|discuss|decision|support|advice|rubberduck", nouns):
        roles.append(("input", "rubberduck" if "rubberduck" in nouns else None))
    helps = re.search(r"help|assist|backup", nouns)
    qualifier = _QUALIFIER.search(text)
    people = text[: qualifier.start()] if qualifier else text
    people = re.split(r"\b(?:during|in|on|until|for|who)\b|[.?;(]", people, maxsplit=1)[0]
    said = qualifier or _QUALIFIER.match(m.string.strip())
    return [
        Duty(person, role, scope, how or (said.group().strip() if said else None), words)
        for role, how in roles or [("work", "help" if helps else None)]
        for person in names.split(people)
    ]


def _clauses(text: str, names: Names) -> list[str]:
    """Cut a sentence where a new role begins; other commas stay within their scope."""
    cuts = [
        gap.end()
        for gap in re.finditer(r";\s+|,\s+|\s+(?=with\s)|\s+(?=and\s)", text)
        if gap.group()[0] == ";" or _begins_clause(text[gap.end() :], gap.group()[0] == ",", names)
    ]
    clauses = (text[a:b].strip(" ,.;") for a, b in pairwise([0, *cuts, len(text)]))
    return [clause for clause in clauses if clause]


def _begins_clause(rest: str, comma: bool, names: Names) -> bool:
    given = _GIVEN_BY.match(rest) or _AS.match(re.split(r"[,;.]", rest, maxsplit=1)[0])
    if rest.lower().startswith("with "):
        return bool(given)
    if rest.lower().startswith("and "):
        return bool(given or _AND_VERB.match(rest))
    subject = _SUBJECT.match(rest)
    known = subject and all(map(names.is_known, SEVERAL.split(subject["names"])))
    return comma and bool(known or given or _ADDRESSED.match(rest) or _BEGINS.match(rest))


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
        for clause in _clauses(sentence.text, names):
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
    fits = names.plausible if subject is None else names.is_known
    return found["names"] if all(map(fits, SEVERAL.split(found["names"]))) else None


def _clause(clause: str, subject: str | None, names: Names, main: str) -> list[Duty]:
    if _ADDRESSED.match(clause):
        return []
    scope = _roles(main)[1] if main else None
    if given := _GIVEN_BY.match(clause) or _AS.match(clause):
        return _given(given, names, scope, main)
    found = _SUBJECT.match(clause)
    if found and found["names"] == subject:
        clause = clause[found.end() :]
    out = [duty for person in names.split(subject or "") for duty in _own(person, clause, names)]
    # "bo does review" or "bo will help" beside a main clause is about the same thing.
    beside = out and (out[0].qualifier == "help" or _EMPTY.fullmatch(clause))
    if main and beside and not re.search(r"\d", clause):
        return [replace(duty, scope=scope, words=main) for duty in out]
    return out


def _own(person: str, clause: str, names: Names) -> list[Duty]:
    """Tell what a person does by a clause of which they are the subject."""
    permits = PERMITS.match(clause)
    body = clause[permits.end() :] if permits else clause
    if _BUSY.match(body.lstrip("( ")) or (_NEGATED.search(body[:60]) and not permits):
        return []
    how = "if time permits" if permits or PERMITS.search(body) else None
    if re.match(r"(?:will\s+)?help", body, re.IGNORECASE):
        how = how or "help"
    roles, scope = _roles(body)
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
    return [Duty(person, role, scope, how, clause) for role in roles] + others


def _roles(body: str) -> tuple[list[str], str]:
    """Give the roles that a clause begins with, and what they are about."""
    given = re.match(rf"(?:provides?|gives?)\s+{_WORD}\s+with\s+", body, re.IGNORECASE)
    lead = given or _LEAD.match(body)
    at = lead.end() if lead else 0
    roles: list[str] = []
    while hit := next(((role, m) for role, cue in _CUE if (m := cue.match(body, at))), None):
        roles.append(hit[0])
        at = hit[1].end()
        if (join := _AND_ROLE.match(body, at)) is None:
            break
        at = join.end()
    if not roles:
        return ["work"], _clean(re.sub(r"^(?:is|are|will|be)\s+", "", body))
    whole = roles[0] in ("review", "input")
    return list(dict.fromkeys(roles)), _clean(body if whole else body[at:])


def _clean(scope: str) -> str:
    scope = re.sub(r"^and\s+", "", re.sub(r"\s+", " ", scope).strip(" .,:;"))
    quoted = re.fullmatch(r"[\"“]([^\"“”]*)[\"”]", scope)
    return quoted.group(1) if quoted else scope
