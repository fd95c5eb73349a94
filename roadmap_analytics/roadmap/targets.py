"""What "towards the end of October" covers: words become an interval and its latest day.

No library has a grammar of vague dates. Conventions: thirds of a month are days 1-10, 11-20 and 21
to the last; a bare month covers its last day, also after "until"; of ranges and alternatives the
latest part counts; a date without a year is the first that does not lie before the document. A year
that is written is never changed: what looks wrong, or was read in part only, is flagged.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from dateutil.parser import parse as parse_date
from rapidfuzz.distance import OSA, Levenshtein

__all__ = ["DAY_AND_MONTH", "STALE", "Calendar", "Found", "Target", "find", "read_target"]

Span = tuple[date, date]

STALE = "before the document"
NO_SUCH_DAY = "no such day: read as the month"
MISSPELT = "month misspelt"
DAY_AND_MONTH = "day and month may be swapped"
FISCAL = "fiscal year without [calendar] fiscal_year_start: read as the calendar year"
SEASON = "a season has no certain days: read as its three months in the north"
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


_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_name) if name}
_SHORT = {name[:3]: number for name, number in _MONTHS.items()} | {"sept": 9}
# German, French, Spanish, Swedish; what English spells alike is not repeated.
_ABROAD = {
    **dict.fromkeys(["januar", "januari", "janvier", "enero"], 1),
    **dict.fromkeys(["februar", "februari", "février", "fevrier", "febrero"], 2),
    **dict.fromkeys(["märz", "maerz", "mars", "marzo", "mär"], 3),
    **dict.fromkeys(["avril", "abril"], 4),
    **dict.fromkeys(["mai", "maj", "mayo"], 5),
    **dict.fromkeys(["juni", "juin", "junio"], 6),
    **dict.fromkeys(["juli", "juillet", "julio"], 7),
    **dict.fromkeys(["augusti", "août", "aout", "agosto"], 8),
    **dict.fromkeys(["septembre", "septiembre", "setiembre"], 9),
    **dict.fromkeys(["oktober", "octobre", "octubre", "okt"], 10),
    **dict.fromkeys(["novembre", "noviembre"], 11),
    **dict.fromkeys(["dezember", "décembre", "decembre", "diciembre", "dez"], 12),
}
_MONTH = (
    r"(?P<{0}>(?:"
    + "|".join(sorted(_ABROAD, key=lambda name: (-len(name), name)))
    + r")(?!\w)|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*|[jfasond][a-z]{{5,9}})\.?"
)
_YEAR = (
    r"(?:(?:\s*,?\s*(?:of\s+|del?\s+)?|\s*[-/]\s*|\s*\(\s*)(?P<{0}>(?:19|20)\d\d(?![\d.-]*\d)|['’]\d\d(?!\d)|"
    r"(?<=[a-z.]-)[2-4]\d(?!\d))(?:\s*\))?)"  # "Oct-27" is a year, "Oct 27" is a day
)
# What follows a quarter, a half or a week; two digits alone end what they stand in.
_NEAR_YEAR = (
    r"(?:[\s,/(-]*(?:of\s+)?(?P<{0}>(?:FY|CY)\s?'?(?:20)?\d\d|20\d\d|['’]\d\d|(?<=[/-])[2-4]\d(?!\d)|"
    r"(?<=\s)[2-4]\d(?=\s*(?:$|[).,;:|])))(?:\s*\))?)"
)
_YEAR_BEFORE = r"(?:(?P<{0}>20\d\d|(?:FY|CY)\s?'?(?:20)?\d\d)[\s,/-]*)"
_PARTS = {  # of other languages
    **dict.fromkeys(["anfang", "début", "debut", "principios", "inicios", "början"], "beginning"),
    **dict.fromkeys(["mitte", "mi", "mediados", "mitten"], "mid"),
    **dict.fromkeys(["ende", "fin", "finales", "slutet"], "end"),
}
_PART = (
    r"(?P<part>beginning|start|early|first\s+days?|(?:first|second|third|fourth)\s+week|first\s+half|second\s+half|latter\s+half|"
    r"middle|mid|late|end|last\s+week|last\s+days?|"
    + "|".join(sorted(_PARTS, key=lambda name: (-len(name), name)))
    + r")"
)
_DAY = r"(?P<{0}>0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th|er|\.)?"
_DASH = r"\s*(?:-|–|—|--|to|and|or|/)\s*"
_ORDINAL = {
    "first": 1,
    "1st": 1,
    "second": 2,
    "2nd": 2,
    "third": 3,
    "3rd": 3,
    "fourth": 4,
    "4th": 4,
    "last": 4,
}
_NUMBER = {
    "a": 1,
    "an": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "couple": 2,
}


def _last(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])


def _month_of(word: str) -> int | None:
    """Give a month's number; "Janurary" is one, "decide" and the verb "may" are none."""
    lower = word.lower().rstrip(".")
    if known := _SHORT.get(lower) or _MONTHS.get(lower) or _ABROAD.get(lower):
        return known
    for name, number in _MONTHS.items():
        near = 0 if len(name) < 5 else 1 if len(name) < 7 else 2
        if name[:3] == lower[:3] and Levenshtein.distance(name, lower) <= near:
            return number
        if len(name) > 5 and name[0] == lower[0] and OSA.distance(name, lower) == 1:  # "ocotber"
            return number
    return None


