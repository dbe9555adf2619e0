"""The client for asyncio; what it checks is what the other client checks."""

import asyncio

import numpy as np
import pytest

from exported_task import NAMES, assert_same, made
from slice_tf_serving import AsyncClient, ModelServer
from slice_tf_serving.client import RequestError


@pytest.fixture(params=["grpc", "http"])
def scheme(request):
    return request.param


def run(scheme, servers, url_of, name, use, **arguments):
    """Returns what `use` makes of a client of a running server."""

    async def main():
        url = url_of(servers[name], scheme)
        async with AsyncClient(url, name, **arguments) as client:
            return await use(client)

    return asyncio.run(main())


@pytest.mark.parametrize("name", sorted(NAMES))
@pytest.mark.parametrize("signature", ["serving_default", "examples"])
def test_answers_are_those_of_the_model(
    name, signature, scheme, servers, url_of
):
    one = made(name)
    outputs = run(
        scheme,
        servers,
        url_of,
        name,
        lambda client: client.predict(one.inputs(signature), signature),
    )
    assert_same(outputs, one.expected(signature))


def test_calls_run_at_the_same_time(scheme, servers, url_of):
    one = made("binary")
    inputs = one.inputs("serving_default")

    async def use(client):
        await client.metadata()
        calls = [client.predict(inputs) for _ in range(40)]
        return await asyncio.gather(*calls)

    for outputs in run(scheme, servers, url_of, "binary", use):
        assert_same(outputs, one.expected("serving_default"))


def test_parts_of_a_batch_come_back_in_order(scheme, servers, url_of):
    one = made("binary")
    outputs = run(
        scheme,
        servers,
        url_of,
        "binary",
        lambda client: client.predict(
            one.inputs("serving_default"), batch_size=1
        ),
    )
    assert_same(outputs, one.expected("serving_default"))


def test_versions_are_told(scheme, servers, url_of):
    async def use(client):
        metadata = await client.wait_until_ready(10)
        return metadata.version, await client.status()

    version, (status,) = run(scheme, servers, url_of, "binary", use)
    assert (version, status.version, status.state) == (1, 1, "AVAILABLE")


def test_version_that_is_not_there_is_told(scheme, servers, url_of):
    with pytest.raises(RequestError, match="code=NOT_FOUND"):
        run(
            scheme,
            servers,
            url_of,
            "binary",
            lambda client: client.metadata(),
            version=7,
        )


def test_wrong_input_is_told_before_it_is_sent(scheme, servers, url_of):
    async def use(client):
        await client.metadata()
        await client.close()
        await client.predict({"nope": np.zeros(1)})

    with pytest.raises(ValueError, match="must be among those of"):
        run(scheme, servers, url_of, "binary", use)


def test_server_that_is_not_there_is_told(scheme, free_port):
    async def main():
        url = f"{scheme}://127.0.0.1:{free_port}"
        async with AsyncClient(url, "m", retries=1) as client:
            await client.metadata()

    with pytest.raises(ConnectionError, match="must be running at the URL"):
        asyncio.run(main())


def test_silent_server_is_given_up(scheme, silent_port):
    async def main():
        url = f"{scheme}://127.0.0.1:{silent_port}"
        async with AsyncClient(url, "m", timeout=0.2) as client:
            await client.metadata()

    with pytest.raises((TimeoutError, ConnectionError)):
        asyncio.run(main())


def test_server_that_comes_back_is_asked_again(scheme, base_dirs, free_port):
    ports = {"grpc": 0, "http": 0, scheme: free_port}
    arguments = base_dirs["binary"], "m", ports["http"], ports["grpc"]

    async def main():
        url = f"{scheme}://127.0.0.1:{free_port}"
        one = made("binary")
        async with AsyncClient(url, "m", retries=50, timeout=60) as client:
            for _ in range(2):
                with ModelServer(*arguments):
                    outputs = await client.predict(
                        one.inputs("serving_default")
                    )
                assert_same(outputs, one.expected("serving_default"))

    asyncio.run(main())
