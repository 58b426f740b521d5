"""What heartbeats say: which process is alive, and which shard nobody works on."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from api.readers import text
from stream.live.views import Heartbeat

SILENT_US = 10_000_000
"""A process that has said nothing for so long is taken for dead."""


class Health(msgspec.Struct):
    """Whether the service can do its work; if not, why not."""

    status: Literal["ok", "unavailable"]
    problems: list[str]


_heartbeat = msgspec.json.Decoder(Heartbeat)


def read_heartbeats(raws: Mapping[bytes | str, bytes | str]) -> dict[str, Heartbeat]:
    """The hash of heartbeats, by name of the process."""
    return {text(name): _heartbeat.decode(raw) for name, raw in sorted(raws.items())}


def shards_in(words: str) -> set[int]:
    """The shards of `0-7,9`; what cannot be read names none."""
    found: set[int] = set()
    for part in words.split(","):
        first, _, last = part.strip().partition("-")
        if first.isdecimal() and (last or first).isdecimal():
            found |= set(range(int(first), min(int(last or first), 99) + 1))
    return found


def in_words(shards: set[int]) -> str:
    """Shards as ranges: `0-7, 9`."""
    runs: list[list[int]] = []
    for shard in sorted(shards):
        if runs and shard == runs[-1][-1] + 1:
            runs[-1].append(shard)
        else:
            runs.append([shard])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)


def problems_of(heartbeats: Mapping[str, Heartbeat], clock_us: int, shards: int) -> list[str]:
    """One sentence for each stream process that is silent, and one for the shards on which none is at work."""
    streams = {name: beat for name, beat in heartbeats.items() if beat.shards}
    silent = {name: (clock_us - beat.at_us) / 1e6 for name, beat in streams.items() if clock_us - beat.at_us > SILENT_US}
    idle = set(range(shards)).difference(*(shards_in(beat.shards) for name, beat in streams.items() if name not in silent))
    problems = [f"process {name} (shards {streams[name].shards}) was last heard of {age_s:.0f} s ago" for name, age_s in silent.items()]
    if idle:
        problems.append(f"no stream process is at work on shard{'s' if len(idle) > 1 else ''} {in_words(idle)}")
    return problems
