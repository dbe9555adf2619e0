"""Sockets that listen, alone or with others."""

import socket

_BACKLOG = 2048


def listening(host: str, port: int, is_shared: bool = False) -> socket.socket:
    """Returns a socket that listens.

    Args:
        host: Address to listen at.
        port: Port to listen at; 0 takes a free one.
        is_shared: Whether other processes may listen there as well.

    Raises:
        OSError: If the port is in use or the host is not this one.
    """
    try:
        listener = socket.create_server(
            (host, port),
            family=_family(host),
            backlog=_BACKLOG,
            reuse_port=is_shared,
        )
    except OSError as error:
        raise OSError(
            "The server must be able to listen at its address. "
            f"Received: host={host}, port={port}, error={error.strerror}. "
            "Stop what uses the port, or choose another; 0 takes a free one."
        ) from error
    # Connections inherit it. asyncio does so only for sockets that name TCP,
    # and answers would wait 40 ms for the caller's acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def held(host: str, port: int) -> socket.socket:
    """Returns a socket that keeps a port for the workers.

    It does not listen, so no connection comes to it.

    Raises:
        OSError: If the port is in use.
    """
    listening(host, port).close()  # Sharing would hide another server.
    family = _family(host)
    kept = socket.socket(family)
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    kept.bind((host, port))
    return kept


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
