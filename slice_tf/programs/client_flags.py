"""The flags of programs that ask servers."""

import argparse
import pathlib
from typing import Any

from slice_tf.programs.flags import FlagParser, read_token


def add_identity(parser: FlagParser) -> None:
    """Adds whom to trust, and who to be."""
    add = parser.add_argument
    file: dict[str, Any] = {"type": pathlib.Path, "metavar": "FILE"}
    add("--token-file", **file, help="holds the token that the server asks for")
    add(
        "--tls-ca",
        **file,
        help="authority of the server's certificate, PEM; by default those of "
        "the system",
    )
    add("--tls-key", **file, help="private key of the client, PEM")
    add("--tls-certificate", **file, help="certificate of the client, PEM")


def identity(flags: argparse.Namespace) -> dict[str, Any]:
    """Returns `token` and `certificates`, as clients take them.

    Raises:
        ValueError: If there is no token in the file, or a key without its
            certificate.
    """
    from slice_tf_serving.client import Certificates

    return {
        "token": flags.token_file and read_token(flags.token_file),
        "certificates": Certificates(
            flags.tls_ca, flags.tls_key, flags.tls_certificate
        ),
    }
