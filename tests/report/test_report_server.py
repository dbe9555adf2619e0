"""The server of `slice-tf ui`, asked by raw HTTP."""

import concurrent.futures
import dataclasses
import http.client
import json
import pathlib
import socket
import subprocess
import sys

import numpy as np
import pytest

from reviewed import make_results, save_run
from slice_tf.evaluation import (
    ExampleSampler,
    RegressionCounts,
    Results,
    load_audits,
)
from slice_tf.report.server import ReviewServer
from slice_tf.schema import SliceSchema

RESULTS = make_results()
KEY = RESULTS.examples.examples[RESULTS.examples.members["night"][0]].key
ANSWER = {"file": "results.json", "slice": "night", "key": KEY}
NOTE = {"file": "results.json", "slice": "night", "text": "ask maps"}


@pytest.fixture
def folder(tmp_path):
    RESULTS.save(tmp_path / "results.json")
    return tmp_path


@pytest.fixture
def server(folder):
    with ReviewServer(folder) as server:
        yield server


def ask(server, method, path, body=None, without=(), **changed):
    """Sends what one of the server's own pages would, with changes."""
    access = server.access
    headers = {
        "Host": access.hosts[0],
        "Cookie": access.cookie.partition(";")[0],
    }
    if body is not None:
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers |= {
            "Origin": f"http://{access.hosts[0]}",
            "Content-Type": "application/json",
            "X-Slice-Tf-Token": access.token,
            "Content-Length": str(len(body)),
        }
    headers |= {name.replace("_", "-"): one for name, one in changed.items()}
    line = http.client.HTTPConnection("127.0.0.1", access.port, timeout=20)
    line.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, one in headers.items():
        if name not in without:
            line.putheader(name, one)
    line.endheaders(body)
    answer = line.getresponse()
    text = answer.read().decode()
    line.close()
    return answer.status, dict(answer.getheaders()), text


def files_of(folder):
    return {
        one.relative_to(folder).as_posix(): one.read_bytes()
        for one in folder.rglob("*")
        if one.is_file()
    }


def test_the_printed_address_lets_in_and_hides_the_token(server):
    place = f"/?token={server.access.token}"
    status, headers, _ = ask(server, "GET", place, without=["Cookie"])
    assert status == 303
    assert headers["Location"] == "/"
    assert headers["Set-Cookie"] == (
        f"slice_tf_{server.access.port}={server.access.token}; Path=/; "
        "HttpOnly; SameSite=Strict"
    )
    status, headers, page = ask(server, "GET", "/")
    assert status == 200
    assert "<title>slice-tf" in page
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"


def test_a_redirect_never_leads_to_another_host(server):
    for path in ("//evil.test/x", "/\\evil.test/x", "///evil.test"):
        place = f"{path}?token={server.access.token}"
        status, headers, _ = ask(server, "GET", place)
        if status == 303:
            assert headers["Location"].startswith("/")
            assert not headers["Location"].startswith(("//", "/\\"))


@pytest.mark.parametrize("cookie", ["", "slice_tf=x", "a=\x7f;;=", "é=1"])
def test_nobody_reads_without_the_token(server, cookie):
    for path in ("/", "/?token=wrong", "/results?file=results.json"):
        status, _, text = ask(
            server, "GET", path, Cookie=cookie.encode("latin-1")
        )
        assert status == 403
        assert "Open the address that `slice-tf ui` printed" in text
        assert server.access.token not in text


@pytest.mark.parametrize(
    "host", ["evil.test", "evil.test:80", "127.0.0.1", "127.0.0.1:1", ""]
)
def test_a_name_that_was_pointed_at_this_machine_is_refused(server, host):
    for method, body in (("GET", None), ("POST", NOTE)):
        status, _, text = ask(server, method, "/api/notes", body, Host=host)
        assert (status, json.loads(text)) == (
            403,
            {"error": "This server answers to its address alone."},
        )


