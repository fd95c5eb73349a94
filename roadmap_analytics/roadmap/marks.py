"""Check marks and words of state: done, dropped, deferred, active."""

from __future__ import annotations

import re

from roadmap_analytics.roadmap.markdown import Inline
from roadmap_analytics.roadmap.vocabulary import pattern, vocabulary

__all__ = ["ACTIVE", "DEFERRED", "DONE", "DROPPED", "legend", "marked", "rules_out", "state_of"]

DONE, DROPPED, DEFERRED, ACTIVE = "done", "dropped", "deferred", "active"

# `[~]` is GitLab's box for a task that no longer applies; `[>]` and `[-]` are those of note takers.
_BOXES = {"x": DONE, " ": ACTIVE, "/": ACTIVE, "~": DEFERRED, "-": DEFERRED, ">": DEFERRED}
_SIGN = [
    (
        state,
        pattern(rf"^[\s\ufe0f]*{one.pattern}\ufe0f?\s*", rf"\s*{one.pattern}\ufe0f?[\s\ufe0f]*$"),
    )
    for state, one in vocabulary("""
done: ✅|☑|✔|✓|:white_check_mark:|:heavy_check_mark:|:ballot_box_with_check:
deferred: ❌|❎|✖|✗|✘|🚫|⏸|:x:|:no_entry(?:_sign)?:|:negative_squared_cross_mark:
active: 🚧|⏳|⌛|🔄|🏗|🔜|:construction:|:hourglass(?:_flowing_sand)?:|:soon:
""")
]
_LEAD = (  # "v1.2: recently", "What we have"
    r"^[^\w:]*(?:v?\d+(?:\.[\dx]+)+\W+)?(?:(?:recently|already|now|all|status|state|we|we['’]ve|what|has|"
    r"have|been|was|is|items?|just|currently|things|work|in|the|our|possible|potential)\W+){0,3}"
)
_RULED_OUT = (
    r"(?:(?:explicitly )?not (?:doing|planned|now|in|this|for)|explicitly out|out of scope|"
    r"excluded|nicht (?:geplant|jetzt)|hors (?:périmètre|champ)|fuera del? alcance|utanför|inte nu)"
)
# English, then German, French, Spanish, Swedish, Portuguese, Italian and Dutch. "Done criteria" and
# "Completed by May" say nothing about what is; "stale-while-revalidate" is a name.
_STATE = vocabulary(
    r"""
dropped: closed\W+(?:as )?(?:a )?(?:duplicate|won['’]?t|wontfix|not planned|obsolete|invalid)\b
done: (?:done|completed?|shipped|released|finished|closed|delivered|implemented){not_yet}
    (?:achieved|accomplished|launched|landed|merged|resolved){not_yet}|100\s?%(?!\w)
    (?:live|deployed|in production)\W*$
    (?:erledigt|abgeschlossen|fertig(?:gestellt)?|umgesetzt|ausgeliefert|veröffentlicht)\b
    (?:terminé|achevé|réalisé|livré|publié|fait)e?s?\b
    (?:terminad|completad|finalizad|entregad|publicad|hech|list)[oa]s?\b
    (?:klart?|färdigt?|avslutad|avslutat|slutfört?|levererad|levererat)\b
    (?:concluíd|feit|finalizad|completat|fatt|conclus|terminat)[oaie]s?\b|entregues?\b
    (?:voltooid|afgerond|klaar|gereed|opgeleverd|已完成|完了)\b
dropped: (?:(?:won['’]?t|will not)(?: (?:do|fix))?|cancell?ed|dropped|abandoned)\b(?!-)
    (?:rejected|obsolete)\b(?!-)
    (?:removed|archived|descoped|de-scoped|superseded|no longer planned)\b(?!-)
    (?:duplicate|cut|retired|sunset|stopped|terminated)\W*$
    (?:gestrichen|entfällt|entfallen|verworfen|eingestellt|abgebrochen)\b
    (?:abandonné|annulé|supprimé)e?s?\b|(?:cancelad|descartad|abandonad)[oa]s?\b
    (?:struken|struket|nedlagd|nedlagt|avbruten|avbrutet|inställd|inställt)\b
    (?:annullat|scartat|abbandonat)[oaie]\b|(?:geannuleerd|geschrapt|vervallen)\b
deferred: (?:later|someday|future|backlog|ice\s?box|on[\s-](?:hold|ice))\b(?!-)
    (?:de-?prioriti[sz]ed|backlogged|waiting)\b(?!-)
    (?:postponed|deferred|parked|paused|parking lot|ideas?|long(?:er)?[\s-]term)\b(?!-)
    (?:wish\s?list|maybe|under consideration|considering|exploring)\b(?!-)
    {ruled_out}\b(?!-)
    (?:nice[\s-]to[\s-]haves?|non[\s-]?goals?|stale|unscheduled)\b(?!-)
    (?:verschoben|zurückgestellt|vertagt|pausiert|später|langfristig|ideen)\b
    (?:reporté|différé|suspendu)e?s?\b|(?:plus tard|en pause|à long terme|idées)\b
    (?:aplazad|pospuest|suspendid)[oa]s?\b|(?:más adelante|en pausa|a largo plazo)\b
    (?:uppskjut(?:en|et|na)|vilande|senare|på lång sikt|idéer)\b
    (?:adiad|suspens|pausad|rimandat|rinviat|sospes)[oaie]s?\b|(?:mais tarde|più avanti)\b
    (?:uitgesteld|gepauzeerd|以后|将来|暂停|保留)\b
active: (?:in[\s-]progress|wip|doing|ongoing|now|current|next|up next|coming (?:up|next|soon))\b
    (?:upcoming|planned|to[\s-]?do|not (?:yet )?started|started|active|working on|soon)\b
    (?:short|near|mid|medium)[\s-]term\b|under\s?way\b|(?:blocked|open|proposed|draft)\b
    (?:provisional|on track|at risk|delayed|pending|under (?:review|development)|review)\b
    (?:in (?:arbeit|umsetzung|bearbeitung|planung|vorbereitung)|läuft|laufend|begonnen)\b
    (?:geplant|offen|jetzt|aktuell|als nächstes|nächste|demnächst|(?:kurz|mittel)fristig)\b
    (?:en cours|en retard|prévue?s?|planifiée?s?|à (?:faire|venir)|maintenant|prochain(?:ement)?)\b
    (?:en (?:curso|progreso|proceso|marcha)|planificad[oa]s?|pendientes?|ahora|próxim[oa]s?)\b
    (?:pågår|pågående|planerad|planerat|påbörjad|påbörjat|nästa|kommande)\b
    (?:em (?:andamento|curso|progresso)|a fazer|planejad[oa]s?|in corso|da fare|pianificat[oaie])\b
    (?:bezig|gepland|lopend|进行中|未开始|计划中|進行中|未着手)\b|(?:red|amber|yellow|green)\W*$|\d\d?\s?%\W*$
""".replace("{ruled_out}", _RULED_OUT).replace(
        "{not_yet}",
        r"\b(?! (?:criteria|when|by|beta|definition|for)\b|\?|-ish|\W{1,2}(?:part|in part|most))",
    ),
    lead=_LEAD,
)

