"""What separates found slices from the rest, in terms of known columns."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from slice_tf.discovery.condition import (
    Condition,
    conditions_of,
    rows_of_words,
    texts,
)
from slice_tf.discovery.found import Discovery, FoundSlice
from slice_tf.discovery.held_out import halves
from slice_tf.discovery.inputs import check_embeddings, check_predictions
from slice_tf.discovery.rule import (
    Rate,
    Rule,
    Separation,
    best_conditions,
    separation,
)

_SHOWN = 5
# Rows that a rule is searched on; it is measured on all that are held out.
_MAX_ROWS = 20_000


def with_rules(
    found: Discovery,
    columns: Mapping[str, Any],
    embeddings: Any,
    labels: Any,
    probabilities: Any,
    membership: Mapping[str, Any] | None = None,
) -> Discovery:
    """Returns a discovery that says what separates each slice, and a rule.

    Both are chosen on the half of the rows that the slices were found on and
    measured on the other.

    Args:
        found: What a run found on the same rows.
        columns: Name of a feature to its values `[rows]`: numbers or text.
        embeddings: Of shape `[rows, dim]`.
        labels: Of shape `[rows]`.
        probabilities: Of shape `[rows, classes]`, or of class 1 `[rows]`.
        membership: Name of a slicing function to its votes `[rows]`, 0 or 1.
            These separate, but make no rule: an accepted rule must not depend
            on another function.

    Raises:
        ValueError: If a column has not one value a row.
    """
    embeddings = check_embeddings(embeddings)
    labels, chances = check_predictions(labels, probabilities, found.num_rows)
    given = {**columns, **(membership or {})}
    for name, values in given.items():
        if np.shape(values) != (found.num_rows,):
            raise ValueError(
                "A column that describes must have one value a row. Received: "
                f"column={name!r}, shape={np.shape(values)}, rows="
                f"{found.num_rows}"
            )
    wrong = chances.argmax(axis=1) != labels
    first, second = halves(wrong, found.seed)
    first = first[:: -(-len(first) // _MAX_ROWS)]
    inside = found.regions.members(embeddings)
    known = {name: texts(values) for name, values in given.items()}
    words = {
        name: rows_of_words(values[first])
        for name, values in known.items()
        if values.dtype.kind == "O"
    }
    describer = _Describer(known, words, set(columns), first, second, wrong)
    slices = tuple(
        describer.describe(one, inside[:, place])
        for place, one in enumerate(found.slices)
    )
    return dataclasses.replace(found, slices=slices)


@dataclasses.dataclass(frozen=True)
class _Describer:
    known: dict[str, Any]
    words: dict[str, dict[str, list[int]]]
    in_rules: set[str]
    first: Any
    second: Any
    wrong: Any

    def describe(self, one: FoundSlice, inside: Any) -> FoundSlice:
        here = inside[self.first]
        tests = [
            test
            for name, values in self.known.items()
            for test in conditions_of(name, values[self.first], here)
        ]
        if not tests or not here.any():
            return one
        truths = np.stack([self._held(test) for test in tests])
        own = [k for k, t in enumerate(tests) if t.feature in self.in_rules]
        places = best_conditions(truths[own], here) if own else ()
        chosen = tuple(tests[own[place]] for place in places)
        return dataclasses.replace(
            one,
            separations=self._separations(tests, truths, inside),
            rule=self._rule(chosen, inside) if chosen else None,
        )

    def _separations(
        self, tests: list[Condition], truths: Any, inside: Any
    ) -> tuple[Separation, ...]:
        """Returns those surest to be more frequent inside, one a feature."""
        found = [
            separation(test, truth, inside[self.first])
            for test, truth in zip(tests, truths, strict=True)
        ]
        order = np.argsort([-one.low for one in found], kind="stable")
        named: dict[str, Condition] = {}
        for k in order.tolist():
            if found[k].low > 1:
                named.setdefault(tests[k].feature, tests[k])
        return tuple(
            separation(
                test, self._holds(test, self.second), inside[self.second]
            )
            for test in list(named.values())[:_SHOWN]
        )

    def _rule(self, chosen: tuple[Condition, ...], inside: Any) -> Rule:
        truth = np.all([self._holds(t, self.second) for t in chosen], axis=0)
        here, wrong = inside[self.second], self.wrong[self.second]
        both, size = int((truth & here).sum()), int(truth.sum())
        return Rule(
            chosen,
            " and ".join(map(str, chosen)),
            size,
            precision=Rate.of(both, size),
            recall=Rate.of(both, int(here.sum())),
            error_rate=Rate.of(int(wrong[truth].sum()), size),
        )

    def _held(self, test: Condition) -> Any:
        """Returns the truth on the first half; of words it was looked up."""
        if test.test != "has_word":
            return self._holds(test, self.first)
        truth = np.zeros(len(self.first), bool)
        truth[self.words[test.feature][str(test.value)]] = True
        return truth

    def _holds(self, test: Condition, rows: Any) -> Any:
        return test.holds(self.known[test.feature][rows])
