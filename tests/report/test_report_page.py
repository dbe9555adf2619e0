import base64
import dataclasses
import gzip
import importlib.resources
import json
import re
import subprocess
import sys

import numpy as np
import pytest

from slice_tf.cli import main
from slice_tf.evaluation import (
    Acceptance,
    DataFacts,
    RegressionCounts,
    evaluate,
    gate,
)
from slice_tf.report import read_summary, render_page, write_page
from slice_tf.report.embed import pack
from slice_tf.report.page import SCRIPTS, STYLES
from slice_tf.report.sentence import details, headline
from slice_tf.schema import Slice, SliceSchema

SCHEMA = SliceSchema(
    (Slice("night", "Taken at night"), Slice("rare"), Slice("even"))
)
LABELS = np.arange(400) % 2
MEMBERSHIP = np.stack(
    [np.arange(400) < 100, np.arange(400) < 8, LABELS == 0], axis=1
).astype(int)


def one_hot(predicted):
    return np.eye(2)[predicted] * 0.8 + 0.1


def wrong_at(*places):
    labels = LABELS.copy()
    labels[list(places)] ^= 1
    return one_hot(labels)


BEFORE, AFTER = wrong_at(*range(300, 310)), wrong_at(*range(40))


def results_of(candidate, baseline=None):
    return evaluate(
        LABELS, candidate, MEMBERSHIP, SCHEMA, baseline_probabilities=baseline
    )


def unpack(text):
    return json.loads(gzip.decompress(base64.b64decode(text)))


def data_of(page):
    found = re.search(
        r'<script id="data" type="text/plain">(.*?)</script>', page
    )
    return unpack(found.group(1))


def test_headline_of_one_model_names_the_slices_that_trail():
    assert headline(results_of(AFTER)) == (
        "The model is right on 90.0 % of 400 examples, and trails in night."
    )
    assert headline(results_of(BEFORE)) == (
        "The model is right on 97.5 % of 400 examples, and no slice is shown "
        "to trail the rest."
    )


def test_headline_with_a_baseline_says_which_way_it_went():
    assert headline(results_of(AFTER, BEFORE)) == (
        "The model is right on 90.0 % of 400 examples, 7.5 points below its "
        "baseline."
    )
    assert headline(results_of(BEFORE, BEFORE)) == (
        "The model is right on 97.5 % of 400 examples, 0.0 points above its "
        "baseline, which chance can explain."
    )


def test_details_own_up_to_chance_and_to_few_examples():
    assert details(results_of(AFTER, BEFORE)) == [
        "Against the baseline, 95 % intervals show 0 slices better and 2 "
        "worse of 2 judged, where chance alone would show about 0.1; "
        "`slice-tf gate` corrects for that.",
        "1 of 3 slices holds fewer than 30 examples: too few to judge.",
    ]


def test_headline_with_a_verdict_says_what_the_gate_said():
    before, after = results_of(BEFORE), results_of(AFTER, BEFORE)
    failed = dataclasses.replace(after, gate=gate(before, after))
    assert headline(failed) == (
        "The candidate should not replace the baseline: it is worse in night, "
        "even and all examples."
    )
    taken = [Acceptance(name, "known") for name in ("night", "even", "base")]
    passed = gate(before, after, accepted=taken)
    assert details(dataclasses.replace(after, gate=passed))[0] == (
        "Compared on accuracy over 400 examples, paired example by example, "
        "corrected for 4 tests at a false discovery rate of 5 %. 3 slices "
        "accepted by hand."
    )
    same = results_of(BEFORE, BEFORE)
    equal = dataclasses.replace(same, gate=gate(before, same))
    assert headline(equal) == (
        "The candidate may replace the baseline: no slice is shown to be "
        "worse in accuracy."
    )


