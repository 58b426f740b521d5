"""Every figure of a made day, with its unit and its reason. Frozen: later figures are measured on seeds that are not given.

A figure may only change together with `Parameters.version`; a test holds the digest of version 1. Times of day are local hours.
Ranges are (low, high), drawn uniformly. "lognormal sigma" is the sigma of the logarithm; the median of such a factor is 1.
"""

from dataclasses import dataclass, field
from typing import TypeVar

Value = TypeVar("Value")
Range = tuple[float, float]


def figure(value: Value, unit: str, why: str) -> Value:
    """A frozen default that carries its unit and its reason, for the docs and for the reader."""
    made: Value = field(default=value, metadata={"unit": unit, "why": why})
    return made


@dataclass(frozen=True)
class Region:
    """Where an invented city may lie: its IANA time zone and a box of degrees without regard to what really stands there."""

    time_zone: str
    lat_deg: Range
    lon_deg: Range


REGIONS = (
    Region("America/Halifax", (44.8, 46.4), (-66.0, -64.0)),
    Region("America/Chicago", (37.0, 43.5), (-93.0, -89.5)),
    Region("America/Denver", (36.5, 43.5), (-107.5, -104.0)),
    Region("America/Bogota", (3.5, 6.5), (-75.0, -73.0)),
    Region("America/Santiago", (-38.0, -34.0), (-72.0, -71.2)),
    Region("Europe/Dublin", (52.2, 54.0), (-9.0, -7.2)),
    Region("Europe/Warsaw", (50.5, 53.5), (17.0, 22.0)),
    Region("Europe/Helsinki", (61.0, 64.0), (23.0, 28.0)),
    Region("Africa/Nairobi", (-1.0, 1.0), (35.5, 37.5)),
    Region("Africa/Johannesburg", (-29.0, -26.5), (24.0, 29.0)),
    Region("Asia/Kolkata", (18.0, 24.0), (75.0, 80.0)),
    Region("Asia/Tokyo", (36.2, 38.8), (138.8, 140.3)),
    Region("Australia/Sydney", (-35.0, -31.0), (147.0, 150.0)),
    Region("Pacific/Auckland", (-40.0, -38.2), (175.2, 176.4)),
)
"""Both hemispheres, 64 N to the equator, a half-hour zone, and days that cross midnight UTC."""


@dataclass(frozen=True)
class CityParameters:
    """The streets: a bent, rotated grid with arterials, a ring, slow lanes and a river with few bridges."""

    lines: int = figure(33, "lines a side", "about 14 km across; all shortest paths in half a second")
    spacing_m: Range = figure((300.0, 560.0), "m", "streets that a van uses, not every alley")
    bend_m: float = figure(260.0, "m", "amplitude of the bends: no street is quite straight")
    arterial_every: int = figure(4, "lines", "an arterial about every 1.7 km")
    ring_line: int = figure(4, "line from the edge", "the ring lies inside the outskirts")
    lane_share: float = figure(0.10, "share of streets", "narrow, calmed or half closed streets")
    bridge_share: float = figure(0.5, "share of arterials over the river", "few bridges, so that detours differ")
    river_bend: float = figure(3.0, "lines", "the river winds by this much to either side")
    speeds_mps: tuple[float, float, float, float] = figure((7.0, 11.0, 20.0, 3.5), "m/s", "free flow: street, arterial, ring, lane")
    junction_s: float = figure(4.0, "s", "slowing at each junction, counted by planner and driver alike")
    neighbourhoods: int = figure(34, "a city", "customers live in clusters, not evenly")
    neighbourhood_sigma: float = figure(1.1, "lines", "spread of one neighbourhood")
    depot_fence_m: float = figure(240.0, "m", "side of the depot's fence")
    zone_fences: int = figure(6, "a city", "neighbourhoods that get a fence")
    zone_fence_m: float = figure(650.0, "m", "its radius")
    zones_a_side: int = figure(5, "a side", "areas that share a traffic factor, about 3 km wide")


