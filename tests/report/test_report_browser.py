"""The page in a real browser, with the network out of reach."""

import dataclasses
import json
import re

import numpy as np
import pytest

from chromium import Browser, find_chromium
from slice_tf.evaluation import (
    DataFacts,
    Evaluator,
    ExampleSampler,
    RegressionCounts,
    SliceAudit,
    gate,
    with_audits,
)
from slice_tf.report import write_page
from slice_tf.schema import Slice, SliceSchema

pytestmark = pytest.mark.skipif(
    find_chromium() is None, reason="no Chromium is installed"
)

ATTACK = "</script><script>console.error('ran')</script><img src=x onerror=x>"
REVERSED = "\u202eabc"
NAMES = ("night", "rare", "odd", "hard")
RNG = np.random.default_rng(0)


def make_results(num_classes):
    """A candidate that is worse in `hard` and too rare to judge in `rare`."""
    n = 4000
    labels = RNG.integers(0, num_classes, n)
    membership = np.stack(
        [
            RNG.random(n) < 0.3,
            np.arange(n) < 9,
            labels % 2 == 1,
            RNG.random(n) < 0.1,
        ],
        axis=1,
    ).astype(int)
    schema = SliceSchema(
        (
            Slice("night", ATTACK, owner=REVERSED),
            Slice("rare", "x" * 10_000_000),
            Slice("odd", monitor_only=True),
            Slice("hard", critical=True),
        )
    )

    def predict(skill):
        logits = RNG.normal(size=(n, num_classes))
        logits[np.arange(n), labels] += skill
        odds = np.exp(logits)
        return odds / odds.sum(axis=1, keepdims=True)

    before = predict(3.0)
    after = np.where(membership[:, 3:] == 1, predict(1.0), before)
    learned = RNG.normal(size=(n, 4)) + 3 * membership - 1
    both = []
    for model, other in ((before, None), (after, before)):
        evaluator = Evaluator(schema, num_classes)
        evaluator.add(
            labels,
            model,
            membership,
            baseline_probabilities=other,
            indicator_logits=learned,
        )
        both.append(evaluator.results(data_path=ATTACK))
    return both


@pytest.fixture(scope="module")
def browser():
    browser = Browser()
    yield browser
    browser.close()


def make_numbers():
    """The same of predicted numbers, some hundreds large."""
    alone, _ = make_results(2)
    n = 4000
    targets, shared, ours = 300 * RNG.normal(size=(3, n))
    membership = np.stack(
        [RNG.random(n) < 0.3, np.arange(n) < 9, targets > 0, shared > 400],
        axis=1,
    ).astype(int)
    before = targets + 0.2 * shared
    after = before + 0.2 * ours * membership[:, 3]
    sampler = ExampleSampler(alone.schema, 5)
    sampler.add({"x": shared}, targets, after, membership, None, before)
    first = RegressionCounts(alone.schema)
    first.add(targets, before, membership)
    second = RegressionCounts(alone.schema)
    second.add(targets, after, membership, baseline_predictions=before)
    results = second.results()
    return dataclasses.replace(
        results,
        gate=gate(first.results(), results),
        examples=sampler.sample(),
    )


