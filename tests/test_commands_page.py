"""docs/commands.md says what the commands say of themselves."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_the_page_of_commands_is_current() -> None:
    code = "import runpy, sys; sys.stdout.write(runpy.run_path('docs/generate_commands.py')['page']())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True)
    assert done.stdout == (ROOT / "docs/commands.md").read_text(encoding="utf-8"), "run `make docs`"
