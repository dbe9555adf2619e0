"""`slice-tf ui` in a real browser: answers, notes, acceptances, decisions."""

import dataclasses
import json
import os
import re

import numpy as np
import pytest

from chromium import Browser, find_chromium
from reviewed import ATTACK, make_results, save_run
from slice_tf.discovery import load_discovery, save_discovery
from slice_tf.evaluation import ModelFacts, load_audits
from slice_tf.report import write_page
from slice_tf.report.decisions import Decisions
from slice_tf.report.rows import Rows
from slice_tf.report.server import ReviewServer
from slice_tf.slicing import load

pytestmark = pytest.mark.skipif(
    find_chromium() is None, reason="no Chromium is installed"
)

REVERSED = "\u202eabc"
READY = "document.documentElement?.dataset.ready === 'true'"
NASTY = (ATTACK, REVERSED + ATTACK, "x" * 10_000_000, b"\0\xff" * 9, b"GIF89a<")


@pytest.fixture(scope="module")
def browser():
    browser = Browser()
    yield browser
    browser.close()


class Site:
    """A served directory and a tab that was let in."""

    def __init__(self, browser, server):
        self.tab, self.server = browser, server
        browser.complaints.clear()
        browser.requests.clear()
        self.visit(server.access.address)

    def visit(self, address):
        if address.startswith("/"):
            address = f"http://{self.server.access.hosts[0]}{address}"
        self.tab.call("Page.navigate", url="about:blank")
        self.tab.call("Page.navigate", url=address)
        self.tab.wait(READY)

    def fill(self, selector, text):
        self.tab.ask(
            f"(() => {{ const one = document.querySelector("
            f"{json.dumps(selector)}); one.value = {json.dumps(text)}; "
            "one.dispatchEvent(new Event('input')); })()"
        )

    def said(self, text):
        self.tab.wait(
            "document.querySelector('#said').textContent"
            f".includes({json.dumps(text)})"
        )


@pytest.fixture
def folder(tmp_path):
    make_results().save(tmp_path / "results.json")
    return tmp_path


@pytest.fixture
def site(browser, folder):
    with ReviewServer(folder) as server:
        site = Site(browser, server)
        yield site
        host = f"http://{server.access.hosts[0]}"
        asked = [one for one in browser.requests if one != "about:blank"]
        assert browser.complaints == []
        assert all(one.startswith((host, "data:image/")) for one in asked)
        assert not any("token=" in one for one in asked[1:])


def test_the_token_leaves_the_address_bar(site):
    assert site.tab.ask("location.search") == ""
    assert site.tab.texts(".file a") == ["results.json"]


def test_the_list_says_when_a_file_changed(browser, folder):
    os.utime(folder / "results.json", (1_700_000_123, 1_700_000_123))
    with ReviewServer(folder) as server:
        Site(browser, server)
        expected = "new Date(1700000123000).toLocaleString()"
        said = f"changed {browser.ask(expected)}"
        assert browser.texts(".file small")[-1].endswith(said)


def test_answers_of_an_audit_become_numbers(site, folder):
    """Members belong, others do not, but for the first five of each."""
    results = make_results()
    sample = results.examples
    members = [sample.examples[i].key for i in sample.members["night"]]
    site.visit("/results?file=results.json#/audit/night")
    tab = site.tab
    assert "accuracy among all that belong" not in tab.texts(".so-far th")
    answered, counts = {}, [0, 0]
    for _ in range(66):
        key = tab.ask("document.querySelector('.question').dataset.key")
        assert key not in answered
        inside = key in members
        answered[key] = inside == (counts[inside] >= 5)
        counts[inside] += 1
        tab.press("y" if answered[key] else "n")
        tab.wait(
            "document.querySelector('.question').dataset.key !== "
            f"{json.dumps(key)}"
        )
    audit = load_audits(folder / "results.audits.json")["night"]
    assert (audit.found, audit.found_of) == (counts[1] - 5, counts[1])
    assert (audit.missed, audit.missed_of) == (5, counts[0])
    assert "accuracy among all that belong" in tab.texts(".so-far th")
    tab.press("u")
    tab.wait(
        f"document.querySelector('.question').dataset.key === {json.dumps(key)}"
    )
    (kept,) = json.loads((folder / "review.json").read_text())[
        "audits"
    ].values()
    assert len(kept["night"]) == 65
    site.visit("/results?file=results.json#/slice/night")
    assert "accuracy among all that belong" in tab.texts(
        "table[aria-label=Audit] th"
    )


def test_an_audit_does_not_show_what_would_sway_it(site):
    site.visit("/results?file=results.json#/audit/night")
    shown = "".join(site.tab.texts(".question")).lower()
    assert "predicted" not in shown
    assert "member" not in shown


