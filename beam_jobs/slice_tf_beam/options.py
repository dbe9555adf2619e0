"""Where a job runs: Beam's options, checked."""

import argparse
import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from apache_beam.options.pipeline_options import (
    DirectOptions,
    PipelineOptions,
    StandardOptions,
)
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.runner import create_runner

from slice_tf.near_miss import did_you_mean
from slice_tf_beam.interrupts import Interrupts
from slice_tf_beam.local_workers import LocalWorkers


def make_options(flags: Sequence[str], num_workers: int = 1) -> PipelineOptions:
    """Returns Beam's options from flags such as `--runner=DataflowRunner`.

    Args:
        flags: Beam's own flags, in Beam's spelling.
        num_workers: Processes on this machine, where the flags name no
            runner; 1 runs the job in this very process. Flags that say how
            the runner on this machine works, such as `--direct_num_workers`,
            have the last word.

    Raises:
        ValueError: If a flag is unknown to Beam or has a wrong value, or
            `num_workers` is not positive.
        ImportError: If the runner needs a package that is not installed.
    """
    if num_workers < 1:
        raise ValueError(
            "`num_workers` must be positive, because it counts processes. "
            f"Received: num_workers={num_workers}"
        )
    given = list(flags)
    if _checked(given).get("runner") is None:
        given.insert(0, f"--direct_num_workers={num_workers}")
    return PipelineOptions(given)


@contextlib.contextmanager
def open_runner(
    options: PipelineOptions, killable: bool = False
) -> Iterator[Any]:
    """Yields the runner that the options name, else one on this machine.

    `FnApiRunner` is named because Beam's `DirectRunner` first looks for a
    program to download. Several workers are processes of ours, unless the
    options ask for a `--direct_running_mode` of Beam's.

    Args:
        options: Beam's options.
        killable: Whether a worker may have to end itself, so that a single
            one must be a process of its own, too.
    """
    name = options.view_as(StandardOptions).runner
    direct = options.view_as(DirectOptions)
    several = direct.direct_num_workers > 1 or killable
    if name is None and several and direct.direct_running_mode == "in_memory":
        workers = LocalWorkers()
        with workers.watched():
            yield FnApiRunner(default_environment=workers.environment)
    else:
        with Interrupts().watched():
            yield FnApiRunner() if name is None else create_runner(name)


def _checked(flags: list[str]) -> dict[str, Any]:
    """Returns the values of Beam's flags, with no flag left over."""
    parser = _parser()
    runner = PipelineOptions(_runner_flag(flags)).view_as(StandardOptions)
    if runner.runner is not None:
        # Importing a runner makes its flags known.
        _create(runner.runner)
        parser = _parser()
    try:
        values, unknown = parser.parse_known_args(flags)
    except (argparse.ArgumentError, argparse.ArgumentTypeError) as error:
        raise ValueError(
            "A Beam flag must have a value that Beam takes. Received: "
            f"{' '.join(flags)}, error={error}"
        ) from error
    if unknown:
        raise ValueError(_describe(unknown[0], parser))
    return vars(values)


def _parser() -> Any:
    """Returns the parser of all Beam flags that are known by now."""
    parsers: list[Any] = []
    PipelineOptions([]).get_all_options(add_extra_args_fn=parsers.append)
    parsers[0].exit_on_error = False
    return parsers[0]


def _runner_flag(flags: list[str]) -> list[str]:
    parser = argparse.ArgumentParser(allow_abbrev=False, add_help=False)
    parser.add_argument("--runner")
    runner = parser.parse_known_args(flags)[0].runner
    return [] if runner is None else [f"--runner={runner}"]


def _create(runner: str) -> None:
    known = StandardOptions.KNOWN_RUNNER_NAMES
    try:
        create_runner(runner)
    except (AttributeError, ModuleNotFoundError, ValueError) as error:
        raise ValueError(
            f"`--runner` must be one of {', '.join(known)}, or a class by its "
            f"full name. Received: runner={runner}."
            f"{did_you_mean(runner, known)}"
        ) from error


def _describe(token: str, parser: Any) -> str:
    known = parser._option_string_actions
    return (
        "Flags after `--` must be Beam's, because Beam ignores one that it "
        f"does not know. Received: {token}."
        f"{did_you_mean(token.partition('=')[0], known)}"
    )
