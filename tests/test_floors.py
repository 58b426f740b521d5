"""The floors hold, and what holds them would notice."""

import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FLOORS = PYPROJECT["tool"]["importlinter"]["root_packages"]

LINT_IMPORTS = Path(sysconfig.get_path("scripts")) / "lint-imports"


def lint_imports(house: Path) -> subprocess.CompletedProcess[str]:
    # PYTHONPATH comes before what is installed, so that the house which is linted is the one given.
    command = [sys.executable, LINT_IMPORTS, "--no-cache"]
    return subprocess.run(command, cwd=house, env={"PYTHONPATH": str(house)}, capture_output=True, text=True, check=False)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A house of the same floors and contracts, with a docstring in every room and nothing else."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for floor in [*FLOORS, "stream/steps"]:
        (tmp_path / floor).mkdir()
        (tmp_path / floor / "__init__.py").write_text('"""A room."""\n')
    return tmp_path


def test_every_floor_imports_only_what_it_may() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_empty_house_breaks_no_contract(house: Path) -> None:
    done = lint_imports(house)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("geofences/looks_up.py", "import stream"),
        ("eta_models/looks_up.py", "import stream"),
        ("stream/looks_up.py", "import replay"),
        ("geofences/flow.py", "import bytewax"),
        ("replay/flow.py", "import bytewax.operators"),
        ("stream/steps/flow.py", "from bytewax.dataflow import Dataflow"),
        ("stream/learns.py", "from river import linear_model"),
        ("replay/learns.py", "import river"),
        ("eta_models/draws.py", "import shapely.geometry"),
        ("stream/steps/draws.py", "import h3"),
        ("api/plays.py", "import replay"),
        ("replay/asks.py", "import api"),
        ("api/reads.py", "import polars"),
        ("api/learns.py", "import river"),
    ],
)
def test_an_import_that_no_floor_may_make_is_caught_with_its_place(house: Path, room: str, line: str) -> None:
    (house / room).write_text(f"{line}\n")
    done = lint_imports(house)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{room.removesuffix('.py').replace('/', '.')} -> {line.split()[1].split('.')[0]}" in done.stdout


def test_replay_may_run_the_flow_that_bytewax_carries(house: Path) -> None:
    (house / "stream/flow.py").write_text("import bytewax\n")
    (house / "replay/run_day.py").write_text("import stream.flow\n")
    done = lint_imports(house)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_wheel_the_linter_and_mypy_name_the_same_floors() -> None:
    assert PYPROJECT["tool"]["uv"]["build-backend"]["module-name"] == FLOORS
    assert PYPROJECT["tool"]["mypy"]["files"] == FLOORS
    with_init = {init.parent.name for init in ROOT.glob("*/__init__.py")}
    assert with_init == set(FLOORS)
