"""Accepting a slice: a Python file with its slicing function, and a test."""

import keyword
import os
import pathlib
import re
from collections.abc import Sequence

from slice_tf.discovery.discovered import load_discovery
from slice_tf.discovery.held_out import FoundSlice
from slice_tf.discovery.regions import ARRAYS

_FUNCTION = '''"""Found in a model's errors: see discovered.json."""

from slice_tf.slicing import Resource, slicing_function

REGIONS = Resource(
    "slice_tf.discovery.regions:load_regions",
    {path!r},
    fingerprint={fingerprint!r},
)
{encoder}

@slicing_function(
    batch=True,
    needs=({feature!r},),
    uses={uses},
    description={description!r},
)
def {name}(batch, regions{argument}):
    """{description}"""
    return regions.member({embeddings}, {place})
'''

_TEST = '''"""The found slice must still lie where it was found."""

import numpy as np

from slice_tf.slicing import load


def test_regions_are_those_of_the_run():
    ({name},) = load({path!r})
    regions = {name}.uses["regions"].get()
    far = regions.projection.mean[None] + 1e3
    # TODO: add embeddings that you know to be inside and outside.
    assert regions.member(far, {place}).shape == (1,)
    assert np.isfinite(regions.scores(far)).all()
'''


def accept(
    directory: str | os.PathLike[str],
    found: str | Sequence[str],
    name: str,
    feature: str,
    output: str | os.PathLike[str],
    encoder: str = "",
) -> tuple[pathlib.Path, pathlib.Path]:
    """Writes a slicing function for a found slice, and a test stub.

    The function is not servable and need not be: it asks the regions, and the
    encoder where there is one, while the job runs.

    Args:
        directory: What `save_discovery` wrote; must stay where it is.
        found: Name of the found slice, such as `found_0`, or of several that
            shall be one.
        name: Name of the new slice.
        feature: Feature of the examples that is the embedding or, with an
            encoder, what it encodes.
        output: The `.py` file to write. It must not exist.
        encoder: Import path of a loader that returns a callable from a batch
            of the feature to embeddings `[rows, dim]`; none where empty.

    Returns:
        Paths of the function's file and of the test's.

    Raises:
        ValueError: If there is no such slice, a name is malformed, or a file
            is there already.
    """
    run = load_discovery(directory)
    names = [one.name for one in run.slices]
    asked = [found] if isinstance(found, str) else list(found)
    missing = [one for one in asked if one not in names]
    if missing or not asked:
        raise ValueError(
            "A slice must be among those found. Received: "
            f"slice={', '.join(missing) or 'none'}, "
            f"found={', '.join(names) or 'none'}"
        )
    if not re.fullmatch("[a-z_][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise ValueError(
            "A slice's name must be lower-case letters, digits and "
            f"underscores, because it names a function. Received: name={name!r}"
        )
    path = pathlib.Path(output)
    test = path.with_name(f"test_{path.stem}.py")
    taken = [str(one) for one in (path, test) if one.exists()]
    if path.suffix != ".py" or taken:
        raise ValueError(
            "The output must be a new .py file, because yours is never "
            f"overwritten. Received: output={path}, exist={taken}"
        )
    places = [names.index(one) for one in asked]
    place = places[0] if len(places) == 1 else tuple(places)
    description = "; ".join(_describe(run.slices[one]) for one in places)
    text = _FUNCTION.format(
        path=str((pathlib.Path(directory) / ARRAYS).resolve()),
        fingerprint=run.regions.fingerprint,
        encoder=f"ENCODER = Resource({encoder!r})\n" if encoder else "",
        uses='{"regions": REGIONS, "encoder": ENCODER}'
        if encoder
        else '{"regions": REGIONS}',
        argument=", encoder" if encoder else "",
        embeddings=f"encoder(batch[{feature!r}])"
        if encoder
        else f"batch[{feature!r}]",
        feature=feature,
        name=name,
        place=place,
        description=description,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    stub = _TEST.format(name=name, path=str(path.resolve()), place=place)
    test.write_text(stub, encoding="utf-8")
    return path, test


def _describe(one: FoundSlice) -> str:
    rate = "unknown" if one.error_rate is None else f"{one.error_rate:.0%}"
    return (
        f"Like examples of class {one.label} that a model got wrong "
        f"({rate} of {one.size} held out)"
    )
