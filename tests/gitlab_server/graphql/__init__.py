"""`POST /api/graphql` of the loopback GitLab: the same world and the same rights as its REST API.

One file per question: `endpoint` (is this request answered at all?), `complexity` (what does it
cost?), `resolvers` (what does a field say?), `activity` and `wordings` (what happened to an issue,
and in which words?), `pages` (which rows, and where do they go on?). The types stand in
`schema.graphql`, with what each field costs.

https://docs.gitlab.com/api/graphql/
"""

from tests.gitlab_server.graphql.endpoint import answer

__all__ = ["answer"]
