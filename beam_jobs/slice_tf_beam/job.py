"""What every worker must know."""

import dataclasses

from slice_tf.slicing import SlicingFunction, open_resources
from slice_tf_beam.budget import Budget
from slice_tf_beam.functions import load_same
from slice_tf_beam.shards import Shard
from slice_tf_beam.sidecar import Origin


@dataclasses.dataclass(frozen=True)
class Job:
    """What every worker must know.

    Args:
        output_dir: Where sliced shards go.
        import_paths: Where the slicing functions are.
        functions_fingerprint: What they must be.
        slice_tf_version: Version of this package at the driver.
        budget: How much may go wrong.
        sf_timeout: Seconds after which functions that do not answer end
            their process; None waits for ever.
        split_bytes: Size of the parts that larger plain shards are cut into.
        slice_names: Whether the names of an example's slices are written,
            too.

    Raises:
        ValueError: If `sf_timeout` or `split_bytes` is not positive.
    """

    output_dir: str
    import_paths: tuple[str, ...]
    functions_fingerprint: str
    slice_tf_version: str
    budget: Budget
    sf_timeout: float | None
    split_bytes: int
    slice_names: bool

    def __post_init__(self) -> None:
        if self.sf_timeout is not None and not self.sf_timeout > 0:
            raise ValueError(
                "`sf_timeout` must be positive, because it is a time in "
                f"seconds. Received: sf_timeout={self.sf_timeout}"
            )
        if self.split_bytes < 1:
            raise ValueError(
                "`split_bytes` must be positive, because it is a size in "
                f"bytes. Received: split_bytes={self.split_bytes}"
            )

    def origin_of(self, shard: Shard) -> Origin:
        """Returns the origin of what this job makes of a shard."""
        return Origin(
            shard.path,
            shard.num_bytes,
            self.functions_fingerprint,
            self.slice_tf_version,
            self.slice_names,
        )

    def load_functions(self) -> tuple[SlicingFunction, ...]:
        """Returns the slicing functions, and loads what they use.

        Raises:
            ValueError: If one cannot be imported here, or they are not those
                that the driver has, or a resource cannot be loaded.
        """
        functions = load_same(self.import_paths, self.functions_fingerprint)
        # Here, because `sf_timeout` is for answers and not for loading.
        open_resources(functions)
        return functions
