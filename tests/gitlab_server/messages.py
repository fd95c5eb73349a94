"""A request as read from the wire, an answer before it goes there, and the refusal of a route."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Request:
    """One request."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""

    def __post_init__(self) -> None:
        parts = urlsplit(self.target)
        self.path = parts.path
        self.query = parse_qs(parts.query, keep_blank_values=True)

    def one(self, name: str, default: str = "") -> str:
        """The last value of a parameter, as Rails takes it."""
        return self.query.get(name, [default])[-1]

    def flag(self, name: str, default: bool = False) -> bool:
        """A parameter that is true or false (python writes "True", which Rails takes as well)."""
        return self.one(name, str(default)).lower() in ("true", "t", "1", "yes", "on")


@dataclass
class Response:
    """Status, body and headers of an answer, and the seconds that the server works on it."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "application/json"
    seconds: float = 0.0


class Refusal(Exception):  # noqa: N818 - an answer, not a fault
    """An answer other than 200, from anywhere within a route."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
