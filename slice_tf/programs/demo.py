"""`slice-tf demo`: the whole way, on data that needs no download."""

import pathlib
from collections.abc import Sequence

from slice_tf.demo import MARKER
from slice_tf.programs.flags import FlagParser, new_directory, positive_int
from slice_tf.programs.quiet import start_tensorflow


def main(argv: Sequence[str]) -> int:
    """Runs a demonstration and prints where its artifacts lie."""
    parser = FlagParser(
        "demo",
        "Goes the whole way on real data: slicing functions on Beam, a "
        "vanilla and a slice-aware model, results per slice, export, serving.",
    )
    parser.add_argument(
        "--data",
        choices=("digits", "synthetic"),
        default="digits",
        help="handwritten digits, or the paper's Figure 1 setting",
    )
    parser.add_argument(
        "--output-dir",
        type=pathlib.Path,
        default=pathlib.Path("slice-tf-demo"),
        help="where every artifact goes; must be new or empty",
    )
    parser.add_argument(
        "--seeds", type=positive_int, default=5, help="training runs a method"
    )
    parser.add_argument(
        "--workers", type=positive_int, default=1, help="Beam worker processes"
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace an earlier demo's output in --output-dir",
    )
    flags = parser.parse(argv)
    marker = MARKER if flags.overwrite else None
    output_dir = new_directory(flags.output_dir, marker)

    start_tensorflow()
    from slice_tf.demo import digits, synthetic
    from slice_tf.demo.loop import run

    tasks = {
        "digits": digits.digits_task,
        "synthetic": synthetic.synthetic_task,
    }
    run(tasks[flags.data](), output_dir, flags.seeds, flags.workers)
    return 0
