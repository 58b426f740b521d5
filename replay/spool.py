"""What a run gives, kept on disk while it runs: each fleet in files of its own, written once however often it is given."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from stream.apply import Applied
from stream.batches import Refusal
from stream.outputs import ESTIMATE, Estimated, NamedVisit

_PREFIX = "fleet-"
ESTIMATES, BESIDE = "estimates.raw", "beside.raw"
_CHUNK = 1 << 20


class SpoolError(Exception):
    """What was put does not follow on what is there: something in between was lost. The message names the fleet and the numbers."""


@dataclass(slots=True)
class Written:
    """How far the files of a fleet go: the next event's `sequence`, estimates, visits, and the last position that was refused."""

    events: int
    estimates: int
    visits: int
    refused: int
    beside: int = 0


class Spool:
    """A folder of append-only files, a sub-folder a fleet. Different fleets may be put by different processes at the same time.

    After an abort the engine starts again from a checkpoint and gives again what it gave since: `put` drops what is there already.
    What `put` was given survives the death of the process (not of the machine) once it has returned. A record that was torn by an
    abort is cut off at the first `put` of its fleet, and passed over by whoever only reads.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._written: dict[str, Written] = {}
        self._encoder = msgspec.json.Encoder()
        folder.mkdir(parents=True, exist_ok=True)

    def put(self, applied: Applied) -> None:
        """Append what is new. Raises SpoolError when something between it and what is there is missing."""
        written = self._written.get(applied.fleet_id) or self._recover(applied.fleet_id)
        events = [event for event in applied.events if event.sequence >= written.events]
        estimates = applied.estimates[max(0, written.estimates - applied.first_estimate) :]
        beside = applied.beside[max(0, written.beside - applied.first_beside) :]
        visits = [visit for visit in applied.visits if visit.number >= written.visits]
        refusals = [refusal for refusal in applied.refusals if refusal.position > written.refused]
        _follow_on(applied.fleet_id, "event", events[0].sequence if events else written.events, written.events)
        _follow_on(applied.fleet_id, "estimate", applied.first_estimate if len(estimates) else 0, written.estimates)
        _follow_on(applied.fleet_id, "estimate of a challenger", applied.first_beside if len(beside) else 0, written.beside)
        _follow_on(applied.fleet_id, "visit", visits[0].number if visits else written.visits, written.visits)
        # Visits first: an estimate is never without the visit that it is about.
        self._append(applied.fleet_id, "visits.ndjson", self._encoder.encode_lines(visits))
        lines = [b"%d %d %s\n" % (event.now_us, event.sequence, event.payload) for event in events]
        self._append(applied.fleet_id, "events.lines", b"".join(lines))
        self._append(applied.fleet_id, ESTIMATES, estimates.tobytes())
        self._append(applied.fleet_id, BESIDE, beside.tobytes())
        self._append(applied.fleet_id, "refusals.ndjson", self._encoder.encode_lines(refusals))
        written.events += len(events)
        written.estimates += len(estimates)
        written.beside += len(beside)
        written.visits += len(visits)
        written.refused = refusals[-1].position if refusals else written.refused

    def fleets(self) -> list[str]:
        """The fleets that have been put, by any process, sorted."""
        return sorted(bytes.fromhex(path.name.removeprefix(_PREFIX)).decode() for path in self.folder.glob(f"{_PREFIX}*"))

    def events(self, fleet_id: str) -> Iterator[tuple[int, int, bytes]]:
        """`now_us`, `sequence` and payload (without line end) of every event of a fleet, in order."""
        for line in _lines(self.path(fleet_id, "events.lines")):
            now_us, sequence, payload = line.split(b" ", 2)
            yield int(now_us), int(sequence), payload

    def estimates(self, fleet_id: str, name: str = ESTIMATES) -> Estimated:
        """The estimates of a fleet (of its challenger: `BESIDE`) in log order, mapped from the disk: read-only."""
        path = self.path(fleet_id, name)
        rows = path.stat().st_size // ESTIMATE.itemsize if path.exists() else 0
        return np.memmap(path, ESTIMATE, "r", shape=(rows,)) if rows else np.empty(0, ESTIMATE)

    def visits(self, fleet_id: str) -> Iterator[NamedVisit]:
        """The visits of a fleet by number."""
        return map(msgspec.json.Decoder(NamedVisit).decode, _lines(self.path(fleet_id, "visits.ndjson")))

    def refusals(self, fleet_id: str) -> Iterator[Refusal]:
        """The refused inputs of a fleet by position."""
        return map(msgspec.json.Decoder(Refusal).decode, _lines(self.path(fleet_id, "refusals.ndjson")))

    def digest(self) -> str:
        """SHA-256 over every fleet in the order of its id: the id, the lines of all event payloads, the bytes of all estimates.

        Where there was a challenger, the bytes of its estimates come last.
        """
        sha = hashlib.sha256()
        for fleet_id in self.fleets():
            sha.update(fleet_id.encode() + b"\n")
            for _, _, payload in self.events(fleet_id):
                sha.update(payload + b"\n")
            for name in (ESTIMATES, BESIDE):
                estimates = self.estimates(fleet_id, name)
                for first in range(0, len(estimates), _CHUNK):
                    sha.update(estimates[first : first + _CHUNK].tobytes())
        return sha.hexdigest()

    def path(self, fleet_id: str, name: str) -> Path:
        """Where a file of a fleet lies. Hex, because an id is text from outside, and some disks cannot tell `A` from `a`."""
        return self.folder / f"{_PREFIX}{fleet_id.encode().hex()}" / name

    def _append(self, fleet_id: str, name: str, data: bytes) -> None:
        # Opened each time: a day of 999 fleets would need more open files than a process may have.
        if data:
            with self.path(fleet_id, name).open("ab") as file:
                file.write(data)

    def _recover(self, fleet_id: str) -> Written:
        """Cut torn records off the files of a fleet, where there are any, and see how far they go."""
        self.path(fleet_id, "").mkdir(exist_ok=True)
        event, visit, refusal = (_last_line(self.path(fleet_id, name)) for name in ("events.lines", "visits.ndjson", "refusals.ndjson"))
        self._written[fleet_id] = Written(
            events=int(event.split(b" ", 2)[1]) + 1 if event else 0,
            estimates=_whole_rows(self.path(fleet_id, ESTIMATES)),
            visits=msgspec.json.decode(visit, type=NamedVisit).number + 1 if visit else 0,
            refused=msgspec.json.decode(refusal, type=Refusal).position if refusal else -1,
            beside=_whole_rows(self.path(fleet_id, BESIDE)),
        )
        return self._written[fleet_id]


def _whole_rows(path: Path) -> int:
    """The estimates in a file, of which a torn one is cut off."""
    if not path.exists():
        return 0
    rows = path.stat().st_size // ESTIMATE.itemsize
    os.truncate(path, rows * ESTIMATE.itemsize)
    return rows


def _follow_on(fleet_id: str, what: str, first: int, there: int) -> None:
    if first > there:
        raise SpoolError(f"fleet {fleet_id!r}: {what} {first} was put, but {there} is the next one missing")


def _lines(path: Path) -> Iterator[bytes]:
    """The whole lines of a file, without their ends; nothing where there is no file."""
    if path.exists():
        with path.open("rb", buffering=_CHUNK) as lines:
            yield from (line[:-1] for line in lines if line.endswith(b"\n"))


def _last_line(path: Path) -> bytes:
    """The last whole line of a file, from which whatever comes behind it is cut; empty where there is none."""
    if not path.exists():
        return b""
    with path.open("rb+") as file:
        end, tail = file.seek(0, os.SEEK_END), b""
        while end > 0 and tail.count(b"\n") < 2:
            step = min(end, 1 << 16)
            end -= step
            file.seek(end)
            tail = file.read(step) + tail
        whole = tail[: tail.rfind(b"\n") + 1]
        file.truncate(end + len(whole))
    return whole[:-1].rpartition(b"\n")[2]
