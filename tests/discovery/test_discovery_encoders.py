import json
import sys

import keras
import numpy as np
import pytest

from discovery.planted import planted
from hub_modules import TEXTS, mean_of_words, save_words, served
from slice_tf.cli import main
from slice_tf.data import (
    FeatureSpec,
    decode,
    encode,
    read_records,
    write_records,
)
from slice_tf.discovery import discover, load_discovery
from slice_tf.evaluation import to_probabilities
from slice_tf.programs.encoders import load_encoder
from slice_tf.training import save_model_directory
from sliced_task import FEATURES, SCHEMA, TARGETS, made, write_sliced

ROWS = np.arange(6, dtype=np.float32).reshape(3, 2)
DOUBLED = """import numpy as np


def encoder():
    return lambda rows: np.asarray(rows) * 2


class Handler:
    def load_model(self):
        return 2

    def run_inference(self, batch, model):
        return [row * model for row in batch]
"""


def doubling(directory):
    """Returns places of the same model, as every kind of model."""
    given = keras.Input((2,))
    model = keras.Model(given, keras.layers.Rescaling(2.0)(given))
    model.save(directory / "doubling.keras")
    model.export(str(directory / "exported"), verbose=False)
    (directory / "doubled.py").write_text(DOUBLED)
    return [
        str(directory / "doubling.keras"),
        str(directory / "exported"),
        f"{directory / 'doubled.py'}:encoder",
        f"{directory / 'doubled.py'}:Handler",
    ]


def test_every_kind_of_model_embeds_the_same(tmp_path):
    for place in doubling(tmp_path):
        encode_rows = load_encoder(place)
        np.testing.assert_allclose(encode_rows({"x": ROWS}), ROWS * 2)


def test_a_model_of_several_inputs_gets_them_by_name(tmp_path):
    inputs = {name: keras.Input((2,), name=name) for name in ("a", "b")}
    added = keras.layers.Subtract()([inputs["a"], inputs["b"]])
    keras.Model(inputs, added).save(tmp_path / "two.keras")
    two = load_encoder(str(tmp_path / "two.keras"))
    features = {"b": ROWS, "a": ROWS * 3, "unread": ROWS}
    np.testing.assert_allclose(two(features), ROWS * 2)


def test_a_model_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"must be a \.keras file.*nothing"):
        load_encoder(str(tmp_path / "nothing"))


def test_records_and_a_model_are_enough(tmp_path, capsys):
    """The model predicts what `planted` says, from what it embeds."""
    embeddings, labels, probabilities, inside = planted()
    logits = np.log(probabilities).astype(np.float32)
    records = [
        encode(
            {
                "x": np.concatenate([row, logit]).astype(np.float32),
                "label": int(label),
                "kind": "gift" if planted_row else "plain",
            }
        )
        for row, logit, label, planted_row in zip(
            embeddings, logits, labels, inside, strict=True
        )
    ]
    (tmp_path / "raw").mkdir()
    write_records(tmp_path / "raw" / "a.tfrecord", records[:500])
    write_records(tmp_path / "raw" / "b.tfrecord", records[500:])
    given = keras.Input((14,))
    keras.Model(given, given[:, 12:]).save(tmp_path / "logits.keras")
    keras.Model(given, given[:, :12]).save(tmp_path / "embed.keras")
    find = ["discover", "--data", str(tmp_path / "raw")]
    find += ["--model", str(tmp_path / "logits.keras")]
    find += ["--embed-with", str(tmp_path / "embed.keras")]
    find += ["--feature", "x=float32:14", "--describe", "kind=string"]
    assert main([*find, "--output-dir", str(tmp_path / "run")]) == 0
    assert "rule: kind is 'gift'" in capsys.readouterr().out
    np.savez(
        tmp_path / "same.npz",
        embeddings=embeddings.astype(np.float32),
        labels=labels,
        probabilities=probabilities,
    )
    same = ["discover", "--predictions", str(tmp_path / "same.npz")]
    assert main([*same, "--output-dir", str(tmp_path / "same")]) == 0
    first, second = (
        load_discovery(tmp_path / name).slices for name in ("run", "same")
    )
    assert [(one.size, one.error_rate) for one in first] == [
        (one.size, one.error_rate) for one in second
    ]


