"""When proposals are asked for: at working ticks, for the worst troubles that have no fresh ones. What was asked is part of the state."""

import msgspec

from stream.fleet import FleetState, Question
from stream.question_messages import CandidatesAsked, WhatIfAsked
from stream.reassign.candidates import candidates
from stream.reassign.fork import fork
from stream.reassign.policy import ReassignPolicy
from stream.reassign.roads import told_roads
from stream.reassign.solve import solve
from stream.reassign.trouble import troubles
from stream.reassign.what_if import what_if

MOST_ASKED = 16
"""Questions that wait at most: each holds a copy of the fleet."""

FORGET_US = 3_600_000_000
"""When something was asked is forgotten after an hour."""


def ask(policy: ReassignPolicy, state: FleetState, position: int) -> None:
    """Ask at a log position what could be done: solved at once where the state may wait for it, else left for somebody else to take."""
    if policy.solving == "off" or not (wanted := troubles(state, policy)):
        return
    state.asked = {name: at_us for name, at_us in state.asked.items() if state.now_us - at_us < FORGET_US}
    state.asked.update(dict.fromkeys([trouble.exception_id for trouble in wanted], state.now_us))
    question = Question(fork(state), wanted)
    question.tried.position = position  # the state's own lies where the stretch before ended, wherever that was cut
    if policy.solving == "aside":
        state.questions = [*(one for one in state.questions if one.asked is not None), question]
    else:
        state.answers += answers(policy, question)


def wonder(policy: ReassignPolicy, state: FleetState, position: int, asked: WhatIfAsked | CandidatesAsked) -> None:
    """Somebody asks what if, or who could take something; where nothing is solved aside nobody waits for an answer."""
    if policy.solving == "aside":
        question = Question(fork(state), [], asked)
        question.tried.position = position
        state.questions = [*state.questions[-MOST_ASKED + 1 :], question]


def replied(policy: ReassignPolicy, question: Question) -> bytes:
    """The answer to what somebody asked."""
    if isinstance(question.asked, CandidatesAsked):
        return msgspec.json.encode(candidates(question.tried, policy, question.asked))
    assert question.asked is not None
    return msgspec.json.encode(what_if(question.tried, policy, question.asked))


def answers(policy: ReassignPolicy, question: Question) -> list[bytes]:
    """The answers to a question, as messages of the fleet's log; nothing is said where nothing helps."""
    made = [message for trouble in question.troubles if (message := solve(question.tried, policy, trouble)).proposals]
    roads = told_roads(question.tried, made)
    return [msgspec.json.encode(message) for message in (*([] if roads is None else [roads]), *made)]
