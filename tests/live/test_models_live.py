"""Models through the whole engine: what one fleet learned begins another, a second model is tried beside it, and takes over."""

from hashlib import sha256

import msgspec

from eta_models.model_file import learned, pack
from stream.checkpoints import Checkpoints
from stream.codec import decode
from stream.live.keys import fleet_key
from stream.live.views import ModelsView
from stream.model_messages import ChallengerPut, ModelPromoted
from stream.model_parts import messages_of
from stream.settings import FleetSettings


def runs(road, numbers):
    """Routes of five planned stops up the road, one after the other, with their ticks."""
    lines = []
    for number in numbers:
        first, route = 1_000 * number, {"route_id": f"r{number}", "vehicle_id": "v1"}
        stops = [road.stop(n, visit_id=f"r{number}-{n}", planned_arrival=road.at(first + 110 * n)) for n in range(1, 6)]
        drive, ticks = road.drive(first + 1, first + 601, 0, 6_000), road.ticks(first + 10, first + 640)
        lines += road.log(road.plan(stops, first, **route), road.go(first, **route), drive, ticks)
    return lines


def test_a_prior_a_challenger_and_a_promotion_go_through_the_engine_and_its_restarts(run, logs, road, client, settings):
    logs.append("port", runs(road, range(3)))
    run().to_end()
    port = Checkpoints(settings.state_dir / "checkpoints").read("port", FleetSettings().model)
    raw = pack(port.model, "port", port.now_us, {}, general=False)
    prior = [(6_000.0, decode(line)) for line in messages_of("depot", raw, road.us(6_000))]
    bold = road.say(ChallengerPut, 7_700, model_ref="bold", settings={"learning_rate": 0.1})
    logs.append("depot", [*prior, *runs(road, [7]), bold, *runs(road, [8])])
    run().to_end()
    logs.append("depot", [road.say(ModelPromoted, 8_700, model_ref="bold"), *runs(road, [9])])
    run().to_end()
    assert logs.are_whole("depot")
    told = [msgspec.json.decode(payload) for _, payload in logs.events("depot")]
    changes = [event["data"]["change"] for event in told if "model_changed" in event["type"]]
    assert changes == ["model_put", "challenger_put", "model_promoted"]
    view = msgspec.json.decode(client.hget(fleet_key("models", "depot"), "models"), type=ModelsView)
    assert (view.champion.name, view.challenger.name) == ("bold", f"prior-{sha256(raw).hexdigest()[:8]}")
    assert view.challenger.questions == view.champion.questions > learned(port.model) > 0  # one began as a copy of the other
    assert min(view.champion.mae_s, view.challenger.mae_s, view.champion.p50_mae_s, view.champion.plain_mae_s) > 0