def test_headlines_of_numbers_say_how_far_off_they_are():
    schema = SliceSchema.from_names(["night"])
    targets, members = np.arange(400.0), MEMBERSHIP[:, :1]
    after = targets + np.where(members[:, 0] == 1, 8, 4) * (-1) ** LABELS
    before = targets + 4 * (-1.0) ** LABELS
    alone, first = RegressionCounts(schema), RegressionCounts(schema)
    alone.add(targets, after, members)
    first.add(targets, before, members)
    beside = RegressionCounts(schema)
    beside.add(targets, after, members, baseline_predictions=before)
    old, new = first.results(), beside.results()
    assert [headline(one) for one in (alone.results(), old, new)] == [
        "The model is off by 5 on average over 400 examples, and trails in "
        "night.",
        "The model is off by 4 on average over 400 examples, and no slice is "
        "shown to trail the rest.",
        "The model is off by 5 on average over 400 examples, 1 more than its "
        "baseline.",
    ]
    assert headline(dataclasses.replace(new, gate=gate(old, new))) == (
        "The candidate should not replace the baseline: it is worse in night "
        "and all examples."
    )


def test_no_text_can_leave_its_element():
    values = {"</script><b>": ["<!--", "a&b", "\u2028\ud800", 1.5]}
    text = pack(values)
    assert re.fullmatch("[A-Za-z0-9+/=]+", text)
    assert unpack(text) == values


def test_long_texts_are_cut_with_a_note():
    text = unpack(pack("x" * 10_000_000))
    assert text == "x" * 2000 + "… (cut: 10,000,000 characters in all)"


def test_pixels_are_not_cut_and_what_only_looks_like_them_is():
    pixels = "data:image/png;base64," + "A" * 5_000
    for other in (pixels.replace("png", "svg+xml"), pixels + "<b>"):
        assert unpack(pack([pixels, other])) == [pixels, unpack(pack(other))]
        assert len(unpack(pack(other))) < 2_100


def test_numbers_keep_six_digits():
    assert unpack(pack([1 / 3, 123456789, 2.0, 1e-9, -0.0])) == [
        0.333333,
        123456789,
        2,
        1e-09,
        0,
    ]


def test_numbers_must_be_finite():
    with pytest.raises(ValueError, match="not JSON compliant"):
        pack([float("nan")])


def test_page_holds_the_results_and_its_policy_allows_no_request(tmp_path):
    results = results_of(AFTER, BEFORE)
    page = write_page(tmp_path / "a.html", results).read_text("utf-8")
    assert [one.name for one in tmp_path.iterdir()] == ["a.html"]
    data = data_of(page)
    assert [one["name"] for one in data["results"]["slices"]] == [
        "night",
        "rare",
        "even",
        "base",
    ]
    assert data["headline"] == headline(results)
    policy = re.search(r'Policy" content="(.*?)"', page).group(1)
    assert re.fullmatch(
        r"default-src 'none'; script-src 'sha256-\S{44}'; "
        r"style-src 'sha256-\S{44}'; img-src data:; base-uri 'none'; "
        "form-action 'none'",
        policy,
    )
    assert not re.findall(r"(?:src|href)=.(?:https?:)?//", page)


def of_label(name, candidate=AFTER, **facts):
    results = results_of(candidate)
    data = dataclasses.replace(results.data, label=name, **facts)
    return dataclasses.replace(results, data=data)


def test_a_page_of_several_labels_holds_all_and_says_which_is_shown():
    first, second = of_label("y[0]"), of_label("y[1]", BEFORE)
    data = data_of(render_page([first, second]))
    assert data["results"]["data"]["label"] == "y[0]"
    (other,) = data["others"]
    assert other["results"]["data"]["label"] == "y[1]"
    assert other["headline"] == headline(second)
    assert other["details"][0] == "Of several labels, this is y[1]."


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ([], r"Received: results=\[\]"),
        ([of_label(""), of_label("")], "labels=none, none. To compare two"),
        ([of_label("y[0]")] * 2, r"labels=y\[0\], y\[0\]"),
        (
            [of_label("y[0]"), of_label("y[1]", path="other")],
            r"y\[0\] of '' on '', y\[1\] of '' on 'other'",
        ),
    ],
    ids=["none", "no labels", "one label twice", "other data"],
)
def test_a_page_cannot_mix_what_is_not_of_one_model(results, message):
    with pytest.raises(ValueError, match=message):
        render_page(results)


def test_weights_and_clusters_are_told():
    results = of_label("", weighted=True, clustered=True)
    assert details(results)[0] == (
        "Examples are weighted and in clusters: intervals are those of as "
        "many equal, independent ones as would say as much."
    )