REFUSED = {
    "no cookie": ({"without": ["Cookie"]}, 403),
    "wrong cookie": ({"Cookie": "slice_tf=1"}, 403),
    "foreign origin": ({"Origin": "http://evil.test"}, 403),
    "no origin": ({"without": ["Origin"]}, 403),
    "null origin": ({"Origin": "null"}, 403),
    "other port": ({"Origin": "http://127.0.0.1:1"}, 403),
    "https": ({"Origin": "https://127.0.0.1"}, 403),
    "no token": ({"without": ["X-Slice-Tf-Token"]}, 403),
    "wrong token": ({"X_Slice_Tf_Token": "x"}, 403),
    "token that is no ASCII": ({"X_Slice_Tf_Token": b"\xff"}, 403),
    "a form": ({"Content_Type": "application/x-www-form-urlencoded"}, 415),
    "plain text": ({"Content_Type": "text/plain"}, 415),
    "no type": ({"without": ["Content-Type"]}, 415),
    "no length": ({"without": ["Content-Length"]}, 411),
    "negative length": ({"Content_Length": "-1"}, 411),
    "large": ({"Content_Length": "65537"}, 413),
    "huge": ({"Content_Length": "9" * 40}, 413),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_writes_leave_nothing_behind(server, folder, what):
    changed, expected = REFUSED[what]
    before = files_of(folder)
    for path in ("/api/audit", "/api/notes", "/api/accepted", "/api/discovery"):
        body = {**ANSWER, **NOTE, "belongs": True}
        status, _, text = ask(server, "POST", path, body, **changed)
        assert status == expected
        assert set(json.loads(text)) == {"error"}
    assert files_of(folder) == before


BAD_BODIES = {
    "no JSON": (b"{", "A body must be JSON."),
    "no UTF-8": (b"\xff\xfe", "A body must be JSON."),
    "deep": (b"[" * 60_000, "A body must be JSON."),
    "a list": (b"[]", "A body must be a JSON object."),
    "empty": ({}, "`file` must be a text. Received: file=NoneType"),
    "slice that is no text": ({**ANSWER, "slice": 1}, "`slice` must be a text"),
    "unknown slice": ({**ANSWER, "slice": "x"}, "slice"),
    "base is no slice": ({**ANSWER, "slice": "base"}, "slice"),
    "unknown key": ({**ANSWER, "key": "0"}, "must be in the sample"),
    "no answer": ({**ANSWER, "belongs": 1}, "must be true, false or null"),
}


@pytest.mark.parametrize("what", BAD_BODIES)
def test_malformed_answers_are_refused_in_one_line(server, folder, what):
    body, message = BAD_BODIES[what]
    before = files_of(folder)
    status, _, text = ask(server, "POST", "/api/audit", body)
    assert status == 400
    assert message in json.loads(text)["error"]
    assert files_of(folder) == before


def test_a_note_must_fit(server, folder):
    before = files_of(folder)
    long = {**NOTE, "text": "x" * 4001}
    status, _, text = ask(server, "POST", "/api/notes", long)
    assert status == 400
    assert "Received: characters=4,001" in text
    assert files_of(folder) == before


@pytest.mark.parametrize(
    "name",
    [
        "../results.json",
        "..%2Fresults.json",
        "%2e%2e/results.json",
        "/etc/passwd",
        "sub/../results.json",
        "linked.json",
        "results.json%00",
        "",
    ],
)
def test_a_name_that_was_not_listed_leads_nowhere(tmp_path, name):
    inner = tmp_path / "inner"
    (inner / "sub").mkdir(parents=True)
    RESULTS.save(tmp_path / "results.json")
    (inner / "linked.json").symlink_to(tmp_path / "results.json")
    with ReviewServer(inner) as server:
        for path in (
            f"/results?file={name}",
            f"/discovery?run={name}",
            f"/{name}",
        ):
            status, _, text = ask(server, "GET", path)
            assert status == (200 if path == "/" else 404)
            assert "sliced/test" not in text
        status, _, _ = ask(server, "POST", "/api/notes", {**NOTE, "file": name})
        assert status == 404
    assert not (tmp_path / "review.json").exists()
    assert not (inner / "review.json").exists()


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "OPTIONS"])
def test_other_methods_are_not_answered(server, folder, method):
    before = files_of(folder)
    status, headers, _ = ask(server, method, "/api/notes", NOTE)
    assert status == 501
    assert "Access-Control-Allow-Origin" not in headers
    assert files_of(folder) == before


def test_pages_are_not_written_to_and_acts_are_not_read(server):
    assert ask(server, "POST", "/", NOTE)[0] == 404
    assert ask(server, "GET", "/api/notes")[0] == 404


def test_concurrent_writes_are_all_kept(server, folder):
    sample = RESULTS.examples
    keys = [sample.examples[i].key for i in sample.members["night"]][:24]

    def send(key):
        body = {**ANSWER, "key": key, "belongs": True}
        return ask(server, "POST", "/api/audit", body)[0]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(send, keys)) == [200] * 24
    review = json.loads((folder / "review.json").read_text())
    (answers,) = review["audits"].values()
    assert answers == {"night": dict.fromkeys(keys, True)}


