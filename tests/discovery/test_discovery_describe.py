import numpy as np
import pytest

from discovery.planted import planted
from slice_tf.cli import main
from slice_tf.data import encode, read_membership, read_records, write_records
from slice_tf.discovery import (
    Condition,
    accept_rule,
    discover,
    load_discovery,
    save_discovery,
    split_slice,
    with_phrases,
    with_rules,
)
from slice_tf.discovery.condition import conditions_of, words_of
from slice_tf.discovery.rule import Separation, best_conditions, separation
from slice_tf.slicing import Row, load

EMBEDDINGS, LABELS, PROBABILITIES, INSIDE = planted(rows=1600)
FOUND = discover(EMBEDDINGS, LABELS, PROBABILITIES)
RNG = np.random.default_rng(5)
COLUMNS = {
    "text": np.where(INSIDE, "A free gift", "So many words"),
    "length": np.where(INSIDE, 30.0, 10.0) + RNG.normal(0, 1, len(INSIDE)),
    "noise": RNG.normal(size=len(INSIDE)),
}
GIVEN = EMBEDDINGS, LABELS, PROBABILITIES


def test_a_rule_says_what_a_planted_slice_is_on_held_out_rows():
    first = with_rules(FOUND, COLUMNS, *GIVEN).slices[0]
    assert first.rule is not None
    assert [one.feature for one in first.rule.conditions] in (
        ["text"],
        ["length"],
    )
    assert first.rule.precision.low > 0.9
    assert first.rule.recall.low > 0.9
    assert first.rule.error_rate.low < 0.7 < first.rule.error_rate.high
    named = {one.condition.split()[0] for one in first.separations}
    assert named == {"text", "length"}


def test_a_separation_is_the_ratio_of_shares_with_half_a_row_more():
    inside = np.array([True] * 10 + [False] * 40)
    truth = np.array([True] * 8 + [False] * 2 + [True] * 4 + [False] * 36)
    told = separation(Condition("x", "is", 1), truth, inside)
    assert (told.condition, told.inside, told.outside) == ("x is 1", 0.8, 0.1)
    lift = (8.5 / 10.5) / (4.5 / 40.5)
    spread = np.sqrt(1 / 8.5 - 1 / 10.5 + 1 / 4.5 - 1 / 40.5)
    assert told.lift == pytest.approx(lift)
    assert told.low == pytest.approx(lift * np.exp(-1.959964 * spread))
    assert told.high == pytest.approx(lift * np.exp(1.959964 * spread))
    assert str(told) == "x is 1: 7.3 times as often (2.9 - 18.3)"


def test_a_separation_that_held_out_rows_do_not_bear_out_says_so():
    told = Separation("x is 1", 0.3, 0.2, 1.5, 0.9, 2.5)
    words = "x is 1: 1.5 times as often (0.9 - 2.5, may be chance)"
    assert str(told) == words


def test_the_shortest_conjunction_that_fits_is_chosen():
    a, b, c = np.array(
        [[1, 1, 1, 1, 0, 0, 0, 0], [1, 1, 0, 0, 1, 1, 0, 0], [1] * 8], bool
    )
    assert best_conditions(np.stack([a, b, c]), a & b) == (0, 1)
    assert best_conditions(np.stack([b, c, a]), a) == (2,)
    assert best_conditions(np.stack([c]), a) == ()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array(["b", "a", "b"]), ["f is 'a'", "f is 'b'"]),
        (np.array([b"b", b"a", b"b"]), ["f is 'a'", "f is 'b'"]),
        (np.array([True, False, True]), ["f is 0", "f is 1"]),
        (np.zeros((3, 2)), []),
        (np.full(3, np.nan), []),
    ],
)
def test_each_kind_of_column_offers_its_tests(values, expected):
    inside = np.array([True, False, True])
    found = conditions_of("f", values, inside)
    assert list(map(str, found)) == expected


