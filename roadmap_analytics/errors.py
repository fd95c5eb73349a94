"""Everything that can go wrong, one class per meaning, each with its exit code.

Messages say, in this order: what failed, where, what was expected, what was found, what to do.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any

__all__ = [
    "AccessError",
    "ConfigurationError",
    "DamagedFileError",
    "DatasetError",
    "RoadmapAnalyticsError",
    "RoadmapError",
    "ServerError",
    "TablesRebuiltWarning",
    "UnknownNameError",
    "masked",
]

_SECRET = re.compile(
    r"""(?ix)
    \b (?:glpat|gldt|glrtr?|glcbt|glptt|glft|glimt|glagent|glsoat|gloas|glffct|glwt) - [\w.=-]+
    | \b eyJ [\w-]{8,} \. [\w-]+ (?: \. [\w-]* )?         # JSON web token
    | (?<= //) [^\s/@]+ (?= @)                             # https://TOKEN@host
    | \b [^\s/:@"'(]+ : [^\s/@"']+ (?= @)                # USER:PASSWORD@host, where // is missing
    | (?<= token=) [^\s&"']+ | (?<= password=) [^\s&"']+ | (?<= secret=) [^\s&"']+
    """
)
"""What looks like a credential: GitLab's own prefixes, and places where people paste one."""


def masked(text: str) -> str:
    """Return a text for a message, with whatever looks like a credential taken out.

    Examples
    --------
    >>> masked("https:/oauth2:hunter2@git.example.org/a?private_token=abc")
    'https:/[secret]@git.example.org/a?private_token=[secret]'
    >>> masked("ada@example.org wrote glpat-abc")
    'ada@example.org wrote [secret]'
    """
    return _SECRET.sub("[secret]", text)


class RoadmapAnalyticsError(Exception):
    """Any failure that this package reports; catch this one to catch them all."""

    exit_code = 2


class ConfigurationError(RoadmapAnalyticsError):
    """The call, the address or `roadmap.toml` is wrong: nothing was asked of any server."""

    exit_code = 2


class UnknownNameError(ConfigurationError, LookupError):
    """A name fits no milestone, person or item, or fits several; the nearest ones are listed."""


class RoadmapError(RoadmapAnalyticsError):
    """A roadmap document or `matches.csv` cannot be read; nothing of it was taken."""

    exit_code = 2


class AccessError(RoadmapAnalyticsError):
    """GitLab does not let this token see what was asked for (401, 403, or a hidden 404)."""

    exit_code = 3


class ServerError(RoadmapAnalyticsError):
    """The server or the network failed after every retry; what was fetched is kept."""

    exit_code = 4


class DatasetError(RoadmapAnalyticsError):
    """The dataset is damaged, locked by another run, or of a format this version cannot read."""

    exit_code = 5


class DamagedFileError(DatasetError):
    """A file of the dataset cannot be trusted: it is missing, changed, or not what it should be.

    Attributes
    ----------
    file : path
        Which one.
    why : str
        What is wrong with it.
    """

    def __init__(self, file: PurePath, why: str) -> None:
        super().__init__(
            f"{file}: damaged: {why}. Restore this file from a backup, or export into a new folder."
        )
        self.file, self.why = file, why

    def __reduce__(self) -> tuple[Any, ...]:
        # An error is pickled with its message alone; this one is made of two arguments. Worker
        # processes send their errors that way.
        return type(self), (self.file, self.why)


class TablesRebuiltWarning(UserWarning):
    """A table of the dataset was damaged; all tables were rebuilt from its records."""
