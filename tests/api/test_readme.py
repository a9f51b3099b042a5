"""What the README tells to paste is taken by the served schema."""

import re
from pathlib import Path

import pytest
from graphql import DocumentNode, build_schema, parse, validate

ROOT = Path(__file__).parents[2]
STEPS = [
    definition
    for block in re.findall(
        r"^```graphql\n(.*?)^```$", (ROOT / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    for definition in parse(block).definitions
]


def test_the_readme_has_first_steps() -> None:
    assert len(STEPS) == 3


@pytest.mark.parametrize("step", range(3))
def test_each_first_step_is_a_document_of_the_served_schema(step: int) -> None:
    served = build_schema((ROOT / "graphql" / "schema.graphql").read_text("utf-8"))
    assert validate(served, DocumentNode(definitions=(STEPS[step],))) == []
