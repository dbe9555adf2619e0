"""How the cost of slicing functions grows with their number.

10 to 1,000 keyword functions on short texts in memory, in row and in batch
form, beside a plain loop that asks the same; then what one function more
costs. Then a classifier that sees row after row, or a batch at once through
`model_predictions`, one pass for ten functions. Times are CPU time, the
median of rounds in which the forms take turns.

Run it with: python benchmarks/bench_slicing_scale.py
"""

import statistics

import keyword_task as task
import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import SGDClassifier

from slice_tf.slicing import (
    Row,
    SlicingFunction,
    apply_to_table,
    model_predictions,
    score_above,
)

SIZES = (10, 100, 1000)
COUNT = 2_000
COUNT_CLASSIFIED = 2_000
ROUNDS = 5
THRESHOLDS = np.linspace(-1, 1, 10)


def by_row(word):
    """Asks about a row."""
    return lambda row: word in row.text("text")


def by_batch(word):
    """Asks about a batch."""
    return lambda batch: [word in text for text in batch.text("text")]


def plain(word):
    """Asks about a text."""
    return lambda text: word in text


def plain_loop(texts, asks):
    """Asks every question of every text."""
    return np.array([[ask(text) for ask in asks] for text in texts])


def keyword_forms(size, texts):
    """Returns form to work for a number of functions."""
    words = [f"{word}{i}" for i, word in enumerate(texts[0].split() * size)]
    words = [word[:3] for word in words[:size]]
    table = {"text": texts}
    asks = [plain(word) for word in words]
    rows = [SlicingFunction(by_row(w), f"f{i}") for i, w in enumerate(words)]
    batches = [
        SlicingFunction(by_batch(w), f"f{i}", batch=True)
        for i, w in enumerate(words)
    ]
    return {
        "plain loop": lambda: plain_loop(texts, asks),
        "plain loop over rows": lambda: plain_loop(
            [Row.from_mapping({"text": text}) for text in texts],
            [one.function for one in rows],
        ),
        "row form": lambda: apply_to_table(rows, table).membership,
        "batch form": lambda: apply_to_table(batches, table).membership,
    }


class TextClassifier:
    """A scikit-learn pipeline behind Beam's `ModelHandler` protocol."""

    def load_model(self):
        """Returns a linear model of hashed bigrams."""
        texts = task.texts(500)
        vectorizer = HashingVectorizer(n_features=2**18, ngram_range=(1, 2))
        labels = [text < "M" for text in texts]
        model = SGDClassifier(random_state=0).fit(
            vectorizer.transform(texts), labels
        )
        return lambda batch: model.decision_function(
            vectorizer.transform(batch)
        )

    def run_inference(self, batch, model):
        """Returns scores."""
        return model(batch)


def classifier_forms():
    """Returns form to work for ten functions on one classifier."""
    table = {"text": task.texts(COUNT_CLASSIFIED)}
    model = TextClassifier().load_model()
    scores = model_predictions(TextClassifier, lambda batch: batch.text("text"))
    batched = [
        score_above(scores, limit, f"f{i}")
        for i, limit in enumerate(THRESHOLDS.tolist())
    ]

    def above(limit):
        return lambda row: bool(model([row.text("text")])[0] > limit)

    single = [SlicingFunction(above(THRESHOLDS[0]), "f0")]
    first = batched[:1]
    return {
        "1 function, a call a row": lambda: (
            apply_to_table(single, table).membership
        ),
        "1 function, a call a batch": lambda: (
            apply_to_table(first, table).membership
        ),
        "10 functions, a call a batch": lambda: (
            apply_to_table(batched, table).membership
        ),
    }


def medians(forms, count):
    """Returns form to microseconds an example, and checks that all agree."""
    costs = {name: [] for name in forms}
    for _ in range(ROUNDS):
        found = []
        for name, work in forms.items():
            cost, membership = task.microseconds(work, count)
            costs[name].append(cost)
            found.append(membership[:, 0])
        if not all((one == found[0]).all() for one in found):
            raise SystemExit(f"forms do not agree: {', '.join(forms)}")
    return {name: statistics.median(each) for name, each in costs.items()}


def main():
    """Prints both tables."""
    texts = task.texts(COUNT)
    table = {size: medians(keyword_forms(size, texts), COUNT) for size in SIZES}
    print(f"{'us of CPU time an example':<26}" + "".join(
        f"{size:>12,}" for size in SIZES
    ) + "   one more  of plain loop")  # fmt: skip
    low, high = SIZES[-2:]
    slopes = {
        form: (table[high][form] - table[low][form]) / (high - low)
        for form in table[low]
    }
    for form, slope in slopes.items():
        cells = "".join(f"{table[size][form]:12.2f}" for size in SIZES)
        ratio = slope / slopes["plain loop"]
        print(f"{form:<26}{cells} {slope:10.3f} {ratio:14.2f}")
    print()
    costs = medians(classifier_forms(), COUNT_CLASSIFIED)
    by_single = costs["1 function, a call a row"]
    print(f"{'us of CPU time an example':<32}           times")
    for form, cost in costs.items():
        print(f"{form:<32} {cost:9.2f} {by_single / cost:7.1f}")


if __name__ == "__main__":
    main()
