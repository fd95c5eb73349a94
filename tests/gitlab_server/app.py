"""The server: HTTP/1.1 on loopback, routes in GitLab's order, control under ``/__admin``."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from math import ceil
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

import orjson

from tests.gitlab_server import graphql, routes
from tests.gitlab_server.faults import Fault, mutated
from tests.gitlab_server.messages import Refusal, Request, Response
from tests.gitlab_server.world import Row, World

REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found"}
MAXIMUM_ROWS = 100
COUNTED_ROWS = 10_000


@dataclass
class Settings:
    """What a test may set, by name, while the server runs.

    Attributes
    ----------
    latency
        Seconds before each answer.
    now
        ISO time of the server's clock; None: the machine's.
    tokens
        Token and what it may: ``full``, ``weak`` (no member: no confidential issues, no private
        projects), ``no_scope`` (lacks read_api), ``expired``.
    licensed
        Whether weights exist; None: where the world has any weight event.
    denied
        Project or group path and the status it answers to every token.
    short_pages
        Every n-th row of notes and label events is hidden after paging; 0: none.
    chatter
        Comments by people put among each issue's notes, besides the world's own.
    rate_limit
        ``{"requests": n, "seconds": s, "headers": "retry-after" | "ratelimit" | "none"}``.
    external_url
        The address that the server believes to have (in Link headers); None: the one asked.
    version
        What the instance says of itself; the words of synthetic notes follow it.
    notes_widget
        Whether GraphQL has the widget with an issue's history; old versions have not.
    old_weights
        Whether GraphQL shows weight notes where weights are not licensed.
    users_restricted
        Whether people are hidden from those without a token.
    batch_seconds, item_seconds
        What the server works on a GraphQL query, and besides on each work item in it.
    prefix
        A relative URL root, as of a GitLab installed under ``/gitlab``.
    """

    latency: float = 0.0
    now: str | None = None
    tokens: dict[str, str] = field(default_factory=lambda: {"secret": "full", "weak": "weak"})
    licensed: bool | None = None
    denied: dict[str, int] = field(default_factory=dict)
    short_pages: int = 0
    chatter: int = 0
    rate_limit: Row | None = None
    external_url: str | None = None
    version: str = "18.9.0-pre"
    notes_widget: bool = True
    old_weights: bool = False
    users_restricted: bool = False
    batch_seconds: float = 0.0
    item_seconds: float = 0.0
    prefix: str = ""


class App:
    """The world, how it is served, and what was asked."""

    def __init__(self) -> None:
        self.set_back()

    def set_back(self) -> None:
        """Empty world, default settings, nothing counted."""
        self.world = World()
        self.settings = Settings()
        self.faults: list[Fault] = []
        self.log: list[tuple[str, str, int]] = []
        self.in_flight = 0
        self.peak = 0
        self.window, self.observed = 0.0, 0
        self.forget()

    # -- answering ------------------------------------------------------------------------------

    def answer(self, request: Request, fault: Fault | None = None) -> Response:
        """What GitLab would answer, with the faults that lie in the answer's making."""
        prefix = self.settings.prefix
        if request.path == f"{prefix}/api/graphql":
            return graphql.answer(self, request, fault)
        if not request.path.startswith(f"{prefix}/api/v4/"):
            return Response(404, b"<!DOCTYPE html><title>Not Found (404)</title>", kind="text/html")
        segments = [unquote(part) for part in request.path[len(prefix) + 8 :].split("/")]
        try:
            access = self.access(request)
            key = (access, tuple(segments), _filters(request))
            rows = self.lists.get(key)
            if rows is None:
                result = routes.route(self, access, segments, request)
                if not isinstance(result, list):
                    return result if isinstance(result, Response) else _json(200, result)
                rows = result
                if len(rows) > MAXIMUM_ROWS and "created_after" not in request.query:
                    self.lists[key] = rows
            shift = fault.rows if fault and fault.kind == "overlap" else 0
            return self._page(request, rows, shift, routes.presenter(self, segments))
        except Refusal as refusal:
            return _json(refusal.status, refusal.body)

    def forget(self) -> None:
        """Drop the lists made so far: the world or the settings changed."""
        self.lists: dict[Any, list[Row | None]] = {}
        self.by_birth: dict[Any, tuple[list[Row], list[float]]] = {}
        self.activities: dict[tuple[int, str], list[Any]] = {}

    def licensed(self) -> bool:
        """Whether this instance has weights."""
        if self.settings.licensed is not None:
            return self.settings.licensed
        return self.world.weighed

    def access(self, request: Request) -> str:
        """https://docs.gitlab.com/api/rest/authentication/"""
        token = request.headers.get("private-token") or request.headers.get("job-token")
        bearer = request.headers.get("authorization", "")
        if not token and bearer.lower().startswith("bearer "):
            token = bearer[7:]
        if not token:
            return "none"
        access = self.settings.tokens.get(token)
        if access is None:
            raise Refusal(401, {"message": "401 Unauthorized"})
        if access == "expired":
            text = "Token is expired. You can either do re-authorization or token refresh."
            raise Refusal(401, {"error": "invalid_token", "error_description": text})
        if access == "no_scope":
            text = "The request requires higher privileges than provided by the access token."
            raise Refusal(
                403,
                {"error": "insufficient_scope", "error_description": text, "scope": "api read_api"},
            )
        return access

    def _page(
        self, request: Request, rows: list[Row | None], shift: int, present: Callable[[Row], Row]
    ) -> Response:
        """https://docs.gitlab.com/api/rest/#offset-based-pagination

        `shift` moves the beginning of every page but the first.
        """
        page = _positive(request.one("page", "1"), "page")
        size = min(_positive(request.one("per_page", "20"), "per_page"), MAXIMUM_ROWS)
        start = (page - 1) * size
        if page > 1:
            start = max(start - shift, 0)
        pages = max(1, -(-len(rows) // size))
        following = page + 1 if start + size < len(rows) else None
        before = page - 1 if page > 1 else None
        counted = len(rows) <= COUNTED_ROWS
        links = [("prev", before), ("next", following), ("first", 1)]
        links += [("last", pages)] if counted else []
        headers = {
            "Link": ", ".join(
                f'<{self._link(request, number, size)}>; rel="{name}"'
                for name, number in links
                if number
            ),
            "X-Next-Page": str(following or ""),
            "X-Page": str(page),
            "X-Per-Page": str(size),
            "X-Prev-Page": str(before or ""),
        }
        if counted:
            headers |= {"X-Total": str(len(rows)), "X-Total-Pages": str(pages)}
        shown = [present(row) for row in rows[start : start + size] if row is not None]
        return Response(200, orjson.dumps(shown), headers)

    def _link(self, request: Request, page: int, size: int) -> str:
        """An address as GitLab writes it: its own base, parameters sorted."""
        base = self.settings.external_url or f"http://{request.headers.get('host', 'localhost')}"
        query = request.query | {"page": [str(page)], "per_page": [str(size)]}
        return f"{base}{request.path}?{urlencode(sorted(query.items()), doseq=True)}"

    # -- limits, clock, control -----------------------------------------------------------------

    def fault(self, request: Request) -> Fault | None:
        """The first fault that strikes this request; changes of the world happen on the way."""
        asked = request.target
        if request.body:
            asked += "\n" + request.body.decode(errors="replace")
        for fault in self.faults:
            if not fault.strikes(asked):
                continue
            if fault.kind != "change":
                return fault
            if fault.world is not None:
                self.world = World(fault.world)
            self.world.change(
                fault.records, fault.delete_issues, fault.delete_milestones, fault.rename_labels
            )
            self.settings.now = fault.now or self.settings.now
            self.forget()
        return None

    def limited(self) -> tuple[Response | None, dict[str, str]]:
        """The refusal of one request too many, and the headers of any other answer.

        https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/ (windows of fixed
        length; `RateLimit-*` stand in every answer where they stand at all)
        """
        limit = self.settings.rate_limit
        if not limit:
            return None, {}
        window, into = divmod(time.time(), limit["seconds"])
        if window != self.window:
            self.window, self.observed = window, 0
        self.observed += 1
        wait = ceil(limit["seconds"] - into)
        told = {
            "RateLimit-Limit": str(limit["requests"]),
            "RateLimit-Observed": str(self.observed),
            "RateLimit-Remaining": str(max(0, limit["requests"] - self.observed)),
            "RateLimit-Reset": str(int(self.clock().timestamp()) + wait),
        }
        headers = told if limit["headers"] == "ratelimit" else {}
        if self.observed <= limit["requests"]:
            return None, headers
        refusal = {"Retry-After": str(wait)} if limit["headers"] != "none" else {}
        return Response(429, b"Retry later\n", headers | refusal, "text/plain"), {}

    def clock(self) -> datetime:
        """The server's time."""
        now = self.settings.now
        return datetime.fromisoformat(now).astimezone(UTC) if now else datetime.now(UTC)

    def date(self) -> str:
        """The Date header."""
        return format_datetime(self.clock(), usegmt=True)

    def admin(self, request: Request) -> Response:
        """The control: world, change, settings, faults, requests."""
        action = request.path.removeprefix("/__admin/")
        if request.method == "GET" and action == "requests":
            log = self.log if request.one("log") else []
            report = {
                "total": len(self.log),
                "status": Counter(str(status) for _, _, status in self.log),
                "routes": Counter(_shape(target) for _, target, _ in self.log),
                "peak": self.peak,
                "struck": [fault.struck for fault in self.faults],
                "log": log,
            }
            return _json(200, report)
        if action == "world":
            self.world = World(orjson.loads(line) for line in request.body.splitlines())
        elif action == "change":
            self.world.change(**orjson.loads(request.body))
        elif action == "settings":
            given = orjson.loads(request.body)
            self.settings = Settings(**(vars(self.settings) | given))
        elif action == "faults":
            self.faults = [Fault(**one) for one in orjson.loads(request.body)]
        elif action == "reset":
            self.log, self.peak = [], 0
        elif action == "set_back":
            self.set_back()
        else:
            return _json(404, {"message": f"no such control: {action}"})
        self.forget()
        return _json(200, {"done": action})


# -- the wire ------------------------------------------------------------------------------------


async def serve(app: App, port: int) -> None:
    """Listen on loopback, print the port, end when standard input closes."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _converse(app, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client went away, or the server ends
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", port, limit=2**20, backlog=512)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def watch() -> None:
        sys.stdin.buffer.read()
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=watch, daemon=True).start()
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await ended.wait()


async def _converse(app: App, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        request = await _read(reader)
        if request.path.startswith("/__admin/"):
            writer.write(_wire(app, _guarded(app.admin, request)))
            await writer.drain()
            continue
        app.in_flight += 1
        app.peak = max(app.peak, app.in_flight)
        try:
            goes_on = await _respond(app, request, writer)
        finally:
            app.in_flight -= 1
        if not goes_on or request.headers.get("connection", "").lower() == "close":
            return


async def _respond(app: App, request: Request, writer: asyncio.StreamWriter) -> bool:
    """Answer one request, through the faults; whether the connection lives on."""
    log = app.log  # of this test: an answer that hangs may end in a later one
    await asyncio.sleep(app.settings.latency)
    fault = app.fault(request)
    kind = fault.kind if fault else ""
    if fault and kind in ("hang", "slow"):
        await asyncio.sleep(fault.seconds)
    if kind in ("hang", "reset"):
        log.append((request.method, request.target, 0))
        if kind == "reset":  # closes with RST, not with FIN
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        return False
    refusal, told = app.limited()
    response = refusal or _guarded(lambda asked: app.answer(asked, fault), request)
    await asyncio.sleep(response.seconds)
    response = replace(response, headers=response.headers | told)
    if fault:
        response = _spoilt(response, fault)
    log.append((request.method, request.target, response.status))
    data = _wire(app, response)
    if kind == "cut":
        data = data[: len(data) - len(response.body) // 2 - 1]
    if fault and kind == "trickle":
        for number in range(len(data)):
            writer.write(data[number : number + 1])
            await writer.drain()
            await asyncio.sleep(fault.seconds)
        return True
    writer.write(data)
    await writer.drain()
    return kind != "cut"


def _with_odd_rows(body: bytes, fault: Fault) -> bytes:
    rows = orjson.loads(body)
    for row in rows if isinstance(rows, list) else [rows]:
        if row.get("id") in fault.issues:
            row.update(fault.body)
            for name in [name for name, value in row.items() if value == "(missing)"]:
                del row[name]
    return orjson.dumps(rows)


def _next_is_itself(response: Response) -> dict[str, str]:
    page = response.headers.get("X-Page", "1")
    return {"Link": f'<http://127.0.0.1/?page={page}>; rel="next"'}


def _spoilt(response: Response, fault: Fault) -> Response:  # noqa: C901 - a case per kind
    """What a fault leaves of an answer."""
    match fault.kind:
        case "status":
            if isinstance(fault.body, str):
                return Response(fault.status, fault.body.encode(), fault.headers, "text/plain")
            reason = fault.body or {"message": f"{fault.status} injected"}
            return Response(fault.status, orjson.dumps(reason), fault.headers)
        case "html":
            page = b"<!DOCTYPE html><html><title>Down for maintenance</title></html>"
            return Response(200, page, kind="text/html")
        case "empty":
            return replace(response, body=b"")
        case "truncate":
            return replace(response, body=response.body[: len(response.body) // 2])
        case "headers":
            headers = response.headers | fault.headers
            kept = {name: text for name, text in headers.items() if name not in fault.drop}
            return replace(response, headers=kept)
        case "bomb":
            packed = gzip.compress(b"[" + b" " * (fault.rows * 2**20) + b"]")
            packing = response.headers | {"Content-Encoding": "gzip"}
            return replace(response, body=packed, headers=packing)
        case "deep":
            return replace(response, body=b"[" * fault.rows + b"]" * fault.rows)
        case "mutate":
            try:
                whole = orjson.loads(response.body)
            except ValueError:  # the bytes of a file
                return response
            # `json` writes numbers of any size, and halves of surrogate pairs.
            body = json.dumps(mutated(whole, fault.draw, fault.rows)).encode()
            return replace(response, body=body)
        case "odd":
            return replace(response, body=_with_odd_rows(response.body, fault))
        case "loop":
            return replace(response, headers=response.headers | _next_is_itself(response))
    return response


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.split(":", 1) for line in lines if line)
    headers = {name.lower(): value.strip() for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(method, target, headers, body)


def _wire(app: App, response: Response) -> bytes:
    headers = {
        "Date": app.date(),
        "Content-Type": response.kind,
        "Content-Length": str(len(response.body)),
        **response.headers,
    }
    lines = [f"HTTP/1.1 {response.status} {REASONS.get(response.status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + response.body


def _guarded(handler: Callable[[Request], Response], request: Request) -> Response:
    """A bug of this server answers 599 with its text, so that a test that meets it says so."""
    try:
        return handler(request)
    except Exception as error:
        return _json(599, {"message": f"the test server failed: {error!r} on {request.target}"})


def _json(status: int, value: Any) -> Response:
    return Response(status, orjson.dumps(value))


def _positive(text: str, name: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise Refusal(400, {"error": f"{name} does not have a valid value"})
    return int(text)


def _filters(request: Request) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The parameters that choose and order rows: all but the page."""
    paging = ("page", "per_page")
    chosen = [(name, tuple(v)) for name, v in sorted(request.query.items()) if name not in paging]
    return tuple(chosen)


def _shape(target: str) -> str:
    """A path with its names taken out, for counting: ``projects/:id/issues/:id/notes``."""
    path = urlsplit(target).path
    if path.endswith("/api/graphql"):
        return "graphql"
    path = path.partition("/api/v4/")[2]
    path = re.sub(r"(?<=files/)[^/]+", ":path", path)
    path = re.sub(r"^(groups|projects)/[^/]+", r"\1/:id", path)
    return re.sub(r"/\d+(?=/|$)", "/:id", path)