def test_labels_of_one_model_lead_to_each_other(site, folder):
    results = make_results()
    for index in (1, 0):
        data = dataclasses.replace(results.data, label=f"tags[{index}]")
        named = dataclasses.replace(results, data=data)
        named.save(folder / f"of_{index}.json")
    site.visit("/results?file=of_0.json#/slice/night")
    tab = site.tab
    assert tab.texts("#label option") == ["tags[0]", "tags[1]"]
    tab.ask(
        "(() => { const list = document.querySelector('#label select');"
        "list.selectedIndex = 1;"
        "list.dispatchEvent(new Event('change')); })()"
    )
    tab.wait(f"location.search === '?file=of_1.json' && {READY}")
    assert tab.ask("location.hash") == "#/slice/night"
    shown = "document.querySelector('#label select').selectedIndex"
    assert tab.ask(shown) == 1
    site.visit("/results?file=results.json")
    assert tab.texts("#label") == []


def test_a_note_stays_and_an_accepted_slice_changes_the_verdict(site, folder):
    tab = site.tab
    site.visit("/results?file=results.json#/slice/night")
    site.fill("#note", "Ask <b>maps</b>")
    tab.click("[data-action='Save note']")
    site.said("Saved.")
    tab.click("[data-action='Accept slice']")
    site.said("reason")
    for name in ("night", "base"):
        site.visit(f"/results?file=results.json#/slice/{name}")
        site.fill("#reason", f"known of {name}")
        tab.click("[data-action='Accept slice']")
        tab.wait("document.querySelector('[data-action=Withdraw]') !== null")
    site.visit("/results?file=results.json")
    assert "accepted" in tab.texts("tr[data-slice=night] .tag")[0]
    assert "should not replace" not in tab.texts("h1")[0]
    site.visit("/results?file=results.json#/slice/night")
    assert tab.ask("document.querySelector('#note').value") == "Ask <b>maps</b>"
    review = json.loads((folder / "review.json").read_text())
    assert review["notes"] == {"results.json": {"night": "Ask <b>maps</b>"}}
    tab.click("[data-action=Withdraw]")
    tab.wait("document.querySelector('[data-action=Withdraw]') === null")
    review = json.loads((folder / "review.json").read_text())
    assert list(review["accepted"].values()) == [{"base": "known of base"}]
    saved = folder / "results.json"
    results = make_results()
    other = dataclasses.replace(results, model=ModelFacts("new", "f" * 16))
    for one, word in ((results, "accepted"), (other, "fail")):
        one.save(saved)
        site.visit("/results?file=results.json#/slice/base")
        assert word in tab.texts(".verdict")[0]
    assert "accepted" not in tab.texts(".verdict")[0]


def test_found_groups_are_accepted_renamed_merged_and_rejected(site, folder):
    embeddings = save_run(folder / "found")
    site.visit("/discovery?run=found")
    tab = site.tab
    assert tab.texts("[data-found] h2")[0].startswith("found_0holds up")
    assert ATTACK in tab.texts("[data-found=found_0] .text")
    here = "[data-found=found_0]"
    tab.click(f"{here} [data-action=Accept]")
    site.said("must say which feature")
    site.fill(f"{here} [name=name]", "../x")
    site.fill(f"{here} [name=feature]", "embedding")
    tab.click(f"{here} [data-action=Accept]")
    site.said("must be lower-case letters")
    # Chromium itself notes what a server refuses.
    assert all("400 (Bad Request)" in one for one in tab.complaints)
    tab.complaints.clear()
    assert sorted(one.name for one in (folder / "found").iterdir()) == [
        "discovered.json",
        "regions.npz",
    ]
    tab.click(f"{here} [data-with=found_1]")
    site.fill(f"{here} [name=name]", "far_away")
    tab.click(f"{here} [data-action=Accept]")
    tab.wait("document.querySelectorAll('.found.accepted').length === 2")
    tab.click("[data-found=found_2] [data-action=Reject]")
    tab.wait("document.querySelectorAll('.found.rejected').length === 1")
    site.visit("/discovery?run=found")
    assert tab.texts("[data-found] h2") == [
        "far_awayholds upaccepted",
        "far_awayholds upaccepted",
        "found_2holds uprejected",
    ]
    path = folder / "found" / "slices" / "far_away.py"
    (function,) = load(str(path))
    assert function.name == "far_away"
    regions = function.uses["regions"].get()
    both = regions.scores(embeddings)[:, :2].max(axis=1) >= 0.5
    np.testing.assert_array_equal(regions.member(embeddings, (0, 1)), both)
    assert (folder / "found" / "slices" / "test_far_away.py").exists()


