"""The Regions, and what each supports (RG-1, RG-2, RO-7)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kernel.errors import DomainError, ErrorCode
from app.kernel.regions import partition, region, regions

WITHOUT_SUPPORT = {
    "us-west-1",
    "ap-northeast-3",
    "ca-central-1",
    "eu-west-3",
    "eu-north-1",
    "sa-east-1",
    "us-gov-east-1",
    "us-gov-west-1",
}
CODES = [each.code for each in regions()]


def test_there_are_nineteen_regions_in_the_guides_order() -> None:
    """RG-1."""
    assert len(CODES) == len(set(CODES)) == 19
    assert CODES[:4] == ["us-east-1", "us-east-2", "us-west-1", "us-west-2"]
    assert CODES[-2:] == ["us-gov-east-1", "us-gov-west-1"]
    assert region("sa-east-1").name == "South America (São Paulo)"


def test_work_across_accounts_is_supported_in_eleven_regions() -> None:
    """RG-2: the other eight refuse sharing, linking, discovery and disassociation across accounts."""
    assert {each.code for each in regions() if not each.supports_cross_account} == WITHOUT_SUPPORT


def test_roles_are_usable_in_the_regions_marked_for_them() -> None:
    """RO-7: the same Regions that support work across accounts, which needs the roles."""
    assert {each.code for each in regions() if not each.supports_service_linked_roles} == WITHOUT_SUPPORT


@pytest.mark.parametrize("code", CODES)
def test_a_code_gives_its_region(code: str) -> None:
    """RG-1."""
    assert region(code).code == code
    assert region(code) in regions()


@pytest.mark.parametrize("code", ["", "us-east-9", "US-EAST-1", "us-east-1 ", "us-east-1\x00", "x" * 10_000])
def test_an_unknown_code_is_refused_by_the_name_of_its_field(code: str) -> None:
    """RG-1: and the message quotes no more than a line of what came."""
    with pytest.raises(DomainError) as caught:
        region(code, "input", "region")
    [refusal] = caught.value.refusals
    assert (refusal.code, refusal.field, refusal.rule) == (ErrorCode.INVALID_INPUT, ("input", "region"), "RG-1")
    assert refusal.remedy is not None
    assert len(refusal.message) < 100


@given(st.text().filter(lambda text: text not in CODES))
def test_nothing_else_is_a_region(code: str) -> None:
    """RG-1."""
    with pytest.raises(DomainError):
        region(code)


@pytest.mark.parametrize("code", CODES)
def test_the_govcloud_regions_are_a_partition_of_their_own(code: str) -> None:
    """LC-13."""
    assert partition(code) == ("aws-us-gov" if "GovCloud" in region(code).name else "aws")
