"""Settings: who goes before whom, and what is said about a wrong one."""

from pathlib import Path

import pytest

from stream.live.load_settings import BadSettings, load


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    """An empty working directory, and none of our variables."""
    monkeypatch.chdir(tmp_path)
    for name in ("REDIS_URL", "FLEETCAST_REDIS_URL", "FLEETCAST_CONFIG", "FLEETCAST_PORT", "FLEETCAST_FLEETS"):
        monkeypatch.delenv(name, raising=False)


def written(text: str, name: str = "fleetcast.toml") -> Path:
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    return path


def refused(config: Path | None = None, **told: object) -> list[str]:
    with pytest.raises(BadSettings) as caught:
        load(config, **told)
    return str(caught.value).splitlines()


def test_what_was_told_goes_before_the_environment_and_that_before_the_file(monkeypatch):
    written('port = 1\nhost = "file"\nlog_level = "error"')
    monkeypatch.setenv("FLEETCAST_PORT", "2")
    monkeypatch.setenv("FLEETCAST_HOST", "environment")
    settings = load(port=3, time_zone=None)
    assert (settings.port, settings.host, settings.log_level, settings.time_zone) == (3, "environment", "error", "UTC")


def test_a_file_can_be_named_on_the_command_line_or_in_the_environment(monkeypatch):
    named = written("port = 5", "mine.toml")
    written("port = 6")
    assert load(named).port == 5
    monkeypatch.setenv("FLEETCAST_CONFIG", "mine.toml")
    assert load().port == 5


def test_redis_url_is_taken_where_nobody_says_it_with_our_prefix(monkeypatch):
    written('redis_url = "redis://file"')
    monkeypatch.setenv("REDIS_URL", "redis://plain")
    assert load().redis_url == "redis://plain"
    monkeypatch.setenv("FLEETCAST_REDIS_URL", "redis://ours")
    assert load().redis_url == "redis://ours"


def test_an_empty_variable_is_none(monkeypatch):
    monkeypatch.setenv("REDIS_URL", "")
    monkeypatch.setenv("FLEETCAST_PORT", "")
    assert (load().redis_url, load().port) == (None, 8080)


def test_each_mistake_is_a_line_that_says_which_key_from_where_and_what_it_was(monkeypatch):
    written('retention_mb = 0\nlog_level = "loud"')
    monkeypatch.setenv("FLEETCAST_PORT", "many")
    lines = refused(batch=-1)
    assert len(lines) == 4
    assert any(line.startswith("fleetcast.toml: retention_mb was 0: ") for line in lines)
    assert any(line.startswith("fleetcast.toml: log_level was 'loud': ") and "debug|info|warning|error" in line for line in lines)
    assert any(line.startswith("FLEETCAST_PORT: port was 'many': ") for line in lines)
    assert any(line.startswith("--batch: batch was -1: ") for line in lines)


def test_a_key_that_does_not_exist_is_refused_with_the_one_that_was_meant(monkeypatch):
    written("retention_mbs = 5")
    assert refused() == ["fleetcast.toml: retention_mbs is no setting; did you mean retention_mb?"]
    monkeypatch.setenv("FLEETCAST_TIMEZONE", "UTC")
    written("")
    assert refused() == ["FLEETCAST_TIMEZONE is no setting; did you mean FLEETCAST_TIME_ZONE?"]


def test_what_kubernetes_puts_into_the_environment_is_not_ours(monkeypatch):
    monkeypatch.setenv("FLEETCAST_SERVICE_HOST", "10.0.0.1")
    assert load().port == 8080


@pytest.mark.parametrize("zone", ["Mars/Olympus", "America", "../etc/passwd", ""])
def test_an_unknown_time_zone_is_refused_wherever_it_stands(zone: str):
    assert refused(time_zone=zone) == [f"--time-zone: time_zone was {zone!r}: no IANA time zone has that name"]
    written(f'fleets = {{ nfta = "{zone}" }}')
    assert refused() == [f"fleetcast.toml: fleets.nfta was {zone!r}: no IANA time zone has that name"]


def test_fleets_have_ids(monkeypatch):
    monkeypatch.setenv("FLEETCAST_FLEETS", '{"a b": "UTC"}')
    assert refused() == ["FLEETCAST_FLEETS: fleets: 'a b' cannot be the id of a fleet"]
    monkeypatch.setenv("FLEETCAST_FLEETS", '{"nfta": "America/New_York"}')
    assert load().fleets == {"nfta": "America/New_York"}


def test_fleets_that_are_no_json_are_refused_by_the_name_of_the_key(monkeypatch):
    monkeypatch.setenv("FLEETCAST_FLEETS", "nfta=UTC")
    (line,) = refused()
    assert '"fleets"' in line
    assert "JSON" in line


def test_a_file_that_is_missing_or_no_toml_is_named():
    assert refused(Path("gone.toml")) == ["the settings file gone.toml cannot be read: No such file or directory"]
    (line,) = refused(written("port 7", "odd.toml"))
    assert line.startswith("the settings file odd.toml is not TOML: ")


def test_a_password_does_not_stand_in_the_sentence():
    assert "planted" not in "\n".join(refused(redis_url=["redis://:planted@host"]))
