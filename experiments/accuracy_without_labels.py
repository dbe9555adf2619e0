"""Which estimate of accuracy without labels is worth having, slice by slice?

A slice-aware model is trained for each of three tasks; labelled data are like
its training data, and the traffic is not:

- points in the plane, drawn from elsewhere in it. Labels are noisy, and their
  chances are given by the point, so that the traffic changes and no more;
- comments on videos, spam or not, of a video that was not seen (`--comments`,
  a file of lines of JSON with `text`, `label`, `video` and `weak`);
- handwritten digits: more that are turned, or of two classes; and, apart, with
  noise, which makes them harder than the model knows.

Errors are in points, of slices of at least 100 members, against the accuracy
that the labels of the true members in the traffic show.

    python experiments/accuracy_without_labels.py [--seeds N] [--comments FILE]
"""

import argparse
import gzip
import json
from collections.abc import Iterator

import keras
import numpy as np
from sklearn.datasets import load_digits
from sklearn.feature_extraction.text import HashingVectorizer

from slice_tf import SliceAwareModel, SliceSchema
from slice_tf.evaluation import Evaluator, render_table, to_probabilities
from slice_tf.models import build_mlp
from slice_tf.monitoring import TrafficCounts, estimate_accuracy

FIRST_SEED = 10  # Those before chose what cannot be told.
LEAST = 100
DISCS = (((0.25, 0), 0.3), ((-0.3, -0.5), 0.25), ((0.6, 0.6), 0.35))
ESTIMATES = (
    "as labelled",
    "average confidence",
    "difference of confidences",
    "threshold",
    "reweighted confusions",
)


def main() -> None:
    """Prints mean absolute errors by task."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--comments")
    flags = parser.parse_args()
    rows = []
    for seed in range(FIRST_SEED, FIRST_SEED + flags.seeds):
        tasks = [points(seed), digits(seed)]
        if flags.comments:
            tasks.append(comments(seed, flags.comments))
        for name, *parts in (one for task in tasks for one in task):
            rows += [(name, *one) for one in compare(*parts)]
    lines = []
    for name in dict.fromkeys(row[0] for row in rows):
        for told, word in ((True, "told"), (False, "not told")):
            some = [row for row in rows if row[0] == name and row[1] == told]
            if not some:
                continue
            errors = 100 * np.mean([row[3] for row in some], axis=0)
            held = f"{np.mean([row[2] for row in some]):.2f}" if told else "-"
            cells = [f"{one:.1f}" for one in errors]
            lines.append([f"{name}, {word}", str(len(some)), *cells, held])
    headers = ["traffic", "slices", *ESTIMATES, "interval holds it"]
    print(render_table(headers, lines))


def compare(model, names, labelled, traffic) -> Iterator[tuple]:
    """Yields for each slice whether it was told, held, and errors."""
    (x, y, m), (xs, ys, ms) = labelled, traffic
    (p, z, _), (ps, _, qs) = predict(model, x), predict(model, xs)
    evaluator = Evaluator(SliceSchema.from_names(names), p.shape[1])
    evaluator.add(y, p, m, indicator_logits=z)
    results = evaluator.results()
    counts = TrafficCounts(names, "probabilities", p.shape[1])
    counts.add(qs, ps, [1] * len(ps))
    everyone = [
        np.concatenate([a, np.ones((len(a), 1))], 1) for a in (m, ms, qs)
    ]
    estimates = estimate_accuracy(counts, results)
    for one, w, true, q in zip(
        estimates, *(a.T for a in everyone), strict=True
    ):
        if min(w.sum(), true.sum()) < LEAST:
            continue
        truth = np.average(ps.argmax(1) == ys, weights=true)
        before = np.average(p.argmax(1) == y, weights=w)
        confidence = np.average(p.max(1), weights=w)
        now = np.average(ps.max(1), weights=q)
        sure = np.sort(p.max(1)[w > 0])
        cut = sure[min(len(sure) - 1, round((1 - before) * len(sure)))]
        found = (
            before,
            now,
            before + now - confidence,
            np.average(ps.max(1) >= cut, weights=q),
            reweighted(y, p, w, ps, q),
        )
        errors = np.abs(np.array(found) - truth)
        yield not one.unknown, one.low <= truth <= one.high, errors


def reweighted(y, p, w, ps, q) -> float:
    """Returns the accuracy if only the shares of classes had changed."""
    classes = p.shape[1]
    cells = np.full((classes, classes), 1e-3)
    np.add.at(cells, (y, p.argmax(1)), w)
    cells /= cells.sum(axis=1, keepdims=True)
    seen = np.bincount(ps.argmax(1), q, classes) / q.sum()
    shares = np.clip(np.linalg.lstsq(cells.T, seen, rcond=1e-2)[0], 0, None)
    return float(np.diag(cells) @ shares / shares.sum())


def train(x, y, m, names, classes, units, epochs, seed) -> SliceAwareModel:
    """Returns a slice-aware model of vectors."""
    keras.utils.set_random_seed(seed)
    backbone = build_mlp({"x": ((x.shape[1],), "float32")}, units, dropout=0.2)
    schema = SliceSchema.from_names(names)
    model = SliceAwareModel(backbone, schema, num_classes=classes)
    model.compile(optimizer=keras.optimizers.Adam(3e-3))
    targets = {"label": y, "membership": m}
    model.fit({"x": x}, targets, batch_size=64, epochs=epochs, verbose=0)
    return model


def predict(model, x) -> tuple:
    """Returns probabilities, indicators' logits and probabilities."""
    outputs = model.predict({"x": x}, batch_size=4096, verbose=0)
    logits = outputs["indicator_logits"]
    q = keras.ops.convert_to_numpy(model.slice_probabilities(logits))
    p = to_probabilities(outputs["logits"], model.num_classes)
    return p, logits, np.asarray(q, float)


