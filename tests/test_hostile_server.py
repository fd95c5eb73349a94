"""A server that is after the token, or never comes to an end: one host is asked, answers end."""

from __future__ import annotations

import gzip
import itertools
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from roadmap_analytics.gitlab import client, transport
from roadmap_analytics.gitlab.client import Client, PartFailed
from tests.exporting import export, hurry, quicken
from tests.gitlab_server import LoopbackGitLab
from tests.gitlab_server.hand_world import hand_world
from tests.gitlab_server.truth import differences, served, stored

pytestmark = pytest.mark.usefixtures("records_alone")
MIB = 2**20
BLANKS = b" " * MIB


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hurry(monkeypatch)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GITLAB_PRIVATE_TOKEN", "glpat-very-secret")
    monkeypatch.delenv("PYTHON_GITLAB_CFG", raising=False)
    monkeypatch.chdir(tmp_path)


@contextmanager
def serving(answer: Callable[[str], Iterable[bytes]]) -> Iterator[tuple[str, list[bytes]]]:
    """A server that sends the pieces that `answer` gives for a path; what it was asked."""
    asked: list[bytes] = []

    def converse(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            request = connection.recv(65536)
            asked.append(request)
            for piece in answer(request.split(b" ", 2)[1].decode()):
                connection.sendall(piece)

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    threading.Thread(target=converse, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
        listener.shutdown(socket.SHUT_RDWR)


def connected(url: str) -> Client:
    return client.connect(url, None, transport.Limiter(), 1, lambda: datetime.now(UTC))


def head(*lines: str) -> bytes:
    return "\r\n".join(
        ["HTTP/1.1 200 OK", "Content-Type: application/json", *lines, "", ""]
    ).encode()


# -- the token stays with its host -----------------------------------------------------------------

NEXT = [
    "{other}/api/v4/groups/1/issues?page=2",
    "{other}/groups/1/issues?page=2",
    "http://{host}@{other_host}/",
    "http://{host}@{other_host}/api/v4/x",
    "//{other_host}/x",
    "HTTP://{other_host}/x",
    "https://{host}/api/v4/x",
    "http://localhost:{port}/x",
    "http://{host}.{other_host}/",
    "{other}\\@{host}/x",
    "ftp://{other_host}/x",
    "file:///etc/passwd",
]


@pytest.mark.parametrize("address", NEXT)
@pytest.mark.parametrize("how", ["link", "redirect"])
def test_the_token_goes_to_no_other_host(address: str, how: str) -> None:
    with serving(lambda path: [head("Content-Length: 2"), b"[]"]) as (other, overheard):

        def answer(path: str) -> list[bytes]:
            target = address.format(
                other=other, other_host=other[7:], host=url[7:], port=url.rpartition(":")[2]
            )
            if how == "redirect":
                return [
                    b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n"
                    + f"Location: {target}\r\n\r\n".encode()
                ]
            body = b'[{"id": 1}]'
            if len(asked) > 1:  # a relative link has led back here
                return [head(f"Content-Length: {len(body)}"), body]
            return [head(f'Link: <{target}>; rel="next"', f"Content-Length: {len(body)}"), body]

        with serving(answer) as (url, asked), suppress(PartFailed):
            list(connected(url).rows("/groups/1/issues"))
        assert overheard == []
        assert all(b"glpat-very-secret" in request for request in asked)


def test_every_request_passes_the_gate_whatever_its_method() -> None:
    with serving(lambda path: [head("Content-Length: 2"), b"{}"]) as (other, overheard):
        gate = transport.Transport(
            "http://127.0.0.1:9", transport.Limiter(), 1, lambda: datetime.now(UTC)
        )
        session = transport.Session(gate)
        for method in ("GET", "POST", "PUT", "HEAD"):
            with pytest.raises(transport.Elsewhere, match="another host"):
                session.request(method, f"{other}/api/graphql", json={"query": "{}"})
        session.close()
    assert overheard == []


def test_an_export_that_is_led_elsewhere_fails_by_name(
    hand_gitlab: LoopbackGitLab, tmp_path: Path
) -> None:
    with serving(lambda path: [head("Content-Length: 2"), b"[]"]) as (other, overheard):
        links = {"Link": f'<{other}/milestones?page=2>; rel="next"'}
        fault = {"kind": "headers", "match": "milestones", "times": None, "headers": links}
        hand_gitlab.inject(fault)
        outcome = export(hand_gitlab, tmp_path / "data", "orchard")
    assert outcome.code == 4, outcome.err
    assert "milestones of group orchard: 200: a page that names itself" in outcome.err
    assert overheard == []
    hand_gitlab.inject()
    assert export(hand_gitlab, tmp_path / "data", "orchard").code == 0
    assert differences(stored(tmp_path / "data"), served(hand_world(), "orchard")) == []


# -- an answer ends --------------------------------------------------------------------------------


def trickled(data: bytes) -> Iterator[bytes]:
    """One byte at a time, for ever."""
    for byte in itertools.chain(data, itertools.repeat(ord(" "))):
        yield bytes([byte])
        time.sleep(0.02)


def packed(levels: int) -> bytes:
    data = b"[" + b" " * (8 * MIB) + b"]"
    for _ in range(levels):
        data = gzip.compress(data)
    return data


CHUNKED = head("Transfer-Encoding: chunked")
ENDLESS: dict[str, tuple[Callable[[], Iterable[bytes]], str]] = {
    "a body of a byte now and then": (
        lambda: itertools.chain([head("Content-Length: 99999999")], trickled(b"[")),
        "longer",
    ),
    "the same without a length": (
        lambda: itertools.chain([head("Connection: close")], trickled(b"[")),
        "longer",
    ),
    "headers of a byte now and then": (lambda: trickled(b"HTTP/1.1 200 OK\r\nX: "), "longer"),
    "chunks of a byte now and then": (
        lambda: itertools.chain([CHUNKED], trickled(b"9999\r\n[")),
        "longer",
    ),
    "trailers of a byte now and then": (
        lambda: itertools.chain([CHUNKED, b"2\r\n[]\r\n0\r\n"], trickled(b"X: ")),
        "longer",
    ),
    "go on, go on": (lambda: itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n"), "l(ong|arg)er"),
    "a long body": (
        lambda: itertools.chain([head("Content-Length: 2000000000")], itertools.repeat(BLANKS)),
        "larger",
    ),
    "a body without end": (
        lambda: itertools.chain([head("Connection: close")], itertools.repeat(BLANKS)),
        "larger",
    ),
    "chunks without end": (
        lambda: itertools.chain([CHUNKED], itertools.repeat(b"100000\r\n" + BLANKS + b"\r\n")),
        "larger",
    ),
    "a gzip bomb": (
        lambda: [head("Content-Encoding: gzip", f"Content-Length: {len(packed(1))}"), packed(1)],
        "larger",
    ),
    "a gzip bomb in a gzip": (
        lambda: [
            head("Content-Encoding: gzip, gzip", f"Content-Length: {len(packed(2))}"),
            packed(2),
        ],
        "larger",
    ),
    "an error without end": (
        lambda: itertools.chain([b"HTTP/1.1 404 No\r\n\r\n"], itertools.repeat(b"<" * MIB)),
        "larger",
    ),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_an_answer_without_end_is_a_failure_that_names_the_bounds(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces, how = ENDLESS[name]
    monkeypatch.setattr(transport, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(transport, "ANSWER_BYTES", 4 * MIB)
    with serving(lambda path: pieces()) as (url, asked):
        began = time.monotonic()
        with pytest.raises(PartFailed) as failed:
            connected(url).get("/groups/1")
        assert time.monotonic() - began < 4
    assert re.search(
        rf"{how} than allowed \(at most 0.5 s and 4 MiB an answer\)", str(failed.value)
    )
    assert len(asked) == 1, "it would be the same again"


def test_the_bounds_are_far_above_what_gitlab_sends() -> None:
    assert transport.ANSWER_SECONDS >= 120
    assert transport.ANSWER_BYTES >= 100 * MIB, "100 issues with a description of 1 MiB each"


def test_an_answer_within_the_bounds_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "ANSWER_BYTES", 4 * MIB)
    body = b'{"id": "' + b"x" * (3 * MIB) + b'"}'
    small = gzip.compress(body)
    answers = {
        "plain": [head(f"Content-Length: {len(body)}"), body],
        "gzip": [head("Content-Encoding: gzip", f"Content-Length: {len(small)}"), small],
        "chunked": [CHUNKED, f"{len(body):x}\r\n".encode(), body, b"\r\n0\r\n\r\n"],
        "closed": [head("Connection: close"), body],
    }
    for name, pieces in answers.items():
        with serving(lambda path, pieces=pieces: pieces) as (url, _):  # type: ignore[misc]
            assert len(connected(url).get("/groups/1")["id"]) == 3 * MIB, name


def test_silence_is_still_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time-out of one wait for bytes passes; the bound of a whole answer does not."""
    monkeypatch.setattr(client, "TIMEOUT_SECONDS", 0.05)
    with serving(lambda path: (time.sleep(0.3) or b"" for _ in range(1))) as (url, asked):
        with pytest.raises(PartFailed, match="no answer in time"):
            connected(url).get("/groups/1")
        assert len(asked) == transport.ATTEMPTS


@pytest.mark.parametrize("depth", [transport.DEEPEST + 1, 900, 100_000])
def test_json_of_many_levels_is_refused_in_a_line(depth: int) -> None:
    body = b"[" * depth + b"]" * depth
    with (
        serving(lambda path: [head(f"Content-Length: {len(body)}"), body]) as (url, _),
        pytest.raises(PartFailed, match="JSON"),
    ):
        connected(url).get("/groups/1")


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "trickle", "seconds": 0.01},
        {"kind": "bomb", "rows": 8},
        {"kind": "deep", "rows": 60},
        {"kind": "deep", "rows": 100_000},
    ],
    ids=["trickle", "bomb", "deep", "very deep"],
)
def test_an_export_survives_answers_without_end(
    hand_gitlab: LoopbackGitLab,
    tmp_path: Path,
    fault: dict[str, object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(transport, "ANSWER_BYTES", 4 * MIB)
    hand_gitlab.inject(fault | {"match": "issues/2/notes", "times": None})
    outcome = export(hand_gitlab, tmp_path / "data", "orchard")
    assert outcome.code == 4, outcome.err
    assert "Traceback" not in outcome.err
    if fault["kind"] != "deep":
        assert "at most 0.5 s and 4 MiB" in outcome.err
    hand_gitlab.inject()
    assert export(hand_gitlab, tmp_path / "data", "orchard").code == 0
    assert differences(stored(tmp_path / "data"), served(hand_world(), "orchard")) == []


# -- waiting ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503])
def test_a_wait_beyond_reason_ends_an_export_by_name(
    hand_gitlab: LoopbackGitLab, tmp_path: Path, status: int
) -> None:
    headers = {"Retry-After": "86400"}
    hand_gitlab.inject(
        {"kind": "status", "status": status, "headers": headers, "skip": 9, "times": None}
    )
    outcome = export(hand_gitlab, tmp_path / "data", "orchard")
    assert outcome.code == 4
    assert "asks to wait 86,400 s before the next request, more than the 3,700 s" in outcome.err
    hand_gitlab.inject()
    assert export(hand_gitlab, tmp_path / "data", "orchard").code == 0


def test_a_wait_until_a_date_is_obeyed(
    hand_gitlab: LoopbackGitLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the server's clock, which stands still at noon here."""
    quicken(monkeypatch, 4)
    hand_gitlab.set(now="2024-06-01T12:00:00+00:00")
    headers = {"Retry-After": "Sat, 01 Jun 2024 12:00:02 GMT"}
    hand_gitlab.inject({"kind": "status", "status": 429, "headers": headers, "skip": 9})
    began = time.monotonic()
    outcome = export(hand_gitlab, tmp_path / "data", "orchard")
    assert outcome.code == 0, outcome.err
    assert "waiting 2 s" in outcome.err
    assert time.monotonic() - began >= 2 / 4


def test_a_server_that_refuses_for_ever_is_left_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(transport, "LONGEST_WAIT_SECONDS", 0.1)
    refusal = b"HTTP/1.1 429 No\r\nRetry-After: 0.09\r\nContent-Length: 2\r\n\r\n{}"
    with serving(lambda path: [refusal]) as (url, asked):
        with pytest.raises((PartFailed, requests.RequestException), match=r"429|injected|\{\}"):
            connected(url).get("/groups/1")
        assert 2 <= len(asked) < 10
