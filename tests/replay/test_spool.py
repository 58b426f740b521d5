"""What was given is written once, whatever is given again and wherever a process died."""

import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from replay.spool import Spool, SpoolError

FILES = ("events.lines", "estimates.raw", "visits.ndjson", "refusals.ndjson")


def contents(spool: Spool) -> dict[str, bytes]:
    return {f"{fleet} {name}": spool.path(fleet, name).read_bytes() for fleet in spool.fleets() for name in FILES}


def test_what_was_put_comes_back_unchanged(tmp_path, given):
    spool, applied = Spool(tmp_path), given("f", 0, 5)
    spool.put(applied)
    assert spool.fleets() == ["f"]
    assert list(spool.events("f")) == [(event.now_us, event.sequence, event.payload) for event in applied.events]
    assert spool.estimates("f").tobytes() == applied.estimates.tobytes()
    assert list(spool.visits("f")) == applied.visits
    assert list(spool.refusals("f")) == applied.refusals


def test_what_was_put_twice_is_kept_once(tmp_path, given):
    spool = Spool(tmp_path)
    spool.put(given("f", 0, 5))
    before = contents(spool)
    spool.put(given("f", 0, 5))
    spool.put(given("f", 2, 4))
    assert contents(spool) == before


def test_a_stretch_that_reaches_beyond_what_is_there_adds_only_the_rest(tmp_path, given):
    spool, whole = Spool(tmp_path / "parts"), Spool(tmp_path / "whole")
    spool.put(given("f", 0, 5))
    spool.put(given("f", 3, 9))
    whole.put(given("f", 0, 9))
    assert contents(spool) == contents(whole)


@pytest.mark.parametrize("name", FILES)
def test_a_torn_tail_is_cut_and_written_again(tmp_path, given, name):
    spool = Spool(tmp_path)
    spool.put(given("f", 0, 6))
    whole = contents(spool)
    path = spool.path("f", name)
    size = path.stat().st_size
    for cut in (1, 30, size - 1, size):
        os.truncate(path, size - cut)
        reopened = Spool(tmp_path)
        reopened.put(given("f", 0, 6))
        assert contents(reopened) == whole


@examples(torn=st.tuples(*(st.floats(0, 1) for _ in FILES)), again=st.integers(0, 12), cut=st.integers(1, 5))
def test_an_abort_anywhere_and_a_resume_give_what_an_undisturbed_run_gives(tmp_path_factory, given, torn, again, cut):
    folder = tmp_path_factory.mktemp("spool")
    spool, undisturbed = Spool(folder / "torn"), Spool(folder / "whole")
    undisturbed.put(given("f", 0, 20))
    spool.put(given("f", 0, 12))
    for name, share in zip(FILES, torn, strict=True):
        # What lay before the checkpoint is durable: only what the engine will give again may be lost.
        path, kept = spool.path("f", name), Spool(folder / f"kept-{name}")
        kept.put(given("f", 0, max(again, 1)))
        least = kept.path("f", name).stat().st_size if again else 0
        os.truncate(path, least + round(share * (path.stat().st_size - least)))
    resumed = Spool(folder / "torn")
    for first in range(again, 20, cut):
        resumed.put(given("f", first, min(first + cut, 20)))
    assert contents(resumed) == contents(undisturbed)
    assert resumed.digest() == undisturbed.digest()


def test_a_reader_passes_over_a_torn_tail(tmp_path, given):
    spool = Spool(tmp_path)
    spool.put(given("f", 0, 4))
    for name in FILES:
        os.truncate(spool.path("f", name), spool.path("f", name).stat().st_size - 3)
    reader = Spool(tmp_path)
    counts = [
        sum(1 for _ in reader.events("f")),
        len(reader.estimates("f")),
        sum(1 for _ in reader.visits("f")),
        sum(1 for _ in reader.refusals("f")),
    ]
    assert counts == [3, 7, 3, 3]


@pytest.mark.parametrize("lost", ["events", "estimates", "visits"])
def test_a_gap_is_not_written_over(tmp_path, given, lost):
    spool, later = Spool(tmp_path), given("f", 5, 9)
    spool.put(given("f", 0, 4))
    empty = {"events": [], "visits": [], "estimates": later.estimates[:0]}
    with pytest.raises(SpoolError, match="fleet 'f'"):
        spool.put(replace(later, **{name: value for name, value in empty.items() if name != lost}))


def test_the_digest_is_the_same_however_the_day_was_cut_and_whoever_wrote_it(tmp_path, given):
    one, two = Spool(tmp_path / "one"), Spool(tmp_path / "two")
    one.put(given("a", 0, 8))
    one.put(given("b", 0, 8))
    for first in (0, 3, 5):
        two.put(given("b", first, 8 if first == 5 else first + 3))
    Spool(tmp_path / "two").put(given("a", 0, 8))
    assert one.digest() == two.digest() == Spool(tmp_path / "two").digest()


def test_the_digest_changes_with_one_byte_of_an_event_and_one_bit_of_an_estimate(tmp_path, given):
    digests = set()
    applied = given("f", 0, 3)
    last = applied.events[-1]
    other = replace(
        applied, events=[*applied.events[:-1], type(last)(last.now_us, last.sequence, last.kind, last.payload.replace(b"two", b"twO"))]
    )
    moved = replace(applied, estimates=np.array(applied.estimates))
    moved.estimates["p50_us"][3] += 1
    renamed = given("g", 0, 3)
    for number, each in enumerate((applied, other, moved, renamed)):
        spool = Spool(tmp_path / str(number))
        spool.put(each)
        digests.add(spool.digest())
    assert len(digests) == 4


@pytest.mark.parametrize("fleet_id", ["", "A", "../up", "a/b", "dépôt", "x" * 64])
def test_any_fleet_id_stays_inside_the_folder(tmp_path, given, fleet_id):
    spool = Spool(tmp_path / "spool")
    spool.put(given(fleet_id, 0, 2))
    assert spool.fleets() == [fleet_id]
    assert {path.parent.parent for path in tmp_path.rglob("*.*")} <= {tmp_path / "spool"}


def test_two_owners_of_one_folder_do_not_meet(tmp_path, given):
    owners, alone = {fleet: Spool(tmp_path / "both") for fleet in "ab"}, Spool(tmp_path / "alone")
    for first in range(30):
        for fleet, spool in owners.items():
            spool.put(given(fleet, first, first + 1))
    for fleet in "ba":
        alone.put(given(fleet, 0, 30))
    assert owners["a"].digest() == owners["b"].digest() == alone.digest()
