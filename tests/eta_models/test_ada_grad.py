from hypothesis import given
from hypothesis import strategies as st
from river import linear_model, optim

from eta_models.ada_grad import AdaGrad

ROWS = st.lists(st.tuples(st.dictionaries(st.sampled_from("abcde"), st.floats(-4, 4)), st.floats(-8, 8), st.floats(0.01, 9)), max_size=30)


@given(ROWS)
def test_it_learns_to_the_bit_what_rivers_own_learns(rows):
    ours, rivers = (linear_model.LinearRegression(optimizer=kind(0.04), loss=optim.losses.Huber(0.2)) for kind in (AdaGrad, optim.AdaGrad))
    for features, target, weight in rows:
        for model in (ours, rivers):
            model.learn_one(features, target, w=weight)
    assert ours.weights == rivers.weights
    assert ours.intercept == rivers.intercept
    assert ours.optimizer.g2 == rivers.optimizer.g2
