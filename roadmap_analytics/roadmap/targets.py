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

from rapidfuzz.distance import OSA, Levenshtein

from roadmap_analytics.roadmap.vocabulary import pattern, vocabulary

__all__ = ["Calendar", "Found", "Target", "expression", "find", "only_time", "read_target"]

Span = tuple[date, date]

STALE = "before the document"
NO_SUCH_DAY = "no such day: read as the month"
NO_SUCH_PERIOD = "no such period"
MISSPELT = "month misspelt"
DAY_AND_MONTH = "day and month may be swapped"
FISCAL = "fiscal year without [calendar] fiscal_year_start: read as the calendar year"
SEASON = "a season has no certain days: read as its three months in the north"
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

_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
_MONTHS |= {name[:3]: number for name, number in _MONTHS.items()} | {"sept": 9}
# German, French, Spanish, Swedish; what English spells alike is not repeated.
_NAMES_ABROAD = """
januar januari janvier enero; februar februari février fevrier febrero; märz maerz mars marzo mär;
avril abril; mai maj mayo; juni juin junio; juli juillet julio; augusti août aout agosto;
septembre septiembre setiembre; oktober octobre octubre okt; novembre noviembre;
dezember décembre decembre diciembre dez
"""
_ABROAD = {
    name: number
    for number, names in enumerate(_NAMES_ABROAD.split(";"), start=1)
    for name in names.split()
}
_PARTS = {  # of other languages
    **dict.fromkeys(["anfang", "début", "debut", "principios", "inicios", "början"], "beginning"),
    **dict.fromkeys(["mitte", "mi", "mediados", "mitten"], "mid"),
    **dict.fromkeys(["ende", "fin", "finales", "slutet"], "end"),
}
_DAYS_OF_PART = {  # of a month
    "first week": (1, 7),
    "second week": (8, 14),
    "third week": (15, 21),
    "fourth week": (22, 28),
    "first half": (1, 15),
    "second half": (16, 31),
    "latter half": (16, 31),
    "mid": (11, 20),
    "middle": (11, 20),
}
_ORDINAL = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": 4, "latter": 2}
_ORDINALS_ABROAD = """
i erste erstes premier primer första; ii zweite zweites deuxième second segundo andra;
iii dritte drittes troisième tercer tredje; iv vierte viertes quatrième cuarto fjärde
"""
_ORDINAL |= {
    name: number
    for number, names in enumerate(_ORDINALS_ABROAD.split(";"), start=1)
    for name in names.split()
}
_NUMBER = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_NUMBER |= {"couple": 2, "a couple": 2}
_UNITS = {"day": 1.0, "week": 7.0, "month": 30.44, "year": 365.25}


def _any_of(words: Iterable[str]) -> str:
    return "|".join(sorted(words, key=lambda word: (-len(word), word)))


