import json

import numpy as np
import pytest

from discovery.planted import planted
from slice_tf.cli import main
from slice_tf.data import encode, read_membership, read_records, write_records
from slice_tf.discovery import (
    DominoSlicer,
    MixtureSlicer,
    Regions,
    accept,
    discover,
    load_discovery,
    load_regions,
    save_discovery,
    with_examples,
)
from slice_tf.discovery.held_out import halves, measure, shrink


def found_in(problem):
    embeddings, labels, probabilities, _ = problem
    return discover(embeddings, labels, probabilities)


PROBLEM = planted(rows=1600)
FOUND = found_in(PROBLEM)


def write_predictions(path, embeddings, labels, probabilities):
    np.savez(
        path, embeddings=embeddings, labels=labels, probabilities=probabilities
    )
    return str(path)


def test_a_planted_slice_holds_up_with_its_error_rate_in_the_interval():
    first = FOUND.slices[0]
    assert first.holds_up
    assert first.low <= 0.7 <= first.high
    assert first.rest_error_rate == pytest.approx(0.04, abs=0.03)


def test_a_slice_is_counted_among_held_out_rows_of_its_label():
    embeddings, labels, probabilities, _ = PROBLEM
    wrong = probabilities.argmax(axis=1) != labels
    _, held_out = halves(wrong, FOUND.seed)
    for place, one in enumerate(FOUND.slices):
        region = FOUND.regions.members(embeddings)[held_out, place]
        own = labels[held_out] == one.label
        inside, outside = (
            wrong[held_out][own & where] for where in (region, ~region)
        )
        assert [one.size, one.error_rate, one.rest_error_rate] == [
            len(inside),
            pytest.approx(inside.mean()),
            pytest.approx(outside.mean()),
        ]
        assert [
            one.region_size,
            one.region_error_rate.value,
            one.region_rest_error_rate,
        ] == [
            region.sum(),
            pytest.approx(wrong[held_out][region].mean()),
            pytest.approx(wrong[held_out][~region].mean()),
        ]
        assert one.low < one.error_rate < one.high
        assert one.holds_up == (
            one.low > one.rest_error_rate
            or one.region_error_rate.low > one.region_rest_error_rate
        )


def test_nothing_holds_up_where_nothing_lies_elsewhere():
    given = PROBLEM[:3]
    whole = MixtureSlicer(num_components=1).fit(*given)
    regions = Regions(whole.projection_, (whole.mixture_,), [[0, 0]])
    (one,) = measure(regions, [("found_0", 1, 0.4)], *given, seed=0).slices
    assert [one.rest_error_rate, one.region_rest_error_rate] == [None, None]
    assert not one.holds_up


def test_the_rows_shown_are_errors_of_the_slice():
    _, labels, probabilities, inside = PROBLEM
    first = FOUND.slices[0]
    shown = list(first.nearest)
    assert len(set(shown)) == 10
    assert inside[shown].all()
    assert (labels[shown] == first.label).all()
    assert (probabilities[shown].argmax(axis=1) != labels[shown]).all()


def test_no_region_is_reported_twice():
    embeddings, labels, probabilities, _ = planted(rows=400, classes=3)
    found = discover(embeddings, labels, probabilities)
    places = found.regions.places.tolist()
    assert len({tuple(place) for place in places}) == len(places)


def test_slices_of_errors_by_chance_do_not_hold_up():
    embeddings, labels, _, _ = PROBLEM
    rng = np.random.default_rng(3)
    chance = np.where(rng.random(len(labels)) < 0.1, 0.3, 0.9)
    probabilities = np.where(labels == 1, chance, 1 - chance)
    found = discover(embeddings, labels, probabilities)
    assert sum(one.holds_up for one in found.slices) <= 1


def test_shrinkage_moves_small_slices_furthest_and_empty_ones_all_the_way():
    errors, sizes = np.array([5, 50, 0]), np.array([10, 100, 0])
    small, large, empty = shrink(errors, sizes, usual=0.1)
    assert 0.1 < small < large < 0.5
    assert empty == pytest.approx(0.1)


def test_shrinkage_is_towards_each_slices_own_usual_rate():
    usual = np.array([0.1, 0.3, 0.2])
    errors, sizes = np.array([5, 50, 0]), np.array([10, 100, 0])
    found = shrink(errors, sizes, usual)
    rates = np.array([0.5, 0.5, 0.0])
    chance = usual * (1 - usual)
    between = (sizes * (rates - usual) ** 2 - chance).sum() / 110
    kept = between / (between + chance[:2] / sizes[:2])
    expected = [*(usual[:2] + kept * (rates - usual)[:2]), 0.2]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_saved_run_is_read_back_the_same(tmp_path):
    save_discovery(tmp_path, FOUND)
    again = load_discovery(tmp_path)
    assert again.slices == FOUND.slices
    np.testing.assert_array_equal(
        again.regions.scores(PROBLEM[0]), FOUND.regions.scores(PROBLEM[0])
    )
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        "discovered.json",
        "regions.npz",
    ]


