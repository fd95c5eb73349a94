"""A GitLab on loopback, in a process of its own: what the exporter is tested against.

``running(records)`` starts one and gives its control. Every route names the page of GitLab's REST
documentation that it follows (https://docs.gitlab.com/api/<page>/).
"""

from tests.gitlab_server.client import Counts, LoopbackGitLab, running

__all__ = ["Counts", "LoopbackGitLab", "running"]