# Pieces of the grammar below, by the name that stands there in braces.
_PIECES = {
    "month": rf"(?P<month>(?:{_any_of(_ABROAD)})(?!\w)|"
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*|[jfasond][a-z]{5,9})\.?",
    "d": r"(?P<d>\d\d?)(?:st|nd|rd|th|er|\.)?",
    "to_d": r"(?:\s*(?:-|–|—|--|to|and|or|/)\s*(?P<d2>\d\d?)(?:st|nd|rd|th|\.)?)?",
    "iso": r"20\d\d(?:-(?:0?[1-9]|1[0-2])-|/(?:0?[1-9]|1[0-2])/)(?:0?[1-9]|[12]\d|3[01])(?!\d)",
    # After a month: "Oct-27" is a year, "Oct 27" is a day.
    "year": r"(?:(?:\s*,?\s*(?:of |del? )?|\s*[-/]\s*|\s*\(\s*)(?P<y>(?:19|20)\d\d(?![\d.]*\d)"
    r"(?!-[\d.-]*\d(?!\d|\s[a-z]))|"
    r"['’]\d\d(?!\d)|(?<=[a-z.-])[2-4]\d(?!\d))(?:\s*\))?)",
    # After a quarter, a half or a week; two digits alone end what they stand in.
    "near": r"(?:[\s,/(-]*(?:of )?(?P<y2>(?:FY|CY)\s?'?(?:20)?\d\d|20\d\d|['’]\d\d|"
    r"(?<=[/-])[2-4]\d(?!\d)|(?<=\s)[2-4]\d(?=\s*(?:$|[).,;:|])))(?:\s*\))?)",
    "ahead": r"(?:(?P<y>20\d\d|(?:FY|CY)\s?'?(?:20)?\d\d)[\s,/-]*)",
    "a_year": r"(?P<y>(?:[FC]Y\s?)?'?20\d\d|[FC]Y\s?'?\d\d)",
    "year_word": r"(?P<year_word>(?:(?:the|this|next) )?year)",
    "part": r"(?P<part>beginning|start|early|first days?|(?:first|second|third|fourth|last) week|"
    rf"(?:first|second|latter) half|middle|mid|late|end|last days?|{_any_of(_PARTS)})",
    "of": r"(?:\s*-\s*| (?:(?:of|de|av) )?(?:the )?(?:month of )?)",
    "when": r"(?:{part}{of})?",
    "week_word": r"(?:(?:calendar )?weeks?|wk|woche|vecka|semaine|semana|[KC]W)",
    "near_week": r"(?:[\s,/(-]*(?:of )?(?P<y2>20\d\d|['’]\d\d)(?:\s*\))?)",
    "to_w": r"(?:\s*(?:-|–|—|to|\.\.+|/)\s*(?:KW|CW|W)?(?P<w2>[0-4]?\d|5[0-3])(?!\d))?",
    "rank": rf"(?P<ord>(?:{_any_of(_ORDINAL)})|[1-4](?:º|ª|er|e|ème|:a|:e)?)\.?",
    "quarter_abroad": r"(?:quartal|kvartal(?:et)?|trimestre)",
    "half_abroad": r"(?:halbjahr|semestre|halvår(?:et)?)",
    "to_q": r"(?:\s*(?:-|–|—|to|and|or|/)\s*Q?(?P<q2>[1-4]))?",
    "ordinal": r"(?P<ord>first|second|third|fourth|last|latter|[1-4](?:st|nd|rd|th))",
    "count": r"(?P<n>\d{1,3}|an?|one|two|three|four|five|six|(?:a )?couple)(?: of)?",
    "unit": r"(?P<unit>day|week|month|year)s?",
    "in": r"(?:(?:with)?in )?(?:the )?(?:next|coming) |(?:with)?in (?:(?:about|around) |~\s*)?|"
    r"(?<=~)(?=\d)|(?<=~\s)(?=\d)",
    "renewal": r"(?:renewal|update|revision|iteration)",
    "season": r"(?:(?:mid)?summer|winter|autumn|fall|spring|christmas|easter|new year)(?:'s)?",
    "break": r"(?: (?:holidays?|vacations?|break))",
    "event": r"(?:summit|conference|meetup|workshop|hackathon|holidays?|vacations?)",
}
_PIECES["month2"] = _PIECES["month"].replace("<month>", "<month2>")
_MONTHS_OF = {"month number": 1, "quarter": 3, "half": 6, "year": 12}
# Each row is a share of a year or a method of `_Scan`; the first that makes sense decides.
_ROWS = r"""
iso_range: {iso}\s*(?:/|–|—|--|\.\.+|\bto\b)\s*{iso}
iso: {iso}(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?
year: (?P<y1>20\d\d)\s*(?:-|–|—|/|\bto\b)\s*(?P<y>20\d\d)(?![-/]\d)
week: (?P<y>20\d\d)[\s/-]*(?:KW|CW|W)\s?(?P<w>\d\d?)(?:{to_w}(?![\s,/-]*20\d\d))?
week: (?:{week_word}\s*|w)(?P<w>\d\d?){to_w}{near_week}?
week: \Av\. ?(?P<w>\d\d)(?P<w2>){near_week}?\Z
quarter: {when}{ahead}?(?:Q(?P<q>[1-4]){to_q}|(?P<qa>[1-4])Q)(?(y)|{near}?)
quarter: {when}{ordinal} quarter(?:\s*,?\s*(?:of )?(?P<y>20\d\d))?
half: {when}{ahead}?(?:H(?P<q>[12])|(?P<qa>[12])H)(?(y)|{near}?)
half: {ordinal} half (?:of )?(?:(?P<y>20\d\d)|{year_word})
quarter: {rank}\s*{quarter_abroad}(?: (?:de |del )?(?P<y>20\d\d))?
quarter: {quarter_abroad} (?P<q>[1-4]){near}?
quarter: {when}(?:T(?P<q>[1-4])|(?P<qa>[1-4])T){near}
half: {when}(?:S(?P<q>[12])|(?P<qa>[12])S){near}
half: {rank}\s*{half_abroad}(?: (?:de |del )?(?P<y>20\d\d))?
no_such: {ahead}(?:Q|H|[KC]?W)\s?\d\d?|(?:Q|H|[KC]?W)\s?\d\d?{near}
month number: (?P<y>20\d\d)[-/](?P<m>0?[1-9]|1[0-2])(?![-/]?\d)
month number: (?P<m>0?[1-9]|1[0-2])[/.](?P<y>20\d\d)
numeric: (?P<a>\d\d?)(?P<s>[./])(?P<b>\d\d?)(?P=s)(?P<y>20\d\d)
day: (?P<week>week of (?:the )?)?{d}{to_d}[\s-]+(?:(?:of|de) )?{month}(?:-?{year})?
day: (?P<week>){month}-{d}(?P<d2>)-(?P<y>20\d\d)
day: (?P<week>week of )?{month} (?:the )?{d}{to_d}(?!\s*[%:.]\d){year}?
month: {when}{month}(?:\s*[-–/]\s*{month2})?{year}?
relative: {when}(?P<which>this|next|coming|current|the(?= [mq])) (?P<unit>week|month|quarter)
relative: {part} of (?P<which>)(?P<unit>month|quarter)
year: (?P<part>end-of-year|EOY|year[\s-]end)(?: (?P<y>20\d\d))?
year: {part}{of}(?:{a_year}(?![-.]\d)|{year_word})
year: {a_year}(?![-./]\d)|(?P<year_word>(?:this|next) year)
within: (?:{in}){count} {unit}
within: {count} {unit} from now
today: today|tomorrow
horizon: (?:the )?end of (?:(?:the|this|our|next) )?(?:(?:upcoming|current|next) )?roadmap
renewal: (?:the )?(?:next|new|upcoming) {renewal}(?: of (?:the|this) roadmap)?
renewal: (?:the )?(?:next|new|upcoming) roadmap(?: {renewal}| is \w+)?(?! (?:format|process)\b)
renewal: (?:the )?roadmap(?:'s)? (?:{renewal}|(?:is|gets) (?:renewed|updated|revised|set))
season: (?:(?:the|this|next) )?(?:(?:early|mid|late|end of)[\s-]+)?{season}{break}?(?: 20\d\d)?
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


def _months_of(year: int, first: int, last: int) -> Span:
    return date(year, first, 1), _last(year, last)


def _months_earlier(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, _last(year, month + 1).day))


def _month_of(word: str) -> int | None:
    """Give a month's number; "Janurary" is one, "decide" and the verb "may" are none."""
    lower = word.lower().rstrip(".")
    if known := _MONTHS.get(lower) or _ABROAD.get(lower):
        return known
    for name, number in _MONTHS.items():
        near = 0 if len(name) < 5 else 1 if len(name) < 7 else 2
        if name[:3] == lower[:3] and Levenshtein.distance(name, lower) <= near:
            return number
        if len(name) > 5 and name[0] == lower[0] and OSA.distance(name, lower) == 1:  # "ocotber"
            return number
    return None


