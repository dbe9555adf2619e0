"""Does a person ride a bicycle? Street images, known by their object boxes.

    python examples/vg_bikes.py --data-dir DIR --output-dir out/bikes

DIR holds `images.jsonl.gz` (Visual Genome annotations, CC BY 4.0): a JSON
object a line with `split`, `label` and `objects`, a list of
`[name, x, y, width, height]`. The nine slices are the paper's for its cyclist
data set: whether a detector sees a bench, truck, car, ... The detector's
names stay offline; the model sees where boxes lie, not what they are called.

Source:
    Chen et al. 2019, appendix A1.5.
"""

import gzip
import json
import pathlib
import sys
from typing import Any

import numpy as np
from example_program import run_example

from slice_tf.data import Feature, FeatureSpec
from slice_tf.demo.task import Task, mlp, write_shards

GRID = 8
BUCKETS = 64  # Object names, hashed: what a weak, servable tagger would give.
SPEC = FeatureSpec(
    {
        "layout": Feature("float32", (GRID, GRID)),
        "tags": Feature("float32", (BUCKETS,)),
    },
    "label",
    2,
)


def layout(objects: list[Any]) -> Any:
    """Returns how much of each grid cell boxes cover, float32 `[8, 8]`."""
    cells = np.zeros((GRID, GRID), np.float32)
    right = max((x + width for _, x, _, width, _ in objects), default=1)
    below = max((y + height for _, _, y, _, height in objects), default=1)
    for _, x, y, width, height in objects:
        columns = slice(GRID * x // right, GRID * (x + width) // right + 1)
        rows = slice(GRID * y // below, GRID * (y + height) // below + 1)
        cells[rows, columns] += 1.0
    return cells / max(1, len(objects))


def tags(objects: list[Any]) -> Any:
    """Returns counts of hashed object names, float32 `[64]`."""
    counts = np.zeros(BUCKETS, np.float32)
    for name, *_ in objects:
        counts[sum(name.encode()) % BUCKETS] += 1.0
    return np.log1p(counts)


def write_part(directory: pathlib.Path, images: list[Any], shards: int) -> None:
    """Writes one split; `objects` never becomes a model feature."""
    columns = {
        "layout": [layout(one["objects"]).ravel() for one in images],
        "tags": [tags(one["objects"]) for one in images],
        "objects": [
            np.array([box[0] for box in one["objects"]], "S") for one in images
        ],
        "label": [one["label"] for one in images],
    }
    write_shards(directory, columns, shards)


def bikes_task(path: pathlib.Path) -> Task:
    """Returns the task: does a person ride a bicycle?"""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        images = [json.loads(line) for line in lines]

    def write(directory: pathlib.Path) -> None:
        for part, shards in (("train", 4), ("test", 2)):
            rows = [one for one in images if one["split"] == part]
            write_part(directory / part, rows, shards)

    functions = pathlib.Path(__file__).with_name("vg_bikes_slices.py")
    return Task(
        name="bikes",
        title="does a person ride a bicycle in this street?",
        functions=(str(functions),),
        spec=SPEC,
        write=write,
        backbone=mlp(SPEC, 32, dropout=0.5),
        expert_units=32,
        epochs=30,
    )


if __name__ == "__main__":
    sys.exit(run_example(__doc__, "images.jsonl.gz", bikes_task))
