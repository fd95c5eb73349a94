"""How requests go out: one limiter for all threads, bounded retries, checked answers.

python-gitlab makes the requests. Below it, `Transport` (an adapter of its session) decides when
each may leave, repeats what failed for a passing reason, and lets no answer through that is not
whole: an iterator of python-gitlab that meets a broken page would otherwise skip it when resumed.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson
import requests
from requests.adapters import HTTPAdapter

from roadmap_analytics.errors import ConfigurationError, ServerError

__all__ = [
    "WEB_PAGE",
    "Cancelled",
    "Limiter",
    "NotWhole",
    "Session",
    "Transport",
    "check_json",
    "reason",
]

ATTEMPTS = 6
LIMIT_ATTEMPTS = 30
LOST_IN_A_ROW = 3
WEB_PAGE = "a web page instead of JSON"
BACKOFF_SECONDS = 0.5
LONGEST_BACKOFF_SECONDS = 30.0
LONGEST_WAIT_SECONDS = 3700.0
PASSING = frozenset({408, 425, 500, 502, 503, 504, *range(520, 531)})


class Cancelled(Exception):  # noqa: N818 - not an error: the run is being stopped
    """The run ends; nothing more is to be asked."""


class NotWhole(requests.RequestException):
    """An answer that is broken off, or no JSON where JSON was due."""


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

    def acquire(self) -> None:
        """Wait for one's turn.

        Raises
        ------
        Cancelled
            Where the run was stopped meanwhile.
        """
        while True:
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

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """Learn from an answer how fast the server will have it."""
        told = _told(headers, status)
        with self._lock:
            if status != 429:
                self._in_a_row = 0
                self._gap = self._gap * 0.8 if self._gap > self.SMALLEST_GAP else 0.0
                if told is None:
                    return
            elif self._clock() >= self._until:  # requests under way together are refused together
                self._gap = min(max(2 * self._gap, self.SMALLEST_GAP), self.LARGEST_GAP)
                self._in_a_row += 1
            in_a_row = max(1, self._in_a_row)
            wait = self._backoff(in_a_row) if told is None else told + 0.1 * self._draw()
            until = self._clock() + min(wait, LONGEST_WAIT_SECONDS)
            longer = until > self._next
            self._until = max(self._until, until)
            self._next = max(self._next, until)
        if longer and wait >= 1:
            self._waiting(wait)

    def backoff(self, attempt: int) -> float:
        """Seconds to wait before attempt 2, 3 ..., with jitter, growing, bounded."""
        return self._backoff(attempt)

    def _backoff(self, times: int) -> float:
        longest: float = min(BACKOFF_SECONDS * 2 ** (times - 1), LONGEST_BACKOFF_SECONDS)
        return longest * (0.5 + 0.5 * self._draw())


def _told(headers: Mapping[str, str], status: int) -> float | None:
    """Seconds that the headers ask to wait, None where they ask for nothing."""
    if status == 429 and "Retry-After" in headers:
        return _number(headers["Retry-After"])
    if status == 429 or _number(headers.get("RateLimit-Remaining")) == 0:
        reset, at = _number(headers.get("RateLimit-Reset")), server_time(headers)
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
    try:
        return parsedate_to_datetime(headers["Date"]).astimezone(UTC)
    except (KeyError, TypeError, ValueError):
        return None


class Transport(HTTPAdapter):
    """Sends requests for all threads; repeats what may pass; counts.

    Attributes
    ----------
    limiter : Limiter
        When requests may leave.
    requests : int
        Requests sent, repeated ones too.
    started_at, seen_at : datetime or None
        The server's clock at the first and at the newest answer.
    """

    def __init__(self, limiter: Limiter, jobs: int, now: Callable[[], datetime]) -> None:
        super().__init__(pool_maxsize=jobs)
        self._slots = threading.BoundedSemaphore(jobs)
        self._now = now  # for servers that do not tell their time
        self.limiter = limiter
        self.requests = 0
        self.started_at: datetime | None = None
        self.seen_at: datetime | None = None
        self._lock = threading.Lock()
        self._lost_in_a_row = 0
        self._answered: tuple[requests.PreparedRequest, Any, Any] | None = None

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        """Send until the answer is whole, or for good refused.

        Raises
        ------
        ServerError
            Where several requests in a row were lost, and one that worked before is lost too.
        requests.RequestException
            Where this request failed after every retry.
        """
        attempt = limited = 0
        while True:
            try:
                response = self._once(request, *args, **kwargs)
            except requests.exceptions.SSLError:
                raise
            except requests.RequestException as error:
                attempt += 1
                if attempt >= ATTEMPTS:
                    self._count_lost(request, reason(error))
                    raise
                self.limiter.sleep(self.limiter.backoff(attempt))
                continue
            if response.status_code == 429 and limited < LIMIT_ATTEMPTS:
                limited += 1
                continue
            if response.status_code in PASSING and attempt + 1 < ATTEMPTS:
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
            response = super().send(request, *args, **kwargs)
            content = response.content  # read here, so that a broken connection is noticed here
        self.limiter.answered(response.status_code, response.headers)
        with self._lock:
            self.seen_at = server_time(response.headers) or self._now()
            self.started_at = self.started_at or self.seen_at
        is_file = request.path_url.partition("?")[0].endswith("/raw")
        if response.status_code == 200 and not is_file:
            check_json(content)
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
        url = str(request.url).partition("?")[0]
        raise ServerError(
            f"{url}: no answer after {ATTEMPTS} attempts ({why}), nor to others. "
            "What was fetched is kept: run again to go on."
        )

    def _still_answers(self) -> bool:
        if self._answered is None:
            return False
        request, args, kwargs = self._answered
        self.requests += 1
        try:
            response = super().send(request, *args, **kwargs)
            return response.status_code == 200 and bool(response.content)
        except requests.RequestException:
            return False


def check_json(content: bytes) -> None:
    """Let through what is JSON as a whole."""
    try:
        orjson.loads(content)
    except ValueError:
        page = content.lstrip()[:1] == b"<"
        raise NotWhole(WEB_PAGE if page else "JSON that breaks off") from None


def reason(error: BaseException) -> str:
    """Say in a few words why a request failed: the innermost cause knows best."""
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "an answer that breaks off"
    inner = error
    while (cause := _cause(inner)) is not None:
        inner = cause
    strerror = getattr(inner, "strerror", None)
    return str(strerror or inner) or type(inner).__name__


def _cause(error: BaseException) -> BaseException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


class Session(requests.Session):
    """A session that sends credentials to one host only, and takes none from ~/.netrc."""

    def __init__(self, transport: Transport) -> None:
        super().__init__()
        self.auth = _no_auth  # `requests` would ask ~/.netrc where this is empty
        self.mount("https://", transport)
        self.mount("http://", transport)

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """Follow redirects within the host only: the token is nobody else's business."""
        old, new = str(response.request.url), str(prepared_request.url)
        if self.should_strip_auth(old, new):
            target = new.partition("?")[0]
            raise ConfigurationError(
                f"{old.partition('?')[0]}: expected an answer, got a redirect to {target}. "
                "Give the address on that host, if it is right."
            )


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