def test_page_is_the_same_whenever_it_is_made():
    results = results_of(AFTER)
    assert render_page(results) == render_page(results)


def test_foreign_text_stands_in_the_data_alone():
    data = DataFacts("</script><script>alert(1)</script>", "0" * 16, 400)
    page = render_page(dataclasses.replace(results_of(AFTER), data=data))
    assert "alert(1)" not in page
    assert data_of(page)["results"]["data"]["path"] == data.path


def test_a_page_needs_neither_matplotlib_nor_tensorflow():
    program = (
        "import sys, slice_tf.report.page, slice_tf.report.server; "
        "print({'matplotlib', 'tensorflow', 'sklearn'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "set()\n"


def test_assets_ship_with_the_package():
    folder = importlib.resources.files("slice_tf.report").joinpath("assets")
    names = {one.name for one in folder.iterdir()}
    scripts = {one for some in SCRIPTS.values() for one in some}
    assert names == {*scripts, *STYLES, "page.html"}
    for name in names - {"page.html"}:
        text = folder.joinpath(name).read_text("utf-8")
        assert "</script" not in text
        assert "</style" not in text
        assert len(text.splitlines()) <= 500


def test_scripts_never_read_a_text_as_markup():
    folder = importlib.resources.files("slice_tf.report").joinpath("assets")
    scripts = {one for some in SCRIPTS.values() for one in some}
    text = "".join(folder.joinpath(name).read_text("utf-8") for name in scripts)
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "eval("):
        assert word not in text


SUMMARY = {
    "format_version": 1,
    "num_examples": 400,
    "slices": [{"name": one, "size": 9} for one in SCHEMA.names],
    "overlap": [[9, 1, 0], [1, 9, 0], [0, 0, 9]],
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 2}, "which is 1. Received: format_version=2"),
        ({"slices": []}, "summary=, results=night, rare, even"),
        ({"overlap": [[1]]}, r"shape \(3, 3\). Received: sizes=\[1\]"),
        ({"slices": None}, "fields that `slice-tf apply` writes.*TypeError"),
    ],
)
def test_a_summary_must_be_of_the_slices_of_the_results(
    tmp_path, change, message
):
    path = tmp_path / "summary.json"
    path.write_text(json.dumps({**SUMMARY, **change}))
    with pytest.raises(ValueError, match=f"summary.json: .*{message}"):
        read_summary(path, SCHEMA)


def test_costs_beside_a_summary_come_with_it(tmp_path):
    (tmp_path / "summary.json").write_text(json.dumps(SUMMARY))
    costs = {"night": 5.5, "rare": 0, "even": 1}
    for facts, expected in (
        ({"format_version": 1, "microseconds": costs}, costs),
        ({"format_version": 2, "microseconds": costs}, None),
        ({"format_version": 1, "microseconds": {"night": 1}}, None),
        ([], None),
    ):
        (tmp_path / "costs.json").write_text(json.dumps(facts))
        found = read_summary(tmp_path / "summary.json", SCHEMA)
        assert found == {**SUMMARY, "microseconds": expected}


def test_a_summary_must_be_json(tmp_path):
    path = tmp_path / "summary.json"
    path.write_bytes(b"\xff{")
    with pytest.raises(ValueError, match="A summary must be JSON"):
        read_summary(path, SCHEMA)


def test_command_writes_the_page_and_prints_the_headline(tmp_path, capsys):
    results = results_of(AFTER)
    results.save(tmp_path / "results.json")
    (tmp_path / "summary.json").write_text(json.dumps(SUMMARY))
    argv = ["report", *(str(tmp_path / n) for n in ("results.json",))]
    argv += ["--output", str(tmp_path / "a.html")]
    argv += ["--summary", str(tmp_path / "summary.json")]
    assert main(argv) == 0
    assert capsys.readouterr().out == f"{headline(results)}\n"
    page = (tmp_path / "a.html").read_text("utf-8")
    assert page == render_page(results, {**SUMMARY, "microseconds": None})


def test_command_refuses_a_directory_as_output(tmp_path, capsys):
    results_of(AFTER).save(tmp_path / "results.json")
    argv = ["report", str(tmp_path / "results.json")]
    assert main([*argv, "--output", str(tmp_path)]) == 2
    assert "must be a file, such as report.html" in capsys.readouterr().err
