"""The service manager's notification protocol: sd_notify(3), sd_watchdog_enabled(3)."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from controlplane.kit.clock import Clock


class Notifier:
    """Tells systemd that the service is ready, alive or stopping; silent where no manager listens."""

    def __init__(self, environ: Mapping[str, str]):
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._watchdog_seconds = int(environ.get("WATCHDOG_USEC", "0")) / 1_000_000

    def ready(self, status: str) -> None:
        self._send(f"READY=1\nSTATUS={status}")

    def status(self, status: str) -> None:
        """Set the line that `systemctl status` shows."""
        self._send(f"STATUS={status}")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    async def keep_alive(self, clock: Clock) -> None:
        """Feed the watchdog for as long as the event loop runs: a hung loop gets the service restarted."""
        while self._watchdog_seconds:
            self._send("WATCHDOG=1")
            await clock.sleep(self._watchdog_seconds / 3)

    def _send(self, message: str) -> None:
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagram:
            datagram.sendto(message.encode(), self._address)
