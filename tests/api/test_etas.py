"""When somebody will be there: of a visit, of an order, of many orders in few round trips."""

import pytest

from stream.live.keys import fleet_key

MISSING = -(2**62)


def test_an_eta_is_a_distribution_in_utc_and_in_local_time(client, two_fleets):
    eta = client.get("/v1/visits/v2/eta").json()
    assert eta["eta"] == {"p10": "2026-05-28T20:32:00Z", "p50": "2026-05-28T20:37:00Z", "p90": "2026-05-28T20:42:00Z"}
    assert eta["local"]["p50"] == "2026-05-28T22:37:00+02:00"
    assert eta["local"]["window_end"] == "2026-05-28T23:27:00+02:00"
    assert (eta["state"], eta["why"], eta["p_late"], eta["stops_before"], eta["at_risk"]) == ("open", None, 0.25, 0, False)
    assert (eta["order_ref"], eta["customer_ref"], eta["stop_id"], eta["as_of"]) == ("o2", "c2", "stop-v2", "2026-05-28T20:27:00Z")
    assert eta["window"] == {"start": None, "end": "2026-05-28T21:27:00Z"}


def test_an_eta_says_what_it_is_made_of_and_what_moved_it(client, present):
    present.put_fleet("north")
    parts = {"by_drive_s": 420, "by_service_s": 120, "by_wait_s": 0, "by_break_s": 60, "moved_drive_s": -10, "moved_service_s": 90}
    present.put_route("north", "r1", "van-1", (present.visit("v1"), present.estimated(10, **parts)))
    eta = client.get("/v1/visits/v1/eta").json()
    assert eta["terms"] == {"made_at": "2026-05-28T20:27:00Z", "drive_s": 420, "service_s": 120, "wait_s": 0, "break_s": 60}
    assert eta["moved"] == {"drive_s": -10, "service_s": 90, "wait_s": 0, "break_s": 0, "most": "service"}
    (visit,) = client.get("/v1/routes/r1").json()["visits"]
    assert (visit["eta"]["terms"], visit["eta"]["moved"]) == (eta["terms"], eta["moved"])


def test_an_eta_of_a_visit_that_was_reached_is_made_of_nothing(client, two_fleets):
    eta = client.get("/v1/visits/v1/eta").json()
    assert (eta["terms"], eta["moved"]) == (None, None)


@pytest.mark.parametrize(("age_s", "basis"), [(0, "live"), (120, "live"), (121, "no_recent_fix")])
def test_an_eta_says_whether_it_rests_on_a_recent_fix(client, two_fleets, age_s, basis):
    fix = two_fleets.fix(at_us=two_fleets.noon_us - age_s * 1_000_000)
    two_fleets.redis.hset(fleet_key("fixes", "north"), "van-1", fix)
    assert client.get("/v1/visits/v2/eta").json()["basis"] == basis


def test_an_eta_of_a_vehicle_that_never_sent_a_fix_rests_on_none(client, two_fleets):
    two_fleets.redis.hdel(fleet_key("fixes", "north"), "van-1")
    assert client.get("/v1/visits/v2/eta").json()["basis"] == "no_recent_fix"


def test_a_visit_that_was_reached_has_no_estimate_and_says_when_it_was(client, two_fleets):
    eta = client.get("/v1/visits/v1/eta").json()
    assert (eta["state"], eta["eta"], eta["why"], eta["p_late"], eta["basis"]) == ("departed", None, "departed", None, None)
    assert (eta["arrived_at"], eta["local"]["arrived_at"]) == ("2026-05-28T20:26:00Z", "2026-05-28T22:26:00+02:00")
    assert eta["local"]["p50"] is None


@pytest.mark.parametrize(
    ("route", "why"),
    [({}, "not_estimated_yet"), ({"started": False}, "route_not_started"), ({"ended_us": 1_780_000_000_000_000}, "route_ended")],
)
def test_an_open_visit_without_an_estimate_says_why(client, present, route, why):
    present.put_fleet("north")
    present.put_route("north", "r1", "van-1", (present.visit("v1"), present.row()), **route)
    eta = client.get("/v1/visits/v1/eta").json()
    assert (eta["state"], eta["eta"], eta["why"]) == ("open", None, why)


@pytest.mark.parametrize("state", range(8))
def test_every_state_of_a_visit_has_its_word(client, present, state):
    present.put_fleet("north")
    present.put_route("north", "r1", "van-1", (present.visit("v1"), present.estimated(5, state=state)))
    eta = client.get("/v1/visits/v1/eta").json()
    assert eta["state"] == ["open", "arrived", "departed", "completed", "failed", "skipped", "cancelled", "moved"][state]
    assert (eta["eta"] is None) == (state != 0)


