"""Entries of the log: positions that rise with the stream, and bytes that no appender of ours wrote."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.live.log_entry import MOST, BadEntry, id_before, pack, position_near, position_of, unpack

millis = st.integers(0, (1 << 42) - 1)
seqs = st.integers(0, (1 << 14) - 1)
places = st.integers(0, MOST - 1)
GOOD = {b"c": b"7", b"n": b"2", b"t": b"1000000", b"m": b"{}\n[]"}


def text(stream_id: tuple[int, int]) -> str:
    return f"{stream_id[0]}-{stream_id[1]}"


@given(st.lists(st.tuples(st.tuples(millis, seqs), places), min_size=2, max_size=8))
def test_positions_rise_with_stream_ids_and_places(spots):
    assert [position_of(text(stream_id), place) for stream_id, place in sorted(spots)] == sorted(
        position_of(text(stream_id), place) for stream_id, place in spots
    )
    assert len({position_of(text(stream_id), place) for stream_id, place in spots}) == len(set(spots))
    assert all(0 <= position_of(text(stream_id), place) < 1 << 63 for stream_id, place in spots)


@given(millis, seqs, places)
def test_reading_on_from_the_id_before_a_position_gives_its_entry_first(ms, seq, place):
    before = tuple(map(int, id_before(position_of(f"{ms}-{seq}", place)).split("-")))
    assert before < (ms, seq) or (ms, seq) == (0, 0)
    follower = (before[0], before[1] + 1) if before[1] < (1 << 64) - 1 else (before[0] + 1, 0)
    assert follower == (ms, seq) or (ms, seq) == (0, 0)


@pytest.mark.parametrize("position", [-1, 0, 99])
def test_before_everything_there_is_only_the_beginning(position):
    assert id_before(position) == "0-0"


@given(st.lists(st.binary(max_size=5).filter(lambda line: b"\n" not in line), min_size=1, max_size=MOST), st.data())
def test_what_is_packed_is_unpacked(lines, data):
    own = data.draw(st.none() | st.lists(st.integers(0, 2 * 10**15), min_size=len(lines), max_size=len(lines)))
    count, times, joined = pack(lines, own)
    fields = {b"c": b"0", b"n": b"%d" % count, b"t": times or b"55", b"m": joined}
    entries = list(unpack(b"9-3", fields))
    assert [entry.payload for entry in entries] == lines
    assert [entry.received_us for entry in entries] == (own or [55] * len(lines))
    assert [entry.position for entry in entries] == [position_of("9-3", place) for place in range(len(lines))]


@pytest.mark.parametrize(
    "changed",
    [
        *({name: None} for name in GOOD),
        {b"c": b"x"},
        {b"c": b"-1"},
        {b"n": b"3"},
        {b"n": b"0", b"m": b""},
        {b"n": b"-2"},
        {b"n": b"1e3"},
        {b"n": b"101", b"m": b"\n" * 100},
        {b"n": b"9" * 30},
        {b"t": b""},
        {b"t": b"1,2,3"},
        {b"t": b"-5"},
        {b"t": b"9" * 30},
        {b"t": b"now"},
        {b"m": b"{}"},
        {b"m": b"{}\n{}\n{}"},
    ],
)
def test_an_entry_that_no_appender_wrote_is_refused_as_such(changed):
    assert len(list(unpack(b"1-0", GOOD))) == 2
    fields = {name: value for name, value in {**GOOD, **changed}.items() if value is not None}
    with pytest.raises(BadEntry, match="1-0"):
        list(unpack(b"1-0", fields))


@given(
    st.dictionaries(st.sampled_from(list(GOOD)) | st.binary(max_size=3), st.sampled_from([*GOOD.values(), b"1"]) | st.binary(max_size=9))
)
def test_whatever_an_entry_holds_it_is_read_or_refused(fields):
    try:
        entries = list(unpack(b"5-1", fields))
    except BadEntry:
        return
    assert len(entries) == int(fields[b"n"])


@pytest.mark.parametrize("stream_id", [f"1-{1 << 14}", f"{1 << 42}-0"])
def test_an_id_that_gives_no_position_is_refused_and_still_has_a_place(stream_id):
    with pytest.raises(BadEntry, match=stream_id):
        list(unpack(stream_id.encode(), GOOD))
    assert position_of("1-0") < position_near(stream_id.encode()) < 1 << 63


def test_an_id_that_gives_a_position_has_that_place():
    assert position_near(b"77-3") == position_of("77-3")
