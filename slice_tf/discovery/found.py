"""What a discovery run found, as plain values."""

import dataclasses
from typing import Any

from slice_tf.discovery.regions import Regions
from slice_tf.discovery.rule import Rate, Rule, Separation


@dataclasses.dataclass(frozen=True)
class Phrase:
    """A text that lies where a slice differs from the rest of its class.

    Attributes:
        text: The phrase.
        score: Cosine of the phrase's embedding, less the mean phrase's, and
            of the slice's mean embedding, less that of its class.
    """

    text: str
    score: float


@dataclasses.dataclass(frozen=True)
class FoundSlice:
    """One slice, with numbers from rows that did not help to find it.

    Attributes:
        name: `found_0` and so on, in order of certainty.
        label: Class whose examples the model gets wrong there.
        found_error_rate: Error rate where it was found, which flatters.
        size: Held-out rows of the label in the region.
        error_rate: Theirs; None where there are none.
        low: Lower end of its 95 % Wilson interval.
        high: Upper end.
        shrunken_error_rate: After shrinkage towards `rest_error_rate`, or
            that of all, by as much as found slices' rates scatter by chance.
        rest_error_rate: Of the label's held-out rows outside the region; None
            where there are none, so that nothing holds up.
        region_size: Held-out rows in the region, of whatever label: what a
            slicing function takes that asks the region.
        region_error_rate: Theirs.
        region_rest_error_rate: Of all held-out rows outside the region; None
            where there are none.
        holds_up: Whether the lower end of the label's interval, or of the
            region's, exceeds the rate of the rest.
        nearest: Numbers of the rows, of all, that show best what goes wrong
            in it: the surest errors of its label, among the most others.
        description: One sentence that says what goes wrong there.
        scores: Held-out rows of the label's class by the probability that
            the model gives their label, in 20 even bins: inside, and outside.
        examples: What there is to see of the nearest rows; see
            `with_examples`.
        separations: Conditions that hold more often in it than elsewhere; see
            `with_rules`.
        rule: The shortest conditions that say what it is, if any.
        phrases: Texts that lie where it does; see `with_phrases`.
    """

    name: str
    label: int
    found_error_rate: float
    size: int
    error_rate: float | None
    low: float | None
    high: float | None
    shrunken_error_rate: float
    rest_error_rate: float | None
    region_size: int
    region_error_rate: Rate
    region_rest_error_rate: float | None
    holds_up: bool
    nearest: tuple[int, ...] = ()
    description: str = ""
    scores: tuple[tuple[int, ...], ...] = ()
    examples: tuple[dict[str, Any], ...] = ()
    separations: tuple[Separation, ...] = ()
    rule: Rule | None = None
    phrases: tuple[Phrase, ...] = ()


@dataclasses.dataclass(frozen=True)
class Discovery:
    """What a run found.

    Attributes:
        slices: In the order in which they were found.
        regions: Where they lie.
        error_rate: Of all held-out rows.
        num_rows: Rows in both halves.
        seed: Which halves of the rows these were.
        embedder: Fingerprint of the file of the model that embedded; empty
            where there is none.
    """

    slices: tuple[FoundSlice, ...]
    regions: Regions
    error_rate: float
    num_rows: int
    seed: int = 0
    embedder: str = ""
