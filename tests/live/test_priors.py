"""Model files in a live system: what the settings name, and what the API says and does about models."""

from eta_models.model import EtaModel, ModelPolicy
from eta_models.model_file import pack
from stream.codec import decode
from stream.fleet import FleetState
from stream.live.describe import models_view
from stream.live.priors import Priors
from stream.live.settings import LiveSettings
from stream.model_messages import ModelPut


class FakeRedis:
    """Keeps what was appended."""

    def __init__(self):
        self.lines = []

    def hget(self, _key, _name):
        return None

    def eval(self, _script, count, *args):
        self.lines += [part for part in args[count:] if isinstance(part, bytes) and part.startswith(b'{"type"')]


def a_fleet():
    state = FleetState("depot", EtaModel(ModelPolicy()))
    state.now_us = 1_760_000_000_000_000
    return state


def priors(folder, **settings):
    return Priors(FakeRedis(), LiveSettings(state_dir=folder, **settings))


def test_a_fleet_that_has_learned_nothing_is_offered_what_the_settings_name_once(tmp_path):
    file = tmp_path / "x.model"
    file.write_bytes(pack(EtaModel(ModelPolicy()), "other", 0, {}, general=True))
    offering, state = priors(tmp_path, prior=file), a_fleet()
    offering.offer(state)
    offering.offer(state)
    told = [decode(line) for payload in offering.redis.lines for line in payload.split(b"\n")]
    assert [type(message) for message in told].count(ModelPut) == 1


def test_a_fleet_that_has_learned_is_left_alone(tmp_path):
    file = tmp_path / "x.model"
    file.write_bytes(pack(EtaModel(ModelPolicy()), "other", 0, {}, general=True))
    offering, state = priors(tmp_path, priors={"depot": file}), a_fleet()
    state.model.correction.asked[0] = 1
    offering.offer(state)
    assert offering.redis.lines == []


def test_a_file_that_cannot_be_used_stops_nobody(tmp_path):
    offering = priors(tmp_path, prior=tmp_path / "none.model")
    offering.offer(a_fleet())
    assert offering.redis.lines == []


def test_without_a_challenger_the_present_shows_one_model():
    view = models_view(a_fleet())
    assert (view.champion.name, view.champion.questions, view.champion.mae_s, view.challenger) == ("first", 0, None, None)
