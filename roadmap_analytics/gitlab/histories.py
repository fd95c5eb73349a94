"""What a source of histories takes and gives; `histories_rest` and `histories_graphql` are two."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from roadmap_analytics.gitlab.client import PartFailed
from roadmap_analytics.records import Row


class Due(NamedTuple):
    """An issue whose history is to be fetched; its row, where the row is to be stored as well."""

    project: str
    project_id: int
    iid: int
    ident: int
    row: Row | None

    @property
    def path(self) -> str:
        """Where REST has it."""
        return f"/projects/{self.project_id}/issues/{self.iid}"

    def __str__(self) -> str:
        return f"{self.project}#{self.iid}"


class Failure(NamedTuple):
    """A part that failed for good; what earlier runs had of it stays."""

    part: str
    status: int | None
    message: str

    @property
    def forbidden(self) -> bool:
        """Whether it is a matter of rights."""
        return self.status in (401, 403, 404)


class Found(NamedTuple):
    """A whole history, as a record's `data` holds it, and the way it came."""

    data: Row
    via: str


class Gone:
    """The issue was deleted meanwhile."""


Outcome = Found | Gone | Failure


class Source(ABC):
    """A way to the histories of issues."""

    via: str
    """Its name, as records and the manifest bear it."""

    @abstractmethod
    def batches(self, due: Iterable[Due]) -> Iterator[Sequence[Due]]:
        """Group issues into what one task asks for; every issue is in one group."""

    @abstractmethod
    def histories(self, batch: Sequence[Due]) -> list[tuple[Due, Outcome]]:
        """Fetch the whole history of each issue; called in several threads at once."""

    def lost(self) -> list[Failure]:
        """Give what no history of this source has, though it should."""
        return []

    def notices(self) -> Mapping[str, int]:
        """Give sentences about what went another way than expected, and how often each was so."""
        return {}


def failure(part: str, failed: PartFailed) -> Failure:
    """Name a part that failed."""
    return Failure(part, failed.status, failed.message)
