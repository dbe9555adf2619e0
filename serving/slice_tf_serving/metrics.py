"""Counters and histograms in Prometheus' text form."""

import bisect
import math
from collections.abc import Mapping, Sequence

PATH = "/monitoring/prometheus/metrics"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

# TensorFlow Serving's names; latencies are microseconds.
REQUEST_COUNT = ":tensorflow:serving:request_count"
REQUEST_LATENCY = ":tensorflow:serving:request_latency"
REQUEST_EXAMPLE_COUNTS = ":tensorflow:serving:request_example_counts"
REQUEST_LOG_COUNT = ":tensorflow:serving:request_log_count"
WARMUP_LATENCY = ":tensorflow:serving:model_warmup_latency"
# Names of our own.
SLICE_EXAMPLES = "slice_tf:slice_examples"
SLICE_PROBABILITY = "slice_tf:slice_probability_sum"
WATCHED_EXAMPLES = "slice_tf:watched_examples"

_HELP = {
    REQUEST_COUNT: "Requests, by model and status.",
    REQUEST_LATENCY: "Microseconds from request to answer.",
    REQUEST_EXAMPLE_COUNTS: "Examples in a request.",
    REQUEST_LOG_COUNT: "Requests that were logged or dropped.",
    WARMUP_LATENCY: "Microseconds to replay the warm-up requests.",
    SLICE_EXAMPLES: "Examples that the model takes to be in a slice.",
    SLICE_PROBABILITY: "Sum of the probabilities to be in a slice.",
    WATCHED_EXAMPLES: "Examples whose slices were counted.",
}
_BOUNDS = [10 * 1.8**step for step in range(33)]
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})

Labels = tuple[tuple[str, str], ...]


class Metrics:
    """Numbers that go up, by name and labels. Used from one thread.

    What is counted at every request asks for its counter once and keeps it.
    """

    def __init__(self) -> None:
        self._counters: dict[str, dict[Labels, Counter]] = {}
        self._histograms: dict[str, dict[Labels, Histogram]] = {}

    def counter(self, name: str, labels: Mapping[str, str]) -> "Counter":
        """Returns the counter of a name and labels, new at first."""
        counters = self._counters.setdefault(name, {})
        return counters.setdefault(tuple(labels.items()), Counter())

    def histogram(self, name: str, labels: Mapping[str, str]) -> "Histogram":
        """Returns the histogram of a name and labels, new at first."""
        histograms = self._histograms.setdefault(name, {})
        return histograms.setdefault(tuple(labels.items()), Histogram())

    def text(self) -> str:
        """Returns all of them, as Prometheus scrapes it."""
        lines: list[str] = []
        for name, counters in sorted(self._counters.items()):
            lines += _head(name, "counter")
            lines += [
                f"{name}{_labelled(labels)} {_number(counters[labels].value)}"
                for labels in sorted(counters)
            ]
        for name, histograms in sorted(self._histograms.items()):
            lines += _head(name, "histogram")
            for labels in sorted(histograms):
                lines += histograms[labels].lines(name, labels)
        return "".join(f"{line}\n" for line in lines)


def added(texts: Sequence[str]) -> str:
    """Adds up what several processes tell, sample by sample."""
    families: dict[str, dict[str, float]] = {}
    for text in texts:
        head = ""
        for line in text.splitlines():
            if line.startswith("# HELP"):
                head = line
            elif line.startswith("#"):
                head = f"{head}\n{line}"
                families.setdefault(head, {})
            else:
                name, _, value = line.rpartition(" ")
                samples = families[head]
                samples[name] = samples.get(name, 0) + float(value)
    return "".join(
        f"{head}\n" + "".join(f"{k} {_number(v)}\n" for k, v in samples.items())
        for head, samples in sorted(families.items())
    )


class Counter:
    """A number that goes up."""

    def __init__(self) -> None:
        self.value = 0.0


class Histogram:
    """How often a value fell below each of some bounds."""

    def __init__(self) -> None:
        self._counts = [0] * (len(_BOUNDS) + 1)
        self._sum = 0.0

    def observe(self, value: float) -> None:
        """Takes note of a value."""
        self._counts[bisect.bisect_left(_BOUNDS, value)] += 1
        self._sum += value

    def lines(self, name: str, labels: Labels) -> list[str]:
        """Returns it, as Prometheus scrapes it."""
        lines, total = [], 0
        bounds = [*_BOUNDS, math.inf]
        for bound, count in zip(bounds, self._counts, strict=True):
            total += count
            limit = "+Inf" if bound == math.inf else f"{bound:g}"
            marked = _labelled((*labels, ("le", limit)))
            lines.append(f"{name}_bucket{marked} {total}")
        lines.append(f"{name}_sum{_labelled(labels)} {_number(self._sum)}")
        lines.append(f"{name}_count{_labelled(labels)} {total}")
        return lines


def _head(name: str, kind: str) -> list[str]:
    return [f"# HELP {name} {_HELP[name]}", f"# TYPE {name} {kind}"]


def _labelled(labels: Labels) -> str:
    pairs = [f'{key}="{one.translate(_ESCAPES)}"' for key, one in labels]
    return f"{{{','.join(pairs)}}}" if pairs else ""


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
