"""What listeners that stop reading cost the API: 50 of them, at 1,000 events a second, beside one that reads everything.

python benchmarks/live_listeners.py [--stalled 50] [--rate 1000] [--seconds 60]
"""

import argparse
import http.client
import json
import multiprocessing
import socket
import time
from multiprocessing.synchronize import Event
from typing import Any

from live_system import PORT, LiveSystem

from stream.live.keys import EVENTS
from stream.live.server import connect


def tell(url: str, rate: int, until: float) -> None:
    """Put events into the stream as the engine does, about 700 bytes each."""
    with connect(url) as redis:
        told, started = 0, time.time()
        while (now := time.time()) < until:
            with redis.pipeline(transaction=False) as pipe:
                for number in range(told, int((now - started) * rate)):
                    data = json.dumps({"id": f"bench:eta_updated:{number}", "sequence": f"{number:012d}", "data": {"pad": "x" * 600}})
                    event: dict[Any, Any] = {"f": "bench", "k": "eta_updated", "s": str(number), "d": data}
                    pipe.xadd(EVENTS, event, maxlen=200_000, approximate=True)
                    told += 1
                pipe.execute()
            time.sleep(0.01)
        print(f"told {told:,} events", flush=True)


def stalled(key: str) -> socket.socket:
    """A listener that asks and never reads."""
    listener = socket.create_connection(("127.0.0.1", PORT))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    listener.sendall(f"GET /v1/stream HTTP/1.1\r\nHost: bench\r\nX-API-Key: {key}\r\n\r\n".encode())
    return listener


def listen(key: str, until: float, ready: Event) -> None:
    """A listener that reads everything, and counts."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT)
    connection.request("GET", "/v1/stream", headers={"X-API-Key": key})
    answer, heard = connection.getresponse(), 0
    ready.set()
    while time.time() < until:
        heard += answer.readline().startswith(b"data:")
    print(f"the listener that reads heard {heard:,}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("--stalled", 50), ("--rate", 1_000), ("--seconds", 60)):
        parser.add_argument(name, type=int, default=default)
    args = parser.parse_args()
    with LiveSystem(shards=(), api=True) as system:
        key, until, ready = system.key, time.time() + args.seconds + 5, multiprocessing.Event()
        reader = multiprocessing.Process(target=listen, args=(key, until, ready))
        reader.start()
        ready.wait(10)
        time.sleep(1)
        teller = multiprocessing.Process(target=tell, args=(system.url, args.rate, until - 1))
        teller.start()
        time.sleep(4)  # the ring fills: that is not the stalled ones' cost
        before = system.rss_mb("api")
        listeners = [stalled(key) for _ in range(args.stalled)]
        most = before
        while time.time() < until:
            most = max(most, system.rss_mb("api"))
            time.sleep(0.5)
        figures = f"API +{most - before:.0f} MB at most, over {before:.0f} MB before"
        print(f"{len(listeners)} stalled listeners, {args.rate:,} events/s, {args.seconds} s: {figures}")
        reader.join()
        teller.join()


if __name__ == "__main__":
    main()
