"""River's own checks of an estimator, on the models as they are configured here."""

import pytest
from river import checks

from eta_models.correction import Correction, CorrectionPolicy
from eta_models.lateness import Lateness, LatenessPolicy
from eta_models.spread import Spread, SpreadPolicy


@pytest.mark.parametrize(
    "model",
    [Correction(CorrectionPolicy()).models[0], Spread(SpreadPolicy()).model, Lateness(LatenessPolicy()).models[0]],
    ids=["correction", "spread", "lateness"],
)
def test_every_check_of_river_passes(model):
    skipped, passed = model._unit_test_skips(), 0
    for check in checks.yield_checks(model):
        if check.__name__ not in skipped:
            check(model.clone())
            passed += 1
    assert passed > 20
