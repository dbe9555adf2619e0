"""What happened, in plain words."""

from collections.abc import Mapping, Sequence

from slice_tf.evaluation import (
    GateResult,
    Metric,
    Results,
    SliceResult,
    SliceVerdict,
)
from slice_tf.evaluation.metric import LOSSES, plain_text
from slice_tf.schema import BASE

OK, TOO_FEW = "ok", "too few"
SHOWN_NAMES = 3
# Share of intervals that miss a true zero.
CHANCE = 0.05

_WORDS = {
    "auc": "area under ROC",
    "brier": "Brier score",
    "f1": "F1",
    "mae": "mean absolute error",
    "mcc": "MCC",
    "r2": "R²",
    "rmse": "root mean square error",
}
_VERDICTS = {
    "PASS": "The candidate may replace the baseline",
    "FAIL": "The candidate should not replace the baseline",
    "NOT_ENOUGH_DATA": "There is not enough data to decide on the candidate",
}


def headline(results: Results) -> str:
    """Returns one sentence that says what an evaluation found."""
    if results.gate is not None:
        return _of_gate(results)
    base, numbers = results.slices[-1], not results.num_classes
    text = _of_numbers(base) if numbers else _share(base)
    if base.comparison is not None:
        change = _of_change(base.comparison.difference, numbers)
        return f"The model is {text}, {change}."
    better = -1 if numbers else 1
    behind = [
        one for one in results.slices[:-1] if better * _side(_lift(one)) < 0
    ]
    if not behind:
        return f"The model is {text}, and no slice is shown to trail the rest."
    behind.sort(key=lambda one: _near_zero(_lift(one), better))
    names = list_names([one.name for one in behind])
    return f"The model is {text}, and trails in {names}."


def details(results: Results) -> list[str]:
    """Returns further sentences, each of which can stand alone."""
    slices = results.slices[:-1]
    found = _of_data(results)
    if results.gate is not None:
        found += [_of_rule(results), *_of_labels(results.gate)]
    changes = [one.comparison.difference for one in slices if one.comparison]
    if results.gate is None and changes:
        found.append(_of_changes(changes))
    few = sum(one.metrics[results.leading].status != OK for one in slices)
    if few:
        found.append(
            f"{few:,} of {len(slices):,} slices "
            f"{'holds' if few == 1 else 'hold'} fewer than "
            f"{results.floor} examples: too few to judge."
        )
    unknown = sum(one.unknown > 0 for one in slices)
    if unknown:
        found.append(
            f"Slicing functions failed on some examples in {unknown:,} "
            f"{_plural(unknown, 'slice')}; those count as unknown."
        )
    return found


def _of_data(results: Results) -> list[str]:
    data, found = results.data, []
    if data.label:
        found.append(f"Of several labels, this is {data.label}.")
    if data.weighted or data.clustered:
        kinds = (("weighted", data.weighted), ("in clusters", data.clustered))
        how = " and ".join(word for word, there in kinds if there)
        found.append(
            f"Examples are {how}: intervals are those of as many equal, "
            "independent ones as would say as much."
        )
    return found


def _of_gate(results: Results) -> str:
    gate = results.gate
    if gate is None:
        raise ValueError("Results must hold a verdict. Received: gate=None")
    open_ones = [one for one in gate.slices if one.accepted is None]
    text = _VERDICTS.get(gate.verdict, gate.verdict)
    label = results.data.label
    others = {k: said for k, said in gate.labels.items() if k != label}
    if others:
        text = f"By {label}, {text[0].lower()}{text[1:]}"
    if gate.verdict == "PASS" and _open(others):
        # Nobody who opens the page of one label must take it for the release.
        return (
            f"By {label}, no slice is shown to be worse in "
            f"{_word(gate.metric)}, but the gate says {_open(others)}."
        )
    if gate.verdict == "PASS":
        return f"{text}: no slice is shown to be worse in {_word(gate.metric)}."
    blamed = list_names(_blamed(open_ones, gate))
    how = "it is worse in" if gate.verdict == "FAIL" else "undecided in"
    return f"{text}: {how} {blamed}."