def _misspelt(word: str | None) -> str | None:
    known = not word or word.lower().rstrip(".") in {*_MONTHS, *_ABROAD}
    return None if known else MISSPELT


def _part_of(span: Span, part: str | None) -> Span:
    """Give the third, half or week of a period that a word names."""
    if part is None:
        return span
    first, last = span
    word = re.sub(r"\s+", " ", part.lower())
    word = _PARTS.get(word, word)
    if (first.year, first.month) != (last.year, last.month):
        return _part_of_months(first, last, word)
    days = (21, 31) if word.startswith(("late", "last", "end")) else (1, 10)
    days = (last.day - 6, 31) if word == "last week" else _DAYS_OF_PART.get(word, days)
    return first.replace(day=days[0]), first.replace(day=min(days[1], last.day))


def _part_of_months(first: date, last: date, word: str) -> Span:
    """Halves of a quarter or a year; thirds of a year are four months, of a quarter one."""
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    size, skip = max(months // 3, 1), 0
    if word.endswith("half"):
        size = months // 2 or 1
        skip = 0 if word.startswith("first") else months - size
    elif word.startswith(("late", "last", "end", "eoy", "year")):
        size = size if word.startswith("late") else 1
        skip = months - size
    elif word.startswith("mid"):
        skip = size
    start = first.month + skip
    return _months_of(first.year, start, start + size - 1)


def _year(text: str | None) -> int | None:
    digits = re.sub(r"\D", "", text or "")
    return int(digits) + (2000 if len(digits) < 4 else 0) if digits else None


class _Scan:
    """Reads a text from left to right: at each place the first pattern that makes sense."""

    def __init__(self, written: date, context: Calendar) -> None:
        self.written = written
        self.context = context

    def fit(self, make: Callable[[int], Span], year: int | None) -> tuple[Span, str | None]:
        """Give the reading of a date in the year as written, or in the first that is not past."""
        year = year or self.context.year
        span = make(year or self.written.year)
        if span[1] >= self.written:
            return span, None
        return (make(self.written.year + 1), None) if year is None else (span, STALE)

    def dated(
        self, m: re.Match[str], make: Callable[[int], Span], year: int | None = None
    ) -> Found | None:
        """Give what an expression covers: `make` does so for a year."""
        said = m.groupdict()
        written = said.get("y") or said.get("y2")
        year = year or _year(written)
        if year is None and (word := said.get("year_word")):
            year = self.written.year + word.lower().startswith("next")
        try:
            span, flag = self.fit(make, year)
        except ValueError:  # the 31st of a short month, or a year beyond the calendar
            return None
        found = Found(m.start(), m.end(), span, year, flag or _misspelt(said.get("month")))
        found = replace(found, anchored=year is not None)
        if not (written or "").upper().startswith("FY"):
            return found
        # Move an expression of a fiscal year to where that year lies; weeks are not counted so.
        start = self.context.fiscal_start
        if start is None or said.get("w"):
            return replace(found, flag=found.flag or FISCAL)
        back = 13 - start if start > 1 else 0  # FY27 from October: its January lies 3 months on
        first, last = (_months_earlier(day, back) for day in span)
        last = _last(last.year, last.month)
        return replace(found, span=(first, last), flag=STALE if last < self.written else None)

    # One method per kind of expression; each returns None where the words mean something else.

    def iso(self, m: re.Match[str]) -> Found | None:
        year, month, day = (int(part) for part in re.findall(r"\d+", m.group())[:3])
        return self._whole(m, year, month, day, day)

    def iso_range(self, m: re.Match[str]) -> Found | None:
        numbers = [int(part) for part in re.findall(r"\d+", m.group())]
        try:
            first, last = date(*numbers[:3]), date(*numbers[3:6])
        except ValueError:
            return None
        flag = STALE if last < self.written else None
        return Found(m.start(), m.end(), (min(first, last), last), last.year, flag)

    def _whole(
        self, m: re.Match[str], year: int | None, month: int, first: int, last: int
    ) -> Found | None:
        """Give days of a month; the month and a flag where it has no such day."""
        if found := self.dated(m, lambda y: (date(y, month, first), date(y, month, last)), year):
            return found
        found = self.dated(m, lambda y: _months_of(y, month, month), year)
        return replace(found, flag=found.flag or NO_SUCH_DAY) if found else None

    def numeric(self, m: re.Match[str]) -> Found | None:
        first, second = int(m["a"]), int(m["b"])
        dotted = m["s"] == "."
        day, month = (second, first) if second > 12 and not dotted else (first, second)
        found = self.dated(m, lambda y: (date(y, month, day), date(y, month, day)))
        unclear = not dotted and first != second and max(first, second) <= 12
        return replace(found, flag=found.flag or DAY_AND_MONTH) if found and unclear else found

    def week(self, m: re.Match[str]) -> Found | None:
        def make(y: int) -> Span:
            first, last = int(m["w"]), int(m["w2"] or m["w"])
            turns = last < first  # "W51-W02 2027": the year behind is that of the last week
            behind = bool(m.groupdict().get("y2"))
            monday = date.fromisocalendar(y + (turns and not behind), last, 1)
            first_day = date.fromisocalendar(y - (turns and behind), first, 1)
            return first_day, monday + timedelta(days=6)

        return self.dated(m, make)

    def share(self, m: re.Match[str], months: int) -> Found | None:
        """Give a share of a year, in months: "Q3", "second half of 2026", "2026/05"."""
        said = m.groupdict()
        word = next(filter(None, map(said.get, ("ord", "q", "qa", "m"))), "1").lower()
        first = _ORDINAL.get(word) or int(re.sub(r"\D", "", word))
        last = int(said.get("q2") or first)

        def make(y: int) -> Span:
            begins = date(min(int(said.get("y1") or y), y), months * (first - 1) + 1, 1)
            return _part_of((begins, _last(y, months * last)), said.get("part"))

        return self.dated(m, make)

    def no_such(self, m: re.Match[str]) -> Found | None:
        return Found(m.start(), m.end(), None, flag=NO_SUCH_PERIOD)

    def day(self, m: re.Match[str]) -> Found | None:
        month, first = _month_of(m["month"]), int(m["d"])
        if month is None:
            return None
        found = self._whole(m, None, month, first, int(m["d2"] or first))
        if found and found.flag == NO_SUCH_DAY and m["month"] in ("may", "mar"):
            return None
        if found and found.span and m["week"] and first == found.span[1].day:
            monday = found.span[0] - timedelta(days=found.span[0].weekday())
            return replace(found, span=(monday, monday + timedelta(days=6)))
        return found

    def month(self, m: re.Match[str]) -> Found | None:
        month, word = _month_of(m["month"]), m["month"]
        last = _month_of(m["month2"]) if m["month2"] else month
        if month is None or last is None:
            return None
        verb = word == word.lower() and word[:3] in ("may", "mar")  # "may be delayed"
        alone = not (m["part"] or m["y"] or m.group().strip() == m.string.strip())
        if alone and (verb or word.lower() in _ABROAD):  # "Mars" is a planet
            return None

        def make(y: int) -> Span:
            return _part_of((date(y - (last < month), month, 1), _last(y, last)), m["part"])

        return self.dated(m, make)

    def relative(self, m: re.Match[str]) -> Found | None:
        unit, ahead = m["unit"].lower(), m["which"].lower() in ("next", "coming")
        if unit == "week":
            monday = self.written + timedelta(days=7 * ahead - self.written.weekday())
            return Found(m.start(), m.end(), (monday, monday + timedelta(days=6)))
        size = 1 if unit == "month" else 3
        of_year = 12 // size
        year, number = divmod(
            self.written.year * of_year + (self.written.month - 1) // size + ahead, of_year
        )
        span = _months_of(year, size * number + 1, size * number + size)
        return Found(m.start(), m.end(), _part_of(span, m["part"]))

    def within(self, m: re.Match[str]) -> Found | None:
        word = re.sub(r"\s+", " ", m["n"].lower())
        days = _UNITS[m["unit"].lower()] * (int(word) if word.isdigit() else _NUMBER[word])
        if not 0 < days < 4000:
            return None
        return Found(m.start(), m.end(), (self.written, self.written + timedelta(days=round(days))))

    def today(self, m: re.Match[str]) -> Found | None:
        day = self.written + timedelta(days=m.group().lower() == "tomorrow")
        return Found(m.start(), m.end(), (day, day))

    def renewal(self, m: re.Match[str]) -> Found | None:
        return Found(m.start(), m.end(), self.context.renewal)

    def horizon(self, m: re.Match[str]) -> Found | None:
        return Found(m.start(), m.end(), self.context.horizon or self.context.renewal)

    def season(self, m: re.Match[str]) -> Found | None:
        named = re.search(r"(?i)(summer|winter|autumn|fall|spring)\W+(20\d\d)$", m.group())
        if named is None:
            return Found(m.start(), m.end(), None)
        # A winter bears the year in which it ends or begins: the later one is taken.
        first = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9}.get(named[1].lower(), 12)
        year = int(named[2])
        span = date(year, first, 1), _last(year + (first == 12), (first + 1) % 12 + 1)
        return Found(m.start(), m.end(), span, year, STALE if span[1] < self.written else SEASON)

    def named(self, m: re.Match[str], span: Span) -> Found:
        """Give a period of the calendar; "before the holidays" is the day before them."""
        eve = span[0] - timedelta(days=1)
        before = _BEFORE.search(_ahead(m.string, m.start()))
        return Found(m.start(), m.end(), (eve, eve) if before else span)

    def at(self, text: str, place: int) -> Found | None:
        """Give the expression that begins at a place of the text, or None."""
        for name, span in (self.context.periods or {}).items():
            words = " ".join(map(re.escape, name.split()))
            named = pattern(rf"(?:(?:the|our) )?{words}(?!\w)")
            if m := named.match(text, place):
                return self.named(m, span)
        for kind, row in _GRAMMAR:
            if m := row.match(text, place):
                share = _MONTHS_OF.get(kind)
                found = self.share(m, share) if share else getattr(self, kind)(m)
                if isinstance(found, Found):
                    return found
        return None