@dataclass(frozen=True)
class PlanParameters:
    """What the planner publishes: stops, order, planned times, windows. The planner does not know the time of day."""

    stops: tuple[int, int] = figure((28, 56), "customer stops", "a full day's route; break and hub are added, at most 60 rows")
    wave_stops: tuple[int, int] = figure((20, 28), "customer stops", "each of two routes, one after the other")
    two_wave_share: float = figure(0.22, "share of vehicles", "vans that come back to reload")
    departs_early_h: Range = figure((6.4, 8.4), "h", "most vans leave for the morning")
    departs_late_h: Range = figure((9.3, 10.8), "h", "the late shift")
    late_shift_share: float = figure(0.22, "share of one-route vehicles", "collections and evening windows")
    territory: tuple[int, int] = figure((3, 5), "neighbourhoods", "a route serves a few neighbourhoods next to each other")
    place_shares: tuple[float, float, float] = figure((0.50, 0.28, 0.22), "share", "house, apartment, business")
    pickup_share: float = figure(0.10, "share of stops", "returns and collections")
    same_building_share: float = figure(0.05, "share of stops", "second customer in the building of another stop")
    same_building_m: float = figure(6.0, "m", "how far apart two geocodes of one building lie, at most")
    twice_share: float = figure(0.25, "share of routes", "a business served early and collected from later: one stop_id twice")
    twice_apart: int = figure(8, "stops", "at least so many stops between the two visits")
    travel_factor: float = figure(1.3, "", "planner's allowance over free flow, the same at every hour and place")
    travel_fixed_s: float = figure(70.0, "s a leg", "starting, parking and lights as the planner sees them")
    service_s: tuple[float, float, float] = figure((150.0, 240.0, 390.0), "s", "planned for house, apartment, business")
    hub_service_s: float = figure(600.0, "s", "unloading at the end")
    reload_s: float = figure(1800.0, "s", "planned between two routes of a van")
    published_before_s: Range = figure((1800.0, 5400.0), "s", "a plan is known this long before departure")
    windowed_share: float = figure(0.60, "share of customer stops", "stops with a promised window of two ends")
    window_h: tuple[float, ...] = figure((1.0, 1.5, 2.0, 3.0, 4.0), "h", "what shops promise")
    window_weights: tuple[float, ...] = figure((0.10, 0.15, 0.40, 0.20, 0.15), "share", "two hours is the commonest promise")
    window_before: Range = figure((-0.04, 0.72), "share of the window", "part of it before the planned arrival; below 0 the plan waits")
    window_round_s: float = figure(900.0, "s", "windows start and end on the quarter hour")
    open_end_share: float = figure(0.55, "share of the others", "only a latest time, the rest has no time at all")
    open_slack_h: Range = figure((1.0, 3.0), "h", "latest time after the planned arrival")
    soft_share: float = figure(0.35, "share of windows", "served early if the van is early; the others are waited for")
    priority_shares: tuple[float, ...] = figure((0.70, 0.15, 0.10, 0.05), "share", "priorities 0 to 3")
    break_row_share: float = figure(0.7, "share of long routes", "lunch is a row of the plan; else it is only taken")
    break_after_h: float = figure(4.0, "h", "routes longer than this have a lunch")
    break_s: float = figure(1800.0, "s", "planned lunch")
    break_from_h: float = figure(2.5, "h", "no lunch earlier than this after departure; else it is planned at noon")
    home_demand: tuple[int, int] = figure((1, 4), "parcels", "to a house or an apartment")
    business_demand: tuple[int, int] = figure((2, 12), "parcels", "to a business")
    capacity_factor: float = figure(1.2, "", "a van holds at least this times its heaviest route")
    capacity_step: float = figure(20.0, "parcels", "vans come in sizes")
    skill_share: float = figure(0.3, "share of vehicles", "each skill: fridge, tail_lift, two_person")
    shift_before_s: Range = figure((1800.0, 2700.0), "s", "from the start of the shift to departure, before rounding")
    shift_after_s: Range = figure((1800.0, 4500.0), "s", "from the planned return to the end of the shift")
    radius_m: tuple[float, float, float] = figure((50.0, 60.0, 80.0), "m", "arrival radius of house, apartment, business")
    hub_radius_m: float = figure(120.0, "m", "arrival radius of the depot")
    depot_off_m: float = figure(25.0, "m", "the depot's gate beside the street")
    kerb_m: Range = figure((6.0, 18.0), "m", "door or geocode beside the street")


