"""Snorkel's side of `bench_evaluation.py`, run by its own interpreter.

Prints one JSON object: CPU seconds that `Scorer.score_slices` takes, and what
it says of each slice.
"""

import json
import sys
import time

import numpy as np
from snorkel.analysis import Scorer

NAMES = {
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "f1": "f1",
    "matthews_corrcoef": "mcc",
    "roc_auc": "auc",
}
REPEATS = 3


def main(path):
    """Scores the predictions of a file."""
    with np.load(path) as file:
        labels, probabilities = file["labels"], file["probabilities"]
        membership = file["membership"]
    names = [f"s{i}" for i in range(membership.shape[1])]
    # As its applier gives membership: a record of bits a row.
    dtype = [(name, np.uint8) for name in names]
    members = np.ascontiguousarray(membership).view(dtype)[:, 0]
    members = members.view(np.recarray)
    guesses = (probabilities[:, 1] > 0.5).astype(np.int64)
    scorer = Scorer(metrics=list(NAMES))
    seconds = []
    for _ in range(REPEATS):
        start = time.process_time()
        scores = scorer.score_slices(members, labels, guesses, probabilities)
        seconds.append(time.process_time() - start)
    slices = [
        {ours: float(scores[name][theirs]) for theirs, ours in NAMES.items()}
        for name in names
    ]
    print(json.dumps({"seconds": min(seconds), "slices": slices}))


if __name__ == "__main__":
    main(sys.argv[1])
