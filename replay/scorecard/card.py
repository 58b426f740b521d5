"""The scorecard of a replayed day: every figure, over everything that was asked."""

from dataclasses import asdict, dataclass

import numpy as np
import polars as pl

from replay.scorecard.answers import Answers, answer
from replay.scorecard.arrivals import ArrivalsFound, compare_arrivals
from replay.scorecard.baselines import crow_and_last_speed, crow_and_mean_speed, plan_and_deviation, running_mean
from replay.scorecard.components import Components, measure_components
from replay.scorecard.day import DayTables, Visits, list_fleets, list_visits
from replay.scorecard.eta_error import EtaError, Group, measure_early, measure_error
from replay.scorecard.events import find_events
from replay.scorecard.exceptions import KindFigures, LateRisk, count_kinds, judge_late_risk
from replay.scorecard.fences import FenceDwell, measure_dwell
from replay.scorecard.intervals import Intervals, measure_intervals
from replay.scorecard.lateness import Lateness, measure_lateness
from replay.scorecard.lead_times import LeadTime, measure_lead_times
from replay.scorecard.questions import HORIZON_S, Questions, ask, find_fixes
from replay.scorecard.reassignments import Reassignments, judge_reassignments
from replay.scorecard.yardsticks import Yardsticks, measure_yardsticks


@dataclass(frozen=True)
class Counts:
    """How much there was: rows of every table, and of the plan what has a planned time and a window."""

    pings: int
    routes: int
    visits: int
    visits_planned: int
    visits_with_window: int
    predictions: int
    events: int


@dataclass(frozen=True)
class LeftOut:
    """What no error could be measured on, or what the protocol leaves out: counted, so that nothing is censored in silence.

    Questions of the scored part: `early` ones before a route's first arrival (with their error), ones `beyond_hour` by truth, ones about
    stops `never_reached` at a trusted time.
    """

    early: int
    early_answered: Group
    beyond_hour: int
    never_reached: int


@dataclass(frozen=True)
class Answered:
    """How good the answers of a challenger were, to the same questions."""

    eta: EtaError
    intervals: Intervals
    p_late: Lateness
    lead_times: tuple[LeadTime, ...]


@dataclass(frozen=True)
class Truth:
    """Everything that only truth can tell: the engine's errors, the same of rules of thumb, and what was found and warned of."""

    eta: EtaError
    plan_and_deviation: EtaError
    crow_and_mean_speed: EtaError
    crow_and_last_speed: EtaError
    running_mean: EtaError
    yardsticks: Yardsticks
    plan_yardsticks: Yardsticks
    left_out: LeftOut
    intervals: Intervals
    p_late: Lateness
    lead_times: tuple[LeadTime, ...]
    arrivals: ArrivalsFound
    late_risk: LateRisk
    components: Components | None
    challenger: Answered | None


@dataclass(frozen=True)
class Scorecard:
    """The figures of one day; `truth` is None where no true arrivals were recorded."""

    counts: Counts
    truth: Truth | None
    fences: list[FenceDwell]
    exceptions: list[KindFigures]
    reassignments: Reassignments

    def figures(self) -> dict[str, object]:
        """The whole tree as plain dicts, lists, numbers and None, ready for JSON."""
        return asdict(self, dict_factory=lambda pairs: {name: list(value) if isinstance(value, tuple) else value for name, value in pairs})


def score_day(day: DayTables, predictions: pl.DataFrame, events: pl.DataFrame, challenger: pl.DataFrame | None = None) -> Scorecard:
    """Scores a day's predictions and events against its truth; without `day.arrivals` it only counts.

    `predictions`: `made_at, route_id, seq, p10, p50, p90` (UTC datetimes), `p_late` (0..1 or null). `events`: `type, occurred_at,
    route_id, seq` and, where known, `detected_at, exception_kind` and what `measure_dwell` takes. Both may carry `fleet_id`.
    `challenger`: predictions of a second model. Raises
    ScorecardError where a table lacks a column or its fleets cannot be told apart.
    """
    whole = measure_dwell(events), count_kinds(events), judge_reassignments(events)
    if day.routes is None or day.arrivals is None:
        plan = list_visits(day.routes, None) if day.routes is not None else None
        return Scorecard(count_rows(day, plan, predictions, events), None, *whole)
    visits = list_visits(day.routes, day.arrivals)
    truth = compare_with_truth(day, visits, (predictions, challenger), events, list_fleets(day.routes))
    return Scorecard(count_rows(day, visits, predictions, events), truth, *whole)


def compare_with_truth(
    day: DayTables, visits: Visits, made: tuple[pl.DataFrame, pl.DataFrame | None], events: pl.DataFrame, fleets: list[str]
) -> Truth:
    """Asks the day's questions once and puts the engine, its challenger and the rules of thumb to them."""
    predictions, beside = made
    fixes = find_fixes(day, visits)
    questions = ask(fixes, visits)
    by_plan_s = plan_and_deviation(questions, fixes, visits)
    answers = answer(questions, predictions, visits, fleets)
    return Truth(
        eta=measure_error(questions, answers.p50_s),
        plan_and_deviation=measure_error(questions, by_plan_s),
        crow_and_mean_speed=measure_error(questions, crow_and_mean_speed(questions, fixes, visits)),
        crow_and_last_speed=measure_error(questions, crow_and_last_speed(questions, fixes, visits)),
        running_mean=measure_error(questions, running_mean(questions, fixes, visits)),
        yardsticks=measure_yardsticks(questions, answers.p50_s),
        plan_yardsticks=measure_yardsticks(questions, by_plan_s),
        left_out=count_left_out(questions, answers),
        intervals=measure_intervals(questions, answers),
        p_late=measure_lateness(questions, answers, visits),
        lead_times=measure_lead_times(predictions, visits, fleets),
        arrivals=compare_arrivals(find_events(events, visits, fleets, "stop_arrived"), visits),
        late_risk=judge_late_risk(find_events(events, visits, fleets, "exception_opened"), visits),
        components=measure_components(day, visits, events),
        challenger=None if beside is None else measure_challenger(questions, beside, visits, fleets),
    )


def measure_challenger(questions: Questions, predictions: pl.DataFrame, visits: Visits, fleets: list[str]) -> Answered:
    """The figures of a second model."""
    answers = answer(questions, predictions, visits, fleets)
    return Answered(
        measure_error(questions, answers.p50_s),
        measure_intervals(questions, answers),
        measure_lateness(questions, answers, visits),
        measure_lead_times(predictions, visits, fleets),
    )


def count_left_out(questions: Questions, answers: Answers) -> LeftOut:
    """Counts the questions that the error leaves out."""
    early, early_answered = measure_early(questions, answers.p50_s)
    return LeftOut(
        early=early,
        early_answered=early_answered,
        beyond_hour=int((questions.arrived_s - questions.ts_s > HORIZON_S).sum()),
        never_reached=int(np.isnan(questions.arrived_s).sum()),
    )


def count_rows(day: DayTables, visits: Visits | None, predictions: pl.DataFrame, events: pl.DataFrame) -> Counts:
    """Counts what there was, with or without truth."""
    return Counts(
        pings=int(day.pings.lazy().select(pl.len()).collect().item()),
        routes=visits.route_end.size if visits else 0,
        visits=visits.route.size if visits else 0,
        visits_planned=int((~np.isnan(visits.planned_s)).sum()) if visits else 0,
        visits_with_window=int((~np.isnan(visits.window_end_s)).sum()) if visits else 0,
        predictions=predictions.height,
        events=events.height,
    )
