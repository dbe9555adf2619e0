"""The page of slices in production, in words and in a real browser."""

import math

import numpy as np
import pytest

from chromium import Browser, find_chromium
from slice_tf.monitoring import (
    AccuracyEstimate,
    TrafficCounts,
    drift_by_window,
    merge_windows,
    save_traffic,
)
from slice_tf.report import write_traffic_page
from slice_tf.report.server import ReviewServer
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


def found(path, windows, reference):
    """Returns what `slice-tf monitor` would have written."""
    drift = drift_by_window(windows, reference)
    return save_traffic(path, windows, merge_windows(reference), drift)


@pytest.mark.parametrize(
    ("moved", "since", "expected"),
    [
        ([], None, "No slice has moved beyond its margin."),
        (["rain"], None, "rain has moved."),
        (["rain"], "2026-11-18", "rain (since 2026-11-18) has moved."),
        (["rain", "base"], None, "rain and all examples have moved."),
        (
            ["night", "rain", "never", "base"],
            None,
            "night, rain, never and 1 more slice have moved.",
        ),
    ],
    ids=["none", "one", "since", "two", "all"],
)
def test_the_headline_names_what_moved(moved, since, expected, tmp_path):
    values = found(
        tmp_path / "a.json", {"": traffic(0.1, 0)}, {"": traffic(0.1, 1)}
    )
    for one in values["drift"]:
        one["verdict"] = "moved" if one["name"] in moved else "steady"
        one["since"] = since if one["name"] in moved else None
    assert traffic_headline(values) == expected


def test_the_headline_says_where_nothing_can_be_told(tmp_path):
    few = {"": TrafficCounts(["a"], "predictions")}
    assert traffic_headline(found(tmp_path / "a.json", few, few)) == (
        "There is too little traffic to tell."
    )
    assert traffic_headline(save_traffic(tmp_path / "a.json", few)) == (
        "This traffic was counted, and compared with nothing."
    )


@pytest.fixture(scope="module")
def browser():
    browser = Browser()
    yield browser
    browser.close()


def days(*shares, output="probabilities"):
    """Returns counts of days with so large a share of `rain`."""
    return {
        f"2026-11-{index + 1:02d}": traffic(share, index, output)
        for index, share in enumerate(shares)
    }


@pytest.mark.skipif(find_chromium() is None, reason="no Chromium is installed")
@pytest.mark.parametrize("output", ["probabilities", "predictions"])
def test_the_page_shows_what_moved_and_asks_for_nothing(
    output, tmp_path, browser
):
    windows = {"": traffic(0.3, 0, output)}, {"": traffic(0.1, 1, output)}
    page = write_traffic_page(
        tmp_path / "page.html", found(tmp_path / "a.json", *windows)
    )
    browser.requests.clear()
    browser.open(page)
    assert browser.texts("h1") == ["rain has moved."]
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
    browser.resize(1280, 900)
    assert browser.complaints == []
    assert browser.requests == [page.resolve().as_uri()]


@pytest.mark.skipif(find_chromium() is None, reason="no Chromium is installed")
def test_the_page_shows_slices_over_days_those_that_moved_first(
    tmp_path, browser
):
    windows = days(0.1, 0.1, 0.1, 0.3, 0.3)
    values = found(tmp_path / "a.json", windows, days(0.1, 0.1, 0.1))
    browser.open(write_traffic_page(tmp_path / "page.html", values))
    assert browser.texts("h1") == ["rain (since 2026-11-04) has moved."]
    assert browser.ask(
        "[...document.querySelectorAll('[data-slice]')].map((one) =>"
        " one.dataset.slice)"
    ) == ["rain", "night", "base", "never"]
    points = (
        "[...document.querySelectorAll('[data-figure=rain-share] circle')]"
        ".map((one) => one.getAttribute('class'))"
    )
    assert browser.ask(points) == ["dot", "dot", "dot", "dot down", "dot down"]
    (title, *_, last) = browser.texts("[data-figure=rain-share] svg title")
    assert title.startswith("2026-11-01: ")
    assert last.endswith(", moved")
    lines = browser.ask("document.querySelectorAll('.begun').length")
    assert lines == 1
    assert browser.complaints == []


@pytest.mark.skipif(find_chromium() is None, reason="no Chromium is installed")
def test_the_page_says_which_accuracy_cannot_be_told(tmp_path, browser):
    windows, reference = days(0.1, 0.1), {"": traffic(0.1, 9)}
    nan = math.nan
    accuracy = [
        AccuracyEstimate("night", 0.8, 0.75, 0.85, 0.9),
        AccuracyEstimate("rain", nan, nan, nan, 0.7, "not calibrated"),
        AccuracyEstimate("never", nan, nan, nan, nan, "too little traffic"),
        AccuracyEstimate("base", 0.85, 0.8, 0.9, 0.9),
    ]
    values = save_traffic(
        tmp_path / "days.json",
        windows,
        reference[""],
        drift_by_window(windows, reference),
        dict.fromkeys(windows, accuracy),
    )
    browser.open(write_traffic_page(tmp_path / "page.html", values))
    rows = browser.texts("[aria-label='Estimated accuracy'] tbody tr")
    assert rows == [
        "night80.0 75.0 to 85.090.0",
        "raincannot be told: not calibrated70.0",
        "nevercannot be told: too little traffic\u2013",
        "all examples85.0 80.0 to 90.090.0",
    ]
    drawn = "[data-figure=night-accuracy] circle"
    assert len(browser.texts(drawn)) == 2
    assert browser.texts("[data-figure=rain-accuracy]") == []
    assert browser.complaints == []


@pytest.mark.skipif(find_chromium() is None, reason="no Chromium is installed")
def test_the_web_app_opens_traffic(tmp_path, browser):
    found(tmp_path / "days.json", days(0.1, 0.3), {"": traffic(0.1, 9)})
    (tmp_path / "other.json").write_text(
        '{"traffic": 1, "windows": [], "drift": 2, "format_version": 2}'
    )
    with ReviewServer(tmp_path) as server:
        browser.call("Page.navigate", url=server.access.address)
        browser.wait("document.querySelectorAll('.file').length === 2")
        texts = browser.texts(".file[data-file='days.json'] p")
        assert texts == ["rain (since 2026-11-02) has moved."]
        (broken,) = browser.texts(".file.broken")
        assert "must be a file that `slice-tf monitor` wrote" in broken
        browser.click(".file[data-file='days.json'] a")
        browser.wait("document.querySelectorAll('[data-slice]').length === 4")
        assert browser.texts("h1") == ["rain (since 2026-11-02) has moved."]
        browser.click(".crumbs a")
        browser.wait("document.querySelector('.file') !== null")
        assert browser.complaints == []
