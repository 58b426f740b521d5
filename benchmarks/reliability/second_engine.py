"""A second engine on shards that one already has leaves within a second with exit code 75, also after kill -9 of the first.

    python benchmarks/reliability/second_engine.py [--seed N] [--tries 20]

Half of the tries come while the first engine works, half right after it was killed and another has taken its place. What is in the log
is then compared with the plain loop: two engines have not written the same.
"""

import random
import subprocess
import sys
import time

from harness import Watcher, append, arguments, drained, fleets, kill, made_log, result, wait_until
from live_system import LiveSystem
from verdict import judge

OWNED_ELSEWHERE = 75
WITHIN_S = 1.0


def attempt(system: LiveSystem, shard: int) -> tuple[bool, float]:
    """Start one more engine; whether it left as it should, and after how many seconds."""
    began_s = time.monotonic()
    system.commands["second"] = [*system.commands["stream-0"][:3], "--shards", str(shard), "--state-dir", str(system.folder)]
    system.again("second")
    try:
        code = system.children["second"].wait(20)
    except subprocess.TimeoutExpired:
        kill(system.children["second"])
        return False, 20.0
    return code == OWNED_ELSEWHERE, time.monotonic() - began_s


def main() -> int:
    """Try, and compare."""
    args = arguments(__doc__, tries=20, messages=20_000)
    draw, names = random.Random(args.seed), fleets(3)
    log = list(made_log(args.seed, names, args.messages, 20))
    attempts = []
    with LiveSystem(api=False, settings={"FLEETCAST_CHECKPOINT_EVERY_S": "1"}) as system:
        watcher = Watcher(system.url, names).start()
        for number in range(args.tries):
            for said in log[number * len(log) // args.tries : (number + 1) * len(log) // args.tries]:
                append(system.redis, said)
            if number % 2:
                kill(system.children["stream-0"])
                system.redis.delete("fc1:heartbeats")
                system.again("stream-0")
                wait_until(lambda: system.redis.exists("fc1:heartbeats"))
            attempts.append(attempt(system, draw.randrange(16)))
        del system.children["second"]
        wait_until(lambda: drained(system.redis))
        time.sleep(1)
        heard, _, backwards = watcher.end()
        verdict = judge(system.redis, heard)
    refused = sum(code and took_s <= WITHIN_S for code, took_s in attempts)
    slowest_s = max(took_s for _, took_s in attempts)
    good = refused == args.tries and verdict.good and not backwards
    return result(
        "second engine", good=good, tries=args.tries, refused_within_1_s=refused, slowest=f"{slowest_s:.2f} s", **verdict.figures()
    )


if __name__ == "__main__":
    sys.exit(main())
