"""Numbers to hand out: a CIDR's addresses, a range of ports. The front of each is kept for those who ask by name."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Container
from dataclasses import dataclass
from random import Random

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_MOST_ADDRESSES = 2**16  # of an IPv6 range: more Services than anybody has


class AllocationError(ValueError):
    """Something that cannot be given, in upstream's words."""


@dataclass(frozen=True, slots=True)
class AddressRange:
    """The Service addresses of one IP family."""

    network: Network

    @property
    def family(self) -> str:
        return "IPv4" if self.network.version == 4 else "IPv6"

    @property
    def first(self) -> Address:
        """The address of the `kubernetes` Service."""
        return self.network[1]

    @property
    def size(self) -> int:
        """How many addresses there are to give: not the network's own, and with IPv4 not the broadcast address."""
        ends = 2 if self.network.version == 4 else 1
        return min(max(self.network.num_addresses - ends, 0), _MOST_ADDRESSES if ends == 1 else 2**32)

    def check(self, address: Address, taken: Container[str]) -> None:
        """Raises AllocationError if this very address cannot be given."""
        offset = int(address) - int(self.first)
        if address.version != self.network.version or not 0 <= offset < self.size:
            raise AllocationError(
                f"the provided IP ({address}) is not in the valid range. The range of valid IPs is {self.network}"
            )
        if str(address) in taken:
            raise AllocationError("provided IP is already allocated")

    def pick(self, taken: Container[str], random: Random) -> str:
        """Return a free address. Raises AllocationError."""

        def free(offset: int) -> bool:
            return str(self.first + offset) not in taken

        return str(self.first + _pick(self.size, _front(self.size, 16, 256), free, random))


@dataclass(frozen=True, slots=True)
class PortRange:
    """The node ports, both ends included: 30000-32767."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"

    @classmethod
    def parse(cls, text: str) -> PortRange:
        """Return the range that "30000-32767", "30000+2767" or a single port means. Raises ValueError."""
        first, sign, rest = text.partition("-") if "-" in text else text.partition("+")
        low = int(first)
        high = low if not sign else int(rest) if sign == "-" else low + int(rest)
        if not 1 <= low <= high <= 65535:
            raise ValueError(f"{text!r} is no range of ports between 1 and 65535")
        return cls(low, high)

    @property
    def size(self) -> int:
        return self.last - self.first + 1

    def check(self, port: int, taken: Container[int]) -> None:
        """Raises AllocationError if this very port cannot be given."""
        if not self.first <= port <= self.last:
            raise AllocationError(f"provided port is not in the valid range. The range of valid ports is {self}")
        if port in taken:
            raise AllocationError("provided port is already allocated")

    def pick(self, taken: Container[int], random: Random) -> int:
        """Return a free port. Raises AllocationError."""
        front = _front(self.size, 16, 128, share=32)
        return self.first + _pick(self.size, front, lambda offset: self.first + offset not in taken, random)


def _front(size: int, least: int, most: int, share: int = 16) -> int:
    """Return how many at the front are kept back: a share of the range within bounds; none of a very small one."""
    return 0 if size < least else max(least, min(size // share, most))


def _pick(size: int, front: int, free: Callable[[int], bool], random: Random) -> int:
    """Return a free offset: behind the front from a random place on, then in the front."""
    behind = size - front
    if behind > 0:
        start = random.randrange(behind)
        for step in range(behind):
            offset = front + (start + step) % behind
            if free(offset):
                return offset
    for offset in range(front):
        if free(offset):
            return offset
    raise AllocationError("range is full")