def test_regions_of_another_run_are_refused(tmp_path):
    save_discovery(tmp_path, FOUND)
    with pytest.raises(ValueError, match="those that the slicing function"):
        load_regions(str(tmp_path / "regions.npz"), "0" * 16)


def test_embeddings_of_another_encoder_are_refused():
    with pytest.raises(ValueError, match="encoder that the slices were found"):
        FOUND.regions.scores(np.zeros((2, 3)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_row_that_is_not_finite_lies_nowhere_and_is_named(value):
    rows = PROBLEM[0][:5].copy()
    rows[3, 2] = value
    message = r"must be finite.*Received: row=3, rows=5"
    for ask in (FOUND.regions.scores, FOUND.regions.members):
        with pytest.raises(ValueError, match=message):
            ask(rows)


def test_no_rows_are_in_no_slice():
    none = FOUND.regions.members(np.zeros((0, 12)))
    assert none.shape == (0, len(FOUND.slices))


def test_nothing_found_is_saved_and_read_as_nothing(tmp_path):
    embeddings, labels, _, _ = PROBLEM
    nothing = discover(embeddings, labels, np.eye(2)[labels])
    save_discovery(tmp_path, nothing)
    assert load_discovery(tmp_path).slices == ()
    assert isinstance(load_discovery(tmp_path).regions, Regions)


@pytest.mark.parametrize(
    "seed", [None, np.random.default_rng(0), np.random.RandomState(0)]
)
def test_halves_must_be_drawn_again_alike(seed):
    """Else rows that helped to find a slice would measure it."""
    message = r"`random_state` must be a whole number.*Received: random_state="
    with pytest.raises(ValueError, match=message):
        discover(*PROBLEM[:3], MixtureSlicer(random_state=seed))


def test_a_seed_of_numpy_is_saved(tmp_path):
    slicer = MixtureSlicer(random_state=np.int64(3))
    save_discovery(tmp_path, discover(*PROBLEM[:3], slicer))
    assert load_discovery(tmp_path).seed == 3


def test_a_slicer_without_regions_is_refused():
    message = "must be a MixtureSlicer.*Received: slicer=DominoSlicer"
    with pytest.raises(TypeError, match=message):
        discover(*PROBLEM[:3], DominoSlicer())


def test_a_negative_seed_is_refused(tmp_path, capsys):
    predictions = write_predictions(tmp_path / "p.npz", *PROBLEM[:3])
    run = ["discover", "--predictions", predictions, "--seed", "-1"]
    assert main([*run, "--output-dir", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert "whole number from 0" in error
    assert "Received: random_state=-1" in error


def test_one_row_is_refused():
    with pytest.raises(ValueError, match=r"two rows at least.*rows=1"):
        discover(np.zeros((1, 2)), [0], [0.9])


def test_an_accepted_slice_is_applied_as_it_was_written(tmp_path, capsys):
    embeddings, labels, probabilities, inside = PROBLEM
    run, functions = tmp_path / "run", tmp_path / "hard.py"
    predictions = write_predictions(
        tmp_path / "predictions.npz", embeddings, labels, probabilities
    )
    (tmp_path / "raw").mkdir()
    write_records(
        tmp_path / "raw" / "part-0.tfrecord",
        [encode({"x": row.astype(np.float32)}) for row in embeddings],
    )
    found = ["discover", "--predictions", predictions, "--output-dir", str(run)]
    assert main(found) == 0
    assert "found_0" in capsys.readouterr().out
    accepted = ["discover", "--output-dir", str(run), "--accept", "found_0"]
    accepted += ["--name", "hard", "--feature", "x"]
    assert main([*accepted, "--functions", str(functions)]) == 0
    sliced = tmp_path / "sliced"
    applied = ["apply", "--input", str(tmp_path / "raw" / "*.tfrecord")]
    applied += ["--slices", str(functions), "--output-dir", str(sliced)]
    assert main(applied) == 0
    records = read_records(sliced / "part-0.tfrecord")
    membership = [read_membership(record, 1)[0][0] for record in records]
    expected = load_discovery(run).regions.member(
        embeddings.astype(np.float32), 0
    )
    np.testing.assert_array_equal(membership, expected)
    assert inside[np.array(membership) == 1].mean() > 0.9


@pytest.mark.parametrize("name", ["hard", "np", "load", "regions", "far"])
def test_the_written_test_passes(tmp_path, name):
    save_discovery(tmp_path / "run", FOUND)
    _, test = accept(
        tmp_path / "run", "found_0", name, "x", tmp_path / "functions.py"
    )
    names: dict = {}
    exec(compile(test.read_text(), str(test), "exec"), names)
    names["test_regions_are_those_of_the_run"]()


def test_an_encoder_stands_between_feature_and_regions(tmp_path):
    from slice_tf.slicing import Row, apply_functions, load

    save_discovery(tmp_path / "run", FOUND)
    (tmp_path / "halves.py").write_text(
        "def load():\n    return lambda rows: rows * 2\n"
    )
    path, _ = accept(
        tmp_path / "run",
        "found_0",
        "hard",
        "half",
        tmp_path / "encoded.py",
        encoder=f"{tmp_path / 'halves.py'}:load",
    )
    rows = PROBLEM[0][:50].astype(np.float32)
    votes = apply_functions(
        load(str(path)), [Row.from_mapping({"half": row / 2}) for row in rows]
    )
    np.testing.assert_array_equal(
        votes.membership[:, 0], FOUND.regions.member(rows, 0)
    )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"found": "found_9"}, "among those found.*found_9"),
        ({"name": "Hard slice"}, "lower-case letters.*Hard slice"),
        ({"name": "class"}, "lower-case letters.*no word of Python's.*class"),
        ({"name": "base"}, "name='base'"),
        ({"name": "words_of"}, "name='words_of'"),
        ({"encoder": "load"}, "named as `module:function`.*encoder='load'"),
        ({"output": "old.py"}, "never overwritten.*old.py"),
    ],
)
def test_what_cannot_be_accepted_is_refused(tmp_path, changed, message):
    save_discovery(tmp_path / "run", FOUND)
    (tmp_path / "old.py").touch()
    given = {"found": "found_0", "name": "hard", "output": "new.py", **changed}
    given["output"] = tmp_path / given["output"]
    with pytest.raises(ValueError, match=message):
        accept(tmp_path / "run", feature="x", **given)


