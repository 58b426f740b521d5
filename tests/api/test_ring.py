"""The ring of events and those who listen to it: nothing missing, nothing twice, and who lags reads from Redis."""

import asyncio
from contextlib import asynccontextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.events import CHUNK_BYTES, Wanted, chunks, told
from api.ring import START, Framed, Ring, follow, framed, id_of, place_of_id
from api.tasks import end
from stream.live.keys import EVENTS
from stream.live.server import connect_async

ALL = Wanted(None, None)


@asynccontextmanager
async def followed(redis_url, kept=64):
    """A small ring that follows the events of Redis."""
    redis, ring = connect_async(redis_url), Ring(kept=kept)
    following = asyncio.create_task(follow(redis, ring))
    while not ring.following:
        await asyncio.sleep(0.01)
    try:
        yield redis, ring
    finally:
        await end(following)
        await redis.aclose()


async def heard(body, count):
    """The ids (and the word reset) of what a listener is told first."""
    ids = []
    async with asyncio.timeout(10):
        async for chunk in body:
            for frame in chunk.split(b"\r\n\r\n")[:-1]:
                lines = dict(line.split(b": ", 1) for line in frame.split(b"\r\n"))
                if b"data" in lines:
                    ids += ["reset"] if lines[b"event"] == b"reset" else []
                    ids += [lines[b"id"].decode()] if lines[b"event"] != b"reset" else []
            if len(ids) >= count:
                await body.aclose()
                return ids
    raise AssertionError("the stream ended")


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


def tell(present, first, count, kind="eta_updated", fleet="north"):
    return [present.tell(fleet, kind, number) for number in range(first, first + count)]


def run(scene):
    asyncio.run(scene())


def test_who_listens_from_now_on_hears_what_comes_and_nothing_older(present, redis_url):
    async def scene():
        tell(present, 0, 5)
        async with followed(redis_url) as (redis, ring):
            body = told(ring, redis, ALL, ring.end)
            await anext(body)
            ids = tell(present, 5, 7)
            assert await heard(body, 7) == ids

    run(scene)


@pytest.mark.parametrize("kept", [4, 64, 1_000])
def test_who_comes_back_hears_everything_since_whether_from_redis_or_from_the_ring(present, redis_url, kept):
    async def scene():
        before = tell(present, 0, 250)
        async with followed(redis_url, kept) as (redis, ring):
            after = tell(present, 250, 250)
            await until(lambda: id_of(ring.end) == after[-1])
            ids = before + after
            for place in (0, 100, 249, 260, 495, 499):
                body = told(ring, redis, ALL, place_of_id(ids[place]))
                if place < 499:
                    assert await heard(body, 499 - place) == ids[place + 1 :]
            assert await heard(told(ring, redis, ALL, START), 500) == ids

    run(scene)


def test_events_that_come_while_the_past_is_read_are_heard_once_and_in_order(present, redis_url):
    async def scene():
        ids = tell(present, 0, 300)
        async with followed(redis_url, 16) as (redis, ring):
            body = told(ring, redis, ALL, START)
            for number in range(6):
                await anext(body)
                ids += tell(present, 300 + 20 * number, 20)
            again = told(ring, redis, ALL, START)
            assert await heard(again, len(ids)) == ids
            await body.aclose()

    run(scene)


def test_who_was_away_for_longer_than_events_are_kept_is_told_so_and_hears_the_rest(present, redis_url):
    async def scene():
        ids = tell(present, 0, 300)
        async with followed(redis_url, 8) as (redis, ring):
            present.redis.xtrim(EVENTS, maxlen=100, approximate=False)
            assert await heard(told(ring, redis, ALL, place_of_id(ids[10])), 101) == ["reset", *ids[200:]]
            # Exactly behind what is no longer kept nothing can be known to be missing; what is kept from the start needs no word.
            assert await heard(told(ring, redis, ALL, place_of_id(ids[200])), 99) == ids[201:]
            assert await heard(told(ring, redis, ALL, START), 100) == ids[200:]

    run(scene)


def test_an_id_that_redis_never_gave_is_answered_with_reset_and_what_comes(present, redis_url):
    async def scene():
        tell(present, 0, 3)
        async with followed(redis_url) as (redis, ring):
            body = told(ring, redis, ALL, (1 << 60, 0))
            await anext(body)
            assert b"not_known" in await anext(body)
            ids = tell(present, 3, 2)
            assert await heard(body, 2) == ids

    run(scene)


