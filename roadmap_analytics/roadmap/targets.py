"""What "towards the end of October" covers: words become an interval and its latest day.

No library has a grammar of vague dates. Conventions: thirds of a month are days 1-10, 11-20 and 21
to the last; a bare month covers its last day, also after "until"; of ranges and alternatives the
latest part counts; a date without a year is the first that does not lie before the document. A year
that is written is never changed: what looks wrong, or was read in part only, is flagged.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from dateutil.relativedelta import relativedelta
from rapidfuzz.distance import OSA

from roadmap_analytics.roadmap.vocabulary import pattern, vocabulary

__all__ = [
    "Calendar",
    "Found",
    "Target",
    "expression",
    "find",
    "only_time",
    "read_target",
    "replaced",
]

Span = tuple[date, date]

STALE = "before the document"
NO_SUCH_DAY = "no such day: read as the month"
NO_SUCH_PERIOD = "no such period"
MISSPELT = "month misspelt"
DAY_AND_MONTH = "day and month may be swapped"
FISCAL = "fiscal year without [calendar] fiscal_year_start: read as the calendar year"
SEASON = "a season has no certain days: read as its three months in the north"
SEVERAL = "several dates, of which the latest was read"
OF_PLAN = "a week of the calendar, or of the plan"
EARLIEST = "the earliest day, not the latest"
UNREAD = "not read: "
"""Stands before the part of an expression that was not understood."""


@dataclass(frozen=True)
class Calendar:
    """What a document's own words may refer to besides dates."""

    periods: Mapping[str, Span] | None = None  # "summer holidays": first and last day
    renewal: Span | None = None  # the next update of the roadmap
    horizon: Span | None = None  # the end of the roadmap
    year: int | None = None  # of the heading above: "October" below "2027"
    fiscal_start: int | None = None  # month in which FY27 begins; it ends in 2027


@dataclass(frozen=True)
class Target:
    """A target: its words, the first and latest day they cover, and a reason to look twice."""

    text: str
    start: date | None = None
    end: date | None = None
    flag: str | None = None

    @property
    def stale(self) -> bool:
        """Whether it lies before the document."""
        return self.flag == STALE


@dataclass(frozen=True)
class Found:
    """A time expression within a text; `span` is None where no calendar day is known."""

    start: int
    end: int
    span: Span | None
    year: int | None = None  # as written
    flag: str | None = None
    anchored: bool = True  # the year is known, so nothing may move it


# Words --------------------------------------------------------------------------------------------


def _ranked(words: str) -> dict[str, int]:
    """Give the words between semicolons the numbers 1, 2, 3 ..."""
    groups = enumerate(words.split(";"), start=1)
    return {word: number for number, group in groups for word in group.split()}


_ENGLISH = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
# German, French, Spanish, Swedish, Portuguese, Italian, Dutch, Russian; what is spelt alike stands
# once.
_ABROAD = _ranked("""
januar januari janvier enero janeiro gennaio январь января; februar februari février fevrier febrero
fevereiro febbraio февраль февраля; märz maerz mars marzo mär março maart март марта; avril abril
aprile апрель апреля; mai maj mayo maio maggio mei май мая; juni juin junio junho giugno июнь июня;
juli juillet julio julho luglio июль июля; augusti août aout agosto augustus август августа;
septembre septiembre setiembre setembro settembre сентябрь сентября; oktober octobre octubre okt
outubro ottobre октябрь октября; novembre noviembre novembro ноябрь ноября;
dezember décembre decembre diciembre dez dezembro dicembre декабрь декабря
""")
_MONTHS = _ENGLISH | _ABROAD | {name[:3]: number for name, number in _ENGLISH.items()}
_MONTHS["sept"] = 9
_ORDINALS = {"last": 4, "final": 4, "latter": 2} | _ranked("""
first i erste erstes premier primer första; second ii zweite zweites deuxième segundo andra;
third iii dritte drittes troisième tercer tredje; fourth iv vierte viertes quatrième cuarto fjärde
""")
_NUMBERS = _ORDINALS | _ranked("a an one; two couple; three; four; five; six")
_PARTS = {
    word: part
    for part, words in {
        "beginning": "start, early, first day, first days, anfang, début, debut, principios, "
        "inicios, början, inizio, início",
        "mid": "middle, mitte, mi, mediados, mitten, metà, meados",
        "late": "late",
        "end": "eo, last day, last days, end-of-year, year-end, year end, eoy, ende, fin, finales, "
        "slutet, fine, fim, eind",
        "first half": "1st half",
        "second half": "2nd half, latter half, last half",
    }.items()
    for word in [part, *words.split(", ")]
}
_SIXTHS = {"beginning": (0, 2), "mid": (2, 4), "late": (4, 6), "end": (4, 6)}
_SIXTHS |= {"first half": (0, 3), "second half": (3, 6)}
_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
_UNITS = {"day": 0, "week": 0, "month": 1, "quarter": 3, "half": 6, "year": 12}  # in months
_FIRST_WEEKS = 20
_DAYS = {"day": 1.0, "week": 7.0, "month": 30.44, "year": 365.25}