def test_an_encoder_without_a_feature_is_refused(capsys):
    accepted = ["discover", "--output-dir", "run", "--accept", "found_0"]
    accepted += ["--name", "hard", "--functions", "hard.py"]
    with pytest.raises(SystemExit):
        main([*accepted, "--encoder", "embed:load"])
    assert "--encoder needs --feature" in capsys.readouterr().err


def test_a_run_without_errors_says_so(tmp_path, capsys):
    embeddings, labels, _, _ = PROBLEM
    predictions = write_predictions(
        tmp_path / "p.npz", embeddings, labels, np.eye(2)[labels]
    )
    run = ["discover", "--predictions", predictions]
    assert main([*run, "--output-dir", str(tmp_path / "run")]) == 0
    assert "Nothing to find" in capsys.readouterr().out
    facts = json.loads((tmp_path / "run" / "discovered.json").read_text())
    assert facts["slices"] == []


def one_array(path):
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


def texts_as_objects(path):
    given = dict(
        zip(("embeddings", "labels", "probabilities"), PROBLEM, strict=False)
    )
    np.savez(path, **given, text=np.array(["a"] * 1600, object))


@pytest.mark.parametrize("kind", ["datetime64[D]", np.complex64])
def test_what_nobody_can_be_shown_is_refused(kind):
    _, *predicted, _ = PROBLEM
    message = r"must be numbers, texts or images.*feature='day', dtype="
    with pytest.raises(ValueError, match=message):
        with_examples(FOUND, {"day": np.arange(1600).astype(kind)}, *predicted)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda path: path.touch(), "must be an .npz file"),
        (lambda path: path.write_text("text"), "must be an .npz file"),
        (lambda path: path.write_bytes(b"PK\x03\x04"), "must be an .npz file"),
        (lambda path: None, "which is nothing"),
        (one_array, "which is another kind of file"),
        (texts_as_objects, "Received: array=text"),
    ],
)
def test_files_of_something_else_are_refused(tmp_path, capsys, write, message):
    write(tmp_path / "p.npz")
    run = ["discover", "--predictions", str(tmp_path / "p.npz")]
    run += ["--describe", "text", "--output-dir", str(tmp_path / "run")]
    assert main(run) == 2
    assert message in capsys.readouterr().err


def test_predictions_without_embeddings_are_refused(tmp_path, capsys):
    np.savez(tmp_path / "p.npz", labels=[0])
    run = ["discover", "--predictions", str(tmp_path / "p.npz")]
    assert main([*run, "--output-dir", str(tmp_path)]) == 2
    assert "missing=embeddings" in capsys.readouterr().err
