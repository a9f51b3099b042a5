"""Settings come from the environment, and a wrong one stops the start with its name and never its value."""

import os

import pytest

from app.settings import SettingsError, load, unknown


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("TOLLGATE_")]:
        monkeypatch.delenv(name)


def test_nothing_set_is_a_server_on_sqlite_for_this_machine_alone() -> None:
    settings = load()
    assert settings.database_url.get_secret_value() == "sqlite+aiosqlite:///tollgate.db"
    assert (settings.host, settings.port, settings.development) == ("127.0.0.1", 8000, False)


def test_lists_have_commas_between_their_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLLGATE_CORS_ORIGINS", "https://a.example, https://b.example,")
    monkeypatch.setenv("TOLLGATE_ALERT_THRESHOLDS", "50,90")
    settings = load()
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert settings.alert_thresholds == (50, 90)


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLLGATE_PORT", "")
    assert load().port == 8000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TOLLGATE_PORT", "65536"),
        ("TOLLGATE_PORT", "http"),
        ("TOLLGATE_ENVIRONMENT", "staging"),
        ("TOLLGATE_ALERT_THRESHOLDS", "80,101"),
        ("TOLLGATE_ALERT_THRESHOLDS", "95,80"),
        ("TOLLGATE_ALERT_THRESHOLDS", "80,80"),
        ("TOLLGATE_INVENTORY_SYNC_SCHEDULE", "at noon"),
        ("TOLLGATE_INVENTORY_SYNC_SCHEDULE", "0 13 * * * *"),
        ("TOLLGATE_INVENTORY_SYNC_SCHEDULE", "0 13 30 2 *"),
        ("TOLLGATE_INVENTORY_SYNC_SCHEDULE", "@daily"),
        ("TOLLGATE_MAX_BODY_BYTES", "0"),
        ("TOLLGATE_OIDC_ALGORITHMS", "none"),
        ("TOLLGATE_OIDC_ALGORITHMS", "HS256"),
        ("TOLLGATE_OIDC_ALGORITHMS", ","),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"^{name}: "):
        load()


def test_every_wrong_setting_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLLGATE_PORT", "x")
    monkeypatch.setenv("TOLLGATE_SMTP_PORT", "y")
    with pytest.raises(SettingsError) as refused:
        load()
    assert "TOLLGATE_PORT" in str(refused.value)
    assert "TOLLGATE_SMTP_PORT" in str(refused.value)


def test_an_issuer_needs_an_audience_and_exactly_one_source_of_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLLGATE_OIDC_ISSUER", "https://login.example")
    with pytest.raises(SettingsError, match="TOLLGATE_OIDC_AUDIENCE"):
        load()
    monkeypatch.setenv("TOLLGATE_OIDC_AUDIENCE", "tollgate")
    with pytest.raises(SettingsError, match="TOLLGATE_OIDC_JWKS_FILE"):
        load()
    monkeypatch.setenv("TOLLGATE_OIDC_JWKS_FILE", "keys.json")
    assert load().oidc_issuer == "https://login.example"
    monkeypatch.setenv("TOLLGATE_OIDC_JWKS_URL", "https://login.example/keys")
    with pytest.raises(SettingsError, match="one of"):
        load()


def test_secrets_never_show_in_settings_or_in_what_is_said_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOLLGATE_DATABASE_URL", "postgresql+asyncpg://u:hunter2@db/tollgate")
    monkeypatch.setenv("TOLLGATE_SECRET_KEYS", "hunter2,hunter2")
    monkeypatch.setenv("TOLLGATE_SMTP_PASSWORD", "hunter2")
    assert "hunter2" not in repr(load())
    monkeypatch.setenv("TOLLGATE_PORT", "hunter2")
    with pytest.raises(SettingsError) as refused:
        load()
    assert "hunter2" not in str(refused.value)


def test_a_misspelt_variable_is_found() -> None:
    assert unknown({"TOLLGATE_PROT": "1", "TOLLGATE_PORT": "1", "PATH": ""}) == ["TOLLGATE_PROT"]
