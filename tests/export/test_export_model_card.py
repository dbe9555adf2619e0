import json

import keras
import pytest

from exported_task import made
from slice_tf.export import export_saved_model
from slice_tf.models import SliceAwareModel, build_mlp
from slice_tf.schema import Slice, SliceSchema

ACCURACY = {"value": 0.8, "low": 0.7, "high": 0.9, "n": 90, "status": "ok"}
FEW = {"value": 0.5, "low": 0.1, "high": 0.9, "n": 4, "status": "too few"}
AREA = {"value": 0.95, "low": None, "high": None, "n": 9, "status": "ok"}

SCHEMA = SliceSchema(
    (
        Slice("small", "Fewer than | five", "ann", critical=True),
        Slice("large", monitor_only=True),
    )
)
RESULTS = {
    "schema": SCHEMA.to_dict(),
    "data": {"path": "out/test", "fingerprint": "0a", "num_examples": 1200},
    "gate": {"verdict": "PASS"},
    "slices": [
        {
            "name": "small",
            "size": 90,
            "metrics": {"accuracy": ACCURACY},
            "indicator": AREA,
        },
        {
            "name": "large",
            "size": 4,
            "metrics": {"accuracy": FEW},
            "indicator": None,
        },
        {
            "name": "base",
            "size": 1200,
            "metrics": {"accuracy": ACCURACY},
            "indicator": None,
        },
    ],
}
TABLE = """\
| slice | what it is | owner | kind | size | accuracy | 95 % interval \
| indicator AUC |
|---|---|---|---|---:|---:|---:|---:|
| small | Fewer than \\| five | ann | critical | 90 | 0.800 | 0.700 to 0.900 \
| 0.950 |
| large |  |  | monitor only | 4 | 0.500 (too few) | 0.100 to 0.900 |  |
| base | all examples |  |  | 1,200 | 0.800 | 0.700 to 0.900 |  |
"""


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(1)
    backbone = build_mlp({"x": ((2, 3), "float32")}, units=(8,))
    return SliceAwareModel(backbone, SCHEMA)


@pytest.fixture(scope="module")
def export(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("card") / "m"
    return export_saved_model(model, path, made("binary").spec, results=RESULTS)


def test_card_shows_every_slice_with_its_interval(export, model):
    text = (export / "assets.extra/model_card.md").read_text()
    assert text.endswith(f"\n\n## Slices\n\n{TABLE}")
    count = f"{model.count_params():,}"
    for line in (
        "- Model: SliceAwareModel, classification, 2 classes",
        f"- Parameters before folding: {count}; matrices are stored as float32",
        "- Evaluated on 1,200 examples of `out/test` (fingerprint 0a)",
        "- Gate: PASS",
    ):
        assert f"\n{line}\n" in text


def test_programs_read_the_same_as_json(export):
    card = json.loads((export / "assets.extra/model_card.json").read_text())
    assert card["evaluated_on"] == RESULTS["data"]
    (small, large, base) = card["slices"]
    assert small["metrics"] == {"accuracy": ACCURACY}
    assert (small["critical"], large["monitor_only"]) == (True, True)
    assert (base["name"], base["size"]) == ("base", 1200)


def test_card_without_results_has_no_metrics(tmp_path):
    one = made("vanilla")
    path = export_saved_model(one.model, tmp_path / "m", one.spec)
    text = (path / "assets.extra/model_card.md").read_text()
    assert "\n- Evaluated: not said\n" in text
    assert text.endswith("\n| base | all examples |  |  |  |  |  |  |\n")


def test_results_must_be_of_the_same_slices(tmp_path):
    one = made("binary")
    wrong = {**RESULTS, "schema": SliceSchema.from_names(["b", "a"]).to_dict()}
    message = "Received: model=small, large, results=b, a"
    with pytest.raises(ValueError, match=message):
        export_saved_model(one.model, tmp_path / "m", one.spec, results=wrong)
    assert list(tmp_path.iterdir()) == []
