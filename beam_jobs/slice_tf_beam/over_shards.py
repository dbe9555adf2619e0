"""A pipeline in which one shard is one element."""

from collections.abc import Sequence
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

from slice_tf_beam.options import open_runner
from slice_tf_beam.shards import Shard


def run_over_shards(
    shards: Sequence[Shard], options: PipelineOptions, *steps: Any
) -> None:
    """Runs steps over shards on the runner that the options name.

    Args:
        shards: What the first step gets, spread over workers.
        options: Beam's options.
        steps: Labelled transforms, each of what the one before gives. The
            last writes a file, because a portable runner hands the driver no
            elements.
    """
    with (
        open_runner(options) as runner,
        beam.Pipeline(runner=runner, options=options) as pipeline,
    ):
        elements = (
            pipeline
            | "Shards" >> beam.Create(shards)
            | "SpreadShards" >> beam.Reshuffle()
        )
        for step in steps:
            elements = elements | step
