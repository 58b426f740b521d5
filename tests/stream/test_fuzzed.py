"""Small runs of what `benchmarks/reliability` does with inputs: none crashes the engine, none vanishes, no model turns NaN."""

import importlib.util
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from stream.codec import Rejected, decode
from stream.flow import Fleets
from stream.intake import Entry, read_entries
from stream.judge import judge
from stream.reasons import Reason
from stream.settings import FleetSettings

PATH = Path(__file__).resolve().parent.parent.parent / "benchmarks" / "reliability" / "fuzzed.py"
SPEC = importlib.util.spec_from_file_location("fuzzed", PATH)
fuzzed = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(fuzzed)

SETTINGS = FleetSettings()


def play(drawn, sizes):
    """Every fleet's state and all that was given, the inputs cut into batches of these sizes in turn."""
    made, states, given = Fleets(lambda _: SETTINGS), {}, []
    edges = [0]
    while edges[-1] < len(drawn):
        edges.append(min(edges[-1] + sizes[len(edges) % len(sizes)], len(drawn)))
    for start, end in pairwise(edges):
        entries = [Entry(start + i, at_us, raw) for i, (_, at_us, raw) in enumerate(drawn[start:end])]
        for batch in read_entries(SETTINGS.judge, entries):
            state = states.get(batch.fleet_id) or states.setdefault(batch.fleet_id, made.open(batch.fleet_id))
            given.append(made.step(state, batch))
    given += [made.end(state) for state in states.values()]
    return states, [part for part in given if part is not None]


@pytest.mark.parametrize("seed", range(3))
def test_every_fuzzed_input_is_accepted_or_refused_once_in_any_batches(seed):
    fuzz = fuzzed.Fuzz(seed)
    drawn = [fuzz.one() for _ in range(2_000)]
    states, given = play(drawn, (1, 7, 100, 500))
    assert sum(state.received for state in states.values()) == len(drawn)
    refused = [refusal for part in given for refusal in part.refusals]
    assert len({refusal.position for refusal in refused}) == len(refused) == sum(sum(s.refused.values()) for s in states.values())
    assert Reason.INTERNAL not in {refusal.reason for refusal in refused}
    assert len({refusal.reason for refusal in refused}) > 15
    assert 0.1 < 1 - len(refused) / len(drawn) < 0.9
    again, _ = play(drawn, (400, 3))
    assert {name: (state.received, state.refused) for name, state in again.items()} == {
        name: (state.received, state.refused) for name, state in states.items()
    }
    for rows in (part.estimates for part in given):
        assert (rows["made_us"] <= rows["p10_us"]).all()
        assert (rows["p90_us"] <= rows["made_us"] + 366 * 86_400_000_000).all()
        assert not ((rows["p_late"] < 0) | (rows["p_late"] > 1) | np.isinf(rows["p_late"])).any()


def test_what_the_generator_calls_valid_passes_the_judge():
    fuzz = fuzzed.Fuzz(7, valid=1.0)
    verdicts = [(decode(raw), at_us) for _, at_us, raw in (fuzz.one() for _ in range(2_000))]
    assert not [said for said, _ in verdicts if isinstance(said, Rejected)]
    assert not [(said, reason) for said, at_us in verdicts if (reason := judge(SETTINGS.judge, said, at_us)) is not None]
    assert len({type(said) for said, _ in verdicts}) == len(fuzzed.TYPES)