def test_examples_are_scored_in_the_space_that_slices_were_found_in(
    tmp_path, capsys
):
    """Another model of the same width would score, and mean nothing."""
    embeddings, labels, probabilities, _ = planted()
    rows = np.concatenate([embeddings, np.log(probabilities)], axis=1)
    write_records(
        tmp_path / "a.tfrecord",
        [
            encode({"x": row.astype(np.float32), "label": int(label)})
            for row, label in zip(rows, labels, strict=True)
        ],
    )
    given = keras.Input((14,))
    keras.Model(given, given[:, 12:]).save(tmp_path / "logits.keras")
    keras.Model(given, given[:, :12]).save(tmp_path / "first.keras")
    keras.Model(given, given[:, 1:13]).save(tmp_path / "other.keras")
    data, model = str(tmp_path / "a.tfrecord"), str(tmp_path / "logits.keras")
    same = ["discover", "--output-dir", str(tmp_path / "run")]
    same += ["--feature", "x=float32:14"]
    embed = ["--embed-with", str(tmp_path / "first.keras")]
    assert main([*same, *embed, "--data", data, "--model", model]) == 0
    split = ["--data", data, "--model", model, "--split", "found_0"]
    assert main([*same, *embed, *split]) == 0
    score = [*same, "--score", data, "--scores-dir", str(tmp_path / "scores")]
    other = ["--embed-with", str(tmp_path / "other.keras")]
    assert main([*score, *other]) == 2
    error = capsys.readouterr().err
    assert "must be embedded by the model that slices were found with" in error
    assert not (tmp_path / "scores").exists()
    moved = (tmp_path / "first.keras").rename(tmp_path / "moved.keras")
    assert main([*score, "--embed-with", str(moved)]) == 0


def test_a_record_without_the_label_is_refused(tmp_path, capsys):
    write_records(tmp_path / "a.tfrecord", [encode({"x": [1.0, 2.0]})])
    given = keras.Input((2,))
    keras.Model(given, given).save(tmp_path / "same.keras")
    find = ["discover", "--data", str(tmp_path / "a.tfrecord")]
    find += ["--model", str(tmp_path / "same.keras")]
    find += ["--embed-with", str(tmp_path / "same.keras")]
    find += ["--feature", "x=float32:2", "--output-dir", str(tmp_path / "run")]
    assert main(find) == 2
    assert "must have the features" in capsys.readouterr().err


def test_a_record_that_is_no_example_is_named_with_its_file(tmp_path, capsys):
    whole = encode({"x": [1.0, 2.0], "label": 1})
    broken = [whole, b"\xff\xff\xff garbage", whole]
    write_records(tmp_path / "a.tfrecord", broken)
    given = keras.Input((2,))
    keras.Model(given, given).save(tmp_path / "same.keras")
    find = ["discover", "--data", str(tmp_path / "a.tfrecord")]
    find += ["--model", str(tmp_path / "same.keras")]
    find += ["--embed-with", str(tmp_path / "same.keras")]
    find += ["--feature", "x=float32:2", "--output-dir", str(tmp_path / "run")]
    for more in ([], ["--sample", "2"]):
        assert main([*find, *more]) == 2
        error = capsys.readouterr().err
        assert "a.tfrecord" in error
        assert "tf.train.Example" in error


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--data", "d"], "pass either --predictions, or --data and --model"),
        (["--predictions", "p", "--phrases", "f"], "go together"),
        (["--accept", "found_0"], "--accept needs --name, --functions"),
        (["--score", "d"], "--score and --scores-dir go together"),
        (["--predictions", "p", "--sample", "5"], "--sample needs --data"),
        (["--predictions", "p", "--", "--runner=R"], "need --score"),
    ],
)
def test_flags_that_do_not_fit_are_refused(tmp_path, capsys, flags, message):
    with pytest.raises(SystemExit):
        main(["discover", "--output-dir", str(tmp_path), *flags])
    assert message in capsys.readouterr().err