def test_a_visit_that_was_moved_away_and_came_back_is_where_it_is_now(client, present):
    present.put_fleet("north")
    present.put_route("north", "r1", "van-1", (present.visit("v1"), present.row(state=7)), (present.visit("v1"), present.estimated(5)))
    assert client.get("/v1/visits/v1/eta").json()["state"] == "open"


def test_only_open_visits_before_it_count_as_stops_before(client, present):
    present.put_fleet("north")
    rows = [present.row(state=state) for state in (3, 0, 6, 0)]
    visits = [(present.visit(f"v{place}"), row) for place, row in enumerate([*rows, present.estimated(9)])]
    present.put_route("north", "r1", "van-1", *visits)
    assert client.get("/v1/visits/v4/eta").json()["stops_before"] == 2


def test_an_order_is_all_the_visits_that_carry_it(client, two_fleets):
    order = client.get("/v1/orders/o2/eta").json()
    assert (order["fleet_id"], order["order_ref"]) == ("north", "o2")
    assert [visit["visit_id"] for visit in order["visits"]] == ["v2", "v3"]


def test_an_order_whose_name_is_the_beginning_of_another_is_not_that_other(client, present):
    present.put_fleet("north")
    visits = [(present.visit(f"v{place}", order_ref=ref), present.row()) for place, ref in enumerate(["o", "o1", "o-1", "p"])]
    present.put_route("north", "r1", "van-1", *visits)
    assert [visit["visit_id"] for visit in client.get("/v1/orders/o/eta").json()["visits"]] == ["v0"]


def test_an_order_that_two_fleets_have_is_answered_by_naming_them(client, two_fleets):
    refused = client.get("/v1/orders/o1/eta")
    assert (refused.status_code, refused.json()["fleets"]) == (409, ["north", "south"])
    assert client.get("/v1/orders/o1/eta", params={"fleet_id": "south"}).json()["visits"][0]["why"] == "route_not_started"


def test_many_orders_are_answered_one_by_one_in_the_order_of_asking(client, two_fleets):
    results = client.post("/v1/orders/etas", json={"refs": ["o2", "ghost", "o1", "o2", "not an id\0"]}).json()["results"]
    assert [(result["order_ref"], result["status"]) for result in results] == [
        ("o2", 200), ("ghost", 404), ("o1", 409), ("o2", 200), ("not an id\0", 404),
    ]  # fmt: skip
    assert results[0]["order"] == client.get("/v1/orders/o2/eta").json()
    assert [result["order"] is None for result in results] == [False, True, True, False, True]


def test_asking_for_500_orders_takes_no_more_round_trips_than_asking_for_one(client, present):
    present.put_fleet("north")
    visits = [(present.visit(f"v{number}", order_ref=f"o{number}"), present.estimated(number)) for number in range(500)]
    for first in range(0, 500, 50):
        present.put_route("north", f"r{first}", f"van-{first}", *visits[first : first + 50])
    reads = []
    for count in (1, 500):
        before = present.redis.info("stats")["total_reads_processed"]
        answer = client.post("/v1/orders/etas", json={"refs": [f"o{number}" for number in range(count)], "fleet_id": "north"})
        reads.append(present.redis.info("stats")["total_reads_processed"] - before)
        assert [len(result["order"]["visits"]) for result in answer.json()["results"]] == [1] * count
    # A long pipeline arrives in several pieces of 16 kB; 500 questions one by one would be thousands.
    assert reads[1] < reads[0] + 20


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"{", 400), (b"\xff\xfe", 400), (b'{"refs":["\xff"]}', 400), (b'{"refs":["\\ud800"]}', 400),
        (b"[]", 422), (b"{}", 422), (b'{"refs":[1]}', 422), (b'{"refs":null}', 422), (b'{"refs":[],"fleet_id":"a b"}', 422),
        (b'{"refs":[],"more":1}', 422), (b'{"refs":[' + b",".join([b'"o"'] * 501) + b"]}", 422), (b'{"refs":[],"fleet_id":"ghost"}', 404),
        (b'{"refs":[]}', 200), (b"[" * 100_000, 422),
    ],
)  # fmt: skip
def test_a_list_of_orders_that_is_none_is_refused(client, two_fleets, body, status):
    answer = client.post("/v1/orders/etas", content=body)
    assert answer.status_code == status, answer.text


def test_more_orders_times_fleets_than_can_be_looked_for_are_refused(client, present):
    for number in range(50):
        present.put_fleet(f"f{number}")
    asked = {"refs": [f"o{number}" for number in range(500)]}
    assert client.post("/v1/orders/etas", json=asked).status_code == 422
    assert client.post("/v1/orders/etas", json={**asked, "fleet_id": "f1"}).status_code == 200
