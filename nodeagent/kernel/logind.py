"""systemd-logind: hear that the machine is about to go down, and hold that up for a while (an inhibitor lock).

A machine that is stopped from outside, or whose power goes, does not ask logind: nobody is told then.
"""

from __future__ import annotations

import os
from pathlib import Path

from nodeagent.kernel.dbus import Bus, BusFailure

_NAME, _PATH, _MANAGER = "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"
_BUS = "org.freedesktop.DBus"
_SIGNAL = "PrepareForShutdown"
_HANG_UP = 1  # SIGHUP: read the configuration again

# Below /run: what the agent asked for ends with the boot for which it asked.
DROP_IN = Path("/run/systemd/logind.conf.d/90-sampan.conf")


class Logind:
    """A connection to logind. Every method raises BusFailure where logind is not there or refuses."""

    def __init__(self, bus: Bus):
        self._bus = bus
        self._lock = -1

    @classmethod
    async def connect(cls) -> Logind:
        """Connect, and ask to be told of shutdowns."""
        bus = await Bus.connect()
        rule = f"type='signal',interface='{_MANAGER}',member='{_SIGNAL}',path='{_PATH}'"
        try:
            await bus.call(_BUS, "/org/freedesktop/DBus", _BUS, "AddMatch", "s", (rule,))
        except BusFailure:
            bus.close()
            raise
        return cls(bus)

    async def longest_delay(self) -> float:
        """Return for how long a lock may hold up a shutdown, in seconds."""
        wanted = (_MANAGER, "InhibitDelayMaxUSec")
        (microseconds,) = await self._bus.call(_NAME, _PATH, f"{_BUS}.Properties", "Get", "ss", wanted)
        return float(microseconds) / 1e6

    async def allow_delay(self, seconds: float) -> None:
        """Have logind accept locks of so many seconds. Raises OSError too."""
        DROP_IN.parent.mkdir(parents=True, exist_ok=True)
        DROP_IN.write_text(f"# Written by the node agent: its shutdown-grace-period.\n{drop_in(seconds)}")
        await self._bus.call(
            "org.freedesktop.systemd1",
            "/org/freedesktop/systemd1",
            "org.freedesktop.systemd1.Manager",
            "KillUnit",
            "ssi",
            ("systemd-logind.service", "all", _HANG_UP),
        )

    async def hold(self) -> None:
        """Take the lock: a shutdown waits from now on until `release`, or until the longest delay is over."""
        self.release()
        why = ("shutdown", "sampan-nodeagent", "pods need time to end", "delay")
        await self._bus.call(_NAME, _PATH, _MANAGER, "Inhibit", "ssss", why)
        self._lock = self._bus.take_descriptor()

    def release(self) -> None:
        """Let the machine go down."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    async def next_change(self) -> bool:
        """Return True once the machine is about to go down, False once that was called off or is over."""
        while True:
            message = await self._bus.signal()
            if message.member == _SIGNAL and message.interface == _MANAGER:
                return bool(message.body[0])

    def close(self) -> None:
        self.release()
        self._bus.close()


def drop_in(seconds: float) -> str:
    """Return logind's setting for so many seconds."""
    return f"[Login]\nInhibitDelayMaxSec={seconds:g}\n"
