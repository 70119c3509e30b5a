"""Sockets in another network namespace: only the call to socket() has to run inside, its use may be anywhere."""

from __future__ import annotations

import ctypes
import os
import socket
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


def socket_in(namespace: Path, family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
    """Return a TCP socket that lives in `namespace`; blocks for some milliseconds, so call it from a thread.

    Raises OSError. A thread that cannot come back ends the process: nobody else may run in the wrong namespace.
    """
    inside = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _libc.setns(inside, _CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, f"enter network namespace: {os.strerror(number)}", str(namespace))
        try:
            return socket.socket(family, socket.SOCK_STREAM)
        finally:
            if _libc.setns(outside, _CLONE_NEWNET):
                os._exit(70)
    finally:
        os.close(inside)
        os.close(outside)
