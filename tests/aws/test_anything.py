"""Whatever a signed request holds, it is answered, or refused by what is wrong with it: never a broken server."""

import asyncio
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from app.aws.model import service
from tests.aws.door import ACCOUNT, REGION
from tests.aws.signing import signed
from tests.aws.test_model import OF_2019
from tests.aws.test_signatures import Guarded, guarded

__all__ = ["guarded"]
ARNS = some.sampled_from(
    [
        f"arn:aws:license-manager:{REGION}:{ACCOUNT}:license-configuration:lic-" + "0" * 32,
        f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance/i-0",
        f"arn:aws:ec2:{REGION}::image/ami-0",
        f"arn:aws:license-manager:{REGION}:::\x00",
        f"arn:aws:license-manager:{REGION}:{ACCOUNT}:%é",
        "arn:::::",
    ]
)
TEXTS = (
    some.text(max_size=40) | ARNS | some.sampled_from(["tag:", "tag:\x01", "platform", "#minimumCores=8", "true", ""])
)
JUNK = some.none() | some.booleans() | some.integers(-(2**70), 2**70) | some.floats(allow_nan=False) | TEXTS


def inputs(shape: Any) -> some.SearchStrategy[Any]:
    """Values of a shape, at its edges and over them, and now and then of another."""
    if shape is None:
        return some.just({})
    if shape.type_name == "structure":
        required = {name: inputs(shape.members[name]) for name in shape.required_members}
        optional = {name: inputs(member) for name, member in shape.members.items() if name not in required}
        return some.fixed_dictionaries(required, optional=optional)
    if shape.type_name == "list":
        return some.lists(inputs(shape.member), max_size=3)
    if shape.metadata.get("enum"):
        return some.sampled_from(shape.metadata["enum"]) | JUNK
    kinds = {
        "string": TEXTS,
        "boolean": some.booleans(),
        "integer": some.integers(-2, 2**31),
        "long": some.sampled_from([-1, 0, 1, 2**31, 2**63 - 1]),
    }
    return some.integers(0, 9).flatmap(lambda chance: JUNK if chance == 0 else kinds[shape.type_name])


@some.composite
def calls(draw: some.DrawFn) -> tuple[str, Any]:
    name = draw(some.sampled_from(OF_2019))
    return name, draw(inputs(service().operation_model(name).input_shape))


async def test_no_input_breaks_the_server(guarded: Guarded) -> None:
    loop = asyncio.get_running_loop()

    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(calls())
    def holds(call: tuple[str, Any]) -> None:
        name, given_ = call
        sent = signed(guarded.key, guarded.clock.now(), name, body=json.dumps(given_).encode())
        status, answer = asyncio.run_coroutine_threadsafe(sent.by(guarded.http), loop).result()
        assert status in (200, 400), (call, answer)
        assert status == 200 or answer["Message"]

    await asyncio.to_thread(holds)
