import json
import re

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.testing.util import assert_that

from discovery.planted import planted
from slice_tf.cli import main
from slice_tf.data import decode, encode, read_records, write_records
from slice_tf.discovery import discover, load_discovery, save_discovery
from slice_tf.programs.discover_records import stratified
from slice_tf_beam.transforms.score_slices import ScoreSlices

EMBEDDINGS, LABELS, PROBABILITIES, _ = planted()
FOUND = discover(EMBEDDINGS, LABELS, PROBABILITIES)


@pytest.mark.parametrize("batch_size", [1, 7, 1024])
def test_scores_equal_those_in_memory(tmp_path, batch_size):
    FOUND.regions.save(tmp_path / "regions.npz")
    expected = FOUND.regions.scores(EMBEDDINGS[:60])
    order = np.random.default_rng(0).permutation(60).tolist()

    def check(scored):
        found = dict(scored)
        assert sorted(found) == list(range(60))
        rows = np.stack([found[key] for key in range(60)])
        np.testing.assert_allclose(rows, expected, atol=1e-9)

    with beam.Pipeline() as pipeline:
        keyed = [(key, EMBEDDINGS[key]) for key in order]
        scores = (
            pipeline
            | beam.Create(keyed)
            | ScoreSlices(str(tmp_path / "regions.npz"), batch_size)
        )
        assert_that(scores, check)


def test_batches_must_not_be_empty(tmp_path):
    FOUND.regions.save(tmp_path / "regions.npz")
    with pytest.raises(ValueError, match=r"must be positive.*batch_size=0"):
        ScoreSlices(str(tmp_path / "regions.npz"), 0)


HALVES = """import numpy as np


def load():
    return lambda rows: np.asarray(rows) * 2


class Handler:
    def load_model(self):
        return 2

    def run_inference(self, batch, model):
        return [row * model for row in batch]
"""


@pytest.mark.parametrize("loader", ["load", "Handler"])
def test_rows_are_embedded_where_they_are_scored(tmp_path, loader):
    FOUND.regions.save(tmp_path / "regions.npz")
    (tmp_path / "halves.py").write_text(HALVES)
    expected = FOUND.regions.scores(EMBEDDINGS[:20])

    def check(scored):
        rows = np.stack([row for _, row in sorted(scored, key=lambda r: r[0])])
        np.testing.assert_allclose(rows, expected, atol=1e-6)

    with beam.Pipeline() as pipeline:
        halves = list(enumerate(EMBEDDINGS[:20] / 2))
        encoder = f"{tmp_path / 'halves.py'}:{loader}"
        transform = ScoreSlices(
            str(tmp_path / "regions.npz"), 8, encoder=encoder
        )
        assert_that(pipeline | beam.Create(halves) | transform, check)


def write_shards(directory, names=("a", "b", "c")):
    """Writes the planted rows as float32, in shards of different sizes."""
    directory.mkdir()
    rows = np.split(EMBEDDINGS.astype(np.float32), [10, 700])
    for name, part in zip(names, rows, strict=True):
        records = [encode({"x": row}) for row in part]
        write_records(directory / f"{name}.tfrecord", records)


def score(tmp_path, *more):
    command = ["discover", "--output-dir", str(tmp_path / "run")]
    command += ["--score", str(tmp_path / "raw"), "--feature", "x=float32:12"]
    return main([*command, "--scores-dir", str(tmp_path / "scores"), *more])


def read_scores(directory):
    return np.array(
        [
            decode(record).features.feature["scores"].float_list.value
            for shard in sorted(directory.glob("*.tfrecord"))
            for record in read_records(shard)
        ]
    )


@pytest.mark.parametrize(
    "more",
    [
        pytest.param([], id="here"),
        pytest.param(["--workers", "2"], id="processes"),
        pytest.param(["--", "--runner=FnApiRunner"], id="runner"),
    ],
)
def test_the_command_scores_as_memory_does(tmp_path, capsys, more):
    save_discovery(tmp_path / "run", FOUND)
    write_shards(tmp_path / "raw")
    assert score(tmp_path, *more) == 0
    expected = FOUND.regions.scores(EMBEDDINGS.astype(np.float32))
    found = read_scores(tmp_path / "scores")
    np.testing.assert_allclose(found, expected, atol=1e-6)
    members = (expected >= 0.5).sum(axis=0).tolist()
    told = json.loads((tmp_path / "scores" / "scores.json").read_text())
    assert told == {
        "format_version": 1,
        "regions_fingerprint": FOUND.regions.fingerprint,
        "num_examples": 900,
        "slices": [
            {"name": one.name, "members": many}
            for one, many in zip(FOUND.slices, members, strict=True)
        ],
        "shards": [
            {"name": "a.tfrecord", "num_examples": 10},
            {"name": "b.tfrecord", "num_examples": 690},
            {"name": "c.tfrecord", "num_examples": 200},
        ],
    }
    assert f"{members[0]:,}" in capsys.readouterr().out


