"""Files are read as plain values with the line of each, within bounds."""

from pathlib import Path

import pytest

from app.seeding import document
from app.seeding.document import load
from app.seeding.errors import InputError


def written(folder: Path, text: str | bytes, name: str = "seed.yaml") -> Path:
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def test_every_value_has_its_line(tmp_path: Path) -> None:
    found = load(written(tmp_path, "a: 1\nb:\n  - c: x\n    d: [1,\n        2]\n"))
    assert found.data == {"a": 1, "b": [{"c": "x", "d": [1, 2]}]}
    assert found.line(("b", 0, "d", 1)) == 5
    assert found.line(("b", 0, "c")) == 3
    assert found.line(("b", 0, "absent", "below")) == 3
    assert found.line(()) == 1


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("012345678901", "012345678901"),
        ("111122223333", 111122223333),
        ("0o17", "0o17"),
        ("2026-01-05", "2026-01-05"),
        ("1:30", "1:30"),
        ("1e5", "1e5"),
        ("true", True),
        ("'true'", "true"),
        ("1.5", 1.5),
        ("~", None),
        ("", None),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_only_plain_numbers_and_true_false_null_are_more_than_text(tmp_path: Path, text: str, value: object) -> None:
    assert load(written(tmp_path, f"a: {text}")).data == {"a": value}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\nb: 2\na: 3", 3, "“a” is there twice"),
        ("a: &x 1", 1, "anchors are not taken"),
        ("a: 1\nb: *x", 2, "aliases are not taken"),
        ("a: !!python/object:os.system x", 1, "the tag"),
        ("a: 1\n---\nb: 2", 2, "a second document begins"),
        ("? [1]\n: 2", 1, "a key must be text"),
        ("a:\n  b: [1", 3, "is not YAML"),
        ("a: b: c", 1, "is not YAML"),
        ("a: \x01", 1, "is not YAML"),
        ("", 1, "is empty"),
        ("- " * 60 + "x", 1, "is nested deeper than 50"),
        ("[" * 100_000, 1, "is n"),
    ],
)
def test_yaml_that_can_t_be_taken_is_refused_with_its_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    with pytest.raises(InputError) as refused:
        load(written(tmp_path, text))
    assert refused.value.line == line
    assert refused.value.message.startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1, "a": 2}', "“a” is there twice"),
        ('{"a":\n}', "is not JSON: Expecting value"),
        ("[" * 100_000, "is nested deeper"),
        ('{"a": ' + "1" * 5000 + "}", "holds a number that is too long"),
    ],
)
def test_json_that_can_t_be_taken_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        load(written(tmp_path, text, "seed.json"))
    assert refused.value.message.startswith(said)


def test_json_has_lines_too_and_every_escape(tmp_path: Path) -> None:
    found = load(written(tmp_path, '{\n\t"a": {\n\t\t"b": "\\/"}}', "seed.json"))
    assert found.data == {"a": {"b": "/"}}
    assert found.line(("a", "b")) == 3
    assert load(written(tmp_path, '{"a": "\\ud83d\\ude00"}', "seed.json")).data == {"a": "\U0001f600"}


def test_a_file_that_is_too_large_holds_too_much_or_is_no_text_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="is not UTF-8 from byte 3 on"):
        load(written(tmp_path, b"a: \xff"))
    with pytest.raises(InputError, match="can't be read"):
        load(tmp_path / "absent.yaml")
    monkeypatch.setattr(document, "MOST_VALUES", 3)
    with pytest.raises(InputError, match="holds more than 3 values"):
        load(written(tmp_path, "[1, 2, 3]"))
    monkeypatch.setattr(document, "LARGEST_FILE", 3)
    for large in (written(tmp_path, "[1, 2, 3]"), Path("/dev/zero")):
        with pytest.raises(InputError, match="is larger than"):
            load(large)
