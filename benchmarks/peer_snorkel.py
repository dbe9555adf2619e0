"""Snorkel's side of `bench_slicing_tables.py`, run by its own interpreter.

Prints one JSON object: form to microseconds of CPU time an example, and the
number of memberships, by which both sides are known to do the same.
"""

import json
import sys

import keyword_task as task
import numpy as np
import pandas as pd
from snorkel.preprocess import preprocessor
from snorkel.slicing import PandasSFApplier, SFApplier, SlicingFunction


def look(x, keywords):
    """Asks about a row."""
    return task.look(x.text, keywords)


def look_among(x, keywords):
    """Asks about the words of a row."""
    return task.look_among(x.words, keywords)


def functions(function, pre=None):
    """Returns ten slicing functions."""
    return [
        SlicingFunction(
            f"kw{i}", function, resources={"keywords": words}, pre=pre
        )
        for i, words in enumerate(task.KEYWORDS)
    ]


def words_of(memoize):
    """Returns a preprocessor that finds the words of a row."""

    @preprocessor(memoize=memoize)
    def words(x):
        x.words = task.tokens(x.text)
        return x

    return [words]


def main(count, count_shared):
    """Measures every form once."""
    frame = pd.DataFrame({"text": task.texts(count), "id": range(count)})
    few = frame.head(count_shared)
    rows = list(frame.itertuples())
    quiet = {"progress_bar": False}
    forms = {
        "DataFrame": (
            lambda: PandasSFApplier(functions(look)).apply(frame, **quiet),
            count,
        ),
        "list": (
            lambda: SFApplier(functions(look)).apply(rows, **quiet),
            count,
        ),
        "shared": (
            lambda: PandasSFApplier(
                functions(look_among, words_of(memoize=False))
            ).apply(few, **quiet),
            count_shared,
        ),
        "shared, memoized": (
            lambda: PandasSFApplier(
                functions(look_among, words_of(memoize=True))
            ).apply(few, **quiet),
            count_shared,
        ),
    }
    costs = {}
    for name, (work, examples) in forms.items():
        cost, found = task.microseconds(work, examples)
        members = sum(int(np.sum(found[one])) for one in found.dtype.names)
        costs[name] = [cost, members]
    print(json.dumps(costs))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