# What stands around expressions -------------------------------------------------------------------

_BEFORE = pattern(r"\b(?:before|until|by|prior to|ahead of) (?:the )?$")
_MODIFIERS = pattern(
    r"(?:\b(?:at least|at the latest|no later than|towards?|around|about|approximately|roughly|"
    r"before|until|till|during|within|by|in|on|the|for|latest|early|sometime|between|from|hopefully|"
    r"tentatively|likely|due|bis|vor|jusqu['’]à|avant|hasta|antes de|senast|före|innan) |~\s*)+$"
)
_NOT_YET = pattern(
    r"\b(?:not (?:\w+ ){0,6}(?:before|until)|not? (?:earlier|sooner) than|after|from|since|"
    r"starting|as of|start(?:s|ed)? in) (?:the )?(?:around )?$"
)
_EARLIEST_BEHIND = pattern(r"\s*(?:\+|(?:or|and) (?:later|beyond)|at the earliest|onwards?)")
_EARLIEST_AHEAD = re.compile(r"(?:≥|>=?)\s*$")
_BARE_YEAR = re.compile(r"20\d\d")
_WORD_AHEAD = re.compile(
    r"^\W*((?!(?:in|by|of|the|end|until|for|during|year|calendar|fiscal|target|due|to|early|late|mid|"
    r"before|around|about|sometime|maybe|likely|probably|expected|planned|estimated)\b)\w+)\s+$",
    re.IGNORECASE,
)
_WITHIN = re.compile(r"\d[-/]|\w-")
_CONNECTOR = pattern(
    r"^[\s,]*(?:/|-|–|—|or|to|and|until|till|through|latest|likely|maybe|possibly|perhaps|probably|"
    r"early|by|at|the|in|around|about|towards?|worst case|rather|but|more|\s)*[\s,]*$"
)
NO_DATE = pattern(
    r"^\W*(?:no (?:estimate|date|deadline|target|eta|plan)|not (?:estimated|planned|scheduled|"
    r"decided|known)|tb[dac]\b|to be (?:decided|determined|announced|confirmed)|unscheduled|"
    r"unknown|unclear|undecided|none|n/?a\b|open[\s-]ended|ongoing|rolling|continuous(?:ly)?|soon|later|someday|"
    r"eventually|asap|-+$|\?+$)"
)
_ADDRESS = re.compile(r"https?://\S+")
_ASIDE = re.compile(r"\((?!\s*(?:[FC]Y\s?)?['’]?\d{2,4}\s*\))([^()]*)\)")
_STRUCK = re.compile(r"~~[^~]*~~(?=.*\w)")
_GONE = pattern(
    r"\b(?:was|were|previously|originally|formerly|initially|instead of|(?:moved|changed|slipped|"
    r"delayed|pushed|postponed) from)(?: (?:for|planned(?: for)?|in|on|by|end of))?:?\s*$"
)
_INSTEAD = pattern(
    r"(?:\b(?:now|moved|pushed|pulled|brought|postponed|delayed|slipped|rescheduled|shifted|"
    r"deferred|revised|updated|changed)(?: (?:up|back|out|in|forward|ahead))?"
    r"(?: (?:to|until|till|for|into))?|→|->|=>|➔)\s*$"
)
_DATELIKE = pattern(
    r"(?<![\w.#/@-])(?:\d{1,4}[/-]\d{1,4}(?:[/-]\d{1,4})?|20\d\d(?:\.\d\d?){1,2}|20\d{6}|"
    r"\d\d?\.\d\d?\.(?=\s|$)|(?:19|20)\d\d|"
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
    text = _ADDRESS.sub(lambda m: "_" * len(m.group()), text[:_LONGEST])
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
        if not (joined and this.span and after.span) or this.anchored:
            continue
        year = after.span[1].year
        try:
            span = _moved(this.span, year)
            if span[0] > after.span[1]:
                span = _moved(this.span, year - 1)
        except ValueError:  # 29 February
            continue
        found[i] = replace(this, span=span, year=year, anchored=after.anchored)
    return found


def _moved(span: Span, year: int) -> Span:
    """Give the same days with the last one in another year."""
    shift = year - span[1].year
    return span[0].replace(year=span[0].year + shift), span[1].replace(year=year)


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
    text = text.strip()
    if not text:
        return None
    if none := NO_DATE.match(text):
        words = re.split(r"[,;.(]", text[: none.end() + 40], maxsplit=1)[0].strip() or text
        dated = next((f for f in find(text, written, context) if f.span and f.anchored), None)
        if dated is None or _NOT_YET.search(_ahead(text, dated.start)):
            return Target(words)
        return Target(words, flag=UNREAD + text[dated.start : dated.end])  # "TBD Q2 2027"
    text = _STRUCK.sub(lambda m: " " * len(m.group()), text)
    # An aside is no part of the expression, but for its year: "Q1 (2027)".
    main = _ASIDE.sub(_blank, text)
    sentence = re.match(r".*?(?=\.\s+[A-Z]|$)", main, re.DOTALL)
    for part in (sentence.group() if sentence else main, main, text):
        found = [
            f for f in find(part, written, context) if not _NOT_YET.search(_ahead(part, f.start))
        ]
        if odd := next((f for f in found if f.flag == NO_SUCH_PERIOD), None):
            return Target(_words(part), flag=UNREAD + part[odd.start : odd.end])
        if any(f.span for f in found):
            target = _latest(part, _standing(part, found))
            return replace(target, flag=target.flag or _unread(part, text, found, target, context))
        if found and part is main:  # an aside is no better date than "before the summer"
            break
    words = _words(main if main.strip() else text)
    like = _DATELIKE.search(_ADDRESS.sub("", words))
    said = like is not None and not _NOT_YET.search(words[: like.start()])
    return Target(words, flag=f"{UNREAD}{like.group()}" if like and said else None)


def only_time(text: str, written: date, context: Calendar = Calendar()) -> bool:
    """Whether a text is a time expression and nothing else: "Was 2026-04-30, now 2026-05-20".

    Examples
    --------
    >>> only_time("Due mid May", date(2026, 2, 3)), only_time("May fair", date(2026, 2, 3))
    (True, False)
    """
    found = [one for one in find(text, written, context) if one.span]
    return bool(found) and len(text) < _NEAR and bool(_ONLY_LEADS.fullmatch(_without(text, found)))


def _without(text: str, found: Iterable[Found]) -> str:
    """Blank out what was read."""
    for one in found:
        text = text[: one.start] + " " * (one.end - one.start) + text[one.end :]
    return text


def _blank(found: re.Match[str]) -> str:
    return " " * len(found.group())


def _standing(text: str, found: list[Found]) -> list[Found]:
    """Leave out what was replaced: "was Q4, now Q2", "September, moved up to June"."""
    dated = [f for f in found if f.span]
    instead = [f for f in dated if _INSTEAD.search(_ahead(text, f.start))]
    if instead:
        return instead[-1:]
    return [f for f in dated if not _GONE.search(_ahead(text, f.start))] or dated


def _unread(
    part: str, text: str, found: list[Found], target: Target, context: Calendar
) -> str | None:
    """Name what looks like a date and is in no expression that was read."""
    for one in found:
        if _EARLIEST_BEHIND.match(part, one.end) or _EARLIEST_AHEAD.search(_ahead(part, one.start)):
            return EARLIEST
        # "Frühjahr 2027" is no whole year.
        named = _WORD_AHEAD.search(_ahead(part, one.start))
        if named and _BARE_YEAR.fullmatch(part[one.start : one.end]):
            return UNREAD + named.group(1)
    rest = _without(_ADDRESS.sub(_blank, part[:_LONGEST]), found)
    odd = _DATELIKE.search(rest)
    if odd and not _NOT_YET.search(_ahead(rest, odd.start())):
        return UNREAD + odd.group()
    for aside in _ASIDE.finditer(text if target.start else ""):
        for one in find(aside.group(1), target.start or date.min, context):
            within = (
                one.span
                and target.start
                and target.end
                and (target.start <= one.span[1] <= target.end)
            )
            if one.span and not within and not _GONE.search(_ahead(aside.group(1), one.start)):
                return UNREAD + aside.group()
    return None


def _words(text: str) -> str:
    return (
        re.split(r"\.\s+[A-Z]|;", text, maxsplit=1)[0].strip().rstrip(".").strip() or text.strip()
    )


def _latest(text: str, found: list[Found]) -> Target:
    """Join ranges and alternatives, then take the last step."""
    groups: list[list[Found]] = []
    for this in found:
        if this.span is None:
            continue
        if groups and _CONNECTOR.match(text[groups[-1][-1].end : this.start]):
            groups[-1].append(this)
        else:
            groups.append([this])
    last = max(groups, key=lambda group: max(f.span[1] for f in group if f.span))
    spans = [f.span for f in last if f.span]
    flags = [f.flag for f in last if f.flag]
    start, end = expression(text, last[0].start, last[-1].end)
    if len(groups) > 1:
        start = 0
    words = text[start:end] + ("?" if text[end : end + 1] == "?" else "")
    return Target(
        re.sub(r"\s+", " ", words).strip().rstrip("."),
        min(first for first, _ in spans),
        max(latest for _, latest in spans),
        flags[0] if flags else None,
    )


def expression(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen the place of a time expression to words that lead into it ("at least until")."""
    before = _ahead(text, start)
    lead = _MODIFIERS.search(before)
    return (start - len(before) + lead.start() if lead else start), end


def _ahead(text: str, place: int) -> str:
    """Give the words right before a place: no more than can lead into a time expression."""
    return text[max(place - _NEAR, 0) : place]