@dataclass(frozen=True)
class TrafficParameters:
    """How much slower than free flow it is, by hour and place, and what nobody foresaw."""

    peaks_h: tuple[float, float, float] = figure((8.0, 12.6, 17.0), "h", "morning, noon, evening; each city shifts them a little")
    peak_shift_h: float = figure(0.35, "h", "sigma of that shift")
    peak_widths_h: tuple[float, float, float] = figure((0.8, 1.2, 1.1), "h", "sigma of each bump")
    peak_heights: tuple[float, float, float] = figure((0.75, 0.22, 0.85), "", "extra travel time at the peak on a street of sensitivity 1")
    height_sigma: float = figure(0.2, "lognormal sigma", "cities differ in how bad their peaks are")
    class_sensitivity: tuple[float, float, float, float] = figure((0.7, 1.2, 1.0, 0.4), "", "street, arterial, ring, lane")
    base: float = figure(1.04, "", "off the peaks, over free flow")
    zone_sigma: float = figure(0.12, "lognormal sigma", "some areas are slow all day")
    zone_rush_sigma: float = figure(0.40, "lognormal sigma", "some areas suffer more from the rush, today")
    centre_extra: float = figure(0.35, "", "extra rush in the middle of the city, falling to none at its edge")
    jams: tuple[int, int] = figure((2, 3), "a day", "surprises: an accident, a burst main")
    jam_minutes: Range = figure((40.0, 90.0), "min", "how long one lasts")
    jam_radius_m: Range = figure((700.0, 1500.0), "m", "the area it slows")
    jam_factor: Range = figure((2.2, 4.5), "", "extra travel time inside it")
    jam_hours_h: Range = figure((8.0, 16.5), "h", "when one starts")


@dataclass(frozen=True)
class DriveParameters:
    """What really happens on the road and at the door."""

    driver_speed_sigma: float = figure(0.07, "lognormal sigma", "drivers differ")
    driver_service_sigma: float = figure(0.14, "lognormal sigma", "and more so at the door")
    leg_sigma: float = figure(0.13, "lognormal sigma", "one leg on one day")
    light_share: float = figure(0.30, "share of junctions", "a red light")
    light_s: Range = figure((4.0, 38.0), "s", "how long it holds")
    parking_m: float = figure(40.0, "m", "the last metres are crawled, looking for a place")
    parking_mps: float = figure(3.0, "m/s", "crawling speed")
    parking_off_m: float = figure(14.0, "m", "the van stands at most this far along the street from the door")
    unpark_s: Range = figure((8.0, 35.0), "s", "from the last press to the wheels turning")
    walk_s: Range = figure((10.0, 50.0), "s", "from standing to ringing")
    service_median: tuple[float, float, float] = figure((128.0, 210.0, 330.0), "s", "true median for house, apartment, business")
    service_sigma: tuple[float, float, float] = figure((0.45, 0.55, 0.60), "lognormal sigma", "a lift, a queue at the counter")
    demand_base: float = figure(0.85, "", "service time with nothing to carry, over the median")
    demand_each: float = figure(0.05, "", "more for each parcel")
    demand_most: int = figure(6, "parcels", "what a trolley holds costs no more")
    place_sigma: float = figure(0.18, "lognormal sigma", "neighbourhoods differ: stairs, concierges, parking")
    failed_share: float = figure(0.03, "share of customer stops", "2-4 % in the trade")
    failed_s: Range = figure((60.0, 200.0), "s", "an attempt that fails")
    departure_delay_s: float = figure(240.0, "s", "mean of the exponential delay in leaving the depot")
    departure_delay_max_s: float = figure(1800.0, "s", "later than this, dispatch helps to load")
    lunch_h: Range = figure((11.5, 13.4), "h", "an unplanned lunch is taken after the stop served then")
    lunch_s: Range = figure((1080.0, 2220.0), "s", "how long a lunch is, planned or not")
    pause_share: float = figure(0.35, "share of routes", "a short break, not in the plan")
    pause_s: Range = figure((420.0, 960.0), "s", "its length")
    reload_s: Range = figure((1200.0, 2400.0), "s", "true time between two routes")
    unload_s: Range = figure((240.0, 480.0), "s", "true time at the depot in the end")
    breakdown_every: int = figure(25, "vehicles", "one in each block of so many vehicles of the day")
    breakdown_first: int = figure(8, "vehicles", "the first block's is among its first 8: any larger day has one")
    breakdown_at: Range = figure((0.25, 0.70), "share of the stops", "how far the route has come")
    down_reported_s: Range = figure((150.0, 780.0), "s", "until the driver has told dispatch")
    down_stays_s: Range = figure((3600.0, 9000.0), "s", "until the van is towed, its device off and its route closed")


