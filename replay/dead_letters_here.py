"""`fleetcast-replay dead-letters`: what it says, line by line."""

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from time import time_ns
from typing import Literal

from replay.archive import Archive
from replay.at_rest import Place, serving
from replay.day_errors import NotDone
from replay.dead_letters import DeadLetters, shown
from stream.reasons import Reason


def dead_letters_here(
    doing: Literal["list", "show", "reinject"], reason: str | None, fleet_id: str | None, limit: int, archive: Path | None, place: Place
) -> Iterator[str]:
    """List, show or put in again. Raises `NotDone`, and what redis-py raises."""
    settings = place.settings()
    if reason is not None and reason not in set(Reason):
        raise NotDone(f"there is no reason {reason!r}; there are {', '.join(Reason)}")
    kept = archive or settings.record_dir
    with serving(settings) as client:
        letters = DeadLetters(client, settings, reason, fleet_id, Archive(kept) if kept is not None else None, time_ns() // 1000)
        if doing == "list":
            for code, fleet, by, count, newest, remedy in letters.counted():
                yield f"{count:>9,}  {code}  {fleet or '-'}  by {by}  newest {newest}  {remedy}"
        elif doing == "show":
            yield from map(shown, deque(letters, maxlen=limit))
        else:
            done = letters.reinject()
            yield from (f"{count:,} {what}" for what, count in done.most_common())
            if not done:
                yield "none match"