def test_long_texts_offer_the_words_that_rows_inside_share():
    rows = np.array([f"Rare{k} night, sky" for k in range(60)])
    found = conditions_of("f", rows, np.arange(60) < 30)
    assert list(map(str, found)) == [
        "f has the word 'night'",
        "f has the word 'sky'",
    ]
    assert found[0].holds(np.array(["at NIGHT", "nightly"])).tolist() == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    ("condition", "row"),
    [
        (Condition("f", "is", 'it\'s "so"'), {"f": 'it\'s "so"'}),
        (Condition("f", "is", 3), {"f": 3}),
        (Condition("f", "at_least", 2.5), {"f": 2.5}),
        (Condition("f", "below", 2.5), {"f": 2.0}),
        (Condition("f", "has_word", "night"), {"f": "At night."}),
    ],
)
def test_written_code_agrees_with_the_condition(condition, row):
    names = {"row": Row.from_mapping(row), "words_of": words_of}
    assert eval(condition.code(), names)
    assert condition.holds(np.array([row["f"]])).all()


@pytest.mark.parametrize("digits", [1, 2, 7])
def test_a_threshold_parts_values_alike_in_memory_and_in_records(digits):
    """Records hold float32, columns often float64: 0.7 is above its float32."""
    rng = np.random.default_rng(0)
    values = np.round(rng.normal(size=400), digits)
    values[rng.random(400) < 0.2] = values.min()
    rows = [Row.from_mapping({"f": one}) for one in values.astype(np.float32)]
    found = conditions_of("f", values, values > 0)
    assert len(found) > 8
    for one in found:
        code = compile(one.code(), one.code(), "eval")
        in_records = [eval(code, {"row": row}) for row in rows]
        assert one.holds(values).tolist() == in_records, str(one)
        assert one.holds(values.astype(np.float32)).tolist() == in_records


def test_numbers_beyond_float32_are_parted_as_they_are():
    values = np.linspace(-1e300, 1e300, 99)
    found = conditions_of("f", values, values > 0)
    assert len(found) == 38
    assert all(np.isfinite(one.value) for one in found)


def test_one_long_text_takes_no_memory_of_the_others():
    """As an array of NumPy's own texts these would be 200 GB."""
    rows = np.array(
        [b"a gift", b"plain"] * 2500 + [b"long " * 2_000_000], object
    )
    inside = np.arange(len(rows)) % 2 == 0
    found = conditions_of("f", rows, inside)
    assert str(found[0]).startswith("f is 'a gift'")
    assert found[0].holds(rows).sum() == 2500
    rule = Condition("f", "has_word", "gift")
    assert rule.holds(rows).sum() == 2500


@pytest.mark.parametrize(
    ("word", "expected"),
    [("gift", [1, 1, 1, 0, 0, 0]), ("ünder", [0, 0, 0, 1, 0, 0])],
)
def test_a_word_is_found_whole_wherever_it_stands(word, expected):
    rows = ["gift", "A GIFT!", "(gift)-box", "ÜNDER a gifted", "re_gift", ""]
    told = Condition("f", "has_word", word)
    assert told.holds(np.array(rows)).tolist() == expected
    assert [word in words_of(one) for one in rows] == expected


def test_functions_separate_but_make_no_rule():
    votes = {"gifts": INSIDE.astype(int)}
    first = with_rules(FOUND, {}, *GIVEN, votes).slices[0]
    assert first.rule is None
    assert [one.condition for one in first.separations] == ["gifts is 1"]


def test_a_column_must_have_a_value_a_row():
    with pytest.raises(ValueError, match=r"one value a row.*'x'.*\(3,\)"):
        with_rules(FOUND, {"x": np.zeros(3)}, *GIVEN)


