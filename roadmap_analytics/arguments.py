"""What a call may be given: each error names the argument, what was expected, and what came."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any, get_args

from roadmap_analytics.errors import ConfigurationError


def one_of(name: str, value: object, kinds: object) -> None:
    """Raise ConfigurationError where an argument is none of a literal type's values."""
    known = get_args(kinds)
    if value not in known:
        raise ConfigurationError(f"{name}: expected one of {list(known)}, got {short(value)}")


def whole_number(name: str, value: object, least: int, most: int | None = None) -> None:
    """Raise ConfigurationError where an argument is no whole number within bounds.

    Examples
    --------
    >>> whole_number("jobs", 4, 1, 64)
    >>> whole_number("jobs", "4", 1, 64)
    Traceback (most recent call last):
    roadmap_analytics.errors.ConfigurationError: jobs: expected a whole number from 1 to 64, got '4'
    """
    # True is an int to Python, but no number to a person.
    is_whole = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_whole or value < least or (most is not None and value > most):  # type: ignore[operator]
        bounds = f"from {least}" + ("" if most is None else f" to {most}")
        raise ConfigurationError(f"{name}: expected a whole number {bounds}, got {short(value)}")


def number(name: str, value: object, least: float, most: float) -> None:
    """Raise ConfigurationError where an argument is no number within bounds, nan included."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not least <= value <= most:  # type: ignore[operator]
        raise ConfigurationError(
            f"{name}: expected a number from {least:g} to {most:g}, got {short(value)}"
        )


def frame_of(call: str, maker: str, frame: Any, columns: Iterable[str]) -> None:
    """Raise ConfigurationError where a call is given no frame, or one without these columns."""
    there = list(getattr(frame, "columns", ()))
    if lacking := sorted(set(columns) - set(there)):
        got = f"one without {', '.join(lacking)}" if there else short(frame)
        raise ConfigurationError(
            f"{call}: expected a frame as ra.{maker} returns it, got {got}; "
            f"call ra.{maker}(...) and pass its result"
        )


def as_list(names: Iterable[str] | str) -> list[str]:
    """Return one name or several as a list; the letters of one are no names.

    Examples
    --------
    >>> as_list("issues"), as_list(("issues", "milestones"))
    (['issues'], ['issues', 'milestones'])
    """
    return [names] if isinstance(names, str) else list(names)


def short(value: object) -> str:
    """Return how a value looks, in one line of a message.

    Examples
    --------
    >>> short("burndown"), short(list(range(100)))
    ("'burndown'", '[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 2 …')
    """
    text = " ".join(repr(value).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST].rstrip(' ,')} …"


_LONGEST = 72
"""So much of a value shows what it is; a frame would fill the screen."""
