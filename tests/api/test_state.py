"""Fleets, vehicles, routes and cells: what the engine wrote is what the API says, and a page after the other is everything."""

import h3
import msgspec
import pytest

from stream.live.keys import fleet_key
from stream.live.views import CellsView

MISSING = -(2**62)


def test_a_fleet_is_told_with_its_now_in_utc_and_as_its_people_read_it(client, two_fleets):
    north, south = client.get("/v1/fleets").json()["items"]
    assert (north["fleet_id"], north["now"], north["now_local"]) == ("north", "2026-05-28T20:27:00Z", "2026-05-28T22:27:00+02:00")
    assert south["now_local"] == "2026-05-28T16:27:00-04:00"
    assert (north["open_exceptions"], south["open_exceptions"]) == (1, 0)
    assert north["totals"]["refused"] == {"teleport": 3}


def test_only_a_live_fleet_lags_behind_the_wall_clock(client, present):
    present.put_fleet("driven")
    present.put_fleet("live", driven=False, now_us=present.clock_us() - 3_000_000)
    driven, live = client.get("/v1/fleets").json()["items"]
    assert driven["lag_s"] is None
    assert 3.0 <= live["lag_s"] < 10.0


def test_a_fleet_of_which_nothing_is_written_yet_is_told_all_the_same(client, present):
    present.put_fleet("new")
    present.redis.delete(fleet_key("fleet", "new"))
    (new,) = client.get("/v1/fleets").json()["items"]
    assert (new["now"], new["lag_s"], new["totals"], new["open_exceptions"]) == (None, None, None, 0)


def test_a_time_zone_that_this_machine_does_not_know_reads_as_utc(client, present):
    present.put_fleet("odd", "Mars/Olympus_Mons")
    assert client.get("/v1/fleets").json()["items"][0]["now_local"] == "2026-05-28T20:27:00Z"


def test_a_vehicle_is_told_with_its_fix_its_age_and_the_eta_of_its_next_visit(client, two_fleets):
    two_fleets.put_fleet("north", now_us=two_fleets.noon_us + 7_000_000)
    van = client.get("/v1/vehicles/van-1").json()
    assert (van["lat"], van["lon"], van["speed_mps"], van["heading_deg"], van["cell"]) == (52.5, 13.4, 8.5, None, "892a100d2c3ffff")
    assert (van["age_s"], van["at"], van["at_local"]) == (7.0, "2026-05-28T20:27:00Z", "2026-05-28T22:27:00+02:00")
    assert (van["route_id"], van["fence_ids"], van["driver_id"], van["skills"]) == ("r1", ["depot"], "d7", ["cold"])
    assert (van["next_visit"]["visit_id"], van["next_visit"]["eta"]["p50"]) == ("v2", "2026-05-28T20:37:00Z")


@pytest.mark.parametrize("fix", [None, "before the first"])
def test_a_vehicle_without_a_fix_has_a_place_nowhere(client, present, fix):
    present.put_fleet("north")
    present.put_vehicle("north", "van-2", present.fix(at_us=MISSING) if fix else None, down=True)
    van = client.get("/v1/vehicles/van-2").json()
    assert {van[name] for name in ("at", "lat", "lon", "cell", "speed_mps", "age_s", "next_visit")} == {None}
    assert van["down"] is True


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_pages_of_vehicles_together_are_all_of_them_once_and_in_order(client, present, limit):
    expected = []
    for fleet_id, count in (("a", 3), ("b", 0), ("c", 4)):
        present.put_fleet(fleet_id)
        expected += [(fleet_id, f"v{number}") for number in range(count)]
    for fleet_id, vehicle_id in reversed(expected):
        present.put_vehicle(fleet_id, vehicle_id)
    found, cursor, pages = [], None, 0
    while pages == 0 or cursor is not None:
        page = client.get("/v1/vehicles", params={"limit": limit, **({"cursor": cursor} if cursor else {})}).json()
        found += [(item["fleet_id"], item["vehicle_id"]) for item in page["items"]]
        cursor, pages = page["next_cursor"], pages + 1
    assert found == expected
    assert pages == -(-7 // limit)


def test_only_the_fleet_that_was_asked_for_is_listed(client, two_fleets):
    found = client.get("/v1/vehicles", params={"fleet_id": "south"}).json()["items"]
    assert [(item["fleet_id"], item["vehicle_id"]) for item in found] == [("south", "shared")]


def test_who_has_the_newest_answer_is_not_sent_it_again(client, two_fleets):
    first = client.get("/v1/vehicles")
    again = client.get("/v1/vehicles", headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    two_fleets.put_vehicle("north", "van-1", two_fleets.fix(lat=52.6))
    changed = client.get("/v1/vehicles", headers={"If-None-Match": first.headers["etag"]})
    assert changed.status_code == 200
    assert changed.headers["etag"] != first.headers["etag"]


def test_a_route_is_told_with_every_visit_as_planned_and_as_it_stands(client, two_fleets):
    route = client.get("/v1/routes/r1").json()
    assert (route["fleet_id"], route["vehicle_id"], route["plan_version"], route["started"]) == ("north", "van-1", 3, True)
    assert [visit["eta"]["state"] for visit in route["visits"]] == ["departed", "open", "open", "open"]
    assert [visit["eta"]["stops_before"] for visit in route["visits"]] == [None, 0, 1, 2]
    assert route["visits"][1]["metadata"] == {"floor": "3"}


def test_a_route_whose_rows_are_not_written_yet_is_only_planned(client, two_fleets):
    two_fleets.redis.hdel(fleet_key("etas", "north"), "r1")
    route = client.get("/v1/routes/r1").json()
    assert [visit["eta"]["why"] for visit in route["visits"]] == ["not_estimated_yet"] * 4


def test_an_id_that_two_fleets_have_is_answered_by_naming_them(client, two_fleets):
    refused = client.get("/v1/vehicles/shared")
    assert (refused.status_code, refused.json()["fleets"]) == (409, ["north", "south"])
    assert client.get("/v1/vehicles/shared", params={"fleet_id": "south"}).json()["fleet_id"] == "south"


@pytest.mark.parametrize("path", ["/vehicles/ghost", "/routes/ghost", "/vehicles/van-1?fleet_id=south", "/vehicles?fleet_id=ghost"])
def test_what_is_not_there_is_not_found(client, two_fleets, path):
    assert client.get(f"/v1{path}").status_code == 404


def test_a_cell_is_told_as_the_polygon_that_h3_draws(client, two_fleets):
    answer = client.get("/v1/cells")
    assert answer.headers["content-type"] == "application/geo+json"
    (feature,) = answer.json()["features"]
    (ring,) = feature["geometry"]["coordinates"]
    assert ring[0] == ring[-1]
    assert [tuple(place) for place in ring[:-1]] == [(lon, lat) for lat, lon in h3.cell_to_boundary("892a100d2c3ffff")]
    assert feature["properties"] == {"fleet_id": "north", "cell": "892a100d2c3ffff", "speed_mps": 7.25, "fixes": 31}
    assert answer.json()["type"] == "FeatureCollection"


def test_cells_are_those_of_the_fleet_that_was_asked_for(client, two_fleets):
    two_fleets.redis.set(fleet_key("cells", "south"), msgspec.json.encode(CellsView(1, {"892a1008947ffff": (3.0, 9)})))
    found = client.get("/v1/cells", params={"fleet_id": "south"}).json()["features"]
    assert [feature["id"] for feature in found] == ["892a1008947ffff"]
