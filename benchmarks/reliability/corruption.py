"""Everything that may happen to the files and to Redis while nobody runs: it ends in a named error or in a line that says what was done.

    python benchmarks/reliability/corruption.py [--seed N]

Each case takes a system that has taken half of a log, harms it, appends the rest, and starts the engine. A fresh start without a word is
what must not be; where nothing was lost for good the events and the present must be those of the plain loop.
"""

import itertools
import os
import random
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import Message, append, arguments, connect, fleets, made_log, result, shard_of
from live_system import LiveSystem
from structlog.testing import capture_logs
from verdict import judge

from stream.live.keys import COUNTS, EVENTS, RESUME, log_key
from stream.live.run import run
from stream.live.settings import LiveSettings
from stream.live.signs import left_to_take

FINE, UNUSABLE = 0, 78
LEAST_TURNS, MOST_TURNS = 5, 100
"""How often the engine reads before it is told to end: until it has taken all, and no longer than 10 s."""


@dataclass
class Scene:
    """A system in which nobody runs."""

    system: LiveSystem
    name: str
    draw: random.Random
    more: list[Message]
    before: int = 0
    gap: int = 0

    @property
    def checkpoint(self) -> Path:
        """The fleet's file."""
        return self.system.folder / "checkpoints" / f"{self.name}.checkpoint"

    @property
    def resume(self) -> Path:
        """The file of resume points."""
        return self.system.folder / "checkpoints" / "resume-00-15.json"

    @property
    def half(self) -> Path:
        """What a write that was broken off leaves behind."""
        return self.checkpoint.with_suffix(".part")

    @property
    def log(self) -> str:
        """The key of the fleet's log."""
        return log_key(shard_of(self.name))

    def start(self) -> tuple[int, list[Mapping[str, Any]]]:
        """Run the engine until it has taken all there is; its exit code (-1 = an error without a name), and what it said."""
        settings = LiveSettings(state_dir=self.system.folder, redis_url=self.system.url, linger_ms=0)
        turns = itertools.count()
        with capture_logs() as said, connect(self.system.url) as redis:

            def stopping() -> bool:
                turn = next(turns)
                return turn > MOST_TURNS or (turn > LEAST_TURNS and left_to_take(redis) <= 0)

            try:
                code = run(settings, redis, range(16), 0, stopping)
            except Exception as error:  # noqa: BLE001 (what has no name of its own is what is looked for)
                code = -1
                said.append({"event": f"{type(error).__name__} {error}"})
        return code, list(said)


def damage(scene: Scene) -> None:
    """One byte of the checkpoint is another."""
    raw = bytearray(scene.checkpoint.read_bytes())
    raw[scene.draw.randrange(40, len(raw))] ^= 1 << scene.draw.randrange(8)
    scene.checkpoint.write_bytes(raw)


def cut(scene: Scene) -> None:
    """The checkpoint is cut off."""
    os.truncate(scene.checkpoint, scene.draw.randrange(1, scene.checkpoint.stat().st_size - 1))


def older(scene: Scene) -> None:
    """The checkpoint is one of before, the resume points are not."""
    kept = scene.checkpoint.read_bytes()
    append(scene.system.redis, scene.more[:200])
    scene.more = scene.more[200:]
    scene.start()
    scene.checkpoint.write_bytes(kept)


def trim(scene: Scene) -> None:
    """Behind the resume point a part of the log is gone that nobody had read."""
    append(scene.system.redis, scene.more[:250])
    ids = [stream_id for stream_id, _ in scene.system.redis.xrange(scene.log)]
    scene.gap = int(scene.system.redis.hget(COUNTS, str(shard_of(scene.name)))) - scene.before
    scene.system.redis.xtrim(scene.log, minid=ids[-1].decode().split("-")[0] + "-99999", approximate=False)
    scene.more = scene.more[250:]


Harm = Callable[[Scene], object]


def write(name: str, content: bytes) -> Harm:
    """A file has another content."""
    return lambda scene: getattr(scene, name).write_bytes(content)


def copy_of_another(scene: Scene) -> None:
    """The checkpoint is that of another fleet."""
    other = next(path for path in scene.checkpoint.parent.glob("*.checkpoint") if path != scene.checkpoint and path.name[0] != "~")
    shutil.copy(other, scene.checkpoint)


def log_is_text(scene: Scene) -> None:
    """Somebody put something else where the log was."""
    scene.system.redis.delete(scene.log)
    scene.system.redis.set(scene.log, "x")


