"""Texts of the files that accepting a slice writes."""

REGION_FUNCTION = '''"""Found in a model's errors: see discovered.json."""

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

REGION_TEST = '''"""The found slice must still lie where it was found."""

import numpy as np

from slice_tf.slicing import load


def test_regions_are_those_of_the_run():
    (function,) = load({path!r})
    regions = function.uses["regions"].get()
    far = regions.projection.mean[None] + 1e3
    # TODO: add embeddings that you know to be inside and outside.
    assert regions.member(far, {place}).shape == (1,)
    assert np.isfinite(regions.scores(far)).all()
'''

RULE_FUNCTION = '''"""Found in a model's errors: see discovered.json."""

{imports}from slice_tf.slicing import slicing_function


@slicing_function(needs={needs!r})
def {name}(row):
    """{description}

{measured}
    """
    return (
        {code}
    )
'''

RULE_TEST = '''"""The rule reads what it says that it needs."""

from slice_tf.slicing import load


def test_the_rule_reads_its_features():
    (function,) = load({path!r})
    # TODO: call it with rows that you know to be inside and outside.
    assert set(function.needs) == set({features!r})
'''


def words_import(needed: bool) -> str:
    """Returns the import of a rule that looks for words."""
    module = "slice_tf.discovery.condition"
    return f"from {module} import words_of\n" if needed else ""