def test_an_encoder_embeds_what_the_command_scores(tmp_path):
    save_discovery(tmp_path / "run", FOUND)
    write_shards(tmp_path / "raw")
    (tmp_path / "halves.py").write_text(HALVES)
    encoder = f"{tmp_path / 'halves.py'}:load"
    assert score(tmp_path, "--embed-with", encoder) == 0
    expected = FOUND.regions.scores(2 * EMBEDDINGS.astype(np.float32))
    found = read_scores(tmp_path / "scores")
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_record_without_the_feature_is_named_and_no_summary_left(
    tmp_path, capsys
):
    save_discovery(tmp_path / "run", FOUND)
    write_shards(tmp_path / "raw")
    write_records(tmp_path / "raw" / "d.tfrecord", [encode({"y": 1.0})])
    assert score(tmp_path) == 2
    error = capsys.readouterr().err
    assert "d.tfrecord: Every record must have the features" in error
    assert not (tmp_path / "scores" / "scores.json").exists()


ODD = """import numpy as np


def pooled():
    return lambda rows: np.mean(rows, axis=0, keepdims=True)


def nothing():
    return lambda rows: None


def undefined():
    return lambda rows: np.where(rows > 1, np.nan, rows)
"""


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        ("pooled", "a row for each example.*shape=(1, 12), examples=10"),
        ("nothing", "a row for each example.*shape=(), examples=10"),
        ("undefined", "must be finite, without NaN"),
    ],
)
def test_what_does_not_embed_each_example_is_refused(
    tmp_path, capsys, encoder, message
):
    save_discovery(tmp_path / "run", FOUND)
    write_shards(tmp_path / "raw")
    (tmp_path / "odd.py").write_text(ODD)
    assert (
        score(tmp_path, "--embed-with", f"{tmp_path / 'odd.py'}:{encoder}") == 2
    )
    error = capsys.readouterr().err
    assert "a.tfrecord: " in error
    assert re.search(re.escape(message).replace(r"\.\*", ".*"), error)
    assert not (tmp_path / "scores" / "scores.json").exists()


def test_a_transform_refuses_an_encoder_that_loses_rows(tmp_path):
    FOUND.regions.save(tmp_path / "regions.npz")
    (tmp_path / "odd.py").write_text(ODD)
    transform = ScoreSlices(
        str(tmp_path / "regions.npz"), encoder=f"{tmp_path / 'odd.py'}:pooled"
    )
    rows = list(enumerate(EMBEDDINGS[:20]))
    with (
        pytest.raises(Exception, match="a row for each example"),
        beam.Pipeline() as pipeline,
    ):
        pipeline | beam.Create(rows) | transform


def test_a_stopped_job_continues_with_what_is_missing(tmp_path):
    save_discovery(tmp_path / "run", FOUND)
    write_shards(tmp_path / "raw")
    write_records(tmp_path / "raw" / "d.tfrecord", [encode({"y": 1.0})])
    assert score(tmp_path) == 2
    scores = tmp_path / "scores"
    kept = sorted(scores.glob("*.tfrecord"))
    assert [path.name[0] for path in kept] == ["a", "b", "c"]
    before = [path.stat().st_ino for path in kept]
    last = EMBEDDINGS[:5].astype(np.float32)
    records = [encode({"x": row}) for row in last]
    write_records(tmp_path / "raw" / "d.tfrecord", records)
    assert score(tmp_path) == 0
    assert [path.stat().st_ino for path in kept] == before
    rows = np.concatenate([EMBEDDINGS.astype(np.float32), last])
    expected = FOUND.regions.scores(rows)
    np.testing.assert_allclose(read_scores(scores), expected, atol=1e-6)
    told = json.loads((scores / "scores.json").read_text())
    assert told["num_examples"] == 905
    assert [one["members"] for one in told["slices"]] == (
        (expected >= 0.5).sum(axis=0).tolist()
    )


