"""A directory of results and a discovery run, for tests of `slice-tf ui`."""

import dataclasses
import functools

import numpy as np

from slice_tf.discovery import discover, save_discovery
from slice_tf.discovery.describe import with_rules
from slice_tf.discovery.look import with_examples
from slice_tf.evaluation import Evaluator, ExampleSampler, gate
from slice_tf.schema import Slice, SliceSchema

ATTACK = "</script><img src=x onerror=\"console.error('ran')\"><b>"
SCHEMA = SliceSchema((Slice("night", "Taken at night"), Slice("rare")))


@functools.cache
def make_results(texts=None, size=60):
    """A candidate that is worse in `night`, with a sample of examples."""
    rng = np.random.default_rng(0)
    n = 3000
    labels = rng.integers(0, 2, n)
    members = np.stack([rng.random(n) < 0.2, np.arange(n) < 9], 1).astype(int)
    worse = np.where((members[:, 0] == 1) & (rng.random(n) < 0.3), 1, 0)
    before = np.eye(2)[labels] * 0.8 + 0.1
    after = np.eye(2)[labels ^ worse] * 0.8 + 0.1
    both = []
    for model, other in ((before, None), (after, before)):
        evaluator = Evaluator(SCHEMA, 2)
        evaluator.add(labels, model, members, baseline_probabilities=other)
        both.append(evaluator.results(data_path="sliced/test"))
    sampler = ExampleSampler(SCHEMA, size)
    shown = [f"example {i}" for i in range(n)] if texts is None else texts(n)
    column = np.empty(n, object)
    column[:] = shown
    sampler.add({"text": column}, labels, after, members, None, before)
    return dataclasses.replace(
        both[1], gate=gate(*both), examples=sampler.sample()
    )


def save_run(directory, rules=False):
    """A run on embeddings where two far clusters are often wrong."""
    rng = np.random.default_rng(0)
    places = rng.integers(0, 4, 1200)
    embeddings = rng.normal(size=(1200, 4)) + 9 * np.eye(4)[places]
    labels = rng.integers(0, 2, 1200)
    wrong = (places < 2) & (rng.random(1200) < 0.8)
    probabilities = np.eye(2)[labels ^ wrong] * 0.8 + 0.1
    found = discover(embeddings, labels, probabilities)
    if rules:
        told = embeddings, labels, probabilities
        found = with_rules(found, {"place": places.astype(float)}, *told)
    shown = {"text": np.array([ATTACK] * 1200)}
    found = with_examples(found, shown, labels, probabilities)
    save_discovery(directory, found)
    np.savez(
        directory.parent / "rows.npz",
        embeddings=embeddings,
        labels=labels,
        probabilities=probabilities,
        **shown,
    )
    return embeddings
