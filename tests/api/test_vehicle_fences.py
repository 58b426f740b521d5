"""In which fences a vehicle is, and was: as the engine wrote it, and honest where it is not kept any more."""

import numpy as np
import pytest

from stream.live.keys import fleet_key
from stream.live.views import STAY, STAYS_KEPT, FenceStay

MINUTE_US = 60_000_000


@pytest.fixture
def van(present):
    """A van that is in the depot, and a writer of what it was in before: (fence, minutes before noon from, to, known)."""
    noon_us = present.noon_us
    present.put_fleet("north")
    present.redis.hset(fleet_key("fleet", "north"), "stays_from", noon_us - 120 * MINUTE_US)
    stays = [FenceStay("depot", noon_us - 3 * MINUTE_US)]
    present.put_vehicle("north", "van-1", present.fix(), fences=stays)

    def was(*rows):
        packed = np.array([(*(noon_us - minutes * MINUTE_US for minutes in row[1:]), row[0].encode()) for row in rows], dtype=STAY)
        present.redis.hset(fleet_key("stays", "north"), "van-1", packed.tobytes())

    return was


def inside(client, minutes=None, vehicle="van-1"):
    """The answer about so many minutes before noon."""
    at = {} if minutes is None else {"at": f"2026-05-28T{20 - (minutes + 32) // 60}:{(27 - minutes) % 60:02d}:00Z"}
    return client.get(f"/v1/vehicles/{vehicle}/geofences", params=at)


def fences(answer):
    assert answer.status_code == 200, answer.text
    return [stay["fence_id"] for stay in answer.json()["geofences"]]


def test_a_vehicle_is_now_where_it_is(client, van):
    answer = inside(client).json()
    assert answer["geofences"] == [{"fence_id": "depot", "entered_at": "2026-05-28T20:24:00Z", "left_at": None}]
    assert (answer["at"], answer["as_of"], answer["last_fix_at"]) == (None, "2026-05-28T20:27:00Z", "2026-05-28T20:27:00Z")
    assert answer["known_from"] == "2026-05-28T18:27:00Z"


def test_a_vehicle_was_then_where_it_was_from_its_entry_until_before_its_exit(client, van):
    van(("zone", 50, 10, 9), ("shop", 30, 20, 19), ("depot", 60, 40, 39))
    found = {minutes: fences(inside(client, minutes)) for minutes in (70, 60, 45, 40, 30, 25, 20, 10, 5, 3, 0)}
    assert found == {
        70: [],
        60: ["depot"],
        45: ["depot", "zone"],
        40: ["zone"],
        30: ["shop", "zone"],
        25: ["shop", "zone"],
        20: ["zone"],
        10: [],
        5: [],
        3: ["depot"],
        0: ["depot"],
    }
    assert inside(client, 25).json()["geofences"][0]["left_at"] == "2026-05-28T20:07:00Z"


def test_a_time_before_all_that_is_kept_is_gone(client, van):
    answer = inside(client, 121)
    assert (answer.status_code, answer.json()["type"]) == (410, "gone")
    assert "since 2026-05-28T18:27:00" in answer.json()["detail"]


def test_a_vehicle_with_many_stays_is_known_from_the_oldest_that_is_kept(client, van):
    van(*(("shop", 110 - minutes, 109 - minutes, 108 - minutes) for minutes in range(STAYS_KEPT)))
    assert inside(client, 109).status_code == 410
    assert fences(inside(client, 100)) == ["shop"]
    assert inside(client).json()["known_from"] == "2026-05-28T18:39:00Z"


def test_a_fleet_of_which_no_stay_was_ever_kept_knows_only_the_present(client, present, van):
    present.redis.hdel(fleet_key("fleet", "north"), "stays_from")
    assert inside(client, 1).status_code == 410
    assert fences(inside(client)) == ["depot"]


def test_where_every_stay_was_kept_a_vehicle_is_known_from_its_first_fix(client, present, van):
    present.redis.hset(fleet_key("fleet", "north"), "stays_from", 0)
    assert inside(client, 1).status_code == 410  # and before it nothing is known of it
    present.put_vehicle("north", "van-1", present.fix(), heard_min=(present.noon_us // MINUTE_US - 50, 0, 0))
    assert inside(client, 51).status_code == 410
    assert (fences(inside(client, 50)), inside(client).json()["known_from"]) == ([], "2026-05-28T19:37:00Z")


def test_of_times_of_which_fixes_came_late_the_answer_says_so(client, present, van):
    noon_min = present.noon_us // MINUTE_US
    present.put_vehicle("north", "van-1", present.fix(), heard_min=(noon_min - 60, noon_min - 30, noon_min - 20))
    told = {minutes: inside(client, minutes).json()["late_fixes"] for minutes in (33, 32, 25, 18, 17, None)}
    assert told == {33: False, 32: True, 25: True, 18: True, 17: False, None: False}


def test_a_time_that_has_not_come_is_refused(client, van):
    answer = inside(client, -2)
    assert (answer.status_code, "for this fleet it is 2026-05-28T20:27:00" in answer.json()["detail"]) == (422, True)
    assert fences(inside(client, -1)) == ["depot"]


@pytest.mark.parametrize("at", ["2026-05-28T20:27:00", "yesterday", ""])
def test_a_time_without_an_offset_is_refused(client, van, at):
    assert client.get("/v1/vehicles/van-1/geofences", params={"at": at}).status_code == 422


def test_an_unknown_vehicle_is_a_404_and_one_of_two_fleets_a_409(client, van, two_fleets):
    assert inside(client, vehicle="nobody").status_code == 404
    assert inside(client, vehicle="shared").status_code == 409
