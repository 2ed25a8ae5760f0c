"""Cuts Python off from the network: on PYTHONPATH, it is imported at every start.

Only addresses of this machine can be reached; any other attempt fails at once, as
without a network, and is noted in the file named by OFFLINE_LOG.
"""

import errno
import os
import socket
import sys
from pathlib import Path

LOCAL = ("127.", "::1", "localhost", "0.0.0.0")


def _refuse(host) -> None:
    name = host.decode() if isinstance(host, bytes) else str(host)
    if host is None or not name or name.startswith(LOCAL):
        return
    if log := os.environ.get("OFFLINE_LOG"):
        with Path(log).open("a", encoding="utf-8") as file:
            file.write(f"{name} {Path(sys.argv[0]).name}\n")
    raise OSError(errno.ENETUNREACH, f"the network is cut off for this test: {name}")


def _guarded(real):
    def connect(self, address):
        if isinstance(address, tuple):
            _refuse(address[0])
        return real(self, address)

    return connect


def _resolve(host, *args, _real=socket.getaddrinfo, **kwargs):
    try:
        _refuse(host)
    except OSError as error:
        raise socket.gaierror(socket.EAI_AGAIN, str(error)) from None
    return _real(host, *args, **kwargs)


socket.socket.connect = _guarded(socket.socket.connect)
socket.socket.connect_ex = _guarded(socket.socket.connect_ex)
socket.getaddrinfo = _resolve
