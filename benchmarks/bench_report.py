"""How large a page is, and how soon it can be read.

    python benchmarks/bench_report.py [--runs 5]

Pages of 30, 100 and 300 slices, two classes, and of 300 with 50 classes, with
baseline, verdicts, overlap and learned indicators; needs Chromium for the
last two columns.
`ready`: from navigation until the overview is drawn, in a warm browser; an
empty page in the same browser is the floor. The sizes of pages are in
megabytes of 10 ** 6 bytes.
"""

import argparse
import dataclasses
import pathlib
import statistics
import sys
import tempfile
import time

import numpy as np

from slice_tf.evaluation import Evaluator, Results, gate
from slice_tf.report import write_page
from slice_tf.schema import Slice, SliceSchema

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tests"))
from chromium import Browser, find_chromium

LARGEST_MEGABYTES, LONGEST_SECONDS = 2.0, 2.0
EXAMPLES = 20_000


def make_results(num_slices: int, num_classes: int) -> Results:
    """Returns results with everything that a file of results can hold."""
    rng = np.random.default_rng(0)
    rates = np.clip(rng.lognormal(-4, 1.4, num_slices), 0.0005, 0.3)
    membership = (rng.random((EXAMPLES, num_slices)) < rates).astype(int)
    labels = rng.integers(0, num_classes, EXAMPLES)
    schema = SliceSchema(
        tuple(
            Slice(f"slice_number_{i}", f"What slice number {i} is about")
            for i in range(num_slices)
        )
    )

    def predict(skill: float) -> np.ndarray:
        logits = rng.normal(size=(EXAMPLES, num_classes))
        logits[np.arange(EXAMPLES), labels] += skill
        odds = np.exp(logits)
        return odds / odds.sum(axis=1, keepdims=True)

    before, after = predict(2.2), predict(2.1)
    learned = rng.normal(size=membership.shape) + 3 * membership - 1.5
    results = []
    for model, other in ((before, None), (after, before)):
        evaluator = Evaluator(schema, num_classes)
        evaluator.add(
            labels,
            model,
            membership,
            baseline_probabilities=other,
            indicator_logits=learned,
        )
        results.append(evaluator.results())
    return dataclasses.replace(results[1], gate=gate(*results))


def seconds_to(action: object, *arguments: object) -> float:
    """Returns how long a call takes."""
    started = time.perf_counter()
    action(*arguments)  # type: ignore[operator]
    return time.perf_counter() - started


def main() -> None:
    """Prints a table of medians; all pages are opened in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        empty = folder / "empty.html"
        empty.write_text('<!doctype html><html data-ready="true"><p>Nothing')
        pages, written = {"empty page": empty}, {}
        for count, classes in ((30, 2), (100, 2), (300, 2), (300, 50)):
            results = make_results(count, classes)
            path = folder / f"{count}-{classes}.html"
            key = f"{count} slices, {classes} classes"
            written[key] = seconds_to(write_page, path, results)
            pages[key] = path
        ready = open_in_turns(pages, runs)
        print("| page | written in, s | size, MB | ready in, s | of limit |")
        print("|---|---:|---:|---:|---:|")
        for key, path in pages.items():
            middle = statistics.median(ready[key]) if ready[key] else None
            size = path.stat().st_size / 1e6
            print(
                f"| {key} | {written.get(key, 0):.2f} | {size:.2f} | "
                + (
                    "- | - |"
                    if middle is None
                    else f"{middle:.2f} | {middle / LONGEST_SECONDS:.2f} |"
                )
            )
    print(f"\nlimits: {LARGEST_MEGABYTES} MB, {LONGEST_SECONDS} s")


def open_in_turns(
    pages: dict[str, pathlib.Path], runs: int
) -> dict[str, list[float]]:
    """Returns the seconds until each page was ready, none without Chromium."""
    times: dict[str, list[float]] = {key: [] for key in pages}
    if find_chromium() is None:
        print("no Chromium is installed: pages are not opened")
        return times
    browser = Browser()
    try:
        for run in range(runs + 1):
            for key, path in pages.items():
                took = seconds_to(browser.open, path)
                if run:  # The first round warms the browser up.
                    times[key].append(took)
    finally:
        browser.close()
    return times


if __name__ == "__main__":
    main()