def folder_and_resume_points_gone(scene: Scene) -> None:
    """Nothing says any more that there were checkpoints, but the present that stands in Redis."""
    shutil.rmtree(scene.checkpoint.parent)
    scene.system.redis.delete(RESUME)


def redis_is_empty(scene: Scene) -> None:
    """Redis has lost everything."""
    scene.system.redis.flushall()


CASES: dict[str, tuple[Harm, int, str, bool]] = {
    "checkpoint damaged": (damage, UNUSABLE, "unusable", False),
    "checkpoint cut off": (cut, UNUSABLE, "unusable", False),
    "checkpoint empty": (write("checkpoint", b""), UNUSABLE, "unusable", False),
    "checkpoint of garbage": (write("checkpoint", b"\0" * 5_000), UNUSABLE, "unusable", False),
    "checkpoint of another fleet": (copy_of_another, UNUSABLE, "unusable", False),
    "checkpoint gone": (lambda scene: scene.checkpoint.unlink(), FINE, "rebuilding", True),
    "checkpoint older": (older, FINE, "rewound", True),
    "resume points garbled": (write("resume", b'{"1":'), UNUSABLE, "unusable", False),
    "resume points nonsense": (write("resume", b'{"1":{"stream_id":"yesterday","count":3}}'), UNUSABLE, "unusable", False),
    "resume points empty": (write("resume", b""), UNUSABLE, "unusable", False),
    "resume points gone": (lambda scene: scene.resume.unlink(), FINE, "rebuilding", True),
    "folder gone": (lambda scene: shutil.rmtree(scene.checkpoint.parent), FINE, "rebuilding", True),
    "folder gone, Redis knows of no resume points": (folder_and_resume_points_gone, FINE, "rebuilding", True),
    "half-written files left": (write("half", b"half"), FINE, "fleet_caught_up", True),
    "log trimmed too far": (trim, FINE, "input_gap", False),
    "Redis empty": (redis_is_empty, FINE, "log_went_back", False),
    "log is no stream": (
        lambda scene: (scene.system.redis.delete(scene.log), scene.system.redis.set(scene.log, "x")),
        -1,
        "WRONGTYPE",
        False,
    ),
    "entries of nobody": (lambda scene: scene.system.redis.xadd(scene.log, {"c": "x"}), FINE, "bad_entry", True),
}
"""What happens, the exit code, a word of what must be said, and whether everything must be whole afterwards."""


def hurt(case: str, seed: int) -> str:
    """Play a case; what was wrong with how it ended, or nothing."""
    harm, code, word, whole = CASES[case]
    names, draw = fleets(2), random.Random(f"{seed} {case}")
    log = [message for said in made_log(seed, names, 1_500, 10) for message in said]
    with LiveSystem(api=False, start=False) as system:
        scene = Scene(system, names[0], draw, log[700:])
        append(system.redis, log[:700])
        scene.start()
        scene.before = int(system.redis.hget(COUNTS, str(shard_of(scene.name))))
        harm(scene)
        if case != "log is no stream":
            append(system.redis, scene.more)
        ended, said = scene.start()
        events = [(fields[b"f"].decode(), int(fields[b"s"]), fields[b"d"]) for _, fields in system.redis.xrange(EVENTS)]
        told = " ".join(f"{line['event']} {line.get('why', '')}" for line in said) + " ".join(
            text.decode() for _, _, text in events if b"input_gap" in text
        )
        if ended != code:
            return f"ended with {ended}, not {code}: {told[-300:]}"
        if word not in told:
            return f"did not say {word}: {told[-300:]}"
        if code == UNUSABLE and str(scene.system.folder) not in told:
            return f"did not name the file: {told}"
        if case == "log trimmed too far" and f'"lost":{scene.gap},' not in told:
            return f"did not say that {scene.gap} were lost: {told[-300:]}"
        if whole and not (verdict := judge(system.redis, [one for one in events if one[0]])).good:
            return f"is not whole: {verdict}"
    return ""


def main() -> int:
    """All cases."""
    args = arguments(__doc__)
    silent = 0
    for case, (_, code, word, _) in CASES.items():
        wrong = hurt(case, args.seed)
        silent += bool(wrong)
        print(f"  {case}: {wrong or (f'exit code {code}, {word}' if code >= 0 else f'named error ({word})')}", flush=True)
    return result("corruption", good=not silent, cases=len(CASES), not_as_promised=silent)


if __name__ == "__main__":
    sys.exit(main())
