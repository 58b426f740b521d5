"""Who stands by says so, takes the shards as soon as nobody has them, and ends when told to."""

import msgspec
from redis import ConnectionError as Gone

from stream.live.keys import HEARTBEATS
from stream.live.ownership import own
from stream.live.standby import own_when_free
from stream.live.views import Heartbeat


def test_the_one_that_stands_by_beats_and_has_the_shards_when_the_other_is_gone(tmp_path, redis):
    held, beats = own(tmp_path, [2, 3]), []

    def looked():
        beats.append(redis.hget(HEARTBEATS, "standby-2"))
        if len(beats) == 4:
            held.close()
        return False

    with own_when_free(tmp_path, redis, [2, 3], looked) as locks:
        assert locks is not None
        assert beats[0] is None
        assert all(msgspec.json.decode(beat, type=Heartbeat).shards == "" for beat in beats[1:4])
        assert redis.hget(HEARTBEATS, "standby-2") is None
        again = own_when_free(tmp_path, redis, [3], iter([False, False, True]).__next__)
        assert again is None


def test_it_takes_over_although_redis_is_away(tmp_path):
    class Away:
        def __getattr__(self, name):
            raise Gone(name)

    held, looks = own(tmp_path, [0]), []

    def looked():
        looks.append(1)
        if len(looks) == 3:
            held.close()
        return False

    with own_when_free(tmp_path, Away(), [0], looked) as locks:
        assert locks is not None
