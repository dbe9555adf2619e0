"""Resources that processes of one machine share: real processes, no mocks."""

import concurrent.futures
import multiprocessing
import os
import time

import pytest

from slice_tf.slicing import Resource, ResourceError, Row, SlicingFunction
from slice_tf.slicing.apply import apply_functions


@pytest.fixture
def resource(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    log = str(tmp_path / "loads")
    return Resource("slicing_loaders:load", log, value="ab", share="machine")


def loads(resource):
    with open(resource.args[0]) as lines:
        return len(lines.readlines())


def process_of(resource):
    return resource.get().process()


def test_processes_share_one_load(resource):
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(2, spawn) as pool:
        found = set(pool.map(process_of, [resource] * 8))
        assert len(found) == 1
        assert found == {resource.get().process()}
        assert os.getpid() not in found
        assert loads(resource) == 1


def test_it_is_used_by_methods_and_calls(resource):
    word = resource.get()
    assert word.times([0, 1, 2]) == ["", "ab", "abab"]
    assert word("c") == "abc"
    with pytest.raises(ArithmeticError, match="cannot"):
        word.refuse()
    with pytest.raises(AttributeError, match="nothing"):
        word.nothing()


def test_its_server_ends_with_the_last_client(resource):
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, spawn) as pool:
        server = pool.submit(process_of, resource).result()
    deadline = time.monotonic() + 20
    while os.path.exists(f"/proc/{server}") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{server}")
    assert process_of(resource) != server
    assert loads(resource) == 2


def test_a_server_that_dies_ends_the_job_and_is_replaced(resource):
    fatal = SlicingFunction(
        lambda row, word: word.end(), "fatal", uses={"word": resource}
    )
    message = "must stay alive.*resource=slicing_loaders:load"
    with pytest.raises(ResourceError, match=message):
        apply_functions([fatal], [Row.from_mapping({"n": 1})] * 2)
    assert resource.get()("c") == "abc"
    assert loads(resource) == 2


def test_a_loader_that_fails_there_is_named_here(resource):
    broken = Resource("slicing_loaders:fail", "rcnn", share="machine")
    message = r":fail\('rcnn'\), error=OSError: no such model: rcnn"
    with pytest.raises(ResourceError, match=message):
        broken.get()
