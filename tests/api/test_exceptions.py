"""Exceptions, the newest first, page by page, whatever opens and closes meanwhile."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def test_open_exceptions_are_told_with_who_has_seen_them_and_the_newest_event(client, two_fleets):
    (found,) = client.get("/v1/exceptions").json()["items"]
    assert (found["exception_id"], found["kind"], found["status"]) == ("north:late_risk:v3", "late_risk", "open")
    assert (found["opened_at"], found["resolved_at"]) == ("2026-05-28T20:26:00Z", None)
    assert (found["acknowledged_by"], found["acknowledged_at"]) == ("ada", "2026-05-28T20:26:00Z")
    assert found["event"]["data"]["visit_id"] == "v3"


@pytest.mark.parametrize(("status", "visits"), [("open", ["v3"]), ("closed", ["v1"]), ("all", ["v3", "v1"])])
def test_open_ones_closed_ones_or_all_are_listed(client, two_fleets, status, visits):
    found = client.get("/v1/exceptions", params={"status": status}).json()["items"]
    assert [item["event"]["data"]["visit_id"] for item in found] == visits


def test_one_exception_is_found_by_its_id_open_or_closed(client, two_fleets):
    assert client.get("/v1/exceptions/north:late_risk:v3").json()["status"] == "open"
    closed = client.get("/v1/exceptions/north:late_risk:v1").json()
    assert (closed["status"], closed["resolved_at"], closed["acknowledged_by"]) == ("closed", "2026-05-28T20:18:00Z", None)


@pytest.mark.parametrize(
    "name", ["north:late_risk:v9", "x", "%00", "north:late_risk:v3%0a", "a" * 500, "north:late_risk:v3?fleet_id=south"]
)
def test_an_exception_that_is_not_there_is_not_found(client, two_fleets, name):
    assert client.get(f"/v1/exceptions/{name}").status_code == 404


def pages(client, **params):
    found, cursor = [], None
    while True:
        page = client.get("/v1/exceptions", params={**params, **({"cursor": cursor} if cursor else {})}).json()
        found.append([item["exception_id"] for item in page["items"]])
        cursor = page["next_cursor"]
        if cursor is None:
            return found


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from(["late_risk", "stalled"]), st.sampled_from(["open", "closed"]), st.integers(1, 4)),
        max_size=25,
    ),
    limit=st.integers(1, 6),
    kind=st.sampled_from([None, "late_risk"]),
)
def test_pages_together_are_everything_once_and_newest_first_however_many_share_a_moment(client, present, rows, limit, kind):
    present.redis.delete(*(f"fc1:{kept}:{fleet}" for kept in ("open", "closed", "exceptions") for fleet in "ab"))
    for fleet_id in "ab":
        present.put_fleet(fleet_id)
    expected = []
    for number, (fleet_id, its_kind, status, minute) in enumerate(rows):
        made = present.put_exception(fleet_id, f"v{number}", present.noon_us + minute * present.minute_us, status, kind=its_kind)
        if kind in (None, its_kind):
            expected.append((minute, made))
    found = pages(client, status="all", limit=limit, **({"kind": kind} if kind else {}))
    assert [one for page in found for one in page] == [made for _, made in sorted(expected, reverse=True)]
    assert all(len(page) == limit for page in found[:-1])


def test_an_exception_that_resolves_between_two_pages_neither_repeats_nor_hides_another(client, present):
    present.put_fleet("a")
    made = [present.put_exception("a", f"v{number}", present.noon_us - number) for number in range(4)]
    first = client.get("/v1/exceptions", params={"limit": 2}).json()
    present.redis.zrem("fc1:open:a", made[1])
    second = client.get("/v1/exceptions", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [item["exception_id"] for item in second["items"]] == made[2:]
    assert second["next_cursor"] is None
