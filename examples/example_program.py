"""The program around a task whose data a user brings."""

import argparse
import logging
import pathlib
import sys
from collections.abc import Callable, Sequence

from slice_tf.demo.task import Task
from slice_tf.programs.flags import new_directory, positive_int
from slice_tf.programs.quiet import start_tensorflow


def run_example(
    description: str | None,
    file_name: str,
    make_task: Callable[[pathlib.Path], Task],
    argv: Sequence[str] | None = None,
) -> int:
    """Runs a task the whole way on data that lies in a directory.

    Args:
        description: The program's docstring; its first line is the help.
        file_name: What the data directory must hold.
        make_task: Takes the path of that file.
        argv: Flags, without the program's name.

    Returns:
        The exit status: 0 done, 2 without data.
    """
    parser = argparse.ArgumentParser(
        description=(description or "").partition("\n")[0]
    )
    add = parser.add_argument
    add("--data-dir", type=pathlib.Path, required=True)
    add("--output-dir", type=pathlib.Path, required=True)
    add("--seeds", type=positive_int, default=3, help="training runs a method")
    flags = parser.parse_args(argv)
    path = flags.data_dir / file_name
    if not path.is_file():
        sys.stderr.write(f"error: {path} must be there; see the docstring\n")
        return 2
    logging.basicConfig(format="%(message)s")
    logging.getLogger("slice_tf").setLevel(logging.INFO)
    start_tensorflow()
    from slice_tf.demo.loop import run

    run(make_task(path), new_directory(flags.output_dir), flags.seeds, 1)
    return 0
