"""GitLab -> records. The only part of the package that talks to a server.

`Export` asks through python-gitlab and yields records, plain dictionaries as described in
docs/dataset.md; it knows neither frames nor where the records go.
"""

from roadmap_analytics.gitlab.addresses import Address
from roadmap_analytics.gitlab.addresses import parse as parse_address
from roadmap_analytics.gitlab.crawl import KEPT, Export, Request, Via
from roadmap_analytics.gitlab.doctor import Answer, examine
from roadmap_analytics.gitlab.histories import Failure
from roadmap_analytics.gitlab.known import Known
from roadmap_analytics.gitlab.progress import Progress, Reporter
from roadmap_analytics.gitlab.repository import Place

__all__ = [
    "KEPT",
    "Address",
    "Answer",
    "Export",
    "Failure",
    "Known",
    "Place",
    "Progress",
    "Reporter",
    "Request",
    "Via",
    "examine",
    "parse_address",
]
