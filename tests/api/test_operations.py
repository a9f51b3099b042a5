"""Every documented operation in graphql/operations runs against the demo organization."""

from pathlib import Path
from typing import Any

import pytest
from graphql import OperationDefinitionNode, OperationType, parse, validate

from app.api.schema import schema
from app.seeding.demo import MASTER, ensure_demo
from tests.support.api import Api

OPERATIONS = sorted((Path(__file__).parents[2] / "graphql" / "operations").glob("*.graphql"))


def _text(path: Path) -> str:
    return path.read_text("utf-8")


def _operation(path: Path) -> OperationDefinitionNode:
    (definition,) = parse(_text(path)).definitions
    assert isinstance(definition, OperationDefinitionNode)
    return definition


async def _given(api: Api, operation: OperationDefinitionNode) -> dict[str, Any]:
    """Values for the variables that have no default."""
    client = await api.client(MASTER)
    page = await client.field("{ licenseConfigurations(first: 1) { edges { node { id } } } }")
    images = await client.field(
        '{ resourceInventory(filter: "type:IMAGE AND rhel", first: 1) { edges { node { id } } } }'
    )
    known = {
        "id": page["edges"][0]["node"]["id"],
        "imageId": images["edges"][0]["node"]["id"],
        "from": "2026-01-05T08:00:00Z",
        "to": "2026-01-05T11:00:00Z",
    }
    needed = [each for each in operation.variable_definitions or () if each.default_value is None]
    return {name: known[name] for each in needed if (name := each.variable.name.value) in known}


@pytest.mark.parametrize("path", OPERATIONS, ids=lambda path: path.stem)
async def test_a_documented_operation_runs(api: Api, path: Path) -> None:
    operation, text = _operation(path), _text(path)
    assert validate(schema._schema, parse(text)) == []
    assert text.startswith("# "), "each says what it is for"
    if operation.operation is OperationType.SUBSCRIPTION:
        return
    await ensure_demo(api.database)
    client = await api.client(MASTER)
    answer = await client.raw(text, await _given(api, operation))
    assert "errors" not in answer, answer
    for payload in answer["data"].values():
        assert not (isinstance(payload, dict) and payload.get("errors")), payload