def test_an_accepted_rule_is_applied_as_it_was_written(tmp_path, capsys):
    np.savez(
        tmp_path / "p.npz",
        embeddings=EMBEDDINGS,
        labels=LABELS,
        probabilities=PROBABILITIES,
        **COLUMNS,
    )
    (tmp_path / "raw").mkdir()
    write_records(
        tmp_path / "raw" / "part-0.tfrecord",
        [
            encode({name: COLUMNS[name][row] for name in COLUMNS})
            for row in range(len(INSIDE))
        ],
    )
    run, functions = tmp_path / "run", tmp_path / "gifts.py"
    find = ["discover", "--predictions", str(tmp_path / "p.npz")]
    find += ["--output-dir", str(run)]
    assert main([*find, "--describe", "text", "--describe", "length"]) == 0
    assert "rule: " in capsys.readouterr().out
    accepted = ["discover", "--output-dir", str(run), "--accept", "found_0"]
    accepted += ["--name", "gifts", "--functions", str(functions)]
    assert main(accepted) == 0
    applied = ["apply", "--input", str(tmp_path / "raw" / "*.tfrecord")]
    applied += ["--slices", str(functions)]
    applied += ["--output-dir", str(tmp_path / "sliced")]
    assert main(applied) == 0
    records = read_records(tmp_path / "sliced" / "part-0.tfrecord")
    membership = [read_membership(record, 1)[0][0] for record in records]
    rule = load_discovery(run).slices[0].rule
    assert rule is not None
    np.testing.assert_array_equal(membership, rule.holds(COLUMNS))
    names: dict = {}
    written = (tmp_path / "test_gifts.py").read_text()
    exec(compile(written, "test_gifts.py", "exec"), names)
    names["test_the_rule_reads_its_features"]()


def test_a_rule_of_several_slices_holds_where_any_does(tmp_path):
    both = with_rules(FOUND, COLUMNS, *GIVEN)
    assert len(both.slices) > 1
    save_discovery(tmp_path / "run", both)
    names = [one.name for one in both.slices[:2]]
    path, _ = accept_rule(tmp_path / "run", names, "any", tmp_path / "any.py")
    (function,) = load(str(path))
    expected = np.any([one.rule.holds(COLUMNS) for one in both.slices[:2]], 0)
    for row in range(50):
        values = {name: COLUMNS[name][row] for name in COLUMNS}
        assert function(Row.from_mapping(values)) == expected[row]


def test_a_slice_without_a_rule_cannot_be_accepted_as_one(tmp_path):
    save_discovery(tmp_path, FOUND)
    with pytest.raises(ValueError, match=r"must have a rule.*found_0"):
        accept_rule(tmp_path, "found_0", "hard", tmp_path / "hard.py")


def test_a_split_slice_is_two_that_hold_its_rows_between_them():
    split = split_slice(FOUND, "found_0", *GIVEN)
    names = [one.name for one in split.slices]
    assert names[:2] == ["found_0_a", "found_0_b"]
    assert names[2:] == [one.name for one in FOUND.slices[1:]]
    before = FOUND.regions.scores(EMBEDDINGS)
    after = split.regions.scores(EMBEDDINGS)
    np.testing.assert_allclose(after[:, 2:], before[:, 1:])
    parts = split.regions.member(EMBEDDINGS, (0, 1))
    assert (parts | ~FOUND.regions.member(EMBEDDINGS, 0)).mean() > 0.95
    assert min(one.size for one in split.slices[:2]) > 0


def test_a_slice_to_split_must_be_there():
    with pytest.raises(ValueError, match=r"to be split.*found_9"):
        split_slice(FOUND, "found_9", *GIVEN)


def test_the_phrase_that_lies_in_a_slice_comes_first():
    towards = EMBEDDINGS[INSIDE].mean(0) - EMBEDDINGS[LABELS == 0].mean(0)
    space = {"a free gift": towards, "a cat": -towards, "rain": 0 * towards}
    told = with_phrases(
        FOUND, list(space), lambda texts: [space[t] for t in texts], *GIVEN
    )
    phrases = told.slices[0].phrases
    assert [one.text for one in phrases] == ["a free gift", "rain", "a cat"]
    assert phrases[0].score > 0.9


@pytest.mark.parametrize(
    ("phrases", "message"),
    [([], "candidate phrases"), (["a"], r"embedded where.*\(1, 3\)")],
)
def test_phrases_that_cannot_be_compared_are_refused(phrases, message):
    with pytest.raises(ValueError, match=message):
        with_phrases(FOUND, phrases, lambda t: np.zeros((len(t), 3)), *GIVEN)


def test_what_was_said_of_a_slice_is_read_back_the_same(tmp_path):
    told = with_rules(FOUND, COLUMNS, *GIVEN)
    told = with_phrases(told, ["a"], lambda _: EMBEDDINGS[:1], *GIVEN)
    save_discovery(tmp_path, told)
    assert load_discovery(tmp_path).slices == told.slices
