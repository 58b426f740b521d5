"""The recorder is killed again and again and loses nothing: what it kept is the log, each message once, and replays to the live events.

    python benchmarks/reliability/record.py [--kills 20] [--rate 1000] [--seed 1] [--seconds 30] [--entry 10]

An engine works beside it on four driven fleets; among the pings are messages that are refused, and strays. Before the kills the
recorder runs undisturbed for `--seconds`, which gives its share of a core; while it is killed it writes every 0.3 s instead of every
10 s, so that kills hit writes. One line of result; exit code 1 when anything is lost, doubled or different, or it takes over 5 %.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from delivery_pings import fixes, plans
from live_system import ROOT, LiveSystem, cpu_s_of
from live_throughput import fleet_ids, received
from redis import Redis

from replay.archive import Archive
from replay.read_day import read_day
from replay.run_day import DayRun, run_loop
from replay.score import fleet_settings
from replay.spool import Spool
from stream.codec import encode
from stream.live.append import SCRIPT, Message, calls
from stream.live.keys import DEAD, EVENTS, HEARTBEATS, log_key
from stream.live.log_entry import unpack
from stream.messages import Tick
from stream.moments import instant
from stream.nobody import nobody

START_US = 1_760_000_000_000_000
VEHICLES = 100
QUICKLY = "import sys, replay.record as r; r.FLUSH_EVERY_S, r.LOOK_EVERY_S = {}, {}; from replay.__main__ import main; main()"


class Feed:
    """Appends `rate` messages a second, `entry` at a time."""

    def __init__(self, redis: Redis, rate: int, entry: int, draw: random.Random) -> None:
        self.script, self.rate, self.entry, self.draw, self.sent = redis.register_script(SCRIPT), rate, entry, draw, 0
        self.fleets = fleet_ids(4)
        self.lines = self._lines()
        self.began_s = time.monotonic()

    def _lines(self) -> Iterator[Message]:
        for fleet in self.fleets:
            yield from (Message(fleet, payload, START_US) for payload in plans(fleet, VEHICLES, 40, START_US))
        ways = [fixes(fleet, VEHICLES, START_US, 100_000, 1.0, seed) for seed, fleet in enumerate(self.fleets)]
        for second in range(100_000):
            for fleet, way in zip(self.fleets, ways, strict=True):
                at_us, made = next(way)
                yield from (Message(fleet, payload, at_us) for payload in made)
                yield Message(fleet, self._junk(fleet, at_us), at_us)
                if second % 10 == 0:
                    yield Message(fleet, encode(Tick(fleet_id=fleet, at=instant(at_us))), at_us)

    def _junk(self, fleet: str, at_us: int) -> bytes:
        stray = b'{"type":"ping","fleet_id":"other","at":%d,"vehicle_id":"v1","lat":1.0,"lon":1.0}' % (at_us // 1000)
        null = b'{"type":"ping","fleet_id":"%b","at":%d,"vehicle_id":"v1","lat":0.0,"lon":0.0}' % (fleet.encode(), at_us // 1000)
        unknown = b'{"type":"route_ended","fleet_id":"%b","at":%d,"route_id":"none","vehicle_id":"v1"}' % (fleet.encode(), at_us // 1000)
        return self.draw.choice(
            [b"", b"\xff\xfe", b'{"type":"ping"', b'{"type":"x","fleet_id":"' + fleet.encode() + b'"}', stray, null, unknown]
        )

    def until(self, end_s: float) -> None:
        """Append what is due, until then."""
        while (now_s := time.monotonic()) < end_s:
            due = round((now_s - self.began_s) * self.rate) - self.sent
            while due >= self.entry:
                for call in calls([next(self.lines) for _ in range(self.entry)], driven=True):
                    self.script(keys=call.keys, args=call.args)
                self.sent, due = self.sent + self.entry, due - self.entry
            time.sleep(0.005)


def start(folder: Path, url: str, state: Path, every_s: float | None = None) -> subprocess.Popen[bytes]:
    """A recorder; with `every_s` one that writes so often."""
    python = ["-m", "replay"] if every_s is None else ["-c", QUICKLY.format(every_s, every_s / 3)]
    environment = {**os.environ, "REDIS_URL": url, "PYTHONPATH": str(ROOT), "FLEETCAST_STATE_DIR": str(state)}
    with (state / "record.txt").open("ab") as log:
        return subprocess.Popen([sys.executable, *python, "record", str(folder)], env=environment, stdout=log, stderr=log, cwd=state)


def works(redis: Redis, recorder: subprocess.Popen[bytes]) -> bool:
    """Whether it has given a sign of life."""
    return any(msgspec.json.decode(beat)["pid"] == recorder.pid for beat in redis.hvals(HEARTBEATS))


def log_of(redis: Redis) -> Counter[tuple[int, int, int, bytes]]:
    """Everything in the log: shard, position, time of receipt, bytes."""
    found: Counter[tuple[int, int, int, bytes]] = Counter()
    for shard in range(16):
        after = "-"
        while entries := redis.xrange(log_key(shard), after, count=1_000):
            for stream_id, fields in entries:
                found.update((shard, entry.position, entry.received_us, entry.payload) for entry in unpack(stream_id, fields))
            after = f"({entries[-1][0].decode()}"
    return found


def events_of(redis: Redis, fleets: list[str]) -> dict[str, str]:
    """For each fleet the digest of its events."""
    sums = {fleet: sha256() for fleet in fleets}
    after = "-"
    while events := redis.xrange(EVENTS, after, count=1_000):
        for _, event in events:
            sums[event[b"f"].decode()].update(event[b"d"] + b"\n")
        after = f"({events[-1][0].decode()}"
    return {fleet: whole.hexdigest() for fleet, whole in sums.items()}


def replayed(folder: Path, out: Path, fleets: list[str]) -> dict[str, str]:
    """The same of a replay of the archive."""
    day = read_day(folder)
    run = DayRun(day.log, fleet_settings(day.fleets, None), Spool(out))
    run_loop(run)
    sums = {fleet: sha256() for fleet in fleets}
    for fleet, whole in sums.items():
        for _, _, payload in run.spool.events(fleet):
            whole.update(payload + b"\n")
    return {fleet: whole.hexdigest() for fleet, whole in sums.items()}


def kept(folder: Path, table: str) -> pl.DataFrame:
    """A table of the archive."""
    archive = Archive(folder)
    reached = archive.reached()
    assert reached is not None
    return pl.read_parquet([piece.path for piece in archive.pieces(table, reached.flushes)])


def judge(system: LiveSystem, folder: Path, feed: Feed) -> dict[str, int]:
    """What is wrong: nothing, if all are 0."""
    log, rows = log_of(system.redis), kept(folder, "log").with_columns(pl.col("received_at").dt.epoch("us"))
    archived = Counter(rows.select("shard", "position", "received_at", "payload").iter_rows())
    letters = Counter(stream_id.decode() for stream_id, _ in system.redis.xrange(DEAD))
    kept_letters = Counter(kept(folder, "dead")["id"].to_list())
    live, again = events_of(system.redis, feed.fleets), replayed(folder, system.folder / "spool", feed.fleets)
    refused = rows.filter(pl.col("reason").is_not_null())
    print(f"{log.total():,} messages, {refused.height:,} of them refused: {dict(sorted(refused['reason'].value_counts().iter_rows()))}")
    assert log.total() == feed.sent, f"{feed.sent:,} were sent"
    assert refused["reason"].n_unique() >= 5
    return {
        "lost": (log - archived).total(),
        "doubled": (archived - log).total(),
        "dead letters lost or doubled": (letters - kept_letters).total() + (kept_letters - letters).total(),
        "fleets of which the replay differs": sum(live[fleet] != again[fleet] for fleet in feed.fleets),
    }


def main() -> None:
    """Run, kill, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("--kills", 20), ("--rate", 1_000), ("--seed", 1), ("--seconds", 30), ("--entry", 10)):
        parser.add_argument(name, type=int, default=default)
    args = parser.parse_args()
    print(f"seed {args.seed}")
    draw = random.Random(args.seed)
    with LiveSystem(api=False) as system, TemporaryDirectory(prefix="fc-archive-") as made:
        folder = Path(made)
        feed = Feed(system.redis, args.rate, args.entry, draw)
        recorder = start(folder, system.url, system.folder)
        while not works(system.redis, recorder):
            feed.until(time.monotonic() + 0.05)
        feed.until(time.monotonic() + 12)  # the first file is written by then
        before_s, used_s = time.monotonic(), cpu_s_of(recorder.pid)
        feed.until(time.monotonic() + args.seconds)
        share = (cpu_s_of(recorder.pid) - used_s) / (time.monotonic() - before_s)
        for _ in range(args.kills):
            recorder.kill()
            recorder.wait()
            recorder = start(folder, system.url, system.folder, 0.3)
            while not works(system.redis, recorder):
                feed.until(time.monotonic() + 0.05)
            feed.until(time.monotonic() + draw.uniform(0.0, 1.5))
        end_s, everybody = time.monotonic() + 60, [*feed.fleets, "other", *(nobody(shard) for shard in range(16))]
        while (taken := received(system.redis, everybody)) < feed.sent:
            assert time.monotonic() < end_s, f"the engine has taken {taken:,} of {feed.sent:,}"
            time.sleep(0.1)
        recorder.send_signal(signal.SIGTERM)
        assert recorder.wait(30) == 0, (system.folder / "record.txt").read_text()[-2_000:]
        wrong = judge(system, folder, feed)
    told = ", ".join(f"{count} {what}" for what, count in wrong.items())
    print(f"record: {args.kills} kills over {feed.sent:,} messages at {args.rate:,}/s: {told}; {share:.1%} of a core")
    sys.exit(bool(any(wrong.values()) or share > 0.05))


if __name__ == "__main__":
    main()
