"""What a query costs before it runs, by GitLab's rule, and how deep it is.

A field costs 1 and what stands below it. A field with a resolver costs ``(1 + children + extras) *
(1 + growth * rows)``, cut to a whole number: 1 extra for a sort order, also a default one, 1 for a
call of Gitaly; ``rows`` is `first`, at most 100, and 100 where it is absent; with
``iid`` or ``iids`` the rows do not count. Of an interface only the dearest type counts. The source
is ``app/graphql/types/base_field.rb`` and ``app/graphql/resolvers/base_resolver.rb``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    get_argument_values,
    get_directive_values,
    get_named_type,
    is_abstract_type,
    is_object_type,
)

from tests.gitlab_server.graphql.pages import LARGEST

INTROSPECTION = {"__typename", "__schema", "__type"}


@dataclass(frozen=True)
class Price:
    """Complexity and depth of a query or a part of it."""

    score: int
    depth: int


NOTHING = Price(0, 0)


@dataclass(frozen=True)
class Measure:
    """Prices of parts of one operation.

    Attributes
    ----------
    variables
        Values of the operation's variables, as graphql-core has coerced them.
    major
        The instance's major version: some fields cost more since.
    """

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Any
    major: int

    def operation(self, operation: OperationDefinitionNode) -> Price:
        """The price of a whole operation."""
        root = self.schema.get_root_type(operation.operation)
        assert root is not None, "validation has seen that there is one"
        return self._object([operation], root)

    def _object(self, nodes: list[Any], of: GraphQLObjectType) -> Price:
        """The price of all selections in `nodes` on an object of this type."""
        fields: dict[str, list[FieldNode]] = defaultdict(list)
        for node in nodes:
            for field in self._fields(node.selection_set.selections, of):
                fields[(field.alias or field.name).value].append(field)
        prices = [self._field(same, of) for same in fields.values()]
        return Price(
            sum(price.score for price in prices), max((price.depth for price in prices), default=0)
        )

    def _fields(
        self, selections: tuple[SelectionNode, ...], of: GraphQLObjectType
    ) -> Iterator[FieldNode]:
        """Fields that apply to an object of this type, fragments opened."""
        for selection in selections:
            if not self._included(selection):
                continue
            if isinstance(selection, FieldNode):
                yield selection
                continue
            fragment: Any = selection
            if isinstance(selection, FragmentSpreadNode):
                fragment = self.fragments[selection.name.value]
            assert isinstance(fragment, InlineFragmentNode | FragmentDefinitionNode)
            if self._applies(fragment, of):
                yield from self._fields(fragment.selection_set.selections, of)

    def _included(self, node: SelectionNode) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self.variables) or {}
        include = get_directive_values(GraphQLIncludeDirective, node, self.variables) or {}
        return not skip.get("if", False) and bool(include.get("if", True))

    def _applies(
        self, fragment: InlineFragmentNode | FragmentDefinitionNode, of: GraphQLObjectType
    ) -> bool:
        if fragment.type_condition is None or fragment.type_condition.name.value == of.name:
            return True
        condition = self.schema.get_type(fragment.type_condition.name.value)
        return is_abstract_type(condition) and self.schema.is_sub_type(condition, of)

    def _field(self, nodes: list[FieldNode], of: GraphQLObjectType) -> Price:
        """The price of one field, which may be asked for in several places."""
        name = nodes[0].name.value
        if name in INTROSPECTION:
            below = self._introspection(nodes)
            return Price(below.score + 1, below.depth + 1)
        field = of.fields[name]
        below = self._children(nodes, get_named_type(field.type))
        arguments = get_argument_values(field, nodes[0], self.variables)
        return Price(self._score(field, arguments, below.score), below.depth + 1)

    def _children(self, nodes: list[FieldNode], of: Any) -> Price:
        if is_object_type(of):
            return self._object(nodes, of)
        if not is_abstract_type(of):
            return NOTHING
        prices = [self._object(nodes, one) for one in self.schema.get_possible_types(of)]
        return Price(max(price.score for price in prices), max(price.depth for price in prices))

    def _introspection(self, nodes: list[FieldNode]) -> Price:
        """Fields of the schema's own types are plain ones."""
        score, depth = 0, 0
        for node in nodes:
            for inner in node.selection_set.selections if node.selection_set else ():
                if isinstance(inner, FieldNode):
                    below = self._introspection([inner])
                    score, depth = score + below.score + 1, max(depth, below.depth + 1)
        return Price(score, depth)

    def _score(self, field: GraphQLField, arguments: dict[str, Any], children: int) -> int:
        assert field.ast_node is not None, "every field comes from the file of types"
        directives = {directive.name.value for directive in field.ast_node.directives or ()}
        if "free" in directives:
            return 0
        if "resolver" not in directives:
            return children + 1
        definition = self.schema.get_directive("resolver")
        assert definition is not None
        rule = get_directive_values(definition, field.ast_node) or {}
        own = children + 1 + bool(rule["gitaly"]) + self._sorted(rule, arguments)
        growth = rule["growth"]
        if arguments.get("iid") is not None or arguments.get("iids") is not None:
            growth = 0
        first = arguments.get("first")
        rows = LARGEST if first is None else min(first, LARGEST)
        return int(own * (1 + growth * rows))

    def _sorted(self, rule: dict[str, Any], arguments: dict[str, Any]) -> bool:
        """Whether the field is sorted: by default in this version, or because that is asked for."""
        since = rule.get("sortedSince")
        by_default = since is not None and self.major >= since
        return by_default or arguments.get("sort") is not None