def test_phrases_come_from_a_file_and_an_encoder(tmp_path, capsys):
    embeddings, labels, probabilities, inside = planted(rows=1600)
    towards = (embeddings[inside].mean(0) - embeddings.mean(0)).tolist()
    np.savez(
        tmp_path / "p.npz",
        embeddings=embeddings,
        labels=labels,
        probabilities=probabilities,
    )
    (tmp_path / "phrases.txt").write_text("a cat\n\na free gift\n")
    (tmp_path / "joint.py").write_text(
        "import numpy as np\n\n\ndef load():\n"
        f"    towards = np.array({towards})\n"
        "    return lambda texts: np.stack("
        "[towards * (1 if 'gift' in t else -1) for t in texts])\n"
    )
    find = ["discover", "--predictions", str(tmp_path / "p.npz")]
    find += ["--phrases", str(tmp_path / "phrases.txt")]
    find += ["--embed-phrases-with", f"{tmp_path / 'joint.py'}:load"]
    assert main([*find, "--output-dir", str(tmp_path / "run")]) == 0
    assert "like: a free gift; a cat" in capsys.readouterr().out
    facts = json.loads((tmp_path / "run" / "discovered.json").read_text())
    assert facts["slices"][0]["phrases"][0]["text"] == "a free gift"
    (tmp_path / "phrases.txt").write_bytes(b"caf\xe9\n")
    assert main([*find, "--output-dir", str(tmp_path / "latin")]) == 2
    assert "must be UTF-8 text" in capsys.readouterr().err


def test_a_trained_model_predicts_and_embeds(tmp_path):
    model = made(2, seed=1)
    spec = FeatureSpec.parse(["x=float32:6"], "label", 2)
    save_model_directory(tmp_path / "model", model, spec, SCHEMA, {})
    data = str(write_sliced(tmp_path / "data"))
    find = ["discover", "--model", str(tmp_path / "model"), "--data", data]
    find += ["--output-dir", str(tmp_path / "run"), "--score", data]
    assert main([*find, "--scores-dir", str(tmp_path / "scores")]) == 0
    embeddings = np.asarray(model.represent(FEATURES))
    chances = to_probabilities(model(FEATURES)["logits"], 2)
    expected = discover(embeddings, TARGETS["label"], chances)
    found = load_discovery(tmp_path / "run")
    assert [one.size for one in found.slices] == [
        one.size for one in expected.slices
    ]
    assert found.slices
    (shard,) = (tmp_path / "scores").glob("*[!n]")
    scores = [
        decode(record).features.feature["scores"].float_list.value
        for record in read_records(shard)
    ]
    np.testing.assert_allclose(
        scores, found.regions.scores(embeddings), atol=1e-4
    )


def test_an_address_of_tensorflow_hub_embeds(tmp_path, monkeypatch):
    pytest.importorskip("tensorflow_hub")
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "cache"))
    words = save_words(tmp_path / "words")
    with served(words, tmp_path / "www") as url:
        embed = load_encoder(f"{url}/words.tar.gz")
    texts = np.array([text.encode() for text in TEXTS], object)
    np.testing.assert_allclose(
        embed({"text": texts}), mean_of_words(TEXTS), rtol=1e-6
    )


def test_hub_without_tensorflow_hub_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_hub", None)
    with pytest.raises(ImportError, match=r"pip install 'slice-tf\[hub\]'"):
        load_encoder("https://host/module")