def test_only_what_was_asked_for_is_heard(present, redis_url):
    async def scene():
        async with followed(redis_url, 8) as (redis, ring):
            mine = []
            for number in range(40):
                kind = "exception_opened" if number % 3 else "eta_updated"
                fleet = "north" if number % 2 else "south"
                stream_id = present.tell(fleet, kind, number)
                mine += [stream_id] if (kind, fleet) == ("exception_opened", "north") else []
            wanted = Wanted(b"north", frozenset({b"exception_opened", b"exception_resolved"}))
            assert await heard(told(ring, redis, wanted, START), len(mine)) == mine

    run(scene)


def test_events_go_on_after_redis_was_emptied(present, redis_url):
    async def scene():
        tell(present, 0, 5)
        async with followed(redis_url) as (redis, ring):
            body = told(ring, redis, ALL, ring.end)
            await anext(body)
            present.redis.delete(EVENTS)
            ids = tell(present, 0, 3)
            assert await heard(body, 3) == ids

    run(scene)


def test_a_task_that_overhears_being_cancelled_is_ended_all_the_same():
    async def deaf():
        for _ in range(2):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(60)
        raise ValueError

    async def scene():
        task = asyncio.create_task(deaf())
        await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await end(task)
        assert task.done()

    run(scene)


def test_following_ends_whenever_it_is_told_to(redis, redis_url):
    async def scene():
        for turn in range(40):
            connection = connect_async(redis_url)
            following = asyncio.create_task(follow(connection, Ring()))
            await asyncio.sleep(turn * 0.0002)
            async with asyncio.timeout(5):
                await end(following)
            await connection.aclose()

    run(scene)


def test_who_leaves_is_counted_no_more(present, redis_url):
    async def scene():
        async with followed(redis_url) as (redis, ring):
            bodies = [told(ring, redis, ALL, ring.end) for _ in range(3)]
            for body in bodies:
                await anext(body)
            assert ring.listeners == 3
            for body in bodies:
                await body.aclose()
            assert ring.listeners == 0

    run(scene)


@pytest.mark.parametrize("words", ["", "-", "a-1", "1-b", "-1", "1-1-1", "18446744073709551616-0", "\u0664-0", "9" * 60])
def test_what_is_no_stream_id_is_none(words):
    assert place_of_id(words) is None


@given(place=st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)))
def test_a_stream_id_is_read_as_it_was_written(place):
    assert place_of_id(id_of(place)) == place
    assert place_of_id(str(place[0])) == (place[0], 0)


@given(kept=st.integers(1, 40), counts=st.lists(st.integers(1, 30), max_size=12), behind=st.integers(0, 200), most=st.integers(1, 50))
def test_the_ring_has_everything_behind_its_floor_and_stays_small(kept, counts, behind, most):
    ring, everything = Ring(kept=kept), []
    ring.begin((1, 0))
    for count in counts:
        new = [Framed((2, len(everything) + i + 1), b"", b"", b"") for i in range(count)]
        everything += new
        ring.add(new)
    assert len(ring.events) <= kept + kept // 8 + 1
    assert [event.place for event in everything if event.place > ring.floor] == [event.place for event in ring.events]
    place = max(ring.floor, (2, behind))
    assert ring.after(place, most) == [event for event in everything if event.place > place][:most]


@given(sizes=st.lists(st.integers(1, 40_000), max_size=20))
def test_chunks_hold_every_frame_once_and_no_more_than_one_frame_too_much(sizes):
    frames = [bytes([number]) * size for number, size in enumerate(sizes)]
    pieces = list(chunks(frames))
    assert b"".join(pieces) == b"".join(frames)
    assert all(len(piece) < CHUNK_BYTES + max(sizes) for piece in pieces)


def test_an_event_is_framed_with_its_stream_id_its_kind_and_the_cloud_event():
    event = framed(b"17-3", {b"f": b"north", b"k": b"eta_updated", b"d": b'{"id":"x"}'})
    assert event == ((17, 3), b"north", b"eta_updated", b'id: 17-3\r\nevent: eta_updated\r\ndata: {"id":"x"}\r\n\r\n')
