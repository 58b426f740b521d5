"""Sizes and habits of the house, held by looking at its text: of every file that a clone would have, or of every Python file in it."""

import ast
import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["root_packages"]

LINES_OF_A_FILE = 250
LINES_OF_A_BODY = 40

# A floor below replay never asks the time; replay may run a stopwatch, to say how fast it was. Files at the rim, and why they may do more:
RIM: dict[str, str] = {
    "api/edge.py": "times requests for the access log",
    "api/log.py": "stamps what comes in over HTTP: the judge needs the time of receipt",
    "replay/back_up.py": "when a back-up was taken",
    "replay/dead_letters_here.py": "when what is put in again is received",
    "replay/forget_archive.py": "when something was taken out",
    "replay/model_commands.py": "when a model is put into a live log",
    "replay/record_here.py": "the wall clock of a recorder's sign of life",
    "stream/live/embedded.py": "waits for a server to start and to end",
    "stream/live/left_over.py": "waits for processes of an earlier start to end",
    "stream/live/load_settings.py": "settings come from the environment",
    "stream/live/programs.py": "child processes inherit the environment",
    "stream/live/signs.py": "when the API was asked last",
    "stream/live/standby.py": "looks whether its turn has come, and says that it lives",
    "stream/live/supervisor.py": "how long a process has been silent, and when it may be started again",
    "stream/live/watch.py": "looks at the processes a few times a second",
    "stream/live/engine.py": "the wall clock of ticks and heartbeats, the steady clock of checkpoints",
}
STOPWATCHES = {f"time.{name}{ns}" for name in ("monotonic", "perf_counter", "process_time") for ns in ("", "_ns")}
CLOCKS = {
    *("time.time", "time.time_ns", "time.gmtime", "time.localtime", "time.sleep"),
    *("datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today"),
}
AMBIENT = {
    *("os.environ", "os.getenv", "os.urandom", "uuid.uuid1", "uuid.uuid4", "random.seed", "secrets.token_hex", "secrets.token_bytes"),
    *(f"random.{name}" for name in ("random", "randint", "randrange", "uniform", "gauss", "choice", "choices", "shuffle", "sample")),
}

# Written so that no pattern finds itself.
MACHINE_PATH = re.compile(r"(?<![\w.~>-])/(?:work|tmp|root|farm|home|Users)/")
INDEX_ADDRESS = re.compile(r"\bpypi[.]\w|pythonhosted[.]|registry[.]npmjs|\bdeb[.]debian|index-url[\s=]+\S+:|:[/]{2}\S+/simple\b")


def texts() -> Iterator[tuple[str, str]]:
    """Name and text of every file a clone would have: hidden folders other than .ci hold what tools made, and are passed by."""
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name == ".ci" or (name[0] != "." and name not in {"__pycache__", "build", "dist"})]
        for path in (Path(folder, name) for name in files):
            try:
                yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue  # a picture, a Parquet file


TEXTS = dict(texts())
TREES = {name: ast.parse(text) for name, text in TEXTS.items() if name.endswith(".py")}


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the first statement after the docstring to the last."""
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def names_used(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every imported name that is used, spelt out in full (`import time as t; t.time` is `time.time`), and the line."""
    full: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            full.update({a.asname or a.name.split(".")[0]: a.name if a.asname else a.name.split(".")[0] for a in node.names})
        elif isinstance(node, ast.ImportFrom):
            full.update({a.asname or a.name: f"{node.module}.{a.name}" for a in node.names})
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            first, *rest = ast.unparse(node).split(".")
            if first in full:
                yield ".".join([full[first], *rest]), node.lineno


def asks_the_world(name: str, tree: ast.AST) -> list[str]:
    """Where a file asks for the time, the environment or luck; `name` decides what it may."""
    banned = CLOCKS | AMBIENT | (set() if name.startswith("replay/") else STOPWATCHES)
    return [f"{name}:{line} uses {used}" for used, line in names_used(tree) if used in banned]


def test_no_file_is_longer_than_two_names_could_tell() -> None:
    long = {name: text.count("\n") for name, text in TEXTS.items() if name.endswith(".py") and text.count("\n") > LINES_OF_A_FILE}
    assert not long


def test_no_function_is_longer_than_a_look() -> None:
    functions = [
        (name, node) for name, tree in TREES.items() for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert functions
    assert not [f"{name}:{f.lineno} {f.name}: {body_lines(f)} lines" for name, f in functions if body_lines(f) > LINES_OF_A_BODY]


def test_a_package_says_what_it_is_and_nothing_else() -> None:
    inits = {name: tree for name, tree in TREES.items() if name.endswith("__init__.py")}
    assert set(inits) >= {f"{floor}/__init__.py" for floor in FLOORS}
    assert not [name for name, tree in inits.items() if len(tree.body) != 1 or ast.get_docstring(tree) is None]


def test_no_folder_of_tests_is_a_package() -> None:
    assert not [name for name in TEXTS if name.startswith("tests/") and name.endswith("__init__.py")]


@pytest.mark.parametrize("floor", FLOORS)
def test_every_floor_is_marked_as_typed(floor: str) -> None:
    assert f"{floor}/py.typed" in TEXTS


def test_no_step_and_no_model_asks_for_time_environment_or_luck() -> None:
    inside = {name: tree for name, tree in TREES.items() if name.split("/")[0] in FLOORS and name not in RIM}
    assert not [place for name, tree in inside.items() for place in asks_the_world(name, tree)]


def test_every_file_excused_from_that_exists_and_needs_it() -> None:
    assert not [name for name in RIM if name not in TREES or not asks_the_world(name, TREES[name])]


@pytest.mark.parametrize(
    "source",
    [
        "import time\ntime.time()",
        "import time as t\nt.monotonic()",
        "from time import time_ns as clock\nclock()",
        "import datetime\ndatetime.datetime.now(datetime.UTC)",
        "from datetime import datetime, UTC\ndatetime.now(UTC)",
        "from dataclasses import field\nfrom time import time\nfield(default_factory=time)",
        "import os\nos.environ['HOME']",
        "from random import choice\nchoice([1])",
    ],
)
def test_a_look_at_the_clock_is_seen_whatever_it_is_called(source: str) -> None:
    assert asks_the_world("stream/fleet.py", ast.parse(source))


def test_a_seeded_generator_and_replays_stopwatch_are_no_look_at_the_world() -> None:
    assert not asks_the_world("eta_models/draw.py", ast.parse("import random\nrandom.Random(7).random()"))
    assert not asks_the_world("replay/score.py", ast.parse("from time import perf_counter\nperf_counter()"))


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    assert not [(name, found.group()) for name, text in TEXTS.items() if (found := MACHINE_PATH.search(text))]


def test_no_file_says_where_packages_come_from() -> None:
    assert not [(name, found.group()) for name, text in TEXTS.items() if (found := INDEX_ADDRESS.search(text))]
    assert not [name for name, text in TEXTS.items() if name.endswith(".lock") and "://" in text]


def test_both_locks_pin_the_same_versions_by_hash() -> None:
    pins = {name: set(re.findall(r"^[\w.-]+==\S+", TEXTS[name], re.MULTILINE)) for name in ("requirements.lock", "requirements-run.lock")}
    assert pins["requirements-run.lock"] < pins["requirements.lock"]
    for name, pinned in pins.items():
        blocks = re.split(r"^(?=[\w.-]+==)", TEXTS[name], flags=re.MULTILINE)[1:]
        assert len(blocks) == len(pinned)
        assert all("--hash=sha256:" in block for block in blocks)