@pytest.fixture(scope="module", params=["gate", "baseline", "alone", "numbers"])
def any_page(request, tmp_path_factory):
    """Pages of results that hold all, less, least, and numbers."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "numbers":
        return write_page(folder / "report.html", make_numbers())
    alone, compared = make_results(10 if request.param == "baseline" else 2)
    results = {
        "gate": dataclasses.replace(compared, gate=gate(alone, compared)),
        "baseline": compared,
        "alone": dataclasses.replace(
            alone,
            overlap=None,
            score_edges=None,
            slices=tuple(
                dataclasses.replace(
                    one, confusion=None, scores=None, calibration=None
                )
                for one in alone.slices
            ),
        ),
    }[request.param]
    return write_page(folder / "report.html", results)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    alone, compared = make_results(2)
    results = dataclasses.replace(compared, gate=gate(alone, compared))
    path = tmp_path_factory.mktemp("page") / "report.html"
    return write_page(path, results)


@pytest.fixture
def tab(browser, page):
    browser.open(page)
    return browser


def shown(browser):
    return browser.texts("tbody a.slice")


def test_every_view_draws_without_complaint_or_request(browser, any_page):
    browser.requests.clear()
    browser.complaints.clear()
    browser.open(any_page)
    views = ["/compare", "/functions", "/slice/base", "/slice/%"]
    for view in [*views, *(f"/slice/{name}" for name in NAMES)]:
        browser.ask(f"location.hash = '#{view}'")
        browser.wait(
            "document.querySelector('#main h1') !== null && "
            f"location.hash === '#{view}'"
        )
        assert "This view cannot be drawn" not in browser.texts("h1")
        drawn = browser.ask("document.querySelector('#main').innerHTML")
        assert "NaN" not in drawn
        assert "undefined" not in drawn
    assert browser.complaints == []
    assert browser.requests == [any_page.resolve().as_uri()]


def test_numbers_are_written_in_their_own_unit(browser, tmp_path):
    browser.open(write_page(tmp_path / "a.html", make_numbers()))
    assert shown(browser)[0] == "hard"
    heads = browser.texts("th")
    assert "mean absolute error95 % interval" in heads
    assert "Rise found" in heads
    assert not any("points" in head for head in heads)
    change = browser.texts("tr[data-slice=hard] b.down")[0]
    assert re.fullmatch(r"\+\d+(\.\d)?", change)
    browser.ask("location.hash = '#/slice/hard'")
    browser.wait("document.querySelector('dl') !== null")
    assert browser.texts("h2")[:3] == [
        "Metrics",
        "Errors",
        "Errors beside the baseline",
    ]
    browser.click("[data-kind='largest errors']")
    card = browser.texts(".example")[0]
    assert browser.texts("h2")[-1] == "Audit"
    assert re.search(r"target .*predicted .*off by .*baseline", card)


def test_policy_stops_what_gets_in_anyway(tab):
    """Should a text ever become markup, nothing in it runs or loads."""
    tab.complaints.clear()
    tab.requests.clear()
    tab.ask(
        "document.body.insertAdjacentHTML('beforeend', "
        '\'<img src="http://127.0.0.1:9/x" onerror="window.ran = 1">\')'
    )
    tab.ask("fetch('http://127.0.0.1:9/y').catch(() => 0)")
    tab.ask("new Promise((done) => setTimeout(done, 100))")
    assert tab.ask("window.ran") is None
    assert len(tab.complaints) >= 2
    assert all("Content Security Policy" in str(c) for c in tab.complaints)


def test_untrusted_text_is_shown_as_text_in_its_own_direction(tab):
    assert ATTACK in tab.texts("tr[data-slice=night] bdi")
    long = tab.texts("tr[data-slice=rare] bdi")[0]
    assert long.endswith("… (cut: 10,000,000 characters in all)")
    tab.ask("location.hash = '#/slice/night'")
    tab.wait("document.querySelector('dl') !== null")
    assert REVERSED in tab.texts("dd bdi")
    isolated = "getComputedStyle(document.querySelector('dd bdi')).unicodeBidi"
    assert tab.ask(isolated) == "isolate"


def test_filter_keeps_the_slices_that_match(tab):
    tab.press("/")
    tab.wait("document.activeElement.id === 'filter'")
    tab.write("hard")
    assert shown(tab) == ["hard"]
    assert tab.texts("#count") == ["1 of 4"]
    tab.press("Escape")
    assert sorted(shown(tab)) == sorted(NAMES)


def test_a_click_on_a_header_sorts_and_another_turns_it_around(tab):
    tab.click("[data-sort=name]")
    assert shown(tab) == ["hard", "night", "odd", "rare"]
    tab.click("[data-sort=name]")
    assert shown(tab) == ["rare", "odd", "night", "hard"]
    sorted_by = tab.texts("th[aria-sort=descending]")
    assert sorted_by == ["Slice↓"]


def test_a_slice_that_trails_comes_before_one_that_may(browser, tmp_path):
    rows = np.arange(2000)
    membership = np.stack([rows < 40, rows >= 1000], axis=1)
    wrong = np.where(rows < 1000, rows % 10 == 0, rows % 6 == 0)
    evaluator = Evaluator(SliceSchema.from_names(["unsure", "trails"]), 2)
    right = np.where(wrong, 0.2, 0.8)
    evaluator.add(
        np.zeros(2000, int), np.stack([right, 1 - right], 1), membership
    )
    browser.open(write_page(tmp_path / "page.html", evaluator.results()))
    assert shown(browser) == ["trails", "unsure"]


def test_worst_verdict_comes_first_and_too_few_gets_no_number(tab):
    assert shown(tab)[0] == "hard"
    assert "fail" in tab.texts("tr[data-slice=hard]")[0]
    assert tab.texts("tr[data-slice=rare] td > .few")[1] == "too few n = 9"


def test_another_metric_takes_the_place_of_accuracy(tab):
    choose = (
        "(() => { const list = document.querySelectorAll('select')[0]; "
        "list.value = 'log_loss'; list.dispatchEvent(new Event('change')); "
        "})()"
    )
    assert "Change, pointsagainst baseline" in tab.texts("th")
    tab.ask(choose)
    assert "log loss, nats95 % interval" in tab.texts("th")
    assert "Change, pointsagainst baseline" not in tab.texts("th")


def test_keys_lead_from_the_table_into_a_slice_and_back(tab):
    tab.press("/")
    tab.wait("document.activeElement.id === 'filter'")
    tab.press("ArrowDown")
    first = shown(tab)[0]
    assert tab.ask("document.activeElement.textContent") == first
    tab.press("ArrowDown")
    assert tab.ask("document.activeElement.textContent") == shown(tab)[1]
    tab.press("Enter", "\r")
    tab.wait("location.hash.startsWith('#/slice/')")
    tab.press("Escape")
    tab.wait("document.getElementById('filter') !== null")


def test_a_copied_figure_needs_nothing_from_the_page(tab):
    tab.ask("location.hash = '#/compare'")
    tab.wait("document.querySelector('figure') !== null")
    tab.ask("navigator.clipboard.writeText('')")
    tab.click("[data-action='Copy SVG']")
    tab.wait("document.querySelector('#said').textContent !== ''")
    source = tab.ask("navigator.clipboard.readText()")
    assert source.startswith("<svg")
    assert "class=" not in source
    assert "var(" not in source
    size = (
        "new Promise((done, fail) => { const one = new DOMParser()"
        f".parseFromString({json.dumps(source)}, 'image/svg+xml');"
        "done([one.documentElement.tagName, "
        "one.querySelectorAll('circle').length > 4]); })"
    )
    assert tab.ask(size) == ["svg", True]


def test_a_saved_figure_is_a_file(tab):
    tab.ask("location.hash = '#/functions'")
    tab.wait("document.querySelector('[data-figure=coverage]') !== null")
    tab.click("[data-figure=coverage] [data-action='Save SVG']")
    path = tab.downloads / "coverage.svg"
    for _ in range(200):
        if path.exists():
            break
        tab.ask("new Promise((done) => setTimeout(done, 20))")
    assert path.read_text("utf-8").startswith("<svg")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_theme_follows_the_system_and_can_be_switched(browser, page, scheme):
    browser.prefer(scheme)
    browser.open(page)
    theme = "document.documentElement.dataset.theme"
    assert browser.ask(theme) == scheme
    browser.click("#theme")
    assert {browser.ask(theme), scheme} == {"light", "dark"}


@pytest.mark.parametrize("view", ["/", "/compare", "/functions", "/slice/hard"])
def test_nothing_sticks_out_on_a_phone(browser, page, view):
    browser.resize(390, 800, mobile=True)
    browser.open(page)
    browser.ask(f"location.hash = '#{view}'")
    browser.wait("document.querySelector('#main h1') !== null")
    wide = "document.documentElement.scrollWidth"
    assert browser.ask(wide) <= 390
    browser.resize(1280, 900)


def test_failures_of_slicing_functions_are_counted(browser, tmp_path):
    evaluator = Evaluator(SliceSchema.from_names(["half", "whole"]), 2)
    labels = np.arange(200) % 2
    known = np.ones((200, 2), int)
    known[:50, 0] = 0
    certain = np.eye(2)[labels] * 0.8 + 0.1
    evaluator.add(labels, certain, np.ones((200, 2), int), known=known)
    browser.open(write_page(tmp_path / "a.html", evaluator.results()))
    browser.ask("location.hash = '#/functions'")
    browser.wait("document.querySelector('[aria-label=Failures]') !== null")
    rows = browser.texts("[aria-label=Failures] tbody tr")
    assert rows == ["half5025.0 %"]


def test_a_reader_without_script_gets_the_headline(browser, page):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.call("Page.navigate", url=page.resolve().as_uri())
    browser.wait("document.querySelector('#main h1') !== null")
    assert "should not replace the baseline" in browser.texts("#main h1")[0]
    browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_counts_of_weighted_examples_are_weights(browser, tmp_path):
    evaluator = Evaluator(SliceSchema.from_names(["half"]), 2)
    weighted = Evaluator(SliceSchema.from_names(["half"]), 2, weighted=True)
    labels = np.arange(200) % 2
    members = (np.arange(200) < 100).astype(int)[:, None]
    certain = np.eye(2)[labels] * 0.8 + 0.1
    evaluator.add(labels, certain, members)
    weighted.add(labels, certain, members, weights=np.full(200, 0.5))
    cells = "figure[data-figure=half-confusion] text.count"
    for one, count, word in (
        (evaluator, "50", "examples"),
        (weighted, "25", "weight"),
    ):
        browser.open(write_page(tmp_path / "a.html", one.results()))
        browser.ask("location.hash = '#/slice/half'")
        browser.wait("document.querySelector('dl') !== null")
        assert browser.texts(cells) == [count, count]
        title = browser.texts("[data-figure=half-confusion] .title")
        assert title == [f"Confusion in half, {word}"]


def test_a_page_without_slices_still_draws(browser, tmp_path):
    evaluator = Evaluator(SliceSchema(()), 2)
    labels = np.array([0, 1])
    evaluator.add(labels, np.eye(2)[labels], np.zeros((2, 0), int))
    results = dataclasses.replace(
        evaluator.results(), data=DataFacts("", "0" * 16, 2)
    )
    browser.complaints.clear()
    browser.open(write_page(tmp_path / "a.html", results))
    for view in ("/compare", "/functions", "/slice/base"):
        browser.ask(f"location.hash = '#{view}'")
        browser.wait("document.querySelector('#main h1') !== null")
        assert "This view cannot be drawn" not in browser.texts("h1")
    assert browser.complaints == []


def make_labels():
    """Results of two labels, the second with another slice behind."""
    found = []
    for index, results in enumerate(make_results(2)):
        data = dataclasses.replace(results.data, label=f"tags[{index}]")
        facts = {"data": data, "baseline": None}
        found.append(dataclasses.replace(results, **facts))
    return found


def test_a_label_is_chosen_and_the_view_stays(browser, tmp_path):
    browser.resize(1280, 900)
    page = write_page(tmp_path / "a.html", make_labels())
    browser.open(page)
    assert browser.texts("#label option") == ["tags[0]", "tags[1]"]
    browser.ask("location.hash = '#/slice/hard'")
    browser.wait("document.querySelector('h1').textContent.includes('hard')")
    before = browser.texts("tbody tr b")
    browser.ask(
        "(() => { const list = document.querySelector('#label select');"
        "list.value = '?label=1';"
        "list.dispatchEvent(new Event('change')); })()"
    )
    browser.wait(
        "location.search === '?label=1' && "
        "document.documentElement?.dataset.ready === 'true'"
    )
    assert browser.ask("location.hash") == "#/slice/hard"
    assert browser.ask("document.querySelector('#label select').value") == (
        "?label=1"
    )
    assert browser.texts("tbody tr b") != before
    assert browser.complaints == []


def test_the_only_label_is_named(browser, tmp_path):
    browser.open(write_page(tmp_path / "a.html", make_labels()[1]))
    assert browser.texts("#label") == ["Label tags[1]"]
    assert "Of several labels, this is tags[1]." in browser.texts(".lead")[0]


def test_audited_errors_of_numbers_stand_beside_what_was_measured(
    browser, tmp_path
):
    results = make_numbers()
    name = results.schema.names[0]
    told = with_audits(results, {name: SliceAudit(45, 50, 2, 50)})
    browser.open(write_page(tmp_path / "page.html", told))
    browser.ask(f"location.hash = '#/slice/{name}'")
    browser.wait("document.querySelector('table[aria-label=Audit]') !== null")
    rows = browser.texts("table[aria-label=Audit] th")
    assert "mean absolute error among all that belong" in rows
    value = told[name].audited.mae.value
    assert f"{value:.3g}" in " ".join(browser.texts("table[aria-label=Audit]"))
