"""docs/settings.md is what the code says, and its example can be loaded."""

import importlib.util
import re
from pathlib import Path

from stream.live.load_settings import load
from stream.live.settings import LiveSettings

DOCS = Path(__file__).resolve().parents[2] / "docs"
SPEC = importlib.util.spec_from_file_location("generate_settings", DOCS / "generate_settings.py")
GENERATOR = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(GENERATOR)

PAGE = (DOCS / "settings.md").read_text(encoding="utf-8")


def test_the_page_is_up_to_date():
    assert GENERATOR.page() == PAGE, "run: make docs"


def test_every_setting_says_its_unit_and_meaning():
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE)
    assert [row[0] for row in rows] == list(LiveSettings.model_fields)
    assert all(meaning.endswith(".") for *_, meaning, _ in rows)


def test_the_example_can_be_loaded(tmp_path):
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "fleetcast.toml").write_text(example, encoding="utf-8")
    settings = load(tmp_path / "fleetcast.toml")
    assert (settings.time_zone, settings.fleets) == ("Europe/Berlin", {"nfta": "America/New_York"})
