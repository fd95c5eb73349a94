"""The parts of the exporter that decide: addresses, waiting, what to fetch; without a server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadmap_analytics.errors import ConfigurationError, ServerError
from roadmap_analytics.gitlab.addresses import Address, common_origin, parse
from roadmap_analytics.gitlab.known import Action, Known, Seen, decide
from roadmap_analytics.gitlab.pool import Pool
from roadmap_analytics.gitlab.transport import (
    WEB_PAGE,
    Cancelled,
    Limiter,
    NotWhole,
    check_json,
    reason,
)
from roadmap_analytics.records import trimmed

HOME = "https://git.example.org"

# -- addresses -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "path", "kind"),
    [
        ("https://git.example.org/groups/sigsum", "sigsum", "group"),
        ("https://git.example.org/groups/sigsum/", "sigsum", "group"),
        ("https://git.example.org/groups/sigsum/core/-/milestones/10", "sigsum/core", "group"),
        ("https://git.example.org/groups/sigsum/-/issues?state=all#x", "sigsum", "group"),
        ("https://git.example.org/sigsum", "sigsum", "group"),
        ("https://git.example.org/sigsum/core", "sigsum/core", "group or project"),
        ("https://git.example.org/a/b/-/issues/", "a/b", "project or group"),
        ("https://git.example.org/a/b/-/milestones/3#tab", "a/b", "project or group"),
        ("https://GIT.example.org/a/b.git", "a/b", "group or project"),
        ("git.example.org/a/b", "a/b", "group or project"),
        ("https://git.example.org/a/b/", "a/b", "group or project"),
        (" https://git.example.org/a%2Fb ", "a/b", "group or project"),
    ],
)
def test_addresses_as_people_copy_them(text: str, path: str, kind: str) -> None:
    assert parse(text) == Address(HOME, path, kind)  # type: ignore[arg-type]


def test_a_gitlab_under_a_path_is_known_from_the_configuration() -> None:
    base = "https://example.org/gitlab/"
    assert parse("https://example.org/gitlab/groups/a", base).path == "a"
    assert parse("https://example.org/gitlab/groups/a", base).origin == base.rstrip("/")
    assert parse("a/b", base) == Address(base.rstrip("/"), "a/b", "group or project")
    assert parse("https://example.org/gitlabs/a", base).path == "gitlabs/a"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("https://git.example.org", "expected the address of a group or project"),
        ("https://git.example.org/groups/", "expected the address of a group or project"),
        ("ftp://git.example.org/a", "begins with https://"),
        ("https://", "begins with https://"),
        ("https://[::1/a", "begins with https://"),
        ("https://git.example.org:port/a", "begins with https://"),
        ("sigsum/core", r"got a path on no GitLab. Write https://git.example.org/sigsum/core"),
        ("https://me:hunter2@git.example.org/a", "without user name and password"),
    ],
)
def test_addresses_that_are_none(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as error:
        parse(text)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        "https://oauth2:glpat-S3cretS3cret@git.example.org/a",
        "https:/oauth2:glpat-S3cretS3cret@git.example.org/a",
        "https//oauth2:glpat-S3cretS3cret@git.example.org/a",
        "oauth2:glpat-S3cretS3cret@git.example.org/a",
        "htps://oauth2:glpat-S3cretS3cret@git.example.org/a",
        "https://git.example.org:glpat-S3cretS3cret/a",
        "https://git.example.org/glpat-S3cretS3cret@a",
        "https://git.example.org/?private_token=glpat-S3cretS3cret",
        "https://[::1:glpat-S3cretS3cret/a",
        "glpat-S3cretS3cret",
        "S3cretS3cretABCdef-_9",
    ],
)
def test_a_token_in_a_mistyped_address_is_never_printed(text: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        parse(text)
    assert "S3cret" not in str(error.value)


@pytest.mark.parametrize("host", ["localhost", "gitlab:8929", "git.example.org"])
def test_a_host_is_one_without_https_too(host: str) -> None:
    assert parse(f"{host}/a/b") == Address(f"https://{host}", "a/b", "group or project")


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_a_named_error(text: str) -> None:
    with suppress(ConfigurationError):
        assert parse(text).path


def test_two_gitlabs_are_one_too_many() -> None:
    with pytest.raises(
        ConfigurationError, match=r"on one GitLab, got https://a\.org and https://b"
    ):
        common_origin([parse("https://a.org/x"), parse("https://b.org/x")])


# -- what to fetch ---------------------------------------------------------------------------------

MILESTONE = {"id": 5, "iid": 1, "title": "Harvest", "state": "active", "expired": False}
ROW: dict[str, Any] = {
    "id": 1,
    "iid": 1,
    "project_id": 2,
    "title": "Wash",
    "state": "opened",
    "created_at": "2024-06-01T10:00:00.000Z",
    "updated_at": "2024-06-01T10:00:00.000Z",
    "milestone": MILESTONE,
    "assignees": [{"id": 3, "username": "ana"}],
    "author": {"id": 3, "username": "ana"},
    "labels": ["a"],
    "web_url": "https://git.example.org/a/b/-/issues/1",
}
FETCHED = Seen.of(ROW, 1717322400.0)  # 2024-06-02T10:00:00Z


@pytest.mark.parametrize(
    ("change", "action"),
    [
        ({}, Action.NOTHING),
        ({"milestone": MILESTONE | {"expired": True}}, Action.NOTHING),
        ({"milestone": MILESTONE | {"title": "Harvest 1"}}, Action.ROW),
        ({"web_url": "https://git.example.org/a/c/-/issues/1"}, Action.ROW),
        ({"author": {"id": 3, "username": "anna"}}, Action.ROW),
        ({"milestone": MILESTONE | {"id": 6}}, Action.HISTORY),
        ({"milestone": None}, Action.HISTORY),
        ({"labels": ["b"]}, Action.HISTORY),
        ({"assignees": []}, Action.HISTORY),
        ({"updated_at": "2024-06-01T10:00:01.000Z"}, Action.HISTORY),
        ({"moved_to_id": 9}, Action.HISTORY),
    ],
)
def test_what_a_changed_row_asks_for(change: dict[str, Any], action: Action) -> None:
    row = ROW | change
    assert decide(FETCHED, Seen.of(row, None), row["updated_at"]) is action


def test_what_changed_shortly_before_the_last_run_is_fetched_again() -> None:
    late = ROW | {"updated_at": "2024-06-02T09:56:00.000+00:00"}
    seen = Seen.of(late, FETCHED.fetched)
    assert decide(seen, seen, late["updated_at"]) is Action.HISTORY
    assert decide(seen, seen, late["updated_at"], overlap=False) is Action.NOTHING


def test_a_row_without_history_asks_for_it() -> None:
    assert decide(Seen.of(ROW, None), Seen.of(ROW, None), ROW["updated_at"]) is Action.HISTORY


def test_what_is_distrusted_is_fetched_again() -> None:
    known = Known()
    history = {"kind": "history", "issue_id": 1, "data": {}}
    known.add("2024-06-02T10:00:00Z", [{"kind": "issue", "data": ROW}, history])
    assert decide(known.issues[1], Seen.of(ROW, None), ROW["updated_at"]) is Action.NOTHING
    known.distrust()
    assert decide(known.issues[1], Seen.of(ROW, None), ROW["updated_at"]) is Action.HISTORY
    known.add("2024-06-03T10:00:00Z", [{"kind": "issue", "data": ROW}, history])
    assert decide(known.issues[1], Seen.of(ROW, None), ROW["updated_at"]) is Action.NOTHING


def test_only_declared_fields_are_dropped() -> None:
    row = ROW | {"description": "secret", "notes": [{"author": {"id": 1, "avatar_url": "x"}}]}
    assert trimmed(row) == ROW | {"notes": [{"author": {"id": 1}}]}


# -- waiting ---------------------------------------------------------------------------------------


class Clock:
    """Time that passes only when somebody waits."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limiter(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Limiter:
    made = Limiter(clock=clock, draw=lambda: 1.0)

    def sleep(seconds: float) -> None:
        clock.now += seconds

    monkeypatch.setattr(made, "sleep", sleep)
    return made


