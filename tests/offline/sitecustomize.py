"""Block the network for Python: on PYTHONPATH, this is imported at every start.

Only addresses of this machine can be reached. Any other attempt fails at once, as
without a network, and is written to the file named by OFFLINE_LOG.
"""

import errno
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

LOCAL = ("127.", "::1", "localhost", "0.0.0.0")


def _refuse(host: object) -> None:
    """Raise OSError unless `host` is this machine."""
    name = host.decode() if isinstance(host, bytes) else str(host)
    if host is None or not name or name.startswith(LOCAL):
        return
    if log := os.environ.get("OFFLINE_LOG"):
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(f"{name} {Path(sys.argv[0]).name}\n")
    raise OSError(errno.ENETUNREACH, f"the network is blocked for this test: {name}")


def _guarded(real: Callable[..., Any]) -> Callable[..., Any]:
    def connect(self: socket.socket, address: Any) -> Any:
        if isinstance(address, tuple):
            _refuse(address[0])
        return real(self, address)

    return connect


_getaddrinfo = socket.getaddrinfo


def _resolve(host: Any, *args: Any, **kwargs: Any) -> Any:
    try:
        _refuse(host)
    except OSError as error:
        raise socket.gaierror(socket.EAI_AGAIN, str(error)) from None
    return _getaddrinfo(host, *args, **kwargs)


socket.socket.connect = _guarded(socket.socket.connect)
socket.socket.connect_ex = _guarded(socket.socket.connect_ex)
socket.getaddrinfo = _resolve
