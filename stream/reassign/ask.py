"""When proposals are asked for: at working ticks, for the worst troubles that have no fresh ones. What was asked is part of the state."""

import msgspec

from stream.fleet import FleetState, Question
from stream.reassign.fork import fork
from stream.reassign.policy import ReassignPolicy
from stream.reassign.solve import solve
from stream.reassign.trouble import troubles

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
        state.questions = [question]  # one that nobody has taken is older than what is asked now
    else:
        state.answers += answers(policy, question)


def answers(policy: ReassignPolicy, question: Question) -> list[bytes]:
    """The answers to a question, as messages of the fleet's log; nothing is said where nothing helps."""
    made = [solve(question.tried, policy, trouble) for trouble in question.troubles]
    return [msgspec.json.encode(message) for message in made if message.proposals]