def waited(limiter: Limiter, clock: Clock) -> float:
    """Seconds until the next request may leave."""
    before = clock.now
    limiter.acquire()
    return round(clock.now - before, 3)


DATE = "Sat, 01 Jun 2024 12:00:00 GMT"


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (200, {}, 0.0),
        (429, {"Retry-After": "7"}, 7.1),
        (429, {"RateLimit-Reset": "1717243230", "Date": DATE}, 30.1),
        (200, {"RateLimit-Remaining": "0", "RateLimit-Reset": "1717243230", "Date": DATE}, 30.1),
        (200, {"RateLimit-Remaining": "5", "RateLimit-Reset": "1717243230", "Date": DATE}, 0.0),
        (429, {}, 0.5),
        (429, {"Retry-After": "soon"}, 0.5),
        (429, {"Retry-After": "-3"}, 0.5),
        (429, {"Retry-After": "Sat, 01 Jun 2024 12:00:40 GMT", "Date": DATE}, 40.1),
        (429, {"Retry-After": "Sat, 01 Jun 2024 13:00:20 +0100", "Date": DATE}, 20.1),
        (429, {"Retry-After": "Sat, 01 Jun 2024 11:00:00 GMT", "Date": DATE}, 0.1),
        (503, {"Retry-After": "7"}, 7.1),
        (429, {"Retry-After": "3600"}, 3600.1),
    ],
)
def test_all_wait_as_told(
    limiter: Limiter, clock: Clock, status: int, headers: dict[str, str], seconds: float
) -> None:
    limiter.answered(status, headers)
    assert waited(limiter, clock) == seconds


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "3701"},
        {"Retry-After": "1e9"},
        {"Retry-After": "9" * 40},
        {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT", "Date": DATE},
        {"RateLimit-Remaining": "0", "RateLimit-Reset": "9999999999", "Date": DATE},
    ],
)
def test_a_wait_beyond_reason_ends_the_run_by_name(
    limiter: Limiter, headers: dict[str, str]
) -> None:
    limiter.answered(429, headers)
    with pytest.raises(ServerError, match=r"asks to wait [\d,]+ s .* more than the 3,700 s"):
        limiter.acquire()