def points(seed: int) -> Iterator[tuple]:
    """Yields traffic from elsewhere in the plane."""
    rng = np.random.default_rng(seed)

    def slices(x):
        inside = [
            ((x - at) ** 2).sum(1) < r * r for at, r in np.array(DISCS, object)
        ]
        return np.stack(inside, 1).astype(np.float32)

    def draw(count, weight=None):
        x = rng.uniform(-1, 1, (6 * count, 2)).astype(np.float32)
        chance = np.ones(len(x)) if weight is None else weight(x)
        x = x[rng.choice(len(x), count, p=chance / chance.sum())]
        m = slices(x)
        score = 3 * (x[:, 0] - x[:, 1] - 0.25)
        score = np.where(m[:, 0] > 0, -1.2, np.where(m[:, 1] > 0, 1.2, score))
        y = (rng.random(count) < 1 / (1 + np.exp(-score))).astype(int)
        return x, y, m

    names = ["a", "b", "c"]
    model = train(*draw(4000), names, 2, (32, 32), 40, seed)
    labelled = draw(3000)
    for weight in (
        None,
        lambda x: 1 + 6 * slices(x)[:, :2].sum(1),
        lambda x: np.exp(-6 * np.abs(x[:, 0] - x[:, 1] - 0.25)),
        lambda x: np.exp(-2 * x[:, 0]),
    ):
        yield "points", model, names, labelled, draw(3000, weight)


def digits(seed: int) -> Iterator[tuple]:
    """Yields other mixtures of digits, and noise."""
    found, rng = load_digits(), np.random.default_rng(seed)
    x, y = (found.data / 16).astype(np.float32), found.target
    turned = rng.random(len(x)) < 0.2
    x = np.where(turned[:, None], x[:, ::-1], x)
    faint = x.sum(1) < np.quantile(x.sum(1), 0.25)
    m = np.stack([turned, faint, np.isin(y, (3, 8, 9))], 1).astype(np.float32)
    order = rng.permutation(len(x))
    first, second, rest = order[:500], order[500:1100], order[1100:]
    names = ["turned", "faint", "alike"]
    model = train(x[first], y[first], m[first], names, 10, (64,), 30, seed)
    labelled = x[second], y[second], m[second]
    for weight in (1 + 5 * turned[rest], 1 + 8 * np.isin(y[rest], (1, 8))):
        some = rng.choice(rest, len(rest), p=weight / weight.sum())
        yield "digits", model, names, labelled, (x[some], y[some], m[some])
    noisy = x[rest] + rng.normal(0, 0.25, x[rest].shape).astype(np.float32)
    yield "digits, harder", model, names, labelled, (noisy, y[rest], m[rest])


def comments(seed: int, path: str) -> Iterator[tuple]:
    """Yields comments of a video that was not seen."""
    with gzip.open(path) as lines:
        rows = [json.loads(line) for line in lines]
    words = HashingVectorizer(
        n_features=1024, ngram_range=(1, 2), alternate_sign=False
    )
    x = words.transform([row["text"] for row in rows]).toarray()
    x = x.astype(np.float32)
    y, video = (
        np.array([row[key] for row in rows]) for key in ("label", "video")
    )
    weak = np.array([row["weak"] for row in rows])[:, [1, 2, 5, 6]]
    m = (weak != -1).astype(np.float32)
    names = ["subscribe", "link", "check_out", "short"]
    rng = np.random.default_rng(seed)
    for one in np.unique(video):
        seen = rng.permutation(np.flatnonzero(video != one))
        first, second = np.split(seen, [len(seen) * 6 // 10])
        model = train(x[first], y[first], m[first], names, 2, (64,), 8, seed)
        labelled, new = (x[second], y[second], m[second]), video == one
        yield "comments", model, names, labelled, (x[new], y[new], m[new])


if __name__ == "__main__":
    main()
