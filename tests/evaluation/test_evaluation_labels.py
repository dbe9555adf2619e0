"""Several labels of one model: evaluated at once, judged at once."""

import dataclasses
from xml.etree import ElementTree

import numpy as np
import pytest

from slice_tf import cli
from slice_tf.evaluation import (
    Acceptance,
    Evaluator,
    GateResult,
    LabelEvaluator,
    Results,
    accept_slices,
    gate,
    gate_of_label,
    load_labels,
    save_labels,
)
from slice_tf.evaluation.multiple import benjamini_hochberg, holm
from slice_tf.report.review import Review
from slice_tf.report.sentence import details, headline
from slice_tf.schema import Slice, SliceSchema

NUM_ROWS, NAMES = 2_000, ("tags[0]", "tags[1]", "tags[2]")
NUM_LABELS = len(NAMES)
RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 2, (NUM_ROWS, NUM_LABELS))
MEMBERSHIP = RNG.integers(0, 2, (NUM_ROWS, 2))
OLD = np.where(RNG.random(LABELS.shape) < 0.9, LABELS, 1 - LABELS) * 0.8 + 0.1
NEW = np.where(RNG.random(LABELS.shape) < 0.9, LABELS, 1 - LABELS) * 0.8 + 0.1


def worse_at_night(num_lost, label=1):
    """The candidate, wrong by one label on some more of the dry nights."""
    scores = OLD.copy()
    right = (OLD > 0.5) == LABELS
    dry_night = (MEMBERSHIP == [1, 0]).all(axis=1)
    rows = np.flatnonzero(right[:, label] & dry_night)[:num_lost]
    scores[rows, label] = 1 - scores[rows, label]
    return scores


def schema(**facts):
    return SliceSchema((Slice("night", **facts), Slice("rain")))


def both(scores, **facts):
    """Results of each label of a baseline and of a candidate beside it."""
    old, new = (LabelEvaluator(schema(**facts), NAMES) for _ in range(2))
    old.add(LABELS, OLD, MEMBERSHIP)
    new.add(LABELS, scores, MEMBERSHIP, baseline_probabilities=OLD)
    return old.results(), new.results()


def test_tests_of_all_labels_are_corrected_for_one_another():
    result = gate(*both(NEW))
    assert [one.full_name for one in result.slices] == [
        f"tags[{i}]/{name}"
        for i in range(NUM_LABELS)
        for name in ("night", "rain", "base")
    ]
    p = [one.p for one in result.slices]
    assert [one.adjusted_p for one in result.slices] == pytest.approx(
        benjamini_hochberg(p)
    )
    alone = [gate(*pair).slices for pair in zip(*both(NEW), strict=True)]
    assert p == pytest.approx([one.p for rows in alone for one in rows])


def test_a_critical_slice_is_corrected_over_all_labels():
    result = gate(*both(NEW, critical=True, margin=0.05))
    critical = [one for one in result.slices if one.critical]
    assert [one.name for one in critical] == ["night"] * NUM_LABELS
    assert [one.adjusted_p for one in critical] == pytest.approx(
        holm([one.p for one in critical])
    )


def test_a_release_fails_by_the_label_that_got_worse_whatever_the_order():
    old, new = both(worse_at_night(60))
    result = gate(old, new)
    assert (result.verdict, result.paired) == ("FAIL", True)
    assert result.reason == "worse in tags[1]/night, tags[1]/base"
    assert result.labels == {
        "tags[0]": "PASS",
        "tags[1]": "FAIL",
        "tags[2]": "PASS",
    }
    again = gate(old[::-1], [new[1], new[2], new[0]])
    key = dataclasses.astuple
    assert sorted(map(key, again.slices), key=str) == sorted(
        map(key, result.slices), key=str
    )
    assert GateResult.from_dict(dataclasses.asdict(result)) == result


