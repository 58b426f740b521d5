"""The same log gives the same bytes: twice, at its own speed and 100 times as fast, with one engine process and with four.

    python benchmarks/reliability/same_bytes.py [--seed N] [--seconds 60] [--vehicles 100]

A made log of so many seconds goes into live systems of their own; the events that subscribers hear are compared byte by byte, fleet by
fleet, with each other and with the plain loop.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from hashlib import sha256
from itertools import islice

from harness import Watcher, append, arguments, drained, fleets, made_log, result, wait_until
from live_system import LiveSystem
from verdict import judge

from stream.live.append import Message

ONE, FOUR = ("0-15",), ("0-3", "4-7", "8-11", "12-15")


def run(log: Sequence[Sequence[Message]], names: Sequence[str], shards: Sequence[str], speed: float) -> tuple[str, bool]:
    """The digest of all events, fleet by fleet, and whether the plain loop gives them as well."""
    with LiveSystem(shards, api=False) as system:
        watcher, began_s = Watcher(system.url, names).start(), time.monotonic()
        for second, said in enumerate(log):
            time.sleep(max(0.0, began_s + second / speed - time.monotonic()))
            append(system.redis, said)
        wait_until(lambda: drained(system.redis))
        time.sleep(1)
        heard, _, backwards = watcher.end()
        verdict = judge(system.redis, heard)
    by_fleet = defaultdict(sha256)
    for name, _, text in heard:
        by_fleet[name].update(text + b"\n")
    whole = sha256("".join(f"{name} {part.hexdigest()}\n" for name, part in sorted(by_fleet.items())).encode())
    return whole.hexdigest(), verdict.good and not backwards


def main() -> int:
    """Run all of them."""
    args = arguments(__doc__, seconds=60, vehicles=100)
    names = fleets(8)
    log = list(islice(made_log(args.seed, names, 10**9, args.vehicles), args.seconds + 1))
    runs = {
        "1x": run(log, names, ONE, 1.0),
        "100x": run(log, names, ONE, 100.0),
        "100x again": run(log, names, ONE, 100.0),
        "1x, four processes": run(log, names, FOUR, 1.0),
        "100x, four processes": run(log, names, FOUR, 100.0),
    }
    for name, (digest, good) in runs.items():
        print(f"  {name}: {digest[:16]}{'' if good else ', which is not what the plain loop gives'}")
    digests = len({digest for digest, _ in runs.values()})
    good = digests == 1 and all(good for _, good in runs.values())
    return result("same bytes", good=good, runs=len(runs), digests=digests, messages=sum(map(len, log)), seconds=args.seconds)


if __name__ == "__main__":
    sys.exit(main())
