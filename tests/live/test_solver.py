"""What is thought about next, while one question is being thought about."""

from concurrent.futures import Future

import pytest

from eta_models.model import EtaModel
from stream.fleet import FleetState, Question
from stream.live.solver import MOST_WAITING, Solver
from stream.question_messages import WhatIfAsked
from stream.reassign.policy import ReassignPolicy
from stream.settings import FleetSettings
from stream.troubles import Trouble


class Slow:
    """A thread that is never done by itself."""

    def __init__(self):
        self.given, self.last = [], Future()

    def submit(self, _, question):
        self.given.append(question)
        self.last = Future()
        return self.last


@pytest.fixture
def solver(settings):
    return Solver(None, settings, lambda _: ReassignPolicy(), thread=Slow())


def question(worst, fleet="depot", asked=None):
    tried = FleetState(fleet, EtaModel(FleetSettings().model))
    return Question(tried, [] if asked else [Trouble(f"{fleet}:late_risk:{worst}", "late_risk", 0, (), worst)], asked)


def taken(solver):
    """Which troubles are thought about, one after the other."""
    while not solver.thread.last.done():
        solver.thread.last.set_result(None)
        solver.take([])
    return [one.troubles[0].worst if one.troubles else one.asked.question_id for one in solver.thread.given]


def test_a_breakdown_is_not_forgotten_for_what_is_asked_after_it(solver):
    for worst in (1.0, 1e6, 2.0):
        solver.take([question(worst)])
    assert taken(solver) == [1.0, 1e6, 2.0]


def test_of_too_much_the_least_is_let_go(solver):
    solver.take([question(0.0)])
    for worst in range(1, MOST_WAITING + 3):
        solver.take([question(float(worst))])
    assert taken(solver) == [0.0, *(float(worst) for worst in range(MOST_WAITING + 2, 2, -1))]


def test_fleets_take_turns_and_whoever_waits_for_an_answer_goes_first(solver, road):
    solver.take([question(9.0)])
    solver.take([question(8.0), question(7.0), question(1.0, "other")])
    solver.take([question(0.0, asked=road.say(WhatIfAsked, 0, question_id="q1", changes=[])[1])])
    assert taken(solver) == [9.0, "q1", 8.0, 1.0, 7.0]