def test_what_one_label_alone_would_fail_passes_among_many():
    """Of some drop, the p value is small enough for one label's slices only."""
    for num_lost in range(4, 12):
        old, new = both(worse_at_night(num_lost))
        alone, whole = gate(old[1], new[1]), gate(old, new)
        if (alone.verdict, whole.verdict) == ("FAIL", "PASS"):
            return
    pytest.fail("no such drop")


def test_a_label_keeps_its_rows_and_the_verdicts_of_all():
    result = gate(*both(worse_at_night(60)))
    first = gate_of_label(result, "tags[0]")
    assert (first.verdict, first.labels) == ("PASS", result.labels)
    assert first.slices == result.slices[:3]
    assert gate_of_label(result, "tags[1]").reason == result.reason
    with pytest.raises(ValueError, match=r"judged=tags\[0\], tags\[1\]"):
        gate_of_label(result, "tags[7]")


def test_a_slice_is_accepted_by_one_label():
    old, new = both(worse_at_night(60))
    names = "tags[1]/night", "tags[1]/base"
    taken = [Acceptance(name, "known") for name in names]
    result = gate(old, new, accepted=taken)
    assert (result.verdict, result.labels["tags[1]"]) == ("PASS", "PASS")
    assert [one.full_name for one in result.slices if one.accepted] == [*names]
    for name in ("night", "tags[1]/nigth"):
        with pytest.raises(ValueError, match="of several labels with its"):
            gate(old, new, accepted=[Acceptance(name, "known")])
    # A file of one label knows its slices by their names.
    of_one = gate_of_label(gate(old, new), "tags[1]")
    plain = [Acceptance(name, "known") for name in ("night", "base")]
    assert accept_slices(of_one, plain).verdict == "PASS"


def test_labels_that_do_not_match_are_refused():
    old, new = both(NEW)
    for first, second in ((old[:2], new), (old, new[:1]), (old[:1] * 3, new)):
        with pytest.raises(ValueError, match="by the same labels, each once"):
            gate(first, second)
    model = dataclasses.replace(new[0].model, path="elsewhere")
    other = dataclasses.replace(new[0], model=model)
    with pytest.raises(ValueError, match=r"of the same model.*'elsewhere'"):
        gate(old, [other, *new[1:]])


def test_results_lie_in_a_directory_beside_what_people_wrote(tmp_path):
    _, new = both(NEW)
    save_labels(new * 4, tmp_path / "new")
    assert len(load_labels(tmp_path / "new")) == 4 * NUM_LABELS
    save_labels(new, tmp_path / "few")
    for name in ("review.json", "label_0.audits.json"):
        (tmp_path / "few" / name).write_text("{}")
    assert load_labels(tmp_path / "few") == new
    save_labels(new[:1], tmp_path / "one.json")
    assert load_labels(tmp_path / "one.json") == new[:1]
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"must hold label_0\.json"):
        load_labels(tmp_path / "empty")
    with pytest.raises(ValueError, match=r"a directory.*one\.json, labels=3"):
        save_labels(new, tmp_path / "one.json")


@pytest.fixture
def saved(tmp_path):
    for name, results in zip(
        ("old", "new"), both(worse_at_night(60)), strict=True
    ):
        save_labels(results, tmp_path / name)
    return tmp_path


def run(saved, *more):
    return cli.main(["gate", str(saved / "old"), str(saved / "new"), *more])


def test_the_command_line_judges_all_labels_at_once(saved, capsys):
    out, junit, page = (saved / x for x in ("out", "j.xml", "page.html"))
    flags = [f"--output={out}", f"--junit={junit}", f"--markdown={saved / 'm'}"]
    assert run(saved, *flags) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "FAIL: worse in tags[1]/night, tags[1]/base"
    assert [line.split()[0] for line in lines[2:4]] == [
        "tags[1]/night",
        "tags[1]/base",
    ]
    cases = ElementTree.parse(junit).getroot().findall("testcase")
    assert [case.get("name") for case in cases if case.findall("failure")] == [
        "tags[1]/night",
        "tags[1]/base",
    ]
    assert "| tags[1]/night |" in (saved / "m").read_text()
    told = [headline(one) for one in load_labels(out)]
    assert told[0] == (
        "By tags[0], no slice is shown to be worse in accuracy, but the gate "
        "says FAIL by tags[1]."
    )
    assert told[1].startswith("By tags[1], the candidate should not replace")
    first = load_labels(out)[0]
    assert "corrected for 9 tests" in details(first)[1]
    assert details(first)[2] == (
        "3 labels were judged together by the gate: FAIL by tags[1]."
    )
    assert cli.main(["report", str(out), f"--output={page}"]) == 0
    assert capsys.readouterr().out.splitlines() == told


