"""The page of slices in production, in words and in a real browser."""

import dataclasses

import numpy as np
import pytest

from chromium import Browser, find_chromium
from slice_tf.monitoring import TrafficCounts, find_drift
from slice_tf.report import write_traffic_page
from slice_tf.report.traffic_page import traffic_headline


def traffic(rare, seed, output="probabilities"):
    random = np.random.default_rng(seed)
    members = random.random((2000, 3)) < (0.3, rare, 0.0)
    y = random.dirichlet([1, 1], 2000)
    numbers = output == "predictions"
    names = ["night", "rain", "never"]
    counts = TrafficCounts(names, output, 1 if numbers else 2)
    counts.add(members, y[:, 0] if numbers else y, [2] * 1000)
    return counts


@pytest.mark.parametrize(
    ("moved", "expected"),
    [
        ([], "No slice has moved beyond its margin."),
        (["rain"], "rain has moved."),
        (["rain", "base"], "rain and all examples have moved."),
        (["night", "rain", "never", "base"], "night, rain, never and 1 more "),
    ],
    ids=len,
)
def test_the_headline_names_what_moved(moved, expected):
    drift = find_drift(traffic(0.1, 0), traffic(0.1, 1))
    drift = [
        dataclasses.replace(
            one,
            share=None,
            prediction=dataclasses.replace(
                one.prediction,
                verdict="moved" if one.name in moved else "steady",
            ),
        )
        for one in drift
    ]
    assert traffic_headline(drift).startswith(expected)


def test_the_headline_says_where_nothing_can_be_told():
    few = TrafficCounts(["a"], "predictions")
    assert traffic_headline(find_drift(few, few)) == (
        "There is too little traffic to tell."
    )


@pytest.mark.skipif(find_chromium() is None, reason="no Chromium is installed")
@pytest.mark.parametrize("output", ["probabilities", "predictions"])
def test_the_page_shows_what_moved_and_asks_for_nothing(output, tmp_path):
    now, then = traffic(0.3, 0, output), traffic(0.1, 1, output)
    drift = find_drift(now, then)
    page = write_traffic_page(tmp_path / "page.html", now, then, drift)
    browser = Browser()
    try:
        browser.open(page)
        assert browser.ask("document.querySelector('h1').textContent") == (
            "rain has moved."
        )
        cells = browser.ask(
            "[...document.querySelectorAll('tbody tr')].map((row) =>"
            " [...row.children].slice(0, 2).map((one) => one.textContent))"
        )
        assert cells == [
            ["night", "= steady"],
            ["rain", "↕ moved"],
            ["never", "· too few"],
            ["all examples", "= steady"],
        ]
        assert browser.ask("document.querySelectorAll('figure').length") == 2
        browser.resize(390, 800)
        browser.wait("document.querySelector('figure svg').clientWidth < 390")
        assert browser.complaints == []
        assert browser.requests == [page.resolve().as_uri()]
    finally:
        browser.close()
