"""How much is checked on every run, and what is left to `make soak`."""

from typing import Any

import pytest
from hypothesis import settings

EVERY_RUN = 20


def examples(number: int) -> settings:
    """Draw so many examples on every run, where a property with cheap ones draws twenty.

    `make soak` draws as many times more of these as of the others.
    """
    return settings(max_examples=max(1, number * settings.default.max_examples // EVERY_RUN))


def left_to_soak(*values: Any) -> list[Any]:
    """Mark further values of a parameter, which show no other kind of fault, as slow."""
    return [
        pytest.param(*(value if isinstance(value, tuple) else (value,)), marks=pytest.mark.slow)
        for value in values
    ]
