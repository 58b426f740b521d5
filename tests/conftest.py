"""What every test stands on: the floors of this folder, hypothesis without a stopwatch, and the recorded data where it is."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

import stream

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"

if Path(stream.__file__).resolve().parent != ROOT / "stream":
    raise pytest.UsageError(f"'stream' is {stream.__file__}, not the one of {ROOT}: another package of that name is installed")

# No deadline: how long an example takes is the machine's business. In CI the same examples every time, so that red means a change.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of recorded days that lies beside the repository, on the machines that have it."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the recorded days are not here: no folder {SHARED_DATA}")
    return SHARED_DATA
