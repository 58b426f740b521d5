"""Means that fade, apart for each cell: of all that was seen at first, leaning on the newest once much was."""

from eta_models.columns import Floats, Ints


def learn_means(means: Floats, seen: Floats, cell: Ints, values: Floats, rate: float) -> None:
    """Move the means of cells (one row each, `seen` counts) by rows of new values, in log order; `rate` is the least share of a new one.

    In plain numbers: for rows of five, numpy takes three to ten times as long.
    """
    known, counts = means.tolist(), seen.tolist()
    for place, row in zip(cell.tolist(), values.tolist(), strict=True):
        counts[place] += 1.0
        share = max(rate, 1.0 / (counts[place] + 20.0))
        known[place] = [mean + share * (value - mean) for mean, value in zip(known[place], row, strict=True)]
    means[:], seen[:] = known, counts
