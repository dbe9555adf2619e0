import dataclasses
from xml.etree import ElementTree

import numpy as np
import pytest

from slice_tf.evaluation import Acceptance, ModelFacts, Results, evaluate, gate
from slice_tf.evaluation.gate_reports import (
    gate_junit,
    gate_markdown,
    gate_table,
)
from slice_tf.evaluation.intervals import mcnemar_one_sided
from slice_tf.schema import Slice, SliceSchema

NUM_ROWS = 4_000
GROUPS = np.arange(NUM_ROWS) % 4  # night, rain, and two thirds of nothing
MEMBERSHIP = np.stack([GROUPS == 0, GROUPS == 1, np.arange(NUM_ROWS) < 10], 1)
LABELS = np.arange(NUM_ROWS) // 4 % 2


def schema(**facts):
    return SliceSchema(
        tuple(Slice(n, **facts.get(n, {})) for n in ("night", "rain", "tiny"))
    )


def guesses(wrong_at_night=0, offset=0):
    """Right but for every tenth example, and for some more at night."""
    wrong = (np.arange(NUM_ROWS) // 4 + 2 * offset) % 10 == 0
    night = np.flatnonzero(GROUPS == 0)
    wrong[night[:wrong_at_night]] = True
    return np.where(wrong, 1 - LABELS, LABELS)


def both(wrong_at_night=0, paired=True, **facts):
    """Results of a baseline, and of a candidate beside it or alone."""
    before, after = np.eye(2)[guesses()], np.eye(2)[guesses(wrong_at_night, 1)]
    old = evaluate(LABELS, before, MEMBERSHIP, schema(**facts))
    new = evaluate(
        LABELS,
        after,
        MEMBERSHIP,
        schema(**facts),
        baseline_probabilities=before if paired else None,
    )
    return old, new


def verdicts(result):
    return {one.name: one.verdict for one in result.slices}


def test_equal_models_pass_and_tiny_slices_have_too_few():
    result = gate(*both())
    assert (result.verdict, result.exit_status) == ("PASS", 0)
    assert verdicts(result) == {
        "night": "PASS",
        "rain": "PASS",
        "tiny": "NOT_ENOUGH_DATA",
        "base": "PASS",
    }
    assert result.reason == (
        "no slice is shown to be worse; 1 with too few to tell"
    )


@pytest.mark.parametrize("paired", [True, False])
def test_a_slice_that_got_worse_fails(paired):
    result = gate(*both(200, paired))
    assert (result.verdict, result.exit_status) == ("FAIL", 1)
    assert result.paired == paired
    night = result.slices[0]
    assert night.verdict == "FAIL"
    assert night.difference.value == pytest.approx(-0.18)
    assert night.adjusted_p < 1e-6
    assert verdicts(result)["rain"] == "PASS"


def test_pairing_finds_what_two_separate_results_do_not():
    before = np.eye(2)[guesses()]
    worse = guesses().copy()
    worse[np.flatnonzero((GROUPS == 0) & (worse == LABELS))[:20]] ^= 1
    after = np.eye(2)[worse]
    old = evaluate(LABELS, before, MEMBERSHIP, schema())
    alone = evaluate(LABELS, after, MEMBERSHIP, schema())
    beside = evaluate(
        LABELS, after, MEMBERSHIP, schema(), baseline_probabilities=before
    )
    assert verdicts(gate(old, alone))["night"] == "PASS"
    assert verdicts(gate(old, beside))["night"] == "FAIL"


def test_a_margin_is_tolerated_whether_of_the_schema_or_of_the_call():
    drop = 40
    assert verdicts(gate(*both(drop)))["night"] == "FAIL"
    assert verdicts(gate(*both(drop), margin=0.1))["night"] == "PASS"
    by_schema = gate(*both(drop, night={"margin": 0.1}))
    assert verdicts(by_schema)["night"] == "PASS"
    assert [one.margin for one in by_schema.slices] == [0.1, 0, 0, 0]


def test_a_critical_slice_must_be_shown_not_to_be_worse():
    for margin, verdict in ((0.005, "NOT_ENOUGH_DATA"), (0.06, "PASS")):
        result = gate(*both(night={"critical": True, "margin": margin}))
        assert verdicts(result)["night"] == verdict == result.verdict
    assert result.slices[0].reason == "a drop beyond 6.0 points is excluded"


def test_a_tiny_critical_slice_is_not_enough_data():
    result = gate(*both(tiny={"critical": True, "margin": 0.1}))
    assert (result.verdict, result.exit_status) == ("NOT_ENOUGH_DATA", 3)
    assert result.reason == "undecided in tiny"


def test_strict_asks_for_data_in_every_slice():
    assert gate(*both(), strict=True).exit_status == 3


def test_an_accepted_slice_fails_but_not_the_gate():
    accepted = [Acceptance("night", "known, fixed next week")]
    result = gate(*both(40), accepted=accepted)
    assert result.verdict == "PASS"
    assert result.slices[0].verdict == "FAIL"
    assert result.slices[0].accepted == "known, fixed next week"
    assert "1 accepted" in result.reason


def test_accepting_takes_a_slice_and_a_reason():
    with pytest.raises(ValueError, match=r"was compared.*slice='fog'"):
        gate(*both(), accepted=[Acceptance("fog", "why not")])
    with pytest.raises(ValueError, match="come with a reason"):
        gate(*both(), accepted=[Acceptance("night", " ")])


def test_smallest_drop_is_found_four_times_in_five():
    """Simulated: pairs of verdicts with that very drop."""
    old, new = both()
    result = gate(old, new)
    night = result.slices[0]
    cells = np.array(new["night"].comparison.cells) / 1_000
    drop = night.smallest_drop
    changed = cells[0, 1] + cells[1, 0]
    shares = [0.1, (changed - drop) / 2, (changed + drop) / 2, 0.9 - changed]
    rng = np.random.default_rng(0)
    found = 0
    for _, won, lost, _ in rng.multinomial(1_000, shares, 500).tolist():
        found += mcnemar_one_sided(won, lost) <= 0.05 / 3
    assert 0.7 < found / 500 < 0.9


@pytest.mark.parametrize("metric", ["precision", "recall", "f1", "mcc"])
def test_other_metrics_are_compared_by_paired_draws(metric):
    result = gate(*both(200), metric=metric)
    night, rain, *_ = result.slices
    change = night.candidate.value - night.baseline.value
    assert night.difference.value == pytest.approx(change)
    assert night.difference.low < change < night.difference.high < 0
    assert (night.verdict, rain.verdict) == ("FAIL", "PASS")


@pytest.mark.parametrize("metric", ["f1", "auc", "auc_pr", "log_loss", "brier"])
def test_other_metrics_are_compared_without_pairs_too(metric):
    old, new = both(200, paired=False)
    result = gate(old, new, metric=metric)
    assert not result.paired
    night, rain, *_ = result.slices
    assert (night.verdict, rain.verdict) == ("FAIL", "PASS")
    before, after = (one.slices[0].metrics[metric] for one in (old, new))
    change = after.value - before.value
    sides = np.hypot(
        [after.value - after.low, after.high - after.value],
        [before.high - before.value, before.value - before.low],
    )
    ends = (night.difference.low, night.difference.high)
    assert ends == pytest.approx((change - sides[0], change + sides[1]))
    assert gate(new, new, metric=metric).verdict == "PASS"
    assert gate(new, old, metric=metric).verdict == "PASS"


def test_a_metric_without_a_paired_difference_is_compared_without_pairs():
    old, new = both(200)
    assert gate(old, new, metric="auc").paired
    assert not gate(old, new, metric="auc_pr").paired


@pytest.mark.parametrize("metric", ["f2", "lift", "mae", "calibration_bias"])
def test_what_is_better_must_be_known(metric):
    message = rf"better: accuracy, precision, .*Received: metric='{metric}'"
    with pytest.raises(ValueError, match=message):
        gate(*both(), metric=metric)


def test_a_comparison_with_another_baseline_is_no_pairing():
    old, new = both()
    other = dataclasses.replace(old, model=ModelFacts("a", "1"))
    new = dataclasses.replace(new, baseline=ModelFacts("b", "2"))
    assert not gate(other, new).paired
    (old, _), (_, new) = both(), both(40)
    night = dataclasses.replace(old.slices[0], metrics=new.slices[0].metrics)
    other = dataclasses.replace(old, slices=(night, *old.slices[1:]))
    assert not gate(other, new).paired


def test_results_of_other_data_or_slices_are_refused():
    _, new = both()
    labels = LABELS.copy()
    labels[0] ^= 1
    other = evaluate(labels, np.eye(2)[guesses()], MEMBERSHIP, schema())
    with pytest.raises(ValueError, match="Only results on the same data"):
        gate(other, new)
    names = SliceSchema.from_names(["a", "b", "c"])
    other = evaluate(LABELS, np.eye(2)[guesses()], MEMBERSHIP, names)
    with pytest.raises(ValueError, match="Slices must be the same"):
        gate(other, new)


def test_order_of_slices_does_not_matter():
    order = [2, 0, 1]
    before, after = np.eye(2)[guesses()], np.eye(2)[guesses(40, 1)]
    slices = SliceSchema(tuple(schema().slices[i] for i in order))
    members = MEMBERSHIP[:, order]
    old = evaluate(LABELS, before, members, slices)
    new = evaluate(
        LABELS, after, members, slices, baseline_probabilities=before
    )
    one, other = gate(*both(40)), gate(old, new)
    assert verdicts(one) == verdicts(other)
    assert [x.adjusted_p for x in one.slices][1] == (
        [x.adjusted_p for x in other.slices][2]
    )


def test_results_carry_the_gate(tmp_path):
    _, new = both()
    result = gate(*both(40), accepted=[Acceptance("night", "known")])
    dataclasses.replace(new, gate=result).save(tmp_path / "results.json")
    assert Results.load(tmp_path / "results.json").gate == result


def test_table_shows_what_failed_first():
    _, rows = gate_table(gate(*both(200, rain={"critical": True})))
    assert [(row[0], row[-1]) for row in rows] == [
        ("night", "FAIL"),
        ("base", "FAIL"),
        ("rain (critical)", "NOT_ENOUGH_DATA"),
        ("tiny", "NOT_ENOUGH_DATA"),
    ]


def test_markdown_is_a_summary_and_escapes_reasons():
    accepted = [Acceptance("night", "see <b>|x|</b>\nnext week")]
    lines = gate_markdown(gate(*both(40), accepted=accepted), 2).splitlines()
    assert lines[0] == "## Slice gate: PASS"
    assert "Compared example by example, at a false discovery" in lines[2]
    assert lines[4].startswith("| slice | size | baseline accuracy, % |")
    assert lines[6].startswith("| night | 1,000 | ")
    assert "2 more slices are not shown." in lines
    assert lines[-1] == r"- `night`: see \<b\>\|x\|\</b\> next week"


def test_junit_counts_failures_and_what_is_left_out():
    accepted = [Acceptance("base", "a \x00 <tag>")]
    suite = ElementTree.fromstring(
        gate_junit(gate(*both(200), accepted=accepted))
    )
    assert suite.attrib == {
        "name": "slice-tf gate",
        "tests": "4",
        "failures": "1",
        "skipped": "2",
    }
    kinds = {case.get("name"): [k.tag for k in case] for case in suite}
    assert kinds == {
        "night": ["failure"],
        "rain": [],
        "tiny": ["skipped"],
        "base": ["skipped"],
    }
    (base,) = suite[3]
    assert base.get("message") == "FAIL, accepted: a  <tag>"
