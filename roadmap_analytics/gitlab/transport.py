"""How requests go out: to one host only, one limiter for all threads, checked and bounded answers.

python-gitlab makes the requests. Below it, `Transport` (an adapter of its session) is the one gate
that every request passes, whatever its method: it refuses other hosts, decides when each request
may leave, repeats what failed for a passing reason, bounds the time and size of an answer, and lets
no answer through that is not whole: an iterator of python-gitlab that meets a broken page would
otherwise skip it when resumed.
"""

from __future__ import annotations

import http.client
import io
import math
import random
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests
from requests.adapters import HTTPAdapter

from roadmap_analytics.errors import ServerError

# Six attempts, with waits that double from half a second, bridge a quarter of a minute.
ATTEMPTS = 6
# A limit is no failure: the server says when to come back, to many threads at once.
LIMIT_ATTEMPTS = 30
# After so many requests that failed for good, one that worked is repeated: is the server gone?
LOST_IN_A_ROW = 3
WEB_PAGE = "a web page instead of JSON"
ELSEWHERE = "a redirect or link to another host"
BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 30.0
JITTER_SECONDS = 0.1
"""By chance up to so much later than told: those who got the same do not come together."""
LONGEST_WAIT_SECONDS = 3700.0
"""GitLab's limits start again after a minute or an hour; a server that asks for more is left."""
MOST_WAITS = 3
"""How often one request may wait that long before it fails."""
ANSWER_SECONDS = 300.0
"""A page of 100 issues takes a second; a slow line gets five minutes, a trickle no more."""
ANSWER_BYTES = 256 * 2**20
"""GitLab allows 1 MiB for a description, so 100 issues may be 100 MiB at the very worst."""
DEEPEST = 50
"""Levels of lists and objects in an answer; GitLab's own have about five."""
PIECE = 2**18
PASSING = frozenset({408, 425, 500, 502, 503, 504, *range(520, 531)})
TOO_SLOW = frozenset({408, 503, 504})
"""What may be answered where a query takes too long (see `_gave_up`)."""


class Cancelled(Exception):  # noqa: N818 - not an error: the run is being stopped
    """The run ends; nothing more is to be asked."""


class NotWhole(requests.RequestException):
    """An answer that is broken off, or no JSON where JSON was due."""


class Elsewhere(requests.RequestException):
    """A request to another scheme, host or port than those of the GitLab: it was not sent."""


class TooMuch(requests.RequestException):
    """An answer that takes too long or is too large; asking again would bring it again."""


