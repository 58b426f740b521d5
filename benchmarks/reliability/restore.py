"""A back-up whose largest value is past what the server takes at once (128 MB) is put back whole.

    python benchmarks/reliability/restore.py [--seed N] [--megabytes 200]

One shard's log is filled with messages of random letters, which nothing compresses; the state is backed up while the server runs, put
into an empty one with another folder, and every entry compared.
"""

import random
import string
import subprocess
import sys
import time
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory

from harness import START_US, Message, Redis, append, arguments, connect, fleets, result, shard_of

from stream.live.embedded import EmbeddedServer
from stream.live.keys import log_key

LIMIT = 128 << 20
ROOT = Path(__file__).resolve().parents[2]


def fill(redis: Redis, name: str, megabytes: int, seed: int) -> None:
    """About so many megabytes of messages of one fleet; what they say does not matter here."""
    draw, letters = random.Random(seed), string.ascii_letters + string.digits
    text = "".join(draw.choices(letters, k=2_000_000))
    for number in range(megabytes * 1_000_000 // 40_000):
        first = draw.randrange(len(text) - 40_000)
        append(redis, [Message(name, b'{"x":"%b"}' % text[first : first + 40_000].encode(), START_US + number)])


def digest(redis: Redis, key: str) -> tuple[int, str]:
    """How many entries a log has, and all of them in one number."""
    told, last, count = blake2b(digest_size=8), "-", 0
    while entries := redis.xrange(key, min=last, count=500):
        for stream_id, fields in entries:
            told.update(stream_id + repr(sorted(fields.items())).encode())
        count, last = count + len(entries), "(" + entries[-1][0].decode()
    return count, told.hexdigest()


def command(folder: Path, *words: str) -> None:
    """`fleetcast-replay` with a state of its own."""
    environment = {"PYTHONPATH": str(ROOT), "FLEETCAST_STATE_DIR": str(folder), "REDIS_URL": f"unix://{folder}/redis.sock"}
    subprocess.run([sys.executable, "-m", "replay", *words], check=True, env=environment)


def main() -> int:
    """Fill, back up, put back, compare."""
    args = arguments(__doc__, megabytes=200)
    (name,) = fleets(1)
    key = log_key(shard_of(name))
    with TemporaryDirectory(prefix="fc-bench-") as folder:
        before, after = Path(folder) / "before", Path(folder) / "after"
        servers = []
        for where in (before, after):
            where.mkdir(mode=0o700)
            servers.append(EmbeddedServer(where))
            servers[-1].start()
        try:
            with connect(servers[0].url, 600.0) as old, connect(servers[1].url, 600.0) as new:
                fill(old, name, args.megabytes, args.seed)
                size, held = len(old.dump(key)), digest(old, key)
                began_s = time.monotonic()
                command(before, "back-up", str(Path(folder) / "b.tar"))
                kept_s = time.monotonic() - began_s
                command(after, "restore", str(Path(folder) / "b.tar"))
                put_s = time.monotonic() - began_s - kept_s
                found = digest(new, key)
        finally:
            for server in servers:
                server.stop()
    figures = {"largest_value": f"{size / 1e6:.0f} MB", "entries": held[0], "back_up": f"{kept_s:.1f} s", "restore": f"{put_s:.1f} s"}
    return result("restore", good=held == found and size > LIMIT, **figures)


if __name__ == "__main__":
    sys.exit(main())
