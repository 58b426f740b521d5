"""Nothing is lost in silence: every entry of a day was applied or refused, and three counts of it agree."""

from collections.abc import Mapping
from dataclasses import dataclass


class Unaccounted(Exception):
    """Entries of the log that were neither applied nor refused, or both: a fault of the engine, never of the day."""


@dataclass(frozen=True, slots=True)
class Accounting:
    """Entries of the log, ticks among them: `received` = `applied` + all `refused` (by reason).

    Of the applied, `kept_late` came too late to move the live state and entered history only.
    """

    received: int
    applied: int
    refused: dict[str, int]
    kept_late: int


def account(entries: int, received: int, refused: Mapping[str, int], dead_letters: Mapping[str, int], kept_late: int) -> Accounting:
    """Hold what the engine counted against the log (`entries`) and against the dead letters written. Raises Unaccounted."""
    if received != entries:
        raise Unaccounted(f"the log holds {entries:,} entries, but the engine received {received:,}")
    if dict(refused) != dict(dead_letters):
        raise Unaccounted(f"the engine refused {dict(refused)}, but the dead letters are {dict(dead_letters)}")
    applied = received - sum(refused.values())
    if applied < kept_late:
        raise Unaccounted(f"{received:,} entries were received and {sum(refused.values()):,} refused, but {kept_late:,} kept as late")
    return Accounting(received, applied, dict(sorted(refused.items())), kept_late)