def test_after_a_429_requests_leave_one_by_one_and_soon_freely(
    limiter: Limiter, clock: Clock
) -> None:
    limiter.answered(429, {"Retry-After": "2"})
    assert waited(limiter, clock) == pytest.approx(2.1)
    gaps = []
    for _ in range(4):
        gaps.append(waited(limiter, clock))
        limiter.answered(200, {})
    assert gaps[0] == Limiter.SMALLEST_GAP
    assert gaps[-1] == 0.0


def test_what_is_refused_together_counts_once(limiter: Limiter, clock: Clock) -> None:
    for _ in range(16):
        limiter.answered(429, {"Retry-After": "2"})
    assert waited(limiter, clock) == pytest.approx(2.1)
    assert waited(limiter, clock) == Limiter.SMALLEST_GAP


def test_without_headers_the_wait_grows_and_is_bounded(limiter: Limiter, clock: Clock) -> None:
    waits = []
    for _ in range(12):
        limiter.answered(429, {})
        waits.append(waited(limiter, clock))
    assert waits[:4] == [0.5, 1.0, 2.0, 4.0]
    assert max(waits) <= 30.0


def test_whoever_waits_is_woken_by_the_end() -> None:
    limiter = Limiter()
    limiter.answered(429, {"Retry-After": "3000"})
    ended: list[BaseException] = []

    def wait() -> None:
        try:
            limiter.acquire()
        except Cancelled as end:
            ended.append(end)

    thread = threading.Thread(target=wait)
    thread.start()
    limiter.stopped.set()
    thread.join(5)
    assert len(ended) == 1


# -- the pool --------------------------------------------------------------------------------------


def test_the_pool_reads_tasks_no_further_ahead_than_needed() -> None:
    read = 0

    def tasks() -> Iterator[int]:
        nonlocal read
        for number in range(100):
            read += 1
            yield number

    pool: Pool[int, int] = Pool(lambda number: number * number, jobs=2)
    results = pool.map(tasks())
    first = next(results)
    assert read <= 5
    found = dict([first, *results])
    assert found == {number: number * number for number in range(100)}
    pool.close()


def test_what_is_under_way_is_given_before_the_tasks_fail() -> None:
    def tasks() -> Iterator[int]:
        yield from range(3)
        raise ValueError("the list broke off")

    pool: Pool[int, int] = Pool(lambda number: number, jobs=2)
    results = pool.map(tasks())
    assert sorted(task for task, _ in islice(results, 3)) == [0, 1, 2]
    with pytest.raises(ValueError, match="broke off"):
        next(results)
    assert [task for task, _ in pool.map([7])] == [7], "nothing of the past is left in the queue"
    pool.close()


def test_a_call_that_raises_is_raised_here() -> None:
    def fail(number: int) -> int:
        raise KeyError(number)

    pool: Pool[int, int] = Pool(fail, jobs=1)
    with pytest.raises(KeyError):
        list(pool.map([1]))
    pool.close()


# -- reasons ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"<html>login</html>", WEB_PAGE), (b'[{"id": 1,', "JSON that breaks off")],
)
def test_a_broken_answer_is_told_in_our_words(content: bytes, said: str) -> None:
    with pytest.raises(NotWhole) as error:
        check_json(content)
    assert reason(error.value) == said
