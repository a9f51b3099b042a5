"""The edge is driven by botocore's model: its inputs, outputs and errors are all of it."""

import re
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

import app.aws.operations  # noqa: F401 - declares them
from app.aws import errors, shapes
from app.aws.calls import READS, WRITES
from app.aws.model import service
from app.kernel.errors import ErrorCode, Refusal
from tests.aws.door import conforms

OF_2019 = [
    "CreateLicenseConfiguration",
    "GetLicenseConfiguration",
    "UpdateLicenseConfiguration",
    "DeleteLicenseConfiguration",
    "ListLicenseConfigurations",
    "ListAssociationsForLicenseConfiguration",
    "ListUsageForLicenseConfiguration",
    "ListFailuresForLicenseConfigurationOperations",
    "ListLicenseSpecificationsForResource",
    "UpdateLicenseSpecificationsForResource",
    "ListResourceInventory",
    "GetServiceSettings",
    "UpdateServiceSettings",
    "TagResource",
    "UntagResource",
    "ListTagsForResource",
]


def test_the_operations_of_the_guides_edition_are_served() -> None:
    assert sorted([*READS, *WRITES]) == sorted(OF_2019)
    assert set(OF_2019) <= set(service().operation_names)


def test_every_refusal_has_an_exception_of_the_model() -> None:
    """One table: no code without an exception, no exception that SDKs do not know."""
    assert set(errors.EXCEPTIONS) == set(ErrorCode)
    known = {shape.name for shape in service().error_shapes}
    assert set(errors.EXCEPTIONS.values()) <= known


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_refusal_is_an_error_of_its_exceptions_shape(code: ErrorCode) -> None:
    """Message, remedy and, where the shape has it, the code."""
    error = errors.error_of([Refusal(code=code, message="No.", remedy="Do.", rule="RO-2")])
    (shape,) = (each for each in service().error_shapes if each.name == error.code)
    body = {name: value for name, value in error.body.items() if name != "__type"}
    conforms(shape, body)
    assert body["Message"] == "No. Do."


def _example(shape: Any) -> Any:
    """A value of a shape, with every member."""
    kinds: dict[str, Any] = {"string": "x", "integer": 1, "long": 2**40, "boolean": True}
    if shape.type_name == "structure":
        return {name: _example(member) for name, member in shape.members.items()}
    if shape.type_name == "list":
        return [_example(shape.member)]
    if shape.type_name == "map":
        return {}
    if shape.type_name == "timestamp":
        return datetime(2026, 1, 5, 9, 0, 0, 500_000, tzinfo=UTC)
    return shape.metadata["enum"][0] if shape.metadata.get("enum") else kinds[shape.type_name]


@pytest.mark.parametrize("name", OF_2019)
def test_inputs_are_read_whole_and_outputs_are_written_whole(name: str) -> None:
    """Every member of the input shape is read, every member of the output shape can be written."""
    found = service().operation_model(name)
    given = _example(found.input_shape) if found.input_shape else {}
    assert shapes.read_input(name, orjson.dumps({**given, "unknown": [1]})) == given
    if found.output_shape and found.output_shape.members and name != "GetServiceSettings":
        written = orjson.loads(shapes.write_output(name, _example(found.output_shape)))
        conforms(found.output_shape, written)
        assert set(written) == set(found.output_shape.members)
        assert orjson.loads(shapes.write_output(name, dict.fromkeys(found.output_shape.members))) == {}


def test_timestamps_are_seconds_of_the_epoch() -> None:
    instant = datetime(2026, 1, 5, 9, 0, 0, 123_456, tzinfo=UTC)
    answer = {"LicenseConfigurationAssociations": [{"AssociationTime": instant}]}
    written = shapes.write_output("ListAssociationsForLicenseConfiguration", answer)
    assert written == b'{"LicenseConfigurationAssociations":[{"AssociationTime":1767603600.123}]}'


def test_an_answer_can_not_say_what_the_model_does_not_know() -> None:
    with pytest.raises(KeyError):
        shapes.write_output("ListTagsForResource", {"Label": "x"})


@pytest.mark.parametrize(
    ("name", "given", "where"),
    [
        ("GetLicenseConfiguration", {"LicenseConfigurationArn": 1}, "licenseConfigurationArn is a number"),
        ("CreateLicenseConfiguration", {"LicenseCount": "1"}, "licenseCount is a string"),
        ("CreateLicenseConfiguration", {"LicenseCount": 1.5}, "licenseCount is a number"),
        ("CreateLicenseConfiguration", {"LicenseCount": True}, "licenseCount is a boolean"),
        ("CreateLicenseConfiguration", {"LicenseCount": 2**63}, "licenseCount is a number"),
        ("CreateLicenseConfiguration", {"LicenseCountHardLimit": 1}, "licenseCountHardLimit is a number"),
        ("CreateLicenseConfiguration", {"Tags": {}}, "tags is an object"),
        ("CreateLicenseConfiguration", {"Tags": [{"Key": []}]}, "tags.1.member.key is a list"),
        ("CreateLicenseConfiguration", {"Tags": [None]}, "tags.1.member is null"),
        ("CreateLicenseConfiguration", {"Tags": [{}] * 1001}, "at most 1000 items"),
        ("ListLicenseConfigurations", {"MaxResults": 2**31}, "maxResults is a number"),
    ],
)
def test_another_type_is_told_with_its_place(name: str, given: dict[str, Any], where: str) -> None:
    with pytest.raises(errors.AwsError, match=re.escape(where)) as caught:
        shapes.read_input(name, orjson.dumps(given))
    assert caught.value.code == "SerializationException"
