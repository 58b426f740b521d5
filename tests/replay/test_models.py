"""Days that begin with what another day learned, and with a second model beside: the commands, and the same from every engine."""

import pytest
from typer.testing import CliRunner

from eta_models.model import EtaModel, ModelPolicy
from replay.__main__ import app
from replay.day_errors import BadDay
from replay.make_day.day import make_day
from replay.models import export_model, show_model
from replay.score import ScoreOptions, score_folder
from replay.start import read_start
from stream.checkpoint import dump
from stream.fleet import FleetState


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "day"
    make_day(folder, seed=5, fleets=2, vehicles=2)
    return folder


@pytest.fixture(scope="module")
def scored(day, tmp_path_factory):
    """The day with both fleets leaving what they learned."""
    models = tmp_path_factory.mktemp("left")
    return score_folder(day, None, ScoreOptions("loop", models=models)), models / "f01.model"


def test_a_day_begins_with_what_another_learned_and_leaves_the_same_from_two_processes(day, scored, tmp_path):
    cold, file = scored
    start = read_start(file, None, ["learning_rate=0.2"])
    one = score_folder(day, tmp_path / "one", ScoreOptions("loop", start=start))
    two = score_folder(day, None, ScoreOptions("bytewax", 2, start=start))
    assert one.digest == two.digest != cold.digest
    assert one.scorecard.truth.challenger.eta.answered > 0
    assert (tmp_path / "one" / "challenger.parquet").exists()
    assert cold.scorecard.truth.challenger is None


def test_a_challenger_changes_no_answer_of_the_engine(day, scored):
    beside = score_folder(day, None, ScoreOptions("loop", start=read_start(None, scored[1], [])))
    assert beside.scorecard.truth.eta == scored[0].scorecard.truth.eta
    assert beside.scorecard.truth.challenger.eta.mae_s != beside.scorecard.truth.eta.mae_s


def test_a_model_is_taken_out_of_a_checkpoint_and_made_general(scored, tmp_path):
    checkpoint, file, general = tmp_path / "f.checkpoint", tmp_path / "f.model", tmp_path / "g.model"
    checkpoint.write_bytes(dump(FleetState("f", EtaModel(ModelPolicy()))))
    assert "fleet f, 0 questions" in export_model(checkpoint, file, general=False)
    assert "the general part" in export_model(scored[1], general, general=True)
    assert "of fleet f01" in show_model(general)


def test_what_is_no_model_is_refused_in_a_sentence(tmp_path):
    file = tmp_path / "x.model"
    file.write_bytes(b"nothing")
    told = CliRunner().invoke(app, ["models", "show", str(file)])
    assert told.exit_code == 2
    with pytest.raises(BadDay, match="no model of Fleetcast"):
        read_start(file, None, [])


@pytest.mark.parametrize("text", ["learning_rate", "learning_rate=x", "learning_rate=9", "colour=1"])
def test_a_setting_that_is_none_is_refused(text):
    with pytest.raises(BadDay):
        read_start(None, None, [text])
