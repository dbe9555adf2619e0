"""HTTP itself: framing, order, bounds, and callers who do not do their part."""

import re
import socket
import time

import pytest

from slice_tf_serving import ModelServer
from slice_tf_serving.limits import Limits

PREDICT = b"POST /v1/models/plain:predict HTTP/1.1\r\nHost: a\r\n"


def asked(number, *headers):
    """Returns a request that is answered with half the number, and two."""
    body = b'{"instances": [%d]}' % number
    lines = b"".join(b"%b\r\n" % one for one in headers)
    return b"%bContent-Length: %d\r\n%b\r\n%b" % (
        PREDICT,
        len(body),
        lines,
        body,
    )


def received(connection):
    """Returns what comes until the server hangs up."""
    parts = []
    while part := connection.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


@pytest.fixture
def exchange(servers):
    """Sends bytes, some time apart, and returns all that comes."""

    def send(*parts):
        address = "127.0.0.1", servers["plain"].rest_port
        with socket.create_connection(address, timeout=60) as connection:
            for part in parts:
                connection.sendall(part)
                time.sleep(0.01 if len(parts) > 1 else 0)
            return received(connection)

    return send


def test_requests_sent_at_once_are_answered_in_order(exchange):
    text = exchange(
        asked(2) * 50 + asked(4) + b"GET /v1/foo HTTP/1.1\r\n\r\n" + asked(6),
        asked(8, b"Connection: close"),
    )
    bodies = re.findall(rb'\r\n\r\n({"(?:predictions|error)":.*?})', text)
    assert bodies == [
        *[b'{"predictions":[3.0]}'] * 50,
        b'{"predictions":[4.0]}',
        b'{"error":"Malformed request: GET /v1/foo"}',
        b'{"predictions":[5.0]}',
        b'{"predictions":[6.0]}',
    ]


def test_request_may_come_byte_by_byte(exchange):
    request = asked(2, b"Connection: close")
    text = exchange(*[request[at : at + 1] for at in range(len(request))])
    assert text.endswith(b'\r\n\r\n{"predictions":[3.0]}')


def test_answer_tells_its_length_type_and_date(exchange):
    head, _, body = exchange(asked(2, b"Connection: close")).partition(
        b"\r\n\r\n"
    )
    start, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    date = headers.pop("date")
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT", date)
    assert start == "HTTP/1.1 200 OK"
    assert headers == {
        "content-type": "application/json",
        "content-length": str(len(body)),
        "connection": "close",
    }


@pytest.mark.parametrize(
    "request_",
    [
        asked(2).replace(b"HTTP/1.1", b"HTTP/1.0"),
        PREDICT + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
        b'5\r\n{"ins\r\n10\r\ntances":   [2]  \r\n'
        b"1;a=b\r\n}\r\n0\r\nX: y\r\n\r\n",
        asked(2, b"Connection: close").replace(b"/v1", b"http://a/v1", 1),
    ],
    ids=["1.0", "chunks", "whole URL"],
)
def test_other_forms_of_a_request_are_understood(request_, exchange):
    text = exchange(request_)
    assert text.startswith(b"HTTP/1.1 200 OK\r\n")
    assert text.endswith(b'\r\n\r\n{"predictions":[3.0]}')


OFFER = b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c"


def test_offer_of_another_protocol_is_declined(exchange):
    text = exchange(asked(2, *OFFER) + asked(4, b"Connection: close"))
    assert re.findall(rb"\[([\d.]+)\]", text) == [b"3.0", b"4.0"]
    request = asked(2, *OFFER, b"Expect: 100-continue")
    text = exchange(request, asked(4, b"Connection: close"))
    assert re.findall(rb"HTTP/1.1 (\d+)", text) == [b"100", b"200", b"200"]
    text = exchange(b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n")
    assert b'{"error":"Malformed request: CONNECT"}' in text


def test_caller_who_waits_to_be_told_is_told_to_go_on(servers):
    head, _, body = asked(2, b"Expect: 100-continue").partition(b"\r\n\r\n")
    address = "127.0.0.1", servers["plain"].rest_port
    with socket.create_connection(address, timeout=60) as connection:
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert connection.recv(1000).endswith(b'{"predictions":[3.0]}')


def test_head_alone_comes_without_a_body(exchange):
    text = exchange(b"HEAD /v1/foo HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert text.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert text.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (PREDICT + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
        (PREDICT + b"Content-Length: -1\r\n\r\n", 400),
        (PREDICT + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n", 400),
        (
            PREDICT
            + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
            400,
        ),
        (PREDICT + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (PREDICT + b"X: " + b"a" * 300_000, 431),
        (b"GET /" + b"a" * 300_000, 431),
        (PREDICT + b"Content-Length: 1000000000\r\n\r\n{", 413),
    ],
)
def test_what_is_no_request_is_refused_and_ends_the_connection(
    sent, status, exchange
):
    text = exchange(sent)
    assert text.startswith(b"HTTP/1.1 %d " % status)
    assert b"\r\nconnection: close\r\n" in text
    assert b'{"error":"' in text


def test_refusal_reaches_a_caller_who_goes_on_sending(servers):
    address = "127.0.0.1", servers["plain"].rest_port
    with socket.create_connection(address, timeout=60) as connection:
        connection.sendall(PREDICT + b"Content-Length: 1000000000\r\n\r\n")
        for _ in range(100):
            connection.sendall(b" " * 100_000)
        assert received(connection).startswith(b"HTTP/1.1 413 ")


def test_answers_before_a_refusal_are_given(exchange):
    text = exchange(asked(2) + b"nonsense\r\n\r\n")
    assert re.findall(rb"HTTP/1.1 (\d+)", text) == [b"200", b"400"]


@pytest.fixture(scope="module")
def hasty(base_dirs):
    limits = Limits(body_seconds=0.2)
    with ModelServer(base_dirs["plain"], "plain", limits=limits) as server:
        yield "127.0.0.1", server.rest_port


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"", b""),
        (b"POST /v1/mo", b""),
        (asked(2), b"HTTP/1.1 200 OK"),
        (asked(2)[:-3], b"HTTP/1.1 408 Request Timeout"),
    ],
    ids=["nothing", "half a head", "no second request", "half a body"],
)
def test_caller_who_sends_nothing_more_is_given_up(sent, expected, hasty):
    with socket.create_connection(hasty, timeout=60) as connection:
        connection.sendall(sent)
        assert received(connection).partition(b"\r\n")[0] == expected


def test_caller_who_does_not_read_is_given_up(hasty):
    body = b'{"instances": [%b]}' % b",".join([b"1.2345"] * 200_000)
    request = b"%bContent-Length: %d\r\n\r\n%b" % (PREDICT, len(body), body)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(60)
        connection.connect(hasty)
        with pytest.raises(ConnectionError):
            connection.sendall(request * 100)


def test_caller_who_sends_on_and_on_is_read_no_further(hasty):
    """Requests wait in the network, not in memory, where none is read."""
    request = asked(2)
    with socket.create_connection(hasty, timeout=60) as connection:
        connection.sendall(request * 2000)
        count = 0
        while count < 2000:
            count += connection.recv(1 << 16).count(b"HTTP/1.1 200 OK")
    assert count == 2000
