"""docs/settings.md is what app/settings.py says."""

from app.settings import Settings, variable
from scripts.settings import PAGE, render


def test_the_page_of_settings_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == render(), "run `make settings`"


def test_every_setting_is_documented_with_a_description() -> None:
    page = PAGE.read_text("utf-8")
    for name, field in Settings.model_fields.items():
        assert f"| `{variable(name)}` |" in page
        assert field.description, name