_RULES_OUT = pattern(rf"\b(?:{_RULED_OUT}|won['’]?t|will not)\b")
_WORD_FIRST = re.compile(
    r"(?:\[([^\W\d_][\w ’'-]{2,18})\]|"
    r"(TODO|DOING|WIP|DONE|LATER|CANCELL?ED|DROPPED|ERLEDIGT)(?::|\b))\s+(?=\w)"
)
_WRAPPED = re.compile(r"^[\W_]+|[\W_]+$")
_LEGEND = re.compile(r"^(?:[^\w\s]+|:\w+:|`?\[.\]`?)[\s:=–—-]+(?P<words>\w[\w\s/-]{0,30})$")


def state_of(text: str) -> str | None:
    """Find the state that a heading, a column or the value of "Status:" gives.

    Examples
    --------
    >>> [state_of(t) for t in ("✅", "Recently shipped", "in progress", "Later", "Done criteria")]
    ['done', 'done', 'active', 'deferred', None]
    >>> state_of("❌ Wi-Fi"), state_of("❌ Removed")
    ('deferred', 'dropped')
    """
    signed = next((state for state, sign in _SIGN if sign.search(text)), None)
    said = next((state for state, words in _said(text) if words), None)
    return said if said == DROPPED else signed or said  # a cross alone may mean "not now"


def rules_out(heading: str) -> bool:
    """Whether a heading says what is not done then: its quarter is no target.

    Examples
    --------
    >>> rules_out("Not doing in Q3 2026"), rules_out("Deferred to Q3 2026")
    (True, False)
    """
    return bool(_RULES_OUT.search(heading))


def marked(head: Inline, box: str | None) -> tuple[str | None, Inline]:
    """Take the check box, the signs and the strokes of an entry's text off it.

    Returns
    -------
    (state, rest)
        The box goes before a sign, a sign before a stroke. What is struck out in front of other
        text was replaced by it and falls away; an entry that is struck out whole is done, unless
        a word behind it says what it is: "~~Fax~~ (dropped)".

    Examples
    --------
    >>> marked(Inline("✅ Parser"), None)[0], marked(Inline("Parser :x:"), None)[1].text
    ('done', 'Parser')
    >>> marked(Inline("[In-progress] Maps"), None)[1].text
    'Maps'
    >>> marked(Inline("TODO: maps"), None)[1].text
    'maps'
    >>> from roadmap_analytics.roadmap.markdown import Mark
    >>> marked(Inline("Fax (dropped)", (Mark("struck", 0, 3),)), None)[0]
    'dropped'
    """
    state = _BOXES.get(box) if box is not None else None
    # "[Done] Parser" and "TODO: parser", but not "[Server] parser".
    if (word := _WORD_FIRST.match(head.text)) and (said := state_of(word[1] or word[2])):
        state, head = state or said, head[word.end() :]
    for said, sign in _SIGN:
        if found := sign.search(head.text):
            rest = head[found.end() :] if found.start() == 0 else head[: found.start()]
            if not rest.text.strip():  # a sign alone is no title
                break
            state, head = state or said, rest
    gone = next(iter(head.of("struck")), None)
    if gone and gone.start <= 1:
        behind = _WRAPPED.sub("", head.text[gone.end :])
        told = state_of(behind) if len(behind.split()) <= 3 else None
        if told or not behind:
            return state or told or DONE, head[: gone.end]
    return state, head


def legend(head: Inline) -> bool:
    """Whether an entry explains a sign: "✅ shipped", "🚧 = in progress".

    Examples
    --------
    >>> legend(Inline("✅ = shipped")), legend(Inline("✅ Parser")), legend(Inline("🚧 Next up: x"))
    (True, False, False)
    """
    found = _LEGEND.match(head.text.strip())
    words = found["words"] if found else ""
    return any(said and said.end() == len(words) for _, said in _said(words))


def _said(words: str) -> list[tuple[str, re.Match[str] | None]]:
    return [(state, pattern.match(words)) for state, pattern in _STATE]
