"""`slice-tf predict`: ask a running server."""

import argparse
import contextlib
import itertools
import json
import pathlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from slice_tf.programs.client_flags import add_identity, identity
from slice_tf.programs.flags import FlagParser, positive_int, positive_number

if TYPE_CHECKING:
    from slice_tf_serving import Client

_BATCH_SIZE = 64


def main(argv: Sequence[str]) -> int:
    """Sends a request and prints the answer as JSON."""
    flags = _parse(argv)
    if flags.input is not None:
        answers = _input_answers(flags, _read(flags.input))
    else:
        answers = _record_answers(flags)
    for answer in answers:
        print(answer)  # noqa: T201 - results go to stdout
    return 0


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = FlagParser("predict", "Asks a model server and prints JSON.")
    add = parser.add_argument
    add(
        "--url",
        required=True,
        help="http://host:port or grpc://host:port; https:// or grpcs:// for "
        "TLS",
    )
    add("--name", required=True, help="name of the model")
    _add_pin(parser)
    add_identity(parser)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--input",
        metavar="FILE",
        help='JSON with "instances" or "inputs"; - reads it from stdin',
    )
    source.add_argument(
        "--tfrecord",
        metavar="FILE",
        type=pathlib.Path,
        help="records to send to the signature `examples`",
    )
    add(
        "--signature",
        help="name of the signature; by default the file's, or serving_default",
    )
    add(
        "--limit",
        type=positive_int,
        default=10,
        help="number of records of --tfrecord to send",
    )
    add(
        "--timeout",
        type=positive_number,
        default=30.0,
        help="seconds for a call",
    )
    add(
        "--wait",
        type=positive_number,
        help="seconds to wait for a server that is starting; by default none",
    )
    return parser.parse(argv)


def _add_pin(parser: FlagParser) -> None:
    pin = parser.add_mutually_exclusive_group()
    pin.add_argument(
        "--version",
        type=positive_int,
        help="version of the model; by default the newest",
    )
    pin.add_argument("--label", help="label of the version, such as stable")


def _read(name: str) -> bytes:
    """Returns the request, checked before a server is asked."""
    body = (
        sys.stdin.buffer.read()
        if name == "-"
        else pathlib.Path(name).read_bytes()
    )
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"A request must be JSON. Received: input={name}, error={error}"
        ) from error
    if not isinstance(document, dict) or not (
        {"instances", "inputs"} & document.keys()
    ):
        raise ValueError(
            'A request must be a JSON object with "instances" (a list of '
            'examples) or "inputs" (a value for each input). '
            f"Received: input={name}"
        )
    return body


@contextlib.contextmanager
def _client(flags: argparse.Namespace) -> Iterator["Client"]:
    from slice_tf_serving import Client

    with Client(
        flags.url,
        flags.name,
        flags.version,
        label=flags.label,
        timeout=flags.timeout,
        **identity(flags),
    ) as client:
        if flags.wait is not None:
            client.wait_until_ready(flags.wait)
        yield client


def _input_answers(flags: argparse.Namespace, body: bytes) -> Iterator[str]:
    from slice_tf_serving.codes import ApiError
    from slice_tf_serving.json_forms.answers import predictions
    from slice_tf_serving.json_forms.document import read_document
    from slice_tf_serving.json_forms.requests import read_request

    with _client(flags) as client:
        signatures = client.metadata().signatures
        try:
            document, name = read_document(body, sys.maxsize)
            name = flags.signature or name or "serving_default"
            request = read_request(document, _known(signatures, name), body)
            outputs = client.predict(request.arrays(), name)
            yield predictions(outputs, request.is_row).decode()
        except ApiError as error:
            raise ValueError(
                "A request must fit the signature. "
                f"Received: input={flags.input}, error={error.text}"
            ) from error


def _known(signatures: Any, name: str) -> Any:
    if name not in signatures:
        raise ValueError(
            f"`--signature` must be among {', '.join(signatures)}. "
            f"Received: signature={name!r}"
        )
    return signatures[name]


def _record_answers(flags: argparse.Namespace) -> Iterator[str]:
    """Yields one line of JSON an example, as the batches are answered."""
    import numpy as np

    from slice_tf.data.tfrecord import read_records
    from slice_tf.export.signatures import EXAMPLES, EXAMPLES_INPUT
    from slice_tf_serving.json_forms.answers import rows

    records = itertools.islice(read_records(flags.tfrecord), flags.limit)
    with _client(flags) as client:
        for batch in _batches(records):
            column = np.array([*batch, None], object)[:-1]
            outputs = client.predict(
                {EXAMPLES_INPUT: column}, flags.signature or EXAMPLES
            )
            for row in rows(outputs):
                yield row.decode()


def _batches(records: Iterable[bytes]) -> Iterator[list[bytes]]:
    iterator = iter(records)
    while batch := list(itertools.islice(iterator, _BATCH_SIZE)):
        yield batch