def _any_of(words: Iterable[str]) -> str:
    return "|".join(sorted(words, key=lambda word: (-len(word), word)))


# Pieces of the grammar below, by the name that stands there in braces. The groups `n` and `n2` are
# the first and the last of several periods, `ahead` and `behind` the year by where it stands.
_PIECES = {
    "name": rf"(?:(?:{_any_of(_ABROAD)})(?!\w)|"
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*|[jfasond][a-z]{5,9})\.?",
    "month": r"(?P<month>{name})",
    "dd": r"0?[1-9]|[12]\d|3[01]",
    "mm": r"(?P<month>0?[1-9]|1[0-2])",
    "range": r"\s*(?:--?|–|—|to|and|or|/|\.\.+)\s*",
    "d": r"(?P<n>\d\d?)(?:st|nd|rd|th|er|\.)?(?:{range}(?P<n2>\d\d?)(?:st|nd|rd|th|\.)?)?",
    # After a month: "Oct-27" is a year, "Oct 27" is a day.
    "year": r"(?:(?:\s*,?\s*(?:of |del? )?|\s*[-/]\s*|\s*\(\s*)(?P<behind>(?:19|20)\d\d(?![\d.]*\d)"
    r"(?!-[\d.-]*\d(?!\d|\s[a-z]))|"
    r"['’]\d\d(?!\d)|(?:this|next|last) year|(?<=[a-z.-])[2-4]\d(?!\d))(?:\s*\))?)",
    # After a quarter, a half or a week; two digits alone end what they stand in.
    "near": r"(?:[\s,/(-]*(?:of )?(?P<behind>(?:FY|CY)\s?'?(?:20)?\d\d|20\d\d|['’]\d\d|"
    r"(?<=[/-])[2-4]\d(?!\d)|(?<=\d[QH])[2-4]\d(?!\d)|"
    r"(?<=\s)[2-4]\d(?=\s*(?:$|[).,;:|])))(?:\s*\))?)",
    "near_week": r"(?:[\s,/(-]*(?:of )?(?P<behind>20\d\d|['’]\d\d)(?:\s*\))?)",
    "of_year": r"(?:\s*,?\s*(?:(?:of|del?) )?(?P<behind>20\d\d))",
    "ahead": r"(?:(?P<ahead>20\d\d|(?:FY|CY)\s?'?(?:20)?\d\d)[\s,/-]*)",
    "a_year": r"(?P<behind>(?:[FC]Y\s?)?'?20\d\d|[FC]Y\s?'?\d\d)",
    "clock": r"(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)",
    "part": r"(?P<part>(?:first|second|third|fourth|last|[1-5](?:st|nd|rd|th)) week|"
    rf"{_any_of(_PARTS)})",
    "week_of": r"(?P<part>(?:{week_word}\s*|w)[1-5])",
    "of": r"(?:\s*-\s*| (?:(?:of|in|de|av) )?(?:the )?(?:month of )?)",
    "when": r"(?:{part}{of})?",
    "week_word": r"(?:(?:calendar )?weeks?|wk|woche|vecka|semaine|semana|[KC]W)",
    # "2026-09-15–30", and "2026-09-15 – 30" where nothing that it may count follows.
    "to_day": r"(?:[-–—/]|\.\.+|\s[-–—]+\s(?=\d\d\W*$))(?P<n2>[0-3]\d)(?![\d:./-]*\d)",
    "wc": r"(?P<week>(?:week (?:of|commencing|beginning|starting)|w/[cb])\s+(?:the |on )?"
    r"(?:{weekday}\s+)?)",
    "weekday": r"(?:mon|tues|wednes|thurs|fri|satur|sun)day",
    "to_w": r"(?:{range}(?:[KC]?W)?(?P<n2>[0-4]?\d|5[0-3])(?!\d){no_year})?",
    "to_q": r"(?:{range}Q?(?P<n2>[1-4])Q?{no_year})?",
    "no_year": r"(?(ahead)(?![\s,/-]*20\d\d))",  # of its own: "2026-Q4 - Q1 2027"
    "rank": rf"(?P<n>(?:{_any_of(_ORDINALS)})|[1-4](?:º|ª|er|e|ème|:a|:e)?)\.?",
    "quarter_abroad": r"(?:quartal|kvartal(?:et)?|trimestre)",
    "half_abroad": r"(?:halbjahr|semestre|halvår(?:et)?)",
    "count": r"(?:a )?(?P<n>\d{1,3}|an?|one|two|three|four|five|six|couple)(?: of)?",
    "unit": r"(?P<unit>day|week|month|year)s?",
    "in": r"(?:(?:with)?in )?(?:the )?(?:next|coming) |(?:with)?in (?:(?:about|around) |~\s*)?|"
    r"(?<=~)(?=\d)|(?<=~\s)(?=\d)",
    "renewal": r"(?:renewal|update|revision|iteration)",
    "of_season": r"(?:(?:the|this|next) )?(?:(?:early|mid|late|end of)[\s-]+)?(?:mid)?",
    "seasons": r"(?:summer|winter|autumn|fall|spring|christmas|easter|new year)(?:'s)?",
    "event": r"(?:summit|conference|meetup|workshop|hackathon|holidays?|vacations?)",
}
# Each row is of a unit of time or of a method of `_Scan`; the first row that makes sense decides.
_ROWS = r"""
day: {wc}?(?P<ahead>20\d\d)(?P<s>[-/]){mm}(?P=s)(?P<n>{dd})(?:{to_day}|(?!\d){clock}?)
year: (?P<ahead>20\d\d)\s*(?:-|–|—|/|\bto\b)\s*(?P<behind>20\d\d)(?![-/]\d)
day: (?P<ahead>20\d\d)年\s?{mm}月\s?(?P<n>\d\d?)日
month: (?P<ahead>20\d\d)年\s?{mm}月
day: (?P<ahead>20\d\d)-?W(?P<iso_week>\d\d)-?(?P<n>[1-7])
day: \A(?P<n>\d\d?)\.(?P<month>0?[1-9]|1[0-2])\.\Z
month: {week_of},? (?:(?:of|in|im|de|av) )?{month}{year}?
month: {month}{year}?[\s,]+{week_of}
week: {ahead}?(?:{week_word}\s*|w)(?P<n>\d\d?){to_w}(?(ahead)|{near_week}?)
week: \Av\. ?(?P<n>\d\d){near_week}?\Z
quarter: {when}{ahead}?(?=Q\d|\dQ)Q?(?P<n>[1-4])Q?{to_q}(?(ahead)|{near}?)
quarter: {when}(?P<n>first|second|third|fourth|last|final|[1-4](?:st|nd|rd|th)) quarter{of_year}?
quarter: (?P<part>eo)Q(?P<n>[1-4]){near}?
quarter: {rank}\s*{quarter_abroad}{of_year}?
quarter: {quarter_abroad} (?P<n>[1-4]){near}?
quarter: {when}(?=T\d|\dT)T?(?P<n>[1-4])T?{near}
half: {when}{ahead}?(?=H\d|\dH)H?(?P<n>[12])H?(?(ahead)|{near}?)
half: {rank}\s*{half_abroad}{of_year}?
half: {when}(?=S\d|\dS)S?(?P<n>[12])S?{near}
no such period: {ahead}(?:Q|H|[KC]?W)\s?\d\d?|(?:Q|H|[KC]?W)\s?\d\d?{near}
month: (?P<ahead>20\d\d)[-/]{mm}(?![-/]?\d)
month: {mm}[/.](?P<behind>20\d\d)
day: (?P<n>\d\d?)\.?\s*[-–—/]\s*(?P<n2>\d\d?)\.{mm}\.(?P<behind>20\d\d)
day: {wc}?(?P<n>\d\d?)(?P<s>[./])(?P<month>\d\d?)(?P=s)(?P<behind>20\d\d)
day: (?P<month>\d\d?)/(?P<n>\d\d?)/(?P<behind>20\d\d)
day: {wc}?{d}[\s-]+(?:(?:of|de) )?{month}(?:-?{year})?
day: {month}-(?P<n>\d\d?)-(?P<behind>20\d\d)
day: {wc}?{month} (?:the )?{d}(?!\s*[%:.]\d){year}?
month: {when}{month}(?:\s*[-–/]\s*(?P<month2>{name}))?{year}?
relative: {when}(?P<which>this|next|coming|current|the(?= [mq])) (?P<unit>week|month|quarter|year)
relative: {part}(?: of |{of}(?=year))(?P<which>)(?P<unit>month|quarter|year)
year: {when}{a_year}(?![-.]\d|/(?!20\d\d)\d)
year: (?P<part>end-of-year|EOY|year[\s-]end)
within: (?:{in}){count} {unit}
within: {count} {unit} from now
horizon: (?:the )?end of (?:(?:the|this|our|next) )?(?:(?:upcoming|current|next) )?roadmap
renewal: (?:the )?(?:next|new|upcoming) {renewal}(?: of (?:the|this) roadmap)?
renewal: (?:the )?(?:next|new|upcoming) roadmap(?: {renewal}| is \w+)?(?! (?:format|process)\b)
renewal: (?:the )?roadmap(?:'s)? (?:{renewal}|(?:is|gets) (?:renewed|updated|revised|set))
month: {of_season}(?P<season>summer|winter|autumn|fall|spring)\W+(?P<ahead>20\d\d)
season: {of_season}{seasons}(?: (?:holidays?|vacations?|break))?(?: 20\d\d)?
season: the (?:[\w.-]+ ){0,4}{event}
"""