def _blamed(verdicts: Sequence[SliceVerdict], gate: GateResult) -> list[str]:
    """Names of the slices that made the verdict, the clearest first."""
    found = [one for one in verdicts if one.verdict == gate.verdict]
    worse = -1 if gate.metric in LOSSES else 1
    found.sort(
        key=lambda one: (not one.critical, worse * (one.difference.value or 0))
    )
    names = [one.name for one in found]
    return ["all examples" if one == BASE else one for one in names]


def _of_rule(results: Results) -> str:
    gate = results.gate
    if gate is None:
        raise ValueError("Results must hold a verdict. Received: gate=None")
    accepted = sum(one.accepted is not None for one in gate.slices)
    paired = "paired example by example" if gate.paired else "not paired"
    text = (
        f"Compared on {_word(gate.metric)} over "
        f"{_counted(results.data.num_examples)}, {paired}, corrected "
        f"for {len(gate.slices) * max(len(gate.labels), 1):,} tests at a false "
        f"discovery rate of {100 * gate.false_discovery_rate:g} %."
    )
    if accepted:
        text += f" {accepted:,} {_plural(accepted, 'slice')} accepted by hand."
    return text


def _of_labels(gate: GateResult) -> list[str]:
    """Says what became of a release that several labels were judged for."""
    if not gate.labels:
        return []
    return [
        f"{len(gate.labels)} labels were judged together by the gate: "
        f"{_open(gate.labels) or 'all passed'}."
    ]


def _open(labels: Mapping[str, str]) -> str:
    """Returns `FAIL by tags[1]`, or nothing where all passed."""
    found = {
        verdict: [one for one, said in labels.items() if said == verdict]
        for verdict in ("FAIL", "NOT_ENOUGH_DATA")
    }
    return "; ".join(
        f"{verdict} by {', '.join(names)}"
        for verdict, names in found.items()
        if names
    )


def _of_change(change: Metric, numbers: bool) -> str:
    if change.value is None:
        return "with nothing to compare"
    size, rises = abs(change.value), change.value >= 0
    text = f"{100 * size:.1f} points {'above' if rises else 'below'}"
    if numbers:
        text = f"{plain_text(size, 3)} {'more' if rises else 'less'} than"
    text += " its baseline"
    return text if _side(change) else f"{text}, which chance can explain"


def _of_changes(changes: Sequence[Metric]) -> str:
    sides = [_side(change) for change in changes]
    judged = sum(change.status == OK for change in changes)
    return (
        f"Against the baseline, 95 % intervals show {sides.count(1):,} slices "
        f"better and {sides.count(-1):,} worse of {judged:,} judged, where "
        f"chance alone would show about {CHANCE * judged:.2g}; "
        "`slice-tf gate` corrects for that."
    )


def _lift(one: SliceResult) -> Metric:
    return one.metrics.get("lift", Metric(None, None, None, 0, "empty"))


def _side(metric: Metric) -> int:
    """1 where the interval lies above zero, -1 where below, else 0."""
    if metric.status != OK or metric.low is None or metric.high is None:
        return 0
    return int(metric.low > 0) - int(metric.high < 0)


def _near_zero(lift: Metric, better: int) -> float:
    """The end of the interval that is nearer to zero, worst first."""
    return (lift.high if better > 0 else -(lift.low or 0.0)) or 0.0


def _share(base: SliceResult) -> str:
    value = base.metrics["accuracy"].value
    return f"right on {100 * (value or 0.0):.1f} % of {base.size:,} examples"


def _of_numbers(base: SliceResult) -> str:
    value = plain_text(base.metrics["mae"].value or 0.0, 3)
    return f"off by {value} on average over {_counted(base.size)}"


def _counted(count: int) -> str:
    return f"{count:,} {_plural(count, 'example')}"


def list_names(names: Sequence[str]) -> str:
    """Returns names of slices as part of a sentence, the first few."""
    shown, rest = list(names[:SHOWN_NAMES]), len(names) - SHOWN_NAMES
    if rest > 0:
        return f"{', '.join(shown)} and {rest:,} more {_plural(rest, 'slice')}"
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))


def _word(metric: str) -> str:
    return _WORDS.get(metric, metric.replace("_", " "))


def _plural(count: int, word: str) -> str:
    return word if count == 1 else f"{word}s"
