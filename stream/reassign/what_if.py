"""What if? Tried on a copy of the fleet: arrivals and lateness of everybody it touches, before and after."""

from stream.fleet import FleetState
from stream.question_messages import WhatIfAsked
from stream.reassign.answers import Answer
from stream.reassign.fork import again
from stream.reassign.outlook import Expected, expect, weighted_s
from stream.reassign.policy import ReassignPolicy
from stream.reassign.price import outlook_of
from stream.reassign.publishing import to_publish
from stream.reassign.suppose import suppose
from stream.reassign.takers import open_visits


def what_if(tried: FleetState, policy: ReassignPolicy, asked: WhatIfAsked) -> Answer:
    """The answer to a question, on a copy of the fleet that is used up by it."""
    changed, touched, left_out = again(tried), dict[int, None](), list[str]()
    for one in asked.changes:
        rows = suppose(changed, policy, one)
        if isinstance(rows, str):
            left_out.append(f"{one.change}: {rows}")
        else:
            touched.update(dict.fromkeys(rows))
    before, after = expect(tried, policy, list(touched)), expect(changed, policy, list(touched))
    late_from = policy.late_from
    was, will = ({name for name, each in table.items() if (each.p_late or 0.0) >= late_from} for table in (before, after))
    return Answer(
        question_id=asked.question_id,
        asked_for=tried.position,
        late_before_s=round(weighted_s(tried, before)),
        late_after_s=round(weighted_s(changed, after)),
        drive_added_s=round(sum(_driven_s(changed, row, after) - _driven_s(tried, row, before) for row in touched)),
        late_visit_ids=[name for name in after if name in will - was],
        saved_visit_ids=[name for name in after if name in was - will],
        visits=[outlook_of(tried, name, before.get(name), each, {}, set()) for name, each in after.items()],
        not_possible=left_out,
        publish=to_publish(tried, changed, list(touched)),
    )


def _driven_s(tried: FleetState, vehicle: int, expected: dict[str, Expected]) -> float:
    ahead = open_visits(tried, vehicle)
    return expected[tried.names[ahead[-1]].visit_id].drive_s if ahead else 0.0