def test_what_is_typed_stays_while_other_groups_are_decided(site, folder):
    save_run(folder / "found")
    site.visit("/discovery?run=found")
    typed = {
        "name": "far_away",
        "feature": "embedding",
        "encoder": "embed:load",
    }
    for name, text in typed.items():
        site.fill(f"[data-found=found_0] [name={name}]", text)
    site.tab.click("[data-found=found_1] [data-action=Reject]")
    site.said("Saved.")
    for name, text in typed.items():
        field = f"document.querySelector('[data-found=found_0] [name={name}]')"
        assert site.tab.ask(f"{field}.value") == text


def test_a_page_decides_nothing_of_what_changed_behind_it(site, folder):
    save_run(folder / "found")
    site.visit("/discovery?run=found")
    Decisions(folder / "found").decide({"act": "reject", "found": ["found_0"]})
    site.tab.click("[data-found=found_0] [data-action=Reject]")
    site.said("found_0=rejected")
    found = load_discovery(folder / "found")
    regions = dataclasses.replace(
        found.regions, places=found.regions.places[::-1]
    )
    save_discovery(
        folder / "found", dataclasses.replace(found, regions=regions)
    )
    site.tab.click("[data-found=found_1] [data-action=Reject]")
    site.said("made anew since its page was opened")
    assert Decisions(folder / "found").decided == {}
    site.tab.complaints.clear()


def test_a_group_is_split_into_a_run_of_its_own(browser, folder):
    save_run(folder / "found", rules=True)
    before = (folder / "found" / "discovered.json").read_bytes()
    with ReviewServer(folder, rows=Rows(folder / "rows.npz")) as server:
        site = Site(browser, server)
        site.visit("/discovery?run=found")
        browser.click("[data-found=found_0] [data-action=Split]")
        browser.wait(
            f"location.search === '?run=found-found_0' && {READY} && "
            "document.querySelectorAll('[data-found]').length > 0"
        )
        names = browser.texts("[data-found] h2")
        assert [re.split("holds|does", one)[0] for one in names][:3] == [
            "found_0_a",
            "found_0_b",
            "found_1",
        ]
        for name in ("found_0_a", "found_1"):
            assert ATTACK in browser.texts(f"[data-found={name}] .text")
        assert browser.texts("[data-found=found_1] .rule") != []
        assert (folder / "found" / "discovered.json").read_bytes() == before
        site.visit("/discovery?run=found")
        browser.click("[data-found=found_0] [data-action=Split]")
        site.said("was split before: see found-found_0")
        site.visit("/")
        assert "found-found_0" in browser.texts(".file a")
    browser.complaints.clear()


def test_without_rows_a_page_says_how_to_split(site, folder):
    save_run(folder / "found")
    site.visit("/discovery?run=found")
    assert site.tab.texts("[data-action=Split]") == []
    shown = site.tab.texts("[data-found=found_0] .decide")[0]
    assert "slice-tf ui with --predictions" in shown


def test_groups_that_are_decided_can_be_left_out(site, folder):
    save_run(folder / "found")
    site.visit("/discovery?run=found")
    site.tab.click("[data-found=found_1] [data-action=Reject]")
    site.said("Saved.")
    site.tab.ask(
        "(() => { const list = document.querySelector('select'); "
        "list.value = 'open'; list.dispatchEvent(new Event('change')); })()"
    )
    left = site.tab.ask(
        "[...document.querySelectorAll('[data-found]')]"
        ".map((one) => one.dataset.found)"
    )
    assert "found_0" in left
    assert "found_1" not in left
    assert "; 1 decided" in site.tab.texts("#count")[0]


@pytest.mark.parametrize("served", [True, False])
def test_untrusted_examples_are_shown_and_do_nothing(browser, folder, served):
    def texts(n):
        return [
            "plain" if i % 5 == 2 and i > 300 else NASTY[i % 5]
            for i in range(n)
        ]

    results = make_results(texts)
    results.save(folder / "results.json")
    browser.complaints.clear()
    if served:
        with ReviewServer(folder) as server:
            site = Site(browser, server)
            site.visit("/results?file=results.json#/slice/rare")
            _check_shown(browser)
            site.visit("/results?file=results.json#/audit/night")
            assert browser.texts(".asked") != []
    else:
        browser.open(write_page(folder / "a.html", results))
        browser.ask("location.hash = '#/slice/rare'")
        browser.wait("document.querySelector('[data-kind=any]') !== null")
        _check_shown(browser)
    assert browser.complaints == []


def _check_shown(browser):
    browser.click("[data-kind=any]")
    shown = browser.texts(".example")
    assert any(one.startswith(ATTACK) for one in shown)
    assert any(one.startswith(REVERSED + ATTACK) for one in shown)
    cut = [one for one in shown if "10,000,000 characters in all" in one]
    assert cut != []
    assert max(map(len, cut)) < 1_200
    assert any("Binary data of 18 bytes, not shown" in one for one in shown)
    assert (
        browser.ask("document.querySelectorAll('.example b img').length") == 0
    )
    wide = "document.documentElement.scrollWidth <= innerWidth"
    assert browser.ask(wide)
