"""The embedded server answers as TensorFlow Serving's request code does."""

import pathlib
import runpy

import pytest

from slice_tf_serving import ModelServer
from slice_tf_serving.conformance import (
    DIFFERENCES,
    main,
    read_cases,
    run_cases,
)
from slice_tf_serving.model_config import ModelConfig

ROOT = pathlib.Path(__file__).parents[3] / "shared" / "serving"
CASES = ROOT / "conformance_cases.json"

pytestmark = pytest.mark.skipif(
    not CASES.is_file(), reason="the recorded cases are not at hand"
)


@pytest.fixture(scope="module")
def addresses(tmp_path_factory):
    base = tmp_path_factory.mktemp("conformance") / "m"
    runpy.run_path(str(ROOT / "make_fixture.py"))["main"](str(base))
    model = ModelConfig("m", base, labels={"stable": 123})
    with ModelServer.of_models([model], allow_reload=True) as server:
        ports = server.rest_port, server.grpc_port
        yield [f"127.0.0.1:{port}" for port in ports]


@pytest.fixture(scope="module")
def outcomes(addresses):
    return run_cases(read_cases(CASES), *addresses)


def test_every_case_is_answered_as_recorded(outcomes):
    wrong = {one.case_id: one for one in outcomes if one.reason}
    assert {name: wrong[name] for name in wrong.keys() - DIFFERENCES} == {}


@pytest.mark.parametrize("name", DIFFERENCES)
def test_what_differs_on_purpose_says_why(name, outcomes):
    (one,) = (one for one in outcomes if one.case_id == name)
    assert one.received.startswith("400 ")
    assert DIFFERENCES[name] in one.received


def test_program_tells_what_differs(addresses, outcomes, capsys):
    rest, grpc = addresses
    assert main([str(CASES), "--rest", rest, "--grpc", grpc]) == 1
    *_, last = capsys.readouterr().out.splitlines()
    total = len(outcomes)
    assert last == f"{total - len(DIFFERENCES)} of {total} agree"
