"""What slicing functions over tables in memory cost, beside Snorkel's.

Ten keyword functions on short texts, first each by itself, then all on the
words that one preprocessor finds. Both sides ask the same questions of the
same texts and must find the same memberships. Times are CPU time, the median
of rounds in which the sides take turns.

    python benchmarks/bench_slicing_tables.py --snorkel-python PYTHON

PYTHON is an interpreter of an environment with `snorkel==0.10.0`; without it
only slice-tf and the plain loop are measured.
"""

import argparse
import json
import pathlib
import statistics
import subprocess

import keyword_task as task
import numpy as np

from slice_tf.slicing import SlicingFunction, apply_to_table, preprocessor

COUNT = 20_000
COUNT_SHARED = 2_000
ROUNDS = 5


@preprocessor
def words(row):
    """Finds the words of a row."""
    return task.tokens(row.text("text"))


def by_row(keywords):
    """Asks about a row."""
    return lambda row: task.look(row.text("text"), keywords)


def by_batch(keywords):
    """Asks about a batch."""
    return lambda batch: [
        task.look(text, keywords) for text in batch.text("text")
    ]


def by_words(keywords):
    """Asks about the words of a row."""
    return lambda row, words: task.look_among(words, keywords)


def functions(make, **facts):
    """Returns ten slicing functions."""
    return [
        SlicingFunction(make(keywords), f"kw{i}", **facts)
        for i, keywords in enumerate(task.KEYWORDS)
    ]


def own_forms():
    """Returns what is measured here: form to work, examples, peer's form."""
    texts = task.texts(COUNT)
    table = {"text": texts, "id": np.arange(COUNT)}
    records = [{"text": text, "id": i} for i, text in enumerate(texts)]
    few = {key: column[:COUNT_SHARED] for key, column in table.items()}

    def apply(functions, table):
        return lambda: apply_to_table(functions, table).membership

    def plainly():
        return np.array(
            [[task.look(text, one) for one in task.KEYWORDS] for text in texts]
        )

    def plainly_shared():
        found = map(task.tokens, few["text"])
        return np.array(
            [[task.look_among(f, one) for one in task.KEYWORDS] for f in found]
        )

    rows, batches = functions(by_row), functions(by_batch, batch=True)
    shared = functions(by_words, uses={"words": words})
    return {
        "plain loop": (plainly, COUNT, "DataFrame"),
        "columns": (apply(rows, table), COUNT, "DataFrame"),
        "columns, batch form": (apply(batches, table), COUNT, "DataFrame"),
        "list of dicts": (apply(rows, records), COUNT, "list"),
        "plain loop, shared": (plainly_shared, COUNT_SHARED, "shared"),
        "shared": (apply(shared, few), COUNT_SHARED, "shared"),
    }


def measure_peer(python):
    """Returns the peer's form to cost and memberships."""
    program = pathlib.Path(__file__).with_name("peer_snorkel.py")
    command = [python, str(program), str(COUNT), str(COUNT_SHARED)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(python):
    """Returns medians of all rounds, ours and the peer's."""
    own, peer, members = {}, {}, {}
    forms = own_forms()
    for _ in range(ROUNDS):
        for name, (work, count, _) in forms.items():
            cost, found = task.microseconds(work, count)
            own.setdefault(name, []).append(cost)
            members.setdefault(count, set()).add(int(found.sum()))
        for name, (cost, found) in (
            measure_peer(python) if python else {}
        ).items():
            peer.setdefault(name, []).append(cost)
            count = COUNT_SHARED if "shared" in name else COUNT
            members[count].add(found)
    for count, found in members.items():
        if len(found) > 1:
            raise SystemExit(f"answers differ on {count} examples: {found}")
    return (
        {name: statistics.median(costs) for name, costs in own.items()},
        {name: statistics.median(costs) for name, costs in peer.items()},
    )


def main():
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--snorkel-python", help="interpreter of the peer")
    python = parser.parse_args().snorkel_python
    own, peer = measure(python)
    print(f"{'us of CPU time an example':<32} slice-tf  Snorkel   times")
    for name, (_, _, peer_name) in own_forms().items():
        there = peer.get(peer_name)
        beside = f"{there:8.1f} {there / own[name]:7.1f}" if there else "-"
        print(f"{name:<32} {own[name]:8.2f} {beside}")
    if peer:
        print(f"Snorkel, shared and memoized: {peer['shared, memoized']:.1f}")
    else:
        print("Snorkel was not measured: pass --snorkel-python")


if __name__ == "__main__":
    main()
