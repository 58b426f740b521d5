"""No input crashes the engine and none vanishes: what was accepted and what was refused, by reason, add up to what was received.

    python benchmarks/reliability/fuzz.py [--seed N] [--inputs 1000000] [--flow 300000] [--kills 10]

First the inputs go through decoding, judging and the state machine in this process; then others through a live engine, its log and its
server, with the engine killed -9 again and again. At the end the counts of all fleets, the dead letters and a plain loop over the log
must agree.
"""

import os
import random
import time
from collections import Counter
from typing import Any

import msgspec
from fuzzed import Fuzz
from harness import append, arguments, kill, result, wait_until
from live_system import LiveSystem
from redis import Redis

from stream.batches import FleetBatch
from stream.codec import encode
from stream.fault import fault
from stream.fleet import FleetState
from stream.flow import Fleets
from stream.intake import Entry, read_entries
from stream.live.append import Message
from stream.live.keys import DEAD, FLEETS, fleet_key, log_key
from stream.live.log_entry import unpack
from stream.live.views import Totals
from stream.log import shard_of
from stream.messages import Tick
from stream.moments import instant
from stream.reasons import Reason
from stream.settings import FleetSettings

SETTINGS = FleetSettings()


class Loop:
    """The plain loop; what names no fleet is a fleet of its own."""

    def __init__(self) -> None:
        self.fleets, self.states = Fleets(lambda _: SETTINGS), dict[str, FleetState]()
        self.fleets.failed = lambda refusal, error: print(f"  at fault: {refusal.kind}, {fault(error).decode()}: {error!r}", flush=True)

    def take(self, batches: list[FleetBatch]) -> None:
        """Apply stretches."""
        for batch in batches:
            if batch.fleet_id not in self.states:
                self.states[batch.fleet_id] = self.fleets.open(batch.fleet_id)
            self.fleets.step(self.states[batch.fleet_id], batch)

    def end(self) -> tuple[int, Counter[str]]:
        """How many were received, and how many refused, by reason."""
        for state in self.states.values():
            self.fleets.end(state)
        refused = Counter[str]()
        for state in self.states.values():
            refused.update(state.refused)
        return sum(state.received for state in self.states.values()), refused


def in_process(seed: int, inputs: int) -> tuple[int, Counter[str]]:
    """Inputs through a plain loop, in batches of any size."""
    fuzz, loop, sizes, done = Fuzz(seed), Loop(), random.Random(seed), 0
    while done < inputs:
        drawn = [fuzz.one() for _ in range(min(sizes.choice((1, 7, 100, 1_000)), inputs - done))]
        loop.take(read_entries(SETTINGS.judge, [Entry(done + i, at_us, raw) for i, (_, at_us, raw) in enumerate(drawn)]))
        done += len(drawn)
    return loop.end()


def live(seed: int, inputs: int, kills: int) -> tuple[int, int, int]:
    """Inputs through a live engine that is killed now and then: how many were counted, counts that are wrong, deaths of its own."""
    os.environ["FLEETCAST_DEAD_LETTERS_KEPT"] = str(10 * inputs)
    os.environ["FLEETCAST_RETENTION_MIN"] = "1000"
    fuzz, draw, deaths, sent = Fuzz(seed), random.Random(seed), 0, 0
    with LiveSystem(api=False) as system:
        often = sorted(draw.sample(range(inputs), kills))
        while sent < inputs:
            drawn = [fuzz.one() for _ in range(min(draw.choice((1, 40, 700)), inputs - sent))]
            append(system.redis, [Message(fleet_id, raw, at_us) for fleet_id, at_us, raw in drawn])
            sent += len(drawn)
            if often and sent > often[0]:
                del often[0]
                time.sleep(draw.random())
                deaths += system.children["stream-0"].poll() is not None
                kill(system.children["stream-0"])
                system.start()
        last = [Message(name, encode(Tick(fleet_id=name, at=instant(fuzz.now_us))), fuzz.now_us) for name in fuzz.fleets]
        append(system.redis, last)  # what waits for a tick has one
        wait_until(lambda: sum(totals.received for totals in counted(system.redis).values()) >= inputs + len(last), 600)
        deaths += system.children["stream-0"].poll() is not None
        received, wrong = compare(system.redis)
        return received - len(last), wrong, deaths


def counted(redis: Redis) -> dict[str, Totals]:
    """What each fleet, and nobody, has counted."""
    totals = {key.decode().rsplit(":", 1)[1]: redis.hget(key, "totals") for key in redis.scan_iter(fleet_key("fleet", "*"), count=1_000)}
    return {name: msgspec.json.decode(raw, type=Totals) for name, raw in totals.items() if raw is not None}


def compare(redis: Redis) -> tuple[int, int]:
    """What stands in Redis, held against a plain loop over the log: how many were received there, and how much is different."""
    loop, names, wrong = Loop(), [name.decode() for name in redis.hkeys(FLEETS)], 0
    for shard in sorted({shard_of(name) for name in names}):
        answer: Any = redis.xrange(log_key(shard))
        batches = read_entries(SETTINGS.judge, [entry for stream_id, fields in answer for entry in unpack(stream_id, fields)])
        loop.take([batch for batch in batches if batch.fleet_id in names and shard_of(batch.fleet_id) == shard])
    seen = counted(redis)
    for name in names:
        state = loop.states[name]
        wrong += (seen[name].received, seen[name].refused) != (state.received, state.refused)
    refused = Counter[str]()
    for totals in seen.values():
        refused.update(totals.refused)
    wrong += redis.xlen(DEAD) != refused.total() - refused[Reason.THINNED]
    return sum(totals.received for totals in seen.values()), wrong


def main() -> int:
    """Both."""
    args = arguments(__doc__, inputs=1_000_000, flow=300_000, kills=10)
    received, refused = in_process(args.seed, args.inputs)
    good = received == args.inputs and not refused[Reason.INTERNAL]
    figures: dict[str, object] = {
        "inputs": args.inputs,
        "received": received,
        "accepted": received - refused.total(),
        "reasons": len(refused),
    }
    figures |= {"internal": refused[Reason.INTERNAL]}
    if args.flow:
        through, wrong, deaths = live(args.seed + 1, args.flow, args.kills)
        good = good and through == args.flow and not wrong and not deaths
        figures |= {"through_the_flow": args.flow, "received_there": through, "kills": args.kills, "crashes": deaths, "counts_wrong": wrong}
    return result("every input is accepted or refused", good=good, **figures)


if __name__ == "__main__":
    raise SystemExit(main())