def test_a_finished_job_scores_nothing_again(tmp_path):
    save_discovery(tmp_path / "run", FOUND)
    write_shards(tmp_path / "raw")
    assert score(tmp_path) == 0
    files = sorted((tmp_path / "scores").glob("*.tfrecord"))
    before = [path.stat().st_ino for path in files]
    told = (tmp_path / "scores" / "scores.json").read_text()
    assert score(tmp_path) == 0
    assert [path.stat().st_ino for path in files] == before
    assert (tmp_path / "scores" / "scores.json").read_text() == told


def test_scores_of_another_encoder_do_not_mix(tmp_path, capsys):
    save_discovery(tmp_path / "run", FOUND)
    write_shards(tmp_path / "raw")
    encoder = tmp_path / "halves.py"
    encoder.write_text(HALVES)
    asked = ["--embed-with", f"{encoder}:load"]
    assert score(tmp_path, *asked) == 0
    encoder.write_text(HALVES.replace("* 2", "* 3"))
    assert score(tmp_path, *asked) == 2
    assert "shards of two jobs do not mix" in capsys.readouterr().err
    # By another name, since this process has imported the first.
    thrice = encoder.rename(tmp_path / "thrice.py")
    asked = ["--embed-with", f"{thrice}:load", "--overwrite"]
    assert score(tmp_path, *asked) == 0
    expected = FOUND.regions.scores(3 * EMBEDDINGS.astype(np.float32))
    found = read_scores(tmp_path / "scores")
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_only_scores_are_overwritten(capsys):
    command = ["--output-dir", "run", "--predictions", "p.npz"]
    with pytest.raises(SystemExit):
        main(["discover", *command, "--overwrite"])
    assert "--overwrite needs --score" in capsys.readouterr().err


def test_a_model_that_cannot_embed_is_refused(tmp_path, capsys):
    save_discovery(tmp_path / "run", FOUND)
    write_shards(tmp_path / "raw")
    assert score(tmp_path, "--model", "some.keras") == 2
    assert "`--embed-with` beside it" in capsys.readouterr().err


def test_scores_never_overwrite(tmp_path, capsys):
    save_discovery(tmp_path / "run", FOUND)
    write_shards(tmp_path / "raw")
    (tmp_path / "scores").mkdir()
    (tmp_path / "scores" / "mine.txt").touch()
    assert score(tmp_path) == 2
    assert "nothing of yours is overwritten" in capsys.readouterr().err


def test_a_run_that_found_nothing_scores_nothing(tmp_path, capsys):
    nothing = discover(EMBEDDINGS, LABELS, np.eye(2)[LABELS])
    save_discovery(tmp_path / "run", nothing)
    write_shards(tmp_path / "raw")
    assert score(tmp_path) == 2
    assert "must be a found slice" in capsys.readouterr().err


def test_a_sample_has_each_class_by_its_share():
    labels = np.repeat([0, 1, 2], [800, 150, 50])
    labels = np.random.default_rng(1).permutation(labels)
    rows = stratified(labels, 100, seed=0)
    assert (np.diff(rows) > 0).all()
    assert np.bincount(labels[rows]).tolist() == [80, 15, 5]
    assert stratified(labels, 2000, seed=0).tolist() == list(range(1000))


def test_slices_found_in_a_sample_score_all_rows(tmp_path):
    """One command: the sample is found in, all of it scored."""
    (tmp_path / "raw").mkdir()
    logits = np.log(PROBABILITIES)
    records = [
        encode({"x": np.float32(row), "p": np.float32(said), "label": int(y)})
        for row, said, y in zip(EMBEDDINGS, logits, LABELS, strict=True)
    ]
    write_records(tmp_path / "raw" / "a.tfrecord", records)
    (tmp_path / "models.py").write_text(
        "def said():\n    return lambda features: features['p']\n\n\n"
        "def x():\n    return lambda features: features['x']\n"
    )
    models = str(tmp_path / "models.py")
    command = ["--feature", "x=float32:12", "--feature", "p=float32:2"]
    command += ["--data", str(tmp_path / "raw"), "--model", f"{models}:said"]
    command += ["--embed-with", f"{models}:x", "--sample", "600"]
    command += ["--output-dir", str(tmp_path / "run")]
    command += ["--score", str(tmp_path / "raw")]
    command += ["--scores-dir", str(tmp_path / "scores")]
    assert main(["discover", *command]) == 0
    run = load_discovery(tmp_path / "run")
    assert run.num_rows == 600
    np.testing.assert_allclose(
        read_scores(tmp_path / "scores"),
        run.regions.scores(EMBEDDINGS.astype(np.float32)),
        atol=1e-6,
    )
