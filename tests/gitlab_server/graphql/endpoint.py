"""One request for GraphQL: rights, limits, validation, then the answer, in GitLab's words."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson
from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    execute_sync,
    get_operation_ast,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values

from tests.gitlab_server.faults import Fault
from tests.gitlab_server.graphql.complexity import Measure, Price
from tests.gitlab_server.graphql.resolvers import Asking, in_time, schema
from tests.gitlab_server.messages import Refusal, Request, Response

if TYPE_CHECKING:
    from tests.gitlab_server.app import App

CHARACTERS = 10_000
WITHOUT_TOKEN = Price(score=200, depth=15)
WITH_TOKEN = Price(score=250, depth=20)

WORDS = (
    (r"Cannot query field '(\w+)' on type '(\w+)'\..*", r"Field '\1' doesn't exist on type '\2'"),
    (
        r"Unknown argument '(\w+)' on field '\w+\.(\w+)'\..*",
        r"Field '\2' doesn't accept argument '\1'",
    ),
    (
        r"Unknown type '(\w+)'\..*",
        r"No such type \1, so it can't be a fragment condition",
    ),
)
"""graphql-core's words, and graphql-ruby's for the same fault."""


def answer(app: App, request: Request, fault: Fault | None) -> Response:
    """https://docs.gitlab.com/api/graphql/ (every answer is 200 unless the request itself fails)"""
    if request.method != "POST":
        return _errors(404, "Not found!")
    try:
        access = app.access(request)
    except Refusal:  # a token that is wrong, expired or lacks read_api: GraphQL says no more
        return _errors(401, "Invalid token")
    try:
        asked = orjson.loads(request.body)
        text, variables = asked.get("query") or "", asked.get("variables") or {}
    except (ValueError, AttributeError):  # no JSON, or no object: one query a request here
        return _errors(400, "Bad request")
    if len(text) > CHARACTERS:
        return _errors(422, "Query too large")
    if not text:
        return _errors(200, "No query string was present")
    if isinstance(variables, str):
        variables = orjson.loads(variables)
    return _run(app, access, fault, text, variables, asked.get("operationName"))


def _run(
    app: App, access: str, fault: Fault | None, text: str, variables: Any, name: str | None
) -> Response:
    major = int(app.settings.version.partition(".")[0])
    types = schema(major, app.settings.notes_widget)
    document, faults = _understood(types, text)
    if faults or document is None:
        return _refused([_in_ruby(one) for one in faults])
    operation = get_operation_ast(document, name)
    if operation is None:
        return _errors(200, "An operation name is required")
    values = get_variable_values(types, operation.variable_definitions or (), variables)
    if isinstance(values, list):
        return _refused([one.formatted for one in values])
    price = _price(types, document, operation, values, major)
    limit = WITHOUT_TOKEN if access == "none" else WITH_TOKEN
    if refusals := _too_dear(price, limit):
        return _refused(refusals)
    timeout = fault if fault and fault.kind == "timeout" else None
    asking = Asking(app, access, price, limit.score)
    if timeout:
        asking.slow, asking.batch = set(timeout.issues), timeout.batch
    result = execute_sync(
        types,
        document,
        context_value=asking,
        variable_values=variables,
        operation_name=name,
        middleware=[in_time] if timeout else None,
    )
    seconds = app.settings.batch_seconds + app.settings.item_seconds * asking.work_items
    return Response(200, orjson.dumps(result.formatted), seconds=seconds)


@lru_cache(maxsize=100)
def _understood(types: GraphQLSchema, text: str) -> tuple[DocumentNode | None, list[GraphQLError]]:
    """The query as a tree, and what is wrong with it."""
    try:
        document = parse(text)
    except GraphQLError as error:
        return None, [error]
    return document, validate(types, document)


def _price(
    types: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    values: Any,
    major: int,
) -> Price:
    fragments = {
        one.name.value: one
        for one in document.definitions
        if isinstance(one, FragmentDefinitionNode)
    }
    return Measure(types, fragments, values, major).operation(operation)


def _too_dear(price: Price, limit: Price) -> list[dict[str, Any]]:
    sizes = {
        "complexity": (price.score, limit.score),
        "depth": (price.depth, limit.depth),
    }
    return [
        {"message": f"Query has {name} of {found}, which exceeds max {name} of {most}"}
        for name, (found, most) in sizes.items()
        if found > most
    ]


def _in_ruby(error: GraphQLError) -> dict[str, Any]:
    """An error of validation in graphql-ruby's words, where the export may meet it."""
    message = error.message
    for ours, theirs in WORDS:
        message = re.sub(ours, theirs, message, flags=re.DOTALL)
    return {**error.formatted, "message": message}


def _errors(status: int, message: str) -> Response:
    return Response(status, orjson.dumps({"errors": [{"message": message}]}))


def _refused(errors: list[Any]) -> Response:
    """A query that is not run: no ``data`` at all."""
    return Response(200, orjson.dumps({"errors": errors}))