def test_a_review_accepts_by_label(saved, capsys):
    review = Review()
    worse = Results.load(saved / "new" / "label_1.json")
    for name in ("night", "base"):
        review.write("accepted", "label_1.json", worse, name, "is known")
    review.save(saved)
    assert run(saved, f"--review={saved / 'review.json'}") == 0
    assert "FAIL, accepted" in capsys.readouterr().out


def columns(rows=slice(None)):
    """What an evaluator is given, with everything that there can be."""
    rng = np.random.default_rng(1)
    return {
        name: value[rows]
        for name, value in {
            "known": (rng.random(MEMBERSHIP.shape) < 0.9).astype(int),
            "weights": rng.random(NUM_ROWS) + 0.5,
            "clusters": rng.integers(0, 50, NUM_ROWS),
            "indicator_logits": rng.normal(size=MEMBERSHIP.shape),
        }.items()
    }


def test_each_label_is_evaluated_as_it_is_alone():
    given = {"weighted": True, "clustered": True}
    parts = [LabelEvaluator(schema(), NAMES, **given) for _ in range(2)]
    for part, rows in zip(parts, (slice(700), slice(700, None)), strict=True):
        part.add(
            LABELS[rows],
            NEW[rows],
            MEMBERSHIP[rows],
            **columns(rows),
            baseline_probabilities=OLD[rows],
        )
    parts[0].results()  # May be asked in between.
    parts[0].merge(parts[1])
    for i, found in enumerate(parts[0].results(data_path="here")):
        alone = Evaluator(schema(), 2, **given)
        now, before = (np.stack([1 - x, x], 1) for x in (NEW[:, i], OLD[:, i]))
        alone.add(
            LABELS[:, i],
            now,
            MEMBERSHIP,
            **columns(),
            baseline_probabilities=before,
        )
        expected = alone.results(data_path="here", label=NAMES[i])
        assert found == expected


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"labels": LABELS[:, :2]}, r"`labels` must be of shape \(any, 3\)"),
        ({"labels": LABELS + 1}, r"`labels` must lie in \[0, 2\)"),
        ({"probabilities": NEW + 1}, r"\[0, 1\], each by itself"),
        ({"baseline_probabilities": OLD * np.nan}, "`baseline_probabilities`"),
        ({"membership": MEMBERSHIP[:5]}, "`membership` must be of shape"),
        ({"weights": np.ones(NUM_ROWS)}, "`weights` must come with every"),
    ],
)
def test_bad_values_are_refused_before_a_label_is_counted(changed, message):
    counts = LabelEvaluator(schema(), NAMES)
    given = {"labels": LABELS, "probabilities": NEW, "membership": MEMBERSHIP}
    with pytest.raises(ValueError, match=message):
        counts.add(**{**given, **changed})
    assert all(not one.counts.num_examples for one in counts.evaluators)


def test_counts_of_other_labels_do_not_merge():
    first = LabelEvaluator(schema(), ["a", "b"])
    with pytest.raises(ValueError, match=r"names=\['a', 'b'\] and \['a'\]"):
        first.merge(LabelEvaluator(schema(), ["a"]))


@pytest.mark.parametrize("names", [[], ["a", "a"]])
def test_labels_are_told_apart(names):
    with pytest.raises(ValueError, match="a name of its own"):
        LabelEvaluator(schema(), names)
