"""Habits of a fleet: two counts of what was seen, the newest weighing more, and whether one of them is the rule."""


def is_habit(yes: int, no: int, least: int, share: float) -> bool:
    """Whether something was seen often enough, and nearly always."""
    return yes >= max(least, share * (yes + no))


def seen_once_more(yes: int, no: int, was: bool, memory: int) -> tuple[int, int]:
    """Both counts with one more in one of them; at twice `memory` they are halved."""
    yes, no = yes + was, no + (not was)
    return (yes // 2, no // 2) if yes + no >= 2 * memory else (yes, no)