def test_what_was_said_survives_a_restart(folder):
    sample = RESULTS.examples
    inside = [sample.examples[i].key for i in sample.members["night"]]
    outside = [
        sample.examples[i].key for i in sample.outside(RESULTS.schema, "night")
    ]
    with ReviewServer(folder) as server:
        for key, belongs in [
            *((key, i > 4) for i, key in enumerate(inside[:40])),
            *((key, False) for key in outside[:40]),
        ]:
            body = {**ANSWER, "key": key, "belongs": belongs}
            assert ask(server, "POST", "/api/audit", body)[0] == 200
        assert ask(server, "POST", "/api/notes", NOTE)[0] == 200
        body = {**NOTE, "text": " known "}
        told = json.loads(ask(server, "POST", "/api/accepted", body)[2])
    night = told["audited"]["night"]
    assert night["precision"]["value"] == 35 / 40
    assert night["missed"]["value"] == 0
    assert [one["accepted"] for one in told["gate"]["slices"]] == [
        "known",
        None,
        None,
    ]
    audits = load_audits(folder / "results.audits.json")
    assert (audits["night"].found, audits["night"].found_of) == (35, 40)
    with ReviewServer(folder) as server:
        body = {**NOTE, "slice": "base", "text": "fine"}
        again = json.loads(ask(server, "POST", "/api/notes", body)[2])
    assert again["audited"] == told["audited"]
    assert again["review"] == {
        **told["review"],
        "notes": {"night": "ask maps", "base": "fine"},
    }
    # What a model scored is never changed by what people say.
    assert Results.load(folder / "results.json") == RESULTS


def test_broken_files_are_named_and_the_rest_is_shown(folder):
    wrong = {"schema": 1, "slices": 2, "data": 3, "num_classes": 4}
    (folder / "wrong.json").write_text(json.dumps(wrong))
    for name, text in {"run": "{", "keys": '{"format_version": 1}'}.items():
        (folder / name).mkdir()
        (folder / name / "discovered.json").write_text(text)
    save_run(folder / "torn")
    (folder / "torn" / "regions.npz").write_bytes(b"torn")
    with ReviewServer(folder) as server:
        assert ask(server, "GET", "/")[0] == 200
        for run in ("run", "keys", "torn"):
            status, _, text = ask(server, "GET", f"/discovery?run={run}")
            assert status == 400
            assert "must be what `slice-tf discover` wrote" in text
        status, _, text = ask(server, "GET", "/results?file=wrong.json")
        assert status == 400
        assert "wrong.json" in text


def test_a_client_that_leaves_is_no_news(server, capfd):
    for sent in (b"", b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\xff\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", server.access.port)) as one:
            one.sendall(sent)
    assert ask(server, "GET", "/")[0] == 200
    assert "Traceback" not in capfd.readouterr().err


def test_an_idle_connection_is_no_news(folder, capfd, monkeypatch):
    monkeypatch.setattr("slice_tf.report.server._Handler.timeout", 0.1)
    with ReviewServer(folder) as server:
        one = socket.create_connection(("127.0.0.1", server.access.port))
        one.settimeout(20)
        assert one.recv(1) == b""  # The server closes it.
        one.close()
    assert "Traceback" not in capfd.readouterr().err


def test_the_server_is_reached_from_this_machine_alone(server):
    assert server.server_address[0] == "127.0.0.1"


def test_command_serves_until_it_is_told_to_stop(folder):
    program = [sys.executable, "-m", "slice_tf", "ui", str(folder)]
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        address = process.stdout.readline().strip()
        host, _, rest = address.removeprefix("http://").partition("/")
        line = http.client.HTTPConnection(host, timeout=20)
        line.request("GET", f"/{rest}")
        assert line.getresponse().status == 303
        line.close()
        process.terminate()
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "whoever has this address may write" in errors
    assert "token" not in errors


def test_command_needs_a_directory(tmp_path):
    missing = pathlib.Path(tmp_path / "none")
    done = subprocess.run(
        [sys.executable, "-m", "slice_tf", "ui", str(missing)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "There must be a directory to show results of" in done.stderr


def test_answers_correct_errors_of_predicted_numbers(server, folder):
    schema = SliceSchema.from_names(["night"])
    targets, predictions = np.random.default_rng(0).normal(size=(2, 400))
    members = (np.arange(400) < 200)[:, None]
    counts, sampler = RegressionCounts(schema), ExampleSampler(schema, 80)
    counts.add(targets, predictions, members)
    sampler.add({"x": targets}, targets, predictions, members)
    sample = sampler.sample()
    results = dataclasses.replace(counts.results(), examples=sample)
    results.save(folder / "numbers.json")
    body = {"file": "numbers.json", "slice": "night"}
    for place in {*sample.members["night"], *sample.members["base"]}:
        one = sample.examples[place]
        said = {"key": one.key, "belongs": one.slices == [0]}
        status, _, text = ask(server, "POST", "/api/audit", {**body, **said})
        assert status == 200
    audited = json.loads(text)["audited"]["night"]
    naive = results["night"].metrics
    for name in ("mae", "rmse", "bias"):
        assert audited[name]["value"] == pytest.approx(naive[name].value)
    assert audited["accuracy"] is None
