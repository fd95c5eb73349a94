"""How many worlds a property is checked on."""

from hypothesis import settings

EVERY_RUN = 30


def examples(number: int) -> settings:
    """Draw so many examples on every run, where a property with cheap ones draws thirty.

    `make soak` draws as many times more of these as of the others.
    """
    return settings(max_examples=max(1, number * settings.default.max_examples // EVERY_RUN))
