"""Versions of software compare as people read them, by keys that a database sorts (IN-1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.compute.versions import version_key

IN_ORDER = [
    "0", "0.9", "1.0~rc1", "1.0-alpha", "1.0-beta", "1.0-beta2", "1.0-rc1", "1.0", "1.0.1", "1.0.2a1", "1.0.2",
    "1.0.2a", "1.0.2b", "1.1", "1.9", "1.10", "2", "9.9.9", "10", "15.0.2000", "15.0.2000.5", "16",
    "2022-CU1", "2022-CU12",
]  # fmt: skip


def test_keys_sort_as_versions_do() -> None:
    keys = [version_key(each) for each in IN_ORDER]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("one", "other"), [("15", "15.0.0"), ("v1.2", "1.2"), ("1:2.3-4", "2.3-4"), ("1.2RC1", "1.2rc1"), ("007", "7")]
)
def test_versions_that_are_the_same_have_one_key(one: str, other: str) -> None:
    assert version_key(one) == version_key(other)


@given(
    st.lists(st.integers(0, 10**30), min_size=1, max_size=6), st.lists(st.integers(0, 10**30), min_size=1, max_size=6)
)
def test_numbers_compare_part_by_part(one: list[int], other: list[int]) -> None:
    def significant(parts: list[int]) -> list[int]:
        kept = list(parts)
        while len(kept) > 1 and kept[-1] == 0:
            del kept[-1]
        return kept

    keys = [version_key(".".join(map(str, parts))) for parts in (one, other)]
    assert (keys[0] < keys[1]) == (significant(one) < significant(other))


@given(st.text(max_size=128))
def test_any_text_has_a_key_that_fits_its_column(text: str) -> None:
    assert 1 <= len(version_key(text)) <= 768