def _grammar() -> list[tuple[str, re.Pattern[str]]]:
    rows = _ROWS
    while pieces := set(re.findall(r"\{([a-z]\w*)\}", rows)):
        for name in pieces:
            rows = rows.replace(f"{{{name}}}", _PIECES[name])
    return vocabulary(rows, tail=r"(?![\w%])")


_GRAMMAR = _grammar()


# Days ---------------------------------------------------------------------------------------------


def _last(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])


def _weeks(first: date, last: date) -> Span:
    """Widen days to whole weeks."""
    return first - timedelta(days=first.weekday()), last + timedelta(days=6 - last.weekday())


def _part_of(span: Span, part: str | None) -> Span:
    """Give the third, half or week of a period that a word names.

    Thirds of a year are four months, of a quarter one; the end of either is its last month.
    """
    first, last = span
    if part is None or last - first < timedelta(days=7):
        return span
    word = re.sub(r"\s+", " ", part.lower())
    if word == "last week":
        return last - timedelta(days=6), last
    if week := re.fullmatch(r"(\w+) week|\D+(\d)", word):
        start = first + timedelta(days=7 * _number(week[1] or week[2]) - 7)
        return start, min(start + timedelta(days=6), last)
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    part = _PARTS[word]
    if part == "end" and months > 1:
        return last.replace(day=1), last
    # A sixth of a month is five days; the last one ends with the month.
    places = (months * sixths for sixths in _SIXTHS[part])
    start, behind = (first + relativedelta(months=n // 6, days=n % 6 * 5) for n in places)
    return start, behind - timedelta(days=1)


def _number(word: str) -> int:
    """Read "3", "3rd", "zweites" or "couple"."""
    digits = re.sub(r"\D", "", word)
    return int(digits) if digits else _NUMBERS[word.lower()]


def _year(text: str | None, written: date) -> int | None:
    if text and text.lower().endswith(" year"):  # "October of next year"
        return written.year + {"last": -1, "this": 0, "next": 1}[text.lower()[:4]]
    year = int(re.sub(r"\D", "", text)) if text else None
    return year + 2000 if year is not None and year < 100 else year


def _month(word: str) -> int:
    """Read "3", "Mar." or "mars"; "Janurary" and "ocotber" are months, "decide" is none."""
    lower = word.lower().rstrip(".")
    if known := int(lower) if lower.isdigit() else _MONTHS.get(lower):
        return known
    for name, number in _ENGLISH.items():
        near = (len(name) > 4) + (len(name) > 6) if name[:3] == lower[:3] else len(name) > 5
        if name[0] == lower[0] and OSA.distance(name, lower) <= near:
            return number
    raise ValueError(word)


def _numbers(said: Mapping[str, str], unit: str) -> tuple[int, int]:
    """Give the first and the last of the periods that a row names."""
    if "season" in said:
        first = _SEASONS[said["season"].lower()]
        return first, (first + 1) % 12 + 1
    if unit == "month":
        return _month(said["month"]), _month(said.get("month2", said["month"]))
    first = _number(said.get("n", "1"))
    return first, _number(said["n2"]) if "n2" in said else first


class _Scan:
    """Reads a text from left to right: at each place the first row that makes sense."""

    def __init__(self, written: date, context: Calendar) -> None:
        self.written = written
        self.context = context
        self.known = {"renewal": context.renewal, "horizon": context.horizon or context.renewal}
        self.named = [
            (pattern(rf"(?:(?:the|our) )?{' '.join(map(re.escape, name.split()))}(?!\w)"), span)
            for name, span in (context.periods or {}).items()
        ]

    def at(self, text: str, place: int) -> Found | None:
        """Give the expression that begins at a place of the text, or None."""
        for words, span in self.named:
            if m := words.match(text, place):
                eve = span[0] - timedelta(days=1)  # "before the holidays" is the day before them
                before = _led("eve", text, place)
                return Found(place, m.end(), (eve, eve) if before else span)
        for kind, row in _GRAMMAR:
            if m := row.match(text, place):
                try:
                    found = self.read(m, kind)
                except ValueError:  # week 60, "decide", a year beyond the calendar
                    continue
                stale = found.span is not None and found.span[1] < self.written
                return replace(found, flag=STALE) if stale else found
        return None

    def read(self, m: re.Match[str], kind: str) -> Found:
        """Read what a row matched; raise ValueError where it makes no sense."""
        if kind in _UNITS:
            return self.period(m, kind)
        if kind == "relative":
            span = self.relative(m["unit"].lower(), m["which"].lower())
            return Found(m.start(), m.end(), _part_of(span, m["part"]))
        if kind == "within":
            days = round(_number(m["n"]) * _DAYS[m["unit"].lower()])
            if not 0 < days < 4000:
                raise ValueError("nothing that people plan is so far away")
            return Found(m.start(), m.end(), (self.written, self.written + timedelta(days=days)))
        flag = NO_SUCH_PERIOD if kind == NO_SUCH_PERIOD else None
        return Found(m.start(), m.end(), self.known.get(kind), flag=flag)

    def relative(self, unit: str, which: str) -> Span:
        """Give this week, month, quarter or year, or the next one."""
        start = self.written - timedelta(days=self.written.weekday())
        step = relativedelta(weeks=1)
        if size := _UNITS[unit]:
            start = date(self.written.year, (self.written.month - 1) // size * size + 1, 1)
            step = relativedelta(months=size)
        start += step * (which in ("next", "coming"))
        return start, start + step - timedelta(days=1)

    def period(self, m: re.Match[str], unit: str) -> Found:
        """Read one or several days, weeks, months or shares of a year: "Q3 2026", "5-7 May"."""
        said = {name: words for name, words in m.groupdict().items() if words}
        name = said.get("month", "1")
        month, (first, last) = _month(name), _numbers(said, unit)
        ahead, behind = (_year(said.get(where), self.written) for where in ("ahead", "behind"))
        verb = name.islower() and name[:3] in ("may", "mar")  # "may be delayed"
        bracketed = m.string[: m.start()].endswith("(") and m.string[m.end() :].startswith(")")
        whole = bracketed or m.group().strip() == m.string.strip()
        alone = not (behind or "part" in said or whole)
        if unit == "month" and alone and (verb or name.lower() in _ABROAD):  # "Mars" is a planet
            raise ValueError("a word that is mostly no month")

        def make(year: int) -> Span:
            turns = last < first
            # A year that is written ahead is that of the first part, else of the last.
            starts, ends = (year, year + turns) if ahead and not behind else (year - turns, year)
            if "iso_week" in said:
                day = date.fromisocalendar(ends, int(said["iso_week"]), first)
                return day, day
            if unit == "week":
                days = date.fromisocalendar(starts, first, 1), date.fromisocalendar(ends, last, 1)
                return _weeks(*days)
            if unit == "day":
                days = date(ends, month, first), date(ends, month, last)
                return _weeks(*days) if "week" in said else days
            starts = min(ahead, behind) if ahead and behind else starts
            months = _UNITS[unit]
            span = date(starts, months * (first - 1) + 1, 1), _last(ends, months * last)
            return _part_of(span, said.get("part"))

        year, no_such = behind or ahead, unit == "day" and last < first  # "28-3 May"
        try:
            span = self.fit(make, year)
        except ValueError:
            no_such = unit == "day" and not verb
            if not no_such:
                raise
        if no_such:
            span = self.fit(lambda year: (date(year, month, 1), _last(year, month)), year)
        fiscal = said.get("behind", said.get("ahead", "")).upper().startswith("FY")
        begins = self.context.fiscal_start if fiscal and unit != "week" else None
        if begins:  # FY27 from October: its January lies 3 months on
            start, end = (day - relativedelta(months=(13 - begins) % 12) for day in span)
            span = start, _last(end.year, end.month)
        doubts = {
            NO_SUCH_DAY: no_such,
            FISCAL: fiscal and not begins,
            SEASON: "season" in said,
            # "Week 3" of a plan that is written in June is hardly one in January.
            OF_PLAN: unit == "week"
            and not year
            and (span[0] - self.written).days > 100
            and last <= _FIRST_WEEKS,
            DAY_AND_MONTH: "/" in said.get("s", "") and behind and first != month <= 12 >= first,
            MISSPELT: name.rstrip(".").isalpha() and name.lower().rstrip(".") not in _MONTHS,
        }
        flag = next((flag for flag, doubted in doubts.items() if doubted), None)
        return Found(m.start(), m.end(), span, year, flag, anchored=year is not None)

    def fit(self, make: Callable[[int], Span], year: int | None) -> Span:
        """Give a period in its year; without one, the first that does not lie before the text."""
        known = year or self.context.year
        span = make(known or self.written.year)
        return span if known or span[1] >= self.written else make(self.written.year + 1)


# What stands around expressions -------------------------------------------------------------------

# Words that end where an expression begins, by what they say of it.
_LEADS = dict(
    vocabulary(
        r"""
eve: \b(?:before|until|by|prior to|ahead of) (?:the )?
modifiers: (?:~\s*|\b(?:at least|at the latest|no later than|towards?|around|about|approximately
    roughly|before|until|till|during|within|by|in|on|the|for|latest|early|sometime|between|from
    hopefully|tentatively|likely|due|bis|vor|jusqu['’]à|avant|hasta|antes de|senast|före|innan) )+
not yet: \b(?:not (?:\w+ ){0,6}(?:before|until)|not? (?:earlier|sooner) than|after|from|since
    starting|as of|start(?:s|ed)? in) (?:the )?(?:around )?
earliest: (?:≥|(?<![-=])>=?)\s*
gone: \b(?:was|were|previously|originally|formerly|initially|instead of|(?:moved|changed|slipped
    delayed|pushed|postponed) from)(?: (?:for|planned(?: for)?|in|on|by|end of))?:?\s*
instead: (?:→|->|=>|➔)\s*
    \b(?:now|moved|pushed|pulled|brought|postponed|delayed|slipped|rescheduled|shifted|deferred|revised
    updated|changed)(?: (?:up|back|out|in|forward|ahead))?(?: (?:to|until|till|for|into))?\s*
""",
        tail="$",
    )
)
_EARLIEST_BEHIND = pattern(r"\s*(?:\+|(?:or|and) (?:later|beyond)|at the earliest|onwards?)")
# "Frühjahr 2027", "9 ottobre 2026" and "KubeCon 2026" are no whole years; "in 2027", "by 2027" are.
_NAME_OF_YEAR = pattern(
    r"(?<!\w)((?!(?:in|by|of|the|end|until|for|during|year|calendar|fiscal|target|due|to|early|late|mid|"
    r"before|around|about|sometime|maybe|likely|probably|expected|planned|estimated|or|and|was|now|"
    r"bis|vor|auf|avant|en|au|à|a|al|hasta|senast|före|within|till|than|hopefully|tentatively)\b)[^\W\d_]+)"
    r"(?:\s+\d\d?)?\s+$"
)
_BARE_YEAR = re.compile(r"20\d\d")
_WITHIN = re.compile(r"\d[-/]|\w-")
_CONNECTOR = pattern(
    r"^[\s,]*(?:/|-|–|—|\.\.|or|to|and|until|till|through|latest|likely|maybe|possibly|perhaps|early|"
    r"probably|by|at|the|in|around|about|towards?|worst case|rather|but|more|\s)*[\s,]*$"
)
NO_DATE = pattern(
    r"^\W*(?:no (?:estimate|date|deadline|target|eta|plan)|not (?:estimated|planned|scheduled|"
    r"decided|known)|tb[dac]\b|to be (?:decided|determined|announced|confirmed)|unscheduled|"
    r"unknown|unclear|undecided|none|n/?a\b|open[\s-]ended|ongoing|rolling|continuous(?:ly)?|soon|later|someday|"
    r"eventually|asap|-+$|\?+$)"
)
_ADDRESS = re.compile(r"https?://\S+")
_ASIDE = re.compile(r"\((?!\s*(?:[FC]Y\s?)?['’]?\d{2,4}\s*\))([^()]*)\)")  # but for "Q1 (2027)"
_STRUCK = re.compile(r"~~[^~]*~~(?=.*\w)")
_DATELIKE = pattern(
    r"\bday [1-7]\b|"
    r"(?<![\w.#/@-])(?:\d{1,4}[/-]\d{1,4}(?:[/-]\d{1,4})?|20\d\d(?:\.\d\d?){1,2}|20\d{6}|"
    r"\d\d?\.\d\d?\.(?=\s|$)|(?:19|2\d)\d\d|"
    r"[FC]Y\s?'?\d\d(?:\d\d)?|['’]\d\d|[QH]\d|\d\d?[QH]\d?|\d{1,2}\.\d{1,2}\.\d{2,4}|"
    r"quartal|kvartal|trimestre|semestre|halbjahr|halvår|[KC]?W\s?\d\d?|\d{1,2}(?:st|nd|rd|th)|"
    r"January|February|April|June|July|August|September|October|November|December)(?![\w.-]*\w)"
)
_ONLY_LEADS = pattern(
    r"(?:[\W_]|\b(?:was|were|now|then|moved|to|from|until|by|due|in|on|the|end|of|at|around|about|"
    r"planned|expected|estimated|target|eta|originally|previously|slipped|delayed|postponed|up|back|"
    r"bis|vor|avant|hasta|senast|före)\b)*"
)
_NEAR = 120  # characters before an expression that can lead into it
_LONGEST = 600  # an expression stands at the beginning of what people write; longer text is prose


def find(text: str, written: date, context: Calendar = Calendar()) -> list[Found]:
    """Every time expression in a text, in order.

    Parameters
    ----------
    text
        Running text; only its first 600 characters are read.
    written
        The day the text was written: years and "next month" follow from it.
    context
        Named periods, and what "the next roadmap renewal" means.

    Examples
    --------
    >>> [f.span[1].isoformat() for f in find("mid April, maybe 5-7 May", date(2026, 2, 3))]
    ['2026-04-20', '2026-05-07']
    """
    scan = _Scan(written, context)
    out: list[Found] = []
    text = _blank(_ADDRESS, text[:_LONGEST], "_")
    place = 0
    for word in re.finditer(r"(?<![\w.%@#$+])[\w'’]", text):
        # What begins within "12/2026" or "pre-2026" is no date; what goes on with one is:
        # "2026-H1/2026-H2".
        at = word.start()
        goes_on = out and at == place + 1
        if at < place or (_WITHIN.fullmatch(text[max(at - 2, 0) : at]) and not goes_on):
            continue
        if found := scan.at(text, at):
            out.append(found)
            place = found.end
    return _share_years(out, text)


def _share_years(found: list[Found], text: str) -> list[Found]:
    """Give alternatives one year: "end of February / beginning of March, 2027", "Q1 or Q2"."""
    for i in range(len(found) - 2, -1, -1):
        this, after = found[i], found[i + 1]
        joined = _CONNECTOR.match(text[this.end : after.start])
        if joined and this.span and after.span and not this.anchored:
            year = after.span[1].year
            span = _moved(this.span, year)
            span = _moved(this.span, year - 1) if span[0] > after.span[1] else span
            found[i] = replace(this, span=span, year=year, anchored=after.anchored)
    return found


def _moved(span: Span, year: int) -> Span:
    """Give the same days with the last one in another year."""
    years = relativedelta(years=year - span[1].year)
    return span[0] + years, span[1] + years


def read_target(text: str, written: date, context: Calendar = Calendar()) -> Target | None:
    """Read the words of a target.

    Parameters
    ----------
    text
        What stands after "Expected done:", in a date column, in brackets behind a title.
    written
        The date of the document.
    context
        See `find`.

    Returns
    -------
    Target or None
        None for empty text. Words without a day ("no estimate", "until summer") keep their text
        and have no
        dates. `flag` says why a date needs a second look, for example that it lies before the
        document, or which part of the words was not read.

    Examples
    --------
    >>> words = "towards the end of February / beginning of March"
    >>> read_target(words, date(2026, 2, 3)).end.isoformat()
    '2026-03-10'
    >>> read_target("20 January, 2025", date(2025, 11, 11)).flag
    'before the document'
    >>> read_target("was Q4 2026, now Q2 2026", date(2026, 2, 3)).end.isoformat()
    '2026-06-30'
    >>> read_target("no estimate, the next step is to talk", date(2025, 2, 4))
    Target(text='no estimate', start=None, end=None, flag=None)
    """

    def dates(part: str) -> list[Found]:
        found = find(part, written, context)
        return [one for one in found if not _led("not yet", part, one.start)]

    text = text.strip()
    if not text:
        return None
    if none := NO_DATE.match(text):
        words = re.split(r"[,;.(]", text[: none.end() + 40], maxsplit=1)[0].strip() or text
        dated = next((one for one in dates(text) if one.span and one.anchored), None)
        return Target(words, flag=UNREAD + text[dated.start : dated.end] if dated else None)
    text = _blank(_STRUCK, text)
    main = _blank(_ASIDE, text)
    for part in (re.split(r"(?<=\.)\s+(?=[A-Z])", main, maxsplit=1)[0], main, text):
        found = dates(part)
        if odd := next((one for one in found if one.flag == NO_SUCH_PERIOD), None):
            return Target(_words(part), flag=UNREAD + part[odd.start : odd.end])
        if any(one.span for one in found):
            target = _latest(part, _standing(part, found))
            return replace(target, flag=target.flag or _unread(part, text, found, target, context))
        if found and part is main:  # an aside is no better date than "before the summer"
            break
    words = _words(main if main.strip() else text)
    return Target(words, flag=_datelike(words))


def only_time(text: str, written: date, context: Calendar = Calendar()) -> bool:
    """Whether a text is a time expression and nothing else: "Was 2026-04-30, now 2026-05-20".

    Examples
    --------
    >>> only_time("Due mid May", date(2026, 2, 3)), only_time("May fair", date(2026, 2, 3))
    (True, False)
    """
    found = [one for one in find(text, written, context) if one.span]
    return bool(found) and len(text) < _NEAR and bool(_ONLY_LEADS.fullmatch(_without(text, found)))


def replaced(text: str, written: date, context: Calendar = Calendar()) -> bool:
    """Whether a text gives times that no longer count, and no other.

    Examples
    --------
    >>> [replaced(one, date(2026, 2, 3)) for one in ("was 3 May", "was 3 May, now 9 May", "3 May")]
    [True, False, False]
    """
    found = [one for one in find(text, written, context) if one.span]
    return bool(found) and all(_led("gone", text, one.start) for one in found)


def _blank(words: re.Pattern[str], text: str, by: str = " ") -> str:
    """Write blanks over what a pattern finds, so that the rest keeps its place."""
    return words.sub(lambda found: by * len(found.group()), text)


def _without(text: str, found: Iterable[Found]) -> str:
    """Write blanks over what was read."""
    for one in found:
        text = text[: one.start] + " " * (one.end - one.start) + text[one.end :]
    return text


def _ahead(text: str, place: int) -> str:
    """Give the words right before a place: no more than can lead into a time expression."""
    return text[max(place - _NEAR, 0) : place]


def _led(how: str, text: str, place: int) -> bool:
    """Whether words of `_LEADS` stand right before a place."""
    return bool(_LEADS[how].search(_ahead(text, place)))


def _standing(text: str, found: list[Found]) -> list[Found]:
    """Leave out what was replaced: "was Q4, now Q2", "September, moved up to June"."""
    dated = [one for one in found if one.span]
    instead = [one for one in dated if _led("instead", text, one.start)]
    return instead[-1:] or [one for one in dated if not _led("gone", text, one.start)] or dated


def _datelike(text: str) -> str | None:
    """Give the flag for what looks like a date and was not read."""
    like = _DATELIKE.search(_ADDRESS.sub("", text))
    said = like is not None and not _led("not yet", like.string, like.start())
    return UNREAD + like.group() if like and said else None


def _unread(
    part: str, text: str, found: list[Found], target: Target, context: Calendar
) -> str | None:
    """Name what looks like a date and is in no expression that was read."""
    for one in found:
        if _EARLIEST_BEHIND.match(part, one.end) or _led("earliest", part, one.start):
            return EARLIEST
        named = _NAME_OF_YEAR.search(_ahead(part, one.start))
        words = part[one.start : one.end]
        if named and (_BARE_YEAR.fullmatch(words) or (named[1] == "last" and not one.anchored)):
            return UNREAD + named[1]
    if odd := _datelike(_without(part[:_LONGEST], found)):
        return odd
    dated = [one for one in found if one.span]
    if "|" in part[dated[0].end : dated[-1].start]:  # "Rehearsal 3 May | Opening 26 May"
        return SEVERAL
    for aside in _ASIDE.finditer(text):
        for one in find(aside[1], target.start or date.min, context):
            within = (
                one.span
                and target.start
                and target.end
                and (target.start <= one.span[1] <= target.end)
            )
            if one.span and not within and not _led("gone", aside[1], one.start):
                return UNREAD + aside[0]
    return None


def _words(text: str) -> str:
    first = re.split(r"\.\s+[A-Z]|;", text, maxsplit=1)[0]
    return first.strip().rstrip(".").strip() or text.strip()


def _latest(text: str, found: list[Found]) -> Target:
    """Join ranges and alternatives, then take the last step."""
    groups: list[list[Found]] = []
    for this in found:
        if groups and _CONNECTOR.match(text[groups[-1][-1].end : this.start]):
            groups[-1].append(this)
        else:
            groups.append([this])
    last = max(groups, key=lambda group: max(f.span[1] for f in group if f.span))
    spans = [f.span for f in last if f.span]
    latest = max(span[1] for span in spans)
    # What began before the document and ends after it is not stale.
    flags = [f.flag for f in last if f.span and (f.flag != STALE or f.span[1] == latest)]
    start, end = expression(text, last[0].start, last[-1].end)
    if len(groups) > 1:
        start = 0
    words = text[start:end] + ("?" if text[end : end + 1] == "?" else "")
    return Target(
        re.sub(r"\s+", " ", words).strip().rstrip("."),
        min(first for first, _ in spans),
        latest,
        next(filter(None, flags), None),
    )


def expression(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen the place of a time expression to words that lead into it ("at least until")."""
    before = _ahead(text, start)
    lead = _LEADS["modifiers"].search(before)
    return (start - len(before) + lead.start() if lead else start), end
