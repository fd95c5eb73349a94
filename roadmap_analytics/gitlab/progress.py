"""How far an export is, for a caller to show."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Progress(NamedTuple):
    """How far an export is.

    Attributes
    ----------
    stage : str
        What it is at: "groups and projects", "issues", "tables" ...
    done, total : int
        Issues looked at, and issues known of so far; both grow.
    requests : int
        Requests made so far, repeated ones too.
    waiting_seconds : float
        How long the server asks to wait now; 0 if it does not.
    """

    stage: str = ""
    done: int = 0
    total: int = 0
    requests: int = 0
    waiting_seconds: float = 0.0


class Reporter:
    """Calls back with a `Progress` at every step; without a callback it does nothing."""

    def __init__(self, callback: Callable[[Progress], None] | None = None) -> None:
        self._callback = callback
        self._now = Progress()

    def stage(self, what: str) -> None:
        """Report that something else begins."""
        self._report(self._now._replace(stage=what, waiting_seconds=0.0))

    def step(self, done: int, total: int, requests: int) -> None:
        """Report how many issues of how many are done."""
        self._report(Progress(self._now.stage, done, total, requests))

    def waiting(self, seconds: float) -> None:
        """Report that every request waits, because the server asks to."""
        self._report(self._now._replace(waiting_seconds=seconds))

    def _report(self, now: Progress) -> None:
        self._now = now
        if self._callback is not None:
            self._callback(now)
