"""What a Dataflow flex template runs: `slice-tf apply` with its flags sorted.

A template passes every parameter and every Beam option as `--name=value`, in
one row. `slice-tf apply` takes Beam's after `--`.
"""

import json
import pathlib
import sys
from collections.abc import Sequence

METADATA = pathlib.Path(__file__).with_name("metadata.json")


def sort_flags(argv: Sequence[str]) -> list[str]:
    """Returns the template's parameters, `--`, and all other flags."""
    parameters = json.loads(METADATA.read_text())["parameters"]
    names = {f"--{one['name'].replace('_', '-')}" for one in parameters}
    own: list[str] = []
    beam: list[str] = []
    for flag in argv:
        name, _, value = flag.partition("=")
        name = name.replace("_", "-")
        if name not in names:
            beam.append(flag)
        elif name == "--slices":
            own += [name, *value.split(",")]
        else:
            own += [name, value]
    return [*own, "--", *beam]


if __name__ == "__main__":
    from slice_tf import cli

    sys.exit(cli.main(["apply", *sort_flags(sys.argv[1:])]))
