"""A made delivery hour for benchmarks: vans on parallel streets, a stop every four minutes, a fix every few seconds with 5 m of noise."""

from collections.abc import Iterator

import numpy as np

from stream.codec import encode
from stream.messages import RoutePublished, RouteStarted
from stream.moments import instant
from stream.planned_stop import PlannedStop

DRIVE_S, STAY_S, SPEED_MPS = 150, 90, 8.0
LEG_M = DRIVE_S * SPEED_MPS
LON_DEG_A_M = 1 / 85_000.0  # at 40 degrees north


def plans(fleet_id: str, vehicles: int, stops: int, start_us: int) -> Iterator[bytes]:
    """A route for every vehicle, published and started."""
    for v in range(vehicles):
        at = instant(start_us)
        planned = [
            PlannedStop(
                stop_id=f"s{v}-{k}",
                lat=40.0 + 0.003 * v % 20,
                lon=10.0 + (k + 1) * LEG_M * LON_DEG_A_M,
                seq=k,
                service_s=STAY_S,
                planned_arrival=instant(start_us + 1_000_000 * ((k + 1) * (DRIVE_S + STAY_S) - STAY_S - phase(v))),
                window_end=instant(start_us + 1_000_000 * ((k + 1) * (DRIVE_S + STAY_S) + 600)),
                order_ref=f"o{v}-{k}",
            )
            for k in range(stops)
        ]
        yield encode(RoutePublished(fleet_id=fleet_id, at=at, route_id=f"r{v}", vehicle_id=f"v{v:05d}", stops=planned))
        yield encode(RouteStarted(fleet_id=fleet_id, at=at, route_id=f"r{v}", vehicle_id=f"v{v:05d}"))


def phase(v: int) -> int:
    """Seconds by which a vehicle is ahead of the first one, so that not all arrive at once."""
    return v * 37 % DRIVE_S


def fixes(fleet_id: str, vehicles: int, start_us: int, seconds: int, every_s: float, seed: int = 1) -> Iterator[tuple[int, list[bytes]]]:
    """For each second: when it was (us), and the pings of the vehicles whose turn it is."""
    random = np.random.default_rng(seed)
    v = np.arange(vehicles)
    ahead_s, lat = v * 37 % DRIVE_S, 40.0 + 0.003 * v % 20
    turn = (v % max(1, round(every_s))).astype(np.int64)
    for second in range(seconds):
        rows = np.flatnonzero(turn == second % max(1, round(every_s)))
        t = second + ahead_s[rows]
        done, into = np.divmod(t, DRIVE_S + STAY_S)
        driving = into < DRIVE_S
        lon = 10.0 + (done + np.minimum(into, DRIVE_S) / DRIVE_S) * LEG_M * LON_DEG_A_M + random.normal(0.0, 4e-5, len(rows))
        noisy = lat[rows] + random.normal(0.0, 4e-5, len(rows))
        at_ms = start_us // 1000 + second * 1000
        named = zip(rows.tolist(), noisy.tolist(), lon.tolist(), driving.tolist(), strict=True)
        yield (
            at_ms * 1000,
            [
                b'{"type":"ping","fleet_id":"%b","at":%d,"vehicle_id":"v%05d","lat":%.6f,"lon":%.6f,"speed_mps":%.1f}'
                % (fleet_id.encode(), at_ms, row, y, x, SPEED_MPS if moving else 0.0)
                for row, y, x, moving in named
            ],
        )