@dataclass(frozen=True)
class GpsParameters:
    """What the device in the van makes of the true path, and when it is received."""

    interval_s: tuple[float, ...] = figure((5.0, 8.0, 10.0, 10.0, 10.0, 12.0, 15.0), "s", "one of these a vehicle; 10 s is the commonest")
    jitter_s: float = figure(0.25, "s", "sigma of the fix time")
    sigma_m: Range = figure((4.0, 8.0), "m", "sigma a axis, one a vehicle (field.md, measured with 8 m)")
    tau_s: float = figure(30.0, "s", "errors last: AR(1) with this time constant")
    outlier_share: float = figure(0.005, "share of fixes", "multipath, cell tower positions")
    outlier_m: Range = figure((100.0, 400.0), "m", "how far off")
    outlier_honest_share: float = figure(0.5, "share of outliers", "the device says that it is unsure")
    accuracy_sigma: float = figure(0.25, "lognormal sigma", "reported accuracy around the vehicle's own sigma")
    speed_sigma_mps: float = figure(0.35, "m/s", "Doppler speed is good")
    heading_sigma_deg: float = figure(6.0, "deg", "and so is the course while moving")
    heading_from_mps: float = figure(0.8, "m/s", "slower than this, no heading is reported")
    gaps_an_hour: float = figure(0.14, "1/h", "about one gap a vehicle and day")
    gap_minutes: Range = figure((2.0, 15.0), "min", "tunnel, dead phone, no coverage")
    gap_buffered_share: float = figure(0.5, "share of gaps", "the fixes were kept and arrive in a burst; else they are lost")
    burst_s: Range = figure((0.02, 0.12), "s", "between two fixes of a burst")
    delay_s: Range = figure((0.5, 3.0), "s", "from fix to receipt")
    late_share: float = figure(0.015, "share of fixes", "received out of order")
    late_s: Range = figure((10.0, 200.0), "s", "that much later")
    repeated_share: float = figure(0.01, "share of fixes", "sent again, same fix, received once more")
    repeated_s: Range = figure((0.2, 30.0), "s", "that much after the first")
    on_before_s: Range = figure((300.0, 900.0), "s", "the device is on before departure")
    off_after_s: Range = figure((180.0, 900.0), "s", "and after the return")


@dataclass(frozen=True)
class StatusParameters:
    """What drivers press, and when it is received."""

    lag_s: Range = figure((0.0, 60.0), "s", "from press to receipt; the square of a uniform draw, so mostly short")
    press_s: Range = figure((0.0, 12.0), "s", "from the fact to the press")
    arrives_pressed_share: float = figure(0.5, "share of drivers", "who press arrived at all")
    arrived_share: float = figure(0.85, "share of their stops", "at which they do")
    late_press_share: float = figure(0.05, "share of completions", "pressed when already on the way")
    late_press_s: Range = figure((90.0, 720.0), "s", "that much later")
    forgotten_share: float = figure(0.01, "share of completions", "never pressed")


@dataclass(frozen=True)
class Parameters:
    """All figures of a made day."""

    version: str = "1"
    city: CityParameters = CityParameters()
    plan: PlanParameters = PlanParameters()
    traffic: TrafficParameters = TrafficParameters()
    drive: DriveParameters = DriveParameters()
    gps: GpsParameters = GpsParameters()
    status: StatusParameters = StatusParameters()


FROZEN = Parameters()
"""Version 1."""
