import json
import re

import pytest

from slice_tf.schema import Slice, SliceSchema

NIGHT = Slice("night", "After dusk", "anna", critical=True, margin=0.02)
RAIN = Slice("rain", monitor_only=True, slicing_function="sfs:rain")


def test_schema_written_to_a_directory_is_read_back_equal(tmp_path):
    schema = SliceSchema((NIGHT, RAIN), "m", "u")
    schema.save(tmp_path)
    assert SliceSchema.load(tmp_path) == schema
    assert [path.name for path in tmp_path.iterdir()] == ["slices.json"]


def test_json_states_every_fact():
    assert json.loads(SliceSchema((RAIN,)).to_json()) == {
        "format_version": 1,
        "fingerprint": SliceSchema((RAIN,)).fingerprint,
        "membership_key": "slices/membership",
        "unknown_key": "slices/unknown",
        "slices": [
            {
                "name": "rain",
                "description": "",
                "owner": "",
                "monitor_only": True,
                "critical": False,
                "margin": 0.0,
                "slicing_function": "sfs:rain",
                "slicing_function_fingerprint": "",
            }
        ],
    }


def test_fingerprint_stands_for_names_and_order_alone():
    both = SliceSchema((NIGHT, RAIN))
    assert both.fingerprint == SliceSchema.from_names(both.names).fingerprint
    assert both.fingerprint != SliceSchema((RAIN, NIGHT)).fingerprint


def test_slices_are_found_by_name():
    schema = SliceSchema((NIGHT, RAIN))
    assert (schema.names, schema.num_slices) == (("night", "rain"), 2)
    assert schema.index("rain") == 1
    with pytest.raises(ValueError, match="name='snow', slices=night, rain"):
        schema.index("snow")


@pytest.mark.parametrize("name", ["", "Night", "a b", "a/b", "é", 3])
def test_malformed_names_are_refused(name):
    with pytest.raises(ValueError, match=f"underscores.*name={name!r}"):
        Slice(name)


def test_base_is_reserved():
    with pytest.raises(ValueError, match="must not be called 'base'"):
        Slice("base")


def test_negative_margin_is_refused():
    with pytest.raises(ValueError, match=r"margin=-0\.1"):
        Slice("night", margin=-0.1)


def test_ten_thousand_slices_are_a_schema():
    names = [f"s{i}" for i in range(10_000)]
    schema = SliceSchema.from_names(names)
    assert schema.num_slices == 10_000
    assert schema.index("s9999") == 9_999
    with pytest.raises(ValueError, match="twice=s7"):
        SliceSchema.from_names([*names, "s7"])


def test_a_name_used_twice_is_refused():
    with pytest.raises(ValueError, match="twice=night"):
        SliceSchema.from_names(["night", "rain", "night"])


def test_mismatch_names_both_sides():
    data = SliceSchema.from_names(["a", "b"])
    model = SliceSchema.from_names(["a", "c"])
    data.check_same(SliceSchema.from_names(["a", "b"]), "data", "model")
    with pytest.raises(ValueError, match="data has a, b; model has a, c"):
        data.check_same(model, "data", "model")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "must be JSON"),
        ("[]", "must be a JSON object. Received: type=list"),
        ('{"format_version": 2}', "Received: format_version=2"),
        ('{"format_version": 1}', "Received: KeyError='slices'"),
    ],
)
def test_what_is_no_schema_is_refused_by_file(tmp_path, text, message):
    (tmp_path / "slices.json").write_text(text)
    with pytest.raises(ValueError, match=f"slices.json: .*{message}"):
        SliceSchema.load(tmp_path)


def test_a_schema_edited_by_hand_is_refused():
    values = SliceSchema((NIGHT,)).to_dict()
    values["slices"][0]["name"] = "dusk"
    with pytest.raises(ValueError, match="agree with its own fingerprint"):
        SliceSchema.from_dict(values)


def test_a_directory_without_a_schema_is_named(tmp_path):
    message = f"directory={tmp_path}, missing=slices.json. `slice-tf apply`"
    with pytest.raises(FileNotFoundError, match=re.escape(message)):
        SliceSchema.load(tmp_path)
