"""How much may go wrong before a job fails."""

import dataclasses
from collections.abc import Mapping

from slice_tf_beam.summary import Summary


class BudgetExceededError(ValueError):
    """More went wrong than may; the reports say what."""


@dataclasses.dataclass(frozen=True)
class Budget:
    """How much may go wrong before a job fails.

    Args:
        max_error_rate: Largest share of examples, from 0 to 1, where a
            slicing function may fail.
        max_bad_records: How many damaged records may be left out.

    Raises:
        ValueError: If one is out of its range.
    """

    max_error_rate: float = 0.01
    max_bad_records: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.max_error_rate <= 1:
            raise ValueError(
                "`max_error_rate` must be from 0 to 1, because it is a share "
                f"of examples. Received: max_error_rate={self.max_error_rate}"
            )
        if self.max_bad_records < 0:
            raise ValueError(
                "`max_bad_records` must not be negative, because it counts "
                f"records. Received: max_bad_records={self.max_bad_records}"
            )

    def check(self, summary: Summary, first_errors: Mapping[str, str]) -> None:
        """Refuses a summary of too many errors.

        Args:
            summary: What a job found.
            first_errors: Name of a slice to its first error in words; damaged
                records are under the empty name.

        Raises:
            BudgetExceededError: If a function failed too often, or too many
                records are damaged.
        """
        if summary.num_bad_records > self.max_bad_records:
            raise BudgetExceededError(
                "No more records may be damaged than `max_bad_records` allows, "
                "because they are lost to training. Received: "
                f"damaged={summary.num_bad_records}, "
                f"max_bad_records={self.max_bad_records}, first="
                f"{first_errors['']}. All are in errors.jsonl; write the "
                "files again, or raise the limit."
            )
        for one in summary.slices:
            rate = one.unknown / max(1, summary.num_examples)
            if rate > self.max_error_rate:
                raise BudgetExceededError(
                    "A slicing function must fail on no more examples than "
                    "`max_error_rate` allows, because membership is unknown "
                    f"where it fails. Received: slice={one.name}, failed on "
                    f"{one.unknown} of {summary.num_examples} examples "
                    f"({rate:.1%}), max_error_rate={self.max_error_rate}, "
                    f"first error={first_errors[one.name]}. All are in "
                    "errors.jsonl; mend the function, or raise the limit."
                )