def _misspelt(word: str | None) -> str | None:
    known = not word or word.lower().rstrip(".") in {*_SHORT, *_MONTHS, *_ABROAD}
    return None if known else MISSPELT


def _months_earlier(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _months_of(year: int, first: int, last: int) -> Span:
    return date(year, first, 1), _last(year, last)


def _part_of(span: Span, part: str | None) -> Span:
    """Give the third, half or week of a period that a word names."""
    if part is None:
        return span
    first, last = span
    word = re.sub(r"\s+", " ", part.lower())
    word = _PARTS.get(word, word)
    if first.year == last.year and first.month == last.month:
        edges = {
            "first half": (1, 15),
            "second half": (16, 31),
            "latter half": (16, 31),
            "first week": (1, 7),
            "second week": (8, 14),
            "third week": (15, 21),
            "fourth week": (22, 28),
        }
        edges |= {"last week": (last.day - 6, 31)}
        a, b = edges.get(word, (21, 31) if word.startswith(("late", "last", "end")) else (1, 10))
        if word in ("mid", "middle"):
            a, b = 11, 20
        return first.replace(day=a), first.replace(day=min(b, last.day))
    return _part_of_months(first, last, word)


def _part_of_months(first: date, last: date, word: str) -> Span:
    """Halves of a quarter or a year; thirds of a year are four months, of a quarter one."""
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    if word.endswith("half"):
        size, skip = (
            months // 2 or 1,
            0 if word.startswith("first") else months - (months // 2 or 1),
        )
    elif word.startswith(("late", "last", "end", "eoy", "year")):
        size = max(months // 3, 1) if word.startswith("late") else 1
        skip = months - size
    else:
        size = max(months // 3, 1)
        skip = size if word.startswith("mid") else 0
    start = first.month - 1 + skip
    return _months_of(first.year, start + 1, start + size)


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

    def _found(
        self, m: re.Match[str], make: Callable[[int], Span], year: int | None
    ) -> Found | None:
        try:
            span, flag = self.fit(make, year)
        except ValueError:  # the 31st of a short month, or a year beyond the calendar
            return None
        flag = flag or _misspelt(m.groupdict().get("month"))
        return Found(m.start(), m.end(), span, year, flag, year is not None)

    def _fiscal(self, found: Found | None, text: str | None) -> Found | None:
        """Move an expression of a fiscal year to where that year lies."""
        if found is None or found.span is None or not (text or "").upper().startswith("FY"):
            return found
        start = self.context.fiscal_start
        if start is None:
            return replace(found, flag=found.flag or FISCAL)
        back = 13 - start if start > 1 else 0  # FY27 from October: its January lies 3 months on
        first, last = (_months_earlier(day, back) for day in found.span)
        flag = None if found.flag == STALE else found.flag
        last = _last(last.year, last.month)
        return replace(found, span=(first, last), flag=STALE if last < self.written else flag)

    # One method per kind of expression; each returns None where the words mean something else.

    def iso(self, m: re.Match[str]) -> Found | None:
        year, month, number = (int(part) for part in re.findall(r"\d+", m.group())[:3])
        try:
            day = date(year, month, number)
        except ValueError:  # 2026-02-30
            return self._no_such_day(m, year, month)
        return self._found(m, lambda y: (day.replace(year=y), day.replace(year=y)), day.year)

    def iso_range(self, m: re.Match[str]) -> Found | None:
        numbers = [int(part) for part in re.findall(r"\d+", m.group())]
        try:
            first, last = date(*numbers[:3]), date(*numbers[3:6])
        except ValueError:
            return None
        return self._found(m, lambda y: (min(first, last), last), last.year)

    def years(self, m: re.Match[str]) -> Found | None:
        first, last = int(m["y"]), int(m["y2"])
        return self._found(m, lambda y: (date(min(first, y), 1, 1), date(y, 12, 31)), last)

    def numeric(self, m: re.Match[str]) -> Found | None:
        first, second, year = int(m["a"]), int(m["b"]), int(m["y"])
        dotted = "." in m.group()
        day, month = (second, first) if second > 12 and not dotted else (first, second)
        found = self._found(m, lambda y: (date(y, month, day), date(y, month, day)), year)
        unclear = not dotted and first != second and max(first, second) <= 12
        return replace(found, flag=found.flag or DAY_AND_MONTH) if found and unclear else found

    def iso_month(self, m: re.Match[str]) -> Found | None:
        month = int(m["m"])
        return self._found(m, lambda y: _part_of(_months_of(y, month, month), None), int(m["y"]))

    def iso_week(self, m: re.Match[str]) -> Found | None:
        week, year = int(m["w"]), _year(m["y"] or m["y2"])

        def make(y: int) -> Span:
            monday = date.fromisocalendar(y, week, 1)
            return monday, monday + timedelta(days=6)

        return self._found(m, make, year)

    def quarter(self, m: re.Match[str]) -> Found | None:
        number = m["q"] or m["qa"]
        first = int(number) if number else _ORDINAL[m["ord"].lower()]
        last = int(m["q2"]) if m["q2"] else first
        year = _year(m["y"] or m["y2"])
        found = self._found(
            m, lambda y: _part_of(_months_of(y, 3 * first - 2, 3 * last), m["part"]), year
        )
        return self._fiscal(found, m["y"] or m["y2"])

    def half(self, m: re.Match[str]) -> Found | None:
        told = m["h"] or m["ha"]
        number = int(told) if told else 1 if m["ord"].lower() in ("first", "1st") else 2
        year = _year(m["y"] or m["y2"])
        if m["ord"] and year is None:
            year = self._named_year(m["year_word"])
        found = self._found(
            m, lambda y: _part_of(_months_of(y, 6 * number - 5, 6 * number), m["part"]), year
        )
        return self._fiscal(found, m["y"] or m["y2"])

    def day_range(self, m: re.Match[str]) -> Found | None:
        month = _month_of(m["month"])
        if month is None:
            return None
        first, last = int(m["d1"]), int(m["d2"])
        return self._found(
            m, lambda y: (date(y, month, first), date(y, month, last)), _year(m["year"])
        )

    def day(self, m: re.Match[str]) -> Found | None:
        month = _month_of(m["month"])
        if month is None:
            return None
        year = _year(m["year"])

        def make(y: int) -> Span:
            spelt = f"{m['d']} {calendar.month_name[month]} {y}"
            at = parse_date(spelt, default=datetime(y, month, 1)).date()  # noqa: DTZ001 a day, no instant
            return at, at

        return self._found(m, make, year)

    def week_of(self, m: re.Match[str]) -> Found | None:
        day = self.day(m)
        if day is None or day.span is None:
            return None
        monday = day.span[0] - timedelta(days=day.span[0].weekday())
        return replace(day, span=(monday, monday + timedelta(days=6)))

    def month(self, m: re.Match[str]) -> Found | None:
        month = _month_of(m["month"])
        word = m["month"]
        if month is None or (
            ((word == word.lower() and word[:3] in ("may", "mar")) or word.lower() in _ABROAD)
            and not (m["part"] or m["year"] or m.group().strip() == m.string.strip())
        ):
            return None  # "may be delayed"; "Mars" is a planet
        last = _month_of(m["month2"]) if m["month2"] else month
        if last is None:
            return None

        def make(y: int) -> Span:
            end = _last(y, last)
            start = date(y if last >= month else y - 1, month, 1)
            return _part_of((start, end), m["part"]) if m["part"] else (start, end)

        return self._found(m, make, _year(m["year"]))

    def impossible(self, m: re.Match[str]) -> Found | None:
        month = _month_of(m["month"])
        if month is None or m["month"] in ("may", "mar"):
            return None
        return self._no_such_day(m, _year(m["year"]), month)

    def _no_such_day(self, m: re.Match[str], year: int | None, month: int) -> Found | None:
        found = self._found(m, lambda y: _months_of(y, month, month), year)
        return replace(found, flag=found.flag or NO_SUCH_DAY) if found else None

    def _named_year(self, word: str | None) -> int | None:
        return (
            self.written.year + 1 if word and word.lower().startswith("next") else self.written.year
        )

    def year(self, m: re.Match[str]) -> Found | None:
        year = _year(m["year"]) or self._named_year(m["year_word"])
        found = self._found(m, lambda y: _part_of(_months_of(y, 1, 12), m["part"]), year)
        return self._fiscal(found, m["year"])

    def relative(self, m: re.Match[str]) -> Found | None:
        unit, which = m["unit"].lower(), m["which"].lower()
        ahead = 1 if which in ("next", "coming") else 0
        if unit == "week":
            monday = self.written + timedelta(days=7 * ahead - self.written.weekday())
            span: Span = (monday, monday + timedelta(days=6))
        elif unit == "month":
            year, month = divmod(self.written.year * 12 + self.written.month - 1 + ahead, 12)
            span = _part_of(_months_of(year, month + 1, month + 1), m["part"])
        else:
            year, quarter = divmod(self.written.year * 4 + (self.written.month - 1) // 3 + ahead, 4)
            span = _part_of(_months_of(year, 3 * quarter + 1, 3 * quarter + 3), m["part"])
        return Found(m.start(), m.end(), span)

    def within(self, m: re.Match[str]) -> Found | None:
        word = m["n"].lower()
        count = _NUMBER.get(word) or (int(word) if word.isdigit() else 0)
        days = {"day": 1, "week": 7, "month": 30.44, "year": 365.25}[m["unit"].lower()] * count
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
        first = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9}.get(named[1].lower(), 12)

        def make(y: int) -> Span:  # a winter bears the year in which it ends or begins: the later
            return (
                (date(y, 12, 1), _last(y + 1, 2))
                if first == 12
                else _months_of(y, first, first + 2)
            )

        found = self._found(m, make, int(named[2]))
        return replace(found, flag=found.flag or SEASON) if found else None

    def named(self, m: re.Match[str], span: Span, text: str) -> Found:
        before = re.search(
            r"(?i)\b(before|until|by|prior\s+to|ahead\s+of)\s+(the\s+)?$", _ahead(text, m.start())
        )
        eve = span[0] - timedelta(days=1)
        return Found(m.start(), m.end(), (eve, eve) if before else span)

    def after(self, m: re.Match[str]) -> Found | None:
        return Found(m.start(), m.end(), None)

    def at(self, text: str, place: int) -> Found | None:
        """Give the expression that begins at a place of the text, or None."""
        for name, span in (self.context.periods or {}).items():
            words = r"\s+".join(map(re.escape, name.split()))
            pattern = re.compile(rf"(?:the\s+|our\s+)?{words}(?!\w)", re.IGNORECASE)
            if m := pattern.match(text, place):
                return self.named(m, span, text)
        for kind, pattern in _GRAMMAR:
            if (m := pattern.match(text, place)) and (found := getattr(self, kind)(m)):
                return found if isinstance(found, Found) else None
        return None


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text + r"(?![\w%])", re.IGNORECASE)


_OF = r"(?:\s*-\s*|\s+(?:of\s+|de\s+|av\s+)?(?:the\s+)?(?:month\s+of\s+)?)"
_ISO = r"20\d\d(?:-(?:0?[1-9]|1[0-2])-|/(?:0?[1-9]|1[0-2])/)(?:0?[1-9]|[12]\d|3[01])(?!\d)"
_YEAR_WORD = r"(?P<year_word>(?:(?:the|this|next)\s+)?year)"
_GRAMMAR: list[tuple[str, re.Pattern[str]]] = [
    ("iso_range", _pattern(rf"{_ISO}\s*(?:/|–|—|--|\.\.+|\bto\b)\s*{_ISO}")),
    ("iso", _pattern(rf"{_ISO}(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?")),
    ("years", _pattern(r"(?P<y>20\d\d)\s*(?:-|–|—|/|\bto\b)\s*(?P<y2>20\d\d)")),
    ("iso_week", _pattern(r"(?P<y>20\d\d)[\s/-]*(?:KW|CW|W)\s?(?P<w>\d\d?)(?P<y2>)")),
    (
        "iso_week",
        _pattern(
            r"(?:(?:calendar\s+)?week\s*|woche\s*|vecka\s*|semaine\s*|semana\s*|KW\s*|CW\s*|w|\Av\.\s+(?=\d\d\Z))(?P<w>\d\d?)"
            rf"{_NEAR_YEAR.format('y')}?(?P<y2>)"
        ),
    ),
    (
        "quarter",
        _pattern(
            rf"(?:{_PART}{_OF})?{_YEAR_BEFORE.format('y')}?(?:Q(?P<q>[1-4])(?:{_DASH}Q?(?P<q2>[1-4]))?|(?P<qa>[1-4])Q)"
            rf"{_NEAR_YEAR.format('y2')}?(?P<ord>)"
        ),
    ),
    (
        "quarter",
        _pattern(
            rf"(?:{_PART}{_OF})?(?P<ord>first|second|third|fourth|last|1st|2nd|3rd|4th)\s+quarter"
            rf"(?:\s*,?\s*(?:of\s+)?(?P<y>20\d\d))?(?P<q>)(?P<qa>)(?P<q2>)(?P<y2>)"
        ),
    ),
    (
        "half",
        _pattern(
            rf"(?:{_PART}{_OF})?{_YEAR_BEFORE.format('y')}?(?:H(?P<h>[12])|(?P<ha>[12])H){_NEAR_YEAR.format('y2')}?"
            r"(?P<ord>)(?P<year_word>)"
        ),
    ),
    (
        "half",
        _pattern(
            rf"(?P<ord>first|second|1st|2nd|latter)\s+half\s+(?:of\s+)?(?:(?P<y>20\d\d)|{_YEAR_WORD})"
            r"(?P<h>)(?P<ha>)(?P<y2>)(?P<part>)".replace("(?P<part>)", "(?P<part>(?!))?")
        ),
    ),
    ("iso_month", _pattern(r"(?P<y>20\d\d)[-/](?P<m>0?[1-9]|1[0-2])(?![-/]?\d)")),
    ("iso_month", _pattern(r"(?P<m>0?[1-9]|1[0-2])[/.](?P<y>20\d\d)")),
    ("numeric", _pattern(r"(?P<a>\d\d?)(?P<s>[./])(?P<b>\d\d?)(?P=s)(?P<y>20\d\d)")),
    (
        "week_of",
        _pattern(
            rf"week\s+of\s+(?:the\s+)?{_DAY.format('d')}\s+(?:of\s+)?{_MONTH.format('month')}"
            rf"{_YEAR.format('year')}?"
        ),
    ),
    (
        "week_of",
        _pattern(
            rf"week\s+of\s+{_MONTH.format('month')}\s+{_DAY.format('d')}{_YEAR.format('year')}?"
        ),
    ),
    (
        "day_range",
        _pattern(
            rf"{_DAY.format('d1')}{_DASH}{_DAY.format('d2')}\s+(?:of\s+)?{_MONTH.format('month')}"
            rf"{_YEAR.format('year')}?"
        ),
    ),
    (
        "day_range",
        _pattern(
            rf"{_MONTH.format('month')}\s+{_DAY.format('d1')}{_DASH}{_DAY.format('d2')}"
            rf"{_YEAR.format('year')}?"
        ),
    ),
    (
        "day",
        _pattern(
            rf"{_DAY.format('d')}[\s-]+(?:of\s+|de\s+)?{_MONTH.format('month')}(?:-?{_YEAR.format('year')})?"
        ),
    ),
    (
        "day",
        _pattern(
            rf"{_MONTH.format('month')}\s+(?:the\s+)?{_DAY.format('d')}(?!\s*(?:st|nd|rd|th)?\s*[%:.]\d)"
            rf"{_YEAR.format('year')}?"
        ),
    ),
    (
        "impossible",  # 31 June, 99 April: what no pattern above could make a day of
        _pattern(
            rf"(?:\d\d?{_DASH})?\d\d?(?:st|nd|rd|th)?[\s-]+(?:of\s+)?{_MONTH.format('month')}"
            rf"{_YEAR.format('year')}?"
        ),
    ),
    (
        "impossible",
        _pattern(
            rf"{_MONTH.format('month')}\s+(?:the\s+)?\d\d?(?:st|nd|rd|th)?(?!\s*[%:.]\d)"
            rf"{_YEAR.format('year')}?"
        ),
    ),
    (
        "month",
        _pattern(
            rf"(?:{_PART}{_OF})?{_MONTH.format('month')}(?:\s*[-–/]\s*{_MONTH.format('month2')})?"
            rf"{_YEAR.format('year')}?"
        ),
    ),
    (
        "relative",
        _pattern(
            rf"(?:{_PART}{_OF})?(?P<which>this|next|coming|current|the(?=\s+(?:month|quarter)))\s+"
            r"(?P<unit>week|month|quarter)"
        ),
    ),
    (
        "year",
        _pattern(r"(?P<part>end-of-year|EOY|year[\s-]end)(?:\s+(?P<year>20\d\d))?(?P<year_word>)"),
    ),
    (
        "year",
        _pattern(
            rf"{_PART}{_OF}(?:(?P<year>(?:[FC]Y\s?)?'?20\d\d|[FC]Y\s?'?\d\d)(?![-.]\d)|{_YEAR_WORD})"
        ),
    ),
    (
        "year",
        _pattern(
            r"(?P<part>(?!))?(?:(?P<year>(?:[FC]Y\s?)?'?20\d\d|[FC]Y\s?'?\d\d)(?![-./]\d)|(?P<year_word>(?:this|next)\s+year))"
        ),
    ),
    (
        "within",
        _pattern(
            r"(?:(?:(?:with)?in\s+)?(?:the\s+)?(?:next|coming)\s+|(?:with)?in\s+(?:about\s+|around\s+|~\s*)?|(?<=~)(?=\d)|(?<=~\s)(?=\d))(?P<n>\d{1,3}|an?|one|two|three|four|"
            r"five|six|(?:a\s+)?couple)(?:\s+of)?\s+(?P<unit>day|week|month|year)s?"
        ),
    ),
    (
        "within",
        _pattern(
            r"(?P<n>\d{1,3}|an?|one|two|three|four|five|six)\s+(?P<unit>day|week|month|year)s?\s+from\s+now"
        ),
    ),
    ("today", _pattern(r"today|tomorrow")),
    (
        "horizon",
        _pattern(
            r"(?:the\s+)?end\s+of\s+(?:the|this|our|next)?\s*(?:upcoming\s+|current\s+|next\s+|present\s+)?"
            r"roadmap(?:\s+(?:period|iteration|cycle))?"
        ),
    ),
    (
        "renewal",
        _pattern(
            r"(?:the\s+)?(?:next|new|upcoming)\s+(?:roadmap\s+(?:renewal|update|revision|iteration)|"
            r"(?:renewal|update|revision)\s+of\s+(?:the|this)\s+roadmap|renewal|roadmap(?:\s+is\s+\w+)?)"
            r"(?!\s+(?:format|template|document|page|process)\b)"
        ),
    ),
    (
        "renewal",
        _pattern(
            r"(?:the\s+)?roadmap(?:'s)?\s+(?:renewal|update|(?:is|gets)\s+(?:renewed|updated|revised|set))"
        ),
    ),
    (
        "season",
        _pattern(
            r"(?:the\s+|this\s+|next\s+)?(?:(?:early|mid|late|end\s+of)[\s-]+)?(?:(?:mid)?summer|winter|autumn|fall|spring|"
            r"christmas|easter|new\s+year)(?:'s)?(?:\s+(?:holidays?|vacations?|break))?(?:\s+20\d\d)?"
        ),
    ),
    (
        "season",
        _pattern(
            r"the\s+(?:[\w.-]+\s+){0,4}(?:summit|conference|meetup|workshop|hackathon|holidays?|vacations?)"
        ),
    ),
]
_MODIFIERS = re.compile(
    r"(?:\b(?:at\s+least|at\s+the\s+latest|no\s+later\s+than|towards?|around|about|approximately|roughly|before|until|"
    r"till|during|within|by|in|on|the|for|latest|early|sometime|somewhere|already|between|from|hopefully|tentatively|likely|due)\s+|~\s*)+$",
    re.IGNORECASE,
)
_NOT_YET = re.compile(
    r"(?:\b(?:not\s+(?:\w+\s+){0,6}(?:before|until)|no(?:t)?\s+(?:earlier|sooner)\s+than|after|from|since|starting|as\s+of|start(?:s|ed)?\s+in)"
    r"\s+(?:the\s+)?(?:around\s+)?)$",
    re.IGNORECASE,
)
_CONNECTOR = re.compile(
    r"^[\s,]*(?:/|-|–|—|or|to|and|until|till|through|latest|likely|maybe|possibly|perhaps|probably|early|by|at|the|in|"
    r"around|about|towards?|worst\s+case|rather|but|more|\s)*[\s,]*$",
    re.IGNORECASE,
)
NO_DATE = re.compile(
    r"^\W*(?:no\s+(?:estimate|date|deadline|target|eta|plan)|not\s+(?:estimated|planned|scheduled|decided|known)|tb[dac]\b|"
    r"to\s+be\s+(?:decided|determined|announced|confirmed)|unknown|unclear|undecided|unscheduled|none|n/?a\b|open[\s-]ended|"
    r"ongoing|rolling|continuous(?:ly)?|soon|later|someday|eventually|asap|-+$|\?+$)",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"https?://\S+")
_ASIDE = re.compile(r"\((?!\s*(?:[FC]Y\s?)?['’]?\d{2,4}\s*\))([^()]*)\)")
_STRUCK = re.compile(r"~~[^~]*~~(?=.*\w)")
_GONE = re.compile(
    r"\b(?:was|were|previously|originally|formerly|initially|old|instead\s+of|(?:moved|changed|slipped|delayed|pushed|"
    r"postponed)\s+from)(?:\s+(?:for|planned(?:\s+for)?|in|on|by|end\s+of))?:?\s*$",
    re.IGNORECASE,
)
_INSTEAD = re.compile(
    r"(?:\b(?:now|moved|pushed|pulled|brought|postponed|delayed|slipped|rescheduled|shifted|deferred|revised|updated|changed)"
    r"(?:\s+(?:up|back|out|in|forward|ahead))?(?:\s+(?:to|until|till|for|into))?|(?:→|->|=>|➔))\s*$",
    re.IGNORECASE,
)
_DATELIKE = re.compile(
    r"(?<![\w.#/@-])(?:\d{1,4}[/-]\d{1,4}(?:[/-]\d{1,4})?|20\d\d\.\d\d?|(?:19|20)\d\d|[FC]Y\s?'?\d\d(?:\d\d)?|['’]\d\d|"
    r"[QH]\d|\d\d?[QH]\d?|\d{1,2}\.\d{1,2}\.\d{2,4}|(?:quartal|kvartal|trimestre|semestre|halbjahr|halvår)|(?:K|C)?W\s?\d\d?|(?:January|February|April|June|July|August|September|October|November|"
    r"December)|\d{1,2}(?:st|nd|rd|th))(?![\w.-]*\w)",
    re.IGNORECASE,
)
_NEAR = 120
_LEADS = frozenset(
    {
        *(
            "was",
            "were",
            "now",
            "then",
            "moved",
            "to",
            "from",
            "until",
            "by",
            "due",
            "in",
            "on",
            "the",
        ),
        *(
            "end",
            "of",
            "at",
            "around",
            "about",
            "planned",
            "expected",
            "estimated",
            "target",
            "eta",
        ),
        *("originally", "previously", "slipped", "delayed", "postponed", "up", "back"),
    }
)
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
    for word in re.finditer(r"(?<![\w.%@#$+])(?<!\d[-/])(?<!\w-)[\w'’]", text):
        if word.start() >= place and (found := scan.at(text, word.start())):
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
        return Target(re.split(r"[,;.(]", text[: none.end() + 40], maxsplit=1)[0].strip() or text)
    text = _STRUCK.sub(lambda m: " " * len(m.group()), text)
    # An aside is no part of the expression, but for its year: "Q1 (2027)".
    main = _ASIDE.sub(_blank, text)
    sentence = re.match(r".*?(?=\.\s+[A-Z]|$)", main, re.DOTALL)
    for part in (sentence.group() if sentence else main, main, text):
        found = [
            f for f in find(part, written, context) if not _NOT_YET.search(_ahead(part, f.start))
        ]
        if any(f.span for f in found):
            target = _latest(part, _standing(part, found))
            return replace(target, flag=target.flag or _unread(part, text, found, target, context))
        if found and part is main:  # an aside is no better date than "before the summer"
            break
    words = _words(main if main.strip() else text)
    odd = None if NO_DATE.match(words) else _DATELIKE.search(_ADDRESS.sub("", words))
    return Target(
        words,
        flag=f"{UNREAD}{odd.group()}"
        if odd and not _NOT_YET.search(words[: odd.start()])
        else None,
    )


def only_time(text: str, written: date, context: Calendar = Calendar()) -> bool:
    """Whether a text is a time expression and nothing else: "Was 2026-04-30, now 2026-05-20".

    Examples
    --------
    >>> only_time("Due mid May", date(2026, 2, 3)), only_time("May fair", date(2026, 2, 3))
    (True, False)
    """
    found = [one for one in find(text, written, context) if one.span]
    rest = text
    for one in found:
        rest = rest[: one.start] + " " * (one.end - one.start) + rest[one.end :]
    words = re.findall(r"[^\W\d_]+|\d+", rest.casefold())
    return bool(found) and len(text) < _NEAR and set(words) <= _LEADS


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
    rest = _ADDRESS.sub(_blank, part[:_LONGEST])
    for one in found:
        rest = rest[: one.start] + " " * (one.end - one.start) + rest[one.end :]
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