class Limiter:
    """When the next request may leave, for all threads together.

    After a 429 every thread waits until the same instant; from then on requests leave one by one,
    a gap apart, and the gap shrinks with every answer that is not a 429: nothing storms.

    Parameters
    ----------
    waiting
        Told the seconds, each time that all have to wait.
    clock, draw
        Seconds that only grow, and chances from 0 to 1; tests give their own.
    """

    SMALLEST_GAP = 0.02
    LARGEST_GAP = 2.0

    def __init__(
        self,
        waiting: Callable[[float], None] = lambda seconds: None,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.stopped = threading.Event()
        self._waiting = waiting
        self._clock = clock
        self._draw = draw
        self._lock = threading.Lock()
        self._next = 0.0
        self._until = 0.0
        self._gap = 0.0
        self._in_a_row = 0
        self._told = 0.0

    def acquire(self) -> None:
        """Wait for one's turn.

        Raises
        ------
        Cancelled
            Where the run was stopped meanwhile.
        ServerError
            Where the server asks to wait longer than a run should.
        """
        while True:
            if self._told > LONGEST_WAIT_SECONDS:
                raise ServerError(
                    f"the server asks to wait {self._told:,.0f} s before the next request, more "
                    f"than the {LONGEST_WAIT_SECONDS:,.0f} s that a run waits. What was fetched is "
                    "kept: run the same command after that time."
                )
            with self._lock:
                now = self._clock()
                delay = self._next - now
                if delay <= 0:
                    self._next = now + self._gap
                    break
            self.sleep(delay)
        if self.stopped.is_set():
            raise Cancelled

    def sleep(self, seconds: float) -> None:
        """Wait, but no longer than until the run is stopped."""
        if self.stopped.wait(seconds):
            raise Cancelled

    def answered(self, status: int, headers: Mapping[str, str], at: datetime | None = None) -> None:
        """Learn from an answer, given at that time, how fast the server will have it."""
        told = _told(headers, status, at or server_time(headers))
        with self._lock:
            self._told = max(self._told, told or 0.0)
            if status != 429:
                self._in_a_row = 0
                self._gap = self._gap * 0.8 if self._gap > self.SMALLEST_GAP else 0.0
                if told is None:
                    return
            elif self._clock() >= self._until:  # requests under way together are refused together
                self._gap = min(max(2 * self._gap, self.SMALLEST_GAP), self.LARGEST_GAP)
                self._in_a_row += 1
            in_a_row = max(1, self._in_a_row)
            wait = self.backoff(in_a_row) if told is None else told + JITTER_SECONDS * self._draw()
            until = self._clock() + min(wait, LONGEST_WAIT_SECONDS)
            longer = until > self._next
            self._until = max(self._until, until)
            self._next = max(self._next, until)
        if longer and wait >= 1:
            self._waiting(wait)

    def backoff(self, attempt: int) -> float:
        """Seconds to wait after so many attempts, growing and bounded.

        By chance between half and all of it: threads that failed together do not come together.
        """
        longest: float = min(BACKOFF_SECONDS * 2 ** (attempt - 1), LONGEST_BACKOFF_SECONDS)
        return longest * (0.5 + 0.5 * self._draw())


def _told(headers: Mapping[str, str], status: int, at: datetime | None) -> float | None:
    """Seconds that the headers ask to wait, None where they ask for nothing."""
    if status in (429, 503) and "Retry-After" in headers:
        told = headers["Retry-After"]
        seconds = _number(told)
        if seconds is None and at and (until := _http_date(told)):
            seconds = max(0.0, (until - at).total_seconds())
        return seconds
    if status == 429 or _number(headers.get("RateLimit-Remaining")) == 0:
        reset = _number(headers.get("RateLimit-Reset"))
        if reset is not None and at is not None:
            return max(0.0, reset - at.timestamp())
    return None


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def server_time(headers: Mapping[str, str]) -> datetime | None:
    """Give the server's clock, to the second; None where it does not say."""
    return _http_date(headers.get("Date", ""))


def _http_date(text: str) -> datetime | None:
    """Read ``Wed, 21 Oct 2015 07:28:00 GMT``; None where it is something else."""
    try:
        found = parsedate_to_datetime(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


class Transport(HTTPAdapter):
    """Sends requests for all threads, to one host; repeats what may pass; counts.

    Parameters
    ----------
    origin
        Address of the GitLab. Requests to another scheme, host or port are refused, wherever the
        address came from: a redirect, a link to the next page, or a mistake of ours.
    limiter, jobs
        When requests may leave, and how many at once.
    now
        This machine's clock, for servers that do not tell their time.
    seconds, size
        Most seconds and bytes (unpacked) of an answer, whatever its status.
    """

    def __init__(
        self,
        origin: str,
        limiter: Limiter,
        jobs: int,
        now: Callable[[], datetime],
        *,
        seconds: float | None = None,
        size: int | None = None,
    ) -> None:
        self._origin = _where(str(requests.Request("GET", origin).prepare().url))
        self._seconds = ANSWER_SECONDS if seconds is None else seconds
        self._size = ANSWER_BYTES if size is None else size
        super().__init__(pool_maxsize=jobs)
        self._slots = threading.BoundedSemaphore(jobs)
        self._now = now
        self.limiter = limiter
        self.requests = 0  # sent so far, repeated ones too
        # The server's clock: the earliest time that an answer gave, and that of the newest answer.
        self.started_at: datetime | None = None
        self.seen_at: datetime | None = None
        self._lock = threading.Lock()
        self._lost_in_a_row = 0
        self._answered: tuple[requests.PreparedRequest, Any, Any] | None = None

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make connections whose answers are bounded."""
        super().init_poolmanager(*args, **kwargs)
        self._bound(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """Make connections through a proxy whose answers are bounded."""
        manager = super().proxy_manager_for(*args, **kwargs)
        if manager.pool_classes_by_scheme.keys() and not getattr(manager, "bounded", False):
            self._bound(manager)
        return manager

    def _bound(self, manager: Any) -> None:
        """Let the connections of a pool manager read through `_Bounded`.

        A time-out of `requests` is about one wait for bytes. A server that sends a byte a second,
        be it of the headers, meets it never; so the bound has to stand where bytes come in.
        """
        seconds, size = self._seconds, self._size

        class Answer(http.client.HTTPResponse):
            def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
                super().__init__(sock, *args, **kwargs)
                self.fp = io.BufferedReader(_Bounded(self.fp.detach(), sock, seconds, size))

        manager.pool_classes_by_scheme = {
            scheme: type(
                pool.__name__,
                (pool,),
                {"ConnectionCls": type("_", (pool.ConnectionCls,), {"response_class": Answer})},
            )
            for scheme, pool in manager.pool_classes_by_scheme.items()
        }
        manager.bounded = True

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        """Send until the answer is whole, or for good refused.

        Raises
        ------
        Elsewhere
            Where the address is not on this GitLab's host: nothing was sent.
        ServerError
            Where several requests in a row were lost, and one that worked before is lost too, or
            the server asks to wait for too long.
        requests.RequestException
            Where this request failed after every retry.
        """
        if _where(str(request.url)) != self._origin:
            raise Elsewhere(f"{ELSEWHERE} ({_without_query(request)}), which was not asked")
        attempt = limited = 0
        patience = time.monotonic() + MOST_WAITS * LONGEST_WAIT_SECONDS
        while True:
            try:
                response = self._once(request, *args, **kwargs)
            except requests.exceptions.SSLError:
                raise  # a certificate that is not trusted now is not trusted in a second either
            except TooMuch as error:
                self._count_lost(request, str(error))
                raise
            except requests.RequestException as error:
                attempt += 1
                if attempt >= ATTEMPTS or (
                    _in_halves(request) and isinstance(error, requests.Timeout)
                ):
                    self._count_lost(request, reason(error))
                    raise
                self.limiter.sleep(self.limiter.backoff(attempt))
                continue
            patient = limited < LIMIT_ATTEMPTS and time.monotonic() < patience
            if response.status_code == 429 and patient:
                limited += 1  # no failed attempt: the limiter has seen it and makes all wait
                continue
            too_slow = _in_halves(request) and _gave_up(response)
            if response.status_code in PASSING and attempt + 1 < ATTEMPTS and not too_slow:
                attempt += 1
                self.limiter.sleep(self.limiter.backoff(attempt))
                continue
            if response.status_code == 429 or response.status_code in PASSING:
                self._count_lost(request, f"status {response.status_code}")
            else:
                self._lost_in_a_row = 0
                self._answered = self._answered or (request.copy(), args, kwargs)
            return response

    def _once(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        with self._slots:
            self.limiter.acquire()
            with self._lock:
                self.requests += 1
            response = self._fetch(request, *args, **kwargs)
        at = server_time(response.headers) or self._now()
        self.limiter.answered(response.status_code, response.headers, at)
        with self._lock:
            self.seen_at = at
            # The earliest, not the first: a clock that is set back during the run dates changes
            # before the first answer, and a start after them would hide them from the next run.
            self.started_at = min(self.started_at or at, at)
        is_file = request.path_url.partition("?")[0].endswith("/raw")  # the one answer not of JSON
        if response.status_code == 200 and not is_file:
            check_json(response.content)
        return response

    def _fetch(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        """Send once and read the whole answer: a broken connection is noticed here."""
        try:
            response = super().send(request, *args, **kwargs)
            content = bytearray()
            for piece in response.iter_content(PIECE):  # unpacked, a piece at a time
                content += piece
                if len(content) > self._size:
                    response.close()
                    raise TooMuch(_bounds("is larger than allowed", self._seconds, self._size))
        except requests.RequestException as error:
            if isinstance(inner := _innermost(error), TooMuch):
                raise inner from None
            raise
        response._content = bytes(content)  # where `requests` keeps what it has read
        return response

    def _count_lost(self, request: requests.PreparedRequest, why: str) -> None:
        """Tell parts that fail from a server that is gone: then a request that worked fails too."""
        with self._lock:
            self._lost_in_a_row += 1
            if self._lost_in_a_row < LOST_IN_A_ROW:
                return
            if self._still_answers():
                self._lost_in_a_row = 0
                return
        raise ServerError(
            f"{_without_query(request)}: no answer after {ATTEMPTS} attempts ({why}), nor to "
            "others. What was fetched is kept: run again to go on."
        )

    def _still_answers(self) -> bool:
        if self._answered is None:
            return False
        request, args, kwargs = self._answered
        self.requests += 1
        try:
            response = self._fetch(request, *args, **kwargs)
            return response.status_code == 200 and bool(response.content)
        except requests.RequestException:
            return False


def _in_halves(request: requests.PreparedRequest) -> bool:
    """Whether the caller asks for less at once where an answer takes too long: GraphQL queries.

    Asked again as it is, such a query would take as long again.
    """
    return request.method == "POST"


def _gave_up(response: requests.Response) -> bool:
    """Whether GitLab, or a proxy before it, ended a query that took too long.

    GitLab says 503 of that, with these words; any other 503 is of a server that is being restarted.
    """
    if response.status_code == 503:
        return b"timed out" in response.content
    return response.status_code in TOO_SLOW


def _where(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port, read as `requests` reads them when it connects.

    >>> _where("https://GIT.example.org/x") == _where("https://git.example.org:443/y")
    True
    >>> _where("http://git.example.org:80@other.example/")
    ('http', 'other.example', 80)
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:  # no number: `requests` would refuse it as well
        port = None
    usual = {"https": 443, "http": 80}.get(parts.scheme)
    return parts.scheme, (parts.hostname or ""), port or usual


def _without_query(request: requests.PreparedRequest) -> str:
    """Address of a request as messages show it: without query, user name and password."""
    parts = urlsplit(str(request.url))
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _bounds(what: str, seconds: float, size: int) -> str:
    return f"an answer that {what} (at most {seconds:g} s and {size / 2**20:g} MiB an answer)"


class _Bounded(io.RawIOBase):
    """What a socket receives for one answer, up to so many seconds and bytes on the wire."""

    def __init__(self, raw: Any, sock: Any, seconds: float, size: int) -> None:
        self._raw = raw
        self._sock = sock
        self._patience = sock.gettimeout()
        self._end = time.monotonic() + seconds
        self._left = size
        self._said = seconds, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TooMuch(_bounds("takes longer than allowed", *self._said))
        if self._left <= 0:
            raise TooMuch(_bounds("is larger than allowed", *self._said))
        shorter = self._patience is None or left < self._patience
        self._sock.settimeout(left if shorter else self._patience)
        try:
            count: int | None = self._raw.readinto(buffer)
        except TimeoutError:
            if shorter:
                raise TooMuch(_bounds("takes longer than allowed", *self._said)) from None
            raise
        self._left -= count or 0
        return count

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


def check_json(content: bytes) -> None:
    """Let through what is JSON as a whole, and no deeper than code that follows can bear."""
    try:
        level = [orjson.loads(content)]
    except ValueError:
        page = content.lstrip()[:1] == b"<"
        raise NotWhole(WEB_PAGE if page else "JSON that breaks off") from None
    for _ in range(DEEPEST):
        level = [
            inner
            for value in level
            if isinstance(value, (dict, list))
            for inner in (value.values() if isinstance(value, dict) else value)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return
    raise NotWhole(f"JSON of more than {DEEPEST} levels")


def reason(error: BaseException) -> str:
    """Say in a few words why a request failed: the innermost cause knows best."""
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "an answer that breaks off"
    inner = _innermost(error)
    strerror = getattr(inner, "strerror", None)
    return str(strerror or inner) or type(inner).__name__


def _innermost(error: BaseException) -> BaseException:
    while (cause := _cause(error)) is not None:
        error = cause
    return error


def _cause(error: BaseException) -> BaseException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


class Session(requests.Session):
    """A session that asks one host only, and takes no credentials from ~/.netrc."""

    def __init__(self, transport: Transport) -> None:
        super().__init__()
        self.auth = _no_auth  # `requests` would ask ~/.netrc where this is empty
        self.max_redirects = 5
        self.mount("https://", transport)
        self.mount("http://", transport)

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """Keep the headers as they are on a redirect: `Transport` refuses other hosts.

        The method of `requests` would look into ~/.netrc here.
        """


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
